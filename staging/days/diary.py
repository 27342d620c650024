"""When somebody was in bed, as a diary says: a CSV table with a row a night.

Columns
-------
``lights_off``, ``lights_on``
    Dates and times, ``2026-03-01 22:45`` or ``2026-03-01T22:45+01:00``; without an offset they are on the clock of
    the recording's zone. Or times of day, ``22:45``, with the column
``date``
    of the evening: a lights-off before noon is on the day after.
``zone``
    Where the night was slept, for those who travel: ``America/New_York``, a name of the IANA data base. Times of the
    row without an offset are on the clock there. From the noon of its evening on the zone holds for all that is found
    as well, until another row says another; before the first it is the recording's. A row may say ``date`` and
    ``zone`` and no times: where somebody was, and not when in bed.
``name``
    Of the recording or its subject, where a diary is of several. Rows of others are passed over.

Other columns are left alone, and so are rows in which either time is empty: nothing was noted that night.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from staging.days.nights import Sleep
from staging.days.zones import ZoneFrom
from staging.errors import FormatError, InputError
from staging.when import LightsTime, parse_lights, time_zone

__all__ = ["DiaryNight", "DiaryPlace", "diary_sleeps", "diary_zones", "nightly_lights", "read_diary"]

_MOST_BYTES = 10_000_000
_MOST_H = 24.0
_NEEDED = ("lights_off", "lights_on")
_YEARS = (1900, 2200)
_Day = TypeVar("_Day", bound=date)


@dataclass(frozen=True, kw_only=True)
class DiaryNight:
    """A night as it was noted: the line of the file, and when lights went off and on, without a zone or with one."""

    line: int
    off: datetime
    on: datetime
    name: str = ""
    zone: ZoneInfo | None = None

    @property
    def noon(self) -> datetime:
        """Noon before the night, on the clock there and without a zone."""
        evening = (self.off.replace(tzinfo=None) - timedelta(hours=12)).date()
        return datetime(evening.year, evening.month, evening.day, 12)


@dataclass(frozen=True, kw_only=True)
class DiaryPlace:
    """A night of which only the place was noted: the line of the file, its evening's noon, and the zone."""

    line: int
    noon: datetime
    zone: ZoneInfo
    name: str = ""


def read_diary(path: str | os.PathLike[str]) -> tuple[DiaryNight | DiaryPlace, ...]:
    r"""Read a diary.

    Parameters
    ----------
    path : path
        A CSV table, comma, semicolon or tab between cells.

    Returns
    -------
    tuple of DiaryNight or DiaryPlace
        In the order of the file.

    Raises
    ------
    FormatError
        If it cannot be read, lacks a column, or has a time that is none; the line is named.
    InputError
        If a zone is not known.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "diary.csv")
    ...     _ = path.write_text("date,lights_off,lights_on\n2026-03-01,22:45,06:30\n2026-03-02,00:10,07:00\n")
    ...     [f"{night.off} - {night.on}" for night in read_diary(path)]
    ['2026-03-01 22:45:00 - 2026-03-02 06:30:00', '2026-03-03 00:10:00 - 2026-03-03 07:00:00']
    """
    where = os.fspath(path)
    try:
        with Path(path).open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise FormatError(where, "is too large for a diary", "give a table with a row a night")
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise FormatError(
            where, f"cannot be read ({error.strerror or type(error).__name__})", "check --diary"
        ) from None
    except UnicodeDecodeError:
        raise FormatError(where, "is not text in UTF-8", "save it as CSV (UTF-8)") from None
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise FormatError(where, f"is no CSV table ({error})", "save it as CSV") from None
    header = [cell.strip().casefold().replace(" ", "_").replace("-", "_") for cell in rows[0]] if rows else []
    for column in _NEEDED:
        if header.count(column) != 1:
            raise FormatError(where, f"has not one column {column!r}", "give the columns lights_off and lights_on")
    nights: list[DiaryNight | DiaryPlace] = []
    for line, row in enumerate(rows[1:], start=2):
        cells = dict(zip(header, (cell.strip() for cell in row), strict=False))
        name = cells.get("zone", "")
        zone = time_zone(name, option=f"{where}: line {line}: zone") if name else None
        if cells.get("lights_off") and cells.get("lights_on"):
            nights.append(_night(cells, line, where, zone))
        elif zone is not None:
            noon = _evening(cells, line, where) + timedelta(hours=12)
            nights.append(DiaryPlace(line=line, noon=noon, zone=zone, name=cells.get("name", "")))
    if not nights:
        raise FormatError(where, "holds no night with both times", "fill in lights_off and lights_on")
    return tuple(nights)


