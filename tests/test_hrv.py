from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from staging import hrv
from staging.heart import clean_intervals
from staging.hrv import HeartRateVariability, heart_rate_variability
from staging.recording import Events

MIDDLE = 15


def intervals_of(length_s: NDArray[np.float64], start_s: float = 0.0) -> Events:
    return Events(times_s=start_s + np.cumsum(length_s), values=length_s, unit="s")


def swinging(
    *, seconds: float = 960.0, mean_s: float = 0.9, waves: tuple[tuple[float, float], ...] = (), seed: int | None = None
) -> Events:
    """Intervals about a mean that swing by waves of (Hz, ms to either side), and jitter by 2 ms if seeded."""
    rng = np.random.default_rng(seed)

    def length_at(end_s: float) -> float:
        return mean_s + sum(size_ms / 1000 * np.sin(2 * np.pi * hz * end_s) for hz, size_ms in waves)

    ends_s = [0.0]
    while ends_s[-1] < seconds:
        end_s = ends_s[-1] + mean_s
        for _ in range(5):  # the length is that at the interval's end, which depends on the length
            end_s = ends_s[-1] + length_at(end_s)
        ends_s.append(end_s + (0.002 * rng.standard_normal() if seed is not None else 0.0))
    return Events(times_s=np.array(ends_s[1:]), values=np.diff(ends_s), unit="s")


def values_of(found: HeartRateVariability) -> dict[str, NDArray[np.float32]]:
    return {field.name: getattr(found, field.name) for field in fields(found)}


class TestTimeDomain:
    def test_a_steady_heart_has_a_rate_and_nothing_else(self) -> None:
        found = heart_rate_variability(intervals_of(np.full(1000, 0.8)), 25)
        assert found.heart_rate_bpm[MIDDLE] == pytest.approx(75)
        for name in ("sdnn_ms", "rmssd_ms", "pnn50_pct", "vlf_ms2", "lf_ms2", "hf_ms2"):
            assert getattr(found, name)[MIDDLE] == pytest.approx(0, abs=1e-6)

    def test_intervals_of_1000_and_1100_ms_in_turn_differ_by_100_ms_each_time(self) -> None:
        found = heart_rate_variability(intervals_of(np.tile([1.0, 1.1], 500)), 30)
        assert found.rmssd_ms[MIDDLE] == pytest.approx(100, rel=1e-3)
        assert found.pnn50_pct[MIDDLE] == pytest.approx(100)
        assert found.sdnn_ms[MIDDLE] == pytest.approx(50, rel=0.01)
        assert found.heart_rate_bpm[MIDDLE] == pytest.approx(60 / 1.05, rel=1e-3)

    @settings(deadline=None, max_examples=20)
    @given(seed=st.integers(0, 2**16), window_s=st.sampled_from([60.0, 120.0, 300.0]))
    def test_they_equal_a_loop_over_the_windows(self, seed: int, window_s: float) -> None:
        rng = np.random.default_rng(seed)
        every = intervals_of(rng.uniform(0.6, 1.2, 700))
        kept = rng.random(700) > 0.1
        beats = Events(times_s=every.times_s[kept], values=every.values[kept], unit="s")
        found = heart_rate_variability(beats, 18, window_s=window_s, min_share=0.0)
        for epoch in range(18):
            middle = (epoch + 0.5) * 30
            inside = np.flatnonzero((beats.times_s > middle - window_s / 2) & (beats.times_s <= middle + window_s / 2))
            length = beats.values[inside]
            assert found.usable_share[epoch] == pytest.approx(min(1, length.sum() / window_s), rel=1e-5)
            assert found.sdnn_ms[epoch] == pytest.approx(1000 * length.std(ddof=1), rel=1e-3)
            follow = np.abs(np.diff(beats.times_s[inside]) - length[1:]) < 1e-9
            steps = np.diff(length)[follow]
            assert found.rmssd_ms[epoch] == pytest.approx(1000 * np.sqrt(np.mean(steps**2)), rel=1e-3)
            assert found.pnn50_pct[epoch] == pytest.approx(100 * np.mean(np.abs(steps) > 0.05), abs=1e-3)

    def test_a_beat_left_out_makes_no_difference_of_its_neighbours(self) -> None:
        length = np.tile([0.9, 0.92], 600)
        length[450] = 1.6
        every = intervals_of(length)
        clean = clean_intervals(every)
        assert len(clean.values) == len(every.values) - 1
        assert heart_rate_variability(clean, 30).rmssd_ms[13] == pytest.approx(20, rel=0.02)


