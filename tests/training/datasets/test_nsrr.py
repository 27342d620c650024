"""MESA and CFS in the layout of the National Sleep Research Resource, with made-up numbers."""

from __future__ import annotations

import edfio
import numpy as np
import pytest

from staging.errors import FormatError
from training.datasets import load_nights, sources
from training.night import NightSource

from .made_signals import BPM, pulse

EPOCHS = 40
CONCEPTS = {
    "W": "Wake|0",
    "N1": "Stage 1 sleep|1",
    "N2": "Stage 2 sleep|2",
    "N3": "Stage 3 sleep|3",
    "N4": "Stage 4 sleep|4",
    "R": "REM sleep|5",
    "?": "Unscored|9",
}
STAGES = [("W", 2), ("N1", 1), ("N2", 4), ("N3", 2), ("N4", 1), ("R", 3), ("?", 1), ("N2", EPOCHS - 14)]
CODES = [0, 0, 1, 2, 2, 2, 2, 3, 3, 3, 4, 4, 4, -1, *[2] * (EPOCHS - 14)]


def write_events(file, begin_s: float = 0.0) -> None:
    events, now = [], begin_s
    for stage, epochs in STAGES:
        events.append(
            "<ScoredEvent><EventType>Stages|Stages</EventType>"
            f"<EventConcept>{CONCEPTS[stage]}</EventConcept><Start>{now}</Start>"
            f"<Duration>{30.0 * epochs}</Duration></ScoredEvent>"
        )
        now += 30 * epochs
    events.insert(
        3,
        "<ScoredEvent><EventType>Arousals|Arousals</EventType><EventConcept>Arousal|Arousal ()</EventConcept>"
        "<Start>31.5</Start><Duration>4</Duration></ScoredEvent>",
    )
    head = "<PSGAnnotation><SoftwareVersion>Compumedics</SoftwareVersion><EpochLength>30</EpochLength><ScoredEvents>"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{head}{''.join(events)}</ScoredEvents></PSGAnnotation>", encoding="utf-8")


def write_edf(file, label: str | None = "Pleth", seconds: int = 30 * EPOCHS, delay_s: int = 0) -> None:
    """An oximeter's wave and rate beside an EEG; silent before the delay is over."""
    wave = pulse(seconds, 64)
    wave[: delay_s * 64] = 0
    wave[0] = 1
    signals = [edfio.EdfSignal(np.sin(np.arange(seconds * 32)), 32, label="EEG1", physical_dimension="uV")]
    if label is not None:
        signals.append(edfio.EdfSignal(wave, 64, label=label))
    file.parent.mkdir(parents=True, exist_ok=True)
    edfio.Edf(signals, data_record_duration=1).write(file)


def write_beats(file, bpm: float) -> None:
    beats_s = np.arange(0.4, 30 * EPOCHS, 60 / bpm)
    rows = "".join(f"{beat},{round(second * 256)},{second:.6f},0\n" for beat, second in enumerate(beats_s))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"beat,RPoint,seconds,Type\n{rows}", encoding="ascii")


def write_actigraphy(folder, subject: str, start_line: int = 50, late_s: int = 0) -> None:
    """Movement in epochs 2 and 20 of the PSG, off the wrist in 9, no count in 11."""
    rows = []
    for line in range(1, start_line + EPOCHS + 30):
        epoch = line - start_line
        activity = "" if epoch == 11 else str(80 if epoch in (2, 20) else 0)
        second = 21 * 3600 + 30 * line
        clock = f"{second // 3600 % 24:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
        rows.append(f"{int(subject)},{line},{clock},{int(epoch == 9)},{activity},0,1.5,0,0,0,0,ACTIVE,1,1,1\n")
    head = "mesaid,line,linetime,offwrist,activity,marker,whitelight,redlight,greenlight,bluelight,wake,interval,"
    (folder / "actigraphy").mkdir(exist_ok=True)
    file = folder / "actigraphy" / f"mesa-sleep-{subject}.csv"
    file.write_text(f"{head}dayofweek,daybymidnight,daybynoon\n{''.join(rows)}", encoding="ascii")
    (folder / "overlap").mkdir(exist_ok=True)
    at = 21 * 3600 + 30 * start_line
    clocks = [f"{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}" for s in (at, at - late_s)]
    table = folder / "overlap" / "mesa-actigraphy-psg-overlap.csv"
    table.write_text(f"mesaid,line,linetime,starttime_psg\n{int(subject)},{start_line},{','.join(clocks)}\n")


