"""Blocks of samples, each with one time stamp -> an even grid.

Devices write samples in blocks (a memory page, a packet, a file), stamp each with their clock, and sample with another
one that runs up to some percent faster or slower than stated, and not always equally so.

Assumptions
-----------
- The stamps are right in the long run; a single one may jitter by about a sample. The rate of the grid is measured
  from them where they are enough.
- Blocks follow each other without a gap unless the next one is later than the samples, the stated error of the rate
  and the jitter explain. Gaps stay NaN.
- Samples are the device's own. Where its clocks drift apart by a sample, one is given twice or left out in the middle
  of a block, so that all stay within about a sample of their times.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from staging.errors import FormatError
from staging.readers.timing import MAX_SPAN_S, is_too_empty

__all__ = ["Layout", "gap_notes", "in_order", "lay_out", "left_out"]

_MEASURED_FROM_S = 3.0  # of unbroken blocks; in less, the jitter of stamps would spoil the rate
_JITTER_S = 0.5  # of a stamp, or half a block where that is less
_PIECE_S = 20.0  # stamps of so long are averaged
_DAY_S = 86400.0

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Layout:
    """Where the samples of blocks stand on an even grid.

    Attributes
    ----------
    rate_hz : float
        Rate of the grid.
    start_s : float
        Time of the grid's first sample, on the clock of the stamps.
    counts : ndarray of int64, shape (n,)
        Samples in each block.
    first : ndarray of int64, shape (n,)
        Place of each block's first sample on the grid.
    length : ndarray of int64, shape (n,)
        Places that each block fills: its samples, but for one more or less where the clocks drift.
    """

    rate_hz: float
    start_s: float
    counts: IntArray
    first: IntArray
    length: IntArray

    @property
    def n_samples(self) -> int:
        """Length of the grid."""
        return int(self.first[-1] + self.length[-1])

    def gaps(self) -> IntArray:
        """Begin and end of each gap on the grid, int64 ``(n, 2)``."""
        ends = self.first + self.length
        is_gap = self.first[1:] > ends[:-1]
        return np.column_stack([ends[:-1][is_gap], self.first[1:][is_gap]])

    def empty(self, axes: int = 3) -> NDArray[np.float32]:
        """A grid without samples: NaN, float32 ``(n_samples, axes)``."""
        return np.full((self.n_samples, axes), np.nan, dtype=np.float32)

    def chunks(self, blocks: int) -> Iterator[slice]:
        """Slices of so many blocks, to decode and `put` a part at a time."""
        for begin in range(0, len(self.counts), blocks):
            yield slice(begin, min(begin + blocks, len(self.counts)))

    def put(self, grid: NDArray[np.float32], part: slice | IntArray, values: NDArray[np.floating]) -> None:
        """Put the samples of some blocks in their places.

        Parameters
        ----------
        grid : ndarray of float32, shape (n_samples, axes)
            What `empty` gave; changed in place.
        part : slice, or ndarray of int64 that increase
            Which blocks.
        values : ndarray, shape (blocks, at least their largest count, axes)
            Their samples.
        """
        first, length, counts = self.first[part], self.length[part], self.counts[part]
        total = int(length.sum())
        if not total:
            return
        plain = bool(np.all(length == values.shape[1]) and np.all(counts == values.shape[1]))
        samples = values.reshape(-1, values.shape[2])
        if not plain:
            within = np.arange(total) - np.repeat(np.cumsum(length) - length, length)
            taken = np.repeat(counts, length)
            row = np.repeat(np.arange(len(counts)) * values.shape[1], length)
            samples = samples[row + (2 * within + 1) * taken // (2 * np.repeat(length, length))]
        if first[-1] + length[-1] - first[0] == total:
            grid[first[0] : first[0] + total] = samples
        else:
            ends = np.cumsum(length)
            grid[np.repeat(first - (ends - length), length) + np.arange(total)] = samples

    def each_second(self, values: FloatArray) -> NDArray[np.float32]:
        """One value a block -> the value of the block that each second from the grid's start falls into.

        Parameters
        ----------
        values : ndarray of float64, shape (n,)
            One value for each block; NaN where there is none.

        Returns
        -------
        ndarray of float32, shape (whole seconds,)
            NaN where there is no block.
        """
        begins_s, ends_s = self.first / self.rate_hz, (self.first + self.length) / self.rate_hz
        seconds = np.arange(max(1, int(ends_s[-1])))
        block = (np.searchsorted(begins_s, seconds, side="right") - 1).clip(min=0)
        return np.where(seconds < ends_s[block], values[block], np.nan).astype(np.float32)


def lay_out(
    begins_s: FloatArray, counts: IntArray, stated_hz: float, *, rate_error: float, where: str, measure: bool = True
) -> Layout:
    """Places of blocks on an even grid.

    Parameters
    ----------
    begins_s : ndarray of float64, shape (n,)
        Time of each block's first sample, increasing (see `in_order`).
    counts : ndarray of int64, shape (n,)
        Samples in each block, at least 1.
    stated_hz : float
        Rate as the device states it.
    rate_error : float
        Share by which the true rate may differ from it.
    where : str
        The file, as errors and warnings name it.
    measure : bool
        Measure the rate and average the stamps. False for stamps that are the truth and a rate that is exact.

    Raises
    ------
    FormatError
        If the stamps contradict the stated rate, or span more than one recording may.

    Examples
    --------
    A device that states 50 Hz and samples at 49.5 Hz, and lost a block:

    >>> begins_s = np.delete(np.arange(40) * 100 / 49.5, 20)
    >>> layout = lay_out(begins_s, np.full(39, 100), 50.0, rate_error=0.05, where="watch.bin")
    >>> round(layout.rate_hz, 6), layout.n_samples, layout.first[19:21].tolist()
    (49.5, 4000, [1900, 2100])
    >>> gap_notes(layout.gaps(), layout.rate_hz, "watch.bin")
    ['watch.bin: 1 gap of 2.0 s in all, from 40.4 s']
    """
    own_s = counts[:-1] / stated_hz
    jitter_s = np.minimum(_JITTER_S, own_s / 2)
    steps_s = np.diff(begins_s)
    late = steps_s > own_s * (1 + rate_error) + jitter_s
    early = steps_s < own_s * (1 - rate_error) - jitter_s
    unbroken = ~(late | early)
    rate_hz = stated_hz
    if measure and float(steps_s[unbroken].sum()) >= _MEASURED_FROM_S:
        rate_hz = round(float(counts[:-1][unbroken].sum() / steps_s[unbroken].sum()), 9)
    if len(steps_s) > 2 and unbroken.mean() < 0.5:
        problem = f"its blocks do not follow each other at the {stated_hz:g} Hz that it states"
        raise FormatError(where, problem, "copy the file from the device again")
    if is_too_empty((begins_s[-1] - begins_s[0]) * rate_hz, int(counts.sum())):
        days = (begins_s[-1] - begins_s[0]) / _DAY_S
        problem = f"{days:.0f} days at {rate_hz:g} Hz with {counts.sum()} samples are too much for one recording"
        raise FormatError(where, problem, "give fewer days")
    if measure:
        begins_s = _averaged(begins_s, counts, rate_hz, ~unbroken)
    first = np.maximum.accumulate(np.rint((begins_s - begins_s[0]) * rate_hz).astype(np.int64))
    free = np.diff(first)
    length = np.append(np.where(late, np.minimum(free, counts[:-1]), free), counts[-1])
    return Layout(rate_hz=rate_hz, start_s=float(begins_s[0]), counts=counts, first=first, length=length)


def gap_notes(gaps: IntArray, rate_hz: float, where: str) -> list[str]:
    """The warning about gaps, with their number and time; none where there are none."""
    if not len(gaps):
        return []
    lost_s = float(np.sum(gaps[:, 1] - gaps[:, 0])) / rate_hz
    several = "s" if len(gaps) > 1 else ""
    return [
        f"{PurePath(where).name}: {len(gaps)} gap{several} of {lost_s:.1f} s in all, from {gaps[0, 0] / rate_hz:.1f} s"
    ]


def in_order(begins_s: FloatArray, where: str) -> NDArray[np.bool_]:
    """Which blocks to keep so that times increase: those that are later than all before them.

    Raises
    ------
    FormatError
        If that leaves out most of them, or what it keeps spans too long a time.

    Examples
    --------
    >>> in_order(np.array([0.0, 1.2, 1.2, 0.3, 2.4]), "watch.bin").tolist()
    [True, True, False, False, True]
    """
    latest = np.maximum.accumulate(begins_s)
    forward = np.append(True, begins_s[1:] > latest[:-1])
    if forward.mean() < 0.5:
        raise FormatError(where, "most of its blocks go back in time", "copy the file from the device again")
    span_s = float(begins_s[forward][-1] - begins_s[0])
    if span_s > MAX_SPAN_S:
        problem = f"its time stamps span {span_s / _DAY_S:.4g} days"
        raise FormatError(where, problem, "give one recording at a time, of a device whose clock was set")
    return forward


def left_out(number: int, what: str, why: str) -> list[str]:
    """The warning about parts of a file that were not read; none where there are none.

    Examples
    --------
    >>> left_out(2, "block", "damaged"), left_out(0, "block", "damaged")
    (['2 blocks left out: damaged'], [])
    """
    return [f"{number} {what}{'s' * (number > 1)} left out: {why}"] if number else []


def _averaged(begins_s: FloatArray, counts: IntArray, rate_hz: float, is_break: NDArray[np.bool_]) -> FloatArray:
    """Times of the blocks by the sampling clock, brought to the stamps' clock as their averages over pieces tell."""
    ordinal = np.arange(len(begins_s))
    starts = np.concatenate([[0], np.flatnonzero(is_break) + 1])
    stretch = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(begins_s))))
    before = np.cumsum(counts) - counts
    sampled_s = (before - before[starts][stretch]) / rate_hz
    late_s = begins_s - sampled_s

    piece = (sampled_s // _PIECE_S).astype(np.int64)
    begins = np.flatnonzero(np.append(True, (np.diff(piece) != 0) | is_break))
    sizes = np.diff(np.append(begins, len(begins_s)))
    knots = np.add.reduceat(ordinal, begins) / sizes
    knots_late_s = np.add.reduceat(late_s, begins) / sizes
    of_stretch = stretch[begins]
    lowest = knots[np.searchsorted(of_stretch, stretch)]
    highest = knots[np.searchsorted(of_stretch, stretch, side="right") - 1]
    averaged_s: FloatArray = sampled_s + np.interp(np.clip(ordinal, lowest, highest), knots, knots_late_s)
    return averaged_s
