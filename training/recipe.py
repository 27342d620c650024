"""How the default model is made: scored nights with simulated ones among them, several members, averaged weights."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field

from models.sequence import SequenceShape
from staging.features import DEFAULT_SPEC, GROUPS, FeatureSpec, feature_names
from training.augment import Augmentation
from training.batches import LabelSmoothing
from training.splice import Splicing

__all__ = ["Recipe", "Stretch"]


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """One stretch of training.

    Attributes
    ----------
    passes, batch_size : int
        Over the nights given.
    learning_rate, weight_decay : float
        Peak of the cycle, and decay.
    average_decay : float
        Decay a step of the running mean of the weights, which is what is kept.
    """

    passes: int
    batch_size: int
    learning_rate: float
    weight_decay: float = 0.02
    average_decay: float = 0.98


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides a fit, but for the nights and the seed.

    Attributes
    ----------
    members : int
        Networks whose probabilities are averaged; they differ in their seed.
    simulated_nights : int
        Simulated nights to draw from; 0 does without.
    scored_hypnograms : float
        Share of them that follows a hypnogram scored by people, where a folder of those is given.
    mixed_simulated : int
        Simulated nights among the real ones at every pass, others each time. Real sets hold nobody who is up and
        about; these do.
    first : Stretch or None
        On simulated nights alone, before the real ones; None leaves it out.
    second : Stretch
        On real nights, with the mixed ones.
    smoothing : LabelSmoothing
    changes : Augmentation
    splicing : Splicing or None
        Of the scored nights with each other; None leaves them whole.
    hidden_clock : float
        How often the elapsed time is masked.
    spec : FeatureSpec
    width, series_width, attention_layers : int
    dropout : float
        Of the network.

    Examples
    --------
    >>> Recipe(members=1).shape().n_classes
    5
    """

    members: int = 3
    simulated_nights: int = 1000
    scored_hypnograms: float = 0.5
    mixed_simulated: int = 10
    first: Stretch | None = None
    second: Stretch = field(default_factory=lambda: Stretch(passes=65, batch_size=4, learning_rate=2e-3))
    smoothing: LabelSmoothing = field(default_factory=LabelSmoothing)
    changes: Augmentation = field(default_factory=Augmentation)
    splicing: Splicing | None = field(default_factory=Splicing)
    hidden_clock: float = 0.3
    spec: FeatureSpec = field(default_factory=lambda: DEFAULT_SPEC)
    width: int = 64
    series_width: int = 24
    attention_layers: int = 1
    dropout: float = 0.3

    def shape(self) -> SequenceShape:
        """Dimensions of a member."""
        return SequenceShape(
            n_features=len(feature_names(self.spec)),
            n_groups=len(GROUPS),
            width=self.width,
            series_width=self.series_width,
            attention_layers=self.attention_layers,
            dropout=self.dropout,
        )

    def to_json(self) -> str:
        """The recipe and the dimensions that follow from it as JSON, as every run writes it."""
        return json.dumps(dataclasses.asdict(self) | {"shape": dataclasses.asdict(self.shape())}, indent=2)
