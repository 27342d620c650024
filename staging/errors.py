"""What can go wrong, as types.

::

    StagingError
    ├── InputError            a file, a folder or a value of the user's: the command line exits 2
    │   ├── FormatError       the bytes are not of a format that can be read
    │   ├── RecordingError    read, but nothing that can be staged (too short, no usable sensor, wrong unit)
    │   └── HypnogramError    a hypnogram that contradicts itself or has unknown stages
    ├── ModelError            a model file whose spec is unknown, incomplete or of another version
    └── OutputError           a result could not be written

Every message is one line that names the file or value, what is wrong and the mend.
"""

from __future__ import annotations

import os

__all__ = [
    "FormatError",
    "HypnogramError",
    "InputError",
    "ModelError",
    "OutputError",
    "RecordingError",
    "StagingError",
]


_LONGEST = 300


def _short(text: str) -> str:
    """The text, its middle left out where a file's own words make it longer than anybody reads."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]} ... {text[-_LONGEST // 3 :]}"


class StagingError(Exception):
    """Base of all errors this package raises on purpose.

    Parameters
    ----------
    where : str or path
        The file, folder, option or value that is wrong.
    problem : str
        What is wrong with it.
    mend : str
        What the user can do about it; may be empty where nothing can be done.

    Examples
    --------
    >>> str(FormatError("night.zip", "the zip is cut short", "copy it from the device again"))
    'night.zip: the zip is cut short; copy it from the device again'
    """

    def __init__(self, where: str | os.PathLike[str], problem: str, mend: str = "") -> None:
        self.where = os.fspath(where)
        self.problem = problem
        self.mend = mend
        text = f"{_short(self.where)}: {_short(problem)}" + (f"; {_short(mend)}" if mend else "")
        super().__init__(" ".join(text.split()))

    def __reduce__(self) -> tuple[type[StagingError], tuple[str, str, str]]:
        """So that an error crosses processes whole."""
        return type(self), (self.where, self.problem, self.mend)


class InputError(StagingError):
    """Something the user gave cannot be used."""


class FormatError(InputError):
    """The bytes are not of a format that can be read."""


class RecordingError(InputError):
    """A recording was read but holds nothing that can be staged."""


class HypnogramError(InputError):
    """A hypnogram contradicts itself or holds unknown stages."""


class ModelError(StagingError):
    """A model file cannot be used with this version of the package."""


class OutputError(StagingError):
    """A result could not be written."""
