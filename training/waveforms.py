"""Recording -> the waveform network's inputs: even samples of PPG, acceleration and skin temperature by the epoch.

Assumptions
-----------
- Epochs begin at second 0 of the recording, and every sensor has a whole number of samples in each, whatever its own
  rate was.
- Short gaps are bridged by straight lines; an epoch of which less than half was recorded is masked.
- PPG is measured in the night's usual size, for its unit means nothing; acceleration stays in g and temperature in °C.
  What is relative to the night beyond that is the network's own affair.
- PPG and acceleration are kept in 16 bits, fixed point: a night takes 5 MB, and a large set fits into memory.
"""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates
from scipy.signal import butter, sosfiltfilt

from models.waveform_spec import DEFAULT_WAVEFORMS, SENSORS, WaveformSpec, from_json_values
from staging.errors import InputError
from staging.grid import bin_mean, bin_share, finite, index_at, runs, within_runs
from staging.pulse import MIN_PULSE_RATE_HZ
from staging.recording import EPOCH_S, Recording, Signal
from staging.temperature import clean_temperature, epoch_mean_c
from training.cache import Kind, read_arrays, write_arrays
from training.night import ScoredRecording, common_epochs

__all__ = ["WAVEFORMS", "LabelledWaveforms", "Waveforms", "labelled_waveforms", "prepare_waveforms"]

PPG_STEP = 1 / 512
"""Fixed point of the PPG, in units of the night's usual size; 16 bits reach to 64 of it."""

ACC_STEP_G = 1 / 4096
"""Fixed point of the acceleration; 16 bits reach to 8 g."""

MIN_SHARE = 0.5
"""Share of an epoch that must have been recorded."""

PAD_S = 60.0
"""What is read beyond the night on each side, so that the filters are at rest when it begins."""

FLAT_S = 1.0
"""A PPG that keeps a value for this long is off."""

MIN_ACC_RATE_HZ = 8.0
"""Slower acceleration shows posture, not movement."""

HELD = ("ppg", "acc", "temperature_c")


