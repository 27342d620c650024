"""Predictions for every subject by networks that never saw that subject."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import active_children, get_context
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from models.ensemble import Ensemble
from staging.errors import InputError
from staging.features import GROUPS, FeatureSpec, ModelInputs, extract, feature_names
from training.fit import fit_members
from training.losses import LOSSES, lose
from training.night import LabelledNight
from training.passes import rank_and_world
from training.recipe import Recipe
from training.running import Running
from training.selection import Selection
from training.start import Start
from training.stopping import begin_worker

__all__ = ["SENSOR_SETS", "Prediction", "cross_validate", "groups_of", "predict", "probabilities", "split_by_subject"]

SENSOR_SETS: dict[str, frozenset[str]] = {
    "all": frozenset(GROUPS),
    "heart + motion": frozenset({"heart", "counts", "posture", "temperature"}),
    "heart + clock": frozenset({"heart", "clock"}),
    "heart": frozenset({"heart"}),
    "motion + clock": frozenset({"counts", "posture", "clock"}),
    "motion": frozenset({"counts", "posture"}),
    "clock": frozenset({"clock"}),
}
"""What the same networks are shown, for the ablation; ``"all"`` is the default model's case."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Prediction:
    """One night as networks see it that never saw its subject.

    Attributes
    ----------
    night : LabelledNight
    fold : int
    probabilities : dict of str to ndarray of float32, shape (S, 5)
        By the sensors shown, keys `SENSOR_SETS`.
    members : tuple of ndarray of float32, shape (S, 5)
        Of each network alone with all sensors: they differ in their seed, as the same fit made again would.
    losses : dict of str to ndarray of float32, shape (S, 5)
        With all sensors, less of which was recorded, keys `LOSSES`; empty unless the night has heart rate and counts.
    """

    night: LabelledNight
    fold: int
    probabilities: dict[str, NDArray[np.float32]]
    members: tuple[NDArray[np.float32], ...] = ()
    losses: dict[str, NDArray[np.float32]] = field(default_factory=dict)


def split_by_subject(
    nights: Sequence[LabelledNight], n_folds: int, *, seed: int = 0
) -> list[frozenset[tuple[str, str]]]:
    """Subjects ``(dataset, subject)`` of each fold: every subject in one, each data set spread over all.

    Raises
    ------
    ValueError
        If there are fewer subjects than folds.
    """
    subjects = sorted({(night.dataset, night.subject) for night in nights})
    if not 2 <= n_folds <= len(subjects):
        raise ValueError(f"{n_folds} folds for {len(subjects)} subjects: choose from 2 to their number")
    rng = np.random.default_rng(seed)
    folds: list[set[tuple[str, str]]] = [set() for _ in range(n_folds)]
    place = 0
    for dataset in sorted({dataset for dataset, _ in subjects}):
        of_dataset = [subject for subject in subjects if subject[0] == dataset]
        for index in rng.permutation(len(of_dataset)):
            folds[place % n_folds].add(of_dataset[index])
            place += 1
    return [frozenset(fold) for fold in folds]


def predict(network: Ensemble, night: LabelledNight, spec: FeatureSpec) -> dict[str, NDArray[np.float32]]:
    """Probabilities of one night with each set of sensors."""
    inputs = extract(night.tracks, spec)
    return {name: probabilities(network, inputs, spec, groups) for name, groups in SENSOR_SETS.items()}


def _with_losses(network: Ensemble, night: LabelledNight, spec: FeatureSpec) -> dict[str, NDArray[np.float32]]:
    if not {"heart", "counts"} <= night.groups:
        return {}
    less = {name: extract(lose(night, loss).tracks, spec) for name, loss in LOSSES.items()}
    return {name: probabilities(network, inputs, spec) for name, inputs in less.items()}


def probabilities(
    network: Ensemble, inputs: ModelInputs, spec: FeatureSpec, groups: frozenset[str] = SENSOR_SETS["all"]
) -> NDArray[np.float32]:
    """Probabilities ``(S, 5)`` of the stages, from some groups of the inputs."""
    with torch.no_grad():
        shown = (torch.from_numpy(array) for array in _shown(inputs, spec, groups))
        return np.asarray(network(*shown).numpy())


def _shown(inputs: ModelInputs, spec: FeatureSpec, groups: frozenset[str]) -> tuple[NDArray[np.float32], ...]:
    """Inputs with the other groups masked, exactly as if their sensors had been missing."""
    shown = np.array([group in groups for group in GROUPS], np.float32)
    column = [GROUPS.index(name.partition(":")[0]) for name in feature_names(spec)]
    rows = shown[[GROUPS.index("heart")] * 2 + [GROUPS.index("counts")] * 2]
    return inputs.features * shown[column], inputs.series * rows[:, None], inputs.mask * shown


