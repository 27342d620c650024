"""Numbers and times as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging.wording import NO_VALUE, NightClock, minutes_text, value_text, whole_pct, zone_name

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = st.sampled_from([UTC, BERLIN, ZoneInfo("Asia/Kathmandu"), ZoneInfo("America/New_York"), None])
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))


@settings(deadline=None, max_examples=150)
@given(MOMENTS, ZONES, st.floats(60, 9 * 86400), st.integers(2, 14))
def test_ticks_are_few_in_order_within_the_night_and_where_their_label_says(start, zone, duration_s, most):
    clock = NightClock(None if zone is None else start.astimezone(zone), duration_s)
    ticks = clock.ticks(most)
    times = [tick.at_s for tick in ticks]
    assert len(ticks) <= most + 1  # the hour that the clocks repeat may hold one more
    assert times == sorted(set(times))
    assert all(0 <= at <= duration_s for at in times)
    for tick in ticks:
        if ":" in tick.label:
            assert tick.label == clock.text(tick.at_s)


def test_ticks_stay_at_round_hours_when_the_clocks_go_forward():
    start = datetime(2026, 3, 28, 23, 30, tzinfo=BERLIN)  # 02:00 becomes 03:00
    labels = [tick.label for tick in NightClock(start, 8 * 3600.0).ticks()]
    assert labels == ["00:00", "01:00", "03:00", "04:00", "05:00", "06:00", "07:00", "08:00"]


def test_times_are_instants_when_the_clocks_go_back():
    clock = NightClock(datetime(2026, 10, 24, 23, 0, tzinfo=BERLIN), 8 * 3600.0)  # 03:00 becomes 02:00
    assert [clock.text(hour * 3600.0) for hour in range(3, 6)] == ["02:00", "02:00", "03:00"]
    assert clock.span() == "2026-10-24 23:00 – 2026-10-25 06:00 (Europe/Berlin)"


def test_a_span_within_a_day_names_the_day_once():
    nap = NightClock(datetime(2026, 5, 1, 13, 0, tzinfo=UTC), 3600.0)
    assert nap.span() == "2026-05-01 13:00 – 14:00 (UTC)"


def test_without_a_clock_time_counts_from_the_first_epoch():
    clock = NightClock(None, 7200.0)
    assert clock.moment(5.0) is None
    assert clock.text(3665.0, seconds=True) == "1:01:05"


@pytest.mark.parametrize(
    ("minutes", "text"),
    [(0.0, "0 min"), (59.5, "59.5 min"), (60.0, "1 h 00 min"), (125.5, "2 h 05 min"), (float("nan"), NO_VALUE)],
)
def test_minutes_are_told_as_hours_from_an_hour_on(minutes, text):
    assert minutes_text(minutes) == text


def test_values_carry_their_unit_unless_they_are_counted():
    assert value_text(4.0, "count", 0) == "4"
    assert value_text(0.5, "/h", 2) == "0.50 /h"
    assert value_text(float("nan"), "%") == NO_VALUE


@given(st.floats(0, 100))
def test_a_share_is_none_or_all_only_where_it_is(pct):
    text = whole_pct(pct)
    assert (text == "0") == (pct == 0)
    assert (text == "100") == (pct >= 99.95)


def test_a_zone_without_a_name_is_told_by_its_offset():
    from datetime import timezone

    assert zone_name(timezone(timedelta(hours=2))) == "UTC+02:00"
    assert zone_name(BERLIN) == "Europe/Berlin"
