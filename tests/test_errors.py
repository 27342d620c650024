from __future__ import annotations

import pickle

import pytest

from staging import errors


@pytest.mark.parametrize("name", errors.__all__)
def test_an_error_crosses_processes_whole(name):
    error = getattr(errors, name)("night.zip", "the zip is\ncut short", "copy it again")
    other = pickle.loads(pickle.dumps(error))
    assert type(other) is type(error)
    assert (other.where, other.problem, other.mend) == (error.where, error.problem, error.mend)
    assert str(other) == str(error) == "night.zip: the zip is cut short; copy it again"


def test_what_a_file_says_at_length_is_cut_in_the_middle() -> None:
    error = errors.FormatError("night.csv", "x" * 5000 + " is no time", "write one" * 1000)
    assert len(str(error)) < 600
    assert str(error).startswith("night.csv: xxx")
    assert " ... " in str(error)
    assert "x is no time; write one" in str(error)
    assert len(pickle.loads(pickle.dumps(error)).problem) > 5000
