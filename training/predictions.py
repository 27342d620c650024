"""What networks say of a night: with all sensors or some, alone or together, and had less been recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from models.ensemble import Ensemble
from staging.features import GROUPS, FeatureSpec, ModelInputs, extract, feature_names
from training.losses import LOSSES, lose
from training.night import LabelledNight

__all__ = ["BUT_TEMPERATURE", "SENSOR_SETS", "Prediction", "groups_of", "predict", "probabilities", "with_losses"]

BUT_TEMPERATURE = "heart + motion + clock"
"""All but the temperature: what it adds is told where it was recorded; elsewhere this is ``"all"``."""

SENSOR_SETS: dict[str, frozenset[str]] = {
    "all": frozenset(GROUPS),
    BUT_TEMPERATURE: frozenset({"heart", "counts", "posture", "clock"}),
    "heart + motion": frozenset({"heart", "counts", "posture"}),
    "heart + clock": frozenset({"heart", "clock"}),
    "heart": frozenset({"heart"}),
    "motion + clock": frozenset({"counts", "posture", "clock"}),
    "motion": frozenset({"counts", "posture"}),
    "clock": frozenset({"clock"}),
}
"""What the same networks are shown, for the ablation; ``"all"`` is the default model's case."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Prediction:
    """One night as networks see it that never saw its subject.

    Attributes
    ----------
    night : LabelledNight
    fold : int
    probabilities : dict of str to ndarray of float32, shape (S, 5)
        By the sensors shown, keys `SENSOR_SETS`.
    members : tuple of ndarray of float32, shape (S, 5)
        Of each network alone with all sensors: they differ in their seed, as the same fit made again would.
    losses : dict of str to ndarray of float32, shape (S, 5)
        With all sensors, less of which was recorded, keys `LOSSES`; empty unless the night has heart rate and counts.
    """

    night: LabelledNight
    fold: int
    probabilities: dict[str, NDArray[np.float32]]
    members: tuple[NDArray[np.float32], ...] = ()
    losses: dict[str, NDArray[np.float32]] = field(default_factory=dict)


def predict(network: Ensemble, night: LabelledNight, spec: FeatureSpec) -> dict[str, NDArray[np.float32]]:
    """Probabilities of one night with each set of sensors."""
    inputs = extract(night.tracks, spec)
    return {name: probabilities(network, inputs, spec, groups) for name, groups in SENSOR_SETS.items()}


def with_losses(network: Ensemble, night: LabelledNight, spec: FeatureSpec) -> dict[str, NDArray[np.float32]]:
    """Probabilities of one night less of which was recorded, keys `LOSSES`; empty without heart rate or counts."""
    if not {"heart", "counts"} <= night.groups:
        return {}
    less = {name: extract(lose(night, loss).tracks, spec) for name, loss in LOSSES.items()}
    return {name: probabilities(network, inputs, spec) for name, inputs in less.items()}


def probabilities(
    network: Ensemble, inputs: ModelInputs, spec: FeatureSpec, groups: frozenset[str] = SENSOR_SETS["all"]
) -> NDArray[np.float32]:
    """Probabilities ``(S, 5)`` of the stages, from some groups of the inputs."""
    with torch.no_grad():
        shown = (torch.from_numpy(array) for array in _shown(inputs, spec, groups))
        return np.asarray(network(*shown).numpy())


def _shown(inputs: ModelInputs, spec: FeatureSpec, groups: frozenset[str]) -> tuple[NDArray[np.float32], ...]:
    """Inputs with the other groups masked, exactly as if their sensors had been missing."""
    shown = np.array([group in groups for group in GROUPS], np.float32)
    column = [GROUPS.index(name.partition(":")[0]) for name in feature_names(spec)]
    rows = shown[[GROUPS.index("heart")] * 2 + [GROUPS.index("counts")] * 2]
    return inputs.features * shown[column], inputs.series * rows[:, None], inputs.mask * shown


def groups_of(nights: Sequence[LabelledNight]) -> frozenset[str]:
    """Groups of inputs that any of the nights has."""
    return frozenset().union(*(night.groups for night in nights))