def diary_sleeps(
    nights: Collection[DiaryNight | DiaryPlace],
    *,
    start: datetime | None,
    end_s: float,
    names: Collection[str] = (),
    where: str,
) -> list[Sleep]:
    """The nights of a diary that lie in a recording.

    Parameters
    ----------
    nights : collection of DiaryNight or DiaryPlace
        From `read_diary`.
    start : datetime or None
        Aware start of the recording; its zone is that of times without an offset until a row says another.
    end_s : float
        Its length.
    names : collection of str
        What the recording and its subject are called.
    where : str
        The diary, as errors name it.

    Returns
    -------
    list of Sleep
        In order of time; none where the diary says only places.

    Raises
    ------
    InputError
        If the recording has no clock, none of the nights lies in it, or two overlap.

    Examples
    --------
    >>> from datetime import UTC
    >>> night = DiaryNight(line=2, off=datetime(2026, 3, 1, 23), on=datetime(2026, 3, 2, 7))
    >>> diary_sleeps([night], start=datetime(2026, 3, 1, 12, tzinfo=UTC), end_s=86_400.0, where="diary.csv")
    [Sleep(begin_s=39600.0, end_s=68400.0, kind='night', source='diary')]
    """
    if start is None:
        raise InputError(where, "a diary needs a clock, and the recording has none", "leave --diary out")
    noted = [(row, zone) for row, zone in _of_one(nights, start, names, where) if isinstance(row, DiaryNight)]
    sleeps: list[Sleep] = []
    for night, zone in sorted(noted, key=lambda one: _seconds(one[0].off, start, one[1])):
        begin_s, stop_s = _seconds(night.off, start, zone), _seconds(night.on, start, zone)
        if not 0 < stop_s - begin_s <= _MOST_H * 3600:
            problem = f"line {night.line}: lights-on at {night.on} does not follow lights-off at {night.off}"
            raise InputError(where, problem, "check both times and their dates")
        if sleeps and begin_s < sleeps[-1].end_s:
            raise InputError(where, f"line {night.line}: begins before the night before it ends", "check the dates")
        sleeps.append(Sleep(begin_s=begin_s, end_s=stop_s, source="diary"))
    inside = [sleep for sleep in sleeps if sleep.begin_s < end_s and sleep.end_s > 0]
    if noted and not inside:
        raise InputError(where, "none of its nights lies in the recording", "check its dates, and --timezone")
    return inside


def diary_zones(
    nights: Collection[DiaryNight | DiaryPlace], *, start: datetime | None, names: Collection[str] = (), where: str
) -> tuple[ZoneFrom, ...]:
    """From when on which zone held, as a diary says; none where it says no zone.

    A zone holds from the noon of its row's evening on the clock there, or from the end of the night before if that is
    later, so that every night of the diary lies in its own.

    Parameters
    ----------
    nights, start, names, where
        As `diary_sleeps` takes them.

    Raises
    ------
    InputError
        If the recording has no clock.

    Examples
    --------
    >>> from datetime import UTC
    >>> place = DiaryPlace(line=2, noon=datetime(2026, 3, 2, 12), zone=ZoneInfo("America/New_York"))
    >>> ((from_s, zone),) = diary_zones([place], start=datetime(2026, 3, 1, 12, tzinfo=UTC), where="diary.csv")
    >>> from_s / 3600, str(zone)
    (29.0, 'America/New_York')
    """
    if not any(row.zone for row in nights):
        return ()
    if start is None:
        raise InputError(where, "a diary needs a clock, and the recording has none", "leave --diary out")
    found: list[ZoneFrom] = []
    slept_until_s = float("-inf")
    for row, zone in _of_one(nights, start, names, where):
        if zone is not (found[-1].zone if found else start.tzinfo):
            found.append(ZoneFrom(max(_seconds(row.noon, start, zone), slept_until_s), zone))
        if isinstance(row, DiaryNight):
            slept_until_s = max(slept_until_s, _seconds(row.on, start, zone))
    return tuple(found)


def _of_one(
    rows: Collection[DiaryNight | DiaryPlace], start: datetime, names: Collection[str], where: str
) -> list[tuple[DiaryNight | DiaryPlace, tzinfo]]:
    """The rows of one person in order of their evenings, each with its zone or that of the row before."""
    known = {name.casefold() for name in names if name}
    own = [row for row in rows if not row.name or row.name.casefold() in known]
    if not own:
        raise InputError(where, f"holds no row named {' or '.join(sorted(known))}", "check its column name")
    zone = start.tzinfo
    assert zone is not None
    found: list[tuple[DiaryNight | DiaryPlace, tzinfo]] = []
    for row in sorted(own, key=_wall_order):
        zone = row.zone or zone
        found.append((row, zone))
    return found


def _wall_order(row: DiaryNight | DiaryPlace) -> tuple[datetime, datetime]:
    """By evening, then by time on the clock there: which zone that is depends on the order, and not the other way."""
    return row.noon, row.off.replace(tzinfo=None) if isinstance(row, DiaryNight) else row.noon


