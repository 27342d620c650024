"""Newcastle 2015: a GENEActiv on each wrist with polysomnography, 28 patients of a sleep clinic; movement, temperature.

Assumptions
-----------
- One wrist a night, the left one where there is one, so that every night counts once.
- The scoring's clock is a wall clock without a zone, and the watch was set by the same wall clock. Of the recording
  date and the day after it, the scoring began on that which the watch recorded more of.
- A stage holds for 30 s from its row's time; an epoch without a row is unscored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np

from staging.errors import FormatError, StagingError
from staging.hypnogram import Hypnogram, Stage
from staging.readers import read
from staging.recording import EPOCH_S, Recording
from training.datasets.scoring import named_stages, scored_part
from training.night import NightSource, ScoredRecording

__all__ = ["ATTRIBUTION", "sources"]

ATTRIBUTION = (
    "Newcastle polysomnography and accelerometer data: van Hees V., Charman S., Anderson K., Zenodo 2018, doi "
    "10.5281/zenodo.1160410; van Hees et al., PLoS ONE 10 (2015) e0142533; CC BY 4.0"
)

STAGES = {stage.value: stage for stage in (Stage.W, Stage.N1, Stage.N2, Stage.N3, Stage.R, Stage.UNSCORED)}
DAY_S = 86400

_RECORDING = re.compile(r"MECSLEEP(\d+)_(left|right).*\.bin", re.IGNORECASE)
_SCORING = re.compile(r"MECSLEEP(\d+)_.*\.txt", re.IGNORECASE)
_DATE = re.compile(r"Recording Date:\s*(\d\d)/(\d\d)/(\d{4})")


def sources(folder: Path) -> Iterator[NightSource | StagingError]:
    """One night a participant."""
    watches: dict[str, Path] = {}
    for file in sorted(folder.rglob("*.bin")):
        if (found := _RECORDING.fullmatch(file.name)) is not None:
            watches.setdefault(found[1], file)  # left is before right
    scorings = [(found[1], file) for file in sorted(folder.rglob("*.txt")) if (found := _SCORING.fullmatch(file.name))]
    for subject in sorted(watches.keys() - dict(scorings).keys()):
        yield FormatError(watches[subject], f"the scoring of participant {subject} is missing", "unpack the whole set")
    for subject, file in scorings:
        if subject not in watches:
            yield FormatError(file, f"the recording of participant {subject} is missing", "unpack the whole set")
        else:
            files = (file, watches[subject])
            yield NightSource(dataset="newcastle", name=subject, files=files, read=partial(_read, *files, subject))


def _read(scoring: Path, watch: Path, subject: str) -> ScoredRecording:
    began, reference = _scored(scoring)
    recording = read(watch, format="geneactiv")
    length_s = len(reference) * EPOCH_S
    begin_s = max(
        (_since(recording, began + timedelta(days=days)) for days in (0, 1)),
        key=partial(_overlap_s, recording.end_s, length_s),
    )
    part = scored_part(recording.replace(subject=subject), begin_s, reference)
    return ScoredRecording(dataset="newcastle", subject=subject, recording=part, reference=reference)


def _since(recording: Recording, wall: datetime) -> float:
    """Seconds from the recording's start to a time on its own wall clock."""
    assert recording.start is not None  # the reader always knows it
    return (wall.replace(tzinfo=recording.start.tzinfo) - recording.start).total_seconds()


def _overlap_s(end_s: float, length_s: float, begin_s: float) -> float:
    return min(end_s, begin_s + length_s) - max(0.0, begin_s)


def _scored(file: Path) -> tuple[datetime, Hypnogram]:
    """Wall-clock time of the first scored epoch, and the stages from there on."""
    mend = "copy it from the data set again"
    lines = file.read_bytes().decode("utf-8-sig", errors="replace").splitlines()
    date = next(filter(None, map(_DATE.search, lines)), None)
    rows = [[cell.strip() for cell in line.split("\t")] for line in lines]
    head = next((place for place, row in enumerate(rows) if {"Sleep Stage", "Time [hh:mm:ss]"} <= set(row)), None)
    if date is None or head is None:
        raise FormatError(file, "has no recording date, or no table of sleep stages", mend)
    time, stage = rows[head].index("Time [hh:mm:ss]"), rows[head].index("Sleep Stage")
    body = [row for row in rows[head + 1 :] if len(row) > max(time, stage)]
    try:
        clocks = [datetime.strptime(" ".join([*date.groups(), row[time]]), "%d %m %Y %H:%M:%S") for row in body]
    except ValueError as error:
        raise FormatError(file, f"has a row or a date that is no time ({error})", mend) from error
    if not clocks:
        raise FormatError(file, "holds no stages", mend)
    seconds = np.cumsum([0.0, *((later - clock).total_seconds() % DAY_S for clock, later in pairwise(clocks))])
    if seconds[-1] > DAY_S:
        raise FormatError(file, "the times of its rows go back", mend)
    epochs = np.rint(seconds / EPOCH_S).astype(np.int64)
    names = np.full(epochs[-1] + 1, Stage.UNSCORED.value)
    names[epochs] = [row[stage].upper() for row in body]
    return clocks[0], named_stages(names, STAGES, str(file))
