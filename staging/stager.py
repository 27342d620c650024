"""Tracks -> hypnogram: the model's probabilities, and what may be said from them.

Assumptions
-----------
- The recording is one night, or at most a day; a longer one is staged in overlapping windows of bounded length.
- Where no sensor of the heart and none of motion recorded anything for longer than a short gap, nobody can say what
  stage it was: such epochs are UNSCORED, not guessed from the time of night.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from staging.decision import decide
from staging.errors import RecordingError
from staging.features import extract
from staging.hypnogram import CLASSES, Hypnogram, merge_matrix
from staging.model import Model, load_model
from staging.recording import Recording
from staging.tracks import MIN_EPOCHS, Tracks, prepare, slice_tracks

__all__ = ["MIN_EPOCHS", "WINDOW_EPOCHS", "in_windows", "scorable", "stage"]

WINDOW_EPOCHS = 1560
"""Longest stretch given to the network at once: 13 h. Attention needs memory with the square of the length."""

OVERLAP_EPOCHS = 240
"""Epochs that neighbouring windows share; their probabilities fade into each other."""

BRIDGED_GAP_EPOCHS = 4
"""Longest run of epochs without any sensor that its neighbours may stage: 2 min."""


def stage(recording: Recording | Tracks, *, model: str | Path | None = None, n_classes: int = 5) -> Hypnogram:
    """Stage a recording.

    Parameters
    ----------
    recording : Recording or Tracks
        One session with any of acceleration, PPG, temperature, inter-beat intervals, heart rate, activity counts.
    model : path, optional
        A ``.onnx`` file; the shipped model otherwise.
    n_classes : int
        5, 4, 3 or 2: probabilities of finer stages are summed, and `staging.decision` decides.

    Returns
    -------
    Hypnogram
        30-s epochs with probabilities; UNSCORED with NaN probabilities where nothing was recorded.

    Raises
    ------
    RecordingError
        If the recording is too short or no sensor of heart or motion is usable.
    ModelError
        If the model file cannot be used.
    ValueError
        If `n_classes` is not known.

    Examples
    --------
    >>> from staging.simulate import simulate_night
    >>> hypnogram = stage(simulate_night(1, duration_h=1.0).watch)
    >>> len(hypnogram), hypnogram.probabilities.shape
    (120, (120, 5))
    """
    if n_classes not in CLASSES:
        raise ValueError(f"n_classes must be one of {sorted(CLASSES)}, got {n_classes}")
    tracks = recording if isinstance(recording, Tracks) else prepare(recording)
    known = scorable((tracks.coverage["heart"] > 0) | (tracks.coverage["motion"] > 0))
    if not known.any():
        raise RecordingError(
            tracks.source or "recording",
            "neither heart nor motion was usably recorded in any epoch",
            "give acceleration, PPG, heart rate or activity counts of at least 10 min",
        )
    network = load_model(None if model is None else str(model))
    fine = _probabilities(tracks, network)
    indices = np.where(known, decide(fine, n_classes, network.spec.decision, known=known), -1)
    probabilities = fine @ merge_matrix(len(network.spec.stages), n_classes)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    probabilities[~known] = np.nan
    return Hypnogram.from_indices(
        indices,
        n_classes=n_classes,
        start=tracks.start,
        probabilities=probabilities,
        coverage=dict(tracks.coverage),
        lights_off_s=tracks.lights_off_s,
        lights_on_s=tracks.lights_on_s,
        source=tracks.source,
        warnings=tracks.warnings,
    )


def scorable(known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Epochs that may be staged: those with a sensor of heart or motion, and short gaps between such epochs.

    Parameters
    ----------
    known : ndarray of bool, shape (S,)
        Epochs with a sensor of heart or motion.

    Returns
    -------
    ndarray of bool, shape (S,)

    Examples
    --------
    >>> known = np.repeat([True, False, True, False], [2, 4, 1, 1])
    >>> scorable(known).tolist()
    [True, True, True, True, True, True, True, False]
    """
    index = np.arange(len(known))
    never = len(known) + BRIDGED_GAP_EPOCHS
    before = np.maximum.accumulate(np.where(known, index, -never))
    after = np.minimum.accumulate(np.where(known, index, 2 * never)[::-1])[::-1]
    return known | (after - before - 1 <= BRIDGED_GAP_EPOCHS)


def in_windows(n_epochs: int, of_window: Callable[[int, int], NDArray[np.float32]]) -> NDArray[np.float32]:
    """Rows of a recording of any length from windows of bounded length, whose overlaps fade into each other.

    Parameters
    ----------
    n_epochs : int
        Length of the recording.
    of_window : callable
        Given the first epoch and the one behind the last, their rows, float32 ``(stop - first, k)``. Each window is its
        own night: levels are relative to it, and its clock begins with it.

    Returns
    -------
    ndarray of float32, shape (n_epochs, k)

    Examples
    --------
    >>> rows = in_windows(4000, lambda first, stop: np.full((stop - first, 1), first, np.float32))
    >>> rows[[0, -1], 0].tolist()
    [0.0, 2440.0]
    """
    if n_epochs <= WINDOW_EPOCHS:
        return of_window(0, n_epochs)
    hop = WINDOW_EPOCHS - OVERLAP_EPOCHS
    n_windows = -(-(n_epochs - OVERLAP_EPOCHS) // hop)
    starts = np.linspace(0, n_epochs - WINDOW_EPOCHS, n_windows).round().astype(int).tolist()
    edge = np.minimum(np.arange(1, WINDOW_EPOCHS + 1), np.arange(WINDOW_EPOCHS, 0, -1))
    weight = np.minimum(edge / OVERLAP_EPOCHS, 1.0).astype(np.float32)[:, None]
    total, weights = np.zeros((), np.float32), np.zeros((n_epochs, 1), np.float32)
    for start in starts:
        rows = of_window(start, start + WINDOW_EPOCHS)
        if total.ndim == 0:
            total = np.zeros((n_epochs, rows.shape[1]), np.float32)
        total[start : start + WINDOW_EPOCHS] += weight * rows
        weights[start : start + WINDOW_EPOCHS] += weight
    return np.asarray(total / weights, dtype=np.float32)


def _probabilities(tracks: Tracks, network: Model) -> NDArray[np.float32]:
    """Probabilities ``(S, 5)`` of a recording of any length."""

    def of_window(first: int, stop: int) -> NDArray[np.float32]:
        window = tracks if stop - first == tracks.n_epochs else slice_tracks(tracks, first, stop)
        return network.probabilities(extract(window, network.spec.features))

    return in_windows(tracks.n_epochs, of_window)
