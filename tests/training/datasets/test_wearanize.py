"""Sessions in the published layout, with made-up numbers."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest

from staging.errors import FormatError, InputError
from tests.readers.conftest import START
from training.datasets import load_nights, sources

from .made_signals import BPM, pulse, wrist

SECONDS = 1800
CODES = [0, 1, 2, 3, 4, 5, *[2] * 34]


def write(folder, night="Sub001s1", codes=tuple(CODES), shaken_s=(630, 690)) -> None:
    """Half an hour of a wristband, shaken for a minute, and 20 minutes of stages."""
    home = folder / "1.Raw_data" / night / "3.Empatica"
    home.mkdir(parents=True)
    acc = np.rint(64 * wrist(SECONDS, 32, shaken_s=shaken_s)).astype(int)
    texts = {
        "ACC.csv": (", ".join([f"{START}.0"] * 3), "32.0, 32.0, 32.0", *(f"{x},{y},{z}" for x, y, z in acc)),
        "BVP.csv": (f"{START}.0", "64.0", *np.char.mod("%.2f", pulse(SECONDS, 64)).tolist()),
        "TEMP.csv": (f"{START}.0", "4.0", *["33.50"] * (4 * SECONDS)),
    }
    with zipfile.ZipFile(home / f"{night}_Empatica_data.zip", "w") as archive:
        for name, lines in texts.items():
            archive.writestr(name, "\n".join(lines) + "\n")
    scores = folder / "2.Sleep_scores" / "1.PSG_manual_scores_scorer1"
    scores.mkdir(parents=True, exist_ok=True)
    (scores / f"{night}.txt").write_text("stage arousal\n" + "".join(f"{code} 0\n" for code in codes))
    other = folder / "2.Sleep_scores" / "2.PSG_manual_scores_scorer2"
    other.mkdir(exist_ok=True)
    (other / f"{night}.txt").write_text("stage arousal\n" + "4 0\n" * len(codes))


def offsets(folder, *rows: str, header="night,offset_s,drift_s_per_h") -> None:
    (folder / "offsets.csv").write_text("\n".join([header, *rows]) + "\n", encoding="ascii")


@pytest.mark.parametrize("header", ["night,offset_s", "night,offset_s,drift_s_per_h"])
def test_the_scoring_begins_where_the_file_of_offsets_says(tmp_path, header):
    write(tmp_path)
    offsets(tmp_path, "Sub001s1,600" + ",0" * (header.count(",") - 1), header=header)
    (night,) = load_nights({"wearanize": tmp_path})
    assert (night.dataset, night.subject) == ("wearanize", "Sub001")
    assert night.reference.tolist() == [0, 1, 2, 3, 4, -1, *[2] * 34]
    assert np.flatnonzero(night.tracks.counts > 5).tolist() == [2, 3, 4, 5]
    assert night.groups == {"clock", "heart", "counts", "posture", "temperature"}
    assert np.nanmedian(night.tracks.heart_rate_bpm) == pytest.approx(BPM, abs=1)
    assert night.tracks.start.timestamp() == START + 600


def test_a_clock_that_gains_is_brought_back_to_the_polysomnographs(tmp_path):
    # After 600 s of scoring the wristband says 600 + 600 * 1.1: an absurd drift, to be seen in so short a night.
    write(tmp_path, shaken_s=(600 + 660, 600 + 726))
    offsets(tmp_path, "Sub001s1,600,360")
    (night,) = load_nights({"wearanize": tmp_path})
    assert np.flatnonzero(night.tracks.counts > 5).tolist() == [40, 41, 42, 43]
    assert np.nanmedian(night.tracks.heart_rate_bpm) == pytest.approx(1.1 * BPM, abs=1)


def test_sessions_of_one_person_are_of_one_subject(tmp_path):
    for night in ("Sub001s1", "Sub001s2", "Sub002s1"):
        write(tmp_path, night)
    offsets(tmp_path, "Sub001s1,600,0", "Sub001s2,600,0", "Sub002s1,600,0")
    assert [night.subject for night in load_nights({"wearanize": tmp_path})] == ["Sub001", "Sub001", "Sub002"]


def test_without_offsets_nothing_is_guessed(tmp_path, capsys):
    write(tmp_path)
    write(tmp_path, "Sub002s1")
    with pytest.raises(InputError, match=r"offsets\.csv: it is missing: nothing published says when the scoring began"):
        load_nights({"wearanize": tmp_path})
    offsets(tmp_path, "Sub002s1,600,0")
    assert [night.subject for night in load_nights({"wearanize": tmp_path})] == ["Sub002"]
    assert "offsets.csv: has no row for Sub001s1" in capsys.readouterr().err
    offsets(tmp_path, "Sub002s1,,0")
    with pytest.raises(InputError, match="lacks a number"):
        load_nights({"wearanize": tmp_path})
    offsets(tmp_path, "Sub002s1,600,0", header="id,lag,drift")
    with pytest.raises(InputError, match="its columns are id, lag, drift; name them night,offset_s,drift_s_per_h"):
        load_nights({"wearanize": tmp_path})


def test_another_offset_is_another_night_to_a_cache(tmp_path):
    write(tmp_path)
    offsets(tmp_path, "Sub001s1,600,0")
    (one,) = sources("wearanize", tmp_path)
    offsets(tmp_path, "Sub001s1,601,0")
    (other,) = sources("wearanize", tmp_path)
    assert one.name != other.name
    assert one.files == other.files


def test_damaged_nights_are_named_and_the_others_go_on(tmp_path, capsys):
    for night in ("Sub001s1", "Sub002s1", "Sub003s1"):
        write(tmp_path, night)
    offsets(tmp_path, *(f"{night},600,0" for night in ("Sub001s1", "Sub002s1", "Sub003s1")))
    packed = next(tmp_path.rglob("Sub002s1_Empatica_data.zip"))
    packed.write_bytes(packed.read_bytes()[:-40])
    scores = tmp_path / "2.Sleep_scores" / "1.PSG_manual_scores_scorer1" / "Sub003s1.txt"
    scores.write_text(scores.read_text().replace("4 0", "44 0"))
    assert [night.subject for night in load_nights({"wearanize": tmp_path})] == ["Sub001"]
    error = capsys.readouterr().err
    assert "Sub002s1_Empatica_data.zip: the zip is cut short or damaged" in error
    assert "Sub003s1.txt: has the unknown stage 44" in error


def test_a_night_that_lacks_a_part_is_named(tmp_path, capsys):
    for night in ("Sub001s1", "Sub002s1", "Sub003s1"):
        write(tmp_path, night)
    offsets(tmp_path, "Sub001s1,600,0", "Sub002s1,600,0", "Sub003s1,600,0", "Sub009s1,600,0")
    next(tmp_path.rglob("Sub002s1_Empatica_data.zip")).unlink()
    next(tmp_path.rglob("*scorer1/Sub003s1.txt")).unlink()
    assert [night.subject for night in load_nights({"wearanize": tmp_path})] == ["Sub001"]
    error = capsys.readouterr().err
    for message in (
        "Sub002s1_Empatica_data.zip is missing",
        "Sub003s1.txt of the first scorer is missing",
        "has a row for Sub009s1, which is not there",
    ):
        assert message in error


def test_a_file_of_offsets_without_a_row_is_refused(tmp_path):
    write(tmp_path)
    offsets(tmp_path)
    with pytest.raises(FormatError, match="has no row"):
        load_nights({"wearanize": tmp_path})
