"""What the waveform network is fed: sensors, rates and bands. Training prepares by it; it travels with the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["DEFAULT_WAVEFORMS", "SENSORS", "WaveformSpec", "from_json_values"]

SENSORS = ("ppg", "acc", "temperature")
"""Sensors that are masked one by one, in the order of the mask's columns."""


@dataclass(frozen=True, kw_only=True)
class WaveformSpec:
    """Parameters of the inputs: flat, without defaults, JSON-able.

    Attributes
    ----------
    version : int
        Version of the definitions.
    ppg_per_epoch, acc_per_epoch, temperature_per_epoch : int
        Samples of an epoch.
    ppg_band_hz : (low, high)
        Of the PPG that is kept: breathing's baseline above the lower edge, the pulse's harmonics below the upper.
    acc_cut_hz : float
        What is kept of the acceleration lies below; less than half of its new rate.
    """

    version: int
    ppg_per_epoch: int
    acc_per_epoch: int
    temperature_per_epoch: int
    ppg_band_hz: tuple[float, float]
    acc_cut_hz: float


DEFAULT_WAVEFORMS = WaveformSpec(
    version=1,
    ppg_per_epoch=1024,
    acc_per_epoch=512,
    temperature_per_epoch=6,
    ppg_band_hz=(0.1, 8.0),
    acc_cut_hz=7.5,
)
"""PPG at 34.1 Hz, as SleepPPG-Net has it, acceleration at half of that, temperature every 5 s."""


def from_json_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of a dataclass from JSON, in which a tuple is a list.

    Examples
    --------
    >>> from_json_values({"ppg_band_hz": [0.1, 8.0], "version": 1})
    {'ppg_band_hz': (0.1, 8.0), 'version': 1}
    """
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
