"""Acceleration -> activity counts, ENMO, arm angle, wear.

Assumptions
-----------
- Samples are in g, calibrated by the device: nothing is corrected for offset or gain here.
- Axes keep their directions for a recording. Which way they point does not matter, save that counts and the arm
  angle are defined on the axis that leaves the skin (z of a watch and of an Empatica E4).
- A missing sample (NaN on any axis) is missing on all three.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from staging.grid import bin_edges, bin_mean, bin_share, bin_sum, finite, index_at, runs, within_runs
from staging.posture import MIN_GRAVITY_G
from staging.recording import EPOCH_S, FloatArray, Signal

__all__ = [
    "MIN_COUNTS_RATE_HZ",
    "activity_counts",
    "arm_angle_deg",
    "counts_band",
    "enmo_g",
    "frozen",
    "saturated",
    "wear",
]

COUNTS_RATE_HZ = 50.0
"""Rate at which counts are made whatever the sensor's: that of the watches the published counts come from."""

COUNTS_BAND_HZ = (3.0, 11.0)
COUNTS_ORDER = 5
COUNTS_LEVELS = 128
COUNTS_RANGE_G = 5.0
COUNTS_BIN_S = 15.0
COUNTS_OFFSET = 18.0
COUNTS_GAIN = 3.07

MIN_COUNTS_RATE_HZ = 2.0 * COUNTS_BAND_HZ[1]
"""At and below this rate the band's upper edge cannot be sampled, and there are no counts."""

ALIAS_CUT_HZ = 20.0
"""Faster sensors are low-passed here before they are brought to 50 Hz: nothing folds into the band, which it leaves
alone (a loss of 0.1 % at 11 Hz)."""

BRIDGE_S = 0.1
"""Longest run of missing samples that a straight line replaces."""

GUARD_S = 0.5
"""Samples this near to a longer gap are not used: the band-pass still feels the step across it (0.33 s a cycle)."""

BLOCK_S = 4 * 3600.0
PAD_S = 10.0
BLOCK_BINS = 2000
"""Long recordings are worked on in blocks, to bound memory; the pad is 30 periods of the filter's lower edge."""

WEAR_WINDOW_S = 3600.0
NON_WEAR_SD_G = 0.013
NON_WEAR_RANGE_G = 0.010
NON_WEAR_RANGE_STEPS = 1.05
"""What counts as off the wrist; `wear` says why."""

FROZEN_S = 120.0
FROZEN_COARSE_S = 1800.0
FROZEN_SAMPLES = 1000
COARSE_STEP_G = 0.008
"""How long, and for how many samples, one value says that a sensor is stuck; `frozen` says why."""

MAX_GRAVITY_G = 1.5
"""A longer mean acceleration of 30 s is no posture's: gravity is 1 g, and movement averages out."""

STEP_SAMPLES = 20_000
STEP_UNIT_G = 1e-4
"""So many samples, evenly spread, are enough to know a sensor's steps, in this unit."""

_SECOND = int(COUNTS_RATE_HZ)


