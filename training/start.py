"""Networks that were fitted before, as a place to go on from: a model file, or the folder of a run."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from torch import nn

from models.ensemble import Ensemble
from models.hours_asleep import HoursAsleep
from models.restore import restore
from models.sequence import SequenceNet
from staging.decision import DecisionRule
from staging.errors import InputError
from staging.features import FeatureSpec
from staging.model import DEFAULT_MODEL
from training.lineage import attributions, digests, unlisted
from training.night import LabelledNight
from training.recipe import Recipe, Stretch
from training.run_files import FINISHED, RUN_FILE, load_networks, read_run, understood

__all__ = ["GENTLE", "SHIPPED", "Start", "load_members", "load_start", "weights_digest"]

SHIPPED = "shipped"
"""Stands for the model that ships with the package."""

GENTLE = Stretch(passes=10, batch_size=4, learning_rate=3e-4, average_decay=0.9)
"""Few passes at a low rate: enough to take up another device or another population, too little to forget the rest."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Start:
    """Fitted networks, and what they were made from.

    Attributes
    ----------
    name : str
        Name and version of the model, or that of the run's folder.
    members : tuple of SequenceNet
        Without weights for what they were never shown.
    spec : FeatureSpec
        Of their inputs.
    groups : tuple of str
        Groups of inputs (`staging.features.GROUPS`) that they were shown.
    datasets : tuple of str
        What they were fitted on, with licences and attribution, one line each.
    digests : frozenset of str
        Nights that they were fitted on, as far as those are known one by one.
    unlisted : frozenset of str
        Attributions of the data sets of which they saw nights that are not known one by one.
    decision : DecisionRule or None
        Of the model; a run has none.
    hours_asleep : HoursAsleep or None
        What follows the networks in the model, or in the one that the run began from.
    commit : str
        Commit of the code that fitted them.
    """

    name: str
    members: tuple[SequenceNet, ...]
    spec: FeatureSpec
    groups: tuple[str, ...]
    datasets: tuple[str, ...]
    digests: frozenset[str]
    unlisted: frozenset[str]
    decision: DecisionRule | None
    commit: str
    hours_asleep: HoursAsleep | None = None

    def __post_init__(self) -> None:
        Ensemble(self.members, self.spec, self.groups).forget_unseen()

    def describe(self) -> dict[str, Any]:
        """All but the weights, of which there is a digest; JSON-able."""
        return {
            "name": self.name,
            "weights": weights_digest(self.members),
            "commit": self.commit,
            "groups": list(self.groups),
            "datasets": list(self.datasets),
            "decision": None if self.decision is None else dataclasses.asdict(self.decision),
            "hours_asleep": None if self.hours_asleep is None else self.hours_asleep.describe(),
        }

    def recipe(self) -> Recipe:
        """How to go on: the `GENTLE` stretch on whole nights, without simulated ones, in the networks' dimensions.

        Raises
        ------
        InputError
            If no recipe of today gives networks of these dimensions.
        """
        shape = self.members[0].shape
        names = {field.name for field in dataclasses.fields(Recipe)}
        dimensions = {name: value for name, value in dataclasses.asdict(shape).items() if name in names}
        recipe = Recipe(
            members=len(self.members),
            simulated_nights=0,
            mixed_simulated=0,
            first=None,
            second=GENTLE,
            splicing=None,
            spec=self.spec,
            **dimensions,
        )
        if any(member.shape != recipe.shape() for member in self.members):
            raise InputError(
                self.name,
                "its networks have dimensions that no recipe of this version gives",
                "use the version of this package that fitted them",
            )
        return recipe

    def refuse_if_seen(self, nights: Sequence[LabelledNight], attributions: dict[str, str]) -> None:
        """Refuse to be tested on nights that these networks may have been fitted on.

        Parameters
        ----------
        nights : sequence of LabelledNight
            To be tested on.
        attributions : dict of str to str
            Of their data sets.

        Raises
        ------
        InputError
            If one of them, or of its data set, was seen.
        """
        for night in nights:
            if night.digest() in self.digests or attributions[night.dataset] in self.unlisted:
                raise InputError(
                    f"{night.dataset} {night.subject}",
                    f"{self.name} was fitted on nights of it, so its figures would be of people it has seen",
                    "evaluate on nights that it never saw; a run's folder, unlike a model file, knows them one by one",
                )


def weights_digest(members: Iterable[nn.Module]) -> str:
    """Sixteen hexadecimal digits that tell some networks from others."""
    digest = hashlib.sha256()
    for member in members:
        for weight in member.state_dict().values():
            digest.update(weight.numpy().tobytes())
    return digest.hexdigest()[:16]


def load_start(where: str) -> Start:
    """Networks to go on from.

    Parameters
    ----------
    where : str
        A ``.onnx`` file of ``export``, the folder of a finished run, or `SHIPPED`.

    Returns
    -------
    Start

    Raises
    ------
    StagingError
        If there are no networks that can be read.
    """
    if where == SHIPPED:
        with as_file(files("staging.weights") / DEFAULT_MODEL) as shipped:
            return _of_model(shipped)
    path = Path(where)
    return _of_run(path) if path.is_dir() else _of_model(path)


def load_members(run: Path) -> tuple[list[SequenceNet], dict[str, Any]]:
    """The networks of a run of ``fit`` and its description.

    Raises
    ------
    InputError
        If the folder holds no finished run.
    """
    description = read_run(run)
    with understood(run / RUN_FILE, FINISHED):
        return load_networks(run, description["recipe"]), description


def _of_model(path: Path) -> Start:
    members, spec, hours_asleep = restore(path)
    return Start(
        name=f"{spec.name} {spec.version}",
        members=tuple(members),
        spec=spec.features,
        groups=spec.groups,
        datasets=spec.datasets,
        digests=frozenset(),
        unlisted=frozenset(spec.datasets),
        decision=spec.decision,
        hours_asleep=hours_asleep,
        commit=spec.commit,
    )


def _of_run(folder: Path) -> Start:
    members, description = load_members(folder)
    before = description.get("start") or {"datasets": []}
    with understood(folder / RUN_FILE, FINISHED):
        return _start_of(folder, members, description, before)


def _start_of(
    folder: Path, members: Sequence[SequenceNet], description: dict[str, Any], before: dict[str, Any]
) -> Start:
    return Start(
        name=f"run {folder.resolve().name}",
        members=tuple(members),
        spec=FeatureSpec.from_json(json.dumps(description["recipe"]["spec"]), where=str(folder)),
        groups=tuple(description["groups"]),
        datasets=tuple(dict.fromkeys([*before["datasets"], *attributions(description)])),
        digests=digests(description),
        unlisted=unlisted(description),
        decision=None,
        hours_asleep=None if before.get("hours_asleep") is None else HoursAsleep(**before["hours_asleep"]),
        commit=description["commit"],
    )
