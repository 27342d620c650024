"""Heart rate from beats and from a device's samples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging.heart import MAX_GAP_S, WATCH_DELAY_S, WATCH_WINDOW_S, clean_intervals, heart_rate_track
from staging.recording import Events


def beats(intervals_s: np.ndarray) -> Events:
    return Events(times_s=np.cumsum(intervals_s), values=np.asarray(intervals_s, float), unit="s")


@given(st.floats(35.0, 180.0), st.integers(20, 60))
@settings(deadline=None, max_examples=30)
def test_a_constant_rhythm_has_its_rate_everywhere(bpm, n_steps):
    track = heart_rate_track(beats(np.full(int(n_steps * 5 * bpm / 60) + 2, 60.0 / bpm)), n_steps)
    settled = track[int((WATCH_WINDOW_S + WATCH_DELAY_S) / 5) + 1 :]
    np.testing.assert_allclose(settled, bpm, rtol=1e-5)


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=30)
def test_the_mean_of_the_track_is_the_mean_rate(seed):
    rng = np.random.default_rng(seed)
    intervals = rng.uniform(0.8, 1.1, 600)
    track = heart_rate_track(beats(intervals), int(intervals.sum() / 5))
    assert abs(np.nanmean(track[6:-6]) - 60.0 / intervals.mean()) < 0.5


@given(st.integers(0, 2**32 - 1), st.floats(0.0, 0.3))
@settings(deadline=None, max_examples=30)
def test_missing_beats_leave_the_rate_and_lost_seconds_are_not_counted(seed, lost):
    rng = np.random.default_rng(seed)
    whole = beats(np.full(600, 0.9))
    kept = rng.random(600) >= lost
    track = heart_rate_track(Events(times_s=whole.times_s[kept], values=whole.values[kept], unit="s"), 100)
    known = track[np.isfinite(track)]
    np.testing.assert_allclose(known, 60.0 / 0.9, rtol=1e-4)


def test_a_step_in_the_rhythm_arrives_half_a_window_after_the_delay():
    track = heart_rate_track(beats(np.r_[np.full(300, 1.0), np.full(600, 0.5)]), 120)
    middle = np.flatnonzero(track > 90.0)[0] * 5.0 + 2.5
    # Half the window's seconds at twice the rate give the mean of both.
    expected = 300.0 + WATCH_DELAY_S + WATCH_WINDOW_S / 2
    assert expected - 5.0 <= middle <= expected + 5.0


def test_a_device_sample_is_taken_as_it_is_and_gaps_stay_gaps():
    hr = Events(times_s=np.array([0.0, 10.0, 100.0, 110.0]), values=np.array([60.0, 70.0, 80.0, 80.0]), unit="bpm")
    track = heart_rate_track(hr, 26)
    assert track[0] == pytest.approx(62.5)
    assert np.isnan(track[2:20]).all(), f"100 - 10 s exceeds {MAX_GAP_S} s"
    np.testing.assert_allclose(track[20:22], 80.0)
    assert np.isnan(track[25]), "the last sample is extended by half the longest gap, no further"


def test_no_beats_give_no_rate():
    empty = Events(times_s=np.array([]), values=np.array([]), unit="s")
    assert np.isnan(heart_rate_track(empty, 5)).all()
    assert clean_intervals(empty).values.size == 0


def test_a_unit_that_is_no_heart_rate_is_refused():
    with pytest.raises(ValueError, match="counts"):
        heart_rate_track(Events(times_s=np.array([0.0]), values=np.array([1.0]), unit="counts"), 4)


@given(st.lists(st.floats(0.0, 5.0), min_size=1, max_size=60))
@settings(deadline=None, max_examples=60)
def test_cleaning_only_drops_and_stays_in_range(intervals):
    source = Events(times_s=np.arange(1.0, len(intervals) + 1), values=np.array(intervals), unit="s")
    clean = clean_intervals(source)
    assert set(zip(clean.times_s, clean.values, strict=True)) <= set(zip(source.times_s, source.values, strict=True))
    assert np.all((clean.values >= 0.3) & (clean.values <= 2.2))


def test_a_missed_beat_doubles_an_interval_and_is_dropped():
    intervals = np.full(41, 0.9)
    intervals[20] = 1.8
    assert len(clean_intervals(beats(intervals)).values) == 40


def test_respiratory_arrhythmia_of_the_young_is_kept():
    phase = np.arange(200) * 2 * np.pi / 5
    assert len(clean_intervals(beats(0.9 + 0.12 * np.sin(phase))).values) == 200


def test_a_rate_once_a_minute_has_no_gaps_but_where_minutes_are_missing():
    minutes = np.r_[np.arange(0.0, 20.0), np.arange(23.0, 40.0)]
    track = heart_rate_track(Events(times_s=60.0 * minutes, values=60.0 + minutes, unit="bpm"), 40 * 12)
    at_min = (np.arange(40 * 12) + 0.5) / 12.0
    inside = (at_min > 19.0) & (at_min < 23.0)
    assert np.isnan(track[inside]).all()
    np.testing.assert_allclose(
        track[(at_min < 19.0) | ((at_min > 23.0) & (at_min < 39.0))] - 60.0,
        at_min[(at_min < 19.0) | ((at_min > 23.0) & (at_min < 39.0))],
        atol=1e-3,
    )
