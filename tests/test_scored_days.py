"""From a recording of days to its files: each night as if it had been recorded alone, all files or none."""

from __future__ import annotations

import csv
import dataclasses
import json
import re
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from staging.architecture.many import tidy_table
from staging.days import DiaryPlace, Sleep, ZoneFrom, cut
from staging.errors import InputError, OutputError, RecordingError
from staging.outputs_days import DAYS_SUFFIXES, nights_json, write_days
from staging.pipeline import _zones, score_days, score_recording
from staging.recording import Recording
from staging.report.days import render_days, wall_clock_h
from staging.scored import ScoredNight
from staging.scored_days import ScoredDays, night_labels
from staging.scorings import read_csv
from staging.stager import stage
from staging.terminal_days import days_screen
from staging.when import parse_lights
from staging.wording import NightClock, minutes_text
from tests.made_days import START, made_days

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture(scope="module")
def scored():
    return score_days(made_days(naps=[(3.0, 4.0)], warnings=("of the reader <b>",)), name="week")


def plain(folder, recording):
    """The recording as a folder in the plain schema."""
    folder.mkdir()
    for name, column in (("counts", "counts"), ("hr", "bpm")):
        events = getattr(recording, name)
        rows = "\n".join(f"{t:g},{v:g}" for t, v in zip(events.times_s.tolist(), events.values.tolist(), strict=True))
        (folder / f"{name}.csv").write_text(f"t_s,{column}\n{rows}\n", encoding="utf-8")
    (folder / "recording.toml").write_text(f'start = "{recording.start.isoformat()}"\n', encoding="utf-8")
    return folder


def test_each_night_is_staged_as_if_it_had_been_recorded_alone(scored):
    assert scored.labels == ("2026-03-01", "2026-03-02")
    night, sleep = scored.nights[1], scored.night_sleeps[1]
    off_s = night.hypnogram.lights_off_s
    first = round((sleep.begin_s - off_s) / 30)
    alone = cut(made_days(naps=[(3.0, 4.0)]), first, first + len(night.hypnogram))
    assert stage(alone).stages.tolist() == night.hypnogram.stages.tolist()
    assert night.hypnogram.lights_on_s - off_s == sleep.end_s - sleep.begin_s
    assert 0 < off_s <= 1830
    assert any("was found from movement" in warning for warning in night.warnings)


def test_nights_that_are_given_stand_as_given():
    given = [Sleep(begin_s=10.5 * 3600, end_s=19.5 * 3600, source="diary")]
    scored = score_days(made_days(), name="week", given=given)
    assert [sleep.source for sleep in scored.night_sleeps] == ["diary", "found"]
    assert scored.nights[0].architecture.tib_min == 540.0
    assert not any("was found" in warning for warning in scored.nights[0].warnings)
    screen = days_screen(scored)
    assert [line.endswith(" *") for line in screen.splitlines() if re.match(r"  \d{4}-\d\d-\d\d +[\d:]+-", line)] == [
        True,
        False,
    ]
    assert "  * time in bed from the diary\n" in screen


def test_a_night_that_was_not_recorded_is_named_and_the_others_are_scored():
    given = [Sleep(begin_s=60.0 * 3600, end_s=68 * 3600, source="diary")]
    scored = score_days(made_days(), name="week", given=given)
    assert len(scored.nights) == 2
    ((sleep, reason),) = scored.unstaged
    assert sleep == given[0]
    assert any("2026-03-04 00:00" in warning and reason in warning for warning in scored.warnings)


def test_days_without_sleep_are_refused():
    with pytest.raises(RecordingError, match=r"no sleep of three hours.*--whole"):
        score_days(made_days(nights=()), name="week")


def test_two_nights_of_one_evening_have_two_names():
    clock = NightClock(START, 0.0)
    sleeps = [Sleep(begin_s=h * 3600.0, end_s=h * 3600.0 + 1) for h in (1, 13, 30)]
    assert night_labels(clock, sleeps) == ("2026-03-01", "2026-03-01-2", "2026-03-02")


