"""Nights -> batches of tensors. Axes: B night, S epoch, C channel, T 5-s step, F feature, G group, K class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from staging.features import GROUPS, FeatureSpec, ModelInputs, extract, feature_names
from staging.hypnogram import CLASSES
from training.augment import Augmentation, augment
from training.night import LabelledNight
from training.splice import Splicing, partners, splice

__all__ = ["Batch", "LabelSmoothing", "Mixed", "NightDataset", "collate", "soft_labels", "targets"]

N_CLASSES = len(CLASSES[5])

TYPICAL_SHARES = np.array([0.1, 0.1, 0.5, 0.15, 0.15], np.float32)
"""Where the smoothed part of a label goes: about the stages' shares of a night."""


class Batch(NamedTuple):
    """Padded nights; `target_BSK` is zero where nothing was scored."""

    features_BSF: Tensor
    series_BCT: Tensor
    mask_BSG: Tensor
    valid_BS: Tensor
    target_BSK: Tensor


@dataclass(frozen=True, kw_only=True)
class LabelSmoothing:
    """How much of a label is given away.

    Attributes
    ----------
    anywhere : float
        To all stages, for people disagree about one epoch in five.
    border : float
        To the stage of each neighbouring epoch, for they disagree about borders most.
    """

    anywhere: float = 0.1
    border: float = 0.15


def soft_labels(reference: NDArray[np.int64], smoothing: LabelSmoothing) -> NDArray[np.float32]:
    """Distributions over the stages, float32 ``(S, 5)``; zero rows where nothing was scored."""
    scored = reference >= 0
    hard = np.zeros((len(reference), N_CLASSES), np.float32)
    hard[scored, reference[scored]] = 1.0
    soft = hard.copy()
    soft[1:] += smoothing.border * hard[:-1]
    soft[:-1] += smoothing.border * hard[1:]
    soft /= np.maximum(soft.sum(axis=1, keepdims=True), 1e-9)
    soft = (1.0 - smoothing.anywhere) * soft + smoothing.anywhere * TYPICAL_SHARES
    soft[~scored] = 0.0
    return soft


def targets(night: LabelledNight, smoothing: LabelSmoothing, taught_share: float = 0.0) -> NDArray[np.float32]:
    """What a network should say of a night, float32 ``(S, 5)``; zero rows where there is nothing to learn.

    Parameters
    ----------
    night : LabelledNight
        Scored, taught, or both.
    smoothing : LabelSmoothing
        Of the scored stages.
    taught_share : float
        How much of a scored epoch's target is what was taught. Of a stretch without scores it is all; in a night that
        somebody scored, nothing is taught there (`training.teaching.Teacher.teach`).

    Returns
    -------
    ndarray of float32, shape (S, 5)
    """
    # An epoch that no sensor saw would only teach the average night.
    seen = np.where(night.usable, night.reference, -1)
    labels = soft_labels(seen, smoothing)
    if night.taught is None:
        return labels
    if not (night.reference >= 0).any():
        return np.where(night.recorded[:, None], night.taught, np.float32(0.0))
    both = (1.0 - taught_share) * labels + taught_share * night.taught
    return np.where((seen >= 0)[:, None], both, 0.0).astype(np.float32)


class Mixed(NamedTuple):
    """Nights of which some, others at every pass, are mixed among those of a data set: how many."""

    nights: Sequence[LabelledNight]
    number: int


class NightDataset(Dataset[tuple[ModelInputs, NDArray[np.float32]]]):
    """Nights with their features, changed anew at every access where augmentation is asked for.

    Parameters
    ----------
    nights : sequence of LabelledNight
        In a fixed order.
    spec : FeatureSpec
        Parameters of the features.
    mixed : sequence of Mixed
        Further nights, some of which, others at every pass, follow the first ones.
    smoothing : LabelSmoothing
        Of the labels.
    taught_share : float
        See `targets`.
    changes : Augmentation, optional
        None leaves the nights as they are.
    splicing : Splicing, optional
        How the first nights are spliced with each other before they are changed; None leaves them whole.
    hidden_clock : float
        How often the elapsed time is masked; only with `changes`.
    seed : int
        Of the changes.
    """

    def __init__(
        self,
        nights: Sequence[LabelledNight],
        spec: FeatureSpec,
        *,
        mixed: Sequence[Mixed] = (),
        smoothing: LabelSmoothing,
        taught_share: float = 0.0,
        changes: Augmentation | None = None,
        splicing: Splicing | None = None,
        hidden_clock: float = 0.3,
        seed: int = 0,
    ) -> None:
        self.nights = nights
        self.mixed = mixed
        self.n_mixed = sum(pool.number for pool in mixed)
        self.spec = spec
        self.smoothing = smoothing
        self.taught_share = taught_share
        self.changes = changes
        self.splicing = splicing
        self.partners = partners(nights) if splicing is not None else []
        self.hidden_clock = hidden_clock
        self.seed = seed
        self.pass_number = 0
        self.clock = [name.startswith("clock:") for name in feature_names(spec)]

    def __len__(self) -> int:
        return len(self.nights) + self.n_mixed

    def __getitem__(self, index: int) -> tuple[ModelInputs, NDArray[np.float32]]:
        # All that is random depends on the pass and the place alone, so that a resumed run sees the same.
        rng = np.random.default_rng((self.seed, self.pass_number, index))
        night = self._own(index, rng) if index < len(self.nights) else self._mixed(index - len(self.nights), rng)
        if self.changes is not None:
            night = augment(night, rng, self.changes)
        inputs = extract(night.tracks, self.spec)
        if self.changes is not None and rng.random() < self.hidden_clock:
            inputs.features[:, self.clock] = 0.0
            inputs.mask[:, GROUPS.index("clock")] = 0.0
        return inputs, targets(night, self.smoothing, self.taught_share)

    def _own(self, index: int, rng: np.random.Generator) -> LabelledNight:
        night = self.nights[index]
        if self.splicing is None or not self.partners[index]:
            return night
        for _ in range(self.splicing.windows):
            if rng.random() < self.splicing.probability:
                other = self.partners[index][int(rng.integers(len(self.partners[index])))]
                night = splice(night, other, rng, self.splicing)
        return night

    def _mixed(self, place: int, rng: np.random.Generator) -> LabelledNight:
        for pool in self.mixed:
            if place < pool.number:
                return pool.nights[int(rng.integers(len(pool.nights)))]
            place -= pool.number
        raise IndexError(f"place {place} beyond the mixed nights")


def collate(items: Sequence[tuple[ModelInputs, NDArray[np.float32]]]) -> Batch:
    """Pad nights to the longest of them."""
    n_nights, longest = len(items), max(len(target) for _, target in items)
    first = items[0][0]
    steps = first.series.shape[1] // first.features.shape[0]
    features = np.zeros((n_nights, longest, first.features.shape[1]), np.float32)
    series = np.zeros((n_nights, first.series.shape[0], longest * steps), np.float32)
    mask = np.zeros((n_nights, longest, first.mask.shape[1]), np.float32)
    valid = np.zeros((n_nights, longest), np.float32)
    target = np.zeros((n_nights, longest, N_CLASSES), np.float32)
    for b, (inputs, labels) in enumerate(items):
        n = len(labels)
        features[b, :n] = inputs.features
        series[b, :, : n * steps] = inputs.series
        mask[b, :n] = inputs.mask
        valid[b, :n] = 1.0
        target[b, :n] = labels
    return Batch(*(torch.from_numpy(array) for array in (features, series, mask, valid, target)))
