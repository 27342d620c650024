"""What staging during the night costs: each epoch from the last hours alone, against the whole night known.

    python -m scripts.measure_live RUN --data sleep_accel=FOLDER --data slpdb=FOLDER [--hours 2 4 8] [--every 10]

RUN is the folder that ``python -m training evaluate --run RUN`` kept its folds in, ``--data`` what it was given. Every
epoch is staged by networks that never saw its subject, from the tracks up to its end (`staging.live` does the same from
raw samples); the decision rule is the whole night's, of the other folds. ``--every 10`` stages every tenth epoch.

What the tracks say of the latest half minute may in part come from after it (gaps of up to 30 s are bridged), which no
device could know.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from models.ensemble import Ensemble
from staging.agreement.epochs import confusion, epoch_study
from staging.decision import DecisionRule, decide
from staging.errors import StagingError
from staging.features import FeatureSpec, extract
from staging.hypnogram import CLASSES, merge_matrix
from staging.recording import EPOCH_S
from staging.tracks import MIN_EPOCHS, Tracks, slice_tracks
from training.datasets import load_nights
from training.evaluate import MAIN_DATASET, rule_of
from training.folds import folds_of
from training.night import LabelledNight
from training.options import data_options, folders_of
from training.predictions import Prediction, probabilities


def live_probabilities(
    network: Ensemble, tracks: Tracks, spec: FeatureSpec, epochs: NDArray[np.int64], hours: float
) -> NDArray[np.float32]:
    """Of the given epochs, each the last of all that the networks see."""
    past = round(hours * 3600 / EPOCH_S)
    rows = [
        probabilities(network, extract(slice_tracks(tracks, max(0, epoch + 1 - past), epoch + 1), spec), spec)[-1]
        for epoch in epochs
    ]
    return np.array(rows).reshape(-1, len(CLASSES[5]))


def kappas(reference: NDArray[np.int64], given: NDArray[np.float32], rules: list[DecisionRule]) -> list[float]:
    """Pooled kappa in 5, 4, 3 and 2 classes."""
    found = []
    for n_classes in CLASSES:
        decided = np.array([decide(row[None], n_classes, rule)[0] for row, rule in zip(given, rules, strict=True)])
        merged = merge_matrix(5, n_classes).argmax(axis=1)[reference]
        found.append(epoch_study(confusion(merged, decided, n_classes)[None]).pooled.kappa)
    return found


def measure(run: Path, nights: Sequence[LabelledNight], hours: Sequence[float], every: int) -> None:
    """Print kappa with the whole night known, and with the last hours of every length."""
    whole: list[Prediction] = []
    live: dict[float, list[NDArray[np.float32]]] = {length: [] for length in hours}
    chosen: list[NDArray[np.int64]] = []
    for number, fold in enumerate(folds_of(run, nights)):
        for night in nights:
            if night.dataset != MAIN_DATASET or not fold.holds(night):
                continue
            all_night = probabilities(fold.network, extract(night.tracks, fold.spec), fold.spec)
            whole.append(Prediction(night=night, fold=number, probabilities={"all": all_night}))
            epochs = np.flatnonzero(night.usable)
            epochs = epochs[epochs >= MIN_EPOCHS - 1][::every]
            chosen.append(epochs)
            for length in hours:
                live[length].append(live_probabilities(fold.network, night.tracks, fold.spec, epochs, length))
        print(f"fold {number + 1}", file=sys.stderr)
    rule_of_fold = {p.fold: rule_of([other for other in whole if other.fold != p.fold]) for p in whole}
    rules = [rule_of_fold[p.fold] for p, epochs in zip(whole, chosen, strict=True) for _ in epochs]
    reference = np.concatenate([p.night.reference[epochs] for p, epochs in zip(whole, chosen, strict=True)])
    rows = {"whole night": [p.probabilities["all"][epochs] for p, epochs in zip(whole, chosen, strict=True)]}
    rows |= {f"last {length:g} h": live[length] for length in hours}
    print(f"{len(reference)} epochs of {len(whole)} nights of {MAIN_DATASET}, kappa of subjects never seen")
    print("| seen | " + " | ".join(f"{n} classes" for n in CLASSES) + " |\n|" + "---|" * (len(CLASSES) + 1))
    for name, parts in rows.items():
        print(f"| {name} | " + " | ".join(f"{k:.3f}" for k in kappas(reference, np.concatenate(parts), rules)) + " |")


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, parents=[data_options()]
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of `python -m training evaluate --run`")
    parser.add_argument("--hours", type=float, nargs="+", default=[2.0, 4.0, 8.0], help="(default: 2 4 8)")
    parser.add_argument("--every", type=int, default=10, help="stage every so-manieth epoch (default: 10)")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    try:
        nights = load_nights(folders_of(options), strict=options.strict, cache=options.cache, jobs=options.jobs)
        measure(options.run, nights, options.hours, options.every)
    except StagingError as error:
        print(f"measure_live: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
