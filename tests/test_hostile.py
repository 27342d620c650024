"""What strangers' files may cost: a bounded time and memory, one line, and nothing written but in --out.

The command line runs as a process of its own whose address space and processor time are limited.
"""

from __future__ import annotations

import io
import json
import os
import resource
import signal
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest

from staging.scorings import read_csv
from tests.conftest import ROOT
from tests.readers.conftest import START, e4_texts, heart_of_a_night

MEMORY_BYTES = 2 << 30
CPU_S = 60


def run(folder: Path, *argv: object, before: str = "", file_bytes: int | None = None, stdout=None):
    """The command line in a folder; `before` is Python that runs first."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
        if file_bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))

    code = f"{before}\nimport sys\nfrom staging.cli import main\nsys.exit(main({[str(each) for each in argv]!r}))"
    return subprocess.run(
        [sys.executable, "-B", "-c", code],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        preexec_fn=limit,
        stdout=stdout or subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )


def refused(folder: Path, *argv: object, **options: object) -> str:
    """The one line with which it ended."""
    done = run(folder, *argv, **options)
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("staging: ")
    assert len(line) < 500
    return line


def everything(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.fixture
def night(tmp_path) -> Path:
    """A quarter of an hour of heart rate, in a folder beside nothing else."""
    home = tmp_path / "in" / "night"
    home.mkdir(parents=True)
    rows = "".join(f"{second},{rate}\n" for second, rate in zip(*heart_of_a_night(0.25), strict=True))
    (home / "hr.csv").write_text("t_s,bpm\n" + rows, encoding="utf-8")
    return home


# What is too large


def bomb(path: Path, size: int, *, claimed: int | None = None, name: str = "BVP.csv") -> Path:
    """A zip whose entry unpacks to so many zeros; `claimed` is what it says instead."""
    packer = zlib.compressobj(9, wbits=-15)
    crc, packed, block = 0, [], bytes(1 << 22)
    for _ in range(size // len(block)):
        packed.append(packer.compress(block))
        crc = zlib.crc32(block, crc)
    packed.append(packer.flush())
    content = b"".join(packed)
    claim = size if claimed is None else claimed
    plain = io.BytesIO()
    with zipfile.ZipFile(plain, "w") as archive:
        entry = zipfile.ZipInfo(name)
        archive.writestr(entry, content)
    data = bytearray(plain.getvalue())
    central = data.rindex(b"PK\1\2")
    for at, first in ((0, 8), (central, 10)):  # method, then time and date, checksum, packed and unpacked size
        data[at + first : at + first + 2] = (8).to_bytes(2, "little")
        data[at + first + 6 : at + first + 10] = crc.to_bytes(4, "little")
        data[at + first + 14 : at + first + 18] = claim.to_bytes(4, "little")
    path.write_bytes(data)
    return path


def test_a_zip_bomb_is_refused_by_what_it_says(tmp_path):
    bomb(tmp_path / "bomb.zip", 256 << 20)
    assert "which no recording does" in refused(tmp_path, "bomb.zip", "--out", "out")
    assert everything(tmp_path / "out") == []


def test_a_zip_bomb_that_lies_is_not_unpacked_beyond_what_it_says(tmp_path):
    bomb(tmp_path / "bomb.zip", 256 << 20, claimed=1000)
    refused(tmp_path, "bomb.zip", "--out", "out")


def test_many_names_for_one_large_entry_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("BVP.csv", bytes(32 << 20))
        archive.filelist += [zipfile.ZipInfo(f"{i}.csv") for i in range(200)]
        for entry in archive.filelist[1:]:
            for field in ("header_offset", "file_size", "compress_size", "CRC", "compress_type"):
                setattr(entry, field, getattr(archive.filelist[0], field))
        archive._didModify = True
    assert "unpacks to" in refused(tmp_path, "bomb.zip", "--out", "out") or "more than 4 GiB"


@pytest.mark.parametrize(
    "name", ["night.bin", "CWA-DATA.CWA", "night.gt3x", "night.edf", "export.xml", "hr.csv", "a.fit"]
)
def test_a_file_of_10_gb_is_refused_whatever_it_is(tmp_path, name):
    heads = {
        "night.bin": b"Device Identity\r\nDevice Unique Serial Code:1\r\n",
        "CWA-DATA.CWA": b"MD\xfc\x03" + bytes(1020),
        "night.gt3x": b"PK\3\4",
        "night.edf": b"0       ".ljust(256),
        "export.xml": b'<?xml version="1.0"?>\n<!DOCTYPE HealthData []>\n<HealthData locale="en">\n',
        "hr.csv": b"t_s,bpm\n0,60\n5,61\n",
        "a.fit": b"\x0e\x20\x54\x08\xff\xff\xff\xff.FIT\0\0",
    }
    with (tmp_path / name).open("wb") as file:
        file.write(heads[name])
        file.truncate(10 << 30)  # holes: no disk is filled
    refused(tmp_path, name, "--out", "out")
    assert everything(tmp_path / "out") == []


def test_more_than_the_memory_holds_is_one_line(tmp_path):
    with (tmp_path / "hr.csv").open("wb") as file:
        file.write(b"t_s,bpm\n0,60\n5,61\n")
        file.truncate(3 << 30)
    assert "needs more memory than there is" in refused(tmp_path, "hr.csv", "--out", "out")


@pytest.mark.parametrize("name", ["export.xml", "sleep.xml"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_that_unfold_to_gigabytes_are_refused(tmp_path, name, encoding):
    levels = "".join(f'<!ENTITY e{i + 1} "{f"&e{i};" * 10}">' for i in range(12))
    record = '<Record type="HKQuantityTypeIdentifierHeartRate" sourceName="&e12;" unit="count/min" value="60"/>'
    text = f'<?xml version="1.0"?><!DOCTYPE HealthData [<!ENTITY e0 "ha">{levels}]><HealthData>{record}</HealthData>'
    (tmp_path / name).write_bytes(text.encode(encoding))
    if name == "export.xml":
        refused(tmp_path, "score", name, "--format", "apple_health", "--out", "out")
    else:
        refused(tmp_path, "summarize", name, "--format", "apple-health")


@pytest.mark.parametrize("name", ["heart_rate-2024-03-01.json", "247ohr_1.json", "night.architecture.json"])
def test_json_of_many_levels_is_refused(tmp_path, name):
    (tmp_path / name).write_text('{"dateTime":' + "[" * 200_000 + "]" * 200_000 + "}", encoding="utf-8")
    refused(tmp_path, "score" if "architecture" not in name else "summarize", name)


def test_numbers_that_are_none_in_a_header_are_refused(tmp_path):
    cells = ("nan", "inf", "-inf", "1e308", "-4", "0", "1e-300")
    for cell in cells:
        home = tmp_path / f"E4 {cell}"
        home.mkdir()
        for name, text in e4_texts(20).items():
            lines = text.split("\n")
            if name not in ("IBI.csv", "tags.csv"):
                lines[1] = ", ".join([cell] * (lines[1].count(",") + 1))
            (home / name).write_text("\n".join(lines), encoding="utf-8")
    done = run(tmp_path, *(f"E4 {cell}" for cell in cells), "--out", "out")
    assert done.returncode == 2
    assert [line.partition("/")[0] for line in done.stderr.splitlines()] == [f"staging: E4 {cell}" for cell in cells]
    assert everything(tmp_path / "out") == []


# What points elsewhere


def test_a_zip_whose_names_point_outside_writes_nothing_there(tmp_path):
    study = tmp_path / "a" / "study"
    study.mkdir(parents=True)
    rows = "".join(f"{second},{rate}\n" for second, rate in zip(*heart_of_a_night(0.25), strict=True))
    with zipfile.ZipFile(study / "night.zip", "w") as archive:
        for name in ("../../evil.csv", "/tmp/evil-of-staging.csv", "..\\..\\evil.csv", "C:\\evil.csv", "hr.csv"):
            archive.writestr(name, "t_s,bpm\n" + rows)
        link = zipfile.ZipInfo("link.csv")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    before = everything(tmp_path)
    assert run(study, "night.zip", "--out", "out", "--quiet").returncode == 0
    new = sorted(set(everything(tmp_path)) - set(before))
    assert new[0] == "a/study/out"
    assert all(name.startswith("a/study/out/night.") for name in new[1:])
    assert not Path("/tmp/evil-of-staging.csv").exists()


def test_links_planted_in_the_folder_for_results_are_replaced_and_not_followed(tmp_path, night):
    out = tmp_path / "out"
    out.mkdir()
    victim = tmp_path / "victim"
    victim.write_text("mine", encoding="utf-8")
    for suffix in ("hypnogram.csv", "architecture.json", "report.html"):
        (out / f"night.{suffix}").symlink_to(victim)
    assert "exists already" in refused(tmp_path, night, "--out", "out")
    assert run(tmp_path, night, "--out", "out", "--overwrite", "--quiet").returncode == 0
    assert victim.read_text(encoding="utf-8") == "mine"
    assert not any(path.is_symlink() for path in out.iterdir())
    assert len(read_csv(out / "night.hypnogram.csv")) == 30


def test_a_link_in_the_place_of_the_demos_recording_is_not_followed(tmp_path):
    (tmp_path / "demo").mkdir()
    (tmp_path / "victim").write_text("mine", encoding="utf-8")
    (tmp_path / "demo" / "simulated_night.zip").symlink_to(tmp_path / "victim")
    assert run(tmp_path, "demo", "--hours", "0.5", "--quiet").returncode == 0
    assert (tmp_path / "victim").read_text(encoding="utf-8") == "mine"
    assert zipfile.is_zipfile(tmp_path / "demo" / "simulated_night.zip")


def test_a_folder_for_results_that_is_a_link_is_where_the_user_said(tmp_path, night):
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to("real")
    assert run(tmp_path, night, "--out", "out", "--quiet").returncode == 0
    assert len(everything(tmp_path / "real")) == 3


@pytest.mark.parametrize("out", ["/proc/self/nowhere", "/proc/self", "/dev/null", "/dev/null/out"])
def test_a_place_where_no_folder_can_be_is_one_line(tmp_path, night, out):
    assert "--out" in refused(tmp_path, night, "--out", out)


def test_a_name_that_is_too_long_for_a_result_is_one_line(tmp_path, night):
    long = night.rename(night.with_name("n" * 250))
    assert "File name too long" in refused(tmp_path, long, "--out", "out")
    assert everything(tmp_path / "out") == []


# Disks that are full, and processes that are killed


def test_a_disk_that_fills_up_leaves_no_half_file(tmp_path, night):
    for file_bytes in (0, 1000, 20_000):
        assert "File too large" in refused(tmp_path, night, "--out", "out", file_bytes=file_bytes)
        assert everything(tmp_path / "out") == []


def test_a_disk_that_fills_up_keeps_the_results_of_before(tmp_path, night):
    assert run(tmp_path, night, "--out", "out", "--quiet").returncode == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    refused(tmp_path, night, "--out", "out", file_bytes=1000)
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
@pytest.mark.parametrize("command", [["formats"], ["model"]])
def test_a_full_disk_behind_the_output_is_one_line(tmp_path, command):
    with Path("/dev/full").open("w") as full:
        assert "No space left on device" in refused(tmp_path, *command, stdout=full)


KILL = """
import os, signal
from pathlib import Path
left = {n}
real = {call}
def counted(*args, **options):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*args, **options)
{call} = counted
"""


@pytest.mark.parametrize(("call", "n"), [("os.fsync", 2), *(("Path.replace", n) for n in (0, 3, 4, 5))])
def test_killed_while_writing_every_result_is_whole_or_as_before(tmp_path, night, call, n):
    done = run(tmp_path, night, "--out", "out", "--quiet", before=KILL.format(call=call, n=n))
    assert done.returncode == -signal.SIGKILL
    left = {path.name: path.read_bytes() for path in (tmp_path / "out").glob("night.*")}
    assert len(left) == max(0, n - 3 if call == "Path.replace" else 0)
    again = run(tmp_path, night, "--out", "out", "--quiet")
    assert again.returncode == 0, again.stderr
    whole = {path.name: path.read_bytes() for path in (tmp_path / "out").glob("night.*")}
    assert len(whole) == 3
    assert left.items() <= whole.items()


# The same file, the same bytes


@pytest.fixture
def simulated(tmp_path) -> Path:
    from staging.simulate import simulate_night, write_e4_zip

    return write_e4_zip(simulate_night(4, duration_h=0.75), tmp_path / "night.zip")


def scored_with(threads: int, path: Path, out: Path, *, of_the_network: int | None = None) -> dict[str, bytes]:
    """The files of a night scored by a process that is told how many threads to use."""
    before = "import os\n" + "".join(
        f"os.environ['{name}_NUM_THREADS'] = '{threads}'\n" for name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR")
    )
    if of_the_network is not None:
        before += f"""