def test_the_files_say_the_same_and_can_be_read_again(scored, tmp_path):
    files = write_days(scored, tmp_path)
    assert [file.name for file in files[:4]] == [f"week{suffix}" for suffix in DAYS_SUFFIXES]
    assert [file.name for file in files[4:]] == [f"week.{label}.hypnogram.csv" for label in scored.labels]
    rows = list(csv.DictReader(files[0].read_text(encoding="utf-8").splitlines()))
    columns, _ = tidy_table([night.architecture for night in scored.nights], subjects=["P01", "P01"])
    assert list(rows[0]) == columns
    assert [row["night"] for row in rows] == list(scored.labels)
    assert [float(row["tst_min"]) for row in rows] == [night.architecture.tst_min for night in scored.nights]
    sleeps = list(csv.DictReader(files[1].read_text(encoding="utf-8").splitlines()))
    assert [row["kind"] for row in sleeps] == ["nap", "night", "night"]
    assert sleeps[1]["begin_utc"] == scored.clock.iso(scored.night_sleeps[0].begin_s)
    content = json.loads(files[2].read_text(encoding="utf-8"))
    assert content["files"] == [file.name for file in files]
    assert content["sleeps"][1]["worn_pct"] == 100.0
    assert [night["label"] for night in content["nights"]] == list(scored.labels)
    for file, night in zip(files[4:], scored.nights, strict=True):
        again = read_csv(file)
        assert again.stages.tolist() == night.hypnogram.stages.tolist()
        assert again.start == night.hypnogram.start


def test_the_same_days_give_the_same_bytes(scored, tmp_path):
    again = score_days(made_days(naps=[(3.0, 4.0)], warnings=("of the reader <b>",)), name="week")
    for folder, one in (("a", scored), ("b", again)):
        (tmp_path / folder).mkdir()
        write_days(one, tmp_path / folder)
    for file in (tmp_path / "a").iterdir():
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes()


def test_results_of_other_days_are_not_replaced_unasked(scored, tmp_path):
    write_days(scored, tmp_path)
    other = dataclasses.replace(scored, source="P02/other.zip")
    with pytest.raises(OutputError, match=r"not made from other\.zip"):
        write_days(other, tmp_path)
    write_days(other, tmp_path, overwrite=True)
    assert json.loads((tmp_path / "week.nights.json").read_text())["made_from"]["file"] == "other.zip"


def test_hypnograms_of_nights_that_are_no_more_are_removed_and_nothing_else(scored, tmp_path):
    write_days(scored, tmp_path)
    (tmp_path / "week.notes.txt").write_text("mine", encoding="utf-8")
    fewer = dataclasses.replace(scored, nights=scored.nights[:1], night_sleeps=scored.night_sleeps[:1])
    write_days(fewer, tmp_path)
    names = sorted(file.name for file in tmp_path.iterdir())
    assert "week.2026-03-02.hypnogram.csv" not in names
    assert "week.notes.txt" in names
    assert "week.2026-03-01.hypnogram.csv" in names


def test_a_failure_leaves_no_file(scored, tmp_path):
    (tmp_path / "week.report.html").mkdir()
    with pytest.raises(OutputError):
        write_days(scored, tmp_path, overwrite=True)
    assert [file.name for file in tmp_path.iterdir()] == ["week.report.html"]


def test_the_report_has_a_page_a_night_and_loads_nothing(scored):
    page = render_days(scored)
    assert page.count('class="nightpage"') == 2
    assert page.count("<html") == 1
    assert "http" not in page.replace("http-equiv", "")
    assert "of the reader &lt;b&gt;" in page
    ids = [part.split('"')[0] for part in page.split(' id="')[1:]]
    assert len(ids) == len(set(ids))
    for number, label in enumerate(scored.labels, start=1):
        assert f'<a href="#n{number}-">{label}</a>' in page
    assert "<script" not in page
    assert re.search(r"in bed 2[23]:", page)
    assert "lights off" not in page.replace("when lights went off", "")


def test_the_clock_of_the_raster_jumps_with_the_clocks():
    spring = wall_clock_h(datetime(2026, 3, 28, 12, tzinfo=BERLIN), 24 * 120)
    autumn = wall_clock_h(datetime(2026, 10, 24, 12, tzinfo=BERLIN), 24 * 120)
    assert (spring[0], autumn[0]) == (0.0, 0.0)
    step = np.diff(spring)
    assert np.flatnonzero(step > 0.5).tolist() == [14 * 120 - 1]
    assert step.max() == pytest.approx(1 + 1 / 120)
    assert np.diff(autumn).min() == pytest.approx(-1 + 1 / 120)
    assert spring[-1] == pytest.approx(25 - 1 / 120)


