from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import staging
from staging.errors import FormatError
from staging.posture import turned_deg
from staging.readers.sleep_accel import _unstretched, read_reference, subjects
from tests.readers.conftest import zip_of

N_EPOCHS = 20
CODES = [-1, 0, 0, 1, 2, 2, 3, 4, 2, 5, 5, 0, 1, 2, 3, 3, 2, 5, 0, -1]
NAMES = {-1: "UNSCORED", 0: "W", 1: "N1", 2: "N2", 3: "N3", 4: "N3", 5: "R"}
STAGES = [NAMES[code] for code in CODES]


def rows(*columns, delimiter=","):
    return "".join(delimiter.join(f"{value:.6f}" for value in row) + "\n" for row in zip(*columns, strict=True))


def published_times(first_s, last_s):
    """As the set's pipeline makes them: even times from the first sample of acceleration to the last one."""
    return np.linspace(first_s, last_s, int((last_s - first_s + 0.02) / 15))


def cropped(subject="11", acc_epochs=range(3, 18), counts_from_s=0.001):
    times = published_times(counts_from_s, N_EPOCHS * 30 - 0.01)
    beats = np.arange(2.5, N_EPOCHS * 30, 5)
    acc_s = [30.0 * epoch for epoch in acc_epochs]
    return {
        f"{subject}_cleaned_hr.out": rows(beats, 60 + beats % 7, delimiter=" "),
        f"{subject}_cleaned_counts.out": rows(times, times % 50),
        f"{subject}_cleaned_psg.out": rows(np.arange(N_EPOCHS) * 30.0, CODES, delimiter=" "),
        f"{subject}_epoch_start_acc.csv": "t_s,x_g,y_g,z_g\n"
        + rows(acc_s, [0.6] * len(acc_s), [0.8] * len(acc_s), [0] * len(acc_s)),
        f"{subject}_steps.csv": rows(times, 0 * times),
    }


def raw(subject="11"):
    acc_s = np.arange(-600, N_EPOCHS * 30 + 600, 0.02)
    beats = np.arange(-900, N_EPOCHS * 30 + 900, 5.0)
    return {
        f"motion/{subject}_acceleration.txt": rows(acc_s, 0.6 + 0 * acc_s, 0.8 + 0 * acc_s, 0 * acc_s, delimiter=" "),
        f"heart_rate/{subject}_heartrate.txt": rows(beats, 60 + beats % 7),
        f"steps/{subject}_steps.txt": rows(beats, 0 * beats),
        f"labels/{subject}_labeled_sleep.txt": rows(np.arange(N_EPOCHS) * 30.0, CODES, delimiter=" "),
    }


@pytest.mark.parametrize("file", list(cropped()))
def test_any_file_of_a_subject_stands_for_all_of_them(folder, file):
    home = folder(cropped() | cropped("12"))
    recording = staging.read(home / file)
    assert recording.subject == "11"
    assert list(recording.channels()) == ["acc", "hr", "counts"]
    assert recording.source == str(home / file)
    assert recording.start is None
    assert recording.warnings == ()


def test_posture_is_one_sample_an_epoch_with_nan_where_there_is_none(folder):
    acc = staging.read(folder(cropped())).acc
    assert acc.rate_hz == 1 / 30
    assert acc.start_s == 0
    assert len(acc.samples) == N_EPOCHS
    assert np.flatnonzero(np.isfinite(acc.samples[:, 0])).tolist() == list(range(3, 18))


@pytest.mark.parametrize("first_s", [0.001, 255.5])
def test_counts_are_at_the_times_when_they_were_counted_and_may_begin_late(folder, first_s):
    """Published times come later and later; bins follow each other in 15 s."""
    published = published_times(first_s, N_EPOCHS * 30 - 0.01)
    counts = staging.read(folder(cropped(counts_from_s=first_s))).counts
    assert published[-1] - counts.times_s[-1] > 14
    assert counts.times_s[0] == first_s
    np.testing.assert_allclose(np.diff(counts.times_s), 15.0)
    np.testing.assert_allclose(counts.values, published % 50, atol=1e-5)


