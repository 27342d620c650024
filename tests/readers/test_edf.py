from __future__ import annotations

import datetime as dt

import edfio
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import staging
from staging.errors import FormatError, RecordingError
from tests.readers.conftest import zip_of

SECONDS = 120
RECORDING = edfio.Recording(startdate=dt.date(2026, 3, 28), equipment_code="Ring_2")
PATIENT = edfio.Patient(code="S07", name="Somebody")


def wave(rate_hz, middle=0.0, size=1.0):
    return middle + size * np.sin(2 * np.pi * np.arange(int(SECONDS * rate_hz)) / rate_hz)


def signal(label, rate_hz=32.0, unit="", middle=0.0, size=1.0):
    return edfio.EdfSignal(wave(rate_hz, middle, size), rate_hz, label=label, physical_dimension=unit)


def acc(labels=("ACC X", "ACC Y", "ACC Z"), unit="g", scale=1.0, rate_hz=32.0):
    return [
        signal(label, rate_hz, unit, middle * scale, 0.01 * scale)
        for label, middle in zip(labels, (0, 0.6, 0.8), strict=True)
    ]


def edf(signals, *, plus=True, start=dt.time(22, 41, 5), recording=RECORDING):
    return edfio.Edf(
        signals,
        patient=PATIENT,
        recording=recording,
        starttime=start,
        annotations=[edfio.EdfAnnotation(1, None, "Lights off")] if plus else None,
        data_record_duration=1,
    )


@pytest.fixture
def written(tmp_path):
    def write(signals, name="night.edf", **options):
        path = tmp_path / name
        edf(signals, **options).write(path)
        return path

    return write


def test_channels_are_found_by_their_labels_in_their_units(written):
    path = written(
        [
            *acc(),
            signal("Pleth", 64),
            signal("Skin temp", 4, "degC", 33, 0.1),
            signal("HR", 1, "bpm", 60, 5),
            signal("ECG", 128, "mV"),
        ]
    )
    recording = staging.read(path)
    assert list(recording.channels()) == ["acc", "ppg", "temp", "hr"]
    np.testing.assert_allclose(recording.acc.samples.mean(axis=0), [0, 0.6, 0.8], atol=1e-3)
    np.testing.assert_allclose(recording.ppg.samples, wave(64), atol=1e-4)
    assert (recording.ppg.rate_hz, recording.temp.rate_hz) == (64, 4)
    assert recording.hr.times_s[:3].tolist() == [0, 1, 2]
    assert (recording.subject, recording.device) == ("S07", "Ring_2")
    assert "labels not used: ECG" in recording.warnings


def test_the_start_is_taken_as_utc_with_a_warning(written):
    recording = staging.read(written([signal("PPG")]))
    assert recording.start == dt.datetime(2026, 3, 28, 22, 41, 5, tzinfo=dt.UTC)
    assert recording.warnings == ("the file has no time zone; its start 2026-03-28 22:41:05 is taken as UTC",)


@pytest.mark.parametrize("plus", [True, False])
def test_a_file_without_a_date_has_no_start(written, plus):
    undated = edfio.Recording()
    recording = staging.read(written([signal("PPG")], recording=undated, plus=plus))
    assert recording.start is None
    assert recording.warnings == ("the file has no date; clock times are unknown",)


def test_the_names_of_a_plain_edf_are_not_taken_for_codes(written):
    recording = staging.read(written([signal("PPG")], plus=False))
    assert (recording.subject, recording.device) == ("", "")


@pytest.mark.parametrize(
    ("label", "channel"),
    [
        *[
            (label, "ppg")
            for label in (
                "Pleth",
                "PLETH",
                "PPG",
                "BVP",
                "SpO2 Pleth",
                "Plethysmogram",
                "PPG_Green",
                "Pleth 1",
                "PlethWV",
            )
        ],
        *[(label, "temp") for label in ("Temp", "Skin temp", "SkinTemp", "TEMP", "Wrist Temp", "Temperature skin")],
        *[(label, "hr") for label in ("HR", "Pulse", "PR", "Pulse Rate", "HeartRate", "heart rate")],
        *[
            (label, None)
            for label in ("ECG", "ECG II", "Temp rectal", "EMG Chin", "SpO2", "Flow", "Position", "Airflow temp")
        ],
    ],
)
def test_labels_that_recorders_write(written, label, channel):
    middle = {"temp": 33.0, "hr": 60.0}.get(channel or "", 0.0)
    path = written([signal(label, 1 if channel == "hr" else 32, "", middle), *acc()])
    assert list(staging.read(path).channels()) == [*["acc"], *([channel] if channel else [])]


