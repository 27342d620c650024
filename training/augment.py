"""What could have been recorded instead: other people, other sensors, faults and gaps, drawn anew at every pass."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from staging.recording import EPOCH_S
from staging.tracks import slice_tracks
from training.night import LabelledNight

__all__ = ["Augmentation", "OtherDevice", "augment"]


@dataclass(frozen=True, kw_only=True)
class OtherDevice:
    """Probabilities and sizes of what sets one device's heart-rate track apart from another's.

    Attributes
    ----------
    timing_probability, smoothing_probability, max_shift_steps : float, float, int
        How often a rate comes earlier or later, by up to so many 5-s steps; how often it is then smoothed as well.
    smoothing_steps : tuple of int
        Widths of the moving mean, one of which is drawn.
    wander_probability, wander_median_bpm, wander_ln_sd : float
        How often a slow error is added, and its standard deviation (lognormal): missed and invented beats are wrong
        for as long as they stay in the device's average.
    wander_steps : tuple of float
        Shortest and longest time constant of that error, in 5-s steps.
    whole_bpm_probability : float
        How often only whole beats a minute are shown.
    rare_probability : float
    rare_steps : tuple of int
        How often a rate is given only every so many 5-s steps, one of which is drawn, and lines between.
    """

    timing_probability: float = 0.5
    smoothing_probability: float = 0.4
    smoothing_steps: tuple[int, ...] = (3, 5)
    max_shift_steps: int = 2
    wander_probability: float = 0.6
    wander_median_bpm: float = 0.6
    wander_ln_sd: float = 0.6
    wander_steps: tuple[float, float] = (1.0, 8.0)
    whole_bpm_probability: float = 0.3
    rare_probability: float = 0.08
    rare_steps: tuple[int, ...] = (6, 12)


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Probabilities and sizes of the changes.

    Attributes
    ----------
    crop_probability, crop_share : float
        How often, and up to which share at each end, a night is cut.
    window_probability, window_hours : float, tuple of float
        How often nothing is known but a window of the night, of so many hours: what is staged while the night goes on.
    no_heart, no_motion, no_posture, no_temperature : float
        How often a night is seen without a sensor, so that one model serves every set of them.
    heart_scale_ln_sd, heart_level_sd_bpm, heart_noise_sd_bpm : float
        Spread of the amplitude and level of the heart rate between people, and noise of each step.
    device : OtherDevice
        How else a device might have shown the same heart.
    counts_ln_sd, lost_counts_probability : float
        Spread of the size of movements between devices; how often some small movements go unseen.
    steadied_probability, steadied_share : float, float
        How often, and up to which share, gravity follows the median of three epochs: a mean of a second is steadier
        than a sample. Turns that last for one epoch alone are less by it as well, whatever their size.
    gravity_noise_probability, gravity_noise_g : float, tuple of float
        How often, and between which limits (drawn evenly in their logarithm), a sensor adds noise to each axis.
    gravity_step_probability, gravity_step_g : float, tuple of float
        How often, and between which limits, its steps are so coarse.
    gap_probability, gap_mean_min, max_gaps : float, float, int
        How often, how long and how many stretches of heart rate are missing.
    loss_probability, loss_min : float, tuple of float
        How often one sensor, now the heart rate, now the movement, is lost for so long: a strap worn loose, a gap in
        the export. Of a night that has no other, nothing is known then.
    """

    crop_probability: float = 0.5
    crop_share: float = 0.25
    window_probability: float = 0.1
    window_hours: tuple[float, float] = (1.5, 5.0)
    no_heart: float = 0.1
    no_motion: float = 0.1
    no_posture: float = 0.25
    no_temperature: float = 0.25
    heart_scale_ln_sd: float = 0.15
    heart_level_sd_bpm: float = 5.0
    heart_noise_sd_bpm: float = 0.4
    device: OtherDevice = field(default_factory=OtherDevice)
    counts_ln_sd: float = 0.3
    lost_counts_probability: float = 0.3
    steadied_probability: float = 0.3
    steadied_share: float = 0.7
    gravity_noise_probability: float = 0.25
    gravity_noise_g: tuple[float, float] = (0.0005, 0.01)
    gravity_step_probability: float = 0.1
    gravity_step_g: tuple[float, float] = (0.002, 0.016)
    gap_probability: float = 0.3
    gap_mean_min: float = 5.0
    max_gaps: int = 7
    loss_probability: float = 0.2
    loss_min: tuple[float, float] = (15.0, 90.0)


