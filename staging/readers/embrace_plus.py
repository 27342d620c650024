"""Empatica EmbracePlus: the Avro files of raw data, 15 or 30 minutes each, of one participant joined.

Assumptions
-----------
- The published layout: ``rawData`` with ``accelerometer`` (counts, and the range or factor to g), ``bvp``,
  ``temperature`` (a start in microseconds, a rate, values) and ``systolicPeaks`` (times in nanoseconds); ``timezone``
  is seconds from UTC. Times are UTC.
- A file states the rate that it was sampled at, a little different from the next file's. The grid has the middle one
  of them; each file stands from its own start on, and samples are given twice or left out where rates differ.
- Files less than a quarter of a second apart follow each other without a gap. Of files that overlap the later is cut.
- The time between two systolic peaks is an interval between beats if it can be one; otherwise it is none.
- Of the files of several participants those of one are read: the one with the most.
- Blocks may be packed with deflate or not at all, as Empatica's are.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from staging.errors import FormatError, StagingError
from staging.readers.extras import library
from staging.readers.source import Source
from staging.readers.timing import MAX_SPAN_S, is_too_empty, zone_of
from staging.recording import Events, Recording, Signal

__all__ = ["CHANNELS", "EXTRA", "TITLE", "read", "sniff"]

TITLE = "Empatica EmbracePlus raw data: .avro files of one participant (a folder, zip or single file)"
CHANNELS = ("acc", "ppg", "temp", "ibi")
EXTRA = "embrace"

FloatArray = NDArray[np.float32]

_MAGIC = b"Obj\x01"
_MARK = b"rawData"
_HEAD_BYTES = 1 << 14
_MAX_UNPACKED = 32 << 20  # half an hour is 4 MB
_SYNC = 16
_EMPTY_TYPES = ("null",)
_JOINED_S = 0.25
_BEAT_S = (0.24, 3.0)
_UNIX_S = (1e9, 1e10)
_RATE_HZ = (0.01, 1e4)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WRONG = (TypeError, KeyError, IndexError, ValueError, AttributeError, OverflowError, ZeroDivisionError)


class _Part(NamedTuple):
    """A channel's samples in one file."""

    begin_s: float
    rate_hz: float
    values: FloatArray


class _File(NamedTuple):
    participant: str
    device: str
    offset_s: float
    parts: dict[str, _Part]
    peaks_s: NDArray[np.float64]


def sniff(source: Source) -> bool:
    """Whether a file begins as Avro does and its schema has the sensors."""
    return bool(_files(source))


def read(source: Source) -> Recording:
    """Read the Avro files of an EmbracePlus.

    Parameters
    ----------
    source : Source
        One file, or a folder or zip with any number of one participant's.

    Returns
    -------
    Recording
        ``acc`` in g, ``ppg`` in a.u., ``temp`` in °C and ``ibi`` in s, as far as they are there; gaps between files
        are NaN.

    Raises
    ------
    FormatError
        If no file can be read, none has a sensor, their times are impossible, or fastavro is not installed.
    """
    names = _files(source)
    if not names:
        raise FormatError(source.where, "holds no EmbracePlus file", "give the folder with its .avro files")
    fastavro = library("fastavro", EXTRA, source.where)
    files: list[_File] = []
    notes: list[str] = []
    damaged: list[FormatError] = []
    for name in names:
        try:
            files.append(_decoded(fastavro, source, name))
        except FormatError as error:
            damaged.append(error)
    if not files:
        raise damaged[0]
    if damaged:
        notes.append(f"{len(damaged)} of {len(names)} files left out, the first: {damaged[0]}")
    files, more = _of_one(files)
    notes += [*more, *source.left_beside(source.siblings("*.avro"))]
    begins_s = [part.begin_s for file in files for part in file.parts.values()]
    begins_s += [float(file.peaks_s[0]) for file in files if file.peaks_s.size]
    if not begins_s:
        raise FormatError(source.where, "its files hold no samples", "give files of a worn device")
    if max(begins_s) - min(begins_s) > MAX_SPAN_S:
        days = (max(begins_s) - min(begins_s)) / 86400
        raise FormatError(source.where, f"its files begin {days:.0f} days apart", "give those of one recording")
    zero_s = float(np.floor(min(begins_s)))
    found: dict[str, Any] = {}
    for channel, unit in (("acc", "g"), ("ppg", "a.u."), ("temp", "degC")):
        parts = [file.parts.pop(channel) for file in files if channel in file.parts]
        if parts:
            found[channel], more = _joined(parts, zero_s, unit, f"{source.where}: {channel}")
            notes += more
    beats = _beats([file.peaks_s for file in files], zero_s)
    if beats is not None:
        found["ibi"] = beats
    return Recording(
        start=(_EPOCH + timedelta(seconds=zero_s)).astimezone(zone_of(files[0].offset_s)),
        device="Empatica EmbracePlus" + (f" {files[0].device}" if files[0].device else ""),
        subject=files[0].participant,
        source=source.where,
        warnings=tuple(notes),
        **found,
    )


