"""Bare codes and columns of tables."""

from __future__ import annotations

import numpy as np
import pytest

from staging.errors import FormatError, InputError
from staging.hypnogram import Stage
from staging.scorings import read_hypnogram, read_hypnograms


def written(tmp_path, text: str):
    path = tmp_path / "night.txt"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("table", "codes", "stages"),
    [
        ("yasa", "0 1 2 3 4 -1 -2", "W N1 N2 N3 R UNSCORED UNSCORED"),
        ("yasa4", "0 2 3 4 -2", "W LIGHT DEEP R UNSCORED"),
        ("yasa3", "0 2 4", "W NREM R"),
        ("yasa2", "0 1 -1", "W S UNSCORED"),
        ("rk", "0 1 2 3 4 5 6 9", "W N1 N2 N3 N3 R UNSCORED UNSCORED"),
        ("ucddb", "0 1 2 3 4 5 6 7 8", "W R N1 N2 N3 N3 UNSCORED UNSCORED UNSCORED"),
        ("names", "W wake n1 N2 n3 REM r ? unscored", "W W N1 N2 N3 R R UNSCORED UNSCORED"),
    ],
)
def test_the_tables_of_codes(tmp_path, table, codes, stages):
    path = written(tmp_path, codes.replace(" ", "\n"))
    assert read_hypnogram(path, codes=table).stages.tolist() == stages.split()


def test_a_table_of_ones_own(tmp_path):
    path = written(tmp_path, "wach\nschlaf\n")
    hypnogram = read_hypnogram(path, codes={"wach": Stage.W, "schlaf": Stage.S})
    assert (hypnogram.stages.tolist(), hypnogram.n_classes) == (["W", "S"], 2)


def test_the_resolution_is_that_of_the_table_even_if_a_night_has_no_light_sleep(tmp_path):
    assert read_hypnogram(written(tmp_path, "0\n4\n"), codes="yasa4").n_classes == 4


def test_comments_empty_lines_and_decimals_are_borne(tmp_path):
    path = written(tmp_path, "\ufeff# 0: Wake\n\n0\r\n1.0\n  2  \n")
    assert read_hypnogram(path, codes="yasa", epoch_s=20.0).stages.tolist() == ["W", "N1", "N2"]


@pytest.mark.parametrize("separator", [",", ";", "\t", " "])
def test_a_column_by_its_name_or_number(tmp_path, separator):
    rows = [["time", "stage", "arousal"], ["0", "2", "0"], ["30", "4", "1"]]
    path = written(tmp_path, "\n".join(separator.join(row) for row in rows))
    assert read_hypnogram(path, codes="yasa", column="Stage").stages.tolist() == ["N2", "R"]
    plain = written(tmp_path, "\n".join(separator.join(row) for row in rows[1:]))
    assert read_hypnogram(plain, codes="yasa", column="2").stages.tolist() == ["N2", "R"]
    assert read_hypnogram(path, codes="yasa", column="2").stages.tolist() == ["N2", "R"]


def test_nights_of_a_table_are_told_apart_by_a_column(tmp_path):
    path = written(tmp_path, "who,stage\nA,0\nB,2\nA,1\nB,3\nB,4\n")
    for column, night_column in (("stage", "who"), ("2", "1")):
        first, second = read_hypnograms(path, codes="yasa", column=column, night_column=night_column)
        assert first.source.endswith(f" ({night_column} A)")
        assert (first.stages.tolist(), second.stages.tolist()) == (["W", "N1"], ["N2", "N3", "R"])
    with pytest.raises(FormatError, match="line 1 has no column 'night'"):
        read_hypnograms(path, codes="yasa", column="stage", night_column="night")


def test_a_table_of_one_s_own(tmp_path):
    path = written(tmp_path, "A\nb\n9\n3.0\n")
    assert read_hypnogram(path, codes="a=w, B = N2,3=R,9=UNSCORED").stages.tolist() == ["W", "N2", "UNSCORED", "R"]
    for codes, words in (("0=W,1=N9", "'1=N9' names no stage"), ("0=W,0=N1", "'0=N1' has no code"), ("=W", "no code")):
        with pytest.raises(InputError, match=words):
            read_hypnogram(path, codes=codes)


def test_codes_that_are_longer_than_a_night_can_be_are_doubted(tmp_path):
    (night,) = read_hypnograms(written(tmp_path, "2\n" * 4321), codes="yasa")
    assert "36 h without a break" in night.warnings[0]
    assert read_hypnograms(written(tmp_path, "2\n" * 4320), codes="yasa")[0].warnings == ()


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("0\n", {}, "line 1 has the unknown code '0'; say what the codes mean (--codes)"),
        ("0\n7\n", {"codes": "yasa"}, "line 2 has the unknown code '7'; the table has 0, 1, 2"),
        ("# nothing\n", {}, "holds no codes"),
        ("0,1\n", {"codes": "yasa"}, "line 1 has several columns"),
        ("a,b\n0,1\n", {"codes": "yasa", "column": "c"}, "line 1 has no column 'c'; use one of a, b"),
        ("a,b\n0,1\n0\n", {"codes": "yasa", "column": "b"}, "line 3 has 1 columns, not 2"),
        ("a,b\n", {"codes": "yasa", "column": "b"}, "holds a header and no codes"),
        ("W\nN1\nLIGHT\n", {}, "mixes stages of several resolutions"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path, text, options, words):
    with pytest.raises(FormatError) as caught:
        read_hypnogram(written(tmp_path, text), format="codes", **options)
    assert words in str(caught.value)


def test_the_hypnograms_of_yasa_are_read(shared_data):
    folder = shared_data / "hypnograms" / "yasa"
    if not folder.is_dir():
        pytest.skip("YASA's hypnograms are not among the real data")
    for path in sorted(folder.glob("*_hypno_30s.txt")):
        named = path.read_text().startswith("W")
        hypnogram = read_hypnogram(path, codes=None if named else "yasa")
        assert 90 < len(hypnogram) < 1200
        assert np.mean(hypnogram.indices() > 0) > 0.5


def test_the_labels_of_sleep_accel_are_read_by_their_column(shared_data):
    paths = sorted((shared_data / "sleep_accel").glob("*_cleaned_psg.out"))
    if not paths:
        pytest.skip("Sleep-Accel is not among the real data")
    hypnogram = read_hypnogram(paths[0], codes="rk", column="2")
    assert set(np.unique(hypnogram.stages)) <= {"W", "N1", "N2", "N3", "R", "UNSCORED"}
