"""Who may import whom, what may be imported at all, and that the command line loads no more than it needs.

Both tests are themselves tested: each fails on an import planted for it.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGES = {"numpy", "scipy", "onnxruntime", "edfio"}
"""All that ``staging`` may import besides the standard library."""

LATE = {"scipy", "onnxruntime", "edfio"}
"""Imported inside the functions that need them, never when a module is loaded."""

MAY_IMPORT: dict[str, set[str]] = {
    "__init__": {"architecture", "errors", "hypnogram", "readers", "recording", "stager"},
    "__main__": {"cli"},
    "errors": set(),
    "exit_codes": set(),
    "recording": {"errors"},
    "hypnogram": {"errors"},
    "files": {"errors"},
    "grid": {"recording"},
    "heart": {"grid", "recording"},
    "motion": {"grid", "posture", "recording"},
    "posture": {"grid", "recording"},
    "pulse": {"grid", "heart", "recording"},
    "hrv": {"grid", "heart", "pulse", "recording"},
    "temperature": {"grid", "recording"},
    "days": {"errors", "grid", "motion", "posture", "recording", "temperature", "tracks", "when", "wording"},
    "scored_days": {"architecture", "days", "scored", "wording"},
    "terminal_days": {"scored_days", "wording"},
    "outputs_days": {"architecture", "days", "errors", "outputs", "recording", "report", "scored_days", "scorings"},
    "tracks": {"errors", "grid", "heart", "motion", "posture", "pulse", "recording", "temperature"},
    "features": {"errors", "posture", "recording", "tracks"},
    "decision": {"errors", "hypnogram"},
    "model": {"architecture", "decision", "errors", "features", "hypnogram"},
    "stager": {"decision", "errors", "features", "hypnogram", "model", "recording", "tracks"},
    "raw": {
        *("decision", "errors", "heart", "model", "motion", "pulse", "recording", "stager", "tracks"),
    },
    "live": {"errors", "raw", "recording", "stager"},
    "model_files": {
        *("errors", "features", "files", "hypnogram", "live", "model", "raw", "recording", "stager", "tracks"),
    },
    "readers": {"errors", "hypnogram", "recording"},
    "weights": set(),
    "architecture": {"errors", "hypnogram"},
    "scorings": {"architecture", "errors", "files", "hypnogram", "readers"},
    "agreement": {"architecture", "errors", "files", "hypnogram", "scorings"},
    "simulate": {"errors", "files", "hypnogram", "motion", "readers", "recording", "tracks"},
    "wording": {"hypnogram"},
    "when": {"errors", "wording"},
    "scored": {"architecture", "hypnogram", "tracks", "wording"},
    "report": {"architecture", "errors", "hypnogram", "recording", "scored", "scored_days", "tracks", "wording"},
    "terminal": {"architecture", "hypnogram", "scored", "wording"},
    "outputs": {"errors", "files", "report", "scored", "scorings"},
    "pipeline": {
        *("architecture", "days", "errors", "hypnogram", "model", "readers", "recording", "scored", "scored_days"),
        *("stager", "tracks", "when", "wording"),
    },
    "summarising": {
        *("architecture", "errors", "exit_codes", "files", "hypnogram", "outputs", "pipeline", "report", "scorings"),
        *("terminal", "when"),
    },
    "commands": {
        *("agreement", "architecture", "days", "errors", "exit_codes", "hypnogram", "model", "model_files", "outputs"),
        *("outputs_days", "pipeline", "readers", "recording", "scored", "scored_days", "scorings", "simulate"),
        *("summarising", "terminal", "terminal_days", "when"),
    },
    "cli": {"commands", "errors", "exit_codes"},
}
"""Modules and subpackages of ``staging`` to those that they may import; ``staging`` itself, for the version, is free.

A new one is entered here by hand: its place is a decision.
"""

NEVER_LOADED = {"torch", "lightning", "onnx", "onnxscript", "pandas", "sklearn", "matplotlib", "models", "training"}


def imports(tree: ast.AST, *, top: bool = True) -> Iterator[tuple[str, int, bool]]:
    """Imported modules, with their line and whether loading the module loads them."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from ((name, line, False) for name, line, _ in imports(node, top=False))
        elif isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno, top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            names = [f"staging.{alias.name}" for alias in node.names] if module == "staging" else [module]
            yield from ((name, node.lineno, top) for name in names)
        else:
            deeper = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            yield from imports(node, top=top and not deeper)


def violations(package: Path) -> list[str]:
    """What the modules of a copy of ``staging`` import against the rules."""
    found = []
    for path in sorted(package.rglob("*.py")):
        inner = path.relative_to(package)
        part = inner.parts[0].removesuffix(".py")
        where = f"staging/{inner.as_posix()}"
        if part not in MAY_IMPORT:
            found.append(f"{where}: {part} has no place in MAY_IMPORT")
            continue
        for name, line, top in imports(ast.parse(path.read_text(encoding="utf-8"))):
            root, _, rest = name.partition(".")
            target = rest.partition(".")[0]
            if root == "":
                found.append(f"{where}:{line}: relative import")
            elif root == "staging":
                if target not in MAY_IMPORT[part] | {"", part, "__version__"}:
                    found.append(f"{where}:{line}: {part} imports {target}")
            elif root not in PACKAGES and root not in sys.stdlib_module_names:
                found.append(f"{where}:{line}: imports {root}")
            elif root in LATE and top:
                found.append(f"{where}:{line}: loads {root} with the module")
    return found


