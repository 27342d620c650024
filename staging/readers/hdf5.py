"""HDF5 files in the plain schema: a group or dataset for each of ``acc``, ``ppg``, ``temp``, ``ibi``, ``hr``, ...

Assumptions
-----------
- Each is one of: a group with a dataset a column, as ``acc/t_s``, ``acc/x_g``, ``acc/y_g``, ``acc/z_g``; a compound
  dataset with these fields; or, where samples are even, a plain dataset of shape (n, 3) for ``acc`` and (n,) else with
  the attribute ``rate_hz`` and, unless it begins at second 0, ``start_s``.
- Columns and units are those of `staging.readers.plain`. Times are numbers: seconds from second 0, or Unix seconds.
- Attributes of the file say what ``recording.toml`` says beside tables: ``start``, ``device``, ``subject``, ...
- What links to other files is not followed, and a dataset that declares far more than the file holds is refused.
"""

from __future__ import annotations

import io
import mmap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from staging.errors import FormatError, StagingError
from staging.readers.about import KEYS, about_of
from staging.readers.extras import library
from staging.readers.hdf5_heap import are_heaps_whole
from staging.readers.plain_schema import (
    CHANNELS,
    PLAIN_TABLES,
    TIME_COLUMNS,
    PlainTable,
    Rows,
    as_unix,
    find_columns,
    recorded,
)
from staging.readers.source import Source
from staging.readers.timing import MAX_SAMPLES
from staging.recording import Recording

__all__ = ["CHANNELS", "EXTRA", "TITLE", "read", "sniff"]

TITLE = (
    "HDF5 in the plain schema: groups or datasets acc, ppg, temp, ibi, hr, counts (a file, or a folder or zip with one)"
)
EXTRA = "hdf5"

_MAGIC = b"\x89HDF\r\n\x1a\n"
_FREE_BYTES = 64 << 20
_MAX_RATIO = 300
_MAX_NUMBER_BYTES = 8
_RATE = "rate_hz"
_START = "start_s"


def sniff(source: Source) -> bool:
    """Whether a file begins as HDF5 does."""
    return bool(_files(source))


def read(source: Source) -> Recording:
    """Read the channels of an HDF5 file.

    Parameters
    ----------
    source : Source
        The file, or a folder or zip that holds no other of its kind.

    Returns
    -------
    Recording
        The channels that are there.

    Raises
    ------
    FormatError
        If it holds none of them, a column is missing, it is damaged, or h5py is not installed.
    """
    name = source.only(_files(source), "HDF5")
    where = source.label(name)
    h5py = library("h5py", EXTRA, where)
    path = source.local(name)
    content = b"" if path is not None else source.read(name)
    _refuse_endless(path or content, where)
    try:
        with h5py.File(path if path is not None else io.BytesIO(content), "r") as file:
            about = about_of({key: _said(h5py, file, key, where) for key in KEYS if key in file.attrs}, where)
            own = {child.lower(): child for child in file if isinstance(file.get(child, getlink=True), h5py.HardLink)}
            rows = {
                table.channel: _rows(h5py, file[own[table.name]], table, where)
                for table in PLAIN_TABLES
                if table.name in own
            }
            held = ", ".join(sorted(own)[:6]) or "nothing"
    except StagingError:
        raise
    except Exception as error:  # a damaged file can fail anywhere inside the library
        reason = " ".join(str(error).split())[:100]
        raise FormatError(where, f"the HDF5 file is damaged ({reason})", "write or copy it again") from error
    if not rows:
        raise FormatError(where, f"holds none of the plain tables but {held}", f"name them {', '.join(CHANNELS)}")
    return recorded(rows, about, where=source.where)


def _files(source: Source) -> list[str]:
    return source.beginning(lambda head: head.startswith(_MAGIC))


def _refuse_endless(content: Path | bytes, where: str) -> None:
    """Refuse what the library would read for ever."""
    if isinstance(content, bytes):
        whole = are_heaps_whole(content)
    else:
        with content.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            whole = are_heaps_whole(mapped)
    if not whole:
        raise FormatError(where, "the HDF5 file is damaged (a text without an end)", "write or copy it again")


