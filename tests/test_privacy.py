"""Nothing leaves the machine, and nothing is written but the results."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

WATCHER = """
import os, sys
seen = os.environ["SEEN"]

def note(text):
    with open(seen, "a", encoding="utf-8") as file:
        file.write(text + "\\n")

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "onnxruntime":
            note("telemetry off: " + os.environ.get("ORT_DISABLE_TELEMETRY", "not set"))

def audit(event, args):
    if event in ("socket.connect", "socket.sendto", "socket.bind", "socket.getaddrinfo", "urllib.Request"):
        note(event)

sys.meta_path.insert(0, Watch())
sys.addaudithook(audit)
"""


def without_network() -> list[str]:
    """A prefix that takes the network away, where the system lets us."""
    prefix = ["unshare", "--user", "--map-root-user", "--net"]
    if shutil.which("unshare") and subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0:
        return prefix
    return []


def files_under(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


class Watched:
    """A process with a home, a folder for temporary files and a working folder of its own, all empty."""

    def __init__(self, folder: Path) -> None:
        self.home, self.temporary, self.work, self.hooks = (
            folder / name for name in ("home", "temporary", "work", "hooks")
        )
        for path in (self.home, self.temporary, self.work, self.hooks):
            path.mkdir()
        (self.hooks / "sitecustomize.py").write_text(WATCHER, encoding="utf-8")
        self.seen = self.hooks / "seen"
        self.seen.touch()

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT") if name in os.environ}
        environment = {
            **kept,
            "HOME": str(self.home),
            "TMPDIR": str(self.temporary),
            "PYTHONPATH": os.pathsep.join([str(self.hooks), str(ROOT)]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "SEEN": str(self.seen),
        }
        return subprocess.run(
            [*without_network(), *command],
            cwd=self.work,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


@pytest.mark.slow
def test_scoring_writes_its_results_and_nothing_else_and_asks_nobody(watched):
    rows = "\n".join(f"{t},{58 + t // 200 % 7}" for t in range(0, 3600, 5))
    (watched.work / "hr.csv").write_text(f"t_s,bpm\n{rows}\n", encoding="utf-8")
    done = watched.run(sys.executable, "-m", "staging", "score", "hr.csv", "--out", "results")
    assert done.returncode == 0, done.stderr
    results = [f"results/hr.{kind}" for kind in ("architecture.json", "hypnogram.csv", "report.html")]
    assert files_under(watched.work) == ["hr.csv", "results", *results]
    assert files_under(watched.home) == []
    assert files_under(watched.temporary) == []
    assert watched.seen.read_text(encoding="utf-8").splitlines() == ["telemetry off: 1"]


@pytest.mark.slow
def test_the_watcher_sees_what_it_should(watched):
    code = (
        "import importlib.util, pathlib, socket\n"
        "importlib.util.find_spec('onnxruntime')\n"
        "pathlib.Path.home().joinpath('cache').touch()\n"
        "try: socket.create_connection(('127.0.0.1', 9), timeout=0.1)\n"
        "except OSError: pass\n"
    )
    assert watched.run(sys.executable, "-c", code).returncode == 0
    assert files_under(watched.home) == ["cache"]
    seen = watched.seen.read_text(encoding="utf-8").splitlines()
    assert seen[0] == "telemetry off: not set"
    assert "socket.connect" in seen
