"""Numbers as people read them: minutes, clock times, spans, values with their unit. Used on screen and in reports.

Times of day are shown in the zone of the night's start; without a start, time counts from the first epoch.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from staging.hypnogram import Hypnogram

__all__ = ["NO_VALUE", "NightClock", "Tick", "minutes_text", "range_text", "value_text", "whole_pct", "zone_name"]

NO_VALUE = "–"
"""Stands for a value that is not defined."""

_TIME_OF_DAY = "clock h"
_BARE = ("", "count", "exponent", "index", "probability", "ratio")
"""Units of pure numbers, which are plain from the name."""

_EPOCHS = re.compile(r"\bepochs? (\d+)\b(?:(?: and | to |–|-)(\d+)\b)?")

_TICK_STEPS_S = (60, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800)
_ZONE_GRID_S = 900  # every zone's offset from UTC is a multiple of a quarter of an hour


def minutes_text(minutes: float | None) -> str:
    """Minutes as hours and minutes, or as minutes where there is less than an hour.

    Examples
    --------
    >>> minutes_text(422.5), minutes_text(14.5), minutes_text(20.0), minutes_text(None)
    ('7 h 02 min', '14.5 min', '20 min', '–')
    """
    if minutes is None or not math.isfinite(minutes):
        return NO_VALUE
    if minutes < 60:
        return f"{round(minutes, 1):g} min"
    hours, rest = divmod(int(minutes), 60)
    return f"{hours} h {rest:02d} min"


def value_text(value: float | None, unit: str = "", decimals: int = 1) -> str:
    """A value with its unit, or a dash.

    Examples
    --------
    >>> value_text(87.65, "%"), value_text(3, "count", 0), value_text(23.05, "clock h"), value_text(None, "min")
    ('87.7 %', '3', '23:03', '–')
    """
    if value is None or not math.isfinite(value):
        return NO_VALUE
    if unit == _TIME_OF_DAY:
        minutes = round(value * 60)
        return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"
    suffix = "" if unit in _BARE else f" {unit}"
    return f"{value:.{decimals}f}{suffix}"


def range_text(low: float | None, high: float | None, unit: str = "", decimals: int = 1) -> str:
    """Both ends of an interval, the unit once; a dash where there is none.

    Examples
    --------
    >>> range_text(301.2, 384.0, "min", 0), range_text(None, None, "min"), range_text(23.05, 1.5, "clock h")
    ('301–384 min', '–', '23:03–01:30')
    """
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return NO_VALUE
    first = value_text(low, unit if unit == _TIME_OF_DAY else "", decimals)
    return f"{first}–{value_text(high, unit, decimals)}"


def whole_pct(pct: float) -> str:
    """A share in whole percent that says neither none nor all unless it is.

    Examples
    --------
    >>> whole_pct(0.2), whole_pct(93.4), whole_pct(99.7), whole_pct(100.0)
    ('<1', '93', '99', '100')
    """
    if 0 < pct < 1:
        return "<1"
    return f"{min(round(pct), 99) if pct < 99.95 else 100}"


def zone_name(zone: tzinfo | None) -> str:
    """Name of a time zone: its key where it has one, its offset from UTC where that is all that is known.

    Examples
    --------
    >>> from datetime import timezone
    >>> zone_name(UTC), zone_name(timezone(timedelta(hours=-5)))
    ('UTC', 'UTC-05:00')
    """
    return str(getattr(zone, "key", zone))


@dataclass(frozen=True, kw_only=True)
class Tick:
    """A mark on the time axis: seconds from the first epoch, and its label."""

    at_s: float
    label: str


@dataclass(frozen=True)
class NightClock:
    """Times of a night as people read them.

    Attributes
    ----------
    start : datetime or None
        Aware start of the first epoch; None where no clock is known.
    duration_s : float
        Length of the night.
    """

    start: datetime | None
    duration_s: float

    @classmethod
    def of(cls, hypnogram: Hypnogram) -> NightClock:
        """The clock of a hypnogram."""
        return cls(hypnogram.start, hypnogram.duration_s)

    @property
    def zone(self) -> str:
        """Name of its zone; empty where no clock is known."""
        return "" if self.start is None else zone_name(self.start.tzinfo)

    def moment(self, at_s: float) -> datetime | None:
        """Wall-clock time of a second of the night, in the night's zone; None where no clock is known."""
        if self.start is None:
            return None
        return (self.start.astimezone(UTC) + timedelta(seconds=at_s)).astimezone(self.start.tzinfo)

    def text(self, at_s: float, *, seconds: bool = False) -> str:
        """Time of day, or time since the start where no clock is known.

        Examples
        --------
        >>> NightClock(None, 3600.0).text(95.0, seconds=True)
        '0:01:35'
        >>> NightClock(datetime(2026, 3, 1, 23, 10, tzinfo=UTC), 3600.0).text(3600.0)
        '00:10'
        """
        moment = self.moment(at_s)
        if moment is not None:
            return moment.strftime("%H:%M:%S" if seconds else "%H:%M")
        whole = int(at_s)
        hours, minutes = whole // 3600, whole // 60 % 60
        return f"{hours}:{minutes:02d}" + (f":{whole % 60:02d}" if seconds else "")

    def date_text(self, at_s: float) -> str:
        """Date and time of day, or time since the start where no clock is known.

        Examples
        --------
        >>> NightClock(datetime(2026, 3, 1, 23, 10, tzinfo=UTC), 3600.0).date_text(3600.0)
        '2026-03-02 00:10'
        """
        moment = self.moment(at_s)
        return self.text(at_s) if moment is None else moment.strftime("%Y-%m-%d %H:%M")

    def iso(self, at_s: float, *, utc: bool = False) -> str:
        """Date and time with its offset as machines read them, or seconds since the start where no clock is known.

        Examples
        --------
        >>> NightClock(datetime(2026, 3, 1, 23, 10, tzinfo=UTC), 3600.0).iso(3600.0)
        '2026-03-02T00:10:00+00:00'
        """
        moment = self.moment(at_s)
        if moment is None:
            return f"{at_s:g}"
        return (moment.astimezone(UTC) if utc else moment).isoformat(timespec="seconds")

    def span(self) -> str:
        """From when to when, with dates and zone.

        Examples
        --------
        >>> NightClock(datetime(2026, 3, 1, 23, 10, tzinfo=UTC), 8 * 3600.0).span()
        '2026-03-01 23:10 – 2026-03-02 07:10 (UTC)'
        >>> NightClock(None, 3600.0).span()
        'start time unknown'
        """
        end = self.moment(self.duration_s)
        if self.start is None or end is None:
            return "start time unknown"
        last = end.strftime("%H:%M" if end.date() == self.start.date() else "%Y-%m-%d %H:%M")
        return f"{self.start:%Y-%m-%d %H:%M} – {last} ({zone_name(self.start.tzinfo)})"

    def with_times(self, text: str, epoch_s: float) -> str:
        """A message with the times of the epochs that it names added to them.

        Examples
        --------
        >>> clock = NightClock(datetime(2026, 3, 1, 23, 10, tzinfo=UTC), 3600.0)
        >>> clock.with_times("heart: missing between epochs 20 and 39", 30.0)
        'heart: missing between epochs 20 and 39 (23:20–23:30)'
        >>> clock.with_times("moved in epoch 2", 30.0)
        'moved in epoch 2 (23:11)'
        """

        def add(match: re.Match[str]) -> str:
            first, last = int(match[1]), match[2]
            ends = [first * epoch_s] if last is None else [first * epoch_s, (int(last) + 1) * epoch_s]
            if any(at_s > self.duration_s for at_s in ends):
                return match[0]
            return f"{match[0]} ({'–'.join(self.text(at_s) for at_s in ends)})"

        return _EPOCHS.sub(add, text)

    def ticks(self, most: int = 12) -> list[Tick]:
        """At most so many marks at round times: of day, or since the start where no clock is known.

        Examples
        --------
        >>> [tick.label for tick in NightClock(None, 7200.0).ticks(5)]
        ['0:00', '0:30', '1:00', '1:30', '2:00']
        """
        steps = (step for step in _TICK_STEPS_S if self.duration_s / step < most)
        step = next(steps, math.ceil(self.duration_s / max(most - 1, 1) / 86400) * 86400)
        if self.start is None:
            count = math.floor(self.duration_s / step + 1e-9) + 1
            return [Tick(at_s=float(i * step), label=self.text(i * step)) for i in range(count)]
        # Round times of day are not evenly spaced where the clocks change: look at every quarter of an hour.
        grid = min(step, _ZONE_GRID_S)
        first = self.start.timestamp()
        at = math.ceil(first / grid) * grid
        marks = []
        while at - first <= self.duration_s:
            local = datetime.fromtimestamp(at, tz=self.start.tzinfo)
            days = local.date().toordinal()
            if (days * 86400 + local.hour * 3600 + local.minute * 60 + local.second) % step == 0:
                label = local.strftime("%d %b") if step >= 86400 else local.strftime("%H:%M")
                marks.append(Tick(at_s=at - first, label=label))
            at += grid
        return marks
