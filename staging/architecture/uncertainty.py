"""How sure the metrics are: intervals from hypnograms drawn out of a sequence posterior.

The stager says how likely each stage is, epoch by epoch. Drawing epochs one by one from that would give hypnograms that
flicker as no sleep does, and intervals of totals that are far too narrow, since independent errors cancel out over a
night. Here whole hypnograms are drawn:

- A priori, stages follow each other as in scored sleep: a Markov chain whose states are the short and the long runs of
  each stage, so that run lengths are mixtures of two geometric distributions (`stage_runs.json`).
- What was observed enters as the likelihood p(stage | data) / p(stage) of each epoch to the power of `sharpness`. Below
  1 it takes back that neighbouring epochs were judged from much the same data.
- A stager that mistakes light for deep sleep in one sleeper does so all night long. Each draw has its own error of that
  kind: a shift of every class's log-odds, normal with SD `night_sd`, the same in all epochs.

The two numbers are calibrated on subjects with polysomnography (`calibrate`); `coverage` measures what the intervals
then cover. Draws are exact: forward filtering, backward sampling.

References
----------
Frühwirth-Schnatter S. Data augmentation and dynamic linear models. Journal of Time Series Analysis 1994;15:183–202.
doi:10.1111/j.1467-9892.1994.tb00184.x
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from staging.architecture.catalogue import CATALOGUE
from staging.architecture.nights import CODES, UNSCORED, Nights, in_bed
from staging.architecture.rules import Rules
from staging.architecture.summary import metric_table
from staging.errors import HypnogramError
from staging.hypnogram import Hypnogram

__all__ = [
    "Coverage",
    "Interval",
    "SequencePosterior",
    "StageRuns",
    "calibrate",
    "coverage",
    "draw_hypnograms",
    "metric_intervals",
    "stage_runs",
]

Floats = NDArray[np.float64]

_FLOOR = 1e-4
"""Probabilities are kept above this: a stager that says 0 is not that sure, and files round."""

_KEY_METRICS = ("tst_min", "waso_min", "sol_min", "se_pct", "n3_min", "r_min", "light_min", "rem_latency_min")
"""What `calibrate` looks at unless told otherwise."""


@dataclass(frozen=True, eq=False)
class StageRuns:
    """How long stages last and what follows them, for one resolution.

    Attributes
    ----------
    start : ndarray of float64, shape (k,)
        Probability of each class in the first epoch.
    occupancy : ndarray of float64, shape (k,)
        Share of time in each class.
    jump : ndarray of float64, shape (k, k)
        Probability of the next class when one is left; the diagonal is 0.
    share_long : ndarray of float64, shape (k,)
        Share of the runs that are of the long kind.
    short_mean_min, long_mean_min : ndarray of float64, shape (k,)
        Mean lengths of both kinds, minutes.
    """

    start: Floats
    occupancy: Floats
    jump: Floats
    share_long: Floats
    short_mean_min: Floats
    long_mean_min: Floats

    def chain(self, epoch_min: float) -> tuple[Floats, Floats]:
        """Start probabilities ``(2 k,)`` and transitions ``(2 k, 2 k)`` of the short and then the long runs.

        Parameters
        ----------
        epoch_min : float
            Length of an epoch in minutes, which is the shortest run.
        """
        share = np.concatenate([1.0 - self.share_long, self.share_long])
        mean = np.concatenate([self.short_mean_min, self.long_mean_min])
        leave = np.minimum(epoch_min / mean, 1.0)
        onward = np.tile(self.jump, (2, 2)) * share
        return np.tile(self.start, 2) * share, np.diag(1.0 - leave) + leave[:, None] * onward


@cache
def stage_runs(n_classes: int) -> StageRuns:
    """Run lengths and jumps measured on open scored nights, for a resolution of 5, 4, 3 or 2 classes.

    Examples
    --------
    >>> stage_runs(2).jump
    array([[0., 1.],
           [1., 0.]])
    """
    text = resources.files("staging.architecture").joinpath("stage_runs.json").read_text(encoding="utf-8")
    table = json.loads(text)["resolutions"][str(n_classes)]
    fields = StageRuns.__dataclass_fields__
    return StageRuns(**{name: np.array(table[name], dtype=np.float64) for name in fields})


@dataclass(frozen=True, kw_only=True)
class SequencePosterior:
    """How far the stager's probabilities are to be trusted.

    Attributes
    ----------
    sharpness : float
        Power of the likelihood, above 0: 1 takes the epochs as independent evidence, less takes back what they share.
    night_sd : float
        SD of the error in log-odds that a night's epochs have in common, for each class.
    impute_unscored : bool
        Whether unscored epochs are drawn as well, from what is known around them; otherwise they stay unscored, so that
        intervals mean the same as the metrics.

    Raises
    ------
    ValueError
        If a number is not finite, or out of range.

    Notes
    -----
    The defaults stand until a stager brings its own: they were calibrated on out-of-fold predictions of a simple
    stager from wrist activity and heart rate.
    """

    sharpness: float = 0.3
    night_sd: float = 0.6
    impute_unscored: bool = False

    def __post_init__(self) -> None:
        if not (np.isfinite(self.sharpness) and self.sharpness > 0):
            raise ValueError(f"sharpness must be above 0, got {self.sharpness}")
        if not (np.isfinite(self.night_sd) and self.night_sd >= 0):
            raise ValueError(f"night_sd must be at least 0, got {self.night_sd}")


@dataclass(frozen=True, kw_only=True)
class Interval:
    """What a metric may be.

    Attributes
    ----------
    low, median, high : float or None
        Quantiles of the draws that have the metric; None where none has.
    level : float
        Probability between low and high.
    defined : float
        Share of the draws that have the metric: of REM latency, those with REM sleep.
    """

    low: float | None
    median: float | None
    high: float | None
    level: float
    defined: float


def draw_hypnograms(
    hypnogram: Hypnogram, draws: int, *, posterior: SequencePosterior | None = None, seed: int = 0
) -> NDArray[np.int8]:
    """Draw whole hypnograms that agree with a night's probabilities and with how sleep goes on.

    Parameters
    ----------
    hypnogram : Hypnogram
        A night with probabilities; epochs without are drawn from their surroundings.
    draws : int
        How many.
    posterior : SequencePosterior, optional
        How far the probabilities are to be trusted.
    seed : int
        The same seed gives the same draws.

    Returns
    -------
    ndarray of int8, shape (draws, n)
        Indices into ``hypnogram.classes``; -1 where the hypnogram is unscored, unless these are to be imputed.

    Raises
    ------
    HypnogramError
        If there are no epochs or no probabilities.

    Examples
    --------
    >>> sure = np.tile(np.float32([0.02, 0.98]), (5, 1))
    >>> night = Hypnogram(stages=["S"] * 5, n_classes=2, probabilities=sure)
    >>> draw_hypnograms(night, 3, seed=1).shape
    (3, 5)
    """
    trust = posterior or SequencePosterior()
    if hypnogram.probabilities is None or len(hypnogram) == 0:
        raise HypnogramError(
            hypnogram.source or "hypnogram", "has no probabilities to draw from", "give those of the stager"
        )
    runs = stage_runs(hypnogram.n_classes)
    start, step = runs.chain(hypnogram.epoch_s / 60.0)
    rng = np.random.default_rng(seed)
    evidence = _evidence(hypnogram.probabilities, runs.occupancy, trust.sharpness)
    shift = rng.normal(0.0, trust.night_sd, (draws, hypnogram.n_classes))
    states = _sample_paths(start, step, evidence, shift, rng)
    drawn = (states % hypnogram.n_classes).astype(np.int8)
    if not trust.impute_unscored:
        drawn[:, hypnogram.indices() < 0] = -1
    return drawn


def _evidence(probabilities: NDArray[np.float32], occupancy: Floats, sharpness: float) -> Floats:
    """Log-likelihood of the classes in each epoch, float64 ``(n, k)``; 0 where nothing was observed."""
    values = np.maximum(probabilities.astype(np.float64), _FLOOR)
    evidence = sharpness * (np.log(values) - np.log(occupancy))
    return np.where(np.isfinite(probabilities).all(axis=1, keepdims=True), evidence, np.nan)


def _sample_paths(
    start: Floats, step: Floats, evidence: Floats, shift: Floats, rng: np.random.Generator
) -> NDArray[np.intp]:
    """One path of states for each row of `shift`, by forward filtering and backward sampling.

    Parameters
    ----------
    start, step : ndarray of float64, shape (2 k,) and (2 k, 2 k)
        The chain.
    evidence : ndarray of float64, shape (n, k)
        Log-likelihood of each epoch; NaN rows where nothing was observed.
    shift : ndarray of float64, shape (draws, k)
        What each draw adds to the evidence of all epochs.
    rng : Generator
        Source of chance.
    """
    n, k = evidence.shape
    draws, n_states = len(shift), 2 * k
    filtered = np.empty((n, draws, n_states), dtype=np.float32)
    observed = ~np.isnan(evidence[:, 0])
    weight = np.exp(shift - shift.max(axis=1, keepdims=True))
    likelihood = np.exp(evidence - evidence.max(axis=1, keepdims=True))
    ahead = np.broadcast_to(start, (draws, n_states))
    for at in range(n):
        if observed[at]:
            here = ahead * np.tile(weight * likelihood[at], 2)
            here /= here.sum(axis=1, keepdims=True)
        else:
            here = ahead
        filtered[at] = here
        ahead = here @ step
    uniform = rng.random((n, draws))
    paths = np.empty((draws, n), dtype=np.intp)
    into = np.ascontiguousarray(step.T).astype(np.float32)
    state: NDArray[np.intp] | None = None
    for at in range(n - 1, -1, -1):
        chance = filtered[at] if state is None else filtered[at] * into[state]
        steps = np.cumsum(chance, axis=1)
        state = np.minimum((steps < (uniform[at] * steps[:, -1])[:, None]).sum(axis=1), n_states - 1)
        paths[:, at] = state
    return paths


def metric_intervals(
    hypnogram: Hypnogram,
    *,
    level: float = 0.9,
    draws: int = 400,
    posterior: SequencePosterior | None = None,
    rules: Rules | None = None,
    seed: int = 0,
) -> dict[str, Interval]:
    """An interval for every metric of a night, from hypnograms drawn with `draw_hypnograms`.

    Parameters
    ----------
    hypnogram : Hypnogram
        A night with probabilities; only the time in bed counts.
    level : float
        Probability that the interval holds, between 0 and 1.
    draws : int
        Hypnograms to draw, at least 20.
    posterior : SequencePosterior, optional
        How far the probabilities are to be trusted.
    rules : Rules, optional
        Thresholds of the metrics.
    seed : int
        The same seed gives the same intervals.

    Returns
    -------
    dict of str to Interval
        By metric, in the order of `staging.architecture.definitions`.

    Raises
    ------
    HypnogramError
        If there are no probabilities, or the hypnogram cannot be summarised.
    ValueError
        If the level is not between 0 and 1 or the draws are too few.

    Examples
    --------
    >>> unsure = np.tile(np.float32([0.3, 0.7]), (120, 1))
    >>> night = Hypnogram(stages=["S"] * 120, n_classes=2, probabilities=unsure)
    >>> interval = metric_intervals(night, draws=50)["tst_min"]
    >>> 0 <= interval.low <= interval.median <= interval.high <= 60
    True
    """
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, got {level}")
    if draws < 20:
        raise ValueError(f"at least 20 draws are needed, got {draws}")
    night = in_bed(hypnogram)
    table = _drawn_metrics(night, draw_hypnograms(night, draws, posterior=posterior, seed=seed), rules or Rules())
    return {name: _interval(values, level) for name, values in table.items()}


def _drawn_metrics(night: Hypnogram, drawn: NDArray[np.int8], rules: Rules) -> Mapping[str, Floats]:
    """Metrics of drawn hypnograms of a night, one value a draw."""
    codes = np.array([*(CODES[stage] for stage in night.classes), UNSCORED], dtype=np.int8)
    draws = len(drawn)
    nights = Nights(
        codes[drawn].reshape(-1),
        np.full(draws, len(night), dtype=np.int64),
        np.full(draws, night.epoch_s),
        np.full(draws, night.n_classes, dtype=np.int64),
        [night.start] * draws,
        rules,
    )
    return metric_table(nights)


def _interval(values: Floats, level: float) -> Interval:
    known = values[~np.isnan(values)]
    if not known.size:
        return Interval(low=None, median=None, high=None, level=level, defined=0.0)
    low, median, high = np.quantile(known, [(1 - level) / 2, 0.5, (1 + level) / 2]).tolist()
    return Interval(low=low, median=median, high=high, level=level, defined=known.size / values.size)


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """How often intervals hold the reference value.

    Attributes
    ----------
    n : int
        Nights on which both the interval and the reference value are defined.
    covered_pct : float or None
        Share of them in which the interval holds it; None without any.
    mean_width : float or None
        Mean width of the intervals, in the metric's unit.
    score : float or None
        Mean interval score (Gneiting & Raftery 2007, doi:10.1198/016214506000001437): the width, and for each miss its
        distance times 2 / (1 − level); smaller is better, and it rewards both covering and being narrow.
    """

    n: int
    covered_pct: float | None
    mean_width: float | None
    score: float | None


def coverage(
    predicted: Sequence[Hypnogram],
    reference: Sequence[Hypnogram],
    *,
    level: float = 0.9,
    draws: int = 400,
    posterior: SequencePosterior | None = None,
    rules: Rules | None = None,
    seed: int = 0,
) -> dict[str, Coverage]:
    """What the intervals of predicted nights cover of the values that polysomnography gives.

    Parameters
    ----------
    predicted, reference : sequence of Hypnogram
        The same nights, of one resolution, epoch by epoch on the same times; where the reference is unscored, the
        prediction is taken as unscored too. One night a subject, or the nights are no independent cases.
    level, draws, posterior, rules, seed
        As for `metric_intervals`.

    Returns
    -------
    dict of str to Coverage
        By metric.

    Raises
    ------
    ValueError
        If the nights do not match.

    Examples
    --------
    >>> sure = np.tile(np.float32([0.01, 0.99]), (60, 1))
    >>> night = Hypnogram(stages=["S"] * 60, n_classes=2, probabilities=sure)
    >>> coverage([night], [night], draws=50)["tst_min"].covered_pct
    100.0
    """
    cases = _matched(predicted, reference)
    values = [metric_table(Nights.of([truth], rules or Rules())) for _, truth in cases]
    intervals = [
        metric_intervals(night, level=level, draws=draws, posterior=posterior, rules=rules, seed=seed + index)
        for index, (night, _) in enumerate(cases)
    ]
    return {
        name: _coverage([(each[name], float(true[name][0])) for each, true in zip(intervals, values, strict=True)])
        for name in CATALOGUE
    }


def _matched(predicted: Sequence[Hypnogram], reference: Sequence[Hypnogram]) -> list[tuple[Hypnogram, Hypnogram]]:
    """Pairs of nights in bed; unscored in both where the reference is."""
    if len(predicted) != len(reference):
        raise ValueError(f"{len(predicted)} predicted nights for {len(reference)} of reference")
    cases = []
    for night, truth in zip(predicted, reference, strict=True):
        same = (len(night), night.n_classes, night.epoch_s) == (len(truth), truth.n_classes, truth.epoch_s)
        if not same:
            raise ValueError(f"{night.source or 'a predicted night'} differs from its reference in epochs or classes")
        unscored = truth.indices() < 0
        masked = np.where(unscored, truth.stages, night.stages)
        cases.append(
            (
                in_bed(
                    Hypnogram(
                        stages=masked,
                        n_classes=night.n_classes,
                        epoch_s=night.epoch_s,
                        start=night.start,
                        probabilities=night.probabilities,
                        lights_off_s=truth.lights_off_s,
                        lights_on_s=truth.lights_on_s,
                        source=night.source,
                    )
                ),
                in_bed(truth),
            )
        )
    return cases


def _coverage(cases: Sequence[tuple[Interval, float]]) -> Coverage:
    rows = [
        (interval.low, interval.high, true, interval.level)
        for interval, true in cases
        if interval.low is not None and interval.high is not None and not np.isnan(true)
    ]
    if not rows:
        return Coverage(n=0, covered_pct=None, mean_width=None, score=None)
    low, high, true, level = np.array(rows).T
    # Totals are sums of many epochs: a value on the very edge is inside.
    missed = np.maximum(np.maximum(low - true, true - high), 0.0)
    return Coverage(
        n=len(rows),
        covered_pct=100.0 * float(np.mean(missed <= 1e-9)),
        mean_width=float(np.mean(high - low)),
        score=float(np.mean(high - low + 2.0 / (1.0 - level) * missed)),
    )


def calibrate(
    predicted: Sequence[Hypnogram],
    reference: Sequence[Hypnogram],
    *,
    sharpness: Sequence[float] = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0),
    night_sd: Sequence[float] = (0.0, 0.3, 0.6, 0.9, 1.2, 1.6),
    metrics: Sequence[str] = _KEY_METRICS,
    level: float = 0.9,
    draws: int = 200,
    seed: int = 0,
) -> SequencePosterior:
    """The trust that makes the intervals of some nights best, to be used on other subjects.

    Chosen is the pair with the smallest interval score, summed over the metrics after division by the SD of each
    metric's reference values, so that minutes and percentages count alike.

    Parameters
    ----------
    predicted, reference : sequence of Hypnogram
        As for `coverage`: predictions of subjects that the stager was not trained on.
    sharpness, night_sd : sequence of float
        Values to try.
    metrics : sequence of str
        Metrics to be covered; those that the resolution does not tell are left out.
    level, draws, seed
        As for `metric_intervals`.

    Returns
    -------
    SequencePosterior
        The best pair.

    Raises
    ------
    ValueError
        If the nights do not match, or no metric varies between them.
    """
    truths = [truth for _, truth in _matched(predicted, reference)]
    table = metric_table(Nights.of(truths, Rules()))
    spread = {name: float(np.nanstd(table[name])) for name in metrics if np.isfinite(table[name]).any()}
    scale = {name: sd for name, sd in spread.items() if sd > 0}
    if not scale:
        raise ValueError("no metric varies between the reference nights")

    def loss(trust: SequencePosterior) -> float:
        found = coverage(predicted, reference, level=level, draws=draws, posterior=trust, seed=seed)
        return sum((found[name].score or 0.0) / sd for name, sd in scale.items())

    candidates = [
        SequencePosterior(sharpness=power, night_sd=sd) for power, sd in itertools.product(sharpness, night_sd)
    ]
    return min(candidates, key=loss)
