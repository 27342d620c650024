"""The time in bed, and batches of nights."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings

from staging.architecture import in_bed, summarize, summarize_many
from staging.architecture.nights import CODES, Nights, Rules, codes_of, in_bed_span
from staging.errors import HypnogramError
from staging.hypnogram import Hypnogram, Stage
from tests.architecture.strategies import hypnograms, night


def test_every_stage_has_its_code_by_the_sum_of_its_first_two_letters():
    stages = np.array([stage.value for stage in Stage])
    assert codes_of(stages).tolist() == [CODES[stage] for stage in Stage]


def test_codes_of_a_slice_with_steps():
    stages = np.array(["W", "N1", "N2", "N3", "R", "W"])
    assert codes_of(stages[::2]).tolist() == [CODES[Stage.W], CODES[Stage.N2], CODES[Stage.R]]


@pytest.mark.parametrize(
    ("off_s", "on_s", "span"),
    [(None, None, (0, 4)), (14.9, None, (0, 4)), (15.0, None, (1, 4)), (45.0, 105.0, (2, 4)), (0.0, 104.9, (0, 3))],
)
def test_lights_are_rounded_to_the_nearest_boundary_of_epochs(off_s, on_s, span):
    assert in_bed_span(night("W*4", lights_off_s=off_s, lights_on_s=on_s)) == span


def test_time_in_bed_that_was_not_recorded_is_unscored():
    padded = in_bed(night("2*2", lights_off_s=-60.0, lights_on_s=90.0))
    assert padded.stages.tolist() == ["UNSCORED", "UNSCORED", "N2", "N2", "UNSCORED"]
    assert summarize(night("2*2", lights_off_s=-60.0)).sol_min == 1.0


def test_in_bed_moves_the_start_and_keeps_rows_together():
    start = datetime(2024, 3, 1, 23, tzinfo=UTC)
    probabilities = np.eye(5, dtype=np.float32)[[0, 2, 3]]
    given_night = night("W 2 3", start=start, lights_off_s=30.0, probabilities=probabilities)
    part = in_bed(given_night)
    assert part.start == datetime(2024, 3, 1, 23, 0, 30, tzinfo=UTC)
    np.testing.assert_array_equal(part.probabilities, probabilities[1:])
    assert part.lights_off_s is None


def test_the_start_moves_by_real_time_across_a_clock_change():
    zone = ZoneInfo("Europe/Dublin")
    start = datetime(2024, 10, 27, 0, 30, tzinfo=zone)  # the clock goes back at 02:00
    part = in_bed(night("W*300", start=start, lights_off_s=7200.0))
    assert (part.start - start.astimezone(UTC)).total_seconds() == 7200.0


@settings(deadline=None, max_examples=60)
@given(hypnograms(lights=True))
def test_the_part_in_bed_has_the_metrics_of_the_whole(hypnogram):
    np.testing.assert_array_equal(summarize(in_bed(hypnogram)).values, summarize(hypnogram).values)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"lights_off_s": 120.0, "lights_on_s": 60.0}, "no epoch lies between"),
        ({"lights_off_s": 600.0}, "no epoch lies between"),
        ({"lights_on_s": 1e6}, "more than a day away"),
        ({"lights_off_s": float("nan")}, "not a number"),
    ],
)
def test_impossible_lights_are_refused(changes, words):
    with pytest.raises(HypnogramError, match=words):
        summarize(night("W*4", **changes))


def test_a_hypnogram_without_epochs_is_refused():
    with pytest.raises(HypnogramError, match="holds no epochs"):
        summarize(Hypnogram(stages=np.array([], dtype="<U8")))


def test_nights_of_all_kinds_are_summarised_together_as_alone():
    nights = [
        night("W 1 2 3 R W ? 2"),
        night("W L D R L", n_classes=4, epoch_s=15.0),
        night("W N R", n_classes=3),
        night("S", n_classes=2),
        night("?*5"),
        night("W*7"),
    ] * 20
    together = summarize_many(nights)
    for each, hypnogram in zip(together, nights, strict=True):
        np.testing.assert_allclose(each.values, summarize(hypnogram).values, rtol=1e-12)


def test_runs_part_at_nights():
    runs = Nights.of([night("W 2 2"), night("2 2 W")], Rules()).runs
    assert list(zip(runs.night.tolist(), runs.begin.tolist(), runs.end.tolist(), strict=True)) == [
        (0, 0, 1),
        (0, 1, 3),
        (1, 0, 2),
        (1, 2, 3),
    ]


def test_no_nights_give_no_summaries():
    assert summarize_many([]) == []
