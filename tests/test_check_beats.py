from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.check_beats import bidmc, compare_beats, empatica, main, paired, r_peaks


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**16), delay_s=st.floats(0.1, 0.4), missed=st.integers(0, 20), invented=st.integers(0, 20))
def test_misses_inventions_and_delay_are_counted_as_they_were_made(
    seed: int, delay_s: float, missed: int, invented: int
) -> None:
    rng = np.random.default_rng(seed)
    heart_s = np.cumsum(rng.uniform(0.9, 1.1, 300))
    lost = rng.choice(np.arange(10, 290, 3), missed, replace=False)
    extra_s = heart_s[rng.choice(np.arange(11, 290, 3), invented, replace=False)] + 0.45
    found_s = np.sort(np.concatenate([np.delete(heart_s, lost), extra_s])) + delay_s
    agreement = compare_beats(heart_s, found_s)
    assert agreement.delay_s == pytest.approx(delay_s, abs=0.01)
    assert agreement.sensitivity == pytest.approx((300 - missed) / 300)
    assert agreement.ppv == pytest.approx((300 - missed) / (300 - missed + invented))
    assert agreement.interval_error_ms == pytest.approx(0, abs=1e-6)


def test_a_beat_is_paired_once_with_its_nearest() -> None:
    reference, found = paired(np.array([1.0, 2.0, 3.0]), np.array([1.05, 1.1, 2.9, 5.0]), 0.15)
    assert reference.tolist() == [0, 2]
    assert found.tolist() == [0, 2]


def test_r_peaks_of_a_made_ecg_come_back_to_the_millisecond() -> None:
    rng = np.random.default_rng(0)
    true_s = np.cumsum(rng.uniform(0.7, 1.0, 60))
    t_s = np.arange(0, 60, 1 / 125)
    ecg = sum(np.exp(-(((t_s - at) / 0.012) ** 2)) + 0.25 * np.exp(-(((t_s - at - 0.25) / 0.05) ** 2)) for at in true_s)
    found_s = r_peaks(ecg + 0.01 * rng.standard_normal(len(t_s)), 125.0)
    true_s = true_s[true_s < 59.9]
    assert len(found_s) == len(true_s)
    assert np.abs(found_s - true_s).max() < 0.002


def test_beats_of_a_patients_finger_agree_with_the_ecg(shared_data: Path) -> None:
    everywhere, good = bidmc(shared_data).values()
    # For 12 s the finger sensor shows no pulse: 14 of 729 beats that nothing can find.
    assert everywhere.sensitivity > 0.975
    assert everywhere.ppv > 0.985
    assert good.sensitivity > 0.995
    assert good.ppv > 0.995
    assert good.interval_error_ms < 8
    assert good.interval_error_95_ms < 22
    assert abs(good.heart_rate_error_bpm) < 0.05


def test_beats_of_a_moving_wrist_agree_with_the_devices_own(shared_data: Path) -> None:
    device = empatica(shared_data)
    assert device.matched > 0.91
    assert device.interval_matched > 0.88
    assert device.interval_difference_ms < 8
    assert device.interval_difference_95_ms < 30
    assert device.covered_by_quality > 2.5 * device.covered_by_device


def test_the_script_names_a_missing_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 2
    assert "bidmc_01_Signals.csv: not there" in capsys.readouterr().err


def test_the_script_prints_the_figures(shared_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(shared_data)]) == 0
    printed = capsys.readouterr().out
    assert printed.count("sensitivity") == 2
    assert "Empatica E4" in printed
