"""Minutes, shares and latencies of stages, worked by hand."""

from __future__ import annotations

import pytest

from staging.architecture import summarize
from tests.architecture.strategies import night


def test_minutes_and_shares_of_total_sleep_time():
    architecture = summarize(night("W*2 1*2 2*8 3*4 R*6 W*2"))
    assert [architecture.metrics[f"{stage}_min"] for stage in ("n1", "n2", "n3", "r")] == [1.0, 4.0, 2.0, 3.0]
    assert [architecture.metrics[f"{stage}_pct"] for stage in ("n1", "n2", "n3", "r")] == [10.0, 40.0, 20.0, 30.0]
    assert (architecture.light_min, architecture.nrem_min) == (5.0, 7.0)
    assert architecture.nrem_rem_ratio == pytest.approx(7 / 3)


def test_latencies_count_from_sleep_onset():
    architecture = summarize(night("W*10 1*2 2*4 W*2 3*2 R"))
    assert architecture.n1_latency_min == 0.0
    assert architecture.n2_latency_min == 1.0
    assert architecture.n3_latency_min == 4.0
    assert architecture.rem_latency_min == 5.0
    assert architecture.rem_latency_asleep_min == 4.0  # without the minute of wake


def test_without_rem_sleep_its_latency_is_none_and_its_time_is_zero():
    architecture = summarize(night("W 2 3"))
    assert (architecture.r_min, architecture.r_pct) == (0.0, 0.0)
    assert architecture.rem_latency_min is None
    assert architecture.nrem_rem_ratio is None


def test_deep_of_four_classes_is_n3_and_light_is_n1_and_n2():
    architecture = summarize(night("W L*3 D*2 R", n_classes=4))
    assert (architecture.light_min, architecture.n3_min, architecture.nrem_min) == (1.5, 1.0, 2.5)
    assert architecture.n1_min is None
    assert architecture.n2_pct is None


def test_three_classes_tell_nrem_and_rem_only():
    architecture = summarize(night("W N*3 R", n_classes=3))
    assert (architecture.nrem_min, architecture.r_min) == (1.5, 0.5)
    assert architecture.light_min is None
    assert architecture.n3_min is None


def test_two_classes_tell_sleep_only():
    architecture = summarize(night("W S*3", n_classes=2))
    assert architecture.tst_min == 1.5
    assert architecture.nrem_min is None
    assert architecture.rem_latency_min is None
