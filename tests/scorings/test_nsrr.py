"""NSRR annotations."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from staging.errors import FormatError
from staging.scorings import read_hypnogram, read_hypnograms

HEAD = """<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<PSGAnnotation>
<SoftwareVersion>Compumedics</SoftwareVersion>
<EpochLength>30</EpochLength>
<ScoredEvents>
<ScoredEvent>
<EventType/>
<EventConcept>Recording Start Time</EventConcept>
<Start>0</Start>
<Duration>240.0</Duration>
<ClockTime>00.00.00 22.30.15</ClockTime>
</ScoredEvent>
<ScoredEvent>
<EventType>Respiratory|Respiratory</EventType>
<EventConcept>Hypopnea|Hypopnea</EventConcept>
<Start>10.0</Start>
<Duration>20.0</Duration>
</ScoredEvent>
"""


def stage(concept: str, start: object, duration: object) -> str:
    return (
        "<ScoredEvent>\n<EventType>Stages|Stages</EventType>\n"
        f"<EventConcept>{concept}</EventConcept>\n<Start>{start}</Start>\n<Duration>{duration}</Duration>\n</ScoredEvent>\n"
    )


def saved(tmp_path, *events: str, head: str = HEAD, tail: str = "</ScoredEvents>\n</PSGAnnotation>\n"):
    path = tmp_path / "mesa-sleep-0000-nsrr.xml"
    path.write_text(head + "".join(events) + tail)
    return path


def test_concepts_are_stages_by_their_number(tmp_path):
    concepts = ["Wake|0", "Stage 1 sleep|1", "Stage 2 sleep|2", "Stage 3 sleep|3", "Stage 4 sleep|4", "REM sleep|5"]
    events = [
        stage(concept, 30.0 * index, 30.0) for index, concept in enumerate([*concepts, "Unscored|9", "Movement|6"])
    ]
    hypnogram = read_hypnogram(saved(tmp_path, *events))
    assert hypnogram.stages.tolist() == ["W", "N1", "N2", "N3", "N3", "R", "UNSCORED", "UNSCORED"]
    assert (hypnogram.n_classes, hypnogram.epoch_s) == (5, 30.0)


def test_the_clock_of_a_resource_without_dates(tmp_path):
    hypnogram = read_hypnogram(saved(tmp_path, stage("Wake|0", 30.0, 60.0)), zone="America/New_York")
    assert hypnogram.start == datetime(1985, 1, 1, 22, 30, 45, tzinfo=ZoneInfo("America/New_York"))
    assert read_hypnogram(saved(tmp_path, stage("Wake|0", 30.0, 60.0))).start is None


def test_the_epoch_length_is_that_of_the_file(tmp_path):
    path = saved(tmp_path, stage("Wake|0", 0, 40), head=HEAD.replace("<EpochLength>30", "<EpochLength>20"))
    assert (read_hypnogram(path).epoch_s, len(read_hypnogram(path))) == (20.0, 2)


def test_a_last_piece_of_an_epoch_is_left_out(tmp_path):
    hypnogram = read_hypnogram(saved(tmp_path, stage("Wake|0", 0, 60), stage("REM sleep|5", 60, 41)))
    assert hypnogram.stages.tolist() == ["W", "W", "R"]
    assert "less than an epoch" in hypnogram.warnings[0]


def test_two_nights_in_a_file_are_parted(tmp_path):
    nights = read_hypnograms(saved(tmp_path, stage("Wake|0", 0, 60), stage("Wake|0", 90000, 60)))
    assert [len(night) for night in nights] == [2, 2]


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([stage("Dozing|8", 0, 30)], "line 19 has the unknown stage 'Dozing|8'"),
        ([stage("Wake|0", 0, 60), stage("Wake|0", 30, 30)], "line 25 begins at 30 s, within the one before it"),
        ([stage("Wake|0", 60, 30), stage("Wake|0", 0, 30)], "line 25 begins at 0 s, before the one before it"),
        ([stage("Wake|0", "x", 30)], "line 19 has no Start or Duration in seconds"),
        ([], "has no events of type Stages|Stages"),
        (["<ScoredEvent>"], "is not XML (mismatched tag)"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path, events, words):
    with pytest.raises(FormatError) as caught:
        read_hypnogram(saved(tmp_path, *events))
    assert words in str(caught.value)


def test_a_file_that_is_cut_short_is_refused(tmp_path):
    with pytest.raises(FormatError, match="is not XML"):
        read_hypnogram(saved(tmp_path, stage("Wake|0", 0, 60), tail=""))
