"""Intervals over subjects."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_allclose, assert_array_equal

from staging.agreement import bootstrap
from staging.agreement.bootstrap import Resampling, group_sums, interval, spreads

FEW = Resampling(n_resamples=400, seed=3)

values = st.floats(-50, 50, allow_nan=False).map(lambda value: round(value, 3))


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 30), st.integers(1, 50))
def test_a_resample_draws_as_many_units_as_there_are(n_units, n_resamples):
    counts = Resampling(n_resamples=n_resamples).distribution(n_units, lambda drawn: drawn)
    assert counts.shape == (n_resamples, n_units)
    assert (counts.sum(axis=1) == n_units).all()
    assert counts.min() >= 0


@settings(deadline=None, max_examples=40)
@given(hnp.arrays(np.float64, st.tuples(st.integers(2, 25), st.integers(1, 3)), elements=values))
def test_the_interval_of_a_mean_holds_the_mean_and_lies_among_the_values(rows):
    for column, spread in zip(rows.T, spreads(rows, FEW), strict=True):
        assert spread.mean == pytest.approx(column.mean())
        assert spread.sd == pytest.approx(column.std(ddof=1), abs=1e-9)
        assert column.min() - 1e-9 <= spread.low <= spread.mean + 1e-9
        assert spread.mean - 1e-9 <= spread.high <= column.max() + 1e-9


@settings(deadline=None, max_examples=30)
@given(hnp.arrays(np.float64, st.integers(2, 20), elements=values), st.floats(0.1, 9), st.floats(-9, 9))
def test_an_interval_moves_and_stretches_with_its_values(column, factor, shift):
    [before], [after] = spreads(column[:, None], FEW), spreads(factor * column[:, None] + shift, FEW)
    assert after.low == pytest.approx(factor * before.low + shift, abs=1e-6)
    assert after.high == pytest.approx(factor * before.high + shift, abs=1e-6)


@settings(deadline=None, max_examples=40)
@given(hnp.arrays(np.float64, st.tuples(st.integers(1, 60), st.just(2)), elements=values), st.floats(0.05, 0.99))
def test_percentiles_are_numpys(samples, confidence):
    expected = np.percentile(samples, [50 * (1 - confidence), 50 * (1 + confidence)], axis=0)
    assert_allclose(interval(samples, confidence), expected, atol=1e-9)


def test_undefined_resamples_are_left_out_of_the_percentiles():
    samples = np.array([[1.0, np.nan], [np.nan, np.nan], [3.0, np.nan]])
    assert_array_equal(interval(samples, 0.5), [[1.5, np.nan], [2.5, np.nan]])


def test_the_same_seed_gives_the_same_interval_and_another_seed_another():
    rows = np.random.default_rng(0).normal(size=(12, 1))
    assert spreads(rows, FEW) == spreads(rows, FEW)
    assert spreads(rows, FEW) != spreads(rows, Resampling(n_resamples=400, seed=4))


def test_many_units_are_drawn_in_parts_with_the_same_result_size(monkeypatch):
    monkeypatch.setattr(bootstrap, "_CHUNK", 30)
    counts = Resampling(n_resamples=11).distribution(10, lambda drawn: drawn)
    assert counts.shape == (11, 10)
    assert (counts.sum(axis=1) == 10).all()


def test_the_bootstrap_interval_of_a_normal_mean_is_near_students():
    from scipy import stats

    column = np.random.default_rng(5).normal(10.0, 3.0, size=200)
    [spread] = spreads(column[:, None], Resampling(n_resamples=4000))
    expected = stats.ttest_1samp(column, 0.0).confidence_interval(0.95)
    assert_allclose([spread.low, spread.high], expected, atol=0.06)


def test_a_narrower_confidence_gives_a_narrower_interval():
    rows = np.random.default_rng(1).normal(size=(20, 1))
    [wide] = spreads(rows, Resampling(n_resamples=1000, confidence=0.95))
    [narrow] = spreads(rows, Resampling(n_resamples=1000, confidence=0.5))
    assert wide.low < narrow.low < narrow.high < wide.high


def test_subjects_without_a_value_are_left_out_and_one_alone_has_no_interval():
    several, alone, nobody = spreads([[1.0, np.nan, np.nan], [3.0, 2.0, np.nan], [np.nan] * 3], FEW)
    assert (several.n, several.mean, several.sd) == (2, 2.0, pytest.approx(np.sqrt(2)))
    assert (several.low, several.high) == (1.0, 3.0)
    assert (alone.n, alone.mean) == (1, 2.0)
    assert np.isnan([alone.sd, alone.low, alone.high]).all()
    assert nobody.n == 0
    assert np.isnan([nobody.mean, nobody.sd, nobody.low, nobody.high]).all()


def test_one_unit_has_no_interval():
    assert np.isnan(FEW.interval(1, lambda counts: counts @ np.ones((1, 4)))).all()


def test_sums_by_group_keep_their_trailing_axes():
    assert group_sums([[1, 2], [3, 4], [5, 6]], np.array([1, 0, 1]), 2).tolist() == [[3, 4], [6, 8]]


@pytest.mark.parametrize("wrong", [{"n_resamples": 0}, {"confidence": 1.0}, {"confidence": 0.0}])
def test_impossible_resampling_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Resampling(**wrong)
