"""Files as a whole or not at all."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path

from staging.errors import OutputError

__all__ = ["refuse_place", "write_atomically"]


def write_atomically(path: str | os.PathLike[str], content: str | bytes) -> Path:
    r"""Write a file so that a reader, or a crash, never sees half of it.

    The content goes to a temporary file in the same folder, is flushed to the disk and renamed into place. An
    existing file is replaced and keeps its permissions; the folder must exist. A symbolic link in the file's place is
    replaced as well: what it points to lies elsewhere than where the user asked for a file, and stays as it is. (A
    folder on the way to the file may be a link.) What is neither file nor link, a device or a pipe, is refused.

    Parameters
    ----------
    path : str or path
        The file to write.
    content : str or bytes
        What it will hold; text is written as UTF-8 with the newlines it has.

    Returns
    -------
    pathlib.Path
        The file that was written.

    Raises
    ------
    OutputError
        If the folder is missing, is not writable or the disk is full, or no file can be in that place.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_atomically(Path(folder) / "night.txt", "W\nN1\n").read_text()
    'W\nN1\n'
    """
    target = Path(os.path.realpath(Path(path).parent)) / Path(path).name
    data = content.encode("utf-8") if isinstance(content, str) else content
    temporary = ""
    try:
        refuse_place(target)
        if not target.parent.is_dir():
            raise OutputError(path, "its folder does not exist", f"create {target.parent}")
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:100]}.", suffix=".tmp")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(_mode_for(target))
        Path(temporary).replace(target)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise OutputError(path, f"cannot be written ({reason})", "choose another folder or free some space") from error
    finally:
        # After the rename there is nothing left to remove; after a failure, or Ctrl-C, there may be.
        if temporary:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
    return target


def refuse_place(target: Path) -> None:
    """Raise where there is something that a file must not replace.

    Raises
    ------
    OutputError
        If the place is a folder's, a device's or a pipe's; a link is none of these, unless it points to one.
    """
    if target.is_dir():
        raise OutputError(target, "is a folder, not a file", "give another name, or another folder with --out")
    if target.exists() and not target.is_file():
        raise OutputError(target, "is a device or a pipe, not a file", "give another name, or a folder with --out")


def _mode_for(target: Path) -> int:
    """Permissions of the file that is replaced, or those that `open` would have given a new one."""
    with contextlib.suppress(OSError):
        there = target.lstat().st_mode
        if stat.S_ISREG(there):
            return stat.S_IMODE(there) & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
