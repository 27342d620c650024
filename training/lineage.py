"""Whose nights a run has seen: its own, those of the networks that it began from, and those of its teachers."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from training.selection import Selection

__all__ = ["attributions", "digests", "unlisted", "what_decides"]

Description = dict[str, Any]
"""Of `training.provenance.describe_run`."""


def attributions(description: Description) -> tuple[str, ...]:
    """Data that a run has seen in any way, one line each, without what it began from."""
    lines = [data["attribution"] for seen in _own_and_unlabelled(description) for data in seen.values()]
    lines += description["hypnograms"]
    for teacher in _teachers(description):
        lines += [*attributions(teacher), *_of_start(teacher, "datasets")]
    return tuple(dict.fromkeys(lines))


def digests(description: Description) -> frozenset[str]:
    """Nights that a run has seen in any way, as far as they are known one by one."""
    own = {night for seen in _own_and_unlabelled(description) for data in seen.values() for _, night in data["nights"]}
    return frozenset(own).union(*map(digests, _teachers(description)))


def unlisted(description: Description) -> frozenset[str]:
    """Attributions of data sets of which it, or a teacher, saw nights that are not known one by one.

    Those of a run of features version 1 are not: its digests are of tracks that have since been defined otherwise.
    """
    own = [data["attribution"] for seen in _own_and_unlabelled(description) for data in seen.values()]
    unknown = own if description["recipe"].get("spec", {}).get("version") == 1 else []
    return frozenset([*unknown, *_of_start(description, "datasets")]).union(*map(unlisted, _teachers(description)))


def what_decides(description: Description) -> Description:
    """All that decides a run's networks, but for the code: what two runs must share for one to speak for the other."""
    # Runs of before there was a choice in them say nothing of it.
    older = {"start": None, "selection": dataclasses.asdict(Selection()), "teaching": None}
    decides = {name: (older | description)[name] for name in _DECIDING}
    if decides["start"] is not None:
        decides["start"] = {name: value for name, value in decides["start"].items() if name not in _AFTER_NETWORKS}
    if decides["teaching"] is not None:
        decides["teaching"] = decides["teaching"] | {"teacher": what_decides(decides["teaching"]["teacher"])}
    return decides


_AFTER_NETWORKS = ("decision", "hours_asleep")
"""Of what a run began from: what follows the networks does not decide those that are fitted further."""

_DECIDING = ("recipe", "data", "groups", "hypnograms", "seed", "start", "selection", "teaching")


def _own_and_unlabelled(description: Description) -> tuple[Description, ...]:
    teaching = description.get("teaching")
    return (description["data"],) if teaching is None else (description["data"], teaching["data"])


def _teachers(description: Description) -> Iterator[Description]:
    if description.get("teaching") is not None:
        yield description["teaching"]["teacher"]


def _of_start(description: Description, what: str) -> list[str]:
    start = description.get("start")
    return [] if start is None else list(start[what])
