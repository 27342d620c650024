"""The Lightning module: loss, optimiser and schedule around a network of whole nights."""

from __future__ import annotations

import dataclasses

import lightning
import torch
from torch import Tensor

from models.sequence import SequenceNet
from models.waveform import WaveformNet

__all__ = ["StagingModule"]


class StagingModule(lightning.LightningModule):
    """Cross-entropy against soft labels, AdamW, one cycle of the learning rate.

    A batch is what the network takes, in that order, and last the soft labels ``(B, S, K)``.

    Parameters
    ----------
    net : SequenceNet or WaveformNet
        Trained in place.
    learning_rate, weight_decay : float
        Peak rate, and decay of AdamW.
    seed : int
        Of dropout, set anew at every pass so that a resumed run draws what an unbroken one would.
    """

    def __init__(
        self, net: SequenceNet | WaveformNet, *, learning_rate: float, weight_decay: float, seed: int = 0
    ) -> None:
        super().__init__()
        self.save_hyperparameters(
            {"shape": dataclasses.asdict(net.shape), "learning_rate": learning_rate, "weight_decay": weight_decay}
        )
        self.net = net
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.seed = seed

    def on_train_batch_start(self, batch: tuple[Tensor, ...], batch_idx: int) -> None:
        """Make the pass's dropout a function of the seed, the pass and the process.

        Before the first batch, not where the pass starts: a resumed pass is not started, and making the iterator of
        another one draws a number.
        """
        if batch_idx == 0:
            torch.manual_seed(self.seed * 100_003 + self.current_epoch + 7_919_000_003 * self.global_rank)

    def _loss(self, batch: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        """Sum of the loss over the scored epochs, and their number."""
        *inputs, target_BSK = batch
        scored = (target_BSK.sum(dim=2) > 0).sum()
        return -(target_BSK * self.net(*inputs).log_softmax(dim=2)).sum(), scored

    def training_step(self, batch: tuple[Tensor, ...], _: int) -> Tensor:
        """Loss of a batch: the mean over its scored epochs, those of the other processes' parts included."""
        total, scored = self._loss(batch)
        # Processes average their gradients: each divides by its share of all the batch's epochs, not by its own, so
        # that an epoch weighs the same wherever it is seen.
        everywhere = self.trainer.strategy.reduce(scored, reduce_op="sum")
        loss = total / everywhere.clamp(min=1) * self.trainer.world_size
        several = self.trainer.world_size > 1
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(batch[-1]), sync_dist=several)
        return loss

    def validation_step(self, batch: tuple[Tensor, ...], _: int) -> tuple[Tensor, Tensor]:
        """Sum of the loss, and its epochs; `training.callbacks.KeepBest` makes the mean of all."""
        return self._loss(batch)

    def configure_optimizers(self) -> dict[str, object]:
        """AdamW under one cycle of the learning rate, a step a batch."""
        optimizer = torch.optim.AdamW(self.net.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay)
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, self.learning_rate, total_steps=steps, pct_start=0.15)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
