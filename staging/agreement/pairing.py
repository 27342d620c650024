"""Two hypnograms of one night -> the epochs that can be compared.

Assumptions
-----------
- Epochs are paired by their start on the clock where both hypnograms know one, to the nearest epoch; otherwise both
  are taken to begin together.
- Where one epoch length is a whole multiple of the other, the longer epochs are cut into the shorter ones. Any other
  two lengths cannot be compared.
- The reference says when the night is: only epochs between its lights-off and lights-on are compared, where it knows
  them.
- Epochs that are UNSCORED in either are left out and counted.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from staging.architecture.nights import in_bed_span
from staging.errors import HypnogramError
from staging.hypnogram import CLASSES, Hypnogram, Stage

__all__ = ["Pair", "align", "pair"]

_LITTLE_OVERLAP = 0.5


@dataclass(frozen=True, kw_only=True, eq=False)
class Pair:
    """A night scored twice, cut to the epochs that both reach. Made by `pair`.

    Attributes
    ----------
    reference, predicted : Hypnogram
        Equally many epochs of one length, beginning together; without lights times, each in its own resolution.
    given : tuple of two Hypnogram
        Reference and predicted as they were given, whole.
    subject : str
        Who slept; pairs of one subject are not independent.
    aligned_by : {"clock", "first epoch"}
        How epochs were paired.
    shift_s : float
        Seconds by which a predicted epoch starts later than the reference epoch it is compared with, at most half an
        epoch either way; 0 where aligned by the first epoch.
    n_out_of_bed, n_reference_only, n_predicted_only : int
        Epochs of the reference outside its lights times; of the reference in bed that the prediction does not reach;
        of the prediction outside that night.
    warnings : tuple of str
        What was doubted, one line each.
    """

    reference: Hypnogram
    predicted: Hypnogram
    given: tuple[Hypnogram, Hypnogram]
    subject: str
    aligned_by: Literal["clock", "first epoch"]
    shift_s: float
    n_out_of_bed: int
    n_reference_only: int
    n_predicted_only: int
    warnings: tuple[str, ...]

    @property
    def n_classes(self) -> int:
        """Classes of the finest resolution in which both can be compared."""
        return min(self.reference.n_classes, self.predicted.n_classes)

    @cached_property
    def scored(self) -> NDArray[np.bool_]:
        """True where both have a stage, bool ``(len(reference),)``."""
        flags: NDArray[np.bool_] = (self.reference.stages != Stage.UNSCORED) & (self.predicted.stages != Stage.UNSCORED)
        return flags

    def counts(self) -> Mapping[str, int]:
        """Epochs compared and epochs left out, by reason."""
        return {
            "compared": int(self.scored.sum()),
            "unscored_reference": int((self.reference.stages == Stage.UNSCORED).sum()),
            "unscored_predicted": int((self.predicted.stages == Stage.UNSCORED).sum()),
            "unscored_either": int((~self.scored).sum()),
            "out_of_bed": self.n_out_of_bed,
            "reference_only": self.n_reference_only,
            "predicted_only": self.n_predicted_only,
        }

    def indices(self, n_classes: int | None = None) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Stages of the compared epochs as indices into ``CLASSES[n_classes]``: reference and predicted, ``(n,)``.

        Raises
        ------
        HypnogramError
            If either hypnogram is coarser than `n_classes`.
        """
        wanted = self._resolution(n_classes)
        return (
            self.reference.merge(wanted).indices()[self.scored],
            self.predicted.merge(wanted).indices()[self.scored],
        )

    def probabilities(self, n_classes: int | None = None) -> NDArray[np.float64] | None:
        """Predicted probabilities of the compared epochs, float64 ``(n, n_classes)``; None where there are none."""
        merged = self.predicted.merge(self._resolution(n_classes)).probabilities
        return None if merged is None else merged[self.scored].astype(np.float64)

    def masked(self, n_classes: int | None = None) -> tuple[Hypnogram, Hypnogram]:
        """Both hypnograms in one resolution, UNSCORED wherever either of them is."""
        wanted = self._resolution(n_classes)

        def mask(night: Hypnogram) -> Hypnogram:
            stages = np.where(self.scored, night.stages, Stage.UNSCORED.value)
            return dataclasses.replace(night, stages=stages, probabilities=None, coverage={}).merge(wanted)

        return mask(self.reference), mask(self.predicted)

    def merged(self, n_classes: int | None = None) -> tuple[Hypnogram, Hypnogram]:
        """Both hypnograms as they were given, whole, in one resolution."""
        wanted = self._resolution(n_classes)
        return self.given[0].merge(wanted), self.given[1].merge(wanted)

    def require(self, n_classes: int) -> None:
        """Check that both can be compared in a resolution.

        Raises
        ------
        HypnogramError
            If it is unknown, or either hypnogram is coarser.
        """
        if n_classes not in CLASSES:
            raise HypnogramError("n_classes", f"{n_classes} classes are not known", "choose 5, 4, 3 or 2")
        if n_classes > self.n_classes:
            coarser = min(self.given, key=lambda night: night.n_classes)
            raise HypnogramError(
                _name(coarser),
                f"has {coarser.n_classes} classes and cannot be compared in {n_classes}",
                f"compare in {self.n_classes} or fewer",
            )

    def _resolution(self, n_classes: int | None) -> int:
        wanted = self.n_classes if n_classes is None else n_classes
        self.require(wanted)
        return wanted


