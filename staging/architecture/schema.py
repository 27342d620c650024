"""The JSON Schemas of `SleepArchitecture.to_dict` and `ManyNights.to_dict`, made from the table of metrics.

``schema.json`` and ``schema_nights.json`` are these as files, for those who check the JSON in another language;
``python -m scripts.write_metrics_table`` writes them.
"""

from __future__ import annotations

import dataclasses

from staging.architecture.catalogue import CATALOGUE
from staging.architecture.cycles import Cycle
from staging.architecture.many import NIGHTS_SCHEMA, Spread
from staging.architecture.registry import Metric
from staging.architecture.rules import Rules
from staging.architecture.summary import SCHEMA_VERSION
from staging.architecture.survival import BoutFit
from staging.architecture.uncertainty import Interval
from staging.hypnogram import CLASSES

__all__ = ["json_schema", "nights_schema"]

_TYPES: dict[str, dict[str, object]] = {
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "float | None": {"type": ["number", "null"]},
    "bool": {"type": "boolean"},
    "str": {"type": "string"},
}


def json_schema() -> dict[str, object]:
    """JSON Schema (draft 2020-12) of a night's architecture.

    Examples
    --------
    >>> json_schema()["properties"]["schema"]
    {'const': 'staging.architecture/1.0'}
    """
    numbers = {"type": "array", "items": {"type": "number"}}
    fit = {"anyOf": [_object(BoutFit, extra={"aic": {"type": "number"}}), {"type": "null"}]}
    bouts = _closed(
        {
            "n": {"type": "integer", "minimum": 0},
            "n_ended": {"type": "integer", "minimum": 0},
            "survival": _closed({"times_min": numbers, "survival": numbers}),
            "exponential": fit,
            "power_law": fit,
            "vuong": {
                "anyOf": [_closed({"ratio": {"type": "number"}, "p_value": {"type": "number"}}), {"type": "null"}]
            },
        }
    )
    maybe = {"type": ["number", "null"]}
    properties: dict[str, object] = {
        "schema": {"const": f"staging.architecture/{SCHEMA_VERSION}"},
        "source": {"type": "string"},
        "start": {"type": ["string", "null"], "format": "date-time"},
        "epochs": {"type": "integer", "minimum": 1},
        "epoch_s": {"type": "number", "exclusiveMinimum": 0},
        "classes": {"enum": [[stage.value for stage in classes] for classes in CLASSES.values()]},
        "lights_off_s": maybe,
        "lights_on_s": maybe,
        "rules": _object(Rules),
        "metrics": _closed({name: _metric(metric) for name, metric in CATALOGUE.items()}),
        "cycles": {"type": "array", "items": _object(Cycle)},
        "transitions": _closed(
            {
                "counts": {"type": "array", "items": {"type": "array", "items": {"type": "integer", "minimum": 0}}},
                "probabilities": {"type": "array", "items": {"type": "array", "items": maybe}},
            }
        ),
        "bouts": _closed({"sleep": bouts, "wake": bouts}),
        "intervals": {
            "anyOf": [{"type": "object", "additionalProperties": _object(Interval)}, {"type": "null"}],
        },
        "norms": {
            "type": "array",
            "items": _closed(
                {
                    "metric": {"enum": list(CATALOGUE)},
                    "low": maybe,
                    "middle": maybe,
                    "high": maybe,
                    "position": {"enum": ["below", "within", "above", None]},
                    "meaning": {"type": "string"},
                    "source": {"type": "string"},
                }
            ),
        },
        "warnings": {"type": "array", "items": {"type": "string"}},
    }
    night = _closed(properties)
    made_from = {
        "type": "object",
        "description": "What the command line adds about a night that it scored: file, device, sensors, model.",
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Sleep architecture of a night",
        **night,
        "properties": {**properties, "made_from": made_from},
    }


def nights_schema() -> dict[str, object]:
    """JSON Schema (draft 2020-12) of many nights of one person.

    Examples
    --------
    >>> nights_schema()["properties"]["schema"]
    {'const': 'staging.architecture.nights/1.0'}
    """
    text: dict[str, object] = {"type": "string"}
    properties: dict[str, object] = {
        "schema": {"const": NIGHTS_SCHEMA},
        "nights": {"type": "array", "items": text},
        "excluded": {"type": "array", "items": _closed({"night": text, "reason": text})},
        "missing": {"type": "array", "items": {"type": "string", "format": "date"}},
        "sri": {"type": ["number", "null"], "minimum": -100, "maximum": 100},
        "social_jetlag_h": {"type": ["number", "null"], "minimum": -12, "maximum": 12},
        "metrics": {"type": "object", "required": list(CATALOGUE), "additionalProperties": _object(Spread)},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Sleep architecture of many nights",
        **_closed(properties),
    }


def _closed(properties: dict[str, object]) -> dict[str, object]:
    """An object with just these properties, all of them."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _object(kind: type, extra: dict[str, object] | None = None) -> dict[str, object]:
    """A flat dataclass."""
    fields = {field.name: _TYPES[str(field.type)] for field in dataclasses.fields(kind)}
    return _closed({**fields, **(extra or {})})


def _metric(metric: Metric) -> dict[str, object]:
    """A number within the metric's bounds, or null."""
    schema: dict[str, object] = {
        "type": ["number", "null"],
        "description": f"{metric.definition} Unit: {metric.unit}. Source: {metric.reference}",
    }
    if metric.minimum is not None:
        schema["minimum"] = metric.minimum
    if metric.maximum is not None:
        schema["maximum"] = metric.maximum
    return schema
