from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import staging
from staging.errors import FormatError, RecordingError
from tests.readers.conftest import START, acc_of_a_night, heart_of_a_night, staged, zip_of

G = 9.80665
CEST = timezone(timedelta(hours=2))


def table(header, *columns):
    """Columns of texts under a header."""
    return "\n".join([header, *(",".join(row) for row in zip(*columns, strict=True))]) + "\n"


def texts(values, digits=5):
    return [f"{value:.{digits}f}" for value in values]


def stamps(seconds, spell="%Y-%m-%d %H:%M:%S.%f %z"):
    return [datetime.fromtimestamp(START + second, CEST).strftime(spell) for second in seconds]


def ns(seconds, zero_s=START):
    return [str(int(zero_s) * 10**9 + round(second * 1e9)) for second in seconds]


def ms(seconds):
    return [str(START * 1000 + round(second * 1e3)) for second in seconds]


def sensor_log(seconds, acc):
    header = (
        "loggingTime(txt),loggingSample(N),locationLatitude(WGS84),accelerometerTimestamp_sinceReboot(s),"
        "accelerometerAccelerationX(G),accelerometerAccelerationY(G),accelerometerAccelerationZ(G),gyroRotationX(rad/s)"
    )
    n = len(seconds)
    before = [stamps(seconds), texts(np.arange(n), 0), ["null"] * n, texts(seconds + 5000)]
    return table(header, *before, *(texts(axis) for axis in acc.T), ["0.1"] * n)


def sensor_logger(seconds, values, header="time,seconds_elapsed,z,y,x"):
    return table(header, ns(seconds), texts(seconds, 6), *(texts(column) for column in values.T))


def phyphox(seconds, acc):
    header = ",".join(
        f'"{name}"' for name in ("Time (s)", *(f"Acceleration {axis} (m/s^2)" for axis in "xyz"), "Absolute (m/s^2)")
    )
    size = np.linalg.norm(acc * G, axis=1)
    return table(header, *([f"{v:.9E}" for v in column] for column in (seconds, *(acc * G).T, size)))


STILL = acc_of_a_night(0.1)
NIGHT = acc_of_a_night(0.25)


@settings(deadline=None, max_examples=25)
@given(
    name=st.sampled_from(["timestamp", "Time", "time_ns", "timestamp_ms", "timeMs", "unixTimestampInMs", "time(s)"]),
    axes=st.sampled_from(["x,y,z", "accX,accY,accZ", "ax,ay,az", "Accelerometer X,Accelerometer Y,Accelerometer Z"]),
    unit=st.sampled_from([("", 1.0), (" (m/s^2)", G), (" [mg]", 1000.0), ("(g)", 1.0)]),
    rate_hz=st.sampled_from([20.0, 31.25, 50.0, 62.5]),
)
def test_generic_tables_come_back_in_g(name, axes, unit, rate_hz, tmp_path_factory):
    per_s = {"ms": 1e3, "s)": 1.0}.get(name[-2:].lower(), 1e9)
    seconds = np.arange(400) / rate_hz
    acc = STILL[1][:400]
    header = ",".join([name, *(axis + unit[0] for axis in axes.split(","))])
    times = ns(seconds) if per_s == 1e9 else [f"{(START + second) * per_s:.6f}" for second in seconds]
    path = tmp_path_factory.mktemp("phone") / "log.csv"
    path.write_text(table(header, times, *(texts(axis * unit[1]) for axis in acc.T)))
    recording = staging.read(path)
    assert recording.start.timestamp() == START
    assert recording.acc.rate_hz == pytest.approx(rate_hz, rel=1e-4)
    np.testing.assert_allclose(recording.acc.samples, acc, atol=1e-4)
    assert recording.warnings == ()


