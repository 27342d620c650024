"""Plain tables that anybody can write: a folder or zip with any of these, or one of them alone.

========== ===================== ==========================================================
file       columns               holds
========== ===================== ==========================================================
acc.csv    t_s,x_g,y_g,z_g       acceleration in g
ppg.csv    t_s,ppg               photoplethysmogram in arbitrary units
temp.csv   t_s,temp_c            skin temperature in °C
ibi.csv    t_s,ibi_s             inter-beat intervals in s, at the beat that ends each
hr.csv     t_s,bpm               heart rate in bpm
counts.csv t_s,counts            te Lindert & Van Someren activity counts in 15-s bins, at the bin's start
========== ===================== ==========================================================

``recording.toml`` may add ``start`` (with a zone), ``lights_off`` and ``lights_on`` (seconds, or times), ``device`` and
``subject``.

Assumptions
-----------
- The header names the columns, in any order and among others; without a header they are in the order above.
- ``t_s`` is seconds from the recording's second 0, where the epoch grid begins whatever the first sample's time; it
  is ``start``, and without it no clock time is known.
- ISO 8601 time stamps or Unix seconds may stand in place of ``t_s``. Then second 0 is ``start`` or, without it, the
  earliest stamp of any file. Stamps without a zone are in the zone of ``start``; without one they are refused.
- Rates are measured from the times. A file given alone is read alone, under any name if its header is as above.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from staging.errors import FormatError
from staging.readers.about import ABOUT_FILE, read_about
from staging.readers.source import Source
from staging.readers.tables import Stamps, Table, is_number
from staging.readers.timing import to_events, to_signal
from staging.recording import Recording

__all__ = ["CHANNELS", "LATEST_UNIX_S", "PLAIN_TABLES", "TIME_COLUMNS", "TITLE", "PlainTable", "read", "sniff"]

TITLE = "Plain tables acc, ppg, temp, ibi, hr, counts .csv and recording.toml (folder, zip or one table)"


class PlainTable(NamedTuple):
    """One table of the plain format."""

    channel: str
    file: str
    columns: tuple[str, ...]
    unit: str
    is_even: bool


PLAIN_TABLES = (
    PlainTable("acc", "acc.csv", ("x_g", "y_g", "z_g"), "g", True),
    PlainTable("ppg", "ppg.csv", ("ppg",), "a.u.", True),
    PlainTable("temp", "temp.csv", ("temp_c",), "degC", True),
    PlainTable("ibi", "ibi.csv", ("ibi_s",), "s", False),
    PlainTable("hr", "hr.csv", ("bpm",), "bpm", False),
    PlainTable("counts", "counts.csv", ("counts",), "counts", False),
)
"""The format: channel, file, columns beside the time, unit, and whether it is sampled evenly."""

CHANNELS = tuple(table.channel for table in PLAIN_TABLES)

TIME_COLUMNS = ("t_s", "time", "timestamp", "datetime")
"""Names of the column of times, the first that is there."""

LATEST_UNIX_S = 1e11
"""Times beyond are not in seconds, and are refused."""

_EARLIEST_UNIX_S = 1e8
_US_PER_S = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Rows(NamedTuple):
    where: str
    seconds: NDArray[np.float64]
    stamps: Stamps | None
    values: NDArray[np.float64]


def sniff(source: Source) -> bool:
    """Whether a file has a name of the format or, alone, a header of the format."""
    return bool(_find(source))


def read(source: Source) -> Recording:
    r"""Read plain tables.

    Parameters
    ----------
    source : Source
        A folder or zip, or one table.

    Returns
    -------
    Recording
        The channels whose tables are there.

    Raises
    ------
    FormatError
        If columns are missing, a field is no number or time, or the tables have no time axis in common.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from staging.readers.source import open_source
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = pathlib.Path(folder, "temp.csv").write_text("t_s,temp_c\n0,33.1\n0.25,33.1\n0.5,33.2\n")
    ...     _ = pathlib.Path(folder, "recording.toml").write_text("start = 2026-03-28T22:41:05+01:00")
    ...     recording = read(open_source(folder))
    >>> recording.temp.rate_hz, recording.start.isoformat()
    (4.0, '2026-03-28T22:41:05+01:00')
    """
    names = _find(source)
    if not names:
        files = ", ".join(table.file for table in PLAIN_TABLES)
        raise FormatError(source.where, "holds none of the plain tables", f"give any of {files}")
    about, warnings = read_about(source)
    rows: dict[str, _Rows] = {}
    for table in PLAIN_TABLES:
        if table.channel in names:
            rows[table.channel], notes = _rows(source, names[table.channel], table)
            warnings += notes
    start = _start(about.start, rows)
    found: dict[str, Any] = {}
    for table in PLAIN_TABLES:
        if table.channel not in rows:
            continue
        where, values = rows[table.channel].where, rows[table.channel].values
        times_s = _seconds(rows[table.channel], start)
        if table.is_even:
            found[table.channel], notes = to_signal(times_s, values, unit=table.unit, where=where)
        else:
            found[table.channel], notes = to_events(times_s, values, unit=table.unit, where=where)
        warnings += notes
    lights_off_s, lights_on_s = about.lights_s(start)
    return Recording(
        start=start,
        lights_off_s=lights_off_s,
        lights_on_s=lights_on_s,
        device=about.device,
        subject=about.subject,
        source=source.where,
        warnings=warnings,
        **found,
    )


def _find(source: Source) -> dict[str, str]:
    """Files by channel."""
    if source.is_file:
        (name,) = source.sizes
        header = {cell.lower() for cell in _header(source, name)}
        timed = header & set(TIME_COLUMNS)
        for table in PLAIN_TABLES:
            if (timed and header >= set(table.columns)) or name.lower() == table.file:
                return {table.channel: name}
        return {}
    picked = source.pick([*(table.file for table in PLAIN_TABLES)])
    return {table.channel: picked[table.file] for table in PLAIN_TABLES if table.file in picked}


def _header(source: Source, name: str) -> tuple[str, ...]:
    try:
        return Table.parse(source.head(name), source.label(name)).header
    except FormatError:
        return ()


def _rows(source: Source, name: str, layout: PlainTable) -> tuple[_Rows, tuple[str, ...]]:
    where = source.label(name)
    table = Table.parse(source.read(name), where)
    header = [cell.lower() for cell in table.header]
    if not header and len(table.first_row) == 1 + len(layout.columns):
        header = [TIME_COLUMNS[0], *layout.columns]
    time = next((header.index(column) for column in TIME_COLUMNS if column in header), None)
    if time is None or not set(layout.columns) <= set(header):
        problem = f"its columns are {', '.join(table.header or table.first_row)}"
        raise FormatError(where, problem[:200], f"name them {TIME_COLUMNS[0]},{','.join(layout.columns)}")
    if not any(table.first_row):
        raise FormatError(where, "has a header and no rows", "record something, or remove the file")
    columns = [header.index(column) for column in layout.columns]
    if len(table.first_row) <= max(time, *columns):
        raise FormatError(where, "its first row is shorter than its header", "mend or remove that row")
    if is_number(table.first_row[time]):
        numbers, warnings = table.numbers([time, *columns])
        seconds, values = numbers[:, 0], numbers[:, 1:]
        stamps = _unix(seconds, where)
    else:
        stamps = table.stamps(time)
        values, warnings = table.numbers(columns)
        seconds = np.empty(0)
        if len(values) < len(stamps.wall_us):  # the last row was cut short behind its stamp
            stamps = Stamps(wall_us=stamps.wall_us[: len(values)], offset=stamps.offset)
    if not len(values):
        raise FormatError(where, "has no whole row", "record something, or remove the file")
    return _Rows(where, seconds, stamps, values if len(columns) > 1 else values[:, 0]), warnings


def _unix(seconds: NDArray[np.float64], where: str) -> Stamps | None:
    """Numbers that can only be Unix seconds, as stamps."""
    middle = float(np.nanmedian(seconds)) if np.isfinite(seconds).any() else 0.0
    if middle < _EARLIEST_UNIX_S:
        return None
    if middle > LATEST_UNIX_S:
        raise FormatError(where, f"a time of {middle:.0f} is not in seconds", "give Unix seconds, or seconds from 0")
    finite = np.where(np.isfinite(seconds), seconds, middle)
    return Stamps(wall_us=np.rint(finite * _US_PER_S).astype(np.int64), offset=UTC)


def _start(start: datetime | None, rows: Mapping[str, _Rows]) -> datetime | None:
    """Time of second 0: as given, else the earliest stamp where there are stamps."""
    if start is not None:
        return start
    firsts: list[tuple[int, tzinfo]] = []
    for each in rows.values():
        if each.stamps is not None:
            if each.stamps.offset is None:
                mend = f"add one, as +01:00, or write start with a zone in {ABOUT_FILE}"
                raise FormatError(each.where, "its time stamps have no zone", mend)
            firsts.append((int(each.stamps.wall_us.min()), each.stamps.offset))
    for each in rows.values():
        if firsts and each.stamps is None:
            problem = "counts seconds where other files have time stamps"
            raise FormatError(
                each.where, problem, f"say in {ABOUT_FILE} when second 0 was: start = 2026-03-28T22:41:05Z"
            )
    if not firsts:
        return None
    first_us, offset = min(firsts, key=lambda first: first[0])
    return (_EPOCH + timedelta(microseconds=first_us)).astimezone(offset)


def _seconds(rows: _Rows, start: datetime | None) -> NDArray[np.float64]:
    """Times from second 0."""
    if rows.stamps is None or start is None:
        return rows.seconds
    zero = start if rows.stamps.offset is not None else start.replace(tzinfo=UTC)
    return (rows.stamps.wall_us - (zero - _EPOCH) // timedelta(microseconds=1)) / _US_PER_S
