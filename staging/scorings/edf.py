"""EDF+ annotations: Sleep-EDF, HMC and whatever scoring programs write in this way.

Assumptions
-----------
- A stage is an annotation ``Sleep stage X`` with onset and duration. Rechtschaffen & Kales stages 3 and 4 are N3
  (AASM); movement time and ``?`` are UNSCORED.
- Epochs begin with the first of them. ``Lights off`` and ``Lights on`` annotations are taken where they are.
- The header's clock has no zone; it is lost unless a zone is given.
"""

from __future__ import annotations

import os
import warnings
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from staging.errors import FormatError, OutputError
from staging.files import write_atomically
from staging.hypnogram import Hypnogram, Stage
from staging.scorings.options import Options, located
from staging.scorings.segments import Segment, nights_of, numbered, resolution_of, tile

__all__ = ["TITLE", "read", "sniff", "write"]

TITLE = "EDF+ annotations (.edf)"

_PREFIX = "sleep stage "
_STAGES: dict[str, Stage] = {
    "1": Stage.N1,
    "2": Stage.N2,
    "3": Stage.N3,
    "4": Stage.N3,
    "rem": Stage.R,
    "m": Stage.UNSCORED,
    "mt": Stage.UNSCORED,
    "?": Stage.UNSCORED,
    **{stage.value.lower(): stage for stage in Stage},
}
_MOVEMENT = "movement time"


def sniff(name: str, head: bytes) -> bool:
    """Whether a file is EDF, from its first bytes."""
    return head[:8] == b"0       "


def read(path: str | os.PathLike[str], options: Options) -> list[Hypnogram]:
    """Nights of an EDF+ file.

    Raises
    ------
    FormatError
        If the file is not EDF+, has no stages, or they overlap or do not fit the epochs.
    """
    # edfio takes a moment to import, and most scorings are of other formats.
    import edfio

    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            edf = edfio.read_edf(os.fspath(path))
            annotations = edf.annotations
            clock = _clock(edf)
    except (OSError, ValueError, KeyError, IndexError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise FormatError(path, f"cannot be read as EDF+ ({reason})", "export the annotations again") from error
    segments: list[Segment] = []
    lights: dict[str, float] = {}
    for number, note in enumerate(annotations, start=1):
        text = note.text.strip().lower()
        place = f"annotation {number} ({note.text!r})"
        for key in ("lights off", "lights on"):
            if text.startswith(key):
                lights.setdefault(key, note.onset)
        if text == _MOVEMENT:
            segments.append(Segment(note.onset, note.duration or 0.0, Stage.UNSCORED, place))
        elif text.startswith(_PREFIX):
            stage = _STAGES.get(text.removeprefix(_PREFIX).strip())
            if stage is None:
                raise FormatError(path, f"{place} is an unknown stage", "use Sleep stage W, N1, N2, N3, R or ?")
            segments.append(Segment(note.onset, note.duration or 0.0, stage, place))
    if not segments:
        raise FormatError(
            path, f"has no stage among {len(annotations)} annotations", "give the file of the scoring, not the signals"
        )
    n_classes = resolution_of({segment.stage for segment in segments})
    if n_classes is None:
        raise FormatError(path, "mixes stages of several resolutions", "keep one set of stages")
    epoch_s = options.epoch_s or 30.0
    nights = nights_of(segments)
    doubts = tuple(" ".join(str(each.message).split()) for each in caught)
    return [
        _night(path, night, epoch_s, n_classes, clock, lights, options, numbered(path, index, len(nights)), doubts)
        for index, night in enumerate(nights)
    ]


def _night(
    path: str | os.PathLike[str],
    segments: list[Segment],
    epoch_s: float,
    n_classes: int,
    clock: datetime | None,
    lights: dict[str, float],
    options: Options,
    source: str,
    doubts: tuple[str, ...],
) -> Hypnogram:
    zero_s = segments[0].begin_s
    # A duration of 0 is how some programs say "until the next epoch's annotation".
    given = [
        Segment(segment.begin_s, segment.length_s or epoch_s, segment.stage, segment.place) for segment in segments
    ]
    stages, left_out = tile(path, given, epoch_s)
    start, lost = located(None if clock is None else clock + timedelta(seconds=zero_s), options)
    length_s = len(stages) * epoch_s
    within = {key: onset - zero_s for key, onset in lights.items() if -epoch_s < onset - zero_s < length_s + epoch_s}
    return Hypnogram(
        stages=stages,
        n_classes=n_classes,
        epoch_s=epoch_s,
        start=start,
        lights_off_s=within.get("lights off"),
        lights_on_s=within.get("lights on"),
        source=source,
        warnings=(*doubts, *left_out, *lost),
    )


def _clock(edf: object) -> datetime | None:
    """Start of the recording by its own clock; None where the date was taken out."""
    import edfio

    try:
        return datetime.combine(edf.startdate, edf.starttime)  # type: ignore[attr-defined]
    except edfio.AnonymizedDateError:
        return None


def write(hypnogram: Hypnogram, path: str | os.PathLike[str]) -> Path:
    """Write the stages as EDF+ annotations, one a run of epochs, without signals.

    Raises
    ------
    OutputError
        If there are no epochs or the file cannot be written.
    """
    import io

    import edfio

    codes = hypnogram.stages
    if len(codes) == 0:
        raise OutputError(path, "an EDF+ file cannot be without annotations", "write a hypnogram that has epochs")
    begin = np.flatnonzero(np.concatenate([[True], codes[1:] != codes[:-1]]))
    length = np.diff(np.append(begin, len(codes)))
    notes = [
        edfio.EdfAnnotation(
            float(first * hypnogram.epoch_s),
            float(count * hypnogram.epoch_s),
            "Sleep stage " + ("?" if codes[first] == Stage.UNSCORED else str(codes[first])),
        )
        for first, count in zip(begin.tolist(), length.tolist(), strict=True)
    ]
    for moment, text in ((hypnogram.lights_off_s, "Lights off"), (hypnogram.lights_on_s, "Lights on")):
        if moment is not None and moment >= 0:
            notes.append(edfio.EdfAnnotation(float(moment), None, text))
    start = hypnogram.start
    recording = edfio.Recording(startdate=None if start is None else start.date())
    edf = edfio.Edf(
        [],
        recording=recording,
        starttime=None if start is None else start.time().replace(tzinfo=None),
        annotations=notes,
    )
    buffer = io.BytesIO()
    edf.write(buffer)
    return write_atomically(path, buffer.getvalue())
