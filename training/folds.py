"""The networks of a finished cross-validation, fold by fold, with the subjects that they never saw."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from models.ensemble import Ensemble
from models.restore import shape_from
from models.sequence import SequenceNet
from staging.errors import InputError
from staging.features import FeatureSpec
from training.night import LabelledNight
from training.predictions import groups_of

__all__ = ["Fold", "fold_of", "folds_of", "subjects_of_folds"]


class Fold(NamedTuple):
    """A fold's own subjects ``(dataset, subject)``, and the networks that were fitted on the others."""

    subjects: frozenset[tuple[str, str]]
    network: Ensemble
    spec: FeatureSpec

    def holds(self, night: LabelledNight) -> bool:
        """Whether the networks never saw the night's subject."""
        return (night.dataset, night.subject) in self.subjects


def folds_of(run: Path, nights: Sequence[LabelledNight]) -> Iterator[Fold]:
    """Folds of a run in their order.

    Parameters
    ----------
    run : path
        Folder of ``evaluate --run``, finished.
    nights : sequence of LabelledNight
        All that it was given.

    Yields
    ------
    Fold

    Raises
    ------
    InputError
        If the folder holds no finished cross-validation, or one of other subjects.
    """
    for number in range(len(subjects_of_folds(run, nights))):
        yield fold_of(run, number, nights)


def subjects_of_folds(run: Path, nights: Sequence[LabelledNight]) -> list[frozenset[tuple[str, str]]]:
    """Subjects of each fold of a run, in its order; parameters and errors as of `folds_of`."""
    folds = [frozenset(map(tuple, fold)) for fold in _read(run, "folds.json")]
    if {(night.dataset, night.subject) for night in nights} != frozenset().union(*folds):
        raise InputError(run, "its folds are of other subjects than the data", "give the --data that it was made with")
    return folds


def fold_of(run: Path, number: int, nights: Sequence[LabelledNight]) -> Fold:
    """One fold of a run; parameters and errors as of `folds_of`."""
    subjects, recipe = subjects_of_folds(run, nights)[number], _read(run, "recipe.json")
    spec = FeatureSpec.from_json(json.dumps(recipe["spec"]))
    members = []
    for member in range(recipe["members"]):
        weights = run / f"fold_{number}" / f"member_{member}.pt"
        if not weights.is_file():
            raise InputError(weights, "is missing", "let `python -m training evaluate` finish")
        net = SequenceNet(shape_from(recipe["shape"]))
        net.load_state_dict(torch.load(weights, weights_only=True))
        members.append(net.eval())
    known = [night for night in nights if (night.dataset, night.subject) not in subjects]
    return Fold(subjects, Ensemble(members, spec, groups_of(known)), spec)


def _read(run: Path, name: str) -> Any:
    file = run / name
    if not file.is_file():
        raise InputError(run, f"{name} is missing", "give the folder of `python -m training evaluate --run`")
    return json.loads(file.read_text(encoding="utf-8"))
