"""Unbroken bouts of stages, of all nights of a batch.

A bout is a maximal run of one stage in neighbouring epochs. Its end is seen where another scored stage follows; a bout
that ends with the night or at an unscored epoch lasted at least so long, and the fits count it as censored.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from staging.architecture.nights import (
    LIGHT,
    N1,
    N2,
    N3,
    NREM,
    Flags,
    Floats,
    Ints,
    Nights,
    R,
    Runs,
    S,
    W,
    is_any,
)

__all__ = ["BOUT_KINDS", "Bouts", "bouts_of"]

_CODES: dict[str, tuple[int, ...]] = {
    "n1": (N1,),
    "n2": (N2,),
    "n3": (N3,),
    "r": (R,),
    "light": (N1, N2, LIGHT),
    "nrem": (N1, N2, N3, LIGHT, NREM),
    "sleep": (S,),
}
"""Codes that a kind of bout takes as one; sleep of any stage is a run of its own already."""

BOUT_KINDS = ("wake", "awakening", *_CODES)
"""Kinds of bouts: ``wake`` is wake that directly follows sleep, ``awakening`` that of it which sleep follows later."""


@dataclass(frozen=True, eq=False)
class Bouts:
    """The bouts of one kind, night after night.

    Attributes
    ----------
    night, begin, length : ndarray of int64, shape (b,)
        Night, first epoch from lights-off, and length in epochs.
    minutes : ndarray of float64, shape (b,)
        Length in minutes.
    ended : ndarray of bool, shape (b,)
        Whether the end was seen.
    counts : ndarray of int64, shape (N,)
        Bouts of each night.
    """

    night: Ints
    begin: Ints
    length: Ints
    minutes: Floats
    ended: Flags
    counts: Ints

    @classmethod
    def chosen(cls, nights: Nights, runs: Runs, where: Flags) -> Bouts:
        """The runs for which a flag holds."""
        index = np.flatnonzero(where)
        night, length = runs.night[index], runs.length[index]
        counts = np.bincount(night, minlength=len(nights))
        return cls(night, runs.begin[index], length, length * nights.epoch_min[night], runs.ended[index], counts)

    @cached_property
    def epochs(self) -> Floats:
        """Epochs in all bouts of each night."""
        return self.sums(self.length)

    def sums(self, values: Ints | Floats | Flags) -> Floats:
        """Sum over each night's bouts of one value a bout."""
        return np.bincount(self.night, weights=values, minlength=len(self.counts)).astype(np.float64, copy=False)

    @cached_property
    def ordered(self) -> Ints:
        """Lengths of each night's bouts from short to long, night after night."""
        # One key of night and length sorts several times faster than two keys.
        above = int(self.length.max(initial=0)) + 1
        return np.sort(self.night * above + self.length) % above

    def _at(self, index: Ints) -> Floats:
        """Length at a place in the order of each night, NaN for nights without bouts."""
        some = self.counts > 0
        first = np.cumsum(self.counts) - self.counts
        result = np.full(len(self.counts), np.nan)
        result[some] = self.ordered[(first + index)[some]]
        return result

    @property
    def median(self) -> Floats:
        """Median length in epochs, NaN without bouts."""
        return (self._at((self.counts - 1) // 2) + self._at(self.counts // 2)) / 2

    @property
    def longest(self) -> Floats:
        """Greatest length in epochs, NaN without bouts."""
        return self._at(self.counts - 1)

    def first_begin(self, where: Flags) -> Floats:
        """First epoch of each night's first bout for which a flag holds, NaN where there is none."""
        result = np.full(len(self.counts), np.nan)
        # Backwards, so that the first of a night is written last.
        result[self.night[where][::-1]] = self.begin[where][::-1]
        return result


def bouts_of(nights: Nights, kind: str) -> Bouts:
    """Bouts of one of `BOUT_KINDS`, found once."""
    return nights.remembered(f"bouts of {kind}", lambda each: _find(each, kind))


def _find(nights: Nights, kind: str) -> Bouts:
    bouts = nights.bouts
    if kind in ("wake", "awakening"):
        follows = np.zeros(len(bouts.code), dtype=bool)
        follows[1:] = (bouts.code[1:] == W) & (bouts.code[:-1] == S)
        follows &= bouts.follows
        if kind == "awakening":
            follows &= bouts.end <= nights.offset[bouts.night]
        return Bouts.chosen(nights, bouts, follows)
    codes = _CODES[kind]
    if kind == "sleep":
        return Bouts.chosen(nights, bouts, bouts.code == S)
    runs = nights.runs
    if len(codes) > 1:
        runs = runs.merged(np.where(is_any(runs.code, codes), np.int8(codes[-1]), runs.code))
    return Bouts.chosen(nights, runs, runs.code == codes[-1])
