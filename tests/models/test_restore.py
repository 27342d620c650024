"""Networks come back from an exported file as they went in, or not at all."""

from __future__ import annotations

import json
from importlib.resources import as_file, files

import numpy as np
import onnx
import pytest
import torch

from models.ensemble import Ensemble
from models.export import NETWORKS_KEY, ParityError, export, parity
from models.hours_asleep import HoursAsleep
from models.restore import restore
from staging.errors import ModelError
from staging.features import DEFAULT_SPEC, GROUPS, feature_names

from .test_export import SPEC, ensemble

pytestmark = [
    pytest.mark.slow,
    # The exporter's own deprecations, raised while it imports and traces.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "model.onnx"
    network = ensemble()
    export(network, SPEC, path)
    return path, network


def test_every_weight_comes_back_bit_for_bit(exported):
    path, network = exported
    members, spec, hours_asleep = restore(path)
    assert hours_asleep is None
    assert spec == SPEC
    assert [member.shape for member in members] == [member.shape for member in network.members]
    found, expected = torch.nn.ModuleList(members).state_dict(), network.members.state_dict()
    assert found.keys() == expected.keys()
    for name, weight in expected.items():
        assert torch.equal(found[name], weight), name


def test_what_the_hours_asleep_do_is_in_the_graph_and_comes_back(tmp_path):
    """The gate of the export has compared both at several lengths and with every set of sensors."""
    path, later = tmp_path / "model.onnx", HoursAsleep((-0.1, 0.1, 0.0, -2.0, 2.0), 1.25)
    members = list(ensemble().members)
    export(Ensemble(members, DEFAULT_SPEC, hours_asleep=later), SPEC, path)
    restored = restore(path)
    assert restored.hours_asleep.describe() == later.describe()
    assert parity(restored.ensemble(), path, lengths=(480,)) < 1e-5
    with pytest.raises(ParityError):
        parity(Ensemble(members, DEFAULT_SPEC), path, lengths=(480,))


@pytest.mark.parametrize("said", [{"slopes": [0.0, 1.0], "centre": 1.0}, {"slope": [0.0] * 5}, {"centre": "noon"}])
def test_what_the_hours_asleep_do_is_refused_where_it_is_not_what_the_graph_does(exported, tmp_path, said):
    path, _ = exported
    model = onnx.load(path)
    entry = next(entry for entry in model.metadata_props if entry.key == NETWORKS_KEY)
    entry.value = json.dumps(json.loads(entry.value) | {"hours_asleep": said})
    broken = tmp_path / "broken.onnx"
    onnx.save(model, broken)
    with pytest.raises(ModelError, match="networks cannot be read back"):
        restore(broken)


def test_the_shipped_model_is_enough_to_go_on_from():
    with as_file(files("staging.weights") / "staging.onnx") as path:
        assert parity(restore(path).ensemble(), path, lengths=(480,)) < 1e-5


@pytest.mark.parametrize("damage", ["no entry", "no weight", "other shape", "other dilation"])
def test_a_file_that_cannot_be_read_back_is_refused_in_one_line(exported, tmp_path, damage):
    path, _ = exported
    model = onnx.load(path)
    entry = next(entry for entry in model.metadata_props if entry.key == NETWORKS_KEY)
    if damage == "no entry":
        model.metadata_props.remove(entry)
    elif damage == "no weight":
        entry.value = entry.value.replace('"0.head.bias": ["members.0.head.bias"', '"0.head.bias": ["gone"')
    elif damage == "other shape":
        entry.value = entry.value.replace('"width": 16', '"width": 8')
    else:
        entry.value = entry.value.replace('"dilations": [1, 2]', '"dilations": [1, 3]')
    broken = tmp_path / "broken.onnx"
    onnx.save(model, broken)
    with pytest.raises(ModelError, match="networks") as refused:
        restore(broken)
    assert str(broken) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_forgetting_what_was_never_shown_changes_nothing_that_is_computed():
    network = Ensemble(list(ensemble().members), DEFAULT_SPEC, groups=("heart", "clock"))
    rng = np.random.default_rng(0)
    night = [
        torch.from_numpy(rng.normal(size=size).astype(np.float32))
        for size in ((40, len(feature_names(DEFAULT_SPEC))), (4, 240), (40, len(GROUPS)))
    ]
    with torch.no_grad():
        before = network(*night)
        network.forget_unseen()
        torch.testing.assert_close(network(*night), before, rtol=0, atol=0)
        open_to_all = Ensemble(list(network.members), DEFAULT_SPEC)
        torch.testing.assert_close(open_to_all(*night), before, rtol=0, atol=1e-6)