@pytest.mark.parametrize(
    ("labels", "pleth"),
    [
        (["EKG", "EOG-L", "EMG", "EEG1", "Pres", "Flow", "Snore", "Thor", "Leg", "Therm", "Pos", "OxStatus"], "Pleth"),
        (["C3", "A2", "LOC", "ECG1", "EMG2", "L Leg", "AIRFLOW", "NASAL PRES", "POSITION", "OX STAT"], "PlethWV"),
    ],
)
def test_labels_of_the_sleep_research_resource(written, labels, pleth):
    rows = [signal(label, 32) for label in labels]
    recording = staging.read(written([*rows, signal(pleth, 256), signal("HR", 1, "bpm", 60, 5), signal("SpO2", 1)]))
    assert {name: channel.unit for name, channel in recording.channels().items()} == {"ppg": "a.u.", "hr": "bpm"}
    assert recording.ppg.rate_hz == 256


@pytest.mark.parametrize(
    "labels",
    [
        ("ACC X", "ACC Y", "ACC Z"),
        ("Acc-x", "Acc-y", "Acc-z"),
        ("accX", "accY", "accZ"),
        ("Accelerometer_X", "Accelerometer_Y", "Accelerometer_Z"),
        ("X Accel", "Y Accel", "Z Accel"),
        ("Wrist Acc.X", "Wrist Acc.Y", "Wrist Acc.Z"),
        ("ACCX axis", "ACCY axis", "ACCZ axis"),
    ],
)
def test_labels_of_acceleration_in_any_order(written, labels):
    recording = staging.read(written([*acc(labels)][::-1]))
    np.testing.assert_allclose(recording.acc.samples.mean(axis=0), [0, 0.6, 0.8], atol=1e-3)


def test_two_axes_are_no_acceleration(written):
    with pytest.raises(FormatError, match="no label tells of a sensor that can be used; say which it is: ACC X, ACC Y"):
        staging.read(written(acc()[:2]))


@pytest.mark.parametrize(("unit", "scale"), [("g", 1), ("G", 1), ("mg", 1000), ("m/s2", 9.80665), ("m/s^2", 9.80665)])
def test_acceleration_is_converted_to_g(written, unit, scale):
    recording = staging.read(written(acc(unit=unit, scale=scale)))
    np.testing.assert_allclose(recording.acc.samples.mean(axis=0), [0, 0.6, 0.8], atol=1e-3)


@pytest.mark.parametrize(("unit", "value"), [("degC", 33), ("C", 33), ("degF", 91.4), ("F", 91.4), ("K", 306.15)])
def test_temperature_is_converted_to_celsius(written, unit, value):
    recording = staging.read(written([signal("Temp", 4, unit, value, 0.01)]))
    assert recording.temp.samples.mean() == pytest.approx(33, abs=0.01)


def test_units_that_are_not_ascii_are_understood(written):
    path = written([signal("Temp", 4, "?F", 91.4, 0.01), *acc(unit="m/s?", scale=9.80665)])
    path.write_bytes(
        path.read_bytes().replace(b"?F", "°F".encode("latin-1")).replace(b"m/s?", "m/s²".encode("latin-1"))
    )
    recording = staging.read(path)
    assert recording.temp.samples.mean() == pytest.approx(33, abs=0.01)
    assert np.linalg.norm(recording.acc.samples.mean(axis=0)) == pytest.approx(1, abs=0.01)


