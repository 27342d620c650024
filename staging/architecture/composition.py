"""How much of what: minutes, shares and latencies of the stages."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from staging.architecture.nights import FAR, LIGHT, N1, N2, N3, NREM, Floats, Nights, R, is_any, ratio
from staging.architecture.registry import Compute, add_metric, metric

__all__: list[str] = []

_STAGES: tuple[tuple[str, str, tuple[int, ...], tuple[int, ...], str], ...] = (
    ("n1", "N1", (N1,), (5,), ""),
    ("n2", "N2", (N2,), (5,), ""),
    ("n3", "N3", (N3,), (5, 4), "DEEP is N3"),
    ("r", "REM sleep", (R,), (5, 4, 3), ""),
    ("light", "light sleep (N1 and N2)", (N1, N2, LIGHT), (5, 4), ""),
    ("nrem", "NREM sleep (N1, N2 and N3)", (N1, N2, N3, LIGHT, NREM), (5, 4, 3), ""),
)
"""Name in the metric, name in words, codes, resolutions that tell it, note on coarser ones."""


def _epochs(codes: tuple[int, ...]) -> Callable[[Nights], Floats]:
    def count(nights: Nights) -> Floats:
        epochs: Floats = nights.counts[:, codes].sum(axis=1, dtype=np.float64)
        return epochs

    return count


def _minutes(codes: tuple[int, ...]) -> Compute:
    count = _epochs(codes)
    return lambda nights: nights.minutes(count(nights), nights.known)


def _share(codes: tuple[int, ...]) -> Compute:
    count = _epochs(codes)
    return lambda nights: nights.share(count(nights), nights.sleep)


def _latency(codes: tuple[int, ...]) -> Compute:
    def latency(nights: Nights) -> Floats:
        runs = nights.runs
        begin = runs.lowest(runs.begin, is_any(runs.code, codes))
        found = begin < FAR
        return nights.minutes(np.where(found, begin - nights.onset, 0), found)

    return latency


for _name, _words, _codes, _classes, _note in _STAGES:
    add_metric(
        f"{_name}_min",
        _minutes(_codes),
        definition=f"Time in {_words}.",
        unit="min",
        group="composition",
        source="aasm",
        classes=_classes,
        coarser=_note,
    )
for _name, _words, _codes, _classes, _note in _STAGES:
    add_metric(
        f"{_name}_pct",
        _share(_codes),
        definition=f"Time in {_words} as a share of total sleep time.",
        unit="%",
        group="composition",
        source="aasm",
        classes=_classes,
        coarser=_note,
    )
for _name, _words, _codes, _classes, _note in _STAGES[:4]:
    add_metric(
        f"{'rem' if _name == 'r' else _name}_latency_min",
        _latency(_codes),
        definition=(
            f"From sleep onset to the start of the first epoch of {_words}"
            + ("; YASA's Lat_REM counts from lights-off instead." if _name == "r" else ".")
        ),
        unit="min",
        group="composition",
        source="aasm" if _name == "r" else "staging",
        classes=_classes,
        coarser=_note,
        unscored="elapsed",
    )


@metric(unit="min", group="composition", source="staging", classes=(5, 4, 3))
def rem_latency_asleep_min(nights: Nights) -> Floats:
    """Sleep before the first epoch of REM sleep: REM latency without the wake in it."""
    runs = nights.runs
    begin = runs.lowest(runs.begin, runs.code == R)
    before = (runs.code > 0) & (runs.end <= begin[runs.night])
    return nights.minutes(runs.total(runs.length * before), begin < FAR)


@metric(unit="ratio", group="composition", source="staging", classes=(5, 4, 3), decimals=3)
def nrem_rem_ratio(nights: Nights) -> Floats:
    """Time in NREM sleep divided by time in REM sleep."""
    return ratio(nights.counts[:, (N1, N2, N3, LIGHT, NREM)].sum(axis=1), nights.counts[:, R])
