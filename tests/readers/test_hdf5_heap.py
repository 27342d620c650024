"""Global heaps of HDF5 files, as the library writes them and as nobody should."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging.readers.hdf5_heap import are_heaps_whole

h5py = pytest.importorskip("h5py", reason='the extra hdf5 is not installed: pip install "staging[hdf5]"')


@settings(deadline=None, max_examples=30)
@given(
    texts=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=300), max_size=40),
    library=st.sampled_from(["earliest", "latest"]),
)
def test_every_heap_that_the_library_writes_is_whole(texts, library, tmp_path_factory):
    path = tmp_path_factory.mktemp("hdf5") / "night.h5"
    with h5py.File(path, "w", libver=library) as file:
        for number, text in enumerate(texts):
            file.attrs[f"text {number}"] = text
        file["texts"] = np.array(texts or [""], dtype=object)
    assert are_heaps_whole(path.read_bytes())


def test_heaps_from_which_texts_were_taken_away_are_whole(tmp_path):
    path = tmp_path / "night.h5"
    with h5py.File(path, "w") as file:
        for number in range(200):
            file.attrs[f"text {number}"] = "x" * (number * 7 % 90)
    with h5py.File(path, "a") as file:
        for number in range(0, 200, 3):
            del file.attrs[f"text {number}"]
    assert are_heaps_whole(path.read_bytes())


@given(st.binary(max_size=400))
def test_any_bytes_behind_the_mark_of_a_heap_are_gone_through_in_the_end(content):
    assert are_heaps_whole(b"GCOL\x01\0\0\0" + content) in (True, False)
