"""Wearanize+: an Empatica E4 with polysomnography, healthy adults; all sensors of the wristband.

Assumptions
-----------
- The two devices had clocks of their own. The published table of synchronisation is off by tens of seconds, and the
  wristband's clock drifts by several more every hour, which would teach a network the wrong stages: it is not used.
  ``offsets.csv`` in the set's folder says where each night's scoring begins, ``night,offset_s,drift_s_per_h``:
  seconds on the wristband's clock from its session's start to the first scored epoch, and the seconds that this clock
  gains in an hour of the polysomnograph's (0 if the column is not there). Both follow from the lag between the beats
  of the polysomnogram's electrocardiogram and those of the wristband, hour by hour; the stages must have no part in
  it. A night without a row is left out.
- Stages are those of the first scorer, 30 s a row; a code beyond 4 is unscored.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from staging.errors import FormatError, InputError, StagingError
from staging.hypnogram import Stage
from staging.readers import read
from staging.readers.tables import Table
from staging.recording import Events, Recording, Signal
from training.datasets.scoring import later, named_stages, scored_part
from training.night import NightSource, ScoredRecording

__all__ = ["ATTRIBUTION", "OFFSETS", "sources"]

ATTRIBUTION = (
    "Wearanize+: Donders Institute, Radboud Data Repository, open-access part, doi 10.34973/xrmf-5726; CC BY 4.0"
)

OFFSETS = "offsets.csv"
STAGES = {0: Stage.W, 1: Stage.N1, 2: Stage.N2, 3: Stage.N3, 4: Stage.R}
UNSCORED = dict.fromkeys((-1, 5, 6, 7, 8, 9), Stage.UNSCORED)
SCORER = "*scorer1"
SESSION = re.compile(r"s\d+$")
"""How the name of a night ends, after that of its subject."""
WRISTBAND = "_Empatica_data.zip"


def sources(folder: Path) -> Iterator[NightSource | StagingError]:
    """One night a session that has a wristband, a scoring and a row of offsets; of any other, what it lacks."""
    wristbands = {file.name.removesuffix(WRISTBAND): file for file in sorted(folder.rglob(f"*{WRISTBAND}"))}
    scorings = {file.stem: file for file in sorted(folder.rglob(f"{SCORER}/*.txt")) if SESSION.search(file.stem)}
    nights = sorted(wristbands.keys() | scorings.keys())
    offsets = _offsets(folder / OFFSETS) if nights else {}
    for night in sorted(offsets.keys() - set(nights)):
        yield InputError(folder / OFFSETS, f"has a row for {night}, which is not there", "unpack that night too")
    for night in nights:
        if night not in wristbands:
            yield FormatError(scorings[night], f"{night}{WRISTBAND} is missing", "download it, or leave the night out")
            continue
        if night not in scorings:
            yield FormatError(wristbands[night], f"{night}.txt of the first scorer is missing", "download it too")
            continue
        if night not in offsets:
            yield InputError(folder / OFFSETS, f"has no row for {night}", "add night,offset_s,drift_s_per_h")
            continue
        files = (scorings[night], wristbands[night])
        make = partial(_read, *files, *offsets[night], subject=SESSION.sub("", night))
        name = f"{night} at {offsets[night]}"  # what is read depends on it, and the file of offsets is of all nights
        yield NightSource(dataset="wearanize", name=name, files=files, read=make)


def _read(scoring: Path, wristband: Path, offset_s: float, drift_s_per_h: float, *, subject: str) -> ScoredRecording:
    rows = Table.parse(scoring.read_bytes(), str(scoring)).numbers([0])[0]
    reference = named_stages(rows[:, 0], STAGES | UNSCORED, str(scoring))
    recording = _on_clock(read(wristband, format="e4"), offset_s, 1 + drift_s_per_h / 3600)
    part = scored_part(recording.replace(subject=subject), 0.0, reference)
    return ScoredRecording(dataset="wearanize", subject=subject, recording=part, reference=reference)


def _offsets(file: Path) -> dict[str, tuple[float, float]]:
    """Offset and drift by night."""
    if not file.is_file():
        mend = "write night,offset_s,drift_s_per_h as training/datasets/wearanize.py says"
        raise InputError(file, "it is missing: nothing published says when the scoring began", mend)
    table = Table.parse(file.read_bytes(), str(file))
    if not {"night", "offset_s"} <= set(table.header):
        raise FormatError(file, f"its columns are {', '.join(table.header)}", "name them night,offset_s,drift_s_per_h")
    nights = [name.decode("utf-8", "replace") for name in table.text(table.header.index("night")).tolist()]
    if not nights:
        raise FormatError(file, "has no row", "write night,offset_s,drift_s_per_h for every night")
    names = [name for name in ("offset_s", "drift_s_per_h") if name in table.header]
    given = table.numbers([table.header.index(name) for name in names])[0]
    if given.shape != (len(nights), len(names)) or not np.isfinite(given).all():
        raise FormatError(file, "lacks a number", "give an offset and a drift in every row")
    rows = np.zeros((len(nights), 2))
    rows[:, : len(names)] = given
    return {night: (offset_s, drift) for night, (offset_s, drift) in zip(nights, rows.tolist(), strict=True)}


def _on_clock(recording: Recording, offset_s: float, seconds_a_second: float) -> Recording:
    """A recording on another clock, given by where its second 0 is and by how many of the old seconds one has."""

    def moved(channel: Signal | Events) -> Signal | Events:
        if isinstance(channel, Events):
            return dataclasses.replace(channel, times_s=(channel.times_s - offset_s) / seconds_a_second)
        start_s = (channel.start_s - offset_s) / seconds_a_second
        return dataclasses.replace(channel, start_s=start_s, rate_hz=channel.rate_hz * seconds_a_second)

    channels = {name: moved(channel) for name, channel in recording.channels().items()}
    return recording.replace(start=recording.start and later(recording.start, offset_s), **channels)
