"""Rows with times of their own -> an even `Signal`, or `Events` in order.

Assumptions
-----------
- A sensor samples evenly; the stamps jitter (transport, rounding to milliseconds or seconds). The rate is measured
  from all the times, never taken from a data sheet.
- Where stamps only jitter about an even clock, the samples are the device's own, in the order of the file.
- More than one missing sample is a gap and stays NaN. Where single samples are missing, or the clock drifts by half a
  sample within an unbroken stretch, samples are interpolated linearly at even times.
- Of rows that claim the same time, the first in the file counts.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from staging.errors import RecordingError
from staging.recording import TAKEN_AS_UTC, Events, Signal

__all__ = ["MAX_SAMPLES", "MAX_SPAN_S", "as_utc", "is_too_empty", "to_events", "to_float32", "to_signal", "zone_of"]

MAX_SPAN_S = 31 * 86400.0
"""Longest time between a recording's first and last sample; beyond it the times are taken to be in a wrong unit."""

MAX_SAMPLES = 100_000_000
"""Longest channel, gaps included: 31 days at 32 Hz, 11 days at 100 Hz."""

_FREE_SAMPLES = 20_000_000
_MAX_EMPTINESS = 100.0

_DAY_S = 86400.0
_RATE_DECIMALS = 9  # takes away what floating point adds, no more

# All in sampling periods:
_HOLE_PERIODS = 1.5  # a step longer than this lacks a sample, if the stamps are clean
_GAP_PERIODS = 2.5  # a step longer than this lacks more than one
_CLEAN_PERIODS = 0.25  # stamps are clean if nine in ten steps differ by less
_JITTER_PERIODS = 3.0  # a row that is later than this was not delayed by jitter alone
_MAX_DRIFT = 0.4  # of the running mean of the stamps' lateness, for samples to be taken as they are
_MAX_LATE = 10.0  # of a single stamp

_SMOOTHED = 1000  # rows of that running mean
_FEW = 400  # below so many rows no mean is trusted
_BATCHED = 0.05  # share of rows with the stamp of the row above from which stamps are coarse
_COPIED = 0.99  # share of those that equal the row above from which rows were written twice

FloatArray = NDArray[np.float64]


def to_signal(times_s: FloatArray, values: FloatArray, *, unit: str, where: str) -> tuple[Signal, tuple[str, ...]]:
    """An evenly sampled channel from rows with times.

    Parameters
    ----------
    times_s : ndarray of float64, shape (n,)
        Times in the order of the file; jitter, gaps, repeated, backward and NaN times are mended.
    values : ndarray of float64, shape (n,) or (n, 3)
        Samples; NaN where there is none.
    unit : str
        Unit of the values.
    where : str
        The file, as errors and warnings name it.

    Returns
    -------
    signal : Signal
        At the measured rate; NaN in gaps; its first sample at about the first time.
    warnings : tuple of str
        What was mended, with counts and times.

    Raises
    ------
    RecordingError
        If fewer than two times differ, or they span more than `MAX_SPAN_S`.

    Examples
    --------
    >>> signal, warnings = to_signal(np.array([0, 0.5, 1, 3]), np.array([5.0, 6, 7, 9]), unit="a.u.", where="ppg.csv")
    >>> signal.rate_hz, signal.samples.tolist()
    (2.0, [5.0, 6.0, 7.0, nan, nan, nan, 9.0])
    >>> warnings
    ('ppg.csv: 1 gap of 1.5 s in all, from 1.0 s',)
    """
    times, rows, warnings = _finite(times_s, values, where)
    if _is_batched(times, rows):
        times, note = _spread(times, where)
        warnings += (note,)
    times, rows, notes = _in_order(times, rows, where)
    if len(times) < 2:
        raise RecordingError(where, "fewer than two samples", "give the whole recording")
    steps = np.diff(times)
    is_clean = _is_clean(steps)
    rate_hz, is_gap = _even_rate_hz(times), np.zeros(len(steps), dtype=np.bool_)
    may_place = not (is_clean and np.any(steps > _HOLE_PERIODS / rate_hz))
    placed = _place(times, rows, rate_hz, is_gap) if may_place else None
    if placed is None:
        rate_hz = _rate_hz(steps)
        _refuse_size(times, rate_hz, where)
        is_gap = steps > _GAP_PERIODS / rate_hz
        may_place = not (is_clean and np.any(steps[~is_gap] > _HOLE_PERIODS / rate_hz))
        placed = _place(times, rows, rate_hz, is_gap) if may_place else None
    if placed is None:
        placed = _interpolate(times, rows, rate_hz, is_gap)
        holes = int(np.sum(np.rint(steps[~is_gap] * rate_hz).clip(min=1) - 1))
        notes += (f"{_file(where)}: samples interpolated at even times ({holes} single ones were missing)",)
    samples, start_s = placed
    if is_gap.any():
        lost_s = float(np.sum(steps[is_gap] - 1 / rate_hz))
        count, first_s = int(is_gap.sum()), times[:-1][is_gap][0]
        notes += (f"{_file(where)}: {count} gap{'s' * (count > 1)} of {lost_s:.1f} s in all, from {first_s:.1f} s",)
    signal = Signal(samples=to_float32(samples), rate_hz=rate_hz, unit=unit, start_s=start_s)
    return signal, warnings + notes


