from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging.readers.beats import beat_times_s


def packets(n=600, size=8, seed=0, delay_s=0.8, jitter_s=0.3):
    """Beats, their intervals, and when their packets came."""
    rng = np.random.default_rng(seed)
    intervals = 1 + 0.1 * np.sin(np.arange(n) / 20) + rng.normal(0, 0.02, n)
    beats = 1000 + np.cumsum(intervals)
    last = np.minimum(np.arange(n) // size * size + size - 1, n - 1)
    received = beats[last] + delay_s + jitter_s * rng.random(n)[last]
    return beats, intervals, np.maximum.accumulate(received)


@settings(deadline=None, max_examples=30)
@given(size=st.integers(1, 12), seed=st.integers(0, 99), delay_s=st.floats(0, 5), jitter_s=st.floats(0, 0.5))
def test_beats_are_found_to_within_the_jitter_of_the_packets(size, seed, delay_s, jitter_s):
    beats, intervals, received = packets(size=size, seed=seed, delay_s=delay_s, jitter_s=jitter_s)
    late = beat_times_s(received, intervals) - beats
    assert np.all(late > delay_s - 1e-6)
    assert np.all(late[:-size] < delay_s + jitter_s + 1e-6)


@pytest.mark.parametrize("lost", [slice(200, 208), slice(200, 280), slice(0, 16)])
def test_a_lost_packet_moves_no_other_beat(lost):
    beats, intervals, received = packets(jitter_s=0.0)
    keep = np.ones(len(beats), dtype=bool)
    keep[lost] = False
    late = beat_times_s(received[keep], intervals[keep]) - beats[keep]
    np.testing.assert_allclose(late, 0.8, atol=1e-6)


def test_an_interval_that_is_none_moves_no_other_beat():
    beats, intervals, received = packets(jitter_s=0.0)
    intervals[100:104] = np.nan
    late = beat_times_s(received, intervals) - beats
    np.testing.assert_allclose(late[104:], 0.8, atol=1e-6)
    np.testing.assert_allclose(late[:96], 0.8, atol=1e-6)


def test_nothing_received_is_nothing():
    assert beat_times_s(np.empty(0), np.empty(0)).size == 0


def test_times_never_go_back():
    rng = np.random.default_rng(3)
    received = np.sort(rng.random(300) * 100)
    assert np.all(np.diff(beat_times_s(received, rng.random(300))) >= 0)
