"""Predictions for every subject by networks that never saw that subject."""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.ensemble import Ensemble
from staging.errors import InputError
from staging.features import extract
from training.fit import fit_members
from training.folds import begin_folds
from training.night import LabelledNight
from training.predictions import Prediction, groups_of, predict, probabilities, with_losses
from training.provenance import claim_run, sign_fold
from training.recipe import Recipe
from training.running import Running
from training.selection import Selection
from training.start import Start
from training.stopping import begin_worker
from training.teaching import Teaching

__all__ = ["cross_validate", "split_by_subject"]


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
    teaching: Teaching | None = None,
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
    teaching : Teaching, optional
        Each fold's networks learn from those of the same fold in its run.

    Returns
    -------
    list of Prediction
        In the order of `nights`; only the held-out set's where one is given.

    Raises
    ------
    InputError
        If there are fewer subjects than folds, the set that is held out is all or none of the nights, several folds at
        a time are to share several devices, the teachers saw other folds, or the folder holds other ones.
    """
    if jobs > 1 and running.devices * running.nodes > 1:
        raise InputError(f"--jobs {jobs}", "each fold runs on several devices already", "give one job, or one device")
    n_subjects = len({(night.dataset, night.subject) for night in nights})
    if held_out is None and not 2 <= n_folds <= n_subjects:
        raise InputError(
            f"--folds {n_folds}", f"the nights are of {n_subjects} subjects", "give a number from 2 to that of subjects"
        )
    if held_out is not None and {night.dataset == held_out for night in nights} != {True, False}:
        raise InputError(
            f"--hold-out {held_out}",
            "it is no set of the data, or the only one, which leaves nothing to test on or to learn from",
            "give its --data, and that of another set",
        )
    if held_out is None:
        folds = split_by_subject(nights, n_folds, seed=seed)
    else:
        folds = [frozenset((night.dataset, night.subject) for night in nights if night.dataset == held_out)]
    if teaching is not None:
        teaching.check_folds(folds)
    runs: Sequence[Path | None] = [None] * len(folds) if run is None else begin_folds(run, folds, recipe)
    of_fold = functools.partial(
        _fold,
        nights=nights,
        recipe=recipe,
        seed=seed,
        hypnograms=hypnograms,
        start=start,
        selection=selection,
        teaching=teaching,
        running=running,
    )
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
    teaching: Teaching | None,
    running: Running,
) -> dict[int, Prediction]:
    torch.set_num_threads(max(1, int(os.environ.get("OMP_NUM_THREADS", "1"))))
    known = [night for night in nights if (night.dataset, night.subject) not in held_out]
    made_from: dict[str, Any] = {
        "seed": seed,
        "hypnograms": hypnograms,
        "start": start,
        "selection": selection,
        "teacher": None if teaching is None else teaching.of_fold(index, nights),
    }
    if run is not None:
        claim_run(run, known, recipe, **made_from)
        sign_fold(run, recipe.members)
    members = fit_members(known, recipe, run=run, running=running, **made_from)
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
            losses=with_losses(network, night, recipe.spec),
        )

    return {
        position: prediction(night)
        for position, night in enumerate(nights)
        if (night.dataset, night.subject) in held_out
    }
