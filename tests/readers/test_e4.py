from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import staging
from staging.errors import FormatError, RecordingError
from staging.readers.e4 import E4_STREAMS
from tests.readers.conftest import START, e4_texts, zip_of


def with_row(text: str, row: int, value: str) -> str:
    lines = text.split("\n")
    lines[row] = value
    return "\n".join(lines)


def test_a_session_has_all_channels_in_their_units(folder):
    recording = staging.read(folder(e4_texts()))
    assert recording.start == datetime.fromtimestamp(START, UTC)
    assert recording.device == "Empatica E4"
    assert list(recording.channels()) == ["acc", "ppg", "temp", "ibi", "hr"]
    assert {name: recording.channels()[name].rate_hz for name in ("acc", "ppg", "temp")} == {
        name: E4_STREAMS[name].rate_hz for name in ("acc", "ppg", "temp")
    }
    np.testing.assert_allclose(recording.acc.samples.mean(axis=0), np.array([-34, -23, 45]) / 64, atol=0.01)
    assert recording.acc.samples.dtype == np.float32
    assert recording.temp.samples.mean() == pytest.approx(33, abs=0.05)
    assert recording.warnings == ()
    assert recording.n_epochs == 2


def test_folder_zip_and_zipped_folder_are_the_same(folder):
    home = folder(e4_texts())
    one, other = staging.read(home), staging.read(zip_of(home))
    for name, channel in one.channels().items():
        twin = other.channels()[name]
        for field in ("samples", "values", "times_s"):
            if not callable(getattr(channel, field, len)):
                np.testing.assert_array_equal(getattr(channel, field), getattr(twin, field))
    assert one.start == other.start


def test_zeros_while_the_device_starts_up_are_no_pulse_but_later_zeros_are(folder):
    ppg = staging.read(folder(e4_texts())).ppg
    crossing = 10 * 64 + 1  # sin(0) at 10 s is a zero as well, and cannot be told from the start-up
    assert np.isnan(ppg.samples[:crossing]).all()
    assert np.isfinite(ppg.samples[crossing:]).all()
    assert np.count_nonzero(ppg.samples == 0) > 10


def test_the_heart_rate_begins_ten_seconds_late_and_beats_stand_at_their_end(folder):
    recording = staging.read(folder(e4_texts()))
    assert recording.hr.times_s[0] == 10
    assert np.diff(recording.hr.times_s).tolist() == [1.0] * 49
    assert recording.ibi.times_s[:2].tolist() == [12, 13]
    assert recording.ibi.values[0] == 1


@settings(deadline=None, max_examples=20)
@given(late=st.fixed_dictionaries({name: st.integers(0, 5000) for name in E4_STREAMS}), ibi=st.integers(0, 5000))
def test_second_zero_is_the_earliest_start_of_the_streams(late, ibi, tmp_path_factory):
    home = tmp_path_factory.mktemp("night")
    texts = e4_texts(20)
    for channel, stream in E4_STREAMS.items():
        head = ", ".join([f"{START + late[channel]}.000000"] * stream.columns)
        (home / stream.file).write_text(with_row(texts[stream.file], 0, head))
    (home / "IBI.csv").write_text(with_row(texts["IBI.csv"], 0, f"{START + ibi}.000000, IBI"))
    recording = staging.read(home)
    first = min(late.values())
    assert recording.start.timestamp() == START + first
    assert {name: recording.channels()[name].start_s for name in ("acc", "ppg", "temp")} == {
        name: late[name] - first for name in ("acc", "ppg", "temp")
    }
    assert recording.hr.times_s[0] == late["hr"] - first
    assert recording.ibi.times_s[0] == ibi - first + 12


@pytest.mark.parametrize("file", ["ACC.csv", "BVP.csv", "TEMP.csv", "HR.csv", "IBI.csv", "tags.csv"])
def test_a_session_without_one_file_is_read(folder, file):
    texts = e4_texts()
    recording = staging.read(folder({name: text for name, text in texts.items() if name != file}))
    channels = {stream.file: channel for channel, stream in E4_STREAMS.items()} | {"IBI.csv": "ibi"}
    assert set(recording.channels()) == set(channels.values()) - {channels.get(file)}


@pytest.mark.parametrize("file", ["ACC.csv", "IBI.csv"])
def test_one_file_alone_is_read(folder, file):
    recording = staging.read(folder(e4_texts()) / file)
    assert len(recording.channels()) == 1
    assert recording.start.timestamp() == START


def test_the_rate_in_the_file_counts(folder):
    texts = e4_texts()
    texts["TEMP.csv"] = with_row(texts["TEMP.csv"], 1, "2.000000")
    assert staging.read(folder(texts)).temp.rate_hz == 2


