from __future__ import annotations

import dataclasses

import numpy as np

from training.notices import notices

from .conftest import made_up_night


def lacking(night, sensor: str, share: float):
    """The night, with the sensor recorded in its first epochs only."""
    n = night.tracks.n_epochs
    recorded = (np.arange(n) < round(share * n)).astype(np.float32)
    return dataclasses.replace(
        night, tracks=dataclasses.replace(night.tracks, coverage=night.tracks.coverage | {sensor: recorded})
    )


def test_a_night_that_lacks_most_of_a_sensor_which_the_others_have_is_named():
    nights = [made_up_night(name, seed) for seed, name in enumerate("abc")]
    assert notices(nights) == []
    nights[1] = lacking(nights[1], "heart", 0.25)
    (line,) = notices(nights)
    assert line.startswith(f"{nights[1].dataset} b: heart rate in 2")
    assert line.endswith(" % of the scored epochs")


def test_a_sensor_that_no_night_of_the_set_has_is_not_missed():
    nights = [lacking(made_up_night(name, seed), "motion", 0.0) for seed, name in enumerate("abc")]
    assert notices(nights) == []


def test_nights_that_nobody_scored_are_not_judged():
    night = made_up_night("a", 0)
    unscored = dataclasses.replace(night, reference=np.full_like(night.reference, -1))
    assert notices([lacking(unscored, "heart", 0.0)]) == []
