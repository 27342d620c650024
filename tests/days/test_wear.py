"""Wear from all sensors: what each can prove, and what none can."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from staging.days.wear import worn_epochs
from staging.days.windows import Windows

HOUR = 120


def lying(hours, *, move_from=None, breathing_g=0.0):
    """Windows of 5 s of a device at rest that moves from an epoch on, or rises and falls slowly."""
    n = round(hours * HOUR) * 6
    mean = np.tile([0.0, 0.0, 1.0], (n, 1))
    mean[:, 0] += breathing_g * np.sin(np.arange(n) / 100)
    sd = np.full((n, 3), 0.001)
    if move_from is not None:
        sd[move_from * 6 :] = 0.1
        mean[move_from * 6 :, 0] += np.random.default_rng(1).normal(0, 0.4, n - move_from * 6)
    return Windows(width_s=5.0, mean_g=mean, sd_g=sd)


def temperature(*pieces):
    return np.concatenate([np.full(round(hours * HOUR), level, np.float32) for level, hours in pieces])


def test_a_device_on_a_table_is_not_worn():
    assert not worn_epochs(3 * HOUR, windows=lying(3)).any()


def test_a_sleeper_is_not_a_table():
    assert worn_epochs(3 * HOUR, windows=lying(3, breathing_g=0.02)).all()


def test_a_sleeper_as_still_as_a_table_is_known_by_a_warm_sensor_or_a_pulse():
    still = lying(3)
    assert worn_epochs(3 * HOUR, windows=still, temperature_c=temperature((33.0, 3))).all()
    assert worn_epochs(3 * HOUR, windows=still, pulse=np.ones(3 * HOUR, bool)).all()


def test_a_still_device_at_room_temperature_is_not_worn():
    assert not worn_epochs(3 * HOUR, windows=lying(3), temperature_c=temperature((22.0, 3))).any()


def test_a_cold_hand_that_moves_wears_it():
    worn = worn_epochs(3 * HOUR, windows=lying(3, move_from=HOUR), temperature_c=temperature((22.0, 3)))
    assert worn[HOUR:].all()
    assert not worn[: HOUR - 10].any()


def test_the_hour_off_the_wrist_is_found_by_temperature_alone():
    worn = worn_epochs(5 * HOUR, temperature_c=temperature((33.0, 2), (21.0, 1), (33.0, 2)))
    assert abs(np.count_nonzero(~worn) - HOUR) <= 12
    assert worn[: 2 * HOUR - 6].all()


def test_an_hour_without_any_sensor_is_as_the_one_before():
    levels = temperature((33.0, 1), (np.nan, 1), (21.0, 1), (np.nan, 1))
    worn = worn_epochs(4 * HOUR, temperature_c=levels)
    assert worn[: 2 * HOUR].all()
    assert not worn[2 * HOUR + 12 :].any()


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 1000))
def test_a_pulse_always_proves_wear(seed):
    rng = np.random.default_rng(seed)
    pulse = rng.random(2 * HOUR) < 0.3
    worn = worn_epochs(2 * HOUR, windows=lying(2), temperature_c=temperature((21.0, 2)), pulse=pulse)
    assert worn[pulse].all()
