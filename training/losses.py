"""What a night would look like had less of it been recorded: to tell what lost data cost.

Heart rate of a watch is lost in two ways: single reports that the device did not believe, and stretches in which the
watch sat loose. Counts are lost in stretches, when a device restarts or its memory is full.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from staging.recording import EPOCH_S
from staging.tracks import HEART_RATE_STEP_S
from training.night import LabelledNight

__all__ = ["LOSSES", "Loss", "lose"]

BURST_S = 300.0
SHARES = (0.2, 0.4, 0.6, 0.8)

_TRACKS = {"heart": ("heart_rate_bpm",), "motion": ("counts", "gravity_g")}


@dataclass(frozen=True, kw_only=True)
class Loss:
    """Which track loses how much.

    Attributes
    ----------
    track : str
        ``"heart"`` or ``"motion"``; counts and posture are lost together.
    share : float
        Of the night, 0 to 1.
    piece_s : float
        What is lost at a time.
    """

    track: str
    share: float
    piece_s: float


LOSSES: dict[str, Loss] = {
    f"{track} {share:.0%} lost, {how}": Loss(track=track, share=share, piece_s=piece_s)
    for track, how, piece_s in (
        ("heart", "5 s here and there", HEART_RATE_STEP_S),
        ("heart", "5 min at a time", BURST_S),
        ("motion", "5 min at a time", BURST_S),
    )
    for share in SHARES
}
"""Losses that are told with every evaluation."""


def lose(night: LabelledNight, loss: Loss) -> LabelledNight:
    """The night without a share of one track; the same pieces whenever the same night is asked for.

    Parameters
    ----------
    night : LabelledNight
        Left as it is.
    loss : Loss
        What to take away.

    Returns
    -------
    LabelledNight
    """
    tracks = night.tracks
    # The pieces follow from the night alone, and those of a smaller loss are among those of a larger one.
    rng = np.random.default_rng(int(night.digest(), 16))
    duration_s = tracks.n_epochs * EPOCH_S
    order = rng.permutation(int(np.ceil(duration_s / loss.piece_s)))
    lost = np.zeros(len(order), dtype=bool)
    lost[order[: round(loss.share * len(order))]] = True

    def without(values: NDArray[np.float32]) -> NDArray[np.float32]:
        step_s = duration_s / len(values)
        piece = (np.arange(len(values)) * step_s / loss.piece_s).astype(int)
        return np.where(lost[piece].reshape(-1, *[1] * (values.ndim - 1)), np.float32(np.nan), values)

    changed = {name: without(getattr(tracks, name)) for name in _TRACKS[loss.track]}
    return dataclasses.replace(night, tracks=dataclasses.replace(tracks, **changed))
