"""Sleep-Accel: an Apple Watch's heart rate and movement with polysomnography, healthy adults."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from staging.errors import FormatError, InputError, StagingError
from staging.hypnogram import Hypnogram
from staging.readers import read
from staging.readers.sleep_accel import FILES, kinds_by_subject, read_reference
from staging.readers.tables import Table
from staging.recording import EPOCH_S
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

_ENDING = re.compile("|".join(re.escape(file.rpartition("{}")[2]) + "$" for file in FILES))


def sources(folder: Path) -> Iterator[NightSource | StagingError]:
    """One night a subject, cropped or raw layout; who lacks a file that the set has of everybody is left out."""
    for subject, kinds in kinds_by_subject(folder).items():
        there = {file: folder / file.format(subject) for file in FILES if (folder / file.format(subject)).is_file()}
        files = tuple(there.values())
        layout = RAW if any("/" in file for file in there) else CROPPED
        if not files:
            yield InputError(folder, f"the files of {subject} are packed or deeper in it", "give their own folder")
        elif missing := [kind for kind in layout if kind not in kinds]:
            place = _place(folder, subject, missing[0], layout)
            yield FormatError(place, "it is missing", "download the subject again")
        else:
            make = partial(_read, files[0], subject, files if layout == CROPPED else ())
            yield NightSource(dataset="sleep_accel", name=subject, files=files, read=make)
    for file in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if _ENDING.search(file.name) and not file.name.partition("_")[0].isdecimal():
            yield FormatError(file, "its name does not begin with a subject's number", "name it as it was published")


def _place(folder: Path, subject: str, kind: str, layout: Collection[str]) -> Path:
    """Where a file of a subject should be."""
    names = [file for file, held in FILES.items() if held == kind and ("/" in file) == (layout == RAW)]
    return folder / names[0].format(subject)


def _read(file: Path, subject: str, cropped: tuple[Path, ...]) -> ScoredRecording:
    """Any of the subject's files will do; the reader finds the others from it."""
    reference = read_reference(file)
    _refuse_other_span(cropped, reference)
    return ScoredRecording(
        dataset="sleep_accel",
        subject=subject,
        recording=read(file, format="sleep_accel"),
        reference=reference,
    )


def _refuse_other_span(cropped: tuple[Path, ...], reference: Hypnogram) -> None:
    """In the cropped layout labels and signals end together; where they do not, they are of two nights."""
    signals = [file for file in cropped if file.name.endswith(("_hr.out", "_counts.out"))]
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
