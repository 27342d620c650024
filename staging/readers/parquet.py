"""Parquet files in the plain schema: ``acc.parquet``, ``hr.parquet``, ..., or one file with the columns of any of them.

What the columns are, and what ``recording.toml`` beside them may say, is told in `staging.readers.plain`; Parquet and
text tables may stand side by side.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from staging.readers.parquet_columns import EXTRA, MAGIC
from staging.readers.plain import CHANNELS, read
from staging.readers.plain_schema import PLAIN_TABLES
from staging.readers.source import Source

__all__ = ["CHANNELS", "EXTRA", "TITLE", "read", "sniff"]

TITLE = "Parquet in the plain schema: acc.parquet, hr.parquet, ... (folder, zip or one file)"

_FILES = frozenset(f"{table.name}.parquet" for table in PLAIN_TABLES)


def sniff(source: Source) -> bool:
    """Whether a single file begins as Parquet does, or one of a folder has a name of the schema as well."""
    names = [name for name in source.sizes if source.is_file or PurePosixPath(name).name.lower() in _FILES]
    return any(source.head(name, len(MAGIC)) == MAGIC for name in names)
