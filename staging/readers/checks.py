"""What no reader can know but a look at the values shows: wrong units, dead sensors, impossible times.

Assumptions
-----------
- A worn sensor: gravity is about 1 g, skin between -20 and 55 °C, a heart between 25 and 250 bpm. A value of 0 bpm
  or 0 s between beats is a device's way to say that it has none.
- A channel that is empty, all NaN, all zero, or a PPG without any change, is dead. It is left out with a warning where
  other channels are alive, and an error where none is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from staging.errors import RecordingError
from staging.readers.acceleration import OTHER_UNITS
from staging.readers.timing import MAX_SPAN_S
from staging.recording import Events, Recording, Signal

__all__ = ["check"]


class _Mistake(NamedTuple):
    low: float
    high: float
    meaning: str
    mend: str


_PLAUSIBLE: Mapping[str, tuple[float, float]] = {
    "acc": (0.0, 2.5),
    "temp": (-20.0, 55.0),
    "ibi": (0.24, 2.4),
    "hr": (25.0, 250.0),
}
"""Where the median of a channel must lie (of the acceleration, its size)."""

_MISTAKES: Mapping[str, tuple[_Mistake, ...]] = {
    "acc": tuple(_Mistake(unit.low, unit.high, f"{unit.name}, not g", unit.mend) for unit in OTHER_UNITS),
    "temp": (
        _Mistake(55.0, 130.0, "°F, not °C", "subtract 32 and divide by 1.8"),
        _Mistake(250.0, 330.0, "K, not °C", "subtract 273.15"),
    ),
    "ibi": (
        _Mistake(240.0, 2400.0, "ms, not s", "divide by 1000"),
        _Mistake(25.0, 240.0, "bpm, not s", "give it as heart rate"),
    ),
    "hr": (
        _Mistake(0.24, 2.4, "s between beats, not bpm", "give it as inter-beat intervals"),
        _Mistake(250.0, 2400.0, "ms between beats, not bpm", "divide by 1000 and give it as inter-beat intervals"),
    ),
}

_MAX_RATE_HZ = 2000.0
_SPARSE_HZ = 1.0
_MAX_SPARSE_S = 2 * 86400.0
_NO_GRAVITY_G = 0.5
_COUNTS_BIN_S = (14.5, 15.5)
_MAX_STEP_S = 600.0
_LOOK_AT = 100_000
_YEARS = (2, 9998)  # nearer to the ends of the calendar a time zone or a night's length leads beyond it


def check(recording: Recording) -> Recording:
    """A recording without dead channels, or the reason why it cannot be right.

    Parameters
    ----------
    recording : Recording
        As a reader gives it.

    Returns
    -------
    Recording
        The same, dead channels left out, infinities and zeros that mean "none" made NaN, each with a warning.

    Raises
    ------
    RecordingError
        If values are in a wrong unit, times are impossible, or no channel is alive.

    Examples
    --------
    >>> still = np.tile(np.float32([0, 0, 9.81]), (320, 1))
    >>> check(Recording(acc=Signal(samples=still, rate_hz=32.0, unit="g"), source="night.zip"))
    Traceback (most recent call last):
    staging.errors.RecordingError: night.zip: acc has a median of 9.81: that is m/s², not g; divide by 9.80665
    """
    where = recording.source or "recording"
    warnings: list[str] = []
    alive: dict[str, Signal | Events] = {}
    for name, channel in recording.channels().items():
        mended, notes = _without_none(name, channel)
        warnings += notes
        dead = _dead(name, _values(mended))
        if dead:
            warnings.append(f"{name} {dead} and was left out")
        else:
            alive[name] = mended
            _refuse_times(where, name, mended)
            warnings += _refuse_values(where, name, mended)
    if not alive:
        problem = (
            "; ".join(line.removesuffix(" and was left out") for line in warnings) or "no sensor channel was found"
        )
        raise RecordingError(where, problem, "give a recording of a worn device")
    changed = {name: alive.get(name) for name in recording.channels()}
    start = recording.start
    if start is not None and not _YEARS[0] <= start.year <= _YEARS[1]:
        warnings.append(f"a start in the year {start.year} is taken for none; clock times are unknown")
        start = None
    checked = recording.replace(**changed, start=start, warnings=(*recording.warnings, *warnings))
    if checked.end_s <= 0:
        raise RecordingError(where, "it ends before second 0", "mend its start")
    return checked


def _values(channel: Signal | Events) -> NDArray[np.float32] | NDArray[np.float64]:
    return channel.samples if isinstance(channel, Signal) else channel.values


def _without_none(name: str, channel: Signal | Events) -> tuple[Signal | Events, list[str]]:
    """Infinities, and zeros of a heart that cannot be, as NaN."""
    values = _values(channel)
    infinite = np.isinf(values)
    if values.dtype == np.float64:  # of single precision, in which tracks are
        infinite |= np.abs(values) > np.finfo(np.float32).max
    zero = values == 0 if name in ("hr", "ibi") else np.zeros(0, dtype=np.bool_)
    notes = [
        f"{name}: {np.count_nonzero(found)} {what} values taken for none"
        for found, what in ((infinite, "infinite"), (zero, "zero"))
        if found.any()
    ]
    if not notes:
        return channel, notes
    none = infinite | zero if zero.size else infinite
    if isinstance(channel, Signal):
        return dataclasses.replace(channel, samples=np.where(none, np.float32(np.nan), channel.samples)), notes
    return dataclasses.replace(channel, values=np.where(none, np.nan, channel.values)), notes


def _dead(name: str, values: NDArray[np.float32] | NDArray[np.float64]) -> str:
    """Why nothing can be learnt from a channel; empty where something can."""
    if not values.size:
        return "is empty"
    low, high = np.fmin.reduce(values, axis=None), np.fmax.reduce(values, axis=None)
    if np.isnan(low):
        return "holds no values"
    if values.ndim == 2 and np.isnan(np.fmin.reduce(values)).any():
        return "lacks an axis"
    if low == high == 0:
        return "is all zeros"
    if name == "ppg" and low == high:
        return "never changes"
    return ""


def _refuse_times(where: str, name: str, channel: Signal | Events) -> None:
    begin_s = channel.start_s if isinstance(channel, Signal) else float(channel.times_s[0])
    end_s = channel.end_s if isinstance(channel, Signal) else float(channel.times_s[-1])
    if max(abs(begin_s), abs(end_s), end_s - begin_s) > MAX_SPAN_S:
        problem = f"{name} runs from second {begin_s:.0f} to {end_s:.0f}"
        raise RecordingError(where, problem, "give seconds from the start, not milliseconds, of one recording")
    if isinstance(channel, Signal):
        _refuse_rate(where, name, channel)
    elif len(channel.times_s) > 1:
        _refuse_step(where, name, float(np.median(np.diff(channel.times_s))))


def _refuse_step(where: str, name: str, step_s: float) -> None:
    if name == "counts" and not _COUNTS_BIN_S[0] <= step_s <= _COUNTS_BIN_S[1]:
        problem = f"counts are in bins of {step_s:g} s, not 15 s"
        raise RecordingError(where, problem, "give te Lindert & Van Someren counts of 15 s, or the acceleration")
    if step_s > _MAX_STEP_S:
        problem = f"{name} has a value every {step_s:g} s"
        raise RecordingError(where, problem, "give times in seconds, not milliseconds")


def _refuse_rate(where: str, name: str, channel: Signal) -> None:
    rate_hz = channel.rate_hz
    if rate_hz > _MAX_RATE_HZ:
        raise RecordingError(where, f"{name} at {rate_hz:.6g} Hz", "give times in seconds, not minutes, hours or days")
    if rate_hz < _SPARSE_HZ and (name == "ppg" or channel.duration_s > _MAX_SPARSE_S):
        problem = f"{name} at {rate_hz:.3g} Hz over {channel.duration_s / 3600:.1f} h"
        raise RecordingError(where, problem, "give times in seconds, not milliseconds")


def _refuse_values(where: str, name: str, channel: Signal | Events) -> list[str]:
    values = _values(channel)
    values = values[:: len(values) // _LOOK_AT + 1].astype(np.float64)
    sizes = np.linalg.norm(values, axis=1) if values.ndim == 2 else values
    if np.isnan(sizes).all() or name not in _PLAUSIBLE:
        if name == "counts" and np.fmin.reduce(values) < 0:
            raise RecordingError(where, "counts are below 0", "give te Lindert & Van Someren counts")
        return []
    middle = float(np.nanmedian(sizes))
    low, high = _PLAUSIBLE[name]
    if low <= middle <= high:
        flat = name == "acc" and middle < _NO_GRAVITY_G
        return [f"acc has a median size of {middle:.2f} g: gravity seems to be taken away"] if flat else []
    for mistake in _MISTAKES[name]:
        if mistake.low <= middle <= mistake.high:
            problem = f"{name} has a median of {middle:.5g}: that is {mistake.meaning}"
            raise RecordingError(where, problem, mistake.mend)
    unit = {"acc": "g", "temp": "°C", "ibi": "s", "hr": "bpm"}[name]
    raise RecordingError(where, f"{name} has a median of {middle:.5g} {unit}", f"give it in {unit}, of a worn device")
