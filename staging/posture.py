"""Which way the arm lies: the direction of gravity at the start of each epoch, and how far it turned since.

Large turns are changes of posture. Small ones, a fraction of a degree, tell a quiet waking arm from a sleeping one,
which breathing alone moves: counts show neither.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from staging.grid import bin_mean, finite
from staging.recording import EPOCH_S, Signal

__all__ = ["MIN_GRAVITY_G", "gravity_at_starts", "turned_deg"]

MIN_GRAVITY_G = 0.1
"""A shorter mean acceleration (a dead sensor's zeros) has no direction."""


def gravity_at_starts(acc: Signal, n_epochs: int) -> NDArray[np.float32]:
    """Mean acceleration of each epoch's first second; of a sensor slower than 2 Hz, its sample nearest to the start.

    Parameters
    ----------
    acc : Signal
        Acceleration in g, shape (n, 3), from one sample an epoch up.
    n_epochs : int
        Number of 30-s epochs, S.

    Returns
    -------
    ndarray of float32, shape (S, 3)
        In g; NaN on all axes where the start was not recorded, or shows no gravity.

    Examples
    --------
    >>> palm_down, thumb_up = [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]
    >>> acc = Signal(samples=np.repeat([palm_down, thumb_up], [45 * 32, 45 * 32], axis=0), rate_hz=32.0, unit="g")
    >>> gravity_at_starts(acc, 3).tolist()
    [[0.0, 0.0, -1.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]]
    """
    if acc.rate_hz >= 2.0:
        gravity = bin_mean(acc, max((n_epochs - 1) * int(EPOCH_S) + 1, 0), 1.0)[:: int(EPOCH_S)]
    else:
        position = np.rint((np.arange(n_epochs) * EPOCH_S - acc.start_s) * acc.rate_hz).astype(np.int64)
        inside = (position >= 0) & (position < len(acc.samples))
        gravity = np.full((n_epochs, 3), np.nan)
        gravity[inside] = acc.samples[position[inside]]
    unknown = ~finite(gravity)
    unknown[~unknown] = np.linalg.norm(gravity[~unknown], axis=1) < MIN_GRAVITY_G
    gravity[unknown] = np.nan
    return gravity.astype(np.float32)


def turned_deg(gravity_g: NDArray[np.floating], span: int = 1) -> NDArray[np.float64]:
    """Angle between gravity before and after each epoch, or the epochs about it.

    Parameters
    ----------
    gravity_g : ndarray, shape (S, 3)
        At the start of each epoch, as from `gravity_at_starts`.
    span : int
        Odd number of epochs, with this one in the middle, over which it turned.

    Returns
    -------
    ndarray of float64, shape (S,)
        Degrees, 0-180; NaN where either end is unknown, as at the night's ends.

    Examples
    --------
    A wrist turns by a right angle in the second of four epochs; nothing follows the last:

    >>> palm_down, thumb_up = [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]
    >>> turned_deg(np.array([palm_down, palm_down, thumb_up, thumb_up])).tolist()
    [0.0, 90.0, 0.0, nan]
    """
    n, half = len(gravity_g), span // 2
    turned = np.full(n, np.nan)
    if n > span:
        before, after = gravity_g[: n - span].astype(np.float64), gravity_g[span:].astype(np.float64)
        # arctan2 keeps small angles that arccos of a rounded cosine would lose.
        across = np.linalg.norm(np.cross(before, after), axis=1)
        turned[half : n - half - 1] = np.degrees(np.arctan2(across, (before * after).sum(axis=1)))
    return turned
