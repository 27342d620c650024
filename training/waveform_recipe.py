"""How the waveform network is made: nights changed anew at every pass, sensors masked at random, averaged weights."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field

from models.waveform import WaveformShape
from models.waveform_spec import DEFAULT_WAVEFORMS, WaveformSpec
from training.batches import LabelSmoothing
from training.recipe import Stretch

__all__ = ["WaveformChanges", "WaveformRecipe"]


@dataclass(frozen=True, kw_only=True)
class WaveformChanges:
    """Probabilities and sizes of what could have been recorded instead.

    Attributes
    ----------
    crop_probability, crop_share : float
        How often, and up to which share at each end, a night is cut.
    no_ppg, no_acc, no_temperature : float
        How often a night is seen without a sensor, so that one model serves every set of them; never without all.
    gap_probability, gap_mean_min, max_gaps : float, float, int
        How often, how long and how many stretches of PPG are missing.
    ppg_noise : float
        Largest SD of white noise in the PPG, in units of the night's usual size.
    turned : float
        How often the device sits on the wrist in another way.
    temperature_sd_c : float
        Spread of the level of the temperature between people and sensors, beyond that of the nights.
    """

    crop_probability: float = 0.5
    crop_share: float = 0.25
    no_ppg: float = 0.1
    no_acc: float = 0.15
    no_temperature: float = 0.25
    gap_probability: float = 0.2
    gap_mean_min: float = 5.0
    max_gaps: int = 5
    ppg_noise: float = 0.1
    turned: float = 0.5
    temperature_sd_c: float = 0.5


@dataclass(frozen=True, kw_only=True)
class WaveformRecipe:
    """Everything that decides a fit, but for the nights and the seed.

    Attributes
    ----------
    members : int
        Networks whose probabilities are averaged; they differ in their seed.
    stretch : Stretch
        Passes and rates.
    smoothing : LabelSmoothing
    changes : WaveformChanges or None
        None shows the nights as they are.
    spec : WaveformSpec
        What the network is fed.
    learnt_width, encoder_width, width, attention_layers : int
    dropout : float
        Of the network.

    Examples
    --------
    >>> WaveformRecipe(width=32).shape().ppg_per_epoch
    1024
    """

    members: int = 1
    stretch: Stretch = field(default_factory=lambda: Stretch(passes=30, batch_size=4, learning_rate=2e-3))
    smoothing: LabelSmoothing = field(default_factory=LabelSmoothing)
    changes: WaveformChanges | None = field(default_factory=WaveformChanges)
    spec: WaveformSpec = field(default_factory=lambda: DEFAULT_WAVEFORMS)
    learnt_width: int = 16
    encoder_width: int = 32
    width: int = 64
    attention_layers: int = 1
    dropout: float = 0.1

    def shape(self) -> WaveformShape:
        """Dimensions of a member."""
        return WaveformShape(
            ppg_per_epoch=self.spec.ppg_per_epoch,
            acc_per_epoch=self.spec.acc_per_epoch,
            temperature_per_epoch=self.spec.temperature_per_epoch,
            learnt_width=self.learnt_width,
            encoder_width=self.encoder_width,
            width=self.width,
            attention_layers=self.attention_layers,
            dropout=self.dropout,
        )

    def to_json(self) -> str:
        """The recipe and the dimensions that follow from it as JSON, as every run writes it."""
        return json.dumps(dataclasses.asdict(self) | {"shape": dataclasses.asdict(self.shape())}, indent=2)
