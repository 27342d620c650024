"""The waveform network -> one ONNX file that carries its spec, through the gate that every export passes."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from models.gate import EXAMPLE_EPOCHS, LENGTHS, agreement, missing_patterns, to_onnx, write_gated
from models.waveform import WaveformStager
from models.waveform_spec import SENSORS, WaveformSpec, from_json_values
from staging.errors import ModelError
from staging.model import open_session

__all__ = ["WAVEFORM_KEY", "WaveformModel", "WaveformModelSpec", "export_waveforms", "waveform_parity"]

WAVEFORM_KEY = "staging.waveforms"
"""Key of the spec in the model file's metadata. It is not that of the default network, whose inputs are others."""

SPEC_VERSION = 1
INPUTS = ("ppg", "acc", "temperature", "mask")

Arrays = tuple[NDArray[np.float32], ...]
"""PPG ``(S, 1024)`` in any unit, acceleration ``(S, 3, 512)`` in g, temperature ``(S, 6)`` in °C, mask ``(S, 3)``."""


@dataclass(frozen=True, kw_only=True)
class WaveformModelSpec:
    """What a waveform model is, in its own file.

    Attributes
    ----------
    spec_version : int
        Version of this list of keys.
    name, version : str
        Of the model.
    stages : tuple of str
        Classes in the order of the output's columns.
    inputs : WaveformSpec
        What the graph is fed.
    sensors : tuple of str
        Sensors that the training data had; the graph itself masks the others.
    datasets : tuple of str
        Training data sets with their licences and attribution, one line each.
    commit : str
        Commit of the code that trained it.
    headline : str
        Figures on subjects that it never saw, in one line.
    """

    spec_version: int
    name: str
    version: str
    stages: tuple[str, ...]
    inputs: WaveformSpec
    sensors: tuple[str, ...]
    datasets: tuple[str, ...]
    commit: str
    headline: str

    def to_json(self) -> str:
        """The spec as JSON, as it stands in the model file."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str, *, where: str = "model") -> WaveformModelSpec:
        """A spec from its JSON.

        Raises
        ------
        ModelError
            If a key is missing or unknown, or the version is not this package's.
        """
        mend = "use the version of this package that exported it"
        try:
            values = dict(json.loads(text))
            if values["spec_version"] != SPEC_VERSION:
                raise ModelError(
                    where, f"spec version {values['spec_version']}, this package reads {SPEC_VERSION}", mend
                )
            inputs = WaveformSpec(**from_json_values(values.pop("inputs")))
            return cls(inputs=inputs, **from_json_values(values))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ModelError(where, f"its spec cannot be read ({error})", mend) from None


class WaveformModel:
    """A loaded waveform model: raw samples of a night to probabilities of the stages.

    Parameters
    ----------
    path : path
        The ``.onnx`` file.

    Raises
    ------
    ModelError
        If the file is no waveform model.
    """

    def __init__(self, path: Path) -> None:
        self._session = open_session(path)
        spec = self._session.get_modelmeta().custom_metadata_map.get(WAVEFORM_KEY)
        if spec is None:
            raise ModelError(path, f"it has no {WAVEFORM_KEY!r}", "use a file of `python -m training export-waveform`")
        self.spec = WaveformModelSpec.from_json(spec, where=str(path))

    def probabilities(self, arrays: Arrays) -> NDArray[np.float32]:
        """Probabilities of the stages, float32 ``(S, 5)``, in the order of ``spec.stages``."""
        feed = dict(zip(INPUTS, arrays, strict=True))
        return np.asarray(self._session.run(None, feed)[0], dtype=np.float32)


def export_waveforms(stager: WaveformStager, spec: WaveformModelSpec, path: Path) -> float:
    """Write networks as ONNX if, and only if, the file passes the gate.

    Parameters
    ----------
    stager : WaveformStager
        The networks.
    spec : WaveformModelSpec
        Goes into the file.
    path : path
        Written at once, or not at all.

    Returns
    -------
    float
        Largest difference of a probability found by the gate.

    Raises
    ------
    ParityError
        If a probability differs by more than `models.gate.MAX_DIFFERENCE`, or a stage differs, at any length or with
        any sensors missing.
    """
    stager = stager.eval()
    example = _random_night(spec.inputs, EXAMPLE_EPOCHS, range(len(SENSORS)), np.random.default_rng(0))
    epochs = torch.export.Dim("epochs", min=2, max=100_000)
    model = to_onnx(stager, dict(zip(INPUTS, example, strict=True)), [{0: epochs}] * len(INPUTS))
    return write_gated(model, {WAVEFORM_KEY: spec.to_json()}, path, lambda file: waveform_parity(stager, file))


def waveform_parity(stager: WaveformStager, path: Path, *, lengths: Sequence[int] = LENGTHS) -> float:
    """Largest difference of a probability between torch and the file, over lengths and missing sensors.

    Raises
    ------
    ParityError
        See `export_waveforms`.
    """
    model = WaveformModel(path)
    rng = np.random.default_rng(1)
    largest = 0.0
    for length, (present, names) in itertools.product(lengths, missing_patterns(SENSORS)):
        night = _random_night(model.spec.inputs, length, present, rng)
        with torch.no_grad():
            expected = stager(*map(torch.from_numpy, night)).numpy()
        largest = max(largest, agreement(f"{length} epochs with {names}", expected, model.probabilities(night)))
    return largest


def _random_night(spec: WaveformSpec, length: int, present: Sequence[int], rng: np.random.Generator) -> Arrays:
    """A pulse, a lying arm and warm skin, each with noise and gaps; masked sensors are fed noise too."""
    at_s = np.arange(length * spec.ppg_per_epoch) * 30.0 / spec.ppg_per_epoch
    rate_hz = 1.0 + 0.2 * np.sin(at_s / 300.0)
    pulse = np.sin(2 * np.pi * np.cumsum(rate_hz) * 30.0 / spec.ppg_per_epoch).reshape(length, -1)
    ppg = pulse + rng.normal(0.0, 0.3, pulse.shape) * rng.choice([1.0, 10.0], (length, 1), p=[0.9, 0.1])
    acc = rng.normal(0.0, 0.01, (length, 3, spec.acc_per_epoch)) + np.array([0.0, 0.6, 0.8])[:, None]
    acc += rng.normal(0.0, 0.3, acc.shape) * (rng.random((length, 1, 1)) < 0.1)
    temperature_c = rng.normal(33.0, 1.0, (length, spec.temperature_per_epoch))
    mask = (rng.random((length, len(SENSORS))) < 0.95) * np.isin(np.arange(len(SENSORS)), list(present))
    return tuple(array.astype(np.float32) for array in (ppg, acc, temperature_c, mask))
