from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from staging.pulse import band_pass, beat_intervals, believable_intervals, find_beats, signal_quality, wear
from staging.recording import Signal

Floats = NDArray[np.float64]

FINGER = (0.849, -1.674, 0.555, 0.376, -0.338, 1.085)
WRIST = (0.762, -1.328, 0.796, 0.779, 0.676, 1.259)
"""Two Gaussians an interval, heights, places and widths in radians of the beat (measured pulses)."""


def made_ppg(
    *,
    seconds: float = 120.0,
    rate_hz: float = 64.0,
    heart_rate_bpm: float = 60.0,
    template: tuple[float, ...] = FINGER,
    noise: float = 0.03,
    seed: int = 0,
) -> tuple[Floats, Floats]:
    """Samples and the times of the beats that made them: respiratory swing, baseline wander and noise included."""
    rng = np.random.default_rng(seed)
    index = np.arange(int(seconds * heart_rate_bpm / 60 * 1.3) + 10)
    mean_s = 60 / heart_rate_bpm
    interval_s = mean_s * (
        1 + 0.05 * np.sin(2 * np.pi * 0.25 * mean_s * index) + 0.02 * rng.standard_normal(len(index))
    )
    beats_s = np.cumsum(interval_s)
    t_s = np.arange(round(seconds * rate_hz)) / rate_hz
    phase = np.interp(t_s, beats_s, np.arange(len(beats_s)))
    angle = (phase % 1) * 2 * np.pi - np.pi
    wave = np.zeros_like(t_s)
    for height, place, width in (template[:3], template[3:]):
        for turn in (-2 * np.pi, 0, 2 * np.pi):
            wave += height * np.exp(-((angle - place + turn) ** 2) / (2 * width**2))
    wave = wave / np.ptp(wave) * (1 + 0.08 * np.sin(2 * np.pi * 0.25 * t_s)) + 0.2 * np.sin(2 * np.pi * 0.25 * t_s + 1)
    wave += noise * np.sqrt(rate_hz / 64) * rng.standard_normal(len(t_s))
    return wave, beats_s[(beats_s > 1) & (beats_s < seconds - 2)]


def ppg_of(samples: Floats, rate_hz: float = 64.0, start_s: float = 0.0) -> Signal:
    return Signal(samples=samples, rate_hz=rate_hz, unit="a.u.", start_s=start_s)


def missed_and_invented(true_s: Floats, found_s: Floats, tolerance_s: float) -> tuple[int, int, Floats]:
    """Beats without a found one near, found ones too many in between, and errors of the intervals, after the delay."""
    after = np.clip(np.searchsorted(found_s, true_s), 0, len(found_s) - 1)
    pulses_s = found_s - np.median(found_s[after] - true_s)
    distance = np.abs(pulses_s[:, None] - true_s)
    nearest = distance.argmin(axis=0)
    hit = distance.min(axis=0) <= tolerance_s
    among = (pulses_s > true_s[0] - tolerance_s) & (pulses_s < true_s[-1] + tolerance_s)
    both = hit[1:] & hit[:-1] & (np.diff(nearest) == 1)
    errors_s = (np.diff(pulses_s[nearest]) - np.diff(true_s))[both]
    return int((~hit).sum()), int(among.sum() - hit.sum()), errors_s


