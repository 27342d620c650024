"""Skin temperature at 4 Hz -> epoch means and wear, in the graph: what `staging.temperature` computes.

Axes: S epoch, T sample of an epoch, N 10-s block, K sample of a block, R known block and F fall, in order, W place in a
window.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.frontend.ops import Series, box_max, box_sum, positions, quantiles, ratio, windows
from staging import temperature
from staging.raw import RAW_CHANNELS
from staging.recording import EPOCH_S

__all__ = ["TEMP_RATE_HZ", "Temperature"]

TEMP_RATE_HZ = round(RAW_CHANNELS["temp"].rate_hz)
SAMPLES = TEMP_RATE_HZ * int(EPOCH_S)
BLOCK = round(temperature.SPIKE_BLOCK_S * TEMP_RATE_HZ)


class Temperature(nn.Module):
    """Mean cleaned temperature of every epoch, and where the sensor was not on a body."""

    def forward(self, temp_ST: Tensor, known_ST: Tensor) -> tuple[Series, Tensor]:
        """Degrees ``(S,)``, and bool ``(S,)`` where it was not worn.

        Parameters
        ----------
        temp_ST : Tensor
            °C, shape ``(S, 120)``; any finite number where it is not known.
        known_ST : Tensor
            bool, of the same shape.
        """
        low, high = temperature.PLAUSIBLE_C
        known_ST = known_ST & (temp_ST >= low) & (temp_ST <= high)
        known_ST = known_ST & self.near_its_level(temp_ST.reshape(-1, BLOCK), known_ST.reshape(-1, BLOCK))
        count_S = known_ST.to(torch.float32).sum(1)
        level_S = ratio(torch.where(known_ST, temp_ST, 0.0).sum(1), count_S)
        mean_S = Series(level_S, torch.ones_like(known_ST[:, 0])).only(count_S >= SAMPLES / 2)
        return mean_S, self.not_worn(mean_S)

    def near_its_level(self, blocks_NK: Tensor, known_NK: Tensor) -> Tensor:
        """Samples within 1 °C of the running median of the medians of 10 s, bool ``(S, 120)``."""
        ordered_NK = torch.where(known_NK, blocks_NK, torch.inf).sort(1).values
        count_N = known_NK.to(torch.int64).sum(1)
        middle_N2 = torch.stack([(count_N - 1).clamp(min=0) // 2, (count_N // 2).clamp(max=BLOCK - 1)], dim=1)
        there_N = count_N > 0
        median_N = torch.where(there_N, ordered_NK.gather(1, middle_N2).mean(1), 0.0)

        # The running median is that of the known blocks, however far apart they are.
        place_R, n_known = positions(there_N)
        last = (n_known - 1).clamp(min=0)
        rank_R = torch.arange(place_R.shape[0])
        half = temperature.SPIKE_BLOCKS // 2
        around_RW = rank_R[:, None] + torch.arange(-half, half + 1)
        around_RW = torch.minimum(around_RW.clamp(min=0), last)
        known_median_R = median_N.gather(0, place_R)
        level_R = known_median_R.gather(0, around_RW.flatten()).reshape(around_RW.shape).sort(1).values[:, half]

        # Each sample may agree with the level before, at or after it: a true step lies between two levels.
        rank_N = there_N.to(torch.int64).cumsum(0) - there_N.to(torch.int64)
        rank_N = torch.minimum(rank_N, last)
        ranks = ((rank_N - 1).clamp(min=0), rank_N, torch.minimum(rank_N + 1, last))
        levels_3N = torch.stack([level_R.gather(0, rank) for rank in ranks])
        low_N1 = (levels_3N.amin(0) - temperature.MAX_SPIKE_C)[:, None]
        high_N1 = (levels_3N.amax(0) + temperature.MAX_SPIKE_C)[:, None]
        return ((blocks_NK >= low_N1) & (blocks_NK <= high_N1)).reshape(-1, SAMPLES)

    def not_worn(self, mean_S: Series) -> Tensor:
        """Epochs too cold for a body, and those of a fall that no body makes; see `staging.temperature.wear`."""
        width = temperature.SLOPE_WINDOW
        half = width // 2
        slope_S = self.slope_c_per_min(mean_S)
        falls_S = slope_S <= temperature.FALL_C_PER_MIN
        begins_S = falls_S & ~torch.cat([torch.zeros_like(falls_S[:1]), falls_S[:-1]])
        filled_S = torch.where(mean_S.known, mean_S.values, -torch.inf)

        # Rows are the falls, of which there are few, and columns the epochs. Epoch 0 has a row of its own, whether a
        # fall begins there or not: there is never no row.
        place_F = torch.cat([torch.zeros(1, dtype=torch.int64), begins_S.nonzero()[:, 0]])
        level_F1 = box_max(filled_S, half, width - 1).gather(0, place_F)[:, None]
        offset_W = torch.arange(-half, width)
        about_FW = nn.functional.pad(filled_S, (half, width - 1), value=-torch.inf)[place_F[:, None] + half + offset_W]
        near_top_FW = about_FW >= level_F1 - temperature.LEVEL_C
        here_S = torch.arange(filled_S.shape[0])
        first_F1 = place_F[:, None] + torch.where(near_top_FW, offset_W, -half).amax(1, keepdim=True) + 1
        after_FS = here_S >= first_F1
        back_FS = ((slope_S >= temperature.RISE_C_PER_MIN) | (filled_S >= level_F1)) & after_FS
        stop_F1 = torch.where(back_FS, here_S, filled_S.shape[0]).amin(1, keepdim=True)
        fallen_FS = after_FS & (here_S < stop_F1)
        lowest_F1 = torch.where(fallen_FS & mean_S.known, mean_S.values, torch.inf).amin(1, keepdim=True)
        taken_off_F1 = (lowest_F1 < temperature.COOL_C) & (level_F1 - lowest_F1 >= temperature.MIN_FALL_C)
        taken_off_F1 = taken_off_F1 & begins_S.gather(0, place_F)[:, None]
        off_S = (fallen_FS & taken_off_F1).any(0)
        return mean_S.known & (off_S | (mean_S.values < temperature.COLD_C))

    def slope_c_per_min(self, mean_S: Series) -> Tensor:
        """Slope by least squares over the 5 min around every epoch; 0 where too little is known."""
        width = temperature.SLOPE_WINDOW
        half = width // 2
        middle = quantiles(mean_S, (0.5,))
        centred_S = torch.where(mean_S.known, mean_S.values - middle, 0.0)
        there_S = mean_S.known.to(torch.float32)
        place_W = torch.arange(-half, half + 1).to(torch.float32)
        count_S, level_S = (box_sum(row, half, half) for row in (there_S, centred_S))
        first_S = windows(there_S, half, half) @ place_W
        second_S = windows(there_S, half, half) @ place_W.square()
        moment_S = windows(centred_S, half, half) @ place_W
        spread_S = (count_S * second_S - first_S.square()).clamp(min=1.0)
        slope_S = (count_S * moment_S - first_S * level_S) / spread_S * (60.0 / EPOCH_S)
        return torch.where(count_S > half, slope_S, 0.0)
