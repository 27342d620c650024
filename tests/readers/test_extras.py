from __future__ import annotations

import sys

import pytest

import staging
from staging.errors import FormatError
from staging.readers import formats
from staging.readers.extras import library
from tests.conftest import ROOT

HEADS = {
    "embrace": (b"Obj\x01rawData" + bytes(500), "fastavro"),
    "fit": (b"\x0e\x20\x54\x08\0\0\0\0.FIT" + bytes(500), "fitdecode"),
    "hdf5": (b"\x89HDF\r\n\x1a\n" + bytes(500), "h5py"),
    "parquet": (b"PAR1" + bytes(500), "pyarrow"),
}
"""Of each extra: how a file begins that needs it, and what it installs."""


@pytest.mark.parametrize("extra", sorted(HEADS))
def test_a_file_whose_library_is_absent_says_what_to_install(tmp_path, monkeypatch, extra):
    head, module = HEADS[extra]
    (tmp_path / "night").write_bytes(head)
    for name in [name for name in sys.modules if name.partition(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(FormatError) as caught:
        staging.read(tmp_path / "night")
    assert str(caught.value) == (
        f'{tmp_path}/night: is read with {module}, which is not installed; pip install "staging[{extra}]"'
    )


def test_a_library_that_is_broken_is_not_called_absent(tmp_path, monkeypatch):
    (tmp_path / "half_a_library.py").write_text("raise ImportError('libhdf5.so: cannot open')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(FormatError, match=r"half_a_library, which cannot be loaded \(libhdf5\.so: cannot open\)"):
        library("half_a_library", "hdf5", "night.h5")


def test_every_extra_that_a_format_names_is_one_of_the_package():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    named = {entry.extra for entry in formats() if entry.extra}
    assert named == set(HEADS)
    assert named <= set(extras)
    assert set(extras["formats"]) == {f"staging[{extra}]" for extra in named}
    pinned = {line.partition("==")[0].lower() for line in (ROOT / "constraints.txt").read_text().splitlines()}
    for extra in named:
        assert {line.partition(">=")[0].strip() for line in extras[extra]} <= pinned
