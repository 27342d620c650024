"""One stretch of training with Lightning, the same for every network."""

from __future__ import annotations

import logging
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback, EMAWeightAveraging, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger
from lightning.pytorch.utilities.exceptions import MisconfigurationException

from staging.errors import InputError
from training.batches import collate
from training.callbacks import KeepBest, OwnSignals
from training.module import StagingModule
from training.passes import PassBatches, loader
from training.recipe import Stretch
from training.running import Running

__all__ = ["train"]


def train(
    module: StagingModule,
    batches: PassBatches,
    how: Stretch,
    *,
    validation: PassBatches | None = None,
    patience: int = 1,
    running: Running,
    run: Path | None,
    collate_with: Callable[..., Any] = collate,
) -> KeepBest | None:
    """Train a module's network in place; it ends on the CPU with the averaged weights, of the best pass if validated.

    Parameters
    ----------
    module : StagingModule
        The network with its loss and schedule.
    batches : PassBatches
        What to learn from.
    how : Stretch
        Passes and rates.
    validation : PassBatches, optional
        What to judge the passes by.
    patience : int
        With `validation`: passes without a better one after which the stretch ends.
    running : Running
        On what hardware, and which logs.
    run : path, optional
        Folder for logs and checkpoints; a stretch that was broken off goes on from its last whole pass.
    collate_with : callable
        Joins the nights of a batch.

    Returns
    -------
    KeepBest or None
        Which pass was kept, where there was validation.

    Raises
    ------
    InputError
        If the checkpoint of a stretch that was broken off is damaged.
    """
    best = None if validation is None else KeepBest(patience)
    last = None if run is None else _last_pass(run)
    with warnings.catch_warnings():
        # Worker processes would cost more than they bring: a night's inputs take a few milliseconds.
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        warnings.filterwarnings("ignore", message=".*no `val_dataloader`.*")
        warnings.filterwarnings("ignore", message=".*LeafSpec.*")
        # The log lies beside the checkpoint, and a run that goes on finds both there.
        warnings.filterwarnings("ignore", message=".*exists and is not empty.*")
        _trainer(how, best, running, run).fit(
            module,
            loader(batches, collate_with),
            None if validation is None else loader(validation, collate_with),
            ckpt_path=last,
        )
    module.net.cpu()
    if best is not None:
        module.net.load_state_dict(best.weights)
    return best


def _last_pass(run: Path) -> str | None:
    """The checkpoint of a stretch that was broken off."""
    last = run / "last.ckpt"
    if not last.is_file():
        return None
    try:
        with zipfile.ZipFile(last) as parts:
            damaged = parts.testzip()
    except Exception as error:  # a damaged file can fail anywhere inside zipfile
        damaged = str(error) or type(error).__name__
    if damaged is not None:
        raise InputError(last, f"the checkpoint is damaged ({damaged})", "remove it: its passes are made again")
    return str(last)


def _trainer(how: Stretch, best: KeepBest | None, running: Running, run: Path | None) -> lightning.Trainer:
    callbacks: list[Callback] = [OwnSignals()]
    if best is not None:
        callbacks.append(best)
    callbacks.append(EMAWeightAveraging(decay=how.average_decay))
    loggers: list[Logger] = []
    if run is not None:
        # After every pass, over the one before: Lightning's `save_last` alone writes at the end of the fit only.
        callbacks.append(
            ModelCheckpoint(dirpath=run, filename="last", enable_version_counter=False, save_on_train_epoch_end=True)
        )
        # A run that goes on writes a further log: the next `version_N`.
        loggers.append(CSVLogger(run, name="log", flush_logs_every_n_steps=1))
        if running.tensorboard:
            loggers.append(TensorBoardLogger(run, name="tensorboard"))
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    try:
        return lightning.Trainer(
            accelerator=running.accelerator,
            devices=running.devices,
            num_nodes=running.nodes,
            strategy=running.strategy,
            precision=running.precision,
            max_epochs=how.passes,
            gradient_clip_val=1.0,
            callbacks=callbacks,
            logger=loggers,
            enable_checkpointing=run is not None,
            enable_progress_bar=running.progress,
            enable_model_summary=False,
            log_every_n_steps=1,
            num_sanity_val_steps=0,
            use_distributed_sampler=False,
        )
    except (MisconfigurationException, ValueError) as error:
        asked = f"--accelerator {running.accelerator} --strategy {running.strategy} --precision {running.precision}"
        raise InputError(asked, str(error).splitlines()[0].rstrip("."), "choose what this machine has") from None
