"""Nights as tracks, made once: read from a cache where it has them, made in parallel and kept where it has not.

A night's key is a hash of the bytes of its files, their names, its name in the set, and the code that makes tracks of
them (`training.code_version`, which covers every constant of the tracks). Nothing is believed because it exists or is
new: the same bytes and the same code give the same key, anything else another. An entry is written under another name
and renamed when it is whole; one that cannot be read is made again. The folder may be deleted at any time.
"""

from __future__ import annotations

import functools
import hashlib
import io
import json
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from datetime import datetime
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import Any

import numpy as np

from staging.errors import FormatError, InputError, OutputError, StagingError
from staging.files import write_atomically
from staging.tracks import SENSORS, Tracks
from training.code_version import code_version
from training.night import LabelledNight, NightSource
from training.stopping import begin_worker

__all__ = ["key_of", "obtain", "read_entry", "write_entry"]

_SCHEMA = 1
_SERIES = ("heart_rate_bpm", "counts", "posture_change_deg", "temperature_c")
_TEXTS = ("n_epochs", "lights_off_s", "lights_on_s", "source", "device", "subject", "sources", "warnings")


def obtain(
    sources: Sequence[NightSource], *, cache: Path | None = None, jobs: int = 1
) -> Iterator[LabelledNight | StagingError]:
    """Nights in the order of their sources; in place of one that cannot be read, the error that says why.

    Parameters
    ----------
    sources : sequence of NightSource
        What to read.
    cache : path, optional
        Folder that keeps tracks; made if it is not there. Without it every night is made.
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
    one = functools.partial(_obtain, cache=cache)
    versions = [code_version(_module_of(source)) for source in sources]
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


def write_entry(path: Path, night: LabelledNight) -> None:
    """Write a night, whole or not at all.

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
    buffer = io.BytesIO()
    np.savez(buffer, about=np.array(json.dumps(about)), **arrays)
    write_atomically(path, buffer.getvalue())


def read_entry(path: Path) -> LabelledNight | None:
    """A night of the cache; None where there is none, or it is damaged."""
    if not path.is_file():
        return None
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as entry:
            arrays = {name: entry[name] for name in entry.files}
        about: dict[str, Any] = json.loads(arrays.pop("about").item())
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


def _obtain(source: NightSource, version: str, *, cache: Path | None) -> LabelledNight | StagingError:
    try:
        if cache is None:
            return source.night()
        path = cache / source.dataset / f"{key_of(source, version)}.npz"
        night = read_entry(path)
        if night is None:
            night = source.night()
            path.parent.mkdir(exist_ok=True)
            write_entry(path, night)
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


def _shown(nights: Iterator[LabelledNight | StagingError], total: int) -> Iterator[LabelledNight | StagingError]:
    """The same, with a bar on stderr where that is a terminal."""
    if not sys.stderr.isatty():
        yield from nights
        return
    try:
        for done, night in enumerate(nights, start=1):
            bar = "█" * (30 * done // total)
            print(f"\r\x1b[Knights {bar:<30} {done}/{total}", end="", file=sys.stderr, flush=True)
            yield night
    finally:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
