"""Figures of waveform networks: counted by hand, and from the sensors that are named."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, cohen_kappa_score, f1_score

from models.waveform import WaveformStager
from models.waveform_spec import SENSORS
from training.waveform_results import headline, measure, stage_probabilities, to_table

from .made_waveforms import waveform_night, without


class Oracle(WaveformStager):
    """Says R where the temperature is above 33 °C and wake elsewhere; without temperature always N2."""

    def __init__(self) -> None:
        torch.nn.Module.__init__(self)

    def forward(self, ppg, acc, temperature, mask):
        stage = torch.where(temperature.mean(1) > 33.0, 4, 0)
        stage = torch.where(mask[:, SENSORS.index("temperature")] > 0, stage, 2)
        return torch.nn.functional.one_hot(stage, 5).float()


def a_night(seed, reference, above, dataset="made_up", subject=None):
    """A night whose temperature is above 33 °C in the epochs given."""
    night = waveform_night(seed)
    temperature_c = np.where(above, 33.5, 32.5)[:, None].repeat(6, 1).astype(np.float32)
    waveforms = dataclasses.replace(night.waveforms, temperature_c=temperature_c)
    return dataclasses.replace(
        night, waveforms=waveforms, reference=reference, dataset=dataset, subject=subject or str(seed)
    )


@pytest.fixture(scope="module")
def nights():
    made = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        reference = rng.choice([-1, 0, 1, 2, 3, 4], 40, p=[0.05, 0.35, 0.1, 0.1, 0.05, 0.35])
        made.append(a_night(seed, reference, (reference == 4) ^ (rng.random(40) < 0.2)))
    return made


@pytest.mark.parametrize(("n_classes", "merged"), [(5, [0, 1, 2, 3, 4]), (4, [0, 1, 1, 2, 3]), (3, [0, 1, 1, 1, 2])])
def test_figures_are_pooled_over_the_scored_epochs(nights, n_classes, merged):
    found = measure(Oracle(), nights)["made_up"]
    assert (found["n_nights"], found["n_subjects"]) == (3, 3)
    reference = np.concatenate([night.reference for night in nights])
    predicted = np.concatenate([np.where(night.waveforms.temperature_c[:, 0] > 33, 4, 0) for night in nights])
    scored = reference >= 0
    assert found["n_epochs"] == scored.sum() < 120
    a, b = (np.array(merged)[each[scored]] for each in (reference, predicted))
    figures = found["sensors"]["ppg, acc, temperature"][str(n_classes)]
    assert figures["kappa"] == pytest.approx(cohen_kappa_score(a, b), abs=1e-4)
    assert figures["accuracy"] == pytest.approx(accuracy_score(a, b), abs=1e-4)
    labels = range(n_classes)
    assert figures["macro_f1"] == pytest.approx(
        f1_score(a, b, labels=labels, average="macro", zero_division=0), abs=1e-4
    )


def test_every_set_of_recorded_sensors_is_measured_and_masked_otherwise(nights):
    sensors = measure(Oracle(), nights)["made_up"]["sensors"]
    assert next(iter(sensors)) == "ppg, acc, temperature"
    assert set(sensors) == {
        "ppg", "acc", "temperature", "ppg, acc", "ppg, temperature", "acc, temperature", "ppg, acc, temperature",
    }  # fmt: skip
    for names, figures in sensors.items():
        assert (figures["5"]["kappa"] > 0.2) == ("temperature" in names)
    no_acc = [without(night, SENSORS.index("acc")) for night in nights]
    assert set(measure(Oracle(), no_acc)["made_up"]["sensors"]) == {"ppg", "temperature", "ppg, temperature"}


def test_data_sets_and_their_subjects_stay_apart(nights):
    other = [
        a_night(7, np.full(40, 4), np.ones(40, bool), "other", "a"),
        a_night(8, np.zeros(40, int), np.zeros(40, bool), "other", "a"),
    ]
    results = measure(Oracle(), [*other, *nights])
    assert (results["other"]["n_nights"], results["other"]["n_subjects"]) == (2, 1)
    assert results["other"]["sensors"]["temperature"]["5"]["kappa"] == 1.0
    assert results["made_up"] == measure(Oracle(), nights)["made_up"]
    json.dumps(results)


def test_results_are_told_in_a_line_and_in_a_table(nights):
    results = measure(Oracle(), nights)
    kappa = results["made_up"]["sensors"]["ppg, acc, temperature"]["4"]["kappa"]
    line = headline(results)
    assert line.startswith("made_up, 3 subjects never seen: pooled kappa ")
    assert f"{kappa:.3f} (4 classes)" in line
    table = to_table(results).splitlines()
    assert table[0].startswith("### made_up: 3 subjects never seen")
    (row,) = [line for line in table if line.startswith("| ppg, acc, temperature |")]
    assert f"| {kappa:.3f} |" in row
    assert len({line.count("|") for line in table if line.startswith("|")}) == 1
    assert "no accuracy" not in "\n".join(table)


def test_simulated_nights_are_called_so_wherever_they_are_told_of(nights):
    results = measure(Oracle(), [dataclasses.replace(night, dataset="simulated") for night in nights])
    for told in (headline(results), to_table(results)):
        assert "no accuracy may be claimed" in told


def test_what_is_not_shown_is_masked(nights):
    assert set(stage_probabilities(Oracle(), nights[0], [0, 1]).argmax(axis=1)) == {2}
    assert set(stage_probabilities(Oracle(), nights[0]).argmax(axis=1)) == {0, 4}
