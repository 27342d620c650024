"""A night's stages: non-REM and REM parts in turn, bouts and jumps within them.

Assumptions
-----------
- A single chain of stages loses the sleep cycle; so each part has a planned length, and its bouts are drawn until the
  plan is past. A non-REM part ends at the end of a bout other than N3, a REM part at the end of a bout of R.
- After a long awakening the part begins anew; without that REM sleep would follow wakefulness.
- The tables change with the cycle and with the half of a non-REM part: deep sleep comes early in the night and in the
  cycle.
- Nights differ in how easily they go to W (and N1) and to N3.

Simulated: no accuracy may be claimed on such nights.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from staging.errors import InputError
from staging.hypnogram import CLASSES
from staging.recording import EPOCH_S
from staging.simulate.parameters import DEFAULT, MeanSD, Parameters, Table

__all__ = ["simulate_stages"]

W, N1, N2, N3, R = range(len(CLASSES[5]))

_LEVELS = 2048
_EPOCHS_PER_MIN = 60.0 / EPOCH_S


@dataclass(frozen=True)
class _Bouts:
    """Bout lengths in epochs at evenly spaced probabilities, by stage."""

    nrem: list[list[list[list[int]]]]
    rem: list[list[int]]


@lru_cache(maxsize=8)
def _bouts(parameters: Parameters) -> _Bouts:
    hypnogram = parameters.hypnogram
    at = (np.arange(_LEVELS) + 0.5) / _LEVELS

    def lengths(quantiles_min: tuple[float, ...]) -> list[int]:
        # Between quantiles the logarithm is straight: the tails are long, and so the means come out as measured.
        minutes = np.exp(np.interp(at, hypnogram.bout_levels, np.log(quantiles_min)))
        epochs: list[int] = np.maximum(np.rint(minutes * _EPOCHS_PER_MIN), 1).astype(int).tolist()
        return epochs

    return _Bouts(
        nrem=[[[lengths(stage) for stage in half] for half in cycle] for cycle in hypnogram.nrem_bout_min],
        rem=[lengths(stage) for stage in hypnogram.rem_bout_min],
    )


def _cumulative(jumps: Table, weight: NDArray[np.float64]) -> list[list[float]]:
    """Rows of cumulative probabilities after the odds of each destination were multiplied."""
    odds = np.asarray(jumps) * weight
    total = odds.sum(axis=-1, keepdims=True)
    rows: list[list[float]] = np.cumsum(odds / np.where(total > 0, total, 1.0), axis=-1).tolist()
    return rows


def _lognormal(rng: np.random.Generator, ln: MeanSD) -> float:
    return math.exp(rng.normal(*ln))


def simulate_stages(
    rng: np.random.Generator,
    n_epochs: int,
    *,
    age_years: float | None = None,
    parameters: Parameters = DEFAULT,
) -> NDArray[np.int64]:
    """Draw the stages of one night in bed.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all randomness.
    n_epochs : int
        30-s epochs in bed, from lights-off to lights-on.
    age_years : float, optional
        Age; the measured nights' mean where None.
    parameters : Parameters
        The model's numbers.

    Returns
    -------
    ndarray of int64, shape (n_epochs,)
        Indices into ``CLASSES[5]``: W N1 N2 N3 R.

    Raises
    ------
    InputError
        If the number of epochs is negative or the age is not between 10 and 100 years.

    References
    ----------
    Method: semi-Markov chain with two levels, fitted to 51 nights (see `staging.simulate.hypnogram_tables`).

    Examples
    --------
    >>> stages = simulate_stages(np.random.default_rng(3), 960)
    >>> stages.shape, int(stages[0])
    ((960,), 0)
    """
    age = parameters.age.reference_years if age_years is None else age_years
    if n_epochs < 0:
        raise InputError("n_epochs", f"{n_epochs} epochs cannot be simulated", "give 0 or more")
    if not 10 <= age <= 100:
        raise InputError("age", f"{age} years is outside what the model knows", "give 10 to 100 years, or none")
    p, by_age, decades = parameters.hypnogram, parameters.age, (age - parameters.age.reference_years) / 10

    latency_min = _lognormal(rng, p.latency_ln_min) + by_age.latency_min * decades
    n_latency = min(n_epochs, max(1, round(latency_min * _EPOCHS_PER_MIN)))
    n_final = 0
    if rng.random() < p.final_wake_probability:
        n_final = round(_lognormal(rng, p.final_wake_ln_min) * _EPOCHS_PER_MIN)
    n_asleep = max(n_epochs - n_latency - n_final, 0)

    wake = rng.normal(0.0, p.night_wake_sd) + by_age.wake_log_odds * decades
    deep = rng.normal(0.0, p.night_n3_sd) + by_age.n3_log_odds * decades
    weight = np.exp([wake, p.n1_with_wake * wake, 0.0, deep, 0.0])
    wake_factor = math.exp(by_age.wake_bout_ln * decades)

    stages, lengths = _sleep(rng, n_asleep, weight, wake_factor, parameters)
    asleep = np.repeat(np.array(stages, dtype=np.int64), lengths)[:n_asleep]
    night = np.full(n_epochs, W, dtype=np.int64)
    night[n_latency : n_latency + asleep.size] = asleep
    return night


def _sleep(
    rng: np.random.Generator, n_epochs: int, weight: NDArray[np.float64], wake_factor: float, parameters: Parameters
) -> tuple[list[int], list[int]]:
    """Stages and lengths in epochs of the bouts, at least `n_epochs` in all."""
    p, bouts = parameters.hypnogram, _bouts(parameters)
    nrem_jumps = [[_cumulative(half, weight) for half in cycle] for cycle in p.nrem_jumps]
    rem_jumps = _cumulative(p.rem_jumps, weight)
    restart = p.restart_wake_min * _EPOCHS_PER_MIN
    first_stage: list[list[float]] = np.cumsum(p.nrem_first_stage, axis=-1).tolist()

    uniform = iter(rng.random(4 * n_epochs + 16).tolist())  # two a bout of at least one epoch
    stages: list[int] = []
    lengths: list[int] = []
    done, number = 0, 0
    while done < n_epochs:
        cycle = min(number, len(p.nrem_ln_min) - 1)
        plan = p.nrem_share * _lognormal(rng, p.nrem_ln_min[cycle]) * _EPOCHS_PER_MIN
        begin, stage = done, min(bisect_right(first_stage[cycle], next(uniform)), N3)
        while done < n_epochs:
            half = int(done - begin >= plan / 2)
            length = bouts.nrem[cycle][half][stage][int(next(uniform) * _LEVELS)]
            if stage == W:
                length = max(1, round(length * wake_factor))
            stages.append(stage)
            lengths.append(length)
            done += length
            if stage == W and length >= restart:
                begin = done
            elif stage != N3 and done - begin >= plan:
                break
            half = int(done - begin >= plan / 2)
            stage = min(bisect_right(nrem_jumps[cycle][half][stage], next(uniform)), N3)

        plan = p.rem_share * _lognormal(rng, p.rem_ln_min[cycle]) * _EPOCHS_PER_MIN
        begin, stage = done, R
        while done < n_epochs:
            length = bouts.rem[stage][int(next(uniform) * _LEVELS)]
            stages.append(stage)
            lengths.append(length)
            done += length
            if stage == R and done - begin >= plan:
                break
            stage = min(bisect_right(rem_jumps[stage], next(uniform)), R)
        number += 1
    return stages, lengths
