"""Recording -> tracks: the few even series that staging, the report and training are made from.

Whatever the device gave (a raw waveform, a watch's heart rate, activity counts), each track has one definition,
one unit and one grid that begins at second 0 of the recording, so that a model trained on one device can read
another. Raw signals are read once here and not needed afterwards.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from staging.grid import runs
from staging.heart import clean_intervals, heart_rate_track
from staging.posture import gravity_at_starts, turned_deg
from staging.pulse import believable_intervals
from staging.recording import EPOCH_S, Events, Recording

__all__ = [
    "COUNTS_BIN_S",
    "HEART_RATE_STEP_S",
    "SENSORS",
    "Tracks",
    "heart_rate_steps",
    "later",
    "prepare",
    "pulse_felt",
    "slice_tracks",
]

HEART_RATE_STEP_S = 5.0
COUNTS_BIN_S = 15.0

MIN_EPOCHS = 20
"""Shortest recording that is staged: 10 min. A stage means little without its neighbourhood."""

GOOD_COVERAGE = 0.5
"""Share of the recording that a source of heart rate must cover to be taken before the sources after it."""

SENSORS = ("heart", "motion", "temperature")
"""What a stage may be made from; the keys of `Tracks.coverage` and of `Hypnogram.coverage`."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Tracks:
    """A recording's tracks on the epoch grid. NaN always means that nothing usable was recorded there.

    Attributes
    ----------
    n_epochs : int
        Number of 30-s epochs, S.
    heart_rate_bpm : ndarray of float32, shape (S * 6,)
        Watch-like heart rate at the middle of every 5-s step.
    counts : ndarray of float32, shape (S * 2,)
        te Lindert & Van Someren activity counts in 15-s bins.
    gravity_g : ndarray of float32, shape (S, 3)
        Mean acceleration at the start of the epoch, which shows the direction of gravity.
    temperature_c : ndarray of float32, shape (S,)
        Mean cleaned skin temperature of the epoch.
    coverage : mapping of str to ndarray of float32, shape (S,)
        Usable fraction 0-1 of each epoch by sensor, keys `SENSORS`.
    start : datetime or None
        Wall-clock time of the first epoch.
    lights_off_s, lights_on_s : float or None
        Seconds from the first epoch, where known.
    source, device, subject : str
        As in the recording.
    sources : mapping of str to str
        Which channel of the recording each sensor's track was made from, such as ``{"heart": "ppg"}``.
    warnings : tuple of str
        What was mended or doubted, the reader's warnings first.
    """

    n_epochs: int
    heart_rate_bpm: NDArray[np.float32]
    counts: NDArray[np.float32]
    gravity_g: NDArray[np.float32]
    temperature_c: NDArray[np.float32]
    coverage: Mapping[str, NDArray[np.float32]]
    start: datetime | None = None
    lights_off_s: float | None = None
    lights_on_s: float | None = None
    source: str = ""
    device: str = ""
    subject: str = ""
    sources: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def posture_change_deg(self) -> NDArray[np.float32]:
        """Angle between the directions of gravity at the start of each epoch and of the next, float32 ``(S,)``."""
        return turned_deg(self.gravity_g).astype(np.float32)

    def digest(self) -> str:
        """Sixteen hexadecimal digits that tell one recording's content from another's."""
        content = hashlib.sha256()
        for track in (self.heart_rate_bpm, self.counts, self.gravity_g, self.temperature_c):
            content.update(np.ascontiguousarray(track, dtype="<f4").tobytes())
        return content.hexdigest()[:16]


HELD_RATE_EPOCHS = 10
MIN_RATE_CHANGE_BPM = 1.0
"""A device's heart rate that changes by less within 5 min to each side is a held value, not a pulse."""

LONG_EPOCHS = 20
"""A sensor that is missing for so long, 10 min, is worth a word however long the recording."""

NAMED_STRETCHES = 3
"""How many stretches without a sensor are told one by one."""


