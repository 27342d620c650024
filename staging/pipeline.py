"""A recording's file -> a scored night, or nights: the whole way in one function, with a word about each step."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence
from zoneinfo import ZoneInfo

import numpy as np

from staging.architecture import Interval, metric_intervals, summarize
from staging.days import Days, Sleep, ZoneFrom, cut, is_many_days, local_clock, main_sleeps, night_window, survey
from staging.days.calibration import NO_ACCELERATION
from staging.days.diary import DiaryNight, DiaryPlace, diary_sleeps, diary_zones, nightly_lights
from staging.errors import InputError, RecordingError
from staging.hypnogram import Hypnogram
from staging.model import load_model
from staging.readers import read
from staging.recording import EPOCH_S, Recording
from staging.scored import ModelIdentity, ScoredNight
from staging.scored_days import ScoredDays, night_labels
from staging.stager import stage
from staging.tracks import Tracks, prepare
from staging.when import LightsTime, resolve_lights
from staging.wording import NightClock

__all__ = ["intervals_of", "model_identity", "score_days", "score_file", "score_recording"]


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
    """Read, stage and summarise one recording as one night, however long it is.

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
        Zone in which times are shown, and that of a clock without one; the recording's own otherwise.
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
    night = score_recording(
        path,
        name=name,
        format=format,
        channels=channels,
        recorder=recorder,
        n_classes=n_classes,
        model=model,
        lights_off=lights_off,
        lights_on=lights_on,
        zone=zone,
        whole=True,
        say=say,
    )
    assert isinstance(night, ScoredNight)
    return night


def _placed(
    recording: Recording, zone: ZoneInfo | None, lights_off: LightsTime | None, lights_on: LightsTime | None, path: str
) -> Recording:
    """The recording in the zone and with the lights times that the user gave."""
    if zone is not None:
        recording = recording.in_zone(zone)
    off_s, on_s = resolve_lights(
        lights_off,
        lights_on,
        start=recording.start,
        end_s=recording.end_s,
        known=(recording.lights_off_s, recording.lights_on_s),
        where=recording.source or path,
    )
    return recording.replace(lights_off_s=off_s, lights_on_s=on_s)


def _scored(
    tracks: Tracks,
    *,
    name: str,
    n_classes: int,
    model: str | None,
    say: Callable[[str], None],
    with_intervals: bool = True,
) -> ScoredNight:
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
        intervals=intervals_of(hypnogram, model=model) if with_intervals else None,
    )


def score_recording(
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
    diary: tuple[str, Sequence[DiaryNight | DiaryPlace]] | None = None,
    whole: bool | None = None,
    say: Callable[[str], None] = lambda step: None,
) -> ScoredNight | ScoredDays:
    """Read and score a recording of any length: as one night, or as the nights that are found in it.

    Parameters
    ----------
    path, name, format, channels, recorder, n_classes, model, lights_off, lights_on, zone, say
        As `score_file` takes them. In a recording of days, lights times of day hold for every night.
    diary : (str, sequence of DiaryNight or DiaryPlace), optional
        A diary's file and its rows; the recording is then searched for nights whatever its length.
    whole : bool, optional
        True stages the recording as one night; False searches it for nights. By default those longer than 18 h are
        searched.

    Returns
    -------
    ScoredNight or ScoredDays

    Raises
    ------
    StagingError
        If the recording, an option or the model cannot be used.
    """
    say("reading")
    recording = read(path, format=format, channels=channels, recorder=recorder)
    if whole or (whole is None and diary is None and not is_many_days(recording)):
        recording = _placed(recording, zone, lights_off, lights_on, os.fspath(path))
        say("finding heart beats and movement")
        tracks = prepare(recording)
        del recording  # raw signals are the bulk of the memory
        return _scored(tracks, name=name, n_classes=n_classes, model=model, say=say)
    if zone is not None:
        recording = recording.in_zone(zone)
    given = _given_sleeps(recording, lights_off, lights_on, diary, name)
    zones = _zones(recording, diary, name)
    return score_days(recording, name=name, given=given, zones=zones, n_classes=n_classes, model=model, say=say)


