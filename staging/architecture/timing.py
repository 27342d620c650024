"""When: clock times, and how N3 and REM sleep are spread over the sleep period."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from staging.architecture.nights import N3, Floats, Ints, Nights, Places, R, fixed_offset, ratio
from staging.architecture.registry import Compute, add_metric, metric

__all__: list[str] = []

_DAY_H = 24.0


def _clock_h(nights: Nights, epochs: Callable[[Nights], Floats]) -> Floats:
    """Clock time of a position in each night, hours after midnight in the UTC offset in force at lights-off."""
    position_h = epochs(nights) * nights.epoch_min / 60.0
    start_h = np.full(len(nights), np.nan)
    for index, start in enumerate(nights.starts):
        if start is not None:
            local = fixed_offset(start)
            start_h[index] = local.hour + local.minute / 60 + (local.second + local.microsecond / 1e6) / 3600
    return np.where(nights.asleep, np.mod(start_h + position_h, _DAY_H), np.nan)


def _midpoint(nights: Nights) -> Floats:
    return np.where(nights.asleep, (nights.onset + nights.offset) / 2, 0.0)


@metric(unit="clock h", group="timing", source="staging", maximum=_DAY_H, unscored="elapsed", decimals=3)
def sleep_onset_clock_h(nights: Nights) -> Floats:
    """Clock time of sleep onset, hours after midnight; None where the hypnogram's start is unknown."""
    return _clock_h(nights, lambda each: np.where(each.asleep, each.onset, 0).astype(np.float64))


@metric(unit="clock h", group="timing", source="wittmann2006", maximum=_DAY_H, unscored="elapsed", decimals=3)
def sleep_midpoint_clock_h(nights: Nights) -> Floats:
    """Clock time halfway between sleep onset and the final awakening, hours after midnight.

    None where the hypnogram's start is unknown.
    """
    return _clock_h(nights, _midpoint)


@metric(unit="clock h", group="timing", source="staging", maximum=_DAY_H, unscored="elapsed", decimals=3)
def final_awakening_clock_h(nights: Nights) -> Floats:
    """Clock time of the end of the last epoch of sleep, hours after midnight.

    None where the hypnogram's start is unknown.
    """
    return _clock_h(nights, lambda each: np.where(each.asleep, each.offset, 0).astype(np.float64))


_PARTED: tuple[tuple[str, str, int, tuple[int, ...]], ...] = (
    ("n3", "N3", N3, (5, 4)),
    ("r", "REM sleep", R, (5, 4, 3)),
)
_ORDINALS = ("first", "second", "last")


_EDGES = (0.0, 1 / 3, 1 / 2, 2 / 3, 1.0)
"""Where thirds and halves of the sleep period begin and end."""


def _edges(nights: Nights) -> list[Places]:
    night: Ints = np.arange(len(nights))
    onset = np.where(nights.asleep, nights.onset, 0)
    span = np.where(nights.asleep, nights.offset - nights.onset, 0)
    return [nights.places(night, onset + span * edge) for edge in _EDGES]


def _part(nights: Nights, code: int, part: int, parts: int) -> Floats:
    """Epochs of a stage in one of the thirds or halves of the sleep period."""

    def before(each: Nights) -> list[Floats]:
        return [each.epochs_before((code,), places) for places in each.remembered("edges", _edges)]

    at_edges = nights.remembered(f"stage {code} before the edges", before)
    return at_edges[_EDGES.index((part + 1) / parts)] - at_edges[_EDGES.index(part / parts)]


def _part_minutes(code: int, part: int, parts: int) -> Compute:
    return lambda nights: nights.minutes(_part(nights, code, part, parts), nights.asleep)


def _skew(code: int, sign: float) -> Compute:
    def skew(nights: Nights) -> Floats:
        first, second = _part(nights, code, 0, 2), _part(nights, code, 1, 2)
        return sign * ratio(first - second, first + second)

    return skew


for _name, _words, _code, _classes in _PARTED:
    for _parts, _noun in ((3, "third"), (2, "half")):
        for _index in range(_parts):
            _ordinal = _ORDINALS[_index] if _parts == 3 else _ORDINALS[2 * _index]
            add_metric(
                f"{_name}_{_noun}_{_index + 1}_min",
                _part_minutes(_code, _index, _parts),
                definition=(
                    f"Time in {_words} in the {_ordinal} {_noun} of the sleep period; an epoch across the boundary "
                    "counts in proportion."
                ),
                unit="min",
                group="timing",
                source="staging",
                classes=_classes,
            )

add_metric(
    "n3_early_index",
    _skew(N3, 1.0),
    definition=(
        "Time in N3 in the first half of the sleep period less that in the last half, as a share of their sum: "
        "1 where all N3 is early, −1 where all is late."
    ),
    unit="index",
    group="timing",
    source="staging",
    classes=(5, 4),
    decimals=3,
    minimum=-1.0,
    maximum=1.0,
)
add_metric(
    "r_late_index",
    _skew(R, -1.0),
    definition=(
        "Time in REM sleep in the last half of the sleep period less that in the first half, as a share of their sum: "
        "1 where all REM sleep is late, −1 where all is early."
    ),
    unit="index",
    group="timing",
    source="staging",
    classes=(5, 4, 3),
    decimals=3,
    minimum=-1.0,
    maximum=1.0,
)
