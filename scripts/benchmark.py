"""How long a night takes and how much memory, beside the nearest chain of other open packages, in one run.

    python scripts/benchmark.py                              # this package alone
    python scripts/benchmark.py --make-peers .venv-peers     # makes a venv with NeuroKit2 and sleepecg, once
    python scripts/benchmark.py --peer-python .venv-peers/bin/python

An 8-h raw Empatica E4 export is simulated (its speed is that of a real one of the same length; nothing is said about
accuracy). Measured are: `staging score` as a whole process, with its peak memory; its parts; and, from the same PPG
in memory and without reading files, this package's stages against those of NeuroKit2 (cleaning and beats) followed by
sleepecg (features and staging, 3 classes). Each is run several times in fresh processes and the median is printed.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from staging.recording import Recording

ROOT = Path(__file__).resolve().parents[1]
PEERS = ("torch==2.13.0", "neurokit2==0.2.13", "sleepecg==0.6.0", "keras==3.15.1")
MEMORY_BAR_MB = 400.0
SPEED_BAR = 8.0
PPG_HZ = 64
OWN, OTHER = "staging, PPG alone", "NeuroKit2 + sleepecg"
OURS = ("scipy.signal", "scipy.ndimage", "onnxruntime", "staging.stager")
"""What scoring imports late; imported first where imports are not to be counted."""

T = TypeVar("T")
Times = dict[str, float]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=8.0, help="length of the night (default: 8)")
    parser.add_argument("--runs", type=int, default=5, help="runs of which the median is taken (default: 5)")
    peers = parser.add_mutually_exclusive_group()
    peers.add_argument("--peer-python", metavar="PATH", help="a Python that has NeuroKit2 and sleepecg")
    peers.add_argument("--make-peers", metavar="DIR", help="make such a venv there, if it is not there yet")
    parser.add_argument("--part", choices=sorted(PARTS), help=argparse.SUPPRESS)
    parser.add_argument("--file", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        print(json.dumps(PARTS[options.part](options.file)))
        return

    peer_python = _make_peers(Path(options.make_peers)) if options.make_peers else options.peer_python
    with tempfile.TemporaryDirectory() as folder:
        night, ppg = Path(folder, "night.zip"), Path(folder, "ppg.npy")
        _simulate(options.hours, night, ppg)
        print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}")
        print(f"{options.hours:g} h of a simulated Empatica E4, {night.stat().st_size / 1e6:.1f} MB zipped; ", end="")
        print(f"medians of {options.runs} runs, each in a fresh process\n")
        _print_whole(night, Path(folder), options.runs)
        _print_parts(night, options.runs)
        chains = {
            "staging, all sensors": _median_parts(sys.executable, "all", night, options.runs),
            OWN: _median_parts(sys.executable, "ppg", ppg, options.runs),
        }
        if peer_python:
            chains[OTHER] = _median_parts(peer_python, "peers", ppg, options.runs)
        _print_chains(chains)


def _simulate(hours: float, night: Path, ppg: Path) -> None:
    """The night as an export, and the PPG that a reader makes of it as an array."""
    import numpy as np

    import staging
    from staging.simulate import simulate_night, write_e4_zip

    write_e4_zip(simulate_night(1, duration_h=hours), night)
    signal = staging.read(night).ppg
    assert signal is not None
    assert signal.rate_hz == PPG_HZ
    np.save(ppg, np.nan_to_num(signal.samples))


def _make_peers(folder: Path) -> str:
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        print(f"installing {', '.join(PEERS)} into {folder}", file=sys.stderr)
        venv.create(folder, with_pip=True)
        # torch first and by its exact version, so that nothing pulls another build of it
        for packages in (PEERS[:1], PEERS[1:]):
            subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
    return str(python)


def _print_whole(night: Path, folder: Path, runs: int) -> None:
    command = [sys.executable, "-m", "staging", "score", str(night), "--out", str(folder / "results"), "--quiet"]
    both = [_process(command) for _ in range(runs)]
    wall_s, peak_mb = (statistics.median(values) for values in zip(*both, strict=True))
    print(f"staging score, whole process   {wall_s:7.2f} s   peak memory {peak_mb:4.0f} MB", end="")
    print(f"   (bar: under {MEMORY_BAR_MB:.0f} MB: {_met(peak_mb < MEMORY_BAR_MB)})")
    imports_s = statistics.median(_process([sys.executable, "-c", "import staging"])[0] for _ in range(runs))
    bare_s = statistics.median(_process([sys.executable, "-c", "pass"])[0] for _ in range(runs))
    print(f"import staging                 {imports_s - bare_s:7.3f} s   beyond an empty Python\n")


def _process(command: list[str]) -> tuple[float, float]:
    """Wall-clock seconds and peak resident megabytes of a process."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT)
    _, status, usage = os.wait4(process.pid, 0)
    elapsed = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    unit = 1e6 if sys.platform == "darwin" else 1e3  # bytes there, kilobytes elsewhere
    return elapsed, usage.ru_maxrss / unit


def _print_parts(night: Path, runs: int) -> None:
    parts = _median_parts(sys.executable, "parts", night, runs)
    for name, seconds in parts.items():
        print(f"  {name:<28} {seconds:7.2f} s")
    print(f"  {'sum':<28} {sum(parts.values()):7.2f} s\n")


