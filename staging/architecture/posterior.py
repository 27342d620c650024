"""Whole hypnograms drawn out of a sequence posterior: what a night may have been, given what the stager says.

The stager says how likely each stage is, epoch by epoch. Drawing epochs one by one from that would give hypnograms that
flicker as no sleep does, and intervals of totals that are far too narrow, since independent errors cancel out over a
night. Here whole hypnograms are drawn:

1. A priori, stages follow each other as in scored sleep: a Markov chain whose states are the short and the long runs of
   each stage, so that run lengths are mixtures of two geometric distributions (`stage_runs.json`).
2. The chain is bent to what the stager says of the time around each epoch: its transitions change with time so that
   its marginals are the stager's probabilities, smoothed over `context_min`, and so that the flows between stages are
   the closest ones (smallest Kullback–Leibler divergence) to those of scored sleep. Rare stages such as brief
   awakenings so keep their frequency, which dividing by one prior for all night would take from them.
3. What an epoch says beyond its surroundings, p(stage) / smoothed p(stage), enters as evidence to the power of
   `sharpness`, below 1 since neighbouring epochs were judged from much the same data.
4. A stager that mistakes light for deep sleep in one sleeper does so all night long, and sleepers differ in how broken
   their sleep is. Scenarios differ in such errors of a whole night: the log-odds of wake are shifted (SD `wake_sd`),
   those among the sleep stages (`stage_sd`), and the logarithm of all run lengths (`run_sd`). The same number of
   hypnograms is drawn from each, by forward filtering and backward sampling.

References
----------
Frühwirth-Schnatter S. Data augmentation and dynamic linear models. Journal of Time Series Analysis 1994;15:183–202.
doi:10.1111/j.1467-9892.1994.tb00184.x
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from staging.errors import HypnogramError
from staging.hypnogram import Hypnogram

__all__ = ["SequencePosterior", "StageRuns", "draw_hypnograms", "stage_runs"]

Floats = NDArray[np.float64]

_FLOOR = 1e-4
"""Probabilities are kept above this: a stager that says 0 is not that sure, and files round."""

_TINY = 1e-6
"""What a denominator is kept above."""

_DRAWS_EACH = 10
"""Hypnograms drawn from each scenario."""

_EPOCHS_AT_ONCE = 1 << 16
"""Epochs of all scenarios together that are held in memory at once, some 100 MB."""

_ROUNDS = 6
"""Rounds over the classes in which the flows are fitted."""

_TRACE = 1e-3
"""Weight of the whole night's mean in the surroundings of an epoch, whose own weight is 1."""

_MOST = 0.95
"""Greatest probability with which a run may end in an epoch."""


@dataclass(frozen=True, eq=False)
class StageRuns:
    """How long stages last and what follows them, for one resolution.

    Attributes
    ----------
    start : ndarray of float64, shape (k,)
        Probability of each class in the first epoch.
    jump : ndarray of float64, shape (k, k)
        Probability of the next class when one is left; the diagonal is 0.
    share_long : ndarray of float64, shape (k,)
        Share of the runs that are of the long kind.
    short_mean_min, long_mean_min : ndarray of float64, shape (k,)
        Mean lengths of both kinds, minutes.
    """

    start: Floats
    jump: Floats
    share_long: Floats
    short_mean_min: Floats
    long_mean_min: Floats

    def chain(self, epoch_min: float) -> tuple[Floats, Floats]:
        """Start probabilities ``(2 k,)`` and transitions ``(2 k, 2 k)`` of the short and then the long runs.

        Parameters
        ----------
        epoch_min : float
            Length of an epoch in minutes, which is the shortest run.
        """
        share = np.concatenate([1.0 - self.share_long, self.share_long])
        mean = np.concatenate([self.short_mean_min, self.long_mean_min])
        leave = np.minimum(epoch_min / mean, 1.0)
        onward = np.tile(self.jump, (2, 2)) * share
        return np.tile(self.start, 2) * share, np.diag(1.0 - leave) + leave[:, None] * onward


