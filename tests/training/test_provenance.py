"""What a run says of the code that made it."""

from __future__ import annotations

from training.provenance import write_run
from training.run_files import member_file, read_run


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
