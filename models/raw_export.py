"""The shipped network and the signal processing before it -> one ONNX file that reads raw samples.

    python -m models.raw_export [--model FILE] [--out FILE]

The network is taken from its own file as it stands, node by node; the front end is put before it and the decision
behind it. The file is written only if it stages simulated nights as `staging.stage` does, whatever is missing.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import compose

from models.gate import EXAMPLE_EPOCHS, ParityError, to_onnx, write_gated
from models.raw import Decision, FrontEnd
from models.raw_agreement import RawAgreement, compare, simulated_recordings
from staging.decision import DecisionRule
from staging.errors import StagingError
from staging.features import FeatureSpec
from staging.model import SPEC_KEY, Model
from staging.raw import OUTPUTS, RAW_CHANNELS, RAW_KEY, RAW_MODEL, RawModel, interface
from staging.tracks import MIN_EPOCHS, SENSORS

__all__ = ["build", "front_end", "main"]

WEIGHTS = Path(__file__).resolve().parents[1] / "staging" / "weights"

NETWORK_INPUTS = ("features", "series", "mask")


def build(network: Path, path: Path, front: onnx.ModelProto | None = None) -> list[RawAgreement]:
    """Write the raw graph of a network if, and only if, it agrees with `staging.stage` on simulated nights.

    Parameters
    ----------
    network : path
        A ``.onnx`` file of `models.export.export`.
    path : path
        Written at once, or not at all.
    front : onnx.ModelProto, optional
        Of `front_end` for the network's features, where it has been made already: that takes a minute.

    Returns
    -------
    list of RawAgreement
        Of every night that was tried.

    Raises
    ------
    ParityError
        If a night is staged otherwise.
    ModelError
        If `network` is no model file.
    """
    spec = Model(network).spec
    front = compose.add_prefix(front or front_end(spec.features), "front/")
    middle = onnx.compose.add_prefix(onnx.load(network), "network/")
    rule = compose.add_prefix(_decision(spec.decision), "rule/")
    _same_version(front, middle, rule)
    whole = compose.merge_models(
        front, middle, io_map=[(f"front/{name}", f"network/{name}") for name in NETWORK_INPUTS]
    )
    between = {"network/probabilities": "rule/probabilities", "front/quality": "rule/quality"}
    shown = [value for value in whole.graph.output if value.name in between]
    whole = compose.merge_models(whole, rule, io_map=list(between.items()))
    # What one part reads of another is no output of the whole unless it is said to be.
    whole.graph.output.extend(shown)
    _name_interface(whole)
    del whole.metadata_props[:]
    agreements: list[RawAgreement] = []

    def gate(file: Path) -> float:
        agreements.extend(_tried(file, network))
        return max(found.largest for found in agreements)

    entries = {SPEC_KEY: spec.to_json(), RAW_KEY: json.dumps(interface(), sort_keys=True)}
    write_gated(whole, entries, path, gate)
    return agreements


def main(arguments: list[str] | None = None) -> int:
    """Build the raw graph, and say how it agrees."""
    parser = argparse.ArgumentParser(prog="python -m models.raw_export", description=__doc__.partition("\n")[0])
    parser.add_argument("--model", type=Path, default=WEIGHTS / "staging.onnx", help="network (default: the shipped)")
    parser.add_argument("--out", type=Path, default=WEIGHTS / RAW_MODEL, help="file to write (default: the shipped)")
    options = parser.parse_args(arguments)
    try:
        agreements = build(options.model, options.out)
    except (StagingError, ParityError) as error:
        print(f"raw_export: {error}", file=sys.stderr)
        return 2
    n, other = sum(found.n_epochs for found in agreements), sum(found.n_other for found in agreements)
    print(
        f"{options.out}: {options.out.stat().st_size / 1e6:.2f} MB; {n} epochs of {len(agreements)} simulated nights, "
        f"{other} of another stage, probabilities within {max(found.largest for found in agreements):.1g}"
    )
    return 0


def front_end(spec: FeatureSpec) -> onnx.ModelProto:
    """Raw channels to the network's inputs and the sensors' quality, as ONNX.

    Parameters
    ----------
    spec : FeatureSpec
        Of the network.
    """
    rng = np.random.default_rng(0)
    example = {
        name: rng.normal(size=(EXAMPLE_EPOCHS, *channel.shape)).astype(np.float32)
        for name, channel in RAW_CHANNELS.items()
    }
    example["present"] = np.ones((EXAMPLE_EPOCHS, len(RAW_CHANNELS)), np.float32)
    epochs = torch.export.Dim("epochs", min=MIN_EPOCHS, max=100_000)
    names = (*NETWORK_INPUTS, "quality")
    return to_onnx(FrontEnd(spec).eval(), example, [{0: epochs}] * len(example), names)


def _decision(rule: DecisionRule) -> onnx.ModelProto:
    rng = np.random.default_rng(0)
    example = {
        "probabilities": rng.random((EXAMPLE_EPOCHS, 5)).astype(np.float32),
        "quality": rng.random((EXAMPLE_EPOCHS, len(SENSORS))).astype(np.float32),
    }
    epochs = torch.export.Dim("epochs", min=MIN_EPOCHS, max=100_000)
    return to_onnx(Decision(rule).eval(), example, [{0: epochs}] * 2, ("stages",))


def _same_version(*models: onnx.ModelProto) -> None:
    """The intermediate representation of the oldest; their operators are of one set already."""
    oldest = min(model.ir_version for model in models)
    for model in models:
        model.ir_version = oldest


def _name_interface(model: onnx.ModelProto) -> None:
    """Inputs and outputs under their own names, with their axes named alike."""
    names = {f"front/{name}": name for name in (*RAW_CHANNELS, "present")}
    names |= {"network/probabilities": "probabilities", "front/quality": "quality", "rule/stages": "stages"}
    graph = model.graph
    for node in graph.node:
        for places in (node.input, node.output):
            for place, name in enumerate(places):
                places[place] = names.get(name, name)
    for value in (*graph.input, *graph.output, *graph.value_info):
        value.name = names.get(value.name, value.name)
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "epochs"
    order = {name: place for place, name in enumerate((*RAW_CHANNELS, "present", *OUTPUTS))}
    for values in (graph.input, graph.output):
        ordered = sorted(values, key=lambda value: order[value.name])
        del values[:]
        values.extend(ordered)


def _tried(file: Path, network: Path) -> Iterator[RawAgreement]:
    model = RawModel(file)
    for name, recording in simulated_recordings():
        found = compare(model, recording, network)
        if not found.passes:
            raise ParityError(
                f"{name}: {found.n_other} of {found.n_epochs} epochs are of another stage, "
                f"probabilities differ by {found.largest:.2g}"
            )
        yield found


if __name__ == "__main__":
    sys.exit(main())
