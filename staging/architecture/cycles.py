"""NREM–REM cycles after Feinberg & Floyd (1979), with the rules of Blume & Cajochen (2021).

Assumptions
-----------
- Epochs of REM sleep less than `Rules.nrem_period_min` (15 min) apart form one episode.
- An episode that begins less than 15 min after sleep onset ends no cycle: no NREM period fits before it. The first
  cycle then begins after it.
- Of the other episodes, the first is a REM period whatever its length (`Rules.first_rem_period_min`); a later one is
  if it holds at least `Rules.rem_period_min` (5 min) of REM sleep, and else belongs to the NREM period around it.
- A cycle is a NREM period and the REM period after it. NREM periods begin at sleep onset or where the REM period
  before ends, wake included. Sleep after the last REM period is an incomplete cycle, which is listed and not counted.
- A long NREM period is split only if asked for (`Rules.split_nrem_over_min`); its first part is a cycle without REM
  sleep, and counts.
- Unscored epochs are time that passes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from staging.architecture.nights import FAR, LIGHT, N1, N2, N3, NREM, Flags, Floats, Ints, Nights, R, W, ratio
from staging.architecture.registry import Compute, add_metric, metric
from staging.architecture.rules import Rules
from staging.hypnogram import Hypnogram

__all__ = ["Cycle", "Cycles", "find_cycles", "tabulate_cycles"]

_EPSILON = 1e-9
_CLASSES = (5, 4, 3)


@dataclass(frozen=True, kw_only=True)
class Cycle:
    """One NREM–REM cycle.

    Attributes
    ----------
    number : int
        From 1.
    begin_min, rem_begin_min, end_min : float
        Start of the NREM period, start of the REM period and end of the cycle, minutes from lights-off;
        ``rem_begin_min`` equals ``end_min`` where there is no REM period.
    complete : bool
        False for sleep after the last REM period.
    split : bool
        True where a long NREM period was split at the end of this cycle.
    w_min, nrem_min, r_min : float
        Wake, NREM and REM sleep in it, minutes.
    n1_min, n2_min, n3_min, light_min : float or None
        The same of the finer stages; None where the hypnogram does not tell them.
    """

    number: int
    begin_min: float
    rem_begin_min: float
    end_min: float
    complete: bool
    split: bool
    w_min: float
    nrem_min: float
    r_min: float
    n1_min: float | None
    n2_min: float | None
    n3_min: float | None
    light_min: float | None

    @property
    def length_min(self) -> float:
        """From the start of the NREM period to the end of the REM period, minutes."""
        return self.end_min - self.begin_min

    @property
    def nrem_period_min(self) -> float:
        """Length of the NREM period, wake and short REM sleep included, minutes."""
        return self.rem_begin_min - self.begin_min

    @property
    def rem_period_min(self) -> float:
        """Length of the REM period, from its first to its last epoch of REM sleep, minutes."""
        return self.end_min - self.rem_begin_min


@dataclass(frozen=True, eq=False)
class Cycles:
    """All cycles of a batch of nights, one row a cycle, night after night, times in epochs from lights-off.

    Attributes
    ----------
    night, number, begin, rem_begin, end : ndarray of int64, shape (c,)
        Night, number in it from 1, start, start of the REM period, end.
    complete, split : ndarray of bool, shape (c,)
        As in `Cycle`.
    """

    night: Ints
    number: Ints
    begin: Ints
    rem_begin: Ints
    end: Ints
    complete: Flags
    split: Flags


def find_cycles(hypnogram: Hypnogram, *, rules: Rules | None = None) -> tuple[Cycle, ...]:
    """The NREM–REM cycles of a night.

    Parameters
    ----------
    hypnogram : Hypnogram
        A night of 5, 4 or 3 classes; one of 2 classes has no cycles.
    rules : Rules, optional
        Lengths of the periods and whether long NREM periods are split.

    Returns
    -------
    tuple of Cycle
        In order; the last may be incomplete.

    Raises
    ------
    HypnogramError
        If the hypnogram is empty or its lights times contradict it.

    References
    ----------
    Feinberg I, Floyd TC. Psychophysiology 1979;16:283–291. doi:10.1111/j.1469-8986.1979.tb02991.x
    Blume C, Cajochen C. MethodsX 2021;8:101318. doi:10.1016/j.mex.2021.101318

    Examples
    --------
    >>> night = Hypnogram(stages=["N2"] * 60 + ["R"] * 10 + ["N2"] * 40 + ["R"] * 20)
    >>> [(cycle.length_min, cycle.r_min) for cycle in find_cycles(night)]
    [(35.0, 5.0), (30.0, 10.0)]
    """
    nights = Nights.of([hypnogram], rules or Rules())
    table = tabulate_cycles(nights)
    epoch_min = float(nights.epoch_min[0])

    def held(*codes: int) -> list[float]:
        minutes: list[float] = (_held(nights, table, codes) * epoch_min).tolist()
        return minutes

    def told(values: list[float], *classes: int) -> list[float] | list[None]:
        return values if hypnogram.n_classes in classes else [None] * len(values)

    rows = zip(
        table.number.tolist(),
        (table.begin * epoch_min).tolist(),
        (table.rem_begin * epoch_min).tolist(),
        (table.end * epoch_min).tolist(),
        table.complete.tolist(),
        table.split.tolist(),
        held(W),
        held(N1, N2, N3, LIGHT, NREM),
        held(R),
        told(held(N1), 5),
        told(held(N2), 5),
        told(held(N3), 5, 4),
        told(held(N1, N2, LIGHT), 5, 4),
        strict=True,
    )
    names = list(Cycle.__dataclass_fields__)
    return tuple(Cycle(**dict(zip(names, row, strict=True))) for row in rows)


def _held(nights: Nights, table: Cycles, codes: tuple[int, ...]) -> Floats:
    """Epochs of some stages in each cycle."""
    begin, end = nights.places(table.night, table.begin), nights.places(table.night, table.end)
    return nights.epochs_before(codes, end) - nights.epochs_before(codes, begin)


def tabulate_cycles(nights: Nights) -> Cycles:
    """The cycles of all nights of a batch."""
    rules, runs = nights.rules, nights.runs
    rem = np.flatnonzero(runs.code == R)
    night, begin, end = runs.night[rem], runs.begin[rem], runs.end[rem]
    # Episodes: runs of REM sleep less than 15 min apart.
    opens = np.ones(len(rem), dtype=bool)
    gap_min = (begin[1:] - end[:-1]) * nights.epoch_min[night[1:]]
    opens[1:] = (night[1:] != night[:-1]) | (gap_min >= rules.nrem_period_min - _EPSILON)
    heads = np.flatnonzero(opens)
    tails = np.append(heads[1:], len(rem)) - 1 if len(heads) else heads
    held = np.add.reduceat(end - begin, heads) if len(heads) else np.zeros(0, dtype=np.int64)
    night, begin, end = night[heads], begin[heads], end[tails]
    epoch_min = nights.epoch_min[night]
    # Sleep-onset REM sleep ends no cycle and only moves the start of the first.
    after_onset = (begin - nights.onset[night]) * epoch_min >= rules.nrem_period_min - _EPSILON
    first_begin = nights.onset.copy()
    first_begin[night[~after_onset]] = end[~after_onset]
    night, begin, end = night[after_onset], begin[after_onset], end[after_onset]
    held_min = (held * epoch_min)[after_onset]
    first = np.ones(len(night), dtype=bool)
    first[1:] = night[1:] != night[:-1]
    keep = held_min >= np.where(first, rules.first_rem_period_min, rules.rem_period_min) - _EPSILON
    night, begin, end = night[keep], begin[keep], end[keep]
    return _split(nights, _with_tails(nights, night, begin, end, first_begin))


def _with_tails(nights: Nights, night: Ints, rem_begin: Ints, end: Ints, first_begin: Ints) -> Cycles:
    """Cycles from REM periods, and what sleep is left after the last of each night as an incomplete one."""
    first = np.ones(len(night), dtype=bool)
    first[1:] = night[1:] != night[:-1]
    begin = np.where(first, first_begin[night], np.concatenate([[0], end[:-1]])[: len(night)])
    last_end = np.where(nights.asleep, first_begin, FAR)
    last_end[night] = end  # the last assignment of each night stays
    left = np.flatnonzero(nights.asleep & (nights.offset > last_end) & np.isin(nights.n_classes, _CLASSES))
    all_night = np.concatenate([night, left])
    order = np.argsort(all_night, kind="stable")
    all_night = all_night[order]
    starts = np.searchsorted(all_night, all_night)
    return Cycles(
        night=all_night,
        number=np.arange(len(all_night)) - starts + 1,
        begin=np.concatenate([begin, last_end[left]])[order],
        rem_begin=np.concatenate([rem_begin, nights.offset[left]])[order],
        end=np.concatenate([end, nights.offset[left]])[order],
        complete=np.concatenate([np.ones(len(night), dtype=bool), np.zeros(len(left), dtype=bool)])[order],
        split=np.zeros(len(all_night), dtype=bool),
    )


def _split(nights: Nights, table: Cycles) -> Cycles:
    """Split long NREM periods once, where N3 first comes back after a lightening of sleep."""
    limit = nights.rules.split_nrem_over_min
    if limit is None or len(table.night) == 0:
        return table
    sleep = (N1, N2, N3, LIGHT, NREM, R)
    asleep = nights.epochs_before(sleep, nights.places(table.night, table.rem_begin))
    asleep -= nights.epochs_before(sleep, nights.places(table.night, table.begin))
    rows: list[tuple[int, int, int, int, bool, bool]] = []
    for row, too_long in enumerate(asleep * nights.epoch_min[table.night] > limit + _EPSILON):
        night, begin, rem_begin, end = (int(v[row]) for v in (table.night, table.begin, table.rem_begin, table.end))
        at = _lightening(nights, night, begin, rem_begin) if too_long else None
        if at is not None:
            rows.append((night, begin, at, at, True, True))
            begin = at
        rows.append((night, begin, rem_begin, end, bool(table.complete[row]), False))
    night_column = np.array([row[0] for row in rows], dtype=np.int64)
    return Cycles(
        night=night_column,
        number=np.arange(len(rows)) - np.searchsorted(night_column, night_column) + 1,
        begin=np.array([row[1] for row in rows], dtype=np.int64),
        rem_begin=np.array([row[2] for row in rows], dtype=np.int64),
        end=np.array([row[3] for row in rows], dtype=np.int64),
        complete=np.array([row[4] for row in rows]),
        split=np.array([row[5] for row in rows]),
    )


def _lightening(nights: Nights, night: int, begin: int, end: int) -> int | None:
    """First epoch of N3 after more than 12 min without, within a NREM period whose parts are both long enough."""
    runs, epoch_min, rules = nights.runs, float(nights.epoch_min[night]), nights.rules
    deep = (runs.night == night) & (runs.code == N3) & (runs.begin >= begin) & (runs.end <= end)
    starts, ends = runs.begin[deep], runs.end[deep]
    shortest = rules.nrem_period_min - _EPSILON
    for start, last_end in zip(starts[1:].tolist(), ends[:-1].tolist(), strict=True):
        lightened = (start - last_end) * epoch_min > rules.lightening_min + _EPSILON
        if lightened and (start - begin) * epoch_min >= shortest and (end - start) * epoch_min >= shortest:
            return int(start)
    return None


def _cycles(nights: Nights) -> Cycles:
    """The batch's cycles, found once."""
    return nights.remembered("cycles", tabulate_cycles)


