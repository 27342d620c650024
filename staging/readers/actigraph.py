"""ActiGraph ``.gt3x`` files: a zip with ``info.txt`` and records of a second each, or the older stream without times.

Assumptions
-----------
- ``log.bin`` holds records with type, time (whole seconds), size and checksum. Acceleration is in records of type 0
  (12 bits packed, in the order y, x, z) and 26 (16 bits, x, y, z); one record is one second, whatever its samples. A
  record whose checksum is wrong is a gap.
- In idle sleep mode the device stops recording after ten seconds without movement and says so in an event record.
  What it last measured stands for that time, as in the manufacturer's software: else a sleeper would have no night. A
  warning says for how long; an hour at one value is taken for a device that was not worn, as of any other device.
  Other missing seconds stay NaN, and nothing is added behind the last record.
- Without ``log.bin``, ``activity.bin`` (GT3X+ and ActiSleep+ up to firmware 2.5.0, as of NHANES) holds samples of 12
  bits from the start in ``info.txt`` on, without any gap.
- Units are those of the scale that the file states, else of the devices' serial numbers.
- Times are the wall clock of the zone in ``info.txt``; without one they are taken as UTC, with a warning.

References
----------
ActiGraph, "GT3X-File-Format" and "NHANES-GT3X-File-Format" (the manufacturer's descriptions of both).
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from staging.errors import FormatError
from staging.readers.blocks import Layout, gap_notes, in_order, lay_out, left_out
from staging.readers.source import Source, open_source
from staging.readers.timing import MAX_SAMPLES, as_utc
from staging.recording import Recording, Signal

__all__ = ["CHANNELS", "TITLE", "read", "sniff"]

TITLE = "ActiGraph .gt3x, with log.bin or activity.bin"
CHANNELS = ("acc",)

_INFO, _LOG, _STREAM, _CALIBRATION = "info.txt", "log.bin", "activity.bin", "calibration.json"
_SUFFIX = ".gt3x"

_SEPARATOR = 0x1E
_HEAD = struct.Struct("<BBIH")  # separator, type, seconds, bytes of payload
_ACTIVITY, _EVENT, _PARAMETERS, _ACTIVITY2 = 0, 3, 21, 26
_FALLS_ASLEEP = 8
_ACCEL_SCALE = (0, 55)
_MAX_DAMAGES = 100_000

_TICKS_PER_S = 10_000_000
_TICKS_AT_1970 = 621_355_968_000_000_000
_LAST_YEAR_S = 4_102_444_800  # 2100
_ZONE = re.compile(r"([+-]?)(\d{1,2}):([0-5]\d):[0-5]\d")
_RATE_HZ = (1, 1000)
_SCALES = {"NEO": 341.0, "CLE": 341.0, "MRA": 341.0, "MOS": 256.0, "TAS": 256.0}
_SCALE_RANGE = (10.0, 100_000.0)
_PAIR_BYTES = 9  # of two packed samples
_AT_ONCE = 4096


class _Records(NamedTuple):
    """Records whose checksums are right, in the order of the file."""

    payloads: NDArray[np.int64]
    """Places of their payloads."""
    types: NDArray[np.uint8]
    seconds: NDArray[np.int64]
    sizes: NDArray[np.int64]


def sniff(source: Source) -> bool:
    """Whether it is a .gt3x, or a folder with one."""
    return bool(_parts(source)) or bool(_packed(source))


def read(source: Source) -> Recording:
    """Read an ActiGraph file.

    Parameters
    ----------
    source : Source
        The ``.gt3x``, or a folder that holds no other.

    Returns
    -------
    Recording
        ``acc`` in g; NaN where seconds are missing.

    Raises
    ------
    FormatError
        If it holds no acceleration, its rate or scale is not known, or it is damaged throughout.
    """
    where = source.where
    if not _parts(source):
        packed = source.local(source.only(_packed(source), _SUFFIX))
        if packed is None:
            raise FormatError(where, "the .gt3x is packed into another zip", "unpack it and give the .gt3x")
        source = open_source(packed)
    parts = _parts(source)
    if not parts:
        raise FormatError(source.where, "holds no info.txt with log.bin or activity.bin", "give a .gt3x with raw data")
    info = _info(source.read(parts[_INFO]))
    rate_hz = _number(info, "Sample Rate", _RATE_HZ, source.where)
    notes = _uncalibrated(source, parts)
    if _LOG in parts:
        clock, acc, more = _from_log(source.read(parts[_LOG]), info, rate_hz, source.label(parts[_LOG]))
        notes += more
    else:
        clock = _ticks(info, "Start Date", source.where)
        acc = _from_stream(source.read(parts[_STREAM]), _scale(info, None, source.where), rate_hz, source.where)
    zone = _zone(info)
    if zone is None:
        start, note = as_utc(clock)
        notes.append(note)
    return Recording(
        start=start if zone is None else clock.replace(tzinfo=zone),
        wall_clock=zone is None,
        acc=acc,
        device=f"ActiGraph {info.get('Device Type', '')}".strip(),
        subject=info.get("Subject Name", ""),
        source=where,
        warnings=tuple(notes),
    )


def _parts(source: Source) -> dict[str, str]:
    """The files of a .gt3x that is open, by their names; empty where it is none."""
    found = source.pick([_INFO, _LOG, _STREAM, _CALIBRATION])
    return found if _INFO in found and (_LOG in found or _STREAM in found) else {}


def _packed(source: Source) -> list[str]:
    return [name for name in source.sizes if name.lower().endswith(_SUFFIX) and not source.is_file]


def _info(content: bytes) -> dict[str, str]:
    fields = (line.partition(":") for line in content.decode("utf-8-sig", errors="replace").splitlines())
    return {key.strip(): value.strip() for key, mark, value in fields if mark}


def _number(info: Mapping[str, str], key: str, limits: tuple[float, float], where: str) -> float:
    try:
        number = float(info[key])
    except (KeyError, ValueError):
        number = float("nan")
    if not limits[0] <= number <= limits[1]:
        raise FormatError(where, f"its info.txt states the {key.lower()} {info.get(key, 'nowhere')}", "export it again")
    return number


def _ticks(info: Mapping[str, str], key: str, where: str) -> datetime:
    """A time in units of 100 ns from the year 1, on the device's wall clock."""
    lowest, highest = _TICKS_AT_1970, _TICKS_AT_1970 + _LAST_YEAR_S * _TICKS_PER_S
    seconds = (_number(info, key, (lowest, highest), where) - _TICKS_AT_1970) / _TICKS_PER_S
    return datetime.fromtimestamp(round(seconds, 3), UTC).replace(tzinfo=None)


