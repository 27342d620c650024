"""The CSV of this package: a row an epoch, as the command line writes it.

Columns
-------
``epoch``
    Number of the epoch, from 0.
``start``
    ISO 8601 with an offset from UTC, the same in all rows; seconds from the first epoch where the clock is unknown.
``stage``
    Name of the stage, or UNSCORED.
``p_w, p_n1, ...``
    Probabilities of the classes, 4 decimals; empty where nothing could be said. The columns tell the resolution
    and are there, empty, even where a scorer gave no probabilities.
``coverage_...``
    Usable fraction of the epoch by sensor, 3 decimals.
``in_bed``
    1 from lights-off to lights-on and 0 outside; only where lights times are known. Time in bed that was not
    recorded has rows of its own, UNSCORED, so that the file says all that the metrics depend on.
"""

from __future__ import annotations

import csv
import io
import os
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from staging.architecture.nights import fixed_offset, in_bed_span
from staging.errors import FormatError
from staging.files import write_atomically
from staging.hypnogram import CLASSES, Hypnogram, Stage
from staging.scorings.options import Options
from staging.scorings.segments import NIGHT_GAP_S, numbered

__all__ = ["TITLE", "format_csv", "read", "read_csv", "sniff", "write", "write_csv"]

TITLE = "CSV of this package (.csv)"

_COVERAGE = "coverage_"
_PLAIN = ("epoch", "start", "stage")
_TOLERANCE_S = 1e-3
_ONE_EPOCH_S = 30.0


def write_csv(hypnogram: Hypnogram, path: str | os.PathLike[str]) -> Path:
    """Write a hypnogram as this package's CSV, whole or not at all.

    Parameters
    ----------
    hypnogram : Hypnogram
        Any night.
    path : str or path
        The file.

    Returns
    -------
    pathlib.Path
        The file that was written.

    Raises
    ------
    OutputError
        If the file cannot be written.
    HypnogramError
        If the lights times contradict the hypnogram.

    Examples
    --------
    >>> import tempfile
    >>> night = Hypnogram(stages=["W", "N2"], lights_off_s=30.0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     print(write_csv(night, Path(folder) / "night.csv").read_text())
    epoch,start,stage,p_w,p_n1,p_n2,p_n3,p_r,in_bed
    0,0,W,,,,,,0
    1,30,N2,,,,,,1
    <BLANKLINE>
    """
    return write_atomically(path, format_csv(hypnogram))


write = write_csv


def format_csv(hypnogram: Hypnogram) -> str:
    """The text of the CSV; the same hypnogram always gives the same bytes.

    Raises
    ------
    HypnogramError
        If the lights times contradict the hypnogram.
    """
    n = len(hypnogram)
    lights = hypnogram.lights_off_s is not None or hypnogram.lights_on_s is not None
    first, last = in_bed_span(hypnogram) if lights else (0, n)
    index = np.arange(min(first, 0), max(last, n))
    inside = (index >= 0) & (index < n)
    columns: dict[str, list[str]] = {
        "epoch": [str(i) for i in range(len(index))],
        "start": _starts(hypnogram, index),
        "stage": np.where(inside, _pick(hypnogram.stages, index, inside), Stage.UNSCORED.value).tolist(),
    }
    for column, stage in enumerate(hypnogram.classes):
        values = None if hypnogram.probabilities is None else hypnogram.probabilities[:, column]
        columns[f"p_{stage.value.lower()}"] = _decimals(values, index, inside, 4)
    for sensor, coverage in hypnogram.coverage.items():
        columns[f"{_COVERAGE}{sensor}"] = _decimals(coverage, index, inside, 3)
    if lights:
        columns["in_bed"] = ["1" if first <= i < last else "0" for i in index.tolist()]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return text.getvalue()


def _pick(values: NDArray[np.generic], index: NDArray[np.int64], inside: NDArray[np.bool_]) -> NDArray[np.generic]:
    if len(values) == 0:
        return np.zeros(len(index), dtype=values.dtype)
    picked: NDArray[np.generic] = values[np.where(inside, index, 0)]
    return picked


def _decimals(
    values: NDArray[np.float32] | None, index: NDArray[np.int64], inside: NDArray[np.bool_], places: int
) -> list[str]:
    """Fixed decimals, empty where there is no number."""
    if values is None:
        return [""] * len(index)
    picked = np.where(inside, _pick(values, index, inside), np.nan).astype(np.float64)
    return ["" if value != value else f"{value + 0.0:.{places}f}" for value in picked.tolist()]


def _starts(hypnogram: Hypnogram, index: NDArray[np.int64]) -> list[str]:
    seconds = (index * hypnogram.epoch_s).tolist()
    if hypnogram.start is None:
        origin = seconds[0] if seconds else 0.0
        return [f"{second - origin:.6f}".rstrip("0").rstrip(".") for second in seconds]
    start = fixed_offset(hypnogram.start)
    moments = [start + timedelta(seconds=second) for second in seconds]
    places = "seconds" if all(moment.microsecond == 0 for moment in moments) else "microseconds"
    return [moment.isoformat(timespec=places) for moment in moments]


