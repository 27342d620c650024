"""Random processes with rates that change in time, without a loop over samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["band_noise", "follow", "ornstein_uhlenbeck", "recurrence", "renewal_times"]

Floats = NDArray[np.float64]

NEGLIGIBLE = 1e-7
"""Weight of a past sample below which a recurrence has forgotten it."""


def recurrence(decay: Floats, drive: Floats) -> Floats:
    """Solve ``x[t] = decay[t] * x[t - 1] + drive[t]`` with ``x[-1] = 0`` by doubling the step.

    Parameters
    ----------
    decay : ndarray of float64, shape (n,)
        Weights in [0, 1).
    drive : ndarray of float64, shape (n,)
        What enters at each step.

    Returns
    -------
    ndarray of float64, shape (n,)

    Examples
    --------
    >>> recurrence(np.full(4, 0.5), np.array([8.0, 0.0, 0.0, 2.0])).tolist()
    [8.0, 4.0, 2.0, 3.0]
    """
    x, step = drive.astype(np.float64), 1
    weight = decay[1:]  # of the sample `step` before, from sample `step` on
    while step < x.size and weight.max() > NEGLIGIBLE:
        x[step:] += weight * x[:-step]
        weight = weight[step:] * weight[:-step]
        step *= 2
    return x


def ornstein_uhlenbeck(rng: np.random.Generator, sd: Floats, tau_steps: Floats) -> Floats:
    """A mean-reverting walk whose spread and memory change in time; it begins in its steady state.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all randomness.
    sd, tau_steps : ndarray of float64, shape (n,)
        Standard deviation that it tends to, and its time constant in steps.

    Returns
    -------
    ndarray of float64, shape (n,)

    References
    ----------
    Uhlenbeck G.E., Ornstein L.S., Phys. Rev. 36 (1930) 823-841, doi 10.1103/PhysRev.36.823.

    Examples
    --------
    >>> walk = ornstein_uhlenbeck(np.random.default_rng(1), np.full(100_000, 2.0), np.full(100_000, 10.0))
    >>> round(float(walk.std()), 1)
    2.0
    """
    decay = np.exp(-1.0 / tau_steps)
    drive = rng.standard_normal(sd.size) * sd * np.sqrt(1.0 - decay * decay)
    if sd.size:
        drive[0] *= 1.0 / np.sqrt(1.0 - decay[0] * decay[0])
    return recurrence(decay, drive)


def follow(target: Floats, tau_steps: Floats, start: float | None = None) -> Floats:
    """Approach `target` exponentially, with time constants that may change.

    Parameters
    ----------
    target : ndarray of float64, shape (n,)
        What is approached.
    tau_steps : ndarray of float64, shape (n,)
        Time constant in steps.
    start : float, optional
        Where it begins, one step before the first; the first target where None.

    Returns
    -------
    ndarray of float64, shape (n,)

    Examples
    --------
    >>> follow(np.array([0.0, 1.0, 1.0]), np.full(3, 1.0)).round(2).tolist()
    [0.0, 0.63, 0.86]
    """
    if not target.size:
        return target.astype(np.float64)
    decay = np.exp(-1.0 / tau_steps)
    origin = target[0] if start is None else start
    approached: Floats = origin + recurrence(decay, (1.0 - decay) * (target - origin))
    return approached


def band_noise(rng: np.random.Generator, n: int, rate_hz: float, band_hz: tuple[float, float], edge: float) -> Floats:
    """Noise of unit variance in a band, its power falling as 1 / f there, with soft edges.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all randomness.
    n : int
        Number of samples.
    rate_hz : float
        Their rate.
    band_hz : (low, high)
        The band.
    edge : float
        Order of the roll-off of the power on both sides.

    Returns
    -------
    ndarray of float64, shape (n,)

    Examples
    --------
    >>> round(float(band_noise(np.random.default_rng(1), 40_000, 4.0, (0.1, 0.5), 8.0).std()), 1)
    1.0
    """
    if n < 2:
        return np.zeros(n)
    low, high = band_hz
    f = np.maximum(np.fft.rfftfreq(n, 1.0 / rate_hz), low / 1000.0)
    power = 1.0 / (f * (1.0 + (low / f) ** edge) * (1.0 + (f / high) ** edge))
    power[0] = 0.0
    power *= n / (2.0 * power.sum())
    noise: Floats = np.fft.irfft(np.fft.rfft(rng.standard_normal(n)) * np.sqrt(power), n)
    return noise


def renewal_times(rng: np.random.Generator, rate_per_s: Floats, step_s: float, gap_sigma: float) -> Floats:
    """Times of events whose gaps are lognormal in the time in which the rate is 1.

    The larger `gap_sigma` the more the events cluster; near 1 it is as irregular as a Poisson process, with fewer
    events in immediate succession.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all randomness.
    rate_per_s : ndarray of float64, shape (n,)
        Rate during each step.
    step_s : float
        Length of a step in seconds.
    gap_sigma : float
        Standard deviation of the logarithm of the gaps.

    Returns
    -------
    ndarray of float64
        Increasing times in seconds, within the steps.

    Examples
    --------
    >>> times_s = renewal_times(np.random.default_rng(1), np.array([0.0, 0.01]), 1e5, 1.0)
    >>> bool(times_s.min() >= 1e5), 800 < times_s.size < 1200
    (True, True)
    """
    expected = np.concatenate([[0.0], np.cumsum(rate_per_s) * step_s])
    total = expected[-1]
    if total <= 0:
        return np.empty(0)
    arrivals = np.empty(0)
    at = -rng.random() * min(1.0, total)  # so that the first gap is not always a whole one
    while at < total:
        n = int((total - at) * 1.5) + 16
        more = at + np.cumsum(rng.lognormal(-0.5 * gap_sigma**2, gap_sigma, n))
        arrivals, at = np.concatenate([arrivals, more]), float(more[-1])
    inside = arrivals[(arrivals >= 0) & (arrivals < total)]
    times_s: Floats = np.interp(inside, expected, np.arange(expected.size) * step_s)
    return times_s
