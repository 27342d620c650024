"""The training command line: ``python -m training fit | evaluate | export``; see ``--help`` of each."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path

from staging.errors import InputError, StagingError
from training.datasets import DATASETS, load_nights
from training.night import LabelledNight
from training.recipe import Recipe


def main(arguments: list[str] | None = None) -> int:
    """Run a command; 0 fine, 2 bad input with one line."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except StagingError as error:
        print(f"training: {error}", file=sys.stderr)
        return 2


def _fit(options: argparse.Namespace) -> int:
    from training.fit import fit_members
    from training.provenance import write_run

    nights, recipe = _nights(options), _recipe(options)
    options.out.mkdir(parents=True, exist_ok=True)
    write_run(options.out, nights, recipe, seed=options.seed, hypnograms=options.hypnograms)
    fit_members(
        nights,
        recipe,
        seed=options.seed,
        hypnograms=options.hypnograms,
        run=options.out,
        progress=sys.stderr.isatty(),
    )
    print(f"{recipe.members} networks in {options.out}")
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    from training.crossval import cross_validate
    from training.evaluate import report, rule_of, to_markdown
    from training.provenance import describe_run

    nights, recipe = _nights(options), _recipe(options)
    described = describe_run(nights, recipe, seed=options.seed, hypnograms=options.hypnograms)
    predictions = cross_validate(
        nights,
        recipe,
        n_folds=options.folds,
        seed=options.seed,
        hypnograms=options.hypnograms,
        run=options.run,
        jobs=options.jobs,
        held_out=options.hold_out,
    )
    results = {
        "protocol": {
            "folds": options.folds,
            "held_out": options.hold_out,
            "split": "by subject; the recipe was developed on these subjects in other splits (models/EXPERIMENTS.md)",
            **described,
        },
        "decision": dataclasses.asdict(rule_of(predictions)),
        "datasets": report(predictions),
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    table = to_markdown(results)
    options.out.with_suffix(".md").write_text(table, encoding="utf-8")
    print(table)
    return 0


def _export(options: argparse.Namespace) -> int:
    from training.shipping import export_run

    difference = export_run(
        options.run, options.out, results=options.results, name=options.name, version=options.version
    )
    print(f"{options.out}: torch and onnxruntime differ by at most {difference:.1g}")
    return 0


def _nights(options: argparse.Namespace) -> list[LabelledNight]:
    folders = {}
    for entry in options.data:
        dataset, separator, folder = entry.partition("=")
        if not separator:
            raise InputError(entry, "it is not NAME=FOLDER", f"name one of {', '.join(DATASETS)} before the folder")
        folders[dataset] = Path(folder)
    return load_nights(folders, strict=options.strict)


def _recipe(options: argparse.Namespace) -> Recipe:
    recipe = Recipe()
    changes = {name: getattr(options, name) for name in ("members", "simulated_nights", "mixed_simulated")}
    recipe = dataclasses.replace(recipe, **{name: value for name, value in changes.items() if value is not None})
    if options.passes is not None:
        recipe = dataclasses.replace(recipe, second=dataclasses.replace(recipe.second, passes=options.passes))
    return recipe


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    learning = argparse.ArgumentParser(add_help=False)
    learning.add_argument(
        "--data",
        action="append",
        required=True,
        metavar="NAME=FOLDER",
        help=f"a data set and its folder; NAME is one of {', '.join(DATASETS)}; repeat for more",
    )
    learning.add_argument(
        "--hypnograms", type=Path, metavar="FOLDER", help="scored hypnograms that simulated nights may follow"
    )
    learning.add_argument("--strict", action="store_true", help="stop at the first night that cannot be read")
    learning.add_argument("--seed", type=int, default=0)
    learning.add_argument("--members", type=int, help="networks of the ensemble")
    learning.add_argument("--passes", type=int, help="passes over the real nights")
    learning.add_argument("--simulated-nights", type=int, help="simulated nights to draw from; 0 does without")
    learning.add_argument("--mixed-simulated", type=int, help="simulated nights in every pass")

    fit = commands.add_parser("fit", parents=[learning], help="fit the networks on all nights")
    fit.add_argument("--out", type=Path, required=True, metavar="RUN", help="folder for weights and logs")
    fit.set_defaults(command=_fit)

    evaluate = commands.add_parser("evaluate", parents=[learning], help="cross-validate by subject")
    evaluate.add_argument("--folds", type=int, default=10)
    evaluate.add_argument("--hold-out", choices=DATASETS, help="test on this whole set instead of on folds")
    evaluate.add_argument("--out", type=Path, required=True, metavar="RESULTS.json", help="a table goes beside it")
    evaluate.add_argument("--run", type=Path, help="folder that keeps each fold, so that a broken run goes on")
    evaluate.add_argument("--jobs", type=int, default=1, help="folds at a time")
    evaluate.set_defaults(command=_evaluate)

    export = commands.add_parser("export", help="write a run as one ONNX file, through the parity gate")
    export.add_argument("run", type=Path, metavar="RUN", help="folder of `fit`")
    export.add_argument("--out", type=Path, required=True, metavar="FILE.onnx", help="its card goes beside it")
    export.add_argument("--results", type=Path, required=True, help="RESULTS.json of `evaluate`, for the card")
    export.add_argument("--name", default="staging-default")
    export.add_argument("--version", required=True, help="of the model")
    export.set_defaults(command=_export)
    return parser


if __name__ == "__main__":
    sys.exit(main())
