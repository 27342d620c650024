"""Survival curves and fits of bouts: by hand, against slow definitions, and on samples of known origin."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging.architecture import (
    BoutLengths,
    Rules,
    bout_lengths,
    fit_exponential,
    fit_power_law,
    kaplan_meier,
    pool,
    summarize,
    vuong,
)
from tests.architecture.strategies import hypnograms, night

SAMPLES = st.lists(st.tuples(st.integers(1, 40), st.booleans()), min_size=1, max_size=60)


def sample(lengths: np.ndarray, ended: np.ndarray | None = None) -> BoutLengths:
    flags = np.ones(len(lengths), dtype=bool) if ended is None else ended
    return BoutLengths("sleep", np.asarray(lengths, dtype=np.float64), flags, 0.5)


def drawn(family: str, n: int, seed: int) -> BoutLengths:
    rng = np.random.default_rng(seed)
    excess = rng.exponential(1.0, n)
    true = 0.25 + 5.0 * excess if family == "exponential" else 0.25 * np.exp(excess / 0.8)
    return sample(np.maximum(np.floor(true / 0.5 + 0.5), 1.0) * 0.5)


def test_bouts_end_where_another_stage_follows():
    bouts = bout_lengths(night("2*4 W 2*2 ? 2*6 R"), "n2")
    assert bouts.lengths_min.tolist() == [2.0, 1.0, 3.0]
    assert bouts.ended.tolist() == [True, False, True]
    assert bout_lengths(night("2*4 W 2*2"), "n2").ended.tolist() == [True, False]


def test_wake_bouts_are_the_awakenings_with_the_final_one():
    bouts = bout_lengths(night("W*9 2 W*2 2 W*4"), "wake")
    assert bouts.lengths_min.tolist() == [1.0, 2.0]
    assert bouts.ended.tolist() == [True, False]


def test_a_stage_that_the_resolution_does_not_tell_has_no_bouts():
    assert len(bout_lengths(night("L*4 D", n_classes=4), "n2").lengths_min) == 0


def test_an_unknown_kind_of_bout_is_refused():
    with pytest.raises(ValueError, match="unknown kind of bout 'n4'"):
        bout_lengths(night("2"), "n4")


def test_bouts_of_different_kinds_are_not_pooled():
    with pytest.raises(ValueError, match="one kind and one epoch length"):
        pool([bout_lengths(night("2 W"), "sleep"), bout_lengths(night("2 W 2"), "wake")])


def test_kaplan_meier_of_a_textbook_sample():
    # 6 bouts; ends at 1, 3, 3 and 5, censored at 2 and 6: 5/6, then 2/4 of it, then 1/2 of that.
    curve = kaplan_meier([1, 2, 3, 3, 5, 6], [True, False, True, True, True, False])
    assert curve.times_min.tolist() == [1.0, 3.0, 5.0]
    np.testing.assert_allclose(curve.survival, [5 / 6, 5 / 12, 5 / 24])
    assert curve.at_risk.tolist() == [6, 4, 2]
    greenwood = math.sqrt(1 / (6 * 5) + 2 / (4 * 2)) * 5 / 12
    assert curve.standard_error[1] == pytest.approx(greenwood)
    assert curve.median_min == 3.0


def test_a_curve_that_stays_above_one_half_has_no_median():
    assert kaplan_meier([1, 2, 3], [True, False, False]).median_min is None


@settings(deadline=None, max_examples=100)
@given(SAMPLES)
def test_kaplan_meier_is_the_product_over_the_ends(rows):
    lengths, ended = (np.array(column) for column in zip(*rows, strict=True))
    curve = kaplan_meier(lengths, ended)
    for time, survival in zip(curve.times_min, curve.survival, strict=True):
        product = 1.0
        for step in sorted(set(lengths[ended].tolist())):
            if step <= time:
                product *= 1 - np.sum((lengths == step) & ended) / np.sum(lengths >= step)
        assert survival == pytest.approx(product, abs=1e-12)


@pytest.mark.parametrize("fit", [fit_exponential, fit_power_law])
@settings(deadline=None, max_examples=60)
@given(rows=SAMPLES, factor=st.sampled_from([0.9, 0.99, 1.01, 1.1]))
def test_no_other_parameter_is_more_likely(fit, rows, factor):
    lengths, ended = (np.array(column) for column in zip(*rows, strict=True))
    found = fit(sample(lengths * 0.5, ended))
    if found is None:
        assert not ended.any()
        return
    exponential = found.distribution == "exponential"
    excess = lengths * 0.5 - 0.25 if exponential else np.log(lengths * 0.5 / 0.25)
    jacobian = np.zeros(len(lengths)) if exponential else -np.log(lengths * 0.5)

    def log_likelihood(scale: float) -> float:
        return float(np.sum(-excess / scale + ended * (jacobian - np.log(scale))))

    scale = found.parameter if exponential else 1 / (found.parameter - 1)
    assert found.log_likelihood == pytest.approx(log_likelihood(scale))
    assert log_likelihood(scale) >= log_likelihood(scale * factor)


@pytest.mark.parametrize(
    ("family", "fit", "expected"), [("exponential", fit_exponential, 5.0), ("power law", fit_power_law, 1.8)]
)
def test_a_large_sample_gives_its_parameter_back_and_lies_near_its_fit(family, fit, expected):
    found = fit(drawn(family, 20_000, 1))
    assert found.parameter == pytest.approx(expected, rel=0.06)
    assert found.ks < (0.01 if family == "exponential" else 0.06)


def test_the_p_value_tells_the_right_family_from_the_wrong_one():
    right = fit_exponential(drawn("exponential", 150, 2), p_draws=100)
    wrong = fit_power_law(drawn("exponential", 150, 2), p_draws=100)
    assert right.p_value > 0.1
    assert wrong.p_value < 0.02
    assert fit_exponential(drawn("exponential", 150, 2)).p_value is None


def test_the_likelihood_ratio_prefers_the_family_of_the_sample():
    ratio, p_value = vuong(drawn("exponential", 400, 3))
    assert ratio > 3
    assert p_value < 0.01
    ratio, p_value = vuong(drawn("power law", 400, 3))
    assert ratio < -3
    assert p_value < 0.01


def test_the_smaller_criterion_belongs_to_the_likelier_family():
    bouts = drawn("exponential", 400, 4)
    assert fit_exponential(bouts).aic < fit_power_law(bouts).aic


@pytest.mark.parametrize("lengths", [[], [5.0]])
def test_too_few_bouts_have_no_ratio(lengths):
    assert vuong(sample(np.array(lengths))) is None


def test_bouts_that_all_ended_with_the_night_have_no_fit():
    assert fit_exponential(bout_lengths(night("2*9"), "sleep")) is None


@settings(deadline=None, max_examples=60)
@given(hypnograms())
def test_the_metrics_are_the_parameters_of_the_fits(hypnogram):
    metrics = summarize(hypnogram).metrics
    for name, kind, fit in (
        ("sleep_bout_tau_min", "sleep", fit_exponential),
        ("awakening_alpha", "wake", fit_power_law),
    ):
        found = fit(bout_lengths(hypnogram, kind))
        assert metrics[name] == (None if found is None else pytest.approx(found.parameter))


def test_the_floor_is_a_rule():
    bouts = sample(np.array([1.0, 2.0, 3.0]))
    assert fit_exponential(bouts, rules=Rules(bout_floor_min=1.0)).parameter == 1.0
