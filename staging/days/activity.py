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
UNMOVED_S = 5400.0
UNMOVED_SHARE = 0.5
"""A step in which the arm moved has more activity; so long without one, if it is most of a still time, is that of a
device on a table. The length is that of Choi et al. 2011, doi 10.1249/MSS.0b013e3181ed61a3."""

ABOUT = 0.5
ABOUT_S = 600.0
"""Who has so much activity on average of so long is about. Who turns in bed has it for less long."""

REACH_S = 3600.0
WITHIN_S = 1200.0
"""How far before the begin of a sleep, and within it, one is looked for who is about."""

MAX_BEFORE, MAX_AFTER = 0.4, 0.2
"""Largest mean activity, between being about and the still time, of a time in bed. Who cannot sleep yet tosses; who has
slept and is up, but sits, would otherwise be in bed still (MMASH)."""

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
    """In which times the arm moved here and there, as a sleeper's does.

    Parameters
    ----------
    begin, end : ndarray of int64, shape (k,)
        Steps; one past the last.
    activity : ndarray of float64, shape (n,)
        One a step; NaN where unknown.
    step_s : float
        Length of a step.

    Returns
    -------
    ndarray of bool, shape (k,)

    Examples
    --------
    Two hours with a turn in the middle, and two hours without:

    >>> activity = np.where(np.arange(240) == 60, 0.5, 0.0)
    >>> moved(np.array([0, 120]), np.array([120, 240]), activity, step_s=60.0).tolist()
    [True, False]
    """
    first, stop = runs(~(activity > MOVED))
    within = np.minimum(stop, end[:, None]) - np.maximum(first, begin[:, None])
    longest = within.max(axis=1, initial=0)
    return np.asarray((longest * step_s < UNMOVED_S) | (longest <= UNMOVED_SHARE * (end - begin)))


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

    >>> activity = np.repeat([1.0, 0.3, 0.0, 1.0], [15, 20, 60, 15])
    >>> [steps.tolist() for steps in bed_times(np.array([30]), np.array([90]), activity, step_s=60.0)]
    [[15], [95]]
    """
    n = len(activity)
    before, after = np.append(0, end)[:-1], np.append(begin, n)[1:]
    means, mirrored = _Means(activity), _Means(activity[::-1])
    edges = zip(begin.tolist(), end.tolist(), before.tolist(), after.tolist(), strict=True)
    moved_to = np.array(
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
    uncrossed = moved_to[:, 0] < moved_to[:, 1]
    to_bed, up = np.where(uncrossed, moved_to[:, 0], begin), np.where(uncrossed, moved_to[:, 1], end)
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
    windows = np.arange(low, high - width)
    about = windows[means.between(windows, windows + width) >= ABOUT]
    if not about.size:
        return begin
    first = int(about[-1])
    # The window's own end is late by as much quiet as its mean allows: its activity ends where most has come together.
    last = first + int(np.argmax(np.cumsum(means.excess[first : first + 2 * width]))) + 1
    if last >= end or (last < begin and means.between(np.array(last), np.array(begin)) > most):
        return begin
    return last
