"""The 64-Hz files in the published layout, with made-up numbers."""

from __future__ import annotations

import numpy as np
import pytest

from training.datasets import load_nights, recordings

from .made_signals import BPM, pulse, wrist

STAGES = ["W", "N1", "N2", "N3", "R", "Missing", *["N2"] * 24]
BEFORE_S = 40
HEADER = (
    "TIMESTAMP,BVP,ACC_X,ACC_Y,ACC_Z,TEMP,EDA,HR,IBI,Sleep_Stage,Obstructive_Apnea,Central_Apnea,Hypopnea,"
    "Multiple_Events\n"
)


def write(folder, subject: str, stages=tuple(STAGES), before_s: int = BEFORE_S) -> None:
    """What the device gives before the PSG and during it; every channel held to 64 Hz; shaken in the first epoch."""
    seconds = before_s + 30 * len(stages)
    n = 64 * seconds
    acc = np.repeat(np.rint(64 * wrist(seconds, 32, shaken_s=(before_s, before_s + 30))), 2, axis=0)
    words = np.repeat(np.array(["P", *stages]), [64 * before_s, *[64 * 30] * len(stages)])
    columns = [
        *(np.arange(n) / 64, pulse(seconds, 64), *acc.T, np.repeat(33 + np.arange(seconds * 4) * 1e-4, 16)),
        *(np.full(n, 0.1), np.full(n, 67.0)),
    ]
    home = folder / "data_64Hz"
    home.mkdir(exist_ok=True)
    rows = zip(*(np.char.mod("%.9g", column) for column in columns), words, strict=True)
    text = "".join(f"{','.join(row[:8])},,{row[8]},,,,\n" for row in rows)
    (home / f"{subject}_whole_df.csv").write_text(HEADER + text, encoding="ascii")


def test_epochs_are_counted_from_the_first_scored_row_and_what_is_before_it_is_unscored(tmp_path):
    write(tmp_path, "S002")
    (night,) = load_nights({"dreamt": tmp_path})
    assert (night.dataset, night.subject) == ("dreamt", "S002")
    # 40 s before the PSG: 10 s are less than an epoch, 30 s are an unscored one.
    assert night.reference[:7].tolist() == [-1, 0, 1, 2, 3, 4, -1]
    assert night.tracks.n_epochs == 1 + len(STAGES)
    assert night.groups == {"clock", "heart", "counts", "posture", "temperature"}
    assert np.nanmedian(night.tracks.heart_rate_bpm) == pytest.approx(BPM, abs=1)
    assert night.tracks.sources["heart"] == "ppg"
    assert night.tracks.counts[2:4].min() > 0
    assert np.nanmax(night.tracks.counts[6:]) == 0
    assert np.nanmean(night.tracks.temperature_c) == pytest.approx(33.2, abs=0.2)


def test_acceleration_and_temperature_come_at_their_own_rates(tmp_path):
    write(tmp_path, "S002")
    (scored,) = recordings("dreamt", tmp_path)
    channels = scored.recording.channels()
    rates = [channels[name].rate_hz for name in ("acc", "ppg", "temp")]
    np.testing.assert_allclose(rates, [32, 64, 4], rtol=1e-6)
    assert np.linalg.norm(scored.recording.acc.samples[3000:], axis=1).mean() == pytest.approx(1, abs=0.02)
    assert scored.recording.start is None


def test_damaged_files_are_named_and_the_others_go_on(tmp_path, capsys):
    for subject in ("S001", "S002", "S003", "S004"):
        write(tmp_path, subject, stages=["N2"] * 22, before_s=0)
    files = {subject: tmp_path / "data_64Hz" / f"{subject}_whole_df.csv" for subject in ("S002", "S003", "S004")}
    text = files["S002"].read_text(encoding="ascii")
    files["S002"].write_text(text.replace("Sleep_Stage", "Stage", 1), encoding="ascii")
    files["S003"].write_text(text.replace(",N2,", ",N7,"), encoding="ascii")
    files["S004"].write_text(text.replace(",N2,", ",P,"), encoding="ascii")
    assert [night.subject for night in load_nights({"dreamt": tmp_path})] == ["S001"]
    error = capsys.readouterr().err
    assert "S002_whole_df.csv: has no column Sleep_Stage" in error
    assert "S003_whole_df.csv: has the unknown stage 'N7'" in error
    assert "S004_whole_df.csv: its times do not increase, or no row is scored" in error


def test_missing_and_renamed_subjects_are_named(tmp_path, capsys):
    write(tmp_path, "S001")
    file = next(tmp_path.rglob("S001_whole_df.csv"))
    (file.parent / "S002_whole.csv").write_bytes(file.read_bytes())
    (tmp_path / "participant_info.csv").write_text("SID,AGE\nS001,30\nS002,40\nS003,50\n", encoding="ascii")
    assert [night.subject for night in load_nights({"dreamt": tmp_path})] == ["S001"]
    error = capsys.readouterr().err
    assert "S002_whole.csv: its name is not as published" in error
    assert "participant_info.csv: 2 of its subjects have no file: S002, S003; download them" in error


def test_a_stage_in_another_encoding_is_named(tmp_path, capsys):
    write(tmp_path, "S001")
    write(tmp_path, "S002")
    file = next(tmp_path.rglob("S002_whole_df.csv"))
    file.write_bytes(file.read_bytes().replace(b"N2", b"N\xe92"))
    assert [night.subject for night in load_nights({"dreamt": tmp_path})] == ["S001"]
    assert "has the unknown stage 'N\ufffd2'" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"", b"who,age\nS001,3\n", b"SID,AGE\nS001,3\n,\nb,2\n"])
def test_a_table_of_participants_that_cannot_be_used_loses_nobody(tmp_path, content):
    write(tmp_path, "S001")
    (tmp_path / "data_64Hz" / "._S001_whole_df.csv").write_bytes(b"\0\5\26\7")
    (tmp_path / "participant_info.csv").write_bytes(content)
    assert [night.subject for night in load_nights({"dreamt": tmp_path})] == ["S001"]
