from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import staging
from staging.errors import FormatError, RecordingError
from staging.readers.plain_schema import PLAIN_TABLES
from tests.readers.conftest import zip_of

RATE_HZ = {"acc": 25.0, "ppg": 50.0, "temp": 4.0, "ibi": 1.0, "hr": 0.2, "counts": 1 / 15}
MIDDLE = {"acc": [0.0, 0.6, 0.8], "ppg": [0.0], "temp": [33.0], "ibi": [1.0], "hr": [60.0], "counts": [30.0]}
CET = timezone(timedelta(hours=1))


def values(channel, n):
    wave = 0.1 * np.sin(np.arange(n) / 3)
    return np.asarray(MIDDLE[channel]) * (1 + wave[:, None]) + (wave[:, None] if channel == "ppg" else 0)


def table(channel, begin_s=0.0, seconds=90.0, stamp=lambda t: f"{t:.6f}", time_column="t_s"):
    layout = next(layout for layout in PLAIN_TABLES if layout.channel == channel)
    n = int(seconds * RATE_HZ[channel])
    times = begin_s + np.arange(n) / RATE_HZ[channel]
    lines = [",".join([time_column, *layout.columns])]
    for time, row in zip(times, values(channel, n), strict=True):
        lines.append(",".join([stamp(time), *(f"{value:.6f}" for value in row)]))
    return "\n".join(lines) + "\n"


def iso(start):
    return lambda time: (start + timedelta(seconds=time)).isoformat()


def night(channels=RATE_HZ, **options):
    return {f"{channel}.csv": table(channel, **options) for channel in channels}


@pytest.mark.parametrize("packed", [False, True])
def test_all_tables_are_read_at_their_measured_rates(folder, packed):
    home = folder(night())
    recording = staging.read(zip_of(home) if packed else home)
    assert list(recording.channels()) == list(RATE_HZ)
    for channel in ("acc", "ppg", "temp"):
        signal = recording.channels()[channel]
        assert signal.rate_hz == pytest.approx(RATE_HZ[channel], rel=1e-6)
        np.testing.assert_allclose(
            signal.samples.reshape(len(signal.samples), -1), values(channel, len(signal.samples)), atol=1e-5
        )
    for channel in ("ibi", "hr", "counts"):
        events = recording.channels()[channel]
        np.testing.assert_allclose(np.diff(events.times_s), 1 / RATE_HZ[channel])
    assert recording.start is None
    assert recording.warnings == ()


@pytest.mark.parametrize("channel", RATE_HZ)
@pytest.mark.parametrize("name", ["own", "other"])
def test_one_table_alone_is_known_by_its_name_or_its_header(folder, channel, name):
    file = f"{channel}.csv" if name == "own" else "export-17.txt"
    assert list(staging.read(folder({file: table(channel)}) / file).channels()) == [channel]


@settings(deadline=None, max_examples=10)
@given(begin_s=st.floats(-200, 5000))
def test_second_zero_is_zero_of_t_s_whatever_the_first_sample(begin_s, tmp_path_factory):
    home = tmp_path_factory.mktemp("night")
    (home / "ppg.csv").write_text(table("ppg", begin_s=begin_s, seconds=300))
    assert staging.read(home).ppg.start_s == pytest.approx(begin_s, abs=1e-5)


def test_columns_are_found_by_name_in_any_order_and_case_among_others(folder):
    text = "Z_g,note,X_G,t_s,y_g\n" + "".join(f"0.8,7,0.1,{i / 10:.1f},0.6\n" for i in range(50))
    acc = staging.read(folder({"acc.csv": text})).acc
    np.testing.assert_allclose(acc.samples[0], [0.1, 0.6, 0.8])


def test_without_a_header_columns_are_in_the_published_order(folder):
    text = table("acc").partition("\n")[2]
    acc = staging.read(folder({"acc.csv": text})).acc
    np.testing.assert_allclose(acc.samples, values("acc", len(acc.samples)), atol=1e-5)


def test_time_stamps_with_a_zone_give_the_start(folder):
    begin = datetime(2026, 3, 28, 22, 41, 5, 250_000, CET)
    files = night(["ppg", "temp"], stamp=iso(begin), time_column="time")
    files["temp.csv"] = table("temp", begin_s=2, stamp=iso(begin))
    recording = staging.read(folder(files))
    assert recording.start == begin
    assert recording.start.utcoffset() == timedelta(hours=1)
    assert recording.ppg.start_s == pytest.approx(0, abs=1e-4)
    assert recording.temp.start_s == pytest.approx(2, abs=1e-4)