def read_csv(path: str | os.PathLike[str]) -> Hypnogram:
    """Read a night from the CSV of this package.

    The epoch length is the step of ``start``; a file of a single row is taken as one epoch of 30 s. Columns that are
    not of the format are left out and named in the warnings.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    Hypnogram
        The night; summarising it gives the metrics of the hypnogram that was written.

    Raises
    ------
    FormatError
        If the file cannot be read, holds several nights or a row is wrong; the message names the line.

    Examples
    --------
    >>> import tempfile
    >>> from datetime import UTC
    >>> night = Hypnogram(stages=["W", "N2", "N2"], start=datetime(2024, 3, 1, 23, tzinfo=UTC))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     read_csv(write_csv(night, Path(folder) / "night.csv")).start.isoformat()
    '2024-03-01T23:00:00+00:00'
    """
    nights = read(path, Options())
    if len(nights) > 1:
        raise FormatError(path, f"holds {len(nights)} nights", "read it with read_hypnograms")
    return nights[0]


def read(path: str | os.PathLike[str], options: Options) -> list[Hypnogram]:
    """Nights of a file; a gap of more than 3 h between two rows parts them.

    Raises
    ------
    FormatError
        If the file cannot be read or a row is wrong; the message names the line.
    """
    header, lines, cells = _cells(path)
    n_classes = _resolution(path, header)
    _check_stages(path, lines, cells["stage"], n_classes)
    start, seconds = _seconds(path, lines, cells["start"])
    epoch_s, cuts = _grid(path, lines, seconds)
    classes = _probability_columns(n_classes)
    probabilities = np.column_stack([_floats(path, lines, name, cells[name]) for name in classes])
    coverage = {
        name.removeprefix(_COVERAGE): _floats(path, lines, name, cells[name])
        for name in header
        if name.startswith(_COVERAGE)
    }
    known = {*_PLAIN, "in_bed", *classes}
    extra = [name for name in header if name not in known and not name.startswith(_COVERAGE)]
    stages = np.array([stage.strip().upper() for stage in cells["stage"]])
    nights = []
    for index, (first, last) in enumerate(pairwise(cuts)):
        part = slice(first, last)
        lights = _lights(path, lines[part], cells["in_bed"][part]) if "in_bed" in cells else None
        known_rows = not np.isnan(probabilities[part]).all()
        nights.append(
            Hypnogram(
                stages=stages[part],
                n_classes=n_classes,
                epoch_s=epoch_s,
                start=None if start is None else start + timedelta(seconds=float(seconds[first])),
                probabilities=probabilities[part] if known_rows else None,
                coverage={sensor: values[part] for sensor, values in coverage.items()},
                lights_off_s=None if lights is None else lights[0] * epoch_s,
                lights_on_s=None if lights is None else lights[1] * epoch_s,
                source=numbered(path, index, len(cuts) - 1),
                warnings=tuple(f"column {name!r} was not used" for name in extra),
            )
        )
    return nights


def sniff(name: str, head: bytes) -> bool:
    """Whether a file is this CSV, from its header."""
    text = head.removeprefix(b"\xef\xbb\xbf").splitlines()
    columns = {cell.strip().lower() for cell in text[0].split(b",")} if text else set()
    return {b"epoch", b"start", b"stage"} <= columns