@dataclass(frozen=True, kw_only=True, eq=False)
class Waveforms:
    """What the waveform network sees of a night of S epochs.

    Attributes
    ----------
    ppg : ndarray of int16, shape (S, 1024), or None
        In units of `PPG_STEP` of the night's usual size; None where there is none.
    acc : ndarray of int16, shape (S, 3, 512), or None
        In units of `ACC_STEP_G`.
    temperature_c : ndarray of float32, shape (S, 6), or None
        °C; 0 where masked.
    mask : ndarray of bool, shape (S, 3)
        Which sensors (`models.waveform.SENSORS`) were recorded in the epoch.
    spec : WaveformSpec
        What it was made by.
    """

    ppg: NDArray[np.int16] | None
    acc: NDArray[np.int16] | None
    temperature_c: NDArray[np.float32] | None
    mask: NDArray[np.bool_]
    spec: WaveformSpec

    def part(self, first: int, stop: int) -> Waveforms:
        """The epochs from `first` up to `stop`."""
        cut = {name: None if held is None else held[first:stop] for name, held in self.held().items()}
        return dataclasses.replace(self, **cut, mask=self.mask[first:stop])

    def arrays(self) -> tuple[NDArray[np.float32], ...]:
        """PPG, acceleration in g, temperature in °C and mask as float32, as the network takes them; no NaN."""
        n, spec = len(self.mask), self.spec
        ppg = np.zeros((n, spec.ppg_per_epoch), np.float32)
        acc = np.zeros((n, 3, spec.acc_per_epoch), np.float32)
        temperature_c = np.zeros((n, spec.temperature_per_epoch), np.float32)
        if self.ppg is not None:
            np.multiply(self.ppg, np.float32(PPG_STEP), out=ppg)
        if self.acc is not None:
            np.multiply(self.acc, np.float32(ACC_STEP_G), out=acc)
        if self.temperature_c is not None:
            temperature_c[...] = self.temperature_c
        return ppg, acc, temperature_c, self.mask.astype(np.float32)

    def digest(self) -> str:
        """Sixteen hexadecimal digits that tell one night's content from another's."""
        content = hashlib.sha256(self.mask.tobytes())
        for name, held in self.held().items():
            content.update(name.encode())
            if held is not None:
                content.update(np.ascontiguousarray(held, dtype=held.dtype.newbyteorder("<")).tobytes())
        return content.hexdigest()[:16]

    def held(self) -> dict[str, NDArray[np.int16] | NDArray[np.float32] | None]:
        """Samples by their attribute's name; None for a sensor that the night has not."""
        return {name: getattr(self, name) for name in HELD}


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelledWaveforms:
    """One night of one subject as waveforms.

    Attributes
    ----------
    dataset, subject : str
        Where it is from; a subject never stands on both sides of a split.
    waveforms : Waveforms
        What was recorded.
    reference : ndarray of int64, shape (S,)
        Scored stages as indices into ``CLASSES[5]``; -1 where nobody scored.
    """

    dataset: str
    subject: str
    waveforms: Waveforms
    reference: NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.reference.shape != (len(self.waveforms.mask),):
            raise ValueError(f"{self.reference.shape} stages for {len(self.waveforms.mask)} epochs of {self.subject}")

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Epochs that are scored and in which any sensor was recorded, bool ``(S,)``."""
        return np.asarray((self.reference >= 0) & self.waveforms.mask.any(axis=1))

    @property
    def sensors(self) -> frozenset[str]:
        """Sensors that were recorded in any of the night."""
        recorded = self.waveforms.mask.any(axis=0)
        return frozenset(sensor for sensor, known in zip(SENSORS, recorded, strict=True) if known)

    def digest(self) -> str:
        """Sixteen hexadecimal digits that tell one night, its stages included, from another."""
        content = self.reference.astype("<i8").tobytes() + self.waveforms.digest().encode()
        return hashlib.sha256(content).hexdigest()[:16]


def labelled_waveforms(scored: ScoredRecording, spec: WaveformSpec = DEFAULT_WAVEFORMS) -> LabelledWaveforms:
    """Waveforms of a scored recording; the shorter of recording and reference ends the night.

    Raises
    ------
    InputError
        If the recording has none of the sensors, or the reference is not of this recording (`common_epochs`).
    """
    n = common_epochs(scored.reference, scored.recording.n_epochs)
    waveforms = prepare_waveforms(scored.recording, n, spec)
    if not waveforms.mask.any():
        raise InputError(
            scored.recording.source or f"{scored.dataset} {scored.subject}",
            "no epoch has raw PPG, acceleration or temperature",
            "train the network of tracks on it: `python -m training fit`",
        )
    return LabelledWaveforms(
        dataset=scored.dataset,
        subject=scored.subject,
        waveforms=waveforms,
        reference=scored.reference.indices()[:n],
    )


def prepare_waveforms(recording: Recording, n_epochs: int, spec: WaveformSpec = DEFAULT_WAVEFORMS) -> Waveforms:
    """Even samples of a recording's raw sensors.

    Parameters
    ----------
    recording : Recording
        One session; any channel may be missing.
    n_epochs : int
        Epochs from second 0.
    spec : WaveformSpec
        Rates and bands.

    Returns
    -------
    Waveforms
    """
    mask = np.zeros((n_epochs, len(SENSORS)), dtype=bool)
    ppg = acc = temperature_c = None
    if recording.ppg is not None and recording.ppg.rate_hz >= MIN_PULSE_RATE_HZ:
        ppg, mask[:, 0] = _ppg(recording.ppg, n_epochs, spec)
    if recording.acc is not None and recording.acc.rate_hz >= MIN_ACC_RATE_HZ and recording.acc.samples.ndim == 2:
        acc, mask[:, 1] = _acc(recording.acc, n_epochs, spec)
    if recording.temp is not None:
        temperature_c, mask[:, 2] = _temperature(recording.temp, n_epochs, spec)
    return Waveforms(
        ppg=ppg if mask[:, 0].any() else None,
        acc=acc if mask[:, 1].any() else None,
        temperature_c=temperature_c if mask[:, 2].any() else None,
        mask=mask,
        spec=spec,
    )


def _ppg(ppg: Signal, n_epochs: int, spec: WaveformSpec) -> tuple[NDArray[np.int16], NDArray[np.bool_]]:
    start, stop = runs(ppg.samples[1:] == ppg.samples[:-1])
    flat = (stop - start + 1) / ppg.rate_hz >= FLAT_S
    off = within_runs(start[flat], stop[flat] + 1, len(ppg.samples))
    worn = dataclasses.replace(ppg, samples=np.where(off, np.nan, ppg.samples))
    known = bin_share(worn, n_epochs, EPOCH_S) >= MIN_SHARE
    values = _even(worn, n_epochs, spec.ppg_per_epoch, spec.ppg_band_hz)[:, 0]
    sizes = values.std(axis=1)[known]
    usual = float(np.median(sizes)) if sizes.size else 0.0
    return _fixed_point(values / (usual or 1.0), PPG_STEP, known), known


def _acc(acc: Signal, n_epochs: int, spec: WaveformSpec) -> tuple[NDArray[np.int16], NDArray[np.bool_]]:
    known = bin_share(acc, n_epochs, EPOCH_S) >= MIN_SHARE
    return _fixed_point(_even(acc, n_epochs, spec.acc_per_epoch, (0.0, spec.acc_cut_hz)), ACC_STEP_G, known), known


def _temperature(temp: Signal, n_epochs: int, spec: WaveformSpec) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    clean, per_epoch = clean_temperature(temp), spec.temperature_per_epoch
    if temp.rate_hz * EPOCH_S >= per_epoch:
        level_c = bin_mean(clean, n_epochs * per_epoch, EPOCH_S / per_epoch)
    else:
        level_c = np.repeat(epoch_mean_c(clean, n_epochs).astype(np.float64), per_epoch)
    finite_c = np.isfinite(level_c)
    known = finite_c.reshape(n_epochs, per_epoch).mean(axis=1) >= MIN_SHARE
    bridged = _bridged(level_c[:, None], finite_c).reshape(n_epochs, per_epoch)
    return np.where(known[:, None], bridged, 0.0).astype(np.float32), known


def _fixed_point(values: NDArray[np.float64], step: float, known: NDArray[np.bool_]) -> NDArray[np.int16]:
    """Whole multiples of a step, 0 in unknown epochs; what 16 bits cannot hold is cut."""
    limits = np.iinfo(np.int16)
    whole = np.rint(values / step).clip(limits.min, limits.max).astype(np.int16)
    whole[~known] = 0
    return whole


def _even(signal: Signal, n_epochs: int, per_epoch: int, band_hz: tuple[float, float]) -> NDArray[np.float64]:
    """Samples at `per_epoch` an epoch from second 0, in a band, gaps bridged; float64 ``(S, axes, per_epoch)``."""
    low, high = index_at(signal, np.array([-PAD_S, n_epochs * EPOCH_S + PAD_S]))
    n_axes = signal.samples.shape[1] if signal.samples.ndim == 2 else 1
    samples = signal.samples[low:high].astype(np.float64).reshape(high - low, n_axes)
    known = finite(samples)
    if known.sum() < signal.rate_hz:
        return np.zeros((n_epochs, n_axes, per_epoch))
    samples = _filtered(_bridged(samples, known), signal.rate_hz, band_hz)
    wanted_s = np.arange(n_epochs * per_epoch) * (EPOCH_S / per_epoch)
    position = (wanted_s - signal.start_s) * signal.rate_hz - low
    # A straight line between samples would take a sixth of what is near the band's upper edge.
    even = [map_coordinates(axis, position[None], order=3, mode="nearest") for axis in samples.T]
    return np.stack(even).reshape(len(even), n_epochs, per_epoch).transpose(1, 0, 2)


def _bridged(samples: NDArray[np.float64], known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Straight lines across unknown samples, ``(n, axes)``; the first and last known value hold to the ends."""
    if known.all() or not known.any():
        return np.where(known[:, None], samples, 0.0)
    at = np.arange(len(samples))
    return np.stack([np.where(known, axis, np.interp(at, at[known], axis[known])) for axis in samples.T], axis=1)


