"""How far a stager is to be trusted, from nights that polysomnography scored as well.

Each number of a `SequencePosterior` has a metric whose spread it decides: the shift of a class the time in it, the
factor of its runs the number of its bouts, the stretch of wake the number of awakenings. A number is right where the
reference values lie in the drawn ones as one more draw would: as often above as below them, and as far out.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from staging.architecture.nights import Nights
from staging.architecture.posterior import SequencePosterior
from staging.architecture.rules import Rules
from staging.architecture.run_lengths import fit_stage_runs, stage_runs
from staging.architecture.summary import metric_table
from staging.architecture.uncertainty import matched_nights, metrics_of_draws
from staging.hypnogram import Hypnogram, Stage

__all__ = ["calibrate"]

Floats = NDArray[np.float64]
Against = Mapping[str, Sequence[tuple[Floats, float]]]
"""By metric, the values of the draws and the true one, night by night."""

_TIME_OF: Mapping[Stage, str] = {
    Stage.W: "w_min",
    Stage.N1: "n1_min",
    Stage.N2: "n2_min",
    Stage.N3: "n3_min",
    Stage.R: "r_min",
    Stage.LIGHT: "light_min",
    Stage.DEEP: "n3_min",
    Stage.NREM: "nrem_min",
}
"""Metrics that tell whether the shifts are right; a single class of sleep has none of its own."""

_BOUTS_OF: Mapping[Stage, str] = {
    Stage.W: "awakenings",
    Stage.N1: "n1_bouts",
    Stage.N2: "n2_bouts",
    Stage.N3: "n3_bouts",
    Stage.R: "r_bouts",
    Stage.LIGHT: "light_bouts",
    Stage.DEEP: "n3_bouts",
    Stage.NREM: "nrem_bouts",
    Stage.S: "sleep_bout_mean_min",
}
"""Metrics that tell whether the factors of the runs are right. Awakenings tell of the stretch of wake as well, which is
bounded: what it cannot give of their spread, the factor of wake's runs gives."""

_LENGTHS = ("sleep_bout_mean_min",)
"""Those of them that grow with the runs."""

_STRETCH = "awakenings"
"""The metric that tells whether the stretch of wake is right."""

_LOOKED_AT = tuple(dict.fromkeys([*_TIME_OF.values(), *_BOUTS_OF.values(), _STRETCH]))

_STEPS = ((0.1, 0.3, 0.6, 1.0, 1.5), (0.7, 1.0, 1.4))
"""Numbers that are tried at first, and then what the best of them are multiplied by."""

_OFFSETS = ((-1.0, -0.6, -0.3, 0.0, 0.3, 0.6), (-0.4, -0.2, 0.0, 0.2, 0.4))
"""Means of the factors of the runs that are tried at first, and then what is added to the best of them."""

_GREATEST: Mapping[str, float] = {"shift_sd": 2.0, "wake_stretch_sd": 0.7, "run_mean": 1.5, "run_sd": 1.5}
"""What the numbers do not pass: a few nights far off must not widen the intervals of all."""

_TAIL = (0.8, 0.85, 0.9, 0.95)
"""Where the distances of the reference values are compared with a normal distribution's: around the 90 % that the
intervals are for."""

_FLOORS = (0.0, 0.001, 0.002, 0.003, 0.004, 0.005, 0.006, 0.008, 0.01, 0.015, 0.02)

_FEWEST = 3
"""Nights without which no spread can be told."""


def calibrate(
    predicted: Sequence[Hypnogram], reference: Sequence[Hypnogram], *, draws: int = 120, seed: int = 0
) -> SequencePosterior:
    """The trust that makes the intervals of some nights right, to be used on other subjects.

    The runs are those of the reference nights; the floor is the one of the greatest likelihood; the others are found
    one kind after the other. The target is a little wider than the nights themselves ask for, since their spread is
    known from a few nights only: by the factor sqrt((n + 1) / (n − 1)).

    Parameters
    ----------
    predicted, reference : sequence of Hypnogram
        As for `coverage`: predictions of subjects that the stager was not trained on, one night each, at least 3.
    draws : int
        Hypnograms to draw of each night and trial.
    seed : int
        The same seed gives the same numbers.

    Returns
    -------
    SequencePosterior
        Of the resolution of the nights.

    Raises
    ------
    ValueError
        If the nights do not match or are too few, or have no probabilities.
    """
    cases = matched_nights(predicted, reference)
    if len(cases) < _FEWEST:
        raise ValueError(f"at least {_FEWEST} nights are needed to calibrate, got {len(cases)}")
    if any(night.probabilities is None for night, _ in cases):
        raise ValueError("nights without probabilities cannot be calibrated")
    truths = [truth for _, truth in cases]
    classes = truths[0].classes
    true = metric_table(Nights.of(truths, Rules()), _LOOKED_AT)
    target = math.sqrt((len(cases) - 1) / (len(cases) + 1))
    trust = dataclasses.replace(
        SequencePosterior.usual(len(classes)),
        runs=fit_stage_runs([truths], usual=stage_runs(len(classes))),
        floor=_best_floor(cases),
    )

    def against_the_true(trial: SequencePosterior) -> Against:
        tables = metrics_of_draws([night for night, _ in cases], draws, posterior=trial, names=_LOOKED_AT, seed=seed)
        return {name: [(table[name], float(true[name][i])) for i, table in enumerate(tables)] for name in _LOOKED_AT}

    times, bouts = [_TIME_OF.get(stage) for stage in classes], [_BOUTS_OF[stage] for stage in classes]
    for relative, (steps, offsets) in enumerate(zip(_STEPS, _OFFSETS, strict=True)):
        for knob, metrics in (("shift_sd", times), ("wake_stretch_sd", [_STRETCH])):
            trust = _turned(trust, knob, metrics, steps, bool(relative), against_the_true, target)
        trust = _centred(trust, bouts, offsets, against_the_true)
        trust = _turned(trust, "run_sd", bouts, steps, bool(relative), against_the_true, target)
    return trust


