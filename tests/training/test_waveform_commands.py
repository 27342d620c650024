"""From raw nights to a tested network by one command, on files of the published formats."""

from __future__ import annotations

import json

import pytest

from training.__main__ import main

from .datasets.test_dreamt import write as write_dreamt
from .datasets.test_nsrr import mesa

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

SMALL = ["--width", "16", "--encoder-width", "8", "--learnt-width", "4", "--passes", "1"]
SHORT = ["--simulated-hours", "0.2", "0.3"]
STAGES = ["W", "N1", "N2", "N3", "R", *["N2"] * 15]


@pytest.fixture(scope="module")
def dreamt(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dreamt")
    for number in range(3):
        write_dreamt(folder, f"S00{number}", stages=[*STAGES, *["R"] * number], before_s=0)
    return f"dreamt={folder}"


def told(run):
    return tuple(json.loads((run / name).read_text(encoding="utf-8")) for name in ("run.json", "results.json"))


def test_one_command_fits_dreamt_and_tests_it_on_a_subject_it_never_saw(dreamt, tmp_path, capsys):
    run, cache = tmp_path / "run", tmp_path / "cache"
    command = ["fit-waveform", "--data", dreamt, *SMALL, "--cache", str(cache), "--out", str(run)]
    assert main(command) == 0
    output = capsys.readouterr().out
    assert f"1 networks of ppg, acc, temperature in {run}" in output
    assert "### dreamt: 1 subjects never seen" in output
    description, results = told(run)
    learnt, tested = ({subject for subject, _ in description[key]["dreamt"]["nights"]} for key in ("data", "tested_on"))
    assert learnt | tested == {"S000", "S001", "S002"}
    assert len(tested) == 1
    assert not learnt & tested
    assert description["sensors"] == ["ppg", "acc", "temperature"]
    assert description["data"]["dreamt"]["attribution"].startswith("DREAMT")
    assert results["dreamt"]["n_epochs"] == 20 + int(next(iter(tested))[-1])
    assert set(results["dreamt"]["sensors"]["ppg"]) == {"5", "4", "3", "2"}

    weights = (run / "member_0.pt").read_bytes()
    assert len(list((cache / "dreamt").glob("*.npz"))) == 3
    assert main(command) == 0, "a finished run is taken up, from the cache"
    assert (run / "member_0.pt").read_bytes() == weights
    assert told(run)[1] == results
    assert main([*command, "--passes", "2"]) == 2
    assert "it holds a fit of another recipe" in capsys.readouterr().err


def test_one_command_fits_mesa_with_simulated_nights_beside_it(tmp_path, capsys):
    for subject in ("0001", "0002", "0003"):
        mesa(tmp_path / "mesa", subject, edf=subject != "0003", bpm=70)
    simulated = ["--simulated", "2", *SHORT]
    command = ["fit-waveform", "--data", f"mesa={tmp_path / 'mesa'}", *simulated, *SMALL, "--test", "0.5"]
    assert main([*command, "--out", str(tmp_path / "run")]) == 0
    captured = capsys.readouterr()
    assert "left out: " in captured.err
    assert "no epoch has raw PPG" in captured.err, "R points alone are no waveform"
    description, results = told(tmp_path / "run")
    assert [len(description["data"][name]["nights"]) for name in ("mesa", "simulated")] == [1, 2]
    assert list(results) == ["mesa"], "nights of people are what it is tested on"
    assert set(results["mesa"]["sensors"]) == {"ppg"}


def test_a_run_on_sensors_of_one_kind_is_blind_to_the_others(tmp_path):
    for subject in ("0001", "0002"):
        mesa(tmp_path / "mesa", subject)
    command = ["fit-waveform", "--data", f"mesa={tmp_path / 'mesa'}", *SMALL, "--test", "0"]
    assert main([*command, "--out", str(tmp_path / "run")]) == 0
    description = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    assert description["sensors"] == ["ppg"]
    assert not (tmp_path / "run" / "results.json").exists()


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ([], "it has no nights; give --data NAME=FOLDER, or --simulated N"),
        (["--simulated", "-1"], "--simulated -1"),
        (["--simulated", "1", *SHORT], "--test 0.2: no data set has a second subject"),
        (["--simulated", "2", "--simulated-hours", "9", "6"], "--simulated-hours 9 6"),
        (["--simulated", "2", "--simulated-hours", "0", "1"], "--simulated-hours 0 1"),
        (["--simulated", "2", "--test", "1"], "--test 1"),
        (["--simulated", "2", "--test", "nan"], "--test nan"),
        (["--simulated", "2", "--validate", "2"], "--validate 2"),
        (["--simulated", "2", "--width", "30"], "--width 30: 4 attention heads share it"),
        (["--simulated", "2", "--width", "-4"], "--width -4"),
        (["--simulated", "2", "--encoder-width", "0"], "--encoder-width 0"),
        (["--simulated", "2", "--learnt-width", "0"], "--learnt-width 0"),
        (["--simulated", "2", "--members", "0"], "--members 0"),
        (["--simulated", "2", "--passes", "0"], "--passes 0"),
        (["--simulated", "2", "--batch-size", "0"], "--batch-size 0"),
        (["--simulated", "2", "--learning-rate", "0"], "--learning-rate 0"),
        (["--simulated", "2", "--learning-rate", "nan"], "--learning-rate nan"),
        (["--simulated", "2", "--seed", "-1"], "--seed -1"),
        (["--data", "surprise=here"], "surprise: no such data set"),
        (["--data", "mesa=nowhere"], "nowhere"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(options, named, tmp_path, capsys):
    assert main(["fit-waveform", *options, "--out", str(tmp_path / "run")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("training: ")
    assert named in error
    assert error.count("\n") == 1
    assert not list(tmp_path.rglob("member_*"))


def test_an_output_that_is_no_folder_is_one_line(tmp_path, capsys):
    (tmp_path / "run").write_text("a file", encoding="ascii")
    asked = ["fit-waveform", "--simulated", "2", *SHORT, "--test", "0", *SMALL, "--out", str(tmp_path / "run")]
    assert main(asked) == 2
    error = capsys.readouterr().err
    assert "run: the folder cannot be made" in error
    assert error.count("\n") == 1


def test_a_set_without_raw_sensors_is_one_line(tmp_path, capsys):
    mesa(tmp_path / "mesa", edf=False, bpm=70)
    command = ["fit-waveform", "--data", f"mesa={tmp_path / 'mesa'}", "--strict", "--out", str(tmp_path / "run")]
    assert main(command) == 2
    assert "no epoch has raw PPG, acceleration or temperature" in capsys.readouterr().err


def test_a_run_that_is_not_there_is_one_line(tmp_path, capsys):
    asked = ["export-waveform", str(tmp_path / "nowhere"), "--version", "1", "--out", str(tmp_path / "m.onnx")]
    assert main(asked) == 2
    error = capsys.readouterr().err
    assert "it holds no run of the waveform network; give a folder of `fit-waveform`" in error
    assert error.count("\n") == 1
