"""Stillness: when an arm hardly moved, by the angle of the arm, by activity counts, or by the heart alone.

Assumptions
-----------
- Every threshold is relative to the wearer's own recording, or an angle: devices differ in what a count is.
- Time is steps from the recording's zero. Nothing here knows a clock.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from staging.grid import runs, within_runs
from staging.recording import EPOCH_S

__all__ = ["Stillness", "stillness_of_angle", "stillness_of_counts", "stillness_of_heart"]

MEDIAN_S = 300.0
DAY_QUANTILE = 0.10
QUANTILE_FACTOR = 15.0
THRESHOLD_DEG = (0.13, 0.50)
"""Published: the median over 5 min of the angle's changes from one 5 s to the next is below 15 times its tenth
percentile, which is held to 0.13-0.50 degrees."""

TURN_DEG = 5.0
MIN_REST_S = 300.0
"""Sustained inactivity, published: the angle changes by no more from one 5 s to the next, for so long."""

COUNTS_MEAN_S = 600.0
COUNTS_SHARE = 0.30
LOG_SCALE = 20.0
HEART_MEAN_S = 1800.0
HEART_STILL_SHARE = 0.30
LEVEL_QUANTILES = (0.10, 0.90)
MIN_KNOWN_SHARE = 0.3
"""Stillness of activity counts and of the heart; see `stillness_of_counts`. Set on 21 days of wrist counts and beats
(MMASH) and simulated weeks; counts are logarithms of one and so many times their share of those of being about."""

UNWORN_S = 43_200.0
"""Nobody who wears a device gives the same count for so long."""

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Stillness:
    """When an arm lay still most of the time, and when it did not move at all for some minutes.

    Attributes
    ----------
    still, resting : ndarray of bool, shape (n,)
        One a step.
    step_s : float
        Length of a step.
    activity : ndarray of float64, shape (n,), optional
        Of activity counts: 0 asleep, 1 about, NaN where unknown (`staging.days.activity`).
    """

    still: Flags
    resting: Flags
    step_s: float
    activity: Floats | None = None


def stillness_of_angle(angle_deg: Floats, worn: Flags, *, step_s: float = 5.0) -> Stillness:
    """Where the arm hardly turns, by the methods of van Hees et al. 2018 (still) and 2015 (resting).

    The threshold is found once for the recording and not day by day, so that it does not depend on where days are cut.

    Parameters
    ----------
    angle_deg : ndarray of float64, shape (n,)
        Angle of the arm, one a step; NaN where unknown.
    worn : ndarray of bool, shape (m,)
        One an epoch; steps beyond it count as not worn.
    step_s : float
        Length of a step, a divisor of an epoch.

    Returns
    -------
    Stillness

    References
    ----------
    van Hees V.T. et al., Sci. Rep. 8 (2018) 12975, doi 10.1038/s41598-018-31266-z.
    van Hees V.T. et al., PLoS ONE 10 (2015) e0142533, doi 10.1371/journal.pone.0142533.

    Examples
    --------
    >>> angle_deg = np.where(np.arange(2160) % 1440 < 720, 20.0, np.arange(2160) % 90)
    >>> still = stillness_of_angle(angle_deg, np.ones(360, bool)).still
    >>> still[[100, 1000, 1800]].tolist()
    [True, False, True]
    """
    worn_then = _of_steps(worn, len(angle_deg), step_s)
    known = worn_then & np.isfinite(angle_deg)
    level = np.where(known, angle_deg, 0.0)
    change = np.abs(np.diff(level, prepend=level[:1]))
    both = known & np.concatenate([known[:1], known[:-1]])
    turning = _running_median(np.where(both, change, np.inf), step_s)
    asked = turning[both & np.isfinite(turning)]
    threshold = np.clip(QUANTILE_FACTOR * np.quantile(asked, DAY_QUANTILE), *THRESHOLD_DEG) if asked.size else 0.0
    turned = both & (change > TURN_DEG)
    # A step that was not recorded neither ends a rest nor a still time, of which it is a small part.
    return Stillness(
        still=(turning < threshold) & worn_then, resting=_lasting(worn_then & ~turned, step_s), step_s=step_s
    )


def stillness_of_counts(counts: Floats, worn: Flags, *, step_s: float = 15.0) -> Stillness:
    """Where a device that gives only activity counts gives few for its wearer.

    The logarithm of the counts is averaged over 10 min; still is what lies in the lowest three tenths of the way from
    its tenth percentile (asleep) to its ninetieth (about). Devices differ in their counts' unit, and in how many a
    sleeper makes; this depends on neither, nor much on the length of a step. Still times are rest for the most part by
    definition. Half a day of counts that never change is that of a device that was not worn; less may look like sleep.

    Parameters
    ----------
    counts : ndarray of float64, shape (n,)
        Activity counts, one a step; NaN where unknown.
    worn : ndarray of bool, shape (m,)
        One an epoch.
    step_s : float
        Length of a step, a divisor or a multiple of an epoch.

    Returns
    -------
    Stillness

    Examples
    --------
    >>> stillness_of_counts(np.repeat([0.0, 9.0], 240), np.ones(240, bool)).still[[100, 400]].tolist()
    [True, False]
    """
    counts = np.where(_unchanged(counts, step_s), np.nan, np.maximum(counts, 0.0))
    about = _Level(counts, worn, step_s=step_s, mean_s=COUNTS_MEAN_S).high
    shares = counts / about if about > 0 else np.zeros(len(counts))
    level = _Level(np.log1p(LOG_SCALE * shares), worn, step_s=step_s, mean_s=COUNTS_MEAN_S)
    still = level.lowest(COUNTS_SHARE)
    return Stillness(still=still, resting=still, step_s=step_s, activity=level.scaled())


def stillness_of_heart(heart_rate_bpm: NDArray[np.float32], worn: Flags) -> Stillness:
    """Where the heart is slow for its owner, for a device that gives nothing else.

    The rate is averaged over 30 min; still is what lies in the lowest three tenths of the way from its tenth
    percentile (asleep) to its ninetieth (about). Much less sure than movement: who sits of an evening has a slow heart
    as well.

    Parameters
    ----------
    heart_rate_bpm : ndarray of float32, shape (m,)
        One an epoch; NaN where unknown.
    worn : ndarray of bool, shape (m,)
        One an epoch.

    Returns
    -------
    Stillness

    Examples
    --------
    >>> rate = np.repeat([55.0, 80.0], 960).astype(np.float32)
    >>> stillness_of_heart(rate, np.ones(1920, bool)).still[[100, 1800]].tolist()
    [True, False]
    """
    level = _Level(heart_rate_bpm.astype(np.float64), worn, step_s=EPOCH_S, mean_s=HEART_MEAN_S)
    still = level.lowest(HEART_STILL_SHARE)
    return Stillness(still=still, resting=still, step_s=EPOCH_S)


def _unchanged(counts: Floats, step_s: float) -> Flags:
    """Counts that stay the same for so long that nobody wears the device."""
    first, stop = runs(np.diff(counts) == 0)
    long = (stop - first) * step_s >= UNWORN_S
    return within_runs(first[long], stop[long] + 1, len(counts))


class _Level:
    """Values on a scale that is the wearer's own: between the low and the high quantile of their running mean."""

    def __init__(self, values: Floats, worn: Flags, *, step_s: float, mean_s: float) -> None:
        self._worn = _of_steps(worn, len(values), step_s)
        self._values = np.where(self._worn, values, np.nan)
        known = np.isfinite(self._values)
        share = _running_mean(known.astype(np.float64), step_s, mean_s)
        enough = share >= MIN_KNOWN_SHARE
        mean = _running_mean(np.where(known, values, 0.0), step_s, mean_s) / np.maximum(share, MIN_KNOWN_SHARE)
        self._mean = np.where(enough, mean, np.nan)
        asked = mean[known & enough]
        self.low, self.high = map(float, np.quantile(asked, LEVEL_QUANTILES)) if asked.size else (0.0, 0.0)
        # Rounding is no way from one to the other.
        self._way = 0.0 if np.isclose(self.low, self.high, atol=0.0) else self.high - self.low

    def lowest(self, limit: float) -> Flags:
        """Where the running mean lies in the lowest part of the way; nowhere if there is none."""
        if not self._way:
            return np.zeros(len(self._mean), bool)
        return np.asarray(self._worn & (self._mean < self.low + limit * self._way))

    def scaled(self) -> Floats:
        """The values themselves on the way from 0 to 1; NaN where unknown, or if there is no way."""
        return np.asarray((self._values - self.low) / (self._way or np.nan))


def _lasting(flags: Flags, step_s: float) -> Flags:
    """The flags of runs of 5 min and more."""
    begin, end = runs(flags)
    long = (end - begin) * step_s >= MIN_REST_S
    return within_runs(begin[long], end[long], len(flags))


def _of_steps(worn: Flags, n_steps: int, step_s: float) -> Flags:
    """Whether the device was worn in the epoch of each step's middle."""
    epoch = ((np.arange(n_steps) + 0.5) * step_s / EPOCH_S).astype(np.int64)
    return np.asarray(np.append(worn, False)[np.minimum(epoch, len(worn))])


def _running_median(values: Floats, step_s: float) -> Floats:
    """Median over 5 min around each step; infinite values count as such."""
    from scipy.ndimage import median_filter

    width = 2 * round(MEDIAN_S / step_s / 2) + 1
    return np.asarray(median_filter(values, width, mode="nearest")) if len(values) else values


def _running_mean(values: Floats, step_s: float, mean_s: float) -> Floats:
    """Mean over so long around each step."""
    width = 2 * round(mean_s / step_s / 2) + 1
    padded = np.concatenate([[0.0], np.cumsum(np.pad(values, width // 2))])
    return np.asarray(padded[width:] - padded[:-width]) / width
