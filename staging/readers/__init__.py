"""Readers of device files: one format a file, found by content, loaded when used.

A format is a module with ``TITLE``, ``CHANNELS``, ``sniff(source) -> bool`` and ``read(source) -> Recording``. One that
lets the user choose channels by name takes them as ``read(source, channels=...)`` and says ``CHOOSES_CHANNELS = True``;
one that reads the records of one of several devices takes its name as ``read(source, recorder=...)`` and says
``CHOOSES_RECORDER = True``; one that needs a library that is not installed with this package says in ``EXTRA`` by
which of the extras it is.
Other packages add modules through the entry point group ``staging.readers``::

    [project.entry-points."staging.readers"]
    my_device = "my_package.my_device"
"""

from __future__ import annotations

import errno
import importlib
import os
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple, Protocol, cast

import numpy as np

from staging.errors import FormatError, RecordingError
from staging.readers.source import Source, open_source
from staging.recording import CHANNELS, Recording

__all__ = ["Format", "formats", "read"]

_MODULES = {
    "edf": "staging.readers.edf",
    "e4": "staging.readers.e4",
    "geneactiv": "staging.readers.geneactiv",
    "axivity": "staging.readers.axivity",
    "actigraph": "staging.readers.actigraph",
    "wfdb": "staging.readers.wfdb",
    "embrace_plus": "staging.readers.embrace_plus",
    "garmin_fit": "staging.readers.garmin_fit",
    "sleep_accel": "staging.readers.sleep_accel",
    "dreamt": "staging.readers.dreamt",
    "apple_health": "staging.readers.apple_health",
    "fitbit": "staging.readers.fitbit",
    "polar_flow": "staging.readers.polar_flow",
    "polar_sensor": "staging.readers.polar_sensor",
    "garmin_csv": "staging.readers.garmin_csv",
    "phone": "staging.readers.phone",
    "hdf5": "staging.readers.hdf5",
    "parquet": "staging.readers.parquet",
    "plain": "staging.readers.plain",
}
"""Formats that ship, in the order in which they are tried; the most general are the last."""

_FIRST_GENERAL = "phone"
"""From here on formats are known by the names of columns alone: those of other packages are tried before them."""

_GROUP = "staging.readers"

_SCORED = re.compile(
    rb'^(?:\xef\xbb\xbf)?"?(?:Start"?[;,]"?End"?[;,]"?Sleep quality|Id"?,"?Tz"?,"?From"?,"?To"?)', re.IGNORECASE
)
"""How tables of nights begin that a phone's app has scored already (Sleep Cycle, Sleep as Android)."""


class _Reader(Protocol):
    TITLE: str
    CHANNELS: tuple[str, ...]

    def sniff(self, source: Source) -> bool: ...

    def read(self, source: Source, **options: object) -> Recording: ...


class Format(NamedTuple):
    """One format that can be read."""

    name: str
    title: str
    channels: tuple[str, ...]
    """Channels that it can give, of `staging.recording.CHANNELS`."""
    extra: str = ""
    """What installs the library that it needs, as in ``pip install "staging[fit]"``; empty where it needs none."""


def formats() -> list[Format]:
    """The formats that can be read, in the order in which they are tried.

    Examples
    --------
    >>> [format.name for format in formats()][-1]
    'plain'
    """
    return [
        Format(name, reader.TITLE, tuple(reader.CHANNELS), getattr(reader, "EXTRA", "")) for name, reader in _readers()
    ]