def _files(source: Source) -> list[str]:
    """The Avro files in the order of their names, if the schema at the beginning of the first is of such a device."""
    names = sorted(name for name, size in source.sizes.items() if size and (source.is_file or name.endswith(".avro")))
    head = source.head(names[0], _HEAD_BYTES) if names else b""
    return names if head.startswith(_MAGIC) and _MARK in head else []


def _decoded(fastavro: Any, source: Source, name: str) -> _File:
    where = source.label(name)
    try:
        (record,) = _records(fastavro, source.read(name), where)
        raw = record["rawData"]
        parts = {
            channel: part
            for channel, part in (
                ("acc", _acceleration(raw.get("accelerometer") or {}, where)),
                ("ppg", _values(raw.get("bvp") or {}, where)),
                ("temp", _values(raw.get("temperature") or {}, where)),
            )
            if part is not None
        }
        peaks_s = np.array((raw.get("systolicPeaks") or {}).get("peaksTimeNanos") or [], dtype=np.float64) / 1e9
        return _File(
            participant=str((record.get("enrollment") or {}).get("participantID") or ""),
            device=str(record.get("deviceSn") or ""),
            offset_s=float(record.get("timezone") or 0),
            parts=parts,
            peaks_s=peaks_s[(peaks_s >= _UNIX_S[0]) & (peaks_s < _UNIX_S[1])],
        )
    except StagingError:
        raise
    except _WRONG as error:
        reason = " ".join(str(error).split())[:80]
        raise FormatError(where, f"is no raw data of an EmbracePlus ({reason})", "download it again") from error


def _records(fastavro: Any, content: bytes, where: str) -> list[Mapping[str, Any]]:
    """The records of an Avro file, unpacked no further than such a file can be large.

    The library unpacks a block whatever its size: blocks are found and unpacked here, records decoded there.
    """
    file = io.BytesIO(content)
    try:
        header = fastavro.reader(file)
        schema, codec = header.writer_schema, header.metadata.get("avro.codec", "null")
        _refuse_endless(schema)
        records = []
        for count, block in _blocks(file, codec, where):
            data = io.BytesIO(block)
            records += [fastavro.schemaless_reader(data, schema, None) for _ in range(min(count, len(block)))]
    except FormatError:
        raise
    except Exception as error:  # what is damaged fails in many ways inside the library
        reason = " ".join(str(error).split())[:80] or type(error).__name__
        raise FormatError(where, f"the Avro file is damaged ({reason})", "download it again") from error
    if len(records) != 1:
        raise FormatError(where, f"holds {len(records)} records, not one", "download it again")
    return records


def _blocks(file: io.BytesIO, codec: str, where: str) -> Iterator[tuple[int, bytes]]:
    """Number of records and unpacked bytes of each block."""
    if codec not in ("null", "deflate"):
        raise FormatError(where, f"is packed with {codec}", "download it as Empatica packs it")
    left = _MAX_UNPACKED
    while file.tell() < len(file.getbuffer()):
        count, size = _long(file), _long(file)
        block = file.read(size)
        if count < 0 or size < 0 or len(block) < size or len(file.read(_SYNC)) < _SYNC:
            raise FormatError(where, "the Avro file is cut short", "download it again")
        if codec == "deflate":
            block = zlib.decompressobj(-15).decompress(block, left + 1)
        left -= len(block)
        if left < 0:
            raise FormatError(where, f"unpacks to more than {_MAX_UNPACKED >> 20} MiB", "no raw data of 15 min does")
        yield count, block


def _long(file: io.BytesIO) -> int:
    """A number as Avro writes it: seven bits a byte, the lowest first, signs folded in."""
    value, shift = 0, 0
    while shift < 64:
        (byte,) = file.read(1) or (0,)
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            break
        shift += 7
    return (value >> 1) ^ -(value & 1)


