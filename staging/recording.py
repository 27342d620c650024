"""One device session in memory: channels on one time axis.

Assumptions
-----------
- Time is seconds from the recording's own zero (``Recording.start`` where a clock is known). Zero is where the
  epoch grid begins; a channel may begin before or after it and end when it likes.
- ``Recording.start`` is an aware datetime. Arithmetic is done in UTC; its zone serves display only.
- Units are fixed by the channel: acceleration in g, temperature in °C, inter-beat intervals in s, heart rate in
  bpm, PPG in arbitrary units, activity counts as te Lindert & Van Someren define them.
- Missing samples are NaN. Nothing is filtered here: a reader converts units and time and leaves the rest.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

import numpy as np
from numpy.typing import NDArray

from staging.errors import RecordingError

__all__ = ["CHANNELS", "EPOCH_S", "TAKEN_AS_UTC", "Events", "Recording", "Signal"]

EPOCH_S = 30.0
"""Length of a scoring epoch in seconds (AASM)."""

MAX_STEP_S = 15.0
"""Longest time that a single value of an irregular channel stands for: a bin of activity counts."""

TAKEN_AS_UTC = "is taken as UTC"
"""How the warning about a clock without a zone ends; with a zone it is void."""

CHANNELS = ("acc", "ppg", "temp", "ibi", "hr", "counts")
"""Names of the channels that a recording may hold, raw sensors first."""

FloatArray = NDArray[np.float32] | NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Signal:
    """A uniformly sampled channel.

    Attributes
    ----------
    samples : ndarray of float32, shape (n,) or (n, 3)
        Values; NaN where the device gave none.
    rate_hz : float
        Sampling rate.
    unit : str
        ``"g"``, ``"degC"`` or ``"a.u."``.
    start_s : float
        Time of the first sample, seconds from the recording's zero; may be negative.

    Raises
    ------
    ValueError
        If the rate is not positive and finite or the samples have a wrong shape.

    Examples
    --------
    >>> temp = Signal(samples=np.full(240, 33.5, np.float32), rate_hz=4.0, unit="degC")
    >>> temp.duration_s
    60.0
    """

    samples: FloatArray
    rate_hz: float
    unit: str
    start_s: float = 0.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.rate_hz) and self.rate_hz > 0):
            raise ValueError(f"rate_hz must be positive and finite, got {self.rate_hz}")
        if self.samples.ndim not in (1, 2) or (self.samples.ndim == 2 and self.samples.shape[1] != 3):
            raise ValueError(f"samples must have shape (n,) or (n, 3), got {self.samples.shape}")

    @property
    def duration_s(self) -> float:
        """Number of samples divided by the rate, in seconds."""
        return len(self.samples) / self.rate_hz

    @property
    def end_s(self) -> float:
        """Time just after the last sample, seconds from the recording's zero."""
        return self.start_s + self.duration_s

    def times_s(self) -> NDArray[np.float64]:
        """Times of the samples, float64 ``(n,)``, seconds from the recording's zero."""
        return self.start_s + np.arange(len(self.samples), dtype=np.float64) / self.rate_hz


@dataclass(frozen=True, kw_only=True, eq=False)
class Events:
    """An irregular channel: heart-rate samples of a watch, inter-beat intervals, activity counts.

    Attributes
    ----------
    times_s : ndarray of float64, shape (n,)
        Increasing times in seconds from the recording's zero. An inter-beat interval stands at the beat that ends
        it; a count at the start of the bin it was summed over.
    values : ndarray of float64, shape (n,)
        Values; NaN where the device gave none.
    unit : str
        ``"s"``, ``"bpm"`` or ``"counts"``.

    Raises
    ------
    ValueError
        If the shapes differ or the times do not increase.
    """

    times_s: NDArray[np.float64]
    values: NDArray[np.float64]
    unit: str

    def __post_init__(self) -> None:
        if self.times_s.shape != self.values.shape or self.times_s.ndim != 1:
            raise ValueError(f"times_s {self.times_s.shape} and values {self.values.shape} must be equal and 1-D")
        if np.any(np.diff(self.times_s) <= 0) or not np.all(np.isfinite(self.times_s)):
            raise ValueError("times_s must be finite and increase")

    @property
    def end_s(self) -> float:
        """End of what the last value stands for, seconds from the recording's zero; 0 without values.

        An inter-beat interval ends at its time. A heart rate or a count stands for the step that follows it: the
        median distance of the times, at most 15 s.
        """
        if not self.times_s.size:
            return 0.0
        last = float(self.times_s[-1])
        if self.unit == "s" or self.times_s.size == 1:
            return last
        return last + min(float(np.median(np.diff(self.times_s))), MAX_STEP_S)


