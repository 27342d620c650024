"""One's own nights, with made-up numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.readers.conftest import e4_texts, zip_of
from training.datasets import load_nights

from .made_signals import pulse

STAGES = ["W", "N1", "N2", "N3", "R", "UNSCORED", *["N2"] * 24]
CODES = [0, 1, 2, 3, 4, -1, *[2] * 24]
SECONDS = 30 * len(STAGES)


def write(folder, name: str, labels: str, *, subject: str | None = None, seconds: int = SECONDS):
    """Heart rate that says how many minutes have gone by, in bpm above 60."""
    home = folder / name
    home.mkdir(parents=True)
    times = np.arange(0, seconds, 5)
    rows = "".join(f"{t},{60 + t / 60:.3f}\n" for t in times)
    (home / "hr.csv").write_text("t_s,bpm\n" + rows, encoding="ascii")
    if subject is not None:
        (home / "recording.toml").write_text(f'subject = "{subject}"\nstart = 2026-03-28T22:41:05+01:00\n')
    (home / "labels.csv").write_text(labels, encoding="utf-8")
    return home


def by_epoch(stages=tuple(STAGES)) -> str:
    return "epoch,stage\n" + "".join(f"{epoch},{stage}\n" for epoch, stage in enumerate(stages))


def by_second(first_s: float = 0.0, stages=tuple(STAGES)) -> str:
    return "t_s,stage\n" + "".join(f"{first_s + 30 * epoch},{stage}\n" for epoch, stage in enumerate(stages))


@pytest.mark.parametrize("labels", [by_epoch(), by_second(), by_epoch().lower(), by_epoch().replace(",", ";")])
def test_labels_by_epoch_and_by_second_are_the_same_night(tmp_path, labels):
    write(tmp_path, "night1", labels)
    (night,) = load_nights({"plain_folder": tmp_path})
    assert (night.dataset, night.subject) == ("plain_folder", "night1")
    assert night.reference.tolist() == CODES


@settings(deadline=None, max_examples=15)
@given(first_s=st.floats(-200, 200).map(lambda x: round(x, 1)))
def test_labels_may_begin_at_any_second_and_the_recording_follows(tmp_path_factory, first_s):
    folder = tmp_path_factory.mktemp("own")
    write(folder, "night1", by_second(first_s), seconds=SECONDS + 300)
    (night,) = load_nights({"plain_folder": folder})
    scored = np.flatnonzero(np.array(CODES) == 4)[0]
    (place,) = np.flatnonzero(night.reference == 4)
    minutes = night.tracks.heart_rate_bpm.reshape(-1, 6)[place] - 60
    expected = (first_s + 30 * scored + np.arange(2.5, 30, 5)) / 60
    if expected[0] > 0.25:
        np.testing.assert_allclose(minutes, expected, atol=0.1)


def test_a_subject_is_said_or_is_the_night(tmp_path):
    write(tmp_path, "a", by_epoch(), subject="S07")
    write(tmp_path, "b", by_epoch(), subject="S07")
    write(tmp_path, "c", by_epoch())
    nights = load_nights({"plain_folder": tmp_path})
    assert [night.subject for night in nights] == ["S07", "S07", "c"]
    assert nights[0].tracks.start.hour == 22


def test_zips_and_exports_of_a_device_are_read_too(tmp_path):
    zipped = write(tmp_path / "made", "night1", by_epoch())
    own = tmp_path / "own"
    own.mkdir()
    zip_of(zipped).rename(own / "night1.zip")
    (own / "night2").mkdir()
    for name, text in e4_texts(SECONDS).items():
        (own / "night2" / name).write_text(text, encoding="ascii")
    (own / "night2" / "labels.csv").write_text(by_epoch(), encoding="ascii")
    (own / "night2" / "recording.toml").write_text('subject = "S08"\n')
    (own / "notes.txt").write_text("mine")
    first, second = load_nights({"plain_folder": own})
    assert (first.subject, second.subject) == ("night1", "S08")
    assert second.groups == {"clock", "heart", "counts", "posture", "temperature"}
    assert first.reference.tolist() == second.reference.tolist() == CODES


def test_epochs_without_a_row_are_unscored(tmp_path):
    lines = by_epoch().splitlines(keepends=True)
    write(tmp_path, "night1", "".join(line for line in lines if not line.startswith(("1,", "4,"))))
    (night,) = load_nights({"plain_folder": tmp_path})
    assert night.reference[:6].tolist() == [0, -1, 2, 3, -1, -1]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (by_epoch(["LIGHT"] * 30), "has the unknown stage 'LIGHT'; known are W, N1, N2, N3, R, UNSCORED"),
        (by_epoch(["2"] * 30), "has the unknown stage '2'"),
        (by_epoch().replace("stage", "state"), "its columns are epoch, state; name them t_s,stage or epoch,stage"),
        (by_epoch().replace("7,N2", "6,N2"), "has two rows for one epoch"),
        (by_second().replace("210.0,", "218.0,"), "218 s is no whole number of 30-s epochs after 0 s"),
        (by_epoch().replace("7,N2", ",N2"), "has a row without a time"),
        (by_epoch().replace("7,N2", "seven,N2"), "line 9 is not 1 numbers"),
        ("epoch,stage\n", "has a row without a time, or no row"),
        (by_second(90000.0), "it was recorded from second 0 to 895, and scored from second 90000 to 90900"),
        (by_second(-90000.0), "it was recorded from second 0 to 895, and scored from second -90000 to -89100"),
        (by_second(-870.0), "and scored from second -870 to 30; check that recording and stages are of the same night"),
        (by_second(720.0), "and scored from second 720 to 1620"),
        (by_epoch(["N2"] * 61), "and scored from second 0 to 1830"),
        (by_second(1.7e9), "1.7e+09 s is more than a month from second 0"),
        (by_epoch(["N2"] * 300), "it was recorded from second 0 to 895, and scored from second 0 to 9000"),
    ],
)
def test_labels_that_cannot_be_right_are_named_and_the_other_nights_go_on(tmp_path, capsys, labels, message):
    write(tmp_path, "bad", labels)
    write(tmp_path, "good", by_epoch())
    assert [night.subject for night in load_nights({"plain_folder": tmp_path})] == ["good"]
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_folder_without_labels_and_a_damaged_zip_are_named(tmp_path, capsys):
    write(tmp_path, "good", by_epoch())
    (write(tmp_path, "bare", by_epoch()) / "labels.csv").unlink()
    (tmp_path / "night.zip").write_bytes(b"PK\3\4" + b"x" * 100)
    (tmp_path / ".hidden").mkdir()
    assert len(load_nights({"plain_folder": tmp_path})) == 1
    error = capsys.readouterr().err
    assert "bare: has no labels.csv; add one with the columns t_s,stage or epoch,stage" in error
    assert "night.zip: the zip is cut short or damaged" in error
    assert error.count("\n") == 2


def test_a_pulse_wave_of_ones_own_makes_the_heart_rate(tmp_path):
    home = write(tmp_path, "night1", by_epoch())
    wave = pulse(SECONDS, 32)
    np.savetxt(
        home / "ppg.csv",
        np.c_[np.arange(len(wave)) / 32, wave],
        delimiter=",",
        fmt="%.6f",
        header="t_s,ppg",
        comments="",
    )
    (night,) = load_nights({"plain_folder": tmp_path})
    assert night.tracks.sources["heart"] == "ppg"


def test_labels_in_another_encoding_are_named(tmp_path, capsys):
    write(tmp_path, "bad", by_epoch())
    write(tmp_path, "good", by_epoch())
    (tmp_path / "bad" / "labels.csv").write_bytes(by_epoch().replace("7,N2", "7,éveil").encode("latin-1"))
    assert [night.subject for night in load_nights({"plain_folder": tmp_path})] == ["good"]
    assert "has the unknown stage '\ufffdVEIL'" in capsys.readouterr().err


def test_folders_named_by_dates_are_subjects_of_their_own(tmp_path):
    for name in ("2026.03.01", "2026.03.02"):
        write(tmp_path, name, by_epoch())
    assert [night.subject for night in load_nights({"plain_folder": tmp_path})] == ["2026.03.01", "2026.03.02"]
