"""Bouts, staying and leaving, and transitions, worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings

from staging.architecture import Rules, summarize, transitions
from tests.architecture.strategies import hypnograms, metric, night


def test_bouts_are_unbroken_runs_of_a_stage():
    architecture = summarize(night("2*4 W 2*2 R*6 2*3"))
    assert architecture.n2_bouts == 3
    assert architecture.n2_bout_mean_min == 1.5
    assert architecture.n2_bout_median_min == 1.5
    assert architecture.n2_bout_max_min == 2.0
    assert architecture.sleep_bouts == 2
    assert architecture.sleep_bout_max_min == 5.5
    assert architecture.r_bouts == 1


def test_the_median_of_an_even_number_of_bouts_lies_between_the_middle_two():
    assert metric(night("2 W 2*2 W 2*5 W 2*9"), "n2_bout_median_min") == 1.75


def test_light_bouts_take_n1_and_n2_as_one_on_fine_and_coarse_hypnograms():
    fine = night("1*2 2*4 3*2 1 W")
    assert metric(fine, "light_bouts") == 2
    assert metric(fine, "light_bout_max_min") == 3.0
    assert metric(fine.merge(4), "light_bout_max_min") == 3.0
    assert metric(fine.merge(3), "nrem_bout_max_min") == metric(fine, "nrem_bout_max_min") == 4.5


def test_an_unscored_epoch_ends_a_bout_but_nobody_saw_it_left():
    architecture = summarize(night("2*4 ? 2*4 W"))
    assert architecture.n2_bouts == 2
    assert architecture.n2_exits_per_h == pytest.approx(1 / (4 / 60))
    assert architecture.n2_stability == 6 / 7


def test_stability_is_the_probability_to_stay_in_the_next_epoch():
    # N2: 4 pairs stay, 2 leave; the last epoch has no next one.
    architecture = summarize(night("2*4 W 2*2 W 2"))
    assert architecture.n2_stability == pytest.approx(4 / 6)
    assert architecture.n2_exits_per_h == pytest.approx(2 / (3.5 / 60))


def test_mean_stability_needs_n2_n3_and_rem_sleep():
    assert metric(night("2*3 3*3 R*3 W"), "stability_mean") == pytest.approx((2 / 3 + 2 / 3 + 2 / 3) / 3)
    assert metric(night("2*3 3*3 W"), "stability_mean") is None


def test_awakenings_have_a_median_and_a_longest():
    architecture = summarize(night("2 W 2 W*4 2 W*20"))
    assert (architecture.awakening_median_min, architecture.awakening_max_min) == (1.25, 2.0)


def test_the_time_constant_is_time_above_the_floor_by_ends_that_were_seen():
    # Bouts of 2 and 4 min that ended, and 3 min that the night cut off: (1.75 + 3.75 + 2.75) / 2.
    assert metric(night("2*4 W 2*8 W 2*6"), "sleep_bout_tau_min") == pytest.approx(8.25 / 2)
    assert metric(night("2*4"), "sleep_bout_tau_min") is None


def test_the_exponent_is_one_plus_ends_by_the_sum_of_logarithms():
    logs = math.log(0.5 / 0.25) + math.log(2.0 / 0.25)
    assert metric(night("2 W 2 W*4 2"), "awakening_alpha") == pytest.approx(1 + 2 / logs)
    # An awakening that lasts to lights-on is censored.
    assert metric(night("2 W 2 W*4"), "awakening_alpha") == pytest.approx(1 + 1 / logs)


def test_the_floor_of_the_fits_is_a_rule():
    assert metric(night("2*4 W 2*8 W"), "sleep_bout_tau_min", rules=Rules(bout_floor_min=0.5)) == pytest.approx(2.5)


def test_transitions_are_counted_between_neighbouring_scored_epochs_in_bed():
    table = transitions(night("W*2 1 2*2 ? 2 W", lights_off_s=30.0))
    expected = np.zeros((5, 5), dtype=int)
    expected[0, 1] = expected[1, 2] = expected[2, 2] = expected[2, 0] = 1
    np.testing.assert_array_equal(table.counts, expected)
    assert table.probabilities[2].tolist() == [0.5, 0.0, 0.5, 0.0, 0.0]
    assert np.isnan(table.probabilities[3]).all()


@settings(deadline=None, max_examples=60)
@given(hypnograms(n_classes=5))
def test_stability_is_the_diagonal_of_the_transition_matrix(hypnogram):
    architecture, table = summarize(hypnogram), transitions(hypnogram)
    for name, row in (("n1", 1), ("n2", 2), ("n3", 3), ("r", 4)):
        expected = table.probabilities[row, row]
        value = architecture.metrics[f"{name}_stability"]
        assert value == pytest.approx(expected) if not np.isnan(expected) else value is None


@settings(deadline=None, max_examples=60)
@given(hypnograms())
def test_bouts_hold_all_the_time_of_their_stage(hypnogram):
    metrics = summarize(hypnogram).metrics
    for kind, total in (("n2", "n2_min"), ("light", "light_min"), ("nrem", "nrem_min"), ("sleep", "tst_min")):
        if metrics[f"{kind}_bout_mean_min"] is not None:
            held = metrics[f"{kind}_bouts"] * metrics[f"{kind}_bout_mean_min"]
            assert held == pytest.approx(metrics[total])
            assert metrics[f"{kind}_bout_median_min"] <= metrics[f"{kind}_bout_max_min"]
