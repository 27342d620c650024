"""DREAMT: one night's table of an Empatica E4, at 64 Hz or, beside a polysomnograph's signals, at 100 Hz.

Assumptions
-----------
- Columns are ``TIMESTAMP`` (s), ``BVP``, ``ACC_X``, ``ACC_Y``, ``ACC_Z`` (1/64 g), ``TEMP`` (°C), ``HR`` (bpm) and
  others. Slower signals are held between their samples: of acceleration (32 Hz), temperature (4 Hz) and heart rate
  (1 Hz) only every so many rows are taken. Held intervals between beats cannot be told apart: ``IBI`` is not read.
- ``Sleep_Stage`` is the scoring, not a signal: it is not read. Rows before the scoring are read as the others are.
- No clock time is published.

References
----------
Wang K. et al., DREAMT, PhysioNet, doi 10.13026/62an-cb28.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from staging.errors import FormatError
from staging.readers.source import Source
from staging.readers.tables import Table
from staging.readers.timing import to_events, to_signal
from staging.recording import Recording

__all__ = ["CHANNELS", "TITLE", "read", "rows_of", "signals_of", "sniff"]

TITLE = "DREAMT night: S###_whole_df.csv of an Empatica E4 (a file, or a folder or zip with one)"
CHANNELS = ("acc", "ppg", "temp", "hr")

_COLUMNS = ("TIMESTAMP", "BVP", "ACC_X", "ACC_Y", "ACC_Z", "TEMP", "HR")
_BEGINNING = re.compile(rb"^(?:\xef\xbb\xbf)?TIMESTAMP,(?:[^\n]*,)?BVP,ACC_X,ACC_Y,ACC_Z,TEMP,")
_NEARLY = 0.01  # of a row, for rates that are measured from rounded times
_SHORTEST_STEP_S = 1e-6  # shorter ones are no times: what follows refuses their rate
_ENDINGS = ("_whole_df", "_PSG_df", "_df")
_LAYOUT = (
    ("acc", (2, 3, 4), 32.0, 1 / 64, "g"),
    ("ppg", (1,), 64.0, 1.0, "a.u."),
    ("temp", (5,), 4.0, 1.0, "degC"),
    ("hr", (6,), 1.0, 1.0, "bpm"),
)
"""Channel, its columns among those that are read, the device's own rate in Hz, factor, unit."""


def sniff(source: Source) -> bool:
    """Whether a file begins with the set's header."""
    return bool(_files(source))


def read(source: Source) -> Recording:
    """Read a night of DREAMT.

    Parameters
    ----------
    source : Source
        The table, or a folder or zip that holds no other of its kind.

    Returns
    -------
    Recording
        ``acc`` in g, ``ppg`` in a.u., ``temp`` in °C and ``hr`` in bpm, each at the device's own rate.

    Raises
    ------
    FormatError
        If a column is missing, a field is no number, or the rows do not follow each other evenly.
    """
    name = source.only(_files(source), "DREAMT")
    where = source.label(name)
    table = Table.parse(source.read(name), where)
    rows, notes = rows_of(table, where)
    found, more = signals_of(rows[:, 0], rows, where)
    subject = PurePosixPath(name).stem
    for ending in _ENDINGS:
        subject = subject.removesuffix(ending)
    return Recording(device="Empatica E4", subject=subject, source=source.where, warnings=(*notes, *more), **found)


def rows_of(table: Table, where: str) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Times and signals of a table, float64 ``(n, 7)``, and warnings.

    Raises
    ------
    FormatError
        If a column is missing or a field is no number.
    """
    lacking = [column for column in _COLUMNS if column not in table.header]
    if lacking:
        raise FormatError(where, f"has no column {lacking[0]}", "give the table as the set publishes it")
    return table.numbers([table.header.index(column) for column in _COLUMNS])


def signals_of(
    times_s: NDArray[np.float64], rows: NDArray[np.float64], where: str
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Channels of a `Recording`, each at the device's own rate, and warnings.

    Parameters
    ----------
    times_s : ndarray of float64, shape (n,)
        Of the rows, from the recording's second 0.
    rows : ndarray of float64, shape (n, 7)
        Of `rows_of`.
    where : str
        The file, as errors name it.

    Raises
    ------
    FormatError
        If the rows do not follow each other evenly.
    """
    with np.errstate(over="ignore"):
        steps_s = np.diff(times_s[np.isfinite(times_s)])
    if not len(steps_s) or not np.median(steps_s) > 0:
        raise FormatError(where, "its times do not increase", "copy it from the data set again")
    row_hz = 1 / max(float(np.median(steps_s)), _SHORTEST_STEP_S)
    found: dict[str, Any] = {}
    warnings: tuple[str, ...] = ()
    for channel, columns, rate_hz, scale, unit in _LAYOUT:
        every = slice(None, None, max(1, int(row_hz / rate_hz + _NEARLY)))
        values = rows[every, columns] * scale if len(columns) > 1 else rows[every, columns[0]] * scale
        convert = to_events if channel == "hr" else to_signal
        found[channel], notes = convert(times_s[every], values, unit=unit, where=f"{where} ({channel})")
        warnings += notes
    return found, warnings


def _files(source: Source) -> list[str]:
    return source.beginning(lambda head: _BEGINNING.match(head) is not None)
