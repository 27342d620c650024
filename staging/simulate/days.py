"""Days and nights of a simulated wearer: sleep at home, naps, hours without the device, a change of the clocks.

Simulated through and through: no accuracy of stages may be claimed on it. It has what no diary has, the true times of
sleep, and so shows whether a program finds them.

Assumptions
-----------
- A day is spent sitting and on one's feet by turns. Before going to bed and after getting up one is on one's feet.
- The device lies still while it is not worn, and cools to the room.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from staging.errors import InputError
from staging.hypnogram import Hypnogram
from staging.recording import EPOCH_S, Events, Recording, Signal
from staging.simulate.acceleration import simulate_acceleration
from staging.simulate.beats import draw_breathing
from staging.simulate.heart import watch_heart_rate
from staging.simulate.hypnogram import simulate_stages
from staging.simulate.motion import seconds_about
from staging.simulate.night import NOTICE, SUBJECT, stage_names
from staging.simulate.parameters import DEFAULT, Parameters
from staging.simulate.physiology import Physiology, simulate_physiology
from staging.simulate.posture import Posture
from staging.simulate.temperature import sensor_temperature
from staging.tracks import later

__all__ = ["DaysParameters", "SimulatedDays", "SimulatedSleep", "simulate_days"]

Floats = NDArray[np.float64]
Spans = tuple[tuple[float, float], ...]

_EPOCH = round(EPOCH_S)
_HOUR_S = 3600.0
_CHUNK_EPOCHS = 720
_TRIES = 10


@dataclass(frozen=True, kw_only=True)
class DaysParameters:
    """How the wearer lives. Assumed throughout.

    Attributes
    ----------
    bedtime_sd_h : float
        Spread of the time of going to bed, which is never further than twice this from the usual one.
    in_bed_h : (mean, SD)
        Time in bed, and its bounds.
    in_bed_range_h : (least, most)
    nap_chance, nap_before_bed_h, nap_min : float, (least, most), (least, most)
        Chance of a nap a day, hours before the usual bedtime at which it begins, and its length.
    off_chance, off_before_bed_h, off_min : float, (least, most), (least, most)
        The same of taking the device off.
    active_min, sitting_min : float
        Mean lengths of being on one's feet and of sitting.
    ready_min : (least, most)
        Time on one's feet before going to bed and after getting up.
    room_c, cooling_min : float
        The temperature that a device taken off tends to, and the time constant.
    gain, offset_g : (x, y, z)
        Miscalibration of the sensor.
    """

    bedtime_sd_h: float = 0.7
    in_bed_h: tuple[float, float] = (7.7, 0.8)
    in_bed_range_h: tuple[float, float] = (5.5, 9.5)
    nap_chance: float = 0.35
    nap_before_bed_h: tuple[float, float] = (6.5, 10.0)
    nap_min: tuple[float, float] = (35.0, 90.0)
    off_chance: float = 0.4
    off_before_bed_h: tuple[float, float] = (2.5, 13.0)
    off_min: tuple[float, float] = (20.0, 180.0)
    active_min: float = 10.0
    sitting_min: float = 18.0
    ready_min: tuple[float, float] = (8.0, 30.0)
    room_c: float = 21.5
    cooling_min: float = 12.0
    gain: tuple[float, float, float] = (1.012, 0.99, 1.006)
    offset_g: tuple[float, float, float] = (0.018, -0.012, 0.03)


@dataclass(frozen=True, kw_only=True)
class SimulatedSleep:
    """One time in bed: from going to bed to getting up, seconds from the recording's zero."""

    begin_s: float
    end_s: float
    nap: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class SimulatedDays:
    """Some days of a simulated wearer. No accuracy of stages may be claimed on them.

    Attributes
    ----------
    recording : Recording
        Raw acceleration and temperature, and a watch's heart rate.
    reference : Hypnogram
        The stages of all epochs, day and night.
    sleeps : tuple of SimulatedSleep
        When the wearer was in bed.
    off_s : tuple of (float, float)
        When the device was not worn.
    """

    recording: Recording
    reference: Hypnogram
    sleeps: tuple[SimulatedSleep, ...]
    off_s: Spans


