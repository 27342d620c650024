"""Files of scored sleep -> their architecture in every form, and the same nights in another format.

Each file is read, its lights times set, and its nights summarised together; a bad file is said and does not keep the
others from being summarised.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from staging.architecture import (
    Interval,
    ManyNights,
    NightRules,
    NormComparison,
    SleepArchitecture,
    compare_with_norms,
    format_tidy_csv,
    summarize_many,
    summarize_nights,
)
from staging.architecture.nights import in_bed_span
from staging.errors import InputError, OutputError, StagingError
from staging.exit_codes import EXIT_BAD_INPUT, EXIT_FINE
from staging.files import write_atomically
from staging.hypnogram import CLASSES, Hypnogram
from staging.outputs import prepare_folder
from staging.pipeline import intervals_of
from staging.report import plot
from staging.scorings import read_hypnograms, write_hypnogram
from staging.terminal import many_nights, summary, summary_table
from staging.when import LightsTime, resolve_lights

__all__ = ["FORMATS", "TABLE", "convert_files", "summarize_files"]

FORMATS: Mapping[str, str] = {"csv": "csv", "json": "json", "edf": "edf", "codes": "txt"}
"""Formats that `convert_files` writes, and the suffixes of their files."""

TABLE = "nights.csv"
"""Name of the tidy table in a folder of results."""

Lights = tuple[LightsTime | None, LightsTime | None]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class _Summarised:
    """A night with all that was asked for."""

    name: str
    architecture: SleepArchitecture
    intervals: Mapping[str, Interval] | None
    norms: Sequence[NormComparison]

    def to_dict(self) -> dict[str, object]:
        return self.architecture.to_dict(intervals=self.intervals, norms=self.norms)


def summarize_files(
    options: argparse.Namespace, *, lights: Lights, reading: Mapping[str, Any], ascii_only: bool
) -> int:
    """Print, write and draw the architecture of files.

    Parameters
    ----------
    options : Namespace
        Of ``staging summarize``.
    lights : pair of LightsTime or None
        Lights-off and lights-on in place of the files' own.
    reading : mapping
        What `read_hypnograms` may be told.
    ascii_only : bool
        Draw without block characters.

    Returns
    -------
    int
        The exit code.

    Raises
    ------
    StagingError
        If an option cannot be used, or a result cannot be written.
    """
    if options.plot is not None:
        plot((), options.plot)  # a name that cannot be drawn is said before anything is read
    if options.sex is not None and options.age is None:
        raise InputError("--sex", "published ranges need an age as well", "give --age")
    found, code = _read(options.files, lights, reading, options.around_sleep)
    if not found:
        return code
    nights = [
        _Summarised(
            name=name,
            architecture=architecture,
            intervals=_intervals(architecture.hypnogram, options),
            norms=_norms(architecture, options),
        )
        for name, architecture in zip(_names(found), summarize_many(found), strict=True)
    ]
    many = _over_nights(found, options) if options.together else None
    if options.out is not None:
        _write(nights, many, prepare_folder(options.out))
    if options.plot is not None:
        write_atomically(options.plot, plot([night.architecture for night in nights], options.plot))
    print(_text(nights, many, options, ascii_only), end="")
    return code


def convert_files(options: argparse.Namespace, *, lights: Lights, reading: Mapping[str, Any]) -> int:
    """Write the nights of files in another format.

    Parameters
    ----------
    options : Namespace
        Of ``staging convert``.
    lights, reading
        As for `summarize_files`.

    Returns
    -------
    int
        The exit code.

    Raises
    ------
    StagingError
        If a night cannot be told in the classes that are asked for, or a file cannot be written.
    """
    found, code = _read(options.files, lights, reading, None)
    folder = prepare_folder(options.out)
    given = {Path(path).resolve() for path in options.files}
    targets = [folder / f"{name}.hypnogram.{FORMATS[options.to]}" for name in _names(found)]
    for target in targets:
        if target.resolve() in given:
            raise OutputError(target, "is one of the files that are read", "choose another folder with --out")
        if target.exists() and not options.overwrite:
            raise OutputError(target, "exists already", "choose another folder with --out, or give --overwrite")
    merged = [_merged(night, options.classes) for night in found]
    for night, target in zip(merged, targets, strict=True):
        write_hypnogram(night, target, format=options.to)
        if not options.quiet:
            print(target)
    return code


def _read(
    files: Iterable[str], lights: Lights, reading: Mapping[str, Any], around_sleep_min: float | None
) -> tuple[list[Hypnogram], int]:
    """All nights of all files with their lights times, and the exit code."""
    off, on = lights
    found: list[Hypnogram] = []
    code = EXIT_FINE
    for path in files:
        try:
            for night in read_hypnograms(path, **reading):
                off_s, on_s = resolve_lights(
                    off,
                    on,
                    start=night.start,
                    end_s=night.duration_s,
                    known=_around(night, around_sleep_min),
                    where=night.source or path,
                )
                lit = dataclasses.replace(night, lights_off_s=off_s, lights_on_s=on_s)
                in_bed_span(lit)
                found.append(lit)
        except StagingError as error:
            print(f"staging: {error}", file=sys.stderr)
            code = EXIT_BAD_INPUT
    return found, code


def _around(night: Hypnogram, around_sleep_min: float | None) -> tuple[float | None, float | None]:
    """Lights times of the file, or so many minutes around its sleep where it has none and that is asked for."""
    known = (night.lights_off_s, night.lights_on_s)
    asleep = np.flatnonzero(night.indices() > 0)
    if around_sleep_min is None or known != (None, None) or not asleep.size:
        return known
    around_s = 60.0 * around_sleep_min
    first, last = float(asleep[0]) * night.epoch_s, float(asleep[-1] + 1) * night.epoch_s
    return max(first - around_s, 0.0), min(last + around_s, night.duration_s)


def _intervals(night: Hypnogram, options: argparse.Namespace) -> Mapping[str, Interval] | None:
    if not options.intervals:
        return None
    found = intervals_of(night, model=options.model)
    if found is None:
        why = "has no probabilities" if night.probabilities is None else "is of a model that was not calibrated"
        print(f"{night.source}: {why}, so that --intervals has no effect", file=sys.stderr)
    return found


def _norms(architecture: SleepArchitecture, options: argparse.Namespace) -> Sequence[NormComparison]:
    if options.age is None:
        return ()
    return compare_with_norms(architecture.metrics, age_years=options.age, sex=options.sex)


def _over_nights(found: Sequence[Hypnogram], options: argparse.Namespace) -> ManyNights:
    rules = NightRules(
        min_scored_pct=options.min_scored,
        min_tib_min=options.min_in_bed,
        min_nights=options.min_nights,
        main_only=not options.naps,
    )
    return summarize_nights(found, night_rules=rules)


def _names(nights: Sequence[Hypnogram]) -> list[str]:
    """A name for the files of each night, from its source: no two the same, whatever the case of letters."""
    names: list[str] = []
    taken: set[str] = set()
    for night in nights:
        stem = re.sub(r"\.(hypnogram\.)?[A-Za-z0-9]{1,5}(?=$| \()", "", Path(night.source).name) or "night"
        plain = re.sub(r"[^\w.-]+", "_", stem).strip("_")
        name, number = plain, 1
        while name.casefold() in taken:
            number += 1
            name = f"{plain}_{number}"
        taken.add(name.casefold())
        names.append(name)
    return names


def _write(nights: Sequence[_Summarised], many: ManyNights | None, folder: Path) -> None:
    for night in nights:
        write_atomically(folder / f"{night.name}.architecture.json", _json(night.to_dict()))
    write_atomically(folder / TABLE, _table(nights))
    if many is not None:
        write_atomically(folder / "together.json", _json(many.to_dict()))


def _table(nights: Sequence[_Summarised]) -> str:
    intervals = [night.intervals for night in nights]
    some = any(each is not None for each in intervals)
    return format_tidy_csv([night.architecture for night in nights], intervals=intervals if some else None)


def _json(content: object) -> str:
    return json.dumps(content, indent=2, allow_nan=False) + "\n"


def _text(nights: Sequence[_Summarised], many: ManyNights | None, options: argparse.Namespace, ascii_only: bool) -> str:
    """What is printed."""
    if options.csv:
        return _table(nights)
    if options.json:
        if many is not None:
            return _json(many.to_dict())
        content = [night.to_dict() for night in nights]
        return _json(content[0] if len(content) == 1 else content)
    if len(nights) == 1 and many is None:
        (night,) = nights
        return (
            summary(
                night.architecture.hypnogram.source,
                night.architecture,
                intervals=night.intervals,
                norms=night.norms,
                ascii_only=ascii_only,
            )
            + "\n"
        )
    text = summary_table((night.architecture.hypnogram.source, night.architecture) for night in nights) + "\n"
    return text if many is None else f"{text}\n{many_nights(many)}\n"


def _merged(night: Hypnogram, n_classes: int | None) -> Hypnogram:
    if n_classes is None or n_classes == night.n_classes:
        return night
    if n_classes > night.n_classes:
        raise InputError(
            night.source or "hypnogram",
            f"has {night.n_classes} classes, which cannot be told as {n_classes}",
            f"give --classes {' or '.join(str(k) for k in CLASSES if k <= night.n_classes)}",
        )
    return night.merge(n_classes)
