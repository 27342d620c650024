"""Recordings with raw sensors, in which stages drive what a test asks for, and nothing else."""

from __future__ import annotations

import dataclasses

import numpy as np

from staging.hypnogram import Hypnogram
from staging.recording import Recording, Signal
from training.night import ScoredRecording
from training.recipe import Stretch
from training.waveform_recipe import WaveformRecipe
from training.waveforms import LabelledWaveforms, labelled_waveforms

from .datasets.made_signals import pulse, wrist

PPG_HZ, ACC_HZ, TEMP_HZ = 32.0, 32.0, 4.0

QUICK = WaveformRecipe(
    stretch=Stretch(passes=2, batch_size=2, learning_rate=5e-3, average_decay=0.8),
    learnt_width=4,
    encoder_width=8,
    width=16,
)
"""Small and short: enough to see that a fit does what it should, not to learn much."""


def stages(seed: int, n: int = 40) -> np.ndarray:
    """Wake and N2 in stretches of 5 min, drawn anew for every seed; both are in it."""
    rng = np.random.default_rng(seed)
    return np.repeat(rng.permutation(np.arange(n // 10) % 2 * 2), 10)


def scored(seed: int, reference: np.ndarray | None = None, *, warm_asleep_c: float = 0.0) -> ScoredRecording:
    """A steady pulse, a wrist at rest and warm skin; asleep the skin is warmer, if asked for."""
    reference = stages(seed) if reference is None else reference
    rng = np.random.default_rng(seed)
    seconds = 30 * len(reference)
    noise_c = 0.05 * rng.standard_normal(int(seconds * TEMP_HZ))
    temp_c = 33.0 + warm_asleep_c * np.repeat(reference != 0, int(30 * TEMP_HZ)) + noise_c
    ppg = pulse(seconds, PPG_HZ, bpm=rng.uniform(55, 70)) + rng.normal(0, 5, int(seconds * PPG_HZ))
    recording = Recording(
        ppg=Signal(samples=ppg.astype(np.float32), rate_hz=PPG_HZ, unit="a.u."),
        acc=Signal(samples=wrist(seconds, ACC_HZ, seed).astype(np.float32), rate_hz=ACC_HZ, unit="g"),
        temp=Signal(samples=temp_c.astype(np.float32), rate_hz=TEMP_HZ, unit="degC"),
        subject=str(seed),
        source=f"made-up night {seed}",
    )
    hypnogram = Hypnogram.from_indices(reference)
    return ScoredRecording(dataset="made_up", subject=str(seed), recording=recording, reference=hypnogram)


def waveform_night(seed: int, *, warm_asleep_c: float = 0.0, dataset: str = "made_up") -> LabelledWaveforms:
    """The same as waveforms."""
    return dataclasses.replace(labelled_waveforms(scored(seed, warm_asleep_c=warm_asleep_c)), dataset=dataset)


def without(night: LabelledWaveforms, sensor: int) -> LabelledWaveforms:
    """A night in which a sensor was never recorded, as far as the mask says."""
    mask = night.waveforms.mask.copy()
    mask[:, sensor] = False
    return dataclasses.replace(night, waveforms=dataclasses.replace(night.waveforms, mask=mask))
