from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging.readers.acceleration import G_M_PER_S2, NAMED_UNITS, OTHER_UNITS, in_g, plain_unit

STILL_G = np.tile([0.3, -0.4, 0.866], (50, 1)) + np.random.default_rng(1).normal(0, 0.01, (50, 3))


@pytest.mark.parametrize(
    ("text", "factor"),
    [("g", 1), ("G", 1), ("[mg]", 1e-3), ("m/s²", 1 / G_M_PER_S2), ("m/s^2", 1 / G_M_PER_S2), ("ms⁻²", 1 / G_M_PER_S2)],
)
def test_a_unit_is_known_however_it_is_written(text, factor):
    values, warnings = in_g(STILL_G / factor, "a.csv", unit=text)
    np.testing.assert_allclose(values, STILL_G)
    assert warnings == ()


@settings(deadline=None, max_examples=30)
@given(other=st.sampled_from(OTHER_UNITS), lost=st.integers(0, 40))
def test_a_unit_that_is_not_named_is_told_by_gravity_and_said(other, lost):
    values = STILL_G / other.factor
    values[:lost] = np.nan
    found, warnings = in_g(values, "folder/a.csv")
    np.testing.assert_allclose(found[lost:], STILL_G[lost:])
    assert len(warnings) == 1
    assert warnings[0].startswith("a.csv: acc has a median of")
    assert other.name in warnings[0]


@pytest.mark.parametrize("values", [STILL_G, np.empty((0, 3)), np.full((5, 3), np.nan), STILL_G * 30])
def test_what_no_unit_explains_is_left_for_the_checks(values):
    found, warnings = in_g(values, "a.csv", unit="furlongs")
    np.testing.assert_array_equal(found, values)
    assert warnings == ()


def test_names_of_units_are_as_plain_unit_leaves_them():
    assert [plain_unit(name) for name in NAMED_UNITS] == list(NAMED_UNITS)


def test_a_value_beyond_any_unit_does_not_hide_the_others() -> None:
    still = np.tile([0.0, 0.0, 9.81], (100, 1))
    still[7] = 1e300
    values, (note,) = in_g(still, "watch.csv")
    assert values[0, 2] == pytest.approx(1, abs=1e-3)
    assert "taken for m/s²" in note
