"""A scored recording of many days on one screen."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

from staging.scored_days import ScoredDays
from staging.wording import minutes_text, value_text

__all__ = ["days_screen"]

_WIDTH = 80
_MOST_WARNINGS = 6
_GIVEN = {"diary": "the diary", "lights": "the lights times"}
_COLUMNS = (
    ("asleep", "tst_min"),
    ("latency", "sol_min"),
    ("wake", "waso_min"),
    ("effic.", "se_pct"),
    ("N3", "n3_pct"),
    ("REM", "r_pct"),
)


def days_screen(scored: ScoredDays, files: Sequence[Path] = ()) -> str:
    """A line for each night, its naps, what to mind, and where the files are.

    Parameters
    ----------
    scored : ScoredDays
        The recording.
    files : sequence of Path
        What was written.

    Returns
    -------
    str
        Lines of 80 columns, without a newline at the end.
    """
    device = " ".join(part for part in (scored.device, f"subject {scored.subject}" if scored.subject else "") if part)
    lines = [f"{scored.file_name}  {device}", f"  {scored.clock.span()}, {scored.days.n_epochs / 2880:.1f} days"]
    if scored.simulated:
        lines.append("  SIMULATED: no person slept; it says nothing about accuracy")
    lines += ["", f"  {'night of':<12}{'in bed':<13}" + "".join(f"{title:>8}" for title, _ in _COLUMNS)]
    there = scored.clock
    for label, sleep, night in zip(scored.labels, scored.night_sleeps, scored.nights, strict=True):
        before, there = there, scored.clock_at(sleep.begin_s)
        if there.zone != before.zone:
            lines.append(f"  in {there.zone}")
        times = f"{there.text(sleep.begin_s)}-{there.text(sleep.end_s)}"
        cells = "".join(f"{_cell(name, night.architecture.metrics[name]):>8}" for _, name in _COLUMNS)
        mark = "" if sleep.source == "found" else " *"
        lines.append(f"  {label:<12}{times:<13}{cells}{mark}")
    together = scored.together
    if len(together.nights) > 1:
        cells = "".join(f"{_cell(name, together.spreads[name].mean):>8}" for _, name in _COLUMNS)
        lines.append(f"  {f'mean of {len(together.nights)}':<25}{cells}")
    given = sorted({sleep.source for sleep in scored.night_sleeps} - {"found"})
    if given:
        lines.append("  * time in bed from " + " and ".join(_GIVEN[source] for source in given))
    if together.sri is not None:
        lines.append(f"  sleep regularity index {together.sri:.0f}")
    naps = [sleep for sleep in scored.sleeps if sleep.kind == "nap"]
    if naps:
        minutes = sum(nap.end_s - nap.begin_s for nap in naps) / 60
        asleep = sum(nap.architecture.tst_min or 0.0 for nap in scored.naps)
        said = f", asleep {minutes_text(round(asleep))}" if scored.naps else ""
        lines.append(f"  naps or quiet rest: {len(naps)}, {minutes_text(round(minutes))} in all{said}")
    warnings = scored.warnings[:_MOST_WARNINGS]
    if warnings:
        lines.append("")
        for warning in warnings:
            lines += textwrap.wrap(warning, _WIDTH, initial_indent="  ! ", subsequent_indent="    ")
        more = len(scored.all_warnings()) - len(warnings)
        lines += [f"  ! and {more} more in the report"] if more > 0 else []
    if files:
        lines += ["", f"  {len(files)} files, first {files[0]}"]
    return "\n".join(line if len(line) <= _WIDTH else f"{line[: _WIDTH - 3]}..." for line in lines)


def _cell(name: str, value: float | None) -> str:
    if name.endswith("_pct"):
        return value_text(value, "%", 0)
    if value is None:
        return value_text(None)
    return f"{int(value // 60)}:{int(value % 60):02d}"
