"""Pieces of scored time -> epochs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from staging.errors import FormatError
from staging.hypnogram import CLASSES, Stage
from staging.readers.timing import MAX_SPAN_S

__all__ = ["NIGHT_GAP_S", "Segment", "nights_of", "numbered", "resolution_of", "sample", "tile"]

NIGHT_GAP_S = 3 * 3600.0
"""Scorings that are farther apart than this, seconds, are of two nights."""

_TOLERANCE_S = 0.01


@dataclass(frozen=True)
class Segment:
    """A stretch of one stage.

    Attributes
    ----------
    begin_s, length_s : float
        Where it begins, seconds from any zero, and how long it lasts.
    stage : Stage
        The stage, or UNSCORED.
    place : str
        Where in the file it stands, for messages: ``"line 12"``.
    """

    begin_s: float
    length_s: float
    stage: Stage
    place: str

    @property
    def end_s(self) -> float:
        """Where it ends, seconds."""
        return self.begin_s + self.length_s


def nights_of(segments: Sequence[Segment]) -> list[list[Segment]]:
    """Segments in order of time, split where nothing is scored for longer than `NIGHT_GAP_S`."""
    nights: list[list[Segment]] = []
    end_s = -np.inf
    for segment in segments:
        if not nights or segment.begin_s - end_s > NIGHT_GAP_S:
            nights.append([])
        nights[-1].append(segment)
        end_s = max(end_s, segment.end_s)
    return nights


def tile(
    path: str | os.PathLike[str], segments: Sequence[Segment], epoch_s: float
) -> tuple[NDArray[np.str_], tuple[str, ...]]:
    """Epochs from segments that must follow each other on the grid of epochs.

    Parameters
    ----------
    path : str or path
        The file, for messages.
    segments : sequence of Segment
        In the order of the file; the first begins the grid.
    epoch_s : float
        Length of an epoch.

    Returns
    -------
    stages : ndarray of str
        Names; UNSCORED where no segment is.
    warnings : tuple of str
        What was left out.

    Raises
    ------
    FormatError
        If a segment begins before the last one ends, does not begin or end with an epoch, or is of no time of a night.
    """
    warnings: list[str] = []
    zero_s = segments[0].begin_s
    stages: list[str] = []
    for segment in segments:
        if not (abs(segment.begin_s - zero_s) < MAX_SPAN_S and abs(segment.length_s) < MAX_SPAN_S):
            problem = f"{segment.place} is of {segment.length_s:g} s from {segment.begin_s:g} s on, which is no night"
            raise FormatError(path, problem, "give the begin and the length of every stage in seconds")
    for index, segment in enumerate(segments):
        first, count = (segment.begin_s - zero_s) / epoch_s, segment.length_s / epoch_s
        if first < len(stages) - _TOLERANCE_S / epoch_s:
            last = segments[index - 1]
            backward = segment.begin_s < last.begin_s - _TOLERANCE_S
            raise FormatError(
                path,
                f"{segment.place} begins at {segment.begin_s:g} s, "
                + ("before" if backward else "within")
                + f" the one before it ({last.begin_s:g} to {last.end_s:g} s)",
                "mend the scoring so that each time has one stage",
            )
        if abs(first - round(first)) * epoch_s > _TOLERANCE_S:
            raise FormatError(
                path,
                f"{segment.place} begins {segment.begin_s - zero_s:g} s after the first, which is not a whole number "
                f"of epochs of {epoch_s:g} s",
                "give the epoch length of the scoring",
            )
        whole = round(count)
        if abs(count - whole) * epoch_s > _TOLERANCE_S:
            if index < len(segments) - 1:
                raise FormatError(
                    path,
                    f"{segment.place} lasts {segment.length_s:g} s, which is not a whole number of epochs of "
                    f"{epoch_s:g} s",
                    "give the epoch length of the scoring",
                )
            whole = int(count)
            warnings.append(f"the last {segment.length_s - whole * epoch_s:g} s are less than an epoch: left out")
        stages += [Stage.UNSCORED.value] * (round(first) - len(stages)) + [segment.stage.value] * whole
    return np.array(stages, dtype="<U8"), tuple(warnings)


def sample(segments: Sequence[Segment], begin_s: float, end_s: float, epoch_s: float) -> NDArray[np.str_]:
    """Stage in the middle of every epoch from one time to another, from segments at any times.

    Where segments overlap, the later one in the sequence is taken; UNSCORED where none is.
    """
    count = max(round((end_s - begin_s) / epoch_s), 1)
    stages = np.full(count, Stage.UNSCORED.value, dtype="<U8")
    for segment in segments:
        first = int(np.ceil((segment.begin_s - begin_s) / epoch_s - 0.5))
        last = int(np.ceil((segment.end_s - begin_s) / epoch_s - 0.5))
        stages[max(first, 0) : max(last, 0)] = segment.stage.value
    return stages


def resolution_of(stages: set[Stage]) -> int | None:
    """The finest resolution that has all of some stages, UNSCORED aside; None where there is none."""
    for n_classes, classes in CLASSES.items():
        if stages - {Stage.UNSCORED} <= set(classes):
            return n_classes
    return None


def numbered(path: str | os.PathLike[str], index: int, count: int) -> str:
    """Name of one of the nights of a file."""
    name = os.fspath(path)
    return name if count == 1 else f"{name} (night {index + 1} of {count})"
