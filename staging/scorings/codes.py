"""Bare codes: one a line (YASA, the UCD database), or a column of a table."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from staging.errors import FormatError, InputError
from staging.files import write_atomically
from staging.hypnogram import Hypnogram, Stage
from staging.scorings.options import Options
from staging.scorings.segments import resolution_of

__all__ = ["CODE_TABLES", "TITLE", "read", "sniff", "write"]

TITLE = "codes, one a line or a column of a table (.txt, .csv)"

_U = Stage.UNSCORED

CODE_TABLES: Mapping[str, Mapping[str, Stage]] = {
    "names": {**{stage.value: stage for stage in Stage}, "WAKE": Stage.W, "REM": Stage.R, "SLEEP": Stage.S, "?": _U},
    "yasa": {"0": Stage.W, "1": Stage.N1, "2": Stage.N2, "3": Stage.N3, "4": Stage.R, "-1": _U, "-2": _U},
    "yasa4": {"0": Stage.W, "2": Stage.LIGHT, "3": Stage.DEEP, "4": Stage.R, "-1": _U, "-2": _U},
    "yasa3": {"0": Stage.W, "2": Stage.NREM, "4": Stage.R, "-1": _U, "-2": _U},
    "yasa2": {"0": Stage.W, "1": Stage.S, "-1": _U, "-2": _U},
    "rk": {
        "0": Stage.W,
        "1": Stage.N1,
        "2": Stage.N2,
        "3": Stage.N3,
        "4": Stage.N3,
        "5": Stage.R,
        "6": _U,
        "7": _U,
        "9": _U,
        "-1": _U,
    },
    "ucddb": {
        "0": Stage.W,
        "1": Stage.R,
        "2": Stage.N1,
        "3": Stage.N2,
        "4": Stage.N3,
        "5": Stage.N3,
        "6": _U,
        "7": _U,
        "8": _U,
    },
}
"""What codes mean: names; YASA's integers for 5, 4, 3 and 2 classes; Rechtschaffen & Kales with 5 for REM sleep, as in
NSRR, Profusion and Sleep-Accel; and the St Vincent's University Hospital / UCD database."""

_LONG_S = 36 * 3600.0
"""Longer than anybody's one night: a file of codes without a break that lasts so long is doubted."""

_YASA_TABLES = {5: "yasa", 4: "yasa4", 3: "yasa3", 2: "yasa2"}


def sniff(name: str, head: bytes) -> bool:
    """Whether a file is text; the last format to try, since nothing tells codes apart."""
    return b"\0" not in head and not head.lstrip().startswith((b"{", b"[", b"<"))