def activity_counts(acc: Signal, n_bins: int, *, bin_s: float = COUNTS_BIN_S, axis: int = 2) -> NDArray[np.float32]:
    """Activity counts as a wrist actigraph of the clinic would have given them.

    One axis is brought to 50 Hz, band-passed to 3-11 Hz (Butterworth, order 5, forwards and backwards), rectified and
    put into 128 levels of 0-5 g, the first being 1. The highest level of each second is summed over 15 s; from the
    sum 18 is taken, the rest times 3.07, nothing below 0. Whatever the sensor's rate, the same movement gives nearly
    the same counts.

    Runs of missing samples up to 0.1 s are bridged. Around longer gaps half a second is left out, so that a gap
    neither rings nor invents movement. A saturated sensor gives what is left of the movement; a constant one gives 0.

    Parameters
    ----------
    acc : Signal
        Acceleration in g, shape (n, 3), or (n,) for the one axis. Above `MIN_COUNTS_RATE_HZ`, 22 Hz; 32 Hz and more
        is what the published conversion was made for.
    n_bins : int
        Number of bins from second 0.
    bin_s : float
        Length of a bin, whole seconds. The unit stays counts per 15 s.
    axis : int
        Axis of the sensor: 2 (z), as published.

    Returns
    -------
    ndarray of float32, shape (n_bins,)
        Counts per 15 s. NaN where fewer than half of a bin's seconds, or of their samples, are usable; NaN
        throughout where the rate is 22 Hz or less (the caller is to say so).

    Raises
    ------
    ValueError
        If `bin_s` is not a positive whole number of seconds.

    References
    ----------
    te Lindert B.H.W., Van Someren E.J.W., SLEEP 36 (2013) 781-789, doi 10.5665/sleep.2648.
    Walch O. et al., SLEEP 42 (2019) zsz180, doi 10.1093/sleep/zsz180 (the counts of the Sleep-Accel set).

    Examples
    --------
    A minute's rest, then a minute's shaking at 5 Hz by a fifth of a g:

    >>> t_s = np.arange(0, 120, 1 / 32)
    >>> z = 1 + 0.2 * np.sin(2 * np.pi * 5 * t_s) * (t_s >= 60)
    >>> acc = Signal(samples=np.stack([0 * z, 0 * z, z], axis=1), rate_hz=32.0, unit="g")
    >>> activity_counts(acc, 9).round().tolist()
    [0.0, 0.0, 0.0, 0.0, 178.0, 175.0, 175.0, 178.0, nan]
    """
    bin_seconds = round(bin_s)
    if bin_seconds != bin_s or bin_seconds < 1:
        raise ValueError(f"bin_s must be a positive whole number of seconds, got {bin_s}")
    if acc.rate_hz <= MIN_COUNTS_RATE_HZ or not len(acc.samples):
        return np.full(n_bins, np.nan, np.float32)
    samples = acc.samples if acc.samples.ndim == 1 else acc.samples[:, axis]
    one_axis = Signal(samples=samples, rate_hz=acc.rate_hz, unit=acc.unit, start_s=acc.start_s)
    n_seconds, block = n_bins * bin_seconds, int(BLOCK_S)
    levels = np.concatenate(
        [_levels(one_axis, first, min(block, n_seconds - first)) for first in range(0, n_seconds, block)]
        or [np.empty(0)]
    ).reshape(n_bins, bin_seconds)
    used = np.isfinite(levels).sum(axis=1)
    enough = used >= bin_seconds / 2
    counts = np.full(n_bins, np.nan)
    per_15_s = np.nansum(levels[enough], axis=1) / used[enough] * COUNTS_BIN_S
    counts[enough] = np.maximum((per_15_s - COUNTS_OFFSET) * COUNTS_GAIN, 0.0)
    return counts.astype(np.float32)


def _levels(acc: Signal, first_s: int, n_seconds: int) -> NDArray[np.float64]:
    """Highest level of each second from `first_s`, float64 ``(n_seconds,)``; NaN where half of it is unusable."""
    none = np.full(n_seconds, np.nan)
    low, high = index_at(acc, np.array([first_s - PAD_S, first_s + n_seconds + PAD_S]))
    source = acc.samples[low:high].astype(np.float64)
    known = np.isfinite(source)
    if known.sum() < 2 * acc.rate_hz:
        return none
    at = np.arange(len(source))
    source[~known] = np.interp(at[~known], at[known], source[known])

    begin_s = acc.start_s + low / acc.rate_hz - first_s
    z = np.abs(counts_band(source, acc.rate_hz, begin_s, n_seconds))

    usable = _usable_at_50_hz(known, acc.rate_hz, begin_s, n_seconds).reshape(n_seconds, _SECOND)
    peak = np.where(usable, z.reshape(n_seconds, _SECOND), 0.0).max(axis=1)
    level = np.minimum(np.floor(peak * (COUNTS_LEVELS / COUNTS_RANGE_G)) + 1, COUNTS_LEVELS)
    return np.where(usable.mean(axis=1) >= 0.5, level, np.nan)