def test_the_screen_has_a_line_a_night_of_80_columns(scored):
    lines = days_screen(scored).splitlines()
    assert all(len(line) <= 80 for line in lines)
    heading = next(index for index, line in enumerate(lines) if "night of" in line)
    assert [line.split()[0] for line in lines[heading + 1 : heading + 3]] == list(scored.labels)
    assert any("quiet rest: 1" in line for line in lines)


@pytest.mark.parametrize("hours", [10.0, 17.9])
def test_a_recording_of_one_night_goes_on_as_one_night(tmp_path, hours):
    folder = plain(tmp_path / "P01", made_days(((1.0, 8.0),), hours=hours))
    assert isinstance(score_recording(folder, name="P01"), ScoredNight)


def test_a_recording_of_days_is_searched_and_may_be_taken_as_a_whole(tmp_path):
    folder = plain(tmp_path / "P01", made_days())
    found = score_recording(folder, name="P01", zone=BERLIN)
    assert isinstance(found, ScoredDays)
    assert found.clock.text(0.0) == "13:00"
    whole = score_recording(folder, name="P01", whole=True)
    assert isinstance(whole, ScoredNight)
    assert len(whole.hypnogram) == 48 * 120


def test_lights_times_of_day_hold_for_every_night(tmp_path):
    folder = plain(tmp_path / "P01", made_days())
    scored = score_recording(folder, name="P01", lights_off=parse_lights("22:30"), lights_on=parse_lights("07:30"))
    assert [night.architecture.tib_min for night in scored.nights] == [540.0, 540.0]
    with pytest.raises(InputError, match="give both"):
        score_recording(folder, name="P01", lights_off=parse_lights("22:30"))


def test_days_without_a_clock_have_numbered_nights(tmp_path):
    scored = score_days(made_days(start=None), name="week")
    assert scored.labels == ("night-1", "night-2")
    write_days(scored, tmp_path)
    assert json.loads(nights_json(scored))["made_from"]["start"] is None


def test_nothing_of_a_recording_is_lost_when_it_holds_no_channel():
    with pytest.raises(RecordingError):
        score_days(Recording(), name="week")


JOURNEY = [ZoneFrom(30 * 3600.0, ZoneInfo("America/New_York"))]


@pytest.fixture(scope="module")
def travelled():
    nights = ((11.0, 19.0), (40.0, 47.5))
    recording = made_days(nights, hours=60.0, naps=[(32.0, 33.0)], start=START.astimezone(BERLIN))
    return score_days(recording, name="week", zones=JOURNEY)


def test_each_night_of_a_journey_is_shown_where_it_was_slept(travelled):
    assert travelled.labels == ("2026-03-01", "2026-03-02")
    first, second = travelled.nights
    assert (first.clock.zone, second.clock.zone) == ("Europe/Berlin", "America/New_York")
    assert first.hypnogram.start.utcoffset().total_seconds() == 3600
    assert second.hypnogram.start.utcoffset().total_seconds() == -5 * 3600
    midpoints = [night.architecture.metrics["sleep_midpoint_clock_h"] for night in travelled.nights]
    assert midpoints == [pytest.approx(4.0, abs=0.3), pytest.approx(2.75, abs=0.3)]


def test_the_files_of_a_journey_give_local_times_with_their_zone_and_utc(travelled, tmp_path):
    files = write_days(travelled, tmp_path)
    rows = list(csv.DictReader(files[1].read_text(encoding="utf-8").splitlines()))
    assert [(row["kind"], row["zone"]) for row in rows] == [
        ("night", "Europe/Berlin"),
        ("nap", "America/New_York"),
        ("night", "America/New_York"),
    ]
    for row in rows:
        for end in ("begin", "end"):
            assert datetime.fromisoformat(row[end]) == datetime.fromisoformat(row[f"{end}_utc"])
            assert datetime.fromisoformat(row[f"{end}_utc"]).utcoffset().total_seconds() == 0
    assert rows[2]["begin"].endswith("-05:00")
    starts = [row["start"] for row in csv.DictReader(files[0].read_text(encoding="utf-8").splitlines())]
    assert [start[-6:] for start in starts] == ["+01:00", "-05:00"]
    content = json.loads(files[2].read_text(encoding="utf-8"))
    assert [sleep["zone"] for sleep in content["sleeps"]] == [row["zone"] for row in rows]
    assert read_csv(files[5]).start == travelled.nights[1].hypnogram.start


