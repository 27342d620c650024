"""Photoplethysmogram of the wrist on a simulated night: a pulse a beat, and all that spoils it.

Each beat's pulse is a sum of two Gaussians over the phase from foot to foot. Its height wanders, follows breathing, and
drops when the heart rate surges, as the vessels narrow. Movements, small artefacts and losses of contact hide it.

References
----------
Tang Q., Chen Z., Ward R., Elgendi M., Sci. Rep. 10 (2020) 13883, doi 10.1038/s41598-020-69076-x.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from staging.recording import EPOCH_S, Signal
from staging.simulate.arousals import Activations
from staging.simulate.beats import GRID_HZ, Breathing
from staging.simulate.parameters import DEFAULT, Parameters, PpgParameters
from staging.simulate.processes import band_noise, ornstein_uhlenbeck

__all__ = ["Pulse", "pulse_shape", "simulate_ppg"]

Floats = NDArray[np.float64]

_PHASES = 1024


@dataclass(frozen=True, kw_only=True, eq=False)
class Pulse:
    """A simulated photoplethysmogram and the truth about it.

    Attributes
    ----------
    signal : Signal
        Arbitrary units, mean about 0.
    feet_s : ndarray of float64
        Times of the feet of the pulses, one a heart beat.
    clean : ndarray of bool, shape (n * 30,)
        Seconds without artefact and with contact.
    """

    signal: Signal
    feet_s: Floats
    clean: NDArray[np.bool_]


def pulse_shape(weights: Floats, parameters: Parameters = DEFAULT) -> Floats:
    """One pulse from foot to foot, lowest 0, highest 1.

    Parameters
    ----------
    weights : ndarray of float64, shape (number of shapes,)
        Shares of the shapes of `PpgParameters.pulses`.
    parameters : Parameters
        The model's numbers.

    Returns
    -------
    ndarray of float64, shape (1024,)
        The pulse at evenly spaced phases, beginning at its foot.

    Examples
    --------
    >>> shape = pulse_shape(np.array([1.0, 0.0, 0.0]))
    >>> int(shape.argmin()), 200 < int(shape.argmax()) < 400
    (0, True)
    """
    phase = 2.0 * np.pi * np.arange(_PHASES) / _PHASES - np.pi
    pulses = np.asarray(parameters.ppg.pulses)
    total = np.zeros(_PHASES)
    for a, theta, b in (pulses[:, :3].T, pulses[:, 3:].T):
        # Distances around the circle: a beat's tail flows into the next beat's foot without a step.
        away = np.remainder(phase[:, None] - theta + np.pi, 2.0 * np.pi) - np.pi
        total += (a * np.exp(-0.5 * (away / b) ** 2)) @ weights
    from_foot = np.roll(total, -int(total.argmin()))
    shape: Floats = (from_foot - from_foot.min()) / (from_foot.max() - from_foot.min())
    return shape


def simulate_ppg(
    rng: np.random.Generator,
    beats_s: Floats,
    stages: NDArray[np.int64],
    activations: Activations,
    peak_g: Floats,
    breathing: Breathing,
    parameters: Parameters = DEFAULT,
) -> Pulse:
    """Photoplethysmogram of the given beats.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all randomness.
    beats_s : ndarray of float64
        Times of the heart beats.
    stages : ndarray of int64, shape (n,)
        Indices into ``CLASSES[5]``, one an epoch.
    activations : Activations
        The moments of arousal.
    peak_g : ndarray of float64, shape (n * 30,)
        Largest acceleration of every second.
    breathing : Breathing
        Of the same night.
    parameters : Parameters
        The model's numbers; the sensor's rate among them.

    Returns
    -------
    Pulse

    Examples
    --------
    >>> none, second = np.empty(0), np.zeros(60)
    >>> nothing = Activations(
    ...     at_s=none, onset_s=none, surge_bpm=none, half_width_s=none, burst_s=none, peak_g=none, turn_deg=none)
    >>> breathing = Breathing(phase=np.linspace(0, 90, 240), depth=np.ones(240))
    >>> pulse = simulate_ppg(
    ...     np.random.default_rng(1), np.arange(60.0), np.full(2, 3), nothing, second, breathing)
    >>> pulse.signal.samples.shape
    (3840,)
    """
    ppg, n_seconds = parameters.ppg, peak_g.size
    n = int(n_seconds * ppg.rate_hz)
    feet_s = beats_s + max(rng.normal(*ppg.arrival_s), 0.0)
    unit = float(rng.lognormal(*ppg.amplitude))
    shape = pulse_shape(rng.dirichlet(ppg.mixture), parameters)
    ratio = _artefact_ratio(rng, stages, peak_g, ppg)
    contact = _contact(rng, n_seconds, ppg)
    clean = (ratio == 0) & contact
    if feet_s.size < 2 or not n:
        silence = Signal(samples=np.zeros(n, np.float32), rate_hz=ppg.rate_hz, unit="a.u.")
        return Pulse(signal=silence, feet_s=feet_s, clean=clean & False)

    edges_s = _covering(feet_s, float(n_seconds))
    at_s = np.arange(n) / ppg.rate_hz
    from_sample = np.clip(np.ceil(edges_s * ppg.rate_hz).astype(np.int64), 0, n)
    beat = np.repeat(np.arange(edges_s.size - 1), np.diff(from_sample))
    phase = (at_s - edges_s[beat]) / np.diff(edges_s)[beat]
    height = _heights(rng, edges_s, activations, breathing, n_seconds, ppg)
    value = height[beat] * shape[np.minimum((phase * _PHASES).astype(np.int64), _PHASES - 1)]

    grid_s, second_s = np.arange(breathing.phase.size) / GRID_HZ, np.arange(n_seconds) + 0.5
    wander = ornstein_uhlenbeck(
        rng, np.full(grid_s.size, ppg.wander_share), np.full(grid_s.size, ppg.wander_tau_s * GRID_HZ)
    )
    value -= shape.mean() * np.interp(at_s, edges_s, height)
    value += np.interp(at_s, grid_s, wander + ppg.breathing_baseline * breathing.wave())
    value *= np.interp(at_s, second_s, contact.astype(np.float64))
    value += ppg.noise_share * rng.standard_normal(n, dtype=np.float32)
    pulse_sd = float(shape.std())
    spoilt = np.interp(at_s, second_s, pulse_sd * ratio)
    value += spoilt * band_noise(rng, n, ppg.rate_hz, ppg.artefact_band_hz, ppg.artefact_edge)
    signal = Signal(samples=(unit * value).astype(np.float32), rate_hz=ppg.rate_hz, unit="a.u.")
    return Pulse(signal=signal, feet_s=feet_s, clean=clean)


def _covering(feet_s: Floats, until_s: float) -> Floats:
    """The feet, continued at the first and the last interval so that they span 0 to `until_s`."""
    first, last = feet_s[1] - feet_s[0], feet_s[-1] - feet_s[-2]
    before = feet_s[0] - first * np.arange(np.ceil(max(feet_s[0], 0.0) / first) + 1.0, 0.0, -1.0)
    after = feet_s[-1] + last * np.arange(1.0, np.ceil(max(until_s - feet_s[-1], 0.0) / last) + 2.0)
    return np.concatenate([before, feet_s, after])


def _heights(
    rng: np.random.Generator,
    at_s: Floats,
    activations: Activations,
    breathing: Breathing,
    n_seconds: int,
    ppg: PpgParameters,
) -> Floats:
    """Height of the pulse of every beat, about 1."""
    second_s = np.arange(n_seconds) + 0.5
    slow = ornstein_uhlenbeck(rng, np.full(n_seconds, ppg.amplitude_ln_sd), np.full(n_seconds, ppg.amplitude_tau_s))
    fast = ornstein_uhlenbeck(
        rng, np.full(n_seconds, ppg.amplitude_fast_ln_sd), np.full(n_seconds, ppg.amplitude_fast_tau_s)
    )
    drop_s = np.rint(activations.at_s + ppg.drop_delay_s).astype(np.int64)
    inside = (drop_s >= 0) & (drop_s < n_seconds)
    depth = ppg.drop_per_bpm * activations.surge_bpm[inside]
    narrowing = np.bincount(drop_s[inside], weights=depth, minlength=n_seconds)
    sd = ppg.drop_width_s / np.sqrt(8.0 * np.log(2.0))
    reach = np.arange(-np.ceil(3.0 * sd), np.ceil(3.0 * sd) + 1.0)
    if n_seconds > reach.size:
        narrowing = np.convolve(narrowing, np.exp(-0.5 * (reach / sd) ** 2), mode="same")
    ln_height = np.interp(at_s, second_s, slow + fast - np.minimum(narrowing, ppg.largest_drop))
    ln_height += ppg.beat_ln_sd * rng.standard_normal(at_s.size)
    breath = np.interp(at_s, np.arange(breathing.phase.size) / GRID_HZ, breathing.wave())
    height: Floats = np.exp(ln_height) * (1.0 + ppg.breathing_amplitude * breath)
    return height


def _artefact_ratio(rng: np.random.Generator, stages: NDArray[np.int64], peak_g: Floats, ppg: PpgParameters) -> Floats:
    """SD of the artefact of every second over that of the pulse; 0 where there is none."""
    ratio = ppg.movement_ratio * np.sqrt(peak_g / ppg.movement_g)
    per_s = np.repeat(np.asarray(ppg.artefacts_per_h)[stages] / 3600.0, round(EPOCH_S))
    begin = np.flatnonzero(rng.random(peak_g.size) < per_s)
    length = np.maximum(np.rint(rng.lognormal(*ppg.artefact_ln_s, begin.size)).astype(np.int64), 1)
    for first, seconds, size in zip(begin, length, rng.lognormal(*ppg.artefact_ln_ratio, begin.size), strict=True):
        run = ratio[first : first + seconds]
        np.maximum(run, size, out=run)
    bounded: Floats = np.minimum(ratio, ppg.largest_ratio)
    return bounded


def _contact(rng: np.random.Generator, n_seconds: int, ppg: PpgParameters) -> NDArray[np.bool_]:
    contact = np.ones(n_seconds, bool)
    n_losses = rng.poisson(ppg.losses_per_h * n_seconds / 3600.0)
    begin_s = rng.uniform(0.0, n_seconds, n_losses)
    for first, last in zip(begin_s, begin_s + rng.lognormal(*ppg.loss_ln_s, n_losses), strict=True):
        contact[int(first) : int(last)] = False
    return contact
