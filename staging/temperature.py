"""Skin temperature -> a clean series, its mean, slope and distance from the night's plateau, and wear.

Assumptions
-----------
- Degrees Celsius; a reader that meets another unit converts it, and one that cannot tell refuses.
- The sensor lies on the wrist or the finger. There the skin is 30-33 °C awake and 34-36 °C asleep; in a bed it does
  not cool by more than about 0.1 °C a minute, off the body it does.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from staging.grid import bin_mean
from staging.recording import EPOCH_S, Signal

__all__ = ["below_plateau_c", "clean_temperature", "epoch_mean_c", "slope_c_per_min", "wear"]

PLAUSIBLE_C = (5.0, 45.0)
"""What a sensor on or off a body indoors can read; error codes (-127, 0, 85, 382.2) lie outside."""

SPIKE_BLOCK_S = 10.0
SPIKE_BLOCKS = 7
MAX_SPIKE_C = 1.0
"""A sample further than 1 °C from the running median of seven 10-s medians is a spike: skin needs minutes for that."""

SLOPE_WINDOW = 11
"""Epochs of a slope: 5 min and the epoch itself."""

PLATEAU_QUANTILE = 0.9

COLD_C = 26.0
COOL_C = 30.0
FALL_C_PER_MIN = -0.2
RISE_C_PER_MIN = 0.1
MIN_FALL_C = 2.0
LEVEL_C = 0.05
"""Off the body; see `wear`."""


def clean_temperature(temp: Signal) -> Signal:
    """Take out what is no temperature: error codes, spikes, infinities. Nothing is smoothed or filled.

    Parameters
    ----------
    temp : Signal
        Temperature in °C at any rate.

    Returns
    -------
    Signal
        float64, same rate and length; NaN outside 5-45 °C and further than 1 °C from the running median of about
        70 s. A lasting step (the device is taken off) stays.

    Raises
    ------
    ValueError
        If the signal has several channels.

    Examples
    --------
    >>> samples = np.full(240, 34.0)
    >>> samples[100], samples[120] = 382.21, 30.0
    >>> clean = clean_temperature(Signal(samples=samples, rate_hz=4.0, unit="degC"))
    >>> np.flatnonzero(np.isnan(clean.samples)).tolist()
    [100, 120]
    """
    from scipy.ndimage import median_filter

    if temp.samples.ndim != 1:
        raise ValueError(f"a temperature has one channel, got shape {temp.samples.shape}")
    samples = np.asarray(temp.samples, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        plausible = (samples >= PLAUSIBLE_C[0]) & (samples <= PLAUSIBLE_C[1])
    samples = np.where(plausible, samples, np.nan)
    width = max(1, round(SPIKE_BLOCK_S * temp.rate_hz))
    blocks = np.full(-(-samples.size // width) * width, np.nan)
    blocks[: samples.size] = samples
    medians = _row_medians(blocks.reshape(-1, width))
    known = np.flatnonzero(np.isfinite(medians))
    if known.size:
        level = median_filter(medians[known], SPIKE_BLOCKS, mode="nearest")
        # Each sample may agree with the level before, at or after it: a true step lies between two levels.
        nearest = np.searchsorted(known, np.arange(samples.size) // width).clip(0, known.size - 1)
        levels = level[np.stack([np.maximum(nearest - 1, 0), nearest, np.minimum(nearest + 1, known.size - 1)])]
        low, high = levels.min(axis=0) - MAX_SPIKE_C, levels.max(axis=0) + MAX_SPIKE_C
        with np.errstate(invalid="ignore"):
            samples = np.where((samples >= low) & (samples <= high), samples, np.nan)
    return Signal(samples=samples, rate_hz=temp.rate_hz, unit=temp.unit, start_s=temp.start_s)


def _row_medians(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Median of each row without its NaN; NaN for a row of nothing else."""
    ordered = np.sort(rows, axis=1)
    count = np.isfinite(ordered).sum(axis=1)
    middle = np.stack([np.maximum(count - 1, 0) // 2, np.minimum(count // 2, rows.shape[1] - 1)], axis=1)
    return np.asarray(np.take_along_axis(ordered, middle, axis=1).mean(axis=1))


def epoch_mean_c(temp: Signal, n_epochs: int) -> NDArray[np.float32]:
    """Mean temperature of every epoch.

    Parameters
    ----------
    temp : Signal
        Clean temperature in °C. Slower than one sample an epoch, it is read between samples by a straight line.
    n_epochs : int
        Number of 30-s epochs.

    Returns
    -------
    ndarray of float32, shape (n_epochs,)
        °C; NaN where less than half of the epoch was recorded, or a slow sensor's neighbouring samples were not.

    Examples
    --------
    >>> temp = Signal(samples=np.r_[np.full(120, 33.0), np.full(120, 34.0)], rate_hz=4.0, unit="degC")
    >>> epoch_mean_c(temp, 3).tolist()
    [33.0, 34.0, nan]
    """
    if temp.rate_hz * EPOCH_S >= 1:
        return np.asarray(bin_mean(temp, n_epochs, EPOCH_S), dtype=np.float32)
    middle_s = (np.arange(n_epochs) + 0.5) * EPOCH_S
    known = np.isfinite(temp.samples)
    times_s = temp.times_s()[known]
    if not times_s.size:
        return np.full(n_epochs, np.nan, np.float32)
    value = np.interp(middle_s, times_s, temp.samples[known])
    after = np.searchsorted(times_s, middle_s)
    before_s, after_s = times_s[np.maximum(after - 1, 0)], times_s[np.minimum(after, times_s.size - 1)]
    beyond_s = np.maximum(times_s[0] - middle_s, middle_s - times_s[-1])
    value[(after_s - before_s > 1.5 / temp.rate_hz) | (beyond_s > 0.5 / temp.rate_hz)] = np.nan
    return np.asarray(value, dtype=np.float32)


def slope_c_per_min(temperature_c: NDArray[np.float32]) -> NDArray[np.float32]:
    """Slope of the temperature by least squares over the 5 min around every epoch.

    Parameters
    ----------
    temperature_c : ndarray of float32, shape (n_epochs,)
        By `epoch_mean_c`; NaN where unknown.

    Returns
    -------
    ndarray of float32, shape (n_epochs,)
        °C a minute; NaN where fewer than 6 of the 11 epochs are known.

    Examples
    --------
    >>> slope_c_per_min(np.linspace(33, 34, 21)).round(2)[[0, 10]].tolist()
    [0.10000000149011612, 0.10000000149011612]
    """
    values = np.asarray(temperature_c, dtype=np.float64)
    known = np.isfinite(values)
    if not known.any():
        return np.full(values.size, np.nan, np.float32)
    # Temperatures about their mean, so that the sums below keep their digits.
    centred = np.where(known, values - values[known].mean(), 0.0)
    place = np.arange(SLOPE_WINDOW) - SLOPE_WINDOW // 2

    def around(series: NDArray[np.float64], weights: NDArray[np.generic]) -> NDArray[np.float64]:
        padded = np.pad(series, SLOPE_WINDOW // 2)
        return np.lib.stride_tricks.sliding_window_view(padded, SLOPE_WINDOW) @ weights.astype(np.float64)

    there = known.astype(np.float64)
    count, first, second = (around(there, place**power) for power in (0, 1, 2))
    level, moment = around(centred, place**0), around(centred, place)
    spread = count * second - first**2
    enough = count > SLOPE_WINDOW // 2
    slope = np.full(values.size, np.nan)
    slope[enough] = ((count * moment - first * level)[enough] / spread[enough]) * (60 / EPOCH_S)
    return slope.astype(np.float32)


def below_plateau_c(temperature_c: NDArray[np.float32]) -> NDArray[np.float32]:
    """Distance below the night's plateau, the temperature that nine of ten epochs stay under.

    A sleeper's hand warms to that plateau within an hour of lights-off and leaves it on waking, so the distance means
    the same for warm and cold hands.

    Parameters
    ----------
    temperature_c : ndarray of float32, shape (n_epochs,)
        One night, by `epoch_mean_c`; NaN where unknown or not worn.

    Returns
    -------
    ndarray of float32, shape (n_epochs,)
        °C, positive below the plateau; NaN where unknown.

    References
    ----------
    Kräuchi K., Wirz-Justice A., Neuropsychopharmacology 25 (2001) S92-S96, doi 10.1016/S0893-133X(01)00315-3.

    Examples
    --------
    >>> below_plateau_c(np.r_[np.full(20, 32.0), np.full(80, 35.0)])[[0, 50]].tolist()
    [3.0, 0.0]
    """
    values = np.asarray(temperature_c, dtype=np.float32)
    known = np.isfinite(values)
    if not known.any():
        return np.full(values.size, np.nan, np.float32)
    return np.asarray(np.quantile(values[known], PLATEAU_QUANTILE) - values, dtype=np.float32)


def wear(temperature_c: NDArray[np.float32]) -> NDArray[np.float32]:
    """Whether the sensor was on a body, from its temperature alone.

    Not worn is an epoch

    - below 26 °C, or
    - from where the temperature began to fall by 0.2 °C a minute or more (over 5 min), if it then fell by 2 °C or
      more to below 30 °C, to where it rises again by 0.1 °C a minute or regains the level it fell from.

    Limits are those of Zhou and of Vert, who join them with stillness. In a room of 30 °C and more a sensor that was
    never on cannot be told.

    Parameters
    ----------
    temperature_c : ndarray of float32, shape (n_epochs,)
        By `epoch_mean_c`; NaN where unknown.

    Returns
    -------
    ndarray of float32, shape (n_epochs,)
        1 worn, 0 not worn; NaN where unknown.

    References
    ----------
    Zhou S.-M. et al., BMJ Open 5 (2015) e007447, doi 10.1136/bmjopen-2014-007447 (26 °C).
    Vert A. et al., BMC Med. Res. Methodol. 22 (2022) 147, doi 10.1186/s12874-022-01633-6 (rates, 30 °C).

    Examples
    --------
    The device is taken off after half an hour and cools towards a room of 27 °C:

    >>> minutes = np.arange(0, 120, 0.5)
    >>> temperature_c = np.where(minutes < 30, 34.0, 27 + 7 * np.exp((30 - minutes) / 12))
    >>> np.flatnonzero(wear(temperature_c) == 0)[[0, -1]].tolist()
    [61, 239]
    """
    values = np.asarray(temperature_c, dtype=np.float64)
    known = np.isfinite(values)
    worn = np.where(known, np.float32(1), np.float32(np.nan))
    worn[known & (np.where(known, values, np.inf) < COLD_C)] = 0
    filled = np.where(known, values, -np.inf)
    slope = np.nan_to_num(slope_c_per_min(temperature_c), nan=0.0)
    # Each fall is judged by itself, whatever came of the one before.
    for steep in np.flatnonzero(np.diff((slope <= FALL_C_PER_MIN).astype(np.int8), prepend=0) > 0).tolist():
        # A slope over 5 min is steep before the fall and after it: the fall follows the last epoch near the top.
        about = slice(max(0, steep - SLOPE_WINDOW // 2), steep + SLOPE_WINDOW)
        level = filled[about].max()
        first = about.start + int(np.flatnonzero(filled[about] >= level - LEVEL_C)[-1]) + 1
        back = (slope[first:] >= RISE_C_PER_MIN) | (filled[first:] >= level)
        stop = first + (int(np.argmax(back)) if back.any() else back.size)
        fallen = slice(first, stop)
        lowest = np.min(values[fallen], initial=np.inf, where=known[fallen])
        if lowest < COOL_C and level - lowest >= MIN_FALL_C:
            worn[fallen] = np.where(known[fallen], np.float32(0), np.float32(np.nan))
    return worn
