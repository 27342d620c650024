"""NREM–REM cycles: each rule of Feinberg & Floyd, and of Blume & Cajochen, by hand."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings

from staging.architecture import Rules, find_cycles, summarize
from tests.architecture.strategies import hypnograms, night


def spans(*stages: str, **rules: object) -> list[tuple[float, float, float, bool]]:
    cycles = find_cycles(night(*stages), rules=Rules(**rules))
    return [(cycle.begin_min, cycle.rem_begin_min, cycle.end_min, cycle.complete) for cycle in cycles]


def test_a_cycle_is_a_nrem_period_and_the_rem_period_after_it():
    assert spans("W*20 2*40 R*20 2*40 R*20 W*10") == [(10.0, 30.0, 40.0, True), (40.0, 60.0, 70.0, True)]


def test_sleep_after_the_last_rem_period_is_an_incomplete_cycle():
    assert spans("2*40 R*20 2*40") == [(0.0, 20.0, 30.0, True), (30.0, 50.0, 50.0, False)]
    assert summarize(night("2*40 R*20 2*40")).cycles == 1


def test_the_first_rem_period_may_be_short():
    assert spans("2*40 R 2*40 R*10")[0] == (0.0, 20.0, 20.5, True)


def test_the_first_rem_period_may_be_asked_to_last():
    assert spans("2*40 R 2*40 R*10", first_rem_period_min=5.0) == [(0.0, 40.5, 45.5, True)]


def test_a_later_rem_episode_below_five_minutes_belongs_to_the_nrem_period():
    assert spans("2*40 R*10 2*40 R*9 2*40 R*10") == [(0.0, 20.0, 25.0, True), (25.0, 69.5, 74.5, True)]


def test_rem_sleep_less_than_fifteen_minutes_apart_is_one_rem_period():
    assert spans("2*40 R*5 2*29 R*5 W*4") == [(0.0, 20.0, 39.5, True)]
    assert len(spans("2*40 R*5 2*30 R*10")) == 2


def test_wake_counts_towards_the_fifteen_minutes_of_a_nrem_period():
    assert len(spans("2*40 R*10 W*20 2*10 R*10")) == 2


def test_rem_sleep_within_fifteen_minutes_of_sleep_onset_ends_no_cycle():
    assert spans("1*2 R*20 2*40 R*10") == [(11.0, 31.0, 36.0, True)]


def test_nrem_periods_may_be_asked_to_be_shorter():
    assert len(spans("2*10 R*10 2*10 R*10", nrem_period_min=5.0)) == 2


def test_a_long_nrem_period_stays_whole_unless_asked_to_be_split():
    long = "2*20 3*60 2*30 3*60 2*80 R*10"
    assert len(spans(long)) == 1
    assert spans(long, split_nrem_over_min=120.0) == [(0.0, 55.0, 55.0, True), (55.0, 125.0, 130.0, True)]


def test_a_split_needs_more_than_twelve_minutes_of_lighter_sleep():
    assert len(spans("2*20 3*60 2*24 3*60 2*90 R*10", split_nrem_over_min=120.0)) == 1
    assert len(spans("2*20 3*60 2*25 3*60 2*90 R*10", split_nrem_over_min=120.0)) == 2


def test_wake_does_not_count_towards_the_length_of_a_nrem_period_to_be_split():
    assert len(spans("2*20 3*60 W*60 3*60 2*90 R*10", split_nrem_over_min=120.0)) == 1


def test_what_a_cycle_holds():
    cycle = find_cycles(night("1*2 2*30 3*8 W*4 2*6 R*10 W*2"))[0]
    assert (cycle.n1_min, cycle.n2_min, cycle.n3_min, cycle.r_min, cycle.w_min) == (1.0, 18.0, 4.0, 5.0, 2.0)
    assert (cycle.nrem_min, cycle.light_min) == (23.0, 19.0)
    assert (cycle.length_min, cycle.nrem_period_min, cycle.rem_period_min) == (30.0, 25.0, 5.0)


def test_metrics_of_the_cycles():
    architecture = summarize(night("2*40 3*10 R*10 2*60 R*20 2*5"))
    assert architecture.cycles == 2
    assert architecture.cycle_mean_min == pytest.approx((30 + 40) / 2)
    assert (architecture.cycle_1_min, architecture.cycle_2_min, architecture.cycle_3_min) == (30.0, 40.0, None)
    assert architecture.nrem_period_mean_min == pytest.approx((25 + 30) / 2)
    assert architecture.rem_period_mean_min == pytest.approx((5 + 10) / 2)
    assert (architecture.n3_cycle_1_min, architecture.n3_cycle_2_min) == (5.0, 0.0)
    assert (architecture.r_cycle_1_min, architecture.r_cycle_2_min) == (5.0, 10.0)


def test_a_night_of_wake_or_of_two_classes_has_no_cycles():
    assert find_cycles(night("W*9")) == ()
    assert find_cycles(night("S*90", n_classes=2)) == ()
    assert summarize(night("S*90", n_classes=2)).cycles is None
    assert summarize(night("2*90")).cycles == 0


def test_coarser_hypnograms_tell_what_they_can():
    cycle = find_cycles(night("N*40 R*10", n_classes=3))[0]
    assert (cycle.nrem_min, cycle.r_min) == (20.0, 5.0)
    assert (cycle.n1_min, cycle.n3_min, cycle.light_min) == (None, None, None)
    assert find_cycles(night("L*30 D*10 R*10", n_classes=4))[0].n3_min == 5.0


@settings(deadline=None, max_examples=80)
@given(hypnograms(max_runs=60, max_run=90))
def test_cycles_follow_each_other_within_the_sleep_period(hypnogram):
    cycles = find_cycles(hypnogram)
    for before, after in itertools.pairwise(cycles):
        assert before.end_min == after.begin_min
        assert after.number == before.number + 1
    for cycle in cycles:
        held = cycle.w_min + cycle.nrem_min + cycle.r_min
        assert cycle.begin_min <= cycle.rem_begin_min <= cycle.end_min
        assert held <= cycle.length_min + 1e-9
        if cycle.complete:
            assert cycle.nrem_period_min >= 15.0 - 1e-9
        if cycle.complete and cycle.number > 1:
            assert cycle.r_min >= 5.0 - 1e-9


@settings(deadline=None, max_examples=80)
@given(hypnograms(n_classes=5, max_runs=60, max_run=90))
def test_cycles_do_not_depend_on_light_sleep_being_told_apart(hypnogram):
    fine, coarse = find_cycles(hypnogram), find_cycles(hypnogram.merge(3))
    assert [(cycle.begin_min, cycle.end_min) for cycle in fine] == [
        (cycle.begin_min, cycle.end_min) for cycle in coarse
    ]