def is_too_empty(n_places: float, n_samples: int) -> bool:
    """Whether an even grid is longer than a channel may be, or long and hardly filled: a few rows ask for gigabytes.

    Examples
    --------
    >>> is_too_empty(60e6, 6_000_000), is_too_empty(60e6, 100)
    (False, True)
    """
    return n_places > MAX_SAMPLES or (n_places > _FREE_SAMPLES and n_places > _MAX_EMPTINESS * n_samples)


def as_utc(start: datetime) -> tuple[datetime, str]:
    """The start of a device or file that knows no time zone, and the warning that says so.

    Examples
    --------
    >>> as_utc(datetime(2026, 3, 28, 22, 41, 5))[1]
    'the file has no time zone; its start 2026-03-28 22:41:05 is taken as UTC'
    """
    clock = start.replace(microsecond=0).isoformat(" ")
    return start.replace(tzinfo=UTC), f"the file has no time zone; its start {clock} {TAKEN_AS_UTC}"


def zone_of(offset_s: float) -> tzinfo:
    """The zone of an offset from UTC, to the whole second; UTC where it is none that a zone can have.

    Examples
    --------
    >>> str(zone_of(-18000.0)), str(zone_of(1e9)), str(zone_of(float("nan")))
    ('UTC-05:00', 'UTC', 'UTC')
    """
    return timezone(timedelta(seconds=round(offset_s))) if abs(offset_s) < _DAY_S - 1 else UTC


def to_float32(values: NDArray[np.float32] | NDArray[np.float64]) -> NDArray[np.float32]:
    """Samples in single precision, without numpy's warnings; what that cannot hold is infinite."""
    with np.errstate(over="ignore", invalid="ignore"):
        return values.astype(np.float32, copy=False)


def to_events(times_s: FloatArray, values: FloatArray, *, unit: str, where: str) -> tuple[Events, tuple[str, ...]]:
    """An irregular channel in order of time; repeated times keep their first row.

    Parameters
    ----------
    times_s, values : ndarray of float64, shape (n,)
        Rows in the order of the file.
    unit, where : str
        Unit of the values; the file, as errors and warnings name it.

    Raises
    ------
    RecordingError
        If the times span more than `MAX_SPAN_S`.

    Examples
    --------
    >>> to_events(np.array([5.0, 0.0]), np.array([61.0, 60.0]), unit="bpm", where="hr.csv")[0].values.tolist()
    [60.0, 61.0]
    """
    times, rows, warnings = _finite(times_s, values, where)
    order = np.argsort(times, kind="stable")
    backward = np.flatnonzero(np.diff(times) < 0)
    if backward.size:
        late = f"{backward.size} times go back (first at {times[backward[0] + 1]:.1f} s)"
        warnings += (f"{_file(where)}: {late}; put in order",)
    times, rows = times[order], rows[order]
    fresh = np.append(True, np.diff(times) > 0)[: len(times)]
    warnings += _repeated(times, fresh, where)
    return Events(times_s=times[fresh], values=rows[fresh], unit=unit), warnings


def _file(where: str) -> str:
    """A warning is read beside the recording's name: the file's own will do."""
    return PurePath(where).name


