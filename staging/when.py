"""What users write about time: when lights went off and on, and in which zone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from staging.errors import InputError
from staging.wording import NightClock, zone_name

__all__ = ["LightsTime", "parse_lights", "resolve_lights", "time_zone"]


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


def resolve_lights(
    off: LightsTime | None,
    on: LightsTime | None,
    *,
    start: datetime | None,
    end_s: float,
    known: tuple[float | None, float | None] = (None, None),
    where: str,
) -> tuple[float | None, float | None]:
    """Seconds from a night's start at which lights went off and on.

    Parameters
    ----------
    off, on : LightsTime or None
        What the user said; None leaves what is known.
    start : datetime or None
        Aware start of the night; None where no clock is known.
    end_s : float
        Its length in seconds. A time of day is the first such time within the night, for lights-on the first after
        lights-off; other times may lie outside.
    known : tuple of float or None
        Lights-off and lights-on as the file has them.
    where : str
        What errors name.

    Returns
    -------
    tuple of float or None
        Lights-off and lights-on.

    Raises
    ------
    InputError
        If a time needs a clock and there is none, does not lie within the night, or lights-on is not the later.

    Examples
    --------
    >>> from datetime import UTC
    >>> start = datetime(2026, 3, 1, 22, 30, tzinfo=UTC)
    >>> resolve_lights(
    ...     parse_lights("22:45"), parse_lights("06:30"), start=start, end_s=9 * 3600.0, where="night.zip")
    (900.0, 28800.0)
    """
    if off is None and on is None:
        return known
    clock = NightClock(start, end_s)
    off_s = known[0] if off is None else _seconds(off, clock, "--lights-off", 0.0, where)
    on_s = known[1] if on is None else _seconds(on, clock, "--lights-on", max(off_s or 0.0, 0.0), where)
    if off_s is not None and on_s is not None and on_s <= off_s:
        raise InputError(
            where,
            f"lights-on at {clock.text(on_s)} does not follow lights-off at {clock.text(off_s)}",
            "check --lights-off and --lights-on",
        )
    return off_s, on_s


def _seconds(time: LightsTime, clock: NightClock, option: str, from_s: float, where: str) -> float:
    """Seconds from the start; a time of day is the first such time from `from_s` on."""
    if time.elapsed_s is not None:
        return time.elapsed_s
    start, first = clock.start, clock.moment(from_s)
    if start is None or first is None:
        mend = f"give it from the recording's start, as in {option} 15min"
        raise InputError(where, f"{option} {time.text} needs a clock, and the recording has none", mend)
    if time.moment is not None:
        return time.moment.timestamp() - start.timestamp()
    midnight = first.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    for days in (0, 1):
        # Wall-clock arithmetic on purpose: 06:30 stays 06:30 in the night in which the clocks change.
        moment = midnight + timedelta(days=days, seconds=time.day_s or 0)
        at_s = moment.timestamp() - start.timestamp()
        if from_s <= at_s <= clock.duration_s:
            return at_s
    raise InputError(
        where,
        f"{option} {time.text} ({zone_name(start.tzinfo)}) is not within the recording, {clock.span()}",
        "check --timezone, or give the date as well, as in 2026-03-01T22:45+01:00",
    )
