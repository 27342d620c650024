"""What a confusion matrix says: one definition of each score, for one matrix or for ten thousand at once.

Assumptions
-----------
- Rows are the reference's classes, columns the prediction's. Any leading axes are kept: a stack ``(..., k, k)``
  gives scores ``(...)`` or, by class, ``(..., k)``.
- NaN means undefined (a division of 0 by 0), never 0 or 1: the sensitivity of a class that the reference does not
  have, the PPV of one that was never predicted, kappa where one class is all there is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "CLASS_SCORES",
    "SCORES",
    "accuracy",
    "balanced_accuracy",
    "class_scores",
    "error_matrix",
    "kappa",
    "macro_f1",
    "mcc",
    "mean_defined",
    "pabak",
    "ratio",
    "scores",
]

Floats = NDArray[np.float64]


def ratio(numerator: ArrayLike, denominator: ArrayLike) -> Floats:
    """Quotient in float64; NaN where the denominator is 0."""
    top, bottom = np.broadcast_arrays(np.asarray(numerator, np.float64), np.asarray(denominator, np.float64))
    quotient: Floats = np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom != 0)
    return quotient


def mean_defined(values: ArrayLike, axis: int = -1) -> Floats:
    """Mean of the values that are not NaN; NaN where there are none."""
    array = np.asarray(values, np.float64)
    defined = ~np.isnan(array)
    return ratio(np.where(defined, array, 0.0).sum(axis=axis), defined.sum(axis=axis))


def _matrices(confusion: ArrayLike) -> Floats:
    matrices = np.asarray(confusion, dtype=np.float64)
    if matrices.ndim < 2 or matrices.shape[-1] != matrices.shape[-2]:
        raise ValueError(f"a confusion matrix is square, got shape {matrices.shape}")
    return matrices


def _margins(confusion: ArrayLike) -> tuple[Floats, Floats, Floats, Floats]:
    """Diagonals ``(..., k)``, totals of the reference and of the prediction ``(..., k)``, grand totals ``(...)``."""
    matrices = _matrices(confusion)
    diagonal = np.diagonal(matrices, axis1=-2, axis2=-1)
    return diagonal, matrices.sum(axis=-1), matrices.sum(axis=-2), matrices.sum(axis=(-2, -1))


def accuracy(confusion: ArrayLike) -> Floats:
    """Share of epochs on which both agree.

    Examples
    --------
    >>> float(accuracy([[8, 2], [1, 9]]))
    0.85
    """
    diagonal, _, _, total = _margins(confusion)
    return ratio(diagonal.sum(axis=-1), total)


def kappa(confusion: ArrayLike) -> Floats:
    """Cohen's kappa: agreement beyond that of two raters with the same totals who know nothing of each other.

    NaN where both use one and the same class only.

    References
    ----------
    Cohen J. A coefficient of agreement for nominal scales. Educ Psychol Meas 1960;20:37–46.
    doi:10.1177/001316446002000104

    Examples
    --------
    >>> float(kappa([[20, 5], [10, 15]]))
    0.4
    """
    diagonal, reference, predicted, total = _margins(confusion)
    by_chance = (reference * predicted).sum(axis=-1)
    return ratio(total * diagonal.sum(axis=-1) - by_chance, total**2 - by_chance)


def mcc(confusion: ArrayLike) -> Floats:
    """Matthews correlation coefficient of k classes.

    NaN where either uses one class only (scikit-learn gives 0).

    References
    ----------
    Gorodkin J. Comparing two K-category assignments by a K-category correlation coefficient. Comput Biol Chem
    2004;28:367–374. doi:10.1016/j.compbiolchem.2004.09.006

    Examples
    --------
    >>> round(float(mcc([[20, 5], [10, 15]])), 4)
    0.4082
    """
    diagonal, reference, predicted, total = _margins(confusion)
    covariance = total * diagonal.sum(axis=-1) - (reference * predicted).sum(axis=-1)
    spread = (total**2 - (reference**2).sum(axis=-1)) * (total**2 - (predicted**2).sum(axis=-1))
    return ratio(covariance, np.sqrt(np.maximum(spread, 0.0)))


def macro_f1(confusion: ArrayLike) -> Floats:
    """Mean F1 over the classes that occur in the reference or the prediction.

    A class that is predicted but does not occur in the reference counts with an F1 of 0; one that occurs in neither
    does not count.

    Examples
    --------
    >>> round(float(macro_f1([[8, 2, 0], [1, 9, 0], [0, 0, 0]])), 4)
    0.8496
    """
    return mean_defined(_f1(confusion))


def balanced_accuracy(confusion: ArrayLike) -> Floats:
    """Mean sensitivity over the classes that occur in the reference."""
    return mean_defined(_sensitivity(confusion))


def pabak(confusion: ArrayLike) -> Floats:
    """Prevalence- and bias-adjusted kappa: kappa as it would be if all classes were equally common for both.

    References
    ----------
    Byrt T, Bishop J, Carlin JB. Bias, prevalence and kappa. J Clin Epidemiol 1993;46:423–429.
    doi:10.1016/0895-4356(93)90018-V

    Examples
    --------
    >>> round(float(pabak([[8, 2], [1, 9]])), 4)
    0.7
    """
    k = _matrices(confusion).shape[-1]
    adjusted: Floats = (k * accuracy(confusion) - 1.0) / (k - 1.0)
    return adjusted


def error_matrix(confusion: ArrayLike) -> Floats:
    """Each row as shares of the reference's epochs of that class, ``(..., k, k)``; NaN rows for classes it lacks.

    References
    ----------
    Menghini L et al. A standardized framework for testing the performance of sleep-tracking technology. Sleep
    2021;44:zsaa170. doi:10.1093/sleep/zsaa170

    Examples
    --------
    >>> error_matrix([[8, 2], [0, 0]]).tolist()
    [[0.8, 0.2], [nan, nan]]
    """
    matrices = _matrices(confusion)
    return ratio(matrices, matrices.sum(axis=-1, keepdims=True))


def _one_against_rest(confusion: ArrayLike) -> tuple[Floats, Floats, Floats, Floats]:
    """True positives, false negatives, false positives and true negatives of every class, each ``(..., k)``."""
    hit, reference, predicted, total = _margins(confusion)
    return hit, reference - hit, predicted - hit, total[..., None] - reference - predicted + hit


def _sensitivity(confusion: ArrayLike) -> Floats:
    hit, missed, _, _ = _one_against_rest(confusion)
    return ratio(hit, hit + missed)


def _specificity(confusion: ArrayLike) -> Floats:
    _, _, false, absent = _one_against_rest(confusion)
    return ratio(absent, absent + false)


def _ppv(confusion: ArrayLike) -> Floats:
    hit, _, false, _ = _one_against_rest(confusion)
    return ratio(hit, hit + false)


def _npv(confusion: ArrayLike) -> Floats:
    _, missed, _, absent = _one_against_rest(confusion)
    return ratio(absent, absent + missed)


def _f1(confusion: ArrayLike) -> Floats:
    hit, missed, false, _ = _one_against_rest(confusion)
    return ratio(2 * hit, 2 * hit + missed + false)


def _two_by_two(confusion: ArrayLike) -> Floats:
    """One matrix of two classes, this one and the rest, for every class, ``(..., k, 2, 2)``."""
    hit, missed, false, absent = _one_against_rest(confusion)
    return np.stack([np.stack([hit, missed], axis=-1), np.stack([false, absent], axis=-1)], axis=-2)


def _prevalence_index(confusion: ArrayLike) -> Floats:
    hit, missed, false, absent = _one_against_rest(confusion)
    return ratio(hit - absent, hit + missed + false + absent)


def _bias_index(confusion: ArrayLike) -> Floats:
    hit, missed, false, absent = _one_against_rest(confusion)
    return ratio(false - missed, hit + missed + false + absent)


Score = Callable[[ArrayLike], Floats]

SCORES: Mapping[str, Score] = MappingProxyType(
    {
        "accuracy": accuracy,
        "kappa": kappa,
        "macro_f1": macro_f1,
        "mcc": mcc,
        "balanced_accuracy": balanced_accuracy,
        "pabak": pabak,
    }
)
"""Scores of a whole matrix by name: ``(..., k, k)`` to ``(...)``."""

CLASS_SCORES: Mapping[str, Score] = MappingProxyType(
    {
        "sensitivity": _sensitivity,
        "specificity": _specificity,
        "ppv": _ppv,
        "npv": _npv,
        "f1": _f1,
        "kappa": lambda confusion: kappa(_two_by_two(confusion)),
        "pabak": lambda confusion: pabak(_two_by_two(confusion)),
        "prevalence_index": _prevalence_index,
        "bias_index": _bias_index,
    }
)
"""Scores of each class against all the rest by name: ``(..., k, k)`` to ``(..., k)``.

Prevalence and bias index are Byrt's (1993), with a sign: the first is positive where the class is more common than
the rest; the second is the predicted share less the reference's, positive where the class is predicted too often.
"""


def scores(confusion: ArrayLike) -> Floats:
    """All of `SCORES`, float64 ``(..., len(SCORES))``, in their order."""
    return np.stack([score(confusion) for score in SCORES.values()], axis=-1)


def class_scores(confusion: ArrayLike) -> Floats:
    """All of `CLASS_SCORES`, float64 ``(..., len(CLASS_SCORES), k)``, in their order."""
    return np.stack([score(confusion) for score in CLASS_SCORES.values()], axis=-2)
