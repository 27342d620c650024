"""Recordings of many days: what their sensors say over all of it, when its wearer slept, and each night cut out.

Assumptions
-----------
- A recording longer than 18 h holds more than one night's sleep, or a night and a day around it.
- Time is seconds from the recording's zero and so in effect UTC: a change of clocks or zones moves no night. The zone
  serves the names of nights, and display.
- A night is staged as if it had been recorded alone: cut from the recording, with some time around it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from staging.days.calibration import NO_ACCELERATION, Calibration, calibrate
from staging.days.periods import find_sleeps
from staging.days.stillness import Stillness, stillness_of_angle, stillness_of_counts, stillness_of_heart
from staging.days.wear import worn_epochs
from staging.days.windows import WINDOW_S, Windows, short_windows
from staging.grid import index_at
from staging.recording import EPOCH_S, Events, Recording, Signal
from staging.temperature import clean_temperature, epoch_mean_c
from staging.tracks import HEART_RATE_STEP_S, heart_rate_steps, later, pulse_felt
from staging.wording import NightClock

__all__ = ["MANY_DAYS_H", "Days", "Sleep", "cut", "is_many_days", "main_sleeps", "night_date", "night_window", "survey"]

MANY_DAYS_H = 18.0
"""A longer recording is searched for its nights; a shorter one is staged as a whole."""

MIN_MAIN_H = 3.0
MIN_APART_H = 12.0
"""A main sleep lasts as long, and its middle is so far from the middle of every longer one."""

MARGIN_S = 1800.0
"""Time before and after a sleep that is staged with it."""

CHUNK_EPOCHS = 2880
"""Raw signals are worked on a day at a time, to bound memory."""

Flags = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Sleep:
    """One time of sleep.

    Attributes
    ----------
    begin_s, end_s : float
        Seconds from the recording's zero.
    kind : str
        ``"night"`` for a main sleep, whatever the hour, or ``"nap"``.
    source : str
        ``"found"`` from the sensors, ``"diary"``, or ``"lights"`` where lights times were given.
    """

    begin_s: float
    end_s: float
    kind: str = "night"
    source: str = "found"


@dataclass(frozen=True, kw_only=True, eq=False)
class Days:
    """What the sensors say over the whole of a recording, one value an epoch.

    Attributes
    ----------
    n_epochs : int
        Number of 30-s epochs.
    start : datetime or None
        Of the first epoch.
    worn : ndarray of bool, shape (n_epochs,)
        The device was on a body.
    recorded : ndarray of bool, shape (n_epochs,)
        Any sensor recorded.
    movement : ndarray of float32, shape (n_epochs,)
        SD of the acceleration in mg, or activity counts where that is all there is; NaN where unknown.
    heart_rate_bpm : ndarray of float32, shape (n_epochs,)
        NaN where unknown.
    temperature_c : ndarray of float32, shape (n_epochs,)
        NaN where unknown.
    calibration : Calibration
        Of the acceleration to gravity.
    found_by : str
        What the sleeps were found by: ``"movement"``, or ``"heart rate"`` where there is no movement.
    sleeps : tuple of Sleep
        Found, in order of time.
    """

    n_epochs: int
    start: datetime | None
    worn: Flags
    recorded: Flags
    movement: NDArray[np.float32]
    heart_rate_bpm: NDArray[np.float32]
    temperature_c: NDArray[np.float32]
    calibration: Calibration
    found_by: str
    sleeps: tuple[Sleep, ...]

    @property
    def clock(self) -> NightClock:
        """The recording's times as people read them."""
        return NightClock(self.start, self.n_epochs * EPOCH_S)

    def off_spans_s(self) -> NDArray[np.float64]:
        """Begin and end of each stretch in which the device recorded and was not worn, float64 ``(k, 2)``."""
        off = np.concatenate([[False], self.recorded & ~self.worn, [False]])
        return np.asarray(np.flatnonzero(off[1:] != off[:-1]).reshape(-1, 2) * EPOCH_S, dtype=np.float64)


def is_many_days(recording: Recording) -> bool:
    """Whether a recording is searched for nights rather than staged as a whole.

    Examples
    --------
    >>> day = Recording(temp=Signal(samples=np.full(86_400, 33.0), rate_hz=1.0, unit="degC"))
    >>> is_many_days(day)
    True
    """
    return recording.end_s > MANY_DAYS_H * 3600.0


