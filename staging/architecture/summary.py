"""Hypnograms -> `SleepArchitecture`: every metric of the table, by name."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from staging.architecture.catalogue import CATALOGUE
from staging.architecture.cycles import Cycle, find_cycles
from staging.architecture.nights import Nights
from staging.architecture.registry import UNSCORED_RULES
from staging.architecture.rules import Rules
from staging.architecture.stability import Transitions, transitions
from staging.architecture.survival import BoutLengths, bout_lengths, fit_exponential, fit_power_law, kaplan_meier, vuong
from staging.hypnogram import Hypnogram

if TYPE_CHECKING:
    from staging.architecture.norms import NormComparison
    from staging.architecture.uncertainty import Interval

__all__ = [
    "SCHEMA_VERSION",
    "Definition",
    "SleepArchitecture",
    "definitions",
    "metric_table",
    "summarize",
    "summarize_many",
]

SCHEMA_VERSION = "1.0"
"""Version of the JSON that `SleepArchitecture.to_dict` gives; the first number changes when old readers would fail."""

_CHUNK_EPOCHS = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Definition:
    """What a metric is.

    Attributes
    ----------
    name, unit, group : str
        Name with unit suffix, unit in words, heading under which it is shown.
    definition : str
        One or two sentences.
    source : str
        Full reference.
    classes : tuple of int
        Resolutions on which it has a value; None on coarser ones.
    coarser : str
        What it becomes on fewer classes where it has a value but not quite the same one; may be empty.
    unscored : str
        What unscored epochs do to it, in words.
    per_epoch : bool
        Whether it depends on the epoch length.
    decimals : int
        Places to show.
    """

    name: str
    unit: str
    group: str
    definition: str
    source: str
    classes: tuple[int, ...]
    coarser: str
    unscored: str
    per_epoch: bool
    decimals: int


def definitions() -> Mapping[str, Definition]:
    """Every metric's definition, by name, in the order of the tables.

    Examples
    --------
    >>> definitions()["tst_min"].definition
    'Total sleep time: all epochs of any sleep stage in bed.'
    """
    return MappingProxyType(
        {
            metric.name: Definition(
                name=metric.name,
                unit=metric.unit,
                group=metric.group,
                definition=metric.definition,
                source=metric.reference,
                classes=metric.classes,
                coarser=metric.coarser,
                unscored=UNSCORED_RULES[metric.unscored],
                per_epoch=metric.per_epoch,
                decimals=metric.decimals,
            )
            for metric in CATALOGUE.values()
        }
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class SleepArchitecture:
    """A night's metrics by name, with what they were made from.

    A metric is read as an attribute (``architecture.tst_min``) or by name (``architecture.metrics["tst_min"]``).
    None means that it is not defined for this night: no sleep, no REM sleep, or a resolution that does not tell.

    Attributes
    ----------
    values : ndarray of float64, shape (len(definitions()),)
        All metrics in the order of `definitions`; NaN where not defined.
    hypnogram : Hypnogram
        The night.
    rules : Rules
        Thresholds used.
    """

    values: NDArray[np.float64] = field(repr=False)
    hypnogram: Hypnogram = field(repr=False)
    rules: Rules = field(default_factory=Rules)

    @cached_property
    def metrics(self) -> Mapping[str, float | None]:
        """Metrics by name in the order of `definitions`; None, never NaN, where not defined."""
        row = (None if value != value else value for value in self.values.tolist())
        return MappingProxyType(dict(zip(CATALOGUE, row, strict=True)))

    def __getattr__(self, name: str) -> float | None:
        if name in CATALOGUE:
            return self.metrics[name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __repr__(self) -> str:
        shown = ("tib_min", "tst_min", "sol_min", "waso_min", "se_pct")
        return f"SleepArchitecture({', '.join(f'{name}={self.metrics[name]}' for name in shown)}, ...)"

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *CATALOGUE})

    @cached_property
    def cycle_list(self) -> tuple[Cycle, ...]:
        """The NREM–REM cycles one by one."""
        return find_cycles(self.hypnogram, rules=self.rules)

    @cached_property
    def transitions(self) -> Transitions:
        """Which stage follows which, epoch by epoch."""
        return transitions(self.hypnogram)

    def bouts(self, kind: str) -> BoutLengths:
        """Lengths of the bouts of a kind, for survival curves and fits; see `bout_lengths`."""
        return bout_lengths(self.hypnogram, kind)

    def to_dict(
        self, *, intervals: Mapping[str, Interval] | None = None, norms: Sequence[NormComparison] = ()
    ) -> dict[str, object]:
        """The night as plain values, ready for `json.dumps`.

        Parameters
        ----------
        intervals : mapping of str to Interval, optional
            From `metric_intervals`.
        norms : sequence of NormComparison, optional
            From `compare_with_norms`.

        Returns
        -------
        dict
            As the JSON Schema ``schema.json`` of this package describes it: `json_schema`.
        """
        night = self.hypnogram
        return {
            "schema": f"staging.architecture/{SCHEMA_VERSION}",
            "source": night.source,
            "start": _iso(night.start),
            "epochs": len(night),
            "epoch_s": night.epoch_s,
            "classes": [stage.value for stage in night.classes],
            "lights_off_s": night.lights_off_s,
            "lights_on_s": night.lights_on_s,
            "rules": dataclasses.asdict(self.rules),
            "metrics": dict(self.metrics),
            "cycles": [dataclasses.asdict(cycle) for cycle in self.cycle_list],
            "transitions": {
                "counts": self.transitions.counts.tolist(),
                "probabilities": [
                    [None if value != value else value for value in row]
                    for row in self.transitions.probabilities.tolist()
                ],
            },
            "bouts": {kind: self._bout_fits(kind) for kind in ("sleep", "wake")},
            "intervals": None
            if intervals is None
            else {name: dataclasses.asdict(interval) for name, interval in intervals.items()},
            "norms": [
                {
                    "metric": each.norm.metric,
                    "low": each.norm.low,
                    "middle": each.norm.middle,
                    "high": each.norm.high,
                    "position": each.position,
                    "meaning": each.norm.meaning,
                    "source": each.reference,
                }
                for each in norms
            ],
            "warnings": list(night.warnings),
        }

    def _bout_fits(self, kind: str) -> dict[str, object]:
        """Survival curve and both fits of a kind of bouts."""
        sample = self.bouts(kind)
        curve = kaplan_meier(sample.lengths_min, sample.ended)
        fits = (fit_exponential(sample, rules=self.rules), fit_power_law(sample, rules=self.rules))
        preference = vuong(sample, rules=self.rules)
        return {
            "n": len(sample.lengths_min),
            "n_ended": int(sample.ended.sum()),
            "survival": {"times_min": curve.times_min.tolist(), "survival": curve.survival.tolist()},
            "exponential": None if fits[0] is None else {**dataclasses.asdict(fits[0]), "aic": fits[0].aic},
            "power_law": None if fits[1] is None else {**dataclasses.asdict(fits[1]), "aic": fits[1].aic},
            "vuong": None if preference is None else {"ratio": preference[0], "p_value": preference[1]},
        }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")


def metric_table(nights: Nights, names: Iterable[str] | None = None) -> dict[str, NDArray[np.float64]]:
    """Metrics of prepared nights, all or some: name to float64 ``(N,)``, NaN where not defined."""
    resolutions = set(nights.n_classes.tolist())
    table: dict[str, NDArray[np.float64]] = {}
    for name, metric in CATALOGUE.items() if names is None else [(name, CATALOGUE[name]) for name in names]:
        values = metric.compute(nights)
        if not resolutions <= set(metric.classes):
            values = np.where(np.isin(nights.n_classes, metric.classes), values, np.nan)
        table[name] = values
    return table


def summarize(hypnogram: Hypnogram, *, rules: Rules | None = None) -> SleepArchitecture:
    """A night's sleep architecture.

    Parameters
    ----------
    hypnogram : Hypnogram
        A night of 5, 4, 3 or 2 classes and any epoch length; unscored epochs and unknown lights times are fine.
    rules : Rules, optional
        Thresholds of the definitions; the published ones by default.

    Returns
    -------
    SleepArchitecture
        All metrics by name.

    Raises
    ------
    HypnogramError
        If the hypnogram is empty or its lights times contradict it.

    Examples
    --------
    >>> night = Hypnogram(stages=["W", "W", "N1", "N2", "W", "N2", "R", "W"])
    >>> architecture = summarize(night)
    >>> architecture.sol_min, architecture.tst_min, architecture.waso_min, architecture.se_pct
    (1.0, 2.0, 1.0, 50.0)
    """
    return summarize_many([hypnogram], rules=rules)[0]


def summarize_many(hypnograms: Sequence[Hypnogram], *, rules: Rules | None = None) -> list[SleepArchitecture]:
    """The sleep architecture of many nights, computed together.

    Parameters
    ----------
    hypnograms : sequence of Hypnogram
        Nights; resolutions, epoch lengths and lengths may differ.
    rules : Rules, optional
        Thresholds of the definitions.

    Returns
    -------
    list of SleepArchitecture
        One a night, in the same order.

    Raises
    ------
    HypnogramError
        If a hypnogram is empty or its lights times contradict it.

    Examples
    --------
    >>> nights = [Hypnogram(stages=["W", "N2"]), Hypnogram(stages=["S"], n_classes=2)]
    >>> [night.tst_min for night in summarize_many(nights)]
    [0.5, 0.5]
    """
    rules = rules or Rules()
    result: list[SleepArchitecture] = []
    for chunk in _chunks(hypnograms):
        table = np.stack(list(metric_table(Nights.of(chunk, rules)).values()), axis=1)
        result += [
            SleepArchitecture(values=row, hypnogram=hypnogram, rules=rules)
            for hypnogram, row in zip(chunk, table, strict=True)
        ]
    return result


def _chunks(hypnograms: Sequence[Hypnogram]) -> Iterator[Sequence[Hypnogram]]:
    """Parts of about a million epochs, which the processor's cache holds better than ten thousand nights."""
    begin = total = 0
    for index, hypnogram in enumerate(hypnograms):
        total += len(hypnogram)
        if total >= _CHUNK_EPOCHS or index == len(hypnograms) - 1:
            yield hypnograms[begin : index + 1]
            begin, total = index + 1, 0
