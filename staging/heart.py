"""Heart rate, whatever it was measured with, as one track.

A watch reports a heart rate it has already smoothed and delayed; a PPG or an ECG gives beats. A model trained on one
reads the other only if both mean the same. The common definition here is the watch's: the mean rate of the beats in
a short window a few seconds ago. Beats are brought to it; a device's own heart rate is taken as it is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from staging.recording import Events

__all__ = ["clean_intervals", "heart_rate_track"]

IBI_RANGE_S = (0.3, 2.2)
"""Shortest and longest interval taken for a sinus beat of a resting adult (200 and 27 bpm)."""

LOCAL_BEATS = 11
"""Number of neighbouring intervals whose median an interval is compared with."""

MAX_DEVIATION = 0.3
"""Largest relative distance from that median; sinus arrhythmia of the young stays inside."""

WATCH_WINDOW_S = 15.0
WATCH_DELAY_S = 6.0
"""The mean of 15 s, 6 s ago. Around brief awakenings an ECG's heart rate peaks 15-25 s after the scored onset, a
watch's 10-15 s later and flatter (watches of Sleep-Accel, ECG of Chang Gung). A delay of 9 s and a mean of 10 s
describe the watches' variogram best; the longer mean of about the same centre bears missed beats better."""

MIN_WINDOW_COVERAGE = 0.4
"""Share of the window that clean intervals must cover."""

MAX_GAP_S = 30.0
"""Longest distance between two known heart rates that is bridged by a straight line, whatever they come from."""

USUAL_STEPS_BRIDGED = 1.5
MAX_GAP_OF_SLOW_DEVICE_S = 90.0
"""A device that reports once a minute has no gap between its reports: this many of its usual steps are bridged, up to
this long."""


