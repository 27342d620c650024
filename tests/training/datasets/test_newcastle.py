"""A watch's .bin and a scoring's table in the published layout, with made-up numbers."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

from tests.readers.geneactiv_files import geneactiv
from training.datasets import load_nights

from .made_signals import wrist

WATCH_START = datetime(2013, 6, 10, 23, 40)
STAGES = ["W", "N1", "N2", "N3", "R", *["N2"] * 35]


def write_watch(folder, name="MECSLEEP01_left wrist_012870_2013-06-12 11-40-37.bin", start=WATCH_START) -> None:
    """Thirty-two minutes, shaken from minute 11 to 12."""
    home = folder / "acc"
    home.mkdir(exist_ok=True)
    acc = wrist(1920, 600 / 7, shaken_s=(660, 720))
    temperatures = np.linspace(30, 32, len(acc) // 300).tolist()
    (home / name).write_bytes(geneactiv(acc, start=start, temperatures_c=temperatures))


def write_scoring(folder, subject="01", start="23:50:30", date="10/06/2013", stages=tuple(STAGES), skipped=()) -> None:
    home = folder / "psg"
    home.mkdir(exist_ok=True)
    first = datetime.strptime(start, "%H:%M:%S")
    head = f"RemLogic Event Export\nPatient:\tX\nRecording Date:\t{date}\n\nEvents Included:\nSLEEP-S0\n\n"
    rows = "".join(
        f"{stage}\tUnknown\t{first + timedelta(seconds=30 * epoch):%H:%M:%S}\tSLEEP-{stage}\t30\n"
        for epoch, stage in enumerate(stages)
        if epoch not in skipped
    )
    table = f"Sleep Stage\tPosition\tTime [hh:mm:ss]\tEvent\tDuration[s]\n{rows}"
    (home / f"mecsleep{subject}_psg.txt").write_text(head + table, encoding="utf-8")


def test_movement_stands_where_the_wall_clock_puts_it(tmp_path):
    write_watch(tmp_path)
    write_scoring(tmp_path)
    (night,) = load_nights({"newcastle": tmp_path})
    assert (night.dataset, night.subject) == ("newcastle", "01")
    assert night.reference[:6].tolist() == [0, 1, 2, 3, 4, 2]
    # Scored from 630 s on, over midnight; the watch goes on to 1919 s.
    assert night.tracks.n_epochs == 40
    moved = np.flatnonzero(night.tracks.counts > 5)
    assert moved.tolist() == [2, 3, 4, 5]
    assert night.tracks.start == datetime(2013, 6, 10, 23, 50, 30, tzinfo=timezone(timedelta(hours=1)))
    assert night.groups == {"clock", "counts", "posture", "temperature"}


def test_a_scoring_that_begins_after_midnight_is_of_the_day_after_where_the_watch_says_so(tmp_path):
    write_watch(tmp_path)
    write_scoring(tmp_path, start="00:00:00", stages=STAGES[:20])
    (night,) = load_nights({"newcastle": tmp_path})
    assert night.tracks.start.day == 11
    assert np.nanmax(night.tracks.counts) == 0


def test_an_epoch_without_a_row_is_unscored(tmp_path):
    write_watch(tmp_path)
    write_scoring(tmp_path, skipped=(1, 3))
    (night,) = load_nights({"newcastle": tmp_path})
    assert night.reference[:6].tolist() == [0, -1, 2, -1, 4, 2]


@pytest.mark.parametrize("sides", [("left", "right"), ("right",)])
def test_one_wrist_a_night_the_left_one_where_there_is_one(tmp_path, sides):
    for number, side in enumerate(sides):
        start = WATCH_START + timedelta(minutes=number)
        write_watch(tmp_path, f"MECSLEEP01_{side} wrist_{99 - number:06d}_2013-06-12 11-40-37.bin", start)
    write_scoring(tmp_path)
    (night,) = load_nights({"newcastle": tmp_path})
    assert np.flatnonzero(night.tracks.counts > 5)[0] == 2


def test_damaged_nights_are_named_and_the_others_go_on(tmp_path, capsys):
    for subject in ("01", "02", "03", "04", "05"):
        write_watch(tmp_path, f"MECSLEEP{subject}_left wrist_000001_2013-06-12 11-40-37.bin")
        write_scoring(tmp_path, subject)
    write_scoring(tmp_path, "02", date="12/06/2013")
    write_scoring(tmp_path, "03", stages=["W", "S9", *STAGES])
    write_scoring(tmp_path, "04", start="23:50:30", date="31/02/2013")
    write_scoring(tmp_path, "06")
    watch = next((tmp_path / "acc").glob("MECSLEEP05*"))
    watch.write_bytes(watch.read_bytes().replace(b"y gain", b"y pain"))
    assert [night.subject for night in load_nights({"newcastle": tmp_path})] == ["01"]
    error = capsys.readouterr().err
    for message in (
        "it was recorded from second",
        "mecsleep03_psg.txt: has the unknown stage 'S9'",
        "mecsleep04_psg.txt: has a row or a date that is no time",
        "has no calibration that can be read",
        "the recording of participant 06 is missing",
    ):
        assert message in error


def test_a_watch_without_its_scoring_is_named(tmp_path, capsys):
    write_watch(tmp_path)
    write_scoring(tmp_path)
    write_watch(tmp_path, "MECSLEEP02_left wrist_012871_2013-06-12 11-40-37.bin")
    assert [night.subject for night in load_nights({"newcastle": tmp_path})] == ["01"]
    assert "the scoring of participant 02 is missing" in capsys.readouterr().err
