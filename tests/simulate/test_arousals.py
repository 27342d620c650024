from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from staging.simulate import DEFAULT
from staging.simulate.arousals import draw_activations
from staging.simulate.person import draw_person

W, N1, N2, N3, R = range(5)


def draw(stages, parameters=DEFAULT, seeds=60, out=None):
    found = []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        person = draw_person(rng, parameters=parameters)
        flags = np.zeros(len(stages), bool) if out is None else out
        found.append(draw_activations(rng, np.asarray(stages), flags, person, parameters))
    return found


def test_activations_within_a_stage_come_at_its_rate():
    for stage in (N1, N2, N3, R):
        found = draw(np.full(960, stage), seeds=150)
        rate = np.mean([a.at_s.size / 8 for a in found])
        assert rate == pytest.approx(DEFAULT.arousal.spontaneous_per_h[stage], rel=0.25)


def test_an_activation_is_a_surge_or_a_movement_with_a_surge():
    for activations in draw(np.tile([W, N1, N2, N2, R], 100)):
        moves = activations.burst_s > 0
        assert np.all(activations.surge_bpm[moves] > 0)
        assert np.all(activations.turn_deg[~moves] == 0)
        assert np.all(activations.turn_deg <= DEFAULT.movement.largest_turn_deg)
        low, high = DEFAULT.movement.duration_range_s
        assert np.all((activations.burst_s[moves] >= low) & (activations.burst_s[moves] <= high))


def test_large_movements_come_with_large_surges():
    """Sleep-Accel: mean peaks of 9.5, 11.7 and 14.8 bpm with small, middling and large movements."""
    found = draw(np.full(960, W))
    moves = [a.burst_s > 0 for a in found]
    size = np.concatenate([np.log(a.peak_g[m]) for a, m in zip(found, moves, strict=True)])
    surge = np.concatenate([np.log(a.surge_bpm[m]) for a, m in zip(found, moves, strict=True)])
    assert np.corrcoef(size, surge)[0, 1] == pytest.approx(DEFAULT.arousal.size_correlation, abs=0.06)


@pytest.mark.parametrize(("epochs", "which"), [(1, 0), (3, 1), (8, 2)])
def test_longer_awakenings_move_more_often(epochs, which):
    arousal = dataclasses.replace(DEFAULT.arousal, spontaneous_per_h=(1e-6,) * 5)
    parameters = dataclasses.replace(DEFAULT, arousal=arousal)
    stages = np.tile(np.repeat([N2, W], [20, epochs]), 20)
    share = np.mean([(a.burst_s > 0).sum() / 20 for a in draw(stages, parameters)])
    assert share == pytest.approx(DEFAULT.movement.awakening_probability[which], abs=0.12)


def test_who_moves_much_moves_much_in_every_stage():
    light = [(a.burst_s > 0).sum() for a in draw(np.full(1920, N2))]
    rem = [(a.burst_s > 0).sum() for a in draw(np.full(1920, R))]
    assert np.corrcoef(light, rem)[0, 1] > 0.3


def test_out_of_bed_every_activation_moves():
    for activations in draw(np.full(240, W), seeds=10, out=np.ones(240, bool)):
        assert np.all(activations.burst_s > 0)
