"""The plain schema: which columns make a channel, whatever file they stand in, and a recording from them.

Assumptions
-----------
- Times are seconds from the recording's second 0, Unix seconds, or stamps. Second 0 is ``start`` or, where there are
  stamps and no ``start``, the earliest of any channel. Stamps without a zone are in the zone of ``start``.
- Of a table with the columns of several channels each channel has the rows in which it has a value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from staging.errors import FormatError
from staging.readers.about import ABOUT_FILE, About
from staging.readers.tables import Stamps
from staging.readers.timing import to_events, to_signal
from staging.recording import Recording

__all__ = [
    "CHANNELS",
    "LATEST_UNIX_S",
    "PLAIN_TABLES",
    "TIME_COLUMNS",
    "PlainTable",
    "Rows",
    "as_unix",
    "find_columns",
    "recorded",
    "tables_among",
]


class PlainTable(NamedTuple):
    """One table of the plain format."""

    channel: str
    name: str
    columns: tuple[str, ...]
    unit: str
    is_even: bool

    @property
    def file(self) -> str:
        """Its text file."""
        return f"{self.name}.csv"


PLAIN_TABLES = (
    PlainTable("acc", "acc", ("x_g", "y_g", "z_g"), "g", True),
    PlainTable("ppg", "ppg", ("ppg",), "a.u.", True),
    PlainTable("temp", "temp", ("temp_c",), "degC", True),
    PlainTable("ibi", "ibi", ("ibi_s",), "s", False),
    PlainTable("hr", "hr", ("bpm",), "bpm", False),
    PlainTable("counts", "counts", ("counts",), "counts", False),
)
"""The format: channel, table, columns beside the time, unit, and whether it is sampled evenly."""

CHANNELS = tuple(table.channel for table in PLAIN_TABLES)

TIME_COLUMNS = ("t_s", "time", "timestamp", "datetime")
"""Names of the column of times, the first that is there."""

LATEST_UNIX_S = 1e11
"""Times beyond are not in seconds, and are refused."""

_EARLIEST_UNIX_S = 1e8
_US_PER_S = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Rows(NamedTuple):
    """A channel's rows."""

    where: str
    """The file, as errors and warnings name it."""
    seconds: NDArray[np.float64]
    """Times from second 0, or Unix seconds; empty where the file has stamps."""
    stamps: Stamps | None
    """Of its own, or of Unix seconds, then of no meaning where `seconds` has no time."""
    values: NDArray[np.float64]
    """Shape (n,), or (n, 3) of acceleration."""

    def with_values(self) -> Rows:
        """Those rows that have a value."""
        keep = np.flatnonzero(np.isfinite(self.values.reshape(len(self.values), -1)).any(axis=1))
        stamps = self.stamps and Stamps(wall_us=self.stamps.wall_us[keep], offset=self.stamps.offset)
        seconds = self.seconds[keep] if self.seconds.size else self.seconds
        return self._replace(seconds=seconds, stamps=stamps, values=self.values[keep])


def tables_among(columns: Iterable[str]) -> list[PlainTable]:
    """The tables whose columns are there, a time among them; names in lower case."""
    names = set(columns)
    return [table for table in PLAIN_TABLES if names & set(TIME_COLUMNS) and names >= set(table.columns)]


def find_columns(columns: Sequence[str], layout: PlainTable, where: str) -> tuple[int, list[int]]:
    """Where the times and the values of a table stand among its columns, in lower case.

    Raises
    ------
    FormatError
        If one is missing.
    """
    time = next((columns.index(column) for column in TIME_COLUMNS if column in columns), None)
    if time is None or not set(layout.columns) <= set(columns):
        problem = f"its columns are {', '.join(columns)}"
        raise FormatError(where, problem[:200], f"name them {TIME_COLUMNS[0]},{','.join(layout.columns)}")
    return time, [columns.index(column) for column in layout.columns]


def as_unix(seconds: NDArray[np.float64], where: str) -> Stamps | None:
    """Numbers that can only be Unix seconds, as stamps; None where they count from a second 0.

    Raises
    ------
    FormatError
        If they are too large to be seconds.
    """
    middle = float(np.nanmedian(seconds)) if np.isfinite(seconds).any() else 0.0
    if middle < _EARLIEST_UNIX_S:
        return None
    if middle > LATEST_UNIX_S:
        raise FormatError(where, f"a time of {middle:.0f} is not in seconds", "give Unix seconds, or seconds from 0")
    known = np.where(_can_be_unix(seconds), seconds, middle)
    return Stamps(wall_us=np.rint(known * _US_PER_S).astype(np.int64), offset=UTC)


def _can_be_unix(seconds: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which times are any; what is not finite or lies beyond is that of a row without one."""
    can_be: NDArray[np.bool_] = np.abs(seconds) <= LATEST_UNIX_S
    return can_be


def recorded(rows: Mapping[str, Rows], about: About, *, where: str, warnings: Iterable[str] = ()) -> Recording:
    """The recording of some channels' rows.

    Parameters
    ----------
    rows : mapping of str to Rows
        By channel.
    about : About
        What is known beside them.
    where : str
        What the user named.
    warnings : iterable of str
        What the reader has to say already.

    Raises
    ------
    FormatError
        If the rows have no time axis in common.
    """
    notes = list(warnings)
    start = _start(about.start, rows)
    found: dict[str, Any] = {}
    for table in PLAIN_TABLES:
        if table.channel in rows:
            own = rows[table.channel]
            convert = to_signal if table.is_even else to_events
            found[table.channel], more = convert(_seconds(own, start), own.values, unit=table.unit, where=own.where)
            notes += more
    lights_off_s, lights_on_s = about.lights_s(start)
    return Recording(
        start=start,
        lights_off_s=lights_off_s,
        lights_on_s=lights_on_s,
        device=about.device,
        subject=about.subject,
        source=where,
        warnings=tuple(notes),
        **found,
    )


def _start(start: datetime | None, rows: Mapping[str, Rows]) -> datetime | None:
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


def _seconds(rows: Rows, start: datetime | None) -> NDArray[np.float64]:
    """Times from second 0."""
    if rows.stamps is None or start is None:
        return rows.seconds
    zero = start if rows.stamps.offset is not None else start.replace(tzinfo=UTC)
    times_s: NDArray[np.float64] = (rows.stamps.wall_us - (zero - _EPOCH) // timedelta(microseconds=1)) / _US_PER_S
    if rows.seconds.size:
        times_s[~_can_be_unix(rows.seconds)] = np.nan
    return times_s
