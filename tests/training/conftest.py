"""Small made-up nights to train on."""

from __future__ import annotations

import numpy as np
import pytest

from staging.tracks import Tracks
from tests.made_nights import turning
from training.night import LabelledNight
from training.recipe import Recipe, Stretch


def made_up_night(subject: str, seed: int, n: int = 80, dataset: str = "made_up") -> LabelledNight:
    """Wake has a fast heart and moves, N2 is slow and still: learnable, but not physiology."""
    rng = np.random.default_rng(seed)
    reference = np.repeat(rng.choice([0, 2], n // 10), 10)
    awake = reference == 0
    heart = 60 + 10 * np.repeat(awake, 6) + rng.standard_normal(n * 6)
    counts = np.repeat(awake, 2) * rng.exponential(30.0, n * 2)
    ones = np.ones(n, np.float32)
    tracks = Tracks(
        n_epochs=n,
        heart_rate_bpm=heart.astype(np.float32),
        counts=counts.astype(np.float32),
        gravity_g=turning(5.0 * awake),
        temperature_c=np.full(n, np.nan, np.float32),
        coverage={"heart": ones, "motion": ones, "temperature": 0 * ones},
    )
    return LabelledNight(dataset=dataset, subject=subject, tracks=tracks, reference=reference)


def quick_recipe(*, passes: int, average_decay: float, width: int, series_width: int) -> Recipe:
    """One small network and no simulated nights."""
    second = Stretch(passes=passes, batch_size=4, learning_rate=5e-3, average_decay=average_decay)
    return Recipe(members=1, simulated_nights=0, second=second, width=width, series_width=series_width)


@pytest.fixture
def nights() -> list[LabelledNight]:
    return [made_up_night(str(seed), seed) for seed in range(8)]
