"""The simulator learns its tables from the nights of the fit alone."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from staging.errors import InputError
from staging.simulate import DEFAULT
from training.recipe import Recipe
from training.simulated import measured_parameters, scored_hypnograms, simulated_nights

from .conftest import made_up_night


@pytest.fixture
def people():
    nights = [made_up_night(str(i), i, n=400) for i in range(6)]
    return [
        dataclasses.replace(
            night, tracks=dataclasses.replace(night.tracks, heart_rate_bpm=night.tracks.heart_rate_bpm + 5 * i)
        )
        for i, night in enumerate(nights)
    ]


def test_offsets_and_movement_are_those_of_the_given_nights(people):
    measured = measured_parameters(people)
    awake, n2 = measured.heart.stage_offset_bpm[0], measured.heart.stage_offset_bpm[2]
    assert awake - n2 == pytest.approx(10.0, abs=0.5), "made-up wake is 10 bpm faster"
    assert measured.movement.bursts_per_h[2] == pytest.approx(0.0, abs=2.0)
    assert measured.heart.resting_bpm[0] != DEFAULT.heart.resting_bpm[0]


def test_what_the_nights_do_not_show_keeps_its_number(people):
    measured = measured_parameters(people)
    assert measured.heart.stage_offset_bpm[3] == DEFAULT.heart.stage_offset_bpm[3]
    assert measured.watch == DEFAULT.watch
    assert measured_parameters([]) == DEFAULT


def test_simulated_nights_are_a_function_of_the_seed(people):
    recipe = Recipe(simulated_nights=4)
    first, again, other = (simulated_nights(people, recipe, seed=seed) for seed in (1, 1, 2))
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a.tracks.heart_rate_bpm, b.tracks.heart_rate_bpm)
    assert any(len(a.reference) != len(b.reference) for a, b in zip(first, other, strict=True))
    assert all(night.dataset == "simulated" for night in first)


def test_some_simulated_people_are_awake_and_about_throughout(people):
    nights = simulated_nights(people, Recipe(simulated_nights=60), seed=0)
    assert any((night.reference == 0).all() for night in nights)
    assert any((night.reference > 0).any() for night in nights)


def test_scored_hypnograms_are_cut_to_their_scored_part(tmp_path):
    (tmp_path / "cinc2018").mkdir()
    stages = "U" * 20 + "W" * 30 + "1" * 10 + "2" * 300 + "3" * 50 + "R" * 20 + "U" * 5
    text = f"record,n_samples_200hz,n_epochs,stages\na,1,{len(stages)},{stages}\nb,1,3,WWW\n"
    (tmp_path / "cinc2018" / "hypnograms.csv").write_text(text, encoding="utf-8")
    (night,) = scored_hypnograms(tmp_path)
    assert night.tolist() == [0] * 30 + [1] * 10 + [2] * 300 + [3] * 50 + [4] * 20


def test_real_scored_hypnograms(shared_data):
    nights = scored_hypnograms(shared_data / "hypnograms")
    assert len(nights) > 1000
    assert {-1, 0, 1, 2, 3, 4} >= set(np.unique(np.concatenate(nights)).tolist())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no night in it is scored"),
        (b"record,subject,stages\n1,2," + b"8" * 900, "no night in it is scored"),
        (b"record,subject,stages\n1,2\n", "row 1 has 2 columns, the stages are in column 3"),
        (b"record,subject,stages\n1,2,\xff\xfe\n", "no night in it is scored"),
    ],
)
def test_a_damaged_file_of_hypnograms_is_named(tmp_path, content, message):
    (tmp_path / "boas").mkdir()
    (tmp_path / "boas" / "boas_hypnograms.csv").write_bytes(content)
    with pytest.raises(InputError, match=rf"boas_hypnograms\.csv: {message}"):
        scored_hypnograms(tmp_path)
