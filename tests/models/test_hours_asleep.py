"""Hours asleep move probabilities as Bayes' rule has it, and nothing else does."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from models.hours_asleep import HoursAsleep

W, N3, R = 0, 3, 4
LATER = HoursAsleep(slopes=(-0.1, 0.1, 0.0, -0.6, 0.6), centre=1.3)
EVER = torch.ones

PROBABILITIES = npst.arrays(np.float32, st.tuples(st.integers(1, 60), st.just(5)), elements=st.floats(0.001, 1.0)).map(
    lambda drawn: torch.from_numpy(drawn / drawn.sum(axis=1, keepdims=True))
)


def asleep(hours: float) -> torch.Tensor:
    """A night without any W: N2, N3 and R alike."""
    return torch.tensor([[0.0, 0.0, 0.4, 0.3, 0.3]]).repeat(round(hours * 120), 1)


@given(PROBABILITIES)
def test_probabilities_stay_probabilities(night):
    moved = LATER(night, EVER(len(night)))
    assert (moved >= 0).all()
    torch.testing.assert_close(moved.sum(dim=1), torch.ones(len(night)))


@given(PROBABILITIES, st.floats(-3, 3))
def test_a_number_added_to_all_slopes_changes_nothing(night, more):
    shifted = HoursAsleep([slope + more for slope in LATER.describe()["slopes"]], 1.3)
    torch.testing.assert_close(shifted(night, EVER(len(night))), LATER(night, EVER(len(night))), atol=1e-3, rtol=0)


@given(PROBABILITIES)
def test_where_the_clock_is_unknown_probabilities_stay_bit_for_bit(night):
    assert torch.equal(LATER(night, torch.zeros(len(night))), night)


def test_one_hour_asleep_doubles_the_odds_at_a_slope_of_one():
    """log(1 + 1 h) is log 2: with slopes 1 and 0 the odds of R over N2 double; from 0.3 : 0.4 to 0.6 : 0.4."""
    doubled = HoursAsleep(slopes=(0.0, 0.0, 0.0, 0.0, 1.0), centre=0.0)(asleep(1), EVER(120))[-1]
    assert float(doubled[R] / doubled[2]) == pytest.approx(2 * 0.3 / 0.4, rel=1e-4)
    assert float(doubled[N3] / doubled[2]) == pytest.approx(0.3 / 0.4, rel=1e-4)


def test_deep_sleep_grows_rarer_and_rem_sleep_more_frequent_with_the_hours():
    night = LATER(asleep(8), EVER(960))
    assert (night[:, N3].diff() < 0).all()
    assert (night[:, R].diff() > 0).all()


def test_an_evening_awake_before_does_not_count():
    evening = torch.eye(5)[[W]].repeat(360, 1)
    whole = torch.cat([evening, asleep(4)])
    torch.testing.assert_close(LATER(whole, EVER(len(whole)))[360:], LATER(asleep(4), EVER(480)))


def test_what_it_says_of_itself_makes_it_again():
    assert HoursAsleep(**LATER.describe()).describe() == LATER.describe()
    assert LATER.describe() == {"slopes": [-0.1, 0.1, 0.0, -0.6, 0.6], "centre": 1.3}


def test_slopes_of_other_stages_are_refused():
    with pytest.raises(ValueError, match="4 slopes for 5 stages"):
        HoursAsleep((0.0, 0.0, 0.0, 0.0), 1.0)
