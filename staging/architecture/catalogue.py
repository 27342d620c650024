"""The whole table of metrics, in the order in which they are shown.

Importing the modules of metrics is what fills the table; this is the one place that names them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from staging.architecture import complexity, composition, continuity, cycles, stability, timing
from staging.architecture.registry import GROUPS, METRICS, Metric

__all__ = ["CATALOGUE", "MODULES"]

MODULES = (continuity, composition, timing, cycles, stability, complexity)
"""The modules that define metrics."""

_ORDER = tuple(GROUPS)

CATALOGUE: Mapping[str, Metric] = MappingProxyType(
    dict(sorted(METRICS.items(), key=lambda item: _ORDER.index(item[1].group)))
)
"""Every metric by name, group by group."""
