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
``subject``. Any of the tables may be Parquet instead: ``acc.parquet``.

Assumptions
-----------
- The header names the columns, in any order and among others; without a header they are in the order above.
- ``t_s`` is seconds from the recording's second 0, where the epoch grid begins whatever the first sample's time; it
  is ``start``, and without it no clock time is known.
- ISO 8601 time stamps or Unix seconds may stand in place of ``t_s``. Then second 0 is ``start`` or, without it, the
  earliest stamp of any file. Stamps without a zone are in the zone of ``start``; without one they are refused.
- Rates are measured from the times. A file given alone is read alone, under any name if its header is as above; it may
  have the columns of several tables.
"""

from __future__ import annotations

import numpy as np

from staging.errors import FormatError
from staging.readers.about import read_about
from staging.readers.parquet_columns import MAGIC as PARQUET
from staging.readers.parquet_columns import column_names, parquet_rows
from staging.readers.plain_schema import (
    CHANNELS,
    PLAIN_TABLES,
    TIME_COLUMNS,
    PlainTable,
    Rows,
    as_unix,
    find_columns,
    recorded,
    tables_among,
)
from staging.readers.source import Source
from staging.readers.tables import Stamps, Table, is_number
from staging.recording import Recording

__all__ = ["CHANNELS", "TITLE", "read", "sniff"]

TITLE = "Plain tables acc, ppg, temp, ibi, hr, counts .csv and recording.toml (folder, zip or one table)"

_ENDINGS = (".csv", ".parquet")


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
    found = _find(source)
    if not found:
        raise _no_table(source)
    about, warnings = read_about(source)
    notes = list(warnings)
    is_shared = len(set(found.values())) < len(found)
    rows: dict[str, Rows] = {}
    for channel, name in found.items():
        (table,) = (table for table in PLAIN_TABLES if table.channel == channel)
        own, more = _rows(source, name, table)
        own = own.with_values() if is_shared else own
        notes += [note for note in more if note not in notes]
        if len(own.values):
            rows[channel] = own
        else:
            notes.append(f"{channel} holds no values and was left out")
    if source.is_file:
        notes += source.left_beside({table.name + ending for table in PLAIN_TABLES for ending in _ENDINGS})
    return recorded(rows, about, where=source.where, warnings=notes)


def _no_table(source: Source) -> FormatError:
    """What is there instead, and what should be."""
    columns = _header(source, next(iter(source.sizes))) if source.is_file else []
    if columns:
        wanted = " or ".join(",".join((TIME_COLUMNS[0], *table.columns)) for table in PLAIN_TABLES)
        return FormatError(source.where, f"its columns are {', '.join(columns)}"[:200], f"name them {wanted}")
    files = ", ".join(table.file for table in PLAIN_TABLES)
    return FormatError(source.where, "holds none of the plain tables", f"give any of {files}")


def _find(source: Source) -> dict[str, str]:
    """Files by channel."""
    if source.is_file:
        (name,) = source.sizes
        if found := tables_among(_header(source, name)):
            return {table.channel: name for table in found}
        return {table.channel: name for table in PLAIN_TABLES if name.lower() == table.file}
    picked = source.pick([table.name + ending for table in PLAIN_TABLES for ending in _ENDINGS])
    of_table = {
        table.channel: [picked[table.name + ending] for ending in _ENDINGS if table.name + ending in picked]
        for table in PLAIN_TABLES
    }
    for names in of_table.values():
        if len(names) > 1:
            raise FormatError(source.where, f"holds both {names[0]} and {names[1]}", "leave one of them there")
    return {channel: names[0] for channel, names in of_table.items() if names}


def _header(source: Source, name: str) -> list[str]:
    """Names of the columns in lower case; none where it is no table."""
    head = source.head(name)
    if head.startswith(PARQUET):
        return column_names(source, name)
    try:
        return [cell.lower() for cell in Table.parse(head, source.label(name)).header]
    except FormatError:
        return []


def _rows(source: Source, name: str, layout: PlainTable) -> tuple[Rows, tuple[str, ...]]:
    if source.head(name, len(PARQUET)) == PARQUET:
        return parquet_rows(source, name, layout), ()
    where = source.label(name)
    table = Table.parse(source.read(name), where)
    header = [cell.lower() for cell in table.header]
    if not header and len(table.first_row) == 1 + len(layout.columns):
        header = [TIME_COLUMNS[0], *layout.columns]
    time, columns = find_columns(header or list(table.first_row), layout, where)
    if not any(table.first_row):
        raise FormatError(where, "has a header and no rows", "record something, or remove the file")
    if len(table.first_row) <= max(time, *columns):
        raise FormatError(where, "its first row is shorter than its header", "mend or remove that row")
    if is_number(table.first_row[time]):
        numbers, warnings = table.numbers([time, *columns])
        seconds, values = numbers[:, 0], numbers[:, 1:]
        stamps = as_unix(seconds, where)
    else:
        stamps = table.stamps(time)
        values, warnings = table.numbers(columns)
        seconds = np.empty(0)
        if len(values) < len(stamps.wall_us):  # the last row was cut short behind its stamp
            stamps = Stamps(wall_us=stamps.wall_us[: len(values)], offset=stamps.offset)
    if not len(values):
        raise FormatError(where, "has no whole row", "record something, or remove the file")
    return Rows(where, seconds, stamps, values if len(columns) > 1 else values[:, 0]), warnings
