"""Nights and a recipe -> networks."""

from __future__ import annotations

import functools
import logging
import warnings
from collections.abc import Sequence
from pathlib import Path

import lightning
import torch
from lightning.pytorch.callbacks import Callback, EMAWeightAveraging, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger

from models.sequence import SequenceNet
from training.batches import NightDataset, loader
from training.module import StagingModule
from training.night import LabelledNight
from training.provenance import claim_run
from training.recipe import Recipe, Stretch
from training.simulated import simulated_nights

__all__ = ["fit_members"]


def fit_members(
    nights: Sequence[LabelledNight],
    recipe: Recipe,
    *,
    seed: int = 0,
    hypnograms: Path | None = None,
    run: Path | None = None,
    progress: bool = False,
) -> list[SequenceNet]:
    """Fit the members of an ensemble.

    Parameters
    ----------
    nights : sequence of LabelledNight
        All that may be learnt from: the simulator's tables are measured on them as well.
    recipe : Recipe
        How.
    seed : int
        Everything random follows from it.
    hypnograms : path, optional
        Folder of scored hypnograms that simulated nights may follow.
    run : path, optional
        Folder for logs and checkpoints; a run that was broken off goes on from there.
    progress : bool
        Show Lightning's progress bars.

    Returns
    -------
    list of SequenceNet
        In evaluation mode, on the CPU.

    Raises
    ------
    InputError
        If the folder holds another fit.
    """
    if run is not None:
        claim_run(run, nights, recipe, seed=seed, hypnograms=hypnograms)
    simulated: list[LabelledNight] = []
    members = []
    for member in range(recipe.members):
        finished = None if run is None else run / f"member_{member}.pt"
        member_seed = seed * 1000 + member
        torch.manual_seed(member_seed)
        net = SequenceNet(recipe.shape())
        if finished is not None and finished.is_file():
            net.load_state_dict(torch.load(finished, weights_only=True))
            members.append(net.eval())
            continue
        stretch = functools.partial(_stretch, recipe=recipe, seed=member_seed, progress=progress)
        if recipe.simulated_nights and not simulated:
            simulated = simulated_nights(nights, recipe, seed=seed, hypnograms=hypnograms)
        if recipe.first is not None:
            net = stretch(net, simulated, [], recipe.first, run=_folder(run, member, "first"))
        net = stretch(net, nights, simulated, recipe.second, run=_folder(run, member, "second"))
        if finished is not None:
            torch.save(net.state_dict(), finished)
        members.append(net.eval())
    return members


def _folder(run: Path | None, member: int, stretch: str) -> Path | None:
    return None if run is None else run / f"member_{member}" / stretch


def _stretch(
    net: SequenceNet,
    nights: Sequence[LabelledNight],
    mixed: Sequence[LabelledNight],
    how: Stretch,
    *,
    recipe: Recipe,
    seed: int,
    run: Path | None,
    progress: bool,
) -> SequenceNet:
    """One stretch of training; the network comes back with the averaged weights."""
    dataset = NightDataset(
        nights,
        recipe.spec,
        mixed=mixed,
        n_mixed=recipe.mixed_simulated if mixed else 0,
        smoothing=recipe.smoothing,
        changes=recipe.changes,
        hidden_clock=recipe.hidden_clock,
        seed=seed,
    )
    module = StagingModule(recipe.shape(), learning_rate=how.learning_rate, weight_decay=how.weight_decay, seed=seed)
    module.net.load_state_dict(net.state_dict())
    callbacks: list[Callback] = [EMAWeightAveraging(decay=how.average_decay)]
    if run is not None:
        callbacks.append(ModelCheckpoint(dirpath=run, save_last=True, save_top_k=0))
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    trainer = lightning.Trainer(
        accelerator="auto",
        max_epochs=how.passes,
        gradient_clip_val=1.0,
        callbacks=callbacks,
        logger=False if run is None else CSVLogger(run, name="log", version=0),
        enable_checkpointing=run is not None,
        enable_progress_bar=progress,
        enable_model_summary=False,
        log_every_n_steps=1,
        use_distributed_sampler=False,
    )
    last = None if run is None else run / "last.ckpt"
    with warnings.catch_warnings():
        # Worker processes would cost more than they bring: a night's features take a few milliseconds.
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        warnings.filterwarnings("ignore", message=".*no `val_dataloader`.*")
        warnings.filterwarnings("ignore", message=".*LeafSpec.*")
        trainer.fit(
            module,
            loader(dataset, batch_size=how.batch_size),
            ckpt_path=str(last) if last is not None and last.is_file() else None,
        )
    return module.net.cpu()
