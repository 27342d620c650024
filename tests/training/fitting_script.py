"""A fit as a process of its own, for tests that share it between processes or kill it.

Usage: ``python -m tests.training.fitting_script RUN PASSES [DEVICES]``.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import torch

from training.fit import fit_members
from training.recipe import Recipe, Stretch
from training.running import Running
from training.selection import Selection
from training.stopping import Stopped, stoppable

from .conftest import made_up_night

NIGHTS = [made_up_night(str(seed), seed, n=40) for seed in range(6)]


def recipe(passes: int) -> Recipe:
    """Batches of two of the five nights that are learnt from: one is left over, which one of two processes lacks."""
    return Recipe(
        members=2,
        simulated_nights=0,
        second=Stretch(passes=passes, batch_size=2, learning_rate=5e-3, average_decay=0.8),
        width=16,
        series_width=6,
        dropout=0.0,  # processes draw what they drop each for itself
    )


def fit(run: Path, passes: int, devices: int = 1) -> None:
    """Fit what every test of this kind fits."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    strategy = "ddp" if devices > 1 else "auto"
    fit_members(
        NIGHTS,
        recipe(passes),
        run=run,
        selection=Selection(validate=0.1, patience=passes),
        running=Running(accelerator="cpu", devices=devices, strategy=strategy),
    )


if __name__ == "__main__":
    try:
        with stoppable():
            fit(Path(sys.argv[1]), *map(int, sys.argv[2:]))
    except Stopped as stopped:
        sys.exit(128 + stopped.signal)
