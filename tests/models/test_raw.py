"""What stands around the network in the raw graph."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.raw import Decision, FrontEnd
from staging.decision import DecisionRule, decide
from staging.features import DEFAULT_SPEC, extract
from staging.raw import raw_inputs
from staging.simulate import simulate_night
from staging.stager import scorable
from staging.tracks import prepare


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 60),
    least=st.floats(0.2, 5),
    times=st.floats(1, 10),
    n1_share=st.floats(0, 1),
    recorded=st.floats(0, 1),
)
def test_stages_are_those_that_numpy_decides(seed, n, least, times, n1_share, recorded):
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.full(5, 0.5), n).astype(np.float32)
    quality = (rng.random((n, 3)) * (rng.random((n, 3)) < recorded)).astype(np.float32)
    rule = DecisionRule(least_wake_weight=least, most_wake_weight=least * times, n1_share=n1_share)
    known = scorable((quality[:, :2] > 0).any(axis=1))
    expected = np.where(known, decide(probabilities, 5, rule, known=known), -1)
    found = Decision(rule)(torch.from_numpy(probabilities), torch.from_numpy(quality))
    assert found.tolist() == expected.tolist()


def test_the_front_end_gives_the_networks_inputs():
    recording = simulate_night(3, duration_h=1.0).recording
    expected = extract(prepare(recording), DEFAULT_SPEC)
    with torch.no_grad():
        given_ = map(torch.from_numpy, raw_inputs(recording).arrays().values())
        features, series, mask, quality = (part.numpy() for part in FrontEnd(DEFAULT_SPEC)(*given_))
    assert np.array_equal(mask, expected.mask)
    assert np.abs(features - expected.features).max() < 1e-3
    assert np.abs(series - expected.series).max() < 1e-3
    assert quality.shape == (120, 3)
