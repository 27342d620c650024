"""A finished run and its evaluation -> the model file and its card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from models.ensemble import Ensemble
from models.export import export
from models.hours_asleep import HoursAsleep
from staging.decision import DecisionRule
from staging.errors import InputError
from staging.features import FeatureSpec
from staging.files import refuse_place, write_atomically
from staging.hypnogram import CLASSES
from staging.model import ModelSpec
from training.card import card, headline
from training.lineage import attributions, what_decides
from training.run_files import make_folder, read_json, understood
from training.start import load_members

__all__ = ["CARD_FILE", "export_run"]

CARD_FILE = "CARD.md"

_MEND = "write it with `python -m training evaluate`"


def export_run(run: Path, out: Path, *, results: Path | None, name: str | None = None, version: str) -> float:
    """Write the model file, and its card beside it.

    Parameters
    ----------
    run : path
        Folder of ``fit`` or ``finetune``.
    out : path
        The ``.onnx`` file.
    results : path or None
        JSON of ``evaluate``, for what follows the networks (what the hours asleep say, and the decision) and the
        figures of the card. A run of ``finetune`` from a model may go without: it keeps what follows them in the
        model, and its card says that it was not evaluated.
    name : str, optional
        Of the model; ``staging-default`` or ``staging-finetuned`` where none is given.
    version : str
        Of the model.

    Returns
    -------
    float
        Largest difference of a probability between torch and onnxruntime.

    Raises
    ------
    InputError
        If the run or the results are not there, or were made by another recipe, or the folder holds the card of another
        model.
    OutputError
        If the model's place is a folder's.
    """
    refuse_place(out)
    make_folder(out.parent)
    card_file = out.parent / CARD_FILE
    if card_file.is_file() and not out.is_file():
        raise InputError(card_file, "it is another model's card", "give another folder, or move it away")
    if not version.strip():
        raise InputError("--version", "is empty", "give one, such as 1.0")
    members, description = load_members(run)
    start = description.get("start")
    evaluated = None if results is None else _results_of(results, description)
    if evaluated is not None:
        after = evaluated
    elif start and start["decision"]:
        after = start
    else:
        raise InputError(run, "it needs the results of an evaluation", "give --results of `evaluate`")
    later = after.get("hours_asleep")  # Results and runs of before there was one do not say.
    own = attributions(description)
    with understood(run if results is None else results, _MEND):
        spec = ModelSpec(
            spec_version=1,
            name=name or ("staging-finetuned" if start else "staging-default"),
            version=version,
            stages=tuple(map(str, CLASSES[5])),
            features=FeatureSpec.from_json(json.dumps(description["recipe"]["spec"])),
            groups=tuple(description["groups"]),
            decision=DecisionRule.from_dict(after["decision"]),
            datasets=tuple(dict.fromkeys((*start["datasets"], *own) if start else own)),
            commit=description["commit"],
            headline=headline(description, evaluated),
        )
        network = Ensemble(members, spec.features, spec.groups, None if later is None else HoursAsleep(**later))
        card(spec, description, evaluated, 0.0, network.hours_asleep)  # before a model stands there without one
    difference = export(network, spec, out)
    write_atomically(card_file, card(spec, description, evaluated, difference, network.hours_asleep))
    return difference


def _results_of(file: Path, description: dict[str, Any]) -> dict[str, Any]:
    """Results of an evaluation of what the run was made by."""
    keys = ("protocol", "decision", "datasets")
    evaluated: dict[str, Any] = read_json(file, keys=keys, mend=_MEND)
    with understood(file, _MEND):
        described, protocol = what_decides(description), what_decides(evaluated["protocol"])
        DecisionRule.from_dict(evaluated["decision"])
        held_out = evaluated["protocol"]["held_out"]
    for what, value in described.items():
        if protocol[what] != value:
            raise InputError(file, f"it was made with another {what} than the run", "evaluate what the run fitted")
    if held_out:
        raise InputError(file, "it is of a held-out set", "evaluate with folds, so that all of the data are tested")
    return evaluated
