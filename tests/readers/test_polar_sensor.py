from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import staging
from staging.errors import FormatError, InputError, RecordingError
from staging.readers import polar_sensor
from staging.readers.source import open_source
from tests.readers.conftest import acc_of_a_night, heart_of_a_night, staged, zip_of

EVENING = datetime(2024, 3, 1, 22, 10, 5)
SENSOR_NS = 762_559_805_000_000_000  # 2000-01-01 to that evening, on a clock of its own
PPI = "Phone timestamp;PP-interval [ms];error estimate [ms];blocker;contact;contact;hr [bpm]"
PPI_2 = "Phone timestamp;sensor timestamp [ns];HR [bpm];PP-interval [ms];error estimate [ms];blocker;" + (
    "skin contact;skin contact supported"
)


def stamp(second):
    return f"{(EVENING + timedelta(seconds=float(second))).isoformat(timespec='milliseconds')}"


def rows(header, seconds, *columns, end="\n"):
    lines = (";".join([stamp(second), *map(str, row)]) for second, *row in zip(seconds, *columns, strict=True))
    return header + end + "".join(line + end for line in lines)


def acc_text(seconds, acc, *, batch=1, header="Phone timestamp;sensor timestamp [ns];X [mg];Y [mg];Z [mg]"):
    """Samples that reach the phone in batches, with the stamp of the last."""
    received = seconds[np.minimum(np.arange(len(seconds)) // batch * batch + batch - 1, len(seconds) - 1)]
    return rows(header, received, SENSOR_NS + np.rint(seconds * 1e9).astype(np.int64), *np.rint(acc * 1000).T)


def beats(hours, seed=0):
    seconds, bpm = heart_of_a_night(hours, step_s=1.0, seed=seed)
    intervals = []
    at_s = 0.0
    while at_s < seconds[-1]:
        intervals.append(round(60_000 / bpm[int(at_s)]))
        at_s += intervals[-1] / 1000
    return np.cumsum(intervals) / 1000, np.array(intervals)


def rr_text(hours=0.5):
    ends, intervals = beats(hours)
    return rows("Phone timestamp;RR-interval [ms]", ends + 0.1, intervals)


STILL = acc_of_a_night(0.1, rate_hz=52.0)


@settings(deadline=None, max_examples=20)
@given(
    batch=st.integers(1, 70),
    end=st.sampled_from(["\n", "\r\n"]),
    tail=st.sampled_from(["", ";", " "]),
    rate_hz=st.sampled_from([25.0, 52.0, 200.0]),
)
def test_acceleration_stands_at_the_sensors_stamps_on_the_phones_clock(batch, end, tail, rate_hz, tmp_path_factory):
    acc = STILL[1][:1500]
    seconds = np.arange(len(acc)) / rate_hz
    header = "Phone timestamp;sensor timestamp [ns];X [mg];Y [mg];Z [mg]" + tail
    path = tmp_path_factory.mktemp("polar") / "ACC.txt"
    path.write_bytes(acc_text(seconds, acc, batch=batch, header=header).replace("\n", end).encode())
    recording = staging.read(path)
    assert recording.acc.rate_hz == pytest.approx(rate_hz, rel=1e-6)
    np.testing.assert_allclose(recording.acc.samples, acc, atol=6e-4)
    begin = recording.start.replace(tzinfo=None) + timedelta(seconds=recording.acc.start_s)
    assert abs((begin - EVENING).total_seconds()) < (batch + 1) / rate_hz


@pytest.mark.parametrize("packed", [False, True])
def test_a_night_of_a_strap_is_staged(folder, tmp_path, packed):
    name = "Polar_H10_12345678_20240301_221005"
    seconds, acc = acc_of_a_night(0.25)
    home = folder(
        {
            f"{name}_ACC.txt": acc_text(seconds, acc),
            f"{name}_RR.txt": rr_text(0.25),
            f"{name}_HR.txt": rows("Phone timestamp;HR [bpm];HRV [ms];Breathing interval [rpm];", range(60), [61] * 60),
            f"{name}_ECG.txt": "Phone timestamp;sensor timestamp [ns];timestamp [ms];ecg [uV]\n"
            + stamp(0)
            + ";1;0;5\n",
            "MARKER_20240301_221005.txt": f"Phone timestamp;Marker start/stop\n{stamp(0)};START\n",
        }
    )
    path = zip_of(home) if packed else home
    recording = staging.read(path)
    assert recording.device == "Polar H10 12345678"
    assert list(recording.channels()) == ["acc", "ibi", "hr"]
    assert recording.start == datetime(2024, 3, 1, 22, 10, 5, tzinfo=UTC)
    assert recording.hr.values.tolist() == [61.0] * 60
    (warning,) = recording.warnings
    assert warning.endswith("has no time zone; its start 2024-03-01 22:10:05 is taken as UTC")
    hypnogram = staged(path, tmp_path / "out")
    assert len(hypnogram) == 30
    assert np.mean(hypnogram.coverage["heart"]) > 0.9


def test_beats_follow_each_other_by_their_intervals_whatever_the_packets(folder):
    ends, intervals = beats(0.5)
    packet = ends[np.minimum(np.arange(len(ends)) // 6 * 6 + 5, len(ends) - 1)]
    text = rows("Phone timestamp;RR-interval [ms]", packet + 0.3, intervals)
    ibi = staging.read(folder({"Polar_H10_A_RR.txt": text})).ibi
    np.testing.assert_allclose(ibi.values, intervals / 1000)
    np.testing.assert_allclose(np.diff(ibi.times_s), np.diff(ends), atol=2e-3)


@pytest.mark.parametrize("header", [PPI, PPI_2])
def test_pulse_intervals_of_either_order_of_columns(folder, header):
    ends, intervals = beats(0.1)
    n = len(ends)
    moved, off = np.arange(n) % 50 == 7, np.arange(n) % 50 == 9
    blocker, contact, supported = moved.astype(int), 1 - off.astype(int), np.ones(n, dtype=int)
    error, rate, sensor = np.full(n, 12), np.zeros(n, dtype=int), np.zeros(n, dtype=int)
    columns = (
        [intervals, error, blocker, contact, supported, rate]
        if header == PPI
        else [sensor, rate, intervals, error, blocker, contact, supported]
    )
    ibi = staging.read(folder({"Polar_Sense_A_PPI.txt": rows(header, ends, *columns)})).ibi
    np.testing.assert_array_equal(np.isnan(ibi.values), moved | off)
    np.testing.assert_allclose(ibi.values[~(moved | off)], intervals[~(moved | off)] / 1000)
    np.testing.assert_allclose(ibi.times_s - ibi.times_s[0], ends - ends[0], atol=2e-3)


def test_a_sensor_that_cannot_tell_contact_is_believed(folder):
    ends, intervals = beats(0.05)
    zeros = np.zeros(len(ends), dtype=int)
    ibi = staging.read(folder({"PPI.txt": rows(PPI, ends, intervals, zeros, zeros, zeros, zeros, zeros)})).ibi
    assert np.isfinite(ibi.values).all()


def test_ppg_is_the_mean_of_its_channels(folder):
    seconds = np.arange(55 * 60) / 55
    pulse = 5000 * np.sin(2 * np.pi * seconds)
    channels = [np.rint(base + pulse).astype(int) for base in (400_000, 300_000, 200_000)]
    sensor = SENSOR_NS + np.rint(seconds * 1e9).astype(np.int64)
    text = rows(
        "Phone timestamp;sensor timestamp [ns];channel 0;channel 1;channel 2;ambient",
        *(seconds, sensor, *channels, np.full(len(seconds), -7)),
    )
    ppg = staging.read(folder({"Polar_OH1_A_PPG.txt": text})).ppg
    assert ppg.rate_hz == pytest.approx(55, rel=1e-6)
    np.testing.assert_allclose(ppg.samples, 300_000 + pulse, atol=1)


def test_a_sensor_whose_clock_jumps_is_timed_by_the_phone(folder):
    seconds, acc = STILL
    sensor = SENSOR_NS + np.rint(seconds * 1e9).astype(np.int64)
    sensor[len(sensor) // 2 :] = np.arange(len(sensor) - len(sensor) // 2)
    header = "Phone timestamp;sensor timestamp [ns];X [mg];Y [mg];Z [mg]"
    recording = staging.read(folder({"ACC.txt": rows(header, seconds, sensor, *np.rint(acc * 1000).T)}))
    assert recording.acc.rate_hz == pytest.approx(52, rel=1e-4)
    assert len(recording.acc.samples) == len(seconds)


def test_files_of_one_device_are_parts_of_one_recording(folder):
    seconds, acc = STILL
    half = len(seconds) // 2
    files = {
        "Polar_Sense_A_20240301_221500_ACC.txt": acc_text(seconds[half:] + 60, acc[half:]),
        "Polar_Sense_A_20240301_221005_ACC.txt": acc_text(seconds[:half], acc[:half]),
    }
    recording = staging.read(folder(files))
    assert np.isnan(recording.acc.samples[:, 0]).sum() / 52 == pytest.approx(60, abs=0.1)
    assert any("1 gap of 60.0 s" in warning for warning in recording.warnings)


def test_of_two_devices_one_is_read_or_the_one_that_is_asked_for(folder):
    home = folder(
        {
            "Polar_H10_20123456_20240301_221005_RR.txt": rr_text(0.2),
            "Polar_Sense_B_20240301_221005_ACC.txt": acc_text(*STILL),
            "Polar_Sense_B_20240301_221005_HR.txt": rows("Phone timestamp;HR [bpm];", range(60), [60] * 60),
        }
    )
    recording = staging.read(home)
    assert recording.device == "Polar Sense B"
    assert recording.warnings[0] == "recorded by Polar_Sense_B; left out: Polar_H10_20123456"
    assert list(staging.read(home, recorder="h10").channels()) == ["ibi"]
    assert staging.read(home, recorder="Polar Sense").device == "Polar Sense B"
    for name in ("OH1", "Polar"):
        with pytest.raises(
            InputError, match=r"recorders of the name .*; recorders are Polar_H10_20123456, Polar_Sense"
        ):
            staging.read(home, recorder=name)


def test_a_file_given_alone_says_what_lies_beside_it(folder):
    name = "Polar_H10_A_20240301_221005"
    others = {"Polar_Sense_B_20240301_221005_ACC.txt": acc_text(*STILL), "notes.txt": "slept well"}
    home = folder({f"{name}_RR.txt": rr_text(0.1), f"{name}_ACC.txt": acc_text(*STILL)} | others)
    warnings = staging.read(home / f"{name}_RR.txt").warnings
    assert (
        warnings[-1] == f"read alone, without {name}_ACC.txt beside it: give the folder to have them in one recording"
    )
    assert not any("beside" in warning for warning in staging.read(home, recorder="H10").warnings)


def test_ecg_alone_cannot_be_read(folder):
    text = "Phone timestamp;sensor timestamp [ns];timestamp [ms];ecg [uV]\n" + f"{stamp(0)};1;0;5\n" * 3
    home = folder({"Polar_H10_A_20240301_221005_ECG.txt": text})
    assert not polar_sensor.sniff(open_source(home))
    with pytest.raises(FormatError, match="holds no stream of Polar Sensor Logger"):
        staging.read(home, format="polar_sensor")


def test_a_file_that_was_cut_short_loses_its_last_row(folder):
    recording = staging.read(folder({"Polar_H10_A_RR.txt": rr_text(0.1)[:-15]}))
    assert len(recording.ibi.values) == len(beats(0.1)[0]) - 1
    assert "Polar_H10_A_RR.txt: the last row was cut short and left out" in recording.warnings


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("Phone timestamp;RR-interval [ms]\n", FormatError, "has a header and no rows"),
        (f"Phone timestamp;RR-interval [ms]\n{stamp(0)}\n", FormatError, "its first row is shorter"),
        (
            f"Phone timestamp;RR-interval [ms]\n{stamp(0)};long\n{stamp(1)};900\n",
            FormatError,
            "line 2 is not 2 numbers",
        ),
        (f"Phone timestamp;RR-interval [ms]\nnow;900\n{stamp(1)};900\n", FormatError, "is no ISO 8601 time"),
        (f"Phone timestamp;RR-interval [ms]\n{stamp(0)};0\n{stamp(1)};0\n", RecordingError, "ibi holds no values"),
        (f"Phone timestamp;RR-interval [ms]\n{stamp(0)};nan\n{stamp(1)};nan\n", RecordingError, "ibi holds no values"),
    ],
)
def test_a_damaged_file_is_refused_in_one_line(folder, text, error, message):
    with pytest.raises(error, match=message) as caught:
        staging.read(folder({"Polar_H10_A_RR.txt": text}))
    assert "\n" not in str(caught.value)


def test_bytes_that_are_no_text_are_refused(tmp_path):
    path = tmp_path / "RR.txt"
    path.write_bytes(f"Phone timestamp;RR-interval [ms]\n{stamp(0)};".encode() + b"\xff\xfe\n" + b"x;1\n")
    with pytest.raises(FormatError, match=r"RR\.txt"):
        staging.read(path)


def test_stamps_that_go_back_are_said(folder):
    text = rows("Phone timestamp;HR [bpm];", [0, 1, 2, 1.5, 3, 4], [60, 61, 62, 63, 64, 65])
    recording = staging.read(folder({"HR.txt": text}))
    assert recording.hr.values.tolist() == [60, 61, 63, 62, 64, 65]
    assert "HR.txt: 1 times go back (first at 1.5 s); put in order" in recording.warnings
