"""Whole hypnograms drawn out of a sequence posterior: what a night may have been, given what the stager says.

The stager says how likely each stage is, epoch by epoch. Drawing epochs one by one from that would give hypnograms that
flicker as no sleep does, and intervals of totals that are far too narrow, since independent errors cancel out over a
night. Here whole hypnograms are drawn:

1. A priori, stages follow each other as in scored sleep: a Markov chain whose states are the short and the long runs of
   each stage (`staging.architecture.run_lengths`).
2. The chain is bent to what the stager says: its transitions change with time so that its marginals are the stager's
   probabilities, smoothed over `context_min`, and so that the flows between stages are the closest ones (smallest
   Kullback–Leibler divergence) to those of scored sleep. Rare stages such as brief awakenings so keep their frequency,
   which dividing by one prior for all night would take from them.
3. A stager that mistakes light for deep sleep in one sleeper does so all night long, and sleepers differ in how broken
   their sleep is. Scenarios differ in such errors of a whole night: the log-odds of wake are shifted and stretched,
   those among the sleep stages shifted, and run lengths scaled. The shifts are centred so that the mean time in each
   stage stays the stager's. The same number of hypnograms is drawn from each scenario.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from staging.architecture.run_lengths import StageRuns, stage_runs
from staging.errors import HypnogramError
from staging.hypnogram import CLASSES, Hypnogram, Stage

__all__ = ["SequencePosterior", "draw_hypnograms", "draw_nights"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_LEAST = 1e-4
"""Probabilities are kept above this: a stager that says 0 is not that sure, and files round."""

_TINY = 1e-6
"""What a denominator is kept above."""

_DRAWS_EACH = 4
"""Hypnograms drawn from each scenario."""

_EPOCHS_AT_ONCE = 1 << 17
"""Epochs of all scenarios together whose chains are held in memory at once, some 200 MB."""

_MOST_EPOCHS = 1 << 20
"""Epochs of all scenarios together whose marginals are, some 50 MB."""

_ROUNDS = 4
"""Rounds over the classes in which the flows are fitted."""

_CENTRING_ROUNDS = 5
"""Rounds in which the scenarios' mean is brought to the stager's."""

_TRACE = 1e-3
"""Weight of the whole night's mean in the surroundings of an epoch, whose own weight is 1."""

_MOST_ODDS = 30.0
"""Log-odds beyond which a probability is 0 or 1 for all purposes."""

_MOST = 0.98
"""Greatest probability with which a run may end in an epoch."""

_USUAL_SHIFT_SD: Mapping[Stage, float] = {
    Stage.W: 1.0,
    Stage.N1: 0.5,
    Stage.N2: 0.3,
    Stage.N3: 1.0,
    Stage.R: 0.8,
    Stage.LIGHT: 0.3,
    Stage.DEEP: 1.0,
    Stage.NREM: 0.8,
    Stage.S: 0.0,
}
"""For stagers that were never calibrated: about those of one that reads a watch's heart rate and movement."""

_USUAL_RUN_SD, _USUAL_WAKE_STRETCH_SD = 0.6, 0.5

_MOST_RUN_MEAN = 5.0
"""Runs a hundred times as long as usual, or as short, are no runs of sleep."""

_OF_CLASSES = ("shift_sd", "run_mean", "run_sd")
"""What a posterior has a number a class of."""


