"""The JSON of this package: a hypnogram with all that it holds."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from staging.errors import FormatError, HypnogramError
from staging.files import write_atomically
from staging.hypnogram import CLASSES, Hypnogram
from staging.scorings.options import Options

__all__ = ["SCHEMA", "TITLE", "read", "sniff", "write"]

TITLE = "JSON of this package (.json)"

SCHEMA = "staging.hypnogram/1.0"


def sniff(name: str, head: bytes) -> bool:
    """Whether a file is this package's JSON, from its first bytes."""
    return b'"staging.hypnogram/' in head


def read(path: str | os.PathLike[str], options: Options) -> list[Hypnogram]:
    """The one night of a file.

    Raises
    ------
    FormatError
        If the file is not of this format, or of a newer version.
    """
    document = load(path)
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        found = document.get("schema") if isinstance(document, dict) else type(document).__name__
        raise FormatError(path, f"is of schema {found!r}, not {SCHEMA!r}", "use the version that wrote it")
    resolutions = {[stage.value for stage in classes].__str__(): n for n, classes in CLASSES.items()}
    n_classes = resolutions.get(str(document.get("classes")))
    if n_classes is None:
        raise FormatError(path, f"has the unknown classes {document.get('classes')}", "export it again")
    try:
        start = document["start"]
        return [
            Hypnogram(
                stages=np.array(document["stages"], dtype="<U8"),
                n_classes=n_classes,
                epoch_s=float(document["epoch_s"]),
                start=None if start is None else datetime.fromisoformat(start),
                probabilities=_array(document.get("probabilities")),
                coverage={
                    sensor: np.array([np.nan if value is None else value for value in values], dtype=np.float32)
                    for sensor, values in (document.get("coverage") or {}).items()
                },
                lights_off_s=document.get("lights_off_s"),
                lights_on_s=document.get("lights_on_s"),
                source=os.fspath(path),
                warnings=tuple(document.get("warnings") or ()),
            )
        ]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FormatError(path, f"a field is missing or wrong ({error})", "export it again") from error
    except HypnogramError as error:
        raise FormatError(path, error.problem, error.mend) from error


def load(path: str | os.PathLike[str]) -> object:
    """A JSON file as plain values.

    Raises
    ------
    FormatError
        If it cannot be read; the message names the line.
    """
    try:
        document: object = json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError as error:
        raise FormatError(path, f"line {error.lineno} is not JSON ({error.msg})", "export the file again") from error
    except (OSError, UnicodeDecodeError, RecursionError) as error:
        raise FormatError(path, f"cannot be read ({type(error).__name__})", "give a JSON file in UTF-8") from error
    return document


def _array(rows: list[list[float | None]] | None) -> NDArray[np.float32] | None:
    if rows is None:
        return None
    return np.array([[np.nan if value is None else value for value in row] for row in rows], dtype=np.float32)


def write(hypnogram: Hypnogram, path: str | os.PathLike[str]) -> Path:
    """Write a hypnogram with probabilities, coverage and lights times.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """

    def rounded(values: NDArray[np.float32], places: int) -> list[object]:
        numbers = np.round(values.astype(np.float64), places)
        result: list[object] = np.where(np.isnan(numbers), None, numbers).tolist()  # type: ignore[call-overload]
        return result

    document = {
        "schema": SCHEMA,
        "source": hypnogram.source,
        "start": None if hypnogram.start is None else hypnogram.start.isoformat(),
        "epoch_s": hypnogram.epoch_s,
        "classes": [stage.value for stage in hypnogram.classes],
        "stages": hypnogram.stages.tolist(),
        "probabilities": None if hypnogram.probabilities is None else rounded(hypnogram.probabilities, 4),
        "coverage": {sensor: rounded(values, 3) for sensor, values in hypnogram.coverage.items()},
        "lights_off_s": hypnogram.lights_off_s,
        "lights_on_s": hypnogram.lights_on_s,
        "warnings": list(hypnogram.warnings),
    }
    return write_atomically(path, json.dumps(document, ensure_ascii=False, indent=1) + "\n")
