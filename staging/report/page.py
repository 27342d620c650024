"""A scored night -> one HTML file that needs nothing else: no network, no fonts, no other file.

Everything that came from outside (names of files, devices, subjects, warnings) is escaped, and the content security
policy lets nothing run or load but the one style sheet and the one script that are written here, by their hash.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

import staging
from staging.architecture import definitions
from staging.architecture.registry import GROUPS
from staging.hypnogram import Stage
from staging.report.figures import figures
from staging.report.svg import escape
from staging.scored import HEADLINES, ROWS, SENSOR_NAMES, STAGE_METRICS, STAGE_NAMES, ModelIdentity, ScoredNight
from staging.wording import minutes_text, range_text, value_text, whole_pct, zone_name

__all__ = ["NOT_MEDICAL", "document", "footer", "night_page", "render", "unbroken"]

_HATCH = (
    '<svg class="defs" aria-hidden="true"><defs><pattern id="hatch" width="7" height="7" '
    'patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line class="hatch" x1="0" x2="0" y1="0" y2="7"/>'
    "</pattern></defs></svg>"
)

NOT_MEDICAL = (
    "This is research software and not a medical device. Stages from a wearable are estimates: they do not replace "
    "polysomnography scored by a person, and nothing here is a diagnosis or a ground for treatment."
)
_SIMULATED = "Simulated night: no person slept it. It shows how a report looks; it says nothing about accuracy."

_JOINED_DASH = "\N{WORD JOINER}–\N{WORD JOINER}"
"""The dash of a range that no line breaks at."""


def render(night: ScoredNight) -> str:
    """The report of a night.

    Parameters
    ----------
    night : ScoredNight
        The night.

    Returns
    -------
    str
        A whole HTML document.
    """
    return document(
        f"Sleep report: {escape(night.name)}",
        [
            _header(night),
            _tiles(night),
            _composition(night),
            _warnings(night),
            _charts(night),
            _statement(night),
            _metrics(night),
            footer(night.model, night.file_name),
        ],
        simulated=night.simulated,
        values=_epochs(night),
    )


def document(title: str, parts: Sequence[str], *, simulated: bool, values: str = "", more_style: str = "") -> str:
    """A whole HTML document of escaped parts, with the style, and the script where there are values for it.

    Parameters
    ----------
    title : str
        Escaped.
    parts : sequence of str
        What stands on the page.
    simulated : bool
        Whether a banner says that nobody slept this.
    values : str
        JSON of the epochs for the script; none without.
    more_style : str
        Name of a second style sheet of this package.
    """
    style = _resource("report.css") + (_resource(more_style) if more_style else "")
    script = _resource("report.js") if values else ""
    scripts = f"script-src '{_digest(script)}'; " if script else ""
    policy = f"default-src 'none'; style-src '{_digest(style)}'; {scripts}base-uri 'none'; form-action 'none'"
    run = [f'<script type="application/json" id="epochs">{values}</script>', f"<script>{script}</script>"]
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="referrer" content="no-referrer">',
            f'<meta name="generator" content="staging {escape(staging.__version__)}">',
            f"<title>{title}</title>",
            f"<style>{style}</style>",
            "</head>",
            "<body>",
            f'<div class="banner" role="note"><p>{_SIMULATED}</p></div>' if simulated else "",
            _HATCH,
            "<main>",
            *parts,
            "</main>",
            *(run if script else []),
            "</body>",
            "</html>",
            "",
        ]
    )


def night_page(night: ScoredNight, label: str, *, prefix: str) -> str:
    """A night as a part of a report of several: its figures, how it was spent, and its panels.

    Parameters
    ----------
    night : ScoredNight
        The night.
    label : str
        What it is called there.
    prefix : str
        Put before the ids of its panels, which must differ within a document.
    """
    return (
        f'<section class="nightpage" id="{escape(prefix)}"><header><h2>Night of <bdi>{escape(label)}</bdi></h2>'
        f'<p class="when">{escape(night.clock.span())}</p></header>{_tiles(night)}{_composition(night)}'
        f'{_warnings(night)}<section class="card">{figures(night, prefix=prefix)}</section></section>'
    )


@cache
def _resource(name: str) -> str:
    return (files("staging.report") / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def _header(night: ScoredNight) -> str:
    facts = [
        night.tracks.device or "device unknown",
        f"subject {night.tracks.subject}" if night.tracks.subject else "",
        night.file_name,
        f"{len(night.hypnogram)} epochs of {night.hypnogram.epoch_s:g} s",
    ]
    said = " · ".join(f"<bdi>{escape(fact)}</bdi>" for fact in facts if fact)
    return (
        f"<header><h1><bdi>{escape(night.name)}</bdi></h1>"
        f'<p class="when">{escape(night.clock.span())}, {minutes_text(night.hypnogram.duration_s / 60)}</p>'
        f'<p class="facts">{said}</p></header>'
    )


def _tiles(night: ScoredNight) -> str:
    metrics = night.architecture.metrics
    tiles = []
    for name, label in HEADLINES:
        value = metrics[name]
        text = value_text(value, "%") if name.endswith("_pct") else minutes_text(value)
        note = ""
        if name == "tst_min":
            note = f"of {minutes_text(metrics['tib_min'])} {'in bed' if night.lights_known else 'recorded'}"
        elif name == "rem_latency_min":
            note = "from sleep onset"
        tiles.append((label, text, "<br>".join(part for part in (_between(night, name, 0), note) if part)))
    confidence, unsure = night.mean_confidence(), night.unsure_share()
    if confidence is not None and unsure is not None:
        tiles.append(("Mean confidence", f"{confidence:.2f}", f"{100 * unsure:.0f} % of epochs below 0.5"))
    return (
        '<dl class="tiles">'
        + "".join(
            f'<div class="tile"><dt>{label}</dt><dd>{unbroken(text)}</dd><dd class="aside">{note}</dd></div>'
            for label, text, note in tiles
        )
        + "</dl>"
    )


def _between(night: ScoredNight, name: str, decimals: int) -> str:
    """A metric's interval in words; empty where the model gives none, or the night has no such metric."""
    if night.intervals is None or night.architecture.metrics[name] is None:
        return ""
    interval, definition = night.intervals[name], definitions()[name]
    text = range_text(interval.low, interval.high, definition.unit, decimals).replace("–", _JOINED_DASH)
    return f"{unbroken(f'{100 * interval.level:g} %')} range {unbroken(text)}"