class TestFindBeats:
    @settings(deadline=None, max_examples=25)
    @given(
        rate_hz=st.sampled_from([25.0, 32.0, 50.3, 64.0, 100.0, 128.0, 256.0]),
        heart_rate_bpm=st.floats(40, 175),
        template=st.sampled_from([FINGER, WRIST]),
        inverted=st.booleans(),
        seed=st.integers(0, 2**16),
    )
    def test_beats_that_were_put_in_come_out_at_any_rate_and_polarity(
        self, rate_hz: float, heart_rate_bpm: float, template: tuple[float, ...], inverted: bool, seed: int
    ) -> None:
        samples, true_s = made_ppg(rate_hz=rate_hz, heart_rate_bpm=heart_rate_bpm, template=template, seed=seed)
        found_s = find_beats(ppg_of(-samples if inverted else samples, rate_hz))
        missed, invented, errors_s = missed_and_invented(true_s, found_s, min(0.15, 15 / heart_rate_bpm))
        assert missed <= 0.02 * len(true_s)
        assert invented <= 0.02 * len(true_s)
        # The made pulse stretches with its interval, which alone moves half-height by about 1 % of it.
        assert np.median(np.abs(errors_s)) < 0.015 * 60 / heart_rate_bpm + 0.004

    @settings(deadline=None, max_examples=15)
    @given(
        gain=st.sampled_from([-1e4, -1.0, -1e-3, 1e-3, 1.0, 1e4]),
        offset=st.floats(-1e5, 1e5),
        start_s=st.floats(-100, 100),
        seed=st.integers(0, 2**16),
    )
    def test_neither_unit_offset_polarity_nor_start_matter(
        self, gain: float, offset: float, start_s: float, seed: int
    ) -> None:
        samples, _ = made_ppg(seconds=60, seed=seed)
        plain = find_beats(ppg_of(samples))
        other = find_beats(ppg_of(gain * (samples + offset), start_s=start_s))
        assert plain.size > 50
        np.testing.assert_allclose(other - start_s, plain, atol=1e-4)

    @settings(deadline=None, max_examples=15)
    @given(begin_s=st.floats(10, 80), gap_s=st.floats(0.5, 30), stuck=st.booleans(), seed=st.integers(0, 2**16))
    def test_a_gap_or_a_stuck_sensor_holds_no_beats_and_leaves_the_others_alone(
        self, begin_s: float, gap_s: float, stuck: bool, seed: int
    ) -> None:
        samples, _ = made_ppg(seed=seed)
        whole = find_beats(ppg_of(samples))
        gap_s = max(gap_s, 0.7)
        inside = slice(int(begin_s * 64), int((begin_s + gap_s) * 64))
        samples[inside] = samples[inside.start] if stuck else np.nan
        found = find_beats(ppg_of(samples))
        assert not np.any((found > begin_s + 0.05) & (found < begin_s + gap_s - 0.05))
        far = (whole < begin_s - 4) | (whole > begin_s + gap_s + 4)
        nearest = np.abs(found[:, None] - whole[far]).min(axis=0)
        assert np.quantile(nearest, 0.97) < 0.005

    @settings(deadline=None, max_examples=10)
    @given(n_spikes=st.integers(1, 20), size=st.sampled_from([-1e3, -20.0, 20.0, 1e3]), seed=st.integers(0, 2**16))
    def test_single_sample_spikes_move_no_beat(self, n_spikes: int, size: float, seed: int) -> None:
        samples, _ = made_ppg(seed=seed)
        whole = find_beats(ppg_of(samples))
        spiked = samples.copy()
        spiked[np.random.default_rng(seed).choice(np.arange(200, 7000, 7), n_spikes, replace=False)] += size
        found = find_beats(ppg_of(spiked))
        assert len(found) == len(whole)
        assert np.abs(found - whole).max() < 0.02

    def test_a_jerk_hides_no_beats_but_its_own(self) -> None:
        samples, true_s = made_ppg(seed=3)
        t_s = np.arange(len(samples)) / 64
        samples += 40 * np.exp(-(((t_s - 60) / 0.4) ** 2))
        found = find_beats(ppg_of(samples))
        far = true_s[np.abs(true_s - 60) > 2.5]
        missed, _, _ = missed_and_invented(far, found, 0.15)
        assert missed == 0

    def test_a_pulse_that_shrinks_to_a_tenth_is_still_followed(self) -> None:
        samples, true_s = made_ppg(seconds=240, noise=0.002, seed=4)
        samples *= np.geomspace(1, 0.1, len(samples))
        missed, invented, _ = missed_and_invented(true_s, find_beats(ppg_of(samples)), 0.15)
        assert (missed, invented) == (0, 0)

    def test_a_slow_pulses_second_hump_is_no_beat(self) -> None:
        samples, true_s = made_ppg(heart_rate_bpm=42, template=WRIST, noise=0.1, seed=5)
        _, invented, _ = missed_and_invented(true_s, find_beats(ppg_of(samples)), 0.2)
        assert invented <= 2

    @pytest.mark.parametrize("value", [0.0, 512.0, np.nan])
    def test_without_a_pulse_there_are_no_beats(self, value: float) -> None:
        assert find_beats(ppg_of(np.full(64 * 60, value))).size == 0

    @pytest.mark.parametrize(("seconds", "rate_hz"), [(0.0, 64.0), (3.0, 64.0), (60.0, 10.0)])
    def test_too_short_or_too_slow_gives_no_beats(self, seconds: float, rate_hz: float) -> None:
        samples, _ = made_ppg(seconds=60, rate_hz=rate_hz)
        assert find_beats(ppg_of(samples[: int(seconds * rate_hz)], rate_hz)).size == 0

    def test_two_wavelengths_are_refused(self) -> None:
        with pytest.raises(ValueError, match="one wavelength"):
            find_beats(ppg_of(np.zeros((640, 3))))

    @settings(deadline=None, max_examples=20)
    @given(seed=st.integers(0, 2**16), rate_hz=st.sampled_from([25.0, 64.0, 130.0]), walk=st.booleans())
    def test_whatever_the_input_times_increase_and_lie_in_the_recording(
        self, seed: int, rate_hz: float, walk: bool
    ) -> None:
        rng = np.random.default_rng(seed)
        samples = rng.standard_normal(int(40 * rate_hz))
        samples[rng.random(len(samples)) < 0.02] *= 1e6
        samples[rng.random(len(samples)) < 0.02] = np.nan
        samples[: rng.integers(0, 500)] = np.inf
        found = find_beats(ppg_of(np.nancumsum(samples) if walk else samples, rate_hz))
        assert np.all(np.isfinite(found))
        assert np.all(np.diff(found) > 0)
        assert np.all((found >= 0) & (found <= 40))


