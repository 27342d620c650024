from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging.errors import FormatError
from staging.readers.blocks import in_order, lay_out


def blocks(n, count, true_hz, *, jitter_s=0.0, lost=(), seed=0):
    """Times of blocks, their counts, and their samples: each the number of itself since the start."""
    rng = np.random.default_rng(seed)
    kept = np.setdiff1d(np.arange(n), list(lost))
    begins_s = kept * count / true_hz + rng.uniform(-jitter_s, jitter_s, len(kept))
    samples = (kept[:, None] * count + np.arange(count))[..., None].astype(np.float64)
    return begins_s, np.full(len(kept), count), samples


def filled(layout, samples, at_once=7):
    grid = layout.empty(samples.shape[2])
    for part in layout.chunks(at_once):
        layout.put(grid, part, samples[part])
    return grid


@settings(deadline=None, max_examples=60)
@given(
    n=st.integers(40, 200),
    count=st.sampled_from([40, 80, 120]),
    true_hz=st.floats(97, 103),
    lost=st.sets(st.integers(1, 28), max_size=6),
    seed=st.integers(0, 99),
)
def test_every_sample_stands_within_a_sample_and_the_jitter_of_its_time(n, count, true_hz, lost, seed):
    begins_s, counts, samples = blocks(n, count, true_hz, jitter_s=0.005, lost=lost, seed=seed)
    layout = lay_out(begins_s, counts, 100.0, rate_error=0.05, where="watch.bin")
    grid = filled(layout, samples)[:, 0]
    times_s = layout.start_s + np.arange(layout.n_samples) / layout.rate_hz
    there = np.isfinite(grid)
    assert np.max(np.abs(times_s[there] - grid[there] / true_hz)) < 0.022
    assert np.all(np.diff(grid[there]) >= 0)
    lost_samples = count * sum(0 < block < n - 1 for block in lost)
    assert abs(np.count_nonzero(~there) - lost_samples) <= 2 + 2 * len(lost)


def test_where_the_clocks_agree_the_samples_are_the_devices_own():
    begins_s, counts, samples = blocks(500, 80, 98.7)
    layout = lay_out(begins_s, counts, 100.0, rate_error=0.05, where="watch.bin")
    np.testing.assert_array_equal(filled(layout, samples)[:, 0], np.arange(500 * 80))
    assert layout.rate_hz == pytest.approx(98.7, rel=1e-6)
    assert not len(layout.gaps())


def test_a_clock_that_drifts_for_hours_is_followed():
    counts = np.full(20_000, 120)
    rates_hz = 100 + 0.1 * np.sin(np.arange(20_000) * 2 * np.pi / 20_000)
    begins_s = np.concatenate([[0], np.cumsum(120 / rates_hz)[:-1]])
    layout = lay_out(begins_s, counts, 100.0, rate_error=0.05, where="watch.bin")
    off_s = layout.start_s + layout.first / layout.rate_hz - begins_s
    assert np.max(np.abs(off_s)) < 0.015
    drift = np.max(np.abs(begins_s - np.arange(20_000) * 120 / layout.rate_hz))
    assert drift > 2  # what a single rate for all would be wrong by, in seconds
    assert set(np.unique(layout.length - counts)) <= {-1, 0, 1}


def test_a_block_that_is_stretched_gives_one_sample_twice_in_its_middle():
    layout = lay_out(np.array([0.0, 1.1]), np.array([10, 10]), 10.0, rate_error=0.2, where="x", measure=False)
    samples = np.arange(20.0).reshape(2, 10, 1)
    assert filled(layout, samples)[:12, 0].tolist() == [0, 1, 2, 3, 4, 5, 5, 6, 7, 8, 9, 10]


def test_blocks_of_different_sizes_stand_behind_each_other():
    counts = np.array([4, 2, 3])
    layout = lay_out(np.array([0.0, 0.4, 0.6]), counts, 10.0, rate_error=0.0, where="x", measure=False)
    samples = np.arange(12.0).reshape(3, 4, 1)
    assert filled(layout, samples)[:, 0].tolist() == [0, 1, 2, 3, 4, 5, 8, 9, 10]


def test_a_value_for_each_block_is_given_for_every_second():
    begins_s, counts, _ = blocks(10, 200, 100.0, lost=[4])
    layout = lay_out(begins_s, counts, 100.0, rate_error=0.05, where="watch.bin")
    seconds = layout.each_second(np.arange(9.0))
    np.testing.assert_array_equal(seconds[:8], np.repeat([0.0, 1, 2, 3], 2))
    assert np.isnan(seconds[8:10]).all()
    np.testing.assert_array_equal(seconds[10:], np.repeat([4.0, 5, 6, 7, 8], 2))


def test_one_block_is_a_recording():
    layout = lay_out(np.array([3.0]), np.array([7]), 10.0, rate_error=0.05, where="x")
    assert (layout.n_samples, layout.start_s, layout.rate_hz) == (7, 3.0, 10.0)


def test_stamps_that_contradict_the_rate_are_refused():
    begins_s = np.arange(50) * 3.0
    with pytest.raises(FormatError, match="its blocks do not follow each other at the 100 Hz that it states"):
        lay_out(begins_s, np.full(50, 100), 100.0, rate_error=0.05, where="watch.bin")


def test_a_grid_that_would_not_fit_into_memory_is_refused():
    with pytest.raises(FormatError, match="20 days at 100 Hz with 20 samples are too much for one recording"):
        lay_out(np.array([0.0, 20 * 86400.0]), np.array([10, 10]), 100.0, rate_error=0.05, where="watch.bin")


def test_a_few_blocks_cannot_ask_for_gigabytes_of_gap():
    begins_s = np.array([0.0, 7 * 86400.0])
    with pytest.raises(FormatError, match="7 days at 100 Hz with 2000 samples are too much"):
        lay_out(begins_s, np.array([1000, 1000]), 100.0, rate_error=0.05, where="watch.bin")


@pytest.mark.parametrize(
    ("begins_s", "message"),
    [
        ([0.0, -1, -2, -3], "most of its blocks go back in time"),
        (
            [0.0, 1, 40 * 86400.0],
            r"its time stamps span 40 days; give one recording at a time, of a",
        ),
    ],
)
def test_times_that_cannot_be_are_refused(begins_s, message):
    with pytest.raises(FormatError, match=message):
        in_order(np.array(begins_s), "watch.bin")
