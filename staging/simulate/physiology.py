"""The simulated body: one person, one night, before any sensor.

Both the fast tracks and the raw night are read off it, so that they are one model.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from staging.errors import HypnogramError, InputError
from staging.hypnogram import CLASSES, Stage
from staging.recording import EPOCH_S
from staging.simulate.arousals import Activations, draw_activations
from staging.simulate.heart import heart_rate_bpm
from staging.simulate.motion import movement_peak_g, seconds_about
from staging.simulate.parameters import DEFAULT, Parameters
from staging.simulate.person import Person, draw_person
from staging.simulate.posture import Posture, draw_posture
from staging.simulate.temperature import skin_temperature_c

__all__ = ["Physiology", "simulate_physiology", "with_out_of_bed"]

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
    posture : Posture
        Directions of gravity in the frame of the wrist.
    skin_c : ndarray of float64, shape (n,)
        Temperature of the wrist's skin in every epoch.
    """

    person: Person
    stages: NDArray[np.int64]
    out_of_bed: NDArray[np.bool_]
    about: NDArray[np.bool_]
    activations: Activations
    rate_bpm: NDArray[np.float64]
    peak_g: NDArray[np.float64]
    posture: Posture
    skin_c: NDArray[np.float64]


def simulate_physiology(
    rng: np.random.Generator,
    stages: NDArray[np.int64],
    *,
    out_of_bed: NDArray[np.bool_] | None = None,
    about: NDArray[np.bool_] | None = None,
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
    about : ndarray of bool, shape (n * 30,), optional
        Seconds out of bed on one's feet; drawn where not given.
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
    about = seconds_about(rng, out, parameters) if about is None else about & np.repeat(out, round(EPOCH_S))
    rate_bpm = heart_rate_bpm(rng, codes, activations, person, out_of_bed=out, about=about, parameters=parameters)
    return Physiology(
        person=person,
        stages=codes,
        out_of_bed=out,
        about=about,
        activations=activations,
        rate_bpm=rate_bpm,
        peak_g=movement_peak_g(rng, activations, about, parameters),
        posture=draw_posture(rng, activations, about, parameters),
        skin_c=skin_temperature_c(rng, codes, out, person, parameters),
    )


def _continued(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Unscored epochs given the stage before them; W before the first."""
    last = np.maximum.accumulate(np.where(codes >= 0, np.arange(codes.size), -1))
    return np.where(last >= 0, codes[last], W) if codes.size else codes


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
