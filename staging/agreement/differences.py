"""Differences of nights -> bias, spread and slope, also where subjects have several nights.

References
----------
Bland JM, Altman DG. Agreement between methods of measurement with multiple observations per individual. J Biopharm
Stat 2007;17:571–582. doi:10.1080/10543400701329422
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from staging.agreement.bootstrap import Resampling, group_sums
from staging.agreement.scores import ratio

__all__ = [
    "ALPHA",
    "Z_95",
    "Interval",
    "Regression",
    "UnitSums",
    "icc",
    "mean",
    "regress",
    "shapiro_wilk",
    "without_noise",
]

Floats = NDArray[np.float64]
Interval = tuple[float, float]

ALPHA = 0.05
"""Level of the tests that decide whether bias and limits vary with the reference."""

Z_95 = 1.96
"""SDs on either side of the bias that hold 95 % of normal differences."""

NOISE = 1e-9
"""Values this small beside what they were made from are what rounding left of a zero."""

_NAN_PAIR = (math.nan, math.nan)


@dataclass(frozen=True, kw_only=True)
class Regression:
    """A straight line on the reference, by least squares. NaN where it cannot be drawn.

    Attributes
    ----------
    intercept, slope : float
        Value at a reference of 0, and change with one unit of the reference.
    p : float
        Two-sided p of a slope of 0: by the t test, or by a cluster-robust one with several nights a subject.
    """

    intercept: float
    slope: float
    p: float

    @property
    def significant(self) -> bool:
        """True where `p` is below `ALPHA`."""
        return self.p < ALPHA


def without_noise(values: Floats, scale: Floats) -> Floats:
    """Values with what rounding left of a zero taken away, so that a constant difference has no spread."""
    return np.where(np.abs(values) <= NOISE * (1.0 + np.abs(scale)), 0.0, values)


def mean(values: Floats) -> float:
    """Mean; NaN of nothing."""
    return float(values.mean()) if values.size else math.nan


@dataclass(frozen=True, eq=False)
class UnitSums:
    """Sums over the nights of each unit, from which bias, total SD and slope follow for any resample of units.

    Attributes
    ----------
    table : ndarray of float64, shape (G, 8)
        By unit: nights m, m², Σd, Σd², (Σd)²/m, Σx, Σx², Σxd, of differences d and references x less `centre`.
    centre : tuple of float
        Means of d and of x, taken away for the sake of precision.
    """

    table: Floats
    centre: tuple[float, float]

    @classmethod
    def of(cls, x: Floats, difference: Floats, unit_of: NDArray[np.int64]) -> UnitSums:
        """Sums of references and differences ``(n,)`` by each night's unit, int64 ``(n,)`` from 0 on."""
        centre = (mean(difference), mean(x))
        d, z = without_noise(difference - centre[0], difference), without_noise(x - centre[1], x)
        n_units = int(unit_of.max()) + 1 if len(unit_of) else 0
        m, sum_d, *others = group_sums(np.column_stack([np.ones(len(d)), d, d**2, z, z**2, z * d]), unit_of, n_units).T
        table = np.column_stack([m, m**2, sum_d, others[0], sum_d**2 / np.maximum(m, 1.0), *others[1:]])
        return cls(table, centre)

    def moments(self, counts: Floats) -> Floats:
        """Bias, total SD and slope of resamples ``(b, G)``, float64 ``(b, 3)``."""
        totals = np.ascontiguousarray((counts @ self.table).T)
        variance, bias = self._variance(totals, counts.sum(axis=1))
        n, _, d, _, _, z, zz, zd = totals
        spread = zz - ratio(z * z, n)
        told = spread > NOISE * self.table[:, 6].sum()  # a resample may hold one reference only
        slope = ratio(zd - ratio(z * d, n), np.where(told, spread, 0.0))
        return np.column_stack([bias, np.sqrt(variance.sum(axis=0)), slope])

    def whole(self) -> tuple[float, float, float]:
        """Bias, total SD and slope of all nights."""
        bias, sd, slope = self.moments(np.ones((1, len(self.table))))[0].tolist()
        return bias, sd, slope

    def _variance(self, totals: Floats, units: Floats) -> tuple[Floats, Floats]:
        """Variance between and within units, float64 ``(2, b)``, and the bias ``(b,)``.

        The components of a one-way analysis of variance with unequal groups; where every unit has one night, all of
        it counts as between.
        """
        n, squares, d, dd, between, _, _, _ = totals
        repeated = n > units
        ms_within = np.where(repeated, ratio(np.maximum(dd - between, 0.0), np.where(repeated, n - units, 1.0)), 0.0)
        ms_between = ratio(np.maximum(between - ratio(d * d, n), 0.0), np.maximum(units - 1.0, 0.0))
        m0 = ratio(n - ratio(squares, n), np.maximum(units - 1.0, 0.0))
        return np.stack([np.maximum(ratio(ms_between - ms_within, m0), 0.0), ms_within]), self.centre[0] + ratio(d, n)

    def bias_interval_t(self, confidence: float) -> Interval:
        """Interval of the bias by Student's t; its degrees of freedom are the units less one."""
        n_units = len(self.table)
        if n_units < 2:
            return _NAN_PAIR
        from scipy.special import stdtrit

        totals = self.table.sum(axis=0)[:, None]
        variance, bias = self._variance(totals, np.array([float(n_units)]))
        n, squares = float(totals[0, 0]), float(totals[1, 0])
        error = math.sqrt(float(variance[0, 0] * squares / n**2 + variance[1, 0] / n))
        reach = float(stdtrit(n_units - 1, 0.5 + confidence / 2.0)) * error
        return float(bias[0]) - reach, float(bias[0]) + reach

    def intervals(self, resampling: Resampling) -> tuple[Interval, Interval, Interval, Interval]:
        """Bootstrap intervals of the bias, of both limits of agreement, and of the slope."""
        if len(self.table) < 2:
            return _NAN_PAIR, _NAN_PAIR, _NAN_PAIR, _NAN_PAIR

        def statistics(counts: Floats) -> Floats:
            bias, sd, slope = self.moments(counts).T
            return np.column_stack([bias, bias - Z_95 * sd, bias + Z_95 * sd, slope])

        bounds = resampling.interval(len(self.table), statistics).T.tolist()
        bias, low, high, slope = ((pair[0], pair[1]) for pair in bounds)
        return bias, low, high, slope


