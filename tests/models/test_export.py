"""The exported file computes what the network computes, or is not written."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from models import export as export_module
from models.ensemble import Ensemble
from models.export import NETWORKS_KEY, ParityError, export
from models.sequence import SequenceNet, SequenceShape
from staging.decision import LIKELIEST
from staging.features import DEFAULT_SPEC, GROUPS, feature_names
from staging.model import SPEC_KEY, Model, ModelSpec

pytestmark = [
    pytest.mark.slow,
    # The exporter's own deprecations, raised while it imports and traces.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

SPEC = ModelSpec(
    spec_version=1,
    name="test",
    version="0",
    stages=("W", "N1", "N2", "N3", "R"),
    features=DEFAULT_SPEC,
    groups=GROUPS,
    decision=LIKELIEST,
    datasets=("none",),
    commit="0",
    headline="none",
)


def ensemble(members: int = 2) -> Ensemble:
    torch.manual_seed(0)
    shape = SequenceShape(
        n_features=len(feature_names(DEFAULT_SPEC)), width=16, series_width=6, heads=2, dilations=(1, 2)
    )
    return Ensemble([SequenceNet(shape).eval() for _ in range(members)], DEFAULT_SPEC)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "model.onnx"
    return path, export(ensemble(), SPEC, path)


def test_the_file_agrees_at_several_lengths_and_every_set_of_sensors(exported):
    path, difference = exported
    assert 0.0 <= difference <= 1e-4
    assert Model(path).spec == SPEC


def test_the_file_names_its_spec_and_nothing_of_the_machine(exported):
    path, _ = exported
    model = onnx.load(path)
    properties = {entry.key: entry.value for entry in model.metadata_props}
    assert set(properties) == {SPEC_KEY, NETWORKS_KEY}
    assert json.loads(properties[SPEC_KEY])["name"] == "test"
    assert model.opset_import[0].version == 20
    assert str(path.parent.parent) not in str(model)
    assert ".py" not in str(model)


def test_what_training_never_showed_is_masked_in_the_graph(tmp_path):
    """Its weights are as they were drawn: fed, they would be noise."""
    network = Ensemble(list(ensemble().members), DEFAULT_SPEC, groups=("heart", "counts"))
    path = tmp_path / "model.onnx"
    export(network, SPEC, path)
    rng = np.random.default_rng(0)
    everything = export_module._random_night(SPEC, 50, range(len(GROUPS)), rng)
    column = np.array([name.startswith(("heart:", "counts:")) for name in feature_names(DEFAULT_SPEC)])
    group = np.array([name in ("heart", "counts") for name in GROUPS])
    masked = dataclasses.replace(everything, features=everything.features * column, mask=everything.mask * group)
    model = Model(path)
    np.testing.assert_array_equal(model.probabilities(everything), model.probabilities(masked))


class RightAtTheExampleOnly(nn.Module):
    """Like an exported recurrent layer: its result depends on the length it was exported with."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = ensemble(1)
        self.example = export_module.EXAMPLE_EPOCHS

    def forward(self, features, series, mask):
        probabilities = self.inner(features, series, mask)
        if torch.onnx.is_in_onnx_export() or torch.compiler.is_exporting():
            return probabilities
        wrong = probabilities.roll(1, dims=1)
        return probabilities if len(features) == self.example else wrong


def test_a_file_that_is_wrong_at_another_length_is_not_written(tmp_path):
    path = tmp_path / "model.onnx"
    with pytest.raises(ParityError, match="20 epochs"):
        export(RightAtTheExampleOnly(), SPEC, path)
    assert list(tmp_path.iterdir()) == []
