"""Recordings of beats that nobody scored, in made-up archives."""

from __future__ import annotations

import io

import numpy as np
import pytest

from staging.errors import InputError
from training.datasets import UNLABELLED, attribution, load_nights
from training.datasets.beats import calmest
from training.options import teaching_of, teaching_options


def day_of_beats(*, seed=1, hours=(9.0, 8.0, 5.0), rates_bpm=(80.0, 52.0, 85.0)):
    """Intervals of a day whose night has the slow heart."""
    rng = np.random.default_rng(seed)
    parts = [
        60.0 / bpm + 0.02 * rng.standard_normal(int(h * 60 * bpm)) for h, bpm in zip(hours, rates_bpm, strict=True)
    ]
    return np.concatenate(parts)


def test_the_calmest_hours_of_a_day_are_its_night(tmp_path):
    np.savez(tmp_path / "user_1.npz", rr_s=day_of_beats())
    (night,) = load_nights({"mmash": tmp_path})
    assert night.dataset == "mmash"
    assert night.subject == "user_1"
    assert night.tracks.n_epochs in (959, 960)
    assert abs(np.nanmedian(night.tracks.heart_rate_bpm) - 52.0) < 0.5
    assert np.nanquantile(night.tracks.heart_rate_bpm, 0.99) < 60.0
    assert (night.reference == -1).all()
    assert not night.usable.any()
    assert night.recorded.all()


def test_times_of_beats_say_what_intervals_say(tmp_path):
    intervals = day_of_beats(hours=(0.0, 6.0, 0.0))
    np.savez(tmp_path / "a01.npz", beats_s=np.cumsum(intervals))
    np.savez(tmp_path / "a02.npz", beats_s=np.cumsum(intervals))
    nights = load_nights({"apnea_ecg": tmp_path})
    assert [night.subject for night in nights] == ["a01"]  # a02's beats are poor
    assert abs(np.nanmedian(nights[0].tracks.heart_rate_bpm) - 52.0) < 0.5


def test_the_first_value_of_intervals_may_be_an_offset(tmp_path):
    intervals = day_of_beats(hours=(0.0, 6.0, 0.0))
    np.savez(tmp_path / "normal_a.npz", rr_s=np.concatenate([[40_000.0], intervals]))
    np.savez(tmp_path / "normal_b.npz", rr_s=np.concatenate([[0.9], intervals]))
    np.savez(tmp_path / "other.npz", rr_s=intervals)
    one, other = load_nights({"nsr2db": tmp_path})
    np.testing.assert_array_equal(one.tracks.heart_rate_bpm, other.tracks.heart_rate_bpm)


def archive(part):
    """Bytes of an archive, some of them."""
    file = io.BytesIO()
    np.savez(file, rr_s=np.full(20_000, 0.9))
    return file.getvalue()[part]


def marked(offset, value):
    """Bytes of an archive whose entry says to be encrypted (8) or packed in another way (10) than anybody can read."""
    content = bytearray(archive(slice(None)))
    content[content.rindex(b"PK\x01\x02") + offset] = value
    return bytes(content)


def single_array():
    """Bytes of one array, which is no archive."""
    file = io.BytesIO()
    np.save(file, np.full(20_000, 0.9))
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"no archive", "cannot be read"),
        ({"sleep": np.zeros(3)}, "neither beats_s nor rr_s"),
        ({"rr_s": np.full(600, 0.9)}, "less than 2.5 h"),
        ({"rr_s": np.full(60_000, 9.0)}, "less than 2.5 h"),
        ({"rr_s": np.full((20_000, 2), 0.9)}, "2 dimensions"),
        ({"rr_s": np.float64(0.9)}, "0 dimensions"),
        ({"rr_s": np.array(["a", "b"])}, "cannot be read"),
        (archive(slice(None, -100)), "cannot be read"),
        (archive(slice(100, None)), "cannot be read"),
        (archive(slice(None)).replace(b"\xcd\xcc", b"\xcc\xcc", 1), "cannot be read"),
        (marked(8, 1), "cannot be read"),
        (marked(10, 99), "cannot be read"),
        (single_array(), "cannot be read"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path, capsys, content, says):
    file = tmp_path / "user_1.npz"
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        np.savez(file, **content)
    with pytest.raises(InputError):
        load_nights({"mmash": tmp_path})
    said = capsys.readouterr().err
    assert "user_1" in said
    assert says in said


def test_a_short_recording_is_its_own_night():
    interval_s = np.full(5000, 1.0)
    assert calmest(np.cumsum(interval_s), interval_s) == (0.0, 5000.0)


def test_every_unlabelled_set_says_whose_it_is():
    for dataset in UNLABELLED:
        assert "ODC-By" in attribution(dataset)


def test_unlabelled_nights_need_a_teacher_and_a_name():
    parser = teaching_options()
    assert teaching_of(parser.parse_args([])) is None
    with pytest.raises(InputError, match="--teacher"):
        teaching_of(parser.parse_args(["--unlabelled", "mmash=x"]))
    for entry in ("mmash", "slpdb=x"):
        with pytest.raises(InputError, match="mmash"):
            teaching_of(parser.parse_args(["--teacher", "run", "--unlabelled", entry]))
