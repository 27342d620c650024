"""YASA as an oracle: equal where definitions agree, and the difference said where they do not.

YASA's `Hypnogram.sleep_statistics` rounds to 4 decimals; its older `sleep_statistics` of integers, which it will
remove, does not, and is compared to 1e-9.

- WASO: YASA counts wake within the sleep period; ours (AASM) counts that after the final awakening as well.
- Lat_REM, Lat_N1 to Lat_N3: YASA counts from the start of the recording; ours from sleep onset (AASM).
- Without sleep YASA's SME and WASO are NaN; ours are None.
- On nights that nobody could score YASA has 0 min of sleep; ours has None, since nobody knows.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from staging.architecture import SleepArchitecture, summarize, transitions
from staging.hypnogram import CLASSES, Hypnogram
from staging.scorings import read_hypnogram
from tests.architecture.strategies import night

yasa = pytest.importorskip("yasa", reason="YASA is not installed", exc_type=ImportError)

pytestmark = pytest.mark.filterwarnings("ignore")

SAME = {
    "TIB": "tib_min",
    "SPT": "spt_min",
    "WASO": "waso_spt_min",
    "TST": "tst_min",
    "SE": "se_pct",
    "SME": "sme_pct",
    "SOL": "sol_min",
    "N1": "n1_min",
    "N2": "n2_min",
    "N3": "n3_min",
    "REM": "r_min",
    "NREM": "nrem_min",
    "%N1": "n1_pct",
    "%N2": "n2_pct",
    "%N3": "n3_pct",
    "%REM": "r_pct",
    "%NREM": "nrem_pct",
}
SAME_NEW = {
    "TIB": "tib_min",
    "SPT": "spt_min",
    "WASO": "waso_spt_min",
    "TST": "tst_min",
    "SE": "se_pct",
    "SME": "sme_pct",
    "SFI": "sfi_per_h",
    "SOL": "sol_min",
    "SOL_5min": "lps_5_min",
    "WAKE": "w_min",
    "N1": "n1_min",
    "N2": "n2_min",
    "N3": "n3_min",
    "REM": "r_min",
    "LIGHT": "light_min",
    "DEEP": "n3_min",
    "NREM": "nrem_min",
    "UNS": "unscored_min",
    "%N1": "n1_pct",
    "%N2": "n2_pct",
    "%N3": "n3_pct",
    "%REM": "r_pct",
    "%LIGHT": "light_pct",
    "%DEEP": "n3_pct",
    "%NREM": "nrem_pct",
}
FROM_THE_START = {"Lat_N1": "n1_latency_min", "Lat_N2": "n2_latency_min", "Lat_N3": "n3_latency_min"}
NAMES = {"W": "WAKE", "R": "REM", "S": "SLEEP", "UNSCORED": "UNS"}


def none_as_nan(value: float | None) -> float:
    return np.nan if value is None else value


def check(hypnogram: Hypnogram) -> SleepArchitecture:
    """Both of YASA's functions against ours."""
    ours = summarize(hypnogram)
    stages = [NAMES.get(stage, stage) for stage in hypnogram.stages.tolist()]
    freq = f"{hypnogram.epoch_s:g}s"
    theirs = yasa.Hypnogram(stages, n_stages=hypnogram.n_classes, freq=freq).sleep_statistics()
    for name, value in theirs.items():
        if name == "Lat_REM":
            expected = none_as_nan(ours.rem_latency_min) + none_as_nan(ours.sol_min)
        else:
            expected = none_as_nan(ours.metrics[SAME_NEW[name]])
        np.testing.assert_allclose(value, np.round(expected, 4), atol=1e-9, err_msg=name)
    if hypnogram.n_classes == 5 and len(hypnogram) > 1:
        codes = np.where(hypnogram.indices() < 0, -2, hypnogram.indices())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = yasa.sleep_statistics(codes, sf_hyp=1 / hypnogram.epoch_s)
        for name, ours_name in SAME.items():
            np.testing.assert_allclose(
                none_as_nan(ours.metrics[ours_name]), theirs[name], rtol=1e-9, atol=1e-9, err_msg=name
            )
        for name, ours_name in {**FROM_THE_START, "Lat_REM": "rem_latency_min"}.items():
            expected = none_as_nan(ours.metrics[ours_name]) + none_as_nan(ours.sol_min)
            np.testing.assert_allclose(expected, theirs[name], rtol=1e-9, atol=1e-9, err_msg=name)
    return ours


