"""Tracks -> the model's inputs. The only implementation: training, the command line and the golden files all use it.

Every parameter is in a `FeatureSpec` that travels inside the model file; nothing here reads a file, a clock or a
global. All operations are cumulative sums, shifts, maxima and quantiles, so that a neural-network graph can do them.

Assumptions
-----------
- Levels of heart rate and temperature mean something only against the same night: they are taken relative to the
  night's median and upper quantile. Spreads and movement are kept absolute, on a logarithmic scale.
- What is missing is 0 in every feature of its sensor, and the sensor's mask says so.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from staging.errors import ModelError
from staging.posture import turned_deg
from staging.recording import EPOCH_S
from staging.tracks import COUNTS_BIN_S, HEART_RATE_STEP_S, Tracks

__all__ = ["DEFAULT_SPEC", "GROUPS", "FeatureSpec", "ModelInputs", "extract", "feature_names"]

GROUPS = ("heart", "counts", "posture", "temperature", "clock")
"""Groups of inputs that are masked together, in the order of the mask's columns."""

RESTING_BPM = 65.0
MOVING_FLOOR = 0.02
"""Heart rate from which a night's level counts; what is added to a share of moving epochs before the logarithm."""

Array = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class FeatureSpec:
    """Parameters of `extract`: flat, without defaults, JSON-able, strict on load.

    Attributes
    ----------
    version : int
        Version of the feature definitions. Version 1 knows no small turns of the arm; its models are read as those
        whose `posture_spans_epochs` is empty. A model made for a later version than the package's is refused.
    heart_windows_epochs, spread_windows_epochs, motion_windows_epochs : tuple of int
        Odd lengths of the centred windows for mean heart rate, its spread, and movement.
    slope_window_epochs : int
        Length of the two adjoining windows whose difference is a slope.
    heart_scale_bpm, spread_floor_bpm, step_floor_bpm : float
        Unit of relative heart rate; what is added to a spread and to a mean step before the logarithm.
    still_cap_min : float
        Longest time without movement that is told apart.
    posture_spans_epochs : tuple of int
        Odd numbers of epochs over which the arm's small turns are told; without any, nothing is told of them.
    posture_unit_deg, small_turn_deg : float
        Angle at which the logarithm of a posture change bends, and that of a small turn.
    temperature_quantile : float
        Quantile of the night that counts as its plateau.
    clock_scale_h : float
        Unit of elapsed time.

    Examples
    --------
    >>> FeatureSpec.from_json(DEFAULT_SPEC.to_json()) == DEFAULT_SPEC
    True
    """

    version: int
    heart_windows_epochs: tuple[int, ...]
    spread_windows_epochs: tuple[int, ...]
    motion_windows_epochs: tuple[int, ...]
    slope_window_epochs: int
    heart_scale_bpm: float
    spread_floor_bpm: float
    step_floor_bpm: float
    still_cap_min: float
    posture_spans_epochs: tuple[int, ...]
    posture_unit_deg: float
    small_turn_deg: float
    temperature_quantile: float
    clock_scale_h: float

    def to_json(self) -> str:
        """The spec as one line of JSON."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str, *, where: str = "model") -> FeatureSpec:
        """A spec from its JSON.

        Raises
        ------
        ModelError
            If a key is missing or unknown, a span is even, or the version is a later one.
        """
        try:
            values: dict[str, Any] = dict(json.loads(text))
        except (ValueError, TypeError):
            raise ModelError(where, "its spec is not JSON", "use a model exported by this package") from None
        if values.get("version") == 1:
            values = BEFORE_SMALL_TURNS | values
        known = {field.name for field in dataclasses.fields(cls)}
        for problem, names in (("lacks", known - set(values)), ("has the unknown key", set(values) - known)):
            if names:
                raise ModelError(where, f"its spec {problem} {min(names)!r}", "install the version that made it")
        if values["version"] not in (1, DEFAULT_SPEC.version):
            raise ModelError(
                where,
                f"feature version {values['version']}, this package computes 1 and {DEFAULT_SPEC.version}",
                "install the version of staging that the model's card names",
            )
        if not all(span % 2 for span in values["posture_spans_epochs"]):
            raise ModelError(where, "its spec has an even posture_spans_epochs", "use a model exported by this package")
        typed: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
        return cls(**typed)


DEFAULT_SPEC = FeatureSpec(
    version=2,
    heart_windows_epochs=(11, 31, 91),
    spread_windows_epochs=(3, 11, 31),
    motion_windows_epochs=(5, 11, 41, 121),
    slope_window_epochs=11,
    heart_scale_bpm=10.0,
    spread_floor_bpm=0.3,
    step_floor_bpm=0.1,
    still_cap_min=60.0,
    posture_spans_epochs=(1, 3, 7, 15),
    posture_unit_deg=5.0,
    small_turn_deg=0.1,
    temperature_quantile=0.8,
    clock_scale_h=8.0,
)


BEFORE_SMALL_TURNS = {"posture_spans_epochs": (), "small_turn_deg": DEFAULT_SPEC.small_turn_deg}
"""What a spec of version 1 lacks."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelInputs:
    """What the network sees of a night of S epochs.

    Attributes
    ----------
    features : ndarray of float32, shape (S, F)
        One row an epoch, columns as in `feature_names`; 0 where the sensor is missing. No NaN.
    series : ndarray of float32, shape (4, S * 6)
        At 5-s steps: relative heart rate, whether it is known, logarithm of counts, whether they are known. No NaN.
    mask : ndarray of float32, shape (S, 5)
        1 where the group (`GROUPS`) is known in the epoch.
    """

    features: Array
    series: Array
    mask: Array


