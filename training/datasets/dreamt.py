"""DREAMT: an Empatica E4 with polysomnography, 100 people of a sleep clinic, many with apnoea.

Assumptions
-----------
- Signals are read as `staging.readers.dreamt` reads them: beats are found in the pulse wave.
- Rows before the polysomnography have the stage P: they are unscored, and the scoring's epochs are counted from the
  first row that is not P. Second 0 is the first of these epochs' boundaries in the recording.
- No clock time is published.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from staging.errors import FormatError, StagingError
from staging.hypnogram import Stage
from staging.readers.checks import check
from staging.readers.dreamt import rows_of, signals_of
from staging.readers.tables import Table
from staging.recording import EPOCH_S, Recording
from training.datasets.scoring import named_stages, scored_part
from training.night import NightSource, ScoredRecording

__all__ = ["ATTRIBUTION", "sources"]

ATTRIBUTION = (
    "DREAMT: Wang K., Yang J., Shetty A., Dunn J., Dataset for Real-time sleep stage EstimAtion using Multisensor "
    "wearable Technology, PhysioNet, doi 10.13026/62an-cb28; PhysioNet Restricted Health Data License 1.5.0"
)

ENDING, PARTICIPANTS = "_whole_df.csv", "participant_info.csv"
ROUNDING_S = 0.1  # the last epoch is whole if the last row is so near to its end
STAGES = {
    "P": Stage.UNSCORED,
    "Missing": Stage.UNSCORED,
    "W": Stage.W,
    "N1": Stage.N1,
    "N2": Stage.N2,
    "N3": Stage.N3,
    "R": Stage.R,
}


def sources(folder: Path) -> Iterator[NightSource | StagingError]:
    """One night a subject; the 64-Hz files, wherever in the folder they are."""
    files = {file.name.removesuffix(ENDING): file for file in sorted(folder.rglob(f"S*{ENDING}"))}
    for subject, file in files.items():
        yield NightSource(dataset="dreamt", name=subject, files=(file,), read=partial(_read, file, subject))
    for file in sorted(folder.rglob("data_64Hz/S*.csv")):
        if file.name.partition("_")[0] not in files:
            yield FormatError(file, "its name is not as published", f"name it S001{ENDING}, with the subject's number")
    for participants in sorted(folder.rglob(PARTICIPANTS)):
        try:
            missing = [subject for subject in _subjects(participants) if subject not in files]
        except StagingError as error:
            yield error
            continue
        if missing:
            named = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
            yield FormatError(participants, f"{len(missing)} of its subjects have no file: {named}", "download them")


def _subjects(participants: Path) -> list[str]:
    table = Table.parse(participants.read_bytes(), str(participants))
    if "SID" not in table.header:
        raise FormatError(participants, "has no column SID", "copy it from the data set again")
    names = [cell.decode("utf-8", "replace") for cell in table.text(table.header.index("SID")).tolist()]
    return [name for name in names if re.fullmatch(r"S\d+", name)]


def _read(file: Path, subject: str) -> ScoredRecording:
    where = str(file)
    table = Table.parse(file.read_bytes(), where)
    if "Sleep_Stage" not in table.header:
        raise FormatError(where, "has no column Sleep_Stage", "give the set's 64-Hz files as published")
    rows, warnings = rows_of(table, where)
    stages = table.text(table.header.index("Sleep_Stage"))[: len(rows)]
    scored = np.flatnonzero(stages != b"P")
    if not np.all(np.diff(rows[:, 0]) >= 0) or not scored.size:
        raise FormatError(where, "its times do not increase, or no row is scored", "copy it from the data set again")
    zero_s = float(rows[0, 0] + (rows[scored[0], 0] - rows[0, 0]) % EPOCH_S)
    times_s = rows[:, 0] - zero_s
    middles_s = np.arange(EPOCH_S / 2, times_s[-1] - EPOCH_S / 2 + ROUNDING_S, EPOCH_S)
    rows_of_epochs = np.searchsorted(times_s, middles_s).clip(max=len(stages) - 1)
    reference = named_stages(np.char.decode(stages[rows_of_epochs], "utf-8", "replace"), STAGES, where)

    found, notes = signals_of(times_s, rows, where)
    recording = Recording(device="Empatica E4", subject=subject, source=where, warnings=(*warnings, *notes), **found)
    night = scored_part(recording, 0.0, reference)
    return ScoredRecording(dataset="dreamt", subject=subject, recording=check(night), reference=reference)
