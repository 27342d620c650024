"""Probabilities -> one stage an epoch.

Taking the likeliest class gives too little of what is rare: an uncertain epoch goes to the common stage. Two numbers,
which training sets on subjects the networks never saw, make the totals right without touching the probabilities:

- W is taken when its probability times `DecisionRule.wake_weight` exceeds those of LIGHT, DEEP and R. That is decided
  once, for every resolution: total sleep time does not depend on the number of classes asked for.
- LIGHT is N1 where the share of N1 in it exceeds `DecisionRule.n1_share`, else N2: the five-class hypnogram merged is
  the four-class one, epoch by epoch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from staging.hypnogram import CLASSES, Stage, merge_matrix

__all__ = ["LIKELIEST", "DecisionRule", "decide", "fit_rule"]

_W, _N1 = CLASSES[5].index(Stage.W), CLASSES[5].index(Stage.N1)
_LIGHT = CLASSES[4].index(Stage.LIGHT)
_FINE_OF_COARSE = np.array([CLASSES[5].index(stage) for stage in (Stage.W, Stage.N2, Stage.N3, Stage.R)])


@dataclass(frozen=True, kw_only=True)
class DecisionRule:
    """How stages are taken from probabilities; part of a model.

    Attributes
    ----------
    wake_weight : float
        Factor on the probability of W; 1 takes the likeliest.
    n1_share : float
        In an epoch of LIGHT, the share of N1 in N1 + N2 above which it is N1; 0-1.
    """

    wake_weight: float
    n1_share: float


_BEYOND = 1e-3
"""How far beyond the last value a threshold lies that all, or none, of the values exceed."""

LIKELIEST = DecisionRule(wake_weight=1.0, n1_share=0.5)
"""The rule that weights nothing."""


def decide(probabilities: NDArray[np.float32], n_classes: int, rule: DecisionRule) -> NDArray[np.int64]:
    """The stage of every epoch.

    Parameters
    ----------
    probabilities : ndarray of float32, shape (n, 5)
        Of W, N1, N2, N3, R; no NaN.
    n_classes : int
        5, 4, 3 or 2.
    rule : DecisionRule
        From the model file.

    Returns
    -------
    ndarray of int64, shape (n,)
        Indices into ``CLASSES[n_classes]``.

    Examples
    --------
    >>> light = np.array([[0.1, 0.3, 0.4, 0.1, 0.1]], np.float32)
    >>> [decide(light, 5, DecisionRule(wake_weight=1.0, n1_share=share)).tolist() for share in (0.5, 0.4)]
    [[2], [1]]
    """
    four = probabilities @ merge_matrix(5, 4)
    awake = four[:, _W] * rule.wake_weight > np.delete(four, _W, axis=1).max(axis=1)
    asleep = probabilities @ merge_matrix(5, min(n_classes, 4))
    asleep[:, _W] = -1.0
    decided = np.where(awake, _W, asleep.argmax(axis=1))
    if n_classes != 5:
        return np.asarray(decided, dtype=np.int64)
    fine = _FINE_OF_COARSE[decided]
    fine[(decided == _LIGHT) & (_n1_share(probabilities) > rule.n1_share)] = _N1
    return np.asarray(fine, dtype=np.int64)


def fit_rule(probabilities: NDArray[np.float32], reference: NDArray[np.int64]) -> DecisionRule:
    """The rule that gives as many epochs of W, and of N1, as people scored.

    Parameters
    ----------
    probabilities : ndarray of float32, shape (n, 5)
        Of subjects that the model never saw; otherwise it is surer than it will be.
    reference : ndarray of int64, shape (n,)
        Scored stages as indices into ``CLASSES[5]``.

    Returns
    -------
    DecisionRule
        Of `probabilities`, `decide` takes W and N1 as often as `reference` has them, but for ties.

    Raises
    ------
    ValueError
        If there are no epochs.
    """
    if len(reference) == 0:
        raise ValueError("no epochs were given")
    four = np.maximum(probabilities @ merge_matrix(5, 4), 1e-6)
    log_odds = np.log(four[:, _W]) - np.log(np.delete(four, _W, axis=1).max(axis=1))
    wake_weight = float(np.exp(-_threshold(log_odds, int((reference == _W).sum()))))
    without_n1 = DecisionRule(wake_weight=wake_weight, n1_share=1.0)
    light = decide(probabilities, 4, without_n1) == _LIGHT
    n1_share = _threshold(_n1_share(probabilities)[light], int((reference == _N1).sum()))
    return DecisionRule(wake_weight=wake_weight, n1_share=min(max(n1_share, 0.0), 1.0))


def _threshold(values: NDArray[np.float32], n: int) -> float:
    """What `n` of the values exceed: half-way between the n-th largest and the next one, or just beyond the last."""
    falling = np.sort(values)[::-1]
    if not len(falling):
        return 1.0
    if n == 0:
        return float(falling[0]) + _BEYOND
    if n >= len(falling):
        return float(falling[-1]) - _BEYOND
    return float(falling[n - 1] + falling[n]) / 2.0


def _n1_share(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    """Share of N1 in N1 + N2; 0 where both are 0."""
    light = probabilities @ merge_matrix(5, 4)[:, _LIGHT]
    return np.asarray(probabilities[:, _N1] / np.maximum(light, np.float32(1e-9)), dtype=np.float32)
