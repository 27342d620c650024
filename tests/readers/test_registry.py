from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

import staging
from staging import readers
from staging.errors import FormatError, StagingError
from staging.recording import CHANNELS
from tests.conftest import ROOT
from tests.readers.conftest import e4_texts, zip_of
from tests.readers.small_files import SMALL_FILES


def test_every_format_says_what_it_gives():
    names = [each.name for each in readers.formats()]
    assert set(names) >= {"e4", "edf", "sleep_accel", "plain"}
    assert len(set(names)) == len(names)
    for each in readers.formats():
        assert each.title
        assert set(each.channels) <= set(CHANNELS)


def test_no_reader_and_no_edf_library_is_loaded_with_the_package():
    code = (
        "import sys, staging.readers as r; "
        "assert not {'staging.readers.edf', 'staging.readers.e4', 'edfio'} & set(sys.modules); "
        "r.formats(); "
        "assert not {'edfio', 'scipy', 'torch', 'fastavro', 'fitdecode', 'h5py', 'pyarrow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_format_is_told_by_content_and_can_be_forced(folder):
    home = folder(e4_texts())
    assert staging.read(home).device == "Empatica E4"
    with pytest.raises(FormatError, match=r"ACC\.csv: its columns are 1700000000"):
        staging.read(home, format="plain")
    with pytest.raises(FormatError, match="holds 0 EDF files"):
        staging.read(home, format="edf")
    with pytest.raises(FormatError, match="holds no files of the Sleep-Accel set"):
        staging.read(home, format="sleep_accel")


def test_an_unknown_format_lists_the_known(folder):
    with pytest.raises(FormatError, match=r"e5: is not the name of a format; choose from .*e4.*plain"):
        staging.read(folder(e4_texts()), format="e5")


def test_channels_are_for_formats_with_free_names(folder):
    with pytest.raises(FormatError, match="the channels of the format e4 have fixed names; leave channels out"):
        staging.read(folder(e4_texts()), channels={"ppg": "BVP"})


@pytest.mark.parametrize(
    ("name", "content", "held"),
    [
        ("notes.txt", b"Dear diary,\nI slept well.\n", "text that begins with 'Dear diary,'"),
        ("notes.csv", b"a,b\n1,2\n", "text that begins with 'a,b'"),
        ("image.csv", b"\x89PNG\0\0\1", "binary data"),
        ("ACC.csv.gz", b"\x1f\x8b\x08\0\0\0", "binary data"),
    ],
)
def test_an_unknown_file_is_described_in_one_line(tmp_path, name, content, held):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FormatError) as caught:
        staging.read(tmp_path / name)
    assert f"{name}: not a format that can be read ({held}); 'staging formats' lists" in str(caught.value)
    with pytest.raises(FormatError, match=f"a folder or zip with {name}"):
        staging.read(tmp_path)


def test_a_folder_of_zips_says_to_give_one(folder, tmp_path):
    home = folder(e4_texts(5))
    zip_of(home).rename(tmp_path / "night" / "A0.zip")
    for text in home.glob("*.csv"):
        text.unlink()
    (home / "readme.txt").write_text("sessions")
    with pytest.raises(FormatError, match=r"give one of its zips, such as A0\.zip"):
        staging.read(home)


def test_several_sessions_in_one_folder_are_refused_by_the_format_that_knows_them(folder):
    files = {f"{night}/{name}": text for night in ("one", "two") for name, text in e4_texts(5).items()}
    with pytest.raises(FormatError, match=r"holds 2 recordings \(one, two"):
        staging.read(folder(files))


@pytest.mark.parametrize(
    "head",
    [
        "Start;End;Sleep quality;Time in bed;Wake up;Sleep Notes;Heart rate;Activity (steps)",
        '\ufeff"Start","End","Sleep Quality","Regularity"',
        "Id,Tz,From,To,Sched,Hours,Rating,Comment,Framerate,Snore,Noise",
    ],
)
def test_a_list_of_nights_that_a_phone_has_scored_is_told_from_signals(tmp_path, head):
    path = tmp_path / "sleepdata.csv"
    path.write_text(f"{head}\n2024-03-01 22:10:05;2024-03-02 06:40:00;80%\n", encoding="utf-8")
    with pytest.raises(FormatError, match="it lists nights that an app has scored; give the signals"):
        staging.read(path)


def plugins(monkeypatch, *entries):
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: entries if group == "staging.readers" else ())


