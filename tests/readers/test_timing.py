from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging.errors import RecordingError
from staging.readers.timing import to_events, to_float32, to_signal

RATES = st.sampled_from([1.0, 4.0, 25.0, 32.0, 50.0, 64.0, 100.0, 128.0]) | st.floats(0.5, 200)
SEEDS = st.integers(0, 2**32 - 1)


def signal(times_s, values):
    return to_signal(np.asarray(times_s, float), np.asarray(values, float), unit="a.u.", where="night/ppg.csv")


def ramp(n):
    return np.arange(n, dtype=float)


@settings(deadline=None, max_examples=60)
@given(rate_hz=RATES, n=st.integers(2, 2000), begin_s=st.floats(-1e4, 1e6))
def test_even_times_give_back_the_samples_the_rate_and_the_start(rate_hz, n, begin_s):
    got, warnings = signal(begin_s + ramp(n) / rate_hz, ramp(n))
    assert got.samples.tolist() == ramp(n).tolist()
    assert got.samples.dtype == np.float32
    assert got.rate_hz == pytest.approx(rate_hz, rel=1e-6)
    assert got.start_s == pytest.approx(begin_s, abs=1e-6)
    assert warnings == ()


@settings(deadline=None, max_examples=40)
@given(rate_hz=st.floats(5, 200), decimals=st.integers(3, 6), n=st.integers(1000, 4000))
def test_times_rounded_to_milliseconds_do_not_bias_the_rate(rate_hz, decimals, n):
    got, warnings = signal(np.round(ramp(n) / rate_hz, decimals), ramp(n))
    assert got.rate_hz == pytest.approx(rate_hz, rel=2e-4)
    assert got.samples.tolist() == ramp(n).tolist()
    assert warnings == ()


@settings(deadline=None, max_examples=30)
@given(rate_hz=st.floats(8, 130), seed=SEEDS, sd=st.floats(0.01, 0.8))
def test_jitter_leaves_the_samples_and_their_order_alone(rate_hz, seed, sd):
    n = 6000
    jitter = np.random.default_rng(seed).normal(0, sd / rate_hz, n)
    got, warnings = signal(ramp(n) / rate_hz + jitter, ramp(n))
    assert got.samples.tolist() == ramp(n).tolist()
    assert got.rate_hz == pytest.approx(rate_hz, rel=1e-3)
    assert warnings == ()


@settings(deadline=None, max_examples=40)
@given(rate_hz=st.sampled_from([4.0, 32.0, 50.0, 64.0]), seed=SEEDS, n_gaps=st.integers(1, 4))
def test_gaps_are_nan_and_every_sample_stays_at_its_time(rate_hz, seed, n_gaps):
    rng = np.random.default_rng(seed)
    n = 3000
    keep = np.ones(n, bool)
    for begin in rng.integers(500, n - 700, n_gaps):
        keep[begin : begin + rng.integers(2, 200)] = False
    got, warnings = signal(ramp(n)[keep] / rate_hz, ramp(n)[keep])
    assert got.rate_hz == pytest.approx(rate_hz)
    np.testing.assert_array_equal(got.samples, np.where(keep, ramp(n), np.nan))
    edges = np.flatnonzero(np.diff(keep.astype(int)) == -1)
    lost_s = np.count_nonzero(~keep) / rate_hz
    count = f"{len(edges)} gap{'s' * (len(edges) > 1)}"
    assert warnings == (f"ppg.csv: {count} of {lost_s:.1f} s in all, from {edges[0] / rate_hz:.1f} s",)


@settings(deadline=None, max_examples=30)
@given(seed=SEEDS, share=st.floats(0.001, 0.2))
def test_single_lost_samples_are_bridged_at_the_devices_rate(seed, share):
    rng = np.random.default_rng(seed)
    n = 3000
    keep = rng.random(n) > share
    keep[1:] |= ~keep[:-1]  # never two in a row
    keep[[0, -1]] = True
    got, _ = signal(ramp(n)[keep] / 64, ramp(n)[keep])
    assert got.rate_hz == pytest.approx(64)
    np.testing.assert_allclose(got.samples, ramp(n), atol=0.01)


@settings(deadline=None, max_examples=20)
@given(rate_hz=st.integers(2, 128), seconds=st.integers(20, 60), first=st.integers(1, 128))
def test_rows_that_share_stamps_of_whole_seconds_are_spread(rate_hz, seconds, first):
    n = rate_hz * seconds
    times = (ramp(n) + rate_hz - min(first, rate_hz)) // rate_hz  # the first second may be partial
    got, warnings = signal(times, ramp(n) ** 0.5)
    assert got.rate_hz == pytest.approx(rate_hz, rel=1e-3)
    np.testing.assert_allclose(got.samples, ramp(n) ** 0.5, rtol=1e-6)
    assert "rows share time stamps" in warnings[0]


def test_a_gap_behind_a_first_shared_stamp_does_not_move_it():
    times = np.concatenate([np.zeros(10), np.repeat(np.arange(100, 140), 32)])
    got, _ = signal(times, ramp(len(times)))
    assert got.rate_hz == pytest.approx(32, rel=1e-3)
    assert np.flatnonzero(got.samples == 9)[0] / 32 + got.start_s < 1.01


def test_rows_written_twice_are_not_taken_for_a_doubled_rate():
    got, warnings = signal(np.repeat(ramp(500) / 32, 2), np.repeat(ramp(500), 2))
    assert got.rate_hz == 32
    assert got.samples.tolist() == ramp(500).tolist()
    assert warnings == ("ppg.csv: 500 repeated times left out (first at 0.0 s)",)


