"""What a run was made from: written beside every result, so that a figure can be traced."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from staging.errors import InputError
from staging.features import GROUPS
from training.datasets import attribution
from training.night import LabelledNight
from training.recipe import Recipe
from training.simulated import hypnogram_sources

__all__ = ["RUN_FILE", "claim_run", "describe_run", "write_run"]

RUN_FILE = "run.json"
_MARK_FILE = "fit.sha256"
_ROOT = Path(__file__).resolve().parents[1]


def describe_run(
    nights: Sequence[LabelledNight], recipe: Recipe, *, seed: int, hypnograms: Path | None
) -> dict[str, Any]:
    """Commit, recipe, seed, data sets with attribution, and a hash of every night's tracks and labels.

    Returns
    -------
    dict
        JSON-able. ``commit`` ends in ``+`` where the checkout had uncommitted changes.
    """
    datasets = sorted({night.dataset for night in nights})
    return {
        "commit": _commit(),
        "seed": seed,
        "recipe": json.loads(recipe.to_json()),
        "data": {
            dataset: {
                "attribution": attribution(dataset),
                "nights": [[night.subject, _digest(night)] for night in nights if night.dataset == dataset],
            }
            for dataset in datasets
        },
        "groups": [group for group in GROUPS if any(group in night.groups for night in nights)],
        "hypnograms": [] if hypnograms is None else hypnogram_sources(hypnograms),
    }


def write_run(
    folder: Path, nights: Sequence[LabelledNight], recipe: Recipe, *, seed: int, hypnograms: Path | None
) -> None:
    """Write the description into the run's folder."""
    text = json.dumps(describe_run(nights, recipe, seed=seed, hypnograms=hypnograms), indent=1)
    (folder / RUN_FILE).write_text(text + "\n", encoding="utf-8")


def claim_run(
    folder: Path, nights: Sequence[LabelledNight], recipe: Recipe, *, seed: int, hypnograms: Path | None
) -> None:
    """Mark a folder as that of one fit, so that weights of another are never taken for its own.

    Raises
    ------
    InputError
        If the folder holds weights of another recipe, seed, nights or hypnograms.
    """
    content = json.dumps(
        [
            json.loads(recipe.to_json()),
            seed,
            sorted([night.dataset, night.subject, _digest(night)] for night in nights),
            [] if hypnograms is None else hypnogram_sources(hypnograms),
        ]
    )
    mark = hashlib.sha256(content.encode()).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / _MARK_FILE
    if file.is_file():
        if file.read_text(encoding="ascii").strip() != mark:
            raise InputError(
                folder,
                "it holds a fit of another recipe, seed or data",
                "give an empty folder, or what it was made with",
            )
    elif any(folder.glob("member_*")):
        raise InputError(folder, f"it holds weights without {_MARK_FILE}", "give an empty folder")
    else:
        file.write_text(mark + "\n", encoding="ascii")


def _digest(night: LabelledNight) -> str:
    return hashlib.sha256(night.reference.tobytes() + night.tracks.digest().encode()).hexdigest()[:16]


def _commit() -> str:
    try:
        commit = _git("rev-parse", "--short=12", "HEAD")
        return commit + ("+" if _git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=_ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()
