"""Stages by name."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from staging.errors import HypnogramError
from staging.hypnogram import CLASSES, Hypnogram, merge_matrix

indices = st.lists(st.integers(-1, 4), min_size=1, max_size=50)


@given(indices)
def test_indices_and_names_are_the_same_night(codes):
    assert Hypnogram.from_indices(codes).indices().tolist() == codes


@given(indices, st.sampled_from([4, 3, 2]))
def test_merging_keeps_unscored_and_wake(codes, n_classes):
    fine, coarse = Hypnogram.from_indices(codes), Hypnogram.from_indices(codes).merge(n_classes)
    np.testing.assert_array_equal(fine.stages == "UNSCORED", coarse.stages == "UNSCORED")
    np.testing.assert_array_equal(fine.stages == "W", coarse.stages == "W")


@given(indices)
def test_merging_in_two_steps_is_merging_in_one(codes):
    night = Hypnogram.from_indices(codes)
    assert night.merge(4).merge(3).merge(2).stages.tolist() == night.merge(2).stages.tolist()


@pytest.mark.parametrize("coarse", [5, 4, 3, 2])
def test_merged_probabilities_still_sum_to_one(coarse):
    np.testing.assert_array_equal(merge_matrix(5, coarse).sum(axis=1), 1.0)


def test_a_finer_resolution_cannot_be_had_from_a_coarser_one():
    with pytest.raises(ValueError, match="coarser"):
        Hypnogram(stages=["W", "S"], n_classes=2).merge(5)


def test_light_is_n1_and_n2_and_deep_is_n3():
    merged = Hypnogram(stages=["W", "N1", "N2", "N3", "R", "UNSCORED"]).merge(4)
    assert merged.stages.tolist() == ["W", "LIGHT", "LIGHT", "DEEP", "R", "UNSCORED"]


@pytest.mark.parametrize(
    ("attributes", "named"),
    [
        ({"stages": ["W", "N4"]}, "N4"),
        ({"stages": ["W", "UNSCOREDX"]}, "UNSCOREDX"),
        ({"stages": ["W", "N1"], "n_classes": 2}, "N1"),
        ({"stages": ["W"], "n_classes": 7}, "7"),
        ({"stages": ["W"], "epoch_s": 0.0}, "0.0 s"),
        ({"stages": ["W"], "start": datetime(2026, 1, 1)}, "time zone"),
        ({"stages": ["W"], "probabilities": np.ones((2, 5), np.float32)}, r"\(2, 5\)"),
        ({"stages": ["W"], "coverage": {"heart": np.ones(3, np.float32)}}, "heart"),
    ],
)
def test_a_hypnogram_that_contradicts_itself_is_refused(attributes, named):
    with pytest.raises(HypnogramError, match=named):
        Hypnogram(**attributes)


def test_epochs_across_a_clock_change_follow_utc():
    from zoneinfo import ZoneInfo

    start = datetime(2026, 10, 25, 2, 59, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    starts = Hypnogram(stages=["W"] * 3, start=start).epoch_starts()
    seconds = [moment.astimezone(UTC).timestamp() for moment in starts]
    np.testing.assert_allclose(np.diff(seconds), 30.0)


def test_class_names_are_the_ones_of_the_contract():
    assert CLASSES[5] == ("W", "N1", "N2", "N3", "R")
    assert CLASSES[4] == ("W", "LIGHT", "DEEP", "R")