def _finite(times: FloatArray, values: FloatArray, where: str) -> tuple[FloatArray, FloatArray, tuple[str, ...]]:
    times = np.asarray(times, dtype=np.float64)
    finite = np.isfinite(times)
    _refuse_span(times[finite], where)
    if finite.all():
        return times, values, ()
    return times[finite], values[finite], (f"{_file(where)}: {np.count_nonzero(~finite)} rows without a time left out",)


def _is_batched(times: FloatArray, rows: FloatArray) -> bool:
    """Whether rows share stamps because the stamps are coarse, and not because rows were written twice."""
    steps = np.diff(times)
    shared = steps == 0
    if np.any(steps < 0) or not np.count_nonzero(shared) > _BATCHED * len(steps):
        return False
    same = rows[1:][shared] == rows[:-1][shared]
    return not np.mean(same) > _COPIED


def _spread(times: FloatArray, where: str) -> tuple[FloatArray, str]:
    """Spread rows that share a stamp (a packet's, or a whole second's) evenly from it to the next."""
    stamps, first, count = np.unique(times, return_index=True, return_counts=True)
    steps = np.diff(stamps)
    if not steps.size:
        return times, f"{_file(where)}: all rows have the same time"
    whole = steps < _GAP_PERIODS * np.median(steps)
    whole[0] &= len(steps) == 1  # the first batch may be a part of one
    period_s = np.sum(steps[whole]) / np.sum(count[:-1][whole])
    within = np.arange(len(times)) - np.repeat(first, count)
    begin = stamps.copy()
    begin[0] += max(0.0, np.median(steps[whole]) - count[0] * period_s)
    note = (
        f"{_file(where)}: rows share time stamps ({np.median(count):.0f} each); spread evenly at {1 / period_s:.3f} Hz"
    )
    return np.repeat(begin, count) + within * period_s, note


def _in_order(times: FloatArray, rows: FloatArray, where: str) -> tuple[FloatArray, FloatArray, tuple[str, ...]]:
    """Strictly increasing times.

    Where stamps jitter, the order in the file is the truth, else the stamps are. Rows that come later than jitter
    explains fill holes (packets out of order) but never overwrite or interleave (a clock set back): they are left
    out where an earlier row already stands within half a sampling period.
    """
    if not np.any(np.diff(times) <= 0):
        return times, rows, ()
    notes: tuple[str, ...] = ()
    steps = np.diff(times)
    if not _is_clean(steps):
        steps = np.diff(np.sort(times))
    period_s = _period_s(steps)
    jitter_s = 0.0 if _is_clean(steps) else _JITTER_PERIODS * period_s
    if jitter_s and _place(times, rows, _even_rate_hz(times), np.zeros(len(steps), dtype=np.bool_)):
        jitter_s = np.inf
    late = np.maximum.accumulate(times) - times > jitter_s
    if late.any():
        on_time = np.sort(times[~late])
        above = np.searchsorted(on_time, times[late]).clip(1, len(on_time) - 1)
        distance = np.minimum(np.abs(times[late] - on_time[above - 1]), np.abs(on_time[above] - times[late]))
        taken = distance < 0.5 * period_s
        notes += (
            f"{_file(where)}: {late.sum()} rows go back in time (first to {times[late][0]:.1f} s):"
            f" {np.count_nonzero(~taken)} put in order, {taken.sum()} left out",
        )
        keep = ~late
        keep[np.flatnonzero(late)[~taken]] = True
        order = np.argsort(times[keep], kind="stable")
        times, rows = times[keep][order], rows[keep][order]
    times = np.sort(times)
    fresh = np.append(True, np.diff(times) > 0)[: len(times)]
    notes += _repeated(times, fresh, where)
    return times[fresh], rows[fresh], notes


def _period_s(steps: FloatArray) -> float:
    forward = steps[steps > 0]
    return float(np.median(forward)) if forward.size else 0.0


def _is_clean(steps: FloatArray) -> bool:
    """Whether nearly all steps are equally long, that is, the stamps do not jitter."""
    low, high = np.percentile(steps, [5, 95])
    return bool(high - low < _CLEAN_PERIODS * _period_s(steps))


