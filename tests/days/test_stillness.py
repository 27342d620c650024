"""Stillness of counts and of the heart: on the wearer's own scale, whatever the device's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging.days.periods import find_sleeps
from staging.days.stillness import stillness_of_angle, stillness_of_counts, stillness_of_heart


def day(*, seed, step_s=15.0, moving=0.04):
    """Counts of 24 h, the night from the tenth to the eighteenth: about, sitting by spells, asleep with turns."""
    rng = np.random.default_rng(seed)
    hour = np.arange(0, 24, step_s / 3600)
    about = rng.gamma(1.5, 100.0, hour.size)
    sitting = (rng.random(hour.size) < 0.2) * rng.gamma(1.0, 40.0, hour.size)
    asleep = (rng.random(hour.size) < moving) * rng.gamma(1.0, 40.0, hour.size)
    in_bed = (hour >= 10) & (hour < 18)
    # On one's feet for half an hour before and after bed.
    sits = ((hour // 0.75).astype(int) % 2 == 0) & ((hour < 9.5) | (hour > 18.5))
    return np.where(in_bed, asleep, np.where(sits, sitting, about))


ALWAYS = np.ones(2880, bool)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**20), unit=st.floats(1e-3, 1e3))
def test_the_unit_of_counts_does_not_matter(seed, unit):
    counts = day(seed=seed)
    one, other = stillness_of_counts(counts, ALWAYS), stillness_of_counts(unit * counts, ALWAYS)
    assert (one.still == other.still).mean() > 0.999
    np.testing.assert_allclose(one.activity, other.activity, atol=1e-9)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("joined", [1, 2, 4])
def test_the_length_of_a_step_hardly_matters(seed, joined):
    counts = day(seed=seed).reshape(-1, joined).sum(axis=1)
    found = find_sleeps(stillness_of_counts(counts, ALWAYS, step_s=15.0 * joined))
    longest = found[np.argmax(found[:, 1] - found[:, 0])]
    np.testing.assert_allclose(longest / 3600, [10, 18], atol=0.1)


@pytest.mark.parametrize("seed", range(4))
def test_an_evening_on_a_table_is_no_part_of_the_night(seed):
    counts = day(seed=seed)
    counts[7 * 240 : 9 * 240] = 0.0
    found = find_sleeps(stillness_of_counts(counts, ALWAYS))
    longest = found[np.argmax(found[:, 1] - found[:, 0])]
    np.testing.assert_allclose(longest / 3600, [10, 18], atol=0.1)


@pytest.mark.parametrize("moving", [0.01, 0.005])
@pytest.mark.parametrize("seed", range(4))
def test_a_quiet_sleeper_who_gets_up_once_has_one_night(moving, seed):
    counts = day(seed=seed, moving=moving)
    counts[14 * 240 : 14 * 240 + 32] = 90.0  # eight minutes
    found = find_sleeps(stillness_of_counts(counts, ALWAYS))
    longest = found[np.argmax(found[:, 1] - found[:, 0])]
    np.testing.assert_allclose(longest / 3600, [10, 18], atol=0.1)


@pytest.mark.parametrize("days_on_a_table", [0.6, 3, 11])
def test_a_device_that_is_not_worn_for_half_a_day_and_more_sleeps_no_night(days_on_a_table):
    counts = np.concatenate([*(day(seed=seed) for seed in range(3)), np.zeros(int(days_on_a_table * 5760))])
    found = find_sleeps(stillness_of_counts(counts, np.ones(len(counts) // 2 + 1, bool)))
    long = found[found[:, 1] - found[:, 0] > 3 * 3600]
    np.testing.assert_allclose(long / 3600, [[10, 18], [34, 42], [58, 66]], atol=0.1)


def test_negative_counts_are_none():
    counts = day(seed=1)
    none = np.where(np.arange(counts.size) % 500 == 3, 0.0, counts)
    same = stillness_of_counts(np.where(np.arange(counts.size) % 500 == 3, -500.0, counts), ALWAYS)
    np.testing.assert_array_equal(same.still, stillness_of_counts(none, ALWAYS).still)


def test_activity_is_nought_asleep_one_about_and_unknown_where_not_worn():
    turns = np.arange(2880) % 40 == 0
    counts = np.concatenate([np.where(turns, 1.0, 0.0), np.where(turns, 49.0, 50.0)])
    worn = np.arange(2880) < 2400
    level = stillness_of_counts(counts, worn).activity
    np.testing.assert_allclose(level[[100, 4000]], [0.0, 1.0], atol=0.02)
    assert np.isnan(level[5000])


def test_counts_that_never_change_show_no_stillness():
    for value in (0.0, 7.0, np.nan):
        same = stillness_of_counts(np.full(5760, value), ALWAYS)
        assert not same.still.any()
        assert len(find_sleeps(same)) == 0


def test_only_counts_have_an_activity():
    assert stillness_of_angle(np.zeros(17_280), ALWAYS).activity is None
    assert stillness_of_heart(np.repeat([55.0, 80.0], 1440).astype(np.float32), ALWAYS).activity is None
