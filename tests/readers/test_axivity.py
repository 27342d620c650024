from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import staging
from staging.cli import main
from staging.errors import FormatError
from staging.scorings import read_csv
from tests.readers.axivity_files import (
    AX3,
    AX6,
    CAPACITY,
    PACKED,
    UNPACKED,
    WITH_GYROSCOPE,
    blocks,
    cwa,
    header,
    with_checksums,
)
from tests.readers.conftest import zip_of
from tests.readers.hostile import assert_read_or_refused

START = dt.datetime(2026, 3, 28, 22, 41, 5, 250_000)
KINDS = (PACKED, UNPACKED, WITH_GYROSCOPE)
STEP_G = {PACKED: 2 / 256, UNPACKED: 1 / 2048, WITH_GYROSCOPE: 1 / 2048}


def wrist(n, seed=0):
    rng = np.random.default_rng(seed)
    return np.array([0.1, -0.6, 0.8]) + 0.2 * np.sin(np.arange(n) / 300)[:, None] + rng.normal(0, 0.02, (n, 3))


@pytest.fixture
def written(tmp_path):
    def write(content, name="CWA-DATA.CWA"):
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return write


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fractions", [True, False])
def test_acceleration_temperature_rate_and_start(written, kind, fractions):
    g = wrist(60 * 240)
    recording = staging.read(written(cwa(g, start=START, kind=kind, fractions=fractions)))
    assert list(recording.channels()) == ["acc", "temp"]
    assert recording.acc.rate_hz == pytest.approx(100, rel=1e-4)
    assert abs(len(recording.acc.samples) - len(g)) <= 1
    n = 1000  # before a clock of whole seconds can have put a sample aside
    np.testing.assert_allclose(recording.acc.samples[:n], g[:n], atol=STEP_G[kind] / 2 + 1e-6)
    assert abs((recording.start - START.replace(tzinfo=dt.UTC)).total_seconds()) < 0.01
    np.testing.assert_allclose(recording.temp.samples, 263 * 75 / 256 - 50, rtol=1e-6)
    assert len(recording.temp.samples) == pytest.approx(144, abs=1)
    assert recording.warnings == ("the file has no time zone; its start 2026-03-28 22:41:05 is taken as UTC",)


@pytest.mark.parametrize(("exponent", "value"), [(0, -512), (0, 511), (1, 511), (2, -511), (3, 511), (3, -512)])
def test_packed_values_have_ten_bits_and_an_exponent(written, exponent, value):
    made = blocks(wrist(2400), start=START)
    word = (value & 0x3FF) | ((-value - 1) & 0x3FF) << 10 | 5 << 20 | exponent << 30
    made["samples"][7] = np.full(120, word, np.uint32).tobytes()
    acc = staging.read(written(header() + with_checksums(made).tobytes())).acc
    expected = np.array([value, -value - 1, 5]) * 2.0**exponent / 256
    np.testing.assert_array_equal(acc.samples[7 * 120 : 8 * 120], np.tile(expected, (120, 1)))


@pytest.mark.parametrize("scale", range(8))
def test_unpacked_values_are_in_the_unit_of_their_block(written, scale):
    made = blocks(wrist(2400), start=START, kind=UNPACKED)
    made["light_and_scale"] = scale << 13 | 0x1FFF
    made["samples"] = np.tile(np.array([2 ** (7 + scale), -(2 ** (7 + scale)), 2**scale], "<i2"), 80).tobytes()
    acc = staging.read(written(header() + with_checksums(made).tobytes())).acc
    np.testing.assert_array_equal(acc.samples, np.tile([0.5, -0.5, 1 / 256], (2400, 1)))


def test_the_gyroscope_is_not_read_and_the_device_is_named(written):
    path = written(cwa(wrist(4000), start=START, kind=WITH_GYROSCOPE, hardware=AX6, annotations="_c=X&_sc=S%2007"))
    recording = staging.read(path)
    assert (recording.device, recording.subject) == ("Axivity AX6", "S 07")
    assert np.abs(recording.acc.samples).max() < 2
    assert staging.read(written(cwa(wrist(240), start=START, hardware=AX3))).device == "Axivity AX3"


