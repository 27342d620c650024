from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import staging
from staging.errors import FormatError, RecordingError
from tests.readers.conftest import heart_of_a_night, staged, zip_of

EVENING = datetime(2024, 3, 1, 22, 10, 5, tzinfo=UTC)


def entry(moment, bpm, confidence=2):
    return {"dateTime": f"{moment:%m/%d/%y %H:%M:%S}", "value": {"bpm": bpm, "confidence": confidence}}


def export(seconds, bpm, start=EVENING):
    """Files by name, one a day."""
    days = {}
    for second, rate in zip(seconds, bpm, strict=True):
        moment = start + timedelta(seconds=float(second))
        days.setdefault(f"heart_rate-{moment:%Y-%m-%d}.json", []).append(entry(moment, int(rate)))
    return {name: json.dumps(entries, indent=2) for name, entries in days.items()}


def takeout(seconds, bpm):
    moments = (EVENING + timedelta(seconds=float(second)) for second in seconds)
    rows = (f"{moment:%Y-%m-%dT%H:%M:%SZ},{rate:.1f}\n" for moment, rate in zip(moments, bpm, strict=True))
    return "timestamp,beats per minute\n" + "".join(rows)


def intraday(seconds, bpm):
    times = [f"{timedelta(seconds=int(second))!s:0>8}" for second in seconds]
    dataset = [{"time": time, "value": int(rate)} for time, rate in zip(times, bpm, strict=True)]
    head = [{"dateTime": "2024-03-01", "value": {"restingHeartRate": 55}}]
    return json.dumps({"activities-heart": head, "activities-heart-intraday": {"dataset": dataset}})


@settings(deadline=None, max_examples=25)
@given(
    steps=st.lists(st.integers(1, 60), min_size=2, max_size=80),
    data=st.data(),
)
def test_what_is_written_comes_back(steps, data, tmp_path_factory):
    seconds = np.cumsum(steps)
    bpm = np.array(data.draw(st.lists(st.integers(30, 200), min_size=len(steps), max_size=len(steps))))
    home = tmp_path_factory.mktemp("fitbit")
    for name, text in export(seconds, bpm).items():
        (home / name).write_text(text)
    (home / "night.csv").write_text(takeout(seconds, bpm))
    (home / "day.json").write_text(intraday(seconds, bpm))
    files = [(home, EVENING), (home / "night.csv", EVENING), (home / "day.json", EVENING.replace(hour=0, minute=0))]
    for path, start in files:
        recording = staging.read(path, format="fitbit")
        zero = start.replace(second=0) if path.name == "day.json" else start
        assert recording.start == zero + timedelta(seconds=int(seconds[0]))
        np.testing.assert_array_equal(recording.hr.times_s, seconds - seconds[0])
        np.testing.assert_array_equal(recording.hr.values, bpm)


@pytest.mark.parametrize("packed", [False, True])
def test_a_night_over_midnight_is_one_recording_and_is_staged(folder, tmp_path, packed):
    home = folder(export(*heart_of_a_night()))
    assert len(list(home.iterdir())) == 2
    path = zip_of(home) if packed else home
    recording = staging.read(path)
    assert (recording.device, recording.start) == ("Fitbit", EVENING)
    assert recording.warnings == ()
    hypnogram = staged(path, tmp_path / "out")
    assert len(hypnogram) == 840
    assert np.mean(hypnogram.stages != "UNSCORED") > 0.99


