"""Sleep-Accel: an Apple Watch's heart rate and movement with polysomnography, healthy adults."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from staging.errors import InputError, StagingError
from staging.readers import read
from staging.readers.sleep_accel import FILES, read_reference, subjects
from training.night import NightSource, ScoredRecording

__all__ = ["ATTRIBUTION", "sources"]

ATTRIBUTION = (
    "Sleep-Accel: Walch O., Motion and heart rate from a wrist-worn wearable and labeled sleep from polysomnography, "
    "PhysioNet 1.0.0, 2019, doi 10.13026/hmhs-py35; Walch et al., SLEEP 42 (2019) zsz180; ODC-By 1.0"
)


def sources(folder: Path) -> Iterator[NightSource | StagingError]:
    """One night a subject, cropped or raw layout."""
    for subject in subjects(folder):
        files = tuple(folder / file.format(subject) for file in FILES if (folder / file.format(subject)).is_file())
        if files:
            yield NightSource(dataset="sleep_accel", name=subject, files=files, read=partial(_read, files[0], subject))
        else:
            yield InputError(folder, f"the files of {subject} are packed or deeper in it", "give their own folder")


def _read(file: Path, subject: str) -> ScoredRecording:
    """Any of the subject's files will do; the reader finds the others from it."""
    return ScoredRecording(
        dataset="sleep_accel",
        subject=subject,
        recording=read(file, format="sleep_accel"),
        reference=read_reference(file),
    )
