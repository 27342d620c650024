"""Commands of the waveform network: ``fit-waveform`` and ``export-waveform``."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from staging.errors import InputError
from training.options import (
    at_least,
    check_fit,
    data_options,
    folders_of,
    running_of,
    running_options,
    selection_of,
    selection_options,
)

if TYPE_CHECKING:
    from training.waveform_recipe import WaveformRecipe
    from training.waveforms import LabelledWaveforms

__all__ = ["add_waveform_commands"]


def add_waveform_commands(commands: Any) -> None:
    """Add the commands to the subparsers of the training command line."""
    parents = [data_options(required=False), selection_options(), running_options()]
    fit = commands.add_parser(
        "fit-waveform",
        parents=parents,
        help="fit the network of raw PPG, acceleration and temperature, and test it on subjects it never saw",
        description="Fit the network of raw PPG, acceleration and temperature on sets that have them (dreamt, mesa, "
        "cfs, newcastle, ...) or on simulated nights, and test it on subjects it never saw. Simulated nights show that "
        "it learns; no accuracy may be claimed on them.",
    )
    fit.add_argument("--out", type=Path, required=True, metavar="RUN", help="folder for weights, logs and figures")
    fit.add_argument(
        "--simulated", type=int, default=0, metavar="N", help="simulated nights to add; without --data, to fit on alone"
    )
    fit.add_argument(
        "--simulated-hours",
        type=float,
        nargs=2,
        default=(6.0, 9.0),
        metavar=("SHORTEST", "LONGEST"),
        help="time in bed of simulated nights (default: 6 9)",
    )
    fit.add_argument(
        "--test",
        type=float,
        default=0.2,
        metavar="SHARE",
        help="share of every set's subjects that nothing is learnt from, to test on (default: %(default)s)",
    )
    group = fit.add_argument_group("recipe")
    group.add_argument("--members", type=int, help="networks of the ensemble")
    group.add_argument("--passes", type=int, help="passes over the nights")
    group.add_argument("--batch-size", type=int, help="nights of a step, over all devices together")
    group.add_argument("--learning-rate", type=float, help="peak of its cycle")
    for name in ("width", "encoder-width", "learnt-width"):
        group.add_argument(f"--{name}", type=int, help="channels (see models/waveform.py)")
    fit.set_defaults(command=_fit)

    export = commands.add_parser(
        "export-waveform", help="write a run of `fit-waveform` as one ONNX file, through the parity gate"
    )
    export.add_argument("run", type=Path, metavar="RUN", help="folder of `fit-waveform`")
    export.add_argument("--out", type=Path, required=True, metavar="FILE.onnx", help="its card goes beside it")
    export.add_argument("--name", default="staging-waveform", help="of the model (default: %(default)s)")
    export.add_argument("--version", required=True, help="of the model")
    export.set_defaults(command=_export)


def _fit(options: argparse.Namespace) -> int:
    from models.waveform import WaveformStager
    from models.waveform_spec import SENSORS
    from training.passes import rank_and_world
    from training.provenance import claim_run, commit, describe_data, write_run
    from training.waveform_fit import fit_waveforms
    from training.waveform_results import measure, to_table
    from training.waveform_shipping import RESULTS_FILE

    recipe, running, selection = _recipe(options), running_of(options), selection_of(options)
    learning, testing = _nights(options)
    sensors = [sensor for sensor in SENSORS if any(sensor in night.sensors for night in learning)]
    claim_run(options.out, learning, recipe, seed=options.seed, selection=selection)
    description = {
        "kind": "waveforms",
        "commit": commit(),
        "seed": options.seed,
        "recipe": json.loads(recipe.to_json()),
        "selection": dataclasses.asdict(selection),
        "data": describe_data(learning),
        "tested_on": describe_data(testing),
        "sensors": sensors,
    }
    write_run(options.out, description)
    members = fit_waveforms(learning, recipe, seed=options.seed, run=options.out, selection=selection, running=running)
    if rank_and_world()[0] == 0:
        print(f"{recipe.members} networks of {', '.join(sensors)} in {options.out}")
        if testing:
            results = measure(WaveformStager(members, sensors), testing)
            (options.out / RESULTS_FILE).write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
            print(to_table(results))
    return 0


def _export(options: argparse.Namespace) -> int:
    from training.waveform_shipping import export_waveform_run

    difference = export_waveform_run(options.run, options.out, name=options.name, version=options.version)
    print(f"{options.out}: torch and onnxruntime differ by at most {difference:.1g}")
    return 0


def _nights(options: argparse.Namespace) -> tuple[list[LabelledWaveforms], list[LabelledWaveforms]]:
    """Nights to learn from, and nights of other subjects to test on: real ones where there are any."""
    from training.datasets import load_nights
    from training.selection import split_off
    from training.simulated import simulated_recordings
    from training.waveforms import WAVEFORMS, labelled_waveforms

    folders = folders_of(options)
    at_least(0, "simulated", options.simulated)
    if not folders and options.simulated == 0:
        raise InputError("fit-waveform", "it has no nights", "give --data NAME=FOLDER, or --simulated N")
    if not 0.0 <= options.test < 1.0:
        raise InputError(f"--test {options.test:g}", "it is no share", "give a number from 0 to below 1")
    shortest, longest = options.simulated_hours
    if not 1 / 6 <= shortest <= longest <= 24:
        raise InputError(f"--simulated-hours {shortest:g} {longest:g}", "it is no range", "give two of 0.17 to 24")
    real = load_nights(folders, kind=WAVEFORMS, strict=options.strict, cache=options.cache, jobs=options.jobs)
    recordings = simulated_recordings(options.simulated, seed=options.seed, duration_h=(shortest, longest))
    simulated = [labelled_waveforms(recording) for recording in recordings]
    learning, testing = split_off(real or simulated, options.test, seed=options.seed, option="--test")
    return learning + (simulated if real else []), testing


def _recipe(options: argparse.Namespace) -> WaveformRecipe:
    from training.waveform_recipe import WaveformRecipe

    check_fit(options)
    for name in ("width", "encoder_width", "learnt_width"):
        at_least(1, name, getattr(options, name))

    def given(*names: str) -> dict[str, Any]:
        values = {name: getattr(options, name) for name in names}
        return {name: value for name, value in values.items() if value is not None}

    recipe = WaveformRecipe(**given("members", "width", "encoder_width", "learnt_width"))
    heads = recipe.shape().heads
    if recipe.width % heads:
        raise InputError(f"--width {recipe.width}", f"{heads} attention heads share it", f"give a multiple of {heads}")
    stretch = dataclasses.replace(recipe.stretch, **given("passes", "batch_size", "learning_rate"))
    return dataclasses.replace(recipe, stretch=stretch)
