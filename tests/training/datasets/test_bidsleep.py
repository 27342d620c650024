"""Nights in the published layout, with made-up numbers."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from scipy.io import savemat

from training.datasets import load_nights

from .made_signals import wrist

STAGES = np.array([0, 1, 2, 3, 4, 5, *[2] * 30], np.uint8)
EAST = ZoneInfo("America/New_York")
START = datetime(2024, 6, 3, 22, 15, tzinfo=EAST)


def write(folder, subject="Bidslab00", night="1", start=START, before_s=50, after_s=7200) -> None:
    """A watch that runs before the labels and long after them; shaken in the second epoch."""
    home = folder / subject / night
    home.mkdir(parents=True)
    labels = {"recStart": f"{start:%Y-%m-%d %H:%M:%S}", "expert_label": STAGES, "dreem_label": STAGES[:3]}
    savemat(home / "labels.mat", labels)
    end_s = 30 * len(STAGES) + after_s
    times = start.timestamp() + np.arange(-before_s, end_s, 5.0)
    np.savetxt(home / "hr.csv", np.c_[times, 60 + np.sin(times / 60)], delimiter=",", fmt="%.4f")
    acc = wrist(before_s + 30 * len(STAGES) + 60, 33.0, shaken_s=(before_s + 30, before_s + 60))
    times = start.timestamp() - before_s + np.arange(len(acc)) / 33.0
    table = np.c_[times, acc]
    np.savetxt(home / "motion.csv", table, delimiter=",", fmt="%.4f", header="Timestamp,x,y,z", comments="")


def test_a_night_is_cut_to_its_labels_on_eastern_time(tmp_path):
    write(tmp_path)
    (night,) = load_nights({"bidsleep": tmp_path})
    assert (night.dataset, night.subject) == ("bidsleep", "Bidslab00")
    assert night.reference.tolist() == [0, 1, 2, 3, 4, -1, *[2] * 30]
    assert night.tracks.start == datetime(2024, 6, 3, 22, 15, tzinfo=timezone(timedelta(hours=-4)))
    assert night.tracks.n_epochs == len(STAGES)
    assert np.nanmedian(night.tracks.heart_rate_bpm) == pytest.approx(60, abs=1)
    assert night.tracks.counts[2:4].min() > 0
    assert np.nanmax(night.tracks.counts[6:]) == 0


def test_nights_of_one_person_are_of_one_subject(tmp_path):
    for subject, night in (("Bidslab00", "1"), ("Bidslab00", "2"), ("Bidslab07", "1")):
        write(tmp_path, subject, night)
    nights = load_nights({"bidsleep": tmp_path})
    assert [night.subject for night in nights] == ["Bidslab00", "Bidslab00", "Bidslab07"]


@pytest.mark.parametrize("fold", [0, 1])
def test_in_the_hour_that_comes_twice_the_heart_rate_tells_which(tmp_path, fold):
    start = datetime(2024, 11, 3, 1, 30, tzinfo=EAST, fold=fold)
    write(tmp_path, start=start)
    (night,) = load_nights({"bidsleep": tmp_path})
    assert night.tracks.start.utcoffset() == timedelta(hours=-4 - fold)
    assert np.isfinite(night.tracks.heart_rate_bpm[:12]).all()


def test_a_night_without_movement_is_one_of_the_heart(tmp_path):
    write(tmp_path)
    (tmp_path / "Bidslab00" / "1" / "motion.csv").unlink()
    (night,) = load_nights({"bidsleep": tmp_path})
    assert night.groups == {"clock", "heart"}


def test_damaged_nights_are_named_and_the_others_go_on(tmp_path, capsys):
    for night in "123456":
        write(tmp_path, night=night)
    homes = {night: tmp_path / "Bidslab00" / night for night in "123456"}
    (homes["2"] / "labels.mat").write_bytes((homes["2"] / "labels.mat").read_bytes()[:150])
    (homes["3"] / "hr.csv").write_text("what,is\nthis,now\n", encoding="ascii")
    savemat(homes["4"] / "labels.mat", {"recStart": "2024-06-03 22:15:00", "expert_label": STAGES + 3})
    savemat(homes["5"] / "labels.mat", {"recStart": "2024-07-03 22:15:00", "expert_label": STAGES})
    (homes["6"] / "hr.csv").unlink()
    (homes["6"] / "motion.csv").unlink()
    assert len(load_nights({"bidsleep": tmp_path})) == 1
    error = capsys.readouterr().err
    for message in (
        "2/labels.mat: cannot be read as the set's labels.mat",
        "3/hr.csv: has no row with a time",
        "4/labels.mat: has the unknown stage 6",
        "5: it was recorded from second",
        "6: has neither hr.csv nor motion.csv",
    ):
        assert message in error


def test_a_night_without_labels_is_named(tmp_path, capsys):
    write(tmp_path)
    write(tmp_path, night="2")
    (tmp_path / "Bidslab00" / "2" / "labels.mat").unlink()
    assert len(load_nights({"bidsleep": tmp_path})) == 1
    assert "2: has no labels.mat" in capsys.readouterr().err
