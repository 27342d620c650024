"""Which nights a fit learns from and how often, and which it only judges its passes by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from staging.errors import InputError
from training.night import Labelled

__all__ = ["Selection", "split_off"]

T = TypeVar("T", bound=Labelled)


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What a fit may add to its recipe.

    Nothing is kept apart by default. With the few people of the public sets, a tenth of them says little about which
    pass is best, and costs a tenth of what could be learnt; the number of passes was settled by cross-validation
    instead, once. A fit that keeps nothing apart is also a function of its nights, recipe and seed alone, which is how
    the shipped model can be made again. Keep subjects apart where there are many, or where the number of passes cannot
    be known beforehand, as in training further on nights of one's own.

    Attributes
    ----------
    validate : float
        Share of each data set's subjects that is kept apart; 0 for none. The pass with the smallest loss on them is
        kept. The learning rate still follows its cycle over all passes of the recipe, so that the best pass is rarely
        an early one unless the fit learns by heart.
    patience : int
        Passes without a smaller loss after which the fit ends.
    balance : bool
        Give every data set the same share of a pass, whatever its size.

    Examples
    --------
    >>> Selection(validate=0.2).patience
    10
    """

    validate: float = 0.0
    patience: int = 10
    balance: bool = False

    def __post_init__(self) -> None:
        if not 0.0 <= self.validate < 1.0:
            raise InputError(f"--validate {self.validate:g}", "it is no share", "give a number from 0 to below 1")
        if self.patience < 1:
            raise InputError(f"--patience {self.patience}", "it is less than one pass", "give 1 or more")


def split_off(nights: Sequence[T], share: float, *, seed: int, option: str = "--validate") -> tuple[list[T], list[T]]:
    """Nights to learn from, and nights of other subjects to choose the pass by.

    Parameters
    ----------
    nights : sequence of LabelledNight or LabelledWaveforms
        All sets together.
    share : float
        Of every data set's subjects, at least one where it has two; 0 keeps none apart.
    seed : int
        Of the draw.
    option : str
        What asked for it, for the error.

    Returns
    -------
    learning, validating : list
        In the order given; never a subject in both.

    Raises
    ------
    InputError
        If a share is asked for and no data set has two subjects.
    """
    if share == 0.0:
        return list(nights), []
    rng = np.random.default_rng((seed, 0x5E1EC7))
    apart: set[tuple[str, str]] = set()
    for dataset in sorted({night.dataset for night in nights}):
        subjects = sorted({night.subject for night in nights if night.dataset == dataset})
        n_apart = min(max(1, round(share * len(subjects))), len(subjects) - 1)
        apart |= {(dataset, subjects[index]) for index in rng.permutation(len(subjects))[:n_apart]}
    if not apart:
        raise InputError(f"{option} {share:g}", "no data set has a second subject to keep apart", f"give {option} 0")
    validating = [(night.dataset, night.subject) in apart for night in nights]
    return (
        [night for night, kept_apart in zip(nights, validating, strict=True) if not kept_apart],
        [night for night, kept_apart in zip(nights, validating, strict=True) if kept_apart],
    )
