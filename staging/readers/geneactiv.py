"""GENEActiv ``.bin`` files: text headers, and pages of 300 samples in hexadecimal; alone, or the only one of a folder.

Assumptions
-----------
- A sample is 12 digits: x, y and z as 12-bit two's complement, then light and button, which are not read. Acceleration
  is (100 value - offset) / gain with the file's own calibration, as the manufacturer states it; nothing is
  re-calibrated.
- A page's time is that of its first sample, on a clock that keeps the file's zone throughout; without a zone it is
  taken as UTC, with a warning. Pages follow each other without a gap unless one is late by half a page.
- The stated frequency has one decimal: in a longer file the times of the pages know it better, and are believed.
- A page has one temperature, which stands for the whole page; the channel gives it once a second.
- Of a page that was cut short or damaged, what stands before the damage is read, and the rest is NaN; a page without a
  readable header is a gap. Both are counted in a warning.

References
----------
Activinsights, GENEActiv Instructions, "Decoding .bin files". van Hees V.T. et al. PLoS ONE 2015;10(11):e0142533,
doi 10.1371/journal.pone.0142533 (a public set of such files).
"""

from __future__ import annotations

import contextlib
import mmap
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from staging.errors import FormatError
from staging.readers.source import Source
from staging.readers.timing import MAX_SAMPLES
from staging.recording import Recording, Signal

__all__ = ["CHANNELS", "TITLE", "read", "sniff"]

TITLE = "GENEActiv .bin (or a folder or zip with one)"
CHANNELS = ("acc", "temp")

_MAGIC = b"Device Identity"
_DEVICE = b"Device Type:GENEActiv"
_PAGE_MARK = b"Recorded Data"
_PAGE = re.compile(
    rb"Recorded Data\s{1,2}"
    rb"Device Unique Serial Code:[^\n]{0,40}\n"
    rb"Sequence Number:[^\n]{0,20}\n"
    rb"Page Time:(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d):(\d{3})\s{1,2}"
    rb"Unassigned:[^\n]{0,80}\n"
    rb"Temperature:\s?(-?\d{1,3}(?:\.\d{1,4})?)\s{1,2}"
    rb"Battery voltage:[^\n]{0,40}\n"
    rb"Device Status:[^\n]{0,80}\n"
    rb"Measurement Frequency:\s?(\d{1,3}(?:\.\d{1,4})?)\s{1,2}"
)
_ZONE = re.compile(r"GMT\s*([+-])(\d{1,2}):([0-5]\d)")
_HEADER_BYTES = 1 << 16
_MAX_FILES = 200

_SAMPLES = 300
_DIGITS = 12
_PAGE_DIGITS = _SAMPLES * _DIGITS
_PAGES_AT_ONCE = 1024
_LATE_PAGES = 1.5  # a step between pages that is longer lacks a page
_RATE_ERROR_HZ = 0.05  # of a frequency with one decimal
_STAMP_ERROR_S = 0.5  # of page times: devices were seen to round them to half seconds
_MAX_RATE_ERROR = 0.05  # share by which measured and stated rate may differ

_NOT_A_DIGIT = 16
_DIGIT_OF = np.full(256, _NOT_A_DIGIT, dtype=np.uint8)
_DIGIT_OF[np.frombuffer(b"0123456789ABCDEF", np.uint8)] = np.arange(16)
_DIGIT_OF[np.frombuffer(b"abcdef", np.uint8)] = np.arange(10, 16)


class _Pages(NamedTuple):
    """What the headers of the pages say."""

    begins: NDArray[np.int64]
    """Places of the first digits in the file."""
    times_s: NDArray[np.float64]
    """Times from the first page's."""
    temperatures_c: NDArray[np.float64]
    first: datetime
    """Wall-clock time of the first page, without a zone."""
    rate_hz: float
    """As stated."""


def sniff(source: Source) -> bool:
    """Whether a file begins as a GENEActiv's does."""
    return bool(_files(source))


