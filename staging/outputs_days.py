"""A scored recording of many days -> its files, all of them or none.

``NAME.nights.csv`` (a row a night, a column a metric), ``NAME.sleeps.csv`` (a row for every time of sleep, naps too),
``NAME.nights.json`` (the same with what it was made from), ``NAME.report.html``, and for each night
``NAME.LABEL.hypnogram.csv``, where LABEL is the date of the evening.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections.abc import Mapping
from datetime import UTC
from pathlib import Path

import staging
from staging.architecture.many import format_tidy_csv
from staging.days import Sleep
from staging.errors import OutputError
from staging.outputs import write_together
from staging.recording import EPOCH_S
from staging.report.days import render_days
from staging.scored_days import ScoredDays, night_labels
from staging.scorings.own_csv import format_csv

__all__ = ["DAYS_SUFFIXES", "nights_json", "sleeps_csv", "write_days"]

DAYS_SUFFIXES = (".nights.csv", ".sleeps.csv", ".nights.json", ".report.html")
"""What follows the name of a recording in the names of its files, besides those of each night."""

_SCHEMA = "staging.nights/1"
_COLUMNS = ("kind", "label", "source", "begin", "end", "begin_utc", "end_utc", "zone", "minutes", "worn_pct", "staged")
_METRICS = ("scored_pct", "tst_min", "w_min", "n1_min", "n2_min", "n3_min", "light_min", "nrem_min", "r_min")
"""Of each sleep that was staged, within its time in bed; empty where the classes do not tell a stage."""


def write_days(scored: ScoredDays, folder: str | os.PathLike[str], *, overwrite: bool = False) -> list[Path]:
    """Write the files of a recording of many days.

    Results of the same recording are replaced, hypnograms of nights that it no longer has removed; those of another
    one are replaced only with `overwrite`.

    Parameters
    ----------
    scored : ScoredDays
        The recording.
    folder : path
        Where its files go; must exist.
    overwrite : bool
        Replace files that do not come from this recording as well.

    Returns
    -------
    list of Path
        The files: those of `DAYS_SUFFIXES`, then the nights'.

    Raises
    ------
    OutputError
        If a file cannot be written, or files of another recording have its name.
    """
    whole = (
        format_tidy_csv(
            [night.architecture for night in scored.nights],
            subjects=[scored.subject or scored.name] * len(scored.nights),
        ),
        sleeps_csv(scored),
        nights_json(scored),
        render_days(scored),
    )
    contents = {f"{scored.name}{suffix}": text for suffix, text in zip(DAYS_SUFFIXES, whole, strict=True)}
    contents |= {f"{night.name}.hypnogram.csv": format_csv(night.hypnogram) for night in scored.nights}
    own = Path(folder) / f"{scored.name}.nights.json"
    earlier = _earlier(own)
    there = [name for name in contents if os.path.lexists(Path(folder) / name)]
    same = earlier is not None and earlier.get("made_from", {}).get("file") == scored.file_name
    same = same and earlier is not None and earlier["made_from"].get("start") == _start(scored)
    if there and not overwrite and not same:
        raise OutputError(
            Path(folder) / there[0],
            f"exists already and was not made from {scored.file_name}",
            "choose another folder with --out, or replace it with --overwrite",
        )
    files = write_together(folder, contents)
    if same and earlier is not None:
        for name in earlier.get("files", ()):
            old = Path(folder) / Path(str(name)).name
            if old.name not in contents and old.name.startswith(f"{scored.name}.") and old.is_file():
                old.unlink(missing_ok=True)
    return files


def sleeps_csv(scored: ScoredDays) -> str:
    """Every time of sleep: a night or a nap, from what it is known, when on the wearer's clock and in UTC."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    columns = (*_COLUMNS, *_METRICS)
    writer.writerow(columns)
    for row in _sleep_rows(scored):
        writer.writerow(["" if row[column] is None else row[column] for column in columns])
    return text.getvalue()


