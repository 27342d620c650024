"""Acceleration at 32 Hz -> activity counts, posture, wear: `staging.motion` and `staging.posture` in the graph.

Axes: S epoch, T sample of an epoch, X axis of the sensor, L sample of the night, B 3-s block, Q second, N 15-s bin.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from models.frontend.ops import Series, any_near, box_max, box_sum, every, interpolated, neighbours, ratio, runs_of
from staging import motion
from staging.posture import MIN_GRAVITY_G
from staging.raw import RAW_CHANNELS
from staging.recording import EPOCH_S
from staging.tracks import COUNTS_BIN_S

__all__ = ["ACC_RATE_HZ", "Motion"]

ACC_RATE_HZ = round(RAW_CHANNELS["acc"].rate_hz)
SECONDS = int(EPOCH_S)
SAMPLES = ACC_RATE_HZ * SECONDS

BLOCK_S = 3
"""Length of a block of the convolution, and the least time that its filter reaches to each side: at 3 s the impulse
response has fallen to a 500,000th."""

RANGE_G = 16.0
"""Largest acceleration whose steps are looked at."""


class Motion(nn.Module):
    """Counts, posture and wear of a night.

    The filter of the counts and the change of rate before it are one matrix: what a block of 3 s and its neighbours at
    32 Hz give at 50 Hz. It is read off `staging.motion.counts_band`, which is linear.
    """

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("response", torch.from_numpy(_response()))
        # 50 samples of a second, each nearest to the sample at 32 Hz that it follows.
        held = np.zeros((ACC_RATE_HZ, int(motion.COUNTS_RATE_HZ)), np.float32)
        at = np.arange(held.shape[1])
        held[at * ACC_RATE_HZ // held.shape[1], at] = 1.0
        self.register_buffer("held", torch.from_numpy(held))

    def forward(self, acc_STX: Tensor, known_STX: Tensor) -> tuple[Series, Series, Tensor, Tensor, Tensor]:
        """Counts ``(N,)``, gravity ``(S, 3)``; and bool ``(S,)``: not worn, frozen, saturated.

        Parameters
        ----------
        acc_STX : Tensor
            g, shape ``(S, 960, 3)``; 0 where it is not known.
        known_STX : Tensor
            bool, of the same shape.
        """
        known_ST = every(known_STX)
        counts_N = self.counts(Series(acc_STX[:, :, 2].flatten(), known_STX[:, :, 2].flatten()))
        # Weighted sums as products of matrices: nothing of the samples' size is kept.
        weight_S1T = known_ST.to(torch.float32)[:, None]
        count_S1 = weight_S1T.sum(2)
        mean_SX = ratio((weight_S1T @ acc_STX)[:, 0], count_S1)
        recorded_S = count_S1[:, 0] >= SAMPLES / 2
        # Squares about the mean: those about zero would lose a few mg under 1 g in single precision.
        # The mean is written out for every sample first: a difference along rows of three is several times slower.
        around_STX = (acc_STX.flatten(1) - mean_SX.repeat(1, SAMPLES)).reshape(acc_STX.shape)
        variance_SX = ratio((weight_S1T @ around_STX.square())[:, 0], count_S1)
        step = self.step_g(acc_STX, known_ST)
        return (
            counts_N,
            self.gravity(acc_STX, known_ST),
            self.not_worn(recorded_S, mean_SX, variance_SX, step),
            self.frozen(acc_STX, known_ST, step),
            recorded_S & (mean_SX.square().sum(1) > motion.MAX_GRAVITY_G**2),
        )

    def counts(self, z_L: Series) -> Series:
        """Activity counts of the z axis (te Lindert & Van Someren)."""
        block = BLOCK_S * ACC_RATE_HZ
        blocks_BT = interpolated(z_L).reshape(-1, block)
        first_1T, last_1T = blocks_BT[:1, :1].expand(-1, block), blocks_BT[-1:, -1:].expand(-1, block)
        held_BT = torch.cat([first_1T, blocks_BT, last_1T])
        around_BT = torch.cat([held_BT[:-2], blocks_BT, held_BT[2:]], dim=1)
        band_QT = (around_BT @ self.response).reshape(-1, self.held.shape[1])

        bridged = int(motion.BRIDGE_S * ACC_RATE_HZ)
        guard = round(motion.GUARD_S * ACC_RATE_HZ)
        near_gap_L = any_near(runs_of(~z_L.known, bridged + 1), guard, guard)
        usable_QT = (~near_gap_L).reshape(-1, ACC_RATE_HZ).to(torch.float32) @ self.held
        peak_Q = (band_QT.abs() * usable_QT).amax(1)
        level_Q = (peak_Q * (motion.COUNTS_LEVELS / motion.COUNTS_RANGE_G)).floor() + 1.0
        used_Q = (usable_QT.mean(1) >= 0.5).to(torch.float32)
        level_Q = level_Q.clamp(max=float(motion.COUNTS_LEVELS)) * used_Q

        seconds = round(COUNTS_BIN_S)
        used_N = used_Q.reshape(-1, seconds).sum(1)
        per_15_s_N = ratio(level_Q.reshape(-1, seconds).sum(1), used_N) * motion.COUNTS_BIN_S
        counts_N = ((per_15_s_N - motion.COUNTS_OFFSET) * motion.COUNTS_GAIN).clamp(min=0.0)
        known_N = used_N >= seconds / 2
        return Series(torch.where(known_N, counts_N, 0.0), known_N)

    def gravity(self, acc_STX: Tensor, known_ST: Tensor) -> Series:
        """Mean acceleration of the first second of each epoch, ``(S, 3)``."""
        first_STX, weight_ST1 = acc_STX[:, :ACC_RATE_HZ], known_ST[:, :ACC_RATE_HZ].to(torch.float32)[:, :, None]
        count_S1 = weight_ST1.sum(1)
        gravity_SX = ratio((first_STX * weight_ST1).sum(1), count_S1)
        long_S = gravity_SX.square().sum(1).sqrt() >= MIN_GRAVITY_G
        known_SX = ((count_S1[:, 0] >= ACC_RATE_HZ / 2) & long_S)[:, None].repeat(1, 3)
        return Series(torch.where(known_SX, gravity_SX, 0.0), known_SX)

    def frozen(self, acc_STX: Tensor, known_ST: Tensor, step: Tensor) -> Tensor:
        """Epochs in which half of the samples stand in long runs of one value; see `staging.motion.frozen`."""
        acc_LX, known_L = acc_STX.flatten(0, 1), known_ST.flatten()
        same_L = every(acc_LX[1:] == acc_LX[:-1]) & known_L[1:] & known_L[:-1]
        same_L = torch.cat([torch.zeros_like(known_L[:1]), same_L])  # as the sample before it
        fine, coarse = (
            self.in_runs(same_L, max(motion.FROZEN_SAMPLES, round(length_s * ACC_RATE_HZ)))
            for length_s in (motion.FROZEN_S, motion.FROZEN_COARSE_S)
        )
        is_coarse = step >= motion.COARSE_STEP_G
        held_L = (is_coarse & coarse) | (~is_coarse & fine)
        return held_L.reshape(-1, SAMPLES).to(torch.float32).sum(1) >= SAMPLES / 2

    def in_runs(self, same_L: Tensor, n_samples: int) -> Tensor:
        """Samples of runs of so many that are alike: those as the one before them, and that one."""
        runs_L = runs_of(same_L, n_samples - 1)
        return runs_L | torch.cat([runs_L[1:], torch.zeros_like(runs_L[:1])])

    def not_worn(self, recorded_S: Tensor, mean_SX: Tensor, variance_SX: Tensor, step: Tensor) -> Tensor:
        """Epochs of an hour in which nothing moved; see `staging.motion.wear`."""
        width = int(motion.WEAR_WINDOW_S / EPOCH_S)
        highest_XS = box_max(torch.where(recorded_S, mean_SX.T, -torch.inf), 0, width - 1)
        lowest_XS = box_max(torch.where(recorded_S, -mean_SX.T, -torch.inf), 0, width - 1)
        spread_XS = box_max(torch.where(recorded_S, variance_SX.T, 0.0), 0, width - 1)
        limit = (motion.NON_WEAR_RANGE_STEPS * step).clamp(min=motion.NON_WEAR_RANGE_G)
        still_XS = (spread_XS < motion.NON_WEAR_SD_G**2) & (highest_XS + lowest_XS < limit)
        epochs_S = box_sum(recorded_S.to(torch.float32), 0, width - 1)
        n = recorded_S.shape[0]
        whole_S = torch.arange(n) <= n - width
        off_S = still_XS.all(0) & (epochs_S >= width / 2) & whole_S
        return recorded_S & any_near(off_S, width - 1, 0)

    def step_g(self, acc_STX: Tensor, known_ST: Tensor) -> Tensor:
        """Smallest step between values of the sensor."""
        acc_LX, known_L = acc_STX.flatten(0, 1), known_ST.flatten()
        n = known_L.shape[0]
        stride = torch.full((1,), n).div(motion.STEP_SAMPLES, rounding_mode="floor").clamp(min=1)
        place_I = torch.arange(2 * motion.STEP_SAMPLES) * stride
        inside_I = place_I < n
        place_I = torch.where(inside_I, place_I, 0)
        limit = round(RANGE_G / motion.STEP_UNIT_G)
        steps_IX = (acc_LX[place_I] / motion.STEP_UNIT_G).round().clamp(-limit, limit).to(torch.int64) + limit
        # Values that are not known share a place of their own, behind all others.
        steps_IX = torch.where((inside_I & known_L[place_I])[:, None], steps_IX, 2 * limit + 1)
        there = torch.zeros(2 * limit + 2).scatter(0, steps_IX.flatten(), 1.0)[:-1] > 0
        before, _ = neighbours(there)
        step = torch.arange(1, 2 * limit + 1) - before[:-1]
        step = torch.where(there[1:] & (before[:-1] >= 0), step, 2 * limit + 1).amin(0)
        return torch.where(step <= 2 * limit, step.to(torch.float32) * motion.STEP_UNIT_G, 0.0)


def _response() -> np.ndarray:
    """What a block and its neighbours at 32 Hz give at 50 Hz in the block, float32 ``(3 * 96, 150)``."""
    given, made = BLOCK_S * ACC_RATE_HZ, BLOCK_S * int(motion.COUNTS_RATE_HZ)
    around = 7  # blocks; the impulse lies in the middle one, far from ends that would be held
    response = np.zeros((3, given, made))
    for sample in range(given):
        impulse = np.zeros(around * given)
        impulse[around // 2 * given + sample] = 1.0
        answer = motion.counts_band(impulse, float(ACC_RATE_HZ), 0.0, around * BLOCK_S).reshape(around, made)
        # The block after the impulse's sees it in the block before, and the other way round.
        response[:, sample] = answer[around // 2 + 1], answer[around // 2], answer[around // 2 - 1]
    response = response.reshape(3 * given, made)
    # Gravity is no movement, whatever the cut ends of the response leave of it.
    return np.asarray(response - response.mean(axis=0), dtype=np.float32)
