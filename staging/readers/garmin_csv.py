"""Garmin's signals as text: CSV files of Labfront, and rows of time stamp, x, y, z without a header.

============================================ ==========================================================
a file with the columns                      is read as
============================================ ==========================================================
``unixTimestampInMs``, ``bbi``               intervals between beats in ms, at the beat that ends each
``unixTimestampInMs``, ``beatsPerMinute``    heart rate
``unixTimestampInMs``, ``x``, ``y``, ``z``   acceleration
none: ``2024-03-01T22:10:05.020+01:00;x;y;z``  acceleration
============================================ ==========================================================

Assumptions
-----------
- Labfront writes some rows about project and participant above the header; the row below the names of those columns
  says whose the file is. Files of several participants are not one recording.
- Acceleration is in mg unless the size of gravity tells otherwise.
- The zone is that of ``isoDate`` or ``timezoneOffsetInMs``, else UTC.
- Several files are parts of one archive, read from the newest until a whole night is there (`staging.readers.streams`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from pathlib import PurePosixPath
from typing import NamedTuple

import numpy as np

from staging.errors import FormatError
from staging.readers.acceleration import in_g
from staging.readers.clocked import read_clocked, taken_as_utc
from staging.readers.source import Source
from staging.readers.streams import Stream, assemble, newest
from staging.readers.tables import Table, is_number
from staging.readers.timing import zone_of
from staging.recording import Recording

__all__ = ["CHANNELS", "TITLE", "read", "sniff"]

TITLE = (
    "Garmin as text: Labfront's CSV of beats, heart rate or acceleration, or rows of time;x;y;z (file, folder or zip)"
)
CHANNELS = ("acc", "ibi", "hr")

_TIME = "unixtimestampinms"
_COLUMNS = {"ibi": ("bbi",), "hr": ("beatsperminute",), "acc": ("x", "y", "z")}
_ISO, _OFFSET, _WHO = "isodate", "timezoneoffsetinms", ("participantinsignia", "participantid")
_NAMED = re.compile(r"garmin-\w+-(?:raw-)?(?:bbi|(?:daily-)?heart-rate|accelerometer).*\.csv$", re.IGNORECASE)
_PREAMBLE = re.compile(rb'^(?:\xef\xbb\xbf)?"?Header Length|^[^\n]*unixTimestampInMs', re.IGNORECASE)
_BARE = re.compile(
    rb"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.\d]*(?:Z|[+-]\d\d:?\d\d)?(?P<mark>[;,\t])"
    rb"-?[\d.]+(?P=mark)-?[\d.]+(?P=mark)-?[\d.]+\s*\r?\n"
)
_HEAD_BYTES = 4096
_MAX_PREAMBLE = 20
_MS = 1e3
_DAY_MS = 86_400_000


class _File(NamedTuple):
    name: str
    channel: str
    time: int
    columns: tuple[int, ...]
    skip_rows: int
    participant: str
    zone: tzinfo | None
    """None where the stamps themselves say it."""

    @property
    def is_bare(self) -> bool:
        """Rows without a header."""
        return self.zone is None


def sniff(source: Source) -> bool:
    """Whether a file begins as Labfront's do and has a signal, or with a row of time, x, y and z."""
    return bool(_files(source))


