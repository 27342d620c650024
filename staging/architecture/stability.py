"""How steady the stages are: staying, leaving, and the lengths of unbroken bouts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from staging.architecture.bouts import bouts_of
from staging.architecture.nights import CODES, Floats, Ints, Nights, S, ratio
from staging.architecture.registry import Compute, add_metric, metric
from staging.architecture.rules import Rules
from staging.hypnogram import Hypnogram, Stage

__all__ = ["Transitions", "transitions"]

_KINDS: dict[str, tuple[str, tuple[int, ...], str]] = {
    "n1": ("N1", (5,), ""),
    "n2": ("N2", (5,), ""),
    "n3": ("N3", (5, 4), "DEEP is N3"),
    "r": ("REM sleep", (5, 4, 3), ""),
    "light": ("light sleep (N1 and N2 as one)", (5, 4), ""),
    "nrem": ("NREM sleep (N1, N2 and N3 as one)", (5, 4, 3), ""),
    "sleep": ("sleep of any stage", (5, 4, 3, 2), ""),
}
"""Kind of bout and name in the metric, name in words, resolutions that tell it, note on coarser ones."""


def _number(kind: str) -> Compute:
    return lambda nights: np.where(nights.known, bouts_of(nights, kind).counts, np.nan)


def _mean_length(kind: str) -> Compute:
    def mean(nights: Nights) -> Floats:
        bouts = bouts_of(nights, kind)
        return nights.minutes(ratio(bouts.epochs, bouts.counts))

    return mean


def _median_length(kind: str) -> Compute:
    return lambda nights: nights.minutes(bouts_of(nights, kind).median)


def _longest(kind: str) -> Compute:
    return lambda nights: nights.minutes(bouts_of(nights, kind).longest)


def _exits(kind: str) -> Compute:
    def exits(nights: Nights) -> Floats:
        bouts = bouts_of(nights, kind)
        return ratio(bouts.sums(bouts.ended), nights.minutes(bouts.epochs) / 60.0)

    return exits


def _stays(kind: str) -> Compute:
    def stays(nights: Nights) -> Floats:
        bouts = bouts_of(nights, kind)
        stayed = bouts.epochs - bouts.counts
        return ratio(stayed, stayed + bouts.sums(bouts.ended))

    return stays


for _name, (_words, _classes, _note) in _KINDS.items():
    add_metric(
        f"{_name}_bouts",
        _number(_name),
        definition=f"Unbroken bouts of {_words}.",
        unit="count",
        group="stability",
        source="staging",
        classes=_classes,
        coarser=_note,
        unscored="breaks",
        decimals=0,
    )
    for _suffix, _build, _what in (
        ("mean_min", _mean_length, "Mean"),
        ("median_min", _median_length, "Median"),
        ("max_min", _longest, "Longest"),
    ):
        add_metric(
            f"{_name}_bout_{_suffix}",
            _build(_name),
            definition=f"{_what} length of the unbroken bouts of {_words}."
            if _what != "Longest"
            else f"Length of the longest unbroken bout of {_words}.",
            unit="min",
            group="stability",
            source="staging",
            classes=_classes,
            coarser=_note,
            unscored="breaks",
        )
    add_metric(
        f"{_name}_exits_per_h",
        _exits(_name),
        definition=f"Ends of bouts of {_words} an hour spent in it: the rate of leaving it.",
        unit="/h",
        group="stability",
        source="staging",
        classes=_classes,
        coarser=_note,
        unscored="breaks",
    )
    add_metric(
        f"{_name}_stability",
        _stays(_name),
        definition=f"Probability that an epoch of {_words} is followed by another one.",
        unit="probability",
        group="stability",
        source="vallat2021",
        classes=_classes,
        coarser=_note,
        unscored="breaks",
        per_epoch=True,
        decimals=4,
        maximum=1.0,
    )


@metric(
    unit="probability",
    group="stability",
    source="vallat2021",
    classes=(5,),
    unscored="breaks",
    per_epoch=True,
    decimals=4,
    maximum=1.0,
)
def stability_mean(nights: Nights) -> Floats:
    """Mean of the stabilities of N2, N3 and REM sleep; None where one of them does not occur."""
    return (_stays("n2")(nights) + _stays("n3")(nights) + _stays("r")(nights)) / 3


@metric(unit="min", group="stability", source="staging", unscored="breaks")
def awakening_median_min(nights: Nights) -> Floats:
    """Median length of the awakenings, the final one not counted."""
    return nights.minutes(bouts_of(nights, "awakening").median)


@metric(unit="min", group="stability", source="staging", unscored="breaks")
def awakening_max_min(nights: Nights) -> Floats:
    """Length of the longest awakening, the final one not counted."""
    return nights.minutes(bouts_of(nights, "awakening").longest)


@metric(unit="min", group="stability", source="lo2002", unscored="breaks")
def sleep_bout_tau_min(nights: Nights) -> Floats:
    """Time constant of an exponential fitted to the sleep bouts by maximum likelihood, censored bouts included.

    The time above `Rules.bout_floor_min`, summed over the bouts and divided by the bouts whose end was seen; None
    where none was.
    """
    bouts = bouts_of(nights, "sleep")
    above_min = np.maximum(bouts.minutes - nights.rules.bout_floor_min, 0.0)
    total = bouts.sums(above_min)
    return np.where(total > 0, ratio(total, bouts.sums(bouts.ended)), np.nan)


@metric(
    unit="exponent", group="stability", source="clauset2009", unscored="breaks", decimals=3, minimum=1.0, maximum=None
)
def awakening_alpha(nights: Nights) -> Floats:
    """Exponent of a power law fitted to the lengths of all awakenings by maximum likelihood, the final one included.

    The density falls as length to the power of minus this, above `Rules.bout_floor_min`; an awakening that lasts to
    lights-on is censored. None where no awakening's end was seen.
    """
    bouts = bouts_of(nights, "wake")
    floor = nights.rules.bout_floor_min
    logs = np.log(np.maximum(bouts.minutes, floor) / floor)
    ends = bouts.sums(bouts.ended)
    return np.where(ends > 0, 1.0 + ratio(ends, bouts.sums(logs)), np.nan)


@dataclass(frozen=True, eq=False)
class Transitions:
    """Which stage follows which, epoch by epoch.

    Attributes
    ----------
    classes : tuple of Stage
        Stages of the rows (this epoch) and columns (the next one).
    counts : ndarray of int64, shape (k, k)
        Pairs of neighbouring scored epochs in bed.
    probabilities : ndarray of float64, shape (k, k)
        Counts divided by the sum of their row; NaN in rows without any.
    """

    classes: tuple[Stage, ...]
    counts: NDArray[np.int64]
    probabilities: NDArray[np.float64]


def transitions(hypnogram: Hypnogram) -> Transitions:
    """The matrix of transitions between neighbouring epochs in bed.

    Parameters
    ----------
    hypnogram : Hypnogram
        A night; pairs with an unscored epoch are left out.

    Returns
    -------
    Transitions
        Counts and probabilities, which depend on the epoch length.

    Raises
    ------
    HypnogramError
        If the hypnogram is empty or its lights times contradict it.

    Examples
    --------
    >>> night = Hypnogram(stages=["W", "S", "S", "W"], n_classes=2)
    >>> transitions(night).counts
    array([[0, 1],
           [1, 1]])
    """
    nights = Nights.of([hypnogram], Rules())
    codes = np.array([CODES[stage] for stage in hypnogram.classes])
    index = np.full(S + 2, -1, dtype=np.int64)
    index[codes] = np.arange(len(codes))
    steps: Ints = index[nights.codes.astype(np.int64)]
    pairs = (steps[:-1] >= 0) & (steps[1:] >= 0)
    k = len(codes)
    counts = np.bincount(steps[:-1][pairs] * k + steps[1:][pairs], minlength=k * k).reshape(k, k)
    rows = counts.sum(axis=1, keepdims=True)
    probabilities = np.full((k, k), np.nan)
    np.divide(counts, rows, out=probabilities, where=rows > 0)
    return Transitions(hypnogram.classes, counts.astype(np.int64), probabilities)
