"""Axivity files in the published format, with made-up numbers."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from staging.readers.axivity import BLOCK

AX3, AX6 = 0x17, 0x64
PACKED, UNPACKED, WITH_GYROSCOPE = 0x30, 0x32, 0x62
CAPACITY = {PACKED: 120, UNPACKED: 80, WITH_GYROSCOPE: 40}
RATE_CODES = {25.0: 72, 50.0: 73, 100.0: 74, 200.0: 75}
SCALE = 3
"""Of unpacked blocks: 1/2^(8+3) g."""
RAW_27_C = 263
"""27.05 °C as the converter counts it."""


def header(*, hardware: int = AX3, annotations: str = "") -> bytes:
    content = bytearray(b"\xff" * 1024)
    content[:5] = b"MD\xfc\x03" + bytes([hardware])
    content[64 : 64 + len(annotations)] = annotations.encode()
    return bytes(content)


def packed(counts: NDArray[np.int64], exponents: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Values ``(n, 3)`` of 10 bits and the bits ``(n,)`` to shift each row by, as words."""
    words = (counts & 0x3FF) << np.array([0, 10, 20])
    return (words.sum(axis=1) | exponents << 30).astype(np.uint32)


def stamps(times: list[datetime]) -> NDArray[np.uint32]:
    fields = np.array([[t.year - 2000, t.month, t.day, t.hour, t.minute, t.second] for t in times], np.int64)
    return (fields << np.array([26, 22, 17, 12, 6, 0])).sum(axis=1).astype(np.uint32)


def with_checksums(blocks: NDArray[np.void]) -> NDArray[np.void]:
    blocks["checksum"] = 0
    sums = np.ascontiguousarray(blocks).view("<u2").reshape(len(blocks), -1).sum(axis=1, dtype=np.uint16)
    blocks["checksum"] = -sums.astype(np.int64) & 0xFFFF
    return blocks


def blocks(
    g: NDArray[np.float64],
    *,
    start: datetime,
    stated_hz: float = 100.0,
    true_hz: float = 100.0,
    kind: int = PACKED,
    fractions: bool = True,
) -> NDArray[np.void]:
    """Acceleration ``(n, 3)`` in blocks as a device writes them that samples at `true_hz`.

    The stamp is that of the sample at which a block's last buffer of 25 samples was full.
    """
    capacity = CAPACITY[kind]
    n_blocks = -(-len(g) // capacity)
    count = np.full(n_blocks, capacity)
    count[-1] = len(g) - capacity * (n_blocks - 1)
    samples = np.zeros((n_blocks * capacity, 3))
    samples[: len(g)] = g
    made = np.zeros(n_blocks, BLOCK)
    made["mark"], made["length"] = 0x5841, 508
    made["sequence"] = np.arange(n_blocks)
    made["temperature"] = RAW_27_C
    made["rate_code"], made["axes_and_packing"] = RATE_CODES[stated_hz], kind
    made["count"] = count
    if kind == PACKED:
        exponent = np.full(len(samples), 1)
        words = packed(np.rint(samples * 256 / 2).astype(np.int64), exponent)
        made["samples"] = words.reshape(n_blocks, -1).view("V480")[:, 0]
    else:
        made["light_and_scale"] = SCALE << 13
        counts = np.rint(samples * 2 ** (8 + SCALE)).astype("<i2")
        if kind == WITH_GYROSCOPE:
            counts = np.concatenate([np.full_like(counts, 777), counts], axis=1)
        made["samples"] = np.ascontiguousarray(counts).reshape(n_blocks, -1).view("V480")[:, 0]

    stamped = capacity * np.arange(n_blocks) + np.minimum(25, count - 1)
    times = [start + timedelta(seconds=float(sample) / true_hz) for sample in stamped]
    made["stamp"] = stamps(times)
    if fractions:
        fraction = np.array([time.microsecond for time in times]) * 32768 // 1_000_000
        made["fraction"] = 0x8000 | fraction
        made["offset"] = stamped % capacity - np.floor(fraction * stated_hz / 32768)
    else:
        since = np.array([time.microsecond for time in times]) / 1e6
        made["offset"] = np.rint(stamped % capacity - since * true_hz)
    return with_checksums(made)


def cwa(
    g: NDArray[np.float64],
    *,
    hardware: int = AX3,
    annotations: str = "",
    damaged: Collection[int] = (),
    lost: Collection[int] = (),
    **options: object,
) -> bytes:
    """A file, some of whose blocks have a wrong byte, or were never written."""
    made = blocks(g, **options)  # type: ignore[arg-type]
    for block in damaged:
        made["battery"][block] ^= 0x55
    kept = np.setdiff1d(np.arange(len(made)), list(lost))
    return header(hardware=hardware, annotations=annotations) + made[kept].tobytes()
