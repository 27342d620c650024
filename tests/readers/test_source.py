from __future__ import annotations

import io
import random
import struct
import sys
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging.errors import FormatError
from staging.readers import source as source_module
from staging.readers.source import files_in, open_source

NAMES = st.text("abcXYZ0_ ", min_size=1, max_size=8).filter(str.strip).map(lambda name: name.strip() + ".csv")


def zipped(path: Path, files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


@settings(deadline=None, max_examples=30)
@given(
    files=st.dictionaries(NAMES, st.binary(min_size=1, max_size=50), min_size=1, max_size=5), depth=st.integers(0, 3)
)
def test_a_folder_and_a_zip_of_it_look_the_same(files, depth, tmp_path_factory):
    home = tmp_path_factory.mktemp("source")
    prefix = "".join(f"level{i}/" for i in range(depth))
    folder = home / "night" / prefix
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    held = {name.lower(): name for name in files}  # a file system may not tell case apart
    on_disk = open_source(home / "night")
    in_zip = open_source(zipped(home / "night.zip", {prefix + name: files[name] for name in held.values()}))
    assert {name: on_disk.read(name) for name in held.values()} == {name: files[name] for name in held.values()}
    assert {name: in_zip.read(name) for name in in_zip.sizes} == {name: files[name] for name in held.values()}


@pytest.mark.parametrize("name", ["../../evil.csv", "/etc/evil.csv", "C:/evil.csv", "..\\evil.csv", "a/../../evil.csv"])
def test_an_entry_that_points_outside_is_left_out(tmp_path, name):
    source = open_source(zipped(tmp_path / "night.zip", {name: b"bad", "acc.csv": b"good"}))
    assert list(source.sizes) == ["acc.csv"]


def test_junk_of_macos_and_windows_does_not_count(tmp_path):
    files = {"night/acc.csv": b"1", "__MACOSX/night/._acc.csv": b"2", "night/.DS_Store": b"3", "Thumbs.db": b"4"}
    assert list(open_source(zipped(tmp_path / "night.zip", files)).sizes) == ["acc.csv"]


@pytest.mark.parametrize("kept", [10, 60, 0.5, 0.95])
def test_a_zip_that_is_cut_short_is_refused_in_one_line(tmp_path, kept):
    path = zipped(tmp_path / "night.zip", {"ACC.csv": bytes(range(256)) * 40, "BVP.csv": b"x" * 5000})
    content = path.read_bytes()
    path.write_bytes(content[: kept if kept > 1 else int(kept * len(content))])
    with pytest.raises(FormatError, match=r"night\.zip: the zip is cut short or damaged; copy it"):
        open_source(path)


def test_a_damaged_entry_is_refused_and_named(tmp_path):
    path = zipped(tmp_path / "night.zip", {"acc.csv": bytes(range(256)) * 40}, zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[3000] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(FormatError, match=r"night\.zip/acc\.csv: the zip is damaged"):
        open_source(path).read("acc.csv")


@settings(deadline=None, max_examples=150)
@given(changes=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=4))
def test_any_damage_to_a_zip_is_refused_or_harmless(changes, tmp_path_factory):
    path = zipped(tmp_path_factory.mktemp("zip") / "night.zip", {"ACC.csv": b"1,2,3\n" * 40, "BVP.csv": b"7\n" * 40})
    content = bytearray(path.read_bytes())
    for at, value in changes:
        content[at % len(content)] = value
    path.write_bytes(content)
    try:
        source = open_source(path)
        contents = {source.read(name) for name in source.sizes}
    except FormatError:
        return
    assert contents <= {b"1,2,3\n" * 40, b"7\n" * 40} or source.is_file  # without its first letters it is no zip


def test_an_encrypted_entry_is_refused(tmp_path):
    path = zipped(tmp_path / "night.zip", {"acc.csv": b"secret"})
    content = bytearray(path.read_bytes())
    content[6] |= 1  # the flag of the local header
    directory = content.rindex(b"PK\x01\x02")
    content[directory + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(FormatError, match="encrypted"):
        open_source(path).read("acc.csv")


def test_a_zip_that_claims_to_unpack_to_more_than_the_limit_is_refused(tmp_path):
    path = zipped(tmp_path / "night.zip", {"acc.csv": b"1", "bvp.csv": b"1"})
    content = bytearray(path.read_bytes())
    at = -1
    while (at := content.find(b"PK\x01\x02", at + 1)) >= 0:
        content[at + 24 : at + 28] = struct.pack("<I", 3 << 30)
    path.write_bytes(content)
    with pytest.raises(FormatError, match=r"6\.0 GiB is more than 4 GiB"):
        open_source(path)


def test_an_absurd_compression_ratio_is_refused(tmp_path):
    path = zipped(tmp_path / "night.zip", {"acc.csv": bytes(70 << 20)})
    with pytest.raises(FormatError, match="which no recording does"):
        open_source(path)


def test_a_large_file_is_refused_before_it_is_read(tmp_path, monkeypatch):
    (tmp_path / "acc.csv").write_bytes(b"12345")
    monkeypatch.setattr(source_module, "MAX_BYTES", 4)
    source = open_source(tmp_path)
    for ask in (source.read, source.local, lambda name: source.open(name).__enter__()):
        with pytest.raises(FormatError, match="is more than"):
            ask("acc.csv")
    assert source.head("acc.csv", 2) == b"12"


def test_what_is_not_there_or_empty_is_said(tmp_path):
    with pytest.raises(FormatError, match="no such file or folder"):
        open_source(tmp_path / "night.zip")
    with pytest.raises(FormatError, match="holds no files"):
        open_source(tmp_path)
    (tmp_path / "acc.csv").touch()
    with pytest.raises(FormatError, match=r"acc\.csv: the file is empty"):
        open_source(tmp_path / "acc.csv")
    with pytest.raises(FormatError, match=r"acc\.csv: the file is empty"):
        open_source(tmp_path).read("acc.csv")
    empty = io.BytesIO()
    zipfile.ZipFile(empty, "w").close()
    (tmp_path / "empty.zip").write_bytes(empty.getvalue())
    with pytest.raises(FormatError, match="holds no files"):
        open_source(tmp_path / "empty.zip")


@pytest.mark.skipif(sys.platform == "win32", reason="no such device on Windows")
def test_a_device_is_neither_a_file_nor_a_folder():
    with pytest.raises(FormatError, match="neither a file nor a folder"):
        open_source("/dev/null")


def test_pick_finds_names_of_any_case_at_the_top_first(tmp_path):
    (tmp_path / "old").mkdir()
    for name in ("acc.CSV", "old/ACC.csv", "notes.txt"):
        (tmp_path / name).write_text("1")
    assert open_source(tmp_path).pick(["ACC.csv", "BVP.csv"]) == {"ACC.csv": "acc.CSV"}


def test_several_recordings_at_once_are_refused(tmp_path):
    for night in ("night1", "night2"):
        (tmp_path / night).mkdir()
        (tmp_path / night / "ACC.csv").write_text("1")
    with pytest.raises(FormatError, match=r"holds 2 recordings \(night1, night2"):
        open_source(tmp_path).pick(["ACC.csv"])


def test_files_in_takes_those_that_are_there(tmp_path):
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a.txt").write_text("0 1")
    source = files_in(tmp_path, ["labels/a.txt", "motion/a.txt"])
    assert dict(source.sizes) == {"labels/a.txt": 3}
    assert source.read("labels/a.txt") == b"0 1"


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_can_be_read_piece_by_piece(tmp_path, packed):
    content = bytes(range(256)) * 100
    (tmp_path / "night").mkdir()
    (tmp_path / "night" / "a.xml").write_bytes(content)
    path = zipped(tmp_path / "night.zip", {"a.xml": content}) if packed else tmp_path / "night"
    with open_source(path).open("a.xml") as file:
        assert b"".join(iter(lambda: file.read(1000), b"")) == content


def test_damage_that_shows_only_while_a_file_is_read_is_one_line(tmp_path):
    path = zipped(tmp_path / "night.zip", {"a.xml": bytes(range(256)) * 4000}, zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[500_000] ^= 0xFF
    path.write_bytes(content)
    with (
        pytest.raises(FormatError, match=r"a\.xml: the zip is damaged"),
        open_source(path).open("a.xml") as file,
    ):
        list(iter(lambda: file.read(1 << 16), b""))


def test_a_file_of_a_zip_is_not_unpacked_beyond_what_it_claims_to_hold(tmp_path):
    path = zipped(
        tmp_path / "night.zip", {"acc.csv": bytes(64 << 20), "noise.bin": random.Random(0).randbytes(1 << 20)}
    )
    content = bytearray(path.read_bytes())
    at = content.find(b"PK\x01\x02")
    content[at + 24 : at + 28] = struct.pack("<I", 1000)
    path.write_bytes(content)
    source = open_source(path)
    tracemalloc.start()
    with pytest.raises(FormatError, match="the zip is damaged"):
        source.read("acc.csv")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20


def test_files_of_a_kind_are_told_by_their_first_bytes_wherever_they_lie(tmp_path):
    (tmp_path / "night").mkdir()
    for name, head in (("b.bin", b"KIND"), ("a.bin", b"KIND"), ("c.bin", b"else"), ("d.bin", b"")):
        (tmp_path / "night" / name).write_bytes(head + bytes(2000 if head else 0))
    packed = zipped(tmp_path / "n.zip", {name: (tmp_path / "night" / name).read_bytes() for name in ("a.bin", "c.bin")})
    folder, archive = open_source(tmp_path / "night"), open_source(packed)
    assert folder.beginning(lambda head: head.startswith(b"KIND") and len(head) == 512) == ["a.bin", "b.bin"]
    assert archive.only(archive.beginning(lambda head: head.startswith(b"KIND")), ".bin") == "a.bin"
    with pytest.raises(FormatError, match=r"holds 2 \.bin files \(a\.bin, b\.bin\); give one \.bin file"):
        folder.only(["a.bin", "b.bin"], ".bin")
    with pytest.raises(FormatError, match=r"holds 0 \.bin files; give one"):
        folder.only([], ".bin")
