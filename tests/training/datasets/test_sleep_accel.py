"""The cropped and the raw layout, with made-up numbers."""

from __future__ import annotations

import numpy as np
import pytest

from staging.errors import FormatError
from training.datasets import load_nights

EPOCHS = 60
STAGES = [-1, 0, 1, 2, 3, 4, 5, *[2] * (EPOCHS - 7)]


def cropped(folder, subject: str) -> None:
    seconds = 30 * EPOCHS
    np.savetxt(folder / f"{subject}_cleaned_psg.out", np.c_[np.arange(EPOCHS) * 30.0, STAGES])
    times = np.arange(3.0, seconds, 5.0)
    np.savetxt(folder / f"{subject}_cleaned_hr.out", np.c_[times, np.full(len(times), 61.0)])
    bins = np.arange(seconds // 15) * 15.01
    np.savetxt(folder / f"{subject}_cleaned_counts.out", np.c_[bins, 30.7 * (np.arange(len(bins)) == 1)], delimiter=",")


def raw(folder, subject: str) -> None:
    seconds = 30 * EPOCHS
    for name in ("motion", "heart_rate", "labels"):
        (folder / name).mkdir(exist_ok=True)
    np.savetxt(folder / "labels" / f"{subject}_labeled_sleep.txt", np.c_[np.arange(EPOCHS) * 30.0, STAGES])
    times = np.arange(-600.0, seconds + 600.0, 5.0)
    np.savetxt(
        folder / "heart_rate" / f"{subject}_heartrate.txt", np.c_[times, np.full(len(times), 61.0)], delimiter=","
    )
    at = np.arange(-60.0, seconds + 60.0, 0.02)
    rng = np.random.default_rng(0)
    xyz = np.c_[0 * at, 0 * at, np.ones_like(at)] + 0.002 * rng.standard_normal((len(at), 3))
    np.savetxt(folder / "motion" / f"{subject}_acceleration.txt", np.c_[at, xyz], fmt="%.5f")


def check(night) -> None:
    assert night.tracks.n_epochs == EPOCHS
    assert night.reference[:7].tolist() == [-1, 0, 1, 2, 3, 3, 4], "stage 4 is N3; 5 is R; -1 is unscored"
    np.testing.assert_allclose(night.tracks.heart_rate_bpm[2:-6], 61.0)
    assert not night.tracks.counts[2:-2].any()


def test_the_cropped_layout(tmp_path):
    cropped(tmp_path, "1234567")
    (night,) = load_nights({"sleep_accel": tmp_path})
    check(night)
    assert night.subject == "1234567"


def test_the_raw_layout_is_cropped_to_the_labels(tmp_path):
    raw(tmp_path, "7654321")
    (night,) = load_nights({"sleep_accel": tmp_path})
    check(night)


def test_a_corrupt_subject_is_named_and_the_others_go_on(tmp_path, capsys):
    cropped(tmp_path, "1234567")
    cropped(tmp_path, "2345678")
    (tmp_path / "2345678_cleaned_psg.out").write_text("what is this\n", encoding="ascii")
    assert [night.subject for night in load_nights({"sleep_accel": tmp_path})] == ["1234567"]
    assert "2345678" in capsys.readouterr().err


@pytest.mark.parametrize("layout", [cropped, raw])
@pytest.mark.parametrize("kind", ["hr", "labels", "movement"])
def test_a_subject_without_one_of_the_sets_files_is_named_and_left_out_or_stops(tmp_path, capsys, layout, kind):
    layout(tmp_path, "1234567")
    layout(tmp_path, "2345678")
    files = {
        cropped: {"hr": "{}_cleaned_hr.out", "labels": "{}_cleaned_psg.out", "movement": "{}_cleaned_counts.out"},
        raw: {
            "hr": "heart_rate/{}_heartrate.txt",
            "labels": "labels/{}_labeled_sleep.txt",
            "movement": "motion/{}_acceleration.txt",
        },
    }
    file = tmp_path / files[layout][kind].format("2345678")
    file.rename(file.with_suffix(".old"))
    assert [night.subject for night in load_nights({"sleep_accel": tmp_path})] == ["1234567"]
    assert f"left out: {file}: it is missing, or empty" in capsys.readouterr().err
    with pytest.raises(FormatError, match="2345678"):
        load_nights({"sleep_accel": tmp_path}, strict=True)


def test_a_file_that_names_no_subject_is_named(tmp_path, capsys):
    cropped(tmp_path, "1234567")
    cropped(tmp_path, "2345678")
    for file in tmp_path.glob("2345678*"):
        file.rename(tmp_path / f"S{file.name}")
    assert [night.subject for night in load_nights({"sleep_accel": tmp_path})] == ["1234567"]
    assert "S2345678_cleaned_hr.out: its name is not as published" in capsys.readouterr().err


def test_a_part_of_the_set_that_nobody_lacks_and_other_files_are_no_fault(tmp_path, capsys):
    """The large acceleration was not downloaded; what a computer or a user adds is not of the set."""
    raw(tmp_path, "1234567")
    raw(tmp_path, "2345678")
    for file in (tmp_path / "motion").iterdir():
        file.unlink()
    (tmp_path / "._1234567_cleaned_hr.out").write_bytes(b"\0\5\26\7")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "daily_steps.csv").write_text("mine\n", encoding="ascii")
    nights = load_nights({"sleep_accel": tmp_path}, strict=True)
    assert [night.groups for night in nights] == [{"clock", "heart"}] * 2
    assert capsys.readouterr().err == ""


def test_raw_labels_of_a_time_after_the_watch_had_stopped_are_refused(tmp_path, capsys):
    raw(tmp_path, "1234567")
    raw(tmp_path, "2345678")
    labels = tmp_path / "labels" / "2345678_labeled_sleep.txt"
    np.savetxt(labels, np.c_[2000.0 // 30 * 30 + np.arange(EPOCHS) * 30.0, np.full(EPOCHS, 2)])
    assert [night.subject for night in load_nights({"sleep_accel": tmp_path})] == ["1234567"]
    assert "and scored from second 1980 to 3780" in capsys.readouterr().err


@pytest.mark.parametrize("n_labelled", [EPOCHS - 31, EPOCHS + 31])
def test_labels_that_end_at_another_time_than_the_cropped_signals_are_refused(tmp_path, capsys, n_labelled):
    cropped(tmp_path, "1234567")
    cropped(tmp_path, "2345678")
    labels = np.c_[np.arange(n_labelled) * 30.0, np.full(n_labelled, 2)]
    np.savetxt(tmp_path / "2345678_cleaned_psg.out", labels)
    assert [night.subject for night in load_nights({"sleep_accel": tmp_path})] == ["1234567"]
    assert (
        f"its labels end at second {30 * n_labelled}, what the watch recorded at second 17" in capsys.readouterr().err
    )


def test_the_real_set(shared_data):
    nights = load_nights({"sleep_accel": shared_data / "sleep_accel"}, strict=True)
    assert len(nights) == 25
    awake_moves, asleep_moves = [], []
    for night in nights:
        moving = np.nan_to_num(night.tracks.counts).reshape(night.tracks.n_epochs, 2).max(axis=1) > 0
        awake_moves.extend(moving[night.usable & (night.reference == 0)])
        asleep_moves.extend(moving[night.usable & (night.reference > 1)])
    # Labels and signals begin together: people move when they are awake.
    assert np.mean(awake_moves) > 8 * np.mean(asleep_moves)
