"""Which zone's clock held when."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from staging.days.zones import ZoneFrom, local_clock
from staging.wording import NightClock

TOKYO, APIA = ZoneInfo("Asia/Tokyo"), ZoneInfo("Pacific/Apia")
CLOCK = NightClock(datetime(2026, 3, 1, tzinfo=UTC), 7 * 86_400.0)


def test_the_recordings_own_clock_holds_before_the_first_zone_and_each_zone_from_its_moment_on():
    zones = [ZoneFrom(100.0, TOKYO), ZoneFrom(200.0, APIA)]
    assert [local_clock(CLOCK, zones, at_s).zone for at_s in (0.0, 99.9, 100.0, 199.9, 200.0, 1e6)] == [
        *("UTC", "UTC", "Asia/Tokyo", "Asia/Tokyo", "Pacific/Apia", "Pacific/Apia"),
    ]


def test_the_moment_is_the_same_on_every_clock():
    there = local_clock(CLOCK, [ZoneFrom(0.0, TOKYO)], 0.0)
    assert there.start == CLOCK.start
    assert there.iso(3600.0, utc=True) == CLOCK.iso(3600.0)
    assert there.iso(3600.0) == "2026-03-01T10:00:00+09:00"


def test_without_a_clock_there_are_no_zones():
    clock = NightClock(None, 3600.0)
    assert local_clock(clock, [ZoneFrom(0.0, TOKYO)], 10.0) is clock
    assert clock.zone == ""
