"""A made-up data set, in a module of its own so that other processes can read it."""

from __future__ import annotations

import functools
import os
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np

from staging.errors import FormatError
from staging.hypnogram import Hypnogram
from staging.recording import Events, Recording
from training.night import NightSource, ScoredRecording

START = datetime(2026, 3, 28, 22, 41, 5, tzinfo=timezone(timedelta(hours=1)))


def read(file: Path, log: Path) -> ScoredRecording:
    """A night of the heart rate that the file states; every reading is logged."""
    with log.open("a") as lines:
        lines.write(f"{file.name}\n")
    if file.name == os.environ.get("WAIT_AT"):
        time.sleep(600)
    text = file.read_text(encoding="utf-8")
    if text == "die":
        os._exit(9)
    if text == "surprise":
        raise KeyError("nobody thought of this")
    if not text.isdigit():
        raise FormatError(file, "is no number", "give one")
    times_s = np.arange(0.0, 1200.0, 5.0)
    bpm = float(text) + np.sin(times_s / 60)
    return ScoredRecording(
        dataset="made_up",
        subject=f"subject of {file.name}",
        recording=Recording(
            start=START,
            hr=Events(times_s=times_s, values=bpm, unit="bpm"),
            device="a strap",
            source=str(file),
            lights_off_s=60.0,
            warnings=("made up",),
        ),
        reference=Hypnogram.from_indices(np.arange(40) % 6 - 1),
    )


def source(file: Path, log: Path) -> NightSource:
    return NightSource(dataset="made_up", name=file.stem, files=(file,), read=functools.partial(read, file, log))