def test_a_given_start_is_second_zero_and_samples_may_stand_before_it(folder):
    begin = datetime(2026, 3, 28, 22, 0, 0, tzinfo=CET)
    files = night(["ppg"], stamp=iso(begin), seconds=120) | {"hr.csv": table("hr")}
    recording = staging.read(folder(files | {"recording.toml": "start = 2026-03-28T21:01:00Z"}))
    assert recording.ppg.start_s == pytest.approx(-60, abs=1e-4)
    assert recording.hr.times_s[0] == 0
    assert recording.start == datetime(2026, 3, 28, 21, 1, tzinfo=UTC)


def test_unix_seconds_are_time_stamps_of_utc(folder):
    recording = staging.read(folder(night(["ppg"], begin_s=1_774_734_065.0)))
    assert recording.start == datetime(2026, 3, 28, 21, 41, 5, tzinfo=UTC)
    assert recording.ppg.start_s == pytest.approx(0, abs=1e-4)
    assert recording.ppg.rate_hz == pytest.approx(50)


def test_stamps_without_a_zone_are_in_that_of_the_start(folder):
    files = night(["ppg"], stamp=iso(datetime(2026, 3, 28, 22, 0, 0)))
    with pytest.raises(
        FormatError, match=r"ppg\.csv: its time stamps have no zone; add one, as \+01:00, or write start"
    ):
        staging.read(folder(files))
    recording = staging.read(folder(files | {"recording.toml": "start = 2026-03-28T22:00:00+01:00"}))
    assert recording.ppg.start_s == pytest.approx(0, abs=1e-4)


def test_seconds_beside_time_stamps_need_a_start(folder):
    files = night(["ppg"], stamp=iso(datetime(2026, 3, 28, 22, tzinfo=UTC))) | {"hr.csv": table("hr")}
    with pytest.raises(
        FormatError, match=r"hr\.csv: counts seconds where other files have time stamps; say in recording"
    ):
        staging.read(folder(files))


@pytest.mark.parametrize(
    "lights",
    [
        "lights_off = 600\nlights_on = 28_800.5",
        "lights_off = 2026-03-28T22:10:00+01:00\nlights_on = 2026-03-29T07:00:00.5+02:00",
        "lights_off = '2026-03-28T22:10:00'\nlights_on = 2026-03-29T06:00:00.5",
    ],
)
def test_lights_are_seconds_or_times(folder, lights):
    about = f"start = 2026-03-28T22:00:00+01:00\n{lights}\ndevice = 'ring'\nsubject = 7\n"
    recording = staging.read(folder(night(["hr"]) | {"recording.toml": about}))
    assert (recording.lights_off_s, recording.lights_on_s) == (600, 28_800.5)
    assert (recording.device, recording.subject) == ("ring", "7")
    assert recording.warnings == ()


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ("start = 2026-03-28T22:00:00", "start: 2026-03-28T22:00:00 has no zone; add one"),
        ("start = 22:00:00", "start: 22:00:00 is not a time with its date"),
        ("start = 'yesterday'", "start: yesterday is not a time"),
        ("start = 2026-03-28", "start: 2026-03-28 is not a time with its date"),
        ("lights_off = 2026-03-28T22:00:00Z", "lights_off: a clock time without a start; add start, or give seconds"),
        ("lights_off = true", "lights_off: True is not a time"),
        ("lights_on = nan", "lights_on: nan is no time"),
        ("lights_off = 100\nlights_on = 100", "lights_on does not follow lights_off"),
        ("start 2026", "is not TOML"),
    ],
)
def test_a_wrong_recording_toml_is_named(folder, about, message):
    with pytest.raises(FormatError, match=rf"night/recording\.toml: {message}") as caught:
        staging.read(folder(night(["hr"]) | {"recording.toml": about}))
    assert "\n" not in str(caught.value)


def test_a_misspelt_key_is_reported(folder):
    (warning,) = staging.read(folder(night(["hr"]) | {"recording.toml": "light_off = 60"})).warnings
    assert warning.startswith("recording.toml: light_off means nothing; known are start, lights_off")


