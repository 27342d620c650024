"""A recording's file -> a scored night: the whole way in one function, with a word about each step."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from zoneinfo import ZoneInfo

from staging.architecture import Interval, metric_intervals, summarize
from staging.hypnogram import Hypnogram
from staging.model import load_model
from staging.readers import read
from staging.scored import ModelIdentity, ScoredNight
from staging.stager import stage
from staging.tracks import prepare
from staging.when import LightsTime, resolve_lights

__all__ = ["intervals_of", "model_identity", "score_file"]


def model_identity(path: str | None = None) -> ModelIdentity:
    """Which model a path, or the package by default, stages with.

    Raises
    ------
    ModelError
        If the file cannot be used.
    """
    spec = load_model(path).spec
    return ModelIdentity(name=spec.name, version=spec.version, headline=spec.headline)


def intervals_of(hypnogram: Hypnogram, *, model: str | None = None) -> dict[str, Interval] | None:
    """What each metric of a night may be, by the calibrated posterior of the model that staged it.

    Parameters
    ----------
    hypnogram : Hypnogram
        As the model staged it, with its probabilities.
    model : str, optional
        The model's file; the shipped model otherwise.

    Returns
    -------
    dict of str to Interval, or None
        None where the model was never calibrated, or the night has no probabilities.

    Raises
    ------
    ModelError
        If the file cannot be used.
    """
    posterior = load_model(model).posteriors.get(hypnogram.n_classes)
    if posterior is None or hypnogram.probabilities is None:
        return None
    return metric_intervals(hypnogram, posterior=posterior)


def score_file(
    path: str | os.PathLike[str],
    *,
    name: str = "",
    format: str | None = None,
    channels: Mapping[str, str] | None = None,
    recorder: str | None = None,
    n_classes: int = 5,
    model: str | None = None,
    lights_off: LightsTime | None = None,
    lights_on: LightsTime | None = None,
    zone: ZoneInfo | None = None,
    say: Callable[[str], None] = lambda step: None,
) -> ScoredNight:
    """Read, stage and summarise one recording.

    Parameters
    ----------
    path : path
        The recording.
    name : str
        What its results are called.
    format : str, optional
        Name of the format, where it is not to be told from the content.
    channels : mapping of str to str, optional
        Channel to its name in the file, as `staging.readers.read` takes them.
    recorder : str, optional
        Whose records to read from an export of several devices.
    n_classes : int
        5, 4, 3 or 2.
    model : str, optional
        A model file; the shipped model otherwise.
    lights_off, lights_on : LightsTime, optional
        In place of the recording's own.
    zone : ZoneInfo, optional
        Zone in which times are shown; the recording's own otherwise.
    say : callable
        Is told each step before it begins.

    Returns
    -------
    ScoredNight
        The night.

    Raises
    ------
    StagingError
        If the recording, an option or the model cannot be used.
    """
    say("reading")
    recording = read(path, format=format, channels=channels, recorder=recorder)
    if zone is not None and recording.start is not None:
        recording = recording.replace(start=recording.start.astimezone(zone))
    off_s, on_s = resolve_lights(
        lights_off,
        lights_on,
        start=recording.start,
        end_s=recording.end_s,
        known=(recording.lights_off_s, recording.lights_on_s),
        where=recording.source or os.fspath(path),
    )
    recording = recording.replace(lights_off_s=off_s, lights_on_s=on_s)
    say("finding heart beats and movement")
    tracks = prepare(recording)
    del recording  # raw signals are the bulk of the memory
    say("staging")
    hypnogram = stage(tracks, model=model, n_classes=n_classes)
    say("summarising")
    architecture = summarize(hypnogram)
    return ScoredNight(
        name=name,
        tracks=tracks,
        hypnogram=hypnogram,
        architecture=architecture,
        model=model_identity(model),
        intervals=intervals_of(hypnogram, model=model),
    )
