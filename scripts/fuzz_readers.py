"""Damage small files of every format in many ways: each must be read, or be refused in one line.

    nice -n 15 python -m scripts.fuzz_readers --minutes 20

Every case is a small valid file, folder or zip (``tests/readers/small_files.py``) with one to four damages: cut short,
bits flipped, bytes put in or taken out, numbers of 1-8 bytes written over (lengths, counts, rates), lines repeated,
exchanged or spliced from another file, numbers of a text exchanged for extreme ones, columns emptied, separators and
encodings changed, files emptied, exchanged or removed. It is read, and what is read is brought to the tracks that
staging is made from, within 10 s of processor time and 1 GiB of further memory. Right is a recording or a
`StagingError` of one line; anything else (another exception, a warning of a library, too much time or memory, a dead
process) is a finding.

A case is a function of its format, variant and number alone: ``--case FORMAT:VARIANT:NUMBER`` runs one again, and
``--keep DIR`` writes its files. Ends with 1 where something was found.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import io
import itertools
import multiprocessing
import os
import random
import re
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import NamedTuple

import staging
from staging.errors import StagingError
from staging.tracks import prepare
from staging.wording import NightClock
from tests.readers.small_files import SMALL_FILES, Files

CPU_S = 10
MEMORY_BYTES = 1 << 30
MOST_S = 300
"""After so long without a word the process is inside a library that no signal reaches."""
MOST_DAMAGES = 4
LONGEST_MESSAGE = 600
_TOLD = 5

_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")
_EXTREME = (
    *(b"nan inf -inf 1e308 -1e308 1e-308 0 -0 -1 1 0.5 9999999999 99999999999999999999 1e400 0x10 1_000".split()),
    *(b"2147483648 -2147483649 4294967296 9223372036854775808 1,5 -- . +".split()),
    b"",
    b" ",
    "１２".encode(),
    b"9" * 400,
    b"9" * 5000,
    b"5e-324",
    b"[60]",
    b"null",
    b"0001-01-01T00:00:00+10:00",
    b"9999-12-31T23:59:59-10:00",
)
_SEPARATORS = (b",", b";", b"\t", b" ", b"|", b"\r", b"\n", b'"', b"\0", b":", b"<", b"&", b"{")
_INTEGERS = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1)


class Case(NamedTuple):
    """Which damage to which file."""

    format: str
    variant: str
    number: int

    def __str__(self) -> str:
        return f"{self.format}:{self.variant}:{self.number}"


@dataclass
class Tally:
    """What came of the cases of one format."""

    tried: int = 0
    read: int = 0
    refused: int = 0
    findings: dict[str, list[str]] = field(default_factory=dict)
    """Cases by what they have in common: the kind of the error and where it was raised."""

    def add(self, case: Case, outcome: str) -> None:
        """Count one case."""
        self.tried += 1
        if outcome in ("read", "refused"):
            self.read += outcome == "read"
            self.refused += outcome == "refused"
        else:
            self.findings.setdefault(outcome, []).append(str(case))


class _TooLong(BaseException):
    """Nothing catches it by accident."""


@functools.cache
def _whole(name: str, variant: str) -> Files:
    return SMALL_FILES[name][variant]()


def damaged(case: Case) -> tuple[Files, bool]:
    """The files of a case, and whether to name the format instead of having it found."""
    rng = random.Random(f"{case}")
    files = dict(_whole(case.format, case.variant))
    if case.number == 0:
        return files, False
    for _ in range(rng.randint(1, MOST_DAMAGES)):
        if len(files) > 1 and rng.random() < 0.08:
            _damage_folder(files, rng)
        else:
            name = rng.choice(sorted(files))
            files[name] = rng.choice(_DAMAGES)(files[name], rng, files)
    return files, rng.random() < 0.5


def _damage_folder(files: Files, rng: random.Random) -> None:
    one, other = rng.sample(sorted(files), 2)
    what = rng.randrange(5)
    if what == 0:
        del files[one]
    elif what == 1:
        files[one] = b""
    elif what == 2:
        files[one], files[other] = files[other], files[one]
    elif what == 3:
        files[f"copy/{one}"] = files[one]
    else:
        files[one.swapcase()] = files.pop(one)


def _cut(data: bytes, rng: random.Random, _: Files) -> bytes:
    return data[: rng.randint(0, len(data))] if rng.random() < 0.8 else data[rng.randint(0, len(data)) :]


def _flip(data: bytes, rng: random.Random, _: Files) -> bytes:
    content = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8, 64))):
        if content:
            content[_place(content, rng)] ^= 1 << rng.randrange(8)
    return bytes(content)


def _overwrite(data: bytes, rng: random.Random, _: Files) -> bytes:
    """A number in the place of another: lengths, counts, scales, rates."""
    size = rng.choice((1, 2, 2, 4, 4, 8))
    value = rng.choice(_INTEGERS) if rng.random() < 0.7 else rng.getrandbits(8 * size)
    at = _place(data, rng) // rng.choice((1, size)) * size
    return data[:at] + (value % (1 << 8 * size)).to_bytes(size, rng.choice(("little", "big"))) + data[at + size :]


def _insert(data: bytes, rng: random.Random, _: Files) -> bytes:
    at = _place(data, rng)
    return data[:at] + rng.randbytes(rng.choice((1, 2, 16, 512))) + data[at:]


def _remove(data: bytes, rng: random.Random, _: Files) -> bytes:
    at = _place(data, rng)
    return data[:at] + data[at + rng.choice((1, 2, 3, 16, 512)) :]


def _repeat(data: bytes, rng: random.Random, _: Files) -> bytes:
    at = _place(data, rng)
    piece = data[at : at + rng.choice((1, 16, 512, 4096))]
    return data[:at] + piece * rng.choice((2, 3, 50)) + data[at:]


def _extreme_number(data: bytes, rng: random.Random, _: Files) -> bytes:
    """Numbers of a text exchanged for what no sensor writes, those of its beginning more often."""
    found = list(_NUMBER.finditer(data[: 200 if rng.random() < 0.5 else len(data)]))
    if not found:
        return _flip(data, rng, {})
    chosen = rng.sample(found, min(len(found), rng.choice((1, 1, 2, 10))))
    for match in sorted(chosen, key=lambda match: -match.start()):
        if rng.random() < 0.6:
            other = rng.choice(_EXTREME)
        else:
            digits = match[0]
            at = rng.randrange(len(digits) + 1)
            other = digits[:at] + rng.choice((b"", b"0", b"9", b"-", b".", b"e9", b"000000")) + digits[at + 1 :]
        data = data[: match.start()] + other + data[match.end() :]
    return data


def _all_numbers(data: bytes, rng: random.Random, _: Files) -> bytes:
    """A whole text in another unit."""
    factor = rng.choice((b"000", b"e3", b"e-3", b"e18", b".5"))
    return _NUMBER.sub(lambda match: match[0] + factor, data)


def _lines(data: bytes, rng: random.Random, files: Files) -> bytes:
    lines = data.split(b"\n")
    one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    what = rng.randrange(6)
    if what == 0:
        lines[one], lines[other] = lines[other], lines[one]
    elif what == 1:
        del lines[min(one, other) : max(one, other)]
    elif what == 2:
        lines[one:one] = lines[other : other + rng.choice((1, 5, 50))]
    elif what == 3:
        strange = files[rng.choice(sorted(files))].split(b"\n")
        lines[one:one] = strange[: rng.choice((1, 3))]
    elif what == 4:
        lines.reverse()
    else:
        lines[one] = lines[one][: rng.randint(0, len(lines[one]))]
    return b"\n".join(lines)


def _column(data: bytes, rng: random.Random, _: Files) -> bytes:
    """A column of a text without its values, in all rows but the first ones or in all behind some row."""
    lines = data.split(b"\n")
    mark = max((b",", b";", b"\t", b" "), key=lines[len(lines) // 2].count)
    column = rng.randrange(lines[len(lines) // 2].count(mark) + 1)
    first = rng.choice((0, 1, rng.randrange(len(lines))))
    for index in range(first, len(lines)):
        cells = lines[index].split(mark)
        if column < len(cells):
            cells[column] = b""
            lines[index] = mark.join(cells)
    return b"\n".join(lines)


def _separators(data: bytes, rng: random.Random, _: Files) -> bytes:
    one, other = rng.choice(_SEPARATORS), rng.choice(_SEPARATORS)
    if rng.random() < 0.5:
        return data.replace(one, other)
    at = data.find(one, _place(data, rng))
    return data if at < 0 else data[:at] + other + data[at + 1 :]


def _encoding(data: bytes, rng: random.Random, _: Files) -> bytes:
    text = data.decode("latin-1")
    name = rng.choice(("utf-16", "utf-16-le", "utf-8-sig", "utf-32", "cp037"))
    encoded = text.encode(name)
    return encoded if rng.random() < 0.7 else encoded[:-1]


_DAMAGES: Sequence[Callable[[bytes, random.Random, Files], bytes]] = (
    *(_cut, _flip, _flip, _overwrite, _overwrite, _insert, _remove, _repeat),
    *(_extreme_number, _extreme_number, _all_numbers, _lines, _lines, _column, _separators, _encoding),
)


def _place(data: bytes | bytearray, rng: random.Random) -> int:
    """Anywhere, the first bytes more often: headers are there."""
    if not data:
        return 0
    return rng.randrange(min(len(data), 256 if rng.random() < 0.4 else len(data)))


def written(case: Case, files: Files, folder: Path) -> Path:
    """The files of a case on disk: one file, a folder or a zip, sometimes a damaged one."""
    rng = random.Random(f"{case} on disk")
    as_zip = case.format == "actigraph" or rng.random() < 0.15
    if as_zip:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        content = packed.getvalue()
        if case.number and rng.random() < 0.3:
            content = rng.choice(_DAMAGES)(content, rng, {"": content})
        path = folder / ("night.gt3x" if case.format == "actigraph" else "night.zip")
        path.write_bytes(content)
        return path
    home = folder / "night"
    for name, content in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(content)
    home.mkdir(exist_ok=True)
    return home / next(iter(files)) if len(files) == 1 else home


def outcome(case: Case, folder: Path) -> str:
    """``read``, ``refused``, or what went wrong and where."""
    files, named = damaged(case)
    path = written(case, files, folder)
    try:
        with _limited():
            recording = staging.read(path, format=case.format if named else None)
            if not recording.channels():
                return "a recording without channels"
            NightClock(recording.start, recording.end_s).span()
            with contextlib.suppress(StagingError):  # most are too short
                prepare(recording)
    except StagingError as error:
        if "\n" in str(error) or not 10 < len(str(error)) < LONGEST_MESSAGE + len(str(path)):
            return f"an error of {len(str(error))} characters"
        return "refused"
    except _TooLong as error:
        return f"more than {CPU_S} s in {_where(error)}"
    except MemoryError as error:
        return f"more than {MEMORY_BYTES >> 20} MiB in {_where(error)}"
    except Exception as error:
        return f"{type(error).__name__} in {_where(error)}"
    return "read"


def _where(error: BaseException) -> str:
    """The innermost line of this package that the error passed."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "staging" in Path(frame.filename).parts]
    return f"{'/'.join(Path(frames[-1].filename).parts[-2:])}:{frames[-1].lineno}" if frames else "nowhere"


