"""Simulated nights to train with.

The simulator's tables were measured on Sleep-Accel. What is scored on a subject must not have been learnt from that
subject, so its main tables (resting heart rate, each stage's distance from it, bursts of movement) are measured again
here, on the nights that training may see. The shape of the rest (lengths of bouts, surges, delays) keeps the
simulator's population means.
"""

from __future__ import annotations

import csv
import dataclasses
import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from staging.errors import InputError
from staging.hypnogram import CLASSES
from staging.recording import EPOCH_S
from staging.simulate import DEFAULT, Parameters, simulate_night, simulate_stages, simulate_tracks, with_out_of_bed
from staging.tracks import Tracks
from training.night import LabelledNight, ScoredRecording
from training.recipe import Recipe

__all__ = [
    "SIMULATED",
    "hypnogram_sources",
    "hypnograms_digest",
    "measured_parameters",
    "scored_hypnograms",
    "simulated_nights",
    "simulated_recordings",
]

SIMULATED = "simulated"
"""Name that simulated nights bear where a data set's would stand."""

STAGES = range(len(CLASSES[5]))
MIN_EPOCHS_OF_STAGE = 20
"""Epochs of a stage in a night below which its level says little."""

AWAKE_SHARE, AROUND_SHARE = 0.08, 0.25
"""Shares of recordings that are awake and about throughout, and of those with an evening or a morning about."""

LONGEST_NIGHT_EPOCHS = 1200
Hypnograms = list[NDArray[np.int64]]


def simulated_nights(
    nights: Sequence[LabelledNight], recipe: Recipe, *, seed: int, hypnograms: Path | None = None
) -> list[LabelledNight]:
    """Nights whose stages drive the heart rate and the movements as in the given real nights.

    Parameters
    ----------
    nights : sequence of LabelledNight
        Real nights that the simulator's tables are measured on.
    recipe : Recipe
        How many, and which share follows scored hypnograms.
    seed : int
        Everything random follows from it.
    hypnograms : path, optional
        Folder of scored hypnograms (see `scored_hypnograms`); without it all hypnograms are simulated.

    Returns
    -------
    list of LabelledNight
        Data set ``"simulated"``; heart rate and counts only.
    """
    parameters = measured_parameters(nights)
    scored = scored_hypnograms(hypnograms) if hypnograms is not None else []
    return [
        _night(np.random.default_rng((seed, number)), number, parameters, scored, recipe.scored_hypnograms)
        for number in range(recipe.simulated_nights)
    ]


def _night(
    rng: np.random.Generator, number: int, parameters: Parameters, scored: Hypnograms, share_scored: float
) -> LabelledNight:
    kind = rng.random()
    if kind < AWAKE_SHARE:
        stages, out_of_bed = with_out_of_bed([], before_epochs=int(rng.integers(60, 500)))
    else:
        if scored and rng.random() < share_scored:
            stages = scored[int(rng.integers(len(scored)))]
        else:
            stages = simulate_stages(rng, int(rng.integers(480, 1080)), parameters=parameters)
        around = kind < AWAKE_SHARE + AROUND_SHARE
        before, after = (int(rng.integers(240)), int(rng.integers(120))) if around else (0, 0)
        stages, out_of_bed = with_out_of_bed(stages, before_epochs=before, after_epochs=after)
    night = simulate_tracks(rng, stages, parameters, out_of_bed=out_of_bed)
    n = len(night.stages)
    missing = np.full(n, np.nan, np.float32)
    heart = np.isfinite(night.heart_rate_bpm).reshape(n, -1).mean(axis=1).astype(np.float32)
    tracks = Tracks(
        n_epochs=n,
        heart_rate_bpm=night.heart_rate_bpm,
        counts=night.counts,
        gravity_g=np.full((n, 3), np.nan, np.float32),
        temperature_c=missing,
        coverage={"heart": heart, "motion": np.ones(n, np.float32), "temperature": np.zeros(n, np.float32)},
        device="simulated watch",
    )
    return LabelledNight(dataset=SIMULATED, subject=f"simulated {number}", tracks=tracks, reference=night.stages)


