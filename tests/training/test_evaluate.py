"""Figures that can be checked by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from staging.decision import decide, fit_rule
from training import evaluate
from training.evaluate import NIGHT_METRICS, report, to_markdown
from training.losses import LOSSES
from training.predictions import BUT_TEMPERATURE, SENSOR_SETS, Prediction

from .conftest import made_up_night


def prediction(subject: str, seed: int, fold: int, *, right: float, dataset: str = "made_up") -> Prediction:
    night = made_up_night(subject, seed, n=200, dataset=dataset)
    rng = np.random.default_rng(seed)
    shown = np.where(rng.random(200) < right, night.reference, 2 - night.reference)
    probabilities = np.full((200, 5), 0.05, np.float32)
    probabilities[np.arange(200), shown] = 0.8
    return Prediction(night=night, fold=fold, probabilities=dict.fromkeys(SENSOR_SETS, probabilities))


def predictions(right: float, dataset: str = "made_up") -> list[Prediction]:
    return [prediction(str(i), i, i % 3, right=right, dataset=dataset) for i in range(6)]


@pytest.fixture
def networks_alone(monkeypatch):
    """Probabilities stay as they were made up: nothing is fitted to follow them (see test_hours_asleep.py)."""
    monkeypatch.setattr(evaluate, "fit_hours_asleep", lambda predictions: None)


@pytest.mark.usefixtures("networks_alone")
def test_perfect_predictions_have_a_kappa_of_one_and_no_bias():
    figures = report(predictions(1.0))["made_up"]
    for k in ("5", "4", "3", "2"):
        assert figures["classes"][k]["pooled"]["kappa"] == [1.0, 1.0, 1.0]
    assert figures["nights"]["tst_min"]["bias"] == [0.0, 0.0, 0.0]
    assert figures["calibration"]["ece"][0] == pytest.approx(0.2)
    assert set(figures["nights"]) == set(NIGHT_METRICS)


def test_each_member_alone_is_told_so_that_the_seed_s_worth_is_seen():
    good, poor = predictions(1.0), predictions(0.6)
    both = [
        dataclasses.replace(a, members=(a.probabilities["all"], b.probabilities["all"]))
        for a, b in zip(good, poor, strict=True)
    ]
    figures = report(both)["made_up"]
    better, worse = figures["members"]
    assert better["4"]["kappa"][0] == 1.0 > worse["4"]["kappa"][0] + 0.2
    table = to_markdown({"protocol": {"folds": 3, "held_out": None, "split": "by subject"}, "datasets": {"a": figures}})
    assert f"| all, member 2 alone | {worse['5']['kappa'][0]:.3f} [" in table


def test_what_lost_data_cost_is_told_where_every_night_was_predicted_without_them():
    nights = predictions(1.0)
    assert report(nights)["made_up"]["losses"] == {}
    name = next(iter(LOSSES))
    poor = predictions(0.6)
    both = [
        dataclasses.replace(a, losses=dict.fromkeys(LOSSES, b.probabilities["all"]))
        for a, b in zip(nights, poor, strict=True)
    ]
    figures = report(both)["made_up"]
    assert figures["losses"][name]["4"]["kappa"][0] < figures["classes"]["4"]["pooled"]["kappa"][0] - 0.2
    table = to_markdown({"protocol": {"folds": 3, "held_out": None, "split": "by subject"}, "datasets": {"a": figures}})
    assert f"| {name} | {figures['losses'][name]['5']['kappa'][0]:.3f} [" in table


def test_each_data_set_is_told_apart():
    both = [*predictions(1.0, "a"), *predictions(0.6, "b")]
    figures = report(both)
    assert figures["a"]["classes"]["2"]["pooled"]["kappa"][0] > figures["b"]["classes"]["2"]["pooled"]["kappa"][0]


def test_the_rule_of_a_fold_is_fitted_on_the_others(monkeypatch):
    """No epoch of a fold's own subjects goes into the rule that decides them."""
    nights = predictions(0.9)
    own = {p.fold: sum(int(q.night.usable.sum()) for q in nights if q.fold == p.fold) for p in nights}
    everything, fitted = sum(own.values()), []

    def spy(probabilities, reference):
        fitted.append(sum(map(len, reference)))
        return fit_rule(probabilities, reference)

    monkeypatch.setattr(evaluate, "fit_rule", spy)
    report(nights)
    assert sorted(fitted) == sorted([*(everything - n for n in own.values()), everything]), "and one on all, to ship"


