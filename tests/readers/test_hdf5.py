from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import staging
from staging.errors import FormatError
from staging.readers import hdf5
from staging.readers.source import open_source
from tests.readers.conftest import acc_of_a_night, heart_of_a_night, staged, zip_of
from tests.readers.hostile import assert_read_or_refused

h5py = pytest.importorskip("h5py", reason='the extra hdf5 is not installed: pip install "staging[hdf5]"')

COLUMNS = ("t_s", "x_g", "y_g", "z_g")
START = "2026-03-28T22:41:05+01:00"


def as_group(file, seconds, acc):
    for name, column in zip(COLUMNS, (seconds, *acc.T), strict=True):
        file[f"acc/{name}"] = column


def as_fields(file, seconds, acc):
    table = np.zeros(len(seconds), dtype=[(name, np.float64) for name in COLUMNS])
    for name, column in zip(COLUMNS, (seconds, *acc.T), strict=True):
        table[name] = column
    file["acc"] = table


def as_even(file, seconds, acc):
    file["acc"] = acc.astype(np.float32)
    file["acc"].attrs["rate_hz"] = 25
    file["acc"].attrs["start_s"] = seconds[0]


@pytest.fixture
def night(tmp_path):
    """A file of a quarter of an hour with the given ways to write it."""

    def write(name="night.h5", put=as_group, **attributes):
        seconds, acc = acc_of_a_night(0.25)
        beats, bpm = heart_of_a_night(0.25)
        path = tmp_path / name
        with h5py.File(path, "w") as file:
            put(file, seconds, acc)
            file["hr/t_s"], file["hr/bpm"] = beats, bpm
            file.attrs.update(attributes)
        return path

    return write


@pytest.mark.parametrize("put", [as_group, as_fields, as_even])
@pytest.mark.parametrize("packed", [False, True])
def test_each_way_to_write_a_channel_is_staged(night, tmp_path, put, packed):
    path = night(put=put, start=START, device="Ring 3", subject=np.bytes_("S07"), lights_off=60)
    if packed:
        (tmp_path / "in").mkdir()
        path.rename(tmp_path / "in" / "night.h5")
        path = zip_of(tmp_path / "in")
    recording = staging.read(path)
    assert list(recording.channels()) == ["acc", "hr"]
    assert recording.acc.rate_hz == pytest.approx(25)
    np.testing.assert_allclose(recording.acc.samples, acc_of_a_night(0.25)[1], atol=1e-6)
    assert recording.start == datetime.fromisoformat(START)
    assert (recording.device, recording.subject, recording.lights_off_s) == ("Ring 3", "S07", 60)
    assert recording.warnings == ()
    assert len(staged(path, tmp_path / "out")) == 30


@settings(deadline=None, max_examples=20)
@given(
    rate_hz=st.sampled_from([1.0, 4.0, 25.0, 64.0, 128.0]),
    start_s=st.floats(-100, 1000),
    values=st.lists(st.floats(30, 36, width=32), min_size=2, max_size=300),
)
def test_an_even_dataset_comes_back_as_it_was(rate_hz, start_s, values, tmp_path_factory):
    path = tmp_path_factory.mktemp("hdf5") / "temp.h5"
    with h5py.File(path, "w") as file:
        file["temp"] = np.array(values)
        file["temp"].attrs.update({"rate_hz": rate_hz, "start_s": start_s})
    temp = hdf5.read(open_source(path)).temp
    assert temp.rate_hz == pytest.approx(rate_hz, rel=1e-6)
    assert temp.start_s == pytest.approx(start_s, abs=0.01)
    assert temp.samples.tolist() == np.float32(values).tolist()


def test_unix_seconds_are_clock_times(tmp_path):
    path = tmp_path / "hr.hdf5"
    with h5py.File(path, "w") as file:
        file["HR/Time"], file["HR/bpm"] = 1.7e9 + np.arange(100), np.full(100, 61)
    recording = staging.read(path)
    assert recording.start == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert recording.hr.values.tolist() == [61] * 100