@contextlib.contextmanager
def _limited() -> Iterator[None]:
    """Processor time is limited; so is memory, above what the process has; warnings are errors."""

    def stop(_: int, __: FrameType | None) -> None:
        raise _TooLong

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    unlimited = resource.getrlimit(resource.RLIMIT_AS)
    before = signal.signal(signal.SIGPROF, stop)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY_BYTES, unlimited[1]))
    signal.setitimer(signal.ITIMER_PROF, CPU_S)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
        resource.setrlimit(resource.RLIMIT_AS, unlimited)


def _remove_tree(home: Path) -> None:
    for root, folders, files in os.walk(home, topdown=False):
        for file in files:
            Path(root, file).unlink()
        for folder in folders:
            Path(root, folder).rmdir()
    home.rmdir()


def cases(names: Sequence[str], first: int) -> Iterator[Case]:
    """Cases without end, the formats and their variants in turn, from a number on."""
    for number in itertools.count(first):
        for name in names:
            variants = sorted(SMALL_FILES[name])
            yield Case(name, variants[number % len(variants)], number)


def _work(names: Sequence[str], first: int, skipped: int, cpu_s: float, pipe: Connection) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder, "case")
        for case in itertools.islice(cases(names, first), skipped, None):
            if time.process_time() >= cpu_s:
                break
            pipe.send((case, None))
            home.mkdir()
            pipe.send((case, outcome(case, home)))
            _remove_tree(home)
    pipe.send(None)


