from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from staging.errors import RecordingError
from staging.readers.checks import check
from staging.recording import Events, Recording, Signal

UNITS = {"acc": "g", "ppg": "a.u.", "temp": "degC", "ibi": "s", "hr": "bpm", "counts": "counts"}
GOOD = {"acc": 1.0, "temp": 33.0, "ibi": 1.0, "hr": 60.0, "counts": 30.0}


def channel(name: str, values, rate_hz: float = 4.0, step_s: float = 15.0):
    values = np.asarray(values, float)
    if name in ("acc", "ppg", "temp"):
        if name == "acc" and values.ndim == 1:
            values = np.column_stack([values, *[np.where(np.isnan(values), np.nan, 0.0)] * 2])
        return Signal(samples=values.astype(np.float32), rate_hz=rate_hz, unit=UNITS[name])
    return Events(times_s=np.arange(len(values)) * step_s, values=values, unit=UNITS[name])


def good(name: str, n: int = 480):
    return channel(name, np.sin(np.arange(n)) if name == "ppg" else np.full(n, GOOD[name]))


@pytest.mark.parametrize("name", UNITS)
def test_a_plausible_channel_is_left_as_it_is(name):
    recording = Recording(source="night", **{name: good(name)})
    checked = check(recording)
    assert checked.channels()[name] is recording.channels()[name]
    assert checked.warnings == ()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("acc", 9.81, "that is m/s², not g; divide by 9.80665"),
        ("acc", 1000, "that is mg, not g; divide by 1000"),
        ("acc", 64, "that is 1/64 g, not g; divide by 64"),
        ("acc", 4.0, "give it in g"),
        ("temp", 91.4, "that is °F, not °C; subtract 32"),
        ("temp", 306.2, "that is K, not °C; subtract 273.15"),
        ("temp", 3300, "give it in °C"),
        ("temp", -60, "give it in °C"),
        ("ibi", 850, "that is ms, not s; divide by 1000"),
        ("ibi", 60, "that is bpm, not s"),
        ("ibi", 5, "give it in s"),
        ("hr", 0.9, "that is s between beats, not bpm"),
        ("hr", 850, "that is ms between beats, not bpm"),
        ("hr", 10, "give it in bpm"),
    ],
)
def test_a_wrong_unit_is_named_with_its_mend(name, value, message):
    with pytest.raises(RecordingError, match=rf"^night: {name} has a median of .*{message}"):
        check(Recording(source="night", ppg=good("ppg"), **{name: channel(name, np.full(480, float(value)))}))


@settings(deadline=None, max_examples=60)
@given(
    name=st.sampled_from(list(GOOD)),
    values=npst.arrays(np.float64, st.integers(1, 60), elements=st.floats(allow_nan=True, allow_infinity=True)),
)
def test_any_values_pass_or_are_refused_without_a_numpy_warning(name, values):
    recording = Recording(source="night", ppg=good("ppg"))
    with np.errstate(over="ignore"):
        recording = recording.replace(**{name: channel(name, values)})
    try:
        checked = check(recording)
    except RecordingError:
        pass
    else:
        kept = checked.channels().get(name)
        kept_values = np.zeros(0) if kept is None else kept.samples if isinstance(kept, Signal) else kept.values
        assert not np.isinf(kept_values).any()
        assert kept is not None or any(f"{name} " in warning for warning in checked.warnings)


@pytest.mark.parametrize(
    ("values", "reason"), [(np.zeros(480), "is all zeros"), (np.full(480, np.nan), "holds no values"), ([], "is empty")]
)
@pytest.mark.parametrize("name", UNITS)
def test_a_dead_channel_is_dropped_beside_a_live_one_and_an_error_alone(name, values, reason):
    other = "temp" if name == "ppg" else "ppg"
    if name in ("hr", "ibi") and reason == "is all zeros":
        reason = "holds no values"
    dead = {name: channel(name, values)}
    checked = check(Recording(source="night", **dead, **{other: good(other)}))
    assert list(checked.channels()) == [other]
    assert checked.warnings[-1] == f"{name} {reason} and was left out"
    with pytest.raises(RecordingError, match=rf"^night: .*{name} {reason}; give a recording of a worn device"):
        check(Recording(source="night", **dead))


