"""The training command line: ``python -m training COMMAND``; see ``--help``, and ``COMMAND --help``."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from staging.errors import InputError, StagingError
from staging.files import refuse_place, write_atomically
from training.datasets import DATASETS, load_nights
from training.night import LabelledNight
from training.notices import notices
from training.options import (
    data_options,
    folders_of,
    recipe_options,
    recipe_with,
    running_of,
    running_options,
    selection_of,
    selection_options,
    teaching_of,
    teaching_options,
)
from training.recipe import Recipe
from training.running import Running
from training.stopping import Stopped, stoppable
from training.waveform_commands import add_waveform_commands

if TYPE_CHECKING:
    from training.start import Start

AFTER_A_STOP = "a run with a folder goes on from its last whole pass when the same command is given again"
START_HELP = "a .onnx file of `export`, the folder of a finished run, or `shipped`, the model of the package"


def main(arguments: list[str] | None = None) -> int:
    """Run a command; 0 fine, 2 bad input with one line, 128 and the signal's number where one ended it."""
    options = _parser().parse_args(arguments)
    try:
        with stoppable():
            return int(options.command(options))
    except StagingError as error:
        print(f"training: {error}", file=sys.stderr)
        return 2
    except Stopped as stopped:
        print(f"training: ended by {stopped}; {AFTER_A_STOP}", file=sys.stderr)
        return 128 + stopped.signal


def _fit(options: argparse.Namespace) -> int:
    return _fit_from(options, None)


def _finetune(options: argparse.Namespace) -> int:
    from training.start import load_start

    return _fit_from(options, load_start(options.start))


def _fit_from(options: argparse.Namespace, start: Start | None) -> int:
    from training.fit import fit_members
    from training.passes import rank_and_world
    from training.provenance import claim_run, describe_run, write_run

    teaching = teaching_of(options)
    nights, recipe, made_from, running = _asked_for(options, start)
    teacher = None if teaching is None else teaching.of_fit()
    claim_run(options.out, nights, recipe, teacher=teacher, **made_from)
    write_run(options.out, describe_run(nights, recipe, teaching=teaching, **made_from))
    fit_members(nights, recipe, run=options.out, running=running, teacher=teacher, **made_from)
    if rank_and_world()[0] == 0:
        print(f"{recipe.members} networks in {options.out}")
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    from training.crossval import cross_validate
    from training.evaluate import MAIN_DATASET, after_networks, report, to_markdown
    from training.folds import keep_hours_asleep
    from training.passes import rank_and_world
    from training.provenance import commits_of_folds, describe_run, write_run
    from training.run_files import RUN_FILE
    from training.start import load_start

    table_file = _table_beside(options.out)
    start = None if options.start is None else load_start(options.start)
    teaching = teaching_of(options)
    nights, recipe, made_from, running = _asked_for(options, start)
    described = describe_run(nights, recipe, teaching=teaching, **made_from)
    if start is not None:
        start.refuse_if_seen(nights, {name: data["attribution"] for name, data in described["data"].items()})
    predictions = cross_validate(
        nights,
        recipe,
        n_folds=options.folds,
        run=options.run,
        jobs=options.jobs,
        held_out=options.hold_out,
        running=running,
        teaching=teaching,
        **made_from,
    )
    if rank_and_world()[0] > 0:
        return 0
    evaluated_by = described["commit"]
    if options.run is not None:
        described["commit"] = commits_of_folds(options.run, len({each.fold for each in predictions}))
        if not (options.run / RUN_FILE).is_file():
            write_run(options.run, described)
    after = after_networks(predictions, None if start is None else start.hours_asleep)
    if options.run is not None:
        keep_hours_asleep(options.run, {fold: each.hours_asleep for fold, each in after.of_fold.items()})
    # What follows the networks is fitted on folds; of a set that was held out there is but one.
    decided = after.shipped if options.hold_out is None else next(iter(after.of_fold.values()))
    later = decided.hours_asleep
    developed = (
        "; the recipe and what follows the networks were developed on these subjects, in part in the ten folds of the "
        "shipped model's card (models/EXPERIMENTS.md)"
    )
    results = {
        "protocol": {
            "folds": options.folds,
            "held_out": options.hold_out,
            "split": "by subject" + (developed if MAIN_DATASET in described["data"] else ""),
            **described,
            "evaluated_by": evaluated_by,
        },
        "hours_asleep": None if later is None else later.describe(),
        "decision": dataclasses.asdict(decided.rule),
        "datasets": report(predictions, after),
    }
    table = to_markdown(results)
    write_atomically(options.out, json.dumps(results, indent=1) + "\n")
    write_atomically(table_file, table)
    print(table)
    return 0


