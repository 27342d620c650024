"""From a recording to a hypnogram with the shipped model."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from staging import stager
from staging.decision import decide
from staging.errors import ModelError, RecordingError
from staging.model import load_model
from staging.recording import Events, Recording
from staging.simulate import simulate_night
from staging.stager import BRIDGED_GAP_EPOCHS, WINDOW_EPOCHS, stage
from staging.tracks import Tracks, prepare


@pytest.fixture(scope="module")
def night():
    return simulate_night(5, duration_h=7.5)


@pytest.fixture(scope="module")
def watch(night) -> Tracks:
    return prepare(night.watch)


def without(tracks: Tracks, first: int, stop: int) -> Tracks:
    """The tracks with nothing recorded in some epochs."""

    def lose(values: np.ndarray, per_epoch: int) -> np.ndarray:
        lost = values.copy()
        lost[first * per_epoch : stop * per_epoch] = np.nan
        return lost

    def cover(share: np.ndarray) -> np.ndarray:
        lost = share.copy()
        lost[first:stop] = 0.0
        return lost

    return dataclasses.replace(
        tracks,
        heart_rate_bpm=lose(tracks.heart_rate_bpm, 6),
        counts=lose(tracks.counts, 2),
        coverage={sensor: cover(share) for sensor, share in tracks.coverage.items()},
    )


def test_epochs_that_nobody_recorded_add_up_to_no_wake(watch, monkeypatch):
    counted = []

    def spy(probabilities, n_classes, rule, *, known):
        counted.append(known)
        return decide(probabilities, n_classes, rule, known=known)

    monkeypatch.setattr(stager, "decide", spy)
    hypnogram = stage(without(watch, 200, 260))
    assert np.array_equal(counted[0], hypnogram.stages != "UNSCORED")
    assert not counted[0][200:260].any()


def test_a_pulse_and_a_watchs_heart_rate_are_staged_alike():
    """One track definition: at least 90 % of epochs, whether PPG or a watch-like heart rate saw the same nights."""
    alike = []
    for seed in range(11, 15):
        night = simulate_night(seed, duration_h=8.0)
        pulse = night.recording.replace(ibi=None, hr=None)
        watch = pulse.replace(ppg=None, hr=night.watch.hr)
        by_pulse, by_watch = stage(pulse), stage(watch)
        n = min(len(by_pulse), len(by_watch))
        alike.append((by_pulse.stages[:n] == by_watch.stages[:n]).mean())
    assert np.mean(alike) >= 0.9


@pytest.mark.parametrize("n_classes", [5, 4, 3, 2])
def test_probabilities_sum_to_one_in_every_resolution(watch, n_classes):
    hypnogram = stage(watch, n_classes=n_classes)
    assert hypnogram.n_classes == n_classes
    np.testing.assert_allclose(hypnogram.probabilities.sum(axis=1), 1.0, atol=1e-5)


def test_resolutions_are_of_one_mind(watch):
    assert stage(watch).merge(4).stages.tolist() == stage(watch, n_classes=4).stages.tolist()


def test_a_long_gap_is_unscored_and_a_short_one_is_bridged(watch):
    hypnogram = stage(without(watch, 200, 260))
    assert (hypnogram.stages[200:260] == "UNSCORED").all()
    assert np.isnan(hypnogram.probabilities[200:260]).all()
    assert (np.delete(hypnogram.stages, np.s_[200:260]) != "UNSCORED").all()
    short = stage(without(watch, 200, 200 + BRIDGED_GAP_EPOCHS))
    assert (short.stages != "UNSCORED").all()


def test_a_long_recording_is_staged_in_windows_and_each_night_as_alone(watch):
    """Three nights in one recording: windows must not change what one night alone gives, but near their ends."""

    def repeat(values: np.ndarray) -> np.ndarray:
        return np.tile(values, (3, *[1] * (values.ndim - 1)))

    long = dataclasses.replace(
        watch,
        n_epochs=3 * watch.n_epochs,
        heart_rate_bpm=repeat(watch.heart_rate_bpm),
        counts=repeat(watch.counts),
        gravity_g=repeat(watch.gravity_g),
        temperature_c=repeat(watch.temperature_c),
        coverage={sensor: repeat(share) for sensor, share in watch.coverage.items()},
    )
    assert long.n_epochs > WINDOW_EPOCHS
    hypnogram, alone = stage(long), stage(watch)
    assert np.isfinite(hypnogram.probabilities).all()
    assert (hypnogram.stages[: len(alone)] == alone.stages).mean() > 0.8


def test_a_sensor_the_model_never_saw_changes_nothing(night):
    """No scored night with temperature was at hand: it must not reach the stages through untrained weights."""
    assert "temperature" not in load_model().spec.groups
    with_temperature, without = (
        prepare(recording) for recording in (night.recording, night.recording.replace(temp=None))
    )
    assert np.isfinite(with_temperature.temperature_c).any()
    same_wear = dataclasses.replace(with_temperature, temperature_c=without.temperature_c)
    np.testing.assert_array_equal(stage(with_temperature).probabilities, stage(same_wear).probabilities)


def test_temperature_alone_cannot_be_staged(night):
    with pytest.raises(RecordingError, match="neither heart nor motion"):
        stage(Recording(temp=night.recording.temp))


def test_a_heart_rate_of_nothing_cannot_be_staged():
    nothing = Events(times_s=np.arange(0.0, 3600.0, 5.0), values=np.full(720, np.nan), unit="bpm")
    with pytest.raises(RecordingError, match="neither heart nor motion"):
        stage(Recording(hr=nothing))


def test_an_unknown_resolution_is_refused(watch):
    with pytest.raises(ValueError, match="n_classes"):
        stage(watch, n_classes=6)


def test_the_same_tracks_give_the_same_bits(watch):
    np.testing.assert_array_equal(stage(watch).probabilities, stage(watch).probabilities)


def test_a_file_that_is_no_model_is_refused(tmp_path, watch):
    with pytest.raises(ModelError, match="no such file"):
        stage(watch, model=tmp_path / "missing.onnx")
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"not a model")
    with pytest.raises(ModelError, match="not an ONNX model"):
        stage(watch, model=broken)


def test_the_shipped_model_names_its_data_and_licences():
    spec = load_model().spec
    assert spec.stages == ("W", "N1", "N2", "N3", "R")
    assert any("10.13026/hmhs-py35" in line and "ODC-By" in line for line in spec.datasets)


def test_an_awake_person_is_awake(shared_data):
    """The real Empatica E4 session: 61 min, the wearer awake throughout."""
    from staging.readers import read

    hypnogram = stage(read(shared_data / "e4"))
    assert (hypnogram.stages == "W").mean() >= 0.9


def test_real_watch_nights_agree_with_the_technicians(shared_data):
    """The model has seen these nights: this checks the plumbing (time axes, labels, units), not its accuracy."""
    from sklearn.metrics import cohen_kappa_score

    from staging.readers import read
    from staging.readers.sleep_accel import read_reference

    for subject in ("46343", "8530312", "5383425"):
        path = shared_data / "sleep_accel" / f"{subject}_cleaned_hr.out"
        predicted, reference = stage(read(path), n_classes=4), read_reference(path).merge(4)
        n = min(len(predicted), len(reference))
        scored = reference.stages[:n] != "UNSCORED"
        assert cohen_kappa_score(reference.stages[:n][scored], predicted.stages[:n][scored]) > 0.4