def counts_band(source: NDArray[np.float64], rate_hz: float, begin_s: float, n_seconds: int) -> NDArray[np.float64]:
    """The movement that counts are made from: one axis at 50 Hz, band-passed to 3-11 Hz. Linear in the samples.

    Parameters
    ----------
    source : ndarray of float64, shape (n,)
        Acceleration in g, without gaps; its first and last values hold beyond its ends.
    rate_hz : float
        Its rate, above `MIN_COUNTS_RATE_HZ`.
    begin_s : float
        Time of its first sample.
    n_seconds : int
        Length of the result, which begins at second 0.

    Returns
    -------
    ndarray of float64, shape (n_seconds * 50,)
        In g.

    Examples
    --------
    >>> t_s = np.arange(0, 20, 1 / 32)
    >>> band = counts_band(1 + 0.2 * np.sin(2 * np.pi * 5 * t_s), 32.0, 0.0, 20)
    >>> band.shape, float(abs(band[200:-200]).max().round(1))
    ((1000,), 0.2)
    """
    from scipy.signal import butter, sosfiltfilt

    band = butter(COUNTS_ORDER, COUNTS_BAND_HZ, "bandpass", fs=COUNTS_RATE_HZ, output="sos")
    pad = int(PAD_S * COUNTS_RATE_HZ)
    return np.asarray(sosfiltfilt(band, _at_50_hz(source, rate_hz, begin_s, n_seconds))[pad:-pad])


def _at_50_hz(source: NDArray[np.float64], rate_hz: float, begin_s: float, n_seconds: int) -> NDArray[np.float64]:
    """Samples that begin at `begin_s`, read at 50 Hz from -PAD_S to n_seconds + PAD_S; the ends are held."""
    from scipy.ndimage import map_coordinates
    from scipy.signal import butter, sosfiltfilt

    if rate_hz > COUNTS_RATE_HZ:
        low_pass = butter(6, ALIAS_CUT_HZ, fs=rate_hz, output="sos")
        source = sosfiltfilt(low_pass, source, padlen=min(len(source) - 1, int(rate_hz)))
    wanted_s = np.arange((n_seconds + 2 * PAD_S) * COUNTS_RATE_HZ) / COUNTS_RATE_HZ - PAD_S
    position = np.clip((wanted_s - begin_s) * rate_hz, 0, len(source) - 1)
    nearest = np.rint(position)
    if np.abs(position - nearest).max() < 1e-3:
        return source[nearest.astype(np.int64)]
    # A straight line would lose a third of an 11 Hz movement sampled at 32 Hz; a spline of order 5 loses 2 %.
    return np.asarray(map_coordinates(source, position[None], order=5, mode="nearest"))


def _usable_at_50_hz(known: NDArray[np.bool_], rate_hz: float, begin_s: float, n_seconds: int) -> NDArray[np.bool_]:
    """Which 50 Hz samples of `n_seconds` are recorded, and away from gaps that are too long to bridge."""
    start, stop = runs(~known)
    long = (stop - start) / rate_hz > BRIDGE_S
    start_s = np.concatenate([[-np.inf], begin_s + start[long] / rate_hz - GUARD_S, [begin_s + len(known) / rate_hz]])
    stop_s = np.concatenate([[begin_s], begin_s + stop[long] / rate_hz + GUARD_S, [np.inf]])
    n = n_seconds * _SECOND
    first, last = (np.clip(np.ceil(t * COUNTS_RATE_HZ - 1e-6), 0, n).astype(np.int64) for t in (start_s, stop_s))
    return ~within_runs(first, last, n)


