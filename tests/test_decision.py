"""One stage an epoch, with totals that are right."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging.decision import LIKELIEST, DecisionRule, decide, fit_rule
from staging.hypnogram import Hypnogram, merge_matrix

rules = st.builds(DecisionRule, wake_weight=st.floats(0.2, 5.0), n1_share=st.floats(0.0, 1.0))


def drawn(seed: int, n: int = 400) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet([0.4, 0.3, 1.5, 0.5, 0.6], n).astype(np.float32)
    reference = np.array([rng.choice(5, p=row / row.sum()) for row in probabilities.astype(float)])
    return probabilities, reference


@given(st.integers(0, 2**32 - 1), rules)
@settings(deadline=None, max_examples=40)
def test_five_classes_merged_are_the_four_classes(seed, rule):
    probabilities, _ = drawn(seed, 50)
    fine = Hypnogram.from_indices(decide(probabilities, 5, rule))
    np.testing.assert_array_equal(fine.merge(4).indices(), decide(probabilities, 4, rule))


@given(st.integers(0, 2**32 - 1), rules)
@settings(deadline=None, max_examples=20)
def test_total_sleep_time_does_not_depend_on_the_resolution(seed, rule):
    probabilities, _ = drawn(seed, 50)
    awake = [decide(probabilities, n_classes, rule) == 0 for n_classes in (5, 4, 3, 2)]
    for other in awake[1:]:
        np.testing.assert_array_equal(other, awake[0])


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=20)
def test_without_weights_the_likeliest_of_four_classes_is_taken(seed):
    probabilities, _ = drawn(seed, 50)
    likeliest = (probabilities @ merge_matrix(5, 4)).argmax(axis=1)
    np.testing.assert_array_equal(decide(probabilities, 4, LIKELIEST), likeliest)


def test_more_scored_n1_than_light_takes_all_of_light():
    probabilities, _ = drawn(2)
    rule = fit_rule(probabilities, np.full(len(probabilities), 1))
    decided = decide(probabilities, 5, rule)
    assert not (decided == 2).any()


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=20)
def test_the_fitted_rule_gives_the_scored_totals_of_w_and_n1(seed):
    probabilities, reference = drawn(seed)
    decided = decide(probabilities, 5, fit_rule(probabilities, reference))
    assert (decided == 0).sum() == pytest.approx((reference == 0).sum(), abs=1)
    assert (decided == 1).sum() == pytest.approx((reference == 1).sum(), abs=1)


@given(st.integers(0, 2**32 - 1), st.floats(1.0, 3.0))
@settings(deadline=None, max_examples=20)
def test_more_weight_never_takes_wake_away(seed, factor):
    probabilities, _ = drawn(seed, 50)
    more = DecisionRule(wake_weight=factor, n1_share=0.5)
    assert np.all((decide(probabilities, 5, LIKELIEST) != 0) | (decide(probabilities, 5, more) == 0))


def test_the_probabilities_are_left_as_they_are():
    probabilities, _ = drawn(0)
    before = probabilities.copy()
    decide(probabilities, 5, DecisionRule(wake_weight=2.0, n1_share=0.3))
    np.testing.assert_array_equal(probabilities, before)


def test_nobody_awake_in_the_reference_gives_next_to_no_wake():
    probabilities, _ = drawn(1)
    rule = fit_rule(probabilities, np.full(len(probabilities), 2))
    assert (decide(probabilities, 5, rule) == 0).sum() <= 1


def test_no_epochs_fit_no_rule():
    with pytest.raises(ValueError, match="no epochs"):
        fit_rule(np.zeros((0, 5), np.float32), np.zeros(0, np.int64))
