"""Streams of values with times of their own -> a recording; of an archive of many days, one night.

Assumptions
-----------
- An archive is what a device or an app has gathered day after day. Where its values are more than 4 h apart, one
  recording ends and another begins. The last that has at least 3 h is read, or the last where none has; the others are
  named.
- A device that is worn day and night leaves no such gaps. Of a recording of more than a day the 24 h around the 5 h
  of lowest heart rate within its last day are read: a night, and the evening and the morning around it.
- Times that a person recorded in bed are lights-off and lights-on: the longest such stretch in the recording, pauses of
  up to 1 h within it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from staging.errors import RecordingError
from staging.readers.timing import to_events, to_signal
from staging.recording import Recording

__all__ = ["Span", "Stream", "assemble", "left_out", "newest", "night_of"]

FloatArray = NDArray[np.float64]

_UNITS: Mapping[str, str] = {
    "acc": "g",
    "ppg": "a.u.",
    "temp": "degC",
    "ibi": "s",
    "hr": "bpm",
}
_EVEN = ("acc", "ppg", "temp")

_GAP_S = 4 * 3600.0
_MIN_NIGHT_S = 3 * 3600.0
_DAY_S = 86400.0
_LOWEST_S = 5 * 3600.0
_BIN_S = 300.0
_PAUSE_IN_BED_S = 3600.0
_NAMED = 3
_TIME_DECIMALS = 6
_LATEST_UNIX_S = 1e10
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Span(NamedTuple):
    """From when to when, on the clock of the streams."""

    begin_s: float
    end_s: float

    @property
    def length_s(self) -> float:
        """Seconds between the two."""
        return self.end_s - self.begin_s


class Stream(NamedTuple):
    """Values of one channel as they were found."""

    channel: str
    times_s: FloatArray
    """Unix seconds, or seconds from any zero where no clock is known; in any order, NaN where there is none."""
    values: FloatArray
    where: str
    """The file, as errors and warnings name it."""

    def within(self, span: Span) -> Stream:
        """What lies in a span, its ends with it."""
        keep = (self.times_s >= span.begin_s) & (self.times_s <= span.end_s)
        return self._replace(times_s=self.times_s[keep], values=self.values[keep])


def assemble(
    streams: Iterable[Stream],
    *,
    where: str,
    zone: tzinfo | None,
    wall_clock: bool = False,
    is_archive: bool = False,
    device: str = "",
    in_bed: Sequence[Span] = (),
    warnings: Iterable[str] = (),
) -> Recording:
    """A recording from streams on one clock.

    Parameters
    ----------
    streams : iterable of Stream
        Several of one channel are joined.
    where : str
        What the user named.
    zone : tzinfo or None
        Zone in which the start is shown; None where the times are of no clock.
    wall_clock : bool
        The times are of a clock without a zone, taken as UTC.
    is_archive : bool
        Take one night of many days; otherwise everything.
    device : str
        What recorded.
    in_bed : sequence of Span
        Times in bed, from which lights-off and lights-on are taken.
    warnings : iterable of str
        What the reader has to say already.

    Returns
    -------
    Recording
        Second 0 is the whole second before the first value.

    Raises
    ------
    RecordingError
        If no stream has a value with a time, or the times are impossible.

    Examples
    --------
    >>> hr = Stream("hr", np.array([1.7e9, 1.7e9 + 5]), np.array([61.0, 60.0]), "hr.csv")
    >>> recording = assemble([hr], where="hr.csv", zone=UTC)
    >>> recording.start.isoformat(), recording.hr.times_s.tolist()
    ('2023-11-14T22:13:20+00:00', [0.0, 5.0])
    """
    joined = _joined(streams)
    notes = list(warnings)
    if is_archive and joined:
        if zone is not None:  # what no clock can have shown is no night of the archive
            joined = [stream.within(Span(0.0, _LATEST_UNIX_S)) for stream in joined]
        night, others = night_of(*_heart(joined))
        joined = [stream.within(night) for stream in joined]
        notes += left_out(night, others, zone)
    times = np.concatenate([stream.times_s for stream in joined]) if joined else np.empty(0)
    times = times[np.isfinite(times)]
    if not times.size:
        raise RecordingError(where, "holds no values with times", "give a recording of a worn device")
    zero_s = float(math.floor(times.min()))
    if zone is not None and not 0 <= zero_s <= times.max() < _LATEST_UNIX_S:
        raise RecordingError(where, f"its times run from {zero_s:.4g} to {times.max():.4g} Unix seconds", "mend them")
    found: dict[str, Any] = {}
    for stream in joined:
        if not stream.times_s.size:
            continue
        convert = to_signal if stream.channel in _EVEN else to_events
        # A Unix time in double precision is good to 0.3 µs: what is beyond is no jitter of the device's.
        times_s = np.round(stream.times_s - zero_s, _TIME_DECIMALS)
        found[stream.channel], more = convert(times_s, stream.values, unit=_UNITS[stream.channel], where=stream.where)
        notes += more
    lights = _lights(in_bed, Span(zero_s, float(times.max())))
    return Recording(
        start=None if zone is None else _moment(zero_s, zone),
        wall_clock=wall_clock and zone is not None,
        lights_off_s=None if lights is None else lights.begin_s - zero_s,
        lights_on_s=None if lights is None else lights.end_s - zero_s,
        device=device,
        source=where,
        warnings=tuple(notes),
        **found,
    )


def night_of(times_s: FloatArray, bpm: FloatArray) -> tuple[Span, list[Span]]:
    """The night of an archive that is read, and the recordings that are not, in order of time.

    Parameters
    ----------
    times_s, bpm : ndarray of float64, shape (n,)
        Heart rates at any times in any order; only those that are finite count, unless none is.

    Examples
    --------
    >>> hours = np.concatenate([np.arange(0, 8, 0.1), np.arange(24, 31, 0.1)])
    >>> night, others = night_of(hours * 3600, np.full(len(hours), 60.0))
    >>> night.begin_s / 3600, [other.begin_s for other in others]
    (24.0, [0.0])
    """
    known = np.isfinite(times_s) & np.isfinite(bpm)
    if not known.any():
        known = np.isfinite(times_s)
    if not known.any():
        return Span(-np.inf, np.inf), []
    order = np.argsort(times_s[known], kind="stable")
    times, rates = times_s[known][order], bpm[known][order]
    ends = np.flatnonzero(np.diff(times) > _GAP_S)
    begins_s, ends_s = times[np.append(0, ends + 1)], times[np.append(ends, len(times) - 1)]
    spans = [Span(float(begin), float(end)) for begin, end in zip(begins_s, ends_s, strict=True)]
    long = [span for span in spans if span.length_s >= _MIN_NIGHT_S]
    chosen = (long or spans)[-1]
    others = [span for span in spans if span != chosen]
    if chosen.length_s > _DAY_S:
        within = (times >= chosen.begin_s) & (times <= chosen.end_s)
        night = _around_lowest(times[within], rates[within], chosen)
        rest = (Span(chosen.begin_s, night.begin_s), Span(night.end_s, chosen.end_s))
        others = sorted([*others, *(span for span in rest if span.length_s > _MIN_NIGHT_S)])
        chosen = night
    return chosen, others


def left_out(night: Span, others: Sequence[Span], zone: tzinfo | None) -> list[str]:
    """A warning about the recordings of an archive that were not read; none where there are none."""
    if not others:
        return []

    def text(span: Span) -> str:
        if zone is None:
            return f"{span.begin_s / 3600:.1f} h to {span.end_s / 3600:.1f} h"
        return f"{_moment(span.begin_s, zone):%Y-%m-%d %H:%M} to {_moment(span.end_s, zone):%Y-%m-%d %H:%M}"

    named = "; ".join(text(span) for span in others[: -_NAMED - 1 : -1])
    more = f"; and {len(others) - _NAMED} earlier" if len(others) > _NAMED else ""
    return [f"one recording of {len(others) + 1} is read, {text(night)}; left out: {named}{more}"]


def newest(
    names: Iterable[str], load: Callable[[str], Sequence[Stream]], where: str
) -> tuple[list[Stream], tuple[str, ...]]:
    """Streams of an archive with dates in the names of its files, read from the newest until a whole night is there.

    Parameters
    ----------
    names : iterable of str
        Files.
    load : callable
        Streams of a file.
    where : str
        What warnings name.

    Returns
    -------
    streams : list of Stream
        Of the files that were read.
    warnings : tuple of str
        How many were not.
    """
    ordered = sorted(names, key=_by_date)
    left = list(ordered)
    streams: list[Stream] = []
    while left:
        streams += load(left.pop())
        times, bpm = _heart(_joined(streams)) if streams else (np.empty(0), np.empty(0))
        finite = times[np.isfinite(times)]
        if finite.size:
            night, _ = night_of(times, bpm)
            if night.length_s >= _MIN_NIGHT_S and night.begin_s > finite.min():
                break
    if not left:
        return streams, ()
    first, last = PurePosixPath(left[0]).name, PurePosixPath(left[-1]).name
    unread = first if len(left) == 1 else f"{len(left)} earlier files, {first} to {last},"
    return streams, (f"{unread} not read: give the files of another night for that night",)


def _by_date(name: str) -> tuple[list[int], str]:
    """Files sort by the numbers in their own names, which are dates, so that 2024_2 comes before 2024_10."""
    own = PurePosixPath(name).name
    return [int(digits) for digits in re.findall(r"\d+", own)][:3], own


def _joined(streams: Iterable[Stream]) -> list[Stream]:
    """One stream a channel, its parts in the order of their beginnings."""
    by_channel: dict[str, list[Stream]] = {}
    for stream in sorted(streams, key=_begin_s):
        by_channel.setdefault(stream.channel, []).append(stream)
    return [
        parts[0]
        if len(parts) == 1
        else Stream(
            channel,
            np.concatenate([part.times_s for part in parts]),
            np.concatenate([part.values for part in parts]),
            f"{parts[0].where} and {len(parts) - 1} more",
        )
        for channel, parts in by_channel.items()
    ]


def _begin_s(stream: Stream) -> float:
    finite = stream.times_s[np.isfinite(stream.times_s)]
    return float(finite[0]) if finite.size else np.inf


def _heart(joined: Sequence[Stream]) -> tuple[FloatArray, FloatArray]:
    """Times of all streams, with heart rates where the stream gives any."""
    rates = []
    for stream in joined:
        if stream.channel == "hr":
            rates.append(np.where(stream.values > 0, stream.values, np.nan))
        elif stream.channel == "ibi":
            rates.append(60.0 / np.where(stream.values > 0, stream.values, np.nan))
        else:
            rates.append(np.full(len(stream.times_s), np.nan))
    return np.concatenate([stream.times_s for stream in joined]), np.concatenate(rates)


def _around_lowest(times: FloatArray, rates: FloatArray, stretch: Span) -> Span:
    """A day around the 5 h of lowest heart rate in the last day of a stretch."""
    last_s = stretch.end_s - _DAY_S
    recent = (times >= last_s) & np.isfinite(rates)
    cell = ((times[recent] - last_s) / _BIN_S).astype(np.int64)
    n_cells, width = int(_DAY_S / _BIN_S) + 1, int(_LOWEST_S / _BIN_S)
    count = np.bincount(cell, minlength=n_cells)
    mean = np.bincount(cell, rates[recent], minlength=n_cells) / np.maximum(count, 1)
    window = np.ones(width)
    filled = np.convolve((count > 0).astype(np.float64), window, "valid")
    level = np.convolve(mean, window, "valid") / np.maximum(filled, 1)
    level[filled < width / 2] = np.inf
    middle_s = last_s + (int(np.argmin(level)) + width / 2) * _BIN_S
    return Span(max(stretch.begin_s, middle_s - _DAY_S / 2), min(stretch.end_s, middle_s + _DAY_S / 2))


def _lights(in_bed: Sequence[Span], recorded: Span) -> Span | None:
    """The longest stretch in bed that the recording has a part of."""
    stretches: list[Span] = []
    for span in sorted(in_bed):
        if stretches and span.begin_s - stretches[-1].end_s <= _PAUSE_IN_BED_S:
            stretches[-1] = Span(stretches[-1].begin_s, max(stretches[-1].end_s, span.end_s))
        else:
            stretches.append(span)

    def shared_s(span: Span) -> float:
        return min(span.end_s, recorded.end_s) - max(span.begin_s, recorded.begin_s)

    best = max(stretches, key=shared_s, default=None)
    return best if best is not None and shared_s(best) > 0 else None


def _moment(unix_s: float, zone: tzinfo) -> datetime:
    return (_EPOCH + timedelta(seconds=unix_s)).astimezone(zone)
