"""``staging summarize`` and ``staging convert``, as somebody with files of scored sleep uses them."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from staging.architecture import SequencePosterior, definitions, json_schema
from staging.cli import main
from staging.hypnogram import Hypnogram
from staging.model import load_model
from staging.scorings import read_hypnogram, read_hypnograms, write_hypnogram
from staging.summarising import FORMATS

CYCLE = ["W"] * 4 + ["N1"] * 6 + ["N2"] * 50 + ["N3"] * 40 + ["R"] * 20
NIGHT = ["W"] * 16 + CYCLE * 6 + ["W"] * 4


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def scored(name: str, day: int = 1, stages: list[str] = NIGHT, **attributes: object) -> Hypnogram:
    start = datetime(2026, 3, day, 22, 30, tzinfo=UTC)
    return Hypnogram(stages=np.array(stages), start=start, source=name, **attributes)


def with_probabilities(name: str) -> Hypnogram:
    classes = ["W", "N1", "N2", "N3", "R"]
    rows = np.full((len(NIGHT), 5), 0.1, np.float32)
    rows[np.arange(len(NIGHT)), [classes.index(stage) for stage in NIGHT]] = 0.6
    return scored(name, probabilities=rows)


@pytest.fixture
def week(here: Path) -> list[str]:
    """Nights of a week but for one; next to nothing was scored of the last, and the fifth day has a nap as well."""
    files = []
    for day in (1, 2, 3, 5, 6):
        stages = NIGHT if day != 6 else ["W"] * 20 + ["UNSCORED"] * 720
        files.append(str(write_hypnogram(scored("", day, stages), here / f"night{day}.csv")))
    nap = Hypnogram(stages=["N2"] * 400, start=datetime(2026, 3, 5, 13, tzinfo=UTC))
    return [*files, str(write_hypnogram(nap, here / "nap.csv"))]


def test_results_of_each_night_and_a_table_of_all_are_written(week, here, capsys):
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    assert main(["summarize", *week[:2], "--out", "results"]) == 0
    assert sorted(path.name for path in (here / "results").iterdir()) == [
        "night1.architecture.json",
        "night2.architecture.json",
        "nights.csv",
    ]
    jsonschema.validate(json.loads((here / "results/night1.architecture.json").read_text()), json_schema())
    rows = list(csv.DictReader((here / "results/nights.csv").read_text().splitlines()))
    assert [(row["night"], row["tst_min"]) for row in rows] == [("2026-03-01", "348.0000"), ("2026-03-02", "348.0000")]
    assert list(rows[0])[5:] == list(definitions())


def test_names_of_results_differ_where_files_share_a_name_or_a_file_holds_nights(here):
    for folder in ("a", "b"):
        (here / folder).mkdir()
        write_hypnogram(scored(""), here / folder / "x.csv")
    assert main(["summarize", "a/x.csv", "b/x.csv", "--out", "r"]) == 0
    assert {path.name for path in (here / "r").glob("*.json")} == {"x.architecture.json", "x_2.architecture.json"}


def test_nights_of_one_person_together(week, capsys):
    assert main(["summarize", *week, "--together"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "4 nights together" in out
    assert "night6.csv: 3 % scored, less than 80 %" in out
    assert "nap.csv: a shorter sleep than the main one of 2026-03-05" in out
    assert "no night of 2026-03-04\n" in out
    assert "sleep regularity index" in out
    assert main(["summarize", *week, "--together", "--json", "--naps", "--min-nights", "6"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert len(content["nights"]) == 5
    assert content["metrics"]["tst_min"]["mean"] is None
    assert main(["summarize", *week, "--together", "--json", "--min-scored", "0", "--min-in-bed", "0"]) == 0
    nights = json.loads(capsys.readouterr().out)["nights"]
    assert len(nights) == 5
    assert nights[-1].endswith("night6.csv")


def test_published_ranges_are_shown_for_an_age_and_never_a_verdict(week, capsys):
    assert main(["summarize", week[0], "--age", "70", "--sex", "female"]) == 0
    out = capsys.readouterr().out
    assert "no diagnosis" in out
    assert "no consensus" in out
    assert "(Ohayon 2017)" in out
    assert "than in men" in out
    assert main(["summarize", week[0], "--age", "70", "--json"]) == 0
    norms = json.loads(capsys.readouterr().out)["norms"]
    assert {norm["metric"] for norm in norms} > {"waso_min", "r_pct", "n3_pct"}
    assert main(["summarize", week[0], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["norms"] == []


def test_intervals_are_of_files_with_probabilities_by_a_calibrated_model(here, week, capsys, monkeypatch):
    posteriors = {5: SequencePosterior.usual(5)}
    monkeypatch.setattr(load_model(None), "posteriors", posteriors)
    write_hypnogram(with_probabilities(""), here / "p.csv")
    assert main(["summarize", "p.csv", "--intervals", "--json"]) == 0
    interval = json.loads(capsys.readouterr().out)["intervals"]["tst_min"]
    assert 0 < interval["low"] < interval["high"] < 370
    assert main(["summarize", "p.csv", "--intervals"]) == 0
    assert f"90 %: {interval['low']:.2f}–{interval['high']:.2f} min" in capsys.readouterr().out
    assert main(["summarize", week[0], "--intervals", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["intervals"] is None
    assert "night1.csv: has no probabilities" in err
    posteriors.clear()
    assert main(["summarize", "p.csv", "--intervals", "--json"]) == 0
    assert "not calibrated" in capsys.readouterr().err


def test_a_day_of_wake_around_a_night_can_be_left_out(here, capsys):
    write_hypnogram(scored("", stages=["W"] * 900 + NIGHT + ["W"] * 600), here / "day.csv")
    assert main(["summarize", "day.csv", "--json", "--around-sleep", "15"]) == 0
    metrics = json.loads(capsys.readouterr().out)["metrics"]
    assert (metrics["sol_min"], metrics["tib_min"]) == (15.0, 348.0 + 10.0 + 30.0)
    assert main(["summarize", "day.csv", "--json", "--around-sleep", "15", "--lights-off", "22:30"]) == 0
    assert json.loads(capsys.readouterr().out)["metrics"]["sol_min"] == 460.0


def test_a_picture_is_drawn_as_svg_or_html_and_nothing_else(week, here, capsys):
    for name in ("nights.svg", "nights.HTML"):
        assert main(["summarize", *week[:3], "--plot", name]) == 0
        text = (here / name).read_text(encoding="utf-8")
        assert text.count('class="name"') == 3
        assert text.count('class="rem"') == 18
    assert main(["summarize", *week[:3], "--plot", "nights.png"]) == 2
    assert "end it in .svg or .html" in capsys.readouterr().err
    assert not (here / "nights.png").exists()


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_that_is_written_is_read_again(here, capsys, form):
    write_hypnogram(scored("", lights_off_s=300.0), here / "a.csv")
    assert main(["convert", "a.csv", "--to", form, "--out", "made"]) == 0
    file = Path(capsys.readouterr().out.strip())
    assert file == Path("made") / f"a.hypnogram.{FORMATS[form]}"
    again = read_hypnogram(file, codes="yasa" if form == "codes" else None)
    np.testing.assert_array_equal(again.stages, NIGHT)


def test_converted_nights_can_be_coarser_and_never_finer(here, capsys):
    write_hypnogram(scored(""), here / "a.csv")
    assert main(["convert", "a.csv", "--to", "json", "--classes", "3", "--quiet"]) == 0
    assert capsys.readouterr().out == ""
    assert set(read_hypnogram("a.hypnogram.json").stages.tolist()) == {"W", "NREM", "R"}
    assert main(["convert", "a.hypnogram.json", "--to", "csv", "--classes", "5"]) == 2
    assert "give --classes 3 or 2" in capsys.readouterr().err
    assert not (here / "a.hypnogram.csv").exists()


def test_files_that_are_there_or_are_read_are_not_written_over(here, capsys):
    write_hypnogram(scored(""), here / "a.hypnogram.csv")
    before = (here / "a.hypnogram.csv").read_bytes()
    assert main(["convert", "a.hypnogram.csv", "--to", "csv", "--overwrite"]) == 2
    assert "is one of the files that are read" in capsys.readouterr().err
    assert (here / "a.hypnogram.csv").read_bytes() == before
    assert main(["convert", "a.hypnogram.csv", "--to", "edf"]) == 0
    assert main(["convert", "a.hypnogram.csv", "--to", "edf"]) == 2
    assert "exists already" in capsys.readouterr().err
    assert main(["convert", "a.hypnogram.csv", "--to", "edf", "--overwrite"]) == 0


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["summarize", "a.csv", "--age", "old"], "not an age"),
        (["summarize", "a.csv", "--age", "-3"], "not an age"),
        (["summarize", "a.csv", "--sex", "female"], "give --age"),
        (["summarize", "a.csv", "--min-nights", "0"], "whole number from 1"),
        (["summarize", "a.csv", "--min-scored", "120"], "share in percent"),
        (["summarize", "a.csv", "--around-sleep", "nan"], "number of minutes"),
        (["summarize", "a.csv", "--intervals", "--model", "none.onnx"], "no such file"),
        (["convert", "a.csv", "--to", "xml"], "invalid choice"),
        (["convert", "a.csv"], "--to"),
    ],
)
def test_wrong_options_are_one_line(here, capsys, argv, said):
    write_hypnogram(with_probabilities(""), here / "a.csv")
    try:
        code = main(argv)
    except SystemExit as stop:
        code = stop.code
    err = capsys.readouterr().err
    assert code == 2
    assert said in err
    assert len(err.splitlines()) == 1


HEADER = "epoch,start,stage,p_w,p_n1,p_n2,p_n3,p_r\n"


def rows(*starts_and_stages: tuple[int, str]) -> str:
    return HEADER + "".join(f"{i},{at},{stage},,,,,\n" for i, (at, stage) in enumerate(starts_and_stages))


BAD = {
    "a code that is not known": ("x.txt", "0\n1\n7\n2\n", ["--codes", "yasa"], "line 3 has the unknown code '7'"),
    "a stage that is not known": ("x.csv", rows((0, "W"), (30, "N7")), [], "line 3"),
    "times that go back": ("x.csv", rows((0, "W"), (30, "N1"), (0, "N1")), [], "line 4 starts -30 s after"),
    "epochs that overlap": ("x.csv", rows((0, "W"), (30, "N1"), (45, "N1")), [], "line 4 starts 15 s after"),
    "epochs of two lengths": (
        "x.csv",
        rows((0, "W"), (30, "N1"), (60, "N1"), (150, "N2")),
        [],
        "line 5 starts 90 s after",
    ),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("command", [["summarize"], ["convert", "--to", "json"]])
def test_bad_files_name_the_line_that_is_wrong(here, capsys, case, command):
    name, text, options, said = BAD[case]
    (here / name).write_text(text, encoding="utf-8")
    assert main([*command, name, *options]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert name in err
    assert said in err
    assert len(err.splitlines()) == 1


def test_two_nights_of_a_file_are_split_and_named(here, capsys):
    of_a_night = [(30 * i, stage) for i, stage in enumerate(["W"] * 20 + ["N2"] * 400 + ["R"] * 120)]
    both = of_a_night + [(86_400 + at_s, stage) for at_s, stage in of_a_night]
    (here / "two.csv").write_text(rows(*both), encoding="utf-8")
    assert len(read_hypnograms("two.csv")) == 2
    assert main(["summarize", "two.csv", "--out", "r"]) == 0
    out = capsys.readouterr().out
    assert "two.csv (night 1 of 2)" in out
    assert "two.csv (night 2 of 2)" in out
    assert sorted(path.name for path in (here / "r").glob("*.json")) == [
        "two_night_1_of_2.architecture.json",
        "two_night_2_of_2.architecture.json",
    ]


def test_the_schema_of_the_json_is_printed_without_any_file(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["summarize", "--schema"])
    assert stop.value.code == 0
    assert json.loads(capsys.readouterr().out) == json_schema()


def test_the_table_for_statistics_has_the_intervals_that_were_asked_for(here, capsys, monkeypatch):
    monkeypatch.setattr(load_model(None), "posteriors", {5: SequencePosterior.usual(5)})
    write_hypnogram(with_probabilities(""), here / "p.csv")
    write_hypnogram(scored("", 2), here / "q.csv")
    assert main(["summarize", "p.csv", "q.csv", "--intervals", "--csv"]) == 0
    first, second = csv.DictReader(capsys.readouterr().out.splitlines())
    assert float(first["tst_min_low"]) < float(first["tst_min_high"])
    assert second["tst_min_low"] == ""
