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
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from staging.errors import FormatError
from staging.readers.labels import CHANNELS, choose, conversion, made, rate_of
from staging.readers.source import Source
from staging.readers.timing import MAX_SPAN_S, as_utc, is_too_empty
from staging.recording import Events, Recording, Signal

if TYPE_CHECKING:
    from edfio import Edf, EdfSignal

__all__ = ["CHANNELS", "CHOOSES_CHANNELS", "TITLE", "read", "sniff"]

TITLE = "EDF and EDF+ (channels by their labels, or as you name them)"
CHOOSES_CHANNELS = True

_MAGIC = b"0       "
_ANNOTATIONS = b"EDF Annotations"
_ONSET = re.compile(rb"([+-]\d+(?:\.\d*)?)[\x14\x15]")
_MAX_FILES = 200
_UNDATED = datetime(1985, 1, 1).date()


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
        chosen = choose(edf.signals, channels or {}, where)
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
    return Recording(start=start, wall_clock=start is not None, source=source.where, warnings=tuple(notes), **about)


def _edf_files(source: Source) -> list[str]:
    top = [name for name in source.sizes if "/" not in name]
    names = (top or list(source.sizes))[:_MAX_FILES]
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


def _channel(
    channel: str, signals: Sequence[EdfSignal], onsets_s: NDArray[np.float64] | None, where: str, notes: list[str]
) -> Signal | Events:
    rate_hz = rate_of(channel, signals, where)
    columns = []
    for signal in signals:
        factor, offset, note = conversion(channel, signal)
        notes += note
        values = signal.data * factor + offset
        columns.append(values if onsets_s is None else _with_gaps(values, rate_hz, onsets_s, where))
    return made(channel, columns, rate_hz)


def _with_gaps(
    values: NDArray[np.float64], rate_hz: float, onsets_s: NDArray[np.float64], where: str
) -> NDArray[np.float64]:
    """Data records at their own times, NaN between them."""
    if is_too_empty(onsets_s[-1] * rate_hz, len(values)):
        problem = f"{onsets_s[-1] / 86400:.1f} days at {rate_hz:g} Hz are too much for one recording"
        raise FormatError(where, problem, "export single nights")
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
    try:
        lengths = [2 * int(fields[216 * n_signals + 8 * i :][:8]) for i in range(n_signals)]
    except ValueError:
        raise FormatError(
            where, "its header does not say how long a signal's records are", "copy it from the device again"
        ) from None
    if _ANNOTATIONS not in labels:
        raise FormatError(where, "is discontinuous (EDF+D) and does not say where", "export it as continuous EDF")
    first = labels.index(_ANNOTATIONS)
    begin = sum(lengths[:first])
    records = data[edf.bytes_in_header_record :][: edf.num_data_records * sum(lengths)].reshape(-1, sum(lengths))
    stamps = [_ONSET.match(record.tobytes()) for record in records[:, begin : begin + lengths[first]]]
    onsets_s = np.array([np.nan if stamp is None else float(stamp[1]) for stamp in stamps])
    if not np.all(np.diff(onsets_s) > 0) or not onsets_s[-1] - onsets_s[0] < MAX_SPAN_S:
        raise FormatError(where, "its data records have impossible times", "export it as continuous EDF")
    begins_s: NDArray[np.float64] = onsets_s - onsets_s[0]
    return begins_s


def _start(edf: Edf, notes: list[str]) -> datetime | None:
    try:
        start = edf.startdatetime
    except (ValueError, IndexError, OverflowError):  # anonymised, no date, or damaged time annotations
        start = None
    if start is None or start.date() == _UNDATED:
        notes.append("the file has no date; clock times are unknown")
        return None
    start, note = as_utc(start)
    notes.append(note)
    return start


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
