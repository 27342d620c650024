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

import numpy as np
from numpy.typing import NDArray

from staging.days.activity import bed_times, calm, moved
from staging.days.stillness import Stillness
from staging.grid import runs
from staging.recording import EPOCH_S

__all__ = ["find_sleeps"]

MIN_STILL_S = 1800.0
MAX_GAP_S = 3600.0
"""Published (van Hees et al. 2018): stillness of 30 min and more; gaps of less than an hour are bridged."""

MIN_BROKEN_S = 5400.0
MAX_BROKEN_GAP_S = 7200.0
"""Two sleeps with so much rest each and a gap of up to so long are one broken night, not two."""

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


def find_sleeps(stillness: Stillness, heart_rate_bpm: NDArray[np.float32] | None = None) -> NDArray[np.float64]:
    """Begin and end of each sleep, main ones and naps.

    Still times of 30 min and more that are rest for the most part, and in which the heart is not as fast as by day, are
    joined over gaps of less than an hour; but not where the gap is long for the stillness that it would join on. Two
    sleeps of an hour and a half and more are one night where less than two hours lie between. Where there are activity
    counts, still times must be as quiet as sleep, and sleeps reach to where their wearer was about
    (`staging.days.activity`).

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
    begin, end, rested = begin[long], end[long], rested[long]
    if stillness.activity is not None:
        quiet = calm(begin, end, stillness.activity)
        begin, end, rested = begin[quiet], end[quiet], rested[quiet]
        # A device on a table rests as well, but that is worth no night before it or after it.
        rested = rested * moved(begin, end, stillness.activity, step_s=step_s)
    blocks = np.stack([begin, end, rested], axis=1) * step_s
    if heart_rate_bpm is not None and len(blocks):
        blocks = blocks[_at_rest(blocks[:, :2], heart_rate_bpm)]
    if not len(blocks):
        return np.empty((0, 2))
    apart = np.flatnonzero(blocks[1:, 0] - blocks[:-1, 1] >= MAX_GAP_S) + 1
    pieces = [piece for group in np.split(blocks, apart) for piece in _trimmed(group)]
    sleeps = _whole([(float(piece[0, 0]), float(piece[-1, 1]), float(piece[:, 2].sum())) for piece in pieces])
    if stillness.activity is None:
        return sleeps
    first, stop = np.rint(sleeps.T / step_s).astype(np.int64)
    in_bed = bed_times(first, stop, stillness.activity, step_s=step_s)
    return np.stack(in_bed, axis=1).astype(np.float64) * step_s


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
