"""An exported file -> the networks that it was made from, to train them further."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import onnx
import torch

from models.ensemble import Ensemble
from models.export import NETWORKS_KEY, ParityError, parity
from models.hours_asleep import HoursAsleep
from models.sequence import SequenceNet, SequenceShape
from staging.errors import ModelError
from staging.model import Model, ModelSpec

__all__ = ["Restored", "restore", "shape_from"]


class Restored(NamedTuple):
    """Members of an ensemble in evaluation mode, the spec of their file, and what follows them."""

    members: list[SequenceNet]
    spec: ModelSpec
    hours_asleep: HoursAsleep | None

    def ensemble(self) -> Ensemble:
        """What the file computes."""
        return Ensemble(self.members, self.spec.features, self.spec.groups, self.hours_asleep)


def restore(path: Path) -> Restored:
    """The members of an exported ensemble, with the weights that they were exported with, bit for bit.

    Parameters
    ----------
    path : path
        A ``.onnx`` file of `models.export.export`.

    Returns
    -------
    Restored

    Raises
    ------
    ModelError
        If it is no model file, does not say where its weights are, or does not compute what its networks compute as
        they are defined today.
    """
    spec = Model(path).spec
    model = onnx.load(path)
    entry = next((entry.value for entry in model.metadata_props if entry.key == NETWORKS_KEY), None)
    if entry is None:
        raise ModelError(path, f"it has no {NETWORKS_KEY!r}", "export it again from its run, or start from the run")
    networks = json.loads(entry)
    arrays = {held.name: onnx.numpy_helper.to_array(held) for held in model.graph.initializer}
    other_version = "use the version of this package that the model's card names"
    try:
        members = [SequenceNet(shape_from(shape)).eval() for shape in networks["members"]]
        weights = {
            name: torch.tensor(arrays[held].T if transposed else arrays[held])
            for name, (held, transposed) in networks["weights"].items()
        }
        torch.nn.ModuleList(members).load_state_dict(weights)
        later = networks.get("hours_asleep")
        restored = Restored(members, spec, None if later is None else HoursAsleep(**later))
        parity(restored.ensemble(), path, lengths=(61,))
    except (KeyError, TypeError, ValueError, RuntimeError) as error:  # ParityError and torch's refusals among them
        what = "they compute something else" if isinstance(error, ParityError) else str(error).splitlines()[0]
        raise ModelError(path, f"its networks cannot be read back: {what}", other_version) from None
    return restored


def shape_from(values: Mapping[str, Any]) -> SequenceShape:
    """Dimensions from their JSON, in which a tuple is a list."""
    return SequenceShape(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})
