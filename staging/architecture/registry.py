"""The table of all metrics: each is a function whose docstring is its one definition.

Everything else follows from this table: what `staging.architecture.summarize` computes, the JSON Schema, the columns
of the tidy table, the text shown beside a number in a report, and METRICS.md.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from staging.architecture.nights import Nights

__all__ = ["GROUPS", "METRICS", "SOURCES", "UNSCORED_RULES", "Compute", "Metric", "add_metric", "metric"]

Compute = Callable[["Nights"], NDArray[np.float64]]

GROUPS: dict[str, str] = {
    "continuity": "Continuity",
    "composition": "Composition",
    "timing": "Organisation in time",
    "cycles": "NREM–REM cycles",
    "stability": "Stability and bouts",
    "complexity": "Entropy and complexity",
}
"""Groups in the order of the tables, with their headings."""

SOURCES: dict[str, str] = {
    "aasm": (
        "Troester MM, Quan SF, Berry RB et al. The AASM Manual for the Scoring of Sleep and Associated Events, "
        "version 3. American Academy of Sleep Medicine, 2023."
    ),
    "ohayon2017": (
        "Ohayon M, Wickwire EM, Hirshkowitz M et al. National Sleep Foundation's sleep quality recommendations: "
        "first report. Sleep Health 2017;3:6–19. doi:10.1016/j.sleh.2016.11.006"
    ),
    "haba2004": (
        "Haba-Rubio J, Ibanez V, Sforza E. An alternative measure of sleep fragmentation in clinical practice: the "
        "sleep fragmentation index. Sleep Medicine 2004;5:577–581. doi:10.1016/j.sleep.2004.06.007"
    ),
    "laffan2010": (
        "Laffan A, Caffo B, Swihart BJ, Punjabi NM. Utility of sleep stage transitions in assessing sleep "
        "continuity. Sleep 2010;33:1681–1686. doi:10.1093/sleep/33.12.1681"
    ),
    "vallat2021": (
        "Vallat R, Walker MP. An open-source, high-performance tool for automated sleep staging. eLife "
        "2021;10:e70092. doi:10.7554/eLife.70092"
    ),
    "blume2021": (
        "Blume C, Cajochen C. 'SleepCycles' package for R: a free software tool for the detection of sleep cycles "
        "from sleep staging. MethodsX 2021;8:101318. doi:10.1016/j.mex.2021.101318; after Feinberg I, Floyd TC. "
        "Systematic trends across the night in human sleep cycles. Psychophysiology 1979;16:283–291. "
        "doi:10.1111/j.1469-8986.1979.tb02991.x"
    ),
    "lo2002": (
        "Lo CC, Amaral LAN, Havlin S, Ivanov PC, Penzel T, Peter JH, Stanley HE. Dynamics of sleep-wake transitions "
        "during sleep. Europhysics Letters 2002;57:625–631. doi:10.1209/epl/i2002-00508-7"
    ),
    "clauset2009": (
        "Clauset A, Shalizi CR, Newman MEJ. Power-law distributions in empirical data. SIAM Review 2009;51:661–703. "
        "doi:10.1137/070710111"
    ),
    "shannon1948": (
        "Shannon CE. A mathematical theory of communication. Bell System Technical Journal 1948;27:379–423. "
        "doi:10.1002/j.1538-7305.1948.tb01338.x"
    ),
    "lempel1976": (
        "Lempel A, Ziv J. On the complexity of finite sequences. IEEE Transactions on Information Theory "
        "1976;22:75–81. doi:10.1109/TIT.1976.1055501; normalised as in Zhang Y, Hao J, Zhou C, Chang K. Normalized "
        "Lempel-Ziv complexity and its application in bio-sequence analysis. Journal of Mathematical Chemistry "
        "2009;46:1203–1212. doi:10.1007/s10910-008-9512-2"
    ),
    "wittmann2006": (
        "Wittmann M, Dinich J, Merrow M, Roenneberg T. Social jetlag: misalignment of biological and social time. "
        "Chronobiology International 2006;23:497–509. doi:10.1080/07420520500545979"
    ),
    "phillips2017": (
        "Phillips AJK, Clerx WM, O'Brien CS et al. Irregular sleep/wake patterns are associated with poorer academic "
        "performance and delayed circadian and sleep/wake timing. Scientific Reports 2017;7:3216. "
        "doi:10.1038/s41598-017-03171-4"
    ),
    "carskadon2011": (
        "Carskadon MA, Dement WC. Normal human sleep: an overview. In: Kryger MH, Roth T, Dement WC, eds. Principles "
        "and Practice of Sleep Medicine, 5th edition. Elsevier Saunders, 2011, chapter 2. "
        "doi:10.1016/B978-1-4160-6645-3.00002-5"
    ),
    "mitterling2015": (
        "Mitterling T, Högl B, Schönwald SV et al. Sleep and respiration in 100 healthy Caucasian sleepers: a "
        "polysomnographic study according to American Academy of Sleep Medicine standards. Sleep 2015;38:867–875. "
        "doi:10.5665/sleep.4730"
    ),
    "boulos2019": (
        "Boulos MI, Jairam T, Kendzerska T, Im J, Mekhael A, Murray BJ. Normal polysomnography parameters in healthy "
        "adults: a systematic review and meta-analysis. Lancet Respiratory Medicine 2019;7:533–543. "
        "doi:10.1016/S2213-2600(19)30057-8"
    ),
    "ohayon2004": (
        "Ohayon MM, Carskadon MA, Guilleminault C, Vitiello MV. Meta-analysis of quantitative sleep parameters from "
        "childhood to old age in healthy individuals. Sleep 2004;27:1255–1273. doi:10.1093/sleep/27.7.1255"
    ),
    "walsleben2004": (
        "Walsleben JA, Kapur VK, Newman AB et al. Sleep and reported daytime sleepiness in normal subjects: the Sleep "
        "Heart Health Study. Sleep 2004;27:293–298. doi:10.1093/sleep/27.2.293"
    ),
    "staging": "Defined by this package.",
}
"""Short keys of the sources to full references."""

UNSCORED_RULES: dict[str, str] = {
    "left out": "unscored epochs add nothing",
    "elapsed": "unscored epochs are time that passes",
    "breaks": "an unscored epoch ends a bout, and no transition is counted into it or out of it",
}
"""How a metric treats epochs that nobody could score."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric of a night.

    Attributes
    ----------
    name : str
        Name with its unit as suffix, the key in JSON and the column in tables.
    unit : str
        Unit in words: ``"min"``, ``"%"``, ``"/h"``, ``"count"``, ...
    group : str
        A key of `GROUPS`.
    definition : str
        What it is, in a sentence or two.
    source : str
        A key of `SOURCES`.
    classes : tuple of int
        The resolutions on which it can be computed; None on the others.
    coarser : str
        What it becomes on a coarser hypnogram where it is computed but not quite the same; may be empty.
    unscored : str
        A key of `UNSCORED_RULES`.
    per_epoch : bool
        True where the value depends on the epoch length, so that only nights with equal epochs compare.
    decimals : int
        Places shown to people and written to tables.
    minimum, maximum : float or None
        Bounds that no value can pass.
    compute : callable
        The function of a `Nights` that returns float64 ``(N,)``, NaN where undefined.
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
    minimum: float | None
    maximum: float | None
    compute: Compute

    @property
    def reference(self) -> str:
        """The full reference of the source."""
        return SOURCES[self.source]


