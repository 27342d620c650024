"""Inter-beat intervals -> heart-rate variability and breathing of every epoch, from the five minutes around it.

Assumptions
-----------
- Intervals are clean (`staging.heart.clean_intervals`): of what is left, all is sinus rhythm. Intervals that were
  dropped leave a gap; nothing is put in their place but a straight line for the spectrum, which then leaves it out.
- Breathing moves the heartbeat (respiratory sinus arrhythmia). Where it does not, as in some of the old and with
  some drugs, the breathing frequency is that of noise and its regularity low.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from staging.recording import EPOCH_S, Events

__all__ = ["HeartRateVariability", "heart_rate_variability"]

VLF_HZ = (0.003, 0.04)
LF_HZ = (0.04, 0.15)
HF_HZ = (0.15, 0.40)
"""Bands of the Task Force; breathing is looked for in the third."""

TACHOGRAM_HZ = 4.0
"""Rate to which intervals are brought for the spectrum: ten times the highest band's edge."""

ADJACENT_S = 0.15
"""Two intervals follow each other if the second's length is the time between their ends to within this; a beat left
out makes it at least 0.3 s."""

MAX_BRIDGE_S = 3.0
"""Longest time between two ends of intervals that belongs to the tachogram."""

BREATH_WINDOW_S = 32.0
BREATH_HOP_S = 10.0
BREATH_WIDTH_HZ = 0.03
BREATH_POINTS = 1024
"""Breathing frequency is read from 32-s spectra, to 0.004 Hz; around its peak, 0.03 Hz to either side are its own."""

BLOCK_EPOCHS = 1000
"""Epochs whose spectra are held in memory at once."""


@dataclass(frozen=True, kw_only=True, eq=False)
class HeartRateVariability:
    """Measures of every epoch, each a float32 ``(n_epochs,)``, NaN where too few beats are usable.

    Attributes
    ----------
    usable_share : ndarray
        Share of the window that intervals cover, 0-1; never NaN.
    heart_rate_bpm : ndarray
        60 over the mean interval.
    sdnn_ms, rmssd_ms : ndarray
        SD of the intervals; root mean square of the differences of adjacent ones.
    pnn50_pct : ndarray
        Share of adjacent intervals that differ by more than 50 ms.
    vlf_ms2, lf_ms2, hf_ms2 : ndarray
        Power at 0.003-0.04, 0.04-0.15 and 0.15-0.40 Hz. Of the first, 5 min hold only what is above 0.0033 Hz.
    lf_hf : ndarray
        Ratio of the last two.
    breathing_hz : ndarray
        Frequency of breathing: the peak at 0.15-0.40 Hz of the mean of the window's 32-s spectra.
    breathing_sd_hz : ndarray
        SD of that peak from one 32-s spectrum to the next: small in deep sleep, large in REM and wake.
    breathing_share : ndarray
        Share of the power at 0.15-0.40 Hz within 0.03 Hz of `breathing_hz`: near 1 for regular breathing.
    """

    usable_share: NDArray[np.float32]
    heart_rate_bpm: NDArray[np.float32]
    sdnn_ms: NDArray[np.float32]
    rmssd_ms: NDArray[np.float32]
    pnn50_pct: NDArray[np.float32]
    vlf_ms2: NDArray[np.float32]
    lf_ms2: NDArray[np.float32]
    hf_ms2: NDArray[np.float32]
    lf_hf: NDArray[np.float32]
    breathing_hz: NDArray[np.float32]
    breathing_sd_hz: NDArray[np.float32]
    breathing_share: NDArray[np.float32]


