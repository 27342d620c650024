"""Inter-beat intervals that came in packets -> when their beats were.

Assumptions
-----------
- A packet comes some time after the last of its beats, and later beats do not come before earlier ones. Between lost
  packets beats follow each other by their intervals; the packet that came soonest of those about says when.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["beat_times_s"]

_LOOK_AHEAD = 40
"""Beats within which a packet of usual delay is looked for: several packets, and less than a clock drifts in."""


def beat_times_s(received_s: NDArray[np.float64], intervals_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Times of the beats that end intervals.

    Parameters
    ----------
    received_s : ndarray of float64, shape (n,)
        When each interval was received, in the order of the intervals; those of a packet share a time, or nearly.
    intervals_s : ndarray of float64, shape (n,)
        Intervals; NaN where there is none.

    Returns
    -------
    ndarray of float64, shape (n,)
        Never decreasing; on the clock of `received_s`, too late by the shortest delay of a packet.

    Examples
    --------
    >>> received_s = np.array([103.2, 103.2, 103.2, 105.0, 105.0])
    >>> beat_times_s(received_s, np.array([1.0, 1.0, 1.0, 1.0, 1.0])).round(1).tolist()
    [101.0, 102.0, 103.0, 104.0, 105.0]
    """
    if not received_s.size:
        return received_s.copy()
    elapsed_s = np.cumsum(np.nan_to_num(intervals_s, nan=0.0))
    late_s = np.pad(received_s - elapsed_s, (0, _LOOK_AHEAD - 1), constant_values=np.inf)
    # A lost packet makes all that follows later for good: looking ahead, it does not touch the beats before it.
    begin_s = np.lib.stride_tricks.sliding_window_view(late_s, _LOOK_AHEAD).min(axis=1)
    times_s: NDArray[np.float64] = np.maximum.accumulate(elapsed_s + begin_s)
    return times_s
