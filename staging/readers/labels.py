"""Which signals of a file are which channels, and what their units are worth.

Labels and units of EDF and WFDB files are free text; the tables here hold what recorders were seen to write. A user
who knows better names the labels.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

import numpy as np

from staging.errors import FormatError
from staging.readers.acceleration import NAMED_UNITS, plain_unit
from staging.readers.timing import to_float32
from staging.recording import Events, FloatArray, Signal

__all__ = ["CHANNELS", "Labelled", "choose", "conversion", "made", "rate_of"]

CHANNELS = ("acc", "ppg", "temp", "hr")

_MAX_NUMERIC_HZ = 4.0

_LABELS: Mapping[str, str] = {
    "ppg": "(?:spo2|oximeter|finger|wrist|raw)?(?:pleth(?:ysmogra(?:m|ph|phy))?|ppg|bvp)"
    r"(?:wave|wv|signal|raw|green|infrared|ir|red|\d)*",
    "temp": "(?:skin|wrist)?temp(?:erature)?(?:skin|wrist)?",
    "hr": "d?hr|pr|pulse(?:rate)?|heartrate",
}
"""Labels in lower case, letters and digits only."""

_AXES = (
    re.compile(r"(?P<prefix>.*?acc[a-z]*?|actigraphy|motion)(?P<axis>[xyz])(?:axis)?"),
    re.compile(r"(?P<axis>[xyz])(?:axis)?(?P<prefix>acc[a-z]*)"),
)

_UNITS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "acc": {unit: (factor, 0.0) for unit, factor in NAMED_UNITS.items()},
    "temp": dict.fromkeys(("c", "degc", "degreec", "cel", "celsius", "deg"), (1.0, 0.0))
    | dict.fromkeys(("f", "degf", "degreef", "fahrenheit"), (1 / 1.8, -32 / 1.8))
    | dict.fromkeys(("k", "kelvin"), (1.0, -273.15)),
}
"""Units, as `plain_unit` leaves them, to factor and offset."""


class Labelled(Protocol):
    """What is known of a signal before its samples are read."""

    @property
    def label(self) -> str:
        """Its name."""

    @property
    def sampling_frequency(self) -> float:
        """Hz."""

    @property
    def physical_dimension(self) -> str:
        """Its unit."""


_Signal = TypeVar("_Signal", bound=Labelled)


def choose(signals: Sequence[_Signal], channels: Mapping[str, str], where: str) -> dict[str, Sequence[_Signal]]:
    """Signals by channel: those the user names, then those whose labels tell.

    Raises
    ------
    FormatError
        If a name is not of the file, or nothing can be used: names the labels.
    """
    labels = ", ".join(signal.label for signal in signals)
    chosen: dict[str, Sequence[_Signal]] = {}
    for channel, text in channels.items():
        if channel not in CHANNELS:
            raise FormatError(where, f"it gives no {channel}", f"choose from {', '.join(CHANNELS)}")
        chosen[channel] = _named(signals, channel, text)
        if not chosen[channel]:
            wanted = "three labels, or what three begin with" if channel == "acc" else "one of the labels"
            raise FormatError(where, f"{text!r} is no label for {channel}", f"give {wanted}: {labels}")
    taken = {id(signal) for found in chosen.values() for signal in found}
    free = [signal for signal in signals if id(signal) not in taken]
    for channel in CHANNELS:
        if channel not in chosen and (guessed := _guessed(free, channel)):
            chosen[channel] = guessed
    if not chosen:
        raise FormatError(where, "no label tells of a sensor that can be used", f"say which it is: {labels}")
    return chosen


def conversion(channel: str, signal: Labelled) -> tuple[float, float, tuple[str, ...]]:
    """Factor and offset to the channel's unit, and a warning where the stated unit is not known."""
    known = _UNITS.get(channel, {})
    unit = plain_unit(signal.physical_dimension)
    if not known or unit in known:
        return *known.get(unit, (1.0, 0.0)), ()
    taken = "g" if channel == "acc" else "°C"
    return 1.0, 0.0, (f"{signal.label} has the unit {signal.physical_dimension!r}; taken for {taken}",)


def made(channel: str, columns: Sequence[FloatArray], rate_hz: float) -> Signal | Events:
    """A channel from the values of its signals, in the channel's unit; a heart rate about once a second.

    Examples
    --------
    >>> made("hr", [np.array([60.0, 60.0, 61.0, 61.0])], 2.0).values.tolist()
    [60.0, 61.0]
    """
    if channel == "hr":
        step = max(1, int(rate_hz))
        values = columns[0][::step].astype(np.float64)
        times_s = np.arange(len(values), dtype=np.float64) * (step / rate_hz)
        return Events(times_s=times_s, values=values, unit="bpm")
    single = [to_float32(values) for values in columns]
    samples = np.column_stack(single) if channel == "acc" else single[0]
    return Signal(samples=samples, rate_hz=rate_hz, unit={"acc": "g", "ppg": "a.u.", "temp": "degC"}[channel])


def rate_of(channel: str, signals: Sequence[Labelled], where: str) -> float:
    """The one rate of a channel's signals.

    Raises
    ------
    FormatError
        If they differ, or are not positive.
    """
    rates = {float(signal.sampling_frequency) for signal in signals}
    if len(rates) > 1 or not 0 < min(rates) < np.inf:
        raise FormatError(where, f"the rates of {channel} are {sorted(rates)} Hz", "give signals of one positive rate")
    return rates.pop()


def _named(signals: Sequence[_Signal], channel: str, text: str) -> Sequence[_Signal]:
    by_label = {signal.label.lower(): signal for signal in reversed(signals)}
    if channel != "acc":
        return [by_label[text.strip().lower()]] if text.strip().lower() in by_label else []
    wanted = [label.strip().lower() for label in text.split(",")]
    if len(wanted) == 1:
        begin = [label for label in by_label if label.startswith(wanted[0])]
        wanted = sorted(begin) if len(begin) == 3 else []
    found = [by_label[label] for label in wanted if label in by_label]
    return found if len(found) == 3 else []


def _guessed(signals: Sequence[_Signal], channel: str) -> Sequence[_Signal]:
    plain = [(re.sub(r"[^a-z0-9]", "", signal.label.lower()), signal) for signal in signals]
    if channel == "acc":
        axes: dict[str, dict[str, _Signal]] = {}
        for label, signal in plain:
            match = next(filter(None, (pattern.fullmatch(label) for pattern in _AXES)), None)
            if match is not None:
                axes.setdefault(match["prefix"], {}).setdefault(match["axis"], signal)
        return next(([found[axis] for axis in "xyz"] for found in axes.values() if len(found) == 3), [])
    fits = [
        signal
        for label, signal in plain
        if re.fullmatch(_LABELS[channel], label)
        and signal.sampling_frequency > 0
        and (channel != "hr" or signal.sampling_frequency <= _MAX_NUMERIC_HZ)
    ]
    return fits[:1]
