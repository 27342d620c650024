"""Time of summarising many nights, beside YASA's statistics on the same nights.

    python -m scripts.benchmark_architecture [--nights 10000] [--epochs 960]

Nights are drawn from the chain of short and long runs that the uncertainty intervals use, so that they change stage as
often as scored sleep does. Ours is all metrics (no intervals); YASA's is `Hypnogram.sleep_statistics`, with and without
making its objects, and its older function of integers, which has 20 statistics and which YASA will remove. YASA is
timed on some of the nights, in turn with ours so that both meet the same machine; it is left out where it is not
installed.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from staging.architecture import summarize_many
from staging.architecture.catalogue import CATALOGUE
from staging.architecture.run_lengths import stage_runs
from staging.hypnogram import CLASSES, Hypnogram

ROUNDS = 5
YASA_NIGHTS = 300


def draw_nights(count: int, epochs: int, seed: int = 0) -> NDArray[np.int64]:
    """Class indices of nights from the chain of 5 classes, shape ``(count, epochs)``."""
    start, step = stage_runs(5).chain(0.5)
    rng = np.random.default_rng(seed)
    ahead = (step / step.sum(axis=1, keepdims=True)).cumsum(axis=1)
    states = np.empty((count, epochs), dtype=np.int64)
    states[:, 0] = rng.choice(len(start), size=count, p=start / start.sum())
    for at in range(1, epochs):
        chance = rng.random((count, 1))
        states[:, at] = np.minimum((chance > ahead[states[:, at - 1]]).sum(axis=1), len(start) - 1)
    return states % 5


def microseconds_a_night(function: Callable[[], object], nights: int) -> float:
    """Time of one call, a night."""
    begin = time.perf_counter()
    function()
    return (time.perf_counter() - begin) / nights * 1e6


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--nights", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=960)
    arguments = parser.parse_args()
    indices = draw_nights(arguments.nights, arguments.epochs)
    names = np.array(CLASSES[5], dtype="<U8")
    hypnograms = [Hypnogram(stages=names[row]) for row in indices]
    shifts = float(np.mean(np.sum(np.diff(indices, axis=1) != 0, axis=1)))
    print(f"{len(hypnograms)} nights of {arguments.epochs} epochs, {shifts:.0f} stage shifts each")
    jobs: dict[str, tuple[Callable[[], object], int]] = {
        f"ours, all {len(CATALOGUE)} metrics": (lambda: summarize_many(hypnograms), len(hypnograms)),
        f"ours, all {len(CATALOGUE)} metrics, making the hypnograms": (
            lambda: summarize_many([Hypnogram(stages=names[row]) for row in indices]),
            len(hypnograms),
        ),
    }
    try:
        import yasa
    except ImportError:
        print("YASA is not installed: only ours is timed")
    else:
        some = indices[:YASA_NIGHTS]
        ready = [yasa.Hypnogram.from_integers(row) for row in some]
        jobs["YASA Hypnogram.sleep_statistics"] = (
            lambda: [night.sleep_statistics() for night in ready],
            len(some),
        )
        jobs["YASA Hypnogram.sleep_statistics, making the hypnograms"] = (
            lambda: [yasa.Hypnogram.from_integers(row).sleep_statistics() for row in some],
            len(some),
        )
        jobs["YASA sleep_statistics of integers (to be removed)"] = (
            lambda: [yasa.sleep_statistics(row, sf_hyp=1 / 30) for row in some],
            len(some),
        )
    times: dict[str, list[float]] = {name: [] for name in jobs}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(ROUNDS):
            for name, (function, nights) in jobs.items():
                times[name].append(microseconds_a_night(function, nights))
    medians = {name: statistics.median(values) for name, values in times.items()}
    ours, ours_made = list(medians.values())[:2]
    print("median of", ROUNDS, "rounds, microseconds a night")
    for name, value in medians.items():
        beside = ours_made if name.endswith("making the hypnograms") else ours
        print(f"{value:9.1f}  {name}" + (f": {value / beside:.1f} times ours" if name.startswith("YASA") else ""))


if __name__ == "__main__":
    main()