def _filtered(samples: NDArray[np.float64], rate_hz: float, band_hz: tuple[float, float]) -> NDArray[np.float64]:
    """The band, forwards and backwards; an edge that the rate or the band itself does not have is left out."""
    for edge_hz, kind, order in ((band_hz[0], "highpass", 1), (band_hz[1], "lowpass", 4)):
        if 0.0 < edge_hz < 0.45 * rate_hz:
            section = butter(order, edge_hz, kind, fs=rate_hz, output="sos")
            samples = sosfiltfilt(section, samples, axis=0, padlen=min(len(samples) - 1, int(10 * rate_hz)))
    return samples


def _write(path: Path, night: LabelledWaveforms) -> None:
    about = {"dataset": night.dataset, "subject": night.subject, "spec": dataclasses.asdict(night.waveforms.spec)}
    held = {name: array for name, array in night.waveforms.held().items() if array is not None}
    write_arrays(path, about, {"reference": night.reference, "mask": night.waveforms.mask, **held})


def _read(path: Path) -> LabelledWaveforms | None:
    if not path.is_file():
        return None
    try:
        about, arrays = read_arrays(path)
        spec = WaveformSpec(**from_json_values(about.pop("spec")))
        reference, mask = arrays.pop("reference"), arrays.pop("mask")
        waveforms = Waveforms(mask=mask, spec=spec, **{name: arrays.get(name) for name in HELD})
        return LabelledWaveforms(waveforms=waveforms, reference=reference, **about)
    except Exception:  # a damaged file can fail anywhere inside zipfile and numpy; it is made again
        return None


WAVEFORMS = Kind(make=labelled_waveforms, write=_write, read=_read)
"""What the waveform network is trained on, by `DEFAULT_WAVEFORMS`."""
