"""Raw channels of a night -> what the network is fed, and its probabilities -> stages: the graph around the network.

Axes: S epoch, G sensor (`staging.tracks.SENSORS`), K class.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.frontend.features import Features
from models.frontend.ops import neighbours
from models.frontend.tracks import RawTracks
from staging.decision import BEYOND, TINY, DecisionRule
from staging.features import FeatureSpec
from staging.stager import BRIDGED_GAP_EPOCHS
from staging.tracks import SENSORS

__all__ = ["Decision", "FrontEnd"]


class FrontEnd(nn.Module):
    """Raw channels to the network's inputs, and how far each sensor can be believed.

    Parameters
    ----------
    spec : FeatureSpec
        Of the network.
    """

    def __init__(self, spec: FeatureSpec) -> None:
        super().__init__()
        self.tracks = RawTracks()
        self.features = Features(spec)

    def forward(
        self, acc: Tensor, ppg: Tensor, temp: Tensor, heart_rate: Tensor, counts: Tensor, present: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Features, series and mask as in `staging.features.ModelInputs`, and quality ``(S, 3)``; inputs as there."""
        tracks = self.tracks(acc, ppg, temp, heart_rate, counts, present)
        features, series, mask = self.features(*tracks[:4])
        return features, series, mask, tracks.coverage_SG


class Decision(nn.Module):
    """Stages as `staging.decision.decide` takes them, for five classes.

    Parameters
    ----------
    rule : DecisionRule
        Of the network.
    """

    def __init__(self, rule: DecisionRule) -> None:
        super().__init__()
        self.rule = rule

    def forward(self, probabilities_SK: Tensor, quality_SG: Tensor) -> Tensor:
        """Index of each epoch's stage into ``CLASSES[5]``, int64 ``(S,)``; -1 where nothing was recorded."""
        scorable_S = _scorable(quality_SG)
        w, n1, n2, n3, r = probabilities_SK.unbind(1)
        light = n1 + n2
        asleep = torch.stack([light, n3, r], dim=1)
        deepest = asleep.argmax(1)
        n1_share = n1 / light.clamp(min=TINY)
        of_light = torch.where(n1_share > self.rule.n1_share, 1, 2)
        stage = torch.where(deepest == 0, of_light, deepest + 2)
        ratio_S = w / asleep.amax(1).clamp(min=TINY)
        threshold = _threshold(ratio_S, scorable_S, (w * scorable_S).sum().round().to(torch.int64))
        limits = (1.0 / self.rule.most_wake_weight, 1.0 / self.rule.least_wake_weight)
        stage = torch.where(ratio_S > threshold.clamp(*limits), 0, stage)
        return torch.where(scorable_S, stage, -1)


def _scorable(quality_SG: Tensor) -> Tensor:
    """As `staging.stager.scorable`: epochs with a sensor of heart or motion, and short gaps between such epochs."""
    heart, motion = (quality_SG[:, SENSORS.index(sensor)] for sensor in ("heart", "motion"))
    known = (heart > 0) | (motion > 0)
    before, after = neighbours(known)
    short = (before >= 0) & (after < quality_SG.shape[0]) & (after - before - 1 <= BRIDGED_GAP_EPOCHS)
    return known | short


def _threshold(values_S: Tensor, counted_S: Tensor, n: Tensor) -> Tensor:
    """What `n` of the counted values, which are not negative, exceed: as in `staging.decision`."""
    falling_S = torch.where(counted_S, values_S, -1.0).sort(descending=True).values
    counted = counted_S.sum()
    last = (counted - 1).clamp(min=0)
    above, below = (falling_S[torch.minimum(place.clamp(min=0), last)] for place in (n - 1, n))
    half_way = (above + below) / 2.0
    return torch.where(n == 0, below + BEYOND, torch.where(n >= counted, above - BEYOND, half_way))
