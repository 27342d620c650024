"""What a reader may need to be told, since the file does not say it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from staging.errors import InputError
from staging.hypnogram import Stage

__all__ = ["Options", "located"]


@dataclass(frozen=True, kw_only=True)
class Options:
    """Choices for reading.

    Attributes
    ----------
    zone : str or None
        Time zone of clock times that the file gives without one, such as ``"Europe/Dublin"``.
    codes : str, mapping of str to Stage, or None
        Name of a table of `staging.scorings.codes.CODE_TABLES`, or a table, for files of bare codes.
    epoch_s : float or None
        Length of an epoch where the file does not say it; 30 s by default.
    column : str or None
        Name, or number from 1, of the column of stages in a table.
    night_column : str or None
        Likewise of a column whose values tell the nights of a table apart.
    device : str or None
        Which device's records to read from a file of several.
    """

    zone: str | None = None
    codes: str | Mapping[str, Stage] | None = None
    epoch_s: float | None = None
    column: str | None = None
    night_column: str | None = None
    device: str | None = None

    def __post_init__(self) -> None:
        if self.epoch_s is not None and not (0 < self.epoch_s <= 3600):
            raise InputError(f"epoch of {self.epoch_s} s", "is not a length for an epoch", "give from 1 to 300 s")
        if self.zone is not None:
            _zone(self.zone)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise InputError(f"zone {name!r}", "is not a known time zone", "give one such as Europe/Dublin") from error


def located(clock: datetime | None, options: Options) -> tuple[datetime | None, tuple[str, ...]]:
    """A clock time in the zone that was given; without one, None and a warning that says how to give it."""
    if clock is None or clock.tzinfo is not None:
        return clock, ()
    if options.zone is None:
        unknown = f"the start {clock:%Y-%m-%d %H:%M:%S} is of unknown time zone and was left out"
        return None, (f"{unknown}; give the zone (--timezone) to keep it",)
    return clock.replace(tzinfo=_zone(options.zone)), ()
