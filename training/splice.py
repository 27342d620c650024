"""A night with windows of other sleepers' nights in it.

A network that sees the same twenty whole nights again and again comes to know each by its levels. A spliced night is
harder to know by heart: what stage comes next has to be told from the signals.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.night import LabelledNight

__all__ = ["Splicing", "partners", "splice"]


@dataclass(frozen=True, kw_only=True)
class Splicing:
    """How nights are spliced.

    Attributes
    ----------
    probability : float
        How likely each of the windows is.
    windows : int
        How many a night may get, each of a night drawn anew; a later one may cover an earlier one.
    share : tuple of float
        Limits of a window's share of the night, where the other one is as long.
    largest_scale : float
        The other's heart rate is brought to the night's median and to its range between quartiles, by this factor at
        most.
    """

    probability: float = 0.6
    windows: int = 2
    share: tuple[float, float] = (0.2, 0.6)
    largest_scale: float = 1.5


def partners(nights: Sequence[LabelledNight]) -> list[list[LabelledNight]]:
    """For each night those of other subjects of its set, with the same sensors, and taught if it is."""

    def alike(night: LabelledNight) -> tuple[str, frozenset[str], bool]:
        return night.dataset, night.groups, night.taught is None

    kinds = [alike(night) for night in nights]
    return [
        [other for other, its in zip(nights, kinds, strict=True) if its == kind and other.subject != night.subject]
        for night, kind in zip(nights, kinds, strict=True)
    ]


def splice(night: LabelledNight, other: LabelledNight, rng: np.random.Generator, splicing: Splicing) -> LabelledNight:
    """The night, with a window of the other one, stages included, at the same time since its beginning.

    Parameters
    ----------
    night, other : LabelledNight
        Left as they are. The window ends where the shorter of them does.
    rng : numpy.random.Generator
        Where the window is, and how long.
    splicing : Splicing
        How long it may be, and how far the heart rate is scaled.

    Returns
    -------
    LabelledNight
        As long as `night`, and called so. How the arm turned from the one to the other is not known.
    """
    n = night.tracks.n_epochs
    length = round(n * rng.uniform(*splicing.share))
    first = int(rng.integers(n - length + 1))
    stop = min(first + length, other.tracks.n_epochs)
    if stop <= first:
        return night

    def joined(mine: NDArray[Any], theirs: NDArray[Any]) -> NDArray[Any]:
        each = len(mine) // n
        whole = mine.copy()
        whole[first * each : stop * each] = theirs[first * each : stop * each]
        return whole

    own, its = night.tracks, other.tracks
    gravity_g = joined(own.gravity_g, its.gravity_g)
    gravity_g[[first, *([stop] if stop < n else [])]] = np.nan
    levelled_bpm = _levelled(its.heart_rate_bpm, own.heart_rate_bpm, splicing.largest_scale)
    both_taught = night.taught is not None and other.taught is not None
    return dataclasses.replace(
        night,
        tracks=dataclasses.replace(
            own,
            heart_rate_bpm=joined(own.heart_rate_bpm, levelled_bpm),
            counts=joined(own.counts, its.counts),
            gravity_g=gravity_g,
            temperature_c=joined(own.temperature_c, its.temperature_c),
            coverage={sensor: joined(share, its.coverage[sensor]) for sensor, share in own.coverage.items()},
        ),
        reference=joined(night.reference, other.reference),
        taught=joined(night.taught, other.taught) if both_taught else None,
    )


def _levelled(its_bpm: NDArray[np.float32], own_bpm: NDArray[np.float32], largest: float) -> NDArray[np.float32]:
    """A heart rate with the median of another one and, as far as the largest scale allows, its range."""
    own, its = own_bpm[np.isfinite(own_bpm)], its_bpm[np.isfinite(its_bpm)]
    if not own.size or not its.size:
        return its_bpm
    low, middle, high = np.quantile(own, [0.25, 0.5, 0.75])
    its_low, its_middle, its_high = np.quantile(its, [0.25, 0.5, 0.75])
    scale = np.clip(max(high - low, 1.0) / max(its_high - its_low, 1.0), 1.0 / largest, largest)
    return np.asarray(middle + scale * (its_bpm - its_middle), dtype=np.float32)