def mesa(folder, subject: str = "0001", *, label: str | None = "Pleth", edf=True, bpm=None, begin_s=0.0, delay_s=0):
    psg = folder / "polysomnography"
    write_events(psg / "annotations-events-nsrr" / f"mesa-sleep-{subject}-nsrr.xml", begin_s)
    if edf:
        write_edf(psg / "edfs" / f"mesa-sleep-{subject}.edf", label, delay_s=delay_s)
    if bpm is not None:
        write_beats(psg / "annotations-rpoints" / f"mesa-sleep-{subject}-rpoint.csv", bpm)


def test_a_night_of_mesa_is_pulse_and_actigraphy(tmp_path):
    mesa(tmp_path)
    write_actigraphy(tmp_path, "0001")
    (night,) = load_nights({"mesa": tmp_path})
    assert (night.dataset, night.subject) == ("mesa", "0001")
    assert night.reference.tolist() == CODES
    assert np.nanmedian(night.tracks.heart_rate_bpm) == pytest.approx(BPM, abs=1)
    assert night.tracks.sources == {"heart": "ppg", "motion": "counts"}
    counts = night.tracks.counts.reshape(-1, 2)
    assert counts[[2, 20]].tolist() == [[40, 40], [40, 40]]
    assert np.isnan(counts[[9, 11]]).all()
    assert not np.delete(counts, [2, 9, 11, 20], axis=0).any()


@pytest.mark.parametrize(("late_s", "bins"), [(14, [5, 6]), (-14, [3, 4])])
def test_actigraphy_is_placed_by_the_clock_times_and_not_by_the_row_alone(tmp_path, late_s, bins):
    mesa(tmp_path)
    write_actigraphy(tmp_path, "0001", late_s=late_s)
    (night,) = load_nights({"mesa": tmp_path})
    assert np.flatnonzero(night.tracks.counts > 0).tolist() == [*bins, *(36 + place for place in bins)]


@pytest.mark.parametrize(
    "damage",
    [{"edf": False}, {"label": None}, {"delay_s": 1000}],
    ids=["no EDF", "an EDF without a pulse wave", "a pulse wave that fails"],
)
def test_r_points_stand_in_for_a_pulse_wave_that_is_not_there(tmp_path, damage):
    mesa(tmp_path, bpm=80, **damage)
    (night,) = load_nights({"mesa": tmp_path})
    assert night.tracks.sources["heart"] == "ibi"
    assert np.nanmedian(night.tracks.heart_rate_bpm) == pytest.approx(80, abs=1)


def test_a_scoring_that_begins_later_than_the_edf_begins_the_night(tmp_path):
    mesa(tmp_path, begin_s=120.0, delay_s=120)
    write_actigraphy(tmp_path, "0001")
    (night,) = load_nights({"mesa": tmp_path})
    assert night.reference.tolist() == CODES
    assert np.isfinite(night.tracks.heart_rate_bpm[6 : 6 * (EPOCHS - 4) - 6]).all()
    counts = night.tracks.counts.reshape(-1, 2)
    assert np.flatnonzero(counts[:, 0] > 0).tolist() == [20 - 4]
    assert np.flatnonzero(np.isnan(counts[:, 0])).tolist() == [9 - 4, 11 - 4]


def test_actigraphy_that_nothing_places_is_left_out_and_said(tmp_path):
    mesa(tmp_path)
    write_actigraphy(tmp_path, "0001")
    (tmp_path / "overlap" / "mesa-actigraphy-psg-overlap.csv").unlink()
    (night,) = load_nights({"mesa": tmp_path})
    assert night.groups == {"clock", "heart"}
    assert any("does not place the actigraphy" in warning for warning in night.tracks.warnings)