@dataclass(frozen=True, kw_only=True)
class SequencePosterior:
    """How far a stager's probabilities are to be trusted, in one resolution.

    `staging.architecture.calibrate` finds these numbers; `usual` has some for a stager that was not calibrated.

    Attributes
    ----------
    runs : StageRuns
        How long stages last and what follows them, as the stager's scorers score.
    shift_sd : tuple of float, length k
        SD of the error that a night's epochs share: of wake in its log-odds, of the others in their log-odds among
        the sleep stages. In the order of the classes.
    wake_stretch_sd : float
        SD of the logarithm of the factor by which a night's log-odds of wake are stretched: how often somebody wakes
        briefly out of sleep that looks sound, which sensors hardly notice, differs from sleeper to sleeper.
    run_mean, run_sd : tuple of float, length k
        Mean and SD of the logarithm of how much longer than usual a night's runs of each class are. The mean puts right
        what smoothing leaves: awakenings that sensors hardly notice are then drawn as many brief ones, not a few long.
    floor : float
        Probability that the stager gives to what it rules out, as after training with smoothed labels; it is taken
        off all classes.
    context_min : float
        SD of the Gaussian over which probabilities are smoothed, minutes.

    Raises
    ------
    ValueError
        If a number is negative or not finite, the tables are of several resolutions, or the context has no length.

    Examples
    --------
    >>> trust = SequencePosterior.usual(3)
    >>> trust.n_classes, trust.shift_sd
    (3, (1.0, 0.8, 0.8))
    """

    runs: StageRuns
    shift_sd: tuple[float, ...]
    wake_stretch_sd: float
    run_mean: tuple[float, ...]
    run_sd: tuple[float, ...]
    floor: float = 0.0
    context_min: float = 2.5

    def __post_init__(self) -> None:
        for name in _OF_CLASSES:
            if len(getattr(self, name)) != len(self.runs.start):
                raise ValueError(f"{name} must have a number a class, {len(self.runs.start)}")
        if self.n_classes not in CLASSES:
            raise ValueError(f"there is no resolution of {self.n_classes} classes")
        numbers = (*self.shift_sd, *self.run_sd, self.wake_stretch_sd, self.floor, self.context_min)
        if not all(np.isfinite(value) and value >= 0 for value in numbers):
            raise ValueError("the numbers of a posterior must be finite and, but for run_mean, at least 0")
        if not all(abs(value) <= _MOST_RUN_MEAN for value in self.run_mean):
            raise ValueError(f"run_mean must lie between -{_MOST_RUN_MEAN:g} and {_MOST_RUN_MEAN:g}")
        if self.context_min == 0 or self.floor * self.n_classes >= 1:
            raise ValueError("context_min must be above 0, and the floor below an equal share of all classes")

    @property
    def n_classes(self) -> int:
        """The resolution: 5, 4, 3 or 2."""
        return len(self.shift_sd)

    @classmethod
    def usual(cls, n_classes: int) -> SequencePosterior:
        """For a stager that was not calibrated, in a resolution of 5, 4, 3 or 2 classes."""
        return cls(
            runs=stage_runs(n_classes),
            shift_sd=tuple(_USUAL_SHIFT_SD[stage] for stage in CLASSES[n_classes]),
            wake_stretch_sd=_USUAL_WAKE_STRETCH_SD,
            run_mean=(0.0,) * n_classes,
            run_sd=(_USUAL_RUN_SD,) * n_classes,
        )

    @classmethod
    def from_dict(cls, table: Mapping[str, object]) -> SequencePosterior:
        """From plain values, as `dataclasses.asdict` and JSON give them.

        Without ``run_mean``, as models up to 1.1.0 wrote them, runs are as long as usual on average.

        Raises
        ------
        ValueError
            If a value is missing, unknown or impossible.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        if set(table) | {"run_mean"} != known:
            raise ValueError(f"a posterior has {', '.join(sorted(known))}, not {', '.join(sorted(table))}")
        values: dict[str, object] = dict(table)
        try:
            values.setdefault("run_mean", np.zeros_like(values["shift_sd"]))
            for name in _OF_CLASSES:
                values[name] = tuple(map(float, values[name]))  # type: ignore[call-overload]
            return cls(**values | {"runs": StageRuns.from_dict(values["runs"])})  # type: ignore[arg-type]
        except TypeError as error:
            raise ValueError(f"a posterior has a value of another kind ({error})") from None


def draw_hypnograms(
    hypnogram: Hypnogram,
    draws: int,
    *,
    posterior: SequencePosterior | None = None,
    impute_unscored: bool = False,
    seed: int = 0,
) -> NDArray[np.int8]:
    """Draw whole hypnograms that agree with a night's probabilities and with how sleep goes on.

    Parameters
    ----------
    hypnogram : Hypnogram
        A night with probabilities; epochs without are drawn from their surroundings.
    draws : int
        How many.
    posterior : SequencePosterior, optional
        How far the probabilities are to be trusted; of the hypnogram's resolution.
    impute_unscored : bool
        Whether unscored epochs are drawn as well, from what is known around them; otherwise they stay unscored.
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
    ValueError
        If no draw is asked for, or the posterior is of another resolution.

    Examples
    --------
    >>> sure = np.tile(np.float32([0.02, 0.98]), (5, 1))
    >>> night = Hypnogram(stages=["S"] * 5, n_classes=2, probabilities=sure)
    >>> draw_hypnograms(night, 3, seed=1).shape
    (3, 5)
    """
    return draw_nights([hypnogram], draws, posterior=posterior, impute_unscored=impute_unscored, seed=seed)[0]


def draw_nights(
    hypnograms: Sequence[Hypnogram],
    draws: int,
    *,
    posterior: SequencePosterior | None = None,
    impute_unscored: bool = False,
    seed: int = 0,
) -> list[NDArray[np.int8]]:
    """Draw hypnograms of several nights together, which takes less time than one after the other.

    Parameters
    ----------
    hypnograms : sequence of Hypnogram
        Nights of one resolution and one epoch length.
    draws, posterior, impute_unscored, seed
        As for `draw_hypnograms`.

    Returns
    -------
    list of ndarray of int8, shape (draws, n)
        Of each night.

    Raises
    ------
    HypnogramError, ValueError
        As `draw_hypnograms` does; and if the nights are of several kinds.
    """
    kinds = {(night.n_classes, night.epoch_s) for night in hypnograms}
    if len(kinds) != 1:
        raise ValueError("nights are drawn together where they are of one resolution and one epoch length")
    ((n_classes, epoch_s),) = kinds
    trust = posterior or SequencePosterior.usual(n_classes)
    if draws < 1:
        raise ValueError(f"at least one draw is needed, got {draws}")
    if trust.n_classes != n_classes:
        raise ValueError(f"a posterior of {trust.n_classes} classes for a hypnogram of {n_classes}")
    rng = np.random.default_rng(seed)
    epoch_min = epoch_s / 60.0
    scenarios = -(-draws // _DRAWS_EACH)
    drawn: list[NDArray[np.int8]] = []
    for group in _groups(hypnograms, scenarios):
        longest = max(map(len, group))
        factors, marginals = [], []
        for night in group:
            around, observed = _surroundings(_given(night), trust.floor, trust.context_min / epoch_min)
            longer, likely = _scenarios(around, observed, trust, scenarios, rng)
            factors.append(longer)
            marginals.append(np.pad(likely, ((0, longest - len(night)), (0, 0), (0, 0)), mode="edge"))
        longer, likely = np.concatenate(factors), np.concatenate(marginals, axis=1)
        parts = []
        at_once = max(_EPOCHS_AT_ONCE // longest, 1)
        for first in range(0, len(longer), at_once):
            some = slice(first, first + at_once)
            parts.append(_bent(trust.runs, epoch_min, longer[some], likely[:, some]).paths(_DRAWS_EACH, rng))
        paths = np.concatenate(parts, axis=1)
        for index, night in enumerate(group):
            of_night = paths[: len(night), index * scenarios : (index + 1) * scenarios]
            # The first draw of every scenario, then the second: any number of draws has as many of each as can be.
            each = of_night.transpose(2, 1, 0).reshape(-1, len(night))[:draws]
            if not impute_unscored:
                each[:, night.indices() < 0] = -1
            drawn.append(each)
    return drawn


def _given(night: Hypnogram) -> NDArray[np.float32]:
    if night.probabilities is None or len(night) == 0:
        raise HypnogramError(
            night.source or "hypnogram", "has no probabilities to draw from", "give those of the stager"
        )
    return night.probabilities


def _groups(hypnograms: Sequence[Hypnogram], scenarios: int) -> Iterator[Sequence[Hypnogram]]:
    """Nights in order, as many together as the memory is for."""
    group: list[Hypnogram] = []
    for night in hypnograms:
        longest = max([len(night), *map(len, group)])
        if group and longest * scenarios * (len(group) + 1) > _MOST_EPOCHS:
            yield group
            group = []
        group.append(night)
    yield group


def _surroundings(given: NDArray[np.float32], floor: float, sd_epochs: float) -> tuple[Floats, Flags]:
    """Probabilities averaged over their surroundings, ``(n, k)``, also where nothing was observed; where it was."""
    probabilities = np.maximum(given.astype(np.float64) - floor, _LEAST)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    observed = np.asarray(np.isfinite(probabilities).all(axis=1))
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
    return smoothed, observed


def _scenarios(
    around: Floats, observed: Flags, trust: SequencePosterior, count: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Factors of the run lengths ``(G, k)`` and marginals ``(n, G, k)`` of nights with errors of their own."""
    k = around.shape[1]
    errors = _spread_normals(count, 2 * k + 1, rng)
    longer = np.exp(np.array(trust.run_mean) + np.array(trust.run_sd) * errors[:, :k])
    shift = np.array(trust.shift_sd) * errors[:, k : 2 * k]
    stretch = np.exp(trust.wake_stretch_sd * errors[:, -1])
    if not observed.any():
        return longer, _shifted(around, shift, stretch)
    # Shifts of the same size up and down do not change the time in a stage by the same: bring the mean back.
    seen = around[observed]
    target, n = seen.sum(axis=0), len(seen)
    centre = np.zeros(k)
    for _ in range(_CENTRING_ROUNDS):
        got = _shifted(seen, shift + centre, stretch).mean(axis=1).sum(axis=0)
        step = np.log(target / got)
        step[0] -= np.log((n - target[0]) / (n - got[0]))
        centre += step
    return longer, _shifted(around, shift + centre, stretch)