def enmo_g(acc: Signal, n_bins: int, *, bin_s: float = 5.0) -> NDArray[np.float32]:
    """Mean of the acceleration's length less one g, nothing below 0 (ENMO).

    Parameters
    ----------
    acc : Signal
        Acceleration in g, shape (n, 3). An error of calibration of 1 % makes a resting arm 10 mg.
    n_bins : int
        Number of bins from second 0.
    bin_s : float
        Length of a bin.

    Returns
    -------
    ndarray of float32, shape (n_bins,)
        g; NaN where less than half of the bin was recorded.

    References
    ----------
    van Hees V.T. et al., PLoS ONE 8 (2013) e61691, doi 10.1371/journal.pone.0061691.

    Examples
    --------
    >>> acc = Signal(samples=np.tile([0.0, 0.6, 1.0], (320, 1)), rate_hz=32.0, unit="g")
    >>> enmo_g(acc, 2).round(3).tolist()
    [0.16599999368190765, 0.16599999368190765]
    """
    length = np.sqrt(np.einsum("nd,nd->n", acc.samples, acc.samples))
    above = Signal(samples=np.maximum(length - 1, 0), rate_hz=acc.rate_hz, unit=acc.unit, start_s=acc.start_s)
    return bin_mean(above, n_bins, bin_s).astype(np.float32)


def arm_angle_deg(acc: Signal, n_bins: int, *, bin_s: float = 5.0) -> NDArray[np.float32]:
    """Angle between the sensor's z axis and the horizontal plane.

    The median of each axis over the bin stands for gravity. (The source takes a rolling median and then the mean over
    5 s; the two differ only while the arm turns.)

    Parameters
    ----------
    acc : Signal
        Acceleration in g, shape (n, 3).
    n_bins : int
        Number of bins from second 0.
    bin_s : float
        Length of a bin.

    Returns
    -------
    ndarray of float32, shape (n_bins,)
        Degrees, -90 to 90; NaN where less than half of the bin was recorded, or no gravity.

    References
    ----------
    van Hees V.T. et al., PLoS ONE 10 (2015) e0142533, doi 10.1371/journal.pone.0142533.

    Examples
    --------
    >>> acc = Signal(samples=np.tile([0.6, 0.0, 0.8], (320, 1)), rate_hz=32.0, unit="g")
    >>> arm_angle_deg(acc, 2).round(1).tolist()
    [53.099998474121094, 53.099998474121094]
    """
    edges = bin_edges(acc, n_bins, bin_s)
    count = bin_sum(finite(acc.samples), edges).astype(np.int64)
    enough = (bin_share(acc, n_bins, bin_s) >= 0.5) & (count > 0)
    angle = np.full(n_bins, np.nan, np.float32)
    if enough.any():
        x, y, z = _bin_medians(acc.samples, edges[:-1][enough], edges[1:][enough]).T
        angle[enough] = np.degrees(np.arctan2(z, np.hypot(x, y)))
        angle[np.flatnonzero(enough)[x**2 + y**2 + z**2 < MIN_GRAVITY_G**2]] = np.nan
    return angle


