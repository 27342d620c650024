"""Oura: the sleep documents of its API, version 2.

Assumptions
-----------
- ``sleep_phase_30_sec`` is read where the document has it, else ``sleep_phase_5_min``: one digit an epoch from
  ``bedtime_start`` on, 1 deep, 2 light, 3 REM sleep, 4 awake.
- Documents of type ``deleted`` and ``rest`` are no sleep. Each other document is a night (or a nap) of its own.
"""

from __future__ import annotations

import os
from datetime import datetime

import numpy as np

from staging.errors import FormatError
from staging.hypnogram import Hypnogram, Stage
from staging.scorings.options import Options
from staging.scorings.own_json import load
from staging.scorings.segments import numbered

__all__ = ["TITLE", "read", "sniff"]

TITLE = "Oura API v2 sleep documents (.json)"

_PHASES = (("sleep_phase_30_sec", 30.0), ("sleep_phase_5_min", 300.0))
_STAGES = {"1": Stage.DEEP, "2": Stage.LIGHT, "3": Stage.R, "4": Stage.W}
_NO_SLEEP = {"deleted", "rest"}


def sniff(name: str, head: bytes) -> bool:
    """Whether a file holds Oura's sleep documents, from its first bytes."""
    return any(f'"{key}"'.encode() in head for key, _ in _PHASES)


def read(path: str | os.PathLike[str], options: Options) -> list[Hypnogram]:
    """Nights of an answer of the API, a list of documents or a single one.

    Raises
    ------
    FormatError
        If no document holds phases, or one holds an unknown phase or no start.
    """
    content = load(path)
    documents = content.get("data", [content]) if isinstance(content, dict) else content
    if not isinstance(documents, list) or not all(isinstance(document, dict) for document in documents):
        raise FormatError(path, "is no list of sleep documents", "save the answer of /v2/usercollection/sleep")
    asleep = [document for document in documents if document.get("type") not in _NO_SLEEP]
    held = [document for document in asleep if any(document.get(key) for key, _ in _PHASES)]
    if not held:
        raise FormatError(path, "no document has sleep phases", "save the answer of /v2/usercollection/sleep")
    held.sort(key=lambda document: _start(path, document).timestamp())
    return [_night(path, document, numbered(path, index, len(held))) for index, document in enumerate(held)]


def _start(path: str | os.PathLike[str], document: dict[str, object]) -> datetime:
    text = document.get("bedtime_start")
    try:
        start = datetime.fromisoformat(str(text))
    except ValueError:
        start = None
    if start is None or start.tzinfo is None:
        name = document.get("day") or document.get("id") or "a document"
        raise FormatError(path, f"{name} has the bedtime_start {text!r}", "it must be ISO 8601 with an offset")
    return start


def _night(path: str | os.PathLike[str], document: dict[str, object], source: str) -> Hypnogram:
    key, epoch_s = next((key, epoch_s) for key, epoch_s in _PHASES if document.get(key))
    digits = str(document[key])
    wrong = next((place for place, digit in enumerate(digits) if digit not in _STAGES), None)
    if wrong is not None:
        raise FormatError(
            path,
            f"{key} of {document.get('day') or document.get('id')} has {digits[wrong]!r} at place {wrong + 1}",
            "the phases are 1 deep, 2 light, 3 REM and 4 awake",
        )
    return Hypnogram(
        stages=np.array([_STAGES[digit].value for digit in digits]),
        n_classes=4,
        epoch_s=epoch_s,
        start=_start(path, document),
        source=source,
    )
