"""Recording -> tracks: the few even series that staging, the report and training are made from.

Whatever the device gave (a raw waveform, a watch's heart rate, activity counts), each track has one definition,
one unit and one grid that begins at second 0 of the recording, so that a model trained on one device can read
another. Raw signals are read once here and not needed afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

__all__ = ["COUNTS_BIN_S", "HEART_RATE_STEP_S", "SENSORS", "Tracks"]

HEART_RATE_STEP_S = 5.0
COUNTS_BIN_S = 15.0

SENSORS = ("heart", "motion", "temperature")
"""What a stage may be made from; the keys of `Tracks.coverage` and of `Hypnogram.coverage`."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Tracks:
    """A recording's tracks on the epoch grid. NaN always means that nothing usable was recorded there.

    Attributes
    ----------
    n_epochs : int
        Number of 30-s epochs, S.
    heart_rate_bpm : ndarray of float32, shape (S * 6,)
        Watch-like heart rate at the middle of every 5-s step.
    counts : ndarray of float32, shape (S * 2,)
        te Lindert & Van Someren activity counts in 15-s bins.
    posture_change_deg : ndarray of float32, shape (S,)
        Angle between the gravity directions at the start of this epoch and of the next.
    temperature_c : ndarray of float32, shape (S,)
        Mean cleaned skin temperature of the epoch.
    coverage : mapping of str to ndarray of float32, shape (S,)
        Usable fraction 0-1 of each epoch by sensor, keys `SENSORS`.
    start : datetime or None
        Wall-clock time of the first epoch.
    lights_off_s, lights_on_s : float or None
        Seconds from the first epoch, where known.
    source, device, subject : str
        As in the recording.
    warnings : tuple of str
        What was mended or doubted, the reader's warnings first.
    """

    n_epochs: int
    heart_rate_bpm: NDArray[np.float32]
    counts: NDArray[np.float32]
    posture_change_deg: NDArray[np.float32]
    temperature_c: NDArray[np.float32]
    coverage: Mapping[str, NDArray[np.float32]]
    start: datetime | None = None
    lights_off_s: float | None = None
    lights_on_s: float | None = None
    source: str = ""
    device: str = ""
    subject: str = ""
    warnings: tuple[str, ...] = ()
