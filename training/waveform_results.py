"""How well waveform networks stage nights of people they never saw: figures as JSON, and as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models.gate import missing_patterns
from models.waveform import WaveformStager
from models.waveform_spec import SENSORS
from staging.agreement.epochs import confusion, epoch_agreement
from staging.decision import LIKELIEST, decide
from staging.hypnogram import CLASSES, merge_matrix
from training.provenance import SIMULATED_NOTICE
from training.simulated import SIMULATED
from training.waveforms import LabelledWaveforms

__all__ = ["headline", "measure", "stage_probabilities", "to_table"]


def stage_probabilities(
    stager: WaveformStager, night: LabelledWaveforms, shown: Sequence[int] = range(len(SENSORS))
) -> NDArray[np.float32]:
    """Probabilities of a night's stages, float32 ``(S, 5)``, from the sensors shown."""
    *samples, mask = night.waveforms.arrays()
    mask *= np.isin(np.arange(len(SENSORS)), list(shown))
    with torch.no_grad():
        return np.asarray(stager.eval()(*map(torch.from_numpy, (*samples, mask))).numpy())


def measure(stager: WaveformStager, nights: Sequence[LabelledWaveforms]) -> dict[str, Any]:
    """Agreement with the scored stages, by data set, sensors shown and number of classes.

    Parameters
    ----------
    stager : WaveformStager
        Networks that never saw the nights' subjects.
    nights : sequence of LabelledWaveforms
        At least one.

    Returns
    -------
    dict
        JSON-able, by data set: ``n_nights``, ``n_subjects``, ``n_epochs``, and ``sensors``: pooled kappa, accuracy
        and macro-F1 of every set of recorded sensors, all of them first. Epochs count that were scored and that any
        sensor saw; the likeliest class is taken.
    """
    datasets = sorted({night.dataset for night in nights})
    return {name: _of_dataset(stager, [night for night in nights if night.dataset == name]) for name in datasets}


def _of_dataset(stager: WaveformStager, nights: Sequence[LabelledWaveforms]) -> dict[str, Any]:
    recorded = frozenset[str]().union(*(night.sensors for night in nights))
    patterns = [
        (present, names)
        for present, names in missing_patterns(SENSORS)
        if present and {SENSORS[sensor] for sensor in present} <= recorded
    ]
    return {
        "n_nights": len(nights),
        "n_subjects": len({night.subject for night in nights}),
        "n_epochs": int(sum(night.usable.sum() for night in nights)),
        "sensors": {names: _agreement(stager, nights, present) for present, names in reversed(patterns)},
    }


def _agreement(
    stager: WaveformStager, nights: Sequence[LabelledWaveforms], shown: Sequence[int]
) -> dict[str, dict[str, float]]:
    probabilities = [stage_probabilities(stager, night, shown) for night in nights]
    figures = {}
    for n_classes in CLASSES:
        merged = merge_matrix(5, n_classes).argmax(axis=1)
        matrices = [
            confusion(
                merged[night.reference[night.usable]], decide(found, n_classes, LIKELIEST)[night.usable], n_classes
            )
            for night, found in zip(nights, probabilities, strict=True)
        ]
        pooled = epoch_agreement(np.sum(matrices, axis=0))
        named = {"kappa": pooled.kappa, "accuracy": pooled.accuracy, "macro_f1": pooled.macro_f1}
        figures[str(n_classes)] = {name: round(float(value), 4) for name, value in named.items()}
    return figures


def headline(results: dict[str, Any]) -> str:
    """The main figures in one line, which also goes into the model file."""
    return "; ".join(
        f"{_title(name)}, {figures['n_subjects']} subjects never seen: pooled kappa "
        + ", ".join(f"{next(iter(figures['sensors'].values()))[str(k)]['kappa']:.3f} ({k} classes)" for k in CLASSES)
        for name, figures in results.items()
    )


def to_table(results: dict[str, Any]) -> str:
    """Kappa of every data set and set of sensors, as Markdown."""
    lines = []
    for name, figures in results.items():
        lines += [
            f"### {_title(name)}: {figures['n_subjects']} subjects never seen, {figures['n_epochs']} epochs",
            "",
            "| sensors | " + " | ".join(f"κ {k}" for k in CLASSES) + " |",
            "|---" * (len(CLASSES) + 1) + "|",
        ]
        for sensors, by_classes in figures["sensors"].items():
            lines.append(f"| {sensors} | " + " | ".join(f"{by_classes[str(k)]['kappa']:.3f}" for k in CLASSES) + " |")
        lines += [f"\n{SIMULATED_NOTICE}.", ""] if name == SIMULATED else [""]
    return "\n".join(lines)


def _title(dataset: str) -> str:
    return "simulated nights (no accuracy may be claimed)" if dataset == SIMULATED else dataset