def heart_rate_variability(
    intervals: Events, n_epochs: int, *, window_s: float = 300.0, min_share: float = 0.5
) -> HeartRateVariability:
    """Heart-rate variability and breathing in the window centred on every epoch.

    The spectrum is that of the intervals at 4 Hz (a cubic spline through them), less their straight-line trend, under
    a Hann window; power is one-sided, so that a sine of amplitude A ms has A²/2 ms².

    Parameters
    ----------
    intervals : Events
        Clean inter-beat intervals in s, at the beats that end them. NaN intervals are left out.
    n_epochs : int
        Number of 30-s epochs.
    window_s : float
        Length of the window, a multiple of 10 s and at least 60 s; 300 s is the standard.
    min_share : float
        Share of the window that intervals must cover; less gives NaN. At a recording's first and last epoch half of
        the window lies outside.

    Returns
    -------
    HeartRateVariability
        Arrays of shape (n_epochs,).

    Raises
    ------
    ValueError
        If the intervals are not in s or the window is too short or no multiple of 10 s.

    References
    ----------
    Task Force of the European Society of Cardiology and the North American Society of Pacing and Electrophysiology,
    Circulation 93 (1996) 1043-1065, doi 10.1161/01.CIR.93.5.1043.

    Examples
    --------
    Ten minutes at 60 bpm; 15 breaths a minute swing the intervals by 40 ms to either side:

    >>> ends_s = np.arange(1.0, 600.0)
    >>> swing = Events(times_s=ends_s, values=1 + 0.04 * np.sin(2 * np.pi * 0.25 * ends_s + 0.5), unit="s")
    >>> hrv = heart_rate_variability(swing, 20)
    >>> [round(float(values[10]), 2) for values in (hrv.heart_rate_bpm, hrv.sdnn_ms, hrv.breathing_hz)]
    [60.0, 28.33, 0.25]
    """
    if intervals.unit != "s":
        raise ValueError(f"intervals must be in s, got unit {intervals.unit!r}")
    if window_s < 60 or window_s % BREATH_HOP_S:
        raise ValueError(f"window_s must be a multiple of {BREATH_HOP_S:g} s from 60 s up, got {window_s:g}")
    known = np.isfinite(intervals.values)
    ends_s, length_s = intervals.times_s[known], intervals.values[known]
    measures = _of_times(ends_s, length_s, n_epochs, window_s)
    measures |= _of_spectra(ends_s, length_s, n_epochs, window_s)
    # Breathing faster than every other beat cannot be seen in the beats.
    blind = measures["breathing_hz"] > measures["heart_rate_bpm"] / 120
    too_few = ~(measures["usable_share"] >= min_share)
    for name, values in measures.items():
        if name != "usable_share":
            values[too_few | (blind & name.startswith("breathing"))] = np.nan
    return HeartRateVariability(**{f.name: measures[f.name].astype(np.float32) for f in fields(HeartRateVariability)})


def _of_times(
    ends_s: NDArray[np.float64], length_s: NDArray[np.float64], n_epochs: int, window_s: float
) -> dict[str, NDArray[np.float64]]:
    """Measures of the intervals themselves, as differences of cumulative sums."""
    middle_s = (np.arange(n_epochs) + 0.5) * EPOCH_S
    first = np.searchsorted(ends_s, middle_s - window_s / 2, side="right")
    last = np.searchsorted(ends_s, middle_s + window_s / 2, side="right")

    # A step between two intervals belongs to a window if both do: it is counted from the window's second interval.
    second = np.minimum(first + 1, last)

    def total(values: NDArray[np.float64] | NDArray[np.bool_], begin: NDArray[np.int64]) -> NDArray[np.float64]:
        until = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
        return np.asarray(until[last] - until[begin])

    def ratio(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.divide(above, below, out=np.full(n_epochs, np.nan), where=below > 0))

    # Squares about the recording's mean keep the digits that their sums would lose.
    centred_s = length_s - (length_s.mean() if length_s.size else 0.0)
    count, seconds = (last - first).astype(np.float64), total(length_s, first)
    squares = total(centred_s**2, first) - count * ratio(total(centred_s, first), count) ** 2
    adjacent = np.abs(np.diff(ends_s, prepend=-np.inf) - length_s) < ADJACENT_S
    step_s = np.where(adjacent, np.diff(length_s, prepend=0.0), 0.0)
    pairs = total(adjacent, second)
    pairs[pairs < count / 2] = 0.0
    return {
        "usable_share": np.minimum(seconds / window_s, 1.0),
        "heart_rate_bpm": 60 * ratio(count, seconds),
        "sdnn_ms": 1000 * np.sqrt(np.maximum(ratio(squares, count - 1), 0.0)),
        "rmssd_ms": 1000 * np.sqrt(ratio(total(step_s**2, second), pairs)),
        "pnn50_pct": 100 * ratio(total(np.abs(step_s) > 0.05, second), pairs),
    }


