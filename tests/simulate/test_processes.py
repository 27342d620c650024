from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging.simulate.processes import band_noise, follow, ornstein_uhlenbeck, recurrence, renewal_times


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 400), st.floats(0.0, 0.9999), st.integers(0, 2**32 - 1))
def test_the_doubled_recurrence_equals_the_loop(n, highest, seed):
    rng = np.random.default_rng(seed)
    decay, drive = rng.uniform(0, highest, n), rng.normal(size=n)
    x, slow = 0.0, np.empty(n)
    for i in range(n):
        x = slow[i] = decay[i] * x + drive[i]
    np.testing.assert_allclose(recurrence(decay, drive), slow, rtol=1e-9, atol=1e-5)


def test_the_arguments_of_a_recurrence_are_left_alone():
    decay, drive = np.full(10, 0.5), np.ones(10)
    recurrence(decay, drive)
    assert decay.tolist() == [0.5] * 10
    assert drive.tolist() == [1.0] * 10


def test_an_ornstein_uhlenbeck_walk_has_its_spread_from_the_first_step_and_its_memory():
    rng = np.random.default_rng(5)
    walks = np.stack([ornstein_uhlenbeck(rng, np.full(300, 3.0), np.full(300, 20.0)) for _ in range(1500)])
    np.testing.assert_allclose(walks.std(axis=0)[[0, 1, 150, 299]], 3.0, rtol=0.07)
    correlation = np.mean(walks[:, 100] * walks[:, 120]) / 9.0
    assert correlation == pytest.approx(np.exp(-1), abs=0.08)


def test_the_walk_follows_a_spread_that_changes():
    sd = np.repeat([1.0, 5.0], 20_000)
    walk = ornstein_uhlenbeck(np.random.default_rng(2), sd, np.full(40_000, 10.0))
    assert walk[:20_000].std() == pytest.approx(1.0, rel=0.1)
    assert walk[20_100:].std() == pytest.approx(5.0, rel=0.1)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 300), st.floats(0.5, 100.0), st.floats(-50, 50), st.floats(-50, 50))
def test_following_stays_between_the_levels_and_arrives(n, tau, low, high):
    target = np.full(n, high)
    target[0] = low
    path = follow(target, np.full(n, tau))
    assert path.min() >= min(low, high) - 1e-6
    assert path.max() <= max(low, high) + 1e-6
    expected = high + (low - high) * np.exp(-(n - 1) / tau)
    assert path[-1] == pytest.approx(expected, abs=1e-4)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(0.0, 0.05), max_size=40), st.floats(0.2, 1.5), st.integers(0, 2**32 - 1))
def test_renewal_times_increase_and_come_only_where_there_is_a_rate(rates, sigma, seed):
    rate = np.array(rates)
    rate[rate < 1e-4] = 0.0
    times_s = renewal_times(np.random.default_rng(seed), rate, 30.0, sigma)
    assert np.all(np.diff(times_s) >= 0)
    assert np.all((times_s >= 0) & (times_s <= 30.0 * rate.size))
    # A time on the edge of a step without a rate belongs to the step beside it.
    inside = times_s[(times_s % 30.0 > 1e-6) & (times_s % 30.0 < 30.0 - 1e-6)]
    assert np.all(rate[(inside // 30.0).astype(int)] > 0)


@pytest.mark.parametrize("sigma", [0.3, 1.2])
def test_renewal_times_have_the_rate_and_the_irregularity_of_their_gaps(sigma):
    times_s = renewal_times(np.random.default_rng(8), np.full(20_000, 0.01), 30.0, sigma)
    assert times_s.size == pytest.approx(6000, rel=0.08)
    assert np.log(np.diff(times_s)).std() == pytest.approx(sigma, rel=0.05)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 3000), st.integers(0, 2**32 - 1))
def test_band_noise_has_its_length_and_is_finite(n, seed):
    noise = band_noise(np.random.default_rng(seed), n, 4.0, (0.04, 0.15), 8.0)
    assert noise.shape == (n,)
    assert np.isfinite(noise).all()


def test_band_noise_stays_in_its_band():
    noise = band_noise(np.random.default_rng(3), 60_000, 4.0, (0.04, 0.15), 8.0)
    power = np.abs(np.fft.rfft(noise)) ** 2
    frequency = np.fft.rfftfreq(noise.size, 0.25)
    inside = (frequency > 0.03) & (frequency < 0.2)
    assert power[inside].sum() > 0.97 * power.sum()
    assert noise.std() == pytest.approx(1.0, rel=0.1)
