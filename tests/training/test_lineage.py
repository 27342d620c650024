"""Whose nights a run has seen, through all that it was made from."""

from __future__ import annotations

import pytest

from training.lineage import attributions, digests, unlisted, what_decides


def data(name, *nights):
    return {name: {"attribution": f"of {name}", "nights": [[night, f"digest of {night}"] for night in nights]}}


def run(seen, **more):
    made_from = {"recipe": {"width": 8}, "groups": ["heart"], "hypnograms": [], "seed": 0, "commit": "a"}
    return made_from | {"data": seen} | more


def taught_by(teacher, seen, unlabelled=()):
    teaching = {"teacher": teacher, "mixed": 15, "share": 0.5, "data": dict(unlabelled)}
    return run(seen, teaching=teaching)


STUDENT = taught_by(
    taught_by(run(data("mesa", "m"), start={"datasets": ["of bidsleep"]}), data("dreamt", "d")),
    data("slpdb", "s"),
    data("mmash", "u"),
)


def test_whom_the_teachers_of_its_teachers_saw_a_student_has_seen():
    assert attributions(STUDENT) == ("of slpdb", "of mmash", "of dreamt", "of mesa", "of bidsleep")
    assert digests(STUDENT) == {f"digest of {night}" for night in "sudm"}
    assert unlisted(STUDENT) == {"of bidsleep"}


def test_what_followed_the_networks_that_it_began_from_does_not_decide_its_own():
    """Runs of before 2.1 have another decision, and nothing of the hours asleep, in what they say of their start."""
    before = {"name": "m 2.0.0", "weights": "0a", "datasets": [], "decision": {"wake_weight": 1.8, "n1_share": 0.3}}
    after = before | {"decision": {"least_wake_weight": 1.8}, "hours_asleep": None}
    said = run(data("slpdb", "s"), start=before)
    assert what_decides(said) == what_decides(said | {"start": after})
    assert what_decides(said) != what_decides(said | {"start": before | {"weights": "0b"}})


def test_a_set_is_attributed_once():
    assert attributions(taught_by(run(data("slpdb", "s")), data("slpdb", "s"))) == ("of slpdb",)


def test_a_run_that_nobody_taught_saw_its_own_nights():
    alone = run(data("slpdb", "a", "b"), hypnograms=["of hypnograms"])
    assert attributions(alone) == ("of slpdb", "of hypnograms")
    assert digests(alone) == {"digest of a", "digest of b"}
    assert unlisted(alone) == frozenset()


def test_nights_of_a_run_whose_tracks_were_defined_otherwise_are_not_known_one_by_one():
    """Its digests are of other tracks of the same nights: none would match, and it would be tested on whom it saw."""
    old = run(data("slpdb", "a")) | {"recipe": {"spec": {"version": 1}}}
    assert unlisted(old) == {"of slpdb"}
    assert unlisted(old | {"recipe": {"spec": {"version": 2}}}) == frozenset()
    assert unlisted(taught_by(old, data("dreamt", "d"))) == {"of slpdb"}


def test_the_commit_decides_nothing_not_even_the_teachers():
    other = STUDENT | {"commit": "b", "teaching": STUDENT["teaching"] | {"teacher": STUDENT["teaching"]["teacher"]}}
    other["teaching"]["teacher"] = other["teaching"]["teacher"] | {"commit": "b"}
    assert what_decides(other) == what_decides(STUDENT)


@pytest.mark.parametrize("change", [{"seed": 1}, {"data": data("cfs", "c")}, {"recipe": {"width": 9}}])
def test_another_teacher_is_another_run(change):
    other = STUDENT | {"teaching": STUDENT["teaching"] | {"teacher": STUDENT["teaching"]["teacher"] | change}}
    assert what_decides(other) != what_decides(STUDENT)


def test_runs_of_before_there_was_a_choice_made_the_usual_one():
    usual = {"validate": 0.0, "patience": 10, "balance": False}
    assert what_decides(run({})) == what_decides(run({}, start=None, selection=usual, teaching=None))
