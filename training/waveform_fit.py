"""Nights of waveforms and a recipe -> networks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from models.waveform import WaveformNet
from training.members import keep_member, take_up_member
from training.module import StagingModule
from training.passes import PassBatches, balanced
from training.provenance import claim_run
from training.running import Running
from training.selection import Selection, split_off
from training.stretch import train
from training.waveform_batches import WaveformDataset, collate_waveforms
from training.waveform_recipe import WaveformRecipe
from training.waveforms import LabelledWaveforms

__all__ = ["fit_waveforms"]


def fit_waveforms(
    nights: Sequence[LabelledWaveforms],
    recipe: WaveformRecipe,
    *,
    seed: int = 0,
    run: Path | None = None,
    selection: Selection = Selection(),  # noqa: B008  (frozen)
    running: Running = Running(),  # noqa: B008  (frozen)
) -> list[WaveformNet]:
    """Fit the members.

    Parameters
    ----------
    nights : sequence of LabelledWaveforms
        All that may be learnt from.
    recipe : WaveformRecipe
        How.
    seed : int
        Everything random follows from it.
    run : path, optional
        Folder for logs, checkpoints and weights; a run that was broken off goes on from its last whole pass.
    selection : Selection
        Whether subjects are kept apart to choose the pass by, and whether the data sets get equal shares.
    running : Running
        On what hardware, and which logs.

    Returns
    -------
    list of WaveformNet
        In evaluation mode, on the CPU.

    Raises
    ------
    InputError
        If the folder holds another fit, or there are more processes than nights in a batch.
    """
    how = recipe.stretch
    running.check_shares(how.batch_size)
    learning, validating = split_off(nights, selection.validate, seed=seed)
    if run is not None:
        claim_run(run, nights, recipe, seed=seed, selection=selection)
    shown, copies = balanced(learning) if selection.balance else (learning, None)
    members = []
    for number in range(recipe.members):
        member_seed = seed * 1000 + number
        torch.manual_seed(member_seed)
        net = WaveformNet(recipe.shape())
        if not take_up_member(net, run, number):
            dataset = WaveformDataset(shown, smoothing=recipe.smoothing, changes=recipe.changes, seed=member_seed)
            apart = WaveformDataset(validating, smoothing=recipe.smoothing)
            best = train(
                StagingModule(net, learning_rate=how.learning_rate, weight_decay=how.weight_decay, seed=member_seed),
                PassBatches(dataset, how.batch_size, copies=copies, n_nights=len(learning)),
                how,
                validation=PassBatches(apart, how.batch_size, shuffled=False) if validating else None,
                patience=selection.patience,
                running=running,
                run=None if run is None else run / f"member_{number}",
                collate_with=collate_waveforms,
            )
            keep_member(net, run, number, best, validating)
        members.append(net.eval())
    return members
