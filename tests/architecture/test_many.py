"""Many nights: which count, means on the clock, regularity, social jetlag, the tidy table."""

from __future__ import annotations

import csv
import io
import itertools
import json
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging.architecture import (
    NightRules,
    format_tidy_csv,
    metric_intervals,
    night_of,
    sleep_regularity_index,
    social_jetlag_h,
    summarize,
    summarize_many,
    summarize_nights,
    tidy_table,
)
from staging.architecture.catalogue import CATALOGUE
from staging.architecture.many import circular_mean_h
from staging.errors import HypnogramError
from staging.hypnogram import Hypnogram
from tests.architecture.strategies import hypnograms, night

FIRST = datetime(2024, 3, 4, 23, tzinfo=UTC)  # a Monday


def on(day: int, stages: str = "W*40 2*800 W*40", hour: float = 0.0, **attributes: object) -> Hypnogram:
    return night(stages, start=FIRST + timedelta(days=day, hours=hour), **attributes)


def test_a_night_is_named_by_its_evening():
    assert night_of(on(0)) == date(2024, 3, 4)
    assert night_of(on(0, hour=3)) == date(2024, 3, 4)
    assert night_of(on(0, hour=13)) == date(2024, 3, 5)
    assert night_of(night("W")) is None


def test_mean_sd_and_variation_of_a_metric():
    spread = summarize_nights([on(day, f"2*{epochs}") for day, epochs in enumerate((800, 900, 1000))]).spreads[
        "tst_min"
    ]
    assert (spread.n, spread.mean, spread.sd) == (3, 450.0, 50.0)
    assert spread.cv_pct == pytest.approx(100 / 9)


def test_one_night_has_a_mean_and_no_spread():
    spread = summarize_nights([on(0)]).spreads["tst_min"]
    assert (spread.n, spread.mean, spread.sd, spread.cv_pct) == (1, 400.0, None, None)


def test_clock_times_are_averaged_across_midnight():
    nights = [on(0, "2*720", hour=-3.5), on(1, "2*720", hour=-1.5)]  # midpoints 22:30 and 00:30
    spread = summarize_nights(nights).spreads["sleep_midpoint_clock_h"]
    assert spread.mean == pytest.approx(23.5)
    assert spread.sd == pytest.approx(2 / 2**0.5)
    assert spread.cv_pct is None


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(0, 5), min_size=1, max_size=9), st.floats(0, 24))
def test_the_circular_mean_of_times_within_some_hours_is_their_mean(hours, shift):
    turned = circular_mean_h((np.array(hours) + shift) % 24)
    straight = circular_mean_h(np.array(hours))
    assert (turned - straight - shift + 12) % 24 == pytest.approx(12, abs=1e-6)


def test_times_that_cancel_out_have_no_mean():
    assert circular_mean_h(np.array([0.0, 12.0])) is None


def test_nights_with_too_little_scored_or_in_bed_are_left_out_and_named():
    many = summarize_nights([on(0), on(1, "? " * 300 + "2*400"), on(2, "2*100")])
    assert [reason for _, reason in many.excluded] == [
        "57 % scored, less than 80 %",
        "50 min in bed, less than 180 min",
    ]
    assert many.spreads["tst_min"].n == 1


def test_missing_nights_between_the_first_and_the_last_are_named():
    assert summarize_nights([on(0), on(3)]).missing == (date(2024, 3, 5), date(2024, 3, 6))


def test_naps_are_not_nights_unless_asked_for():
    sleeps = [on(0), on(0, "2*400", hour=-8)]
    assert [night_.tst_min for night_ in summarize_nights(sleeps).nights] == [400.0]
    assert summarize_nights(sleeps).excluded[0][1] == "a shorter sleep than the main one of 2024-03-04"
    assert len(summarize_nights(sleeps, night_rules=NightRules(main_only=False)).nights) == 2


def test_fewer_nights_than_asked_for_have_no_mean():
    many = summarize_nights([on(0), on(1)], night_rules=NightRules(min_nights=3))
    assert (many.spreads["tst_min"].n, many.spreads["tst_min"].mean) == (2, None)


def test_nights_without_a_clock_count_but_have_no_dates():
    many = summarize_nights([night("2*800"), night("2*900")])
    assert many.spreads["tst_min"].mean == 425.0
    assert (many.missing, many.sri, many.social_jetlag_h) == ((), None, None)


def test_no_nights_have_no_statistics():
    many = summarize_nights([])
    assert (many.nights, many.sri, many.spreads["tst_min"].mean) == ((), None, None)


def test_a_table_with_intervals_has_two_more_columns_a_metric():
    sure = np.tile(np.float32([0.02, 0.98]), (60, 1))
    nights = summarize_many([Hypnogram(stages=["S"] * 60, n_classes=2, probabilities=sure), night("2*60")])
    intervals = [metric_intervals(nights[0].hypnogram, draws=20), None]
    columns, rows = tidy_table(nights, intervals=intervals)
    low, high = columns.index("tst_min_low"), columns.index("tst_min_high")
    assert (rows[0][low], rows[0][high]) == (intervals[0]["tst_min"].low, intervals[0]["tst_min"].high)
    assert rows[1][low] is rows[1][high] is None
    text = format_tidy_csv(nights, intervals=intervals).splitlines()
    assert text[1].split(",")[low] == f"{rows[0][low]:.4f}"
    assert text[2].split(",")[low] == ""
    with pytest.raises(ValueError, match="intervals of 1 nights for 2"):
        tidy_table(nights, intervals=intervals[:1])


