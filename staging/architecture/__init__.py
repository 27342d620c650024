"""Sleep-architecture metrics of a hypnogram: numpy only.

>>> from staging.architecture import summarize
>>> from staging.hypnogram import Hypnogram
>>> summarize(Hypnogram(stages=["W", "N1", "N2", "N2"])).se_pct
75.0
"""

from staging.architecture.nights import in_bed
from staging.architecture.rules import Rules
from staging.architecture.summary import (
    Definition,
    SleepArchitecture,
    definitions,
    summarize,
    summarize_many,
)

__all__ = [
    "Definition",
    "Rules",
    "SleepArchitecture",
    "definitions",
    "in_bed",
    "summarize",
    "summarize_many",
]
