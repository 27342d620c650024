"""The panels of a night's report, one above the other on a common time axis.

Every panel is an HTML ``figure`` of a caption, the labels of its y axis, and a plot that is as wide as the page
allows. Colours are classes, so that the style sheet decides them for light, dark and paper.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from staging.hypnogram import Hypnogram, Stage
from staging.report.svg import Floats, Scale, area_path, escape, line_path, number, runs, step_path
from staging.scored import ROWS, SENSOR_NAMES, STAGE_NAMES, ScoredNight
from staging.tracks import SENSORS
from staging.wording import Tick

__all__ = ["figures"]

MOST_COLUMNS = 1500
"""Points across a plot: more could not be told apart on a screen, and a week must not make a page of megabytes."""

_ROW_PX = 26.0
_BAR_PX = 16.0
_SERIES_PX = 88.0
_PAD_PX = 6.0
_LIGHTS_PX = 14.0
_STRIP_PX = 22.0


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What all panels share: the number of epochs, the marks of the time axis, lights, and stretches to hatch."""

    n_epochs: int
    epoch_s: float
    ticks: tuple[Tick, ...]
    lights: tuple[tuple[float, str], ...]
    unscored: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, night: ScoredNight) -> Frame:
        """The frame of a night."""
        hypnogram, clock = night.hypnogram, night.clock
        labels = ("in bed", "up") if night.lights_found else ("lights off", "lights on")
        given = zip((hypnogram.lights_off_s, hypnogram.lights_on_s), labels, strict=True)
        inside = [
            (at_s, f"{label} {clock.text(at_s)}")
            for at_s, label in given
            if at_s is not None and 0 <= at_s <= hypnogram.duration_s
        ]
        unknown = hypnogram.stages == Stage.UNSCORED
        return cls(
            n_epochs=len(hypnogram),
            epoch_s=hypnogram.epoch_s,
            ticks=tuple(clock.ticks()),
            lights=tuple(inside),
            unscored=tuple(part for part in runs(unknown) if unknown[part[0]]),
        )

    def pct(self, at_s: float) -> str:
        """A second of the night as a share of the width."""
        return f"{100.0 * at_s / (self.n_epochs * self.epoch_s):.3f}%"


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One panel: what is drawn, how high, and what it says to somebody who cannot see it."""

    key: str
    title: str
    unit: str = ""
    height: float
    labels: tuple[tuple[float, str], ...] = ()
    grid: tuple[float, ...] = ()
    marks: str = ""
    missing: tuple[tuple[float, str], ...] = ()
    description: str
    legend: tuple[tuple[str, str], ...] = ()
    hatched: bool = False
    lights: bool = False


def figures(night: ScoredNight, *, prefix: str = "") -> str:
    """All panels of a night as HTML.

    Parameters
    ----------
    night : ScoredNight
        The night; sensors may be missing.
    prefix : str
        Put before the ids of the panels.

    Returns
    -------
    str
        One ``figure`` after the other, the time axis below the first and below the last.
    """
    frame = Frame.of(night)
    panels = [
        hypnogram_panel(night.hypnogram),
        hypnodensity_panel(night.hypnogram),
        heart_panel(night),
        movement_panel(night),
        posture_panel(night),
        temperature_panel(night),
        coverage_panel(night),
    ]
    parts = [_figure(panels[0], frame, prefix), _axis(frame)]
    parts += [_figure(panel, frame, prefix) for panel in panels[1:]]
    return "\n".join([*parts, _axis(frame)])


def hypnogram_panel(hypnogram: Hypnogram) -> Panel:
    """Stages as bars, a row a stage, joined where the stage changes; unscored time is hatched."""
    rows = ROWS[hypnogram.n_classes]
    middle = {stage: _LIGHTS_PX + _ROW_PX * (row + 0.5) for row, stage in enumerate(rows)}
    bars: dict[Stage, list[str]] = {stage: [] for stage in rows}
    joints = []
    before: Stage | None = None
    for begin, end in runs(hypnogram.stages):
        stage = Stage(hypnogram.stages[begin])
        if stage is Stage.UNSCORED:
            before = None
            continue
        bars[stage].append(f"M{begin} {number(middle[stage] - _BAR_PX / 2)}H{end}v{number(_BAR_PX)}H{begin}Z")
        if before is not None:
            joints.append(f"M{begin} {number(middle[before])}V{number(middle[stage])}")
        before = stage
    marks = f'<path class="joint" d="{"".join(joints)}"/>'
    marks += "".join(f'<path class="bar s-{stage}" d="{"".join(d)}"/>' for stage, d in bars.items())
    counts = {stage: int((hypnogram.stages == stage).sum()) for stage in rows}
    spoken = ", ".join(f"{STAGE_NAMES[stage]} {n * hypnogram.epoch_s / 60:g} min" for stage, n in counts.items())
    return Panel(
        key="hypnogram",
        title="Hypnogram",
        height=_LIGHTS_PX + _ROW_PX * len(rows) + _PAD_PX,
        labels=tuple((y, STAGE_NAMES[stage]) for stage, y in middle.items()),
        grid=tuple(middle.values()),
        marks=marks,
        description=f"Hypnogram. Epochs by stage: {spoken}.",
        hatched=True,
        lights=True,
    )


def hypnodensity_panel(hypnogram: Hypnogram) -> Panel:
    """Probabilities of the stages, stacked: the height of a colour is how likely the stage is."""
    rows = ROWS[hypnogram.n_classes]
    height, n = 110.0, len(hypnogram)
    marks = ""
    if hypnogram.probabilities is not None:
        edges, width = _columns(n)
        columns = [hypnogram.classes.index(stage) for stage in rows]
        share = np.stack([_fold(hypnogram.probabilities[:, c : c + 1], width)[0] for c in columns])
        below = np.vstack([np.zeros(share.shape[1]), np.cumsum(share[::-1], axis=0)])[::-1]
        for row, stage in enumerate(rows):
            low, high = _PAD_PX + height * (1 - below[row + 1]), _PAD_PX + height * (1 - below[row])
            marks += f'<path class="fill s-{stage}" d="{step_path(edges, low, high)}"/>'
    return Panel(
        key="hypnodensity",
        title="Hypnodensity",
        unit="probability of each stage",
        height=height + 2 * _PAD_PX,
        labels=tuple((_PAD_PX + height * (1 - p), f"{100 * p:g} %") for p in (0.0, 0.5, 1.0)),
        grid=(_PAD_PX, _PAD_PX + height / 2, _PAD_PX + height),
        marks=marks,
        description="Probability of each stage over the night, stacked.",
        legend=tuple((f"s-{stage}", STAGE_NAMES[stage]) for stage in rows),
        missing=() if marks else ((height / 2, "no probabilities"),),
        hatched=True,
    )


def heart_panel(night: ScoredNight) -> Panel:
    """Heart rate: the mean of each epoch as a line, the range within it as a band."""
    edges, width = _columns(night.tracks.n_epochs)
    per_epoch = night.tracks.heart_rate_bpm.reshape(night.tracks.n_epochs, -1)
    mean, low, high = _fold(per_epoch, width)
    return _series("heart", "Heart rate", "bpm", edges, mean, low, high, least_span=20.0)


def temperature_panel(night: ScoredNight) -> Panel:
    """Skin temperature of each epoch."""
    edges, width = _columns(night.tracks.n_epochs)
    mean, low, high = _fold(night.tracks.temperature_c[:, None], width)
    return _series("temperature", "Skin temperature", "°C", edges, mean, low, high, least_span=2.0)


def movement_panel(night: ScoredNight) -> Panel:
    """Activity counts of each epoch on a logarithmic scale: a night holds twitches and getting up."""
    edges, width = _columns(night.tracks.n_epochs)
    mean, _, _ = _fold(night.tracks.counts.reshape(night.tracks.n_epochs, -1), width)
    counts = mean * (night.tracks.counts.size / max(night.tracks.n_epochs, 1))
    # A decade beyond the ordinary night's, so that nights can be compared by eye.
    decades = max(3, int(np.ceil(np.log10(1.0 + _highest(counts)))))
    scale = Scale(low=0.0, high=float(decades), height=_SERIES_PX, top=_PAD_PX)
    ticks = [0, *(10**power for power in range(1, decades + 1))]
    y = scale.y(np.log10(1.0 + counts))
    floor = np.full(len(y), scale.y(0.0).item())
    return Panel(
        key="movement",
        title="Movement",
        unit="activity counts an epoch, logarithmic",
        height=_SERIES_PX + 2 * _PAD_PX,
        labels=tuple((scale.y(np.log10(1.0 + tick)).item(), f"{tick:,}") for tick in ticks),
        grid=tuple(scale.y(np.log10(1.0 + tick)).item() for tick in ticks),
        marks=f'<path class="bars" d="{step_path(edges, floor, y)}"/>',
        description=_spoken("Activity counts an epoch", counts, "counts"),
        missing=_not_recorded(counts, _SERIES_PX / 2),
    )


def posture_panel(night: ScoredNight) -> Panel:
    """How far the arm turned from one epoch to the next, on a logarithmic scale.

    Tenths of a degree tell a quiet waking arm from a sleeping one, and are seen beside turns in bed.
    """
    edges, width = _columns(night.tracks.n_epochs)
    _, _, turned = _fold(night.tracks.posture_change_deg[:, None], width)
    height = 56.0
    scale = Scale(low=0.0, high=_tenths(180.0).item(), height=height, top=_PAD_PX)
    ticks = (0.0, 1.0, 10.0, 180.0)
    floor = np.full(len(turned), scale.y(0.0).item())
    return Panel(
        key="posture",
        title="Posture change",
        unit="degrees from epoch to epoch, logarithmic",
        height=height + 2 * _PAD_PX,
        labels=tuple((scale.y(_tenths(tick)).item(), f"{tick:g}°") for tick in ticks),
        grid=tuple(scale.y(_tenths(tick)).item() for tick in ticks),
        marks=f'<path class="bars" d="{step_path(edges, floor, scale.y(_tenths(turned)))}"/>',
        description=_spoken("Posture change", turned, "degrees"),
        missing=_not_recorded(turned, height / 2),
    )


def _tenths(angle_deg: ArrayLike) -> Floats:
    """Decades of tenths of a degree, and 0 for none."""
    return np.asarray(np.log10(1.0 + 10.0 * np.asarray(angle_deg, dtype=np.float64)))


def coverage_panel(night: ScoredNight) -> Panel:
    """Which sensor was usable when: a strip a sensor, paler where it covers less of an epoch."""
    marks, labels, missing, spoken = "", [], [], []
    for row, sensor in enumerate(SENSORS):
        middle = _PAD_PX + _STRIP_PX * (row + 0.5)
        labels.append((middle, SENSOR_NAMES[sensor].removeprefix("skin ").capitalize()))
        share = night.hypnogram.coverage.get(sensor)
        if share is None or not (share > 0).any():
            missing.append((middle, "not recorded"))
            spoken.append(f"{SENSOR_NAMES[sensor]} not recorded")
            continue
        spoken.append(f"{SENSOR_NAMES[sensor]} {100 * share.mean():.0f} percent")
        level = np.ceil(np.clip(share, 0.0, 1.0) * 4).astype(int)
        for begin, end in runs(level):
            if level[begin]:
                box = f"M{begin} {number(middle - 7)}H{end}v14H{begin}Z"
                marks += f'<path class="cover c{level[begin]}" d="{box}"/>'
    return Panel(
        key="coverage",
        title="Coverage",
        unit="usable part of each epoch, by sensor",
        height=2 * _PAD_PX + _STRIP_PX * len(SENSORS),
        labels=tuple(labels),
        marks=marks,
        missing=tuple(missing),
        description=f"Coverage by sensor: {', '.join(spoken)}.",
    )


def _series(
    key: str, title: str, unit: str, edges: Floats, mean: Floats, low: Floats, high: Floats, *, least_span: float
) -> Panel:
    """A line of means with the band between the lowest and the highest value."""
    scale = Scale.around(np.concatenate([low, high]), height=_SERIES_PX, top=_PAD_PX, least_span=least_span)
    x = _centres(edges)
    band = f'<path class="band" d="{area_path(x, scale.y(low), scale.y(high))}"/>'
    line = f'<path class="line" d="{line_path(x, scale.y(mean))}"/>'
    recorded = bool(np.isfinite(mean).any())
    return Panel(
        key=key,
        title=title,
        unit=unit,
        height=_SERIES_PX + 2 * _PAD_PX,
        labels=tuple((scale.y(tick).item(), f"{tick:g}") for tick in scale.ticks) if recorded else (),
        grid=tuple(scale.y(tick).item() for tick in scale.ticks) if recorded else (),
        marks=band + line if recorded else "",
        description=_spoken(title, mean, unit),
        missing=_not_recorded(mean, _SERIES_PX / 2),
    )


def _not_recorded(values: Floats, y: float) -> tuple[tuple[float, str], ...]:
    return () if np.isfinite(values).any() else ((y + _PAD_PX, "not recorded"),)


def _spoken(what: str, values: Floats, unit: str) -> str:
    """A series in a sentence, for those who hear the report."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return f"{what}: not recorded."
    low, middle, high = np.quantile(finite, (0.0, 0.5, 1.0)).tolist()
    return f"{what}: from {low:.1f} to {high:.1f}, median {middle:.1f} {unit}."


