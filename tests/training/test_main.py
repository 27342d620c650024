"""The training command line from data to a model that stages, on made-up records."""

from __future__ import annotations

import dataclasses
import json
import shutil

import numpy as np
import pytest

from staging.decision import LIKELIEST
from staging.recording import Events, Recording
from staging.stager import stage
from training import crossval
from training.__main__ import main

from .datasets.test_sleep_accel import cropped
from .datasets.test_slpdb import a_record

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

QUICK = ["--members", "1", "--passes", "1", "--simulated-nights", "2", "--mixed-simulated", "1"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slpdb")
    for number in (3, 4, 14):
        a_record(folder, f"slp{number:02d}", " ".join(["W"] * 10 + ["1"] * 5 + ["2"] * 30 + ["3"] * 10 + ["R"] * 10))
    return f"slpdb={folder}"


@pytest.fixture(scope="module")
def run_and_results(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    kept = ["--cache", str(folder / "cache"), "--jobs", "2"]
    assert main(["fit", "--data", data, *QUICK, *kept, "--out", str(folder / "run")]) == 0
    results = folder / "results.json"
    assert main(["evaluate", "--data", data, *QUICK, "--folds", "3", "--out", str(results)]) == 0
    return folder / "run", results


def test_evaluate_writes_json_and_a_table(run_and_results):
    _, results = run_and_results
    figures = json.loads(results.read_text(encoding="utf-8"))
    assert figures["datasets"]["slpdb"]["n_subjects"] == 3
    assert set(figures["decision"]) == {"least_wake_weight", "most_wake_weight", "n1_share"}
    assert "slpdb: 3 subjects" in results.with_suffix(".md").read_text(encoding="utf-8")


def test_what_a_fit_made_of_its_nights_is_kept_and_is_what_an_evaluation_makes_without(run_and_results):
    run, results = run_and_results
    assert len(list((run.parent / "cache" / "slpdb").glob("*.npz"))) == 3
    kept, made = (json.loads(text.read_text(encoding="utf-8")) for text in (run / "run.json", results))
    assert kept["data"]["slpdb"]["nights"] == made["protocol"]["data"]["slpdb"]["nights"]


def test_results_of_another_recipe_are_not_shipped(run_and_results, data, tmp_path, capsys):
    run, _ = run_and_results
    other = tmp_path / "other.json"
    arguments = ["evaluate", "--data", data, *QUICK, "--passes", "2", "--folds", "3", "--out", str(other)]
    assert main(arguments) == 0
    assert main(["export", str(run), "--results", str(other), "--version", "1", "--out", str(tmp_path / "m.onnx")]) == 2
    assert "another recipe" in capsys.readouterr().err
    assert not (tmp_path / "m.onnx").exists()


def test_an_exported_run_stages_and_its_card_names_the_data(run_and_results, tmp_path):
    run, results = run_and_results
    model = tmp_path / "m.onnx"
    assert main(["export", str(run), "--results", str(results), "--version", "1", "--out", str(model)]) == 0
    hr = Events(times_s=np.arange(0.0, 3600.0, 5.0), values=np.full(720, 60.0), unit="bpm")
    hypnogram = stage(Recording(hr=hr), model=model)
    assert len(hypnogram) == 120
    assert "MIT-BIH Polysomnographic Database" in (tmp_path / "CARD.md").read_text(encoding="utf-8")


def test_a_taught_fit_is_taken_up_by_the_same_command_alone(run_and_results, data, tmp_path, capsys):
    run, _ = run_and_results
    untaught = ["fit", "--data", data, *QUICK, "--out", str(tmp_path / "student")]
    assert main([*untaught, "--teacher", str(run)]) == 0
    student = tmp_path / "student" / "member_0.pt"
    made = student.stat().st_mtime_ns
    assert main([*untaught, "--teacher", str(run)]) == 0
    assert student.stat().st_mtime_ns == made
    assert "teaching" in json.loads((tmp_path / "student" / "run.json").read_text(encoding="utf-8"))
    assert main(untaught) == 2
    assert "teacher" in capsys.readouterr().err


def test_a_student_is_shipped_with_the_figures_of_students_of_the_same_teachers(
    run_and_results, data, tmp_path, capsys
):
    run, results = run_and_results
    common = ["--data", data, *QUICK]
    folds, student, figures = tmp_path / "folds", tmp_path / "student", tmp_path / "figures.json"
    assert (
        main(["evaluate", *common, "--folds", "3", "--run", str(folds), "--out", str(tmp_path / "of_teachers.json")])
        == 0
    )
    assert main(["evaluate", *common, "--folds", "3", "--teacher", str(folds), "--out", str(figures)]) == 0
    said = json.loads(figures.read_text(encoding="utf-8"))["protocol"]["teaching"]["teacher"]
    assert said == json.loads((folds / "run.json").read_text(encoding="utf-8"))
    assert main(["fit", *common, "--teacher", str(run), "--out", str(student)]) == 0
    export = ["export", str(student), "--version", "1", "--out", str(tmp_path / "m.onnx"), "--results"]
    assert main([*export, str(results)]) == 2
    assert "another teaching" in capsys.readouterr().err
    assert main([*export, str(figures)]) == 0
    assert "RUN_OF_TEACHERS" in (tmp_path / "CARD.md").read_text(encoding="utf-8")


def test_where_figures_cannot_go_is_known_before_any_night_is_read(tmp_path, capsys):
    evaluate = ["evaluate", "--data", "slpdb=nowhere", "--out"]
    (tmp_path / "folder.json").mkdir()
    for out, named in (("results.md", "the table goes into that file"), ("folder.json", "is a folder")):
        assert main([*evaluate, str(tmp_path / out)]) == 2
        assert named in capsys.readouterr().err


def test_two_folders_of_one_set_are_refused(tmp_path, capsys):
    twice = ["--data", f"slpdb={tmp_path}", "--data", f"slpdb={tmp_path}"]
    assert main(["fit", *twice, "--out", str(tmp_path / "run")]) == 2
    assert "it is a second folder of slpdb; put them into one" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("data", "named"), [("slpdb", "NAME=FOLDER"), ("surprise=here", "no such data set"), ("slpdb=nowhere", "nowhere")]
)
def test_bad_data_is_one_line_and_exit_2(data, named, tmp_path, capsys):
    assert main(["fit", "--data", data, "--out", str(tmp_path / "run")]) == 2
    error = capsys.readouterr().err
    assert named in error
    assert error.count("\n") == 1


def test_a_killed_evaluation_goes_on_to_the_same_figures(run_and_results, data, tmp_path, monkeypatch):
    """Ended when the first fold is there and the second begins; in the middle of passes: test_stopping.py."""
    _, results = run_and_results
    again, folds = tmp_path / "again.json", tmp_path / "folds"
    arguments = ["evaluate", "--data", data, *QUICK, "--folds", "3", "--run", str(folds), "--out", str(again)]
    fit = crossval.fit_members

    def killed_in_the_second(*given, run, **options):
        if run.name == "fold_1":
            raise KeyboardInterrupt
        return fit(*given, run=run, **options)

    with monkeypatch.context() as patch:
        patch.setattr(crossval, "fit_members", killed_in_the_second)
        with pytest.raises(KeyboardInterrupt):
            main(arguments)
    assert (folds / "fold_0" / "member_0.pt").is_file()
    assert not again.exists()
    assert main(arguments) == 0
    assert json.loads(again.read_text(encoding="utf-8")) == json.loads(results.read_text(encoding="utf-8"))


def test_a_held_out_set_is_decided_by_what_did_not_see_it(data, tmp_path):
    folder = tmp_path / "sleep_accel"
    folder.mkdir()
    for subject in ("11", "12"):
        cropped(folder, subject)
    results = tmp_path / "results.json"
    both = ["--data", data, "--data", f"sleep_accel={folder}"]
    assert main(["evaluate", *both, *QUICK, "--hold-out", "sleep_accel", "--out", str(results)]) == 0
    figures = json.loads(results.read_text(encoding="utf-8"))
    assert list(figures["datasets"]) == ["sleep_accel"]
    assert figures["decision"] == dataclasses.asdict(LIKELIEST)
    assert figures["hours_asleep"] is None


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"--version": " "}, "--version: is empty"),
        ({"--out": "FOLDER"}, "is a folder, not a file"),
        ({"--out": "FOLDER/other.onnx"}, "CARD.md: it is another model's card"),
        ({"--results": "FOLDER/hollow.json"}, "hollow.json: it does not say what it should (KeyError"),
        ({"--results": "FOLDER/nowhere.json"}, "nowhere.json is missing"),
    ],
)
def test_an_export_that_cannot_be_is_one_line(run_and_results, tmp_path, capsys, changed, named):
    run, results = run_and_results
    (tmp_path / "CARD.md").write_text("# mine 1.0\n", encoding="utf-8")
    (tmp_path / "hollow.json").write_text('{"protocol": {}, "decision": {}, "datasets": {}}', encoding="utf-8")
    (tmp_path / "home").mkdir()
    options = {"--results": str(results), "--version": "1", "--out": str(tmp_path / "home" / "m.onnx")}
    options |= {option: value.replace("FOLDER", str(tmp_path)) for option, value in changed.items()}
    assert main(["export", str(run), *[part for pair in options.items() for part in pair]]) == 2
    error = capsys.readouterr().err
    assert named in error
    assert error.count("\n") == 1
    assert (tmp_path / "CARD.md").read_text(encoding="utf-8") == "# mine 1.0\n"


def test_a_run_that_does_not_say_how_it_was_made_is_one_line(run_and_results, tmp_path, capsys):
    run, results = run_and_results
    shutil.copytree(run, tmp_path / "run")
    said = json.loads((run / "run.json").read_text(encoding="utf-8")) | {"recipe": {}}
    (tmp_path / "run" / "run.json").write_text(json.dumps(said), encoding="utf-8")
    to = ["--results", str(results), "--version", "1", "--out", str(tmp_path / "m.onnx")]
    assert main(["export", str(tmp_path / "run"), *to]) == 2
    assert "run.json: it does not say what it should (KeyError: 'members')" in capsys.readouterr().err
