"""Nights of waveforms in batches: changed as they could have been recorded, never into nothing."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.waveform_spec import SENSORS
from training.batches import LabelSmoothing
from training.waveform_batches import WaveformDataset, changed, collate_waveforms
from training.waveform_recipe import WaveformChanges

from .made_waveforms import waveform_night, without

PPG, ACC, TEMPERATURE = range(len(SENSORS))
HARD = LabelSmoothing(anywhere=0.0, border=0.0)
NOTHING = WaveformChanges(
    crop_probability=0,
    no_ppg=0,
    no_acc=0,
    no_temperature=0,
    gap_probability=0,
    ppg_noise=0,
    turned=0,
    temperature_sd_c=0,
)
seeds = st.integers(0, 2**31)


@pytest.fixture(scope="module")
def night():
    return waveform_night(1)


def drawn(night, seed, **changes):
    return changed(night, np.random.default_rng(seed), dataclasses.replace(NOTHING, **changes))


def test_no_change_is_the_night_itself(night):
    for found, expected in zip(drawn(night, 0), (*night.waveforms.arrays(), night.reference), strict=True):
        np.testing.assert_array_equal(found, expected)


@given(seeds)
@settings(deadline=None, max_examples=20)
def test_a_cut_night_is_a_stretch_of_it_with_its_own_stages(seed):
    night = waveform_night(1)
    numbered = dataclasses.replace(night, reference=np.arange(len(night.reference)))
    cut = drawn(numbered, seed, crop_probability=1.0)
    first, stop = cut.reference[0], cut.reference[-1] + 1
    assert len(numbered.reference) / 2 <= stop - first
    np.testing.assert_array_equal(cut.reference, np.arange(first, stop))
    for found, whole in zip(cut[:4], night.waveforms.arrays(), strict=True):
        np.testing.assert_array_equal(found, whole[first:stop])


@given(seeds)
@settings(deadline=None, max_examples=20)
def test_a_turned_device_shows_the_same_sizes_angles_and_handedness(seed):
    night = waveform_night(1)
    acc, turned = (each.acc[5].astype(np.float64) for each in (drawn(night, seed), drawn(night, seed, turned=1.0)))
    np.testing.assert_allclose(turned.T @ turned, acc.T @ acc, atol=1e-5)
    three = [0, 100, 200]
    volume = np.linalg.det(acc[:, three])
    assert np.linalg.det(turned[:, three]) == pytest.approx(volume, abs=1e-6), "a mirrored wrist there is not"
    assert not np.allclose(turned, acc, atol=1e-3)


@given(seeds)
@settings(deadline=None, max_examples=40)
def test_of_the_sensors_that_were_recorded_one_is_always_shown(seed):
    night = waveform_night(1)
    rng = np.random.default_rng(seed)
    for sensor in rng.permutation(len(SENSORS))[: rng.integers(len(SENSORS))]:
        night = without(night, sensor)
    shown = drawn(night, seed, no_ppg=0.9, no_acc=0.9, no_temperature=0.9).mask
    assert shown.any(axis=1).all()
    assert not (shown > night.waveforms.mask).any()


def test_sensors_are_hidden_as_often_as_asked(night):
    masks = np.stack([drawn(night, seed, no_ppg=0.1, no_acc=0.2, no_temperature=0.4).mask[0] for seed in range(400)])
    np.testing.assert_allclose(1 - masks.mean(axis=0), [0.1, 0.2, 0.4], atol=0.07)


def test_gaps_are_of_the_ppg_alone_and_of_the_length_asked_for(night):
    lost = [1 - drawn(night, seed, gap_probability=1.0, max_gaps=1, gap_mean_min=3.0).mask for seed in range(200)]
    shares = np.stack(lost).mean(axis=(0, 1))
    # Of 40 epochs, 6 on average; some gaps reach beyond the end, and all lose the part of an epoch.
    assert 0.06 < shares[PPG] < 0.16
    assert not shares[[ACC, TEMPERATURE]].any()


def test_noise_and_levels_differ_between_draws_but_not_within_a_night(night):
    ppg = [drawn(night, seed, ppg_noise=0.3).ppg - drawn(night, seed).ppg for seed in range(6)]
    sizes = np.array([part.std() for part in ppg])
    assert sizes.max() <= 0.31
    assert sizes.std() > 0.02
    levels = [
        drawn(night, seed, temperature_sd_c=0.5).temperature_c - drawn(night, seed).temperature_c for seed in (1, 2)
    ]
    assert max(part.std() for part in levels) < 1e-5
    assert levels[0].mean() != pytest.approx(levels[1].mean(), abs=0.01)


def test_what_is_kept_of_a_night_is_never_changed(night):
    before = night.digest()
    dataset = WaveformDataset([night], smoothing=HARD, changes=WaveformChanges(temperature_sd_c=1.0))
    for dataset.pass_number in range(5):
        dataset[0]
    assert night.digest() == before


def test_every_pass_shows_another_night_and_the_same_pass_the_same(night):
    def shown(pass_number, seed=0):
        dataset = WaveformDataset(
            [night, night], smoothing=HARD, changes=WaveformChanges(crop_probability=0), seed=seed
        )
        dataset.pass_number = pass_number
        return dataset[1][0]

    first, again, later, other = shown(0), shown(0), shown(1), shown(0, seed=1)
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first[TEMPERATURE], later[TEMPERATURE])
    assert not np.array_equal(first[TEMPERATURE], other[TEMPERATURE])


def test_epochs_that_no_sensor_saw_or_nobody_scored_teach_nothing(night):
    mask, reference = night.waveforms.mask.copy(), night.reference.copy()
    mask[4], mask[5, :2], reference[7] = False, False, -1
    partly = dataclasses.replace(night, waveforms=dataclasses.replace(night.waveforms, mask=mask), reference=reference)
    ((_, labels),) = [WaveformDataset([partly], smoothing=HARD)[0]]
    assert np.flatnonzero(labels.sum(axis=1) == 0).tolist() == [4, 7]
    np.testing.assert_array_equal(labels[[0, 5, 39]].argmax(axis=1), night.reference[[0, 5, 39]])


def test_shorter_nights_are_padded_and_padding_is_not_valid(night):
    short = dataclasses.replace(night, waveforms=night.waveforms.part(0, 25), reference=night.reference[:25])
    dataset = WaveformDataset([night, short], smoothing=HARD)
    batch = collate_waveforms([dataset[0], dataset[1]])
    assert [part.dtype for part in batch] == [torch.float32] * 6
    assert batch.valid_BS.sum(dim=1).tolist() == [40, 25]
    assert not batch.target_BSK[1, 25:].any()
    for part, expected in zip(batch[:4], short.waveforms.arrays(), strict=True):
        np.testing.assert_array_equal(part[1, :25], expected)
        assert not part[1, 25:].any()