class TestSpectrum:
    @settings(deadline=None, max_examples=15)
    @given(
        frequency_hz=st.floats(0.17, 0.3), size_ms=st.floats(5, 60), mean_s=st.floats(0.6, 1.0), lf_ms=st.floats(5, 60)
    )
    def test_a_wave_of_size_a_has_half_a_squared_in_its_own_band(
        self, frequency_hz: float, size_ms: float, mean_s: float, lf_ms: float
    ) -> None:
        found = heart_rate_variability(swinging(mean_s=mean_s, waves=((frequency_hz, size_ms), (0.09, lf_ms))), 30)
        assert found.hf_ms2[MIDDLE] == pytest.approx(size_ms**2 / 2, rel=0.15, abs=lf_ms**2 / 100)
        assert found.lf_ms2[MIDDLE] == pytest.approx(lf_ms**2 / 2, rel=0.1, abs=size_ms**2 / 100)
        assert found.lf_hf[MIDDLE] == pytest.approx(found.lf_ms2[MIDDLE] / found.hf_ms2[MIDDLE], rel=1e-4)

    @settings(deadline=None, max_examples=15)
    @given(frequency_hz=st.floats(0.17, 0.37), mean_s=st.floats(0.6, 1.1), seed=st.integers(0, 2**16))
    def test_regular_breathing_is_found_and_called_regular(self, frequency_hz: float, mean_s: float, seed: int) -> None:
        found = heart_rate_variability(swinging(mean_s=mean_s, waves=((frequency_hz, 25.0),), seed=seed), 30)
        assert found.breathing_hz[MIDDLE] == pytest.approx(frequency_hz, abs=0.004)
        assert found.breathing_sd_hz[MIDDLE] < 0.005
        assert found.breathing_share[MIDDLE] > 0.9

    def test_breathing_that_changes_its_rate_is_less_regular(self) -> None:
        times_s = np.arange(0, 960, 0.85)
        breathing_hz = np.where(times_s % 80 < 40, 0.2, 0.32)
        length_s = 0.85 + 0.03 * np.sin(2 * np.pi * np.cumsum(breathing_hz) * 0.85)
        found = heart_rate_variability(intervals_of(length_s), 30)
        assert 0.04 < found.breathing_sd_hz[MIDDLE] < 0.08
        assert 0.4 < found.breathing_share[MIDDLE] < 0.65

    def test_breathing_faster_than_every_other_beat_is_not_seen(self) -> None:
        found = heart_rate_variability(swinging(mean_s=1.9, waves=((0.25, 20.0),), seed=1), 30)
        seen = found.breathing_hz[np.isfinite(found.breathing_hz)]
        assert np.all(seen <= 0.5 / 1.9 + 1e-3)

    def test_a_straight_trend_is_no_power(self) -> None:
        found = heart_rate_variability(intervals_of(np.linspace(0.9, 1.0, 1000)), 25)
        assert found.vlf_ms2[MIDDLE] < 0.5

    def test_gaps_of_a_third_keep_the_power_of_the_rest(self) -> None:
        whole = swinging(waves=((0.25, 30.0),))
        keep = (whole.times_s % 45) > 15
        gappy = Events(times_s=whole.times_s[keep], values=whole.values[keep], unit="s")
        found = heart_rate_variability(gappy, 30)
        assert found.hf_ms2[MIDDLE] == pytest.approx(450, rel=0.2)
        assert found.breathing_hz[MIDDLE] == pytest.approx(0.25, abs=0.01)

    def test_long_recordings_in_blocks_equal_the_whole(self, monkeypatch: pytest.MonkeyPatch) -> None:
        beats = swinging(waves=((0.25, 30.0), (0.1, 20.0)), seed=3)
        whole = values_of(heart_rate_variability(beats, 30))
        monkeypatch.setattr(hrv, "BLOCK_EPOCHS", 7)
        for name, values in values_of(heart_rate_variability(beats, 30)).items():
            np.testing.assert_allclose(values, whole[name], rtol=2e-3, atol=1e-4, err_msg=name)


