"""Headers of WFDB records (``.hea``): what the signal files hold, and how.

References
----------
Moody G.B., WFDB Applications Guide, header(5).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from staging.errors import FormatError

__all__ = ["Header", "HeaderSignal", "is_header", "parse_header"]

_RECORD = re.compile(r"([\w.-]+)(?:/(\d{1,6}))?\s+(\d{1,5})(?:\s+(.*))?")
_FORMAT = re.compile(r"(\d{1,4})(?:x(\d{1,5}))?(?::(\d{1,9}))?(?:\+(\d{1,12}))?")
_GAIN = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?)(?:\(([-+]?\d{1,11})\))?(?:/(.*))?")
_WHOLE = re.compile(r"[-+]?\d{1,11}")
_FRAMES = re.compile(r"\d{1,12}")
_CLOCK = re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d{1,6})\d*)?")
_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")

_USUAL_HZ = 250.0
_USUAL_GAIN = 200.0
_RATE_HZ = (1e-4, 1e6)
_MAX_SIGNALS = 1000
_MAX_PER_FRAME = 10_000


@dataclass(frozen=True, kw_only=True)
class HeaderSignal:
    """One signal, as the header describes it.

    Attributes
    ----------
    file : str
        Its signal file, in the folder of the header.
    format : int
        How samples are packed, as signal(5) numbers it.
    per_frame, skew, offset : int
        Samples in a frame; frames by which it comes late in the file; bytes in front of the first sample.
    gain, baseline : float
        Value = (digital - baseline) / gain.
    initial : int
        The sample before the first, of formats that keep differences.
    checksum : int or None
        Sum of all samples in 16 bits; None where it is not stated.
    label, physical_dimension, sampling_frequency
        Description, unit, and samples a second.
    """

    file: str
    format: int
    per_frame: int
    skew: int
    offset: int
    gain: float
    baseline: float
    initial: int
    checksum: int | None
    label: str
    physical_dimension: str
    sampling_frequency: float


@dataclass(frozen=True, kw_only=True)
class Header:
    """A record, or one that is made of others.

    Attributes
    ----------
    frame_hz : float
        Frames in a second.
    n_frames : int
        Frames as stated; 0 where not stated.
    start : datetime or None
        Wall-clock time of the first frame, without a zone; None without a date.
    signals : tuple of HeaderSignal
        Empty where the record is made of segments.
    segments : tuple of (str, int)
        Names and frames of the records that this one is made of; ``~`` is a gap.
    """

    frame_hz: float
    n_frames: int
    start: datetime | None
    signals: tuple[HeaderSignal, ...]
    segments: tuple[tuple[str, int], ...]


def is_header(head: bytes) -> bool:
    """Whether a file begins as a header does."""
    lines = _lines(head)
    return bool(lines) and _RECORD.fullmatch(lines[0]) is not None


def parse_header(content: bytes, where: str) -> Header:
    r"""Parse a header.

    Parameters
    ----------
    content : bytes
        The file.
    where : str
        The file, as errors name it.

    Raises
    ------
    FormatError
        If a line is not as header(5) describes it.

    Examples
    --------
    >>> header = parse_header(b"s7 1 125 60000\ns7.dat 212 200(0)/NU 12 0 5 99 0 PLETH", "s7.hea")
    >>> header.frame_hz, header.signals[0].label, header.signals[0].format, header.signals[0].gain
    (125.0, 'PLETH', 212, 200.0)
    """
    lines = _lines(content)
    record = _RECORD.fullmatch(lines[0]) if lines else None
    if record is None:
        raise _damaged(where, "the first line is not that of a record")
    n_segments, n_signals = int(record[2] or 0), int(record[3])
    fields = (record[4] or "").split()
    frame_hz = _frame_hz(fields[0], where) if fields else _USUAL_HZ
    n_frames = int(fields[1]) if len(fields) > 1 and _FRAMES.fullmatch(fields[1]) else 0
    following = lines[1 : 1 + (n_segments or n_signals)]
    if len(following) < (n_segments or n_signals) or n_signals > _MAX_SIGNALS:
        raise _damaged(where, f"{n_segments or n_signals} lines should follow the first")
    return Header(
        frame_hz=frame_hz,
        n_frames=n_frames,
        start=_start(fields[2:]),
        signals=() if n_segments else tuple(_signal(line, frame_hz, where) for line in following),
        segments=tuple(_segment(line, where) for line in following) if n_segments else (),
    )


def _lines(content: bytes) -> list[str]:
    lines = [line.strip() for line in content.decode("latin-1").splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def _frame_hz(field: str, where: str) -> float:
    try:
        frame_hz = float(field.partition("/")[0].partition("(")[0])
    except ValueError:
        frame_hz = float("nan")
    if not _RATE_HZ[0] <= frame_hz <= _RATE_HZ[1]:
        raise _damaged(where, f"{field} is no sampling frequency")
    return frame_hz


def _start(fields: list[str]) -> datetime | None:
    clock = _CLOCK.fullmatch(fields[0]) if fields else None
    date = _DATE.fullmatch(fields[1]) if len(fields) > 1 else None
    if clock is None or date is None:
        return None
    hour, minute, second = (int(part) for part in clock.groups()[:3])
    day, month, year = (int(part) for part in date.groups())
    try:
        return datetime(year, month, day, hour, minute, second, int((clock[4] or "").ljust(6, "0")))
    except ValueError:
        return None


def _segment(line: str, where: str) -> tuple[str, int]:
    name, _, frames = line.partition(" ")
    if not _FRAMES.fullmatch(frames.strip()):
        raise _damaged(where, f"{line[:60]!r} is no segment and its length")
    return name, int(frames)


def _signal(line: str, frame_hz: float, where: str) -> HeaderSignal:
    fields = line.split(maxsplit=8)
    packing = _FORMAT.fullmatch(fields[1]) if len(fields) > 1 else None
    if packing is None:
        raise _damaged(where, f"{line[:60]!r} does not describe a signal")
    gain = _GAIN.fullmatch(fields[2]) if len(fields) > 2 else None
    numbers = [int(field) if _WHOLE.fullmatch(field) else None for field in fields[3:7]]
    _, zero, initial, checksum = [*numbers, None, None, None, None][:4]
    per_frame = int(packing[2] or 1)
    if not 1 <= per_frame <= _MAX_PER_FRAME:
        raise _damaged(where, f"{per_frame} samples in a frame")
    baseline = zero or 0 if gain is None or gain[2] is None else int(gain[2])
    return HeaderSignal(
        file=fields[0],
        format=int(packing[1]),
        per_frame=per_frame,
        skew=int(packing[3] or 0),
        offset=int(packing[4] or 0),
        gain=(0.0 if gain is None else float(gain[1])) or _USUAL_GAIN,
        baseline=float(baseline),
        initial=(zero or 0) if initial is None else initial,
        checksum=checksum,
        label=fields[8].strip() if len(fields) > 8 else "",
        physical_dimension="" if gain is None else gain[3] or "",
        sampling_frequency=frame_hz * per_frame,
    )


def _damaged(where: str, problem: str) -> FormatError:
    return FormatError(where, f"the header is damaged: {problem}", "copy it from its data set again")
