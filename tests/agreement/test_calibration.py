"""Calibration of probabilities."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from staging.agreement import Resampling, calibration, calibration_study
from staging.hypnogram import Stage, merge_matrix

FEW = Resampling(n_resamples=300)


def made_up(n: int, k: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities, and stages drawn from them: as well calibrated as can be."""
    rng = np.random.default_rng(seed)
    rows = rng.dirichlet(np.full(k, 0.7), size=n)
    truth = (rng.random(n)[:, None] > rows.cumsum(axis=1)).sum(axis=1)
    return np.minimum(truth, k - 1), rows


sizes = st.tuples(st.integers(1, 200), st.sampled_from([2, 3, 4, 5]), st.integers(0, 2**32 - 1))


@settings(deadline=None, max_examples=60)
@given(sizes, st.integers(1, 20))
def test_ece_lies_between_the_overall_gap_and_one(size, n_bins):
    night = calibration(*made_up(*size), n_bins=n_bins)
    assert abs(night.confidence - night.accuracy) - 1e-12 <= night.ece <= 1.0
    assert night.reliability.n.sum() == night.n_epochs == size[0]


@settings(deadline=None, max_examples=40)
@given(sizes)
def test_one_bin_makes_ece_the_gap_between_confidence_and_accuracy(size):
    night = calibration(*made_up(*size), n_bins=1)
    assert night.ece == pytest.approx(abs(night.confidence - night.accuracy))


@settings(deadline=None, max_examples=40)
@given(sizes)
def test_certainty_that_is_right_has_no_error(size):
    truth, rows = made_up(*size)
    night = calibration(truth, np.eye(rows.shape[1])[truth])
    assert (night.ece, night.brier, night.log_loss, night.accuracy) == (0.0, 0.0, 0.0, 1.0)


@settings(deadline=None, max_examples=40)
@given(sizes, st.integers(0, 200))
def test_a_study_of_two_halves_is_the_calibration_of_the_whole(size, cut):
    truth, rows = made_up(*size)
    cut = min(cut, len(truth))
    study = calibration_study([truth[:cut], truth[cut:]], [rows[:cut], rows[cut:]], resampling=FEW)
    whole = calibration(truth, rows)
    for name in ("ece", "brier", "log_loss", "confidence", "accuracy"):
        assert getattr(study.pooled, name) == pytest.approx(getattr(whole, name))
    assert study.pooled.class_ece == pytest.approx(whole.class_ece)


@settings(deadline=None, max_examples=30)
@given(sizes)
def test_the_reliability_curve_gives_the_ece(size):
    night = calibration(*made_up(*size))
    curve = night.reliability
    used = curve.n > 0
    gaps = np.abs(curve.confidence - curve.accuracy)[used]
    assert night.ece == pytest.approx((curve.n[used] * gaps).sum() / curve.n.sum())
    assert (curve.confidence[used] <= curve.edges[1:][used] + 1e-12).all()
    assert (curve.confidence[used] >= curve.edges[:-1][used] - 1e-12).all()
    assert np.isnan(curve.accuracy[~used]).all()


def test_probabilities_drawn_from_are_calibrated_and_sharpened_ones_overconfident():
    truth, rows = made_up(60_000, 4, 1)
    honest = calibration(truth, rows)
    sharp = rows**3 / (rows**3).sum(axis=1, keepdims=True)
    boastful = calibration(truth, sharp)
    assert honest.ece < 0.01
    assert max(honest.class_ece.values()) < 0.01
    assert boastful.confidence - boastful.accuracy > 0.05
    assert boastful.ece == pytest.approx(boastful.confidence - boastful.accuracy, abs=0.01)
    assert boastful.log_loss > honest.log_loss


def test_ece_by_hand():
    # Confidence 0.9 right twice of two, 0.6 right once of two, ten bins: (2 * 0.1 + 2 * 0.1) / 4.
    night = calibration([0, 1, 0, 1], [[0.9, 0.1], [0.1, 0.9], [0.6, 0.4], [0.6, 0.4]], n_bins=10)
    assert night.ece == pytest.approx(0.1)
    assert night.brier == pytest.approx((2 * 0.02 + 2 * 0.4**2 + 2 * 0.6**2) / 4)
    assert night.log_loss == pytest.approx(-(2 * np.log(0.9) + np.log(0.6) + np.log(0.4)) / 4)
    assert night.class_share[Stage.W] == pytest.approx((0.55, 0.5))