def simulated_recordings(
    n_nights: int, *, seed: int, duration_h: tuple[float, float] = (6.0, 9.0), parameters: Parameters = DEFAULT
) -> Iterator[ScoredRecording]:
    """Simulated nights of a wristband with raw PPG, acceleration and skin temperature.

    They show that a network learns, and can add to real nights. No accuracy may be claimed on them.

    Parameters
    ----------
    n_nights : int
        How many, each of another person.
    seed : int
        Everything random follows from it.
    duration_h : (shortest, longest)
        Time in bed.
    parameters : staging.simulate.Parameters
        The simulator's numbers.

    Yields
    ------
    ScoredRecording
        Data set `SIMULATED`.
    """
    for number in range(n_nights):
        rng = np.random.default_rng((seed, number))
        night = simulate_night(
            int(rng.integers(2**62)), duration_h=float(rng.uniform(*duration_h)), parameters=parameters
        )
        yield ScoredRecording(
            dataset=SIMULATED, subject=f"simulated {number}", recording=night.recording, reference=night.reference
        )


def measured_parameters(nights: Sequence[LabelledNight], base: Parameters = DEFAULT) -> Parameters:
    """The simulator's parameters with its main tables measured on the given nights.

    Measured are the level of the resting heart rate, each stage's distance from it (mean and spread between people)
    and the rate of bursts of movement in each stage; what the nights do not show keeps the value of `base`.

    Parameters
    ----------
    nights : sequence of LabelledNight
        Healthy people's nights; those without counts say nothing of movement.
    base : Parameters
        Everything else.

    Returns
    -------
    staging.simulate.Parameters
        Those of `base` with the measured tables in place of its own.
    """
    medians: list[float] = []
    offsets: list[list[float]] = [[] for _ in STAGES]
    bursts, hours = np.zeros(len(STAGES)), np.zeros(len(STAGES))
    for night in nights:
        if not np.isfinite(night.tracks.counts).any():
            continue  # ECG of another population
        rate = night.tracks.heart_rate_bpm.reshape(night.tracks.n_epochs, -1)
        known = np.isfinite(rate).all(axis=1) & (night.reference >= 0)
        if known.sum() > MIN_EPOCHS_OF_STAGE:
            level = rate[known].mean(axis=1)
            medians.append(float(np.median(level)))
            for stage in STAGES:
                of_stage = level[night.reference[known] == stage]
                if of_stage.size >= MIN_EPOCHS_OF_STAGE:
                    offsets[stage].append(float(of_stage.mean()) - medians[-1])
        moving = np.nan_to_num(night.tracks.counts) > 0
        begins = (moving & ~np.roll(moving, 1)).reshape(night.tracks.n_epochs, -1).sum(axis=1)
        usable = np.isfinite(night.tracks.counts).reshape(night.tracks.n_epochs, -1).all(axis=1)
        for stage in STAGES:
            of_stage = usable & (night.reference == stage)
            bursts[stage] += begins[of_stage].sum()
            hours[stage] += of_stage.sum() * EPOCH_S / 3600.0
    heart, movement = base.heart, base.movement
    enough = len(medians) >= 5
    if enough:
        heart = dataclasses.replace(
            heart,
            resting_bpm=(float(np.mean(medians)), float(np.std(medians, ddof=1))),
            stage_offset_bpm=_by_stage(offsets, _mean, heart.stage_offset_bpm),
            stage_offset_sd_bpm=_by_stage(offsets, _sd, heart.stage_offset_sd_bpm),
        )
        rates = [bursts[s] / hours[s] if hours[s] > 1.0 else movement.bursts_per_h[s] for s in STAGES]
        movement = dataclasses.replace(movement, bursts_per_h=tuple(float(rate) for rate in rates))
    return dataclasses.replace(base, heart=heart, movement=movement)


