"""Sets of nights that people scored, one set a file.

Each module has ``ATTRIBUTION`` (name, licence and citation, one line, which goes into every model trained on it) and
``sources(folder)``, which lists the set's nights without reading them: a `training.night.NightSource` each, in a fixed
order, or in place of one that cannot be read the error that says why. Reading a source gives a
`training.night.ScoredRecording`; integer codes of stages end at that door.

`load_nights` makes tracks of them, or the waveforms of the network that takes those, through a cache if one is given;
`recordings` gives them as they are.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from staging.errors import InputError, StagingError
from training.cache import TRACKS, Kind, obtain
from training.night import Labelled, NightSource, ScoredRecording, whatever_fails_named

__all__ = ["DATASETS", "UNLABELLED", "attribution", "load_nights", "recordings", "sources"]

T = TypeVar("T", bound=Labelled)

DATASETS: tuple[str, ...] = (
    "sleep_accel",
    "slpdb",
    "dreamt",
    "bidsleep",
    "mesa",
    "cfs",
    "newcastle",
    "wearanize",
    "plain_folder",
)
"""Names of the sets, which are also the names of their modules."""


UNLABELLED: tuple[str, ...] = ("mmash", "nsr2db", "apnea_ecg")
"""Names, and modules, of sets that nobody scored (`training.teaching`)."""


def attribution(dataset: str) -> str:
    """Name, licence and citation of a set in one line."""
    return str(_module(dataset).ATTRIBUTION)


def sources(dataset: str, folder: Path) -> list[NightSource | StagingError]:
    """The nights of a set, listed but not read; the error of each that cannot be read stands in its place.

    Raises
    ------
    StagingError
        If the set is unknown, there is no such folder, or it has no night of the set.
    """
    module = _module(dataset)
    if not Path(folder).exists():
        raise InputError(folder, "there is no such folder", f"give the folder that {dataset} was unpacked to")
    found: list[NightSource | StagingError] = list(module.sources(Path(folder)))
    if not found:
        raise InputError(folder, f"no night of {dataset} was found", "give the folder the set was unpacked to")
    return found


def recordings(dataset: str, folder: Path) -> Iterator[ScoredRecording | StagingError]:
    """Recordings of a set with their stages, read one at a time; an error in place of one that cannot be read."""
    for source in sources(dataset, folder):
        if not isinstance(source, NightSource):
            yield source
            continue
        try:
            with whatever_fails_named(source):
                scored = source.read()
        except StagingError as error:
            yield error
        else:
            yield scored


def load_nights(
    folders: Mapping[str, Path],
    *,
    kind: Kind[T] = TRACKS,
    strict: bool = False,
    cache: Path | None = None,
    jobs: int = 1,
) -> list[T]:
    """All nights of some sets, in a fixed order.

    Parameters
    ----------
    folders : mapping of str to path
        Set name to the folder it was downloaded to.
    kind : Kind
        What to make of the recordings: tracks, or `training.waveforms.WAVEFORMS`.
    strict : bool
        Stop at the first night that cannot be read; otherwise it is named on stderr and left out.
    cache : path, optional
        Folder that keeps what was made of the nights; see `training.cache`.
    jobs : int
        Processes that read at a time; the result is the same.

    Returns
    -------
    list of LabelledNight or LabelledWaveforms

    Raises
    ------
    StagingError
        If a set is unknown, a folder has no night that can be read, or (strict) a night cannot be read.
    """
    listed = [(dataset, found) for dataset, folder in folders.items() for found in sources(dataset, folder)]
    made = obtain([found for _, found in listed if isinstance(found, NightSource)], kind=kind, cache=cache, jobs=jobs)
    nights: list[T] = []
    for _, found in listed:
        night = next(made) if isinstance(found, NightSource) else found
        if not isinstance(night, StagingError):
            nights.append(night)
        elif strict:
            made.close()
            raise night
        else:
            print(f"left out: {night}", file=sys.stderr)
    for dataset, folder in folders.items():
        if not any(night.dataset == dataset for night in nights):
            raise InputError(folder, f"no night of {dataset} can be read", "mend the nights that were left out")
    return nights


def _module(dataset: str) -> ModuleType:
    known = (*DATASETS, *UNLABELLED)
    if dataset not in known:
        raise InputError(dataset, "no such data set", f"choose from {', '.join(known)}")
    return importlib.import_module(f"training.datasets.{dataset}")
