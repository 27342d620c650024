"""The fit learns what is there, nothing else, and goes on where it was broken off."""

from __future__ import annotations

import dataclasses
import importlib.util
import json

import numpy as np
import pytest
import torch
from sklearn.metrics import cohen_kappa_score

from models.ensemble import Ensemble
from staging.errors import InputError
from training.batches import NightDataset, collate
from training.fit import fit_members
from training.night import LabelledNight
from training.predictions import predict
from training.recipe import Stretch
from training.running import Running
from training.selection import Selection

from .conftest import made_up_night, quick_recipe

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

QUICK = quick_recipe(passes=12, average_decay=0.8, width=16, series_width=6)


def kappa(members, recipe, unseen=None):
    unseen = unseen or [made_up_night("unseen", 90 + seed) for seed in range(4)]
    predicted = [predict(Ensemble(members, recipe.spec), night, recipe.spec)["all"].argmax(axis=1) for night in unseen]
    return cohen_kappa_score(np.concatenate([night.reference for night in unseen]), np.concatenate(predicted))


def test_what_the_nights_show_is_learnt_and_shuffled_labels_are_not(nights):
    assert kappa(fit_members(nights, QUICK), QUICK) > 0.8
    rng = np.random.default_rng(0)
    # Drawn anew, not permuted within the night: a night's share of wake can be read from its signals.
    shuffled = [dataclasses.replace(night, reference=rng.choice([0, 2], len(night.reference))) for night in nights]
    assert abs(kappa(fit_members(shuffled, QUICK), QUICK)) < 0.3


def warm_asleep(subject: str, seed: int) -> LabelledNight:
    """A night of which only the skin temperature tells anything: half a degree warmer asleep."""
    night = made_up_night(subject, seed)
    asleep = night.reference != 0
    noise = 0.1 * np.random.default_rng(seed).standard_normal(len(asleep))
    tracks = dataclasses.replace(
        night.tracks,
        heart_rate_bpm=np.full_like(night.tracks.heart_rate_bpm, np.nan),
        counts=np.full_like(night.tracks.counts, np.nan),
        gravity_g=np.full_like(night.tracks.gravity_g, np.nan),
        temperature_c=(33.0 + 0.5 * asleep + noise).astype(np.float32),
    )
    return dataclasses.replace(night, tracks=tracks)


def test_temperature_is_learnt_where_it_is_recorded_and_masking_it_takes_the_gain_away():
    members = fit_members([warm_asleep(str(seed), seed) for seed in range(8)], QUICK)
    unseen = [warm_asleep("unseen", 90 + seed) for seed in range(4)]
    masked = [
        dataclasses.replace(
            night,
            tracks=dataclasses.replace(night.tracks, temperature_c=np.full_like(night.tracks.temperature_c, np.nan)),
        )
        for night in unseen
    ]
    assert kappa(members, QUICK, unseen) > 0.6
    assert abs(kappa(members, QUICK, masked)) < 0.2


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(nights):
    first, again, other = (fit_members(nights[:4], QUICK, seed=seed)[0].head.weight for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def logged_passes(run, version) -> list[int]:
    log = run / "member_0" / "second" / "log" / version / "metrics.csv"
    header, *rows = (line.split(",") for line in log.read_text(encoding="utf-8").splitlines())
    place = header.index("train_loss")
    return [int(row[0]) for row in rows if row[place]]


class BrokenOffError(Exception):
    pass


def test_a_run_that_was_broken_off_ends_as_an_unbroken_one(nights, tmp_path, monkeypatch):
    whole = fit_members(nights[:4], QUICK, run=tmp_path / "whole")[0]
    from training.module import StagingModule

    step = StagingModule.training_step

    def stop_in_the_middle(self, batch, index):
        if self.current_epoch == 7:
            raise BrokenOffError
        return step(self, batch, index)

    monkeypatch.setattr(StagingModule, "training_step", stop_in_the_middle)
    with pytest.raises(BrokenOffError):
        fit_members(nights[:4], QUICK, run=tmp_path / "broken")
    monkeypatch.undo()
    assert logged_passes(tmp_path / "broken", "version_0") == list(range(7))
    resumed = fit_members(nights[:4], QUICK, run=tmp_path / "broken")[0]
    for name, value in whole.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], value), name
    assert logged_passes(tmp_path / "broken", "version_1") == list(range(7, 12)), "it did not begin anew"


@pytest.mark.parametrize("other", ["seed", "recipe", "nights", "unmarked"])
def test_weights_of_another_fit_are_never_taken_for_its_own(nights, tmp_path, other):
    quick = dataclasses.replace(QUICK, second=Stretch(passes=1, batch_size=4, learning_rate=1e-3))
    fit_members(nights[:2], quick, seed=1, run=tmp_path)
    fit_members(nights[:2], quick, seed=1, run=tmp_path)
    if other == "unmarked":
        (tmp_path / "fit.sha256").unlink()
    changed = {
        "seed": (nights[:2], quick, 2),
        "recipe": (nights[:2], dataclasses.replace(quick, dropout=0.1), 1),
        "nights": (nights[:3], quick, 1),
        "unmarked": (nights[:2], quick, 1),
    }
    with pytest.raises(InputError, match="it holds"):
        fit_members(changed[other][0], changed[other][1], seed=changed[other][2], run=tmp_path)