def read(source: Source) -> Recording:
    """Read a GENEActiv file.

    Parameters
    ----------
    source : Source
        The file, or a folder or zip that holds no other of its kind.

    Returns
    -------
    Recording
        ``acc`` in g and ``temp`` in °C; NaN where pages are missing.

    Raises
    ------
    FormatError
        If the calibration is missing, no page can be read, or the pages contradict each other.
    """
    names = _files(source)
    if len(names) != 1:
        problem = f"holds {len(names)} GENEActiv files" + (f" ({', '.join(names[:3])}, ...)" if names else "")
        raise FormatError(source.where, problem, "give one .bin of a GENEActiv")
    where = source.label(names[0])
    with _content(source, names[0]) as content:
        header = _header(content)
        gain, offset = _calibration(header, where)
        pages, notes = _pages(content, where)
        cells, rate_hz, begin_s = _grid(pages, where)
        samples, damaged = _decoded(content, pages.begins, cells)
    samples *= 100 / gain
    samples -= offset / gain
    stated = header.get("Number of Pages", "")
    if stated.isdigit() and int(stated) > len(cells):
        notes.append(f"{len(cells)} of the {stated} pages that its header states are in the file")
    if damaged:
        notes.append(f"{damaged} pages are damaged or cut short; read as far as they are whole")
    zone, note = _zone(header)
    return Recording(
        start=pages.first.replace(tzinfo=zone) + timedelta(seconds=begin_s),
        acc=Signal(samples=samples, rate_hz=rate_hz, unit="g"),
        temp=_each_second(pages.temperatures_c, cells, rate_hz),
        device="GENEActiv",
        subject=header.get("Subject Code", ""),
        source=source.where,
        warnings=(*notes, *note),
    )


def _files(source: Source) -> list[str]:
    names = list(source.sizes)[:_MAX_FILES]
    heads = {name: source.head(name, 256) for name in names if source.sizes[name]}
    return [name for name, head in heads.items() if head.lstrip().startswith(_MAGIC) and _DEVICE in head]


@contextlib.contextmanager
def _content(source: Source, name: str) -> Iterator[bytes | mmap.mmap]:
    """The file's bytes, paged in as they are read where it lies on disk: a month of samples is 2 GB of text."""
    path = source.local(name)
    if path is None:
        yield source.read(name)
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        yield content


def _header(content: bytes | mmap.mmap) -> dict[str, str]:
    end = content.find(_PAGE_MARK, 0, _HEADER_BYTES)
    text = content[: end if end >= 0 else _HEADER_BYTES].decode("utf-8", errors="replace")
    fields = (line.partition(":") for line in text.splitlines())
    return {key.strip(): value.strip() for key, mark, value in fields if mark}


