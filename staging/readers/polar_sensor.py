"""Polar's live streams as the app Polar Sensor Logger writes them: a text file a stream and device.

====================== ===================================================================================
file ends in           columns, parted by semicolons
====================== ===================================================================================
``_ACC.txt``           ``Phone timestamp;sensor timestamp [ns];X [mg];Y [mg];Z [mg]``
``_PPG.txt``           ``Phone timestamp;sensor timestamp [ns];channel 0;channel 1;channel 2;ambient``
``_PPI.txt``           ``Phone timestamp;PP-interval [ms];error estimate [ms];blocker;contact;contact;...``
``_RR.txt``            ``Phone timestamp;RR-interval [ms]``
``_HR.txt``            ``Phone timestamp;HR [bpm];...``
====================== ===================================================================================

Assumptions
-----------
- Columns are found by their names, in any order and among others; files under any names.
- The phone's clock says when, the sensor's how far apart: its stamps are moved by the median of the difference.
- Stamps have no zone: taken as UTC, with a warning.
- Intervals come in packets; `staging.readers.beats` says when their beats were. One that the sensor marks as disturbed
  by movement (blocker), or without skin contact, is none.
- PPG is the mean of its channels; ambient light is not taken away, since it is dark at night.
- ECG, gyroscope and magnetometer are not read: the strap's own intervals are in ``_RR.txt``.
- Several files of a stream are parts of one recording. Where several devices recorded, the one with the most streams
  is read, then the one with the most data, or the one that is asked for by its name or a part of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC
from pathlib import PurePosixPath
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from staging.errors import FormatError, InputError
from staging.readers.acceleration import in_g
from staging.readers.beats import beat_times_s
from staging.readers.clocked import read_clocked, taken_as_utc
from staging.readers.source import Source
from staging.readers.streams import Stream, assemble
from staging.readers.tables import Table
from staging.recording import Recording

__all__ = ["CHANNELS", "CHOOSES_RECORDER", "TITLE", "read", "sniff"]

TITLE = "Polar Sensor Logger: ACC, PPG, PPI, RR, HR .txt (a file, folder or zip)"
CHANNELS = ("acc", "ppg", "ibi", "hr")
CHOOSES_RECORDER = True

_HEAD = re.compile(rb'^(?:\xef\xbb\xbf)?\s*"?Phone (?:Data RX )?timestamp"?\s*[;,\t]', re.IGNORECASE)
_HEAD_BYTES = 2048
_SENSOR_TIME = "sensor timestamp [ns]"
_AXIS = re.compile(r"([xyz]) \[(m?g)\]")
_PPG = re.compile(r"channel \d+")
_INTERVALS = ("pp-interval [ms]", "rr-interval [ms]")
_HEART_RATE = "hr [bpm]"
_DISTURBED = "blocker"
_CONTACT = re.compile(r"(?:skin )?contact(?: supported)?")
_SESSION = re.compile(r"[_-]?20\d{6}[_-]?\d{6}(?!\d).*$|[_-](?:acc|ppg|ppi|rr|hr)(?:data)?$", re.IGNORECASE)
_MAX_WANDER_S = 5.0


class _File(NamedTuple):
    name: str
    channel: str
    device: str
    columns: dict[str, list[int]]
    """Names in lower case to where they stand, the first first."""
    size: int


def sniff(source: Source) -> bool:
    """Whether a file begins with the phone's time stamp and a stream that can be read."""
    return bool(_files(source))


def read(source: Source, *, recorder: str | None = None) -> Recording:
    r"""Read one device's streams.

    Parameters
    ----------
    source : Source
        One file, or a folder or zip of one recording.
    recorder : str, optional
        Which device's files: its name, or a part of it, as the files have it, such as ``"H10"``.

    Returns
    -------
    Recording
        ``acc`` in g, ``ppg`` in a.u., ``ibi`` in s and ``hr`` in bpm, as far as they are there.

    Raises
    ------
    FormatError
        If a file is damaged.
    InputError
        If there are no files of the device that is asked for.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from staging.readers.source import open_source
    >>> text = "Phone timestamp;RR-interval [ms]\n2024-03-01T22:10:05.200;1000\n2024-03-01T22:10:06.200;1010\n"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = pathlib.Path(folder, "Polar_H10_12345678_20240301_221000_RR.txt").write_text(text)
    ...     recording = read(open_source(folder))
    >>> recording.device, recording.ibi.values.tolist()
    ('Polar H10 12345678', [1.0, 1.01])
    """
    files = _files(source)
    if not files:
        raise FormatError(source.where, "holds no stream of Polar Sensor Logger", "give its ACC, PPI, RR or HR files")
    device, notes = _device(source, files, recorder)
    streams: list[Stream] = []
    begins_s: list[float] = []
    for file in files:
        if file.device != device:
            continue
        stream, is_wall, said = _stream(source, file)
        streams.append(stream)
        notes += said
        if is_wall and stream.times_s.size:
            begins_s.append(float(np.min(stream.times_s)))
    if begins_s:
        notes.append(taken_as_utc(min(begins_s), source.where))
    notes += source.left_beside([name for name in source.siblings("*.txt") if _device_of(name) == device])
    return assemble(
        streams,
        where=source.where,
        zone=UTC,
        wall_clock=bool(begins_s),
        device=device.replace("_", " "),
        warnings=notes,
    )


