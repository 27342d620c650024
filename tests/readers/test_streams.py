from __future__ import annotations

from datetime import UTC, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging.errors import RecordingError
from staging.readers.streams import Span, Stream, assemble, newest, night_of

HOUR_S = 3600.0
ZERO_S = 1_700_000_000.0
STEP_S = 30.0


def heart(*hours, low=None):
    """Heart rates over spans of hours; 50 bpm in the 5 h from `low`, 70 bpm elsewhere."""
    times = np.concatenate([np.arange(begin, end, STEP_S / HOUR_S) for begin, end in hours]) * HOUR_S
    bpm = np.full(len(times), 70.0)
    if low is not None:
        bpm[(times >= low * HOUR_S) & (times < (low + 5) * HOUR_S)] = 50.0
    return times, bpm


def in_hours(span):
    return round(span.begin_s / HOUR_S, 1), round(span.end_s / HOUR_S, 1)


def stream(times, bpm, where="hr.csv"):
    return Stream("hr", ZERO_S + times, bpm, where)


@settings(deadline=None, max_examples=40)
@given(
    lengths=st.lists(st.floats(0.5, 12), min_size=1, max_size=6),
    gaps=st.lists(st.floats(4.2, 30), min_size=6, max_size=6),
    seed=st.integers(0, 9),
)
def test_the_last_recording_of_at_least_3_hours_is_read_and_the_others_are_named(lengths, gaps, seed):
    begins = np.cumsum([0.0, *(length + gap for length, gap in zip(lengths, gaps, strict=False))])[: len(lengths)]
    spans = [(begin, begin + length) for begin, length in zip(begins, lengths, strict=True)]
    times, bpm = heart(*spans)
    mixed = np.random.default_rng(seed).permutation(len(times))
    night, others = night_of(times[mixed], bpm[mixed])
    expected = ([span for span in spans if span[1] - span[0] >= 3.01] or spans)[-1]
    assert night.begin_s == pytest.approx(expected[0] * HOUR_S, abs=STEP_S)
    assert night.end_s == pytest.approx(expected[1] * HOUR_S, abs=2 * STEP_S)
    assert len(others) == len(spans) - 1
    assert others == sorted(others)


@pytest.mark.parametrize(
    ("pause_h", "begin_h"), [(3.9, 0.0), (4.1, 12.1)], ids=["3.9 h are a pause", "4.1 h are a gap"]
)
def test_four_hours_part_recordings(pause_h, begin_h):
    times, bpm = heart((0, 8), (8 + pause_h, 16 + pause_h))
    assert night_of(times, bpm)[0].begin_s == pytest.approx(begin_h * HOUR_S, abs=STEP_S)


@pytest.mark.parametrize("low_h", [76.0, 85.0, 90.0])
def test_of_a_watch_worn_day_and_night_the_day_around_the_lowest_heart_rate_is_read(low_h):
    times, bpm = heart((0, 96), low=low_h)
    night, others = night_of(times, bpm)
    assert in_hours(night) == (low_h + 2.5 - 12, min(low_h + 2.5 + 12, 96.0))
    assert in_hours(others[0]) == (0.0, low_h + 2.5 - 12)


def test_hours_without_a_heart_rate_are_not_its_lowest():
    times, bpm = heart((0, 60), low=45)
    off = (times >= 50 * HOUR_S) & (times < 53.5 * HOUR_S)
    assert in_hours(night_of(times[~off], bpm[~off])[0]) == pytest.approx((35.5, 59.5), abs=0.2)


def test_a_value_that_is_none_is_no_recording():
    times, bpm = heart((0, 8), (30, 38))
    bpm[times > 20 * HOUR_S] = np.nan
    assert in_hours(night_of(times, bpm)[0]) == (0.0, 8.0)
    assert in_hours(night_of(times, np.full(len(times), np.nan))[0])[0] == 30.0
    assert night_of(np.array([np.nan]), np.array([60.0])) == (Span(-np.inf, np.inf), [])


def test_an_archive_says_which_recordings_it_left_out():
    times, bpm = heart(*((24.0 * day, 24.0 * day + 8) for day in range(6)))
    zone = timezone(timedelta(hours=1))
    recording = assemble([stream(times, bpm)], where="export.xml", zone=zone, is_archive=True)
    assert recording.start.isoformat() == "2023-11-19T23:13:20+01:00"
    assert recording.end_s == pytest.approx(8 * HOUR_S, abs=STEP_S)
    (warning,) = recording.warnings
    assert warning == (
        "one recording of 6 is read, 2023-11-19 23:13 to 2023-11-20 07:12; left out: 2023-11-18 23:13 to "
        "2023-11-19 07:12; 2023-11-17 23:13 to 2023-11-18 07:12; 2023-11-16 23:13 to 2023-11-17 07:12; and 2 earlier"
    )


