"""Posteriors of a cross-validation, what their intervals cover, and how they get into a model file."""

from __future__ import annotations

import json
import shutil
from importlib.resources import as_file, files

import numpy as np
import pytest

from models.hours_asleep import HoursAsleep
from staging.architecture import SequencePosterior
from staging.errors import InputError, ModelError
from staging.model import DEFAULT_MODEL, Model, posteriors_to_json
from training.crossval import cross_validate, split_by_subject
from training.folds import keep_hours_asleep
from training.intervals import (
    intervals_report,
    main,
    night_pair,
    predictions_of_run,
    put_posteriors,
    refuse_other_kind,
    to_markdown,
)
from training.predictions import SENSOR_SETS, Prediction
from training.recipe import Recipe, Stretch

from .conftest import made_up_night
from .test_folds import finished

TINY = Recipe(
    members=1,
    simulated_nights=0,
    mixed_simulated=0,
    first=None,
    second=Stretch(passes=1, batch_size=4, learning_rate=1e-3),
    width=16,
    series_width=6,
)


def prediction(number: int, dataset: str = "sleep_accel") -> Prediction:
    """A night of wake and N2 whose stager is unsure of both alike all night long."""
    night = made_up_night(str(number), number, n=120, dataset=dataset)
    rng = np.random.default_rng(number)
    logits = 2.0 * np.eye(5)[night.reference] + rng.normal(0, 0.8, 5) + rng.normal(0, 0.5, (120, 5))
    rows = (np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)).astype(np.float32)
    return Prediction(night=night, fold=number % 4, probabilities=dict.fromkeys(SENSOR_SETS, rows))


def test_posteriors_and_what_they_cover_of_other_subjects_are_told():
    report = intervals_report([prediction(i) for i in range(8)], classes=(2,), draws=20)
    assert list(report["posteriors"]) == ["2"]
    assert SequencePosterior.from_dict(report["posteriors"]["2"]).n_classes == 2
    found = report["coverage"]["2"]["tst_min"]
    assert found["n"] == report["nights"] == 8
    assert 50 <= found["covered_pct"] <= 100
    assert f"| tst_min | 8 | {found['covered_pct']:.0f} % |" in to_markdown(report)
    json.dumps(report, allow_nan=False)


def test_nights_of_other_sets_are_left_out_and_too_few_are_refused():
    with pytest.raises(InputError, match="0 nights of sleep_accel: are too few"):
        intervals_report([prediction(i, dataset="slpdb") for i in range(8)])
    with pytest.raises(InputError, match="2 nights of sleep_accel"):
        intervals_report([prediction(i) for i in range(2)])


def test_a_pair_is_unscored_in_both_where_nothing_was_scored():
    of_night = prediction(1)
    of_night.night.reference[:10] = -1
    predicted, reference = night_pair(of_night, 4)
    assert np.all(predicted.indices()[:10] == -1)
    assert np.all(np.isnan(predicted.probabilities[:10]))
    np.testing.assert_array_equal(reference.indices() >= 0, predicted.indices() >= 0)
    np.testing.assert_allclose(predicted.probabilities[10:].sum(axis=1), 1.0, rtol=1e-5)


@pytest.fixture
def run(tmp_path):
    """A finished cross-validation of networks that were hardly fitted."""
    nights = [made_up_night(str(i), i, dataset="sleep_accel") for i in range(6)]
    return nights, cross_validate(nights, TINY, n_folds=2, run=tmp_path / "run"), tmp_path / "run"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
def test_out_of_fold_predictions_are_those_that_the_evaluation_made(run):
    nights, made, folder = run
    again = predictions_of_run(folder, nights)
    for first, second in zip(made, again, strict=True):
        assert (first.fold, first.night.subject) == (second.fold, second.night.subject)
        np.testing.assert_array_equal(first.probabilities["all"], second.probabilities["all"])
    with pytest.raises(InputError, match="other subjects"):
        predictions_of_run(folder, nights[:-1])
    (folder / "fold_1" / "member_0.pt").unlink()
    with pytest.raises(InputError, match="is missing"):
        predictions_of_run(folder, nights)
    with pytest.raises(InputError, match=r"folds\.json is missing"):
        predictions_of_run(folder / "fold_0", nights)


def test_posteriors_are_put_into_a_model_file_whose_graph_stays(tmp_path):
    model = tmp_path / "model.onnx"
    with as_file(files("staging.weights") / DEFAULT_MODEL) as shipped:
        shutil.copyfile(shipped, model)
    before = Model(model)
    for trust in (SequencePosterior.usual(5), SequencePosterior.usual(3)):
        put_posteriors(model, posteriors_to_json({trust.n_classes: trust}))
        after = Model(model)
        assert dict(after.posteriors) == {trust.n_classes: trust}
        assert after.spec == before.spec
    content = model.read_bytes()
    with pytest.raises(ModelError, match="posteriors cannot be used"):
        put_posteriors(model, "{}x")
    assert model.read_bytes() == content
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


def test_a_run_that_is_none_is_one_line(tmp_path, capsys):
    (tmp_path / "data").mkdir()
    options = ["--data", f"sleep_accel={tmp_path / 'data'}", "--out", str(tmp_path / "i.json")]
    assert main([str(tmp_path / "none"), *options]) == 2
    err = capsys.readouterr().err
    assert err.startswith("training: ")
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "i.json").exists()


def test_posteriors_of_other_probabilities_are_not_put_into_a_model(nights, tmp_path):
    """The shipped model has what the hours asleep say; folds of before there was that do not."""
    run = tmp_path / "run"
    finished(run, split_by_subject(nights, 2))
    with as_file(files("staging.weights") / DEFAULT_MODEL) as shipped:
        with pytest.raises(InputError, match="exported with what the hours asleep say"):
            refuse_other_kind(run, nights, shipped)
        keep_hours_asleep(run, {0: HoursAsleep((0.0, 0.0, 0.0, -0.5, 0.5), 1.0)})
        refuse_other_kind(run, nights, shipped)
