"""The network's inputs in the graph are those of `staging.features.extract`."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.frontend.features import Features
from models.frontend.ops import Series
from staging.features import DEFAULT_SPEC, extract, feature_names
from staging.tracks import Tracks
from tests.made_nights import turning


def random_tracks(rng: np.random.Generator, n: int) -> Tracks:
    def gappy(values: np.ndarray) -> np.ndarray:
        values[rng.random(len(values)) < rng.choice([0.0, 0.05, 0.5, 1.0])] = np.nan
        return values.astype(np.float32)

    return Tracks(
        n_epochs=n,
        heart_rate_bpm=gappy(60 + np.cumsum(rng.normal(0, 0.5, n * 6))),
        counts=gappy(np.where(rng.random(n * 2) < 0.2, rng.exponential(100, n * 2), 0.0)),
        gravity_g=gappy(turning(rng.exponential(5, n))),
        temperature_c=gappy(34 + np.cumsum(rng.normal(0, 0.05, n))),
        coverage={},
    )


def series(values: np.ndarray) -> Series:
    known = np.isfinite(values)
    return Series(torch.from_numpy(np.where(known, values, 0.0).astype(np.float32)), torch.from_numpy(known))


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(20, 300),
    spec=st.sampled_from([DEFAULT_SPEC, dataclasses.replace(DEFAULT_SPEC, posture_spans_epochs=())]),
)
def test_any_tracks_with_any_gaps(seed, n, spec):
    tracks = random_tracks(np.random.default_rng(seed), n)
    expected = extract(tracks, spec)
    graph = Features(spec)
    given_ = (tracks.heart_rate_bpm, tracks.counts, tracks.gravity_g, tracks.temperature_c)
    features, rows, mask = (part.numpy() for part in graph(*map(series, given_)))
    assert np.array_equal(mask, expected.mask)
    assert rows == pytest.approx(expected.series, abs=1e-4)
    for column, name in enumerate(feature_names(spec)):
        assert features[:, column] == pytest.approx(expected.features[:, column], abs=5e-4), name
