"""The folds of a run stay those that its networks were fitted in."""

from __future__ import annotations

import json

import pytest
import torch

from models.hours_asleep import HoursAsleep
from models.sequence import SequenceNet
from staging.errors import InputError
from staging.features import GROUPS
from training import crossval
from training.crossval import cross_validate, split_by_subject
from training.folds import begin_folds, fold_of, folds_of, keep_hours_asleep, subjects_of_folds
from training.recipe import Recipe
from training.run_files import member_file
from training.start import weights_digest

from .conftest import made_up_night

SMALL = Recipe(members=1, width=8, series_width=4)


def finished(run, folds):
    """A run whose networks are drawn at random, others in every fold."""
    torch.manual_seed(0)
    networks = []
    for folder in begin_folds(run, folds, SMALL):
        folder.mkdir()
        networks.append(SequenceNet(SMALL.shape()).eval())
        torch.save(networks[-1].state_dict(), member_file(folder, 0))
    return networks


def test_every_fold_has_its_own_subjects_and_networks(nights, tmp_path):
    folds = split_by_subject(nights, 4)
    networks = finished(tmp_path, folds)
    found = list(folds_of(tmp_path, nights))
    assert [fold.subjects for fold in found] == folds == subjects_of_folds(tmp_path)
    assert [weights_digest(fold.network.members) for fold in found] == [weights_digest([net]) for net in networks]
    assert weights_digest(fold_of(tmp_path, 2, nights).network.members) == weights_digest([networks[2]])


@pytest.mark.parametrize("other", ["split", "number of folds", "recipe"])
def test_networks_of_one_split_never_come_to_stand_under_another(nights, tmp_path, other):
    folds = split_by_subject(nights, 2)
    finished(tmp_path, folds)
    before = {file: file.read_bytes() for file in tmp_path.glob("*.json")}
    asked = split_by_subject(nights, 4 if other == "number of folds" else 2, seed=2 if other == "split" else 0)
    assert (asked == folds) == (other == "recipe")
    with pytest.raises(InputError, match="other folds"):
        begin_folds(tmp_path, asked, Recipe(members=2) if other == "recipe" else SMALL)
    assert {file: file.read_bytes() for file in tmp_path.glob("*.json")} == before


def test_a_folder_without_networks_yet_may_get_other_folds(nights, tmp_path):
    begin_folds(tmp_path, split_by_subject(nights, 2), SMALL)
    begin_folds(tmp_path, split_by_subject(nights, 4), SMALL)
    assert len(json.loads((tmp_path / "folds.json").read_text(encoding="utf-8"))) == 4


def test_an_evaluation_refuses_a_folder_of_another_before_it_fits(nights, tmp_path, monkeypatch):
    finished(tmp_path, split_by_subject(nights, 2))
    monkeypatch.setattr(crossval, "fit_members", lambda *_, **__: pytest.fail("it fitted"))
    with pytest.raises(InputError, match="other folds"):
        cross_validate(nights, SMALL, n_folds=2, seed=2, run=tmp_path)


def test_an_unfinished_run_is_no_run(nights, tmp_path):
    finished(tmp_path, split_by_subject(nights, 4))
    (tmp_path / "fold_3" / "member_0.pt").unlink()
    with pytest.raises(InputError, match=r"fold_3.*missing"):
        subjects_of_folds(tmp_path)


def test_folds_of_other_subjects_are_refused(nights, tmp_path):
    finished(tmp_path, split_by_subject(nights, 4))
    for others in (nights[:-1], [*nights, made_up_night("new", 99)]):
        with pytest.raises(InputError, match="other subjects"):
            next(folds_of(tmp_path, others))


@pytest.mark.parametrize("held_out", ["nobody", "made_up"])
def test_a_held_out_set_is_some_of_the_data_and_not_all(nights, held_out):
    with pytest.raises(InputError, match="hold-out"):
        cross_validate(nights, SMALL, n_folds=2, held_out=held_out)


def shown(fold):
    """Groups of inputs that the networks are not blind to."""
    return {group for group, seen in zip(GROUPS, fold.network.seen_G, strict=True) if seen}


def test_networks_of_a_fold_use_what_those_knew_that_they_began_from(nights, tmp_path):
    finished(tmp_path, split_by_subject(nights, 2))
    assert shown(fold_of(tmp_path, 0, nights)) == {"heart", "counts", "posture", "clock"}
    began = {"commit": "a", "seed": 0, "recipe": {}, "data": {}, "groups": [], "hypnograms": []}
    began["start"] = {"groups": ["heart", "temperature"]}
    (tmp_path / "run.json").write_text(json.dumps(began), encoding="utf-8")
    assert "temperature" in shown(fold_of(tmp_path, 0, nights))


def test_what_follows_a_fold_s_networks_comes_back_with_them(nights, tmp_path):
    finished(tmp_path, split_by_subject(nights, 2))
    later = HoursAsleep((0.0, 0.0, 0.0, -0.5, 0.5), 1.25)
    keep_hours_asleep(tmp_path, {0: later, 1: None})
    assert fold_of(tmp_path, 0, nights).network.hours_asleep.describe() == later.describe()
    assert fold_of(tmp_path, 1, nights).network.hours_asleep is None
    keep_hours_asleep(tmp_path, {0: None})
    assert fold_of(tmp_path, 0, nights).network.hours_asleep is None, "nothing of an earlier evaluation stays"


def test_a_damaged_file_of_what_follows_is_named(nights, tmp_path):
    finished(tmp_path, split_by_subject(nights, 2))
    for content in ('{"slopes": [0, 0', '{"slopes": [0, 0], "centre": 1}', '{"slope": 1}', "[1]"):
        (tmp_path / "fold_0" / "hours_asleep.json").write_text(content, encoding="utf-8")
        with pytest.raises(InputError, match=r"hours_asleep\.json"):
            fold_of(tmp_path, 0, nights)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("folds.json", b"[1, 2]"),
        ("folds.json", b"{}"),
        ("recipe.json", b'{"members": "x", "shape": 1, "spec": 2}'),
        ("recipe.json", b'{"members": 1, "shape": {"wide": 2}, "spec": {}}'),
        ("recipe.json", b"\xff\xfe"),
    ],
)
def test_a_damaged_run_is_named(nights, tmp_path, name, content):
    finished(tmp_path, split_by_subject(nights, 4))
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=r"does not say what it should|cannot be read|other subjects"):
        list(folds_of(tmp_path, nights))


def test_a_run_whose_recipe_is_not_text_is_another_run(nights, tmp_path):
    folds = split_by_subject(nights, 4)
    finished(tmp_path, folds)
    (tmp_path / "recipe.json").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="of another recipe"):
        begin_folds(tmp_path, folds, SMALL)
