"""The defaults are the measured figures, not a memory of them."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from staging.simulate import DEFAULT
from staging.simulate import parameters as module
from training.datasets import load_nights
from training.simulated import measured_parameters

STAGES = ("W", "N1", "N2", "N3", "R")


@pytest.fixture(scope="module")
def measured(shared_data):
    path = shared_data / "physiology_measured.json"
    if not path.is_file():
        pytest.skip("the measured figures are not there")
    return json.loads(path.read_text())


def test_the_hypnogram_s_tables_are_those_of_the_measured_nights(measured):
    source = measured["hypnogram_generator"]["healthy_pooled_sleepaccel_sleepedf"]
    p = DEFAULT.hypnogram
    for cycle in range(4):
        key = str(cycle + 1)
        for name, table in (("nrem_regime_min", p.nrem_ln_min), ("rem_regime_min", p.rem_ln_min)):
            assert table[cycle] == (source[name][key]["ln_mean_min"], source[name][key]["ln_sd"])
        for half in range(2):
            assert np.array_equal(p.nrem_jumps[cycle][half], source["jump_matrix"][f"N{cycle}{half}"]["p"])
            for index, stage in ((2, "N2"), (3, "N3")):
                name = f"N0{half}|{stage}" if cycle == 0 else f"N{cycle}|{stage}"
                expected = source["bout_quantiles_min"][name]["q"]
                np.testing.assert_allclose(p.nrem_bout_min[cycle][half][index], expected, atol=0.051)
    for index, stage in enumerate(STAGES):
        if stage != "N3":
            expected = source["bout_quantiles_min"][f"R|{stage}"]["q"]
            np.testing.assert_allclose(p.rem_bout_min[index], expected, atol=0.051)
    assert np.array_equal(p.rem_jumps, source["jump_matrix"]["R"]["p"])
    assert np.allclose(p.bout_levels, np.array(source["quantile_levels_pct"]) / 100)


def test_the_heart_s_measured_fields_are_those_of_sleep_accel(measured):
    source = measured["heart_rate_watch_sleep_accel"]
    heart = DEFAULT.heart
    assert heart.resting_bpm == pytest.approx(
        (source["night_median_hr"]["mean"], source["night_median_hr"]["sd"]), abs=0.06
    )
    for field, key in (("stage_offset_bpm", "mean"), ("stage_offset_sd_bpm", "sd_between")):
        expected = [source["stage_offset_bpm"][stage][key] for stage in STAGES]
        np.testing.assert_allclose(getattr(heart, field), expected, atol=0.051)
    assert list(heart.course_bpm) == source["nrem_hr_by_half_hour"][:16]
    fits = measured["heart_rate_models_and_gaps"]["hr_variogram_fit_sa"]
    np.testing.assert_allclose(heart.fast_sd_bpm, [fits[stage]["fast_sd"] for stage in STAGES], atol=0.051)
    np.testing.assert_allclose(heart.fast_tau_s, [fits[stage]["tau_fast_s"] for stage in STAGES], atol=0.51)


def test_the_rates_of_movement_are_those_of_sleep_accel(shared_data):
    """At the times when its counts were counted: at the published times, up to 30 s late, movements of brief awakenings
    would be of the N1 that follows."""
    nights = load_nights({"sleep_accel": shared_data / "sleep_accel"})
    found = measured_parameters(nights).movement.bursts_per_h
    np.testing.assert_allclose(DEFAULT.movement.bursts_per_h, found, rtol=0.02)


def test_the_watch_s_measured_fields_are_those_of_sleep_accel(measured):
    gaps = measured["heart_rate_models_and_gaps"]["watch_hr_sampling"]
    watch = DEFAULT.watch
    assert watch.gaps_per_h == gaps["gaps_gt15s_per_h"]
    median, p90 = gaps["gap_q50_90"]
    assert np.exp(watch.gap_ln_s[0]) == pytest.approx(median, rel=0.01)
    assert np.exp(watch.gap_ln_s[0] + 1.2816 * watch.gap_ln_s[1]) == pytest.approx(p90, rel=0.02)


def test_the_sensors_measured_fields_are_those_of_the_e4_recording(measured):
    low, high = measured["e4_acceleration"]["one_s_sd_g_percentiles_1_5_10_25"][1:3]
    assert low <= DEFAULT.acceleration.noise_g <= high
    assert DEFAULT.temperature.noise_sd_c == pytest.approx(measured["e4_temperature"]["hp10s_sd"], abs=0.001)
    assert DEFAULT.temperature.step_c == measured["e4_temperature"]["resolution"]
    fit = measured["ppg_pulse_shapes_and_e4"]["E4_wrist_still"]
    assert DEFAULT.ppg.pulses[2] == tuple(fit[name] for name in ("a1", "theta1", "b1", "a2", "theta2", "b2"))


def test_probabilities_are_probabilities():
    tables = [*np.reshape(DEFAULT.hypnogram.nrem_jumps, (-1, 5)), *DEFAULT.hypnogram.rem_jumps]
    for row in [*tables, *DEFAULT.hypnogram.nrem_first_stage]:
        assert np.min(row) >= 0
        assert np.sum(row) == 0 or np.sum(row) == pytest.approx(1, abs=0.01)
    for name in ("change_probability", "awakening_probability", "turn_probability"):
        values = np.array(getattr(DEFAULT.movement, name))
        assert values.min() >= 0
        assert values.max() <= 1


def test_every_number_has_a_line_in_the_documentation():
    for name in module.__all__:
        kind = getattr(module, name)
        if not dataclasses.is_dataclass(kind) or not isinstance(kind, type) or name == "Parameters":
            continue
        missing = [field.name for field in dataclasses.fields(kind) if field.name not in kind.__doc__]
        assert not missing, f"{name} does not document {missing}"


def test_parameters_are_frozen_and_hashable():
    with pytest.raises(dataclasses.FrozenInstanceError):
        DEFAULT.heart.slow_sd_bpm = 1.0
    assert hash(DEFAULT) == hash(module.Parameters())