def pair(reference: Hypnogram, predicted: Hypnogram, *, subject: str = "", use_clock: bool = True) -> Pair:
    """Put two hypnograms of one night beside each other, epoch by epoch.

    Parameters
    ----------
    reference, predicted : Hypnogram
        The scoring that counts as right, and the one to be judged; resolutions may differ.
    subject : str
        Who slept.
    use_clock : bool
        Pair by wall clock where both know it. False takes both to begin together, whatever their clocks say.

    Returns
    -------
    Pair
        The night cut to the epochs that both reach.

    Raises
    ------
    HypnogramError
        If the epoch lengths do not fit, the nights do not overlap, or no epoch is scored in both.

    Examples
    --------
    >>> psg = Hypnogram(stages=["W", "N1", "N2", "UNSCORED", "R"])
    >>> watch = Hypnogram(stages=["W", "W", "LIGHT", "LIGHT"], n_classes=4)
    >>> night = pair(psg, watch)
    >>> night.n_classes, night.counts()["compared"], night.counts()["reference_only"]
    (4, 3, 1)
    """
    given = (reference, predicted)
    warnings: list[str] = []
    epoch_s = min(reference.epoch_s, predicted.epoch_s)
    reference = _cut_epochs(reference, epoch_s, given[1], warnings)
    predicted = _cut_epochs(predicted, epoch_s, given[0], warnings)
    first, last = in_bed_span(reference)
    first, last = max(first, 0), min(last, len(reference))
    later_s = _later_s(reference, predicted, warnings) if use_clock else None
    offset = 0 if later_s is None else math.floor(later_s / epoch_s + 0.5)
    begin, end = max(first, offset), min(last, offset + len(predicted))
    if begin >= end:
        raise HypnogramError(_name(given[1]), *_no_overlap(*given, clocked=later_s is not None))
    if (end - begin) < _LITTLE_OVERLAP * (last - first):
        share = 100 * (end - begin) / (last - first)
        warnings.append(f"{_name(given[1])} reaches only {share:.0f} % of the night of {_name(given[0])}")
    result = Pair(
        reference=_crop(reference, begin, end),
        predicted=_crop(predicted, begin - offset, end - offset),
        given=given,
        subject=subject,
        aligned_by="first epoch" if later_s is None else "clock",
        shift_s=0.0 if later_s is None else later_s - offset * epoch_s,
        n_out_of_bed=len(reference) - (last - first),
        n_reference_only=(last - first) - (end - begin),
        n_predicted_only=len(predicted) - (end - begin),
        warnings=tuple(warnings),
    )
    if not result.scored.any():
        raise HypnogramError(
            _name(given[1]),
            f"no epoch is scored both here and in {_name(given[0])}",
            "check that both are of the same night",
        )
    return result


