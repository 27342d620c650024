from __future__ import annotations

import numpy as np
import pytest

import staging
from staging.errors import FormatError, StagingError
from tests.readers.conftest import acc_of_a_night, staged, zip_of

COLUMNS = "BVP,ACC_X,ACC_Y,ACC_Z,TEMP,EDA,HR,IBI,Sleep_Stage,Obstructive_Apnea,Central_Apnea,Hypopnea,Multiple_Events"
RATES_HZ = {"acc": 32, "ppg": 64, "temp": 4, "hr": 1}


def night(hours=0.25, row_hz=64, before=""):
    """A table whose slower signals are held, and the signals."""
    n = int(hours * 3600 * row_hz)
    at = {channel: (np.arange(n) * rate // row_hz).clip(max=n) for channel, rate in RATES_HZ.items()}
    acc = np.rint(acc_of_a_night(hours, rate_hz=32.0)[1] * 64).astype(int)
    pulse = 40 * np.sin(2 * np.pi * np.arange(n) * 1.1 / row_hz)
    temp = 33 + np.arange(int(hours * 3600 * 4) + 1) * 1e-4
    bpm = 60 + np.arange(int(hours * 3600) + 1) % 7
    lines = [f"TIMESTAMP,{before}{COLUMNS}"]
    between = "0.1," * before.count(",")
    for row in range(n):
        x, y, z = acc[at["acc"][row]]
        heart = f"{temp[at['temp'][row]]:.4f},0.1,{bpm[at['hr'][row]]},,N2,,,,"
        lines.append(f"{row / row_hz:.6f},{between}{pulse[row]:.4f},{x},{y},{z},{heart}")
    return "\n".join(lines) + "\n", acc / 64, pulse, temp, bpm


@pytest.mark.parametrize("packed", [False, True])
def test_signals_come_at_the_devices_own_rates_and_are_staged(folder, tmp_path, packed):
    text, acc, pulse, temp, bpm = night()
    home = folder({"S002_whole_df.csv": text})
    path = zip_of(home) if packed else home / "S002_whole_df.csv"
    recording = staging.read(path)
    assert {name: getattr(recording, name).rate_hz for name in ("acc", "ppg", "temp")} == {
        name: RATES_HZ[name] for name in ("acc", "ppg", "temp")
    }
    np.testing.assert_allclose(recording.acc.samples, acc, atol=1e-6)
    np.testing.assert_allclose(recording.ppg.samples, pulse, atol=1e-3)
    np.testing.assert_allclose(recording.temp.samples, temp[:-1], atol=1e-4)
    assert recording.hr.values.tolist() == bpm[:-1].tolist()
    assert (recording.device, recording.subject, recording.start) == ("Empatica E4", "S002", None)
    assert recording.warnings == ()
    assert len(staged(path, tmp_path / "out")) == 30


def test_the_table_beside_the_polysomnography_is_read_as_well(folder):
    text, *_ = night(0.05, row_hz=100, before="C4-M1,SAO2,")
    recording = staging.read(folder({"S002_PSG_df.csv": text}))
    assert recording.subject == "S002"
    assert recording.ppg.rate_hz == pytest.approx(100)
    assert recording.acc.rate_hz == pytest.approx(100 / 3)
    assert recording.temp.rate_hz == pytest.approx(4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace(",HR,", ",BPM,"), "has no column HR; give the table as the set publishes it"),
        (lambda text: text[: text.index("\n") + 1], "its times do not increase"),
        (lambda text: text.replace("0.015625,", "later,"), "line 3 is not"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(folder, change, message):
    with pytest.raises(FormatError, match=message) as caught:
        staging.read(folder({"S002_whole_df.csv": change(night(0.01)[0])}))
    assert "\n" not in str(caught.value)


def test_several_nights_are_refused(folder):
    text = night(0.01)[0]
    with pytest.raises(FormatError, match=r"holds 2 DREAMT files .*; give one DREAMT file"):
        staging.read(folder({"S002_whole_df.csv": text, "S003_whole_df.csv": text}))


@pytest.mark.parametrize("cell", ["nan", "inf", "-1e308"])
def test_a_row_without_a_time_is_left_out_or_refused_in_one_line(folder, cell):
    text = night(0.01)[0].replace("\n0.015625,", f"\n{cell},", 1)
    if cell == "-1e308":
        with pytest.raises(StagingError, match="its times span"):
            staging.read(folder({"S002_whole_df.csv": text}))
    else:
        assert len(staging.read(folder({"S002_whole_df.csv": text})).ppg.samples) == 36 * 64