def score_days(
    recording: Recording,
    *,
    name: str = "",
    given: Sequence[Sleep] = (),
    zones: Sequence[ZoneFrom] = (),
    n_classes: int = 5,
    model: str | None = None,
    say: Callable[[str], None] = lambda step: None,
) -> ScoredDays:
    """Find the nights and naps of a recording of days, and stage and summarise each as if it had been recorded alone.

    Parameters
    ----------
    recording : Recording
        Of days.
    name : str
        What its results are called.
    given : sequence of Sleep
        Nights that are known; what is found is used for the others.
    zones : sequence of ZoneFrom
        Where the wearer was, in order of time; each night is shown in its zone.
    n_classes : int
        5, 4, 3 or 2.
    model : str, optional
        A model file; the shipped model otherwise.
    say : callable
        Is told each step before it begins.

    Returns
    -------
    ScoredDays

    Raises
    ------
    RecordingError
        If there is nothing to find sleep in, no night, or none that can be staged.
    """
    say("looking for nights")
    days = survey(recording)
    sleeps = main_sleeps([*given, *days.sleeps])
    wanted = [sleep for sleep in sleeps if sleep.kind == "night"]
    where = recording.source or name or "recording"
    if not wanted:
        mend = "give --diary or lights times, or score it as one night with --whole"
        raise RecordingError(where, f"no sleep of three hours was found in {days.n_epochs / 120:.1f} h", mend)
    nights: list[ScoredNight] = []
    staged: list[Sleep] = []
    unstaged: list[tuple[Sleep, str]] = []
    for number, (label, sleep) in enumerate(zip(night_labels(days.clock, wanted, zones), wanted, strict=True), start=1):
        try:
            tracks = _night_tracks(recording, days, sleep, sleeps, zones)
            night = _scored(
                tracks,
                name=f"{name}.{label}",
                n_classes=n_classes,
                model=model,
                say=lambda step, number=number: say(f"night {number} of {len(wanted)}: {step}"),  # type: ignore[misc]
            )
        except RecordingError as error:
            unstaged.append((sleep, error.problem))
        else:
            nights.append(dataclasses.replace(night, lights_found=sleep.source == "found"))
            staged.append(sleep)
    if not nights:
        raise RecordingError(where, f"none of its {len(wanted)} nights can be staged: {unstaged[0][1]}")
    say("naps")
    naps = _scored_naps(recording, days, sleeps, zones, name=name, n_classes=n_classes, model=model)
    return ScoredDays(
        name=name,
        days=days,
        sleeps=sleeps,
        nights=tuple(nights),
        night_sleeps=tuple(staged),
        unstaged=tuple(unstaged),
        model=model_identity(model),
        source=recording.source,
        device=recording.device,
        subject=recording.subject,
        warnings=(*recording.warnings, *_days_warnings(days, sleeps, unstaged, zones)),
        zones=tuple(zones),
        naps=tuple(nap for _, nap in naps),
        nap_sleeps=tuple(sleep for sleep, _ in naps),
    )


def _given_sleeps(
    recording: Recording,
    lights_off: LightsTime | None,
    lights_on: LightsTime | None,
    diary: tuple[str, Sequence[DiaryNight | DiaryPlace]] | None,
    name: str,
) -> list[Sleep]:
    """Nights that a diary, the command line or the recording's own file tells; of several, the first of these."""
    end_s = recording.end_s
    if (lights_off is None) != (lights_on is None):
        problem = "only one of both was given for a recording of many days"
        raise InputError("--lights-off, --lights-on", problem, "give both, or score it as one night with --whole")
    if diary is not None:
        where, nights = diary
        names = (recording.subject, name)
        return diary_sleeps(nights, start=recording.start, end_s=end_s, names=names, where=where)
    if lights_off is not None and lights_on is not None:
        return nightly_lights(lights_off, lights_on, start=recording.start, end_s=end_s)
    if recording.lights_off_s is not None and recording.lights_on_s is not None:
        return [Sleep(begin_s=recording.lights_off_s, end_s=recording.lights_on_s, source="lights")]
    return []


