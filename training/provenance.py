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
from training.run_files import FOLDS_FILE, RUN_FILE, fold_folder, make_folder, member_file, read_json
from training.selection import Selection
from training.simulated import SIMULATED, hypnogram_sources, hypnograms_digest

if TYPE_CHECKING:
    from training.start import Start
    from training.teaching import Teacher, Teaching
    from training.waveform_recipe import WaveformRecipe

__all__ = ["claim_run", "commit", "describe_data", "describe_run", "write_run"]

SIMULATED_NOTICE = "Simulated nights of this package (staging.simulate): no accuracy may be claimed on them"
_MARK_FILE = "fit.sha256"
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


def write_run(folder: Path, description: dict[str, Any]) -> dict[str, Any]:
    """Write the description into the run's folder, before its networks are.

    A run that goes on by other code names the code that it began by as well; of a finished one nothing is changed.

    Parameters
    ----------
    folder : path
        Of ``fit``, or of ``evaluate --run``.
    description : dict
        Of `describe_run`.

    Returns
    -------
    dict
        What the folder says now: the same, by the code that fitted the networks.

    Raises
    ------
    InputError
        If the folder holds a description that cannot be read.
    OutputError
        If it cannot be written.
    """
    if (folder / RUN_FILE).is_file():
        held = read_json(folder / RUN_FILE, keys=["commit", "recipe"])
        if not _is_finished(folder, description):
            by = dict.fromkeys([*held["commit"].split(", "), description["commit"]])
            held["commit"] = ", ".join(by)
            write_atomically(folder / RUN_FILE, json.dumps(held, indent=1) + "\n")
        return description | {"commit": held["commit"]}
    write_atomically(folder / RUN_FILE, json.dumps(description, indent=1) + "\n")
    return description


def _is_finished(folder: Path, description: dict[str, Any]) -> bool:
    """Whether all networks are there, of a fit or of every fold."""
    fits = [folder]
    if (folder / FOLDS_FILE).is_file():
        fits = [fold_folder(folder, number) for number in range(len(read_json(folder / FOLDS_FILE)))]
    numbers = range(description["recipe"]["members"])
    return all(member_file(fit, number).is_file() for fit in fits for number in numbers)


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
        [] if hypnograms is None else [*hypnogram_sources(hypnograms), hypnograms_digest(hypnograms)],
    ]
    # What is left at its default is not in the mark: it had none before there was a choice.
    if start is not None:
        made_from.append({"start": start.describe()["weights"]})
    if selection != Selection():
        made_from.append(dataclasses.asdict(selection))
    if teacher is not None:
        made_from.append({"teacher": teacher.digest()})
    mark = hashlib.sha256(json.dumps(made_from).encode()).hexdigest()
    make_folder(folder)
    file = folder / _MARK_FILE
    held = file.read_text(encoding="ascii", errors="replace").strip() if file.is_file() else None
    if held != mark and any(folder.glob("member_*")):
        if held is None:
            raise InputError(folder, f"it holds weights without {_MARK_FILE}", "give an empty folder")
        raise InputError(
            folder,
            "it holds a fit of another recipe, seed, data, hypnograms, start, selection or teacher",
            "give an empty folder, or what it was made with",
        )
    write_atomically(file, mark + "\n")


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
