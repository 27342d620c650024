"""What the raw graph is fed, what it refuses, and that it stages as `staging.stage` does."""

from __future__ import annotations

import dataclasses
import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging.errors import InputError, ModelError, RecordingError
from staging.heart import heart_rate_track
from staging.model import DEFAULT_MODEL, load_model
from staging.raw import RAW_CHANNELS, RawInputs, RawModel, interface, raw_inputs, stage_raw
from staging.recording import Events, Recording, Signal
from staging.simulate import simulate_night
from staging.stager import stage
from staging.tracks import SENSORS


@pytest.fixture(scope="module")
def model() -> RawModel:
    return RawModel()


@pytest.fixture(scope="module")
def night():
    return simulate_night(4, duration_h=1.5)


def empty(n: int, **given: np.ndarray) -> RawInputs:
    arrays = {name: np.zeros((n, *channel.shape), np.float32) for name, channel in RAW_CHANNELS.items()}
    return RawInputs(**{**arrays, "present": np.zeros((n, len(RAW_CHANNELS)), np.float32), **given})


def agree(found, expected) -> tuple[float, float]:
    """Share of epochs of the same stage, and the largest difference of a probability."""
    stages = expected.indices()
    both = (stages >= 0) & (found.stages >= 0)
    largest = np.abs(found.probabilities - expected.probabilities)[both].max(initial=0.0)
    return float((stages == found.stages).mean()), float(largest)


class TestAgreementWithStage:
    @pytest.mark.parametrize("missing", [(), ("acc",), ("ppg",), ("temp",), ("acc", "temp"), ("ppg", "temp")])
    def test_the_same_night_whatever_is_missing(self, model, night, missing):
        recording = night.recording.replace(**dict.fromkeys(missing))
        same, largest = agree(model.run(raw_inputs(recording)), stage(recording))
        assert same >= 0.995
        assert largest <= 0.02

    @pytest.mark.parametrize("missing", [(), ("hr",), ("counts",)])
    def test_a_watch_that_gives_nothing_raw(self, model, night, missing):
        recording = night.watch.replace(**dict.fromkeys(missing))
        same, largest = agree(model.run(raw_inputs(recording)), stage(recording))
        assert same >= 0.995
        assert largest <= 0.02

    @pytest.mark.parametrize("minutes", [10, 10.5, 47, 200])
    def test_at_any_length(self, model, minutes):
        recording = simulate_night(2, duration_h=minutes / 60).recording
        same, largest = agree(model.run(raw_inputs(recording)), stage(recording))
        assert same >= 0.995
        assert largest <= 0.02

    def test_gaps_in_every_sensor(self, model, night):
        rng = np.random.default_rng(0)
        cut = {}
        for name in ("acc", "ppg", "temp"):
            signal = getattr(night.recording, name)
            samples = signal.samples.copy()
            for begin in rng.integers(0, len(samples), 6):
                samples[begin : begin + int(rng.choice([1, 5, 60, 400]) * signal.rate_hz)] = np.nan
            cut[name] = dataclasses.replace(signal, samples=samples)
        recording = night.recording.replace(**cut)
        found, expected = model.run(raw_inputs(recording)), stage(recording)
        same, largest = agree(found, expected)
        assert same >= 0.985  # of 180 epochs, at most 2
        assert largest <= 0.05
        shares = np.stack([expected.coverage[sensor] for sensor in SENSORS], axis=1)
        assert np.abs(shares - found.quality).mean() <= 0.01

    def test_longer_than_a_window(self, model):
        recording = simulate_night(3, duration_h=14.0).watch
        same, largest = agree(stage_raw(recording, model), stage(recording))
        assert same >= 0.995
        assert largest <= 0.02

    @pytest.mark.parametrize("name", ["e4", "e4_truncated"])
    def test_real_sessions(self, model, shared_data, name):
        from staging.readers import read

        recording = read(shared_data / name)
        found, expected = model.run(raw_inputs(recording)), stage(recording)
        same, largest = agree(found, expected)
        assert same >= 0.99
        assert largest <= 0.02


