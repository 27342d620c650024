"""``recording.toml``: what a table of samples cannot say about its recording.

Assumptions
-----------
- ``start`` has its date and a zone. ``lights_off`` and ``lights_on`` are seconds from second 0, or times; without a
  zone they are in that of the start.
- A key that is not known is reported, not guessed at.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo

from staging.errors import FormatError
from staging.readers.source import Source
from staging.readers.timing import MAX_SPAN_S

__all__ = ["ABOUT_FILE", "KEYS", "About", "about_of", "read_about"]

ABOUT_FILE = "recording.toml"

KEYS = ("start", "lights_off", "lights_on", "device", "subject")
"""What may be said."""


@dataclass(frozen=True, kw_only=True)
class About:
    """A recording's own words about itself.

    Attributes
    ----------
    where : str
        The file, as errors name it.
    start : datetime or None
        Aware time of second 0.
    lights_off, lights_on : object
        As written: seconds, or a time; None where not given.
    device, subject : str
        Empty where not given.
    """

    where: str
    start: datetime | None = None
    lights_off: object = None
    lights_on: object = None
    device: str = ""
    subject: str = ""

    def lights_s(self, start: datetime | None) -> tuple[float | None, float | None]:
        """Lights-off and lights-on in seconds from second 0, once its time is known.

        Raises
        ------
        FormatError
            If one is no time, needs a start that is not known, or lights-on does not follow lights-off.
        """
        off_s = _seconds(self.lights_off, f"{self.where}: lights_off", start)
        on_s = _seconds(self.lights_on, f"{self.where}: lights_on", start)
        if off_s is not None and on_s is not None and not on_s > off_s:
            raise FormatError(self.where, "lights_on does not follow lights_off", "mend the two times")
        return off_s, on_s


def read_about(source: Source) -> tuple[About, tuple[str, ...]]:
    """What ``recording.toml`` says, and a warning for every key that means nothing.

    Raises
    ------
    FormatError
        If it is not TOML or the start is not a time with a zone.
    """
    name = None if source.is_file else source.pick([ABOUT_FILE]).get(ABOUT_FILE)
    if name is None or not source.sizes[name]:
        return About(where=source.where), ()
    where = source.label(name)
    try:
        given = tomllib.loads(source.read(name).decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:  # a number of thousands of digits is a plain ValueError
        raise FormatError(where, f"is not TOML ({error})", "write key = value, one a line") from error
    unknown = sorted(set(given) - set(KEYS))
    warnings = tuple(f"{ABOUT_FILE}: {key} means nothing; known are {', '.join(KEYS)}" for key in unknown)
    return about_of(given, where), warnings


def about_of(given: Mapping[str, object], where: str) -> About:
    """What a recording says about itself, checked.

    Raises
    ------
    FormatError
        If the start is not a time with a zone.

    Examples
    --------
    >>> about_of({"start": "2026-03-28T22:41:05+01:00", "subject": "S07"}, "night.h5").subject
    'S07'
    """
    return About(
        where=where,
        start=None if "start" not in given else _moment(given["start"], f"{where}: start", None),
        lights_off=given.get("lights_off"),
        lights_on=given.get("lights_on"),
        device=str(given.get("device", "")),
        subject=str(given.get("subject", "")),
    )


def _moment(value: object, where: str, zone: tzinfo | None) -> datetime:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        moment = None
    if not isinstance(moment, datetime):
        raise FormatError(where, f"{value} is not a time with its date", "write 2026-03-28T22:41:05+01:00")
    if moment.tzinfo is None and zone is None:
        raise FormatError(where, f"{moment.isoformat()} has no zone", "add one, as +01:00")
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)


def _seconds(value: object, where: str, start: datetime | None) -> float | None:
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not abs(value) <= MAX_SPAN_S:
            raise FormatError(where, f"{value!s:.20} is no time", "give seconds from second 0")
        return float(value)
    moment = _moment(value, where, None if start is None else start.tzinfo)
    if start is None:
        raise FormatError(where, "a clock time without a start", "add start, or give seconds from second 0")
    return (moment - start).total_seconds()
