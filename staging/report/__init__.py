"""The report of a scored night: one self-contained HTML page."""

from staging.report.page import render

__all__ = ["render"]
