"""Garmin's .fit files: activities, the watch's monitoring files, and logs of the health SDK.

============================== ===== ===================================================================
message                        of it read
============================== ===== ===================================================================
record, monitoring             20 55 heart rate about every second or minute
health SDK heart rate          308   heart rate of each second
hrv                            78    intervals between beats, packed between records, without times
beat intervals                 290   intervals between beats
raw beat-to-beat intervals     372   the same with the watch's opinion of each
accelerometer data             165   acceleration: calibrated, compressed, or counts with their calibration (167)
health SDK accelerometer       302   acceleration
health SDK wrist temperature   409   skin temperature
============================== ===== ===================================================================

Assumptions
-----------
- Numbers of messages and fields, units and scales are those of the published profile of the FIT protocol.
- Times count seconds from 1989-12-31 UTC. The zone is that of the local time stamp where one is there, else UTC.
- Of several messages that hold intervals one kind is read: 290, else 372, else 78. Packets of intervals stand where
  `staging.readers.beats` puts them. An interval of low confidence is none.
- Several files are parts of one archive, read from the newest until a whole night is there (`staging.readers.streams`);
  one that is damaged is left out.
- A temperature of a record or of monitoring is the device's, not the skin's: it is not read. Nor are sleep stages.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, timedelta, timezone, tzinfo
from pathlib import PurePath
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from staging.errors import FormatError
from staging.readers.beats import beat_times_s
from staging.readers.extras import library
from staging.readers.source import Source
from staging.readers.streams import Stream, assemble, newest
from staging.recording import Recording

__all__ = ["CHANNELS", "EXTRA", "TITLE", "read", "sniff"]

TITLE = "Garmin .fit: heart rate, beats, acceleration, skin temperature (a file, or a folder or zip of many)"
CHANNELS = ("acc", "temp", "ibi", "hr")
EXTRA = "fit"

FloatArray = NDArray[np.float64]
_Fields = Mapping[int, Any]

_MAGIC = b".FIT"
_HEAD_BYTES = 12
_MAX_BYTES = 256 << 20
_EPOCH_S = 631_065_600.0  # 1989-12-31, from 1970
_SYSTEM_TIME = 0x10000000  # what is below counts from the device's start
_LOW_16 = 0xFFFF

_RECORD, _MONITORING, _HRV, _BEATS, _RAW_BEATS = 20, 55, 78, 290, 372
_ACC, _CALIBRATION, _SDK_ACC, _SDK_HEART, _SDK_TEMP = 165, 167, 302, 308, 409
_ACTIVITY, _MONITORING_INFO, _TIME_CORRELATION = 34, 103, 162
_LOCAL_TIME = {_ACTIVITY: 5, _MONITORING_INFO: 0, _TIME_CORRELATION: 3}
"""Messages that tell the local time, and the field in which they do."""
_WANTED = {
    *(_RECORD, _MONITORING, _HRV, _BEATS, _RAW_BEATS, _ACC, _CALIBRATION, _SDK_ACC, _SDK_HEART, _SDK_TEMP),
    *_LOCAL_TIME,
}
_TIMESTAMP = 253
_LOW_STAMP = 26
_QUARTER_HOUR_S = 900
_ACCELEROMETER = 0  # a type of sensor
_G_PER_SDK_UNIT = 1 / 1024
_MAX_OFFSET_S = 15 * 3600.0


class _Calibration(NamedTuple):
    """How counts become g: the orientation times (counts - level - offset), times the factor."""

    factor: float
    level: float
    offset: FloatArray
    orientation: FloatArray


class _Packet(NamedTuple):
    """Values that share a time stamp."""

    time_s: float
    values: FloatArray


class _Night:
    """What the messages of a file hold, in their order."""

    def __init__(self) -> None:
        self.heart: list[tuple[float, float]] = []
        self.packets: dict[int, list[_Packet]] = {_HRV: [], _BEATS: [], _RAW_BEATS: []}
        self.acc: list[tuple[FloatArray, FloatArray]] = []
        self.temp: list[tuple[float, float]] = []
        self.offset_s: float | None = None
        self._calibration: _Calibration | None = None
        self._last_s = np.nan  # of any message that is read
        self._last_stamp = 0  # of monitoring

    def take(self, number: int, fields: _Fields) -> None:
        """Take one message."""
        stamp = fields.get(_TIMESTAMP)
        if number in (_MONITORING, _MONITORING_INFO):
            stamp = self._monitoring_stamp(stamp, fields.get(_LOW_STAMP))
        time_s = self._last_s if stamp is None else _unix_s(stamp)
        self._last_s = time_s
        if number in _LOCAL_TIME and stamp is not None:
            self._take_local(stamp, fields.get(_LOCAL_TIME[number]))
        elif number in (_RECORD, _MONITORING):
            bpm = fields.get(3 if number == _RECORD else 27)
            if bpm is not None:
                self.heart.append((time_s, float(bpm)))
        elif number in self.packets:
            values = _floats(fields.get(0 if number == _HRV else 1))
            if values.size:
                self.packets[number].append(_Packet(time_s + (0.0 if number == _HRV else _ms(fields)), values))
        elif number == _CALIBRATION:
            self._calibration = _calibration(fields) or self._calibration
        elif number in (_ACC, _SDK_ACC):
            self._take_acc(number, time_s + _ms(fields), fields)
        else:
            into, field, scale = (self.heart, 2, 1.0) if number == _SDK_HEART else (self.temp, 1, 1e-3)
            values = _floats(fields.get(field)) * scale
            step_s = float(fields.get(0) or 0) / max(1, len(values))
            into.extend((time_s + index * step_s, float(value)) for index, value in enumerate(values))

    def _monitoring_stamp(self, stamp: int | None, low: int | None) -> int | None:
        """Whole stamps are rare in monitoring: most messages have the low 16 bits."""
        if stamp is None and low is not None and self._last_stamp:
            stamp = self._last_stamp + ((low - self._last_stamp) & _LOW_16)
        if stamp is not None:
            self._last_stamp = stamp
        return stamp

    def _take_local(self, stamp: int, local: int | None) -> None:
        if local is not None and abs(local - stamp) <= _MAX_OFFSET_S:
            self.offset_s = float(round((local - stamp) / _QUARTER_HOUR_S) * _QUARTER_HOUR_S)  # as zones differ

    def _take_acc(self, number: int, time_s: float, fields: _Fields) -> None:
        """Acceleration in g with the times of its samples."""
        if number == _SDK_ACC:
            values = _axes(fields, 2) * _G_PER_SDK_UNIT
            offsets_s = np.arange(len(values), dtype=np.float64) * (float(fields.get(1) or 0) / 1e3)
        else:
            values = _axes(fields, 5)
            if not values.size:
                values = _axes(fields, 8) / 1e3
            if not values.size and self._calibration is not None:
                own = self._calibration
                values = (_axes(fields, 2) - own.level - own.offset) @ own.orientation.T * own.factor
            offsets_s = _floats(fields.get(1)) / 1e3
        n = min(len(values), len(offsets_s))
        if n:
            self.acc.append((time_s + offsets_s[:n], values[:n]))


def sniff(source: Source) -> bool:
    """Whether a file begins with a FIT header."""
    return bool(_files(source))


def read(source: Source) -> Recording:
    """Read the heart's and the wrist's signals of Garmin files.

    Parameters
    ----------
    source : Source
        One file, or a folder or zip with any number of days.

    Returns
    -------
    Recording
        ``acc`` in g, ``temp`` in °C, ``ibi`` in s and ``hr`` in bpm, as far as they are there; of many days the last
        night.

    Raises
    ------
    FormatError
        If a file is damaged at its beginning, none holds such a signal, or fitdecode is not installed.
    """
    names = _files(source)
    if not names:
        raise FormatError(source.where, "holds no .fit file", "give the files as the watch or Garmin's export has them")
    fitdecode = library("fitdecode", EXTRA, source.label(names[0]))
    notes: list[str] = []
    offsets_s: list[float] = []
    is_clock = True

    def load(name: str) -> Sequence[Stream]:
        nonlocal is_clock
        where = source.label(name)
        try:
            night, more = _decoded(fitdecode, source, name)
        except FormatError as error:
            if len(names) == 1:
                raise
            notes.append(f"left out: {error}")
            return []
        notes.extend(more)
        streams = list(_streams(night, where, notes))
        if night.offset_s is not None:
            offsets_s.append(night.offset_s)
        is_clock &= all(np.fmin.reduce(stream.times_s) >= _EPOCH_S for stream in streams)
        return streams

    streams, unread = newest(names, load, source.where)
    if not streams:
        problem = "holds no heart rate, beats, acceleration or skin temperature"
        raise FormatError(source.where, problem, "give an activity, a monitoring file or a log of the health SDK")
    zone: tzinfo | None = timezone(timedelta(seconds=offsets_s[0])) if offsets_s else UTC
    return assemble(
        streams,
        where=source.where,
        zone=zone if is_clock else None,
        is_archive=len(names) > 1,
        device="Garmin",
        warnings=[*notes, *unread],
    )


def _files(source: Source) -> list[str]:
    """Those that are called .fit, if the first of them is; else, of any name, those that begin so."""
    named = sorted(name for name, size in source.sizes.items() if size and name.lower().endswith(".fit"))
    if named and _is_fit(source.head(named[0], _HEAD_BYTES)):
        return named
    return source.beginning(_is_fit)


def _is_fit(head: bytes) -> bool:
    return len(head) >= _HEAD_BYTES and head[0] >= _HEAD_BYTES and head[8:12] == _MAGIC


def _decoded(fitdecode: Any, source: Source, name: str) -> tuple[_Night, list[str]]:
    """All of a file that can be decoded."""
    where = source.label(name)
    if source.sizes[name] > _MAX_BYTES:
        problem = f"{source.sizes[name] / 1e6:.0f} MB are more than {_MAX_BYTES >> 20} MiB"
        raise FormatError(where, problem, "give the files of single nights")
    night, count = _Night(), 0
    try:
        with fitdecode.FitReader(
            io.BytesIO(source.read(name)),
            processor=None,
            check_crc=fitdecode.CrcCheck.DISABLED,
            error_handling=fitdecode.ErrorHandling.IGNORE,
        ) as frames:
            for frame in frames:
                if frame.frame_type == fitdecode.FIT_FRAME_DATA:
                    count += 1
                    if frame.global_mesg_num in _WANTED:
                        night.take(frame.global_mesg_num, _fields(frame))
    except FormatError:
        raise
    except Exception as error:  # what is damaged fails in many ways inside the library
        reason = " ".join(str(error).split())[:80] or type(error).__name__
        if not count:
            raise FormatError(where, f"the FIT file is damaged ({reason})", "copy it from the watch again") from error
        return night, [
            f"{PurePath(where).name}: cut short or damaged after {count} messages; read as far as it is whole"
        ]
    return night, []


def _fields(frame: Any) -> dict[int, Any]:
    """Raw values of a message's own fields by number, without those that a developer added; a header's time as well."""
    own = {}
    for field in frame.fields:
        if field.field_def is not None:
            if not field.field_def.is_dev:
                own[field.field_def.def_num] = field.raw_value
        elif field.field is not None and field.field.def_num == _TIMESTAMP:
            own[_TIMESTAMP] = field.raw_value
    return own


def _streams(night: _Night, where: str, notes: list[str]) -> Iterator[Stream]:
    """What a file gives; zeros of a heart rate mean that there is none."""
    for channel, pairs in (("hr", night.heart), ("temp", night.temp)):
        times_s, values = np.array(pairs, dtype=np.float64).reshape(-1, 2).T
        known = np.isfinite(times_s) & (values > 0)
        if known.any():
            yield Stream(channel, times_s[known], values[known], where)
    kind = next((kind for kind in (_BEATS, _RAW_BEATS, _HRV) if night.packets[kind]), None)
    if kind is not None:
        packets = [packet for packet in night.packets[kind] if np.isfinite(packet.time_s)]
        if packets:
            received_s = np.repeat([packet.time_s for packet in packets], [len(packet.values) for packet in packets])
            elapsed_s, intervals_s = _intervals(kind, np.concatenate([packet.values for packet in packets]))
            times_s = beat_times_s(received_s, elapsed_s)
            unsure = int(np.count_nonzero(np.isnan(intervals_s) & (elapsed_s > 0)))
            if unsure:
                notes.append(
                    f"{PurePath(where).name}: {unsure} intervals of low confidence or across gaps taken for none"
                )
            if np.isfinite(intervals_s).any():
                yield Stream("ibi", times_s, intervals_s, where)
    if night.acc:
        times_s = np.concatenate([times_s for times_s, _ in night.acc])
        values = np.concatenate([values for _, values in night.acc])
        known = np.isfinite(times_s)
        if known.any():
            yield Stream("acc", times_s[known], values[known], where)


def _intervals(kind: int, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Seconds that pass with each value, and the intervals, NaN where a value is none."""
    if kind != _RAW_BEATS:
        return values / 1e3, np.where(values > 0, values, np.nan) / 1e3
    # The lower 14 bits are milliseconds, the next says that the watch is sure, the highest that it is a gap.
    words = np.nan_to_num(values).astype(np.int64)
    elapsed_s = (words & 0x3FFF) / 1e3
    sure = (words & 0x4000 != 0) & (words & 0x8000 == 0) & (elapsed_s > 0)
    return elapsed_s, np.where(sure, elapsed_s, np.nan)


