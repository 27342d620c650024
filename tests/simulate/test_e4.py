from __future__ import annotations

import zipfile
from datetime import UTC, datetime

import numpy as np
import pytest

import staging
from staging.errors import InputError, OutputError
from staging.simulate import simulate_night, write_e4_zip

FIRST_UNIX_S = datetime(2024, 1, 15, 23, 0, tzinfo=UTC).timestamp()


@pytest.fixture(scope="module")
def export(night, tmp_path_factory):
    return write_e4_zip(night, tmp_path_factory.mktemp("e4") / "simulated.zip")


def lines(path, name):
    with zipfile.ZipFile(path) as archive:
        return archive.read(name).decode().splitlines()


@pytest.mark.parametrize(
    ("name", "rate_hz", "columns", "late_s"),
    [("ACC.csv", 32, 3, 0), ("BVP.csv", 64, 1, 0), ("TEMP.csv", 4, 1, 0), ("HR.csv", 1, 1, 10)],
)
def test_a_stream_is_its_start_its_rate_and_its_values(export, night, name, rate_hz, columns, late_s):
    start, rate, *values = lines(export, name)
    assert [float(cell) for cell in start.split(",")] == [FIRST_UNIX_S + late_s] * columns
    assert [float(cell) for cell in rate.split(",")] == [rate_hz] * columns
    assert all(row.count(",") == columns - 1 for row in values)
    assert len(values) == pytest.approx((len(night.reference) * 30 - late_s) * rate_hz, abs=rate_hz)


def test_acceleration_is_in_whole_64ths_of_g_within_2_g(export, night):
    values = np.array([[int(cell) for cell in row.split(",")] for row in lines(export, "ACC.csv")[2:]])
    np.testing.assert_allclose(values / 64, night.recording.acc.samples, atol=1e-6)
    assert np.abs(values).max() <= 128


def test_intervals_have_no_rate_row_and_only_clean_ones_are_given(export, night):
    head, *rows = lines(export, "IBI.csv")
    assert head == f"{FIRST_UNIX_S:.6f}, IBI"
    at_s, length_s = np.array([[float(cell) for cell in row.split(",")] for row in rows]).T
    assert np.all(np.diff(at_s) > 0)
    assert np.all((length_s > 0.3) & (length_s < 2.5))
    follows = np.isclose(np.diff(at_s), length_s[1:], atol=1e-5)
    assert follows.mean() > 0.9
    assert night.pulse.clean[(at_s - length_s).astype(int)].all()
    assert 0.3 < length_s.sum() / (len(night.reference) * 30) < 0.97


def test_the_device_s_heart_rate_is_the_mean_of_the_last_ten_seconds(export, night):
    rate = np.array([float(row) for row in lines(export, "HR.csv")[2:]])
    second = np.arange(rate.size) + 10
    expected = np.array([night.physiology.rate_bpm[s - 10 : s].mean() for s in second])
    clean = night.pulse.clean[second - 1]
    assert np.median(np.abs(rate - expected)[clean]) < 2.5


def test_it_says_plainly_that_nobody_wore_it(export):
    info = lines(export, "info.txt")
    assert info[0].startswith("SIMULATED")
    assert "No accuracy may be claimed on it." in info


def test_the_package_reads_it_back_as_it_was(export, night):
    recording = staging.read(export)
    assert recording.start == night.recording.start
    for name in ("acc", "ppg", "temp"):
        found, written = recording.channels()[name], night.recording.channels()[name]
        assert found.rate_hz == written.rate_hz
        known = np.isfinite(found.samples)
        assert known.mean() > 0.999
        np.testing.assert_allclose(found.samples[known], written.samples[known], atol=0.006)
    assert recording.n_epochs == len(night.reference)


def test_the_same_night_is_the_same_file(tmp_path):
    one, other = (
        write_e4_zip(simulate_night(2, duration_h=0.2), tmp_path / name).read_bytes() for name in ("a.zip", "b.zip")
    )
    assert one == other


def test_nothing_is_left_behind_where_it_cannot_be_written(tmp_path):
    night = simulate_night(2, duration_h=0.2)
    with pytest.raises(OutputError):
        write_e4_zip(night, tmp_path / "missing" / "night.zip")
    assert list(tmp_path.iterdir()) == []


def test_a_night_before_unix_time_had_ten_digits_is_refused(tmp_path):
    night = simulate_night(1, duration_h=0.2, start=datetime(1999, 1, 1, tzinfo=UTC))
    with pytest.raises(InputError, match="2001"):
        write_e4_zip(night, tmp_path / "night.zip")
