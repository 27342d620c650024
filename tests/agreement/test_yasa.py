"""Agreement against YASA's: epoch by epoch, the error matrix, bias and limits. Its shares are in percent."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from staging.agreement import Resampling, agree, compare_nights
from staging.agreement.nights import MetricAgreement
from staging.hypnogram import Hypnogram

yasa = pytest.importorskip("yasa", reason="YASA is not installed", exc_type=ImportError)

pytestmark = pytest.mark.filterwarnings("ignore")

N_NIGHTS = 12
NAMES = {"W": "WAKE", "N1": "N1", "N2": "N2", "N3": "N3", "R": "REM", "UNSCORED": "UNS"}


def codes(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    reference = np.repeat(rng.choice(5, size=40, p=[0.2, 0.1, 0.4, 0.15, 0.15]), 12)
    predicted = np.where(rng.random(480) < 0.75, reference, rng.integers(0, 5, 480))
    predicted[rng.random(480) < 0.02] = -1
    return reference, predicted


@pytest.fixture(scope="module")
def report():
    nights = [tuple(Hypnogram.from_indices(side) for side in codes(seed)) for seed in range(N_NIGHTS)]
    return agree(nights, metrics=["tst_min"], resampling=Resampling(n_resamples=200))


@pytest.fixture(scope="module")
def theirs():
    def hypnogram(values: np.ndarray, scorer: str):
        stages = [NAMES[stage] for stage in Hypnogram.from_indices(values).stages.tolist()]
        return yasa.Hypnogram(stages, n_stages=5, freq="30s", scorer=scorer)

    pairs = [codes(seed) for seed in range(N_NIGHTS)]
    return yasa.EpochByEpochAgreement(
        [hypnogram(reference, "PSG") for reference, _ in pairs],
        [hypnogram(predicted, "Watch") for _, predicted in pairs],
    )


def test_scores_per_subject_equal_yasas(report, theirs):
    table = theirs.get_agreement()
    study = report.epochs[5]
    for ours, column, percent in (("accuracy", "accuracy", 100), ("kappa", "kappa", 1), ("mcc", "mcc", 1)):
        assert study.per_subject[ours].mean * percent == pytest.approx(table[column].mean())
        assert study.per_subject[ours].sd * percent == pytest.approx(table[column].std())
    assert study.per_subject["balanced_accuracy"].mean * 100 == pytest.approx(table["balanced_acc"].mean())


def test_pooled_scores_equal_yasas(report, theirs):
    pooled = theirs.get_agreement(pooled=True)
    ours = report.epochs[5].pooled
    assert_allclose([100 * ours.accuracy, ours.kappa, ours.mcc], pooled[["accuracy", "kappa", "mcc"]])


def test_scores_by_stage_equal_yasas(report, theirs):
    table = theirs.get_agreement_bystage().groupby("stage").mean()
    columns = {"sensitivity": "recall", "specificity": "specificity", "ppv": "precision", "npv": "npv", "f1": "fbeta"}
    for stage, spreads in report.epochs[5].per_subject_class.items():
        for ours, column in columns.items():
            assert 100 * spreads[ours].mean == pytest.approx(table.loc[NAMES[stage], column])


def test_the_error_matrix_equals_yasas(report, theirs):
    matrix = theirs.get_confusion_matrix_proportional(ci_method=None)
    order = [NAMES[stage] for stage in report.epochs[5].classes]
    for ours, column in (("mean", "mean"), ("sd", "std")):
        expected = matrix[column].unstack().loc[order, order].to_numpy()
        assert_allclose(100 * getattr(report.epochs[5].error_matrix, ours), expected)


def differences(seed: int, kind: str) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    reference = rng.uniform(300, 500, 30)
    noise = rng.normal(0, 15, 30)
    change = {
        "constant": 5 + noise,
        "proportional": 5 - 0.4 * (reference - 400) + noise,
        "heteroscedastic": 5 + noise * (reference - 290) / 40,
    }[kind]
    return reference, reference + change


@pytest.mark.parametrize("kind", ["constant", "proportional", "heteroscedastic"])
def test_bias_limits_and_lines_equal_yasas(kind):
    import pandas as pd

    reference, predicted = differences(4, kind)
    ours = compare_nights(reference, predicted, name="tst_min", resampling=Resampling(n_resamples=200))
    assert (ours.proportional_bias, ours.heteroscedastic) == (kind == "proportional", kind == "heteroscedastic")
    frames = [pd.DataFrame({"TST": column}) for column in (reference, predicted)]
    summary = yasa.SleepStatsAgreement(*frames).summary(ci_method="param").loc["TST"]
    assert_allclose(ours.bias, summary["bias_mean", "center"])
    assert_allclose(ours.bias_interval_t, summary["bias_mean"][["lower", "upper"]])
    assert_allclose(ours.loa, [summary["loa_lower", "center"], summary["loa_upper", "center"]])
    lines = {"bias": ours.bias_line, "loa": ours.spread_line}
    for theirs, line in lines.items():
        expected = [summary[f"{theirs}_intercept", "center"], summary[f"{theirs}_slope", "center"]]
        assert_allclose([line.intercept, line.slope], expected)
    assert_allclose(1.96 * ours.residual_sd, summary["loa_halfwidth", "center"])


def test_the_total_sd_of_several_nights_a_subject_equals_yasas():
    import pandas as pd

    pytest.importorskip("statsmodels", reason="YASA needs statsmodels for several nights a subject")
    reference, predicted = differences(1, "constant")
    subjects = [f"s{index % 7}" for index in range(len(reference))]
    ours: MetricAgreement = compare_nights(reference, predicted, name="tst_min", subjects=subjects)
    frames = [pd.DataFrame({"TST": column}) for column in (reference, predicted)]
    theirs = yasa.SleepStatsAgreement(*frames, subjects=subjects)
    assert ours.sd == pytest.approx(theirs.variance_components.loc["TST", "sd_total"])
    bounds = theirs.summary(ci_method="param").loc["TST"]["bias_mean"][["lower", "upper"]]
    assert_allclose(ours.bias_interval_t, bounds)