def test_a_journey_stages_every_epoch_as_if_nobody_had_flown(travelled):
    nights = ((11.0, 19.0), (40.0, 47.5))
    stayed = score_days(made_days(nights, hours=60.0, naps=[(32.0, 33.0)], start=START.astimezone(BERLIN)), name="week")
    for flown, home in zip(travelled.nights, stayed.nights, strict=True):
        assert flown.hypnogram.stages.tolist() == home.hypnogram.stages.tolist()
        assert flown.hypnogram.start == home.hypnogram.start
    assert travelled.together.sri == stayed.together.sri


def test_the_page_and_the_screen_of_a_journey_say_whose_clock_it_is(travelled):
    page = render_days(travelled)
    assert page.count("<small>America/New_York</small>") == 2
    assert page.count("<small>Europe/Berlin</small>") == 1
    assert "on this one clock" in page
    lines = days_screen(travelled).splitlines()
    assert all(len(line) <= 80 for line in lines)
    night = next(index for index, line in enumerate(lines) if "2026-03-02" in line and "-" in line.split()[1])
    assert lines[night - 1].strip() == "in America/New_York"
    assert re.search(r"2[23]:\d\d-0[56]:\d\d", lines[night])


def test_zones_for_a_device_that_was_set_nobody_knows_where_are_refused(tmp_path):
    recording = made_days(wall_clock=True)
    rows = [DiaryPlace(line=2, noon=datetime(2026, 3, 2, 12), zone=ZoneInfo("America/New_York"))]
    with pytest.raises(InputError, match="say with --timezone"):
        _zones(recording, ("diary.csv", rows), "week")
    assert len(_zones(recording.in_zone(BERLIN), ("diary.csv", rows), "week")) == 1


def test_a_nap_is_staged_as_if_it_had_been_recorded_alone(scored):
    (sleep,), (nap,) = scored.nap_sleeps, scored.naps
    assert sleep.kind == "nap"
    first = round((sleep.begin_s - nap.hypnogram.lights_off_s) / 30)
    alone = cut(made_days(naps=[(3.0, 4.0)]), first, first + len(nap.hypnogram))
    assert stage(alone).stages.tolist() == nap.hypnogram.stages.tolist()
    assert nap.architecture.tib_min == pytest.approx((sleep.end_s - sleep.begin_s) / 60)
    assert nap.intervals is None, "how sure metrics are was measured on nights"


def test_naps_are_no_nights(scored, tmp_path):
    without = score_days(made_days(), name="week")
    assert len(scored.nights) == len(scored.together.nights) == len(without.nights)
    files = write_days(scored, tmp_path)
    assert not any("nap" in file.name for file in files)


def test_every_sleep_that_was_staged_has_its_minutes_of_each_stage(scored, tmp_path):
    write_days(scored, tmp_path)
    rows = list(csv.DictReader((tmp_path / "week.sleeps.csv").read_text(encoding="utf-8").splitlines()))
    assert [(row["kind"], row["staged"]) for row in rows] == [("nap", "True"), ("night", "True"), ("night", "True")]
    for row, night in zip(rows, (*scored.naps, *scored.nights), strict=True):
        assert float(row["tst_min"]) == night.architecture.tst_min
        asleep = sum(float(row[f"{stage}_min"]) for stage in ("n1", "n2", "n3", "r"))
        assert asleep == pytest.approx(float(row["tst_min"]))
        scored_min = float(row["minutes"]) * float(row["scored_pct"]) / 100
        assert asleep + float(row["w_min"]) == pytest.approx(scored_min, abs=0.5)
    content = json.loads((tmp_path / "week.nights.json").read_text(encoding="utf-8"))
    assert [sleep["tst_min"] for sleep in content["sleeps"]] == [float(row["tst_min"]) for row in rows]


def test_the_page_and_the_screen_say_how_much_of_the_naps_was_sleep_and_that_it_is_not_sure(scored):
    asleep = minutes_text(scored.naps[0].architecture.tst_min)
    page = render_days(scored)
    assert f"asleep {asleep}" in page
    assert "how right it is about naps is not known" in page
    assert f"asleep {minutes_text(round(scored.naps[0].architecture.tst_min))}" in days_screen(scored)
