"""Recordings of days with made-up numbers, for tests: movement and heart rate by day, rest by night."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from staging.recording import Events, Recording

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def made_days(
    nights=((11.0, 19.0), (35.0, 42.5)),
    *,
    hours=48.0,
    start: datetime | None = START,
    seed: int = 1,
    naps=(),
    **attributes: object,
) -> Recording:
    """Counts every 15 s and a heart rate every 5 s; `nights` and `naps` are hours from the start."""
    rng = np.random.default_rng(seed)
    at_h = np.arange(round(hours * 240)) / 240
    asleep = np.zeros(at_h.size, bool)
    for begin_h, end_h in (*nights, *naps):
        asleep |= (at_h >= begin_h) & (at_h < end_h)
    counts = np.where(asleep, 0.0, np.ceil(rng.exponential(60.0, at_h.size)))
    beats_h = np.arange(round(hours * 720)) / 720
    by_night = np.interp(beats_h, at_h, asleep) > 0.5
    rate = np.where(by_night, 54.0, 78.0) + 3 * np.sin(beats_h * 9) + rng.normal(0, 1, beats_h.size)
    return Recording(
        start=start,
        counts=Events(times_s=at_h * 3600, values=counts, unit="counts"),
        hr=Events(times_s=beats_h * 3600 + 2.5, values=np.round(rate), unit="bpm"),
        source="P01/week.zip",
        device="made-up watch",
        subject="P01",
        **attributes,  # type: ignore[arg-type]
    )
