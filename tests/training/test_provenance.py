"""What a run says of the code that made it."""

from __future__ import annotations

import functools
import hashlib
import json

import pytest

from staging.errors import InputError
from training import provenance
from training.provenance import claim_run, commits_of_folds, sign_fold, write_run
from training.recipe import Recipe
from training.run_files import fold_folder, member_file, read_run
from training.simulated import hypnogram_sources

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


def test_the_folds_of_an_evaluation_are_of_the_code_that_fitted_them(tmp_path, monkeypatch):
    def fold(number, code):
        monkeypatch.setattr(provenance, "commit", lambda: code)
        fold_folder(tmp_path, number).mkdir(exist_ok=True)
        sign_fold(fold_folder(tmp_path, number), 1)

    fold(0, "a")
    member_file(fold_folder(tmp_path, 0), 0).touch()
    fold(1, "a")
    assert commits_of_folds(tmp_path, 2) == "a"
    fold(1, "b")
    member_file(fold_folder(tmp_path, 1), 0).touch()
    for number in range(2):
        fold(number, "c")
    assert commits_of_folds(tmp_path, 2) == "a, b"


def test_folds_of_before_they_were_signed_are_of_the_code_that_their_run_names(tmp_path):
    assert commits_of_folds(tmp_path, 2) == "unknown"
    write_run(tmp_path, description("a"))
    assert commits_of_folds(tmp_path, 2) == "a"


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


def test_a_mark_of_before_hypnograms_were_told_by_their_content_is_still_the_fits(tmp_path):
    nights, hypnograms = [made_up_night("a", 1)], tmp_path / "hypnograms"
    (hypnograms / "boas").mkdir(parents=True)
    (hypnograms / "boas" / "boas_hypnograms.csv").write_text("record,subject,stages\n", encoding="ascii")
    digests = [["made_up", "a", nights[0].digest()]]
    made_from = [json.loads(Recipe().to_json()), 0, digests, hypnogram_sources(hypnograms)]
    older = hashlib.sha256(json.dumps(made_from).encode()).hexdigest()
    run = tmp_path / "run"
    run.mkdir()
    (run / "fit.sha256").write_text(older + "\n", encoding="ascii")
    member_file(run, 0).touch()
    claim_run(run, nights, Recipe(), seed=0, hypnograms=hypnograms)
    assert (run / "fit.sha256").read_text(encoding="ascii").strip() != older
