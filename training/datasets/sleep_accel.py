"""Sleep-Accel: an Apple Watch's heart rate and movement with polysomnography, healthy adults."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from staging.errors import StagingError
from staging.readers import read
from staging.readers.sleep_accel import read_reference, subjects
from staging.tracks import prepare
from training.night import LabelledNight, labelled_night

__all__ = ["ATTRIBUTION", "nights"]

ATTRIBUTION = (
    "Sleep-Accel: Walch O., Motion and heart rate from a wrist-worn wearable and labeled sleep from polysomnography, "
    "PhysioNet 1.0.0, 2019, doi 10.13026/hmhs-py35; Walch et al., SLEEP 42 (2019) zsz180; ODC-By 1.0"
)


def nights(folder: Path) -> Iterator[LabelledNight | StagingError]:
    """One night a subject, cropped or raw layout."""
    for subject in subjects(folder):
        try:
            path = _a_file_of(folder, subject)
            yield labelled_night(
                "sleep_accel", subject, prepare(read(path, format="sleep_accel")), read_reference(path)
            )
        except StagingError as error:
            yield error


def _a_file_of(folder: Path, subject: str) -> Path:
    """Any of the subject's files; the reader finds the others from it."""
    names = (f"{subject}_cleaned_psg.out", f"labels/{subject}_labeled_sleep.txt")
    return next((folder / name for name in names if (folder / name).is_file()), folder / names[0])
