"""Hypnograms for properties, and a short way to write one by hand."""

from __future__ import annotations

import dataclasses
import math
from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import strategies as st

from staging.hypnogram import CLASSES, Hypnogram, Stage

LETTERS = {
    "W": Stage.W,
    "1": Stage.N1,
    "2": Stage.N2,
    "3": Stage.N3,
    "R": Stage.R,
    "L": Stage.LIGHT,
    "D": Stage.DEEP,
    "N": Stage.NREM,
    "S": Stage.S,
    "?": Stage.UNSCORED,
}


def night(*parts: str, **attributes: object) -> Hypnogram:
    """``night("W*20 2*60 R")``: a letter an epoch, with a number of times."""
    stages: list[str] = []
    for part in " ".join(parts).split():
        letter, _, times = part.partition("*")
        stages += [LETTERS[letter].value] * int(times or 1)
    return Hypnogram(stages=np.array(stages), **attributes)


def metric(hypnogram: Hypnogram, name: str, **options: object) -> float | None:
    from staging.architecture import summarize

    return summarize(hypnogram, **options).metrics[name]


@st.composite
def hypnograms(
    draw: st.DrawFn,
    n_classes: int | None = None,
    unscored: bool = True,
    max_runs: int = 40,
    max_run: int = 60,
    lights: bool = False,
    clock: bool = False,
) -> Hypnogram:
    """Nights made of runs, from one epoch to some hours."""
    k = draw(st.sampled_from([5, 4, 3, 2])) if n_classes is None else n_classes
    names = [stage.value for stage in CLASSES[k]] + ([Stage.UNSCORED.value] if unscored else [])
    runs = draw(st.lists(st.tuples(st.sampled_from(names), st.integers(1, max_run)), min_size=1, max_size=max_runs))
    stages = np.concatenate([np.repeat(name, length) for name, length in runs])
    times: dict[str, object] = {}
    if lights:
        off = draw(st.none() | st.floats(-900.0, 30.0 * (len(stages) - 1) - 1))
        first = 0 if off is None else math.floor(off / 30 + 0.5)
        on = draw(st.none() | st.floats(30.0 * (first + 1), 30.0 * len(stages) + 1800.0))
        if on is None and first >= len(stages):
            off = None
        times = {"lights_off_s": off, "lights_on_s": on}
    if clock:
        minutes = draw(st.integers(0, 60 * 24 * 400))
        times["start"] = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    return Hypnogram(stages=stages, n_classes=k, **times)


def with_probabilities(hypnogram: Hypnogram, trust: float = 0.6, seed: int = 0) -> Hypnogram:
    """Probabilities that favour the stages of a hypnogram; none where it is unscored."""
    rng = np.random.default_rng(seed)
    k, indices = hypnogram.n_classes, hypnogram.indices()
    noise = rng.dirichlet(np.ones(k), len(hypnogram))
    rows = (1 - trust) * noise + trust * np.eye(k)[np.maximum(indices, 0)]
    rows[indices < 0] = np.nan
    return dataclasses.replace(hypnogram, probabilities=rows.astype(np.float32))