def test_a_ppg_that_never_changes_is_dead_but_a_still_wrist_is_not():
    checked = check(Recording(source="night", ppg=channel("ppg", np.full(480, 512.0)), acc=good("acc")))
    assert list(checked.channels()) == ["acc"]
    assert checked.warnings == ("ppg never changes and was left out",)


def test_acceleration_without_one_of_its_axes_is_dead():
    samples = np.tile(np.float32([np.nan, 0.6, 0.8]), (480, 1))
    checked = check(Recording(ppg=good("ppg"), acc=Signal(samples=samples, rate_hz=4.0, unit="g")))
    assert checked.warnings == ("acc lacks an axis and was left out",)


def test_nothing_at_all_is_an_error():
    with pytest.raises(RecordingError, match="no sensor channel was found"):
        check(Recording(source="night"))


def test_zeros_of_a_heart_and_infinities_mean_none():
    hr = channel("hr", [60, 0, 62, np.inf])
    checked = check(Recording(source="night", hr=hr))
    np.testing.assert_array_equal(checked.hr.values, [60, np.nan, 62, np.nan])
    assert checked.warnings == ("hr: 1 infinite values taken for none", "hr: 1 zero values taken for none")
    assert hr.values[1] == 0


@pytest.mark.parametrize(("bin_s", "fits"), [(15.0, True), (15.07, True), (30.0, False), (60.0, False), (1.0, False)])
def test_counts_are_of_fifteen_seconds(bin_s, fits):
    recording = Recording(source="night", counts=channel("counts", np.full(200, 9.0), step_s=bin_s))
    if fits:
        assert check(recording).counts is recording.counts
    else:
        with pytest.raises(RecordingError, match=f"counts are in bins of {bin_s:g} s, not 15 s; give te Lindert"):
            check(recording)


def test_counts_below_zero_are_refused():
    with pytest.raises(RecordingError, match="counts are below 0"):
        check(Recording(source="night", counts=channel("counts", [1.0, -2.0, 3.0])))


@pytest.mark.parametrize(
    ("name", "rate_hz", "n", "message"),
    [
        ("ppg", 0.064, 480, r"ppg at 0\.064 Hz over 2\.1 h; give times in seconds, not milliseconds"),
        ("acc", 0.032, 6400, "give times in seconds, not milliseconds"),
        ("temp", 1e-6, 480, "not milliseconds, of one recording"),
        ("ppg", 230_400, 480, "ppg at 230400 Hz; give times in seconds, not minutes, hours or days"),
    ],
)
def test_times_in_another_unit_than_seconds_are_told_by_the_rate(name, rate_hz, n, message):
    values = np.sin(np.arange(n)) if name == "ppg" else np.full(n, GOOD[name])
    with pytest.raises(RecordingError, match=message):
        check(Recording(source="night", **{name: channel(name, values, rate_hz=rate_hz)}))


@pytest.mark.parametrize("name", ["ibi", "hr"])
def test_a_heart_heard_every_quarter_of_an_hour_has_times_in_milliseconds(name):
    with pytest.raises(RecordingError, match=f"{name} has a value every 1000 s; give times in seconds"):
        check(Recording(**{name: channel(name, np.full(100, GOOD[name]), step_s=1000.0)}))


def test_one_sample_of_acceleration_an_epoch_is_no_mistake():
    assert check(Recording(acc=channel("acc", np.ones(960), rate_hz=1 / 30))).warnings == ()


def test_acceleration_without_gravity_is_doubted():
    (warning,) = check(Recording(acc=channel("acc", np.full(480, 0.02)))).warnings
    assert warning == "acc has a median size of 0.02 g: gravity seems to be taken away"


def test_a_recording_that_ends_before_its_start_is_refused():
    early = Signal(samples=np.full(480, 33, np.float32), rate_hz=4.0, unit="degC", start_s=-3600)
    with pytest.raises(RecordingError, match="it ends before second 0; mend its start"):
        check(Recording(temp=early))


def test_values_that_tracks_cannot_hold_are_none() -> None:
    hr = Events(times_s=np.arange(4) * 5.0, values=np.array([60.0, 1e308, 61.0, -1e300]), unit="bpm")
    checked = check(Recording(hr=hr))
    np.testing.assert_array_equal(checked.hr.values, [60, np.nan, 61, np.nan])
    assert checked.warnings == ("hr: 2 infinite values taken for none",)
