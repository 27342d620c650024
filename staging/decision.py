"""Probabilities -> one stage an epoch.

Taking the likeliest class gives too little of what is rare: an uncertain epoch goes to the common stage. What is rare
is therefore weighted, and the probabilities are left as they are:

- W is taken when its probability times a weight exceeds those of LIGHT, DEEP and R. The weight is the night's own: that
  which gives as many epochs of W as their probabilities add up to, within the limits of the rule. Sleepers differ in
  how much they move, and the same weight for all would call the restless awake and the quiet asleep. Which epochs are
  W is decided once, for every resolution: total sleep time does not depend on the number of classes asked for.
- LIGHT is N1 where the share of N1 in it exceeds `DecisionRule.n1_share`, else N2: the five-class hypnogram merged is
  the four-class one, epoch by epoch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from staging.hypnogram import CLASSES, Stage, merge_matrix

__all__ = ["BEYOND", "LIKELIEST", "TINY", "WAKE_WEIGHTS", "DecisionRule", "decide", "fit_rule"]

_W, _N1 = CLASSES[5].index(Stage.W), CLASSES[5].index(Stage.N1)
_LIGHT = CLASSES[4].index(Stage.LIGHT)
_FINE_OF_COARSE = np.array([CLASSES[5].index(stage) for stage in (Stage.W, Stage.N2, Stage.N3, Stage.R)])

Probabilities = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class DecisionRule:
    """How stages are taken from probabilities; part of a model.

    Attributes
    ----------
    least_wake_weight, most_wake_weight : float
        Limits of the factor on the probability of W. At least 1, an epoch that is likeliest W is W; equal limits are
        one weight for every night.
    n1_share : float
        In an epoch of LIGHT, the share of N1 in N1 + N2 above which it is N1; 0-1.
    """

    least_wake_weight: float
    most_wake_weight: float
    n1_share: float

    @classmethod
    def from_dict(cls, values: Mapping[str, float]) -> DecisionRule:
        """A rule from its fields; ``wake_weight`` in place of the limits is one for every night (models before 2.1).

        Raises
        ------
        ValueError
            If the keys are others, or the values cannot be.

        Examples
        --------
        >>> DecisionRule.from_dict({"wake_weight": 1.5, "n1_share": 0.3}).most_wake_weight
        1.5
        """
        given = dict(values)
        if set(given) == {"wake_weight", "n1_share"}:
            one = given.pop("wake_weight")
            given |= {"least_wake_weight": one, "most_wake_weight": one}
        known = [field.name for field in fields(cls)]
        if set(given) != set(known):
            raise ValueError(f"keys {sorted(given)}, not {known}")
        rule = cls(**{name: float(value) for name, value in given.items()})
        if not 0 < rule.least_wake_weight <= rule.most_wake_weight < np.inf or not 0 <= rule.n1_share <= 1:
            raise ValueError(f"{given}: weights are positive and the least is not above the most, a share is 0 to 1")
        return rule


WAKE_WEIGHTS = (1.0, 4.0)
"""Limits of a fitted rule: an epoch that is likeliest W is W, and one with a stage 4 times as likely is not."""

BEYOND = 1e-3
"""How far beyond the last value a threshold lies that all, or none, of the values exceed."""

TINY = 1e-9
"""What is divided by is never less."""

LIKELIEST = DecisionRule(least_wake_weight=1.0, most_wake_weight=1.0, n1_share=0.5)
"""The rule that weights nothing."""


def decide(
    probabilities: Probabilities, n_classes: int, rule: DecisionRule, *, known: NDArray[np.bool_] | None = None
) -> NDArray[np.int64]:
    """The stage of every epoch of a night.

    Parameters
    ----------
    probabilities : ndarray of float32, shape (n, 5)
        Of W, N1, N2, N3, R; no NaN.
    n_classes : int
        5, 4, 3 or 2.
    rule : DecisionRule
        From the model file.
    known : ndarray of bool, shape (n,), optional
        Epochs of which anything was recorded, all by default: what the others' probabilities add up to says nothing.

    Returns
    -------
    ndarray of int64, shape (n,)
        Indices into ``CLASSES[n_classes]``.

    Examples
    --------
    W adds up to one epoch of three, and is given to the one that is nearest to it:

    >>> night = np.array([[0.1, 0.0, 0.8, 0.1, 0.0], [0.4, 0.1, 0.5, 0.0, 0.0], [0.3, 0.2, 0.5, 0.0, 0.0]], np.float32)
    >>> rule = DecisionRule(least_wake_weight=1.0, most_wake_weight=4.0, n1_share=0.25)
    >>> decide(night, 5, rule).tolist(), decide(night, 2, rule).tolist()
    ([2, 0, 1], [1, 0, 1])
    """
    awake = _awake(probabilities, rule, known)
    asleep = probabilities @ merge_matrix(5, min(n_classes, 4))
    asleep[:, _W] = -1.0
    decided = np.where(awake, _W, asleep.argmax(axis=1))
    if n_classes != 5:
        return np.asarray(decided, dtype=np.int64)
    fine = _FINE_OF_COARSE[decided]
    fine[(decided == _LIGHT) & (_n1_share(probabilities) > rule.n1_share)] = _N1
    return np.asarray(fine, dtype=np.int64)


def fit_rule(probabilities: Sequence[Probabilities], reference: Sequence[NDArray[np.int64]]) -> DecisionRule:
    """The rule that gives as many epochs of N1 as people scored, and of W what each night's probabilities add up to.

    Parameters
    ----------
    probabilities : sequence of ndarray of float32, shape (n, 5)
        Of nights of subjects that the model never saw; otherwise it is surer than it will be.
    reference : sequence of ndarray of int64, shape (n,)
        Scored stages as indices into ``CLASSES[5]``.

    Returns
    -------
    DecisionRule
        Of `probabilities`, `decide` takes N1 as often as `reference` has it, but for ties.

    Raises
    ------
    ValueError
        If there are no epochs.
    """
    scored = int(sum((stages == _N1).sum() for stages in reference))
    if not any(map(len, reference)):
        raise ValueError("no epochs were given")
    least, most = WAKE_WEIGHTS
    without_n1 = DecisionRule(least_wake_weight=least, most_wake_weight=most, n1_share=1.0)
    shares = [_n1_share(night)[decide(night, 4, without_n1) == _LIGHT] for night in probabilities]
    n1_share = _threshold(np.concatenate(shares), scored)
    return DecisionRule(least_wake_weight=least, most_wake_weight=most, n1_share=min(max(n1_share, 0.0), 1.0))


def _awake(probabilities: Probabilities, rule: DecisionRule, known: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    """Epochs of W: as many as its probabilities add up to, as far as the limits of the weight allow."""
    four = probabilities @ merge_matrix(5, 4)
    ratio = four[:, _W] / np.maximum(np.delete(four, _W, axis=1).max(axis=1), np.float32(TINY))
    count = slice(None) if known is None else known
    threshold = _threshold(ratio[count], int(np.rint(four[count, _W].sum(dtype=np.float64))))
    return np.asarray(ratio > np.clip(threshold, 1.0 / rule.most_wake_weight, 1.0 / rule.least_wake_weight))


def _threshold(values: NDArray[np.float32], n: int) -> float:
    """What `n` of the values exceed: half-way between the n-th largest and the next one, or just beyond the last."""
    falling = np.sort(values)[::-1]
    if not len(falling):
        return 1.0
    if n == 0:
        return float(falling[0]) + BEYOND
    if n >= len(falling):
        return float(falling[-1]) - BEYOND
    return float(falling[n - 1] + falling[n]) / 2.0


def _n1_share(probabilities: Probabilities) -> Probabilities:
    """Share of N1 in N1 + N2; 0 where both are 0."""
    # Not as a product with the matrix's column: BLAS now and then says "invalid value" of one that is not contiguous.
    light = probabilities[:, merge_matrix(5, 4)[:, _LIGHT] > 0].sum(axis=1)
    return np.asarray(probabilities[:, _N1] / np.maximum(light, np.float32(TINY)), dtype=np.float32)