def _rows(h5py: Any, item: Any, layout: PlainTable, where: str) -> Rows:
    """One channel, in any of the three ways to write it."""
    if isinstance(item, h5py.Group):
        columns = {
            name.lower(): item[name]
            for name in item
            if isinstance(item.get(name, getlink=True), h5py.HardLink) and isinstance(item[name], h5py.Dataset)
        }
        return _table(columns, layout, where)
    inner = f"{where}/{layout.name}"
    if item.dtype.names:
        _refuse_size(item, inner)
        # One by one: fields that overlap, as damaged ones do, would have the library write beyond its memory.
        fields = {name: item.dtype.fields[name][0] for name in item.dtype.names}
        return _table({name.lower(): item[name] for name in fields if _is_number(fields[name])}, layout, where)
    if _RATE not in item.attrs:
        wanted = f"{TIME_COLUMNS[0]},{','.join(layout.columns)}"
        raise FormatError(inner, f"has no attribute {_RATE}", f"add it, or write the columns {wanted}")
    values = _numbers(item, inner)
    shape = (len(values), len(layout.columns)) if len(layout.columns) > 1 else (len(values),)
    if values.shape != shape:
        raise FormatError(inner, f"has the shape {values.shape}", f"give {shape}")
    rate_hz = _number(_said(h5py, item, _RATE, inner))
    start_s = _number(_said(h5py, item, _START, inner)) if _START in item.attrs else 0.0
    if not (np.isfinite(rate_hz) and rate_hz > 0 and np.isfinite(start_s)):
        raise FormatError(inner, f"has the {_RATE} {rate_hz:g} and the {_START} {start_s:g}", "mend them")
    seconds = start_s + np.arange(len(values)) / rate_hz
    return Rows(where, seconds, as_unix(seconds, inner), values)


def _table(columns: Mapping[str, Any], layout: PlainTable, where: str) -> Rows:
    """Columns with their times."""
    inner = f"{where}/{layout.name}"
    names = list(columns)
    time, wanted = find_columns(names, layout, inner)
    seconds = _numbers(columns[names[time]], f"{inner}/{names[time]}")
    values = [_numbers(columns[names[index]], f"{inner}/{names[index]}") for index in wanted]
    lengths = {len(each) for each in (seconds, *values)}
    if any(each.ndim != 1 for each in (seconds, *values)) or len(lengths) != 1:
        raise FormatError(inner, f"its columns have {sorted(lengths)} values", "give one a row")
    return Rows(where, seconds, as_unix(seconds, inner), np.column_stack(values) if len(values) > 1 else values[0])


def _numbers(item: Any, where: str) -> NDArray[np.float64]:
    """A dataset or array of numbers that the file really holds."""
    if not isinstance(item, np.ndarray):
        _refuse_size(item, where)
    if not _is_number(item.dtype) or not item.ndim:
        raise FormatError(where, f"is of type {item.dtype}, not numbers", "write it as numbers, times in seconds")
    numbers: NDArray[np.float64] = np.asarray(item[()], dtype=np.float64)
    return numbers


def _is_number(dtype: np.dtype[Any]) -> bool:
    """Whether values are single numbers of at most eight bytes: a damaged type may claim any other."""
    return dtype.kind in "iuf" and dtype.itemsize <= _MAX_NUMBER_BYTES


def _refuse_size(dataset: Any, where: str) -> None:
    if dataset.is_virtual or dataset.external:
        raise FormatError(where, "lies in another file", "write it into this one")
    n_bytes, stored = dataset.size * dataset.dtype.itemsize, dataset.id.get_storage_size()
    if (dataset.ndim and len(dataset) > MAX_SAMPLES) or (n_bytes > _FREE_BYTES and n_bytes > _MAX_RATIO * stored):
        raise FormatError(where, f"declares {n_bytes / 1e6:.0f} MB and holds {stored / 1e6:.1f} MB", "write it again")


def _said(h5py: Any, item: Any, key: str, where: str) -> object:
    """An attribute as TOML would have it: one text or one number.

    On some of what a damaged one may claim to be the library dies, and this process with it.

    Raises
    ------
    FormatError
        If it is anything else.
    """
    stored = item.attrs.get_id(key)
    is_one = stored.get_space().get_simple_extent_npoints() == 1
    if not is_one or not (isinstance(stored.get_type(), h5py.h5t.TypeStringID) or _is_number(stored.dtype)):
        raise FormatError(where, f"its attribute {key} is neither one text nor one number", "write it as one")
    value = item.attrs[key]
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    return np.asarray(value).reshape(-1)[0].item() if isinstance(value, np.generic | np.ndarray) else value


def _number(value: Any) -> float:
    return float(np.asarray(value, dtype=np.float64).reshape(-1)[0])