def _table_beside(results: Path) -> Path:
    """Where the table goes; whether both files can be written is better known before hours of fitting."""
    from training.run_files import make_folder

    table = results.with_suffix(".md")
    for place in (results, table):
        refuse_place(place)
    if results == table:
        raise InputError(f"--out {results}", "the table goes into that file", "give it a name that ends in .json")
    make_folder(results.parent)
    return table


def _asked_for(
    options: argparse.Namespace, start: Start | None
) -> tuple[list[LabelledNight], Recipe, dict[str, Any], Running]:
    """Nights, recipe, what else decides the fit, and where it runs; values first, for nights take a while to read."""
    recipe = recipe_with(Recipe() if start is None else start.recipe(), options)
    running = running_of(options)
    made_from: dict[str, Any] = {
        "seed": options.seed,
        "hypnograms": options.hypnograms,
        "start": start,
        "selection": selection_of(options),
    }
    return _nights(options), recipe, made_from, running


def _export(options: argparse.Namespace) -> int:
    from training.shipping import export_run

    difference = export_run(
        options.run, options.out, results=options.results, name=options.name, version=options.version
    )
    print(f"{options.out}: torch and onnxruntime differ by at most {difference:.1g}")
    return 0


def _nights(options: argparse.Namespace) -> list[LabelledNight]:
    nights = load_nights(folders_of(options), strict=options.strict, cache=options.cache, jobs=options.jobs)
    for line in notices(nights):
        print(f"note: {line}", file=sys.stderr)
    return nights


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    learning = data_options()
    learning.add_argument(
        "--hypnograms", type=Path, metavar="FOLDER", help="scored hypnograms that simulated nights may follow"
    )
    of_a_fit = [learning, recipe_options(), selection_options(), teaching_options(), running_options()]

    fit = commands.add_parser("fit", parents=of_a_fit, help="fit the networks on all nights")
    fit.add_argument("--out", type=Path, required=True, metavar="RUN", help="folder for weights and logs")
    fit.set_defaults(command=_fit)

    finetune = commands.add_parser("finetune", parents=of_a_fit, help="fit further, gently, on nights of your own")
    finetune.add_argument("--from", dest="start", default="shipped", metavar="MODEL_OR_RUN", help=START_HELP)
    finetune.add_argument("--out", type=Path, required=True, metavar="RUN", help="folder for weights and logs")
    finetune.set_defaults(command=_finetune)

    evaluate = commands.add_parser("evaluate", parents=of_a_fit, help="cross-validate by subject")
    evaluate.add_argument("--from", dest="start", metavar="MODEL_OR_RUN", help=f"evaluate `finetune`: {START_HELP}")
    evaluate.add_argument("--folds", type=int, default=10)
    evaluate.add_argument("--hold-out", choices=DATASETS, help="test on this whole set instead of on folds")
    evaluate.add_argument("--out", type=Path, required=True, metavar="RESULTS.json", help="a table goes beside it")
    evaluate.add_argument("--run", type=Path, help="folder that keeps each fold, so that a broken run goes on")
    evaluate.set_defaults(command=_evaluate)

    export = commands.add_parser("export", help="write a run as one ONNX file, through the parity gate")
    export.add_argument("run", type=Path, metavar="RUN", help="folder of `fit`")
    export.add_argument("--out", type=Path, required=True, metavar="FILE.onnx", help="its card goes beside it")
    export.add_argument(
        "--results",
        type=Path,
        help="RESULTS.json of `evaluate`, for the card; may be left out after `finetune`, and the card says so",
    )
    export.add_argument("--name", help="of the model (default: staging-default, or staging-finetuned)")
    export.add_argument("--version", required=True, help="of the model")
    export.set_defaults(command=_export)
    add_waveform_commands(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