def _turned(
    trust: SequencePosterior,
    knob: str,
    metrics: Sequence[str | None],
    steps: Sequence[float],
    relative: bool,
    against_the_true: Callable[[SequencePosterior], Against],
    target: float,
) -> SequencePosterior:
    """The trust with one kind of number set so that the spreads of its metrics come to the target."""
    now = np.atleast_1d(getattr(trust, knob))
    grid = [np.minimum(now * step if relative else np.full(len(now), step), _GREATEST[knob]) for step in steps]
    for index, metric in enumerate(metrics):
        if metric is None:
            for values in grid:
                values[index] = 0.0
    found = [against_the_true(_with(trust, knob, values)) for values in grid]
    best = [
        0.0 if metric is None else _crossing([v[i] for v in grid], [_spread(each[metric]) for each in found], target)
        for i, metric in enumerate(metrics)
    ]
    return _with(trust, knob, np.round(best, 3))


def _centred(
    trust: SequencePosterior,
    metrics: Sequence[str],
    offsets: Sequence[float],
    against_the_true: Callable[[SequencePosterior], Against],
) -> SequencePosterior:
    """The trust with the means of the run factors set so that the true values lie in the middle of the drawn ones."""
    now, limit = np.array(trust.run_mean), _GREATEST["run_mean"]
    grid = [np.clip(now + offset, -limit, limit) for offset in offsets]
    found = [against_the_true(_with(trust, "run_mean", values)) for values in grid]
    best = []
    for i, metric in enumerate(metrics):
        # Longer runs are fewer: more and more of the true values lie above the drawn ones. Their lengths, below.
        leans = [(1.0 if metric in _LENGTHS else -1.0) * _lean(each[metric]) for each in found]
        best.append(_crossing([v[i] for v in grid], leans, 0.0) if np.isfinite(leans).all() else now[i])
    return _with(trust, "run_mean", np.round(best, 3))


def _with(trust: SequencePosterior, knob: str, values: Floats) -> SequencePosterior:
    changed: Any = values.tolist()[0] if knob == "wake_stretch_sd" else tuple(values.tolist())
    return dataclasses.replace(trust, **{knob: changed})


def _crossing(values: Sequence[float], found: Sequence[float], target: float) -> float:
    """Where what falls with the values comes to the target, between those that were tried."""
    # Chance may make it rise a little between two neighbours.
    falling = np.minimum.accumulate(found)
    if not np.isfinite(falling).all():
        return float(values[0])
    return float(np.interp(-target, -falling, values))


def _spread(cases: Sequence[tuple[Floats, float]]) -> float:
    """How far out the true values lie among the drawn ones, by the outer of them; 1 where the draws are right."""
    away = np.abs(_places(cases))
    if not away.size:
        return math.nan
    normal = [NormalDist().inv_cdf((1 + share) / 2) for share in _TAIL]
    return float(np.mean(np.quantile(away, _TAIL) / normal))


def _lean(cases: Sequence[tuple[Floats, float]]) -> float:
    """How far above the drawn values the true ones lie on average; 0 where the draws are right."""
    places = _places(cases)
    return float(places.mean()) if places.size else math.nan


def _places(cases: Sequence[tuple[Floats, float]]) -> Floats:
    """Where each true value lies among the drawn ones, as a place of the standard normal distribution."""
    places = []
    for drawn, true in cases:
        known = drawn[~np.isnan(drawn)]
        if known.size and not math.isnan(true):
            below = np.count_nonzero(known < true - 1e-9) + 0.5 * np.count_nonzero(np.abs(known - true) <= 1e-9)
            places.append(NormalDist().inv_cdf((below + 0.5) / (known.size + 1)))
    return np.array(places)


def _best_floor(cases: Sequence[tuple[Hypnogram, Hypnogram]]) -> float:
    """What is best taken off all probabilities, by the likelihood of the reference."""
    given, true = [], []
    for night, truth in cases:
        indices = truth.indices()
        assert night.probabilities is not None
        scored = (indices >= 0) & np.isfinite(night.probabilities).all(axis=1)
        given.append(night.probabilities[scored].astype(np.float64))
        true.append(indices[scored])
    probabilities, stages = np.concatenate(given), np.concatenate(true)

    def surprise(floor: float) -> float:
        left = np.maximum(probabilities - floor, 1e-4)
        return -float(np.mean(np.log(left[np.arange(len(stages)), stages] / left.sum(axis=1))))

    possible = [floor for floor in _FLOORS if floor * probabilities.shape[1] < 0.5]
    return min(possible, key=surprise)
