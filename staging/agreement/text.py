"""An agreement report as people read it: one screen of plain text, or Markdown tables.

Shares of epochs are shown in percent, kappa, F1 and MCC as they are. A dash stands for what is not defined.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from staging.agreement.nights import MetricAgreement

if TYPE_CHECKING:
    from staging.agreement.study import Agreement

__all__ = ["HEADLINES", "Table", "markdown", "screen"]

HEADLINES = ("tst_min", "se_pct", "sol_min", "waso_min", "rem_latency_min", "light_min", "n3_min", "r_min")
"""Metrics that are shown; all others are in `Agreement.to_dict`."""

COLUMNS = 80

_NO_VALUE = "–"
_VARIES = "~"


@dataclass(frozen=True)
class Table:
    r"""Cells under heads; the first column is of names, the others of figures.

    Examples
    --------
    >>> table = Table(("stage", "F1"), [("W", "0.50"), ("R", "0.71")])
    >>> print("\n".join(table.plain()))
    stage    F1
    W      0.50
    R      0.71
    >>> print("\n".join(table.markdown()))
    | stage | F1 |
    | --- | ---: |
    | W | 0.50 |
    | R | 0.71 |
    """

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]

    def plain(self) -> list[str]:
        """Lines of aligned columns."""
        lines = [self.heads, *self.rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]

        def line(cells: Sequence[str]) -> str:
            figures = (f"{cell:>{width}}" for cell, width in zip(cells[1:], widths[1:], strict=True))
            return "  ".join([f"{cells[0]:<{widths[0]}}", *figures]).rstrip()

        return [line(cells) for cells in lines]

    def markdown(self) -> list[str]:
        """Lines of a Markdown table."""
        rules = ["---"] + ["---:"] * (len(self.heads) - 1)
        return [f"| {' | '.join(cells)} |" for cells in [self.heads, rules, *self.rows]]


def _number(value: float, decimals: int = 2) -> str:
    # Adding zero turns a negative zero, which rounding may leave, into a plain one.
    return _NO_VALUE if math.isnan(value) else f"{round(value, decimals) + 0.0:.{decimals}f}"


def _percent(share: float) -> str:
    return _number(100.0 * share, 0)


def _interval(bounds: Iterable[float], decimals: int = 2) -> str:
    low, high = bounds
    return "" if math.isnan(low) else f"[{_number(low, decimals)}, {_number(high, decimals)}]"


def _with_interval(value: float, bounds: tuple[float, float], decimals: int = 2) -> str:
    return f"{_number(value, decimals)} {_interval(bounds, decimals)}".rstrip()


def _confidence(report: Agreement) -> str:
    return f"[{100 * report.resampling.confidence:g} % CI]"


def _resolutions(report: Agreement) -> Table:
    heads = ["classes", f"kappa {_confidence(report)}", "accuracy %", "macro F1", "MCC"]
    calibrated = bool(report.calibration)
    rows = []
    for k, study in report.epochs.items():
        pooled = study.pooled
        row = [
            str(k),
            _with_interval(pooled.kappa, study.pooled_interval["kappa"]),
            _percent(pooled.accuracy),
            _number(pooled.macro_f1),
            _number(pooled.mcc),
        ]
        rows.append([*row, _number(report.calibration[k].pooled.ece, 3)] if calibrated else row)
    return Table([*heads, "ECE"] if calibrated else heads, rows)


def _stages(report: Agreement) -> Table:
    study = next(iter(report.epochs.values()))
    heads = ["stage", "epochs", "predicted", "sens. %", "spec. %", "PPV %", "NPV %", "F1", "kappa"]
    rows = [
        [
            stage.value,
            str(one.n_reference),
            str(one.n_predicted),
            *map(_percent, (one.sensitivity, one.specificity, one.ppv, one.npv)),
            _number(one.f1),
            _number(one.kappa),
        ]
        for stage, one in study.pooled.by_class.items()
    ]
    return Table(heads, rows)


def _totals(report: Agreement) -> Table:
    heads = ["night", "n", "ref.", "pred.", f"bias {_confidence(report)}", "agreement limits"]
    rows = [
        [
            metric.name,
            str(metric.n_nights),
            _number(metric.reference_mean, 1),
            _number(metric.predicted_mean, 1),
            _with_interval(metric.bias, metric.bias_interval, 1),
            _limits(metric),
        ]
        for metric in _shown(report)
    ]
    return Table(heads, rows)


def _shown(report: Agreement) -> list[MetricAgreement]:
    """The headlines, or whatever was asked for where none of them was."""
    return [report.nights[name] for name in HEADLINES if name in report.nights] or list(report.nights.values())


def _varies(metric: MetricAgreement) -> bool:
    return metric.proportional_bias or metric.heteroscedastic


def _limits(metric: MetricAgreement) -> str:
    """Limits of agreement at the reference's mean, marked where they vary with the reference."""
    _, low, high = (float(value) for value in metric.limits_at(metric.reference_mean))
    if math.isnan(low):
        return _NO_VALUE
    mark = _VARIES if _varies(metric) else ""
    return f"{mark}{_number(low, 1)} to {_number(high, 1)}"


