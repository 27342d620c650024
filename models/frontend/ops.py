"""What the front end needs and a network's layers lack: runs, gaps, quantiles and sums of series with missing values.

Axes: N places of a series, S epoch. Everything is one-dimensional and of any length. All of it becomes plain ONNX
operators whose result does not depend on the length of the export's example: cumulative sums of whole numbers,
convolution, gather, scatter, sorting. Sums of real numbers are taken over windows, never over a night: single precision
would lose them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

__all__ = [
    "Series",
    "any_near",
    "box_max",
    "box_sum",
    "every",
    "interpolated",
    "neighbours",
    "positions",
    "quantiles",
    "ratio",
    "runs_of",
    "windows",
]


class Series(NamedTuple):
    """A track in the graph: `values`, 0 where nothing is known, and `known`, of the same shape.

    A graph with NaN in it would have to mind them in every operator; here they end at the inlet.
    """

    values: Tensor
    known: Tensor

    def only(self, keep: Tensor) -> Series:
        """The track where `keep` is set, and nothing known elsewhere."""
        known = self.known & keep
        return Series(torch.where(known, self.values, 0.0), known)


def neighbours(known_N: Tensor) -> tuple[Tensor, Tensor]:
    """Nearest known place at or before each place, and at or after it; -1 and N where there is none."""
    table, rank_N = _table(known_N)
    return table.gather(0, rank_N), table.gather(0, rank_N + (~known_N).to(torch.int64))


def positions(known_N: Tensor) -> tuple[Tensor, Tensor]:
    """Places that are known, in order, then zeros, ``(N,)``; and how many are known."""
    table, rank_N = _table(known_N)
    places = table[1:-1]
    return torch.where(places < known_N.shape[0], places, 0), rank_N[-1]


def _table(known_N: Tensor) -> tuple[Tensor, Tensor]:
    """Place of the r-th known one in row r, -1 in row 0 and N behind the last, ``(N + 2,)``; and the rank of each."""
    n = known_N.shape[0]
    rank_N = known_N.to(torch.int64).cumsum(0)
    # All that are not known write the same -1 into row 0; where every one is known, nobody does.
    row_N, entry_N = torch.where(known_N, rank_N, 0), torch.where(known_N, torch.arange(n), -1)
    none_before = torch.full((1,), -1)
    return torch.cat([none_before, torch.full((n + 1,), n)]).scatter(0, row_N, entry_N), rank_N


def interpolated(series: Series) -> Tensor:
    """Straight lines across what is missing; the ends hold the first and last known value. 0 if none is known.

    Only the gaps are looked at: places of a whole night, eight bytes each, would cost more than all else here.
    """
    values_N, known_N = series
    last = values_N.shape[0] - 1
    # Missing places M in order, and the gaps G that they make.
    place_M = (~known_N).nonzero()[:, 0]
    begins_M = place_M != torch.cat([torch.full((1,), -2), place_M])[:-1] + 1
    ends_M = torch.cat([begins_M, torch.ones(1, dtype=torch.bool)])[1:]
    before_G, after_G = place_M[begins_M.nonzero()[:, 0]] - 1, place_M[ends_M.nonzero()[:, 0]] + 1
    gap_M = begins_M.to(torch.int64).cumsum(0) - 1
    left_G = torch.where(before_G < 0, after_G, before_G).clamp(max=last)
    right_G = torch.where(after_G > last, left_G, after_G)
    left_M, right_M = left_G.gather(0, gap_M), right_G.gather(0, gap_M)
    share_M = (place_M - left_M).to(torch.float32) / (right_M - left_M).clamp(min=1).to(torch.float32)
    at_left_M = values_N.gather(0, left_M)
    return values_N.scatter(0, place_M, at_left_M + share_M * (values_N.gather(0, right_M) - at_left_M))


def any_near(flags_N: Tensor, before: int, after: int) -> Tensor:
    """Whether a flag is set from `before` places before each place to `after` places after it."""
    return _swept(functional.pad(flags_N, (before, after)), before + 1 + after, torch.logical_or)


def runs_of(flags_N: Tensor, at_least: int) -> Tensor:
    """The flags that stand in runs of at least so many."""
    beyond = at_least - 1
    whole = _swept(functional.pad(flags_N, (beyond, beyond)), at_least, torch.logical_and)
    return _swept(whole, at_least, torch.logical_or)


def quantiles(series: Series, shares: tuple[float, ...]) -> Tensor:
    """Quantiles of what is known, straight lines between sorted values, ``(len(shares),)``; 0 if nothing is known."""
    values_N, known_N = series.values.flatten(), series.known.flatten()
    ordered_N = torch.where(known_N, values_N, torch.inf).sort().values
    count = known_N.to(torch.int64).sum()
    last = (count - 1).clamp(min=0)
    position = torch.tensor(shares) * last.to(torch.float32)
    low = position.floor().to(torch.int64)
    at_low = ordered_N.gather(0, low)
    at_high = ordered_N.gather(0, torch.minimum(low + 1, last))
    between = at_low + (position - low.to(torch.float32)) * (at_high - at_low)
    return torch.where(count > 0, between, 0.0)


def windows(values_N: Tensor, before: int, after: int, beyond: float = 0.0) -> Tensor:
    """Each place with `before` places before it and `after` after it, shape ``(N, before + 1 + after)``."""
    place = torch.arange(values_N.shape[0])[:, None] + torch.arange(before + 1 + after)
    held_N = functional.pad(values_N, (before, after), value=beyond)
    return held_N.gather(0, place.flatten()).reshape(-1, before + 1 + after)


def box_sum(values_N: Tensor, before: int, after: int) -> Tensor:
    """Sums over the windows about each place, cut at the ends."""
    ones = torch.ones(1, 1, before + 1 + after)
    return functional.conv1d(functional.pad(values_N, (before, after))[None, None], ones)[0, 0]


def box_max(values: Tensor, before: int, after: int) -> Tensor:
    """Maxima over the windows about each place, cut at the ends; along the last of any axes."""
    held = functional.pad(values, (before, after), value=-torch.inf)
    return _swept(held, before + 1 + after, torch.maximum)


def _swept(values: Tensor, width: int, both: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """`both` over the windows of `width` places that lie within the last axis, each twice as wide as the one before."""
    reach = 1
    while 2 * reach <= width:
        values, reach = both(values[..., reach:], values[..., :-reach]), 2 * reach
    rest = width - reach
    return both(values[..., rest:], values[..., :-rest]) if rest else values


def every(flags: Tensor) -> Tensor:
    """Whether all of the few flags along the last axis are set.

    As a product: onnxruntime has no reduction of flags, and that of whole numbers in their place is far slower.
    """
    n = flags.shape[-1]
    return (flags.to(torch.float32) @ torch.ones(n, 1)).squeeze(-1) == n


def ratio(total: Tensor, weight: Tensor) -> Tensor:
    """`total` over `weight`, a count; 0 where there is none."""
    return total / weight.clamp(min=1.0) * (weight > 0)
