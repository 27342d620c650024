"""Scores of confusion matrices: properties, matrices worked by hand, and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_allclose

from staging.agreement.epochs import merge_confusion
from staging.agreement.scores import CLASS_SCORES, SCORES, class_scores, error_matrix, kappa, macro_f1, mcc, scores

SYMMETRIC = ("accuracy", "kappa", "macro_f1", "mcc", "pabak")


def matrices(k: int | None = None, least: int = 0):
    sizes = st.integers(2, 5) if k is None else st.just(k)
    return sizes.flatmap(lambda n: hnp.arrays(np.int64, (n, n), elements=st.integers(least, 400)))


def of_class(name: str, confusion, index: int) -> float:
    return float(CLASS_SCORES[name](confusion)[index])


@settings(deadline=None, max_examples=60)
@given(hnp.arrays(np.int64, st.integers(2, 5), elements=st.integers(1, 500)))
def test_identity_has_kappa_mcc_and_every_share_of_one(totals):
    confusion = np.diag(totals)
    assert_allclose([SCORES[name](confusion) for name in SCORES], 1.0)
    for name in ("sensitivity", "specificity", "ppv", "npv", "f1", "kappa", "pabak"):
        assert_allclose(CLASS_SCORES[name](confusion), 1.0)
    assert_allclose(CLASS_SCORES["bias_index"](confusion), 0.0)


@settings(deadline=None, max_examples=60)
@given(st.integers(2, 5).flatmap(lambda k: hnp.arrays(np.int64, (2, k), elements=st.integers(1, 60))))
def test_raters_who_know_nothing_of_each_other_have_kappa_and_mcc_of_zero(margins):
    confusion = np.outer(*margins)
    assert_allclose(kappa(confusion), 0.0, atol=1e-12)
    assert_allclose(mcc(confusion), 0.0, atol=1e-12)
    assert_allclose(CLASS_SCORES["kappa"](confusion), 0.0, atol=1e-12)


@settings(deadline=None, max_examples=60)
@given(matrices())
def test_swapping_the_raters_keeps_symmetric_scores_and_swaps_sensitivity_with_ppv(confusion):
    for name in SYMMETRIC:
        assert_allclose(SCORES[name](confusion), SCORES[name](confusion.T))
    assert_allclose(CLASS_SCORES["sensitivity"](confusion), CLASS_SCORES["ppv"](confusion.T))
    assert_allclose(CLASS_SCORES["specificity"](confusion), CLASS_SCORES["npv"](confusion.T))
    assert_allclose(CLASS_SCORES["bias_index"](confusion), -CLASS_SCORES["bias_index"](confusion.T))


@settings(deadline=None, max_examples=60)
@given(matrices(), st.randoms(use_true_random=False))
def test_the_order_of_classes_does_not_matter(confusion, random):
    order = list(range(len(confusion)))
    random.shuffle(order)
    shuffled = confusion[np.ix_(order, order)]
    assert_allclose(scores(shuffled), scores(confusion))
    assert_allclose(class_scores(shuffled), class_scores(confusion)[:, order])


@settings(deadline=None, max_examples=60)
@given(matrices(), st.integers(2, 1000))
def test_scores_are_of_proportions_not_of_counts(confusion, times):
    assert_allclose(scores(confusion * times), scores(confusion))
    assert_allclose(class_scores(confusion * times), class_scores(confusion))


@settings(deadline=None, max_examples=60)
@given(matrices(k=5), st.sampled_from([4, 3, 2]))
def test_merging_classes_keeps_the_epochs_and_never_lowers_accuracy(confusion, k):
    assume(confusion.sum())
    merged = merge_confusion(confusion, k)
    assert merged.sum() == confusion.sum()
    assert SCORES["accuracy"](merged) >= SCORES["accuracy"](confusion)


@settings(deadline=None, max_examples=60)
@given(matrices())
def test_scores_stay_within_their_bounds(confusion):
    values = dict(zip(SCORES, scores(confusion).tolist(), strict=True))
    for name, value in values.items():
        low = -1.0 if name in ("kappa", "mcc", "pabak") else 0.0
        assert np.isnan(value) or low - 1e-12 <= value <= 1.0 + 1e-12


@settings(deadline=None, max_examples=40)
@given(hnp.arrays(np.int64, (4, 3, 3), elements=st.integers(0, 50)))
def test_a_stack_is_scored_as_its_matrices_one_by_one(stack):
    assert_allclose(scores(stack), [scores(one) for one in stack])
    assert_allclose(class_scores(stack), [class_scores(one) for one in stack])


@settings(deadline=None, max_examples=40)
@given(matrices(k=5, least=1))
def test_kappa_of_wake_against_the_rest_is_kappa_of_the_two_class_matrix(confusion):
    assert_allclose(CLASS_SCORES["kappa"](confusion)[0], kappa(merge_confusion(confusion, 2)))
    assert_allclose(CLASS_SCORES["pabak"](confusion)[0], SCORES["pabak"](merge_confusion(confusion, 2)))


def test_kappa_is_observed_less_chance_over_one_less_chance():
    # 35 of 50 agree; chance is (25 * 30 + 25 * 20) / 50² = 0.5.
    assert float(kappa([[20, 5], [10, 15]])) == pytest.approx((0.7 - 0.5) / (1 - 0.5))


def test_byrt_indices_of_a_two_by_two_table_carry_signs():
    # Hit 40, missed 10, false 20, absent 30.
    confusion = [[40, 10], [20, 30]]
    assert of_class("prevalence_index", confusion, 0) == pytest.approx((40 - 30) / 100)
    assert of_class("bias_index", confusion, 0) == pytest.approx((20 - 10) / 100)
    assert of_class("pabak", confusion, 0) == pytest.approx(2 * 0.7 - 1)


def test_shares_of_a_class_by_hand():
    # Class 1 of three: hit 30, missed 10, false 5 + 15, absent 50 + 5 + 5 + 20.
    confusion = [[50, 5, 5], [4, 30, 6], [5, 15, 20]]
    assert of_class("sensitivity", confusion, 1) == pytest.approx(30 / 40)
    assert of_class("specificity", confusion, 1) == pytest.approx(80 / 100)
    assert of_class("ppv", confusion, 1) == pytest.approx(30 / 50)
    assert of_class("npv", confusion, 1) == pytest.approx(80 / 90)
    assert of_class("f1", confusion, 1) == pytest.approx(60 / 90)


def test_a_class_absent_from_the_reference_has_no_sensitivity_and_an_f1_of_zero_if_predicted():
    confusion = [[8, 0, 2], [0, 10, 0], [0, 0, 0]]
    assert np.isnan(of_class("sensitivity", confusion, 2))
    assert of_class("ppv", confusion, 2) == 0
    assert of_class("f1", confusion, 2) == 0
    assert float(macro_f1(confusion)) == pytest.approx((16 / 18 + 1 + 0) / 3)
    assert float(SCORES["balanced_accuracy"](confusion)) == pytest.approx((0.8 + 1) / 2)


def test_a_class_that_neither_has_is_not_averaged():
    confusion = [[8, 2, 0], [1, 9, 0], [0, 0, 0]]
    assert np.isnan(of_class("f1", confusion, 2))
    assert float(macro_f1(confusion)) == pytest.approx((16 / 19 + 18 / 21) / 2)


def test_kappa_and_mcc_are_undefined_where_one_class_is_all_there_is():
    confusion = [[9, 0], [0, 0]]
    assert np.isnan(kappa(confusion))
    assert np.isnan(mcc(confusion))
    assert float(SCORES["accuracy"](confusion)) == 1.0


def test_nothing_compared_has_no_scores():
    assert np.isnan(scores(np.zeros((3, 3)))).all()
    assert np.isnan(class_scores(np.zeros((3, 3)))).all()


def test_error_matrix_rows_are_shares_of_the_reference_and_nan_for_stages_it_lacks():
    assert_allclose(error_matrix([[6, 2], [0, 0]]), [[0.75, 0.25], [np.nan, np.nan]])


def test_a_matrix_that_is_not_square_is_refused():
    with pytest.raises(ValueError, match="square"):
        kappa([[1, 2, 3], [4, 5, 6]])


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 5), st.integers(0, 2**32 - 1), st.integers(2, 300))
def test_scores_equal_scikit_learns(k, seed, n):
    metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    rng = np.random.default_rng(seed)
    truth, guess = rng.integers(0, k, n), rng.integers(0, k, n)
    guess = np.where(rng.random(n) < 0.5, truth, guess)
    assume(len(set(truth.tolist())) > 1)
    assume(len(set(guess.tolist())) > 1)
    confusion = metrics.confusion_matrix(truth, guess, labels=range(k))
    assert_allclose(kappa(confusion), metrics.cohen_kappa_score(truth, guess))
    assert_allclose(mcc(confusion), metrics.matthews_corrcoef(truth, guess), atol=1e-12)
    assert_allclose(macro_f1(confusion), metrics.f1_score(truth, guess, average="macro"))
    assert_allclose(SCORES["accuracy"](confusion), metrics.accuracy_score(truth, guess))
    present = np.unique(truth)
    recall = metrics.recall_score(truth, guess, labels=present, average=None)
    assert_allclose(CLASS_SCORES["sensitivity"](confusion)[present], recall)
    assert_allclose(SCORES["balanced_accuracy"](confusion), recall.mean())
    named = np.unique(guess)
    ppv = metrics.precision_score(truth, guess, labels=named, average=None)
    assert_allclose(CLASS_SCORES["ppv"](confusion)[named], ppv)