def clean_intervals(ibi: Events) -> Events:
    """Drop inter-beat intervals that no sinus rhythm gives: missed, doubled and invented beats.

    An interval is kept if it lies within 0.3-2.2 s and within 30 % of the median of the 11 plausible intervals
    around it.

    Parameters
    ----------
    ibi : Events
        Intervals in s at the beats that end them.

    Returns
    -------
    Events
        The kept intervals, float64, unit s; fewer than given, never altered.

    References
    ----------
    Berntson G.G., Quigley K.S., Jang J.F., Boysen S.T., Psychophysiology 27 (1990) 586-598,
    doi 10.1111/j.1469-8986.1990.tb01982.x, on rejecting intervals by their distance from their neighbours.

    Examples
    --------
    >>> beats = np.cumsum(np.r_[np.full(20, 1.0), 2.0, np.full(20, 1.0)])
    >>> clean = clean_intervals(Events(times_s=beats, values=np.diff(beats, prepend=0.0), unit="s"))
    >>> len(clean.values), float(clean.values.max())
    (40, 1.0)
    """
    low, high = IBI_RANGE_S
    plausible = np.isfinite(ibi.values) & (ibi.values >= low) & (ibi.values <= high)
    times, values = ibi.times_s[plausible], ibi.values[plausible]
    if values.size:
        width = min(LOCAL_BEATS, values.size - 1 + values.size % 2)
        padded = np.pad(values, width // 2, mode="reflect" if values.size > width // 2 else "edge")
        local = np.median(np.lib.stride_tricks.sliding_window_view(padded, width), axis=1)
        near = np.abs(values - local) <= MAX_DEVIATION * local
        times, values = times[near], values[near]
    return Events(times_s=times, values=values, unit="s")


def heart_rate_track(source: Events, n_steps: int, *, step_s: float = 5.0) -> NDArray[np.float32]:
    """Watch-like heart rate at the middle of every step, from beats or from a device's own heart rate.

    Parameters
    ----------
    source : Events
        Clean inter-beat intervals (unit ``"s"``) or heart rate (unit ``"bpm"``).
    n_steps : int
        Number of steps from second 0.
    step_s : float
        Length of a step.

    Returns
    -------
    ndarray of float32, shape (n_steps,)
        bpm; NaN where nothing is known over more than 30 s (a device that reports every minute: 90 s): no samples,
        or beats that cover less than 40 % of the 15 s that a watch would show.

    Raises
    ------
    ValueError
        If the unit is neither ``"s"`` nor ``"bpm"``.

    Examples
    --------
    >>> ibi = Events(times_s=np.arange(1.0, 61.0), values=np.ones(60), unit="s")
    >>> heart_rate_track(ibi, 12)[4:].tolist()
    [60.0, 60.0, 60.0, 60.0, 60.0, 60.0, 60.0, 60.0]
    """
    at_s = (np.arange(n_steps, dtype=np.float64) + 0.5) * step_s
    if source.unit == "s":
        return _rate_of_beats(source, at_s)
    if source.unit == "bpm":
        return _rate_of_samples(source, at_s)
    raise ValueError(f"heart rate needs intervals in s or a rate in bpm, got unit {source.unit!r}")


def _rate_of_beats(ibi: Events, at_s: NDArray[np.float64]) -> NDArray[np.float32]:
    """Beats divided by the time they cover, in the window that a watch shows at each time."""
    if ibi.values.size == 0:
        return np.full(at_s.shape, np.nan, np.float32)
    # Each interval runs from begin to end and holds one beat. Cumulative beats and covered time are piecewise linear
    # in time, flat across gaps, so a window's content is the difference of two interpolations. An interval is cut
    # where it would overlap the one before it (a beat counted twice).
    end = ibi.times_s
    begin = np.maximum(end - ibi.values, np.concatenate([[-np.inf], end[:-1]]))
    length = end - begin
    knots = np.stack([begin, end], axis=1).ravel()
    covered = np.stack([np.cumsum(length) - length, np.cumsum(length)], axis=1).ravel()
    share = length / ibi.values
    beats = np.stack([np.cumsum(share) - share, np.cumsum(share)], axis=1).ravel()

    def within_window(cumulative: NDArray[np.float64]) -> NDArray[np.float64]:
        end_s = at_s - WATCH_DELAY_S
        late = np.interp(end_s, knots, cumulative)
        return np.asarray(late - np.interp(end_s - WATCH_WINDOW_S, knots, cumulative))

    seconds = within_window(covered)
    enough = seconds >= MIN_WINDOW_COVERAGE * WATCH_WINDOW_S
    rate = 60.0 * within_window(beats)[enough] / seconds[enough]
    # Beyond the last beat the window empties step by step: nothing is known there, and nothing is extended.
    return _bridged(at_s[enough], rate, at_s, reach_s=0.0, gap_s=MAX_GAP_S)


def _rate_of_samples(hr: Events, at_s: NDArray[np.float64]) -> NDArray[np.float32]:
    """A device's own rate at each time."""
    known = np.isfinite(hr.values)
    times, values = hr.times_s[known], hr.values[known]
    usual_s = float(np.median(np.diff(times))) if times.size > 1 else 0.0
    gap_s = min(max(MAX_GAP_S, USUAL_STEPS_BRIDGED * usual_s), MAX_GAP_OF_SLOW_DEVICE_S)
    return _bridged(times, values, at_s, reach_s=gap_s / 2, gap_s=gap_s)


def _bridged(
    times: NDArray[np.float64], values: NDArray[np.float64], at_s: NDArray[np.float64], *, reach_s: float, gap_s: float
) -> NDArray[np.float32]:
    """Straight lines between known values at most `gap_s` apart, which hold for `reach_s` beyond the first and last."""
    if times.size == 0:
        return np.full(at_s.shape, np.nan, np.float32)
    rate = np.interp(at_s, times, values)
    previous = times[np.clip(np.searchsorted(times, at_s, side="right") - 1, 0, None)]
    following = times[np.clip(np.searchsorted(times, at_s, side="left"), None, times.size - 1)]
    outside = (at_s < times[0] - reach_s) | (at_s > times[-1] + reach_s)
    rate[(following - previous > gap_s) | outside] = np.nan
    return rate.astype(np.float32)
