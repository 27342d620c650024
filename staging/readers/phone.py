"""Tables of phones' and watches' sensor apps: SensorLog, Sensor Logger, phyphox, AndroSensor, Wear OS and the like.

Assumptions
-----------
- The header tells: a column of times, and three axes of acceleration or a heart rate. Axes that say nothing but x, y
  and z are an accelerometer's where the file's name does not say otherwise; in a folder, where it says so.
- Acceleration is with gravity. Where an app writes gravity and the wearer's own acceleration apart, they are added up.
- Units are those of the header. Where it names none, the size of gravity tells, with a warning.
- Of several tables in a folder a watch's is read before a phone's, and one with gravity before one without. A phone
  that lies on a mattress is not worn: what it records is movement at best, and mostly "not worn".
- A heart rate that is repeated with every sample is taken once a second.
- phyphox counts seconds from its start, which is in ``meta/time.csv``. Without a clock the start is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, tzinfo
from pathlib import PurePosixPath
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from staging.errors import FormatError
from staging.readers.acceleration import in_g
from staging.readers.clocked import Clocked, read_clocked, taken_as_utc, unix_scale
from staging.readers.plain_schema import LATEST_UNIX_S, TIME_COLUMNS, tables_among
from staging.readers.source import Source
from staging.readers.streams import Stream, assemble
from staging.readers.tables import Table, is_number
from staging.recording import Recording

__all__ = ["CHANNELS", "TITLE", "Found", "acceleration", "read", "sniff"]

TITLE = "Sensor apps of phones and watches: SensorLog, Sensor Logger, phyphox, Wear OS (a table, folder or zip)"
CHANNELS = ("acc", "hr")

_SUFFIXES = (".csv", ".txt", ".tsv")
_HEAD_BYTES = 8192
_MAX_FILES = 200

_NAME_UNIT = re.compile(r"\s*(.*?)\s*(?:[(\[]\s*([^)\]]*?)\s*[)\]])?\s*")
_TIME = re.compile(
    r"(?:(?:unix|epoch|system|sensor|event|logging|local|utc)?[ _-]?(?:time[ _-]?stamp|time|date[ _-]?time|epoch)"
    r"|ts?|(?:time[ _-]?)?elapsed(?:[ _-]?time)?|time[ _-]since[ _-]start)"
    r"(?:[ _-]?(?:in[ _-]?)?(?P<unit>ms|us|ns|millis(?:econds)?|micros(?:econds)?|nanos(?:econds)?)"
    r"|[ _-](?:in[ _-])?(?P<seconds>s|sec|seconds))?"
    r"|(?P<elapsed>seconds[ _-]elapsed)"
)
_TIME_UNITS = {"milli": "ms", "micro": "us", "nano": "ns", "ms": "ms", "us": "us", "µs": "us", "ns": "ns", "s": "s"}
_AXIS = re.compile(r"(?P<kind>.*?)[ _-]?(?P<axis>[xyz])(?:[ _-]?axis)?(?:[ _-](?P<unit>mg|g))?")
_TOTAL = {"", "a", "acc", "accel", "acceleration", "accelerometer", "accelerometeracceleration", "gf"} | {
    *("totalacceleration", "accelerometeruncalibrated", "uncalibratedaccelerometer", "watchacceleration", "wristacc"),
}
_OWN = {"acceleration", "linearacceleration", "useracceleration", "motionuseracceleration", "linearaccelerometer"}
_GRAVITY = {"gravity", "motiongravity"}
_HEART = {"bpm", "hr", "heartrate", "heartratebpm", "hrbpm", "pulse", "pulserate", "beatsperminute"}

_IS_ACC = re.compile(r"acc|motion|imu", re.IGNORECASE)
_IS_OTHER = re.compile(r"gyro|magn|gravi|orient|rotat|location|gps|baro|pressure|compass|linear", re.IGNORECASE)
_IS_WATCH = re.compile(r"watch|wrist|wear", re.IGNORECASE)

_START = "meta/time.csv"
_HELD_STEP_S = 0.5


class Found(NamedTuple):
    """Columns of a table that can be read."""

    name: str
    channel: str
    time: int
    time_unit: str
    columns: tuple[int, ...]
    """One of a heart rate; three axes; or three of the wearer's own acceleration and three of gravity."""
    unit: str
    rank: tuple[int, ...]
    """Of several tables of a channel the lowest is read."""
    app: str


def sniff(source: Source) -> bool:
    """Whether a table has columns of an app."""
    return bool(_tables(source))


