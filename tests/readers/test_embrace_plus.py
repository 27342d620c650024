from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import staging
from staging.errors import FormatError
from tests.readers.conftest import acc_of_a_night, staged, zip_of
from tests.readers.hostile import assert_read_or_refused

fastavro = pytest.importorskip("fastavro", reason='the extra embrace is not installed: pip install "staging[embrace]"')

START = datetime(2024, 3, 1, 22, 10, 5, tzinfo=UTC)
ZERO_US = int(START.timestamp()) * 10**6
RANGE = {"physicalMin": -16, "physicalMax": 16, "digitalMin": -32768, "digitalMax": 32767}
G_PER_COUNT = 32 / 65535
RATES_HZ = {"accelerometer": 64.0, "bvp": 64.0, "temperature": 1.0}


def record(name, **fields):
    return {"type": "record", "name": name, "fields": [{"name": key, "type": kind} for key, kind in fields.items()]}


def listed(kind):
    return {"type": "array", "items": kind}


def schema(imu=None):
    clock = {"timestampStart": "long", "samplingFrequency": "float"}
    span = record("imuParams", **(imu or dict.fromkeys(RANGE, "int")))
    axes = dict.fromkeys("xyz", listed("int"))
    raw = record(
        "rawData",
        accelerometer=record("accelerometer", **clock, imuParams=span, **axes),
        eda=record("eda", **clock, values=listed("float")),
        temperature=record("temperature", **clock, values=listed("float")),
        bvp=record("bvp", **clock, values=listed("float")),
        systolicPeaks=record("systolicPeaks", peaksTimeNanos=listed("long")),
    )
    enrollment = record("enrollment", participantID="string", siteID="string")
    return record("csData", timezone="int", enrollment=enrollment, deviceSn="string", rawData=raw)


def content(begin_s=0.0, acc=(), bvp=(), temp=(), peaks_s=(), *, rates=RATES_HZ, who="S07", zone_s=3600, **options):
    """A file's record; times from `START`."""
    clock = {
        name: {"timestampStart": ZERO_US + round(begin_s * 1e6), "samplingFrequency": rate}
        for name, rate in rates.items()
    }
    counts = np.rint(np.asarray(acc).reshape(-1, 3) / G_PER_COUNT).astype(int)
    return {
        "timezone": zone_s,
        "enrollment": {"participantID": who, "siteID": "1"},
        "deviceSn": "3YK00000",
        "rawData": {
            "accelerometer": clock["accelerometer"]
            | {"imuParams": options.get("imu", RANGE)}
            | dict(zip("xyz", counts.T.tolist(), strict=True)),
            "eda": {"timestampStart": 0, "samplingFrequency": 0.0, "values": []},
            "temperature": clock["temperature"] | {"values": list(temp)},
            "bvp": clock["bvp"] | {"values": list(bvp)},
            "systolicPeaks": {"peaksTimeNanos": [ZERO_US * 1000 + round(second * 1e9) for second in peaks_s]},
        },
    }


