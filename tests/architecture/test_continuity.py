"""Times, latencies and awakenings, worked by hand."""

from __future__ import annotations

import pytest

from staging.architecture import Rules, summarize
from tests.architecture.strategies import metric, night


def test_aasm_times_of_a_short_night():
    # 2 min awake, 3 min asleep, 1 min awake, 2 min asleep, 1.5 min awake.
    architecture = summarize(night("W*4 1*2 2*4 W*2 R*4 W*3"))
    assert architecture.tib_min == 9.5
    assert architecture.sol_min == 2.0
    assert architecture.tst_min == 5.0
    assert architecture.spt_min == 6.0
    assert architecture.waso_min == 2.5  # the wake after the final awakening included
    assert architecture.waso_spt_min == 1.0
    assert architecture.wake_after_final_min == 1.5
    assert architecture.w_min == 4.5
    assert architecture.se_pct == pytest.approx(100 * 5 / 9.5)
    assert architecture.sme_pct == pytest.approx(100 * 5 / 6)
    assert architecture.tib_min == architecture.sol_min + architecture.waso_min + architecture.tst_min


def test_unscored_time_passes_but_is_neither_sleep_nor_wake():
    architecture = summarize(night("? W 2 ? 2 ?"))
    assert architecture.tib_min == 3.0
    assert architecture.unscored_min == 1.5
    assert architecture.scored_pct == 50.0
    assert architecture.sol_min == 1.0
    assert architecture.spt_min == 1.5
    assert architecture.tst_min == 1.0
    assert architecture.waso_min == 0.0
    assert architecture.sme_pct == pytest.approx(100 * 2 / 3)


def test_persistent_sleep_is_ten_minutes_without_an_epoch_of_wake():
    assert metric(night("W*2 2*19 W 2*20"), "lps_min") == 11.0
    assert metric(night("W*2 2*10 R*10"), "lps_min") == 1.0
    assert metric(night("2*19"), "lps_min") is None


def test_an_unscored_epoch_breaks_persistent_sleep():
    assert metric(night("2*19 ? 2*20"), "lps_min") == 10.0


def test_persistent_sleep_may_be_another_length():
    assert metric(night("W 2*4"), "lps_min", rules=Rules(persistent_sleep_min=2.0)) == 0.5


def test_latency_to_five_minutes_of_sleep():
    assert metric(night("2*9 W 2*10"), "lps_5_min") == 5.0


def test_an_awakening_follows_sleep_and_is_followed_by_sleep():
    architecture = summarize(night("W*2 2 W 2 W*3 R W*9"))
    assert architecture.awakenings == 2
    assert architecture.awakening_mean_min == 1.0
    assert architecture.awakenings_per_h == pytest.approx(2 / (1.5 / 60))
    assert architecture.sfi_per_h == pytest.approx(3 / (1.5 / 60))  # the final awakening counts


def test_wake_after_an_unscored_epoch_is_no_awakening_anybody_saw():
    assert metric(night("2 ? W 2"), "awakenings") == 0
    assert metric(night("2 W ? W 2"), "awakenings") == 1


def test_a_long_awakening_is_longer_than_five_minutes():
    assert metric(night("2 W*10 2"), "awakenings_over_5_min") == 0
    assert metric(night("2 W*11 2"), "awakenings_over_5_min") == 1


def test_a_long_awakening_may_be_another_length():
    assert metric(night("2 W*3 2"), "awakenings_over_5_min", rules=Rules(long_awakening_min=1.0)) == 1


def test_stage_shifts_are_counted_within_the_sleep_period():
    # 1-2, 2-W, W-2, 2-R in 2.5 min of sleep; the shifts from and to the wake around are not in it.
    assert metric(night("W 1 2*2 W 2 R W"), "stage_shifts_per_h") == pytest.approx(4 / (2.5 / 60))


def test_the_fragmentation_index_as_first_defined_counts_shifts_to_wake_and_n1():
    # 2-W, 3-1, R-W; not 1-W.
    assert metric(night("2 W 3 1 W R W"), "shifts_to_w_n1_per_h") == pytest.approx(3 / (2.0 / 60))
    assert metric(night("L W D", n_classes=4), "shifts_to_w_n1_per_h") is None


@pytest.mark.parametrize("stages", ["W*5", "W"])
def test_without_sleep_there_is_no_onset_and_nothing_after_it(stages):
    architecture = summarize(night(stages))
    assert (architecture.tst_min, architecture.spt_min, architecture.se_pct) == (0.0, 0.0, 0.0)
    for name in ("sol_min", "lps_min", "waso_min", "waso_spt_min", "sme_pct", "awakenings", "sfi_per_h"):
        assert architecture.metrics[name] is None, name


def test_a_night_that_nobody_could_score_has_only_its_length():
    architecture = summarize(night("?*4"))
    known = {name for name, value in architecture.metrics.items() if value is not None}
    assert known == {"tib_min", "unscored_min", "scored_pct"}
