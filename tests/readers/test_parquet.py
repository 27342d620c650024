from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import staging
from staging.errors import FormatError
from tests.readers.conftest import acc_of_a_night, heart_of_a_night, staged, zip_of
from tests.readers.hostile import assert_read_or_refused

REASON = 'the extra parquet is not installed: pip install "staging[parquet]"'
pa = pytest.importorskip("pyarrow", reason=REASON)
parquet = pytest.importorskip("pyarrow.parquet", reason=REASON)

START = datetime(2026, 3, 28, 21, 41, 5, tzinfo=UTC)


def acc_table(hours=0.25, times=None):
    seconds, acc = acc_of_a_night(hours)
    return pa.table({"t_s": seconds if times is None else times} | dict(zip(("x_g", "y_g", "z_g"), acc.T, strict=True)))


def heart_table(hours=0.25):
    beats, bpm = heart_of_a_night(hours)
    return pa.table({"t_s": beats, "bpm": bpm.astype(np.int16)})


def stamps(seconds, unit, zone):
    per_s = {"s": 1, "ms": 1000, "us": 10**6, "ns": 10**9}[unit]
    ticks = (int(START.timestamp()) * per_s + np.rint(np.asarray(seconds) * per_s)).astype(np.int64)
    return pa.array(ticks).cast(pa.timestamp(unit, tz=zone))


@pytest.mark.parametrize("packed", [False, True])
def test_a_folder_of_parquet_and_text_is_staged(folder, tmp_path, packed):
    beats, bpm = heart_of_a_night(0.25)
    rows = "".join(f"{second},{rate}\n" for second, rate in zip(beats, bpm, strict=True))
    home = folder({"hr.csv": "t_s,bpm\n" + rows, "recording.toml": f"start = {START.isoformat()}"})
    parquet.write_table(acc_table(), home / "acc.parquet")
    path = zip_of(home) if packed else home
    recording = staging.read(path)
    assert list(recording.channels()) == ["acc", "hr"]
    assert recording.start == START
    assert recording.acc.rate_hz == pytest.approx(25)
    np.testing.assert_allclose(recording.acc.samples, acc_of_a_night(0.25)[1], atol=1e-6)
    assert recording.warnings == ()
    assert len(staged(path, tmp_path / "out")) == 30


@settings(deadline=None, max_examples=20)
@given(unit=st.sampled_from(["ms", "us", "ns"]), zone=st.sampled_from(["UTC", "Europe/Berlin", "+05:30"]))
def test_time_stamps_of_any_unit_and_zone(unit, zone, tmp_path_factory):
    path = tmp_path_factory.mktemp("parquet") / "night.parquet"
    seconds, acc = acc_of_a_night(0.02)
    parquet.write_table(acc_table(0.02, stamps(seconds, unit, zone)), path)
    recording = staging.read(path)
    assert recording.start == START
    hours = {"UTC": 0.0, "Europe/Berlin": 1.0, "+05:30": 5.5}[zone]
    assert recording.start.utcoffset() == timedelta(hours=hours)
    assert recording.acc.rate_hz == pytest.approx(25)
    np.testing.assert_allclose(recording.acc.samples, acc, atol=1e-6)


def test_texts_of_times_are_read(tmp_path):
    times = [(START + timedelta(seconds=second)).isoformat() for second in range(100)]
    parquet.write_table(pa.table({"timestamp": times, "bpm": [61.5] * 100}), tmp_path / "x.parquet")
    recording = staging.read(tmp_path / "x.parquet")
    assert recording.start == START
    assert recording.hr.values.tolist() == [61.5] * 100


def test_one_file_with_the_columns_of_several_tables(tmp_path):
    seconds = np.arange(256) / 64
    slow = [33.5 if row % 16 == 0 else None for row in range(256)]
    table = pa.table({"T_s": seconds, "ppg": np.sin(seconds), "temp_c": slow, "eda": seconds})
    parquet.write_table(table, tmp_path / "wide.parquet")
    recording = staging.read(tmp_path / "wide.parquet")
    assert (recording.ppg.rate_hz, recording.temp.rate_hz) == (64, 4)
    assert recording.temp.samples.tolist() == [33.5] * 16


def test_stamps_without_a_zone_ask_for_one(tmp_path):
    parquet.write_table(acc_table(0.02, stamps(acc_of_a_night(0.02)[0], "us", None)), tmp_path / "acc.parquet")
    with pytest.raises(FormatError, match=r"acc\.parquet: its time stamps have no zone; add one"):
        staging.read(tmp_path / "acc.parquet")


