"""Finished networks of a run: written once, and taken up again by a run that goes on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from staging.files import write_atomically
from training.callbacks import KeepBest
from training.night import Labelled
from training.passes import rank_and_world
from training.run_files import load_weights, member_file, read_json

__all__ = ["VALIDATION_FILE", "keep_member", "take_up_member"]

VALIDATION_FILE = "validation.json"
"""In a run's folder, where subjects were kept apart: who, and the pass that each network was kept of."""


def take_up_member(net: nn.Module, run: Path | None, number: int) -> bool:
    """Load a finished network of a run; False where there is none yet."""
    if run is None or not member_file(run, number).is_file():
        return False
    load_weights(net, member_file(run, number))
    return True


def keep_member(
    net: nn.Module, run: Path | None, number: int, best: KeepBest | None, validating: Sequence[Labelled]
) -> None:
    """Write a finished network and, where subjects were kept apart, who, and the pass it was kept of.

    Parameters
    ----------
    net : nn.Module
        The network.
    run : path or None
        Folder; None keeps nothing. Of several processes that share a fit, the first writes.
    number : int
        Of the member.
    best : KeepBest or None
        Of its last stretch.
    validating : sequence of Labelled
        Nights that were kept apart.
    """
    if run is None or rank_and_world()[0] > 0:
        return
    if best is not None:
        file = run / VALIDATION_FILE
        # Members of before the run was broken off stay.
        kept = read_json(file, keys=["kept"])["kept"] if file.is_file() else {}
        kept[str(number)] = {"pass": best.kept_pass + 1, "validation_loss": best.loss}
        subjects = sorted({(night.dataset, night.subject) for night in validating})
        write_atomically(file, json.dumps({"subjects": subjects, "kept": kept}, indent=1) + "\n")
    unfinished = member_file(run, number).with_suffix(".part")
    torch.save(net.state_dict(), unfinished)
    unfinished.replace(member_file(run, number))
