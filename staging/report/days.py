"""A scored recording of many days -> one HTML file: its days one below the other, a table, and a page a night.

The raster of days is the field's actogram: a row from noon to noon of the wearer's clock, so that each night stands
whole in a row. Where the clocks change, that row lacks an hour, or has one twice.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from staging.hypnogram import Stage
from staging.recording import EPOCH_S
from staging.report.page import NOT_MEDICAL, document, footer, night_page, unbroken
from staging.report.svg import Floats, escape, number, runs, step_path
from staging.scored import ROWS, STAGE_NAMES
from staging.scored_days import ScoredDays
from staging.wording import NightClock, minutes_text, value_text

__all__ = ["render_days", "wall_clock_h"]

_COLUMN_EPOCHS = 4
_ROW_PX, _STAGES_PX, _GAP_PX, _TOP_PX = 44.0, 12.0, 8.0, 18.0
_LEFT, _WIDTH = 86.0, 960.0
_REST_QUANTILE, _HIGH_QUANTILE = 0.05, 0.99

_TILES = (
    ("tst_min", "Total sleep time"),
    ("se_pct", "Sleep efficiency"),
    ("sol_min", "Sleep onset latency"),
    ("waso_min", "Wake after sleep onset"),
    ("sleep_midpoint_clock_h", "Middle of sleep"),
)
_COLUMNS = (
    ("tib_min", "in bed"),
    ("tst_min", "asleep"),
    ("se_pct", "efficiency"),
    ("sol_min", "latency"),
    ("waso_min", "wake after onset"),
    ("n3_pct", "N3"),
    ("r_pct", "REM"),
    ("scored_pct", "scored"),
)


def render_days(scored: ScoredDays) -> str:
    """The report of a recording of many days.

    Parameters
    ----------
    scored : ScoredDays
        The recording.

    Returns
    -------
    str
        A whole HTML document.
    """
    pages = [
        night_page(night, label, prefix=f"n{number}-")
        for number, (label, night) in enumerate(zip(scored.labels, scored.nights, strict=True), start=1)
    ]
    return document(
        f"Sleep report: {escape(scored.name)}",
        [
            _header(scored),
            _tiles(scored),
            _days(scored),
            _table(scored),
            _warnings(scored),
            _statement(scored),
            *pages,
            footer(scored.model, scored.file_name),
        ],
        simulated=scored.simulated,
        more_style="days.css",
    )


def wall_clock_h(start: datetime | None, n_epochs: int) -> Floats:
    """Hours since the noon before the recording on the clock at each epoch's start, float64 ``(n_epochs,)``.

    The clock's, not the elapsed: they jump where the clocks change. Without a clock, hours since the start.

    Examples
    --------
    >>> from datetime import UTC
    >>> wall_clock_h(datetime(2026, 3, 1, 13, tzinfo=UTC), 121)[[0, 120]].tolist()
    [1.0, 2.0]
    """
    elapsed_s = np.arange(n_epochs) * EPOCH_S
    if start is None:
        return np.asarray(elapsed_s / 3600.0)
    # Zones change at whole quarters of an hour: asking at each of them is enough.
    first = start.timestamp()
    quarter = ((first % 900.0 + elapsed_s) // 900.0).astype(np.int64)
    zero = first - first % 900.0
    offsets_s = np.array(
        [
            (datetime.fromtimestamp(zero + 900.0 * step, tz=start.tzinfo).utcoffset() or timedelta()).total_seconds()
            for step in range(int(quarter[-1]) + 1 if n_epochs else 0)
        ]
    )
    local_s = first + elapsed_s + (offsets_s[quarter] if n_epochs else 0.0)
    noon_s = 43_200.0 + 86_400.0 * np.floor((local_s[:1].sum() - 43_200.0) / 86_400.0)
    return np.asarray((local_s - noon_s) / 3600.0)


def _header(scored: ScoredDays) -> str:
    facts = [
        scored.device or "device unknown",
        f"subject {scored.subject}" if scored.subject else "",
        scored.file_name,
        f"{len(scored.nights)} night{'s' * (len(scored.nights) != 1)} staged",
    ]
    said = " · ".join(f"<bdi>{escape(fact)}</bdi>" for fact in facts if fact)
    return (
        f"<header><h1><bdi>{escape(scored.name)}</bdi></h1>"
        f'<p class="when">{escape(scored.clock.span())}, {scored.days.n_epochs * EPOCH_S / 86_400:.1f} days</p>'
        f'<p class="facts">{said}</p></header>'
    )


def _tiles(scored: ScoredDays) -> str:
    """Means over the nights that count, with their spread."""
    tiles = ""
    for name, label in _TILES:
        spread = scored.together.spreads[name]
        if name.endswith("_clock_h"):
            text, unit = value_text(spread.mean, "clock h"), "h"
        elif name.endswith("_pct"):
            text, unit = value_text(spread.mean, "%"), "%"
        else:
            text, unit = minutes_text(spread.mean), "min"
        note = f"SD {value_text(spread.sd, unit)}" if spread.sd is not None else ""
        tiles += f'<div class="tile"><dt>{label}</dt><dd>{unbroken(text)}</dd><dd class="aside">{note}</dd></div>'
    counted = len(scored.together.nights)
    return (
        f'<p class="facts">Means of {counted} of {len(scored.nights)} nights: those of three hours in bed and more of '
        f'which four fifths could be scored.</p><dl class="tiles">{tiles}</dl>'
    )


def _days(scored: ScoredDays) -> str:
    days = scored.days
    hours = wall_clock_h(days.start, days.n_epochs)
    n_rows = int(hours.max() // 24) + 1 if len(hours) else 0
    row_px = _ROW_PX + _STAGES_PX + _GAP_PX
    height = _TOP_PX + n_rows * row_px
    known = np.isfinite(days.movement)
    level = np.log10(1.0 + np.where(known, days.movement, 0.0))
    # The noise of a sensor at rest is no movement: bars stand on it.
    rest, most = np.quantile(level[known], (_REST_QUANTILE, _HIGH_QUANTILE)) if known.any() else (0.0, 0.0)
    level = np.maximum(level - rest, 0.0)
    top = max(float(most - rest), 1e-6)
    first_noon = None
    if days.start is not None:
        noon = days.start.replace(tzinfo=None) - timedelta(hours=12)
        first_noon = datetime(noon.year, noon.month, noon.day)
    marks = ""
    for row in range(n_rows):
        y = _TOP_PX + row * row_px
        label = f"day {row + 1}" if first_noon is None else f"{first_noon + timedelta(days=row):%a %d %b}"
        marks += f'<text class="label" x="{number(_LEFT - 8)}" y="{number(y + _ROW_PX)}">{label}</text>'
        epochs = np.flatnonzero(hours // 24 == row)
        for part in np.split(epochs, np.flatnonzero(np.diff(hours[epochs]) > 0.02) + 1 if epochs.size else []):
            for again in np.split(part, np.flatnonzero(np.diff(hours[part]) < 0) + 1 if part.size else []):
                marks += _row(scored, again, hours, level, known, y, top)
    ticks = "".join(
        f'<line class="tick" x1="{number(_x(hour))}" x2="{number(_x(hour))}" y1="{number(_TOP_PX - 4)}" '
        f'y2="{number(height)}"/><text class="time" x="{number(_x(hour))}" y="11">{text}</text>'
        for hour, text in (
            (at, f"{at} h" if days.start is None else f"{(12 + at) % 24:02d}:00") for at in range(0, 25, 3)
        )
    )
    zone = f", {escape(scored.clock.zone)}" if scored.clock.zone else ""
    stages = "".join(
        f'<li><svg aria-hidden="true"><rect class="s-{stage}" width="12" height="12" rx="3"/></svg>'
        f"{STAGE_NAMES[stage]}</li>"
        for stage in ROWS[scored.nights[0].hypnogram.n_classes]
    )
    elsewhere = (
        '<p class="facts">All days are drawn on this one clock, so that a journey shows as a shift; the table and the '
        "pages of the nights give the time where each was slept.</p>"
        if scored.zones
        else ""
    )
    others = "".join(
        f'<li><svg aria-hidden="true" class="raster"><rect class="{css}" width="12" height="12"/></svg>{text}</li>'
        for css, text in (("in-bed", "night"), ("nap", "nap or quiet rest"), ("gap", "not worn"))
    )
    return (
        f'<section class="card"><h2>Days <span class="unit">movement from noon to noon{zone}</span></h2>'
        f'<svg class="raster" viewBox="0 0 {number(_LEFT + _WIDTH + 14)} {number(height + 4)}" role="img" '
        f'aria-label="Movement, sleep and wear of {n_rows} days">{ticks}{marks}</svg>'
        f'<ul class="swatches">{stages}{others}</ul>{elsewhere}</section>'
    )


def _x(hour: float) -> float:
    return _LEFT + _WIDTH * hour / 24.0


def _row(
    scored: ScoredDays,
    epochs: NDArray[np.int64],
    hours: Floats,
    level: Floats,
    known: NDArray[np.bool_],
    y: float,
    top: float,
) -> str:
    """A stretch of a day on which the clock ran evenly: times in bed, movement, stages, and where it was not worn."""
    if not epochs.size:
        return ""
    begin, stop = int(epochs[0]), int(epochs[-1]) + 1
    base_h = float(hours[begin] % 24)

    def x_of(epoch: float) -> float:
        return _x(base_h + (epoch - begin) * EPOCH_S / 3600.0)

    def box(first: float, last: float, css: str, top_y: float, px: float) -> str:
        low, high = max(first, begin), min(last, stop)
        if low >= high:
            return ""
        left, right = x_of(low), x_of(high)
        place = f'x="{number(left)}" y="{number(top_y)}" width="{number(right - left)}" height="{number(px)}"'
        return f'<rect class="{css}" {place}/>'

    marks = ""
    for sleep in scored.sleeps:
        css = "in-bed" if sleep.kind == "night" else "nap"
        marks += box(sleep.begin_s / EPOCH_S, sleep.end_s / EPOCH_S, css, y, _ROW_PX + _STAGES_PX)
    edges = np.unique(np.append(np.arange(begin, stop, _COLUMN_EPOCHS), stop))
    there = np.add.reduceat(known[begin:stop].astype(np.float64), edges[:-1] - begin)
    total = np.add.reduceat(np.where(known, level, 0.0)[begin:stop], edges[:-1] - begin)
    mean = np.where(there > 0, total / np.maximum(there, 1), np.nan)
    floor = np.full(len(mean), y + _ROW_PX)
    xs = np.array([x_of(edge) for edge in edges.tolist()])
    marks += f'<path class="bars" d="{step_path(xs, floor, floor - _ROW_PX * np.minimum(mean / top, 1.0))}"/>'
    for begin_s, end_s in scored.days.off_spans_s().tolist():
        marks += box(begin_s / EPOCH_S, end_s / EPOCH_S, "gap", y, _ROW_PX)
    for sleep, night in scored.staged():
        off_s = night.hypnogram.lights_off_s or 0.0
        zero = (sleep.begin_s - off_s) / EPOCH_S
        if zero >= stop or zero + len(night.hypnogram) <= begin:
            continue
        for first, last in runs(night.hypnogram.stages):
            css = f"s-{Stage(night.hypnogram.stages[first])}"
            marks += box(zero + first, zero + last, css, y + _ROW_PX, _STAGES_PX)
    return marks


def _table(scored: ScoredDays) -> str:
    head = "".join(f"<th>{label}</th>" for _, label in _COLUMNS)
    rows = ""
    for index, (label, sleep, night) in enumerate(
        zip(scored.labels, scored.night_sleeps, scored.nights, strict=True), start=1
    ):
        metrics = night.architecture.metrics
        clock = scored.clock_at(sleep.begin_s)
        times = f"{clock.text(sleep.begin_s)}–{clock.text(sleep.end_s)}{_there(scored, clock)}"
        cells = "".join(
            f"<td>{value_text(metrics[name], '%') if name.endswith('_pct') else minutes_text(metrics[name])}</td>"
            for name, _ in _COLUMNS
        )
        rows += f'<tr><td><a href="#n{index}-">{escape(label)}</a></td><td>{times}</td>{cells}</tr>'
    naps = [sleep for sleep in scored.sleeps if sleep.kind == "nap"]
    staged = dict(scored.staged())
    said = "".join(
        f"<li>{escape(clock.date_text(nap.begin_s))}–{escape(clock.text(nap.end_s))}{_there(scored, clock)}, "
        f"{minutes_text(round((nap.end_s - nap.begin_s) / 60))}"
        f"{f', asleep {minutes_text(staged[nap].architecture.tst_min)}' if nap in staged else ''}</li>"
        for nap, clock in ((nap, scored.clock_at(nap.begin_s)) for nap in naps)
    )
    caution = "The model was trained on nights; how right it is about naps is not known."
    rest = f'<h3 class="rest">Naps, or quiet rest</h3><ul>{said}</ul><p class="facts">{caution}</p>' if naps else ""
    return (
        '<section class="card"><h2>Nights</h2><div class="scroll"><table class="nights">'
        f"<tr><th>Night of</th><th>in bed from – to</th>{head}</tr>{rows}</table></div>{rest}</section>"
    )


def _there(scored: ScoredDays, clock: NightClock) -> str:
    """Whose clock it is, where there are several."""
    return f" <small>{escape(clock.zone)}</small>" if scored.zones else ""


def _warnings(scored: ScoredDays) -> str:
    if not scored.warnings:
        return ""
    items = "".join(f"<li>{escape(warning)}</li>" for warning in scored.warnings)
    return f'<aside class="card note"><h2>Mind that</h2><ul>{items}</ul></aside>'


def _statement(scored: ScoredDays) -> str:
    found = sum(sleep.source == "found" for sleep in scored.night_sleeps)
    together = scored.together
    regular = "" if together.sri is None else f"<p>Sleep regularity index: {together.sri:.0f} of 100.</p>"
    how = (
        f"<p>{found} of the {len(scored.nights)} nights were found from {escape(scored.days.found_by)}; nobody said "
        "when lights went off. Time in bed, sleep onset latency and sleep "
        "efficiency are as good as that. Give <code>--diary</code> or lights times where they are known.</p>"
        if found
        else ""
    )
    return (
        '<section class="card"><h2>What this was made from, and how sure it is</h2>'
        f"<p>{escape(scored.days.calibration.text()).capitalize()}.</p>{how}{regular}"
        f"<p>Each night and nap was staged by the model {escape(scored.model)} as if it had been recorded alone.</p>"
        f"<p>{NOT_MEDICAL}</p></section>"
    )
