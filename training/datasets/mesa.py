"""MESA Sleep: finger pulse wave and wrist actigraphy with polysomnography at home, 2,000 people of 54-95 years.

Assumptions
-----------
- Beats come from the finger's pulse wave ``Pleth`` (256 Hz) and, where that fails or is not there, from the R points of
  the electrocardiogram.
- Actigraphy is of a Philips Actiwatch Spectrum in rows of 30 s, on another clock; ``overlap`` names the row of the
  polysomnography's start, to which that start was rounded. Te Lindert's counts were made to equal an Actiwatch's, in
  bins of 15 s: a row's count is halved between two of them. Time off the wrist, and rows without a count, are missing.
  That the scales of the two devices are the same has not been shown.
- The subject is known by the number in the files' names.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path

import numpy as np

from staging.errors import FormatError, StagingError
from staging.readers.checks import check
from staging.readers.tables import Table
from staging.readers.timing import to_events
from staging.recording import EPOCH_S, Events, Recording
from staging.tracks import COUNTS_BIN_S
from training.datasets.nsrr import EVENTS, edf_sensors, files_by_name, scored_stages, scorings, unscored
from training.datasets.scoring import scored_part
from training.night import NightSource, ScoredRecording

__all__ = ["ATTRIBUTION", "sources"]

ATTRIBUTION = (
    "MESA Sleep: Multi-Ethnic Study of Atherosclerosis, National Sleep Research Resource, doi 10.25822/n7hq-c406; Chen "
    "et al., SLEEP 38 (2015) 877-888, doi 10.5665/sleep.4732; Zhang et al., JAMIA 25 (2018) 1351-1358, doi "
    "10.1093/jamia/ocy064; by agreement with the resource"
)

OVERLAP = "mesa-actigraphy-psg-overlap.csv"
DAY_S = 86400.0


def sources(folder: Path) -> Iterator[NightSource | StagingError]:
    """One night a subject, with whatever of pulse wave, R points and actigraphy is there."""
    files = files_by_name(folder, ["mesa-sleep-*", OVERLAP])
    yield from unscored(files, (".edf", "-rpoint.csv"))
    for night, events in scorings(files).items():
        edf, beats, counts = (files.get(night + ending) for ending in (".edf", "-rpoint.csv", ".csv"))
        overlap = None if counts is None else files.get(OVERLAP)
        if not night.rpartition("-")[2].isdecimal():
            yield FormatError(events, "its name does not end in a subject's number", "name it as it was published")
        elif edf is None and beats is None:
            yield FormatError(events, f"neither {night}.edf nor its R points are there", "download one of them too")
        else:
            read = tuple(file for file in (events, edf, beats, counts, overlap) if file is not None)
            make = partial(_read, events, edf=edf, beats=beats, counts=counts, overlap=overlap)
            yield NightSource(dataset="mesa", name=night, files=read, read=make)


def _read(
    events: Path, *, edf: Path | None, beats: Path | None, counts: Path | None, overlap: Path | None
) -> ScoredRecording:
    subject = events.name.removesuffix(EVENTS).rpartition("-")[2]
    reference, begin_s = scored_stages(events)
    recording = Recording(subject=subject, source=str(edf or beats))
    if edf is not None:
        try:
            recording = edf_sensors(edf).replace(subject=subject)
        except StagingError as error:
            if beats is None:
                raise
            recording = recording.replace(warnings=(str(error),))
    if beats is not None:
        recording = recording.replace(ibi=_intervals(beats))
    if counts is not None:
        found = None if overlap is None else _counts(counts, overlap, int(subject))
        note = () if found else (f"{OVERLAP} does not place the actigraphy: left out",)
        recording = recording.replace(counts=found, warnings=(*recording.warnings, *note))
    recording = check(scored_part(recording, begin_s, reference, not_of_the_night=["counts"]))
    return ScoredRecording(dataset="mesa", subject=subject, recording=recording, reference=reference)


def _intervals(file: Path) -> Events:
    table = Table.parse(file.read_bytes(), str(file))
    header = [name.lower() for name in table.header]
    if "seconds" not in header:
        raise FormatError(file, "has no column seconds", "copy it from the data set again")
    beats_s = np.unique(table.numbers([header.index("seconds")])[0][:, 0])
    beats_s = beats_s[np.isfinite(beats_s)]
    return to_events(beats_s[1:], np.diff(beats_s), unit="s", where=str(file))[0]


def _counts(file: Path, overlap: Path, subject: int) -> Events | None:
    """Counts in seconds from the polysomnography's start; None where nobody knows when that was."""
    at = Table.parse(overlap.read_bytes(), str(overlap))
    ids = at.numbers([_column(at, "mesaid"), _column(at, "line")])[0]
    row = np.flatnonzero(ids[:, 0] == subject)
    if not row.size:
        return None
    clocks = [at.text(_column(at, name))[row[0]] for name in ("linetime", "starttime_psg")]
    line_clock, start_clock = (clock.decode("utf-8", "replace") for clock in clocks)
    table = Table.parse(file.read_bytes(), str(file))
    rows = table.numbers([_column(table, name) for name in ("line", "activity", "offwrist")])[0]
    begin_s = _since(start_clock, line_clock, overlap) + EPOCH_S * (rows[:, 0] - ids[row[0], 1])
    halves = np.where(rows[:, 2] == 1, np.nan, rows[:, 1] / 2)
    times_s = (begin_s[:, None] + np.array([0.0, COUNTS_BIN_S])).ravel()
    return to_events(times_s, np.repeat(halves, 2), unit="counts", where=str(file))[0]


def _column(table: Table, name: str) -> int:
    header = [each.lower() for each in table.header]
    if name not in header:
        raise FormatError(table.where, f"has no column {name}", "copy it from the data set again")
    return header.index(name)


def _since(start: str, moment: str, where: Path) -> float:
    """Seconds from one time of day to another, the shorter way around the clock."""
    try:
        first, second = (datetime.strptime(text, "%H:%M:%S") for text in (start, moment))
    except ValueError as error:
        raise FormatError(where, f"{start!r} or {moment!r} is no time", "copy it from the data set again") from error
    return (float((second - first).total_seconds()) + DAY_S / 2) % DAY_S - DAY_S / 2
