"""The command line as a user meets it: what it prints, writes and refuses."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from staging import commands
from staging.architecture import definitions
from staging.cli import main
from staging.hypnogram import Hypnogram
from staging.scorings import read_csv, write_csv
from tests.conftest import ROOT

START = 1_772_404_200  # 2026-03-01 22:30 UTC


def table(header: str, *columns: np.ndarray) -> str:
    return header + "\n" + "\n".join(",".join(f"{value:g}" for value in row) for row in zip(*columns, strict=True))


def heart_night(folder: Path, *, minutes: float = 90, **options: str) -> Path:
    """A plain folder with a watch's heart rate and counts."""
    folder.mkdir(parents=True)
    seconds = np.arange(0, minutes * 60, 5.0)
    (folder / "hr.csv").write_text(table("t_s,bpm", seconds, 60 + 5 * np.sin(seconds / 900)), encoding="utf-8")
    bins = np.arange(0, minutes * 60, 15.0)
    (folder / "counts.csv").write_text(table("t_s,counts", bins, 40.0 * (bins % 1200 < 30)), encoding="utf-8")
    given = {"start": "2026-03-01T22:30:00+00:00", "device": "made-up watch", **options}
    text = "".join(f'{key} = "{value}"\n' for key, value in given.items())
    (folder / "recording.toml").write_text(text, encoding="utf-8")
    return folder


def e4(folder: Path, *, minutes: float = 20, rate: str = "32.0", acc: np.ndarray | None = None) -> Path:
    """An E4 export with a still wrist and a pulse of 60 bpm."""
    folder.mkdir(parents=True)
    n = int(minutes * 60)
    acc = np.tile([0, 0, 64], (n * 32, 1)) if acc is None else acc
    rows = "\n".join(",".join(map(str, row)) for row in acc.tolist())
    three = ", ".join
    header = f"{three([f'{START}.000000'] * 3)}\n{three([rate] * 3)}\n"
    (folder / "ACC.csv").write_text(header + rows + "\n", encoding="utf-8")
    pulse = 40 * np.exp(-(((np.arange(n * 64) / 64) % 1.0 - 0.3) ** 2) / 0.01)
    for name, hz, values in (("BVP", 64, pulse), ("TEMP", 4, np.full(n * 4, 34.0))):
        text = "\n".join(f"{value:.2f}" for value in values)
        (folder / f"{name}.csv").write_text(f"{START}.000000\n{hz}.000000\n{text}\n", encoding="utf-8")
    return folder


def zipped(folder: Path) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, path.name)
    return content.getvalue()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