@cache
def stage_runs(n_classes: int) -> StageRuns:
    """Run lengths and jumps measured on open scored nights, for a resolution of 5, 4, 3 or 2 classes.

    Examples
    --------
    >>> stage_runs(2).jump
    array([[0., 1.],
           [1., 0.]])
    """
    # Costs more to import than the rest of this package.
    from importlib import resources

    text = resources.files("staging.architecture").joinpath("stage_runs.json").read_text(encoding="utf-8")
    table = json.loads(text)["resolutions"][str(n_classes)]
    fields = StageRuns.__dataclass_fields__
    return StageRuns(**{name: np.array(table[name], dtype=np.float64) for name in fields})


@dataclass(frozen=True, kw_only=True)
class SequencePosterior:
    """How far the stager's probabilities are to be trusted.

    Attributes
    ----------
    sharpness : float
        Power of what an epoch says beyond its surroundings: 1 takes epochs as independent evidence, 0 only looks at
        the surroundings.
    context_min : float
        SD of the Gaussian over which probabilities are smoothed for the surroundings, minutes.
    wake_sd : float
        SD of the error that a night's epochs share in the log-odds of wake.
    stage_sd : float
        The same for each sleep stage, among the sleep stages.
    run_sd : float
        SD of the logarithm of how much longer than usual a night's runs are.
    impute_unscored : bool
        Whether unscored epochs are drawn as well, from what is known around them; otherwise they stay unscored, so that
        intervals mean the same as the metrics.

    Raises
    ------
    ValueError
        If a number is negative or not finite, or the context has no length.

    Notes
    -----
    The defaults stand until a stager brings its own. They were chosen on out-of-fold predictions of a simple stager
    from wrist activity and heart rate (Cohen's kappa 0.42 for 5 classes) on 25 nights of Sleep-Accel
    (doi:10.13026/hmhs-py35), where 90 % intervals then hold the polysomnography's total sleep time in 92 %, wake after
    sleep onset in 96 %, sleep latency in 88 %, N3 in 84 % and REM sleep in 96 % of the nights. A better stager deserves
    smaller numbers.
    """

    sharpness: float = 0.25
    context_min: float = 10.0
    wake_sd: float = 2.5
    stage_sd: float = 2.5
    run_sd: float = 1.1
    impute_unscored: bool = False

    def __post_init__(self) -> None:
        for name, value in dataclasses.asdict(self).items():
            if not (np.isfinite(value) and value >= 0):
                raise ValueError(f"{name} must be finite and at least 0, got {value}")
        if self.context_min == 0:
            raise ValueError("context_min must be above 0")


