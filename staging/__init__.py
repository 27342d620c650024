"""Sleep stages and sleep architecture from raw wearable recordings: accelerometer, PPG and skin temperature.

Three calls::

    import staging

    recording = staging.read("night.zip")          # any supported device file
    hypnogram = staging.stage(recording)           # 30-s epochs, probabilities, coverage
    architecture = staging.summarize(hypnogram)    # total sleep time, latencies, stages, ...

Importing the package loads nothing heavy: each name is fetched from its module when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from staging.architecture import SleepArchitecture, summarize
    from staging.errors import (
        FormatError,
        HypnogramError,
        InputError,
        ModelError,
        OutputError,
        RecordingError,
        StagingError,
    )
    from staging.hypnogram import Hypnogram, Stage
    from staging.readers import read
    from staging.recording import Events, Recording, Signal
    from staging.stager import stage

    __version__: str

__all__ = [
    "Events",
    "FormatError",
    "Hypnogram",
    "HypnogramError",
    "InputError",
    "ModelError",
    "OutputError",
    "Recording",
    "RecordingError",
    "Signal",
    "SleepArchitecture",
    "Stage",
    "StagingError",
    "__version__",
    "read",
    "stage",
    "summarize",
]

_HOMES = {
    "staging.architecture": ("SleepArchitecture", "summarize"),
    "staging.errors": (
        "FormatError",
        "HypnogramError",
        "InputError",
        "ModelError",
        "OutputError",
        "RecordingError",
        "StagingError",
    ),
    "staging.hypnogram": ("Hypnogram", "Stage"),
    "staging.readers": ("read",),
    "staging.recording": ("Events", "Recording", "Signal"),
    "staging.stager": ("stage",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name == "__version__":
        value: object = _installed_version()
    elif name in _HOME_OF:
        value = getattr(importlib.import_module(_HOME_OF[name]), name)
    else:
        raise AttributeError(f"module 'staging' has no attribute {name!r}")
    globals()[name] = value
    return value


def _installed_version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("staging")
    except PackageNotFoundError:  # a checkout on the path that nobody installed
        return "unknown"


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
