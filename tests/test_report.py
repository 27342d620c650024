"""The report: one page, complete, harmless and readable without its script."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import itertools
import json
import re
from datetime import datetime
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from staging.architecture import definitions
from staging.hypnogram import CLASSES
from staging.report import render
from staging.report.figures import figures
from staging.report.svg import Scale, area_path, escape, line_path, number, runs, step_path
from tests.made_nights import scored_night, turning

VOID = {"meta", "input", "br", "link", "img"}
HARM = '<script>alert("1")</script>&amp;\'><img src=x onerror=alert(1)>\u202e\x00'


class Page(HTMLParser):
    """Elements, attributes and text of a page; fails where tags do not balance."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == [], f"never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def blocks(html: str, tag: str) -> list[str]:
    return re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)


@settings(deadline=None, max_examples=25)
@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
@example(HARM, HARM, HARM)
def test_text_from_outside_is_shown_and_never_run(device, subject, warning):
    night = scored_night(
        30, name=f"n{device}", device=device, subject=subject, source=f"x/{subject}.zip", warnings=(warning,)
    )
    page = Page(render(night))
    plain = Page(render(scored_night(30, warnings=("w",))))
    assert [tag for tag, _ in page.elements if tag in ("script", "img", "style")] == ["style", "script", "script"]
    assert len(page.all("script")) == len(plain.all("script"))
    assert not any(key.startswith("on") for _, attributes in page.elements for key in attributes)
    assert not any("\u202e" in text or "\x00" in text for text in page.text)


def test_the_policy_allows_the_style_and_the_script_that_are_there_and_nothing_else():
    html = render(scored_night())
    policy = next(a["content"] for a in Page(html).all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for tag, directive in (("style", "style-src"), ("script", "script-src")):
        (content,) = blocks(html, tag)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}';" in policy


def test_the_page_loads_nothing():
    html = render(scored_night(warnings=("see http://example.org",)))
    page = Page(html)
    assert not any(key in ("src", "href", "style") for _, attributes in page.elements for key in attributes)
    (style,) = blocks(html, "style")
    assert not re.search(r"@import|url\((?!#)", style)


def test_every_metric_stands_there_with_its_definition_and_source_within_reach_of_the_keyboard():
    night = scored_night()
    page = Page(render(night))
    text = " ".join("".join(page.text).split())
    described = {button["aria-describedby"] for button in page.all("button")}
    tips = {div["id"] for div in page.all("div") if div.get("role") == "tooltip"}
    assert described == tips == {f"d-{name}" for name in definitions()}
    for definition in definitions().values():
        assert definition.definition.replace("`", "") in text
        assert definition.source in text


def test_every_metric_has_its_interval_where_the_model_gives_them_and_the_page_says_what_they_are():
    night = scored_night(600, intervals=True)
    html, plain = render(night), render(scored_night(600))
    text = "".join(Page(html).text).replace("\N{WORD JOINER}", "").replace("\N{NO-BREAK SPACE}", " ")
    interval = night.intervals["tst_min"]
    assert f"90 % range {interval.low:.0f}–{interval.high:.0f} min" in text
    assert text.count("90 % range") > len(definitions())
    assert "polysomnography would put a metric in 90 of 100 nights" in text
    assert "range" not in "".join(Page(plain).text)


@pytest.mark.parametrize("n_classes", sorted(CLASSES))
def test_each_class_has_its_colour_in_the_hypnogram_and_the_hypnodensity(n_classes):
    html = figures(scored_night(n_classes=n_classes))
    (style,) = blocks(render(scored_night(n_classes=n_classes)), "style")
    for stage in CLASSES[n_classes]:
        assert f'class="bar s-{stage}"' in html
        assert f'class="fill s-{stage}"' in html
        assert f".s-{stage}" in style


