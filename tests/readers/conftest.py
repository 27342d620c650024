"""Makers of files in the published formats, with made-up numbers."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from staging.cli import main
from staging.hypnogram import Hypnogram
from staging.readers.e4 import E4_STREAMS
from staging.scorings import read_csv

START = 1_700_000_000

Folder = Callable[[Mapping[str, str]], Path]


@pytest.fixture
def folder(tmp_path) -> Folder:
    """Write texts by name into a folder ``night``."""

    def write(files: Mapping[str, str]) -> Path:
        home = tmp_path / "night"
        home.mkdir(exist_ok=True)
        for name, text in files.items():
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            (home / name).write_text(text, encoding="utf-8")
        return home

    return write


def zip_of(home: Path) -> Path:
    """The folder as a zip beside it."""
    path = home.with_suffix(".zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(home.rglob("*")):
            archive.write(file, file.relative_to(home.parent))
    return path


def heart_of_a_night(hours: float = 7.0, step_s: float = 5.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Seconds and whole bpm of a watch: slow waves, and short rises as in arousals."""
    rng = np.random.default_rng(seed)
    seconds = np.arange(0, hours * 3600, step_s)
    bpm = 58 + 5 * np.sin(2 * np.pi * seconds / 5400) + 8 * (seconds % 1900 < 60) + rng.normal(0, 1, len(seconds))
    return seconds, np.rint(bpm)


def acc_of_a_night(hours: float = 1.0, rate_hz: float = 25.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Seconds and g of a wrist: still, turned every half hour, with a noisy minute at each turn."""
    rng = np.random.default_rng(seed)
    seconds = np.arange(int(hours * 3600 * rate_hz)) / rate_hz
    angle = 0.4 + 0.9 * np.floor(seconds / 1800)
    gravity = np.column_stack([np.cos(angle) * 0.8, np.sin(angle) * 0.8, np.full(len(seconds), 0.6)])
    noise = np.where(seconds % 1800 < 60, 0.2, 0.003)[:, None]
    return seconds, gravity + noise * rng.normal(size=gravity.shape)


def staged(path: Path, out: Path) -> Hypnogram:
    """What the command line makes of a recording."""
    assert main(["score", str(path), "--out", str(out), "--quiet"]) == 0
    (written,) = out.glob("*.hypnogram.csv")
    return read_csv(written)


def e4_texts(seconds: float = 60, seed: int = 0) -> dict[str, str]:
    """An E4 session as the device writes it: still wrist, a pulse of 1 Hz after 10 s of start-up."""
    rng = np.random.default_rng(seed)
    n = {channel: int(seconds * stream.rate_hz) for channel, stream in E4_STREAMS.items()}
    pulse = 40 * np.sin(2 * np.pi * np.arange(n["ppg"]) / 64)
    pulse[: 10 * 64] = 0
    values = {
        "acc": np.array([-34, -23, 45]) + rng.integers(-2, 3, (n["acc"], 3)),
        "ppg": pulse[:, None],
        "temp": 33 + rng.normal(0, 0.02, (n["temp"], 1)),
        "hr": 60 + rng.normal(0, 2, (max(0, n["hr"] - 10), 1)),
    }
    texts = {}
    for channel, stream in E4_STREAMS.items():
        start = START + (10 if channel == "hr" else 0)
        head = [", ".join([f"{number:.6f}"] * stream.columns) for number in (start, stream.rate_hz)]
        rows = [",".join(stream.text % value for value in row) for row in values[channel]]
        texts[stream.file] = "\n".join([*head, *rows]) + "\n"
    beats = [f"{beat:.6f},1.000000" for beat in range(12, int(seconds))]
    return texts | {"IBI.csv": "\n".join([f"{START}.000000, IBI", *beats]) + "\n", "tags.csv": ""}