def test_the_result_is_plain_json():
    many = summarize_nights([on(0), on(1), on(2, "2*10")])
    document = json.loads(json.dumps(many.to_dict(), allow_nan=False))
    assert document["nights"] == ["2024-03-04", "2024-03-05"]
    assert document["metrics"]["tst_min"]["mean"] == 400.0


def test_regularity_of_the_same_times_is_100_and_of_opposite_states_minus_100():
    assert sleep_regularity_index([on(0), on(1), on(2)]) == 100.0
    assert sleep_regularity_index([on(0, "W*60"), on(1, "2*60")]) == -100.0


def test_regularity_is_the_share_of_equal_moments_a_day_apart():
    # Of 4 epochs 3 are equal: -100 + 200 * 3/4.
    assert sleep_regularity_index([on(0, "W 2 2 W"), on(1, "W W 2 W")]) == 50.0


def test_regularity_leaves_out_what_was_not_scored_on_both_days():
    assert sleep_regularity_index([on(0, "W 2 ? W"), on(1, "W 2 2 ?")]) == 100.0
    assert sleep_regularity_index([on(0), on(2)]) is None
    assert sleep_regularity_index([on(0)]) is None


def test_regularity_may_take_the_time_outside_as_wake():
    # One hour later on the second day: of 24 h, 1 h at each end differs.
    nights = [on(0, "2*960"), on(1, "2*960", hour=1)]
    assert sleep_regularity_index(nights) == 100.0
    outside = sleep_regularity_index([*nights, on(2, "2*960")], outside="wake")
    assert outside < 100.0


def test_regularity_compares_moments_24_hours_apart_whatever_the_clock():
    zone = ZoneInfo("Europe/Dublin")  # the clock goes forward in the second night
    nights = [
        night("W*60 2*60", start=datetime(2024, 3, 29, 23, tzinfo=zone)),
        night("W*60 2*60", start=datetime(2024, 3, 30, 23, tzinfo=zone)),
    ]
    assert sleep_regularity_index(nights) == 100.0


def test_overlapping_or_uneven_nights_have_no_regularity():
    with pytest.raises(HypnogramError, match="overlaps the one before"):
        sleep_regularity_index([on(0), on(0, hour=1)])
    with pytest.raises(HypnogramError, match="epochs differ"):
        sleep_regularity_index([on(0), on(1, epoch_s=60.0)])
    with pytest.raises(HypnogramError, match="do not divide a day"):
        sleep_regularity_index([on(0, epoch_s=31.0), on(1, epoch_s=31.0)])
    with pytest.raises(ValueError, match="'missing' or 'wake'"):
        sleep_regularity_index([], outside="sleep")


@settings(deadline=None, max_examples=40)
@given(st.lists(hypnograms(n_classes=2, max_runs=8), min_size=2, max_size=4))
def test_regularity_is_what_a_slow_count_gives(parts):
    stages = [part.stages[:2880] for part in parts]
    nights = [Hypnogram(stages=each, n_classes=2, start=FIRST + timedelta(days=day)) for day, each in enumerate(stages)]
    same = total = 0
    for early, late in itertools.pairwise(stages):
        for one, other in zip(early.tolist(), late.tolist(), strict=False):
            if "UNSCORED" not in (one, other):
                total += 1
                same += one == other
    expected = None if not total else pytest.approx(-100 + 200 * same / total)
    assert sleep_regularity_index(nights) == expected


def test_social_jetlag_is_how_much_later_free_days_are():
    # Monday to Thursday evening at 23:00; Friday and Saturday evening at 01:00.
    nights = [on(day, "2*960") for day in range(4)] + [on(day, "2*960", hour=2) for day in (4, 5)]
    assert summarize_nights(nights).social_jetlag_h == pytest.approx(2.0)
    assert social_jetlag_h(summarize_many(nights), is_free_day=lambda day: day.weekday() < 5) == pytest.approx(-2.0)


def test_social_jetlag_needs_both_kinds_of_days():
    assert social_jetlag_h(summarize_many([on(0), on(1)])) is None


def test_impossible_rules_for_nights_are_refused():
    with pytest.raises(ValueError, match="impossible rules"):
        NightRules(min_nights=0)


def test_the_tidy_table_has_a_row_a_night_and_a_column_a_metric():
    columns, rows = tidy_table(summarize_many([on(0, source="a.csv"), night("S", n_classes=2)]), subjects=["A", "B"])
    assert columns == ["subject", "source", "night", "start", "epoch_s", "classes", *CATALOGUE]
    assert rows[0][:6] == ["A", "a.csv", "2024-03-04", "2024-03-04T23:00:00+00:00", 30.0, 5.0]
    assert rows[1][columns.index("n3_min")] is None
    with pytest.raises(ValueError, match="1 subjects for 2 nights"):
        tidy_table(summarize_many([on(0), on(1)]), subjects=["A"])


@settings(deadline=None, max_examples=30)
@given(st.lists(hypnograms(clock=True), min_size=1, max_size=4))
def test_the_tidy_csv_holds_the_values_to_four_places(nights):
    architectures = summarize_many(nights)
    rows = list(csv.DictReader(io.StringIO(format_tidy_csv(architectures))))
    for row, architecture in zip(rows, architectures, strict=True):
        for name, value in architecture.metrics.items():
            assert row[name] == "" if value is None else float(row[name]) == pytest.approx(value, abs=5.1e-5)


def test_the_tidy_csv_of_the_same_nights_is_the_same():
    nights = summarize_many([on(0), on(1)])
    assert format_tidy_csv(nights) == format_tidy_csv([summarize(on(0)), summarize(on(1))])