def sleep_edf(shared_data: Path) -> list[Hypnogram]:
    paths = sorted((shared_data / "hypnograms" / "sleep_edf").glob("*-Hypnogram.edf"))
    if not paths:
        pytest.skip("the Sleep-EDF hypnograms are not among the real data")
    return [read_hypnogram(path) for path in paths]


def test_the_sleep_edf_nights_have_yasas_statistics(shared_data):
    nights = sleep_edf(shared_data)
    assert len(nights) == 20
    for hypnogram in nights:
        check(hypnogram)
        for n_classes in (4, 3, 2):
            check(hypnogram.merge(n_classes))


def test_shuffled_sleep_edf_nights_have_yasas_statistics(shared_data):
    rng = np.random.default_rng(0)
    for hypnogram in sleep_edf(shared_data)[:6]:
        check(Hypnogram(stages=rng.permutation(hypnogram.stages)))


@pytest.mark.parametrize("n_classes", CLASSES)
@pytest.mark.parametrize("seed", range(6))
def test_random_nights_have_yasas_statistics(n_classes, seed):
    rng = np.random.default_rng(seed)
    names = [*CLASSES[n_classes], "UNSCORED"]
    stages = np.repeat(rng.choice(names, 60), rng.integers(1, 25, 60))
    check(Hypnogram(stages=stages, n_classes=n_classes, epoch_s=float(rng.choice([15, 20, 30, 60]))))


def test_yasas_own_simulated_nights_have_its_statistics():
    for seed in range(5):
        codes = yasa.simulate_hypnogram(tib=480, seed=seed).as_int().to_numpy()
        check(Hypnogram.from_indices(codes))


@pytest.mark.parametrize("letters", ["W*9", "W*2 2", "2*9", "R*4 W*4"])
def test_odd_nights_have_yasas_statistics(letters):
    check(night(letters))


def test_yasa_leaves_out_the_wake_after_the_final_awakening():
    ours = check(night("W*4 2*40 W*6 2*40 W*10"))
    assert ours.waso_min == ours.waso_spt_min + 5.0


def test_where_nobody_could_score_yasa_has_no_sleep_and_we_do_not_know():
    theirs = yasa.Hypnogram(["UNS"] * 9, n_stages=5, freq="30s").sleep_statistics()
    assert theirs["TST"] == 0.0
    assert summarize(night("?*9")).tst_min is None


@pytest.mark.parametrize("seed", range(4))
def test_transitions_are_yasas(seed):
    rng = np.random.default_rng(seed)
    hypnogram = Hypnogram.from_indices(np.repeat(rng.integers(0, 5, 80), rng.integers(1, 12, 80)))
    stages = [NAMES.get(stage, stage) for stage in hypnogram.stages.tolist()]
    counts, probabilities = yasa.Hypnogram(stages, n_stages=5, freq="30s").transition_matrix()
    order = ["WAKE", "N1", "N2", "N3", "REM"]
    ours = transitions(hypnogram)
    np.testing.assert_array_equal(ours.counts, counts.loc[order, order].to_numpy())
    np.testing.assert_allclose(ours.probabilities, probabilities.loc[order, order].to_numpy(), atol=1e-9)


def test_lempel_ziv_phrases_are_those_of_antropy():
    antropy = pytest.importorskip("antropy", reason="antropy is not installed")
    from staging.architecture import lempel_ziv_phrases

    rng = np.random.default_rng(1)
    for n in (1, 2, 20, 300):
        sequence = np.repeat(rng.integers(0, 5, n), rng.integers(1, 9, n))
        assert lempel_ziv_phrases(sequence) == antropy.lziv_complexity(sequence, normalize=False)
