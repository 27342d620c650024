"""Recording -> stages by one graph that holds the signal processing too, as apps in other languages run it.

`staging.stage` is what Python users want. This module is the reference for everybody else: what exactly the raw graph
is fed (`raw_inputs`), and what comes of it (`RawModel`).

Assumptions
-----------
- An app feeds whole 30-s epochs, each sensor on its even grid from the first epoch's begin on. What is not recorded is
  NaN, or marked as not present.
- At most 13 h are given to the graph at once; a longer recording is staged in overlapping windows.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from staging.decision import decide
from staging.errors import InputError, ModelError
from staging.heart import clean_intervals, heart_rate_track
from staging.model import SPEC_KEY, ModelSpec, open_session
from staging.motion import MIN_COUNTS_RATE_HZ
from staging.pulse import MIN_PULSE_RATE_HZ
from staging.recording import EPOCH_S, FloatArray, Recording, Signal
from staging.stager import MIN_EPOCHS, WINDOW_EPOCHS, in_windows, scorable
from staging.tracks import COUNTS_BIN_S, GOOD_COVERAGE, HEART_RATE_STEP_S, SENSORS, counts_in_bins

__all__ = ["RAW_CHANNELS", "RAW_KEY", "RAW_MODEL", "RawInputs", "RawModel", "RawNight", "raw_inputs", "stage_raw"]

RAW_KEY = "staging.raw"
"""Key of the graph's interface in the model file's metadata."""

RAW_MODEL = "staging_raw.onnx"
RAW_VERSION = 1

SLOWEST_HZ = {"acc": MIN_COUNTS_RATE_HZ, "ppg": 0.0}
"""Samples of a slower channel are held: lines between them would invent movement."""

AROUND_S = 30.0
"""How much of a signal before and after some epochs is looked at to resample it there."""

Array = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class RawChannel:
    """A channel as the graph takes it.

    Attributes
    ----------
    rate_hz : float
        Values a second.
    axes : int
        1, or 3 for acceleration.
    unit : str
    """

    rate_hz: float
    axes: int
    unit: str

    @property
    def shape(self) -> tuple[int, ...]:
        """Values of an epoch."""
        n = round(self.rate_hz * EPOCH_S)
        return (n,) if self.axes == 1 else (n, self.axes)


RAW_CHANNELS: Mapping[str, RawChannel] = {
    "acc": RawChannel(rate_hz=32.0, axes=3, unit="g"),
    "ppg": RawChannel(rate_hz=64.0, axes=1, unit="any"),
    "temp": RawChannel(rate_hz=4.0, axes=1, unit="degC"),
    "heart_rate": RawChannel(rate_hz=1 / HEART_RATE_STEP_S, axes=1, unit="bpm"),
    "counts": RawChannel(rate_hz=1 / COUNTS_BIN_S, axes=1, unit="counts"),
}
"""The graph's inputs in order; a sixth, `present`, has a column for each of them."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RawInputs:
    """What the raw graph is fed: S epochs, all float32, C-contiguous. Values that are not finite are missing.

    Attributes
    ----------
    acc : ndarray, shape (S, 960, 3)
        Acceleration at 32 Hz, g.
    ppg : ndarray, shape (S, 1920)
        PPG at 64 Hz, any unit and polarity.
    temp : ndarray, shape (S, 120)
        Skin temperature at 4 Hz, °C.
    heart_rate : ndarray, shape (S, 6)
        A device's own heart rate at the middle of every 5 s, bpm; used where the PPG gives too little.
    counts : ndarray, shape (S, 2)
        A device's own activity counts of every 15 s; if they are present in any epoch, none are made from `acc`.
    present : ndarray, shape (S, 5)
        1 where the channel (a column each, in this order) is to be used in the epoch, else 0.

    Raises
    ------
    InputError
        If a shape is another, naming the input.
    """

    acc: Array
    ppg: Array
    temp: Array
    heart_rate: Array
    counts: Array
    present: Array

    def __post_init__(self) -> None:
        # How many epochs there are, the smallest of the inputs says: it is looked at first.
        shapes = {"present": (len(RAW_CHANNELS),)} | {name: channel.shape for name, channel in RAW_CHANNELS.items()}
        n = len(self.present)
        for name, shape in shapes.items():
            array = getattr(self, name)
            if array.shape != (n, *shape):
                wanted = ", ".join(map(str, ("epochs", *shape)))
                raise InputError(name, f"its shape is {array.shape}, not ({wanted}), of {n} epochs", "cut it to epochs")
            if array.dtype != np.float32:
                raise InputError(name, f"its type is {array.dtype}, not float32", "convert it")

    def __len__(self) -> int:
        return len(self.present)

    def epochs(self, first: int, stop: int) -> RawInputs:
        """The epochs from `first` up to `stop`."""
        return RawInputs(**{name: array[first:stop] for name, array in self.arrays().items()})

    def arrays(self) -> dict[str, Array]:
        """The arrays by the names of the graph's inputs."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}


@dataclass(frozen=True, kw_only=True, eq=False)
class RawNight:
    """What the raw graph says of S epochs.

    Attributes
    ----------
    probabilities : ndarray of float32, shape (S, 5)
        Of W, N1, N2, N3, R; rows sum to 1.
    quality : ndarray of float32, shape (S, 3)
        Usable share 0-1 of each epoch by sensor: heart, motion, temperature. 0 where nothing was recorded.
    stages : ndarray of int64, shape (S,)
        Column of the stage; -1 where neither heart nor motion was recorded.
    """

    probabilities: Array
    quality: Array
    stages: NDArray[np.int64]


class RawModel:
    """The raw graph in onnxruntime.

    Parameters
    ----------
    path : path, optional
        A file of ``staging model --export raw``; the shipped one otherwise.
    threads : int
        Threads within an operator.

    Raises
    ------
    ModelError
        If the file is no such graph.

    Examples
    --------
    >>> from staging.simulate import simulate_night
    >>> night = RawModel().run(raw_inputs(simulate_night(1, duration_h=0.5).recording))
    >>> night.probabilities.shape, night.quality.shape, night.stages.shape
    ((60, 5), (60, 3), (60,))
    """

    def __init__(self, path: Path | None = None, *, threads: int = 1) -> None:
        if path is None:
            with as_file(files("staging.weights") / RAW_MODEL) as shipped:
                self._session = open_session(shipped, threads=threads)
        else:
            self._session = open_session(path, threads=threads)
        where = str(path or RAW_MODEL)
        metadata = self._session.get_modelmeta().custom_metadata_map
        if RAW_KEY not in metadata or SPEC_KEY not in metadata:
            raise ModelError(where, f"it has no {RAW_KEY!r}", "use a file of `staging model --export raw`")
        if json.loads(metadata[RAW_KEY]) != interface():
            raise ModelError(where, "its inputs are those of another version", "use the version that made it")
        self.spec = ModelSpec.from_json(metadata[SPEC_KEY], where=where)

    def run(self, inputs: RawInputs) -> RawNight:
        """Stage 10 min to 13 h at once; longer recordings by `stage_raw`.

        Raises
        ------
        InputError
            If there are fewer or more epochs.
        """
        if not MIN_EPOCHS <= len(inputs) <= WINDOW_EPOCHS:
            raise InputError(
                "present", f"{len(inputs)} epochs cannot be staged at once", f"give {MIN_EPOCHS} to {WINDOW_EPOCHS}"
            )
        found = self._session.run(list(OUTPUTS), inputs.arrays())
        return RawNight(**dict(zip(OUTPUTS, found, strict=True)))


OUTPUTS = {
    "probabilities": "float32 (epochs, 5), of W, N1, N2, N3, R",
    "quality": "float32 (epochs, 3), usable share of heart, motion, temperature",
    "stages": "int64 (epochs,), column of the stage, -1 where nothing was recorded",
}


def interface() -> dict[str, object]:
    """What the graph is fed and gives, as it stands in its metadata: enough to write a program that feeds it.

    Examples
    --------
    >>> interface()["inputs"]["ppg"]
    {'rate_hz': 64.0, 'shape': ['epochs', 1920], 'unit': 'any'}
    """
    inputs: dict[str, object] = {
        name: {"rate_hz": channel.rate_hz, "shape": ["epochs", *channel.shape], "unit": channel.unit}
        for name, channel in RAW_CHANNELS.items()
    }
    inputs["present"] = {"columns": list(RAW_CHANNELS), "shape": ["epochs", len(RAW_CHANNELS)]}
    return {"raw_version": RAW_VERSION, "epoch_s": EPOCH_S, "inputs": inputs, "outputs": OUTPUTS}


def raw_inputs(recording: Recording, first: int = 0, stop: int | None = None) -> RawInputs:
    """Bring a recording, or some of its epochs, to the grids that the graph reads.

    Faster signals are low-passed and slower ones interpolated; a signal at the graph's own rate is moved by at most
    half a sample. Heart rate is that of `staging.heart.heart_rate_track`, made from beat-to-beat intervals where the
    device has them for half of the recording. Acceleration too slow for counts is held, with the device's counts.

    Parameters
    ----------
    recording : Recording
        One session; any channel may be missing.
    first, stop : int
        Epochs; all by default.

    Returns
    -------
    RawInputs

    Raises
    ------
    RecordingError
        If there is no channel or less than 10 min.

    Examples
    --------
    >>> from staging.recording import Events
    >>> hr = Events(times_s=np.arange(2.5, 1200.0, 5.0), values=np.full(240, 60.0), unit="bpm")
    >>> inputs = raw_inputs(Recording(hr=hr))
    >>> inputs.heart_rate.shape, inputs.present[0].tolist()
    ((40, 6), [0.0, 0.0, 0.0, 1.0, 0.0])
    """
    n_all = recording.require_epochs(MIN_EPOCHS)
    stop = n_all if stop is None else stop
    arrays: dict[str, Array] = {}
    acc, ppg, temp = recording.acc, recording.ppg, recording.temp
    slow_acc = acc is not None and acc.rate_hz <= MIN_COUNTS_RATE_HZ
    if acc is not None:
        arrays["acc"] = _on_grid(acc, "acc", first, stop)
    if ppg is not None and ppg.rate_hz >= MIN_PULSE_RATE_HZ:
        arrays["ppg"] = _on_grid(ppg, "ppg", first, stop)
    if temp is not None:
        arrays["temp"] = _on_grid(temp, "temp", first, stop)
    if recording.hr is not None or recording.ibi is not None:
        arrays["heart_rate"] = _heart_rate(recording, n_all).reshape(n_all, -1)[first:stop]
    if acc is None or slow_acc:
        if recording.counts is not None:
            arrays["counts"] = counts_in_bins(recording.counts, n_all).reshape(n_all, -1)[first:stop]
        elif slow_acc:  # says that none are to be made from what is held
            arrays["counts"] = np.full((stop - first, *RAW_CHANNELS["counts"].shape), np.nan, np.float32)
    present = np.zeros((stop - first, len(RAW_CHANNELS)), np.float32)
    for column, (name, channel) in enumerate(RAW_CHANNELS.items()):
        present[:, column] = name in arrays
        arrays.setdefault(name, np.zeros((stop - first, *channel.shape), np.float32))
    return RawInputs(present=present, **arrays)


def stage_raw(recording: Recording, model: RawModel | None = None) -> RawNight:
    """Stage a recording of any length by the raw graph, in windows of bounded length.

    Parameters
    ----------
    recording : Recording
        One session.
    model : RawModel, optional
        The shipped one otherwise.

    Returns
    -------
    RawNight

    Raises
    ------
    RecordingError
        If there is no channel or less than 10 min.
    ModelError
        If the model file cannot be used.
    """
    model = model or RawModel()
    n = recording.require_epochs(MIN_EPOCHS)

    def both(first: int, stop: int) -> Array:
        night = model.run(raw_inputs(recording, first, stop))
        return np.concatenate([night.probabilities, night.quality], axis=1)

    blended = in_windows(n, both)
    probabilities, quality = blended[:, : len(model.spec.stages)], blended[:, len(model.spec.stages) :]
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    known = scorable((quality[:, SENSORS.index("heart")] > 0) | (quality[:, SENSORS.index("motion")] > 0))
    decided = decide(probabilities, len(model.spec.stages), model.spec.decision, known=known)
    stages = np.where(known, decided, -1)
    return RawNight(probabilities=probabilities, quality=quality, stages=stages)


def _on_grid(signal: Signal, name: str, first: int, stop: int) -> Array:
    """A signal's samples of the epochs at the graph's rate, float32 ``(stop - first, n)`` or ``(.., n, 3)``."""
    channel = RAW_CHANNELS[name]
    n_epoch = channel.shape[0]
    n = (stop - first) * n_epoch
    out = np.full((n, *signal.samples.shape[1:]), np.nan, np.float32)
    if abs(signal.rate_hz - channel.rate_hz) < 1e-6 * channel.rate_hz:
        begin = first * n_epoch - round(signal.start_s * channel.rate_hz)
        there = signal.samples[max(begin, 0) : max(begin + n, 0)]
        skipped = max(-begin, 0)
        out[skipped : skipped + len(there)] = there
    else:
        _fill(out, signal, channel.rate_hz, first * EPOCH_S, held=name == "temp" or signal.rate_hz <= SLOWEST_HZ[name])
    return out.reshape(stop - first, *channel.shape)


def _fill(out: Array, signal: Signal, rate_hz: float, begin_s: float, *, held: bool) -> None:
    """Write a signal of another rate into `out`, whose first row is at `begin_s`; NaN where nothing was recorded."""
    wanted_s = begin_s + np.arange(len(out)) / rate_hz
    # With so much around them, filters and lines are those of the whole recording.
    around = ((t_s - signal.start_s) * signal.rate_hz for t_s in (begin_s - AROUND_S, wanted_s[-1] + AROUND_S))
    low, high = (min(max(round(place), 0), len(signal.samples)) for place in around)
    source = signal.samples[low:high]
    at = (wanted_s - signal.start_s) * signal.rate_hz - low
    nearest = np.rint(at).astype(np.int64)
    inside = (nearest >= 0) & (nearest < len(source))
    out[inside] = source[nearest[inside]]
    if held or not inside.any():
        return
    known = np.isfinite(out[inside])
    columns = source.reshape(len(source), -1).T
    values = [_resampled(column, signal.rate_hz, rate_hz, at[inside]) for column in columns]
    out[inside] = np.where(known, np.stack(values, axis=1).reshape(known.shape), np.nan)


def _resampled(column: FloatArray, from_hz: float, to_hz: float, at: NDArray[np.float64]) -> NDArray[np.float64]:
    """A column between its samples: below half of the new rate, by splines that keep a movement of 11 Hz."""
    from scipy.ndimage import map_coordinates
    from scipy.signal import butter, sosfiltfilt

    known = np.isfinite(column)
    if known.sum() < from_hz:
        return np.full(at.size, np.nan)
    places = np.arange(column.size)
    filled = np.where(known, column, np.interp(places, places[known], column[known])).astype(np.float64)
    if from_hz > to_hz:
        low_pass = butter(6, 0.45 * to_hz, fs=from_hz, output="sos")
        filled = sosfiltfilt(low_pass, filled, padlen=min(column.size - 1, int(from_hz)))
    return np.asarray(map_coordinates(filled, at[None], order=5, mode="nearest"))


def _heart_rate(recording: Recording, n_epochs: int) -> Array:
    """A device's heart rate at 5-s steps; from its beats where those cover half of the recording."""
    n_steps = n_epochs * RAW_CHANNELS["heart_rate"].shape[0]
    best, best_share = np.full(n_steps, np.nan, np.float32), -1.0
    if recording.ibi is not None:
        best = heart_rate_track(clean_intervals(recording.ibi), n_steps, step_s=HEART_RATE_STEP_S)
        best_share = float(np.isfinite(best).mean())
    if recording.hr is not None and best_share < GOOD_COVERAGE:
        of_device = heart_rate_track(recording.hr, n_steps, step_s=HEART_RATE_STEP_S)
        if np.isfinite(of_device).mean() > best_share:
            best = of_device
    return best