def write(path, *records, codec="deflate", of=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        fastavro.writer(file, of or schema(), records, codec=codec)
    return path


def pulse(seconds):
    return 40 * np.sin(2 * np.pi * 1.1 * seconds)


def quarter(index, *, length_s=300.0, rate_hz=64.0, **options):
    """The index-th file of a night of files of five minutes."""
    begin_s = index * length_s
    n = round(length_s * rate_hz)
    seconds = begin_s + np.arange(n) / rate_hz
    acc = acc_of_a_night(0.1, rate_hz=rate_hz, seed=index)[1][:n]
    peaks_s = begin_s + np.arange(0, length_s, 1 / 1.1)
    temp = 33 + np.arange(round(length_s)) / 1000
    rates = {"accelerometer": rate_hz, "bvp": rate_hz, "temperature": 1.0}
    return content(begin_s, acc, pulse(seconds), temp, peaks_s, rates=rates, **options)


@pytest.mark.parametrize("packed", [False, True])
def test_a_night_of_files_is_joined_and_staged(tmp_path, packed):
    folder = tmp_path / "night" / "2024-03-01" / "1-1-S07" / "raw_data" / "v6"
    for index in range(3):
        write(folder / f"1-1-S07_{1_709_331_005 + 300 * index}.avro", quarter(index))
    path = zip_of(tmp_path / "night") if packed else tmp_path / "night"
    recording = staging.read(path)
    assert list(recording.channels()) == ["acc", "ppg", "temp", "ibi"]
    assert recording.start == START
    assert recording.start.utcoffset() == timedelta(hours=1)
    assert (recording.device, recording.subject) == ("Empatica EmbracePlus 3YK00000", "S07")
    assert (recording.acc.rate_hz, recording.ppg.rate_hz, recording.temp.rate_hz) == (64, 64, 1)
    expected = np.concatenate([acc_of_a_night(0.1, rate_hz=64.0, seed=index)[1][: 300 * 64] for index in range(3)])
    np.testing.assert_allclose(recording.acc.samples, expected, atol=1e-3)
    np.testing.assert_allclose(recording.ppg.samples, pulse(np.arange(900 * 64) / 64), atol=1e-3)
    assert np.median(recording.ibi.values) == pytest.approx(1 / 1.1, abs=1e-6)
    assert recording.warnings == ()
    assert len(staged(path, tmp_path / "out")) == 30


@settings(deadline=None, max_examples=20)
@given(
    rates_hz=st.lists(st.floats(63.5, 64.5), min_size=1, max_size=4),
    gaps_s=st.lists(st.floats(1, 100), min_size=3, max_size=3),
    codec=st.sampled_from(["null", "deflate"]),
)
def test_every_sample_stands_within_one_of_its_time(rates_hz, gaps_s, codec, tmp_path_factory):
    """A signal that is its own time: what is read off the grid is where it stands."""
    folder = tmp_path_factory.mktemp("embrace")
    begin_s, spans = 0.0, []
    for index, rate_hz in enumerate(rates_hz):
        seconds = begin_s + np.arange(2000) / rate_hz
        rates = RATES_HZ | {"bvp": rate_hz}
        write(folder / f"a_{index}.avro", content(begin_s, bvp=seconds, rates=rates), codec=codec)
        spans.append((begin_s, begin_s + 2000 / rate_hz))
        begin_s = spans[-1][1] + (gaps_s[index] if index < 3 else 0)
    ppg = staging.read(folder).ppg
    times_s = ppg.times_s()
    known = np.isfinite(ppg.samples)
    assert np.max(np.abs(ppg.samples[known] - times_s[known])) < 1.6 / 63.5
    inside = np.zeros(len(times_s), dtype=bool)
    for begin, end in spans:
        inside |= (times_s > begin + 0.04) & (times_s < end - 0.04)
    assert known[inside].all()
    assert not known[1:-1][~inside[1:-1] & ~inside[:-2] & ~inside[2:]].sum() > 6 * len(spans)


def test_files_that_overlap_do_not_write_over_each_other(tmp_path):
    write(tmp_path / "a_1.avro", content(0, bvp=np.arange(640.0)))
    write(tmp_path / "a_2.avro", content(5, bvp=np.arange(640.0) + 1000))
    ppg = staging.read(tmp_path).ppg
    assert ppg.samples[:640].tolist() == list(range(640))
    assert ppg.samples[640:].tolist() == list(range(1320, 1640))


def test_gaps_are_nan_and_said(tmp_path):
    write(tmp_path / "a_1.avro", quarter(0))
    write(tmp_path / "a_2.avro", quarter(3))
    recording = staging.read(tmp_path)
    assert np.isnan(recording.ppg.samples).sum() == 600 * 64
    assert "ppg: 600.0 s missing between files" in recording.warnings
    assert recording.ibi.values.max() < 3


def test_a_file_given_alone_says_what_lies_beside_it(tmp_path):
    write(tmp_path / "a_1.avro", quarter(0))
    write(tmp_path / "a_2.avro", quarter(1))
    (warning,) = staging.read(tmp_path / "a_1.avro").warnings
    assert warning == "read alone, without a_2.avro beside it: give the folder to have them in one recording"


def test_the_factor_of_later_schemas_is_taken(tmp_path):
    imu = {**dict.fromkeys(RANGE, "int"), "conversionFactor": "float"}
    own = content(0, acc=acc_of_a_night(0.02)[1], imu={**dict.fromkeys(RANGE, 0), "conversionFactor": G_PER_COUNT})
    recording = staging.read(write(tmp_path / "a.avro", own, of=schema(imu)))
    np.testing.assert_allclose(recording.acc.samples, acc_of_a_night(0.02)[1], atol=1e-3)


def test_of_several_participants_the_one_with_the_most_files_is_read(tmp_path):
    for index, who in enumerate(["S01", "S07", "S07"]):
        write(tmp_path / f"{who}_{index}.avro", quarter(index, who=who))
    recording = staging.read(tmp_path)
    assert recording.subject == "S07"
    assert recording.warnings[0] == "files of S07 are read; left out: S01"


def test_a_damaged_file_among_others_is_left_out_and_named(tmp_path):
    write(tmp_path / "a_1.avro", quarter(0))
    path = write(tmp_path / "a_2.avro", quarter(1))
    path.write_bytes(path.read_bytes()[:-3000])
    recording = staging.read(tmp_path)
    assert recording.ppg.duration_s == pytest.approx(300)
    (warning,) = recording.warnings
    assert warning.startswith("1 of 2 files left out, the first: ")
    assert "a_2.avro: the Avro file is cut short; download it again" in warning


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([content(0)], "its files hold no samples; give files of a worn device"),
        ([content(0, bvp=[1.0]), content(0, bvp=[1.0])], "holds 2 records, not one"),
        ([content(-2e9, bvp=[1.0])], "begins at -2.9"),
        ([content(0, bvp=[1.0], rates={**RATES_HZ, "bvp": 0.0})], "at 0 Hz"),
        ([content(0, bvp=[1.0], rates={**RATES_HZ, "bvp": float("nan")})], "at nan Hz"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(tmp_path, records, message):
    with pytest.raises(FormatError, match=message) as caught:
        staging.read(write(tmp_path / "a.avro", *records))
    assert "\n" not in str(caught.value)


def test_months_apart_are_not_one_recording(tmp_path):
    write(tmp_path / "a_1.avro", content(0, bvp=[1.0, 2.0]))
    write(tmp_path / "a_2.avro", content(90 * 86400, bvp=[1.0, 2.0]))
    with pytest.raises(FormatError, match="its files begin 90 days apart; give those of one recording"):
        staging.read(tmp_path)


def test_what_unfolds_is_refused(tmp_path):
    path = write(tmp_path / "a.avro", content(0, bvp=np.zeros(9_000_000)))
    with pytest.raises(FormatError, match=r"a\.avro: unpacks to more than 32 MiB"):
        staging.read(path)


def test_lists_of_nothing_are_refused(tmp_path):
    of = record("csData", rawData=record("rawData", x=listed("null")))
    path = write(tmp_path / "a.avro", {"rawData": {"x": [None] * 3}}, of=of)
    with pytest.raises(FormatError, match=r"the Avro file is damaged \(a list of nothing\)"):
        staging.read(path)


def test_another_packing_is_named(tmp_path):
    path = write(tmp_path / "a.avro", content(0, bvp=[1.0, 2.0]), codec="bzip2")
    with pytest.raises(FormatError, match="is packed with bzip2"):
        staging.read(path)


def test_avro_files_of_others_are_not_taken(tmp_path):
    with (tmp_path / "a.avro").open("wb") as file:
        fastavro.writer(file, record("orders", id="int"), [{"id": 1}])
    with pytest.raises(FormatError, match="not a format that can be read"):
        staging.read(tmp_path)


SMALL = io.BytesIO()
fastavro.writer(SMALL, schema(), [content(0, acc_of_a_night(0.01)[1][:100], pulse(np.arange(100) / 64))])


@settings(deadline=None, max_examples=60)
@given(at=st.integers(0, 5000), byte=st.integers(0, 255), cut=st.booleans())
def test_a_damaged_file_is_read_or_refused(at, byte, cut, tmp_path_factory):
    content = bytearray(SMALL.getvalue())
    at = min(at, len(content) - 1)
    content[at] = byte
    path = tmp_path_factory.mktemp("embrace") / "a.avro"
    path.write_bytes(content[:at] if cut else content)
    assert_read_or_refused(path)


def number(value):
    """As Avro writes it: signs folded in, seven bits a byte, the lowest first."""
    value, out = value << 1, b""
    while value > 0x7F:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


@pytest.mark.parametrize("kind", ["rawData", ["null", "rawData"], {"type": "array", "items": "rawData"}])
def test_a_record_within_itself_is_refused_and_does_not_end_the_process(kind, tmp_path):
    """Whoever decodes it by calling itself runs out of stack, which no `except` can catch."""
    layout = {"type": "record", "name": "rawData", "fields": [{"name": "rawData", "type": kind}]}
    meta = {b"avro.schema": json.dumps(layout).encode(), b"avro.codec": b"null"}
    pairs = b"".join(number(len(part)) + part for pair in meta.items() for part in pair)
    body = b"\2" * 300_000
    head = b"Obj\x01" + number(len(meta)) + pairs + number(0) + bytes(16)
    (tmp_path / "a.avro").write_bytes(head + number(1) + number(len(body)) + body + bytes(16))
    with pytest.raises(FormatError, match="rawData within itself"):
        staging.read(tmp_path / "a.avro")