def test_a_bin_holds_its_upper_bound():
    night = calibration([0, 0], [[0.5, 0.5], [1.0, 0.0]], n_bins=2)
    assert night.reliability.n.tolist() == [1, 1]


def test_an_epoch_called_impossible_costs_no_more_than_float32_can_tell():
    assert calibration([1], [[1.0, 0.0]]).log_loss == pytest.approx(-np.log(1e-7))


def test_epochs_without_probabilities_are_left_out_and_counted():
    night = calibration([0, 1, 1], [[0.8, 0.2], [np.nan, np.nan], [0.2, 0.8]])
    assert (night.n_epochs, night.n_left_out, night.accuracy) == (2, 1, 1.0)
    nothing = calibration([0], [[np.nan, np.nan]])
    assert nothing.n_epochs == 0
    assert np.isnan([nothing.ece, nothing.brier, nothing.log_loss, nothing.accuracy]).all()


def test_merged_probabilities_may_choose_another_class_than_the_likeliest_part():
    row = np.array([[0.4, 0.3, 0.3, 0.0, 0.0]])
    assert calibration([2], row).accuracy == 0.0
    assert calibration([1], row @ merge_matrix(5, 3)).accuracy == 1.0


def test_intervals_are_over_subjects():
    nights = [made_up(80, 3, seed) for seed in range(6)]
    truths, rows = [night[0] for night in nights], [night[1] for night in nights]
    study = calibration_study(truths, rows, resampling=FEW)
    low, high = study.pooled_interval["brier"]
    assert low < study.pooled.brier < high
    assert study.per_subject["ece"].mean == pytest.approx(np.mean([calibration(*night).ece for night in nights]))
    same = calibration_study(truths, rows, subjects=["ann"] * 6, resampling=FEW)
    assert same.n_subjects == 1
    assert np.isnan(same.pooled_interval["brier"]).all()
    assert same.pooled.ece == pytest.approx(study.pooled.ece)


def test_the_interval_of_pooled_ece_is_that_of_resampled_nights():
    nights = [made_up(40, 3, seed) for seed in range(4)]
    resampling = Resampling(n_resamples=30, seed=2)
    drawn = resampling.distribution(4, lambda counts: counts).astype(int)
    slow = []
    for counts in drawn:
        chosen = np.repeat(np.arange(4), counts)
        truth, rows = (np.concatenate([nights[i][side] for i in chosen]) for side in (0, 1))
        slow.append(calibration(truth, rows).ece)
    study = calibration_study([night[0] for night in nights], [night[1] for night in nights], resampling=resampling)
    assert_allclose(study.pooled_interval["ece"], np.percentile(slow, [2.5, 97.5]))


@pytest.mark.parametrize(
    ("reference", "rows", "message"),
    [
        ([0, 1], [[0.5, 0.5]], "do not belong together"),
        ([0], [[0.5, 0.2]], "sum to 1"),
        ([0], [[1.5, -0.5]], "at least 0"),
        ([2], [[0.5, 0.5]], "between 0 and 1"),
    ],
)
def test_rows_that_are_no_probabilities_are_refused(reference, rows, message):
    with pytest.raises(ValueError, match=message):
        calibration(reference, rows)


def test_studies_of_nothing_or_with_too_few_names_are_refused():
    with pytest.raises(ValueError, match="no nights"):
        calibration_study([], [])
    with pytest.raises(ValueError, match="1 subjects for 2 nights"):
        calibration_study([[0], [0]], [[[1.0, 0.0]], [[1.0, 0.0]]], subjects=["ann"])
    with pytest.raises(ValueError, match="n_bins"):
        calibration([0], [[1.0, 0.0]], n_bins=0)


@settings(deadline=None, max_examples=25)
@given(st.integers(20, 200), st.sampled_from([3, 5]), st.integers(0, 2**32 - 1))
def test_log_loss_and_brier_equal_scikit_learns(n, k, seed):
    metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    truth, rows = made_up(n, k, seed)
    rows = np.clip(rows, 1e-6, None)
    rows /= rows.sum(axis=1, keepdims=True)
    night = calibration(truth, rows)
    assert night.log_loss == pytest.approx(metrics.log_loss(truth, rows, labels=range(k)))
    one_by_one = [metrics.brier_score_loss(truth == index, rows[:, index], pos_label=True) for index in range(k)]
    assert night.brier == pytest.approx(sum(one_by_one))
