"""What a run says of the code that made it."""

from __future__ import annotations

import functools

import pytest

from staging.errors import InputError
from training.provenance import claim_run, write_run
from training.recipe import Recipe
from training.run_files import FOLDS_FILE, fold_folder, member_file, read_run

from .conftest import made_up_night


def description(commit, members=2):
    recipe = {"members": members}
    return {"commit": commit, "seed": 0, "recipe": recipe, "data": {}, "groups": [], "hypnograms": []}


def test_a_run_names_all_code_that_it_was_made_by(tmp_path):
    for commit in ("a", "a", "b", "a"):
        write_run(tmp_path, description(commit))
        member_file(tmp_path, 0).touch()
    assert read_run(tmp_path)["commit"] == "a, b"


def test_a_finished_run_was_not_made_by_code_that_only_looks_at_it(tmp_path):
    write_run(tmp_path, description("a"))
    for number in range(2):
        member_file(tmp_path, number).touch()
    write_run(tmp_path, description("b"))
    assert read_run(tmp_path)["commit"] == "a"


def test_the_folds_of_a_finished_evaluation_keep_the_code_that_fitted_them(tmp_path):
    (tmp_path / FOLDS_FILE).write_text('[[["a", "1"]], [["a", "2"]]]', encoding="utf-8")
    assert write_run(tmp_path, description("a", members=1))["commit"] == "a"
    for number in range(2):
        assert write_run(tmp_path, description("b", members=1))["commit"] == "a, b"
        fold_folder(tmp_path, number).mkdir()
        member_file(fold_folder(tmp_path, number), 0).touch()
    assert write_run(tmp_path, description("c", members=1))["commit"] == "a, b"
    assert read_run(tmp_path)["commit"] == "a, b"


def test_a_fit_does_not_go_on_with_other_hypnograms(tmp_path):
    file = tmp_path / "hypnograms" / "boas" / "boas_hypnograms.csv"
    file.parent.mkdir(parents=True)
    file.write_text("record,subject,stages\n1,2," + "2" * 900 + "\n", encoding="ascii")
    run, nights = tmp_path / "run", [made_up_night("a", 1)]
    claim = functools.partial(claim_run, run, nights, Recipe(), seed=0, hypnograms=tmp_path / "hypnograms")
    claim()
    member_file(run, 0).touch()
    claim()
    file.write_text("record,subject,stages\n1,2," + "3" * 900 + "\n", encoding="ascii")
    with pytest.raises(InputError, match="another recipe, seed, data, hypnograms"):
        claim()