METRICS: dict[str, Metric] = {}
"""All metrics by name, in the order in which they are shown."""

_BOUNDS: dict[str, tuple[float | None, float | None]] = {"%": (0.0, 100.0)}


def add_metric(
    name: str,
    compute: Compute,
    *,
    definition: str,
    unit: str,
    group: str,
    source: str,
    classes: Iterable[int] = (5, 4, 3, 2),
    coarser: str = "",
    unscored: str = "left out",
    per_epoch: bool = False,
    decimals: int = 2,
    minimum: float | None = 0.0,
    maximum: float | None = None,
) -> None:
    """Enter one metric into `METRICS`; for families of metrics that differ only in the stage.

    Raises
    ------
    ValueError
        If the name is taken or the group, source or rule is unknown: a mistake in this package.
    """
    if name in METRICS or group not in GROUPS or source not in SOURCES or unscored not in UNSCORED_RULES:
        raise ValueError(f"metric {name}: name taken, or unknown group {group}, source {source}, rule {unscored}")
    low, high = _BOUNDS.get(unit, (minimum, maximum))
    METRICS[name] = Metric(
        name=name,
        unit=unit,
        group=group,
        definition=" ".join(definition.split()),
        source=source,
        classes=tuple(classes),
        coarser=coarser,
        unscored=unscored,
        per_epoch=per_epoch,
        decimals=decimals,
        minimum=low,
        maximum=high,
        compute=compute,
    )


def metric(
    *,
    unit: str,
    group: str,
    source: str,
    classes: Iterable[int] = (5, 4, 3, 2),
    coarser: str = "",
    unscored: str = "left out",
    per_epoch: bool = False,
    decimals: int = 2,
    minimum: float | None = 0.0,
    maximum: float | None = None,
) -> Callable[[Compute], Compute]:
    """Enter a function into `METRICS` under its own name, its docstring being the definition."""

    def enter(function: Compute) -> Compute:
        add_metric(
            function.__name__,
            function,
            definition=inspect.getdoc(function) or "",
            unit=unit,
            group=group,
            source=source,
            classes=classes,
            coarser=coarser,
            unscored=unscored,
            per_epoch=per_epoch,
            decimals=decimals,
            minimum=minimum,
            maximum=maximum,
        )
        return function

    return enter
