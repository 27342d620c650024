"""Many nights as one flat array of stage codes and of runs, from which every metric is computed at once.

Assumptions
-----------
- A night is what lies between lights-off and lights-on, each rounded to the nearest boundary of epochs; without
  them the hypnogram's own ends stand for them. Time in bed that the hypnogram does not reach is unscored.
- Nights of different lengths, epoch lengths and resolutions may be mixed: time is counted in epochs, which are
  multiplied by each night's epoch length only at the end, so that sums are exact.
- Integer codes stay in here; they are not those of any other package.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from staging.architecture.rules import Rules
from staging.errors import HypnogramError
from staging.hypnogram import Hypnogram, Stage

__all__ = [
    "CODES",
    "FAR",
    "LIGHT",
    "N1",
    "N2",
    "N3",
    "NREM",
    "UNSCORED",
    "Nights",
    "Places",
    "R",
    "Runs",
    "S",
    "W",
    "codes_of",
    "fixed_offset",
    "in_bed",
    "in_bed_span",
    "is_any",
    "ratio",
]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
T = TypeVar("T")

UNSCORED, W, N1, N2, N3, R, LIGHT, NREM, S = -1, 0, 1, 2, 3, 4, 5, 6, 7

CODES: dict[Stage, int] = {
    Stage.UNSCORED: UNSCORED,
    Stage.W: W,
    Stage.N1: N1,
    Stage.N2: N2,
    Stage.N3: N3,
    Stage.DEEP: N3,
    Stage.R: R,
    Stage.LIGHT: LIGHT,
    Stage.NREM: NREM,
    Stage.S: S,
}
"""Codes of one space for all resolutions. DEEP is N3 by definition, so that both share a code."""

FAR = np.iinfo(np.int64).max // 4
"""An epoch that no night reaches."""

_MAX_GAP_S = 86_400.0


def _code_table() -> NDArray[np.int8]:
    """Codes by the sum of the first two letters of a stage's name, which differs for all: faster than names."""
    table = np.full(256, UNSCORED, dtype=np.int8)
    for stage, code in CODES.items():
        letters = f"{stage.value}\0"
        table[ord(letters[0]) + ord(letters[1])] = code
    return table


_TABLE = _code_table()


def codes_of(stages: NDArray[np.str_]) -> NDArray[np.int8]:
    """Codes of stage names that `Hypnogram` has checked; int8 ``(n,)``."""
    letters = np.ascontiguousarray(stages, dtype="<U8").view("<u4").reshape(-1, 8)
    codes: NDArray[np.int8] = _TABLE.take(letters[:, 0] + letters[:, 1])
    return codes


def is_any(code: NDArray[np.int8], codes: tuple[int, ...]) -> Flags:
    """Which codes are among some: `numpy.isin` for a handful of small integers, 20 times faster."""
    table = np.zeros(S + 2, dtype=bool)
    table[list(codes)] = True
    found: Flags = table[code]
    return found


def in_bed_span(hypnogram: Hypnogram) -> tuple[int, int]:
    """First epoch in bed and the one after the last, from lights-off and lights-on.

    They are rounded to the nearest boundary between epochs. The first may be negative and the second beyond the end
    where lights were off before the hypnogram begins or on after it ends.

    Raises
    ------
    HypnogramError
        If there are no epochs, lights-on does not follow lights-off, or they lie more than a day from the hypnogram.
    """
    where = hypnogram.source or "hypnogram"
    if len(hypnogram) == 0:
        raise HypnogramError(where, "holds no epochs", "give at least one")
    off, on, epoch_s = hypnogram.lights_off_s, hypnogram.lights_on_s, hypnogram.epoch_s
    if off is None and on is None:
        return 0, len(hypnogram)
    if any(value is not None and not math.isfinite(value) for value in (off, on)):
        raise HypnogramError(where, f"lights-off {off} or lights-on {on} is not a number", "leave it out")
    first = 0 if off is None else math.floor(off / epoch_s + 0.5)
    last = len(hypnogram) if on is None else math.floor(on / epoch_s + 0.5)
    if last <= first:
        raise HypnogramError(
            where,
            f"no epoch lies between lights-off at {first * epoch_s:g} s and lights-on at {last * epoch_s:g} s",
            "check both, in seconds from the first epoch",
        )
    if max(-first, last - len(hypnogram)) * epoch_s > _MAX_GAP_S:
        raise HypnogramError(
            where,
            f"lights-off {off} s or lights-on {on} s is more than a day away from the hypnogram",
            "give both in seconds from the first epoch",
        )
    return first, last