def test_an_unknown_unit_is_doubted_and_a_wrong_one_refused(written):
    recording = staging.read(written(acc(unit="u")))
    assert "ACC X has the unit 'u'; taken for g" in recording.warnings
    with pytest.raises(RecordingError, match="that is m/s², not g"):
        staging.read(written(acc(unit="", scale=9.81)))


@pytest.mark.parametrize(
    "channels",
    [{"ppg": "Sensor 1", "acc": "A1,A2,A3"}, {"ppg": "sensor 1", "acc": "a"}, {"ppg": "Sensor 1", "acc": "A1, A2, A3"}],
)
def test_channels_name_labels_nobody_could_guess(written, channels):
    path = written([signal("Sensor 1", 64), *acc(("A1", "A2", "A3")), signal("Temp", 4, "C", 33)])
    recording = staging.read(path, channels=channels)
    assert list(recording.channels()) == ["acc", "ppg", "temp"]
    np.testing.assert_allclose(recording.acc.samples.mean(axis=0), [0, 0.6, 0.8], atol=1e-3)


def test_a_named_label_wins_over_a_guess(written):
    recording = staging.read(written([signal("Pleth", 64), signal("PPG", 32)]), channels={"ppg": "PPG"})
    assert recording.ppg.rate_hz == 32
    assert "labels not used: Pleth" in recording.warnings


@pytest.mark.parametrize(
    ("channels", "message"),
    [
        ({"ppg": "Pulse"}, "'Pulse' is no label for ppg; give one of the labels: ACC X, ACC Y, ACC Z, Pleth"),
        ({"acc": "ACC X,ACC Y"}, "is no label for acc; give three labels, or what three begin with: ACC X"),
        ({"acc": "B"}, "'B' is no label for acc"),
        ({"ibi": "Pleth"}, "it gives no ibi; choose from acc, ppg, temp, hr"),
        ({"eeg": "Pleth"}, "channels: 'eeg' is not a channel; choose from acc, ppg"),
        ({"acc": "ACC X,ACC Y,Pleth"}, r"the rates of acc are \[32\.0, 64\.0\] Hz; give signals of one"),
    ],
)
def test_a_name_that_cannot_be_used_lists_the_labels(written, channels, message):
    with pytest.raises(FormatError, match=message):
        staging.read(written([*acc(), signal("Pleth", 64)]), channels=channels)


def test_a_fast_pulse_is_no_heart_rate_unless_the_user_says_so(written):
    path = written([signal("Pulse", 16, "bpm", 60, 3), *acc()])
    assert list(staging.read(path).channels()) == ["acc"]
    hr = staging.read(path, channels={"hr": "Pulse"}).hr
    assert np.diff(hr.times_s).tolist() == [1.0] * (SECONDS - 1)


@settings(deadline=None, max_examples=15)
@given(gaps=st.dictionaries(st.integers(10, 99), st.integers(1, 300), max_size=4))
def test_the_gaps_of_a_discontinuous_file_are_nan(gaps, tmp_path_factory):
    path = tmp_path_factory.mktemp("edf") / "night.edf"
    signals = [signal("Pleth", 64), signal("HR", 1, "bpm", 60, 5)]
    edfio.Edf(signals, recording=RECORDING, starttime=dt.time(22), annotations=[], data_record_duration=1).write(path)
    onsets = np.arange(SECONDS)
    for record, gap in gaps.items():
        onsets[record:] += gap
    content = bytearray(path.read_bytes().replace(b"EDF+C", b"EDF+D", 1))
    at = int(content[184:192])
    n_signals = int(content[252:256])
    lengths = [2 * int(content[256 + 216 * n_signals + 8 * i :][:8]) for i in range(n_signals)]
    for record, onset in enumerate(onsets):
        begin = at + record * sum(lengths) + sum(lengths[:-1])
        stamp = b"+%d\x14\x14" % onset
        assert len(stamp) <= lengths[-1]
        content[begin : begin + lengths[-1]] = stamp.ljust(lengths[-1], b"\0")
    path.write_bytes(content)
    recording = staging.read(path)
    expected = np.full((onsets[-1] + 1, 64), np.nan)
    expected[onsets] = wave(64).reshape(-1, 64)
    np.testing.assert_allclose(recording.ppg.samples, expected.ravel(), atol=1e-4)
    assert np.flatnonzero(np.isfinite(recording.hr.values)).tolist() == onsets.tolist()