def _bin_medians(samples: FloatArray, first: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.float64]:
    """Median of each axis over ``samples[first:last]``, bin by bin, missing samples left out."""
    medians = np.empty((len(first), samples.shape[1]))
    for begin in range(0, len(first), BLOCK_BINS):
        block = slice(begin, begin + BLOCK_BINS)
        inside = first[block, None] + np.arange((last - first)[block].max())
        taken = samples[np.minimum(inside, len(samples) - 1)].astype(np.float64)
        known = np.isfinite(taken).all(axis=2) & (inside < last[block, None])
        taken[~known] = np.inf
        taken.sort(axis=1)
        count = known.sum(axis=1)
        middle = np.stack([(count - 1) // 2, count // 2], axis=1)
        medians[block] = np.take_along_axis(taken, middle[:, :, None], axis=1).mean(axis=1)
    return medians


def wear(acc: Signal, n_epochs: int) -> NDArray[np.float32]:
    """Whether the sensor was on a body, from how still it lay.

    The published rule calls 60 min non-wear if, on two of three axes, the samples' SD is below 13 mg or their range
    below 50 mg. Asleep that fails both ways: people lie stiller than that (on the 25 nights of the Sleep-Accel set,
    all worn, the rule takes 16 % of the epochs away), and a noisy sensor on a table exceeds 50 mg. Here an hour is
    non-wear if on all three axes

    - the SD within each of its epochs is below 13 mg, and
    - the range of the epochs' means is below 10 mg, or no more than one step of a sensor whose steps are coarser.
      Means carry no sensor noise, while breathing and settling move a sleeping arm: of the same nights no epoch is
      taken away, and 2 % if their samples are rounded to the 15.6 mg of an Empatica E4.

    An hour counts from any epoch on, so that a still run of an hour or more is non-wear from its first epoch to its
    last. Shorter runs are wear, and so is a recording shorter than an hour. A sensor stuck at a value is non-wear.
    Nobody is proved absent by stillness: where there is a pulse or a temperature, let it decide.

    Parameters
    ----------
    acc : Signal
        Acceleration in g, shape (n, 3), from one sample an epoch up.
    n_epochs : int
        Number of 30-s epochs.

    Returns
    -------
    ndarray of float32, shape (n_epochs,)
        1 worn, 0 not worn; NaN where less than half of the epoch was recorded.

    References
    ----------
    van Hees V.T. et al., PLoS ONE 6 (2011) e22922, doi 10.1371/journal.pone.0022922 (the rule, 30 min).
    van Hees V.T. et al., PLoS ONE 8 (2013) e61691, doi 10.1371/journal.pone.0061691 (13 mg, 50 mg, 60 min).

    Examples
    --------
    Two hours on a table, then an hour on a breathing sleeper:

    >>> t_s = np.arange(0, 3 * 3600, 0.5)
    >>> x = 0.02 * np.sin(t_s / 900) * (t_s >= 7200)
    >>> acc = Signal(samples=np.stack([x, 0 * x, 1 + 0 * x], axis=1), rate_hz=2.0, unit="g")
    >>> wear(acc, 360)[[0, 200, 280, 359]].tolist()
    [0.0, 0.0, 1.0, 1.0]
    """
    mean = bin_mean(acc, n_epochs, EPOCH_S)
    recorded = finite(mean)
    worn = np.where(recorded, np.float32(1), np.float32(np.nan))
    width = int(WEAR_WINDOW_S / EPOCH_S)
    if n_epochs < width or not recorded.any():
        return worn
    squares = Signal(samples=acc.samples**2, rate_hz=acc.rate_hz, unit=acc.unit, start_s=acc.start_s)
    variance = np.maximum(bin_mean(squares, n_epochs, EPOCH_S) - mean**2, 0.0)

    def hours(values: NDArray[np.float64], missing: float) -> NDArray[np.float64]:
        filled = np.where(recorded[:, None], values, missing)
        return np.lib.stride_tricks.sliding_window_view(filled, width, axis=0)

    epochs = np.lib.stride_tricks.sliding_window_view(recorded, width).sum(axis=1)
    moved = hours(mean, -np.inf).max(axis=2) - hours(mean, np.inf).min(axis=2)
    limit = max(NON_WEAR_RANGE_G, NON_WEAR_RANGE_STEPS * _step_g(acc.samples))
    still = (hours(variance, 0.0).max(axis=2) < NON_WEAR_SD_G**2) & (moved < limit)
    off = still.all(axis=1) & (epochs >= width / 2)
    # An epoch is off the wrist where any of the hours that hold it is: hours that began up to `width` epochs before.
    begun = np.concatenate([[0], np.cumsum(off), np.full(width - 1, off.sum())])
    holds_off = begun[1:] > np.concatenate([np.zeros(width, np.int64), begun[1:]])[:n_epochs]
    return np.where(recorded & holds_off, np.float32(0), worn)


def frozen(acc: Signal, n_epochs: int) -> NDArray[np.bool_]:
    """Epochs in which the sensor gave the same sample again and again, on all three axes.

    A sensor has noise: one with steps below 8 mg does not give one value for 2 min, however still it lies. The noise of
    one with coarser steps may stay within a step: 30 min are asked of it. A device that holds its last value while it
    saves power looks the same, so that this proves a fault only where somebody is known to wear it.

    Parameters
    ----------
    acc : Signal
        Acceleration in g, shape (n, 3).
    n_epochs : int
        Number of 30-s epochs.

    Returns
    -------
    ndarray of bool, shape (n_epochs,)
        True where half of the epoch's samples lie in such a run, of 1000 samples or more.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> samples = rng.normal(0, 0.005, (600 * 32, 3))
    >>> samples[300 * 32 :] = samples[300 * 32]
    >>> frozen(Signal(samples=samples, rate_hz=32.0, unit="g"), 20).nonzero()[0].tolist()
    [10, 11, 12, 13, 14, 15, 16, 17, 18, 19]
    """
    samples = acc.samples
    same = functools.reduce(np.logical_and, (axis[1:] == axis[:-1] for axis in samples.T))
    start, stop = runs(same)
    stop += 1  # the last sample equals the one before it
    shortest = max(FROZEN_SAMPLES, FROZEN_S * acc.rate_hz)
    long = stop - start >= shortest
    if long.any() and _step_g(samples) >= COARSE_STEP_G:
        long &= stop - start >= FROZEN_COARSE_S * acc.rate_hz
    if not long.any():
        return np.zeros(n_epochs, dtype=np.bool_)
    # Samples of such runs before each edge of an epoch: flat between runs, rising by one a sample within them.
    knots = np.stack([start[long], stop[long]], axis=1).ravel()
    length = (stop - start)[long]
    before = np.stack([np.cumsum(length) - length, np.cumsum(length)], axis=1).ravel()
    edges = bin_edges(acc, n_epochs, EPOCH_S)
    return np.asarray(np.diff(np.interp(edges, knots, before)) >= np.maximum(np.diff(edges) / 2, 1))


def saturated(acc: Signal, n_epochs: int) -> NDArray[np.bool_]:
    """Epochs whose mean acceleration is longer than gravity makes it: a sensor at the end of its range, or broken.

    Parameters
    ----------
    acc : Signal
        Acceleration in g, shape (n, 3).
    n_epochs : int
        Number of 30-s epochs.

    Returns
    -------
    ndarray of bool, shape (n_epochs,)
        False as well where less than half of the epoch was recorded, and for less than a sample a second: the mean of
        few is a movement's.

    Examples
    --------
    >>> acc = Signal(samples=np.repeat([[0.0, 0.6, 0.8], [2.0, 2.0, 2.0]], 60 * 32, axis=0), rate_hz=32.0, unit="g")
    >>> saturated(acc, 5).tolist()
    [False, False, True, True, False]
    """
    if acc.rate_hz < 1.0:
        return np.zeros(n_epochs, dtype=np.bool_)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.linalg.norm(bin_mean(acc, n_epochs, EPOCH_S), axis=1) > MAX_GRAVITY_G)


def _step_g(samples: FloatArray) -> float:
    """Smallest step between values of the sensor, to 0.1 mg; 0 where there is only one value."""
    some = samples[:: max(1, len(samples) // STEP_SAMPLES)]
    values = np.unique(np.rint(some[finite(some)] / STEP_UNIT_G))
    return float(np.diff(values).min() * STEP_UNIT_G) if values.size > 1 else 0.0
