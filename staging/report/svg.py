"""SVG as text: paths of series with gaps, scales with round ticks, stretches of equal values.

A plot is drawn in a coordinate system that is stretched in x alone: x is the epoch, y is pixels. Strokes keep their
width and text stands outside it, so that a figure is as readable on a phone as on paper.
"""

from __future__ import annotations

import html
import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Scale", "area_path", "escape", "line_path", "number", "runs", "step_path"]

Floats = NDArray[np.float64]

# Control characters and lone surrogates are no text; marks that turn the direction of writing could disguise it.
_UNWANTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def escape(text: object) -> str:
    """Text that is harmless in HTML and XML, attributes included; control characters and bidi marks are dropped.

    Examples
    --------
    >>> escape('<script>"a&b"')
    '&lt;script&gt;&quot;a&amp;b&quot;'
    """
    return html.escape(_UNWANTED.sub("", str(text)))


def number(value: float) -> str:
    """A coordinate with at most two decimals, as short as it can be.

    Examples
    --------
    >>> number(12.0), number(0.128), number(-0.001)
    ('12', '0.13', '0')
    """
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Values to pixels from the top: `low` at the bottom, `high` at the top.

    Attributes
    ----------
    low, high : float
        Ends of the axis.
    height : float
        Pixels from the lowest to the highest value.
    top : float
        Pixels above the highest.
    ticks : tuple of float
        Values to label.
    """

    low: float
    high: float
    height: float
    top: float = 0.0
    ticks: tuple[float, ...] = ()

    def y(self, values: ArrayLike) -> Floats:
        """Pixels from the top, float64; NaN stays NaN, what lies outside is held at the edge."""
        share = (np.asarray(values, dtype=np.float64) - self.low) / (self.high - self.low)
        return np.asarray(self.top + self.height * (1.0 - np.clip(share, 0.0, 1.0)))

    @classmethod
    def around(
        cls, values: ArrayLike, *, height: float, top: float = 0.0, least_span: float, most_ticks: int = 4
    ) -> Scale:
        """A scale with round ends and ticks that holds all finite values.

        Examples
        --------
        >>> Scale.around([51.0, 73.0], height=80, least_span=10.0).ticks
        (50.0, 60.0, 70.0, 80.0)
        """
        finite = np.asarray(values, dtype=np.float64)
        finite = finite[np.isfinite(finite)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, least_span)
        missing = max(0.0, least_span - (high - low)) / 2
        low, high = low - missing, high + missing
        step = _round_step((high - low) / (most_ticks - 1))
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        ticks = tuple(round(i * step, 9) for i in range(first, last + 1))
        return cls(low=ticks[0], high=ticks[-1], height=height, top=top, ticks=ticks)


def _round_step(step: float) -> float:
    """The smallest of 1, 2, 5 times a power of ten that is not less than `step`."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= step * (1 - 1e-9))


def runs(values: NDArray[Any]) -> list[tuple[int, int]]:
    """Stretches of equal values, each as its first index and one past its last.

    Examples
    --------
    >>> runs(np.array([4, 4, 7]))
    [(0, 2), (2, 3)]
    """
    if len(values) == 0:
        return []
    edges = (np.flatnonzero(values[1:] != values[:-1]) + 1).tolist()
    return list(zip([0, *edges], [*edges, len(values)], strict=True))


def _finite_stretches(*series: Floats) -> list[slice]:
    known = np.asarray(np.isfinite(np.stack(series)).all(axis=0))
    return [slice(begin, end) for begin, end in runs(known) if known[begin]]


def _points(x: Floats, y: Floats) -> str:
    return "L".join(f"{number(a)} {number(b)}" for a, b in zip(x.tolist(), y.tolist(), strict=True))


def line_path(x: Floats, y: Floats) -> str:
    """Path data of a line, broken where y is NaN. A lone point becomes a short dash.

    Examples
    --------
    >>> line_path(np.array([0.0, 1.0, 2.0, 3.0]), np.array([5.0, 6.0, np.nan, 7.0]))
    'M0 5L1 6M3 7h.4'
    """
    return "".join(
        f"M{_points(x[part], y[part])}" + ("h.4" if part.stop - part.start == 1 else "")
        for part in _finite_stretches(y)
    )


def area_path(x: Floats, low: Floats, high: Floats) -> str:
    """Path data of the area between two lines, left out where either is NaN.

    Examples
    --------
    >>> area_path(np.array([0.0, 2.0]), np.array([9.0, 9.0]), np.array([1.0, 2.0]))
    'M0 1L2 2L2 9L0 9Z'
    """
    parts = []
    for part in _finite_stretches(low, high):
        there, back = _points(x[part], high[part]), _points(x[part][::-1], low[part][::-1])
        parts.append(f"M{there}L{back}Z")
    return "".join(parts)


def step_path(edges: Floats, low: Floats, high: Floats) -> str:
    """Path data of bars without gaps between them: bar i spans ``edges[i]`` to ``edges[i + 1]``; none where NaN.

    Examples
    --------
    >>> step_path(np.array([0.0, 1.0, 2.0]), np.array([9.0, 9.0]), np.array([3.0, 4.0]))
    'M0 3H1V4H2V9H1V9H0Z'
    """
    parts = []
    for part in _finite_stretches(low, high):
        x = [number(value) for value in edges[part.start : part.stop + 1].tolist()]
        there = [f"{number(y)}H{right}" for y, right in zip(high[part].tolist(), x[1:], strict=True)]
        back = [f"{number(y)}H{left}" for y, left in zip(low[part].tolist(), x[:-1], strict=True)]
        parts.append(f"M{x[0]} {'V'.join([*there, *back[::-1]])}Z")
    return "".join(parts)
