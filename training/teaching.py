"""Networks that teach others: distillation, with nights that nobody scored.

A network that learns from what an ensemble says of a night, beside the stages that a person scored, comes to agree with
all of the ensemble; and what the ensemble says can be had of any night. The teachers of a fold never saw its subjects,
so that what they teach tells nothing of them.

References
----------
Hinton G., Vinyals O., Dean J., Distilling the knowledge in a neural network, arXiv:1503.02531 (2015).
Xie Q. et al., Self-training with noisy student improves ImageNet classification, CVPR 2020, arXiv:1911.04252.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.ensemble import Ensemble
from staging.errors import InputError
from staging.features import FeatureSpec, extract
from training.batches import Mixed
from training.folds import fold_of, subjects_of_folds
from training.night import LabelledNight
from training.predictions import probabilities
from training.provenance import describe_data
from training.run_files import read_run
from training.start import load_start, weights_digest

__all__ = ["Teacher", "Teaching"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Teacher:
    """An ensemble, and what is learnt from it.

    Attributes
    ----------
    network : Ensemble
        That teaches.
    spec : FeatureSpec
        Of its inputs.
    unlabelled : sequence of LabelledNight
        Nights that nobody scored.
    mixed : int
        How many of them, others at every pass, are mixed among the scored ones.
    share : float
        How much of a scored epoch's target is the teacher's.
    """

    network: Ensemble
    spec: FeatureSpec
    unlabelled: Sequence[LabelledNight]
    mixed: int
    share: float

    def teach(self, nights: Sequence[LabelledNight]) -> list[LabelledNight]:
        """Scored nights with what the network says of each scored epoch; of the others there is nothing to learn."""
        return [
            dataclasses.replace(night, taught=np.where((night.reference >= 0)[:, None], self._says(night), 0.0))
            for night in nights
        ]

    def digest(self) -> str:
        """Sixteen hexadecimal digits that tell this teacher, and what is learnt from it, from others."""
        learnt = [self.mixed, self.share, [night.digest() for night in self.unlabelled]]
        content = json.dumps([weights_digest(self.network.members), *learnt])
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def pool(self) -> Mixed:
        """The unlabelled nights, taught."""
        taught = [dataclasses.replace(night, taught=self._says(night)) for night in self.unlabelled]
        return Mixed(taught, self.mixed if taught else 0)

    def _says(self, night: LabelledNight) -> NDArray[np.float32]:
        return probabilities(self.network, extract(night.tracks, self.spec), self.spec)


@dataclass(frozen=True, kw_only=True, eq=False)
class Teaching:
    """Whom a fit, or each fold of a cross-validation, learns from beside its labels.

    Attributes
    ----------
    run : Path
        Finished run of ``fit``, or of ``evaluate`` for a cross-validation: the teachers.
    unlabelled : sequence of LabelledNight
        Nights that nobody scored.
    mixed, share : int, float
        See `Teacher`.
    """

    run: Path
    unlabelled: Sequence[LabelledNight] = ()
    mixed: int = 15
    share: float = 0.5

    def of_fit(self) -> Teacher:
        """The networks of a run of ``fit``.

        Raises
        ------
        InputError
            If there are none.
        """
        read_run(self.run)  # A model file teaches nobody: it does not say which nights it saw.
        start = load_start(str(self.run))
        return self._teacher(Ensemble(start.members, start.spec, start.groups), start.spec)

    def of_fold(self, index: int, nights: Sequence[LabelledNight]) -> Teacher:
        """The networks of a fold of a run of ``evaluate``.

        Raises
        ------
        InputError
            If there are none.
        """
        fold = fold_of(self.run, index, nights)
        fold.network.hours_asleep = None  # A run of `fit` has none: students of a fold learn what those of a fit do.
        return self._teacher(fold.network, fold.spec)

    def check_folds(self, folds: Sequence[frozenset[tuple[str, str]]]) -> None:
        """Refuse teachers that saw a subject whom their students are tested on.

        Raises
        ------
        InputError
            If the run is not finished, or its folds are others.
        """
        if subjects_of_folds(self.run) != list(folds):
            raise InputError(
                self.run,
                "its folds are others, so that its networks saw who is tested",
                "give the --data, --folds, --seed and --hold-out that it was made with",
            )

    def describe(self) -> dict[str, Any]:
        """What decides what is learnt, but for the teachers' weights: what they were made from, and the nights.

        Returns
        -------
        dict
            JSON-able.

        Raises
        ------
        InputError
            If the folder is none of a run.
        """
        return {
            "teacher": read_run(self.run),
            "mixed": self.mixed,
            "share": self.share,
            "data": describe_data(self.unlabelled),
        }

    def _teacher(self, network: Ensemble, spec: FeatureSpec) -> Teacher:
        return Teacher(network=network, spec=spec, unlabelled=self.unlabelled, mixed=self.mixed, share=self.share)
