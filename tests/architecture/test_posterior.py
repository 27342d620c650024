"""Draws look like sleep and follow the probabilities."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from staging.architecture import SequencePosterior, draw_hypnograms, posterior, stage_runs
from staging.architecture.posterior import _Bent, _bent, draw_nights
from staging.hypnogram import CLASSES
from tests.architecture.strategies import night, with_probabilities


def certain(n_classes: int) -> SequencePosterior:
    """Full trust: every epoch is what the stager says."""
    none = (0.0,) * n_classes
    return SequencePosterior(
        runs=stage_runs(n_classes), shift_sd=none, wake_stretch_sd=0.0, run_mean=none, run_sd=none, context_min=0.05
    )


def test_the_same_seed_gives_the_same_draws_and_another_seed_others():
    hypnogram = with_probabilities(night("W*20 2*60 R*20"))
    first, again, other = (draw_hypnograms(hypnogram, 25, seed=seed) for seed in (1, 1, 2))
    assert first.shape == (25, 100)
    np.testing.assert_array_equal(first, again)
    assert np.any(first != other)


def test_certain_probabilities_are_drawn_as_they_are():
    hypnogram = with_probabilities(night("W*20 1*4 2*60 3*20 R*20 W*10"), trust=1.0)
    drawn = draw_hypnograms(hypnogram, 20, posterior=certain(5))
    assert np.mean(drawn == hypnogram.indices()) > 0.98


def test_unscored_epochs_stay_unscored_unless_they_are_to_be_imputed():
    hypnogram = with_probabilities(night("2*40 ?*20 2*40"))
    assert np.all(draw_hypnograms(hypnogram, 10)[:, 40:60] == -1)
    imputed = draw_hypnograms(hypnogram, 10, impute_unscored=True)
    assert np.all(imputed >= 0)


def marginals_of(bent: _Bent) -> np.ndarray:
    """Probabilities of the classes that chains give, epoch by epoch."""
    state, rows = bent.start, [bent.start.sum(axis=1)]
    for ends, onward in zip(bent.ends, bent.onward, strict=True):
        ended = (state * ends).sum(axis=1)
        entered = np.matmul(ended[:, None, :], onward)[:, 0]
        state = state * (1 - ends) + entered[:, None, :] * bent.entries
        rows.append(state.sum(axis=1))
    return np.array(rows)


def changing(n: int = 400) -> np.ndarray:
    """Marginals of four classes that come and go over a night, one scenario."""
    phase = np.linspace(0, np.pi, n)
    shares = [0.1 + 0.1 * np.cos(phase) ** 2, 0.4 + 0 * phase, 0.02 + 0.2 * np.sin(phase), 0.1 + 0 * phase]
    marginals = np.stack(shares, axis=1)[:, None, :]
    return marginals / marginals.sum(axis=2, keepdims=True)


def test_a_bent_chain_has_its_marginals_and_keeps_usual_runs():
    marginals = changing()
    bent = _bent(stage_runs(4), 0.5, np.ones((1, 4)), marginals)
    np.testing.assert_allclose(bent.onward.sum(axis=3), 1.0, atol=1e-9)
    assert bent.ends.min() >= 0.0
    assert np.abs(marginals_of(bent) - marginals).max() < 0.03
    usual = 0.5 / np.stack([stage_runs(4).short_mean_min, stage_runs(4).long_mean_min])
    leaving = bent.ends[:, 0].mean(axis=0)
    assert np.all(leaving < 3 * usual)
    assert np.all(leaving > usual / 3)


def test_runs_that_are_to_last_longer_end_more_seldom_and_leave_the_marginals_alone():
    marginals = np.repeat(changing(), 2, axis=1)
    longer = np.array([[1.0, 1.0, 1.0, 1.0], [1.0, 4.0, 1.0, 1.0]])
    bent = _bent(stage_runs(4), 0.5, longer, marginals)
    assert np.abs(marginals_of(bent) - marginals).max() < 0.05
    ends = bent.ends.mean(axis=0)
    assert np.all(ends[1, :, 1] < 0.6 * ends[0, :, 1])


def test_a_stage_that_is_nearly_certain_lasts():
    """Where a class has almost all the probability, it must be left more seldom than usual."""
    marginals = np.tile(np.array([0.001, 0.001, 0.001, 0.997]), (50, 1))[:, None, :]
    bent = _bent(stage_runs(4), 0.5, np.ones((1, 4)), marginals)
    assert np.abs(marginals_of(bent) - marginals).max() < 0.01


def test_paths_are_in_each_class_as_often_as_the_chain_says():
    marginals = changing(60)
    bent = _bent(stage_runs(4), 0.5, np.ones((1, 4)), marginals)
    paths = bent.paths(20_000, np.random.default_rng(1))[:, 0]
    shares = np.stack([(paths == index).mean(axis=1) for index in range(4)], axis=1)
    assert np.abs(shares - marginals_of(bent)[:, 0]).max() < 0.015


@pytest.mark.parametrize("n_classes", CLASSES)
def test_shifts_that_differ_from_night_to_night_leave_the_mean_time_in_each_stage(n_classes):
    hypnogram = with_probabilities(night("W*40 2*200 3*60 1*20 2*60 R*60 2*100 R*60 W*20").merge(n_classes))
    drawn = draw_hypnograms(hypnogram, 400)
    given = hypnogram.probabilities.mean(axis=0)
    shares = np.array([(drawn == index).mean() for index in range(n_classes)])
    assert np.abs(shares - given).max() < 0.03


def test_a_night_that_was_never_observed_is_drawn_as_any_sleep():
    hypnogram = with_probabilities(night("?*60"))
    assert np.all(draw_hypnograms(hypnogram, 20) == -1)
    assert set(np.unique(draw_hypnograms(hypnogram, 40, impute_unscored=True))) <= set(range(5))


def test_drawn_runs_last_as_sleep_does_and_do_not_flicker():
    """Epochs drawn one by one from the same probabilities change stage ten times as often."""
    hypnogram = with_probabilities(night("W*40 2*200 3*60 2*60 R*60 2*200 R*60 W*20"), trust=0.5)
    drawn = draw_hypnograms(hypnogram, 40)
    changes = np.mean(np.diff(drawn, axis=1) != 0)
    rng = np.random.default_rng(0)
    cumulative = hypnogram.probabilities.cumsum(axis=1)
    independent = (rng.random((40, len(hypnogram), 1)) > cumulative).sum(axis=2)
    assert changes < 0.3 * np.mean(np.diff(independent, axis=1) != 0)


def test_shorter_runs_of_wake_are_more_awakenings_in_about_the_same_time_awake():
    hypnogram = with_probabilities(night("W*10 2*200 R*60 2*200 W*10"), trust=0.85)
    found = []
    for mean in (-0.7, 0.7):
        trust = dataclasses.replace(SequencePosterior.usual(5), run_mean=(mean, 0.0, 0.0, 0.0, 0.0))
        awake = draw_hypnograms(hypnogram, 200, posterior=trust) == 0
        found.append((awake.sum(axis=1).mean(), (np.diff(awake.astype(int), axis=1) == 1).sum(axis=1).mean()))
    (time_of_short, number_of_short), (time_of_long, number_of_long) = found
    assert number_of_short > 1.5 * number_of_long
    assert time_of_short == pytest.approx(time_of_long, rel=0.2)


@pytest.mark.parametrize(
    "changes",
    [
        {"floor": -1.0},
        {"floor": 0.2},
        {"context_min": 0.0},
        {"wake_stretch_sd": float("nan")},
        {"shift_sd": (1.0,)},
        {"run_sd": (-1.0,) * 5},
        {"run_mean": (float("nan"),) * 5},
        {"run_mean": (5.1, 0.0, 0.0, 0.0, 0.0)},
        {"run_mean": (0.0,) * 4},
    ],
)
def test_impossible_trust_is_refused(changes):
    with pytest.raises(ValueError, match="must"):
        dataclasses.replace(SequencePosterior.usual(5), **changes)


def test_a_posterior_of_another_resolution_is_refused():
    with pytest.raises(ValueError, match="4 classes for a hypnogram of 5"):
        draw_hypnograms(with_probabilities(night("W 2")), 1, posterior=SequencePosterior.usual(4))


@pytest.mark.parametrize("n_classes", CLASSES)
def test_a_posterior_is_the_same_after_json(n_classes):
    posterior = dataclasses.replace(SequencePosterior.usual(n_classes), floor=0.01)
    assert SequencePosterior.from_dict(json.loads(json.dumps(dataclasses.asdict(posterior)))) == posterior


def test_a_posterior_written_before_runs_had_a_mean_is_read_as_it_was_meant():
    posterior = SequencePosterior.usual(4)
    table = dataclasses.asdict(posterior)
    del table["run_mean"]
    assert SequencePosterior.from_dict(table) == posterior


@pytest.mark.parametrize(
    "changes", [{"runs": None}, {"runs": {}}, {"shift_sd": 1.0}, {"shift_sd": ["a"] * 5}, {"sharpness": 1.0}]
)
def test_json_that_is_no_posterior_is_refused(changes):
    with pytest.raises(ValueError, match=r"posterior|runs|float"):
        SequencePosterior.from_dict(dataclasses.asdict(SequencePosterior.usual(5)) | changes)


def test_nights_drawn_together_keep_their_lengths_and_gaps():
    nights = [with_probabilities(night(parts)) for parts in ("W*20 2*60 R*20", "2*30", "2*20 ?*10 2*20")]
    drawn = draw_nights(nights, 10)
    assert [each.shape for each in drawn] == [(10, 100), (10, 30), (10, 50)]
    assert np.all(drawn[2][:, 20:30] == -1)
    assert np.all(drawn[0] >= 0)
    with pytest.raises(ValueError, match="one resolution"):
        draw_nights([nights[0], nights[0].merge(4)], 10)


def test_more_nights_than_the_memory_is_for_are_drawn_all_the_same(monkeypatch):
    nights = [with_probabilities(night(f"W*20 2*{length} R*20")) for length in (60, 90, 30)]
    monkeypatch.setattr(posterior, "_MOST_EPOCHS", 300)
    monkeypatch.setattr(posterior, "_EPOCHS_AT_ONCE", 150)
    assert [each.shape for each in draw_nights(nights, 10)] == [(10, 100), (10, 130), (10, 70)]
