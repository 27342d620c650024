"""What activity counts tell of a still time beside that it was still: how quiet it was, and who had been about before.

Counts lack what the angle of the arm shows: who sits in a chair gives almost as few as a sleeper, a device on a table
gives none, and who lies awake gives some. Three things tell them apart:

- a sleeper is quieter, on average of a still time, than most who sit;
- who sleeps for an hour and a half moves at some time in it; a device on a table does not;
- people are about, on their feet, right before they go to bed and right after they get up.

Activity is the logarithm of the counts on a scale that is the wearer's own: 0 asleep, 1 about (`stillness_of_counts`).
Time is steps from the recording's zero.

The numbers were set on simulated weeks, other than those that they are checked on, with an eye on 21 days of wrist
counts (MMASH): in bed, 95 % of still times have an activity below 0.1 in both.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from staging.grid import runs

__all__ = ["bed_times", "calm", "moved"]

MAX_CALM = 0.10
"""Largest mean activity of a still time that is sleep."""

MOVED = 0.10
"""A step in which the arm moved has more activity."""

UNMOVED_S = 5400.0
UNMOVED_BOUTS = 6.0
UNMOVED_SHARE = 0.5
"""A device on a table makes most of a still time unmoved at a stretch: for as long as Choi et al. 2011 say (doi
10.1249/MSS.0b013e3181ed61a3), and for so long that its wearer would have moved so many times, asleep."""

ABOUT = 0.5
ABOUT_S = 600.0
"""Who is about has as much activity as `ABOUT`, on average of `ABOUT_S`. Who turns in bed has it for less long."""

REACH_S = 3600.0
WITHIN_S = 1200.0
"""How far before the begin of a sleep, and within it, one is looked for who is about."""

MAX_BEFORE, MAX_AFTER = 0.3, 0.2
"""Largest mean activity, between being about and the still time, of a time in bed: before it one may toss, and after it
who is up, but sits, is not in bed any more."""

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Steps = NDArray[np.int64]


def calm(begin: Steps, end: Steps, activity: Floats) -> Flags:
    """Which times are so quiet, on average, as sleep is; those not known are.

    Parameters
    ----------
    begin, end : ndarray of int64, shape (k,)
        Steps; one past the last.
    activity : ndarray of float64, shape (n,)
        One a step; NaN where unknown.

    Returns
    -------
    ndarray of bool, shape (k,)

    Examples
    --------
    >>> calm(np.array([0, 4]), np.array([4, 8]), np.array([0.0, 0.0, 0.2, 0.0, 0.2, 0.0, 0.4, 0.2])).tolist()
    [True, False]
    """
    mean = _Means(activity).between(begin, end)
    return np.asarray(~(mean > MAX_CALM))


def moved(begin: Steps, end: Steps, activity: Floats, *, step_s: float) -> Flags:
    """In which still times the arm moved here and there, as it does in the others.

    Parameters
    ----------
    begin, end : ndarray of int64, shape (k,)
        Steps; one past the last.
    activity : ndarray of float64, shape (n,)
        One a step; NaN, where unknown, is no movement.
    step_s : float
        Length of a step.

    Returns
    -------
    ndarray of bool, shape (k,)

    Examples
    --------
    Eight hours with a turn every quarter of an hour, and two without:

    >>> activity = np.where((np.arange(600) % 15 == 0) & (np.arange(600) < 480), 0.5, 0.0)
    >>> moved(np.array([0, 480]), np.array([480, 600]), activity, step_s=60.0).tolist()
    [True, False]
    """
    moving = activity > MOVED
    length = end - begin
    longest, bouts = np.zeros((2, len(begin)), np.int64)
    for number, (first, stop) in enumerate(zip(begin.tolist(), end.tolist(), strict=True)):
        still, moves = runs(~moving[first:stop])
        longest[number], bouts[number] = (moves - still).max(initial=0), len(still)
    # Half of all still time is in times of no more bouts a step than this: in nights, which are long, not in chairs.
    often = bouts / length
    order = np.argsort(often)
    usual = often[order][np.searchsorted(np.cumsum(length[order]), length.sum() / 2)] if len(order) else 1.0
    long = np.maximum(UNMOVED_S / step_s, UNMOVED_BOUTS / usual)
    return np.asarray((longest < long) | (longest <= UNMOVED_SHARE * length))


def bed_times(begin: Steps, end: Steps, activity: Floats, *, step_s: float) -> tuple[Steps, Steps]:
    """From when to when the sleepers were in bed: from the last being about before, to the first after.

    An end that nobody is about near, or from which on until then they were not in bed, stays.

    Parameters
    ----------
    begin, end : ndarray of int64, shape (k,)
        Steps; one past the last; of sleeps in order of time.
    activity : ndarray of float64, shape (n,)
        One a step; NaN where unknown.
    step_s : float
        Length of a step.

    Returns
    -------
    begin, end : ndarray of int64, shape (k,)

    Examples
    --------
    About for 15 min, then 20 min in bed of which most lie still, then asleep, and up again:

    >>> activity = np.repeat([1.0, 0.2, 0.0, 1.0], [15, 20, 60, 15])
    >>> [steps.tolist() for steps in bed_times(np.array([30]), np.array([90]), activity, step_s=60.0)]
    [[15], [95]]
    """
    n = len(activity)
    before, after = np.append(0, end)[:-1], np.append(begin, n)[1:]
    means, mirrored = _Means(activity), _Means(activity[::-1])
    edges = zip(begin.tolist(), end.tolist(), before.tolist(), after.tolist(), strict=True)
    ends = np.array(
        [
            (
                _last_about(means, first, stop, floor, step_s, MAX_BEFORE),
                n - _last_about(mirrored, n - stop, n - first, n - ceiling, step_s, MAX_AFTER),
            )
            for first, stop, floor, ceiling in edges
        ],
        dtype=np.int64,
    ).reshape(-1, 2)
    # Who was about for most of it leads both ends of a sleep past each other: then neither is moved.
    uncrossed = ends[:, 0] < ends[:, 1]
    to_bed, up = np.where(uncrossed, ends[:, 0], begin), np.where(uncrossed, ends[:, 1], end)
    # Both sides of a gap may be led to the same being about.
    return np.maximum(to_bed, np.append(0, up)[:-1]), up


class _Means:
    """Means of any stretches of activity, over what is known of them."""

    def __init__(self, activity: Floats) -> None:
        known = np.isfinite(activity)
        self.excess = np.where(known, activity - ABOUT, 0.0)
        self._sum = np.concatenate([[0.0], np.cumsum(np.where(known, activity, 0.0))])
        self._known = np.concatenate([[0], np.cumsum(known)])

    def between(self, begin: Steps, end: Steps) -> Floats:
        """Mean from one step to before another; NaN where less than half is known."""
        number = self._known[end] - self._known[begin]
        enough = (number > 0) & (2 * number >= end - begin)
        mean = (self._sum[end] - self._sum[begin]) / np.maximum(number, 1)
        return np.asarray(np.where(enough, mean, np.nan))


def _last_about(means: _Means, begin: int, end: int, floor: int, step_s: float, most: float) -> int:
    """Where the last being about near the begin of a sleep ends; the begin where there is none."""
    width = round(ABOUT_S / step_s)
    low, high = max(floor, begin - round(REACH_S / step_s)), min(end, begin + round(WITHIN_S / step_s))
    windows = np.arange(low, high - width + 1)
    about = windows[means.between(windows, windows + width) >= ABOUT]
    if not about.size:
        return begin
    first = int(about[-1])
    # The window's own end is late by as much quiet as its mean allows: its activity ends where most has come together.
    last = first + int(np.argmax(np.cumsum(means.excess[first : first + 2 * width]))) + 1
    if last >= begin:
        return last if last < end else begin
    # What is not known (NaN) is no time in bed.
    return last if means.between(np.array(last), np.array(begin)) <= most else begin
