"""Diaries and lights times: on the wearer's clock, whatever it does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging.days.diary import diary_sleeps, diary_zones, nightly_lights, read_diary
from staging.days.zones import ZoneFrom, local_clock
from staging.errors import FormatError, InputError
from staging.when import parse_lights
from staging.wording import NightClock

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 3, 27, 12, tzinfo=BERLIN)


def diary(tmp_path, text):
    path = tmp_path / "diary.csv"
    path.write_bytes(text.encode())
    return path


def test_times_without_an_offset_are_on_the_wearers_clock_through_the_change_of_clocks(tmp_path):
    path = diary(
        tmp_path, "lights_off,lights_on\n2026-03-27 23:00,2026-03-28 07:00\n2026-03-28 23:00,2026-03-29 07:00\n"
    )
    sleeps = diary_sleeps(read_diary(path), start=NOON, end_s=72 * 3600.0, where="diary.csv")
    assert [(s.begin_s / 3600, s.end_s / 3600) for s in sleeps] == [(11.0, 19.0), (35.0, 42.0)]


def test_times_with_an_offset_are_that_moment(tmp_path):
    path = diary(tmp_path, "lights_off,lights_on\n2026-03-27T22:00+00:00,2026-03-28T06:00+00:00\n")
    (sleep,) = diary_sleeps(read_diary(path), start=NOON, end_s=72 * 3600.0, where="diary.csv")
    assert (sleep.begin_s / 3600, sleep.end_s / 3600, sleep.source) == (11.0, 19.0, "diary")


@pytest.mark.parametrize(
    "head", ["date,lights_off,lights_on", "Date;Lights off;Lights-on", "date\tlights_off\tlights_on"]
)
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_times_of_day_belong_to_the_evening_of_the_date(tmp_path, head, bom):
    mark = next(mark for mark in ",;\t" if mark in head)
    rows = [["2026-03-01", "22:45", "6:30"], ["2026-03-02", "0:15", "8:00"], ["2026-03-03", "08:30", "15:00"]]
    path = diary(tmp_path, bom + "\r\n".join([head, *(mark.join(row) for row in rows)]))
    assert [(str(night.off), str(night.on)) for night in read_diary(path)] == [
        ("2026-03-01 22:45:00", "2026-03-02 06:30:00"),
        ("2026-03-03 00:15:00", "2026-03-03 08:00:00"),
        ("2026-03-04 08:30:00", "2026-03-04 15:00:00"),
    ]


def test_nights_that_were_not_noted_and_other_columns_are_passed_over(tmp_path):
    path = diary(tmp_path, "date,mood,lights_off,lights_on\n2026-03-01,fine,,\n2026-03-02,,22:00,06:00\n\n")
    assert [night.line for night in read_diary(path)] == [3]


def test_rows_of_other_people_are_passed_over(tmp_path):
    path = diary(
        tmp_path,
        "name,date,lights_off,lights_on\nP01,2026-03-27,23:00,07:00\nP02,2026-03-27,22:00,06:00\n",
    )
    (sleep,) = diary_sleeps(read_diary(path), start=NOON, end_s=86_400.0, names=("p02", ""), where="diary.csv")
    assert sleep.begin_s == 10 * 3600
    with pytest.raises(InputError, match="p03"):
        diary_sleeps(read_diary(path), start=NOON, end_s=86_400.0, names=("P03",), where="diary.csv")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "lights_off"),
        ("lights_off\n2026-03-01 22:00\n", "lights_on"),
        ("lights_off,lights_on\n22:00,06:00\n", "line 2.*date"),
        ("date,lights_off,lights_on\n1.3.2026,22:00,06:00\n", "line 2.*'1.3.2026'"),
        ("date,lights_off,lights_on\n2026-03-01,late,06:00\n", "line 2.*'late'"),
        ("date,lights_off,lights_on\n9999-12-31,22:00,06:00\n", "line 2.*'9999-12-31' is none"),
        ("date,lights_off,lights_on,zone\n0001-01-01,,,Asia/Tokyo\n", "line 2.*'0001-01-01' is none"),
        ("lights_off,lights_on\n0001-01-01 00:10,0001-01-01 07:00\n", "line 2.*not a time"),
        ("date,lights_off,lights_on\n2026-03-01,,\n", "no night"),
    ],
)
def test_a_diary_that_cannot_be_understood_is_refused_by_line(tmp_path, text, complaint):
    with pytest.raises(FormatError, match=complaint):
        read_diary(diary(tmp_path, text))


def test_a_file_that_is_no_diary_is_refused(tmp_path):
    path = tmp_path / "diary.csv"
    with pytest.raises(FormatError, match="cannot be read"):
        read_diary(path)
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(FormatError, match="UTF-8"):
        read_diary(path)


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ("2026-03-28 07:00,2026-03-27 23:00", "does not follow"),
        ("2026-03-27 23:00,2026-03-29 23:00", "does not follow"),
        ("2026-03-27 23:00,2026-03-28 07:00\n2026-03-28 05:00,2026-03-28 09:00", "line 3"),
        ("2025-03-27 23:00,2025-03-28 07:00", "none of its nights"),
    ],
)
def test_nights_that_contradict_the_clock_or_each_other_are_refused(tmp_path, rows, complaint):
    nights = read_diary(diary(tmp_path, f"lights_off,lights_on\n{rows}\n"))
    with pytest.raises(InputError, match=complaint):
        diary_sleeps(nights, start=NOON, end_s=86_400.0, where="diary.csv")


def test_a_diary_needs_a_clock(tmp_path):
    nights = read_diary(diary(tmp_path, "lights_off,lights_on\n2026-03-27 23:00,2026-03-28 07:00\n"))
    with pytest.raises(InputError, match="clock"):
        diary_sleeps(nights, start=None, end_s=86_400.0, where="diary.csv")


def lights(off, on, **given_):
    return [
        (s.begin_s / 3600, s.end_s / 3600)
        for s in nightly_lights(parse_lights(off), parse_lights(on), **{"start": NOON, "end_s": 72 * 3600.0, **given_})
    ]


def test_lights_times_of_day_hold_every_night_on_the_wearers_clock():
    assert lights("23:00", "07:00") == [(11.0, 19.0), (35.0, 42.0), (58.0, 66.0)]


def test_lights_of_who_sleeps_by_day():
    assert lights("08:00", "15:00") == [(20.0, 27.0), (43.0, 50.0), (67.0, 74.0)][:2]


def test_dated_and_elapsed_lights_are_one_night():
    assert lights("2026-03-27T22:00+00:00", "2026-03-28T06:00+00:00") == [(11.0, 19.0)]
    assert lights("660min", "1140min", start=None) == [(11.0, 19.0)]


@pytest.mark.parametrize(
    ("off", "on", "given_", "complaint"),
    [
        ("23:00", "60min", {}, "both alike"),
        ("23:00", "07:00", {"start": None}, "clock"),
        ("60min", "30min", {}, "does not follow"),
        ("23:00", "07:00", {"end_s": 3600.0}, "no such night"),
        ("2026-03-27T22:00+00:00", "2026-03-28T06:00+00:00", {"start": None}, "clock"),
    ],
)
def test_lights_that_make_no_night_are_refused(off, on, given_, complaint):
    with pytest.raises(InputError, match=complaint):
        lights(off, on, **given_)


@settings(deadline=None, max_examples=40)
@given(off=st.integers(0, 1439), on=st.integers(0, 1439), day=st.integers(1, 28), days=st.integers(2, 8))
def test_every_night_of_lights_lies_in_the_recording_and_apart(off, on, day, days):
    start = datetime(2026, 10, day, 12, tzinfo=UTC).astimezone(BERLIN)
    if off == on:
        return
    spans = lights(f"{off // 60}:{off % 60:02d}", f"{on // 60}:{on % 60:02d}", start=start, end_s=days * 86_400.0)
    assert all(0 <= begin < end <= days * 24 for begin, end in spans)
    assert all(end <= begin for (_, end), (begin, _) in pairwise(spans))
    assert len(spans) >= days - 1


HOME, AWAY = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
JOURNEY = (
    "date,lights_off,lights_on,zone\n"
    "2026-06-01,23:00,07:00,\n"
    "2026-06-02,22:00,06:00,America/New_York\n"
    "2026-06-03,23:00,07:00,\n"
    "2026-06-04,23:30,07:30,Europe/Berlin\n"
)
START = datetime(2026, 6, 1, 12, tzinfo=HOME)


def test_each_row_of_a_journey_is_read_on_the_clock_of_its_place_until_another_row_says_otherwise(tmp_path):
    rows = read_diary(diary(tmp_path, JOURNEY))
    sleeps = diary_sleeps(rows, start=START, end_s=96 * 3600.0, where="diary.csv")
    begins = [(START.astimezone(UTC) + timedelta(seconds=sleep.begin_s)).isoformat() for sleep in sleeps]
    assert begins == [
        "2026-06-01T21:00:00+00:00",
        "2026-06-03T02:00:00+00:00",
        "2026-06-04T03:00:00+00:00",
        "2026-06-04T21:30:00+00:00",
    ]
    assert [sleep.end_s - sleep.begin_s for sleep in sleeps] == [8 * 3600.0] * 4
    zones = diary_zones(rows, start=START, where="diary.csv")
    noon_there = datetime(2026, 6, 2, 12, tzinfo=AWAY).timestamp() - START.timestamp()
    noon_back = datetime(2026, 6, 4, 12, tzinfo=HOME).timestamp() - START.timestamp()
    morning_there = sleeps[2].end_s
    assert zones == (ZoneFrom(noon_there, AWAY), ZoneFrom(max(noon_back, morning_there), HOME))
    assert morning_there > noon_back, "a night that ends after that noon is shown where it was slept"


def test_rows_may_stand_in_any_order_and_of_several_people(tmp_path):
    head, *rows = JOURNEY.splitlines()
    other = "2026-06-02,22:00,06:00,Asia/Tokyo,P02"
    text = "\n".join([f"{head},name", other, *(f"{row},P01" for row in reversed(rows))])
    mixed = read_diary(diary(tmp_path, text))
    plain = read_diary(diary(tmp_path, JOURNEY))
    for each in (diary_sleeps, diary_zones):
        options = {"end_s": 96 * 3600.0} if each is diary_sleeps else {}
        there = each(mixed, start=START, names=("p01",), where="diary.csv", **options)
        assert there == each(plain, start=START, where="diary.csv", **options)


def test_a_row_may_say_where_somebody_slept_and_not_when(tmp_path):
    rows = read_diary(diary(tmp_path, "date,zone,lights_off,lights_on\n2026-06-02,America/New_York,,\n"))
    assert diary_sleeps(rows, start=START, end_s=96 * 3600.0, where="diary.csv") == []
    ((from_s, zone),) = diary_zones(rows, start=START, where="diary.csv")
    assert (from_s / 3600, zone) == (30.0, AWAY)


def test_a_zone_that_is_the_recordings_own_changes_nothing(tmp_path):
    rows = read_diary(diary(tmp_path, "date,zone,lights_off,lights_on\n2026-06-02,Europe/Berlin,23:00,07:00\n"))
    assert diary_zones(rows, start=START, where="diary.csv") == ()


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("2026-06-02,23:00,07:00,Berlin", "line 2: zone: 'Berlin' is not a known time zone"),
        (",,,Europe/Berlin", "line 2: .*date of the evening"),
    ],
)
def test_a_zone_that_cannot_be_understood_is_refused_by_line(tmp_path, row, complaint):
    with pytest.raises(InputError, match=complaint):
        read_diary(diary(tmp_path, f"date,lights_off,lights_on,zone\n{row}\n"))


@settings(deadline=None, max_examples=60)
@given(
    zones=st.lists(
        st.sampled_from(["", "Europe/Berlin", "America/New_York", "Asia/Tokyo", "Pacific/Apia", "America/Adak"]),
        min_size=1,
        max_size=8,
    ),
    day=st.integers(1, 28),
    month=st.integers(1, 12),
)
def test_every_night_of_a_diary_begins_and_ends_in_its_own_zone(zones, day, month, tmp_path_factory):
    first = datetime(2026, month, day)
    evenings = [(first + timedelta(days=2 * index)).date() for index in range(len(zones))]
    rows = "".join(f"{evening},23:00,07:00,{zone}\n" for evening, zone in zip(evenings, zones, strict=True))
    noted = read_diary(diary(tmp_path_factory.mktemp("diary"), f"date,lights_off,lights_on,zone\n{rows}"))
    start = (first - timedelta(days=2)).replace(tzinfo=UTC)
    end_s = 2.0 * 86_400 * (len(zones) + 3)
    clock = NightClock(start, end_s)
    found = diary_zones(noted, start=start, where="diary.csv")
    assert all(one.from_s < other.from_s for one, other in pairwise(found))
    here = "UTC"
    for sleep, zone in zip(diary_sleeps(noted, start=start, end_s=end_s, where="diary.csv"), zones, strict=True):
        here = zone or here
        there = local_clock(clock, found, sleep.begin_s)
        assert (there.zone, there.text(sleep.begin_s), there.text(sleep.end_s)) == (here, "23:00", "07:00")