def _spread_normals(count: int, columns: int, rng: np.random.Generator) -> Floats:
    """Standard normal numbers ``(count, columns)`` that fill each column evenly, so that a few reach the tails."""
    evenly = np.array([NormalDist().inv_cdf((place + 0.5) / count) for place in range(count)])
    return np.column_stack([rng.permutation(evenly) for _ in range(columns)])


def _shifted(around: Floats, shift: Floats, stretch: Floats) -> Floats:
    """Probabilities ``(n, G, k)`` with the log-odds of wake stretched, and all log-odds shifted."""
    odds = np.log(around[:, :1] / (1.0 - around[:, :1])) * stretch + shift[:, 0]
    wake = 1.0 / (1.0 + np.exp(-np.clip(odds, -_MOST_ODDS, _MOST_ODDS)))
    asleep = around[:, None, 1:] * np.exp(shift[:, 1:])
    asleep *= ((1.0 - wake) / asleep.sum(axis=2))[:, :, None]
    shifted = np.maximum(np.concatenate([wake[:, :, None], asleep], axis=2), _LEAST)
    result: Floats = shifted / shifted.sum(axis=2, keepdims=True)
    return result


@dataclass(frozen=True, eq=False)
class _Bent:
    """Chains of short and long runs whose transitions change with time.

    Attributes
    ----------
    start : ndarray of float64, shape (G, 2, k)
        Probabilities of the short and the long runs of each class in the first epoch.
    ends : ndarray of float64, shape (n - 1, G, 2, k)
        Probability that a run ends with an epoch.
    onward : ndarray of float64, shape (n - 1, G, k, k)
        Probability of the class that follows where one ends.
    entries : ndarray of float64, shape (2, k)
        Shares of a class's runs that are short and long.
    """

    start: Floats
    ends: Floats
    onward: Floats
    entries: Floats

    def paths(self, each: int, rng: np.random.Generator) -> NDArray[np.int8]:
        """Classes along paths of the chains, int8 ``(n, G, each)``."""
        count, _, k = self.start.shape
        n = len(self.ends) + 1
        first = self.start.reshape(count, 1, 2 * k).cumsum(axis=2)
        state = (first[..., :-1] < rng.random((count, each, 1)) * first[..., -1:]).sum(axis=2)
        long, stage = state >= k, state % k
        paths = np.empty((n, count, each), dtype=np.int8)
        paths[0] = stage
        # A class is chosen by how many of the running sums a random number passes; the last is 1 and never passed.
        passed = self.onward.cumsum(axis=3)[..., :-1].reshape(n - 1, count * k, k - 1)
        ends = self.ends.reshape(n - 1, count * 2 * k)
        row = np.arange(count)[:, None] * k
        long_entry = self.entries[1]
        for at in range(n - 1):
            chance = rng.random((3, count, each))
            leaves = chance[0] < ends[at].take(2 * row + k * long + stage)
            following = (passed[at].take(row + stage, axis=0) < chance[1][..., None]).sum(axis=2)
            stage = np.where(leaves, following, stage)
            long = np.where(leaves, chance[2] < long_entry.take(following), long)
            paths[at + 1] = stage
        return paths