@pytest.mark.parametrize("packed", [False, True])
def test_sensor_log_of_a_watch_is_staged(folder, tmp_path, packed):
    home = folder({"2024-02-01_22_10_Watch.csv": sensor_log(*NIGHT)})
    path = zip_of(home) if packed else home
    recording = staging.read(path)
    assert recording.device == "SensorLog"
    assert recording.start == datetime.fromtimestamp(START, UTC)
    assert recording.start.utcoffset() == timedelta(hours=2)
    assert recording.acc.rate_hz == pytest.approx(25, abs=1e-6)
    np.testing.assert_allclose(recording.acc.samples, NIGHT[1], atol=1e-4)
    assert recording.warnings == ()
    hypnogram = staged(path, tmp_path / "out")
    assert len(hypnogram) == 30
    assert np.mean(hypnogram.stages != "UNSCORED") > 0.9


def test_own_acceleration_and_gravity_of_an_apple_watch_are_added_up(folder):
    seconds, acc = STILL
    own = np.random.default_rng(1).normal(0, 0.01, acc.shape)
    axes = [f"motion{kind}{axis}(G)" for kind in ("UserAcceleration", "Gravity") for axis in "XYZ"]
    columns = [texts(column) for column in (*own.T, *(acc - own).T)]
    path = folder({"watch.csv": table(",".join(["loggingTime(txt)", *axes]), stamps(seconds), *columns)}) / "watch.csv"
    np.testing.assert_allclose(staging.read(path).acc.samples, acc, atol=1e-4)


def test_sensor_logger_with_a_heart_rate_is_staged(folder, tmp_path):
    seconds, acc = NIGHT
    beats, bpm = heart_of_a_night(0.25)
    home = folder(
        {
            "TotalAcceleration.csv": sensor_logger(seconds, acc[:, ::-1] * G),
            "Accelerometer.csv": sensor_logger(seconds, (acc[:, ::-1] - acc[:, ::-1].mean(axis=0)) * G),
            "AccelerometerUncalibrated.csv": sensor_logger(seconds, acc[:, ::-1]),
            "Gyroscope.csv": sensor_logger(seconds, acc * 0),
            "Gravity.csv": sensor_logger(seconds, acc * G),
            "HeartRate.csv": sensor_logger(beats, bpm[:, None], "time,seconds_elapsed,bpm"),
            "Metadata.csv": "version,device name\n3,iPhone\n",
        }
    )
    recording = staging.read(home)
    assert recording.device == "Sensor Logger"
    np.testing.assert_allclose(recording.acc.samples, acc, atol=1e-4)
    np.testing.assert_array_equal(recording.hr.values, bpm)
    np.testing.assert_allclose(recording.hr.times_s, beats, atol=1e-6)
    assert recording.warnings == ("not read: Accelerometer.csv, AccelerometerUncalibrated.csv",)
    hypnogram = staged(home, tmp_path / "out")
    assert np.mean(hypnogram.coverage["heart"]) > 0.99


@pytest.mark.parametrize("unit", [1.0, G])
def test_the_wrist_is_read_before_the_phone(folder, unit):
    seconds, acc = STILL
    header = "time,seconds_elapsed,rotationRateX,rotationRateY,rotationRateZ," + ",".join(
        f"{kind}{axis}" for kind in ("gravity", "acceleration") for axis in "XYZ"
    )
    values = np.column_stack([np.ones_like(acc), acc * unit, np.zeros_like(acc)])
    files = {"TotalAcceleration.csv": sensor_logger(seconds, acc[:, ::-1] * 2 * G)}
    recording = staging.read(folder(files | {"WristMotion.csv": sensor_logger(seconds, values, header)}))
    np.testing.assert_allclose(recording.acc.samples, acc, atol=1e-4)
    assert recording.warnings[-1] == "not read: TotalAcceleration.csv"
    assert len(recording.warnings) == 1 + (unit != 1)


@pytest.mark.parametrize("has_clock", [False, True])
def test_phyphox_counts_from_its_start_which_it_writes_beside(folder, has_clock):
    seconds, acc = STILL
    files = {"Accelerometer.csv": phyphox(seconds, acc)}
    if has_clock:
        head = '"event","experiment time","system time","system time text"'
        rows = [f'"START",0.0,{START}.25,"2023-11-14 23:13:20.250 UTC+01:00"', '"PAUSE",999.0,1700000999.25,"x"']
        files["meta/time.csv"] = "\n".join([head, *rows]) + "\n"
    recording = staging.read(folder(files))
    np.testing.assert_allclose(recording.acc.samples, acc, atol=1e-4)
    assert (recording.start is None) == (not has_clock)
    if has_clock:
        assert recording.start.timestamp() + recording.acc.start_s == pytest.approx(START + 0.25, abs=1e-3)


