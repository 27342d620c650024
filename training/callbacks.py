"""What Lightning is told during a fit: how to end, and which pass to keep."""

from __future__ import annotations

import math
import os
import signal
import threading
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback
from torch import Tensor

from training.stopping import end_with, stop_if_asked

__all__ = ["KeepBest", "OwnSignals"]


class OwnSignals(Callback):
    """Keeps SIGTERM's handler of before the fit; to a process that shares the fit, SIGTERM is passed on.

    Lightning's own handler only notes the signal, and between several processes waits for others that may be waiting
    for this one.
    """

    def __init__(self) -> None:
        self.before = signal.getsignal(signal.SIGTERM)

    def setup(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, stage: str) -> None:
        """A process that another one started ends with it."""
        if trainer.local_rank > 0:
            end_with(os.getppid())

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Put the handler back: Lightning set its own just before."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self.before)

    def on_train_batch_start(self, *_: Any) -> None:
        """Look whether a signal's exception was lost."""
        stop_if_asked()

    def on_exception(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, exception: Any) -> None:
        """Tell the processes that this one started."""
        if trainer.strategy.launcher is not None and hasattr(trainer.strategy.launcher, "kill"):
            trainer.strategy.launcher.kill(signal.SIGTERM)


class KeepBest(Callback):
    """Keeps the weights of the pass with the smallest validation loss, and ends the fit when none gets better.

    It must stand before the averaging of the weights among the callbacks: the averaged weights are in the network
    during validation, are what is judged, and are what is kept. Its state goes into the checkpoint, so that a fit that
    was broken off goes on to the same end.

    Parameters
    ----------
    patience : int
        Passes without a smaller loss after which the fit ends.
    """

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self.loss = math.inf
        self.kept_pass = -1
        self.weights: dict[str, Tensor] = {}
        self._total = torch.zeros(2, dtype=torch.float64)

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """A fit that had ended when it was broken off does not begin another pass."""
        trainer.should_stop = trainer.should_stop or self._patience_is_over(trainer.current_epoch - 1)

    def on_validation_epoch_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Begin the sum."""
        self._total.zero_()

    def on_validation_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Add a batch's loss and its epochs."""
        self._total += torch.stack([part.detach().double().cpu() for part in outputs])

    def on_validation_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Judge the pass."""
        # Not every accelerator has double precision.
        total = self._total.float().to(pl_module.device)
        loss_sum, n_epochs = (float(part) for part in trainer.strategy.reduce(total, reduce_op="sum"))
        loss = loss_sum / max(n_epochs, 1.0)
        pl_module.log("validation_loss", loss, sync_dist=trainer.world_size > 1)
        if loss < self.loss:
            self.loss, self.kept_pass = loss, trainer.current_epoch
            self.weights = {name: value.detach().cpu().clone() for name, value in pl_module.net.state_dict().items()}

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """End the fit where it has not got better for long enough."""
        trainer.should_stop = trainer.should_stop or self._patience_is_over(trainer.current_epoch)

    def _patience_is_over(self, last_pass: int) -> bool:
        return self.kept_pass >= 0 and last_pass - self.kept_pass >= self.patience

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {"loss": self.loss, "kept_pass": self.kept_pass, "weights": self.weights}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.loss, self.kept_pass = state_dict["loss"], state_dict["kept_pass"]
        self.weights = state_dict["weights"]
