"""EDF+ annotations: Rechtschaffen & Kales to AASM, lights, clocks, what is wrong."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import edfio
import numpy as np
import pytest
from hypothesis import given, settings

from staging.errors import FormatError, OutputError
from staging.hypnogram import Hypnogram
from staging.scorings import read_hypnogram, read_hypnograms, write_hypnogram
from tests.architecture.strategies import hypnograms, night


def made(path: Path, *notes: tuple[float, float | None, str], when: datetime | None = datetime(2024, 3, 1, 22)) -> Path:
    recording = edfio.Recording(startdate=None if when is None else when.date())
    edf = edfio.Edf(
        [],
        recording=recording,
        starttime=time(0) if when is None else when.time(),
        annotations=[edfio.EdfAnnotation(*note) for note in notes],
    )
    edf.write(path)
    return path


def test_stages_3_and_4_are_n3_and_movement_is_unscored(tmp_path):
    names = ["W", "1", "2", "3", "4", "R", "?", "M", "N1", "N2", "N3", "REM"]
    notes = [(30.0 * index, 30.0, f"Sleep stage {name}") for index, name in enumerate(names)]
    path = made(tmp_path / "a.edf", *notes, (30.0 * len(names), 30.0, "Movement time"))
    assert read_hypnogram(path).stages.tolist() == [
        *("W", "N1", "N2", "N3", "N3", "R", "UNSCORED", "UNSCORED", "N1", "N2", "N3", "R", "UNSCORED")
    ]


def test_epochs_begin_with_the_first_stage_and_so_does_the_clock(tmp_path):
    path = made(tmp_path / "a.edf", (0.0, None, "Recording starts"), (90.0, 60.0, "Sleep stage W"))
    hypnogram = read_hypnogram(path, zone="Europe/Dublin")
    assert len(hypnogram) == 2
    assert hypnogram.start == datetime(2024, 3, 1, 22, 1, 30, tzinfo=ZoneInfo("Europe/Dublin"))


def test_without_a_zone_the_start_is_left_out_and_a_warning_says_how_to_keep_it(tmp_path):
    hypnogram = read_hypnogram(made(tmp_path / "a.edf", (0.0, 30.0, "Sleep stage W")))
    assert hypnogram.start is None
    assert hypnogram.warnings == (
        "the start 2024-03-01 22:00:00 is of unknown time zone and was left out; give the zone (--timezone) to keep it",
    )


def test_an_anonymised_date_leaves_no_clock(tmp_path):
    hypnogram = read_hypnogram(made(tmp_path / "a.edf", (0.0, 30.0, "Sleep stage W"), when=None), zone="UTC")
    assert hypnogram.start is None


def test_lights_are_taken_from_their_annotations(tmp_path):
    path = made(
        tmp_path / "a.edf",
        (60.0, None, "Lights off@@EEG F4-A1"),
        (30.0, 120.0, "Sleep stage W"),
        (120.0, None, "Lights on"),
    )
    hypnogram = read_hypnogram(path)
    assert (hypnogram.lights_off_s, hypnogram.lights_on_s) == (30.0, 90.0)


def test_annotations_without_a_duration_last_an_epoch(tmp_path):
    path = made(tmp_path / "a.edf", (0.0, None, "Sleep stage W"), (30.0, 0.0, "Sleep stage N1"))
    assert read_hypnogram(path).stages.tolist() == ["W", "N1"]


def test_two_nights_in_a_file_are_parted(tmp_path):
    path = made(tmp_path / "a.edf", (0.0, 30.0, "Sleep stage W"), (86_400.0, 60.0, "Sleep stage N2"))
    first, second = read_hypnograms(path, zone="UTC")
    assert (len(first), len(second)) == (1, 2)
    assert second.start - first.start == timedelta(days=1)
    with pytest.raises(FormatError, match="holds 2 nights"):
        read_hypnogram(path)


@pytest.mark.parametrize(
    ("notes", "words"),
    [
        ([(0.0, 30.0, "Sleep stage X")], "annotation 1 ('Sleep stage X') is an unknown stage"),
        ([(0.0, 30.0, "Apnea")], "has no stage among 1 annotations"),
        (
            [(0.0, 60.0, "Sleep stage W"), (30.0, 30.0, "Sleep stage 1")],
            "annotation 2 ('Sleep stage 1') begins at 30 s",
        ),
        ([(0.0, 20.0, "Sleep stage W"), (20.0, 20.0, "Sleep stage 1")], "annotation 1 ('Sleep stage W') lasts 20 s"),
        ([(0.0, 30.0, "Sleep stage N1"), (30.0, 30.0, "Sleep stage LIGHT")], "mixes stages of several resolutions"),
    ],
)
def test_what_is_wrong_is_named_with_its_annotation(tmp_path, notes, words):
    with pytest.raises(FormatError) as caught:
        read_hypnogram(made(tmp_path / "a.edf", *notes))
    assert words in str(caught.value)


def test_other_epoch_lengths_are_read_when_given(tmp_path):
    path = made(tmp_path / "a.edf", (0.0, 40.0, "Sleep stage W"), (40.0, 20.0, "Sleep stage 1"))
    assert read_hypnogram(path, epoch_s=20.0).stages.tolist() == ["W", "W", "N1"]


@pytest.mark.parametrize("cut", [8, 100, 300, 520])
def test_a_file_that_is_cut_short_is_refused(tmp_path, cut):
    path = made(tmp_path / "a.edf", (0.0, 30.0, "Sleep stage W"))
    short = tmp_path / "short.edf"
    short.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(FormatError):
        read_hypnogram(short)


@settings(deadline=None, max_examples=30)
@given(hypnograms(clock=True, max_runs=10, max_run=9))
def test_start_stages_and_lights_come_back(tmp_path_factory, hypnogram):
    import dataclasses

    length_s = 30.0 * len(hypnogram)
    given_night = dataclasses.replace(hypnogram, lights_off_s=0.0, lights_on_s=length_s)
    path = write_hypnogram(given_night, tmp_path_factory.mktemp("edf") / "night.edf")
    again = read_hypnogram(path, zone="UTC")
    np.testing.assert_array_equal(again.stages, hypnogram.stages)
    assert (again.start, again.lights_off_s, again.lights_on_s) == (hypnogram.start, 0.0, length_s)


def test_other_programs_find_the_standard_texts_of_edf_plus(tmp_path):
    edf = edfio.read_edf(write_hypnogram(night("W*2 1 3 R ?"), tmp_path / "night.edf"))
    assert [(note.onset, note.duration, note.text) for note in edf.annotations] == [
        (0.0, 60.0, "Sleep stage W"),
        (60.0, 30.0, "Sleep stage N1"),
        (90.0, 30.0, "Sleep stage N3"),
        (120.0, 30.0, "Sleep stage R"),
        (150.0, 30.0, "Sleep stage ?"),
    ]
    assert edf.starttime == time(0)
    with pytest.raises(edfio.AnonymizedDateError):
        assert edf.startdate == date(1985, 1, 1)


def test_what_the_reader_of_edf_doubts_is_a_warning_of_the_night(tmp_path):
    path = made(tmp_path / "a.edf", (0.0, 30.0, "Sleep stage W"))
    path.write_bytes(path.read_bytes() + b"\0")
    assert any("Incomplete data record" in warning for warning in read_hypnogram(path).warnings)


def test_a_hypnogram_without_epochs_is_no_edf(tmp_path):
    with pytest.raises(OutputError, match="cannot be without annotations"):
        write_hypnogram(Hypnogram(stages=np.array([], dtype="<U8")), tmp_path / "night.edf")


def test_the_sleep_edf_nights_are_read(shared_data):
    paths = sorted((shared_data / "hypnograms" / "sleep_edf").glob("*-Hypnogram.edf"))
    if not paths:
        pytest.skip("the Sleep-EDF hypnograms are not among the real data")
    for path in paths:
        hypnogram = read_hypnogram(path, zone="Europe/Amsterdam")
        assert hypnogram.n_classes == 5
        assert set(np.unique(hypnogram.stages)) <= {"W", "N1", "N2", "N3", "R", "UNSCORED"}
        assert 2700 <= len(hypnogram) <= 2880
        assert hypnogram.start.hour in (14, 15, 16, 17)
