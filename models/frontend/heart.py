"""Heart rate as one track, in the graph: what `staging.heart` computes from beats and from a device's own rate.

Axes: T 5-s step of the track, B beat.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.frontend.ops import Series, interpolated, neighbours, quantiles
from staging import heart
from staging.tracks import HEART_RATE_STEP_S

__all__ = ["device_rate", "rate_of_beats"]

WINDOW_STEPS = round(heart.WATCH_WINDOW_S / HEART_RATE_STEP_S)
if WINDOW_STEPS * HEART_RATE_STEP_S != heart.WATCH_WINDOW_S:
    raise ValueError("the window that a watch shows must be a whole number of steps: the graph sums steps")

WINDOW_BEGIN_S = HEART_RATE_STEP_S / 2 - heart.WATCH_DELAY_S - heart.WATCH_WINDOW_S
"""Begin of the window of step 0. The windows of all steps begin and end on one grid of 5-s cells, so their content is
the sum of three cells, and no sum over a night is ever taken."""

FIRST_CELL = int(WINDOW_BEGIN_S // HEART_RATE_STEP_S)
CELL_BEGIN_S = WINDOW_BEGIN_S - FIRST_CELL * HEART_RATE_STEP_S
"""The window of step k holds the cells from ``k + FIRST_CELL`` on; cell 0 begins here."""


def rate_of_beats(
    place_B: Tensor, part_B: Tensor, ibi_B: Tensor, keep_B: Tensor, rate_hz: float, n_steps: int
) -> Series:
    """Watch-like heart rate at the middle of every step, from the intervals that can be believed.

    Parameters
    ----------
    place_B, part_B : Tensor
        Where each interval begins: a whole number of samples (int64) from second 0, and what is beyond it, 0 to below
        2. A night's seconds in one number of single precision would be 2 ms apart.
    ibi_B : Tensor
        Its length in samples, below a cell's; any number where it is not to be believed.
    keep_B : Tensor
        bool, which intervals are believed.
    rate_hz : float
        Of the samples.
    n_steps : int
        Length of the track.
    """
    cell = round(HEART_RATE_STEP_S * rate_hz)
    origin = round(CELL_BEGIN_S * rate_hz)
    place_B = place_B - origin + (part_B >= 1.0).to(torch.int64)
    part_B = torch.where(part_B >= 1.0, part_B - 1.0, part_B)
    cell_B = place_B.div(cell, rounding_mode="floor")
    begin_B = (place_B - cell * cell_B).to(torch.float32) + part_B
    ibi_B = torch.where(keep_B, ibi_B, 0.0)
    here_B = torch.minimum(ibi_B, cell - begin_B)
    # Row 0 is the cell before cell 0, in which the recording begins; the last row is behind every window.
    row_B = (cell_B + 1).clamp(min=0, max=n_steps)

    def of_windows(here_B: Tensor, later_B: Tensor) -> Tensor:
        cells = torch.zeros(n_steps + 2).scatter_add(0, row_B, here_B).scatter_add(0, row_B + 1, later_B)
        cells = nn.functional.pad(cells, (-FIRST_CELL - 1, 0))
        return torch.stack([cells[after : after + n_steps] for after in range(WINDOW_STEPS)]).sum(0)

    # An interval is shorter than a cell: its seconds, and its one beat, lie in one cell or in two.
    share_B = here_B / ibi_B.clamp(min=1.0)
    seconds_T = of_windows(here_B, ibi_B - here_B) / rate_hz
    beats_T = of_windows(share_B, keep_B.to(torch.float32) - share_B)
    enough_T = seconds_T >= heart.MIN_WINDOW_COVERAGE * heart.WATCH_WINDOW_S
    rate_T = Series(torch.where(enough_T, 60.0 * beats_T / seconds_T.clamp(min=1e-3), 0.0), enough_T)
    return _bridged(rate_T, torch.tensor(heart.MAX_GAP_S / HEART_RATE_STEP_S))


def device_rate(rate_T: Series) -> Series:
    """A device's own rate, each value at the middle of its step, with the gaps between its reports bridged.

    Beyond the first and last report nothing is held: how far they reach, whoever put them into steps has said.
    """
    _, next_T = neighbours(rate_T.known)
    n = rate_T.known.shape[0]
    here_T = torch.arange(n)
    following_T = torch.cat([next_T[1:], torch.full((1,), n)])
    apart_T = Series((following_T - here_T).to(torch.float32), rate_T.known & (following_T < n))
    usual = quantiles(apart_T, (0.5,))[0]
    step_s = HEART_RATE_STEP_S
    gap = (heart.USUAL_STEPS_BRIDGED * usual).clamp(heart.MAX_GAP_S / step_s, heart.MAX_GAP_OF_SLOW_DEVICE_S / step_s)
    return _bridged(rate_T, gap)


def _bridged(rate_T: Series, gap: Tensor) -> Series:
    """Straight lines between known steps at most `gap` apart."""
    before_T, after_T = neighbours(rate_T.known)
    between_T = (before_T >= 0) & (after_T < rate_T.known.shape[0])
    between_T = between_T & ((after_T - before_T).to(torch.float32) <= gap)
    return Series(interpolated(rate_T), torch.ones_like(rate_T.known)).only(between_T)
