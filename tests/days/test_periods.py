"""Times of sleep from stillness: the published rules by hand, and what must not depend on anything else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging.days.periods import find_sleeps
from staging.days.stillness import Stillness, stillness_of_angle, stillness_of_counts

MIN = 12
"""Steps of 5 s a minute."""


def stillness(*pieces):
    """From (minutes, still) pieces; rest is what is still."""
    still = np.concatenate([np.full(minutes * MIN, flag) for minutes, flag in pieces])
    return Stillness(still=still, resting=still, step_s=5.0)


def minutes(found):
    return (found / 60).tolist()


@pytest.mark.parametrize(
    ("rule", "pieces", "expected"),
    [
        ("29 min are no sleep", [(60, False), (29, True), (60, False)], []),
        ("30 min are", [(60, False), (30, True), (60, False)], [[60.0, 90.0]]),
        ("a gap of less than an hour is bridged", [(300, True), (59, False), (300, True)], [[0.0, 659.0]]),
        ("one of an hour is not", [(300, True), (60, False), (80, True)], [[0.0, 300.0], [360.0, 440.0]]),
        ("but two long sleeps less than two hours apart are one broken night", [(150, True), (110, False), (95, True)],
         [[0.0, 355.0]]),
        ("two hours apart they are two", [(150, True), (121, False), (95, True)], [[0.0, 150.0], [271.0, 366.0]]),
        ("a still rest before a long walk to bed is not of the night", [(40, True), (20, False), (400, True)],
         [[0.0, 40.0], [60.0, 460.0]]),
        ("nor is one after it", [(400, True), (20, False), (40, True)], [[0.0, 400.0], [420.0, 460.0]]),
        ("who is up for a quarter of an hour in the night has one night", [(180, True), (15, False), (200, True)],
         [[0.0, 395.0]]),
    ],
)  # fmt: skip
def test_still_times_are_joined_by_the_published_rules_and_by_worth(rule, pieces, expected):
    assert minutes(find_sleeps(stillness(*pieces))) == expected, rule


def test_who_turns_the_wrist_every_two_minutes_sits():
    still = stillness((120, True))
    fidgety = Stillness(still=still.still, resting=np.zeros_like(still.still), step_s=5.0)
    assert len(find_sleeps(fidgety)) == 0


@pytest.mark.parametrize(("level", "n_sleeps"), [(0.05, 1), (0.15, 0)])
def test_who_is_not_as_quiet_as_a_sleeper_sits(level, n_sleeps):
    both = stillness((120, False), (120, True), (120, False))
    quiet = Stillness(still=both.still, resting=both.still, step_s=5.0, activity=np.where(both.still, level, 1.0))
    assert len(find_sleeps(quiet)) == n_sleeps


def test_still_times_with_the_heart_of_the_day_are_no_sleep():
    both = stillness((300, False), (80, True), (120, False), (400, True), (100, False))
    rate = np.repeat([80.0, 78.0, 80.0, 55.0, 80.0], np.array([300, 80, 120, 400, 100]) * 2).astype(np.float32)
    assert minutes(find_sleeps(both, rate)) == [[500.0, 900.0]]
    assert len(find_sleeps(both)) == 2
    assert len(find_sleeps(both, np.full_like(rate, np.nan))) == 2


@settings(deadline=None, max_examples=60)
@given(
    pieces=st.lists(st.tuples(st.integers(1, 300), st.booleans()), min_size=1, max_size=12),
    later=st.integers(1, 200),
)
def test_what_comes_an_hour_later_is_found_an_hour_later(pieces, later):
    found = find_sleeps(stillness(*pieces))
    moved = find_sleeps(stillness((later, False), *pieces))
    np.testing.assert_allclose(moved, found + later * 60.0)


@settings(deadline=None, max_examples=60)
@given(pieces=st.lists(st.tuples(st.integers(1, 300), st.booleans()), min_size=1, max_size=12))
def test_sleeps_are_apart_in_order_and_begin_and_end_still(pieces):
    given_ = stillness(*pieces)
    found = find_sleeps(given_)
    assert (found[:, 1] - found[:, 0] >= 1800).all()
    assert (found[1:, 0] > found[:-1, 1]).all()
    for begin_s, end_s in found:
        assert given_.still[int(begin_s / 5)]
        assert given_.still[int(end_s / 5) - 1]


def arm(*pieces, seed=1):
    """Angles from (minutes, kind): asleep, about."""
    rng = np.random.default_rng(seed)
    parts = [
        np.full(n * MIN, 30.0) + rng.normal(0, 0.02, n * MIN) if asleep else rng.uniform(-80, 80, n * MIN)
        for n, asleep in pieces
    ]
    return np.concatenate(parts)


def test_the_still_arm_is_found_to_a_few_minutes():
    angle = arm((600, False), (480, True), (360, False))
    found = find_sleeps(stillness_of_angle(angle, np.ones(2880, bool)))
    np.testing.assert_allclose(found, [[36_000, 64_800]], atol=180)


def test_an_arm_that_is_not_worn_is_not_asleep():
    angle = arm((600, False), (480, True), (360, False))
    worn = np.ones(2880, bool)
    worn[1100:2300] = False
    assert len(find_sleeps(stillness_of_angle(angle, worn))) == 0


def test_a_restart_of_the_device_does_not_end_the_night():
    angle = arm((600, False), (480, True), (360, False))
    angle[800 * MIN : 810 * MIN] = np.nan
    found = find_sleeps(stillness_of_angle(angle, np.ones(2880, bool)))
    np.testing.assert_allclose(found, [[36_000, 64_800]], atol=180)


def test_windows_lost_here_and_there_do_not_break_the_night():
    angle = arm((600, False), (480, True), (360, False))
    angle[:: 20 * MIN] = np.nan
    found = find_sleeps(stillness_of_angle(angle, np.ones(2880, bool)))
    np.testing.assert_allclose(found, [[36_000, 64_800]], atol=180)
    counts = np.repeat([50.0, 0.0, 50.0], np.array([600, 480, 360]) * 4)
    counts[::30] = np.nan
    found = find_sleeps(stillness_of_counts(counts, np.ones(2880, bool)))
    np.testing.assert_allclose(found, [[36_000, 64_800]], atol=180)


def test_without_any_angle_there_is_no_sleep():
    assert len(find_sleeps(stillness_of_angle(np.full(3000, np.nan), np.ones(500, bool)))) == 0
    assert len(find_sleeps(stillness_of_angle(np.empty(0), np.ones(0, bool)))) == 0


@pytest.mark.parametrize("step_s", [10.0, 15.0, 30.0, 60.0])
def test_counts_of_any_step_show_the_night(step_s):
    counts = np.repeat([50.0, 0.0, 50.0], (np.array([600, 480, 360]) * 60 / step_s).astype(int))
    counts[:: round(600 / step_s)] += 20  # a turn every ten minutes
    found = find_sleeps(stillness_of_counts(counts, np.ones(2880, bool), step_s=step_s))
    np.testing.assert_allclose(found, [[36_000, 64_800]], atol=300)


def test_a_real_night_with_polysomnography_is_found(shared_data):
    import csv

    folder = shared_data / "hypnograms" / "newcastle"
    if not folder.is_dir():
        pytest.skip("newcastle is not among the real data")
    with (folder / "MECSLEEP01_left_wrist_GGIR_epochs.csv").open(encoding="utf-8") as file:
        angle = np.array([float(row["anglez"]) for row in csv.DictReader(file)])
    found = find_sleeps(stillness_of_angle(angle, np.ones(len(angle) // 6 + 1, bool)))
    longest = found[np.argmax(found[:, 1] - found[:, 0])]
    # From 19:30 on; polysomnography: asleep from 22:52, beyond the end of these angles at 07:15.
    assert abs(longest[0] / 3600 - 3.37) < 0.6
    assert longest[1] / 3600 > 11.5
