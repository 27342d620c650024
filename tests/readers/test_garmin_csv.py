from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import staging
from staging.errors import FormatError
from tests.readers.conftest import acc_of_a_night, heart_of_a_night, staged, zip_of

START = datetime(2024, 3, 1, 22, 10, 5, tzinfo=UTC)
CET = timezone(timedelta(hours=1))
PREAMBLE = (
    "Header Length,5\nPowered by Labfront\nDocumentation,https://example.org\n"
    "projectId,projectTitle,participantId,participantInsignia\n1-2-3,Sleep,2b-b4,{who}\n\n"
)


def labfront(column, seconds, values, *, who="S07", preamble=PREAMBLE, zone="isoDate"):
    """Rows of a column; with one of the two ways to tell the zone."""
    text = preamble.format(who=who) + f"deviceType,{zone},unixTimestampInMs,{column}\n"
    for second, value in zip(seconds, values, strict=True):
        moment = START + timedelta(seconds=float(second))
        own = moment.astimezone(CET).isoformat(timespec="milliseconds") if zone == "isoDate" else 3_600_000
        text += f"venu3,{own},{round(moment.timestamp() * 1000)},{value}\n"
    return text


def beats(hours):
    seconds, bpm = heart_of_a_night(hours, step_s=1.0)
    intervals = np.rint(60_000 / bpm).astype(int)
    ends = np.cumsum(intervals) / 1000
    return ends[ends < seconds[-1]], intervals[ends < seconds[-1]]


def bare(seconds, acc, mark=";", zone="+01:00"):
    moments = (START.astimezone(CET) + timedelta(seconds=float(second)) for second in seconds)
    rows = zip(moments, np.rint(acc * 1000).astype(int).tolist(), strict=True)
    return "".join(
        f"{moment.replace(tzinfo=None).isoformat(timespec='milliseconds')}{zone}{mark}{mark.join(map(str, row))}\n"
        for moment, row in rows
    )


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("zone", ["isoDate", "timezoneOffsetInMs"])
def test_beats_and_heart_rate_of_labfront_are_staged(folder, tmp_path, packed, zone):
    ends, intervals = beats(0.25)
    heart_s, bpm = heart_of_a_night(0.25)
    home = folder(
        {
            "garmin-device-bbi/240301_garmin-device-bbi_S07_2b.csv": labfront("bbi", ends, intervals, zone=zone),
            "garmin-device-heart-rate/240301_garmin-device-heart-rate_S07_2b.csv": labfront(
                "beatsPerMinute", heart_s, bpm.astype(int), zone=zone
            ),
            "garmin-device-step/240301_garmin-device-step_S07_2b.csv": labfront("steps", heart_s, bpm, zone=zone),
        }
    )
    path = zip_of(home) if packed else home
    recording = staging.read(path)
    assert list(recording.channels()) == ["ibi", "hr"]
    assert recording.device == "Garmin"
    assert recording.start == START
    assert recording.start.utcoffset() == timedelta(hours=1)
    np.testing.assert_allclose(recording.ibi.values, intervals / 1000)
    np.testing.assert_allclose(recording.ibi.times_s, ends, atol=1e-3)
    assert recording.hr.values.tolist() == bpm.tolist()
    assert recording.warnings == ()
    assert np.mean(staged(path, tmp_path / "out").coverage["heart"]) > 0.9


@settings(deadline=None, max_examples=20)
@given(
    mark=st.sampled_from([";", ",", "\t"]),
    rate_hz=st.sampled_from([25.0, 50.0, 100.0]),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_rows_of_a_time_and_three_axes_come_back_in_g(mark, rate_hz, end, tmp_path_factory):
    acc = acc_of_a_night(0.05)[1][:1000]
    path = tmp_path_factory.mktemp("garmin") / "acc.csv"
    path.write_text(bare(np.arange(len(acc)) / rate_hz, acc, mark).replace("\n", end), newline="")
    recording = staging.read(path)
    assert recording.acc.rate_hz == pytest.approx(rate_hz, rel=1e-4)
    assert recording.start == START
    assert recording.start.utcoffset() == timedelta(hours=1)
    np.testing.assert_allclose(recording.acc.samples, acc, atol=6e-4)
    (warning,) = recording.warnings
    assert "taken for mg, which the file does not say" in warning


def test_rows_without_a_zone_are_taken_as_utc(folder):
    seconds, acc = acc_of_a_night(0.02)
    recording = staging.read(folder({"acc.csv": bare(seconds, acc, zone="")}))
    assert recording.start == START + timedelta(hours=1)
    assert any("has no time zone" in warning for warning in recording.warnings)


def test_acceleration_of_labfront(folder):
    seconds, acc = acc_of_a_night(0.02)
    rows = [",".join(map(str, row)) for row in np.rint(acc * 1000).astype(int).tolist()]
    recording = staging.read(folder({"a.csv": labfront("x,y,z", seconds, rows)}))
    assert recording.acc.rate_hz == pytest.approx(25)
    np.testing.assert_allclose(recording.acc.samples, acc, atol=6e-4)


def test_of_many_days_the_last_night_is_read(folder):
    seconds, bpm = heart_of_a_night(4)
    files = {
        f"24030{day + 1}_garmin-device-heart-rate.csv": labfront(
            "beatsPerMinute", seconds + day * 86400, bpm.astype(int), preamble=""
        )
        for day in range(3)
    }
    recording = staging.read(folder(files))
    assert recording.start == START + timedelta(days=2)
    assert any("240301_garmin-device-heart-rate.csv not read" in warning for warning in recording.warnings)


def test_the_beats_among_hundreds_of_other_files_are_found(folder):
    files = {f"2401{day:03d}_garmin-connect-stress.csv": labfront("stress", [0], [1]) for day in range(250)}
    ends_s, intervals = beats(0.1)
    recording = staging.read(folder(files | {"z_garmin-device-bbi.csv": labfront("bbi", ends_s, intervals)}))
    np.testing.assert_allclose(recording.ibi.values, intervals / 1000)


def test_files_of_several_participants_are_refused(folder):
    home = folder({f"{who}.csv": labfront("bbi", [0, 1], [1000, 1000], who=who) for who in ("S01", "S02")})
    with pytest.raises(FormatError, match=r"holds files of 2 participants \(S01, S02\); give those of one"):
        staging.read(home)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (labfront("steps", [0, 1], [1, 2]), "not a format that can be read"),
        (labfront("bbi", [], []), "has a header and no rows"),
        (labfront("bbi", [0, 1], ["x", 1000]), r"line 8 is not"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(folder, text, message):
    with pytest.raises(FormatError, match=message) as caught:
        staging.read(folder({"a.csv": text}) / "a.csv")
    assert "\n" not in str(caught.value)


def test_a_real_file_is_read_in_g(shared_data):
    recording = staging.read(shared_data / "device_files" / "garmin" / "acc.csv")
    assert recording.acc.rate_hz == pytest.approx(25, rel=0.01)
    assert recording.start.isoformat() == "2019-10-16T12:09:01+02:00"
    sizes = np.linalg.norm(recording.acc.samples[np.isfinite(recording.acc.samples).all(axis=1)], axis=1)
    assert 0.95 < np.median(sizes) < 1.1
