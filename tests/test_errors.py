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