def nightly_lights(off: LightsTime, on: LightsTime, *, start: datetime | None, end_s: float) -> list[Sleep]:
    """Time in bed of every night of a recording, from times of day; or of the one night that dated times tell.

    Parameters
    ----------
    off, on : LightsTime
        As the user said it.
    start : datetime or None
        Aware start of the recording.
    end_s : float
        Its length. Nights that lie wholly in it are given.

    Raises
    ------
    InputError
        If a clock is needed and there is none, one is a time of day and the other is not, or no night lies inside.

    Examples
    --------
    >>> from datetime import UTC
    >>> times = parse_lights("22:45"), parse_lights("06:30")
    >>> [sleep.begin_s / 3600 for sleep in nightly_lights(
    ...     *times, start=datetime(2026, 3, 1, 12, tzinfo=UTC), end_s=3 * 86_400.0)]
    [10.75, 34.75, 58.75]
    """
    where = f"--lights-off {off.text} --lights-on {on.text}"
    if (off.day_s is None) != (on.day_s is None):
        raise InputError(where, "one is a time of day and the other is not", "write both alike")
    if off.day_s is None or on.day_s is None:
        begin_s, stop_s = (_dated_s(time, start, where) for time in (off, on))
        spans = [(begin_s, stop_s)] if begin_s < stop_s else []
        if not spans:
            raise InputError(where, "lights-on does not follow lights-off", "check both")
    else:
        if start is None:
            raise InputError(where, "times of day need a clock, and the recording has none", "give them as 15min")
        spans = []
        midnight = start.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None) - timedelta(days=1)
        for day in range(int(end_s / 86_400) + 3):
            # Wall-clock arithmetic on purpose: 22:45 stays 22:45 when the clocks have changed.
            begin = midnight + timedelta(days=day, seconds=off.day_s)
            stop = midnight + timedelta(days=day + (on.day_s <= off.day_s), seconds=on.day_s)
            spans.append((_seconds(begin, start), _seconds(stop, start)))
    inside = [
        Sleep(begin_s=begin_s, end_s=stop_s, source="lights")
        for begin_s, stop_s in spans
        if begin_s >= 0 and stop_s <= end_s
    ]
    if not inside:
        raise InputError(where, "no such night lies in the recording", "check --timezone")
    return inside


def _dated_s(time: LightsTime, start: datetime | None, where: str) -> float:
    if time.elapsed_s is not None:
        return time.elapsed_s
    if time.moment is None or start is None:
        raise InputError(where, "a date needs a clock, and the recording has none", "give times as 15min")
    return time.moment.timestamp() - start.timestamp()


def _seconds(moment: datetime, start: datetime, zone: tzinfo | None = None) -> float:
    """Seconds from the start to a moment, which without an offset is on the clock of the zone, or of the start."""
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone or start.tzinfo)
    return aware.timestamp() - start.timestamp()


def _night(cells: Mapping[str, str], line: int, where: str, zone: ZoneInfo | None) -> DiaryNight:
    off = _moment(cells, "lights_off", line, where)
    on = _moment(cells, "lights_on", line, where)
    if isinstance(off, timedelta) or isinstance(on, timedelta):
        evening = _evening(cells, line, where)
        if isinstance(off, timedelta):
            off = evening + off + timedelta(days=off < timedelta(hours=12))
        if isinstance(on, timedelta):
            same_day = datetime(off.year, off.month, off.day, tzinfo=off.tzinfo) + on
            on = same_day + timedelta(days=same_day <= off)
    return DiaryNight(line=line, off=off, on=on, name=cells.get("name", ""), zone=zone)


def _moment(cells: Mapping[str, str], column: str, line: int, where: str) -> datetime | timedelta:
    text = cells[column]
    try:
        time = parse_lights(text)
    except InputError:
        time = None
    if time is not None and time.day_s is not None:
        return timedelta(seconds=time.day_s)
    try:
        return _of_our_time(datetime.fromisoformat(text))
    except ValueError:
        mend = "write 22:45 or 2026-03-01 22:45"
        raise FormatError(where, f"line {line}: {column} {text!r} is not a time", mend) from None


def _evening(cells: Mapping[str, str], line: int, where: str) -> datetime:
    text = cells.get("date", "")
    try:
        day = _of_our_time(date.fromisoformat(text))
    except ValueError:
        problem = f"line {line}: a time of day needs the date of the evening, and {text!r} is none"
        raise FormatError(where, problem, "give a column date, as in 2026-03-01") from None
    return datetime(day.year, day.month, day.day)


def _of_our_time(day: _Day) -> _Day:
    """A date on which somebody can have worn a device: at the ends of the calendar a night leads beyond it."""
    if not _YEARS[0] <= day.year <= _YEARS[1]:
        raise ValueError(f"the year {day.year}")
    return day