def align(
    reference: Hypnogram, predicted: Hypnogram, n_classes: int | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Stages of the epochs that can be compared, as indices; `pair` also tells what was left out.

    Parameters
    ----------
    reference, predicted : Hypnogram
        Two scorings of one night.
    n_classes : int, optional
        Resolution; by default the finest that both have.

    Returns
    -------
    reference, predicted : ndarray of int64, shape (n,)
        Indices into ``CLASSES[n_classes]``.

    Raises
    ------
    HypnogramError
        If the two cannot be compared, or not in this resolution.

    Examples
    --------
    >>> psg = Hypnogram(stages=["W", "N1", "UNSCORED", "R"])
    >>> watch = Hypnogram(stages=["W", "N2", "N2", "N2"])
    >>> [codes.tolist() for codes in align(psg, watch, 3)]
    [[0, 1, 2], [0, 1, 1]]
    """
    return pair(reference, predicted).indices(n_classes)


def _name(night: Hypnogram) -> str:
    return night.source or "hypnogram"


def _cut_epochs(night: Hypnogram, epoch_s: float, other: Hypnogram, warnings: list[str]) -> Hypnogram:
    """The same night in shorter epochs, each repeated."""
    parts = round(night.epoch_s / epoch_s)
    if parts == 1 and math.isclose(night.epoch_s, epoch_s):
        return night
    if not math.isclose(parts * epoch_s, night.epoch_s):
        raise HypnogramError(
            _name(night),
            f"epochs of {night.epoch_s:g} s cannot be compared with those of {other.epoch_s:g} s of {_name(other)}",
            "score both in the same epoch length",
        )
    warnings.append(f"{_name(night)}: epochs of {night.epoch_s:g} s were cut into {parts} of {epoch_s:g} s")
    return dataclasses.replace(
        night,
        epoch_s=epoch_s,
        stages=np.repeat(night.stages, parts),
        probabilities=None if night.probabilities is None else np.repeat(night.probabilities, parts, axis=0),
        coverage={},
    )


def _crop(night: Hypnogram, begin: int, end: int) -> Hypnogram:
    starts = night.epoch_starts()
    return dataclasses.replace(
        night,
        stages=night.stages[begin:end],
        probabilities=None if night.probabilities is None else night.probabilities[begin:end],
        coverage={},
        start=None if starts is None else starts[begin],
        lights_off_s=None,
        lights_on_s=None,
    )


def _later_s(reference: Hypnogram, predicted: Hypnogram, warnings: list[str]) -> float | None:
    """Seconds by which the prediction begins later on the clock; None where a clock is missing."""
    if reference.start is not None and predicted.start is not None:
        return predicted.start.timestamp() - reference.start.timestamp()
    if reference.start is not None or predicted.start is not None:
        unclocked = reference if reference.start is None else predicted
        warnings.append(f"{_name(unclocked)} has no clock: both are taken to begin together")
    return None


def _no_overlap(reference: Hypnogram, predicted: Hypnogram, *, clocked: bool) -> tuple[str, str]:
    """What to say, and what to do about it, where there is nothing to compare."""
    if len(predicted) == 0:
        return "holds no epochs", "give at least one"
    if not clocked:
        return f"does not reach the time in bed of {_name(reference)}", "check its lights-off and lights-on"
    return (
        f"{_span(predicted)} does not overlap {_span(reference)} of {_name(reference)}",
        "check dates and time zones, or compare without the clock",
    )


def _span(night: Hypnogram) -> str:
    ends = (night.start, night.end())
    return " to ".join("?" if moment is None else moment.isoformat(" ", "minutes") for moment in ends)