def augment(night: LabelledNight, rng: np.random.Generator, changes: Augmentation) -> LabelledNight:
    """A changed copy of a night; its stages are those of the epochs that remain."""
    first, stop = _stretch(night.tracks.n_epochs, rng, changes)
    tracks = slice_tracks(night.tracks, first, stop)
    heart_rate = _heart_rate(tracks.heart_rate_bpm, rng, changes)
    counts = tracks.counts * np.float32(np.exp(rng.normal(0.0, changes.counts_ln_sd)))
    if rng.random() < changes.lost_counts_probability:
        lost = rng.random(counts.shape) < 0.3 * rng.random()
        counts = np.where(lost & np.isfinite(counts), np.float32(0.0), counts)
    gravity = _gravity(tracks.gravity_g, rng, changes)
    heart_rate, counts, gravity = _one_lost_for_long(heart_rate, counts, gravity, rng, changes)
    # Never both: a night without any sensor teaches nothing.
    missing = rng.random()
    if missing < changes.no_heart and np.isfinite(counts).any():
        heart_rate = np.full_like(heart_rate, np.nan)
    elif missing > 1.0 - changes.no_motion and np.isfinite(heart_rate).any():
        counts, gravity = np.full_like(counts, np.nan), np.full_like(gravity, np.nan)
    if rng.random() < changes.no_posture:
        gravity = np.full_like(gravity, np.nan)
    temperature = tracks.temperature_c
    # Drawn only where there is one: nights without temperature see the same changes whatever its probability.
    if np.isfinite(temperature).any() and rng.random() < changes.no_temperature:
        temperature = np.full_like(temperature, np.nan)
    return dataclasses.replace(
        night,
        tracks=dataclasses.replace(
            tracks,
            heart_rate_bpm=heart_rate,
            counts=counts,
            gravity_g=gravity,
            temperature_c=temperature,
        ),
        reference=night.reference[first:stop],
        taught=None if night.taught is None else night.taught[first:stop],
    )


def _stretch(n_epochs: int, rng: np.random.Generator, changes: Augmentation) -> tuple[int, int]:
    """First epoch that is left of a night, and the one after the last."""
    if rng.random() < changes.window_probability:
        length = min(n_epochs, round(rng.uniform(*changes.window_hours) * 3600.0 / EPOCH_S))
        first = int(rng.integers(n_epochs - length + 1))
        return first, first + length
    if rng.random() < changes.crop_probability:
        longest = max(1, int(n_epochs * changes.crop_share))
        return int(rng.integers(longest)), n_epochs - int(rng.integers(longest))
    return 0, n_epochs


