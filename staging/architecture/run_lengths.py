"""How long sleep stages last and what follows them: the chain that hypnograms are drawn from.

Runs of a stage are of two kinds, short and long, each of geometric lengths, so that a stage's run lengths are a mixture
of two geometric distributions. ``stage_runs.json`` holds what three open sets of scored nights say
(``python -m scripts.fit_stage_runs``); scorers differ, so that `staging.architecture.calibrate` fits its own.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from staging.hypnogram import Hypnogram

__all__ = ["StageRuns", "fit_stage_runs", "stage_runs"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

_FEW_RUNS = 20
"""With fewer runs of a stage than this its lengths and successors are those of the open sets."""

_MOST_ROUNDS = 2000
_SETTLED_EPOCHS = 1e-7


@dataclass(frozen=True, kw_only=True)
class StageRuns:
    """How long stages last and what follows them, for one resolution.

    Attributes
    ----------
    start : tuple of float, length k
        Probability of each class in the first epoch.
    jump : tuple of tuple of float, k by k
        Probability of the next class when one is left; the diagonal is 0.
    share_long : tuple of float, length k
        Share of the runs that are of the long kind.
    short_mean_min, long_mean_min : tuple of float, length k
        Mean lengths of both kinds, minutes.

    Raises
    ------
    ValueError
        If the numbers are not of one resolution, or no such chain exists.
    """

    start: tuple[float, ...]
    jump: tuple[tuple[float, ...], ...]
    share_long: tuple[float, ...]
    short_mean_min: tuple[float, ...]
    long_mean_min: tuple[float, ...]

    def __post_init__(self) -> None:
        k = len(self.start)
        rows = (self.share_long, self.short_mean_min, self.long_mean_min, self.jump, *self.jump)
        if k < 2 or any(len(row) != k for row in rows):
            raise ValueError(f"the runs of {k} classes have tables of other sizes")
        numbers = np.array([self.start, *self.jump, self.share_long])
        lengths = np.array([self.short_mean_min, self.long_mean_min])
        if not (np.all((numbers >= 0) & (numbers <= 1)) and np.all(np.isfinite(lengths) & (lengths > 0))):
            raise ValueError("the runs have a probability outside of 0 to 1 or a length that is not positive")

    def chain(self, epoch_min: float) -> tuple[Floats, Floats]:
        """Start probabilities ``(2 k,)`` and transitions ``(2 k, 2 k)`` of the short and then the long runs.

        Parameters
        ----------
        epoch_min : float
            Length of an epoch in minutes, which is the shortest run.
        """
        long = np.array(self.share_long)
        share = np.concatenate([1.0 - long, long])
        mean = np.concatenate([self.short_mean_min, self.long_mean_min])
        leave = np.minimum(epoch_min / mean, 1.0)
        onward = np.tile(np.array(self.jump), (2, 2)) * share
        return np.tile(np.array(self.start), 2) * share, np.diag(1.0 - leave) + leave[:, None] * onward

    @classmethod
    def from_dict(cls, table: Mapping[str, object]) -> StageRuns:
        """From plain lists, as JSON holds them.

        Raises
        ------
        ValueError
            If a table is missing, or wrong.
        """
        try:
            jump: list[list[float]] = table["jump"]  # type: ignore[assignment]
            rows = {name: tuple(map(float, table[name])) for name in _ROWS}  # type: ignore[call-overload]
            return cls(jump=tuple(tuple(map(float, row)) for row in jump), **rows)
        except (KeyError, TypeError) as error:
            raise ValueError(f"the runs have no usable table ({error})") from None


_ROWS = tuple(field.name for field in dataclasses.fields(StageRuns) if field.name != "jump")


@cache
def stage_runs(n_classes: int) -> StageRuns:
    """Run lengths and jumps measured on open scored nights, for a resolution of 5, 4, 3 or 2 classes.

    Examples
    --------
    >>> stage_runs(2).jump
    ((0.0, 1.0), (1.0, 0.0))
    """
    # Costs more to import than the rest of this package.
    from importlib import resources

    text = resources.files("staging.architecture").joinpath("stage_runs.json").read_text(encoding="utf-8")
    return StageRuns.from_dict(json.loads(text)["resolutions"][str(n_classes)])


def fit_stage_runs(sets: Sequence[Sequence[Hypnogram]], *, usual: StageRuns | None = None) -> StageRuns:
    """Fit run lengths and jumps to scored nights.

    Runs count from sleep onset on: how long somebody lies awake before says nothing of awakenings. The lengths of a
    stage's runs are fitted by expectation and maximisation, runs that the night cuts off being censored.

    Parameters
    ----------
    sets : sequence of sequence of Hypnogram
        Nights of one resolution and epoch length. Every night weighs the same within its set, and every set the same.
    usual : StageRuns, optional
        What stands in for stages with few runs.

    Returns
    -------
    StageRuns
        Rounded to the places that the file keeps.

    Raises
    ------
    ValueError
        If there is no sleep, the nights are of several kinds, or a stage has no runs and nothing stands in for it.

    References
    ----------
    Dempster AP, Laird NM, Rubin DB. Journal of the Royal Statistical Society B 1977;39:1–38.
    doi:10.1111/j.2517-6161.1977.tb01600.x

    Examples
    --------
    >>> night = Hypnogram(stages=["W", "S", "S", "W", "S", "S"] * 40, n_classes=2)
    >>> fit_stage_runs([[night]]).short_mean_min
    (0.505, 1.006)
    """
    kinds = {(night.n_classes, night.epoch_s) for nights in sets for night in nights}
    if len(kinds) != 1:
        raise ValueError("runs are fitted to nights of one resolution and one epoch length")
    ((k, epoch_s),) = kinds
    begin = np.full(k, 0.01)
    parts: list[tuple[Ints, Ints, Ints, Floats]] = []
    for nights in sets:
        for night in nights:
            indices = night.indices()
            asleep = np.flatnonzero(indices > 0)
            if not asleep.size:
                continue
            begin[indices[indices >= 0][0]] += 1.0 / len(nights)
            stage, length, following = _runs(indices[asleep[0] :])
            parts.append((stage, length, following, np.full(len(stage), 1.0 / len(nights))))
    if not parts:
        raise ValueError("runs are fitted to nights with sleep")
    stage, length, following, weight = (np.concatenate(column) for column in zip(*parts, strict=True))
    ended = following >= 0
    jump = np.zeros((k, k))
    np.add.at(jump, (stage[ended], following[ended]), weight[ended])
    jump += 1e-3 * jump.sum() / k**2
    np.fill_diagonal(jump, 0.0)
    jump = np.round(jump / jump.sum(axis=1, keepdims=True), 4)
    fitted: list[tuple[float, float, float]] = []
    for index in range(k):
        here = stage == index
        if usual is not None and np.count_nonzero(here & ended) < _FEW_RUNS:
            fitted.append((usual.share_long[index], usual.short_mean_min[index], usual.long_mean_min[index]))
            jump[index] = usual.jump[index]
            continue
        if not np.any(here & ended):
            raise ValueError(f"no run of {night.classes[index]} ends in these nights")
        share, short, long = _two_geometrics(length[here], ended[here], weight[here])
        fitted.append((round(share, 4), round(short * epoch_s / 60, 3), round(long * epoch_s / 60, 3)))
    share_long, short_mean_min, long_mean_min = zip(*fitted, strict=True)
    return StageRuns(
        start=tuple(np.round(begin / begin.sum(), 4).tolist()),
        jump=tuple(tuple(row) for row in jump.tolist()),
        share_long=share_long,
        short_mean_min=short_mean_min,
        long_mean_min=long_mean_min,
    )


def _runs(indices: Ints) -> tuple[Ints, Ints, Ints]:
    """Stage, length in epochs and next stage, -1 where it was not seen, of every scored run of a night."""
    begin = np.flatnonzero(np.concatenate([[True], indices[1:] != indices[:-1]]))
    length = np.diff(np.append(begin, len(indices)))
    stage = indices[begin]
    following = np.append(stage[1:], -1)
    scored = stage >= 0
    return stage[scored], length[scored], following[scored]


def _two_geometrics(length: Ints, ended: Flags, weight: Floats) -> tuple[float, float, float]:
    """Share of long runs and mean lengths of the short and the long, in epochs."""
    trials = np.where(ended, length, length - 1).astype(np.float64)
    mean = max(float((weight * trials).sum() / (weight * ended).sum()), 1.01)
    share, short, long = 0.5, max(mean / 3, 1.01), mean * 2
    for _ in range(_MOST_ROUNDS):
        both = []
        for part, m in ((1 - share, short), (share, long)):
            q = 1 - 1 / m
            both.append(np.log(part) + (length - 1) * np.log(q) + np.where(ended, np.log(1 - q), 0.0))
        top = np.maximum(*both)
        is_long = np.exp(both[1] - top) / (np.exp(both[0] - top) + np.exp(both[1] - top))
        share = float(np.clip((weight * is_long).sum() / weight.sum(), 1e-3, 1 - 1e-3))
        means = [
            max(float((weight * part * trials).sum() / max((weight * part * ended).sum(), 1e-12)), 1.01)
            for part in (1 - is_long, is_long)
        ]
        moved = abs(means[0] - short) + abs(means[1] - long)
        short, long = means
        if moved < _SETTLED_EPOCHS:
            break
    return share, short, long
