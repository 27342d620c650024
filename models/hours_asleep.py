"""How stages shift as the night's sleep goes on: deep sleep comes early, REM sleep late.

Networks that also see nights cut at either end, and windows of nights, learn not to lean on the time since a recording
began. What they then leave out is put back here: the hours slept so far, counted from their own probabilities of W,
move the logarithms of the probabilities by one slope a stage.

Assumptions
-----------
- The recording begins before sleep does: one that begins in the middle of a night is taken for its beginning. Time
  awake, before going to bed or in the night, does not count; time of which nothing was recorded counts by the
  networks' guess.

Axes: S epoch, K stage.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from staging.hypnogram import CLASSES, Stage
from staging.recording import EPOCH_S

__all__ = ["HoursAsleep", "log_hours_asleep", "log_probabilities"]

_W = CLASSES[5].index(Stage.W)
_SMALLEST = 1e-6
"""Probabilities below it are taken for it: their logarithm is finite."""

_DIGITS = 4
"""Of the slopes and the centre: what is written down is what computes."""


class HoursAsleep(nn.Module):
    """Probabilities of the stages, given how long the sleeper has slept.

    The logarithm of each probability grows by its stage's slope times ``log(1 + hours asleep) - centre``; the
    probabilities of an epoch then add up to one again. That is Bayes' rule with odds that change with the sleep behind
    one, where what the networks saw does not tell of it; the slopes are fitted on subjects that the networks never saw
    (`training.hours_asleep`).

    Parameters
    ----------
    slopes : sequence of float
        Of W, N1, N2, N3, R.
    centre : float
        ``log(1 + hours asleep)`` at which nothing changes.

    References
    ----------
    Borbély, Daan, Wirz-Justice and Deboer, The two-process model of sleep regulation: a reappraisal, J Sleep Res 25
    (2016), doi 10.1111/jsr.12371: pressure to sleep, and N3 with it, falls with the time slept; REM sleep comes late.

    Examples
    --------
    >>> later = HoursAsleep(slopes=(0.0, 0.0, 0.0, -1.0, 1.0), centre=0.0)
    >>> night = torch.full((960, 5), 0.2)
    >>> moved = later(night, torch.ones(960))
    >>> bool(moved[-1, 4] > moved[0, 4])
    True
    """

    def __init__(self, slopes: Sequence[float], centre: float) -> None:
        super().__init__()
        if len(slopes) != len(CLASSES[5]):
            raise ValueError(f"{len(slopes)} slopes for {len(CLASSES[5])} stages")
        self.register_buffer("slopes_K", torch.tensor([round(float(slope), _DIGITS) for slope in slopes]))
        self.register_buffer("centre", torch.tensor(round(float(centre), _DIGITS)))

    def forward(self, probabilities_SK: Tensor, known_S: Tensor) -> Tensor:
        """Probabilities ``(S, K)`` of one night.

        Parameters
        ----------
        probabilities_SK : Tensor
            As the networks give them.
        known_S : Tensor
            1 where time may be used, 0 where the networks' probabilities are to stay.
        """
        later_S = (log_hours_asleep(probabilities_SK) - self.centre) * known_S
        moved_SK = log_probabilities(probabilities_SK) + later_S.unsqueeze(1) * self.slopes_K
        return torch.where(known_S.unsqueeze(1) > 0, moved_SK.softmax(dim=1), probabilities_SK)

    def describe(self) -> dict[str, Any]:
        """The arguments that it was made with, JSON-able."""
        slopes = [round(slope, _DIGITS) for slope in self.slopes_K.tolist()]
        return {"slopes": slopes, "centre": round(self.centre.item(), _DIGITS)}


def log_hours_asleep(probabilities_SK: Tensor) -> Tensor:
    """``log(1 + hours asleep)`` until the end of each epoch, ``(S,)``, from probabilities ``(S, K)``."""
    asleep_S = 1.0 - probabilities_SK[:, _W]
    return (asleep_S.cumsum(dim=0) * (EPOCH_S / 3600.0)).log1p()


def log_probabilities(probabilities_SK: Tensor) -> Tensor:
    """Their logarithm, finite."""
    return probabilities_SK.clamp(min=_SMALLEST).log()
