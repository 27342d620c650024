"""What a card says of how far its figures move."""

from __future__ import annotations

import pytest

from training.card import _by_seed, with_intervals


def results(*kappas, dataset="sleep_accel"):
    return {"datasets": {dataset: {"members": [{"4": {"kappa": kappa}} for kappa in kappas]}}}


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
