"""Files as a whole or not at all."""

from __future__ import annotations

import os
import stat

import pytest

from staging.errors import OutputError
from staging.files import write_atomically


def left_behind(folder):
    return [path.name for path in folder.iterdir() if path.name.endswith(".tmp")]


def test_text_is_utf_8_with_the_newlines_it_has(tmp_path):
    path = write_atomically(tmp_path / "a.txt", "°C\r\nW\n")
    assert path.read_bytes() == "°C\r\nW\n".encode()
    assert write_atomically(tmp_path / "b.bin", b"\0\xff").read_bytes() == b"\0\xff"
    assert left_behind(tmp_path) == []


def test_an_existing_file_is_replaced_and_keeps_its_permissions(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    path.chmod(0o640)
    write_atomically(path, "new")
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_new_file_has_the_permissions_of_any_other(tmp_path):
    (tmp_path / "usual").write_text("")
    path = write_atomically(tmp_path / "a.txt", "")
    assert path.stat().st_mode == (tmp_path / "usual").stat().st_mode


@pytest.mark.parametrize("there", [True, False])
def test_a_link_is_replaced_and_what_it_points_to_stays(tmp_path, there):
    (tmp_path / "elsewhere").mkdir()
    target = tmp_path / "elsewhere" / "a.txt"
    if there:
        target.write_text("old")
        target.chmod(0o600)
    (tmp_path / "link.txt").symlink_to(target)
    written = write_atomically(tmp_path / "link.txt", "new")
    assert not written.is_symlink()
    assert written.read_text() == "new"
    assert target.exists() == there
    assert not there or target.read_text() == "old"
    (tmp_path / "usual").write_text("")
    assert written.stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_folder_that_is_a_link_is_where_the_user_said(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "folder").symlink_to(tmp_path / "real")
    assert write_atomically(tmp_path / "folder" / "a.txt", "new") == tmp_path / "real" / "a.txt"


@pytest.mark.parametrize("link", [True, False])
def test_a_device_or_a_pipe_is_never_replaced(tmp_path, link):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    with pytest.raises(OutputError, match="is a device or a pipe, not a file; give another name"):
        write_atomically(tmp_path / ("link" if link else "pipe"), "x")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_a_missing_folder_and_a_folder_in_place_of_a_file_are_named(tmp_path):
    with pytest.raises(OutputError, match="its folder does not exist"):
        write_atomically(tmp_path / "none" / "a.txt", "x")
    with pytest.raises(OutputError, match="is a folder"):
        write_atomically(tmp_path, "x")


@pytest.mark.parametrize("call", ["replace", "fsync"])
def test_after_a_failure_the_old_file_is_whole_and_nothing_is_left_behind(tmp_path, monkeypatch, call):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    if call == "replace":
        monkeypatch.setattr("pathlib.Path.replace", fail)
    else:
        monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OutputError, match="No space left on device"):
        write_atomically(path, "new")
    monkeypatch.undo()
    assert path.read_text() == "old"
    assert left_behind(tmp_path) == []
