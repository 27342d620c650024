"""EDF and EDF+ files (Kemp & Olivan 2003), alone or the only one of a folder or zip.

Assumptions
-----------
- Channels are found by their labels, or named by the user: ``channels={"ppg": "Pleth"}``; for acceleration three
  labels, ``{"acc": "ACC X,ACC Y,ACC Z"}``, or what they begin with, ``{"acc": "ACC"}``. What is not used is reported.
- Units are converted as the file states them (mg, m/s², °F, K); one that is not known is taken for g or °C.
- The heart rate is a slow channel of numbers (at most 4 Hz unless the user names it), taken about once a second.
- The file knows no time zone: its start is taken as UTC, with a warning. An anonymised date leaves the start unknown.
- Of a discontinuous file (EDF+D) the gaps are NaN.
- An electrocardiogram is no PPG, a rectal temperature no skin temperature: neither is read.

References
----------
Kemp B., Olivan J. Clin Neurophysiol 2003;114(9):1755-1761, doi 10.1016/S1388-2457(03)00123-8.
"""

from __future__ import annotations

import contextlib
import re
import warnings
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from staging.errors import FormatError
from staging.readers.source import Source
from staging.readers.timing import MAX_SPAN_S
from staging.recording import Events, Recording, Signal

if TYPE_CHECKING:
    from edfio import Edf, EdfSignal

__all__ = ["CHANNELS", "CHOOSES_CHANNELS", "TITLE", "read", "sniff"]

TITLE = "EDF and EDF+ (channels by their labels, or as you name them)"
CHANNELS = ("acc", "ppg", "temp", "hr")
CHOOSES_CHANNELS = True

_MAGIC = b"0       "
_ANNOTATIONS = b"EDF Annotations"
_ONSET = re.compile(rb"([+-]\d+(?:\.\d*)?)[\x14\x15]")
_MAX_FILES = 200
_MAX_NUMERIC_HZ = 4.0
_UNDATED = datetime(1985, 1, 1).date()

_LABELS: Mapping[str, str] = {
    "ppg": "(?:spo2|oximeter|finger|wrist|raw)?(?:pleth(?:ysmogra(?:m|ph|phy))?|ppg|bvp)"
    r"(?:wave|signal|raw|green|infrared|ir|red|\d)*",
    "temp": "(?:skin|wrist)?temp(?:erature)?(?:skin|wrist)?",
    "hr": "d?hr|pr|pulse(?:rate)?|heartrate",
}
"""Labels in lower case, letters and digits only."""

_AXES = (
    re.compile(r"(?P<prefix>.*?acc[a-z]*?|actigraphy|motion)(?P<axis>[xyz])(?:axis)?"),
    re.compile(r"(?P<axis>[xyz])(?:axis)?(?P<prefix>acc[a-z]*)"),
)

_UNITS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "acc": {"g": (1.0, 0.0), "mg": (1e-3, 0.0)}
    | dict.fromkeys(("m/s2", "m/s^2", "m/s**2", "m/s/s", "m/s", "ms-2"), (1 / 9.80665, 0.0)),
    "temp": dict.fromkeys(("c", "degc", "degreec", "cel", "celsius", "deg"), (1.0, 0.0))
    | dict.fromkeys(("f", "degf", "degreef", "fahrenheit"), (1 / 1.8, -32 / 1.8))
    | dict.fromkeys(("k", "kelvin"), (1.0, -273.15)),
}
"""Units in lower case and ASCII ("m/s" is what that leaves of m/s²) to factor and offset."""


def sniff(source: Source) -> bool:
    """Whether a file begins as an EDF header does."""
    return bool(_edf_files(source))