def simulate_days(
    seed: int,
    *,
    n_nights: int = 7,
    start: datetime | None = None,
    bedtime_h: float = 23.0,
    days: DaysParameters | None = None,
    parameters: Parameters = DEFAULT,
) -> SimulatedDays:
    """Simulate days and nights; about two seconds a day. No accuracy of stages may be claimed on them.

    The recording begins eleven hours before the first bedtime and ends thirteen hours after the last.

    Parameters
    ----------
    seed : int
        The days are a function of the seed and the arguments.
    n_nights : int
        Nights, from 1.
    start : datetime, optional
        Aware; its date is that of the first usual bedtime, and its zone is the wearer's. By default the Thursday
        before the clocks of Berlin went forward in 2024.
    bedtime_h : float
        Usual time of going to bed on the wearer's clock; 8 makes a day sleeper.
    days : DaysParameters, optional
        How the wearer lives.
    parameters : Parameters
        The model's numbers; its sensor is the device's.

    Returns
    -------
    SimulatedDays

    Raises
    ------
    InputError
        If there is no night, the start has no zone or the seed is negative.

    Examples
    --------
    >>> one = simulate_days(1, n_nights=1)
    >>> one.recording.start.isoformat(), round(one.recording.end_s / 3600)
    ('2024-03-28T12:00:00+01:00', 24)
    """
    if n_nights < 1:
        raise InputError("n_nights", f"{n_nights} nights cannot be simulated", "give 1 or more")
    if seed < 0:
        raise InputError("seed", f"{seed} is negative", "give 0 or more")
    first_day = datetime(2024, 3, 28, tzinfo=ZoneInfo("Europe/Berlin")) if start is None else start
    if first_day.tzinfo is None:
        raise InputError("start", f"{first_day.isoformat()} has no time zone", "give an offset such as +00:00")
    life = DaysParameters() if days is None else days
    rng = np.random.default_rng(seed)

    bedtimes = [_wall(first_day, night, bedtime_h) for night in range(n_nights)]
    zero = later(bedtimes[0], -11 * _HOUR_S)
    usual_s = np.array([bedtime.timestamp() - zero.timestamp() for bedtime in bedtimes])
    n_epochs = round((usual_s[-1] + 13 * _HOUR_S) / EPOCH_S)
    sleeps = _draw_sleeps(rng, usual_s, life)
    off_s = _draw_off(rng, usual_s, sleeps, life)

    stages = np.zeros(n_epochs, np.int64)
    out_of_bed = np.ones(n_epochs, bool)
    for sleep in sleeps:
        span = slice(round(sleep.begin_s / EPOCH_S), round(sleep.end_s / EPOCH_S))
        stages[span] = simulate_stages(rng, span.stop - span.start, parameters=parameters)
        out_of_bed[span] = False
    about = _about(rng, out_of_bed, sleeps, life, parameters)
    body = simulate_physiology(rng, stages, out_of_bed=out_of_bed, about=about, parameters=parameters)

    source = f"simulated days, seed {seed}"
    acc = _acceleration(rng, body, life, parameters)
    skin_c = _skin_c(body.skin_c, off_s, life)
    recording = Recording(
        start=zero,
        acc=_lying(rng, acc, off_s, parameters),
        temp=sensor_temperature(rng, skin_c, parameters),
        hr=_without(watch_heart_rate(rng, body.rate_bpm, parameters), off_s),
        device="simulated wristband",
        subject=SUBJECT,
        source=source,
        warnings=(NOTICE,),
    )
    reference = Hypnogram(stages=stage_names(stages), start=zero, source=source, warnings=(NOTICE,))
    return SimulatedDays(recording=recording, reference=reference, sleeps=sleeps, off_s=off_s)


