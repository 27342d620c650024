"""Pictures of sleep that need nothing else: the report of a scored night, and hypnograms one below the other."""

from staging.report.nights import plot
from staging.report.page import render

__all__ = ["plot", "render"]
