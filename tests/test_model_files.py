"""The files that `staging model --export` writes are what they say."""

from __future__ import annotations

import json

import numpy as np
import pytest

from staging.cli import main
from staging.errors import InputError, OutputError
from staging.features import extract
from staging.model import Model, load_model, open_session
from staging.model_files import FORMS, export_model
from staging.raw import RawModel, raw_inputs
from staging.simulate import simulate_night
from staging.tracks import prepare


@pytest.mark.parametrize("form", FORMS)
def test_the_description_is_of_the_graph(form, tmp_path):
    graph, described = export_model(form, tmp_path / "new")
    told = json.loads(described.read_text(encoding="utf-8"))
    assert [graph.name, described.name] == [f"staging_{form}.onnx", f"staging_{form}.json"]
    assert told["model"]["version"] == load_model().spec.version
    session = open_session(graph)
    fed = {entry.name: entry.shape for entry in session.get_inputs()}
    assert set(fed) == set(told["inputs"])
    for name, about in told["inputs"].items():
        told_sizes = [size for size in about["shape"] if isinstance(size, int)]
        assert [size for size in fed[name] if isinstance(size, int)] == told_sizes
    assert {entry.name for entry in session.get_outputs()} == set(told["outputs"])


def test_the_files_stage_as_the_package_does(tmp_path):
    recording = simulate_night(1, duration_h=0.5).recording
    raw, features = (export_model(form, tmp_path)[0] for form in ("raw", "features"))
    inputs = extract(prepare(recording), load_model().spec.features)
    expected = load_model().probabilities(inputs)
    assert np.array_equal(Model(features).probabilities(inputs), expected)
    assert RawModel(raw).run(raw_inputs(recording)).probabilities == pytest.approx(expected, abs=0.02)


def test_streaming_says_how_it_is_called(tmp_path):
    _, described = export_model("streaming", tmp_path)
    assert json.loads(described.read_text(encoding="utf-8"))["call"]["every_s"] == 30.0


def test_an_unknown_form_is_refused(tmp_path):
    with pytest.raises(InputError, match="quantum"):
        export_model("quantum", tmp_path)


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be made"):
        export_model("raw", tmp_path / "file" / "folder")


def test_from_the_command_line(tmp_path, capsys):
    assert main(["model", "--export", "features", "--out", str(tmp_path)]) == 0
    assert capsys.readouterr().out.split() == [str(tmp_path / f"staging_features.{end}") for end in ("onnx", "json")]
    assert main(["model", "--export", "raw", "--model", "mine.onnx"]) == 2
    assert "--export: only the shipped model" in capsys.readouterr().err
