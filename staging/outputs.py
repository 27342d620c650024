"""A scored night -> its three files, all of them or none.

``NAME.hypnogram.csv`` (a row an epoch), ``NAME.architecture.json`` (the metrics and what they were made from) and
``NAME.report.html`` (one page to look at).
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import staging
from staging.errors import InputError, OutputError
from staging.files import refuse_place, write_atomically
from staging.report import render
from staging.scored import ScoredNight
from staging.scorings.own_csv import format_csv

__all__ = ["SUFFIXES", "architecture_json", "output_names", "prepare_folder", "write_outputs", "write_together"]

SUFFIXES = (".hypnogram.csv", ".architecture.json", ".report.html")
"""What follows the name of a night in the names of its files."""

_LONGEST_JSON = 1 << 24


def output_names(paths: Sequence[str | os.PathLike[str]]) -> list[str]:
    """Names of the results, one for each input: its own name, longer where two inputs share it.

    Parameters
    ----------
    paths : sequence of path
        Files or folders of recordings.

    Returns
    -------
    list of str
        The stem of a file or the name of a folder; with the folder above it in front where that is not unique.

    Raises
    ------
    InputError
        If an input is given twice, or two inputs cannot be told apart by their own and their folder's name.

    Examples
    --------
    >>> output_names(["P01/night.zip", "P02/night.zip", "nap.edf"])
    ['P01_night', 'P02_night', 'nap']
    """
    full = [Path(path).resolve() for path in paths]
    for index, path in enumerate(full):
        if path in full[:index]:
            raise InputError(paths[index], "is given twice", "give each recording once")
    short = [path.name if path.is_dir() else path.stem for path in full]
    candidates = (
        short,
        [f"{path.parent.name}_{name}" for path, name in zip(full, short, strict=True)],
        [f"{path.parent.name}_{path.name}" for path in full],
    )
    names = list(short)
    for longer in candidates[1:]:
        # File systems that do not tell capitals apart would write one over the other.
        folded = [name.casefold() for name in names]
        names = [other if folded.count(own.casefold()) > 1 else own for own, other in zip(names, longer, strict=True)]
    folded = [name.casefold() for name in names]
    for index, name in enumerate(folded):
        if name in folded[:index]:
            raise InputError(
                paths[index],
                f"its results would have the same name as those of {paths[folded.index(name)]}",
                "score them one at a time, each with its own --out folder",
            )
    return names


def prepare_folder(folder: str | os.PathLike[str]) -> Path:
    """Make the folder for results where it is not there yet.

    Raises
    ------
    OutputError
        If it cannot be made, or is a file.
    """
    path = Path(folder)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise OutputError(path, "is a file, not a folder", "give the name of a folder with --out") from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise OutputError(path, f"the folder cannot be made ({reason})", "choose another with --out") from error
    return path


def architecture_json(night: ScoredNight) -> str:
    """The metrics of a night and what they were made from, as JSON with a stable order of keys."""
    coverage = night.coverage_pct()
    confidence, unsure = night.mean_confidence(), night.unsure_share()
    content = {
        **night.architecture.to_dict(intervals=night.intervals),
        "made_from": {
            "file": night.file_name,
            "digest": night.tracks.digest(),
            "device": night.tracks.device,
            "subject": night.tracks.subject,
            "simulated": night.simulated,
            "sensors": {
                sensor: {"channel": night.tracks.sources.get(sensor), "mean_coverage_pct": round(pct, 2)}
                for sensor, pct in coverage.items()
            },
            "mean_confidence": None if confidence is None else round(confidence, 4),
            "unsure_epochs_pct": None if unsure is None else round(100.0 * unsure, 2),
            "model": {"name": night.model.name, "version": night.model.version, "headline": night.model.headline},
            "staging_version": staging.__version__,
        },
        "warnings": list(night.timed_warnings()),
    }
    return json.dumps(content, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def write_outputs(night: ScoredNight, folder: str | os.PathLike[str], *, overwrite: bool = False) -> list[Path]:
    """Write the files of a night.

    All are written beside their place first and moved there together, so that a failure leaves none of them.
    Results of the same recording are replaced; those of another one only with `overwrite`.

    Parameters
    ----------
    night : ScoredNight
        The night.
    folder : path
        Where its files go; must exist.
    overwrite : bool
        Replace files that do not come from this recording as well.

    Returns
    -------
    list of Path
        The files, in the order of `SUFFIXES`.

    Raises
    ------
    OutputError
        If a file cannot be written, or files of another recording have its name.
    """
    targets = [Path(folder) / f"{night.name}{suffix}" for suffix in SUFFIXES]
    if not overwrite:
        try:
            _refuse_other(night, targets)
        except OSError as error:  # a name that is too long, or a folder that may not be looked into
            raise _unwritten(folder, error) from error
    contents = (format_csv(night.hypnogram), architecture_json(night), render(night))
    write_together(folder, dict(zip((target.name for target in targets), contents, strict=True)))
    return targets


def write_together(folder: str | os.PathLike[str], contents: Mapping[str, str]) -> list[Path]:
    """Write files of one folder, all of them or none; a link in a file's place is replaced, never written through.

    Parameters
    ----------
    folder : path
        Must exist.
    contents : mapping of str to str
        Name of each file to its text.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    OutputError
        If one cannot be written.
    """
    targets = [Path(folder) / name for name in contents]
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".staging-") as aside:
            written = [
                write_atomically(Path(aside) / target.name, text)
                for target, text in zip(targets, contents.values(), strict=True)
            ]
            for target in targets:
                refuse_place(target)
            # The JSON says what they were all made from: it goes first, so that whoever is killed here can run again
            # over what was left.
            for source, target in sorted(
                zip(written, targets, strict=True), key=lambda pair: pair[1].suffix != ".json"
            ):
                source.replace(target)
    except OSError as error:
        raise _unwritten(folder, error) from error
    return targets


def _unwritten(folder: str | os.PathLike[str], error: OSError) -> OutputError:
    reason = error.strerror or type(error).__name__
    return OutputError(folder, f"results cannot be written ({reason})", "choose another with --out")


def _refuse_other(night: ScoredNight, targets: Sequence[Path]) -> None:
    """Raise where files of these names hold the results of another recording."""
    there = [target for target in targets if os.path.lexists(target)]
    earlier = ""
    if targets[1].is_file():
        with targets[1].open(encoding="utf-8", errors="replace") as file:
            earlier = file.read(_LONGEST_JSON)
    if there and _origin(earlier) != _origin(architecture_json(night)):
        raise OutputError(
            there[0],
            f"exists already and was not made from {night.file_name}",
            "choose another folder with --out, or replace it with --overwrite",
        )


def _origin(text: str) -> tuple[str, str, float | None] | None:
    """File, content and start of the recording an ``architecture.json`` was made from; None where it does not say."""
    try:
        content = json.loads(text)
        made_from, start = content["made_from"], content["start"]
        instant = None if start is None else datetime.fromisoformat(start).timestamp()
        return made_from["file"], made_from["digest"], instant
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
