"""What holds for all metrics: bounds, coarser classes, epoch length, silence about what is not known."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging.architecture import SleepArchitecture, compare_with_norms, definitions, metric_intervals, summarize
from staging.architecture.catalogue import CATALOGUE
from staging.architecture.registry import SOURCES, UNSCORED_RULES, add_metric
from staging.hypnogram import CLASSES, Hypnogram, Stage
from tests.architecture.strategies import hypnograms, night

OF_THE_TIME_IN_BED = {"tib_min", "w_min", "sol_min", "lps_min", "lps_5_min", "se_pct"}
"""What more wake before sleep may change; nothing else may."""


def known(architecture: SleepArchitecture) -> dict[str, float]:
    return {name: value for name, value in architecture.metrics.items() if value is not None}


@settings(deadline=None, max_examples=150)
@given(hypnograms(lights=True, clock=True))
def test_values_are_numbers_within_their_bounds_or_none(hypnogram):
    for name, value in known(summarize(hypnogram)).items():
        metric = CATALOGUE[name]
        assert math.isfinite(value), name
        assert metric.minimum is None or value >= metric.minimum - 1e-9, name
        assert metric.maximum is None or value <= metric.maximum + 1e-9, name


@settings(deadline=None, max_examples=100)
@given(hypnograms(lights=True))
def test_wake_and_stages_and_unscored_time_add_up_to_time_in_bed(hypnogram):
    metrics = summarize(hypnogram).metrics
    parts = {5: ("n1_min", "n2_min", "n3_min", "r_min"), 4: ("light_min", "n3_min", "r_min"), 3: ("nrem_min", "r_min")}
    stages = parts.get(hypnogram.n_classes, ("tst_min",))
    total = sum(metrics[name] or 0.0 for name in ("w_min", "unscored_min", *stages))
    assert total == pytest.approx(metrics["tib_min"])


@settings(deadline=None, max_examples=100)
@given(hypnograms(unscored=False))
def test_without_unscored_epochs_latency_wake_and_sleep_fill_the_time_in_bed(hypnogram):
    metrics = summarize(hypnogram).metrics
    if metrics["tst_min"]:
        assert metrics["sol_min"] + metrics["waso_min"] + metrics["tst_min"] == pytest.approx(metrics["tib_min"])
        assert metrics["waso_spt_min"] + metrics["tst_min"] == pytest.approx(metrics["spt_min"])
        assert metrics["waso_spt_min"] + metrics["wake_after_final_min"] == pytest.approx(metrics["waso_min"])


@settings(deadline=None, max_examples=100)
@given(hypnograms())
def test_shares_of_the_stages_add_up_to_all_sleep(hypnogram):
    metrics = summarize(hypnogram).metrics
    if metrics["tst_min"] and hypnogram.n_classes == 5:
        assert sum(metrics[f"{stage}_pct"] for stage in ("n1", "n2", "n3", "r")) == pytest.approx(100.0)
    if metrics["tst_min"] and hypnogram.n_classes >= 3:
        assert metrics["nrem_pct"] + metrics["r_pct"] == pytest.approx(100.0)


@settings(deadline=None, max_examples=100)
@given(hypnograms(clock=True), st.integers(2, 4))
def test_the_same_night_in_shorter_epochs_has_the_same_minutes_and_rates(hypnogram, parts):
    finer = Hypnogram(
        stages=np.repeat(hypnogram.stages, parts),
        n_classes=hypnogram.n_classes,
        epoch_s=hypnogram.epoch_s / parts,
        start=hypnogram.start,
    )
    before, after = summarize(hypnogram).metrics, summarize(finer).metrics
    for name, metric in CATALOGUE.items():
        if metric.per_epoch:
            continue
        assert after[name] == (None if before[name] is None else pytest.approx(before[name], rel=1e-9, abs=1e-9)), name


@settings(deadline=None, max_examples=100)
@given(hypnograms(unscored=False), st.integers(1, 30))
def test_more_wake_before_sleep_changes_latency_and_efficiency_only(hypnogram, epochs):
    if not np.any(hypnogram.stages != Stage.W):
        return
    longer = Hypnogram(stages=np.concatenate([["W"] * epochs, hypnogram.stages]), n_classes=hypnogram.n_classes)
    before, after = summarize(hypnogram).metrics, summarize(longer).metrics
    for name in CATALOGUE.keys() - OF_THE_TIME_IN_BED:
        assert after[name] == (None if before[name] is None else pytest.approx(before[name], rel=1e-9, abs=1e-9)), name


@settings(deadline=None, max_examples=100)
@given(hypnograms(n_classes=5), st.sampled_from([4, 3, 2]))
def test_a_coarser_hypnogram_tells_the_same_or_nothing(hypnogram, n_classes):
    fine, coarse = summarize(hypnogram).metrics, summarize(hypnogram.merge(n_classes)).metrics
    for name, metric in CATALOGUE.items():
        if n_classes not in metric.classes:
            assert coarse[name] is None, name
        elif not metric.coarser or "is N3" in metric.coarser:
            assert coarse[name] == (None if fine[name] is None else pytest.approx(fine[name], abs=1e-9)), name


@pytest.mark.parametrize("letters", ["W", "2", "?", "W*9", "2*9", "R*9", "?*9", "? 2 ?", "W ? W"])
@pytest.mark.parametrize("n_classes", [5, 4, 3, 2])
def test_odd_nights_give_numbers_or_none(letters, n_classes):
    hypnogram = night(letters)
    merged = hypnogram.merge(n_classes)
    architecture = summarize(merged)
    assert all(math.isfinite(value) for value in known(architecture).values())
    json.dumps(architecture.to_dict(), allow_nan=False)


def test_metrics_are_attributes_and_unknown_names_are_not():
    architecture = summarize(night("W 2"))
    assert architecture.tst_min == architecture.metrics["tst_min"] == 0.5
    assert "tst_min" in dir(architecture)
    assert repr(architecture).startswith("SleepArchitecture(tib_min=1.0, tst_min=0.5")
    with pytest.raises(AttributeError, match="no attribute 'tst'"):
        _ = architecture.tst


def test_a_summary_survives_copying_and_pickling():
    import copy
    import pickle

    architecture = summarize(night("W 2"))
    assert copy.deepcopy(architecture).tst_min == pickle.loads(pickle.dumps(architecture)).tst_min == 0.5


def test_the_dictionary_is_plain_json_and_the_same_every_time():
    hypnogram = night("W*20 2*60 3*20 R*20 W*2 2*40 R*20", source="a.csv")
    unsure = np.full((len(hypnogram), 5), 0.2, dtype=np.float32)
    given_night = Hypnogram(stages=hypnogram.stages, probabilities=unsure)
    architecture = summarize(given_night)
    document = architecture.to_dict(
        intervals=metric_intervals(given_night, draws=20),
        norms=compare_with_norms(architecture.metrics, age_years=40, sex="female"),
    )
    text = json.dumps(document, allow_nan=False)
    assert json.loads(text) == document
    assert document["schema"] == "staging.architecture/1.0"
    assert len(document["cycles"]) == 2
    assert set(document["intervals"]) == set(CATALOGUE)


def test_every_metric_is_defined_with_its_unit_and_source():
    for name, definition in definitions().items():
        assert definition.definition.endswith("."), name
        assert definition.source in SOURCES.values()
        assert CATALOGUE[name].unscored in UNSCORED_RULES
        assert set(definition.classes) <= set(CLASSES)
    units = {"_min": "min", "_pct": "%", "_per_h": "/h", "_bits": "bits", "_clock_h": "clock h"}
    for suffix, unit in units.items():
        named = {name for name in definitions() if name.endswith(suffix)} - {"awakenings_over_5_min"}
        assert {definitions()[name].unit for name in named} == {unit}


def test_every_source_is_used_by_a_metric_or_a_norm():
    from staging.architecture.norms import NORMS

    used = {metric.source for metric in CATALOGUE.values()} | {norm.source for norm in NORMS}
    assert used | {"phillips2017"} == set(SOURCES)  # that of the regularity index, which needs many nights


def test_a_metric_cannot_be_entered_twice():
    with pytest.raises(ValueError, match="name taken"):
        add_metric("tst_min", lambda nights: nights.lengths, definition="x", unit="min", group="timing", source="aasm")
