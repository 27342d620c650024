"""The choices that the definitions leave open, as one value that travels with the result."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

__all__ = ["Rules"]


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Thresholds of the definitions; the defaults are the published ones.

    Attributes
    ----------
    persistent_sleep_min : float
        Unbroken sleep that counts as persistent (`lps_min`), minutes.
    long_awakening_min : float
        An awakening longer than this is a long one, minutes (Ohayon et al. 2017: 5).

    Raises
    ------
    ValueError
        If a threshold is not a finite number of at least 0.

    Examples
    --------
    >>> Rules().persistent_sleep_min
    10.0
    """

    persistent_sleep_min: float = 10.0
    long_awakening_min: float = 5.0

    def __post_init__(self) -> None:
        for name, value in dataclasses.asdict(self).items():
            if isinstance(value, bool):
                continue
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{name} must be finite and at least 0, got {value}")
