"""A scored night as text."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging.architecture import definitions
from staging.hypnogram import CLASSES, Hypnogram
from staging.report import render
from staging.scored import ROWS
from staging.terminal import screen, table, text_hypnogram
from tests.made_nights import scored_night

FILES = [Path("some/long/folder/name") / f"night{suffix}" for suffix in (".csv", ".json", ".html")]


@settings(deadline=None, max_examples=40)
@given(
    st.integers(20, 3000),
    st.sampled_from(sorted(CLASSES)),
    st.lists(st.text("word and 01:13 ", max_size=200), max_size=6),
    st.text("abcdef_", min_size=1, max_size=120),
    st.booleans(),
    st.booleans(),
)
def test_a_night_fits_a_screen_whatever_it_holds(n_epochs, n_classes, warnings, device, simulated, intervals):
    night = scored_night(
        n_epochs,
        n_classes=n_classes,
        device=device + " simulated" * simulated,
        warnings=tuple(warnings),
        unscored=slice(5, 15),
        intervals=intervals,
    )
    lines = screen(night, FILES).splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80


def test_the_screen_says_what_a_reader_needs():
    night = scored_night(device="simulated watch", missing=("temperature",), warnings=("heart: gap 01:00–01:10",))
    text = screen(night, FILES)
    for expected in ("night.zip", "2026-03-01 22:52", "heart rate 100 %", "SIMULATED", "made-up 1", "gap 01:00–01:10"):
        assert expected in text
    assert "temperature" not in text


def test_time_in_bed_is_called_assumed_unless_both_lights_times_are_known():
    assert "(assumed)" in screen(scored_night(lights=(60.0, None)))
    assert "(assumed)" not in screen(scored_night(lights=(60.0, 7000.0)))


def test_intervals_stand_beside_the_values_where_the_model_has_them():
    night = scored_night(600, intervals=True)
    assert "range" not in screen(scored_night(600))
    text = screen(night)
    assert "90 % range" in text
    for line, name in (("Total sleep time", "tst_min"), ("Wake after sleep onset", "waso_min"), ("N3", "n3_min")):
        interval = night.intervals[name]
        (row,) = (row for row in text.splitlines()[9:] if line in row)
        assert f"{interval.low:.0f}–{interval.high:.0f}" in row


def test_a_metric_that_the_night_does_not_have_has_no_interval_beside_it():
    """Somebody who never slept has no latency, though hypnograms with a little sleep may have been drawn."""
    night = scored_night(600, intervals=True)
    values = night.architecture.values.copy()
    values[list(definitions()).index("rem_latency_min")] = np.nan
    without = dataclasses.replace(night, architecture=dataclasses.replace(night.architecture, values=values))
    (row,) = (row for row in screen(without).splitlines() if "REM latency" in row)
    assert row.split()[:4] == ["REM", "latency", "–"]
    assert render(without).count(" range ") < render(night).count(" range ")


def test_warnings_that_do_not_fit_are_counted():
    text = screen(scored_night(warnings=tuple(f"warning number {i} " * 4 for i in range(9))), FILES)
    assert "more warnings: see the report" in text or "9 warnings: see the report" in text


def test_every_epoch_of_a_short_night_has_its_column():
    lines = text_hypnogram(Hypnogram(stages=["W", "W", "S", "S", "S"], n_classes=2), ascii_only=True)
    assert lines[0].split() == ["Wake", "##"]
    assert lines[1].split() == ["Sleep", "###"]


def test_unscored_time_is_a_question_mark_in_every_row():
    lines = text_hypnogram(Hypnogram(stages=["W", "UNSCORED", "N2"]))
    assert all(line[9] == "?" for line in lines[:5])


@pytest.mark.parametrize("n_classes", sorted(CLASSES))
def test_rows_name_every_class_once(n_classes):
    assert sorted(ROWS[n_classes]) == sorted(CLASSES[n_classes])


def test_a_table_has_a_line_a_night_and_says_which_are_simulated():
    lines = table(
        [scored_night(name="a"), scored_night(name="long_name", n_classes=2, device="simulated")]
    ).splitlines()
    assert len(lines) == 3
    assert lines[2].startswith("long_name")
    assert lines[2].endswith("SIMULATED")
    assert "SIMULATED" not in lines[1]


def test_a_night_that_nobody_could_score_is_told_without_numbers():
    night = scored_night(60, unscored=slice(0, 60))
    assert "nothing could be scored" in screen(night)
    assert np.isnan(night.confidence()).all()