def test_unscored_time_is_a_gap_in_bars_and_probabilities():
    html = figures(scored_night(60, unscored=slice(20, 30)))
    hypnogram, hypnodensity = html.split('id="hypnodensity"')
    assert hypnogram.count('class="gap"') == 1
    assert 'x="33.333%"' in hypnogram
    joints = re.search(r'class="joint" d="([^"]*)"', hypnogram)[1]
    assert "M7 " in joints, "stages that follow each other are joined"
    assert "M30 " not in joints, "nothing is joined across the gap"
    fill = re.search(r'class="fill s-W" d="([^"]*)"', hypnodensity)[1]
    assert fill.count("M") == 2
    assert not re.search(r"[MH]2[1-9]\b", fill)


@pytest.mark.parametrize(
    ("sensor", "panels"),
    [("heart", ["heart"]), ("motion", ["movement", "posture"]), ("temperature", ["temperature"])],
)
def test_a_missing_sensor_is_said_to_be_missing(sensor, panels):
    html = figures(scored_night(missing=(sensor,)))
    for panel in panels:
        part = html.split(f'id="{panel}"')[1].split("</figure>")[0]
        assert "not recorded" in part
    assert "not recorded" in html.split('id="coverage"')[1]
    assert html.count("not recorded</text>") == len(panels) + 1


def test_a_turn_of_half_a_degree_is_seen_beside_a_turn_in_bed():
    """Heights of the bars of a night whose arm turns by half a degree, and once by a right angle."""
    night = scored_night(60)
    change = np.full(60, 0.5)
    change[30] = 90.0
    night = dataclasses.replace(night, tracks=dataclasses.replace(night.tracks, gravity_g=turning(change)))
    panel = figures(night).split('id="posture"')[1].split("</figure>")[0]
    path = re.search(r'class="bars" d="([^"]*)"', panel)[1]
    levels = sorted({float(y) for y in re.findall(r"V(-?[\d.]+)", path)})
    bottom, small, large = levels[-1], levels[-2], levels[0]
    assert (bottom - small) / (bottom - large) == pytest.approx(np.log10(6) / np.log10(901), abs=0.02)


def test_a_simulated_night_says_so_before_anything_else_and_a_real_one_does_not():
    simulated = " ".join(Page(render(scored_night(device="Simulated Empatica E4"))).text)
    assert simulated.index("no person slept it") < simulated.index("Total sleep time")
    assert "no person slept it" not in render(scored_night())


def test_it_says_what_it_was_made_from_how_sure_it_is_and_that_it_is_no_medical_device():
    text = " ".join(Page(render(scored_night(missing=("temperature",), unscored=slice(0, 4)))).text)
    for expected in (
        "heart rate from the pulse wave, usable in 100 % of the night",
        "Not recorded, or nowhere usable: skin temperature",
        "made-up 1",
        "kappa of nothing",
        "not a medical device",
        "4 epochs (2 min) could not be scored",
        "Lights-off and lights-on were not both given",
    ):
        assert expected in text


def test_the_time_axis_is_in_the_zone_of_the_start():
    start = datetime(2026, 3, 1, 22, 52, tzinfo=ZoneInfo("Asia/Kolkata"))
    html = render(scored_night(start=start))
    assert "time of day (Asia/Kolkata)" in html
    assert ">23:00</text>" in html
    assert "time since the first epoch" in render(scored_night(start=None))


def test_the_values_for_the_reader_are_those_of_the_night():
    night = scored_night(60, unscored=slice(10, 12))
    html = render(night)
    data = json.loads(re.search(r'<script type="application/json" id="epochs">(.*?)</script>', html, re.DOTALL)[1])
    assert len(data["times"]) == len(data["stages"]) == len(data["p"]) == 60
    assert data["times"][:2] == ["22:52:00", "22:52:30"]
    assert data["stages"][10] == "unscored"
    assert data["p"][10] is None
    assert abs(sum(data["p"][0]) - 100) <= 3
    heart = next(series for series in data["series"] if series["name"] == "heart rate")
    assert heart["values"][0] == pytest.approx(float(night.tracks.heart_rate_bpm[:6].mean()), abs=0.06)


