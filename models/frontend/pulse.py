"""PPG at 64 Hz -> heart rate, in the graph: what `staging.pulse` and `staging.heart` compute from it.

Every step is one of `staging.pulse`, under its name and with its numbers; only the filter is another form of the same
thing, its impulse response instead of its recursion. Sums are of windows, and times are a whole number of samples and a
part of one: nothing loses digits over a night.

Axes: L sample of the night at 64 Hz, P sample at the working rate of 32 Hz, B 5-s block, Q second, K sample of a
second, H 2-s hop of the rhythm, F 10-s frame, C candidate peak, W pulse wave or beat, T 5-s step.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from models.frontend.heart import rate_of_beats
from models.frontend.ops import Series, every, interpolated, neighbours, positions, quantiles, runs_of
from staging import pulse
from staging.heart import IBI_RANGE_S
from staging.raw import RAW_CHANNELS
from staging.recording import Signal
from staging.tracks import HEART_RATE_STEP_S

__all__ = ["PPG_RATE_HZ", "Pulse"]

PPG_RATE_HZ = round(RAW_CHANNELS["ppg"].rate_hz)
FACTOR = int(PPG_RATE_HZ // pulse.WORKING_RATE_HZ)
RATE_HZ = PPG_RATE_HZ // FACTOR
START_SAMPLES = (FACTOR - 1) / 2 / FACTOR
"""Working rate; its first sample lies so much of a sample behind second 0."""

BLOCK = round(pulse.PULSE_REACH_S * RATE_HZ)
COARSE = int(RATE_HZ // pulse.RHYTHM_RATE_HZ)
COARSE_HZ = RATE_HZ // COARSE
HOP = int(pulse.RHYTHM_HOP_S * COARSE_HZ)
WIDTH = int(pulse.RHYTHM_WINDOW_S * COARSE_HZ)
FIRST_LAG = int(pulse.RHYTHM_RANGE_S[0] * COARSE_HZ)
LAST_LAG = int(pulse.RHYTHM_RANGE_S[1] * COARSE_HZ) + 1
HOP_SAMPLES = HOP * COARSE
FRAME = int(pulse.POLARITY_FRAME_S * RATE_HZ)

LONGEST_RISE = 7
"""An upstroke of up to two to the power of this samples is halved down to one."""


class Pulse(nn.Module):
    """Heart-rate track of a night's PPG."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("response", torch.from_numpy(_response()))
        there, back = _autocorrelation()
        self.register_buffer("to_spectrum", torch.from_numpy(there))
        self.register_buffer("to_correlation", torch.from_numpy(back))
        steps = _window_steps()
        lengths = [_samples(pulse.BEAT_WINDOW_S * pulse.BEAT_WINDOW_STEP**step) for step in steps]
        self.first_step = steps[0]
        self.register_buffer("window_lengths", torch.tensor(lengths))
        self.longest = max(lengths)
        # Sums of what lies before each place, as a product: a cumulative sum would be several times slower.
        within = RATE_HZ + 2 * (self.longest // 2)
        self.register_buffer("until", torch.ones(within, within + 1).triu(1))

    def forward(self, ppg_L: Tensor, known_L: Tensor) -> Series:
        """Watch-like heart rate at 5-s steps, bpm.

        Parameters
        ----------
        ppg_L : Tensor
            Any unit, at 64 Hz from second 0, whole epochs; 0 where it is not known.
        known_L : Tensor
            bool, of the same shape.
        """
        raw_P = self.averaged_down(self.without_spikes_and_flats(Series(ppg_L, known_L)))
        # Short gaps are read across, and what lies in longer ones is nothing.
        known_P = ~runs_of(~raw_P.known, int(pulse.BRIDGE_S * RATE_HZ) + 1)
        pulse_P = torch.where(known_P, self.band_pass(raw_P), 0.0)
        pulse_P = pulse_P * self.inverse_size(pulse_P, known_P)
        distance_H = self.rhythm(pulse_P)
        pulse_P = torch.where(self.upside_down(pulse_P, distance_H), -pulse_P, pulse_P)

        peak_W = self.peaks(pulse_P, distance_H)
        missing_P = nn.functional.pad((~known_P).cumsum(0, dtype=torch.int32), (1, 0))
        place_W, part_W = self.upstrokes(pulse_P, missing_P, peak_W)
        return self.heart_rate(pulse_P, missing_P, place_W, part_W)

    def without_spikes_and_flats(self, ppg_L: Series) -> Series:
        """Spikes of one sample are their neighbours' mean; flat runs are not known."""
        values_L, known_L = ppg_L
        same_L = (values_L[1:] == values_L[:-1]) & known_L[1:] & known_L[:-1]
        flat_L = runs_of(same_L, math.ceil(pulse.FLAT_S * PPG_RATE_HZ) - 1)
        none = torch.zeros_like(known_L[:1])
        known_L = known_L & ~torch.cat([flat_L, none]) & ~torch.cat([none, flat_L])

        between_L = (values_L[2:] + values_L[:-2]) / 2
        whole_L = known_L[2:] & known_L[1:-1] & known_L[:-2]
        bend_L = torch.where(whole_L, (values_L[1:-1] - between_L).abs(), 0.0)
        limit = self.usual_bend(bend_L)
        # Few bends are sharp: the rest is looked at where they are.
        sharp_C = ((bend_L > pulse.SPIKE_BENDS * limit) & (limit > 0)).nonzero()[:, 0]
        before_C, after_C = (sharp_C - 1).clamp(min=0), (sharp_C + 1).clamp(max=bend_L.shape[0] - 1)
        beside_C = torch.maximum(bend_L.gather(0, before_C), bend_L.gather(0, after_C))
        spike_C = sharp_C[(bend_L.gather(0, sharp_C) > pulse.SPIKE_ALONE * beside_C).nonzero()[:, 0]]
        return Series(values_L.scatter(0, spike_C + 1, between_L.gather(0, spike_C)), known_L)

    def usual_bend(self, bend_L: Tensor) -> Tensor:
        """What 95 % of the bends stay below, shape ``(1,)``."""
        n = bend_L.shape[0]
        stride = torch.full((1,), n).div(pulse.SPIKE_SAMPLES, rounding_mode="floor").clamp(min=1)
        place = torch.arange(2 * pulse.SPIKE_SAMPLES) * stride
        some = bend_L.gather(0, place.clamp(max=n - 1))
        return quantiles(Series(some, (place < n) & (some > 0)), (pulse.SPIKE_PERCENTILE / 100,))

    def averaged_down(self, ppg_L: Series) -> Series:
        """Means of the samples that become one at the working rate."""
        known_P = every(ppg_L.known.reshape(-1, FACTOR))
        return Series(ppg_L.values.reshape(-1, FACTOR).mean(1), known_P).only(known_P)

    def band_pass(self, raw_P: Series) -> Tensor:
        """0.5-5 Hz, straight lines across what is missing; the ends are mirrored through their last value."""
        filled_P = interpolated(raw_P)
        blocks_BP = filled_P.reshape(-1, BLOCK)
        before_P = 2 * filled_P[:1] - filled_P[1 : BLOCK + 1].flip(0)
        after_P = 2 * filled_P[-1:] - filled_P[-BLOCK - 1 : -1].flip(0)
        held_BP = torch.cat([before_P[None], blocks_BP, after_P[None]])
        around_BP = torch.cat([held_BP[:-2], blocks_BP, held_BP[2:]], dim=1)
        # What is large and constant in a PPG would drown the pulse in single precision.
        around_BP = around_BP - blocks_BP.mean(1, keepdim=True)
        enough = raw_P.known.to(torch.float32).sum() >= RATE_HZ
        return (around_BP @ self.response).flatten() * enough

    def inverse_size(self, pulse_P: Tensor, known_P: Tensor) -> Tensor:
        """One over the local size of the pulse; 0 where there is none."""
        seconds_QK = pulse_P.reshape(-1, RATE_HZ)
        count_Q = known_P.reshape(-1, RATE_HZ).to(torch.float32).sum(1)
        filled_Q = count_Q >= RATE_HZ / 2
        rms_Q = (seconds_QK.square().sum(1) / count_Q.clamp(min=1.0)).sqrt()
        # The running lower quartile is that of the filled seconds, however far apart they are.
        place_Q, n_filled = positions(filled_Q)
        last = (n_filled - 1).clamp(min=0)
        rank_Q = torch.arange(place_Q.shape[0])
        half = pulse.SIZE_WINDOW // 2
        around = torch.minimum((rank_Q[:, None] + torch.arange(-half, half + 1)).clamp(min=0), last)
        filled_rms_Q = rms_Q.gather(0, place_Q)
        order = pulse.SIZE_WINDOW * pulse.SIZE_PERCENTILE // 100
        smallest = filled_rms_Q.gather(0, around.flatten()).reshape(around.shape).topk(order + 1, largest=False)
        size_Q = smallest.values[:, order]
        positive = Series(size_Q, (rank_Q < n_filled) & (size_Q > 0))
        size_Q = torch.maximum(size_Q, pulse.MIN_SIZE_SHARE * quantiles(positive, (0.5,)))

        # Straight lines from each second's begin to its end; sizes stand in the middle of the filled seconds.
        before_Q, after_Q = neighbours(filled_Q)
        n = place_Q.shape[0]
        left = torch.cat([torch.full((1,), -1), before_Q])
        right = torch.cat([after_Q, torch.full((1,), n)])
        left, right = torch.where(left < 0, right, left), torch.where(right >= n, left, right)
        left, right = left.clamp(0, n - 1), right.clamp(0, n - 1)
        rank = (filled_Q.to(torch.int64).cumsum(0) - 1).clamp(min=0)
        size_at_second_Q = size_Q.gather(0, rank)
        at_left, at_right = size_at_second_Q.gather(0, left), size_at_second_Q.gather(0, right)
        since_left = torch.arange(n + 1).to(torch.float32) - 0.5 - left.to(torch.float32)
        share = (since_left / (right - left).clamp(min=1).to(torch.float32)).clamp(0.0, 1.0)
        at_begin = at_left + share * (at_right - at_left)
        within_K = torch.arange(RATE_HZ).to(torch.float32) / RATE_HZ
        size_QK = at_begin[:-1, None] + (at_begin[1:] - at_begin[:-1])[:, None] * within_K
        return torch.where(positive.known.any() & (size_QK > 0), 1.0 / size_QK, 0.0).flatten()

    def rhythm(self, pulse_P: Tensor) -> Series:
        """Local distance of the beats in s, every 2 s."""
        coarse = pulse_P.reshape(-1, COARSE).mean(1).clamp(-pulse.MAX_SIZE / 2, pulse.MAX_SIZE / 2)
        hops = nn.functional.pad(coarse, (WIDTH // 2, WIDTH)).reshape(-1, HOP)
        n = coarse.shape[0] // HOP + 2
        frames_HK = torch.cat([hops[part : part + n] for part in range(WIDTH // HOP)], dim=1)
        spectrum_H = (frames_HK - frames_HK.mean(1, keepdim=True)) @ self.to_spectrum
        power_H = spectrum_H.square()
        correlation_H = power_H @ self.to_correlation
        none_H1 = correlation_H[:, :1]
        correlation_H = torch.where(none_H1 > 0, correlation_H / none_H1, 0.0)
        before, here, after = (correlation_H[:, FIRST_LAG + by : LAST_LAG + by] for by in (-1, 0, 1))
        peaks = torch.where((here >= before) & (here > after), here, -1.0)
        highest_H = peaks.amax(1)
        lag_H = (peaks >= pulse.RHYTHM_FIRST_SHARE * highest_H[:, None]).to(torch.int32).argmax(1)
        steady_H = highest_H > pulse.RHYTHM_MIN_CORRELATION
        distance_H = (lag_H + FIRST_LAG).to(torch.float32) / COARSE_HZ
        before_H, after_H = neighbours(steady_H)
        here_H = torch.arange(steady_H.shape[0])
        reach = WIDTH // 2 // HOP
        near_H = ((before_H >= 0) & (here_H - before_H <= reach)) | ((after_H < n) & (after_H - here_H <= reach))
        return Series(interpolated(Series(torch.where(steady_H, distance_H, 0.0), steady_H)), near_H)

    def upside_down(self, pulse_P: Tensor, distance_H: Series) -> Tensor:
        """Whether the pulse falls faster than it rises, and its trough is narrower than its crest."""
        frames = pulse_P.reshape(-1, FRAME)
        middle = (torch.arange(frames.shape[0]) * FRAME + FRAME // 2 + HOP_SAMPLES // 2) // HOP_SAMPLES
        in_rhythm = distance_H.known.gather(0, middle)
        step = _samples(pulse.SLOPE_WINDOW_S)
        asymmetry = _skewness(frames) + _skewness(frames[:, step:] - frames[:, :-step])
        return quantiles(Series(asymmetry, in_rhythm | ~in_rhythm.any()), (0.5,)) < 0

    def peaks(self, pulse_P: Tensor, distance_H: Series) -> Tensor:
        """Sample of the highest point of every pulse wave."""
        energy_QK = pulse_P.clamp(0.0, pulse.MAX_SIZE).square().reshape(-1, RATE_HZ)
        side = self.longest // 2
        edge_Q = torch.zeros_like(energy_QK[:1])
        held_QK = torch.cat([edge_Q, energy_QK, edge_Q])
        around_QK = torch.cat([held_QK[:-2, -side:], energy_QK, held_QK[2:, :side]], dim=1)
        until_QK = around_QK @ self.until

        # The hop nearest to a second's samples is the one that begins a second before it or with it.
        wanted_H = pulse.BEAT_WINDOW_S * torch.where(distance_H.known, distance_H.values, 1.0)
        wanted_H = wanted_H.clamp(*pulse.BEAT_WINDOW_RANGE_S)
        step_H = ((wanted_H / pulse.BEAT_WINDOW_S).log() / math.log(pulse.BEAT_WINDOW_STEP)).round().to(torch.int64)
        length_H = self.window_lengths.gather(0, step_H - self.first_step)
        seconds = energy_QK.shape[0]
        length_Q1 = length_H.repeat_interleave(HOP_SAMPLES // RATE_HZ)[1 : seconds + 1, None]
        first_QK = torch.arange(side, side + RATE_HZ) - length_Q1 // 2
        long_QK = until_QK.gather(1, first_QK + length_Q1) - until_QK.gather(1, first_QK)
        short = _samples(pulse.PEAK_WINDOW_S)
        first = side - short // 2
        short_QK = until_QK[:, first + short : first + short + RATE_HZ] - until_QK[:, first : first + RATE_HZ]
        above_QK = short_QK / short > long_QK / length_Q1.to(torch.float32) + pulse.THRESHOLD

        wave_P = runs_of(above_QK.flatten(), short)
        height_P = torch.where(wave_P, pulse_P, -torch.inf)
        beyond = torch.full((1,), -torch.inf)
        before_P, after_P = torch.cat([beyond, height_P[:-1]]), torch.cat([height_P[1:], beyond])
        # A wave's highest sample is one of its local maxima: a few candidates, not a third of the night.
        candidate_C = (wave_P & (height_P >= before_P) & (height_P >= after_P)).nonzero()[:, 0]
        begins_P = wave_P & ~torch.cat([torch.zeros_like(wave_P[:1]), wave_P[:-1]])
        wave_C = begins_P.cumsum(0, dtype=torch.int32).gather(0, candidate_C).to(torch.int64)
        height_C = pulse_P.gather(0, candidate_C)
        highest = torch.full_like(torch.cat([beyond, height_C]), -torch.inf).scatter_reduce(0, wave_C, height_C, "amax")
        top_C = height_C == highest.gather(0, wave_C)
        order_C = torch.where(top_C, -torch.arange(1, candidate_C.shape[0] + 1).to(torch.float32), -torch.inf)
        first = torch.full_like(highest, -torch.inf).scatter_reduce(0, wave_C, order_C, "amax")
        peak_W = candidate_C.gather(0, (top_C & (order_C == first.gather(0, wave_C))).nonzero()[:, 0])
        return self.thinned(pulse_P, distance_H, peak_W)

    def thinned(self, pulse_P: Tensor, distance_H: Series, peak_W: Tensor) -> Tensor:
        """Peaks without the lower ones of those too near to each other."""
        hop_W = ((peak_W + HOP_SAMPLES // 2) // HOP_SAMPLES).clamp(max=distance_H.values.shape[0] - 1)
        share_W = pulse.REFRACTORY_SHARE * distance_H.values.gather(0, hop_W)
        apart_W = torch.where(distance_H.known.gather(0, hop_W), share_W, pulse.REFRACTORY_S) * RATE_HZ
        height_W = pulse_P.gather(0, peak_W)
        no, far, low = torch.zeros(1, dtype=torch.bool), torch.full((1,), -(2**40)), torch.full((1,), -torch.inf)
        for _ in range(pulse.THINNING_ROUNDS):
            since_W = (peak_W - torch.cat([far, peak_W])[:-1]).to(torch.float32)
            before_W = since_W < torch.minimum(apart_W, torch.cat([low, apart_W])[:-1])
            after_W = torch.cat([before_W, no])[1:]
            lower_W = before_W & (torch.cat([low, height_W])[:-1] >= height_W)
            top_W = ~lower_W & ~(after_W & (torch.cat([height_W, low])[1:] > height_W))
            beside_W = (before_W & torch.cat([no, top_W])[:-1]) | (after_W & torch.cat([top_W, no])[1:])
            kept = (top_W | ~beside_W).nonzero()[:, 0]
            peak_W, apart_W, height_W = (row.gather(0, kept) for row in (peak_W, apart_W, height_W))
        return peak_W

    def upstrokes(self, pulse_P: Tensor, missing_P: Tensor, peak_W: Tensor) -> tuple[Tensor, Tensor]:
        """Where the upstroke before every peak is half way up: sample, and part of a sample behind it (to 1)."""
        slope_P = pulse_P[1:] - pulse_P[:-1]
        n = slope_P.shape[0]
        none = torch.zeros(1, dtype=torch.bool)
        trough_P = torch.cat([none, (slope_P[:-1] <= 0) & (slope_P[1:] > 0)])
        crest_P = torch.cat([none, (slope_P[:-1] > 0) & (slope_P[1:] <= 0)])
        about = torch.arange(-_samples(pulse.UPSTROKE_S), _samples(pulse.AFTER_PEAK_S) + 1)
        earliest_W1 = torch.cat([torch.zeros(1, dtype=torch.int64), peak_W])[:-1, None]
        near_W = torch.maximum(peak_W[:, None] + about, earliest_W1).clamp(max=n - 1)
        slope_W = slope_P.gather(0, near_W.flatten()).reshape(-1, about.shape[0])
        steepest_W = near_W.gather(1, slope_W.argmax(1, keepdim=True))[:, 0]

        foot_rank_W = trough_P.cumsum(0, dtype=torch.int32).gather(0, steepest_W).to(torch.int64)
        top_rank_W = crest_P.cumsum(0, dtype=torch.int32).gather(0, steepest_W).to(torch.int64)
        # Row r of the troughs is the r-th; the crest after the r-th is row r.
        troughs = torch.cat([torch.full((1,), -1), trough_P.nonzero()[:, 0]])
        crests = torch.cat([crest_P.nonzero()[:, 0], torch.full((1,), -1)])
        foot_W, top_W = troughs.gather(0, foot_rank_W), crests.gather(0, top_rank_W)
        rises_W = (slope_P.gather(0, steepest_W) > 0) & (foot_W >= 0) & (top_W >= 0)
        place = rises_W.nonzero()[:, 0]
        foot_W, top_W = foot_W.gather(0, place), top_W.gather(0, place)
        other_W = foot_W != torch.cat([torch.full((1,), -1), foot_W])[:-1]
        whole_W = missing_P.gather(0, top_W + 1) == missing_P.gather(0, foot_W)
        place = (other_W & whole_W & (top_W > foot_W)).nonzero()[:, 0]
        foot_W, top_W = foot_W.gather(0, place), top_W.gather(0, place)

        # Between foot and top the pulse only rises: half the height is found by halving.
        half_W = (pulse_P.gather(0, foot_W) + pulse_P.gather(0, top_W)) / 2
        for _ in range(LONGEST_RISE):
            middle_W = (foot_W + top_W) // 2
            under_W = pulse_P.gather(0, middle_W) < half_W
            foot_W, top_W = torch.where(under_W, middle_W, foot_W), torch.where(under_W, top_W, middle_W)
        at_foot_W = pulse_P.gather(0, foot_W)
        return foot_W, (half_W - at_foot_W) / (pulse_P.gather(0, top_W) - at_foot_W)

    def heart_rate(self, pulse_P: Tensor, missing_P: Tensor, place_W: Tensor, part_W: Tensor) -> Series:
        """Heart rate from the intervals between beats that look like pulses."""
        # The last beat once more behind it: an interval of no length, and nothing is ever empty.
        place_W = torch.cat([place_W, torch.cat([torch.zeros(1, dtype=torch.int64), place_W])[-1:]])
        part_W = torch.cat([part_W, torch.cat([torch.zeros_like(pulse_P[:1]), part_W])[-1:]])
        good_W = self.shape_correlation(pulse_P, missing_P, place_W, part_W) >= pulse.MIN_SHAPE_CORRELATION
        length_W = (place_W[1:] - place_W[:-1]).to(torch.float32) + (part_W[1:] - part_W[:-1])
        low, high = (limit * RATE_HZ for limit in IBI_RANGE_S)
        fits_W = good_W[1:] & good_W[:-1] & (length_W >= low) & (length_W <= high)
        # The first interval has none before it, the last none after it: those are compared with themselves.
        none, most = torch.zeros_like(pulse_P[:1]), pulse.MAX_INTERVAL_RATIO
        for other_W in (torch.cat([none, length_W])[:-1], torch.cat([length_W, none])[1:]):
            other_W = torch.where(other_W > 0, other_W, length_W)
            fits_W = fits_W & (length_W <= most * other_W) & (other_W <= most * length_W)
        n_steps = pulse_P.shape[0] // round(HEART_RATE_STEP_S * RATE_HZ)
        return rate_of_beats(place_W[:-1], part_W[:-1] + START_SAMPLES, length_W, fits_W, float(RATE_HZ), n_steps)

    def shape_correlation(self, pulse_P: Tensor, missing_P: Tensor, place_W: Tensor, part_W: Tensor) -> Tensor:
        """Correlation of each beat's shape with the mean shape of the beats around it."""
        begin, end = (at * RATE_HZ for at in pulse.SHAPE_S)
        n_samples = math.ceil(end - begin) + 1
        last = pulse_P.shape[0] - 1
        moved_W = part_W + (begin - math.floor(begin))
        whole_W = moved_W.floor()
        index_W = (place_W + math.floor(begin) + whole_W.to(torch.int64)).clamp(-n_samples, last)
        part_W = moved_W - whole_W
        rows = torch.arange(n_samples + 1)[:, None]
        taken = pulse_P.gather(0, (index_W + rows).clamp(0, last).flatten()).reshape(n_samples + 1, -1)
        shapes = _unit(taken[:-1] * (1 - part_W) + taken[1:] * part_W)
        first_W, behind_W = index_W.clamp(min=0), (index_W + n_samples).clamp(0, last) + 1
        shapes = shapes * (missing_P.gather(0, behind_W) == missing_P.gather(0, first_W))
        typical = _unit(_sum_of_neighbours(shapes))
        # A second mean leaves out what does not resemble the first.
        like_W = (shapes * typical).sum(0) > pulse.MIN_FIRST_CORRELATION
        typical = _unit(_sum_of_neighbours(shapes * like_W))
        return (shapes * typical).sum(0)


def _samples(seconds: float) -> int:
    """Whole samples at the working rate."""
    return max(1, round(seconds * RATE_HZ))


def _window_steps() -> range:
    """Steps that a threshold's window may be longer than that for beats 1 s apart."""
    low, high = (
        round(math.log(limit / pulse.BEAT_WINDOW_S) / math.log(pulse.BEAT_WINDOW_STEP))
        for limit in pulse.BEAT_WINDOW_RANGE_S
    )
    return range(low, high + 1)


def _skewness(frames: Tensor) -> Tensor:
    """Skewness of each row, 0 for a constant one."""
    centred = frames - frames.mean(1, keepdim=True)
    square = centred.square()
    variance = square.mean(1)
    cube = (square * centred).mean(1)
    return torch.where(variance > 0, cube / (variance * variance.sqrt()), 0.0)


def _unit(shapes: Tensor) -> Tensor:
    """Columns about their mean, of length 1; zeros for a constant one."""
    centred = shapes - shapes.mean(0)
    length = centred.square().sum(0).sqrt()
    return torch.where(length > 0, centred / length, 0.0)


def _sum_of_neighbours(shapes: Tensor) -> Tensor:
    """Sum over the beats around each beat, the first and last repeated beyond the ends."""
    half = pulse.SHAPE_BEATS // 2
    held = torch.cat([shapes[:, :1].expand(-1, half), shapes, shapes[:, -1:].expand(-1, half)], dim=1)
    n, total, begin = shapes.shape[1], torch.zeros_like(shapes), 0
    # Sums of 1, 2, 4, ... columns, each from the one before it; their widths add up to the window's.
    power, width = held, 1
    while width <= pulse.SHAPE_BEATS:
        if pulse.SHAPE_BEATS & width:
            total = total + power[:, begin : begin + n]
            begin += width
        power, width = power[:, width:] + power[:, :-width], 2 * width
    return total


def _response() -> np.ndarray:
    """What a block and its neighbours give in the block, float32 ``(3 * BLOCK, BLOCK)``."""
    impulse = np.zeros(20 * BLOCK)
    middle = impulse.size // 2
    impulse[middle] = 1.0
    answer = pulse.band_pass(Signal(samples=impulse, rate_hz=float(RATE_HZ), unit="a.u.")).samples
    given, made = np.arange(3 * BLOCK)[:, None], np.arange(BLOCK)
    since = BLOCK + made - given
    response = np.where(np.abs(since) <= BLOCK, answer[middle + since], 0.0)
    # What does not change is no pulse, whatever the cut ends of the response leave of it.
    return np.asarray(response - response.mean(axis=0), dtype=np.float32)


def _autocorrelation() -> tuple[np.ndarray, np.ndarray]:
    """Matrices to the spectrum of a frame, and from its power to the unbiased autocorrelation up to the last lag."""
    n_points = WIDTH + LAST_LAG + 1  # only the lags that are looked at must be free of what wraps around
    cycles = np.arange(n_points // 2 + 1)
    angle = 2 * np.pi * np.outer(np.arange(WIDTH), cycles) / n_points
    weight = np.where((cycles == 0) | (2 * cycles == n_points), 1.0, 2.0) / n_points
    lag = np.arange(LAST_LAG + 1)
    back = weight[:, None] * np.cos(2 * np.pi * np.outer(cycles, lag) / n_points) / (1 - lag / WIDTH)
    there = np.concatenate([np.cos(angle), np.sin(angle)], axis=1)
    return there.astype(np.float32), np.concatenate([back, back]).astype(np.float32)
