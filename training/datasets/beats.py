"""Recordings of heart beats that nobody scored: the calmest hours of each, as a night without stages.

Assumptions
-----------
- A file is a NumPy archive (``.npz``) with ``beats_s``, the times of the beats, or ``rr_s``, the intervals between
  them, all in seconds.
- Of a recording of more than eight hours, the eight in which the heart is slowest are its night, or most of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from staging.errors import FormatError
from staging.hypnogram import Hypnogram
from staging.recording import EPOCH_S, Events, Recording
from training.night import NightSource, ScoredRecording

__all__ = ["calmest", "sources_of_beats"]

NIGHT_S = 8 * 3600.0
MIN_NIGHT_S = 2.5 * 3600.0
INTERVAL_S = (0.3, 2.0)
"""Intervals between beats that a heart at rest can have."""

Floats = NDArray[np.float64]


def sources_of_beats(dataset: str, folder: Path, *, without: Collection[str] = ()) -> Iterator[NightSource]:
    """One night a file.

    Parameters
    ----------
    dataset : str
        Name of the set.
    folder : path
        Of its ``.npz`` files.
    without : collection of str
        Names of recordings whose beats are poor.
    """
    for file in sorted(folder.glob("*.npz")):
        if file.stem not in without:
            yield NightSource(dataset=dataset, name=file.stem, files=(file,), read=partial(_read, dataset, file))


def calmest(beats_s: Floats, interval_s: Floats) -> tuple[float, float]:
    """Begin and end of the eight hours in which the heart is slowest; of all there is where that is less.

    Parameters
    ----------
    beats_s, interval_s : ndarray of float64, shape (n,)
        Times of beats, rising, and the intervals that they end.

    Returns
    -------
    begin_s, end_s : float

    Examples
    --------
    >>> interval_s = np.repeat([0.8, 1.0, 0.8], [9000, 28800, 9000])
    >>> [round(at_s / 3600, 1) for at_s in calmest(np.cumsum(interval_s), interval_s)]
    [2.0, 10.0]
    """
    begin_s = beats_s[0] - interval_s[0]
    if beats_s[-1] - begin_s <= NIGHT_S:
        return float(begin_s), float(beats_s[-1])
    first = np.flatnonzero(beats_s <= beats_s[-1] - NIGHT_S)
    stop = np.searchsorted(beats_s, beats_s[first] + NIGHT_S)
    total = np.concatenate([[0.0], np.cumsum(interval_s)])
    mean = (total[stop] - total[first]) / np.maximum(stop - first, 1)
    slowest_s = float(beats_s[first[np.argmax(mean)]])
    return slowest_s, slowest_s + NIGHT_S


def _read(dataset: str, file: Path) -> ScoredRecording:
    try:
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as arrays:
            found = {name: np.asarray(arrays[name], np.float64) for name in ("beats_s", "rr_s") if name in arrays}
    except Exception as error:  # a damaged archive can fail anywhere inside zipfile and numpy
        raise FormatError(file, f"it cannot be read as a NumPy archive ({error})", "download it again") from None
    for name, values in found.items():
        if values.ndim != 1:
            raise FormatError(file, f"its {name} has {values.ndim} dimensions, not one", "give an archive of beats")
    if not found:
        raise FormatError(file, "it has neither beats_s nor rr_s", "give an archive of beats")
    if "beats_s" in found:
        times_s = np.unique(found["beats_s"])
        beats_s, interval_s = times_s[1:], np.diff(times_s)
    else:
        # A first value that is no interval is where the recording began.
        interval_s = found["rr_s"][1:]
        beats_s = np.cumsum(np.where(np.isfinite(interval_s), interval_s, 0.0))
    good = np.isfinite(interval_s) & (interval_s >= INTERVAL_S[0]) & (interval_s <= INTERVAL_S[1])
    beats_s, interval_s = beats_s[good], interval_s[good]
    if beats_s.size < 2 or beats_s[-1] - beats_s[0] < MIN_NIGHT_S:
        raise FormatError(file, f"its beats are of less than {MIN_NIGHT_S / 3600:g} h", "leave it out")
    begin_s, end_s = calmest(beats_s, interval_s)
    inside = (beats_s >= begin_s) & (beats_s <= end_s)
    recording = Recording(
        ibi=Events(times_s=beats_s[inside] - begin_s, values=interval_s[inside], unit="s"),
        device="ECG",
        source=str(file),
    )
    nobody = np.full(int((end_s - begin_s) // EPOCH_S), -1)
    return ScoredRecording(
        dataset=dataset,
        subject=file.stem,
        recording=recording,
        reference=Hypnogram.from_indices(nobody, source=str(file)),
    )
