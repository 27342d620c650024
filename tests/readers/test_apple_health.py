from __future__ import annotations

import tracemalloc
import zipfile
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import staging
from staging.cli import main
from staging.errors import FormatError, InputError
from staging.readers import apple_health
from staging.readers.source import open_source
from staging.scorings import read_csv
from tests.readers.conftest import acc_of_a_night, heart_of_a_night, staged

CET = timezone(timedelta(hours=1))
EVENING = datetime(2024, 3, 1, 22, 10, 5, tzinfo=CET)
WATCH, STRAP = "Anna’s Apple Watch", "Strap"
HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE HealthData [\n<!-- HealthKit Export Version: 12 -->\n'
    "<!ATTLIST Broken\n  a CDATA #REQUIRED\n<!ELEMENT Since (iOS16)>\n]>\n"
    '<HealthData locale="en_IE">\n <ExportDate value="2024-03-09 10:00:00 +0100"/>\n'
)
TAIL = "</HealthData>\n"


def spelt(moment):
    return f"{moment:%Y-%m-%d %H:%M:%S %z}"


def record(moment, bpm, source=WATCH, unit="count/min"):
    return (
        f' <Record type="HKQuantityTypeIdentifierHeartRate" sourceName="{source}" sourceVersion="10.3" '
        f'device="&lt;&lt;HKDevice: 0x1&gt;, name:Apple Watch&gt;" unit="{unit}" creationDate="{spelt(moment)}" '
        f'startDate="{spelt(moment)}" endDate="{spelt(moment)}" value="{bpm:g}">\n'
        '  <MetadataEntry key="HKMetadataKeyHeartRateMotionContext" value="0"/>\n </Record>\n'
    )


def in_bed(begin, end, value="InBed"):
    return (
        f'<Record type="HKCategoryTypeIdentifierSleepAnalysis" sourceName="iPhone" startDate="{spelt(begin)}" '
        f'endDate="{spelt(end)}" value="HKCategoryValueSleepAnalysis{value}"/>\n'
    )


def records(seconds, bpm, start=EVENING, **options):
    moments = (start + timedelta(seconds=float(second)) for second in seconds)
    return "".join(record(moment, rate, **options) for moment, rate in zip(moments, bpm, strict=True))


def other(n=1):
    return '<Record type="HKQuantityTypeIdentifierStepCount" sourceName="iPhone" unit="count" value="7"/>\n' * n


def export(*parts):
    return HEAD + other() + "".join(parts) + TAIL


@settings(deadline=None, max_examples=25)
@given(
    steps=st.lists(st.integers(1, 90), min_size=2, max_size=60),
    minutes=st.integers(-48, 56).map(lambda quarters: quarters * 15),
    source=st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=9),
    data=st.data(),
)
def test_what_is_written_comes_back(steps, minutes, source, data, tmp_path_factory):
    seconds = np.cumsum(steps)
    bpm = data.draw(st.lists(st.integers(30, 200), min_size=len(steps), max_size=len(steps)))
    start = EVENING.astimezone(timezone(timedelta(minutes=minutes)))
    name = source.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    path = tmp_path_factory.mktemp("apple") / "export.xml"
    path.write_text(export(records(seconds, bpm, start, source=name)), encoding="utf-8")
    recording = staging.read(path, recorder=source)
    assert recording.start == start + timedelta(seconds=int(seconds[0]))
    assert recording.start.utcoffset() == timedelta(minutes=minutes)
    assert recording.device == source
    np.testing.assert_array_equal(recording.hr.times_s, seconds - seconds[0])
    np.testing.assert_array_equal(recording.hr.values, bpm)


