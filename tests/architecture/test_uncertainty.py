"""Intervals are ordered and bounded, and cover what they say."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings

from staging.architecture import (
    SequencePosterior,
    coverage,
    draw_hypnograms,
    metric_intervals,
    summarize,
)
from staging.architecture.catalogue import CATALOGUE
from staging.architecture.run_lengths import stage_runs
from staging.architecture.uncertainty import Interval, _coverage
from staging.errors import HypnogramError
from staging.hypnogram import Hypnogram
from tests.architecture.strategies import hypnograms, night, with_probabilities


def simulated(n: int, seed: int, n_classes: int = 4) -> list[Hypnogram]:
    """Nights drawn from the chain itself."""
    start, step = stage_runs(n_classes).chain(0.5)
    start /= start.sum()
    rng = np.random.default_rng(seed)
    nights = []
    for _ in range(n):
        state = rng.choice(len(start), p=start)
        path = []
        for _ in range(480):
            path.append(state % n_classes)
            state = rng.choice(len(start), p=step[state] / step[state].sum())
        nights.append(Hypnogram.from_indices(path, n_classes=n_classes))
    return nights


def test_wider_trust_gives_wider_intervals():
    hypnogram = with_probabilities(night("W*40 2*300 3*60 R*80 W*20"), trust=0.7)

    def width(wake_sd: float) -> float:
        trust = dataclasses.replace(SequencePosterior.usual(5), shift_sd=(wake_sd, 0.0, 0.0, 0.0, 0.0))
        interval = metric_intervals(hypnogram, draws=200, posterior=trust)["tst_min"]
        return interval.high - interval.low

    assert width(0.0) < width(1.0) < width(2.0)


@settings(deadline=None, max_examples=15)
@given(hypnograms(max_runs=15, max_run=20, lights=True))
def test_intervals_are_ordered_within_bounds_and_say_how_often_they_are_defined(hypnogram):
    intervals = metric_intervals(with_probabilities(hypnogram), draws=20)
    assert list(intervals) == list(CATALOGUE)
    for name, interval in intervals.items():
        assert (interval.low is None) == (interval.defined == 0.0)
        if interval.low is not None:
            assert interval.low <= interval.median <= interval.high, name
            assert interval.low >= (CATALOGUE[name].minimum or -np.inf) - 1e-9, name
    assert intervals["tib_min"].low == intervals["tib_min"].high == summarize(hypnogram).tib_min


def test_intervals_are_of_the_time_in_bed():
    hypnogram = with_probabilities(night("2*40 W*20 2*40", lights_off_s=1800.0, lights_on_s=2400.0))
    assert metric_intervals(hypnogram, draws=20)["tib_min"].median == 10.0


@pytest.mark.parametrize("changes", [{"level": 0.0}, {"level": 1.0}, {"draws": 5}])
def test_impossible_levels_and_too_few_draws_are_refused(changes):
    with pytest.raises(ValueError, match=r"level|draws"):
        metric_intervals(with_probabilities(night("W 2")), **changes)


def test_without_probabilities_there_is_nothing_to_draw_from():
    with pytest.raises(HypnogramError, match="has no probabilities"):
        metric_intervals(night("W 2"))
    with pytest.raises(ValueError, match="at least one draw"):
        draw_hypnograms(with_probabilities(night("W 2")), 0)


def staged(truths: list[Hypnogram], error_sd: float, seed: int) -> list[Hypnogram]:
    """Probabilities of a stager that shifts all of a night's log-odds."""
    rng = np.random.default_rng(seed)
    predicted = []
    for truth in truths:
        k = truth.n_classes
        logits = 2.0 * np.eye(k)[truth.indices()] + rng.normal(0, error_sd, k) + rng.normal(0, 0.5, (len(truth), k))
        rows = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        predicted.append(
            Hypnogram.from_indices(rows.argmax(axis=1), n_classes=k, probabilities=rows.astype(np.float32))
        )
    return predicted


def test_intervals_cover_nights_whose_stager_errs_all_night_long():
    """Without any calibration, 90 % intervals hold 80 to 100 % of the true totals."""
    truths = simulated(24, seed=5)
    found = coverage(staged(truths, 0.6, seed=6), truths, draws=60)
    assert found["tst_min"].n == 24
    covered = [found[name].covered_pct for name in ("tst_min", "n3_min", "r_min", "light_min")]
    assert 80.0 <= np.mean(covered) <= 100.0
    assert found["tst_min"].mean_width < 0.6 * 240


def test_coverage_counts_hits_and_charges_for_misses():
    interval = Interval(low=1.0, median=2.0, high=3.0, level=0.9, defined=1.0)
    empty = Interval(low=None, median=None, high=None, level=0.9, defined=0.0)
    found = _coverage([(interval, 3.0), (interval, 3.5), (interval, float("nan")), (empty, 2.0)])
    assert (found.n, found.covered_pct, found.mean_width) == (2, 50.0, 2.0)
    assert found.score == pytest.approx((2.0 + 2.0 + 0.5 * 20) / 2)
    assert _coverage([(empty, 2.0)]).covered_pct is None


def test_what_the_reference_could_not_score_counts_on_neither_side():
    truth = night("2*40 ?*10 W*10")
    predicted = with_probabilities(night("2*60"), trust=1.0)
    found = coverage([predicted], [truth], draws=20)["unscored_min"]
    assert (found.n, found.covered_pct) == (1, 100.0)


def test_each_night_may_have_a_posterior_of_its_own():
    truths = simulated(2, seed=3)
    predicted = staged(truths, 0.6, seed=4)
    one, other = SequencePosterior.usual(4), dataclasses.replace(SequencePosterior.usual(4), shift_sd=(2.0,) * 4)
    found = [coverage(predicted, truths, draws=40, posterior=trust)["n3_min"] for trust in ([one, other], one, other)]
    widths = [each.mean_width for each in found]
    assert widths[1] < widths[0] < widths[2]
    with pytest.raises(ValueError, match="1 posteriors for 2 nights"):
        coverage(predicted, truths, draws=40, posterior=[one])


def test_nights_that_do_not_match_have_no_coverage():
    predicted = with_probabilities(night("W 2"))
    with pytest.raises(ValueError, match="1 predicted nights for 0"):
        coverage([predicted], [])
    with pytest.raises(ValueError, match="differs from its reference"):
        coverage([predicted], [night("W 2 2")])
