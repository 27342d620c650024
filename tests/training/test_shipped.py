"""The shipped model belongs to the code beside it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from staging.model import load_model
from training.datasets import load_nights
from training.start import SHIPPED, load_start

RESULTS = Path(__file__).parents[2] / "models" / "results"


def results():
    spec = load_model().spec
    return json.loads((RESULTS / f"{spec.name}-{spec.version}.json").read_text(encoding="utf-8"))


def test_the_model_s_figures_and_decision_are_those_of_its_results():
    spec, evaluated = load_model().spec, results()
    kappa = evaluated["datasets"]["sleep_accel"]["classes"]["4"]["pooled"]["kappa"][0]
    assert f"{kappa:.3f} (4 classes)" in spec.headline
    assert dataclasses.asdict(spec.decision) == evaluated["decision"]
    assert load_start(SHIPPED).hours_asleep.describe() == evaluated["hours_asleep"]
    assert set(load_model().posteriors) == {5, 4, 3, 2}


def test_calibration_of_the_shipped_model_is_within_five_hundredths():
    assert results()["datasets"]["sleep_accel"]["calibration"]["ece"][0] <= 0.05


@pytest.mark.parametrize("dataset", ["sleep_accel", "slpdb"])
def test_today_s_tracks_are_those_that_the_model_was_fitted_on(dataset, shared_data):
    nights = load_nights({dataset: shared_data / dataset})
    made = [[night.subject, night.digest()] for night in nights]
    assert made == results()["protocol"]["data"][dataset]["nights"]
