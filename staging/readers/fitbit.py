"""Fitbit heart rate: JSON of its data export, CSV of Google Takeout, intraday JSON of its web API.

======================================= ==================================================================
file                                    holds
======================================= ==================================================================
``heart_rate-YYYY-MM-DD.json``          ``[{"dateTime": "03/01/24 22:10:05", "value": {"bpm", "confidence"}}]``
``heart_rate_YYYY-MM-DD.csv``           ``timestamp,beats per minute``, times with ``Z``
any ``.json`` of the web API            ``activities-heart`` (the date), ``activities-heart-intraday`` (``dataset``)
======================================= ==================================================================

Assumptions
-----------
- Times of the exports are UTC, whatever the watch showed; which zone that was, no file says. Those of the web API are
  the watch's own: taken as UTC, with a warning.
- A confidence of 0 is the watch's way to say that it was not worn or saw no pulse; the bpm beside it (often 70) mean
  nothing.
- An export is an archive: files are read from the newest until a whole night is there (`staging.readers.streams`).
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Sequence
from datetime import UTC
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from staging.errors import FormatError
from staging.readers.clocked import flat, read_clocked, taken_as_utc, unix_s
from staging.readers.source import Source
from staging.readers.streams import Stream, assemble, newest
from staging.recording import Recording

__all__ = ["CHANNELS", "TITLE", "read", "sniff"]

TITLE = "Fitbit heart rate: heart_rate-*.json, heart_rate_*.csv, intraday JSON (file, folder or zip)"
CHANNELS = ("hr",)

_NAME = re.compile(r"heart_rate[-_]\d{4}-\d\d-\d\d\.(?:json|csv)", re.IGNORECASE)
_EXPORT = re.compile(rb'^\s*\[\s*\{\s*"dateTime"\s*:\s*"[\d/]+ [\d:]+"\s*,\s*"value"\s*:\s*\{\s*"bpm"')
_TAKEOUT = re.compile(rb'^\s*"?timestamp"?,"?beats per minute\b', re.IGNORECASE)
_INTRADAY = re.compile(rb'^\s*\{\s*"activities-heart(?:-intraday)?"\s*:')
_HEAD_BYTES = 512
_EXPORT_TIME = re.compile(r"(\d\d)/(\d\d)/(\d\d) (\d\d:\d\d:\d\d)")
_WRONG = (TypeError, KeyError, IndexError, ValueError, AttributeError, OverflowError)
_MEND = "export the data again"


def sniff(source: Source) -> bool:
    """Whether a file begins as one of the three."""
    return bool(_files(source))


def read(source: Source) -> Recording:
    r"""Read the heart rate of a Fitbit.

    Parameters
    ----------
    source : Source
        One file, or a folder or zip with any number of days.

    Returns
    -------
    Recording
        ``hr`` in bpm, NaN where the watch had no confidence in it; of many days the last night.

    Raises
    ------
    FormatError
        If a file is damaged: names the entry or line.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from staging.readers.source import open_source
    >>> text = '[{"dateTime": "03/01/24 22:10:05", "value": {"bpm": 61, "confidence": 2}}]'
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = pathlib.Path(folder, "heart_rate-2024-03-01.json").write_text(text)
    ...     recording = read(open_source(folder))
    >>> recording.start.isoformat(), recording.hr.values.tolist()
    ('2024-03-01T22:10:05+00:00', [61.0])
    """
    notes: list[str] = []
    wall_s: list[float] = []

    def load(name: str) -> Sequence[Stream]:
        where = source.label(name)
        content = source.read(name)
        if _TAKEOUT.match(content.removeprefix(codecs.BOM_UTF8)):
            found = read_clocked(content, where, 0, [1], is_slow=True)
            notes.extend(found.warnings)
            return [Stream("hr", found.times_s, found.values[:, 0], where)]
        entries = _json(content, where)
        if isinstance(entries, dict):
            times_s, bpm = _intraday(entries, where)
            wall_s.extend(times_s[:1])
        else:
            times_s, bpm = _exported(entries, where)
        return [Stream("hr", times_s, bpm, where)]

    names = _files(source)
    if not names:
        raise FormatError(source.where, "holds no heart rate of a Fitbit", "give heart_rate-*.json of the data export")
    streams, unread = newest(names, load, source.where)
    if wall_s:
        notes.append(taken_as_utc(min(wall_s), source.where))
    if unsure := sum(np.count_nonzero(np.isnan(stream.values)) for stream in streams):
        notes.append(f"{unsure} heart rates of confidence 0 taken for none")
    return assemble(
        streams,
        where=source.where,
        zone=UTC,
        wall_clock=bool(wall_s),
        is_archive=True,
        device="Fitbit",
        warnings=[*notes, *unread],
    )


def _files(source: Source) -> list[str]:
    """Those with the name of a day's heart rate, all of one kind; else those whose beginning tells."""
    named = [name for name in source.sizes if _NAME.fullmatch(PurePosixPath(name).name) and source.sizes[name]]
    for ending in (".json", ".csv"):  # a takeout holds both, with the same values
        kind = [name for name in named if name.lower().endswith(ending)]
        if kind and _is_heart_rate(source.head(max(kind), _HEAD_BYTES)):
            return kind
    return source.beginning(_is_heart_rate)


def _is_heart_rate(head: bytes) -> bool:
    head = head.removeprefix(codecs.BOM_UTF8)
    return any(begin.match(head) for begin in (_EXPORT, _TAKEOUT, _INTRADAY))


def _json(content: bytes, where: str) -> object:
    try:
        entries: object = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise FormatError(where, f"is not JSON ({error})", _MEND) from error
    return entries


def _exported(entries: object, where: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times, and bpm with NaN where they mean nothing."""
    if not isinstance(entries, list):
        raise FormatError(where, "is no list of heart rates", _MEND)
    try:
        stamps = [_iso(entry["dateTime"]) for entry in entries]
        bpm = flat(entry["value"]["bpm"] for entry in entries)
        confidence = flat(entry["value"].get("confidence", 1) for entry in entries)
        times_s = unix_s(stamps)
    except _WRONG as error:
        number = next((i for i, entry in enumerate(entries, 1) if not _is_whole(entry)), 1)
        raise FormatError(where, f"entry {number} is no heart rate with a dateTime", _MEND) from error
    bpm[confidence == 0] = np.nan
    return times_s, bpm


def _iso(text: str) -> str:
    found = _EXPORT_TIME.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no time")
    month, day, year, clock = found.groups()
    return f"{'19' if year >= '70' else '20'}{year}-{month}-{day}T{clock}"


def _is_whole(entry: object) -> bool:
    try:
        unix_s([_iso(entry["dateTime"])])  # type: ignore[index]
        float(entry["value"]["bpm"])  # type: ignore[index]
        float(entry["value"].get("confidence", 1))  # type: ignore[index]
    except _WRONG:
        return False
    return True


def _intraday(content: dict[str, object], where: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A day of the web API: one date, and times of day."""
    try:
        date = content["activities-heart"][0]["dateTime"]  # type: ignore[index]
        dataset = content["activities-heart-intraday"]["dataset"]  # type: ignore[index]
        times_s = unix_s([f"{date}T{entry['time']}" for entry in dataset])
        bpm = flat(entry["value"] for entry in dataset)
    except _WRONG as error:
        raise FormatError(where, "is no intraday heart rate of one date", "ask for a day at a time") from error
    return times_s, bpm