@pytest.mark.parametrize("packed", [False, True])
def test_a_night_of_an_export_is_staged_with_its_times_in_bed(folder, tmp_path, packed):
    bed = in_bed(EVENING + timedelta(minutes=10), EVENING + timedelta(hours=6))
    asleep = in_bed(EVENING - timedelta(hours=1), EVENING + timedelta(hours=7), "AsleepCore")
    text = export(records(*heart_of_a_night()), bed, asleep)
    path = folder({"apple_health_export/export.xml": text, "apple_health_export/export_cda.xml": "<ClinicalDocument/>"})
    if packed:
        archive = tmp_path / "export.zip"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packing:
            for file in path.rglob("*.xml"):
                packing.write(file, file.relative_to(path))
        path = archive
    recording = staging.read(path)
    assert (recording.start, recording.device) == (EVENING, WATCH)
    assert (recording.lights_off_s, recording.lights_on_s) == (600, 6 * 3600)
    assert recording.warnings == ()
    hypnogram = staged(path, tmp_path / "out")
    assert np.mean(hypnogram.stages != "UNSCORED") > 0.99
    assert hypnogram.lights_off_s == 600


def test_of_many_nights_the_last_is_read_and_the_others_are_named(folder):
    seconds, bpm = heart_of_a_night(6, step_s=60)
    nights = (records(seconds, bpm, EVENING + timedelta(days=day)) for day in range(6))
    recording = staging.read(folder({"export.xml": export(*nights)}))
    assert recording.start == EVENING + timedelta(days=5)
    (warning,) = recording.warnings
    assert warning.startswith("one recording of 6 is read, 2024-03-06 22:10 to 2024-03-07 04:09; left out: 2024-03-05")
    assert warning.endswith("and 2 earlier")


def test_of_several_recorders_the_one_with_most_is_read_or_the_one_that_is_asked_for(folder, tmp_path, capsys):
    strap = records(*heart_of_a_night(2, step_s=2), source=STRAP)
    path = folder({"export.xml": export(records(*heart_of_a_night(2, step_s=6)), strap)}) / "export.xml"
    recording = staging.read(path)
    assert recording.device == STRAP
    assert recording.warnings == (f"3600 heart rates of 'Strap' are read; left out: 1200 of '{WATCH}'",)
    assert len(staging.read(path, recorder=WATCH).hr.values) == 1200
    with pytest.raises(InputError, match=r"no heart rate recorded by 'Ring'; recorders are 'Anna’s Apple Watch', 'Str"):
        staging.read(path, recorder="Ring")
    assert main(["score", str(path), "--recorder", WATCH, "--out", str(tmp_path / "out"), "--quiet"]) == 0
    (written,) = (tmp_path / "out").glob("*.hypnogram.csv")
    assert len(read_csv(written)) == 240
    assert main(["score", str(path), "--recorder", "Ring", "--out", str(tmp_path / "out"), "--quiet"]) == 2
    assert "recorders are" in capsys.readouterr().err


def test_a_recorder_is_for_formats_of_several(folder):
    home = folder({"hr.csv": "t_s,bpm\n0,60\n5,61\n"})
    with pytest.raises(FormatError, match="the format plain is of one recorder; leave the recorder out"):
        staging.read(home, recorder="watch")


def acc_table(start, seconds, acc, header="time_ms,x (g),y (g),z (g)"):
    rows = (
        f"{round((start.timestamp() + second) * 1000)},{x:.4f},{y:.4f},{z:.4f}\n"
        for second, (x, y, z) in zip(seconds, acc, strict=True)
    )
    return f"{header}\n{''.join(rows)}"


def test_acceleration_beside_the_export_says_which_night_is_meant(folder):
    hearts = (records(*heart_of_a_night(4), EVENING + timedelta(days=day)) for day in range(3))
    seconds, acc = acc_of_a_night(0.25)
    begin = EVENING + timedelta(days=1, hours=1)
    home = folder({"export.xml": export(*hearts), "acc.csv": acc_table(begin, seconds, acc)})
    recording = staging.read(home)
    assert recording.start == begin
    assert recording.start.utcoffset() == timedelta(hours=1)
    assert recording.acc.rate_hz == pytest.approx(25, abs=1e-6)
    np.testing.assert_allclose(recording.acc.samples, acc, atol=1e-3)
    assert len(recording.hr.values) == 180
    np.testing.assert_array_equal(recording.hr.values, heart_of_a_night(4)[1][720:900])


