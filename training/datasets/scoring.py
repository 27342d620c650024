"""What adapters have in common: codes of stages become names, and recordings get the scoring's second 0."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from staging.errors import FormatError, RecordingError
from staging.hypnogram import Hypnogram, Stage
from staging.recording import EPOCH_S, Events, Recording, Signal

__all__ = ["later", "named_stages", "refuse_other_span", "scored_part", "span_s"]

MIN_COMMON_SHARE = 0.5
"""Share of the scored time that must lie within the recording: a watch may begin late or stop early."""


def named_stages(codes: NDArray[Any], meanings: Mapping[Any, Stage], where: str) -> Hypnogram:
    """A hypnogram of 30-s epochs from codes, one an epoch.

    Raises
    ------
    FormatError
        If there is no code, or one means nothing.
    """
    if not codes.size:
        raise FormatError(where, "holds no stages", "copy it from the data set again")
    found, which = np.unique(codes, return_inverse=True)
    unknown = [code for code in found.tolist() if code not in meanings]
    if unknown:
        raise FormatError(where, f"has the unknown stage {unknown[0]!r}", f"known are {', '.join(map(str, meanings))}")
    names = np.array([meanings[code].value for code in found.tolist()])
    return Hypnogram(stages=names[which], source=where)


def scored_part(
    recording: Recording, begin_s: float, reference: Hypnogram, *, not_of_the_night: Collection[str] = ()
) -> Recording:
    """The part of a recording that was scored, whose second 0 is the begin of the first epoch.

    Parameters
    ----------
    recording : Recording
        All that was recorded.
    begin_s : float
        Its second in which the first epoch begins.
    reference : Hypnogram
        Stages of 30-s epochs.
    not_of_the_night : collection of str
        Channels that go on for days, and say nothing of when the night was recorded.

    Raises
    ------
    RecordingError
        If no channel has anything in that time, or too little of it lies within the recording (`refuse_other_span`).
    """
    refuse_other_span(recording.source, span_s(recording, without=not_of_the_night), begin_s, reference)
    length_s = len(reference) * EPOCH_S
    parts = {name: _part(channel, begin_s, length_s) for name, channel in recording.channels().items()}
    found = {name: part if _size(part) else None for name, part in parts.items()}
    if not any(found.values()):
        problem = f"nothing was recorded from second {begin_s:.0f} to {begin_s + length_s:.0f}, which was scored"
        raise RecordingError(recording.source, problem, "check that recording and stages are of the same night")
    return recording.replace(
        start=None if recording.start is None else later(recording.start, begin_s),
        lights_off_s=None if recording.lights_off_s is None else recording.lights_off_s - begin_s,
        lights_on_s=None if recording.lights_on_s is None else recording.lights_on_s - begin_s,
        **found,
    )


def refuse_other_span(where: str, recorded_s: tuple[float, float], begin_s: float, reference: Hypnogram) -> None:
    """Refuse stages of a time that lies mostly outside the recording: they are of another night, or begin elsewhere.

    Parameters
    ----------
    where : str
        The recording.
    recorded_s : (float, float)
        Its first and last second.
    begin_s : float
        Its second in which the first epoch of the reference begins.
    reference : Hypnogram
        Stages of 30-s epochs; unscored ones at its ends do not count.

    Raises
    ------
    RecordingError
        If less than half of the scored time was recorded.
    """
    scored = np.flatnonzero(reference.indices() >= 0)
    if not scored.size:
        return
    scored_s = (begin_s + scored[0] * EPOCH_S, begin_s + (scored[-1] + 1) * EPOCH_S)
    common_s = min(recorded_s[1], scored_s[1]) - max(recorded_s[0], scored_s[0])
    if common_s < MIN_COMMON_SHARE * (scored_s[1] - scored_s[0]):
        raise RecordingError(
            where,
            f"it was recorded from second {recorded_s[0]:.0f} to {recorded_s[1]:.0f}, "
            f"and scored from second {scored_s[0]:.0f} to {scored_s[1]:.0f}",
            "check that recording and stages are of the same night and begin together",
        )


def span_s(recording: Recording, *, without: Collection[str] = ()) -> tuple[float, float]:
    """First and last second of all channels but some; of nothing, no time."""
    spans = [_span_s(part) for name, part in recording.channels().items() if name not in without and _size(part)]
    return min((first for first, _ in spans), default=0.0), max((last for _, last in spans), default=0.0)


def _span_s(channel: Signal | Events) -> tuple[float, float]:
    if isinstance(channel, Events):
        return float(channel.times_s[0]), float(channel.times_s[-1])
    return channel.start_s, channel.start_s + len(channel.samples) / channel.rate_hz


def _part(channel: Signal | Events, begin_s: float, length_s: float) -> Signal | Events:
    if isinstance(channel, Events):
        inside = (channel.times_s >= begin_s) & (channel.times_s < begin_s + length_s)
        return dataclasses.replace(channel, times_s=channel.times_s[inside] - begin_s, values=channel.values[inside])
    first, last = (
        min(max(int(np.ceil((at_s - channel.start_s) * channel.rate_hz - 1e-6)), 0), len(channel.samples))
        for at_s in (begin_s, begin_s + length_s)
    )
    start_s = channel.start_s + first / channel.rate_hz - begin_s
    return dataclasses.replace(channel, samples=channel.samples[first:last], start_s=start_s)


def _size(channel: Signal | Events) -> int:
    return len(channel.samples if isinstance(channel, Signal) else channel.values)


def later(moment: datetime, seconds: float) -> datetime:
    """Elapsed seconds later at the same offset; a zone's rules would count a change of clocks as elapsed."""
    return datetime.fromisoformat(datetime.fromtimestamp(moment.timestamp() + seconds, tz=moment.tzinfo).isoformat())
