"""Nights made once: read from a cache where it has them, made in parallel and kept where it has not.

What is made of a night is a `Kind`: tracks, unless another is asked for. A night's key is a hash of the bytes of its
files, their names, its name in the set, and the code that makes the kind of them (`training.code_version`, which covers
every constant of the tracks). Nothing is believed because it exists or is new: the same bytes and the same code give
the same key, anything else another. An entry is written under another name and renamed when it is whole; one that
cannot be read is made again. The folder may be deleted at any time.
"""

from __future__ import annotations

import functools
import hashlib
import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from datetime import datetime
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from staging.errors import FormatError, InputError, OutputError, StagingError
from staging.files import write_atomically
from staging.tracks import SENSORS, Tracks
from training.code_version import code_version
from training.night import Labelled, LabelledNight, NightSource, ScoredRecording, tracks_of, whatever_fails_named
from training.stopping import begin_worker

__all__ = ["TRACKS", "Kind", "key_of", "obtain", "read_arrays", "read_entry", "write_arrays", "write_entry"]

T = TypeVar("T", bound=Labelled)

_SCHEMA = 2
_SERIES = ("heart_rate_bpm", "counts", "gravity_g", "temperature_c")
_TEXTS = ("n_epochs", "lights_off_s", "lights_on_s", "source", "device", "subject", "sources", "warnings")


@dataclass(frozen=True, kw_only=True)
class Kind(Generic[T]):
    """What is made of a recording, and how that is kept; functions of modules, so that they can be pickled.

    Attributes
    ----------
    make : callable
        Makes it, or raises the `StagingError` that says why it cannot be made.
    write : callable
        Writes it to a file, whole or not at all.
    read : callable
        Reads it back; None where there is no file, or a damaged one.
    """

    make: Callable[[ScoredRecording], T]
    write: Callable[[Path, T], None]
    read: Callable[[Path], T | None]


def write_arrays(path: Path, about: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays and what JSON can hold, whole or not at all.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    buffer = io.BytesIO()
    np.savez(buffer, about=np.array(json.dumps(about)), **arrays)
    write_atomically(path, buffer.getvalue())


def read_arrays(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """What `write_arrays` wrote; any exception where the file is damaged."""
    with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as entry:
        arrays = {name: entry[name] for name in entry.files}
    return json.loads(arrays.pop("about").item()), arrays


def write_entry(path: Path, night: LabelledNight) -> None:
    """Write a night of tracks, whole or not at all.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    tracks = night.tracks
    about = {
        "dataset": night.dataset,
        "night_subject": night.subject,
        "start": None if tracks.start is None else tracks.start.isoformat(),
        **{name: getattr(tracks, name) for name in _TEXTS},
    }
    arrays = {
        "reference": night.reference,
        **{name: getattr(tracks, name) for name in _SERIES},
        **{f"coverage_{sensor}": tracks.coverage[sensor] for sensor in SENSORS},
    }
    write_arrays(path, about, arrays)


def read_entry(path: Path) -> LabelledNight | None:
    """A night of the cache; None where there is none, or it is damaged."""
    if not path.is_file():
        return None
    try:
        about, arrays = read_arrays(path)
        start, warnings = about.pop("start"), tuple(about.pop("warnings"))
        dataset, subject = about.pop("dataset"), about.pop("night_subject")
        tracks = Tracks(
            start=None if start is None else datetime.fromisoformat(start),
            coverage={sensor: arrays[f"coverage_{sensor}"] for sensor in SENSORS},
            warnings=warnings,
            **{name: arrays[name] for name in _SERIES},
            **about,
        )
        return LabelledNight(dataset=dataset, subject=subject, tracks=tracks, reference=arrays["reference"])
    except Exception:  # a damaged file can fail anywhere inside zipfile and numpy; it is made again
        return None


TRACKS = Kind(make=tracks_of, write=write_entry, read=read_entry)
"""The few even series that the default network is made from."""


def obtain(
    sources: Sequence[NightSource],
    *,
    kind: Kind[T] = TRACKS,
    cache: Path | None = None,
    jobs: int = 1,
) -> Iterator[T | StagingError]:
    """Nights in the order of their sources; in place of one that cannot be read, the error that says why.

    Parameters
    ----------
    sources : sequence of NightSource
        What to read.
    kind : Kind
        What to make of it.
    cache : path, optional
        Folder that keeps what was made; made if it is not there. Without it every night is made.
    jobs : int
        Processes that read at a time.

    Raises
    ------
    InputError
        If `jobs` is not positive, or a process was ended from outside, as for want of memory.
    OutputError
        If the cache cannot be written.
    """
    if jobs < 1:
        raise InputError(f"--jobs {jobs}", "is no number of processes", "give 1 or more")
    if cache is not None:
        try:
            cache.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(cache, f"is no folder that can be made ({error.strerror})", "choose another") from error
    one = functools.partial(_obtain, kind=kind, cache=cache)
    versions = [code_version(_module_of(source)) + code_version(kind.make.__module__) for source in sources]
    if jobs == 1 or len(sources) < 2:
        yield from _shown(map(one, sources, versions), len(sources))
        return
    # Forked children of a process with threads, as torch has, may wait for ever.
    before = set(active_children())
    pool = ProcessPoolExecutor(
        min(jobs, len(sources)), get_context("spawn"), initializer=begin_worker, initargs=(os.getpid(),)
    )
    try:
        yield from _shown(pool.map(one, sources, versions), len(sources))
    except BrokenProcessPool as error:
        problem = "a process that read nights was ended from outside, most likely for want of memory"
        raise InputError(
            f"--jobs {jobs}", problem, "give fewer; with --cache the nights read so far are kept"
        ) from error
    except BaseException:  # stopped, or nobody wants the rest: what is half made is not waited for
        for worker in set(active_children()) - before:
            worker.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def key_of(source: NightSource, version: str) -> str:
    """Hash of a night's files, its name and the version of the code.

    Raises
    ------
    FormatError
        If a file cannot be read.
    """
    key = hashlib.sha256(json.dumps([_SCHEMA, version, source.dataset, source.name]).encode())
    for path in source.files:
        try:
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise FormatError(path, f"cannot be read ({error.strerror})", "copy it from the data set again") from error
        key.update(json.dumps([path.name, content]).encode())
    return key.hexdigest()


def _obtain(source: NightSource, version: str, *, kind: Kind[T], cache: Path | None) -> T | StagingError:
    def make() -> T:
        with whatever_fails_named(source):
            scored = source.read()
        return kind.make(scored)

    try:
        if cache is None:
            return make()
        path = cache / source.dataset / f"{key_of(source, version)}.npz"
        night = kind.read(path)
        if night is None:
            night = make()
            path.parent.mkdir(exist_ok=True)
            kind.write(path, night)
        return night
    except OutputError:
        raise
    except StagingError as error:
        return error


def _module_of(source: NightSource) -> str:
    """The module whose code reads the night."""
    read = source.read
    while isinstance(read, functools.partial):
        read = read.func
    return read.__module__


def _shown(nights: Iterator[T | StagingError], total: int) -> Iterator[T | StagingError]:
    """The same, with a bar on stderr where that is a terminal."""
    if not sys.stderr.isatty():
        yield from nights
        return
    try:
        for done, night in enumerate(nights, start=1):
            bar = "#" * (30 * done // total)
            print(f"\r\x1b[Knights {bar:<30} {done}/{total}", end="", file=sys.stderr, flush=True)
            yield night
    finally:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
