"""NSRR annotations (``*-nsrr.xml``): SHHS, MESA, CFS and the other sets of the National Sleep Research Resource.

Assumptions
-----------
- Stages are the events of type ``Stages|Stages``; the number after the bar in ``EventConcept`` tells the stage. Stages
  3 and 4 are N3, movement and unscored are UNSCORED.
- ``Start`` and ``Duration`` are seconds; the epoch length is ``EpochLength``.
- The clock time of the recording's start has no zone; it is lost unless a zone is given. Dates were taken out or
  changed by the resource, so that only the time of day can be trusted.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

from staging.errors import FormatError
from staging.hypnogram import Hypnogram
from staging.readers.xml import Element, elements
from staging.scorings.codes import CODE_TABLES
from staging.scorings.options import Options, located
from staging.scorings.segments import Segment, nights_of, numbered, tile

__all__ = ["TITLE", "read", "sniff"]

TITLE = "NSRR annotations (*-nsrr.xml)"

_STAGES = "Stages|Stages"
_NO_DATE = "01.01.85"


def sniff(name: str, head: bytes) -> bool:
    """Whether a file is NSRR's XML, from its first bytes."""
    return b"<PSGAnnotation" in head


def read(path: str | os.PathLike[str], options: Options) -> list[Hypnogram]:
    """Nights of a file of annotations.

    Raises
    ------
    FormatError
        If the file is broken or has no stages, a stage is unknown, or stages overlap.
    """
    segments: list[Segment] = []
    clock: datetime | None = None
    try:
        with Path(path).open("rb") as file:
            for event in elements(path, file, "ScoredEvent"):
                if event.children.get("EventConcept") == "Recording Start Time":
                    clock = _clock(event.children.get("ClockTime", ""))
                elif event.children.get("EventType") == _STAGES:
                    segments.append(_segment(path, event))
        with Path(path).open("rb") as file:
            lengths = [each.children.get("EpochLength") for each in elements(path, file, "PSGAnnotation")]
    except OSError as error:
        raise FormatError(path, f"cannot be read ({error.strerror})", "give a file that exists") from error
    if not segments:
        raise FormatError(path, "has no events of type Stages|Stages", "give the file *-nsrr.xml")
    epoch_s = options.epoch_s or _epoch_s(lengths[0] if lengths else None)
    nights = nights_of(segments)
    result = []
    for index, night in enumerate(nights):
        stages, warnings = tile(path, night, epoch_s)
        began = None if clock is None else clock + timedelta(seconds=night[0].begin_s)
        start, lost = located(began, options)
        result.append(
            Hypnogram(
                stages=stages,
                n_classes=5,
                epoch_s=epoch_s,
                start=start,
                source=numbered(path, index, len(nights)),
                warnings=(*warnings, *lost),
            )
        )
    return result


def _segment(path: str | os.PathLike[str], event: Element) -> Segment:
    place = f"line {event.line}"
    concept = event.children.get("EventConcept", "")
    stage = CODE_TABLES["rk"].get(concept.rpartition("|")[2])
    if stage is None:
        raise FormatError(path, f"{place} has the unknown stage {concept!r}", "stages are Wake|0 to REM sleep|5")
    try:
        begin_s, length_s = float(event.children["Start"]), float(event.children["Duration"])
    except (KeyError, ValueError) as error:
        raise FormatError(path, f"{place} has no Start or Duration in seconds", "export the file again") from error
    return Segment(begin_s, length_s, stage, place)


def _epoch_s(text: str | None) -> float:
    try:
        length_s = float(text or 30.0)
    except ValueError:
        return 30.0
    return length_s if length_s > 0 else 30.0


def _clock(text: str) -> datetime | None:
    """``01.01.85 20.29.59``; the date is made up where the resource took it out."""
    date, _, time = text.strip().rpartition(" ")
    for candidate in (date, _NO_DATE):
        try:
            return datetime.strptime(f"{candidate} {time}", "%d.%m.%y %H.%M.%S")
        except ValueError:
            continue
    return None
