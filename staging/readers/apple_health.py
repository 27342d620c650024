"""Heart rate of an Apple Health export: ``export.xml``, its folder or ``export.zip``; with acceleration beside it.

Assumptions
-----------
- Times are in the offset that the phone wrote beside them. A record that covers a time stands at its begin.
- An export is an archive: one night of it is read (`staging.readers.streams`). Of several sources that recorded then,
  the one with the most heart rates is read, or the one that is asked for.
- Times in bed of any source are lights-off and lights-on. What sources say about sleep stages is not read here.
- A folder or zip may hold a table of acceleration beside the export, as `staging.readers.phone` reads them. Then the
  night is the one in which that was recorded.
- Out of workouts a watch measures every few minutes only: most of a night is then without a heart rate, and that is
  said. During a workout it measures every few seconds.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import PurePosixPath

import numpy as np

from staging.errors import FormatError, InputError
from staging.readers import phone
from staging.readers.source import Source
from staging.readers.streams import Span, Stream, assemble, left_out, night_of
from staging.readers.xml import Element, elements
from staging.recording import Recording

__all__ = ["CHANNELS", "CHOOSES_RECORDER", "TITLE", "read", "sniff"]

TITLE = "Apple Health export: heart rate (export.xml, export.zip), with a table of acceleration beside it"
CHANNELS = ("acc", "hr")
CHOOSES_RECORDER = True

_HEART_RATE = "HKQuantityTypeIdentifierHeartRate"
_SLEEP = "HKCategoryTypeIdentifierSleepAnalysis"
_IN_BED = "HKCategoryValueSleepAnalysisInBed"
_PER_MIN = {"count/min": 1.0, "bpm": 1.0, "count/s": 60.0}
_MARK = b"<HealthData"
_DOCTYPE = b"<!DOCTYPE HealthData"
_HEAD_BYTES = 512
_USUAL_STEP_S = 90.0
_LATEST_UNIX_S = 1e10


@dataclass
class _Records:
    """One source's heart rates, as small as many years of them should be."""

    unix_s: array[float] = field(default_factory=lambda: array("d"))
    bpm: array[float] = field(default_factory=lambda: array("d"))
    offset_min: array[int] = field(default_factory=lambda: array("h"))

    def stream(self, where: str) -> Stream:
        """In order of time."""
        unix_s = np.array(self.unix_s)
        order = np.argsort(unix_s, kind="stable")
        return Stream("hr", unix_s[order], np.array(self.bpm)[order], where)

    def zone(self, unix_s: float) -> timezone:
        """The offset beside the heart rate nearest to a time."""
        nearest = int(np.argmin(np.abs(np.array(self.unix_s) - unix_s)))
        return timezone(timedelta(minutes=self.offset_min[nearest]))


def sniff(source: Source) -> bool:
    """Whether an XML file begins as Apple's does."""
    return _export(source) is not None


def read(source: Source, *, recorder: str | None = None) -> Recording:
    r"""Read a night's heart rate.

    Parameters
    ----------
    source : Source
        ``export.xml``, or a folder or zip that holds it.
    recorder : str, optional
        Name of the source whose heart rates to take, as in the Health app: ``"Anna's Apple Watch"``.

    Returns
    -------
    Recording
        ``hr`` in bpm, and ``acc`` in g where a table of it lies beside the export.

    Raises
    ------
    FormatError
        If the XML is broken or holds no heart rate; the message names the line.
    InputError
        If no source of that name recorded heart rates.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from staging.readers.source import open_source
    >>> record = (
    ...     '<Record type="HKQuantityTypeIdentifierHeartRate" sourceName="Watch" unit="count/min" '
    ...     'startDate="2024-03-01 23:10:0{} +0100" endDate="2024-03-01 23:10:0{} +0100" value="6{}"/>'
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     text = "".join(record.format(i, i, i) for i in (0, 5))
    ...     _ = pathlib.Path(folder, "export.xml").write_text(f"<HealthData>{text}</HealthData>")
    ...     recording = read(open_source(folder))
    >>> recording.start.isoformat(), recording.device, recording.hr.values.tolist()
    ('2024-03-01T23:10:00+01:00', 'Watch', [60.0, 65.0])
    """
    file = _export(source)
    if file is None:
        raise FormatError(source.where, "holds no export.xml of Apple Health", "give the export.zip of the Health app")
    where = source.label(file)
    sources, in_bed = _records(source, file)
    if not sources:
        raise FormatError(where, "has no heart rate", "export all health data, of a time when a watch was worn")
    if recorder is not None and recorder not in sources:
        known = ", ".join(repr(each) for each in sorted(sources))
        raise InputError(source.where, f"has no heart rate recorded by {recorder!r}", f"recorders are {known}")
    asked = sources if recorder is None else {recorder: sources[recorder]}
    acc, clock, warnings = phone.acceleration(source)
    notes = list(warnings)
    if acc is not None and clock is None:
        acc = None
        notes.append("the acceleration beside the export has no clock and was left out")
    night, others = _night(asked.values(), acc)
    hearts = {name: records.stream(where).within(night) for name, records in sorted(asked.items())}
    chosen = max(hearts, key=lambda name: hearts[name].times_s.size)
    heart, zone = hearts[chosen], asked[chosen].zone(night.begin_s)
    notes += left_out(night, others, zone)
    notes += _about_hearts(hearts, chosen)
    return assemble(
        [stream for stream in (acc, heart) if stream is not None and stream.times_s.size],
        where=source.where,
        zone=zone,
        device=chosen,
        in_bed=in_bed,
        warnings=notes,
    )


