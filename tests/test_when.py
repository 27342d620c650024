"""Lights times and zones as users write them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from staging.errors import InputError
from staging.when import LightsTime, parse_lights, resolve_lights, time_zone

BERLIN = ZoneInfo("Europe/Berlin")


@given(st.integers(0, 86399))
def test_a_time_of_day_is_read_as_it_is_written(second):
    hours, minutes, seconds = second // 3600, second // 60 % 60, second % 60
    assert parse_lights(f"{hours:02d}:{minutes:02d}:{seconds:02d}") == LightsTime(
        text=f"{hours:02d}:{minutes:02d}:{seconds:02d}", day_s=second
    )


@pytest.mark.parametrize("text", ["", "24:00", "22.45", "10 pm", "12:60", "-5min", "nan s", "2026-13-01T00:00+00:00"])
def test_what_is_no_time_is_refused_with_examples(text):
    with pytest.raises(InputError, match=r"--lights-off: .* is not a time; write 22:45"):
        parse_lights(text, option="--lights-off")


def test_a_date_without_a_zone_is_refused():
    with pytest.raises(InputError, match="has no time zone"):
        parse_lights("2026-03-01T22:45")


def lights(start, off=None, on=None, *, hours=9.0, known=(None, None)):
    off, on = (text and parse_lights(text) for text in (off, on))
    return resolve_lights(off, on, start=start, end_s=hours * 3600, known=known, where="night.zip")


def test_a_time_of_day_is_the_first_such_time_within_the_recording():
    start = datetime(2026, 3, 1, 22, 30, tzinfo=UTC)
    assert lights(start, "22:45", "06:30") == (900.0, 8 * 3600.0)
    assert lights(start, "00:30", None) == (2 * 3600.0, None)


def test_lights_on_is_the_first_such_time_after_lights_off():
    start = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)
    assert lights(start, "22:00", "07:00", hours=30.0) == (16 * 3600.0, 25 * 3600.0)


def test_a_time_of_day_is_meant_in_the_zone_of_the_recording():
    start = datetime(2026, 3, 1, 21, 30, tzinfo=UTC).astimezone(BERLIN)  # 22:30 there
    assert lights(start, "22:45")[0] == 900.0


def test_a_time_of_day_holds_in_the_night_in_which_the_clocks_change():
    start = datetime(2026, 3, 28, 23, 0, tzinfo=BERLIN)  # 02:00 becomes 03:00
    assert lights(start, "23:00", "06:00") == (0.0, 6 * 3600.0)


def test_dates_and_elapsed_times_may_lie_outside_the_recording_and_need_no_zone_of_its_own():
    start = datetime(2026, 3, 1, 22, 30, tzinfo=UTC)
    assert lights(start, "2026-03-01T23:15+01:00") == (-900.0, None)
    assert lights(None, "15min", "28800s") == (900.0, 28800.0)


def test_what_the_user_says_replaces_one_time_and_leaves_the_other():
    start = datetime(2026, 3, 1, 22, 30, tzinfo=UTC)
    assert lights(start, "22:40", known=(60.0, 20000.0)) == (600.0, 20000.0)
    assert lights(start, known=(60.0, 20000.0)) == (60.0, 20000.0)


@pytest.mark.parametrize(
    ("start", "off", "on", "problem"),
    [
        (None, "22:45", None, "the recording has none"),
        (datetime(2026, 3, 1, 22, 30, tzinfo=UTC), "12:00", None, "is not within the recording"),
        (datetime(2026, 3, 1, 22, 30, tzinfo=UTC), "60min", "30min", "does not follow lights-off"),
    ],
)
def test_times_that_cannot_be_are_refused_with_the_name_of_the_file(start, off, on, problem):
    with pytest.raises(InputError, match=rf"^night\.zip: .*{problem}"):
        lights(start, off, on)


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "Europe", "a\0b"])
def test_an_unknown_zone_is_refused(name):
    with pytest.raises(InputError, match="is not a known time zone"):
        time_zone(name)