class TestBandPass:
    def test_the_pulse_stays_drift_and_mains_go(self) -> None:
        t_s = np.arange(0, 60, 1 / 128)
        pulse = np.sin(2 * np.pi * 1.5 * t_s)
        passed = band_pass(ppg_of(pulse + 50 * np.sin(2 * np.pi * 0.02 * t_s) + np.sin(2 * np.pi * 50 * t_s), 128.0))
        np.testing.assert_allclose(passed.samples[640:-640], pulse[640:-640], atol=0.12)

    def test_short_gaps_are_bridged_long_ones_stay_missing(self) -> None:
        samples, _ = made_ppg()
        samples[1000:1010] = np.nan
        samples[2000:2100] = np.nan
        missing = np.flatnonzero(np.isnan(band_pass(ppg_of(samples)).samples))
        assert missing.tolist() == list(range(2000, 2100))

    def test_below_16_hz_is_refused(self) -> None:
        with pytest.raises(ValueError, match="16 Hz"):
            band_pass(ppg_of(np.zeros(100), 8.0))


class TestQuality:
    def test_a_clean_pulse_is_believed(self) -> None:
        samples, _ = made_ppg(seconds=300)
        quality = signal_quality(ppg_of(samples), find_beats(ppg_of(samples)), 10)
        assert quality[1:-1].min() > 0.97

    def test_noise_and_wandering_are_not(self) -> None:
        noise = np.random.default_rng(0).standard_normal(64 * 600)
        for samples in (noise, np.cumsum(noise)):
            quality = signal_quality(ppg_of(samples), find_beats(ppg_of(samples)), 20)
            assert quality.mean() < 0.15
            assert quality.max() < 0.4

    def test_an_epoch_of_movement_is_told_from_its_neighbours(self) -> None:
        samples, _ = made_ppg(seconds=300)
        rng = np.random.default_rng(1)
        samples[64 * 120 : 64 * 150] += 3 * np.convolve(rng.standard_normal(64 * 30), np.ones(32) / 6, "same")
        quality = signal_quality(ppg_of(samples), find_beats(ppg_of(samples)), 10)
        assert quality[4] < 0.4
        assert np.delete(quality, [3, 4, 5])[1:-1].min() > 0.97

    def test_unrecorded_epochs_are_unknown_flat_ones_worthless(self) -> None:
        samples, _ = made_ppg(seconds=120)
        samples[64 * 30 : 64 * 60] = np.nan
        samples[64 * 60 : 64 * 90] = 7.0
        quality = signal_quality(ppg_of(samples), find_beats(ppg_of(samples)), 6)
        assert np.isnan(quality).tolist() == [False, True, False, False, True, True]
        assert quality[2] == 0
        assert quality[3] > 0.8

    def test_half_an_epoch_of_pulse_is_half(self) -> None:
        samples, _ = made_ppg(seconds=90)
        samples[64 * 45 :] = 0
        assert signal_quality(ppg_of(samples), find_beats(ppg_of(samples)), 3)[1] == pytest.approx(0.5, abs=0.07)

    def test_no_beats_no_belief(self) -> None:
        samples, _ = made_ppg(seconds=60)
        assert signal_quality(ppg_of(samples), np.empty(0), 2).tolist() == [0.0, 0.0]

    @settings(deadline=None, max_examples=15)
    @given(seed=st.integers(0, 2**16), n_beats=st.integers(0, 80))
    def test_it_is_a_share_whatever_the_beats(self, seed: int, n_beats: int) -> None:
        rng = np.random.default_rng(seed)
        samples, _ = made_ppg(seconds=60, seed=seed)
        quality = signal_quality(ppg_of(samples), np.sort(rng.uniform(-5, 70, n_beats)), 2)
        assert np.all((quality >= 0) & (quality <= 1))