@pytest.mark.parametrize(
    ("file", "text", "kind", "message"),
    [
        ("acc.csv", "time,a,b,c\n0,1,2,3\n", FormatError, "its columns are time, a, b, c; name them t_s,x_g,y_g,z_g"),
        ("ppg.csv", "1,2,3\n2,3,4\n", FormatError, "its columns are 1, 2, 3; name them t_s,ppg"),
        ("ppg.csv", "t_s,ppg\n", FormatError, "has a header and no rows"),
        ("acc.csv", "t_s,x_g,y_g,z_g\n0,1,2", FormatError, "its first row is shorter than its header"),
        ("hr.csv", "time,bpm\n2026-03-28T22:41:05Z,6x", FormatError, "has no whole row"),
        ("ppg.csv", "", FormatError, "the file is empty"),
        ("ppg.csv", "t_s,ppg\n0,1\n0.1,x\n0.2,3\n", FormatError, "line 3 is not 2 numbers"),
        ("ppg.csv", "t_s,ppg\n0,1\n", RecordingError, "fewer than two samples"),
        ("ppg.csv", "t_s,ppg\n1774734065000,1\n1774734065020,2\n", FormatError, "is not in seconds; give Unix seconds"),
        ("hr.csv", "time,bpm\n28.03.26 22:00,60\n", FormatError, "no ISO 8601 time"),
        ("ppg.csv", "t_s,ppg\n\0\0\1,2", FormatError, "is not a text file"),
    ],
)
def test_a_wrong_table_is_named_with_the_mend(folder, file, text, kind, message):
    with pytest.raises(kind, match=rf"night/{file}: .*{message}") as caught:
        staging.read(folder({file: text}))
    assert "\n" not in str(caught.value)


def test_counts_of_a_minute_are_refused(folder):
    text = "t_s,counts\n" + "".join(f"{60 * i},{i}\n" for i in range(100))
    with pytest.raises(RecordingError, match=r"bins of 60 s, not 15 s"):
        staging.read(folder({"counts.csv": text}))


def test_a_gap_and_a_clock_set_back_are_reported_with_their_times(folder):
    lines = table("ppg", seconds=120).split("\n")
    del lines[1000:1500]
    (warning,) = staging.read(folder({"ppg.csv": "\n".join(lines)})).warnings
    assert warning == "ppg.csv: 1 gap of 10.0 s in all, from 20.0 s"
    lines[800:801] = lines[600:800]
    warnings = staging.read(folder({"ppg.csv": "\n".join(lines)})).warnings
    assert warnings[0].startswith("ppg.csv: 199 rows go back in time (first to 12.0 s): 0 put in order, 199 left out")
    assert warnings[1] == "ppg.csv: 1 repeated time left out (first at 16.0 s)"


def test_a_last_row_cut_behind_its_stamp_is_left_out(folder):
    text = table("acc", stamp=iso(datetime(2026, 3, 28, 22, tzinfo=UTC))).rstrip("\n")
    recording = staging.read(folder({"acc.csv": text.rpartition(",")[0].rpartition(",")[0]}))
    assert recording.warnings == ("acc.csv: the last row was cut short and left out",)
    assert len(recording.acc.samples) == 90 * 25 - 1


def test_a_real_file_in_milli_g_is_told_from_g(shared_data):
    with pytest.raises(RecordingError, match=r"acc has a median of 103.*: that is mg, not g; divide by 1000"):
        staging.read(shared_data / "device_files" / "garmin" / "acc.csv", format="plain")


def test_one_table_with_the_columns_of_several_gives_them_all(folder):
    rows = "".join(f"{i / 64},{i % 7},{33.5 if i % 16 == 0 else ''},{61 if i % 320 == 0 else ''}\n" for i in range(640))
    path = folder({"night.csv": "t_s,ppg,temp_c,bpm\n" + rows}) / "night.csv"
    recording = staging.read(path)
    assert list(recording.channels()) == ["ppg", "temp", "hr"]
    assert (recording.ppg.rate_hz, recording.temp.rate_hz) == (64, 4)
    assert recording.hr.times_s.tolist() == [0, 5]
    assert recording.warnings == ()


def test_a_table_given_alone_says_what_lies_beside_it(folder):
    home = folder({"ppg.csv": table("ppg"), "acc.csv": table("acc"), "recording.toml": ""})
    (warning,) = staging.read(home / "ppg.csv").warnings
    assert warning == "read alone, without acc.csv beside it: give the folder to have them in one recording"


def test_a_description_of_a_thousand_levels_is_refused(folder):
    files = night(["hr"]) | {"recording.toml": "subject = " + "[" * 5000 + "]" * 5000}
    with pytest.raises(FormatError, match=r"recording\.toml: is not TOML"):
        staging.read(folder(files))