def _wall(day: datetime, days: int, hour: float) -> datetime:
    """A time of day so many days after a date, on the wall clock."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=day.tzinfo)
    return midnight + timedelta(days=days, hours=hour)


def _draw_sleeps(rng: np.random.Generator, usual_s: Floats, life: DaysParameters) -> tuple[SimulatedSleep, ...]:
    """Times in bed in whole epochs; a nap ends at least three hours before the next night."""
    sleeps = []
    for bedtime_s in usual_s.tolist():
        if rng.random() < life.nap_chance:
            begin_s = bedtime_s - _HOUR_S * rng.uniform(*life.nap_before_bed_h)
            sleeps.append(_sleep(begin_s, 60.0 * rng.uniform(*life.nap_min), nap=True))
        late_h = np.clip(rng.normal(0.0, life.bedtime_sd_h), -2 * life.bedtime_sd_h, 2 * life.bedtime_sd_h)
        length_h = np.clip(rng.normal(*life.in_bed_h), *life.in_bed_range_h)
        sleeps.append(_sleep(bedtime_s + _HOUR_S * late_h, _HOUR_S * length_h, nap=False))
    return tuple(sleeps)


def _sleep(begin_s: float, length_s: float, *, nap: bool) -> SimulatedSleep:
    first = round(begin_s / EPOCH_S)
    return SimulatedSleep(begin_s=first * EPOCH_S, end_s=(first + round(length_s / EPOCH_S)) * EPOCH_S, nap=nap)


def _draw_off(
    rng: np.random.Generator, usual_s: Floats, sleeps: Sequence[SimulatedSleep], life: DaysParameters
) -> Spans:
    """When the device is taken off: never within half an hour of a time in bed."""
    spans = []
    for bedtime_s in usual_s.tolist():
        if rng.random() >= life.off_chance:
            continue
        for _ in range(_TRIES):
            begin_s = float(round(bedtime_s - _HOUR_S * rng.uniform(*life.off_before_bed_h)))
            end_s = begin_s + float(round(60.0 * rng.uniform(*life.off_min)))
            near = any(begin_s < sleep.end_s + 1800 and end_s > sleep.begin_s - 1800 for sleep in sleeps)
            if not near and begin_s > 0:
                spans.append((begin_s, end_s))
                break
    return tuple(spans)


def _about(
    rng: np.random.Generator,
    out_of_bed: NDArray[np.bool_],
    sleeps: Sequence[SimulatedSleep],
    life: DaysParameters,
    parameters: Parameters,
) -> NDArray[np.bool_]:
    awake = dataclasses.replace(parameters.awake, active_min=life.active_min, sitting_min=life.sitting_min)
    about = seconds_about(rng, out_of_bed, dataclasses.replace(parameters, awake=awake))
    for sleep in sleeps:
        before, after = (round(60.0 * rng.uniform(*life.ready_min)) for _ in range(2))
        begin, end = round(sleep.begin_s), round(sleep.end_s)
        about[max(begin - before, 0) : begin] = True
        about[end : end + after] = True
    return about


def _acceleration(rng: np.random.Generator, body: Physiology, life: DaysParameters, parameters: Parameters) -> Signal:
    """Raw acceleration of all days, some hours at a time, felt by a sensor that is a little off."""
    rate_hz = parameters.acceleration.rate_hz
    parts = []
    for first in range(0, body.stages.size, _CHUNK_EPOCHS):
        epochs = slice(first, min(first + _CHUNK_EPOCHS, body.stages.size))
        begin, end = epochs.start * _EPOCH, epochs.stop * _EPOCH
        turns = slice(*np.searchsorted(body.posture.turn_s, (begin, end)).tolist())
        posture = Posture(
            turn_s=body.posture.turn_s[turns] - begin,
            length_s=body.posture.length_s[turns],
            gravity=body.posture.gravity[turns.start : turns.stop + 1],
        )
        breathing = draw_breathing(rng, body.stages[epochs], body.person, parameters)
        part = simulate_acceleration(rng, body.peak_g[begin:end], posture, breathing, parameters).samples
        parts.append((part - np.array(life.offset_g, np.float32)) / np.array(life.gain, np.float32))
    return Signal(samples=np.concatenate(parts).astype(np.float32), rate_hz=rate_hz, unit="g")


def _lying(rng: np.random.Generator, acc: Signal, off_s: Spans, parameters: Parameters) -> Signal:
    """The device as it lies somewhere while it is not worn."""
    sensor = parameters.acceleration
    for begin_s, end_s in off_s:
        span = slice(round(begin_s * acc.rate_hz), round(end_s * acc.rate_hz))
        there = acc.samples[span]
        down = rng.standard_normal(3)
        lying = down / np.linalg.norm(down) + sensor.noise_g * rng.standard_normal(there.shape, dtype=np.float32)
        acc.samples[span] = np.rint(lying / sensor.step_g) * sensor.step_g
    return acc


def _skin_c(skin_c: Floats, off_s: Spans, life: DaysParameters) -> Floats:
    """Temperature at the sensor: that of the skin, or of a device that cools, and warms again when put on."""
    felt = skin_c.copy()
    minutes = (np.arange(skin_c.size) + 0.5) * EPOCH_S / 60.0
    for begin_s, end_s in off_s:
        off = (minutes >= begin_s / 60) & (minutes < end_s / 60)
        if off.any():
            at = int(np.flatnonzero(off)[0])
            felt[off] = life.room_c + (felt[at] - life.room_c) * np.exp(
                (begin_s / 60 - minutes[off]) / life.cooling_min
            )
            back = minutes >= end_s / 60
            lag = felt[off][-1] - skin_c[min(int(np.flatnonzero(off)[-1]) + 1, skin_c.size - 1)]
            felt[back] += lag * np.exp((end_s / 60 - minutes[back]) / (life.cooling_min / 3))
    return felt


def _without(events: Events, off_s: Spans) -> Events:
    worn = np.ones(events.times_s.size, bool)
    for begin_s, end_s in off_s:
        worn &= (events.times_s < begin_s) | (events.times_s >= end_s)
    return Events(times_s=events.times_s[worn], values=events.values[worn], unit=events.unit)
