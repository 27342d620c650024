"""What staging during the night costs is measured on nothing but the past."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.ensemble import Ensemble
from models.sequence import SequenceNet, SequenceShape
from scripts.measure_live import kappas, live_probabilities
from staging.decision import LIKELIEST
from staging.errors import InputError
from staging.features import DEFAULT_SPEC, extract, feature_names
from staging.simulate import simulate_night
from staging.tracks import prepare, slice_tracks
from training.folds import folds_of
from training.predictions import probabilities


@pytest.fixture(scope="module")
def network() -> Ensemble:
    torch.manual_seed(0)
    shape = SequenceShape(
        n_features=len(feature_names(DEFAULT_SPEC)), width=8, series_width=4, heads=2, dilations=(1, 2)
    )
    return Ensemble([SequenceNet(shape).eval()], DEFAULT_SPEC)


@pytest.fixture(scope="module")
def tracks():
    return prepare(simulate_night(1, duration_h=1.5).watch)


def test_an_epoch_is_the_last_of_the_hours_that_are_seen(network, tracks):
    epochs = np.array([19, 60, 150])
    found = live_probabilities(network, tracks, DEFAULT_SPEC, epochs, 0.5)
    for row, epoch in zip(found, epochs, strict=True):
        past = slice_tracks(tracks, max(0, epoch - 59), epoch + 1)
        assert np.array_equal(row, probabilities(network, extract(past, DEFAULT_SPEC), DEFAULT_SPEC)[-1])


def test_the_last_epoch_of_a_night_that_is_seen_whole_is_the_whole_nights(network, tracks):
    whole = probabilities(network, extract(tracks, DEFAULT_SPEC), DEFAULT_SPEC)
    found = live_probabilities(network, tracks, DEFAULT_SPEC, np.array([tracks.n_epochs - 1]), 8.0)
    assert np.array_equal(found[0], whole[-1])


def test_kappa_of_what_is_right_is_one():
    reference = np.array([0, 1, 2, 3, 4, 2])
    right = np.eye(5, dtype=np.float32)[reference]
    assert kappas(reference, right, [LIKELIEST] * 6) == pytest.approx([1.0] * 4)


def test_a_folder_without_folds_is_refused(tmp_path):
    with pytest.raises(InputError, match="evaluate --run"):
        next(folds_of(tmp_path, []))
