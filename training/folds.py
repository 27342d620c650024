"""The networks of a finished cross-validation, fold by fold, with the subjects that they never saw."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from models.ensemble import Ensemble
from models.hours_asleep import HoursAsleep
from models.restore import shape_from
from staging.errors import InputError
from staging.features import FeatureSpec
from staging.files import write_atomically
from training.night import LabelledNight
from training.predictions import groups_of
from training.recipe import Recipe
from training.run_files import (
    RUN_FILE,
    fold_folder,
    load_networks,
    make_folder,
    member_file,
    read_json,
    read_run,
    understood,
)

__all__ = ["Fold", "begin_folds", "fold_of", "folds_of", "keep_hours_asleep", "subjects_of_folds"]

FOLDS_FILE = "folds.json"
RECIPE_FILE = "recipe.json"
"""In a run's folder: the subjects of each fold, and how its networks are fitted."""

HOURS_ASLEEP_FILE = "hours_asleep.json"
"""In a fold's folder: what follows its networks, fitted on the predictions of the other folds."""

_MEND = "give the folder of `python -m training evaluate --run`"


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
    folds = subjects_of_folds(run)
    if {(night.dataset, night.subject) for night in nights} != frozenset().union(*folds):
        raise InputError(run, "its folds are of other subjects than the data", "give the --data that it was made with")
    for number in range(len(folds)):
        yield fold_of(run, number, nights)


def subjects_of_folds(run: Path) -> list[frozenset[tuple[str, str]]]:
    """Subjects of each fold of a run, in its order; of a held-out set, its subjects are the only fold.

    Raises
    ------
    InputError
        If the folder holds no finished cross-validation.
    """
    said, members = read_json(run / FOLDS_FILE, mend=_MEND), _recipe(run)["members"]
    with understood(run / FOLDS_FILE, _MEND):
        folds = [frozenset((str(dataset), str(subject)) for dataset, subject in fold) for fold in said]
    for number in range(len(folds)):
        for weights in (member_file(fold_folder(run, number), member) for member in range(members)):
            if not weights.is_file():
                raise InputError(weights, "is missing", "let `python -m training evaluate` finish")
    return folds


def fold_of(run: Path, number: int, nights: Sequence[LabelledNight]) -> Fold:
    """One fold of a run.

    Parameters
    ----------
    run, nights
        See `folds_of`.
    number : int
        Of the fold.

    Raises
    ------
    InputError
        If the folder holds no finished cross-validation.
    """
    subjects, recipe = subjects_of_folds(run)[number], _recipe(run)
    spec = FeatureSpec.from_json(json.dumps(recipe["spec"]), where=str(run / RECIPE_FILE))
    known = [night for night in nights if (night.dataset, night.subject) not in subjects]
    members, shown = load_networks(fold_folder(run, number), recipe), groups_of(known) | _groups_of_start(run)
    return Fold(subjects, Ensemble(members, spec, shown, _hours_asleep(run, number)), spec)


def keep_hours_asleep(run: Path, by_fold: Mapping[int, HoursAsleep | None]) -> None:
    """Keep what follows the networks of each fold beside them.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    """
    for number, later in by_fold.items():
        said = None if later is None else later.describe()
        write_atomically(fold_folder(run, number) / HOURS_ASLEEP_FILE, json.dumps(said))


def begin_folds(run: Path, folds: Sequence[frozenset[tuple[str, str]]], recipe: Recipe) -> list[Path]:
    """Folders for the networks of each fold, and a record of who is in which.

    Raises
    ------
    InputError
        If the folder holds networks of other folds, or of another recipe: they would pass for having never seen whom
        they have.
    OutputError
        If the folder cannot be written.
    """
    said = {
        FOLDS_FILE: json.dumps([sorted(fold) for fold in folds], indent=1),
        RECIPE_FILE: recipe.to_json(),
    }
    for name, content in said.items():
        there = run / name
        other = there.is_file() and there.read_text(encoding="utf-8", errors="replace") != content
        if other and any(run.glob("fold_*/member_*")):
            raise InputError(
                run,
                "it holds networks of other folds, or of another recipe",
                "give an empty folder, or the --folds, --seed, --data and recipe that it was made with",
            )
    make_folder(run)
    for name, content in said.items():
        write_atomically(run / name, content)
    return [fold_folder(run, number) for number in range(len(folds))]


def _hours_asleep(run: Path, number: int) -> HoursAsleep | None:
    """None where nothing follows, or the run is of before there was one."""
    file = fold_folder(run, number) / HOURS_ASLEEP_FILE
    said = read_json(file, mend=_MEND) if file.is_file() else None
    with understood(file, _MEND):
        return None if said is None else HoursAsleep(**said)


def _recipe(run: Path) -> dict[str, Any]:
    recipe: dict[str, Any] = read_json(run / RECIPE_FILE, keys=("members", "shape", "spec"), mend=_MEND)
    with understood(run / RECIPE_FILE, _MEND):
        if not isinstance(recipe["members"], int):
            raise TypeError(f"{recipe['members']!r} members")
        shape_from(recipe["shape"])  # raises where they are no dimensions
    return recipe


def _groups_of_start(run: Path) -> frozenset[str]:
    """Groups of inputs that the networks knew before they were fitted."""
    start = read_run(run)["start"] if (run / RUN_FILE).is_file() else None
    return frozenset(() if start is None else start["groups"])
