"""Stages while the night goes on: the raw graph on the last hours, called once an epoch.

Assumptions
-----------
- Nothing is known of what comes: a stage is that of the last epoch of what has been recorded so far. Around its end
  the network is least sure; `scripts/measure_live.py` measures what that costs (a quarter of kappa in 5 classes).
- Each call looks at the last hours anew. Nothing is kept but the samples, so a call can be left out or repeated.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from staging.errors import InputError
from staging.raw import Array, RawInputs, RawModel, RawNight
from staging.recording import EPOCH_S
from staging.stager import MIN_EPOCHS, WINDOW_EPOCHS

__all__ = ["LIVE_HOURS", "LiveStager"]

LIVE_HOURS = 4.0
"""How much of the past a call looks at. Less costs more of what is told about a sleeper; more gives nothing more."""


class LiveStager:
    """The stage of the latest epoch, epoch by epoch.

    Parameters
    ----------
    model : RawModel, optional
        The shipped one otherwise.
    hours : float
        How much of the past is looked at: 10 min to 13 h. It bounds the memory (2.7 MB an hour) and the time of a call.

    Raises
    ------
    InputError
        If the hours are too few or too many.
    ModelError
        If the model file cannot be used.

    Examples
    --------
    >>> from staging.raw import raw_inputs
    >>> from staging.simulate import simulate_night
    >>> night = raw_inputs(simulate_night(1, duration_h=0.25).recording)
    >>> live = LiveStager(hours=1.0)
    >>> latest = [live.add(night.epochs(epoch, epoch + 1)) for epoch in range(len(night))]
    >>> latest.count(None), latest[-1].stages.shape
    (19, (1,))
    """

    def __init__(self, model: RawModel | None = None, *, hours: float = LIVE_HOURS) -> None:
        self._epochs = round(hours * 3600 / EPOCH_S)
        if not MIN_EPOCHS <= self._epochs <= WINDOW_EPOCHS:
            raise InputError("hours", f"{hours:g} h cannot be looked at", "give 10 min to 13 h")
        self._model = model or RawModel()
        self._past: dict[str, Array] = {}

    def add(self, latest: RawInputs) -> RawNight | None:
        """Stage the last of the epochs given, one or more, which follow those given before.

        Parameters
        ----------
        latest : RawInputs
            The new epochs, in order and without a gap: what was not recorded is marked as not present.

        Returns
        -------
        RawNight or None
            Of one epoch; None in the first 10 min.
        """
        for field in dataclasses.fields(latest):
            new = getattr(latest, field.name)
            past = self._past.get(field.name)
            self._past[field.name] = new if past is None else np.concatenate([past, new])[-self._epochs :]
        if len(self._past["present"]) < MIN_EPOCHS:
            return None
        night = self._model.run(RawInputs(**self._past))
        return RawNight(**{field.name: getattr(night, field.name)[-1:] for field in dataclasses.fields(night)})
