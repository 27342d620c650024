"""Acceleration of many days -> means and SDs of short windows: all that calibration, wear and sleep periods need.

Seven days at 100 Hz are 60 million samples; their 5-s windows are 120 thousand. The samples are passed over once, some
hours at a time, so that no second copy of them is ever held.

Assumptions
-----------
- A missing sample (NaN on any axis) is missing on all three.
- Calibration changes each axis by a gain and an offset, so that means and SDs can be calibrated after the fact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from staging.grid import bin_edges, bin_sum, finite
from staging.posture import MIN_GRAVITY_G
from staging.recording import FloatArray, Signal

__all__ = ["WINDOW_S", "Windows", "short_windows"]

WINDOW_S = 5.0
"""Length of a window: that over which van Hees et al. (2015) take the angle of the arm."""

BLOCK_SAMPLES = 720_000
"""Samples worked on at once: two hours at 100 Hz, 9 MB."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Windows:
    """Means and SDs of equal windows from second 0.

    Attributes
    ----------
    width_s : float
        Length of a window.
    mean_g, sd_g : ndarray of float64, shape (n, 3)
        Of each axis, in g; NaN where less than half of the window was recorded.
    """

    width_s: float
    mean_g: Floats
    sd_g: Floats

    def __len__(self) -> int:
        return len(self.mean_g)

    def joined(self, number: int) -> Windows:
        """Windows of so many of these each, a rest at the end left out; NaN where fewer than half are known.

        Examples
        --------
        >>> two = Windows(width_s=5.0, mean_g=np.array([[0.0] * 3, [2.0] * 3]), sd_g=np.zeros((2, 3)))
        >>> one = two.joined(2)
        >>> one.width_s, one.mean_g[0].tolist(), one.sd_g[0].tolist()
        (10.0, [1.0, 1.0, 1.0], [1.0, 1.0, 1.0])
        """
        n = len(self) // number
        mean, sd = (values[: n * number].reshape(n, number, 3) for values in (self.mean_g, self.sd_g))
        known = np.isfinite(mean[:, :, :1])
        count = known.sum(axis=1)
        share = np.maximum(count, 1)
        joint = np.where(known, mean, 0.0).sum(axis=1) / share
        # The variance of the whole is the mean of the parts' variances and the variance of their means.
        parts = np.where(known, sd**2 + (mean - joint[:, None]) ** 2, 0.0).sum(axis=1) / share
        enough = 2 * count >= number
        return Windows(
            width_s=self.width_s * number,
            mean_g=np.where(enough, joint, np.nan),
            sd_g=np.where(enough, np.sqrt(parts), np.nan),
        )

    def angle_deg(self) -> Floats:
        """Angle between the sensor's z axis and the horizontal plane, float64 ``(n,)``; NaN where unknown.

        The mean of the window stands for gravity where the source takes a median: over 5 s the two differ only while
        the arm moves, which is when the angle changes anyway.

        References
        ----------
        van Hees V.T. et al., PLoS ONE 10 (2015) e0142533, doi 10.1371/journal.pone.0142533.

        Examples
        --------
        >>> still = Windows(width_s=5.0, mean_g=np.array([[0.6, 0.0, 0.8]]), sd_g=np.zeros((1, 3)))
        >>> still.angle_deg().round(1).tolist()
        [53.1]
        """
        x, y, z = self.mean_g.T
        angle: Floats = np.degrees(np.arctan2(z, np.hypot(x, y)))
        gravity = np.nan_to_num(x * x + y * y + z * z) >= MIN_GRAVITY_G**2
        return np.where(gravity, angle, np.nan)

    def signal(self) -> Signal:
        """The means as a signal of one sample a window."""
        return Signal(samples=self.mean_g.astype(np.float32), rate_hz=1.0 / self.width_s, unit="g")


def short_windows(acc: Signal, n_windows: int, *, width_s: float = WINDOW_S) -> Windows:
    """Means and SDs of short windows of raw acceleration, in one pass.

    Parameters
    ----------
    acc : Signal
        Acceleration in g, shape (n, 3), at least one sample a window.
    n_windows : int
        Number of windows from second 0.
    width_s : float
        Length of a window.

    Returns
    -------
    Windows

    Examples
    --------
    >>> acc = Signal(samples=np.tile([[0.0, 0.0, 1.0], [0.0, 0.2, 1.0]], (500, 1)), rate_hz=100.0, unit="g")
    >>> windows = short_windows(acc, 3)
    >>> windows.mean_g[0].round(3).tolist(), windows.sd_g[0].round(3).tolist(), windows.mean_g[2].tolist()
    ([0.0, 0.1, 1.0], [0.0, 0.1, 0.0], [nan, nan, nan])
    """
    edges = bin_edges(acc, n_windows, width_s)
    mean = np.full((n_windows, 3), np.nan)
    sd = np.full((n_windows, 3), np.nan)
    at_once = max(1, int(BLOCK_SAMPLES / (acc.rate_hz * width_s)))
    least = max(1.0, np.floor(acc.rate_hz * width_s) / 2)
    for first in range(0, n_windows, at_once):
        block = slice(first, min(first + at_once, n_windows))
        own = edges[first : block.stop + 1]
        samples = acc.samples[own[0] : own[-1]]
        if len(samples):
            count, mean[block], sd[block] = _moments(samples, own - own[0])
            short = count < least
            mean[block][short] = np.nan
            sd[block][short] = np.nan
    return Windows(width_s=width_s, mean_g=mean, sd_g=sd)


def _moments(samples: FloatArray, edges: NDArray[np.int64]) -> tuple[Floats, Floats, Floats]:
    """Number of known samples, mean and SD of each bin; the SD is about the bin's own mean, to keep its digits."""
    known = finite(samples)
    if known.all():
        count = np.diff(edges).astype(np.float64)
    else:
        count = bin_sum(known, edges)
        samples = np.where(known[:, None], samples, np.float32(0))
    per_bin = np.maximum(count, 1)[:, None]
    mean = _sums(samples, edges) / per_bin
    away = samples - np.repeat(mean, np.diff(edges), axis=0).astype(np.float32)
    away[~known] = 0
    away *= away
    return count, mean, np.sqrt(_sums(away, edges) / per_bin)


def _sums(values: FloatArray, edges: NDArray[np.int64]) -> Floats:
    """Sums of float32 values between consecutive edges; rounding stays below 1e-6 of them over some thousand."""
    sums = np.zeros((len(edges) - 1, values.shape[1]))
    filled = edges[1:] > edges[:-1]
    if filled.any():
        sums[filled] = np.add.reduceat(values[: edges[-1]], edges[:-1][filled], axis=0)
    return sums
