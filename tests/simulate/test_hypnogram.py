from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging.errors import InputError
from staging.simulate import DEFAULT, simulate_stages

W, N1, N2, N3, R = range(5)


def sleep_period(stages):
    asleep = np.flatnonzero(stages != W)
    return stages[asleep[0] : asleep[-1] + 1]


def bouts(stages):
    edges = np.flatnonzero(np.diff(stages)) + 1
    starts = np.concatenate([[0], edges])
    return stages[starts], np.diff(np.concatenate([starts, [stages.size]]))


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2000), st.integers(0, 2**32 - 1), st.one_of(st.none(), st.floats(10, 100)))
def test_any_night_has_its_length_and_known_stages_and_begins_awake(n, seed, age):
    stages = simulate_stages(np.random.default_rng(seed), n, age_years=age)
    assert stages.shape == (n,)
    assert stages.dtype == np.int64
    assert np.all((stages >= W) & (stages <= R))
    assert n == 0 or stages[0] == W
    again = simulate_stages(np.random.default_rng(seed), n, age_years=age)
    np.testing.assert_array_equal(stages, again)


def test_the_composition_of_the_night_is_that_of_the_measured_nights(hypnograms):
    """Real, 51 nights: N1 8.3, N2 52.0, N3 17.2, R 22.5 % of sleep, W 5.6 % of the sleep period."""
    nights = [sleep_period(stages) for stages in hypnograms]
    share = np.array([[np.mean(n[n != W] == s) * 100 for s in (N1, N2, N3, R)] for n in nights])
    np.testing.assert_allclose(share.mean(axis=0), [8.3, 52.0, 17.2, 22.5], atol=2.0)
    np.testing.assert_allclose(share.std(axis=0), [4.2, 9.2, 9.9, 7.3], rtol=0.25)
    assert np.mean([np.mean(n == W) * 100 for n in nights]) == pytest.approx(5.6, abs=1.3)


def test_rem_latency_periods_shifts_and_awakenings_are_those_of_the_measured_nights(hypnograms):
    """Real: REM latency 101 min, 4.0 REM periods, 13.7 shifts and 1.9 awakenings an hour."""
    nights = [sleep_period(stages) for stages in hypnograms]
    latency = [np.flatnonzero(n == R)[0] / 2 for n in nights if np.any(n == R)]
    assert np.mean(latency) == pytest.approx(101, abs=14)
    assert np.std(latency) == pytest.approx(50, rel=0.35)
    hours = np.array([n.size / 120 for n in nights])
    assert np.mean([np.sum(np.diff(n) != 0) for n in nights] / hours) == pytest.approx(13.7, abs=1.2)
    awakenings = [np.sum((n[1:] == W) & (n[:-1] != W)) for n in nights]
    assert np.mean(awakenings / hours) == pytest.approx(1.9, abs=0.4)
    # A REM period ends with 15 min without REM sleep.
    periods = [1 + np.sum(np.diff(np.flatnonzero(n == R)) > 30) for n in nights]
    assert np.mean(periods) == pytest.approx(4.0, abs=0.6)


def test_deep_sleep_comes_early_and_rem_sleep_late(hypnograms):
    """Real: N3 .36 of the first hour and .06 of the fifth, R .01 and .25."""
    nights = [sleep_period(stages)[:720] for stages in hypnograms if sleep_period(stages).size >= 720]
    hourly = np.array([[[np.mean(n[h * 120 : h * 120 + 120] == s) for s in (N3, R)] for h in range(6)] for n in nights])
    n3, rem = hourly.mean(axis=0).T
    assert n3[0] == pytest.approx(0.36, abs=0.06)
    assert n3[4] == pytest.approx(0.08, abs=0.05)
    assert rem[0] < 0.06
    np.testing.assert_allclose(rem[3:], [0.23, 0.25, 0.30], atol=0.07)


def test_bouts_are_as_long_as_the_measured_ones(hypnograms):
    """Real means: W 1.8, N1 1.2, N2 6.0, N3 5.7, R 9.3 min; half of W and N1 bouts are one epoch."""
    found = [bouts(sleep_period(stages)) for stages in hypnograms]
    stage, length = (np.concatenate(part) for part in zip(*found, strict=True))
    mean_min = [length[stage == s].mean() / 2 for s in range(5)]
    np.testing.assert_allclose(mean_min, [1.8, 1.2, 6.0, 5.7, 9.3], rtol=0.15)
    assert np.median(length[stage == W]) == np.median(length[stage == N1]) == 1


def test_age_adds_ten_minutes_of_wake_a_decade_and_takes_deep_sleep():
    """Boulos 2019: wake after sleep onset +9.7 min a decade."""
    waso, deep = {}, {}
    for age in (30, 70):
        nights = [sleep_period(simulate_stages(np.random.default_rng(s), 960, age_years=age)) for s in range(600)]
        waso[age] = np.mean([np.sum(n == W) / 2 for n in nights])
        deep[age] = np.mean([np.mean(n[n != W] == N3) for n in nights])
    assert (waso[70] - waso[30]) / 4 == pytest.approx(9.7, abs=3)
    assert 0.01 < deep[30] - deep[70] < 0.08


def test_a_very_short_night_is_awake_and_no_night_is_empty():
    assert simulate_stages(np.random.default_rng(1), 1).tolist() == [W]
    assert simulate_stages(np.random.default_rng(1), 0).size == 0


def test_other_tables_give_other_nights():
    short = dataclasses.replace(DEFAULT.hypnogram, nrem_ln_min=((3.0, 0.1),) * 4, latency_ln_min=(1.0, 0.1))
    parameters = dataclasses.replace(DEFAULT, hypnogram=short)
    nights = [simulate_stages(np.random.default_rng(s), 960, parameters=parameters) for s in range(30)]
    latency = [np.flatnonzero(n == R)[0] - np.flatnonzero(n != W)[0] for n in nights]
    assert np.mean(latency) / 2 < 50


@pytest.mark.parametrize(("n", "age"), [(-1, None), (10, 5), (10, 130), (10, float("nan"))])
def test_impossible_nights_are_refused_by_name(n, age):
    with pytest.raises(InputError, match=r"n_epochs|age"):
        simulate_stages(np.random.default_rng(0), n, age_years=age)
