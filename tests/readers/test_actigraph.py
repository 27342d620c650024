from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import staging
from staging.errors import FormatError
from tests.readers.actigraph_files import (
    EVENT,
    METADATA,
    PACKED,
    PARAMETERS,
    PLAIN,
    gt3x,
    info,
    packed,
    parameters,
    plain,
    record,
    ticks,
    with_log,
)
from tests.readers.conftest import zip_of
from tests.readers.hostile import assert_read_or_refused

RATE = 30
START = dt.datetime(2026, 3, 28, 22, 41, 5)
ZERO = int(START.replace(tzinfo=dt.UTC).timestamp())
EST = dt.timezone(dt.timedelta(hours=-5))
WRITERS = {PLAIN: plain, PACKED: packed}


def wrist(seconds, rate=RATE, scale=256, seed=0):
    """Whole units of a wrist, a second a row."""
    rng = np.random.default_rng(seed)
    g = np.array([0.1, -0.6, 0.8]) + 0.2 * np.sin(np.arange(seconds * rate) / 100)[:, None]
    return np.rint((g + rng.normal(0, 0.02, g.shape)) * scale).astype(np.int64).reshape(seconds, rate, 3)


def activity(units, kind=PLAIN, skip=()):
    return [record(kind, ZERO + s, WRITERS[kind](each)) for s, each in enumerate(units) if s not in skip]


@pytest.fixture
def written(tmp_path):
    def write(content, name="night.gt3x"):
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return write


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("rate", [30, 40, 50, 60, 70, 80, 90, 100])
def test_records_of_both_kinds_at_every_rate(written, kind, rate):
    units = wrist(40, rate)
    recording = staging.read(written(with_log(activity(units, kind), **{"Sample Rate": str(rate)})))
    np.testing.assert_array_equal(recording.acc.samples, (units.reshape(-1, 3) / 256).astype(np.float32))
    assert recording.acc.rate_hz == rate
    assert recording.start == START.replace(tzinfo=EST)
    assert recording.start.utcoffset() == dt.timedelta(hours=-5)
    assert (recording.device, recording.subject) == ("ActiGraph wGT3XBT", "S07")
    assert recording.warnings == ()


def test_twelve_bits_are_y_x_z_from_the_highest_bit_with_a_sign(written):
    # y 0x001, x 0x7FF, z 0x800 | y 0xFFF, x 0x0A5, z 0x100: two samples in nine bytes
    payload = bytes.fromhex("0017ff800fff0a5100") * 15
    acc = staging.read(written(with_log([record(PACKED, ZERO, payload)], **{"Acceleration Scale": "2000"}))).acc
    np.testing.assert_allclose(acc.samples[:2] * 2000, [[2047, 1, -2048], [165, -1, 256]], rtol=1e-6)


def test_an_odd_number_of_packed_samples_leaves_half_a_byte(written):
    units = wrist(10, 31)
    recording = staging.read(written(with_log(activity(units, PACKED), **{"Sample Rate": "31"})))
    np.testing.assert_array_equal(recording.acc.samples, (units.reshape(-1, 3) / 256).astype(np.float32))


@pytest.mark.parametrize(
    ("changes", "before", "scale"),
    [
        ({}, [], 256),
        ({"Acceleration Scale": "341.0"}, [], 341),
        ({"Acceleration Scale": "341.0"}, [record(PARAMETERS, ZERO, parameters(256.0))], 256),
        ({"Acceleration Scale": None}, [record(PARAMETERS, ZERO, parameters(341.0))], 341),
        ({"Acceleration Scale": None}, [], 256),
        ({"Acceleration Scale": None, "Serial Number": "NEO1B00000001"}, [], 341),
        ({"Acceleration Scale": None, "Serial Number": "cle2B00000001"}, [], 341),
    ],
)
def test_the_scale_is_that_of_the_parameters_the_info_or_the_serial_number(written, changes, before, scale):
    units = wrist(3, scale=scale)
    recording = staging.read(written(with_log([*before, *activity(units)], **changes)))
    np.testing.assert_allclose(recording.acc.samples, units.reshape(-1, 3) / scale, rtol=1e-6)


def test_without_a_zone_the_start_is_taken_as_utc(written):
    recording = staging.read(written(with_log(activity(wrist(3)), TimeZone=None)))
    assert recording.start == START.replace(tzinfo=dt.UTC)
    assert recording.warnings == ("the file has no time zone; its start 2026-03-28 22:41:05 is taken as UTC",)


@pytest.mark.parametrize(
    ("zone", "hours"), [("00:00:00", 0), ("+05:30:00", 5.5), ("-09:30:00", -9.5), ("10:00:00", 10)]
)
def test_zones(written, zone, hours):
    start = staging.read(written(with_log(activity(wrist(3)), TimeZone=zone))).start
    assert start.utcoffset() == dt.timedelta(hours=hours)
    assert start.replace(tzinfo=None) == START


