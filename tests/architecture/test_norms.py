"""Published ranges: the right one for age and sex, no verdict without one."""

from __future__ import annotations

import pytest

from staging.architecture import compare_with_norms, summarize
from staging.architecture.catalogue import CATALOGUE
from staging.architecture.norms import NORMS
from staging.architecture.registry import SOURCES
from tests.architecture.strategies import night


def found(metric: str, value: float | None, age: float, source: str = "ohayon2017", sex: str | None = None):
    rows = compare_with_norms({metric: value}, age_years=age, sex=sex)
    return [row for row in rows if row.norm.source == source]


@pytest.mark.parametrize(("age", "high"), [(18, 20.0), (64.9, 20.0), (65, 30.0), (90, 30.0)])
def test_wake_after_sleep_onset_has_another_range_from_65_years(age, high):
    (row,) = found("waso_min", 25.0, age)
    assert row.norm.high == high
    assert row.position == ("above" if age < 65 else "within")


def test_the_ends_belong_to_the_range():
    assert [found("r_pct", value, 40)[0].position for value in (20.9, 21.0, 30.0, 30.1)] == [
        "below",
        "within",
        "within",
        "above",
    ]
    assert found("awakenings_over_5_min", 1.0, 40)[0].position == "within"
    assert found("se_pct", 84.9, 40)[0].position == "below"


def test_where_the_panel_found_no_consensus_there_is_no_position():
    (row,) = found("n3_pct", 15.0, 40)
    assert row.position is None
    assert "no consensus" in row.norm.meaning


def test_a_metric_without_value_has_no_position():
    assert found("sol_min", None, 40)[0].position is None


def test_statements_about_one_sex_need_the_sex():
    assert not found("n3_pct", 15.0, 40, "walsleben2004")
    assert [row.norm.sex for row in found("n3_pct", 15.0, 40, "walsleben2004", "male")] == ["male"]


def test_children_have_no_adult_norms():
    assert compare_with_norms(summarize(night("W 2")).metrics, age_years=17) == []


@pytest.mark.parametrize("age", [-1, float("nan"), 200])
def test_an_impossible_age_is_refused(age):
    with pytest.raises(ValueError, match="age_years"):
        compare_with_norms({}, age_years=age)


def test_an_unknown_sex_is_refused():
    with pytest.raises(ValueError, match="'female', 'male' or None"):
        compare_with_norms({}, age_years=40, sex="F")


def test_every_norm_is_of_a_metric_and_has_its_reference():
    for norm in NORMS:
        assert norm.metric in CATALOGUE
        assert norm.source in SOURCES
        assert norm.ages[0] < norm.ages[1]
        assert None in (norm.low, norm.high) or norm.low < norm.high
        assert norm.middle is None or norm.low < norm.middle < norm.high
    assert found("sol_min", 10.0, 40)[0].reference.startswith("Ohayon M, Wickwire EM")


def test_rows_follow_the_order_of_the_metrics():
    rows = compare_with_norms(dict.fromkeys(CATALOGUE, 1.0), age_years=25, sex="female")
    places = [list(CATALOGUE).index(row.norm.metric) for row in rows]
    assert places == sorted(places)
