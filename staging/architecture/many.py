"""Many nights of one person: means and spread, regularity, and a tidy table.

Assumptions
-----------
- A night is named by the date of the evening: from noon to noon of the clock at its start.
- Of several sleeps of one date the one with the most sleep is the main one; the others are naps. Day sleepers whose
  main sleep begins after noon keep the date of that day.
- A night with too little scored or too little time in bed is left out of all statistics, and named.
- Clock times are averaged on the circle of the day, so that 23:30 and 00:30 give midnight.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from staging.architecture.catalogue import CATALOGUE
from staging.architecture.nights import UNSCORED, W, codes_of, fixed_offset, in_bed
from staging.architecture.rules import Rules
from staging.architecture.summary import SleepArchitecture, summarize_many
from staging.architecture.uncertainty import Interval
from staging.errors import HypnogramError
from staging.hypnogram import Hypnogram

__all__ = [
    "ManyNights",
    "NightRules",
    "Spread",
    "format_tidy_csv",
    "night_of",
    "sleep_regularity_index",
    "social_jetlag_h",
    "summarize_nights",
    "tidy_table",
]

NIGHTS_SCHEMA = "staging.architecture.nights/1.0"
"""Name and version of the JSON that `ManyNights.to_dict` gives."""

_DAY_S = 86_400.0
_ENDS = ("_low", "_high")
_CLOCK_UNIT = "clock h"
_MIDPOINT = "sleep_midpoint_clock_h"


@dataclass(frozen=True, kw_only=True)
class NightRules:
    """Which nights count.

    Attributes
    ----------
    min_scored_pct : float
        Least share of the time in bed that is scored.
    min_tib_min : float
        Least time in bed, minutes.
    min_nights : int
        Fewest nights for a mean; a spread needs two in any case.
    main_only : bool
        Leave naps out.

    Raises
    ------
    ValueError
        If a limit is negative or fewer than one night is asked for.
    """

    min_scored_pct: float = 80.0
    min_tib_min: float = 180.0
    min_nights: int = 1
    main_only: bool = True

    def __post_init__(self) -> None:
        if not (0 <= self.min_scored_pct <= 100 and self.min_tib_min >= 0 and self.min_nights >= 1):
            raise ValueError(f"impossible rules for nights: {self}")


@dataclass(frozen=True, kw_only=True)
class Spread:
    """One metric over nights.

    Attributes
    ----------
    n : int
        Nights that have the metric.
    mean, sd, cv_pct : float or None
        Mean, standard deviation (n − 1) and coefficient of variation; None where there are too few nights, and the
        last also for clock times and where the mean is 0. Clock times have a circular mean, and an SD in hours.
    """

    n: int
    mean: float | None
    sd: float | None
    cv_pct: float | None


@dataclass(frozen=True, kw_only=True, eq=False)
class ManyNights:
    """What many nights of one person say together.

    Attributes
    ----------
    nights : tuple of SleepArchitecture
        The nights that count, in order of time.
    excluded : tuple of (Hypnogram, str)
        The others, with the reason.
    missing : tuple of date
        Dates between the first and the last night without one that counts.
    spreads : mapping of str to Spread
        Every metric over the nights.
    sri : float or None
        Sleep regularity index, −100 to 100; None where no two moments a day apart were both scored.
    social_jetlag_h : float or None
        Midpoint of sleep on free days less that on work days, hours; None without nights of both.
    """

    nights: tuple[SleepArchitecture, ...]
    excluded: tuple[tuple[Hypnogram, str], ...]
    missing: tuple[date, ...]
    spreads: Mapping[str, Spread] = field(repr=False)
    sri: float | None
    social_jetlag_h: float | None

    def to_dict(self) -> dict[str, object]:
        """Plain values, ready for `json.dumps`, as ``schema_nights.json`` describes them."""
        return {
            "schema": NIGHTS_SCHEMA,
            "nights": [_name(night.hypnogram) for night in self.nights],
            "excluded": [{"night": _name(night), "reason": reason} for night, reason in self.excluded],
            "missing": [day.isoformat() for day in self.missing],
            "sri": self.sri,
            "social_jetlag_h": self.social_jetlag_h,
            "metrics": {
                name: {"n": spread.n, "mean": spread.mean, "sd": spread.sd, "cv_pct": spread.cv_pct}
                for name, spread in self.spreads.items()
            },
        }


def _name(night: Hypnogram) -> str:
    day = night_of(night)
    return night.source if day is None else f"{day.isoformat()} {night.source}".strip()


def night_of(night: Hypnogram) -> date | None:
    """Date of the evening on which a night began; None where its start is unknown.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> night_of(Hypnogram(stages=["W"], start=datetime(2024, 3, 2, 0, 30, tzinfo=UTC))).isoformat()
    '2024-03-01'
    """
    return None if night.start is None else (fixed_offset(night.start) - timedelta(hours=12)).date()


def summarize_nights(
    hypnograms: Sequence[Hypnogram],
    *,
    rules: Rules | None = None,
    night_rules: NightRules | None = None,
    is_free_day: Callable[[date], bool] | None = None,
    outside: str = "missing",
) -> ManyNights:
    """Mean, spread and regularity of many nights of one person.

    Parameters
    ----------
    hypnograms : sequence of Hypnogram
        Nights and naps in any order.
    rules : Rules, optional
        Thresholds of the metrics.
    night_rules : NightRules, optional
        Which nights count.
    is_free_day : callable, optional
        Whether the day on which a sleep ends is free of work; Saturdays and Sundays by default.
    outside : str
        What the time outside of the hypnograms is for the regularity index, see `sleep_regularity_index`.

    Returns
    -------
    ManyNights
        Statistics, with the nights that were left out and why.

    Raises
    ------
    HypnogramError
        If a hypnogram is empty, or two overlap.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> stages = ["W"] * 40 + ["N2"] * 800 + ["W"] * 20
    >>> nights = [
    ...     Hypnogram(stages=stages, start=datetime(2024, 3, day, 23, tzinfo=UTC)) for day in (1, 2, 4)
    ... ]
    >>> many = summarize_nights(nights)
    >>> many.spreads["tst_min"].mean, [day.isoformat() for day in many.missing], many.sri
    (400.0, ['2024-03-03'], 100.0)
    """
    limits = night_rules or NightRules()
    summaries = sorted(summarize_many(hypnograms, rules=rules), key=_moment)
    good, excluded = _scored_enough(summaries, limits)
    kept, naps = _main_sleeps(good) if limits.main_only else (good, [])
    spreads = {
        name: _spread([night.metrics[name] for night in kept], metric.unit == _CLOCK_UNIT, limits.min_nights)
        for name, metric in CATALOGUE.items()
    }
    days = [day for day in (night_of(night.hypnogram) for night in kept) if day is not None]
    span = range((days[-1] - days[0]).days + 1) if days else range(0)
    every = {days[0] + timedelta(days=step) for step in span} if days else set()
    return ManyNights(
        nights=tuple(kept),
        excluded=(*excluded, *naps),
        missing=tuple(sorted(every - set(days))),
        spreads=spreads,
        sri=sleep_regularity_index([night.hypnogram for night in good], outside=outside),
        social_jetlag_h=social_jetlag_h(kept, is_free_day=is_free_day),
    )


def _moment(night: SleepArchitecture) -> float:
    start = night.hypnogram.start
    return -math.inf if start is None else start.timestamp()


def _scored_enough(
    summaries: Sequence[SleepArchitecture], limits: NightRules
) -> tuple[list[SleepArchitecture], list[tuple[Hypnogram, str]]]:
    """Nights with enough scored time in bed, and the others with the reason."""
    good: list[SleepArchitecture] = []
    excluded: list[tuple[Hypnogram, str]] = []
    for night in summaries:
        scored, tib = night.metrics["scored_pct"] or 0.0, night.metrics["tib_min"] or 0.0
        if scored < limits.min_scored_pct:
            excluded.append((night.hypnogram, f"{scored:.0f} % scored, less than {limits.min_scored_pct:g} %"))
        elif tib < limits.min_tib_min:
            excluded.append((night.hypnogram, f"{tib:.0f} min in bed, less than {limits.min_tib_min:g} min"))
        else:
            good.append(night)
    return good, excluded


def _main_sleeps(
    nights: Sequence[SleepArchitecture],
) -> tuple[list[SleepArchitecture], list[tuple[Hypnogram, str]]]:
    """The longest sleep of each date, and the others; sleeps without a date are all main ones."""
    main: dict[date, SleepArchitecture] = {}
    for night in nights:
        day = night_of(night.hypnogram)
        if day is not None and (day not in main or (night.tst_min or 0.0) > (main[day].tst_min or 0.0)):
            main[day] = night
    kept: list[SleepArchitecture] = []
    naps: list[tuple[Hypnogram, str]] = []
    for night in nights:
        day = night_of(night.hypnogram)
        if day is None or main[day] is night:
            kept.append(night)
        else:
            naps.append((night.hypnogram, f"a shorter sleep than the main one of {day.isoformat()}"))
    return kept, naps


def _spread(values: Sequence[float | None], clock: bool, min_nights: int) -> Spread:
    known = np.array([value for value in values if value is not None], dtype=np.float64)
    n = len(known)
    if n < min_nights or n == 0:
        return Spread(n=n, mean=None, sd=None, cv_pct=None)
    if clock:
        mean = circular_mean_h(known)
        away = _wrapped_h(known - mean) if mean is not None else None
        sd = float(np.sqrt(np.sum(away**2) / (n - 1))) if away is not None and n > 1 else None
        return Spread(n=n, mean=mean, sd=sd, cv_pct=None)
    mean = float(known.mean())
    sd = float(known.std(ddof=1)) if n > 1 else None
    return Spread(n=n, mean=mean, sd=sd, cv_pct=100.0 * sd / mean if sd is not None and mean > 0 else None)


def circular_mean_h(hours: NDArray[np.float64]) -> float | None:
    """Mean of clock times on the circle of the day, 0 to 24 h; None where they cancel out."""
    angle = hours * (2 * np.pi / 24)
    x, y = float(np.cos(angle).mean()), float(np.sin(angle).mean())
    return None if math.hypot(x, y) < 1e-9 else math.atan2(y, x) * 24 / (2 * math.pi) % 24


def _wrapped_h(difference: NDArray[np.float64]) -> NDArray[np.float64]:
    """Differences of clock times as the shorter way round, −12 to 12 h."""
    return (difference + 12.0) % 24.0 - 12.0


def sleep_regularity_index(hypnograms: Sequence[Hypnogram], *, outside: str = "missing") -> float | None:
    """Probability of being in the same state at two moments 24 h apart, scaled to −100 to 100.

    Parameters
    ----------
    hypnograms : sequence of Hypnogram
        Nights with known starts and one epoch length; those without a start are left out.
    outside : str
        What the time between the hypnograms is: ``"missing"`` compares only what was scored on both days, which
        leaves the time of the night and so rates people as more regular; ``"wake"`` takes it as wake, as whole-day
        actigraphy would mostly say, which needs that all sleep was recorded.

    Returns
    -------
    float or None
        100 for the same times every day, 0 for chance; None where no two epochs a day apart are both known.

    Raises
    ------
    HypnogramError
        If hypnograms overlap, or their epochs differ or do not divide a day.
    ValueError
        If `outside` is another word.

    References
    ----------
    Phillips AJK et al. Scientific Reports 2017;7:3216. doi:10.1038/s41598-017-03171-4

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> first = Hypnogram(stages=["S", "S", "W", "W"], n_classes=2, start=datetime(2024, 3, 1, tzinfo=UTC))
    >>> second = Hypnogram(stages=["S", "W", "W", "W"], n_classes=2, start=datetime(2024, 3, 2, tzinfo=UTC))
    >>> sleep_regularity_index([first, second])
    50.0
    """
    if outside not in ("missing", "wake"):
        raise ValueError(f"outside must be 'missing' or 'wake', got {outside!r}")
    known = sorted(
        ((night.start.timestamp(), night) for night in map(in_bed, hypnograms) if night.start is not None),
        key=lambda pair: pair[0],
    )
    if not known:
        return None
    step_s = known[0][1].epoch_s
    per_day = round(_DAY_S / step_s)
    if any(night.epoch_s != step_s for _, night in known) or abs(per_day * step_s - _DAY_S) > 1e-6:
        where = known[0][1].source or "hypnograms"
        raise HypnogramError(where, "epochs differ or do not divide a day", "bring the nights to one epoch length")
    zero = known[0][0]
    first = [round((moment - zero) / step_s) for moment, _ in known]
    last = [begin + len(night) for begin, (_, night) in zip(first, known, strict=True)]
    states = np.full(max(last), W if outside == "wake" else UNSCORED, dtype=np.int8)
    for index, (begin, end, (_, night)) in enumerate(zip(first, last, known, strict=True)):
        if index and begin < last[index - 1]:
            raise HypnogramError(night.source or "hypnogram", "overlaps the one before", "give each sleep once")
        states[begin:end] = np.minimum(codes_of(night.stages), 1)
    early, late = states[:-per_day], states[per_day:]
    both = (early != UNSCORED) & (late != UNSCORED)
    return None if not both.any() else 200.0 * float(np.mean(early[both] == late[both])) - 100.0


def social_jetlag_h(
    nights: Sequence[SleepArchitecture], *, is_free_day: Callable[[date], bool] | None = None
) -> float | None:
    """Mean midpoint of sleep on free days less that on work days, hours; positive where free days are later.

    Parameters
    ----------
    nights : sequence of SleepArchitecture
        Main sleeps.
    is_free_day : callable, optional
        Whether the day on which a sleep ends is free; Saturdays and Sundays by default.

    Returns
    -------
    float or None
        The shorter way round the clock, −12 to 12; None without sleeps of both kinds.

    References
    ----------
    Wittmann M et al. Chronobiology International 2006;23:497–509. doi:10.1080/07420520500545979

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from staging.architecture.summary import summarize
    >>> def asleep(day: int, hour: int) -> SleepArchitecture:
    ...     return summarize(Hypnogram(stages=["N2"] * 960, start=datetime(2024, 3, day, hour, tzinfo=UTC)))
    >>> social_jetlag_h([asleep(6, 22), asleep(7, 22), asleep(9, 0)])
    2.0
    """
    free_day = is_free_day or (lambda day: day.weekday() >= 5)
    midpoints: dict[bool, list[float]] = {True: [], False: []}
    for night in nights:
        end, midpoint = night.hypnogram.end(), night.metrics[_MIDPOINT]
        if end is not None and midpoint is not None:
            midpoints[bool(free_day(end.date()))].append(midpoint)
    free, work = (circular_mean_h(np.array(midpoints[kind])) if midpoints[kind] else None for kind in (True, False))
    return None if free is None or work is None else float(_wrapped_h(np.array(free - work)))


def tidy_table(
    nights: Sequence[SleepArchitecture],
    *,
    subjects: Sequence[str] | None = None,
    intervals: Sequence[Mapping[str, Interval] | None] | None = None,
) -> tuple[list[str], list[list[str | float | None]]]:
    """One row a night and one column a metric, ready for statistics.

    Parameters
    ----------
    nights : sequence of SleepArchitecture
        Any nights.
    subjects : sequence of str, optional
        Whose each night is; adds the first column.
    intervals : sequence of mapping or None, optional
        From `metric_intervals`, of each night; adds two columns a metric at the end.

    Returns
    -------
    columns : list of str
        ``subject`` (if given), ``source, night, start, epoch_s, classes``, the metrics, and ``METRIC_low`` and
        ``METRIC_high`` (if intervals are given).
    rows : list of list
        Text, numbers, and None where not defined.

    Raises
    ------
    ValueError
        If there is not one subject, or one set of intervals, a night.

    Examples
    --------
    >>> from staging.architecture.summary import summarize
    >>> columns, rows = tidy_table([summarize(Hypnogram(stages=["W", "N2"]))], subjects=["A"])
    >>> columns[0], rows[0][0], rows[0][columns.index("tst_min")]
    ('subject', 'A', 0.5)
    """
    if subjects is not None and len(subjects) != len(nights):
        raise ValueError(f"{len(subjects)} subjects for {len(nights)} nights")
    if intervals is not None and len(intervals) != len(nights):
        raise ValueError(f"intervals of {len(intervals)} nights for {len(nights)}")
    ends = [] if intervals is None else [f"{name}{end}" for name in CATALOGUE for end in _ENDS]
    columns = [
        *(() if subjects is None else ("subject",)),
        "source",
        "night",
        "start",
        "epoch_s",
        "classes",
        *CATALOGUE,
        *ends,
    ]
    rows: list[list[str | float | None]] = []
    for index, night in enumerate(nights):
        hypnogram = night.hypnogram
        day = night_of(hypnogram)
        rows.append(
            [
                *(() if subjects is None else (subjects[index],)),
                hypnogram.source,
                None if day is None else day.isoformat(),
                None if hypnogram.start is None else hypnogram.start.isoformat(timespec="seconds"),
                hypnogram.epoch_s,
                float(hypnogram.n_classes),
                *night.metrics.values(),
                *(() if intervals is None else _ends(intervals[index])),
            ]
        )
    return columns, rows


def _ends(intervals: Mapping[str, Interval] | None) -> list[float | None]:
    """Both ends of every metric's interval; None throughout where a night has none."""
    if intervals is None:
        return [None] * (len(_ENDS) * len(CATALOGUE))
    return [end for name in CATALOGUE for end in (intervals[name].low, intervals[name].high)]


def format_tidy_csv(
    nights: Sequence[SleepArchitecture],
    *,
    subjects: Sequence[str] | None = None,
    intervals: Sequence[Mapping[str, Interval] | None] | None = None,
) -> str:
    """The table of `tidy_table` as CSV; the same nights always give the same text.

    Counts are whole numbers, all else has four decimals, and what is not defined is empty.

    Examples
    --------
    >>> from staging.architecture.summary import summarize
    >>> text = format_tidy_csv([summarize(Hypnogram(stages=["W", "N2"], source="a.csv"))])
    >>> text.splitlines()[1][:30]
    'a.csv,,,30,5,1.0000,0.0000,100'
    """
    columns, rows = tidy_table(nights, subjects=subjects, intervals=intervals)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(column, value) for column, value in zip(columns, row, strict=True)])
    return text.getvalue()


def _cell(column: str, value: str | float | None) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    if column.endswith(_ENDS):
        return f"{value + 0.0:.4f}"
    if column not in CATALOGUE:
        return f"{value:.6f}".rstrip("0").rstrip(".")
    return f"{value:.0f}" if CATALOGUE[column].decimals == 0 else f"{value + 0.0:.4f}"
