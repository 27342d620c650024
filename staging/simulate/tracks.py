"""Simulated nights by the ten thousand: only what a watch exports, heart rate and activity counts.

The same model as `staging.simulate.night`, without making beats, waveforms and acceleration of it. Any hypnogram can
drive it, real scored ones too. No accuracy may be claimed on simulated nights: a stager that scores them well has
learnt this model, no more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from staging.errors import HypnogramError, InputError
from staging.hypnogram import CLASSES, Stage
from staging.recording import EPOCH_S
from staging.simulate.arousals import Activations, draw_activations
from staging.simulate.heart import heart_rate_bpm, watch_heart_rate_track
from staging.simulate.hypnogram import simulate_stages
from staging.simulate.motion import activity_counts, movement_peak_g, seconds_about
from staging.simulate.parameters import DEFAULT, Parameters
from staging.simulate.person import Person, draw_person

__all__ = ["Physiology", "SimulatedTracks", "simulate_physiology", "simulate_tracks", "with_out_of_bed"]

W = CLASSES[5].index(Stage.W)


@dataclass(frozen=True, kw_only=True, eq=False)
class Physiology:
    """What happens in the simulated body, before any sensor.

    Attributes
    ----------
    person : Person
        Whose night it is.
    stages : ndarray of int64, shape (n,)
        Indices into ``CLASSES[5]``; unscored epochs continue the stage before them.
    out_of_bed : ndarray of bool, shape (n,)
    about : ndarray of bool, shape (n * 30,)
        Seconds on one's feet.
    activations : Activations
        The moments of arousal.
    rate_bpm : ndarray of float64, shape (n * 30,)
        Heart rate of every second.
    peak_g : ndarray of float64, shape (n * 30,)
        Largest acceleration of every second, 3-11 Hz.
    """

    person: Person
    stages: NDArray[np.int64]
    out_of_bed: NDArray[np.bool_]
    about: NDArray[np.bool_]
    activations: Activations
    rate_bpm: NDArray[np.float64]
    peak_g: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class SimulatedTracks:
    """A simulated night as a watch exports it; the tracks are those of `staging.tracks.Tracks`.

    Attributes
    ----------
    stages : ndarray of int64, shape (n,)
        The stages as given, or as simulated: indices into ``CLASSES[5]``, -1 where unscored.
    heart_rate_bpm : ndarray of float32, shape (n * 6,)
        Watch-like heart rate at the middle of every 5-s step; NaN in gaps.
    counts : ndarray of float32, shape (n * 2,)
        Activity counts in 15-s bins.
    """

    stages: NDArray[np.int64]
    heart_rate_bpm: NDArray[np.float32]
    counts: NDArray[np.float32]


def simulate_physiology(
    rng: np.random.Generator,
    stages: NDArray[np.int64],
    *,
    out_of_bed: NDArray[np.bool_] | None = None,
    age_years: float | None = None,
    parameters: Parameters = DEFAULT,
) -> Physiology:
    """Draw a person and let them sleep the given stages.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all randomness.
    stages : ndarray of int64, shape (n,)
        Indices into ``CLASSES[5]``, one a 30-s epoch; -1 where unscored.
    out_of_bed : ndarray of bool, shape (n,), optional
        Epochs of W out of bed; none where not given.
    age_years : float, optional
        Age; the measured nights' mean where None.
    parameters : Parameters
        The model's numbers.

    Returns
    -------
    Physiology

    Raises
    ------
    HypnogramError
        If a stage is unknown.
    InputError
        If `out_of_bed` has another length, or marks an epoch of sleep.

    Examples
    --------
    >>> simulate_physiology(np.random.default_rng(1), np.repeat([0, 2, 3, 4], 60)).rate_bpm.shape
    (7200,)
    """
    codes = np.asarray(stages, dtype=np.int64)
    if codes.ndim != 1 or np.any((codes < -1) | (codes >= len(CLASSES[5]))):
        raise HypnogramError("stages", "not a row of stage indices", "give -1 or 0-4 for W N1 N2 N3 R, one an epoch")
    out = np.zeros(codes.size, bool) if out_of_bed is None else np.asarray(out_of_bed, bool)
    if out.shape != codes.shape:
        raise InputError("out_of_bed", f"{out.size} flags for {codes.size} epochs", "give one an epoch")
    codes = np.where(out & (codes < 0), W, _continued(codes))
    if np.any(out & (codes != W)):
        raise InputError("out_of_bed", "marks an epoch of sleep", "mark epochs of W only")

    person = draw_person(rng, age_years=age_years, parameters=parameters)
    activations = draw_activations(rng, codes, out, person, parameters)
    about = seconds_about(rng, out, parameters)
    rate_bpm = heart_rate_bpm(rng, codes, activations, person, out_of_bed=out, about=about, parameters=parameters)
    return Physiology(
        person=person,
        stages=codes,
        out_of_bed=out,
        about=about,
        activations=activations,
        rate_bpm=rate_bpm,
        peak_g=movement_peak_g(rng, activations, about, parameters),
    )


def _continued(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Unscored epochs given the stage before them; W before the first."""
    last = np.maximum.accumulate(np.where(codes >= 0, np.arange(codes.size), -1))
    return np.where(last >= 0, codes[last], W) if codes.size else codes


