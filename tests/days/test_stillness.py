"""Stillness of counts and of the heart: on the wearer's own scale, whatever the device's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging.days.periods import find_sleeps
from staging.days.stillness import stillness_of_angle, stillness_of_counts, stillness_of_heart


def day(*, seed, step_s=15.0):
    """Counts of 24 h, the night from the tenth to the eighteenth: about, sitting by spells, asleep with turns."""
    rng = np.random.default_rng(seed)
    hour = np.arange(0, 24, step_s / 3600)
    about = rng.gamma(1.5, 100.0, hour.size)
    sitting = (rng.random(hour.size) < 0.2) * rng.gamma(1.0, 40.0, hour.size)
    asleep = (rng.random(hour.size) < 0.04) * rng.gamma(1.0, 40.0, hour.size)
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


def test_activity_is_nought_asleep_one_about_and_unknown_where_not_worn():
    counts = np.repeat([0.0, 50.0], 2880)
    worn = np.arange(2880) < 2400
    level = stillness_of_counts(counts, worn).activity
    np.testing.assert_allclose(level[[100, 4000]], [0.0, 1.0])
    assert np.isnan(level[5000])


def test_counts_that_never_change_show_no_stillness():
    for value in (0.0, 7.0, np.nan):
        same = stillness_of_counts(np.full(5760, value), ALWAYS)
        assert not same.still.any()
        assert len(find_sleeps(same)) == 0


def test_only_counts_have_an_activity():
    assert stillness_of_angle(np.zeros(17_280), ALWAYS).activity is None
    assert stillness_of_heart(np.repeat([55.0, 80.0], 1440).astype(np.float32), ALWAYS).activity is None
