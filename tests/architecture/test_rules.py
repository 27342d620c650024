"""Thresholds that cannot be."""

from __future__ import annotations

import pytest

from staging.architecture import Rules


@pytest.mark.parametrize(
    "changes", [{"persistent_sleep_min": -1.0}, {"nrem_period_min": float("nan")}, {"rem_period_min": float("inf")}]
)
def test_a_threshold_is_finite_and_at_least_zero(changes):
    with pytest.raises(ValueError, match="must be finite and at least 0"):
        Rules(**changes)


def test_a_power_law_needs_a_floor_above_zero():
    with pytest.raises(ValueError, match="bout_floor_min must be above 0"):
        Rules(bout_floor_min=0.0)


def test_no_split_is_a_choice():
    assert Rules().split_nrem_over_min is None
    assert Rules(split_nrem_over_min=120.0).split_nrem_over_min == 120.0
