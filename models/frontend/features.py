"""Tracks -> the model's inputs, in the graph: what `staging.features.extract` computes.

Axes: S epoch, T 5-s step (six an epoch), N 15-s bin (two an epoch), K steps or bins of an epoch, X axis of the sensor,
F feature.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.frontend.ops import Series, box_max, box_sum, neighbours, quantiles, ratio, windows
from models.frontend.posture import turned_deg
from staging.features import MOVING_FLOOR, RESTING_BPM, FeatureSpec
from staging.recording import EPOCH_S
from staging.tracks import COUNTS_BIN_S, HEART_RATE_STEP_S

__all__ = ["Features"]

STEPS = round(EPOCH_S / HEART_RATE_STEP_S)
BINS = round(EPOCH_S / COUNTS_BIN_S)


class Features(nn.Module):
    """Inputs of the network from the tracks of a night.

    Parameters
    ----------
    spec : FeatureSpec
        Of the network.
    """

    def __init__(self, spec: FeatureSpec) -> None:
        super().__init__()
        self.spec = spec

    def forward(
        self, heart_rate_T: Series, counts_N: Series, gravity_SX: Series, temperature_S: Series
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Features ``(S, F)``, series ``(4, T)`` and mask ``(S, 5)``, as in `staging.features.ModelInputs`."""
        heart, heart_known_S, relative_T = self._heart(heart_rate_T)
        motion, motion_known_S, log_counts_N = self._counts(counts_N)
        groups = [(heart, heart_known_S), (motion, motion_known_S), self._posture(gravity_SX)]
        groups.append(self._temperature(temperature_S))
        n_epochs = gravity_SX.values.shape[0]
        hours_S = (torch.arange(n_epochs).to(torch.float32) + 0.5) * (EPOCH_S / 3600.0)
        columns = [torch.where(known_S, column_S, 0.0) for column_SF, known_S in groups for column_S in column_SF]
        columns.append(hours_S / self.spec.clock_scale_h)
        mask = [*(known_S.to(torch.float32) for _, known_S in groups), torch.ones_like(hours_S)]
        held_T, held_known_T = (part.repeat_interleave(STEPS // BINS) for part in log_counts_N)
        series = [relative_T, heart_rate_T.known.to(torch.float32), held_T, held_known_T.to(torch.float32)]
        return torch.stack(columns, dim=1), torch.stack(series), torch.stack(mask, dim=1)

    def _heart(self, heart_rate_T: Series) -> tuple[list[Tensor], Tensor, Tensor]:
        """Columns of the heart, which epochs they are known in, and relative heart rate at 5-s steps."""
        spec = self.spec
        low, middle, high = quantiles(heart_rate_T, (0.25, 0.5, 0.75)).unbind()
        relative_T = torch.where(heart_rate_T.known, (heart_rate_T.values - middle) / spec.heart_scale_bpm, 0.0)
        relative_SK, known_SK = relative_T.reshape(-1, STEPS), heart_rate_T.known.reshape(-1, STEPS)
        weight_S, total_S = known_SK.to(torch.float32).sum(1), relative_SK.sum(1)
        in_night_S = weight_S > 0
        level_S = ratio(total_S, weight_S)
        night_range = (high - low).clamp(min=1.0) / spec.heart_scale_bpm

        means = [_window_mean(total_S, weight_S, width) for width in spec.heart_windows_epochs]
        # Squares are taken about the mean of their own window: those about zero would cancel in single precision.
        own_S = torch.where(known_SK, relative_SK - level_S[:, None], 0.0).square().sum(1)
        spreads = []
        for width in spec.spread_windows_epochs:
            mean_S1 = _window_mean(total_S, weight_S, width)[:, None]
            count_SW, level_SW, own_SW = (windows(row, width // 2, width // 2) for row in (weight_S, level_S, own_S))
            squares_S = (own_SW + count_SW * (level_SW - mean_S1).square()).sum(1)
            spread_S = ratio(squares_S, count_SW.sum(1)).sqrt() * spec.heart_scale_bpm
            spreads.append((spread_S + spec.spread_floor_bpm).log())

        window = spec.slope_window_epochs
        both_T = heart_rate_T.known[1:] & heart_rate_T.known[:-1]
        step_T = nn.functional.pad(torch.where(both_T, (relative_T[1:] - relative_T[:-1]).abs(), 0.0), (1, 0))
        step_known_T = nn.functional.pad(both_T.to(torch.float32), (1, 0))
        step_S = _window_mean(step_T.reshape(-1, STEPS).sum(1), step_known_T.reshape(-1, STEPS).sum(1), window)
        log_step_S = (step_S * spec.heart_scale_bpm + spec.step_floor_bpm).log()
        highest_S = torch.where(known_SK, relative_SK, -torch.inf).amax(1)
        peak_S = box_max(torch.where(in_night_S, highest_S, -10.0), window // 2, window // 2) - means[0]
        night_level = torch.where(in_night_S.any(), (middle - RESTING_BPM) / spec.heart_scale_bpm, 0.0)

        columns = [level_S, level_S / night_range, *means, *(level_S - mean for mean in means)]
        columns += [*spreads, *(spread - _mean_of(spread, in_night_S) for spread in spreads)]
        columns += [log_step_S, log_step_S - _mean_of(log_step_S, in_night_S), peak_S]
        columns += [_slope(total_S, weight_S, window), night_level.expand_as(level_S)]
        columns += [night_range.log().expand_as(level_S)]
        return columns, in_night_S, relative_T

    def _counts(self, counts_N: Series) -> tuple[list[Tensor], Tensor, Series]:
        """Columns of the counts, which epochs they are known in, and log counts in 15-s bins."""
        total_S = counts_N.values.reshape(-1, BINS).sum(1)
        weight_S = counts_N.known.reshape(-1, BINS).to(torch.float32).sum(1)
        in_night_S, moving_S = weight_S > 0, total_S > 0
        last_S, next_S = neighbours(moving_S)
        here_S = torch.arange(total_S.shape[0])
        share = _mean_of(moving_S.to(torch.float32), in_night_S)
        columns = [total_S.log1p(), *self._log_means(total_S, weight_S)]
        columns += [self._log_minutes(here_S - last_S), self._log_minutes(next_S - here_S)]
        columns += [(share + MOVING_FLOOR).log().expand_as(total_S)]
        return columns, in_night_S, Series(counts_N.values.log1p(), counts_N.known)

    def _posture(self, gravity_SX: Series) -> tuple[list[Tensor], Tensor]:
        change = _held(turned_deg(gravity_SX), gravity_SX.known[-1:, 0])
        total_S = change.values / self.spec.posture_unit_deg
        columns = [total_S.log1p(), *self._log_means(total_S, change.known.to(torch.float32))]
        if self.spec.posture_spans_epochs:
            columns += self._small_turns(gravity_SX, change)
        return columns, change.known

    def _small_turns(self, gravity_SX: Series, change: Series) -> list[Tensor]:
        spec = self.spec
        over_spans = [turned_deg(gravity_SX, span) for span in spec.posture_spans_epochs]
        turns = [torch.where(turn.known, turn.values, change.values) for turn in over_spans]
        small_S, weight_S = (change.values / spec.small_turn_deg).log1p(), change.known.to(torch.float32)
        means = [_window_mean(small_S, weight_S, width) for width in spec.motion_windows_epochs]
        night = _mean_of(small_S, change.known).expand_as(small_S)
        return [*((turn_S / spec.small_turn_deg).log1p() for turn_S in turns), *means, night]

    def _temperature(self, level_S: Series) -> tuple[list[Tensor], Tensor]:
        plateau = quantiles(level_S, (self.spec.temperature_quantile,))
        below_S = torch.where(level_S.known, level_S.values - plateau, 0.0)
        weight_S = level_S.known.to(torch.float32)
        columns = [below_S, _slope(below_S, weight_S, self.spec.slope_window_epochs)]
        columns += [_window_mean(below_S, weight_S, width) for width in self.spec.heart_windows_epochs]
        return columns, level_S.known

    def _log_means(self, total_S: Tensor, weight_S: Tensor) -> list[Tensor]:
        return [_window_mean(total_S, weight_S, width).log1p() for width in self.spec.motion_windows_epochs]

    def _log_minutes(self, epochs_S: Tensor) -> Tensor:
        minutes_S = epochs_S.to(torch.float32) * (EPOCH_S / 60.0)
        return minutes_S.clamp(max=self.spec.still_cap_min).log1p()


def _held(change: Series, here: Tensor) -> Series:
    """The last value again where nothing follows but gravity is known."""
    values = torch.cat([change.values[:-1], torch.where(here, change.values[-2:-1], 0.0)])
    return Series(values, torch.cat([change.known[:-1], here & change.known[-2:-1]]))


def _window_mean(total_S: Tensor, weight_S: Tensor, width: int) -> Tensor:
    """Mean over a centred window of an odd number of epochs."""
    return ratio(box_sum(total_S, width // 2, width // 2), box_sum(weight_S, width // 2, width // 2))


def _slope(total_S: Tensor, weight_S: Tensor, width: int) -> Tensor:
    """Mean of the window after each epoch less the mean of the window before it; 0 where either is unknown."""
    n = total_S.shape[0]

    def before_and_after(values_S: Tensor) -> tuple[Tensor, Tensor]:
        # Sums of the windows that end before each place from 0 to S + width.
        sums = box_sum(nn.functional.pad(values_S, (1, width)), width - 1, 0)
        return sums[:n], sums[width + 1 :]

    (total_before, total_after), (weight_before, weight_after) = (before_and_after(row) for row in (total_S, weight_S))
    difference_S = ratio(total_after, weight_after) - ratio(total_before, weight_before)
    return torch.where((weight_after > 0) & (weight_before > 0), difference_S, 0.0)


def _mean_of(values_S: Tensor, known_S: Tensor) -> Tensor:
    """Mean of the known ones; 0 without any."""
    weight_S = known_S.to(torch.float32)
    return ratio((values_S * weight_S).sum(), weight_S.sum())
