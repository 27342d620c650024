"""Several networks as one: the mean of their probabilities.

Axes: S epoch, C channel, T 5-s step, F feature, G group, K class. One night, no night axis: what an app feeds.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from models.sequence import SequenceNet

__all__ = ["Ensemble"]


class Ensemble(nn.Module):
    """Mean probabilities of the members.

    Parameters
    ----------
    members : sequence of SequenceNet
        At least one.
    """

    def __init__(self, members: Sequence[SequenceNet]) -> None:
        super().__init__()
        if not members:
            raise ValueError("an ensemble needs at least one member")
        self.members = nn.ModuleList(members)

    def forward(self, features_SF: Tensor, series_CT: Tensor, mask_SG: Tensor) -> Tensor:
        """Probabilities ``(S, K)`` of one night."""
        night = (features_SF.unsqueeze(0), series_CT.unsqueeze(0), mask_SG.unsqueeze(0))
        return torch.stack([member(*night).softmax(dim=2) for member in self.members]).mean(dim=0)[0]
