"""What staging during the night costs: each epoch from the last hours alone, against the whole night known.

    python -m scripts.measure_live RUN --data sleep_accel=FOLDER --data slpdb=FOLDER [--hours 2 4 8] [--every 10]

RUN is the folder that ``python -m training evaluate --run RUN`` kept its folds in, ``--data`` what it was given. Every
epoch is staged by networks that never saw its subject, from the tracks up to its end (`staging.live` does the same from
raw samples); the decision rule is that of the other folds' whole nights, its weight of W that of what is seen.
``--every 10`` stages every tenth epoch.

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

from staging.agreement.epochs import confusion, epoch_study
from staging.decision import DecisionRule, decide
from staging.errors import StagingError
from staging.features import extract
from staging.hypnogram import CLASSES, merge_matrix
from staging.recording import EPOCH_S
from staging.stager import scorable
from staging.tracks import MIN_EPOCHS, Tracks, slice_tracks
from training.datasets import load_nights
from training.evaluate import MAIN_DATASET, rule_of
from training.folds import Fold, folds_of
from training.intervals import predictions_of_run
from training.night import LabelledNight
from training.options import data_options, folders_of
from training.predictions import probabilities


def live_classes(
    fold: Fold, tracks: Tracks, epochs: NDArray[np.int64], hours: float, rule: DecisionRule
) -> NDArray[np.int64]:
    """Of the given epochs, each the last of all that the networks see: its class in each of `CLASSES`, ``(n, 4)``."""
    past = round(hours * 3600 / EPOCH_S)
    windows = [slice_tracks(tracks, max(0, epoch + 1 - past), epoch + 1) for epoch in epochs]
    rows = [whole_classes(fold, window, rule)[-1] for window in windows]
    return np.array(rows, dtype=np.int64).reshape(-1, len(CLASSES))


def whole_classes(fold: Fold, tracks: Tracks, rule: DecisionRule) -> NDArray[np.int64]:
    """Class of every epoch in each of `CLASSES`, ``(S, 4)``."""
    given = probabilities(fold.network, extract(tracks, fold.spec), fold.spec)
    known = scorable((tracks.coverage["heart"] > 0) | (tracks.coverage["motion"] > 0))
    return np.stack([decide(given, n_classes, rule, known=known) for n_classes in CLASSES], axis=1)


def kappas(reference: NDArray[np.int64], decided: NDArray[np.int64]) -> list[float]:
    """Pooled kappa in 5, 4, 3 and 2 classes, of stages ``(n,)`` and the classes ``(n, 4)`` that were decided."""
    found = []
    for n_classes, column in zip(CLASSES, decided.T, strict=True):
        merged = merge_matrix(5, n_classes).argmax(axis=1)[reference]
        found.append(epoch_study(confusion(merged, column, n_classes)[None]).pooled.kappa)
    return found


def measure(run: Path, nights: Sequence[LabelledNight], hours: Sequence[float], every: int) -> None:
    """Print kappa with the whole night known, and with the last hours of every length."""
    predictions = predictions_of_run(run, nights)
    rows: dict[str, list[NDArray[np.int64]]] = {"whole night": []} | {f"last {length:g} h": [] for length in hours}
    reference: list[NDArray[np.int64]] = []
    for number, fold in enumerate(folds_of(run, nights)):
        rule = rule_of([other for other in predictions if other.fold != number])
        for night in nights:
            if night.dataset != MAIN_DATASET or not fold.holds(night):
                continue
            epochs = np.flatnonzero(night.usable)
            epochs = epochs[epochs >= MIN_EPOCHS - 1][::every]
            reference.append(night.reference[epochs])
            rows["whole night"].append(whole_classes(fold, night.tracks, rule)[epochs])
            for length in hours:
                rows[f"last {length:g} h"].append(live_classes(fold, night.tracks, epochs, length, rule))
        print(f"fold {number + 1}", file=sys.stderr)
    scored = np.concatenate(reference)
    print(f"{len(scored)} epochs of {len(reference)} nights of {MAIN_DATASET}, kappa of subjects never seen")
    print("| seen | " + " | ".join(f"{n} classes" for n in CLASSES) + " |\n|" + "---|" * (len(CLASSES) + 1))
    for name, parts in rows.items():
        print(f"| {name} | " + " | ".join(f"{k:.3f}" for k in kappas(scored, np.concatenate(parts))) + " |")


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
