"""A model file: one ``.onnx`` that carries everything needed to use it.

``metadata_props["staging.spec"]`` holds a `ModelSpec` as JSON. Nothing is guessed on load: a missing or unknown key,
another version or other stages are refused by name. ``metadata_props["staging.posteriors"]`` says how far the
probabilities are to be trusted, by number of classes, as measured on people that the networks never saw; a file without
it is used without intervals.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from staging.architecture.posterior import SequencePosterior
from staging.decision import DecisionRule
from staging.errors import ModelError
from staging.features import FeatureSpec, ModelInputs, feature_names
from staging.hypnogram import CLASSES

__all__ = [
    "POSTERIORS_KEY",
    "SPEC_KEY",
    "Model",
    "ModelSpec",
    "load_model",
    "model_card",
    "open_session",
    "posteriors_from_json",
    "posteriors_to_json",
]

SPEC_KEY = "staging.spec"
"""Key of the spec in the model file's metadata."""

POSTERIORS_KEY = "staging.posteriors"
"""Key of the calibrated posteriors in the model file's metadata."""

SPEC_VERSION = 1
DEFAULT_MODEL = "staging.onnx"
DEFAULT_CARD = "CARD.md"


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """What a model is, in its own file.

    Attributes
    ----------
    spec_version : int
        Version of this list of keys.
    name, version : str
        Of the model; models have versions apart from the package's.
    stages : tuple of str
        Classes in the order of the output's columns.
    features : FeatureSpec
        Parameters of the inputs.
    groups : tuple of str
        Groups of inputs that the training data had; the graph itself masks the others.
    decision : DecisionRule
        How a stage is taken from the probabilities.
    datasets : tuple of str
        Training data sets with their licences and attribution, one line each.
    commit : str
        Commit of the code that trained it.
    headline : str
        The card's main figures, in one line.

    Examples
    --------
    >>> from staging.decision import LIKELIEST
    >>> from staging.features import DEFAULT_SPEC
    >>> spec = ModelSpec(
    ...     spec_version=1, name="example", version="1", stages=("W", "N1", "N2", "N3", "R"),
    ...     features=DEFAULT_SPEC,
    ...     groups=("heart", "counts"), decision=LIKELIEST,
    ...     datasets=(), commit="", headline="")
    >>> ModelSpec.from_json(spec.to_json()) == spec
    True
    """

    spec_version: int
    name: str
    version: str
    stages: tuple[str, ...]
    features: FeatureSpec
    groups: tuple[str, ...]
    decision: DecisionRule
    datasets: tuple[str, ...]
    commit: str
    headline: str

    def to_json(self) -> str:
        """The spec as JSON, as it stands in the model file."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str, *, where: str = "model") -> ModelSpec:
        """A spec from its JSON.

        Raises
        ------
        ModelError
            If a key is missing or unknown, or a version or the stages are not this package's.
        """
        try:
            values = dict(json.loads(text))
        except (ValueError, TypeError):
            raise ModelError(where, "its spec is not JSON", "use a model exported by this package") from None
        if values.get("spec_version") != SPEC_VERSION:
            raise ModelError(
                where,
                f"spec version {values.get('spec_version')}, this package reads {SPEC_VERSION}",
                "install the version of staging that the model's card names",
            )
        known = {field.name for field in dataclasses.fields(cls)}
        for problem, names in (("lacks", known - set(values)), ("has the unknown key", set(values) - known)):
            if names:
                raise ModelError(where, f"its spec {problem} {min(names)!r}", "install the version that made it")
        features = FeatureSpec.from_json(json.dumps(values["features"]), where=where)
        stages = tuple(values["stages"])
        if stages != tuple(CLASSES[5]):
            raise ModelError(where, f"its stages are {stages}", f"this package stages {tuple(map(str, CLASSES[5]))}")
        return cls(
            spec_version=SPEC_VERSION,
            name=str(values["name"]),
            version=str(values["version"]),
            stages=stages,
            features=features,
            groups=tuple(map(str, values["groups"])),
            decision=_decision(values["decision"], where),
            datasets=tuple(map(str, values["datasets"])),
            commit=str(values["commit"]),
            headline=str(values["headline"]),
        )


def _decision(values: Any, where: str) -> DecisionRule:
    try:
        return DecisionRule.from_dict(values)
    except (TypeError, ValueError) as error:
        raise ModelError(
            where, f"its decision rule cannot be used: {error}", "install the version that made it"
        ) from None


def posteriors_to_json(posteriors: Mapping[int, SequencePosterior]) -> str:
    """Posteriors by number of classes as JSON, as they stand in the model file.

    Examples
    --------
    >>> text = posteriors_to_json({3: SequencePosterior.usual(3)})
    >>> posteriors_from_json(text)[3] == SequencePosterior.usual(3)
    True
    """
    return json.dumps({str(k): dataclasses.asdict(each) for k, each in posteriors.items()}, sort_keys=True)


def posteriors_from_json(text: str, *, where: str = "model") -> dict[int, SequencePosterior]:
    """Posteriors by number of classes from their JSON.

    Raises
    ------
    ModelError
        If it holds anything else.
    """
    try:
        posteriors = {int(k): SequencePosterior.from_dict(each) for k, each in json.loads(text).items()}
        if any(k != each.n_classes for k, each in posteriors.items()):
            raise ValueError("one is of another number of classes than its key says")
    except (ValueError, TypeError, AttributeError) as error:
        raise ModelError(
            where, f"its posteriors cannot be used: {error}", "calibrate it again with this version"
        ) from None
    return posteriors


class Model:
    """A loaded model: inputs of a night to probabilities of the stages.

    Parameters
    ----------
    path : path
        The ``.onnx`` file.
    threads : int
        Threads within an operator; one is best for a night, and gives the same bits everywhere.

    Attributes
    ----------
    spec : ModelSpec
        What it is.
    posteriors : mapping of int to SequencePosterior
        How far its probabilities are to be trusted, by number of classes; empty where that was never measured.

    Raises
    ------
    ModelError
        If the file is no ONNX model, or its spec is unknown.
    """

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        self._session = open_session(path, threads=threads)
        entries = self._session.get_modelmeta().custom_metadata_map
        spec = entries.get(SPEC_KEY)
        if spec is None:
            raise ModelError(path, f"it has no {SPEC_KEY!r}", "use a model exported by this package")
        self.spec = ModelSpec.from_json(spec, where=str(path))
        self.posteriors: Mapping[int, SequencePosterior] = MappingProxyType(
            posteriors_from_json(entries.get(POSTERIORS_KEY, "{}"), where=str(path))
        )
        columns = {entry.name: entry.shape for entry in self._session.get_inputs()}
        expected = len(feature_names(self.spec.features))
        if set(columns) != {"features", "series", "mask"} or columns["features"][1] != expected:
            raise ModelError(
                path, f"its inputs are {columns}, not those of its spec", "use a model exported by this package"
            )

    def probabilities(self, inputs: ModelInputs) -> NDArray[np.float32]:
        """Probabilities of the stages, float32 ``(S, 5)``, rows summing to 1, in the order of ``spec.stages``."""
        feed = {"features": inputs.features, "series": inputs.series, "mask": inputs.mask}
        return np.asarray(self._session.run(None, feed)[0], dtype=np.float32)


def open_session(path: Path, *, threads: int = 1) -> Any:
    """An onnxruntime session of a file, without its telemetry.

    Parameters
    ----------
    path : path
        The ``.onnx`` file.
    threads : int
        Threads within an operator.

    Returns
    -------
    onnxruntime.InferenceSession

    Raises
    ------
    ModelError
        If there is no such file, or it is no ONNX model.

    Examples
    --------
    >>> with as_file(files("staging.weights") / DEFAULT_MODEL) as shipped:
    ...     [entry.name for entry in open_session(shipped).get_inputs()]
    ['features', 'series', 'mask']
    """
    runtime = _onnxruntime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = False  # a plan of the last night's length is of no use to the next, and costs 100 MB
    options.log_severity_level = 4  # errors come as exceptions; the log would print them a second time
    if not path.is_file():
        raise ModelError(path, "there is no such file", "give the path of a .onnx model")
    try:
        return runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises a dozen unrelated types for a bad file
        raise ModelError(path, f"it is not an ONNX model ({type(error).__name__})", "export it again") from None


@functools.lru_cache(maxsize=4)
def load_model(path: str | None = None) -> Model:
    """The model of a file, or the one that ships with the package.

    Parameters
    ----------
    path : str, optional
        A ``.onnx`` file made by ``python -m training export``.

    Returns
    -------
    Model
        Loaded once a process and path.

    Raises
    ------
    ModelError
        If the file cannot be used.
    """
    if path is not None:
        return Model(Path(path))
    with as_file(files("staging.weights") / DEFAULT_MODEL) as shipped:
        return Model(shipped)


def model_card() -> str:
    """The card of the shipped model: data, licences, protocol, figures, limits; Markdown."""
    return (files("staging.weights") / DEFAULT_CARD).read_text(encoding="utf-8")


def _onnxruntime() -> ModuleType:
    # onnxruntime 1.29 and newer report usage over the network and write to the user's cache unless told not to
    # before the import. Nothing leaves the machine.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    return importlib.import_module("onnxruntime")
