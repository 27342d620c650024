"""The published JSON Schema and the table of metrics say what the code does."""

from __future__ import annotations

import dataclasses
import json
import math
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.write_metrics_table import FOLDER, documents, main
from staging.architecture import (
    NightRules,
    compare_with_norms,
    json_schema,
    metric_intervals,
    nights_schema,
    summarize,
    summarize_nights,
)
from staging.architecture.catalogue import CATALOGUE
from staging.architecture.norms import NORMS
from staging.hypnogram import Hypnogram
from tests.architecture.strategies import hypnograms, night

TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}


def broken(schema: dict, value: object, path: str = "$") -> list[str]:
    """Where a value breaks a schema, for the keywords that ours uses; others raise."""
    unknown = set(schema) - {
        *("$schema", "title", "description", "format", "type", "properties", "required", "additionalProperties"),
        *("items", "enum", "const", "anyOf", "minimum", "maximum", "exclusiveMinimum"),
    }
    assert not unknown, unknown
    if "const" in schema and value != schema["const"]:
        return [f"{path} is not {schema['const']!r}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{path} is not one of {schema['enum']}"]
    if "anyOf" in schema:
        tries = [broken(each, value, path) for each in schema["anyOf"]]
        return [] if [] in tries else tries[0]
    if "type" in schema:
        names = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
        fits = any(
            isinstance(value, TYPES[name]) and (name == "boolean" or not isinstance(value, bool)) for name in names
        )
        if not fits:
            return [f"{path} is {type(value).__name__}, not {names}"]
    found: list[str] = []
    if isinstance(value, int | float):
        assert math.isfinite(value)
        for key, wrong in (
            ("minimum", value < schema.get("minimum", value)),
            ("maximum", value > schema.get("maximum", value)),
        ):
            if wrong and abs(value - schema[key]) > 1e-9:
                found.append(f"{path} = {value} passes its {key}")
        if "exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"]:
            found.append(f"{path} = {value}")
    if isinstance(value, list):
        for index, each in enumerate(value):
            found += broken(schema.get("items", {}), each, f"{path}[{index}]")
    if isinstance(value, dict):
        found += [f"{path} lacks {name}" for name in schema.get("required", []) if name not in value]
        rest = schema.get("additionalProperties", True)
        for name, each in value.items():
            inner = schema.get("properties", {}).get(name, rest)
            if inner is False:
                found.append(f"{path} has {name}")
            elif isinstance(inner, dict):
                found += broken(inner, each, f"{path}.{name}")
    return found


@pytest.mark.parametrize("name", ["METRICS.md", "schema.json"])
def test_the_generated_files_are_up_to_date(name):
    expected = documents()[FOLDER / name]
    assert (FOLDER / name).read_text(encoding="utf-8") == expected, "run python -m scripts.write_metrics_table"


def test_the_check_notices_a_stale_file(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("scripts.write_metrics_table.FOLDER", tmp_path)
    assert main(["--check"]) == 1
    assert "METRICS.md is out of date" in capsys.readouterr().err
    assert main([]) == 0
    assert main(["--check"]) == 0


def test_the_table_names_every_metric_once():
    text, norms = (FOLDER / "METRICS.md").read_text(encoding="utf-8").split("## Published in healthy adults")
    named = [[line.split("`")[1] for line in part.splitlines() if line.startswith("| `")] for part in (text, norms)]
    assert named[0] == list(CATALOGUE)
    assert named[1] == [norm.metric for norm in NORMS]


@settings(deadline=None, max_examples=20)
@given(st.lists(hypnograms(clock=True), max_size=3))
def test_many_nights_keep_to_their_schema(hypnograms):
    separate = [
        dataclasses.replace(night, start=night.start + timedelta(days=500 * index))
        for index, night in enumerate(hypnograms)
    ]
    many = summarize_nights(separate, night_rules=NightRules(min_tib_min=0.0))
    document = json.loads(json.dumps(many.to_dict(), allow_nan=False))
    assert broken(nights_schema(), document) == []
    assert broken(nights_schema(), {**document, "unknown": 1})


@settings(deadline=None, max_examples=60)
@given(hypnograms(lights=True, clock=True))
def test_what_is_written_keeps_to_the_schema(hypnogram):
    document = json.loads(json.dumps(summarize(hypnogram).to_dict(), allow_nan=False))
    assert broken(json_schema(), document) == []


def test_intervals_and_norms_keep_to_the_schema():
    hypnogram = night("W*20 2*60 3*20 R*20 W*2 2*40 R*20 W*4")
    unsure = np.full((len(hypnogram), 5), 0.2, dtype=np.float32)
    given_night = Hypnogram(stages=hypnogram.stages, probabilities=unsure)
    architecture = summarize(given_night)
    document = architecture.to_dict(
        intervals=metric_intervals(given_night, draws=20),
        norms=compare_with_norms(architecture.metrics, age_years=30),
    )
    assert broken(json_schema(), document) == []


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "staging.architecture/9"},
        {"epochs": 0},
        {"classes": ["W", "X"]},
        {"metrics": {}},
        {"unknown": 1},
        {"cycles": [{"number": 1}]},
        {"warnings": "none"},
    ],
)
def test_the_schema_refuses_what_is_wrong(change):
    document = summarize(night("W 2")).to_dict()
    assert broken(json_schema(), {**document, **change})


def test_the_schema_refuses_a_share_above_100_percent():
    document = summarize(night("W 2")).to_dict()
    document["metrics"]["se_pct"] = 101.0
    assert broken(json_schema(), document) == ["$.metrics.se_pct = 101.0 passes its maximum"]
