"""What staging during the night costs is measured on nothing but the past."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from models.ensemble import Ensemble
from models.sequence import SequenceNet, SequenceShape
from scripts import measure_live
from scripts.measure_live import kappas, live_classes, whole_classes
from staging.decision import DecisionRule, decide
from staging.errors import InputError
from staging.features import DEFAULT_SPEC, extract, feature_names
from staging.hypnogram import CLASSES, merge_matrix
from staging.simulate import simulate_night
from staging.tracks import prepare, slice_tracks
from training.folds import Fold, folds_of
from training.predictions import probabilities

RULE = DecisionRule(least_wake_weight=1.0, most_wake_weight=4.0, n1_share=0.3)


@pytest.fixture(scope="module")
def fold() -> Fold:
    torch.manual_seed(0)
    shape = SequenceShape(
        n_features=len(feature_names(DEFAULT_SPEC)), width=8, series_width=4, heads=2, dilations=(1, 2)
    )
    return Fold(frozenset(), Ensemble([SequenceNet(shape).eval()], DEFAULT_SPEC), DEFAULT_SPEC)


@pytest.fixture(scope="module")
def tracks():
    return prepare(simulate_night(1, duration_h=1.5).watch)


def test_an_epoch_is_the_last_of_the_hours_that_are_seen(fold, tracks):
    epochs = np.array([19, 60, 150])
    found = live_classes(fold, tracks, epochs, 0.5, RULE)
    for row, epoch in zip(found, epochs, strict=True):
        past = slice_tracks(tracks, max(0, epoch - 59), epoch + 1)
        given = probabilities(fold.network, extract(past, DEFAULT_SPEC), DEFAULT_SPEC)
        assert row.tolist() == [decide(given, n_classes, RULE)[-1] for n_classes in CLASSES]


def test_the_last_epoch_of_a_night_that_is_seen_whole_is_the_whole_nights(fold, tracks):
    whole = whole_classes(fold, tracks, RULE)
    found = live_classes(fold, tracks, np.array([tracks.n_epochs - 1]), 8.0, RULE)
    assert found[0].tolist() == whole[-1].tolist()
    assert whole.shape == (tracks.n_epochs, len(CLASSES))


def test_what_was_not_recorded_adds_up_to_no_wake(fold, tracks, monkeypatch):
    counted = []

    def spy(given, n_classes, rule, *, known):
        counted.append(known)
        return decide(given, n_classes, rule, known=known)

    monkeypatch.setattr(measure_live, "decide", spy)
    recorded = np.arange(tracks.n_epochs) < 60
    lost = {sensor: np.where(recorded, share, np.float32(0)) for sensor, share in tracks.coverage.items()}
    whole_classes(fold, dataclasses.replace(tracks, coverage=lost), RULE)
    assert all(np.array_equal(known, recorded) for known in counted)
    assert len(counted) == len(CLASSES)


def test_kappa_of_what_is_right_is_one():
    reference = np.array([0, 1, 2, 3, 4, 2])
    right = np.stack([merge_matrix(5, n_classes).argmax(axis=1)[reference] for n_classes in CLASSES], axis=1)
    assert kappas(reference, right) == pytest.approx([1.0] * 4)


def test_a_folder_without_folds_is_refused(tmp_path):
    with pytest.raises(InputError, match="evaluate --run"):
        next(folds_of(tmp_path, []))
