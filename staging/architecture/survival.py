"""How long bouts last: survival curves, and exponential and power-law fits with their goodness.

Sleep bouts have been found to be about exponential and awakenings to fall as a power law (Lo et al. 2002). One night
has few bouts: pool the nights of a group (`pool`) before you believe a fit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from staging.architecture.bouts import BOUT_KINDS, bouts_of
from staging.architecture.nights import Nights
from staging.architecture.rules import Rules
from staging.hypnogram import Hypnogram

__all__ = [
    "BoutFit",
    "BoutLengths",
    "Survival",
    "bout_lengths",
    "fit_exponential",
    "fit_power_law",
    "kaplan_meier",
    "pool",
    "vuong",
]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_EPSILON_MIN = 1e-9


@dataclass(frozen=True, eq=False)
class BoutLengths:
    """Lengths of the bouts of one kind.

    Attributes
    ----------
    kind : str
        One of ``wake awakening n1 n2 n3 r light nrem sleep``.
    lengths_min : ndarray of float64, shape (b,)
        Lengths in minutes.
    ended : ndarray of bool, shape (b,)
        False where the bout ended with the night or at an unscored epoch: it lasted at least so long.
    epoch_min : float
        Length of an epoch in minutes: the step of the lengths.
    """

    kind: str
    lengths_min: Floats
    ended: Flags
    epoch_min: float


@dataclass(frozen=True, eq=False)
class Survival:
    """A Kaplan–Meier curve.

    Attributes
    ----------
    times_min : ndarray of float64, shape (k,)
        Distinct lengths at which bouts ended, minutes, increasing.
    survival : ndarray of float64, shape (k,)
        Estimated probability that a bout lasts longer than that.
    standard_error : ndarray of float64, shape (k,)
        Greenwood's; NaN where the curve has reached 0.
    at_risk, ended : ndarray of int64, shape (k,)
        Bouts at least so long, and those that ended there.
    """

    times_min: Floats
    survival: Floats
    standard_error: Floats
    at_risk: NDArray[np.int64]
    ended: NDArray[np.int64]

    @property
    def median_min(self) -> float | None:
        """Shortest length that at most half of the bouts outlast; None where the curve stays above one half."""
        below = np.flatnonzero(self.survival <= 0.5)
        return float(self.times_min[below[0]]) if below.size else None


@dataclass(frozen=True, kw_only=True)
class BoutFit:
    """A distribution fitted to bouts by maximum likelihood, censored bouts included.

    Attributes
    ----------
    distribution : str
        ``"exponential"`` or ``"power law"``.
    parameter : float
        Time constant in minutes, or exponent of the density.
    floor_min : float
        Length at which the distribution begins, minutes.
    log_likelihood : float
        Natural logarithm of the density of the ended and the survival of the censored bouts.
    ks : float
        Kolmogorov–Smirnov distance: greatest difference between the Kaplan–Meier curve and the fitted one.
    n, n_ended : int
        Bouts, and those whose end was seen.
    p_value : float or None
        Share of samples drawn from the fit that lie farther from their own fits; small values speak against the
        distribution (Clauset et al. 2009 rule it out at 0.1). None unless asked for.
    """

    distribution: str
    parameter: float
    floor_min: float
    log_likelihood: float
    ks: float
    n: int
    n_ended: int
    p_value: float | None

    @property
    def aic(self) -> float:
        """Akaike's information criterion; the smaller of two fits to the same bouts is the better."""
        return 2.0 - 2.0 * self.log_likelihood


def bout_lengths(hypnogram: Hypnogram, kind: str) -> BoutLengths:
    """The bouts of a night.

    Parameters
    ----------
    hypnogram : Hypnogram
        A night.
    kind : str
        ``wake`` (awakenings, the final one included), ``awakening`` (without it), ``n1 n2 n3 r``, or stages taken as
        one: ``light``, ``nrem``, ``sleep``.

    Returns
    -------
    BoutLengths
        Empty where the resolution does not tell the stage.

    Raises
    ------
    ValueError
        If the kind is unknown.
    HypnogramError
        If the hypnogram is empty or its lights times contradict it.

    Examples
    --------
    >>> night = Hypnogram(stages=["W", "N2", "N2", "W", "R", "R"])
    >>> bouts = bout_lengths(night, "sleep")
    >>> bouts.lengths_min, bouts.ended
    (array([1., 1.]), array([ True, False]))
    """
    if kind not in BOUT_KINDS:
        raise ValueError(f"unknown kind of bout {kind!r}: choose from {', '.join(BOUT_KINDS)}")
    nights = Nights.of([hypnogram], Rules())
    bouts = bouts_of(nights, kind)
    return BoutLengths(kind, bouts.minutes, bouts.ended, float(nights.epoch_min[0]))


