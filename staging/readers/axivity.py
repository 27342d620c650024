"""Axivity ``.cwa`` files of AX3 and AX6: blocks of 512 bytes, each with its own stamp and checksum.

Assumptions
-----------
- Acceleration is in the units that the manufacturer states (1/256 g in packed blocks, the block's own scale in the
  others); nothing is re-calibrated. The gyroscope of an AX6 and the light are not read.
- A block whose checksum is wrong, or that has no time, is a gap; so are blocks of other settings than most, and those
  that go back in time. All are counted in a warning.
- The sensor's clock runs up to some percent beside the rate that is stated, and not evenly: the rate is measured from
  the stamps, and samples stand where the stamps put them (see `staging.readers.blocks`).
- The device knows no time zone: its clock is taken as UTC, with a warning, until `Recording.in_zone` (``--timezone``)
  says in which zone it was set. It runs on where that zone's clocks change.
- Its temperature is that of the case, once a block; the channel gives it once a second.

References
----------
Open Movement, "AX Device Technical Documentation" and ``cwa.h`` (structure of the file), "AX3/AX6 Data" (temperature).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import IO, NamedTuple
from urllib.parse import parse_qs

import numpy as np
from numpy.typing import NDArray

from staging.errors import FormatError
from staging.readers.blocks import gap_notes, in_order, lay_out, left_out
from staging.readers.source import Source
from staging.readers.timing import as_utc
from staging.recording import Recording, Signal

__all__ = ["BLOCK", "CHANNELS", "TITLE", "read", "sniff"]

TITLE = "Axivity AX3 and AX6 .cwa (or a folder or zip with one)"
CHANNELS = ("acc", "temp")

BLOCK = np.dtype(
    [
        ("mark", "<u2"),
        ("length", "<u2"),
        ("fraction", "<u2"),
        ("session", "<u4"),
        ("sequence", "<u4"),
        ("stamp", "<u4"),
        ("light_and_scale", "<u2"),
        ("temperature", "<u2"),
        ("events", "u1"),
        ("battery", "u1"),
        ("rate_code", "u1"),
        ("axes_and_packing", "u1"),
        ("offset", "<i2"),
        ("count", "<u2"),
        ("samples", "V480"),
        ("checksum", "<u2"),
    ]
)
"""A data block, as published."""

_HEAD = np.dtype([(name, BLOCK[name]) for name in BLOCK.names or () if name != "samples"])
"""What is kept of every block until its place is known."""

_MAGIC = b"MD\xfc\x03"
_HEADER_BYTES = 1024
_MARK, _LENGTH = 0x5841, 508
_UNWRITTEN = (0x0000, 0xFFFF)
_AX6 = 0x64

_BLOCKS_AT_ONCE = 4096
_SAMPLE_BYTES = 480
_PACKED, _UNPACKED = 0, 2
_PACKED_G = 1 / 256
_STATED_HZ = (6.25, 3200.0)
_RATE_ERROR = 0.05  # share by which sensors were seen, and are allowed, to miss the rate that is stated
_US_PER_S = 1_000_000


class _Blocks(NamedTuple):
    """What the heads of the good blocks say."""

    sector: NDArray[np.int64]
    """Place in the file, in blocks from the end of the header."""
    begins_s: NDArray[np.float64]
    """Time of the first sample on the device's clock, from the first block's whole second."""
    counts: NDArray[np.int64]
    temperatures_c: NDArray[np.float64]
    zero: datetime
    rate_hz: float
    packing: int
    axes: int


def sniff(source: Source) -> bool:
    """Whether a file begins as a .cwa does."""
    return bool(source.beginning(_is_cwa))


def read(source: Source) -> Recording:
    """Read an Axivity file.

    Parameters
    ----------
    source : Source
        The file, or a folder or zip that holds no other of its kind.

    Returns
    -------
    Recording
        ``acc`` in g and ``temp`` in °C; NaN where blocks are damaged or missing.

    Raises
    ------
    FormatError
        If no block can be read, or the blocks contradict each other.
    """
    name = source.only(source.beginning(_is_cwa), "Axivity .cwa")
    where = source.label(name)
    with source.open(name) as file:
        header = file.read(_HEADER_BYTES)
        blocks, notes = _heads(file, where)
    layout = lay_out(blocks.begins_s, blocks.counts, blocks.rate_hz, rate_error=_RATE_ERROR, where=where)
    grid = layout.empty()
    with source.open(name) as file:
        file.read(_HEADER_BYTES)
        done = 0
        for begin, sectors in _sectors(file):
            last = int(np.searchsorted(blocks.sector, begin + len(sectors)))
            if last > done:
                wanted = sectors[blocks.sector[done:last] - begin]
                layout.put(grid, slice(done, last), _samples_g(wanted, blocks.packing, blocks.axes))
            done = last
    start, note = as_utc(blocks.zero + timedelta(seconds=layout.start_s))
    return Recording(
        start=start,
        wall_clock=True,
        acc=Signal(samples=grid, rate_hz=layout.rate_hz, unit="g"),
        temp=Signal(samples=layout.each_second(blocks.temperatures_c), rate_hz=1.0, unit="degC"),
        device="Axivity AX6" if header[4] == _AX6 else "Axivity AX3",
        subject=_annotations(header).get("_sc", ""),
        source=source.where,
        warnings=(*notes, *gap_notes(layout.gaps(), layout.rate_hz, where), note),
    )


def _is_cwa(head: bytes) -> bool:
    return head.startswith(_MAGIC)


def _sectors(file: IO[bytes]) -> Iterator[tuple[int, NDArray[np.void]]]:
    """The whole blocks behind the header, some at a time, with the place of the first."""
    begin = 0
    while piece := file.read(_BLOCKS_AT_ONCE * BLOCK.itemsize):
        whole = len(piece) // BLOCK.itemsize
        if whole:
            yield begin, np.frombuffer(piece, BLOCK, count=whole)
        begin += whole


def _heads(file: IO[bytes], where: str) -> tuple[_Blocks, list[str]]:
    """Heads of the blocks that can be read, in order of time, and what was left out."""
    found: list[NDArray[np.void]] = []
    places: list[NDArray[np.int64]] = []
    written = 0
    for begin, sectors in _sectors(file):
        words = sectors.view("<u2").reshape(len(sectors), -1)
        whole = (sectors["mark"] == _MARK) & (sectors["length"] == _LENGTH) & (sectors["count"] > 0)
        whole &= words.sum(axis=1, dtype=np.uint16) == 0
        written += int(np.count_nonzero(whole | ~np.isin(sectors["mark"], _UNWRITTEN)))
        whole[whole] &= np.isfinite(_clock_s(sectors["stamp"][whole]))
        heads = np.empty(np.count_nonzero(whole), _HEAD)
        for field in _HEAD.names or ():
            heads[field] = sectors[field][whole]
        found.append(heads)
        places.append(begin + np.flatnonzero(whole))
    heads = np.concatenate(found) if found else np.empty(0, _HEAD)
    sector = np.concatenate(places) if places else np.empty(0, np.int64)
    if not len(heads):
        raise FormatError(where, "holds no block that can be read", "copy the file from the device again")
    notes = left_out(written - len(heads), "block", "damaged")

    settings = heads["rate_code"].astype(np.int64) * 256 + heads["axes_and_packing"]
    known, number = np.unique(settings, return_counts=True)
    usual = settings == known[number.argmax()]
    notes += left_out(int(np.count_nonzero(~usual)), "block", "of other settings than most")
    heads, sector = heads[usual], sector[usual]
    rate_hz, packing, axes, capacity = _settings(heads[0], where)

    clock_s = _clock_s(heads["stamp"])
    fraction = np.where(heads["fraction"] & 0x8000, heads["fraction"] & 0x7FFF, 0).astype(np.int64)
    # The offset is that of the whole second's sample, at the stated rate; the fraction's sample is later by so many.
    stamped = heads["offset"] + np.floor(fraction * rate_hz / 32768)
    begins_s = clock_s - clock_s[0] + fraction / 32768 - stamped / rate_hz
    kept = in_order(begins_s, where)
    notes += left_out(int(np.count_nonzero(~kept)), "block", "back in time")
    raw = (heads["temperature"][kept] & 0x3FF).astype(np.float64)
    blocks = _Blocks(
        sector=sector[kept],
        begins_s=begins_s[kept],
        counts=np.minimum(heads["count"][kept], capacity).astype(np.int64),
        temperatures_c=np.where(raw > 0, raw * 75 / 256 - 50, np.nan),
        zero=datetime.fromtimestamp(float(clock_s[0]), UTC).replace(tzinfo=None),
        rate_hz=rate_hz,
        packing=packing,
        axes=axes,
    )
    return blocks, notes


def _settings(head: np.void, where: str) -> tuple[float, int, int, int]:
    """Rate in Hz, packing, axes, and the samples that a full block holds."""
    rate_hz = 3200 / 2.0 ** (15 - (int(head["rate_code"]) & 0x0F))
    axes, packing = divmod(int(head["axes_and_packing"]), 16)
    known = (packing == _PACKED and axes == 3) or (packing == _UNPACKED and axes in (3, 6, 9))
    if not known or not _STATED_HZ[0] <= rate_hz <= _STATED_HZ[1]:
        problem = f"{axes} axes in packing {packing} at {rate_hz:g} Hz are not known"
        raise FormatError(where, problem, "convert the file with the manufacturer's software")
    return rate_hz, packing, axes, _SAMPLE_BYTES // (4 if packing == _PACKED else 2 * axes)


def _clock_s(stamps: NDArray[np.uint32]) -> NDArray[np.float64]:
    """Seconds from 1970 on the device's clock; NaN where there is no such time.

    From the highest bit: year from 2000 (6 bits), month (4), day (5), hour (5), minute (6), second (6).
    """
    packed = stamps.astype(np.int64)
    month, day, hour = packed >> 22 & 15, packed >> 17 & 31, packed >> 12 & 31
    minute, second = packed >> 6 & 63, packed & 63
    good = (month >= 1) & (month <= 12) & (day >= 1) & (hour < 24) & (minute < 60) & (second < 60)
    months = ((packed >> 26) + 30) * 12 + np.where(good, month - 1, 0)
    days = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) + day - 1
    return np.where(good, ((days * 24 + hour) * 60 + minute) * 60.0 + second, np.nan)


def _samples_g(blocks: NDArray[np.void], packing: int, axes: int) -> NDArray[np.float32]:
    """Acceleration, float32 ``(blocks, samples of a full block, 3)``."""
    raw = np.ascontiguousarray(blocks["samples"])
    if packing == _PACKED:
        words = raw.view("<u4").reshape(len(blocks), -1)
        exponent = words >> np.uint32(30)
        values = np.empty((*words.shape, 3), dtype=np.float32)
        for axis in range(3):  # 10 bits each from the lowest; shifting to the top and back extends the sign
            signed = (words << np.uint32(22 - 10 * axis)).view(np.int32) >> 22
            values[..., axis] = signed << exponent.view(np.int32)
        values *= np.float32(_PACKED_G)
        return values
    numbers = raw.view("<i2").reshape(len(blocks), -1)
    samples = numbers[:, : numbers.shape[1] // axes * axes].reshape(len(blocks), -1, axes)
    first = 0 if axes == 3 else 3  # the gyroscope comes before
    unit_g = np.exp2(-8.0 - (blocks["light_and_scale"] >> 13)).astype(np.float32)
    acc_g: NDArray[np.float32] = np.multiply(samples[..., first : first + 3], unit_g[:, None, None], dtype=np.float32)
    return acc_g


def _annotations(header: bytes) -> Mapping[str, str]:
    """What the person who set the device up wrote into the header, by its keys."""
    text = header[64:512].rstrip(b" \0\xff").decode("ascii", errors="replace")
    return {key: values[0] for key, values in parse_qs(text).items()}
