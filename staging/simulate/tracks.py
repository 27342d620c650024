"""Simulated nights by the ten thousand: only the tracks that staging is made from.

The same model as `staging.simulate.night`, without making beats, waveforms and acceleration of it. Any hypnogram can
drive it, real scored ones too. No accuracy may be claimed on simulated nights: a stager that scores them well has
learnt this model, no more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from staging.errors import InputError
from staging.recording import EPOCH_S
from staging.simulate.heart import watch_heart_rate_track
from staging.simulate.hypnogram import simulate_stages
from staging.simulate.motion import activity_counts
from staging.simulate.parameters import DEFAULT, Parameters
from staging.simulate.physiology import simulate_physiology
from staging.simulate.posture import gravity_at_starts

__all__ = ["SimulatedTracks", "simulate_tracks"]


@dataclass(frozen=True, kw_only=True, eq=False)
class SimulatedTracks:
    """A simulated night's tracks, those of `staging.tracks.Tracks`.

    Heart rate and counts are a watch's; a watch exports neither gravity nor temperature, so mask them where a watch is
    meant.

    Attributes
    ----------
    stages : ndarray of int64, shape (n,)
        The stages as given, or as simulated: indices into ``CLASSES[5]``, -1 where unscored.
    heart_rate_bpm : ndarray of float32, shape (n * 6,)
        Watch-like heart rate at the middle of every 5-s step; NaN in gaps.
    counts : ndarray of float32, shape (n * 2,)
        Activity counts in 15-s bins.
    gravity_g : ndarray of float32, shape (n, 3)
        Direction of gravity at the start of each epoch.
    temperature_c : ndarray of float32, shape (n,)
        Wrist temperature in °C.
    """

    stages: NDArray[np.int64]
    heart_rate_bpm: NDArray[np.float32]
    counts: NDArray[np.float32]
    gravity_g: NDArray[np.float32]
    temperature_c: NDArray[np.float32]


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
        gravity_g=gravity_at_starts(rng, body.posture, codes.size, parameters),
        temperature_c=body.skin_c.astype(np.float32),
    )
