"""Apple Health: the sleep analysis of ``export.xml``, or of the ``export.zip`` that holds it.

Assumptions
-----------
- Core sleep is light sleep (N1 and N2), deep sleep N3. Sleep without a stage is S: a night that has mostly such is of 2
  classes; in a night of stages it is UNSCORED, since nobody says which it was.
- Records of one device farther than 3 h apart are of two nights. Where several devices recorded a night, the one with
  the most staged sleep is taken, or the one that is asked for.
- Records of a device do not overlap by more than an epoch; those of sleep without a stage may lie under stages.
- A night of sleep without stages and without any record of being awake (older watches) was wake in its gaps; other
  gaps are UNSCORED.
- The times in bed that any device recorded around the night are lights-off and lights-on.
- Epochs are 30 s, each of the stage in its middle.
"""

from __future__ import annotations

import os
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import numpy as np

from staging.errors import FormatError
from staging.hypnogram import Hypnogram, Stage
from staging.readers.xml import Element, elements
from staging.scorings.options import Options
from staging.scorings.segments import Segment, nights_of, numbered, sample

__all__ = ["TITLE", "read", "sniff"]

TITLE = "Apple Health export (export.xml, export.zip)"

_TYPE = "HKCategoryTypeIdentifierSleepAnalysis"
_VALUE = "HKCategoryValueSleepAnalysis"
_STAGES = {
    "Awake": Stage.W,
    "AsleepCore": Stage.LIGHT,
    "AsleepDeep": Stage.DEEP,
    "AsleepREM": Stage.R,
    "Asleep": Stage.S,
    "AsleepUnspecified": Stage.S,
}
_IN_BED = "InBed"
_STAGED = {Stage.LIGHT, Stage.DEEP, Stage.R}
_EPOCH_S = 30.0


@dataclass(frozen=True)
class _Night:
    """One device's records of a night."""

    device: str
    segments: list[Segment]

    @property
    def begin_s(self) -> float:
        return self.segments[0].begin_s

    @property
    def end_s(self) -> float:
        return max(segment.end_s for segment in self.segments)

    def seconds(self, *stages: Stage) -> float:
        return sum(segment.length_s for segment in self.segments if segment.stage in stages)

    @property
    def worth(self) -> tuple[float, float]:
        return self.seconds(*_STAGED), self.seconds(Stage.S)


def sniff(name: str, head: bytes) -> bool:
    """Whether a file is an Apple Health export, from its name and first bytes."""
    return b"<!DOCTYPE HealthData" in head or b"<HealthData" in head or b"apple_health_export/" in head


def read(path: str | os.PathLike[str], options: Options) -> list[Hypnogram]:
    """All nights and naps of an export, in order of time.

    Raises
    ------
    FormatError
        If the file is broken, has no sleep, or records of one device overlap; the message names the line.
    """
    by_device: defaultdict[str, list[Segment]] = defaultdict(list)
    in_bed: list[Segment] = []
    zones: dict[float, datetime] = {}
    with _opened(path) as file:
        for record in elements(path, file, "Record"):
            if record.attributes.get("type") != _TYPE:
                continue
            value = record.attributes.get("value", "").removeprefix(_VALUE)
            if value != _IN_BED and value not in _STAGES:
                known = ", ".join((_IN_BED, *_STAGES))
                raise FormatError(path, f"line {record.line} has the unknown value {value!r}", f"values are {known}")
            start, segment = _segment(path, record, _STAGES.get(value, Stage.UNSCORED))
            zones[segment.begin_s] = start
            if value == _IN_BED:
                in_bed.append(segment)
            else:
                by_device[record.attributes.get("sourceName", "")].append(segment)
    if options.device is not None and options.device not in by_device:
        raise FormatError(
            path,
            f"has no sleep recorded by {options.device!r}",
            f"devices are {', '.join(sorted(by_device)) or 'none'}",
        )
    devices = by_device if options.device is None else {options.device: by_device[options.device]}
    nights = _best([night for device, segments in devices.items() for night in _nights(path, device, segments)])
    if not nights:
        raise FormatError(path, "has no sleep analysis but times in bed, or none at all", "export all health data")
    return [
        _hypnogram(night, in_bed, zones[night.begin_s], numbered(path, index, len(nights)))
        for index, night in enumerate(nights)
    ]


@contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """The XML, out of its archive where it is in one."""
    try:
        if not zipfile.is_zipfile(path):
            with Path(path).open("rb") as file:
                yield file
            return
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith(".xml") and "_cda" not in name]
            if not names:
                raise FormatError(path, "has no export.xml inside", "give the export.zip of Apple Health")
            with archive.open(min(names, key=len)) as member:
                yield member  # type: ignore[misc]
    except (OSError, zipfile.BadZipFile) as error:
        raise FormatError(path, f"cannot be read ({error})", "export the health data again") from error


def _segment(path: str | os.PathLike[str], record: Element, stage: Stage) -> tuple[datetime, Segment]:
    place = f"line {record.line}"
    try:
        start, end = (
            datetime.strptime(record.attributes[key], "%Y-%m-%d %H:%M:%S %z") for key in ("startDate", "endDate")
        )
    except (KeyError, ValueError) as error:
        raise FormatError(
            path, f"{place} has no startDate or endDate with an offset", "export the health data again"
        ) from error
    length_s = (end - start).total_seconds()
    if length_s < 0:
        raise FormatError(path, f"{place} ends before it begins", "mend or remove the record")
    return start, Segment(start.timestamp(), length_s, stage, place)


def _nights(path: str | os.PathLike[str], device: str, segments: list[Segment]) -> list[_Night]:
    unique = {(segment.begin_s, segment.length_s, segment.stage): segment for segment in segments}
    ordered = sorted(unique.values(), key=lambda segment: (segment.begin_s, segment.end_s))
    last: Segment | None = None
    for segment in ordered:
        if segment.stage == Stage.S:
            continue
        if last is not None and last.end_s - segment.begin_s > _EPOCH_S:
            raise FormatError(
                path,
                f"{segment.place} begins {last.end_s - segment.begin_s:.0f} s before {last.place} ends, both by "
                f"{device!r}",
                "remove one of the two records",
            )
        last = segment
    nights = (_Night(device, night) for night in nights_of(ordered))
    return [night for night in nights if sum(night.worth) > 0]


def _best(nights: list[_Night]) -> list[_Night]:
    """Of nights at the same time the one with the most staged sleep; in order of time."""
    kept: list[_Night] = []
    for night in sorted(nights, key=lambda each: each.worth, reverse=True):
        if all(night.end_s <= other.begin_s or night.begin_s >= other.end_s for other in kept):
            kept.append(night)
    return sorted(kept, key=lambda night: night.begin_s)


def _hypnogram(night: _Night, in_bed: list[Segment], start: datetime, source: str) -> Hypnogram:
    staged, unstaged = night.worth
    two = unstaged > staged
    # What has no stage lies under what has one.
    order = sorted(night.segments, key=lambda segment: segment.stage != Stage.S)
    stages = sample(order, night.begin_s, night.end_s, _EPOCH_S)
    warnings: tuple[str, ...] = ()
    if two:
        stages = np.where((stages != Stage.W) & (stages != Stage.UNSCORED), Stage.S.value, stages)
        if not np.any(stages == Stage.W):
            stages = np.where(stages == Stage.UNSCORED, Stage.W.value, stages)
    elif np.any(stages == Stage.S):
        count = int(np.sum(stages == Stage.S))
        stages = np.where(stages == Stage.S, Stage.UNSCORED.value, stages)
        warnings = (f"{count} epochs of sleep without a stage are unscored",)
    around = [bed for bed in in_bed if bed.begin_s < night.end_s and bed.end_s > night.begin_s]
    return Hypnogram(
        stages=stages,
        n_classes=2 if two else 4,
        epoch_s=_EPOCH_S,
        start=start,
        lights_off_s=min(bed.begin_s for bed in around) - night.begin_s if around else None,
        lights_on_s=max(bed.end_s for bed in around) - night.begin_s if around else None,
        source=source,
        warnings=warnings,
    )
