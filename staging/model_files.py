"""The shipped model as files for other programs: what `staging model --export` writes.

Three forms, two graphs: raw samples to stages; the documented tracks' features to probabilities; and the first again,
called during the night. Beside each graph stands a JSON that says what it is fed and what it gives.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path

from staging.errors import InputError, OutputError
from staging.features import GROUPS, feature_names
from staging.files import write_atomically
from staging.hypnogram import CLASSES
from staging.live import LIVE_HOURS
from staging.model import DEFAULT_MODEL, ModelSpec, load_model
from staging.raw import RAW_MODEL, RawModel, interface
from staging.recording import EPOCH_S
from staging.stager import MIN_EPOCHS, WINDOW_EPOCHS
from staging.tracks import HEART_RATE_STEP_S

__all__ = ["FORMS", "export_model"]


def _raw() -> dict[str, object]:
    return {"model": _about(RawModel().spec), "epochs": {"least": MIN_EPOCHS, "most": WINDOW_EPOCHS}, **interface()}


def _features() -> dict[str, object]:
    spec = load_model().spec
    names = feature_names(spec.features)
    steps = round(EPOCH_S / HEART_RATE_STEP_S)
    return {
        "model": _about(spec),
        "epochs": {"least": 2, "most": WINDOW_EPOCHS},
        "epoch_s": EPOCH_S,
        "inputs": {
            "features": {
                "shape": ["epochs", len(names)],
                "columns": list(names),
                "spec": dataclasses.asdict(spec.features),
            },
            "series": {
                "shape": [4, f"{steps} * epochs"],
                "rows": ["relative heart rate", "heart rate known", "log1p of counts", "counts known"],
                "step_s": HEART_RATE_STEP_S,
            },
            "mask": {"shape": ["epochs", len(GROUPS)], "columns": list(GROUPS)},
        },
        "outputs": {"probabilities": "float32 (epochs, 5), of W, N1, N2, N3, R"},
        "decided": "from the probabilities of the whole night at once, by the model's decision (staging/decision.py)",
        "definition": "staging/tracks.py, staging/features.py and staging/decision.py",
    }


def _streaming() -> dict[str, object]:
    call = {
        "every_s": EPOCH_S,
        "with": f"the last {LIVE_HOURS:g} h, or as many epochs as there are, {MIN_EPOCHS} or more",
        "read": "the last row of each output",
    }
    return {**_raw(), "call": call}


FORMS: Mapping[str, tuple[str, Callable[[], dict[str, object]]]] = {
    "raw": (RAW_MODEL, _raw),
    "features": (DEFAULT_MODEL, _features),
    "streaming": (RAW_MODEL, _streaming),
}
"""By name: the graph's file among the weights, and what is said of it."""


def export_model(form: str, folder: str | os.PathLike[str]) -> list[Path]:
    """Write a form of the shipped model into a folder, replacing what is there.

    Parameters
    ----------
    form : str
        A key of `FORMS`: ``raw`` (samples to stages), ``features`` (features of `staging.features` to probabilities),
        ``streaming`` (as raw, and how to call it during the night).
    folder : path
        Made if it is not there.

    Returns
    -------
    list of Path
        ``staging_FORM.onnx`` and ``staging_FORM.json``.

    Raises
    ------
    InputError
        If there is no such form.
    OutputError
        If the files cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [path.name for path in export_model("features", folder)]
    ['staging_features.onnx', 'staging_features.json']
    """
    if form not in FORMS:
        raise InputError(form, "it is no form of the model", f"choose from {', '.join(FORMS)}")
    source, described = FORMS[form]
    graph = (files("staging.weights") / source).read_bytes()
    description = json.dumps(described(), indent=1, ensure_ascii=False) + "\n"
    paths = [Path(folder) / f"staging_{form}{suffix}" for suffix in (".onnx", ".json")]
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(folder, f"the folder cannot be made ({error.strerror})", "choose another") from None
    write_atomically(paths[0], graph)
    write_atomically(paths[1], description)
    return paths


def _about(spec: ModelSpec) -> dict[str, object]:
    return {
        "name": spec.name,
        "version": spec.version,
        "stages": list(map(str, CLASSES[5])),
        "decision": dataclasses.asdict(spec.decision),
        "datasets": list(spec.datasets),
        "headline": spec.headline,
    }
