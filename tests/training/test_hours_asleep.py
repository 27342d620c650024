"""What is fitted is what the hours asleep say, on the right people, and applied where the clock is known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from models.hours_asleep import HoursAsleep
from staging.hypnogram import CLASSES
from training import evaluate
from training.evaluate import MIN_SUBJECTS, after_networks
from training.hours_asleep import fit_hours_asleep, with_hours_asleep
from training.losses import LOSSES
from training.predictions import SENSOR_SETS, Prediction

from .conftest import made_up_night

TRUE = HoursAsleep(slopes=(-0.2, 0.1, 0.0, -0.5, 0.6), centre=1.0)


def prediction(subject: str, seed: int, fold: int = 0, *, later: HoursAsleep = TRUE, dataset: str = "sleep_accel"):
    """A night whose stages are drawn from what the networks say, moved by the hours asleep."""
    rng = np.random.default_rng(seed)
    said = rng.dirichlet([1.0, 1.0, 2.0, 1.5, 1.5], 900).astype(np.float32)
    moved = later(torch.from_numpy(said), torch.ones(900)).numpy()
    stages = (rng.random(900)[:, None] > moved.cumsum(axis=1)).sum(axis=1).clip(0, 4)
    night = made_up_night(subject, seed, n=900, dataset=dataset)
    return Prediction(
        night=dataclasses.replace(night, reference=stages),
        fold=fold,
        probabilities=dict.fromkeys(SENSOR_SETS, said),
        members=(said,),
        losses=dict.fromkeys(LOSSES, said),
    )


def test_the_slopes_that_drove_the_stages_are_found():
    found = fit_hours_asleep([prediction(str(i), i) for i in range(60)])
    slopes = np.array(found.describe()["slopes"]) - np.mean(found.describe()["slopes"])
    expected = np.array(TRUE.describe()["slopes"]) - np.mean(TRUE.describe()["slopes"])
    np.testing.assert_allclose(slopes, expected, atol=0.1)


def test_where_the_hours_say_nothing_the_slopes_are_flat():
    none = HoursAsleep((0.0,) * 5, 0.0)
    found = fit_hours_asleep([prediction(str(i), i, later=none) for i in range(60)])
    np.testing.assert_allclose(found.describe()["slopes"], 0.0, atol=0.1)


def test_more_nights_of_few_sleepers_change_nothing_and_what_was_there_before_stays():
    few = [prediction(str(i), i, i % 3) for i in range(MIN_SUBJECTS - 1)]
    again = [prediction(night.night.subject, 50 + i, night.fold) for i, night in enumerate(few)]
    after = after_networks([*few, *again], TRUE)
    assert all(each.hours_asleep is TRUE for each in (*after.of_fold.values(), after.shipped))


@pytest.mark.parametrize(("n", "fitted"), [(14, False), (15, True)])
def test_what_is_shipped_is_of_the_kind_that_was_measured(n, fitted):
    """Of 14 subjects in three folds, 9 are others of the first: nothing is fitted anywhere, though 14 would do."""
    after = after_networks([prediction(str(i), i, i % 3) for i in range(n)], TRUE)
    every = [*after.of_fold.values(), after.shipped]
    assert len(every) == 4
    assert {each.hours_asleep is not TRUE for each in every} == {fitted}


def test_without_any_nothing_is_moved():
    one = prediction("a", 0)
    assert with_hours_asleep(one, None) is one
    assert after_networks([]).shipped.hours_asleep is None


def test_it_moves_what_has_the_clock_and_nothing_else():
    before = prediction("a", 0)
    after = with_hours_asleep(before, TRUE)
    for name, groups in SENSOR_SETS.items():
        assert np.array_equal(after.probabilities[name], before.probabilities[name]) == ("clock" not in groups)
    assert not np.array_equal(after.members[0], before.members[0])
    assert all(not np.array_equal(after.losses[name], before.losses[name]) for name in LOSSES)
    assert after.probabilities["all"].shape == (900, len(CLASSES[5]))


def test_that_of_a_fold_is_fitted_on_the_others(monkeypatch):
    nights = [prediction(str(i), i, i % 3) for i in range(6)]
    fitted = []

    def spy(predictions):
        fitted.append({p.night.subject for p in predictions})
        return TRUE

    monkeypatch.setattr(evaluate, "fit_hours_asleep", spy)
    monkeypatch.setattr(evaluate, "MIN_SUBJECTS", 4)
    assert list(after_networks(nights).of_fold) == [0, 1, 2]
    assert fitted == [{"1", "2", "4", "5"}, {"0", "2", "3", "5"}, {"0", "1", "3", "4"}, set("012345")]


def test_it_is_fitted_on_the_people_whom_the_default_model_is_for():
    other = HoursAsleep((0.6, 0.0, 0.0, 0.6, -0.6), 1.0)
    main = [prediction(str(i), i, i % 4) for i in range(16)]
    both = [*main, *(prediction(f"s{i}", 20 + i, i % 4, later=other, dataset="slpdb") for i in range(16))]
    assert after_networks(both).shipped.hours_asleep.describe() == fit_hours_asleep(main).describe()


def test_a_single_fold_has_no_others_and_ships_what_it_measured():
    after = after_networks([prediction(str(i), i, 1) for i in range(MIN_SUBJECTS)])
    assert after.of_fold[1].hours_asleep is None
    assert after.shipped.hours_asleep is None