def simulate_tracks(
    rng: np.random.Generator,
    stages: ArrayLike | None = None,
    parameters: Parameters = DEFAULT,
    *,
    out_of_bed: ArrayLike | None = None,
    age_years: float | None = None,
    duration_h: float = 8.0,
) -> SimulatedTracks:
    """Simulate the tracks of one night; a few milliseconds.

    Parameters
    ----------
    rng : numpy.random.Generator
        The night is a function of its state and of the arguments.
    stages : array_like of int, shape (n,), optional
        A hypnogram to follow: indices into ``CLASSES[5]`` (W N1 N2 N3 R), one a 30-s epoch, -1 where unscored (the
        body stays in the stage before). A night is simulated where None.
    parameters : Parameters
        The model's numbers.
    out_of_bed : array_like of bool, shape (n,), optional
        Epochs of W out of bed (see `with_out_of_bed`). Only with `stages`.
    age_years : float, optional
        Age; the measured nights' mean where None.
    duration_h : float
        Time in bed of a simulated hypnogram.

    Returns
    -------
    SimulatedTracks

    Raises
    ------
    HypnogramError
        If a stage is unknown.
    InputError
        If `out_of_bed` contradicts the stages, or the duration or the age is out of range.

    Examples
    --------
    >>> night = simulate_tracks(np.random.default_rng(1))
    >>> night.stages.shape, night.heart_rate_bpm.shape, night.counts.shape
    ((960,), (5760,), (1920,))
    """
    if stages is None:
        if out_of_bed is not None:
            raise InputError("out_of_bed", "given without stages", "give the stages that it marks")
        if not 0 < duration_h <= 48:
            raise InputError("duration_h", f"{duration_h} h cannot be simulated", "give more than 0 and at most 48")
        n_epochs = round(duration_h * 3600 / EPOCH_S)
        stages = simulate_stages(rng, n_epochs, age_years=age_years, parameters=parameters)
    codes = np.asarray(stages, dtype=np.int64)
    flags = None if out_of_bed is None else np.asarray(out_of_bed, dtype=bool)
    body = simulate_physiology(rng, codes, out_of_bed=flags, age_years=age_years, parameters=parameters)
    return SimulatedTracks(
        stages=codes,
        heart_rate_bpm=watch_heart_rate_track(rng, body.rate_bpm, parameters),
        counts=activity_counts(body.peak_g),
    )


def with_out_of_bed(
    stages: ArrayLike, *, before_epochs: int = 0, after_epochs: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Put wakefulness out of bed around a night: an evening before it, a morning after it.

    Parameters
    ----------
    stages : array_like of int, shape (n,)
        The night in bed.
    before_epochs, after_epochs : int
        Lengths in 30-s epochs.

    Returns
    -------
    stages : ndarray of int64, shape (before + n + after,)
    out_of_bed : ndarray of bool, shape (before + n + after,)

    Raises
    ------
    InputError
        If a length is negative.

    Examples
    --------
    >>> stages, out_of_bed = with_out_of_bed([0, 2, 2], before_epochs=2, after_epochs=1)
    >>> stages.tolist(), out_of_bed.astype(int).tolist()
    ([0, 0, 0, 2, 2, 0], [1, 1, 0, 0, 0, 1])
    """
    if min(before_epochs, after_epochs) < 0:
        raise InputError("out_of_bed", "a negative number of epochs", "give 0 or more")
    around = (before_epochs, after_epochs)
    night = np.asarray(stages, dtype=np.int64)
    return (
        np.pad(night, around, constant_values=W),
        np.pad(np.zeros(night.size, bool), around, constant_values=True),
    )
