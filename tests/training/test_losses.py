"""What is taken away, and that nothing else is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.losses import LOSSES, Loss, lose

from .conftest import made_up_night

TRACKS = {"heart": ("heart_rate_bpm",), "motion": ("counts", "gravity_g")}
EVERY = ("heart_rate_bpm", "counts", "gravity_g", "temperature_c")


def known(night, name):
    return np.isfinite(getattr(night.tracks, name))


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 50),
    track=st.sampled_from(["heart", "motion"]),
    share=st.floats(0.0, 1.0),
    piece_s=st.sampled_from([5.0, 15.0, 300.0]),
)
def test_a_share_of_one_track_is_lost_and_nothing_else(seed, track, share, piece_s):
    night = made_up_night("a", seed, n=200)
    less = lose(night, Loss(track=track, share=share, piece_s=piece_s))
    for name in EVERY:
        before, after = known(night, name), known(less, name)
        assert not (after & ~before).any()
        np.testing.assert_array_equal(getattr(less.tracks, name)[after], getattr(night.tracks, name)[after])
        if name not in TRACKS[track]:
            np.testing.assert_array_equal(after, before)
    if track == "heart":
        # Within one piece; what was missing before does not count.
        rate = np.isnan(less.tracks.heart_rate_bpm)[known(night, "heart_rate_bpm")].mean()
        assert rate == pytest.approx(share, abs=0.1)


def test_the_same_night_loses_the_same_pieces_and_more_of_them_with_a_larger_share():
    night = made_up_night("a", 1, n=300)
    smaller, larger = (lose(night, LOSSES[f"heart {share} lost, 5 min at a time"]) for share in ("40%", "60%"))
    again = lose(night, LOSSES["heart 40% lost, 5 min at a time"])
    np.testing.assert_array_equal(again.tracks.heart_rate_bpm, smaller.tracks.heart_rate_bpm)
    assert not (known(larger, "heart_rate_bpm") & ~known(smaller, "heart_rate_bpm")).any()


def test_losses_in_one_go_are_longer_than_those_here_and_there():
    night = made_up_night("a", 1, n=600)

    def n_runs(name):
        return np.count_nonzero(np.diff(np.isnan(lose(night, LOSSES[name]).tracks.heart_rate_bpm).astype(int)) == 1)

    assert n_runs("heart 40% lost, 5 s here and there") > 20 * n_runs("heart 40% lost, 5 min at a time") > 0