def _print_chains(chains: dict[str, Times]) -> None:
    print("From arrays in memory to stages; files and imports left out")
    for who, times in chains.items():
        steps = {name: seconds for name, seconds in times.items() if name != "imports"}
        listed = ", ".join(f"{name} {seconds:.2f}" for name, seconds in steps.items())
        print(f"  {who:<26} {sum(steps.values()):7.2f} s   ({listed}; imports {times['imports']:.2f})")
    if OTHER not in chains:
        print(f"  {OTHER}: not measured; give --peer-python or --make-peers")
        return
    for chain, skipped in (("with loading the model", ("imports",)), ("model loaded before", ("imports", "model"))):
        mine, other = (
            sum(seconds for name, seconds in chains[who].items() if name not in skipped) for who in (OWN, OTHER)
        )
        ratio = other / mine
        print(f"  {chain:<26} {ratio:7.1f} times faster   (bar: {SPEED_BAR:g}: {_met(ratio >= SPEED_BAR)})")


def _met(met: bool) -> str:
    return "met" if met else "NOT met"


def _median_parts(python: str, part: str, file: Path, runs: int) -> Times:
    """Medians over fresh processes of the seconds that a part prints."""
    command = [python, str(Path(__file__).resolve()), "--part", part, "--file", str(file)]
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "KERAS_BACKEND": "torch",
        "ORT_DISABLE_TELEMETRY": "1",  # onnxruntime is imported here before the package does it
    }
    found = []
    for _ in range(runs):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
        found.append(json.loads(done.stdout.splitlines()[-1]))
    return {name: statistics.median(times[name] for times in found) for name in found[0]}


def _timed(times: Times, name: str, function: Callable[..., T], *arguments: Any, **options: Any) -> T:
    begin = time.perf_counter()
    result = function(*arguments, **options)
    times[name] = time.perf_counter() - begin
    return result


def _import(*names: str) -> list[Any]:
    return [importlib.import_module(name) for name in names]


def measure_parts(file: str) -> Times:
    """The parts of scoring, each as it costs in a fresh process: what it imports is counted with it."""
    times: Times = {}

    _timed(times, "imports", importlib.import_module, "staging.commands")
    from staging.architecture import summarize
    from staging.model import load_model
    from staging.outputs import write_outputs
    from staging.pipeline import intervals_of, model_identity
    from staging.readers import read
    from staging.scored import ScoredNight
    from staging.stager import stage
    from staging.tracks import prepare

    recording = _timed(times, "read", read, file)
    tracks = _timed(times, "tracks (beats, counts, ...)", prepare, recording)
    _timed(times, "model (load)", load_model)
    hypnogram = _timed(times, "features and network", stage, tracks)
    architecture = _timed(times, "summarize", summarize, hypnogram)
    intervals = _timed(times, "intervals of the metrics", intervals_of, hypnogram)
    night = ScoredNight(
        name="night",
        tracks=tracks,
        hypnogram=hypnogram,
        architecture=architecture,
        model=model_identity(),
        intervals=intervals,
    )
    with tempfile.TemporaryDirectory() as folder:
        _timed(times, "outputs", write_outputs, night, folder)
    return times


def measure_ppg(file: str) -> Times:
    """From a PPG in memory to stages."""
    import numpy as np

    from staging.recording import Recording, Signal

    ppg = Signal(samples=np.load(file), rate_hz=float(PPG_HZ), unit="a.u.")
    return _measure_recording(Recording(ppg=ppg))


def measure_all(file: str) -> Times:
    """From all sensors in memory to stages."""
    from staging.readers import read

    return _measure_recording(read(file))


def _measure_recording(recording: Recording) -> Times:
    times: Times = {}
    _timed(times, "imports", _import, "staging.pulse", "staging.motion", *OURS)
    from staging.model import load_model
    from staging.stager import stage
    from staging.tracks import prepare

    tracks = _timed(times, "tracks", prepare, recording)
    _timed(times, "model", load_model)
    _timed(times, "staging", stage, tracks)
    return times


def measure_peers(file: str) -> Times:
    """From a PPG in memory to stages with NeuroKit2 and sleepecg, at their defaults."""
    import warnings

    import numpy as np

    warnings.simplefilter("ignore")
    times: Times = {}
    nk, sleepecg, *_ = _timed(times, "imports", _import, "neurokit2", "sleepecg", "torch", "keras")
    ppg = np.load(file).astype(np.float64)
    cleaned = _timed(times, "cleaning", nk.ppg_clean, ppg, sampling_rate=PPG_HZ)
    beats = _timed(times, "beats", nk.ppg_findpeaks, cleaned, sampling_rate=PPG_HZ)["PPG_Peaks"]
    classifier = _timed(times, "model", sleepecg.load_classifier, "wrn-gru-mesa", "SleepECG")
    record = sleepecg.SleepRecord(sleep_stage_duration=30, heartbeat_times=np.asarray(beats) / PPG_HZ)
    stages = _timed(times, "staging", sleepecg.stage, classifier, record, return_mode="prob")
    assert len(stages) > 0
    return times


PARTS: dict[str, Callable[[str], Times]] = {
    "parts": measure_parts,
    "ppg": measure_ppg,
    "all": measure_all,
    "peers": measure_peers,
}

if __name__ == "__main__":
    main()
