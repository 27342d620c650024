"""MIT-BIH Polysomnographic Database: ECG beats with sleep stages; men of 32-56 years, most with apnoea.

The beats give the same heart-rate track as a watch; there is no movement. Two subjects have two records each.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np

from staging.errors import FormatError, StagingError
from staging.hypnogram import CLASSES, Hypnogram, Stage
from staging.recording import EPOCH_S, Events, Recording
from training.datasets.mit_annotations import BEAT_CODES, read_annotations
from training.datasets.scoring import refuse_other_span, span_s
from training.night import NightSource, ScoredRecording

__all__ = ["ATTRIBUTION", "sources"]

ATTRIBUTION = (
    "MIT-BIH Polysomnographic Database: Ichimaru Y., Moody G.B., Psychiatry Clin Neurosci 53 (1999) 175-177, "
    "PhysioNet, doi 10.13026/C23K5S; ODC-By 1.0"
)

RATE_HZ = 250.0
PREFIX, ENDINGS = "slp", (".hea", ".st", ".ecg")
STAGES = {"W": Stage.W, "1": Stage.N1, "2": Stage.N2, "3": Stage.N3, "4": Stage.N3, "R": Stage.R}
"""Rechtschaffen & Kales as AASM; MT (movement time) has no AASM stage and stays unscored."""


def sources(folder: Path) -> Iterator[NightSource | StagingError]:
    """One night a record, whichever of its files are there."""
    parts = [file for file in sorted(folder.glob("*")) if file.suffix in ENDINGS and not file.name.startswith(".")]
    endings = Counter(file.stem for file in parts)
    for name, number in endings.items():
        # One alone is no record: the set's own README.st lists its annotations.
        if number > 1 and not name.lower().startswith(PREFIX):
            yield FormatError(folder / f"{name}.*", "is not named as the set's records are", "name it slp01a, ...")
    for record in sorted((name for name in endings if name.lower().startswith(PREFIX)), key=str.lower):
        header = folder / f"{record}.hea"
        files = (header, folder / f"{record}.st", folder / f"{record}.ecg")
        missing = [file for file in files if not file.is_file()]
        if missing:
            yield FormatError(missing[0], "it is missing", "download the record again")
        else:
            yield NightSource(dataset="slpdb", name=header.stem, files=files, read=partial(_read, header))


def _read(header: Path) -> ScoredRecording:
    record = header.stem
    stages = read_annotations(header.with_suffix(".st"))
    beats = read_annotations(header.with_suffix(".ecg"))
    # Annotations stand at the start of their epoch; a record's first at sample 1 in place of 0.
    epochs = (stages.samples / RATE_HZ // EPOCH_S).astype(int)
    reference = np.full(epochs[-1] + 1, -1)
    for epoch, note in zip(epochs, stages.notes, strict=True):
        words = note.split()
        if words and words[0] in STAGES:
            reference[epoch] = CLASSES[5].index(STAGES[words[0]])
    beats_s = np.unique(beats.samples[np.isin(beats.codes, list(BEAT_CODES))]) / RATE_HZ
    recording = Recording(
        start=_start(header),
        ibi=Events(times_s=beats_s[1:], values=np.diff(beats_s), unit="s"),
        device="ECG",
        source=str(header),
    )
    subject = re.sub(r"(?<=\d)[abx]$", "", record.lower())
    scored = Hypnogram.from_indices(reference, source=record)
    refuse_other_span(str(header), span_s(recording), 0.0, scored)
    return ScoredRecording(dataset="slpdb", subject=subject, recording=recording, reference=scored)


def _start(header: Path) -> datetime | None:
    """Local time of the first sample; its zone is not known, so it is taken as UTC and only its hour has a meaning."""
    found = re.search(r"(\d+):(\d+):(\d+) (\d+)/(\d+)/(\d+)", header.read_bytes().decode("ascii", "replace"))
    if found is None:
        return None
    hour, minute, second, day, month, year = map(int, found.groups())
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        mend = "copy it from the data set again"
        raise FormatError(header, f"it begins at {found[0]}, which is no time ({error})", mend) from None
