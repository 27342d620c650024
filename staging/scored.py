"""One scored recording: all that the files, the report and the screen are made from, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from staging.architecture import Interval, SleepArchitecture
from staging.hypnogram import Hypnogram, Stage
from staging.tracks import SENSORS, Tracks
from staging.wording import NightClock

__all__ = ["HEADLINES", "ROWS", "SENSOR_NAMES", "STAGE_METRICS", "STAGE_NAMES", "ModelIdentity", "ScoredNight"]

SENSOR_NAMES: Mapping[str, str] = {"heart": "heart rate", "motion": "movement", "temperature": "skin temperature"}
"""What people call the keys of `staging.tracks.SENSORS`."""

STAGE_NAMES: Mapping[Stage, str] = {
    Stage.W: "Wake",
    Stage.R: "REM",
    Stage.N1: "N1",
    Stage.N2: "N2",
    Stage.N3: "N3",
    Stage.LIGHT: "Light",
    Stage.DEEP: "Deep",
    Stage.NREM: "NREM",
    Stage.S: "Sleep",
}
"""What people call the stages."""

ROWS: Mapping[int, tuple[Stage, ...]] = {
    5: (Stage.W, Stage.R, Stage.N1, Stage.N2, Stage.N3),
    4: (Stage.W, Stage.R, Stage.LIGHT, Stage.DEEP),
    3: (Stage.W, Stage.R, Stage.NREM),
    2: (Stage.W, Stage.S),
}
"""Rows of a drawn hypnogram by number of classes, from the top: REM above the NREM stages, as the field draws it."""

STAGE_METRICS: Mapping[Stage, tuple[str, str | None]] = {
    Stage.W: ("w_min", None),
    Stage.R: ("r_min", "r_pct"),
    Stage.N1: ("n1_min", "n1_pct"),
    Stage.N2: ("n2_min", "n2_pct"),
    Stage.N3: ("n3_min", "n3_pct"),
    Stage.LIGHT: ("light_min", "light_pct"),
    Stage.DEEP: ("n3_min", "n3_pct"),
    Stage.NREM: ("nrem_min", "nrem_pct"),
    Stage.S: ("tst_min", None),
}
"""Metrics that hold a stage's minutes and its share of total sleep time; wake has no such share."""

HEADLINES: tuple[tuple[str, str], ...] = (
    ("tst_min", "Total sleep time"),
    ("se_pct", "Sleep efficiency"),
    ("sol_min", "Sleep onset latency"),
    ("waso_min", "Wake after sleep onset"),
    ("rem_latency_min", "REM latency"),
)
"""The metrics that are shown first, and what people call them."""

LOW_CONFIDENCE = 0.5
"""An epoch whose likeliest stage has less than this probability is an unsure one."""


@dataclass(frozen=True, kw_only=True)
class ModelIdentity:
    """Which model staged: its name, version and the headline figures of its card."""

    name: str
    version: str
    headline: str = ""
    file: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


@dataclass(frozen=True, kw_only=True, eq=False)
class ScoredNight:
    """A recording's tracks, its stages, its metrics, and the model that staged it.

    Attributes
    ----------
    name : str
        What its files are called.
    tracks : Tracks
        What was staged.
    hypnogram : Hypnogram
        Its stages, of as many epochs as the tracks.
    architecture : SleepArchitecture
        Its metrics.
    model : ModelIdentity
        Which model staged it.
    intervals : mapping of str to Interval, optional
        What each metric may be, by the model's calibrated posterior; None where the model has none.
    lights_found : bool
        Lights times are a sleep's ends as they were found in days of recording, and nobody gave them.
    """

    name: str
    tracks: Tracks
    hypnogram: Hypnogram
    architecture: SleepArchitecture
    model: ModelIdentity
    intervals: Mapping[str, Interval] | None = None
    lights_found: bool = False

    @property
    def simulated(self) -> bool:
        """No person slept this night: its device says so."""
        return "simulated" in self.tracks.device.casefold()

    @property
    def file_name(self) -> str:
        """Name of the recording's file or folder, without the folders above it."""
        return Path(self.tracks.source).name or self.tracks.source or self.name

    @property
    def clock(self) -> NightClock:
        """The night's times as people read them."""
        return NightClock.of(self.hypnogram)

    @property
    def lights_known(self) -> bool:
        """Both lights-off and lights-on were given; otherwise time in bed begins or ends with the recording."""
        return self.hypnogram.lights_off_s is not None and self.hypnogram.lights_on_s is not None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was mended or doubted, once each."""
        return tuple(dict.fromkeys((*self.tracks.warnings, *self.hypnogram.warnings)))

    def timed_warnings(self) -> tuple[str, ...]:
        """The warnings with the times of the epochs that they name, for people."""
        return tuple(self.clock.with_times(warning, self.hypnogram.epoch_s) for warning in self.warnings)

    def coverage_pct(self) -> dict[str, float]:
        """Share of the night that each sensor usefully covers, in percent, keys `SENSORS`."""
        return {
            sensor: float(100.0 * self.hypnogram.coverage[sensor].mean()) if sensor in self.hypnogram.coverage else 0.0
            for sensor in SENSORS
        }

    def confidence(self) -> NDArray[np.float32]:
        """Probability of the stage that was given to each epoch, float32 ``(S,)``; NaN where UNSCORED."""
        if self.hypnogram.probabilities is None:
            return np.full(len(self.hypnogram), np.nan, np.float32)
        codes = self.hypnogram.indices()
        chosen = self.hypnogram.probabilities[np.arange(len(codes)), np.maximum(codes, 0)]
        return np.where(codes >= 0, chosen, np.nan).astype(np.float32)

    def mean_confidence(self) -> float | None:
        """Mean of `confidence` over the scored epochs; None where there are none."""
        known = self.confidence()
        known = known[np.isfinite(known)]
        return float(known.mean()) if known.size else None

    def unsure_share(self) -> float | None:
        """Share of the scored epochs whose stage has a probability below one half; None where there are none."""
        known = self.confidence()
        known = known[np.isfinite(known)]
        return float((known < LOW_CONFIDENCE).mean()) if known.size else None

    def unscored_epochs(self) -> int:
        """Number of epochs that could not be scored."""
        return int((self.hypnogram.stages == Stage.UNSCORED).sum())