def pool(parts: Iterable[BoutLengths]) -> BoutLengths:
    """The bouts of several nights as one sample.

    Raises
    ------
    ValueError
        If there are none, or kinds or epoch lengths differ.

    Examples
    --------
    >>> night = Hypnogram(stages=["N2", "W", "N2", "W"])
    >>> pool(bout_lengths(each, "sleep") for each in (night, night)).lengths_min
    array([0.5, 0.5, 0.5, 0.5])
    """
    samples = list(parts)
    if len({(sample.kind, sample.epoch_min) for sample in samples}) != 1:
        raise ValueError("pool bouts of one kind and one epoch length")
    return BoutLengths(
        samples[0].kind,
        np.concatenate([sample.lengths_min for sample in samples]),
        np.concatenate([sample.ended for sample in samples]),
        samples[0].epoch_min,
    )


def kaplan_meier(lengths_min: ArrayLike, ended: ArrayLike) -> Survival:
    """Product-limit estimate of the survival of bouts.

    Parameters
    ----------
    lengths_min : array_like of float, shape (b,)
        Lengths in minutes.
    ended : array_like of bool, shape (b,)
        False where the bout is censored.

    Returns
    -------
    Survival
        Empty where no bout's end was seen.

    References
    ----------
    Kaplan EL, Meier P. Nonparametric estimation from incomplete observations. Journal of the American Statistical
    Association 1958;53:457–481. doi:10.1080/01621459.1958.10501452

    Examples
    --------
    >>> kaplan_meier([1, 2, 2, 3], [True, True, False, True]).survival
    array([0.75, 0.5 , 0.  ])
    """
    lengths = np.asarray(lengths_min, dtype=np.float64)
    flags = np.asarray(ended, dtype=bool)
    times, deaths = np.unique(lengths[flags], return_counts=True)
    at_risk = len(lengths) - np.searchsorted(np.sort(lengths), times, side="left")
    survival = np.cumprod(1.0 - deaths / at_risk, dtype=np.float64)
    left = at_risk - deaths
    terms = np.full(len(times), np.nan)
    np.divide(deaths, at_risk * left, out=terms, where=left > 0)
    standard_error: Floats = survival * np.sqrt(np.cumsum(terms))
    return Survival(times, survival, standard_error, at_risk.astype(np.int64), deaths.astype(np.int64))


def fit_exponential(
    bouts: BoutLengths, *, rules: Rules | None = None, p_draws: int = 0, seed: int = 0
) -> BoutFit | None:
    """Exponential distribution above `Rules.bout_floor_min`, by maximum likelihood.

    Parameters
    ----------
    bouts : BoutLengths
        From `bout_lengths` or `pool`.
    rules : Rules, optional
        Its ``bout_floor_min`` is where the distribution begins.
    p_draws : int
        Samples to draw for the p-value; 0 for none.
    seed : int
        Seed of these draws.

    Returns
    -------
    BoutFit or None
        None where no bout's end was seen.

    References
    ----------
    Lo CC et al. Europhysics Letters 2002;57:625–631. doi:10.1209/epl/i2002-00508-7

    Examples
    --------
    >>> sample = BoutLengths("sleep", np.array([1.25, 2.25, 3.25]), np.array([True, True, True]), 0.5)
    >>> fit_exponential(sample).parameter
    2.0
    """
    return _fit(_EXPONENTIAL, bouts, rules or Rules(), p_draws, seed)


def fit_power_law(bouts: BoutLengths, *, rules: Rules | None = None, p_draws: int = 0, seed: int = 0) -> BoutFit | None:
    """Power law above `Rules.bout_floor_min`, by maximum likelihood.

    Parameters and result are those of `fit_exponential`; the parameter is the exponent of the density.

    References
    ----------
    Clauset A, Shalizi CR, Newman MEJ. SIAM Review 2009;51:661–703. doi:10.1137/070710111

    Examples
    --------
    >>> lengths = 0.25 * np.exp([1.0, 2.0, 3.0])
    >>> round(fit_power_law(BoutLengths("wake", lengths, np.array([True, True, True]), 0.5)).parameter, 6)
    1.5
    """
    return _fit(_POWER_LAW, bouts, rules or Rules(), p_draws, seed)


