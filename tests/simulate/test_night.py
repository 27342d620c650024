from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from staging.errors import InputError
from staging.recording import Recording
from staging.simulate import DEFAULT, simulate_night
from staging.simulate.motion import activity_counts


def channels_equal(one: Recording, other: Recording) -> bool:
    a, b = one.channels(), other.channels()
    return a.keys() == b.keys() and all(
        np.array_equal(getattr(a[name], field.name), getattr(b[name], field.name))
        for name in a
        for field in dataclasses.fields(a[name])
    )


def test_a_night_has_the_channels_of_the_device_and_of_the_watch(night):
    assert list(night.recording.channels()) == ["acc", "ppg", "temp"]
    assert list(night.watch.channels()) == ["hr", "counts"]
    n = len(night.reference)
    assert n == 60 + 360 + 20
    for name, rate_hz in (("acc", 32.0), ("ppg", 64.0), ("temp", 4.0)):
        channel = night.recording.channels()[name]
        assert channel.rate_hz == rate_hz
        assert len(channel.samples) == n * 30 * rate_hz
        assert np.isfinite(channel.samples).all()


def test_it_says_everywhere_that_it_is_simulated(night):
    for recording in (night.recording, night.watch):
        assert recording.device.startswith("simulated")
        assert recording.subject == "simulated"
        assert "simulated" in recording.source
        assert any("no accuracy" in line for line in recording.warnings)
    assert "simulated" in night.reference.source
    assert night.reference.warnings == night.recording.warnings


def test_lights_and_start_are_told(night):
    assert (night.reference.lights_off_s, night.reference.lights_on_s) == (1800.0, 1800.0 + 3 * 3600)
    assert (night.recording.lights_off_s, night.watch.lights_on_s) == (1800.0, 1800.0 + 3 * 3600)
    assert night.recording.start == night.watch.start == night.reference.start
    start = datetime(2024, 7, 1, 22, 30, tzinfo=timezone(timedelta(hours=2)))
    assert simulate_night(1, duration_h=0.5, start=start).recording.start == start


def test_the_same_seed_gives_the_same_night_and_another_another():
    one, again, other = (simulate_night(seed, duration_h=0.5) for seed in (7, 7, 8))
    assert channels_equal(one.recording, again.recording)
    assert channels_equal(one.watch, again.watch)
    np.testing.assert_array_equal(one.reference.stages, again.reference.stages)
    assert not channels_equal(one.recording, other.recording)


def test_watch_and_wristband_saw_the_same_night(night):
    body = night.physiology
    np.testing.assert_array_equal(night.watch.counts.values, activity_counts(body.peak_g))
    shown = np.interp(night.watch.hr.times_s, np.arange(body.rate_bpm.size) + 14.0, body.rate_bpm)
    assert np.corrcoef(shown, night.watch.hr.values)[0, 1] > 0.95
    np.testing.assert_array_equal(night.reference.indices(), body.stages)


def test_out_of_bed_is_wake_with_a_faster_heart_and_a_cooler_wrist(night):
    out = night.physiology.out_of_bed
    assert set(night.reference.stages[out].tolist()) == {"W"}
    bpm = night.physiology.rate_bpm.reshape(-1, 30).mean(axis=1)
    assert bpm[out].mean() > bpm[~out].mean()
    assert night.physiology.skin_c[:60].mean() < night.physiology.skin_c[200:400].mean()


def test_other_parameters_give_another_sensor():
    watch = dataclasses.replace(DEFAULT.acceleration, rate_hz=50.0, noise_g=0.0018, step_g=0.0001)
    night = simulate_night(1, duration_h=0.5, parameters=dataclasses.replace(DEFAULT, acceleration=watch))
    assert night.recording.acc.rate_hz == 50.0
    assert night.recording.acc.samples.shape == (90_000, 3)


def test_age_changes_the_person_and_not_the_length():
    young, old = (simulate_night(5, duration_h=0.5, age_years=age) for age in (20, 80))
    assert old.physiology.person.rmssd_ms < young.physiology.person.rmssd_ms
    assert len(old.reference) == len(young.reference)


@pytest.mark.parametrize(
    "arguments",
    [
        {"duration_h": 0.0},
        {"duration_h": 25.0},
        {"duration_h": float("nan")},
        {"evening_min": -1.0},
        {"morning_min": 1e6},
        {"age_years": 3},
        {"start": datetime(2024, 1, 1)},
        {"seed": -1},
    ],
)
def test_impossible_nights_are_refused_with_a_mend(arguments):
    with pytest.raises(InputError, match=";"):
        simulate_night(**({"seed": 1, "duration_h": 1.0} | arguments))


def test_the_default_start_has_a_zone():
    assert simulate_night(1, duration_h=0.2).recording.start.tzinfo is UTC
