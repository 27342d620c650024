"""Makers of files in the published formats, with made-up numbers."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from staging.readers.e4 import E4_STREAMS

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
