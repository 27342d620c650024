"""Recordings of many days: calibration, wear, when somebody slept, and each night cut out to be staged."""

from staging.days.calibration import NO_ACCELERATION, Calibration, calibrate
from staging.days.diary import DiaryNight, DiaryPlace, diary_sleeps, diary_zones, nightly_lights, read_diary
from staging.days.nights import (
    Days,
    Sleep,
    cut,
    is_many_days,
    main_sleeps,
    night_date,
    night_window,
    survey,
)
from staging.days.periods import find_sleeps
from staging.days.stillness import stillness_of_angle, stillness_of_counts, stillness_of_heart
from staging.days.wear import worn_epochs
from staging.days.windows import Windows, short_windows
from staging.days.zones import ZoneFrom, local_clock

__all__ = [
    "NO_ACCELERATION",
    "Calibration",
    "Days",
    "DiaryNight",
    "DiaryPlace",
    "Sleep",
    "Windows",
    "ZoneFrom",
    "calibrate",
    "cut",
    "diary_sleeps",
    "diary_zones",
    "find_sleeps",
    "is_many_days",
    "local_clock",
    "main_sleeps",
    "night_date",
    "night_window",
    "nightly_lights",
    "read_diary",
    "short_windows",
    "stillness_of_angle",
    "stillness_of_counts",
    "stillness_of_heart",
    "survey",
    "worn_epochs",
]