def _scored_naps(
    recording: Recording,
    days: Days,
    sleeps: Sequence[Sleep],
    zones: Sequence[ZoneFrom],
    *,
    name: str,
    n_classes: int,
    model: str | None,
) -> list[tuple[Sleep, ScoredNight]]:
    """The naps that can be staged; the others, of which too little was recorded, are listed all the same."""
    naps: list[tuple[Sleep, ScoredNight]] = []
    for number, sleep in enumerate((sleep for sleep in sleeps if sleep.kind == "nap"), start=1):
        with contextlib.suppress(RecordingError):
            nap = _scored(
                _night_tracks(recording, days, sleep, sleeps, zones),
                name=f"{name}.nap-{number}",
                n_classes=n_classes,
                model=model,
                say=lambda _: None,
                with_intervals=False,  # how sure the metrics are was measured on nights
            )
            naps.append((sleep, nap))
    return naps


def _zones(
    recording: Recording, diary: tuple[str, Sequence[DiaryNight | DiaryPlace]] | None, name: str
) -> tuple[ZoneFrom, ...]:
    """Where the wearer was, as a diary says."""
    if diary is None:
        return ()
    where, nights = diary
    zones = diary_zones(nights, start=recording.start, names=(recording.subject, name), where=where)
    if zones and recording.wall_clock:
        problem = f"has zones, and nobody knows that of the clock of {recording.source or 'the recording'}"
        raise InputError(where, problem, "say with --timezone in which zone the device was set")
    return zones


def _night_tracks(
    recording: Recording, days: Days, sleep: Sleep, sleeps: Sequence[Sleep], zones: Sequence[ZoneFrom]
) -> Tracks:
    """The tracks of one night on the clock of its place, with the sleep's ends as lights times."""
    first, stop = night_window(sleep, sleeps, days.n_epochs)
    part = cut(recording, first, stop, calibration=days.calibration)
    there = local_clock(days.clock, zones, sleep.begin_s).start
    if part.start is not None and there is not None:
        part = part.replace(start=part.start.astimezone(there.tzinfo))
    off_s, on_s = (at_s - first * EPOCH_S for at_s in (sleep.begin_s, sleep.end_s))
    # The last heart rate may stand for a little more than the window.
    epochs = np.minimum(np.arange(first, first + part.n_epochs), days.n_epochs - 1)
    tracks = prepare(part.replace(lights_off_s=off_s, lights_on_s=on_s), worn=days.worn[epochs])
    if sleep.source != "found":
        return tracks
    clock = NightClock(part.start, part.end_s)
    said = f"time in bed, {clock.text(off_s)}-{clock.text(on_s)}, was found from {days.found_by} and not given"
    return dataclasses.replace(tracks, warnings=(said, *tracks.warnings))


def _days_warnings(
    days: Days, sleeps: Sequence[Sleep], unstaged: Sequence[tuple[Sleep, str]], zones: Sequence[ZoneFrom]
) -> list[str]:
    """What a user should know of the days, with their times."""

    def there(at_s: float) -> str:
        return local_clock(days.clock, zones, at_s).date_text(at_s)

    lines = []
    if days.found_by != "movement" and any(sleep.source == "found" for sleep in sleeps):
        lines.append(f"nights were found from {days.found_by} alone: their ends may be off by an hour")
    lines += [f"{there(sleep.begin_s)}: a night could not be staged: {reason}" for sleep, reason in unstaged]
    if days.calibration.error_before_g is not None or days.calibration.problem != NO_ACCELERATION:
        lines.append(days.calibration.text())
    off = days.off_spans_s()
    if len(off):
        longest = off[(off[:, 1] - off[:, 0]).argmax()]
        hours = float((off[:, 1] - off[:, 0]).sum()) / 3600
        lines.append(f"not worn for {hours:.1f} h in all, the longest from {there(longest[0])} to {there(longest[1])}")
    return lines
