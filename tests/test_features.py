"""The model's inputs: finite whatever is missing, and what their names say."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging.errors import ModelError
from staging.features import DEFAULT_SPEC, GROUPS, FeatureSpec, extract, feature_names
from staging.tracks import Tracks
from tests.made_nights import turning

NAMES = feature_names(DEFAULT_SPEC)


def a_night(n: int = 60, seed: int = 0, missing: float = 0.0) -> Tracks:
    rng = np.random.default_rng(seed)

    def lose(values: np.ndarray) -> np.ndarray:
        return np.where(rng.random(values.shape) < missing, np.nan, values).astype(np.float32)

    def lose_rows(rows: np.ndarray) -> np.ndarray:
        return np.where(rng.random((len(rows), 1)) < missing, np.float32(np.nan), rows)

    return Tracks(
        n_epochs=n,
        heart_rate_bpm=lose(60 + 5 * rng.standard_normal(n * 6)),
        counts=lose(rng.exponential(5.0, n * 2) * (rng.random(n * 2) < 0.1)),
        gravity_g=lose_rows(turning(rng.exponential(3.0, n))),
        temperature_c=lose(33 + 0.3 * rng.standard_normal(n)),
        coverage={},
    )


def column(night: Tracks, name: str) -> np.ndarray:
    return extract(night, DEFAULT_SPEC).features[:, NAMES.index(name)]


@given(st.integers(1, 80), st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.3, 0.9, 1.0]))
@settings(deadline=None, max_examples=40)
def test_inputs_are_finite_whatever_is_missing(n, seed, missing):
    inputs = extract(a_night(n, seed, missing), DEFAULT_SPEC)
    assert inputs.features.shape == (n, len(NAMES))
    assert inputs.series.shape == (4, 6 * n)
    assert inputs.mask.shape == (n, len(GROUPS))
    for array in (inputs.features, inputs.series, inputs.mask):
        assert array.dtype == np.float32
        assert np.isfinite(array).all()


@given(st.sampled_from(["heart", "counts", "posture", "temperature"]))
@settings(deadline=None)
def test_a_missing_sensor_is_zero_and_masked_and_leaves_the_others(group):
    field = {
        "heart": "heart_rate_bpm",
        "counts": "counts",
        "posture": "gravity_g",
        "temperature": "temperature_c",
    }
    night = a_night()
    without = dataclasses.replace(night, **{field[group]: np.full_like(getattr(night, field[group]), np.nan)})
    whole, part = extract(night, DEFAULT_SPEC), extract(without, DEFAULT_SPEC)
    of_group = np.array([name.startswith(group + ":") for name in NAMES])
    assert not part.features[:, of_group].any()
    assert not part.mask[:, GROUPS.index(group)].any()
    np.testing.assert_array_equal(part.features[:, ~of_group], whole.features[:, ~of_group])


@given(st.floats(-15.0, 30.0))
@settings(deadline=None, max_examples=20)
def test_a_person_with_a_faster_heart_has_the_same_relative_features(shift):
    night = a_night()
    faster = dataclasses.replace(night, heart_rate_bpm=night.heart_rate_bpm + np.float32(shift))
    changed = ~np.isclose(extract(night, DEFAULT_SPEC).features, extract(faster, DEFAULT_SPEC).features, atol=1e-4).all(
        axis=0
    )
    assert {NAMES[i] for i in np.flatnonzero(changed)} <= {"heart:night_level"}


def test_level_is_the_distance_from_the_nights_median_in_10_bpm():
    rate = np.r_[np.full(60, 60.0), np.full(12, 70.0)].astype(np.float32)
    night = dataclasses.replace(a_night(12), heart_rate_bpm=rate)
    level = column(night, "heart:level")
    np.testing.assert_allclose(level, [0.0] * 10 + [1.0] * 2)


def test_still_before_counts_the_minutes_since_the_last_movement():
    counts = np.zeros(40, np.float32)
    counts[10] = 30.0  # epoch 5
    night = dataclasses.replace(a_night(20), counts=counts)
    np.testing.assert_allclose(np.expm1(column(night, "counts:still_before"))[5:9], [0.0, 0.5, 1.0, 1.5], atol=1e-6)
    np.testing.assert_allclose(np.expm1(column(night, "counts:still_after"))[2:6], [1.5, 1.0, 0.5, 0.0], atol=1e-6)


def test_slope_is_the_mean_after_less_the_mean_before():
    rate = np.r_[np.full(30 * 6, 55.0), np.full(30 * 6, 65.0)].astype(np.float32)
    slope = column(dataclasses.replace(a_night(60), heart_rate_bpm=rate), "heart:slope")
    assert slope[29] == pytest.approx(1.0)
    assert slope[0] == 0.0, "nothing lies before the first epoch"


def test_below_plateau_is_in_degrees_from_the_nights_upper_quantile():
    temperature = np.r_[np.full(10, 31.0), np.full(50, 34.0)].astype(np.float32)
    below = column(dataclasses.replace(a_night(60), temperature_c=temperature), "temperature:below_plateau")
    np.testing.assert_allclose(below[[0, 59]], [-3.0, 0.0])


def lying(turns: dict[int, float], n: int = 60) -> Tracks:
    """A night of an arm that turns by so many degrees in these epochs."""
    change = np.zeros(n)
    change[list(turns)] = list(turns.values())
    return dataclasses.replace(a_night(n), gravity_g=turning(change))


def test_a_turn_of_a_tenth_of_a_degree_is_told_as_well_as_one_in_bed():
    logs = column(lying({10: 0.1, 40: 90.0}), "posture:log_turn_1")
    np.testing.assert_allclose(logs[[9, 10, 40]], np.log1p([0.0, 1.0, 900.0]), atol=0.01)


def test_turns_are_told_over_the_epochs_about_each():
    within = column(lying({20: 0.5}), "posture:log_turn_7") > 0.1
    np.testing.assert_array_equal(np.flatnonzero(within), np.arange(17, 24))


def test_the_last_epoch_which_none_follows_is_taken_to_turn_as_the_one_before_it():
    night = lying({57: 0.2, 58: 0.7})
    logs = column(night, "posture:log_turn_1")
    assert logs[59] == logs[58] > 0
    assert extract(night, DEFAULT_SPEC).mask[59, GROUPS.index("posture")] == 1.0
    gravity = night.gravity_g.copy()
    gravity[59] = np.nan
    assert extract(dataclasses.replace(night, gravity_g=gravity), DEFAULT_SPEC).mask[59, GROUPS.index("posture")] == 0.0


def test_one_turn_in_bed_does_not_hide_how_still_the_rest_was():
    still, turned = (column(lying(turns), "posture:mean_log_turn_121").max() for turns in ({}, {30: 90.0}))
    fidgety = column(lying(dict.fromkeys(range(60), 0.4)), "posture:mean_log_turn_121").max()
    assert still == pytest.approx(0.0, abs=0.01)
    assert turned < 0.1 * fidgety


@given(st.integers(0, 59))
@settings(deadline=None, max_examples=10)
def test_windows_are_centred(epoch):
    counts = np.zeros(120, np.float32)
    counts[2 * epoch] = 100.0
    felt = column(dataclasses.replace(a_night(60), counts=counts), "counts:log_mean_11") > 0
    np.testing.assert_array_equal(np.flatnonzero(felt), np.arange(max(0, epoch - 5), min(60, epoch + 6)))


def test_the_spec_survives_json():
    assert FeatureSpec.from_json(DEFAULT_SPEC.to_json()) == DEFAULT_SPEC


def test_a_model_of_version_1_sees_what_it_saw():
    """Its spec knows no small turns: the columns are those of today without them, in the same order."""
    written = json.loads(DEFAULT_SPEC.to_json()) | {"version": 1}
    del written["posture_spans_epochs"], written["small_turn_deg"]
    first = FeatureSpec.from_json(json.dumps(written))
    assert first == FeatureSpec.from_json(first.to_json())
    night = a_night(90)
    names = feature_names(first)
    assert len(names) == 39
    assert [name for name in NAMES if "turn" not in name] == list(names)
    shared = [NAMES.index(name) for name in names]
    np.testing.assert_array_equal(extract(night, first).features, extract(night, DEFAULT_SPEC).features[:, shared])


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda spec: spec.pop("still_cap_min"), "still_cap_min"),
        (lambda spec: spec.update(surprise=1), "surprise"),
        (lambda spec: spec.update(version=99), "99"),
        (lambda spec: spec.update(posture_spans_epochs=[1, 4]), "even posture_spans_epochs"),
    ],
)
def test_a_spec_that_is_not_exactly_ours_is_refused_by_name(change, named):
    spec = json.loads(DEFAULT_SPEC.to_json())
    change(spec)
    with pytest.raises(ModelError, match=named):
        FeatureSpec.from_json(json.dumps(spec))


def test_a_spec_that_is_not_json_is_refused():
    with pytest.raises(ModelError, match="not JSON"):
        FeatureSpec.from_json("{")
