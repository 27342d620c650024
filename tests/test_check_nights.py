"""The check of found nights: it counts what it says, and finds fault where there is some."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from scripts.check_nights import (
    COUNTS_FROM_HZ,
    Found,
    against_actilife,
    against_diaries,
    against_polysomnography,
    compare,
    recordings_of,
)
from staging.simulate import DEFAULT, DaysParameters, simulate_days

SLOW = dataclasses.replace(DEFAULT, acceleration=dataclasses.replace(DEFAULT.acceleration, rate_hz=10.0))


@pytest.fixture(scope="module")
def days():
    return simulate_days(2002, n_nights=2, days=DaysParameters(nap_chance=1.0, off_chance=1.0), parameters=SLOW)


def test_nights_that_are_found_are_counted_as_found(days):
    found = compare(days, days.recording)
    assert found.within_pct() == 100.0
    assert len(found.begin_min) == 2
    assert found.naps == 2
    assert found.wear_wrong_pct < 1.0


def test_nights_that_are_elsewhere_are_counted_as_errors(days):
    later = tuple(
        dataclasses.replace(sleep, begin_s=sleep.begin_s + 1200, end_s=sleep.end_s + 1200) for sleep in days.sleeps
    )
    found = compare(dataclasses.replace(days, sleeps=later), days.recording)
    assert found.within_pct() == 0.0
    np.testing.assert_allclose(found.begin_min, -20, atol=10)


def test_nights_are_found_from_counts_of_15_and_of_30_s_alone():
    fast = dataclasses.replace(DEFAULT.acceleration, rate_hz=COUNTS_FROM_HZ)
    life = DaysParameters(nap_chance=1.0, off_chance=1.0)
    week = simulate_days(2005, n_nights=3, days=life, parameters=dataclasses.replace(DEFAULT, acceleration=fast))
    searched = recordings_of(week, counts=True)
    assert [recording.counts.times_s[1] for recording in searched.values()] == [15.0, 30.0]
    for recording in searched.values():
        assert set(recording.channels()) == {"counts"}
        assert compare(week, recording).within_pct() == 100.0


def test_a_missed_night_is_no_found_one():
    one = np.array([0.0, np.nan])
    found = Found(begin_min=one, end_min=one, naps=0, naps_found=0, other_naps=0, wear_wrong_pct=0.0)
    assert found.within_pct() == 50.0


@pytest.mark.parametrize("check", [against_actilife, against_diaries, against_polysomnography])
def test_real_recordings_that_are_not_there_are_left_out(check, tmp_path, capsys):
    check(tmp_path)
    assert "left out" in capsys.readouterr().out


def test_a_real_day_agrees_with_actilife(shared_data, capsys):
    against_actilife(shared_data)
    lines = capsys.readouterr().out.splitlines()
    if "left out" in lines[0]:
        pytest.skip("actigraph_sleepr is not among the real data")
    ours, theirs = (next(line for line in lines if start in line)[-11:] for start in ("ours", "ActiLife, Sadeh"))

    def minutes(clock):
        return (int(clock[:2]) * 60 + int(clock[3:5]) + 720) % 1440

    assert abs(minutes(ours[:5]) - minutes(theirs[:5])) <= 20
    assert abs(minutes(ours[6:]) - minutes(theirs[6:])) <= 20