@dataclass(frozen=True, kw_only=True, eq=False)
class Recording:
    """One device session: whatever channels the device gave, on one time axis.

    Attributes
    ----------
    start : datetime or None
        Wall-clock time of second 0, aware; None where the device knew no clock.
    wall_clock : bool
        The device's clock has no zone, and ``start`` is what it showed, taken as UTC: `in_zone` puts that right.
    acc, ppg, temp : Signal or None
        Acceleration (g, shape (n, 3)), photoplethysmogram (a.u.), skin temperature (°C).
    ibi, hr, counts : Events or None
        Inter-beat intervals (s), heart rate (bpm), te Lindert & Van Someren activity counts.
    device, subject, source : str
        What recorded, whom, and the file it was read from; empty where unknown.
    lights_off_s, lights_on_s : float or None
        Seconds from the recording's zero, where known.
    warnings : tuple of str
        What the reader mended or doubted, one line each.

    Raises
    ------
    ValueError
        If ``start`` has no zone or lights-on does not follow lights-off.
    """

    start: datetime | None = None
    wall_clock: bool = False
    acc: Signal | None = None
    ppg: Signal | None = None
    temp: Signal | None = None
    ibi: Events | None = None
    hr: Events | None = None
    counts: Events | None = None
    device: str = ""
    subject: str = ""
    source: str = ""
    lights_off_s: float | None = None
    lights_on_s: float | None = None
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.start is not None and self.start.tzinfo is None:
            raise ValueError("start must be an aware datetime; a wall-clock time without zone is ambiguous")
        if self.lights_off_s is not None and self.lights_on_s is not None and self.lights_on_s <= self.lights_off_s:
            raise ValueError("lights_on_s must follow lights_off_s")

    def channels(self) -> dict[str, Signal | Events]:
        """The channels that are present, by name, in the order of `CHANNELS`."""
        found = {name: getattr(self, name) for name in CHANNELS}
        return {name: channel for name, channel in found.items() if channel is not None}

    @property
    def end_s(self) -> float:
        """End of the last channel, seconds from the recording's zero; 0 without channels."""
        return max((channel.end_s for channel in self.channels().values()), default=0.0)

    @property
    def n_epochs(self) -> int:
        """Number of whole 30-s epochs from second 0 to the end of the last channel."""
        return max(0, int((self.end_s + 1e-6) // EPOCH_S))

    def replace(self, **changes: object) -> Recording:
        """A copy with some attributes changed, for instance with a channel taken away."""
        return dataclasses.replace(self, **changes)  # type: ignore[arg-type]

    def in_zone(self, zone: tzinfo) -> Recording:
        """The recording with its start in a zone; unchanged where no clock is known.

        A clock without a zone is taken to have shown the zone's time at second 0, and to run on where the zone's
        clocks change, as devices' own do. The moment of any other clock stays, and is shown in the zone.

        Examples
        --------
        >>> from datetime import UTC
        >>> from zoneinfo import ZoneInfo
        >>> shown = Recording(start=datetime(2026, 3, 28, 22, 41, tzinfo=UTC), wall_clock=True)
        >>> shown.in_zone(ZoneInfo("Europe/Berlin")).start.isoformat()
        '2026-03-28T22:41:00+01:00'
        >>> shown.replace(wall_clock=False).in_zone(ZoneInfo("Europe/Berlin")).start.isoformat()
        '2026-03-28T23:41:00+01:00'
        """
        if self.start is None:
            return self
        if not self.wall_clock:
            return self.replace(start=self.start.astimezone(zone))
        start = self.start.replace(tzinfo=zone)
        end = (start.astimezone(UTC) + timedelta(seconds=self.end_s)).astimezone(zone)
        notes = tuple(warning for warning in self.warnings if not warning.endswith(TAKEN_AS_UTC))
        if end.utcoffset() != start.utcoffset():
            notes += (f"the clocks of {getattr(zone, 'key', zone)} change within it; the device's is taken to run on",)
        return self.replace(start=start, wall_clock=False, warnings=notes)

    def require_epochs(self, minimum: int) -> int:
        """The number of epochs, or an error where the recording is too short to stage.

        Raises
        ------
        RecordingError
            If there are no channels or fewer than `minimum` whole epochs.
        """
        where = self.source or "recording"
        if not self.channels():
            raise RecordingError(where, "no sensor channel was found", "give acceleration, PPG or heart rate")
        if self.n_epochs < minimum:
            raise RecordingError(
                where,
                f"{self.end_s / 60:.1f} min of recording is too short to stage",
                f"give at least {minimum * EPOCH_S / 60:.0f} min",
            )
        return self.n_epochs