def draw_hypnograms(
    hypnogram: Hypnogram, draws: int, *, posterior: SequencePosterior | None = None, seed: int = 0
) -> NDArray[np.int8]:
    """Draw whole hypnograms that agree with a night's probabilities and with how sleep goes on.

    Parameters
    ----------
    hypnogram : Hypnogram
        A night with probabilities; epochs without are drawn from their surroundings.
    draws : int
        How many.
    posterior : SequencePosterior, optional
        How far the probabilities are to be trusted.
    seed : int
        The same seed gives the same draws.

    Returns
    -------
    ndarray of int8, shape (draws, n)
        Indices into ``hypnogram.classes``; -1 where the hypnogram is unscored, unless these are to be imputed.

    Raises
    ------
    HypnogramError
        If there are no epochs or no probabilities.

    Examples
    --------
    >>> sure = np.tile(np.float32([0.02, 0.98]), (5, 1))
    >>> night = Hypnogram(stages=["S"] * 5, n_classes=2, probabilities=sure)
    >>> draw_hypnograms(night, 3, seed=1).shape
    (3, 5)
    """
    trust = posterior or SequencePosterior()
    if hypnogram.probabilities is None or len(hypnogram) == 0:
        raise HypnogramError(
            hypnogram.source or "hypnogram", "has no probabilities to draw from", "give those of the stager"
        )
    if draws < 1:
        raise ValueError(f"at least one draw is needed, got {draws}")
    rng = np.random.default_rng(seed)
    probabilities = np.maximum(hypnogram.probabilities.astype(np.float64), _FLOOR)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    observed = np.asarray(np.isfinite(probabilities).all(axis=1))
    epoch_min = hypnogram.epoch_s / 60.0
    around = _smoothed(probabilities, observed, trust.context_min / epoch_min)
    runs = stage_runs(hypnogram.n_classes)
    longer, marginals = _scenarios(around, trust, -(-draws // _DRAWS_EACH), rng)
    evidence = _evidence(probabilities, around, observed, trust.sharpness)
    parts = []
    at_once = max(_EPOCHS_AT_ONCE // len(hypnogram), 1)
    for first in range(0, len(longer), at_once):
        some = slice(first, first + at_once)
        start, step = _bent(runs, epoch_min, longer[some], marginals[:, some])
        parts.append(_sample_paths(start, step, evidence, _DRAWS_EACH, rng))
    # The first draw of every scenario, then the second: any number of draws has as many of each as can be.
    drawn = np.concatenate(parts, axis=1).transpose(2, 1, 0).reshape(-1, len(hypnogram))[:draws]
    if not trust.impute_unscored:
        drawn[:, hypnogram.indices() < 0] = -1
    return drawn


def _smoothed(probabilities: Floats, observed: NDArray[np.bool_], sd_epochs: float) -> Floats:
    """Probabilities averaged over their surroundings, float64 ``(n, k)``, also where nothing was observed."""
    reach = int(np.ceil(3 * sd_epochs))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sd_epochs) ** 2)
    # A trace of the whole night's mean stands in where nothing near was observed.
    k = probabilities.shape[1]
    mean = probabilities[observed].mean(axis=0) if observed.any() else np.full(k, 1.0 / k)
    known = np.where(observed[:, None], probabilities, 0.0)
    n = len(probabilities)
    total = np.column_stack([np.convolve(column, kernel)[reach : reach + n] for column in known.T])
    weight = np.convolve(observed.astype(np.float64), kernel)[reach : reach + n]
    smoothed: Floats = (total + _TRACE * mean) / (weight + _TRACE)[:, None]
    return smoothed


def _scenarios(around: Floats, trust: SequencePosterior, count: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Factors of the run lengths ``(G,)`` and marginals ``(n, G, k)`` of nights with errors of their own."""
    k = around.shape[1]
    longer = np.exp(trust.run_sd * rng.normal(size=count))
    wake_odds = around[:, None, 0] / (1.0 - around[:, None, 0]) * np.exp(trust.wake_sd * rng.normal(size=count))
    wake = wake_odds / (1.0 + wake_odds)
    asleep = around[:, None, 1:] * np.exp(trust.stage_sd * rng.normal(size=(count, k - 1)))
    asleep *= ((1.0 - wake) / asleep.sum(axis=2))[:, :, None]
    marginals = np.maximum(np.concatenate([wake[:, :, None], asleep], axis=2), _FLOOR)
    return longer, marginals / marginals.sum(axis=2, keepdims=True)


def _bent(runs: StageRuns, epoch_min: float, longer: Floats, marginals: Floats) -> tuple[Floats, NDArray[np.float32]]:
    """Chains with given marginals, whose flows between classes are closest to those of scored sleep.

    Of all flows F with the net change that the marginals need, the ones closest to the flows B that the marginals have
    with the usual rates are F[a, c] = B[a, c] x[c] / x[a]. Each x solves a quadratic equation given the others.

    Parameters
    ----------
    runs : StageRuns
        The usual rates.
    epoch_min : float
        Length of an epoch.
    longer : ndarray of float64, shape (G,)
        How much longer than usual the runs of each scenario are.
    marginals : ndarray of float64, shape (n, G, k)
        Probabilities of the classes in each epoch.

    Returns
    -------
    start : ndarray of float64, shape (G, 2 k)
        Probabilities of the short and then the long runs in the first epoch.
    step : ndarray of float32, shape (n - 1, G, 2 k, 2 k)
        Transitions to the next epoch.
    """
    n, count, k = marginals.shape
    mean = np.maximum(np.stack([runs.short_mean_min, runs.long_mean_min]) * longer[:, None, None] / epoch_min, 1.0)
    entries = np.stack([1.0 - runs.share_long, runs.share_long])
    # Share of the time of a class that its short and its long runs take.
    share = entries * mean / (entries * mean).sum(axis=1, keepdims=True)
    leave = 1.0 / mean
    rate = (share * leave).sum(axis=1)
    flow = (marginals[:-1] * rate)[..., None] * runs.jump
    change = np.diff(marginals, axis=0)
    tilt = np.ones((n - 1, count, k))
    for _ in range(_ROUNDS):
        for c in range(k):
            inward = (flow[..., :, c] / tilt).sum(axis=2)
            outward = (flow[..., c, :] * tilt).sum(axis=2)
            root = np.sqrt(change[..., c] ** 2 + 4.0 * inward * outward)
            # The form without cancellation, whichever sign the change has.
            up = (change[..., c] + root) / (2.0 * inward)
            down = 2.0 * outward / np.maximum(root - change[..., c], _TINY)
            tilt[..., c] = np.where(change[..., c] >= 0, up, down)
    onward = runs.jump * tilt[..., None, :] / tilt[..., :, None]
    # No more than all of a run's epochs can end.
    fastest = onward.sum(axis=3) * leave.max(axis=1)
    onward /= np.maximum(fastest / _MOST, 1.0)[..., None]
    step = np.zeros((n - 1, count, 2 * k, 2 * k), dtype=np.float32)
    for phase in range(2):
        block = slice(phase * k, (phase + 1) * k)
        ends = onward * leave[:, phase, :, None]
        step[:, :, block, :k] = ends * entries[0]
        step[:, :, block, k:] = ends * entries[1]
    diagonal = np.arange(2 * k)
    step[:, :, diagonal, diagonal] = 1.0 - step.sum(axis=3)
    start = (marginals[0][:, None, :] * share).reshape(count, 2 * k)
    return start, step


def _evidence(probabilities: Floats, around: Floats, observed: NDArray[np.bool_], sharpness: float) -> Floats:
    """What each epoch says beyond its surroundings, float64 ``(n, k)``; 1 where nothing was observed.

    Scaled so that no class gains or loses time over the night by it.
    """
    known, near = probabilities[observed], around[observed]
    ratio = (known / near) ** sharpness
    if len(near):
        ratio *= near.sum(axis=0) / (near * ratio).sum(axis=0)
    evidence = np.ones_like(probabilities)
    evidence[observed] = ratio
    return evidence


def _sample_paths(
    start: Floats, step: NDArray[np.float32], evidence: Floats, each: int, rng: np.random.Generator
) -> NDArray[np.int8]:
    """Classes along paths of chains, int8 ``(n, G, each)``, by forward filtering and backward sampling.

    Parameters
    ----------
    start : ndarray of float64, shape (G, 2 k)
        Probabilities of the states of the first epoch.
    step : ndarray of float32, shape (n - 1, G, 2 k, 2 k)
        Transitions to the next epoch.
    evidence : ndarray of float64, shape (n, k)
        Likelihood of the classes in each epoch.
    each : int
        Paths of each chain.
    rng : Generator
        Source of chance.
    """
    n, k = evidence.shape
    count = len(start)
    filtered = np.empty((n, count, 2 * k), dtype=np.float32)
    both = np.tile(evidence, 2).astype(np.float32)
    state = start.astype(np.float32)
    for at in range(n):
        here = state * both[at]
        here /= here.sum(axis=1, keepdims=True)
        filtered[at] = here
        if at < n - 1:
            state = np.matmul(here[:, None, :], step[at])[:, 0]
    uniform = rng.random((n, count, each), dtype=np.float32)
    scenario = np.arange(count)[:, None]
    paths = np.empty((n, count, each), dtype=np.int8)
    chance = np.broadcast_to(filtered[-1][:, None, :], (count, each, 2 * k))
    for at in range(n - 1, -1, -1):
        steps = np.cumsum(chance, axis=2)
        chosen = np.minimum((steps < (uniform[at] * steps[:, :, -1])[:, :, None]).sum(axis=2), 2 * k - 1)
        paths[at] = chosen % k
        if at:
            into = step[at - 1].transpose(0, 2, 1)[scenario, chosen]
            chance = filtered[at - 1][:, None, :] * into
    return paths
