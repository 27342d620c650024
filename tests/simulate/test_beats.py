from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging.simulate import DEFAULT
from staging.simulate.beats import GRID_HZ, beat_times_s, draw_breathing
from staging.simulate.person import draw_person

W, N1, N2, N3, R = range(5)


def beats(bpm, stage=N2, seed=0, parameters=DEFAULT, **changes):
    rng = np.random.default_rng(seed)
    person = dataclasses.replace(draw_person(rng, parameters=parameters), **changes)
    stages = np.full(len(bpm) // 30, stage)
    breathing = draw_breathing(rng, stages, person, parameters)
    return beat_times_s(rng, np.asarray(bpm, float), stages, breathing, person, parameters), breathing


@settings(deadline=None, max_examples=30)
@given(st.floats(40, 150), st.floats(40, 150), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_beats_integrate_to_the_heart_rate(first, last, n_epochs, seed):
    bpm = np.linspace(first, last, n_epochs * 30)
    times_s, _ = beats(bpm, seed=seed)
    assert np.all(np.diff(times_s) > 0)
    assert times_s.size == 0 or (times_s[0] >= 0 and times_s[-1] <= bpm.size)
    expected = bpm.sum() / 60
    assert times_s.size == pytest.approx(expected, abs=3 + 0.03 * expected)


def test_without_variability_every_interval_is_the_rate():
    times_s, _ = beats(np.full(600, 75.0), rmssd_ms=0.0)
    np.testing.assert_allclose(np.diff(times_s), 0.8, atol=1e-9)


def test_the_mean_rate_of_each_minute_is_that_of_the_rate_function(night):
    minute = np.arange(0, night.physiology.rate_bpm.size + 1, 60)
    counted = np.histogram(night.beats_s, minute)[0]
    expected = night.physiology.rate_bpm.reshape(-1, 60).mean(axis=1)
    asleep = ~night.physiology.out_of_bed[::2]
    assert np.abs(counted - expected)[asleep].mean() < 1.5
    assert np.corrcoef(counted, expected)[0, 1] > 0.97


def test_rmssd_in_health_and_its_ratios_between_stages_are_those_measured():
    """MMASH: 56 ms asleep; Chang Gung: REM sleep .82, N3 .95 of one's own N2."""
    rmssd = {}
    for stage in (N2, N3, R):
        values = []
        for seed in range(25):
            times_s, _ = beats(np.full(900, 60.0), stage=stage, seed=seed, resting_bpm=60.0, rmssd_ms=56.0)
            values.append(np.sqrt(np.mean(np.diff(np.diff(times_s)) ** 2)) * 1000)
        rmssd[stage] = np.median(values)
    assert rmssd[N2] == pytest.approx(56, rel=0.15)
    assert rmssd[R] / rmssd[N2] == pytest.approx(0.82, abs=0.12)
    assert rmssd[N3] / rmssd[N2] == pytest.approx(0.95, abs=0.12)


def test_breathing_is_regular_in_deep_sleep_and_not_in_rem_sleep():
    """Chang Gung: SD of the frequency .010 Hz in N3 and .046 Hz in REM sleep, medians about .25 Hz."""
    spread = {}
    for stage in (N3, R):
        rng = np.random.default_rng(4)
        person = dataclasses.replace(draw_person(rng), breathing_hz=0.0)
        breathing = draw_breathing(rng, np.full(240, stage), person)
        frequency = np.diff(breathing.phase) * GRID_HZ / (2 * np.pi)
        assert np.median(frequency) == pytest.approx(DEFAULT.beats.breathing_hz[stage], abs=0.01)
        spread[stage] = frequency.std()
    assert spread[N3] == pytest.approx(0.010, rel=0.2)
    assert spread[R] == pytest.approx(0.046, rel=0.2)


def test_intervals_swing_with_breathing():
    parameters = dataclasses.replace(DEFAULT, beats=dataclasses.replace(DEFAULT.beats, lf_share=(0.0,) * 5))
    times_s, breathing = beats(np.full(1800, 60.0), stage=N3, parameters=parameters, breathing_hz=0.0)
    wave = np.interp((times_s[1:] + times_s[:-1]) / 2, np.arange(breathing.phase.size) / GRID_HZ, breathing.wave())
    assert np.corrcoef(np.diff(times_s), wave)[0, 1] < -0.9


def test_variability_shrinks_when_the_heart_is_fast():
    slow, _ = beats(np.full(900, 60.0), resting_bpm=60.0)
    fast, _ = beats(np.full(900, 100.0), resting_bpm=60.0)
    assert np.diff(fast).std() < 0.5 * np.diff(slow).std()


def test_the_old_vary_less():
    """Voss 2015: RMSSD awake 40 ms at 30 years, 19 ms at 70."""
    young, old = (
        np.mean([np.log(draw_person(np.random.default_rng(s), age_years=age).rmssd_ms) for s in range(50)])
        for age in (30, 70)
    )
    assert np.exp(old - young) == pytest.approx(19 / 40, rel=0.1)


def test_beats_of_nothing_are_none():
    assert beats(np.empty(0))[0].size == 0
