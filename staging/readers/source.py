"""A file, a folder and a zip look the same to a reader: names, and bytes by name.

Nothing is ever written to disk. A zip is a stranger's: entries that point outside it are left out, encrypted, damaged
and absurdly compressed ones are refused with one line.
"""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import IO

from staging.errors import FormatError

__all__ = ["MAX_BYTES", "Source", "files_in", "open_source"]

MAX_BYTES = 4 << 30
"""Largest file, and largest sum of a zip's unpacked files, in bytes: a week of raw 100-Hz acceleration fits."""

_MAX_RATIO = 300
_FREE_BYTES = 64 << 20
_MAX_DEPTH = 4
_MAX_FILES = 20_000
_MAX_HEADS = 200
_HEAD_BYTES = 512
_JUNK = frozenset({"__macosx", "thumbs.db", "desktop.ini"})


@dataclass(frozen=True, kw_only=True, eq=False)
class Source:
    """The files of what the user named.

    Attributes
    ----------
    path : Path
        What the user named: a file, a folder or a zip.
    sizes : mapping of str to int
        Names, relative with ``/``, to sizes in bytes. A single top-level folder is entered: its name is not part of
        the names. A single file is its own only name.
    is_file : bool
        The user named one file that is not a zip.
    """

    path: Path
    sizes: Mapping[str, int]
    is_file: bool = False
    _inner: Mapping[str, str] = field(default_factory=dict, repr=False)
    _is_zip: bool = field(default=False, repr=False)
    _heads: dict[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def where(self) -> str:
        """The path as errors name it."""
        return str(self.path)

    def label(self, name: str) -> str:
        """What errors call one of the files."""
        return self.where if self.is_file else f"{self.where}/{name}"

    def local(self, name: str) -> Path | None:
        """Path of a file on disk; None inside a zip.

        Raises
        ------
        FormatError
            If the file is too large.
        """
        self._refuse_size(name)
        return None if self._is_zip else self._on_disk(name)

    def head(self, name: str, n_bytes: int = 4096) -> bytes:
        """The first bytes of a file, to tell its format."""
        return self._bytes(name, n_bytes)

    def read(self, name: str) -> bytes:
        """All bytes of a file.

        Raises
        ------
        FormatError
            If the file is empty, too large, damaged or may not be read.
        """
        self._refuse_size(name)
        content = self._bytes(name, -1)
        if not content:
            raise FormatError(self.label(name), "the file is empty", "copy it from the device again, or remove it")
        return content

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """A file to be read piece by piece, for those that may be too large for memory.

        Raises
        ------
        FormatError
            If the file is too large, damaged or may not be read, also while it is read.
        """
        self._refuse_size(name)
        where = self.label(name)
        try:
            if not self._is_zip:
                with self._on_disk(name).open("rb") as file:
                    yield file
                return
            with zipfile.ZipFile(self.path) as archive:
                with _unzipping(where):
                    member = archive.open(self._inner[name])
                with member:
                    yield member
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise _damaged(where) from error
        except OSError as error:
            raise FormatError(where, f"cannot be read ({error.strerror or error})") from error

    def pick(self, wanted: Iterable[str]) -> dict[str, str]:
        """Those of the wanted file names that are there, whatever their case, all from one folder: the top or the only.

        Returns
        -------
        dict of str to str
            The name as wanted to the name to read; empty where none is there.

        Raises
        ------
        FormatError
            If several folders hold such files, that is, several recordings.
        """
        by_lower = {name.lower(): name for name in wanted}
        folders: dict[str, dict[str, str]] = {}
        for name in self.sizes:
            inner = PurePosixPath(name)
            if inner.name.lower() in by_lower:
                folders.setdefault(str(inner.parent), {})[by_lower[inner.name.lower()]] = name
        if "." in folders:
            return folders["."]
        if len(folders) > 1:
            several = ", ".join(sorted(folders)[:3])
            raise FormatError(
                self.where, f"holds {len(folders)} recordings ({several}, ...)", "give one recording at a time"
            )
        return next(iter(folders.values()), {})

    def beginning(self, fits: Callable[[bytes], bool]) -> list[str]:
        """Those of the first 200 files, in the order of their names, whose first 512 bytes fit."""
        try:
            if not self._heads:
                self._heads.update(self._read_heads())
        except OSError as error:
            raise FormatError(self.where, f"cannot be read ({error.strerror or error})") from error
        return [name for name, head in self._heads.items() if fits(head)]

    def only(self, names: Sequence[str], kind: str) -> str:
        """The one name of the files of a kind.

        Raises
        ------
        FormatError
            If there are none, or several: one file is one recording.
        """
        if len(names) == 1:
            return names[0]
        listed = f" ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})" if names else ""
        raise FormatError(self.where, f"holds {len(names)} {kind} files{listed}", f"give one {kind} file")

    def left_beside(self, names: Collection[str]) -> tuple[str, ...]:
        """The warning that a file given alone has others of its recording beside it; none where there are none.

        Parameters
        ----------
        names : collection of str
            Files of one recording, in any case; the warning is due only where the one that was given is among them.
        """
        own = self.path.name.lower()
        others = {name.lower(): name for name in names}
        if not self.is_file or others.pop(own, None) is None:
            return ()
        there = [name for name in others.values() if (self.path.parent / name).is_file()]
        if not there:
            return ()
        listed = f"{', '.join(sorted(there)[:3])}{', ...' if len(there) > 3 else ''}"
        return (f"read alone, without {listed} beside it: give the folder to have them in one recording",)

    def siblings(self, pattern: str) -> list[str]:
        """Names of up to 200 files in the folder of a file given alone that fit a pattern; its own is among them."""
        if not self.is_file:
            return []
        return [self.path.name, *(path.name for path in islice(self.path.parent.glob(pattern), _MAX_HEADS))]

    def _read_heads(self) -> dict[str, bytes]:
        names = sorted(name for name, size in self.sizes.items() if size)[:_MAX_HEADS]
        if not self._is_zip:
            return {name: self.head(name, _HEAD_BYTES) for name in names}
        heads = {}
        with _unzipping(self.where), zipfile.ZipFile(self.path) as archive:  # opened once: its list may be long
            for name in names:
                with _unzipping(self.label(name)), archive.open(self._inner[name]) as file:
                    heads[name] = file.read(_HEAD_BYTES)
        return heads

    def _refuse_size(self, name: str) -> None:
        if self.sizes[name] > MAX_BYTES:
            raise _too_large(self.label(name), self.sizes[name])

    def _on_disk(self, name: str) -> Path:
        return self.path if self.is_file else self.path / self._inner[name]

    def _bytes(self, name: str, n_bytes: int) -> bytes:
        try:
            if self._is_zip:
                return _unzipped(self.path, self._inner[name], n_bytes, self.label(name))
            with self._on_disk(name).open("rb") as file:
                return file.read(n_bytes)
        except OSError as error:
            raise FormatError(self.label(name), f"cannot be read ({error.strerror or error})") from error


def open_source(path: str | os.PathLike[str]) -> Source:
    """List the files of a file, a folder or a zip.

    Parameters
    ----------
    path : str or path
        Where the recording is.

    Returns
    -------
    Source
        Names and sizes; contents are read when asked for.

    Raises
    ------
    FormatError
        If there is no such file, it holds nothing, or it is a zip that is damaged, encrypted or absurdly compressed.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = pathlib.Path(folder, "ACC.csv").write_text("1,2,3")
    ...     dict(open_source(folder).sizes)
    {'ACC.csv': 5}
    """
    path = Path(path)
    try:
        if path.is_dir():
            return _checked(path, _folder(path), is_zip=False)
        if not path.exists():
            raise FormatError(path, "no such file or folder", "check the path")
        if not path.is_file():
            raise FormatError(path, "neither a file nor a folder", "give a recording's file, folder or zip")
        with path.open("rb") as file:
            head = file.read(4)
        size = path.stat().st_size
    except OSError as error:
        raise FormatError(path, f"cannot be read ({error.strerror or error})") from error
    if not size:
        raise FormatError(path, "the file is empty", "copy it from the device again")
    if head[:2] == b"PK" and head[2:] in (b"\x03\x04", b"\x05\x06"):
        return _checked(path, _zip(path), is_zip=True)
    return Source(path=path, sizes={path.name: size}, is_file=True)


def files_in(folder: Path, names: Iterable[str]) -> Source:
    """Those of the named files that a folder holds, without listing it."""
    there = [name for name in names if (folder / name).is_file()]
    sizes = {name: (folder / name).stat().st_size for name in there}
    return Source(path=folder, sizes=sizes, _inner={name: name for name in there})


def _folder(folder: Path) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for root, folders, files in os.walk(folder):
        depth = len(Path(root).relative_to(folder).parts)
        folders[:] = sorted(name for name in folders if not _is_junk(name)) if depth < _MAX_DEPTH else []
        for name in sorted(files):
            file = Path(root, name)
            if not _is_junk(name) and file.is_file():
                sizes[file.relative_to(folder).as_posix()] = file.stat().st_size
        if len(sizes) > _MAX_FILES:
            raise FormatError(folder, f"more than {_MAX_FILES} files", "give the folder of one recording")
    return sizes


def _unzipped(path: Path, entry: str, n_bytes: int, where: str) -> bytes:
    with _unzipping(where), zipfile.ZipFile(path) as archive, archive.open(entry) as file:
        return file.read(archive.getinfo(entry).file_size if n_bytes < 0 else n_bytes)  # no more than it claims to hold


@contextmanager
def _unzipping(where: str) -> Iterator[None]:
    try:
        yield
    except FormatError:
        raise
    except RuntimeError as error:  # zipfile's word for encrypted, and the parent of that for unknown packing
        raise _locked(where) from error
    except (MemoryError, OSError):
        raise
    except Exception as error:  # each of the decompressors fails in its own way
        raise _damaged(where) from error


def _locked(where: str) -> FormatError:
    problem = "the zip is encrypted or packed in a way that cannot be read"
    return FormatError(where, problem, "unpack it and give the folder")


def _damaged(where: str) -> FormatError:
    return FormatError(where, "the zip is damaged", "copy it from the device again")


def _zip(path: Path) -> dict[str, int]:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    except (MemoryError, OSError):
        raise
    except Exception as error:  # damaged names and numbers fail anywhere inside zipfile
        raise FormatError(path, "the zip is cut short or damaged", "copy it from the device again") from error
    total = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    if total > MAX_BYTES:
        raise _too_large(str(path), total)
    if total > _FREE_BYTES and total > _MAX_RATIO * packed:
        problem = f"unpacks to {total / 1e6:.0f} MB from {packed / 1e6:.1f} MB, which no recording does"
        raise FormatError(path, problem, "unpack it yourself and give the folder, if you trust it")
    return {entry.filename: entry.file_size for entry in entries}


def _checked(path: Path, found: Mapping[str, int], *, is_zip: bool) -> Source:
    """Leave out junk and names that point outside, enter a single top-level folder."""
    inner: dict[str, str] = {}
    for original in found:
        parts = PurePosixPath(original.replace("\\", "/")).parts
        outside = not parts or parts[0].startswith("/") or parts[0].endswith(":") or ".." in parts
        if not outside and not any(_is_junk(part) for part in parts):
            inner["/".join(parts)] = original
    while inner and len({name.split("/", 1)[0] for name in inner}) == 1 and all("/" in name for name in inner):
        inner = {name.split("/", 1)[1]: original for name, original in inner.items()}
    if not inner:
        raise FormatError(path, "holds no files", "give a recording's file, folder or zip")
    sizes = {name: found[original] for name, original in inner.items()}
    return Source(path=path, sizes=sizes, _inner=inner, _is_zip=is_zip)


def _is_junk(name: str) -> bool:
    return name.startswith(".") or name.lower() in _JUNK


def _too_large(where: str, size: int) -> FormatError:
    problem = f"{size / (1 << 30):.1f} GiB is more than {MAX_BYTES >> 30} GiB"
    return FormatError(where, problem, "split it into single nights")
