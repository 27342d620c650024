"""Damaged files of every format are read or refused, and the fuzzer that says so can say otherwise."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest

import staging
from scripts import fuzz_readers
from scripts.fuzz_readers import Case, Tally, cases, damaged, outcome, table
from tests.readers.small_files import SMALL_FILES

EACH = 12


@pytest.mark.parametrize("name", SMALL_FILES)
def test_whole_files_are_read_and_damaged_ones_read_or_refused(name, tmp_path):
    for variant in SMALL_FILES[name]:
        home = tmp_path / f"whole {variant}"
        home.mkdir()
        assert outcome(Case(name, variant, 0), home) == "read"
    for number in range(1, EACH):
        variant = sorted(SMALL_FILES[name])[number % len(SMALL_FILES[name])]
        home = tmp_path / str(number)
        home.mkdir()
        assert outcome(Case(name, variant, number), home) in ("read", "refused"), number


def test_a_case_is_the_same_files_every_time():
    case = Case("plain", "seconds", 7)
    assert damaged(case) == damaged(case)
    assert damaged(case) != damaged(case._replace(number=8))
    assert list(map(str, itertools.islice(cases(["e4", "edf"], 3), 3))) == [
        "e4:session:3",
        "edf:discontinuous:3",
        "e4:session:4",
    ]


def raises(error):
    def read(*_, **__):
        raise error

    return read


def hangs(*_, **__):
    while True:
        pass


def fills(*_, **__):
    return np.ones(fuzz_readers.MEMORY_BYTES)


def warns(*_, **__):
    warnings.warn("a mistake of ours", RuntimeWarning, stacklevel=1)


@pytest.mark.parametrize(
    ("read", "found"),
    [
        (raises(KeyError("x")), "KeyError in"),
        (raises(staging.FormatError("x" * 2000, "y" * 2000, "z" * 2000)), "an error of"),
        (hangs, "more than 1 s"),
        (fills, "more than 1024 MiB"),
        (warns, "RuntimeWarning in"),
        (lambda *_, **__: staging.Recording(), "a recording without channels"),
    ],
)
def test_what_is_no_recording_and_no_error_for_the_user_is_found(read, found, tmp_path, monkeypatch):
    monkeypatch.setattr(fuzz_readers.staging, "read", read)
    monkeypatch.setattr(fuzz_readers, "CPU_S", 1)
    assert outcome(Case("plain", "seconds", 1), tmp_path).startswith(found)


def hangs_in_its_first_case(names, first, skipped, cpu_s, pipe):
    """What a library does that no signal reaches, in the place of `fuzz_readers._work`."""
    if not skipped:
        pipe.send((Case("plain", "seconds", first), None))
        hangs()
    pipe.send(None)


def test_a_process_that_says_nothing_any_more_is_found(monkeypatch):
    monkeypatch.setattr(fuzz_readers, "MOST_S", 0.0)
    monkeypatch.setattr(fuzz_readers, "_work", hangs_in_its_first_case)
    assert fuzz_readers.fuzz(["plain"], 1.0)["plain"].findings == {"no end within 0.0 s": ["plain:seconds:1"]}


def test_the_table_counts_what_came_of_the_cases():
    tally = Tally()
    for result in ("read", "refused", "refused", "KeyError in a.py:1"):
        tally.add(Case("e4", "session", 1), result)
    assert table({"e4": tally}).splitlines()[2:] == ["| e4 | 4 | 1 | 2 | 1 |", "| all | 4 | 1 | 2 | 1 |"]