def _highest(values: Floats) -> float:
    return float(np.max(values, where=np.isfinite(values), initial=0.0))


def _columns(n_epochs: int) -> tuple[Floats, int]:
    """Edges of the plot's columns in epochs, and how many epochs stand in a column."""
    width = max(1, -(-n_epochs // MOST_COLUMNS))
    edges = np.minimum(np.arange(0, n_epochs + width, width), n_epochs)
    return edges.astype(np.float64), width


def _centres(edges: Floats) -> Floats:
    return (edges[1:] + edges[:-1]) / 2


def _fold(values: NDArray[np.float32], width: int) -> tuple[Floats, Floats, Floats]:
    """Mean, lowest and highest of the known values in each column of so many epochs; NaN where none is known.

    `values` has a row an epoch and may have several values in it.
    """
    n, per_epoch = values.shape
    n_columns = -(-n // width)
    padded = np.full((n_columns * width, per_epoch), np.nan)
    padded[:n] = values
    folded = padded.reshape(n_columns, width * per_epoch)
    known = np.isfinite(folded)
    count = known.sum(axis=1)
    total = np.sum(folded, axis=1, where=known)
    low = np.min(folded, axis=1, where=known, initial=np.inf)
    high = np.max(folded, axis=1, where=known, initial=-np.inf)
    empty = count == 0
    mean = np.where(empty, np.nan, total / np.maximum(count, 1))
    return mean, np.where(empty, np.nan, low), np.where(empty, np.nan, high)


def _figure(panel: Panel, frame: Frame, prefix: str) -> str:
    height = number(panel.height)
    legend = "".join(
        f'<li><svg class="swatch" width="12" height="12" aria-hidden="true"><rect class="{css}" width="12" '
        f'height="12" rx="3"/></svg>{escape(name)}</li>'
        for css, name in panel.legend
    )
    unit = f' <span class="unit">{escape(panel.unit)}</span>' if panel.unit else ""
    labels = "".join(
        f'<text x="100%" dx="-8" y="{number(y)}" dy=".35em">{escape(text)}</text>' for y, text in panel.labels
    )
    ticks = "".join(
        f'<line class="tick" x1="{frame.pct(tick.at_s)}" x2="{frame.pct(tick.at_s)}" y1="0" y2="{height}"/>'
        for tick in frame.ticks
    )
    grid = "".join(f'<line class="grid" x1="0" x2="100%" y1="{number(y)}" y2="{number(y)}"/>' for y in panel.grid)
    hatch = ""
    if panel.hatched:
        hatch = "".join(
            f'<rect class="gap" x="{frame.pct(begin * frame.epoch_s)}" y="0" height="{height}" '
            f'width="{frame.pct((end - begin) * frame.epoch_s)}"><title>unscored</title></rect>'
            for begin, end in frame.unscored
        )
    lights = "".join(_light(at_s, text if panel.lights else "", height, frame) for at_s, text in frame.lights)
    missing = "".join(
        f'<text class="missing" x="50%" y="{number(y)}" dy=".35em">{escape(text)}</text>' for y, text in panel.missing
    )
    return (
        f'<figure class="panel" id="{prefix}{panel.key}">'
        f"<figcaption><h3>{escape(panel.title)}{unit}</h3>"
        + (f'<ul class="legend">{legend}</ul>' if legend else "")
        + f'</figcaption><svg class="y" height="{height}" aria-hidden="true">{labels}</svg>'
        f'<svg class="plot" height="{height}" role="img" aria-label="{escape(panel.description)}">'
        f'{ticks}{grid}<svg width="100%" height="{height}" viewBox="0 0 {frame.n_epochs} {height}" '
        f'preserveAspectRatio="none">{panel.marks}</svg>{hatch}{lights}{missing}</svg></figure>'
    )


def _light(at_s: float, text: str, height: str, frame: Frame) -> str:
    x = frame.pct(at_s)
    line = f'<line class="light" x1="{x}" x2="{x}" y1="0" y2="{height}"/>'
    if not text:
        return line
    # The label stands inside the night: to the right of lights-off, to the left of lights-on.
    before = at_s > frame.n_epochs * frame.epoch_s / 2
    return (
        line
        + f'<text class="light{" before" if before else ""}" x="{x}" dx="{-5 if before else 5}" y="11">{text}</text>'
    )


def _axis(frame: Frame) -> str:
    """Labels of the time axis; every other one gives way on a narrow screen."""
    texts = []
    for index, tick in enumerate(frame.ticks):
        share = tick.at_s / (frame.n_epochs * frame.epoch_s)
        anchor = " first" if share < 0.03 else " last" if share > 0.97 else ""
        texts.append(
            f'<text class="time{" odd" if index % 2 else ""}{anchor}" x="{frame.pct(tick.at_s)}" y="14">'
            f"{escape(tick.label)}</text>"
        )
    return f'<div class="axis" aria-hidden="true"><span></span><svg height="20">{"".join(texts)}</svg></div>'
