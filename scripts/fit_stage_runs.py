"""Fit the run lengths and jumps of sleep stages that the uncertainty intervals draw from.

    python -m scripts.fit_stage_runs ../shared/data/hypnograms

reads scored nights of three open sets and writes ``staging/architecture/stage_runs.json``:

- Sleep-EDF cassette (20 nights of 10 healthy people; R&K merged to AASM; cut to 30 min around sleep),
- BOAS, OpenNeuro ds005555 (128 nights of the general population, consensus of three scorers),
- Haaglanden Medisch Centrum sleep staging database (151 clinic nights).

Runs are counted from sleep onset on: how long somebody lies awake before says nothing of awakenings. Run lengths of a
stage are a mixture of two geometric distributions (short and long runs), fitted by expectation and maximisation with
the runs that the night cuts off as censored. Every night weighs the same within its set, and every set the same.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from staging.files import write_atomically
from staging.hypnogram import CLASSES, Hypnogram, Stage
from staging.scorings import read_hypnogram

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

TARGET = Path(__file__).resolve().parents[1] / "staging" / "architecture" / "stage_runs.json"
EPOCH_MIN = 0.5
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


def runs_of(indices: Ints) -> tuple[Ints, Ints, NDArray[np.bool_], Ints]:
    """Stage, length, whether the end was seen and the next stage (or -1) of every run of a night."""
    begin = np.flatnonzero(np.concatenate([[True], indices[1:] != indices[:-1]]))
    length = np.diff(np.append(begin, len(indices)))
    stage = indices[begin]
    following = np.append(stage[1:], -1)
    scored = stage >= 0
    return stage[scored], length[scored], (following >= 0)[scored], following[scored]


def two_geometrics(length: Ints, ended: NDArray[np.bool_], weight: Floats) -> tuple[float, float, float]:
    """Share of long runs and mean lengths of the short and the long, in epochs."""
    trials = np.where(ended, length, length - 1).astype(np.float64)
    mean = max(float((weight * trials).sum() / (weight * ended).sum()), 1.01)
    share, short, long = 0.5, max(mean / 3, 1.01), mean * 2
    for _ in range(2000):
        both = []
        for part, m in ((1 - share, short), (share, long)):
            q = 1 - 1 / m
            both.append(np.log(part) + (length - 1) * np.log(q) + np.where(ended, np.log(1 - q), 0.0))
        top = np.maximum(*both)
        is_long = np.exp(both[1] - top) / (np.exp(both[0] - top) + np.exp(both[1] - top))
        share = float(np.clip((weight * is_long).sum() / weight.sum(), 1e-3, 1 - 1e-3))
        means = [
            max(float((weight * part * trials).sum() / (weight * part * ended).sum()), 1.01)
            for part in (1 - is_long, is_long)
        ]
        moved = abs(means[0] - short) + abs(means[1] - long)
        short, long = means
        if moved < 1e-7:
            break
    return share, short, long


def fit(sets: list[list[Hypnogram]], n_classes: int) -> dict[str, object]:
    """Parameters of one resolution."""
    stages, lengths, ends, nexts, weights = [], [], [], [], []
    begin = np.zeros(n_classes)
    for nights in sets:
        for night in nights:
            indices = night.merge(n_classes).indices()
            weight = 1.0 / len(nights)
            begin[indices[indices >= 0][0]] += weight
            stage, length, ended, following = runs_of(indices[np.flatnonzero(indices > 0)[0] :])
            stages.append(stage)
            lengths.append(length)
            ends.append(ended)
            nexts.append(following)
            weights.append(np.full(len(stage), weight))
    stage, length, ended = np.concatenate(stages), np.concatenate(lengths), np.concatenate(ends)
    following, weight = np.concatenate(nexts), np.concatenate(weights)
    jump = np.zeros((n_classes, n_classes))
    np.add.at(jump, (stage[ended], following[ended]), weight[ended])
    share_long, short_min, long_min = [], [], []
    for index in range(n_classes):
        here = stage == index
        share, short, long = two_geometrics(length[here], ended[here], weight[here])
        share_long.append(round(share, 4))
        short_min.append(round(short * EPOCH_MIN, 3))
        long_min.append(round(long * EPOCH_MIN, 3))
    jump += 1e-3 * jump.sum() / n_classes**2
    np.fill_diagonal(jump, 0.0)
    return {
        "classes": [name.value for name in CLASSES[n_classes]],
        "start": np.round((begin + 0.01) / (begin + 0.01).sum(), 4).tolist(),
        "jump": np.round(jump / jump.sum(axis=1, keepdims=True), 4).tolist(),
        "share_long": share_long,
        "short_mean_min": short_min,
        "long_mean_min": long_min,
    }


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
        "resolutions": {str(n_classes): fit(sets, n_classes) for n_classes in CLASSES},
    }
    write_atomically(arguments.out, json.dumps(result, indent=1) + "\n")
    print(f"{sum(len(nights) for nights in sets)} nights -> {arguments.out}")


if __name__ == "__main__":
    main()