@given(st.floats(0, 5000), st.integers(20, 3000), st.floats(-0.02, 14.999))
def test_bins_are_found_whatever_was_left_over_behind_the_last(first_s, n, left_over_s):
    seconds = np.linspace(first_s, first_s + 15 * n + left_over_s, n)
    np.testing.assert_allclose(_unstretched(seconds), first_s + 15 * np.arange(n), atol=1e-6)


def one_moved(times_s):
    return np.where(np.arange(len(times_s)) == 50, times_s + 0.1, times_s)


@pytest.mark.parametrize(
    "times_s",
    [
        *(step_s * np.arange(1000.0) for step_s in (15.0, 15.04, 30.0)),
        *(np.linspace(0, 15 * 100 + left_over_s, 100) for left_over_s in (-0.1, 15.1)),
        one_moved(np.linspace(0, 1507.5, 100)),
        np.linspace(0, 1507.5, 100)[::-1],
        np.where(np.arange(100) == 50, np.nan, np.linspace(0, 1507.5, 100)),
        np.linspace(0, 15 * 19 + 7.5, 19),
        np.array([0.0, 30.0]),
        np.array([7.0]),
        np.array([]),
    ],
)
def test_times_that_do_not_look_made_so_are_kept(times_s):
    assert _unstretched(times_s) is times_s


def test_counts_and_turns_of_the_arm_come_at_one_time_to_the_end_of_the_night(shared_data):
    """Both are of the same acceleration, and single samples have their true times. In the last third of the nights
    counts go with the turns of their own epoch; at the published times they did so far less."""
    at_own, at_published = [], []
    for subject in subjects(shared_data / "sleep_accel"):
        file = shared_data / "sleep_accel" / f"{subject}_cleaned_counts.out"
        recording = staging.read(file)
        turns = np.log1p(turned_deg(recording.acc.samples))
        known = np.isfinite(turns) & (np.arange(len(turns)) > 2 * len(turns) / 3)

        def goes_with_turns(times_s, counts, turns=turns, known=known):
            in_epoch = np.histogram(times_s + 7.5, 30.0 * np.arange(len(turns) + 1), weights=counts)[0]
            return np.corrcoef(np.log1p(in_epoch)[known], turns[known])[0, 1]

        if recording.counts.times_s[-1] > 30 * len(turns) - 600:  # else the watch stopped
            at_own.append(goes_with_turns(recording.counts.times_s, recording.counts.values))
            at_published.append(goes_with_turns(*np.loadtxt(file, delimiter=",").T))
    assert len(at_own) >= 20
    assert np.mean(at_own) > 0.75
    assert np.mean(at_published) < 0.5


@pytest.mark.parametrize("file", list(raw()))
def test_the_raw_layout_is_cropped_to_the_labelled_span(folder, file):
    recording = staging.read(folder(raw()) / file)
    assert list(recording.channels()) == ["acc", "hr"]
    assert recording.acc.rate_hz == pytest.approx(50)
    assert recording.acc.start_s == pytest.approx(0, abs=1e-6)
    assert recording.acc.end_s == pytest.approx(N_EPOCHS * 30)
    assert recording.hr.times_s[[0, -1]].tolist() == [0, N_EPOCHS * 30 - 5]
    assert recording.n_epochs == N_EPOCHS
    assert read_reference(folder(raw()) / file).stages.tolist() == STAGES


def test_without_labels_nothing_is_cropped(folder):
    files = {name: text for name, text in raw().items() if not name.startswith("labels")}
    recording = staging.read(folder(files))
    assert recording.acc.start_s == pytest.approx(-600)
    assert recording.hr.times_s[0] == -900


def test_a_folder_and_a_zip_of_one_subject_are_read(folder):
    home = folder(cropped())
    for path in (home, zip_of(home)):
        assert staging.read(path).subject == "11"
        assert read_reference(path).stages.tolist() == STAGES


def test_a_folder_of_several_subjects_says_what_to_give(folder):
    home = folder(cropped() | cropped("2") | {"300_cleaned_psg.out": "0 1\n"})
    assert subjects(home) == ["2", "11"]
    for read in (staging.read, read_reference):
        with pytest.raises(
            FormatError, match=r"holds 3 subjects \(2, 11, 300, ...\); give one file of a subject, as 2_"
        ):
            read(home)