@settings(deadline=None, max_examples=15)
@given(st.integers(1, 80), st.booleans(), st.sampled_from([(), ("heart",), ("heart", "motion", "temperature")]))
def test_any_night_gives_a_balanced_page(n_epochs, dark, missing):
    Page(render(scored_night(n_epochs, missing=missing, unscored=slice(0, n_epochs // 2 if dark else 0))))


def test_a_week_is_no_heavier_than_a_few_nights():
    figure = figures(scored_night(7 * 2880))
    assert len(figure) < 6 * len(figures(scored_night(960)))


@given(st.floats(-1e5, 1e5))
def test_coordinates_are_short_and_close(value):
    assert abs(float(number(value)) - value) <= 0.005 + 1e-9
    assert "e" not in number(value)


@given(st.text())
def test_escaped_text_holds_no_markup(text):
    assert not set("<>\"'") & set(escape(text))


@given(
    st.lists(st.floats(30, 200) | st.just(float("nan")), max_size=40),
    st.floats(1, 50),
)
def test_a_scale_holds_every_value_between_round_ends(values, least_span):
    scale = Scale.around(values, height=100, least_span=least_span)
    finite = [value for value in values if np.isfinite(value)]
    assert scale.high - scale.low >= least_span * (1 - 1e-9)
    assert all(scale.low <= value <= scale.high for value in finite)
    assert 2 <= len(scale.ticks) <= 7
    assert np.allclose(np.diff(scale.ticks), np.diff(scale.ticks)[0])


@given(st.lists(st.integers(0, 3), max_size=30))
def test_stretches_cover_all_values_once_and_are_as_long_as_can_be(values):
    array = np.array(values)
    found = runs(array)
    assert [i for begin, end in found for i in range(begin, end)] == list(range(len(values)))
    assert all(len(set(values[begin:end])) == 1 for begin, end in found)
    assert all(values[a[0]] != values[b[0]] for a, b in itertools.pairwise(found))


def test_paths_break_where_nothing_is_known():
    x = np.arange(5.0)
    y = np.array([1.0, np.nan, 3.0, 4.0, np.nan])
    assert line_path(x, y) == "M0 1h.4M2 3L3 4"
    assert area_path(x, np.zeros(5), y).count("Z") == 2
    assert step_path(np.arange(6.0), np.zeros(5), y) == "M0 1H1V0H0ZM2 3H3V4H4V0H3V0H2Z"


def test_stages_are_told_apart_by_people_who_do_not_see_all_colours():
    """Viénot, Brettel & Mollon 1999 (doi:10.1002/(SICI)1520-6378(199908)24:4<243::AID-COL5>3.0.CO;2-3)."""
    (style,) = blocks(render(scored_night(30)), "style")
    simulate = {
        "all colours": np.eye(3),
        "no red cones": np.array([[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]]),
        "no green cones": np.array([[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]]),
    }
    for block in re.findall(r":root \{(.*?)\}", style, re.DOTALL):
        found = dict(re.findall(r"--(w|r|n1|n2|n3): #([0-9a-f]{6})", block))
        assert len(found) == 5
        for seen, matrix in simulate.items():
            labs = [_lab(matrix @ _linear(colour)) for colour in found.values()]
            closest = min(np.linalg.norm(a - b) for i, a in enumerate(labs) for b in labs[:i])
            assert closest > 15, f"two stages look alike to somebody with {seen}"


def _linear(colour: str) -> np.ndarray:
    values = np.array([int(colour[i : i + 2], 16) for i in (0, 2, 4)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _lab(linear: np.ndarray) -> np.ndarray:
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ linear
    f = np.cbrt(np.maximum(xyz / [0.9505, 1.0, 1.089], 1e-4))
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])
