"""Samples into equal bins from second 0, and runs of them: where time becomes an index.

Bin i covers ``[i * bin_s, (i + 1) * bin_s)``. A channel may begin before second 0 or after it, end early, and hold
gaps (NaN); a bin it does not reach is empty.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from staging.recording import Signal

__all__ = ["bin_edges", "bin_mean", "bin_share", "bin_sum", "finite", "index_at", "runs", "within_runs"]

_BLOCK_SAMPLES = 500_000
"""Samples that are summed at once, to bound memory."""

_TOLERANCE = 1e-6
"""Of a sample: a sample meant for a bin's first instant stays in it although 0.1 s is not a binary number."""


def index_at(signal: Signal, time_s: float | NDArray[np.float64]) -> NDArray[np.int64]:
    """Index of the first sample at or after each time in seconds; the number of samples where there is none.

    Examples
    --------
    >>> late = Signal(samples=np.zeros(8), rate_hz=2.0, unit="g", start_s=1.0)
    >>> index_at(late, np.array([0.0, 1.2, 9.0])).tolist()
    [0, 1, 8]
    """
    position = (np.asarray(time_s, dtype=np.float64) - signal.start_s) * signal.rate_hz
    return np.clip(np.ceil(position - _TOLERANCE), 0, len(signal.samples)).astype(np.int64)


def bin_edges(signal: Signal, n_bins: int, bin_s: float) -> NDArray[np.int64]:
    """Index of the first sample of every bin, and one past the last.

    Parameters
    ----------
    signal : Signal
        Any channel.
    n_bins : int
        Number of bins from second 0.
    bin_s : float
        Length of a bin.

    Returns
    -------
    ndarray of int64, shape (n_bins + 1,)
        ``edges[i]:edges[i + 1]`` are the samples of bin i; empty where the channel has none.

    Examples
    --------
    >>> late = Signal(samples=np.zeros(8), rate_hz=2.0, unit="g", start_s=1.0)
    >>> bin_edges(late, 3, 2.0).tolist()
    [0, 2, 6, 8]
    """
    return index_at(signal, np.arange(n_bins + 1, dtype=np.float64) * bin_s)


def bin_sum(values: NDArray[np.generic], edges: NDArray[np.int64]) -> NDArray[np.float64]:
    """Sums of `values` along the first axis between consecutive edges; 0 for an empty bin."""
    sums = np.zeros((len(edges) - 1, *values.shape[1:]), dtype=np.float64)
    filled = np.flatnonzero(edges[1:] > edges[:-1])
    at_once = max(1, _BLOCK_SAMPLES * len(filled) // max(1, int(edges[-1] - edges[0])))
    for first in range(0, len(filled), at_once):
        bins = filled[first : first + at_once]
        begin, end = edges[bins[0]], edges[bins[-1] + 1]
        # Doubles before the sum: reduceat is several times slower where it converts. It sums from each index to the
        # next; the last would run to the end of the array without the cut.
        sums[bins] = np.add.reduceat(values[begin:end].astype(np.float64), edges[bins] - begin, axis=0)
    return sums


def finite(samples: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Which samples are recorded, on all axes, bool ``(n,)``."""
    known = np.isfinite(samples)
    # Column by column: a reduction over so short an axis would take ten times as long.
    return known if known.ndim == 1 else functools.reduce(np.logical_and, known.T)


def bin_share(signal: Signal, n_bins: int, bin_s: float) -> NDArray[np.float32]:
    """Share of every bin that was recorded.

    Parameters
    ----------
    signal : Signal
        Any channel.
    n_bins : int
        Number of bins from second 0.
    bin_s : float
        Length of a bin.

    Returns
    -------
    ndarray of float32, shape (n_bins,)
        Recorded samples (finite on every axis) over the number a full bin holds, 0-1.

    Examples
    --------
    >>> half = Signal(samples=np.array([1.0, np.nan, 1.0, 1.0]), rate_hz=1.0, unit="degC")
    >>> bin_share(half, 3, 2.0).tolist()
    [0.5, 1.0, 0.0]
    """
    edges = bin_edges(signal, n_bins, bin_s)
    recorded = bin_sum(finite(signal.samples), edges)
    # A bin may hold one sample more or less than the product says where the two do not divide.
    full = np.maximum(np.diff(edges), max(1.0, np.floor(signal.rate_hz * bin_s)))
    return (recorded / full).astype(np.float32)


def bin_mean(signal: Signal, n_bins: int, bin_s: float, *, min_share: float = 0.5) -> NDArray[np.float64]:
    """Mean of the recorded samples of every bin.

    Parameters
    ----------
    signal : Signal
        Any channel.
    n_bins : int
        Number of bins from second 0.
    bin_s : float
        Length of a bin.
    min_share : float
        Share of a bin that must be recorded.

    Returns
    -------
    ndarray of float64, shape (n_bins,) or (n_bins, 3)
        In the channel's unit; NaN where less than `min_share` of the bin was recorded.

    Examples
    --------
    >>> temp = Signal(samples=np.array([33.0, 34.0, np.nan, 35.0]), rate_hz=1.0, unit="degC")
    >>> bin_mean(temp, 3, 2.0).tolist()
    [33.5, 35.0, nan]
    """
    edges = bin_edges(signal, n_bins, bin_s)
    known = finite(signal.samples)
    count = bin_sum(known, edges)
    keep = known if signal.samples.ndim == 1 else known[:, None]
    total = bin_sum(np.where(keep, signal.samples, 0), edges)
    enough = (bin_share(signal, n_bins, bin_s) >= min_share) & (count > 0)
    mean = np.full(total.shape, np.nan)
    mean[enough] = total[enough] / (count[enough] if total.ndim == 1 else count[enough, None])
    return mean


def runs(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First index of each run of True, and one past its last, each int64 ``(n_runs,)``.

    Examples
    --------
    >>> start, stop = runs(np.array([True, False, True, True]))
    >>> start.tolist(), stop.tolist()
    ([0, 2], [1, 4])
    """
    padded = np.concatenate([[False], mask, [False]])
    turns = np.flatnonzero(padded[1:] != padded[:-1])
    return turns[::2], turns[1::2]


def within_runs(start: NDArray[np.int64], stop: NDArray[np.int64], n: int) -> NDArray[np.bool_]:
    """True in ``start:stop`` of every run, bool ``(n,)``; runs may overlap and reach to `n`.

    Examples
    --------
    >>> within_runs(np.array([0, 2]), np.array([1, 4]), 4).tolist()
    [True, False, True, True]
    """
    if not start.size:
        return np.zeros(n, dtype=bool)
    depth = np.bincount(start, minlength=n + 1) - np.bincount(stop, minlength=n + 1)
    return np.cumsum(depth[:n]) > 0