class TestWhatIsNotThere:
    def test_nothing_but_nan_is_finite_and_of_no_quality(self, model):
        n = 40
        nothing = {name: np.full((n, *channel.shape), np.nan, np.float32) for name, channel in RAW_CHANNELS.items()}
        found = model.run(empty(n, **nothing, present=np.ones((n, 5), np.float32)))
        assert np.isfinite(found.probabilities).all()
        assert found.probabilities.sum(axis=1) == pytest.approx(1.0, abs=1e-5)
        assert (found.quality == 0).all()
        assert (found.stages == -1).all()

    @pytest.mark.parametrize("value", [np.inf, -np.inf, 0.0, 1e30, -1e30])
    def test_any_constant_is_finite(self, model, value):
        n = 30
        same = {name: np.full((n, *channel.shape), value, np.float32) for name, channel in RAW_CHANNELS.items()}
        found = model.run(empty(n, **same, present=np.ones((n, 5), np.float32)))
        assert np.isfinite(found.probabilities).all()
        assert np.isfinite(found.quality).all()

    def test_what_is_not_present_is_not_looked_at(self, model, night):
        rng = np.random.default_rng(0)
        inputs = raw_inputs(night.watch)
        noise = rng.normal(size=inputs.ppg.shape).astype(np.float32)
        other = RawInputs(**{**inputs.arrays(), "ppg": noise})
        assert np.array_equal(model.run(other).probabilities, model.run(inputs).probabilities)

    @settings(max_examples=10, deadline=None)
    @given(seed=st.integers(0, 2**32 - 1), n=st.integers(20, 50))
    def test_noise_of_any_kind_gives_shares_and_probabilities(self, seed, n):
        rng = np.random.default_rng(seed)
        arrays = {}
        for name, channel in RAW_CHANNELS.items():
            values = rng.normal(rng.normal(0, 50), 10.0 ** rng.integers(-3, 4), (n, *channel.shape))
            values[rng.random(values.shape) < rng.choice([0.0, 0.01, 0.5])] = np.nan
            arrays[name] = values.astype(np.float32)
        present = (rng.random((n, len(RAW_CHANNELS))) < rng.random(len(RAW_CHANNELS))).astype(np.float32)
        found = RawModel().run(RawInputs(**arrays, present=present))
        assert found.probabilities.sum(axis=1) == pytest.approx(1.0, abs=1e-5)
        assert ((found.quality >= 0) & (found.quality <= 1)).all()
        assert np.isin(found.stages, [-1, 0, 1, 2, 3, 4]).all()


class TestRefusals:
    @pytest.mark.parametrize("name", [*RAW_CHANNELS, "present"])
    def test_a_wrong_shape_names_the_tensor(self, name):
        good = empty(30).arrays()
        for wrong in (good[name][:-1], good[name][..., :-1], good[name].reshape(-1)):
            if name == "present" and len(wrong) == 29:
                continue  # then all the others are wrong
            with pytest.raises(InputError, match=f"^{name}: its shape is"):
                RawInputs(**{**good, name: wrong})

    def test_a_wrong_type_names_the_tensor(self):
        with pytest.raises(InputError, match=r"^ppg: its type is float64, not float32"):
            empty(30, ppg=np.zeros((30, 1920)))

    @pytest.mark.parametrize("n", [0, 19, 1561])
    def test_too_few_and_too_many_epochs(self, model, n):
        with pytest.raises(InputError, match=f"{n} epochs cannot be staged at once"):
            model.run(empty(n))

    @pytest.mark.parametrize("name", [*RAW_CHANNELS, "present"])
    def test_the_graph_itself_refuses_a_wrong_rate_by_the_tensors_name(self, model, name):
        """Other languages have no wrapper."""
        arrays = empty(30).arrays()
        arrays[name] = np.repeat(arrays[name], 2, axis=1)
        with pytest.raises(Exception, match=name):
            model._session.run(None, arrays)

    def test_a_recording_without_channels(self):
        with pytest.raises(RecordingError, match="no sensor channel"):
            raw_inputs(Recording())

    def test_another_model_file(self, tmp_path):
        from importlib.resources import files

        path = tmp_path / "other.onnx"
        shutil.copy(str(files("staging.weights") / DEFAULT_MODEL), path)
        with pytest.raises(ModelError, match=r"staging\.raw"):
            RawModel(path)


