"""Simulated nights that several tests look at."""

from __future__ import annotations

import numpy as np
import pytest

from staging.simulate import simulate_night, simulate_stages
from staging.simulate.physiology import simulate_physiology


@pytest.fixture(scope="session")
def hypnograms():
    """Stage indices of 240 nights of 8 h."""
    return [simulate_stages(np.random.default_rng(seed), 960) for seed in range(240)]


@pytest.fixture(scope="session")
def bodies(hypnograms):
    """120 people asleep as in the first hypnograms."""
    return [simulate_physiology(np.random.default_rng(seed), stages) for seed, stages in enumerate(hypnograms[:120])]


@pytest.fixture(scope="session")
def night():
    """One raw night of 3 h in bed, after half an hour out of it."""
    return simulate_night(3, duration_h=3.0, evening_min=30.0, morning_min=10.0)
