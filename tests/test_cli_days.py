"""The command line on recordings of many days."""

from __future__ import annotations

import pytest

from staging.cli import main
from tests.made_days import made_days
from tests.test_scored_days import plain


@pytest.fixture(scope="module")
def week(tmp_path_factory):
    return plain(tmp_path_factory.mktemp("recordings") / "P01", made_days())


def test_a_recording_of_days_gives_a_row_and_a_hypnogram_a_night(week, tmp_path, capsys):
    assert main(["score", str(week), "--out", str(tmp_path)]) == 0
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "P01.2026-03-01.hypnogram.csv",
        "P01.2026-03-02.hypnogram.csv",
        "P01.nights.csv",
        "P01.nights.json",
        "P01.report.html",
        "P01.sleeps.csv",
    ]
    assert len((tmp_path / "P01.nights.csv").read_text().splitlines()) == 3
    shown = capsys.readouterr().out
    assert "2026-03-01" in shown
    assert "mean of 2" in shown


def test_several_recordings_are_one_table_whatever_their_length(week, tmp_path, capsys):
    night = plain(tmp_path / "P02", made_days(((1.0, 8.0),), hours=9.0))
    assert main(["score", str(week), str(night), "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr()
    assert "2 of 2 recordings scored" in said.err
    assert all(name in said.out for name in ("P01.2026-03-01", "P01.2026-03-02", "P02"))
    assert (tmp_path / "out" / "P02.architecture.json").is_file()


def test_a_diary_gives_the_nights(week, tmp_path, capsys):
    diary = tmp_path / "diary.csv"
    diary.write_text("date,lights_off,lights_on\n2026-03-01,22:30,07:15\n", encoding="utf-8")
    assert main(["score", str(week), "--diary", str(diary), "--out", str(tmp_path / "out")]) == 0
    assert "22:30-07:15" in capsys.readouterr().out
    diary.write_text("date,lights_off,lights_on\n2026-03-01,22:30,later\n", encoding="utf-8")
    assert main(["score", str(week), "--diary", str(diary), "--out", str(tmp_path / "out")]) == 2
    assert "line 2" in capsys.readouterr().err


def test_the_length_that_decides_can_be_overruled(week, tmp_path, capsys):
    assert main(["score", str(week), "--whole", "--out", str(tmp_path / "a"), "--quiet"]) == 0
    assert (tmp_path / "a" / "P01.hypnogram.csv").is_file()
    night = plain(tmp_path / "P02", made_days(((1.0, 8.0),), hours=9.0))
    assert main(["score", str(night), "--nights", "--out", str(tmp_path / "b"), "--quiet"]) == 0
    assert (tmp_path / "b" / "P02.nights.csv").is_file()
    with pytest.raises(SystemExit):
        main(["score", str(night), "--nights", "--whole"])
    assert "not allowed with" in capsys.readouterr().err


def test_a_diary_gives_the_zones_of_a_journey(week, tmp_path, capsys):
    diary = tmp_path / "diary.csv"
    diary.write_text("date,lights_off,lights_on,zone\n2026-03-02,18:00,01:30,America/New_York\n", encoding="utf-8")
    assert main(["score", str(week), "--diary", str(diary), "--out", str(tmp_path / "out")]) == 0
    shown = capsys.readouterr().out
    assert "  in America/New_York" in shown
    assert "18:00-01:30" in shown
    diary.write_text("date,lights_off,lights_on,zone\n2026-03-02,18:00,01:30,Nowhere\n", encoding="utf-8")
    assert main(["score", str(week), "--diary", str(diary), "--out", str(tmp_path / "out")]) == 2
    assert "line 2: zone: 'Nowhere' is not a known time zone" in capsys.readouterr().err