class TestMissing:
    @settings(deadline=None, max_examples=15)
    @given(n_beats=st.integers(0, 400), n_epochs=st.integers(0, 20), seed=st.integers(0, 2**16))
    def test_shapes_and_missing_values_hold_for_any_beats(self, n_beats: int, n_epochs: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        length = rng.uniform(0.4, 1.5, n_beats)
        length[rng.random(n_beats) < 0.1] = np.nan
        beats = Events(times_s=np.cumsum(np.nan_to_num(length, nan=1.0)), values=length, unit="s")
        found = values_of(heart_rate_variability(beats, n_epochs))
        share = found["usable_share"]
        assert np.all((share >= 0) & (share <= 1))
        for name, values in found.items():
            assert values.shape == (n_epochs,)
            assert values.dtype == np.float32
            if name != "usable_share":
                assert np.isnan(values[share < 0.5]).all()
                assert np.all(values[np.isfinite(values)] >= 0)
        assert np.isfinite(found["heart_rate_bpm"][share >= 0.5]).all()

    def test_moving_the_beats_by_an_epoch_moves_the_result_by_one(self) -> None:
        beats = swinging(waves=((0.25, 30.0), (0.1, 20.0)), seed=3)
        later = Events(times_s=beats.times_s + 30, values=beats.values, unit="s")
        moved = values_of(heart_rate_variability(later, 31))
        for name, values in values_of(heart_rate_variability(beats, 30)).items():
            np.testing.assert_allclose(moved[name][1:], values, rtol=1e-3, atol=1e-4, err_msg=name)

    def test_a_window_needs_half_its_beats(self) -> None:
        beats = swinging(waves=((0.25, 30.0),))
        keep = beats.times_s < 480
        found = heart_rate_variability(Events(times_s=beats.times_s[keep], values=beats.values[keep], unit="s"), 30)
        assert np.isfinite(found.hf_ms2[:15]).all()
        assert np.isnan(found.hf_ms2[17:]).all()

    def test_only_intervals_in_seconds(self) -> None:
        with pytest.raises(ValueError, match="must be in s"):
            heart_rate_variability(Events(times_s=np.arange(3.0), values=np.full(3, 60.0), unit="bpm"), 2)

    @pytest.mark.parametrize("window_s", [30.0, 65.0])
    def test_windows_are_tens_of_seconds(self, window_s: float) -> None:
        with pytest.raises(ValueError, match="multiple of 10 s"):
            heart_rate_variability(intervals_of(np.ones(100)), 3, window_s=window_s)


def test_nights_of_healthy_men_lie_where_the_literature_has_them(shared_data: Path) -> None:
    medians = []
    for file in sorted((shared_data / "unlabelled" / "mmash").glob("user_*.npz"))[:8]:
        recorded = np.load(file)
        length_s = recorded["rr_s"]
        # Times are whole seconds: beats are placed by their intervals from the first of the night on.
        night = np.flatnonzero((recorded["rr_clock_s"] > 26 * 3600) & (recorded["rr_clock_s"] < 29 * 3600))
        if night.size < 3000:
            continue
        found = heart_rate_variability(clean_intervals(intervals_of(length_s[night])), 300)
        medians.append([np.nanmedian(values) for values in (found.heart_rate_bpm, found.rmssd_ms, found.breathing_hz)])
    heart_rate_bpm, rmssd_ms, breathing_hz = np.median(medians, axis=0)
    assert len(medians) >= 5
    assert 50 < heart_rate_bpm < 68
    assert 30 < rmssd_ms < 80
    assert 0.2 < breathing_hz < 0.3


def test_neurokit_has_the_same_time_domain() -> None:
    neurokit2 = pytest.importorskip("neurokit2", reason="neurokit2 is not installed")
    beats = swinging(seconds=300, waves=((0.25, 30.0), (0.1, 20.0)), seed=3)
    found = heart_rate_variability(beats, 10)
    inside = (beats.times_s > 15) & (beats.times_s <= 315)
    ends_ms = 1000 * np.concatenate([[beats.times_s[inside][0] - beats.values[inside][0]], beats.times_s[inside]])
    theirs = neurokit2.hrv_time(np.rint(ends_ms).astype(int), sampling_rate=1000)
    assert found.rmssd_ms[5] == pytest.approx(float(theirs["HRV_RMSSD"].iloc[0]), rel=0.02)
    assert found.sdnn_ms[5] == pytest.approx(float(theirs["HRV_SDNN"].iloc[0]), rel=0.02)
