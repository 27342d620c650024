"""A recording's file -> a scored night: the whole way in one function, with a word about each step."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from staging.architecture import summarize
from staging.errors import InputError
from staging.model import load_model
from staging.readers import read
from staging.recording import Recording
from staging.scored import ModelIdentity, ScoredNight
from staging.stager import stage
from staging.tracks import prepare
from staging.wording import NightClock, zone_name

__all__ = ["LightsTime", "model_identity", "parse_lights", "score_file", "time_zone"]


@dataclass(frozen=True, kw_only=True)
class LightsTime:
    """When lights went off or on, as the user said it: exactly one of the three is set.

    Attributes
    ----------
    text : str
        What the user wrote.
    moment : datetime or None
        A date and time with its zone.
    day_s : int or None
        A time of day in the recording's zone, in seconds from midnight.
    elapsed_s : float or None
        Seconds from the recording's start.
    """

    text: str
    moment: datetime | None = None
    day_s: int | None = None
    elapsed_s: float | None = None


def parse_lights(text: str, *, option: str = "lights") -> LightsTime:
    """Read a time as people write it: ``22:45``, ``2026-03-01T22:45+01:00``, ``900s`` or ``15min``.

    Raises
    ------
    InputError
        If it is none of these.

    Examples
    --------
    >>> parse_lights("22:45").day_s, parse_lights("15min").elapsed_s
    (81900, 900.0)
    """
    text = text.strip()
    if clock := re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?", text):
        hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        return LightsTime(text=text, day_s=hours * 3600 + minutes * 60 + seconds)
    if elapsed := re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|min)", text):
        return LightsTime(text=text, elapsed_s=float(elapsed[1]) * (60.0 if elapsed[2] == "min" else 1.0))
    mend = "write 22:45, 2026-03-01T22:45+01:00, or 900s or 15min from the recording's start"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(option, f"{text!r} is not a time", mend) from None
    if moment.tzinfo is None:
        raise InputError(option, f"{text!r} has no time zone", "add its offset, as in 2026-03-01T22:45+01:00")
    return LightsTime(text=text, moment=moment)


def time_zone(name: str, *, option: str = "time zone") -> ZoneInfo:
    """A time zone by its name in the IANA data base.

    Raises
    ------
    InputError
        If there is no zone of that name.
    """
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError; a folder's name gives an OSError
        mend = "give a name such as Europe/Berlin (a system without time zones needs 'pip install tzdata')"
        raise InputError(option, f"{name!r} is not a known time zone", mend) from None


def model_identity(path: str | None = None) -> ModelIdentity:
    """Which model a path, or the package by default, stages with.

    Raises
    ------
    ModelError
        If the file cannot be used.
    """
    spec = load_model(path).spec
    return ModelIdentity(name=spec.name, version=spec.version, headline=spec.headline)


def score_file(
    path: str | os.PathLike[str],
    *,
    name: str = "",
    format: str | None = None,
    channels: Mapping[str, str] | None = None,
    n_classes: int = 5,
    model: str | None = None,
    lights_off: LightsTime | None = None,
    lights_on: LightsTime | None = None,
    zone: ZoneInfo | None = None,
    say: Callable[[str], None] = lambda step: None,
) -> ScoredNight:
    """Read, stage and summarise one recording.

    Parameters
    ----------
    path : path
        The recording.
    name : str
        What its results are called.
    format : str, optional
        Name of the format, where it is not to be told from the content.
    channels : mapping of str to str, optional
        Channel to its name in the file, as `staging.readers.read` takes them.
    n_classes : int
        5, 4, 3 or 2.
    model : str, optional
        A model file; the shipped model otherwise.
    lights_off, lights_on : LightsTime, optional
        In place of the recording's own.
    zone : ZoneInfo, optional
        Zone in which times are shown; the recording's own otherwise.
    say : callable
        Is told each step before it begins.

    Returns
    -------
    ScoredNight
        The night.

    Raises
    ------
    StagingError
        If the recording, an option or the model cannot be used.
    """
    say("reading")
    recording = read(path, format=format, channels=channels)
    if zone is not None and recording.start is not None:
        recording = recording.replace(start=recording.start.astimezone(zone))
    recording = _with_lights(recording, lights_off, lights_on)
    say("finding heart beats and movement")
    tracks = prepare(recording)
    del recording  # raw signals are the bulk of the memory
    say("staging")
    hypnogram = stage(tracks, model=model, n_classes=n_classes)
    say("summarising")
    architecture = summarize(hypnogram)
    return ScoredNight(
        name=name, tracks=tracks, hypnogram=hypnogram, architecture=architecture, model=model_identity(model)
    )


def _with_lights(recording: Recording, off: LightsTime | None, on: LightsTime | None) -> Recording:
    if off is None and on is None:
        return recording
    off_s = recording.lights_off_s if off is None else _seconds(off, recording, "--lights-off", 0.0)
    on_s = recording.lights_on_s if on is None else _seconds(on, recording, "--lights-on", max(off_s or 0.0, 0.0))
    if off_s is not None and on_s is not None and on_s <= off_s:
        clock = NightClock(recording.start, recording.end_s)
        raise InputError(
            recording.source or "recording",
            f"lights-on at {clock.text(on_s)} does not follow lights-off at {clock.text(off_s)}",
            "check --lights-off and --lights-on",
        )
    return recording.replace(lights_off_s=off_s, lights_on_s=on_s)


def _seconds(time: LightsTime, recording: Recording, option: str, from_s: float) -> float:
    """Seconds from the recording's start; a time of day is the first such time from `from_s` on."""
    if time.elapsed_s is not None:
        return time.elapsed_s
    where = recording.source or "recording"
    start = recording.start
    if start is None:
        mend = f"give it from the recording's start, as in {option} 15min"
        raise InputError(where, f"{option} {time.text} needs a clock, and the recording has none", mend)
    if time.moment is not None:
        return time.moment.timestamp() - start.timestamp()
    assert time.day_s is not None
    first = (start.astimezone(UTC) + timedelta(seconds=from_s)).astimezone(start.tzinfo)
    midnight = first.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    for days in (0, 1, 2):
        # Wall-clock arithmetic on purpose: 06:30 stays 06:30 in the night in which the clocks change.
        moment = midnight + timedelta(days=days, seconds=time.day_s)
        at_s = moment.timestamp() - start.timestamp()
        if from_s <= at_s <= recording.end_s:
            return at_s
    span = NightClock(start, recording.end_s).span()
    raise InputError(
        where,
        f"{option} {time.text} ({zone_name(start.tzinfo)}) is not within the recording, {span}",
        "check --timezone, or give the date as well, as in 2026-03-01T22:45+01:00",
    )
