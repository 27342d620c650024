"""Sleep-architecture metrics of a hypnogram: numpy only.

What each metric is stands in METRICS.md beside this file, made from the code by ``scripts/write_metrics_table.py``.

>>> from staging.architecture import summarize
>>> from staging.hypnogram import Hypnogram
>>> summarize(Hypnogram(stages=["W", "N1", "N2", "N2"])).se_pct
75.0
"""

from staging.architecture.calibration import calibrate
from staging.architecture.complexity import lempel_ziv_phrases
from staging.architecture.cycles import Cycle, find_cycles
from staging.architecture.many import (
    ManyNights,
    NightRules,
    Spread,
    format_tidy_csv,
    night_of,
    sleep_regularity_index,
    social_jetlag_h,
    summarize_nights,
    tidy_table,
)
from staging.architecture.nights import in_bed
from staging.architecture.norms import Norm, NormComparison, compare_with_norms
from staging.architecture.posterior import SequencePosterior, draw_hypnograms
from staging.architecture.rules import Rules
from staging.architecture.run_lengths import StageRuns, fit_stage_runs, stage_runs
from staging.architecture.schema import json_schema, nights_schema
from staging.architecture.stability import Transitions, transitions
from staging.architecture.summary import (
    Definition,
    SleepArchitecture,
    definitions,
    summarize,
    summarize_many,
)
from staging.architecture.survival import (
    BoutFit,
    BoutLengths,
    Survival,
    bout_lengths,
    fit_exponential,
    fit_power_law,
    kaplan_meier,
    pool,
    vuong,
)
from staging.architecture.uncertainty import (
    Coverage,
    Interval,
    coverage,
    metric_intervals,
)

__all__ = [
    "BoutFit",
    "BoutLengths",
    "Coverage",
    "Cycle",
    "Definition",
    "Interval",
    "ManyNights",
    "NightRules",
    "Norm",
    "NormComparison",
    "Rules",
    "SequencePosterior",
    "SleepArchitecture",
    "Spread",
    "StageRuns",
    "Survival",
    "Transitions",
    "bout_lengths",
    "calibrate",
    "compare_with_norms",
    "coverage",
    "definitions",
    "draw_hypnograms",
    "find_cycles",
    "fit_exponential",
    "fit_power_law",
    "fit_stage_runs",
    "format_tidy_csv",
    "in_bed",
    "json_schema",
    "kaplan_meier",
    "lempel_ziv_phrases",
    "metric_intervals",
    "night_of",
    "nights_schema",
    "pool",
    "sleep_regularity_index",
    "social_jetlag_h",
    "stage_runs",
    "summarize",
    "summarize_many",
    "summarize_nights",
    "tidy_table",
    "transitions",
    "vuong",
]
