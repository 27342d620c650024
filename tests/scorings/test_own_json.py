"""The JSON of this package: all that a hypnogram holds comes back."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given, settings

from staging.errors import FormatError
from staging.scorings import read_hypnogram, write_hypnogram
from tests.architecture.strategies import hypnograms, night


@settings(deadline=None, max_examples=40)
@given(hypnograms(clock=True, lights=True, max_runs=8, max_run=9))
def test_everything_comes_back(tmp_path_factory, hypnogram):
    rng = np.random.default_rng(0)
    n = len(hypnogram)
    probabilities = rng.dirichlet(np.ones(hypnogram.n_classes), n).astype(np.float32)
    probabilities[0] = np.nan
    full = dataclasses.replace(
        hypnogram, probabilities=probabilities, coverage={"heart": rng.random(n, dtype=np.float32)}, warnings=("odd",)
    )
    again = read_hypnogram(write_hypnogram(full, tmp_path_factory.mktemp("json") / "night.json"))
    np.testing.assert_array_equal(again.stages, full.stages)
    np.testing.assert_allclose(again.probabilities, full.probabilities, atol=5.1e-5)
    np.testing.assert_allclose(again.coverage["heart"], full.coverage["heart"], atol=5.1e-4)
    for name in ("n_classes", "epoch_s", "start", "lights_off_s", "lights_on_s", "warnings"):
        assert getattr(again, name) == getattr(full, name), name


def test_what_is_not_known_is_null(tmp_path):
    document = json.loads(write_hypnogram(night("W"), tmp_path / "night.json").read_text())
    assert (document["start"], document["probabilities"], document["coverage"]) == (None, None, {})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema": "staging.hypnogram/9"}, "is of schema 'staging.hypnogram/9'"),
        ({"classes": ["W", "X"]}, "has the unknown classes"),
        ({"stages": ["W", "N9"]}, "unknown stage 'N9'"),
        ({"epoch_s": "x"}, "a field is missing or wrong"),
        ({"stages": None}, "unknown stage"),
        ({"start": "yesterday"}, "a field is missing or wrong"),
        ({"probabilities": [[1, 0]]}, "probabilities of shape"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, change, words):
    path = write_hypnogram(night("W 2"), tmp_path / "night.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(FormatError) as caught:
        read_hypnogram(path)
    assert words in str(caught.value)


def test_broken_json_is_named_with_its_line(tmp_path):
    path = tmp_path / "night.json"
    path.write_text('{"schema": "staging.hypnogram/1.0",\n "stages": [,]}')
    with pytest.raises(FormatError, match="line 2 is not JSON"):
        read_hypnogram(path)
    path.write_text('{"schema": "staging.hypnogram/1.0", "classes": ["W", "S"]}')
    with pytest.raises(FormatError, match="a field is missing or wrong"):
        read_hypnogram(path)
