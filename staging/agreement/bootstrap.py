"""Confidence intervals over subjects by the bootstrap, as matrix products instead of loops.

A resample of n units (subjects) is how often each of them was drawn: a row of counts that sums to n. A statistic that
is made from sums over units (a pooled confusion matrix, a mean, a regression) is then the same function of
``counts @ values`` for all resamples at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from staging.agreement.scores import mean_defined, ratio

__all__ = ["Resampling", "Spread", "group_sums", "interval", "spreads"]

Floats = NDArray[np.float64]

_CHUNK = 4_000_000


@dataclass(frozen=True, kw_only=True)
class Resampling:
    """How intervals are made.

    Attributes
    ----------
    n_resamples : int
        Number of bootstrap resamples.
    confidence : float
        Coverage of the intervals, between 0 and 1.
    seed : int
        Seed of the draws: the same seed gives the same interval.

    Raises
    ------
    ValueError
        If there are no resamples or the confidence is not between 0 and 1.

    Examples
    --------
    >>> Resampling().n_resamples
    10000
    """

    n_resamples: int = 10_000
    confidence: float = 0.95
    seed: int = 0

    def __post_init__(self) -> None:
        if self.n_resamples < 1:
            raise ValueError(f"n_resamples must be at least 1, got {self.n_resamples}")
        if not 0.0 < self.confidence < 1.0:
            raise ValueError(f"confidence must lie between 0 and 1, got {self.confidence}")

    def distribution(self, n_units: int, statistic: Callable[[Floats], Floats]) -> Floats:
        """A statistic of every resample.

        Parameters
        ----------
        n_units : int
            Number of units that are drawn with replacement.
        statistic : callable
            From counts, float64 ``(b, n_units)``, to values ``(b, ...)``.

        Returns
        -------
        ndarray of float64, shape (n_resamples, ...)
            The same draws for the same seed and number of units, whatever the statistic.

        Examples
        --------
        >>> values = np.array([1.0, 2.0, 3.0])
        >>> Resampling(n_resamples=500).distribution(3, lambda counts: counts @ values / 3).shape
        (500,)
        """
        rng = np.random.default_rng(self.seed)
        rows = max(1, _CHUNK // n_units)
        parts = []
        for begin in range(0, self.n_resamples, rows):
            size = min(rows, self.n_resamples - begin)
            drawn = rng.integers(0, n_units, size=(size, n_units)) + n_units * np.arange(size)[:, None]
            counts = np.bincount(drawn.ravel(), minlength=size * n_units).reshape(size, n_units)
            parts.append(statistic(counts.astype(np.float64)))
        return np.concatenate(parts)

    def interval(self, n_units: int, statistic: Callable[[Floats], Floats]) -> Floats:
        """Percentile interval of a statistic, float64 ``(2, ...)``; NaN where there are fewer than 2 units.

        Examples
        --------
        >>> values = np.array([1.0, 2.0, 3.0, 4.0])
        >>> low, high = Resampling().interval(4, lambda counts: counts @ values / 4)
        >>> bool(low < 2.5 < high)
        True
        """
        if n_units < 2:
            return np.full((2, *statistic(np.ones((1, n_units))).shape[1:]), np.nan)
        return interval(self.distribution(n_units, statistic), self.confidence)


def interval(samples: ArrayLike, confidence: float) -> Floats:
    """Percentile interval along the first axis, float64 ``(2, ...)``; undefined resamples (NaN) are left out.

    References
    ----------
    Efron B, Tibshirani RJ. An introduction to the bootstrap. Chapman & Hall 1993. doi:10.1201/9780429246593

    Examples
    --------
    >>> interval([0.0, 1.0, 2.0, 3.0, 4.0, np.nan], 0.5).tolist()
    [1.0, 3.0]
    """
    ordered = np.sort(np.asarray(samples, dtype=np.float64), axis=0)  # NaN are sorted to the end
    defined = (~np.isnan(ordered)).sum(axis=0)
    tail = (1.0 - confidence) / 2.0
    bounds = []
    for share in (tail, 1.0 - tail):
        position = share * np.maximum(defined - 1, 0)
        below = np.floor(position).astype(np.int64)
        above = np.minimum(below + 1, np.maximum(defined - 1, 0))
        low = np.take_along_axis(ordered, below[None], axis=0)[0]
        high = np.take_along_axis(ordered, above[None], axis=0)[0]
        bounds.append(low + (high - low) * (position - below))
    return np.stack(bounds)


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Mean and SD of a value over subjects, with the interval of the mean.

    Attributes
    ----------
    n : int
        Subjects for whom the value is defined; the others are left out.
    mean, sd : float
        Over those subjects; NaN where there are none, the SD also where there is one.
    low, high : float
        Bootstrap interval of the mean over subjects; NaN with fewer than two subjects.
    """

    n: int
    mean: float
    sd: float
    low: float
    high: float


def spreads(values: ArrayLike, resampling: Resampling) -> list[Spread]:
    """Mean ± SD over subjects of several values at once.

    Parameters
    ----------
    values : array_like of float, shape (n_subjects, m)
        One row a subject; NaN where a value is not defined for a subject.
    resampling : Resampling
        How the interval of the mean is made.

    Returns
    -------
    list of Spread, length m

    Examples
    --------
    >>> [kappa] = spreads([[0.4], [0.6], [np.nan]], Resampling())
    >>> kappa.n, kappa.mean, round(kappa.sd, 4)
    (2, 0.5, 0.1414)
    """
    rows = np.asarray(values, dtype=np.float64)
    defined = ~np.isnan(rows)
    n = defined.sum(axis=0)
    mean = mean_defined(rows, axis=0)
    centred = np.where(defined, rows - mean, 0.0)  # centring keeps the sums small and a constant's interval exact
    sd = np.sqrt(ratio((centred**2).sum(axis=0), np.maximum(n - 1, 0)))
    shares = defined.astype(np.float64)
    low, high = mean + resampling.interval(len(rows), lambda counts: ratio(counts @ centred, counts @ shares))
    few = n < 2
    low, high = np.where(few, np.nan, low), np.where(few, np.nan, high)
    columns = zip(n.tolist(), mean.tolist(), sd.tolist(), low.tolist(), high.tolist(), strict=True)
    return [Spread(n=int(a), mean=b, sd=c, low=d, high=e) for a, b, c, d, e in columns]


def group_sums(values: ArrayLike, group: NDArray[np.int64], n_groups: int) -> Floats:
    """Sums of rows that belong together, float64 ``(n_groups, ...)``.

    Examples
    --------
    >>> group_sums([1.0, 2.0, 4.0], np.array([0, 1, 0]), 2).tolist()
    [5.0, 2.0]
    """
    rows = np.asarray(values, dtype=np.float64)
    sums = np.zeros((n_groups, *rows.shape[1:]))
    np.add.at(sums, group, rows)
    return sums
