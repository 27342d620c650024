"""The waveform network learns what is there, nothing else, and goes on where it was broken off."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch
from sklearn.metrics import cohen_kappa_score

from models.waveform import WaveformStager
from models.waveform_spec import SENSORS
from staging.errors import InputError
from staging.hypnogram import merge_matrix
from staging.simulate import DEFAULT
from training.module import StagingModule
from training.recipe import Stretch
from training.running import Running
from training.selection import Selection
from training.simulated import simulated_recordings
from training.waveform_fit import fit_waveforms
from training.waveform_recipe import WaveformRecipe
from training.waveform_results import stage_probabilities
from training.waveforms import labelled_waveforms

from .made_waveforms import QUICK, waveform_night

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

ALL = range(len(SENSORS))
TEMPERATURE = SENSORS.index("temperature")


@pytest.fixture(scope="module")
def nights():
    return [waveform_night(seed) for seed in range(4)]


def kappa(members, unseen, shown=ALL, n_classes=5):
    stager, merged = WaveformStager(members), merge_matrix(5, n_classes)
    predicted = [(stage_probabilities(stager, night, shown) @ merged).argmax(axis=1) for night in unseen]
    reference = [merged.argmax(axis=1)[night.reference] for night in unseen]
    return cohen_kappa_score(np.concatenate(reference), np.concatenate(predicted))


def assert_equal_nets(found, expected):
    for name, value in expected.state_dict().items():
        assert torch.equal(found.state_dict()[name], value), name


ALIKE = (0.0, 0.0, 0.0, 0.0, 0.0)
STAGES_DRIVE = dataclasses.replace(
    DEFAULT,
    heart=dataclasses.replace(
        DEFAULT.heart,
        stage_offset_bpm=(16.0, 2.0, 0.0, -8.0, 8.0),
        stage_offset_sd_bpm=ALIKE,
        level_shift_bpm=ALIKE,
        before_sleep_bpm=(16.0, 0.0),
        after_sleep_bpm=(16.0, 0.0),
        wake_slow_sd_bpm=2.0,
        slope_sd_bpm_per_h=0.0,
        slow_sd_bpm=0.5,
    ),
)
"""Stages move the heart rate further than they do, and everybody's alike; the rest is as the simulator has it: pulses
with noise, artefacts and lost contact, surges, breathing, movement and posture, all of which differ between people.
Nights by the simulator's own numbers take several times as long to be learnt to the same bound, without the margin that
a test needs on other machines (models/EXPERIMENTS.md)."""

LEARNING = WaveformRecipe(
    stretch=Stretch(passes=8, batch_size=2, learning_rate=5e-3, average_decay=0.9),
    changes=None,
    learnt_width=4,
    encoder_width=16,
    width=32,
    dropout=0.05,
)
N_LEARNT, N_UNSEEN = 20, 10


@pytest.fixture(scope="module")
def simulated():
    """Nights of 3 h, each of another person."""
    made = simulated_recordings(N_LEARNT + N_UNSEEN, seed=1, duration_h=(3, 3), parameters=STAGES_DRIVE)
    return [labelled_waveforms(each) for each in made]


def test_stages_that_drive_the_signals_are_learnt_from_raw_waveforms(simulated):
    learning, unseen = simulated[:N_LEARNT], simulated[N_LEARNT:]
    assert not {night.subject for night in learning} & {night.subject for night in unseen}
    assert kappa(fit_waveforms(learning, LEARNING), unseen, n_classes=4) > 0.6


def test_nothing_is_learnt_from_shuffled_stages(simulated):
    """Shuffled over all nights: a night's share of a stage can be read from its signals."""
    learning, unseen = simulated[:N_LEARNT], simulated[N_LEARNT:]
    shuffled = np.random.default_rng(0).permutation(np.concatenate([night.reference for night in learning]))
    parts = np.split(shuffled, np.cumsum([len(night.reference) for night in learning])[:-1])
    learning = [dataclasses.replace(night, reference=part) for night, part in zip(learning, parts, strict=True)]
    short = dataclasses.replace(LEARNING, stretch=dataclasses.replace(LEARNING.stretch, passes=3))
    assert abs(kappa(fit_waveforms(learning, short), unseen, n_classes=4)) < 0.1


def test_temperature_is_learnt_where_it_alone_tells_the_stage_and_masking_it_takes_the_gain_away():
    learning = [waveform_night(seed, warm_asleep_c=0.5) for seed in range(8)]
    unseen = [waveform_night(90 + seed, warm_asleep_c=0.5) for seed in range(6)]
    recipe = dataclasses.replace(QUICK, stretch=dataclasses.replace(QUICK.stretch, passes=12))
    members = fit_waveforms(learning, recipe)
    assert kappa(members, unseen) > 0.6
    assert kappa(members, unseen, [TEMPERATURE]) > 0.6
    masked = [sensor for sensor in ALL if sensor != TEMPERATURE]
    assert abs(kappa(members, unseen, masked)) < 0.3


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(nights):
    first, again, other = (fit_waveforms(nights, QUICK, seed=seed)[0] for seed in (1, 1, 2))
    assert_equal_nets(again, first)
    assert not torch.equal(other.head.weight, first.head.weight)


