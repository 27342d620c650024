from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging import posture
from staging.posture import turned_deg
from staging.simulate.arousals import Activations
from staging.simulate.posture import draw_posture, gravity_at_starts

W, N1, N2, N3, R = range(5)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(0, 180), max_size=30), st.integers(0, 2**32 - 1))
def test_every_turn_has_its_angle_and_gravity_its_length(angles, seed):
    k = len(angles)
    order = np.random.default_rng(seed).permutation(k).astype(float)
    turns = Activations(
        at_s=order, onset_s=order, surge_bpm=np.zeros(k), half_width_s=np.ones(k), burst_s=np.ones(k),
        peak_g=np.ones(k), turn_deg=np.array(angles),
    )  # fmt: skip
    posture = draw_posture(np.random.default_rng(seed), turns, np.zeros(60, bool))
    np.testing.assert_allclose(np.linalg.norm(posture.gravity, axis=1), 1.0, atol=1e-9)
    cosine = (posture.gravity[1:] * posture.gravity[:-1]).sum(axis=1)
    in_time = np.array(angles)[np.argsort(order)]
    np.testing.assert_allclose(cosine, np.cos(np.radians(in_time)), atol=1e-9)
    assert np.all(np.diff(posture.turn_s) > 0)


def test_the_wrist_turns_as_often_as_measured(bodies):
    """Turns of more than 10 degrees an hour: W 35, N1 12, N2 2.1, N3 1.6, R 4.6."""
    turns, hours = np.zeros(5), np.zeros(5)
    for number, body in enumerate(bodies):
        change = turned_deg(gravity_at_starts(np.random.default_rng(number), body.posture, body.stages.size))
        for s in range(5):
            turns[s] += np.sum(change[body.stages == s] > 10)
            hours[s] += np.sum(body.stages == s) / 120
    np.testing.assert_allclose(turns / hours, [35, 12, 2.1, 1.6, 4.6], rtol=0.35)


def test_posture_of_the_raw_acceleration_is_that_of_the_tracks(night):
    n = len(night.reference)
    raw = turned_deg(posture.gravity_at_starts(night.recording.acc, n))
    direct = turned_deg(gravity_at_starts(np.random.default_rng(0), night.physiology.posture, n))
    asleep = ~night.physiology.out_of_bed[:-1]
    both = (raw[:-1][asleep] > 10) == (direct[:-1][asleep] > 10)
    assert both.mean() > 0.95  # a turn under way at an epoch's start is still half the old posture
    assert np.median(raw[:-1][asleep]) < 1.0


def test_a_lying_arm_settles_over_many_epochs_as_in_the_raw_acceleration(night):
    n = len(night.reference)
    raw = posture.gravity_at_starts(night.recording.acc, n)
    direct = gravity_at_starts(np.random.default_rng(0), night.physiology.posture, n)
    for span in (1, 15):
        median = [np.nanmedian(turned_deg(gravity, span)) for gravity in (raw, direct)]
        assert median[1] == pytest.approx(median[0], rel=0.5)


@pytest.mark.parametrize("n_epochs", [0, 1])
def test_a_night_of_no_epochs_or_one_has_as_many_directions(night, n_epochs):
    assert gravity_at_starts(np.random.default_rng(0), night.physiology.posture, n_epochs).shape == (n_epochs, 3)


def test_all_that_moves_the_wrist_is_in_the_activations(night):
    fields = {field.name for field in dataclasses.fields(night.physiology.activations)}
    lengths = {getattr(night.physiology.activations, name).size for name in fields}
    assert len(lengths) == 1