def _mean(values: list[float]) -> float:
    return float(np.mean(values))


def _sd(values: list[float]) -> float:
    return float(np.std(values, ddof=1))


def _by_stage(
    values: Sequence[list[float]], statistic: Callable[[list[float]], float], otherwise: Sequence[float]
) -> tuple[float, ...]:
    """A statistic of each stage's values, or the old number where there are too few."""
    return tuple(
        float(statistic(of_stage)) if len(of_stage) >= 5 else fallback
        for of_stage, fallback in zip(values, otherwise, strict=True)
    )


class _HypnogramSet(NamedTuple):
    """Where scored hypnograms stand in a folder, one night a row, one character an epoch."""

    file: str
    column: int
    codes: str
    attribution: str


_HYPNOGRAM_SETS = (
    _HypnogramSet(
        "cinc2018/hypnograms.csv",
        3,
        "W123R",
        "Hypnograms of the PhysioNet/Computing in Cardiology Challenge 2018: Ghassemi et al. 2018, "
        "doi 10.22489/CinC.2018.049; ODC-By 1.0",
    ),
    _HypnogramSet(
        "boas/boas_hypnograms.csv",
        2,
        "01234",
        "Hypnograms of the Bitbrain Open Access Sleep data set: OpenNeuro ds005555; CC0",
    ),
)


def hypnogram_sources(folder: Path) -> list[str]:
    """Names, licences and citations of the sets of scored hypnograms in a folder.

    Raises
    ------
    InputError
        If there is none.
    """
    found = [source.attribution for source in _HYPNOGRAM_SETS if (folder / source.file).is_file()]
    if not found:
        files = " nor ".join(source.file for source in _HYPNOGRAM_SETS)
        raise InputError(folder, f"it holds neither {files}", "give the folder of scored hypnograms, or leave it out")
    return found


def hypnograms_digest(folder: Path) -> str:
    """Sixteen hexadecimal digits that tell the scored hypnograms of a folder from others."""
    content = hashlib.sha256()
    for source in _HYPNOGRAM_SETS:
        path = folder / source.file
        content.update(path.read_bytes() if path.is_file() else b"-")
    return content.hexdigest()[:16]


def scored_hypnograms(folder: Path) -> Hypnograms:
    """Real scored nights without body signals: the PhysioNet challenge 2018 and BOAS, where they are in the folder.

    Parameters
    ----------
    folder : path
        Holds ``cinc2018/hypnograms.csv`` (W 1 2 3 R U) or ``boas/boas_hypnograms.csv`` (0 W, 1 N1, 2 N2, 3 N3, 4 R,
        8 disconnected), or both.

    Returns
    -------
    list of ndarray of int64
        Indices into ``CLASSES[5]``, -1 where unscored; from the first to the last scored epoch; nights of 2.5 h or
        more that are scored in more than half.

    Raises
    ------
    InputError
        If a file is damaged, or has no such night.
    """
    nights: Hypnograms = []
    for source in _HYPNOGRAM_SETS:
        path = folder / source.file
        if not path.is_file():
            continue
        found = []
        try:
            rows = list(csv.reader(path.read_text(encoding="utf-8", errors="replace").splitlines()))[1:]
        except csv.Error as error:
            raise InputError(path, f"it cannot be read ({error})", "copy it from the data set again") from None
        for number, row in enumerate(rows, start=1):
            if row and len(row) <= source.column:
                problem = f"row {number} has {len(row)} columns, the stages are in column {source.column + 1}"
                raise InputError(path, problem, "copy it from the data set again")
            codes = row[source.column].strip() if row else ""
            stages = np.array([source.codes.find(code) for code in codes], dtype=np.int64)
            scored = np.flatnonzero(stages >= 0)
            if scored.size > max(300, stages.size / 2):
                found.append(stages[scored[0] : scored[-1] + 1][:LONGEST_NIGHT_EPOCHS])
        if not found:
            raise InputError(path, "no night in it is scored", "copy it from the data set again")
        nights += found
    return nights
