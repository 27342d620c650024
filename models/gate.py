"""What every export has in common: network -> ONNX, and the gate that a file must pass to be written.

The gate runs the file in onnxruntime against torch at several lengths and with every pattern of missing sensors: an
exported graph can be right at the length of its example alone.
"""

from __future__ import annotations

import itertools
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import nn

from staging.errors import OutputError

__all__ = ["LENGTHS", "MAX_DIFFERENCE", "ParityError", "agreement", "missing_patterns", "to_onnx", "write_gated"]

OPSET = 20
LENGTHS = (20, 61, 480, 960, 1500)
"""Numbers of epochs that the gate tries; the example's is not among them."""

EXAMPLE_EPOCHS = 240
MAX_DIFFERENCE = 1e-4
"""Largest difference of a probability between torch and onnxruntime."""


class ParityError(RuntimeError):
    """The exported file does not compute what the network computes."""


def to_onnx(
    network: nn.Module,
    example: Mapping[str, NDArray[np.float32]],
    dynamic_shapes: Sequence[Mapping[int, Any]],
    outputs: Sequence[str] = ("probabilities",),
) -> onnx.ModelProto:
    """A network of one night as ONNX, with nothing of the machine that exported in it.

    Parameters
    ----------
    network : nn.Module
        In evaluation mode.
    example : mapping of str to ndarray of float32
        Inputs by name, of `EXAMPLE_EPOCHS` epochs.
    dynamic_shapes : sequence of mapping
        Which axes of each input depend on the length, as `torch.export` takes them.
    outputs : sequence of str
        Names of what it gives.

    Raises
    ------
    ParityError
        If torch gives no program.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations inside the exporter are not ours to mend
        program = torch.onnx.export(
            network,
            tuple(torch.from_numpy(array) for array in example.values()),
            input_names=list(example),
            output_names=list(outputs),
            dynamic_shapes=tuple(dict(axes) for axes in dynamic_shapes),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    if program is None:
        raise ParityError("torch gave no ONNX program")
    return program.model_proto


def write_gated(model: onnx.ModelProto, entries: Mapping[str, str], path: Path, gate: Callable[[Path], float]) -> float:
    """Write a model with its metadata if, and only if, the gate lets it pass.

    Parameters
    ----------
    model : onnx.ModelProto
        Of `to_onnx`; changed in place.
    entries : mapping of str to str
        Metadata.
    path : path
        Written at once, or not at all.
    gate : callable
        Is given a file, and gives the largest difference of a probability or raises `ParityError`.

    Returns
    -------
    float
        What the gate gave.

    Raises
    ------
    OutputError
        If the folder cannot be written to.
    """
    for key, value in entries.items():
        model.metadata_props.add(key=key, value=value)
    _strip(model)
    onnx.checker.check_model(model)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".onnx", delete=False) as temporary:
            temporary.write(model.SerializeToString(deterministic=True))
    except OSError as error:
        raise OutputError(path, f"it cannot be written ({error.strerror})", "choose another folder") from None
    try:
        difference = gate(Path(temporary.name))
        Path(temporary.name).chmod(0o644)
        Path(temporary.name).replace(path)
    finally:
        Path(temporary.name).unlink(missing_ok=True)
    return difference


def missing_patterns(sensors: Sequence[str]) -> Iterator[tuple[tuple[int, ...], str]]:
    """Every set of sensors that may be present, none and all among them, with its name."""
    for count in range(len(sensors) + 1):
        for present in itertools.combinations(range(len(sensors)), count):
            yield present, ", ".join(sensors[sensor] for sensor in present) or "no sensor"


def agreement(what: str, expected: NDArray[np.float32], found: NDArray[np.float32]) -> float:
    """Largest difference between probabilities of torch and of the file.

    Raises
    ------
    ParityError
        If it exceeds `MAX_DIFFERENCE`, or a stage or the shape differs; names `what`.
    """
    if found.shape != expected.shape:
        raise ParityError(f"{what}: shape {found.shape}, not {expected.shape}")
    difference = float(np.abs(found - expected).max())
    # A tie within rounding may fall either way; anything else must be the same stage.
    margin = np.sort(expected, axis=1)[:, -1] - np.sort(expected, axis=1)[:, -2]
    other = (found.argmax(axis=1) != expected.argmax(axis=1)) & (margin > 1e-5)
    # The negation lets no NaN pass.
    if not difference <= MAX_DIFFERENCE or other.any():
        raise ParityError(f"{what}: probabilities differ by {difference:.2g}, {other.sum()} stages differ")
    return difference


def _strip(model: onnx.ModelProto) -> None:
    """Take out stack traces and paths of the machine that exported."""
    model.producer_name, model.doc_string = "staging", ""
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output, *model.graph.initializer):
        value.doc_string = ""
        if hasattr(value, "metadata_props"):
            del value.metadata_props[:]
    del model.graph.metadata_props[:]
