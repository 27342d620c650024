"""Epoch by epoch, one night and a group of subjects."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_allclose, assert_array_equal

from staging.agreement import Resampling, confusion, epoch_agreement, epoch_study, merge_confusion
from staging.agreement.epochs import block_confusions
from staging.agreement.scores import CLASS_SCORES, SCORES, kappa
from staging.hypnogram import CLASSES, Hypnogram, Stage

FEW = Resampling(n_resamples=300)

pairs_of_codes = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=80)


def people(n: int, k: int = 5, seed: int = 0) -> np.ndarray:
    """Confusion matrices of made-up subjects whose device is right about four times in five."""
    rng = np.random.default_rng(seed)
    shares = np.full((k, k), 0.2 / (k - 1)) + np.eye(k) * (0.8 - 0.2 / (k - 1))
    totals = rng.integers(20, 300, size=(n, k))
    return np.stack([[rng.multinomial(total, row) for total, row in zip(one, shares, strict=True)] for one in totals])


@settings(deadline=None, max_examples=60)
@given(pairs_of_codes, st.sampled_from([5, 4, 3, 2]))
def test_a_merged_matrix_is_the_matrix_of_merged_hypnograms(both, k):
    reference, predicted = [list(side) for side in zip(*both, strict=True)] or [[], []]
    merged = [Hypnogram.from_indices(side).merge(k).indices() for side in (reference, predicted)]
    assert_array_equal(merge_confusion(confusion(reference, predicted, 5), k), confusion(*merged, k))


@settings(deadline=None, max_examples=60)
@given(pairs_of_codes, st.integers(1, 30))
def test_blocks_sum_to_the_night(both, block_epochs):
    reference, predicted = [list(side) for side in zip(*both, strict=True)] or [[], []]
    blocks = block_confusions(reference, predicted, 5, block_epochs)
    assert_array_equal(blocks.sum(axis=0), confusion(reference, predicted, 5))
    assert all(block.sum() <= block_epochs for block in blocks)


def test_rows_are_the_reference():
    assert confusion([0, 0, 0, 1], [1, 1, 0, 1], 2).tolist() == [[1, 2], [0, 1]]


@pytest.mark.parametrize(
    ("reference", "predicted", "message"),
    [([0, 1], [0], "equally long"), ([0, 5], [0, 0], "between 0 and 4"), ([0, 0], [0, -1], "between 0 and 4")],
)
def test_indices_that_do_not_fit_are_refused(reference, predicted, message):
    with pytest.raises(ValueError, match=message):
        confusion(reference, predicted, 5)


@settings(deadline=None, max_examples=40)
@given(st.sampled_from([2, 3, 4, 5]).flatmap(lambda k: hnp.arrays(np.int64, (k, k), elements=st.integers(0, 99))))
def test_a_nights_agreement_holds_every_score_by_name(matrix):
    night = epoch_agreement(matrix)
    assert night.n_epochs == matrix.sum()
    for name, score in SCORES.items():
        assert_allclose(getattr(night, name), score(matrix))
    assert tuple(night.by_class) == CLASSES[len(matrix)]
    for index, one in enumerate(night.by_class.values()):
        assert (one.n_reference, one.n_predicted) == (matrix[index].sum(), matrix[:, index].sum())
        for name, score in CLASS_SCORES.items():
            assert_allclose(getattr(one, name), score(matrix)[index])


def test_a_matrix_of_an_unknown_number_of_classes_is_refused():
    with pytest.raises(ValueError, match="5, 4, 3 or 2 classes"):
        epoch_agreement(np.eye(6, dtype=int))


@settings(deadline=None, max_examples=20)
@given(st.integers(2, 12), st.integers(0, 1000))
def test_intervals_hold_the_estimates(n, seed):
    study = epoch_study(people(n, seed=seed), resampling=FEW)
    for name in SCORES:
        low, high = study.pooled_interval[name]
        assert low <= getattr(study.pooled, name) <= high
        spread = study.per_subject[name]
        assert spread.low <= spread.mean <= spread.high


def test_pooled_scores_are_those_of_the_sum_and_per_subject_scores_count_subjects_alike():
    matrices = people(6)
    study = epoch_study(matrices, resampling=FEW)
    assert study.pooled.kappa == pytest.approx(float(kappa(matrices.sum(axis=0))))
    assert study.per_subject["kappa"].mean == pytest.approx(kappa(matrices).mean())
    assert study.per_subject["kappa"].sd == pytest.approx(kappa(matrices).std(ddof=1))
    sensitivity = CLASS_SCORES["sensitivity"](matrices)
    for index, stage in enumerate(CLASSES[5]):
        assert study.per_subject_class[stage]["sensitivity"].mean == pytest.approx(sensitivity[:, index].mean())


def test_the_interval_of_pooled_kappa_is_that_of_kappas_of_resampled_matrices():
    matrices = people(7)
    resampling = Resampling(n_resamples=50, seed=9)
    drawn = resampling.distribution(7, lambda counts: counts).astype(int)
    slow = [kappa(sum(times * one for times, one in zip(row, matrices, strict=True))) for row in drawn]
    study = epoch_study(matrices, resampling=resampling)
    assert_allclose(study.pooled_interval["kappa"], np.percentile(slow, [2.5, 97.5]))
    ppv = [CLASS_SCORES["ppv"](np.einsum("n,nij->ij", row, matrices))[3] for row in drawn]
    assert_allclose(study.pooled_class_interval[Stage.N3]["ppv"], np.percentile(ppv, [2.5, 97.5]))


def test_nights_of_one_subject_are_summed_and_resampled_together():
    matrices = people(6)
    names = ["ann", "bob", "ann", "cleo", "bob", "ann"]
    summed = [matrices[[0, 2, 5]].sum(axis=0), matrices[[1, 4]].sum(axis=0), matrices[3]]
    by_night, by_subject = epoch_study(matrices, subjects=names, resampling=FEW), epoch_study(summed, resampling=FEW)
    assert by_night.n_subjects == 3
    assert by_night.pooled_interval == by_subject.pooled_interval
    assert by_night.per_subject == by_subject.per_subject


def test_a_single_subject_has_an_interval_over_blocks_and_none_over_subjects():
    rng = np.random.default_rng(2)
    reference = rng.integers(0, 5, 960)
    predicted = np.where(rng.random(960) < 0.7, reference, rng.integers(0, 5, 960))
    blocks = block_confusions(reference, predicted, 5, 40)
    study = epoch_study([blocks.sum(axis=0)], blocks=blocks, resampling=FEW)
    low, high = study.pooled_interval["kappa"]
    assert low < study.pooled.kappa < high
    assert study.interval_over == "blocks"
    assert np.isnan(study.per_subject["kappa"].low)
    alone = epoch_study([blocks.sum(axis=0)], resampling=FEW)
    assert alone.interval_over == "subjects"
    assert np.isnan(alone.pooled_interval["kappa"]).all()


def test_the_error_matrix_averages_rows_of_subjects_who_have_the_stage():
    first, second = [[8, 2], [0, 0]], [[6, 4], [5, 5]]
    matrix = epoch_study([first, second], resampling=FEW).error_matrix
    assert_allclose(matrix.mean, [[0.7, 0.3], [0.5, 0.5]])
    assert matrix.n.tolist() == [2, 1]
    assert_allclose(matrix.sd[0], np.std([0.8, 0.6], ddof=1))
    assert np.isnan(matrix.sd[1]).all()
    assert_allclose(matrix.low[0], [0.6, 0.2])
    assert np.isnan(matrix.low[1]).all()


def test_rows_of_the_error_matrix_sum_to_one():
    assert_allclose(epoch_study(people(5, k=4), resampling=FEW).error_matrix.mean.sum(axis=1), 1.0)


@pytest.mark.parametrize(
    ("confusions", "subjects", "message"),
    [([], None, "shape"), ([[1, 2], [3, 4]], None, "shape"), ([np.eye(2)], ["a", "b"], "2 subjects for 1 nights")],
)
def test_studies_of_nothing_or_of_the_wrong_shape_are_refused(confusions, subjects, message):
    with pytest.raises(ValueError, match=message):
        epoch_study(confusions, subjects=subjects)
