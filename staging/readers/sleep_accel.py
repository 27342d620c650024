"""The published Sleep-Accel set (Walch 2019): an Apple Watch beside polysomnography, two layouts.

- cropped: ``ID_cleaned_hr.out``, ``ID_cleaned_counts.out``, ``ID_cleaned_psg.out``, ``ID_epoch_start_acc.csv``
- raw: ``motion/ID_acceleration.txt``, ``heart_rate/ID_heartrate.txt``, ``labels/ID_labeled_sleep.txt``; ``steps/`` is
  not read

Assumptions
-----------
- A subject is named by any one of their files, or by a folder or zip that holds no other subject.
- Second 0 is the PSG's start; no clock time is published. Where labels are there, streams are cropped to the epochs
  they label; a stream that begins late or stops early stays as it is.
- Counts are te Lindert & Van Someren's, in bins of 15 s without a gap. The published times are those of the first bin
  and of the recording's end, and even steps between: they come later and later, at the end by 15 to 30 s, as the arm's
  turns show (`tests/readers/test_sleep_accel.py`). Bins are put back to 15 s; times of any other make are kept.
- Labels are -1 unscored, 0 W, 1 N1, 2 N2, 3 N3, 4 (stage 4 of Rechtschaffen & Kales) N3, 5 R.

References
----------
Walch O. PhysioNet 2019, doi 10.13026/hmhs-py35. Walch O. et al. Sleep 2019;42(12):zsz180,
doi 10.1093/sleep/zsz180. te Lindert B.H.W., Van Someren E.J.W. Sleep 2013;36(5):781-789, doi 10.5665/sleep.2648.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from staging.errors import FormatError
from staging.hypnogram import Hypnogram
from staging.readers.source import Source, files_in, open_source
from staging.readers.tables import Table, is_number
from staging.readers.timing import MAX_SPAN_S, to_events, to_float32, to_signal
from staging.recording import EPOCH_S, Recording, Signal

__all__ = ["CHANNELS", "FILES", "TITLE", "kinds_by_subject", "read", "read_reference", "sniff", "subjects"]

TITLE = "Sleep-Accel set, cropped or raw (any one file of a subject, or a folder with one subject)"
CHANNELS = ("acc", "hr", "counts")

FILES = {
    "{}_cleaned_hr.out": "hr",
    "{}_cleaned_counts.out": "counts",
    "{}_cleaned_psg.out": "labels",
    "{}_epoch_start_acc.csv": "posture",
    "{}_steps.csv": "steps",
    "motion/{}_acceleration.txt": "acc",
    "heart_rate/{}_heartrate.txt": "hr",
    "labels/{}_labeled_sleep.txt": "labels",
    "steps/{}_steps.txt": "steps",
}
"""The published layouts: a subject's files to what they hold."""

_KINDS = {file.rpartition("{}_")[2]: kind for file, kind in FILES.items()}
_NAME = re.compile(r"(\d+)_({})".format("|".join(re.escape(ending) for ending in _KINDS)))
_RAW_FOLDERS = {file.partition("/")[0] for file in FILES if "/" in file}

_BIN_S = 15.0
"""Length of a bin of counts."""

_ROUNDED_S = 0.05
"""How far the published times of bins may be off, for acceleration is sampled every 0.02 s."""

_FEWEST_BINS = 20
"""Fewer, 5 min, could be a table of somebody's own."""

_INDEX_OF_LABEL = np.array([0, 1, 2, 3, 3, 4, -1])  # of W N1 N2 N3 R; the last is -1's


def sniff(source: Source) -> bool:
    """Whether a file has a name of the set and begins with numbers."""
    source = _together(source)
    names = [name for files in _by_subject(source).values() for kind, name in files.items() if kind != "steps"]
    if not names:
        return False
    line = source.head(names[0], 256).partition(b"\n")[0].decode("latin-1")
    cells = re.split(r"[,\s]+", line.strip())
    return cells[0] == "t_s" or all(is_number(cell) for cell in cells)


def subjects(folder: str | os.PathLike[str]) -> list[str]:
    """The subjects of which a folder or zip holds heart rate, counts or acceleration, in order of their numbers.

    Raises
    ------
    FormatError
        If there is no such folder.
    """
    return [subject for subject, kinds in kinds_by_subject(folder).items() if {"hr", "counts", "acc"} & kinds]


