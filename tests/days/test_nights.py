"""Days of recording: nights and naps told apart, cut out whole, and moved by nothing but time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging.days import Sleep, cut, is_many_days, main_sleeps, night_date, night_window, survey
from staging.days.calibration import Calibration
from staging.errors import RecordingError
from staging.recording import Events, Recording, Signal
from tests.made_days import START, made_days

BERLIN = ZoneInfo("Europe/Berlin")


def spans_h(sleeps, kind="night"):
    return [(round(s.begin_s / 3600, 2), round(s.end_s / 3600, 2)) for s in sleeps if s.kind == kind]


def hours(*spans, **attributes):
    return [Sleep(begin_s=begin * 3600.0, end_s=end * 3600.0, **attributes) for begin, end in spans]


def test_nights_and_naps_of_two_days_are_found():
    days = survey(made_days(naps=[(3.0, 4.0)]))
    np.testing.assert_allclose(spans_h(days.sleeps), [(11.0, 19.0), (35.0, 42.5)], atol=0.1)
    np.testing.assert_allclose(spans_h(days.sleeps, "nap"), [(3.0, 4.0)], atol=0.1)
    assert days.worn.all()
    assert days.recorded.all()


@settings(deadline=None, max_examples=15)
@given(earlier_h=st.floats(0.0, 20.0).map(lambda h: round(h * 120) / 120))
def test_a_recording_that_begins_earlier_has_its_nights_later_by_as_much(earlier_h):
    nights = ((11.0, 19.0), (35.0, 42.5))
    moved = tuple((begin + earlier_h, end + earlier_h) for begin, end in nights)
    first = survey(made_days(nights, hours=50.0))
    second = survey(made_days(moved, hours=50.0 + earlier_h))
    np.testing.assert_allclose(spans_h(second.sleeps), np.array(spans_h(first.sleeps)) + earlier_h, atol=0.1)


@settings(deadline=None, max_examples=10)
@given(
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Kiritimati"]), hour=st.integers(0, 23)
)
def test_the_clock_and_the_zone_move_no_night(zone, hour):
    recording = made_days()
    there = recording.replace(start=datetime(2026, 10, 24, hour, tzinfo=ZoneInfo(zone)))
    assert survey(there).sleeps == survey(recording).sleeps == survey(recording.replace(start=None)).sleeps


def test_who_sleeps_by_day_has_nights_as_well():
    days = survey(made_days(((20.5, 27.5), (44.0, 51.0)), hours=72.0))
    np.testing.assert_allclose(spans_h(days.sleeps), [(20.5, 27.5), (44.0, 51.0)], atol=0.1)


@pytest.mark.parametrize(
    ("rule", "sleeps", "nights"),
    [
        ("the longest", [(10, 18), (25, 27)], [(10.0, 18.0)]),
        ("not under three hours", [(10, 12.9)], []),
        ("the longer half of a broken night", [(10, 14), (16, 21)], [(16.0, 21.0)]),
        ("one each day", [(10, 18), (34, 40), (58, 66)], [(10.0, 18.0), (34.0, 40.0), (58.0, 66.0)]),
        ("two a day for who sleeps twice, twelve hours apart", [(0, 5), (12, 18)], [(0.0, 5.0), (12.0, 18.0)]),
    ],
)  # fmt: skip
def test_a_night_is_the_longest_sleep_far_and_wide(rule, sleeps, nights):
    assert spans_h(main_sleeps(hours(*sleeps))) == nights, rule


def test_what_a_diary_tells_stands_and_found_sleep_fills_the_other_days():
    found, told = hours((10, 18), (34, 41), (43, 44)), hours((10.5, 17), source="diary")
    sleeps = main_sleeps([*found, *told])
    assert [(s.begin_s / 3600, s.kind, s.source) for s in sleeps] == [
        (10.5, "night", "diary"),
        (34.0, "night", "found"),
        (43.0, "nap", "found"),
    ]


@pytest.mark.parametrize(
    ("begin", "evening"),
    [("2026-03-01T22:00", "2026-03-01"), ("2026-03-02T02:00", "2026-03-01"), ("2026-03-02T11:59", "2026-03-01"),
     ("2026-03-02T12:00", "2026-03-02"), ("2026-03-02T08:30", "2026-03-01")],
)  # fmt: skip
def test_a_night_is_named_by_its_evening_from_noon_to_noon(begin, evening):
    start = datetime(2026, 2, 27, 9, tzinfo=BERLIN)
    begin_s = datetime.fromisoformat(begin).replace(tzinfo=BERLIN).timestamp() - start.timestamp()
    assert night_date(start, begin_s).isoformat() == evening


@pytest.mark.parametrize(
    ("noon", "up", "up_utc", "day_h"),
    [("2026-03-28", "08:00", "2026-03-29T06:00:00+00:00", 23), ("2026-10-24", "06:00", "2026-10-25T05:00:00+00:00", 25),
     ("2026-06-28", "07:00", "2026-06-29T05:00:00+00:00", 24)],
)  # fmt: skip
def test_the_night_the_clocks_change_lasts_as_long_as_it_lasts(noon, up, up_utc, day_h):
    start = datetime.fromisoformat(noon).replace(hour=12, tzinfo=BERLIN)
    next_noon = start + timedelta(days=1)
    assert next_noon.timestamp() - start.timestamp() == day_h * 3600
    days = survey(made_days(((11.0, 19.0),), hours=26.0, start=start))
    assert np.allclose(spans_h(days.sleeps), [(11.0, 19.0)], atol=0.2)
    (sleep,) = days.sleeps
    end_s = round(sleep.end_s / 1800) * 1800
    # Eight hours from 23:00, on the wearer's clock and in UTC.
    assert days.clock.text(end_s) == up
    assert days.clock.iso(end_s, utc=True) == up_utc
    assert night_date(start, sleep.begin_s).isoformat() == noon


def test_windows_of_neighbouring_sleeps_do_not_overlap():
    sleeps = hours((10, 18), (18.25, 19), (34, 41))
    first = night_window(sleeps[0], sleeps, 6000)
    assert first == (1140, 2175)
    assert night_window(sleeps[2], sleeps, 4900) == (4020, 4900)


@settings(deadline=None, max_examples=25)
@given(first=st.integers(0, 100), length=st.integers(1, 100), start_s=st.floats(-100, 100), rate_hz=st.floats(0.5, 8.0))
def test_a_part_holds_the_samples_of_its_time_and_no_other(first, length, start_s, rate_hz):
    samples = np.arange(int(rate_hz * 4000), dtype=np.float64)
    whole = Recording(
        start=START,
        temp=Signal(samples=samples, rate_hz=rate_hz, unit="degC", start_s=start_s),
        hr=Events(times_s=np.arange(0.0, 4000.0, 7.0), values=np.arange(572.0), unit="bpm"),
        lights_off_s=5.0,
        warnings=("of the whole",),
    )
    part = cut(whole, first, first + length)
    times_s = whole.temp.times_s()
    inside = (times_s >= first * 30 - 1e-5) & (times_s < (first + length) * 30 - 1e-5)
    np.testing.assert_array_equal(part.temp.samples, samples[inside])
    np.testing.assert_allclose(part.temp.times_s() + first * 30, times_s[inside], atol=1e-6)
    assert ((part.hr.times_s >= 0) & (part.hr.times_s < length * 30)).all()
    assert part.start.timestamp() - START.timestamp() == first * 30
    assert (part.lights_off_s, part.warnings) == (None, ())


def test_a_part_is_calibrated_and_the_whole_is_not():
    acc = Signal(samples=np.ones((600, 3), np.float32), rate_hz=10.0, unit="g")
    calibration = Calibration(gain=np.full(3, 2.0), offset_g=np.zeros(3), n_windows=100)
    part = cut(Recording(acc=acc), 0, 1, calibration=calibration)
    assert part.acc.samples[0].tolist() == [2.0, 2.0, 2.0]
    assert (acc.samples == 1.0).all()


def test_eighteen_hours_and_less_are_one_night():
    assert not is_many_days(made_days(hours=17.99))
    assert is_many_days(made_days(hours=18.1))


def test_a_heart_rate_alone_shows_nights_less_surely():
    days = survey(made_days().replace(counts=None))
    assert days.found_by == "heart rate"
    np.testing.assert_allclose(spans_h(days.sleeps), [(11.0, 19.0), (35.0, 42.5)], atol=0.5)
    assert np.isnan(days.movement).all()


def test_a_temperature_alone_shows_no_night():
    temp = Signal(samples=np.full(90_000, 33.0), rate_hz=1.0, unit="degC")
    assert survey(Recording(start=START, temp=temp)).sleeps == ()
    with pytest.raises(RecordingError):
        survey(Recording(start=START))


def test_times_are_utc_whatever_the_start_says():
    assert night_date(datetime(2026, 3, 1, 23, tzinfo=UTC), 0.0) == night_date(
        datetime(2026, 3, 1, 23, tzinfo=UTC).astimezone(BERLIN), 0.0
    )
