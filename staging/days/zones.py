"""Which zone's clock a traveller lived by, and when: times stay UTC, and are read and shown in the zone of the place.

Assumptions
-----------
- A zone holds from a moment on until another does. A sleep has the zone in which it begins, for its end as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from typing import NamedTuple

from staging.wording import NightClock

__all__ = ["ZoneFrom", "local_clock"]


class ZoneFrom(NamedTuple):
    """A zone, and from when on it holds, in seconds from the recording's zero."""

    from_s: float
    zone: tzinfo


def local_clock(clock: NightClock, zones: Sequence[ZoneFrom], at_s: float) -> NightClock:
    """The clock of the place at a time; the recording's own before the first zone.

    Parameters
    ----------
    clock : NightClock
        Of the recording.
    zones : sequence of ZoneFrom
        In order of time.
    at_s : float
        Seconds from the recording's zero.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from zoneinfo import ZoneInfo
    >>> clock = NightClock(datetime(2026, 3, 1, 12, tzinfo=UTC), 172_800.0)
    >>> zones = [ZoneFrom(86_400.0, ZoneInfo("America/New_York"))]
    >>> [local_clock(clock, zones, hour * 3600.0).text(hour * 3600.0) for hour in (11, 35)]
    ['23:00', '18:00']
    """
    held = [each.zone for each in zones if each.from_s <= at_s]
    if not held or clock.start is None:
        return clock
    return NightClock(clock.start.astimezone(held[-1]), clock.duration_s)