def test_members_differ_by_their_seed(nights):
    first, second = fit_waveforms(nights[:2], dataclasses.replace(QUICK, members=2))
    assert not torch.equal(first.head.weight, second.head.weight)
    assert not first.training
    assert not second.training


class BrokenOffError(Exception):
    pass


def test_a_run_that_was_broken_off_ends_as_an_unbroken_one(nights, tmp_path, monkeypatch):
    recipe = dataclasses.replace(QUICK, stretch=dataclasses.replace(QUICK.stretch, passes=4))
    whole = fit_waveforms(nights, recipe, run=tmp_path / "whole")[0]
    step = StagingModule.training_step

    def stop_in_the_middle(self, batch, index):
        if self.current_epoch == 2 and index == 1:
            raise BrokenOffError
        return step(self, batch, index)

    monkeypatch.setattr(StagingModule, "training_step", stop_in_the_middle)
    with pytest.raises(BrokenOffError):
        fit_waveforms(nights, recipe, run=tmp_path / "broken")
    shown = []
    monkeypatch.setattr(
        StagingModule, "training_step", lambda self, *batch: shown.append(self.current_epoch) or step(self, *batch)
    )
    resumed = fit_waveforms(nights, recipe, run=tmp_path / "broken")[0]
    assert sorted(set(shown)) == [2, 3], "it did not begin anew"
    assert_equal_nets(resumed, whole)
    shown.clear()
    assert_equal_nets(fit_waveforms(nights, recipe, run=tmp_path / "broken")[0], whole)
    assert not shown, "a finished network is taken up"


@pytest.mark.parametrize("other", ["seed", "recipe", "nights"])
def test_weights_of_another_fit_are_never_taken_for_its_own(nights, tmp_path, other):
    quick = dataclasses.replace(QUICK, stretch=Stretch(passes=1, batch_size=2, learning_rate=1e-3))
    fit_waveforms(nights[:2], quick, seed=1, run=tmp_path)
    changed = {
        "seed": (nights[:2], quick, 2),
        "recipe": (nights[:2], dataclasses.replace(quick, changes=None), 1),
        "nights": (nights[:3], quick, 1),
    }
    learning, recipe, seed = changed[other]
    with pytest.raises(InputError, match="it holds a fit of another"):
        fit_waveforms(learning, recipe, seed=seed, run=tmp_path)


def test_subjects_may_be_kept_apart_to_choose_the_pass_by(nights, tmp_path):
    fit_waveforms(nights, QUICK, run=tmp_path, selection=Selection(validate=0.25, patience=9))
    noted = json.loads((tmp_path / "validation.json").read_text(encoding="utf-8"))
    assert len(noted["subjects"]) == 1
    assert 1 <= noted["kept"]["0"]["pass"] <= QUICK.stretch.passes
    apart = [night for night in nights if [night.dataset, night.subject] in noted["subjects"]]
    others = [waveform_night(60 + int(night.subject)) if night in apart else night for night in nights]
    others = [dataclasses.replace(other, subject=night.subject) for other, night in zip(others, nights, strict=True)]
    fit_waveforms(others, QUICK, run=tmp_path / "b", selection=Selection(validate=0.25, patience=9))
    a, b = (torch.load(run / "member_0" / "last.ckpt", weights_only=True) for run in (tmp_path, tmp_path / "b"))
    for name, value in a["current_model_state"].items():
        assert torch.equal(b["current_model_state"][name], value), f"{name}: they were learnt from"


def test_data_sets_may_have_equal_shares(nights):
    two_sets = [dataclasses.replace(nights[0], dataset="small"), *nights[1:]]
    plain, balanced = (
        fit_waveforms(two_sets, QUICK, selection=Selection(balance=balance))[0] for balance in (False, True)
    )
    assert not torch.equal(balanced.head.weight, plain.head.weight)
    assert torch.isfinite(balanced.head.weight).all()


def test_lower_precision_gives_nearly_the_same(nights):
    plain, lower = (
        fit_waveforms(nights[:2], QUICK, running=Running(accelerator="cpu", precision=precision))[0].head.weight
        for precision in ("32-true", "bf16-mixed")
    )
    assert not torch.equal(lower, plain)
    torch.testing.assert_close(lower, plain, atol=0.05, rtol=0)


def test_more_processes_than_nights_of_a_batch_are_one_line(nights):
    with pytest.raises(InputError, match="--batch-size"):
        fit_waveforms(nights, QUICK, running=Running(accelerator="cpu", devices=3))
