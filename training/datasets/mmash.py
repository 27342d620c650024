"""MMASH: beats of 22 healthy men over a day and a night, unscored; one ``user_N.npz`` each with ``rr_s``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from training.datasets.beats import sources_of_beats
from training.night import NightSource

__all__ = ["ATTRIBUTION", "sources"]

ATTRIBUTION = "MMASH: Rossi A. et al., PhysioNet, doi 10.13026/cerq-fc86; Rossi et al., Data 5 (2020) 91; ODC-By 1.0"


def sources(folder: Path) -> Iterator[NightSource]:
    """One night a recording."""
    return sources_of_beats("mmash", folder)