def read(source: Source) -> Recording:
    r"""Read what a phone's or a watch's app has logged.

    Parameters
    ----------
    source : Source
        A table, or a folder or zip of one recording.

    Returns
    -------
    Recording
        ``acc`` in g and ``hr`` in bpm, as far as they are there.

    Raises
    ------
    FormatError
        If a table is damaged, or several of a kind are there and nobody can tell which is meant.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from staging.readers.source import open_source
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "watch.csv")
    ...     _ = file.write_text("timestamp_ms,x,y,z\n1700000000000,0,0,9.81\n1700000000040,0,0,9.81\n")
    ...     recording = read(open_source(file))
    >>> recording.acc.rate_hz, recording.acc.samples[0].round(3).tolist(), recording.start.isoformat()
    (25.0, [0.0, 0.0, 1.0], '2023-11-14T22:13:20+00:00')
    """
    found = _tables(source)
    if not found:
        raise FormatError(source.where, "holds no table of a sensor app", "its header must name times and axes")
    streams: list[Stream] = []
    zones: list[tzinfo | None] = []
    wall_clocks: set[bool] = set()
    notes: list[str] = []
    chosen = [table for channel in CHANNELS for table in _best(source, found, channel)]
    for table in chosen:
        stream, zone, is_wall, said = _stream(source, table)
        streams.append(stream)
        zones.append(zone)
        wall_clocks.add(is_wall)
        notes += said
    if any(zone is not None for zone in zones):
        for table, zone in zip(chosen, zones, strict=True):
            if zone is None:
                notes.append(f"{PurePosixPath(table.name).name} has no clock, unlike the others, and was left out")
        streams = [stream for stream, zone in zip(streams, zones, strict=True) if zone is not None]
    unread = {table.name for table in found} - {table.name for table in chosen}
    if unread:
        notes.append(f"not read: {', '.join(sorted(unread))}")
    return assemble(
        streams,
        where=source.where,
        zone=next((zone for zone in zones if zone is not None), None),
        wall_clock=wall_clocks == {True},
        device=next((table.app for table in chosen if table.app), ""),
        warnings=notes,
    )


def acceleration(source: Source) -> tuple[Stream | None, tzinfo | None, tuple[str, ...]]:
    """The acceleration of a folder or zip, its zone (None where no clock is known), and warnings; None without any.

    For readers of other things that it may lie beside; a table of the plain format counts as well.

    Raises
    ------
    FormatError
        If its table is damaged, or there are several.
    """
    if source.is_file:
        return None, None, ()
    for table in _best(source, _tables(source, also_plain=True), "acc"):
        stream, zone, _, notes = _stream(source, table)
        return stream, zone, notes
    return None, None, ()


def _tables(source: Source, *, also_plain: bool = False) -> list[Found]:
    names = [name for name, size in source.sizes.items() if size and name.lower().endswith(_SUFFIXES)]
    if source.is_file:
        names = list(source.sizes)
    return [table for name in sorted(names)[:_MAX_FILES] for table in _columns(source, name, also_plain=also_plain)]


def _best(source: Source, found: Sequence[Found], channel: str) -> list[Found]:
    """The one table of a channel, or none."""
    tables = sorted((table for table in found if table.channel == channel), key=lambda table: table.rank)
    if len(tables) > 1 and tables[0].rank == tables[1].rank:
        names = ", ".join(table.name for table in tables[:3])
        kind = "acceleration" if channel == "acc" else "heart rate"
        raise FormatError(source.where, f"holds {len(tables)} tables of {kind} ({names})", "give one of them")
    return tables[:1]


def _columns(source: Source, name: str, *, also_plain: bool) -> list[Found]:
    """What of a table can be read: acceleration, heart rate, both or nothing."""
    try:
        head, newline, _ = source.head(name, _HEAD_BYTES).rpartition(b"\n")
        table = Table.parse(head + newline, source.label(name))
    except FormatError:
        return []
    cells = [_NAME_UNIT.fullmatch(cell.lower()) for cell in table.header]
    names = [cell[1] if cell is not None else "" for cell in cells]
    units = [(cell[2] or "") if cell is not None else "" for cell in cells]
    time = _time(names, units, table.first_row)
    if time is None or (not also_plain and _is_plain(names, table.first_row)):
        return []
    column, time_unit = time
    by_kind: dict[str, dict[str, int]] = {}
    for index, each in enumerate(names):
        axis = _AXIS.fullmatch(each)
        if axis is not None:
            by_kind.setdefault(re.sub(r"[ _-]", "", axis["kind"]), {}).setdefault(axis["axis"], index)
            units[index] = axis["unit"] or units[index]
    whole = {kind: (axes["x"], axes["y"], axes["z"]) for kind, axes in by_kind.items() if len(axes) == 3}
    app = _app(names)
    own_name = PurePosixPath(name).name
    is_bare = _IS_ACC.search(own_name) or (source.is_file and not _IS_OTHER.search(own_name))
    watch = 0 if _IS_WATCH.search(name) else 1
    found = []
    gravity = next((whole[kind] for kind in _GRAVITY if kind in whole), None)
    total = next((kind for kind in whole if kind in _TOTAL - ({"acceleration"} if gravity else set())), None)
    own = next((kind for kind in whole if kind in _OWN), None)
    if total is not None and (total or is_bare):
        unit = units[whole[total][0]]
        if total == "" and app == "Sensor Logger" and "uncalibrated" not in own_name.lower():
            unit = "m/s^2"  # as it documents; of the uncalibrated sensor the unit depends on the phone
        rank = (watch, _without_gravity(own_name, app, total))
        found.append(Found(name, "acc", column, time_unit, whole[total], unit, rank, app))
    elif own is not None and gravity is not None:
        found.append(Found(name, "acc", column, time_unit, whole[own] + gravity, units[gravity[0]], (watch, 0), app))
    heart = next((i for i, each in enumerate(names) if re.sub(r"[ _-]", "", each) in _HEART), None)
    if heart is not None:
        found.append(Found(name, "hr", column, time_unit, (heart,), "", (watch,), app))
    return found