def _calibration(header: Mapping[str, str], where: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Gains and offsets of x, y and z."""
    mend = "export the file from the device again"
    try:
        gain, offset = (np.array([float(header[f"{axis} {what}"]) for axis in "xyz"]) for what in ("gain", "offset"))
    except (KeyError, ValueError) as error:
        raise FormatError(where, f"has no calibration that can be read ({error})", mend) from error
    if not (np.isfinite(gain).all() and np.isfinite(offset).all() and gain.all()):
        raise FormatError(where, f"its calibration has the gains {gain.tolist()}", mend)
    return gain.astype(np.float32), offset.astype(np.float32)


def _zone(header: Mapping[str, str]) -> tuple[timezone, tuple[str, ...]]:
    stated = header.get("Time Zone", "")
    found = _ZONE.search(stated)
    if found is None or int(found[2]) >= 24:
        return UTC, (f"the file's time zone is {stated or 'not stated'}; its start is taken as UTC",)
    size = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return timezone(size if found[1] == "+" else -size), ()


def _pages(content: bytes | mmap.mmap, where: str) -> tuple[_Pages, list[str]]:
    """Headers of the pages that can be read, in order of time."""
    begins, moments, temperatures, rates = [], [], [], set()
    for page in _PAGE.finditer(content):
        clock, ms, temperature, rate = page.groups()
        with contextlib.suppress(ValueError):  # a date such as 2013-02-31
            moments.append(datetime.fromisoformat(clock.decode()) + timedelta(milliseconds=int(ms)))
            begins.append(page.end())
            temperatures.append(float(temperature))
            rates.add(float(rate))
    if not begins:
        raise FormatError(where, "holds no page that can be read", "copy the file from the device again")
    if len(rates) > 1 or not min(rates) > 0:
        problem = f"its pages state the frequencies {', '.join(f'{rate:g}' for rate in sorted(rates))} Hz"
        raise FormatError(where, problem, "give a recording of one frequency")
    times_s = np.array([(moment - moments[0]).total_seconds() for moment in moments])
    forward = times_s >= np.maximum.accumulate(times_s)
    forward[1:] &= np.diff(times_s) != 0
    if forward.mean() < 0.5:
        raise FormatError(where, "most of its pages go back in time", "export the file from the device again")
    lost = sum(1 for _ in re.finditer(_PAGE_MARK, content)) - int(forward.sum())
    notes = [f"{lost} pages have damaged headers or repeat an earlier time and were left out"] if lost else []
    kept = _Pages(
        begins=np.array(begins)[forward],
        times_s=times_s[forward],
        temperatures_c=np.array(temperatures)[forward],
        first=moments[0],
        rate_hz=rates.pop(),
    )
    return kept, notes


def _grid(pages: _Pages, where: str) -> tuple[NDArray[np.int64], float, float]:
    """Each page's first sample on an even grid, the grid's rate, and its begin in seconds from the first page."""
    steps_s = np.diff(pages.times_s)
    is_gap = steps_s > _LATE_PAGES * _SAMPLES / pages.rate_hz
    unbroken_s = float(steps_s[~is_gap].sum())
    rate_hz = pages.rate_hz
    if unbroken_s * _RATE_ERROR_HZ > _STAMP_ERROR_S * rate_hz:
        rate_hz = round(_SAMPLES * int((~is_gap).sum()) / unbroken_s, 9)
    if abs(rate_hz / pages.rate_hz - 1) > _MAX_RATE_ERROR:
        problem = f"its pages come at {rate_hz:.4g} Hz and state {pages.rate_hz:g} Hz"
        raise FormatError(where, problem, "export the file from the device again")
    first = np.concatenate([[0], np.flatnonzero(is_gap) + 1])
    length = np.diff(np.append(first, len(pages.times_s)))
    within = _SAMPLES * (np.arange(len(pages.times_s)) - np.repeat(first, length))
    begin_s = np.add.reduceat(pages.times_s - within / rate_hz, first) / length
    earlier = _SAMPLES * first  # samples of all stretches before: no stretch begins before the last one ends
    free = np.maximum.accumulate(np.rint((begin_s - begin_s[0]) * rate_hz).astype(np.int64) - earlier)
    cells = np.repeat(free + earlier, length) + within
    if cells[-1] + _SAMPLES > MAX_SAMPLES:
        problem = (
            f"{(cells[-1] + _SAMPLES) / rate_hz / 86400:.0f} days at {rate_hz:g} Hz are too much for one recording"
        )
        raise FormatError(where, problem, "export fewer days")
    return cells, rate_hz, round(float(begin_s[0]), 3)


def _decoded(
    content: bytes | mmap.mmap, begins: NDArray[np.int64], cells: NDArray[np.int64]
) -> tuple[NDArray[np.float32], int]:
    """Values as the device counts them, NaN where there is none, and the number of pages that are not whole."""
    samples = np.full((int(cells[-1]) + _SAMPLES, 3), np.nan, dtype=np.float32)
    damaged, whole = 0, np.zeros(0, dtype=np.int64)
    for chunk in range(0, len(begins), _PAGES_AT_ONCE):
        part = slice(chunk, chunk + _PAGES_AT_ONCE)
        text = b"".join(content[at : at + _PAGE_DIGITS].ljust(_PAGE_DIGITS, b"\n") for at in begins[part].tolist())
        digits = _DIGIT_OF[np.frombuffer(text, np.uint8).reshape(-1, _PAGE_DIGITS)]
        wrong = digits == _NOT_A_DIGIT
        whole = np.where(wrong.any(axis=1), wrong.argmax(axis=1), _PAGE_DIGITS) // _DIGITS
        damaged += int(np.count_nonzero(whole < _SAMPLES))
        values = digits.reshape(-1, _SAMPLES, _DIGITS)[..., :9].reshape(-1, _SAMPLES, 3, 3).astype(np.int16)
        signed = (values[..., 0] << 12 | values[..., 1] << 8 | values[..., 2] << 4) >> 4
        places = cells[part, None] + np.arange(_SAMPLES)
        good = np.arange(_SAMPLES) < whole[:, None]
        samples[places[good]] = signed[good]
    return samples[: len(samples) - _SAMPLES + int(whole[-1])], damaged


def _each_second(temperatures_c: NDArray[np.float64], cells: NDArray[np.int64], rate_hz: float) -> Signal:
    """The temperature of the page that each second falls into; NaN where there is no page."""
    begins_s = cells / rate_hz
    seconds = np.arange(max(1, int(begins_s[-1] + _SAMPLES / rate_hz)))
    page = np.searchsorted(begins_s, seconds, side="right") - 1
    inside = seconds < begins_s[page] + _SAMPLES / rate_hz
    values = np.where(inside, temperatures_c[page], np.nan).astype(np.float32)
    return Signal(samples=values, rate_hz=1.0, unit="degC")
