"""Times of sleep in days of recording, found without a diary.

Assumptions
-----------
- The main sleep of a day is its longest period of stillness in bed; all others are naps. A nap and an hour of sitting
  quite still cannot be told apart by movement; where there is a heart rate, it must be near that of the nights.
- Days are told apart by the beginnings of sleeps, not by cutting at noon: who sleeps by day is found as well.
- Time is seconds from the recording's zero throughout. Nothing here knows a clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from staging.grid import runs, within_runs
from staging.recording import EPOCH_S

__all__ = ["Stillness", "find_sleeps", "stillness_of_angle", "stillness_of_counts", "stillness_of_heart"]

MEDIAN_S = 300.0
DAY_QUANTILE = 0.10
QUANTILE_FACTOR = 15.0
THRESHOLD_DEG = (0.13, 0.50)
MIN_STILL_S = 1800.0
MAX_GAP_S = 3600.0
"""Published: the median over 5 min of the angle's changes from one 5 s to the next is below 15 times its tenth
percentile, which is held to 0.13-0.50 degrees, for 30 min; gaps of less than an hour are bridged."""

TURN_DEG = 5.0
MIN_REST_S = 300.0
"""Sustained inactivity, published: the angle changes by no more from one 5 s to the next, for so long."""

MIN_BROKEN_S = 5400.0
MAX_BROKEN_GAP_S = 7200.0
"""Two sleeps with so much rest each and a gap of up to so long are one broken night, not two."""

COUNTS_MEAN_S = 600.0
COUNTS_SHARE = 0.30
HEART_MEAN_S = 1800.0
HEART_STILL_SHARE = 0.30
LEVEL_QUANTILES = (0.10, 0.90)
MIN_KNOWN_SHARE = 0.3
"""Stillness of activity counts and of the heart; see `stillness_of_counts`. Set on 21 days of wrist counts and beats
(MMASH)."""

MIN_REST_SHARE = 0.55
"""Least share of a still time that must be sustained inactivity. Who sits is still most of the time, and turns the
wrist every minute or two; who sleeps does not for half an hour. Set on simulated days."""

GAP_WORTH = 3.0
"""Movement takes so many times its length off the rest before it. A still hour of sitting in the evening is no
part of the night if twenty minutes on one's feet come between."""

HEART_SHARE = 0.6
"""How far from the sleeping to the waking heart rate a still time's may be."""

MIN_HEART_SHARE = 0.25
"""Share of a still time in which the heart rate must be known to be asked."""

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Stillness:
    """When an arm lay still most of the time, and when it did not move at all for some minutes: flags, one a step."""

    still: Flags
    resting: Flags
    step_s: float


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
    sleeper makes; this depends on neither. Still times are rest for the most part by definition.

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
    still = _lowest(np.log1p(counts), worn, step_s, COUNTS_MEAN_S, COUNTS_SHARE)
    return Stillness(still=still, resting=still, step_s=step_s)


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
    still = _lowest(heart_rate_bpm.astype(np.float64), worn, EPOCH_S, HEART_MEAN_S, HEART_STILL_SHARE)
    return Stillness(still=still, resting=still, step_s=EPOCH_S)


def _lowest(values: Floats, worn: Flags, step_s: float, mean_s: float, limit: float) -> Flags:
    """Where the running mean lies in the lowest part of the way between its low and its high quantile."""
    worn_then = _of_steps(worn, len(values), step_s)
    known = worn_then & np.isfinite(values)
    share = _running_mean(known.astype(np.float64), step_s, mean_s)
    level = _running_mean(np.where(known, values, 0.0), step_s, mean_s) / np.maximum(share, MIN_KNOWN_SHARE)
    enough = share >= MIN_KNOWN_SHARE
    asked = level[known & enough]
    low, high = np.quantile(asked, LEVEL_QUANTILES) if asked.size else (0.0, 0.0)
    return worn_then & enough & (level < low + limit * (high - low))


