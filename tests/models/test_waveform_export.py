"""An exported waveform network computes what the network computes, or is not written."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import onnx
import pytest
import torch

from models import waveform_export
from models.gate import ParityError
from models.waveform import WaveformStager
from models.waveform_export import WAVEFORM_KEY, WaveformModel, WaveformModelSpec, export_waveforms, waveform_parity
from models.waveform_spec import DEFAULT_WAVEFORMS, SENSORS
from staging.errors import ModelError

from .made_waveforms import SHAPE, night, small_net

pytestmark = [
    pytest.mark.slow,
    # The exporter's own deprecations, raised while it imports and traces.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

SPEC = WaveformModelSpec(
    spec_version=1,
    name="test",
    version="0",
    stages=("W", "N1", "N2", "N3", "R"),
    inputs=dataclasses.replace(
        DEFAULT_WAVEFORMS, ppg_per_epoch=SHAPE.ppg_per_epoch, acc_per_epoch=SHAPE.acc_per_epoch, acc_cut_hz=1.5
    ),
    sensors=("ppg", "acc"),
    datasets=("made-up nights",),
    commit="0",
    headline="not tested",
)


def stager() -> WaveformStager:
    return WaveformStager([small_net(1), small_net(2)], SPEC.sensors)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "model.onnx"
    return path, export_waveforms(stager(), SPEC, path)


def arrays(n_epochs):
    return tuple(part[0].numpy() for part in night(n_epochs))


def test_the_file_passes_the_gate_and_says_what_it_is(exported):
    path, difference = exported
    assert 0.0 <= difference <= 1e-4
    assert WaveformModel(path).spec == SPEC
    model = onnx.load(path)
    assert {entry.key for entry in model.metadata_props} == {WAVEFORM_KEY}
    assert model.opset_import[0].version == 20
    assert ".py" not in str(model)


@pytest.mark.parametrize("n_epochs", [1, 2, 3, 33, 241, 2000])
def test_the_file_agrees_at_lengths_that_the_gate_does_not_try(exported, n_epochs):
    parts = arrays(n_epochs)
    with torch.no_grad():
        expected = stager().eval()(*map(torch.from_numpy, parts)).numpy()
    found = WaveformModel(exported[0]).probabilities(parts)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-4)
    np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=1e-5)


def test_what_training_never_showed_is_masked_in_the_graph(exported):
    """Its weights are as they were drawn: fed, they would be noise."""
    model = WaveformModel(exported[0])
    *samples, mask = arrays(30)
    never_shown = mask * np.array([sensor in SPEC.sensors for sensor in SENSORS], np.float32)
    np.testing.assert_array_equal(model.probabilities((*samples, mask)), model.probabilities((*samples, never_shown)))


def test_a_file_that_computes_something_else_is_refused(exported):
    other = stager()
    with torch.no_grad():
        other.members[0].head.bias += torch.tensor([0.1, 0.0, 0.0, 0.0, 0.0])
    with pytest.raises(ParityError, match="20 epochs with no sensor"):
        waveform_parity(other.eval(), exported[0])


def test_a_graph_of_something_else_is_not_written(tmp_path, monkeypatch):
    exporter = waveform_export.to_onnx
    other = WaveformStager([small_net(5)])
    monkeypatch.setattr(waveform_export, "to_onnx", lambda _, *arguments: exporter(other, *arguments))
    with pytest.raises(ParityError, match="20 epochs with no sensor"):
        export_waveforms(WaveformStager([small_net(6)]), SPEC, tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def with_spec(path, change):
    model = onnx.load(path)
    (entry,) = model.metadata_props
    change(model, entry)
    return model


def another_version(model, entry):
    entry.value = json.dumps(json.loads(entry.value) | {"spec_version": 9})


def an_extra_key(model, entry):
    entry.value = json.dumps(json.loads(entry.value) | {"surprise": 1})


def a_missing_key(model, entry):
    entry.value = json.dumps({key: value for key, value in json.loads(entry.value).items() if key != "stages"})


def inputs_of_another_kind(model, entry):
    entry.value = json.dumps(json.loads(entry.value) | {"inputs": 7})


def no_spec(model, entry):
    model.metadata_props.remove(entry)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (another_version, "spec version 9"),
        (an_extra_key, "surprise"),
        (a_missing_key, "stages"),
        (inputs_of_another_kind, "cannot be read"),
        (no_spec, "export-waveform"),
    ],
)
def test_a_spec_that_is_not_understood_is_refused_in_one_line(exported, tmp_path, change, named):
    broken = tmp_path / "broken.onnx"
    onnx.save(with_spec(exported[0], change), broken)
    with pytest.raises(ModelError, match=named) as refused:
        WaveformModel(broken)
    assert str(broken) in str(refused.value)
    assert "\n" not in str(refused.value)
