"""Fits that are really killed go on to where unbroken ones end, and leave no process behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from .datasets.test_slpdb import a_record
from .fitting_script import fit

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 300.0
PASSES = 10


def begin(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until(condition: Callable[[], bool], process: subprocess.Popen[str] | None = None) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert process is None or process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


def children_of(process: subprocess.Popen[str]) -> list[int]:
    table = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    rows = [tuple(map(int, line.split())) for line in table.splitlines()]
    return [pid for pid, parent in rows if parent == process.pid]


def are_gone(pids: list[int]) -> bool:
    table = subprocess.run(["ps", "-A", "-o", "pid=,stat="], capture_output=True, text=True, check=True).stdout
    alive = {int(pid) for pid, state in map(str.split, table.splitlines()) if not state.startswith("Z")}
    return not alive & set(pids)


def assert_equal_fits(found: Path, expected: Path, **tolerance: float) -> None:
    for member in ("member_0.pt", "member_1.pt"):
        weights, whole = (torch.load(folder / member, weights_only=True) for folder in (found, expected))
        for name, value in whole.items():
            torch.testing.assert_close(weights[name], value, msg=f"{member} {name}", **tolerance)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    run = tmp_path_factory.mktemp("whole")
    fit(run, PASSES)
    return run


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_killed_fit_goes_on_to_where_an_unbroken_one_ends(number, whole, tmp_path):
    process = begin("tests.training.fitting_script", tmp_path, PASSES)
    wait_until((tmp_path / "member_0" / "second" / "last.ckpt").is_file, process)
    process.send_signal(number)
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == (-number if number == signal.SIGKILL else 128 + number)
    assert "Traceback" not in errors
    assert not (tmp_path / "member_0.pt").exists(), "it was killed in the middle of a network"
    fit(tmp_path, PASSES)
    *_, log = sorted((tmp_path / "member_0" / "second" / "log").glob("*/metrics.csv"))
    assert int(log.read_text(encoding="utf-8").splitlines()[1].split(",")[0]) > 0, "it did not begin anew"
    assert_equal_fits(tmp_path, whole, rtol=0, atol=0)
    assert (tmp_path / "validation.json").read_bytes() == (whole / "validation.json").read_bytes()


def test_two_processes_learn_what_one_does_and_end_with_the_first_when_it_is_told_to(tmp_path):
    """The weights differ by rounding, which Adam magnifies where a gradient is next to nothing."""
    process = begin("tests.training.fitting_script", tmp_path / "two", 3, 2)
    wait_until((tmp_path / "two" / "member_0" / "second" / "last.ckpt").is_file, process)
    others = children_of(process)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 128 + signal.SIGTERM, errors
    assert others, "the fit ran in two processes"
    wait_until(lambda: are_gone(others))
    again = begin("tests.training.fitting_script", tmp_path / "two", 3, 2)
    assert again.wait(timeout=PATIENCE_S) == 0, again.communicate()[1]
    fit(tmp_path / "one", 3)
    assert_equal_fits(tmp_path / "two", tmp_path / "one", rtol=0, atol=2e-3)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("slpdb")
    for number in (3, 14):
        a_record(folder, f"slp{number:02d}", " ".join(["W"] * 10 + ["2"] * 30 + ["R"] * 10))
    return f"slpdb={folder}"


def test_folds_end_with_the_command_that_began_them(data, tmp_path):
    many = ["--members", 1, "--passes", 2000, "--simulated-nights", 0, "--folds", 2, "--jobs", 2]
    process = begin("training", "evaluate", "--data", data, *many, "--run", tmp_path, "--out", tmp_path / "r.json")
    wait_until(lambda: any(tmp_path.glob("fold_*/fit.sha256")), process)
    workers = children_of(process)
    assert len(workers) >= 2
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=PATIENCE_S)
    wait_until(lambda: are_gone(workers))
    assert process.returncode == 128 + signal.SIGTERM
    (line,) = errors.strip().splitlines()
    assert line.startswith("training: ended by SIGTERM; a run with a folder goes on")


POOL = """
import os, time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from training.stopping import begin_worker

if __name__ == "__main__":
    with ProcessPoolExecutor(2, get_context("spawn"), initializer=begin_worker, initargs=(os.getpid(),)) as pool:
        list(pool.map(time.sleep, [600, 600]))
"""


def test_a_pool_ends_even_when_what_began_it_is_killed_without_warning(tmp_path):
    script = tmp_path / "pool_of_sleepers.py"
    script.write_text(POOL, encoding="utf-8")
    process = subprocess.Popen([sys.executable, script], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    wait_until(lambda: len(children_of(process)) >= 3, process)  # two workers, and the one that cleans up after them
    workers = children_of(process)
    process.kill()
    process.wait(timeout=PATIENCE_S)
    wait_until(lambda: are_gone(workers))
