"""What the page makes of probabilities and hypnograms is what `staging` makes of them."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scripts.build_page import METRICS, words
from staging import Hypnogram, summarize
from staging.decision import DecisionRule, decide
from staging.errors import InputError
from staging.stager import BRIDGED_GAP_EPOCHS, in_windows, scorable
from staging.when import parse_lights, resolve_lights
from staging.wording import NightClock
from tests.web.conftest import Run

STAGES = ("W", "N1", "N2", "N3", "R", "UNSCORED")
NIGHTS = st.lists(st.lists(st.sampled_from(STAGES), min_size=1, max_size=60), min_size=1, max_size=20)
LIGHTS = st.tuples(st.integers(-5, 20), st.integers(1, 80))

_SUMMARIZE = """
return given.map(({ stages, off, on }) => {
  const span = metrics.inBedSpan(stages.length, off ?? undefined, on ?? undefined, 30);
  return metrics.summarize(metrics.inBed(stages, span), 30);
});
"""


def _same(node: Run, nights: list[dict[str, object]]) -> None:
    found = node(_SUMMARIZE, nights, imports="metrics")
    for night, metrics in zip(nights, found, strict=True):
        hypnogram = Hypnogram(stages=night["stages"], lights_off_s=night["off"], lights_on_s=night["on"])
        expected = summarize(hypnogram).metrics
        assert set(metrics) == set(METRICS)
        for name, value in metrics.items():
            assert value == pytest.approx(expected[name], abs=1e-9), (name, night)


@settings(deadline=None, max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(nights=NIGHTS)
def test_metrics_of_any_night_are_those_of_the_package(node: Run, nights: list[list[str]]) -> None:
    _same(node, [{"stages": stages, "off": None, "on": None} for stages in nights])


@settings(deadline=None, max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(nights=NIGHTS, lights=LIGHTS, rest_s=st.floats(0, 29))
def test_lights_times_cut_and_lengthen_a_night_as_in_the_package(
    node: Run, nights: list[list[str]], lights: tuple[int, int], rest_s: float
) -> None:
    off_s = 30.0 * lights[0] + rest_s
    _same(node, [{"stages": stages, "off": off_s, "on": off_s + 30.0 * lights[1]} for stages in nights])


@pytest.mark.parametrize("stages", [["W"] * 4, ["UNSCORED"] * 4, ["N2"], ["W", "R", "W"], ["N2", "UNSCORED", "W"]])
def test_nights_without_sleep_without_score_and_of_one_epoch(node: Run, stages: list[str]) -> None:
    _same(node, [{"stages": stages, "off": None, "on": None}])


def test_every_metric_has_the_definition_of_the_catalogue() -> None:
    told = words()["metrics"]
    assert list(told) == list(METRICS)
    assert "From sleep onset" in told["rem_latency_min"]["definition"]
    assert all(entry["definition"] and entry["source"] and entry["unit"] for entry in told.values())


def test_decisions_are_those_of_the_package(node: Run) -> None:
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.full(5, 0.7), size=4000).astype(np.float32)
    known = rng.random(4000) < 0.9
    for least, most in ((1.3, 1.3), (1.0, 4.0), (0.01, 100.0)):
        rule = DecisionRule(least_wake_weight=least, most_wake_weight=most, n1_share=0.35)
        given = {"rows": probabilities.tolist(), "known": known.tolist(), "rule": dataclasses.asdict(rule)}
        found = node("return decision.decide(given.rows, given.known, given.rule);", given, imports="decision")
        same = np.array(found) == decide(probabilities, 5, rule, known=known)
        assert np.mean(same) >= 0.9995  # a tie may round otherwise


@settings(deadline=None, max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.lists(st.booleans(), min_size=1, max_size=40), min_size=1, max_size=20))
def test_short_gaps_are_staged_and_long_ones_are_not(node: Run, rows: list[list[bool]]) -> None:
    given = {"rows": rows, "bridged": BRIDGED_GAP_EPOCHS}
    found = node("return given.rows.map((row) => decision.scorable(row, given.bridged));", given, imports="decision")
    assert found == [scorable(np.array(row)).tolist() for row in rows]


@pytest.mark.parametrize("n", [1560, 1561, 4000])
def test_windows_of_a_long_recording_fade_into_each_other_as_in_the_package(
    node: Run, told: dict[str, Any], n: int
) -> None:
    code = """
    const timesS = Float64Array.from({ length: given.n * 2 }, (_, at) => at * 15);
    const recording = { counts: { timesS, values: timesS, unit: "counts" } };
    const run = async ({ present }) => {
      const rows = present.shape[0];
      const quality = new Float32Array(rows * 3).fill(1);
      const wake = (row) => 0.1 + (0.8 * row) / rows;
      const cells = Array.from({ length: rows }, (_, row) => [wake(row), 1 - wake(row), 0, 0, 0]);
      return { probabilities: Float32Array.from(cells.flat()), quality };
    };
    return (await stager.stage(recording, "days", given.contract, run, () => {})).probabilities;
    """
    found = np.array(node(code, {"n": n, "contract": told}, imports="stager")).reshape(n, 5)

    def of_window(first: int, stop: int) -> np.ndarray[Any, np.dtype[np.float32]]:
        wake = 0.1 + 0.8 * np.arange(stop - first) / (stop - first)
        return np.stack([wake, 1 - wake], axis=1).astype(np.float32)

    np.testing.assert_allclose(found[:, :2], in_windows(n, of_window), atol=1e-5)


_START = datetime(2026, 3, 28, 22, 41, 5, tzinfo=UTC)
_STARTS = (None, _START, _START.astimezone(timezone(timedelta(hours=-5, minutes=30))))


@pytest.mark.parametrize("start", _STARTS)
@pytest.mark.parametrize("hours", [0.2, 1.0, 7.75, 13.0])
def test_times_are_told_as_in_the_report(node: Run, start: datetime | None, hours: float) -> None:
    offset_min = None if start is None else (start.utcoffset() or timedelta()).total_seconds() / 60
    given = {"startS": None if start is None else start.timestamp(), "offsetMin": offset_min, "durationS": hours * 3600}
    code = """
    const made = new clock.Clock(given.startS, given.offsetMin);
    const { durationS } = given;
    return [made.ticks(durationS), made.span(durationS), made.text(95, true), made.iso(durationS)];
    """
    ticks, span, text, iso = node(code, given, imports="clock")
    expected = NightClock(start, hours * 3600)
    assert [(tick["atS"], tick["label"]) for tick in ticks] == [(tick.at_s, tick.label) for tick in expected.ticks()]
    assert (span, text, iso) == (expected.span(), expected.text(95.0, seconds=True), expected.iso(hours * 3600))


@pytest.mark.parametrize("start", _STARTS[1:])
@pytest.mark.parametrize(
    ("off", "on"), [("22:45", "06:30"), ("23:59", "00:01"), ("18:15", ""), ("", "02:00"), ("", "")]
)
def test_times_of_day_are_the_first_ones_within_the_night(node: Run, start: datetime, off: str, on: str) -> None:
    offset_min = (start.utcoffset() or timedelta()).total_seconds() / 60
    given = {"startS": start.timestamp(), "offsetMin": offset_min, "off": off, "on": on, "endS": 9 * 3600}
    code = "return lights.lightsOf(given.off, given.on, given.endS, new clock.Clock(given.startS, given.offsetMin));"
    found = node(code, given, imports="lights clock")
    words = [parse_lights(text) if text else None for text in (off, on)]
    try:
        expected = resolve_lights(*words, start=start, end_s=9 * 3600.0, where="night")
    except InputError:
        assert "is not within the recording" in found["problem"]
    else:
        assert (found.get("lightsOffS"), found.get("lightsOnS")) == expected
