"""Epoch by epoch: confusion matrices of subjects -> what a study reports about them.

Assumptions
-----------
- Subjects are the independent units: epochs of one night are not, nor are nights of one person. Every interval is a
  bootstrap over subjects. For a single subject it is one over blocks of consecutive epochs, which says how sure the
  figure is for that person's night and nothing about other people; the result names which of the two it is.
- *Pooled* scores are those of the sum of all confusion matrices; *per subject* scores are averaged with equal weight.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from staging.agreement.bootstrap import Resampling, Spread, group_sums, spreads
from staging.agreement.scores import CLASS_SCORES, SCORES, class_scores, error_matrix, scores
from staging.hypnogram import CLASSES, Stage, merge_matrix

__all__ = [
    "BLOCK_MIN",
    "ClassAgreement",
    "EpochAgreement",
    "EpochStudy",
    "ErrorMatrix",
    "block_confusions",
    "confusion",
    "epoch_agreement",
    "epoch_study",
    "merge_confusion",
]

Counts = NDArray[np.int64]
Interval = tuple[float, float]

BLOCK_MIN = 20.0
"""Length of the blocks that stand for a single subject's epochs in the bootstrap, in minutes: longer than most bouts
and most runs of errors, short enough for some twenty blocks a night."""


def confusion(reference: ArrayLike, predicted: ArrayLike, n_classes: int) -> Counts:
    """Confusion matrix of two equally long series of class indices.

    Parameters
    ----------
    reference, predicted : array_like of int, shape (n,)
        Indices from 0 to ``n_classes - 1``.
    n_classes : int
        Number of classes, k.

    Returns
    -------
    ndarray of int64, shape (k, k)
        Epochs by reference (rows) and predicted class (columns).

    Raises
    ------
    ValueError
        If the lengths differ or an index is out of range.

    Examples
    --------
    >>> confusion([0, 0, 1], [0, 1, 1], 2).tolist()
    [[1, 1], [0, 1]]
    """
    rows, columns = np.asarray(reference, dtype=np.int64), np.asarray(predicted, dtype=np.int64)
    if rows.shape != columns.shape or rows.ndim != 1:
        raise ValueError(f"reference {rows.shape} and predicted {columns.shape} must be equally long and 1-D")
    if rows.size and (min(rows.min(), columns.min()) < 0 or max(rows.max(), columns.max()) >= n_classes):
        raise ValueError(f"indices must lie between 0 and {n_classes - 1}")
    return np.bincount(rows * n_classes + columns, minlength=n_classes**2).reshape(n_classes, n_classes)


def block_confusions(reference: ArrayLike, predicted: ArrayLike, n_classes: int, block_epochs: int) -> Counts:
    """Confusion matrices of consecutive blocks of epochs, int64 ``(n_blocks, k, k)``; they sum to `confusion`.

    Examples
    --------
    >>> block_confusions([0, 0, 1], [0, 1, 1], 2, 2).tolist()
    [[[1, 1], [0, 0]], [[0, 0], [0, 1]]]
    """
    rows, columns = np.asarray(reference, dtype=np.int64), np.asarray(predicted, dtype=np.int64)
    cuts = range(0, len(rows), max(block_epochs, 1))
    blocks = [confusion(rows[i : i + block_epochs], columns[i : i + block_epochs], n_classes) for i in cuts]
    return np.stack(blocks) if blocks else np.zeros((0, n_classes, n_classes), np.int64)


def merge_confusion(matrices: ArrayLike, n_classes: int) -> Counts:
    """Confusion matrices in coarser classes, int64 ``(..., n_classes, n_classes)``.

    Examples
    --------
    >>> merge_confusion(np.eye(5, dtype=int), 3).tolist()
    [[1, 0, 0], [0, 3, 0], [0, 0, 1]]
    """
    fine = np.asarray(matrices, dtype=np.int64)
    merge = merge_matrix(fine.shape[-1], n_classes).astype(np.int64)
    merged: Counts = merge.T @ fine @ merge
    return merged


@dataclass(frozen=True, kw_only=True)
class ClassAgreement:
    """One class against all the rest. NaN where a share is one of nothing.

    Attributes
    ----------
    n_reference, n_predicted : int
        Epochs of the class in each.
    sensitivity, specificity, ppv, npv, f1 : float
        Shares 0–1. Sensitivity is NaN for a class that the reference lacks, PPV for one that was never predicted,
        F1 for one that neither has; a class that was predicted and is not in the reference has an F1 of 0.
    kappa, pabak : float
        Cohen's kappa of the class against the rest, and its prevalence- and bias-adjusted kin.
    prevalence_index, bias_index : float
        Byrt et al. 1993, with signs: see `staging.agreement.scores.CLASS_SCORES`.
    """

    n_reference: int
    n_predicted: int
    sensitivity: float
    specificity: float
    ppv: float
    npv: float
    f1: float
    kappa: float
    pabak: float
    prevalence_index: float
    bias_index: float


@dataclass(frozen=True, kw_only=True, eq=False)
class EpochAgreement:
    """Everything one confusion matrix says. Made by `epoch_agreement`.

    Attributes
    ----------
    n_epochs : int
        Epochs compared.
    confusion : ndarray of int64, shape (k, k)
        Epochs by reference (rows) and predicted class (columns), in the order of `by_class`.
    accuracy, kappa, macro_f1, mcc, balanced_accuracy, pabak : float
        As `staging.agreement.scores` defines them; NaN where undefined.
    by_class : mapping of Stage to ClassAgreement
        Each class against the rest, in tensor order.
    """

    n_epochs: int
    confusion: Counts
    accuracy: float
    kappa: float
    macro_f1: float
    mcc: float
    balanced_accuracy: float
    pabak: float
    by_class: Mapping[Stage, ClassAgreement]


def epoch_agreement(matrix: ArrayLike) -> EpochAgreement:
    """The scores of one confusion matrix.

    Parameters
    ----------
    matrix : array_like of int, shape (k, k)
        Reference in rows, in the order of ``CLASSES[k]``.

    Returns
    -------
    EpochAgreement

    Raises
    ------
    ValueError
        If the matrix is not one of 5, 4, 3 or 2 classes.

    Examples
    --------
    >>> night = epoch_agreement([[20, 5], [10, 15]])
    >>> night.kappa, night.by_class[Stage.W].sensitivity
    (0.4, 0.8)
    """
    counts = np.asarray(matrix, dtype=np.int64)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or len(counts) not in CLASSES:
        raise ValueError(f"expected a square matrix of 5, 4, 3 or 2 classes, got shape {counts.shape}")
    columns = class_scores(counts).T.tolist()
    totals = zip(CLASSES[len(counts)], counts.sum(axis=1).tolist(), counts.sum(axis=0).tolist(), columns, strict=True)
    return EpochAgreement(
        n_epochs=int(counts.sum()),
        confusion=counts,
        **dict(zip(SCORES, scores(counts).tolist(), strict=True)),
        by_class={
            stage: ClassAgreement(
                n_reference=in_reference, n_predicted=in_predicted, **dict(zip(CLASS_SCORES, column, strict=True))
            )
            for stage, in_reference, in_predicted, column in totals
        },
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class ErrorMatrix:
    """Proportional error matrix: where each stage of the reference went, as an average over subjects.

    Each subject's row is divided by that subject's epochs of the stage; subjects who lack the stage are left out of
    its row.

    Attributes
    ----------
    mean, sd, low, high : ndarray of float64, shape (k, k)
        Shares 0–1 over subjects and the interval of the mean; NaN where undefined.
    n : ndarray of int64, shape (k,)
        Subjects who have the reference's stage.

    References
    ----------
    Menghini L et al. Sleep 2021;44:zsaa170. doi:10.1093/sleep/zsaa170
    """

    mean: NDArray[np.float64]
    sd: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    n: Counts


@dataclass(frozen=True, kw_only=True, eq=False)
class EpochStudy:
    """Epoch-by-epoch agreement of a group of subjects in one resolution. Made by `epoch_study`.

    Attributes
    ----------
    classes : tuple of Stage
        In tensor order.
    n_subjects : int
        Independent units.
    pooled : EpochAgreement
        Scores of all epochs together.
    pooled_interval : mapping of str to (low, high)
        Interval of each pooled score by name; NaN where there are fewer than two units.
    pooled_class_interval : mapping of Stage to mapping of str to (low, high)
        Interval of each pooled score of each class.
    interval_over : {"subjects", "blocks"}
        What the bootstrap of the pooled scores draws.
    per_subject : mapping of str to Spread
        Scores of each subject, averaged.
    per_subject_class : mapping of Stage to mapping of str to Spread
        Scores of each class in each subject, averaged over those who have them.
    error_matrix : ErrorMatrix
        Proportional error matrix over subjects.
    """

    classes: tuple[Stage, ...]
    n_subjects: int
    pooled: EpochAgreement
    pooled_interval: Mapping[str, Interval]
    pooled_class_interval: Mapping[Stage, Mapping[str, Interval]]
    interval_over: Literal["subjects", "blocks"]
    per_subject: Mapping[str, Spread]
    per_subject_class: Mapping[Stage, Mapping[str, Spread]]
    error_matrix: ErrorMatrix


def epoch_study(
    confusions: ArrayLike,
    *,
    subjects: Sequence[str] | None = None,
    blocks: ArrayLike | None = None,
    resampling: Resampling | None = None,
) -> EpochStudy:
    """Agreement of a group of subjects from the confusion matrices of their nights.

    Parameters
    ----------
    confusions : array_like of int, shape (n_nights, k, k)
        One matrix a night, reference in rows.
    subjects : sequence of str, length n_nights, optional
        Who slept each night; nights of one subject are summed. By default every night is another subject's.
    blocks : array_like of int, shape (n_blocks, k, k), optional
        Matrices of blocks of a single subject's epochs (`block_confusions`), from which the intervals of the pooled
        scores are made when there is but one subject; ignored otherwise.
    resampling : Resampling, optional
        How intervals are made.

    Returns
    -------
    EpochStudy

    Raises
    ------
    ValueError
        If there are no nights, or shapes or lengths contradict each other.

    Examples
    --------
    >>> study = epoch_study([[[20, 5], [10, 15]], [[30, 0], [5, 15]]])
    >>> study.n_subjects, round(study.pooled.kappa, 3), round(study.per_subject["kappa"].mean, 3)
    (2, 0.588, 0.591)
    """
    resampling = resampling or Resampling()
    nights = np.asarray(confusions, dtype=np.int64)
    if nights.ndim != 3 or len(nights) == 0:
        raise ValueError(f"expected confusion matrices of shape (n_nights, k, k), got {nights.shape}")
    pooled = epoch_agreement(nights.sum(axis=0))
    people = nights.astype(np.float64)
    if subjects is not None:
        if len(subjects) != len(nights):
            raise ValueError(f"{len(subjects)} subjects for {len(nights)} nights")
        _, group = np.unique(np.asarray(subjects, dtype=str), return_inverse=True)
        people = group_sums(nights, group, int(group.max()) + 1)
    n_subjects, k = people.shape[:2]
    by_blocks = n_subjects == 1 and blocks is not None
    units = np.asarray(blocks, dtype=np.float64) if by_blocks else people

    def pooled_scores(counts: NDArray[np.float64]) -> NDArray[np.float64]:
        sums = (counts @ units.reshape(len(units), -1)).reshape(-1, k, k)
        return np.concatenate([scores(sums), class_scores(sums).reshape(len(sums), -1)], axis=1)

    bounds = resampling.interval(len(units), pooled_scores).T
    pairs = [(low, high) for low, high in bounds.tolist()]
    class_bounds = iter(pairs[len(SCORES) :])
    class_intervals = {name: [next(class_bounds) for _ in range(k)] for name in CLASS_SCORES}

    everything = [scores(people), class_scores(people).reshape(n_subjects, -1)]
    everything.append(error_matrix(people).reshape(n_subjects, -1))
    averaged = spreads(np.concatenate(everything, axis=1), resampling)
    n_scores, n_class_scores = len(SCORES), len(CLASS_SCORES) * k
    class_spreads = averaged[n_scores : n_scores + n_class_scores]
    cells = averaged[n_scores + n_class_scores :]
    classes = CLASSES[k]
    return EpochStudy(
        classes=classes,
        n_subjects=n_subjects,
        pooled=pooled,
        pooled_interval=dict(zip(SCORES, pairs, strict=False)),
        pooled_class_interval={
            stage: {name: class_intervals[name][index] for name in CLASS_SCORES} for index, stage in enumerate(classes)
        },
        interval_over="blocks" if by_blocks else "subjects",
        per_subject=dict(zip(SCORES, averaged, strict=False)),
        per_subject_class={
            stage: dict(zip(CLASS_SCORES, class_spreads[index::k], strict=True)) for index, stage in enumerate(classes)
        },
        error_matrix=ErrorMatrix(
            mean=np.reshape([cell.mean for cell in cells], (k, k)),
            sd=np.reshape([cell.sd for cell in cells], (k, k)),
            low=np.reshape([cell.low for cell in cells], (k, k)),
            high=np.reshape([cell.high for cell in cells], (k, k)),
            n=np.array([cell.n for cell in cells[::k]], dtype=np.int64),
        ),
    )