class TestInputs:
    def test_samples_at_the_graphs_own_rates_are_taken_as_they_are(self, night):
        inputs = raw_inputs(night.recording)
        for name in ("acc", "ppg", "temp"):
            expected = getattr(night.recording, name).samples.astype(np.float32)
            found = getattr(inputs, name)
            assert np.array_equal(found.reshape(-1, *expected.shape[1:])[: len(expected)], expected, equal_nan=True)

    @pytest.mark.parametrize("rate_hz", [25.0, 50.0, 100.0, 30.7])
    def test_other_rates_keep_a_movement_of_3_hz(self, rate_hz):
        def wave(at_s):
            return np.stack([0.3 * np.sin(2 * np.pi * 3 * at_s), 0 * at_s, 1 + 0 * at_s], axis=-1)

        acc = Signal(samples=wave(np.arange(0, 900, 1 / rate_hz)), rate_hz=rate_hz, unit="g")
        found = raw_inputs(Recording(acc=acc)).acc
        expected = wave(np.arange(0, 900, 1 / 32)).reshape(30, 960, 3)
        assert np.abs(found - expected)[1:-1].max() < 0.01

    def test_what_lies_beyond_the_new_rate_does_not_fold_into_it(self):
        at_s = np.arange(0, 900, 1 / 100)
        z = 1 + 0.3 * np.sin(2 * np.pi * 27 * at_s)  # would be 5 Hz at 32 Hz
        acc = Signal(samples=np.stack([0 * z, 0 * z, z], axis=1), rate_hz=100.0, unit="g")
        assert np.abs(raw_inputs(Recording(acc=acc)).acc[1:-1, :, 2] - 1).max() < 0.02

    def test_gaps_stay_gaps_at_other_rates(self):
        samples = np.random.default_rng(0).normal(size=(900 * 50, 3))
        samples[100 * 50 : 160 * 50] = np.nan
        found = raw_inputs(Recording(acc=Signal(samples=samples, rate_hz=50.0, unit="g"))).acc
        missing = np.isnan(found).all(axis=2).reshape(-1)
        assert np.flatnonzero(missing)[[0, -1]] == pytest.approx([100 * 32, 160 * 32], abs=2)
        assert missing.sum() == pytest.approx(60 * 32, abs=3)

    def test_a_start_before_or_after_zero_moves_the_samples(self):
        samples = np.arange(1200 * 4, dtype=float)
        for start_s, first in ((-30.0, 120.0), (0.0, 0.0)):
            temp = Signal(samples=samples, rate_hz=4.0, unit="degC", start_s=start_s)
            assert raw_inputs(Recording(temp=temp)).temp[0, 0] == first
        late = Signal(samples=samples, rate_hz=4.0, unit="degC", start_s=15.0)
        found = raw_inputs(Recording(temp=late)).temp[0]
        assert np.isnan(found[:60]).all()
        assert found[60] == 0.0

    def test_a_windows_inputs_are_those_of_the_whole_recording(self, night):
        whole, part = raw_inputs(night.recording), raw_inputs(night.recording, 40, 90)
        for name, array in part.arrays().items():
            assert np.array_equal(array, getattr(whole, name)[40:90], equal_nan=True), name

    def test_acceleration_too_slow_for_counts_gives_none(self):
        acc = Signal(samples=np.tile([0.0, 0.6, 0.8], (60, 1)), rate_hz=1 / 30, unit="g")
        inputs = raw_inputs(Recording(acc=acc))
        assert inputs.present[0].tolist() == [1, 0, 0, 0, 1]
        assert np.isnan(inputs.counts).all()

    def test_a_devices_heart_rate_is_its_track(self):
        rng = np.random.default_rng(0)
        times_s = np.cumsum(rng.uniform(2, 8, 300))
        hr = Events(times_s=times_s, values=rng.uniform(50, 80, 300), unit="bpm")
        found = raw_inputs(Recording(hr=hr)).heart_rate.ravel()
        assert np.array_equal(found, heart_rate_track(hr, len(found)), equal_nan=True)


def test_the_shipped_graph_is_of_the_shipped_network(model):
    """After another network has been shipped: python -m models.raw_export."""
    assert model.spec == load_model().spec


def test_the_graph_says_what_it_is_fed(model):
    described = interface()["inputs"]
    fed = {entry.name: entry.shape for entry in model._session.get_inputs()}
    assert fed == {name: channel["shape"] for name, channel in described.items()}
    assert [entry.name for entry in model._session.get_outputs()] == ["probabilities", "quality", "stages"]
