"""One stage an epoch, with totals that are right."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging.decision import LIKELIEST, DecisionRule, decide, fit_rule
from staging.hypnogram import Hypnogram, merge_matrix

rules = st.builds(
    lambda least, times, share: DecisionRule(least_wake_weight=least, most_wake_weight=least * times, n1_share=share),
    st.floats(0.2, 5.0),
    st.floats(1.0, 10.0),
    st.floats(0.0, 1.0),
)


def weighted(factor: float, n1_share: float = 0.5) -> DecisionRule:
    """One weight for every night."""
    return DecisionRule(least_wake_weight=factor, most_wake_weight=factor, n1_share=n1_share)


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


@given(st.integers(0, 2**32 - 1), st.floats(0.3, 4.0))
@settings(deadline=None, max_examples=20)
def test_one_weight_for_every_night_is_a_factor_on_the_probability_of_wake(seed, factor):
    probabilities, _ = drawn(seed, 50)
    four = probabilities @ merge_matrix(5, 4)
    four[:, 0] *= factor
    np.testing.assert_array_equal(decide(probabilities, 4, weighted(factor)), four.argmax(axis=1))


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=20)
def test_without_limits_a_night_has_as_much_wake_as_its_probabilities_add_up_to(seed):
    probabilities, _ = drawn(seed)
    free = DecisionRule(least_wake_weight=1e-6, most_wake_weight=1e6, n1_share=0.5)
    assert (decide(probabilities, 2, free) == 0).sum() == np.rint(probabilities[:, 0].sum(dtype=float))


@given(st.integers(0, 2**32 - 1), rules)
@settings(deadline=None, max_examples=40)
def test_the_limits_hold_whatever_the_probabilities_add_up_to(seed, rule):
    probabilities, _ = drawn(seed, 50)
    awake = decide(probabilities, 4, rule) == 0
    assert not (awake & (decide(probabilities, 4, weighted(rule.most_wake_weight * 1.001)) != 0)).any()
    assert not (~awake & (decide(probabilities, 4, weighted(rule.least_wake_weight * 0.999)) == 0)).any()


def test_somebody_awake_all_night_comes_out_awake_all_night():
    """W adds up to 0.6 of the epochs; but in every one of them it is likeliest, and the weight is never below 1."""
    night = np.tile(np.float32([0.6, 0.1, 0.2, 0.0, 0.1]), (100, 1))
    night[:, 0] += np.linspace(0, 0.01, 100, dtype=np.float32)
    assert (decide(night, 2, fit_rule([night], [np.ones(100, np.int64)])) == 0).all()


def test_wake_of_a_restless_and_of_a_quiet_sleeper_is_found_where_it_is_likeliest_in_each():
    """5 of 100 epochs stand out by as much in both; the same threshold for both would take all of one, or none."""
    low, high = np.full(100, 0.04), np.full(100, 0.2)
    low[:5], high[:5] = 0.24, 0.4
    low[5:] = (5 - low[:5].sum()) / 95
    high[5:] = (5 - high[:5].sum()) / 95
    rule = DecisionRule(least_wake_weight=0.1, most_wake_weight=100.0, n1_share=0.5)
    for w in (low, high):
        night = np.stack([w, 0 * w, 1 - w, 0 * w, 0 * w], axis=1).astype(np.float32)
        assert np.flatnonzero(decide(night, 2, rule) == 0).tolist() == [0, 1, 2, 3, 4]


def test_what_was_not_recorded_adds_up_to_nothing():
    probabilities, _ = drawn(3, 100)
    known = np.arange(100) < 60
    rule = DecisionRule(least_wake_weight=0.5, most_wake_weight=5.0, n1_share=0.3)
    alone = decide(probabilities[:60], 5, rule)
    np.testing.assert_array_equal(decide(probabilities, 5, rule, known=known)[:60], alone)
    assert decide(probabilities, 5, rule, known=np.zeros(100, bool)).shape == (100,)


def test_a_rule_of_one_weight_is_read_as_models_before_2_1_wrote_it():
    assert DecisionRule.from_dict({"wake_weight": 1.8, "n1_share": 0.25}) == weighted(1.8, 0.25)
    rule = DecisionRule(least_wake_weight=1.0, most_wake_weight=4.0, n1_share=0.25)
    assert DecisionRule.from_dict(dataclasses.asdict(rule)) == rule
    for wrong in ({"n1_share": 0.3}, {"wake_weight": 1.0, "n1_share": 0.3, "more": 1.0}):
        with pytest.raises(ValueError, match="keys"):
            DecisionRule.from_dict(wrong)


@pytest.mark.parametrize(
    "values",
    [(0.0, 1.0, 0.3), (-1.0, 1.0, 0.3), (1.0, np.inf, 0.3), (2.0, 1.0, 0.3), (np.nan, 1.0, 0.3), (1.0, 1.0, 1.5)],
)
def test_a_rule_that_cannot_be_is_refused(values):
    with pytest.raises(ValueError, match="weights are positive"):
        DecisionRule.from_dict(dict(zip(("least_wake_weight", "most_wake_weight", "n1_share"), values, strict=True)))


def test_more_scored_n1_than_light_takes_all_of_light():
    probabilities, _ = drawn(2)
    rule = fit_rule([probabilities], [np.full(len(probabilities), 1)])
    assert not (decide(probabilities, 5, rule) == 2).any()


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=20)
def test_the_fitted_rule_gives_the_scored_total_of_n1_over_all_nights(seed):
    nights, stages = zip(*(drawn(seed + more) for more in range(3)), strict=True)
    rule = fit_rule(nights, stages)
    given_, scored = np.concatenate([decide(night, 5, rule) for night in nights]), np.concatenate(stages)
    assert (given_ == 1).sum() == pytest.approx((scored == 1).sum(), abs=1)


@given(st.integers(0, 2**32 - 1), st.floats(1.0, 3.0))
@settings(deadline=None, max_examples=20)
def test_more_weight_never_takes_wake_away(seed, factor):
    probabilities, _ = drawn(seed, 50)
    assert np.all((decide(probabilities, 5, LIKELIEST) != 0) | (decide(probabilities, 5, weighted(factor)) == 0))


def test_the_probabilities_are_left_as_they_are():
    probabilities, _ = drawn(0)
    before = probabilities.copy()
    decide(probabilities, 5, DecisionRule(least_wake_weight=1.0, most_wake_weight=4.0, n1_share=0.3))
    np.testing.assert_array_equal(probabilities, before)


def test_no_epochs_fit_no_rule():
    with pytest.raises(ValueError, match="no epochs"):
        fit_rule([np.zeros((0, 5), np.float32)], [np.zeros(0, np.int64)])
