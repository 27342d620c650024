"""Skin temperature of the wrist through a simulated night.

It rises after lights-off, not with sleep itself, stays up with small waves (REM sleep, a hand out of the covers), and
falls after the final awakening. Sizes are from the literature; no scored night with temperature was at hand.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from staging.hypnogram import CLASSES, Stage
from staging.recording import EPOCH_S, Signal
from staging.simulate.parameters import DEFAULT, Parameters
from staging.simulate.person import Person
from staging.simulate.processes import follow, ornstein_uhlenbeck

__all__ = ["sensor_temperature", "skin_temperature_c"]

Floats = NDArray[np.float64]

W = CLASSES[5].index(Stage.W)
R = CLASSES[5].index(Stage.R)

_EPOCHS_PER_MIN = 60.0 / EPOCH_S


def skin_temperature_c(
    rng: np.random.Generator,
    stages: NDArray[np.int64],
    out_of_bed: NDArray[np.bool_],
    person: Person,
    parameters: Parameters = DEFAULT,
) -> Floats:
    """Temperature of the skin in every epoch.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all randomness.
    stages : ndarray of int64, shape (n,)
        Indices into ``CLASSES[5]``, one an epoch.
    out_of_bed : ndarray of bool, shape (n,)
        Epochs of W out of bed; lights are off from the first epoch in bed.
    person : Person
        Whose night it is.
    parameters : Parameters
        The model's numbers.

    Returns
    -------
    ndarray of float64, shape (n,)
        °C.

    Examples
    --------
    >>> from staging.simulate.person import draw_person
    >>> rng, stages, in_bed = np.random.default_rng(1), np.repeat([0, 2], [30, 450]), np.zeros(480, bool)
    >>> skin_c = skin_temperature_c(rng, stages, in_bed, draw_person(rng))
    >>> bool(skin_c[-60:].mean() > skin_c[:20].mean())
    True
    """
    temperature = parameters.temperature
    n = stages.size
    if not n:
        return np.empty(0)
    epoch = np.arange(n)
    in_bed = np.flatnonzero(~out_of_bed)
    asleep = np.flatnonzero(stages != W)
    lights_off = in_bed[0] if in_bed.size else n
    onset, final = (asleep[0], asleep[-1]) if asleep.size else (n, n)
    rise_from = lights_off + rng.uniform(*temperature.rise_after_min) * _EPOCHS_PER_MIN

    share = np.where(epoch >= rise_from, 1.0, 0.0)
    share[(stages == W) & (epoch > onset)] = 1.0 - temperature.awake_share
    share[out_of_bed | (epoch > final)] = 0.0
    falling = out_of_bed | ((epoch > final) & (stages == W))
    tau_min = np.where(falling, temperature.fall_tau_min, temperature.rise_tau_min)
    level = follow(person.skin_rise_c * share, tau_min * _EPOCHS_PER_MIN, 0.0)

    rem = follow(person.skin_rem_c * (stages == R), np.full(n, temperature.rem_tau_min * _EPOCHS_PER_MIN))
    uncovered = follow(
        _uncovered_c(rng, ~out_of_bed, parameters), np.full(n, temperature.uncovered_tau_min * _EPOCHS_PER_MIN)
    )
    slow = ornstein_uhlenbeck(
        rng, np.full(n, temperature.slow_sd_c), np.full(n, temperature.slow_tau_min * _EPOCHS_PER_MIN)
    )
    skin_c: Floats = person.skin_awake_c + level + rem + uncovered + slow
    return skin_c


def _uncovered_c(rng: np.random.Generator, in_bed: NDArray[np.bool_], parameters: Parameters) -> Floats:
    """Cooling that a hand out of the covers tends to, 0 under them."""
    temperature = parameters.temperature
    cooling = np.zeros(in_bed.size)
    for _ in range(rng.poisson(temperature.uncovered_per_night)):
        begin = rng.uniform(0.0, in_bed.size)
        end = begin + rng.uniform(*temperature.uncovered_min) * _EPOCHS_PER_MIN
        cooling[round(begin) : round(end)] = -rng.uniform(*temperature.uncovered_c)
    return cooling * in_bed


def sensor_temperature(rng: np.random.Generator, skin_c: Floats, parameters: Parameters = DEFAULT) -> Signal:
    """What a sensor gives of it: sampled, a little noisy, in steps.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all randomness.
    skin_c : ndarray of float64, shape (n,)
        Temperature of the skin in every epoch.
    parameters : Parameters
        The model's numbers.

    Returns
    -------
    Signal
        Float32 ``(n * 30 * rate_hz,)`` in °C.

    Examples
    --------
    >>> temp = sensor_temperature(np.random.default_rng(1), np.full(10, 33.0))
    >>> temp.samples.size, round(float(temp.samples.mean()), 1)
    (1200, 33.0)
    """
    temperature = parameters.temperature
    n = int(skin_c.size * EPOCH_S * temperature.rate_hz)
    if not n:
        return Signal(samples=np.empty(0, np.float32), rate_hz=temperature.rate_hz, unit="degC")
    at_s = np.arange(n) / temperature.rate_hz
    noise = ornstein_uhlenbeck(
        rng, np.full(n, temperature.noise_sd_c), np.full(n, temperature.noise_tau_s * temperature.rate_hz)
    )
    shown = np.interp(at_s, (np.arange(skin_c.size) + 0.5) * EPOCH_S, skin_c) + noise
    shown = np.rint(shown / temperature.step_c) * temperature.step_c
    return Signal(samples=shown.astype(np.float32), rate_hz=temperature.rate_hz, unit="degC")