def _refuse_endless(schema: Any, around: tuple[str, ...] = ()) -> None:
    """Items that take no bytes could be declared without end, and a record within itself ends the whole process."""
    if isinstance(schema, list):
        for each in schema:
            _refuse_endless(each, around)
    elif isinstance(schema, str):
        if schema in around:
            raise ValueError(f"{schema} within itself")
    elif isinstance(schema, dict):
        items = schema.get("items", schema.get("values"))
        is_empty = items in _EMPTY_TYPES or (
            isinstance(items, dict) and (items.get("type") in _EMPTY_TYPES or not items.get("fields", True))
        )
        if is_empty or schema.get("size") == 0:
            raise ValueError("a list of nothing")
        within = (*around, schema["name"]) if "name" in schema else around
        for each in (items, schema.get("type"), *(field["type"] for field in schema.get("fields", ()))):
            _refuse_endless(each, within)


def _acceleration(raw: Mapping[str, Any], where: str) -> _Part | None:
    if not raw.get("x"):
        return None
    counts = np.column_stack([np.array(raw[axis], dtype=np.float32) for axis in "xyz"])
    span = raw["imuParams"]
    factor = span.get("conversionFactor")  # since version 6.5 of the schema
    if not factor:
        factor = (span["physicalMax"] - span["physicalMin"]) / (span["digitalMax"] - span["digitalMin"])
    return _part(raw, counts * np.float32(factor), where)


def _values(raw: Mapping[str, Any], where: str) -> _Part | None:
    return _part(raw, np.array(raw["values"], dtype=np.float32), where) if raw.get("values") else None


def _part(raw: Mapping[str, Any], values: FloatArray, where: str) -> _Part:
    begin_s, rate_hz = raw["timestampStart"] / 1e6, float(raw["samplingFrequency"])
    if not _UNIX_S[0] <= begin_s < _UNIX_S[1] or not _RATE_HZ[0] <= rate_hz <= _RATE_HZ[1]:
        problem = f"begins at {begin_s:.6g} Unix seconds at {rate_hz:g} Hz"
        raise FormatError(where, problem, "download it again")
    return _Part(begin_s, rate_hz, values)


def _of_one(files: Sequence[_File]) -> tuple[list[_File], list[str]]:
    """The files of one participant, and a warning about the others."""
    participants = [file.participant for file in files]
    chosen = max(sorted(set(participants)), key=participants.count)
    others = sorted(set(participants) - {chosen})
    notes = [f"files of {chosen or 'no one'} are read; left out: {', '.join(others)}"] if others else []
    return [file for file in files if file.participant == chosen], notes


def _joined(parts: Sequence[_Part], zero_s: float, unit: str, where: str) -> tuple[Signal, list[str]]:
    """Files on one grid, each from its own start on."""
    ordered = sorted(parts, key=lambda part: part.begin_s)
    rate_hz = float(np.median([part.rate_hz for part in ordered]))
    begins_s = np.array([part.begin_s for part in ordered])
    lengths_s = np.array([len(part.values) / part.rate_hz for part in ordered])
    first = np.rint((begins_s - begins_s[0]) * rate_hz).astype(np.int64)
    last = first + np.maximum(1, np.rint(lengths_s * rate_hz).astype(np.int64))
    n_samples = int(last.max())
    if is_too_empty(n_samples, sum(len(part.values) for part in ordered)):
        problem = f"{n_samples / rate_hz / 86400:.0f} days at {rate_hz:g} Hz are too much for one recording"
        raise FormatError(where, problem, "give fewer days")
    ends = np.maximum.accumulate(last)
    near = (first[1:] > ends[:-1]) & (first[1:] - ends[:-1] <= _JOINED_S * rate_hz)
    last[:-1][near] = first[1:][near]
    samples = np.full((n_samples, *ordered[0].values.shape[1:]), np.nan, dtype=np.float32)
    filled = lost = 0
    for part, begin, end in zip(ordered, first.tolist(), last.tolist(), strict=True):
        lost += max(0, begin - filled)
        places = np.arange(max(begin, filled), end)
        samples[places] = part.values[((places - begin) * 2 + 1) * len(part.values) // (2 * (end - begin))]
        filled = max(filled, end)
    notes = [f"{where.rpartition(': ')[2]}: {lost / rate_hz:.1f} s missing between files"] if lost else []
    start_s = round(float(begins_s[0]) - zero_s, 6)
    return Signal(samples=samples, rate_hz=rate_hz, unit=unit, start_s=start_s), notes


def _beats(peaks_s: Sequence[NDArray[np.float64]], zero_s: float) -> Events | None:
    """Intervals at the peaks that end them."""
    peaks = np.unique(np.concatenate(peaks_s))
    intervals_s = np.diff(peaks)
    real = (intervals_s >= _BEAT_S[0]) & (intervals_s <= _BEAT_S[1])
    if not real.any():
        return None
    return Events(times_s=peaks[1:][real] - zero_s, values=intervals_s[real], unit="s")
