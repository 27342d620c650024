"""Anybody's own scored nights: a folder with a folder or zip for each, which holds a recording and ``labels.csv``.

Assumptions
-----------
- The recording is of any format that `staging.read` knows: plain tables (``hr.csv``, ``acc.csv``, ...), an Empatica
  export, an EDF.
- ``labels.csv`` has the columns ``t_s,stage`` (when the epoch begins, in seconds from the recording's second 0) or
  ``epoch,stage`` (30-s epochs counted from 0). Stages are W, N1, N2, N3, R or UNSCORED; epochs without a row are
  unscored, and all begin a whole number of epochs apart. What was recorded after the last of them is left out.
- ``recording.toml`` may say who slept: ``subject = "S07"``. Nights of one subject never stand on both sides of a
  split, so it has to be said where somebody has several; without it each night is of a subject of its own name.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from staging.errors import FormatError, StagingError
from staging.hypnogram import Hypnogram, Stage
from staging.readers import read
from staging.readers.about import read_about
from staging.readers.source import Source, open_source
from staging.readers.tables import Table
from staging.readers.timing import MAX_SPAN_S
from staging.recording import EPOCH_S
from training.datasets.scoring import named_stages, scored_part
from training.night import NightSource, ScoredRecording

__all__ = ["ATTRIBUTION", "LABELS", "sources"]

ATTRIBUTION = "Plain folder: nights of the people who trained the model"

LABELS = "labels.csv"
STAGES = {stage.value: stage for stage in (Stage.W, Stage.N1, Stage.N2, Stage.N3, Stage.R, Stage.UNSCORED)}
TOLERANCE_S = 0.5


def sources(folder: Path) -> Iterator[NightSource | StagingError]:
    """One night a folder or zip."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name.startswith(".") or not (path.is_dir() or path.suffix.lower() == ".zip"):
            continue
        try:
            source = open_source(path)
            if LABELS not in source.pick([LABELS]):
                raise FormatError(path, f"has no {LABELS}", "add one with the columns t_s,stage or epoch,stage")
        except StagingError as error:
            yield error
            continue
        names = sorted(source.sizes)
        files = (path,) if path.is_file() else tuple(file for file in map(source.local, names) if file is not None)
        yield NightSource(dataset="plain_folder", name=path.name, files=files, read=partial(_read, path))


def _read(path: Path) -> ScoredRecording:
    source = open_source(path)
    reference, begin_s = _labels(source)
    recording = read(path)
    subject = read_about(source)[0].subject or recording.subject or (path.name if path.is_dir() else path.stem)
    part = scored_part(recording, begin_s, reference)
    return ScoredRecording(dataset="plain_folder", subject=subject, recording=part, reference=reference)


def _labels(source: Source) -> tuple[Hypnogram, float]:
    """Stages, and the second of the recording in which the first epoch begins."""
    name = source.pick([LABELS])[LABELS]
    where = source.label(name)
    table = Table.parse(source.read(name), where)
    header = [column.lower() for column in table.header]
    time = next((column for column in ("t_s", "epoch") if column in header), None)
    if time is None or "stage" not in header:
        raise FormatError(where, f"its columns are {', '.join(table.header)}", "name them t_s,stage or epoch,stage")
    times_s = table.numbers([header.index(time)])[0][:, 0] * (1.0 if time == "t_s" else EPOCH_S)
    stages = np.char.upper(np.char.decode(table.text(header.index("stage"))[: len(times_s)], "utf-8", "replace"))
    if not times_s.size or not np.isfinite(times_s).all():
        raise FormatError(where, "has a row without a time, or no row", "give a time and a stage in every row")
    if np.abs(times_s).max() > MAX_SPAN_S:
        problem = f"{times_s[np.abs(times_s).argmax()]:g} s is more than a month from second 0"
        raise FormatError(where, problem, "give seconds from the recording's begin")
    first_s = float(times_s.min())
    begin_s = first_s % EPOCH_S if first_s > 0 else first_s
    epochs = np.rint((times_s - begin_s) / EPOCH_S).astype(np.int64)
    off_s = np.abs(times_s - begin_s - EPOCH_S * epochs)
    if off_s.max() > TOLERANCE_S:
        problem = f"{times_s[off_s.argmax()]:g} s is no whole number of 30-s epochs after {first_s:g} s"
        raise FormatError(where, problem, "give the begin of every 30-s epoch")
    if len(np.unique(epochs)) < len(epochs):
        raise FormatError(where, "has two rows for one epoch", "give every epoch one stage")
    names = np.full(int(epochs.max()) + 1, Stage.UNSCORED.value)
    names[epochs] = stages
    return named_stages(names, STAGES, where), begin_s
