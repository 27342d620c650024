"""The files of a night: complete, named without doubt, all of them or none."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from staging import outputs
from staging.architecture.schema import json_schema
from staging.errors import InputError, OutputError
from staging.outputs import SUFFIXES, architecture_json, output_names, prepare_folder, write_outputs
from staging.scorings import read_csv
from tests.made_nights import START, scored_night

PARTS = st.text("abAB.1", min_size=1, max_size=3).filter(lambda part: part.strip("."))


@given(st.lists(st.tuples(PARTS, PARTS, PARTS).map("/".join), min_size=1, max_size=6, unique=True))
def test_names_are_one_for_each_input_and_differ_even_where_capitals_do_not_count(paths):
    try:
        names = output_names(paths)
    except InputError:
        return
    assert len(names) == len(paths)
    assert len({name.casefold() for name in names}) == len(paths)
    assert all("/" not in name and name for name in names)


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["a/night.zip"], ["night"]),
        (["a/night.zip", "b/night.zip", "c/nap.zip"], ["a_night", "b_night", "nap"]),
        (["a/night.zip", "a/night.edf"], ["a_night.zip", "a_night.edf"]),
        (["a/Night.zip", "b/night.zip"], ["a_Night", "b_night"]),
    ],
)
def test_a_name_is_as_short_as_it_can_be(paths, names):
    assert output_names(paths) == names


def test_a_folder_is_called_by_its_whole_name(tmp_path, monkeypatch):
    (tmp_path / "P01.visit2").mkdir()
    monkeypatch.chdir(tmp_path / "P01.visit2")
    assert output_names(["."]) == ["P01.visit2"]


def test_an_input_given_twice_is_refused():
    with pytest.raises(InputError, match="twice"):
        output_names(["a/night.zip", "a/../a/night.zip"])


def test_the_csv_and_the_json_say_what_the_night_holds(tmp_path):
    night = scored_night(warnings=("a doubt",), missing=("temperature",), lights=(60.0, 7000.0))
    files = write_outputs(night, tmp_path)
    assert [file.name for file in files] == [f"night{suffix}" for suffix in SUFFIXES]
    assert read_csv(files[0]).stages.tolist() == night.hypnogram.stages.tolist()
    content = json.loads(files[1].read_text(encoding="utf-8"))
    assert content["metrics"] == dict(night.architecture.metrics)
    assert content["warnings"] == ["a doubt"]
    assert content["start"] == "2026-03-01T22:52:00+00:00"
    made_from = content["made_from"]
    assert made_from["sensors"]["heart"] == {"channel": "ppg", "mean_coverage_pct": 100.0}
    assert made_from["sensors"]["temperature"]["mean_coverage_pct"] == 0.0
    assert made_from["model"]["version"] == "1"
    assert made_from["simulated"] is False
    assert "<h1><bdi>night</bdi></h1>" in files[2].read_text(encoding="utf-8")


def test_the_same_night_gives_the_same_bytes(tmp_path):
    first, again = (write_outputs(scored_night(), prepare_folder(tmp_path / name)) for name in ("a", "b"))
    assert [file.read_bytes() for file in first] == [file.read_bytes() for file in again]


def test_text_that_is_no_unicode_does_not_stop_the_files(tmp_path):
    night = scored_night(source="P\udce401.zip", warnings=("name P\udce401",))
    assert all(file.exists() for file in write_outputs(night, tmp_path))


def test_results_of_the_same_recording_are_replaced(tmp_path):
    write_outputs(scored_night(n_classes=5), tmp_path)
    write_outputs(scored_night(n_classes=2), tmp_path)
    assert json.loads((tmp_path / "night.architecture.json").read_text(encoding="utf-8"))["classes"] == ["W", "S"]


@pytest.mark.parametrize(
    "other",
    [
        {"source": "P02/other.zip"},
        {"source": "P02/night.zip", "seed": 1},
        {"start": START + timedelta(days=1)},
        {"start": None},
    ],
)
def test_results_of_another_recording_are_kept_unless_told_otherwise(tmp_path, other):
    before = [file.read_bytes() for file in write_outputs(scored_night(**other), tmp_path)]
    with pytest.raises(OutputError, match="--overwrite"):
        write_outputs(scored_night(), tmp_path)
    assert [(tmp_path / f"night{suffix}").read_bytes() for suffix in SUFFIXES] == before
    files = write_outputs(scored_night(), tmp_path, overwrite=True)
    assert [file.read_bytes() for file in files] != before


def test_a_file_that_merely_has_the_name_is_kept(tmp_path):
    (tmp_path / "night.hypnogram.csv").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match=r"night\.hypnogram\.csv"):
        write_outputs(scored_night(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["night.hypnogram.csv"]


@pytest.mark.parametrize("step", ["format_csv", "architecture_json", "render"])
def test_a_failure_leaves_none_of_the_files(tmp_path, monkeypatch, step):
    def fail(night):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(outputs, step, fail)
    with pytest.raises((OutputError, OSError)):
        write_outputs(scored_night(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path, monkeypatch):
    real = outputs.write_atomically

    def full(path, content):
        if path.name.endswith(".html"):
            raise OutputError(path, "cannot be written (No space left on device)")
        return real(path, content)

    monkeypatch.setattr(outputs, "write_atomically", full)
    with pytest.raises(OutputError, match="No space left"):
        write_outputs(scored_night(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_the_place_of_a_file_leaves_the_others_unwritten(tmp_path):
    (tmp_path / "night.report.html").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        write_outputs(scored_night(), tmp_path, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["night.report.html"]


def test_a_folder_for_results_is_made_and_a_file_is_none(tmp_path):
    assert prepare_folder(tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="is a file"):
        prepare_folder(tmp_path / "file")
    with pytest.raises(OutputError, match="--out"):
        prepare_folder(tmp_path / "file" / "below")


def test_the_json_has_a_stable_order():
    keys = list(json.loads(architecture_json(scored_night())))
    assert keys[0] == "schema"
    assert keys.index("metrics") < keys.index("warnings")
    assert keys == list(json.loads(architecture_json(scored_night(seed=5))))


@pytest.mark.parametrize("n_classes", [5, 4, 3, 2])
def test_the_json_is_what_its_schema_says(n_classes):
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    content = json.loads(architecture_json(scored_night(n_classes=n_classes, unscored=slice(3, 9))))
    jsonschema.validate(content, json_schema())
    assert content["intervals"] is None
    with_intervals = json.loads(architecture_json(scored_night(n_classes=n_classes, intervals=True)))
    jsonschema.validate(with_intervals, json_schema())
    assert with_intervals["intervals"]["tst_min"]["level"] == 0.9
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**content, "made_form": {}}, json_schema())
