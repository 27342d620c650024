"""Summarised nights -> one picture: the hypnogram of each with its NREM–REM cycles, as SVG that needs nothing else."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from staging.architecture import Cycle, SleepArchitecture
from staging.architecture.nights import in_bed_span
from staging.errors import InputError
from staging.hypnogram import Hypnogram, Stage
from staging.report.svg import escape, number, runs
from staging.scored import ROWS, STAGE_NAMES
from staging.wording import NightClock, minutes_text, value_text

__all__ = ["draw", "plot"]

_WIDTH, _LEFT, _RIGHT = 1000.0, 70.0, 20.0
_TITLE, _CYCLES, _ROW, _BAR, _AXIS, _GAP = 46.0, 24.0, 24.0, 15.0, 22.0, 22.0
_NARROW_PX = 64.0
"""A cycle narrower than this shows its number alone."""

_AROUND_S = 3600.0
"""Time around sleep and lights times that is drawn: a day of wake around a night would leave no room for it."""

_COLOURS = {
    Stage.W: "#efa02b",
    Stage.R: "#c0327b",
    Stage.N1: "#79bee3",
    Stage.N2: "#3d84c6",
    Stage.N3: "#173c7a",
    Stage.LIGHT: "#3d84c6",
    Stage.DEEP: "#173c7a",
    Stage.NREM: "#3d84c6",
    Stage.S: "#3d84c6",
}
_STYLE = """
text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",sans-serif;fill:#586379}
.name{font-size:15px;font-weight:600;fill:#1a2233}.row,.end{text-anchor:end}.mid{text-anchor:middle}
.grid{stroke:#e3e7ef}.joint{fill:none;stroke:#a9b3c6}.light{stroke:#8a6d1d;stroke-dasharray:4 3}
.nrem{fill:#dfe6f5}.rem{fill:#f3d3e3}.part{fill:none;stroke:#c4cbd9;stroke-dasharray:3 2}.gap{fill:url(#hatch)}
"""


def plot(nights: Sequence[SleepArchitecture], path: str | os.PathLike[str]) -> str:
    """The picture in the form that a file's name asks for.

    Parameters
    ----------
    nights : sequence of SleepArchitecture
        Drawn one below the other.
    path : path
        Name of the file to be: ``.svg`` or ``.html``.

    Returns
    -------
    str
        What to write.

    Raises
    ------
    InputError
        If the name has another suffix.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in (".svg", ".html"):
        raise InputError(path, "is not the name of a picture that can be drawn", "end it in .svg or .html")
    picture = draw(nights)
    if suffix == ".svg":
        return f'<?xml version="1.0" encoding="UTF-8"?>\n{picture}\n'
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>Hypnograms</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<style>body{margin:16px;background:#fff}svg{width:100%;height:auto;max-width:1200px}</style></head>"
        f"<body>\n{picture}\n</body></html>\n"
    )


def draw(nights: Sequence[SleepArchitecture]) -> str:
    """An ``svg`` element with the hypnogram, cycles and main metrics of each night.

    Parameters
    ----------
    nights : sequence of SleepArchitecture
        Of any resolutions, lengths and epochs; each fills the width, but for the time that is farther than an hour from
        its sleep.

    Returns
    -------
    str
        The element.

    Examples
    --------
    >>> from staging.architecture import summarize
    >>> picture = draw([summarize(Hypnogram(stages=["W", "N2", "R"], source="P01"))])
    >>> picture[:4], "P01" in picture
    ('<svg', True)
    """
    blocks, top = [], 0.0
    for night in nights:
        blocks.append(f'<g transform="translate(0 {number(top)})">{_block(night)}</g>')
        top += _height(night.hypnogram)
    hatch = (
        '<pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<line x1="0" x2="0" y1="0" y2="7" stroke="#b9c1d0" stroke-width="1.5"/></pattern>'
    )
    size = f'viewBox="0 0 {number(_WIDTH)} {number(top)}" width="{number(_WIDTH)}" height="{number(top)}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img"><title>Hypnograms with their cycles</title>'
        f'<defs><style>{_STYLE}</style>{hatch}</defs><rect width="100%" height="100%" fill="#fff"/>'
        f"{''.join(blocks)}</svg>"
    )


def _height(hypnogram: Hypnogram) -> float:
    return _TITLE + _CYCLES + _ROW * len(ROWS[hypnogram.n_classes]) + _AXIS + _GAP


@dataclass(frozen=True, kw_only=True)
class _View:
    """What part of a night is drawn, and where."""

    begin_s: float
    end_s: float

    @classmethod
    def of(cls, hypnogram: Hypnogram) -> _View:
        asleep = np.flatnonzero(hypnogram.indices() > 0) * hypnogram.epoch_s
        lights = (hypnogram.lights_off_s, hypnogram.lights_on_s)
        marks = [at_s for at_s in lights if at_s is not None]
        marks += [float(asleep[0]), float(asleep[-1])] if asleep.size else [0.0, hypnogram.duration_s]
        return cls(begin_s=max(min(marks) - _AROUND_S, 0.0), end_s=min(max(marks) + _AROUND_S, hypnogram.duration_s))

    def x(self, at_s: float) -> float:
        share = (at_s - self.begin_s) / max(self.end_s - self.begin_s, 1.0)
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * min(max(share, 0.0), 1.0)

    def holds(self, at_s: float) -> bool:
        return self.begin_s <= at_s <= self.end_s


def _block(night: SleepArchitecture) -> str:
    """One night: its name and metrics, cycles, hypnogram and clock."""
    hypnogram, clock = night.hypnogram, NightClock.of(night.hypnogram)
    view = _View.of(hypnogram)
    rows = ROWS[hypnogram.n_classes]
    top = _TITLE + _CYCLES
    bottom = top + _ROW * len(rows)
    middle = {stage: top + _ROW * (row + 0.5) for row, stage in enumerate(rows)}
    right = number(_WIDTH - _RIGHT)
    said = f"{clock.span()}, {minutes_text(hypnogram.duration_s / 60)}"
    parts = [
        f'<text class="name" x="{number(_LEFT)}" y="18">{escape(Path(hypnogram.source).name or "hypnogram")}</text>',
        f'<text class="end" x="{right}" y="18">{escape(said)}</text>',
        f'<text x="{number(_LEFT)}" y="36">{escape(_headline(night))}</text>',
    ]
    for stage, y in middle.items():
        parts.append(f'<text class="row" x="{number(_LEFT - 8)}" y="{number(y + 4)}">{STAGE_NAMES[stage]}</text>')
        parts.append(f'<line class="grid" x1="{number(_LEFT)}" x2="{right}" y1="{number(y)}" y2="{number(y)}"/>')
    for at_s, label in _ticks(hypnogram, view):
        x = number(view.x(at_s))
        parts.append(f'<line class="grid" x1="{x}" x2="{x}" y1="{number(top)}" y2="{number(bottom)}"/>')
        parts.append(f'<text class="mid" x="{x}" y="{number(bottom + 16)}">{escape(label)}</text>')
    bed_s = in_bed_span(hypnogram)[0] * hypnogram.epoch_s
    parts += [_cycle(cycle, bed_s, view) for cycle in night.cycle_list]
    parts.append(_stages(hypnogram, view, middle, top, bottom))
    for light_s in (hypnogram.lights_off_s, hypnogram.lights_on_s):
        if light_s is not None and view.holds(light_s):
            x = number(view.x(light_s))
            parts.append(f'<line class="light" x1="{x}" x2="{x}" y1="{number(top)}" y2="{number(bottom)}"/>')
    return "".join(parts)


def _ticks(hypnogram: Hypnogram, view: _View) -> list[tuple[float, str]]:
    """Marks of the part that is drawn: times of day, or since the first epoch."""
    if hypnogram.start is None:
        every = NightClock(None, hypnogram.duration_s).ticks(
            round(12 * hypnogram.duration_s / (view.end_s - view.begin_s))
        )
        return [(tick.at_s, tick.label) for tick in every if view.holds(tick.at_s)]
    begin = NightClock.of(hypnogram).moment(view.begin_s)
    return [(view.begin_s + tick.at_s, tick.label) for tick in NightClock(begin, view.end_s - view.begin_s).ticks()]


def _headline(night: SleepArchitecture) -> str:
    shown = [
        ("total sleep", minutes_text(night.tst_min)),
        ("efficiency", value_text(night.se_pct, "%")),
        ("onset latency", minutes_text(night.sol_min)),
        ("wake after onset", minutes_text(night.waso_min)),
    ]
    if night.hypnogram.n_classes > 2:
        shown.append(("REM latency", minutes_text(night.rem_latency_min)))
        shown.append(("cycles", value_text(night.cycles, "count", 0)))
    return ", ".join(f"{name} {text}" for name, text in shown)


def _cycle(cycle: Cycle, bed_s: float, view: _View) -> str:
    """A cycle as a bar above the hypnogram: its NREM and its REM period; dashed where the night cuts it off."""
    begin, rem, end = (
        view.x(bed_s + 60.0 * minutes) for minutes in (cycle.begin_min, cycle.rem_begin_min, cycle.end_min)
    )
    y, height = _TITLE + 2, _CYCLES - 8
    if not cycle.complete:
        width = number(end - begin)
        return f'<rect class="part" x="{number(begin)}" y="{number(y)}" width="{width}" height="{height:g}"/>'
    wide = end - begin >= _NARROW_PX
    text = f"{cycle.number}: {cycle.length_min:.0f} min" if wide else str(cycle.number)
    return (
        f'<rect class="nrem" x="{number(begin)}" y="{number(y)}" width="{number(rem - begin)}" height="{height:g}"/>'
        f'<rect class="rem" x="{number(rem)}" y="{number(y)}" width="{number(end - rem)}" height="{height:g}"/>'
        f'<text class="mid" x="{number((begin + end) / 2)}" y="{number(y + 12)}">{text}</text>'
    )


def _stages(hypnogram: Hypnogram, view: _View, middle: dict[Stage, float], top: float, bottom: float) -> str:
    """Bars of the stages, joined where the stage changes; what nobody scored is hatched."""
    bars: dict[Stage, list[str]] = {stage: [] for stage in middle}
    joints, gaps = [], []
    before: Stage | None = None
    for first, last in runs(hypnogram.stages):
        stage = Stage(hypnogram.stages[first])
        if last * hypnogram.epoch_s <= view.begin_s or first * hypnogram.epoch_s >= view.end_s:
            continue
        left, right = (number(view.x(at * hypnogram.epoch_s)) for at in (first, last))
        if stage is Stage.UNSCORED:
            gaps.append(f"M{left} {number(top)}H{right}V{number(bottom)}H{left}Z")
            before = None
            continue
        bars[stage].append(f"M{left} {number(middle[stage] - _BAR / 2)}H{right}v{number(_BAR)}H{left}Z")
        if before is not None:
            joints.append(f"M{left} {number(middle[before])}V{number(middle[stage])}")
        before = stage
    drawn = f'<path class="gap" d="{"".join(gaps)}"/>' if gaps else ""
    drawn += f'<path class="joint" d="{"".join(joints)}"/>' if joints else ""
    return drawn + "".join(f'<path fill="{_COLOURS[stage]}" d="{"".join(d)}"/>' for stage, d in bars.items() if d)