def _mean_over(nights: Nights, values: Floats, where: Flags) -> Floats:
    night = _cycles(nights).night[where]
    total = np.bincount(night, weights=values[where], minlength=len(nights))
    return ratio(total, np.bincount(night, minlength=len(nights)))


@metric(unit="count", group="cycles", source="blume2021", classes=_CLASSES, unscored="elapsed", decimals=0)
def cycles(nights: Nights) -> Floats:
    """Complete NREM–REM cycles: NREM periods that a REM period follows."""
    table = _cycles(nights)
    counted = np.bincount(table.night[table.complete], minlength=len(nights))
    return np.where(nights.asleep, counted, np.nan)


@metric(unit="min", group="cycles", source="blume2021", classes=_CLASSES, unscored="elapsed")
def cycle_mean_min(nights: Nights) -> Floats:
    """Mean length of the complete cycles, wake in them included."""
    table = _cycles(nights)
    return nights.minutes(_mean_over(nights, (table.end - table.begin).astype(np.float64), table.complete))


@metric(unit="min", group="cycles", source="blume2021", classes=_CLASSES, unscored="elapsed")
def nrem_period_mean_min(nights: Nights) -> Floats:
    """Mean length of the NREM periods of the complete cycles, wake and short REM sleep in them included."""
    table = _cycles(nights)
    return nights.minutes(_mean_over(nights, (table.rem_begin - table.begin).astype(np.float64), table.complete))