def test_acceleration_of_another_day_or_without_a_clock_is_said(folder):
    seconds, acc = acc_of_a_night(0.05)
    heart = export(records(*heart_of_a_night(4)))
    later = acc_table(EVENING + timedelta(days=3), seconds, acc)
    recording = staging.read(folder({"export.xml": heart, "acc.csv": later}))
    assert list(recording.channels()) == ["acc"]
    assert recording.warnings == ("no heart rate was recorded while the acceleration was",)
    plain = "t_s,x_g,y_g,z_g\n" + "".join(f"{t:.2f},0.1,0.2,0.9\n" for t in seconds)
    recording = staging.read(folder({"export.xml": heart, "acc.csv": plain}))
    assert list(recording.channels()) == ["hr"]
    assert recording.warnings == ("the acceleration beside the export has no clock and was left out",)


def test_heart_rates_every_few_minutes_are_said_to_be_few(folder):
    text = export(records(*heart_of_a_night(6, step_s=300)))
    (warning,) = staging.read(folder({"export.xml": text})).warnings
    assert warning == "a heart rate every 300 s only: a watch measures more often during a workout"


def test_beats_a_second_are_60_a_minute(folder):
    text = export(records([0, 5, 10], [1.0, 1.1, 1.2], unit="count/s"))
    np.testing.assert_allclose(staging.read(folder({"export.xml": text})).hr.values, [60, 66, 72])


def test_records_in_any_order_and_twice(folder):
    parts = [record(EVENING + timedelta(seconds=second), 60 + second) for second in (10, 0, 5, 5)]
    recording = staging.read(folder({"export.xml": export(*parts)}))
    assert recording.hr.values.tolist() == [60, 65, 70]
    assert recording.warnings == ("export.xml: 1 repeated time left out (first at 5.0 s)",)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        (export(), FormatError, "has no heart rate; export all health data"),
        (export(record(EVENING, 60)).replace('value="60"', 'value="sixty"'), FormatError, "line 11 has no heart rate"),
        (export(record(EVENING, 60, unit="mmHg")), FormatError, "line 11 has no heart rate, but '60' in 'mmHg'"),
        (export(record(EVENING, 60)).replace("+0100", ""), FormatError, "line 11 has no startDate with an offset"),
        (export(record(EVENING, 60)).replace("startDate", "start"), FormatError, "line 11 has no startDate"),
        (export(records([0, 5], [60, 61]))[:-30], FormatError, "is not XML"),
        (HEAD + "</Health>", FormatError, "line 10 is not XML"),
    ],
)
def test_a_damaged_export_is_refused_with_its_line(folder, text, error, message):
    path = folder({"export.xml": text}) / "export.xml"
    with pytest.raises(error, match=message) as caught:
        staging.read(path)
    assert "\n" not in str(caught.value)
    assert "export.xml" in str(caught.value)


def test_bytes_of_another_encoding_are_refused_with_their_line(tmp_path):
    text = export(record(EVENING, 60, source="Zoë"))
    (tmp_path / "export.xml").write_bytes(text.encode("latin-1", errors="replace"))
    with pytest.raises(FormatError, match=r"line 11 is not XML"):
        staging.read(tmp_path / "export.xml")


def test_other_xml_is_not_an_export(tmp_path):
    (tmp_path / "night.xml").write_text('<?xml version="1.0"?><PSGAnnotation/>')
    assert not apple_health.sniff(open_source(tmp_path))
    with pytest.raises(FormatError, match=r"holds no export\.xml of Apple Health"):
        staging.read(tmp_path, format="apple_health")


def test_years_of_other_records_need_little_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("staging.readers.xml._CHUNK", 1 << 14)
    path = tmp_path / "export.xml"
    path.write_text(export(other(20_000), records([0, 5], [60, 61])), encoding="utf-8")
    source = open_source(path)
    tracemalloc.start()
    try:
        apple_health.read(source)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert path.stat().st_size > 1.5e6
    assert peak < 0.5e6