def read(
    path: str | os.PathLike[str],
    *,
    format: str | None = None,
    channels: Mapping[str, str] | None = None,
    recorder: str | None = None,
) -> Recording:
    r"""Read a recording: a device's file, folder or zip.

    Parameters
    ----------
    path : str or path
        Where the recording is.
    format : str, optional
        Name of the format, one of `formats`; told from the content if not given.
    channels : mapping of str to str, optional
        For formats whose channels have free names (EDF): channel to name, as ``{"ppg": "Pleth"}``.
    recorder : str, optional
        For exports of several devices (Apple Health, Polar): whose records to read.

    Returns
    -------
    Recording
        Channels in fixed units on one time axis; what was mended or doubted in ``warnings``.

    Raises
    ------
    FormatError
        If there is no such file, its format is not known, or it is damaged.
    RecordingError
        If it was read but cannot be right: a wrong unit, impossible times, no sensor with values.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = pathlib.Path(folder, "hr.csv").write_text("t_s,bpm\n0,61\n5,60\n10,62\n")
    ...     read(folder).hr.values.tolist()
    [61.0, 60.0, 62.0]
    """
    from staging.readers.checks import check

    with _said_in_one_line(os.fspath(path)):
        source = open_source(path)
        name, reader = _named(format) if format is not None else _sniffed(source)
    options: dict[str, object] = {}
    if channels is not None:
        if not getattr(reader, "CHOOSES_CHANNELS", False):
            raise FormatError(source.where, f"the channels of the format {name} have fixed names", "leave channels out")
        unknown = sorted(set(channels) - set(CHANNELS))
        if unknown:
            raise FormatError("channels", f"{unknown[0]!r} is not a channel", f"choose from {', '.join(CHANNELS)}")
        options["channels"] = channels
    if recorder is not None:
        if not getattr(reader, "CHOOSES_RECORDER", False):
            raise FormatError(source.where, f"the format {name} is of one recorder", "leave the recorder out")
        options["recorder"] = recorder
    with _said_in_one_line(source.where):
        return check(reader.read(source, **options))


@contextmanager
def _said_in_one_line(where: str) -> Iterator[None]:
    """What is wrong with the machine or the disk, and not with the reader, is the user's to mend.

    Numbers of damaged files overflow, or are none: they become infinite or NaN, which `check` takes for none and
    says so. numpy's own word for it names no file and would help nobody.
    """
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            yield
    except MemoryError as error:
        raise _too_large(where) from error
    except OSError as error:
        if error.errno == errno.ENOMEM:  # as mapping a file says it
            raise _too_large(where) from error
        raise FormatError(where, f"cannot be read ({error.strerror or error})", "copy it to another disk") from error


def _too_large(where: str) -> RecordingError:
    return RecordingError(where, "needs more memory than there is", "split it into single nights, or free some memory")


def _readers() -> Iterator[tuple[str, _Reader]]:
    for name in _MODULES:
        if name == _FIRST_GENERAL:
            yield from _foreign()
        yield name, _shipped(name)


def _shipped(name: str) -> _Reader:
    return cast(_Reader, importlib.import_module(_MODULES[name]))


def _foreign() -> Iterator[tuple[str, _Reader]]:
    """Readers of other packages; one that cannot be loaded must not keep the others from reading."""
    from importlib.metadata import entry_points

    for entry in entry_points(group=_GROUP):
        if entry.name not in _MODULES:
            try:
                reader = entry.load()
            except Exception as error:
                warnings.warn(f"the reader {entry.name} ({entry.value}) cannot be loaded: {error}", stacklevel=2)
            else:
                yield entry.name, reader


def _named(format: str) -> tuple[str, _Reader]:
    if format in _MODULES:
        return format, _shipped(format)
    readers = dict(_readers())
    if format not in readers:
        raise FormatError(format, "is not the name of a format", f"choose from {', '.join(readers)}")
    return format, readers[format]


def _sniffed(source: Source) -> tuple[str, _Reader]:
    refused: FormatError | None = None
    for name, reader in _readers():
        try:
            if reader.sniff(source):
                return name, reader
        except FormatError as error:  # several recordings at once, as this format sees it
            refused = refused or error
    if refused is not None:
        raise refused
    mend = "'staging formats' lists those that can be; a table of your own needs columns such as t_s,ppg"
    if source.is_file and _SCORED.match(source.head(next(iter(source.sizes)))):
        mend = "it lists nights that an app has scored; give the signals that were recorded, of a watch at best"
    packed = sorted(name for name in source.sizes if name.lower().endswith(".zip"))
    if packed:
        mend = f"give one of its zips, such as {packed[0]}"
    raise FormatError(source.where, f"not a format that can be read ({_held(source)})", mend)


def _held(source: Source) -> str:
    """What an unknown file or folder holds, for the user to recognise it."""
    if not source.is_file:
        names = sorted(source.sizes)
        return f"a folder or zip with {', '.join(names[:4])}{', ...' if len(names) > 4 else ''}"
    (name,) = source.sizes
    head = source.head(name)
    if b"\0" in head:
        return "binary data"
    line = head.decode("utf-8", errors="replace").strip().partition("\n")[0].strip()
    return f"text that begins with {line[:60]!r}"