def unbroken(text: str) -> str:
    """A value whose numbers stay with their units when it must wrap."""
    return re.sub(r"(\d) ", "\\1\N{NO-BREAK SPACE}", text)


def _composition(night: ScoredNight) -> str:
    """How the time was spent: one bar, and the same in words, which is the legend of the stages as well."""
    metrics, rows = night.architecture.metrics, ROWS[night.hypnogram.n_classes]
    minutes = {stage: metrics[STAGE_METRICS[stage][0]] or 0.0 for stage in rows}
    minutes[Stage.UNSCORED] = metrics["unscored_min"] or 0.0
    total = sum(minutes.values()) or 1.0
    bar, items, at = "", "", 0.0
    for stage, length in minutes.items():
        share = 100.0 * length / total
        bar += f'<rect class="s-{stage}" x="{at:.3f}%" width="{share:.3f}%" height="26"/>'
        at += share
        if stage is Stage.UNSCORED and not length:
            continue
        of_sleep = STAGE_METRICS.get(stage, ("", None))[1]
        pct = metrics[of_sleep] if of_sleep else None
        items += (
            f'<li><svg aria-hidden="true"><rect class="s-{stage}" width="12" height="12" rx="3"/></svg>'
            f"<strong>{STAGE_NAMES.get(stage, 'Unscored')}</strong><span>{minutes_text(length)}</span>"
            + (f"<span>{value_text(pct, '%')} of sleep</span>" if pct is not None else "")
            + (f"<span>{_between(night, STAGE_METRICS[stage][0], 0)}</span>" if stage in STAGE_METRICS else "")
            + "</li>"
        )
    return (
        '<section class="card"><h2>Stages</h2>'
        f'<svg class="stagebar" aria-hidden="true">{bar}</svg><ul class="stagelist">{items}</ul></section>'
    )


