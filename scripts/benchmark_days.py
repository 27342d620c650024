"""How long seven days of 100-Hz acceleration take to become scored nights, beside the time that actfast reads them in.

    python -m scripts.benchmark_days                              # this package alone
    python -m scripts.benchmark_days --make-peer .venv-actfast    # makes a venv with actfast, once
    python -m scripts.benchmark_days --peer-python .venv-actfast/bin/python

Seven simulated days are written as an Axivity .cwa (its speed is that of a real one of the same length; nothing is
said about accuracy); it takes a minute or two and is kept with --keep FILE. Measured are whole processes: `staging
score`, from the file to its nights and report, and actfast reading the file. Each is run several times by turns, and
the medians are printed. Bars: at most three times actfast's time, under 1.5 GB.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from datetime import UTC, timedelta
from pathlib import Path

import numpy as np

from staging.simulate import DEFAULT, simulate_days
from tests.readers.axivity_files import CAPACITY, PACKED, blocks, header, with_checksums

ROOT = Path(__file__).resolve().parents[1]
PEER = "actfast==1.3.0"
TIMES_BAR = 3.0
MEMORY_BAR_MB = 1500.0
RATE_HZ = 100.0
RANGE_G = 3.9
BLOCKS_AT_ONCE = 30_000


def main() -> int:
    """Measure and print; exit code 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nights", type=int, default=7, help="days of recording (default: 7)")
    parser.add_argument("--runs", type=int, default=3, help="runs of which the median is taken (default: 3)")
    parser.add_argument(
        "--keep", type=Path, metavar="FILE", help="the .cwa: used where it is there, else made and kept"
    )
    peer = parser.add_mutually_exclusive_group()
    peer.add_argument("--peer-python", metavar="PATH", help="a Python that has actfast")
    peer.add_argument("--make-peer", type=Path, metavar="DIR", help="make such a venv there, if it is not there yet")
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write:
        write_days(options.write, options.nights)
        return 0
    peer_python = make_peer(options.make_peer) if options.make_peer else options.peer_python
    with tempfile.TemporaryDirectory() as folder:
        file = options.keep or Path(folder, "days.cwa")
        if not file.exists():
            # In a process of its own: a child's peak memory is never below its parent's.
            make = [
                sys.executable,
                "-m",
                "scripts.benchmark_days",
                "--nights",
                str(options.nights),
                "--write",
                str(file),
            ]
            subprocess.run(make, cwd=ROOT, check=True)
        score = [sys.executable, "-m", "staging", "score", str(file), "--out", folder, "--overwrite", "--quiet"]
        read = [peer_python, "-c", "import actfast, sys; actfast.read(sys.argv[1])", str(file)]
        ours, theirs = [], []
        for _ in range(options.runs):
            ours.append(measured(score))
            if peer_python:
                theirs.append(measured(read))
        print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}")
        print(f"{options.nights} simulated days at {RATE_HZ:g} Hz, {file.stat().st_size / 1e6:.0f} MB; ", end="")
        print(f"medians of {options.runs} runs, each in a fresh process\n")
        wall_s, memory_mb = (statistics.median(values) for values in zip(*ours, strict=True))
        fine = memory_mb < MEMORY_BAR_MB
        print(f"staging score   {wall_s:6.1f} s   peak memory {memory_mb:5.0f} MB   ", end="")
        print(f"(bar under {MEMORY_BAR_MB:.0f}: {met(fine)})")
        if theirs:
            peer_s, peer_mb = (statistics.median(values) for values in zip(*theirs, strict=True))
            times = wall_s / peer_s
            fine &= times <= TIMES_BAR
            print(f"actfast reads   {peer_s:6.1f} s   peak memory {peer_mb:5.0f} MB")
            print(f"{times:.1f} times its reading   (bar {TIMES_BAR:g}: {met(times <= TIMES_BAR)})")
    return 0 if fine else 1


def met(fine: bool) -> str:
    """In a word."""
    return "met" if fine else "missed"


def measured(command: list[str]) -> tuple[float, float]:
    """Wall-clock seconds and peak resident megabytes of a process."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT)
    _, status, usage = os.wait4(process.pid, 0)
    elapsed = time.perf_counter() - begin
    if status:
        raise SystemExit(f"failed: {' '.join(command)}")
    return elapsed, usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def make_peer(folder: Path) -> str:
    """A venv with actfast."""
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        print(f"installing {PEER} into {folder}", file=sys.stderr)
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", PEER], check=True)
    return str(python)


def write_days(path: Path, nights: int) -> None:
    """Simulate days and write them as an Axivity file, some hours at a time."""
    print(f"simulating {nights} days", file=sys.stderr)
    sensor = dataclasses.replace(DEFAULT.acceleration, rate_hz=RATE_HZ, noise_g=0.003, step_g=1 / 256, range_g=RANGE_G)
    days = simulate_days(1, n_nights=nights, parameters=dataclasses.replace(DEFAULT, acceleration=sensor))
    recording = days.recording
    assert recording.acc is not None
    assert recording.temp is not None
    assert recording.start is not None
    samples, capacity = recording.acc.samples, CAPACITY[PACKED]
    start = recording.start.astimezone(UTC).replace(tzinfo=None)
    with path.open("wb") as file:
        file.write(header())
        for first in range(0, len(samples) - len(samples) % capacity, BLOCKS_AT_ONCE * capacity):
            part = samples[first : first + BLOCKS_AT_ONCE * capacity].astype(np.float64)
            begin = start + timedelta(seconds=first / RATE_HZ)
            made = blocks(np.clip(part, -RANGE_G, RANGE_G), start=begin, stated_hz=RATE_HZ, true_hz=RATE_HZ)
            at_s = (first + np.arange(len(made)) * capacity) / RATE_HZ
            celsius = np.interp(at_s, recording.temp.times_s(), recording.temp.samples)
            made["temperature"] = np.rint((celsius + 50) * 256 / 75)
            file.write(with_checksums(made).tobytes())


if __name__ == "__main__":
    sys.exit(main())
