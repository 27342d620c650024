"""What distinguishes one simulated person, or night, from another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from staging.simulate.parameters import DEFAULT, MeanSD, Parameters

__all__ = ["Person", "draw_person"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Person:
    """One simulated person on one night. Arrays are by stage, W N1 N2 N3 R, shape (5,).

    Attributes
    ----------
    resting_bpm : float
        Median heart rate of the night.
    stage_offset_bpm : ndarray of float64
        Level in each stage from that median.
    fast_factor : float
        Factor on the fast fluctuation of the heart rate.
    slope_bpm_per_h : float
        Trend over the night, beside the common course.
    before_sleep_bpm, after_sleep_bpm : float
        Level of wakefulness in bed before the first and after the last sleep.
    awake_bpm, active_bpm : float
        Rise of the heart rate when out of bed, and further when about.
    arousals_per_h, moving_per_h : ndarray of float64
        Rates of spontaneous activations, and of those with movement.
    change_moving_factor : float
        Factor on the probability of movement at changes of stage.
    turn_factor : float
        Factor on the probability that a movement turns the wrist.
    breathing_hz : float
        Distance of the breathing frequency from the common one.
    rmssd_ms : float
        RMSSD in N2.
    skin_awake_c, skin_rise_c, skin_rem_c : float
        Wrist temperature awake, its rise asleep, and its further rise in REM sleep.
    """

    resting_bpm: float
    stage_offset_bpm: Floats
    fast_factor: float
    slope_bpm_per_h: float
    before_sleep_bpm: float
    after_sleep_bpm: float
    awake_bpm: float
    active_bpm: float
    arousals_per_h: Floats
    moving_per_h: Floats
    change_moving_factor: float
    turn_factor: float
    breathing_hz: float
    rmssd_ms: float
    skin_awake_c: float
    skin_rise_c: float
    skin_rem_c: float


def draw_person(
    rng: np.random.Generator, *, age_years: float | None = None, parameters: Parameters = DEFAULT
) -> Person:
    """Draw a person.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all randomness.
    age_years : float, optional
        Age; the measured nights' mean where None.
    parameters : Parameters
        The model's numbers.

    Returns
    -------
    Person

    Examples
    --------
    >>> draw_person(np.random.default_rng(1)).stage_offset_bpm.shape
    (5,)
    """
    heart, arousal, movement, awake = parameters.heart, parameters.arousal, parameters.movement, parameters.awake
    by_age = parameters.age
    decades = 0.0 if age_years is None else (age_years - by_age.reference_years) / 10

    level_sd = np.multiply(heart.stage_offset_sd_bpm, heart.level_share)
    arousal_factor = _unit_mean_lognormal(rng, arousal.person_ln_sd) * np.exp(by_age.arousal_ln * decades)
    restless = rng.standard_normal()  # one disposition: who moves much in one stage moves much in all
    move_sd = np.asarray(movement.person_ln_sd)
    moving = np.multiply(movement.bursts_per_h, movement.within_factor) * np.exp(
        move_sd * restless - 0.5 * move_sd**2 + by_age.arousal_ln * decades
    )
    beats, temperature = parameters.beats, parameters.temperature
    resting_bpm = float(np.clip(rng.normal(*heart.resting_bpm), *heart.range_bpm))
    ln_rmssd = rng.normal(0.0, beats.rmssd_ln_sd) + beats.rmssd_ln_per_bpm * (resting_bpm - heart.resting_bpm[0])
    awake_c = rng.normal(*temperature.awake_c) + by_age.wrist_awake_c * decades
    rise_c = rng.normal(*temperature.asleep_c) - awake_c
    return Person(
        resting_bpm=resting_bpm,
        stage_offset_bpm=rng.normal(np.add(heart.stage_offset_bpm, heart.level_shift_bpm), level_sd),
        fast_factor=_unit_mean_lognormal(rng, heart.person_fast_sd),
        slope_bpm_per_h=rng.normal(0.0, heart.slope_sd_bpm_per_h),
        before_sleep_bpm=_scaled(rng, heart.before_sleep_bpm, heart.around_sleep_share),
        after_sleep_bpm=_scaled(rng, heart.after_sleep_bpm, heart.around_sleep_share),
        awake_bpm=rng.normal(*awake.offset_bpm),
        active_bpm=rng.normal(*awake.active_bpm),
        arousals_per_h=np.asarray(arousal.spontaneous_per_h) * arousal_factor,
        moving_per_h=moving,
        change_moving_factor=float(
            np.exp(movement.person_change_ln_sd * restless - 0.5 * movement.person_change_ln_sd**2)
        ),
        turn_factor=float(np.exp((by_age.posture_ln - by_age.arousal_ln) * decades)),
        breathing_hz=rng.normal(0.0, beats.breathing_between_sd_hz),
        rmssd_ms=float(beats.rmssd_ms * np.exp(ln_rmssd + by_age.rmssd_ln * decades)),
        skin_awake_c=awake_c,
        skin_rise_c=max(rise_c, temperature.least_rise_c),
        skin_rem_c=rng.normal(*temperature.rem_c),
    )


def _unit_mean_lognormal(rng: np.random.Generator, ln_sd: float) -> float:
    return float(rng.lognormal(-0.5 * ln_sd**2, ln_sd))


def _scaled(rng: np.random.Generator, normal: MeanSD, share: float) -> float:
    mean, sd = normal
    return rng.normal(mean, share * sd)
