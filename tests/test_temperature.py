from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from staging.recording import Signal
from staging.temperature import below_plateau_c, clean_temperature, epoch_mean_c, slope_c_per_min, wear

Floats = NDArray[np.float64]


def temp_of(samples: Floats, rate_hz: float = 4.0, start_s: float = 0.0) -> Signal:
    return Signal(samples=np.asarray(samples, dtype=np.float64), rate_hz=rate_hz, unit="degC", start_s=start_s)


def made_night(minutes: float, rate_hz: float = 4.0, seed: int = 0) -> Floats:
    """A hand that warms from 32.5 to 35 °C within an hour, with the noise and the 0.01 °C step of an E4."""
    rng = np.random.default_rng(seed)
    t_min = np.arange(round(minutes * 60 * rate_hz)) / rate_hz / 60
    return np.round(32.5 + 2.5 * (1 - np.exp(-t_min / 35)) + 0.02 * rng.standard_normal(len(t_min)), 2)


class TestClean:
    @settings(deadline=None, max_examples=25)
    @given(
        seed=st.integers(0, 2**16),
        n_bad=st.integers(0, 60),
        rate_hz=st.sampled_from([1 / 60, 0.3, 1.0, 4.0, 64.0]),
        bad=st.sampled_from([-127.0, 0.0, 85.0, 382.21, np.inf, np.nan, 24.0, 38.5]),
    )
    def test_error_codes_and_spikes_go_and_all_else_stays_as_it_was(
        self, seed: int, n_bad: int, rate_hz: float, bad: float
    ) -> None:
        rng = np.random.default_rng(seed)
        samples = made_night(20 if rate_hz > 1 else 240, rate_hz, seed)
        where = np.zeros(len(samples), dtype=bool)
        # Among a slow sensor's samples, neighbours are the only evidence: bad ones must stand alone there.
        where[rng.choice(np.arange(2, len(samples) - 2, 9), min(n_bad, len(samples) // 20), replace=False)] = True
        spoilt = np.where(where, bad, samples)
        found = clean_temperature(temp_of(spoilt, rate_hz)).samples
        assert np.isnan(found[where]).all()
        np.testing.assert_array_equal(found[~where], samples[~where])

    def test_a_lasting_step_stays(self) -> None:
        samples = np.r_[np.full(4 * 600, 34.0), np.full(4 * 600, 25.0)]
        assert np.isfinite(clean_temperature(temp_of(samples)).samples).all()

    @settings(deadline=None, max_examples=15)
    @given(seed=st.integers(0, 2**16))
    def test_cleaning_twice_is_cleaning_once(self, seed: int) -> None:
        samples = made_night(10, seed=seed)
        samples[np.random.default_rng(seed).random(len(samples)) < 0.05] = 40.0
        once = clean_temperature(temp_of(samples))
        np.testing.assert_array_equal(clean_temperature(once).samples, once.samples)

    @pytest.mark.parametrize("samples", [np.empty(0), np.full(100, np.nan), np.full(100, 382.21)])
    def test_nothing_usable_stays_nothing(self, samples: Floats) -> None:
        assert np.isnan(clean_temperature(temp_of(samples)).samples).all()

    def test_three_columns_are_refused(self) -> None:
        with pytest.raises(ValueError, match="one channel"):
            clean_temperature(Signal(samples=np.zeros((8, 3)), rate_hz=1.0, unit="degC"))


class TestEpochs:
    @settings(deadline=None, max_examples=25)
    @given(
        rate_hz=st.sampled_from([1 / 300, 1 / 60, 1 / 45, 1 / 30, 0.3, 1.0, 4.0]),
        start_s=st.floats(-300, 0),
        slope=st.floats(-0.1, 0.1),
    )
    def test_a_straight_line_is_read_alike_at_any_rate(self, rate_hz: float, start_s: float, slope: float) -> None:
        t_s = start_s + np.arange(round(2700 * rate_hz)) / rate_hz
        found = epoch_mean_c(temp_of(33 + slope * t_s / 60, rate_hz, start_s), 60)
        middle_s = (np.arange(60) + 0.5) * 30
        # One to a few samples an epoch stand off its middle.
        tolerance = 0.1 * 0.5 / min(max(rate_hz, 1 / 30), 1) / 60 + 1e-4
        np.testing.assert_allclose(found, 33 + slope * middle_s / 60, atol=tolerance)

    def test_a_slow_sensors_gap_is_not_bridged(self) -> None:
        samples = np.full(40, 33.0)
        samples[10:14] = np.nan
        found = epoch_mean_c(temp_of(samples, 1 / 60), 60)
        assert np.isnan(found[19:26]).all()
        assert np.isfinite(found[:17]).all()
        assert np.isfinite(found[29:]).all()

    def test_half_an_epoch_is_enough_less_is_not(self) -> None:
        samples = np.full(4 * 90, 33.0)
        samples[:60] = np.nan
        samples[120:181] = np.nan
        assert np.isnan(epoch_mean_c(temp_of(samples), 4)).tolist() == [False, True, False, True]

    def test_without_samples_all_is_unknown(self) -> None:
        assert np.isnan(epoch_mean_c(temp_of(np.empty(0), 1 / 60), 3)).all()


class TestSlope:
    @settings(deadline=None, max_examples=25)
    @given(slope=st.floats(-1, 1), level=st.floats(10, 40), seed=st.integers(0, 2**16), missing=st.floats(0, 0.4))
    def test_a_line_has_its_slope_whatever_is_missing(
        self, slope: float, level: float, seed: int, missing: float
    ) -> None:
        line = level + slope * np.arange(80) / 2
        line[np.random.default_rng(seed).random(80) < missing] = np.nan
        found = slope_c_per_min(line.astype(np.float32))
        known = np.isfinite(line).astype(int)
        around = np.convolve(known, np.ones(11, int), "same")
        assert np.isfinite(found).tolist() == (around >= 6).tolist()
        np.testing.assert_allclose(found[around >= 6], slope, atol=2e-4)

    def test_it_equals_numpys_fit(self) -> None:
        values = np.random.default_rng(0).normal(33, 1, 11)
        expected = np.polyfit(np.arange(11) / 2, values, 1)[0]
        assert slope_c_per_min(values.astype(np.float32))[5] == pytest.approx(expected, abs=1e-5)

    def test_nothing_known_no_slope(self) -> None:
        assert np.isnan(slope_c_per_min(np.full(20, np.nan, np.float32))).all()


class TestPlateau:
    def test_a_few_hot_epochs_do_not_move_it(self) -> None:
        values = np.r_[np.full(100, 32.0), np.full(800, 35.0), np.full(20, 39.0)].astype(np.float32)
        below = below_plateau_c(values)
        assert below[0] == pytest.approx(3)
        assert below[500] == pytest.approx(0)

    @settings(deadline=None, max_examples=15)
    @given(shift=st.floats(-5, 5), seed=st.integers(0, 2**16))
    def test_warm_and_cold_hands_have_the_same_distance(self, shift: float, seed: int) -> None:
        values = np.random.default_rng(seed).normal(33, 1, 200)
        values[::7] = np.nan
        moved = below_plateau_c((values + shift).astype(np.float32))
        np.testing.assert_allclose(moved, below_plateau_c(values.astype(np.float32)), atol=1e-4)

    def test_nothing_known_no_plateau(self) -> None:
        assert np.isnan(below_plateau_c(np.full(3, np.nan, np.float32))).all()


class TestWear:
    minutes = np.arange(0, 480, 0.5)

    def night(self) -> Floats:
        return 32.5 + 2.5 * (1 - np.exp(-self.minutes / 35))

    @settings(deadline=None, max_examples=25)
    @given(
        off_min=st.integers(20, 300), for_min=st.integers(20, 120), tau_min=st.floats(1, 15), room_c=st.floats(16, 25)
    )
    def test_taken_off_until_put_on_again(self, off_min: int, for_min: int, tau_min: float, room_c: float) -> None:
        on_min = off_min + for_min
        night = self.night()
        cooled = np.where(
            self.minutes < on_min,
            room_c + (night - room_c) * np.exp(-np.maximum(self.minutes - off_min, 0) / tau_min),
            night,
        )
        cold = cooled[np.searchsorted(self.minutes, on_min) - 1]
        cooled = np.where(self.minutes >= on_min, night - (night - cold) * np.exp(-(self.minutes - on_min) / 4), cooled)
        worn = wear(cooled.astype(np.float32))
        off = (self.minutes > off_min + 1) & (self.minutes < on_min - 6)
        on = (self.minutes < off_min - 3) | (self.minutes > on_min + 8)
        assert worn[off].max(initial=0) == 0
        assert worn[on].min() == 1

    @settings(deadline=None, max_examples=15)
    @given(begin_min=st.integers(60, 400), depth_c=st.floats(0.5, 2), for_min=st.floats(15, 40))
    def test_a_hand_out_of_the_blanket_is_worn(self, begin_min: int, depth_c: float, for_min: float) -> None:
        bare = np.clip((self.minutes - begin_min) / 15, 0, 1) * (self.minutes < begin_min + for_min)
        assert wear((self.night() - depth_c * bare).astype(np.float32)).min() == 1

    def test_a_sensor_left_in_a_cold_room_was_never_worn(self) -> None:
        assert wear(np.full(100, 21.5, np.float32)).max() == 0

    def test_unknown_stays_unknown(self) -> None:
        values = np.full(100, 34.0, np.float32)
        values[10:20] = np.nan
        assert np.isnan(wear(values)).tolist() == np.isnan(values).tolist()
        assert np.isnan(wear(np.full(5, np.nan, np.float32))).all()

    def test_a_gap_in_the_fall_does_not_end_it(self) -> None:
        values = np.where(self.minutes < 100, 34.0, 22 + 12 * np.exp(-(self.minutes - 100) / 8))
        values[210:216] = np.nan
        worn = wear(values.astype(np.float32))
        assert np.nanmax(worn[202:]) == 0
        assert worn[:200].min() == 1


def test_an_hour_of_a_real_wearer_is_worn_and_clean(shared_data: Path) -> None:
    raw = np.loadtxt(shared_data / "e4" / "TEMP.csv", skiprows=2)
    n_epochs = len(raw) // 120
    clean = clean_temperature(temp_of(raw))
    assert np.isfinite(clean.samples).mean() > 0.999
    mean_c = epoch_mean_c(clean, n_epochs)
    assert wear(mean_c).min() == 1
    assert np.abs(slope_c_per_min(mean_c)).max() < 0.2
    assert 0 <= np.nanquantile(below_plateau_c(mean_c), 0.2) < 2