def loss_of(member, nights, recipe) -> float:
    """Mean loss an epoch, as the fit measures it."""
    dataset = NightDataset(nights, recipe.spec, smoothing=recipe.smoothing)
    batch = collate([dataset[index] for index in range(len(nights))])
    with torch.no_grad():
        *inputs, target = batch
        loss = -(target * member(*inputs).log_softmax(dim=2)).sum() / (target.sum(dim=2) > 0).sum()
    return float(loss)


def test_the_pass_that_is_best_on_other_subjects_is_kept_with_its_averaged_weights(nights, tmp_path):
    selection = Selection(validate=0.25, patience=2)
    rng = np.random.default_rng(0)
    shuffled = [dataclasses.replace(night, reference=rng.choice([0, 2], len(night.reference))) for night in nights]
    long = dataclasses.replace(QUICK, second=dataclasses.replace(QUICK.second, passes=60))
    (member,) = fit_members(shuffled, long, run=tmp_path, selection=selection)
    noted = json.loads((tmp_path / "validation.json").read_text(encoding="utf-8"))
    apart = [night for night in shuffled if [night.dataset, night.subject] in noted["subjects"]]
    assert len(apart) == 2
    kept = noted["kept"]["0"]
    assert loss_of(member, apart, long) == pytest.approx(kept["validation_loss"], rel=1e-5)
    passes = logged_passes(tmp_path, "version_0")
    assert len(passes) == kept["pass"] + 2 < 60, "nothing to learn: it ends two passes after the best"

    (tmp_path / "member_0.pt").unlink()  # as if it had been broken off between its last pass and its end
    (again,) = fit_members(shuffled, long, run=tmp_path, selection=selection)
    for name, value in member.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name
    assert json.loads((tmp_path / "validation.json").read_text(encoding="utf-8")) == noted


def test_subjects_that_are_kept_apart_change_nothing_but_the_choice_of_the_pass(nights, tmp_path):
    """They are not learnt from: the fit without them, of as many passes as were kept, is the same but for its cycle."""
    others = [made_up_night(night.subject, 50 + int(night.subject)) for night in nights]
    selection = Selection(validate=0.25, patience=99)
    fit_members(nights, QUICK, run=tmp_path / "a", selection=selection)
    apart = json.loads((tmp_path / "a" / "validation.json").read_text(encoding="utf-8"))["subjects"]
    mixed = [
        other if [night.dataset, night.subject] in apart else night for night, other in zip(nights, others, strict=True)
    ]
    fit_members(mixed, QUICK, run=tmp_path / "b", selection=selection)
    a, b = (torch.load(tmp_path / run / "member_0" / "second" / "last.ckpt", weights_only=True) for run in "ab")
    for name, value in a["current_model_state"].items():
        assert torch.equal(b["current_model_state"][name], value), name


def test_simulated_nights_may_come_first(nights):
    quick = dataclasses.replace(QUICK, second=dataclasses.replace(QUICK.second, passes=1), simulated_nights=2)
    first = dataclasses.replace(quick, first=Stretch(passes=1, batch_size=2, learning_rate=5e-3))
    without, with_first = (fit_members(nights[:2], recipe)[0].head.weight for recipe in (quick, first))
    assert not torch.equal(without, with_first)
    with pytest.raises(InputError, match="--simulated-nights"):
        fit_members(nights[:2], dataclasses.replace(first, simulated_nights=0))


def test_data_sets_may_have_equal_shares(nights):
    two_sets = [dataclasses.replace(night, dataset="small" if night.subject == "0" else "large") for night in nights]
    assert kappa(fit_members(two_sets, QUICK, selection=Selection(balance=True)), QUICK) > 0.6


def test_lower_precision_learns_as_well(nights):
    assert kappa(fit_members(nights, QUICK, running=Running(accelerator="cpu", precision="bf16-mixed")), QUICK) > 0.6


@pytest.mark.parametrize(
    ("running", "named"),
    [
        ({"devices": 0}, "--devices 0"),
        ({"devices": 5}, "--batch-size"),
        ({"accelerator": "abacus"}, "abacus"),
        ({"precision": "7-bit"}, "7-bit"),
    ],
)
def test_hardware_that_is_not_there_is_one_line(nights, running, named):
    with pytest.raises(InputError) as refused:
        fit_members(nights, QUICK, running=Running(**running))
    assert named in str(refused.value)
    assert "\n" not in str(refused.value)


def test_tensorboard_is_asked_for_by_name_or_written(nights, tmp_path):
    if importlib.util.find_spec("tensorboard") is None:
        with pytest.raises(InputError, match="tensorboard is not installed"):
            Running(tensorboard=True)
    else:
        quick = dataclasses.replace(QUICK, second=dataclasses.replace(QUICK.second, passes=1))
        fit_members(nights[:2], quick, run=tmp_path, running=Running(tensorboard=True))
        assert list(tmp_path.glob("member_0/second/tensorboard/*/events*"))