def test_a_single_fold_has_no_others_and_takes_the_likeliest():
    figures = report([prediction("a", 1, 0, right=1.0), prediction("b", 2, 0, right=1.0)])["made_up"]
    assert figures["classes"]["5"]["pooled"]["kappa"][0] == 1.0


def test_epochs_without_a_sensor_are_left_out_and_counted():
    broken = prediction("a", 1, 0, right=1.0)
    broken.night.tracks.coverage["heart"][:50] = 0.0
    broken.night.tracks.coverage["motion"][:50] = 0.0
    figures = report([broken, prediction("b", 2, 1, right=1.0)])["made_up"]
    assert figures["n_epochs_not_recorded"] == 50
    assert figures["n_epochs"] == 350
    assert figures["nights"]["tst_min"]["n_nights"] == 1, "three quarters of a night give no night totals"


def test_epochs_without_a_sensor_add_up_to_no_wake(monkeypatch):
    broken, counted = prediction("a", 1, 0, right=1.0), []
    broken.night.tracks.coverage["heart"][:50] = 0.0
    broken.night.tracks.coverage["motion"][:50] = 0.0

    def spy(probabilities, n_classes, rule, *, known):
        counted.append(known)
        return decide(probabilities, n_classes, rule, known=known)

    monkeypatch.setattr(evaluate, "decide", spy)
    report([broken])
    assert counted
    assert all(np.array_equal(known, np.arange(200) >= 50) for known in counted)


def test_the_table_has_the_figures():
    results = {
        "protocol": {"folds": 3, "held_out": None, "split": "by subject"},
        "datasets": report(predictions(0.9)),
    }
    table = to_markdown(results)
    kappa = results["datasets"]["made_up"]["classes"]["2"]["pooled"]["kappa"]
    assert f"| 2 | pooled | {kappa[0]:.3f} [{kappa[1]:.3f}, {kappa[2]:.3f}] |" in table
    tst = results["datasets"]["made_up"]["nights"]["tst_min"]
    (row,) = (line for line in table.splitlines() if line.startswith("| tst_min |"))
    assert row.split(" | ")[-2:] == [f"{tst['icc']:.2f}", f"{tst['n_nights']} |"]


def test_an_agreement_that_nobody_has_is_a_dash():
    asleep = [
        dataclasses.replace(one, night=dataclasses.replace(one.night, reference=np.full(200, 2)))
        for one in predictions(1.0)
    ]
    always = np.eye(5, dtype=np.float32)[np.full(200, 2)]
    asleep = [dataclasses.replace(one, probabilities=dict.fromkeys(SENSOR_SETS, always)) for one in asleep]
    figures = report(asleep)["made_up"]
    assert figures["classes"]["2"]["per_subject"]["kappa"]["mean"] is None
    table = to_markdown({"protocol": {"folds": 3, "held_out": None, "split": "by subject"}, "datasets": {"a": figures}})
    assert "| 2 | pooled | – | 1.000" in table


@pytest.mark.usefixtures("networks_alone")
def test_what_temperature_adds_is_told_where_it_was_recorded():
    assert BUT_TEMPERATURE not in report(predictions(0.9))["made_up"]["sensors"]
    warm = [
        dataclasses.replace(
            each,
            night=dataclasses.replace(
                each.night, tracks=dataclasses.replace(each.night.tracks, temperature_c=np.full(200, 33.0, np.float32))
            ),
        )
        for each in predictions(0.9)
    ]
    without = [
        dataclasses.replace(a, probabilities=a.probabilities | {BUT_TEMPERATURE: b.probabilities["all"]})
        for a, b in zip(warm, predictions(0.6), strict=True)
    ]
    sensors = report(without)["made_up"]["sensors"]
    assert sensors["all"]["4"]["kappa"][0] > sensors[BUT_TEMPERATURE]["4"]["kappa"][0] + 0.2


def test_agreement_of_each_class_and_set_of_sensors_and_limits_have_intervals():
    figures = report(predictions(0.8))["made_up"]
    triples = [figures["classes"][k]["by_class"]["W"]["f1"] for k in ("5", "4", "3", "2")]
    triples += [case["4"]["kappa"] for case in figures["sensors"].values()]
    triples += figures["nights"]["tst_min"]["limits_of_agreement"]
    assert all(low < value < high for value, low, high in triples)
    assert {"kappa", "accuracy", "macro_f1"} < set(figures["classes"]["4"]["each_night"][0])