def fuzz(names: Sequence[str], cpu_s: float, *, first: int = 1) -> dict[str, Tally]:
    """Try cases in a process of their own, so that its death is a finding and not the end; Ctrl-C ends it early."""
    tallies = {name: Tally() for name in names}
    context = multiprocessing.get_context("spawn")
    done = False
    with contextlib.suppress(KeyboardInterrupt):
        while not done:
            ours, theirs = context.Pipe(duplex=False)
            skipped = sum(tally.tried for tally in tallies.values())
            process = context.Process(target=_work, args=(names, first, skipped, cpu_s, theirs), daemon=True)
            process.start()
            theirs.close()
            case = None
            hangs = False
            with contextlib.suppress(EOFError):
                while not (hangs := not ours.poll(MOST_S if case else None)) and (said := ours.recv()) is not None:
                    case, result = said
                    if result is not None:
                        tallies[case.format].add(case, result)
                        case = None
                done = not hangs
            if hangs:
                process.kill()
            process.join()
            if not done:
                if case is None:  # not even the first case was reached
                    raise RuntimeError(f"the process died with {process.exitcode} before any case")
                found = f"no end within {MOST_S} s" if hangs else f"the process died with {process.exitcode}"
                tallies[case.format].add(case, found)
    return tallies


def table(tallies: dict[str, Tally]) -> str:
    """A Markdown table with a row a format."""
    lines = ["| format | inputs | read | refused | findings |", "|---|--:|--:|--:|--:|"]
    total = Counter[str]()
    for name, tally in tallies.items():
        counts = {"tried": tally.tried, "read": tally.read, "refused": tally.refused, "found": len(tally.findings)}
        total.update(counts)
        lines.append(f"| {name} | " + " | ".join(f"{count:,}" for count in counts.values()) + " |")
    lines.append("| all | " + " | ".join(f"{total[key]:,}" for key in ("tried", "read", "refused", "found")) + " |")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20.0, help="of processor time (default: 20)")
    parser.add_argument("--first", type=int, default=1, help="number of the first case: others give other cases")
    parser.add_argument("--case", help="run one case again, with its traceback")
    parser.add_argument("--keep", type=Path, help="where to write the files of that case")
    parser.add_argument("formats", nargs="*", metavar="FORMAT", help="all that have small files by default")
    options = parser.parse_args(argv)
    if options.case:
        return _again(options.case, options.keep)
    names = options.formats or list(SMALL_FILES)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    tallies = fuzz(names, 60 * options.minutes, first=options.first)
    for name, tally in tallies.items():
        for finding, found in tally.findings.items():
            print(f"{name}: {finding}: {len(found)} cases, as {', '.join(found[:_TOLD])}", file=sys.stderr)
    print(table(tallies))
    without = [entry.name for entry in staging.readers.formats() if entry.name not in SMALL_FILES]
    if without:
        print(f"formats without small files to damage: {', '.join(without)}", file=sys.stderr)
    return int(any(tally.findings for tally in tallies.values()))


def _again(text: str, keep: Path | None) -> int:
    name, variant, number = text.split(":")
    case = Case(name, variant, int(number))
    with tempfile.TemporaryDirectory() as folder:
        home = keep or Path(folder)
        home.mkdir(parents=True, exist_ok=True)
        result = outcome(case, home)
        print(f"{case}: {result}")
        files, named = damaged(case)
        path = home / "night"
        with contextlib.suppress(StagingError):
            for place in (path, *home.iterdir()):
                if place.exists():
                    target = place / next(iter(files)) if place.is_dir() and len(files) == 1 else place
                    recording = staging.read(target, format=name if named else None)
                    print(recording)
                    prepare(recording)
                    break
    return int(result not in ("read", "refused"))


if __name__ == "__main__":
    sys.exit(main())
