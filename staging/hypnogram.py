"""Stages by name, one an epoch, with how sure they are and what they were made from.

Assumptions
-----------
- A stage is a name (`Stage`), never a number: five widely used packages use five integer codes. Integers occur only
  as tensor indices, in the order of `Hypnogram.classes`.
- Epochs are contiguous and equally long. The first begins at second 0 of the recording.
- Coarser hypnograms merge classes: LIGHT = N1 + N2, DEEP = N3, NREM = LIGHT + DEEP, S = NREM + R.
- UNSCORED is not a stage: nobody, or nothing, could say.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from staging.errors import HypnogramError

__all__ = ["CLASSES", "Hypnogram", "Stage", "merge_matrix"]


class Stage(StrEnum):
    """Sleep stages (AASM), coarser classes, and UNSCORED.

    Examples
    --------
    >>> Stage("N3") == "N3"
    True
    """

    W = "W"
    N1 = "N1"
    N2 = "N2"
    N3 = "N3"
    R = "R"
    LIGHT = "LIGHT"
    DEEP = "DEEP"
    NREM = "NREM"
    S = "S"
    UNSCORED = "UNSCORED"


CLASSES: Mapping[int, tuple[Stage, ...]] = {
    5: (Stage.W, Stage.N1, Stage.N2, Stage.N3, Stage.R),
    4: (Stage.W, Stage.LIGHT, Stage.DEEP, Stage.R),
    3: (Stage.W, Stage.NREM, Stage.R),
    2: (Stage.W, Stage.S),
}
"""The four resolutions, finest first: number of classes to their names in tensor order."""

_PARTS: Mapping[Stage, frozenset[Stage]] = {
    **{stage: frozenset({stage}) for stage in CLASSES[5]},
    Stage.LIGHT: frozenset({Stage.N1, Stage.N2}),
    Stage.DEEP: frozenset({Stage.N3}),
    Stage.NREM: frozenset({Stage.N1, Stage.N2, Stage.N3}),
    Stage.S: frozenset({Stage.N1, Stage.N2, Stage.N3, Stage.R}),
}


def merge_matrix(from_classes: int, to_classes: int) -> NDArray[np.float32]:
    """Matrix that sums probabilities of finer classes into coarser ones.

    Parameters
    ----------
    from_classes, to_classes : int
        Numbers of classes, keys of `CLASSES`; `to_classes` is at most `from_classes`.

    Returns
    -------
    ndarray of float32, shape (from_classes, to_classes)
        1 where the row's class is part of the column's.

    Raises
    ------
    ValueError
        If a resolution is unknown or the second is finer than the first.

    Examples
    --------
    >>> np.array([0.1, 0.2, 0.3, 0.3, 0.1]) @ merge_matrix(5, 3)
    array([0.1, 0.8, 0.1])
    """
    if from_classes not in CLASSES or to_classes not in CLASSES or to_classes > from_classes:
        raise ValueError(f"cannot merge {from_classes} classes into {to_classes}: choose from 5, 4, 3, 2, coarser")
    return np.array(
        [[_PARTS[fine] <= _PARTS[coarse] for coarse in CLASSES[to_classes]] for fine in CLASSES[from_classes]],
        dtype=np.float32,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Hypnogram:
    """A night's stages, one name an epoch.

    Attributes
    ----------
    stages : ndarray of str, shape (n,)
        Names from `classes`, or UNSCORED.
    n_classes : int
        5, 4, 3 or 2: which resolution the stages are in.
    epoch_s : float
        Length of an epoch in seconds.
    start : datetime or None
        Aware wall-clock time of the first epoch's start; None where unknown.
    probabilities : ndarray of float32, shape (n, n_classes), or None
        In the order of `classes`; rows sum to 1; NaN rows where nothing could be said.
    coverage : mapping of str to ndarray of float32, shape (n,)
        Fraction 0-1 of each epoch that a sensor usefully covers, by sensor.
    lights_off_s, lights_on_s : float or None
        Seconds from the first epoch's start, where known.
    source : str
        The file or the scorer it came from.
    warnings : tuple of str
        What was doubted or mended, one line each.

    Raises
    ------
    HypnogramError
        If a stage is not of the resolution, or shapes contradict each other.

    Examples
    --------
    >>> night = Hypnogram(stages=["W", "N1", "N2", "N3", "R"], n_classes=5)
    >>> night.merge(3).stages.tolist()
    ['W', 'NREM', 'NREM', 'NREM', 'R']
    """

    stages: NDArray[np.str_]
    n_classes: int = 5
    epoch_s: float = 30.0
    start: datetime | None = None
    probabilities: NDArray[np.float32] | None = None
    coverage: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    lights_off_s: float | None = None
    lights_on_s: float | None = None
    source: str = ""
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        where = self.source or "hypnogram"
        if self.n_classes not in CLASSES:
            raise HypnogramError(where, f"{self.n_classes} classes are not known", "choose 5, 4, 3 or 2")
        stages = np.asarray(self.stages, dtype=str).reshape(-1)
        unknown = sorted(set(stages.tolist()) - set(self.classes) - {Stage.UNSCORED})
        if unknown:
            known = ", ".join(self.classes)
            raise HypnogramError(
                where,
                f"unknown stage {unknown[0]!r} for {self.n_classes} classes",
                f"use {known} or UNSCORED",
            )
        object.__setattr__(self, "stages", stages.astype("<U8"))
        if not (np.isfinite(self.epoch_s) and self.epoch_s > 0):
            raise HypnogramError(where, f"an epoch of {self.epoch_s} s", "give a positive epoch length")
        if self.start is not None and self.start.tzinfo is None:
            raise HypnogramError(where, "the start has no time zone", "give an offset such as +00:00")
        if self.probabilities is not None and self.probabilities.shape != (len(stages), self.n_classes):
            raise HypnogramError(where, f"probabilities of shape {self.probabilities.shape} for {len(stages)} epochs")
        for sensor, values in self.coverage.items():
            if values.shape != stages.shape:
                raise HypnogramError(where, f"coverage of {sensor} has shape {values.shape}")

    def __len__(self) -> int:
        return len(self.stages)

    @property
    def classes(self) -> tuple[Stage, ...]:
        """Class names in tensor order."""
        return CLASSES[self.n_classes]

    @property
    def duration_s(self) -> float:
        """Number of epochs times their length."""
        return len(self.stages) * self.epoch_s

    def indices(self) -> NDArray[np.int64]:
        """Stages as indices into `classes`, int64 ``(n,)``; -1 where UNSCORED."""
        codes = np.full(len(self.stages), -1, dtype=np.int64)
        for index, stage in enumerate(self.classes):
            codes[self.stages == stage] = index
        return codes

    @classmethod
    def from_indices(cls, indices: ArrayLike, *, n_classes: int = 5, **attributes: object) -> Hypnogram:
        """A hypnogram from indices into ``CLASSES[n_classes]``; anything outside is UNSCORED.

        Examples
        --------
        >>> Hypnogram.from_indices([0, 2, -1]).stages.tolist()
        ['W', 'N2', 'UNSCORED']
        """
        codes = np.asarray(indices, dtype=np.int64)
        names = np.array([*CLASSES[n_classes], Stage.UNSCORED], dtype="<U8")
        inside = (codes >= 0) & (codes < n_classes)
        stages = names[np.where(inside, codes, n_classes)]
        return cls(stages=stages, n_classes=n_classes, **attributes)  # type: ignore[arg-type]

    def merge(self, n_classes: int) -> Hypnogram:
        """The same night in coarser classes; probabilities are summed, stages are merged (not decided anew)."""
        if n_classes == self.n_classes:
            return self
        matrix = merge_matrix(self.n_classes, n_classes)
        codes = self.indices()
        merged = np.where(codes >= 0, matrix.argmax(axis=1)[codes], -1)
        names = np.array([*CLASSES[n_classes], Stage.UNSCORED], dtype="<U8")
        return dataclasses.replace(
            self,
            stages=names[merged],
            n_classes=n_classes,
            probabilities=None if self.probabilities is None else self.probabilities @ matrix,
        )

    def epoch_starts(self) -> list[datetime] | None:
        """Wall-clock start of every epoch in the zone of `start`; None where the start is unknown."""
        if self.start is None:
            return None
        zone, first = self.start.tzinfo, self.start.timestamp()
        return [datetime.fromtimestamp(first + i * self.epoch_s, tz=zone) for i in range(len(self.stages))]

    def end(self) -> datetime | None:
        """Wall-clock end of the last epoch; None where the start is unknown."""
        if self.start is None:
            return None
        moved = self.start.timestamp() + self.duration_s
        return datetime.fromtimestamp(moved, tz=self.start.tzinfo)