@settings(deadline=None, max_examples=25)
@given(
    kind=st.sampled_from(KINDS),
    damaged=st.sets(st.integers(0, 99), max_size=6),
    lost=st.sets(st.integers(1, 98), max_size=6),
    true_hz=st.floats(97, 103),
)
def test_damaged_and_lost_blocks_are_gaps_and_the_rest_stays_in_its_place(
    kind, damaged, lost, true_hz, tmp_path_factory
):
    path = tmp_path_factory.mktemp("cwa") / "night.cwa"
    capacity = CAPACITY[kind]
    ramp = np.arange(100 * capacity) / (100 * capacity)  # tells which sample it is
    g = np.column_stack([ramp, 0 * ramp, 0 * ramp + 0.9])
    path.write_bytes(cwa(g, start=START, kind=kind, true_hz=true_hz, damaged=damaged, lost=lost))
    recording = staging.read(path)
    there = np.isfinite(recording.acc.samples[:, 0])
    seconds = (recording.start - START.replace(tzinfo=dt.UTC)).total_seconds() + recording.acc.times_s()[there]
    told = recording.acc.samples[there, 0] * len(ramp) / true_hz
    step = STEP_G[kind] * len(ramp) / true_hz
    assert np.max(np.abs(told - seconds)) < 0.03 + step
    gone = damaged | lost
    assert abs(np.count_nonzero(there) - (100 - len(gone)) * capacity) <= 2 * len(gone) + 3
    assert sum("left out: damaged" in warning for warning in recording.warnings) == bool(damaged - lost)
    assert np.isfinite(recording.temp.samples).any()


def test_blocks_that_go_back_in_time_and_of_other_settings_are_left_out(written):
    made = blocks(wrist(120 * 40), start=START)
    made["stamp"][20] = made["stamp"][3]
    made["rate_code"][30] = 75
    recording = staging.read(written(header() + with_checksums(made).tobytes()))
    assert recording.warnings[:2] == (
        "1 block left out: of other settings than most",
        "1 block left out: back in time",
    )
    assert np.isnan(recording.acc.samples[20 * 120 + 5 : 21 * 120 - 5]).all()


def test_a_block_without_a_time_is_damaged(written):
    made = blocks(wrist(120 * 40), start=START)
    made["stamp"][5] = 0
    made["stamp"][6] |= 63
    recording = staging.read(written(header() + with_checksums(made).tobytes()))
    assert recording.warnings[0] == "2 blocks left out: damaged"


def test_unwritten_memory_behind_the_blocks_is_no_damage(written):
    content = cwa(wrist(1200), start=START) + b"\xff" * 5120 + bytes(1024) + b"AX"
    recording = staging.read(written(content))
    assert len(recording.warnings) == 1
    assert len(recording.acc.samples) == 1200


def test_a_temperature_of_zero_is_none(written):
    made = blocks(wrist(120 * 40), start=START)
    made["temperature"][10:20] = 0
    temp = staging.read(written(header() + with_checksums(made).tobytes())).temp
    assert np.isnan(temp.samples[13:23]).all()
    assert np.isfinite(temp.samples[:12]).all()


def test_a_folder_and_a_zip_with_one_file_are_read_and_with_two_refused(written, tmp_path):
    content = cwa(wrist(1200), start=START)
    home = tmp_path / "night"
    home.mkdir()
    (home / "a.cwa").write_bytes(content)
    one, other = staging.read(home), staging.read(zip_of(home))
    np.testing.assert_array_equal(one.acc.samples, other.acc.samples)
    (home / "b.cwa").write_bytes(content)
    with pytest.raises(FormatError, match=r"holds 2 Axivity \.cwa files \(a\.cwa, b\.cwa\); give one"):
        staging.read(home, format="axivity")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (header(), "holds no block that can be read; copy the file from the device again"),
        (header()[:600], "holds no block that can be read"),
        (header() + cwa(wrist(120), start=START)[1024:1500], "holds no block that can be read"),
    ],
)
def test_a_file_without_blocks_is_refused(written, content, message):
    with pytest.raises(FormatError, match=rf"CWA-DATA\.CWA: {message}") as caught:
        staging.read(written(content))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("code", "axes"), [(0, 0x30), (74, 0x31), (74, 0x60), (74, 0x42)])
def test_settings_that_are_not_known_are_refused(written, code, axes):
    made = blocks(wrist(1200), start=START)
    made["rate_code"], made["axes_and_packing"] = code, axes
    with pytest.raises(FormatError, match="are not known; convert the file with the manufacturer's software"):
        staging.read(written(header() + with_checksums(made).tobytes()))


