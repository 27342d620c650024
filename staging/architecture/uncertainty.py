"""How sure the metrics are: intervals of their values in hypnograms drawn with `staging.architecture.posterior`.

How far the stager is to be trusted is calibrated on subjects with polysomnography (`staging.architecture.calibrate`);
`coverage` measures what the intervals then cover.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from staging.architecture.catalogue import CATALOGUE
from staging.architecture.nights import CODES, UNSCORED, Nights, in_bed
from staging.architecture.posterior import SequencePosterior, draw_hypnograms, draw_nights
from staging.architecture.rules import Rules
from staging.architecture.summary import metric_table
from staging.hypnogram import Hypnogram

__all__ = [
    "Coverage",
    "Interval",
    "coverage",
    "drawn_metrics",
    "matched_nights",
    "metric_intervals",
    "metrics_of_draws",
]

Floats = NDArray[np.float64]

_EPOCHS_AT_ONCE = 1 << 19
"""Epochs of drawn hypnograms that are measured at once: recordings of many days must not fill the memory."""


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
    table = drawn_metrics(night, draws, posterior=posterior, rules=rules, seed=seed)
    return {name: _interval(values, level) for name, values in table.items()}


def drawn_metrics(
    night: Hypnogram,
    draws: int,
    *,
    posterior: SequencePosterior | None = None,
    rules: Rules | None = None,
    names: Iterable[str] | None = None,
    seed: int = 0,
) -> Mapping[str, Floats]:
    """Metrics of hypnograms drawn of a night without lights times, one value a draw; of all metrics, or of some."""
    drawn = draw_hypnograms(night, draws, posterior=posterior, seed=seed)
    return _measured([night], [drawn], rules, names)[0]


def metrics_of_draws(
    nights: Sequence[Hypnogram],
    draws: int,
    *,
    posterior: SequencePosterior | None = None,
    names: Iterable[str] | None = None,
    seed: int = 0,
) -> list[Mapping[str, Floats]]:
    """What `drawn_metrics` gives of several nights of one kind, in less time."""
    return _measured(nights, draw_nights(nights, draws, posterior=posterior, seed=seed), None, names)


def _measured(
    nights: Sequence[Hypnogram],
    drawn: Sequence[NDArray[np.int8]],
    rules: Rules | None,
    names: Iterable[str] | None,
) -> list[Mapping[str, Floats]]:
    """Metrics of the draws of each night."""
    wanted = None if names is None else list(names)
    found: list[Mapping[str, Floats]] = []
    for night, indices in zip(nights, drawn, strict=True):
        codes = np.array([*(CODES[stage] for stage in night.classes), UNSCORED], dtype=np.int8)[indices]
        at_once = max(_EPOCHS_AT_ONCE // len(night), 1)
        parts = [
            metric_table(_as_nights(codes[first : first + at_once], night, rules or Rules()), wanted)
            for first in range(0, len(codes), at_once)
        ]
        found.append({name: np.concatenate([part[name] for part in parts]) for name in parts[0]})
    return found


def _as_nights(codes: NDArray[np.int8], night: Hypnogram, rules: Rules) -> Nights:
    """Drawn hypnograms ``(draws, n)`` of a night as prepared nights."""
    draws, n = codes.shape
    return Nights(
        codes.reshape(-1),
        np.full(draws, n, dtype=np.int64),
        np.full(draws, night.epoch_s),
        np.full(draws, night.n_classes, dtype=np.int64),
        [night.start] * draws,
        rules,
    )


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
    posterior: SequencePosterior | Sequence[SequencePosterior] | None = None,
    rules: Rules | None = None,
    seed: int = 0,
) -> dict[str, Coverage]:
    """What the intervals of predicted nights cover of the values that polysomnography gives.

    Parameters
    ----------
    predicted, reference : sequence of Hypnogram
        The same nights, of one resolution, epoch by epoch on the same times; where the reference is unscored, the
        prediction is taken as unscored too. One night a subject, or the nights are no independent cases.
    posterior : SequencePosterior or sequence of them, optional
        One for all nights, or one for each, calibrated without its subject.
    level, draws, rules, seed
        As for `metric_intervals`.

    Returns
    -------
    dict of str to Coverage
        By metric.

    Raises
    ------
    ValueError
        If the nights do not match, or the posteriors do not match them.

    Examples
    --------
    >>> sure = np.tile(np.float32([0.01, 0.99]), (60, 1))
    >>> night = Hypnogram(stages=["S"] * 60, n_classes=2, probabilities=sure)
    >>> coverage([night], [night], draws=50)["tst_min"].covered_pct
    100.0
    """
    cases = matched_nights(predicted, reference)
    trusts = list(posterior) if isinstance(posterior, Sequence) else [posterior] * len(cases)
    if len(trusts) != len(cases):
        raise ValueError(f"{len(trusts)} posteriors for {len(cases)} nights")
    values = [metric_table(Nights.of([truth], rules or Rules())) for _, truth in cases]
    intervals = [
        metric_intervals(night, level=level, draws=draws, posterior=trust, rules=rules, seed=seed + index)
        for index, ((night, _), trust) in enumerate(zip(cases, trusts, strict=True))
    ]
    return {
        name: _coverage([(each[name], float(true[name][0])) for each, true in zip(intervals, values, strict=True)])
        for name in CATALOGUE
    }


def matched_nights(predicted: Sequence[Hypnogram], reference: Sequence[Hypnogram]) -> list[tuple[Hypnogram, Hypnogram]]:
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
