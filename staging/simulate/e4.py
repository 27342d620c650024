"""A simulated night in the layout of an Empatica E4 export, marked as simulated."""

from __future__ import annotations

import io
import os
import zipfile
from datetime import UTC
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from staging.errors import InputError
from staging.files import write_atomically
from staging.readers.e4 import E4_STREAMS
from staging.recording import Signal
from staging.simulate.night import SimulatedNight
from staging.simulate.parameters import DEFAULT, E4Parameters, Parameters

__all__ = ["write_e4_zip"]

INFO = """\
SIMULATED. Nobody wore a device: every value in this archive was computed by the staging package from seed {seed}.
No accuracy may be claimed on it.

The files have the layout of an Empatica E4 export. The first row of each is the start of the session, Unix time in
UTC; the second row is the sampling rate in Hz; then come the values.

ACC.csv   x, y, z acceleration in units of 1/64 g, range -2 g to 2 g
BVP.csv   photoplethysmogram, arbitrary units
TEMP.csv  skin temperature in degrees Celsius
HR.csv    mean heart rate of the 10 s before each value, beats per minute
IBI.csv   no rate row: time of a beat in seconds from the start, and the interval in seconds that it ends
tags.csv  presses of the button; none
"""

_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
"""Every member has this time: the same night is the same file."""


def write_e4_zip(night: SimulatedNight, path: str | os.PathLike[str], *, parameters: Parameters = DEFAULT) -> Path:
    """Write a simulated night as an Empatica E4 would export it. No accuracy may be claimed on it.

    The zip holds ``ACC.csv``, ``BVP.csv``, ``TEMP.csv``, ``HR.csv``, ``IBI.csv``, an empty ``tags.csv`` and an
    ``info.txt`` that says that all of it is simulated. There is no ``EDA.csv``. It is written as a whole or not at all.

    Parameters
    ----------
    night : SimulatedNight
        What `staging.simulate.simulate_night` gave.
    path : str or path
        The zip to write; an existing file is replaced.
    parameters : Parameters
        The model's numbers.

    Returns
    -------
    pathlib.Path
        The file that was written.

    Raises
    ------
    InputError
        If the night starts before 2001-09-09, when Unix time had fewer digits than the format expects.
    OutputError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from staging.simulate import simulate_night
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_e4_zip(simulate_night(1, duration_h=0.2), Path(folder) / "night.zip")
    ...     zipfile.ZipFile(path).namelist()
    ['ACC.csv', 'BVP.csv', 'TEMP.csv', 'HR.csv', 'IBI.csv', 'tags.csv', 'info.txt']
    """
    recording = night.recording
    start = recording.start
    if start is None or start.timestamp() < 1e9:
        raise InputError("start", "too early for an E4 export", "simulate a night after 2001-09-09")
    if recording.acc is None or recording.ppg is None or recording.temp is None:
        raise InputError("night", "has no raw signals", "give a night of simulate_night")
    unix_s = start.astimezone(UTC).timestamp()
    rate_bpm = _device_heart_rate(night, parameters.e4)
    hr_delay_s = parameters.e4.rate_window_s
    members = {
        "ACC.csv": _stream(recording.acc, "acc", unix_s),
        "BVP.csv": _stream(recording.ppg, "ppg", unix_s),
        "TEMP.csv": _stream(recording.temp, "temp", unix_s),
        "HR.csv": _stream(Signal(samples=rate_bpm, rate_hz=1.0, unit="bpm"), "hr", unix_s + hr_delay_s),
        "IBI.csv": _intervals(night, unix_s, parameters.e4),
        "tags.csv": b"",
        "info.txt": INFO.format(seed=night.seed).encode(),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            member = zipfile.ZipInfo(name, date_time=_ZIP_TIME)
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, content)
    return write_atomically(path, buffer.getvalue())


def _stream(signal: Signal, channel: str, unix_s: float) -> bytes:
    """One stream: start, rate, values, as `E4_STREAMS` lays them out."""
    layout = E4_STREAMS[channel]
    values = np.rint(signal.samples.astype(np.float64) / layout.scale * 100).astype(np.int64)
    rows = values.reshape(len(values), -1)
    head = [", ".join([f"{value:.6f}"] * layout.columns) for value in (unix_s, signal.rate_hz)]
    # Few values are distinct, so each is printed once.
    distinct, which = np.unique(rows, return_inverse=True)
    text = np.array([layout.text % (value / 100) for value in distinct.tolist()], dtype=object)
    cells = text[which.reshape(rows.shape)]
    lines = [",".join(row) for row in cells.tolist()] if layout.columns > 1 else cells[:, 0].tolist()
    return ("\n".join([*head, *lines]) + "\n").encode()


def _device_heart_rate(night: SimulatedNight, e4: E4Parameters) -> NDArray[np.float32]:
    """Mean rate of the window before each second; held where the pulse was hidden, as the device does."""
    clean, window = night.pulse.clean, round(e4.rate_window_s)
    feet_s = night.pulse.feet_s
    edge = np.arange(clean.size + 1, dtype=np.float64)
    count = np.interp(edge, feet_s, np.arange(feet_s.size)) if feet_s.size else edge
    rate = (count[window:] - count[:-window]) * 60.0 / window
    seen = clean[window - 1 :]
    last = np.maximum.accumulate(np.where(seen, np.arange(seen.size), 0))
    return rate[: seen.size][last].astype(np.float32)


def _intervals(night: SimulatedNight, unix_s: float, e4: E4Parameters) -> bytes:
    """Intervals between beats, where nothing hid the pulse from shortly before to shortly after."""
    feet_s = np.rint(night.pulse.feet_s / e4.interval_step_s) * e4.interval_step_s
    hidden = np.concatenate([[0], np.cumsum(~night.pulse.clean)])
    first = np.clip(np.floor(feet_s[:-1]) - e4.interval_margin_s, 0, night.pulse.clean.size).astype(np.int64)
    last = np.clip(np.ceil(feet_s[1:]) + e4.interval_margin_s, 0, night.pulse.clean.size).astype(np.int64)
    kept = (hidden[last] == hidden[first]) & (feet_s[1:] < night.pulse.clean.size)
    rows = zip(feet_s[1:][kept].tolist(), np.diff(feet_s)[kept].tolist(), strict=True)
    return "\n".join([f"{unix_s:.6f}, IBI", *(f"{at_s:.6f},{length_s:.6f}" for at_s, length_s in rows), ""]).encode()