def _one_lost_for_long(
    heart_rate: NDArray[np.float32],
    counts: NDArray[np.float32],
    gravity: NDArray[np.float32],
    rng: np.random.Generator,
    changes: Augmentation,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Heart rate, counts and gravity, without one sensor in one long stretch; the same epochs of each."""
    if rng.random() >= changes.loss_probability:
        return heart_rate, counts, gravity
    n_epochs = len(gravity)
    first = int(rng.integers(n_epochs))
    lost = np.zeros(n_epochs, bool)
    lost[first : first + round(rng.uniform(*changes.loss_min) * 60.0 / EPOCH_S)] = True

    def without(track: NDArray[np.float32]) -> NDArray[np.float32]:
        gone = np.repeat(lost, len(track) // n_epochs).reshape(-1, *[1] * (track.ndim - 1))
        return np.where(gone, np.float32(np.nan), track)

    if rng.random() < 0.5:
        return without(heart_rate), counts, gravity
    return heart_rate, without(counts), without(gravity)


def _heart_rate(
    track_bpm: NDArray[np.floating], rng: np.random.Generator, changes: Augmentation
) -> NDArray[np.float32]:
    track_bpm = _as_other_device(track_bpm.astype(np.float64), rng, changes.device)
    known = np.isfinite(track_bpm)
    middle = float(np.median(track_bpm[known])) if known.any() else 0.0
    scale = np.exp(rng.normal(0.0, changes.heart_scale_ln_sd))
    noise = rng.normal(0.0, changes.heart_noise_sd_bpm, track_bpm.shape)
    level = middle + rng.normal(0.0, changes.heart_level_sd_bpm)
    changed = (level + scale * (track_bpm - middle) + noise).astype(np.float32)
    if rng.random() < changes.gap_probability:
        mean_steps = changes.gap_mean_min * 60.0 / 5.0
        for _ in range(int(rng.integers(1, changes.max_gaps + 1))):
            begin = int(rng.integers(len(changed)))
            changed[begin : begin + int(rng.exponential(mean_steps))] = np.nan
    return changed


def _gravity(gravity_g: NDArray[np.float32], rng: np.random.Generator, changes: Augmentation) -> NDArray[np.float32]:
    """The same arm, as a steadier, a noisier or a coarser sensor would show it; what is unknown stays so."""
    changed = gravity_g.astype(np.float64)
    if rng.random() < changes.steadied_probability and len(changed) > 2:
        middle = np.median(np.stack([changed[:-2], changed[1:-1], changed[2:]]), axis=0)
        share = changes.steadied_share * rng.random()
        steadied = (1.0 - share) * changed[1:-1] + share * middle
        changed[1:-1] = np.where(np.isfinite(middle), steadied, changed[1:-1])
    if rng.random() < changes.gravity_noise_probability:
        sd_g = np.exp(rng.uniform(*np.log(changes.gravity_noise_g)))
        changed += rng.normal(0.0, sd_g, changed.shape)
    if rng.random() < changes.gravity_step_probability:
        step_g = rng.uniform(*changes.gravity_step_g)
        changed = np.round(changed / step_g) * step_g
    return changed.astype(np.float32)


def _as_other_device(
    track_bpm: NDArray[np.float64], rng: np.random.Generator, device: OtherDevice
) -> NDArray[np.float64]:
    """The same heart, timed, smoothed, mistaken and rounded otherwise; what is unknown stays so."""
    if rng.random() < device.timing_probability:
        if rng.random() < device.smoothing_probability:
            track_bpm = _moving_mean(track_bpm, int(rng.choice(device.smoothing_steps)))
        track_bpm = np.roll(track_bpm, int(rng.integers(-device.max_shift_steps, device.max_shift_steps + 1)))
    if rng.random() < device.wander_probability:
        sd_bpm = device.wander_median_bpm * np.exp(rng.normal(0.0, device.wander_ln_sd))
        track_bpm = track_bpm + sd_bpm * _wander(rng, len(track_bpm), rng.uniform(*device.wander_steps))
    if rng.random() < device.whole_bpm_probability:
        track_bpm = np.round(track_bpm)
    if rng.random() < device.rare_probability:
        track_bpm = _rare(track_bpm, int(rng.choice(device.rare_steps)))
    return track_bpm


def _moving_mean(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Mean of what is known in a centred window; NaN stays NaN."""
    known = np.isfinite(values)
    window = np.ones(width)
    total = np.convolve(np.where(known, values, 0.0), window, "same")
    weight = np.convolve(known.astype(np.float64), window, "same")
    return np.where(known, total / np.maximum(weight, 1.0), np.nan)


def _wander(rng: np.random.Generator, length: int, time_constant: float) -> NDArray[np.float64]:
    """An Ornstein-Uhlenbeck process of unit variance; the time constant is in steps."""
    kept = np.exp(-1.0 / time_constant)
    pushes = rng.normal(0.0, np.sqrt(1.0 - kept**2), length)
    pushes[0] = rng.normal()
    return np.asarray(lfilter([1.0], [1.0, -kept], pushes))


def _rare(values: NDArray[np.float64], every: int) -> NDArray[np.float64]:
    """Only every so manieth value, and lines between; NaN stays NaN."""
    known = np.isfinite(values)
    shown = np.flatnonzero(known & (np.arange(len(values)) % every == every // 2))
    if shown.size < 2:
        return values
    return np.where(known, np.interp(np.arange(len(values)), shown, values[shown]), np.nan)
