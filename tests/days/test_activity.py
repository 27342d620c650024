"""What activity counts tell of a still time: each rule by hand, and what must hold of any counts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as of_numpy

from staging.days.activity import bed_times, calm, moved

MINUTE = 60.0


def activity(*pieces):
    """From (minutes, level) pieces, one step a minute."""
    return np.concatenate([np.full(minutes, level) for minutes, level in pieces])


def steps(*values):
    return np.array(values, np.int64)


def in_bed(given_, begin, end):
    found = bed_times(steps(begin), steps(end), given_, step_s=MINUTE)
    return found[0].item(), found[1].item()


def test_who_sits_is_not_as_quiet_as_who_sleeps():
    level = activity((60, 0.05), (60, 0.15))
    assert calm(steps(0, 60), steps(60, 120), level).tolist() == [True, False]


def test_a_still_time_of_which_less_than_half_is_known_is_not_refused():
    level = activity((35, np.nan), (25, 0.9))
    assert calm(steps(0), steps(60), level).tolist() == [True]


def night(*, every):
    """Eight hours with a turn every so many minutes."""
    return np.where(np.arange(480) % every == every - 1, 0.5, 0.0)


@pytest.mark.parametrize(
    ("rule", "every", "pieces", "expected"),
    [
        ("who turns every quarter of an hour does so in 90 min", 15, [(45, 0.0), (1, 0.5), (54, 0.0)], True),
        ("a device on a table does not", 15, [(5, 0.5), (95, 0.0)], False),
        ("less than 90 min may be sleep", 5, [(2, 0.5), (89, 0.0)], True),
        ("so may 95 min of who turns once in an hour", 60, [(5, 0.5), (95, 0.0)], True),
        ("and 95 min that are not most of it", 15, [(95, 0.0), (100, 0.2)], True),
        ("what was not recorded is unmoved", 15, [(5, 0.5), (95, np.nan)], False),
    ],
)  # fmt: skip
def test_a_device_on_a_table_is_told_from_its_own_wearer(rule, every, pieces, expected):
    level = np.concatenate([night(every=every), activity(*pieces)])
    assert moved(steps(0, 480), steps(480, len(level)), level, step_s=MINUTE).tolist() == [True, expected], rule


def test_of_no_still_times_none_moved():
    assert moved(steps(), steps(), np.zeros(10), step_s=MINUTE).tolist() == []


@pytest.mark.parametrize(
    ("rule", "pieces", "found", "expected"),
    [
        ("in bed from the last being about", [(15, 1.0), (30, 0.25), (400, 0.0), (15, 1.0)], (45, 445), (15, 445)),
        ("until the first", [(15, 1.0), (400, 0.0), (20, 0.1), (15, 1.0)], (15, 415), (15, 435)),
        ("a begin that was too early comes later", [(40, 0.05), (15, 1.0), (400, 0.0)], (44, 455), (55, 455)),
        ("who tosses a lot before sleep is not in bed", [(15, 1.0), (30, 0.45), (400, 0.0)], (45, 445), (45, 445)),
        ("who is up but sits is not in bed", [(400, 0.0), (30, 0.25), (15, 1.0)], (0, 400), (0, 400)),
        ("a turn of four minutes is not being about", [(60, 0.0), (4, 1.0), (420, 0.0)], (84, 484), (84, 484)),
        ("nobody about within the hour", [(15, 1.0), (70, 0.1), (400, 0.0)], (85, 485), (85, 485)),
        ("nothing known before", [(60, np.nan), (400, 0.0)], (60, 460), (60, 460)),
        ("nothing known between", [(15, 1.0), (45, np.nan), (400, 0.0)], (60, 460), (60, 460)),
        ("nor after", [(400, 0.0), (45, np.nan), (15, 1.0)], (0, 400), (0, 400)),
        ("about all the time", [(60, 1.0)], (0, 30), (0, 30)),
    ],
)  # fmt: skip
def test_in_bed_is_from_being_about_to_being_about(rule, pieces, found, expected):
    assert in_bed(activity(*pieces), *found) == expected, rule


def test_a_sleep_does_not_reach_over_the_one_before():
    # About within the last hour of the first sleep, and not between the two.
    level = activity((85, 0.0), (15, 1.0), (15, 0.0), (5, 0.2), (100, 0.0))
    begin, end = bed_times(steps(0, 120), steps(115, 220), level, step_s=MINUTE)
    assert begin[1] == 120
    begin, end = bed_times(steps(0, 105), steps(100, 220), level[::-1], step_s=MINUTE)
    assert end[0] == 100


@settings(deadline=None, max_examples=80)
@given(
    level=of_numpy.arrays(
        np.float64, st.integers(60, 400), elements=st.floats(-0.5, 2.0, width=32) | st.just(float("nan"))
    ),
    cuts=st.lists(st.floats(0.0, 1.0), min_size=2, max_size=8, unique=True),
    step_s=st.sampled_from([10.0, 15.0, 30.0, 60.0]),
)
def test_sleeps_stay_sleeps_in_order_and_within_the_recording(level, cuts, step_s):
    at = np.unique((np.sort(cuts) * len(level)).astype(np.int64))
    at = at[: len(at) // 2 * 2]
    begin, end = bed_times(at[::2], at[1::2], level, step_s=step_s)
    assert (begin < end).all()
    assert (begin[1:] >= end[:-1]).all()
    assert (begin >= 0).all()
    assert (end <= len(level)).all()


def test_without_any_activity_no_sleep_is_moved():
    begin, end = bed_times(steps(10, 300), steps(200, 400), np.full(500, np.nan), step_s=MINUTE)
    assert begin.tolist() == [10, 300]
    assert end.tolist() == [200, 400]