@dataclass(frozen=True)
class _Family:
    """A one-parameter family: both are exponential in a transformed length, which is all that they differ in."""

    name: str

    def excess(self, lengths_min: Floats, floor_min: float) -> Floats:
        """Transformed length, 0 at the floor, exponential with mean `scale`."""
        if self.name == "exponential":
            return np.maximum(lengths_min - floor_min, 0.0)
        logs: Floats = np.log(np.maximum(lengths_min / floor_min, 1.0))
        return logs

    def lengths(self, excess: Floats, floor_min: float) -> Floats:
        """The inverse of `excess`."""
        if self.name == "exponential":
            return floor_min + excess
        return floor_min * np.exp(np.minimum(excess, 700.0))

    def parameter(self, scale: float) -> float:
        """Time constant, or exponent of the density."""
        return scale if self.name == "exponential" else 1.0 + 1.0 / scale

    def log_terms(self, lengths_min: Floats, ended: Flags, floor_min: float, scale: float) -> Floats:
        """Log-likelihood of each bout."""
        excess = self.excess(lengths_min, floor_min)
        # d(excess)/d(length) turns the density of the one into that of the other.
        jacobian = np.zeros(len(excess)) if self.name == "exponential" else -np.log(lengths_min)
        terms: Floats = -excess / scale + np.where(ended, jacobian - math.log(scale), 0.0)
        return terms


_EXPONENTIAL, _POWER_LAW = _Family("exponential"), _Family("power law")


def _scale(family: _Family, lengths: Floats, ended: Flags, floor_min: float) -> float | None:
    seen = int(ended.sum())
    total = float(family.excess(lengths, floor_min).sum())
    return total / seen if seen and total > 0 else None


def _distance(family: _Family, lengths: Floats, ended: Flags, floor_min: float, scale: float) -> float:
    """Greatest difference between the curves.

    A scored length stands for the true lengths that round to it, so that outlasting it means outlasting it by half an
    epoch, which is the floor.
    """
    curve = kaplan_meier(lengths, ended)
    fitted = np.exp(-family.excess(curve.times_min + floor_min, floor_min) / scale)
    return float(np.abs(curve.survival - fitted).max())


def _fit(family: _Family, bouts: BoutLengths, rules: Rules, p_draws: int, seed: int) -> BoutFit | None:
    lengths, ended, floor = bouts.lengths_min, bouts.ended, rules.bout_floor_min
    scale = _scale(family, lengths, ended, floor)
    if scale is None:
        return None
    ks = _distance(family, lengths, ended, floor, scale)
    p_value = None
    if p_draws > 0:
        rng = np.random.default_rng(seed)
        farther = sum(
            _drawn_distance(family, rng, len(lengths), bouts.epoch_min, floor, scale) >= ks for _ in range(p_draws)
        )
        p_value = farther / p_draws
    return BoutFit(
        distribution=family.name,
        parameter=family.parameter(scale),
        floor_min=floor,
        log_likelihood=float(family.log_terms(lengths, ended, floor, scale).sum()),
        ks=ks,
        n=len(lengths),
        n_ended=int(ended.sum()),
        p_value=p_value,
    )


def _drawn_distance(
    family: _Family, rng: np.random.Generator, n: int, epoch_min: float, floor_min: float, scale: float
) -> float:
    """Distance of a sample from its own fit, when it comes from the distribution and is scored in epochs."""
    lengths = family.lengths(rng.exponential(scale, n), floor_min)
    scored = np.maximum(np.floor(lengths / epoch_min + 0.5), 1.0) * epoch_min
    ended = np.ones(n, dtype=bool)
    refitted = _scale(family, scored, ended, floor_min)
    return 0.0 if refitted is None else _distance(family, scored, ended, floor_min, refitted)


def vuong(bouts: BoutLengths, *, rules: Rules | None = None) -> tuple[float, float] | None:
    """Vuong's likelihood-ratio test between the exponential and the power law.

    Parameters
    ----------
    bouts : BoutLengths
        From `bout_lengths` or `pool`.
    rules : Rules, optional
        Its ``bout_floor_min`` is where both distributions begin.

    Returns
    -------
    (float, float) or None
        Normalised ratio, above 0 where the exponential fits better, and its two-sided p-value; None where there are
        fewer than two bouts or both fit all bouts equally.

    References
    ----------
    Vuong QH. Likelihood ratio tests for model selection and non-nested hypotheses. Econometrica 1989;57:307–333.
    doi:10.2307/1912557

    Examples
    --------
    >>> sample = BoutLengths("sleep", np.array([5.0, 5.5, 6.0, 4.5]), np.full(4, True), 0.5)
    >>> vuong(sample)[0] > 0
    True
    """
    lengths, ended, floor = bouts.lengths_min, bouts.ended, (rules or Rules()).bout_floor_min
    scales = [_scale(family, lengths, ended, floor) for family in (_EXPONENTIAL, _POWER_LAW)]
    if len(lengths) < 2 or scales[0] is None or scales[1] is None:
        return None
    difference = _EXPONENTIAL.log_terms(lengths, ended, floor, scales[0])
    difference = difference - _POWER_LAW.log_terms(lengths, ended, floor, scales[1])
    spread = float(difference.std())
    if spread < _EPSILON_MIN:
        return None
    ratio = float(difference.sum()) / (spread * math.sqrt(len(lengths)))
    return ratio, math.erfc(abs(ratio) / math.sqrt(2.0))
