"""Normal Sinus Rhythm RR Interval Database: beats of 54 people over a day and a night, unscored.

A recording is a ``.npz`` with ``rr_s`` whose name begins with ``normal``; others that lie beside it are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from training.datasets.beats import sources_of_beats
from training.night import NightSource

__all__ = ["ATTRIBUTION", "sources"]

ATTRIBUTION = "Normal Sinus Rhythm RR Interval Database: PhysioNet, doi 10.13026/C2S881; ODC-By 1.0"


def sources(folder: Path) -> Iterator[NightSource]:
    """One night a recording."""
    return (source for source in sources_of_beats("nsr2db", folder) if source.name.startswith("normal"))
