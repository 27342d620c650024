"""Files that somebody damaged on purpose, or a program by mistake: each is read or refused in one line.

What reading the readers with an attacker's eyes showed: numbers, times and lists where none of their kind can be.
"""

from __future__ import annotations

import json
import sys
import zipfile

import numpy as np
import pytest

import staging
from staging.errors import FormatError, StagingError
from staging.readers.tables import Table
from tests.readers.conftest import zip_of

DIGITS = "9" * (sys.get_int_max_str_digits() + 1)
"""More than Python makes an integer of."""

HR = "t_s,bpm\n0,60\n5,61\n10,60\n"
TIME = "time,bpm,ibi_s\n2026-03-01T22:00:00Z,{0},0.9\n2026-03-01T22:00:01Z,{0},0.9\n"
FITBIT = {"dateTime": "03/01/24 22:10:05", "value": {"bpm": 60, "confidence": 2}}
POLAR = {"date": "2024-03-01", "deviceId": "x"}
RECORD = (
    '<Record type="HKQuantityTypeIdentifierHeartRate" sourceName="W" unit="count/min" startDate="{0}" endDate="{0}" '
    'value="60"/>'
)
SIGNAL = ".dat 16 200 12 0 5 99 0 PLETH\n"


def refusal(path, **options) -> str:
    with pytest.raises(StagingError) as caught:
        staging.read(path, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def written(folder, files):
    home = folder / "night"
    home.mkdir()
    for name, text in files.items():
        (home / name).write_text(text, encoding="utf-8")
    return home


REFUSED = {
    "a list for a heart rate": (
        "heart_rate-2024-03-01.json",
        json.dumps([FITBIT | {"value": {"bpm": [60, 61], "confidence": 2}}] * 3),
        "entry 1 is no heart rate",
    ),
    "a list for a confidence": (
        "heart_rate-2024-03-01.json",
        json.dumps([FITBIT | {"value": {"bpm": 60, "confidence": [2]}}]),
        "entry 1 is no heart rate",
    ),
    "a list for each heart rate of a Polar": (
        "247ohr_1.json",
        json.dumps({"deviceDays": [POLAR | {"samples": [{"heartRate": [6], "secondsFromDayStart": [1]}] * 3}]}),
        "day 1 is not as Polar writes it",
    ),
    "a heart rate of before 1970": (
        "export.xml",
        f"<HealthData>{RECORD.format('0001-01-01 00:00:00 +1000')}</HealthData>",
        "has no startDate",
    ),
    "a heart rate of the last of years": (
        "export.xml",
        f"<HealthData>{RECORD.format('9999-12-31 23:59:59 -1000')}</HealthData>",
        "has no startDate",
    ),
    "a stamp that was cut short in the only row": (
        "240301_garmin-device-bbi.csv",
        "timezoneOffsetInMs,unixTimestampInMs,bbi\n0,2024-03-01T22:1,1000",
        "has no whole row",
    ),
    "a frame number of thousands of digits": ("a.hea", f"a/1 1 125 100\nb {DIGITS}\n", "is no segment and its length"),
    "times that hardly differ": (
        "S001_whole_df.csv",
        "TIMESTAMP,BVP,ACC_X,ACC_Y,ACC_Z,TEMP,EDA,HR,IBI,Sleep_Stage\n"
        + "".join(f"{i * 5e-324},1,1,1,64,33,0,60,,W\n" for i in range(50)),
        "",
    ),
}


@pytest.mark.parametrize("attack", REFUSED)
def test_what_no_device_writes_is_refused_in_one_line(attack, tmp_path):
    name, text, words = REFUSED[attack]
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert words in refusal(tmp_path / name)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("lights_off = " + "9" * 400, "is no time"),
        (f"lights_off = {DIGITS}", "is not TOML"),
        ("lights_off = 1e300", "is no time"),
        ("lights_on = -inf", "is no time"),
    ],
)
def test_lights_of_no_time_are_refused(said, words, tmp_path):
    home = written(tmp_path, {"hr.csv": HR, "recording.toml": said})
    assert words in refusal(home)