def kinds_by_subject(folder: str | os.PathLike[str]) -> dict[str, frozenset[str]]:
    """What a folder or zip holds of each subject, of the kinds in `FILES`; in order of the subjects' numbers.

    Raises
    ------
    FormatError
        If there is no such folder.
    """
    found = _by_subject(open_source(folder))
    return {subject: frozenset(found[subject]) for subject in sorted(found, key=int)}


def read(source: Source) -> Recording:
    """Read one subject's night.

    Parameters
    ----------
    source : Source
        One of the subject's files, or a folder or zip that holds one subject.

    Returns
    -------
    Recording
        ``hr`` in bpm; cropped layout: ``counts``, and ``acc`` in g at one sample an epoch (NaN where there is none);
        raw layout: ``acc`` at about 50 Hz. ``start`` is unknown.

    Raises
    ------
    FormatError
        If there are several subjects, or a file is not as published.
    """
    named = source.where
    source, subject, files = _one_subject(source)
    span_s = np.inf
    if "labels" in files:
        span_s = len(_labels(source, files["labels"])) * EPOCH_S
    found: dict[str, Any] = {}
    warnings: tuple[str, ...] = ()
    for kind, unit in (("hr", "bpm"), ("counts", "counts")):
        if kind in files:
            rows, notes = _rows(source, files[kind], 2, span_s, _unstretched if kind == "counts" else None)
            where = source.label(files[kind])
            found[kind], more = to_events(rows[:, 0], rows[:, 1], unit=unit, where=where)
            warnings += notes + more
    if "acc" in files:
        rows, notes = _rows(source, files["acc"], 4, span_s)
        found["acc"], more = to_signal(rows[:, 0], rows[:, 1:], unit="g", where=source.label(files["acc"]))
        warnings += notes + more
    elif "posture" in files:
        rows, notes = _rows(source, files["posture"], 4, span_s)
        found["acc"] = _an_epoch(rows, span_s, source.label(files["posture"]))
        warnings += notes
    if not found:
        raise FormatError(named, f"subject {subject} has labels or steps only", "add heart rate or acceleration")
    return Recording(device="Apple Watch", subject=subject, source=named, warnings=warnings, **found)


def read_reference(path: str | os.PathLike[str]) -> Hypnogram:
    r"""The technicians' stages of one subject's night; second 0 is the PSG's start, as in the recording.

    Parameters
    ----------
    path : str or path
        Any one file of the subject, or a folder or zip that holds one subject.

    Raises
    ------
    FormatError
        If there are several subjects, no labels, or labels that are not of the set.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     labels = pathlib.Path(folder, "7_cleaned_psg.out")
    ...     _ = labels.write_text("0 -1\n30 0\n60 2\n90 4\n")
    ...     read_reference(labels).stages.tolist()
    ['UNSCORED', 'W', 'N2', 'N3']
    """
    source, subject, files = _one_subject(open_source(path))
    if "labels" not in files:
        raise FormatError(path, f"subject {subject} has no labels", f"add {subject}_cleaned_psg.out")
    return Hypnogram.from_indices(_labels(source, files["labels"]), source=source.label(files["labels"]))


def _by_subject(source: Source) -> dict[str, dict[str, str]]:
    """Files of every subject by kind."""
    found: dict[str, dict[str, str]] = {}
    for name in source.sizes:
        match = _NAME.fullmatch(PurePosixPath(name).name)
        if match is not None and source.sizes[name]:
            found.setdefault(match[1], {})[_KINDS[match[2]]] = name
    return found


def _together(source: Source) -> Source:
    """One file of a subject stands for all the files of that subject."""
    named = _NAME.fullmatch(source.path.name) if source.is_file else None
    if named is None:
        return source
    folder = source.path.parent
    home = folder.parent if folder.name in _RAW_FOLDERS else folder
    return files_in(home, [file.format(named[1]) for file in FILES])


