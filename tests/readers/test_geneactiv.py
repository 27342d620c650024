from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import staging
from staging.errors import FormatError, StagingError
from tests.readers.conftest import zip_of
from tests.readers.geneactiv_files import GAIN, OFFSET, SAMPLES, geneactiv, header, page, to_counts

START = dt.datetime(2026, 3, 28, 22, 41, 5)
ZONE = dt.timezone(dt.timedelta(hours=1))


def wrist(pages: int, seed: int = 0) -> np.ndarray:
    """A wrist that turns and trembles, in g."""
    at = np.arange(pages * SAMPLES)[:, None] / 500
    rng = np.random.default_rng(seed)
    return np.c_[np.cos(at), 0.5 * np.sin(at), -np.sin(at)] + rng.normal(0, 0.01, (len(at), 3))


@pytest.fixture
def written(tmp_path):
    def write(content: bytes):
        path = tmp_path / "night.bin"
        path.write_bytes(content)
        return path

    return write


def test_acceleration_is_100_counts_less_offset_by_gain(written):
    counts = np.tile([[-2048, 2047, 0], [255, -256, 1], [0, -1, 256]], (SAMPLES // 3, 1))
    recording = staging.read(written((header(pages=1) + page(counts, 0, START, 33.5)).encode()))
    expected = (100 * counts - np.array(OFFSET)) / np.array(GAIN)
    np.testing.assert_allclose(recording.acc.samples, expected, atol=1e-5)


@settings(deadline=None, max_examples=20)
@given(pages=st.integers(1, 30), rate_hz=st.sampled_from([10.0, 50.0, 75.0, 100.0]), seed=st.integers(0, 99))
def test_samples_and_their_times_come_back(pages, rate_hz, seed, tmp_path_factory):
    path = tmp_path_factory.mktemp("geneactiv") / "night.bin"
    acc = wrist(pages, seed)
    temperatures = np.round(np.linspace(30, 34, pages), 1)
    path.write_bytes(geneactiv(acc, start=START, rate_hz=rate_hz, temperatures_c=temperatures))
    recording = staging.read(path)
    np.testing.assert_allclose(recording.acc.samples, acc, atol=0.5 * 100 / min(GAIN) + 1e-5)
    assert abs(recording.start - START.replace(tzinfo=ZONE)) < dt.timedelta(seconds=0.05)
    assert recording.acc.end_s == pytest.approx(len(acc) / rate_hz, rel=2e-3)
    assert recording.temp.rate_hz == 1
    seconds = np.arange(len(recording.temp.samples))
    by_page = temperatures[np.minimum((seconds * recording.acc.rate_hz / SAMPLES).astype(int), pages - 1)]
    np.testing.assert_allclose(recording.temp.samples, by_page, atol=1e-5)
    assert (recording.device, recording.subject, recording.warnings) == ("GENEActiv", "S07", ())


def test_the_page_times_know_the_rate_better_than_its_one_decimal(written):
    recording = staging.read(written(geneactiv(wrist(20), start=START)))
    assert recording.acc.rate_hz == pytest.approx(600 / 7, rel=1e-6)


def test_lost_pages_are_nan_and_what_follows_stays_in_its_place(written):
    acc = wrist(260)
    recording = staging.read(written(geneactiv(acc, start=START, lost=[100, 101, 200])))
    missing = np.isnan(recording.acc.samples[:, 0])
    expected = np.isin(np.arange(len(acc)) // SAMPLES, [100, 101, 200])
    np.testing.assert_array_equal(missing, expected)
    np.testing.assert_allclose(recording.acc.samples[~missing], acc[~missing], atol=3e-3)
    assert recording.warnings == (
        "257 of the 260 pages that its header states are in the file",
        "night.bin: 2 gaps of 10.5 s in all, from 350.0 s",
    )
    assert np.isnan(recording.temp.samples[351:357]).all()
    assert np.isfinite(recording.temp.samples[[349, 358, 690]]).all()


def test_page_times_rounded_to_half_seconds_leave_no_gaps(written):
    text = header(rate_hz=50.0, pages=60)
    acc = wrist(60)
    counts = to_counts(acc).reshape(60, SAMPLES, 3)
    late_s = np.random.default_rng(0).choice([0.0, 0.5], 60)
    for number in range(60):
        text += page(counts[number], number, START + dt.timedelta(seconds=6 * number + late_s[number]), 33.0, 50.0)
    recording = staging.read(written(text.encode()))
    assert recording.acc.rate_hz == pytest.approx(50, rel=2e-3)
    assert np.isfinite(recording.acc.samples).all()
    assert len(recording.acc.samples) == pytest.approx(len(acc), rel=2e-3)


def test_a_page_cut_short_is_read_as_far_as_it_goes(written):
    content = geneactiv(wrist(5), start=START)
    recording = staging.read(written(content[: -2 - 12 * 100 - 5]))
    assert np.flatnonzero(np.isfinite(recording.acc.samples[:, 0])).tolist() == list(range(4 * SAMPLES + 199))
    assert recording.warnings == ("1 page damaged or cut short; read as far as they are whole",)


def test_a_damaged_sample_takes_the_rest_of_its_page_and_nothing_else(written):
    acc = wrist(5)
    content = bytearray(geneactiv(acc, start=START))
    at = content.index(b"Sequence Number:2")
    at = content.index(b"Frequency:85.7", at) + len(b"Frequency:85.7\r\n")
    content[at + 12 * 40 + 3] = ord("!")
    recording = staging.read(written(bytes(content)))
    assert np.flatnonzero(np.isnan(recording.acc.samples[:, 0])).tolist() == list(range(640, 900))
    assert "1 page damaged" in recording.warnings[0]


def test_a_damaged_page_header_is_a_gap(written):
    content = geneactiv(wrist(5), start=START).replace(b"Sequence Number:2", b"Sequence Nu\0\0er:2")
    recording = staging.read(written(content))
    assert np.flatnonzero(np.isnan(recording.acc.samples[:, 0])).tolist() == list(range(600, 900))
    assert "1 page left out: damaged headers, or times that go back" in recording.warnings


def test_pages_that_go_back_in_time_are_left_out(written):
    text = header(pages=5)
    counts = to_counts(wrist(5)).reshape(5, SAMPLES, 3)
    for number, seconds in enumerate([0, 3.5, 1.0, 7.0, 10.5]):
        text += page(counts[number], number, START + dt.timedelta(seconds=seconds), 33.0)
    recording = staging.read(written(text.encode()))
    assert len(recording.acc.samples) == 4 * SAMPLES
    assert "1 page left out: damaged headers, or times that go back" in recording.warnings


@pytest.mark.parametrize(
    ("zone", "offset_min", "warns"),
    [
        ("Time Zone:GMT +01:00", 60, False),
        ("Time Zone:GMT -04:30", -270, False),
        ("Time Zone:GMT+10:00", 600, False),
        ("Time Zone:somewhere", 0, True),
        ("Time Zone:GMT +44:00", 0, True),
        ("", 0, True),
    ],
)
def test_the_zone_is_the_files_or_utc_with_a_warning(written, zone, offset_min, warns):
    recording = staging.read(written(geneactiv(wrist(2), start=START, zone=zone)))
    assert recording.start.utcoffset() == dt.timedelta(minutes=offset_min)
    assert any("taken as UTC" in warning for warning in recording.warnings) == warns


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"y gain:25500", b"y gain:", "has no calibration that can be read"),
        (b"z offset:100\r\n", b"", "has no calibration that can be read"),
        (b"x gain:25600", b"x gain:0", "its calibration has the gains"),
        (b"Page Time:2026", b"Page Time:20x6", "holds no page that can be read"),
        (b"Page Time:2026-03-28", b"Page Time:2026-02-31", "holds no page that can be read"),
        (b"Recorded Data", b"Recorded data", "holds no page that can be read"),
    ],
)
def test_a_file_that_cannot_be_right_is_one_line(written, old, new, message):
    with pytest.raises(FormatError, match=message) as caught:
        staging.read(written(geneactiv(wrist(2), start=START).replace(old, new)))
    assert "night.bin" in str(caught.value)


