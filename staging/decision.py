"""Probabilities -> one stage an epoch.

The likeliest of the classes is taken, with one exception. N1 is so rare and so like its neighbours that it is almost
never the likeliest of five: taking the likeliest would report next to no N1 in anybody. So five classes are decided in
two steps: W, LIGHT, DEEP or R by the likeliest of four, then N1 or N2 within LIGHT by a share that the training set so
that the total of N1 is right. The five-class hypnogram merged is then the four-class one, epoch by epoch.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from staging.hypnogram import CLASSES, Stage, merge_matrix

__all__ = ["decide", "n1_share_of_light"]

_N1, _N2 = CLASSES[5].index(Stage.N1), CLASSES[5].index(Stage.N2)
_LIGHT = CLASSES[4].index(Stage.LIGHT)
_FINE_OF_COARSE = np.array([CLASSES[5].index(stage) for stage in (Stage.W, Stage.N2, Stage.N3, Stage.R)])


def decide(probabilities: NDArray[np.float32], n_classes: int, *, n1_share: float) -> NDArray[np.int64]:
    """The stage of every epoch.

    Parameters
    ----------
    probabilities : ndarray of float32, shape (n, 5)
        Of W, N1, N2, N3, R; no NaN.
    n_classes : int
        5, 4, 3 or 2.
    n1_share : float
        In an epoch of LIGHT, the share of N1 in N1 + N2 above which it is N1; 0-1.

    Returns
    -------
    ndarray of int64, shape (n,)
        Indices into ``CLASSES[n_classes]``.

    Examples
    --------
    >>> light = np.array([[0.1, 0.3, 0.4, 0.1, 0.1]], np.float32)
    >>> decide(light, 5, n1_share=0.5).tolist(), decide(light, 5, n1_share=0.4).tolist()
    ([2], [1])
    """
    merged = (probabilities @ merge_matrix(5, min(n_classes, 4))).argmax(axis=1)
    if n_classes != 5:
        return np.asarray(merged, dtype=np.int64)
    fine = _FINE_OF_COARSE[merged]
    fine[(merged == _LIGHT) & (n1_share_of_light(probabilities) > n1_share)] = _N1
    return np.asarray(fine, dtype=np.int64)


def n1_share_of_light(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    """Share of N1 in N1 + N2, float32 ``(n,)``, from probabilities ``(n, 5)``; 0 where both are 0."""
    light = probabilities[:, _N1] + probabilities[:, _N2]
    return np.asarray(probabilities[:, _N1] / np.maximum(light, np.float32(1e-9)), dtype=np.float32)
