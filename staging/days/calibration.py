"""Calibration of acceleration to local gravity: while the sensor lies still, what it feels must be one g.

Assumptions
-----------
- Each axis errs by a gain and an offset that hold for the recording. The term for the sensor's temperature that the
  source adds where there is one is left out.
- A recording that shows too few directions cannot tell gains from offsets and is left as it is: the axes must each
  have pointed up and down by 0.3 g, which takes days of wear rather than a night.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from staging.days.windows import Windows
from staging.recording import Signal

__all__ = ["NO_ACCELERATION", "Calibration", "calibrate"]

STILL_WINDOW_S = 10.0
STILL_SD_G = 0.013
SPREAD_G = 0.3
GOOD_ERROR_G = 0.010
"""Length and largest SD of a still window, how far each axis must have pointed both ways, and the largest mean error
that is accepted: as published."""

PLAUSIBLE_G = (0.5, 1.5)
"""A still window further from one g is a saturated or dead sensor, not a miscalibrated one."""

MIN_WINDOWS = 60
MOST_WINDOWS = 6000
"""Fewest still windows (10 min), and as many as are looked at, evenly spread."""

NO_ACCELERATION = "there is none"
"""The problem of a recording without acceleration."""

STEPS = 50
CONVERGED_G = 1e-7
FLOOR_G = 0.005
"""A window's weight is the inverse of its error, which counts as this at the least: some windows are not still."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Calibration:
    """Gains and offsets of the axes, and how far from one g the still sensor was.

    Attributes
    ----------
    gain, offset_g : ndarray of float64, shape (3,)
        Calibrated acceleration is ``gain * acceleration + offset_g``; 1 and 0 where nothing was changed.
    error_before_g, error_after_g : float or None
        Mean distance from one g of the still windows; None where there were none.
    n_windows : int
        Still windows of 10 s.
    problem : str
        Why nothing was changed; empty where it was, or needed not be.
    """

    gain: Floats = field(default_factory=lambda: np.ones(3))
    offset_g: Floats = field(default_factory=lambda: np.zeros(3))
    error_before_g: float | None = None
    error_after_g: float | None = None
    n_windows: int = 0
    problem: str = ""

    @property
    def applied(self) -> bool:
        """Whether it changes anything."""
        return not self.problem and self.n_windows > 0

    def of_signal(self, acc: Signal) -> Signal:
        """Calibrated acceleration, a float32 copy; the signal itself where nothing is changed."""
        if not self.applied:
            return acc
        samples = acc.samples * self.gain.astype(np.float32) + self.offset_g.astype(np.float32)
        return Signal(samples=samples, rate_hz=acc.rate_hz, unit=acc.unit, start_s=acc.start_s)

    def of_windows(self, windows: Windows) -> Windows:
        """Calibrated means and SDs."""
        return Windows(
            width_s=windows.width_s,
            mean_g=windows.mean_g * self.gain + self.offset_g,
            sd_g=windows.sd_g * np.abs(self.gain),
        )

    def text(self) -> str:
        """What was done, in a line.

        Examples
        --------
        >>> Calibration(problem="no acceleration").text()
        'acceleration not calibrated: no acceleration'
        """
        if self.error_before_g is None or self.error_after_g is None:
            return f"acceleration not calibrated: {self.problem}"
        before, after = 1000 * self.error_before_g, 1000 * self.error_after_g
        if not self.applied:
            return f"acceleration not calibrated: {self.problem} (mean error at rest {before:.1f} mg)"
        return f"acceleration calibrated to gravity: mean error at rest {before:.1f} mg before, {after:.1f} mg after"


def calibrate(windows: Windows) -> Calibration:
    """Find gains and offsets that bring the still windows of a recording to one g.

    The published method moves each still vector to the nearest point of the unit sphere and fits a line to every axis,
    again and again; this finds the same least squares by Gauss-Newton steps, windows weighted by the inverse of their
    error.

    Parameters
    ----------
    windows : Windows
        Of raw acceleration; 10 s must be a whole number of them.

    Returns
    -------
    Calibration
        Unit gains where the recording shows too few directions, or the fit does not come below 10 mg.

    References
    ----------
    van Hees V.T. et al., J. Appl. Physiol. 117 (2014) 738-744, doi 10.1152/japplphysiol.00421.2014.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> gravity = rng.normal(size=(500, 3))
    >>> gravity /= np.linalg.norm(gravity, axis=1, keepdims=True)
    >>> raw = (gravity - [0.02, 0.0, -0.03]) / [1.02, 0.99, 1.0]
    >>> found = calibrate(Windows(width_s=10.0, mean_g=raw, sd_g=np.full((500, 3), 0.003)))
    >>> found.gain.round(3).tolist(), found.offset_g.round(3).tolist()
    ([1.02, 0.99, 1.0], [0.02, 0.0, -0.03])
    """
    ten_s = windows.joined(max(1, round(STILL_WINDOW_S / windows.width_s)))
    known = np.isfinite(ten_s.mean_g[:, 0])
    size = np.linalg.norm(np.where(known[:, None], ten_s.mean_g, 0.0), axis=1)
    still = known & (np.where(known[:, None], ten_s.sd_g, np.inf).max(axis=1) < STILL_SD_G)
    still &= (size > PLAUSIBLE_G[0]) & (size < PLAUSIBLE_G[1])
    found = np.flatnonzero(still)
    if found.size < MIN_WINDOWS:
        return Calibration(problem=f"only {found.size} windows of 10 s at rest", n_windows=int(found.size))
    looked_at = found[np.linspace(0, found.size - 1, min(found.size, MOST_WINDOWS)).astype(np.int64)]
    points = ten_s.mean_g[looked_at]
    before = _error_g(points)
    n = int(found.size)

    def unchanged(problem: str) -> Calibration:
        return Calibration(problem=problem, error_before_g=before, error_after_g=before, n_windows=n)

    if (points.min(axis=0) > -SPREAD_G).any() or (points.max(axis=0) < SPREAD_G).any():
        return unchanged("at rest it pointed in too few directions")
    fit = _fit(points)
    if fit is None:
        return unchanged("no gains and offsets bring it to one g")
    gain, offset = fit
    after = _error_g(points * gain + offset)
    if after >= GOOD_ERROR_G or after >= before:
        return unchanged(f"no gains and offsets bring it nearer to one g than {1000 * min(after, before):.1f} mg")
    return Calibration(gain=gain, offset_g=offset, error_before_g=before, error_after_g=after, n_windows=n)


def _error_g(points: Floats) -> float:
    return float(np.abs(np.linalg.norm(points, axis=1) - 1.0).mean())


def _fit(points: Floats) -> tuple[Floats, Floats] | None:
    """Gains and offsets of least weighted squares; None where the steps do not settle."""
    values = np.concatenate([np.ones(3), np.zeros(3)])
    for _ in range(STEPS):
        moved = points * values[:3] + values[3:]
        size = np.maximum(np.linalg.norm(moved, axis=1), 1e-6)
        direction = moved / size[:, None]
        slopes = np.concatenate([direction * points, direction], axis=1)
        weighted = slopes / np.maximum(np.abs(size - 1.0), FLOOR_G)[:, None]
        step, *_ = np.linalg.lstsq(weighted.T @ slopes, weighted.T @ (1.0 - size), rcond=None)
        values = values + step
        if np.abs(values[:3] - 1.0).max() > 0.5 or np.abs(values[3:]).max() > 0.5:
            return None
        if np.abs(step).max() < CONVERGED_G:
            break
    return values[:3], values[3:]
