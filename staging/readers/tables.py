"""Text tables -> numbers and time stamps, at the speed of numpy's own parser.

Tolerated: a byte-order mark, UTF-16, CRLF, blank lines, spaces, quotes, empty fields and NA (NaN), a comma as
decimal sign where fields are parted by semicolons or tabs, a spreadsheet's ``sep=;``, a last row that was cut short.
Anything else that is not a number is an error that names the line. So is a comma that seems to be a decimal sign where
commas part the fields: nobody can tell which is which.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from staging.errors import FormatError

__all__ = ["Stamps", "Table", "is_number"]

_EMPTY_FIELD = re.compile(rb"(?m)(?<=[,;\t])(?=[,;\t]|[ ]*$)|^(?=[,;\t])")
_NO_VALUE = re.compile(rb"(?i)\b(?:null|none|n/a|na)\b|(?<![0-9.])-(?=[,;\t\n]|$)")
_SEPARATOR = re.compile(rb'"?sep=[;,\t|]"?[ ]*\n')
_QUOTED_COMMA = re.compile(rb'(?m)(?:^|,)[ ]*"[ ]*[-+]?[0-9]+,[0-9]+(?:[eE][-+]?[0-9]+)?[ ]*"[ ]*(?:,|$)')
_BLANK = bytes(code for code in range(256) if chr(code).isspace())  # in Latin-1, as numpy reads it
_US_PER_S = 1_000_000
_LAST_YEAR = 2286  # beyond it Unix seconds have eleven digits
_LONGEST = "2026-03-28T22:41:05.123456"
_ZONE_FROM = len("2026-03-28T22:41")


@dataclass(frozen=True, kw_only=True, eq=False)
class Stamps:
    """Time stamps of a column.

    Attributes
    ----------
    wall_us : ndarray of int64, shape (n,)
        Microseconds from 1970-01-01 00:00 on the clock that wrote the stamps; in UTC where ``offset`` is known.
    offset : timezone or None
        Offset of the first stamp; None where the stamps have no zone.
    """

    wall_us: NDArray[np.int64]
    offset: timezone | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """A text table: its header, and its body as bytes until columns are asked for.

    Attributes
    ----------
    where : str
        The file, as errors name it.
    header : tuple of str
        Names of the columns; empty where the first row holds numbers.
    first_row : tuple of str
        Cells of the first row below the header; empty where there is none.
    """

    where: str
    header: tuple[str, ...]
    first_row: tuple[str, ...]
    _body: bytes
    _delimiter: str | None
    _first_line: int

    @classmethod
    def parse(cls, data: bytes, where: str, *, skip_rows: int = 0) -> Table:
        r"""Find a table's delimiter and header.

        Parameters
        ----------
        data : bytes
            The file, or for a look at its header its beginning.
        where : str
            The file, as errors name it.
        skip_rows : int
            Rows above the header or the first numbers.

        Raises
        ------
        FormatError
            If it is not text.

        Examples
        --------
        >>> table = Table.parse(b"t_s,ppg\n0.00,512\n0.02,\n", "ppg.csv")
        >>> table.header, table.numbers([1])[0].tolist()
        (('t_s', 'ppg'), [[512.0], [nan]])
        """
        body = _plain_text(data, where)
        for _ in range(skip_rows):
            body = body.partition(b"\n")[2]
        body = body.lstrip(b"\n ")
        if told := _SEPARATOR.match(body):
            body = body[told.end() :]
        line, _, rest = body.partition(b"\n")
        delimiter = next((mark for mark in (";", "\t", ",") if mark.encode() in line), None)
        if delimiter in (";", "\t"):
            body, rest = body.replace(b",", b"."), rest.replace(b",", b".")
        header = _cells(line, delimiter)
        begin = header[0].replace(",", ".") if delimiter in (";", "\t") else "".join(header[:1])
        if is_number(begin) or _is_stamp(begin):
            header, rest = (), body
        rest = rest.lstrip(b"\n ")
        if delimiter == ",":
            _refuse_decimal_commas(rest, len(header), where)
        return cls(
            where=where,
            header=header,
            first_row=_cells(rest.partition(b"\n")[0], delimiter),
            _body=rest,
            _delimiter=delimiter,
            _first_line=skip_rows + (2 if header else 1),
        )

    def numbers(self, columns: Sequence[int]) -> tuple[NDArray[np.float64], tuple[str, ...]]:
        """Columns as numbers.

        Parameters
        ----------
        columns : sequence of int
            Which columns, from 0.

        Returns
        -------
        values : ndarray of float64, shape (n, len(columns))
            NaN where a field is empty.
        warnings : tuple of str
            What was mended.

        Raises
        ------
        FormatError
            If a field is not a number or a row is too short: names the line.
        """
        try:
            return self._parse(self._body, columns), ()
        except ValueError:
            pass
        mended = _EMPTY_FIELD.sub(b"nan", _NO_VALUE.sub(b"nan", self._body.replace(b'"', b"")))
        try:
            return self._parse(mended, columns), ()
        except ValueError:
            above, _, _ = mended.rstrip(b"\n").rpartition(b"\n")
        try:
            return self._parse(above, columns), (
                f"{PurePath(self.where).name}: the last row was cut short and left out",
            )
        except ValueError:
            problem = f"line {self._first_line + self._first_wrong(mended, columns)} is not {max(columns) + 1} numbers"
        raise FormatError(self.where, problem, "mend or remove that line")

    def _first_wrong(self, body: bytes, columns: Sequence[int]) -> int:
        """Row, from 0, of the first line that does not parse."""
        lines = body.split(b"\n")
        right, wrong = 0, len(lines)
        while wrong - right > 1:
            middle = (right + wrong) // 2
            try:
                self._parse(b"\n".join(lines[right:middle]), columns)
                right = middle
            except ValueError:
                wrong = middle
        return right

    def stamps(self, column: int) -> Stamps:
        """A column of ISO 8601 times.

        Raises
        ------
        FormatError
            If a field is not an ISO time, or only some have a zone.
        """
        text = self.text(column)
        width = max(text.dtype.itemsize, len(_LONGEST)) + 6  # room to look for six letters of zone behind any stamp
        cells = text.astype(f"S{width}").view(np.uint8).reshape(len(text), width)
        tail = cells[:, _ZONE_FROM:-6]
        zoned = (tail == ord("+")) | (tail == ord("-")) | (tail == ord("Z"))
        has_zone = zoned.any(axis=1)
        if has_zone.any() and not has_zone.all():
            raise FormatError(self.where, "some time stamps have a zone and some have none", "give all the same zone")
        cut = np.where(has_zone, _ZONE_FROM + zoned.argmax(axis=1), width - 6)
        zones = np.take_along_axis(cells, cut[:, None] + np.arange(6), axis=1)
        try:
            if np.any(cells[np.arange(width) >= cut[:, None] + 6]):
                raise ValueError("more behind the zone")
            wall_us = _wall_us(np.where(np.arange(width) < cut[:, None], cells, 0))
            if not has_zone.any():
                return Stamps(wall_us=wall_us, offset=None)
            names, which = np.unique(_text(zones), return_inverse=True)
            offsets = [_offset(name.decode("latin-1")) for name in names]
        except ValueError as error:
            example = self.first_row[column] if column < len(self.first_row) else ""
            raise FormatError(
                self.where,
                f"a time stamp is no ISO 8601 time from 1970 on (the first is {example!r})",
                "write 2026-03-28T22:41:05Z",
            ) from error
        shift_us = np.array([offset.total_seconds() * _US_PER_S for offset in offsets], dtype=np.int64)
        return Stamps(wall_us=wall_us - shift_us[which], offset=timezone(offsets[which[0]]))

    def text(self, column: int) -> NDArray[np.bytes_]:
        r"""A column of short words, at most 64 letters of each, as bytes; empty where a row has no such field.

        Examples
        --------
        >>> Table.parse(b"t_s,stage\n0,W\n30, N2\n", "labels.csv").text(1).tolist()
        [b'W', b'N2']
        """
        cells = _column_bytes(self._body.replace(b'"', b""), column, (self._delimiter or " ").encode())
        return np.char.strip(cells) if cells.size else cells

    def _parse(self, body: bytes, columns: Sequence[int]) -> NDArray[np.float64]:
        if not body.strip(_BLANK):
            return np.empty((0, len(columns)))
        return np.loadtxt(
            io.BytesIO(body),
            delimiter=self._delimiter,
            usecols=tuple(columns),
            comments=None,
            ndmin=2,
            dtype=np.float64,
        )


def _refuse_decimal_commas(body: bytes, n_columns: int, where: str) -> None:
    """Raise where commas part cells and stand within numbers: in quotes, or in rows of more numbers than columns."""
    ambiguous = b'"' in body and _QUOTED_COMMA.search(body) is not None
    if n_columns and not ambiguous and body.count(b",") > (body.count(b"\n") + 1) * (n_columns - 1):
        numbers = rb'[-+0-9.eE" ]*'
        longer = rb"(?m)^(?:" + numbers + rb",){%d}[-+.eE\", ]*[0-9][-+0-9.eE\", ]*$" % n_columns
        ambiguous = re.search(longer, body) is not None
    if ambiguous:
        problem = "commas part its cells and seem to stand for decimal points as well"
        raise FormatError(where, problem, "export it with semicolons between the cells, or with decimal points")


def is_number(text: str) -> bool:
    """Whether a cell holds a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_stamp(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _cells(line: bytes, delimiter: str | None) -> tuple[str, ...]:
    text = line.decode("utf-8", errors="replace")
    cells = text.split() if delimiter is None else text.split(delimiter)
    return tuple(cell.strip().strip('"').strip() for cell in cells)


def _plain_text(data: bytes, where: str) -> bytes:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        data = data.decode("utf-16", errors="replace").encode()
    data = data.removeprefix(codecs.BOM_UTF8)
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if b"\0" in data:
        data = data.rstrip(b"\0")  # a file that was not closed ends in zeros
        if b"\0" in data:
            raise FormatError(where, "is not a text file", "give the file as the device wrote it")
    return data


def _column_bytes(body: bytes, column: int, delimiter: bytes) -> NDArray[np.bytes_]:
    """One column's cells without a loop over rows: all cells are gathered into a matrix of bytes."""
    letters = np.frombuffer(body.rstrip() + b"\n", dtype=np.uint8)
    ends = np.flatnonzero(letters == ord("\n"))
    starts = np.concatenate([[0], ends[:-1] + 1])
    starts, ends = starts[ends > starts], ends[ends > starts]
    marks = np.append(np.flatnonzero(letters == ord(delimiter)), len(letters))
    after = np.searchsorted(marks, starts) + column
    left = starts if column == 0 else marks[(after - 1).clip(max=len(marks) - 1)] + 1
    right = np.minimum(marks[after.clip(max=len(marks) - 1)], ends)
    width = int((right - left).max(initial=1).clip(1, 64))
    windows = np.lib.stride_tricks.sliding_window_view(np.append(letters, np.zeros(width, np.uint8)), width)
    cells = windows[left.clip(max=len(letters))]
    cells[np.arange(width) >= (right - left)[:, None]] = 0
    return _text(cells)


def _text(cells: NDArray[np.uint8]) -> NDArray[np.bytes_]:
    """Rows of bytes as byte strings."""
    return np.ascontiguousarray(cells).view(f"S{cells.shape[1]}").reshape(-1)


def _wall_us(cells: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Microseconds from 1970 of ISO times, given as letters without their zone and with zeros behind them.

    By arithmetic on the digits: numpy's own conversion of byte strings can crash the interpreter on wrong ones.
    """
    letters = np.ascontiguousarray(cells.T)  # a row for every place
    ended = letters == 0
    is_digit = (letters >= ord("0")) & (letters <= ord("9"))

    def number(*places: int) -> NDArray[np.int64]:
        value = np.zeros(letters.shape[1], dtype=np.int64)
        for place in places:
            value = value * 10 + np.where(is_digit[place], letters[place] - ord("0"), 0)
        return value

    has_seconds = letters[16] == ord(":")
    has_fraction = has_seconds & ((letters[19] == ord(".")) | (letters[19] == ord(",")))
    year, month, day, hour, minute = number(0, 1, 2, 3), number(5, 6), number(8, 9), number(11, 12), number(14, 15)
    second, microsecond = number(17, 18), number(*range(20, 26))
    good = is_digit[[0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15]].all(axis=0)
    good &= (letters[4] == ord("-")) & (letters[7] == ord("-")) & (letters[13] == ord(":"))
    good &= (letters[10] == ord("T")) | (letters[10] == ord(" "))
    good &= np.where(has_seconds, is_digit[17] & is_digit[18], ended[16])
    good &= np.where(has_fraction, is_digit[20], ended[19])
    good &= (is_digit[20:] | ended[20:]).all(axis=0) & ~(ended[16:-1] & ~ended[17:]).any(axis=0)
    good &= (year >= 1970) & (year <= _LAST_YEAR) & (month >= 1) & (month <= 12)
    good &= (hour < 24) & (minute < 60) & (second < 60)
    months = np.where(good, (year - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    days = months.astype("datetime64[D]")
    in_month = ((months + 1).astype("datetime64[D]") - days).astype(np.int64)
    if not np.all(good & (day >= 1) & (day <= in_month)):
        raise ValueError("not an ISO time")
    minutes = ((days.astype(np.int64) + day - 1) * 24 + hour) * 60 + minute
    wall_us: NDArray[np.int64] = (minutes * 60 + second) * _US_PER_S + microsecond
    return wall_us


def _offset(text: str) -> timedelta:
    if text == "Z":
        return timedelta(0)
    found = re.fullmatch(r"([+-])(\d\d)(?::?(\d\d))?", text)
    hours, minutes = (0, 0) if found is None else (int(found[2]), int(found[3] or 0))
    if found is None or hours > 23 or minutes > 59:
        raise ValueError(f"unknown offset {text!r}")
    size = timedelta(hours=hours, minutes=minutes)
    return size if found[1] == "+" else -size
