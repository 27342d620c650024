from __future__ import annotations

import json
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import staging
from staging.errors import FormatError, InputError
from tests.readers.conftest import heart_of_a_night, staged, zip_of
from tests.readers.hostile import assert_read_or_refused

EVENING = datetime(2024, 3, 1, 22, 10, 5)
MIDNIGHT_S = 22 * 3600 + 10 * 60 + 5


def days_of(seconds, bpm, device="A1"):
    """Samples from that evening on, by day."""
    days = {}
    for second, rate in zip(seconds, bpm, strict=True):
        day, within = divmod(MIDNIGHT_S + second, 86400)
        date = (EVENING + timedelta(days=day)).date().isoformat()
        days.setdefault(date, []).append({"heartRate": int(rate), "secondsFromDayStart": int(within), "source": "OHR"})
    return {
        "deviceDays": [
            {"userId": 1, "deviceId": device, "date": date, "samples": samples} for date, samples in days.items()
        ]
    }


def intervals_of(ends_s, intervals, device="A1", short=False):
    """Beats as the export has them; Java leaves out seconds and milliseconds that are zero."""
    samples = []
    for end, interval in zip(ends_s, intervals, strict=True):
        text = (EVENING + timedelta(seconds=float(end))).isoformat(timespec="milliseconds")
        samples.append({"sampleDateTime": text.removesuffix(".000").removesuffix(":00") if short else text})
        samples[-1]["pulseLength"] = int(interval)
    return [{"date": EVENING.date().isoformat(), "devicePpiSamplesList": [{"deviceId": device, "ppiSamples": samples}]}]


def beats(hours):
    _, bpm = heart_of_a_night(hours, step_s=1.0)
    intervals = np.rint(60_000 / bpm).astype(int)
    return np.cumsum(intervals) / 1000, intervals


@pytest.mark.parametrize("packed", [False, True])
def test_a_night_over_midnight_is_staged(folder, tmp_path, packed):
    seconds, bpm = heart_of_a_night(4)
    ends_s, intervals = beats(4)
    home = folder(
        {
            "247ohr_1_2024_03-abc.json": json.dumps(days_of(seconds, bpm)),
            "ppi_samples_1_2024_03-abc.json": json.dumps(intervals_of(ends_s, intervals)),
            "account-data-1.json": '{"exportVersion": "2.0"}',
        }
    )
    path = zip_of(home) if packed else home
    recording = staging.read(path)
    assert list(recording.channels()) == ["ibi", "hr"]
    assert recording.device == "Polar A1"
    assert recording.start == EVENING.replace(tzinfo=UTC)
    np.testing.assert_allclose(recording.hr.times_s, seconds)
    assert recording.hr.values.tolist() == bpm.tolist()
    np.testing.assert_allclose(recording.ibi.values, intervals / 1000)
    np.testing.assert_allclose(recording.ibi.times_s, ends_s, atol=1e-3)
    (warning,) = recording.warnings
    assert warning.endswith("has no time zone; its start 2024-03-01 22:10:05 is taken as UTC")
    assert np.mean(staged(path, tmp_path / "out").coverage["heart"]) > 0.9


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(400, 1600), min_size=3, max_size=80), st.integers(1, 8), st.booleans())
def test_intervals_come_back_whatever_shares_a_time(intervals, packet, short):
    ends_s = np.cumsum(intervals) / 1000
    received_s = ends_s[np.minimum(np.arange(len(ends_s)) // packet * packet + packet - 1, len(ends_s) - 1)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "ppi_samples_1.json")
        path.write_text(json.dumps(intervals_of(received_s, intervals, short=short)))
        ibi = staging.read(path, format="polar_flow").ibi
    np.testing.assert_allclose(ibi.values, np.array(intervals) / 1000)
    assert abs(ibi.times_s[-1] - ibi.times_s[0] - (ends_s[-1] - ends_s[0])) < 1e-2 if packet > 1 else True


def test_times_without_their_zeros_are_read(folder):
    ends_s = np.array([-5.0, 55.0, 56.0])
    recording = staging.read(folder({"a.json": json.dumps(intervals_of(ends_s, [1000, 1000, 1000], short=True))}))
    assert recording.ibi.times_s.tolist() == [0, 60, 61]


def test_of_two_devices_one_is_read_or_the_one_that_is_asked_for(folder):
    seconds, bpm = heart_of_a_night(4)
    both = days_of(seconds, bpm)
    both["deviceDays"] += days_of(seconds[:500], bpm[:500] + 5, device="B2")["deviceDays"]
    home = folder({"247ohr_1.json": json.dumps(both)})
    recording = staging.read(home)
    assert recording.device == "Polar A1"
    assert recording.warnings[0] == "recorded by A1; left out: B2"
    assert staging.read(home, recorder="b2").hr.values.tolist() == (bpm[:500] + 5).tolist()
    with pytest.raises(InputError, match="has 0 recorders of the name 'C3'; recorders are A1, B2"):
        staging.read(home, recorder="C3")


def test_of_many_nights_the_last_is_read_and_old_files_are_not_opened(folder):
    seconds, bpm = heart_of_a_night(4)
    files = {f"247ohr_1_2024_0{month}-x.json": "not JSON" for month in (1, 2)}
    files["247ohr_1_2024_03-x.json"] = json.dumps(days_of(np.append(seconds, seconds + 86400), np.append(bpm, bpm)))
    recording = staging.read(folder(files))
    assert recording.start == EVENING.replace(tzinfo=UTC) + timedelta(days=1)
    assert any("2 earlier files" in warning for warning in recording.warnings)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"deviceDays": []}, "its days hold no samples"),
        ({"deviceDays": [{"date": "2024-03-01", "samples": []}]}, "its days hold no samples"),
        ({"deviceDays": 5}, "holds no list of days"),
        ({"deviceDays": [{"date": "March", "samples": [{}]}]}, "day 1 is not as Polar writes it"),
        ({"deviceDays": [{"date": "2024-03-01", "samples": [{"heartRate": 60}]}]}, "day 1 is not as Polar writes it"),
        ([{"date": "2024-03-01", "devicePpiSamplesList": [{"ppiSamples": [1]}]}], "day 1 is not as Polar writes it"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(folder, content, message):
    with pytest.raises(FormatError, match=message) as caught:
        staging.read(folder({"247ohr_1.json": json.dumps(content)}))
    assert "\n" not in str(caught.value)


@settings(deadline=None, max_examples=60)
@given(at=st.integers(0, 4000), byte=st.binary(min_size=0, max_size=3), cut=st.booleans())
def test_a_damaged_file_is_read_or_refused(at, byte, cut, tmp_path_factory):
    seconds, bpm = heart_of_a_night(0.1)
    text = json.dumps(days_of(seconds, bpm)).encode()
    path = tmp_path_factory.mktemp("polar") / "247ohr_1.json"
    path.write_bytes(text[:at] + byte + (b"" if cut else text[at + 1 :]))
    assert_read_or_refused(path)
