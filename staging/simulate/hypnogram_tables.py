"""Measured tables behind the simulated hypnogram: 51 nights of healthy adults.

Sources: Sleep-Accel (31 nights; Walch 2019, doi:10.13026/hmhs-py35, ODC-By 1.0) and the Sleep-EDF Expanded cassette
set (20 nights; Kemp et al. 2000, doi:10.13026/C2X676, ODC-By 1.0), pooled. Order of stages W, N1, N2, N3, R; lengths
in minutes. The two sets were scored by different people and rules (mean N3 bout 10.4 and 3.5 min): the pooled tables
lie between.

A night alternates non-REM and REM parts. Non-REM tables are by cycle (1, 2, 3, 4 and later) and by half of the part's
planned length; there is one table for all REM parts.
"""

from __future__ import annotations

__all__ = ["BOUT_LEVELS", "NREM_BOUT_MIN", "NREM_FIRST_STAGE", "NREM_JUMPS", "REM_BOUT_MIN", "REM_JUMPS"]

Row = tuple[float, float, float, float, float]
Jumps = tuple[Row, Row, Row, Row, Row]
Quantiles = tuple[float, ...]

BOUT_LEVELS: Quantiles = (0.0, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975, 0.99, 1.0)
"""Probabilities of the quantiles in the bout tables below."""

NREM_JUMPS: tuple[tuple[Jumps, Jumps], ...] = (
    (  # cycle 1
        (
            (0.0, 0.837, 0.152, 0.011, 0.0),
            (0.225, 0.0, 0.775, 0.0, 0.0),
            (0.178, 0.332, 0.0, 0.491, 0.0),
            (0.227, 0.041, 0.732, 0.0, 0.0),
            (0.0, 0.0, 0.0, 0.0, 0.0),
        ),
        (
            (0.0, 0.771, 0.229, 0.0, 0.0),
            (0.134, 0.0, 0.86, 0.006, 0.0),
            (0.215, 0.32, 0.0, 0.465, 0.0),
            (0.054, 0.078, 0.868, 0.0, 0.0),
            (0.0, 0.0, 0.0, 0.0, 0.0),
        ),
    ),
    (  # cycle 2
        (
            (0.0, 0.898, 0.102, 0.0, 0.0),
            (0.102, 0.0, 0.898, 0.0, 0.0),
            (0.155, 0.272, 0.0, 0.573, 0.0),
            (0.127, 0.064, 0.809, 0.0, 0.0),
            (0.0, 0.0, 0.0, 0.0, 0.0),
        ),
        (
            (0.0, 0.796, 0.204, 0.0, 0.0),
            (0.093, 0.0, 0.907, 0.0, 0.0),
            (0.171, 0.37, 0.0, 0.459, 0.0),
            (0.038, 0.063, 0.899, 0.0, 0.0),
            (0.0, 0.0, 0.0, 0.0, 0.0),
        ),
    ),
    (  # cycle 3
        (
            (0.0, 0.913, 0.087, 0.0, 0.0),
            (0.121, 0.0, 0.879, 0.0, 0.0),
            (0.186, 0.469, 0.0, 0.345, 0.0),
            (0.079, 0.026, 0.895, 0.0, 0.0),
            (0.0, 0.0, 0.0, 0.0, 0.0),
        ),
        (
            (0.0, 0.954, 0.046, 0.0, 0.0),
            (0.137, 0.0, 0.863, 0.0, 0.0),
            (0.208, 0.5, 0.0, 0.292, 0.0),
            (0.07, 0.018, 0.912, 0.0, 0.0),
            (0.0, 0.0, 0.0, 0.0, 0.0),
        ),
    ),
    (  # cycle 4 and later
        (
            (0.0, 0.975, 0.025, 0.0, 0.0),
            (0.21, 0.0, 0.79, 0.0, 0.0),
            (0.216, 0.532, 0.0, 0.251, 0.0),
            (0.071, 0.036, 0.893, 0.0, 0.0),
            (0.0, 0.0, 0.0, 0.0, 0.0),
        ),
        (
            (0.0, 0.916, 0.084, 0.0, 0.0),
            (0.148, 0.0, 0.852, 0.0, 0.0),
            (0.242, 0.571, 0.0, 0.187, 0.0),
            (0.059, 0.059, 0.882, 0.0, 0.0),
            (0.0, 0.0, 0.0, 0.0, 0.0),
        ),
    ),
)
"""Probability of the next stage (column) when a bout of a stage (row) ends: cycle, half, from, to."""