class TestBelievableIntervals:
    @settings(deadline=None, max_examples=10)
    @given(seed=st.integers(0, 2**16), n_bursts=st.integers(0, 12))
    def test_what_movement_made_is_left_out(self, seed: int, n_bursts: int) -> None:
        samples, true_s = made_ppg(seconds=300, seed=seed)
        rng = np.random.default_rng(seed)
        for begin in rng.integers(0, len(samples) - 400, n_bursts):
            samples[begin : begin + 320] += 4 * np.cumsum(rng.standard_normal(320)) / 18
        ppg = ppg_of(samples)
        found = believable_intervals(ppg)
        delay_s = np.median(found.times_s - true_s[np.abs(found.times_s[:, None] - 0.25 - true_s).argmin(axis=1)])
        nearest = np.abs(found.times_s[:, None] - delay_s - true_s).argmin(axis=1)
        true_length_s = np.diff(true_s, prepend=np.nan)[nearest]
        inside = np.isfinite(true_length_s) & (found.times_s < true_s[-1])
        assert np.quantile(np.abs(found.values - true_length_s)[inside], 0.93) < 0.1
        assert found.values.sum() > 300 - 4 - 9 * n_bursts

    def test_an_epochs_quality_is_the_share_they_cover(self) -> None:
        samples, _ = made_ppg(seconds=300, noise=0.6, template=WRIST, seed=2)
        ppg = ppg_of(samples)
        beats_s = find_beats(ppg)
        covered_s = believable_intervals(ppg, beats_s).values.sum()
        assert 30 < covered_s < 280
        assert signal_quality(ppg, beats_s, 10).sum() * 30 == pytest.approx(covered_s, rel=1e-4)

    def test_without_beats_of_the_device_they_are_those_that_are_found(self) -> None:
        samples, _ = made_ppg(seconds=120, noise=0.3, seed=9)
        ppg = ppg_of(samples)
        alone, given = believable_intervals(ppg), believable_intervals(ppg, find_beats(ppg))
        np.testing.assert_array_equal(alone.times_s, given.times_s)
        np.testing.assert_array_equal(alone.values, given.values)

    @pytest.mark.parametrize("n_beats", [0, 1, 2])
    def test_few_beats_have_few_intervals(self, n_beats: int) -> None:
        samples, _ = made_ppg(seconds=60)
        assert len(believable_intervals(ppg_of(samples), np.arange(1.0, 1.0 + n_beats)).values) <= max(0, n_beats - 1)


class TestWearAndIntervals:
    def test_only_ten_minutes_without_pulse_are_off_the_skin(self) -> None:
        quality = np.ones(100, np.float32)
        quality[10:29] = 0
        quality[40:60] = 0.1
        quality[70] = np.nan
        worn = wear(quality)
        assert np.flatnonzero(worn == 0).tolist() == list(range(40, 60))
        assert np.flatnonzero(np.isnan(worn)).tolist() == [70]

    def test_a_gap_neither_is_nor_ends_a_stretch_without_pulse(self) -> None:
        quality = np.zeros(30, np.float32)
        quality[12:15] = np.nan
        assert np.nansum(wear(quality)) == 0

    def test_off_the_skin_from_the_waveform(self) -> None:
        samples, _ = made_ppg(seconds=1800)
        samples[64 * 600 :] = np.random.default_rng(0).standard_normal(64 * 1200) * 0.02
        worn = wear(signal_quality(ppg_of(samples), find_beats(ppg_of(samples)), 60))
        assert worn[:19].min() == 1
        assert worn[21:].max() == 0

    @settings(deadline=None, max_examples=30)
    @given(intervals=st.lists(st.floats(0.2, 3), max_size=30))
    def test_intervals_stand_at_the_beat_that_ends_them(self, intervals: list[float]) -> None:
        beats_s = np.cumsum([1.0, *intervals])
        found = beat_intervals(beats_s)
        np.testing.assert_allclose(found.values, intervals)
        np.testing.assert_allclose(found.times_s, beats_s[1:])

    def test_no_beats_no_intervals(self) -> None:
        assert beat_intervals(np.empty(0)).values.size == 0


def test_neurokit_finds_the_same_beats() -> None:
    neurokit2 = pytest.importorskip("neurokit2", reason="neurokit2 is not installed")
    samples, true_s = made_ppg(seconds=300, noise=0.02, seed=8)
    theirs = neurokit2.ppg_findpeaks(neurokit2.ppg_clean(samples, sampling_rate=64), sampling_rate=64)["PPG_Peaks"] / 64
    ours = find_beats(ppg_of(samples))
    missed, invented, ours_s = missed_and_invented(true_s, ours, 0.15)
    _, _, theirs_s = missed_and_invented(true_s, theirs, 0.15)
    assert (missed, invented) == (0, 0)
    assert abs(len(ours) - len(theirs)) <= 3
    assert np.median(np.abs(ours_s)) <= np.median(np.abs(theirs_s))
