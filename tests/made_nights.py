"""Scored nights with made-up numbers, for tests of what is shown and written."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from staging.architecture import metric_intervals, summarize
from staging.hypnogram import Hypnogram
from staging.scored import ModelIdentity, ScoredNight
from staging.tracks import Tracks

START = datetime(2026, 3, 1, 22, 52, tzinfo=UTC)
MODEL = ModelIdentity(name="made-up", version="1", headline="kappa of nothing")


def turning(change_deg: np.ndarray) -> np.ndarray:
    """Gravity that turns about one axis by so much in each epoch, float32 ``(S, 3)``."""
    angle = np.radians(np.concatenate([[0.0], np.cumsum(change_deg[:-1])]))
    return np.stack([0.0 * angle, np.sin(angle), np.cos(angle)], axis=1).astype(np.float32)


def scored_night(
    n_epochs: int = 240,
    *,
    seed: int = 0,
    n_classes: int = 5,
    name: str = "night",
    source: str = "P01/night.zip",
    device: str = "made-up device",
    subject: str = "P01",
    start: datetime | None = START,
    unscored: slice = slice(0, 0),
    missing: tuple[str, ...] = (),
    lights: tuple[float | None, float | None] = (None, None),
    warnings: tuple[str, ...] = (),
    intervals: bool = False,
) -> ScoredNight:
    """A night of cycles with noise; `missing` names sensors without a value."""
    random = np.random.default_rng(seed)
    cycle = np.repeat([0, 1, 2, 3, 2, 4], [3, 4, 50, 40, 20, 35])
    codes = np.resize(cycle, n_epochs)
    scores = np.eye(5)[codes] * 3 + random.normal(0, 1, (n_epochs, 5))
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    probabilities[unscored] = np.nan
    indices = np.where(np.isnan(probabilities[:, 0]), -1, codes)

    heart = np.repeat(np.array([70.0, 60.0, 58.0, 55.0, 63.0])[codes], 6) + random.normal(0, 1.5, n_epochs * 6)
    counts = np.where(random.random(n_epochs * 2) < 0.1, random.exponential(80, n_epochs * 2), 0.0)
    gravity = turning(np.where(random.random(n_epochs) < 0.05, random.uniform(20, 150, n_epochs), 0.5))
    temperature = 34.5 - 2 * np.exp(-np.arange(n_epochs) / 60)
    for sensor, series in {"heart": [heart], "motion": [counts, gravity], "temperature": [temperature]}.items():
        for values in series:
            values[...] = np.nan if sensor in missing else values
    coverage = {
        sensor: np.full(n_epochs, sensor not in missing, np.float32) for sensor in ("heart", "motion", "temperature")
    }
    tracks = Tracks(
        n_epochs=n_epochs,
        heart_rate_bpm=heart.astype(np.float32),
        counts=counts.astype(np.float32),
        gravity_g=gravity,
        temperature_c=temperature.astype(np.float32),
        coverage=coverage,
        start=start,
        lights_off_s=lights[0],
        lights_on_s=lights[1],
        source=source,
        device=device,
        subject=subject,
        sources={"heart": "ppg", "motion": "acc", "temperature": "temp"},
        warnings=warnings,
    )
    hypnogram = Hypnogram.from_indices(
        indices,
        probabilities=probabilities.astype(np.float32),
        coverage=coverage,
        start=start,
        lights_off_s=lights[0],
        lights_on_s=lights[1],
        source=source,
        warnings=warnings,
    ).merge(n_classes)
    return ScoredNight(
        name=name,
        tracks=tracks,
        hypnogram=hypnogram,
        architecture=summarize(hypnogram),
        model=MODEL,
        intervals=metric_intervals(hypnogram, draws=20) if intervals else None,
    )
