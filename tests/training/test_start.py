"""Fitting further: from what was there, on one's own nights, with both named."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch

from models.ensemble import Ensemble
from models.sequence import SequenceNet
from staging.errors import InputError, StagingError
from staging.features import DEFAULT_SPEC
from staging.model import load_model
from training import shipping
from training.__main__ import main
from training.fit import fit_members
from training.predictions import predict
from training.provenance import describe_run
from training.recipe import Recipe, Stretch
from training.start import SHIPPED, Start, load_start

from .datasets.test_plain_folder import by_epoch, write
from .test_fit import QUICK, kappa, warm_asleep

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

MANY = ["W"] * 20 + ["N2"] * 40 + ["R"] * 10


def start_of(members, groups=("heart", "counts", "posture", "clock"), **changes) -> Start:
    fields = {
        "name": "made-up 1",
        "members": tuple(members),
        "spec": DEFAULT_SPEC,
        "groups": groups,
        "datasets": ("Made-up nights",),
        "digests": frozenset(),
        "unlisted": frozenset({"Made-up nights"}),
        "decision": None,
        "commit": "0",
    }
    return Start(**(fields | changes))


def test_a_rate_of_nothing_leaves_the_networks_as_they_were(nights):
    start = start_of(fit_members(nights, QUICK))
    still = dataclasses.replace(QUICK, second=Stretch(passes=1, batch_size=4, learning_rate=1e-30))
    (member,) = fit_members(nights[:3], still, start=start, seed=5)
    for name, weight in start.members[0].state_dict().items():
        torch.testing.assert_close(member.state_dict()[name], weight, rtol=1e-6, atol=1e-7, msg=name)


def test_what_was_never_shown_is_learnt_from_nights_that_have_it_and_stays_masked_without(nights):
    start = start_of(fit_members(nights, QUICK))
    warm = [warm_asleep(str(seed), seed) for seed in range(8)]
    unseen = [warm_asleep("unseen", 90 + seed) for seed in range(4)]
    longer = dataclasses.replace(QUICK, second=dataclasses.replace(QUICK.second, passes=30))
    members = fit_members(warm, longer, start=start)
    assert abs(kappa(start.members, QUICK, unseen)) < 0.2
    assert kappa(members, QUICK, unseen) > 0.4
    hidden = Ensemble(members, QUICK.spec, start.groups)
    clock_alone = Ensemble(members, QUICK.spec, {"clock"})
    for night in unseen:
        np.testing.assert_allclose(
            predict(hidden, night, QUICK.spec)["all"], predict(clock_alone, night, QUICK.spec)["all"], atol=1e-6
        )
    slpdb = [dataclasses.replace(night, dataset="slpdb") for night in nights]
    assert describe_run(slpdb, QUICK, seed=0, hypnograms=None, start=start)["groups"] == list(start.groups)
    with_warmth = [dataclasses.replace(night, dataset="slpdb") for night in warm]
    assert "temperature" in describe_run(with_warmth, QUICK, seed=0, hypnograms=None, start=start)["groups"]


def test_the_shipped_model_is_a_start_with_a_gentle_recipe():
    start, spec = load_start(SHIPPED), load_model().spec
    assert start.name == f"{spec.name} {spec.version}"
    assert start.datasets == spec.datasets
    recipe = start.recipe()
    assert recipe.members == len(start.members)
    assert recipe.shape() == start.members[0].shape
    assert recipe.second.learning_rate < Recipe().second.learning_rate
    assert recipe.second.passes < Recipe().second.passes
    assert recipe.mixed_simulated == recipe.simulated_nights == 0


def test_networks_of_dimensions_that_no_recipe_gives_are_refused():
    other = SequenceNet(dataclasses.replace(Recipe().shape(), dilations=(1, 2)))
    with pytest.raises(InputError, match="made-up 1: its networks have dimensions"):
        start_of([other]).recipe()


def test_another_number_of_members_is_refused(nights):
    (member,) = fit_members(nights[:2], dataclasses.replace(QUICK, second=dataclasses.replace(QUICK.second, passes=1)))
    with pytest.raises(InputError, match="2 members: made-up 1 has 1"):
        fit_members(nights[:2], dataclasses.replace(QUICK, members=2), start=start_of([member]))


@pytest.mark.parametrize("where", ["nowhere.onnx", "."])
def test_a_start_that_is_not_there_is_one_line(where):
    with pytest.raises(StagingError, match=r"nowhere|run\.json"):
        load_start(where)


def test_nights_that_the_start_has_seen_are_no_test_of_it(nights):
    start = start_of([SequenceNet(QUICK.shape())])
    seen = dataclasses.replace(start, digests=frozenset({nights[0].digest()}))
    seen.refuse_if_seen(nights[1:], {"made_up": "Another set"})
    with pytest.raises(InputError, match="made_up 0"):
        seen.refuse_if_seen(nights, {"made_up": "Another set"})
    with pytest.raises(InputError, match="never saw"):
        start.refuse_if_seen(nights, {"made_up": "Made-up nights"})


@pytest.fixture(scope="module")
def own(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("own")
    for number in range(3):
        stages = MANY[number:]
        write(folder, f"night{number}", by_epoch(stages), subject=f"S{number}", seconds=30 * len(stages))
    return f"plain_folder={folder}"


@pytest.fixture(scope="module")
def run(own, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    assert main(["finetune", "--data", own, "--passes", "1", "--out", str(folder)]) == 0
    return folder


def exported(run, out, monkeypatch, *options: str):
    """The spec and the card of an export, without the file, which other tests write."""
    made = []
    monkeypatch.setattr(shipping, "export", lambda network, spec, path: made.append((network, spec)) or 0.0)
    assert main(["export", str(run), *options, "--version", "2", "--out", str(out / "m.onnx")]) == 0
    ((network, spec),) = made
    # Three nights are too few to say anything new of the hours asleep.
    assert network.hours_asleep.describe() == load_start(SHIPPED).hours_asleep.describe()
    return spec, (out / "CARD.md").read_text(encoding="utf-8")


def test_a_model_fitted_further_names_both_sources_and_keeps_the_decision(run, tmp_path, monkeypatch):
    spec, card = exported(run, tmp_path, monkeypatch)
    shipped = load_model().spec
    plain = "Plain folder: nights of the people who trained the model"
    assert spec.datasets == (*shipped.datasets, plain)
    assert spec.groups == shipped.groups, "the nights have a heart rate alone; what was masked stays masked"
    assert spec.decision == shipped.decision
    assert spec.headline == f"{shipped.name} {shipped.version} fitted further on 3 nights; not evaluated"
    assert card.startswith("# staging-finetuned 2")
    for told in (*shipped.datasets, plain, f"{shipped.name} {shipped.version}", "It was not evaluated"):
        assert told in card


def test_fitting_further_is_evaluated_by_subject_and_its_results_go_into_the_card(run, own, tmp_path, monkeypatch):
    results = tmp_path / "results.json"
    asked = ["evaluate", "--from", "shipped", "--data", own, "--passes", "1", "--folds", "3", "--out", str(results)]
    assert main(asked) == 0
    figures = json.loads(results.read_text(encoding="utf-8"))
    assert figures["protocol"]["start"]["name"] == load_start(SHIPPED).name
    assert figures["datasets"]["plain_folder"]["n_subjects"] == 3
    spec, card = exported(run, tmp_path, monkeypatch, "--results", str(results))
    assert dataclasses.asdict(spec.decision) == pytest.approx(figures["decision"])
    assert "fitted further: plain_folder, 3 subjects" in spec.headline
    assert "python -m training evaluate --data plain_folder=FOLDER --from MODEL_OR_RUN --passes 1 --seed 0 \\" in card
    assert "plain_folder: 3 subjects" in card


def test_a_run_may_be_fitted_further_still_but_not_tested_on_its_own_nights(run, own, tmp_path, capsys):
    further = ["--from", str(run), "--data", own, "--passes", "1"]
    assert main(["finetune", *further, "--out", str(tmp_path / "run")]) == 0
    assert json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))["start"]["name"].startswith("run ")
    capsys.readouterr()
    assert main(["evaluate", *further, "--folds", "3", "--out", str(tmp_path / "results.json")]) == 2
    assert "was fitted on nights of it" in capsys.readouterr().err
    assert main(["export", str(tmp_path / "run"), "--version", "1", "--out", str(tmp_path / "m.onnx")]) == 2
    assert "it needs the results of an evaluation" in capsys.readouterr().err


def test_a_run_from_scratch_needs_an_evaluation(own, tmp_path, capsys):
    quick = ["--members", "1", "--passes", "1", "--simulated-nights", "0"]
    assert main(["fit", "--data", own, *quick, "--out", str(tmp_path)]) == 0
    assert main(["export", str(tmp_path), "--version", "1", "--out", str(tmp_path / "m.onnx")]) == 2
    assert "it needs the results of an evaluation" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "value"), [("--passes", "0"), ("--learning-rate", "0"), ("--mixed-simulated", "-1"), ("--folds", "9")]
)
def test_numbers_of_nothing_are_one_line(own, option, value, tmp_path, capsys):
    assert main(["evaluate", "--data", own, option, value, "--out", str(tmp_path / "results.json")]) == 2
    error = capsys.readouterr().err
    assert f"{option} {value}" in error
    assert error.count("\n") == 1
