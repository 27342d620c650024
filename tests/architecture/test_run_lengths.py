"""Run lengths that were put into nights are found in them again."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from staging.architecture import StageRuns, fit_stage_runs, stage_runs
from staging.hypnogram import CLASSES, Hypnogram
from tests.architecture.strategies import night


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


def drawn(runs: StageRuns, n_epochs: int, seed: int) -> Hypnogram:
    """A long night of the chain."""
    rng = np.random.default_rng(seed)
    stage, stages = 0, []
    while len(stages) < n_epochs:
        mean = runs.long_mean_min[stage] if rng.random() < runs.share_long[stage] else runs.short_mean_min[stage]
        stages += [stage] * rng.geometric(0.5 / mean)
        stage = rng.choice(len(runs.jump), p=runs.jump[stage])
    return Hypnogram.from_indices(stages[:n_epochs], n_classes=len(runs.jump))


def test_both_kinds_of_runs_and_the_jumps_are_found_in_nights_drawn_from_them():
    true = StageRuns(
        start=(1.0, 0.0, 0.0),
        jump=((0.0, 0.7, 0.3), (0.5, 0.0, 0.5), (0.9, 0.1, 0.0)),
        share_long=(0.3, 0.5, 0.4),
        short_mean_min=(1.0, 2.0, 1.5),
        long_mean_min=(10.0, 30.0, 20.0),
    )
    found = fit_stage_runs([[drawn(true, 20_000, seed) for seed in range(4)]])
    np.testing.assert_allclose(found.jump, true.jump, atol=0.05)
    np.testing.assert_allclose(found.share_long, true.share_long, atol=0.07)
    np.testing.assert_allclose(found.short_mean_min, true.short_mean_min, rtol=0.25)
    np.testing.assert_allclose(found.long_mean_min, true.long_mean_min, rtol=0.15)


def test_runs_that_the_night_cuts_off_count_as_lasting_on():
    """Of two runs of 10 epochs one ends, after 10 + 9 epochs in which one could have ended: 19 epochs or 9.5 min."""
    found = fit_stage_runs([[night("2*10 W*10 2*10").merge(2)]])
    mean = found.share_long[1] * found.long_mean_min[1] + (1 - found.share_long[1]) * found.short_mean_min[1]
    assert mean == pytest.approx(9.5, rel=0.02)


def test_wake_before_sleep_onset_is_no_awakening():
    found = fit_stage_runs([[night("W*400 2*20 W*2 2*20").merge(2)]])
    assert found.long_mean_min[0] == pytest.approx(1.0, abs=0.01)


def test_the_usual_runs_stand_in_for_stages_with_few():
    usual = stage_runs(4)
    found = fit_stage_runs([[night("2*10 W*10 " * 25).merge(4)]], usual=usual)
    assert found.long_mean_min[2:] == usual.long_mean_min[2:]
    assert found.jump[2] == usual.jump[2]
    assert found.long_mean_min[0] == pytest.approx((24 * 10 + 9) / 24 / 2, abs=0.01)
    with pytest.raises(ValueError, match="no run of DEEP ends"):
        fit_stage_runs([[night("2*10 W*10 " * 25).merge(4)]])


def test_sets_weigh_the_same_however_many_nights_they_have():
    few, many = [night("2*4 W*4 " * 30).merge(2)], [night("2*20 W*4 " * 30).merge(2)]
    once, often = fit_stage_runs([few, many]), fit_stage_runs([few, many * 5])
    assert dataclasses.asdict(once) == dataclasses.asdict(often)


def test_nights_of_several_kinds_or_without_sleep_are_refused():
    with pytest.raises(ValueError, match="one resolution and one epoch length"):
        fit_stage_runs([[night("W 2"), night("W 2").merge(2)]])
    with pytest.raises(ValueError, match="nights with sleep"):
        fit_stage_runs([[Hypnogram(stages=["W"] * 4)]])


@pytest.mark.parametrize("changes", [{"share_long": (1.0,)}, {"start": (2.0, -1.0)}, {"long_mean_min": (0.0, 1.0)}])
def test_chains_that_do_not_exist_are_refused(changes):
    with pytest.raises(ValueError, match="runs"):
        dataclasses.replace(stage_runs(2), **changes)