def _zone(info: Mapping[str, str]) -> timezone | None:
    found = _ZONE.fullmatch(info.get("TimeZone", ""))
    if found is None or int(found[2]) >= 24:
        return None
    size = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return timezone(-size if found[1] == "-" else size)


def _uncalibrated(source: Source, parts: Mapping[str, str]) -> list[str]:
    if _CALIBRATION not in parts:
        return []
    try:
        stated = json.loads(source.read(parts[_CALIBRATION]))
    except (ValueError, RecursionError):
        stated = None
    if isinstance(stated, dict) and stated.get("isCalibrated") is False:
        return [f"{_CALIBRATION} says that the values are not calibrated; they are read as they are"]
    return []


def _scale(info: Mapping[str, str], parameters: bytes | None, where: str) -> float:
    """Units in one g: as the device's own parameters, the info or else the serial number tell."""
    scale = None if parameters is None else _parameter(parameters, _ACCEL_SCALE)
    if scale is None and "Acceleration Scale" in info:
        return _number(info, "Acceleration Scale", _SCALE_RANGE, where)
    if scale is None:
        serial = info.get("Serial Number", "")
        scale = _SCALES.get(serial[:3].upper())
        if scale is None:
            problem = f"neither a scale nor a known serial number ({serial or 'none'}) tells the unit"
            raise FormatError(where, problem, "export it again with the manufacturer's software")
    if not _SCALE_RANGE[0] <= scale <= _SCALE_RANGE[1]:
        raise FormatError(where, f"states a scale of {scale:g} units in one g", "export it again")
    return scale