def read(source: Source) -> Recording:
    r"""Read the signals of a Garmin watch from text.

    Parameters
    ----------
    source : Source
        One file, or a folder or zip of one participant's.

    Returns
    -------
    Recording
        ``acc`` in g, ``ibi`` in s and ``hr`` in bpm, as far as they are there; of many days the last night.

    Raises
    ------
    FormatError
        If a file is damaged, or there are files of several participants.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from staging.readers.source import open_source
    >>> text = "timezoneOffsetInMs,unixTimestampInMs,bbi\n3600000,1700000001000,1000\n3600000,1700000002010,1010\n"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = pathlib.Path(folder, "240301_garmin-device-bbi.csv").write_text(text)
    ...     recording = read(open_source(folder))
    >>> recording.start.isoformat(), recording.ibi.values.tolist()
    ('2023-11-14T23:13:21+01:00', [1.0, 1.01])
    """
    files = {file.name: file for file in _files(source)}
    if not files:
        problem = "holds no table of a Garmin watch with beats, heart rate or acceleration"
        raise FormatError(source.where, problem, "give files of garmin-device-bbi, -heart-rate or the like")
    people = sorted({file.participant for file in files.values() if file.participant})
    if len(people) > 1:
        listed = f"{', '.join(people[:3])}{', ...' if len(people) > 3 else ''}"
        raise FormatError(source.where, f"holds files of {len(people)} participants ({listed})", "give those of one")
    notes: list[str] = []
    zones: list[tzinfo] = []
    wall_s: list[float] = []

    def load(name: str) -> Sequence[Stream]:
        file, where = files[name], source.label(name)
        found = read_clocked(
            source.read(name),
            where,
            file.time,
            file.columns,
            unit="" if file.is_bare else "ms",
            is_slow=file.channel != "acc",
            skip_rows=file.skip_rows,
        )
        notes.extend(found.warnings)
        zones.append(file.zone or found.zone or UTC)
        if found.is_wall:
            wall_s.append(float(np.min(found.times_s)))
        if file.channel == "acc":
            values, guess = in_g(found.values, where, unit="")
            notes.extend(guess)
        elif file.channel == "ibi":
            values = np.where(found.values[:, 0] > 0, found.values[:, 0], np.nan) / _MS
        else:
            values = found.values[:, 0]
        return [Stream(file.channel, found.times_s, values, where)]

    streams, unread = newest(files, load, source.where)
    if wall_s:
        notes.append(taken_as_utc(min(wall_s), source.where))
    return assemble(
        streams,
        where=source.where,
        zone=zones[0],
        wall_clock=bool(wall_s),
        is_archive=len(files) > 1,
        device="Garmin",
        warnings=[*notes, *unread],
    )


def _files(source: Source) -> list[_File]:
    names = [name for name, size in source.sizes.items() if size and _NAMED.search(PurePosixPath(name).name)]
    if not names:
        names = source.beginning(lambda head: _PREAMBLE.match(head) is not None or _BARE.match(head) is not None)
    found = (_file(source, name) for name in names)
    return [file for file in found if file is not None]


def _file(source: Source, name: str) -> _File | None:
    """How a file is to be read; None where it holds no signal."""
    head = source.head(name, _HEAD_BYTES)
    if _BARE.match(head):
        return _File(name, "acc", 0, (1, 2, 3), 0, "", None)
    participant = ""
    lines = head.split(b"\n")
    for row, line in enumerate(lines[:_MAX_PREAMBLE]):
        if not line.strip():
            continue
        try:
            table = Table.parse(line + b"\n" + b"".join(lines[row + 1 : row + 2]) + b"\n", name)
        except FormatError:
            return None
        header = [cell.lower() for cell in table.header]
        for who in _WHO:
            if who in header and header.index(who) < len(table.first_row):
                participant = participant or table.first_row[header.index(who)]
        if _TIME in header:
            for channel, wanted in _COLUMNS.items():
                if set(wanted) <= set(header):
                    columns = tuple(header.index(column) for column in wanted)
                    zone = _zone(header, table.first_row)
                    return _File(name, channel, header.index(_TIME), columns, row, participant, zone)
            return None
    return None


def _zone(header: Sequence[str], row: Sequence[str]) -> tzinfo:
    """Zone of the first row; UTC where it does not say."""
    cells = dict(zip(header, row, strict=False))
    offset_ms = cells.get(_OFFSET, "")
    if is_number(offset_ms) and abs(float(offset_ms)) < _DAY_MS:
        return zone_of(float(offset_ms) / _MS)
    try:
        return datetime.fromisoformat(cells.get(_ISO, "")).tzinfo or UTC
    except ValueError:
        return UTC