def written(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


RESULTS = ["P01.architecture.json", "P01.hypnogram.csv", "P01.report.html"]


# ------------------------------------------------------------------------------------------------ scoring


@pytest.mark.parametrize("command", [["score"], []])
def test_a_file_alone_is_scored(here, capsys, command):
    heart_night(here / "P01")
    assert main([*command, "P01", "--out", "results"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert len(out.splitlines()) <= 24
    assert "made-up watch" in out
    assert written(here / "results") == RESULTS
    assert len(read_csv(here / "results" / "P01.hypnogram.csv")) == 180


def test_results_go_to_the_current_folder_by_default(here):
    assert main(["score", str(heart_night(here.parent / "P01")), "--quiet"]) == 0
    assert written(here) == RESULTS


def test_quiet_prints_nothing(here, capsys):
    assert main(["score", str(heart_night(here / "P01")), "--quiet", "--out", "r"]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("n", "names"), [(4, "W LIGHT DEEP R"), (3, "W NREM R"), (2, "W S")])
def test_coarser_classes_reach_every_file(here, n, names):
    heart_night(here / "P01")
    assert main(["score", "P01", "--classes", str(n), "--quiet", "--out", "r"]) == 0
    content = json.loads((here / "r" / "P01.architecture.json").read_text(encoding="utf-8"))
    assert content["classes"] == names.split()
    assert read_csv(here / "r" / "P01.hypnogram.csv").n_classes == n


def test_lights_and_zone_are_kept_in_the_results(here, capsys):
    heart_night(here / "P01", minutes=120)
    options = ["--lights-off", "23:40", "--lights-on", "00:40", "--timezone", "Europe/Berlin"]
    assert main(["score", "P01", *options, "--out", "r"]) == 0
    assert "2026-03-01 23:30 – 2026-03-02 01:30 (Europe/Berlin)" in capsys.readouterr().out
    content = json.loads((here / "r" / "P01.architecture.json").read_text(encoding="utf-8"))
    assert content["start"] == "2026-03-01T23:30:00+01:00"
    assert (content["lights_off_s"], content["lights_on_s"]) == (600.0, 4200.0)
    assert content["metrics"]["tib_min"] == 60.0


def test_a_zone_for_a_night_without_a_clock_is_said_to_be_useless(here, capsys):
    (heart_night(here / "P01") / "recording.toml").unlink()
    assert main(["score", "P01", "--timezone", "Europe/Berlin", "--out", "r"]) == 0
    out, err = capsys.readouterr()
    assert "start time unknown" in out
    assert "--timezone has no effect" in err


def test_one_bad_file_does_not_stop_the_others(here, capsys):
    heart_night(here / "P01")
    heart_night(here / "P02")
    (here / "bad.zip").write_bytes(b"PK\x03\x04 cut short")
    assert main(["score", "P01", "bad.zip", "missing.edf", "P02", "--out", "r"]) == 2
    out, err = capsys.readouterr()
    errors = [line for line in err.splitlines() if line.startswith("staging: ")]
    assert len(errors) == 2
    assert "bad.zip" in errors[0]
    assert "missing.edf" in errors[1]
    assert "2 of 4 recordings scored" in err
    assert [line.split()[0] for line in out.splitlines()] == ["name", "P01", "P02"]
    assert written(here / "r") == sorted([*RESULTS, *(name.replace("P01", "P02") for name in RESULTS)])


def test_inputs_of_one_name_are_told_apart_by_their_folder(here):
    heart_night(here / "a" / "night")
    heart_night(here / "b" / "night")
    assert main(["score", "a/night", "b/night", "--out", "r", "--quiet"]) == 0
    assert {name.partition(".")[0] for name in written(here / "r")} == {"a_night", "b_night"}


def test_results_of_another_night_are_kept(here, capsys):
    heart_night(here / "a" / "P01")
    heart_night(here / "b" / "P01", start="2026-03-05T22:30:00+00:00")
    assert main(["score", "a/P01", "--out", "r", "--quiet"]) == 0
    assert main(["score", "a/P01", "--out", "r", "--quiet"]) == 0
    assert main(["score", "b/P01", "--out", "r", "--quiet"]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert main(["score", "b/P01", "--out", "r", "--quiet", "--overwrite"]) == 0


def test_a_name_with_markup_is_harmless(here, capsys):
    name = "<script>alert(1)<&script>"
    heart_night(here / name)
    assert main(["score", name, "--out", "r"]) == 0
    assert "<script>alert(1)" not in (here / "r" / f"{name}.report.html").read_text(encoding="utf-8")


def test_a_name_that_is_no_unicode_is_scored(here, capsys):
    name = os.fsdecode(b"P\xe401")
    try:
        heart_night(here / name)
    except OSError:
        pytest.skip("this file system takes only Unicode names")
    assert main(["score", name, "--out", "r"]) == 0


def test_a_poor_night_is_scored_with_warnings_that_name_epochs_and_times(here, capsys):
    folder = heart_night(here / "P01")
    seconds = np.arange(0, 5400, 5.0)
    kept = seconds[(seconds < 600) | (seconds > 4200)]
    (folder / "hr.csv").write_text(table("t_s,bpm", kept, np.full(len(kept), 60.0)), encoding="utf-8")
    assert main(["score", "P01", "--out", "r"]) == 0
    warnings = json.loads((here / "r" / "P01.architecture.json").read_text(encoding="utf-8"))["warnings"]
    assert any("epochs" in warning for warning in warnings)
    assert "(22:4" in capsys.readouterr().out


# ---------------------------------------------------------------------------------------------- bad input


def write(name: str, content: bytes | str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return make


def empty_folder(folder: Path) -> Path:
    path = folder / "P01"
    path.mkdir(parents=True)
    return path


def truncated_zip(folder: Path) -> Path:
    whole = zipped(e4(folder / "whole"))
    return write("P01.zip", whole[: len(whole) // 2])(folder)


def e4_of_zeros(folder: Path) -> Path:
    path = e4(folder / "P01", acc=np.zeros((20 * 60 * 32, 3), int))
    for name, hz in (("BVP", 64), ("TEMP", 4)):
        zeros = "0.00\n" * (20 * 60 * hz)
        (path / f"{name}.csv").write_text(f"{START}.000000\n{hz}.000000\n{zeros}", encoding="utf-8")
    return path


SECONDS = np.arange(0, 3600, 5.0)
QUARTERS = np.arange(0, 1800, 0.25)

BAD: dict[str, tuple[Callable[[Path], Path], str]] = {
    "an empty file": (write("P01.csv", b""), r"empty"),
    "an empty EDF": (write("P01.edf", b""), r"empty"),
    "an empty folder": (empty_folder, r"empty|holds no"),
    "a truncated zip": (truncated_zip, r"zip .*(damaged|cut short|not complete|broken)"),
    "a wrong format": (write("P01.png", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4), r"format|binary"),
    "text that is no recording": (write("P01.txt", "dear diary,\nI slept well\n"), r"not a format"),
    "a file of zero bytes": (write("P01.bin", bytes(10_000)), r"format|binary"),
    "an E4 of zeros": (e4_of_zeros, r"zero|constant|flat|no sensor|usabl"),
    "a night of 4 minutes": (lambda folder: heart_night(folder / "P01", minutes=4), r"4\.0 min .*too short"),
    "all NaN": (write("P01/hr.csv", table("t_s,bpm", SECONDS, np.full(720, np.nan))), r"no .*value|NaN|empty"),
    "no usable sensor": (write("P01/temp.csv", table("t_s,temp_c", QUARTERS, np.full(7200, 34.0))), r"heart|motion"),
    "0 Hz": (lambda folder: e4(folder / "P01", rate="0.000000"), r"rate|Hz"),
    "seconds given as milliseconds": (
        write("P01/hr.csv", table("t_s,bpm", 1000 * np.arange(0, 28800, 5.0), np.full(5760, 60.0))),
        r"millisecond|ms\b",
    ),
    "m/s² given as g": (
        write("P01/acc.csv", table("t_s,x_g,y_g,z_g", QUARTERS / 8, *np.tile([[0.5], [0.3], [9.79]], 7200))),
        r"m/s",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_that_names_the_file_and_the_mend(here, capsys, case):
    make, problem = BAD[case]
    path = make(here.parent / "given")
    assert main(["score", str(path), "--out", "r"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1, err
    assert err.startswith(f"staging: {path}")
    assert "; " in err, "no mend"
    assert re.search(problem, err), err
    assert written(here / "r") == []


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["score"], "FILE"),
        (["score", "x", "--classes", "6"], "--classes"),
        (["score", "x", "--colour"], "--colour"),
        (["score", "x", "--channel", "ppg"], "KIND=NAME"),
        (["score", "x", "--channel", "eeg=C3"], "ppg"),
        (["score", "x", "--channel", "ppg=A", "--channel", "ppg=B"], "twice"),
        (["score", "x", "--timezone", "Mars/Olympus"], "--timezone"),
        (["score", "x", "--lights-off", "late"], "--lights-off"),
        (["score", "x", "--model", "nothing.onnx"], "nothing.onnx"),
        (["score", "x", "x"], "twice"),
        (["socre", "x"], "did you mean 'staging score'"),
        (["nothing.zip"], "nothing.zip"),
        (["demo", "--seed", "-1"], "--seed"),
        (["demo", "--hours", "nan"], "--hours"),
    ],
)
def test_wrong_usage_is_one_line_and_writes_nothing(here, capsys, argv, said):
    try:
        code = main(argv)
    except SystemExit as stop:
        code = stop.code
    out, err = capsys.readouterr()
    assert code == 2
    assert out == ""
    assert len(err.splitlines()) == 1, err
    assert said in err
    assert written(here) == []


def test_a_format_that_is_not_known_is_refused_with_those_that_are(here, capsys):
    assert main(["score", str(heart_night(here / "P01")), "--format", "cassette", "--out", "r"]) == 2
    err = capsys.readouterr().err
    assert "cassette" in err
    assert "plain" in err


def test_a_model_that_is_none_is_one_error_however_many_files(here, capsys):
    (here / "bad.onnx").write_bytes(b"no model")
    assert main(["score", "a", "b", "c", "--model", "bad.onnx"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_folder_that_cannot_be_made_is_bad_input(here, capsys):
    (here / "file").touch()
    assert main(["score", str(heart_night(here / "P01")), "--out", "file"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


# ------------------------------------------------------------------------------------- how it stops and fails


def test_a_defect_is_told_from_bad_input_and_does_not_stop_the_others(here, capsys, monkeypatch):
    heart_night(here / "P01")
    heart_night(here / "P02")
    real = commands.score_recording

    def break_one(path, **options):
        if path == "P01":
            raise ZeroDivisionError("a mistake of ours")
        return real(path, **options)

    monkeypatch.setattr(commands, "score_recording", break_one)
    assert main(["score", "P01", "P02", "missing.zip", "--out", "r"]) == 1
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert "please report it" in err
    assert "P02.report.html" in written(here / "r")


def test_ctrl_c_is_quiet(here, capsys, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "score_recording", interrupt)
    assert main(["score", "P01", "--out", "r"]) == 130
    assert capsys.readouterr() == ("", "")
    assert written(here / "r") == []


def run(*argv: str, cwd: Path, **options: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **options.pop("env", {})}
    command = [sys.executable, "-m", "staging", *argv]
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, encoding="utf-8", check=False, **options
    )


@pytest.mark.slow
def test_a_reader_that_goes_away_is_no_error(here):
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "staging", "formats"],
        cwd=here,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdout.close()
    assert process.wait() == 141
    assert process.stderr.read() == b""
    process.stderr.close()


@pytest.mark.slow
def test_a_terminal_without_unicode_gets_plain_text(here):
    heart_night(here / "P01")
    done = run("score", "P01", "--out", "r", cwd=here, env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert done.returncode == 0, done.stderr
    assert "#" in done.stdout
    assert "█" not in done.stdout


def test_progress_is_shown_on_a_terminal_only(here, capsys, monkeypatch):
    heart_night(here / "P01")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert main(["score", "P01", "--out", "r"]) == 0
    out, err = capsys.readouterr()
    assert "staging ..." in err
    assert err.endswith("\r\x1b[K")
    assert "..." not in out


# ------------------------------------------------------------------------------------------- other commands


def test_the_demo_simulates_a_raw_night_scores_it_and_says_that_it_is_simulated(here, capsys):
    assert main(["demo", "--hours", "1", "--seed", "3"]) == 0
    out, err = capsys.readouterr()
    assert "SIMULATED" in out
    assert "demo/simulated_night.report.html" in err.replace(os.sep, "/")
    expected = ["architecture.json", "hypnogram.csv", "report.html", "zip"]
    assert written(here / "demo") == [f"simulated_night.{kind}" for kind in expected]
    content = json.loads((here / "demo" / "simulated_night.architecture.json").read_text(encoding="utf-8"))
    assert content["made_from"]["simulated"] is True
    assert all(sensor["mean_coverage_pct"] > 50 for sensor in content["made_from"]["sensors"].values())
    assert "no person slept it" in (here / "demo" / "simulated_night.report.html").read_text(encoding="utf-8")


def test_a_simulated_recording_is_known_as_such_when_it_is_scored_as_a_file(here, capsys):
    assert main(["demo", "--hours", "0.5", "--quiet"]) == 0
    assert main(["score", "demo/simulated_night.zip", "--out", "r"]) == 0
    assert "SIMULATED" in capsys.readouterr().out


def test_the_same_seed_gives_the_same_files(here):
    runs = []
    for seed in ("5", "5", "6"):
        assert main(["demo", "--hours", "0.5", "--seed", seed, "--quiet"]) == 0
        runs.append({path.name: path.read_bytes() for path in (here / "demo").iterdir()})
    assert runs[0] == runs[1]
    assert runs[0].keys() == runs[2].keys()
    assert runs[0] != runs[2]


@pytest.fixture
def nights(here: Path) -> Path:
    """Two nights scored by a person, and by a device that takes the first REM sleep for light sleep."""
    cycle = ["W"] * 4 + ["N1"] * 6 + ["N2"] * 50 + ["N3"] * 40 + ["R"] * 20
    for name, n in (("P01", 4), ("P02", 5)):
        psg = np.array(cycle * n)
        watch = psg.copy()
        watch[100:120] = "N2"
        for folder, stages in (("psg", psg), ("watch", watch)):
            (here / folder).mkdir(exist_ok=True)
            night = Hypnogram(stages=stages, start=datetime.fromtimestamp(START, UTC), source=name)
            write_csv(night, here / folder / f"{name}.{'hypnogram.csv' if folder == 'watch' else 'csv'}")
    return here


def test_one_hypnogram_is_summarised_with_all_its_metrics(nights, capsys):
    assert main(["summarize", "psg/P01.csv"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    for name in definitions():
        assert f"  {name} " in out
    assert re.search(r"tst_min +232\.0", out)
    assert "█" in out


def test_several_hypnograms_are_a_table_and_a_bad_one_does_not_stop_them(nights, capsys):
    (nights / "bad.csv").write_text("epoch,start,stage\n0,0,N7\n", encoding="utf-8")
    assert main(["summarize", "psg/P01.csv", "bad.csv", "psg/P02.csv"]) == 2
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 3
    assert len(err.splitlines()) == 1
    assert "bad.csv" in err


def test_summaries_as_json_and_as_a_table_for_statistics(nights, capsys):
    assert main(["summarize", "psg/P01.csv", "--json"]) == 0
    one = json.loads(capsys.readouterr().out)
    assert one["metrics"]["tst_min"] == 232.0
    assert main(["summarize", "psg/P01.csv", "psg/P02.csv", "--json"]) == 0
    assert [night["metrics"]["tst_min"] for night in json.loads(capsys.readouterr().out)] == [232.0, 290.0]
    assert main(["summarize", "psg/P01.csv", "psg/P02.csv", "--csv"]) == 0
    header, *rows = csv.reader(io.StringIO(capsys.readouterr().out))
    assert [row[header.index("tst_min")] for row in rows] == ["232.0000", "290.0000"]


def test_lights_times_change_the_summary(nights, capsys):
    assert main(["summarize", "psg/P01.csv", "--json", "--lights-off", "22:20", "--lights-on", "10800s"]) == 2
    assert "psg" in capsys.readouterr().err
    assert main(["summarize", "psg/P01.csv", "--json", "--lights-off", "22:32", "--lights-on", "10800s"]) == 0
    assert json.loads(capsys.readouterr().out)["metrics"]["tib_min"] == 178.0


def test_what_was_scored_can_be_summarised_again_to_the_same_metrics(here, capsys):
    heart_night(here / "P01")
    assert main(["score", "P01", "--out", "r", "--quiet", "--lights-off", "10min"]) == 0
    scored = json.loads((here / "r" / "P01.architecture.json").read_text(encoding="utf-8"))
    assert main(["summarize", "r/P01.hypnogram.csv", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["metrics"] == scored["metrics"]


def test_agreement_of_two_files_and_of_two_folders(nights, capsys):
    assert main(["agree", "psg/P01.csv", "watch/P01.hypnogram.csv", "--json"]) == 0
    one = json.loads(capsys.readouterr().out)
    assert one["n_nights"] == 1
    assert one["nights"]["r_min"]["bias"] == -10.0
    assert main(["agree", "psg", "watch", "--json"]) == 0
    both = json.loads(capsys.readouterr().out)
    assert [night["subject"] for night in both["pairs"]] == ["P01", "P02"]
    assert main(["agree", "psg", "watch"]) == 0
    assert "kappa" in capsys.readouterr().out
    assert main(["agree", "psg", "watch", "--markdown"]) == 0
    assert "| --- |" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("spoil", "argv", "said"),
    [
        (lambda here: (here / "watch" / "P02.hypnogram.csv").unlink(), ["psg", "watch"], "no night of the name 'P02'"),
        (lambda here: (here / "psg" / "P01.edf").touch(), ["psg", "watch"], "has the name of P01.csv"),
        (lambda here: None, ["psg", "watch/P01.hypnogram.csv"], "one is a folder"),
        (lambda here: None, ["psg/P01.csv", "nothing.csv"], "nothing.csv"),
        (lambda here: (here / "a").mkdir(), ["a", "a"], "holds no files"),
    ],
)
def test_nights_that_cannot_be_matched_are_one_line(nights, capsys, spoil, argv, said):
    spoil(nights)
    assert main(["agree", *argv]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1, err
    assert said in err


def test_formats_lists_every_format_with_its_channels(capsys):
    from staging.readers import formats

    assert main(["formats"]) == 0
    recordings, hypnograms = capsys.readouterr().out.split("Scored sleep")
    lines = recordings.splitlines()[1:]
    assert [line.split()[0] for line in lines] == [entry.name for entry in formats()]
    assert all(line.endswith(("]", ']"')) for line in lines)
    (hdf5,) = (line for line in lines if line.split()[0] == "hdf5")
    assert hdf5.endswith('[acc, ppg, temp, ibi, hr, counts]  pip install "staging[hdf5]"')
    assert "edf" in hypnograms


def test_the_card_says_what_the_model_was_trained_on(capsys):
    assert main(["model"]) == 0
    card = capsys.readouterr().out
    for expected in ("Sleep-Accel", "ODC-By", "python -m training evaluate"):
        assert expected in card


def test_help_and_version(capsys):
    for argv in (["--help"], ["score", "--help"], ["--version"]):
        with pytest.raises(SystemExit) as stop:
            main(argv)
        assert stop.value.code == 0
        assert "staging" in capsys.readouterr().out
    assert main([]) == 0
    assert "score" in capsys.readouterr().out


# ---------------------------------------------------------------------------------------------- real nights


def test_the_real_e4_session_of_somebody_awake_is_wake(here, shared_data):
    assert main(["score", str(shared_data / "e4"), "--out", "r", "--quiet"]) == 0
    stages = read_csv(here / "r" / "e4.hypnogram.csv").stages
    scored = stages[stages != "UNSCORED"]
    assert len(scored) > 100
    assert (scored == "W").mean() >= 0.9


def test_a_real_watch_night_is_scored(here, shared_data):
    night = shared_data / "sleep_accel" / "1449548_cleaned_hr.out"
    assert main(["score", str(night), "--out", "r", "--quiet"]) == 0
    content = json.loads((here / "r" / "1449548_cleaned_hr.architecture.json").read_text(encoding="utf-8"))
    assert 300 < content["metrics"]["tst_min"] < 480
