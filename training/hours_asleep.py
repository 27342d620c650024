"""What the hours asleep say of the stages beyond what networks said, from predictions of subjects they never saw."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from models.hours_asleep import HoursAsleep, log_hours_asleep, log_probabilities
from training.predictions import SENSOR_SETS, Prediction

__all__ = ["fit_hours_asleep", "with_hours_asleep"]

PENALTY = 1e-4
"""On the squared slopes, beside the log loss of an epoch: a number added to all five would change nothing."""

_STEPS = 200


def fit_hours_asleep(predictions: Sequence[Prediction]) -> HoursAsleep:
    """The slopes with the least log loss on the given predictions.

    Parameters
    ----------
    predictions : sequence of Prediction
        Of networks that never saw their subjects, as they gave them; at least one.

    Returns
    -------
    HoursAsleep
    """
    given = [torch.from_numpy(prediction.probabilities["all"]) for prediction in predictions]
    usable = [prediction.night.usable for prediction in predictions]
    late_N = torch.cat([log_hours_asleep(night)[seen] for night, seen in zip(given, usable, strict=True)]).double()
    log_NK = torch.cat([log_probabilities(night)[seen] for night, seen in zip(given, usable, strict=True)]).double()
    stage_N = torch.from_numpy(
        np.concatenate([p.night.reference[seen] for p, seen in zip(predictions, usable, strict=True)])
    )
    centre = late_N.mean()
    slopes_K = torch.zeros(log_NK.shape[1], dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([slopes_K], max_iter=_STEPS, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        moved_NK = log_NK + (late_N - centre).unsqueeze(1) * slopes_K
        value = nn.functional.cross_entropy(moved_NK, stage_N) + PENALTY * slopes_K.square().sum()
        value.backward()
        return value

    optimiser.step(loss)
    return HoursAsleep(slopes_K.tolist(), centre.item())


def with_hours_asleep(prediction: Prediction, later: HoursAsleep | None) -> Prediction:
    """A prediction as the ensemble gives it with this behind its networks; without the clock nothing changes."""
    if later is None:
        return prediction
    return dataclasses.replace(
        prediction,
        probabilities={
            name: _moved(each, later) if "clock" in SENSOR_SETS[name] else each
            for name, each in prediction.probabilities.items()
        },
        members=tuple(_moved(each, later) for each in prediction.members),
        losses={name: _moved(each, later) for name, each in prediction.losses.items()},
    )


def _moved(probabilities: NDArray[np.float32], later: HoursAsleep) -> NDArray[np.float32]:
    with torch.no_grad():
        given = torch.from_numpy(probabilities)
        return np.asarray(later(given, torch.ones(len(given))).numpy())
