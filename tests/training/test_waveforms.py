"""Even samples of raw sensors: nothing is moved in time, and what was not recorded is masked."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.waveform_spec import DEFAULT_WAVEFORMS, SENSORS
from staging.errors import InputError
from staging.hypnogram import Hypnogram
from staging.recording import EPOCH_S, Events, Recording, Signal
from training.waveforms import ACC_STEP_G, PPG_STEP, WAVEFORMS, labelled_waveforms, prepare_waveforms

from .datasets.made_signals import pulse, wrist
from .made_waveforms import scored, waveform_night

PPG, ACC, TEMPERATURE = range(len(SENSORS))


def signal(wave, rate_hz, seconds, start_s=0.0, unit="a.u.") -> Signal:
    at_s = start_s + np.arange(round(seconds * rate_hz)) / rate_hz
    return Signal(samples=wave(at_s), rate_hz=rate_hz, unit=unit, start_s=start_s)


def even_times_s(n_epochs, per_epoch):
    return np.arange(n_epochs * per_epoch) * EPOCH_S / per_epoch


@given(st.floats(20, 256), st.floats(-40, 0), st.floats(0.5, 3.0), st.floats(0.01, 1e6), st.floats(-1e3, 1e3))
@settings(deadline=None, max_examples=25)
def test_a_pulse_stays_where_it_was_whatever_rate_unit_and_level_it_came_in(rate_hz, start_s, hz, size, level):
    ppg = signal(lambda t: size * (np.sin(2 * np.pi * hz * t) + level), rate_hz, 190 - start_s, start_s)
    waveforms = prepare_waveforms(Recording(ppg=ppg), 6)
    at_s = even_times_s(6, DEFAULT_WAVEFORMS.ppg_per_epoch)
    settled = at_s > 8.0  # where a recording begins, nobody knows its baseline
    found = waveforms.arrays()[0].ravel()
    np.testing.assert_allclose(found[settled], np.sqrt(2) * np.sin(2 * np.pi * hz * at_s)[settled], atol=0.1)
    assert waveforms.mask[:, PPG].all()
    assert not waveforms.mask[:, [ACC, TEMPERATURE]].any()
    assert waveforms.acc is waveforms.temperature_c is None


@given(st.floats(20, 128), st.floats(-40, 0), st.floats(0.2, 3.0))
@settings(deadline=None, max_examples=15)
def test_acceleration_keeps_its_size_its_place_and_gravity(rate_hz, start_s, hz):
    def wave(t):
        return np.stack([0.4 * np.sin(2 * np.pi * hz * t), 0.6 + 0 * t, 0.8 - 0.1 * np.cos(2 * np.pi * hz * t)], 1)

    acc = signal(wave, rate_hz, 130 - start_s, start_s, "g")
    waveforms = prepare_waveforms(Recording(acc=acc), 4)
    found = waveforms.arrays()[1].transpose(1, 0, 2).reshape(3, -1)
    np.testing.assert_allclose(found, wave(even_times_s(4, DEFAULT_WAVEFORMS.acc_per_epoch)).T, atol=0.01)


def test_what_the_new_rate_cannot_hold_is_filtered_out_and_does_not_appear_as_something_slower():
    acc = signal(lambda t: np.stack([np.sin(2 * np.pi * 16.5 * t), 0 * t, 1 + 0 * t], 1), 100.0, 150, unit="g")
    x = prepare_waveforms(Recording(acc=acc), 5).arrays()[1][:, 0]
    assert np.abs(x[1:-1]).max() < 0.02


@given(st.integers(0, 2**31))
@settings(deadline=None, max_examples=25)
def test_an_epoch_is_masked_where_less_than_half_of_it_was_recorded_and_all_values_are_finite(seed):
    rng = np.random.default_rng(seed)
    n, rates = 8, {"ppg": 25.0, "acc": 50.0, "temp": 4.0}
    made = {
        "ppg": pulse(30 * n, rates["ppg"]),
        "acc": wrist(30 * n, rates["acc"], seed),
        "temp": 33 + 0.01 * rng.standard_normal(int(30 * n * rates["temp"])),
    }
    channels, shares = {}, np.ones((n, 3))
    for place, (name, samples) in enumerate(made.items()):
        lost = np.zeros(len(samples), bool)
        for _ in range(int(rng.integers(4))):
            begin = int(rng.integers(len(samples)))
            lost[begin : begin + int(rng.exponential(40) * rates[name])] = True
        samples[lost] = rng.choice([np.nan, np.inf])
        unit = {"ppg": "a.u.", "acc": "g", "temp": "degC"}[name]
        channels[name] = Signal(samples=samples.astype(np.float32), rate_hz=rates[name], unit=unit)
        shares[:, place] = 1 - lost.reshape(n, -1).mean(axis=1)
    waveforms = prepare_waveforms(Recording(**channels), n)
    # Temperature is judged in steps of 5 s, and both steps at the ends of a stretch may be known in part.
    clear = np.abs(shares - 0.5) > [0.1, 0.1, 2 * 5 / 30]
    np.testing.assert_array_equal(waveforms.mask[clear], (shares >= 0.5)[clear])
    *samples, mask = waveforms.arrays()
    for place, part in enumerate(samples):
        assert part.dtype == np.float32
        assert np.isfinite(part).all()
        assert not part[mask[:, place] == 0].any(), "masked epochs are zero"


def test_a_short_gap_is_bridged_and_the_rest_of_its_epoch_stays():
    whole = signal(lambda t: np.sin(2 * np.pi * 1.1 * t), 32.0, 150)
    gap = whole.samples.copy()
    gap[64 * 30 : 64 * 30 + 5 * 32] = np.nan
    before, after = (
        prepare_waveforms(Recording(ppg=dataclasses.replace(whole, samples=each)), 5).arrays()[0].ravel()
        for each in (whole.samples, gap)
    )
    away = np.abs(even_times_s(5, DEFAULT_WAVEFORMS.ppg_per_epoch) - 62.5) > 5
    np.testing.assert_allclose(after[away], before[away], atol=0.1)


def test_a_ppg_that_stands_still_is_off_and_a_wrist_that_does_is_not():
    ppg, acc = pulse(180, 64), np.tile([0.0, 0.6, 0.8], (180 * 32, 1))
    ppg[60 * 64 : 100 * 64] = ppg[60 * 64]
    recording = Recording(
        ppg=Signal(samples=ppg, rate_hz=64.0, unit="a.u."), acc=Signal(samples=acc, rate_hz=32.0, unit="g")
    )
    mask = prepare_waveforms(recording, 6).mask
    assert mask[:, PPG].tolist() == [True, True, False, True, True, True]
    assert mask[:, ACC].all()


def test_values_that_a_slow_device_repeats_are_not_flat():
    held = np.repeat(np.round(pulse(120, 16)), 4)  # 16 Hz held to 64 Hz, in whole units
    assert prepare_waveforms(Recording(ppg=Signal(samples=held, rate_hz=64.0, unit="a.u.")), 4).mask[:, PPG].all()


@pytest.mark.parametrize(
    "recording",
    [
        Recording(ppg=Signal(samples=pulse(120, 15), rate_hz=15.0, unit="a.u.")),
        Recording(acc=Signal(samples=wrist(120, 5), rate_hz=5.0, unit="g")),
        Recording(ppg=Signal(samples=np.full(120 * 32, np.nan), rate_hz=32.0, unit="a.u.")),
        Recording(temp=Signal(samples=np.full(480, 85.0), rate_hz=4.0, unit="degC")),
        Recording(hr=Events(times_s=np.arange(0.0, 120.0, 5.0), values=np.full(24, 60.0), unit="bpm")),
        Recording(),
    ],
    ids=["slow PPG", "slow acceleration", "no value", "a code for an error", "a rate alone", "nothing"],
)
def test_what_is_no_waveform_is_as_if_it_were_not_there(recording):
    waveforms = prepare_waveforms(recording, 4)
    assert not waveforms.mask.any()
    assert waveforms.ppg is waveforms.acc is waveforms.temperature_c is None
    assert not any(part.any() for part in waveforms.arrays())


@pytest.mark.parametrize("rate_hz", [4.0, 1.0, 0.2, 1 / 30, 1 / 60])
def test_temperature_of_any_rate_keeps_its_course(rate_hz):
    temp = signal(lambda t: 33 + t / 1000, rate_hz, 600, unit="degC")
    waveforms = prepare_waveforms(Recording(temp=temp), 20)
    assert waveforms.mask[1:-1, TEMPERATURE].all()
    middles_s = np.arange(20) * 30 + 15
    held_c = waveforms.arrays()[2].mean(axis=1)
    np.testing.assert_allclose(held_c[1:-1], (33 + middles_s / 1000)[1:-1], atol=0.035)


def test_a_recording_that_begins_late_and_ends_early_is_masked_at_both_ends():
    wave = signal(lambda t: np.sin(7 * t), 32.0, 90, start_s=60.0)
    mask = prepare_waveforms(Recording(ppg=wave), 7).mask[:, PPG]
    assert mask.tolist() == [False, False, True, True, True, False, False]


@pytest.mark.parametrize("start_s", [-600.0, 600.0])
def test_sensors_that_recorded_only_before_or_after_the_night_are_masked(start_s):
    ppg = signal(lambda t: np.sin(7 * t), 32.0, 90, start_s)
    acc = signal(lambda t: np.stack([t, t, t], 1), 32.0, 90, start_s, "g")
    temp = signal(lambda t: 33 + 0 * t, 4.0, 90, start_s, "degC")
    assert not prepare_waveforms(Recording(ppg=ppg, acc=acc, temp=temp), 7).mask.any()


def test_sizes_beyond_16_bits_are_cut_and_do_not_turn_over():
    acc = wrist(60, 32)
    acc[500:520, 0] = 100.0
    g = prepare_waveforms(Recording(acc=Signal(samples=acc, rate_hz=32.0, unit="g")), 2).arrays()[1]
    assert g.max() == pytest.approx(32767 * ACC_STEP_G)
    assert g.min() > -8.1


def test_movement_in_a_few_epochs_does_not_make_the_pulse_of_the_others_small():
    ppg = pulse(600, 32)
    shaken = ppg.copy()
    shaken[: 90 * 32] += 1e4 * np.sin(2 * np.pi * 2.5 * np.arange(90 * 32) / 32)
    sizes = [
        prepare_waveforms(Recording(ppg=Signal(samples=each, rate_hz=32.0, unit="a.u.")), 20).arrays()[0][10:].std()
        for each in (ppg, shaken)
    ]
    assert sizes[1] == pytest.approx(sizes[0], rel=0.1)


def test_a_part_of_a_night_is_those_epochs():
    waveforms = waveform_night(1).waveforms
    for whole, part in zip(waveforms.arrays(), waveforms.part(7, 19).arrays(), strict=True):
        np.testing.assert_array_equal(part, whole[7:19])
    assert PPG_STEP < 0.01


# Nights with stages


def test_the_shorter_of_recording_and_reference_ends_the_night():
    longer = scored(1, np.zeros(45, np.int64))
    night = labelled_waveforms(dataclasses.replace(longer, reference=Hypnogram.from_indices(np.arange(30) % 5)))
    assert night.reference.tolist() == (np.arange(30) % 5).tolist()
    assert len(night.waveforms.mask) == 30
    assert night.sensors == set(SENSORS)
    night = labelled_waveforms(dataclasses.replace(longer, reference=Hypnogram.from_indices(np.zeros(60, np.int64))))
    assert len(night.reference) == 45


def test_a_reference_of_another_night_is_refused():
    with pytest.raises(InputError, match="90 labelled epochs for 40 recorded ones"):
        labelled_waveforms(dataclasses.replace(scored(1), reference=Hypnogram.from_indices(np.zeros(90, np.int64))))


def test_a_recording_without_raw_sensors_is_sent_to_the_other_network():
    hr = Events(times_s=np.arange(0.0, 1200.0, 5.0), values=np.full(240, 60.0), unit="bpm")
    bare = dataclasses.replace(scored(1), recording=Recording(hr=hr, source="night.csv"))
    with pytest.raises(InputError, match=r"night\.csv: no epoch has raw PPG.*python -m training fit"):
        labelled_waveforms(bare)


def test_usable_is_what_was_scored_and_seen():
    night = waveform_night(1)
    reference, mask = night.reference.copy(), night.waveforms.mask.copy()
    reference[3], mask[5], mask[6, :2] = -1, False, False
    changed = dataclasses.replace(night, reference=reference, waveforms=dataclasses.replace(night.waveforms, mask=mask))
    assert np.flatnonzero(~changed.usable).tolist() == [3, 5]


def test_stages_of_another_number_than_epochs_are_refused():
    with pytest.raises(ValueError, match="7 epochs of 1"):
        dataclasses.replace(waveform_night(1), waveforms=waveform_night(1).waveforms.part(0, 7))


# Kept and taken up


@pytest.mark.parametrize("lacking", [(), ("ppg",), ("acc", "temp")])
def test_a_night_comes_back_from_the_cache_as_it_was(tmp_path, lacking):
    made = scored(3)
    made = dataclasses.replace(made, recording=made.recording.replace(**dict.fromkeys(lacking)))
    night = labelled_waveforms(made)
    WAVEFORMS.write(tmp_path / "night.npz", night)
    kept = WAVEFORMS.read(tmp_path / "night.npz")
    assert (kept.dataset, kept.subject) == (night.dataset, night.subject)
    assert kept.waveforms.spec == night.waveforms.spec
    assert kept.digest() == night.digest()
    for name, held in night.waveforms.held().items():
        found = kept.waveforms.held()[name]
        assert found is held is None or (found.dtype == held.dtype and np.array_equal(found, held))


@pytest.mark.parametrize("keep", [0, 100, 0.5, 0.99])
def test_a_damaged_entry_is_none(tmp_path, keep):
    path = tmp_path / "night.npz"
    WAVEFORMS.write(path, waveform_night(3))
    content = path.read_bytes()
    path.write_bytes(content[: keep if isinstance(keep, int) else int(keep * len(content))])
    assert WAVEFORMS.read(path) is None
    assert WAVEFORMS.read(tmp_path / "another.npz") is None


def test_nights_are_told_apart_by_their_content_alone():
    night, again, other = waveform_night(1), waveform_night(1), waveform_night(2)
    assert night.digest() == again.digest() != other.digest()
    scored_otherwise = dataclasses.replace(night, reference=4 - night.reference)
    assert scored_otherwise.digest() != night.digest()
    for name, held in night.waveforms.held().items():
        changed = held.copy()
        changed.flat[17] += 1
        waveforms = dataclasses.replace(night.waveforms, **{name: changed})
        assert waveforms.digest() != night.waveforms.digest()
        lacking = dataclasses.replace(night.waveforms, **{name: None})
        assert lacking.digest() != night.waveforms.digest()
