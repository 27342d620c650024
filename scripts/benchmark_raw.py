"""How long the raw graph takes and how much memory, in fresh processes with one thread.

    python -m scripts.benchmark_raw [--runs 5] [--model FILE]

- a night: 8 h of simulated raw sensors (960 epochs) through the graph, the session made before; median of the runs;
- its memory: the peak of the process less what it was before the graph was loaded, input tensors apart;
- seven days: a simulated day seven times over, staged by `staging.raw.stage_raw` in windows of 13 h;
- live: the stage of the latest epoch from the last hours.

Times are of the processor: those of a clock on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from staging.live import LIVE_HOURS
from staging.raw import RAW_MODEL, RawInputs, RawModel, raw_inputs, stage_raw
from staging.recording import Recording, Signal
from staging.simulate import simulate_night

ROOT = Path(__file__).resolve().parents[1]
WEIGHTS = ROOT / "staging" / "weights"
MAKE_NIGHT = """
import sys, numpy as np
from staging.raw import raw_inputs
from staging.simulate import simulate_night
np.savez(sys.argv[1], **raw_inputs(simulate_night(1).recording).arrays())
"""
BARS = {"night_s": 0.3, "memory_mb": 300.0, "week_s": 5.0, "file_mb": 6.0}
LABELS = {
    "file_mb": "file, MB",
    "load_s": "session made, s",
    "night_s": "a night of 8 h, s",
    "memory_mb": "memory beyond the inputs, MB",
    "live_s": f"latest epoch from the last {LIVE_HOURS:g} h, s",
    "week_s": "seven days in windows, s",
    "week_memory_mb": "memory beyond the seven days' samples, MB",
}


def night(model: Path) -> dict[str, float]:
    """One night, twice: the first run makes room, the second is timed. What made the night has a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "night.npz")
        code = (
            "import sys, numpy as np; from staging.raw import raw_inputs; from staging.simulate import simulate_night; "
        )
        code += "np.savez(sys.argv[1], **raw_inputs(simulate_night(1).recording).arrays())"
        subprocess.run([sys.executable, "-c", code, str(file)], cwd=ROOT, check=True)
        inputs = RawInputs(**np.load(file))
    before_mb = _peak_mb()
    begin = time.process_time()
    graph = RawModel(model)
    load_s = time.process_time() - begin
    graph.run(inputs)
    begin = time.process_time()
    graph.run(inputs)
    night_s = time.process_time() - begin
    return {"load_s": load_s, "night_s": night_s, "memory_mb": _peak_mb() - before_mb}


def live(model: Path) -> dict[str, float]:
    """One call during the night."""
    inputs = raw_inputs(simulate_night(1, duration_h=LIVE_HOURS).recording)
    graph = RawModel(model)
    graph.run(inputs)
    begin = time.process_time()
    graph.run(inputs)
    return {"live_s": time.process_time() - begin}


def week(model: Path) -> dict[str, float]:
    """Seven days of raw samples, from memory."""
    day = simulate_night(1, duration_h=24.0).recording

    def long(signal: Signal | None) -> Signal:
        assert signal is not None
        samples = np.concatenate([signal.samples] * 7)
        return Signal(samples=samples, rate_hz=signal.rate_hz, unit=signal.unit)

    days = Recording(acc=long(day.acc), ppg=long(day.ppg), temp=long(day.temp))
    graph = RawModel(model)
    before_mb = _peak_mb()
    begin = time.process_time()
    staged = stage_raw(days, graph)
    week_s = time.process_time() - begin
    assert len(staged.stages) == days.n_epochs
    return {"week_s": week_s, "week_memory_mb": _peak_mb() - before_mb}


PARTS: dict[str, Callable[[Path], dict[str, float]]] = {"night": night, "live": live, "week": week}


def _peak_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="processes of which the median is taken (default: 5)")
    parser.add_argument("--model", type=Path, default=WEIGHTS / RAW_MODEL, metavar="FILE")
    parser.add_argument("--part", choices=sorted(PARTS), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        print(json.dumps(PARTS[options.part](options.model)))
        return
    found: dict[str, list[float]] = {"file_mb": [options.model.stat().st_size / 1e6]}
    for part in PARTS:
        command = [sys.executable, "-m", "scripts.benchmark_raw", "--part", part, "--model", str(options.model)]
        for _ in range(options.runs):
            run = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
            for name, value in json.loads(run.stdout).items():
                found.setdefault(name, []).append(value)
    for name, label in LABELS.items():
        value = statistics.median(found[name])
        bar = BARS.get(name)
        met = "" if bar is None else f"   (bar: {bar:g}: {'met' if value <= bar else 'not met'})"
        print(f"{label:<42} {value:8.2f}{met}")


if __name__ == "__main__":
    main()
