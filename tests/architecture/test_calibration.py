"""Calibration trusts a good stager more than a bad one, and its intervals cover other people's nights."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from staging.architecture import SequencePosterior, calibrate, calibration, coverage
from staging.architecture.calibration import _best_floor, _centred, _crossing, _lean, _spread
from staging.architecture.run_lengths import StageRuns, fit_stage_runs
from staging.hypnogram import Hypnogram
from tests.architecture.strategies import night, with_probabilities
from tests.architecture.test_uncertainty import simulated, staged


def test_a_stager_that_errs_more_all_night_long_is_trusted_less():
    truths = simulated(6, seed=7, n_classes=2)
    good, bad = (calibrate(staged(truths, sd, seed=8), truths, draws=20) for sd in (0.1, 1.2))
    assert good.shift_sd[0] < bad.shift_sd[0]
    assert good.runs == bad.runs


def test_calibrated_intervals_cover_nights_that_were_not_used():
    truths = simulated(20, seed=9, n_classes=2)
    predicted = staged(truths, 1.0, seed=10)
    trust = calibrate(predicted[:8], truths[:8], draws=20)
    found = coverage(predicted[8:], truths[8:], draws=60, posterior=trust)
    covered = [found[name].covered_pct for name in ("tst_min", "waso_min", "se_pct", "awakenings")]
    assert 80.0 <= np.mean(covered) <= 100.0


def test_the_spread_is_one_where_the_drawn_values_are_right_and_grows_where_they_are_too_narrow():
    rng = np.random.default_rng(2)
    right = [(rng.normal(size=200), float(rng.normal())) for _ in range(400)]
    assert _spread(right) == pytest.approx(1.0, abs=0.15)
    assert _spread([(0.5 * drawn, true) for drawn, true in right]) > 1.4
    assert np.isnan(_spread([(np.array([np.nan]), 1.0)]))


def test_true_values_above_the_drawn_ones_lean_upwards_and_those_in_their_midst_do_not():
    rng = np.random.default_rng(3)
    right = [(rng.normal(size=200), float(rng.normal())) for _ in range(400)]
    assert _lean(right) == pytest.approx(0.0, abs=0.15)
    assert _lean([(drawn, true + 1.0) for drawn, true in right]) == pytest.approx(1.0, abs=0.2)
    assert np.isnan(_lean([]))


def test_runs_are_made_as_long_as_puts_the_true_number_of_bouts_amid_the_drawn_ones():
    """Bouts fall and their lengths grow with the runs: both lead to the same mean."""
    offsets = np.linspace(-1.0, 1.0, 200)

    def against(trial: SequencePosterior) -> dict[str, list[tuple[np.ndarray, float]]]:
        bouts, lengths = 20.0 * np.exp(-trial.run_mean[0] + offsets), 10.0 * np.exp(trial.run_mean[1] + offsets)
        return {"awakenings": [(bouts, 20.0 * np.exp(0.5))], "sleep_bout_mean_min": [(lengths, 10.0 * np.exp(0.2))]}

    found = _centred(SequencePosterior.usual(2), ["awakenings", "sleep_bout_mean_min"], (-1.0, -0.5, 0.0, 0.5), against)
    assert found.run_mean == pytest.approx((-0.5, 0.2), abs=0.02)


def test_runs_of_wake_that_are_fitted_too_long_are_made_shorter(monkeypatch):
    def three_times_as_long(nights, *, usual: StageRuns) -> StageRuns:
        runs = fit_stage_runs(nights, usual=usual)
        short, long = (
            tuple(np.multiply(means, (3.0, 1.0)).tolist()) for means in (runs.short_mean_min, runs.long_mean_min)
        )
        return dataclasses.replace(runs, short_mean_min=short, long_mean_min=long)

    truths = simulated(8, seed=13, n_classes=2)
    predicted = staged(truths, 0.3, seed=14)
    right = calibrate(predicted, truths, draws=20).run_mean[0]
    monkeypatch.setattr(calibration, "fit_stage_runs", three_times_as_long)
    assert calibrate(predicted, truths, draws=20).run_mean[0] < right - 0.5


def test_the_crossing_lies_between_the_values_tried():
    assert _crossing([0.1, 0.5, 1.0], [3.0, 1.0, 0.5], 2.0) == pytest.approx(0.3)
    assert _crossing([0.1, 0.5], [3.0, 2.0], 1.0) == 0.5
    assert _crossing([0.1, 0.5], [0.9, 0.5], 1.0) == 0.1
    assert _crossing([0.1, 0.5], [float("nan"), 1.0], 1.0) == 0.1


def test_what_smoothed_labels_add_to_every_class_is_found():
    rng = np.random.default_rng(4)
    sure = rng.dirichlet([0.05] * 4, 4000)
    truth = np.array([rng.choice(4, p=row) for row in sure])
    given = (sure + 0.008) / (1 + 4 * 0.008)
    predicted = Hypnogram.from_indices(given.argmax(axis=1), n_classes=4, probabilities=given.astype(np.float32))
    assert _best_floor([(predicted, Hypnogram.from_indices(truth, n_classes=4))]) == pytest.approx(0.008, abs=0.003)


def test_too_few_nights_or_nights_without_probabilities_cannot_be_calibrated():
    truth = night("W*10 2*40 W*10")
    with pytest.raises(ValueError, match="at least 3 nights"):
        calibrate([with_probabilities(truth)] * 2, [truth] * 2)
    with pytest.raises(ValueError, match="without probabilities"):
        calibrate([truth] * 3, [truth] * 3)


def test_a_class_without_a_metric_of_its_own_keeps_no_shift():
    truths = simulated(3, seed=11, n_classes=2)
    assert calibrate(staged(truths, 0.5, seed=12), truths, draws=20).shift_sd[1] == 0.0
    assert SequencePosterior.usual(2).shift_sd[1] == 0.0
