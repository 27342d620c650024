"""Fitbit: the sleep logs of its data export (``sleep-*.json``) and of its web API.

Assumptions
-----------
- A log of type ``stages`` has wake, light, deep and rem in steps of 30 s in ``levels.data``; ``levels.shortData``
  holds wakes of up to 3 minutes that lie on top of them.
- A log of type ``classic`` has asleep, restless and awake in steps of 60 s: asleep is sleep, the others are wake, as
  in Fitbit's own minutes asleep.
- Times have no zone; the start is lost unless a zone is given.
"""

from __future__ import annotations

import os
from datetime import datetime

import numpy as np

from staging.errors import FormatError
from staging.hypnogram import Hypnogram, Stage
from staging.scorings.options import Options, located
from staging.scorings.own_json import load
from staging.scorings.segments import Segment, numbered, sample, tile

__all__ = ["TITLE", "read", "sniff"]

TITLE = "Fitbit sleep logs (sleep-*.json)"

_LEVELS: dict[int, dict[str, Stage]] = {
    4: {"wake": Stage.W, "light": Stage.LIGHT, "deep": Stage.DEEP, "rem": Stage.R, "unknown": Stage.UNSCORED},
    2: {"asleep": Stage.S, "restless": Stage.W, "awake": Stage.W, "unknown": Stage.UNSCORED},
}
_EPOCH_S = {4: 30.0, 2: 60.0}


def sniff(name: str, head: bytes) -> bool:
    """Whether a file holds Fitbit's sleep logs, from its first bytes."""
    return b'"dateOfSleep"' in head and b'"levels"' in head


def read(path: str | os.PathLike[str], options: Options) -> list[Hypnogram]:
    """Nights and naps of a file of logs.

    Raises
    ------
    FormatError
        If there are no logs, or one has an unknown level, or levels that overlap.
    """
    content = load(path)
    logs = content.get("sleep", [content]) if isinstance(content, dict) else content
    if not isinstance(logs, list) or not logs or not all(isinstance(log, dict) and "levels" in log for log in logs):
        raise FormatError(path, "is no list of sleep logs", "give sleep-*.json of the data export")
    logs = sorted(logs, key=lambda log: str(log.get("startTime", "")))
    return [_night(path, log, options, numbered(path, index, len(logs))) for index, log in enumerate(logs)]


def _night(path: str | os.PathLike[str], log: dict[str, object], options: Options, source: str) -> Hypnogram:
    name = f"log {log.get('logId', log.get('dateOfSleep'))}"
    levels = log["levels"]
    data = levels.get("data") if isinstance(levels, dict) else None
    if not isinstance(levels, dict) or not isinstance(data, list) or not data:
        raise FormatError(path, f"{name} has no levels.data", "export the data again")
    n_classes = 2 if log.get("type") == "classic" or data[0].get("level") in ("asleep", "restless", "awake") else 4
    epoch_s = _EPOCH_S[n_classes]
    zero = _clock(path, name, data[0])
    main = _segments(path, name, "data", data, n_classes, zero)
    short = _segments(path, name, "shortData", levels.get("shortData") or [], n_classes, zero)
    stages, warnings = tile(path, main, epoch_s)
    end_s = len(stages) * epoch_s
    wakes = sample([segment for segment in short if segment.stage == Stage.W], 0.0, end_s, epoch_s)
    start, lost = located(zero, options)
    return Hypnogram(
        stages=np.where(wakes == Stage.W, wakes, stages),
        n_classes=n_classes,
        epoch_s=epoch_s,
        start=start,
        source=source,
        warnings=(*warnings, *lost),
    )


def _segments(
    path: str | os.PathLike[str],
    name: str,
    part: str,
    rows: list[dict[str, object]],
    n_classes: int,
    zero: datetime,
) -> list[Segment]:
    segments: list[Segment] = []
    for number, row in enumerate(rows, start=1):
        place = f"entry {number} of {part} of {name}"
        stage = _LEVELS[n_classes].get(str(row.get("level")))
        if stage is None:
            known = ", ".join(_LEVELS[n_classes])
            raise FormatError(path, f"{place} has the unknown level {row.get('level')!r}", f"the levels are {known}")
        try:
            seconds = float(str(row["seconds"]))
        except (KeyError, ValueError) as error:
            raise FormatError(path, f"{place} has no number of seconds", "export the data again") from error
        begin_s = (_clock(path, place, row) - zero).total_seconds()
        segments.append(Segment(begin_s, seconds, stage, place))
    return segments


def _clock(path: str | os.PathLike[str], place: str, row: dict[str, object]) -> datetime:
    text = row.get("dateTime", row.get("datetime"))
    try:
        return datetime.fromisoformat(str(text))
    except ValueError as error:
        raise FormatError(path, f"{place} has the time {text!r}", "it must be ISO 8601") from error
