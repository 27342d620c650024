"""The programs that show how the raw graph is used in other languages stage the golden cases right."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

EXAMPLES = ROOT / "models" / "examples"
MODEL = ROOT / "staging" / "weights" / "staging_raw.onnx"
GOLDEN = sorted((ROOT / "tests" / "golden").glob("raw_*.json"))


def run(*command: object, folder: Path = ROOT) -> None:
    """All cases are right, and a case that was tampered with is not."""
    done = subprocess.run([*map(str, command), MODEL, *GOLDEN], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(": right") == len(GOLDEN) == 3


def test_python_with_onnxruntime_alone():
    run(sys.executable, "-I", EXAMPLES / "python" / "stage.py")


def test_python_sees_a_case_that_is_wrong(tmp_path):
    wrong = tmp_path / "raw_wrong.json"
    text = GOLDEN[-1].read_text(encoding="utf-8")
    at = text.index("]", text.index('"stages"'))
    wrong.write_text(text[:at] + ", 0" + text[at:], encoding="utf-8")
    command = [sys.executable, EXAMPLES / "python" / "stage.py", MODEL, wrong]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1


@pytest.mark.slow
def test_node_with_webassembly():
    if shutil.which("node") is None or not (EXAMPLES / "node" / "node_modules").is_dir():
        pytest.skip("run `npm install` in models/examples/node first")
    run("node", "stage.mjs", folder=EXAMPLES / "node")


@pytest.mark.slow
def test_cpp_with_the_c_api(tmp_path):
    release = os.environ.get("ONNXRUNTIME_DIR")
    if release is None or shutil.which("c++") is None:
        pytest.skip("set ONNXRUNTIME_DIR to an unpacked release of onnxruntime, with include/ and lib/")
    program = tmp_path / "stage"
    source = EXAMPLES / "cpp" / "stage.cpp"
    paths = [f"-I{release}/include", f"-L{release}/lib", f"-Wl,-rpath,{release}/lib"]
    subprocess.run(["c++", "-std=c++17", "-O2", *paths, source, "-lonnxruntime", "-o", program], check=True)
    run(program)
