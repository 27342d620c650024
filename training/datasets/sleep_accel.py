"""Sleep-Accel: an Apple Watch's heart rate and movement with polysomnography, healthy adults."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from staging.errors import FormatError, InputError, StagingError
from staging.hypnogram import Hypnogram
from staging.readers import read
from staging.readers.sleep_accel import FILES, kinds_by_subject, read_reference
from staging.readers.tables import Table
from staging.recording import EPOCH_S
from training.datasets.scoring import refuse_other_span, span_s
from training.night import NightSource, ScoredRecording

__all__ = ["ATTRIBUTION", "sources"]

ATTRIBUTION = (
    "Sleep-Accel: Walch O., Motion and heart rate from a wrist-worn wearable and labeled sleep from polysomnography, "
    "PhysioNet 1.0.0, 2019, doi 10.13026/hmhs-py35; Walch et al., SLEEP 42 (2019) zsz180; ODC-By 1.0"
)

CROPPED, RAW = ("labels", "hr", "counts"), ("labels", "hr", "acc")
"""Kinds of files that the set has of everybody, by layout."""

MAX_APART_S = 900.0
"""How far the ends of a cropped night's labels and signals may lie apart; in the set it is 7 min at most."""

_ENDINGS = tuple(file.rpartition("{}")[2] for file, kind in FILES.items() if kind != "steps")


def sources(folder: Path) -> Iterator[NightSource | StagingError]:
    """One night a subject, cropped or raw layout; who lacks a file that others have is left out."""
    by_subject = kinds_by_subject(folder)
    # A part of the set may have been downloaded, as without the large acceleration.
    downloaded = frozenset[str]().union(*by_subject.values()) | {"labels"}
    for subject, kinds in by_subject.items():
        there = [file for file in FILES if (folder / file.format(subject)).is_file()]
        layout = RAW if any("/" in file and FILES[file] != "steps" for file in there) else CROPPED
        missing = [kind for kind in layout if kind in downloaded - kinds]
        files = tuple(folder / file.format(subject) for file in there)
        if not there:
            yield InputError(folder, f"the files of {subject} are packed or deeper in it", "give their own folder")
        elif missing:
            place = _place(folder, subject, missing[0], raw=layout == RAW)
            yield FormatError(place, "it is missing, or empty", "download the subject again")
        else:
            yield NightSource(dataset="sleep_accel", name=subject, files=files, read=partial(_read, files, subject))
    for file in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if file.name.endswith(_ENDINGS) and not file.name.startswith(".") and not _is_of_a_subject(file.name):
            yield FormatError(file, "its name is not as published", "name it by the subject's number, as the others")


def _is_of_a_subject(name: str) -> bool:
    return any(name.removesuffix(ending).isdecimal() for ending in _ENDINGS)


def _place(folder: Path, subject: str, kind: str, *, raw: bool) -> Path:
    """Where a file of a subject should be."""
    return folder / next(file for file, held in FILES.items() if held == kind and ("/" in file) == raw).format(subject)


def _read(files: tuple[Path, ...], subject: str) -> ScoredRecording:
    """Any of the subject's files will do; the reader finds the others from it."""
    reference, recording = read_reference(files[0]), read(files[0], format="sleep_accel")
    _refuse_other_end(files, reference)
    # What shows the posture has a row for every label, whatever was recorded.
    posture = ["acc"] if "counts" in recording.channels() else []
    refuse_other_span(recording.source, span_s(recording, without=posture), 0.0, reference)
    return ScoredRecording(dataset="sleep_accel", subject=subject, recording=recording, reference=reference)


def _refuse_other_end(files: tuple[Path, ...], reference: Hypnogram) -> None:
    """In the cropped layout labels and signals end together; where they do not, they are of two nights."""
    signals = [file for file in files if file.name.endswith(("_cleaned_hr.out", "_cleaned_counts.out"))]
    if not signals:
        return
    times_s = np.concatenate([Table.parse(file.read_bytes(), str(file)).numbers([0])[0][:, 0] for file in signals])
    labelled_s, recorded_s = len(reference) * EPOCH_S, float(np.nanmax(times_s, initial=0.0))
    if abs(recorded_s - labelled_s) > MAX_APART_S:
        raise FormatError(
            reference.source,
            f"its labels end at second {labelled_s:.0f}, what the watch recorded at second {recorded_s:.0f}",
            "check that they are of the same night",
        )