@metric(unit="min", group="cycles", source="blume2021", classes=_CLASSES, unscored="elapsed")
def rem_period_mean_min(nights: Nights) -> Floats:
    """Mean length of the REM periods, from the first to the last epoch of REM sleep of each."""
    table = _cycles(nights)
    where = table.end > table.rem_begin
    return nights.minutes(_mean_over(nights, (table.end - table.rem_begin).astype(np.float64), where))


def _in_cycle(number: int, codes: tuple[int, ...] | None) -> Compute:
    def minutes(nights: Nights) -> Floats:
        table = _cycles(nights)
        here = table.complete & (table.number == number)
        if codes is None:
            spent = (table.end - table.begin).astype(np.float64)
        else:
            spent = nights.remembered(f"stages {codes} in cycles", lambda each: _held(each, table, codes))
        values = np.full(len(nights), np.nan)
        values[table.night[here]] = spent[here]
        return nights.minutes(values)

    return minutes


for _number in range(1, 5):
    add_metric(
        f"cycle_{_number}_min",
        _in_cycle(_number, None),
        definition=f"Length of complete cycle {_number}; None where the night has fewer.",
        unit="min",
        group="cycles",
        source="blume2021",
        classes=_CLASSES,
        unscored="elapsed",
    )
for _stage, _words, _code, _told in (("n3", "N3", N3, (5, 4)), ("r", "REM sleep", R, _CLASSES)):
    for _number in range(1, 5):
        add_metric(
            f"{_stage}_cycle_{_number}_min",
            _in_cycle(_number, (_code,)),
            definition=f"Time in {_words} in complete cycle {_number}; None where the night has fewer.",
            unit="min",
            group="cycles",
            source="blume2021",
            classes=_told,
        )