@settings(deadline=None, max_examples=30)
@given(seed=SEEDS, packet=st.integers(2, 200))
def test_packets_out_of_order_are_put_in_order(seed, packet):
    n = packet * 12
    order = np.random.default_rng(seed).permutation(12)
    rows = ramp(n).reshape(12, packet)[order].ravel()
    got, warnings = signal(rows / 64, rows)
    assert got.samples.tolist() == ramp(n).tolist()
    moved = np.count_nonzero(np.maximum.accumulate(rows) > rows)
    assert (f"{moved} rows go back in time" in "".join(warnings)) == bool(moved)


@settings(deadline=None, max_examples=30)
@given(back_s=st.floats(1, 100), at=st.integers(7000, 9000))
def test_a_clock_set_back_never_interleaves_two_stretches(back_s, at):
    n = 20_000
    times = ramp(n) / 64
    times[at:] -= back_s
    got, warnings = signal(times, ramp(n))
    assert got.rate_hz == pytest.approx(64, rel=1e-4)
    seen = got.samples[np.isfinite(got.samples)]
    jumps = np.flatnonzero(np.abs(np.diff(seen) - 1) > 0.1)
    assert len(jumps) <= 3  # one switch from the first to the second stretch, a sample or two at its edge
    assert "go back in time" in warnings[0]
    assert "left out" in warnings[0]


@settings(deadline=None, max_examples=30)
@given(seed=SEEDS)
def test_a_drifting_clock_is_followed(seed):
    n = 20_000
    true_s = ramp(n) / 64
    times = true_s + 0.05 * np.sin(2 * np.pi * true_s / 150)  # three samples either way
    got, _ = signal(times, times)
    np.testing.assert_allclose(got.samples, got.times_s(), atol=2e-3)


def test_three_axes_are_kept_together():
    rows = np.column_stack([ramp(100), -ramp(100), 2 * ramp(100)])
    keep = np.r_[0:40, 60:100]
    got, _ = to_signal(ramp(100)[keep] / 32, rows[keep], unit="g", where="acc.csv")
    assert got.samples.shape == (100, 3)
    np.testing.assert_array_equal(got.samples[keep], rows[keep])
    assert np.isnan(got.samples[40:60]).all()


def test_rows_without_a_time_are_left_out_and_counted():
    times = ramp(50)
    times[7] = np.nan
    got, warnings = signal(times, ramp(50))
    assert warnings[0] == "ppg.csv: 1 rows without a time left out"
    assert got.samples[8] == 8


@pytest.mark.parametrize(
    ("times", "message"), [([], "fewer than two"), ([1.0], "fewer than two"), ([1, 1, 1], "fewer")]
)
def test_less_than_two_samples_have_no_rate(times, message):
    with pytest.raises(RecordingError, match=message):
        signal(times, ramp(len(times)))


def test_a_night_in_milliseconds_spans_months_and_is_refused():
    with pytest.raises(RecordingError, match=r"night/ppg\.csv: its times span 333\.3 days; give seconds, not millisec"):
        signal(np.linspace(0, 8 * 3600 * 1000, 1000), ramp(1000))
    with pytest.raises(RecordingError, match="span"):
        to_events(np.array([0, 1e300]), ramp(2), unit="s", where="ibi.csv")


def test_a_tiny_step_beside_days_does_not_fill_the_memory():
    times = np.concatenate([ramp(1000) * 1e-6, 86400 * 20 + ramp(1000) * 1e-6])
    with pytest.raises(RecordingError, match="leave gaps of"):
        signal(times, ramp(2000))


@settings(deadline=None, max_examples=50)
@given(times=st.lists(st.floats(-1e5, 1e5) | st.just(float("nan")) | st.integers(0, 20).map(float), max_size=40))
def test_events_increase_and_keep_the_first_row_of_each_time(times):
    rows = ramp(len(times))
    got, warnings = to_events(np.array(times, float), rows, unit="bpm", where="hr.csv")
    expected: dict[float, float] = {}
    for time, row in zip(times, rows, strict=True):
        if np.isfinite(time):
            expected.setdefault(time + 0.0, row)
    assert dict(zip(got.times_s.tolist(), got.values.tolist(), strict=True)) == expected
    assert got.times_s.tolist() == sorted(expected)
    steps = np.diff([time for time in times if np.isfinite(time)])
    assert bool(warnings) == bool(np.isnan(times).any() or (steps < 0).any() or len(expected) < len(times))


@settings(deadline=None, max_examples=100)
@given(
    times=st.lists(st.floats(-1e3, 1e3) | st.integers(0, 30).map(float), min_size=2, max_size=60),
    values=st.lists(st.floats(width=64) | st.just(float("nan")), min_size=60, max_size=60),
)
def test_any_times_give_an_even_signal_or_are_refused(times, values):
    try:
        got, _ = signal(times, values[: len(times)])
    except RecordingError:
        pass
    else:
        assert got.rate_hz > 0
        assert abs(got.start_s - min(times)) <= 10 / got.rate_hz + 1e-6
        assert len(got.samples) <= 100_000_001


def test_a_few_rows_cannot_ask_for_gigabytes_of_gap():
    times = np.concatenate([np.arange(500) / 100, 7 * 86400 + np.arange(500) / 100])
    with pytest.raises(RecordingError, match=r"1000 rows at 100 Hz leave gaps of 6e\+07 samples; mend its times"):
        signal(times, ramp(1000))


@pytest.mark.parametrize("bits", [0x7FF0000000000001, 0x7FE0000000000000])
def test_what_single_precision_cannot_hold_is_said_by_its_value_and_not_by_a_warning(bits):
    """A damaged file may hold a signalling NaN, or a number beyond 1e38."""
    values = np.full(8, bits, np.uint64).view(np.float64)
    assert not np.isfinite(to_float32(values)).any()