@pytest.mark.parametrize("start", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00+10:00"])
def test_a_start_at_an_end_of_the_calendar_is_taken_for_none(start, tmp_path):
    """Any other zone, or the night's length, would lead beyond it."""
    recording = staging.read(written(tmp_path, {"hr.csv": HR, "recording.toml": f"start = {start}"}))
    assert recording.start is None
    assert any("clock times are unknown" in warning for warning in recording.warnings)


@pytest.mark.parametrize(("header", "has_heart"), [("ts,bpm,t_s", True), ("time_ms,x,bpm,t_s", False)])
def test_a_header_that_is_longer_than_its_rows_is_read_as_far_as_they_go(header, has_heart, tmp_path):
    (tmp_path / "a.csv").write_text(f"{header}\n1,60\n2,61\n", encoding="utf-8")
    if has_heart:
        assert staging.read(tmp_path / "a.csv").hr.values.tolist() == [60, 61]
    else:
        assert "shorter than its header" in refusal(tmp_path / "a.csv")


def test_a_channel_without_any_value_does_not_keep_the_others_from_being_read(tmp_path):
    (tmp_path / "a.csv").write_text(TIME.format(""), encoding="utf-8")
    recording = staging.read(tmp_path / "a.csv")
    assert list(recording.channels()) == ["ibi"]
    assert "hr holds no values and was left out" in recording.warnings


def test_an_acceleration_without_any_value_does_not_keep_the_others_from_being_read(tmp_path):
    text = "time,x_g,y_g,z_g,bpm\n2026-03-01T22:00:00Z,,,,60\n2026-03-01T22:00:01Z,,,,61\n"
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    assert list(staging.read(tmp_path / "a.csv").channels()) == ["hr"]


@pytest.mark.parametrize("time", ["1e300", "-1e300", "inf", "nan"])
def test_a_time_beyond_all_unix_seconds_is_that_of_a_row_without_one(time, tmp_path):
    (tmp_path / "hr.csv").write_text(f"t_s,bpm\n1700000000,60\n1700000001,61\n{time},62\n1700000002,63\n", "utf-8")
    recording = staging.read(tmp_path / "hr.csv")
    assert recording.start.timestamp() == 1_700_000_000
    assert recording.hr.times_s.tolist() == [0.0, 1.0, 2.0]


@pytest.mark.parametrize("offset_ms", ["86399999.9999", "-86399999.9999", "1e300", "nan"])
def test_an_offset_that_no_zone_has_is_utc(offset_ms, tmp_path):
    rows = "".join(f"{offset_ms},{1_700_000_000_000 + 1000 * i},1000\n" for i in range(5))
    (tmp_path / "240301_garmin-device-bbi.csv").write_text("timezoneOffsetInMs,unixTimestampInMs,bbi\n" + rows, "utf-8")
    assert staging.read(tmp_path / "240301_garmin-device-bbi.csv").start.utcoffset().total_seconds() == 0


def test_times_of_which_one_alone_can_be_read_are_refused_without_a_warning(tmp_path):
    rows = "".join(f"{time}e18000,{second},66\n" for second, time in enumerate(range(1700000000, 1700000010)))
    home = written(tmp_path, {"HeartRate.csv": "time,seconds_elapsed,bpm\n" + rows.replace("e18000", "000000000", 1)})
    assert "ends before second 0" in refusal(home / "HeartRate.csv")


@pytest.mark.parametrize("blank", ["\x1c", "\x1f", "\x85", "\xa0"])
def test_a_table_of_blanks_that_only_numpy_takes_for_blank_is_refused(blank, tmp_path):
    (tmp_path / "labels.txt").write_bytes(3 * blank.encode("latin-1") + b"\n")
    table = Table.parse((tmp_path / "labels.txt").read_bytes(), "labels.txt")
    assert table.numbers([0, 1])[0].shape == (0, 2)


def test_segments_of_more_frames_than_a_float_can_count_are_refused(tmp_path):
    home = written(tmp_path, {"a.hea": f"a/2 1 125 100\nb {'9' * 400}\nb 10\n", "b.hea": f"b 1 125 100\nb{SIGNAL}"})
    (home / "b.dat").write_bytes(bytes(1000))
    assert "is no segment" in refusal(home)


def test_a_frame_count_of_thousands_of_digits_is_that_of_a_header_that_states_none(tmp_path):
    home = written(tmp_path, {"a.hea": f"a 1 125 {DIGITS}\na{SIGNAL}"})
    (home / "a.dat").write_bytes(np.arange(500, dtype="<i2").tobytes())
    assert len(staging.read(home).ppg.samples) == 500


def test_names_of_thousands_of_letters_do_not_make_a_message_of_as_many(tmp_path):
    with zipfile.ZipFile(tmp_path / "night.zip", "w") as archive:
        name = f"240301_garmin-device-bbi{'n' * 60_000}.csv"
        archive.writestr(name, "timezoneOffsetInMs,unixTimestampInMs,bbi\n0,x,y\n")
    assert len(refusal(tmp_path / "night.zip")) < 900


def test_every_format_refuses_the_files_of_every_other_in_one_line(tmp_path):
    """Whoever names the wrong format learns it; the files are those of `small_files`, one a format."""
    from tests.readers.small_files import SMALL_FILES

    for name, variants in SMALL_FILES.items():
        home = tmp_path / name
        files = next(iter(variants.values()))()
        for file, content in files.items():
            (home / file).parent.mkdir(parents=True, exist_ok=True)
            (home / file).write_bytes(content)
        for other in SMALL_FILES:
            if other != name:
                try:
                    staging.read(home if len(files) > 1 else home / next(iter(files)), format=other)
                except StagingError as error:
                    assert "\n" not in str(error)  # noqa: PT017 - some formats can be read by several readers
    assert len(SMALL_FILES) > 15


def test_a_zip_of_a_hostile_file_is_refused_as_the_file_is(tmp_path):
    home = written(tmp_path, {"hr.csv": HR, "recording.toml": f"lights_off = {DIGITS}"})
    with pytest.raises(FormatError, match="is not TOML"):
        staging.read(zip_of(home))
