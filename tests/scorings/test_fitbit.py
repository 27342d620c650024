"""Fitbit's sleep logs."""

from __future__ import annotations

import json
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from staging.architecture import summarize
from staging.errors import FormatError
from staging.scorings import read_hypnogram, read_hypnograms


def row(clock: str, level: str, seconds: object) -> dict[str, object]:
    return {"dateTime": f"2024-03-0{clock}.000", "level": level, "seconds": seconds}


def log(*data: dict[str, object], short: tuple[dict[str, object], ...] = (), **changes: object) -> dict[str, object]:
    return {
        "logId": 7,
        "dateOfSleep": "2024-03-02",
        "startTime": "2024-03-01T23:00:00.000",
        "type": "stages",
        "levels": {"summary": {}, "data": list(data), "shortData": list(short)},
        **changes,
    }


STAGES = (
    row("1T23:00:00", "wake", 60),
    row("1T23:01:00", "light", 120),
    row("1T23:03:00", "deep", 60),
    row("1T23:04:00", "rem", 30),
)


def saved(tmp_path, content: object):
    path = tmp_path / "sleep-2024-03-02.json"
    path.write_text(json.dumps(content))
    return path


def test_levels_are_stages_of_30_seconds(tmp_path):
    hypnogram = read_hypnogram(saved(tmp_path, [log(*STAGES)]), zone="Europe/Dublin")
    assert hypnogram.stages.tolist() == [*["W"] * 2, *["LIGHT"] * 4, *["DEEP"] * 2, "R"]
    assert (hypnogram.n_classes, hypnogram.epoch_s) == (4, 30.0)
    assert hypnogram.start == datetime(2024, 3, 1, 23, tzinfo=ZoneInfo("Europe/Dublin"))


def test_short_wakes_lie_on_top(tmp_path):
    short = (row("1T23:01:30", "wake", 60), row("1T23:04:00", "rem", 30))
    hypnogram = read_hypnogram(saved(tmp_path, [log(*STAGES, short=short)]))
    assert hypnogram.stages.tolist() == ["W", "W", "LIGHT", "W", "W", "LIGHT", "DEEP", "DEEP", "R"]


def test_classic_logs_are_sleep_and_wake_of_60_seconds(tmp_path):
    data = (row("1T23:00:00", "restless", 60), row("1T23:01:00", "asleep", 120), row("1T23:03:00", "awake", 60))
    hypnogram = read_hypnogram(saved(tmp_path, [log(*data, type="classic")]))
    assert (hypnogram.stages.tolist(), hypnogram.epoch_s) == (["W", "S", "S", "W"], 60.0)


def test_without_a_zone_the_start_is_left_out(tmp_path):
    hypnogram = read_hypnogram(saved(tmp_path, [log(*STAGES)]))
    assert hypnogram.start is None
    assert "unknown time zone" in hypnogram.warnings[0]


def test_an_answer_of_the_web_api_and_several_logs(tmp_path):
    nap = log(row("1T14:00:00", "asleep", 600), type="classic", startTime="2024-03-01T14:00:00.000")
    nights = read_hypnograms(saved(tmp_path, {"sleep": [log(*STAGES), nap], "summary": {}}))
    assert [night.n_classes for night in nights] == [2, 4]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([log(row("1T23:00:00", "dozing", 60))], "entry 1 of data of log 7 has the unknown level 'dozing'"),
        ([log(row("1T23:00:00", "wake", "long"))], "entry 1 of data of log 7 has no number of seconds"),
        ([log({"dateTime": "late", "level": "wake", "seconds": 30})], "has the time 'late'"),
        ([log(STAGES[0], row("1T23:00:30", "light", 60))], "entry 2 of data of log 7 begins at 30 s, within"),
        ([log(STAGES[0], row("1T23:01:15", "light", 60))], "which is not a whole number of epochs"),
        ([log()], "log 7 has no levels.data"),
        ([], "is no list of sleep logs"),
        ([{"dateOfSleep": "2024-03-02"}], "is no list of sleep logs"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, content, words):
    with pytest.raises(FormatError) as caught:
        read_hypnograms(saved(tmp_path, content), format="fitbit")
    assert words in str(caught.value)


def test_a_real_export_has_the_minutes_that_fitbit_counts(shared_data):
    paths = sorted((shared_data / "device_files").rglob("sleep-*.json"))
    if not paths:
        pytest.skip("no Fitbit export is among the real data")
    for path in paths:
        logs = sorted(json.loads(path.read_text()), key=lambda each: each["startTime"])
        nights = read_hypnograms(path)
        assert len(nights) == len(logs)
        for night, entry in zip(nights, logs, strict=True):
            np.testing.assert_allclose(summarize(night).tst_min, entry["minutesAsleep"], atol=5)
            np.testing.assert_allclose(summarize(night).tib_min, entry["timeInBed"], atol=5)
