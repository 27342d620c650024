"""A finished run becomes a file and its card; anything else is refused in one line."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from models.waveform_export import WaveformModel
from staging.errors import InputError, OutputError
from training import waveform_shipping
from training.__main__ import main
from training.waveform_results import stage_probabilities
from training.waveform_shipping import export_waveform_run, load_waveform_run

from .made_waveforms import waveform_night

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

SMALL = ["--width", "16", "--encoder-width", "8", "--learnt-width", "4", "--passes", "1"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    simulated = ["--simulated", "3", "--simulated-hours", "0.2", "0.3", "--test", "0.3"]
    assert main(["fit-waveform", *simulated, *SMALL, "--members", "2", "--out", str(folder)]) == 0
    return folder


def copied(run, folder, **changes):
    """A run's folder with another description."""
    folder.mkdir()
    for file in run.glob("*.*"):
        (folder / file.name).write_bytes(file.read_bytes())
    described = folder / "run.json"
    described.write_text(json.dumps(json.loads(described.read_text(encoding="utf-8")) | changes), encoding="utf-8")
    return folder


def test_an_exported_run_stages_as_its_networks_do_and_its_card_says_what_it_is(run, tmp_path):
    out = tmp_path / "waveform.onnx"
    assert main(["export-waveform", str(run), "--version", "3", "--out", str(out)]) == 0
    model = WaveformModel(out)
    assert (model.spec.name, model.spec.version) == ("staging-waveform", "3")
    assert model.spec.stages == ("W", "N1", "N2", "N3", "R")
    assert model.spec.sensors == ("ppg", "acc", "temperature")
    night = waveform_night(1)
    stager, _ = load_waveform_run(run)
    assert len(stager.members) == 2
    np.testing.assert_allclose(
        model.probabilities(night.waveforms.arrays()), stage_probabilities(stager, night), atol=1e-4
    )
    card = (tmp_path / "waveform.card.md").read_text(encoding="utf-8")
    for told in (
        "# staging-waveform 3",
        "2 member(s), fitted on 2 nights of simulated",
        "| ppg, acc, temperature |",
        "no accuracy may be claimed",
        "Seed 0",
    ):
        assert told in card
    assert out.stat().st_size < 5e6


def with_gate_left_out(monkeypatch):
    """The spec of an export without its file, which another test writes."""
    specs = []
    monkeypatch.setattr(waveform_shipping, "export_waveforms", lambda stager, spec, path: specs.append(spec) or 0.0)
    return specs


def test_a_run_that_was_not_tested_says_so(run, tmp_path, monkeypatch):
    specs = with_gate_left_out(monkeypatch)
    untested = copied(run, tmp_path / "run")
    (untested / "results.json").unlink()
    export_waveform_run(untested, tmp_path / "m.onnx", name="n", version="1")
    assert specs[0].headline == "not tested"
    assert "nothing is known of how good it is" in (tmp_path / "m.card.md").read_text(encoding="utf-8")


def test_what_the_nights_did_not_have_stays_masked(run, tmp_path, monkeypatch):
    specs = with_gate_left_out(monkeypatch)
    without_temperature = copied(run, tmp_path / "run", sensors=["ppg", "acc"])
    stager, _ = load_waveform_run(without_temperature)
    assert stager.seen_G.tolist() == [1, 1, 0]
    export_waveform_run(without_temperature, tmp_path / "m.onnx", name="n", version="1")
    assert specs[0].sensors == ("ppg", "acc")
    assert "raw waveforms (ppg, acc)" in (tmp_path / "m.card.md").read_text(encoding="utf-8")


def damaged(folder, damage):
    if damage == "unfinished":
        (folder / "member_1.pt").unlink()
    elif damage == "broken JSON":
        (folder / "run.json").write_text("{", encoding="utf-8")
    elif damage == "no recipe":
        (folder / "run.json").write_text('{"kind": "waveforms"}', encoding="utf-8")
    elif damage == "broken weights":
        (folder / "member_1.pt").write_bytes(b"no weights")
    elif damage == "weights of other dimensions":
        weights = torch.load(folder / "member_1.pt", weights_only=True)
        torch.save({name: value[..., :1] for name, value in weights.items()}, folder / "member_1.pt")
    elif damage == "broken results":
        (folder / "results.json").write_text("{", encoding="utf-8")
    else:
        (folder / "run.json").unlink()


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        ("unfinished", "member_1.pt is missing; give the folder of a finished fit"),
        ("broken JSON", "run.json cannot be read"),
        ("no recipe", "run.json cannot be read"),
        ("broken weights", "member_1.pt"),
        ("weights of other dimensions", "member_1.pt"),
        ("broken results", "results.json cannot be read"),
        ("no description", "it holds no run of the waveform network"),
    ],
)
def test_a_folder_without_a_whole_run_is_one_line(run, tmp_path, capsys, damage, named):
    broken = copied(run, tmp_path / "run")
    damaged(broken, damage)
    assert main(["export-waveform", str(broken), "--version", "1", "--out", str(tmp_path / "m.onnx")]) == 2
    error = capsys.readouterr().err
    assert named in error
    assert error.count("\n") == 1
    assert not (tmp_path / "m.onnx").exists()


def test_a_run_of_the_network_of_tracks_is_refused(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps({"recipe": {"members": 1}}), encoding="utf-8")
    with pytest.raises(InputError, match="no run of the waveform network"):
        load_waveform_run(tmp_path)


def test_a_card_that_cannot_be_written_is_one_line(run, tmp_path, monkeypatch):
    with_gate_left_out(monkeypatch)
    (tmp_path / "m.card.md").mkdir()
    with pytest.raises(OutputError, match=r"m\.card\.md"):
        export_waveform_run(run, tmp_path / "m.onnx", name="n", version="1")