def test_every_import_of_the_package_is_allowed():
    assert violations(ROOT / "staging") == []


def test_the_rules_have_no_circle():
    TopologicalSorter(MAY_IMPORT).prepare()
    with pytest.raises(CycleError):
        TopologicalSorter({**MAY_IMPORT, "errors": {"cli"}}).prepare()


@pytest.mark.parametrize(
    ("module", "line", "complaint"),
    [
        ("recording.py", "import torch", "imports torch"),
        ("recording.py", "def f():\n    import torch.nn", "imports torch"),
        ("recording.py", "class A:\n    from pandas import DataFrame", "imports pandas"),
        ("readers/e4.py", "from training import fit", "imports training"),
        ("recording.py", "from staging.cli import main", "recording imports cli"),
        ("architecture/rules.py", "from staging import recording", "architecture imports recording"),
        ("architecture/rules.py", "from staging import read", "architecture imports read"),
        ("motion.py", "import scipy.signal", "loads scipy with the module"),
        ("motion.py", "if True:\n    from scipy import signal", "loads scipy with the module"),
        ("motion.py", "try:\n    import onnxruntime\nexcept ImportError:\n    pass", "loads onnxruntime"),
        ("motion.py", "from . import grid", "relative import"),
        ("unheard_of.py", "import json", "has no place"),
    ],
)
def test_a_planted_import_is_found(tmp_path, module, line, complaint):
    path = tmp_path / module
    path.parent.mkdir(exist_ok=True)
    path.write_text(f'"""Planted."""\n{line}\n', encoding="utf-8")
    assert [complaint in found for found in violations(tmp_path)] == [True]


@pytest.mark.parametrize(
    "line",
    [
        "import numpy as np",
        "def f():\n    from scipy import signal\n    return signal",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import onnxruntime",
        "from staging.errors import InputError",
        "import staging",
    ],
)
def test_an_allowed_import_is_let_through(tmp_path, line):
    (tmp_path / "recording.py").write_text(f"{line}\n", encoding="utf-8")
    assert violations(tmp_path) == []


def loaded(code: str, *, cwd: Path, path: tuple[Path, ...] = ()) -> set[str]:
    """Names in ``sys.modules`` after a fresh interpreter has run the code."""
    tail = "\nimport json, sys\nprint('\\n' + json.dumps(sorted(sys.modules)))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (*path, ROOT)))}
    done = subprocess.run(
        [sys.executable, "-c", code + tail], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def unwanted(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules} & NEVER_LOADED


@pytest.fixture(scope="module")
def recording_folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("imports")
    rows = "\n".join(f"{t},{58 + t // 200 % 7}" for t in range(0, 3600, 5))
    (folder / "hr.csv").write_text(f"t_s,bpm\n{rows}\n", encoding="utf-8")
    return folder


SCORE = "from staging.cli import main\nassert main(['score', 'hr.csv', '--out', 'out', '--overwrite']) == 0"


@pytest.mark.slow
def test_scoring_loads_the_runtime_and_nothing_of_training(recording_folder):
    modules = loaded(SCORE, cwd=recording_folder)
    assert "onnxruntime" in modules
    assert unwanted(modules) == set()
    assert "staging.simulate" not in modules
    assert "staging.agreement" not in modules


@pytest.mark.slow
@pytest.mark.parametrize("planted", ["torch", "pandas", "training"])
def test_a_planted_module_is_found_among_the_loaded_ones(tmp_path, recording_folder, planted):
    # Anything that scoring loads would do; the spec of features is read by every run.
    (tmp_path / f"{planted}.py").touch()
    (tmp_path / "sitecustomize.py").write_text(
        "import builtins\nreal = builtins.__import__\n"
        "def plant(name, *rest):\n"
        f"    if name == 'staging.features': real('{planted}')\n"
        "    return real(name, *rest)\n"
        "builtins.__import__ = plant\n",
        encoding="utf-8",
    )
    assert unwanted(loaded(SCORE, cwd=recording_folder, path=(tmp_path,))) == {planted}


@pytest.mark.slow
@pytest.mark.parametrize(
    "code", ["import staging", "import staging.cli", "from staging.cli import main\nmain(['formats', '--bad'])"]
)
def test_what_needs_no_arrays_loads_none(tmp_path, code):
    code = code.replace("main(['formats', '--bad'])", "\ntry: main(['formats', '--bad'])\nexcept SystemExit: pass")
    modules = loaded(code, cwd=tmp_path)
    assert not {"numpy", "scipy", "onnxruntime", "edfio", "staging.commands"} & modules


def test_the_public_names_are_what_they_are_called():
    import staging

    for name in staging.__all__:
        value = getattr(staging, name)
        assert name == "__version__" or value.__name__ == name
    assert set(staging.__all__) <= set(dir(staging))
    with pytest.raises(AttributeError, match="no attribute 'stages'"):
        staging.stages  # noqa: B018
