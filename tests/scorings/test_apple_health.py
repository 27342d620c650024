"""Apple Health exports."""

from __future__ import annotations

import zipfile
from datetime import datetime, timedelta, timezone

import pytest

from staging.architecture import summarize
from staging.errors import FormatError
from staging.scorings import read_hypnogram, read_hypnograms

HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE HealthData [
<!ELEMENT HealthData (Record*)>
]>
<HealthData locale="en_IE">
"""
TAIL = "</HealthData>\n"
WATCH, PHONE = "Anna’s Apple Watch", "iPhone"


def record(value: str, start: str, end: str, source: str = WATCH) -> str:
    return (
        f'<Record type="HKCategoryTypeIdentifierSleepAnalysis" sourceName="{source}" '
        f'creationDate="2024-03-02 07:00:00 +0100" startDate="2024-03-0{start} +0100" endDate="2024-03-0{end} +0100" '
        f'value="HKCategoryValueSleepAnalysis{value}"/>\n'
    )


NIGHT = (
    record("AsleepCore", "1 23:00:00", "1 23:02:00"),
    record("AsleepDeep", "1 23:02:00", "1 23:03:00"),
    record("Awake", "1 23:03:00", "1 23:03:30"),
    record("AsleepREM", "1 23:03:30", "1 23:04:30"),
)


def saved(tmp_path, *records: str):
    path = tmp_path / "export.xml"
    other = '<Record type="HKQuantityTypeIdentifierHeartRate" value="60"/>\n'
    path.write_text(HEAD + other + "".join(records) + TAIL, encoding="utf-8")
    return path


def test_core_deep_and_rem_sleep(tmp_path):
    hypnogram = read_hypnogram(saved(tmp_path, *NIGHT))
    assert hypnogram.stages.tolist() == [*["LIGHT"] * 4, *["DEEP"] * 2, "W", *["R"] * 2]
    assert (hypnogram.n_classes, hypnogram.epoch_s) == (4, 30.0)
    assert hypnogram.start == datetime(2024, 3, 1, 23, tzinfo=timezone(timedelta(hours=1)))


def test_the_order_of_the_records_does_not_matter_and_doubles_are_dropped(tmp_path):
    straight = read_hypnogram(saved(tmp_path, *NIGHT))
    mixed = read_hypnogram(saved(tmp_path, *NIGHT[::-1], NIGHT[0]))
    assert mixed.stages.tolist() == straight.stages.tolist()


def test_times_in_bed_of_any_device_are_lights_off_and_on(tmp_path):
    hypnogram = read_hypnogram(saved(tmp_path, *NIGHT, record("InBed", "1 22:50:00", "1 23:10:00", PHONE)))
    assert (hypnogram.lights_off_s, hypnogram.lights_on_s) == (-600.0, 600.0)
    assert summarize(hypnogram).tib_min == 20.0
    assert summarize(hypnogram).sol_min == 10.0


def test_sleep_without_stages_is_sleep_and_its_gaps_are_wake(tmp_path):
    hypnogram = read_hypnogram(
        saved(tmp_path, record("Asleep", "1 23:00:00", "1 23:01:00"), record("Asleep", "1 23:01:30", "1 23:02:00"))
    )
    assert (hypnogram.stages.tolist(), hypnogram.n_classes) == (["S", "S", "W", "S"], 2)


def test_a_little_sleep_without_a_stage_in_a_night_of_stages_is_unscored(tmp_path):
    hypnogram = read_hypnogram(saved(tmp_path, *NIGHT, record("AsleepUnspecified", "1 23:04:30", "1 23:05:00")))
    assert hypnogram.stages.tolist()[-1] == "UNSCORED"
    assert hypnogram.warnings == ("1 epochs of sleep without a stage are unscored",)


def test_sleep_without_a_stage_lies_under_stages(tmp_path):
    under = record("AsleepUnspecified", "1 23:00:00", "1 23:04:30")
    hypnogram = read_hypnogram(saved(tmp_path, under, *NIGHT))
    assert "UNSCORED" not in hypnogram.stages.tolist()


def test_of_several_devices_the_one_with_most_stages_is_taken(tmp_path):
    phone = record("AsleepUnspecified", "1 22:55:00", "1 23:30:00", PHONE)
    path = saved(tmp_path, phone, *NIGHT)
    assert read_hypnogram(path).n_classes == 4
    assert read_hypnogram(path, device=PHONE).n_classes == 2
    with pytest.raises(FormatError, match="devices are Anna’s Apple Watch, iPhone"):
        read_hypnogram(path, device="Ring")


def test_nights_are_parted_and_in_order(tmp_path):
    later = record("AsleepDeep", "2 22:00:00", "2 22:01:00")
    nights = read_hypnograms(saved(tmp_path, later, *NIGHT))
    assert [len(night) for night in nights] == [9, 2]
    assert nights[1].source.endswith("(night 2 of 2)")


def test_the_zip_that_the_phone_makes(tmp_path):
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("apple_health_export/export_cda.xml", "<ClinicalDocument/>")
        archive.write(saved(tmp_path, *NIGHT), "apple_health_export/export.xml")
    assert len(read_hypnogram(path)) == 9
    empty = tmp_path / "empty.zip"
    with zipfile.ZipFile(empty, "w") as archive:
        archive.writestr("apple_health_export/readme.txt", "")
    with pytest.raises(FormatError, match=r"has no export.xml inside"):
        read_hypnogram(empty)


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ([record("Dozing", "1 23:00:00", "1 23:01:00")], "line 7 has the unknown value 'Dozing'"),
        ([record("Awake", "1 23:01:00", "1 23:00:00")], "line 7 ends before it begins"),
        ([record("Awake", "1 late", "1 23:00:00")], "line 7 has no startDate or endDate with an offset"),
        (
            [record("AsleepCore", "1 23:00:00", "1 23:10:00"), record("AsleepREM", "1 23:05:00", "1 23:15:00")],
            "line 8 begins 300 s before line 7 ends, both by 'Anna’s Apple Watch'",
        ),
        ([record("InBed", "1 23:00:00", "1 23:10:00")], "has no sleep analysis"),
        ([], "has no sleep analysis"),
        (["<Record"], "is not XML"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path, records, words):
    with pytest.raises(FormatError) as caught:
        read_hypnograms(saved(tmp_path, *records))
    assert words in str(caught.value)


def test_an_overlap_of_less_than_an_epoch_is_borne(tmp_path):
    path = saved(
        tmp_path, record("AsleepCore", "1 23:00:00", "1 23:01:10"), record("AsleepREM", "1 23:01:00", "1 23:02:00")
    )
    assert read_hypnogram(path).stages.tolist() == ["LIGHT", "LIGHT", "R", "R"]
