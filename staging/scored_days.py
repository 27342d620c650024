"""A scored recording of many days: its nights, its naps, and what it says as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from staging.architecture.many import ManyNights, summarize_nights
from staging.days import Days, Sleep, ZoneFrom, local_clock, night_date
from staging.scored import ModelIdentity, ScoredNight
from staging.wording import NightClock

__all__ = ["ScoredDays", "night_labels"]


@dataclass(frozen=True, kw_only=True, eq=False)
class ScoredDays:
    """A recording's days, the nights that were staged, and the model that staged them.

    Attributes
    ----------
    name : str
        What its files are called.
    days : Days
        What the sensors said over the whole.
    sleeps : tuple of Sleep
        Nights and naps, found or given, in order of time.
    nights : tuple of ScoredNight
        The nights, in order; those that could not be staged are missing.
    night_sleeps : tuple of Sleep
        The sleep that each of the nights was staged for.
    unstaged : tuple of (Sleep, str)
        The other nights, with the reason.
    naps : tuple of ScoredNight
        Naps that could be staged, in order, each as if it had been recorded alone. The model was trained on nights:
        of naps it is not known how right it is.
    nap_sleeps : tuple of Sleep
        The sleep that each of the naps was staged for.
    model : ModelIdentity
        Which model staged them.
    source, device, subject : str
        As in the recording.
    warnings : tuple of str
        What was mended or doubted, the reader's first.
    zones : tuple of ZoneFrom
        Where the wearer was, as a diary says; empty where all is shown in the recording's zone.
    """

    name: str
    days: Days
    sleeps: tuple[Sleep, ...]
    nights: tuple[ScoredNight, ...]
    night_sleeps: tuple[Sleep, ...]
    unstaged: tuple[tuple[Sleep, str], ...]
    model: ModelIdentity
    source: str = ""
    device: str = ""
    subject: str = ""
    warnings: tuple[str, ...] = ()
    zones: tuple[ZoneFrom, ...] = ()
    naps: tuple[ScoredNight, ...] = ()
    nap_sleeps: tuple[Sleep, ...] = ()

    @property
    def simulated(self) -> bool:
        """No person wore it: its device says so."""
        return "simulated" in self.device.casefold()

    @property
    def file_name(self) -> str:
        """Name of the recording's file or folder, without the folders above it."""
        return Path(self.source).name or self.source or self.name

    @property
    def clock(self) -> NightClock:
        """The recording's times as people read them."""
        return self.days.clock

    def clock_at(self, at_s: float) -> NightClock:
        """The clock of the place where the wearer was at a time."""
        return local_clock(self.clock, self.zones, at_s)

    def staged(self) -> list[tuple[Sleep, ScoredNight]]:
        """Every sleep that was staged, nights and then naps, with what came of it."""
        return list(zip((*self.night_sleeps, *self.nap_sleeps), (*self.nights, *self.naps), strict=True))

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """What the nights are called: the date of the evening, or a number where no clock is known."""
        return night_labels(self.clock, self.night_sleeps, self.zones)

    @cached_property
    def together(self) -> ManyNights:
        """Means, spread and regularity of the nights."""
        return summarize_nights([night.hypnogram for night in self.nights])

    def all_warnings(self) -> tuple[str, ...]:
        """The recording's warnings, and those of each night with its label and times."""
        lines = list(self.warnings)
        for label, night in zip(self.labels, self.nights, strict=True):
            lines += [f"night of {label}: {warning}" for warning in night.timed_warnings()]
        return tuple(dict.fromkeys(lines))


def night_labels(clock: NightClock, sleeps: Sequence[Sleep], zones: Sequence[ZoneFrom] = ()) -> tuple[str, ...]:
    """A name for each night: the date of its evening there, with a number where two have the same; else its number.

    Examples
    --------
    >>> night_labels(NightClock(None, 0.0), [Sleep(begin_s=0.0, end_s=9.0), Sleep(begin_s=20.0, end_s=30.0)])
    ('night-1', 'night-2')
    """
    labels: list[str] = []
    for number, sleep in enumerate(sleeps, start=1):
        day = night_date(local_clock(clock, zones, sleep.begin_s).start, sleep.begin_s)
        label = f"night-{number}" if day is None else day.isoformat()
        before = sum(other == label or other.startswith(f"{label}-") for other in labels) if day is not None else 0
        labels.append(f"{label}-{before + 1}" if before else label)
    return tuple(labels)
