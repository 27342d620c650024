"""When a device was worn, from all its sensors together, over days.

Each sensor alone is often wrong: a sleeper may lie stiller than a sensor on a shaking table, and a wrist out of the
covers is colder than one in a warm room. Together they decide by what each can prove.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from staging.days.windows import Windows
from staging.motion import wear as wear_by_stillness
from staging.temperature import COOL_C
from staging.temperature import wear as wear_by_temperature

__all__ = ["worn_epochs"]

MOVED_SD_G = 0.013
MOVED_TURN_DEG = 5.0
"""A window of 5 s moved if the SD of an axis reaches the limit of the published rule for wear, or the arm turned by
the angle that ends sustained inactivity (van Hees et al. 2015)."""

AROUND_EPOCHS = 10
"""Movement proves wear for 5 min to each side."""

Flags = NDArray[np.bool_]


def worn_epochs(
    n_epochs: int,
    *,
    windows: Windows | None = None,
    temperature_c: NDArray[np.float32] | None = None,
    pulse: Flags | None = None,
) -> Flags:
    """Epochs in which the device was on a body.

    - A pulse proves wear.
    - Without one, a device that lay still for an hour (`staging.motion.wear`) was off, unless its temperature is above
      30 °C.
    - So was one that is colder than 26 °C or cooled as only a device off the body does (`staging.temperature.wear`),
      unless it moves within 5 min: bare wrists get cold, and pockets move less.

    What no sensor speaks against is worn; an epoch without any sensor is as the one before it.

    Parameters
    ----------
    n_epochs : int
        Number of 30-s epochs.
    windows : Windows, optional
        Of acceleration, of 5 s.
    temperature_c : ndarray of float32, shape (n_epochs,), optional
        Cleaned temperature; NaN where unknown.
    pulse : ndarray of bool, shape (n_epochs,), optional
        Epochs in which a heart was felt.

    Returns
    -------
    ndarray of bool, shape (n_epochs,)

    References
    ----------
    van Hees V.T. et al., PLoS ONE 8 (2013) e61691, doi 10.1371/journal.pone.0061691.
    Zhou S.-M. et al., BMJ Open 5 (2015) e007447, doi 10.1136/bmjopen-2014-007447 (stillness and temperature together).

    Examples
    --------
    An hour at 33 °C, two at 22 °C, without other sensors; a pulse in the last half hour:

    >>> temperature_c = np.repeat([33.0, 22.0], [120, 240]).astype(np.float32)
    >>> worn = worn_epochs(360, temperature_c=temperature_c, pulse=np.arange(360) >= 300)
    >>> worn[[0, 119, 130, 299, 300]].tolist()
    [True, True, False, False, True]
    """
    off = np.zeros(n_epochs, bool)
    known = np.zeros(n_epochs, bool)
    temperature = np.full(n_epochs, np.nan, np.float32) if temperature_c is None else temperature_c
    moved = np.zeros(n_epochs, bool)
    if windows is not None:
        by_stillness = wear_by_stillness(windows.signal(), n_epochs)
        known |= np.isfinite(by_stillness)
        off |= (by_stillness == 0) & ~(np.nan_to_num(temperature) >= COOL_C)
        moved = _moved(windows, n_epochs)
    off |= (wear_by_temperature(temperature) == 0) & ~moved
    known |= np.isfinite(temperature)
    if pulse is not None:
        off &= ~pulse
        known |= pulse
    last = np.maximum.accumulate(np.where(known, np.arange(n_epochs), -1))
    return ~np.where(last >= 0, off[last], False)


def _moved(windows: Windows, n_epochs: int) -> Flags:
    """Epochs with a window within 5 min in which the device moved."""
    per_epoch = round(30.0 / windows.width_s)
    angle = windows.angle_deg()
    turned = np.abs(np.diff(angle, prepend=np.nan))
    moving = np.nan_to_num(windows.sd_g).max(axis=1) >= MOVED_SD_G
    moving |= np.nan_to_num(turned) >= MOVED_TURN_DEG
    in_epoch = np.zeros(n_epochs * per_epoch, bool)
    in_epoch[: len(windows)] = moving[: n_epochs * per_epoch]
    epochs = np.pad(in_epoch.reshape(n_epochs, per_epoch).any(axis=1), AROUND_EPOCHS)
    return np.asarray(np.lib.stride_tricks.sliding_window_view(epochs, 2 * AROUND_EPOCHS + 1).any(axis=1))
