"""Several networks as one: the mean of their probabilities, blind to what training never showed them.

Behind the mean may stand what the hours asleep say (`models.hours_asleep`).

Axes: S epoch, C channel, T 5-s step, F feature, G group, K class. One night, no night axis: what an app feeds.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import torch
from torch import Tensor, nn

from models.hours_asleep import HoursAsleep
from models.sequence import SequenceNet
from staging.features import GROUPS, FeatureSpec, feature_names

__all__ = ["Ensemble"]

_CLOCK = GROUPS.index("clock")


class Ensemble(nn.Module):
    """Mean probabilities of the members.

    Parameters
    ----------
    members : sequence of SequenceNet
        At least one.
    spec : FeatureSpec
        Of their inputs.
    groups : collection of str
        Groups of inputs (`staging.features.GROUPS`) that training showed the members. The weights of the others are
        as they were drawn: those inputs are masked here, in every runtime, whatever an app feeds.
    hours_asleep : HoursAsleep, optional
        Applied to the mean where the clock is known, and only there.
    """

    def __init__(
        self,
        members: Sequence[SequenceNet],
        spec: FeatureSpec,
        groups: Collection[str] = GROUPS,
        hours_asleep: HoursAsleep | None = None,
    ) -> None:
        super().__init__()
        if not members:
            raise ValueError("an ensemble needs at least one member")
        self.members = nn.ModuleList(members)
        self.hours_asleep = hours_asleep
        seen = {group: float(group in groups) for group in GROUPS}
        columns = [seen[name.partition(":")[0]] for name in feature_names(spec)]
        rows = [seen["heart"], seen["heart"], seen["counts"], seen["counts"]]
        self.register_buffer("seen_F", torch.tensor(columns))
        self.register_buffer("seen_C1", torch.tensor(rows).unsqueeze(1))
        self.register_buffer("seen_G", torch.tensor(list(seen.values())))

    def forward(self, features_SF: Tensor, series_CT: Tensor, mask_SG: Tensor) -> Tensor:
        """Probabilities ``(S, K)`` of one night."""
        shown = (features_SF * self.seen_F, series_CT * self.seen_C1, mask_SG * self.seen_G)
        night = [part.unsqueeze(0) for part in shown]
        mean_SK = torch.stack([member(*night).softmax(dim=2) for member in self.members]).mean(dim=0)[0]
        return mean_SK if self.hours_asleep is None else self.hours_asleep(mean_SK, shown[2][:, _CLOCK])

    @torch.no_grad()
    def forget_unseen(self) -> None:
        """Set the members' weights of the inputs that training never showed to zero, in place.

        Nothing that is computed changes. Members that are trained further on nights that do have those inputs then
        begin from what the ensemble computes, not from weights as they were drawn.
        """
        for member in self.members:
            n_features = len(self.seen_F)
            member.inlet.weight[:, :n_features] *= self.seen_F
            member.inlet.weight[:, n_features : n_features + len(self.seen_G)] *= self.seen_G
            member.encoder.layers[0].weight *= self.seen_C1
