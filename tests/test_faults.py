"""What faults of a night's sensors do: they are told, they cost what they hid, and little else.

Simulated E4 nights: they say what becomes of a fault, and nothing about how well anybody is staged.
"""

from __future__ import annotations

import dataclasses
import json
import re
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging.cli import main
from staging.errors import RecordingError
from staging.recording import EPOCH_S, Events, Recording, Signal
from staging.scorings import read_csv
from staging.simulate import simulate_night, write_e4_zip
from staging.stager import stage
from staging.tracks import SENSORS, prepare

HOURS = 4.0
FIRST, STOP = 180, 300
"""Epochs of the faulty hour: 90 min after the start."""
SPAN = slice(FIRST, STOP)
FAR = np.r_[0 : FIRST - 2, STOP + 2 : int(HOURS * 120)]
"""Epochs that the fault's edges cannot reach: neither the filters' nor the smoothing of a heart rate."""


@pytest.fixture(scope="module")
def night() -> Recording:
    return simulate_night(14, duration_h=HOURS).recording  # a pulse is felt all through the faulty hour


@pytest.fixture(scope="module")
def stages(night) -> np.ndarray:
    return stage(night).stages


def with_fault(signal: Signal, change) -> Signal:
    """The faulty hour's samples as `change` makes them."""
    samples = signal.samples.copy()
    hour = slice(round(FIRST * EPOCH_S * signal.rate_hz), round(STOP * EPOCH_S * signal.rate_hz))
    samples[hour] = change(samples[hour])
    return dataclasses.replace(signal, samples=samples)


def loose(samples):
    """Light that leaks in and the hand's slow movement, and no pulse."""
    rng = np.random.default_rng(0)
    return np.nanstd(samples) * (np.cumsum(rng.normal(0, 0.005, len(samples))) + rng.normal(0, 0.5, len(samples)))


def room(samples):
    return 21 + np.random.default_rng(0).normal(0, 0.02, len(samples))


def missing_in(tracks, sensor):
    return tracks.coverage[sensor][FIRST + 1 : STOP - 1]


def told(warnings, what):
    """The span of the epochs of a warning."""
    found = [re.search(rf"{what}.* between epochs (\d+) and (\d+)", warning) for warning in warnings]
    (match,) = [match for match in found if match and abs(int(match[1]) - FIRST) < 5]
    return int(match[1]), int(match[2])


@pytest.mark.parametrize(
    ("change", "name"), [(loose, "loose"), (lambda s: 0 * s, "dark"), (lambda s: np.nan * s, "lost")]
)
def test_a_ppg_that_is_loose_for_an_hour_costs_that_hours_heart_rate(night, stages, change, name):
    tracks = prepare(night.replace(ppg=with_fault(night.ppg, change)))
    hypnogram = stage(tracks)
    assert (missing_in(tracks, "heart") == 0).all()
    assert tracks.coverage["heart"][FAR].mean() > 0.85
    np.testing.assert_allclose(told(tracks.warnings, "heart: missing"), (FIRST, STOP), atol=3)
    assert (hypnogram.stages[SPAN] != "UNSCORED").all()  # staged from movement
    assert np.mean(hypnogram.stages[FAR] != stages[FAR]) < 0.1


@pytest.mark.parametrize(
    "change",
    [
        lambda samples: np.full_like(samples, 2.0),
        lambda samples: np.full_like(samples, -2.0) * [1, 0, 1],
        lambda samples: np.tile(samples[0], (len(samples), 1)),
        lambda samples: 0 * samples,
    ],
    ids=["saturated", "two axes saturated", "frozen", "zeros"],
)
def test_acceleration_at_its_end_or_stuck_is_no_stillness(night, stages, change):
    tracks = prepare(night.replace(acc=with_fault(night.acc, change)))
    hypnogram = stage(tracks)
    assert (missing_in(tracks, "motion") == 0).all()
    assert (tracks.coverage["motion"][FAR] > 0).all()
    assert tracks.counts.reshape(-1, 2)[FAR].max() == pytest.approx(prepare(night).counts.reshape(-1, 2)[FAR].max())
    np.testing.assert_allclose(told(tracks.warnings, "motion: acceleration stuck"), (FIRST, STOP - 1), atol=1)
    assert (hypnogram.stages[SPAN] != "UNSCORED").all()  # staged from the heart
    assert np.mean(hypnogram.stages[FAR] != stages[FAR]) < 0.15


def test_frozen_without_a_pulse_for_an_hour_is_not_worn(night):
    frozen = with_fault(night.acc, lambda samples: np.tile(samples[0], (len(samples), 1)))
    hypnogram = stage(night.replace(acc=frozen, ppg=None, temp=None))
    assert (hypnogram.stages[FIRST + 1 : STOP - 1] == "UNSCORED").all()
    # Who lay still before or after it is not told from it.
    assert np.mean(hypnogram.stages[FAR] != "UNSCORED") > 0.9
    assert any(re.fullmatch(r"not worn between epochs 1\d\d and 299", warning) for warning in hypnogram.warnings)


