"""Night by night: how far a device's totals are from the reference's, and how far they can be (Bland and Altman).

Assumptions
-----------
- A difference is predicted less reference; the reference, not the mean of both, is on the x axis, for one of the two
  counts as right (Menghini et al. 2021).
- Nights where either has no value (no REM sleep: no REM latency) are left out and counted.
- Nights of one subject are not independent. With several nights a subject, the SD is the total one of Bland and Altman
  (2007), what a new night of a new subject would show, and every test and interval counts subjects. With one subject
  only, nights are all there is: intervals then hold for that subject.
- What is not done: limits on logarithms (Euser et al. 2008).

References
----------
Menghini L, Cellini N, Goldstone A, Baker FC, de Zambotti M. A standardized framework for testing the performance of
sleep-tracking technology: step-by-step guidelines and open-source code. Sleep 2021;44:zsaa170.
doi:10.1093/sleep/zsaa170

Bland JM, Altman DG. Measuring agreement in method comparison studies. Stat Methods Med Res 1999;8:135–160.
doi:10.1177/096228029900800204

Bland JM, Altman DG. Agreement between methods of measurement with multiple observations per individual. J Biopharm
Stat 2007;17:571–582. doi:10.1080/10543400701329422
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from staging.agreement.bootstrap import Resampling
from staging.agreement.differences import (
    ALPHA,
    Z_95,
    Interval,
    Regression,
    UnitSums,
    icc,
    mean,
    regress,
    shapiro_wilk,
    without_noise,
)
from staging.agreement.pairing import Pair
from staging.architecture import definitions, summarize_many
from staging.errors import InputError

__all__ = ["MetricAgreement", "compare_nights", "night_agreement", "subject_names"]

Floats = NDArray[np.float64]

_FROM_MEAN_DEVIATION = math.sqrt(math.pi / 2.0)
"""SD of a normal distribution in units of its mean absolute deviation; times 1.96 it is Bland and Altman's 2.46."""


@dataclass(frozen=True, kw_only=True, eq=False)
class MetricAgreement:
    """Agreement of one metric of the night. Made by `compare_nights`. NaN where too few nights tell.

    Attributes
    ----------
    name, unit : str
        Key of the metric and its unit in words.
    reference, predicted : ndarray of float64, shape (n,)
        Every night's values, NaN where not defined.
    n_nights, n_subjects, n_left_out : int
        Nights compared, subjects they are of, and nights left out because either has no value.
    bias : float
        Mean difference.
    sd : float
        SD of the differences: of a new night of a new subject.
    bias_interval_t, bias_interval : (low, high)
        Interval of the bias by Student's t, and by the bootstrap over subjects.
    mean_absolute : float
        Mean absolute difference.
    loa : (low, high)
        Limits of agreement if they are the same everywhere: bias ± 1.96 SD.
    loa_low_interval, loa_high_interval : (low, high)
        Bootstrap interval of each limit.
    shapiro_w, shapiro_p : float
        Shapiro and Wilk's test that the differences are normal.
    bias_line : Regression
        Difference on reference: proportional bias.
    bias_slope_interval : (low, high)
        Bootstrap interval of its slope.
    residual_sd : float
        SD of the differences about that line.
    spread_line : Regression
        Absolute residuals about that line on the reference: heteroscedasticity.
    icc : float
        Intraclass correlation of absolute agreement of single nights, ICC(A,1) of McGraw and Wong 1996
        (doi:10.1037/1082-989X.1.1.30).
    """

    name: str
    unit: str
    reference: Floats
    predicted: Floats
    n_nights: int
    n_subjects: int
    n_left_out: int
    bias: float
    sd: float
    bias_interval_t: Interval
    bias_interval: Interval
    mean_absolute: float
    loa: Interval
    loa_low_interval: Interval
    loa_high_interval: Interval
    shapiro_w: float
    shapiro_p: float
    bias_line: Regression
    bias_slope_interval: Interval
    residual_sd: float
    spread_line: Regression
    icc: float

    @property
    def difference(self) -> Floats:
        """Predicted less reference of every night, float64 ``(n,)``."""
        return self.predicted - self.reference

    @property
    def reference_mean(self) -> float:
        """Mean of the reference over the nights compared."""
        return mean(self.reference[~np.isnan(self.difference)])

    @property
    def predicted_mean(self) -> float:
        """Mean of the prediction over the nights compared."""
        return mean(self.predicted[~np.isnan(self.difference)])

    @property
    def normal(self) -> bool | None:
        """False where the differences are not normal; None where there are too few to tell."""
        return None if math.isnan(self.shapiro_p) else self.shapiro_p >= ALPHA

    @property
    def proportional_bias(self) -> bool:
        """True where the bias changes with the reference (`bias_line` at `ALPHA`)."""
        return self.bias_line.significant

    @property
    def heteroscedastic(self) -> bool:
        """True where the spread of the differences changes with the reference (`spread_line` at `ALPHA`)."""
        return self.spread_line.significant

    def limits_at(self, reference: ArrayLike) -> tuple[Floats, Floats, Floats]:
        """Bias and limits of agreement at values of the reference, modelled only where they vary with it.

        Parameters
        ----------
        reference : array_like of float
            Values of the metric.

        Returns
        -------
        bias, low, high : ndarray of float64, shape of `reference`
            The bias is the line where it is proportional, else constant. The limits lie 1.96 SD from it; where the
            spread varies, 2.46 times the fitted absolute residual.

        Examples
        --------
        >>> psg = [400.0, 420.0, 440.0, 460.0, 380.0]
        >>> tst = compare_nights(psg, [410.0, 424.0, 452.0, 466.0, 388.0], name="tst_min")
        >>> [round(float(value), 2) for value in tst.limits_at(430.0)]
        [8.0, 1.8, 14.2]
        """
        at = np.asarray(reference, dtype=np.float64)
        proportional = self.proportional_bias
        bias = self.bias_line.intercept + self.bias_line.slope * at if proportional else np.full(at.shape, self.bias)
        if self.heteroscedastic:
            fitted = np.maximum(self.spread_line.intercept + self.spread_line.slope * at, 0.0)
            half = Z_95 * _FROM_MEAN_DEVIATION * fitted
        else:
            half = np.full(at.shape, Z_95 * (self.residual_sd if proportional else self.sd))
        return bias, bias - half, bias + half


