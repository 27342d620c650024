"""The fit learns what is there, nothing else, and goes on where it was broken off."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from sklearn.metrics import cohen_kappa_score

from models.ensemble import Ensemble
from staging.errors import InputError
from training.crossval import predict
from training.fit import fit_members
from training.night import LabelledNight
from training.recipe import Recipe, Stretch

from .conftest import made_up_night

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

QUICK = Recipe(
    members=1,
    simulated_nights=0,
    second=Stretch(passes=12, batch_size=4, learning_rate=5e-3, average_decay=0.8),
    width=16,
    series_width=6,
)


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
        posture_change_deg=np.full_like(night.tracks.posture_change_deg, np.nan),
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
    resumed = fit_members(nights[:4], QUICK, run=tmp_path / "broken")[0]
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(resumed.state_dict()[name], value, msg=name)


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
