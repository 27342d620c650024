"""Empatica E4 exports: a folder or zip with ``ACC.csv``, ``BVP.csv``, ``TEMP.csv``, ``IBI.csv`` and ``HR.csv``.

Assumptions
-----------
- Row 1 is the stream's start (Unix seconds, UTC), row 2 its rate, then values. ``IBI.csv`` has no rate row: its rows
  are the beat's time in seconds from the start and the interval that ends there.
- Second 0 of the recording is the earliest start of the streams; they may start and end at different times.
- ``BVP.csv`` begins with zeros while the device starts up: they are missing samples (NaN).
- ``HR.csv`` is the device's own heart rate, an average over the 10 s before each value.
- ``tags.csv`` holds presses of the device's button. Nobody knows what they meant: they are reported as a warning and
  never taken for lights-off or lights-on. ``EDA.csv`` is not read.
- An export whose ``info.txt`` says that it is simulated is named so, whatever its file is called.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from staging.errors import FormatError
from staging.readers.source import Source
from staging.readers.tables import Table, is_number
from staging.readers.timing import MAX_SPAN_S, to_events, to_float32
from staging.recording import Events, Recording, Signal

__all__ = ["CHANNELS", "E4_STREAMS", "SIMULATED_MARK", "TITLE", "E4Stream", "read", "sniff"]

TITLE = "Empatica E4 export (folder or zip)"
CHANNELS = ("acc", "ppg", "temp", "ibi", "hr")


class E4Stream(NamedTuple):
    """How one evenly sampled stream is written."""

    file: str
    channel: str
    rate_hz: float
    columns: int
    scale: float
    """Physical units in one unit of the file."""
    unit: str
    text: str
    """How the device prints a value."""


E4_STREAMS: Mapping[str, E4Stream] = {
    stream.channel: stream
    for stream in (
        E4Stream("ACC.csv", "acc", 32.0, 3, 1 / 64, "g", "%d"),
        E4Stream("BVP.csv", "ppg", 64.0, 1, 1.0, "a.u.", "%.2f"),
        E4Stream("TEMP.csv", "temp", 4.0, 1, 1.0, "degC", "%.2f"),
        E4Stream("HR.csv", "hr", 1.0, 1, 1.0, "bpm", "%.2f"),
    )
}
"""The published layout: channel to file, nominal rate, scale and text. Reading trusts the rate in the file."""

_IBI = "IBI.csv"
_TAGS = "tags.csv"
_INFO = "info.txt"
_EDA = "EDA.csv"

SIMULATED_MARK = b"SIMULATED"
"""What the ``info.txt`` of a simulated export begins with; a device's own describes the files."""

_UNIX_S = (1e9, 1e10)  # years 2001 to 2286
_RATE_HZ = (1e-3, 1e5)


class _Stream(NamedTuple):
    unix_s: float
    rate_hz: float
    values: NDArray[np.float64]


def sniff(source: Source) -> bool:
    """Whether one of the streams begins with a Unix time and a rate, or a file alone is one of those beside them."""
    if source.is_file and source.path.name in (_EDA, _TAGS, _INFO) and _beside(source):
        return True
    picked = source.pick([*(stream.file for stream in E4_STREAMS.values()), _IBI])
    for name, path in picked.items():
        head = source.head(path, 512)
        rows = [line.split(b",") for line in head.replace(b"\r", b"").split(b"\n")[:2]]
        cells = [cell.strip().decode("latin-1") for row in rows for cell in row]
        if not _is_start(cells[0]):
            continue
        if cells[1:2] == ["IBI"] if name == _IBI else len(rows) == 2 and all(is_number(cell) for cell in cells):
            return True
    return False


