"""A finished cross-validation -> how far the model is to be trusted, and what its intervals then cover.

    python -m training.intervals RUN --data NAME=FOLDER ... --out INTERVALS.json [--into MODEL.onnx] [--jobs N]

RUN is the folder that ``python -m training evaluate --run RUN`` kept its folds in, and ``--data`` what it was given.
Every night is predicted by the networks that never saw its subject.

- *What the intervals cover* is told of posteriors that were calibrated without the subject: on all folds but its own.
- *The posteriors that ship* are calibrated on all subjects; ``--into`` writes them into a model file, whose graph and
  spec stay as they are, and what they cover into the card beside it. Models are exported without them, so that this
  comes after ``export``.

Nights are those of `training.evaluate.MAIN_DATASET`, one a subject, of which most was recorded.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from staging.architecture import Coverage, SequencePosterior, calibrate, coverage, definitions
from staging.errors import InputError, StagingError
from staging.features import extract
from staging.files import write_atomically
from staging.hypnogram import CLASSES, Hypnogram, merge_matrix
from staging.model import POSTERIORS_KEY, Model, posteriors_from_json, posteriors_to_json
from training.card import with_intervals
from training.datasets import load_nights
from training.evaluate import MAIN_DATASET, mostly_recorded
from training.folds import fold_of, folds_of
from training.night import LabelledNight
from training.options import data_options, folders_of
from training.predictions import Prediction, probabilities
from training.shipping import CARD_FILE

__all__ = ["SHOWN", "intervals_report", "night_pair", "predictions_of_run", "put_posteriors", "to_markdown"]

SHOWN = (
    *("tst_min", "spt_min", "waso_min", "se_pct", "sme_pct", "sol_min", "lps_min", "awakenings"),
    *("awakenings_over_5_min", "sfi_per_h", "stage_shifts_per_h", "n1_min", "n2_min", "n3_min", "r_min", "light_min"),
    *("nrem_min", "n1_pct", "n2_pct", "n3_pct", "r_pct", "n3_latency_min", "rem_latency_min", "cycles"),
    *("n3_third_1_min", "r_third_3_min", "sleep_bout_mean_min", "stage_entropy_bits"),
)
"""Metrics of the table; the JSON has all."""

_LOW_PCT = 85
"""Coverage of 90 % intervals below which a metric is named."""

_FEWEST = 15
"""Nights on which a metric must be defined to count in the summary."""

Pair = tuple[Hypnogram, Hypnogram]


def predictions_of_run(run: Path, nights: Sequence[LabelledNight]) -> list[Prediction]:
    """Out-of-fold predictions of the nights, by the networks that a cross-validation kept.

    Parameters
    ----------
    run, nights
        As `training.folds.folds_of` takes them, whose errors are raised.

    Returns
    -------
    list of Prediction
        In the order of `nights`.
    """
    by_night: dict[int, Prediction] = {}
    for number, fold in enumerate(folds_of(run, nights)):
        for index, night in enumerate(nights):
            if fold.holds(night):
                every = probabilities(fold.network, extract(night.tracks, fold.spec), fold.spec)
                by_night[index] = Prediction(night=night, fold=number, probabilities={"all": every})
    return [by_night[index] for index in range(len(nights))]


def night_pair(prediction: Prediction, n_classes: int) -> Pair:
    """A night as predicted and as scored, in a resolution; unscored in both where nothing was recorded or scored."""
    usable = prediction.night.usable
    merged = merge_matrix(5, n_classes)
    given = prediction.probabilities["all"] @ merged
    stages = np.where(usable, given.argmax(axis=1), -1)
    reference = np.where(usable, merged.argmax(axis=1)[np.maximum(prediction.night.reference, 0)], -1)
    shown = np.where(usable[:, None], given, np.nan).astype(np.float32)
    return (
        Hypnogram.from_indices(stages, n_classes=n_classes, probabilities=shown, source=prediction.night.subject),
        Hypnogram.from_indices(reference, n_classes=n_classes),
    )


def intervals_report(
    predictions: Sequence[Prediction], *, classes: Sequence[int] = tuple(CLASSES), draws: int = 400, jobs: int = 1
) -> dict[str, Any]:
    """Posteriors to ship, and what intervals cover on subjects that their posteriors were not calibrated on.

    Parameters
    ----------
    predictions : sequence of Prediction
        Of at least two folds.
    classes : sequence of int
        Resolutions.
    draws : int
        Hypnograms to draw for an interval.
    jobs : int
        Processes.

    Returns
    -------
    dict
        JSON-able: ``posteriors`` and ``coverage`` by number of classes, ``nights``.

    Raises
    ------
    InputError
        If there are too few nights to calibrate without those of a fold.
    """
    chosen = [p for p in predictions if p.night.dataset == MAIN_DATASET and mostly_recorded(p.night)]
    folds = [p.fold for p in chosen]
    if len(set(folds)) < 2 or any(sum(fold != other for other in folds) < 3 for fold in folds):
        raise InputError(
            f"{len(chosen)} nights of {MAIN_DATASET}", "are too few to calibrate without a fold", "give the whole set"
        )
    pairs = {k: [night_pair(p, k) for p in chosen] for k in classes}
    there = sorted(set(folds))
    tasks = [
        [pair for own, pair in zip(folds, pairs[k], strict=True) if own != fold] for k in classes for fold in there
    ]
    tasks += [pairs[k] for k in classes]
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        found = iter(list(pool.map(_calibrated, tasks)))
        without = {k: {fold: next(found) for fold in there} for k in classes}
        posteriors = {k: next(found) for k in classes}
        given = [(pairs[k], [without[k][fold] for fold in folds], draws) for k in classes]
        covered = list(pool.map(_covered, given))
    return {
        "dataset": MAIN_DATASET,
        "nights": len(chosen),
        "level": 0.9,
        "draws": draws,
        "posteriors": json.loads(posteriors_to_json(posteriors)),
        "coverage": {
            str(k): {name: dataclasses.asdict(each) for name, each in found_of.items() if each.n}
            for k, found_of in zip(classes, covered, strict=True)
        },
    }


def _calibrated(pairs: Sequence[Pair]) -> SequencePosterior:
    return calibrate(*zip(*pairs, strict=True))


def _covered(given: tuple[Sequence[Pair], Sequence[SequencePosterior], int]) -> dict[str, Coverage]:
    pairs, posteriors, draws = given
    predicted, reference = zip(*pairs, strict=True)
    return coverage(predicted, reference, draws=draws, posterior=posteriors)


def put_posteriors(model: Path, text: str) -> None:
    """Write posteriors into a model file, in place of those that it may have; the rest of it stays bit for bit.

    Raises
    ------
    ModelError
        If the file is no model of this package, or the posteriors cannot be used.
    """
    import onnx

    Model(model)
    posteriors_from_json(text)
    content = onnx.load(model)
    others = [entry for entry in content.metadata_props if entry.key != POSTERIORS_KEY]
    del content.metadata_props[:]
    content.metadata_props.extend(others)
    content.metadata_props.add(key=POSTERIORS_KEY, value=text)
    aside = model.with_suffix(".part")
    aside.write_bytes(content.SerializeToString(deterministic=True))
    aside.replace(model)


def refuse_other_kind(run: Path, nights: Sequence[LabelledNight], model: Path) -> None:
    """Refuse a cross-validation whose probabilities are of another kind than the model's.

    Raises
    ------
    InputError
        If one of them alone has what the hours asleep say behind its networks.
    ModelError
        If the model's networks cannot be read.
    """
    from models.restore import restore

    measured = fold_of(run, 0, nights).network.hours_asleep is not None
    if measured != (restore(model).hours_asleep is not None):
        other = "without" if measured else "with"
        raise InputError(
            run,
            f"{model} was exported {other} what the hours asleep say, and its folds were not",
            "give the folds of the evaluation that the model was exported with",
        )


def to_markdown(report: dict[str, Any]) -> str:
    """What the intervals cover, as Markdown tables."""
    lines = [
        f"{report['nights']} nights of {report['dataset']}, one a subject; networks and posteriors never saw the "
        f"subject. {report['level']:.0%} intervals, {report['draws']} draws. One night is "
        f"{100 / report['nights']:.1f} points of coverage. What a posterior consists of was chosen on these nights.",
        "",
    ]
    units = {name: definition.unit for name, definition in definitions().items()}
    for k, metrics in report["coverage"].items():
        fewest = min(_FEWEST, report["nights"])
        # What is known without any doubt, such as the time in bed, would flatter the mean.
        known = [m["covered_pct"] for m in metrics.values() if m["n"] >= fewest and m["mean_width"] > 0]
        low = sorted(name for name, m in metrics.items() if m["n"] >= fewest and m["covered_pct"] < _LOW_PCT)
        shown = [metrics[name]["covered_pct"] for name in SHOWN if name in metrics]
        lines += [
            f"{k} classes: {np.mean(shown):.1f} % covered on average over the metrics below, {np.mean(known):.1f} % "
            f"over all {len(known)} that are defined on at least {fewest} nights; below {_LOW_PCT} %: "
            f"{len(low)} ({', '.join(low) or 'none'}).",
            "",
            "| metric | nights | covered | mean width |",
            "|---|---|---|---|",
            *(
                f"| {name} | {metrics[name]['n']} | {metrics[name]['covered_pct']:.0f} % "
                f"| {metrics[name]['mean_width']:.3g} {units[name]} |"
                for name in SHOWN
                if name in metrics
            ),
            "",
        ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 fine, 2 bad input with one line."""
    parser = argparse.ArgumentParser(
        prog="python -m training.intervals",
        description=(__doc__ or "").splitlines()[0],
        parents=[data_options()],
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of `python -m training evaluate --run`")
    parser.add_argument("--out", type=Path, required=True, metavar="INTERVALS.json", help="a table goes beside it")
    parser.add_argument("--into", type=Path, metavar="MODEL.onnx", help="write the posteriors into this model file")
    parser.add_argument("--classes", type=int, nargs="+", choices=tuple(CLASSES), default=list(CLASSES))
    options = parser.parse_args(arguments)
    try:
        nights = load_nights(folders_of(options), strict=options.strict, cache=options.cache, jobs=options.jobs)
        if options.into is not None:
            refuse_other_kind(options.run, nights, options.into)
        report = intervals_report(predictions_of_run(options.run, nights), classes=options.classes, jobs=options.jobs)
        options.out.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(options.out, json.dumps(report, indent=1) + "\n")
        table = to_markdown(report)
        write_atomically(options.out.with_suffix(".md"), table)
        if options.into is not None:
            put_posteriors(options.into, json.dumps(report["posteriors"], sort_keys=True))
            card = options.into.parent / CARD_FILE
            if card.is_file():
                write_atomically(card, with_intervals(card.read_text(encoding="utf-8"), report, table))
    except StagingError as error:
        print(f"training: {error}", file=sys.stderr)
        return 2
    print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
