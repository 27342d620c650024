"""A writer of FIT files, by the published protocol: header, definitions, data messages, checksum."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

EPOCH_S = 631_065_600
CODES = {"B": 0x02, "b": 0x01, "H": 0x84, "h": 0x83, "I": 0x86, "i": 0x85, "f": 0x88}
"""Letters of `struct` to the base types of the protocol."""
INVALID = {"B": 0xFF, "b": 0x7F, "H": 0xFFFF, "h": 0x7FFF, "I": 0xFFFFFFFF, "i": 0x7FFFFFFF, "f": float("nan")}

_CRC = (0x0000, 0xCC01, 0xD801, 0x1400, 0xF001, 0x3C00, 0x2800, 0xE401)
_CRC += (0xA001, 0x6C00, 0x7800, 0xB401, 0x5000, 0x9C01, 0x8801, 0x4400)


def crc(data: bytes) -> int:
    value = 0
    for byte in data:
        for nibble in (byte & 0xF, byte >> 4):
            value = (value >> 4) & 0x0FFF ^ _CRC[value & 0xF] ^ _CRC[nibble]
    return value


def message(number: int, *fields: tuple[int, str, Any], big: bool = False) -> bytes:
    """A definition and its data message; a field is number, letter of type and a value or several, None if invalid."""
    order = ">" if big else "<"
    definition, data = struct.pack("<BBB", 0x40, 0, big) + struct.pack(f"{order}HB", number, len(fields)), b"\0"
    for field, letter, value in fields:
        values = value if isinstance(value, Sequence) else (value,)
        definition += struct.pack("BBB", field, struct.calcsize(f"<{letter}") * len(values), CODES[letter])
        data += struct.pack(f"{order}{len(values)}{letter}", *(INVALID[letter] if v is None else v for v in values))
    return definition + data


def fit(*messages: bytes) -> bytes:
    """A file of messages."""
    file_id = message(0, (0, "B", 4), (1, "H", 1), (4, "I", 1_000_000_000))
    body = file_id + b"".join(messages)
    head = struct.pack("<BBHI4s", 14, 0x20, 2132, len(body), b".FIT")
    head += struct.pack("<H", crc(head))
    return head + body + struct.pack("<H", crc(head + body))