def test_two_files_in_a_folder_are_refused(night, tmp_path):
    night("one.h5")
    night("two.h5")
    with pytest.raises(FormatError, match=r"holds 2 HDF5 files \(one\.h5, two\.h5\); give one HDF5 file"):
        staging.read(tmp_path)


def put(path, **items):
    with h5py.File(path, "w") as file:
        for name, value in items.items():
            file[name.replace("__", "/")] = value
    return path


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ({"eeg": [1.0, 2.0]}, "holds none of the plain tables but eeg; name them acc, ppg, temp"),
        ({}, "holds none of the plain tables but nothing"),
        ({"acc__t_s": [1.0], "acc__x": [1.0]}, r"night\.h5/acc: its columns are t_s, x; name them t_s,x_g,y_g,z_g"),
        ({"ppg": [1.0, 2.0]}, r"night\.h5/ppg: has no attribute rate_hz; add it, or write the columns t_s,ppg"),
        ({"hr__t_s": [1.0, 2.0], "hr__bpm": [61.0]}, r"night\.h5/hr: its columns have \[1, 2\] values; give one a row"),
        ({"hr__t_s": ["a", "b"], "hr__bpm": [61.0, 62.0]}, r"hr/t_s: is of type object, not numbers"),
        ({"hr__t_s": [1e14, 2e14], "hr__bpm": [61.0, 62.0]}, "a time of 150000000000000 is not in seconds"),
    ],
)
def test_what_is_missing_is_said_in_one_line(tmp_path, items, message):
    with pytest.raises(FormatError, match=message) as caught:
        staging.read(put(tmp_path / "night.h5", **items))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("attributes", "message"),
    [({"rate_hz": 0.0}, "has the rate_hz 0"), ({"rate_hz": np.nan}, "nan"), ({"rate_hz": 4, "start_s": np.inf}, "inf")],
)
def test_a_rate_that_is_none_is_refused(tmp_path, attributes, message):
    path = put(tmp_path / "night.h5", temp=np.full(50, 33.0))
    with h5py.File(path, "a") as file:
        file["temp"].attrs.update(attributes)
    with pytest.raises(FormatError, match=message):
        staging.read(path)


def test_acceleration_needs_three_axes(tmp_path):
    path = put(tmp_path / "night.h5", acc=np.zeros((50, 2)))
    with h5py.File(path, "a") as file:
        file["acc"].attrs["rate_hz"] = 25
    with pytest.raises(FormatError, match=r"night\.h5/acc: has the shape \(50, 2\); give \(50, 3\)"):
        staging.read(path)


def test_a_start_without_a_zone_is_refused(night):
    with pytest.raises(FormatError, match=r"night\.h5: start: 2026-03-28T22:41:05 has no zone; add one"):
        staging.read(night(start="2026-03-28T22:41:05"))


def test_data_that_is_declared_and_not_there_is_not_unfolded(tmp_path):
    path = tmp_path / "bomb.h5"
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("ppg", shape=(90_000_000,), dtype="f8", chunks=(100_000,), compression="gzip")
        dataset.attrs["rate_hz"] = 64
    with pytest.raises(FormatError, match=r"bomb\.h5/ppg: declares 720 MB and holds 0\.0 MB"):
        staging.read(path)


def test_other_files_are_not_followed(tmp_path, night):
    night("real.h5")
    path = tmp_path / "links.h5"
    with h5py.File(path, "w") as file:
        file["acc"] = h5py.ExternalLink(str(tmp_path / "real.h5"), "/acc")
        file["hr/t_s"] = h5py.ExternalLink(str(tmp_path / "real.h5"), "/hr/t_s")
        file.create_dataset("ppg", shape=(10,), dtype="f4", external=[(str(tmp_path / "real.h5"), 0, 40)])
        file["ppg"].attrs["rate_hz"] = 64
    with pytest.raises(FormatError, match=r"links\.h5/ppg: lies in another file"):
        staging.read(path)


