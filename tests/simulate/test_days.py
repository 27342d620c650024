"""Simulated days: sleep where it is said to be, no body where the device is off, clocks that change."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from staging.days.calibration import calibrate
from staging.days.windows import short_windows
from staging.errors import InputError
from staging.hypnogram import Stage
from staging.simulate.days import DaysParameters, simulate_days
from staging.simulate.parameters import DEFAULT

SLOW = dataclasses.replace(DEFAULT, acceleration=dataclasses.replace(DEFAULT.acceleration, rate_hz=10.0))
"""A sensor of few samples, for speed."""

BUSY = DaysParameters(nap_chance=1.0, off_chance=1.0)


@pytest.fixture(scope="module")
def days():
    return simulate_days(3, n_nights=2, days=BUSY, parameters=SLOW)


def test_all_channels_and_the_truth_are_of_one_length(days):
    recording = days.recording
    n = len(days.reference)
    assert recording.n_epochs == n
    assert recording.acc.samples.shape == (n * 300, 3)
    assert len(recording.temp.samples) == n * 120
    assert days.reference.start == recording.start
    assert "simulated" in recording.device


def test_sleep_is_where_it_is_said_to_be(days):
    asleep = days.reference.stages != Stage.W
    in_bed = np.zeros(asleep.size, bool)
    for sleep in days.sleeps:
        span = slice(int(sleep.begin_s / 30), int(sleep.end_s / 30))
        in_bed[span] = True
        assert asleep[span].mean() > 0.3
    assert not asleep[~in_bed].any()
    assert [sleep.nap for sleep in days.sleeps] == [True, False, True, False]


def test_a_device_that_is_off_lies_still_cools_and_has_no_heart(days):
    acc, temp, hr = days.recording.acc, days.recording.temp, days.recording.hr
    assert days.off_s
    for begin_s, end_s in days.off_s:
        lying = acc.samples[int(begin_s * 10) + 10 : int(end_s * 10) - 10]
        assert lying.std(axis=0).max() < 0.02
        assert temp.samples[int(end_s * 4) - 8] < temp.samples[int(begin_s * 4) - 8] - 3
        assert not ((hr.times_s >= begin_s) & (hr.times_s < end_s)).any()
        assert all(end_s < sleep.begin_s or begin_s > sleep.end_s for sleep in days.sleeps)


def test_the_sensor_is_off_by_what_it_was_told_and_can_be_calibrated(days):
    found = calibrate(short_windows(days.recording.acc, len(days.reference) * 6))
    if found.applied:
        np.testing.assert_allclose(found.gain, BUSY.gain, atol=0.01)
        np.testing.assert_allclose(found.offset_g, BUSY.offset_g, atol=0.01)
    assert found.error_before_g > 0.012


def test_the_days_follow_from_the_seed(days):
    again = simulate_days(3, n_nights=2, days=BUSY, parameters=SLOW)
    assert again.sleeps == days.sleeps
    np.testing.assert_array_equal(again.recording.acc.samples, days.recording.acc.samples)
    assert simulate_days(4, n_nights=1, parameters=SLOW).sleeps != days.sleeps[:1]


def test_bedtimes_follow_the_wall_clock_through_the_change_of_clocks():
    early = DaysParameters(bedtime_sd_h=0.0, nap_chance=0.0, off_chance=0.0)
    berlin = ZoneInfo("Europe/Berlin")
    days = simulate_days(1, n_nights=2, start=datetime(2024, 3, 30, tzinfo=berlin), days=early, parameters=SLOW)
    first, second = days.sleeps
    assert second.begin_s - first.begin_s == 23 * 3600
    by_day = simulate_days(1, n_nights=1, bedtime_h=8.0, days=early, parameters=SLOW)
    assert by_day.recording.start.hour == 21
    assert by_day.sleeps[0].begin_s == 11 * 3600


@pytest.mark.parametrize(
    ("options", "complaint"),
    [({"n_nights": 0}, "0 nights"), ({"start": datetime(2024, 3, 28)}, "no time zone"), ({"seed": -1}, "negative")],
)
def test_what_cannot_be_simulated_is_refused(options, complaint):
    with pytest.raises(InputError, match=complaint):
        simulate_days(**{"seed": 1, **options})