import staging.model as model
real = model.open_session
model.open_session = lambda path, **_: real(path, threads={of_the_network})
"""
    done = run(path.parent, path, "--out", out, "--quiet", before=before)
    assert done.returncode == 0, done.stderr
    return {file.name: file.read_bytes() for file in sorted(out.iterdir())}


def test_one_thread_and_two_give_the_same_bytes(tmp_path, simulated):
    one, two = (scored_with(threads, simulated, tmp_path / str(threads)) for threads in (1, 2))
    assert list(one) == ["night.architecture.json", "night.hypnogram.csv", "night.report.html"]
    assert one == two


def test_a_network_on_two_threads_gives_the_same_stages(tmp_path, simulated):
    # The package asks for one. Two add in another order: probabilities may differ in the last digit that is written.
    for threads in (1, 2):
        scored_with(threads, simulated, tmp_path / str(threads), of_the_network=threads)
    one, two = (read_csv(tmp_path / name / "night.hypnogram.csv") for name in "12")
    assert (one.stages == two.stages).all()
    np.testing.assert_allclose(one.probabilities, two.probabilities, atol=2e-4)


# Tables as spreadsheets and people write them


def saved_by_a_spreadsheet(text: str) -> dict[str, bytes]:
    """The same table in the ways in which Excel and its kin export it."""
    semicolons = text.replace(",", ";").replace(".", ",")
    return {
        "comma": text.encode(),
        "comma, BOM, CRLF": text.replace("\n", "\r\n").encode("utf-8-sig"),
        "semicolon, decimal comma": semicolons.encode(),
        "semicolon, decimal comma, BOM, CRLF": semicolons.replace("\n", "\r\n").encode("utf-8-sig"),
        "semicolon, decimal point": text.replace(",", ";").encode(),
        "tab, UTF-16": text.replace(",", "\t").replace("\n", "\r\n").encode("utf-16"),
        "tab, decimal comma, UTF-16": text.replace(",", "\t").replace(".", ",").encode("utf-16"),
        "tab, decimal comma": text.replace(",", "\t").replace(".", ",").encode(),
        "quoted": "\n".join(",".join(f'"{c}"' for c in row.split(",")) for row in text.splitlines()).encode() + b"\n",
        "quoted, decimal comma": "\n".join(
            ",".join(f'"{c.replace(".", ",")}"' for c in row.split(",")) for row in text.splitlines()
        ).encode(),
        "comma, decimal comma": text.replace(".", ",").encode(),
        "no line end": text.rstrip("\n").encode(),
        "sep line": b"sep=;\r\n" + text.replace(",", ";").replace("\n", "\r\n").encode(),
        "UTF-16 without mark": text.encode("utf-16-le"),
        "trailing separators": "".join(f"{row},,\n" for row in text.splitlines()).encode(),
    }


SECONDS, BPM = heart_of_a_night(0.25)
TABLE = "t_s,bpm\n" + "".join(f"{s + 0.25:.2f},{b + 0.5:.1f}\n" for s, b in zip(SECONDS, BPM, strict=True))


@pytest.mark.parametrize("way", saved_by_a_spreadsheet(TABLE))
def test_a_table_saved_by_a_spreadsheet_is_right_or_refused_in_one_line(tmp_path, way):
    import staging
    from staging.errors import InputError

    path = tmp_path / "Schlafdaten Müller 2026" / "Nacht 1 – Ärztin.csv"
    path.parent.mkdir()
    path.write_bytes(saved_by_a_spreadsheet(TABLE)[way])
    if way in REFUSED:
        with pytest.raises(InputError, match=path.name) as caught:
            staging.read(path)
        assert "\n" not in str(caught.value)
        return
    recording = staging.read(path)
    np.testing.assert_allclose(recording.hr.times_s, SECONDS + 0.25)
    np.testing.assert_allclose(recording.hr.values, BPM + 0.5)


REFUSED = {"comma, decimal comma", "quoted, decimal comma", "UTF-16 without mark"}
"""Whose numbers cannot be told apart, or whose encoding is not said."""


def test_a_folder_with_spaces_and_accents_is_scored_under_its_name(tmp_path):
    home = tmp_path / "Größe 1 – été" / "Nacht 1 (Ω)"
    home.mkdir(parents=True)
    (home / "hr.csv").write_text(TABLE, encoding="utf-8")
    (home / "recording.toml").write_text(
        f"start = 2023-11-14T22:13:20Z\nsubject = 'Žofie'\n# {START}", encoding="utf-8"
    )
    assert run(tmp_path, home, "--out", "Ergebnisse für Žofie", "--quiet").returncode == 0
    names = everything(tmp_path / "Ergebnisse für Žofie")
    assert names == [f"Nacht 1 (Ω).{suffix}" for suffix in ("architecture.json", "hypnogram.csv", "report.html")]
    made_from = json.loads((tmp_path / "Ergebnisse für Žofie" / names[0]).read_text(encoding="utf-8"))["made_from"]
    assert (made_from["file"], made_from["subject"]) == ("Nacht 1 (Ω)", "Žofie")
