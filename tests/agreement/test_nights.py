"""Night by night: bias, limits of agreement, and what they depend on."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_allclose
from scipy import stats

from staging.agreement import Resampling, compare_nights, night_agreement, pair
from staging.architecture import summarize
from staging.errors import InputError
from staging.hypnogram import Hypnogram

FEW = Resampling(n_resamples=300)

minutes = st.floats(0, 600).map(lambda value: round(value * 2) / 2)


def columns(least: int = 3):
    return hnp.arrays(np.float64, st.tuples(st.integers(least, 20), st.just(2)), elements=minutes)


def compare(reference, predicted, **options):
    return compare_nights(reference, predicted, name="tst_min", unit="min", **{"resampling": FEW, **options})


def normal(n: int, seed: int = 0, sd: float = 20.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    reference = rng.normal(420, 45, n)
    return reference, reference + rng.normal(8, sd, n)


@settings(deadline=None, max_examples=50)
@given(columns())
def test_bias_sd_and_limits_are_those_of_the_differences(values):
    reference, predicted = values.T
    difference = predicted - reference
    result = compare(reference, predicted)
    assert result.bias == pytest.approx(difference.mean(), abs=1e-9)
    assert result.sd == pytest.approx(difference.std(ddof=1), abs=1e-6)
    assert_allclose(result.loa, result.bias + np.array([-1.96, 1.96]) * result.sd)
    assert result.mean_absolute == pytest.approx(np.abs(difference).mean())
    assert result.mean_absolute >= abs(result.bias) - 1e-9


@settings(deadline=None, max_examples=40)
@given(columns())
def test_swapping_the_two_turns_the_bias_round(values):
    forward, backward = compare(*values.T), compare(*values.T[::-1])
    assert forward.bias == pytest.approx(-backward.bias, abs=1e-9)
    assert forward.sd == pytest.approx(backward.sd, abs=1e-6)
    assert forward.icc == pytest.approx(backward.icc, nan_ok=True)


@settings(deadline=None, max_examples=40)
@given(columns(), st.randoms(use_true_random=False))
def test_the_order_of_nights_changes_no_estimate(values, random):
    order = list(range(len(values)))
    random.shuffle(order)
    one, two = compare(*values.T), compare(*values[order].T)
    for name in ("bias", "sd", "residual_sd", "shapiro_p", "icc"):
        assert getattr(one, name) == pytest.approx(getattr(two, name), abs=1e-6, nan_ok=True)
    assert one.bias_line.p == pytest.approx(two.bias_line.p, abs=1e-6, nan_ok=True)


@settings(deadline=None, max_examples=40)
@given(columns())
def test_intervals_hold_the_bias(values):
    result = compare(*values.T)
    for low, high in (result.bias_interval, result.bias_interval_t):
        assert low - 1e-9 <= result.bias <= high + 1e-9


@settings(deadline=None, max_examples=30)
@given(columns(least=4), st.data())
def test_nights_without_a_value_are_left_out_and_counted(values, data):
    reference, predicted = values.T.copy()
    gone = data.draw(st.integers(0, len(values) - 1))
    (reference if data.draw(st.booleans()) else predicted)[gone] = np.nan
    result = compare(reference, predicted)
    without = compare(*np.delete(values, gone, axis=0).T)
    assert (result.n_nights, result.n_left_out) == (len(values) - 1, 1)
    assert (result.bias, result.sd) == (without.bias, without.sd)
    assert np.isnan(result.difference[gone])
    assert result.reference_mean == pytest.approx(without.reference_mean)


def test_the_interval_by_t_and_the_line_equal_scipys():
    reference, predicted = normal(30)
    result = compare(reference, predicted)
    difference = predicted - reference
    assert_allclose(result.bias_interval_t, stats.ttest_1samp(difference, 0).confidence_interval(0.95))
    line = stats.linregress(reference, difference)
    assert_allclose(dataclasses.astuple(result.bias_line), (line.intercept, line.slope, line.pvalue))
    residuals = difference - line.intercept - line.slope * reference
    spread = stats.linregress(reference, np.abs(residuals))
    assert_allclose(dataclasses.astuple(result.spread_line), (spread.intercept, spread.slope, spread.pvalue))
    assert result.residual_sd == pytest.approx(residuals.std(ddof=1))
    assert_allclose((result.shapiro_w, result.shapiro_p), stats.shapiro(difference))


def test_a_constant_difference_is_all_bias():
    result = compare([400.1, 420.2, 380.3, 390.4], [410.1, 430.2, 390.3, 400.4])
    assert result.bias == pytest.approx(10.0)
    assert result.sd == 0.0
    assert_allclose(result.loa, 10.0)
    assert not result.proportional_bias
    assert not result.heteroscedastic
    assert result.normal is None
    assert_allclose([*result.bias_interval, *result.bias_interval_t], 10.0)


def test_a_device_that_gives_a_fifth_too_much_has_a_proportional_bias_and_no_spread_about_it():
    reference = np.array([300.0, 350.0, 400.0, 450.0, 500.0])
    result = compare(reference, 1.2 * reference)
    assert result.bias_line.slope == pytest.approx(0.2)
    assert result.bias_line.intercept == pytest.approx(0.0, abs=1e-9)
    assert result.proportional_bias
    assert not result.heteroscedastic
    bias, low, high = result.limits_at([100.0, 200.0])
    assert_allclose(bias, [20.0, 40.0])
    assert_allclose([low, high], [bias, bias], atol=1e-9)


def test_limits_are_constant_where_neither_bias_nor_spread_varies():
    result = compare([400.0, 420.0, 440.0, 460.0, 380.0], [410.0, 424.0, 452.0, 466.0, 388.0])
    assert not result.proportional_bias
    assert not result.heteroscedastic
    bias, low, high = result.limits_at([300.0, 500.0])
    assert_allclose(bias, result.bias)
    assert_allclose(low, result.loa[0])
    assert_allclose(high, result.loa[1])


def test_limits_widen_by_246_times_the_fitted_absolute_residual_where_the_spread_grows():
    reference = np.repeat(np.arange(10.0, 210.0, 10.0), 2)
    sign = np.tile([1.0, -1.0], 20)
    result = compare(reference, reference + sign * 0.1 * reference)
    assert result.heteroscedastic
    assert not result.proportional_bias
    assert (result.spread_line.intercept, result.spread_line.slope) == (
        pytest.approx(0.0, abs=1e-9),
        pytest.approx(0.1),
    )
    bias, low, high = result.limits_at([50.0, 100.0])
    assert_allclose((high - low) / 2, 1.96 * np.sqrt(np.pi / 2) * np.array([5.0, 10.0]))
    assert_allclose(bias, 0.0, atol=1e-9)
    _, below, above = result.limits_at(-50.0)
    assert below == above  # a fitted spread is never negative


def test_about_95_of_100_normal_differences_lie_within_the_limits():
    result = compare(*normal(4000))
    inside = (result.difference >= result.loa[0]) & (result.difference <= result.loa[1])
    assert inside.mean() == pytest.approx(0.95, abs=0.01)
    for bound, (low, high) in zip(result.loa, (result.loa_low_interval, result.loa_high_interval), strict=True):
        assert low < bound < high


def test_an_outlier_makes_the_differences_not_normal():
    reference, predicted = normal(25)
    assert compare(reference, predicted).normal is True
    predicted[3] += 400.0
    assert compare(reference, predicted).normal is False


def test_icc_by_hand():
    # Night means 1.5, 2.5, 3.5: mean square 2. Scorer means 2 and 3: mean square 1.5. Nothing is left over.
    assert compare([1.0, 2.0, 3.0], [2.0, 3.0, 4.0]).icc == pytest.approx(2 / (2 + 2 * 1.5 / 3))
    assert compare([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]).icc == pytest.approx(1.0)
    assert np.isnan(compare([5.0, 5.0, 5.0], [5.0, 5.0, 5.0]).icc)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_nights_give_what_they_can_and_nan_for_the_rest(n):
    result = compare(np.array([400.0, 430.0])[:n], np.array([410.0, 420.0])[:n])
    assert result.n_nights == n
    assert np.isnan(result.bias) == (n == 0)
    assert np.isnan(result.sd) == (n < 2)
    assert np.isnan(result.bias_interval).all() == (n < 2)
    assert np.isnan(result.bias_line.slope)
    assert not result.proportional_bias
    assert result.normal is None
    assert np.isnan(result.limits_at(400.0)[1]) == (n < 2)


def test_a_reference_that_never_varies_has_no_line():
    result = compare([0.0, 0.0, 0.0, 0.0], [1.0, 4.0, 2.0, 3.0])
    assert np.isnan(result.bias_line.slope)
    assert np.isnan(result.bias_slope_interval).all()
    assert result.residual_sd == pytest.approx(result.sd)


def naive_total_sd(difference: np.ndarray, subjects: list[str]) -> float:
    """Bland and Altman 2007, written out night by night."""
    groups = [difference[[name == one for name in subjects]] for one in sorted(set(subjects))]
    n, total = len(groups), len(difference)
    within = sum(((group - group.mean()) ** 2).sum() for group in groups) / (total - n)
    between = sum(len(group) * (group.mean() - difference.mean()) ** 2 for group in groups) / (n - 1)
    m0 = (total - sum(len(group) ** 2 for group in groups) / total) / (n - 1)
    return float(np.sqrt(max((between - within) / m0, 0.0) + within))


@settings(deadline=None, max_examples=40)
@given(columns(least=6))
def test_with_several_nights_a_subject_the_sd_is_that_of_a_new_night_of_a_new_subject(values):
    subjects = [f"s{(index * index) % 4}" for index in range(len(values))]
    result = compare(*values.T, subjects=subjects)
    assert result.n_subjects == len(set(subjects))
    assert result.sd == pytest.approx(naive_total_sd(values[:, 1] - values[:, 0], subjects), abs=1e-6)


@settings(deadline=None, max_examples=30)
@given(columns(least=4), st.integers(2, 4))
def test_the_same_nights_given_twice_tell_nothing_new(values, times):
    once = compare(*values.T)
    again = compare(*np.tile(values, (times, 1)).T, subjects=[f"{i:03}" for i in range(len(values))] * times)
    assert again.bias == pytest.approx(once.bias, abs=1e-9)
    assert again.sd == pytest.approx(once.sd, abs=1e-6)
    assert_allclose(again.bias_interval, once.bias_interval, atol=1e-6)
    assert_allclose(again.bias_interval_t, once.bias_interval_t, atol=1e-6)
    assert_allclose(again.bias_slope_interval, once.bias_slope_interval, atol=1e-6)


def test_repeated_nights_do_not_make_a_chance_slope_significant():
    rng = np.random.default_rng(7)
    reference = rng.normal(420, 40, 8)
    predicted = reference + 0.25 * (reference - 420) + rng.normal(0, 20, 8)
    many = [np.repeat(column, 30) for column in (reference, predicted)]
    as_strangers = compare(*many)
    as_subjects = compare(*many, subjects=np.repeat(list("abcdefgh"), 30).tolist())
    assert as_strangers.bias_line.p < 1e-6
    assert as_subjects.bias_line.p > 1e-4
    assert as_subjects.bias_line.slope == pytest.approx(as_strangers.bias_line.slope)


def test_several_nights_of_one_subject_are_their_own_units():
    reference, predicted = normal(12)
    one = compare(reference, predicted, subjects=["ann"] * 12)
    assert one.n_subjects == 1
    assert one.bias_interval == compare(reference, predicted).bias_interval


def test_lengths_that_differ_are_refused():
    with pytest.raises(ValueError, match="equally long"):
        compare([1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match="equally long"):
        compare([1.0, 2.0], [1.0, 2.0], subjects=["ann"])


def made_up_night(seed: int) -> tuple[Hypnogram, Hypnogram]:
    rng = np.random.default_rng(seed)
    reference = np.repeat(rng.integers(0, 5, 40), 12)
    predicted = np.where(rng.random(480) < 0.8, reference, rng.integers(0, 5, 480))
    return Hypnogram.from_indices(reference), Hypnogram.from_indices(predicted)


def test_night_totals_are_those_of_the_architecture():
    nights = [made_up_night(seed) for seed in range(4)]
    table = night_agreement([pair(*night) for night in nights], resampling=FEW)
    for name in ("tst_min", "sol_min", "n1_min", "r_pct"):
        expected = [[summarize(one).metrics[name] for one in night] for night in nights]
        assert_allclose(np.stack([table[name].reference, table[name].predicted], axis=1), expected)
    assert table["tst_min"].unit == "min"


def test_totals_are_of_the_epochs_that_both_have():
    # The device stops after 2 of 4 minutes of sleep and does not tell one of its epochs.
    psg = Hypnogram(stages=["W", "W", *["N2"] * 8])
    watch = Hypnogram(stages=["W", "N2", "UNSCORED", "N2", "N2", "N2"])
    same = night_agreement([pair(psg, watch)])["tst_min"]
    assert (same.reference[0], same.predicted[0]) == (1.5, 2.0)
    whole = night_agreement([pair(psg, watch)], same_epochs=False)["tst_min"]
    assert (whole.reference[0], whole.predicted[0]) == (4.0, 2.0)


def test_both_totals_begin_at_the_references_lights_off():
    psg = Hypnogram(stages=["W", "W", "W", "W", "N2", "N2"], lights_off_s=60.0)
    watch = Hypnogram(stages=["W", "W", "N2", "N2", "N2", "N2"], lights_off_s=0.0)
    latency = night_agreement([pair(psg, watch)])["sol_min"]
    assert (latency.reference[0], latency.predicted[0]) == (1.0, 0.0)


def test_a_coarse_device_is_compared_only_in_what_both_tell():
    psg = Hypnogram(stages=["W", "N1", "N2", "N3", "R", "W"])
    watch = Hypnogram(stages=["W", "LIGHT", "LIGHT", "DEEP", "DEEP", "W"], n_classes=4)
    table = night_agreement([pair(psg, watch)])
    assert "n1_min" not in table
    assert table["light_min"].bias == 0.0
    assert table["n3_min"].bias == 0.5
    assert "rem_latency_min" not in table
    with pytest.raises(InputError, match="n1_min: is not told by 4 classes; it needs 5"):
        night_agreement([pair(psg, watch)], metrics=["n1_min"])


def test_a_metric_that_one_night_lacks_is_left_out_there():
    rem = Hypnogram(stages=["W", "N2", "N2", "R", "W"])
    none = Hypnogram(stages=["W", "N2", "N2", "N2", "W"])
    table = night_agreement([pair(rem, rem), pair(rem, none)], metrics=["rem_latency_min"])
    assert (table["rem_latency_min"].n_nights, table["rem_latency_min"].n_left_out) == (1, 1)


def test_an_unknown_metric_is_refused_by_name():
    with pytest.raises(InputError, match=r"sleepiness: is not a metric; choose from .*tst_min"):
        night_agreement([pair(*made_up_night(0))], metrics=["sleepiness"])
