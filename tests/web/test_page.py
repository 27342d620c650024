"""The whole page in a headless browser: opened from disk, given files and read as a person does it."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

import staging
from scripts.build_page import METRICS
from staging.architecture import definitions
from staging.scorings.own_csv import read_csv, write_csv
from staging.simulate import simulate_night, write_e4_zip
from tests.web.chromium import Page

pytestmark = pytest.mark.slow

_DONE = "document.getElementById('result').hidden === false || document.getElementById('problem').textContent !== ''"
_CLEARED = "document.getElementById('result').hidden = true; document.getElementById('problem').textContent = ''"
_METRICS = """
Object.fromEntries(Array.from(document.querySelectorAll(".metric-row dt"), (row) => {
  return Array.from(row.children, (cell) => cell.textContent);
}))
"""
_LIGHTS = """
document.getElementById("lights-off").value = "%s";
document.getElementById("lights-on").value = "%s";
document.getElementById("lights-on").dispatchEvent(new Event("change"));
"""
_INSIDE = ("file:", "blob:", "data:")  # the page itself, its worker, the browser's own icons
_POLICY = "document.querySelector('meta[http-equiv]').content"


def _staged(tab: Page, *paths: Path) -> str:
    """What the page says of files: a problem, or nothing where they are staged."""
    tab.value(_CLEARED)
    tab.choose("#files", *paths)
    tab.until(_DONE, within_s=180)
    return str(tab.value("document.getElementById('problem').textContent"))


def _downloaded(tab: Page, folder: Path) -> Path:
    name = tab.value("document.getElementById('csv').download")
    tab.value("document.getElementById('csv').click()")
    end = time.monotonic() + 30
    while not (folder / name).is_file():
        assert time.monotonic() < end, "nothing was downloaded"
        time.sleep(0.05)
    return folder / name


def _zipped(path: Path, files: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def _shows_the_metrics_of(tab: Page, hypnogram: staging.Hypnogram) -> None:
    shown, metrics = tab.value(_METRICS), staging.summarize(hypnogram).metrics
    assert list(shown) == list(METRICS)
    for name, text in shown.items():
        value, definition = metrics[name], definitions()[name]
        said = "–" if value is None else f"{value:.{definition.decimals}f}\N{NO-BREAK SPACE}{definition.unit}"
        assert text == said, name


def _staged_as_by_the_package(tab: Page, path: Path, folder: Path) -> None:
    assert _staged(tab, path) == ""
    page = read_csv(_downloaded(tab, folder))
    expected = read_csv(write_csv(staging.stage(staging.read(path)), folder / "expected.csv"))
    assert len(page) == len(expected)
    assert page.start == expected.start
    assert np.mean(page.stages == expected.stages) >= 0.99
    assert page.probabilities is not None
    assert expected.probabilities is not None
    np.testing.assert_allclose(page.probabilities, expected.probabilities, atol=0.02)
    _shows_the_metrics_of(tab, page)
    assert [line for line in tab.log if '"error"' in line] == []
    assert [address for address in tab.requests if not address.startswith(_INSIDE)] == []


def test_a_simulated_night_is_staged_as_by_the_package(tab: Page, tmp_path: Path) -> None:
    path = write_e4_zip(simulate_night(1, duration_h=1.5), tmp_path / "demo.zip")
    _staged_as_by_the_package(tab, path, tmp_path)
    said = tab.value("document.querySelector('.note').textContent")
    assert "no person slept it" in said
    assert tab.value("document.activeElement.id") == "name"


def test_lights_times_that_a_person_gives_change_the_metrics_and_the_file(tab: Page, tmp_path: Path) -> None:
    path = write_e4_zip(simulate_night(1, duration_h=1.5), tmp_path / "night.zip")
    assert _staged(tab, path) == ""
    problem = "document.querySelector('.lights .problem').textContent"
    tab.value(_LIGHTS % ("23:10", "00:15"))
    assert tab.value(problem) == ""
    page = read_csv(_downloaded(tab, tmp_path))
    assert (page.lights_off_s, page.lights_on_s) == (600.0, 4500.0)
    _shows_the_metrics_of(tab, page)
    tab.value(_LIGHTS % ("12:00", ""))
    assert tab.value(problem).startswith("Lights off: 12:00 is not within the recording, 2024-01-15 23:00 – ")


def test_a_real_session_is_staged_as_by_the_package(tab: Page, tmp_path: Path, shared_data: Path) -> None:
    files = {path.name: path.read_bytes() for path in (shared_data / "e4").glob("*.csv")}
    _staged_as_by_the_package(
        tab, _zipped(tmp_path / "session.zip", {f"S1/{k}": v for k, v in files.items()}), tmp_path
    )


def test_plain_tables_with_lights_times_give_the_file_of_the_package(tab: Page, tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    at_s = np.arange(0, 3600.0, 5.0)
    hr = 58 + 4 * np.sin(at_s / 600) + rng.normal(size=at_s.size)
    counts = np.where(rng.random(240) < 0.1, rng.integers(1, 90, 240), 0)
    files = {
        "hr.csv": "t_s,bpm\n" + "".join(f"{t},{v:.1f}\n" for t, v in zip(at_s, hr, strict=True)),
        "counts.csv": "t_s,counts\n" + "".join(f"{15 * k},{v}\n" for k, v in enumerate(counts)),
        "recording.toml": "start = 2026-03-28T22:41:05+01:00\nlights_off = -60\nlights_on = 3000\n",
    }
    path = _zipped(tmp_path / "plain.zip", {name: text.encode() for name, text in files.items()})
    _staged_as_by_the_package(tab, path, tmp_path)
    rows = [(tmp_path / name).read_text().splitlines() for name in ("plain.hypnogram.csv", "expected.csv")]
    mine, expected = ([line.split(",") for line in lines] for lines in rows)
    assert mine[0] == expected[0]
    exact = [0, 1, -1]  # epoch, start and whether in bed; a stage at the edge may fall otherwise
    assert [[row[k] for k in exact] for row in mine] == [[row[k] for k in exact] for row in expected]


def test_the_files_themselves_do_in_place_of_the_zip(tab: Page, tmp_path: Path) -> None:
    with zipfile.ZipFile(write_e4_zip(simulate_night(2, duration_h=0.3), tmp_path / "night.zip")) as archive:
        archive.extractall(tmp_path / "open")
    assert _staged(tab, *sorted((tmp_path / "open").rglob("*.csv"))) == ""
    assert tab.value("document.querySelectorAll('.plot').length") == 3


_KNOWN = "it is no recording that this page knows (found"
_WRONG: Mapping[str, tuple[bytes | Mapping[str, bytes], str]] = {
    "notes.txt": (b"no recording\n", f"{_KNOWN} notes.txt); give the zip of an Empatica E4 session or of plain tables"),
    "empty.zip": (b"", "the file is empty; copy it from the device again."),
    "cut.zip": (b"PK\x03\x04" + bytes(200), "the zip is cut short or damaged; copy it from the device again."),
    "locked.zip": (b"PK\x03\x04\x14\0\x01\0" + bytes(60), "the zip is encrypted; unpack it and choose its files."),
    "other.zip": ({"photo.jpg": b"x"}, f"{_KNOWN} photo.jpg); give the zip"),
    "two.zip": ({f"{name}/hr.csv": b"t_s,bpm\n0,60\n" for name in "ab"}, "it holds several recordings (a, b); give"),
    "short.zip": (
        {"hr.csv": b"t_s,bpm\n0,60\n60,61\n120,60\n"},
        "2.3 min of recording is too short to stage; give at least 10 min.",
    ),
    "cold.zip": (
        {"temp.csv": b"t_s,temp_c\n" + b"".join(b"%d,33.1\n" % t for t in range(900))},
        "neither heart nor motion was usably recorded in any epoch; give acceleration,",
    ),
}


@pytest.mark.parametrize("name", _WRONG)
def test_what_is_no_recording_gets_one_sentence_with_the_mend(tab: Page, tmp_path: Path, name: str) -> None:
    content, said = _WRONG[name]
    path = tmp_path / name
    path.write_bytes(content) if isinstance(content, bytes) else _zipped(path, content)
    problem = _staged(tab, path)
    assert problem.startswith(f"{name}: {said}")
    assert problem.endswith(".")
    assert tab.value("document.getElementById('result').hidden")
    assert tab.value("document.getElementById('files').disabled") is False


def test_a_file_may_be_dropped_anywhere_on_the_page(tab: Page) -> None:
    tab.value(_CLEARED)
    tab.value("""
    const given = new DataTransfer();
    given.items.add(new File(["x"], "dropped.txt"));
    const drop = new DragEvent("drop", { dataTransfer: given, bubbles: true, cancelable: true });
    document.body.dispatchEvent(drop);
    """)
    tab.until(_DONE)
    assert tab.value("document.getElementById('problem').textContent").startswith(f"dropped.txt: {_KNOWN} dropped.txt)")


def test_the_policy_lets_nothing_out(tab: Page) -> None:
    assert tab.value(_POLICY).startswith("default-src 'none'; ")
    assert "unsafe-inline" not in tab.value(_POLICY)
    assert "unsafe-eval'" not in tab.value(_POLICY).replace("'wasm-unsafe-eval'", "")
    sent = "fetch('https://page.invalid/').then(() => 'sent', (error) => error.name)"
    assert tab.value(sent) == "TypeError"
    assert any("Content Security Policy" in line for line in tab.log)
    for code in ("eval('1')", "new Function('return 1')()"):
        assert (
            tab.value(f"(() => {{ try {{ {code}; return 'ran' }} catch (error) {{ return error.name }} }})()")
            == "EvalError"
        )


def test_the_page_is_used_with_the_keyboard_and_heard(tab: Page, tmp_path: Path) -> None:
    assert _staged(tab, write_e4_zip(simulate_night(2, duration_h=0.3), tmp_path / "night.zip")) == ""
    order = []
    for _ in range(12):  # a time has parts
        for kind in ("keyDown", "keyUp"):
            tab.command("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        name = tab.value("document.activeElement.id")
        order += [name] if name not in order else []
    assert [name for name in order if name][:4] == ["lights-off", "lights-on", "epoch", "csv"]  # from the heading on
    tab.value("document.getElementById('epoch').focus()")
    for kind in ("keyDown", "keyUp"):
        tab.command("Input.dispatchKeyEvent", type=kind, key="ArrowRight", code="ArrowRight", windowsVirtualKeyCode=39)
    assert tab.value("document.getElementById('epoch').getAttribute('aria-valuetext')").startswith("23:00:30, ")
    tree = tab.command("Accessibility.getFullAXTree")["nodes"]
    names = {(node["role"]["value"], node.get("name", {}).get("value", "")) for node in tree if "role" in node}
    images = [name for role, name in names if role in ("image", "img")]
    assert any(name.startswith("Hypnogram. Wake ") for name in images)
    assert ("slider", "Read values") in names
    assert {"status", "alert", "main"} <= {role for role, _ in names}


def test_nothing_is_wider_than_the_screen(tab: Page, tmp_path: Path) -> None:
    assert _staged(tab, write_e4_zip(simulate_night(2, duration_h=0.3), tmp_path / "night.zip")) == ""
    for width in (360, 768, 1100):
        tab.look(width=width, dark=width < 600)
        assert tab.value("document.documentElement.scrollWidth") <= width