def test_70_bpm_of_confidence_0_is_a_watch_off_the_wrist_and_no_heart_rate(folder):
    entries = [entry(EVENING + timedelta(seconds=second), 61 + second // 10) for second in range(0, 100, 10)]
    entries[3] = entry(EVENING + timedelta(seconds=30), 70, 0)
    recording = staging.read(folder({"heart_rate-2024-03-01.json": json.dumps(entries)}))
    np.testing.assert_array_equal(recording.hr.values, [61, 62, 63, np.nan, *range(65, 71)])
    assert recording.warnings == ("1 heart rates of confidence 0 taken for none",)


def test_of_many_days_the_last_night_is_read_and_the_others_are_named(folder):
    seconds, bpm = heart_of_a_night(6, step_s=60)
    files = {}
    for day in range(12):
        files |= export(seconds, bpm, EVENING.replace(hour=1) + timedelta(days=day))
    recording = staging.read(folder({f"Takeout/Fitbit/{name}": text for name, text in files.items()}))
    assert recording.start == EVENING.replace(hour=1) + timedelta(days=11)
    assert len(recording.hr.values) == len(bpm)
    named, unread = recording.warnings
    assert "10 earlier files, heart_rate-2024-03-01.json to heart_rate-2024-03-10.json, not read" in unread + named
    assert "left out: 2024-03-11 01:10 to 2024-03-11 07:09" in unread + named


def test_times_of_the_web_api_are_the_watchs_own_and_that_is_said(folder):
    recording = staging.read(folder({"day.json": intraday(*heart_of_a_night(1))}) / "day.json")
    assert recording.warnings == ("day.json has no time zone; its start 2024-03-01 00:00:00 is taken as UTC",)


def test_a_takeout_names_its_device_as_well(folder):
    rows = "2024-03-01T22:10:05Z,61.0,Charge 6\n2024-03-01T22:10:10Z,62,Charge 6\n"
    recording = staging.read(folder({"heart_rate_2024-03-01.csv": f"timestamp,beats per minute,data source\n{rows}"}))
    assert recording.hr.values.tolist() == [61, 62]


def test_resting_heart_rates_and_sleep_beside_are_not_read(folder):
    files = export(*heart_of_a_night(1))
    files |= {"resting_heart_rate-2024-03-01.json": '[{"dateTime": "03/01/24 00:00:00", "value": {"date": "x"}}]'}
    files |= {"sleep-2024-03-01.json": '[{"logId": 1, "dateOfSleep": "2024-03-01", "levels": {}}]'}
    assert len(staging.read(folder(files)).hr.values) == 720


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[{"dateTime": "03/01/24 22:10:05", "value": {"bpm": 61, "confidence": 2}}', "is not JSON"),
        (json.dumps([entry(EVENING, 61), {"dateTime": "03/01/24 22:10:10"}]), "entry 2 is no heart rate"),
        (json.dumps([entry(EVENING, 61), entry(EVENING, "x")]), "entry 2 is no heart rate with a dateTime"),
        (json.dumps([entry(EVENING, 61), {**entry(EVENING, 61), "dateTime": "13/41/24 22:10:05"}]), "entry 2 is no"),
        (json.dumps([entry(EVENING, 61), 7]), "entry 2 is no heart rate"),
        (json.dumps([entry(EVENING, 61), {**entry(EVENING, 61), "dateTime": 7}]), "entry 2 is no"),
        (json.dumps([entry(EVENING, 61), entry(EVENING, 10**400)]), "entry 2 is no"),
        ('{"activities-heart-intraday": {"dataset": []}}', "is no intraday heart rate of one date"),
        (
            '{"activities-heart": [{"dateTime": "today"}], "activities-heart-intraday": {"dataset": [{"time": "1"}]}}',
            "no",
        ),
    ],
)
def test_a_damaged_file_is_named_with_what_is_wrong(folder, text, message):
    home = folder({"heart_rate-2024-03-01.json": text})
    with pytest.raises(FormatError, match=message) as caught:
        staging.read(home)
    assert "\n" not in str(caught.value)
    assert "heart_rate-2024-03-01.json" in str(caught.value)


def test_bytes_that_are_no_text_are_refused(folder):
    home = folder({})
    content = export(*heart_of_a_night(1))["heart_rate-2024-03-01.json"].encode()
    (home / "heart_rate-2024-03-01.json").write_bytes(content[:3000] + b"\xff\xfe" + content[3000:])
    with pytest.raises(FormatError, match="is not JSON"):
        staging.read(home)


def test_times_that_go_back_are_put_in_order_and_said(folder):
    entries = [entry(EVENING + timedelta(seconds=second), 60 + second // 5) for second in (0, 10, 5, 15)]
    recording = staging.read(folder({"heart_rate-2024-03-01.json": json.dumps(entries)}))
    assert recording.hr.values.tolist() == [60, 61, 62, 63]
    assert any("1 times go back" in warning for warning in recording.warnings)


def test_a_watch_that_was_never_worn_is_refused(folder):
    entries = [entry(EVENING + timedelta(seconds=second), 70, 0) for second in range(0, 600, 10)]
    with pytest.raises(RecordingError, match="hr holds no values"):
        staging.read(folder({"heart_rate-2024-03-01.json": json.dumps(entries)}))


def test_a_real_file(shared_data):
    path = shared_data / "device_files" / "ggirread" / "heart_rate-1995-06-24.json"
    entries = json.loads(path.read_text())
    sure = [each for each in entries if each["value"]["confidence"]]
    recording = staging.read(path)
    assert recording.start == datetime(1995, 6, 24, 16, 0, 30, tzinfo=UTC)
    assert np.count_nonzero(np.isfinite(recording.hr.values)) == len(sure)
    assert recording.hr.values[0] == sure[0]["value"]["bpm"] == 69