def test_without_archive_everything_is_read_and_second_0_is_whole():
    times, bpm = heart((0.0001, 2), (30, 31))
    recording = assemble([stream(times, bpm)], where="hr.csv", zone=None)
    assert recording.start is None
    assert recording.hr.times_s[0] == pytest.approx(0.36)
    assert recording.end_s > 30 * HOUR_S


def test_streams_of_one_channel_are_joined_and_others_stay_apart():
    times, bpm = heart((0, 2))
    acc = Stream("acc", ZERO_S + np.arange(100) / 50, np.ones((100, 3)), "acc.csv")
    parts = [stream(times[:50], bpm[:50]), acc, stream(times[50:], bpm[50:], "hr2.csv")]
    recording = assemble(parts, where="night", zone=UTC, device="band")
    assert list(recording.channels()) == ["acc", "hr"]
    assert len(recording.hr.values) == len(times)
    assert recording.acc.rate_hz == 50
    assert recording.device == "band"


@pytest.mark.parametrize(
    ("beds", "lights"),
    [
        ([], (None, None)),
        ([(-3, -2)], (None, None)),
        ([(1, 3), (3.5, 7)], (1, 7)),
        ([(0.5, 1), (4, 7.5)], (4, 7.5)),
        ([(-1, 9)], (-1, 9)),
    ],
)
def test_the_longest_stretch_in_bed_is_lights_off_and_on(beds, lights):
    spans = [Span(ZERO_S + begin * HOUR_S, ZERO_S + end * HOUR_S) for begin, end in beds]
    recording = assemble([stream(*heart((0, 8)))], where="export.xml", zone=UTC, in_bed=spans)
    found = recording.lights_off_s, recording.lights_on_s
    assert found == tuple(None if hour is None else hour * HOUR_S for hour in lights)


@pytest.mark.parametrize("times", [[], [np.nan, np.nan]])
def test_nothing_with_a_time_is_refused(times):
    empty = Stream("hr", np.array(times, dtype=float), np.full(len(times), 60.0), "hr.csv")
    for is_archive in (False, True):
        with pytest.raises(RecordingError, match="holds no values with times"):
            assemble([empty], where="hr.csv", zone=UTC, is_archive=is_archive)


@pytest.mark.parametrize("time", [-5.0, 1e11, 1e300])
def test_times_of_no_year_are_refused(time):
    with pytest.raises(RecordingError, match=r"its times run from .* Unix seconds"):
        assemble([Stream("hr", np.array([time, time]), np.ones(2), "hr.csv")], where="hr.csv", zone=UTC)


def test_files_are_read_from_the_newest_until_a_whole_night_is_there():
    nights = {f"heart_2024-{month}-05.json": 24.0 * index for index, month in enumerate((1, 2, 9, 10, 11))}
    asked = []

    def load(name):
        asked.append(name)
        return [stream(*heart((nights[name], nights[name] + 8)))]

    streams, warnings = newest(reversed(nights), load, "takeout")
    assert asked == ["heart_2024-11-05.json", "heart_2024-10-05.json"]
    assert len(streams) == 2
    assert warnings == (
        "3 earlier files, heart_2024-1-05.json to heart_2024-9-05.json, not read: give the files of another night for "
        "that night",
    )


def test_all_files_are_read_where_no_night_is_whole():
    streams, warnings = newest(["1.json", "2.json"], lambda name: [stream(*heart((0, 1)), name)], "takeout")
    assert [each.where for each in streams] == ["2.json", "1.json"]
    assert warnings == ()


@pytest.mark.parametrize("time", [-1e300, -5.0, 1e11, 1e300])
def test_a_row_of_no_year_is_no_night_of_an_archive(time):
    times = np.append(1.7e9 + np.arange(0, 1800, 5.0), time)
    stray = Stream("hr", times, np.full(len(times), 60.0), "hr.csv")
    recording = assemble([stray], where="hr.csv", zone=UTC, is_archive=True)
    assert len(recording.hr.values) == 360
