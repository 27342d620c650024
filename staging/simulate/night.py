"""A whole simulated night: what a wristband records raw, what a watch exports, and the stages that are true of it.

Simulated through and through: no accuracy may be claimed on it. It shows that a program runs and what its output looks
like, and nothing about how well people are staged.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from staging.errors import InputError
from staging.hypnogram import CLASSES, Hypnogram, Stage
from staging.recording import EPOCH_S, Events, Recording
from staging.simulate.acceleration import simulate_acceleration
from staging.simulate.beats import beat_times_s, draw_breathing
from staging.simulate.heart import watch_heart_rate
from staging.simulate.hypnogram import simulate_stages
from staging.simulate.motion import activity_counts
from staging.simulate.parameters import DEFAULT, Parameters
from staging.simulate.physiology import Physiology, simulate_physiology, with_out_of_bed
from staging.simulate.ppg import Pulse, simulate_ppg
from staging.simulate.temperature import sensor_temperature
from staging.tracks import COUNTS_BIN_S

__all__ = ["NOTICE", "SUBJECT", "SimulatedNight", "simulate_night", "stage_names"]

SUBJECT = "simulated"
NOTICE = "simulated: no accuracy may be claimed on it"
START = datetime(2024, 1, 15, 23, 0, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, eq=False)
class SimulatedNight:
    """One simulated night. No accuracy may be claimed on it.

    Attributes
    ----------
    reference : Hypnogram
        The stages that were simulated.
    recording : Recording
        As an Empatica E4 would record it: acceleration 32 Hz, PPG 64 Hz, temperature 4 Hz.
    watch : Recording
        The same night as a watch would export it: heart rate and activity counts, nothing raw.
    physiology : Physiology
        What happened in the body.
    beats_s : ndarray of float64
        True times of the heart beats, seconds from the recording's zero.
    pulse : Pulse
        The PPG with its true feet and its clean seconds.
    seed : int
        What it was made from.
    """

    reference: Hypnogram
    recording: Recording
    watch: Recording
    physiology: Physiology
    beats_s: NDArray[np.float64]
    pulse: Pulse
    seed: int


def simulate_night(
    seed: int,
    *,
    duration_h: float = 8.0,
    age_years: float | None = None,
    start: datetime = START,
    evening_min: float = 0.0,
    morning_min: float = 0.0,
    parameters: Parameters = DEFAULT,
) -> SimulatedNight:
    """Simulate a night, raw signals and all; about a second. No accuracy may be claimed on it.

    Parameters
    ----------
    seed : int
        The night is a function of the seed and the arguments.
    duration_h : float
        Time in bed, lights off to lights on, in hours, rounded to whole epochs.
    age_years : float, optional
        Age; the measured nights' mean where None.
    start : datetime
        Aware wall-clock time of the recording's start.
    evening_min, morning_min : float
        Wakefulness out of bed before and after.
    parameters : Parameters
        The model's numbers.

    Returns
    -------
    SimulatedNight

    Raises
    ------
    InputError
        If the duration is not between 10 min and 24 h, a length is negative, the age is not 10-100 years, the start
        has no zone or the seed is negative.

    Examples
    --------
    >>> night = simulate_night(1, duration_h=1.0)
    >>> night.reference.stages.size, night.recording.acc.samples.shape, night.recording.device
    (120, (115200, 3), 'simulated Empatica E4')
    >>> sorted(night.watch.channels())
    ['counts', 'hr']
    """
    if not 1 / 6 <= duration_h <= 24:
        raise InputError("duration_h", f"{duration_h} h cannot be simulated", "give 10 min to 24 h")
    if not (0 <= evening_min <= 1440 and 0 <= morning_min <= 1440):
        raise InputError("evening_min, morning_min", "outside 0-1440 min", "give lengths of up to a day")
    if start.tzinfo is None:
        raise InputError("start", f"{start.isoformat()} has no time zone", "give an offset such as +00:00")
    if seed < 0:
        raise InputError("seed", f"{seed} is negative", "give 0 or more")
    rng = np.random.default_rng(seed)
    in_bed = simulate_stages(rng, round(duration_h * 3600 / EPOCH_S), age_years=age_years, parameters=parameters)
    before, after = round(evening_min * 60 / EPOCH_S), round(morning_min * 60 / EPOCH_S)
    stages, out_of_bed = with_out_of_bed(in_bed, before_epochs=before, after_epochs=after)
    body = simulate_physiology(rng, stages, out_of_bed=out_of_bed, age_years=age_years, parameters=parameters)

    breathing = draw_breathing(rng, stages, body.person, parameters)
    beats_s = beat_times_s(rng, body.rate_bpm, stages, breathing, body.person, parameters)
    pulse = simulate_ppg(rng, beats_s, stages, body.activations, body.peak_g, breathing, parameters)
    source = f"simulated night, seed {seed}"
    lights_off_s, lights_on_s = before * EPOCH_S, (before + in_bed.size) * EPOCH_S
    session = Recording(
        start=start,
        subject=SUBJECT,
        source=source,
        lights_off_s=lights_off_s,
        lights_on_s=lights_on_s,
        warnings=(NOTICE,),
    )
    return SimulatedNight(
        reference=Hypnogram(
            stages=stage_names(stages),
            start=start,
            source=source,
            lights_off_s=lights_off_s,
            lights_on_s=lights_on_s,
            warnings=(NOTICE,),
        ),
        recording=session.replace(
            device="simulated Empatica E4",
            acc=simulate_acceleration(rng, body.peak_g, body.posture, breathing, parameters),
            ppg=pulse.signal,
            temp=sensor_temperature(rng, body.skin_c, parameters),
        ),
        watch=session.replace(
            device="simulated watch",
            # A watch sees the beats, with all that breathing does to them, not the rate that they were drawn from.
            hr=watch_heart_rate(rng, _beat_rate_bpm(beats_s, body.rate_bpm.size), parameters),
            counts=_counts(body.peak_g),
        ),
        physiology=body,
        beats_s=beats_s,
        pulse=pulse,
        seed=seed,
    )


def _beat_rate_bpm(beats_s: NDArray[np.float64], n_seconds: int) -> NDArray[np.float64]:
    """Rate of the beats in every second, float64 ``(n_seconds,)``; the first and last interval last to the ends."""
    first, last = beats_s[1] - beats_s[0], beats_s[-1] - beats_s[-2]
    before = np.arange(np.ceil(beats_s[0] / first), 0, -1)
    after = np.arange(1, np.ceil(max(n_seconds - beats_s[-1], 0.0) / last) + 1)
    times_s = np.concatenate([beats_s[0] - first * before, beats_s, beats_s[-1] + last * after])
    beats = np.interp(np.arange(n_seconds + 1.0), times_s, np.arange(times_s.size, dtype=np.float64))
    return np.asarray(60.0 * np.diff(beats))


def _counts(peak_g: NDArray[np.float64]) -> Events:
    values = activity_counts(peak_g).astype(np.float64)
    return Events(times_s=np.arange(values.size, dtype=np.float64) * COUNTS_BIN_S, values=values, unit="counts")


def stage_names(stages: NDArray[np.int64]) -> NDArray[np.str_]:
    """Names of stages, ``(n,)``, that are given as indices into ``CLASSES[5]``.

    Examples
    --------
    >>> stage_names(np.array([0, 4])).tolist()
    ['W', 'R']
    """
    names: tuple[Stage, ...] = CLASSES[5]
    return np.array([str(name) for name in names])[stages]
