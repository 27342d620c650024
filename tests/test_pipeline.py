"""From a file to a scored night: the whole way in one function."""

from __future__ import annotations

from types import SimpleNamespace
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from staging import pipeline
from staging.architecture import SequencePosterior
from staging.errors import RecordingError
from staging.hypnogram import Hypnogram
from staging.pipeline import intervals_of, score_file
from staging.when import parse_lights

BERLIN = ZoneInfo("Europe/Berlin")


def plain(folder, *, minutes=120, start="2026-03-01T22:30:00+00:00"):
    folder.mkdir()
    rows = "\n".join(f"{t},{60 + t // 300 % 9}" for t in range(0, minutes * 60, 5))
    (folder / "hr.csv").write_text(f"t_s,bpm\n{rows}\n", encoding="utf-8")
    (folder / "recording.toml").write_text(f'start = "{start}"\ndevice = "made up"\n', encoding="utf-8")
    return folder


def test_a_file_becomes_a_night_in_the_zone_that_was_asked_for(tmp_path):
    steps = []
    night = score_file(plain(tmp_path / "P01"), name="P01", zone=BERLIN, n_classes=3, say=steps.append)
    assert night.hypnogram.n_classes == 3
    assert night.hypnogram.start.utcoffset().total_seconds() == 3600
    assert night.clock.text(0.0) == "23:30"
    assert night.coverage_pct()["heart"] > 95
    assert night.model.name
    assert len(steps) == 4


def test_a_recording_that_is_too_short_is_refused_by_name(tmp_path):
    with pytest.raises(RecordingError, match=r"P01.*5\.0 min"):
        score_file(plain(tmp_path / "P01", minutes=5))


def test_lights_that_the_user_knows_replace_those_of_the_file(tmp_path):
    night = score_file(plain(tmp_path / "P01"), lights_off=parse_lights("22:45"), lights_on=parse_lights("00:15"))
    assert night.lights_known
    assert (night.hypnogram.lights_off_s, night.hypnogram.lights_on_s) == (900.0, 6300.0)
    assert night.architecture.tib_min == 90.0


def test_intervals_are_those_of_the_posterior_for_the_number_of_classes(monkeypatch):
    model = SimpleNamespace(posteriors={2: SequencePosterior.usual(2)})
    monkeypatch.setattr(pipeline, "load_model", lambda path: model)
    night = Hypnogram(stages=["S"] * 60, n_classes=2, probabilities=np.tile(np.float32([0.3, 0.7]), (60, 1)))
    found = intervals_of(night)["tst_min"]
    assert 0 <= found.low < found.high <= 30
    assert intervals_of(Hypnogram(stages=["S"] * 60, n_classes=2)) is None
    of_three = np.tile(np.float32([0.3, 0.3, 0.4]), (60, 1))
    assert intervals_of(Hypnogram(stages=["R"] * 60, n_classes=3, probabilities=of_three)) is None
