from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import staging
from staging.errors import FormatError
from tests.readers.conftest import acc_of_a_night, heart_of_a_night, staged, zip_of
from tests.readers.fit_files import EPOCH_S, fit, message
from tests.readers.hostile import assert_read_or_refused

fitdecode = pytest.importorskip("fitdecode", reason='the extra fit is not installed: pip install "staging[fit]"')

START = datetime(2024, 3, 1, 22, 10, 5, tzinfo=UTC)
ZERO = int(START.timestamp()) - EPOCH_S
HEART_S, BPM = heart_of_a_night(0.25, step_s=1.0)


def local_time(hours):
    return message(162, (253, "I", ZERO), (3, "I", ZERO + round(hours * 3600)))


def records(bpm=BPM, begin=0, **options):
    return [message(20, (253, "I", ZERO + begin + i), (3, "B", int(rate)), **options) for i, rate in enumerate(bpm)]


def write(path, *messages):
    path.write_bytes(fit(*messages))
    return path


@pytest.fixture
def beats():
    """When beats end, and their intervals in ms, over a quarter of an hour."""
    intervals = np.rint(60_000 / np.interp(np.arange(900), HEART_S, BPM)).astype(int)
    return np.cumsum(intervals) / 1000, intervals


@settings(deadline=None, max_examples=25)
@given(
    bpm=st.lists(st.one_of(st.none(), st.integers(30, 200)), min_size=2, max_size=60).filter(
        lambda rates: len(rates) - rates.count(None) > 1
    ),
    big=st.booleans(),
    hours=st.sampled_from([-9.5, 0, 2, 5.75]),
)
def test_heart_rates_of_records_come_back_with_their_times(bpm, big, hours, tmp_path_factory):
    messages = [message(20, (253, "I", ZERO + i), (3, "B", rate), big=big) for i, rate in enumerate(bpm)]
    path = write(tmp_path_factory.mktemp("fit") / "a.fit", local_time(hours), *messages)
    recording = staging.read(path)
    first = next(i for i, rate in enumerate(bpm) if rate is not None)
    assert recording.start == START + timedelta(seconds=first)
    assert recording.start.utcoffset() == timedelta(hours=hours)
    assert recording.device == "Garmin"
    known = [(i - first, rate) for i, rate in enumerate(bpm) if rate is not None]
    assert list(zip(recording.hr.times_s.tolist(), recording.hr.values.tolist(), strict=True)) == known


@pytest.mark.parametrize("packed", [False, True])
def test_a_night_of_records_and_intervals_is_staged(tmp_path, beats, packed):
    ends_s, intervals = beats
    messages = []
    for second, rate in enumerate(BPM):
        messages.append(message(20, (253, "I", ZERO + second), (3, "B", int(rate))))
        own = intervals[(ends_s > second - 1) & (ends_s <= second)]
        if own.size:
            messages.append(message(78, (0, "H", [*own.tolist(), *[None] * (5 - len(own))])))
    (tmp_path / "night").mkdir()
    path = write(tmp_path / "night" / "a.fit", *messages)
    if packed:
        path = zip_of(tmp_path / "night")
    recording = staging.read(path)
    assert list(recording.channels()) == ["ibi", "hr"]
    sent = intervals[ends_s <= len(BPM) - 1]
    np.testing.assert_allclose(recording.ibi.values, sent / 1000)
    np.testing.assert_allclose(recording.ibi.times_s, ends_s[: len(sent)], atol=1)  # they came at whole seconds
    hypnogram = staged(path, tmp_path / "out")
    assert np.mean(hypnogram.coverage["heart"]) > 0.9


def test_monitoring_gives_the_low_half_of_its_times(tmp_path):
    messages = [message(103, (253, "I", ZERO), (0, "I", ZERO + 7200))]
    messages += [message(55, (26, "H", (ZERO + 60 * i) & 0xFFFF), (27, "B", 50 + i % 9)) for i in range(1, 1500)]
    recording = staging.read(write(tmp_path / "a.fit", *messages))
    assert recording.start == START + timedelta(seconds=60)
    assert recording.start.utcoffset() == timedelta(hours=2)
    np.testing.assert_allclose(recording.hr.times_s, 60.0 * np.arange(1499))


