"""The picture of many nights: well-formed, complete, and what lies far from sleep left out."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings

from staging.architecture import summarize, summarize_many
from staging.hypnogram import Hypnogram
from staging.report import plot
from tests.architecture.strategies import hypnograms, night


@settings(deadline=None, max_examples=40)
@given(hypnograms(lights=True, clock=True))
def test_any_night_is_a_well_formed_picture(hypnogram):
    picture = plot([summarize(hypnogram)], "a.svg")
    ElementTree.fromstring(picture.encode())
    coordinates = [float(x) for x in re.findall(r' x(?:1|2)?="([-\d.]+)"', picture)]
    assert all(0 <= x <= 1000 for x in coordinates)
    assert "nan" not in picture


def test_every_scored_stretch_has_its_bar_and_unscored_time_is_hatched():
    picture = plot([summarize(night("W*20 2*60 ?*10 2*30 R*20"))], "a.svg")
    bars = dict(re.findall(r'<path fill="(#\w+)" d="([^"]*)"', picture))
    assert {colour: path.count("M") for colour, path in bars.items()} == {"#efa02b": 1, "#3d84c6": 2, "#c0327b": 1}
    assert 'class="gap"' in picture


def test_cycles_are_drawn_with_their_number_and_length_and_an_unfinished_one_without():
    picture = plot([summarize(night("W*20 2*60 R*20 2*60 R*20 2*40"))], "a.svg")
    assert picture.count('class="nrem"') == picture.count('class="rem"') == 2
    assert "1: 40 min" in picture
    assert picture.count('class="part"') == 1


def test_a_day_of_wake_is_cut_to_an_hour_around_sleep():
    start = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    stages = ["W"] * 1200 + ["N2"] * 240 + ["W"] * 1200  # asleep from 22:00 to 24:00
    picture = plot([summarize(Hypnogram(stages=stages, start=start))], "a.svg")
    labels = re.findall(r'<text class="mid"[^>]*>(\d\d:\d\d)<', picture)
    assert labels[0] == "21:00"
    assert labels[-1] == "00:30"


def test_nights_without_sleep_and_names_with_markup_are_harmless():
    nights = summarize_many([night("W*200"), night("?*30"), night("2")])
    hostile = summarize(Hypnogram(stages=["W"], source='<script>"&'))
    picture = plot([*nights, hostile], "a.html")
    assert "<script>" not in picture
    assert picture.count('class="name"') == 4


@pytest.mark.parametrize("night_s_name", ["P01.csv", "folder/P01.csv"])
def test_a_night_is_called_by_its_file(night_s_name):
    assert ">P01.csv<" in plot([summarize(Hypnogram(stages=["W"], source=night_s_name))], "a.svg")
