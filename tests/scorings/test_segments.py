"""Pieces of scored time on the grid of epochs."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging.errors import FormatError
from staging.hypnogram import Stage
from staging.scorings.segments import NIGHT_GAP_S, Segment, nights_of, numbered, resolution_of, sample, tile

W, N2, U = Stage.W, Stage.N2, Stage.UNSCORED


def segments(*rows: tuple[float, float, Stage]) -> list[Segment]:
    return [Segment(begin, length, stage, f"line {number}") for number, (begin, length, stage) in enumerate(rows, 1)]


def test_segments_become_epochs_and_gaps_are_unscored():
    stages, warnings = tile("f", segments((60, 60, W), (150, 30, N2)), 30.0)
    assert stages.tolist() == ["W", "W", "UNSCORED", "N2"]
    assert warnings == ()


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([(0, 60, W), (30, 60, N2)], "line 2 begins at 30 s, within the one before it (0 to 60 s)"),
        ([(60, 30, W), (0, 30, N2)], "line 2 begins at 0 s, before the one before it"),
        ([(0, 45, W), (45, 30, N2)], "line 1 lasts 45 s, which is not a whole number of epochs of 30 s"),
        ([(0, 30, W), (40, 30, N2)], "line 2 begins 40 s after the first"),
        ([(0, 30, W), (30, float("inf"), N2)], "line 2 is of inf s from 30 s on, which is no night"),
        ([(0, 30, W), (float("nan"), 30, N2)], "line 2 is of 30 s from nan s on, which is no night"),
        ([(0, 1e9, W)], "line 1 is of 1e+09 s from 0 s on, which is no night"),
    ],
)
def test_overlaps_and_mixed_lengths_are_named(rows, words):
    with pytest.raises(FormatError) as caught:
        tile("f", segments(*rows), 30.0)
    assert words in str(caught.value)


def test_a_last_piece_of_an_epoch_is_left_out_and_said():
    stages, warnings = tile("f", segments((0, 60, W), (60, 42, N2)), 30.0)
    assert stages.tolist() == ["W", "W", "N2"]
    assert warnings == ("the last 12 s are less than an epoch: left out",)


def test_other_epoch_lengths_tile_as_well():
    assert tile("f", segments((0, 40, W), (40, 20, N2)), 20.0)[0].tolist() == ["W", "W", "N2"]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(1, 9), st.sampled_from([W, N2, U])), min_size=1, max_size=20))
def test_sampling_segments_on_the_grid_gives_their_tiling(runs):
    rows, begin = [], 0.0
    for epochs, stage in runs:
        rows.append((begin, 30.0 * epochs, stage))
        begin += 30.0 * epochs
    parts = segments(*rows)
    assert sample(parts, 0.0, begin, 30.0).tolist() == tile("f", parts, 30.0)[0].tolist()


def test_an_epoch_has_the_stage_of_its_middle():
    parts = segments((0, 44, W), (44, 46, N2))
    assert sample(parts, 0.0, 90.0, 30.0).tolist() == ["W", "N2", "N2"]


def test_a_later_segment_lies_on_top():
    parts = segments((0, 90, W), (30, 30, N2))
    assert sample(parts, 0.0, 90.0, 30.0).tolist() == ["W", "N2", "W"]


def test_segments_outside_are_left_out():
    parts = segments((-90, 100, W), (60, 900, N2))
    assert sample(parts, 0.0, 90.0, 30.0).tolist() == ["UNSCORED", "UNSCORED", "N2"]
    assert sample(segments((-900, 30, W)), 0.0, 60.0, 30.0).tolist() == ["UNSCORED", "UNSCORED"]


def test_nights_part_where_nothing_is_scored_for_hours():
    parts = segments((0, 3600, W), (3600 + NIGHT_GAP_S, 60, W), (3700 + 2 * NIGHT_GAP_S, 60, N2))
    assert [len(night) for night in nights_of(parts)] == [2, 1]


def test_the_resolution_is_the_finest_that_has_all_stages():
    assert resolution_of({Stage.W, Stage.R, U}) == 5
    assert resolution_of({Stage.W, Stage.LIGHT}) == 4
    assert resolution_of({Stage.NREM}) == 3
    assert resolution_of({Stage.S, Stage.W}) == 2
    assert resolution_of({Stage.N1, Stage.LIGHT}) is None


def test_several_nights_are_numbered():
    assert numbered("a.edf", 0, 1) == "a.edf"
    assert numbered("a.edf", 1, 3) == "a.edf (night 2 of 3)"
