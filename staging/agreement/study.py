"""Nights scored twice -> one report of how well the two agree: epochs, nights, probabilities.

This is the one definition of agreement: the command line prints it, and the evaluation of a model is made of it.
"""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from staging.agreement.bootstrap import Resampling
from staging.agreement.calibration import N_BINS, CalibrationStudy, calibration_study
from staging.agreement.epochs import (
    BLOCK_MIN,
    EpochStudy,
    block_confusions,
    confusion,
    epoch_study,
    merge_confusion,
)
from staging.agreement.nights import MetricAgreement, night_agreement, subject_names
from staging.agreement.pairing import Pair, pair
from staging.errors import InputError
from staging.hypnogram import CLASSES, Hypnogram

__all__ = ["SCHEMA_VERSION", "Agreement", "agree"]

SCHEMA_VERSION = "1.0"
"""Version of the JSON that `Agreement.to_dict` gives; the first number changes when old readers would fail."""

_FEW_SUBJECTS = 10


@dataclass(frozen=True, kw_only=True, eq=False)
class Agreement:
    """How well predicted hypnograms agree with the reference. Made by `agree`.

    Attributes
    ----------
    pairs : tuple of Pair
        The nights.
    epochs : mapping of int to EpochStudy
        Epoch by epoch, by number of classes, finest first.
    nights : mapping of str to MetricAgreement
        Night by night, by metric, in the finest resolution compared.
    calibration : mapping of int to CalibrationStudy
        Of the probabilities, by number of classes; empty where a night has none.
    same_epochs : bool
        Whether both hypnograms of a night were summarised over the same epochs.
    resampling : Resampling
        How intervals were made.
    warnings : tuple of str
        What was doubted, one line each.
    """

    pairs: tuple[Pair, ...]
    epochs: Mapping[int, EpochStudy]
    nights: Mapping[str, MetricAgreement]
    calibration: Mapping[int, CalibrationStudy]
    same_epochs: bool
    resampling: Resampling
    warnings: tuple[str, ...]

    @property
    def n_subjects(self) -> int:
        """Number of different people."""
        return len(set(subject_names(self.pairs)))

    def counts(self) -> dict[str, int]:
        """Epochs compared and left out, by reason, of all nights: the sum of `Pair.counts`."""
        total: Counter[str] = Counter()
        for night in self.pairs:
            total.update(night.counts())  # unlike a sum of counters, this keeps reasons that never occurred
        return dict(total)

    def to_dict(self) -> dict[str, object]:
        """The report as plain values, ready for `json.dumps`; None where a value is not defined."""
        return {
            "schema": f"staging.agreement/{SCHEMA_VERSION}",
            "n_nights": len(self.pairs),
            "n_subjects": self.n_subjects,
            "epoch_s": self.pairs[0].reference.epoch_s,
            "epochs_compared_and_left_out": self.counts(),
            "bootstrap": _plain(self.resampling),
            "same_epochs": self.same_epochs,
            "epochs": {str(k): _plain(study) for k, study in self.epochs.items()},
            "calibration": {str(k): _plain(study) for k, study in self.calibration.items()},
            "nights": {
                name: {
                    **_fields(metric),
                    "proportional_bias": metric.proportional_bias,
                    "heteroscedastic": metric.heteroscedastic,
                    "normal": metric.normal,
                }
                for name, metric in self.nights.items()
            },
            "pairs": [
                {
                    "subject": name,
                    "reference": night.given[0].source,
                    "predicted": night.given[1].source,
                    "aligned_by": night.aligned_by,
                    "shift_s": night.shift_s,
                    "epochs": dict(night.counts()),
                }
                for name, night in zip(subject_names(self.pairs), self.pairs, strict=True)
            ],
            "warnings": list(self.warnings),
        }

    def to_text(self) -> str:
        """One screen: kappa with its interval by resolution, each stage, and the night's totals with their limits."""
        from staging.agreement.text import screen

        return screen(self)

    def to_markdown(self) -> str:
        """The same and the error matrix, as Markdown tables."""
        from staging.agreement.text import markdown

        return markdown(self)