def test_a_pause_of_phyphox_is_a_gap(folder):
    seconds, acc = STILL
    head = '"event","experiment time","system time","system time text"'
    events = [("START", 0, 0), ("PAUSE", 100, 100), ("START", 100, 160), ("PAUSE", 360, 420)]
    rows = "\n".join([head, *(f'"{name}",{at}.0,{START + clock}.0,"x"' for name, at, clock in events)])
    acc_g = staging.read(folder({"Raw Data.csv": phyphox(seconds, acc), "meta/time.csv": rows})).acc
    lost = np.isnan(acc_g.samples[:, 0])
    assert lost.sum() / acc_g.rate_hz == pytest.approx(60, abs=0.1)
    assert np.flatnonzero(lost)[0] / acc_g.rate_hz == pytest.approx(100, abs=0.1)


def test_stamps_without_a_zone_are_taken_as_utc_and_said(folder):
    seconds, acc = STILL
    text = table("time,x,y,z,note", stamps(seconds, "%Y-%m-%dT%H:%M:%S.%f"), *map(texts, acc.T), ["-"] * len(acc))
    recording = staging.read(folder({"acc.csv": text}) / "acc.csv")
    assert recording.start.isoformat() == "2023-11-15T00:13:20+00:00"
    assert recording.warnings == ("acc.csv has no time zone; its start 2023-11-15 00:13:20 is taken as UTC",)


def test_nanoseconds_since_the_watch_was_started_know_no_clock(folder):
    seconds, acc = STILL
    times = [str(round((1500 + second) * 1e9)) for second in seconds]
    path = folder({"wear.csv": table("timestamp,x,y,z", times, *(texts(axis * G) for axis in acc.T))}) / "wear.csv"
    recording = staging.read(path)
    assert recording.start is None
    assert recording.acc.rate_hz == pytest.approx(25, abs=1e-6)
    (warning,) = recording.warnings
    assert warning.startswith("wear.csv: acc has a median of 9.8")
    assert warning.endswith("taken for m/s², which the file does not say")


def test_a_heart_rate_that_is_repeated_with_every_sample_is_taken_once_a_second(folder):
    seconds, acc = STILL
    bpm = 60 + np.floor(seconds / 5) % 7
    text = table("time_ms,x (g),y (g),z (g),heart_rate", ms(seconds), *map(texts, acc.T), texts(bpm, 0))
    hr = staging.read(folder({"watch_acc.csv": text})).hr
    assert np.diff(hr.times_s).tolist() == [1.0] * (len(hr.times_s) - 1)
    np.testing.assert_array_equal(hr.values, 60 + np.floor(hr.times_s / 5) % 7)


@pytest.mark.parametrize("column", ["heart_rate", "HR [bpm]", "Heart Rate (bpm)", "bpm", "beatsPerMinute"])
def test_a_heart_rate_of_wear_os_in_milliseconds(folder, tmp_path, column):
    seconds, bpm = heart_of_a_night(0.25)
    text = table(f"timestamp,{column},accuracy", ms(seconds), texts(bpm, 0), ["3"] * len(bpm))
    path = folder({"hr_log.csv": text}) / "hr_log.csv"
    recording = staging.read(path)
    np.testing.assert_array_equal(recording.hr.values, bpm)
    np.testing.assert_array_equal(recording.hr.times_s, seconds)
    if column == "bpm":
        assert len(staged(path, tmp_path / "out")) == 30


def test_what_has_no_clock_cannot_stand_beside_what_has_one(folder):
    seconds, acc = STILL
    heart = table("seconds_elapsed,bpm", texts(seconds[::50], 2), texts(seconds[::50] * 0 + 60, 0))
    recording = staging.read(folder({"Accelerometer.csv": sensor_logger(seconds, acc * G), "HeartRate.csv": heart}))
    assert list(recording.channels()) == ["acc"]
    assert "HeartRate.csv has no clock, unlike the others, and was left out" in recording.warnings


