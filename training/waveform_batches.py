"""Nights of waveforms -> batches of tensors, changed anew at every pass.

Axes: B night, S epoch, X axis of the acceleration, T sample, G sensor, K class.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from models.waveform_spec import SENSORS
from staging.recording import EPOCH_S
from training.batches import LabelSmoothing, soft_labels
from training.waveform_recipe import WaveformChanges
from training.waveforms import LabelledWaveforms

__all__ = ["Changed", "WaveformBatch", "WaveformDataset", "changed", "collate_waveforms"]

PPG, ACC, TEMPERATURE = (SENSORS.index(sensor) for sensor in ("ppg", "acc", "temperature"))


class WaveformBatch(NamedTuple):
    """Padded nights; `target_BSK` is zero where nothing was scored, or no sensor saw the epoch."""

    ppg_BST: Tensor
    acc_BSXT: Tensor
    temperature_BST: Tensor
    mask_BSG: Tensor
    valid_BS: Tensor
    target_BSK: Tensor


class Changed(NamedTuple):
    """What the network is shown of a night, float32 each, and the stages of the epochs that remain."""

    ppg: NDArray[np.float32]
    acc: NDArray[np.float32]
    temperature_c: NDArray[np.float32]
    mask: NDArray[np.float32]
    reference: NDArray[np.int64]


class WaveformDataset(Dataset[tuple[tuple[NDArray[np.float32], ...], NDArray[np.float32]]]):
    """Nights, changed anew at every access where changes are asked for.

    Parameters
    ----------
    nights : sequence of LabelledWaveforms
        In a fixed order.
    smoothing : LabelSmoothing
        Of the labels.
    changes : WaveformChanges, optional
        None leaves the nights as they are.
    seed : int
        Of the changes.
    """

    n_mixed = 0
    """No further nights are mixed in, as `training.passes` asks."""

    def __init__(
        self,
        nights: Sequence[LabelledWaveforms],
        *,
        smoothing: LabelSmoothing,
        changes: WaveformChanges | None = None,
        seed: int = 0,
    ) -> None:
        self.nights = nights
        self.smoothing = smoothing
        self.changes = changes
        self.seed = seed
        self.pass_number = 0

    def __len__(self) -> int:
        return len(self.nights)

    def __getitem__(self, index: int) -> tuple[tuple[NDArray[np.float32], ...], NDArray[np.float32]]:
        night = self.nights[index]
        if self.changes is None:
            shown = Changed(*night.waveforms.arrays(), night.reference)
        else:
            # All that is random depends on the pass and the place alone, so that a resumed run sees the same.
            shown = changed(night, np.random.default_rng((self.seed, self.pass_number, index)), self.changes)
        # An epoch that no sensor saw would only teach the average night.
        seen = np.where(shown.mask.any(axis=1), shown.reference, -1)
        return shown[:4], soft_labels(seen, self.smoothing)


def changed(night: LabelledWaveforms, rng: np.random.Generator, changes: WaveformChanges) -> Changed:
    """A night as it could have been recorded instead."""
    n = len(night.reference)
    first, stop = 0, n
    if rng.random() < changes.crop_probability:
        longest = max(1, int(n * changes.crop_share))
        first, stop = int(rng.integers(longest)), n - int(rng.integers(longest))
    ppg, acc, temperature_c, mask = night.waveforms.part(first, stop).arrays()
    if night.waveforms.ppg is not None:
        noise = np.float32(changes.ppg_noise * rng.random())
        ppg += noise * rng.standard_normal(ppg.shape, dtype=np.float32)
    if night.waveforms.acc is not None and rng.random() < changes.turned:
        acc = np.einsum("xy,syt->sxt", _rotation(rng), acc)
    temperature_c += np.float32(rng.normal(0.0, changes.temperature_sd_c))
    if rng.random() < changes.gap_probability:
        for _ in range(int(rng.integers(1, changes.max_gaps + 1))):
            begin = int(rng.integers(len(mask)))
            mask[begin : begin + int(rng.exponential(changes.gap_mean_min * 60.0 / EPOCH_S)), PPG] = 0.0
    recorded = mask.any(axis=0)
    share = np.array([changes.no_ppg, changes.no_acc, changes.no_temperature])
    hidden = recorded & (rng.random(len(SENSORS)) < share)
    if hidden.any() and (hidden == recorded).all():  # a night without any sensor teaches nothing
        hidden[rng.choice(np.flatnonzero(recorded))] = False
    mask[:, hidden] = 0.0
    return Changed(ppg, acc, temperature_c, mask, night.reference[first:stop])


def collate_waveforms(
    items: Sequence[tuple[tuple[NDArray[np.float32], ...], NDArray[np.float32]]],
) -> WaveformBatch:
    """Pad nights to the longest of them."""
    longest = max(len(target) for _, target in items)
    rows = [(*arrays, np.ones(len(target), np.float32), target) for arrays, target in items]
    columns = []
    for parts in zip(*rows, strict=True):
        column = np.zeros((len(parts), longest, *parts[0].shape[1:]), np.float32)
        for row, part in zip(column, parts, strict=True):
            row[: len(part)] = part
        columns.append(torch.from_numpy(column))
    return WaveformBatch(*columns)


def _rotation(rng: np.random.Generator) -> NDArray[np.float32]:
    """A rotation of space, each as likely as any other."""
    square, triangle = np.linalg.qr(rng.standard_normal((3, 3)))
    square *= np.sign(np.diag(triangle))
    square[:, 0] *= np.sign(np.linalg.det(square))
    return square.astype(np.float32)