def in_bed(hypnogram: Hypnogram) -> Hypnogram:
    """The part of a hypnogram between lights-off and lights-on, without lights times of its own.

    Time in bed that the hypnogram does not reach is filled with UNSCORED epochs, so that summarising the result
    gives the same metrics.

    Parameters
    ----------
    hypnogram : Hypnogram
        A night.

    Returns
    -------
    Hypnogram
        The same night where it has no lights times.

    Raises
    ------
    HypnogramError
        If the lights times contradict each other or the hypnogram.

    Examples
    --------
    >>> night = Hypnogram(stages=["W", "W", "N2", "N2", "W"], lights_off_s=30.0, lights_on_s=120.0)
    >>> in_bed(night).stages.tolist()
    ['W', 'N2', 'N2']
    """
    first, last = in_bed_span(hypnogram)
    if hypnogram.lights_off_s is None and hypnogram.lights_on_s is None:
        return hypnogram
    index = np.arange(first, last)
    inside = (index >= 0) & (index < len(hypnogram))
    safe = np.where(inside, index, 0)

    def rows(values: NDArray[np.float32]) -> NDArray[np.float32]:
        outside = inside if values.ndim == 1 else inside[:, None]
        return np.where(outside, values[safe], np.float32(np.nan)).astype(np.float32)

    return Hypnogram(
        stages=np.where(inside, hypnogram.stages[safe], Stage.UNSCORED.value),
        n_classes=hypnogram.n_classes,
        epoch_s=hypnogram.epoch_s,
        start=_moved(hypnogram.start, first * hypnogram.epoch_s),
        probabilities=None if hypnogram.probabilities is None else rows(hypnogram.probabilities),
        coverage={sensor: rows(values) for sensor, values in hypnogram.coverage.items()},
        source=hypnogram.source,
        warnings=hypnogram.warnings,
    )


def fixed_offset(start: datetime) -> datetime:
    """The same moment in the UTC offset that was in force then, so that a night has one clock across a DST shift."""
    return start.astimezone(timezone(start.utcoffset() or timedelta()))


def _moved(start: datetime | None, seconds: float) -> datetime | None:
    return None if start is None else fixed_offset(start) + timedelta(seconds=seconds)


@dataclass(frozen=True, eq=False)
class Runs:
    """Maximal runs of equal codes, night after night.

    Attributes
    ----------
    code : ndarray of int8, shape (r,)
        What the run is made of.
    night : ndarray of int64, shape (r,)
        Index of its night; increasing.
    begin, end : ndarray of int64, shape (r,)
        First epoch and the one after the last, counted from lights-off.
    first : ndarray of int64, shape (N,)
        Index of each night's first run; every night has one.
    """

    code: NDArray[np.int8]
    night: Ints
    begin: Ints
    end: Ints
    first: Ints

    @cached_property
    def length(self) -> Ints:
        """Length in epochs."""
        return self.end - self.begin

    @cached_property
    def follows(self) -> Flags:
        """True where the run before belongs to the same night."""
        same = np.ones(len(self.night), dtype=bool)
        same[self.first] = False
        return same

    @cached_property
    def ended(self) -> Flags:
        """True where the end was seen: another scored stage follows in the same night."""
        seen = np.zeros(len(self.code), dtype=bool)
        seen[:-1] = self.follows[1:] & (self.code[1:] >= W)
        return seen

    def merged(self, code: NDArray[np.int8]) -> Runs:
        """The runs of a coarser code, given the code that each run now has."""
        starts = np.empty(len(code), dtype=bool)
        starts[0] = True
        starts[1:] = code[1:] != code[:-1]
        starts[self.first] = True
        index = np.flatnonzero(starts)
        last = np.append(index[1:], len(code)) - 1
        first = np.cumsum(starts)[self.first] - 1
        return Runs(code[index], self.night[index], self.begin[index], self.end[last], first)

    def total(self, values: Ints | Floats | Flags) -> NDArray[np.float64]:
        """Sum over each night's runs of one value a run, float64 ``(N,)``."""
        return np.add.reduceat(values.astype(np.float64), self.first)

    def lowest(self, values: Ints, where: Flags) -> Ints:
        """Smallest value over each night's runs where a flag holds; `FAR` where it never does."""
        return np.minimum.reduceat(np.where(where, values, FAR), self.first)

    def highest(self, values: Ints, where: Flags) -> Ints:
        """Largest value over each night's runs where a flag holds; -1 where it never does."""
        return np.maximum.reduceat(np.where(where, values, -1), self.first)


