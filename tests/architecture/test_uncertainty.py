"""Intervals are ordered and bounded, and cover what they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from staging.architecture import (
    SequencePosterior,
    calibrate,
    coverage,
    draw_hypnograms,
    metric_intervals,
    summarize,
)
from staging.architecture.catalogue import CATALOGUE
from staging.architecture.posterior import stage_runs
from staging.architecture.uncertainty import Interval, _coverage
from staging.errors import HypnogramError
from staging.hypnogram import Hypnogram
from tests.architecture.strategies import hypnograms, night, with_probabilities


def simulated(n: int, seed: int, n_classes: int = 4) -> list[Hypnogram]:
    """Nights drawn from the chain itself."""
    start, step = stage_runs(n_classes).chain(0.5)
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

    def width(**changes: float) -> float:
        interval = metric_intervals(hypnogram, draws=200, posterior=SequencePosterior(**changes))["tst_min"]
        return interval.high - interval.low

    assert width(wake_sd=0.0, stage_sd=0.0, run_sd=0.0) < width(wake_sd=1.0) < width(wake_sd=6.0)


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


def test_intervals_cover_nights_whose_stager_errs_all_night_long():
    """A stager that shifts all of a night's log-odds: 90 % intervals hold 80 to 100 % of the true totals."""
    truths = simulated(24, seed=5)
    rng = np.random.default_rng(6)
    predicted = []
    for truth in truths:
        logits = 2.0 * np.eye(4)[truth.indices()] + rng.normal(0, 0.6, 4) + rng.normal(0, 0.5, (len(truth), 4))
        rows = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        predicted.append(
            Hypnogram.from_indices(rows.argmax(axis=1), n_classes=4, probabilities=rows.astype(np.float32))
        )
    found = coverage(predicted, truths, draws=60)
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


def test_calibration_narrows_intervals_that_cover_more_than_they_say():
    truths = simulated(5, seed=7)
    predicted = [with_probabilities(truth, trust=0.95) for truth in truths]
    wide, metrics = SequencePosterior(wake_sd=3.0, stage_sd=3.0), ("tst_min", "n3_min", "r_min")
    options = {"draws": 20, "level": 0.5}
    found = calibrate(predicted, truths, start=wide, factors=(0.3,), metrics=metrics, **options)
    before = coverage(predicted, truths, posterior=wide, **options)
    after = coverage(predicted, truths, posterior=found, **options)
    assert sum(after[name].mean_width for name in metrics) < sum(before[name].mean_width for name in metrics)
    assert np.mean([after[name].covered_pct for name in metrics]) >= 50.0


def test_nights_that_do_not_match_cannot_be_calibrated():
    predicted = with_probabilities(night("W 2"))
    with pytest.raises(ValueError, match="1 predicted nights for 0"):
        coverage([predicted], [])
    with pytest.raises(ValueError, match="differs from its reference"):
        coverage([predicted], [night("W 2 2")])
    with pytest.raises(ValueError, match="no metric varies"):
        calibrate([predicted], [night("W 2")], draws=20)