def test_another_package_can_add_a_format(tmp_path, monkeypatch):
    (tmp_path / "my_ring.py").write_text(
        "import numpy as np\n"
        "from staging.recording import Events, Recording\n"
        "TITLE, CHANNELS = 'My ring', ('hr',)\n"
        "def sniff(source): return 'ring.bin' in source.sizes\n"
        "def read(source):\n"
        "    beats = np.frombuffer(source.read('ring.bin'), np.uint8).astype(float)\n"
        "    return Recording(hr=Events(times_s=np.arange(len(beats)) * 5.0, values=beats, unit='bpm'))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "ring.bin").write_bytes(bytes([60, 61, 62]))
    plugins(monkeypatch, EntryPoint("ring", "my_ring", "staging.readers"))
    assert staging.read(tmp_path / "ring.bin").hr.values.tolist() == [60, 61, 62]
    assert staging.read(tmp_path / "ring.bin", format="ring").hr.values.tolist() == [60, 61, 62]
    assert ("ring", "My ring", ("hr",), "") in readers.formats()


DISTRIBUTION = {
    "my_ring-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: my-ring\nVersion: 1.0\n",
    "my_ring-1.0.dist-info/entry_points.txt": "[staging.readers]\nmy_ring = my_ring\n",
    "my_ring.py": """
import numpy as np

from staging.errors import FormatError
from staging.recording import Events, Recording

TITLE = "My ring: .ring files"
CHANNELS = ("hr",)
MAGIC = b"RING"


def sniff(source):
    return bool(source.beginning(lambda head: head.startswith(MAGIC)))


def read(source):
    name = source.only(source.beginning(lambda head: head.startswith(MAGIC)), "ring")
    bpm = np.frombuffer(source.read(name)[len(MAGIC):], np.uint8).astype(float)
    if not bpm.size:
        raise FormatError(source.label(name), "holds no heart rate", "wear the ring")
    return Recording(
        hr=Events(times_s=5.0 * np.arange(len(bpm)), values=bpm, unit="bpm"), device="My ring", source=source.where
    )
""",
}
"""A package that adds a format, as it lies in somebody's site-packages: the worked example of the README."""


def test_a_package_that_is_installed_adds_its_format_to_every_command(tmp_path):
    packages = tmp_path / "site-packages"
    for name, text in DISTRIBUTION.items():
        (packages / name).parent.mkdir(parents=True, exist_ok=True)
        (packages / name).write_text(text, encoding="utf-8")
    (tmp_path / "night.ring").write_bytes(b"RING" + bytes(60 + i % 9 for i in range(720)))
    (tmp_path / "empty.ring").write_bytes(b"RING")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(packages), str(ROOT)])}

    def run(*argv):
        command = [sys.executable, "-m", "staging", *argv]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    assert "  my_ring        My ring: .ring files [hr]\n" in run("formats").stdout
    done = run("score", "night.ring", "--out", "out")
    assert done.returncode == 0, done.stderr
    assert "My ring" in (tmp_path / "out" / "night.report.html").read_text(encoding="utf-8")
    refused = run("score", "empty.ring", "--out", "out")
    assert refused.returncode == 2
    assert refused.stderr.endswith("empty.ring: holds no heart rate; wear the ring\n")


def test_a_broken_plugin_does_not_keep_other_formats_from_being_read(folder, monkeypatch):
    plugins(monkeypatch, EntryPoint("broken", "no_such_module", "staging.readers"))
    assert staging.read(folder(e4_texts())).device == "Empatica E4"
    with pytest.warns(UserWarning, match="the reader broken .* cannot be loaded"):
        readers.formats()


def test_real_files_of_unknown_formats_are_refused_in_one_line(shared_data):
    for path in (shared_data / "ppg" / "bidmc_01", *(shared_data / "ppg").rglob("*.*")):
        with pytest.raises(StagingError) as caught:
            staging.read(path)
        assert str(caught.value).count("\n") == 0
        assert path.name in str(caught.value)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError(), "night: needs more memory than there is; split it into single nights, or free some memory"),
        (OSError(12, "Cannot allocate memory"), "night: needs more memory than there is; split it"),
        (OSError(5, "Input/output error"), r"night: cannot be read \(Input/output error\); copy it to another disk"),
    ],
)
def test_what_the_machine_lacks_is_said_in_one_line(folder, monkeypatch, error, said):
    def read(source):
        raise error

    monkeypatch.setattr("staging.readers.e4.read", read)
    with pytest.raises(StagingError, match=said):
        staging.read(folder(e4_texts()))


@pytest.mark.parametrize("name", SMALL_FILES)
def test_a_clock_that_is_only_taken_as_utc_is_marked_as_such(name, tmp_path):
    """So that a zone can be said for it, and for no other."""
    for variant, files in SMALL_FILES[name].items():
        home = tmp_path / variant
        for file, content in files().items():
            (home / file).parent.mkdir(parents=True, exist_ok=True)
            (home / file).write_bytes(content)
        only = list(home.iterdir())
        recording = staging.read(only[0] if len(only) == 1 and only[0].is_file() else home, format=name)
        assert recording.wall_clock == any(line.endswith("is taken as UTC") for line in recording.warnings), variant