def read(source: Source, *, channels: Mapping[str, str] | None = None) -> Recording:
    """Read an EDF or EDF+ file.

    Parameters
    ----------
    source : Source
        The file, or a folder or zip that holds no other EDF.
    channels : mapping of str to str, optional
        Labels by channel; channels not named are found by their labels.

    Returns
    -------
    Recording
        Those of ``acc`` (g), ``ppg`` (a.u.), ``temp`` (°C) and ``hr`` (bpm) that are there.

    Raises
    ------
    FormatError
        If the file is damaged, a named label is not in it, or none of its channels can be used: names its labels.
    """
    names = _edf_files(source)
    if len(names) != 1:
        problem = f"holds {len(names)} EDF files" + (f" ({', '.join(names[:3])}, ...)" if names else "")
        raise FormatError(source.where, problem, "give one EDF file")
    where = source.label(names[0])
    content = source.local(names[0]) or source.read(names[0])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        edf = _parsed(content, where)
        chosen = _chosen(edf, channels or {}, where)
        notes: list[str] = []
        onsets_s = _onsets_s(edf, content, where)
        found = {channel: _channel(channel, signals, onsets_s, where, notes) for channel, signals in chosen.items()}
        start = _start(edf, notes)
    used = {id(signal) for signals in chosen.values() for signal in signals}
    unused = [signal.label for signal in edf.signals if id(signal) not in used]
    if unused:
        notes.append(f"labels not used: {', '.join(unused)}")
    notes += [" ".join(str(warning.message).split()) for warning in caught]
    about: dict[str, Any] = {**found, **_about(edf)}
    return Recording(start=start, source=source.where, warnings=tuple(notes), **about)


def _edf_files(source: Source) -> list[str]:
    names = list(source.sizes)[:_MAX_FILES]
    return [name for name in names if source.sizes[name] > 256 and source.head(name, len(_MAGIC)) == _MAGIC]


def _parsed(content: Path | bytes, where: str) -> Edf:
    import edfio

    try:
        edf = edfio.read_edf(content, header_encoding="latin-1")
        empty = edf.num_data_records < 1 or not edf.signals
    except Exception as error:  # a damaged header can fail anywhere inside edfio
        raise FormatError(where, f"the EDF header is damaged ({error})", "export or copy the file again") from error
    if empty:
        raise FormatError(where, "the EDF file holds no signals", "give the file with the signals")
    return edf


def _chosen(edf: Edf, channels: Mapping[str, str], where: str) -> dict[str, Sequence[EdfSignal]]:
    """Signals by channel: those the user names, then those whose labels tell."""
    labels = ", ".join(signal.label for signal in edf.signals)
    chosen: dict[str, Sequence[EdfSignal]] = {}
    for channel, text in channels.items():
        if channel not in CHANNELS:
            raise FormatError(where, f"EDF gives no {channel}", f"choose from {', '.join(CHANNELS)}")
        chosen[channel] = _named(edf.signals, channel, text)
        if not chosen[channel]:
            wanted = "three labels, or what three begin with" if channel == "acc" else "one of the labels"
            raise FormatError(where, f"{text!r} is no label for {channel}", f"give {wanted}: {labels}")
    taken = {id(signal) for signals in chosen.values() for signal in signals}
    free = [signal for signal in edf.signals if id(signal) not in taken]
    for channel in CHANNELS:
        if channel not in chosen and (guessed := _guessed(free, channel)):
            chosen[channel] = guessed
    if not chosen:
        raise FormatError(where, "no label tells of a sensor that can be used", f"say which it is: {labels}")
    return chosen


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
        and 0 < signal.sampling_frequency
        and (channel != "hr" or signal.sampling_frequency <= _MAX_NUMERIC_HZ)
    ]
    return fits[:1]


def _channel(
    channel: str, signals: Sequence[EdfSignal], onsets_s: NDArray[np.float64] | None, where: str, notes: list[str]
) -> Signal | Events:
    rates = {signal.sampling_frequency for signal in signals}
    if len(rates) > 1 or not min(rates) > 0:
        raise FormatError(where, f"the rates of {channel} are {sorted(rates)} Hz", "give signals of one positive rate")
    rate_hz = float(rates.pop())
    columns = []
    for signal in signals:
        factor, offset = _unit(channel, signal, notes)
        values = signal.data * factor + offset
        columns.append(values if onsets_s is None else _with_gaps(values, rate_hz, onsets_s))
    if channel == "hr":
        step = max(1, int(rate_hz))
        values = columns[0][::step]
        return Events(times_s=np.arange(len(values)) * (step / rate_hz), values=values, unit="bpm")
    samples = np.column_stack(columns) if channel == "acc" else columns[0]
    unit = {"acc": "g", "ppg": "a.u.", "temp": "degC"}[channel]
    return Signal(samples=samples.astype(np.float32), rate_hz=rate_hz, unit=unit)


