"""Means and SDs of short windows: the same as of the samples themselves, whatever is missing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging.days import windows as module
from staging.days.windows import Windows, short_windows
from staging.recording import Signal


def signal(samples, *, rate_hz=20.0, start_s=0.0):
    return Signal(samples=np.asarray(samples, np.float32), rate_hz=rate_hz, unit="g", start_s=start_s)


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 10_000),
    rate_hz=st.sampled_from([10.0, 12.5, 31.97, 100.0]),
    start_s=st.floats(-8.0, 8.0),
    missing=st.floats(0.0, 0.9),
)
def test_windows_are_those_of_the_samples_in_them(seed, rate_hz, start_s, missing):
    rng = np.random.default_rng(seed)
    samples = rng.normal([0.0, 0.5, -1.0], 0.02, (int(rate_hz * 40), 3)).astype(np.float32)
    gap = rng.integers(0, len(samples), 2)
    samples[min(gap) : min(gap) + int(missing * (max(gap) - min(gap)))] = np.nan
    acc = signal(samples, rate_hz=rate_hz, start_s=start_s)
    found = short_windows(acc, 9)
    window = np.floor((acc.times_s() + 1e-9 * rate_hz) / 5.0)
    for index in range(9):
        inside = samples[(window == index) & np.isfinite(samples).all(axis=1)]
        if len(inside) < np.floor(rate_hz * 5.0) / 2:
            assert np.isnan(found.mean_g[index]).all()
            continue
        np.testing.assert_allclose(found.mean_g[index], inside.mean(axis=0, dtype=np.float64), atol=2e-6)
        np.testing.assert_allclose(found.sd_g[index], inside.std(axis=0, dtype=np.float64), atol=2e-5)


def test_long_recordings_are_worked_on_in_blocks_and_come_out_the_same(monkeypatch):
    samples = np.random.default_rng(1).normal(size=(20 * 300, 3))
    at_once = short_windows(signal(samples), 60)
    monkeypatch.setattr(module, "BLOCK_SAMPLES", 700)
    in_blocks = short_windows(signal(samples), 60)
    np.testing.assert_allclose(in_blocks.mean_g, at_once.mean_g, atol=1e-7)
    np.testing.assert_allclose(in_blocks.sd_g, at_once.sd_g, atol=1e-6)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10_000), number=st.integers(1, 6))
def test_joined_windows_are_those_of_the_samples_of_all(seed, number):
    samples = np.random.default_rng(seed).normal(size=(20 * 60, 3))
    joined = short_windows(signal(samples), 12).joined(number)
    direct = short_windows(signal(samples), 12 // number, width_s=5.0 * number)
    np.testing.assert_allclose(joined.mean_g, direct.mean_g, atol=1e-5)
    np.testing.assert_allclose(joined.sd_g, direct.sd_g, atol=1e-5)


@pytest.mark.parametrize(("axis", "angle"), [(2, 90.0), (0, 0.0), (1, 0.0)])
def test_the_angle_is_that_of_the_axis_that_leaves_the_skin_with_the_horizon(axis, angle):
    mean = np.zeros((1, 3))
    mean[0, axis] = 1.0
    assert Windows(width_s=5.0, mean_g=mean, sd_g=mean * 0).angle_deg().tolist() == [angle]


def test_a_dead_sensor_has_no_angle():
    zero = np.zeros((2, 3))
    zero[1] = np.nan
    assert np.isnan(Windows(width_s=5.0, mean_g=zero, sd_g=zero).angle_deg()).all()