def test_a_table_alone_says_what_lies_beside_it(tmp_path):
    parquet.write_table(acc_table(0.02), tmp_path / "acc.parquet")
    parquet.write_table(heart_table(0.02), tmp_path / "hr.parquet")
    (warning,) = staging.read(tmp_path / "acc.parquet").warnings
    assert warning == "read alone, without hr.parquet beside it: give the folder to have them in one recording"


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"t": [1.0], "bpm": [60.0]}, "its columns are t, bpm; name them t_s,bpm"),
        ({"t_s": [0.0, 1.0], "bpm": ["a", "b"]}, "its column bpm is string, not numbers"),
        ({"t_s": [True, False], "bpm": [[1], [2]]}, "its column bpm is list"),
        ({"t_s": np.array([], float), "bpm": np.array([], float)}, "0 rows are none"),
        ({"t_s": ["x", "y"], "bpm": [60.0, 61.0]}, "a time stamp is no ISO 8601 time"),
        ({"t_s": [1e14, 2e14], "bpm": [60.0, 61.0]}, "a time of 150000000000000 is not in seconds"),
        ({"t_s": pa.array([0, None]).cast(pa.timestamp("s", tz="UTC")), "bpm": [60, 61]}, "1 rows have no time"),
    ],
)
def test_what_is_missing_is_said_in_one_line(tmp_path, columns, message):
    parquet.write_table(pa.table(columns), tmp_path / "hr.parquet")
    with pytest.raises(FormatError, match=message) as caught:
        staging.read(tmp_path)
    assert "\n" not in str(caught.value)


def test_two_tables_of_one_channel_are_refused(folder):
    home = folder({"hr.csv": "t_s,bpm\n0,61\n1,62\n"})
    parquet.write_table(heart_table(0.02), home / "hr.parquet")
    with pytest.raises(FormatError, match=r"holds both hr\.csv and hr\.parquet; leave one of them there"):
        staging.read(home)


def test_parquet_files_of_something_else_are_no_recording(tmp_path):
    parquet.write_table(pa.table({"a": [1]}), tmp_path / "orders.parquet")
    with pytest.raises(FormatError, match="not a format that can be read"):
        staging.read(tmp_path)
    with pytest.raises(FormatError, match="its columns are a; name them t_s,x_g,y_g,z_g or t_s,ppg or "):
        staging.read(tmp_path / "orders.parquet")


@settings(deadline=None, max_examples=40)
@given(at=st.integers(4, 20_000), byte=st.integers(0, 255), cut=st.booleans())
def test_a_damaged_file_is_read_or_refused(at, byte, cut, tmp_path_factory):
    path = tmp_path_factory.mktemp("parquet") / "hr.parquet"
    parquet.write_table(heart_table(0.2), path)
    content = bytearray(path.read_bytes())
    at = min(at, len(content) - 1)
    content[at] = byte
    path.write_bytes(content[:at] if cut else content)
    assert_read_or_refused(path)


def test_a_small_file_of_the_same_row_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("staging.readers.parquet_columns._FREE_BYTES", 1 << 20)
    n = 1_000_000
    table = pa.table({"t_s": np.zeros(n), "bpm": np.full(n, 60.0)})
    parquet.write_table(table, tmp_path / "hr.parquet", compression="zstd")
    assert (tmp_path / "hr.parquet").stat().st_size < 10_000
    with pytest.raises(FormatError, match=r"hr\.parquet: unpacks to 16 MB from 0\.0 MB, which no recording does"):
        staging.read(tmp_path / "hr.parquet")


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin", "+14:00"])
@pytest.mark.parametrize("tick", [-(2**63) + 1, -1, 2**62])
def test_a_stamp_of_no_year_is_refused_wherever_it_stands(unit, zone, tick, tmp_path):
    ticks = [1_700_000_000 * {"ms": 10**3, "us": 10**6, "ns": 10**9}[unit]] * 2
    if unit == "ns" and tick > 0:
        pytest.skip("in ns that is the year 2116")
    for stamps in ([*ticks, tick], [tick, *ticks]):
        table = pa.table({"time": pa.array(stamps, pa.timestamp(unit, zone)), "bpm": [60.0, 61.0, 60.0]})
        parquet.write_table(table, tmp_path / "hr.parquet")
        with pytest.raises(FormatError, match=r"before 1970|have no zone"):
            staging.read(tmp_path / "hr.parquet")