def _unit(channel: str, signal: EdfSignal, notes: list[str]) -> tuple[float, float]:
    known = _UNITS.get(channel)
    unit = re.sub(r"[^a-z0-9/^*-]", "", signal.physical_dimension.lower())
    if known is None:
        return 1.0, 0.0
    if unit not in known:
        taken = "g" if channel == "acc" else "°C"
        notes.append(f"{signal.label} has the unit {signal.physical_dimension!r}; taken for {taken}")
    return known.get(unit, (1.0, 0.0))


def _with_gaps(values: NDArray[np.float64], rate_hz: float, onsets_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Data records at their own times, NaN between them."""
    records = values.reshape(len(onsets_s), -1)
    cells = np.rint(onsets_s * rate_hz).astype(np.int64)
    even = np.full(cells[-1] + records.shape[1], np.nan)
    even[cells[:, None] + np.arange(records.shape[1])] = records
    return even


def _onsets_s(edf: Edf, content: Path | bytes, where: str) -> NDArray[np.float64] | None:
    """Seconds of a discontinuous file's data records from the first of them; None where the file is continuous.

    The first annotation of a record's first "EDF Annotations" signal says when the record begins; edfio takes all
    records for contiguous.
    """
    if not edf.reserved.startswith("EDF+D"):
        return None
    data = np.memmap(content, np.uint8, "r") if isinstance(content, Path) else np.frombuffer(content, np.uint8)
    n_signals = edf.bytes_in_header_record // 256 - 1
    fields = bytes(data[256 : edf.bytes_in_header_record])
    labels = [fields[16 * i : 16 * i + 16].strip() for i in range(n_signals)]
    lengths = [2 * int(fields[216 * n_signals + 8 * i :][:8]) for i in range(n_signals)]
    if _ANNOTATIONS not in labels:
        raise FormatError(where, "is discontinuous (EDF+D) and does not say where", "export it as continuous EDF")
    first = labels.index(_ANNOTATIONS)
    begin = sum(lengths[:first])
    records = data[edf.bytes_in_header_record :][: edf.num_data_records * sum(lengths)].reshape(-1, sum(lengths))
    stamps = [_ONSET.match(record.tobytes()) for record in records[:, begin : begin + lengths[first]]]
    onsets_s = np.array([np.nan if stamp is None else float(stamp[1]) for stamp in stamps])
    if not np.all(np.diff(onsets_s) > 0) or not onsets_s[-1] - onsets_s[0] < MAX_SPAN_S:
        raise FormatError(where, "its data records have impossible times", "export it as continuous EDF")
    return onsets_s - onsets_s[0]


def _start(edf: Edf, notes: list[str]) -> datetime | None:
    try:
        start = edf.startdatetime
    except ValueError:  # anonymised, or not a date
        start = None
    if start is None or start.date() == _UNDATED:
        notes.append("the file has no date; clock times are unknown")
        return None
    notes.append(f"the file has no time zone; its start {start.isoformat(' ')} is taken as UTC")
    return start.replace(tzinfo=UTC)


def _about(edf: Edf) -> dict[str, str]:
    """Subject's code and device, which only EDF+ tells apart from names."""
    if not edf.reserved.startswith("EDF+"):
        return {}
    about = {}
    with contextlib.suppress(ValueError, IndexError):
        about["subject"] = edf.patient.code
    with contextlib.suppress(ValueError, IndexError):
        about["device"] = edf.recording.equipment_code
    return {key: value for key, value in about.items() if value != "X"}