@dataclass(frozen=True, eq=False)
class Places:
    """Moments within nights.

    Attributes
    ----------
    night, run : ndarray of int64, shape (p,)
        The night and its run that the moment lies in.
    past : ndarray of float64 or int64, shape (p,)
        Epochs from the start of the run.
    """

    night: Ints
    run: Ints
    past: Ints | Floats


class Nights:
    """Nights to be summarised together: codes end to end, and what follows from them, computed once when asked for.

    Parameters
    ----------
    codes : ndarray of int8, shape (total,)
        Codes of all nights' epochs in bed, one night after the other.
    lengths : ndarray of int64, shape (N,)
        Epochs of each night; at least 1.
    epoch_s : ndarray of float64, shape (N,)
        Length of an epoch in seconds.
    n_classes : ndarray of int64, shape (N,)
        Resolution of each night.
    starts : sequence of datetime or None, length N
        Wall-clock time of lights-off, where known.
    rules : Rules
        Thresholds of the definitions.
    """

    def __init__(
        self,
        codes: NDArray[np.int8],
        lengths: Ints,
        epoch_s: Floats,
        n_classes: Ints,
        starts: Sequence[datetime | None],
        rules: Rules,
    ) -> None:
        self.codes = codes
        self.lengths = lengths
        self.epoch_min: Floats = epoch_s / 60.0
        self.n_classes = n_classes
        self.starts = tuple(starts)
        self.rules = rules
        self._memory: dict[str, object] = {}

    def remembered(self, name: str, compute: Callable[[Nights], T]) -> T:
        """What a function makes of these nights, computed once; for what several metrics are made from."""
        if name not in self._memory:
            self._memory[name] = compute(self)
        return self._memory[name]  # type: ignore[return-value]

    def __len__(self) -> int:
        return len(self.lengths)

    @classmethod
    def of(cls, hypnograms: Sequence[Hypnogram], rules: Rules) -> Nights:
        """Nights from hypnograms, cut to the time in bed.

        Raises
        ------
        HypnogramError
            If a hypnogram has no epochs or impossible lights times.
        """
        spans = [in_bed_span(hypnogram) for hypnogram in hypnograms]
        nights = [
            hypnogram if span == (0, len(hypnogram)) else in_bed(hypnogram)
            for hypnogram, span in zip(hypnograms, spans, strict=True)
        ]
        return cls(
            # One by one they stay in the processor's cache, which is faster than all names end to end.
            np.concatenate([codes_of(night.stages) for night in nights]),
            np.array([len(night) for night in nights], dtype=np.int64),
            np.array([night.epoch_s for night in nights], dtype=np.float64),
            np.array([night.n_classes for night in nights], dtype=np.int64),
            [night.start for night in nights],
            rules,
        )

    @cached_property
    def offsets(self) -> Ints:
        """Index of each night's first epoch in `codes`, and the end; int64 ``(N + 1,)``."""
        return np.concatenate([[0], np.cumsum(self.lengths)]).astype(np.int64)

    @cached_property
    def runs(self) -> Runs:
        """Runs of equal stages."""
        starts = np.empty(len(self.codes), dtype=bool)
        starts[0] = True
        np.not_equal(self.codes[1:], self.codes[:-1], out=starts[1:])
        starts[self.offsets[:-1]] = True
        index = np.flatnonzero(starts)
        first = np.searchsorted(index, self.offsets[:-1])
        counts = np.diff(np.append(first, len(index)))
        night = np.repeat(np.arange(len(self), dtype=np.int64), counts)
        end = np.append(index[1:], len(self.codes))
        shift = self.offsets[:-1][night]
        return Runs(self.codes[index], night, index - shift, end - shift, first)

    @cached_property
    def bouts(self) -> Runs:
        """Runs of sleep of any stage (`S`), of wake (`W`) and of unscored epochs (`UNSCORED`)."""
        return self.runs.merged(np.where(self.runs.code > W, S, self.runs.code).astype(np.int8))

    @cached_property
    def counts(self) -> Ints:
        """Epochs by stage code, int64 ``(N, 9)``; the last column is `UNSCORED`, so that codes are the indices."""
        column = np.where(self.runs.code == UNSCORED, 8, self.runs.code)
        flat = np.bincount(self.runs.night * 9 + column, weights=self.runs.length, minlength=9 * len(self))
        return flat.reshape(len(self), 9).astype(np.int64)

    @cached_property
    def sleep(self) -> Ints:
        """Epochs of sleep of any stage."""
        total: Ints = self.counts[:, N1:-1].sum(axis=1)
        return total

    @cached_property
    def scored(self) -> Ints:
        """Epochs that are scored."""
        return self.lengths - self.counts[:, -1]

    @cached_property
    def asleep(self) -> Flags:
        """True for nights with any sleep."""
        return self.sleep > 0

    @cached_property
    def known(self) -> Flags:
        """True for nights with any scored epoch."""
        return self.scored > 0

    @cached_property
    def onset(self) -> Ints:
        """First epoch of sleep, counted from lights-off; `FAR` without sleep."""
        return self.runs.lowest(self.runs.begin, self.runs.code > W)

    @cached_property
    def offset(self) -> Ints:
        """Epoch after the last epoch of sleep, counted from lights-off; -1 without sleep."""
        return self.runs.highest(self.runs.end, self.runs.code > W)

    @cached_property
    def shifts(self) -> Flags:
        """For each run, whether a stage changes into it: it directly follows another scored stage of its night."""
        runs = self.runs
        flags = np.zeros(len(runs.code), dtype=bool)
        flags[1:] = (runs.code[1:] >= W) & (runs.code[:-1] >= W)
        return flags & runs.follows

    @cached_property
    def shifts_in_period(self) -> Flags:
        """For each run, whether a stage changes into it between sleep onset and the final awakening."""
        flags = np.zeros(len(self.runs.code), dtype=bool)
        flags[1:] = self.in_period[1:] & self.in_period[:-1]
        return flags & self.shifts

    @cached_property
    def in_period(self) -> Flags:
        """For each run, whether it lies between sleep onset and the final awakening."""
        runs = self.runs
        return (runs.begin >= self.onset[runs.night]) & (runs.end <= self.offset[runs.night])

    @cached_property
    def wake_within(self) -> Floats:
        """Epochs of wake between sleep onset and the final awakening."""
        runs = self.runs
        return runs.total(runs.length * (self.in_period & (runs.code == W)))

    def places(self, night: Ints, position: Ints | Floats) -> Places:
        """Moments within nights, with the runs that they lie in.

        Positions are counted in epochs from lights-off and may lie within an epoch.
        """
        starts = self.remembered("run starts", lambda each: each.offsets[each.runs.night] + each.runs.begin)
        run = np.searchsorted(starts, self.offsets[night] + position, side="right") - 1
        # A moment at lights-on lies at the start of the next night's first run: stay in this one.
        run = np.minimum(run, np.append(self.runs.first[1:], len(self.runs.code))[night] - 1)
        return Places(night, run, position - self.runs.begin[run])

    def epochs_before(self, codes: tuple[int, ...], places: Places) -> Floats:
        """Epochs of some stages between lights-off and each place, of an epoch across it its part; float64."""
        inside, before = self.remembered(f"epochs before {codes}", lambda each: each._running_total(codes))
        whole = (before[places.run] - before[self.runs.first[places.night]]).astype(np.float64)
        counted: Floats = whole + inside[places.run] * places.past.astype(np.float64)
        return counted

    def _running_total(self, codes: tuple[int, ...]) -> tuple[Flags, Ints]:
        """Which runs are of some stages, and the epochs of these in all runs before, of all nights."""
        inside = is_any(self.runs.code, codes)
        return inside, np.concatenate([[0], np.cumsum(self.runs.length * inside)])

    def minutes(self, epochs: Ints | Floats, where: Flags | None = None) -> Floats:
        """Epochs of each night as minutes, NaN where a flag does not hold."""
        minutes = epochs * self.epoch_min
        return minutes if where is None else np.where(where, minutes, np.nan)

    def share(self, part: Ints | Floats, whole: Ints | Floats) -> Floats:
        """Percentage of a whole, NaN where the whole is 0."""
        return 100.0 * ratio(part, whole)

    def per_hour_asleep(self, events: Ints | Floats) -> Floats:
        """Events an hour of sleep, NaN without sleep."""
        return ratio(events, self.sleep * self.epoch_min / 60.0)


def ratio(part: Ints | Floats, whole: Ints | Floats) -> Floats:
    """Quotient of each night, NaN where the denominator is 0."""
    result = np.full(len(whole), np.nan)
    np.divide(part, whole, out=result, where=np.asarray(whole) != 0)
    return result