def survey(recording: Recording) -> Days:
    """Go through a recording of days: calibrate, tell wear, and find its times of sleep.

    Parameters
    ----------
    recording : Recording
        With acceleration, activity counts or, much less surely, a heart rate; raw signals are read a day at a time.

    Returns
    -------
    Days

    Raises
    ------
    RecordingError
        If there is nothing to tell sleep from.

    Examples
    --------
    >>> counts = Events(times_s=np.arange(5760) * 15.0, values=np.repeat([9.0, 0.0, 9.0], 1920), unit="counts")
    >>> [(round(sleep.begin_s / 3600), round(sleep.end_s / 3600)) for sleep in survey(Recording(counts=counts)).sleeps]
    [(8, 16)]
    """
    n = recording.require_epochs(1)
    windows = None
    calibration = Calibration(problem=NO_ACCELERATION)
    if recording.acc is not None and recording.acc.rate_hz * WINDOW_S >= 1:
        windows = short_windows(recording.acc, n * round(EPOCH_S / WINDOW_S))
        calibration = calibrate(windows)
        windows = calibration.of_windows(windows)
    heart_rate, pulse = _heart(recording, n)
    temperature_c = np.full(n, np.nan, np.float32)
    if recording.temp is not None:
        temperature_c = epoch_mean_c(clean_temperature(recording.temp), n)
    worn = worn_epochs(n, windows=windows, temperature_c=temperature_c, pulse=pulse)
    found_by, movement = "movement", np.full(n, np.nan, np.float32)
    if windows is not None or recording.counts is not None:
        stillness, movement = _movement(recording, windows, worn)
        spans = find_sleeps(stillness, heart_rate)
    else:
        found_by = "heart rate"
        spans = find_sleeps(stillness_of_heart(heart_rate, worn))
    recorded = np.isfinite(movement) | np.isfinite(heart_rate) | np.isfinite(temperature_c)
    return Days(
        n_epochs=n,
        start=recording.start,
        worn=worn,
        recorded=recorded,
        movement=movement,
        heart_rate_bpm=heart_rate,
        temperature_c=temperature_c,
        calibration=calibration,
        found_by=found_by,
        sleeps=main_sleeps(Sleep(begin_s=begin, end_s=end) for begin, end in spans.tolist()),
    )


def main_sleeps(sleeps: Iterator[Sleep] | Sequence[Sleep]) -> tuple[Sleep, ...]:
    """Tell nights from naps: a night is the longest sleep for twelve hours to either side, and lasts three at least.

    Those that a diary or lights times gave are nights in any case; nothing that was found overlaps them.

    Examples
    --------
    >>> found = [Sleep(begin_s=h * 3600.0, end_s=e * 3600.0) for h, e in [(11, 19), (26, 27), (34, 38), (40, 43.5)]]
    >>> [sleep.kind for sleep in main_sleeps(found)]
    ['night', 'nap', 'night', 'nap']
    """
    given: list[Sleep] = []
    found: list[Sleep] = []
    for sleep in sleeps:
        (found if sleep.source == "found" else given).append(sleep)
    nights = [replace(sleep, kind="night") for sleep in given]
    naps = []
    for sleep in sorted(found, key=lambda one: one.begin_s - one.end_s):
        if any(sleep.begin_s < other.end_s and sleep.end_s > other.begin_s for other in given):
            continue
        middle_s = (sleep.begin_s + sleep.end_s) / 2
        alone = all(abs(middle_s - (other.begin_s + other.end_s) / 2) >= MIN_APART_H * 3600 for other in nights)
        if alone and sleep.end_s - sleep.begin_s >= MIN_MAIN_H * 3600:
            nights.append(sleep)
        else:
            naps.append(replace(sleep, kind="nap"))
    return tuple(sorted([*nights, *naps], key=lambda one: one.begin_s))


def night_date(start: datetime | None, begin_s: float) -> date | None:
    """Date of the evening of a sleep that begins so long after a start: from noon to noon of the clock there.

    Examples
    --------
    >>> from datetime import UTC
    >>> night_date(datetime(2026, 3, 1, 12, tzinfo=UTC), 14 * 3600.0).isoformat()
    '2026-03-01'
    """
    if start is None:
        return None
    return (later(start, begin_s).replace(tzinfo=None) - timedelta(hours=12)).date()