def test_pages_of_two_frequencies_are_refused(written):
    content = geneactiv(wrist(3), start=START)
    content = content.replace(b"Frequency:85.7\r\n", b"Frequency:50.0\r\n", 1)
    with pytest.raises(FormatError, match=r"frequencies 50, 85\.7 Hz; give a recording of one frequency"):
        staging.read(written(content))


def test_pages_whose_times_contradict_their_frequency_are_refused(written):
    text = header(pages=200)
    counts = to_counts(wrist(1))
    text += "".join(page(counts, number, START + dt.timedelta(seconds=4.5 * number), 33.0) for number in range(200))
    with pytest.raises(FormatError, match=r"do not follow each other at the 85\.7 Hz that it states"):
        staging.read(written(text.encode()))


def test_a_gap_of_years_is_refused(written):
    text = header(pages=2)
    counts = to_counts(wrist(1))
    text += page(counts, 0, START, 33.0) + page(counts, 1, START.replace(year=2027), 33.0)
    with pytest.raises(FormatError, match="its time stamps span 365 days"):
        staging.read(written(text.encode()))


def test_a_folder_and_a_zip_with_one_file_are_read_and_with_two_refused(tmp_path):
    home = tmp_path / "night"
    home.mkdir()
    (home / "left.bin").write_bytes(geneactiv(wrist(3), start=START))
    (home / "notes.txt").write_text("worn on the left")
    one, other = staging.read(home), staging.read(zip_of(home))
    np.testing.assert_array_equal(one.acc.samples, other.acc.samples)
    (home / "right.bin").write_bytes(geneactiv(wrist(3), start=START))
    with pytest.raises(
        FormatError, match=r"holds 2 GENEActiv \.bin files \(left\.bin, right\.bin\); give one GENEActiv \.bin"
    ):
        staging.read(home)


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_any_damage_gives_a_recording_or_one_clear_error(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("geneactiv") / "night.bin"
    content = bytearray(geneactiv(wrist(3), start=START))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.one_of(st.integers(20, 900), st.integers(20, len(content) - 1)))
        content[at] = data.draw(st.sampled_from(b"0123456789:-.\r\nxF\0\xff"))
    path.write_bytes(content[: data.draw(st.integers(300, len(content)))])
    try:
        recording = staging.read(path)
    except StagingError:
        pass
    else:
        # A gain of nothing leaves the temperature alone.
        assert any(np.isfinite(channel.samples).any() for channel in recording.channels().values())