def _error_matrix(report: Agreement) -> Table:
    study = next(iter(report.epochs.values()))
    matrix = study.error_matrix
    rows = [
        [
            f"{stage.value} (n = {matrix.n[row]})",
            *(
                f"{_percent(mean)} ± {_percent(sd)}" if matrix.n[row] > 1 else _percent(mean)
                for mean, sd in zip(matrix.mean[row].tolist(), matrix.sd[row].tolist(), strict=True)
            ),
        ]
        for row, stage in enumerate(study.classes)
    ]
    return Table(["reference \\ predicted, %", *(stage.value for stage in study.classes)], rows)


def _title(report: Agreement) -> str:
    if len(report.pairs) == 1:
        names = (PurePath(night.source).name for night in report.pairs[0].given)
        reference, predicted = (name or role for name, role in zip(names, ("reference", "predicted"), strict=True))
        return f"{predicted} against {reference}"
    subjects = report.n_subjects
    return f"{len(report.pairs)} nights of {subjects} {'subject' if subjects == 1 else 'subjects'}"


def _compared(report: Agreement) -> str:
    counts = report.counts()
    left_out = {
        "unscored": counts["unscored_either"],
        "out of bed": counts["out_of_bed"],
        "in the reference only": counts["reference_only"],
        "in the prediction only": counts["predicted_only"],
    }
    reasons = ", ".join(f"{number} {reason}" for reason, number in left_out.items() if number)
    text = f"{counts['compared']} epochs of {report.pairs[0].reference.epoch_s:g} s compared"
    return f"{text}; left out: {reasons}" if reasons else text


def _notes(report: Agreement) -> list[str]:
    return [f"{_VARIES} limits vary with the reference; shown at its mean"] if any(map(_varies, _shown(report))) else []


def screen(report: Agreement) -> str:
    """A report as plain text of about 24 lines and 80 columns, warnings apart; no newline at the end."""
    lines = [*textwrap.wrap(f"{_title(report)}: {_compared(report)}", COLUMNS)]
    for table in (_resolutions(report), _stages(report), _totals(report)):
        if table.rows:
            lines += ["", *table.plain()]
    lines += _notes(report)
    for warning in report.warnings:
        lines += textwrap.wrap(warning, COLUMNS, initial_indent="! ", subsequent_indent="  ")
    return "\n".join(lines)


def markdown(report: Agreement) -> str:
    """A report as Markdown: the tables of `screen`, and the proportional error matrix; no newline at the end."""
    lines = [f"{_title(report)}: {_compared(report)}."]
    for table in (_resolutions(report), _stages(report), _totals(report), _error_matrix(report)):
        if table.rows:
            lines += ["", *table.markdown()]
    for note in [*_notes(report), *report.warnings]:
        lines += ["", note]
    return "\n".join(lines)
