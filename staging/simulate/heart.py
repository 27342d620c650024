"""The heart rate of a simulated night, and what a watch shows of it.

    rate = resting + level(stage) + course of the night + fluctuation + surges

as a mean of each second, without the modulation by breathing (see `staging.simulate.beats`). Both the fast tracks and
the beats of a raw night are made from this one function.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from staging.hypnogram import CLASSES, Stage
from staging.recording import EPOCH_S, Events
from staging.simulate.arousals import Activations
from staging.simulate.parameters import DEFAULT, ArousalParameters, Parameters, WatchParameters
from staging.simulate.person import Person
from staging.simulate.processes import follow, ornstein_uhlenbeck
from staging.tracks import HEART_RATE_STEP_S

__all__ = ["heart_rate_bpm", "watch_heart_rate", "watch_heart_rate_track"]

Floats = NDArray[np.float64]

W = CLASSES[5].index(Stage.W)
R = CLASSES[5].index(Stage.R)

_EPOCH = round(EPOCH_S)
_SURGE_SDS = 3.5
"""How far from its peak a surge is drawn, in SDs of its flanks."""


def heart_rate_bpm(
    rng: np.random.Generator,
    stages: NDArray[np.int64],
    activations: Activations,
    person: Person,
    *,
    out_of_bed: NDArray[np.bool_],
    about: NDArray[np.bool_],
    parameters: Parameters = DEFAULT,
) -> Floats:
    """Mean heart rate of every second.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all randomness.
    stages : ndarray of int64, shape (n,)
        Indices into ``CLASSES[5]``, one an epoch.
    activations : Activations
        The moments of arousal.
    person : Person
        Whose night it is.
    out_of_bed : ndarray of bool, shape (n,)
        Epochs of W out of bed.
    about : ndarray of bool, shape (n * 30,)
        Seconds on one's feet.
    parameters : Parameters
        The model's numbers.

    Returns
    -------
    ndarray of float64, shape (n * 30,)
        Heart rate in bpm.

    Examples
    --------
    >>> from staging.simulate.arousals import draw_activations
    >>> from staging.simulate.person import draw_person
    >>> rng, stages, in_bed = np.random.default_rng(1), np.repeat([0, 2, 3, 4], 60), np.zeros(240, bool)
    >>> person = draw_person(rng)
    >>> activations = draw_activations(rng, stages, in_bed, person)
    >>> heart_rate_bpm(rng, stages, activations, person, out_of_bed=in_bed, about=np.zeros(7200, bool)).shape
    (7200,)
    """
    heart, awake = parameters.heart, parameters.awake
    if not stages.size:
        return np.empty(0)
    out_s = np.repeat(out_of_bed, _EPOCH)
    stage_s = np.repeat(stages, _EPOCH)

    level_stage = stage_s.copy()  # the level of REM sleep is approached a little before it is scored
    lead = min(round(heart.rem_lead_s), stage_s.size)
    early = (stage_s[lead:] == R) & (stage_s[: stage_s.size - lead] != W)
    level_stage[: stage_s.size - lead][early] = R
    target = np.where(stage_s == W, np.repeat(_wake_level_bpm(rng, stages, person, parameters), _EPOCH), 0.0)
    target += np.where(stage_s == W, 0.0, person.stage_offset_bpm[level_stage])
    approach_s = np.asarray(heart.approach_s)[level_stage]
    fast_sd = (np.asarray(heart.fast_sd_bpm) * heart.fast_share)[stage_s] * person.fast_factor
    fast_tau_s = np.asarray(heart.fast_tau_s)[stage_s]
    if out_of_bed.any():
        target = np.where(out_s, person.awake_bpm + person.active_bpm * about, target)
        approach_s = np.where(out_s, awake.approach_s, approach_s)
        fast_sd = np.where(out_s, awake.fast_sd_bpm, fast_sd)
        fast_tau_s = np.where(out_s, awake.fast_tau_s, fast_tau_s)

    rate = (
        person.resting_bpm
        + follow(target, approach_s)
        + _course_bpm(rng, stages, out_of_bed, person, parameters)
        + ornstein_uhlenbeck(rng, fast_sd, fast_tau_s)
        + _surges_bpm(activations, stage_s.size, parameters.arousal)
    )
    bounded: Floats = np.clip(rate, *heart.any_bpm)
    return bounded


def _wake_level_bpm(
    rng: np.random.Generator, stages: NDArray[np.int64], person: Person, parameters: Parameters
) -> Floats:
    """Level of wakefulness in bed at every epoch, were it one of W."""
    heart = parameters.heart
    level = np.full(stages.size, person.stage_offset_bpm[W])
    asleep = np.flatnonzero(stages != W)
    first, last = (asleep[0], asleep[-1]) if asleep.size else (stages.size, stages.size)
    level[:first] = person.before_sleep_bpm
    level[last + 1 :] = person.after_sleep_bpm
    sd = np.full(stages.size, heart.wake_slow_sd_bpm)
    level += ornstein_uhlenbeck(rng, sd, np.full(stages.size, heart.wake_slow_tau_s / EPOCH_S))
    bounded: Floats = np.maximum(level, heart.wake_floor_bpm)
    return bounded


def _course_bpm(
    rng: np.random.Generator,
    stages: NDArray[np.int64],
    out_of_bed: NDArray[np.bool_],
    person: Person,
    parameters: Parameters,
) -> Floats:
    """Slow part of the rate, a value a second: the night's common course, the person's trend, wandering."""
    heart, awake = parameters.heart, parameters.awake
    asleep = np.flatnonzero(stages != W)
    onset = asleep[0] if asleep.size else 0
    asleep_h = (np.arange(stages.size) - onset) * EPOCH_S / 3600.0
    half_hour = np.arange(len(heart.course_bpm)) / 2 + 0.25
    common = np.interp(asleep_h, half_hour, heart.course_bpm) * (asleep_h >= 0)
    trend = person.slope_bpm_per_h * (np.clip(asleep_h, 0.0, heart.slope_span_h) - heart.slope_span_h / 2)
    sd = np.where(out_of_bed, awake.slow_sd_bpm, heart.slow_sd_bpm)
    tau = np.where(out_of_bed, awake.slow_tau_s, heart.slow_tau_s) / EPOCH_S
    slow = common + trend + ornstein_uhlenbeck(rng, sd, tau)
    seconds = np.arange(stages.size * _EPOCH) + 0.5
    course: Floats = np.interp(seconds, (np.arange(stages.size) + 0.5) * EPOCH_S, slow)
    return course


def _surges_bpm(activations: Activations, n_seconds: int, arousal: ArousalParameters) -> Floats:
    """Sum of the surges: flanks of two half Gaussians, and a shallow dip after."""
    surging = activations.surge_bpm > 0
    if not surging.any():
        return np.zeros(n_seconds)
    at_s, height = activations.at_s[surging], activations.surge_bpm[surging]
    half = np.sqrt(2.0 * np.log(2.0))
    rise_sd = activations.half_width_s[surging] * arousal.rise_share / half
    fall_sd = activations.half_width_s[surging] * (1.0 - arousal.rise_share) / half

    before = int(np.ceil(_SURGE_SDS * rise_sd.max()))
    after = int(np.ceil(arousal.undershoot_delay_s + _SURGE_SDS * arousal.undershoot_width_s))
    first = np.floor(at_s).astype(np.int64) - before
    second = first[:, None] + np.arange(before + after)
    from_peak_s = second + 0.5 - at_s[:, None]
    flank_sd = np.where(from_peak_s < 0, rise_sd[:, None], fall_sd[:, None])
    dip = np.exp(-0.5 * ((from_peak_s - arousal.undershoot_delay_s) / arousal.undershoot_width_s) ** 2)
    surge = height[:, None] * (np.exp(-0.5 * (from_peak_s / flank_sd) ** 2) - arousal.undershoot_share * dip)
    inside = (second >= 0) & (second < n_seconds)
    total: Floats = np.bincount(second[inside], weights=surge[inside], minlength=n_seconds).astype(np.float64)
    return total


def _shown_bpm(rate_bpm: Floats, at_s: Floats, watch: WatchParameters) -> Floats:
    """Whole bpm that the watch shows; the first second's rate is taken to have lasted before the recording."""
    integral = np.concatenate([[0.0], np.cumsum(rate_bpm)])
    edge_s = np.arange(integral.size, dtype=np.float64)
    end_s = at_s - watch.delay_s
    begin_s = end_s - watch.window_s
    beats = np.interp(end_s, edge_s, integral) - np.interp(begin_s, edge_s, integral)
    if rate_bpm.size:
        beats += rate_bpm[0] * (np.minimum(end_s, 0.0) - np.minimum(begin_s, 0.0))
    shown: Floats = np.rint(beats / watch.window_s)
    return shown