def _calibration(fields: _Fields) -> _Calibration | None:
    """Of the accelerometer; None of another sensor, or where it says nothing."""
    factor, divisor = fields.get(1), fields.get(2)
    if fields.get(0) != _ACCELEROMETER or not factor or not divisor:
        return None
    offset, orientation = _floats(fields.get(4)), _floats(fields.get(5)) / 65535
    return _Calibration(
        factor=factor / divisor,
        level=float(fields.get(3) or 0),
        offset=offset if offset.size == 3 else np.zeros(3),
        orientation=orientation.reshape(3, 3) if orientation.size == 9 else np.eye(3),
    )


def _axes(fields: _Fields, first: int) -> FloatArray:
    """Three fields from the first on, as far as all have values: shape (n, 3)."""
    axes = [_floats(fields.get(first + axis)) for axis in range(3)]
    n = min(len(axis) for axis in axes)
    return np.column_stack([axis[:n] for axis in axes])


def _floats(value: Any) -> FloatArray:
    """A field's values, one or many; NaN where invalid, empty where the field is not there or holds none."""
    many = value if isinstance(value, tuple) else () if value is None else (value,)
    values = np.array([np.nan if each is None else each for each in many], dtype=np.float64)
    return values[: np.flatnonzero(np.isfinite(values))[-1] + 1] if np.isfinite(values).any() else values[:0]


def _ms(fields: _Fields) -> float:
    """The part of a message's time that is less than a second."""
    return float(fields.get(0) or 0) / 1e3


def _unix_s(stamp: int) -> float:
    return stamp + _EPOCH_S if stamp >= _SYSTEM_TIME else float(stamp)