def night_window(sleep: Sleep, sleeps: Sequence[Sleep], n_epochs: int) -> tuple[int, int]:
    """First epoch of what is staged for a night, and one past the last: the sleep, and up to half an hour around it.

    What lies around ends half-way to the sleep before and after it, and with the recording.

    Examples
    --------
    >>> night = Sleep(begin_s=36_000.0, end_s=64_800.0)
    >>> night_window(night, [night, Sleep(begin_s=65_400.0, end_s=70_000.0, kind="nap")], 2880)
    (1140, 2170)
    """
    before = max((other.end_s for other in sleeps if other.end_s <= sleep.begin_s), default=-np.inf)
    after = min((other.begin_s for other in sleeps if other.begin_s >= sleep.end_s), default=np.inf)
    begin_s = max(sleep.begin_s - MARGIN_S, (before + sleep.begin_s) / 2)
    end_s = min(sleep.end_s + MARGIN_S, (after + sleep.end_s) / 2)
    first = max(0, int(np.floor(begin_s / EPOCH_S)))
    return first, max(first, min(n_epochs, int(np.ceil(end_s / EPOCH_S))))


def cut(recording: Recording, first: int, stop: int, *, calibration: Calibration | None = None) -> Recording:
    """The epochs from `first` up to `stop` as a recording of their own, whose second 0 is the first of them.

    Signals are views of the recording's own samples; calibrated acceleration is a copy. The reader's warnings are left
    out, for they are about the whole; so are lights times.

    Examples
    --------
    >>> hour = Recording(temp=Signal(samples=np.arange(3600.0), rate_hz=1.0, unit="degC", start_s=-10.0))
    >>> part = cut(hour, 2, 4)
    >>> part.temp.samples[0].item(), part.temp.start_s, part.end_s
    (70.0, 0.0, 60.0)
    """
    begin_s, end_s = first * EPOCH_S, stop * EPOCH_S
    parts: dict[str, Signal | Events] = {}
    for name, channel in recording.channels().items():
        if isinstance(channel, Signal):
            low, high = index_at(channel, np.array([begin_s, end_s])).tolist()
            part = Signal(
                samples=channel.samples[low:high],
                rate_hz=channel.rate_hz,
                unit=channel.unit,
                start_s=channel.start_s + low / channel.rate_hz - begin_s,
            )
            parts[name] = calibration.of_signal(part) if name == "acc" and calibration is not None else part
        else:
            low, high = np.searchsorted(channel.times_s, [begin_s, end_s]).tolist()
            inside = slice(low, high)
            parts[name] = Events(
                times_s=channel.times_s[inside] - begin_s, values=channel.values[inside], unit=channel.unit
            )
    return recording.replace(
        start=None if recording.start is None else later(recording.start, begin_s),
        lights_off_s=None,
        lights_on_s=None,
        warnings=(),
        **parts,
    )


def _heart(recording: Recording, n_epochs: int) -> tuple[NDArray[np.float32], Flags]:
    """Mean heart rate of every epoch, and where a heart was felt; a day at a time."""
    rates, felt = [], []
    for first in range(0, n_epochs, CHUNK_EPOCHS):
        stop = min(first + CHUNK_EPOCHS, n_epochs)
        steps, source = heart_rate_steps(cut(recording, first, stop), stop - first)
        felt.append(pulse_felt(steps, source, stop - first))
        by_epoch = steps.reshape(stop - first, round(EPOCH_S / HEART_RATE_STEP_S))
        known = np.isfinite(by_epoch)
        mean = np.where(known, by_epoch, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
        rates.append(np.where(known.any(axis=1), mean, np.nan).astype(np.float32))
    return np.concatenate(rates), np.concatenate(felt)


def _movement(recording: Recording, windows: Windows | None, worn: Flags) -> tuple[Stillness, NDArray[np.float32]]:
    """When the arm lay still, and how much it moved in every epoch."""
    if windows is not None:
        sd_g = windows.joined(round(EPOCH_S / WINDOW_S)).sd_g
        movement = (1000.0 * np.sqrt((sd_g**2).sum(axis=1))).astype(np.float32)
        return stillness_of_angle(windows.angle_deg(), worn, step_s=WINDOW_S), movement
    assert recording.counts is not None
    times_s, values = recording.counts.times_s, recording.counts.values
    step_s = _step_s(times_s)
    n_steps = round(len(worn) * EPOCH_S / step_s)
    place = np.floor(times_s / step_s + 0.5).astype(np.int64)
    near = (place >= 0) & (place < n_steps)
    counts = np.full(n_steps, np.nan)
    counts[place[near]] = values[near]
    middle_s = (np.arange(len(worn)) + 0.5) * EPOCH_S
    shown = counts[np.minimum((middle_s / step_s).astype(np.int64), n_steps - 1)] if n_steps else middle_s * np.nan
    return stillness_of_counts(counts, worn, step_s=step_s), shown.astype(np.float32)


def _step_s(times_s: NDArray[np.float64]) -> float:
    """Step of activity counts, seconds: their median distance, to the whole second."""
    return float(max(1, round(float(np.median(np.diff(times_s)))))) if times_s.size > 1 else EPOCH_S
