"""Whatever the device gave becomes the same tracks."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from staging.errors import RecordingError
from staging.recording import Events, Recording, Signal
from staging.simulate import simulate_night
from staging.tracks import SENSORS, prepare, slice_tracks


@pytest.fixture(scope="module")
def night():
    return simulate_night(3, duration_h=2.0)


def test_pulse_and_watch_give_the_same_heart_rate(night):
    """One definition of the track: beats found in the PPG against the watch-like series of the same heart."""
    pulse, watch = (prepare(recording).heart_rate_bpm for recording in (night.recording, night.watch))
    both = np.isfinite(pulse[: len(watch)]) & np.isfinite(watch[: len(pulse)])
    difference = (pulse[: len(both)] - watch[: len(both)])[both]
    assert both.mean() > 0.8
    assert abs(np.median(difference)) < 1.0
    assert np.quantile(np.abs(difference), 0.9) < 4.0


def test_raw_acceleration_and_a_watchs_counts_agree_on_who_moves_when(night):
    raw, watch = (prepare(recording).counts for recording in (night.recording, night.watch))
    n = min(len(raw), len(watch))
    both = np.isfinite(raw[:n]) & np.isfinite(watch[:n])
    assert np.corrcoef(np.log1p(raw[:n][both]), np.log1p(watch[:n][both]))[0, 1] > 0.9


def test_every_sensor_is_optional(night):
    whole = night.recording
    for kept in ({"acc"}, {"ppg"}, {"temp"}, {"acc", "temp"}, {"ppg", "acc"}):
        recording = Recording(**{name: channel for name, channel in whole.channels().items() if name in kept})
        tracks = prepare(recording)
        assert set(tracks.coverage) == set(SENSORS)
        assert (tracks.coverage["heart"].max() > 0) == ("ppg" in kept)
        assert (tracks.coverage["motion"].max() > 0) == ("acc" in kept)
        assert (tracks.coverage["temperature"].max() > 0) == ("temp" in kept)


def test_the_first_good_source_of_heart_rate_is_taken():
    times = np.arange(1.0, 1200.0)
    beats = Events(times_s=times, values=np.ones(len(times)), unit="s")
    slow = Events(times_s=times, values=np.full(len(times), 50.0), unit="bpm")
    assert prepare(Recording(ibi=beats, hr=slow)).sources["heart"] == "ibi"
    few = Events(times_s=times[:100], values=np.ones(100), unit="s")
    assert prepare(Recording(ibi=few, hr=slow)).sources["heart"] == "hr"


def test_the_grid_begins_at_second_0_whatever_the_first_sample():
    hr = Events(times_s=np.arange(605.0, 1805.0, 5.0), values=np.full(240, 60.0), unit="bpm")
    tracks = prepare(Recording(hr=hr))
    assert tracks.n_epochs == 60
    assert not tracks.coverage["heart"][:19].any()
    assert tracks.coverage["heart"][21:].all()


def test_drifting_bins_of_counts_keep_their_place():
    times = np.arange(80) * 15.014  # a watch's bins last a little longer than 15 s
    tracks = prepare(Recording(counts=Events(times_s=times, values=np.arange(80.0), unit="counts")))
    np.testing.assert_array_equal(tracks.counts[:30], np.arange(30.0))


def test_ten_minutes_are_needed():
    hr = Events(times_s=np.arange(0.0, 240.0, 5.0), values=np.full(48, 60.0), unit="bpm")
    with pytest.raises(RecordingError, match="too short"):
        prepare(Recording(hr=hr))


def test_a_device_on_the_table_is_not_a_sleeper():
    rng = np.random.default_rng(0)
    n = 32 * 3600 * 2
    still = np.tile(np.array([0.0, 0.0, 1.0]), (n, 1)) + 0.002 * rng.standard_normal((n, 3))
    acc = Signal(samples=still.astype(np.float32), rate_hz=32.0, unit="g")
    tracks = prepare(Recording(acc=acc))
    assert tracks.coverage["motion"].mean() < 0.2
    assert any("not worn" in warning for warning in tracks.warnings)


def test_a_slice_is_a_night_of_its_own(night):
    whole = prepare(night.watch.replace(start=datetime(2026, 1, 1, 22, tzinfo=UTC), lights_off_s=600.0))
    part = slice_tracks(whole, 10, 60)
    assert part.n_epochs == 50
    assert part.start == datetime(2026, 1, 1, 22, 5, tzinfo=UTC)
    assert part.lights_off_s == 300.0
    np.testing.assert_array_equal(part.heart_rate_bpm, whole.heart_rate_bpm[60:360])
    np.testing.assert_array_equal(part.coverage["motion"], whole.coverage["motion"][10:60])


def test_a_slice_after_a_clock_change_starts_at_the_right_moment(night):
    start = datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    part = slice_tracks(prepare(night.watch.replace(start=start)), 120, 180)
    assert part.start.timestamp() - start.timestamp() == 3600.0


@pytest.mark.parametrize("subject", ["46343", "7749105", "1360686"])
def test_real_watch_nights_including_odd_ones(shared_data, subject):
    from staging.readers import read

    tracks = prepare(read(shared_data / "sleep_accel" / f"{subject}_cleaned_hr.out"))
    assert tracks.sources == {"heart": "hr", "motion": "counts"}
    if subject == "7749105":  # the watch stopped after 67 min, but for single samples
        assert tracks.coverage["heart"][140:].mean() < 0.05


def test_a_held_heart_rate_on_a_still_cold_device_is_no_pulse():
    """Many devices repeat their last heart rate when they lose the skin."""
    seconds = 4 * 3600
    rng = np.random.default_rng(0)
    still = np.tile(np.array([0.0, 0.0, 1.0]), (32 * seconds, 1)) + 0.002 * rng.standard_normal((32 * seconds, 3))
    times = np.arange(0.0, seconds, 5.0)
    tracks = prepare(
        Recording(
            acc=Signal(samples=still.astype(np.float32), rate_hz=32.0, unit="g"),
            temp=Signal(samples=np.full(4 * seconds, 22.0, np.float32), rate_hz=4.0, unit="degC"),
            hr=Events(times_s=times, values=np.full(len(times), 72.0), unit="bpm"),
        )
    )
    assert max(share.mean() for share in tracks.coverage.values()) < 0.05
    assert any(warning.startswith("not worn between epochs") for warning in tracks.warnings)


def test_counts_stamped_at_the_middle_of_their_bins_are_all_kept():
    times = np.arange(80) * 15.0 + 7.5
    tracks = prepare(Recording(counts=Events(times_s=times, values=np.arange(80.0), unit="counts")))
    assert np.isfinite(tracks.counts).sum() >= 79


def test_the_longest_gaps_are_named_one_by_one():
    times = np.arange(0.0, 3600.0 * 8, 5.0)
    lost = np.zeros(len(times), bool)
    for begin, minutes in ((3600, 20), (9000, 40), (14400, 5), (20000, 60)):
        lost |= (times >= begin) & (times < begin + 60 * minutes)
    tracks = prepare(Recording(hr=Events(times_s=times[~lost], values=np.full((~lost).sum(), 60.0), unit="bpm")))
    named = [warning for warning in tracks.warnings if "between epochs" in warning]
    assert len(named) == 3
    assert any("between epochs 120 and 159" in warning for warning in named)
    assert any("more epochs" in warning for warning in tracks.warnings)


def test_who_knows_more_of_wear_decides_it():
    """An hour as still as on a table, and as cold: nobody, unless the days around say otherwise."""
    lying = Signal(samples=np.tile(np.float32([0.0, 0.0, 1.0]), (7200 * 4, 1)), rate_hz=4.0, unit="g")
    counts = Events(times_s=np.arange(0.0, 7200.0, 15.0), values=np.zeros(480), unit="counts")
    recording = Recording(acc=lying, counts=counts, temp=Signal(samples=np.full(7200, 22.0), rate_hz=1.0, unit="degC"))
    assert not prepare(recording).coverage["motion"].any()
    told = prepare(recording, worn=np.repeat([True, False], [180, 60]))
    assert told.coverage["motion"].tolist() == [1.0] * 180 + [0.0] * 60
    assert not told.coverage["temperature"].any()
    assert any("although it was worn" in warning for warning in told.warnings)


def test_of_a_stuck_sensor_no_turn_into_it_or_out_of_it_is_known(night):
    """Epochs 100 to 109 at the sensor's end: the change of posture from 99 to 110 would be the jump."""
    samples = night.recording.acc.samples.copy()
    rows = round(30 * night.recording.acc.rate_hz)
    samples[100 * rows : 110 * rows] = 2.0
    stuck = prepare(night.recording.replace(acc=dataclasses.replace(night.recording.acc, samples=samples)))
    before, after = np.isfinite(prepare(night.recording).posture_change_deg), np.isfinite(stuck.posture_change_deg)
    np.testing.assert_array_equal(np.flatnonzero(before & ~after), np.arange(99, 111))
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(stuck.counts[198:222])), np.arange(24))


def test_where_it_is_not_worn_no_turn_is_known_to_it_or_from_it(night):
    worn = np.ones(prepare(night.recording).n_epochs, bool)
    worn[50:60] = False
    change = prepare(night.recording, worn=worn).posture_change_deg
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(change[:-1])), np.arange(49, 60))
