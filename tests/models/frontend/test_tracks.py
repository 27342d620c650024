"""Every track in the graph is the one that `staging.tracks.prepare` makes, gaps and odd nights among them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from models.frontend.tracks import RawTracks
from staging.raw import raw_inputs
from staging.recording import Recording, Signal
from staging.simulate import simulate_night
from staging.tracks import SENSORS, prepare


@pytest.fixture(scope="module")
def graph() -> RawTracks:
    return RawTracks().eval()


@pytest.fixture(scope="module")
def recording() -> Recording:
    return simulate_night(6, duration_h=2.0).recording


def both(graph: RawTracks, recording: Recording):
    expected = prepare(recording)
    with torch.no_grad():
        found = graph(*map(torch.from_numpy, raw_inputs(recording).arrays().values()))
    return found, expected


def assert_same(graph: RawTracks, recording: Recording, *, steps: int = 0) -> None:
    """Equal tracks, but for so many steps of the heart rate, in which a beat at a limit may fall either way."""
    found, expected = both(graph, recording)
    tracks = {
        "heart_rate": (found.heart_rate_T, expected.heart_rate_bpm, 0.01, steps),
        "counts": (found.counts_N, expected.counts, 0.01, 0),
        "gravity": (found.gravity_SX, expected.gravity_g, 1e-5, 0),
        "temperature": (found.temperature_S, expected.temperature_c, 0.001, 0),
    }
    for name, (series, values, tolerance, allowed) in tracks.items():
        known, there = series.known.numpy(), np.isfinite(values)
        differs = np.abs(np.where(known & there, series.values.numpy() - values, 0.0)) > tolerance
        assert differs.sum() + (known != there).sum() <= allowed, name
    shares = np.stack([expected.coverage[sensor] for sensor in SENSORS], axis=1)
    assert np.abs(found.coverage_SG.numpy() - shares).mean() < 0.005


def changed(recording: Recording, name: str, change) -> Recording:
    signal = getattr(recording, name)
    return recording.replace(**{name: dataclasses.replace(signal, samples=change(signal.samples.copy()))})


@pytest.mark.parametrize("hours", [1 / 6, 0.51, 3.0])
def test_a_night_of_any_length(graph, hours):
    assert_same(graph, simulate_night(7, duration_h=hours).recording)


@pytest.mark.parametrize("name", ["acc", "ppg", "temp"])
def test_gaps_short_and_long(graph, recording, name):
    rng = np.random.default_rng(1)

    def cut(samples: np.ndarray) -> np.ndarray:
        rate_hz = len(samples) / 7200
        for length_s in (0.05, 0.15, 0.3, 1.0, 4.0, 12.0, 31.0, 45.0, 300.0, 1300.0):
            begin = int(rng.integers(0, len(samples)))
            samples[begin : begin + max(1, int(length_s * rate_hz))] = np.nan
        return samples

    assert_same(graph, changed(recording, name, cut), steps=3)


def test_a_pulse_upside_down(graph, recording):
    assert_same(graph, changed(recording, "ppg", np.negative), steps=3)


def test_a_pulse_with_a_large_offset_and_drift(graph, recording):
    assert_same(
        graph, changed(recording, "ppg", lambda samples: samples + 1000 + np.arange(len(samples)) / 1e4), steps=3
    )


def test_spikes_and_flat_stretches(graph, recording):
    rng = np.random.default_rng(2)

    def spoil(samples: np.ndarray) -> np.ndarray:
        samples[rng.integers(0, len(samples), 200)] += 50 * samples.std()
        samples[100_000:120_000] = samples[100_000]
        return samples

    assert_same(graph, changed(recording, "ppg", spoil), steps=3)


def test_a_device_that_lies_on_the_table(graph, recording):
    def still(samples: np.ndarray) -> np.ndarray:
        samples[: len(samples) * 6 // 10] = samples[0]
        return samples

    table = changed(changed(recording, "acc", still), "ppg", still)
    found, _ = both(graph, table)
    assert (found.coverage_SG[:100] == 0).all()
    assert_same(graph, table, steps=3)


def test_skin_that_cools_and_warms(graph, recording):
    def off(samples: np.ndarray) -> np.ndarray:
        samples[8000:16000] = 22.0 + 10 * np.exp(-np.arange(8000) / 800)
        return samples

    assert_same(graph, changed(recording, "temp", off).replace(ppg=None), steps=0)


def test_skin_that_cools_slowly_was_not_taken_off(graph, recording):
    """Nothing is steep: no fall begins, not even with the first epoch."""

    def cooling(samples: np.ndarray) -> np.ndarray:
        return np.linspace(34.0, 24.0, len(samples))

    slow = changed(recording, "temp", cooling).replace(ppg=None)
    found, _ = both(graph, slow)
    assert found.temperature_S.known[10:-60].all()
    assert_same(graph, slow, steps=0)


def test_steps_of_an_empatica(graph, recording):
    """Its counts of 1/64 g make a coarse limit of stillness."""
    assert_same(graph, changed(recording, "acc", lambda samples: np.rint(samples * 64) / 64))


def test_a_watchs_rate_and_counts(graph):
    assert_same(graph, simulate_night(8, duration_h=3.0).watch)


def test_a_held_rate_of_a_watch_on_the_table(graph):
    watch = simulate_night(8, duration_h=3.0).watch
    held = dataclasses.replace(watch.hr, values=np.where(watch.hr.times_s > 5400, 61.0, watch.hr.values))
    acc = Signal(samples=np.tile([0.0, 0.0, 1.0], (360, 1)), rate_hz=1 / 30, unit="g")
    table = watch.replace(hr=held, acc=acc)
    found, _ = both(graph, table)
    assert (found.coverage_SG[-100:, 0] == 0).all()
    assert_same(graph, table)


def test_real_watch_nights(graph, shared_data):
    from staging.readers import read
    from staging.readers.sleep_accel import FILES, subjects

    folder = shared_data / "sleep_accel"
    for subject in list(subjects(folder))[:4]:
        there = next(folder / file.format(subject) for file in FILES if (folder / file.format(subject)).is_file())
        assert_same(graph, read(there, format="sleep_accel"), steps=2)