@pytest.mark.parametrize("signs", [(-1, -1, -1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)])
def test_a_device_worn_the_other_way_round_gives_the_same_stages(night, stages, signs):
    turned = dataclasses.replace(night.acc, samples=night.acc.samples * np.float32(signs))
    assert (stage(night.replace(acc=turned)).stages == stages).all()


def test_a_device_turned_for_an_hour_is_still_worn(night, stages):
    hypnogram = stage(night.replace(acc=with_fault(night.acc, lambda samples: -samples)))
    assert (hypnogram.coverage["motion"] > 0).all()
    assert np.mean(hypnogram.stages != stages) < 0.1


@pytest.mark.parametrize("whole", [False, True])
def test_a_thermometer_that_reads_the_room_beside_a_pulse_is_left_out(night, stages, whole):
    temp = dataclasses.replace(night.temp, samples=room(night.temp.samples).astype(np.float32))
    tracks = prepare(night.replace(temp=temp if whole else with_fault(night.temp, room)))
    assert (missing_in(tracks, "temperature") == 0).all()
    assert (tracks.coverage["temperature"][FAR] == 0).all() == whole
    assert (missing_in(tracks, "heart") > 0).mean() > 0.9
    warning = next(warning for warning in tracks.warnings if "as of a room" in warning)
    assert warning.endswith(f"between epochs {0 if whole else FIRST} and {len(stages) - 1 if whole else STOP - 1}")
    assert (stage(tracks).stages == stages).all()


@pytest.mark.parametrize("code", [-127.0, 85.0, 382.2, np.inf])
def test_error_codes_of_a_thermometer_are_missing(night, code):
    faulty = with_fault(night.temp, lambda samples: np.full_like(samples, code))
    tracks = prepare(night.replace(temp=faulty))
    assert (missing_in(tracks, "temperature") == 0).all()
    told(tracks.warnings, "temperature: missing")


def test_a_device_off_the_wrist_for_an_hour_is_unscored_for_that_hour(night, stages):
    rng = np.random.default_rng(0)
    table = night.replace(
        ppg=with_fault(night.ppg, loose),
        acc=with_fault(night.acc, lambda s: np.float32([0, 0, 1]) + (rng.random(s.shape) < 0.02) / 64),
        temp=with_fault(night.temp, room),
    )
    hypnogram = stage(table)
    assert (hypnogram.stages[FIRST + 2 : STOP - 2] == "UNSCORED").all()
    assert (hypnogram.stages[FAR] != "UNSCORED").all()
    assert np.isnan(hypnogram.probabilities[FIRST + 2 : STOP - 2]).all()
    told(hypnogram.warnings, "not worn")
    assert np.mean(hypnogram.stages[FAR] != stages[FAR]) < 0.1


def test_an_hour_without_any_sensor_is_unscored_and_told_however_long_the_recording():
    seconds = np.arange(0, 20 * 3600, 5.0)
    known = (seconds < 9 * 3600) | (seconds >= 10 * 3600)
    bpm = 60 + 5 * np.sin(seconds / 900)
    hr = Events(times_s=seconds[known], values=bpm[known], unit="bpm")
    hypnogram = stage(Recording(hr=hr))
    assert np.flatnonzero(hypnogram.stages == "UNSCORED")[[0, -1]].tolist() == [1080, 1199]
    assert hypnogram.warnings == ("heart: missing between epochs 1080 and 1199",)


def test_warnings_name_the_epochs_and_the_time_of_day_on_screen_and_in_the_file(tmp_path, capsys):
    simulated = simulate_night(11, duration_h=1.5, start=datetime(2026, 3, 28, 23, 0, tzinfo=UTC))
    ppg = simulated.recording.ppg
    dark = ppg.samples.copy()
    dark[30 * 60 * 64 : 60 * 60 * 64] = 0
    recording = simulated.recording.replace(ppg=dataclasses.replace(ppg, samples=dark))
    write_e4_zip(dataclasses.replace(simulated, recording=recording), tmp_path / "night.zip")
    (tmp_path / "out").mkdir()
    assert main(["score", str(tmp_path / "night.zip"), "--out", str(tmp_path / "out")]) == 0
    warnings = json.loads((tmp_path / "out" / "night.architecture.json").read_text(encoding="utf-8"))["warnings"]
    said = r"heart: missing between epochs 6[01] and 11\d \(23:30–(23:5\d|00:00)\)"
    assert any(re.fullmatch(said, warning) for warning in warnings), warnings
    assert re.search(said, " ".join(capsys.readouterr().out.split()))  # however narrow the screen is
    assert (read_csv(tmp_path / "out" / "night.hypnogram.csv").coverage["heart"][62:110] == 0).all()


# Clocks


