"""Finished networks of a run: written once, and taken up again by a run that goes on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from training.callbacks import KeepBest
from training.night import Labelled
from training.passes import rank_and_world

__all__ = ["VALIDATION_FILE", "keep_member", "take_up_member"]

VALIDATION_FILE = "validation.json"
"""In a run's folder, where subjects were kept apart: who, and the pass that each network was kept of."""


def take_up_member(net: nn.Module, run: Path | None, number: int) -> bool:
    """Load a finished network of a run; False where there is none yet."""
    if run is None or not _file(run, number).is_file():
        return False
    net.load_state_dict(torch.load(_file(run, number), weights_only=True))
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
        kept = json.loads(file.read_text(encoding="utf-8"))["kept"] if file.is_file() else {}
        kept[str(number)] = {"pass": best.kept_pass + 1, "validation_loss": best.loss}
        subjects = sorted({(night.dataset, night.subject) for night in validating})
        file.write_text(json.dumps({"subjects": subjects, "kept": kept}, indent=1) + "\n", encoding="utf-8")
    unfinished = _file(run, number).with_suffix(".part")
    torch.save(net.state_dict(), unfinished)
    unfinished.replace(_file(run, number))


def _file(run: Path, number: int) -> Path:
    return run / f"member_{number}.pt"
