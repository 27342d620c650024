from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging.simulate import DEFAULT
from staging.simulate.acceleration import simulate_acceleration
from staging.simulate.beats import Breathing
from staging.simulate.posture import Posture

STILL = Posture(turn_s=np.empty(0), length_s=np.empty(0), gravity=np.array([[0.6, 0.0, 0.8]]))


def acceleration(peak_g, posture=STILL, seed=0, **changes):
    parameters = dataclasses.replace(DEFAULT, acceleration=dataclasses.replace(DEFAULT.acceleration, **changes))
    n = peak_g.size * 4
    breathing = Breathing(phase=np.arange(n) * 0.4, depth=np.ones(n))
    return simulate_acceleration(np.random.default_rng(seed), peak_g, posture, breathing, parameters)


@settings(deadline=None, max_examples=25)
@given(
    st.sampled_from([12.5, 25.0, 32.0, 50.0, 85.7, 100.0]),
    st.sampled_from([1 / 64, 0.0039, 0.001]),
    st.floats(0, 3),
    st.integers(0, 2**32 - 1),
)
def test_any_sensor_samples_at_its_rate_in_its_steps_within_its_range(rate_hz, step_g, peak, seed):
    acc = acceleration(np.full(60, peak), seed=seed, rate_hz=rate_hz, step_g=step_g)
    assert acc.samples.shape == (int(60 * rate_hz), 3)
    assert acc.samples.dtype == np.float32
    assert acc.rate_hz == rate_hz
    assert np.abs(acc.samples).max() <= DEFAULT.acceleration.range_g
    inside = acc.samples[np.abs(acc.samples) < DEFAULT.acceleration.range_g].astype(np.float64)
    np.testing.assert_allclose(inside / step_g, np.rint(inside / step_g), atol=2e-4)


def test_a_still_wrist_shows_gravity_and_the_sensor_s_noise():
    """Empatica E4: 7-8 mg an axis, in steps of 15.6 mg."""
    acc = acceleration(np.zeros(600), settling_sd_g=0.0, breathing_g=0.0, step_g=1e-4)
    np.testing.assert_allclose(acc.samples.mean(axis=0), [0.6, 0, 0.8], atol=1e-3)
    np.testing.assert_allclose(acc.samples.std(axis=0), DEFAULT.acceleration.noise_g, rtol=0.03)


def test_a_turn_ends_where_the_posture_says():
    posture = Posture(turn_s=np.array([20.0]), length_s=np.array([4.0]), gravity=np.array([[0.0, 0, 1], [1.0, 0, 0]]))
    acc = acceleration(np.zeros(60), posture)
    seconds = acc.samples.reshape(60, 32, 3).mean(axis=1)
    np.testing.assert_allclose(seconds[:20].mean(axis=0), [0, 0, 1], atol=0.04)
    np.testing.assert_allclose(seconds[25:].mean(axis=0), [1, 0, 0], atol=0.04)
    np.testing.assert_allclose(np.linalg.norm(seconds, axis=1), 1.0, atol=0.1)


def test_each_second_of_a_movement_is_as_strong_as_asked():
    peak_g = np.zeros(90)
    peak_g[30:60] = 0.3
    acc = acceleration(peak_g, noise_g=0.0, sway_factor=0.0, settling_sd_g=0.0, breathing_g=0.0, step_g=1e-4)
    strength = np.abs(acc.samples[:, 2] - 0.8).reshape(90, 32).max(axis=1)
    np.testing.assert_allclose(strength[30:60], 0.3, atol=0.02)
    assert strength[:29].max() < 1e-3


def test_no_seconds_no_samples():
    assert acceleration(np.empty(0)).samples.shape == (0, 3)


def test_the_noise_differs_between_nights():
    one, other = (acceleration(np.zeros(30), seed=s).samples for s in (1, 2))
    assert not np.array_equal(one, other)
    assert one.mean() == pytest.approx(other.mean(), abs=0.02)
