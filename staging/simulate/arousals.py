"""Moments of activation: surges of the heart rate and bursts of movement have one cause; the heart follows the arm.

Activations come at changes of stage (awakenings, exits from N3 and REM) and between them, clustered, at a rate that
the stage sets. Each may carry a surge, a movement, or both; the sizes of the two are correlated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from staging.hypnogram import CLASSES, Stage
from staging.recording import EPOCH_S
from staging.simulate.parameters import DEFAULT, Parameters
from staging.simulate.person import Person
from staging.simulate.processes import renewal_times

__all__ = ["Activations", "draw_activations"]

Floats = NDArray[np.float64]

W = CLASSES[5].index(Stage.W)
AWAKENING, CHANGE = len(CLASSES[5]), len(CLASSES[5]) + 1
"""Kinds of activation beside those within each stage."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Activations:
    """The night's activations, in any order; arrays of shape (k,).

    Attributes
    ----------
    at_s, onset_s : ndarray of float64
        Time of the surge's peak, and of the movement's onset before it, seconds from the first epoch.
    surge_bpm : ndarray of float64
        Height of the surge; 0 where there is none.
    half_width_s : ndarray of float64
        Width of the surge at half of its height.
    burst_s : ndarray of float64
        Length of the movement; 0 where there is none.
    peak_g : ndarray of float64
        Median over the movement's seconds of the largest acceleration in the band of the counts, 3-11 Hz.
    turn_deg : ndarray of float64
        Angle by which the movement leaves the wrist turned.
    """

    at_s: Floats
    onset_s: Floats
    surge_bpm: Floats
    half_width_s: Floats
    burst_s: Floats
    peak_g: Floats
    turn_deg: Floats


def draw_activations(
    rng: np.random.Generator,
    stages: NDArray[np.int64],
    out_of_bed: NDArray[np.bool_],
    person: Person,
    parameters: Parameters = DEFAULT,
) -> Activations:
    """Draw the activations of a night.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all randomness.
    stages : ndarray of int64, shape (n,)
        Indices into ``CLASSES[5]``, one an epoch.
    out_of_bed : ndarray of bool, shape (n,)
        Epochs of W out of bed.
    person : Person
        Whose night it is.
    parameters : Parameters
        The model's numbers.

    Returns
    -------
    Activations

    Examples
    --------
    >>> from staging.simulate.person import draw_person
    >>> rng = np.random.default_rng(1)
    >>> stages = np.repeat([0, 2, 3, 4], 120)
    >>> activations = draw_activations(rng, stages, np.zeros(480, bool), draw_person(rng))
    >>> bool((activations.burst_s > 0).any())
    True
    """
    if not stages.size:
        none = np.empty(0)
        return Activations(
            at_s=none, onset_s=none, surge_bpm=none, half_width_s=none, burst_s=none, peak_g=none, turn_deg=none
        )
    at_s, stage, kind, moves, surges = (
        np.concatenate(parts)
        for parts in zip(
            _within_stages(rng, stages, out_of_bed, person, parameters),
            _at_changes(rng, stages, person, parameters),
            strict=True,
        )
    )
    arousal, movement, n = parameters.arousal, parameters.movement, at_s.size
    size = rng.standard_normal(n)
    tie = arousal.size_correlation
    surge_z = tie * size + np.sqrt(1.0 - tie * tie) * rng.standard_normal(n)

    change_sd = arousal.change_surge_ln_sd
    median_bpm = np.array([*arousal.surge_median_bpm, arousal.awakening_surge_bpm, arousal.change_surge_bpm])
    ln_sd = np.array([*arousal.surge_ln_sd, change_sd, change_sd])
    surge_bpm = median_bpm[kind] * np.exp(ln_sd[kind] * surge_z) * np.where(moves, arousal.moving_bpm_factor, 1.0)
    half_width_s = np.asarray(arousal.half_width_s)[stage] * np.exp(arousal.half_width_ln_sd * rng.standard_normal(n))

    burst_s = np.asarray(movement.duration_median_s)[stage] * np.exp(
        np.asarray(movement.duration_ln_sd)[stage] * rng.standard_normal(n)
    )
    peak_g = np.asarray(movement.peak_median_g)[stage] * np.exp(np.asarray(movement.peak_ln_sd)[stage] * size)
    turns = rng.random(n) < np.asarray(movement.turn_probability)[stage] * person.turn_factor
    turn_z = movement.turn_tie * size + np.sqrt(1.0 - movement.turn_tie**2) * rng.standard_normal(n)
    ln_deg, ln_deg_sd = movement.turn_ln_deg
    turn_deg = np.where(turns, np.exp(ln_deg + ln_deg_sd * turn_z), movement.jiggle_deg * np.abs(turn_z))
    return Activations(
        at_s=at_s,
        onset_s=at_s - movement.lead_s,
        surge_bpm=np.where(surges | moves, np.minimum(surge_bpm, arousal.largest_surge_bpm), 0.0),
        half_width_s=half_width_s,
        burst_s=np.where(moves, np.clip(burst_s, *movement.duration_range_s), 0.0),
        peak_g=peak_g,
        turn_deg=np.where(moves, np.minimum(turn_deg, movement.largest_turn_deg), 0.0),
    )


_Parts = tuple[Floats, NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]
"""Time, stage, kind (a stage's own, an awakening, another change), whether it moves and whether the heart surges."""


def _within_stages(
    rng: np.random.Generator,
    stages: NDArray[np.int64],
    out_of_bed: NDArray[np.bool_],
    person: Person,
    parameters: Parameters,
) -> _Parts:
    arousal = parameters.arousal
    awake_since = np.maximum.accumulate(np.where(stages != W, np.arange(stages.size), -stages.size))
    young = (stages == W) & (np.arange(stages.size) - awake_since <= arousal.early_wake_epochs)
    per_h = person.arousals_per_h[stages] * np.where(young, arousal.early_wake_factor, 1.0)
    per_h = np.where(out_of_bed, parameters.awake.sitting_bursts_per_h, per_h)
    at_s = renewal_times(rng, per_h / 3600.0, EPOCH_S, arousal.gap_sigma)
    epoch = np.minimum((at_s / EPOCH_S).astype(np.int64), stages.size - 1)
    stage = stages[epoch]
    moving = np.where(out_of_bed[epoch], 1.0, person.moving_per_h[stage] / person.arousals_per_h[stage])
    return at_s, stage, stage, rng.random(at_s.size) < moving, np.ones(at_s.size, bool)


def _at_changes(rng: np.random.Generator, stages: NDArray[np.int64], person: Person, parameters: Parameters) -> _Parts:
    arousal, movement = parameters.arousal, parameters.movement
    change = np.flatnonzero(stages[1:] != stages[:-1]) + 1
    before, after = stages[change - 1], stages[change]
    wake_epochs = np.diff(np.append(change, stages.size))
    awakening = np.asarray(movement.awakening_probability)[np.digitize(wake_epochs, (2, 5))]
    moving = np.where(after == W, awakening, np.asarray(movement.change_probability)[before, after])
    surging = np.asarray(arousal.change_surge_probability)[before, after]
    first_s, last_s = np.where((after == W)[:, None], arousal.awakening_window_s, arousal.change_window_s).T
    return (
        change * EPOCH_S + rng.uniform(first_s, last_s),
        after,
        np.where(after == W, AWAKENING, CHANGE),
        rng.random(change.size) < moving * person.change_moving_factor,
        rng.random(change.size) < surging,
    )
