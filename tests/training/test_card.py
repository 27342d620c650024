"""What a card says of how far its figures move."""

from __future__ import annotations

import json

import pytest

from training.card import _by_seed, _how_fitted, _networks, _options, with_intervals
from training.recipe import Recipe


def results(*kappas, dataset="sleep_accel"):
    return {"datasets": {dataset: {"members": [{"4": {"kappa": [kappa, None, None]}} for kappa in kappas]}}}


def test_the_networks_alone_tell_what_another_seed_would_give():
    said = _by_seed(results(0.571, 0.562, 0.587))
    assert "on Sleep-Accel each alone has a κ of\n0.562 to 0.587 in 4 classes" in said


@pytest.mark.parametrize("kappas", [(), (0.5,), (0.5, None)])
def test_one_network_alone_tells_nothing_of_it(kappas):
    assert _by_seed(results(*kappas)) == ""


def test_the_set_of_the_default_model_stands_for_all():
    both = {"datasets": results(0.1, 0.2, dataset="a")["datasets"] | results(0.5, 0.6)["datasets"]}
    assert "0.500 to 0.600" in _by_seed(both)


def test_intervals_come_before_what_was_not_tested_and_once():
    card = "# m 1\n\n## How good it is\n\nfigures\n\n## What it was not tested on, and more\n\nlimits\n"
    once = with_intervals(card, {"dataset": "sleep_accel"}, "| tst_min | 24 |\n")
    assert once.index("figures") < once.index("| tst_min | 24 |") < once.index("limits")
    again = with_intervals(once, {"dataset": "sleep_accel"}, "| tst_min | 25 |\n")
    assert "| tst_min | 24 |" not in again
    assert again.count("## How far its intervals") == again.count("limits") == 1


def run(members=3, **more):
    recipe = json.loads(Recipe(members=members).to_json())
    data = {"slpdb": {"attribution": "of slpdb", "nights": [["a", "0"], ["b", "1"]]}}
    return {"recipe": recipe, "data": data, "hypnograms": ["of hypnograms"], "seed": 0, **more}


OF_NOBODY = {"mmash": {"attribution": "of mmash", "nights": [["c", "2"]] * 22}}
OPTIONS = "--data slpdb=FOLDER --hypnograms FOLDER"


def test_a_card_says_whether_nights_were_spliced():
    said = "of the scored nights, others each time, had"
    spliced = run()
    assert f"84% {said} up to 2 windows of others' nights in" in _how_fitted(spliced)
    once = spliced["recipe"] | {"splicing": {"probability": 0.5, "share": [0.2, 0.6], "largest_scale": 1.5}}
    assert f"50% {said} a window of another sleeper's night in" in _how_fitted(spliced | {"recipe": once})
    for recipe in (
        spliced["recipe"] | {"splicing": None},
        {k: v for k, v in spliced["recipe"].items() if k != "splicing"},
    ):
        assert said not in _how_fitted(spliced | {"recipe": recipe})


def test_a_card_says_who_taught_and_how_to_ask_for_it():
    taught = run(1, teaching={"teacher": run(2), "mixed": 15, "share": 0.5, "data": OF_NOBODY})
    said = " ".join(_how_fitted(taught).split())
    assert "of a scored epoch, 50% is what they say" in said
    assert "15, drawn from 22 nights that nobody scored" in said
    assert f"mean of 2 networks) are made by python -m training fit {OPTIONS} --members 2 --seed 0 --out RUN_" in said
    assert _options(taught, "T") == f"{OPTIONS} --members 1 --teacher T --unlabelled mmash=FOLDER --seed 0"
    assert _networks(taught["recipe"]) == "One network"


def test_a_card_speaks_of_no_unscored_nights_where_there_were_none():
    taught = run(1, teaching={"teacher": run(), "mixed": 15, "share": 0.5, "data": {}})
    assert "nobody" not in _how_fitted(taught)


def test_a_card_without_teachers_does_not_speak_of_them():
    assert "TEACHERS" not in _how_fitted(run())
    assert _options(run(), "T") == f"{OPTIONS} --seed 0"
    assert _networks(run()["recipe"]) == "The mean of 3 networks"