def prepare(recording: Recording, *, worn: NDArray[np.bool_] | None = None) -> Tracks:
    """Bring a recording to the tracks.

    Heart rate is made from the first of PPG, inter-beat intervals and the device's own heart rate that covers half
    the recording, else from the one that covers most of it. Counts are computed from acceleration where its rate
    allows, else the device's are taken.

    Parameters
    ----------
    recording : Recording
        One session; any channel may be missing.
    worn : ndarray of bool, shape (n_epochs,), optional
        Epochs in which the device was on a body, where more is known of it than this recording tells; told from its
        sensors otherwise.

    Returns
    -------
    Tracks
        NaN wherever a sensor gave nothing usable, or the device was not worn.

    Raises
    ------
    RecordingError
        If there is no channel or less than 10 min.

    Examples
    --------
    >>> hr = Events(times_s=np.arange(0.0, 1200.0, 5.0), values=np.full(240, 60.0), unit="bpm")
    >>> tracks = prepare(Recording(hr=hr))
    >>> tracks.n_epochs, tracks.sources["heart"], float(tracks.heart_rate_bpm[0])
    (40, 'hr', 60.0)
    """
    n = recording.require_epochs(MIN_EPOCHS)
    heart_rate, heart_source = heart_rate_steps(recording, n)
    counts, motion_source = _counts(recording, n)
    gravity = np.full((n, 3), np.nan, np.float32)
    temperature_c = _missing(n)
    off_skin = np.zeros(n, dtype=bool)
    sources = {}
    felt = pulse_felt(heart_rate, heart_source, n)
    stuck, cold = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    if recording.acc is not None:
        from staging.motion import frozen, saturated, wear

        gravity = gravity_at_starts(recording.acc, n)
        off_skin |= wear(recording.acc, n) < GOOD_COVERAGE
        # Somebody with a pulse breathes: what does not change at all is no stillness of theirs.
        stuck = saturated(recording.acc, n) | (frozen(recording.acc, n) & felt)
        _mask_stuck(stuck, counts if motion_source == "acc" else _missing(0), gravity)
        motion_source = motion_source or "acc"
    if recording.temp is not None:
        from staging import temperature

        temperature_c = temperature.epoch_mean_c(temperature.clean_temperature(recording.temp), n)
        cold = temperature.wear(temperature_c) == 0
        if np.count_nonzero(cold & (felt if worn is None else worn)) > np.count_nonzero(cold) / 2:
            # The device is worn, and it is the thermometer that does not touch the skin.
            temperature_c[cold] = np.nan
        else:
            off_skin |= cold
            cold[:] = False
        sources["temperature"] = "temp"
    # Stillness or cold without a pulse is a device on the table; with a pulse it is deep sleep, or a cold hand.
    why = "a pulse was felt" if worn is None else "it was worn"
    worn = ~off_skin | felt if worn is None else worn
    heart_rate[np.repeat(~worn, len(heart_rate) // n)] = np.nan
    counts[np.repeat(~worn, len(counts) // n)] = np.nan
    gravity[~worn] = np.nan
    temperature_c[~worn] = np.nan
    coverage = {
        "heart": _share(heart_rate, n),
        "motion": np.maximum(_share(counts, n), _share(turned_deg(gravity), n)),
        "temperature": _share(temperature_c, n),
    }
    sources |= {name: s for name, s in (("heart", heart_source), ("motion", motion_source)) if s}
    return Tracks(
        n_epochs=n,
        heart_rate_bpm=heart_rate,
        counts=counts,
        gravity_g=gravity,
        temperature_c=temperature_c,
        coverage=coverage,
        start=recording.start,
        lights_off_s=recording.lights_off_s,
        lights_on_s=recording.lights_on_s,
        source=recording.source,
        device=recording.device,
        subject=recording.subject,
        sources=sources,
        warnings=(
            *recording.warnings,
            *_stretches("motion: acceleration stuck or at the end of its range", stuck & worn),
            *_stretches(f"temperature: as of a room, although {why},", cold),
            *_coverage_warnings(coverage, worn, recording),
        ),
    )


def slice_tracks(tracks: Tracks, first: int, stop: int) -> Tracks:
    """The epochs from `first` up to `stop` as tracks of their own, whose second 0 is the first of them."""
    steps = len(tracks.heart_rate_bpm) // tracks.n_epochs
    bins = len(tracks.counts) // tracks.n_epochs
    moved = first * EPOCH_S

    def since_first(time_s: float | None) -> float | None:
        return None if time_s is None else time_s - moved

    return dataclasses.replace(
        tracks,
        n_epochs=stop - first,
        heart_rate_bpm=tracks.heart_rate_bpm[first * steps : stop * steps],
        counts=tracks.counts[first * bins : stop * bins],
        gravity_g=tracks.gravity_g[first:stop],
        temperature_c=tracks.temperature_c[first:stop],
        coverage={sensor: share[first:stop] for sensor, share in tracks.coverage.items()},
        start=None if tracks.start is None else later(tracks.start, moved),
        lights_off_s=since_first(tracks.lights_off_s),
        lights_on_s=since_first(tracks.lights_on_s),
    )


def later(moment: datetime, seconds: float) -> datetime:
    """Elapsed seconds later, in the same zone; adding to a zoned time would count clock changes as elapsed."""
    return datetime.fromtimestamp(moment.timestamp() + seconds, tz=moment.tzinfo)


def _mask_stuck(stuck: NDArray[np.bool_], counts: NDArray[np.float32], gravity: NDArray[np.float32]) -> None:
    """Take away, in place, the motion of a stuck sensor, and that of the epochs with the jumps into and out of it."""
    since = stuck.copy()
    since[1:] |= stuck[:-1]
    around = since.copy()
    around[:-1] |= stuck[1:]
    counts[np.repeat(around, len(counts) // len(stuck))[: len(counts)]] = np.nan
    # The epoch before began before it: without the directions that follow, no change of posture is known there either.
    gravity[since] = np.nan


def _missing(length: int) -> NDArray[np.float32]:
    return np.full(length, np.nan, np.float32)


def _share(values: NDArray[np.floating], n_epochs: int) -> NDArray[np.float32]:
    """Known share of every epoch."""
    return np.asarray(np.isfinite(values).reshape(n_epochs, -1).mean(axis=1), dtype=np.float32)


def heart_rate_steps(recording: Recording, n_epochs: int) -> tuple[NDArray[np.float32], str]:
    """Heart-rate track and the channel it was made from; the costly PPG is read once, the others only if needed."""
    ppg, ibi, hr = recording.ppg, recording.ibi, recording.hr
    candidates: list[tuple[str, Callable[[], Events]]] = []
    if ppg is not None:
        candidates.append(("ppg", lambda: believable_intervals(ppg)))
    if ibi is not None:
        candidates.append(("ibi", lambda: clean_intervals(ibi)))
    if hr is not None:
        candidates.append(("hr", lambda: hr))
    n_steps = n_epochs * round(EPOCH_S / HEART_RATE_STEP_S)
    best, best_source, best_share = _missing(n_steps), "", 0.0
    for source, events in candidates:
        track = heart_rate_track(events(), n_steps, step_s=HEART_RATE_STEP_S)
        share = float(np.isfinite(track).mean())
        if share > best_share:
            best, best_source, best_share = track, source, share
        if best_share >= GOOD_COVERAGE:
            break
    return best, best_source


def pulse_felt(heart_rate: NDArray[np.float32], source: str, n_epochs: int) -> NDArray[np.bool_]:
    """Epochs in which a heart was felt.

    Beats prove it. A device's own rate does where it changes: many hold the last value when they lose the pulse.
    """
    known = _share(heart_rate, n_epochs) > 0
    if source != "hr":
        return known
    rate = heart_rate.reshape(n_epochs, -1)
    lowest = np.where(np.isnan(rate), np.inf, rate).min(axis=1)
    highest = np.where(np.isnan(rate), -np.inf, rate).max(axis=1)
    around = 2 * HELD_RATE_EPOCHS + 1
    low = sliding_window_view(np.pad(lowest, HELD_RATE_EPOCHS, constant_values=np.inf), around).min(axis=1)
    high = sliding_window_view(np.pad(highest, HELD_RATE_EPOCHS, constant_values=-np.inf), around).max(axis=1)
    return np.asarray(known & (high - low >= MIN_RATE_CHANGE_BPM))


def _counts(recording: Recording, n_epochs: int) -> tuple[NDArray[np.float32], str]:
    """Activity counts in 15-s bins and the channel they were made from."""
    n_bins = n_epochs * round(EPOCH_S / COUNTS_BIN_S)
    if recording.acc is not None:
        from staging.motion import activity_counts

        counts = activity_counts(recording.acc, n_bins, bin_s=COUNTS_BIN_S)
        if np.isfinite(counts).any():
            return counts, "acc"
    if recording.counts is None:
        return _missing(n_bins), ""
    return counts_in_bins(recording.counts, n_epochs), "counts"


def counts_in_bins(counts: Events, n_epochs: int) -> NDArray[np.float32]:
    """A device's own counts in 15-s bins.

    Its bins may drift against the grid by a few ms each: every one goes to the nearest place.

    Parameters
    ----------
    counts : Events
        At the starts of their bins.
    n_epochs : int
        Number of 30-s epochs.

    Returns
    -------
    ndarray of float32, shape (n_epochs * 2,)
        NaN where there are none.

    Examples
    --------
    >>> counts = Events(times_s=np.array([0.0, 15.1]), values=np.array([3.0, 0.0]), unit="counts")
    >>> counts_in_bins(counts, 2).tolist()
    [3.0, 0.0, nan, nan]
    """
    binned = _missing(n_epochs * round(EPOCH_S / COUNTS_BIN_S))
    place = np.floor(counts.times_s / COUNTS_BIN_S + 0.5).astype(int)
    near = (place >= 0) & (place < len(binned))
    binned[place[near]] = counts.values[near]
    return binned


def _coverage_warnings(
    coverage: Mapping[str, NDArray[np.float32]], worn: NDArray[np.bool_], recording: Recording
) -> list[str]:
    """What a user should know before believing the result, with the times it concerns."""
    present = {
        "heart": recording.ppg is not None or recording.ibi is not None or recording.hr is not None,
        "motion": recording.acc is not None or recording.counts is not None,
        "temperature": recording.temp is not None,
    }
    warnings = []
    for sensor in SENSORS:
        missing = coverage[sensor] == 0
        if not present[sensor]:
            continue
        if missing.all():
            warnings.append(f"{sensor}: recorded, but nothing in it is usable")
        elif missing.mean() > 0.05 or _longest(missing) >= LONG_EPOCHS:
            warnings += _stretches(f"{sensor}: missing", missing)
    return [*warnings, *_stretches("not worn", ~worn)]


def _longest(flags: NDArray[np.bool_]) -> int:
    begin, end = runs(flags)
    return int((end - begin).max(initial=0))


def _stretches(what: str, flags: NDArray[np.bool_]) -> list[str]:
    """A line for each of the longest runs of epochs, and one for the rest."""
    begin, end = runs(flags)
    longest = np.sort(np.argsort(begin - end, kind="stable")[:NAMED_STRETCHES])
    lines = [f"{what} between epochs {begin[run]} and {end[run] - 1}" for run in longest]
    rest = int(flags.sum() - (end - begin)[longest].sum())
    return [*lines, f"{what} in {rest} more epochs"] if rest else lines
