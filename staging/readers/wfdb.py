"""WFDB records, as PhysioNet has them: a header ``.hea`` and the signal files it names, in one or several segments.

Assumptions
-----------
- Channels are found by their descriptions as in EDF files, or named by the user: ``channels={"ppg": "PLETH"}``.
- Signal formats 8, 16, 24, 32, 61, 80, 160, 212, 310 and 311 are read; those with FLAC inside are not.
- The value that a format keeps for "none" is NaN, and so is what a segment has no signal for.
- The header is not trusted: what the signal files hold counts, and what is missing is said. A checksum that does not
  fit is a warning.
- The header knows no time zone: its start is taken as UTC, with a warning. Without a date the start is unknown.

References
----------
Moody G.B., WFDB Applications Guide: header(5), signal(5).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from staging.errors import FormatError
from staging.readers.labels import CHANNELS, choose, conversion, made, rate_of
from staging.readers.source import Source, files_in
from staging.readers.timing import MAX_SAMPLES, as_utc
from staging.readers.wfdb_header import Header, HeaderSignal, is_header, parse_header
from staging.readers.wfdb_signals import frames_in, samples
from staging.recording import Recording

__all__ = ["CHANNELS", "CHOOSES_CHANNELS", "TITLE", "read", "sniff"]

TITLE = "WFDB record of PhysioNet, .hea with its signal files (channels by their descriptions, or as you name them)"
CHOOSES_CHANNELS = True

_HEADER = ".hea"
_SIGNALS = (".dat", ".mat")
_GAP = "~"
_MAX_HEADERS = 5000
_MAX_NAMES = 20_000


class _Segment(NamedTuple):
    """A stretch of the record."""

    name: str
    """Its header."""
    header: Header
    begin: int
    """Its first frame, of the record's."""
    n_frames: int


def sniff(source: Source) -> bool:
    """Whether there is a header, or a signal file that lies beside its header."""
    source = _together(source)
    return any(is_header(source.head(name, 512)) for name in _header_names(source)[:3])


def read(source: Source, *, channels: Mapping[str, str] | None = None) -> Recording:
    """Read a WFDB record.

    Parameters
    ----------
    source : Source
        The header, or a signal file beside it; or a folder or zip that holds no other record.
    channels : mapping of str to str, optional
        Descriptions by channel; channels not named are found by their descriptions.

    Returns
    -------
    Recording
        Those of ``acc`` (g), ``ppg`` (a.u.), ``temp`` (°C) and ``hr`` (bpm) that are there.

    Raises
    ------
    FormatError
        If there are several records, a file is missing or damaged, or no signal can be used: names the descriptions.
    """
    given, source = source.where, _together(source)
    headers = {name: parse_header(source.read(name), source.label(name)) for name in _header_names(source)}
    parts = {_beside(name, part) for name, header in headers.items() for part, _ in header.segments}
    name = source.only([name for name in headers if name.removesuffix(_HEADER) not in parts], "WFDB .hea")
    header, where = headers[name], source.label(name)
    notes: list[str] = []
    segments = _segments(name, headers, where, notes)
    signals = _signals(name, headers, segments)
    found: dict[str, Any] = {}
    chosen = choose(signals, channels or {}, where)
    for channel, wanted in chosen.items():
        rate_hz = rate_of(channel, wanted, where)
        per_frame = round(rate_hz / header.frame_hz)
        columns = []
        for signal in wanted:
            factor, offset, note = conversion(channel, signal)
            values = _values(source, segments, signal, per_frame, notes)
            columns.append(values * np.float32(factor) + np.float32(offset))
            notes += note
        longest = max(len(values) for values in columns)
        if any(len(values) < longest for values in columns):  # axes in files of their own
            columns = [np.pad(values, (0, longest - len(values)), constant_values=np.nan) for values in columns]
        found[channel] = made(channel, columns, rate_hz)
    used = {id(signal) for wanted in chosen.values() for signal in wanted}
    unused = [signal.label for signal in signals if id(signal) not in used]
    if unused:
        notes.append(f"descriptions not used: {', '.join(unused)}")
    start = header.start
    if start is None:
        notes.append("the header has no date; clock times are unknown")
    else:
        start, note_of_zone = as_utc(start)
        notes.append(note_of_zone)
    return Recording(
        start=start, wall_clock=start is not None, source=given, warnings=tuple(dict.fromkeys(notes)), **found
    )


def _header_names(source: Source) -> list[str]:
    return [name for name in source.sizes if name.lower().endswith(_HEADER) and source.sizes[name]][:_MAX_HEADERS]


def _beside(name: str, other: str) -> str:
    """The name of a file in the folder of another."""
    return str(PurePosixPath(name).parent / other)