def _of_spectra(
    ends_s: NDArray[np.float64], length_s: NDArray[np.float64], n_epochs: int, window_s: float
) -> dict[str, NDArray[np.float64]]:
    """Band powers and breathing, a block of epochs at a time."""
    names = ("vlf_ms2", "lf_ms2", "hf_ms2", "lf_hf", "breathing_hz", "breathing_sd_hz", "breathing_share")
    measures = {name: np.full(n_epochs, np.nan) for name in names}
    if length_s.size < 4:
        return measures
    for first in range(0, n_epochs, BLOCK_EPOCHS):
        n = min(BLOCK_EPOCHS, n_epochs - first)
        begin_s = (first + 0.5) * EPOCH_S - window_s / 2
        n_samples = round(((n - 1) * EPOCH_S + window_s) * TACHOGRAM_HZ)
        tachogram, known = _tachogram(ends_s, length_s, begin_s, n_samples)
        width, hop = round(window_s * TACHOGRAM_HZ), round(EPOCH_S * TACHOGRAM_HZ)
        power, step_hz = _spectra(tachogram, known, width, hop, width)
        breath_hz, breath_sd_hz = _breathing(tachogram, known, window_s)
        frequency_hz = np.arange(power.shape[1]) * step_hz
        bands = [
            (power * ((frequency_hz >= low) & (frequency_hz < high))).sum(axis=1) * step_hz
            for low, high in (VLF_HZ, LF_HZ, HF_HZ)
        ]
        # Bins count by the part of them that the band about the peak covers: the share does not jump with the peak.
        off_hz = np.abs(frequency_hz - breath_hz[:, None]) - BREATH_WIDTH_HZ
        part = np.clip(0.5 - off_hz / step_hz, 0.0, 1.0) * ((frequency_hz >= HF_HZ[0]) & (frequency_hz < HF_HZ[1]))
        near = (power * part).sum(axis=1) * step_hz
        hf = np.where(bands[2] > 0, bands[2], np.nan)
        block = (*bands, bands[1] / hf, breath_hz, breath_sd_hz, near / hf)
        for name, values in zip(names, block, strict=True):
            measures[name][first : first + n] = values
    return measures