REM_JUMPS: Jumps = (
    (0.0, 0.473, 0.0, 0.0, 0.527),
    (0.06, 0.0, 0.283, 0.0, 0.657),
    (0.026, 0.095, 0.0, 0.0, 0.879),
    (0.0, 0.0, 0.0, 0.0, 1.0),
    (0.243, 0.589, 0.164, 0.003, 0.0),
)
"""The same within a REM part."""

NREM_FIRST_STAGE: tuple[Row, ...] = (
    (0.0, 0.96, 0.02, 0.02, 0.0),
    (0.22, 0.28, 0.5, 0.0, 0.0),
    (0.255, 0.362, 0.383, 0.0, 0.0),
    (0.315, 0.36, 0.326, 0.0, 0.0),
)
"""Probability of the stage that begins a non-REM part, by cycle."""

_W: Quantiles = (0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 1.0, 1.0, 2.0, 3.5, 6.1, 10.1, 18.1, 134.0)
_N1: Quantiles = (0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 1.0, 1.0, 1.5, 2.5, 3.5, 4.5, 8.1, 16.5)
_N2_FIRST: Quantiles = (0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 1.0, 2.0, 3.0, 4.5, 7.0, 10.0, 15.0, 19.4, 22.5, 28.7, 44.5)
_N2_SECOND: Quantiles = (0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 1.0, 1.0, 2.0, 3.0, 4.0, 6.5, 10.5, 13.2, 19.0, 28.2, 55.5)
_N2_CYCLE_2: Quantiles = (0.5, 0.5, 0.5, 0.5, 0.5, 1.0, 1.0, 2.0, 3.0, 5.0, 7.0, 11.5, 17.0, 21.0, 27.5, 39.4, 47.0)
_N2_CYCLE_3: Quantiles = (0.5, 0.5, 0.5, 0.5, 0.5, 1.0, 1.5, 2.5, 3.5, 5.5, 7.5, 12.0, 20.0, 27.5, 31.5, 37.1, 45.5)
_N2_LATER: Quantiles = (0.5, 0.5, 0.5, 0.5, 0.5, 1.0, 1.5, 3.0, 4.0, 6.5, 8.9, 12.5, 19.5, 25.0, 30.5, 35.3, 44.0)
_N3_FIRST: Quantiles = (0.5, 0.5, 0.5, 0.5, 0.5, 1.0, 1.0, 2.0, 5.0, 7.5, 11.5, 18.5, 31.5, 38.5, 47.2, 53.5, 71.0)
_N3_SECOND: Quantiles = (0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.8, 1.0, 1.5, 2.0, 4.5, 7.5, 18.8, 26.2, 29.4, 31.2, 34.5)
_N3_CYCLE_2: Quantiles = (0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 1.0, 1.5, 4.0, 9.0, 16.3, 27.7, 36.1, 38.2, 44.0)
_N3_CYCLE_3: Quantiles = (0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 1.0, 1.5, 4.5, 13.8, 19.5, 31.2, 38.6, 39.5)
_N3_LATER: Quantiles = (0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 1.0, 1.0, 2.0, 3.6, 9.1, 11.7, 27.5, 29.6, 37.5)

NREM_BOUT_MIN: tuple[tuple[tuple[Quantiles, ...], tuple[Quantiles, ...]], ...] = (
    ((_W, _N1, _N2_FIRST, _N3_FIRST), (_W, _N1, _N2_SECOND, _N3_SECOND)),
    ((_W, _N1, _N2_CYCLE_2, _N3_CYCLE_2), (_W, _N1, _N2_CYCLE_2, _N3_CYCLE_2)),
    ((_W, _N1, _N2_CYCLE_3, _N3_CYCLE_3), (_W, _N1, _N2_CYCLE_3, _N3_CYCLE_3)),
    ((_W, _N1, _N2_LATER, _N3_LATER), (_W, _N1, _N2_LATER, _N3_LATER)),
)
"""Quantiles of the length of a bout within a non-REM part: cycle, half, stage W N1 N2 N3."""

REM_BOUT_MIN: tuple[Quantiles, ...] = (
    (0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 1.0, 1.0, 1.4, 1.9, 6.0),
    (0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 1.0, 1.0, 1.0, 1.5, 2.0, 2.5, 3.0, 3.8, 7.0),
    (0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.8, 1.0, 1.0, 1.5, 2.5, 3.0, 4.0, 5.4, 7.1, 11.3, 12.5),
    (0.5,) * len(BOUT_LEVELS),  # N3 inside a REM part was one epoch, seen once
    (0.5, 0.5, 0.5, 0.5, 1.0, 1.5, 3.0, 4.0, 6.0, 8.0, 11.0, 15.5, 22.2, 31.0, 35.7, 44.3, 66.0),
)
"""Quantiles of the length of a bout within a REM part: stage W N1 N2 N3 R."""
