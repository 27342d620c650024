"""Networks -> one ONNX file that carries its spec, through a parity gate.

The gate runs the file in onnxruntime against torch at several lengths and with every pattern of missing sensors: an
exported graph can be right at the length of its example alone. The file also says where each weight of an ensemble
stands in it, bit for bit, so that the networks can be read back from it (`models.restore`) and trained further.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import nn

from models.ensemble import Ensemble
from models.gate import (
    EXAMPLE_EPOCHS,
    LENGTHS,
    MAX_DIFFERENCE,
    ParityError,
    agreement,
    missing_patterns,
    to_onnx,
    write_gated,
)
from staging.features import GROUPS, ModelInputs, feature_names
from staging.model import SPEC_KEY, Model, ModelSpec

__all__ = ["LENGTHS", "MAX_DIFFERENCE", "NETWORKS_KEY", "ParityError", "export", "parity"]

NETWORKS_KEY = "staging.networks"
"""Key of the members' dimensions, of the places of their weights, and of what follows them, in the file's metadata."""


def export(network: nn.Module, spec: ModelSpec, path: Path) -> float:
    """Write a network as ONNX if, and only if, it passes the gate.

    Parameters
    ----------
    network : nn.Module
        ``forward(features (S, F), series (4, T), mask (S, G))`` to probabilities ``(S, 5)``.
    spec : ModelSpec
        Goes into the file.
    path : path
        Written at once, or not at all.

    Returns
    -------
    float
        Largest difference of a probability found by the gate.

    Raises
    ------
    ParityError
        If a probability differs by more than `MAX_DIFFERENCE`, or a stage differs, at any length or pattern; or if a
        weight of an ensemble is not in the file as it is.
    """
    network = network.eval()
    example = _random_night(spec, EXAMPLE_EPOCHS, range(len(GROUPS)), np.random.default_rng(0))
    epochs = torch.export.Dim("epochs", min=2, max=100_000)
    model = to_onnx(
        network,
        {"features": example.features, "series": example.series, "mask": example.mask},
        ({0: epochs}, {1: 6 * epochs}, {0: epochs}),
    )
    entries = {SPEC_KEY: spec.to_json()}
    if isinstance(network, Ensemble):
        entries[NETWORKS_KEY] = _networks_entry(network, model)
    return write_gated(model, entries, path, lambda file: parity(network, file))


def parity(network: nn.Module, path: Path, *, lengths: Sequence[int] = LENGTHS) -> float:
    """Largest difference of a probability between torch and the file, over lengths and missing sensors.

    Raises
    ------
    ParityError
        See `export`.
    """
    model = Model(path)
    rng = np.random.default_rng(1)
    largest = 0.0
    for length, (present, names) in itertools.product(lengths, missing_patterns(GROUPS)):
        night = _random_night(model.spec, length, present, rng)
        with torch.no_grad():
            arrays = (night.features, night.series, night.mask)
            expected = network(*(torch.from_numpy(array) for array in arrays)).numpy()
        largest = max(largest, agreement(f"{length} epochs with {names}", expected, model.probabilities(night)))
    return largest


def _networks_entry(network: Ensemble, model: onnx.ModelProto) -> str:
    """Dimensions of the members, the initializer that holds each weight, and what the hours asleep do, as JSON.

    The exporter transposes the weights of linear layers and gives them names of its own, and may keep equal weights
    once: each is looked for by its value, bit for bit.

    Raises
    ------
    ParityError
        If a weight is nowhere in the file.
    """
    arrays = {entry.name: onnx.numpy_helper.to_array(entry) for entry in model.graph.initializer}
    places: dict[str, tuple[str, bool]] = {}
    for name, tensor in network.members.state_dict().items():
        for transposed, weight in ((False, tensor.numpy()), (True, tensor.numpy().T)):
            holder = next((other for other, held in arrays.items() if np.array_equal(held, weight)), None)
            if holder is not None:
                places[name] = (holder, transposed)
                break
        else:
            raise ParityError(f"the weight {name} is not in the exported file as it is")
    entry: dict[str, Any] = {
        "members": [dataclasses.asdict(member.shape) for member in network.members],
        "weights": places,
    }
    if network.hours_asleep is not None:
        entry["hours_asleep"] = network.hours_asleep.describe()
    return json.dumps(entry)


def _random_night(
    spec: ModelSpec, length: int, present: range | tuple[int, ...], rng: np.random.Generator
) -> ModelInputs:
    """Noise in the inputs of the sensors that are present, zero in the others."""
    names = feature_names(spec.features)
    group_of = np.array([GROUPS.index(name.partition(":")[0]) for name in names])
    mask = np.zeros((length, len(GROUPS)), np.float32)
    mask[:, list(present)] = 1.0
    features = rng.normal(size=(length, len(names))).astype(np.float32) * mask[:, group_of]
    series = rng.normal(size=(4, 6 * length)).astype(np.float32)
    for group, rows in (("heart", slice(0, 2)), ("counts", slice(2, 4))):
        series[rows] *= np.repeat(mask[:, GROUPS.index(group)], 6)
    return ModelInputs(features=features, series=series, mask=mask)
