"""A model file says what it is, or is refused by name."""

from __future__ import annotations

import json

import pytest

from staging.architecture import SequencePosterior
from staging.decision import LIKELIEST
from staging.errors import ModelError
from staging.features import DEFAULT_SPEC, GROUPS
from staging.model import ModelSpec, load_model, model_card, posteriors_from_json, posteriors_to_json

SPEC = ModelSpec(
    spec_version=1,
    name="test",
    version="0",
    stages=("W", "N1", "N2", "N3", "R"),
    features=DEFAULT_SPEC,
    groups=GROUPS,
    decision=LIKELIEST,
    datasets=("made up",),
    commit="0",
    headline="none",
)


def test_a_spec_survives_json():
    assert ModelSpec.from_json(SPEC.to_json()) == SPEC


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda spec: spec.pop("datasets"), "datasets"),
        (lambda spec: spec.update(surprise=1), "surprise"),
        (lambda spec: spec.update(spec_version=2), "spec version 2"),
        (lambda spec: spec.update(stages=["W", "S"]), "stages"),
        (lambda spec: spec.update(decision={"wake_weight": 1.0}), "decision rule"),
        (lambda spec: spec.update(decision=None), "decision rule"),
        (lambda spec: spec["features"].pop("clock_scale_h"), "clock_scale_h"),
        (lambda spec: spec["features"].update(version=3), "feature version 3"),
    ],
)
def test_what_is_missing_unknown_or_of_another_version_is_named(change, named):
    values = json.loads(SPEC.to_json())
    change(values)
    with pytest.raises(ModelError, match=named) as refused:
        ModelSpec.from_json(json.dumps(values), where="my.onnx")
    assert "my.onnx" in str(refused.value)


def test_a_spec_that_is_not_json_is_refused():
    with pytest.raises(ModelError, match="not JSON"):
        ModelSpec.from_json("[")


@pytest.mark.parametrize(
    "text",
    ["[", "[]", "{}x", '{"5": 1}', '{"5": {}}', '{"a": {}}', posteriors_to_json({4: SequencePosterior.usual(5)})],
)
def test_posteriors_that_cannot_be_used_are_refused_by_the_name_of_the_file(text):
    with pytest.raises(ModelError, match=r"my\.onnx: its posteriors cannot be used"):
        posteriors_from_json(text, where="my.onnx")


def test_posteriors_survive_json():
    posteriors = {k: SequencePosterior.usual(k) for k in (5, 2)}
    assert posteriors_from_json(posteriors_to_json(posteriors)) == posteriors
    assert posteriors_from_json("{}") == {}


def test_the_card_is_of_the_model_that_ships():
    spec = load_model().spec
    card = model_card()
    assert f"{spec.name} {spec.version}" in card
    assert spec.headline in card
    for line in spec.datasets:
        assert line in card


def test_a_model_is_loaded_once():
    assert load_model() is load_model()
