"""Movement of the wrist on a simulated night: how hard in each second, and the counts an actigraph makes of it.

Assumptions
-----------
- A movement's strength in a second is its largest acceleration in the band of the counts (3-11 Hz). Counts follow
  from it by the definition that `staging.motion` applies to a raw signal; raw acceleration is made from it
  (`staging.simulate.acceleration`). So the two agree.
- Out of bed one is either about, moving nearly always, or sitting, moving now and then.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from staging.motion import COUNTS_GAIN, COUNTS_LEVELS, COUNTS_OFFSET, COUNTS_RANGE_G
from staging.recording import EPOCH_S
from staging.simulate.arousals import Activations
from staging.simulate.parameters import DEFAULT, Parameters
from staging.simulate.processes import ornstein_uhlenbeck
from staging.tracks import COUNTS_BIN_S

__all__ = ["activity_counts", "movement_peak_g", "seconds_about"]

Floats = NDArray[np.float64]

_EPOCH = round(EPOCH_S)
_COUNTS_BIN = round(COUNTS_BIN_S)


def seconds_about(
    rng: np.random.Generator, out_of_bed: NDArray[np.bool_], parameters: Parameters = DEFAULT
) -> NDArray[np.bool_]:
    """Seconds out of bed in which one is about rather than sitting.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all randomness.
    out_of_bed : ndarray of bool, shape (n,)
        One value an epoch.
    parameters : Parameters
        The model's numbers.

    Returns
    -------
    ndarray of bool, shape (n * 30,)

    Examples
    --------
    >>> about = seconds_about(np.random.default_rng(1), np.repeat([True, False], 120))
    >>> bool(about[:3600].any()), bool(about[3600:].any())
    (True, False)
    """
    out_s = np.repeat(out_of_bed, _EPOCH)
    if not out_s.any():
        return out_s
    mean_s = 60.0 * np.array([parameters.awake.active_min, parameters.awake.sitting_min])
    n_pairs = int(4 * out_s.size / mean_s.sum()) + 8
    ends_s = np.cumsum(rng.exponential(mean_s, (n_pairs, 2)))
    begin_s = rng.uniform(0.0, mean_s.sum())  # so that a stretch may begin with either
    about: NDArray[np.bool_] = np.searchsorted(ends_s, begin_s + np.arange(out_s.size)) % 2 == 0
    return about & out_s


def movement_peak_g(
    rng: np.random.Generator,
    activations: Activations,
    about: NDArray[np.bool_],
    parameters: Parameters = DEFAULT,
) -> Floats:
    """Largest acceleration of every second in the band of the counts, 3-11 Hz.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all randomness.
    activations : Activations
        The moments of arousal.
    about : ndarray of bool, shape (n * 30,)
        Seconds on one's feet.
    parameters : Parameters
        The model's numbers.

    Returns
    -------
    ndarray of float64, shape (n * 30,)
        In g; 0 where nothing moves. The sensor's noise is not in it.

    Examples
    --------
    >>> one = np.ones(1)
    >>> burst = Activations(
    ...     at_s=9.0 * one, onset_s=2.0 * one, surge_bpm=one, half_width_s=one, burst_s=3.0 * one, peak_g=0.2 * one,
    ...     turn_deg=one)
    >>> movement_peak_g(np.random.default_rng(1), burst, np.zeros(30, bool)).nonzero()[0].tolist()
    [2, 3, 4]
    """
    movement, awake = parameters.movement, parameters.awake
    moves = activations.burst_s > 0
    first = np.floor(activations.onset_s[moves]).astype(np.int64)
    length = np.maximum(np.rint(activations.burst_s[moves]).astype(np.int64), 1)
    offset = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
    second = np.repeat(first, length) + offset
    strength = np.repeat(activations.peak_g[moves], length) * np.exp(
        movement.within_ln_sd * rng.standard_normal(second.size)
    )
    inside = (second >= 0) & (second < about.size)
    peak_g: Floats = np.bincount(second[inside], weights=strength[inside], minlength=about.size).astype(np.float64)
    if about.any():
        n = int(about.sum())
        walk = ornstein_uhlenbeck(rng, np.full(n, awake.active_ln_sd), np.full(n, awake.active_tau_s))
        peak_g[about] += awake.active_peak_g * np.exp(walk)
    return peak_g


def activity_counts(peak_g: Floats) -> NDArray[np.float32]:
    """Counts of te Lindert & Van Someren of every 15 s, as from a sensor without noise.

    Parameters
    ----------
    peak_g : ndarray of float64, shape (n * 30,)
        Largest acceleration of every second in the band of the counts.

    Returns
    -------
    ndarray of float32, shape (n * 2,)

    References
    ----------
    te Lindert B.H.W., Van Someren E.J.W., SLEEP 36 (2013) 781-789, doi 10.5665/sleep.2648.

    Examples
    --------
    >>> activity_counts(np.repeat([0.0, 0.2], 15)).round().tolist()
    [0.0, 221.0]
    """
    level = np.minimum(np.floor(peak_g * (COUNTS_LEVELS / COUNTS_RANGE_G)) + 1, COUNTS_LEVELS)
    total = level.reshape(-1, _COUNTS_BIN).sum(axis=1)
    counts: NDArray[np.float32] = np.maximum((total - COUNTS_OFFSET) * COUNTS_GAIN, 0.0).astype(np.float32)
    return counts