def _parameter(payload: bytes, wanted: tuple[int, int]) -> float | None:
    """A number of the parameters: key and value of 8 bytes; 24 bits of fraction, 8 of exponent, both signed."""
    for space, name, value in struct.iter_unpack("<HHI", payload[: len(payload) // 8 * 8]):
        if (space, name) == wanted:
            fraction, exponent = (value & 0xFFFFFF ^ 0x800000) - 0x800000, (value >> 24 ^ 0x80) - 0x80
            return float(fraction / 2**23 * 2.0**exponent)
    return None


def _from_log(log: bytes, info: Mapping[str, str], rate_hz: float, where: str) -> tuple[datetime, Signal, list[str]]:
    records, damaged = _records(log, where)
    notes = ["damaged records left out"] if damaged else []
    settings = np.flatnonzero(records.types == _PARAMETERS)
    parameters = None
    if settings.size:
        begin = int(records.payloads[settings[0]])
        parameters = log[begin : begin + int(records.sizes[settings[0]])]
    scale = _scale(info, parameters, where)

    packed = records.types == _ACTIVITY
    counts = np.where(packed, records.sizes * 2 // _PAIR_BYTES, records.sizes // 6)
    held = np.flatnonzero((packed | (records.types == _ACTIVITY2)) & (counts > 0))  # one byte: plugged in
    if not held.size:
        raise FormatError(where, "holds no acceleration", "export raw data, or give another file")
    begins_s = (records.seconds[held] - records.seconds[held[0]]).astype(np.float64)
    kept = in_order(begins_s, where)
    notes += left_out(int(np.count_nonzero(~kept)), "second", "back in time, or twice")
    held, begins_s = held[kept], begins_s[kept]
    layout = lay_out(begins_s, counts[held], rate_hz, rate_error=0.0, where=where, measure=False)

    grid = layout.empty()
    values = np.frombuffer(log, np.uint8)
    kinds = records.sizes[held] * 2 + packed[held]
    for kind in np.unique(kinds):
        alike = np.flatnonzero(kinds == kind)
        for begin in range(0, len(alike), _AT_ONCE):
            part = alike[begin : begin + _AT_ONCE]
            payload = values[records.payloads[held[part], None] + np.arange(kind // 2)]
            layout.put(grid, part, _packed_units(payload) if kind % 2 else _units(payload))
    grid /= np.float32(scale)
    asleep = _asleep(layout, records, log, float(records.seconds[held[0]]))
    gaps = layout.gaps()
    for begin, end in gaps[asleep]:
        grid[begin:end] = grid[begin - 1]
    if asleep.any():
        minutes = float(np.sum(gaps[asleep, 1] - gaps[asleep, 0])) / rate_hz / 60
        times = f"{np.count_nonzero(asleep)} times" if np.count_nonzero(asleep) > 1 else "once"
        notes.append(f"the device was in idle sleep mode {times}, {minutes:.1f} min in all: taken for still")
    notes += gap_notes(gaps[~asleep], rate_hz, where)
    start = datetime.fromtimestamp(int(records.seconds[held[0]]), UTC).replace(tzinfo=None)
    return start, Signal(samples=grid, rate_hz=rate_hz, unit="g"), notes


def _records(log: bytes, where: str) -> tuple[_Records, bool]:
    """The records whose checksums are right, and whether there was anything else."""
    starts: list[int] = []
    damages, at, last = 0, 0, len(log) - _HEAD.size - 1
    while 0 <= (at := log.find(_SEPARATOR, at)) <= last:
        end = at + _HEAD.size + _HEAD.unpack_from(log, at)[3] + 1
        if end == len(log) or (end < len(log) and log[end] in (_SEPARATOR, 0)):
            starts.append(at)
            at = end
        else:  # a byte of a payload, or a damaged size: the next record is further on
            damages += 1
            at += 1
            if damages > _MAX_DAMAGES:
                raise FormatError(where, "is damaged throughout", "copy the file from the device again")
    if not starts:
        raise FormatError(where, "holds no record", "copy the file from the device again")
    values = np.frombuffer(log, np.uint8)
    begins = np.array(starts, dtype=np.int64)
    heads = np.ascontiguousarray(values[begins[:, None] + np.arange(_HEAD.size)])
    types, seconds = heads[:, 1], np.ascontiguousarray(heads[:, 2:6]).view("<u4")[:, 0].astype(np.int64)
    sizes = np.ascontiguousarray(heads[:, 6:8]).view("<u2")[:, 0].astype(np.int64)
    checksums = begins + _HEAD.size + sizes
    sums = np.bitwise_xor.reduceat(values, np.column_stack([begins, checksums]).ravel())[::2]
    good = sums ^ values[checksums] == 0xFF
    found = _Records(begins[good] + _HEAD.size, types[good], seconds[good], sizes[good])
    return found, damages > 0 or not good.all()


def _asleep(layout: Layout, records: _Records, log: bytes, zero_s: float) -> NDArray[np.bool_]:
    """Which gaps began with the device's word that it goes into idle sleep mode."""
    events = np.flatnonzero((records.types == _EVENT) & (records.sizes == 1))
    falls = [i for i in events.tolist() if log[int(records.payloads[i])] == _FALLS_ASLEEP]
    falls_s = np.sort(records.seconds[falls]) - zero_s
    gaps_s = layout.gaps() / layout.rate_hz
    # The event may stand in the last second that was recorded.
    next_one = np.searchsorted(falls_s, gaps_s[:, 0] - 1)
    return np.append(falls_s, np.inf)[next_one] <= gaps_s[:, 1]


def _from_stream(stream: bytes, scale: float, rate_hz: float, where: str) -> Signal:
    """Packed samples without times."""
    count = len(stream) * 2 // _PAIR_BYTES
    if not count:
        raise FormatError(where, "holds no acceleration", "export raw data, or give another file")
    if count > MAX_SAMPLES:
        raise FormatError(
            where, f"{count / rate_hz / 86400:.0f} days are too much for one recording", "give fewer days"
        )
    grid = np.empty((count, 3), dtype=np.float32)
    step = _AT_ONCE * _PAIR_BYTES
    for begin in range(0, len(stream), step):
        piece = np.frombuffer(stream[begin : begin + step], np.uint8)
        samples = _packed_units(piece[None])[0]
        first = begin * 2 // _PAIR_BYTES
        grid[first : first + len(samples)] = samples[: count - first]
    grid /= np.float32(scale)
    return Signal(samples=grid, rate_hz=rate_hz, unit="g")


def _units(payload: NDArray[np.uint8]) -> NDArray[np.float32]:
    """16 bits an axis, payloads ``(n, bytes)`` -> float32 ``(n, samples, 3)`` in the device's units."""
    whole = payload.shape[1] // 6 * 6
    return np.ascontiguousarray(payload[:, :whole]).view("<i2").reshape(len(payload), -1, 3).astype(np.float32)


def _packed_units(payload: NDArray[np.uint8]) -> NDArray[np.float32]:
    """12 bits an axis in the order y, x, z, from the highest bit on."""
    count = payload.shape[1] * 2 // _PAIR_BYTES
    pairs = -(-count // 2)
    whole = np.zeros((len(payload), pairs * _PAIR_BYTES), dtype=np.int16)
    whole[:, : payload.shape[1]] = payload[:, : whole.shape[1]]
    threes = whole.reshape(len(payload), -1, 3)
    values = np.empty((*threes.shape[:2], 2), dtype=np.int16)
    values[..., 0] = threes[..., 0] << 4 | threes[..., 1] >> 4
    values[..., 1] = (threes[..., 1] & 0x0F) << 8 | threes[..., 2]
    signed = (values << 4) >> 4
    return signed.reshape(len(payload), -1, 3)[:, :count, [1, 0, 2]].astype(np.float32)