def test_intervals_the_watch_doubts_are_none(tmp_path, beats):
    ends_s, intervals = beats
    doubted, gap = 40, 80
    words = intervals | 0x4000
    words[doubted] = intervals[doubted]
    words[gap] = intervals[gap] | 0x8000
    messages = []
    for begin in range(0, 900, 4):
        at_ms = round(ends_s[begin : begin + 4][-1] * 1000)
        stamp = [(253, "I", ZERO + at_ms // 1000), (0, "H", at_ms % 1000)]
        messages.append(message(372, *stamp, (1, "H", words[begin : begin + 4].tolist())))
    recording = staging.read(write(tmp_path / "a.fit", *messages))
    expected = intervals / 1000
    expected[[doubted, gap]] = np.nan
    np.testing.assert_allclose(recording.ibi.values, expected)
    np.testing.assert_allclose(np.diff(recording.ibi.times_s), np.diff(ends_s), atol=2e-3)
    assert recording.warnings == ("a.fit: 2 intervals of low confidence or across gaps taken for none",)


def test_cleaned_intervals_are_read_before_others(tmp_path, beats):
    _, intervals = beats
    clean = message(290, (253, "I", ZERO + 1), (0, "H", 500), (1, "H", intervals[:8].tolist()))
    raw = message(372, (253, "I", ZERO + 1), (0, "H", 500), (1, "H", [0x4000 | 999] * 8))
    recording = staging.read(write(tmp_path / "a.fit", raw, clean))
    assert recording.ibi.values.tolist() == (intervals[:8] / 1000).tolist()


SECONDS, ACC = acc_of_a_night(0.05)


def acc_messages(number, axes, per_message=25, **fields):
    """Second by second; `axes` are the first field's number, its type and its values."""
    first, letter, values = axes
    for begin in range(0, len(values) - per_message + 1, per_message):
        own = values[begin : begin + per_message].T.tolist()
        at_ms = round(SECONDS[begin] * 1000)
        stamp = [(253, "I", ZERO + at_ms // 1000), (0, "H", at_ms % 1000)]
        yield message(number, *stamp, *fields.values(), *((first + axis, letter, own[axis]) for axis in range(3)))


@pytest.mark.parametrize("kind", ["calibrated", "compressed", "counts", "health SDK"])
def test_acceleration_of_each_kind_comes_back_in_g(tmp_path, kind):
    every = list(range(0, 1000, 40))
    offsets = {"time": (1, "H", every)}
    turn = np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1]])
    messages = {
        "calibrated": lambda: acc_messages(165, (5, "f", ACC), **offsets),
        "compressed": lambda: acc_messages(165, (8, "h", np.rint(ACC * 1000).astype(int)), **offsets),
        "counts": lambda: [
            message(167, (0, "B", 1), (1, "I", 5), (2, "I", 7)),  # the gyroscope's
            message(
                167,
                *((0, "B", 0), (1, "I", 1), (2, "I", 2048), (3, "I", 32768), (4, "i", [10, -20, 30])),
                (5, "i", (turn * 65535).ravel().tolist()),
            ),
            *acc_messages(165, (2, "H", (np.rint(ACC @ turn * 2048) + [10, -20, 30] + 32768).astype(int)), **offsets),
        ],
        "health SDK": lambda: acc_messages(302, (2, "h", np.rint(ACC * 1024).astype(int)), step=(1, "H", 40)),
    }[kind]()
    recording = staging.read(write(tmp_path / "a.fit", *messages))
    assert recording.acc.rate_hz == pytest.approx(25)
    np.testing.assert_allclose(recording.acc.samples, ACC[: len(recording.acc.samples)], atol=1e-3)
    assert len(recording.acc.samples) == len(ACC) // 25 * 25


def test_counts_without_a_calibration_are_left_out(tmp_path):
    counts = acc_messages(165, (2, "H", np.full((50, 3), 33000)), time=(1, "H", list(range(0, 1000, 40))))
    recording = staging.read(write(tmp_path / "a.fit", *counts, *records()))
    assert list(recording.channels()) == ["hr"]


def test_heart_rate_and_skin_temperature_of_the_health_sdk(tmp_path):
    messages = [
        message(308, (253, "I", ZERO + 60 * i), (0, "H", 60), (2, "B", [60 + i] * 59 + [0])) for i in range(10)
    ] + [message(409, (253, "I", ZERO + 60 * i), (0, "H", 60), (1, "H", 33_250)) for i in range(10)]
    recording = staging.read(write(tmp_path / "a.fit", *messages))
    assert recording.hr.values.size == 590
    assert recording.hr.times_s[:3].tolist() == [0, 1, 2]
    np.testing.assert_allclose(recording.temp.samples, 33.25)


def test_of_many_files_the_last_night_is_read(tmp_path):
    for day in range(3):
        rates = [message(20, (253, "I", ZERO + day * 86400 + 5 * i), (3, "B", 60 + day)) for i in range(3600)]
        write(tmp_path / f"2024-03-0{day + 1}.fit", *rates)
    recording = staging.read(tmp_path)
    assert recording.start == START + timedelta(days=2)
    assert set(recording.hr.values.tolist()) == {62}
    assert any("2024-03-01.fit not read" in warning for warning in recording.warnings)


def test_the_newest_of_hundreds_of_files_is_read_and_a_damaged_one_left_out(tmp_path):
    for day in range(250):
        (tmp_path / f"{day:04d}.fit").write_bytes(fit())
    (tmp_path / "0248.fit").write_bytes(fit()[:13])
    write(tmp_path / "0249.fit", *records())
    recording = staging.read(tmp_path)
    assert recording.start == START
    assert len(recording.hr.values) == len(BPM)
    (warning,) = recording.warnings
    assert warning.startswith("left out: ")
    assert "0248.fit: the FIT file is damaged" in warning


def test_a_clock_that_was_never_set_is_no_clock(tmp_path):
    messages = [message(20, (253, "I", 500 + i), (3, "B", 60)) for i in range(100)]
    recording = staging.read(write(tmp_path / "a.fit", *messages))
    assert recording.start is None
    assert recording.hr.times_s.tolist() == list(range(100))


def test_a_file_that_was_cut_short_is_read_as_far_as_it_is_whole(tmp_path):
    path = write(tmp_path / "a.fit", *records())
    path.write_bytes(path.read_bytes()[:-200])
    recording = staging.read(path)
    assert 800 < len(recording.hr.values) < 900
    (warning,) = recording.warnings
    assert warning.startswith("a.fit: cut short or damaged after ")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (fit(), "holds no heart rate, beats, acceleration or skin temperature; give an activity"),
        (fit()[:13], "the FIT file is damaged"),
        (fit()[:14] + b"\x05\x00", "the FIT file is damaged"),
    ],
)
def test_a_file_without_signals_is_refused_in_one_line(tmp_path, content, message):
    (tmp_path / "a.fit").write_bytes(content)
    with pytest.raises(FormatError, match=message) as caught:
        staging.read(tmp_path / "a.fit")
    assert "\n" not in str(caught.value)


def test_what_developers_add_is_not_taken_for_the_profile(tmp_path):
    """A developer's field of the number of the heart rate."""
    developer = message(207, (3, "B", 0))
    description = message(206, (0, "B", 0), (1, "B", 3), (2, "B", 2))
    definition = b"\x60\x00\x00" + b"\x14\x00\x01" + b"\xfd\x04\x86" + b"\x01" + b"\x03\x01\x00"
    data = b"\x00" + (ZERO + 5).to_bytes(4, "little") + b"\xc8"
    recording = staging.read(write(tmp_path / "a.fit", developer, description, *records(), definition + data))
    assert 200 not in recording.hr.values


@settings(deadline=None, max_examples=60)
@given(at=st.integers(0, 3000), byte=st.integers(0, 255), cut=st.booleans())
def test_a_damaged_file_is_read_or_refused(at, byte, cut, tmp_path_factory):
    path = tmp_path_factory.mktemp("fit") / "a.fit"
    content = bytearray(fit(local_time(1), *records(BPM[:60]), *acc_messages(302, (2, "h", np.ones((50, 3), int)))))
    at = min(at, len(content) - 1)
    content[at] = byte
    path.write_bytes(content[:at] if cut else content)
    assert_read_or_refused(path)
