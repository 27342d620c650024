"""Made-up signals that adapters' tests write in the published formats."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BPM = 66.0


def pulse(seconds: float, rate_hz: float, bpm: float = BPM) -> NDArray[np.float64]:
    """A pulse wave with a steep rise and a slow fall."""
    phase = (np.arange(int(seconds * rate_hz)) / rate_hz * bpm / 60) % 1
    return 100 * np.exp(-(((phase - 0.2) / 0.1) ** 2)) + 40 * np.exp(-(((phase - 0.5) / 0.15) ** 2))


def wrist(seconds: float, rate_hz: float, seed: int = 0, shaken_s: tuple[float, float] = (0, 0)) -> NDArray[np.float64]:
    """Acceleration of a wrist at rest, in g, shaken for a while."""
    rng = np.random.default_rng(seed)
    at_s = np.arange(int(seconds * rate_hz)) / rate_hz
    acc = np.tile([0.0, 0.6, 0.8], (len(at_s), 1)) + rng.normal(0, 0.003, (len(at_s), 3))
    shaken = (at_s >= shaken_s[0]) & (at_s < shaken_s[1])
    acc[shaken, 2] += 0.5 * np.sin(2 * np.pi * 5 * at_s[shaken])
    return acc
