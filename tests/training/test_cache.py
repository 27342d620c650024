from __future__ import annotations

import dataclasses
import functools
import os
import pickle
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging.errors import FormatError, InputError, OutputError
from staging.tracks import Tracks
from tests.conftest import ROOT
from training import cache as caching
from training.cache import key_of, obtain, read_entry, write_entry
from training.night import LabelledNight, NightSource

from .conftest import made_up_night
from .made_sources import START, source


@pytest.fixture
def made(tmp_path):
    """Sources of nights by their heart rates, the log of what was read, and a cache."""

    def make(*texts: str):
        for number, text in enumerate(texts):
            (tmp_path / f"night{number}.txt").write_text(text, encoding="utf-8")
        return [source(tmp_path / f"night{number}.txt", tmp_path / "log") for number in range(len(texts))]

    return make


@pytest.fixture
def was_read(tmp_path):
    """Files that were read since the last look."""

    def look() -> list[str]:
        log = tmp_path / "log"
        lines = sorted(log.read_text(encoding="utf-8").split()) if log.is_file() else []
        log.unlink(missing_ok=True)
        return lines

    return look


def was_read_so_far(folder) -> list[str]:
    log = folder / "log"
    return log.read_text(encoding="utf-8").split() if log.is_file() else []


def same(one: LabelledNight, other: LabelledNight) -> None:
    assert (one.dataset, one.subject) == (other.dataset, other.subject)
    np.testing.assert_array_equal(one.reference, other.reference)
    for field in dataclasses.fields(Tracks):
        left, right = getattr(one.tracks, field.name), getattr(other.tracks, field.name)
        if field.name == "coverage":
            assert {name: share.tolist() for name, share in left.items()} == {
                name: share.tolist() for name, share in right.items()
            }
        else:
            np.testing.assert_array_equal(left, right)


def test_the_second_time_nothing_is_read_and_every_field_is_as_it_was(made, was_read, tmp_path):
    sources = made("60", "70")
    first = list(obtain(sources, cache=tmp_path / "cache"))
    assert was_read() == ["night0.txt", "night1.txt"]
    second = list(obtain(sources, cache=tmp_path / "cache"))
    assert was_read() == []
    for one, other in zip(first, second, strict=True):
        same(one, other)
    assert second[0].tracks.start == START
    assert second[0].tracks.lights_off_s == 60.0