@settings(deadline=None, max_examples=30)
@given(
    lost=st.sets(st.integers(1, 38), max_size=10),
    damaged=st.sets(st.integers(1, 38), max_size=5),
    kind=st.sampled_from([PLAIN, PACKED]),
)
def test_missing_and_damaged_seconds_are_gaps(lost, damaged, kind, tmp_path_factory):
    path = tmp_path_factory.mktemp("gt3x") / "night.gt3x"
    units = wrist(40)
    records = activity(units, kind)
    for second in damaged:
        content = bytearray(records[second])
        content[20] ^= 0x40
        records[second] = bytes(content)
    path.write_bytes(with_log([each for second, each in enumerate(records) if second not in lost]))
    recording = staging.read(path)
    missing = np.isin(np.arange(40), sorted(lost | damaged))
    np.testing.assert_array_equal(np.isnan(recording.acc.samples[:, 0]), np.repeat(missing, RATE))
    there = np.repeat(~missing, RATE)
    np.testing.assert_array_equal(recording.acc.samples[there], (units.reshape(-1, 3)[there] / 256).astype(np.float32))
    assert ("damaged records left out" in recording.warnings) == bool(damaged - lost)
    assert any(" gap" in warning for warning in recording.warnings) == bool(missing.any())


@pytest.mark.parametrize("late_s", [0, 1, 3])
def test_idle_sleep_mode_holds_the_last_value_and_other_gaps_do_not(written, late_s):
    units = wrist(60)
    asleep, lost = range(20, 35), range(40, 45)
    records = activity(units, skip=[*asleep, *lost])
    records[20:20] = [record(EVENT, ZERO + 19 + late_s, b"\x08"), record(EVENT, ZERO + 35, b"\x09")]
    recording = staging.read(written(with_log(records)))
    seconds = recording.acc.samples.reshape(60, RATE, 3)
    np.testing.assert_array_equal(seconds[20:35], np.broadcast_to(units[19, -1] / np.float32(256), (15, RATE, 3)))
    assert np.isnan(seconds[40:45]).all()
    assert np.isfinite(np.delete(seconds, list(lost), axis=0)).all()
    assert recording.warnings == (
        "the device was in idle sleep mode once, 0.2 min in all: taken for still",
        "log.bin: 1 gap of 5.0 s in all, from 40.0 s",
    )


def test_idle_sleep_at_the_end_adds_nothing(written):
    records = [*activity(wrist(20)), record(EVENT, ZERO + 20, b"\x08"), record(METADATA, ZERO + 9000, b"{}")]
    recording = staging.read(written(with_log(records)))
    assert len(recording.acc.samples) == 20 * RATE
    assert recording.warnings == ()


def test_records_of_other_kinds_zeros_between_records_and_a_plug_are_no_samples(written):
    units = wrist(5)
    records = [record(METADATA, ZERO - 900, b'{"JSON": "\x1e\x00"}'), *activity(units), record(PLAIN, ZERO + 5, b"\0")]
    records.insert(3, bytes(7))
    recording = staging.read(written(with_log(records)))
    assert len(recording.acc.samples) == 5 * RATE
    assert recording.warnings == ()


def test_a_damaged_size_costs_no_more_than_its_record(written):
    units = wrist(30)
    records = activity(units)
    records[9] = records[9][:6] + b"\xff\x7f" + records[9][8:]
    recording = staging.read(written(with_log(records)))
    missing = np.isnan(recording.acc.samples[:, 0]).reshape(30, RATE)
    assert missing[9].all()
    assert np.count_nonzero(missing) == RATE
    assert recording.warnings[0] == "damaged records left out"


def test_a_log_cut_short_is_read_as_far_as_it_goes(written):
    log = b"".join(activity(wrist(30)))[:-50]
    recording = staging.read(written(gt3x({"info.txt": info({}), "log.bin": log})))
    assert len(recording.acc.samples) == 29 * RATE
    assert recording.warnings == ("damaged records left out",)


def test_a_clock_set_back_is_left_out(written):
    records = activity(wrist(30))
    records[10] = record(PLAIN, ZERO + 2, plain(wrist(1)[0]))
    assert "1 second left out: back in time, or twice" in staging.read(written(with_log(records))).warnings


def test_the_old_stream_starts_when_the_info_says_and_has_no_gaps(written):
    units = wrist(50, scale=341)
    fields = {"Serial Number": "NEO1C00000001", "Acceleration Scale": None, "Start Date": str(ticks(START))}
    content = gt3x({"info.txt": info(fields), "activity.bin": packed(units.reshape(-1, 3)), "lux.bin": bytes(100)})
    recording = staging.read(written(content))
    np.testing.assert_allclose(recording.acc.samples, units.reshape(-1, 3) / 341, rtol=1e-6)
    assert recording.start == START.replace(tzinfo=EST)


def test_values_that_are_not_calibrated_are_said_to_be(written):
    files = {"info.txt": info({}), "log.bin": b"".join(activity(wrist(3)))}
    for calibration, warns in ((b'{"isCalibrated": false}', 1), (b'{"isCalibrated": true}', 0), (b"[", 0)):
        recording = staging.read(written(gt3x({**files, "calibration.json": calibration})))
        assert len(recording.warnings) == warns


