"""Which way the arm lies, and how far it turned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging.posture import gravity_at_starts, turned_deg
from staging.recording import Signal
from tests.made_nights import turning


def acc_of(axes: np.ndarray, rate_hz: float, start_s: float = 0.0) -> Signal:
    return Signal(samples=np.asarray(axes, dtype=np.float32), rate_hz=rate_hz, unit="g", start_s=start_s)


@settings(deadline=None, max_examples=30)
@given(turn=st.floats(0, 180), seed=st.integers(0, 2**16), rate_hz=st.sampled_from([1 / 30, 0.2, 1.0, 32.0, 100.0]))
def test_the_angle_turned_comes_back_from_one_sample_an_epoch_as_from_many(turn, seed, rate_hz):
    rng = np.random.default_rng(seed)
    first, other = rng.normal(size=(2, 3))
    first /= np.linalg.norm(first)
    other -= first * (first @ other)
    other /= np.linalg.norm(other)
    second = np.cos(np.radians(turn)) * first + np.sin(np.radians(turn)) * other
    at_s = np.arange(round(120 * rate_hz)) / rate_hz
    acc = acc_of(np.where((at_s < 45)[:, None], first, second), rate_hz)
    change = turned_deg(gravity_at_starts(acc, 4))
    np.testing.assert_allclose(change[:3], [0, turn, 0], atol=0.05)
    assert np.isnan(change[3])


@given(
    st.lists(st.floats(0.0, 20.0), min_size=1, max_size=30).map(np.array),
    st.sampled_from([1, 3, 7]),
)
def test_turns_one_way_add_up_over_the_epochs_about_each(change, span):
    turned = turned_deg(turning(change), span)
    half = span // 2
    for i in range(len(change)):
        inside = half <= i < len(change) - half - 1
        assert np.isfinite(turned[i]) == inside
        if inside:
            assert turned[i] == pytest.approx(change[i - half : i + half + 1].sum(), abs=0.01)


@given(st.integers(0, 2**16), st.floats(0.001, 0.1))
def test_a_small_turn_is_told_to_a_thousandth_of_a_degree(seed, turn):
    """Single precision would lose it in a cosine: that of 0.01 degrees is 1 less 15 billionths."""
    rng = np.random.default_rng(seed)
    frame, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    gravity = (turning(np.array([turn, 0.0])) @ frame).astype(np.float32)
    assert turned_deg(gravity)[0] == pytest.approx(turn, abs=0.001)


def test_a_sample_a_little_before_an_epochs_start_is_that_epochs():
    gravity = np.array([[0, 0, 1.0], [0, 1.0, 0], [0, 1.0, 0]])
    change = turned_deg(gravity_at_starts(acc_of(gravity, 1 / 30, start_s=-0.2), 3))
    assert change[:2].tolist() == [90.0, 0.0]


def test_an_unrecorded_start_leaves_both_neighbours_unknown():
    samples = np.tile([0.0, 0.0, 1.0], (32 * 120, 1))
    samples[32 * 60 : 32 * 61] = np.nan
    gravity = gravity_at_starts(acc_of(samples, 32.0), 4)
    assert np.isnan(gravity).all(axis=1).tolist() == [False, False, True, False]
    assert np.isnan(turned_deg(gravity)).tolist() == [False, True, True, True]


@pytest.mark.parametrize("rate_hz", [1 / 30, 32.0])
def test_no_epochs_have_no_directions(rate_hz):
    assert gravity_at_starts(acc_of(np.zeros((64, 3)), rate_hz), 0).shape == (0, 3)


def test_zeros_have_no_direction():
    assert np.isnan(gravity_at_starts(acc_of(np.zeros((32 * 90, 3)), 32.0), 3)).all()


def posture_of(file: Path) -> np.ndarray:
    t_s, *axes = np.loadtxt(file, delimiter=",", skiprows=1).T
    return gravity_at_starts(acc_of(np.stack(axes, axis=1), 1 / 30, t_s[0]), int(t_s[-1] // 30) + 1)


def test_posture_of_a_real_night_turns_as_often_as_sleepers_do(shared_data: Path) -> None:
    turns, hours = 0, 0.0
    for file in sorted((shared_data / "sleep_accel").glob("*_epoch_start_acc.csv")):
        change = turned_deg(posture_of(file))
        turns += int((change > 30).sum())
        hours += np.isfinite(change).sum() / 120
    assert 1.5 < turns / hours < 8


def test_a_waking_arm_that_lies_still_turns_more_than_a_sleeping_one(shared_data: Path) -> None:
    """What the small turns are for: of the real epochs without any counts, those of wake are the less still ones."""
    awake, asleep = [], []
    for file in sorted((shared_data / "sleep_accel").glob("*_epoch_start_acc.csv")):
        subject = file.name.split("_")[0]
        change = turned_deg(posture_of(file))
        stages = dict(np.loadtxt(file.with_name(f"{subject}_cleaned_psg.out")).astype(int).tolist())
        counts = np.loadtxt(file.with_name(f"{subject}_cleaned_counts.out"), delimiter=",")
        moved = set((counts[counts[:, 1] > 0, 0] // 30).astype(int).tolist())
        for epoch in np.flatnonzero(np.isfinite(change)).tolist():
            if epoch not in moved and (stage := stages.get(30 * epoch, -1)) >= 0:
                (awake if stage == 0 else asleep).append(float(change[epoch]))
    assert len(awake) > 300
    assert np.median(awake) > 1.5 * np.median(asleep)
