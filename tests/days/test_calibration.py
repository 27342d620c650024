"""Calibration to local gravity: what was put in is found, and nothing is invented where the data cannot tell."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging.days.calibration import Calibration, calibrate
from staging.days.windows import Windows
from staging.recording import Signal


def still(n=400, *, seed=1, gain=(1.0, 1.0, 1.0), offset_g=(0.0, 0.0, 0.0), noise_g=0.002, upper_half=False):
    """Windows of 10 s of a sensor of these errors lying in chance directions."""
    rng = np.random.default_rng(seed)
    gravity = rng.normal(size=(n, 3))
    if upper_half:
        gravity = np.abs(gravity)
    gravity /= np.linalg.norm(gravity, axis=1, keepdims=True)
    raw = (gravity + noise_g * rng.normal(size=(n, 3)) - offset_g) / gain
    return Windows(width_s=10.0, mean_g=raw, sd_g=np.full((n, 3), 0.003))


AXES = st.tuples(*[st.floats(-1.0, 1.0)] * 3)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 1000), gains=AXES, offsets=AXES)
def test_gains_and_offsets_of_some_percent_are_found(seed, gains, offsets):
    gain, offset_g = 1.0 + 0.06 * np.array(gains), 0.08 * np.array(offsets)
    found = calibrate(still(seed=seed, gain=gain, offset_g=offset_g))
    if found.applied:
        np.testing.assert_allclose(found.gain, gain, atol=0.003)
        np.testing.assert_allclose(found.offset_g, offset_g, atol=0.003)
        assert found.error_after_g < 0.003
        assert found.error_after_g < found.error_before_g
    else:  # a sensor that is right already cannot be made better
        assert found.error_before_g < 0.004


def test_windows_in_which_the_arm_rested_against_something_shaking_do_not_spoil_it():
    windows = still(gain=(1.03, 0.98, 1.0), offset_g=(0.02, 0.0, -0.04))
    windows.mean_g[::20] *= 1.15
    found = calibrate(windows)
    np.testing.assert_allclose(found.gain, (1.03, 0.98, 1.0), atol=0.006)


def test_a_sensor_that_showed_half_of_all_directions_is_left_alone():
    found = calibrate(still(upper_half=True, offset_g=(0.02, 0.0, 0.0)))
    assert not found.applied
    assert "too few directions" in found.text()
    assert found.gain.tolist() == [1.0, 1.0, 1.0]


def test_a_sensor_that_never_lay_still_is_left_alone():
    windows = still()
    moving = Windows(width_s=10.0, mean_g=windows.mean_g, sd_g=np.full_like(windows.sd_g, 0.02))
    assert calibrate(moving).text() == "acceleration not calibrated: only 0 windows of 10 s at rest"


def test_what_no_gain_or_offset_explains_is_left_alone():
    rng = np.random.default_rng(3)
    windows = still(noise_g=0.0)
    windows.mean_g[:] *= rng.uniform(0.8, 1.2, (400, 1))
    found = calibrate(windows)
    assert not found.applied
    assert found.error_after_g == found.error_before_g > 0.05


def test_saturated_and_dead_windows_are_not_looked_at():
    windows = still()
    windows.mean_g[:100] = 0.0
    windows.mean_g[100:200] = (2.0, 2.0, 2.0)
    assert calibrate(windows).n_windows == 200


@pytest.mark.parametrize("applied", [True, False])
def test_samples_windows_and_text_say_the_same(applied):
    calibration = Calibration(
        gain=np.array([2.0, 1.0, 1.0]) if applied else np.ones(3),
        offset_g=np.array([0.0, 0.5, 0.0]) if applied else np.zeros(3),
        error_before_g=0.02,
        error_after_g=0.004,
        n_windows=100,
        problem="" if applied else "of this or that",
    )
    acc = Signal(samples=np.array([[0.1, 0.2, 0.3]], np.float32), rate_hz=10.0, unit="g", start_s=3.0)
    done = calibration.of_signal(acc)
    expected = [[0.2, 0.7, 0.3]] if applied else [[0.1, 0.2, 0.3]]
    np.testing.assert_allclose(done.samples, expected, atol=1e-6)
    assert (done.start_s, done.samples.dtype) == (3.0, np.float32)
    windows = Windows(width_s=5.0, mean_g=np.array([[0.1, 0.2, 0.3]]), sd_g=np.array([[0.1, 0.2, 0.3]]))
    np.testing.assert_allclose(calibration.of_windows(windows).mean_g, expected, atol=1e-6)
    assert ("20.0 mg before, 4.0 mg after" in calibration.text()) == applied
