"""Hypnograms from files and to files: one format a module, found by content, loaded when used.

A format is a module with ``TITLE``, ``sniff(name, head) -> bool`` and ``read(path, options) -> list of Hypnogram``; one
that can be written has ``write(hypnogram, path) -> Path`` as well.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, cast

from staging.errors import FormatError, InputError, OutputError
from staging.hypnogram import Hypnogram, Stage
from staging.scorings.options import Options

__all__ = [
    "Options",
    "formats",
    "read_csv",
    "read_hypnogram",
    "read_hypnograms",
    "write_csv",
    "write_hypnogram",
]

_MODULES = {
    "csv": "staging.scorings.own_csv",
    "json": "staging.scorings.own_json",
    "edf": "staging.scorings.edf",
    "nsrr": "staging.scorings.nsrr",
    "oura": "staging.scorings.oura",
    "fitbit": "staging.scorings.fitbit",
    "apple_health": "staging.scorings.apple_health",
    "codes": "staging.scorings.codes",
}
"""Formats in the order in which they are tried; the one that takes any text is the last."""

_WRITERS = {"csv": "csv", "json": "json", "edf": "edf", "codes": "txt"}
"""Formats that can be written, with the suffix that chooses them."""

_HEAD = 1 << 16
_MAX_TEXT_BYTES = 256 << 20
_MAX_BYTES = 4 << 30
_PIECEWISE = ("edf", "apple_health")
"""Formats that may hold much else, which is not read into memory."""


class _Format(Protocol):
    TITLE: str

    def sniff(self, name: str, head: bytes) -> bool: ...
    def read(self, path: str | os.PathLike[str], options: Options) -> list[Hypnogram]: ...
    def write(self, hypnogram: Hypnogram, path: str | os.PathLike[str]) -> Path: ...


def _module(name: str) -> _Format:
    return cast(_Format, importlib.import_module(_MODULES[name]))


def formats() -> dict[str, str]:
    """Names and titles of the formats that can be read.

    Examples
    --------
    >>> formats()["edf"]
    'EDF+ annotations (.edf)'
    """
    return {name: _module(name).TITLE for name in _MODULES}


def read_hypnograms(
    path: str | os.PathLike[str],
    *,
    format: str | None = None,
    zone: str | None = None,
    codes: str | Mapping[str, Stage] | None = None,
    epoch_s: float | None = None,
    column: str | None = None,
    night_column: str | None = None,
    device: str | None = None,
) -> list[Hypnogram]:
    r"""All nights of a file of scored sleep.

    Parameters
    ----------
    path : str or path
        EDF+ annotations, NSRR XML, Oura, Fitbit or Apple Health exports, CSV or JSON of this package, or bare codes.
    format : str, optional
        A name of `formats`; found from the content by default.
    zone : str, optional
        Time zone of clock times without one, such as ``"Europe/Dublin"``; without it such a start is left out and a
        warning says so.
    codes : str or mapping of str to Stage, optional
        What bare codes mean: a name of `staging.scorings.codes.CODE_TABLES` (``"yasa"``, ``"rk"``, ``"ucddb"``, ...) or
        a table.
    epoch_s : float, optional
        Length of an epoch where the file does not say it; 30 s by default.
    column : str, optional
        Name, or number from 1, of the column of stages in a table of codes.
    night_column : str, optional
        Likewise of a column whose values tell the nights of such a table apart.
    device : str, optional
        Which device's records to take from an export of several.

    Returns
    -------
    list of Hypnogram
        In order of time. Where there are several, ``source`` numbers them.

    Raises
    ------
    FormatError
        If the format is not known or the content is wrong; the message names the line.
    InputError
        If an option is wrong.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "night.txt"
    ...     _ = file.write_text("0\n1\n2\n")
    ...     read_hypnograms(file, codes="yasa")[0].stages.tolist()
    ['W', 'N1', 'N2']
    """
    options = Options(zone=zone, codes=codes, epoch_s=epoch_s, column=column, night_column=night_column, device=device)
    if format is not None and format not in _MODULES:
        raise InputError(f"format {format!r}", "is not known", f"use one of {', '.join(_MODULES)}")
    head = _head(path)
    if not head:
        raise FormatError(path, "is empty", "give a file of scored sleep")
    of_codes = codes is not None or column is not None
    name = format or ("codes" if of_codes else _sniffed(path, head))
    size, limit = Path(path).stat().st_size, _MAX_BYTES if name in _PIECEWISE else _MAX_TEXT_BYTES
    if size > limit:
        raise FormatError(path, f"{size / 1e6:.0f} MB are no night of scored sleep", "give its hypnogram alone")
    return _module(name).read(path, options)


def read_hypnogram(
    path: str | os.PathLike[str],
    *,
    format: str | None = None,
    zone: str | None = None,
    codes: str | Mapping[str, Stage] | None = None,
    epoch_s: float | None = None,
    column: str | None = None,
    night_column: str | None = None,
    device: str | None = None,
) -> Hypnogram:
    """The one night of a file of scored sleep.

    Parameters are those of `read_hypnograms`.

    Returns
    -------
    Hypnogram
        The night.

    Raises
    ------
    FormatError
        If the file holds several nights, or as `read_hypnograms` does.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = write_hypnogram(Hypnogram(stages=["W", "N2"]), Path(folder) / "night.edf")
    ...     read_hypnogram(file).stages.tolist()
    ['W', 'N2']
    """
    nights = read_hypnograms(
        path,
        format=format,
        zone=zone,
        codes=codes,
        epoch_s=epoch_s,
        column=column,
        night_column=night_column,
        device=device,
    )
    if len(nights) != 1:
        raise FormatError(path, f"holds {len(nights)} nights", "read it with read_hypnograms, or part it")
    return nights[0]


def write_hypnogram(hypnogram: Hypnogram, path: str | os.PathLike[str], *, format: str | None = None) -> Path:
    r"""Write a hypnogram, whole or not at all.

    Parameters
    ----------
    hypnogram : Hypnogram
        Any night.
    path : str or path
        The file.
    format : str, optional
        ``"csv"``, ``"json"``, ``"edf"`` (EDF+ annotations) or ``"codes"`` (YASA's integers, one a line); by default
        from the suffix ``.csv``, ``.json``, ``.edf`` or ``.txt``.

    Returns
    -------
    pathlib.Path
        The file that was written.

    Raises
    ------
    OutputError
        If the format is not known or the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_hypnogram(Hypnogram(stages=["W", "R"]), Path(folder) / "night.txt").read_text()
    '0\n4\n'
    """
    suffix = Path(path).suffix.lower().removeprefix(".")
    name = format or next((each for each, ending in _WRITERS.items() if ending == suffix), None)
    if name not in _WRITERS:
        known = ", ".join(f".{ending}" for ending in _WRITERS.values())
        raise OutputError(path, f"cannot be written as {format or suffix or 'a file without suffix'}", f"use {known}")
    return _module(name).write(hypnogram, path)


def read_csv(path: str | os.PathLike[str]) -> Hypnogram:
    """Read a night from the CSV of this package; see `staging.scorings.own_csv.read_csv`."""
    from staging.scorings.own_csv import read_csv as read

    return read(path)


def write_csv(hypnogram: Hypnogram, path: str | os.PathLike[str]) -> Path:
    """Write a night as the CSV of this package; see `staging.scorings.own_csv.write_csv`."""
    from staging.scorings.own_csv import write_csv as write

    return write(hypnogram, path)


def _head(path: str | os.PathLike[str]) -> bytes:
    try:
        if Path(path).exists() and not (Path(path).is_file() or Path(path).is_dir()):  # to open a pipe waits for ever
            raise FormatError(path, "is no file", "give a file of scored sleep")
        with Path(path).open("rb") as file:
            return file.read(_HEAD)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise FormatError(path, f"cannot be read ({reason})", "give a file of scored sleep") from error


def _sniffed(path: str | os.PathLike[str], head: bytes) -> str:
    for name in _MODULES:
        if _module(name).sniff(Path(path).name, head):
            return name
    raise FormatError(path, "is of no known format of scored sleep", f"give one of {', '.join(_MODULES)}")