def nights_json(scored: ScoredDays) -> str:
    """The nights, the sleeps, what they say together and what they were made from, as JSON."""
    calibration = scored.days.calibration
    digest = hashlib.sha256("".join(night.tracks.digest() for night in scored.nights).encode()).hexdigest()[:16]
    content = {
        "schema": _SCHEMA,
        "made_from": {
            "file": scored.file_name,
            "digest": digest,
            "start": _start(scored),
            "days": round(scored.days.n_epochs * EPOCH_S / 86_400, 4),
            "device": scored.device,
            "subject": scored.subject,
            "simulated": scored.simulated,
            "model": {
                "name": scored.model.name,
                "version": scored.model.version,
                "headline": scored.model.headline,
            },
            "staging_version": staging.__version__,
        },
        "calibration": {
            "applied": calibration.applied,
            "gain": [round(value, 6) for value in calibration.gain.tolist()],
            "offset_g": [round(value, 6) for value in calibration.offset_g.tolist()],
            "error_before_g": _rounded(calibration.error_before_g),
            "error_after_g": _rounded(calibration.error_after_g),
            "problem": calibration.problem,
        },
        "not_worn": [
            {"begin": scored.clock_at(begin_s).iso(begin_s), "end": scored.clock_at(begin_s).iso(end_s)}
            for begin_s, end_s in scored.days.off_spans_s().tolist()
        ],
        "sleeps": _sleep_rows(scored),
        "together": scored.together.to_dict(),
        "nights": [
            {"label": label, **night.architecture.to_dict(intervals=night.intervals)}
            for label, night in zip(scored.labels, scored.nights, strict=True)
        ],
        "files": [
            *(f"{scored.name}{suffix}" for suffix in DAYS_SUFFIXES),
            *(f"{night.name}.hypnogram.csv" for night in scored.nights),
        ],
        "warnings": list(scored.warnings),
    }
    return json.dumps(content, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def _rounded(value: float | None, decimals: int = 6) -> float | None:
    return None if value is None else round(value, decimals)


def _start(scored: ScoredDays) -> str | None:
    start = scored.days.start
    return None if start is None else start.astimezone(UTC).isoformat(timespec="seconds")


def _sleep_rows(scored: ScoredDays) -> list[dict[str, str | float | bool | None]]:
    nights = [sleep for sleep in scored.sleeps if sleep.kind == "night"]
    labels = dict(zip(nights, night_labels(scored.clock, nights, scored.zones), strict=True))
    staged = {sleep: night.architecture.metrics for sleep, night in scored.staged()}
    return [_sleep_row(scored, sleep, labels.get(sleep, ""), staged.get(sleep)) for sleep in scored.sleeps]


def _sleep_row(
    scored: ScoredDays, sleep: Sleep, label: str, metrics: Mapping[str, float | None] | None
) -> dict[str, str | float | bool | None]:
    first, stop = (round(at_s / EPOCH_S) for at_s in (sleep.begin_s, sleep.end_s))
    worn = scored.days.worn[max(first, 0) : max(stop, 0)]
    clock = scored.clock_at(sleep.begin_s)
    return {
        "kind": sleep.kind,
        "label": label,
        "source": sleep.source,
        "begin": clock.iso(sleep.begin_s),
        "end": clock.iso(sleep.end_s),
        "begin_utc": clock.iso(sleep.begin_s, utc=True),
        "end_utc": clock.iso(sleep.end_s, utc=True),
        "zone": clock.zone or None,
        "minutes": round((sleep.end_s - sleep.begin_s) / 60, 2),
        "worn_pct": round(100.0 * float(worn.mean()), 1) if worn.size else None,
        "staged": metrics is not None,
        **{name: None if metrics is None else _rounded(metrics.get(name), 2) for name in _METRICS},
    }


def _earlier(path: Path) -> dict[str, dict[str, object]] | None:
    """What an earlier run wrote; None where there is no such file, or it is none of ours."""
    try:
        content = json.loads(path.read_text(encoding="utf-8", errors="replace"))
    except (OSError, ValueError, RecursionError):
        return None
    ours = isinstance(content, dict) and content.get("schema") == _SCHEMA and isinstance(content.get("made_from"), dict)
    return content if ours else None
