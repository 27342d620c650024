"""The whole report: values, JSON, text and Markdown."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging.agreement import Resampling, agree, align, confusion, epoch_agreement, pair
from staging.agreement.text import HEADLINES
from staging.errors import HypnogramError, InputError
from staging.hypnogram import Hypnogram
from tests.conftest import ROOT

FEW = Resampling(n_resamples=200)


def made_up_night(seed: int, *, n: int = 480, probabilities: bool = True) -> tuple[Hypnogram, Hypnogram]:
    rng = np.random.default_rng(seed)
    reference = np.repeat(rng.integers(0, 5, n // 12 + 1), 12)[:n]
    scores = np.eye(5)[reference] * 3 + rng.normal(size=(n, 5))
    rows = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    predicted = np.where(rng.random(n) < 0.02, -1, rows.argmax(axis=1))
    return Hypnogram.from_indices(reference, source=f"psg_{seed}.edf"), Hypnogram.from_indices(
        predicted, probabilities=rows.astype(np.float32) if probabilities else None, source=f"watch_{seed}.csv"
    )


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 1000), st.integers(1, 4), st.sampled_from([5, 4, 3, 2]))
def test_every_resolution_is_that_of_the_aligned_epochs(seed, n, k):
    nights = [made_up_night(seed + index, n=60) for index in range(n)]
    report = agree(nights, metrics=["tst_min"], resampling=FEW)
    expected = epoch_agreement(sum(confusion(*align(*night, k), k) for night in nights))
    assert report.epochs[k].pooled.confusion.tolist() == expected.confusion.tolist()
    assert report.epochs[k].pooled.accuracy == expected.accuracy
    accuracies = [report.epochs[k].pooled.accuracy for k in (5, 4, 3, 2)]
    assert accuracies == sorted(accuracies)


@settings(deadline=None, max_examples=8)
@given(st.integers(0, 1000), st.integers(1, 3))
def test_a_night_against_itself_agrees_in_everything(seed, n):
    nights = [(made_up_night(seed + index)[0],) * 2 for index in range(n)]
    report = agree(nights, resampling=FEW)
    assert all(study.pooled.kappa == 1.0 for study in report.epochs.values())
    assert all(metric.bias == 0.0 for metric in report.nights.values())
    assert report.calibration == {}


def test_the_report_as_json_has_no_nan_and_says_what_was_compared():
    report = agree([made_up_night(seed) for seed in range(3)], subjects=["a", "b", "a"], resampling=FEW)
    values = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert values["schema"] == "staging.agreement/1.0"
    assert (values["n_nights"], values["n_subjects"], values["epoch_s"]) == (3, 2, 30.0)
    assert values["epochs_compared_and_left_out"] == report.counts()
    assert list(values["epochs"]) == ["5", "4", "3", "2"] == list(values["calibration"])
    assert values["epochs"]["5"]["pooled"]["kappa"] == report.epochs[5].pooled.kappa
    assert list(values["epochs"]["4"]["pooled"]["by_class"]) == ["W", "LIGHT", "DEEP", "R"]
    assert len(values["nights"]["tst_min"]["reference"]) == 3
    assert values["nights"]["tst_min"]["normal"] in (True, False, None)
    assert [one["predicted"] for one in values["pairs"]] == ["watch_0.csv", "watch_1.csv", "watch_2.csv"]
    assert values["bootstrap"] == {"n_resamples": 200, "confidence": 0.95, "seed": 0}


def test_undefined_values_are_none_in_json():
    psg, watch = Hypnogram(stages=["W", "N2", "N2", "W"]), Hypnogram(stages=["W", "N2", "N1", "W"])
    values = agree([(psg, watch)], resampling=FEW).to_dict()
    assert values["epochs"]["5"]["pooled"]["by_class"]["R"]["sensitivity"] is None
    assert values["nights"]["tst_min"]["sd"] is None
    assert "rem_latency_min" not in values["nights"]


def test_a_screen_is_short_and_narrow_and_shows_what_matters():
    report = agree([made_up_night(seed) for seed in range(12)], resampling=FEW)
    lines = report.to_text().splitlines()
    assert len(lines) <= 26
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith("12 nights of 12 subjects")
    text = "\n".join(lines)
    low, high = report.epochs[5].pooled_interval["kappa"]
    assert f"{report.epochs[5].pooled.kappa:.2f} [{low:.2f}, {high:.2f}]" in text
    wake = next(line for line in lines if line.startswith("W "))
    assert f"{100 * report.epochs[5].pooled.by_class['W'].sensitivity:.0f}" in wake.split()
    for name in HEADLINES:
        row = next(line for line in lines if line.startswith(name))
        assert f"{report.nights[name].bias:.1f} [" in row


def test_a_single_night_is_named_and_has_no_limits():
    text = agree([made_up_night(3)], resampling=FEW).to_text()
    assert text.startswith("watch_3.csv against psg_3.edf: ")
    assert next(line for line in text.splitlines() if line.startswith("tst_min")).endswith("–")
    assert "! one subject: intervals are for this person" in text


def test_limits_that_vary_with_the_reference_are_marked():
    rng = np.random.default_rng(0)
    nights = []
    for asleep in range(20, 120, 5):
        predicted = min(asleep * 2 + int(rng.integers(0, 3)), 480)
        stages = [["W"] * (480 - n) + ["S"] * n for n in (asleep, predicted)]
        nights.append(tuple(Hypnogram(stages=one, n_classes=2) for one in stages))
    report = agree(nights, metrics=["tst_min"], resampling=FEW)
    assert report.nights["tst_min"].proportional_bias
    lines = report.to_text().splitlines()
    assert "~" in next(line for line in lines if line.startswith("tst_min"))
    assert lines[-1].startswith("~ limits vary with the reference")


def test_markdown_tables_are_whole():
    text = agree([made_up_night(seed) for seed in range(3)], resampling=FEW).to_markdown()
    blocks = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    assert len(blocks) == 4
    for block in blocks:
        assert len({line.count("|") for line in block}) == 1
        assert block[1].startswith("| --- | ---: |")
    assert "reference \\ predicted" in blocks[3][0]


def test_a_coarse_device_is_reported_in_its_classes_and_coarser():
    psg = Hypnogram(stages=["W", "N1", "N2", "N3", "R"])
    watch = Hypnogram(stages=["W", "NREM", "NREM", "R", "R"], n_classes=3)
    assert list(agree([(psg, watch)], resampling=FEW).epochs) == [3, 2]
    assert list(agree([(psg, watch)], n_classes=[2], resampling=FEW).epochs) == [2]
    with pytest.raises(HypnogramError, match="has 3 classes and cannot be compared in 5"):
        agree([(psg, watch)], n_classes=[5])


def test_pairs_are_taken_as_they_are():
    start = datetime(2024, 5, 1, 23, tzinfo=UTC)
    psg = Hypnogram(stages=["W", "N2", "R"], start=start)
    watch = Hypnogram(stages=["W", "N2", "R"], start=start.replace(hour=20))
    report = agree([pair(psg, watch, subject="ann", use_clock=False)], resampling=FEW)
    assert report.epochs[5].pooled.accuracy == 1.0
    assert report.to_dict()["pairs"][0]["subject"] == "ann"


def test_probabilities_of_some_nights_only_are_not_judged():
    nights = [made_up_night(0), made_up_night(1, probabilities=False)]
    report = agree(nights, resampling=FEW)
    assert report.calibration == {}
    assert "1 of 2 nights have no probabilities: calibration is left out" in report.warnings


def test_few_subjects_are_doubted_and_many_are_not():
    assert any("2 subjects" in warning for warning in agree([made_up_night(0), made_up_night(1)]).warnings)
    assert agree([made_up_night(seed) for seed in range(10)], metrics=["tst_min"], resampling=FEW).warnings == ()


def test_a_single_subject_has_an_interval_of_kappa_over_blocks_of_the_night():
    study = agree([made_up_night(1)], metrics=["tst_min"], resampling=FEW).epochs[5]
    low, high = study.pooled_interval["kappa"]
    assert study.interval_over == "blocks"
    assert low < study.pooled.kappa < high


def test_nothing_to_compare_is_refused():
    with pytest.raises(InputError, match="no nights to compare"):
        agree([])
    with pytest.raises(InputError, match="2 names for 1 nights"):
        agree([made_up_night(0)], subjects=["a", "b"])
    odd = tuple(Hypnogram(stages=["W", "N2"], epoch_s=20.0) for _ in range(2))
    with pytest.raises(InputError, match="20 s and 30 s"):
        agree([made_up_night(0), odd])


def test_real_nights_a_minute_late_are_right_on_the_clock_and_wrong_without(shared_data):
    path = shared_data / "hypnograms" / "cinc2018" / "hypnograms.csv"
    if not path.is_file():
        pytest.skip("the scored nights of the PhysioNet challenge 2018 are not among the data")
    letters = dict(zip("W123R", range(5), strict=True))
    start = datetime(2018, 1, 1, 22, tzinfo=UTC)
    late = []
    with path.open(encoding="utf-8") as lines:
        next(lines)
        for line, _ in zip(lines, range(40), strict=False):
            stages = line.rstrip("\n").split(",")[-1]
            values = [letters.get(letter, -1) for letter in stages]
            psg = Hypnogram.from_indices(values, start=start)
            late.append((psg, Hypnogram.from_indices(values[2:], start=start.replace(minute=1)).merge(4)))
    report = agree(late, resampling=FEW)
    assert report.counts()["reference_only"] == 80
    assert report.epochs[4].pooled.kappa == 1.0
    assert report.nights["light_min"].sd == 0.0
    shifted = agree([pair(*night, use_clock=False) for night in late], resampling=FEW)
    assert 0.7 < shifted.epochs[4].pooled.kappa < 0.95
    assert abs(shifted.nights["n3_min"].bias) < 1.0
    assert max(map(len, shifted.to_text().splitlines())) <= 80


def test_importing_the_module_loads_no_scipy():
    code = "import sys, staging.agreement; sys.exit(any(name.split('.')[0] == 'scipy' for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