def test_without_a_cache_everything_is_read_and_nothing_kept(made, was_read, tmp_path):
    sources = made("60")
    same(*obtain(sources + sources))
    assert was_read() == ["night0.txt", "night0.txt"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["night0.txt"]


def test_changed_content_is_read_again_and_the_old_one_is_still_known(made, was_read, tmp_path):
    cache = tmp_path / "cache"
    list(obtain(made("60", "70"), cache=cache))
    was_read()
    changed = list(obtain(made("60", "75"), cache=cache))
    assert was_read() == ["night1.txt"]
    assert np.nanmedian(changed[1].tracks.heart_rate_bpm) == pytest.approx(75, abs=1)
    list(obtain(made("60", "70"), cache=cache))
    assert was_read() == []


def test_a_file_that_was_only_touched_or_moved_is_not_read_again(made, was_read, tmp_path):
    (one,) = made("60")
    list(obtain([one], cache=tmp_path / "cache"))
    was_read()
    (tmp_path / "elsewhere").mkdir()
    moved = shutil.copy(one.files[0], tmp_path / "elsewhere" / "night0.txt")
    list(obtain([source(tmp_path / "elsewhere" / "night0.txt", tmp_path / "log")], cache=tmp_path / "cache"))
    assert was_read() == []
    assert moved.stat().st_mtime >= one.files[0].stat().st_mtime


def test_other_code_reads_again(made, was_read, tmp_path, monkeypatch):
    sources = made("60", "70")
    list(obtain(sources, cache=tmp_path / "cache"))
    was_read()
    monkeypatch.setattr(caching, "code_version", lambda module: "another")
    list(obtain(sources, cache=tmp_path / "cache"))
    assert was_read() == ["night0.txt", "night1.txt"]


@settings(deadline=None, max_examples=30)
@given(
    one=st.tuples(
        st.sampled_from("ab"), st.lists(st.binary(max_size=3), min_size=1, max_size=2), st.sampled_from("vw")
    ),
    other=st.tuples(
        st.sampled_from("ab"), st.lists(st.binary(max_size=3), min_size=1, max_size=2), st.sampled_from("vw")
    ),
)
def test_keys_are_equal_exactly_where_name_contents_and_code_are(one, other, tmp_path_factory):
    def key(name, contents, version):
        folder = tmp_path_factory.mktemp("night")
        files = [folder / f"file{number}" for number in range(len(contents))]
        for file, content in zip(files, contents, strict=True):
            file.write_bytes(content)
        return key_of(NightSource(dataset="set", name=name, files=tuple(files), read=pickle.loads), version)

    assert (key(*one) == key(*other)) == (one == other)


def test_what_was_made_before_a_kill_is_kept_and_the_rest_is_made_then(made, was_read, tmp_path):
    cache = tmp_path / "cache"
    sources = made("60", "70", "80")
    nights = obtain(sources, cache=cache)
    next(nights)
    nights.close()
    # What a kill in the middle of writing leaves behind: a temporary file beside the entries.
    (cache / "made_up" / f".{'0' * 64}.npz.x.tmp").write_bytes(b"PK\3\4 half")
    was_read()
    again = list(obtain(sources, cache=cache))
    assert was_read() == ["night1.txt", "night2.txt"]
    for one, other in zip(again, obtain(sources), strict=True):
        same(one, other)


def test_a_run_that_is_killed_outright_goes_on_with_the_night_it_was_at(made, was_read, tmp_path):
    cache = tmp_path / "cache"
    sources = made("60", "70", "80")
    script = (
        "import sys, pathlib\n"
        "from training.cache import obtain\n"
        "from tests.training.made_sources import source\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "nights = [source(folder / f'night{number}.txt', folder / 'log') for number in range(3)]\n"
        "list(obtain(nights, cache=folder / 'cache'))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, env=os.environ | {"WAIT_AT": "night2.txt"}
    )
    while len(was_read_so_far(tmp_path)) < 3:
        assert process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.wait()
    was_read()
    assert len(list(obtain(sources, cache=cache))) == 3
    assert was_read() == ["night2.txt"]


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_a_damaged_entry_is_made_again_and_never_believed(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache")
    file, log = folder / "night.txt", folder / "log"
    file.write_text("60", encoding="utf-8")
    (good,) = obtain([source(file, log)], cache=folder / "cache")
    (entry,) = (folder / "cache" / "made_up").iterdir()
    content = bytearray(entry.read_bytes())
    at = int(data.draw(st.floats(0, 1, exclude_max=True)) * len(content))
    if data.draw(st.booleans()):
        content = content[:at]
    else:
        content[at] ^= data.draw(st.integers(1, 255))
    entry.write_bytes(content)
    (again,) = obtain([source(file, log)], cache=folder / "cache")
    same(again, good)


def test_processes_give_what_one_gives_in_the_same_order(made, tmp_path):
    sources = made("60", "not a number", "70", "80")
    serial = list(obtain(sources))
    parallel = list(obtain(sources, cache=tmp_path / "cache", jobs=2))
    cached = list(obtain(sources, cache=tmp_path / "cache", jobs=2))
    for one, two, three in zip(serial, parallel, cached, strict=True):
        if isinstance(one, FormatError):
            assert str(one) == str(two) == str(three)
        else:
            same(one, two)
            same(one, three)
    assert isinstance(serial[1], FormatError)


def test_a_process_that_is_killed_is_told_in_one_line(made):
    with pytest.raises(InputError, match="ended from outside, most likely for want of memory; give fewer"):
        list(obtain(made("die", "60", "70"), jobs=2))


def test_a_file_that_is_gone_is_an_error_in_its_place(made, tmp_path):
    sources = made("60", "70")
    sources[0].files[0].unlink()
    gone, night = obtain(sources, cache=tmp_path / "cache")
    assert "night0.txt: cannot be read" in str(gone)
    assert night.subject == "subject of night1.txt"


def test_no_jobs_and_a_cache_that_cannot_be_made_are_refused(made, tmp_path):
    with pytest.raises(InputError, match="--jobs 0: is no number of processes"):
        list(obtain(made("60"), jobs=0))
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="is no folder that can be made"):
        list(obtain(made("60"), cache=tmp_path / "file" / "cache"))


def test_a_bar_is_shown_on_a_terminal_alone(made, capsys, monkeypatch):
    sources = made("60", "70")
    list(obtain(sources))
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    list(obtain(sources))
    shown = capsys.readouterr().err
    assert "1/2" in shown
    assert "2/2" in shown
    assert shown.endswith("\r\x1b[K")


def test_an_entry_holds_every_field_of_the_tracks(tmp_path):
    night = made_up_night("S1", 3)
    write_entry(tmp_path / "entry.npz", night)
    same(read_entry(tmp_path / "entry.npz"), night)
    assert read_entry(tmp_path / "none.npz") is None


def test_the_code_is_that_of_the_function_behind_any_partial():
    nested = functools.partial(functools.partial(source, 1), 2)
    night = NightSource(dataset="set", name="night", files=(), read=nested)
    assert caching._module_of(night) == "tests.training.made_sources"


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_night_that_fails_in_a_way_nobody_thought_of_is_named_and_the_others_go_on(made, tmp_path, jobs):
    first, second, third = obtain(made("60", "surprise", "70"), cache=tmp_path / "cache", jobs=jobs)
    assert (first.subject, third.subject) == ("subject of night0.txt", "subject of night2.txt")
    assert isinstance(second, FormatError)
    assert "night1.txt: it cannot be read (KeyError: 'nobody thought of this')" in str(second)
