"""Draws look like sleep and follow the probabilities."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from staging.architecture import SequencePosterior, draw_hypnograms
from staging.architecture.posterior import _bent, _sample_paths, stage_runs
from staging.hypnogram import CLASSES
from tests.architecture.strategies import night, with_probabilities

CERTAIN = SequencePosterior(sharpness=1.0, context_min=0.05, wake_sd=0.0, stage_sd=0.0, run_sd=0.0)


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


@pytest.mark.parametrize("changes", [{"sharpness": -1.0}, {"context_min": 0.0}, {"wake_sd": float("nan")}])
def test_impossible_trust_is_refused(changes):
    with pytest.raises(ValueError, match="must be"):
        SequencePosterior(**changes)
