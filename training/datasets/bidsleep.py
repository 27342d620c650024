"""BIDSleep: an Apple Watch at home, up to seven nights of 47 healthy adults; stages from an EEG headband.

Assumptions
-----------
- The stages are ``expert_label``: those of the headband's own scoring, corrected by one expert. An epoch is 30 s, the
  first begins at ``recStart``, which is wall-clock time of the eastern United States; of the two moments that it can
  mean in the hour when clocks go back, the one nearer to the first heart rate counts.
- Heart rate and acceleration (about 50 Hz, Unix seconds, g) may begin before the stages and go on for days after them:
  they are cut to the scored time.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from staging.errors import FormatError, StagingError
from staging.hypnogram import Hypnogram, Stage
from staging.readers.checks import check
from staging.readers.tables import Table
from staging.readers.timing import to_events, to_signal
from staging.recording import EPOCH_S, Recording
from training.datasets.scoring import named_stages, refuse_other_span
from training.night import NightSource, ScoredRecording

__all__ = ["ATTRIBUTION", "sources"]

ATTRIBUTION = (
    "BIDSleep: Song T.-A., A Multi-Night Instantaneous Heart Rate and Accelerometry Dataset with EEG Sleep Stage "
    "Labels, PhysioNet 1.0.1, 2026, doi 10.13026/rees-1092; Song et al., IEEE TBME 2025, doi "
    "10.1109/TBME.2025.3612158; ODC-By 1.0"
)

ZONE = ZoneInfo("America/New_York")
STAGES = {0: Stage.W, 1: Stage.N1, 2: Stage.N2, 3: Stage.N3, 4: Stage.R, 5: Stage.UNSCORED}


def sources(folder: Path) -> Iterator[NightSource | StagingError]:
    """Several nights a subject, ``Bidslab00/1`` and on."""
    names = ("labels.mat", "hr.csv", "motion.csv")
    for home in sorted({file.parent for name in names for file in folder.rglob(name)}):
        subject = home.parent.name
        files = tuple(home / name for name in names if (home / name).is_file())
        if not (home / "labels.mat").is_file():
            yield FormatError(home, "has no labels.mat", "download the night again")
        elif len(files) < 2:
            yield FormatError(home, "has neither hr.csv nor motion.csv", "download the night again")
        else:
            name = f"{subject}/{home.name}"
            yield NightSource(dataset="bidsleep", name=name, files=files, read=partial(_read, files, subject))


def _read(files: tuple[Path, ...], subject: str) -> ScoredRecording:
    reference, walls = _labels(files[0])
    tables = {file.name: _rows(file) for file in files[1:]}
    first_s = float(np.nanmin(next(iter(tables.values()))[:, 0]))
    start = min(walls, key=lambda wall: abs(wall.timestamp() - first_s))
    all_s = np.concatenate([rows[:, 0] for rows in tables.values()]) - start.timestamp()
    span_s = (float(np.nanmin(all_s)), float(np.nanmax(all_s)))
    refuse_other_span(str(files[0].parent), span_s, 0.0, reference)
    found: dict[str, Any] = {}
    warnings: tuple[str, ...] = ()
    for file in files[1:]:
        rows = tables[file.name]
        times_s = rows[:, 0] - start.timestamp()
        inside = (times_s >= 0) & (times_s < len(reference) * EPOCH_S)
        if not inside.any():
            warnings += (f"{file.name}: nothing of the scored time",)
        elif file.name == "hr.csv":
            found["hr"], notes = to_events(times_s[inside], rows[inside, 1], unit="bpm", where=str(file))
            warnings += notes
        else:
            found["acc"], notes = to_signal(times_s[inside], rows[inside, 1:], unit="g", where=str(file))
            warnings += notes
    recording = Recording(
        start=datetime.fromisoformat(start.isoformat()),
        device="Apple Watch",
        subject=subject,
        source=str(files[0].parent),
        warnings=warnings,
        **found,
    )
    return ScoredRecording(dataset="bidsleep", subject=subject, recording=check(recording), reference=reference)


def _labels(file: Path) -> tuple[Hypnogram, list[datetime]]:
    """The stages, and the moments that their start can mean."""
    from scipy.io import loadmat

    try:
        content = loadmat(file, variable_names=["recStart", "expert_label"])
        start = str(np.ravel(content["recStart"])[0])
        wall = datetime.fromisoformat(start)
        codes = np.ravel(content["expert_label"]).astype(np.int64)
    except Exception as error:  # a damaged file can fail anywhere inside scipy
        mend = "copy it from the data set again"
        raise FormatError(file, f"cannot be read as the set's labels.mat ({error})", mend) from error
    return named_stages(codes, STAGES, str(file)), [wall.replace(tzinfo=ZONE, fold=fold) for fold in (0, 1)]


def _rows(file: Path) -> NDArray[np.float64]:
    rows, _ = Table.parse(file.read_bytes(), str(file)).numbers(range(2 if file.name == "hr.csv" else 4))
    if not np.isfinite(rows[:, 0]).any():
        raise FormatError(file, "has no row with a time", "download the night again")
    return rows