@settings(deadline=None, max_examples=100)
@given(data=st.data())
def test_any_damage_gives_a_recording_or_one_clear_error(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("cwa") / "night.cwa"
    made = blocks(wrist(120 * 6), start=START)
    heads = made.view(np.uint8).reshape(len(made), -1)
    for _ in range(data.draw(st.integers(1, 5))):
        heads[data.draw(st.integers(0, 5)), data.draw(st.integers(0, 40))] = data.draw(st.integers(0, 255))
    content = header() + (with_checksums(made) if data.draw(st.booleans()) else made).tobytes()
    path.write_bytes(content[: data.draw(st.integers(1, len(content)))])
    assert_read_or_refused(path)


@pytest.mark.parametrize(("name", "reference"), [("ax3_sample", "ax3_data"), ("ax6_sample", "ax6_data")])
def test_real_files_give_the_reference_values_in_their_order(shared_data, name, reference):
    folder = shared_data / "device_files" / "skdh"
    acc = staging.read(folder / f"{name}.cwa").acc
    expected = np.load(folder / f"{reference}.npz")["accel"]
    # The sensor's clock drifts: samples are put aside now and then, up to 17 in all. Every sample is the device's own,
    # and nearly everywhere 200 in a row follow each other as they do in the file.
    shifts = np.arange(-20, 21)
    places = (np.arange(len(acc.samples))[:, None] + shifts).clip(0, len(expected) - 1)
    equal = np.abs(expected[places] - acc.samples[:, None]).max(axis=2) < 1e-3
    assert equal.any(axis=1).all()
    whole = [equal[begin : begin + 200].all(axis=0).any() for begin in range(0, len(equal), 200)]
    assert np.mean(whole) > 0.85
    assert abs(len(acc.samples) - len(expected)) <= 2


def test_real_times_are_those_of_the_device(shared_data):
    folder = shared_data / "device_files" / "skdh"
    recording = staging.read(folder / "ax3_sample.cwa")
    first_s = np.load(folder / "ax3_data.npz")["time"][0]
    assert recording.start.timestamp() == pytest.approx(first_s, abs=0.05)


def test_a_real_file_with_corrupt_blocks_is_the_whole_one_with_gaps(shared_data):
    folder = shared_data / "device_files" / "ggirread"
    whole = staging.read(folder / "ax3_testfile.cwa")
    corrupt = staging.read(folder / "ax3_testfile_corrupt_blocks_0_13_14_142_143_144.cwa")
    assert "6 blocks left out: damaged" in corrupt.warnings
    assert np.count_nonzero(np.isnan(corrupt.acc.samples[:, 0])) == pytest.approx(240, abs=2)
    begin = int(np.flatnonzero(np.isnan(corrupt.acc.samples[:, 0]))[0])
    np.testing.assert_array_equal(corrupt.acc.samples[:begin], whole.acc.samples[120 : 120 + begin])
    assert (corrupt.start - whole.start).total_seconds() == pytest.approx(120 / whole.acc.rate_hz, abs=0.01)


def test_the_zone_in_which_the_device_was_set_may_be_said(written, tmp_path, capsys):
    """The device's clock does not jump: what it calls 03:09 after the change of clocks is 04:09 in Berlin."""
    night = dt.datetime(2026, 3, 29, 1, 30, 30)
    n = 100 * 60 * 25
    path = written(cwa(wrist(n), start=night, stated_hz=25.0, true_hz=25.0))
    recording = staging.read(path)
    assert recording.wall_clock
    there = recording.in_zone(ZoneInfo("Europe/Berlin"))
    assert abs((there.start - dt.datetime(2026, 3, 29, 0, 30, 30, tzinfo=dt.UTC)).total_seconds()) < 0.1
    assert main(["score", str(path), "--timezone", "Europe/Berlin", "--out", str(tmp_path / "out")]) == 0
    shown = capsys.readouterr().out
    assert "2026-03-29 01:30" in shown
    assert "04:09 (Europe/Berlin)" in shown
    assert "taken as UTC" not in shown
    assert "taken to run on" in shown
    hypnogram = read_csv(tmp_path / "out" / "CWA-DATA.hypnogram.csv")
    assert hypnogram.start.astimezone(dt.UTC).strftime("%H:%M") == "00:30"