def regress(x: Floats, y: Floats, unit_of: NDArray[np.int64]) -> tuple[Regression, Floats]:
    """Line of y on x, and the residuals about it (about the mean where no line can be drawn)."""
    n, n_units = len(x), len(np.unique(unit_of))
    z = without_noise(x - mean(x), x)
    spread = float(z @ z)
    if n < 3 or n_units < 3 or spread == 0.0:
        return Regression(intercept=math.nan, slope=math.nan, p=math.nan), y - mean(y)
    from scipy.special import stdtr

    slope = float(z @ y) / spread
    residuals = without_noise(y - mean(y) - slope * z, y)
    if n_units == n:
        variance, freedom = float(residuals @ residuals) / (n - 2) / spread, n - 2
    else:
        # Nights of one subject pull the slope together: the cluster-robust (sandwich) variance with the usual
        # small-sample factor, so that a subject counts once however many nights there are.
        pull = group_sums(z * residuals, unit_of, int(unit_of.max()) + 1)
        correction = n_units / (n_units - 1) * (n - 1) / (n - 2)
        variance, freedom = correction * float(pull @ pull) / spread**2, n_units - 1
    error = math.sqrt(variance)
    flat = abs(slope) * math.sqrt(spread) <= NOISE
    steepness = abs(slope) / error if error > 0 else 0.0 if flat else math.inf
    p = 2.0 * float(stdtr(freedom, -steepness))
    return Regression(intercept=mean(y) - slope * mean(x), slope=slope, p=p), residuals


def shapiro_wilk(values: Floats) -> tuple[float, float]:
    """Statistic and p of Shapiro and Wilk; NaN where all are equal, or there are fewer than 3 or more than 5,000."""
    if not 3 <= len(values) <= 5000 or np.ptp(values) <= NOISE * (1.0 + np.abs(values).max()):
        return _NAN_PAIR
    from scipy.stats import shapiro

    w, p = shapiro(values)
    return float(w), float(p)


def icc(x: Floats, y: Floats) -> float:
    """ICC(A,1): two-way random effects, absolute agreement, single measurements; NaN where all are equal."""
    n, values = len(x), np.stack([x, y])
    if n < 2 or np.ptp(values) <= NOISE * (1.0 + np.abs(values).max()):
        return math.nan
    grand, of_night, of_scorer = values.mean(), values.mean(axis=0), values.mean(axis=1)
    ms_night = 2.0 * float(((of_night - grand) ** 2).sum()) / (n - 1)
    ms_scorer = n * float(((of_scorer - grand) ** 2).sum())
    ms_error = float(((values - of_night - of_scorer[:, None] + grand) ** 2).sum()) / (n - 1)
    return float(ratio(ms_night - ms_error, ms_night + ms_error + 2.0 * (ms_scorer - ms_error) / n))
