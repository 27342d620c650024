"""What a user should know of nights that were read: which of them lack most of a sensor.

A watch that stopped early, a stream that was cut short, a file that is there but empty: such a night can be learnt from
as far as it goes, and must not pass for a whole one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from training.night import LabelledNight

__all__ = ["notices"]

MIN_SHARE = 0.5
"""Share of a night's scored epochs in which a sensor should have been recorded."""

SENSORS = {"heart": "heart rate", "motion": "movement", "temperature": "temperature"}


def notices(nights: Sequence[LabelledNight]) -> list[str]:
    """One line for every night that lacks most of a sensor which most nights of its set have.

    Examples
    --------
    >>> notices([])
    []
    """
    lines = []
    for dataset in dict.fromkeys(night.dataset for night in nights):
        of_set = [night for night in nights if night.dataset == dataset and (night.reference >= 0).any()]
        shares = {sensor: np.array([_share(night, sensor) for night in of_set]) for sensor in SENSORS}
        usual = [sensor for sensor, of_nights in shares.items() if 2 * np.sum(of_nights >= MIN_SHARE) > len(of_set)]
        for place, night in enumerate(of_set):
            lacking = [(sensor, shares[sensor][place]) for sensor in usual if shares[sensor][place] < MIN_SHARE]
            if lacking:
                said = " and ".join(f"{SENSORS[sensor]} in {100 * share:.0f} %" for sensor, share in lacking)
                lines.append(f"{dataset} {night.subject}: {said} of the scored epochs")
    return lines


def _share(night: LabelledNight, sensor: str) -> float:
    """Share of the scored epochs in which the sensor was recorded."""
    return float((night.tracks.coverage[sensor][night.reference >= 0] > 0).mean())
