"""Scored nights as text: one screen (24 lines of 80 columns) for one night, a line each for several."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from staging.architecture import Interval, ManyNights, NormComparison, SleepArchitecture, definitions
from staging.architecture.nights import in_bed_span
from staging.architecture.registry import GROUPS
from staging.hypnogram import Hypnogram, Stage
from staging.scored import HEADLINES, ROWS, SENSOR_NAMES, STAGE_METRICS, STAGE_NAMES, ScoredNight
from staging.wording import NO_VALUE, NightClock, minutes_text, range_text, value_text, whole_pct

__all__ = ["many_nights", "screen", "summary", "summary_table", "table", "text_hypnogram"]

COLUMNS = 80
LINES = 24

_SHADES = " ░▒█"
_ASCII_SHADES = " .+#"
_SHADE_FROM = (0.05, 0.25, 0.5)
_MARGIN = 8
_MOST_DATES = 4
"""Dates without a night that are named."""


def text_hypnogram(hypnogram: Hypnogram, *, columns: int = COLUMNS, ascii_only: bool = False) -> list[str]:
    """A hypnogram drawn in text: a row a stage, darker where more of a column's epochs are in it, and a time axis.

    Parameters
    ----------
    hypnogram : Hypnogram
        The night.
    columns : int
        Width of the lines.
    ascii_only : bool
        Draw without block characters.

    Returns
    -------
    list of str
        Rows from wake to deep sleep, then the axis. Time that nobody could score is drawn as ``?``.

    Examples
    --------
    >>> night = Hypnogram(stages=["W"] * 40 + ["S"] * 120, n_classes=2)
    >>> for line in text_hypnogram(night, columns=28, ascii_only=True):
    ...     print(line)
      Wake  #####
      Sleep      ###############
            0:00           1:00
    """
    n = len(hypnogram)
    width = min(columns - _MARGIN, max(n, 1))
    column = np.arange(n) * width // max(n, 1)
    size = np.maximum(np.bincount(column, minlength=width), 1)
    unknown = np.bincount(column, hypnogram.stages == Stage.UNSCORED, minlength=width) / size > 0.5
    shades = np.array(list(_ASCII_SHADES if ascii_only else _SHADES))
    lines = []
    for stage in ROWS[hypnogram.n_classes]:
        share = np.bincount(column, hypnogram.stages == stage, minlength=width) / size
        marks = np.where(unknown, "?", shades[np.digitize(share, _SHADE_FROM)])
        lines.append(f"  {STAGE_NAMES[stage]:<{_MARGIN - 2}}{''.join(marks.tolist())}".rstrip())
    return [*lines, _axis(NightClock.of(hypnogram), width)]


def _axis(clock: NightClock, width: int) -> str:
    axis = [" "] * width
    free_from = 0
    for tick in clock.ticks(max(width // 8, 2)):
        at = int(tick.at_s / clock.duration_s * width) if clock.duration_s else 0
        if free_from <= at <= width - len(tick.label):
            axis[at : at + len(tick.label)] = tick.label
            free_from = at + len(tick.label) + 1
    return (" " * _MARGIN + "".join(axis)).rstrip()


def screen(night: ScoredNight, files: Sequence[Path] = (), *, ascii_only: bool = False) -> str:
    """One screen about one night.

    Parameters
    ----------
    night : ScoredNight
        The night.
    files : sequence of Path
        What was written.
    ascii_only : bool
        Draw the hypnogram without block characters.

    Returns
    -------
    str
        At most 24 lines of 80 columns, without a newline at the end.
    """
    head = [
        _fit(f"{night.file_name}  {_device(night)}"),
        _fit(f"  {night.clock.span()}, {minutes_text(night.hypnogram.duration_s / 60)}"),
        _fit(f"  {_sensors(night)}"),
    ]
    if night.simulated:
        head.insert(1, "  SIMULATED NIGHT: no person slept it; it says nothing about accuracy")
    drawn = text_hypnogram(night.hypnogram, ascii_only=ascii_only)
    # The line above the intervals parts them from the drawing; a blank one would cost a warning its place.
    gap = [""] if night.intervals is None else []
    body = ["", *drawn, *gap, *_metrics(night), *_certainty(night)]
    foot = _files(files)
    room = LINES - len(head) - len(body) - len(foot)
    return "\n".join([*head, *body, *_warnings(night.timed_warnings(), room), *foot])


def _device(night: ScoredNight) -> str:
    parts = [night.tracks.device, f"subject {night.tracks.subject}" if night.tracks.subject else ""]
    return ", ".join(part for part in parts if part)


def _sensors(night: ScoredNight) -> str:
    known = {sensor: pct for sensor, pct in night.coverage_pct().items() if pct > 0}
    parts = [f"{SENSOR_NAMES[sensor]} {whole_pct(pct)} %" for sensor, pct in known.items()]
    return "usable: " + ", ".join(parts) + " of the night" if parts else "no sensor was usable"


def _metrics(night: ScoredNight) -> list[str]:
    """The main metrics beside the stages, each with its interval where the model has such."""
    metrics = night.architecture.metrics
    in_bed = "Time in bed" if night.lights_known else "Time in bed (assumed)"
    left = [(in_bed, minutes_text(metrics["tib_min"]), "")]
    for name, label in HEADLINES:
        number = metrics[name]
        shown = value_text(number, "%") if name.endswith("_pct") else minutes_text(number)
        left.append((label, shown, _range(night, name)))
    right = []
    for stage in ROWS[night.hypnogram.n_classes]:
        minutes, share = STAGE_METRICS[stage]
        of_sleep = value_text(metrics[share], "%", 0) if share and metrics[share] is not None else ""
        right.append((STAGE_NAMES[stage], minutes_text(metrics[minutes]), of_sleep, _range(night, minutes)))
    lines = []
    if night.intervals is not None:
        level = f"{100 * next(iter(night.intervals.values())).level:g} %"
        lines.append(f"{f'{level} range':>44}{'of sleep':>24}{f'{level} (min)':>12}")
    for row in range(max(len(left), len(right))):
        label, value, between = left[row] if row < len(left) else ("", "", "")
        stage_name, length, of_sleep, stage_between = right[row] if row < len(right) else ("", "", "", "")
        if night.intervals is None:
            share = f"{of_sleep} of sleep" if of_sleep else ""
            line = f"  {label:<22}{value:>12}    {stage_name:<6}{length:>11}{share:>15}"
        else:
            line = f"  {label:<22}{value:>11}{between:>9}  {stage_name:<6}{length:>11}{of_sleep:>6}{stage_between:>11}"
        lines.append(line.rstrip())
    return lines


def _range(night: ScoredNight, name: str) -> str:
    """The interval of a metric in its own unit, which is plain from the value beside it; empty where there is none."""
    if night.intervals is None or night.architecture.metrics[name] is None:
        return ""
    interval = night.intervals[name]
    return range_text(interval.low, interval.high, decimals=0)


def _certainty(night: ScoredNight) -> list[str]:
    confidence, unsure = night.mean_confidence(), night.unsure_share()
    unscored = night.unscored_epochs()
    text = f"{night.model}: "
    if confidence is None or unsure is None:
        return [_fit(f"  {text}nothing could be scored")]
    text += f"mean confidence {confidence:.2f}, {round(100 * unsure)} % of epochs unsure (below 0.5)"
    if unscored:
        text += f", {unscored} unscored"
    return textwrap.wrap(text, COLUMNS, subsequent_indent="  ", initial_indent="  ", max_lines=2, placeholder=" …")


def _warnings(warnings: Sequence[str], room: int) -> list[str]:
    """As many warnings as there is room for, and how many there are more."""
    lines: list[str] = []
    for index, warning in enumerate(warnings):
        wrapped = textwrap.wrap(warning, COLUMNS, initial_indent="! ", subsequent_indent="  ")
        last = index == len(warnings) - 1
        if len(lines) + len(wrapped) + (0 if last else 1) > max(room, 1):
            more = len(warnings) - index
            return [*lines, f"! {more} {'more ' if index else ''}warning{'s' * (more > 1)}: see the report"]
        lines += wrapped
    return lines


def _files(files: Sequence[Path]) -> list[str]:
    if not files:
        return []
    folder = files[0].parent
    names = ", ".join(file.name for file in files)
    return textwrap.wrap(
        f"Written to {folder}: {names}", COLUMNS, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )


def _fit(text: str) -> str:
    return text.rstrip() if len(text) <= COLUMNS else text[: COLUMNS - 1] + "…"


def table(nights: Iterable[ScoredNight]) -> str:
    """One line a scored night, under a heading.

    Parameters
    ----------
    nights : iterable of ScoredNight
        Nights; their resolutions may differ.

    Returns
    -------
    str
        Names, lengths, main metrics, confidence and number of warnings, without a newline at the end.
    """
    rows = []
    for night in nights:
        confidence = night.mean_confidence()
        rows.append(
            [
                night.name,
                *_main_metrics(night.architecture),
                NO_VALUE if confidence is None else f"{confidence:.2f}",
                str(len(night.warnings)),
                "SIMULATED" if night.simulated else "",
            ]
        )
    return _aligned([("name", *_MAIN.values(), "conf.", "warnings", ""), *rows])


def summary_table(nights: Iterable[tuple[str, SleepArchitecture]]) -> str:
    """One line a summarised night, under a heading.

    Parameters
    ----------
    nights : iterable of (name, SleepArchitecture)
        Nights and what to call them.

    Returns
    -------
    str
        Names and main metrics, without a newline at the end.
    """
    return _aligned([("name", *_MAIN.values()), *([name, *_main_metrics(night)] for name, night in nights)])


def summary(
    name: str,
    architecture: SleepArchitecture,
    *,
    intervals: Mapping[str, Interval] | None = None,
    norms: Sequence[NormComparison] = (),
    ascii_only: bool = False,
) -> str:
    """All metrics of one night, group by group, below its hypnogram; then its cycles and published ranges.

    Parameters
    ----------
    name : str
        What to call it.
    architecture : SleepArchitecture
        The night.
    intervals : mapping of str to Interval, optional
        From `metric_intervals`: shown beside the values.
    norms : sequence of NormComparison, optional
        From `compare_with_norms`.
    ascii_only : bool
        Draw the hypnogram without block characters.

    Returns
    -------
    str
        As many lines as it takes, without a newline at the end.
    """
    night = architecture.hypnogram
    lines = [
        _fit(name),
        _fit(f"  {NightClock.of(night).span()}, {minutes_text(night.duration_s / 60)}, {len(night)} epochs"),
        "",
        *text_hypnogram(night, ascii_only=ascii_only),
    ]
    group = ""
    for metric in definitions().values():
        if metric.group != group:
            group = metric.group
            lines += ["", GROUPS.get(group, group)]
        value = value_text(architecture.metrics[metric.name], metric.unit, metric.decimals)
        between = ""
        if intervals is not None:
            interval = intervals[metric.name]
            level = f"{100 * interval.level:g} %:"
            between = f"  {level} {range_text(interval.low, interval.high, metric.unit, metric.decimals)}"
        lines.append(f"  {metric.name:<32}{value:>16}{between}")
    return "\n".join(
        [*lines, *_cycles(architecture), *_norms(norms), *_warnings(night.warnings, len(night.warnings) * 8)]
    )


def _cycles(architecture: SleepArchitecture) -> list[str]:
    """The cycles one by one, where there are any."""
    cycles = architecture.cycle_list
    if not cycles:
        return []
    clock = NightClock.of(architecture.hypnogram)
    bed_s = in_bed_span(architecture.hypnogram)[0] * architecture.hypnogram.epoch_s
    rows: list[Sequence[str]] = [("cycle", "from", "to", "length min", "NREM min", "REM min", "wake min", "N3 min")]
    for cycle in cycles:
        times = (clock.text(bed_s + 60.0 * at) for at in (cycle.begin_min, cycle.end_min))
        minutes = (cycle.length_min, cycle.nrem_min, cycle.r_min, cycle.w_min, cycle.n3_min)
        number = str(cycle.number) if cycle.complete else "rest"
        rows.append((number, *times, *(value_text(each) for each in minutes)))
    return ["", "NREM–REM cycles", *(f"  {line}" for line in _aligned(rows).splitlines())]


def _norms(norms: Sequence[NormComparison]) -> list[str]:
    """Published ranges beside the values, each with its source; never a verdict."""
    if not norms:
        return []
    lines = ["", "Published in healthy adults (no diagnosis: the spread between healthy people is wide)"]
    metric = ""
    for each in norms:
        norm, definition = each.norm, definitions()[each.norm.metric]
        unit, decimals = definition.unit, min(definition.decimals, 1)
        if norm.metric != metric:
            metric = norm.metric
            lines.append(f"  {metric} {value_text(each.value, unit, decimals)}")
        if norm.low is not None and norm.high is not None:
            around = "" if norm.middle is None else f" around {value_text(norm.middle, unit, decimals)}"
            said = f"{range_text(norm.low, norm.high, unit, decimals)}{around}, "
        elif norm.low is not None or norm.high is not None:
            end = norm.high if norm.low is None else norm.low
            said = f"{'up to' if norm.low is None else 'from'} {value_text(end, unit, decimals)}, "
        else:
            said = ""
        position = f"; this night: {each.position}" if each.position else ""
        source = re.sub(r"(\d{4})$", r" \1", norm.source).capitalize()
        text = f"{said}{norm.meaning} ({source}){position}"
        lines += textwrap.wrap(text, COLUMNS, initial_indent="    - ", subsequent_indent="      ")
    return [*lines, "  The full references stand in METRICS.md and in the JSON."]


def many_nights(many: ManyNights) -> str:
    """Many nights of one person: what counts, regularity, and every metric's mean and spread.

    Parameters
    ----------
    many : ManyNights
        From `summarize_nights`.

    Returns
    -------
    str
        As many lines as it takes, without a newline at the end.
    """
    lines = [f"{len(many.nights)} nights together"]
    lines += [f"  left out: {night.source}: {reason}" for night, reason in many.excluded]
    if many.missing:
        shown = ", ".join(day.isoformat() for day in many.missing[:_MOST_DATES])
        more = len(many.missing) - _MOST_DATES
        lines.append(f"  no night of {shown}" + (f" and {more} other dates" if more > 0 else ""))
    lines.append(f"  sleep regularity index {value_text(many.sri)} (100: the same every day; 0: by chance)")
    lines.append(f"  social jetlag {value_text(many.social_jetlag_h, 'h', 2)} (free less work days)")
    rows = [("metric", "nights", "mean", "SD", "CV %")]
    for name, definition in definitions().items():
        spread = many.spreads[name]
        if spread.n:
            # The spread of times of day is a length of time.
            unit = "h" if definition.unit.startswith("clock") else definition.unit
            rows.append(
                (
                    name,
                    str(spread.n),
                    value_text(spread.mean, definition.unit, max(definition.decimals, 1)),
                    value_text(spread.sd, unit, max(definition.decimals, 1)),
                    value_text(spread.cv_pct),
                )
            )
    return "\n".join([*lines, "", _aligned(rows)])


_MAIN = {
    "tib_min": "TIB min",
    "tst_min": "TST min",
    "se_pct": "SE %",
    "sol_min": "SOL min",
    "waso_min": "WASO min",
    "n3_pct": "N3 %",
    "r_pct": "REM %",
}
"""Metrics of a line, and their headings."""


def _main_metrics(architecture: SleepArchitecture) -> list[str]:
    return [value_text(architecture.metrics[name]) for name in _MAIN]


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as they need be, the first to the left and the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            f"{cell:<{width}}" if i == 0 else f"{cell:>{width}}"
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
