"""A finished run and its evaluation -> the model file and its card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from models.ensemble import Ensemble
from models.export import export
from models.sequence import SequenceNet, SequenceShape
from staging.decision import DecisionRule
from staging.errors import InputError
from staging.features import FeatureSpec
from staging.hypnogram import CLASSES
from staging.model import ModelSpec
from training.card import card, headline
from training.provenance import RUN_FILE

__all__ = ["CARD_FILE", "export_run", "load_members"]

CARD_FILE = "CARD.md"


def load_members(run: Path) -> tuple[list[SequenceNet], dict[str, Any]]:
    """The networks of a run of ``fit`` and its description.

    Raises
    ------
    InputError
        If the folder holds no finished run.
    """
    described = run / RUN_FILE
    if not described.is_file():
        raise InputError(run, f"it has no {RUN_FILE}", "give the folder that `python -m training fit` wrote")
    description = json.loads(described.read_text(encoding="utf-8"))
    recipe = description["recipe"]
    members = []
    for number in range(recipe["members"]):
        weights = run / f"member_{number}.pt"
        if not weights.is_file():
            raise InputError(run, f"{weights.name} is missing", "let `python -m training fit` finish")
        net = SequenceNet(SequenceShape(**(recipe["shape"] | {"dilations": tuple(recipe["shape"]["dilations"])})))
        net.load_state_dict(torch.load(weights, weights_only=True))
        members.append(net.eval())
    return members, description


def export_run(run: Path, out: Path, *, results: Path, name: str, version: str) -> float:
    """Write the model file, and its card beside it.

    Parameters
    ----------
    run : path
        Folder of ``fit``.
    out : path
        The ``.onnx`` file.
    results : path
        JSON of ``evaluate``, for the figures of the card.
    name, version : str
        Of the model.

    Returns
    -------
    float
        Largest difference of a probability between torch and onnxruntime.

    Raises
    ------
    InputError
        If the run or the results are not there, or were made by another recipe.
    """
    members, description = load_members(run)
    if not results.is_file():
        raise InputError(results, "there is no such file", "write it with `python -m training evaluate`")
    evaluated = json.loads(results.read_text(encoding="utf-8"))
    for what in ("recipe", "data", "groups", "hypnograms", "seed"):
        if evaluated["protocol"][what] != description[what]:
            raise InputError(results, f"it was made with another {what} than the run", "evaluate what the run fitted")
    if evaluated["protocol"]["held_out"]:
        raise InputError(results, "it is of a held-out set", "evaluate with folds, so that all of the data are tested")
    spec = ModelSpec(
        spec_version=1,
        name=name,
        version=version,
        stages=tuple(map(str, CLASSES[5])),
        features=FeatureSpec.from_json(json.dumps(description["recipe"]["spec"])),
        groups=tuple(description["groups"]),
        decision=DecisionRule(**evaluated["decision"]),
        datasets=(
            *(data["attribution"] for data in description["data"].values()),
            *description["hypnograms"],
        ),
        commit=description["commit"],
        headline=headline(evaluated),
    )
    difference = export(Ensemble(members, spec.features, spec.groups), spec, out)
    (out.parent / CARD_FILE).write_text(card(spec, description, evaluated, difference), encoding="utf-8")
    return difference
