"""Are probabilities right: of the epochs that a model is 70 % sure of, 70 % should be.

Assumptions
-----------
- The likeliest class is the one of the highest probability, which need not be the stage that a stager settled on
  after smoothing. Its probability is the *confidence*.
- In coarser classes the probabilities are summed first, so the likeliest class is decided anew.
- Epochs without probabilities (NaN) are left out and counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from staging.agreement.bootstrap import Resampling, Spread, group_sums, spreads
from staging.agreement.scores import ratio
from staging.hypnogram import CLASSES, Stage

__all__ = ["N_BINS", "Calibration", "CalibrationStudy", "Reliability", "calibration", "calibration_study"]

Floats = NDArray[np.float64]

N_BINS = 15
"""Bins of equal width from 0 to 1, as in Guo et al. 2017."""

_FLOOR = 1e-7
_ROW_TOLERANCE = 1e-3

_COUNT, _PREDICTED, _OBSERVED = range(3)


@dataclass(frozen=True, kw_only=True, eq=False)
class Reliability:
    """The reliability curve: how often the likeliest class was right, by how sure the model was.

    Attributes
    ----------
    edges : ndarray of float64, shape (m + 1,)
        Bounds of the bins; a bin holds its upper bound and not its lower.
    n : ndarray of int64, shape (m,)
        Epochs in each bin.
    confidence, accuracy : ndarray of float64, shape (m,)
        Mean confidence and share of right epochs in each bin; NaN in empty ones.
    """

    edges: Floats
    n: NDArray[np.int64]
    confidence: Floats
    accuracy: Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class Calibration:
    """How good probabilities are. NaN where there are no epochs.

    Attributes
    ----------
    n_epochs, n_left_out : int
        Epochs with probabilities and without.
    ece : float
        Expected calibration error: the mean over epochs of the gap between confidence and accuracy in their bin, 0–1
        (Guo et al. 2017). Few epochs make it larger: one night's is not to be compared with that of a pool.
    brier : float
        Brier score over all classes: mean squared distance from the truth, 0–2.
    log_loss : float
        Mean of −ln of the probability that the reference's stage was given; below 1e-7, the resolution of float32,
        it counts as 1e-7.
    confidence, accuracy : float
        Mean confidence, and share of epochs whose likeliest class is the reference's. Confidence above accuracy is
        overconfidence.
    class_ece : mapping of Stage to float
        The gap of each class's own probability, by bins of that probability (Kull et al. 2019).
    class_share : mapping of Stage to (float, float)
        Mean probability of each class and its share of the reference.
    reliability : Reliability
        The curve behind `ece`.

    References
    ----------
    Guo C, Pleiss G, Sun Y, Weinberger KQ. On calibration of modern neural networks. ICML 2017. arXiv:1706.04599

    Kull M et al. Beyond temperature scaling. NeurIPS 2019. arXiv:1910.12656

    Brier GW. Verification of forecasts expressed in terms of probability. Mon Weather Rev 1950;78:1–3.
    doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2
    """

    n_epochs: int
    n_left_out: int
    ece: float
    brier: float
    log_loss: float
    confidence: float
    accuracy: float
    class_ece: Mapping[Stage, float]
    class_share: Mapping[Stage, tuple[float, float]]
    reliability: Reliability


@dataclass(frozen=True, kw_only=True, eq=False)
class CalibrationStudy:
    """Calibration of a group of subjects in one resolution. Made by `calibration_study`.

    Attributes
    ----------
    n_subjects : int
        Independent units.
    pooled : Calibration
        Of all epochs together.
    pooled_interval : mapping of str to (low, high)
        Bootstrap interval over subjects of ``ece``, ``brier`` and ``log_loss``; NaN with fewer than two subjects.
    per_subject : mapping of str to Spread
        The same three of each subject, averaged.
    """

    n_subjects: int
    pooled: Calibration
    pooled_interval: Mapping[str, tuple[float, float]]
    per_subject: Mapping[str, Spread]


@dataclass(frozen=True, eq=False)
class _Sums:
    """What calibration is made from; sums of nights are those of their epochs together.

    Attributes
    ----------
    bins : ndarray of float64, shape (..., 1 + k, m, 3)
        Epochs, summed probability and summed truth by bin: of the likeliest class, then of each class.
    losses : ndarray of float64, shape (..., 2)
        Summed Brier score and log loss.
    left_out : ndarray of float64, shape (...)
        Epochs without probabilities.
    """

    bins: Floats
    losses: Floats
    left_out: Floats

    def errors(self) -> Floats:
        """ECE, Brier score and log loss, float64 ``(..., 3)``; the class-wise errors follow, ``(..., 3 + k)``."""
        total = self.bins[..., 0, :, _COUNT].sum(axis=-1)
        gaps = np.abs(self.bins[..., _PREDICTED] - self.bins[..., _OBSERVED]).sum(axis=-1)
        top, by_class = gaps[..., :1], gaps[..., 1:]
        return ratio(np.concatenate([top, self.losses, by_class], axis=-1), total[..., None])


_ERRORS = ("ece", "brier", "log_loss")


def _edges(n_bins: int) -> Floats:
    return np.linspace(0.0, 1.0, n_bins + 1)


def _sums(reference: ArrayLike, probabilities: ArrayLike, n_bins: int) -> _Sums:
    truth, rows = np.asarray(reference, dtype=np.int64), np.asarray(probabilities, dtype=np.float64)
    if n_bins < 1:
        raise ValueError(f"n_bins must be at least 1, got {n_bins}")
    if rows.ndim != 2 or truth.shape != rows.shape[:1] or rows.shape[1] not in CLASSES:
        raise ValueError(f"reference {truth.shape} and probabilities {rows.shape} do not belong together")
    k = rows.shape[1]
    if truth.size and (truth.min() < 0 or truth.max() >= k):
        raise ValueError(f"reference must lie between 0 and {k - 1}")
    known = np.isfinite(rows).all(axis=1)
    truth, rows = truth[known], rows[known]
    if rows.size and (rows.min() < 0 or np.abs(rows.sum(axis=1) - 1.0).max() > _ROW_TOLERANCE):
        raise ValueError("probabilities must be at least 0 and sum to 1 in every row")
    right = np.eye(k)[truth]
    likeliest = rows.argmax(axis=1)
    each = np.arange(len(rows))
    values = np.column_stack([rows[each, likeliest], rows])
    observed = np.column_stack([right[each, likeliest], right])
    bins = np.maximum(np.searchsorted(_edges(n_bins), values, side="left") - 1, 0)
    bins = np.minimum(bins, n_bins - 1)
    place = (np.arange(1 + k) * n_bins + bins).ravel()
    in_bins = np.zeros(((1 + k) * n_bins, 3))
    for column, weights in enumerate((np.ones(values.size), values.ravel(), observed.ravel())):
        in_bins[:, column] = np.bincount(place, weights, minlength=len(in_bins))
    return _Sums(
        bins=in_bins.reshape(1 + k, n_bins, 3),
        losses=np.array([((rows - right) ** 2).sum(), -np.log(np.clip(rows[each, truth], _FLOOR, 1.0)).sum()]),
        left_out=np.asarray((~known).sum(), dtype=np.float64),
    )


def _describe(sums: _Sums) -> Calibration:
    top = sums.bins[0]
    n_bins, total = len(top), top[:, _COUNT].sum()
    errors = sums.errors()
    classes = CLASSES[len(sums.bins) - 1]
    shares = ratio(sums.bins[1:].sum(axis=1), total)
    return Calibration(
        n_epochs=int(total),
        n_left_out=int(sums.left_out),
        **dict(zip(_ERRORS, errors.tolist(), strict=False)),
        confidence=float(ratio(top[:, _PREDICTED].sum(), total)),
        accuracy=float(ratio(top[:, _OBSERVED].sum(), total)),
        class_ece=dict(zip(classes, errors[len(_ERRORS) :].tolist(), strict=True)),
        class_share={
            stage: (float(share[_PREDICTED]), float(share[_OBSERVED]))
            for stage, share in zip(classes, shares, strict=True)
        },
        reliability=Reliability(
            edges=_edges(n_bins),
            n=top[:, _COUNT].astype(np.int64),
            confidence=ratio(top[:, _PREDICTED], top[:, _COUNT]),
            accuracy=ratio(top[:, _OBSERVED], top[:, _COUNT]),
        ),
    )


def calibration(reference: ArrayLike, probabilities: ArrayLike, *, n_bins: int = N_BINS) -> Calibration:
    """How well probabilities agree with what was scored.

    Parameters
    ----------
    reference : array_like of int, shape (n,)
        Class indices, 0 to k − 1.
    probabilities : array_like of float, shape (n, k)
        In the order of ``CLASSES[k]``; rows sum to 1; NaN rows are left out.
    n_bins : int
        Bins of equal width.

    Returns
    -------
    Calibration

    Raises
    ------
    ValueError
        If shapes contradict each other, an index is out of range or rows are no probabilities.

    Examples
    --------
    >>> night = calibration([0, 0, 1, 1], [[0.8, 0.2], [0.8, 0.2], [0.8, 0.2], [0.2, 0.8]])
    >>> round(night.ece, 3), night.accuracy, round(night.confidence, 3)
    (0.05, 0.75, 0.8)
    """
    return _describe(_sums(reference, probabilities, n_bins))


def calibration_study(
    references: Sequence[ArrayLike],
    probabilities: Sequence[ArrayLike],
    *,
    subjects: Sequence[str] | None = None,
    n_bins: int = N_BINS,
    resampling: Resampling | None = None,
) -> CalibrationStudy:
    """Calibration of a group of subjects, pooled and per subject.

    Parameters
    ----------
    references : sequence of array_like of int, shape (n,)
        Class indices of each night.
    probabilities : sequence of array_like of float, shape (n, k)
        Probabilities of each night, all of the same k.
    subjects : sequence of str, optional
        Who slept each night; by default every night is another subject's.
    n_bins : int
        Bins of equal width.
    resampling : Resampling, optional
        How intervals are made.

    Returns
    -------
    CalibrationStudy

    Raises
    ------
    ValueError
        If there are no nights, lengths differ, or a night's values are wrong as in `calibration`.

    Examples
    --------
    >>> study = calibration_study([[0, 1], [0, 0]], [[[0.9, 0.1], [0.3, 0.7]], [[0.6, 0.4], [0.4, 0.6]]])
    >>> round(study.pooled.brier, 3), study.per_subject["brier"].n
    (0.31, 2)
    """
    resampling = resampling or Resampling()
    nights = [_sums(night, rows, n_bins) for night, rows in zip(references, probabilities, strict=True)]
    if not nights:
        raise ValueError("no nights were given")
    names = [str(i) for i in range(len(nights))] if subjects is None else list(subjects)
    if len(names) != len(nights):
        raise ValueError(f"{len(names)} subjects for {len(nights)} nights")
    _, group = np.unique(np.asarray(names, dtype=str), return_inverse=True)
    n_subjects = int(group.max()) + 1
    people = _Sums(
        bins=group_sums(np.stack([night.bins for night in nights]), group, n_subjects),
        losses=group_sums(np.stack([night.losses for night in nights]), group, n_subjects),
        left_out=group_sums(np.stack([night.left_out for night in nights]), group, n_subjects),
    )

    def pooled_errors(counts: Floats) -> Floats:
        return _Sums(
            bins=np.tensordot(counts, people.bins[:, :1], axes=1),
            losses=counts @ people.losses,
            left_out=counts @ people.left_out,
        ).errors()

    bounds = resampling.interval(n_subjects, pooled_errors).T
    return CalibrationStudy(
        n_subjects=n_subjects,
        pooled=_describe(
            _Sums(bins=people.bins.sum(axis=0), losses=people.losses.sum(axis=0), left_out=people.left_out.sum())
        ),
        pooled_interval={name: (float(low), float(high)) for name, (low, high) in zip(_ERRORS, bounds, strict=True)},
        per_subject=dict(zip(_ERRORS, spreads(people.errors()[:, : len(_ERRORS)], resampling), strict=True)),
    )
