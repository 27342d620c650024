"""What a run was made from: written beside every result, so that a figure can be traced."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from staging.errors import InputError
from staging.features import GROUPS
from staging.files import write_atomically
from training.datasets import attribution
from training.night import Labelled, LabelledNight
from training.recipe import Recipe
from training.run_files import (
    FINISHED,
    RUN_FILE,
    fold_folder,
    make_folder,
    member_file,
    read_json,
    understood,
)
from training.selection import Selection
from training.simulated import SIMULATED, hypnogram_sources, hypnograms_digest

if TYPE_CHECKING:
    from training.start import Start
    from training.teaching import Teacher, Teaching
    from training.waveform_recipe import WaveformRecipe

__all__ = ["claim_run", "commit", "commits_of_folds", "describe_data", "describe_run", "sign_fold", "write_run"]

SIMULATED_NOTICE = "Simulated nights of this package (staging.simulate): no accuracy may be claimed on them"
_MARK_FILE = "fit.sha256"

COMMITS_FILE = "commits.json"
"""In a fold's folder: by what code its networks were fitted."""

_ROOT = Path(__file__).resolve().parents[1]


def describe_run(
    nights: Sequence[LabelledNight],
    recipe: Recipe,
    *,
    seed: int,
    hypnograms: Path | None,
    start: Start | None = None,
    selection: Selection = Selection(),  # noqa: B008  (frozen)
    teaching: Teaching | None = None,
) -> dict[str, Any]:
    """Commit, recipe, seed, data sets with attribution, and a hash of every night's tracks and labels.

    Returns
    -------
    dict
        JSON-able. ``commit`` ends in ``+`` where the checkout had uncommitted changes; ``groups`` are those of the
        nights and of the networks that the fit started from; ``teaching`` is there where networks taught.
    """
    shown = frozenset(() if start is None else start.groups).union(*(night.groups for night in nights))
    return {
        "commit": commit(),
        "seed": seed,
        "recipe": json.loads(recipe.to_json()),
        "selection": dataclasses.asdict(selection),
        "start": None if start is None else start.describe(),
        "data": describe_data(nights),
        "groups": [group for group in GROUPS if group in shown],
        "hypnograms": [] if hypnograms is None else hypnogram_sources(hypnograms),
        **({} if teaching is None else {"teaching": teaching.describe()}),
    }


def describe_data(nights: Sequence[Labelled]) -> dict[str, dict[str, Any]]:
    """Attribution of every data set, and a hash of every night."""
    return {
        dataset: {
            "attribution": SIMULATED_NOTICE if dataset == SIMULATED else attribution(dataset),
            "nights": [[night.subject, night.digest()] for night in nights if night.dataset == dataset],
        }
        for dataset in sorted({night.dataset for night in nights})
    }


def write_run(folder: Path, description: dict[str, Any]) -> None:
    """Write the description into the run's folder, before its networks are.

    A run that goes on by other code names the code that it began by as well; of a finished one nothing is changed.

    Raises
    ------
    InputError
        If the folder holds a description that cannot be read.
    OutputError
        If it cannot be written.
    """
    if (folder / RUN_FILE).is_file():
        began = _commits_in(folder / RUN_FILE)
        if _is_finished(folder, description["recipe"]["members"]):
            return
        description = description | {"commit": ", ".join(dict.fromkeys([*began, description["commit"]]))}
    write_atomically(folder / RUN_FILE, json.dumps(description, indent=1) + "\n")


def sign_fold(folder: Path, n_members: int) -> None:
    """Note in a fold's folder, which `claim_run` has marked, by what code its networks are fitted, until they are."""
    if _is_finished(folder, n_members):
        return
    file = folder / COMMITS_FILE
    before = _commits_in(file) if file.is_file() else ["unknown"] if any(folder.glob("member_*.pt")) else []
    said = {"commit": ", ".join(dict.fromkeys([*before, commit()]))}
    write_atomically(file, json.dumps(said) + "\n")


def commits_of_folds(folder: Path, n_folds: int) -> str:
    """By what code the networks of a run of ``evaluate`` were fitted, all folds together."""
    signed = [file for number in range(n_folds) if (file := fold_folder(folder, number) / COMMITS_FILE).is_file()]
    if len(signed) < n_folds and (folder / RUN_FILE).is_file():
        signed.append(folder / RUN_FILE)  # Runs of before folds were signed say it there.
    return ", ".join(dict.fromkeys(each for file in signed for each in _commits_in(file))) or "unknown"


def _commits_in(file: Path) -> list[str]:
    with understood(file, FINISHED):
        commits: list[str] = read_json(file, keys=["commit"])["commit"].split(", ")
        return commits


def _is_finished(folder: Path, n_members: int) -> bool:
    return all(member_file(folder, number).is_file() for number in range(n_members))


def claim_run(
    folder: Path,
    nights: Sequence[Labelled],
    recipe: Recipe | WaveformRecipe,
    *,
    seed: int,
    hypnograms: Path | None = None,
    start: Start | None = None,
    selection: Selection = Selection(),  # noqa: B008  (frozen)
    teacher: Teacher | None = None,
) -> None:
    """Mark a folder as that of one fit, so that weights of another are never taken for its own.

    Raises
    ------
    InputError
        If the folder holds weights of another recipe, seed, nights, hypnograms (by their content), start, selection or
        teacher.
    OutputError
        If the folder cannot be made.
    """
    made_from = [
        json.loads(recipe.to_json()),
        seed,
        sorted([night.dataset, night.subject, night.digest()] for night in nights),
        [] if hypnograms is None else hypnogram_sources(hypnograms),
    ]
    # What is left at its default is not in the mark: it had none before there was a choice.
    if start is not None:
        made_from.append({"start": start.describe()["weights"]})
    if selection != Selection():
        made_from.append(dataclasses.asdict(selection))
    if teacher is not None:
        made_from.append({"teacher": teacher.digest()})
    mark = _mark([*made_from, {"hypnograms": hypnograms_digest(hypnograms)}] if hypnograms else made_from)
    make_folder(folder)
    file = folder / _MARK_FILE
    held = file.read_text(encoding="ascii", errors="replace").strip() if file.is_file() else None
    # Until 2.3.0 the hypnograms were in the mark by their names alone.
    if held not in (mark, _mark(made_from)) and any(folder.glob("member_*")):
        if held is None:
            raise InputError(folder, f"it holds weights without {_MARK_FILE}", "give an empty folder")
        raise InputError(
            folder,
            "it holds a fit of another recipe, seed, data, hypnograms, start, selection or teacher",
            "give an empty folder, or what it was made with",
        )
    write_atomically(file, mark + "\n")


def _mark(made_from: list[Any]) -> str:
    return hashlib.sha256(json.dumps(made_from).encode()).hexdigest()


def commit() -> str:
    """The checkout's commit; ends in ``+`` where it had uncommitted changes."""
    try:
        head = _git("rev-parse", "--short=12", "HEAD")
        return head + ("+" if _git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=_ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()
