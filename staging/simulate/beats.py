"""Heart beats of a simulated night: integral pulse frequency modulation.

    integral of rate(t) / 60 * (1 + m_HF(t) + m_LF(t)) dt

and a beat wherever it reaches a whole number. ``m_HF`` follows breathing, whose frequency wanders; ``m_LF`` is noise
of the band 0.04-0.15 Hz whose power falls with frequency.

References
----------
Bailón R., Laouini G., Grao C., Orini M., Laguna P., Meste O., IEEE Trans. Biomed. Eng. 58 (2011) 642-652,
doi 10.1109/TBME.2010.2095011.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from staging.recording import EPOCH_S
from staging.simulate.parameters import DEFAULT, Parameters
from staging.simulate.person import Person
from staging.simulate.processes import band_noise, ornstein_uhlenbeck

__all__ = ["Breathing", "beat_times_s", "draw_breathing"]

Floats = NDArray[np.float64]

GRID_HZ = 4
"""Steps a second in which breathing and beats are made."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Breathing:
    """Breathing at `GRID_HZ`, arrays of shape (n * 30 * GRID_HZ,).

    Attributes
    ----------
    phase : ndarray of float64
        Radians, growing by 2 pi a breath.
    depth : ndarray of float64
        Relative depth, median 1.
    """

    phase: Floats
    depth: Floats

    def wave(self) -> Floats:
        """Relative depth times the sine of the phase, at `GRID_HZ`."""
        wave: Floats = self.depth * np.sin(self.phase)
        return wave


def draw_breathing(
    rng: np.random.Generator, stages: NDArray[np.int64], person: Person, parameters: Parameters = DEFAULT
) -> Breathing:
    """Draw the night's breathing.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all randomness.
    stages : ndarray of int64, shape (n,)
        Indices into ``CLASSES[5]``, one an epoch.
    person : Person
        Whose night it is.
    parameters : Parameters
        The model's numbers.

    Returns
    -------
    Breathing

    Examples
    --------
    >>> from staging.simulate.person import draw_person
    >>> rng = np.random.default_rng(1)
    >>> breathing = draw_breathing(rng, np.full(20, 2), draw_person(rng))
    >>> 9 < float(breathing.phase[-1]) / (2 * np.pi) / 10 < 21
    True
    """
    beats = parameters.beats
    stage = np.repeat(stages, round(EPOCH_S) * GRID_HZ)
    around = ornstein_uhlenbeck(
        rng, np.asarray(beats.breathing_sd_hz)[stage], np.full(stage.size, beats.breathing_tau_s * GRID_HZ)
    )
    frequency = np.asarray(beats.breathing_hz)[stage] + person.breathing_hz + around
    phase = 2.0 * np.pi * np.cumsum(np.clip(frequency, *beats.breathing_range_hz)) / GRID_HZ
    depth = np.exp(
        ornstein_uhlenbeck(
            rng, np.full(stage.size, beats.depth_ln_sd), np.full(stage.size, beats.depth_tau_s * GRID_HZ)
        )
    )
    return Breathing(phase=phase, depth=depth)


def beat_times_s(
    rng: np.random.Generator,
    rate_bpm: Floats,
    stages: NDArray[np.int64],
    breathing: Breathing,
    person: Person,
    parameters: Parameters = DEFAULT,
) -> Floats:
    """Times of the heart beats.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all randomness.
    rate_bpm : ndarray of float64, shape (n * 30,)
        Heart rate of every second.
    stages : ndarray of int64, shape (n,)
        Indices into ``CLASSES[5]``, one an epoch.
    breathing : Breathing
        Of the same night.
    person : Person
        Whose night it is.
    parameters : Parameters
        The model's numbers.

    Returns
    -------
    ndarray of float64
        Increasing times in seconds from the first epoch's start.

    Examples
    --------
    >>> from staging.simulate.person import draw_person
    >>> rng, stages = np.random.default_rng(1), np.full(20, 3)
    >>> person = draw_person(rng)
    >>> beats_s = beat_times_s(rng, np.full(600, 60.0), stages, draw_breathing(rng, stages, person), person)
    >>> round(beats_s.size, -1)
    600
    """
    beats = parameters.beats
    if not rate_bpm.size:
        return np.empty(0)
    stage = np.repeat(stages, round(EPOCH_S) * GRID_HZ)
    rate_hz = np.repeat(rate_bpm, GRID_HZ) / 60.0

    # A sine of frequency f and SD s gives intervals of SD s sin(x) / x, x = pi f RR, as each beat integrates it, and
    # these an RMSSD of 2 sin(x) times their SD.
    typical_hz = np.asarray(beats.breathing_hz) + person.breathing_hz
    interval_s = 60.0 / (person.resting_bpm + person.stage_offset_bpm)
    rmssd_s = person.rmssd_ms * np.asarray(beats.rmssd_ratio) / 1000.0
    x = np.pi * np.minimum(typical_hz * interval_s, 0.5)
    hf_sd_s = beats.hf_share * rmssd_s * x / (2.0 * np.sin(x) ** 2)
    lf_sd_s = hf_sd_s * np.sqrt(np.multiply(beats.lf_hf, beats.lf_share))
    depth = np.sqrt(2.0) * hf_sd_s[stage] * breathing.wave()
    noise = lf_sd_s[stage] * band_noise(rng, stage.size, GRID_HZ, beats.lf_band_hz, beats.lf_edge)
    shrink = (person.resting_bpm / 60.0 / rate_hz) ** beats.interval_power
    factor = np.maximum(1.0 + (depth + noise) * shrink * rate_hz, beats.smallest_factor)

    count = np.concatenate([[0.0], np.cumsum(rate_hz * factor) / GRID_HZ]) + rng.random()
    whole = np.arange(np.ceil(count[0]), np.floor(count[-1]) + 1.0)
    times_s: Floats = np.interp(whole, count, np.arange(count.size) / GRID_HZ)
    return times_s
