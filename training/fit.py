"""Nights and a recipe -> networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from models.sequence import SequenceNet
from staging.errors import InputError
from training.batches import Mixed, NightDataset
from training.callbacks import KeepBest
from training.members import keep_member, take_up_member
from training.module import StagingModule
from training.night import LabelledNight
from training.passes import PassBatches, balanced
from training.provenance import claim_run
from training.recipe import Recipe, Stretch
from training.running import Running
from training.selection import Selection, split_off
from training.simulated import simulated_nights
from training.splice import Splicing
from training.start import Start
from training.stretch import train
from training.teaching import Teacher

__all__ = ["fit_members"]


def fit_members(
    nights: Sequence[LabelledNight],
    recipe: Recipe,
    *,
    seed: int = 0,
    hypnograms: Path | None = None,
    run: Path | None = None,
    start: Start | None = None,
    selection: Selection = Selection(),  # noqa: B008  (frozen)
    teacher: Teacher | None = None,
    running: Running = Running(),  # noqa: B008  (frozen)
) -> list[SequenceNet]:
    """Fit the members of an ensemble.

    Parameters
    ----------
    nights : sequence of LabelledNight
        All that may be learnt from: the simulator's tables are measured on them as well.
    recipe : Recipe
        How.
    seed : int
        Everything random follows from it.
    hypnograms : path, optional
        Folder of scored hypnograms that simulated nights may follow.
    run : path, optional
        Folder for logs, checkpoints and weights; a run that was broken off goes on from its last whole pass.
    start : Start, optional
        Networks to go on from, one a member, in place of weights drawn at random.
    selection : Selection
        Whether subjects are kept apart to choose the pass by, and whether the data sets get equal shares.
    teacher : Teacher, optional
        Networks to learn from, beside the labels.
    running : Running
        On what hardware, and which logs.

    Returns
    -------
    list of SequenceNet
        In evaluation mode, on the CPU.

    Raises
    ------
    InputError
        If the folder holds another fit, or the recipe asks for what is not there.
    """
    _check(recipe, start, running)
    learning, validating = split_off(nights, selection.validate, seed=seed)
    if run is not None:
        claim_run(
            run, nights, recipe, seed=seed, hypnograms=hypnograms, start=start, selection=selection, teacher=teacher
        )
    simulated: list[LabelledNight] = []
    pools = []
    if teacher is not None:
        learning, pools = teacher.teach(learning), [teacher.pool()]
    members = []
    for number in range(recipe.members):
        member_seed = seed * 1000 + number
        torch.manual_seed(member_seed)
        net = SequenceNet(recipe.shape())
        if take_up_member(net, run, number):
            members.append(net.eval())
            continue
        if recipe.simulated_nights and not simulated:
            simulated = simulated_nights(learning, recipe, seed=seed, hypnograms=hypnograms)
        if start is not None:
            net.load_state_dict(start.members[number].state_dict())
        folder = None if run is None else run / f"member_{number}"
        fitting = _Fitting(recipe=recipe, seed=member_seed, selection=selection, running=running)
        if recipe.first is not None:
            fitting.stretch(net, simulated, recipe.first, run=None if folder is None else folder / "first")
        best = fitting.stretch(
            net,
            learning,
            recipe.second,
            splicing=recipe.splicing,
            mixed=[Mixed(simulated, recipe.mixed_simulated if simulated else 0), *pools],
            taught_share=0.0 if teacher is None else teacher.share,
            validating=validating,
            run=None if folder is None else folder / "second",
        )
        keep_member(net, run, number, best, validating)
        members.append(net.eval())
    return members


def _check(recipe: Recipe, start: Start | None, running: Running) -> None:
    if start is not None and recipe.members != len(start.members):
        raise InputError(
            f"{recipe.members} members", f"{start.name} has {len(start.members)}", "fit as many as the start has"
        )
    if recipe.first is not None and recipe.simulated_nights == 0:
        raise InputError("the stretch on simulated nights", "there are none", "give --simulated-nights as well")
    running.check_shares(recipe.second.batch_size)


@dataclass(frozen=True, kw_only=True)
class _Fitting:
    """What the stretches of one member have in common."""

    recipe: Recipe
    seed: int
    selection: Selection
    running: Running

    def stretch(
        self,
        net: SequenceNet,
        nights: Sequence[LabelledNight],
        how: Stretch,
        *,
        splicing: Splicing | None = None,
        mixed: Sequence[Mixed] = (),
        taught_share: float = 0.0,
        validating: Sequence[LabelledNight] = (),
        run: Path | None,
    ) -> KeepBest | None:
        """One stretch of training, in place; the network gets the averaged weights, of the best pass if validated."""
        shown, copies = balanced(nights) if self.selection.balance else (nights, None)
        dataset = NightDataset(
            shown,
            self.recipe.spec,
            mixed=mixed,
            smoothing=self.recipe.smoothing,
            taught_share=taught_share,
            changes=self.recipe.changes,
            splicing=splicing,
            hidden_clock=self.recipe.hidden_clock,
            seed=self.seed,
        )
        module = StagingModule(net, learning_rate=how.learning_rate, weight_decay=how.weight_decay, seed=self.seed)
        return train(
            module,
            PassBatches(dataset, how.batch_size, copies=copies, n_nights=len(nights)),
            how,
            validation=self._validation(validating, how.batch_size) if validating else None,
            patience=self.selection.patience,
            running=self.running,
            run=run,
        )

    def _validation(self, nights: Sequence[LabelledNight], batch_size: int) -> PassBatches:
        dataset = NightDataset(nights, self.recipe.spec, smoothing=self.recipe.smoothing)
        return PassBatches(dataset, batch_size, shuffled=False)