def _without_gravity(name: str, app: str, kind: str) -> int:
    """How likely a table is to lack gravity."""
    lower = name.lower()
    if "total" in lower or kind == "totalacceleration":
        return 0
    if app == "Sensor Logger":  # its "Accelerometer" is the wearer's own acceleration
        return 1 if "uncalibrated" in lower else 3
    return 2 if "uncalibrated" in lower else 1


def _time(names: Sequence[str], units: Sequence[str], row: Sequence[str]) -> tuple[int, str] | None:
    """The column of times and its unit; one that is of a clock before one that counts from a start."""
    candidates = []
    for index, name in enumerate(names):
        match = _TIME.fullmatch(name)
        if match is None or index >= len(row):
            continue
        said = match["unit"] or ("s" if match["seconds"] or match["elapsed"] else units[index])
        unit = next((short for begin, short in _TIME_UNITS.items() if said.startswith(begin)), "")
        cell = row[index]
        is_clock = unix_scale(float(cell)) is not None if is_number(cell) else bool(cell)
        candidates.append((not is_clock, index, unit))
    return min(candidates)[1:] if candidates else None


def _is_plain(names: Sequence[str], row: Sequence[str]) -> bool:
    """Whether the plain format reads the table: it has its columns, and times in seconds or stamps."""
    time = next((names.index(column) for column in TIME_COLUMNS if column in names), None)
    if time is None or time >= len(row) or not tables_among(names):
        return False
    return not (is_number(row[time]) and float(row[time]) > LATEST_UNIX_S)


def _app(names: Sequence[str]) -> str:
    if "seconds_elapsed" in names:
        return "Sensor Logger"
    return "SensorLog" if "loggingtime" in names else ""


def _stream(source: Source, table: Found) -> tuple[Stream, tzinfo | None, bool, tuple[str, ...]]:
    """A table's stream, its zone (None where no clock is known), whether that was only taken as UTC, and warnings."""
    where = source.label(table.name)
    content = source.read(table.name)
    found = read_clocked(content, where, table.time, table.columns, unit=table.time_unit, is_slow=table.channel == "hr")
    if found.zone is None:
        found = _since_start(source, found)
    notes = found.warnings
    if found.is_wall and found.times_s.size:
        notes = (*notes, taken_as_utc(float(found.times_s.min()), where))
    if table.channel == "hr":
        times_s, values = _once_a_second(found)
        return Stream("hr", times_s, values, where), found.zone, found.is_wall, notes
    values = found.values[:, :3] if len(table.columns) == 3 else found.values[:, :3] + found.values[:, 3:]
    acc, guess = in_g(values, where, unit=table.unit)
    return Stream("acc", found.times_s, acc, where), found.zone, found.is_wall, (*notes, *guess)


def _once_a_second(found: Clocked) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times and heart rates, of a second's several the first."""
    times_s, values = found.times_s, found.values[:, 0]
    finite = np.flatnonzero(np.isfinite(times_s))
    if len(finite) < 2 or not np.median(np.diff(times_s[finite])) < _HELD_STEP_S:
        return times_s, values
    _, first = np.unique(np.floor(times_s[finite]), return_index=True)
    return times_s[finite[first]], values[finite[first]]


def _since_start(source: Source, found: Clocked) -> Clocked:
    """Times on the clock, where phyphox says when it was started, and started again after a pause."""
    name = next((name for name in source.sizes if name.lower().endswith(_START)), None)
    if name is None:
        return found
    table = Table.parse(source.read(name), source.label(name))
    numbers, _ = table.numbers([1, 2])
    starts = numbers[table.text(0)[: len(numbers)] == b"START"]
    if not starts.size:
        return found
    begin_s, unix_s = starts[np.argsort(starts[:, 0], kind="stable")].T
    which = (np.searchsorted(begin_s, found.times_s, side="right") - 1).clip(min=0)
    return found._replace(times_s=found.times_s - begin_s[which] + unix_s[which], zone=UTC)