def _warnings(night: ScoredNight) -> str:
    if not night.warnings:
        return ""
    items = "".join(f"<li>{escape(warning)}</li>" for warning in night.timed_warnings())
    return f'<aside class="card note"><h2>Mind that</h2><ul>{items}</ul></aside>'


def _charts(night: ScoredNight) -> str:
    last = max(len(night.hypnogram) - 1, 0)
    zone = "" if night.hypnogram.start is None else f" ({zone_name(night.hypnogram.start.tzinfo)})"
    axis = f"time of day{zone}" if zone else "time since the first epoch"
    return (
        f'<section class="card" id="night"><h2>The night <span class="unit">{escape(axis)}</span></h2><div id="charts">'
        '<div class="reader" hidden><label for="epoch">Read values</label>'
        f'<input id="epoch" type="range" min="0" max="{last}" value="0">'
        '<output for="epoch">Point at a chart, or move the slider.</output></div>'
        f'<div class="cursor" hidden></div>{figures(night)}</div></section>'
    )


def _statement(night: ScoredNight) -> str:
    """What the report was made from and how far it can be trusted, in plain words."""
    coverage = night.coverage_pct()
    there = [
        f"{SENSOR_NAMES[sensor]}{_channel(night, sensor)}, usable in {whole_pct(pct)} % of the night"
        for sensor, pct in coverage.items()
        if pct > 0
    ]
    absent = [SENSOR_NAMES[sensor] for sensor, pct in coverage.items() if pct == 0]
    made = f"Recorded: {'; '.join(there) or 'nothing that is usable'}."
    if absent:
        made += f" Not recorded, or nowhere usable: {', '.join(absent)}."
    model = (
        f"Stages were estimated for every 30 seconds by the model {escape(night.model)}"
        + (f" ({escape(night.model.headline)})" if night.model.headline else "")
        + ". What it was trained on, what it makes of each sensor and what it was not tested on stands in its card: "
        "<code>staging model</code>."
    )
    confidence, unsure = night.mean_confidence(), night.unsure_share()
    sure = ""
    if confidence is not None and unsure is not None:
        sure = (
            f"The model gave the stages that it chose a probability of {confidence:.2f} on average; in "
            f"{100 * unsure:.0f} % of the epochs it was below one half, so that another stage may well be right. The "
            "hypnodensity shows where."
        )
    unscored = night.unscored_epochs()
    if unscored:
        sure += (
            f" {unscored} epoch{'s' * (unscored > 1)} ({minutes_text(unscored * night.hypnogram.epoch_s / 60)}) could "
            "not be scored and are hatched."
        )
    ranges = ""
    if night.intervals is not None:
        level = next(iter(night.intervals.values())).level
        ranges = (
            f"Ranges say between what two values polysomnography would put a metric in {100 * level:g} of 100 nights "
            "like this one. They come from whole hypnograms drawn as the model's probabilities and the habits of sleep "
            "allow, with errors as large as those that it made on people it had never seen."
        )
    parts = [made, model, sure.strip(), ranges]
    if not night.lights_known:
        parts.append(
            "Lights-off and lights-on were not both given: time in bed begins or ends with the recording, and sleep "
            "onset latency and sleep efficiency with it. Give <code>--lights-off</code> and <code>--lights-on</code> "
            "where they are known."
        )
    parts.append(NOT_MEDICAL)
    said = "".join(f"<p>{part}</p>" for part in parts if part)
    return f'<section class="card"><h2>What this was made from, and how sure it is</h2>{said}</section>'