def feature_names(spec: FeatureSpec) -> tuple[str, ...]:
    """Names of the columns of `ModelInputs.features`, each with its group before the colon.

    Examples
    --------
    >>> feature_names(DEFAULT_SPEC)[:2]
    ('heart:level', 'heart:level_scaled')
    """
    heart = ["level", "level_scaled"]
    heart += [f"mean_{w}" for w in spec.heart_windows_epochs]
    heart += [f"above_mean_{w}" for w in spec.heart_windows_epochs]
    heart += [f"log_spread_{w}" for w in spec.spread_windows_epochs]
    heart += [f"log_spread_{w}_above_night" for w in spec.spread_windows_epochs]
    heart += ["log_step", "log_step_above_night", "peak", "slope", "night_level", "night_log_range"]
    counts = ["log_counts", *(f"log_mean_{w}" for w in spec.motion_windows_epochs)]
    counts += ["still_before", "still_after", "night_moving"]
    posture = ["log_change", *(f"log_mean_{w}" for w in spec.motion_windows_epochs)]
    if spec.posture_spans_epochs:
        posture += [f"log_turn_{w}" for w in spec.posture_spans_epochs]
        posture += [*(f"mean_log_turn_{w}" for w in spec.motion_windows_epochs), "night_log_turn"]
    temperature = ["below_plateau", "slope", *(f"below_plateau_{w}" for w in spec.heart_windows_epochs)]
    groups = (heart, counts, posture, temperature, ["elapsed"])
    return tuple(f"{group}:{name}" for group, names in zip(GROUPS, groups, strict=True) for name in names)


def extract(tracks: Tracks, spec: FeatureSpec) -> ModelInputs:
    """The model's inputs of one night.

    Parameters
    ----------
    tracks : Tracks
        The night; NaN where nothing was recorded.
    spec : FeatureSpec
        Parameters, from the model file.

    Returns
    -------
    ModelInputs
        Finite everywhere, whatever is missing.

    Examples
    --------
    >>> missing = np.full(4, np.nan, np.float32)
    >>> night = Tracks(
    ...     n_epochs=4, heart_rate_bpm=np.full(24, 60, np.float32), counts=np.zeros(8, np.float32),
    ...     gravity_g=np.full((4, 3), np.nan, np.float32), temperature_c=missing, coverage={})
    >>> inputs = extract(night, DEFAULT_SPEC)
    >>> inputs.features.shape[0], inputs.series.shape, inputs.mask[0].tolist()
    (4, (4, 24), [1.0, 1.0, 0.0, 0.0, 1.0])
    """
    n = tracks.n_epochs
    per_epoch = round(EPOCH_S / HEART_RATE_STEP_S)
    per_bin = round(COUNTS_BIN_S / HEART_RATE_STEP_S)
    heart_rate = tracks.heart_rate_bpm.astype(np.float64).reshape(n, per_epoch)
    counts = tracks.counts.astype(np.float64).reshape(n, -1)

    heart, heart_known, relative = _heart(heart_rate, spec)
    motion, motion_known, log_counts = _counts(counts, spec)
    posture, posture_known = _posture(tracks.gravity_g, spec)
    temperature, temperature_known = _temperature(tracks.temperature_c.astype(np.float64), spec)
    elapsed = (np.arange(n) + 0.5) * EPOCH_S / 3600.0 / spec.clock_scale_h

    columns = [
        *(np.where(heart_known, column, 0.0) for column in heart),
        *(np.where(motion_known, column, 0.0) for column in motion),
        *(np.where(posture_known, column, 0.0) for column in posture),
        *(np.where(temperature_known, column, 0.0) for column in temperature),
        elapsed,
    ]
    known = [heart_known, motion_known, posture_known, temperature_known, np.ones(n, dtype=bool)]
    held = np.repeat(log_counts.ravel(), per_bin)
    series = [np.nan_to_num(relative), np.isfinite(relative), np.nan_to_num(held), np.isfinite(held)]
    return ModelInputs(
        features=np.stack(columns, axis=1).astype(np.float32),
        series=np.stack([row.ravel() for row in series]).astype(np.float32),
        mask=np.stack(known, axis=1).astype(np.float32),
    )


