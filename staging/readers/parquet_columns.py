"""Columns of a Parquet file as the plain schema names them.

Assumptions
-----------
- Times are numbers, Arrow time stamps, or texts in ISO 8601. Rows whose time is missing have none.
- Only the columns that are needed are decoded. A file that declares more rows than a recording can have is refused.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from staging.errors import FormatError
from staging.readers.extras import library
from staging.readers.plain_schema import LATEST_UNIX_S, PlainTable, Rows, as_unix, find_columns
from staging.readers.source import Source
from staging.readers.tables import Stamps, Table
from staging.readers.timing import MAX_SAMPLES

__all__ = ["EXTRA", "MAGIC", "column_names", "parquet_rows"]

MAGIC = b"PAR1"
"""The first bytes of a Parquet file."""

EXTRA = "parquet"

_PER_S = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_FREE_BYTES = 256 << 20
_MAX_RATIO = 300
_US_PER_S = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def column_names(source: Source, name: str) -> list[str]:
    """Names of a file's columns, in lower case.

    Raises
    ------
    FormatError
        If it is damaged, or pyarrow is not installed.
    """
    with _opened(source, name) as file:
        return [column.lower() for column in file.schema_arrow.names]


def parquet_rows(source: Source, name: str, layout: PlainTable) -> Rows:
    """The rows of one of the plain tables.

    Raises
    ------
    FormatError
        If columns are missing or hold no numbers, the file is damaged, or pyarrow is not installed.
    """
    where = source.label(name)
    with _opened(source, name) as file:
        names = file.schema_arrow.names
        time, columns = find_columns([column.lower() for column in names], layout, where)
        n_rows = file.metadata.num_rows
        if not 0 < n_rows <= MAX_SAMPLES:
            problem = f"{n_rows} rows are {'none' if n_rows <= 0 else 'too many for one recording'}"
            raise FormatError(where, problem, "give one recording")
        n_bytes = 8 * n_rows * (1 + len(columns))
        if n_bytes > _FREE_BYTES and n_bytes > _MAX_RATIO * source.sizes[name]:
            problem = f"unpacks to {n_bytes / 1e6:.0f} MB from {source.sizes[name] / 1e6:.1f} MB"
            raise FormatError(where, f"{problem}, which no recording does", "write it again from what was recorded")
        table = file.read(columns=[names[index] for index in (time, *columns)], use_threads=False)
        values = np.column_stack([_numbers(table.column(names[index]), names[index], where) for index in columns])
        seconds, stamps = _times(table.column(names[time]), names[time], where)
    return Rows(where, seconds, stamps, values if len(columns) > 1 else values[:, 0])


@contextmanager
def _opened(source: Source, name: str) -> Iterator[Any]:
    where = source.label(name)
    parquet = library("pyarrow.parquet", EXTRA, where)
    path = source.local(name)
    try:
        with parquet.ParquetFile(path if path is not None else io.BytesIO(source.read(name))) as file:
            yield file
    except FormatError:
        raise
    except Exception as error:  # a damaged file can fail anywhere inside Arrow
        reason = " ".join(str(error).split())[:100]
        raise FormatError(where, f"the Parquet file is damaged ({reason})", "write or copy it again") from error


def _numbers(column: Any, name: str, where: str) -> NDArray[np.float64]:
    try:
        numbers: NDArray[np.float64] = column.cast("float64").to_numpy()
    except Exception as error:
        raise FormatError(where, f"its column {name} is {column.type}, not numbers", "write it as numbers") from error
    return numbers


def _times(column: Any, name: str, where: str) -> tuple[NDArray[np.float64], Stamps | None]:
    """Seconds from second 0, or stamps."""
    kind = str(column.type)
    if kind.startswith("timestamp["):
        return np.empty(0), _stamps(column, kind, where)
    if kind in ("string", "large_string"):
        text = "time\n" + "\n".join(cell or "" for cell in column.to_pylist()) + "\n"
        return np.empty(0), Table.parse(text.encode(), where).stamps(0)
    seconds = _numbers(column, name, where)
    return seconds, as_unix(seconds, where)


def _stamps(column: Any, kind: str, where: str) -> Stamps:
    """Arrow's own, such as ``timestamp[us, tz=Europe/Berlin]``."""
    if column.null_count:
        raise FormatError(where, f"{column.null_count} rows have no time", "remove those rows")
    unit, _, zone = kind.removeprefix("timestamp[").removesuffix("]").partition(", tz=")
    ticks: NDArray[np.int64] = column.cast("int64").to_numpy()
    per_s = _PER_S[unit]
    if ticks.min() < 0 or ticks.max() > LATEST_UNIX_S * per_s:
        raise FormatError(where, "a time stamp lies before 1970 or far beyond today", "mend or remove that row")
    wall_us = ticks * (_US_PER_S // per_s) if per_s <= _US_PER_S else ticks // (per_s // _US_PER_S)
    if not zone:
        return Stamps(wall_us=wall_us, offset=None)
    first = _EPOCH + timedelta(microseconds=int(wall_us[0]))
    return Stamps(wall_us=wall_us, offset=_offset(zone, first))


def _offset(zone: str, moment: datetime) -> timezone:
    """A zone's offset at a time; of one that nobody knows, UTC: the stamps are in UTC whatever the zone."""
    try:
        is_fixed = zone.startswith(("+", "-"))
        shown = moment.astimezone(
            datetime.fromisoformat(f"2000-01-01T00:00{zone}").tzinfo if is_fixed else ZoneInfo(zone)
        )
    except (ValueError, LookupError, OSError):
        return UTC
    return timezone(shown.utcoffset() or timedelta(0))
