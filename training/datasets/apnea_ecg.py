"""Apnea-ECG: beats of 69 nights, found by a machine and not scored; one ``.npz`` each with ``beats_s``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from training.datasets.beats import sources_of_beats
from training.night import NightSource

__all__ = ["ATTRIBUTION", "sources"]

ATTRIBUTION = (
    "Apnea-ECG Database: Penzel T. et al., Computers in Cardiology 27 (2000) 255-258, PhysioNet, doi 10.13026/C23W2R; "
    "ODC-By 1.0"
)

POOR = ("a02", "a06", "x17")
"""Recordings whose beats the machine found badly."""


def sources(folder: Path) -> Iterator[NightSource]:
    """One night a recording."""
    return sources_of_beats("apnea_ecg", folder, without=POOR)
