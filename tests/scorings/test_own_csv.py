"""The CSV of this package: what is written is read, and says all that the metrics depend on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging.architecture import summarize
from staging.errors import FormatError, OutputError
from staging.hypnogram import Hypnogram
from staging.scorings import read_csv, read_hypnograms, write_csv
from staging.scorings.own_csv import format_csv
from tests.architecture.strategies import hypnograms, night

HEADER = "epoch,start,stage,p_w,p_n1,p_n2,p_n3,p_r\n"


def written(tmp_path, text: str):
    path = tmp_path / "night.csv"
    path.write_text(text, encoding="utf-8")
    return path


def full(hypnogram: Hypnogram, seed: int = 0) -> Hypnogram:
    """With probabilities and coverage, some unknown."""
    rng = np.random.default_rng(seed)
    n, k = len(hypnogram), hypnogram.n_classes
    probabilities = rng.dirichlet(np.ones(k), n).astype(np.float32)
    probabilities[rng.random(n) < 0.1] = np.nan
    if np.isnan(probabilities).all():
        probabilities[0] = 1.0 / k
    return Hypnogram(
        stages=hypnogram.stages,
        n_classes=k,
        start=hypnogram.start,
        probabilities=probabilities,
        coverage={"heart": rng.random(n, dtype=np.float32), "motion": np.ones(n, dtype=np.float32)},
        lights_off_s=hypnogram.lights_off_s,
        lights_on_s=hypnogram.lights_on_s,
    )


def test_the_columns_and_their_decimals():
    start = datetime(2024, 3, 1, 23, 30, tzinfo=timezone(timedelta(hours=1)))
    probabilities = np.float32([[0.5, 0.25, 0.125, 0.0625, 0.0625], [np.nan] * 5])
    hypnogram = night(
        "W ?", start=start, probabilities=probabilities, coverage={"motion": np.float32([1, 0.3333])}, lights_on_s=30.0
    )
    assert format_csv(hypnogram) == (
        "epoch,start,stage,p_w,p_n1,p_n2,p_n3,p_r,coverage_motion,in_bed\n"
        "0,2024-03-01T23:30:00+01:00,W,0.5000,0.2500,0.1250,0.0625,0.0625,1.000,1\n"
        "1,2024-03-01T23:30:30+01:00,UNSCORED,,,,,,0.333,0\n"
    )


def test_coarser_classes_have_their_own_columns():
    assert format_csv(night("W L D R", n_classes=4)).splitlines()[0] == "epoch,start,stage,p_w,p_light,p_deep,p_r"
    assert format_csv(night("S", n_classes=2)).splitlines()[1] == "0,0,S,,"


def test_without_a_clock_the_start_is_seconds_from_the_first_epoch():
    rows = format_csv(night("W*3", epoch_s=7.5)).splitlines()[1:]
    assert [row.split(",")[1] for row in rows] == ["0", "7.5", "15"]


def test_all_rows_have_one_offset_across_a_clock_change():
    start = datetime(2024, 10, 27, 1, 30, tzinfo=ZoneInfo("Europe/Dublin"))
    rows = format_csv(night("W*130", start=start)).splitlines()[1:]
    assert {row.split(",")[1][-6:] for row in rows} == {"+01:00"}


def test_time_in_bed_that_was_not_recorded_has_rows_of_its_own(tmp_path):
    hypnogram = night("2 2", lights_off_s=-60.0, lights_on_s=90.0, coverage={"motion": np.ones(2, np.float32)})
    path = write_csv(hypnogram, tmp_path / "night.csv")
    rows = path.read_text().splitlines()[1:]
    assert [row.split(",")[2] for row in rows] == ["UNSCORED", "UNSCORED", "N2", "N2", "UNSCORED"]
    assert all(row.endswith(",1") for row in rows)
    np.testing.assert_array_equal(summarize(read_csv(path)).values, summarize(hypnogram).values)


@settings(deadline=None, max_examples=60)
@given(hypnograms(lights=True, clock=True, max_runs=12, max_run=20), st.booleans())
def test_summarising_the_file_gives_the_metrics_of_the_hypnogram(tmp_path_factory, hypnogram, rich):
    hypnogram = full(hypnogram) if rich else hypnogram
    path = write_csv(hypnogram, tmp_path_factory.mktemp("csv") / "night.csv")
    again = read_csv(path)
    assert again.n_classes == hypnogram.n_classes
    np.testing.assert_allclose(summarize(again).values, summarize(hypnogram).values, rtol=1e-12)
    if rich and hypnogram.lights_off_s is None and hypnogram.lights_on_s is None:
        np.testing.assert_array_equal(again.stages, hypnogram.stages)
        np.testing.assert_allclose(again.probabilities, hypnogram.probabilities, atol=5.1e-5)
        np.testing.assert_allclose(again.coverage["heart"], hypnogram.coverage["heart"], atol=5.1e-4)
        assert again.start == hypnogram.start


@settings(deadline=None, max_examples=40)
@given(hypnograms(lights=True, clock=True, max_runs=8, max_run=8))
def test_writing_what_was_read_gives_the_same_bytes(tmp_path_factory, hypnogram):
    path = write_csv(full(hypnogram), tmp_path_factory.mktemp("csv") / "night.csv")
    again = read_csv(path)
    if len(again) > 1 or again.epoch_s == hypnogram.epoch_s:
        assert format_csv(again) == path.read_text()


@pytest.mark.parametrize("epoch_s", [20.0, 7.5, 1.0 / 3.0, 60.0])
def test_the_epoch_length_is_the_step_of_the_start(tmp_path, epoch_s):
    for start in (None, datetime(2024, 3, 1, 23, tzinfo=UTC)):
        path = write_csv(night("W 2*60", epoch_s=epoch_s, start=start), tmp_path / "night.csv")
        assert read_csv(path).epoch_s == pytest.approx(epoch_s, abs=1e-5)


def test_a_single_row_is_an_epoch_of_30_s(tmp_path):
    assert read_csv(written(tmp_path, HEADER + "0,0,W,,,,,\n")).epoch_s == 30.0


def test_what_a_spreadsheet_does_to_the_file_is_borne(tmp_path):
    text = "\ufeffEpoch, Start ,STAGE,p_w,p_n1,p_n2,p_n3,p_r\r\n0,0,w,,,,,\r\n\r\n1,30,n2 ,,,,,\r\n"
    path = tmp_path / "night.csv"
    path.write_bytes(text.encode("utf-8"))
    assert read_csv(path).stages.tolist() == ["W", "N2"]


def test_other_columns_are_left_out_and_named(tmp_path):
    path = written(tmp_path, HEADER.replace("stage,", "stage,note,") + "0,0,W,x,,,,,\n1,30,W,,,,,,\n")
    assert read_csv(path).warnings == ("column 'note' was not used",)


def test_two_nights_in_a_file_are_parted_and_numbered(tmp_path):
    rows = "0,0,W,,,,,\n1,30,N2,,,,,\n2,86400,R,,,,,\n3,86430,W,,,,,\n"
    path = written(tmp_path, HEADER + rows)
    first, second = read_hypnograms(path)
    assert (first.stages.tolist(), second.stages.tolist()) == (["W", "N2"], ["R", "W"])
    assert second.source == f"{path} (night 2 of 2)"
    with pytest.raises(FormatError, match="holds 2 nights"):
        read_csv(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        (HEADER, "has a header but no epochs"),
        ("epoch,stage\n0,W\n", "line 1 has no column 'start'"),
        ("epoch,start,stage,stage\n", "line 1 has the column 'stage' twice"),
        ("epoch,start,stage,p_w,p_n4\n0,0,W,,\n", "of no resolution"),
        ("epoch,start,stage\n0,0,W\n", "of no resolution"),
        (HEADER + "0,0,W,,,,\n", "line 2 has 7 fields, the header 8"),
        (HEADER + "0,0,W,,,,,\n1,30,N4,,,,,\n", "line 3 has the unknown stage 'N4'"),
        (HEADER + "0,0,W,,,,,\n1,30,LIGHT,,,,,\n", "line 3 has the unknown stage 'LIGHT'"),
        (HEADER + "0,0,W,,,,,\n1,30,W,1.5,,,,\n", "line 3 has p_w = '1.5'"),
        (HEADER + "0,0,W,,,,,\n1,30,W,x,,,,\n", "line 3 has p_w = 'x'"),
        (HEADER + "0,0,W,,,,,\n1,30,W,,,,,\n2,30,W,,,,,\n", "line 4 starts 0 s after the one before, not 30 s"),
        (HEADER + "0,0,W,,,,,\n1,30,W,,,,,\n2,10,W,,,,,\n", "line 4 starts -20 s after the one before"),
        (HEADER + "0,0,W,,,,,\n1,30,W,,,,,\n2,45,W,,,,,\n", "line 4 starts 15 s after the one before"),
        (HEADER + "0,0,W,,,,,\n1,x,W,,,,,\n", "line 3 has the start 'x'"),
        (HEADER + "0,0,W,,,,,\n1,nan,W,,,,,\n", "line 3 has a start that is not a number"),
        (HEADER + "0,2024-03-01T23:00:00,W,,,,,\n", "line 2 has a start without offset"),
        (HEADER + "0,2024-03-01T23:00:00+01:00,W,,,,,\n1,2024-03-01T23:00:30,W,,,,,\n", "line 3 has the start"),
        (HEADER.replace("p_r", "p_r,in_bed") + "0,0,W,,,,,,2\n", "line 2 has in_bed = '2'"),
        (HEADER.replace("p_r", "p_r,in_bed") + "0,0,W,,,,,,0\n", "no epoch is in bed"),
        (
            HEADER.replace("p_r", "p_r,in_bed") + "0,0,W,,,,,,1\n1,30,W,,,,,,0\n2,60,W,,,,,,1\n",
            "line 3 is out of bed between epochs in bed",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path, text, words):
    with pytest.raises(FormatError) as caught:
        read_csv(written(tmp_path, text))
    assert words in str(caught.value)


def test_bytes_that_are_no_text_are_refused(tmp_path):
    path = tmp_path / "night.csv"
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(FormatError, match="cannot be read"):
        read_csv(path)
    with pytest.raises(FormatError, match="cannot be read"):
        read_csv(tmp_path / "none.csv")


def test_a_file_that_cannot_be_written_is_an_output_error(tmp_path):
    with pytest.raises(OutputError, match="its folder does not exist"):
        write_csv(night("W"), tmp_path / "none" / "night.csv")
