"""Raw acceleration of the wrist: gravity in a turning frame, movements, breathing, and the sensor's own limits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from staging.recording import Signal
from staging.simulate.beats import GRID_HZ, Breathing
from staging.simulate.parameters import DEFAULT, AccelerationParameters, Parameters
from staging.simulate.posture import Posture
from staging.simulate.processes import ornstein_uhlenbeck

__all__ = ["simulate_acceleration"]

Floats = NDArray[np.float64]


def simulate_acceleration(
    rng: np.random.Generator,
    peak_g: Floats,
    posture: Posture,
    breathing: Breathing,
    parameters: Parameters = DEFAULT,
) -> Signal:
    """Raw acceleration as the sensor of `parameters` samples it.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all randomness.
    peak_g : ndarray of float64, shape (n * 30,)
        Largest acceleration of every second in the band of the counts, on z.
    posture : Posture
        Directions of gravity.
    breathing : Breathing
        Of the same night.
    parameters : Parameters
        The model's numbers; the sensor's rate, noise, step and range among them.

    Returns
    -------
    Signal
        Float32 ``(n * 30 * rate_hz, 3)`` in g.

    Examples
    --------
    >>> posture = Posture(turn_s=np.empty(0), length_s=np.empty(0), gravity=np.array([[0.0, 0.0, 1.0]]))
    >>> breathing = Breathing(phase=np.zeros(240), depth=np.ones(240))
    >>> acc = simulate_acceleration(np.random.default_rng(1), np.zeros(60), posture, breathing)
    >>> acc.samples.shape, acc.samples.mean(axis=0).round(1).tolist()
    ((1920, 3), [0.0, 0.0, 1.0])
    """
    sensor = parameters.acceleration
    n = int(peak_g.size * sensor.rate_hz)
    at_s = np.arange(n) / sensor.rate_hz
    samples = _gravity(at_s, posture)
    n_seconds = peak_g.size
    swing = sensor.breathing_g * breathing.wave()
    settling_sd = np.full(n_seconds, sensor.settling_sd_g)
    settling_tau = np.full(n_seconds, sensor.settling_tau_s)
    second_s, grid_s = np.arange(n_seconds) + 0.5, np.arange(swing.size) / GRID_HZ
    for axis in range(3):
        if n_seconds:
            settling = ornstein_uhlenbeck(rng, settling_sd, settling_tau)
            samples[:, axis] += np.interp(at_s, second_s, settling)
            samples[:, axis] += np.interp(at_s, grid_s, swing) * rng.normal()
    samples += _movement(rng, at_s, peak_g, sensor)
    samples += sensor.noise_g * rng.standard_normal((n, 3), dtype=np.float32)
    samples = np.clip(np.rint(samples / sensor.step_g) * sensor.step_g, -sensor.range_g, sensor.range_g)
    return Signal(samples=samples.astype(np.float32), rate_hz=sensor.rate_hz, unit="g")


def _gravity(at_s: Floats, posture: Posture) -> Floats:
    """Direction of gravity at every sample; during a turn it moves from the old one to the new."""
    last = np.searchsorted(posture.turn_s, at_s, side="right")
    gravity = posture.gravity[last]
    turning = last > 0
    progress = np.ones(at_s.size)
    begun = last[turning] - 1
    progress[turning] = np.minimum((at_s[turning] - posture.turn_s[begun]) / posture.length_s[begun], 1.0)
    under_way = progress < 1.0
    share = progress[under_way, None]
    share = share * share * (3.0 - 2.0 * share)
    between = (1.0 - share) * posture.gravity[last[under_way] - 1] + share * gravity[under_way]
    gravity[under_way] = between / np.maximum(np.linalg.norm(between, axis=1, keepdims=True), 0.1)
    return gravity


def _movement(rng: np.random.Generator, at_s: Floats, peak_g: Floats, sensor: AccelerationParameters) -> Floats:
    """Fast oscillations whose largest value in each second is that second's strength, and slow sway with them."""
    movement = np.zeros((at_s.size, 3))
    second = np.minimum(at_s.astype(np.int64), max(peak_g.size - 1, 0))
    moving = np.flatnonzero(peak_g[second] > 0) if peak_g.size else np.empty(0, np.int64)
    if not moving.size:
        return movement
    # Strength holds through most of a second and crosses over to the next, so that edges do not ring.
    edge = (1.0 - sensor.plateau_share) / 2.0
    knots_s = (np.arange(peak_g.size)[:, None] + np.array([edge, 1.0 - edge])).ravel()
    strength = np.interp(at_s[moving], knots_s, np.repeat(peak_g, 2))
    for axis, factor in enumerate(sensor.axis_factor):
        fast = _oscillation(rng, at_s[moving], second[moving], peak_g.size, sensor.carrier_hz)
        sway = _oscillation(rng, at_s[moving], second[moving], peak_g.size, sensor.sway_hz)
        movement[moving, axis] = strength * (factor * fast + sensor.sway_factor * sway)
    return movement


def _oscillation(
    rng: np.random.Generator,
    at_s: Floats,
    second: NDArray[np.int64],
    n_seconds: int,
    band_hz: tuple[float, float],
) -> Floats:
    """A sine of amplitude 1 whose frequency changes each second and whose phase does not jump."""
    frequency = rng.uniform(*band_hz, n_seconds)
    begin = np.concatenate([[rng.random()], np.cumsum(frequency)[:-1]])
    wave: Floats = np.sin(2.0 * np.pi * (begin[second] + frequency[second] * (at_s - second)))
    return wave
