"""Raw channels -> tracks, in the graph: what `staging.tracks.prepare` computes.

Axes: S epoch, X axis of the sensor, T 5-s step, N 15-s bin, G sensor (`staging.tracks.SENSORS`).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from models.frontend.heart import device_rate
from models.frontend.motion import Motion
from models.frontend.ops import Series, box_max
from models.frontend.posture import turned_deg
from models.frontend.pulse import Pulse
from models.frontend.temperature import Temperature
from staging import tracks
from staging.raw import RAW_CHANNELS

__all__ = ["GraphTracks", "RawTracks"]

CHANNELS = tuple(RAW_CHANNELS)
"""Channels of a recording, in the order of the columns that say what is present in an epoch."""


class GraphTracks(NamedTuple):
    """The tracks of a night, as in `staging.tracks.Tracks`, and the known share of every epoch by sensor ``(S, G)``."""

    heart_rate_T: Series
    counts_N: Series
    gravity_SX: Series
    temperature_S: Series
    coverage_SG: Tensor


class RawTracks(nn.Module):
    """Tracks from raw channels, each of which may be missing anywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.motion = Motion()
        self.pulse = Pulse()
        self.temperature = Temperature()

    def forward(
        self, acc: Tensor, ppg: Tensor, temp: Tensor, heart_rate: Tensor, counts: Tensor, present: Tensor
    ) -> GraphTracks:
        """Tracks of a night.

        Parameters
        ----------
        acc, ppg, temp, heart_rate, counts : Tensor
            An epoch a row: ``(S, 960, 3)`` in g, ``(S, 1920)`` in any unit, ``(S, 120)`` in °C, ``(S, 6)`` in bpm at
            the middle of each 5 s, ``(S, 2)`` counts of each 15 s. What is not finite is missing.
        present : Tensor
            ``(S, 5)``, columns as in `CHANNELS`: 0 where nothing of the channel in that epoch is to be used.
        """
        acc, ppg, temp, heart_rate, counts = (
            _read(rows, present[:, column]) for column, rows in enumerate((acc, ppg, temp, heart_rate, counts))
        )
        # What no device can mean is missing: a logarithm of it would be no number.
        heart_rate, counts = heart_rate.only(heart_rate.values > 0), counts.only(counts.values >= 0)
        n_epochs = present.shape[0]
        counts_N, gravity_SX, still_S, frozen_S, saturated_S = self.motion(*acc)
        temperature_S, cold_S = self.temperature(*temp)

        # Beats are taken where they cover half of the night, else what covers most of it.
        beats_T, device_T = self.pulse(*_flat(ppg)), device_rate(_flat(heart_rate))
        beats_share, device_share = (rate.known.to(torch.float32).mean() for rate in (beats_T, device_T))
        from_beats = (beats_share >= tracks.GOOD_COVERAGE) | (beats_share >= device_share)
        heart_rate_T = _either(from_beats, beats_T, device_T)
        pulse_S = (_share(heart_rate_T, n_epochs) > 0) & (from_beats | _alive(heart_rate_T, n_epochs))

        # Somebody with a pulse breathes: what does not change at all is no stillness of theirs. The held samples of a
        # sensor too slow for counts say nothing.
        given = (present[:, CHANNELS.index("counts")] > 0).any()
        stuck_S = ((saturated_S | (frozen_S & pulse_S)) & ~given).to(torch.float32)
        counts_N = counts_N.only((box_max(stuck_S, 1, 1) == 0).repeat_interleave(counts.values.shape[1]))
        gravity_SX = gravity_SX.only((box_max(stuck_S, 1, 0) == 0)[:, None])
        # A device's own counts where there are any, even if all of them are missing: the caller has said so.
        counts_N = _either(given, _flat(counts), counts_N)

        # Cold with a pulse is a thermometer that does not touch the skin, where it is so for most of the time.
        cold, with_pulse = (flags.to(torch.float32).sum() for flags in (cold_S, cold_S & pulse_S))
        untouched_S = cold_S & (with_pulse > cold / 2)
        temperature_S, cold_S = temperature_S.only(~untouched_S), cold_S & ~untouched_S

        # Stillness or cold without a pulse is a device on the table; with a pulse it is deep sleep, or a cold hand.
        worn_S = ~(still_S | cold_S) | pulse_S
        heart_rate_T = heart_rate_T.only(worn_S.repeat_interleave(heart_rate.values.shape[1]))
        counts_N = counts_N.only(worn_S.repeat_interleave(counts.values.shape[1]))
        gravity_SX, temperature_S = gravity_SX.only(worn_S[:, None]), temperature_S.only(worn_S)
        motion_share_S = torch.maximum(_share(counts_N, n_epochs), turned_deg(gravity_SX).known.to(torch.float32))
        shares = (_share(heart_rate_T, n_epochs), motion_share_S, _share(temperature_S, n_epochs))
        return GraphTracks(heart_rate_T, counts_N, gravity_SX, temperature_S, torch.stack(shares, dim=1))


def _read(rows: Tensor, present_S: Tensor) -> Series:
    """A channel's finite samples of the epochs in which it is present."""
    there_S = (present_S > 0).reshape(-1, *[1] * (rows.ndim - 1))
    known = (rows.abs() < torch.inf) & there_S
    return Series(torch.where(known, rows, 0.0), known)


def _flat(rows: Series) -> Series:
    return Series(rows.values.flatten(), rows.known.flatten())


def _either(first: Tensor, one: Series, other: Series) -> Series:
    """One track as a whole, or the other."""
    # onnxruntime has no Where of flags.
    known = (first & one.known) | (~first & other.known)
    return Series(torch.where(first, one.values, other.values), known)


def _share(track: Series, n_epochs: int) -> Tensor:
    """Known share of every epoch."""
    return track.known.reshape(n_epochs, -1).to(torch.float32).mean(1)


def _alive(rate_T: Series, n_epochs: int) -> Tensor:
    """Epochs about which a device's rate changes: many hold the last value when they lose the pulse."""
    rate_ST, known_ST = rate_T.values.reshape(n_epochs, -1), rate_T.known.reshape(n_epochs, -1)
    around = tracks.HELD_RATE_EPOCHS
    highest_S, below_lowest_S = (
        box_max(torch.where(known_ST, sign * rate_ST, -torch.inf).amax(1), around, around) for sign in (1.0, -1.0)
    )
    return highest_S + below_lowest_S >= tracks.MIN_RATE_CHANGE_BPM
