"""Files of a run that are missing, damaged, or another's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from staging.errors import InputError, OutputError
from training.run_files import load_weights, make_folder, member_file, read_json, read_run


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (None, "run.json is missing"),
        ("{", "its run.json cannot be read"),
        ("[1]", "has not got commit"),
        ('{"kind": "waveforms"}', "has not got commit"),
    ],
)
def test_what_is_no_description_of_a_run_is_named(content, named, tmp_path):
    if content is not None:
        (tmp_path / "run.json").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=named):
        read_run(tmp_path)


def test_json_is_read_whole(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps({"a": [1, "ü"]}), encoding="utf-8")
    assert read_json(tmp_path / "a.json", keys=["a"]) == {"a": [1, "ü"]}


@pytest.mark.parametrize("damage", ["missing", "empty", "truncated", "text", "other"])
def test_weights_that_are_not_the_networks_are_named(damage, tmp_path):
    net = torch.nn.Linear(2, 2)
    file = member_file(tmp_path, 0)
    if damage in ("truncated", "other"):
        torch.save((torch.nn.Linear(3, 2) if damage == "other" else net).state_dict(), file)
    if damage == "truncated":
        file.write_bytes(file.read_bytes()[:-300])
    elif damage in ("empty", "text"):
        file.write_bytes(b"" if damage == "empty" else b"no weights")
    with pytest.raises(InputError, match=r"member_0\.pt") as raised:
        load_weights(net, file)
    assert "\n" not in str(raised.value)


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be made"):
        make_folder(tmp_path / "file" / "run")


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder in which nobody can write")
def test_a_folder_in_which_nothing_can_be_written_is_named_before_anything_is_made():
    with pytest.raises(OutputError, match="/proc: nothing can be written in it"):
        make_folder(Path("/proc"))
