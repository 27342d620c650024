"""Units of acceleration: by their names, and by the size of gravity where nobody names them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["G_M_PER_S2", "NAMED_UNITS", "OTHER_UNITS", "OtherUnit", "in_g", "plain_unit"]

G_M_PER_S2 = 9.80665
"""Standard gravity."""

NAMED_UNITS: Mapping[str, float] = {"g": 1.0, "gs": 1.0, "mg": 1e-3} | dict.fromkeys(
    ("m/s2", "m/s^2", "m/s**2", "m/s/s", "m/s", "ms-2", "ms^-2", "m*s^-2"), 1 / G_M_PER_S2
)
"""What people write, as `plain_unit` leaves it ("m/s" is what is left of m/s²), to g in one such unit."""


class OtherUnit(NamedTuple):
    """A unit that a still sensor betrays by the size of gravity in it."""

    low: float
    high: float
    name: str
    factor: float
    """g in one such unit."""
    mend: str


OTHER_UNITS = (
    OtherUnit(8.0, 12.0, "m/s²", 1 / G_M_PER_S2, "divide by 9.80665"),
    OtherUnit(50.0, 90.0, "1/64 g", 1 / 64, "divide by 64"),
    OtherUnit(700.0, 1400.0, "mg", 1e-3, "divide by 1000"),
)
"""Where the median size of a night's acceleration lies in units other than g."""

_LOOK_AT = 100_000


def plain_unit(text: str) -> str:
    """A unit in lower case and ASCII.

    Examples
    --------
    >>> plain_unit("m/s²"), plain_unit(" mG "), plain_unit("ms⁻²")
    ('m/s', 'mg', 'ms-2')
    """
    return re.sub(r"[^a-z0-9/^*-]", "", text.lower().replace("⁻²", "-2"))


def in_g(values: NDArray[np.float64], where: str, *, unit: str = "") -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Acceleration in g.

    Parameters
    ----------
    values : ndarray of float64, shape (n, 3)
        In any unit; NaN where there is none.
    where : str
        The file, as warnings name it.
    unit : str
        As the file names it; where it does not, or nobody knows the name, the size of gravity tells.

    Returns
    -------
    values : ndarray of float64, shape (n, 3)
        In g.
    warnings : tuple of str
        A guess, where one was made.

    Examples
    --------
    >>> still = np.tile([0.0, 0.0, 9.81], (100, 1))
    >>> in_g(still, "watch.csv", unit="m/s^2")[1]
    ()
    >>> in_g(still, "watch.csv")[1]
    ('watch.csv: acc has a median of 9.81: taken for m/s², which the file does not say',)
    """
    name = plain_unit(unit)
    if name in NAMED_UNITS:
        return values * NAMED_UNITS[name], ()
    with np.errstate(over="ignore"):
        sizes = np.linalg.norm(values[:: len(values) // _LOOK_AT + 1], axis=1)
    sizes = sizes[np.isfinite(sizes)]
    middle = float(np.median(sizes)) if sizes.size else 0.0
    for other in OTHER_UNITS:
        if other.low <= middle <= other.high:
            said = f"acc has a median of {middle:.5g}: taken for {other.name}, which the file does not say"
            return values * other.factor, (f"{PurePath(where).name}: {said}",)
    return values, ()
