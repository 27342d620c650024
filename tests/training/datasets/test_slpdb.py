"""Files in the published MIT format, with made-up beats and stages."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging.errors import FormatError, InputError
from training.datasets import load_nights
from training.datasets.mit_annotations import read_annotations

NORMAL, STAGE, AUX, SKIP, NUM = 1, 22, 63, 59, 60


def word(code: int, interval: int) -> bytes:
    return struct.pack("<H", code << 10 | interval)


def annotations(entries: list[tuple[int, int, str]]) -> bytes:
    """Entries ``(sample, code, note)`` as the format has them: steps in time, long ones through SKIP."""
    raw, now = b"", 0
    for sample, code, note in entries:
        step, now = sample - now, sample
        if step > 1023:
            raw += word(SKIP, 0) + struct.pack("<HH", step >> 16, step & 0xFFFF)
            step = 0
        raw += word(code, step)
        if note:
            text = note.encode()
            raw += word(AUX, len(text)) + text + b"\0" * (len(text) % 2)
    return raw + word(0, 0)


@given(st.lists(st.integers(1, 200_000), min_size=1, max_size=40))
@settings(deadline=None, max_examples=40)
def test_samples_come_back_whatever_the_steps(tmp_path_factory, steps):
    path = tmp_path_factory.mktemp("mit") / "a.ecg"
    samples = np.cumsum(steps)
    path.write_bytes(annotations([(int(sample), NORMAL, "") for sample in samples]))
    np.testing.assert_array_equal(read_annotations(path).samples, samples)


def test_an_annotation_at_sample_0_is_kept(tmp_path):
    (tmp_path / "a.st").write_bytes(annotations([(0, STAGE, "W"), (7500, STAGE, "1")]))
    found = read_annotations(tmp_path / "a.st")
    assert found.samples.tolist() == [0, 7500]
    assert found.notes == ("W", "1")


def test_modifiers_take_no_time(tmp_path):
    raw = word(NORMAL, 10) + word(NUM, 900) + word(NORMAL, 5) + word(0, 0)
    (tmp_path / "a.ecg").write_bytes(raw)
    assert read_annotations(tmp_path / "a.ecg").samples.tolist() == [10, 15]


@pytest.mark.parametrize("raw", [b"", word(0, 0), word(NORMAL, 1) + word(AUX, 40) + b"W", word(SKIP, 0)])
def test_a_file_cut_short_is_named(tmp_path, raw):
    (tmp_path / "a.st").write_bytes(raw)
    with pytest.raises(FormatError, match=r"a\.st"):
        read_annotations(tmp_path / "a.st")


def a_record(folder: Path, name: str, stages: str, bpm: float = 60.0) -> None:
    epochs = stages.split()
    seconds = 30 * len(epochs)
    (folder / f"{name}.hea").write_text(f"{name} 4 250 {seconds * 250} 23:07:00 19/1/1989\n", encoding="ascii")
    beats = np.arange(1.0, seconds, 60.0 / bpm)
    (folder / f"{name}.ecg").write_bytes(annotations([(round(t * 250), NORMAL, "") for t in beats]))
    marks = [(1 if i == 0 else i * 7500, STAGE, stage.replace("_", " ")) for i, stage in enumerate(epochs)]
    (folder / f"{name}.st").write_bytes(annotations(marks))


def test_rk_stages_become_aasm_and_movement_time_is_unscored(tmp_path):
    a_record(tmp_path, "slp01a", " ".join(["W", "1", "2", "3", "4", "R", "MT", "2_HA"] * 5))
    (night,) = load_nights({"slpdb": tmp_path})
    assert night.reference[:8].tolist() == [0, 1, 2, 3, 3, 4, -1, 2]
    np.testing.assert_allclose(night.tracks.heart_rate_bpm[12:60], 60.0, rtol=1e-3)
    assert night.tracks.start.hour == 23


def test_records_of_one_man_are_one_subject(tmp_path):
    for name in ("slp01a", "slp01b", "slp02a", "slp03"):
        a_record(tmp_path, name, " ".join(["2"] * 40))
    assert [night.subject for night in load_nights({"slpdb": tmp_path})] == ["slp01", "slp01", "slp02", "slp03"]


def test_a_broken_record_is_named_and_left_out_or_stops(tmp_path, capsys):
    a_record(tmp_path, "slp03", " ".join(["2"] * 40))
    a_record(tmp_path, "slp04", " ".join(["2"] * 40))
    (tmp_path / "slp04.ecg").unlink()
    assert len(load_nights({"slpdb": tmp_path})) == 1
    assert "slp04.ecg" in capsys.readouterr().err
    with pytest.raises(FormatError, match=r"slp04\.ecg"):
        load_nights({"slpdb": tmp_path}, strict=True)


@pytest.mark.parametrize(
    ("ending", "content", "message"),
    [
        (".hea", None, "slp04.hea: it is missing"),
        (".hea", b"slp04 4 250 1 24:07:00 19/1/1989", "slp04.hea: it begins at 24:07:00 19/1/1989, which is no time"),
        (
            ".st",
            annotations([(9000, STAGE, "W")])[:-2]
            + word(SKIP, 0)
            + struct.pack("<HH", 0xFFFF, 0xDEAD)
            + word(STAGE, 0)
            + word(0, 0),
            "slp04.st: its annotations go back in time",
        ),
    ],
)
def test_a_damaged_or_missing_file_is_named_and_the_others_go_on(tmp_path, capsys, ending, content, message):
    a_record(tmp_path, "slp03", " ".join(["2"] * 40))
    a_record(tmp_path, "slp04", " ".join(["2"] * 40))
    file = tmp_path / f"slp04{ending}"
    file.unlink() if content is None else file.write_bytes(content)
    assert [night.subject for night in load_nights({"slpdb": tmp_path})] == ["slp03"]
    assert message in capsys.readouterr().err


def test_a_header_may_hold_any_bytes_and_names_any_case(tmp_path):
    a_record(tmp_path, "SLP04", " ".join(["2"] * 40))
    with (tmp_path / "SLP04.hea").open("ab") as header:
        header.write(b"# caf\xe9\n")
    (night,) = load_nights({"slpdb": tmp_path})
    assert (night.subject, night.tracks.start.hour) == ("slp04", 23)


def test_a_record_under_another_name_is_named(tmp_path, capsys):
    a_record(tmp_path, "slp04", " ".join(["2"] * 40))
    a_record(tmp_path, "my_slp14", " ".join(["2"] * 40))
    (tmp_path / "README.st").write_text("stages", encoding="ascii")
    assert [night.subject for night in load_nights({"slpdb": tmp_path})] == ["slp04"]
    error = capsys.readouterr().err
    assert "my_slp14.*: is not named as the set's records are" in error
    assert "README" not in error


def test_a_folder_that_is_not_there_is_said_to_be_so(tmp_path):
    with pytest.raises(InputError, match="there is no such folder"):
        load_nights({"slpdb": tmp_path / "nowhere"})


def test_labels_of_another_night_are_refused(tmp_path, capsys):
    a_record(tmp_path, "slp03", " ".join(["2"] * 40))
    a_record(tmp_path, "slp04", " ".join(["2"] * 200))
    (tmp_path / "slp04.ecg").write_bytes((tmp_path / "slp03.ecg").read_bytes())
    assert [night.subject for night in load_nights({"slpdb": tmp_path})] == ["slp03"]
    assert "same night" in capsys.readouterr().err


def test_an_empty_folder_and_an_unknown_set_are_refused(tmp_path):
    with pytest.raises(InputError, match="no night of slpdb"):
        load_nights({"slpdb": tmp_path})
    with pytest.raises(InputError, match="no such data set"):
        load_nights({"surprise": tmp_path})


def test_the_real_set(shared_data):
    nights = load_nights({"slpdb": shared_data / "slpdb"}, strict=True)
    assert len(nights) == 18
    assert len({night.subject for night in nights}) == 16
    assert all(np.isfinite(night.tracks.heart_rate_bpm).mean() > 0.95 for night in nights)