def test_the_values_are_those_of_skdh(shared_data):
    folder = shared_data / "device_files" / "skdh"
    reference = np.load(folder / "gnactv_data.npz")
    recording = staging.read(folder / "gnactv_sample.bin")
    np.testing.assert_allclose(recording.acc.samples, reference["accel"], atol=1e-3)
    # Its page times are 0, 6.5 and 12.5 s for pages of 6 s: so short a file cannot tell its rate.
    assert recording.acc.rate_hz == pytest.approx(50, rel=0.05)
    assert recording.start.utcoffset() == dt.timedelta(hours=-4)
    wall_s = recording.start.replace(tzinfo=dt.UTC).timestamp()
    assert wall_s == pytest.approx(reference["time"][0], abs=0.5)
    at_pages = reference["temperature"][[0, 300, 600]]
    np.testing.assert_allclose(recording.temp.samples[[0, 7, 14]], at_pages, atol=1e-4)


@pytest.mark.parametrize("name", ["ggirread/GENEActiv_testfile.bin", "wristpy/example_geneactiv.bin"])
def test_other_real_files_hold_gravity_and_room_temperature(shared_data, name):
    recording = staging.read(shared_data / "device_files" / name)
    assert np.nanmean(np.linalg.norm(recording.acc.samples, axis=1)) == pytest.approx(1, abs=0.05)
    assert 15 < np.nanmedian(recording.temp.samples) < 40


def test_a_genea_file_is_not_taken_for_one(shared_data):
    with pytest.raises(FormatError, match="not a format that can be read"):
        staging.read(shared_data / "device_files" / "ggirread" / "genea_testfile.bin")


def test_a_calibration_beyond_single_precision_is_refused(written):
    content = geneactiv(wrist(2), start=START).replace(b"x offset:300", b"x offset:1e300")
    with pytest.raises(FormatError, match="its calibration has the gains"):
        staging.read(written(content))


@pytest.mark.parametrize("year", ["0001", "9999"])
def test_pages_of_no_year_of_the_device_are_damaged_ones(year, written):
    """At the ends of the calendar a zone or a gap would lead beyond it."""
    content = geneactiv(wrist(3), start=START).replace(b"Page Time:2026", f"Page Time:{year}".encode())
    with pytest.raises(FormatError, match="holds no page that can be read"):
        staging.read(written(content))


@pytest.mark.parametrize("stated", ["²", "9" * 5000])
def test_a_number_of_pages_that_is_none_says_nothing(stated, written):
    content = geneactiv(wrist(3), start=START).replace(b"Number of Pages:3", f"Number of Pages:{stated}".encode())
    assert stated.encode() in content
    assert staging.read(written(content)).warnings == ()
