"""Nights and a recipe -> networks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from models.sequence import SequenceNet
from staging.errors import InputError
from training.batches import NightDataset
from training.callbacks import KeepBest
from training.module import StagingModule
from training.night import LabelledNight
from training.passes import PassBatches, balanced, rank_and_world
from training.provenance import claim_run
from training.recipe import Recipe, Stretch
from training.running import Running
from training.selection import Selection, split_off
from training.simulated import simulated_nights
from training.start import Start
from training.stretch import train

__all__ = ["VALIDATION_FILE", "fit_members"]

VALIDATION_FILE = "validation.json"
"""In a run's folder, where subjects were kept apart: who, and the pass that each network was kept of."""


def fit_members(
    nights: Sequence[LabelledNight],
    recipe: Recipe,
    *,
    seed: int = 0,
    hypnograms: Path | None = None,
    run: Path | None = None,
    start: Start | None = None,
    selection: Selection = Selection(),  # noqa: B008  (frozen)
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
        claim_run(run, nights, recipe, seed=seed, hypnograms=hypnograms, start=start, selection=selection)
    kept: dict[str, dict[str, float]] = {}
    simulated: list[LabelledNight] = []
    members = []
    for number in range(recipe.members):
        finished = None if run is None else run / f"member_{number}.pt"
        member_seed = seed * 1000 + number
        torch.manual_seed(member_seed)
        net = SequenceNet(recipe.shape())
        if finished is not None and finished.is_file():
            net.load_state_dict(torch.load(finished, weights_only=True))
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
            mixed=simulated,
            validating=validating,
            run=None if folder is None else folder / "second",
        )
        if finished is not None and rank_and_world()[0] == 0:
            if best is not None:
                kept[str(number)] = {"pass": best.kept_pass + 1, "validation_loss": best.loss}
                _note_validation(finished.with_name(VALIDATION_FILE), validating, kept)
            unfinished = finished.with_suffix(".part")
            torch.save(net.state_dict(), unfinished)
            unfinished.replace(finished)
        members.append(net.eval())
    return members


def _check(recipe: Recipe, start: Start | None, running: Running) -> None:
    if start is not None and recipe.members != len(start.members):
        raise InputError(
            f"{recipe.members} members", f"{start.name} has {len(start.members)}", "fit as many as the start has"
        )
    if recipe.first is not None and recipe.simulated_nights == 0:
        raise InputError("the stretch on simulated nights", "there are none", "give --simulated-nights as well")
    processes = running.devices * running.nodes
    if processes > recipe.second.batch_size:
        raise InputError(
            f"{processes} devices",
            f"they share batches of {recipe.second.batch_size} nights",
            "give fewer devices or a larger --batch-size",
        )


def _note_validation(file: Path, validating: Sequence[LabelledNight], kept: dict[str, dict[str, float]]) -> None:
    """Who was kept apart, and the pass of each member; members of before the run was broken off stay."""
    before = json.loads(file.read_text(encoding="utf-8"))["kept"] if file.is_file() else {}
    subjects = sorted({(night.dataset, night.subject) for night in validating})
    text = json.dumps({"subjects": subjects, "kept": before | kept}, indent=1)
    file.write_text(text + "\n", encoding="utf-8")


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
        mixed: Sequence[LabelledNight] = (),
        validating: Sequence[LabelledNight] = (),
        run: Path | None,
    ) -> KeepBest | None:
        """One stretch of training, in place; the network gets the averaged weights, of the best pass if validated."""
        shown, copies = balanced(nights) if self.selection.balance else (nights, None)
        dataset = NightDataset(
            shown,
            self.recipe.spec,
            mixed=mixed,
            n_mixed=self.recipe.mixed_simulated if mixed else 0,
            smoothing=self.recipe.smoothing,
            changes=self.recipe.changes,
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
