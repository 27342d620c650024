"""Fit the run lengths and jumps of sleep stages that the uncertainty intervals draw from.

    python -m scripts.fit_stage_runs ../shared/data/hypnograms

reads scored nights of three open sets and writes ``staging/architecture/stage_runs.json``:

- Sleep-EDF cassette (20 nights of 10 healthy people; R&K merged to AASM; cut to 30 min around sleep),
- BOAS, OpenNeuro ds005555 (128 nights of the general population, consensus of three scorers),
- Haaglanden Medisch Centrum sleep staging database (151 clinic nights).

What is fitted, and how, is said in `staging.architecture.fit_stage_runs`. Every night weighs the same within its set,
and every set the same.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from staging.architecture.run_lengths import fit_stage_runs
from staging.files import write_atomically
from staging.hypnogram import CLASSES, Hypnogram, Stage
from staging.scorings import read_hypnogram

TARGET = Path(__file__).resolve().parents[1] / "staging" / "architecture" / "stage_runs.json"
AROUND_S = 1800.0
SETS = (
    "Sleep-EDF Expanded, cassette (PhysioNet, ODC-By; Kemp et al. 2000, doi:10.1109/10.867928)",
    "BOAS (OpenNeuro ds005555, CC0)",
    "Haaglanden Medisch Centrum (PhysioNet, CC BY 4.0; Alvarez-Estevez & Rijsman 2021, doi:10.13026/7egv-e179)",
)


def sleep_edf(folder: Path) -> Iterator[Hypnogram]:
    """Nights of Sleep-EDF, cut to the time around sleep."""
    for path in sorted((folder / "sleep_edf").glob("*-Hypnogram.edf")):
        night = read_hypnogram(path)
        asleep = np.flatnonzero(night.indices() > 0)
        margin = round(AROUND_S / night.epoch_s)
        yield Hypnogram(stages=night.stages[max(asleep[0] - margin, 0) : asleep[-1] + margin + 1])


def boas(folder: Path) -> Iterator[Hypnogram]:
    """Nights of BOAS, consensus scoring."""
    names = {"0": "W", "1": "N1", "2": "N2", "3": "N3", "4": "R"}
    with (folder / "boas" / "boas_hypnograms.csv").open(newline="") as file:
        for row in list(csv.reader(file))[1:]:
            yield Hypnogram(stages=np.array([names.get(code, Stage.UNSCORED.value) for code in row[2]]))


def hmc(folder: Path) -> Iterator[Hypnogram]:
    """Nights of the Haaglanden set."""
    nights: dict[str, list[str]] = {}
    with gzip.open(folder / "hmc" / "hmc_sleepscoring.csv.gz", "rt", newline="") as file:
        for row in csv.DictReader(file):
            nights.setdefault(row["Patient"], []).append(row["SleepStage"].strip())
    for stages in nights.values():
        yield Hypnogram(stages=np.array([stage if stage in CLASSES[5] else Stage.UNSCORED.value for stage in stages]))


def resolution(sets: list[list[Hypnogram]], n_classes: int) -> dict[str, object]:
    """Parameters of one resolution, as the file holds them."""
    runs = fit_stage_runs([[night.merge(n_classes) for night in nights] for nights in sets])
    return {"classes": [name.value for name in CLASSES[n_classes]], **dataclasses.asdict(runs)}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="folder with sleep_edf/, boas/ and hmc/")
    parser.add_argument("--out", type=Path, default=TARGET)
    arguments = parser.parse_args()
    sets = [list(read(arguments.folder)) for read in (sleep_edf, boas, hmc)]
    result = {
        "sources": list(SETS),
        "nights": [len(nights) for nights in sets],
        "resolutions": {str(n_classes): resolution(sets, n_classes) for n_classes in CLASSES},
    }
    write_atomically(arguments.out, json.dumps(result, indent=1) + "\n")
    print(f"{sum(len(nights) for nights in sets)} nights -> {arguments.out}")


if __name__ == "__main__":
    main()
