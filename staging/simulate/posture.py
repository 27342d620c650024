"""Which way gravity points in the frame of the wrist, through a simulated night.

Movements that turn the wrist leave it turned; out of bed it turns all the time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from staging.recording import EPOCH_S
from staging.simulate.arousals import Activations
from staging.simulate.parameters import DEFAULT, Parameters
from staging.simulate.processes import ornstein_uhlenbeck

__all__ = ["Posture", "draw_posture", "gravity_at_starts"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Posture:
    """Directions of gravity between turns.

    Attributes
    ----------
    turn_s : ndarray of float64, shape (k,)
        Increasing times at which a turn begins.
    length_s : ndarray of float64, shape (k,)
        How long it takes.
    gravity : ndarray of float64, shape (k + 1, 3)
        Unit vectors: before the first turn, and after each.
    """

    turn_s: Floats
    length_s: Floats
    gravity: Floats


def draw_posture(
    rng: np.random.Generator,
    activations: Activations,
    about: NDArray[np.bool_],
    parameters: Parameters = DEFAULT,
) -> Posture:
    """Draw the directions of gravity of a night.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all randomness.
    activations : Activations
        The moments of arousal; their turns are executed.
    about : ndarray of bool, shape (n * 30,)
        Seconds on one's feet.
    parameters : Parameters
        The model's numbers.

    Returns
    -------
    Posture

    Examples
    --------
    >>> one = np.ones(1)
    >>> burst = Activations(
    ...     at_s=one, onset_s=45.0 * one, surge_bpm=one, half_width_s=one, burst_s=one, peak_g=one, turn_deg=90.0 * one)
    >>> posture = draw_posture(np.random.default_rng(1), burst, np.zeros(120, bool))
    >>> abs(round(float(posture.gravity[0] @ posture.gravity[1]), 6))
    0.0
    """
    acceleration = parameters.acceleration
    moves = activations.burst_s > 0
    order = np.argsort(activations.onset_s[moves])
    at_s, length_s = activations.onset_s[moves][order], activations.burst_s[moves][order]
    gravity = _turned(rng, np.radians(activations.turn_deg[moves][order]))
    if about.any():
        habitual = np.array([math.sqrt(1.0 - acceleration.resting_z_g**2), 0.0, acceleration.resting_z_g])
        when = np.flatnonzero(about & (rng.random(about.size) < 1.0 / acceleration.about_turn_s))
        free = habitual + acceleration.about_sd_g * rng.standard_normal((when.size, 3))
        free /= np.linalg.norm(free, axis=1, keepdims=True)
        at_s = np.concatenate([at_s, when])
        length_s = np.concatenate([length_s, np.ones(when.size)])
        order = np.argsort(at_s, kind="stable")
        at_s, length_s = at_s[order], length_s[order]
        gravity = np.concatenate([gravity[:1], np.concatenate([gravity[1:], free])[order]])
    return Posture(turn_s=at_s, length_s=length_s, gravity=gravity)


def _turned(rng: np.random.Generator, angle: Floats) -> Floats:
    """Unit vectors, float64 ``(k + 1, 3)``: a first one, and each turned by an angle about a chance axis.

    A turn starts where the last one ended; there are some hundred a night, so a loop over turns is short.
    """
    chance = rng.standard_normal((angle.size + 1, 3))
    x, y, z = (chance[0] / np.linalg.norm(chance[0])).tolist()
    path = [(x, y, z)]
    for (a, b, c), cosine, sine in zip(
        chance[1:].tolist(), np.cos(angle).tolist(), np.sin(angle).tolist(), strict=True
    ):
        along = a * x + b * y + c * z
        a, b, c = a - along * x, b - along * y, c - along * z
        scale = sine / math.sqrt(a * a + b * b + c * c)
        x, y, z = cosine * x + scale * a, cosine * y + scale * b, cosine * z + scale * c
        path.append((x, y, z))
    return np.array(path)


def gravity_at_starts(
    rng: np.random.Generator, posture: Posture, n_epochs: int, parameters: Parameters = DEFAULT
) -> NDArray[np.float32]:
    """Direction of gravity at the start of each epoch, as a sensor would give it.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all randomness.
    posture : Posture
        Of the night.
    n_epochs : int
        Number of 30-s epochs.
    parameters : Parameters
        The model's numbers.

    Returns
    -------
    ndarray of float32, shape (n_epochs, 3)
        In g.

    Examples
    --------
    >>> posture = Posture(turn_s=np.array([45.0]), length_s=np.ones(1), gravity=np.array([[0.0, 0, 1], [0, 1, 0]]))
    >>> gravity_at_starts(np.random.default_rng(1), posture, 3).round(1).clip(0).tolist()
    [[0.0, 0.0, 1.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
    """
    acceleration = parameters.acceleration
    start_s = np.arange(n_epochs) * EPOCH_S
    gravity = posture.gravity[np.searchsorted(posture.turn_s + posture.length_s, start_s, side="right")]
    # A lying arm settles, and a second's mean carries little noise.
    sd, tau = (np.full(n_epochs, each) for each in (acceleration.settling_sd_g, acceleration.settling_tau_s / EPOCH_S))
    settling = np.stack([ornstein_uhlenbeck(rng, sd, tau) for _ in range(3)], axis=1)
    noise = acceleration.noise_g / math.sqrt(acceleration.rate_hz) * rng.standard_normal(gravity.shape)
    return (gravity + settling + noise).astype(np.float32)
