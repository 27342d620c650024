"""Made-up nights of waveforms as tensors, and a small network for them."""

from __future__ import annotations

import torch
from torch import Tensor

from models.waveform import WaveformNet, WaveformShape
from models.waveform_spec import DEFAULT_WAVEFORMS, SENSORS

SHAPE = WaveformShape(
    ppg_per_epoch=128,
    acc_per_epoch=128,
    learnt_width=4,
    encoder_width=6,
    width=16,
    heads=2,
    dilations=(1, 2),
)
"""Small and slow: 4 samples a second are too few for a pulse, but enough for a graph."""


def small_net(seed: int = 0) -> WaveformNet:
    torch.manual_seed(seed)
    return WaveformNet(SHAPE).eval()


def night(n_epochs: int, n_nights: int = 1, *, shape: WaveformShape = SHAPE) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Noise about what each sensor usually gives, with every sensor recorded throughout."""
    torch.manual_seed(n_epochs)
    return (
        torch.randn(n_nights, n_epochs, shape.ppg_per_epoch),
        0.05 * torch.randn(n_nights, n_epochs, 3, shape.acc_per_epoch) + torch.tensor([0.0, 0.6, 0.8])[:, None],
        torch.randn(n_nights, n_epochs, shape.temperature_per_epoch) + 33.0,
        torch.ones(n_nights, n_epochs, len(SENSORS)),
    )


def pulse_wave(bpm: Tensor, per_epoch: int = DEFAULT_WAVEFORMS.ppg_per_epoch) -> Tensor:
    """A pulse with a second harmonic, ``(1, 1, T)``, of a rate given for every epoch."""
    hz = (bpm / 60).repeat_interleave(per_epoch)
    phase = 2 * torch.pi * torch.cumsum(hz.double() * 30.0 / per_epoch, dim=0)
    return (phase.sin() + 0.4 * (2 * phase + 1.0).sin()).float()[None, None]
