"""Signals, events and recordings."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from staging.errors import RecordingError
from staging.recording import Events, Recording, Signal


def test_a_recording_ends_with_its_last_channel_and_has_whole_epochs():
    acc = Signal(samples=np.zeros((32 * 45, 3), np.float32), rate_hz=32.0, unit="g", start_s=10.0)
    hr = Events(times_s=np.arange(5.0, 90.0, 5.0), values=np.full(17, 60.0), unit="bpm")
    recording = Recording(acc=acc, hr=hr)
    assert recording.end_s == 90.0, "the last heart rate, at 85 s, stands for 5 s"
    assert recording.n_epochs == 3
    assert list(recording.channels()) == ["acc", "hr"]


def test_an_interval_ends_at_its_beat_and_a_count_15_s_after_its_start():
    times = np.array([0.0, 15.0, 30.0])
    assert Events(times_s=times, values=np.zeros(3), unit="counts").end_s == 45.0
    assert Events(times_s=times, values=np.ones(3), unit="s").end_s == 30.0
    assert Events(times_s=np.array([0.0, 600.0]), values=np.ones(2), unit="bpm").end_s == 615.0
    assert Events(times_s=np.array([]), values=np.array([]), unit="bpm").end_s == 0.0


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf")])
def test_a_rate_must_be_positive_and_finite(rate):
    with pytest.raises(ValueError, match="rate_hz"):
        Signal(samples=np.zeros(3, np.float32), rate_hz=rate, unit="g")


def test_event_times_must_increase():
    with pytest.raises(ValueError, match="increase"):
        Events(times_s=np.array([1.0, 1.0]), values=np.zeros(2), unit="bpm")


def test_a_start_without_zone_is_ambiguous():
    with pytest.raises(ValueError, match="aware"):
        Recording(start=datetime(2026, 1, 1))


def test_lights_on_follows_lights_off():
    with pytest.raises(ValueError, match="lights"):
        Recording(lights_off_s=100.0, lights_on_s=50.0)


def test_nothing_recorded_and_too_little_recorded_are_told_apart():
    with pytest.raises(RecordingError, match="no sensor"):
        Recording().require_epochs(20)
    short = Recording(temp=Signal(samples=np.zeros(4 * 240, np.float32), rate_hz=4.0, unit="degC"))
    with pytest.raises(RecordingError, match="too short"):
        short.require_epochs(20)


def test_a_clock_without_a_zone_showed_the_time_of_the_zone_it_was_set_in_and_runs_on_through_a_change_of_clocks():
    hr = Events(times_s=np.arange(0.0, 9 * 3600.0, 5.0), values=np.full(6480, 60.0), unit="bpm")
    warnings = ("a gap", "the file has no time zone; its start 2026-03-28 22:00:00 is taken as UTC")
    shown = Recording(start=datetime(2026, 3, 28, 22, tzinfo=UTC), wall_clock=True, hr=hr, warnings=warnings)
    there = shown.in_zone(ZoneInfo("Europe/Berlin"))
    assert there.start.isoformat() == "2026-03-28T22:00:00+01:00"
    assert there.start.astimezone(UTC).hour == 21
    assert not there.wall_clock
    assert there.hr is hr, "nothing of the night moves: nine hours on the device are nine hours"
    assert there.warnings == (
        "a gap",
        "the clocks of Europe/Berlin change within it; the device's is taken to run on",
    )
    assert shown.in_zone(ZoneInfo("Asia/Tokyo")).warnings == ("a gap",)


def test_a_clock_with_a_zone_is_shown_in_another_and_its_moment_stays():
    known = Recording(start=datetime(2026, 3, 28, 22, tzinfo=UTC), warnings=("a gap",))
    there = known.in_zone(ZoneInfo("Asia/Tokyo"))
    assert there.start == known.start
    assert (there.start.hour, there.warnings) == (7, ("a gap",))
    assert Recording().in_zone(UTC).start is None
