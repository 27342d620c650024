"""Annotation files of PhysioNet's MIT format, numpy only.

The usual library for them brings pandas, matplotlib and an HTTP client, and loses an annotation at sample 0; the
format is one page.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from staging.errors import FormatError

__all__ = ["BEAT_CODES", "Annotations", "read_annotations"]

BEAT_CODES = frozenset({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 25, 30, 34, 35, 38, 41})
"""Codes of annotations that mark a heart beat of any kind."""

_SKIP, _NUM, _SUB, _CHN, _AUX = 59, 60, 61, 62, 63


@dataclass(frozen=True, kw_only=True)
class Annotations:
    """Annotations in order of time.

    Attributes
    ----------
    samples : ndarray of int64, shape (n,)
        Sample numbers.
    codes : ndarray of int64, shape (n,)
        Annotation codes.
    notes : tuple of str
        The text of each, empty where there is none.
    """

    samples: NDArray[np.int64]
    codes: NDArray[np.int64]
    notes: tuple[str, ...]


def read_annotations(path: Path) -> Annotations:
    """Read one annotation file.

    Raises
    ------
    FormatError
        If the file ends in the middle of an annotation, goes back in time, or holds no annotation.

    References
    ----------
    Moody G.B., WFDB Applications Guide, annot(5): 16-bit little-endian words of a 6-bit code and a 10-bit interval.
    """
    raw = path.read_bytes()
    words = np.frombuffer(raw[: len(raw) // 2 * 2], dtype="<u2").tolist()
    samples, codes, notes = [], [], []
    position, now = 0, 0
    try:
        while position < len(words):
            code, interval = words[position] >> 10, words[position] & 0x3FF
            position += 1
            if code == 0 and interval == 0:
                break
            if code == _SKIP:
                long_interval = (words[position] << 16) | words[position + 1]
                now += long_interval - (1 << 32) * (long_interval >> 31)
                position += 2
            elif code == _AUX:
                text = raw[2 * position : 2 * position + interval]
                if len(text) < interval:
                    raise IndexError
                notes[-1] = text.rstrip(b"\0").decode("ascii", "replace")
                position += (interval + 1) // 2
            elif code not in (_NUM, _SUB, _CHN):
                now += interval
                samples.append(now)
                codes.append(code)
                notes.append("")
    except IndexError:
        raise FormatError(path, "it ends in the middle of an annotation", "copy it again from the data set") from None
    if not samples:
        raise FormatError(path, "it holds no annotation", "copy it again from the data set")
    if samples[0] < 0 or any(later < earlier for earlier, later in pairwise(samples)):
        raise FormatError(path, "its annotations go back in time", "copy it again from the data set")
    return Annotations(samples=np.array(samples), codes=np.array(codes), notes=tuple(notes))
