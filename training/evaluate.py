"""Predictions of unseen subjects -> figures with intervals, as JSON and as a table.

Epochs are compared where a person scored and heart or motion was recorded. Night totals are of those same epochs in
both hypnograms, and of nights of which most was recorded: an hour of a watch that stopped early is no night.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.hours_asleep import HoursAsleep
from staging.agreement.bootstrap import Resampling, Spread
from staging.agreement.calibration import calibration_study
from staging.agreement.epochs import confusion, epoch_agreement, epoch_study
from staging.agreement.nights import compare_nights
from staging.architecture import summarize_many
from staging.decision import LIKELIEST, DecisionRule, decide, fit_rule
from staging.hypnogram import CLASSES, Hypnogram, merge_matrix
from staging.stager import scorable
from training.hours_asleep import fit_hours_asleep, with_hours_asleep
from training.losses import LOSSES
from training.night import LabelledNight
from training.predictions import BUT_TEMPERATURE, SENSOR_SETS, Prediction

__all__ = [
    "MAIN_DATASET",
    "NIGHT_METRICS",
    "After",
    "AfterNetworks",
    "after_networks",
    "mostly_recorded",
    "report",
    "rule_of",
    "to_markdown",
]

MAIN_DATASET = "sleep_accel"
"""The set whose people the default model is for: healthy adults with a watch."""

NIGHT_METRICS = ("tst_min", "sol_min", "waso_min", "se_pct", "n1_min", "n2_min", "n3_min", "r_min", "rem_latency_min")
"""Metrics of the night whose bias is told."""

MIN_SUBJECTS = 10
"""Subjects from whom what the hours asleep say is fitted; fewer tell more of these sleepers than of sleep."""

MIN_NIGHT_SHARE = 0.8
"""Share of a night's scored epochs that must have been recorded for its totals to be compared."""

RESAMPLING = Resampling(n_resamples=10_000, seed=0)

HEADLINE = ("kappa", "accuracy", "macro_f1")
"""Figures of every case that is told: each stage resolution, set of sensors, network alone, and loss."""

_Triple = list[float | None]
"""A figure, and the ends of its 95 % interval over subjects."""


def report(predictions: Sequence[Prediction], after: After | None = None) -> dict[str, Any]:
    """Figures of every data set.

    Parameters
    ----------
    predictions : sequence of Prediction
        From `training.crossval.cross_validate`: of the networks alone.
    after : After, optional
        Of these predictions, where it is known already.

    Returns
    -------
    dict
        JSON-able, by data set: ``classes`` (agreement in 5, 4, 3, 2 classes), ``nights`` (bias of night totals),
        ``calibration``, ``sensors`` (the ablation), ``members`` (each network alone: what the seed is worth),
        ``losses`` (had less been recorded; empty for sets without heart rate or counts).
    """
    datasets = sorted({prediction.night.dataset for prediction in predictions})
    of_fold = (after or after_networks(predictions)).of_fold
    decided = [
        _Decided(with_hours_asleep(prediction, of_fold[prediction.fold].hours_asleep), of_fold[prediction.fold].rule)
        for prediction in predictions
    ]
    return {name: _dataset([night for night in decided if night.night.dataset == name]) for name in datasets}


class AfterNetworks(NamedTuple):
    """What follows the networks: what the hours asleep say, and the rule that decides."""

    hours_asleep: HoursAsleep | None
    rule: DecisionRule


class After(NamedTuple):
    """What follows the networks of each fold, fitted on the other folds, and what is shipped, fitted on all."""

    of_fold: dict[int, AfterNetworks]
    shipped: AfterNetworks


def after_networks(predictions: Sequence[Prediction], before: HoursAsleep | None = None) -> After:
    """What is to follow the networks, fitted on their predictions of subjects that they never saw.

    Parameters
    ----------
    predictions : sequence of Prediction
        Of the networks alone.
    before : HoursAsleep, optional
        What followed the networks before they were fitted further, on other people. Where the other folds of any fold
        have fewer than `MIN_SUBJECTS` subjects it stays, everywhere: what is shipped is of the kind that was measured.
    """
    folds = sorted({prediction.fold for prediction in predictions})
    others = {fold: [p for p in predictions if p.fold != fold] for fold in folds}
    enough = min((_n_subjects(_of_main(rest)) for rest in others.values()), default=0) >= MIN_SUBJECTS

    def after(chosen: Sequence[Prediction]) -> AfterNetworks:
        later = fit_hours_asleep(_of_main(chosen)) if enough else before
        return AfterNetworks(later, rule_of([with_hours_asleep(prediction, later) for prediction in chosen]))

    return After({fold: after(rest) for fold, rest in others.items()}, after(predictions))


def _of_main(predictions: Sequence[Prediction]) -> list[Prediction]:
    """Nights of `MAIN_DATASET`, where there are any."""
    return [p for p in predictions if p.night.dataset == MAIN_DATASET] or list(predictions)