def test_damaged_nights_of_mesa_are_named_and_the_others_go_on(tmp_path, capsys):
    psg = tmp_path / "polysomnography"
    for subject in ("0001", "0002", "0003", "0004", "0005"):
        mesa(tmp_path, subject, edf=subject != "0005")
    xml = psg / "annotations-events-nsrr" / "mesa-sleep-0002-nsrr.xml"
    xml.write_text(xml.read_text(encoding="utf-8")[:500], encoding="utf-8")
    (psg / "edfs" / "mesa-sleep-0003.edf").write_bytes(b"0       " + b"x" * 600)
    xml = psg / "annotations-events-nsrr" / "mesa-sleep-0004-nsrr.xml"
    xml.write_text(xml.read_text(encoding="utf-8").replace("REM sleep|5", "REM sleep|8"), encoding="utf-8")
    assert [night.subject for night in load_nights({"mesa": tmp_path})] == ["0001"]
    error = capsys.readouterr().err
    for message in (
        "mesa-sleep-0002-nsrr.xml: line 1 is not XML",
        "mesa-sleep-0003.edf: the EDF header is damaged",
        "mesa-sleep-0004-nsrr.xml: line 1 has the unknown stage 'REM sleep|8'",
        "neither mesa-sleep-0005.edf nor its R points are there",
    ):
        assert message in error


def test_all_files_that_a_night_is_made_from_are_named(tmp_path):
    mesa(tmp_path, bpm=70)
    write_actigraphy(tmp_path, "0001")
    (source,) = sources("mesa", tmp_path)
    assert isinstance(source, NightSource)
    assert sorted(file.name for file in source.files) == [
        "mesa-actigraphy-psg-overlap.csv",
        "mesa-sleep-0001-nsrr.xml",
        "mesa-sleep-0001-rpoint.csv",
        "mesa-sleep-0001.csv",
        "mesa-sleep-0001.edf",
    ]


@pytest.mark.parametrize("label", ["PlethWV", "Pleth"])
def test_a_night_of_cfs_is_its_pulse_wave(tmp_path, label, capsys):
    psg = tmp_path / "polysomnography"
    write_events(psg / "annotations-events-nsrr" / "cfs-visit5-800002-nsrr.xml")
    write_edf(psg / "edfs" / "cfs-visit5-800002.edf", label)
    write_events(psg / "annotations-events-nsrr" / "cfs-visit5-800010-nsrr.xml")
    write_events(psg / "annotations-events-nsrr" / "cfs-visit5-800011-nsrr.xml")
    write_edf(psg / "edfs" / "cfs-visit5-800011.edf", None)
    (night,) = load_nights({"cfs": tmp_path})
    assert (night.dataset, night.subject) == ("cfs", "800002")
    assert night.reference.tolist() == CODES
    assert np.nanmedian(night.tracks.heart_rate_bpm) == pytest.approx(BPM, abs=1)
    error = capsys.readouterr().err
    assert "cfs-visit5-800010.edf is missing" in error
    assert "cfs-visit5-800011.edf" in error


def test_a_recording_without_its_scoring_is_named(tmp_path, capsys):
    mesa(tmp_path, "0001")
    mesa(tmp_path, "0002")
    next(tmp_path.rglob("*0002-nsrr.xml")).unlink()
    assert [night.subject for night in load_nights({"mesa": tmp_path})] == ["0001"]
    assert "mesa-sleep-0002-nsrr.xml is missing" in capsys.readouterr().err
    with pytest.raises(FormatError, match="0002"):
        load_nights({"mesa": tmp_path}, strict=True)


def test_a_scoring_without_a_subjects_number_is_named(tmp_path, capsys):
    mesa(tmp_path, "0001")
    mesa(tmp_path, "abcd")
    assert [night.subject for night in load_nights({"mesa": tmp_path})] == ["0001"]
    assert "mesa-sleep-abcd-nsrr.xml: its name does not end in a subject's number" in capsys.readouterr().err
