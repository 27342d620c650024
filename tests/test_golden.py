"""The cases that programs in other languages compare with are what the shipped graph gives."""

from __future__ import annotations

import json

import numpy as np
import pytest

from scripts.make_goldens import cases, decoded
from staging.raw import RAW_CHANNELS, RawInputs, RawModel
from tests.conftest import ROOT

GOLDEN = sorted((ROOT / "tests" / "golden").glob("raw_*.json"))


def read(path):
    case = json.loads(path.read_text(encoding="utf-8"))
    n = case["epochs"]
    arrays = {name: np.zeros((n, *channel.shape), np.float32) for name, channel in RAW_CHANNELS.items()}
    arrays |= {name: decoded(entry) for name, entry in case["inputs"].items()}
    return RawInputs(**arrays), case


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_the_shipped_graph_gives_the_golden_results(path):
    """After another model has been shipped: python -m scripts.make_goldens."""
    inputs, case = read(path)
    model = RawModel()
    found = model.run(inputs)
    assert case["model"] == model.spec.version
    assert found.stages.tolist() == case["outputs"]["stages"]
    for name in ("probabilities", "quality"):
        assert np.abs(getattr(found, name) - decoded(case["outputs"][name])).max() <= 1e-3


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_the_golden_samples_are_the_simulators(path):
    inputs, _ = read(path)
    made = cases()[path.stem.removeprefix("raw_")]
    for name, array in made.arrays().items():
        assert np.allclose(getattr(inputs, name), array, rtol=1e-4, atol=1e-4, equal_nan=True), name


def test_there_are_cases_with_stages_that_differ():
    assert len(GOLDEN) == 3
    assert len({stage for path in GOLDEN for stage in json.loads(path.read_text())["outputs"]["stages"]}) >= 3
