from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging.simulate import DEFAULT
from staging.simulate.arousals import Activations
from staging.simulate.beats import Breathing
from staging.simulate.ppg import pulse_shape, simulate_ppg

W, N1, N2, N3, R = range(5)
RATE_HZ = DEFAULT.ppg.rate_hz


def surges(at_s=(), bpm=()):
    k = len(at_s)
    zero = np.zeros(k)
    return Activations(
        at_s=np.array(at_s, float), onset_s=np.array(at_s, float), surge_bpm=np.array(bpm, float),
        half_width_s=zero + 10, burst_s=zero, peak_g=zero, turn_deg=zero,
    )  # fmt: skip


def quiet(**changes):
    """Parameters of a pulse without anything that hides it."""
    steady = {
        "amplitude_ln_sd": 0.0, "amplitude_fast_ln_sd": 0.0, "beat_ln_sd": 0.0, "breathing_amplitude": 0.0,
        "breathing_baseline": 0.0, "wander_share": 0.0, "artefacts_per_h": (0.0,) * 5, "losses_per_h": 0.0,
    }  # fmt: skip
    return dataclasses.replace(DEFAULT, ppg=dataclasses.replace(DEFAULT.ppg, **(steady | changes)))


def ppg(beats_s, n_epochs, parameters=DEFAULT, activations=None, peak_g=None, seed=0, stage=N2):
    n = n_epochs * 120
    return simulate_ppg(
        np.random.default_rng(seed),
        np.asarray(beats_s, float),
        np.full(n_epochs, stage),
        activations or surges(),
        np.zeros(n_epochs * 30) if peak_g is None else peak_g,
        Breathing(phase=np.arange(n) * 0.4, depth=np.ones(n)),
        parameters,
    )


def peaks_s(signal):
    """Samples above 0 that are the highest within 0.35 s on either side: a simple peak count."""
    reach = round(0.35 * signal.rate_hz)
    x = signal.samples.astype(np.float64)
    x = np.convolve(x, np.ones(5) / 5, mode="same")
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(x, reach, mode="edge"), 2 * reach + 1)
    return np.flatnonzero((x == windows.max(axis=1)) & (x > 0)) / signal.rate_hz


def test_a_pulse_has_one_foot_and_rises_faster_than_it_falls():
    for weights in np.eye(3):
        shape = pulse_shape(weights)
        assert shape.argmin() == 0
        assert shape.min() == 0
        assert shape.max() == 1
        assert 0.15 < shape.argmax() / shape.size < 0.45
        # It closes upon itself: the step from its end to the next foot is no larger than one within it.
        assert shape[-1] < 1.5 * np.abs(np.diff(shape)).max()


def test_beats_come_back_as_peaks_where_the_pulse_is_clean(night):
    clean = np.convolve(~night.pulse.clean, np.ones(5), mode="same") == 0
    found = peaks_s(night.recording.ppg)
    feet = night.pulse.feet_s
    inside = (feet[:-1] > 0) & (feet[1:] < clean.size - 1)
    whole = inside.copy()
    whole[inside] = clean[feet[:-1][inside].astype(int)] & clean[feet[1:][inside].astype(int)]
    edges = np.searchsorted(found, feet)
    hits = np.diff(edges)[whole]
    assert whole.sum() > 5000
    assert np.mean(hits == 1) > 0.97


def test_a_steady_pulse_repeats_itself():
    pulse = ppg(np.arange(0.0, 300.0, 0.9), 10, quiet(noise_share=0.0))
    x = pulse.signal.samples[: round(270 * RATE_HZ)].astype(np.float64)
    lag = round(0.9 * RATE_HZ * 5)
    assert np.corrcoef(x[:-lag], x[lag:])[0, 1] > 0.99
    assert abs(x.mean()) < 0.05 * x.std()
    assert pulse.clean.all()


def test_pulses_drop_when_the_heart_surges():
    """0.05 a bpm: 10 bpm take 1 - exp(-0.5) = 39 % of the height, 4 s later, for 14 s."""
    pulse = ppg(np.arange(0.0, 300.0, 0.8), 10, quiet(noise_share=0.0), surges([150.0], [10.0]))
    seconds = pulse.signal.samples.reshape(-1, round(RATE_HZ))
    pairs = seconds.reshape(150, -1)
    height = pairs.max(axis=1) - pairs.min(axis=1)
    assert height[77] / height[60] == pytest.approx(np.exp(-0.5), abs=0.05)
    assert height[90] == pytest.approx(height[60], rel=0.03)


def test_movement_hides_the_pulse_and_is_told():
    peak_g = np.zeros(300)
    peak_g[100:110] = 0.2
    pulse = ppg(np.arange(0.0, 300.0, 0.8), 10, quiet(), peak_g=peak_g)
    spread = pulse.signal.samples.reshape(300, -1).std(axis=1)
    assert spread[101:109].mean() > 4 * spread[:95].mean()
    assert not pulse.clean[100:110].any()
    assert pulse.clean[:100].all()


def test_artefacts_are_as_frequent_as_on_a_real_wrist():
    """One person, six nights: 3-8 % of the night, more in wake than in N2, least in N3."""
    lossless = dataclasses.replace(DEFAULT, ppg=dataclasses.replace(DEFAULT.ppg, losses_per_h=0.0))
    shares = {}
    for stage in (W, N2, N3):
        clean = [ppg([0.5, 1.5], 480, lossless, seed=seed, stage=stage).clean for seed in range(4)]
        shares[stage] = 1 - np.mean(clean)
    assert shares[W] > 2 * shares[N2] > 2 * shares[N3] > 0
    assert shares[N2] < 0.05


def test_without_contact_there_is_no_pulse():
    parameters = quiet(losses_per_h=60.0, loss_ln_s=(4.0, 0.1), noise_share=0.0)
    pulse = ppg(np.arange(0.0, 900.0, 0.8), 30, parameters)
    spread = pulse.signal.samples.reshape(900, -1).std(axis=1)
    lost = np.convolve(pulse.clean, np.ones(3), mode="same") == 0
    assert lost.sum() > 60
    assert spread[lost].max() < 1e-6 < spread[pulse.clean].min()


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(0.3, 2.0), max_size=60), st.floats(-5, 70), st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_any_beats_give_a_finite_signal_of_the_night_s_length(intervals, first_s, n_epochs, seed):
    pulse = ppg(first_s + np.cumsum(intervals), n_epochs, seed=seed)
    assert pulse.signal.samples.shape == (round(n_epochs * 30 * RATE_HZ),)
    assert pulse.signal.samples.dtype == np.float32
    assert np.isfinite(pulse.signal.samples).all()
    assert pulse.clean.shape == (n_epochs * 30,)