@settings(deadline=None, max_examples=40)
@given(at=st.integers(8, 20_000), byte=st.integers(0, 255), cut=st.booleans())
def test_a_damaged_file_is_read_or_refused(at, byte, cut, tmp_path_factory):
    path = tmp_path_factory.mktemp("hdf5") / "night.h5"
    put(path, hr__t_s=np.arange(1000.0), hr__bpm=np.full(1000, 61.0))
    content = bytearray(path.read_bytes())
    at = min(at, len(content) - 1)
    content[at] = byte
    path.write_bytes(content[:at] if cut else content)
    assert_read_or_refused(path)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("taken", [0, 1 << 63])
def test_a_text_whose_heap_has_no_end_is_refused_and_not_read_for_ever(night, packed, taken):
    """The library goes from object to object as their sizes say, and one of none leads to itself."""
    path = night(start=START, subject="S07")
    content = bytearray(path.read_bytes())
    heap = content.index(b"GCOL")
    texts = (START.encode(), b"S07")
    free = heap + 16 + sum(16 + -(-len(text) // 8) * 8 for text in texts)
    assert content[free : free + 2] == b"\0\0"
    content[free + 8 : free + 16] = taken.to_bytes(8, "little")
    path.write_bytes(content)
    given = path
    if packed:
        home = path.parent / "home"
        home.mkdir()
        given = zip_of(path.rename(home / path.name).parent)
    with pytest.raises(FormatError, match="a text without an end"):
        staging.read(given)


DOUBLE = bytes.fromhex("0000400034 0b0034ff030000")
"""How a type of eight bytes says where its exponent and its mantissa stand, and the exponent's bias."""


def test_a_field_that_claims_more_than_its_eight_bytes_is_none(night):
    """Of a larger exponent the library makes a number of sixteen bytes, which reaches over the next field."""
    path = night(put=as_fields)
    content = bytearray(path.read_bytes())
    second = content.index(DOUBLE, content.index(DOUBLE) + 1)
    content[second + 8 : second + 12] = (16383).to_bytes(4, "little")
    path.write_bytes(content)
    with h5py.File(path, "r") as file:
        assert file["acc"].dtype["x_g"].itemsize > 8
    with pytest.raises(FormatError, match="its columns are t_s, y_g, z_g"):
        staging.read(path)


@pytest.mark.parametrize(
    "value", [np.array([1.0, 2.0]), np.array(["a", "b"], dtype=object), np.array(["S07"] * 3, "S3")]
)
def test_an_attribute_of_several_values_is_refused(night, value):
    path = night()
    with h5py.File(path, "a") as file:
        file.attrs["subject"] = value
    with pytest.raises(FormatError, match="its attribute subject is neither one text nor one number"):
        staging.read(path)


def test_an_attribute_that_claims_to_be_a_list_of_numbers_is_refused_and_not_looked_for_in_memory(night):
    """As long as its text, but of larger items: the library would read beyond what it has."""
    path = night()
    with h5py.File(path, "a") as file:
        value = np.empty(1, dtype=object)
        value[0] = np.array([1.0, 2.0])
        file.attrs.create("subject", value, dtype=h5py.vlen_dtype(np.float64))
    with pytest.raises(FormatError, match="its attribute subject is neither one text nor one number"):
        staging.read(path)


@pytest.mark.parametrize("subject", ["S07", b"S07", np.bytes_(b"S07")])
def test_a_text_may_be_of_any_of_the_librarys_kinds(night, subject):
    path = night()
    with h5py.File(path, "a") as file:
        file.attrs["subject"] = subject
        file.attrs["lights_off"] = np.array([60.0])
    recording = staging.read(path)
    assert (recording.subject, recording.lights_off_s) == ("S07", 60.0)