def groups_of(nights: Sequence[LabelledNight]) -> frozenset[str]:
    """Groups of inputs that any of the nights has."""
    return frozenset().union(*(night.groups for night in nights))


def cross_validate(
    nights: Sequence[LabelledNight],
    recipe: Recipe,
    *,
    n_folds: int,
    seed: int = 0,
    hypnograms: Path | None = None,
    run: Path | None = None,
    jobs: int = 1,
    held_out: str | None = None,
    start: Start | None = None,
    selection: Selection = Selection(),  # noqa: B008  (frozen)
    running: Running = Running(),  # noqa: B008  (frozen)
) -> list[Prediction]:
    """Fit once a fold without its subjects, and predict them.

    Parameters
    ----------
    nights : sequence of LabelledNight
        All sets together.
    recipe : Recipe
        How each fold is fitted.
    n_folds, seed : int
        Of the split; the fits' seeds follow.
    hypnograms : path, optional
        See `fit_members`.
    run : path, optional
        Folder that keeps each fold's networks, so that a broken run goes on.
    jobs : int
        Folds at a time, one thread each.
    held_out : str, optional
        Name of a data set that is predicted as a whole, by networks fitted on the others, in place of folds.
    start, selection, running
        See `fit_members`.

    Returns
    -------
    list of Prediction
        In the order of `nights`; only the held-out set's where one is given.

    Raises
    ------
    InputError
        If there are fewer subjects than folds, or several folds at a time are to share several devices.
    """
    if jobs > 1 and running.devices * running.nodes > 1:
        raise InputError(f"--jobs {jobs}", "each fold runs on several devices already", "give one job, or one device")
    n_subjects = len({(night.dataset, night.subject) for night in nights})
    if held_out is None and not 2 <= n_folds <= n_subjects:
        raise InputError(
            f"--folds {n_folds}", f"the nights are of {n_subjects} subjects", "give a number from 2 to that of subjects"
        )
    if held_out is None:
        folds = split_by_subject(nights, n_folds, seed=seed)
    else:
        folds = [frozenset((night.dataset, night.subject) for night in nights if night.dataset == held_out)]
    if run is not None and rank_and_world()[0] == 0:
        run.mkdir(parents=True, exist_ok=True)
        (run / "recipe.json").write_text(recipe.to_json(), encoding="utf-8")
        (run / "folds.json").write_text(json.dumps([sorted(fold) for fold in folds], indent=1), encoding="utf-8")
    of_fold = functools.partial(
        _fold,
        nights=nights,
        recipe=recipe,
        seed=seed,
        hypnograms=hypnograms,
        start=start,
        selection=selection,
        running=running,
    )
    runs = [None if run is None else run / f"fold_{index}" for index in range(len(folds))]
    if jobs == 1:
        predicted = [of_fold(*task) for task in zip(range(len(folds)), folds, runs, strict=True)]
    else:
        pool = ProcessPoolExecutor(jobs, get_context("spawn"), initializer=begin_worker, initargs=(os.getpid(),))
        try:
            predicted = list(pool.map(of_fold, range(len(folds)), folds, runs))
        except BaseException:
            for worker in active_children():
                worker.terminate()
            raise
        finally:
            pool.shutdown(cancel_futures=True)
    by_night = {index: prediction for fold in predicted for index, prediction in fold.items()}
    return [by_night[index] for index in sorted(by_night)]


def _fold(
    index: int,
    held_out: frozenset[tuple[str, str]],
    run: Path | None,
    *,
    nights: Sequence[LabelledNight],
    recipe: Recipe,
    seed: int,
    hypnograms: Path | None,
    start: Start | None,
    selection: Selection,
    running: Running,
) -> dict[int, Prediction]:
    torch.set_num_threads(max(1, int(os.environ.get("OMP_NUM_THREADS", "1"))))
    known = [night for night in nights if (night.dataset, night.subject) not in held_out]
    members = fit_members(
        known,
        recipe,
        seed=seed,
        hypnograms=hypnograms,
        run=run,
        start=start,
        selection=selection,
        running=running,
    )
    shown = groups_of(known).union(() if start is None else start.groups)
    network = Ensemble(members, recipe.spec, shown)
    alone = [Ensemble([member], recipe.spec, shown) for member in members]

    def prediction(night: LabelledNight) -> Prediction:
        every = extract(night.tracks, recipe.spec)
        return Prediction(
            night=night,
            fold=index,
            probabilities=predict(network, night, recipe.spec),
            members=tuple(probabilities(member, every, recipe.spec) for member in alone),
            losses=_with_losses(network, night, recipe.spec),
        )

    return {
        position: prediction(night)
        for position, night in enumerate(nights)
        if (night.dataset, night.subject) in held_out
    }
