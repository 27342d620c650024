"""What the page reads and brings to the graph's grids is what `staging` reads and brings there."""

from __future__ import annotations

import base64
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import staging
from staging.raw import RAW_CHANNELS, raw_inputs
from staging.recording import Events, Recording, Signal
from staging.simulate import simulate_night, write_e4_zip
from tests.web.conftest import Run

_READ = """
const files = new Map(Object.entries(given.files).map(([path, text]) => {
  return [path.toLowerCase(), { path, bytes: new Uint8Array(Buffer.from(text, "base64")) }];
}));
const read = given.format === "e4" ? e4.readE4 : plain.readPlain;
const made = read(files, "night", given.contract, () => {});
"""
_GRIDS = """
const n = recording.countEpochs(made, given.contract, "night");
const { first = 0, stop = n } = given;
return grids.feeds(grids.prepare(made, n, given.contract), first, stop, given.contract);
"""
_MODULES = "e4 plain recording grids problems"


def _encoded(files: dict[str, bytes]) -> dict[str, str]:
    return {name: base64.b64encode(content).decode() for name, content in files.items()}


def _unzipped(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _array(values: list[Any]) -> NDArray[np.float64]:
    return np.array([np.nan if value in ("NaN", None) else value for value in values], dtype=np.float64)


def _fed_as(node: Run, told: dict[str, Any], files: dict[str, bytes], format: str, recording: Recording) -> None:
    """Assert that files give the graph what a recording gives it."""
    given = {"files": _encoded(files), "format": format, "contract": told}
    fed = node(_READ + _GRIDS, given, imports=_MODULES)
    expected = raw_inputs(recording).arrays()
    assert set(fed) == set(expected)
    for name, array in expected.items():
        assert fed[name]["shape"] == list(array.shape)
        scale = np.nanstd(array) if np.isfinite(array).any() else 1.0
        values = _array(fed[name]["values"])
        np.testing.assert_allclose(values, array.ravel(), atol=max(1e-6, 2e-4 * scale), rtol=1e-5, err_msg=name)


def _csv(header: str, *columns: NDArray[np.float64]) -> bytes:
    rows = (",".join("" if np.isnan(value) else f"{value:.6f}" for value in row) for row in zip(*columns, strict=True))
    return f"{header}\n{chr(10).join(rows)}\n".encode()


def _plain_files(rng: np.random.Generator, minutes: float = 12.0) -> dict[str, bytes]:
    """A folder of other rates than the graph's, with a gap, an empty field and stamps that jitter."""
    at = {hz: np.arange(int(minutes * 60 * hz)) / hz for hz in (50.0, 100.0, 1.0)}
    acc_s, ppg_s, temp_s = at[50.0] + rng.uniform(-2e-3, 2e-3, at[50.0].size) + 0.013, at[100.0], at[1.0]
    acc = rng.normal([0.1, -0.2, 0.95], 0.02, (acc_s.size, 3))
    keep = (acc_s < 200) | (acc_s > 260)
    ppg = np.sin(2 * np.pi * 1.1 * ppg_s) + 0.05 * rng.normal(size=ppg_s.size)
    ppg[7000:7050] = np.nan
    hr_s = np.arange(3.0, minutes * 60, 5.0)
    hr = 60 + rng.normal(size=hr_s.size)
    return {
        "acc.csv": _csv("t_s,x_g,y_g,z_g", acc_s[keep], *acc[keep].T),
        "ppg.csv": _csv("t_s,ppg", ppg_s, ppg),
        "temp.csv": _csv("t_s,temp_c", temp_s, 33 + 0.01 * rng.normal(size=temp_s.size)),
        "hr.csv": _csv("t_s,bpm", hr_s, hr),
        "recording.toml": b"""
start = 2026-03-28T22:41:05+01:00 # when
lights_off = 60
lights_on = "2026-03-28T22:52:05"
""",
    }


def _written(folder: Path, files: dict[str, bytes]) -> Recording:
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return staging.read(folder)


def test_an_e4_export_is_fed_to_the_graph_as_by_the_package(node: Run, told: dict[str, Any], tmp_path: Path) -> None:
    path = write_e4_zip(simulate_night(3, duration_h=0.4), tmp_path / "night.zip")
    _fed_as(node, told, _unzipped(path), "e4", staging.read(path))


def test_plain_tables_of_other_rates_are_fed_to_the_graph_as_by_the_package(
    node: Run, told: dict[str, Any], tmp_path: Path
) -> None:
    files = _plain_files(np.random.default_rng(5))
    _fed_as(node, told, files, "plain", _written(tmp_path, files))


def test_slow_acceleration_with_counts_and_a_watch_that_reports_each_minute(
    node: Run, told: dict[str, Any], tmp_path: Path
) -> None:
    rng = np.random.default_rng(6)
    minutes = np.arange(0.0, 1500.0, 60.0)
    bins, slow = np.arange(0.0, 1500.0, 15.0) + 0.2, np.arange(0.0, 1500.0, 0.1)
    files = {
        "acc.csv": _csv("t_s,x_g,y_g,z_g", slow, *rng.normal(0.5, 0.1, (3, slow.size))),
        "counts.csv": _csv("t_s,counts", bins, rng.integers(0, 90, bins.size).astype(float)),
        "hr.csv": _csv("t_s,bpm", minutes, 60 + rng.normal(size=minutes.size)),
    }
    _fed_as(node, told, files, "plain", _written(tmp_path, files))


def test_intervals_that_cover_the_night_go_before_the_heart_rate(
    node: Run, told: dict[str, Any], tmp_path: Path
) -> None:
    rng = np.random.default_rng(7)
    intervals = rng.normal(0.9, 0.04, 1500)
    intervals[[40, 300, 301]] = [1.9, 0.2, 2.6]
    beats = np.cumsum(intervals)
    hr_s = np.arange(0.0, beats[-1], 2.0)
    files = {
        "ibi.csv": _csv("t_s,ibi_s", beats, intervals),
        "hr.csv": _csv("t_s,bpm", hr_s, np.full(hr_s.size, 80.0)),
    }
    _fed_as(node, told, files, "plain", _written(tmp_path, files))


def test_epochs_of_a_long_recording_are_resampled_as_the_whole_is(node: Run, told: dict[str, Any]) -> None:
    rng = np.random.default_rng(8)
    samples = rng.normal(size=(50 * 900, 3)).astype(np.float32).round(4)
    recording = Recording(acc=Signal(samples=samples, rate_hz=50.0, unit="g", start_s=-2.0))
    made = {"acc": {"samples": samples.ravel().tolist(), "axes": 3, "rateHz": 50.0, "startS": -2.0}}
    fed = node(
        f"const made = given.made;{_GRIDS}", {"made": made, "contract": told, "first": 8, "stop": 12}, imports=_MODULES
    )
    expected = raw_inputs(recording, 8, 12).acc
    np.testing.assert_allclose(_array(fed["acc"]["values"]), expected.ravel(), atol=2e-4)


def test_start_and_lights_times_are_read_as_by_the_package(node: Run, told: dict[str, Any], tmp_path: Path) -> None:
    files = _plain_files(np.random.default_rng(9))
    recording = _written(tmp_path, files)
    code = f"{_READ}return {{ ...made, acc: 0, ppg: 0, temp: 0, hr: 0 }};"
    made = node(code, {"files": _encoded(files), "contract": told}, imports=_MODULES)
    assert recording.start is not None
    assert (made["startUnixS"], made["offsetMin"]) == (recording.start.timestamp(), 60)
    assert (made["lightsOffS"], made["lightsOnS"]) == (recording.lights_off_s, recording.lights_on_s)


@pytest.mark.parametrize("zone", ["+02:00", "Z", "-0530"])
def test_iso_stamps_are_read_to_the_microsecond(node: Run, told: dict[str, Any], zone: str, tmp_path: Path) -> None:
    start = datetime(2026, 3, 28, 21, 41, 5, 123456, tzinfo=UTC)
    text = [datetime.fromtimestamp(start.timestamp() + k / 4, tz=UTC).replace(tzinfo=None) for k in range(2800)]
    rows = "\n".join(f"{stamp.isoformat(timespec='microseconds')}{zone},33.5" for stamp in text)
    files = {"temp.csv": f"time,temp_c\n{rows}\n".encode()}
    recording = _written(tmp_path, files)
    code = f"{_READ}return [made.startUnixS, made.temp.rateHz];"
    start_s, rate_hz = node(code, {"files": _encoded(files), "contract": told}, imports=_MODULES)
    assert recording.start is not None
    assert recording.temp is not None
    assert (start_s, rate_hz) == (pytest.approx(recording.start.timestamp(), abs=2e-6), recording.temp.rate_hz)


_WRONG = {
    "a column is missing": ({"acc.csv": b"t_s,x_g,y_g\n0,1,2\n"}, "acc.csv: its columns are t_s, x_g, y_g"),
    "a field is no number": ({"hr.csv": b"t_s,bpm\n0,60\n5,fast\n10,60\n"}, "hr.csv: line 3 is not 2 numbers"),
    "times go back": ({"ppg.csv": b"t_s,ppg\n0,1\n2,1\n1,1\n"}, "ppg.csv: its times go back or repeat at 1 s"),
    "no rows": ({"temp.csv": b"t_s,temp_c\n"}, "temp.csv: it has a header and no rows"),
    "milliseconds": ({"temp.csv": b"t_s,temp_c\n1700000000000,3\n1700000000250,3\n"}, "is not in seconds"),
    "no zone": ({"hr.csv": b"time,bpm\n2026-03-28T22:41:05,60\n"}, "hr.csv: its time stamps have no zone; add one"),
    "a start without zone": (
        {"hr.csv": b"t_s,bpm\n0,60\n", "recording.toml": b"start = 2026-03-28T22:41:05\n"},
        "is not a time with a zone",
    ),
    "UTF-16": ({"hr.csv": "t_s,bpm\n0,60\n".encode("utf-16")}, "hr.csv: it is not text in UTF-8; save it as CSV"),
}


@pytest.mark.parametrize("case", _WRONG)
def test_a_table_that_cannot_be_read_says_why_and_how_to_mend_it(node: Run, told: dict[str, Any], case: str) -> None:
    files, said = _WRONG[case]
    code = f"try {{ {_READ} }} catch (error) {{ return [error.name, error.message]; }}"
    name, message = node(code, {"files": _encoded(files), "contract": told}, imports=_MODULES)
    assert name == "Problem"
    assert said in message
    assert message.count("; ") == 1
    assert message.endswith(".")


def test_a_last_row_that_was_cut_short_is_left_out(node: Run, told: dict[str, Any]) -> None:
    files = {"hr.csv": b"\xef\xbb\xbft_s;bpm\r\n0;60,5\r\n5;\r\n10;61\r\n15"}
    code = f"{_READ}return made.hr;"
    hr = node(code, {"files": _encoded(files), "contract": told}, imports=_MODULES)
    assert hr["timesS"] == [0, 5, 10]
    assert hr["values"] == [60.5, "NaN", 61]


def test_numbers_are_read_to_their_last_digit(node: Run) -> None:
    rng = np.random.default_rng(1)
    values = np.r_[rng.normal(size=300), 10.0 ** rng.uniform(-30, 30, 300), 0.0, -0.5, 1e22, 123456789.123456789]
    texts = list(map(repr, values.tolist()))
    code = 'return tables.numbers(tables.openTable(new TextEncoder().encode(given), "a.csv"), [1])[0];'
    found = node(code, "t,v\n" + "".join(f"0,{text}\n" for text in texts), imports="tables")
    assert list(map(float, found)) == values.tolist()


def test_all_channels_of_the_graph_are_fed(told: dict[str, Any]) -> None:
    assert told["inputs"]["present"]["columns"] == list(RAW_CHANNELS)


def test_a_recording_needs_ten_minutes(node: Run, told: dict[str, Any]) -> None:
    made = {"hr": {"timesS": [0.0, 300.0], "values": [60.0, 60.0], "unit": "bpm"}}
    code = """
    given.made.hr.timesS = Float64Array.from(given.made.hr.timesS);
    try { recording.countEpochs(given.made, given.contract, "night.zip"); } catch (error) { return error.message; }
    """
    message = node(code, {"made": made, "contract": told}, imports="recording")
    assert message == "night.zip: 5.3 min of recording is too short to stage; give at least 10 min."
    assert (
        Recording(hr=Events(times_s=np.array([0.0, 300.0]), values=np.array([60.0, 60.0]), unit="bpm")).n_epochs == 10
    )