def _together(source: Source) -> Source:
    """A header or a signal file alone stands for its record: with the files that it names, wherever it lies."""
    path = source.path
    if not source.is_file or path.suffix.lower() not in (_HEADER, *_SIGNALS):
        return source
    header = path.with_suffix(_HEADER) if path.suffix.lower() in _SIGNALS else path
    names, known = [header.name], {header.name}
    for name in names:  # grows: segments have headers of their own
        found = files_in(path.parent, [name])
        if found.sizes.get(name) and name.endswith(_HEADER) and is_header(found.head(name, 512)):
            described = parse_header(found.read(name), found.label(name))
            more = [part + _HEADER for part, _ in described.segments] + [signal.file for signal in described.signals]
            fresh = [each for each in dict.fromkeys(more) if "/" not in each and each not in known]
            names += fresh
            known.update(fresh)
        if len(names) > _MAX_NAMES:
            break
    together = files_in(path.parent, names)
    return together if header.name in together.sizes else source


def _segments(name: str, headers: Mapping[str, Header], where: str, notes: list[str]) -> list[_Segment]:
    """The stretches of a record that have signals."""
    header = headers[name]
    if not header.segments:
        return [_Segment(name, header, 0, header.n_frames)]
    found, missing, begin = [], 0, 0
    for part, n_frames in header.segments:
        inner = _beside(name, part) + _HEADER
        if inner in headers and n_frames:
            found.append(_Segment(inner, headers[inner], begin, n_frames))
        missing += part != _GAP and inner not in headers
        begin += n_frames
    if missing:
        notes.append(f"{missing} of {len(header.segments)} segments are missing")
    if not found:
        raise FormatError(where, "none of its segments is there", "copy the whole record from its data set")
    return found


def _signals(name: str, headers: Mapping[str, Header], segments: Sequence[_Segment]) -> list[HeaderSignal]:
    """The signals of a record, each description once: as a layout without frames says, else as the segments do."""
    layouts = [headers.get(_beside(name, part) + _HEADER) for part, n_frames in headers[name].segments if not n_frames]
    described = [layout for layout in layouts if layout is not None] or [segment.header for segment in segments]
    signals: dict[str, HeaderSignal] = {}
    for number, signal in enumerate(signal for header in described for signal in header.signals):
        signals.setdefault(signal.label or f"signal {number + 1}", signal)
    return list(signals.values())


def _values(
    source: Source, segments: Sequence[_Segment], signal: HeaderSignal, per_frame: int, notes: list[str]
) -> NDArray[np.float32]:
    """One signal of all segments, NaN where there is none."""
    located = [(segment, _file_of(source, segment, signal, per_frame, notes)) for segment in segments]
    pieces = [(segment, file) for segment, file in located if file is not None]
    n_samples = max((segment.begin + n_frames for segment, (_, _, _, n_frames) in pieces), default=0) * per_frame
    if n_samples > MAX_SAMPLES:
        days = n_samples / signal.sampling_frequency / 86400
        problem = f"{days:.1f} days at {signal.sampling_frequency:g} Hz are too much for one recording"
        raise FormatError(source.label(segments[0].name), problem, "give a shorter record")
    values = np.full(n_samples, np.nan, dtype=np.float32)
    for segment, (file, group, which, n_frames) in pieces:
        mine = group[which]
        total = 0
        for _, begin, piece, digital in samples(source, file, group, [which], n_frames):
            total += digital
            at = (segment.begin - mine.skew) * per_frame + begin
            inside = slice(max(0, -at), max(0, min(len(piece), n_samples - at)))
            values[at + inside.start : at + inside.stop] = piece[inside]
        whole = n_frames == segment.n_frames
        if whole and mine.checksum is not None and (total - mine.checksum) % (1 << 16):
            notes.append(f"{PurePosixPath(file).name}: the checksum of {mine.label or 'a signal'} is wrong")
    return values


def _file_of(
    source: Source, segment: _Segment, signal: HeaderSignal, per_frame: int, notes: list[str]
) -> tuple[str, list[HeaderSignal], int, int] | None:
    """File of a segment with a signal, all signals of the file, which one it is, and the frames to read."""
    own = next((each for each in segment.header.signals if each is signal), None) or next(
        (each for each in segment.header.signals if each.label == signal.label), None
    )
    if own is None or own.file == _GAP:
        return None
    if own.per_frame != per_frame or segment.header.frame_hz * per_frame != signal.sampling_frequency:
        notes.append(f"{PurePosixPath(segment.name).name}: {own.label} has another rate and was left out")
        return None
    file = _beside(segment.name, own.file)
    if file not in source.sizes:
        problem = f"the signal file {own.file} is not there"
        raise FormatError(source.label(segment.name), problem, "copy it into the folder of the header")
    group = [each for each in segment.header.signals if each.file == own.file]
    held = frames_in(source, file, group)
    if segment.n_frames > held:
        stated = f"{held} of the {segment.n_frames} frames that its header states"
        notes.append(f"{PurePosixPath(file).name} is cut short: it holds {stated}")
    n_frames = min(held, segment.n_frames or held)
    which = next(number for number, each in enumerate(group) if each is own)
    return file, group, which, n_frames