def read(path: str | os.PathLike[str], options: Options) -> list[Hypnogram]:
    """The night of a file of codes, or the nights of a table that has a column to tell them apart.

    Lines that begin with ``#`` are left out. A file with several columns needs the column's name or number.

    Raises
    ------
    FormatError
        If a code is unknown; the message names the line.
    InputError
        If the table of codes is unknown.
    """
    table = _table(options.codes)
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(path, f"cannot be read ({type(error).__name__})", "give a text file in UTF-8") from error
    lines = [
        (number, line.strip())
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if not lines:
        raise FormatError(path, "holds no codes", "give one a line")
    stages: dict[str, list[Stage]] = {}
    for number, code, night in _cells(path, lines, options, table):
        stage = table.get(_plain(code))
        if stage is None:
            raise FormatError(path, f"line {number} has the unknown code {code!r}", _known(options.codes, table))
        stages.setdefault(night, []).append(stage)
    every = {stage for night in stages.values() for stage in night}
    n_classes = resolution_of(set(table.values()) if options.codes not in (None, "names") else every)
    if n_classes is None:
        raise FormatError(path, "mixes stages of several resolutions", "keep one set of stages")
    epoch_s = options.epoch_s or 30.0
    return [
        Hypnogram(
            stages=np.array([stage.value for stage in of_night]),
            n_classes=n_classes,
            epoch_s=epoch_s,
            source=f"{os.fspath(path)} ({options.night_column} {night})" if night else os.fspath(path),
            warnings=_doubts(len(of_night) * epoch_s),
        )
        for night, of_night in stages.items()
    ]


def _doubts(length_s: float) -> tuple[str, ...]:
    if length_s <= _LONG_S:
        return ()
    return (
        f"its codes are {length_s / 3600:.0f} h without a break: if they are of several nights, say which column tells "
        "them apart (--night-column)",
    )


def _table(codes: str | Mapping[str, Stage] | None) -> Mapping[str, Stage]:
    if codes is None:
        return CODE_TABLES["names"]
    if isinstance(codes, str):
        if "=" in codes:
            return _own_table(codes)
        if codes not in CODE_TABLES:
            raise InputError(
                f"codes {codes!r}",
                "is not a known table",
                f"use {', '.join(CODE_TABLES)}, or 0=W,1=N1,...",
            )
        return CODE_TABLES[codes]
    return {_plain(str(code)): Stage(stage) for code, stage in codes.items()}


def _own_table(text: str) -> Mapping[str, Stage]:
    """A table of one's own: ``0=W,1=N1,9=UNSCORED``."""
    table: dict[str, Stage] = {}
    for entry in text.split(","):
        code, equals, name = entry.partition("=")
        try:
            stage = Stage(name.strip().upper())
        except ValueError:
            known = ", ".join(stage.value for stage in Stage)
            raise InputError(f"codes {text!r}", f"{entry!r} names no stage", f"use {known}") from None
        if not equals or not code.strip() or _plain(code) in table:
            raise InputError(f"codes {text!r}", f"{entry!r} has no code of its own", "write it as in 0=W,1=N1")
        table[_plain(code)] = stage
    return table


def _known(codes: str | Mapping[str, Stage] | None, table: Mapping[str, Stage]) -> str:
    if codes is None:
        return f"say what the codes mean (--codes), with one of {', '.join(CODE_TABLES)} or a table of your own"
    return f"the table has {', '.join(table)}"


def _plain(code: str) -> str:
    """A code as the tables write it: ``2.0`` is ``2``, names in capitals."""
    text = code.strip().strip('"').upper()
    try:
        number = float(text)
    except ValueError:
        return text
    return str(int(number)) if number.is_integer() else text


def _cells(
    path: str | os.PathLike[str], lines: list[tuple[int, str]], options: Options, table: Mapping[str, Stage]
) -> list[tuple[int, str, str]]:
    """Line numbers, codes and nights, from the columns that were asked for; without a header that names them."""
    first, text = lines[0]
    separator = next((mark for mark in ("\t", ";", ",") if mark in text), None)
    if options.column is None:
        if separator is not None or len(text.split()) > 1:
            raise FormatError(
                path,
                f"line {first} has several columns",
                "say which one holds the stages (--column)",
            )
        return [(number, line, "") for number, line in lines]
    if separator is None:
        rows = [line.split() for _, line in lines]
    else:
        rows = [row for _, line in lines for row in csv.reader(io.StringIO(line), delimiter=separator)]
    stage_at, named = _place(path, first, rows[0], options.column)
    night_at, night_named = stage_at, False
    if options.night_column is not None:
        night_at, night_named = _place(path, first, rows[0], options.night_column)
    is_header = _plain(rows[0][stage_at]) not in table and not any(_is_number(name) for name in rows[0])
    begin = int(named or night_named or is_header)
    cells: list[tuple[int, str, str]] = []
    for (number, _), row in zip(lines[begin:], rows[begin:], strict=True):
        if max(stage_at, night_at) >= len(row):
            raise FormatError(
                path, f"line {number} has {len(row)} columns, not {max(stage_at, night_at) + 1}", "mend the line"
            )
        cells.append((number, row[stage_at], "" if options.night_column is None else row[night_at].strip()))
    if not cells:
        raise FormatError(path, "holds a header and no codes", "give one a line")
    return cells


def _place(path: str | os.PathLike[str], number: int, header: list[str], column: str) -> tuple[int, bool]:
    """Where a column stands, and whether the header names it."""
    names = [name.strip().lower() for name in header]
    wanted = column.strip().lower()
    if wanted.isdigit() and 1 <= int(wanted) <= len(names):
        return int(wanted) - 1, False
    if wanted in names:
        return names.index(wanted), True
    raise FormatError(
        path, f"line {number} has no column {column!r}", f"use one of {', '.join(names)}, or its number from 1"
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def write(hypnogram: Hypnogram, path: str | os.PathLike[str]) -> Path:
    """Write the codes that YASA uses, one a line.

    0 is wake, 1 N1 (of 2 classes: sleep), 2 N2, light or NREM sleep, 3 N3, 4 REM sleep and -2 unscored.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    table = CODE_TABLES[_YASA_TABLES[hypnogram.n_classes]]
    codes = {stage.value: code for code, stage in table.items()}
    return write_atomically(path, "".join(f"{codes[stage]}\n" for stage in hypnogram.stages.tolist()))