def _channel(night: ScoredNight, sensor: str) -> str:
    """Which of the device's signals a track was made from, where that is not plain from its name."""
    words = {
        "ppg": " from the pulse wave",
        "ibi": " from the device's inter-beat intervals",
        "hr": " as the device gave it",
        "counts": " as the device's activity counts",
        "acc": " from acceleration",
    }
    return words.get(night.tracks.sources.get(sensor, ""), "")


def _metrics(night: ScoredNight) -> str:
    """All metrics, group by group; each tells its definition and source when pointed at or focused."""
    groups: dict[str, list[str]] = {}
    for name, definition in definitions().items():
        text = value_text(night.architecture.metrics[name], definition.unit, definition.decimals)
        between = _between(night, name, definition.decimals)
        unsure = f" <em>{escape(between)}.</em>" if between else ""
        groups.setdefault(definition.group, []).append(
            f'<li><button type="button" class="metric" aria-describedby="d-{name}"><code>{name}</code>'
            f'<span>{escape(text)}</span></button><div class="tip" role="tooltip" id="d-{name}">'
            f"{_with_code(definition.definition)}{unsure}<cite>{escape(definition.source)}</cite></div></li>"
        )
    blocks = "".join(
        f'<section class="group"><h3>{escape(GROUPS.get(group, group))}</h3><ul>{"".join(items)}</ul></section>'
        for group, items in groups.items()
    )
    return (
        '<section class="card" id="metrics"><h2>Sleep architecture</h2>'
        "<p>Point at a metric, or move to it with the keyboard, for its definition and source. A dash means that it is "
        f"not defined for this night.</p>{blocks}</section>"
    )


def _with_code(text: str) -> str:
    """Escaped text, its `names` set as code."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", escape(text))


def footer(model: ModelIdentity, file_name: str) -> str:
    """What made the page from what."""
    return (
        f"<footer><p>Made by staging {escape(staging.__version__)} with the model {escape(model)} from "
        f"<bdi>{escape(file_name)}</bdi>. This page loads nothing and sends nothing.</p></footer>"
    )


def _epochs(night: ScoredNight) -> str:
    """Values of every epoch for the reader, as JSON that cannot end the element that holds it."""
    hypnogram, tracks, clock = night.hypnogram, night.tracks, night.clock
    n = len(hypnogram)
    heart = tracks.heart_rate_bpm.reshape(n, -1)
    beating = np.isfinite(heart)
    rate = np.sum(heart, axis=1, where=beating) / np.maximum(beating.sum(axis=1), 1)
    series = [
        _values("heart rate", " bpm", np.where(beating.any(axis=1), rate, np.nan), 1),
        _values("movement", " counts", tracks.counts.reshape(n, -1).sum(axis=1), 0),
        _values("posture change", "°", tracks.posture_change_deg, 1),
        _values("skin temperature", " °C", tracks.temperature_c, 2),
    ]
    p = None
    if hypnogram.probabilities is not None:
        whole = np.rint(100 * np.nan_to_num(hypnogram.probabilities)).astype(int).tolist()
        known = np.isfinite(hypnogram.probabilities[:, 0]).tolist()
        p = [row if there else None for row, there in zip(whole, known, strict=True)]
    names = {**STAGE_NAMES, Stage.UNSCORED: "unscored"}
    content = {
        "times": [clock.text(i * hypnogram.epoch_s, seconds=True) for i in range(n)],
        "stages": [names[Stage(stage)] for stage in hypnogram.stages.tolist()],
        "classes": [STAGE_NAMES[stage] for stage in hypnogram.classes],
        "p": p,
        "series": series,
    }
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.replace("<", "\\u003c")


def _values(name: str, unit: str, values: NDArray[np.float32], decimals: int) -> Mapping[str, object]:
    rounded = np.round(values.astype(np.float64), decimals)
    listed = (rounded.astype(np.int64) if decimals == 0 and np.isfinite(rounded).all() else rounded).tolist()
    return {"name": name, "unit": unit, "values": [v if np.isfinite(v) else None for v in listed]}
