"""How well the raw graph agrees with `staging.stage`, on simulated and on real recordings.

    python -m scripts.check_raw [FOLDER] [--model FILE] [--seeds 5]

stages simulated nights as an Empatica E4 and as a watch would record them, and with FOLDER (../shared/data) its real
recordings: ``sleep_accel/`` (25 nights: heart rate, counts, one posture an epoch) and the sessions in ``e4/`` and
``e4_truncated/`` (raw acceleration, PPG and temperature). Exits 1 if less than 99.5 % of all epochs are of the same
stage or a probability differs by more than 0.02.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from models.raw_agreement import MAX_DIFFERENCE, MIN_SAME_STAGE, RawAgreement, compare
from staging.errors import RecordingError
from staging.raw import RawModel
from staging.readers import read
from staging.readers.sleep_accel import FILES, subjects
from staging.recording import Recording
from staging.simulate import simulate_night


def simulated(seeds: int) -> Iterator[Recording]:
    """Whole nights of the raw sensors."""
    for seed in range(1, seeds + 1):
        yield simulate_night(seed).recording


def watches(seeds: int) -> Iterator[Recording]:
    """The same nights as a watch exports them."""
    for seed in range(1, seeds + 1):
        yield simulate_night(seed).watch


def sleep_accel(folder: Path) -> Iterator[Recording]:
    """Nights of the published set."""
    for subject in subjects(folder):
        there = [folder / file.format(subject) for file in FILES if (folder / file.format(subject)).is_file()]
        yield read(there[0], format="sleep_accel")


def row(name: str, found: list[RawAgreement]) -> str:
    """A line of the table."""
    n, other = sum(f.n_epochs for f in found), sum(f.n_other for f in found)
    largest, quality = max(f.largest for f in found), max(f.quality for f in found)
    return f"| {name} | {len(found)} | {n} | {100 * (1 - other / n):.2f} % | {largest:.2g} | {quality:.2g} |"


def main(arguments: list[str] | None = None) -> int:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, metavar="FOLDER", help="folder of the real recordings")
    parser.add_argument("--model", type=Path, metavar="FILE", help="a raw graph in place of the shipped one")
    parser.add_argument("--seeds", type=int, default=5, help="simulated nights of each kind (default: 5)")
    options = parser.parse_args(arguments)
    model = RawModel(options.model)
    sources = {"simulated E4": simulated(options.seeds), "simulated watch": watches(options.seeds)}
    if options.folder is not None:
        sources["Sleep-Accel"] = sleep_accel(options.folder / "sleep_accel")
        for name in ("e4", "e4_truncated"):
            sources[f"real E4 session ({name})"] = iter([read(options.folder / name)])
    print("| recordings | n | epochs | same stage | largest Δp | largest Δquality |\n|---|---|---|---|---|---|")
    everything: list[RawAgreement] = []
    for name, recordings in sources.items():
        found = []
        for recording in recordings:
            try:
                found.append(compare(model, recording))
            except RecordingError as error:
                print(error, file=sys.stderr)
        everything += found
        print(row(name, found), flush=True)
    n, other = sum(f.n_epochs for f in everything), sum(f.n_other for f in everything)
    met = other <= (1 - MIN_SAME_STAGE) * n and max(f.largest for f in everything) <= MAX_DIFFERENCE
    bar = f"the same stage in {MIN_SAME_STAGE:.1%} of epochs, Δp at most {MAX_DIFFERENCE}"
    print(f"bar: {bar}: {'met' if met else 'not met'}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