def _bent(runs: StageRuns, epoch_min: float, longer: Floats, marginals: Floats) -> _Bent:
    """Chains with given marginals, whose flows between classes are closest to those of scored sleep.

    Of all flows F with the net change that the marginals need, the ones closest to the flows B that the marginals have
    with the usual rates are F[a, c] = B[a, c] x[c] / x[a]. Each x solves a quadratic equation given the others.

    Parameters
    ----------
    runs : StageRuns
        The usual rates.
    epoch_min : float
        Length of an epoch.
    longer : ndarray of float64, shape (G, k)
        How much longer than usual the runs of each scenario are.
    marginals : ndarray of float64, shape (n, G, k)
        Probabilities of the classes in each epoch.
    """
    k = marginals.shape[2]
    usual_min = np.array([runs.short_mean_min, runs.long_mean_min])
    entries = np.stack([1.0 - np.array(runs.share_long), runs.share_long])
    jump = np.array(runs.jump)
    mean = np.maximum(usual_min * longer[:, None, :] / epoch_min, 1.0)
    # Share of the time of a class that its short and its long runs take.
    share = entries * mean / (entries * mean).sum(axis=1, keepdims=True)
    leave = 1.0 / mean
    # Classes first: sums over them are what most of the time goes into. B[a, c] is leaving[a] jump[a, c].
    leaving = np.moveaxis(marginals[:-1] * (share * leave).sum(axis=1), 2, 0)
    change = np.moveaxis(np.diff(marginals, axis=0), 2, 0)
    tilt = np.ones(leaving.shape)
    for _ in range(_ROUNDS):
        for c in range(k):
            others = [a for a in range(k) if a != c]
            inward = sum(jump[a, c] * (leaving[a] / tilt[a]) for a in others)
            outward = leaving[c] * sum(jump[c, a] * tilt[a] for a in others)
            root = np.sqrt(change[c] ** 2 + 4.0 * inward * outward)
            # The form without cancellation, whichever sign the change has.
            up = (change[c] + root) / np.maximum(2.0 * inward, _TINY**2)
            down = 2.0 * outward / np.maximum(root - change[c], _TINY)
            tilt[c] = np.where(change[c] >= 0, up, down)
    x = np.moveaxis(tilt, 0, 2)
    onward = jump * x[..., None, :]
    ahead = onward.sum(axis=3)
    faster = ahead / x
    # No more than all short runs can end with an epoch: where that is not enough, long ones must end as well.
    short = np.minimum(leave[:, 0] * faster, _MOST)
    rest = (share * leave).sum(axis=1) * faster - share[:, 0] * short
    long = np.minimum(rest / np.maximum(share[:, 1], _TINY), _MOST)
    return _Bent(marginals[0][:, None, :] * share, np.stack([short, long], axis=2), onward / ahead[..., None], entries)