def _repeated(times: FloatArray, fresh: NDArray[np.bool_], where: str) -> tuple[str, ...]:
    if fresh.all():
        return ()
    count = int(np.count_nonzero(~fresh))
    return (f"{_file(where)}: {count} repeated time{'s' * (count > 1)} left out (first at {times[~fresh][0]:.1f} s)",)


def _refuse_span(times: FloatArray, where: str) -> None:
    span_s = float(times.max()) - float(times.min()) if times.size else 0.0
    if span_s > MAX_SPAN_S:
        problem = f"its times span {span_s / _DAY_S:.4g} days"
        raise RecordingError(where, problem, "give seconds, not milliseconds, and one recording at a time")


def _refuse_size(times: FloatArray, rate_hz: float, where: str) -> None:
    samples = (times[-1] - times[0]) * rate_hz
    if is_too_empty(samples, len(times)):
        problem = f"{len(times)} rows at {rate_hz:.6g} Hz leave gaps of {samples:.2g} samples"
        raise RecordingError(where, problem, "mend its times, or give one recording at a time")


def _even_rate_hz(times: FloatArray) -> float:
    """Samples per second if no sample is missing: the slope of the row number against time."""
    index = np.arange(len(times)) - (len(times) - 1) / 2
    rise = float(np.dot(index, times - times[0]))
    return round(float(np.sum(index**2)) / rise, _RATE_DECIMALS) if rise > 0 else 0.0


def _rate_hz(steps: FloatArray) -> float:
    """Samples per second where some are missing, without the bias of rounded stamps or lost samples."""
    unbroken = steps[steps < _GAP_PERIODS * np.median(steps)]
    about_hz = len(unbroken) / np.sum(unbroken)
    periods = np.rint(unbroken * about_hz)
    return round(float(np.sum(periods) / np.sum(unbroken)), _RATE_DECIMALS)


def _place(
    times: FloatArray, rows: FloatArray, rate_hz: float, is_gap: NDArray[np.bool_]
) -> tuple[FloatArray, float] | None:
    """Samples as they are, on the grid; None where a stretch between gaps is not even but for jitter."""
    if rate_hz <= 0:
        return None
    begins = np.concatenate([[0], np.flatnonzero(is_gap) + 1])
    length = np.diff(np.append(begins, len(times)))
    within = np.arange(len(times)) - np.repeat(begins, length)
    late_s = times - within / rate_hz
    begin_s = np.add.reduceat(late_s, begins) / length
    if not _is_even((late_s - np.repeat(begin_s, length)) * rate_hz):
        return None
    cells = np.repeat(np.rint((begin_s - begin_s[0]) * rate_hz).astype(np.int64), length) + within
    samples = np.full((cells[-1] + 1, *rows.shape[1:]), np.nan)
    samples[cells] = rows
    return samples, round(float(begin_s[0]), 9)


def _is_even(late: FloatArray) -> bool:
    """Whether lateness, in periods, is jitter (its running mean stays near 0) rather than lost samples or drift."""
    width = min(_SMOOTHED, len(late) // 4) if len(late) > _FEW else 1  # few rows have no mean: allow no jitter
    total = np.concatenate([[0.0], np.cumsum(late)])
    drift = (total[width:] - total[:-width]) / width
    return bool(np.max(np.abs(drift)) < _MAX_DRIFT and np.max(np.abs(late)) < _MAX_LATE)


def _interpolate(
    times: FloatArray, rows: FloatArray, rate_hz: float, is_gap: NDArray[np.bool_]
) -> tuple[FloatArray, float]:
    grid = times[0] + np.arange(int((times[-1] - times[0]) * rate_hz + 1e-6) + 1) / rate_hz
    after = np.searchsorted(times, grid).clip(1, len(times) - 1)
    nearest = np.where(grid - times[after - 1] <= times[after] - grid, after - 1, after)
    in_gap = is_gap[after - 1]
    lost = in_gap & (np.abs(times[nearest] - grid) >= 0.5 / rate_hz)
    columns = rows.reshape(len(rows), -1)
    even = np.column_stack([np.interp(grid, times, column) for column in columns.T])
    even[in_gap] = columns[nearest[in_gap]]
    even[lost] = np.nan
    return even.reshape(len(grid), *rows.shape[1:]), float(times[0])
