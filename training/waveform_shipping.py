"""A finished run of the waveform network -> the model file and its card."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from models.waveform import WaveformNet, WaveformShape, WaveformStager
from models.waveform_export import WaveformModelSpec, export_waveforms
from models.waveform_spec import WaveformSpec, from_json_values
from staging.errors import InputError
from staging.files import write_atomically
from staging.hypnogram import CLASSES
from training.run_files import RUN_FILE, load_weights, member_file, read_json
from training.waveform_results import headline, to_table

__all__ = ["CARD_ENDING", "RESULTS_FILE", "export_waveform_run", "load_waveform_run"]

RESULTS_FILE = "results.json"
"""In a run's folder: figures on the subjects that were kept for testing."""

CARD_ENDING = ".card.md"
"""Of the card's name, after the model file's own."""


def load_waveform_run(run: Path) -> tuple[WaveformStager, dict[str, Any]]:
    """The networks of a run of ``fit-waveform``, blind to what they were never shown, and the run's description.

    Raises
    ------
    InputError
        If the folder holds no finished run.
    """
    description = _described(run / RUN_FILE)
    if description.get("kind") != "waveforms":
        raise InputError(run, "it holds no run of the waveform network", "give a folder of `fit-waveform`")
    try:
        shape = WaveformShape(**from_json_values(description["recipe"]["shape"]))
        n_members, sensors = int(description["recipe"]["members"]), list(description["sensors"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(run, f"its {RUN_FILE} cannot be read ({error})", "fit it again") from None
    members = []
    for number in range(n_members):
        net = WaveformNet(shape)
        load_weights(net, member_file(run, number))
        members.append(net.eval())
    return WaveformStager(members, sensors).eval(), description


def export_waveform_run(run: Path, out: Path, *, name: str, version: str) -> float:
    """Write the model file, and its card beside it.

    Parameters
    ----------
    run : path
        Folder of ``fit-waveform``.
    out : path
        The ``.onnx`` file.
    name, version : str
        Of the model.

    Returns
    -------
    float
        Largest difference of a probability between torch and onnxruntime.

    Raises
    ------
    InputError
        If the folder holds no finished run.
    OutputError
        If a file cannot be written.
    """
    stager, description = load_waveform_run(run)
    results = _described(run / RESULTS_FILE)
    spec = WaveformModelSpec(
        spec_version=1,
        name=name,
        version=version,
        stages=tuple(map(str, CLASSES[5])),
        inputs=WaveformSpec(**from_json_values(description["recipe"]["spec"])),
        sensors=tuple(description["sensors"]),
        datasets=tuple(data["attribution"] for data in description["data"].values()),
        commit=description["commit"],
        headline=headline(results) if results else "not tested",
    )
    difference = export_waveforms(stager, spec, out)
    write_atomically(out.with_name(out.stem + CARD_ENDING), _card(spec, description, results, difference))
    return difference


def _described(file: Path) -> dict[str, Any]:
    """What a JSON file of a run holds; nothing where there is no file."""
    return dict(read_json(file, mend="fit it again")) if file.is_file() else {}


def _card(spec: WaveformModelSpec, run: dict[str, Any], results: dict[str, Any], difference: float) -> str:
    nights = {name: len(data["nights"]) for name, data in run["data"].items()}
    fitted = ", ".join(f"{count} nights of {name}" for name, count in nights.items())
    data = "\n".join(f"- {line}" for line in spec.datasets)
    figures = to_table(results) if results else "No subject was kept for testing: nothing is known of how good it is.\n"
    return f"""\
# {spec.name} {spec.version}

{spec.headline}.

## What it is

A network of raw waveforms ({", ".join(spec.sensors)}), {run["recipe"]["members"]} member(s), fitted on {fitted} in
{run["recipe"]["stretch"]["passes"]} passes. Encoders by sensor, fusion and masking follow Carter & Tarassenko 2024
(wav2sleep), PPG at 34 Hz follows Kotzen et al. 2022 (SleepPPG-Net). Output: probabilities of {", ".join(spec.stages)}
for every 30-s epoch; sensors may be missing in any epoch. Seed {run["seed"]}, commit {spec.commit}.
torch and onnxruntime agree to {difference:.1g} at several lengths and with every set of sensors.

## Data, licences, attribution

{data}

## How good it is

Every figure is of subjects that the networks never saw, one split of them: mind how few they are.

{figures}
## What it must not be used for

Research software, not a medical device. Nothing is known of people, devices or laboratories that are not in the data
above. Simulated nights never support a claim of accuracy.
"""
