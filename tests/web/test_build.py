"""The built file holds what it needs and nothing of the machine that built it."""

from __future__ import annotations

import base64
import dataclasses
import gzip
import json
import re
from pathlib import Path

import pytest

from scripts.build_page import bundle, install, main
from staging.errors import InputError
from staging.model import load_model
from staging.model_files import export_model
from tests.conftest import ROOT


def _block(text: str, name: str) -> str:
    found = re.search(rf'<script type="[^"]+" id="{name}">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_model_and_its_rule_of_decision_are_the_shipped_ones(built_page: Path, tmp_path: Path) -> None:
    text = built_page.read_text("utf-8")
    graph, _ = export_model("raw", tmp_path)
    assert gzip.decompress(base64.b64decode(_block(text, "model"))) == graph.read_bytes()
    told = json.loads(_block(text, "contract"))["contract"]
    rule = load_model().spec.decision
    assert told["model"]["decision"] == dataclasses.asdict(rule)


def test_the_file_needs_no_other_and_names_no_folder_of_this_machine(built_page: Path) -> None:
    text = built_page.read_text("utf-8")
    scripts = base64.b64decode(_block(text, "worker")).decode() + text
    assert str(ROOT) not in scripts
    assert str(Path.home()) not in scripts
    assert re.findall(r"""<(?:script|link|img|iframe)[^>]*\s(?:src|href)=""", text) == []
    assert "{{" not in text.partition("<script type")[0]


def test_building_twice_gives_the_same_scripts(built_page: Path) -> None:
    modules = install(ROOT / "build" / "web")
    assert bundle("worker.js", modules).encode() == base64.b64decode(_block(built_page.read_text("utf-8"), "worker"))


def test_without_npm_one_line_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["--out", str(tmp_path / "page.html"), "--modules", str(tmp_path / "modules")]) == 2
    assert capsys.readouterr().err == (
        "build_page: npm: is not installed; install Node.js 20 or newer, which brings npm\n"
    )
    assert not (tmp_path / "page.html").exists()


def test_a_script_that_does_not_parse_is_told(built_page: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.js"
    broken.write_text("const = 1;")
    with pytest.raises(InputError, match="esbuild: failed"):
        bundle(str(broken), install(ROOT / "build" / "web"))