def tables(folder, seconds, jump):
    """Heart rate and temperature of a plain folder, on a clock that jumps."""
    folder.mkdir(parents=True)
    at = datetime(2026, 3, 28, 22, 0, tzinfo=UTC).timestamp() + jump(seconds)
    stamps = [datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds") for time in at]
    for name, column, values in (("hr", "bpm", 60 + 5 * np.sin(seconds / 900)), ("temp", "temp_c", 34 + 0 * seconds)):
        rows = "".join(f"{stamp},{value:.2f}\n" for stamp, value in zip(stamps, values, strict=True))
        (folder / f"{name}.csv").write_text(f"time,{column}\n{rows}", encoding="utf-8")
    return folder


def test_a_clock_that_jumps_ahead_leaves_a_gap_that_is_unscored_and_told(tmp_path):
    seconds = np.arange(0, 3 * 3600, 5.0)
    home = tables(tmp_path / "night", seconds, lambda s: np.where(s < 5400, s, s + 3600))
    assert main(["score", str(home), "--out", str(tmp_path / "out"), "--quiet"]) == 0
    hypnogram = read_csv(tmp_path / "out" / "night.hypnogram.csv")
    assert len(hypnogram) == 480
    unscored = np.flatnonzero(hypnogram.stages == "UNSCORED")
    assert unscored[[0, -1]].tolist() == pytest.approx([180, 299], abs=2)
    assert len(unscored) == unscored[-1] - unscored[0] + 1
    warnings = json.loads((tmp_path / "out" / "night.architecture.json").read_text(encoding="utf-8"))["warnings"]
    assert any(
        re.match(r"heart: missing between epochs 18\d and 29\d \(23:3\d–00:(29|30)\)", line) for line in warnings
    )


def test_a_clock_that_is_set_back_is_told_and_staged(tmp_path):
    seconds = np.arange(0, 3 * 3600, 5.0)
    home = tables(tmp_path / "night", seconds, lambda s: np.where(s < 5400, s, s - 1802.0))
    assert main(["score", str(home), "--out", str(tmp_path / "out"), "--quiet"]) == 0
    hypnogram = read_csv(tmp_path / "out" / "night.hypnogram.csv")
    assert len(hypnogram) == 299
    assert (hypnogram.stages != "UNSCORED").all()
    warnings = json.loads((tmp_path / "out" / "night.architecture.json").read_text(encoding="utf-8"))["warnings"]
    assert any(re.search(r"hr\.csv: .*go back \(first at ", warning) for warning in warnings), warnings


# Any pattern

CHANNELS = ("acc", "ppg", "temp", "ibi", "hr", "counts")
SENSOR_OF = dict(zip(CHANNELS, ("motion", "heart", "temperature", "heart", "heart", "motion"), strict=True))
N = 40


@pytest.fixture(scope="module")
def everything() -> Recording:
    """Twenty minutes with all six channels."""
    made = simulate_night(5, duration_h=N / 120)
    beats = made.beats_s
    ibi = Events(times_s=beats[1:], values=np.diff(beats), unit="s")
    return made.recording.replace(ibi=ibi, hr=made.watch.hr, counts=made.watch.counts, warnings=())


def blanked(channel: Signal | Events, gaps: list[tuple[float, float]]) -> Signal | Events:
    times = channel.times_s() if isinstance(channel, Signal) else channel.times_s
    lost = np.any([(times >= begin) & (times < begin + length) for begin, length in gaps] or [times < -1e9], axis=0)
    if isinstance(channel, Signal):
        samples = channel.samples.copy()
        samples[lost] = np.nan
        return dataclasses.replace(channel, samples=samples)
    return dataclasses.replace(channel, times_s=times[~lost], values=channel.values[~lost])


GAPS = st.lists(st.tuples(st.floats(-60, 1250), st.floats(0.01, 900)), max_size=3)


@settings(deadline=None, max_examples=40)
@given(gaps=st.fixed_dictionaries({}, optional=dict.fromkeys(CHANNELS, GAPS)))
def test_any_pattern_of_sensors_and_gaps_is_staged_where_it_can_be(everything, gaps):
    kept = {name: blanked(channel, gaps[name]) for name, channel in everything.channels().items() if name in gaps}
    recording = everything.replace(**{name: kept.get(name) for name in CHANNELS})
    try:
        tracks = prepare(recording)
        hypnogram = stage(tracks)
    except RecordingError:
        # Nothing of heart or movement is left, or the rest is too short.
        if recording.channels() and recording.n_epochs >= 20:
            assert not np.any([tracks.coverage[sensor] for sensor in ("heart", "motion")])
        return
    assert set(hypnogram.coverage) == set(SENSORS)
    heard = (hypnogram.coverage["heart"] > 0) | (hypnogram.coverage["motion"] > 0)
    unscored = hypnogram.stages == "UNSCORED"
    assert not unscored[heard].any()
    np.testing.assert_array_equal(np.isnan(hypnogram.probabilities).any(axis=1), unscored)
    np.testing.assert_allclose(hypnogram.probabilities[~unscored].sum(axis=1), 1, atol=1e-5)
    for sensor in SENSORS:
        share = hypnogram.coverage[sensor]
        assert ((share >= 0) & (share <= 1)).all()
        if not any(SENSOR_OF[name] == sensor for name in kept):
            assert (share == 0).all()
            assert not any(warning.startswith(sensor) for warning in hypnogram.warnings)
        elif (share == 0).all() or np.convolve(share == 0, np.ones(20), "valid").max() == 20:
            assert any(warning.startswith((sensor, "not worn")) for warning in hypnogram.warnings)