def test_a_discontinuous_file_that_does_not_say_how_long_its_records_are_is_refused(tmp_path):
    path = tmp_path / "night.edf"
    signals = [signal("Pleth", 64)]
    edfio.Edf(signals, recording=RECORDING, starttime=dt.time(22), annotations=[], data_record_duration=1).write(path)
    content = bytearray(path.read_bytes().replace(b"EDF+C", b"EDF+D", 1))
    # A header that is said to be of more signals than there are: what would be their lengths is blank.
    content[184:192] = b"%-8d" % (int(content[184:192]) + 256 * 2)
    path.write_bytes(content)
    with pytest.raises(FormatError, match="does not say how long"):
        staging.read(path)


def test_a_zip_and_a_folder_with_one_edf_are_read(written, tmp_path):
    path = written([signal("PPG", 64)])
    (tmp_path / "night").mkdir()
    path.rename(tmp_path / "night" / "file.rec")
    one, other = staging.read(tmp_path / "night"), staging.read(zip_of(tmp_path / "night"))
    np.testing.assert_array_equal(one.ppg.samples, other.ppg.samples)


def test_several_edf_files_are_refused(written, tmp_path):
    written([signal("PPG")], "a.edf")
    written([signal("PPG")], "b.edf")
    with pytest.raises(FormatError, match=r"holds 2 EDF files \(a.edf, b.edf, ...\); give one"):
        staging.read(tmp_path)


def test_a_file_cut_short_is_read_as_far_as_it_goes_with_a_warning(written):
    path = written([signal("PPG", 64)])
    path.write_bytes(path.read_bytes()[:-1000])
    recording = staging.read(path)
    assert len(recording.ppg.samples) < SECONDS * 64
    assert any("truncated" in warning for warning in recording.warnings)


def test_a_first_record_whose_time_leads_beyond_the_calendar_leaves_the_clock_unknown(written):
    path = written([signal("PPG", 64)])
    content, onset = path.read_bytes(), b"+-2147483649\x14\x14\0"
    at = content.index(b"+0\x14\x14")
    path.write_bytes(content[:at] + onset + content[at + len(onset) :])
    recording = staging.read(path)
    assert recording.start is None
    assert "no date" in recording.warnings[0]


@pytest.mark.parametrize("at", [184, 236, 244, 252])
def test_a_damaged_header_is_one_line(written, at):
    path = written([signal("PPG", 64)])
    content = bytearray(path.read_bytes())
    content[at : at + 4] = b"x\0-9"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=r"night\.edf: the EDF header is damaged") as caught:
        staging.read(path)
    assert "\n" not in str(caught.value)


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_any_damage_gives_a_recording_or_one_clear_error(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("edf") / "night.edf"
    edf([signal("Pleth", 8), signal("Temp", 4, "degC", 33, 0.1)]).write(path)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(8, 1100))
        content[at] = data.draw(st.sampled_from(b"0123456789 .-+Xx\0\xff"))
    path.write_bytes(content[: data.draw(st.integers(300, len(content)))])
    try:
        recording = staging.read(path)
    except (FormatError, RecordingError):
        pass
    else:
        assert recording.channels()


def test_a_hypnogram_without_signals_is_told(shared_data):
    path = sorted((shared_data / "hypnograms" / "sleep_edf").glob("*.edf"))[0]
    with pytest.raises(FormatError, match="the EDF file holds no signals; give the file with the signals"):
        staging.read(path)


@pytest.mark.parametrize("channels", [None, {"ppg": "PPG"}, {"hr": "PPG"}])
def test_records_of_no_length_give_no_rate_and_are_refused(written, channels):
    """One in 1e-320 s is an infinite rate in double precision."""
    path = written([signal("PPG", 64)])
    content = bytearray(path.read_bytes())
    content[244:252] = b"1e-320  "
    path.write_bytes(content)
    with pytest.raises(FormatError, match="give signals of one positive rate"):
        staging.read(path, channels=channels)
