"""A night with the stages that people scored: what every data set gives and training takes."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from staging.errors import FormatError, InputError, StagingError
from staging.hypnogram import Hypnogram
from staging.recording import EPOCH_S, Recording
from staging.tracks import Tracks, prepare, slice_tracks

__all__ = [
    "Labelled",
    "LabelledNight",
    "NightSource",
    "ScoredRecording",
    "common_epochs",
    "labelled_night",
    "tracks_of",
    "whatever_fails_named",
]


@dataclass(frozen=True, kw_only=True, eq=False)
class ScoredRecording:
    """One recording with the stages that people scored, before anything is made of either.

    Attributes
    ----------
    dataset, subject : str
        Where it is from; a subject never stands on both sides of a split.
    recording : Recording
        What the sensors gave.
    reference : Hypnogram
        Five stages of 30-s epochs, the first of which begins at the recording's second 0.
    """

    dataset: str
    subject: str
    recording: Recording
    reference: Hypnogram


@dataclass(frozen=True, kw_only=True)
class NightSource:
    """A night that has not been read yet: cheap to list, and to send to another process.

    Attributes
    ----------
    dataset, name : str
        The set, and the night's name in it, which no other night of the set has.
    files : tuple of Path
        All that `read` reads; what it gives depends on nothing else.
    read : callable
        Reads the night, or raises the `StagingError` that says why it cannot be; a module's function or a partial of
        one, so that it can be pickled.
    """

    dataset: str
    name: str
    files: tuple[Path, ...]
    read: Callable[[], ScoredRecording]


@contextmanager
def whatever_fails_named(source: NightSource) -> Iterator[None]:
    """Whatever fails while a night's files are read becomes an error that names them, so that the other nights go on.

    Readers name what they know can be wrong. Libraries that decode fail in more ways than anybody lists, and one file
    in two thousand must not end the run. What fails for want of a library or of memory is no file's fault.

    Raises
    ------
    StagingError
        In place of any other exception.
    """
    try:
        yield
    except (StagingError, ImportError, MemoryError):
        raise
    except Exception as error:
        said = str(error).partition("\n")[0]
        problem = f"it cannot be read ({type(error).__name__}: {said})"
        mend = "copy it from the data set again; if it stays so, it is a defect of ours"
        raise FormatError(next(iter(source.files), source.name), problem, mend) from error


class Labelled(Protocol):
    """A night with its stages, whatever was made of its signals."""

    dataset: str
    subject: str
    reference: NDArray[np.int64]

    def digest(self) -> str:
        """Sixteen hexadecimal digits that tell one night, its stages included, from another."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelledNight:
    """One night of one subject.

    Attributes
    ----------
    dataset, subject : str
        Where it is from; a subject never stands on both sides of a split.
    tracks : Tracks
        What was recorded.
    reference : ndarray of int64, shape (S,)
        Scored stages as indices into ``CLASSES[5]``; -1 where nobody scored.
    taught : ndarray of float32, shape (S, 5), optional
        Probabilities of the stages that other networks gave, to learn from beside the reference
        (`training.teaching`). They are no part of the night: its digest is the same without.
    """

    dataset: str
    subject: str
    tracks: Tracks
    reference: NDArray[np.int64]
    taught: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        if self.reference.shape != (self.tracks.n_epochs,):
            raise ValueError(f"{self.reference.shape} stages for {self.tracks.n_epochs} epochs of {self.subject}")
        if self.taught is not None and len(self.taught) != self.tracks.n_epochs:
            raise ValueError(f"{len(self.taught)} epochs taught of {self.tracks.n_epochs} of {self.subject}")

    @property
    def recorded(self) -> NDArray[np.bool_]:
        """Epochs in which heart or motion was recorded, bool ``(S,)``."""
        return np.asarray((self.tracks.coverage["heart"] > 0) | (self.tracks.coverage["motion"] > 0))

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Epochs that are scored and in which heart or motion was recorded, bool ``(S,)``."""
        return np.asarray((self.reference >= 0) & self.recorded)

    @property
    def groups(self) -> frozenset[str]:
        """Groups of inputs (`staging.features.GROUPS`) that were recorded in any of the night; elapsed time always."""
        recorded = {
            "heart": self.tracks.heart_rate_bpm,
            "counts": self.tracks.counts,
            "posture": self.tracks.gravity_g,
            "temperature": self.tracks.temperature_c,
        }
        return frozenset({"clock", *(group for group, track in recorded.items() if np.isfinite(track).any())})

    def digest(self) -> str:
        """Sixteen hexadecimal digits that tell one night, its stages included, from another."""
        return hashlib.sha256(self.reference.tobytes() + self.tracks.digest().encode()).hexdigest()[:16]

    def hypnogram(self) -> Hypnogram:
        """The reference as a hypnogram."""
        return Hypnogram.from_indices(
            self.reference,
            start=self.tracks.start,
            lights_off_s=self.tracks.lights_off_s,
            lights_on_s=self.tracks.lights_on_s,
            source=f"{self.dataset} {self.subject}",
        )


def tracks_of(scored: ScoredRecording) -> LabelledNight:
    """Make a recording's tracks, which takes from a second to minutes."""
    return labelled_night(scored.dataset, scored.subject, prepare(scored.recording), scored.reference)


def labelled_night(dataset: str, subject: str, tracks: Tracks, reference: Hypnogram) -> LabelledNight:
    """Join tracks and reference that begin at the same second 0; the shorter one ends the night.

    Raises
    ------
    InputError
        If the reference is not of these tracks (`common_epochs`).
    """
    n = common_epochs(reference, tracks.n_epochs)
    return LabelledNight(
        dataset=dataset,
        subject=subject,
        tracks=dataclasses.replace(slice_tracks(tracks, 0, n), subject=subject),
        reference=reference.indices()[:n],
    )


def common_epochs(reference: Hypnogram, n_recorded: int) -> int:
    """Number of epochs that are both scored and recorded, where both begin at second 0.

    Raises
    ------
    InputError
        If the reference is not of 30-s epochs in five classes, or spans less than half or more than twice the
        recording.
    """
    if reference.n_classes != 5 or reference.epoch_s != EPOCH_S:
        raise InputError(reference.source, "the labels are not five stages of 30-s epochs", "convert them first")
    n = min(len(reference), n_recorded)
    if 2 * n < max(len(reference), n_recorded):
        raise InputError(
            reference.source,
            f"{len(reference)} labelled epochs for {n_recorded} recorded ones",
            "check that labels and recording are of the same night and begin together",
        )
    return n
