"""A subject never stands on both sides."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.ensemble import Ensemble
from models.sequence import SequenceNet
from training import crossval
from training.crossval import cross_validate, split_by_subject
from training.predictions import SENSOR_SETS, predict
from training.recipe import Recipe

from .conftest import made_up_night


@given(st.integers(2, 30), st.integers(2, 10), st.integers(0, 100))
@settings(deadline=None, max_examples=30)
def test_every_subject_is_in_one_fold_with_all_its_nights(n_subjects, n_folds, seed):
    nights = [made_up_night(str(i // 2), i, n=10) for i in range(2 * n_subjects)]
    if n_folds > n_subjects:
        with pytest.raises(ValueError, match="folds"):
            split_by_subject(nights, n_folds, seed=seed)
        return
    folds = split_by_subject(nights, n_folds, seed=seed)
    everyone = [subject for fold in folds for subject in fold]
    assert len(everyone) == len(set(everyone)) == n_subjects
    assert max(map(len, folds)) - min(map(len, folds)) <= 1


def test_each_data_set_is_spread_over_the_folds():
    nights = [made_up_night(str(i), i, n=10, dataset=name) for name in ("a", "b") for i in range(10)]
    for fold in split_by_subject(nights, 5):
        assert sorted(dataset for dataset, _ in fold) == ["a", "a", "b", "b"]


def test_networks_never_saw_the_subjects_they_predict(nights, monkeypatch):
    seen = []

    def spy(known, recipe, **_):
        seen.append({night.subject for night in known})
        return [SequenceNet(recipe.shape()).eval()]

    monkeypatch.setattr(crossval, "fit_members", spy)
    predictions = cross_validate(nights, Recipe(members=1), n_folds=4)
    assert [prediction.night.subject for prediction in predictions] == [night.subject for night in nights]
    for prediction in predictions:
        assert prediction.night.subject not in seen[prediction.fold]
        assert set(prediction.probabilities) == set(SENSOR_SETS)


def test_a_masked_sensor_is_the_same_as_one_that_was_never_there():
    torch.manual_seed(0)
    recipe = Recipe(members=1)
    network = Ensemble([SequenceNet(recipe.shape()).eval()], recipe.spec)
    night = made_up_night("a", 1)
    missing = dataclasses.replace(
        night,
        tracks=dataclasses.replace(
            night.tracks,
            counts=np.full_like(night.tracks.counts, np.nan),
            gravity_g=np.full_like(night.tracks.gravity_g, np.nan),
        ),
    )
    masked = predict(network, night, recipe.spec)["heart + clock"]
    np.testing.assert_allclose(masked, predict(network, missing, recipe.spec)["all"], atol=1e-6)