def compare_nights(
    reference: ArrayLike,
    predicted: ArrayLike,
    *,
    name: str,
    unit: str = "",
    subjects: Sequence[str] | None = None,
    resampling: Resampling | None = None,
) -> MetricAgreement:
    """Agreement of one metric over nights.

    Parameters
    ----------
    reference, predicted : array_like of float, shape (n,)
        The metric of each night, NaN where it is not defined.
    name, unit : str
        What it is called, and its unit.
    subjects : sequence of str, length n, optional
        Who slept each night; by default every night is another subject's.
    resampling : Resampling, optional
        How intervals are made.

    Returns
    -------
    MetricAgreement

    Raises
    ------
    ValueError
        If the lengths differ.

    Examples
    --------
    >>> tst = compare_nights([400.0, 420.0, np.nan], [410.0, 440.0, 460.0], name="tst_min", unit="min")
    >>> tst.bias, tst.n_nights, tst.n_left_out
    (15.0, 2, 1)
    """
    resampling = resampling or Resampling()
    x_all, y_all = np.asarray(reference, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    n_names = len(x_all) if subjects is None else len(subjects)
    if x_all.ndim != 1 or x_all.shape != y_all.shape or n_names != len(x_all):
        raise ValueError(f"reference {x_all.shape}, predicted {y_all.shape} and subjects must be equally long and 1-D")
    defined = ~(np.isnan(x_all) | np.isnan(y_all))
    x, difference = x_all[defined], without_noise((y_all - x_all)[defined], x_all[defined])
    n_subjects, unit_of = _units(None if subjects is None else np.asarray(subjects, dtype=str)[defined], len(x))
    bias_line, residuals = regress(x, difference, unit_of)
    spread_line, _ = regress(x, np.abs(residuals), unit_of)
    sums = UnitSums.of(x, difference, unit_of)
    bias, sd, _ = sums.whole()
    bias_interval, low_interval, high_interval, slope_interval = sums.intervals(resampling)
    shapiro_w, shapiro_p = shapiro_wilk(difference)
    return MetricAgreement(
        name=name,
        unit=unit,
        reference=x_all,
        predicted=y_all,
        n_nights=len(x),
        n_subjects=n_subjects,
        n_left_out=int((~defined).sum()),
        bias=bias,
        sd=sd,
        bias_interval_t=sums.bias_interval_t(resampling.confidence),
        bias_interval=bias_interval,
        mean_absolute=mean(np.abs(difference)),
        loa=(bias - Z_95 * sd, bias + Z_95 * sd),
        loa_low_interval=low_interval,
        loa_high_interval=high_interval,
        shapiro_w=shapiro_w,
        shapiro_p=shapiro_p,
        bias_line=bias_line,
        bias_slope_interval=slope_interval,
        residual_sd=UnitSums.of(x, residuals, unit_of).whole()[1],
        spread_line=spread_line,
        icc=icc(x, x + difference),
    )


def night_agreement(
    pairs: Sequence[Pair],
    *,
    metrics: Iterable[str] | None = None,
    n_classes: int | None = None,
    same_epochs: bool = True,
    resampling: Resampling | None = None,
) -> dict[str, MetricAgreement]:
    """Agreement of every metric of the night.

    Parameters
    ----------
    pairs : sequence of Pair
        Nights; `Pair.subject` tells which are of one subject, unless it is empty.
    metrics : iterable of str, optional
        Keys of `staging.architecture.definitions`; by default all that the resolution tells.
    n_classes : int, optional
        Resolution in which both are summarised; by default the finest that all pairs have.
    same_epochs : bool
        True summarises what both reach, between the reference's lights times, with every epoch unscored that either
        leaves unscored: the difference is then one of staging alone. False summarises each hypnogram as it was given,
        as its user would: another span, other lights times and other gaps are then part of the difference.
    resampling : Resampling, optional
        How intervals are made.

    Returns
    -------
    dict of str to MetricAgreement
        In the order of the definitions, or of `metrics` where they are named; without metrics that no night has in
        both, unless they are named.

    Raises
    ------
    InputError
        If a metric is unknown or is not told by the resolution.

    Examples
    --------
    >>> from staging.agreement.pairing import pair
    >>> from staging.hypnogram import Hypnogram
    >>> night = pair(Hypnogram(stages=["W", "N2", "N2", "R"]), Hypnogram(stages=["N2", "N2", "N2", "W"]))
    >>> night_agreement([night])["tst_min"].bias
    0.0
    """
    wanted = min((night.n_classes for night in pairs), default=5) if n_classes is None else n_classes
    known = definitions()
    names = list(known if metrics is None else metrics)
    for name in names:
        if name not in known:
            raise InputError(name, "is not a metric", f"choose from {', '.join(known)}")
        if metrics is not None and wanted not in known[name].classes:
            raise InputError(name, f"is not told by {wanted} classes", f"it needs {min(known[name].classes)} or more")
    nights = [night.masked(wanted) if same_epochs else night.merged(wanted) for night in pairs]
    values = [summarize_many([night[side] for night in nights]) for side in (0, 1)]
    subjects = subject_names(pairs)
    result = {}
    for name in names:
        reference, predicted = (_column([night.metrics[name] for night in column]) for column in values)
        if metrics is None and np.isnan(reference + predicted).all():
            continue
        result[name] = compare_nights(
            reference, predicted, name=name, unit=known[name].unit, subjects=subjects, resampling=resampling
        )
    return result


def subject_names(pairs: Sequence[Pair]) -> list[str]:
    """Who slept each night; a night that does not say is one of another subject."""
    return [night.subject or f"#{index}" for index, night in enumerate(pairs)]


def _column(values: Sequence[float | None]) -> Floats:
    return np.array([math.nan if value is None else value for value in values], dtype=np.float64)


def _units(subjects: NDArray[np.str_] | None, n_nights: int) -> tuple[int, NDArray[np.int64]]:
    """Number of subjects, and the independent unit of each night: its subject, or itself where there is but one."""
    if subjects is None:
        return n_nights, np.arange(n_nights)
    names, unit_of = np.unique(subjects, return_inverse=True)
    return len(names), np.arange(n_nights) if len(names) < 2 else unit_of.astype(np.int64)