def _tachogram(
    ends_s: NDArray[np.float64], length_s: NDArray[np.float64], begin_s: float, n_samples: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Intervals in ms at 4 Hz from `begin_s`, and which of these samples lie between beats that are near enough."""
    from scipy.interpolate import CubicSpline

    at_s = begin_s + np.arange(n_samples) / TACHOGRAM_HZ
    around = slice(*np.searchsorted(ends_s, [at_s[0] - 60, at_s[-1] + 60]))
    ends_s, length_ms = ends_s[around], 1000 * length_s[around]
    if ends_s.size < 4:
        return np.zeros(n_samples), np.zeros(n_samples, dtype=bool)
    # A spline would swing across a gap: it is led through it by points a second apart on a straight line.
    gap = np.diff(ends_s) > MAX_BRIDGE_S
    extra = [np.arange(a + 1, b - 0.5) for a, b in zip(ends_s[:-1][gap], ends_s[1:][gap], strict=True)]
    knots_s = np.sort(np.concatenate([ends_s, *extra]))
    spline = CubicSpline(knots_s, np.interp(knots_s, ends_s, length_ms))
    after = np.clip(np.searchsorted(ends_s, at_s), 1, ends_s.size - 1)
    known = (ends_s[after] - ends_s[after - 1] <= MAX_BRIDGE_S) & (at_s >= ends_s[0]) & (at_s <= ends_s[-1])
    return np.where(known, spline(np.clip(at_s, ends_s[0], ends_s[-1])), 0.0), known


def _spectra(
    tachogram: NDArray[np.float64], known: NDArray[np.bool_], width: int, hop: int, n_points: int
) -> tuple[NDArray[np.float64], float]:
    """One-sided power spectra of windows in ms²/Hz, float64 ``(n_windows, n)``, NaN for empty ones; and their step."""
    slide = np.lib.stride_tricks.sliding_window_view
    there = slide(known, width)[::hop].astype(np.float64)
    values = slide(tachogram, width)[::hop]
    # Straight-line trend by weighted least squares over what is known.
    place = np.linspace(-1, 1, width)
    count = np.maximum(there.sum(axis=1), 1.0)
    centre = there @ place / count
    mean = (values * there).sum(axis=1) / count
    along = (place - centre[:, None]) * there
    spread = (along**2).sum(axis=1)
    slope = np.divide((along * values).sum(axis=1), spread, out=np.zeros_like(spread), where=spread > 0)
    taper = np.hanning(width + 1)[:width] * there
    level = (values - mean[:, None]) * taper - slope[:, None] * along * taper
    weight = (taper**2).sum(axis=1)
    empty = there.sum(axis=1) < width / 2
    transform = np.fft.rfft(level, n_points, axis=1)
    power = 2 * np.abs(transform) ** 2 / (TACHOGRAM_HZ * np.where(weight > 0, weight, np.inf))[:, None]
    power[empty] = np.nan
    return power, TACHOGRAM_HZ / n_points


def _breathing(
    tachogram: NDArray[np.float64], known: NDArray[np.bool_], window_s: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Breathing frequency in Hz of each window, and its SD among the 32-s spectra in it."""
    width, hop = round(BREATH_WINDOW_S * TACHOGRAM_HZ), round(BREATH_HOP_S * TACHOGRAM_HZ)
    power, step_hz = _spectra(tachogram, known, width, hop, BREATH_POINTS)
    band = slice(round(HF_HZ[0] / step_hz) - 1, round(HF_HZ[1] / step_hz) + 2)
    power = power[:, band]
    in_window = int((window_s - BREATH_WINDOW_S) // BREATH_HOP_S) + 1
    per_epoch = round(EPOCH_S / BREATH_HOP_S)

    def groups(values: NDArray[np.generic]) -> NDArray[np.generic]:
        """The 32-s spectra of each window, last axis."""
        return np.lib.stride_tricks.sliding_window_view(values, in_window, axis=0)[::per_epoch]

    there = np.isfinite(power[:, 0])
    power = np.where(there[:, None], power, 0.0)
    peak_hz = (_highest_peak(groups(power).sum(axis=2)) + band.start) * step_hz
    peak_hz[groups(there).sum(axis=1) < in_window / 2] = np.nan

    single_hz = _highest_peak(power) * step_hz
    found = np.isfinite(single_hz)
    single_hz = np.where(found, single_hz, 0.0)
    n = groups(found).sum(axis=1)
    squares = groups(single_hz**2).sum(axis=1) - groups(single_hz).sum(axis=1) ** 2 / np.maximum(n, 1)
    spread_hz = np.sqrt(np.maximum(squares, 0.0) / np.maximum(n - 1, 1))
    spread_hz[n < max(2, in_window / 2)] = np.nan
    return peak_hz, spread_hz


def _highest_peak(power: NDArray[np.float64]) -> NDArray[np.float64]:
    """Place of each row's highest local maximum, between bins by a parabola; NaN for a row without one."""
    before, here, after = power[:, :-2], power[:, 1:-1], power[:, 2:]
    peaks = np.where((here > before) & (here >= after), here, 0.0)
    best = peaks.argmax(axis=1)
    row = np.arange(len(power))
    rise, fall = here[row, best] - before[row, best], here[row, best] - after[row, best]
    found = peaks[row, best] > 0
    bend = rise + fall
    shift = np.divide(rise - fall, 2 * bend, out=np.zeros(len(power)), where=found & (bend > 0))
    return np.where(found, best + 1 + shift, np.nan)
