"""What sets of the National Sleep Research Resource have in common: an EDF and an XML of events a night.

Assumptions
-----------
- Files are found by their names wherever in the folder they are, so that any part of a set may be there.
- Times of events are seconds from the EDF's begin; the scoring's epochs are counted from its first stage.
- Dates were taken out: no clock time is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from staging.errors import FormatError
from staging.hypnogram import Hypnogram
from staging.readers import read
from staging.readers.xml import elements
from staging.recording import Recording
from staging.scorings import read_hypnogram

__all__ = ["EVENTS", "edf_sensors", "files_by_name", "scored_stages", "scorings", "unscored"]

EVENTS = "-nsrr.xml"


def files_by_name(folder: Path, patterns: Iterable[str]) -> dict[str, Path]:
    """Files of a folder, and of those in it, that fit any of the patterns."""
    return {file.name: file for pattern in patterns for file in sorted(folder.rglob(pattern))}


def scorings(files: Mapping[str, Path]) -> dict[str, Path]:
    """The XML of every night that has one, by the night's name."""
    return {name.removesuffix(EVENTS): file for name, file in files.items() if name.endswith(EVENTS)}


def unscored(files: Mapping[str, Path], endings: Sequence[str]) -> Iterator[FormatError]:
    """An error for every night that has a recording, which ends in one of the endings, and no XML."""
    scored, named = scorings(files), set()
    for name, file in files.items():
        night = next((name.removesuffix(ending) for ending in endings if name.endswith(ending)), None)
        if night is not None and night not in scored and night not in named:
            named.add(night)
            yield FormatError(file, f"{night}{EVENTS} is missing", "download its scoring too")


def scored_stages(file: Path) -> tuple[Hypnogram, float]:
    """Stages of an XML of events, and the second of the EDF in which the first of them begins.

    Raises
    ------
    FormatError
        If the file is broken or has no stages.
    """
    hypnogram = read_hypnogram(file, format="nsrr")
    with file.open("rb") as opened:
        events = (event.children for event in elements(file, opened, "ScoredEvent"))
        begin_s = next(float(event["Start"]) for event in events if event.get("EventType") == "Stages|Stages")
    return hypnogram, begin_s


def edf_sensors(file: Path) -> Recording:
    """Pulse wave and heart rate of a polysomnogram, as far as it has them; nothing else in it is worn on a wrist.

    Raises
    ------
    FormatError
        If the EDF is damaged, or has neither.
    """
    recording = read(file, format="edf")
    if recording.ppg is None and recording.hr is None:
        raise FormatError(file, "has neither a pulse wave nor a heart rate", "leave the night out")
    return recording.replace(acc=None, temp=None, start=None)
