"""A table's column of times, whatever it counts -> seconds; with the other columns as numbers.

Assumptions
-----------
- Time stamps are ISO 8601; a space before their zone is let through. Without a zone they are taken as UTC; who
  asks for them says so.
- Numbers that can be Unix times between 2001 and 2065 are, in s, ms, µs or ns; others count from an unknown zero, such
  as the device's start, and no clock is known. Where the header does not say in what they count, the step does: a
  sensor's is at least 0.5 ms, a heart rate's 0.2 s, and the next larger unit would make it 1000 times as long.
- A last row that was cut short is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import PurePath
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from staging.errors import FormatError
from staging.readers.tables import Stamps, Table, is_number
from staging.recording import TAKEN_AS_UTC

__all__ = ["Clocked", "flat", "read_clocked", "taken_as_utc", "unix_s", "unix_scale"]

_SPACED_ZONE = re.compile(rb"\d [+-]\d\d:?\d\d")
_PER_S: Mapping[str, float] = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
_UNIX_S = (1e9, 3e9)
_FAST_STEP_S, _SLOW_STEP_S = (0.5e-3, 2.0), (0.2, 600.0)
_US_PER_S = 1e6
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clocked(NamedTuple):
    """Columns of a table with their times."""

    times_s: NDArray[np.float64]
    """Unix seconds, or seconds from an unknown zero where `zone` is None."""
    values: NDArray[np.float64]
    """Shape (n, number of columns)."""
    zone: tzinfo | None
    """Zone of the first stamp; UTC for Unix times and for stamps without a zone."""
    is_wall: bool
    """The stamps have no zone; `taken_as_utc` says so."""
    warnings: tuple[str, ...]


def read_clocked(
    content: bytes,
    where: str,
    time: int,
    columns: Sequence[int],
    *,
    unit: str = "",
    is_slow: bool = False,
    skip_rows: int = 0,
) -> Clocked:
    r"""Read a table's times and some of its columns.

    Parameters
    ----------
    content : bytes
        The file.
    where : str
        The file, as errors name it.
    time : int
        Column of the times, from 0.
    columns : sequence of int
        Other columns, from 0; numbers.
    unit : str
        ``"s"``, ``"ms"``, ``"us"`` or ``"ns"`` where the header says it.
    is_slow : bool
        Rows are heart rates or beats, not samples of a sensor.
    skip_rows : int
        Rows above the header.

    Raises
    ------
    FormatError
        If the file is no table with such columns, or holds no row.

    Examples
    --------
    >>> read_clocked(b"time,x\n1700000000020,1\n1700000000040,2\n", "a.csv", 0, [1]).times_s.tolist()
    [1700000000.02, 1700000000.04]
    >>> found = read_clocked(b"time,x\n2023-11-14 22:13:20 +0100,1\n", "a.csv", 0, [1])
    >>> found.times_s.tolist(), str(found.zone)
    ([1699996400.0], 'UTC+01:00')
    """
    if _SPACED_ZONE.search(content[:4096]):
        content = content.replace(b" +", b"+").replace(b" -", b"-")
    table = Table.parse(content, where, skip_rows=skip_rows)
    if not any(table.first_row):
        raise FormatError(where, "has a header and no rows", "record something, or remove the file")
    if len(table.first_row) <= max(time, *columns):
        raise FormatError(where, "its first row is shorter than its header", "mend or remove that row")
    if is_number(table.first_row[time]):
        numbers, notes = table.numbers([time, *columns])
        times_s, zone = _counted(numbers[:, 0], unit, _SLOW_STEP_S if is_slow else _FAST_STEP_S)
        found = Clocked(times_s, numbers[:, 1:], zone, False, notes)
    else:
        stamps, values, notes = _stamped(table, content, where, time, columns, skip_rows)
        found = Clocked(stamps.wall_us / _US_PER_S, values, stamps.offset or UTC, stamps.offset is None, notes)
    if not found.times_s.size:
        raise FormatError(where, "has no whole row", "record something, or remove the file")
    return found


def flat(values: Iterable[object]) -> NDArray[np.float64]:
    """Numbers of a JSON list; null is NaN.

    Raises
    ------
    TypeError, ValueError, OverflowError
        If one is no single number.

    Examples
    --------
    >>> flat([61, None, 60.5]).tolist()
    [61.0, nan, 60.5]
    """
    numbers = np.array(list(values), dtype=np.float64)
    if numbers.ndim != 1:
        raise ValueError("a list stands for a number")
    return numbers


def unix_s(texts: Iterable[str]) -> NDArray[np.float64]:
    """Unix seconds of ISO 8601 times; those without a zone are taken as UTC.

    Raises
    ------
    ValueError
        If one is no such time.

    Examples
    --------
    >>> unix_s(["2023-11-14T22:13:20", "2023-11-14T23:13:20.5+01:00"]).tolist()
    [1700000000.0, 1700000000.5]
    """
    moments = map(datetime.fromisoformat, texts)
    return np.array([(each if each.tzinfo else each.replace(tzinfo=UTC)).timestamp() for each in moments])


def unix_scale(value: float) -> float | None:
    """How many of a Unix time's units are a second; None if it can be none.

    Examples
    --------
    >>> unix_scale(1.7e12), unix_scale(1.7e9), unix_scale(36000.0)
    (1000.0, 1.0, None)
    """
    low, high = _UNIX_S
    return next((per_s for per_s in _PER_S.values() if low * per_s <= value < high * per_s), None)


def taken_as_utc(unix_s: float, where: str) -> str:
    """The warning about clock times without a zone."""
    try:
        start = f"{_EPOCH + timedelta(seconds=int(unix_s)):%Y-%m-%d %H:%M:%S}"
    except (OverflowError, ValueError):  # of no year
        start = f"{unix_s:.4g} s"
    return f"{PurePath(where).name} has no time zone; its start {start} {TAKEN_AS_UTC}"


def _counted(
    counts: NDArray[np.float64], unit: str, steps_s: tuple[float, float]
) -> tuple[NDArray[np.float64], tzinfo | None]:
    finite = counts[np.isfinite(counts)]
    middle = float(np.median(finite)) if finite.size else 0.0
    steps = np.diff(finite)
    steps = steps[steps > 0]
    step = float(np.median(steps)) if steps.size else 0.0
    shortest_s, longest_s = steps_s
    per_s = unix_scale(middle)
    # What counts from a device's start can be as large as a Unix time in a larger unit, but its steps are too long.
    if per_s is not None and (not unit or per_s == _PER_S[unit]) and step <= longest_s * per_s:
        return counts / per_s, UTC
    if unit:
        return counts / _PER_S[unit], None
    per_s = next((each for each in sorted(_PER_S.values(), reverse=True) if step >= shortest_s * each), 1.0)
    return counts / per_s, None


def _stamped(
    table: Table, content: bytes, where: str, time: int, columns: Sequence[int], skip_rows: int
) -> tuple[Stamps, NDArray[np.float64], tuple[str, ...]]:
    """Stamps and values of as many rows."""
    try:
        stamps = table.stamps(time)
    except FormatError:
        above, newline, _ = content.rstrip(b"\r\n\0 ").rpartition(b"\n")
        if not newline or content.endswith(b"\n"):
            raise
        table = Table.parse(above + b"\n", where, skip_rows=skip_rows)
        stamps, values, notes = _stamped(table, above + b"\n", where, time, columns, skip_rows)
        return stamps, values, (*notes, f"{PurePath(where).name}: the last row was cut short and left out")
    values, notes = table.numbers(columns)
    n = min(len(values), len(stamps.wall_us))
    return Stamps(wall_us=stamps.wall_us[:n], offset=stamps.offset), values[:n], notes
