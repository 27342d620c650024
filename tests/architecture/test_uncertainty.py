"""Intervals: draws look like sleep, follow the probabilities, and cover what they say."""

from __future__ import annotations

import dataclasses
import itertools

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
from staging.architecture.uncertainty import _bent, _sample_paths, stage_runs
from staging.errors import HypnogramError
from staging.hypnogram import CLASSES, Hypnogram
from tests.architecture.strategies import hypnograms, night

CERTAIN = SequencePosterior(sharpness=1.0, context_min=0.05, wake_sd=0.0, stage_sd=0.0, run_sd=0.0)


def with_probabilities(hypnogram: Hypnogram, trust: float = 0.6, seed: int = 0) -> Hypnogram:
    """Probabilities that favour the stages of a hypnogram; none where it is unscored."""
    rng = np.random.default_rng(seed)
    k, indices = hypnogram.n_classes, hypnogram.indices()
    noise = rng.dirichlet(np.ones(k), len(hypnogram))
    rows = (1 - trust) * noise + trust * np.eye(k)[np.maximum(indices, 0)]
    rows[indices < 0] = np.nan
    return dataclasses.replace(hypnogram, probabilities=rows.astype(np.float32))


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


@pytest.mark.parametrize("n_classes", CLASSES)
def test_the_chain_of_every_resolution_is_one(n_classes):
    start, step = stage_runs(n_classes).chain(0.5)
    assert start.sum() == pytest.approx(1.0, abs=1e-3)
    np.testing.assert_allclose(step.sum(axis=1), 1.0, atol=1e-3)
    assert np.all(step >= 0)


def test_runs_of_the_chain_have_the_lengths_they_were_given_in_any_epoch():
    runs = stage_runs(5)
    for epoch_min in (0.25, 0.5, 1.0):
        _, step = runs.chain(epoch_min)
        mean_min = epoch_min / (1 - np.diag(step))
        expected = np.concatenate([runs.short_mean_min, runs.long_mean_min])
        np.testing.assert_allclose(mean_min, np.maximum(expected, epoch_min), rtol=1e-9)


def test_the_same_seed_gives_the_same_draws_and_another_seed_others():
    hypnogram = with_probabilities(night("W*20 2*60 R*20"))
    first, again, other = (draw_hypnograms(hypnogram, 25, seed=seed) for seed in (1, 1, 2))
    assert first.shape == (25, 100)
    np.testing.assert_array_equal(first, again)
    assert np.any(first != other)


def test_certain_probabilities_are_drawn_as_they_are():
    hypnogram = with_probabilities(night("W*20 1*4 2*60 3*20 R*20 W*10"), trust=1.0)
    drawn = draw_hypnograms(hypnogram, 20, posterior=CERTAIN)
    assert np.mean(drawn == hypnogram.indices()) > 0.98


def test_unscored_epochs_stay_unscored_unless_they_are_to_be_imputed():
    hypnogram = with_probabilities(night("2*40 ?*20 2*40"))
    assert np.all(draw_hypnograms(hypnogram, 10)[:, 40:60] == -1)
    imputed = draw_hypnograms(hypnogram, 10, posterior=SequencePosterior(impute_unscored=True))
    assert np.all(imputed >= 0)


def marginals_of(start: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Probabilities of the classes that a chain gives, epoch by epoch."""
    k = start.shape[1] // 2
    state, rows = start, []
    for at in range(len(step) + 1):
        rows.append(state[:, :k] + state[:, k:])
        if at < len(step):
            state = np.matmul(state[:, None, :], step[at])[:, 0]
    return np.array(rows)


def test_a_bent_chain_has_its_marginals_and_keeps_usual_runs():
    phase = np.linspace(0, np.pi, 400)
    shares = [0.1 + 0.1 * np.cos(phase) ** 2, 0.4 + 0 * phase, 0.02 + 0.2 * np.sin(phase), 0.1 + 0 * phase]
    marginals = np.stack(shares, axis=1)[:, None, :]
    marginals /= marginals.sum(axis=2, keepdims=True)
    start, step = _bent(stage_runs(4), 0.5, np.ones(1), marginals)
    np.testing.assert_allclose(step.sum(axis=3), 1.0, atol=1e-5)
    assert step.min() >= 0.0
    assert np.abs(marginals_of(start, step) - marginals).max() < 0.03
    _, usual = stage_runs(4).chain(0.5)
    leaving = 1 - np.array([np.diag(each) for each in step[:, 0]]).mean(axis=0)
    assert np.all(leaving < 3 * (1 - np.diag(usual)))
    assert np.all(leaving > (1 - np.diag(usual)) / 3)


def test_a_stage_that_is_nearly_certain_lasts():
    """Where a class has almost all the probability, it must be left more seldom than usual."""
    marginals = np.tile(np.array([0.001, 0.001, 0.001, 0.997]), (50, 1))[:, None, :]
    start, step = _bent(stage_runs(4), 0.5, np.ones(1), marginals)
    assert np.abs(marginals_of(start, step) - marginals).max() < 0.01


def test_sampling_is_exact_on_a_chain_small_enough_to_enumerate():
    start, step = stage_runs(2).chain(5.0)
    evidence = np.array([[0.9, 0.3], [0.5, 0.5], [0.2, 1.0]])
    exact: dict[tuple[int, ...], float] = {}
    for path in itertools.product(range(4), repeat=3):
        weight = start[path[0]] * step[path[0], path[1]] * step[path[1], path[2]]
        classes = tuple(state % 2 for state in path)
        weight *= np.prod([evidence[at, each] for at, each in enumerate(classes)])
        exact[classes] = exact.get(classes, 0.0) + weight
    total = sum(exact.values())
    steps = np.tile(step.astype(np.float32), (2, 1, 1, 1))
    draws = _sample_paths(start[None], steps, evidence, 40_000, np.random.default_rng(1))[:, 0].T
    for classes, weight in exact.items():
        assert np.mean(np.all(draws == classes, axis=1)) == pytest.approx(weight / total, abs=0.01)


def test_drawn_runs_last_as_sleep_does_and_do_not_flicker():
    """Epochs drawn one by one from the same probabilities change stage ten times as often."""
    hypnogram = with_probabilities(night("W*40 2*200 3*60 2*60 R*60 2*200 R*60 W*20"), trust=0.5)
    drawn = draw_hypnograms(hypnogram, 40)
    changes = np.mean(np.diff(drawn, axis=1) != 0)
    rng = np.random.default_rng(0)
    cumulative = hypnogram.probabilities.cumsum(axis=1)
    independent = (rng.random((40, len(hypnogram), 1)) > cumulative).sum(axis=2)
    assert changes < 0.3 * np.mean(np.diff(independent, axis=1) != 0)


def test_wider_trust_gives_wider_intervals():
    hypnogram = with_probabilities(night("W*40 2*300 3*60 R*80 W*20"), trust=0.7)

    def width(**changes: float) -> float:
        interval = metric_intervals(hypnogram, draws=200, posterior=SequencePosterior(**changes))["tst_min"]
        return interval.high - interval.low

    assert width(wake_sd=0.0, stage_sd=0.0, run_sd=0.0) < width() < width(wake_sd=3.0)


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


@pytest.mark.parametrize("changes", [{"sharpness": -1.0}, {"context_min": 0.0}, {"wake_sd": float("nan")}])
def test_impossible_trust_is_refused(changes):
    with pytest.raises(ValueError, match="must be"):
        SequencePosterior(**changes)


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
    from staging.architecture.uncertainty import Interval, _coverage

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
