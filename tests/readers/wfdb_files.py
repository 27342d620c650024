"""WFDB records in the published format, with made-up numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BITS = {8: 8, 16: 16, 24: 24, 32: 32, 61: 16, 80: 8, 160: 16, 212: 12, 310: 10, 311: 10}


class Made(NamedTuple):
    """One signal: its description, digital samples, and how the header describes them."""

    label: str
    digital: NDArray[np.int64]
    gain: float = 100.0
    baseline: int = 0
    unit: str = "mV"
    per_frame: int = 1
    skew: int = 0


def packed(flat: NDArray[np.int64], number: int) -> bytes:
    """Samples in the order of the file, as signal(5) describes the format."""
    if number in (16, 61, 32):
        return flat.astype({16: "<i2", 61: ">i2", 32: "<i4"}[number]).tobytes()
    if number in (80, 160):
        return (flat + (1 << BITS[number] - 1)).astype({80: "u1", 160: "<u2"}[number]).tobytes()
    if number == 24:
        return np.ascontiguousarray(flat.astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3]).tobytes()
    group = {212: 2, 310: 3, 311: 3}[number]
    whole = np.zeros(-(-len(flat) // group) * group, np.int64)
    whole[: len(flat)] = flat & ((1 << BITS[number]) - 1)
    parts = whole.reshape(-1, group).T
    if number == 212:
        first, second = parts
        content = np.column_stack([first & 0xFF, first >> 8 | second >> 8 << 4, second & 0xFF]).astype(np.uint8)
        return content.tobytes()[: (3 * len(flat) + 1) // 2]
    first, second, third = parts
    if number == 311:
        return (first | second << 10 | third << 20).astype("<u4").tobytes()
    low = first << 1 | (third & 0x1F) << 11
    high = second << 1 | third >> 5 << 11
    return np.column_stack([low, high]).astype("<u2").tobytes()


def signal_file(signals: Sequence[Made], number: int, offset: int = 0) -> bytes:
    """Frames of all signals, each with its samples a frame; late ones by their skew."""
    columns = []
    for signal in signals:
        stored = np.diff(signal.digital, prepend=signal.digital[0]) if number == 8 else signal.digital
        late = np.concatenate([np.zeros(signal.skew * signal.per_frame, np.int64), stored])
        columns.append(late[: len(stored)].reshape(-1, signal.per_frame))
    flat = np.concatenate(columns, axis=1).ravel()
    return bytes(offset) + (flat.astype("i1").tobytes() if number == 8 else packed(flat, number))


def header(
    name: str,
    signals: Sequence[Made],
    number: int,
    *,
    frame_hz: float = 125.0,
    file: str = "",
    offset: int = 0,
    clock: str = "22:41:05.250 28/03/2026",
    checksums: bool = True,
) -> str:
    frames = len(signals[0].digital) // signals[0].per_frame
    lines = [f"{name} {len(signals)} {frame_hz:g} {frames} {clock}".rstrip()]
    for signal in signals:
        packing = f"{number}" + f"x{signal.per_frame}" * (signal.per_frame > 1)
        packing += f":{signal.skew}" * bool(signal.skew) + f"+{offset}" * bool(offset)
        held = signal.digital[: len(signal.digital) - signal.skew * signal.per_frame]
        total = int(held.sum()) & 0xFFFF if checksums else ""
        first = int(signal.digital[0])
        lines.append(
            f"{file or name + '.dat'} {packing} {signal.gain:g}({signal.baseline})/{signal.unit} {BITS[number]} 0"
            f" {first} {total} 0 {signal.label}"
        )
    return "\n".join(["# made up", *lines, "# age: 40"]) + "\n"
