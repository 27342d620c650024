"""Which epochs of two hypnograms are compared."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging.agreement import align, pair
from staging.errors import HypnogramError
from staging.hypnogram import Hypnogram

EVENING = datetime(2024, 3, 30, 22, 0, tzinfo=UTC)

codes = st.lists(st.integers(-1, 4), min_size=1, max_size=60)


def night(values, **attributes) -> Hypnogram:
    return Hypnogram.from_indices(values, **attributes)


def scored(values) -> list[int]:
    """Codes with an epoch of wake in front, so that there is always one to compare."""
    return [0, *values]


@settings(deadline=None, max_examples=80)
@given(codes, codes, st.integers(-20, 20), st.integers(0, 10), st.integers(0, 10))
def test_every_epoch_is_compared_or_left_out_for_one_reason(first, second, later, off, on_before_end):
    reference = night(scored(first), start=EVENING, lights_off_s=30.0 * off)
    if on_before_end:
        reference = night(
            scored(first), start=EVENING, lights_off_s=0.0, lights_on_s=max(30.0, 30.0 * (len(first) - on_before_end))
        )
    predicted = night(scored(second), start=EVENING + timedelta(seconds=30 * later))
    try:
        both = pair(reference, predicted)
    except HypnogramError:
        return  # nothing overlaps, or nothing is scored in both: its own tests are below
    counts = both.counts()
    reached = counts["compared"] + counts["unscored_either"]
    assert reached + counts["out_of_bed"] + counts["reference_only"] == len(reference)
    assert reached + counts["predicted_only"] == len(predicted)
    assert counts["unscored_either"] <= counts["unscored_reference"] + counts["unscored_predicted"]
    assert all(len(side) == counts["compared"] and side.min() >= 0 for side in both.indices())


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 4), min_size=12, max_size=60), st.integers(0, 10), st.integers(-14, 14))
def test_a_night_that_begins_later_on_the_clock_still_agrees_with_itself(values, later, seconds):
    whole = night(values, start=EVENING)
    start = EVENING + timedelta(seconds=30 * later + seconds)
    rest = night(values[later:], start=start.astimezone(timezone(timedelta(hours=5))))
    both = pair(whole, rest)
    reference, predicted = both.indices()
    assert reference.tolist() == predicted.tolist() == values[later:]
    assert both.aligned_by == "clock"
    assert both.shift_s == pytest.approx(seconds)
    assert both.n_reference_only == later


@settings(deadline=None, max_examples=40)
@given(codes, codes)
def test_swapping_the_two_swaps_the_indices(first, second):
    one, two = night(scored(first)), night(scored(second))
    forward, backward = align(one, two), align(two, one)
    assert [side.tolist() for side in forward] == [side.tolist() for side in backward[::-1]]


def test_epochs_unscored_in_either_are_left_out_and_counted():
    both = pair(night([0, -1, 2, 3, -1]), night([0, 1, -1, 3, -1]))
    assert [side.tolist() for side in both.indices()] == [[0, 3], [0, 3]]
    assert both.counts() == {
        "compared": 2,
        "unscored_reference": 2,
        "unscored_predicted": 2,
        "unscored_either": 3,
        "out_of_bed": 0,
        "reference_only": 0,
        "predicted_only": 0,
    }


def test_only_the_references_time_in_bed_is_compared():
    reference = night([0, 0, 1, 2, 2, 0], lights_off_s=60.0, lights_on_s=150.0)
    both = pair(reference, night([0, 0, 0, 0, 2, 2]))
    assert [side.tolist() for side in both.indices()] == [[1, 2, 2], [0, 0, 2]]
    assert both.n_out_of_bed == 3
    assert both.n_predicted_only == 3


def test_without_a_clock_on_both_sides_the_first_epochs_are_paired_and_a_lone_clock_is_doubted():
    both = pair(night([0, 1, 2], start=EVENING, source="psg.edf"), night([0, 1], source="watch.csv"))
    assert both.aligned_by == "first epoch"
    assert [side.tolist() for side in both.indices()] == [[0, 1], [0, 1]]
    assert any("watch.csv has no clock" in warning for warning in both.warnings)
    assert pair(night([0]), night([0])).warnings == ()


def test_clocks_can_be_set_aside():
    reference, predicted = night([0, 1, 2], start=EVENING), night([0, 1, 2], start=EVENING + timedelta(days=1))
    with pytest.raises(HypnogramError, match=r"does not overlap .*; check dates and time zones"):
        pair(reference, predicted)
    both = pair(reference, predicted, use_clock=False)
    assert (both.counts()["compared"], both.aligned_by, both.warnings) == (3, "first epoch", ())


def test_a_daylight_saving_shift_moves_no_epoch():
    from zoneinfo import ZoneInfo

    berlin = datetime(2024, 3, 30, 23, 0, tzinfo=ZoneInfo("Europe/Berlin"))  # clocks go forward at 02:00
    values = np.arange(960) // 30 % 5
    later = datetime(2024, 3, 31, 4, 0, tzinfo=ZoneInfo("Europe/Berlin"))  # four hours of elapsed time
    both = pair(night(values, start=berlin), night(values[480:], start=later))
    reference, predicted = both.indices()
    assert reference.tolist() == predicted.tolist() == values[480:].tolist()


def test_a_longer_epoch_is_cut_into_the_shorter_ones():
    reference = night([0, 0, 1, 2, 2, 2])
    both = pair(reference, night([0, 2], epoch_s=90.0, source="ring.json"))
    assert [side.tolist() for side in both.indices()] == [[0, 0, 1, 2, 2, 2], [0, 0, 0, 2, 2, 2]]
    assert both.warnings == ("ring.json: epochs of 90 s were cut into 3 of 30 s",)


def test_epoch_lengths_that_do_not_fit_are_refused():
    with pytest.raises(HypnogramError, match=r"epochs of 30 s cannot be compared with those of 20 s of psg\.edf"):
        pair(night([0, 1], epoch_s=20.0, source="psg.edf"), night([0, 1]))


def test_nothing_scored_in_both_is_refused():
    with pytest.raises(HypnogramError, match="no epoch is scored both here and in"):
        pair(night([0, -1]), night([-1, 1]))


def test_an_empty_prediction_is_refused():
    with pytest.raises(HypnogramError, match="holds no epochs"):
        pair(night([0, 1]), night([]))


def test_a_prediction_that_ends_before_lights_off_is_refused():
    with pytest.raises(HypnogramError, match="time in bed"):
        pair(night([0, 0, 0, 2], lights_off_s=60.0), night([0, 0]))


def test_a_device_that_stopped_early_is_doubted():
    both = pair(night([2] * 10), night([2] * 3, source="watch.csv"))
    assert both.warnings == ("watch.csv reaches only 30 % of the night of hypnogram",)


def test_a_four_class_device_is_compared_in_four_classes_or_fewer():
    psg = Hypnogram(stages=["W", "N1", "N2", "N3", "R"])
    watch = Hypnogram(stages=["W", "LIGHT", "DEEP", "DEEP", "R"], n_classes=4, source="watch.csv")
    both = pair(psg, watch)
    assert both.n_classes == 4
    assert [side.tolist() for side in both.indices()] == [[0, 1, 1, 2, 3], [0, 1, 2, 2, 3]]
    assert [side.tolist() for side in both.indices(2)] == [[0, 1, 1, 1, 1]] * 2
    with pytest.raises(HypnogramError, match=r"watch\.csv: has 4 classes and cannot be compared in 5"):
        both.indices(5)
    with pytest.raises(HypnogramError, match="7 classes are not known"):
        both.indices(7)


def test_probabilities_are_those_of_the_compared_epochs_merged():
    rows = np.array([[0.1, 0.2, 0.3, 0.3, 0.1]] * 3, dtype=np.float32)
    both = pair(night([0, -1, 2]), night([0, 1, 2], probabilities=rows))
    merged = both.probabilities(3)
    assert merged is not None
    assert merged.shape == (2, 3)
    assert merged[0].tolist() == pytest.approx([0.1, 0.8, 0.1])
    assert pair(night([0]), night([0])).probabilities() is None


def test_masked_hypnograms_are_unscored_where_either_is():
    reference, predicted = pair(night([0, -1, 2]), night([0, 1, -1])).masked(2)
    assert reference.stages.tolist() == predicted.stages.tolist() == ["W", "UNSCORED", "UNSCORED"]