def test_a_folder_with_one_file_is_read_and_a_zip_of_it_is_to_be_unpacked(written, tmp_path):
    home = tmp_path / "night"
    home.mkdir()
    content = with_log(activity(wrist(3)))
    (home / "a.gt3x").write_bytes(content)
    assert len(staging.read(home).acc.samples) == 3 * RATE
    with pytest.raises(FormatError, match=r"the \.gt3x is packed into another zip; unpack it"):
        staging.read(zip_of(home))
    (home / "b.gt3x").write_bytes(content)
    with pytest.raises(FormatError, match=r"holds 2 \.gt3x files \(a\.gt3x, b\.gt3x\); give one"):
        staging.read(home)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (with_log([]), r"log\.bin: the file is empty"),
        (with_log([bytes(5000)]), r"log\.bin: holds no record"),
        (with_log([record(METADATA, ZERO, b"{}")]), r"log\.bin: holds no acceleration; export raw data"),
        (with_log([record(PLAIN, ZERO, b"\0")]), r"log\.bin: holds no acceleration"),
        (with_log(activity(wrist(3)), **{"Sample Rate": "fast"}), r"its info\.txt states the sample rate fast"),
        (with_log(activity(wrist(3)), **{"Sample Rate": None}), r"its info\.txt states the sample rate nowhere"),
        (with_log(activity(wrist(3)), **{"Acceleration Scale": "0"}), "states the acceleration scale 0"),
        (
            with_log(activity(wrist(3)), **{"Acceleration Scale": None, "Serial Number": "XYZ1"}),
            r"neither a scale nor a known serial number \(XYZ1\) tells the unit",
        ),
        (
            with_log([record(PARAMETERS, ZERO, parameters(1e9)), *activity(wrist(3))]),
            r"a scale of 1e\+09 units in one g",
        ),
        (with_log(activity(wrist(3))[::-1] * 30), "most of its blocks go back in time"),
        (with_log([record(PLAIN, ZERO + s * 9_000_000, plain(wrist(1)[0])) for s in range(3)]), "span 208.3 days"),
        (gt3x({"info.txt": info({}), "activity.bin": b"\0\0"}), "states the start date nowhere"),
        (
            gt3x({"info.txt": info({"Start Date": str(ticks(START))}), "activity.bin": b"\0\0"}),
            "holds no acceleration; export raw data",
        ),
    ],
)
def test_what_cannot_be_right_is_refused_in_one_line(written, content, message):
    with pytest.raises(FormatError, match=message) as caught:
        staging.read(written(content))
    assert "night.gt3x" in str(caught.value)


def test_a_log_of_separators_is_refused_soon(written):
    log = (b"\x1e\x00" + b"\1" * 5) * 200_000
    with pytest.raises(FormatError, match="is damaged throughout"):
        staging.read(written(gt3x({"info.txt": info({}), "log.bin": log})))


@settings(deadline=None, max_examples=100)
@given(data=st.data())
def test_any_damage_gives_a_recording_or_one_clear_error(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("gt3x") / "night.gt3x"
    log = bytearray(b"".join([record(PARAMETERS, ZERO, parameters(256.0)), *activity(wrist(4), PACKED)]))
    text = bytearray(info({}))
    for content in (log, text):
        for _ in range(data.draw(st.integers(0, 3))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    kept = data.draw(st.integers(0, len(log)))
    path.write_bytes(gt3x({"info.txt": bytes(text), "log.bin": bytes(log[:kept])}))
    assert_read_or_refused(path)


def test_a_real_file_gives_the_manufacturers_own_values(shared_data):
    folder = shared_data / "device_files" / "pygt3x"
    acc = staging.read(folder / "neo.gt3x").acc
    expected = np.loadtxt(folder / "neo.csv", delimiter=",", skiprows=11)
    np.testing.assert_allclose(acc.samples, expected, atol=1e-3)


@pytest.mark.parametrize(
    ("name", "seconds", "asleep", "device"),
    [
        ("pygt3x/ISM_Disabled", 300, None, "Link"),
        ("pygt3x/ISM_Enabled", 179, "2 times, 1.8 min", "Link"),
        ("pygt3x/small", 48927, "492 times, 365.3 min", "Link"),
        ("wristpy/example_actigraph", 81, None, "wGT3XBT"),
        ("wristpy/example_actigraph_idle_sleep_mode", 153, "once, 0.4 min", "wGT3XBT"),
    ],
)
def test_real_files_are_read_whole(shared_data, name, seconds, asleep, device):
    recording = staging.read(shared_data / "device_files" / f"{name}.gt3x")
    assert recording.acc.duration_s == seconds
    assert np.isfinite(recording.acc.samples).all()
    expected = f"the device was in idle sleep mode {asleep} in all: taken for still"
    assert recording.warnings == ((expected,) if asleep else ())
    assert recording.device == f"ActiGraph {device}"
    size_g = np.linalg.norm(recording.acc.samples, axis=1)
    assert np.median(size_g) == pytest.approx(1, abs=0.08)