Columns = list[NDArray[np.float64]]
Known = NDArray[np.bool_]


def _heart(heart_rate: NDArray[np.float64], spec: FeatureSpec) -> tuple[Columns, Known, NDArray[np.float64]]:
    """Columns of the heart group, which epochs they are known in, and relative heart rate at 5-s steps (flat)."""
    known = np.isfinite(heart_rate)
    values = heart_rate[known]
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75]) if values.size else (0.0, 0.0, 0.0)
    relative = (heart_rate - middle) / spec.heart_scale_bpm
    filled = np.where(known, relative, 0.0)
    weight = known.sum(axis=1).astype(np.float64)
    total = filled.sum(axis=1)
    level = _ratio(total, weight)
    night_range = max(high - low, 1.0) / spec.heart_scale_bpm

    columns = [level, level / night_range]
    means = {w: _ratio(_box_sum(total, w), _box_sum(weight, w)) for w in spec.heart_windows_epochs}
    columns += list(means.values())
    columns += [level - mean for mean in means.values()]

    squares = (filled**2).sum(axis=1)
    spreads = []
    for w in spec.spread_windows_epochs:
        count = _box_sum(weight, w)
        mean = _ratio(_box_sum(total, w), count)
        variance = np.maximum(_ratio(_box_sum(squares, w), count) - mean**2, 0.0)
        spreads.append(np.log(np.sqrt(variance) * spec.heart_scale_bpm + spec.spread_floor_bpm))
    in_night = weight > 0
    columns += spreads
    columns += [spread - _masked_mean(spread, in_night) for spread in spreads]

    flat, flat_known = relative.ravel(), known.ravel()
    both = flat_known[1:] & flat_known[:-1]
    step = np.concatenate([[0.0], np.where(both, np.abs(np.diff(np.where(flat_known, flat, 0.0))), 0.0)])
    step_known = np.concatenate([[0.0], both.astype(np.float64)])
    window = spec.slope_window_epochs
    step_mean = _ratio(
        _box_sum(step.reshape(heart_rate.shape).sum(axis=1), window),
        _box_sum(step_known.reshape(heart_rate.shape).sum(axis=1), window),
    )
    log_step = np.log(step_mean * spec.heart_scale_bpm + spec.step_floor_bpm)
    highest = np.where(known, relative, -np.inf).max(axis=1, initial=-np.inf)
    peak = _box_max(np.where(in_night, highest, -10.0), window) - means[spec.heart_windows_epochs[0]]
    columns += [
        log_step,
        log_step - _masked_mean(log_step, in_night),
        np.where(in_night, peak, 0.0),
        _slope(total, weight, window),
        np.full(len(level), (middle - RESTING_BPM) / spec.heart_scale_bpm if values.size else 0.0),
        np.full(len(level), np.log(night_range)),
    ]
    return columns, in_night, relative.ravel()


def _counts(counts: NDArray[np.float64], spec: FeatureSpec) -> tuple[Columns, Known, NDArray[np.float64]]:
    """Columns of the counts group, which epochs they are known in, and log counts in 15-s bins."""
    known = np.isfinite(counts)
    filled = np.where(known, counts, 0.0)
    weight = known.sum(axis=1).astype(np.float64)
    total = filled.sum(axis=1)
    columns = [np.log1p(total)]
    columns += [np.log1p(_ratio(_box_sum(total, w), _box_sum(weight, w))) for w in spec.motion_windows_epochs]
    moving = total > 0
    columns += [_still(moving, spec), _still(moving[::-1], spec)[::-1]]
    in_night = weight > 0
    columns += [np.full(len(total), np.log(_masked_mean(moving.astype(np.float64), in_night) + MOVING_FLOOR))]
    return columns, in_night, np.log1p(counts)


