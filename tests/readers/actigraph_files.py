"""ActiGraph files in the two published formats, with made-up numbers."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Iterable, Mapping
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

PACKED, EVENT, METADATA, PARAMETERS, PLAIN = 0, 3, 6, 21, 26
INFO = {
    "Serial Number": "MOS2E00000001",
    "Device Type": "wGT3XBT",
    "Firmware": "1.9.2",
    "Sample Rate": "30",
    "TimeZone": "-05:00:00",
    "Acceleration Scale": "256.0",
    "Subject Name": "S07",
}


def ticks(time: datetime) -> int:
    return 621_355_968_000_000_000 + round((time - datetime(1970, 1, 1)).total_seconds() * 10_000_000)


def info(changes: Mapping[str, str | None]) -> bytes:
    fields = {**INFO, **changes}
    return "".join(f"{key}: {value}\r\n" for key, value in fields.items() if value is not None).encode()


def record(kind: int, seconds: int, payload: bytes) -> bytes:
    """Head, payload, and the complement of the exclusive or of both."""
    content = struct.pack("<BBIH", 0x1E, kind, seconds, len(payload)) + payload
    return content + bytes([~int(np.bitwise_xor.reduce(np.frombuffer(content, np.uint8))) & 0xFF])


def plain(counts: NDArray[np.int64]) -> bytes:
    return counts.astype("<i2").tobytes()


def packed(counts: NDArray[np.int64]) -> bytes:
    """12 bits an axis, y before x before z, four zero bits behind an odd number of samples."""
    digits = "".join(f"{value:03x}" for value in (counts[:, [1, 0, 2]] & 0xFFF).ravel().tolist())
    return bytes.fromhex(digits + "0" * (len(digits) % 2))


def parameters(scale: float) -> bytes:
    """The accelerometer's scale among others, as 24 bits of fraction and 8 of exponent."""
    fraction, exponent = np.frexp(scale)
    value = round(float(fraction) * 2**23) & 0xFFFFFF | (int(exponent) & 0xFF) << 24
    return struct.pack("<HHIHHIHHI", 0, 8, 3, 0, 55, value, 1, 10, 30)


def gt3x(files: Mapping[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, file in files.items():
            archive.writestr(name, file)
    return content.getvalue()


def with_log(records: Iterable[bytes], **changes: str | None) -> bytes:
    return gt3x({"info.txt": info(changes), "log.bin": b"".join(records)})
