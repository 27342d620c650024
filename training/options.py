"""Options that commands of the training command line have in common."""

from __future__ import annotations

import argparse
import dataclasses
import math
import sys
from pathlib import Path

from staging.errors import InputError
from training.datasets import DATASETS, UNLABELLED, load_nights
from training.recipe import Recipe, Stretch
from training.run_files import read_run
from training.running import Running
from training.selection import Selection
from training.teaching import Teaching

__all__ = [
    "at_least",
    "check_fit",
    "data_options",
    "folders_of",
    "recipe_options",
    "recipe_with",
    "running_of",
    "running_options",
    "selection_of",
    "selection_options",
    "teaching_of",
    "teaching_options",
]


def data_options(*, required: bool = True) -> argparse.ArgumentParser:
    """Options that say which nights are read, and how; and the seed."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument(
        "--data",
        action="append",
        default=None if required else [],
        required=required,
        metavar="NAME=FOLDER",
        help=f"a data set and its folder; NAME is one of {', '.join(DATASETS)}; repeat for more",
    )
    parser.add_argument("--strict", action="store_true", help="stop at the first night that cannot be read")
    parser.add_argument(
        "--cache", type=Path, metavar="FOLDER", help="keep what is made of the nights here, and take it from here"
    )
    parser.add_argument(
        "--jobs", type=int, default=1, help="nights to read at a time; with evaluate folds too (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0)
    return parser


def folders_of(options: argparse.Namespace) -> dict[str, Path]:
    """The data sets that were asked for, and their folders.

    Raises
    ------
    InputError
        If one is not ``NAME=FOLDER``, or comes twice.
    """
    return _folders(options.data, DATASETS)


def _folders(entries: list[str], names: tuple[str, ...]) -> dict[str, Path]:
    folders: dict[str, Path] = {}
    for entry in entries:
        dataset, separator, folder = entry.partition("=")
        if not separator or not folder:
            raise InputError(entry, "it is not NAME=FOLDER", f"name one of {', '.join(names)} before the folder")
        if dataset not in names:
            raise InputError(dataset, "no such data set", f"choose from {', '.join(names)}")
        if dataset in folders:
            raise InputError(entry, f"it is a second folder of {dataset}", "put them into one")
        folders[dataset] = Path(folder)
    return folders


def recipe_options() -> argparse.ArgumentParser:
    """Options that change a recipe; one that is not given changes nothing."""
    parser = argparse.ArgumentParser(add_help=False)
    group = parser.add_argument_group("recipe")
    group.add_argument("--members", type=int, help="networks of the ensemble")
    group.add_argument("--passes", type=int, help="passes over the real nights")
    group.add_argument("--batch-size", type=int, help="nights of a step, over all devices together")
    group.add_argument("--learning-rate", type=float, help="peak of its cycle")
    group.add_argument("--simulated-nights", type=int, help="simulated nights to draw from; 0 does without")
    group.add_argument("--mixed-simulated", type=int, help="simulated nights in every pass")
    group.add_argument(
        "--passes-simulated", type=int, help="passes over simulated nights alone, before the real ones (default: none)"
    )
    return parser


def recipe_with(recipe: Recipe, options: argparse.Namespace) -> Recipe:
    """A recipe with the options that were given.

    Raises
    ------
    InputError
        If one of them is no number of what it counts.
    """
    check_fit(options)
    for name in ("simulated_nights", "mixed_simulated", "passes_simulated"):
        at_least(0, name, getattr(options, name))
    own = {name: getattr(options, name) for name in ("members", "simulated_nights", "mixed_simulated")}
    recipe = dataclasses.replace(recipe, **{name: value for name, value in own.items() if value is not None})
    of_stretch = {name: getattr(options, name) for name in ("passes", "batch_size", "learning_rate")}
    given = {name: value for name, value in of_stretch.items() if value is not None}
    recipe = dataclasses.replace(recipe, second=dataclasses.replace(recipe.second, **given))
    if options.passes_simulated:
        # There are many more simulated nights than real ones: larger batches, and an average that reaches as far.
        first = Stretch(passes=options.passes_simulated, batch_size=8, learning_rate=2e-3)
        recipe = dataclasses.replace(recipe, first=first)
    return recipe


def check_fit(options: argparse.Namespace) -> None:
    """Refuse numbers of nothing in what every fit has.

    Raises
    ------
    InputError
        If one of them is no number of what it counts.
    """
    at_least(0, "seed", options.seed)
    for name in ("members", "passes", "batch_size"):
        at_least(1, name, getattr(options, name))
    if options.learning_rate is not None and not 0.0 < options.learning_rate < math.inf:
        raise InputError(f"--learning-rate {options.learning_rate:g}", "it is no rate", "give a number above 0")


def at_least(least: int, name: str, value: int | None) -> None:
    """Refuse the value of an option that is smaller; None was not given.

    Raises
    ------
    InputError
        If it is.
    """
    if value is not None and value < least:
        raise InputError(f"--{name.replace('_', '-')} {value}", "it is too small", f"give {least} or more")


def selection_options() -> argparse.ArgumentParser:
    """Options of `Selection`."""
    parser = argparse.ArgumentParser(add_help=False)
    group = parser.add_argument_group("selection")
    default = Selection()
    group.add_argument(
        "--validate",
        type=float,
        default=default.validate,
        metavar="SHARE",
        help="keep this share of every set's subjects apart, and the pass that is best on them (default: none)",
    )
    group.add_argument(
        "--patience",
        type=int,
        default=default.patience,
        metavar="PASSES",
        help="with --validate: end after so many passes without a better one (default: %(default)s)",
    )
    group.add_argument(
        "--balance", action="store_true", help="give every data set the same share of a pass, whatever its size"
    )
    return parser


def selection_of(options: argparse.Namespace) -> Selection:
    """The selection that was asked for."""
    return Selection(validate=options.validate, patience=options.patience, balance=options.balance)


def teaching_options() -> argparse.ArgumentParser:
    """Options of `Teaching`."""
    parser = argparse.ArgumentParser(add_help=False)
    group = parser.add_argument_group("distillation")
    group.add_argument(
        "--teacher",
        type=Path,
        metavar="RUN",
        help="learn from the networks of a finished run as well: `fit` from those of a `fit`, `evaluate` from those of "
        "an `evaluate --run` with the same folds; with --validate, they should have been made with it too",
    )
    group.add_argument(
        "--unlabelled",
        action="append",
        default=[],
        metavar="NAME=FOLDER",
        help=f"nights that nobody scored, for the teacher to stage; NAME is one of {', '.join(UNLABELLED)}; repeat",
    )
    return parser


def teaching_of(options: argparse.Namespace) -> Teaching | None:
    """The teaching that was asked for.

    Raises
    ------
    StagingError
        If there are unlabelled nights and no teacher, or a teacher or nights that cannot be read.
    """
    if options.teacher is None:
        if options.unlabelled:
            raise InputError("--unlabelled", "there is nobody to stage those nights", "give --teacher as well")
        return None
    folders = _folders(options.unlabelled, UNLABELLED)
    read_run(options.teacher)
    unlabelled = load_nights(folders, strict=options.strict, cache=options.cache, jobs=options.jobs) if folders else []
    return Teaching(run=options.teacher, unlabelled=unlabelled)


def running_options() -> argparse.ArgumentParser:
    """Options of `Running`."""
    parser = argparse.ArgumentParser(add_help=False)
    group = parser.add_argument_group("hardware and logs")
    default = Running()
    group.add_argument(
        "--accelerator", default=default.accelerator, help="auto, cpu, gpu or mps (default: %(default)s)"
    )
    group.add_argument("--devices", type=int, default=default.devices, help="on each machine (default: %(default)s)")
    group.add_argument("--nodes", type=int, default=default.nodes, help="machines (default: %(default)s)")
    group.add_argument("--strategy", default=default.strategy, help="auto or ddp (default: %(default)s)")
    group.add_argument(
        "--precision", default=default.precision, help="32-true, bf16-mixed or 16-mixed (default: %(default)s)"
    )
    group.add_argument("--tensorboard", action="store_true", help="TensorBoard's files beside the CSV of each stretch")
    return parser


def running_of(options: argparse.Namespace) -> Running:
    """Hardware and logs that were asked for; progress bars where somebody looks at them."""
    return Running(
        accelerator=options.accelerator,
        devices=options.devices,
        nodes=options.nodes,
        strategy=options.strategy,
        precision=options.precision,
        tensorboard=options.tensorboard,
        progress=sys.stderr.isatty(),
    )