def read(source: Source) -> Recording:
    r"""Read an Empatica E4 export.

    Parameters
    ----------
    source : Source
        The export.

    Returns
    -------
    Recording
        ``acc`` in g, ``ppg``, ``temp`` in °C, ``ibi`` in s and ``hr`` in bpm, as far as their files are there.

    Raises
    ------
    FormatError
        If a file is damaged, its rate is not positive, or the streams are of different sessions.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from staging.readers.source import open_source
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = pathlib.Path(folder, "TEMP.csv").write_text("1700000000.0\n4.0\n" + "33.51\n" * 240)
    ...     recording = read(open_source(folder))
    >>> recording.start.isoformat(), recording.temp.rate_hz, recording.temp.duration_s
    ('2023-11-14T22:13:20+00:00', 4.0, 60.0)
    """
    files = source.pick([*(stream.file for stream in E4_STREAMS.values()), _IBI, _TAGS, _INFO])
    if source.is_file and not set(files) - {_TAGS, _INFO}:
        problem = "holds none of the sensors that are read from an E4 export"
        raise FormatError(source.where, problem, "give the folder of the session, not each of its files")
    optional = (_TAGS, _INFO)
    warnings = [f"{file} is empty" for file, name in files.items() if not source.sizes[name] and file not in optional]
    files = {file: name for file, name in files.items() if source.sizes[name]}
    streams = {}
    for channel, layout in E4_STREAMS.items():
        if layout.file in files:
            streams[channel], notes = _stream(source, files[layout.file], layout)
            warnings += notes
    beats, notes = _beats(source, files[_IBI]) if _IBI in files else (None, ())
    warnings += notes
    zero_s = _second_zero(source.where, streams, beats)
    found: dict[str, Any] = {}
    for channel, stream in streams.items():
        begin_s, unit = stream.unix_s - zero_s, E4_STREAMS[channel].unit
        if channel == "hr":
            times_s = begin_s + np.arange(len(stream.values)) / stream.rate_hz
            found[channel] = Events(times_s=times_s, values=stream.values, unit=unit)
        else:
            samples = to_float32(stream.values)
            found[channel] = Signal(samples=samples, rate_hz=stream.rate_hz, unit=unit, start_s=begin_s)
    if beats is not None:
        times_s = beats.unix_s - zero_s + beats.values[:, 0]
        found["ibi"], notes = to_events(times_s, beats.values[:, 1], unit="s", where=source.label(files[_IBI]))
        warnings += notes
    if _TAGS in files:
        warnings += _presses(source, files[_TAGS], zero_s)
    warnings += _beside(source)
    start = datetime.fromtimestamp(zero_s, tz=UTC)
    simulated = _INFO in files and source.head(files[_INFO], 16).startswith(SIMULATED_MARK)
    device = "Empatica E4 (simulated)" if simulated else "Empatica E4"
    return Recording(start=start, device=device, source=source.where, warnings=tuple(warnings), **found)


def _beside(source: Source) -> tuple[str, ...]:
    """A warning where a file is given alone that has other sensors beside it."""
    return source.left_beside([*(stream.file for stream in E4_STREAMS.values()), _IBI, source.path.name])


def _is_start(cell: str) -> bool:
    return is_number(cell) and _UNIX_S[0] <= float(cell) < _UNIX_S[1]


def _stream(source: Source, name: str, layout: E4Stream) -> tuple[_Stream, tuple[str, ...]]:
    where = source.label(name)
    table = Table.parse(source.read(name), where)
    rows, warnings = table.numbers(range(layout.columns))
    if table.header or len(rows) < 2:
        raise FormatError(where, "does not begin with a start and a rate", "give the file as the device wrote it")
    unix_s, rate_hz = rows[:2, 0].tolist()
    if not _UNIX_S[0] <= unix_s < _UNIX_S[1]:
        raise FormatError(where, f"its start {unix_s:g} is not Unix seconds", "give the file as the device wrote it")
    if not _RATE_HZ[0] <= rate_hz <= _RATE_HZ[1]:
        raise FormatError(where, f"a rate of {rate_hz:g} Hz", f"row 2 must be a rate, as {layout.rate_hz:g}")
    values = rows[2:] * layout.scale if layout.columns > 1 else rows[2:, 0] * layout.scale
    if layout.channel == "ppg":
        pulse = np.flatnonzero(values)
        values[: pulse[0] if pulse.size else 0] = np.nan
    return _Stream(unix_s, rate_hz, values), warnings


def _beats(source: Source, name: str) -> tuple[_Stream, tuple[str, ...]]:
    where = source.label(name)
    content = source.read(name)
    start = Table.parse(content[:512], where).first_row[:1]
    if not start or not _is_start(start[0]):
        raise FormatError(where, "does not begin with a start in Unix seconds", "give the file as the device wrote it")
    rows, warnings = Table.parse(content, where, skip_rows=1).numbers([0, 1])
    return _Stream(float(start[0]), 0.0, rows), warnings


def _second_zero(where: str, streams: Mapping[str, _Stream], beats: _Stream | None) -> float:
    starts = [stream.unix_s for stream in streams.values()]
    if not starts and beats is not None:
        starts = [beats.unix_s]
    if not starts:
        raise FormatError(where, "none of ACC, BVP, TEMP, HR and IBI.csv has data", "give a session with data")
    together = [*starts, beats.unix_s] if beats is not None else starts
    if max(together) - min(together) > MAX_SPAN_S:
        days = (max(together) - min(together)) / 86400
        raise FormatError(where, f"its streams start {days:.0f} days apart", "give the files of one session")
    return min(starts)


def _presses(source: Source, name: str, zero_s: float) -> tuple[str, ...]:
    rows, _ = Table.parse(source.read(name), source.label(name)).numbers([0])
    if not len(rows):
        return ()
    at_s = ", ".join(f"{unix_s - zero_s:.0f} s" for unix_s in rows[:10, 0])
    more = ", ..." if len(rows) > 10 else ""
    return (f"the button was pressed {len(rows)} times ({at_s}{more}); not taken for lights-off or lights-on",)
