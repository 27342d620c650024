"""What published studies found in healthy adults, beside a night's own values.

Assumptions
-----------
- A published range describes the people of that study. It is no diagnosis, and a value outside it no disorder: the
  spread between healthy people, and between the nights of one person, is wide (Hertenstein et al. 2018,
  doi:10.5664/jcsm.7036).
- Nothing is added up to a score.
- The studies scored polysomnography. A wearable's own bias comes on top.
- Only numbers that could be checked in the publication or its abstract are given; "no consensus" is said where the
  panel found none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from staging.architecture.catalogue import CATALOGUE
from staging.architecture.registry import SOURCES

__all__ = ["NORMS", "Norm", "NormComparison", "compare_with_norms"]

_ADULT = (18.0, float("inf"))


@dataclass(frozen=True, kw_only=True)
class Norm:
    """A published range or statement about one metric.

    Attributes
    ----------
    metric : str
        Name of the metric.
    ages : (float, float)
        Ages in years to which it applies: from, and below.
    low, high : float or None
        Ends of the range, both inside it; None where it is open, and both None where there is no range.
    middle : float or None
        Median or mean, where the source gives one.
    meaning : str
        What the range is.
    source : str
        A key of `staging.architecture.registry.SOURCES`.
    sex : str or None
        ``"female"`` or ``"male"`` where it applies to one sex only.
    """

    metric: str
    ages: tuple[float, float]
    meaning: str
    source: str
    low: float | None = None
    high: float | None = None
    middle: float | None = None
    sex: str | None = None


@dataclass(frozen=True, kw_only=True)
class NormComparison:
    """A night's value beside one norm.

    Attributes
    ----------
    norm : Norm
        The norm.
    value : float or None
        The night's value.
    position : str or None
        ``"below"``, ``"within"`` or ``"above"`` the range; None where there is no value or no range.
    """

    norm: Norm
    value: float | None
    position: str | None

    @property
    def reference(self) -> str:
        """Full reference of the norm."""
        return SOURCES[self.norm.source]


_APPROPRIATE = "range that the panel of the National Sleep Foundation agreed on as a sign of good sleep"
_NO_CONSENSUS = "no consensus: the panel of the National Sleep Foundation agreed on no range"
_TEXTBOOK = "share in healthy young adults given by the standard textbook chapter"
_YOUNG, _OLD = (19.0, 31.0), (61.0, 78.0)


def _interval(metric: str, ages: tuple[float, float], low: float, middle: float, high: float) -> Norm:
    meaning = "median and interval of healthy sleepers in the laboratory"
    return Norm(metric=metric, ages=ages, low=low, middle=middle, high=high, meaning=meaning, source="mitterling2015")


def _trend(metric: str, words: str, source: str, sex: str | None = None) -> Norm:
    return Norm(metric=metric, ages=_ADULT, meaning=words, source=source, sex=sex)


NORMS: tuple[Norm, ...] = (
    Norm(
        metric="sol_min",
        ages=_ADULT,
        high=30.0,
        meaning=f"{_APPROPRIATE}; agreement was greatest up to 15 min",
        source="ohayon2017",
    ),
    Norm(metric="awakenings_over_5_min", ages=(18.0, 65.0), high=1.0, meaning=_APPROPRIATE, source="ohayon2017"),
    Norm(metric="awakenings_over_5_min", ages=(65.0, _ADULT[1]), high=2.0, meaning=_APPROPRIATE, source="ohayon2017"),
    Norm(metric="waso_min", ages=(18.0, 65.0), high=20.0, meaning=_APPROPRIATE, source="ohayon2017"),
    Norm(metric="waso_min", ages=(65.0, _ADULT[1]), high=30.0, meaning=_APPROPRIATE, source="ohayon2017"),
    Norm(metric="se_pct", ages=_ADULT, low=85.0, meaning=_APPROPRIATE, source="ohayon2017"),
    Norm(metric="r_pct", ages=(18.0, 65.0), low=21.0, high=30.0, meaning=_APPROPRIATE, source="ohayon2017"),
    Norm(metric="r_pct", ages=(65.0, _ADULT[1]), meaning=_NO_CONSENSUS, source="ohayon2017"),
    Norm(metric="n3_pct", ages=_ADULT, meaning=_NO_CONSENSUS, source="ohayon2017"),
    Norm(metric="n1_pct", ages=(18.0, 31.0), low=2.0, high=5.0, meaning=_TEXTBOOK, source="carskadon2011"),
    Norm(metric="n2_pct", ages=(18.0, 31.0), low=45.0, high=55.0, meaning=_TEXTBOOK, source="carskadon2011"),
    Norm(metric="n3_pct", ages=(18.0, 31.0), low=13.0, high=23.0, meaning=_TEXTBOOK, source="carskadon2011"),
    Norm(metric="r_pct", ages=(18.0, 31.0), low=20.0, high=25.0, meaning=_TEXTBOOK, source="carskadon2011"),
    _interval("tst_min", _YOUNG, 345.6, 413.5, 451.9),
    _interval("tst_min", _OLD, 216.0, 378.3, 440.0),
    _interval("se_pct", _YOUNG, 71.9, 87.0, 94.1),
    _interval("se_pct", _OLD, 44.5, 79.7, 90.9),
    _trend("tst_min", "falls with age, by 10.1 (95 % CI 7.5 to 12.8) min a decade", "boulos2019"),
    _trend("se_pct", "falls with age, by 2.1 (95 % CI 1.5 to 2.6) points a decade", "boulos2019"),
    _trend("waso_min", "rises with age, by 9.7 (95 % CI 6.9 to 12.4) min a decade", "boulos2019"),
    _trend("sol_min", "rises with age, by 1.1 (95 % CI 0.3 to 1.9) min a decade", "boulos2019"),
    _trend("n1_pct", "rises with age, by 0.5 points a decade", "boulos2019"),
    _trend("n2_pct", "no significant change with age", "boulos2019"),
    _trend("n3_pct", "no significant change with age", "boulos2019"),
    _trend("r_pct", "no significant change with age", "boulos2019"),
    _trend("tst_min", "falls with age in adults", "ohayon2004"),
    _trend("se_pct", "falls with age in adults, after 60 years as well", "ohayon2004"),
    _trend("n3_pct", "falls with age in adults (slow-wave sleep)", "ohayon2004"),
    _trend("r_pct", "falls with age in adults", "ohayon2004"),
    _trend("rem_latency_min", "falls with age in adults", "ohayon2004"),
    _trend("sol_min", "rises with age in adults", "ohayon2004"),
    _trend("n1_pct", "rises with age in adults", "ohayon2004"),
    _trend("n2_pct", "rises with age in adults", "ohayon2004"),
    _trend("waso_min", "rises with age in adults", "ohayon2004"),
    _trend("n3_pct", "6.7 points higher on average than in men (slow-wave sleep)", "walsleben2004", sex="female"),
    _trend("n3_pct", "falls with age, by 1.9 points a decade (slow-wave sleep)", "walsleben2004", sex="male"),
)
"""All norms, by metric and source."""


def compare_with_norms(
    metrics: Mapping[str, float | None], *, age_years: float, sex: str | None = None
) -> list[NormComparison]:
    """A night's values beside the published ranges for an age and sex.

    Parameters
    ----------
    metrics : mapping of str to float or None
        ``SleepArchitecture.metrics``, or means of many nights.
    age_years : float
        Age; norms for adults from 18 years are known.
    sex : str, optional
        ``"female"`` or ``"male"``; without it, statements about one sex are left out.

    Returns
    -------
    list of NormComparison
        In the order of the metrics; a metric may have several norms, or none. Empty below 18 years.

    Raises
    ------
    ValueError
        If the age is not a number of years or the sex is another word.

    Examples
    --------
    >>> found = compare_with_norms({"sol_min": 40.0}, age_years=40)[0]
    >>> found.position, found.norm.high
    ('above', 30.0)
    """
    if not 0 <= age_years < 150:
        raise ValueError(f"age_years must be from 0 to 150, got {age_years}")
    if sex not in (None, "female", "male"):
        raise ValueError(f"sex must be 'female', 'male' or None, got {sex!r}")
    chosen = [
        norm
        for norm in NORMS
        if norm.metric in metrics and norm.ages[0] <= age_years < norm.ages[1] and (norm.sex is None or norm.sex == sex)
    ]
    order = list(CATALOGUE)
    chosen.sort(key=lambda norm: order.index(norm.metric))
    return [
        NormComparison(norm=norm, value=metrics[norm.metric], position=_position(norm, metrics[norm.metric]))
        for norm in chosen
    ]


def _position(norm: Norm, value: float | None) -> str | None:
    if value is None or (norm.low is None and norm.high is None):
        return None
    if norm.low is not None and value < norm.low:
        return "below"
    return "above" if norm.high is not None and value > norm.high else "within"
