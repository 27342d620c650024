"""Formats are found by content; one that is not known is refused with what is known."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings

from staging.errors import FormatError, InputError, OutputError
from staging.scorings import formats, read_hypnogram, read_hypnograms, write_hypnogram
from tests.architecture.strategies import hypnograms, night


def test_every_format_has_a_title():
    assert set(formats()) == {"csv", "json", "edf", "nsrr", "oura", "fitbit", "apple_health", "codes"}
    assert all(formats().values())


@pytest.mark.parametrize("suffix", ["csv", "json", "edf"])
@settings(deadline=None, max_examples=25)
@given(hypnogram=hypnograms(max_runs=10, max_run=20))
def test_what_is_written_is_found_and_read_whatever_its_name(tmp_path_factory, suffix, hypnogram):
    folder = tmp_path_factory.mktemp("formats")
    path = write_hypnogram(hypnogram, folder / f"night.{suffix}").rename(folder / "night.dat")
    again = read_hypnogram(path)
    np.testing.assert_array_equal(again.stages, hypnogram.stages)
    assert again.source == str(path)


@settings(deadline=None, max_examples=25)
@given(hypnograms(max_runs=10, max_run=20))
def test_codes_come_back_through_their_table(tmp_path_factory, hypnogram):
    path = write_hypnogram(hypnogram, tmp_path_factory.mktemp("codes") / "night.txt")
    table = {5: "yasa", 4: "yasa4", 3: "yasa3", 2: "yasa2"}[hypnogram.n_classes]
    again = read_hypnogram(path, codes=table)
    np.testing.assert_array_equal(again.stages, hypnogram.stages)
    assert again.n_classes == hypnogram.n_classes


@pytest.mark.parametrize("content", [b"", b"\0\1\2\3", b"{}", b"<xml/>"])
def test_files_of_no_known_format_are_refused(tmp_path, content):
    path = tmp_path / "night.dat"
    path.write_bytes(content)
    with pytest.raises(FormatError):
        read_hypnograms(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(FormatError, match="cannot be read"):
        read_hypnogram(tmp_path / "none.csv")
    with pytest.raises(FormatError, match="cannot be read"):
        read_hypnogram(tmp_path)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"format": "xls"}, "format 'xls' is not known|format 'xls': is not known"),
        ({"zone": "Mars/Olympus"}, "is not a known time zone"),
        ({"epoch_s": 0.0}, "is not a length for an epoch"),
        ({"codes": "mine"}, "is not a known table"),
    ],
)
def test_wrong_options_are_named(tmp_path, options, words):
    path = tmp_path / "night.txt"
    path.write_text("0\n")
    with pytest.raises(InputError, match=words):
        read_hypnograms(path, **options)


def test_a_format_can_be_forced(tmp_path):
    path = tmp_path / "night.csv"
    path.write_text("W\nN2\n")
    assert read_hypnogram(path, format="codes").stages.tolist() == ["W", "N2"]
    with pytest.raises(FormatError, match="no column 'epoch'"):
        read_hypnogram(path, format="csv")


@pytest.mark.parametrize("name", ["night.xls", "night"])
def test_a_format_that_cannot_be_written_is_refused(tmp_path, name):
    with pytest.raises(OutputError, match="cannot be written as"):
        write_hypnogram(night("W"), tmp_path / name)
    assert write_hypnogram(night("W"), tmp_path / name, format="codes").read_text() == "0\n"


def test_nothing_but_numpy_is_loaded_until_a_format_needs_it():
    code = (
        "import sys, staging.scorings, staging.architecture; "
        "print([name for name in ('edfio', 'scipy', 'xml', 'zipfile') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "night.csv")
    with pytest.raises(FormatError, match=r"night\.csv: is no file"):
        read_hypnograms(tmp_path / "night.csv")


@pytest.mark.parametrize(
    ("name", "head"),
    [("a.csv", b"epoch,start,stage\n0,0,W\n"), ("a.txt", b"0\n1\n2\n"), ("a.edf", b"0       ".ljust(256))],
)
def test_what_is_larger_than_any_night_is_refused_unread(tmp_path, name, head):
    with (tmp_path / name).open("wb") as file:
        file.write(head)
        file.truncate(10 << 30)  # holes: no disk is filled
    with pytest.raises(FormatError, match="10737 MB are no night of scored sleep"):
        read_hypnograms(tmp_path / name, codes="yasa" if name == "a.txt" else None)