def _in_gap(rng: np.random.Generator, at_s: Floats, n_seconds: int, parameters: Parameters) -> NDArray[np.bool_]:
    watch = parameters.watch
    n_gaps = rng.poisson(watch.gaps_per_h * n_seconds / 3600.0)
    begin_s = rng.uniform(0.0, n_seconds, n_gaps)
    end_s = begin_s + rng.lognormal(*watch.gap_ln_s, n_gaps)
    within = np.zeros(at_s.size, bool)
    for begin, end in zip(begin_s, end_s, strict=True):
        within |= (at_s >= begin) & (at_s < end)
    return within


def watch_heart_rate_track(
    rng: np.random.Generator, rate_bpm: Floats, parameters: Parameters = DEFAULT
) -> NDArray[np.float32]:
    """What a watch shows, at the middle of every 5-s step: delayed, smoothed, whole bpm, with gaps.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all randomness.
    rate_bpm : ndarray of float64, shape (n * 30,)
        Heart rate of every second.
    parameters : Parameters
        The model's numbers.

    Returns
    -------
    ndarray of float32, shape (n * 6,)
        Heart rate in bpm; NaN in gaps.

    Examples
    --------
    >>> track = watch_heart_rate_track(np.random.default_rng(1), np.full(300, 61.4))
    >>> track.shape, float(track[0])
    ((60,), 61.0)
    """
    n_steps = int(rate_bpm.size / HEART_RATE_STEP_S)
    at_s = (np.arange(n_steps, dtype=np.float64) + 0.5) * HEART_RATE_STEP_S
    shown = _shown_bpm(rate_bpm, at_s, parameters.watch)
    shown[_in_gap(rng, at_s, rate_bpm.size, parameters)] = np.nan
    return shown.astype(np.float32)


def watch_heart_rate(rng: np.random.Generator, rate_bpm: Floats, parameters: Parameters = DEFAULT) -> Events:
    """What a watch exports: the same heart rate at the watch's own, slightly irregular times; nothing in gaps.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all randomness.
    rate_bpm : ndarray of float64, shape (n * 30,)
        Heart rate of every second.
    parameters : Parameters
        The model's numbers.

    Returns
    -------
    Events
        Whole bpm at increasing times.

    Examples
    --------
    >>> events = watch_heart_rate(np.random.default_rng(1), np.full(600, 61.4))
    >>> set(events.values.tolist()), events.unit
    ({61.0}, 'bpm')
    """
    levels, seconds = parameters.watch.step_s
    at_s = np.cumsum(np.interp(rng.random(rate_bpm.size), levels, seconds))
    at_s = at_s[at_s < rate_bpm.size]
    at_s = at_s[~_in_gap(rng, at_s, rate_bpm.size, parameters)]
    return Events(times_s=at_s, values=_shown_bpm(rate_bpm, at_s, parameters.watch), unit="bpm")
