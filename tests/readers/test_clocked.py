from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging.errors import FormatError
from staging.readers.clocked import read_clocked, taken_as_utc, unix_scale

UNIX_S = 1_700_000_000
PER_S = {"s": 1, "ms": 1e3, "us": 1e6, "ns": 1e9}


def table(times, header="time,x,y"):
    return "\n".join([header, *(f"{time},{row},{-row}" for row, time in enumerate(times))]) + "\n"


def read(text, **options):
    return read_clocked(text.encode(), "night/a.csv", 0, [1, 2], **options)


@settings(deadline=None, max_examples=60)
@given(
    unit=st.sampled_from(sorted(PER_S)),
    rate_hz=st.sampled_from([2.5, 25, 50, 100, 400]),
    zero_s=st.one_of(st.just(UNIX_S), st.floats(0, 9e5)),  # longer ago, a count may be a time of 2001 in a larger unit
    is_said=st.booleans(),
)
def test_a_sensor_that_counts_from_any_zero_in_any_unit(unit, rate_hz, zero_s, is_said):
    times_s = zero_s + np.arange(200) / rate_hz
    counts = [round(time * PER_S[unit]) if unit != "s" else f"{time:.6f}" for time in times_s]
    found = read(table(counts), unit=unit if is_said else "")
    np.testing.assert_allclose(found.times_s, times_s, rtol=0, atol=1e-3 if unit == "ms" else 1e-5)
    assert (found.zone is UTC) == (zero_s == UNIX_S)
    assert found.values[:, 0].tolist() == list(range(200))
    assert found.warnings == ()


@settings(deadline=None, max_examples=40)
@given(unit=st.sampled_from(sorted(PER_S)), step_s=st.floats(0.4, 60), has_clock=st.booleans())
def test_a_heart_rate_that_counts_in_any_unit(unit, step_s, has_clock):
    times_s = (UNIX_S if has_clock else 40.0) + np.arange(50) * step_s
    counts = [f"{time * PER_S[unit]:.3f}" for time in times_s]
    found = read(table(counts), is_slow=True)
    np.testing.assert_allclose(found.times_s, times_s, rtol=0, atol=2e-3)
    assert (found.zone is UTC) == has_clock


@settings(deadline=None, max_examples=30)
@given(
    minutes=st.integers(-47, 56).map(lambda quarters: quarters * 15),
    digits=st.integers(0, 6),
    mark=st.sampled_from(["T", " "]),
    space=st.sampled_from(["", " "]),
)
def test_stamps_with_a_zone_in_every_way_of_writing(minutes, digits, mark, space):
    zone = timezone(timedelta(minutes=minutes))
    times_s = UNIX_S + np.arange(60) * 0.5

    def text(time):
        moment = datetime.fromtimestamp(time, UTC).astimezone(zone)
        fraction = f".{moment.microsecond:06d}"[: digits + 1] if digits else ""
        return f"{moment:%Y-%m-%d}{mark}{moment:%H:%M:%S}{fraction}{space}{moment:%z}"

    found = read(table(map(text, times_s)))
    np.testing.assert_allclose(found.times_s, times_s if digits else np.floor(times_s))
    assert found.zone.utcoffset(None) == timedelta(minutes=minutes)
    assert found.warnings == ()


def test_stamps_without_a_zone_are_taken_as_utc_and_said():
    found = read(table(["2023-11-14T22:13:20.5", "2023-11-14T22:13:21"]))
    assert found.times_s.tolist() == [UNIX_S + 0.5, UNIX_S + 1]
    assert found.zone is UTC
    assert found.is_wall
    said = taken_as_utc(found.times_s[0], "night/a.csv")
    assert said == "a.csv has no time zone; its start 2023-11-14 22:13:20 is taken as UTC"


@pytest.mark.parametrize("cut", [2, 3, 8, 20])
def test_a_row_that_was_cut_short_is_left_out_and_said(cut):
    text = table(["2023-11-14T22:13:20Z", "2023-11-14T22:13:21Z", "2023-11-14T22:13:22Z"])[:-1]
    found = read(text[: -cut - 1])
    assert len(found.times_s) == len(found.values) == 2
    assert found.warnings == ("a.csv: the last row was cut short and left out",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("time,x,y\n", "has a header and no rows"),
        ("time,x,y\n17,1\n", "its first row is shorter than its header"),
        ("time,x,y\nyesterday,1,2\n", "a time stamp is no ISO 8601 time"),
        ("time,x,y\n2023-11-14T22:13:20Z,1,2\n2023-11-14T25:13:20Z,1,2\n", "a time stamp is no ISO 8601 time"),
        ("time,x,y\n17,1,2\n18,one,2\n19,1,2\n", "line 3 is not 3 numbers"),
        ("time,x,y\n17,1,2\n\0\0", None),
        ("time,x,y\n17,1\0,2\n", "is not a text file"),
    ],
)
def test_a_damaged_table_is_refused_in_one_line(text, message):
    if message is None:
        assert read(text).times_s.tolist() == [17.0]
        return
    with pytest.raises(FormatError, match=message):
        read(text)


def test_what_is_not_a_time_of_the_last_decades_is_no_unix_time():
    assert [unix_scale(value) for value in (-1.0, 0.0, 9e8, 4e9, 1.7e15, 1.7e18, np.inf)] == [
        *(None, None, None, None),
        *(1e6, 1e9, None),
    ]


@pytest.mark.parametrize("time", [float("nan"), float("inf"), -1e300, 1e12])
def test_a_start_of_no_year_is_said_as_it_is(time):
    assert f"its start {time:.4g} s is taken as UTC" in taken_as_utc(time, "night/a.csv")
