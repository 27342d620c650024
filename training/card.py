"""The model card: what the model is made from, how good it is, and what it was not tested on."""

from __future__ import annotations

import dataclasses
from typing import Any

from models.hours_asleep import HoursAsleep
from staging.decision import DecisionRule
from staging.hypnogram import CLASSES
from staging.model import ModelSpec
from training.evaluate import MAIN_DATASET, to_markdown
from training.lineage import attributions
from training.recipe import Recipe
from training.start import GENTLE

__all__ = ["card", "headline", "with_intervals"]

_TITLES = {"sleep_accel": "Sleep-Accel", "slpdb": "MIT-BIH Polysomnographic Database"}

_FITTED, _FOLDS = "RUN_OF_TEACHERS", "FOLDS_OF_TEACHERS"
"""Stand for the folders of ``fit`` and of ``evaluate --run`` whose networks taught."""

_NO_TEMPERATURE = """\
- **Temperature.** No night with temperature and scored polysomnography was at hand. The temperature inputs exist and
  were masked throughout: in this model temperature serves wear only. A model trained on nights that have
  it learns from it.
"""

_OF_THE_PUBLIC_SETS = """\
- **Who.** Healthy adults in one laboratory with one watch (Sleep-Accel), and men of 32-56 years, most with sleep
  apnoea, recorded by ECG alone (slpdb). Not tested on children, on people with insomnia, shift work, arrhythmia,
  Parkinson's disease or heart medication, nor at home, nor against another laboratory's scorers.
- **Sensors.** The heart rate of the scored nights is a watch's own, or an ECG's. Raw wrist PPG and the Empatica E4 are
  read by the same tracks, but no scored night of theirs was at hand: their accuracy is not known.
"""

_OF_OTHER_SETS = """\
- **Who, and with what.** People, devices and scorers other than those of the data above.
"""

_ALWAYS = """\
- **N1** is hardly found by any wearable, nor well agreed upon by people; do not report it alone.
- **Night totals** of a single night are uncertain by the limits of agreement above, whatever the mean bias.
- **Not a medical device**, and no diagnosis.
"""


def headline(run: dict[str, Any], results: dict[str, Any] | None) -> str:
    """The main figures in one line, which also goes into the model file.

    Parameters
    ----------
    run : dict
        Description of the run (`training.provenance.describe_run`).
    results : dict or None
        Of ``evaluate``; without them the line says that there are none.

    Returns
    -------
    str
    """
    further = f"{run['start']['name']} fitted further" if run.get("start") else ""
    if results is None:
        return f"{further} on {_n_nights(run)} nights; not evaluated"
    name, figures = _main(results)
    kappa = {k: figures["classes"][k]["pooled"]["kappa"] for k in ("5", "4", "3", "2")}
    folds = results["protocol"]["folds"]
    return (
        f"{further + ': ' if further else ''}{_TITLES.get(name, name)}, {figures['n_subjects']} subjects, "
        f"{folds}-fold by subject: pooled kappa "
        + ", ".join(f"{_figure(value[0])} ({k} classes)" for k, value in kappa.items())
    )


