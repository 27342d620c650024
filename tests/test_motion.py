from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter1d, map_coordinates
from scipy.signal import butter, filtfilt, sosfiltfilt

from staging import motion
from staging.motion import activity_counts, arm_angle_deg, enmo_g, frozen, saturated, wear
from staging.recording import Signal

FINE_HZ = 400.0


def acc_of(axes: np.ndarray, rate_hz: float, start_s: float = 0.0) -> Signal:
    return Signal(samples=np.asarray(axes, dtype=np.float32), rate_hz=rate_hz, unit="g", start_s=start_s)


def along_z(z: np.ndarray, rate_hz: float, start_s: float = 0.0) -> Signal:
    return acc_of(np.stack([0 * z, 0 * z, z], axis=1), rate_hz, start_s)


def movement(seed: int, seconds: int = 300) -> np.ndarray:
    """Bursts of movement with content up to 9 Hz, at 400 Hz, in g about gravity on z."""
    rng = np.random.default_rng(seed)
    n = int(seconds * FINE_HZ)
    shake = sosfiltfilt(butter(2, (0.3, 9.0), "bandpass", fs=FINE_HZ, output="sos"), rng.standard_normal(n))
    size = np.zeros(n)
    for _ in range(seconds // 20):
        begin = rng.integers(0, n)
        size[begin : begin + int(FINE_HZ * rng.uniform(0.5, 8))] += rng.lognormal(-1, 1)
    return 1 + shake / shake.std() * gaussian_filter1d(size, 0.2 * FINE_HZ)


def sampled(fine: np.ndarray, rate_hz: float, *, start_s: float = 0.0, step_g: float = 0.0) -> Signal:
    at_s = start_s + np.arange(int((len(fine) / FINE_HZ - start_s) * rate_hz)) / rate_hz
    z = map_coordinates(fine, at_s[None] * FINE_HZ, order=3, mode="nearest")
    return along_z(np.rint(z / step_g) * step_g if step_g else z, rate_hz, start_s)


class TestCounts:
    @settings(deadline=None, max_examples=12)
    @given(
        seed=st.integers(0, 2**16),
        rate_hz=st.sampled_from([30.0, 32.0, 33.3, 49.93, 64.0, 100.0]),
        start_s=st.floats(0, 2),
        step_g=st.sampled_from([0.0, 1 / 64]),
    )
    def test_the_same_movement_gives_nearly_the_same_counts_at_any_rate(
        self, seed: int, rate_hz: float, start_s: float, step_g: float
    ) -> None:
        fine = movement(seed)
        watch = activity_counts(sampled(fine, 50.0), 20)
        other = activity_counts(sampled(fine, rate_hz, start_s=start_s, step_g=step_g), 20)
        np.testing.assert_allclose(other[1:-1], watch[1:-1], rtol=0.04, atol=5 * 3.07)
        assert np.nansum(other[1:-1]) == pytest.approx(np.nansum(watch[1:-1]), rel=0.02, abs=10)

    def test_at_50_hz_they_are_the_published_steps_one_after_the_other(self) -> None:
        acc = sampled(movement(5), 50.0)
        z = np.abs(filtfilt(*butter(5, [3 / 25, 11 / 25], "bandpass"), acc.samples[:, 2].astype(float)))
        level = np.digitize(z, np.linspace(0, 5, 129))
        per_bin = level.reshape(-1, 50).max(axis=1).reshape(-1, 15).sum(axis=1)
        expected = np.maximum((per_bin - 18) * 3.07, 0)
        assert (expected > 0).sum() > 10
        # The recording's two ends are continued in different ways; inside, rounding may move a level.
        np.testing.assert_allclose(activity_counts(acc, 20)[1:-1], expected[1:-1], atol=3.08)

    def test_rest_is_level_1_in_every_second_and_hence_no_count(self) -> None:
        assert activity_counts(along_z(np.ones(50 * 60), 50.0), 4).tolist() == [0.0] * 4

    def test_levels_are_whole_so_counts_are_multiples_of_3_07(self) -> None:
        counts = activity_counts(sampled(movement(1), 32.0), 20)
        np.testing.assert_allclose(counts / 3.07, np.rint(counts / 3.07), atol=1e-3)

    def test_the_highest_level_is_128(self) -> None:
        z = 1 + 16 * np.sin(2 * np.pi * 6 * np.arange(0, 60, 0.02))
        assert activity_counts(along_z(z, 50.0), 4)[1] == pytest.approx((15 * 128 - 18) * 3.07, rel=1e-6)

    def test_turning_over_slowly_is_not_movement_in_the_band(self) -> None:
        z = np.cos(np.linspace(0, np.pi, 50 * 60))
        assert activity_counts(along_z(z, 50.0), 4).max() == 0

    @settings(deadline=None, max_examples=25)
    @given(
        gap_s=st.floats(0.02, 60),
        at_s=st.floats(20, 60),
        rate_hz=st.sampled_from([25.0, 32.0, 50.0, 100.0]),
        after_g=st.floats(-1, 1),
    )
    def test_a_gap_in_stillness_invents_no_movement(
        self, gap_s: float, at_s: float, rate_hz: float, after_g: float
    ) -> None:
        at = np.arange(0, 150, 1 / rate_hz)
        z = np.where(at < at_s + gap_s, 1.0, after_g if gap_s > 0.3 else 1.0)
        z[(at >= at_s) & (at < at_s + gap_s)] = np.nan
        counts = activity_counts(along_z(z, rate_hz), 10)
        assert np.nansum(counts) == 0
        assert np.isfinite(counts[0])

    @pytest.mark.parametrize(("lost_s", "known"), [(5.9, True), (8.9, False)])
    def test_a_bin_needs_half_of_its_seconds_away_from_the_gap(self, lost_s: float, known: bool) -> None:
        z = np.ones(50 * 60)
        z[50 * 17 : int(50 * (17 + lost_s))] = np.nan
        assert np.isfinite(activity_counts(along_z(z, 50.0), 4)).tolist() == [True, known, True, True]

    def test_missing_seconds_do_not_lower_a_bin(self) -> None:
        z = 1 + 0.4 * np.sin(2 * np.pi * 5.3 * np.arange(0, 60, 0.02))
        whole = activity_counts(along_z(z, 50.0), 4)
        z[50 * 20 : 50 * 24] = np.nan
        assert activity_counts(along_z(z, 50.0), 4)[1] == pytest.approx(whole[1], rel=0.05)

    @pytest.mark.parametrize("rate_hz", [1 / 30, 10.0, 22.0])
    def test_no_counts_where_the_band_cannot_be_sampled(self, rate_hz: float) -> None:
        assert np.isnan(activity_counts(along_z(np.ones(5000), rate_hz), 4)).all()

    def test_bins_outside_the_recording_are_unknown(self) -> None:
        counts = activity_counts(along_z(np.ones(32 * 45), 32.0, start_s=30.0), 8)
        assert np.isfinite(counts).tolist() == [False, False, True, True, True, False, False, False]

    def test_long_recordings_in_blocks_equal_the_whole(self, monkeypatch: pytest.MonkeyPatch) -> None:
        acc = sampled(movement(9), 32.0)
        whole = activity_counts(acc, 20)
        monkeypatch.setattr(motion, "BLOCK_S", 60.0)
        np.testing.assert_allclose(activity_counts(acc, 20), whole, atol=1e-3)

    def test_a_saturated_sensor_still_gives_finite_counts(self) -> None:
        z = np.clip(1 + 8 * np.sin(2 * np.pi * 4 * np.arange(0, 60, 1 / 32)), -2, 2)
        counts = activity_counts(along_z(z, 32.0), 4)
        assert (counts > 500).all()

    def test_an_all_missing_recording_is_unknown(self) -> None:
        assert np.isnan(activity_counts(along_z(np.full(32 * 60, np.nan), 32.0), 4)).all()
        assert np.isnan(activity_counts(along_z(np.empty(0), 32.0), 2)).all()

    def test_a_bin_of_a_minute_keeps_the_unit_per_15_s(self) -> None:
        acc = along_z(1 + 0.5 * np.sin(2 * np.pi * 5.3 * np.arange(0, 120, 0.02)), 50.0)
        quarters = activity_counts(acc, 8)
        assert activity_counts(acc, 2, bin_s=60.0)[1] == pytest.approx(quarters[4:].mean(), rel=1e-4)
        assert quarters.min() > 100

    @pytest.mark.parametrize("bin_s", [0.0, -15.0, 7.5])
    def test_bins_are_whole_seconds(self, bin_s: float) -> None:
        with pytest.raises(ValueError, match="whole number of seconds"):
            activity_counts(along_z(np.ones(100), 50.0), 4, bin_s=bin_s)


class TestEnmoAndAngle:
    @settings(deadline=None, max_examples=30)
    @given(seed=st.integers(0, 2**16), gain=st.floats(0.2, 3))
    def test_enmo_is_the_length_less_one_whatever_the_direction(self, seed: int, gain: float) -> None:
        direction = np.random.default_rng(seed).normal(size=3)
        direction *= gain / np.linalg.norm(direction)
        found = enmo_g(acc_of(np.tile(direction, (320, 1)), 32.0), 2)
        np.testing.assert_allclose(found, max(gain - 1, 0), atol=1e-5)

    @settings(deadline=None, max_examples=30)
    @given(angle=st.floats(-90, 90), turn=st.floats(0, 360), gain=st.floats(0.5, 2))
    def test_the_arms_angle_is_that_of_z_whatever_the_turn_about_it_and_the_gain(
        self, angle: float, turn: float, gain: float
    ) -> None:
        up, about = np.radians(angle), np.radians(turn)
        gravity = gain * np.array([np.cos(up) * np.cos(about), np.cos(up) * np.sin(about), np.sin(up)])
        found = arm_angle_deg(acc_of(np.tile(gravity, (320, 1)), 32.0), 2)
        np.testing.assert_allclose(found, angle, atol=0.03)

    def test_a_jerk_of_less_than_half_the_bin_leaves_the_angle_alone(self) -> None:
        samples = np.tile([0.0, 0.6, 0.8], (160, 1))
        samples[20:90] = [3.0, -2.0, 1.0]
        assert arm_angle_deg(acc_of(samples, 32.0), 1)[0] == pytest.approx(53.13, abs=0.01)

    def test_medians_leave_missing_samples_out(self) -> None:
        samples = np.tile([0.0, 0.6, 0.8], (160, 1))
        samples[:70] = np.nan
        assert arm_angle_deg(acc_of(samples, 32.0), 1)[0] == pytest.approx(53.13, abs=0.01)
        samples[:90] = np.nan
        assert np.isnan(arm_angle_deg(acc_of(samples, 32.0), 1)[0])

    def test_a_dead_sensors_zeros_have_no_angle(self) -> None:
        assert np.isnan(arm_angle_deg(acc_of(np.zeros((320, 3)), 32.0), 2)).all()


class TestWear:
    EPOCHS = 4 * 120

    def table_then_wrist(self, step_g: float, noise_g: float, seed: int = 0) -> Signal:
        """Two hours on a table, warm at first, then two on a sleeper who breathes and settles; 4 Hz."""
        rng = np.random.default_rng(seed)
        t_s = np.arange(0, 4 * 3600, 0.25)
        cooling = 0.004 * (1 - np.exp(-t_s / 1200))[:, None] * np.array([1, -1, 0.5])
        settling = 0.03 * np.sin(2 * np.pi * t_s / 2900)[:, None] * np.array([1, 0.6, 0.8])
        still = np.array([0.3, 0.4, 0.866]) + cooling + np.where((t_s >= 7200)[:, None], settling, 0)
        samples = still + noise_g * rng.standard_normal((len(t_s), 3))
        return acc_of(np.rint(samples / step_g) * step_g if step_g else samples, 4.0)

    @pytest.mark.parametrize(("step_g", "noise_g"), [(0.0, 0.0018), (0.0039, 0.003), (1 / 64, 0.002), (1 / 64, 0.008)])
    def test_a_table_is_told_from_a_still_sleeper_for_quiet_noisy_and_coarse_sensors(
        self, step_g: float, noise_g: float
    ) -> None:
        worn = wear(self.table_then_wrist(step_g, noise_g), self.EPOCHS)
        assert worn[:236].max() == 0
        assert worn[250:].min() == 1

    def test_a_stuck_sensor_is_not_worn(self) -> None:
        stuck = acc_of(np.tile([0.1, 0.2, 0.9], (4 * 3600 * 2, 1)), 4.0)
        assert wear(stuck, 240).tolist() == [0.0] * 240

    @settings(deadline=None, max_examples=20)
    @given(still_min=st.integers(10, 110), begin_min=st.integers(1, 60))
    def test_only_still_runs_of_an_hour_are_non_wear_and_then_from_end_to_end(
        self, still_min: int, begin_min: int
    ) -> None:
        rng = np.random.default_rng(still_min)
        t_s = np.arange(0, 180 * 60, 1.0)
        still = (t_s >= begin_min * 60) & (t_s < (begin_min + still_min) * 60)
        samples = np.array([0, 0, 1.0]) + rng.normal(0, np.where(still, 0.001, 0.1)[:, None], (len(t_s), 3))
        worn = wear(acc_of(samples, 1.0), 360)
        expected = np.ones(360)
        if still_min >= 60:
            expected[begin_min * 2 : (begin_min + still_min) * 2] = 0
        assert worn.tolist() == expected.tolist()

    def test_unrecorded_epochs_are_unknown_and_half_an_hour_of_data_is_no_hour(self) -> None:
        samples = np.tile([0.0, 0.0, 1.0], (7200, 1))
        samples[1700:] = np.nan
        worn = wear(acc_of(samples, 1.0), 240)
        assert (worn[:56] == 1).all()
        assert np.isnan(worn[57:]).all()

    def test_less_than_an_hour_is_wear(self) -> None:
        assert wear(acc_of(np.tile([0.0, 0.0, 1.0], (3000, 1)), 1.0), 100).min() == 1

    def test_no_hour_of_25_worn_nights_is_called_non_wear(self, shared_data: Path) -> None:
        epochs = not_worn = 0
        for file in sorted((shared_data / "sleep_accel").glob("*_epoch_start_acc.csv")):
            t_s, *axes = np.loadtxt(file, delimiter=",", skiprows=1).T
            acc = acc_of(np.stack(axes, axis=1), 1 / 30, start_s=t_s[0])
            worn = wear(acc, int(t_s[-1] // 30) + 1)
            epochs += np.isfinite(worn).sum()
            not_worn += (worn == 0).sum()
        assert epochs > 20_000
        assert not_worn == 0


def test_an_awake_wearer_of_a_real_e4_moves_in_nearly_every_bin(shared_data: Path) -> None:
    raw = np.loadtxt(shared_data / "e4" / "ACC.csv", delimiter=",", skiprows=2) / 64
    acc = acc_of(raw, 32.0)
    n_epochs = len(raw) // (32 * 30)
    counts = activity_counts(acc, 2 * n_epochs)
    assert np.isfinite(counts).all()
    assert (counts > 0).mean() > 0.8
    assert wear(acc, n_epochs).min() == 1
    assert np.isfinite(enmo_g(acc, n_epochs * 6)).all()


class TestSaturated:
    @pytest.mark.parametrize(("rate_hz", "told"), [(32.0, True), (1.0, True), (1 / 30, False)])
    def test_a_mean_beyond_gravity_is_no_posture_unless_it_is_of_a_single_sample(
        self, rate_hz: float, told: bool
    ) -> None:
        """A watch that gives one sample an epoch may give it in the middle of a movement."""
        acc = Signal(samples=np.full((int(120 * rate_hz), 3), 1.2), rate_hz=rate_hz, unit="g")
        assert saturated(acc, 4).tolist() == [told] * 4


class TestFrozen:
    @settings(deadline=None, max_examples=30)
    @given(
        rate_hz=st.sampled_from([10.0, 25.0, 31.25, 100.0]),
        begin_s=st.integers(0, 900),
        length_s=st.integers(0, 400),
        start_s=st.floats(-30, 30),
    )
    def test_an_epoch_half_of_which_is_one_value_of_two_minutes_is_stuck(self, rate_hz, begin_s, length_s, start_s):
        n = int(1500 * rate_hz)
        samples = np.random.default_rng(0).normal(0, 0.005, (n, 3))
        held = slice(round(begin_s * rate_hz), round((begin_s + length_s) * rate_hz))
        samples[held] = samples[held.start]
        acc = acc_of(samples, rate_hz, start_s)
        stuck = frozen(acc, 50)
        times = acc.times_s()[held]
        share = np.histogram(times, bins=np.arange(51) * 30.0)[0] / (30 * rate_hz)
        long = len(times) >= max(120 * rate_hz, 1000)
        recorded = np.histogram(acc.times_s(), bins=np.arange(51) * 30.0)[0] / (30 * rate_hz) > 0.99
        assert stuck[recorded & (share > 0.55)].all() == (long or not (recorded & (share > 0.55)).any())
        assert not stuck[share < 0.45].any()

    @pytest.mark.parametrize(("minutes", "told"), [(20, False), (40, True)])
    def test_half_an_hour_is_asked_of_coarse_steps(self, minutes, told) -> None:
        rng = np.random.default_rng(0)
        samples = rng.integers(-2, 3, (90 * 60 * 32, 3)) / 64
        samples[: minutes * 60 * 32] = samples[0]
        assert frozen(acc_of(samples, 32.0), 180)[: minutes * 2].all() == told

    def test_a_gap_or_one_other_axis_ends_a_run(self) -> None:
        samples = np.tile(np.float32([0.1, 0.2, 0.9]), (660 * 25, 1))
        samples[600 * 25 :] += np.random.default_rng(0).normal(0, 0.005, (60 * 25, 3))  # by which its steps are known
        assert frozen(acc_of(samples, 25.0), 22).tolist() == [True] * 20 + [False] * 2
        samples[:: 100 * 25, 0] = np.nan
        assert not frozen(acc_of(samples, 25.0), 22).any()
        samples[:: 100 * 25] = [0.1, 0.2, 0.901]
        assert not frozen(acc_of(samples, 25.0), 22).any()

    def test_few_samples_prove_nothing(self) -> None:
        assert not frozen(acc_of(np.ones((999, 3)), 1 / 30), 999).any()
        assert not frozen(acc_of(np.empty((0, 3)), 32.0), 20).any()
