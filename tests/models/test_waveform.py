"""The waveform network: its fronts, what it must not depend on, and what it must."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from models.waveform import STEPS, Fusion, MotionFront, PulseFront, WaveformNet, WaveformShape, WaveformStager
from models.waveform_spec import DEFAULT_WAVEFORMS, SENSORS

from .made_waveforms import SHAPE, night, pulse_wave, small_net

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

seeds = st.integers(0, 2**31)


# The pulse's front


def tracks_of_pulse(bpm, size: float = 1.0):
    """Relative rate in bpm, log strength and steadiness, each by epoch, the borders of the epochs left out."""
    front = PulseFront(DEFAULT_WAVEFORMS.ppg_per_epoch)
    wave = size * pulse_wave(torch.as_tensor(bpm))
    tracks = front(wave, torch.ones(1, 1, len(bpm) * STEPS))[0]
    assert tracks.shape == (front.out_channels, len(bpm) * STEPS)
    rate, strength, steady = tracks[:3].unflatten(1, (-1, STEPS))[:, :, 4:-4].mean(2)
    return rate * front.UNIT_HZ * 60, strength, steady


@given(st.floats(45, 125), st.floats(45, 125))
@settings(deadline=None, max_examples=25)
def test_the_rate_of_a_pulse_is_found(first, second):
    rate, _, steady = tracks_of_pulse([first] * 10 + [second] * 10)
    found = rate[11:-1].mean() - rate[1:9].mean()
    assert float(found) == pytest.approx(second - first, abs=0.06 * abs(second - first) + 0.8)
    assert steady[1:9].min() > 0.9


def test_a_rate_that_changes_by_a_beat_a_minute_is_seen():
    bpm = 60 + 3 * np.sin(np.arange(40) / 4)
    rate, _, _ = tracks_of_pulse(bpm)
    np.testing.assert_allclose(rate[1:-1], (bpm - bpm.mean())[1:-1], atol=0.4)


def test_noise_is_less_steady_than_a_pulse():
    front = PulseFront(DEFAULT_WAVEFORMS.ppg_per_epoch)
    torch.manual_seed(0)
    known = torch.ones(1, 1, 20 * STEPS)
    noise = front(torch.randn(1, 1, 20 * DEFAULT_WAVEFORMS.ppg_per_epoch), known)[0, 2].mean()
    pulse = front(pulse_wave(torch.full((20,), 66.0)), known)[0, 2].mean()
    assert noise < pulse - 0.05


def test_a_night_without_pulse_gives_finite_tracks():
    front = PulseFront(DEFAULT_WAVEFORMS.ppg_per_epoch)
    silent = front(torch.zeros(1, 1, 4 * DEFAULT_WAVEFORMS.ppg_per_epoch), torch.zeros(1, 1, 4 * STEPS))
    assert torch.isfinite(silent).all()


# The motion's front


def motion_tracks(acc, known=None):
    n_epochs = acc.shape[2] // DEFAULT_WAVEFORMS.acc_per_epoch
    front = MotionFront(DEFAULT_WAVEFORMS.acc_per_epoch)
    return front(acc, torch.ones(1, 1, n_epochs * STEPS) if known is None else known)


@given(seeds)
@settings(deadline=None, max_examples=15)
def test_movement_is_the_same_however_the_device_sits(seed):
    rng = np.random.default_rng(seed)
    acc = 0.02 * rng.standard_normal((3, 6 * DEFAULT_WAVEFORMS.acc_per_epoch)) + rng.normal(0, 0.6, (3, 1))
    acc[:, 512:700] += rng.normal(0, 0.5, (3, 188))
    turned = Rotation.random(rng=rng).as_matrix() @ acc
    (tracks, fast), (tracks_turned, fast_turned) = (
        motion_tracks(torch.from_numpy(each[None].astype(np.float32))) for each in (acc, turned)
    )
    torch.testing.assert_close(tracks_turned, tracks, atol=2e-3, rtol=0)
    assert not torch.allclose(fast, fast_turned, atol=0.05), "what the learnt convolutions see is not"


def test_shaking_and_turning_are_told_apart():
    acc = torch.zeros(1, 3, 8 * 512)
    acc[:, 2] = 1.0
    acc[:, 0, 2 * 512 : 3 * 512] = 0.2 * torch.sin(torch.arange(512.0))  # shaken in epoch 2
    acc[:, 2, 5 * 512 :], acc[:, 1, 5 * 512 :] = 0.0, 1.0  # turned where epoch 5 begins
    moving, turned, turned_long = motion_tracks(acc)[0][0].unflatten(1, (-1, STEPS)).amax(2)
    assert moving.argmax() == 2
    assert turned.argmax() == 5
    assert turned[[0, 1, 6, 7]].max() < -0.5 < 2.0 < turned[5]
    assert turned_long[5] > 2.0


def test_no_turn_is_seen_across_what_was_not_recorded():
    acc = torch.zeros(1, 3, 6 * 512)
    acc[:, 2] = 1.0
    known = torch.ones(1, 1, 6 * STEPS)
    known[:, :, 2 * STEPS : 3 * STEPS] = 0.0
    still, _ = motion_tracks(acc, known)
    acc[:, :, 2 * 512 : 3 * 512] = 0.0  # as masking leaves it
    tracks, _ = motion_tracks(acc, known)
    torch.testing.assert_close(tracks[:, 1:] * known, still[:, 1:] * known)


# The network


@pytest.mark.parametrize("n_epochs", [1, 2, 37, 200])
def test_one_row_of_logits_an_epoch_at_any_length(n_epochs):
    logits = small_net()(*night(n_epochs))
    assert logits.shape == (1, n_epochs, 5)
    assert torch.isfinite(logits).all()


@given(seeds)
@settings(deadline=None, max_examples=20)
def test_what_is_masked_does_not_matter(seed):
    net, (*samples, _) = small_net(), night(30)
    generator = torch.Generator().manual_seed(seed)
    mask = (torch.rand(1, 30, len(SENSORS), generator=generator) < 0.6).float()
    mask[:, :, torch.rand(len(SENSORS), generator=generator) < 0.3] = 0.0
    others = []
    for sensor, part in enumerate(samples):
        known = mask[:, :, sensor].reshape(1, 30, *[1] * (part.ndim - 2)).bool()
        others.append(torch.where(known, part, 1e4 * torch.randn(part.shape, generator=generator)))
    torch.testing.assert_close(net(*others, mask), net(*samples, mask), atol=1e-5, rtol=1e-5)


@given(st.integers(1, 25), seeds)
@settings(deadline=None, max_examples=15)
def test_padding_changes_nothing_within_the_night(n_padded, seed):
    net, (*samples, mask) = small_net(), night(30)
    generator = torch.Generator().manual_seed(seed)
    padded = [
        torch.cat([part, 9.0 * torch.randn(1, n_padded, *part.shape[2:], generator=generator)], dim=1)
        for part in samples
    ]
    known = torch.cat([mask, torch.ones(1, n_padded, len(SENSORS))], dim=1)
    valid = torch.cat([torch.ones(1, 30), torch.zeros(1, n_padded)], dim=1)
    torch.testing.assert_close(net(*padded, known, valid)[:, :30], net(*samples, mask), atol=1e-5, rtol=1e-5)


def test_nights_of_a_batch_do_not_see_each_other():
    net, parts = small_net(), night(25, n_nights=3)
    together = net(*parts)
    alone = net(*(part[1:2] for part in parts))
    torch.testing.assert_close(together[1:2], alone, atol=1e-5, rtol=1e-5)


def test_every_sensor_is_seen_and_so_are_the_epochs_around():
    net, (*samples, mask) = small_net(), night(20)
    logits = net(*samples, mask)
    for sensor, part in enumerate(samples):
        other = [each.clone() for each in samples]
        other[sensor][:, 10] = part[:, 3]
        changed = (net(*other, mask) - logits).abs().amax(2)[0]
        assert changed[10] > 1e-4, SENSORS[sensor]
        assert changed[[8, 9, 11, 12]].min() > 1e-6, SENSORS[sensor]


@pytest.mark.parametrize("scale", [0.1, 50.0])
def test_the_unit_of_the_ppg_does_not_matter(scale):
    net, (ppg, *others) = small_net(), night(20)
    torch.testing.assert_close(net(scale * ppg, *others), net(ppg, *others), atol=2e-3, rtol=0)


@pytest.mark.parametrize("sensor", range(len(SENSORS)), ids=SENSORS)
def test_a_missing_sensor_becomes_a_learnt_token(sensor):
    net, (*samples, mask) = small_net(), night(20)
    with_gap = mask.clone()
    with_gap[:, 5:9, sensor] = 0.0
    before = net(*samples, mask), net(*samples, with_gap)
    with torch.no_grad():
        net.fusion.missing_GD[sensor] += 1.0
    after = net(*samples, mask), net(*samples, with_gap)
    torch.testing.assert_close(after[0], before[0], atol=0, rtol=0)
    assert (after[1] - before[1]).abs().amax(2)[0, 5:9].min() > 1e-4


def test_embeddings_of_missing_epochs_count_neither_in_the_nights_mean_nor_in_its_spread():
    torch.manual_seed(0)
    fusion = Fusion(SHAPE).eval()
    mask = torch.ones(1, 12, len(SENSORS))
    mask[:, 4:7, 0] = 0.0
    embedded = [torch.randn(1, 12, SHAPE.width) for _ in SENSORS]
    others = [embedded[0].clone(), *embedded[1:]]
    others[0][:, 4:7] = 100.0
    torch.testing.assert_close(fusion(others, mask), fusion(embedded, mask), atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("name", ["ppg_per_epoch", "acc_per_epoch"])
def test_samples_that_do_not_divide_into_steps_are_refused(name):
    with pytest.raises(ValueError, match="192 samples an epoch: choose a whole multiple of 128"):
        WaveformNet(dataclasses.replace(SHAPE, **{name: 192}))


def test_the_default_shape_is_that_of_the_default_spec():
    shape = WaveformShape()
    for name in ("ppg_per_epoch", "acc_per_epoch", "temperature_per_epoch"):
        assert getattr(shape, name) == getattr(DEFAULT_WAVEFORMS, name)


# The ensemble


def test_the_ensemble_gives_the_mean_of_its_members_probabilities():
    members = [small_net(seed) for seed in (1, 2)]
    parts = night(15)
    expected = torch.stack([member(*parts).softmax(2)[0] for member in members]).mean(0)
    found = WaveformStager(members)(*(part[0] for part in parts))
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(found.sum(1), torch.ones(15))


@given(st.sets(st.sampled_from(SENSORS)))
@settings(deadline=None, max_examples=8)
def test_the_ensemble_is_blind_to_sensors_that_training_never_showed(shown):
    *samples, mask = (part[0] for part in night(15))
    masked = mask * torch.tensor([float(sensor in shown) for sensor in SENSORS])
    net = small_net()
    found = WaveformStager([net], shown)(*samples, mask)
    torch.testing.assert_close(found, WaveformStager([net])(*samples, masked), atol=0, rtol=0)


def test_an_ensemble_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one member"):
        WaveformStager([])