def agree(
    nights: Iterable[Pair | tuple[Hypnogram, Hypnogram]],
    *,
    subjects: Sequence[str] | None = None,
    n_classes: Iterable[int] | None = None,
    metrics: Iterable[str] | None = None,
    same_epochs: bool = True,
    n_bins: int = N_BINS,
    resampling: Resampling | None = None,
) -> Agreement:
    """Compare hypnograms with the reference: epoch by epoch, night by night, and their probabilities.

    Parameters
    ----------
    nights : iterable of Pair, or of (reference, predicted)
        One pair a night; see `pair` for how epochs are aligned.
    subjects : sequence of str, optional
        Who slept each night. By default what the pairs say, and where they do not, another subject each night.
    n_classes : iterable of int, optional
        Resolutions to compare epochs in; by default 5, 4, 3 and 2, without those finer than the coarsest hypnogram.
    metrics : iterable of str, optional
        Metrics of the night, keys of `staging.architecture.definitions`; by default all.
    same_epochs : bool
        Whether nights are summarised over the epochs that both have (`night_agreement`).
    n_bins : int
        Bins of the calibration curves.
    resampling : Resampling, optional
        How intervals are made.

    Returns
    -------
    Agreement

    Raises
    ------
    InputError
        If there are no nights, epoch lengths differ between nights, or a metric is unknown.
    HypnogramError
        If a pair cannot be compared, or not in a resolution that is asked for.

    Examples
    --------
    >>> psg = Hypnogram(stages=["W", "W", "N1", "N2", "N2", "N3", "N2", "R", "R", "W"])
    >>> watch = Hypnogram(stages=["W", "LIGHT", "LIGHT", "LIGHT", "LIGHT", "DEEP", "DEEP", "R", "R", "W"], n_classes=4)
    >>> report = agree([(psg, watch)])
    >>> list(report.epochs), round(report.epochs[4].pooled.kappa, 3), report.nights["n3_min"].bias
    ([4, 3, 2], 0.722, 0.5)
    """
    resampling = resampling or Resampling()
    pairs = [night if isinstance(night, Pair) else pair(*night) for night in nights]
    if not pairs:
        raise InputError("agreement", "there are no nights to compare", "give at least one pair of hypnograms")
    if subjects is not None:
        if len(subjects) != len(pairs):
            raise InputError("subjects", f"{len(subjects)} names for {len(pairs)} nights", "give one a night")
        pairs = [dataclasses.replace(night, subject=name) for night, name in zip(pairs, subjects, strict=True)]
    lengths_s = sorted({night.reference.epoch_s for night in pairs})
    if len(lengths_s) > 1:
        lengths = " and ".join(f"{length:g} s" for length in lengths_s)
        raise InputError("agreement", f"nights have epochs of {lengths}", "compare them separately")
    finest = min(night.n_classes for night in pairs)
    resolutions = [k for k in CLASSES if k <= finest] if n_classes is None else list(n_classes)
    for night in pairs:
        for k in resolutions:
            night.require(k)
    names = subject_names(pairs)
    return Agreement(
        pairs=tuple(pairs),
        epochs=_epochs(pairs, names, finest, resolutions, resampling),
        nights=night_agreement(pairs, metrics=metrics, same_epochs=same_epochs, resampling=resampling),
        calibration=_calibration(pairs, names, resolutions, n_bins, resampling),
        same_epochs=same_epochs,
        resampling=resampling,
        warnings=_warnings(pairs, len(set(names))),
    )


def _epochs(
    pairs: Sequence[Pair], names: Sequence[str], finest: int, resolutions: Sequence[int], resampling: Resampling
) -> dict[int, EpochStudy]:
    codes = [night.indices(finest) for night in pairs]
    whole = np.stack([confusion(*both, finest) for both in codes])
    blocks = None
    if len(set(names)) == 1:
        block_epochs = max(round(BLOCK_MIN * 60.0 / pairs[0].reference.epoch_s), 1)
        blocks = np.concatenate([block_confusions(*both, finest, block_epochs) for both in codes])
    return {
        k: epoch_study(
            merge_confusion(whole, k),
            subjects=names,
            blocks=None if blocks is None else merge_confusion(blocks, k),
            resampling=resampling,
        )
        for k in resolutions
    }


def _calibration(
    pairs: Sequence[Pair], names: Sequence[str], resolutions: Sequence[int], n_bins: int, resampling: Resampling
) -> dict[int, CalibrationStudy]:
    studies = {}
    for k in resolutions:
        probabilities = [rows for night in pairs if (rows := night.probabilities(k)) is not None]
        if len(probabilities) == len(pairs):
            studies[k] = calibration_study(
                [night.indices(k)[0] for night in pairs],
                probabilities,
                subjects=names,
                n_bins=n_bins,
                resampling=resampling,
            )
    return studies


def _warnings(pairs: Sequence[Pair], n_subjects: int) -> tuple[str, ...]:
    warnings = [warning for night in pairs for warning in night.warnings]
    given = sum(night.predicted.probabilities is not None for night in pairs)
    if 0 < given < len(pairs):
        warnings.append(f"{len(pairs) - given} of {len(pairs)} nights have no probabilities: calibration is left out")
    if n_subjects == 1:
        warnings.append("one subject: intervals are for this person, and say nothing about other people")
    elif n_subjects < _FEW_SUBJECTS:
        warnings.append(f"{n_subjects} subjects: intervals over so few are too narrow")
    return tuple(dict.fromkeys(warnings))


def _fields(value: object) -> dict[str, object]:
    return {
        field.name: _plain(getattr(value, field.name))
        for field in dataclasses.fields(value)  # type: ignore[arg-type]
    }


def _plain(value: object) -> object:
    """Dataclasses, arrays and mappings as plain values; NaN as None."""
    if dataclasses.is_dataclass(value):
        return _fields(value)
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, str) else value
