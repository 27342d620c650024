"""GENEActiv files in the published format, with made-up numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

SAMPLES = 300
GAIN, OFFSET = (25600, 25500, 25700), (300, -700, 100)
HEADER = """Device Identity\r
Device Unique Serial Code:000001\r
Device Type:GENEActiv\r
\r
Configuration Info\r
Measurement Frequency:{rate:g} Hz\r
Start Time:2026-03-28 22:41:05:000\r
{zone}\r
Subject Info\r
Subject Code:S07\r
\r
Calibration Data\r
x gain:{gain[0]}\r
x offset:{offset[0]}\r
y gain:{gain[1]}\r
y offset:{offset[1]}\r
z gain:{gain[2]}\r
z offset:{offset[2]}\r
\r
Memory Status\r
Number of Pages:{pages}\r
\r
"""
PAGE = """Recorded Data\r
Device Unique Serial Code:000001\r
Sequence Number:{number}\r
Page Time:{time}\r
Unassigned:\r
Temperature:{temperature:.1f}\r
Battery voltage:4.1\r
Device Status:Recording\r
Measurement Frequency:{rate:.1f}\r
{digits}\r
"""


def header(*, rate_hz: float = 85.7, pages: int, zone: str = "Time Zone:GMT +01:00") -> str:
    return HEADER.format(rate=rate_hz, pages=pages, zone=zone, gain=GAIN, offset=OFFSET)


def page(counts: NDArray[np.int64], number: int, time: datetime, temperature_c: float, rate_hz: float = 85.7) -> str:
    """Counts ``(n, 3)``; light and button are made up."""
    words = ((counts & 0xFFF) << np.array([36, 24, 12])).sum(axis=1) | 0xA8
    digits = "".join(f"{word:012X}" for word in words.tolist())
    stamp = f"{time:%Y-%m-%d %H:%M:%S}:{time.microsecond // 1000:03d}"
    return PAGE.format(number=number, time=stamp, temperature=temperature_c, rate=rate_hz, digits=digits)


def to_counts(acc_g: NDArray[np.float64]) -> NDArray[np.int64]:
    """What a device with this calibration counts."""
    return np.rint((acc_g * np.array(GAIN) + np.array(OFFSET)) / 100).astype(np.int64).clip(-2048, 2047)


def geneactiv(
    acc_g: NDArray[np.float64],
    *,
    start: datetime,
    rate_hz: float = 600 / 7,
    temperatures_c: Sequence[float] | None = None,
    lost: Iterable[int] = (),
    zone: str = "Time Zone:GMT +01:00",
) -> bytes:
    """A whole file; ``lost`` are the numbers of pages that it lacks."""
    n = len(acc_g) // SAMPLES
    counts = to_counts(acc_g[: n * SAMPLES]).reshape(n, SAMPLES, 3)
    stated = np.floor(rate_hz * 10) / 10
    kept = [number for number in range(n) if number not in set(lost)]
    pages = [
        page(
            counts[number],
            number,
            start + timedelta(milliseconds=round(1000 * number * SAMPLES / rate_hz)),
            33.5 if temperatures_c is None else temperatures_c[number],
            stated,
        )
        for number in kept
    ]
    return (header(rate_hz=stated, pages=n, zone=zone) + "".join(pages)).encode()