def _one_subject(source: Source) -> tuple[Source, str, dict[str, str]]:
    source = _together(source)
    found = _by_subject(source)
    if not found:
        raise FormatError(source.where, "holds no files of the Sleep-Accel set", "give one of a subject's files")
    if len(found) > 1:
        names = sorted(found, key=int)
        problem = f"holds {len(names)} subjects ({', '.join(names[:3])}, ...)"
        raise FormatError(source.where, problem, f"give one file of a subject, as {min(found[names[0]].values())}")
    subject, files = next(iter(found.items()))
    return source, subject, files


def _unstretched(times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Starts of the bins of published counts, which are 15 s long and follow each other.

    The set's pipeline makes n whole bins of T s of acceleration and gives them n even times from the first sample to
    the last. Such times are recognised by that: T - 15 (n - 1) is one bin, and what was left over.

    Parameters
    ----------
    times_s : ndarray of float64, shape (n,)
        As published.

    Returns
    -------
    ndarray of float64, shape (n,)
        15 s apart from the first one; as given where they do not look made so.

    Examples
    --------
    >>> _unstretched(np.linspace(0.5, 612.5, 40))[[0, 1, -1]].tolist()
    [0.5, 15.5, 585.5]
    """
    n = len(times_s)
    if n < _FEWEST_BINS or not np.isfinite(times_s).all():
        return times_s
    even = np.linspace(times_s[0], times_s[-1], n)
    left_over_s = times_s[-1] - times_s[0] - n * _BIN_S
    stretched = -_ROUNDED_S <= left_over_s < _BIN_S + _ROUNDED_S and np.abs(times_s - even).max() < _ROUNDED_S
    return times_s[0] + _BIN_S * np.arange(n) if stretched else times_s


def _rows(
    source: Source,
    name: str,
    columns: int,
    span_s: float,
    mended: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None,
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Rows of a file, their times mended, within the labelled span, or all where there are no labels."""
    table = Table.parse(source.read(name), source.label(name))
    rows, warnings = table.numbers(range(columns))
    if mended is not None:
        rows[:, 0] = mended(rows[:, 0])
    return (rows[(rows[:, 0] >= 0) & (rows[:, 0] < span_s)] if np.isfinite(span_s) else rows), warnings


def _an_epoch(rows: NDArray[np.float64], span_s: float, where: str) -> Signal:
    """Single samples at the starts of epochs, NaN where there is none."""
    rows = rows[np.isfinite(rows[:, 0]) & (rows[:, 0] > -EPOCH_S)]
    last_s = float(rows[:, 0].max(initial=0.0))
    if last_s > MAX_SPAN_S:
        raise FormatError(where, f"its times reach second {last_s:.4g}", "give seconds from the start of the PSG")
    epochs = np.rint(rows[:, 0] / EPOCH_S).astype(np.int64)
    rows, epochs = rows[epochs >= 0], epochs[epochs >= 0]
    n_epochs = int(span_s / EPOCH_S) if np.isfinite(span_s) else int(epochs.max(initial=-1)) + 1
    rows, epochs = rows[epochs < n_epochs], epochs[epochs < n_epochs]
    samples = np.full((n_epochs, 3), np.nan, dtype=np.float32)
    samples[epochs] = to_float32(rows[:, 1:])
    return Signal(samples=samples, rate_hz=1 / EPOCH_S, unit="g")


def _labels(source: Source, name: str) -> NDArray[np.int64]:
    """An index into W N1 N2 N3 R for every epoch; -1 where unscored."""
    where = source.label(name)
    rows, _ = Table.parse(source.read(name), where).numbers([0, 1])
    rows = rows[rows[:, 0] >= 0]
    codes = rows[:, 1]
    wrong = ~np.isin(codes, np.arange(-1, 6))
    if wrong.any():
        raise FormatError(where, f"unknown label {codes[wrong][0]:g}", "labels are -1, 0, 1, 2, 3, 4 and 5")
    if not len(rows) or rows[:, 0].max() > MAX_SPAN_S:
        raise FormatError(where, "holds no labels of a night", "rows are seconds from the PSG's start, and a label")
    epochs = np.rint(rows[:, 0] / EPOCH_S).astype(np.int64)
    labels = np.full(epochs.max() + 1, -1)
    labels[epochs] = _INDEX_OF_LABEL[codes.astype(np.int64)]
    return labels
