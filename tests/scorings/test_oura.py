"""Oura's sleep documents."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest

from staging.errors import FormatError
from staging.scorings import read_hypnogram, read_hypnograms

START = "2024-03-01T23:10:30+02:00"


def saved(tmp_path, content: object):
    path = tmp_path / "sleep.json"
    path.write_text(json.dumps(content))
    return path


def document(**changes: object) -> dict[str, object]:
    base = {
        "id": "1",
        "day": "2024-03-02",
        "type": "long_sleep",
        "bedtime_start": START,
        "bedtime_end": "2024-03-02T06:10:30+02:00",
        "sleep_phase_5_min": "4213",
    }
    return {**base, **changes}


def test_the_phases_of_5_minutes(tmp_path):
    hypnogram = read_hypnogram(saved(tmp_path, {"data": [document()], "next_token": None}))
    assert hypnogram.stages.tolist() == ["W", "LIGHT", "DEEP", "R"]
    assert (hypnogram.epoch_s, hypnogram.n_classes) == (300.0, 4)
    assert hypnogram.start == datetime(2024, 3, 1, 23, 10, 30, tzinfo=timezone(timedelta(hours=2)))


def test_the_phases_of_30_seconds_are_preferred(tmp_path):
    hypnogram = read_hypnogram(saved(tmp_path, document(sleep_phase_30_sec="44421")))
    assert (len(hypnogram), hypnogram.epoch_s) == (5, 30.0)


def test_every_sleep_is_a_night_of_its_own_in_order_of_time(tmp_path):
    later = document(day="2024-03-03", bedtime_start="2024-03-02T22:00:00+02:00", sleep_phase_5_min="22")
    deleted = document(type="deleted")
    rest = document(type="rest")
    without = document(sleep_phase_5_min=None)
    nights = read_hypnograms(saved(tmp_path, [later, deleted, document(), rest, without]))
    assert [len(night) for night in nights] == [4, 2]
    assert nights[0].source.endswith("(night 1 of 2)")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([document(sleep_phase_5_min="4251")], "sleep_phase_5_min of 2024-03-02 has '5' at place 3"),
        ([document(bedtime_start="2024-03-01T23:10:30")], "2024-03-02 has the bedtime_start"),
        ([document(bedtime_start=None)], "it must be ISO 8601 with an offset"),
        ([document(type="deleted")], "no document has sleep phases"),
        ({"data": "sleep_phase_5_min"}, "is no list of sleep documents"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, content, words):
    with pytest.raises(FormatError) as caught:
        read_hypnograms(saved(tmp_path, content), format="oura")
    assert words in str(caught.value)