def test_two_recordings_in_one_folder_are_refused(folder):
    text = sensor_log(*STILL)
    with pytest.raises(FormatError, match=r"2 tables of acceleration \(left\.csv, right\.csv\); give one of them"):
        staging.read(folder({"left.csv": text, "right.csv": text}))


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("Gyroscope.csv", "time,seconds_elapsed,z,y,x"),
        ("Gravity.csv", "time,seconds_elapsed,z,y,x"),
        ("gyro.csv", "timestamp,gyro_x,gyro_y,gyro_z"),
        ("route.csv", "timestamp,lat,lon,alt"),
        ("acc.csv", "t_s,x_g,y_g,z_g"),
    ],
)
def test_other_sensors_and_plain_tables_are_not_taken_for_an_app(tmp_path, name, header):
    from staging.readers import phone
    from staging.readers.source import open_source

    path = tmp_path / name
    path.write_text(table(header, *[["1700000000"] * 3] * len(header.split(","))))
    assert not phone.sniff(open_source(path))
    assert not phone.sniff(open_source(tmp_path))


def test_a_table_that_was_cut_short_loses_its_last_row(folder):
    text = sensor_log(*STILL)
    path = folder({"watch.csv": text[:-40]}) / "watch.csv"
    recording = staging.read(path)
    assert len(recording.acc.samples) == len(STILL[0]) - 1
    assert recording.warnings == ("watch.csv: the last row was cut short and left out",)


def test_rows_without_values_are_nan_and_times_that_go_back_are_said(folder):
    seconds, acc = STILL
    columns = [texts(axis) for axis in acc.T]
    columns[1][100:150] = ["nan"] * 50
    times = ns(seconds)
    times[3000] = times[10]
    path = folder({"log.csv": table("time,x(g),y(g),z(g)", times, *columns)}) / "log.csv"
    recording = staging.read(path)
    assert np.isnan(recording.acc.samples[100:150, 1]).all()
    assert any("go back in time" in warning for warning in recording.warnings)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("timestamp,x,y,z\n", FormatError, "has a header and no rows"),
        ("timestamp,x,y,z\n1700000000000,0,one,1\n1700000000020,0,0,1\n", FormatError, "line 2 is not 4 numbers"),
        ("timestamp,x,y,z\n1700000000000,0\n1700000000020,0,0,1\n", FormatError, "its first row is shorter"),
        ("timestamp,x,y,z\n1700000000000,0,0,30\n1700000000020,0,0,30\n", RecordingError, "acc has a median of 30 g"),
        ("timestamp,x,y,z\n1700000000000,0,0,1\n", RecordingError, "fewer than two samples"),
        ("timestamp,x,y,z\nsoon,0,0,1\nlater,0,0,1\n", FormatError, "is no ISO 8601 time"),
    ],
)
def test_a_damaged_table_is_refused_in_one_line(folder, text, error, message):
    path = folder({"watch.csv": text}) / "watch.csv"
    with pytest.raises(error, match=message) as caught:
        staging.read(path)
    assert "\n" not in str(caught.value)
    assert "watch.csv" in str(caught.value)


def test_bytes_that_are_no_text_in_a_field_are_refused(tmp_path):
    path = tmp_path / "watch.csv"
    path.write_bytes(b"timestamp,x,y,z\n1700000000000,0,\xff\xfe,1\n1700000000020,0,0,1\n")
    with pytest.raises(FormatError, match="line 2 is not 4 numbers"):
        staging.read(path)


def test_a_log_without_a_row_of_time_is_refused_in_one_line(folder):
    text = (
        "loggingTime(txt),accelerometerAccelerationX(G),accelerometerAccelerationY(G),accelerometerAccelerationZ(G)\n"
    )
    with pytest.raises((FormatError, RecordingError)) as caught:
        staging.read(folder({"watch.csv": text + "2024-02-01 22:10:00.000 +0100"}))
    assert "\n" not in str(caught.value)
