"""GENEActiv ``.bin`` files: text headers, and pages of 300 samples in hexadecimal; alone, or the only one of a folder.

Assumptions
-----------
- A sample is 12 digits: x, y and z as 12-bit two's complement, then light and button, which are not read. Acceleration
  is (100 value - offset) / gain with the file's own calibration, as the manufacturer states it; nothing is
  re-calibrated.
- A page's time is that of its first sample, on a clock that keeps the file's zone throughout; without a zone it is
  taken as UTC, with a warning. The stated frequency has one decimal: the rate is measured from the times, and samples
  stand where they put them (see `staging.readers.blocks`).
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
from staging.readers.blocks import Layout, gap_notes, in_order, lay_out, left_out
from staging.readers.source import Source
from staging.readers.timing import to_float32
from staging.recording import TAKEN_AS_UTC, Recording, Signal

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
    rb"Page Time:((?:19|20)\d\d-\d\d-\d\d \d\d:\d\d:\d\d):(\d{3})\s{1,2}"
    rb"Unassigned:[^\n]{0,80}\n"
    rb"Temperature:\s?(-?\d{1,3}(?:\.\d{1,4})?)\s{1,2}"
    rb"Battery voltage:[^\n]{0,40}\n"
    rb"Device Status:[^\n]{0,80}\n"
    rb"Measurement Frequency:\s?(\d{1,3}(?:\.\d{1,4})?)\s{1,2}"
)
_NUMBER = re.compile(r"[0-9]{1,9}")
_ZONE = re.compile(r"GMT\s*([+-])(\d{1,2}):([0-5]\d)")
_HEADER_BYTES = 1 << 16

_SAMPLES = 300
_DIGITS = 12
_PAGE_DIGITS = _SAMPLES * _DIGITS
_PAGES_AT_ONCE = 1024
_RATE_ERROR = 0.05  # share by which the rate may differ from the one that is stated

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
    return bool(source.beginning(_is_geneactiv))


def read(source: Source) -> Recording:
    """Read a GENEActiv file.

    Parameters
    ----------
    source : Source
        The file, or a folder or zip that holds no other of its kind.

    Returns
    -------
    Recording
        ``acc`` in g and ``temp`` in °C; NaN where pages are missing or damaged.

    Raises
    ------
    FormatError
        If the calibration is missing, no page can be read, or the pages contradict each other.
    """
    name = source.only(source.beginning(_is_geneactiv), "GENEActiv .bin")
    where = source.label(name)
    with _content(source, name) as content:
        header = _header(content)
        gain, offset = _calibration(header, where)
        pages, notes = _pages(content, where)
        counts = np.full(len(pages.begins), _SAMPLES)
        layout = lay_out(pages.times_s, counts, pages.rate_hz, rate_error=_RATE_ERROR, where=where)
        samples, damaged = _decoded(content, pages.begins, layout)
    samples *= 100 / gain
    samples -= offset / gain
    stated = header.get("Number of Pages", "")
    if _NUMBER.fullmatch(stated) and int(stated) > len(counts):
        notes.append(f"{len(counts)} of the {stated} pages that its header states are in the file")
    if damaged:
        notes.append(f"{damaged} page{'s' * (damaged > 1)} damaged or cut short; read as far as they are whole")
    zone, note = _zone(header)
    return Recording(
        start=pages.first.replace(tzinfo=zone) + timedelta(seconds=layout.start_s),
        wall_clock=bool(note),
        acc=Signal(samples=samples, rate_hz=layout.rate_hz, unit="g"),
        temp=Signal(samples=layout.each_second(pages.temperatures_c), rate_hz=1.0, unit="degC"),
        device="GENEActiv",
        subject=header.get("Subject Code", ""),
        source=source.where,
        warnings=(*notes, *gap_notes(layout.gaps(), layout.rate_hz, where), *note),
    )


def _is_geneactiv(head: bytes) -> bool:
    return head.lstrip().startswith(_MAGIC) and _DEVICE in head


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
    gain, offset = to_float32(gain), to_float32(offset)
    if not (np.isfinite(gain).all() and np.isfinite(offset).all() and gain.all()):
        raise FormatError(where, f"its calibration has the gains {gain.tolist()}", mend)
    return gain, offset


def _zone(header: Mapping[str, str]) -> tuple[timezone, tuple[str, ...]]:
    stated = header.get("Time Zone", "")
    found = _ZONE.search(stated)
    if found is None or int(found[2]) >= 24:
        return UTC, (f"the file's time zone is {stated or 'not stated'}; its start {TAKEN_AS_UTC}",)
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
    kept = in_order(times_s, where)
    lost = sum(1 for _ in re.finditer(_PAGE_MARK, content)) - int(kept.sum())
    pages = _Pages(
        begins=np.array(begins)[kept],
        times_s=times_s[kept],
        temperatures_c=np.array(temperatures)[kept],
        first=moments[0],
        rate_hz=rates.pop(),
    )
    return pages, left_out(lost, "page", "damaged headers, or times that go back")


def _decoded(content: bytes | mmap.mmap, begins: NDArray[np.int64], layout: Layout) -> tuple[NDArray[np.float32], int]:
    """Values as the device counts them, NaN where there is none, and the number of pages that are not whole."""
    grid, damaged = layout.empty(), 0
    for part in layout.chunks(_PAGES_AT_ONCE):
        text = b"".join(content[at : at + _PAGE_DIGITS].ljust(_PAGE_DIGITS, b"\n") for at in begins[part].tolist())
        digits = _DIGIT_OF[np.frombuffer(text, np.uint8).reshape(-1, _PAGE_DIGITS)]
        wrong = digits == _NOT_A_DIGIT
        whole = np.where(wrong.any(axis=1), wrong.argmax(axis=1), _PAGE_DIGITS) // _DIGITS
        damaged += int(np.count_nonzero(whole < _SAMPLES))
        triples = digits.reshape(-1, _SAMPLES, _DIGITS)[..., :9].reshape(-1, _SAMPLES, 3, 3).astype(np.int16)
        signed = (triples[..., 0] << 12 | triples[..., 1] << 8 | triples[..., 2] << 4) >> 4
        values = signed.astype(np.float32)
        values[np.arange(_SAMPLES) >= whole[:, None]] = np.nan
        layout.put(grid, part, values)
    return grid, damaged
