"""Stages during the night are those of the last epoch of what was recorded so far."""

from __future__ import annotations

import numpy as np
import pytest

from staging.errors import InputError
from staging.live import LiveStager
from staging.raw import RawModel, raw_inputs
from staging.simulate import simulate_night


@pytest.fixture(scope="module")
def model() -> RawModel:
    return RawModel()


@pytest.fixture(scope="module")
def night():
    return raw_inputs(simulate_night(5, duration_h=0.6).recording)


def test_each_call_stages_the_last_epoch_of_the_last_hours(model, night):
    live = LiveStager(model, hours=0.25)
    for epoch in range(len(night)):
        latest = live.add(night.epochs(epoch, epoch + 1))
        if epoch < 19:
            assert latest is None
            continue
        expected = model.run(night.epochs(max(0, epoch - 29), epoch + 1))
        assert latest.stages.tolist() == expected.stages[-1:].tolist()
        assert np.array_equal(latest.probabilities, expected.probabilities[-1:])


def test_the_future_is_not_looked_at(model, night):
    short, whole = LiveStager(model), LiveStager(model)
    assert short.add(night.epochs(0, 40)).probabilities.shape == (1, 5)
    before = whole.add(night.epochs(0, 40))
    whole.add(night.epochs(40, 60))
    again = LiveStager(model).add(night.epochs(0, 40))
    assert np.array_equal(before.probabilities, again.probabilities)


def test_epochs_one_by_one_or_together(model, night):
    one, many = LiveStager(model), LiveStager(model)
    for epoch in range(30):
        latest = one.add(night.epochs(epoch, epoch + 1))
    assert np.array_equal(latest.probabilities, many.add(night.epochs(0, 30)).probabilities)


@pytest.mark.parametrize("hours", [0.1, 14.0])
def test_too_little_and_too_much_of_the_past(model, hours):
    with pytest.raises(InputError, match="cannot be looked at"):
        LiveStager(model, hours=hours)