def _cells(path: str | os.PathLike[str]) -> tuple[list[str], list[int], dict[str, tuple[str, ...]]]:
    """Header, line numbers of the rows, and the columns."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(path, f"cannot be read ({type(error).__name__})", "give a CSV in UTF-8") from error
    reader = csv.reader(io.StringIO(text))
    try:
        rows = [(reader.line_num, row) for row in reader if row]
    except csv.Error as error:
        raise FormatError(path, f"line {reader.line_num} is not CSV ({error})", "mend the line") from error
    if not rows:
        raise FormatError(path, "is empty", "give a file with a header and a row an epoch")
    header = [name.strip().lower() for name in rows[0][1]]
    missing = [name for name in _PLAIN if name not in header]
    if missing:
        raise FormatError(path, f"line 1 has no column {missing[0]!r}", "begin with epoch,start,stage")
    doubled = sorted({name for name in header if header.count(name) > 1})
    if doubled:
        raise FormatError(path, f"line 1 has the column {doubled[0]!r} twice", "keep one of them")
    for number, row in rows[1:]:
        if len(row) != len(header):
            raise FormatError(path, f"line {number} has {len(row)} fields, the header {len(header)}", "mend the line")
    if len(rows) == 1:
        raise FormatError(path, "has a header but no epochs", "give a row an epoch")
    columns = zip(*(row for _, row in rows[1:]), strict=True)
    return header, [number for number, _ in rows[1:]], dict(zip(header, columns, strict=True))


def _probability_columns(n_classes: int) -> list[str]:
    return [f"p_{stage.value.lower()}" for stage in CLASSES[n_classes]]


def _resolution(path: str | os.PathLike[str], header: list[str]) -> int:
    """The number of classes, from the columns of probabilities."""
    given = [name for name in header if name.startswith("p_")]
    for n_classes in CLASSES:
        if sorted(given) == sorted(_probability_columns(n_classes)):
            return n_classes
    raise FormatError(
        path,
        f"line 1 has the columns {', '.join(given) or 'of no probabilities'}, which are of no resolution",
        "use p_w,p_n1,p_n2,p_n3,p_r or p_w,p_light,p_deep,p_r or p_w,p_nrem,p_r or p_w,p_s; they may be empty",
    )


def _check_stages(path: str | os.PathLike[str], lines: list[int], stages: tuple[str, ...], n_classes: int) -> None:
    known = {*CLASSES[n_classes], Stage.UNSCORED}
    for line, stage in zip(lines, stages, strict=True):
        if stage.strip().upper() not in known:
            names = ", ".join(CLASSES[n_classes])
            raise FormatError(path, f"line {line} has the unknown stage {stage!r}", f"use {names} or UNSCORED")


def _floats(path: str | os.PathLike[str], lines: list[int], name: str, cells: tuple[str, ...]) -> NDArray[np.float32]:
    """Numbers from 0 to 1; NaN where a cell is empty."""
    values = np.full(len(cells), np.nan, dtype=np.float32)
    for i, cell in enumerate(cells):
        if not cell.strip():
            continue
        try:
            value = float(cell)
        except ValueError:
            value = float("nan")
        if not 0.0 <= value <= 1.0:
            raise FormatError(path, f"line {lines[i]} has {name} = {cell!r}", "give a number from 0 to 1 or nothing")
        values[i] = value
    return values


def _seconds(
    path: str | os.PathLike[str], lines: list[int], cells: tuple[str, ...]
) -> tuple[datetime | None, NDArray[np.float64]]:
    """First start (None where the file counts seconds) and the seconds of all rows from it."""
    start: datetime | None = None
    seconds = np.empty(len(cells))
    for i, cell in enumerate(cells):
        try:
            if i == 0 and not _is_number(cell):
                start = datetime.fromisoformat(cell.strip())
            if start is None:
                seconds[i] = float(cell)
            else:
                seconds[i] = (datetime.fromisoformat(cell.strip()) - start).total_seconds()
        except (TypeError, ValueError) as error:
            raise FormatError(
                path,
                f"line {lines[i]} has the start {cell!r}",
                "give ISO 8601 with an offset, such as 2024-03-01T23:00:00+01:00, or seconds in every row",
            ) from error
    if start is not None and start.tzinfo is None:
        raise FormatError(path, f"line {lines[0]} has a start without offset", "add one, such as +00:00")
    if not np.isfinite(seconds).all():
        line = lines[int(np.flatnonzero(~np.isfinite(seconds))[0])]
        raise FormatError(path, f"line {line} has a start that is not a number", "give seconds in every row")
    return start, seconds


def _grid(path: str | os.PathLike[str], lines: list[int], seconds: NDArray[np.float64]) -> tuple[float, list[int]]:
    """Epoch length, and the rows at which nights begin, with the end."""
    steps = np.diff(seconds)
    parts = steps > NIGHT_GAP_S
    within = steps[~parts]
    if not within.size:
        return _ONE_EPOCH_S, [0, *(np.flatnonzero(parts) + 1).tolist(), len(seconds)]
    wrong = np.flatnonzero(~parts & ((np.abs(steps - within[0]) > _TOLERANCE_S) | ~(steps > 0)))
    if wrong.size:
        row = int(wrong[0])
        raise FormatError(
            path,
            f"line {lines[row + 1]} starts {steps[row]:g} s after the one before, not {within[0]:g} s",
            "give one row for every epoch, in order, UNSCORED where nothing is known",
        )
    # The mean of all steps takes away what rounding of the times left.
    return round(float(within.mean()), 6), [0, *(np.flatnonzero(parts) + 1).tolist(), len(seconds)]


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _lights(path: str | os.PathLike[str], lines: list[int], cells: tuple[str, ...]) -> tuple[int, int]:
    """First epoch in bed and the one after the last."""
    flags = [cell.strip() for cell in cells]
    for line, flag in zip(lines, flags, strict=True):
        if flag not in {"0", "1"}:
            raise FormatError(path, f"line {line} has in_bed = {flag!r}", "give 0 or 1")
    if "1" not in flags:
        raise FormatError(path, "no epoch is in bed", "give in_bed = 1 from lights-off to lights-on")
    first = flags.index("1")
    last = len(flags) - flags[::-1].index("1")
    if "0" in flags[first:last]:
        line = lines[first + flags[first:last].index("0")]
        raise FormatError(path, f"line {line} is out of bed between epochs in bed", "score it as W or UNSCORED")
    return first, last
