"""Signal files of WFDB records: packed samples -> values.

References
----------
Moody G.B., WFDB Applications Guide, signal(5).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from staging.errors import FormatError
from staging.readers.source import Source
from staging.readers.wfdb_header import HeaderSignal

__all__ = ["FORMATS", "frames_in", "samples"]

IntArray = NDArray[np.int64]

_BYTES_AT_ONCE = 1 << 22
_FRAMES_TOGETHER = 6  # so many fill whole groups in every format


class _Packing(NamedTuple):
    samples: int
    bytes: int
    """So many samples in so many bytes."""
    unpack: Callable[[NDArray[np.uint8]], IntArray]
    """Whole groups of bytes to samples."""
    none: int | None
    """The value that stands for none."""


def _numbers(kind: str, zero: int = 0) -> Callable[[NDArray[np.uint8]], IntArray]:
    return lambda content: content.view(kind).astype(np.int64) - zero


def _signed(values: IntArray, bits: int) -> IntArray:
    shift = 64 - bits
    extended: IntArray = values << shift >> shift
    return extended


def _unpack_24(content: NDArray[np.uint8]) -> IntArray:
    low, middle, high = content.reshape(-1, 3).T.astype(np.int64)
    return _signed(high << 16 | middle << 8 | low, 24)


def _unpack_212(content: NDArray[np.uint8]) -> IntArray:
    first, shared, second = content.reshape(-1, 3).T.astype(np.int64)
    return _signed(np.column_stack([(shared & 0x0F) << 8 | first, shared >> 4 << 8 | second]).ravel(), 12)


def _unpack_310(content: NDArray[np.uint8]) -> IntArray:
    first, second = content.view("<u2").reshape(-1, 2).T.astype(np.int64)
    third = second >> 11 << 5 | first >> 11
    return _signed(np.column_stack([first >> 1, second >> 1, third]).ravel(), 10)


def _unpack_311(content: NDArray[np.uint8]) -> IntArray:
    words = content.view("<u4").astype(np.int64)
    return _signed(np.column_stack([words, words >> 10, words >> 20]).ravel(), 10)


FORMATS: Mapping[int, _Packing] = {
    8: _Packing(1, 1, _numbers("i1"), None),
    16: _Packing(1, 2, _numbers("<i2"), -(1 << 15)),
    24: _Packing(1, 3, _unpack_24, -(1 << 23)),
    32: _Packing(1, 4, _numbers("<i4"), -(1 << 31)),
    61: _Packing(1, 2, _numbers(">i2"), -(1 << 15)),
    80: _Packing(1, 1, _numbers("u1", 1 << 7), -(1 << 7)),
    160: _Packing(1, 2, _numbers("<u2", 1 << 15), -(1 << 15)),
    212: _Packing(2, 3, _unpack_212, -(1 << 11)),
    310: _Packing(3, 4, _unpack_310, -(1 << 9)),
    311: _Packing(3, 4, _unpack_311, -(1 << 9)),
}
"""The formats that can be read, by their numbers."""

_DIFFERENCES = 8


def frames_in(source: Source, name: str, group: Sequence[HeaderSignal]) -> int:
    """Frames that a signal file holds.

    Parameters
    ----------
    source, name : Source, str
        The file.
    group : sequence of HeaderSignal
        All signals of the file, in the order of the header.

    Raises
    ------
    FormatError
        If its signals are of different formats, or of one that cannot be read.
    """
    packing = _packing(group, source.label(name))
    held = max(0, source.sizes[name] - group[0].offset) * packing.samples // packing.bytes
    return held // sum(signal.per_frame for signal in group)


def samples(
    source: Source, name: str, group: Sequence[HeaderSignal], wanted: Sequence[int], n_frames: int
) -> Iterator[tuple[int, int, NDArray[np.float64], int]]:
    """Some signals of a file, a piece at a time.

    Parameters
    ----------
    source, name : Source, str
        The file.
    group : sequence of HeaderSignal
        All signals of the file, in the order of the header.
    wanted : sequence of int
        Which of them.
    n_frames : int
        How many frames, of those that `frames_in` counts.

    Yields
    ------
    which : int
        One of `wanted`.
    begin : int
        Number of the piece's first sample.
    values : ndarray of float64, shape (samples,)
        In the unit of the header; NaN where there is none.
    total : int
        Sum of the piece's digital values.
    """
    packing = _packing(group, source.label(name))
    width = sum(signal.per_frame for signal in group)
    columns = np.concatenate([[0], np.cumsum([signal.per_frame for signal in group])])
    together = _FRAMES_TOGETHER * width * packing.bytes // packing.samples
    last = {which: group[which].initial for which in wanted}
    begin = 0
    with source.open(name) as file:
        file.read(group[0].offset)
        while begin < n_frames:
            piece = file.read(min(max(1, _BYTES_AT_ONCE // together) * together, source.sizes[name]))
            digital = _unpacked(piece, packing)
            frames = min(len(digital) // width, n_frames - begin)
            if not frames:
                break
            table = digital[: frames * width].reshape(frames, width)
            for which in wanted:
                signal = group[which]
                mine = table[:, columns[which] : columns[which + 1]].ravel()
                if signal.format == _DIFFERENCES:
                    mine = last[which] + np.cumsum(mine)
                    last[which] = int(mine[-1])
                with np.errstate(over="ignore"):  # a gain near zero makes what is taken for none
                    values = (mine.astype(np.float64) - signal.baseline) / signal.gain
                if packing.none is not None:
                    values[mine == packing.none] = np.nan
                yield which, begin * signal.per_frame, values, int(mine.sum())
            begin += frames


def _packing(group: Sequence[HeaderSignal], where: str) -> _Packing:
    formats = {signal.format for signal in group}
    if len(formats) > 1:
        raise FormatError(where, f"has signals of the formats {sorted(formats)}", "export it in one format")
    (number,) = formats
    if number not in FORMATS:
        known = ", ".join(str(each) for each in FORMATS)
        raise FormatError(where, f"is in format {number}, which cannot be read", f"convert it to one of {known}")
    return FORMATS[number]


def _unpacked(piece: bytes, packing: _Packing) -> IntArray:
    """Samples of a piece; of its last group those whose bytes are there."""
    held = len(piece) * packing.samples // packing.bytes
    whole = piece.ljust(-(-len(piece) // packing.bytes) * packing.bytes, b"\0")
    return packing.unpack(np.frombuffer(whole, np.uint8))[:held]
