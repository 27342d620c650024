"""The model card: what the model is made from, how good it is, and what it was not tested on."""

from __future__ import annotations

from typing import Any

from staging.model import ModelSpec
from training.evaluate import MAIN_DATASET, to_markdown

__all__ = ["card", "headline"]

_TITLES = {"sleep_accel": "Sleep-Accel", "slpdb": "MIT-BIH Polysomnographic Database"}

LIMITS = """\
- **Temperature.** No night with temperature and scored polysomnography was at hand. The temperature inputs exist and
  were masked throughout: in this model temperature serves wear only. A model trained on nights that have
  it learns from it.
- **Who.** Healthy adults in one laboratory with one watch (Sleep-Accel), and men of 32-56 years, most with sleep
  apnoea, recorded by ECG alone (slpdb). Not tested on children, on people with insomnia, shift work, arrhythmia,
  Parkinson's disease or heart medication, nor at home, nor against another laboratory's scorers.
- **Sensors.** The heart rate of the scored nights is a watch's own, or an ECG's. Raw wrist PPG and the Empatica E4 are
  read by the same tracks, but no scored night of theirs was at hand: their accuracy is not known.
- **N1** is hardly found by any wearable, nor well agreed upon by people; do not report it alone.
- **Night totals** of a single night are uncertain by the limits of agreement above, whatever the mean bias.
- **Not a medical device**, and no diagnosis.
"""


def headline(results: dict[str, Any]) -> str:
    """The main figures in one line, which also goes into the model file."""
    datasets = results["datasets"]
    name = MAIN_DATASET if MAIN_DATASET in datasets else next(iter(datasets))
    figures = datasets[name]
    kappa = {k: figures["classes"][k]["pooled"]["kappa"] for k in ("5", "4", "3", "2")}
    folds = results["protocol"]["folds"]
    return f"Sleep-Accel, {figures['n_subjects']} subjects, {folds}-fold by subject: pooled kappa " + ", ".join(
        f"{value[0]:.3f} ({k} classes)" for k, value in kappa.items()
    )


def card(spec: ModelSpec, run: dict[str, Any], results: dict[str, Any], parity: float) -> str:
    """The card as Markdown.

    Parameters
    ----------
    spec : ModelSpec
        Of the model file.
    run : dict
        Description of the run (`training.provenance.describe_run`).
    results : dict
        Of ``evaluate``.
    parity : float
        Largest difference between torch and onnxruntime that the export found.

    Returns
    -------
    str
    """
    recipe = run["recipe"]
    data = "\n".join(f"- {line}" for line in spec.datasets)
    n_nights = sum(len(entry["nights"]) for entry in run["data"].values())
    folds = results["protocol"]["folds"]
    sources = " ".join(f"--data {name}=FOLDER" for name in run["data"])
    tables = to_markdown(results).replace("### ", "#### ")
    return f"""\
# {spec.name} {spec.version}

{spec.headline}.

## What it is

The mean of {recipe["members"]} networks: convolutions on heart rate and activity counts at 5-s steps, hand-made
features of every 30-s epoch, dilated convolutions over epochs ({recipe["width"]} channels) and attention over the whole
night. Input: any of heart rate (a watch's own, or from PPG or ECG beats), movement, posture; what is missing is masked.
Output: probabilities of W, N1, N2, N3, R for every 30-s epoch. Nothing is smoothed afterwards. Of W, LIGHT, DEEP and R
the likeliest is taken, W weighted by {spec.decision.wake_weight:.2f}; LIGHT is N1 where the share of N1 in it exceeds
{spec.decision.n1_share:.3f}. These two numbers make the totals of W and N1 right on predictions of unseen subjects (in
the figures below: of the other folds); the probabilities are left as they are.

Fitted on {n_nights} scored nights, {recipe["second"]["passes"]} passes, with {recipe["mixed_simulated"]} simulated
nights among them at every pass, a part of them awake and about, which the scored nights are not. The simulator's
resting heart rate, distances between stages and bursts of movement are measured anew on the nights of the fit; the rest
of it (lengths of bouts, surges, delays) keeps means of the whole of Sleep-Accel, the subjects below among them.
Features version {spec.features.version}; commit {spec.commit}; seed {run["seed"]}.
torch and onnxruntime agree to {parity:.1g} at several lengths and with every set of sensors.

## Data, licences, attribution

{data}

The hypnograms are what a half of the simulated nights follow. The weights are ours, under the licence of this package;
the data are not part of it.

## How good it is

Made by, and to be made again by:

    python -m training evaluate {sources} --hypnograms FOLDER \\
        --folds {folds} --seed {run["seed"]} --out RESULTS.json

Every figure is of subjects that the networks which predicted them never saw; the model that ships is fitted on all of
them by the same recipe. The recipe itself was developed on these same people in other splits (models/EXPERIMENTS.md),
so expect a little less on others. The subjects are few: mind the intervals.

{tables}
## What it was not tested on, and must not be used for

{LIMITS}
## How to make it again

    python -m training fit {sources} --hypnograms FOLDER --seed {run["seed"]} --out RUN
    python -m training export RUN --results RESULTS.json --version {spec.version} --out {spec.name}.onnx
"""
