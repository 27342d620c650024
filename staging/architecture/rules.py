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
    nrem_period_min : float
        Shortest NREM period of a cycle, wake in it counted, and so the longest gap within a REM period, minutes
        (Feinberg & Floyd 1979: 15).
    rem_period_min : float
        REM sleep that a REM period holds at least, minutes (Feinberg & Floyd 1979: 5).
    first_rem_period_min : float
        The same for the first REM period of the night (Blume & Cajochen 2021: no minimum).
    split_nrem_over_min : float or None
        A NREM period with more sleep than this is split where N3 comes back after a lightening of sleep, for a first
        REM period that was skipped; None never splits. Blume & Cajochen 2021 propose 120 and leave the choice to the
        person who looks at the night.
    lightening_min : float
        Lightening of sleep before such a split: longer than this without N3, minutes (12).
    bout_floor_min : float
        Shortest length that the fits to bouts allow for, minutes: half of a 30-s epoch, since anything shorter would
        not have been scored.

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
    nrem_period_min: float = 15.0
    rem_period_min: float = 5.0
    first_rem_period_min: float = 0.0
    split_nrem_over_min: float | None = None
    lightening_min: float = 12.0
    bout_floor_min: float = 0.25

    def __post_init__(self) -> None:
        for name, value in dataclasses.asdict(self).items():
            if value is not None and not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{name} must be finite and at least 0, got {value}")
        if self.bout_floor_min == 0:
            raise ValueError("bout_floor_min must be above 0: a power law has no mass there")