def find_sleeps(stillness: Stillness, heart_rate_bpm: NDArray[np.float32] | None = None) -> NDArray[np.float64]:
    """Begin and end of each sleep, main ones and naps.

    Still times of 30 min and more that are rest for the most part, and in which the heart is not as fast as by day, are
    joined over gaps of less than an hour; but not where the gap is long for the stillness that it would join on. Two
    sleeps of an hour and a half and more are one night where less than two hours lie between.

    Parameters
    ----------
    stillness : Stillness
        Of the whole recording.
    heart_rate_bpm : ndarray of float32, shape (m,), optional
        One an epoch; NaN where unknown.

    Returns
    -------
    ndarray of float64, shape (k, 2)
        Seconds, in order of time.

    Examples
    --------
    Eight hours' stillness, with a quarter of an hour up in it; then a still half hour after an hour's movement:

    >>> hours = np.arange(0, 12, 1 / 720)
    >>> still = (hours < 8) & ~((hours >= 3) & (hours < 3.25)) | (hours >= 9) & (hours < 9.5)
    >>> (find_sleeps(Stillness(still=still, resting=still, step_s=5.0)) / 3600).tolist()
    [[0.0, 8.0], [9.0, 9.5]]
    """
    step_s = stillness.step_s
    begin, end = runs(stillness.still)
    before = np.concatenate([[0], np.cumsum(stillness.resting)])
    rested = before[end] - before[begin]
    long = ((end - begin) * step_s >= MIN_STILL_S) & (rested >= MIN_REST_SHARE * (end - begin))
    blocks = np.stack([begin[long], end[long], rested[long]], axis=1) * step_s
    if heart_rate_bpm is not None and len(blocks):
        blocks = blocks[_at_rest(blocks[:, :2], heart_rate_bpm)]
    if not len(blocks):
        return np.empty((0, 2))
    apart = np.flatnonzero(blocks[1:, 0] - blocks[:-1, 1] >= MAX_GAP_S) + 1
    pieces = [piece for group in np.split(blocks, apart) for piece in _trimmed(group)]
    return _whole([(float(piece[0, 0]), float(piece[-1, 1]), float(piece[:, 2].sum())) for piece in pieces])


def _trimmed(group: Floats) -> list[Floats]:
    """A group of blocks (begin, end, rest), cut where the rest on one side is worth less than the gap."""
    gaps = group[1:, 0] - group[:-1, 1]
    worth = 0.0
    for cut, gap in enumerate(gaps.tolist()):
        worth = max(worth, 0.0) + group[cut, 2]
        if worth < GAP_WORTH * gap:
            return [group[: cut + 1], *_trimmed(group[cut + 1 :])]
        worth -= GAP_WORTH * gap
    worth = 0.0
    for cut in range(len(gaps) - 1, -1, -1):
        worth = max(worth, 0.0) + group[cut + 1, 2]
        if worth < GAP_WORTH * gaps[cut]:
            return [*_trimmed(group[: cut + 1]), group[cut + 1 :]]
        worth -= GAP_WORTH * gaps[cut]
    return [group]


def _whole(sleeps: Sequence[tuple[float, float, float]]) -> Floats:
    """Begin and end of sleeps (begin, end, rest), the two parts of a broken night as one."""
    joined: list[tuple[float, float, float]] = []
    for begin_s, end_s, rest_s in sleeps:
        last = joined[-1] if joined else (0.0, -np.inf, 0.0)
        if min(last[2], rest_s) >= MIN_BROKEN_S and begin_s - last[1] <= MAX_BROKEN_GAP_S:
            joined[-1] = (last[0], end_s, last[2] + rest_s)
        else:
            joined.append((begin_s, end_s, rest_s))
    return np.array([[begin_s, end_s] for begin_s, end_s, _ in joined])


def _at_rest(blocks: Floats, heart_rate_bpm: NDArray[np.float32]) -> Flags:
    """Blocks whose heart rate is nearer to the longest ones' than to that outside of all; those not known stay."""
    epochs = np.clip(np.rint(blocks / EPOCH_S).astype(np.int64), 0, len(heart_rate_bpm))
    inside = np.zeros(len(heart_rate_bpm), bool)
    for first, stop in epochs:
        inside[first:stop] = True
    known = np.isfinite(heart_rate_bpm)
    outside = heart_rate_bpm[known & ~inside]
    medians = np.array([_median(heart_rate_bpm[first:stop]) for first, stop in epochs])
    asked = np.isfinite(medians)
    if not asked.any() or outside.size < len(heart_rate_bpm) * MIN_HEART_SHARE / 4:
        return np.ones(len(blocks), bool)
    length = np.where(asked, blocks[:, 1] - blocks[:, 0], 0.0)
    order = np.argsort(medians[asked])
    half = np.searchsorted(np.cumsum(length[asked][order]), length.sum() / 2)
    asleep, awake = float(medians[asked][order][half]), float(np.median(outside))
    limit = asleep + HEART_SHARE * (awake - asleep)
    return np.asarray(~asked | (np.nan_to_num(medians) <= limit) | (awake <= asleep))


def _median(values: NDArray[np.float32]) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size >= MIN_HEART_SHARE * max(values.size, 1) else np.nan


def _lasting(flags: Flags, step_s: float) -> Flags:
    """The flags of runs of 5 min and more."""
    begin, end = runs(flags)
    long = (end - begin) * step_s >= MIN_REST_S
    return within_runs(begin[long], end[long], len(flags))


def _of_steps(worn: Flags, n_steps: int, step_s: float) -> Flags:
    """Whether each step begins in an epoch in which the device was worn."""
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
