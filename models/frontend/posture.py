"""How far the arm turned, in the graph: what `staging.posture.turned_deg` computes.

Axes: S epoch, X axis of the sensor.
"""

from __future__ import annotations

import torch
from torch.nn import functional

from models.frontend.ops import Series

__all__ = ["turned_deg"]


def turned_deg(gravity_SX: Series, span: int = 1) -> Series:
    """Angle between gravity before and after each epoch, or the odd number of epochs about it, degrees ``(S,)``."""
    before, after = span // 2, span - span // 2
    # Beyond the night's ends nothing is known; as many rows follow as go before, so that every epoch has both.
    values = functional.pad(gravity_SX.values, (0, 0, before, after))
    there = functional.pad(gravity_SX.known[:, 0].to(torch.float32), (before, after))
    (ax, ay, az), (bx, by, bz) = values[:-span].unbind(1), values[span:].unbind(1)
    across_S = ((ay * bz - az * by).square() + (az * bx - ax * bz).square() + (ax * by - ay * bx).square()).sqrt()
    known_S = (there[:-span] * there[span:]) > 0
    angle_S = torch.rad2deg(torch.atan2(across_S, ax * bx + ay * by + az * bz))
    return Series(torch.where(known_S, angle_S, 0.0), known_S)