def _n_subjects(predictions: Sequence[Prediction]) -> int:
    return len({(prediction.night.dataset, prediction.night.subject) for prediction in predictions})


def rule_of(predictions: Sequence[Prediction]) -> DecisionRule:
    """The decision rule that makes the total of N1 right on the given predictions.

    Nights of `MAIN_DATASET` are used where there are any: scorers differ in how much N1 they find. Without predictions
    (a single fold leaves no others) the likeliest class is taken.
    """
    if not predictions:
        return LIKELIEST
    chosen = _of_main(predictions)
    return fit_rule(
        [p.probabilities["all"][p.night.usable] for p in chosen], [p.night.reference[p.night.usable] for p in chosen]
    )


class _Decided:
    """A night's prediction with the stages that were decided from it.

    The rule of the decision, and what the hours asleep say, were fitted on the other folds.
    """

    def __init__(self, prediction: Prediction, rule: DecisionRule) -> None:
        self.prediction = prediction
        self.night = prediction.night
        self.probabilities = prediction.probabilities | prediction.losses
        self.rule = rule

    def by_member(self) -> list[_Decided]:
        """The same night as each network alone sees it, decided by the same rule."""
        return [
            _Decided(
                dataclasses.replace(self.prediction, probabilities={"all": alone}, members=(), losses={}), self.rule
            )
            for alone in self.prediction.members
        ]

    def indices(self, n_classes: int, sensors: str = "all") -> NDArray[np.int64]:
        """Decided classes of all epochs."""
        return decide(self.probabilities[sensors], n_classes, self.rule, known=scorable(self.night.recorded))

    def compared(self, n_classes: int, sensors: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Reference and decided classes of the epochs that are compared."""
        usable = self.night.usable
        reference = merge_matrix(5, n_classes).argmax(axis=1)[self.night.reference[usable]]
        return reference, self.indices(n_classes, sensors)[usable]


def _dataset(predictions: Sequence[_Decided]) -> dict[str, Any]:
    subjects = [prediction.night.subject for prediction in predictions]
    usable = [prediction.night.usable for prediction in predictions]
    return {
        "n_nights": len(predictions),
        "n_subjects": len(set(subjects)),
        "n_epochs": int(sum(map(np.sum, usable))),
        "n_epochs_not_recorded": int(sum(((p.night.reference >= 0) & ~p.night.usable).sum() for p in predictions)),
        "classes": {str(k): _classes(predictions, k, "all") for k in CLASSES},
        "calibration": _calibration(predictions, subjects),
        "nights": _nights([p for p in predictions if mostly_recorded(p.night)]),
        "sensors": {name: {str(k): _headline(predictions, k, name) for k in CLASSES} for name in _ablated(predictions)},
        "members": [
            {str(k): _headline(alone, k, "all") for k in CLASSES}
            for alone in zip(*(prediction.by_member() for prediction in predictions), strict=True)
        ],
        "losses": {
            name: {str(k): _headline(predictions, k, name) for k in CLASSES}
            for name in LOSSES
            if all(name in prediction.probabilities for prediction in predictions)
        },
    }


def _ablated(predictions: Sequence[_Decided]) -> list[str]:
    """Sets of sensors that differ on these nights."""
    measured = any("temperature" in prediction.night.groups for prediction in predictions)
    return [name for name in SENSOR_SETS if measured or name != BUT_TEMPERATURE]


def _confusions(predictions: Sequence[_Decided], n_classes: int, sensors: str) -> NDArray[np.int64]:
    return np.stack([confusion(*p.compared(n_classes, sensors), n_classes) for p in predictions])


def _classes(predictions: Sequence[_Decided], n_classes: int, sensors: str) -> dict[str, Any]:
    matrices = _confusions(predictions, n_classes, sensors)
    study = epoch_study(matrices, subjects=[p.night.subject for p in predictions], resampling=RESAMPLING)
    names = (*HEADLINE, "mcc")
    class_names = ("sensitivity", "specificity", "ppv", "f1")
    return {
        "pooled": {name: _triple(getattr(study.pooled, name), study.pooled_interval[name]) for name in names},
        "per_subject": {name: _spread(study.per_subject[name]) for name in names},
        "by_class": {
            str(stage): {
                name: _triple(getattr(of_class, name), study.pooled_class_interval[stage][name]) for name in class_names
            }
            for stage, of_class in study.pooled.by_class.items()
        },
        "confusion": study.pooled.confusion.tolist(),
        "each_night": [
            {"subject": p.night.subject} | {name: _round(getattr(epoch_agreement(matrix), name)) for name in HEADLINE}
            for p, matrix in zip(predictions, matrices, strict=True)
        ],
    }


def _headline(predictions: Sequence[_Decided], n_classes: int, sensors: str) -> dict[str, _Triple]:
    matrices = _confusions(predictions, n_classes, sensors)
    study = epoch_study(matrices, subjects=[p.night.subject for p in predictions], resampling=RESAMPLING)
    return {name: _triple(getattr(study.pooled, name), study.pooled_interval[name]) for name in HEADLINE}


def _calibration(predictions: Sequence[_Decided], subjects: Sequence[str]) -> dict[str, Any]:
    study = calibration_study(
        [p.night.reference[p.night.usable] for p in predictions],
        [p.probabilities["all"][p.night.usable].astype(np.float64) for p in predictions],
        subjects=subjects,
        resampling=RESAMPLING,
    )
    reliability = study.pooled.reliability
    return {
        "ece": _triple(study.pooled.ece, study.pooled_interval["ece"]),
        "ece_per_subject": _spread(study.per_subject["ece"]),
        "brier": _round(study.pooled.brier),
        "log_loss": _round(study.pooled.log_loss),
        "reliability": {
            "confidence": [_round(value) for value in reliability.confidence],
            "accuracy": [_round(value) for value in reliability.accuracy],
            "n": [int(value) for value in reliability.n],
        },
    }


def mostly_recorded(night: LabelledNight) -> bool:
    """Whether so much of a night was recorded that its totals mean something."""
    return bool(night.usable.sum() >= MIN_NIGHT_SHARE * (night.reference >= 0).sum())


def _nights(predictions: Sequence[_Decided]) -> dict[str, Any]:
    subjects = [prediction.night.subject for prediction in predictions]
    reference, predicted = [], []
    for prediction in predictions:
        usable = prediction.night.usable
        stages = np.where(usable, prediction.indices(5), -1)
        reference.append(Hypnogram.from_indices(np.where(usable, prediction.night.reference, -1)))
        predicted.append(Hypnogram.from_indices(stages))
    measured = [night.to_dict()["metrics"] for night in summarize_many(reference)]
    given = [night.to_dict()["metrics"] for night in summarize_many(predicted)]
    return {metric: _metric(metric, measured, given, subjects) for metric in NIGHT_METRICS}


def _metric(
    metric: str, measured: Sequence[dict[str, Any]], given: Sequence[dict[str, Any]], subjects: Sequence[str]
) -> dict[str, Any]:
    def values(nights: Sequence[dict[str, Any]]) -> list[float]:
        return [np.nan if night[metric] is None else float(night[metric]) for night in nights]

    agreement = compare_nights(values(measured), values(given), name=metric, subjects=subjects, resampling=RESAMPLING)
    return {
        "n_nights": agreement.n_nights,
        "reference_mean": _round(agreement.reference_mean),
        "bias": _triple(agreement.bias, agreement.bias_interval),
        "sd": _round(agreement.sd),
        "limits_of_agreement": [
            _triple(agreement.loa[0], agreement.loa_low_interval),
            _triple(agreement.loa[1], agreement.loa_high_interval),
        ],
        "mean_absolute": _round(agreement.mean_absolute),
        "icc": _round(agreement.icc),
        "proportional_bias": agreement.proportional_bias,
    }


def _spread(spread: Spread) -> dict[str, float | int | None]:
    return {
        "n": spread.n,
        "mean": _round(spread.mean),
        "sd": _round(spread.sd),
        "low": _round(spread.low),
        "high": _round(spread.high),
    }


def _triple(value: float, interval: tuple[float, float]) -> _Triple:
    """A figure and its interval."""
    return [_round(value), *map(_round, interval)]


def _round(value: float) -> float | None:
    return round(float(value), 4) if np.isfinite(value) else None


def to_markdown(results: dict[str, Any]) -> str:
    """The figures as Markdown tables.

    Parameters
    ----------
    results : dict
        ``{"protocol": ..., "datasets": report(...)}``.

    Returns
    -------
    str
    """
    protocol = results["protocol"]
    how = f"held out: {protocol['held_out']}" if protocol["held_out"] else f"{protocol['folds']}-fold cross-validation"
    lines = [f"Protocol: {how}, {protocol['split']}; 95 % intervals by bootstrap over subjects.", ""]
    for name, dataset in results["datasets"].items():
        lines += [
            f"### {name}: {dataset['n_subjects']} subjects, {dataset['n_nights']} nights, {dataset['n_epochs']} epochs",
            "",
            f"Left out: {dataset['n_epochs_not_recorded']} scored epochs without any record of heart or motion; "
            f"from the night totals, nights with more than {1 - MIN_NIGHT_SHARE:.0%} of such epochs.",
            "",
            *_table_of_classes(dataset["classes"]),
            *_table_of_stages(dataset["classes"]),
            *_table_of_confusion(dataset["classes"]["5"]),
            *_table_of_nights(dataset["nights"]),
            *_calibration_line(dataset["calibration"]),
            *_table_of_reliability(dataset["calibration"]["reliability"]),
            *_table_of_sensors(dataset["sensors"], dataset["members"]),
            *_table_of_losses(dataset["losses"]),
        ]
    return "\n".join(lines)


def _interval(triple: Sequence[float | None], digits: int = 3) -> str:
    if triple[0] is None:
        return "–"
    middle = f"{triple[0]:.{digits}f}"
    if triple[1] is None or triple[2] is None:
        return middle
    return f"{middle} [{triple[1]:.{digits}f}, {triple[2]:.{digits}f}]"


def _mean_and_sd(subjects: dict[str, float | None]) -> str:
    return "–" if subjects["mean"] is None else f"{subjects['mean']:.3f} ± {subjects['sd'] or 0:.3f}"


def _table_of_classes(classes: dict[str, Any]) -> list[str]:
    lines = ["| classes | | κ | accuracy | macro-F1 |", "|---|---|---|---|---|"]
    for k, figures in classes.items():
        pooled, subject = figures["pooled"], figures["per_subject"]
        lines.append(f"| {k} | pooled | " + " | ".join(_interval(pooled[name]) for name in HEADLINE) + " |")
        lines.append(
            "| | per subject, mean ± SD | " + " | ".join(_mean_and_sd(subject[name]) for name in HEADLINE) + " |"
        )
    return [*lines, ""]


def _table_of_stages(classes: dict[str, Any]) -> list[str]:
    lines = ["| classes | stage | sensitivity | specificity | PPV | F1 |", "|---|---|---|---|---|---|"]
    for k, of_classes in classes.items():
        for stage, figures in of_classes["by_class"].items():
            cells = [_interval(figures[name]) for name in ("sensitivity", "specificity", "ppv", "f1")]
            lines.append(f"| {k} | {stage} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def _table_of_confusion(of_classes: dict[str, Any]) -> list[str]:
    stages = list(of_classes["by_class"])
    lines = ["| epochs: scored ↓, predicted → | " + " | ".join(stages) + " |", "|---" * (len(stages) + 1) + "|"]
    for stage, row in zip(stages, of_classes["confusion"], strict=True):
        lines.append(f"| {stage} | " + " | ".join(map(str, row)) + " |")
    return [*lines, ""]


def _table_of_reliability(reliability: dict[str, Any]) -> list[str]:
    lines = ["| probability of the likeliest stage, mean | was right | epochs |", "|---|---|---|"]
    for confidence, accuracy, n in zip(*(reliability[name] for name in ("confidence", "accuracy", "n")), strict=True):
        if n:
            lines.append(f"| {confidence:.3f} | {accuracy:.3f} | {n} |")
    return [*lines, ""]


def _table_of_nights(nights: dict[str, Any]) -> list[str]:
    lines = ["| metric | PSG mean | bias | limits of agreement | ICC | nights |", "|---|---|---|---|---|---|"]
    for metric, figures in nights.items():
        if figures["reference_mean"] is None:
            continue
        low, high = figures["limits_of_agreement"]
        limits = "–" if low[0] is None else f"{_interval(low, 1)} to {_interval(high, 1)}"
        icc = "–" if figures["icc"] is None else f"{figures['icc']:.2f}"
        lines.append(
            f"| {metric} | {figures['reference_mean']:.1f} | {_interval(figures['bias'], 1)} | {limits} "
            f"| {icc} | {figures['n_nights']} |"
        )
    return [*lines, ""]


def _calibration_line(calibration: dict[str, Any]) -> list[str]:
    subject = calibration["ece_per_subject"]
    return [
        f"Expected calibration error {_interval(calibration['ece'])} pooled, {_mean_and_sd(subject)} per subject; "
        f"Brier score {calibration['brier']:.3f}.",
        "",
    ]


def _table_of_sensors(sensors: dict[str, Any], members: Sequence[dict[str, Any]]) -> list[str]:
    lines = ["| seen by the same networks | κ 5 | κ 4 | κ 3 | κ 2 |", "|---|---|---|---|---|"]
    alone = {f"all, member {number} alone": figures for number, figures in enumerate(members, start=1)}
    return [*lines, *_rows_of_kappa(sensors | alone), ""]


def _table_of_losses(losses: dict[str, Any]) -> list[str]:
    if not losses:
        return []
    return ["| had less been recorded | κ 5 | κ 4 | κ 3 | κ 2 |", "|---|---|---|---|---|", *_rows_of_kappa(losses), ""]


def _rows_of_kappa(cases: dict[str, Any]) -> list[str]:
    rows = []
    for name, figures in cases.items():
        rows.append(f"| {name} | " + " | ".join(_interval(figures[k]["kappa"]) for k in ("5", "4", "3", "2")) + " |")
    return rows