@settings(deadline=None, max_examples=40)
@given(codes=st.lists(st.integers(-1, 5), min_size=1, max_size=50), data=st.data())
def test_stages_follow_the_labels_at_their_times(codes, data, tmp_path_factory):
    kept = data.draw(st.lists(st.booleans(), min_size=len(codes), max_size=len(codes)))
    kept[-1] = True
    home = tmp_path_factory.mktemp("night")
    pairs = [(30.0 * i, code) for i, code in enumerate(codes) if kept[i]]
    (home / "7_cleaned_psg.out").write_text(rows(*zip(*pairs, strict=True), delimiter=" "))
    expected = [NAMES[code] if keep else "UNSCORED" for code, keep in zip(codes, kept, strict=True)]
    assert read_reference(home).stages.tolist() == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0 1\n30 6\n", "unknown label 6; labels are -1, 0, 1, 2, 3, 4 and 5"),
        ("0 1\n30 1.5\n", r"unknown label 1\.5"),
        ("-60 1\n", "holds no labels of a night"),
        ("0 1\n1e9 1\n", "holds no labels of a night"),
        ("0 1\n30 W\n60 0\n", "line 2 is not 2 numbers"),
    ],
)
def test_labels_that_are_not_of_the_set_are_refused(folder, text, message):
    home = folder(cropped() | {"11_cleaned_psg.out": text})
    with pytest.raises(FormatError, match=rf"11_cleaned_psg\.out: {message}"):
        read_reference(home)


def test_a_subject_without_labels_has_no_reference(folder):
    home = folder({"11_cleaned_hr.out": "0 60\n5 61\n"})
    with pytest.raises(FormatError, match=r"subject 11 has no labels; add 11_cleaned_psg\.out"):
        read_reference(home)


def test_labels_alone_are_no_recording(folder):
    with pytest.raises(FormatError, match="subject 11 has labels or steps only"):
        staging.read(folder({"11_cleaned_psg.out": "0 0\n30 2\n"}))


def test_every_real_night_is_read(shared_data):
    home = shared_data / "sleep_accel"
    found = subjects(home)
    assert len(found) == 25
    for subject in found:
        file = home / f"{subject}_cleaned_hr.out"
        recording, reference = staging.read(file), read_reference(file)
        assert list(recording.channels()) == ["acc", "hr", "counts"]
        assert recording.n_epochs == len(reference)
        assert reference.stages[-1] in ("UNSCORED", *reference.classes)


def test_odd_real_nights_stay_as_odd_as_they_are(shared_data):
    home = shared_data / "sleep_accel"
    stopped = staging.read(home / "7749105_cleaned_hr.out")
    assert stopped.counts.times_s[-1] < 4030
    assert np.isnan(stopped.acc.samples[140:]).all()
    assert stopped.n_epochs == 959
    assert staging.read(home / "1360686_cleaned_counts.out").counts.times_s[0] > 1255
    assert "N3" not in read_reference(home / "1455390_cleaned_psg.out").stages
    assert [len(read_reference(home / f"{s}_cleaned_psg.out")) for s in (46343, 759667, 3509524, 4018081)] == [
        566,
        474,
        416,
        509,
    ]


@pytest.mark.parametrize("time", ["inf", "nan", "-1e308"])
def test_postures_without_a_time_are_left_out_where_nothing_is_labelled(folder, time):
    files = {name: text for name, text in cropped().items() if "psg" not in name}
    files["11_epoch_start_acc.csv"] += f"{time},0.6,0.8,0\n"
    assert len(staging.read(folder(files)).acc.samples) == 18


def test_a_posture_in_a_thousand_years_is_refused(folder):
    files = {name: text for name, text in cropped().items() if "psg" not in name}
    files["11_epoch_start_acc.csv"] += "3e10,0.6,0.8,0\n"
    with pytest.raises(FormatError, match=r"epoch_start_acc\.csv: its times reach second 3e\+10"):
        staging.read(folder(files))


def test_a_posture_beyond_single_precision_is_none(folder):
    files = cropped()
    files["11_epoch_start_acc.csv"] = files["11_epoch_start_acc.csv"].replace("0.600000", "1e300", 1)
    recording = staging.read(folder(files))
    assert np.isnan(recording.acc.samples[3, 0])
    assert recording.warnings == ("acc: 1 infinite values taken for none",)