def _main(results: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Name and figures of the set that stands for all."""
    datasets = results["datasets"]
    name = MAIN_DATASET if MAIN_DATASET in datasets else next(iter(datasets))
    return name, datasets[name]


def card(
    spec: ModelSpec,
    run: dict[str, Any],
    results: dict[str, Any] | None,
    parity: float,
    hours_asleep: HoursAsleep | None = None,
) -> str:
    """The card as Markdown.

    Parameters
    ----------
    spec : ModelSpec
        Of the model file.
    run : dict
        Description of the run (`training.provenance.describe_run`).
    results : dict or None
        Of ``evaluate``; only a model fitted further may go without.
    parity : float
        Largest difference between torch and onnxruntime that the export found.
    hours_asleep : HoursAsleep, optional
        What follows the networks.

    Returns
    -------
    str
    """
    recipe = run["recipe"]
    return f"""\
# {spec.name} {spec.version}

{spec.headline}.

## What it is

{_networks(recipe)}: convolutions on heart rate and activity counts at 5-s steps, hand-made
features of every 30-s epoch, dilated convolutions over epochs ({recipe["width"]} channels) and attention over the whole
night. Input: any of heart rate (a watch's own, or from PPG or ECG beats), movement, posture; what is missing is masked.
Output: probabilities of W, N1, N2, N3, R for every 30-s epoch. Nothing is smoothed afterwards.
{_hours_asleep(hours_asleep)}Of W, LIGHT, DEEP and R
the likeliest is taken, {_wake(spec.decision)}; LIGHT is N1 where the share of N1 in it exceeds
{spec.decision.n1_share:.3f}. {_decision(results)}

{_how_fitted(run)}
Features version {spec.features.version}; commit {spec.commit}; seed {run["seed"]}.
torch and onnxruntime agree to {parity:.1g} at several lengths and with every set of sensors.

## Data, licences, attribution

{_data(spec, run)}
## How good it is

{_figures(run, results)}
## What it was not tested on, and must not be used for

{_limits(spec, run)}
## How to make it again

    python -m training {_fit(run, _FITTED)} --out RUN
    python -m training export RUN {"" if results is None else "--results RESULTS.json "}--version {spec.version} \
--out {spec.name}.onnx
"""


def _hours_asleep(later: HoursAsleep | None) -> str:
    if later is None:
        return ""
    said = later.describe()
    slopes = ", ".join(f"{stage} {slope:+.2f}" for stage, slope in zip(CLASSES[5], said["slopes"], strict=True))
    return f"""\
Deep sleep comes early in a night and REM sleep late, more so than the networks alone say: the logarithm of each
probability grows by a slope ({slopes}) times log(1 + hours asleep so far)
− {said["centre"]:.2f}, hours asleep by the networks' own probabilities. The slopes were fitted on predictions of
unseen subjects (in the figures below: of the other folds). Without the clock (rows without it below) they do nothing.
A recording that begins in the middle of a night is taken for its beginning, to its harm.
"""


_INTERVALS = "## How far its intervals are to be trusted"
_AFTER_INTERVALS = "## What it was not tested on"


def with_intervals(text: str, report: dict[str, Any], table: str) -> str:
    """A card with a section on the posteriors that were put into its model, in place of the one that it may have.

    Parameters
    ----------
    text : str
        A `card`.
    report, table : dict, str
        Of `training.intervals`.

    Returns
    -------
    str
    """
    before, after = text.split(_AFTER_INTERVALS)
    section = f"""\
{_INTERVALS}

Each metric of a night comes with an interval, from hypnograms that the probabilities allow
(`staging.architecture.draw_hypnograms`). How far they are to be trusted was measured on the predictions above, by

    python -m training.intervals FOLDS --data {report["dataset"]}=FOLDER ... --out INTERVALS.json --into MODEL.onnx

{table}
"""
    return before.partition(_INTERVALS)[0] + section + _AFTER_INTERVALS + after


def _networks(recipe: dict[str, Any]) -> str:
    return "One network" if recipe["members"] == 1 else f"The mean of {recipe['members']} networks"


def _n_nights(run: dict[str, Any]) -> int:
    return sum(len(entry["nights"]) for entry in run["data"].values())


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _options(run: dict[str, Any], teachers: str) -> str:
    """The options of the command line that a run was asked for by, but for where its results go."""
    sources = [f"--data {name}=FOLDER" for name in run["data"]]
    sources += ["--hypnograms FOLDER"] * bool(run["hypnograms"]) + ["--from MODEL_OR_RUN"] * bool(run.get("start"))
    recipe, selection, base = run["recipe"], run.get("selection") or {}, Recipe()
    usual: dict[str, Any] = {"members": base.members, "simulated-nights": base.simulated_nights}
    usual |= {"mixed-simulated": base.mixed_simulated}
    if run.get("start"):
        usual = {"members": recipe["members"], "simulated-nights": 0, "mixed-simulated": 0}
    stretch = dataclasses.asdict(GENTLE if run.get("start") else base.second)
    asked = [(option, recipe[option.replace("-", "_")], value) for option, value in usual.items()]
    asked += [
        (option, recipe["second"][option.replace("-", "_")], stretch[option.replace("-", "_")])
        for option in ("passes", "batch-size", "learning-rate")
    ]
    asked.append(("passes-simulated", (recipe["first"] or {}).get("passes"), None))
    asked.append(("validate", selection.get("validate", 0.0), 0.0))
    if selection.get("validate"):
        asked.append(("patience", selection["patience"], None))
    text = "".join(f" --{option} {value:g}" for option, value, default in asked if value != default)
    if "teaching" in run:
        text += f" --teacher {teachers}" + "".join(f" --unlabelled {name}=FOLDER" for name in run["teaching"]["data"])
    return " ".join(sources) + text + " --balance" * bool(selection.get("balance")) + f" --seed {run['seed']}"


def _fit(run: dict[str, Any], teachers: str) -> str:
    """The command that made a run's networks, but for where they go."""
    return f"{'finetune' if run.get('start') else 'fit'} {_options(run, teachers)}"


def _decision(results: dict[str, Any] | None) -> str:
    if results is None:
        return "The rule is that of the model that it began from."
    return """\
That share makes the total of N1 right on predictions of
unseen subjects (in the figures below: of the other folds); the probabilities are left as they are."""


def _wake(rule: DecisionRule) -> str:
    least, most = rule.least_wake_weight, rule.most_wake_weight
    if least == most:
        return f"W weighted by {least:.2f}"
    return f"W weighted by {least:g} to {most:g} so that each night has as much of it\nas its probabilities add up to"


def _how_fitted(run: dict[str, Any]) -> str:
    recipe, start, selection = run["recipe"], run.get("start"), run.get("selection") or {}
    nights = f"on {_n_nights(run)} scored nights, {recipe['second']['passes']} passes"
    if start:
        nights = (
            f"It began from the networks of **{start['name']}** (commit {start['commit']}), fitted further {nights}\n"
            f"at a peak rate of {recipe['second']['learning_rate']:g}"
        )
    else:
        nights = f"Fitted {nights}"
    text = f"{nights}."
    if recipe["simulated_nights"] and recipe["mixed_simulated"]:
        text = f"""\
{nights}, with {recipe["mixed_simulated"]} simulated
nights among them at every pass, a part of them awake and about, which the scored nights are not. The simulator's
resting heart rate, distances between stages and bursts of movement are measured anew on the nights of the fit; the rest
of it (lengths of bouts, surges, delays) keeps means of the whole of Sleep-Accel, the subjects below among them."""
    splicing = recipe.get("splicing")  # Runs of before there was any do not say.
    if splicing:
        windows = splicing.get("windows", 1)  # There was one before the choice.
        spliced = 1.0 - (1.0 - splicing["probability"]) ** windows
        some = "a window of another sleeper's night" if windows == 1 else f"up to {windows} windows of others' nights"
        text += f"""
At every pass about {spliced:.0%} of the scored nights, others each time, had {some} in
them, stages included, if another subject of the set had the same sensors: such nights are harder to learn by heart."""
    if selection.get("validate"):
        text += f"""
Of every set {selection["validate"]:.0%} of the subjects were kept apart, and the pass that was best on them was kept;
the fit ended after {selection["patience"]} passes without a better one, if not before."""
    if "teaching" in run:
        teaching, teacher = run["teaching"], run["teaching"]["teacher"]
        share = f"{teaching['share']:.0%}"
        text += f"""
It learnt from other networks as well: of what it was to say of a scored epoch, {share} is what they say."""
        n_unscored = sum(len(data["nights"]) for data in teaching["data"].values())
        if n_unscored:
            text += f"""
At every pass it learnt what they say of {teaching["mixed"]}, drawn from {n_unscored} nights that nobody scored."""
        text += f"""
They ({_networks(teacher["recipe"]).lower()}) are made by

    python -m training {_fit(teacher, "THEIR_" + _FITTED)} --out {_FITTED}

and for the figures below, where the teachers of a fold never saw its subjects, by `evaluate` with the same options and
`--run {_FOLDS}`."""
    if selection.get("balance"):
        text += "\nEvery set had the same share of a pass, whatever its size."
    return text


def _data(spec: ModelSpec, run: dict[str, Any]) -> str:
    start, listed = run.get("start"), []
    if start:
        listed += [f"The networks of {start['name']}, which this model began from, were fitted on:", ""]
        listed += [*(f"- {line}" for line in start["datasets"]), "", "It was fitted further on:", ""]
        own = list(attributions(run))
    else:
        own = list(spec.datasets)
    listed += [f"- {line}" for line in own]
    simulated = "The hypnograms are what a half of the simulated nights follow. " if run["hypnograms"] else ""
    ours = "The weights are ours, under the licence of this package;\nthe data are not part of it."
    theirs = "The data are not part of it, but it may tell of them: mind their licences before it is passed on."
    return "\n".join(listed) + f"\n\n{simulated}{theirs if start else ours}\n"


def _figures(run: dict[str, Any], results: dict[str, Any] | None) -> str:
    if results is None:
        return f"""\
It was not evaluated. Evaluate it, and export it with the results, before any figure of a night is relied upon:

    python -m training evaluate {_options(run, _FOLDS)} --folds N --out RESULTS.json
"""
    tables = to_markdown(results).replace("### ", "#### ")
    developed = """
The recipe itself was developed on these same people, in part in the ten folds of the shipped model's card
(models/EXPERIMENTS.md), so expect a little less on others."""
    return f"""\
Made by, and to be made again by:

    python -m training evaluate {_options(run, _FOLDS)} \\
        --folds {results["protocol"]["folds"]} --out RESULTS.json --run FOLDS

Every figure is of subjects that the networks which predicted them never saw; the model that ships is fitted on all of
them by the same recipe.{developed if MAIN_DATASET in run["data"] else ""} The subjects are few: mind the intervals.
{_by_seed(results)}
{tables}"""


def _by_seed(results: dict[str, Any]) -> str:
    """How far the figures move when all is made again otherwise; empty where one network has nothing beside it."""
    name, figures = _main(results)
    alone = [kappa for member in figures.get("members", ()) if (kappa := member["4"]["kappa"][0]) is not None]
    if len(alone) < 2:
        return ""
    return f"""
Made again by the same code, with the same libraries, on the same kind of machine, the figures are the same. Otherwise
they move as the networks, which differ in their seed, lie apart: on {_TITLES.get(name, name)} each alone has a κ of
{min(alone):.3f} to {max(alone):.3f} in 4 classes. Their mean moves less.
"""


def _limits(spec: ModelSpec, run: dict[str, Any]) -> str:
    text = "" if "temperature" in spec.groups else _NO_TEMPERATURE
    if run.get("start"):
        text += f"""\
- **What {run["start"]["name"]} was not tested on**, in its own card, but for what the nights above have added.
"""
    text += _OF_THE_PUBLIC_SETS if set(run["data"]) == set(_TITLES) else _OF_OTHER_SETS
    return text + _ALWAYS
