"""Clock times, thirds and halves, worked by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from staging.architecture import summarize
from tests.architecture.strategies import metric, night


def test_clock_times_are_hours_after_midnight_of_the_start():
    architecture = summarize(night("W*60 2*480 W*60", start=datetime(2024, 3, 1, 22, 30, tzinfo=UTC)))
    assert architecture.sleep_onset_clock_h == 23.0
    assert architecture.sleep_midpoint_clock_h == 1.0
    assert architecture.final_awakening_clock_h == 3.0


def test_clock_times_keep_the_offset_of_lights_off_across_a_clock_change():
    start = datetime(2024, 10, 27, 0, 0, tzinfo=ZoneInfo("Europe/Dublin"))  # the clock goes back at 02:00
    assert metric(night("2*480", start=start), "final_awakening_clock_h") == 4.0


def test_clock_times_begin_with_lights_off():
    start = datetime(2024, 3, 1, 22, 0, tzinfo=UTC)
    assert metric(night("W*120 2*120", start=start, lights_off_s=1800.0), "sleep_onset_clock_h") == 23.0


def test_without_a_clock_or_sleep_there_are_no_clock_times():
    assert metric(night("2*4"), "sleep_midpoint_clock_h") is None
    assert metric(night("W*4", start=datetime(2024, 3, 1, tzinfo=UTC)), "sleep_midpoint_clock_h") is None


def test_thirds_and_halves_are_of_the_sleep_period():
    architecture = summarize(night("W*50 3*6 2*3 R*3 W*20"))
    assert [architecture.metrics[f"n3_third_{part}_min"] for part in (1, 2, 3)] == [2.0, 1.0, 0.0]
    assert [architecture.metrics[f"r_third_{part}_min"] for part in (1, 2, 3)] == [0.0, 0.0, 1.5]
    assert [architecture.metrics[f"n3_half_{part}_min"] for part in (1, 2)] == [3.0, 0.0]


def test_an_epoch_across_a_boundary_counts_in_proportion():
    architecture = summarize(night("3*2 2*2"))  # thirds end after 1 1/3 and 2 2/3 epochs
    assert architecture.n3_third_1_min == pytest.approx(2 / 3)
    assert architecture.n3_third_2_min == pytest.approx(1 / 3)


def test_the_indices_are_one_where_all_deep_sleep_is_early_and_all_rem_sleep_late():
    architecture = summarize(night("3*4 2*4 R*4"))
    assert (architecture.n3_early_index, architecture.r_late_index) == (1.0, 1.0)
    backward = summarize(night("R*4 2*4 3*4"))
    assert (backward.n3_early_index, backward.r_late_index) == (-1.0, -1.0)
    assert metric(night("3*4"), "n3_early_index") == 0.0
    assert metric(night("2*4"), "n3_early_index") is None