def _posture(gravity_g: NDArray[np.floating], spec: FeatureSpec) -> tuple[Columns, Known]:
    change_deg = turned_deg(gravity_g)
    # Nothing follows the last epoch, which is the one that staging during the night is about.
    if len(gravity_g) > 1 and np.isfinite(gravity_g[-1]).all():
        change_deg[-1] = change_deg[-2]
    known = np.isfinite(change_deg)
    change_deg = np.where(known, change_deg, 0.0)
    total = change_deg / spec.posture_unit_deg
    weight = known.astype(np.float64)
    columns = [np.log1p(total)]
    columns += [np.log1p(_ratio(_box_sum(total, w), _box_sum(weight, w))) for w in spec.motion_windows_epochs]
    if spec.posture_spans_epochs:
        columns += _small_turns(gravity_g, change_deg, known, spec)
    return columns, known


def _small_turns(
    gravity_g: NDArray[np.floating], change_deg: NDArray[np.float64], known: Known, spec: FeatureSpec
) -> Columns:
    columns = []
    for span in spec.posture_spans_epochs:
        turn_deg = turned_deg(gravity_g, span)
        # At the night's ends, and about gaps, what turned within the epoch has to do.
        columns += [np.log1p(np.where(np.isfinite(turn_deg), turn_deg, change_deg) / spec.small_turn_deg)]
    # Means of logarithms: one turn in bed must not hide how still the rest was.
    small, weight = np.log1p(change_deg / spec.small_turn_deg), known.astype(np.float64)
    columns += [_ratio(_box_sum(small, w), _box_sum(weight, w)) for w in spec.motion_windows_epochs]
    return [*columns, np.full(len(small), _masked_mean(small, known))]


def _temperature(level_c: NDArray[np.float64], spec: FeatureSpec) -> tuple[Columns, Known]:
    known = np.isfinite(level_c)
    plateau = float(np.quantile(level_c[known], spec.temperature_quantile)) if known.any() else 0.0
    below = np.where(known, level_c - plateau, 0.0)
    weight = known.astype(np.float64)
    columns = [below, _slope(below, weight, spec.slope_window_epochs)]
    columns += [_ratio(_box_sum(below, w), _box_sum(weight, w)) for w in spec.heart_windows_epochs]
    return columns, known


def _box_sum(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Sums over centred windows of an odd number of epochs, cut at the night's ends."""
    half, n = width // 2, len(values)
    cumulative = np.concatenate([[0.0], np.cumsum(values)])
    index = np.arange(n)
    window = cumulative[np.minimum(index + half + 1, n)] - cumulative[np.maximum(index - half, 0)]
    return np.asarray(window, dtype=np.float64)


def _box_max(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    padded = np.pad(values, width // 2, constant_values=-np.inf)
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, width).max(axis=1))


def _slope(total: NDArray[np.float64], weight: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Mean of the window after each epoch less the mean of the window before it; 0 where either is unknown."""
    n = len(total)
    sums = []
    for values in (total, weight):
        cumulative = np.concatenate([[0.0], np.cumsum(values)])
        index = np.arange(n)
        after = cumulative[np.minimum(index + 1 + width, n)] - cumulative[index + 1]
        before = cumulative[index] - cumulative[np.maximum(index - width, 0)]
        sums.append((after, before))
    (total_after, total_before), (weight_after, weight_before) = sums
    difference = _ratio(total_after, weight_after) - _ratio(total_before, weight_before)
    return np.asarray(np.where((weight_after > 0) & (weight_before > 0), difference, 0.0), dtype=np.float64)


def _still(moving: Known, spec: FeatureSpec) -> NDArray[np.float64]:
    """Logarithm of the minutes since the last movement, capped; the night's start counts as a movement."""
    index = np.arange(len(moving))
    last = np.maximum.accumulate(np.where(moving, index, -1))
    minutes = (index - last) * EPOCH_S / 60.0
    return np.asarray(np.log1p(np.minimum(minutes, spec.still_cap_min)))


def _ratio(total: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    return total / np.maximum(weight, 1e-9) * (weight > 0)


def _masked_mean(values: NDArray[np.float64], known: Known) -> float:
    return float(values[known].mean()) if known.any() else 0.0
