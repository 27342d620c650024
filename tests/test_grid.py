from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging.grid import bin_edges, bin_mean, bin_share, runs, within_runs
from staging.recording import Signal

RATES = st.sampled_from([1 / 30, 0.25, 1.0, 4.0, 32.0, 33.3, 49.97, 64.0, 100.0])


def signal(samples: np.ndarray, rate_hz: float, start_s: float = 0.0) -> Signal:
    return Signal(samples=np.asarray(samples, dtype=np.float64), rate_hz=rate_hz, unit="g", start_s=start_s)


@settings(deadline=None, max_examples=60)
@given(rate_hz=RATES, n=st.integers(0, 400), start_s=st.floats(-50, 50), bin_s=st.sampled_from([1.0, 5.0, 30.0]))
def test_every_sample_lies_in_the_bin_its_time_says(rate_hz: float, n: int, start_s: float, bin_s: float) -> None:
    channel = signal(np.zeros(n), rate_hz, start_s)
    edges = bin_edges(channel, 30, bin_s)
    assert np.all(np.diff(edges) >= 0)
    times_s = channel.times_s()
    for index in range(30):
        inside = times_s[edges[index] : edges[index + 1]]
        tolerance_s = 2e-6 / rate_hz
        assert np.all(inside >= index * bin_s - tolerance_s)
        assert np.all(inside < (index + 1) * bin_s + tolerance_s)
    reached = (times_s >= 1e-3) & (times_s < 30 * bin_s - 1e-3)
    assert edges[-1] - edges[0] >= reached.sum()


@settings(deadline=None, max_examples=60)
@given(rate_hz=RATES, seed=st.integers(0, 2**16), start_s=st.floats(-40, 40), axes=st.sampled_from([1, 3]))
def test_means_equal_a_loop_over_the_bins(rate_hz: float, seed: int, start_s: float, axes: int) -> None:
    rng = np.random.default_rng(seed)
    samples = rng.normal(size=(200, axes))
    samples[rng.random(200) < 0.3] = np.nan
    channel = signal(samples[:, 0] if axes == 1 else samples, rate_hz, start_s)
    means = bin_mean(channel, 12, 5.0).reshape(12, axes)
    share = bin_share(channel, 12, 5.0)
    edges = bin_edges(channel, 12, 5.0)
    for index in range(12):
        inside = samples[edges[index] : edges[index + 1]]
        known = inside[np.isfinite(inside).all(axis=1)]
        if len(known) and share[index] >= 0.5:
            np.testing.assert_allclose(means[index], known.mean(axis=0), atol=1e-12)
        else:
            assert np.isnan(means[index]).all()


def test_a_first_sample_at_a_bins_start_stays_in_it_although_a_tenth_is_not_binary() -> None:
    assert bin_edges(signal(np.zeros(100), 10.0, start_s=0.3), 3, 1.0).tolist() == [0, 7, 17, 27]


def test_the_share_is_of_a_full_bin_where_the_recording_begins_or_ends_inside_one() -> None:
    late = signal(np.ones(100), 10.0, start_s=2.5)
    assert bin_share(late, 3, 5.0).tolist() == pytest.approx([0.5, 1.0, 0.5])


def test_one_missing_axis_makes_the_sample_missing() -> None:
    samples = np.ones((4, 3))
    samples[:2, 1] = np.nan
    samples[:2, 0] = 99.0
    assert bin_mean(signal(samples, 4.0), 1, 1.0).tolist() == [[1.0, 1.0, 1.0]]


def test_a_rate_that_does_not_divide_the_bin_still_fills_it() -> None:
    assert bin_share(signal(np.ones(1000), 33.3), 10, 1.0).tolist() == [1.0] * 10


def test_an_empty_channel_gives_empty_bins() -> None:
    empty = signal(np.empty((0, 3)), 32.0)
    assert np.isnan(bin_mean(empty, 2, 30.0)).all()
    assert bin_share(empty, 2, 30.0).tolist() == [0.0, 0.0]


@settings(deadline=None, max_examples=60)
@given(mask=st.lists(st.booleans(), max_size=40))
def test_runs_and_back_give_the_same_mask(mask: list[bool]) -> None:
    start, stop = runs(np.array(mask, dtype=bool))
    assert np.all(stop > start)
    assert np.all(start[1:] > stop[:-1])
    assert within_runs(start, stop, len(mask)).tolist() == mask


def test_overlapping_runs_are_joined() -> None:
    assert within_runs(np.array([0, 1]), np.array([3, 2]), 4).tolist() == [True, True, True, False]