def _files(source: Source) -> list[_File]:
    names = source.beginning(lambda head: _HEAD.match(head) is not None)
    files = []
    for name in names:
        head, _, _ = source.head(name, _HEAD_BYTES).partition(b"\n")
        columns: dict[str, list[int]] = {}
        for index, cell in enumerate(Table.parse(head + b"\n", source.label(name)).header):
            columns.setdefault(cell.lower(), []).append(index)
        channel = _channel(columns)
        if channel:
            device = _device_of(name)
            files.append(_File(name, channel, device, columns, source.sizes[name]))
    return files


def _device_of(name: str) -> str:
    """What a file's name says about its device: all before time and stream."""
    return _SESSION.sub("", PurePosixPath(name).stem) or "Polar"


def _channel(columns: Iterable[str]) -> str:
    """What a file's columns give; empty where that is nothing that can be read."""
    names = set(columns)
    if sum(_AXIS.fullmatch(name) is not None for name in names) == 3:
        return "acc"
    if any(_PPG.fullmatch(name) for name in names):
        return "ppg"
    if names & set(_INTERVALS):
        return "ibi"
    return "hr" if _HEART_RATE in names else ""


def _device(source: Source, files: Sequence[_File], recorder: str | None) -> tuple[str, list[str]]:
    """Whose files are read, and which are not."""
    devices = sorted({file.device for file in files})
    if recorder is not None:
        asked = [device for device in devices if recorder.lower() in device.replace("_", " ").lower()]
        asked = asked or [device for device in devices if recorder.lower() in device.lower()]
        if len(asked) != 1:
            problem = f"has {len(asked)} recorders of the name {recorder!r}"
            raise InputError(source.where, problem, f"recorders are {', '.join(devices)}")
        return asked[0], []

    def worth(device: str) -> tuple[int, int]:
        own = [file for file in files if file.device == device]
        return len({file.channel for file in own}), sum(file.size for file in own)

    chosen = max(devices, key=worth)
    others = ", ".join(device for device in devices if device != chosen)
    return chosen, [f"recorded by {chosen}; left out: {others}"] if others else []


def _stream(source: Source, file: _File) -> tuple[Stream, bool, tuple[str, ...]]:
    """A file's stream, whether its stamps have no zone, and warnings."""
    where = source.label(file.name)
    columns = [index for name in _wanted(file) for index in file.columns[name]]
    sensor = file.columns.get(_SENSOR_TIME, [])[:1]
    found = read_clocked(source.read(file.name), where, 0, [*columns, *sensor])
    values, phone_s = found.values[:, : len(columns)], found.times_s
    times_s = _on_phone_clock(phone_s, found.values[:, -1] / 1e9) if sensor else phone_s
    notes = found.warnings
    if file.channel == "acc":
        values, guess = in_g(values, where, unit="mg" if "x [mg]" in file.columns else "g")
        return Stream("acc", times_s, values, where), found.is_wall, (*notes, *guess)
    if file.channel == "ppg":
        return Stream("ppg", times_s, values.mean(axis=1), where), found.is_wall, notes
    if file.channel == "hr":
        return Stream("hr", phone_s, values[:, 0], where), found.is_wall, notes
    intervals_s = np.where(values[:, 0] > 0, values[:, 0] / 1e3, np.nan)
    times_s = beat_times_s(phone_s, intervals_s)
    intervals_s[_disturbed(file, values[:, 1:])] = np.nan
    return Stream("ibi", times_s, intervals_s, where), found.is_wall, notes


def _wanted(file: _File) -> list[str]:
    """Names of the columns that are read, in the order in which they are read."""
    names = list(file.columns)
    if file.channel == "acc":
        return sorted(name for name in names if _AXIS.fullmatch(name))
    if file.channel == "ppg":
        return sorted(name for name in names if _PPG.fullmatch(name))
    if file.channel == "hr":
        return [_HEART_RATE]
    interval = next(name for name in _INTERVALS if name in names)
    return [interval, *(name for name in (_DISTURBED, *_contacts(file)) if name in names)]


def _contacts(file: _File) -> list[str]:
    """Twice the same name, or a second one that says "supported"."""
    return sorted(name for name in file.columns if _CONTACT.fullmatch(name))


def _disturbed(file: _File, flags: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which intervals the sensor does not vouch for: moved, or off the skin where it can tell that."""
    disturbed = np.zeros(len(flags), dtype=np.bool_)
    n_moved = int(_DISTURBED in file.columns)
    if n_moved:
        disturbed |= flags[:, 0] == 1
    # On the skin, and whether the sensor can tell: twice the same name, or two that sort so.
    contact = flags[:, n_moved:]
    if contact.shape[1] == 2:
        disturbed |= (contact[:, 0] == 0) & (contact[:, 1] == 1)
    return disturbed


def _on_phone_clock(phone_s: NDArray[np.float64], sensor_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sensor's stamps on the phone's clock; the phone's own where the two do not run alike."""
    ahead_s = phone_s - sensor_s
    if not np.isfinite(ahead_s).all():
        return phone_s
    low_s, middle_s, high_s = np.percentile(ahead_s, [2, 50, 98])
    return phone_s if high_s - low_s > _MAX_WANDER_S else sensor_s + middle_s
