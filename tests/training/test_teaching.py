"""Networks that teach others: what is taught, by whom, and to whom not."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch

from models.ensemble import Ensemble
from models.sequence import SequenceNet
from staging.errors import InputError
from staging.features import extract
from training import crossval
from training.augment import Augmentation, augment
from training.batches import LabelSmoothing, Mixed, NightDataset, targets
from training.crossval import cross_validate, split_by_subject
from training.fit import fit_members
from training.folds import begin_folds, folds_of
from training.predictions import probabilities
from training.provenance import claim_run, describe_run, write_run
from training.start import weights_digest
from training.teaching import Teacher, Teaching

from .conftest import made_up_night, quick_recipe

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

QUICK = quick_recipe(passes=2, average_decay=0.5, width=8, series_width=4)
SMOOTHING = LabelSmoothing()


def unscored(subject, seed=50, **kwargs):
    night = made_up_night(subject, seed, dataset="nobody_scored", **kwargs)
    return dataclasses.replace(night, reference=np.full_like(night.reference, -1))


def taught(night, stage=3):
    said = np.zeros((night.tracks.n_epochs, 5), np.float32)
    said[:, stage] = 1.0
    return dataclasses.replace(night, taught=said)


def untrained(unlabelled=()):
    torch.manual_seed(0)
    network = Ensemble([SequenceNet(QUICK.shape()).eval()], QUICK.spec)
    return Teacher(network=network, spec=QUICK.spec, unlabelled=unlabelled, mixed=2, share=0.5)


def teacher(nights, unlabelled=(), *, mixed=2, share=0.5):
    network = Ensemble(fit_members(nights, QUICK), QUICK.spec)
    return Teacher(network=network, spec=QUICK.spec, unlabelled=unlabelled, mixed=mixed, share=share)


def test_a_scored_epoch_is_learnt_from_both():
    night = made_up_night("a", 1)
    alone = targets(night, SMOOTHING)
    both = targets(taught(night), SMOOTHING, 0.5)
    np.testing.assert_allclose(both.sum(axis=1), 1.0, atol=1e-6)
    np.testing.assert_allclose(both, 0.5 * alone + 0.5 * np.eye(5, dtype=np.float32)[3], atol=1e-6)


def test_an_unscored_epoch_of_a_scored_night_teaches_nothing_wherever_the_night_is_cut():
    night = made_up_night("a", 1)
    reference = night.reference.copy()
    reference[10:] = -1
    (night,) = untrained().teach([dataclasses.replace(night, reference=reference)])
    target = targets(night, SMOOTHING, 0.5)
    assert (target[10:] == 0.0).all()
    assert (target[:10].sum(axis=1) > 0.9).all()
    for seed in range(20):
        cut = augment(night, np.random.default_rng(seed), Augmentation(crop_probability=1.0))
        assert (targets(cut, SMOOTHING, 0.5)[cut.reference < 0] == 0.0).all()


def test_a_night_that_nobody_scored_is_learnt_from_the_teacher_alone_where_it_was_recorded():
    night = unscored("a")
    coverage = {name: share.copy() for name, share in night.tracks.coverage.items()}
    coverage["heart"][:5] = coverage["motion"][:5] = 0.0
    night = dataclasses.replace(night, tracks=dataclasses.replace(night.tracks, coverage=coverage))
    target = targets(taught(night), SMOOTHING, 0.5)
    assert (target[:5] == 0.0).all()
    np.testing.assert_array_equal(target[5:], taught(night).taught[5:])
    assert (targets(night, SMOOTHING) == 0.0).all()


def test_what_is_taught_stays_with_its_epochs_when_a_night_is_cut():
    night = made_up_night("a", 1)
    said = np.zeros((night.tracks.n_epochs, 5), np.float32)
    said[np.arange(len(said)), night.reference] = 1.0
    night = dataclasses.replace(night, taught=said)
    for seed in range(10):
        changed = augment(night, np.random.default_rng(seed), Augmentation(crop_probability=1.0))
        assert (changed.taught.argmax(axis=1) == changed.reference).all()


def test_what_is_taught_is_no_part_of_the_night():
    night = made_up_night("a", 1)
    assert taught(night).digest() == night.digest()


def test_mixed_nights_come_from_their_own_pools():
    pools = [Mixed([made_up_night("s", 2, n=20)], 1), Mixed([unscored("u", n=40)], 2), Mixed([], 0)]
    dataset = NightDataset([made_up_night("a", 1)], QUICK.spec, mixed=pools, smoothing=SMOOTHING)
    assert len(dataset) == 4
    assert [len(dataset[index][1]) for index in range(4)] == [80, 20, 40, 40]
    with pytest.raises(IndexError):
        dataset[4]


def test_a_teacher_teaches_what_its_network_says():
    one = untrained([unscored("u")])
    pool = one.pool()
    assert pool.number == 2
    says = [probabilities(one.network, extract(night.tracks, QUICK.spec), QUICK.spec) for night in one.unlabelled]
    np.testing.assert_array_equal([night.taught for night in pool.nights], says)
    scored = made_up_night("a", 1)
    says = probabilities(one.network, extract(scored.tracks, QUICK.spec), QUICK.spec)
    np.testing.assert_array_equal(one.teach([scored])[0].taught, says)
    assert dataclasses.replace(one, unlabelled=()).pool().number == 0


@pytest.mark.slow
def test_students_are_a_function_of_seed_and_teacher(nights):
    first, second = teacher(nights[:4], [unscored("u")]), teacher(nights[4:], [unscored("u")])

    def students(of):
        return fit_members(nights, QUICK, teacher=of)[0].state_dict()

    one, again, other, alone = students(first), students(first), students(second), students(None)
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert not all(torch.equal(one[name], other[name]) for name in one)
    assert not all(torch.equal(one[name], alone[name]) for name in one)


@pytest.mark.slow
def test_students_of_a_fold_learn_from_teachers_of_the_same_fold(nights, tmp_path, monkeypatch):
    cross_validate(nights, QUICK, n_folds=2, run=tmp_path / "teachers")
    teaching = Teaching(run=tmp_path / "teachers", unlabelled=[unscored("u")], mixed=1)
    taught_by = []

    def spy(known, recipe, *, teacher, **kwargs):
        taught_by.append((frozenset(night.subject for night in known), weights_digest(teacher.network.members)))
        return fit_members(known, recipe, teacher=teacher, **kwargs)

    monkeypatch.setattr(crossval, "fit_members", spy)
    predictions = cross_validate(nights, QUICK, n_folds=2, teaching=teaching)
    assert len(predictions) == len(nights)
    everybody = {night.subject for night in nights}
    assert taught_by == [
        (everybody - {subject for _, subject in fold.subjects}, weights_digest(fold.network.members))
        for fold in folds_of(tmp_path / "teachers", nights)
    ]
    assert taught_by[0][1] != taught_by[1][1]


def test_teachers_of_other_folds_are_refused(nights, tmp_path):
    for folder in begin_folds(tmp_path, split_by_subject(nights, 2), QUICK):
        folder.mkdir()
        torch.save(SequenceNet(QUICK.shape()).state_dict(), folder / "member_0.pt")
    teaching = Teaching(run=tmp_path)
    teaching.check_folds(split_by_subject(nights, 2))
    for asked in ({"n_folds": 4}, {"n_folds": 2, "seed": 2}):
        with pytest.raises(InputError, match="folds are others"):
            cross_validate(nights, QUICK, teaching=teaching, **asked)


def test_a_held_out_set_is_learnt_about_from_teachers_who_never_saw_it(nights, tmp_path):
    others = [made_up_night(f"o{seed}", seed, dataset="slpdb") for seed in range(2)]
    asked = {"n_folds": 2, "held_out": "slpdb"}
    cross_validate([*nights, *others], QUICK, run=tmp_path, **asked)
    predictions = cross_validate([*nights, *others], QUICK, teaching=Teaching(run=tmp_path), **asked)
    assert {prediction.night.dataset for prediction in predictions} == {"slpdb"}


@pytest.mark.parametrize("ask", [Teaching.of_fit, Teaching.describe])
def test_what_is_no_run_teaches_nobody(tmp_path, ask):
    for there in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(InputError, match="run"):
            ask(Teaching(run=there))


def test_a_run_says_who_taught_it_only_where_somebody_did(nights, tmp_path):
    simulated = [dataclasses.replace(night, dataset="simulated") for night in nights]
    without = describe_run(simulated, QUICK, seed=0, hypnograms=None)
    write_run(tmp_path, without)
    quiet = [dataclasses.replace(unscored("u"), dataset="mmash")]
    teaching = Teaching(run=tmp_path, unlabelled=quiet)
    with_one = describe_run(simulated, QUICK, seed=0, hypnograms=None, teaching=teaching)
    assert set(with_one) - set(without) == {"teaching"}
    assert with_one["teaching"]["data"]["mmash"]["nights"] == [["u", quiet[0].digest()]]
    assert with_one["teaching"]["teacher"] == json.loads(json.dumps(without))


def test_a_run_of_one_teacher_is_not_taken_for_that_of_another(nights, tmp_path):
    of_four = teacher(nights[:4])
    others = {
        "nobody": None,
        "other weights": teacher(nights[4:]),
        "other share": dataclasses.replace(of_four, share=0.6),
        "other number": dataclasses.replace(of_four, mixed=3),
        "other nights": dataclasses.replace(of_four, unlabelled=[unscored("u")]),
    }
    claim_run(tmp_path, nights, QUICK, seed=0, teacher=of_four)
    (tmp_path / "member_0.pt").touch()
    claim_run(tmp_path, nights, QUICK, seed=0, teacher=dataclasses.replace(of_four))
    for other in others.values():
        with pytest.raises(InputError, match="teacher"):
            claim_run(tmp_path, nights, QUICK, seed=0, teacher=other)


@pytest.mark.slow
def test_a_taught_fit_goes_on_and_an_untaught_one_does_not_take_its_networks(nights, tmp_path):
    one = teacher(nights[:4], [unscored("u")])
    (first,) = fit_members(nights, QUICK, run=tmp_path, teacher=one)
    written = (tmp_path / "member_0.pt").stat().st_mtime_ns
    (again,) = fit_members(nights, QUICK, run=tmp_path, teacher=one)
    assert (tmp_path / "member_0.pt").stat().st_mtime_ns == written
    assert all(torch.equal(weight, again.state_dict()[name]) for name, weight in first.state_dict().items())
    with pytest.raises(InputError, match="teacher"):
        fit_members(nights, QUICK, run=tmp_path)


def test_as_many_epochs_are_taught_as_the_night_has():
    night = made_up_night("a", 1)
    with pytest.raises(ValueError, match="taught"):
        dataclasses.replace(night, taught=np.full((night.tracks.n_epochs - 1, 5), 0.2, np.float32))