def _export(source: Source) -> str | None:
    """The shortest name of an export: one beside it in a deeper folder is an older copy."""
    names = [name for name in source.sizes if source.sizes[name] and PurePosixPath(name).suffix.lower() == ".xml"]
    found = [name for name in sorted(names, key=len)[:20] if _begins(source.head(name, _HEAD_BYTES))]
    return found[0] if found else None


def _begins(head: bytes) -> bool:
    return _DOCTYPE in head or _MARK in head


def _records(source: Source, name: str) -> tuple[dict[str, _Records], list[Span]]:
    """Heart rates by source, and times in bed."""
    where = source.label(name)
    sources: dict[str, _Records] = {}
    in_bed: list[Span] = []
    with source.open(name) as file:
        for record in elements(where, file, "Record", types=(_HEART_RATE, _SLEEP)):
            if record.attributes["type"] == _HEART_RATE:
                start = _time(record, "startDate", where)
                own = sources.setdefault(record.attributes.get("sourceName", ""), _Records())
                own.bpm.append(_bpm(record, where))
                own.unix_s.append(start.timestamp())
                own.offset_min.append(int((start.utcoffset() or timedelta()).total_seconds() // 60))
            elif record.attributes.get("value") == _IN_BED:
                times = (_time(record, key, where).timestamp() for key in ("startDate", "endDate"))
                in_bed.append(Span(*times))
    return sources, in_bed


def _time(record: Element, key: str, where: str) -> datetime:
    text = record.attributes.get(key, "")
    try:
        # Without the space before its offset, Python reads it ten times as fast as by a pattern.
        moment = datetime.fromisoformat(text.replace(" +", "+").replace(" -", "-"))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or not 0 <= moment.timestamp() < _LATEST_UNIX_S:
        raise FormatError(where, f"line {record.line} has no {key} with an offset", "export the health data again")
    return moment


def _bpm(record: Element, where: str) -> float:
    unit = record.attributes.get("unit", "count/min")
    try:
        return float(record.attributes["value"]) * _PER_MIN[unit]
    except (KeyError, ValueError) as error:
        problem = f"line {record.line} has no heart rate, but {record.attributes.get('value')!r} in {unit!r}"
        raise FormatError(where, problem, "export the health data again") from error


def _night(asked: Iterable[_Records], acc: Stream | None) -> tuple[Span, list[Span]]:
    """The night in which acceleration was recorded, or the last in which heart rates were."""
    if acc is not None:
        times_s = acc.times_s[np.isfinite(acc.times_s)]
        if times_s.size:
            return Span(float(times_s.min()), float(times_s.max())), []
    records = list(asked)
    times_s = np.concatenate([np.array(each.unix_s) for each in records])
    return night_of(times_s, np.concatenate([np.array(each.bpm) for each in records]))


def _about_hearts(hearts: Mapping[str, Stream], chosen: str) -> list[str]:
    """Whose heart rates are read, where several recorded; and whether they are too few to stage a night from."""
    rest = ", ".join(f"{heart.times_s.size} of {name!r}" for name, heart in hearts.items() if name != chosen)
    times_s = np.sort(hearts[chosen].times_s)
    notes = []
    if any(heart.times_s.size for name, heart in hearts.items() if name != chosen):
        notes.append(f"{times_s.size} heart rates of {chosen!r} are read; left out: {rest}")
    if not times_s.size:
        notes.append("no heart rate was recorded while the acceleration was")
    elif times_s.size > 1 and (step_s := float(np.median(np.diff(times_s)))) > _USUAL_STEP_S:
        notes.append(f"a heart rate every {step_s:.0f} s only: a watch measures more often during a workout")
    return notes
