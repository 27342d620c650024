"""Polar's account export: heart rate of day and night, and intervals between beats.

======================== ====================================================================================
file                     holds
======================== ====================================================================================
``247ohr_*.json``        ``deviceDays``: ``date``, ``deviceId``, ``samples`` of ``heartRate`` and
                         ``secondsFromDayStart``
``ppi_samples_*.json``   days: ``date``, ``devicePpiSamplesList`` of ``deviceId``, ``ppiSamples`` of
                         ``sampleDateTime`` and ``pulseLength`` in ms
======================== ====================================================================================

Assumptions
-----------
- Times are the watch's own: taken as UTC, with a warning.
- An interval stands at its time. Several that share a time came together: the last stands there, the others before it
  by their lengths.
- Where several devices recorded, the one with the most values is read, or the one that is asked for by its name.
- The export is an archive of months: files are read from the newest until a whole night is there
  (`staging.readers.streams`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from datetime import UTC
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from staging.errors import FormatError, InputError
from staging.readers.beats import beat_times_s
from staging.readers.clocked import flat, taken_as_utc, unix_s
from staging.readers.source import Source
from staging.readers.streams import Stream, assemble, newest
from staging.recording import Recording

__all__ = ["CHANNELS", "CHOOSES_RECORDER", "TITLE", "read", "sniff"]

TITLE = "Polar account export: 247ohr_*.json and ppi_samples_*.json (a file, folder or zip)"
CHANNELS = ("ibi", "hr")
CHOOSES_RECORDER = True

FloatArray = NDArray[np.float64]

_NAMED = re.compile(r"(?:247ohr|ppi_samples)_.*\.json", re.IGNORECASE)
_HEART = re.compile(rb'^(?:\xef\xbb\xbf)?\s*\{\s*"deviceDays"\s*:')
_BEATS = re.compile(rb'^(?:\xef\xbb\xbf)?\s*\[\s*\{[^\[\]]{0,300}"devicePpiSamplesList"\s*:')
_HEAD_BYTES = 512
_WRONG = (TypeError, KeyError, ValueError, AttributeError, OverflowError)
_MEND = "export the data again"


def sniff(source: Source) -> bool:
    """Whether a file begins as one of the two."""
    return bool(_files(source))


def read(source: Source, *, recorder: str | None = None) -> Recording:
    """Read the heart of a Polar account export.

    Parameters
    ----------
    source : Source
        One file, or the export as a folder or zip.
    recorder : str, optional
        Which device's values: its id, or a part of it.

    Returns
    -------
    Recording
        ``hr`` in bpm and ``ibi`` in s, as far as they are there; of many days the last night.

    Raises
    ------
    FormatError
        If a file is damaged, or none has a value.
    InputError
        If there is no device of the name that is asked for.
    """
    names = _files(source)
    if not names:
        raise FormatError(source.where, "holds no heart rate or beats of a Polar account", "give 247ohr_*.json")
    by_device: dict[str, list[Stream]] = {}

    def load(name: str) -> Sequence[Stream]:
        streams = _streams(_json(source.read(name), source.label(name)), source.label(name))
        for device, stream in streams:
            by_device.setdefault(device, []).append(stream)
        return [stream for device, stream in streams if recorder is None or recorder.lower() in device.lower()]

    _, unread = newest(names, load, source.where)
    if not by_device:
        raise FormatError(source.where, "its days hold no samples", "export a time in which the watch was worn")
    device, notes = _chosen(source.where, by_device, recorder)
    streams = by_device[device]
    first_s = min(float(np.min(stream.times_s)) for stream in streams)
    return assemble(
        streams,
        where=source.where,
        zone=UTC,
        wall_clock=True,
        is_archive=True,
        device=f"Polar {device}".strip(),
        warnings=[*notes, taken_as_utc(first_s, source.where), *unread],
    )


def _files(source: Source) -> list[str]:
    """Those whose name and beginning fit; else, of any name, those whose beginning fits."""

    def fits(head: bytes) -> bool:
        return _HEART.match(head) is not None or _BEATS.match(head) is not None

    named = [name for name in source.sizes if _NAMED.fullmatch(PurePosixPath(name).name) and source.sizes[name]]
    if named and fits(source.head(max(named), _HEAD_BYTES)):
        return named
    return source.beginning(fits)


def _json(content: bytes, where: str) -> Any:
    try:
        return json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise FormatError(where, f"is not JSON ({error})", _MEND) from error


def _streams(entries: Any, where: str) -> list[tuple[str, Stream]]:
    """Streams of a file, with their devices; none where its days are empty."""
    days = entries.get("deviceDays") if isinstance(entries, dict) else entries
    if not isinstance(days, list):
        raise FormatError(where, "holds no list of days", _MEND)
    found: list[tuple[str, Stream]] = []
    for number, day in enumerate(days, 1):
        try:
            found += _heart(day, where) if isinstance(entries, dict) else _beats(day, where)
        except _WRONG as error:
            reason = " ".join(str(error).split())[:60]
            raise FormatError(where, f"day {number} is not as Polar writes it ({reason})", _MEND) from error
    return found


def _heart(day: Any, where: str) -> Iterable[tuple[str, Stream]]:
    """One day of one device: seconds from the day's start."""
    samples = day.get("samples") or []
    if samples:
        times_s = unix_s([day["date"]])[0] + _numbers(samples, "secondsFromDayStart")
        yield str(day.get("deviceId") or ""), Stream("hr", times_s, _numbers(samples, "heartRate"), where)


def _beats(day: Any, where: str) -> Iterable[tuple[str, Stream]]:
    """One day of several devices."""
    for own in day["devicePpiSamplesList"] or []:
        samples = own.get("ppiSamples") or []
        if samples:
            received_s = unix_s(sample["sampleDateTime"] for sample in samples)
            intervals_s = _numbers(samples, "pulseLength") / 1e3
            order = np.argsort(received_s, kind="stable")
            received_s, intervals_s = received_s[order], intervals_s[order]
            times_s = beat_times_s(received_s, intervals_s) if np.any(np.diff(received_s) == 0) else received_s
            yield str(own.get("deviceId") or ""), Stream("ibi", times_s, intervals_s, where)


def _numbers(samples: Sequence[Any], key: str) -> FloatArray:
    """A field of all samples; NaN where it is null, of a heart's also where it is 0."""
    values = flat(sample[key] for sample in samples)
    return values if key == "secondsFromDayStart" else np.where(values > 0, values, np.nan)


def _chosen(where: str, by_device: dict[str, list[Stream]], recorder: str | None) -> tuple[str, list[str]]:
    """Whose values are read, and a warning about the others."""
    devices = sorted(by_device)
    if recorder is not None:
        asked = [device for device in devices if recorder.lower() in device.lower()]
        if len(asked) != 1:
            problem = f"has {len(asked)} recorders of the name {recorder!r}"
            raise InputError(where, problem, f"recorders are {', '.join(devices)}")
        return asked[0], []
    chosen = max(devices, key=lambda device: sum(len(stream.times_s) for stream in by_device[device]))
    others = ", ".join(device or "one without a name" for device in devices if device != chosen)
    return chosen, [f"recorded by {chosen or 'a device without a name'}; left out: {others}"] if others else []
