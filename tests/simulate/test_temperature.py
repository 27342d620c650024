from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging.simulate import DEFAULT
from staging.simulate.person import draw_person
from staging.simulate.temperature import sensor_temperature, skin_temperature_c

W, N1, N2, N3, R = range(5)


def skin(stages, out=None, seed=0, parameters=DEFAULT, **changes):
    rng = np.random.default_rng(seed)
    person = dataclasses.replace(draw_person(rng, parameters=parameters), **changes)
    stages = np.asarray(stages)
    flags = np.zeros(stages.size, bool) if out is None else out
    return skin_temperature_c(rng, stages, flags, person, parameters)


def steady():
    temperature = dataclasses.replace(
        DEFAULT.temperature, slow_sd_c=0.0, uncovered_per_night=0.0, rise_after_min=(0.0, 0.0)
    )
    return dataclasses.replace(DEFAULT, temperature=temperature)


def test_wrists_are_as_warm_awake_and_asleep_as_published(bodies):
    """Wei & Boger 2021: 32.49 ± 0.83 awake, 34.98 ± 0.55 asleep."""
    awake = [body.skin_c[:2].mean() for body in bodies]
    late = [body.skin_c[480:840][body.stages[480:840] != W].mean() for body in bodies]
    assert np.mean(awake) == pytest.approx(32.49, abs=0.3)
    assert np.mean(late) == pytest.approx(34.9, abs=0.3)
    assert np.std(late) == pytest.approx(0.6, abs=0.25)
    rise = np.array(late) - awake
    assert np.mean(rise > 0) > 0.97


def test_the_rise_follows_lights_off_and_its_published_speed():
    """0.6 °C in the first 10 min of a rise by 2.5 °C (doi:10.1080/09291016.2020.1802160)."""
    c = skin(np.repeat([W, N2], [60, 900]), parameters=steady(), skin_awake_c=32.5, skin_rise_c=2.5, skin_rem_c=0.0)
    assert c[20] - c[0] == pytest.approx(0.6, abs=0.05)
    assert c[-1] == pytest.approx(35.0, abs=0.05)
    assert np.all(np.diff(c) > 0)


def test_it_falls_after_the_final_awakening_and_is_low_out_of_bed():
    stages = np.repeat([W, N2, W], [60, 720, 120])
    out = np.repeat([True, False], [60, 840])
    c = skin(stages, out, parameters=steady(), skin_awake_c=32.5, skin_rise_c=2.5, skin_rem_c=0.0)
    np.testing.assert_allclose(c[:60], 32.5, atol=1e-6)
    assert c[779] > 34.9
    # 15 min is the time constant of the fall: 37 % of the rise is left then.
    assert (c[779 + 30] - 32.5) / (c[779] - 32.5) == pytest.approx(np.exp(-1), abs=0.02)


def test_rem_sleep_is_a_little_warmer():
    c = skin(np.repeat([W, N2, R, N2], [30, 600, 60, 60]), parameters=steady(), skin_rise_c=2.0, skin_rem_c=0.2)
    assert c[689] - c[629] == pytest.approx(0.2, abs=0.03)
    assert c[-1] - c[629] < 0.03


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 4), max_size=60), st.integers(0, 60), st.integers(0, 2**32 - 1))
def test_any_night_has_a_wrist_s_temperature(stages, n_before, seed):
    codes = np.concatenate([np.zeros(n_before, int), np.array(stages, int)])
    out = np.arange(codes.size) < n_before
    c = skin(codes, out, seed=seed)
    assert c.shape == codes.shape
    assert np.all((c > 25) & (c < 40))


def test_the_sensor_has_the_measured_noise_and_steps():
    """E4: steps of 0.01 °C, short-term noise of 0.017 °C."""
    temp = sensor_temperature(np.random.default_rng(1), np.full(200, 33.0))
    assert temp.samples.shape == (200 * 120,)
    assert temp.samples.std() == pytest.approx(0.017, rel=0.1)
    hundredths = temp.samples.astype(np.float64) * 100
    np.testing.assert_allclose(hundredths, np.rint(hundredths), atol=1e-3)
    assert sensor_temperature(np.random.default_rng(1), np.empty(0)).samples.size == 0
