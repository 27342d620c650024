"""Public polysomnography sets as labelled nights, one set a file.

Each module has ``ATTRIBUTION`` (name, licence and citation, one line, which goes into every model trained on it) and
``nights(folder)``, which yields nights or, in place of one that cannot be read, the error that says why. A set whose
raw waveforms are published also has ``recordings(folder)``, which yields `training.night.ScoredRecording` in the same
manner: what the waveform network is trained on.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

from staging.errors import InputError, StagingError
from training.night import LabelledNight

__all__ = ["DATASETS", "attribution", "load_nights"]

DATASETS: tuple[str, ...] = ("sleep_accel", "slpdb")
"""Names of the sets, which are also the names of their modules."""


def attribution(dataset: str) -> str:
    """Name, licence and citation of a set in one line."""
    return str(_module(dataset).ATTRIBUTION)


def load_nights(folders: Mapping[str, Path], *, strict: bool = False) -> list[LabelledNight]:
    """All nights of some sets, in a fixed order.

    Parameters
    ----------
    folders : mapping of str to path
        Set name to the folder it was downloaded to.
    strict : bool
        Stop at the first night that cannot be read; otherwise it is named on stderr and left out.

    Returns
    -------
    list of LabelledNight

    Raises
    ------
    StagingError
        If a set is unknown, a folder has no night, or (strict) a night cannot be read.
    """
    nights: list[LabelledNight] = []
    for dataset, folder in folders.items():
        found: Iterator[LabelledNight | StagingError] = _module(dataset).nights(Path(folder))
        before = len(nights)
        for night in found:
            if isinstance(night, LabelledNight):
                nights.append(night)
            elif strict:
                raise night
            else:
                print(f"left out: {night}", file=sys.stderr)
        if len(nights) == before:
            raise InputError(folder, f"no night of {dataset} was found", "give the folder the set was unpacked to")
    return nights


def _module(dataset: str) -> ModuleType:
    if dataset not in DATASETS:
        raise InputError(dataset, "no such data set", f"choose from {', '.join(DATASETS)}")
    return importlib.import_module(f"training.datasets.{dataset}")