def test_button_presses_are_reported_and_are_not_lights(folder):
    recording = staging.read(folder(e4_texts() | {"tags.csv": f"{START + 5}.25\n{START + 50}.00\n"}))
    (warning,) = recording.warnings
    assert warning == "the button was pressed 2 times (5 s, 50 s); not taken for lights-off or lights-on"
    assert recording.lights_off_s is None


def test_an_empty_stream_beside_good_ones_is_reported(folder):
    recording = staging.read(folder(e4_texts() | {"IBI.csv": f"{START}.0, IBI\n", "HR.csv": ""}))
    assert list(recording.channels()) == ["acc", "ppg", "temp"]
    assert recording.warnings == ("HR.csv is empty", "ibi is empty and was left out")


def test_a_row_cut_by_an_interrupted_copy_is_left_out(folder):
    texts = e4_texts()
    texts["ACC.csv"] = texts["ACC.csv"].rstrip().rpartition(",")[0]
    recording = staging.read(folder(texts))
    assert recording.warnings == ("ACC.csv: the last row was cut short and left out",)
    assert len(recording.acc.samples) == 60 * 32 - 1


@pytest.mark.parametrize(
    ("file", "row", "value", "message"),
    [
        ("TEMP.csv", 1, "0.000000", r"TEMP\.csv: a rate of 0 Hz; row 2 must be a rate, as 4"),
        ("TEMP.csv", 1, "-4", "a rate of -4 Hz"),
        ("HR.csv", 1, "1e-300", "a rate of 1e-300 Hz"),
        ("HR.csv", 1, "inf", "a rate of inf Hz"),
        ("TEMP.csv", 0, "33.1", "its start 33.1 is not Unix seconds"),
        ("TEMP.csv", 0, f"{START + 90 * 86400}", "its streams start 90 days apart; give the files of one session"),
        ("TEMP.csv", 7, "abc", r"TEMP\.csv: line 8 is not 1 numbers"),
        ("IBI.csv", 0, "time, IBI", r"IBI\.csv: does not begin with a start"),
    ],
)
def test_a_damaged_file_is_named_with_what_is_wrong(folder, file, row, value, message):
    texts = e4_texts()
    with pytest.raises(FormatError, match=message) as caught:
        staging.read(folder(texts | {file: with_row(texts[file], row, value)}))
    assert "\n" not in str(caught.value)


def test_a_session_of_headers_only_holds_nothing(folder):
    texts = {name: "\n".join(text.split("\n")[:2]) + "\n" for name, text in e4_texts().items() if name != "tags.csv"}
    texts["IBI.csv"] = f"{START}.0, IBI\n"
    with pytest.raises(RecordingError, match="acc is empty; ppg is empty; temp is empty; ibi is empty; hr is empty"):
        staging.read(folder(texts))


def test_a_real_session(shared_data):
    recording = staging.read(shared_data / "e4")
    assert recording.start == datetime(2023, 4, 5, 9, 23, 40, tzinfo=UTC)
    assert recording.acc.samples.shape == (117_156, 3)
    assert recording.acc.samples[0].tolist() == [-34 / 64, -23 / 64, 45 / 64]
    assert np.nanmedian(np.linalg.norm(recording.acc.samples, axis=1)) == pytest.approx(1, abs=0.05)
    assert recording.temp.samples[0] == np.float32(31.61)
    assert len(recording.ibi.values) == 570
    assert recording.hr.times_s[0] == 10
    assert recording.n_epochs == 122


def test_real_streams_of_very_different_lengths(shared_data):
    recording = staging.read(shared_data / "e4_truncated")
    ends = {name: recording.channels()[name].end_s for name in ("acc", "ppg", "temp")}
    assert ends == {"acc": 312.4375, "ppg": 156.21875, "temp": 1249.5}
    assert recording.start == datetime(2019, 6, 11, 19, 3, 45, tzinfo=UTC)
    assert recording.ibi.times_s[0] == pytest.approx(83.503822)


def test_a_file_given_alone_says_what_lies_beside_it(folder):
    home = folder(e4_texts())
    recording = staging.read(home / "ACC.csv")
    assert list(recording.channels()) == ["acc"]
    assert recording.warnings == (
        "read alone, without BVP.csv, HR.csv, IBI.csv, ... beside it: give the folder to have them in one recording",
    )
    assert not any("beside" in warning for warning in staging.read(home).warnings)


@pytest.mark.parametrize("name", ["tags.csv", "EDA.csv", "info.txt"])
def test_a_file_without_a_sensor_that_is_read_says_to_give_the_folder(folder, name):
    home = folder({**e4_texts(), name: "1700000000.000000\n4.000000\n0.1\n"})
    with pytest.raises(FormatError, match=rf"{name}: holds none of the sensors .*; give the folder of the session"):
        staging.read(home / name)
