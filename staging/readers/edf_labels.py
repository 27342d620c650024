"""Which signals of an EDF are which channels, and what their units are worth.

Labels and units of EDF files are free text; the tables here hold what recorders were seen to write. A user who knows
better names the labels.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from staging.errors import FormatError
from staging.readers.acceleration import NAMED_UNITS, plain_unit

if TYPE_CHECKING:
    from edfio import EdfSignal

__all__ = ["CHANNELS", "choose", "conversion"]

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


def choose(signals: Sequence[EdfSignal], channels: Mapping[str, str], where: str) -> dict[str, Sequence[EdfSignal]]:
    """Signals by channel: those the user names, then those whose labels tell.

    Raises
    ------
    FormatError
        If a name is not of the file, or nothing can be used: names the labels.
    """
    labels = ", ".join(signal.label for signal in signals)
    chosen: dict[str, Sequence[EdfSignal]] = {}
    for channel, text in channels.items():
        if channel not in CHANNELS:
            raise FormatError(where, f"EDF gives no {channel}", f"choose from {', '.join(CHANNELS)}")
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


def conversion(channel: str, signal: EdfSignal) -> tuple[float, float, tuple[str, ...]]:
    """Factor and offset to the channel's unit, and a warning where the stated unit is not known."""
    known = _UNITS.get(channel, {})
    unit = plain_unit(signal.physical_dimension)
    if not known or unit in known:
        return *known.get(unit, (1.0, 0.0)), ()
    taken = "g" if channel == "acc" else "°C"
    return 1.0, 0.0, (f"{signal.label} has the unit {signal.physical_dimension!r}; taken for {taken}",)


def _named(signals: Sequence[EdfSignal], channel: str, text: str) -> Sequence[EdfSignal]:
    by_label = {signal.label.lower(): signal for signal in reversed(signals)}
    if channel != "acc":
        return [by_label[text.strip().lower()]] if text.strip().lower() in by_label else []
    wanted = [label.strip().lower() for label in text.split(",")]
    if len(wanted) == 1:
        begin = [label for label in by_label if label.startswith(wanted[0])]
        wanted = sorted(begin) if len(begin) == 3 else []
    found = [by_label[label] for label in wanted if label in by_label]
    return found if len(found) == 3 else []


def _guessed(signals: Sequence[EdfSignal], channel: str) -> Sequence[EdfSignal]:
    plain = [(re.sub(r"[^a-z0-9]", "", signal.label.lower()), signal) for signal in signals]
    if channel == "acc":
        axes: dict[str, dict[str, EdfSignal]] = {}
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
