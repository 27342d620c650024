"""Scored nights as text: one screen (24 lines of 80 columns) for one night, a line each for several."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from staging.hypnogram import Hypnogram, Stage
from staging.scored import HEADLINES, ROWS, SENSOR_NAMES, STAGE_METRICS, STAGE_NAMES, ScoredNight
from staging.wording import NO_VALUE, NightClock, minutes_text, value_text, whole_pct

__all__ = ["screen", "table", "text_hypnogram"]

COLUMNS = 80
LINES = 24

_SHADES = " ░▒█"
_ASCII_SHADES = " .+#"
_SHADE_FROM = (0.05, 0.25, 0.5)
_MARGIN = 8


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
    body = ["", *drawn, "", *_metrics(night), *_certainty(night)]
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
    metrics = night.architecture.metrics
    in_bed = "Time in bed" if night.lights_known else "Time in bed (assumed)"
    left = [(in_bed, minutes_text(metrics["tib_min"]))]
    for name, label in HEADLINES:
        number = metrics[name]
        left.append((label, value_text(number, "%") if name.endswith("_pct") else minutes_text(number)))
    right = []
    for stage in ROWS[night.hypnogram.n_classes]:
        minutes, share = STAGE_METRICS[stage]
        of_sleep = value_text(metrics[share], "% of sleep") if share and metrics[share] is not None else ""
        right.append((STAGE_NAMES[stage], minutes_text(metrics[minutes]), of_sleep))
    lines = []
    for row in range(max(len(left), len(right))):
        label, value = left[row] if row < len(left) else ("", "")
        stage_name, length, of_sleep = right[row] if row < len(right) else ("", "", "")
        lines.append(f"  {label:<23}{value:>11}    {stage_name:<6}{length:>11}  {of_sleep:>17}".rstrip())
    return lines


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
    """One line a night, under a heading.

    Parameters
    ----------
    nights : iterable of ScoredNight
        Nights; their resolutions may differ.

    Returns
    -------
    str
        Names, lengths, main metrics, confidence and number of warnings, without a newline at the end.
    """
    nights = list(nights)
    width = max([len(night.name) for night in nights] + [4])
    heads = ("TIB min", "TST min", "SE %", "WASO min", "N3 %", "REM %", "conf.", "warnings")
    lines = [f"{'name':<{width}}  " + "  ".join(heads)]
    for night in nights:
        metrics = night.architecture.metrics
        names = ("tib_min", "tst_min", "se_pct", "waso_min", "n3_pct", "r_pct")
        confidence = night.mean_confidence()
        cells = [
            *(value_text(metrics[name]) for name in names),
            NO_VALUE if confidence is None else f"{confidence:.2f}",
            str(len(night.warnings)),
        ]
        row = "  ".join(f"{cell:>{len(head)}}" for cell, head in zip(cells, heads, strict=True))
        lines.append(f"{night.name:<{width}}  {row}" + ("  SIMULATED" if night.simulated else ""))
    return "\n".join(lines)
