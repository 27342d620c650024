"""A spliced night is made of two nights, epoch by epoch, and its stages go with its signals."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.batches import LabelSmoothing, NightDataset
from training.recipe import Recipe
from training.splice import Splicing, partners, splice

from .conftest import made_up_night

ALWAYS = Splicing(probability=1.0, windows=1)
SEEDS = st.integers(0, 2**32 - 1)


def with_stage(night, stage):
    return dataclasses.replace(night, reference=np.full_like(night.reference, stage))


@given(SEEDS, st.integers(30, 120))
@settings(deadline=None, max_examples=60)
def test_every_epoch_is_of_one_of_the_two_at_the_same_time_with_its_stage(seed, n_other):
    night, other = with_stage(made_up_night("a", 1), 1), with_stage(made_up_night("b", 2, n=n_other // 10 * 10), 3)
    spliced = splice(night, other, np.random.default_rng(seed), ALWAYS)
    assert spliced.subject == "a"
    n, counts = night.tracks.n_epochs, spliced.tracks.counts.reshape(-1, 2)
    assert len(spliced.reference) == n == len(counts)
    its = spliced.reference == 3
    shared = min(n, other.tracks.n_epochs)
    assert not its[shared:].any()
    np.testing.assert_array_equal(counts[~its], night.tracks.counts.reshape(-1, 2)[~its])
    np.testing.assert_array_equal(counts[its], other.tracks.counts.reshape(-1, 2)[np.flatnonzero(its)])
    assert np.count_nonzero(np.diff(its.astype(int))) <= 2, "one window"
    assert its.any() or shared < n


def test_the_window_has_a_share_that_was_asked_for():
    night, other = with_stage(made_up_night("a", 1, n=900), 1), with_stage(made_up_night("b", 2, n=900), 3)
    shares = [
        np.mean(splice(night, other, np.random.default_rng(seed), Splicing(share=(0.2, 0.4))).reference == 3)
        for seed in range(200)
    ]
    assert 0.199 < min(shares) < 0.22
    assert 0.38 < max(shares) < 0.401


def test_the_other_heart_rate_is_brought_to_the_night_s_median_and_range():
    night, other = made_up_night("a", 1), made_up_night("b", 2)
    fast = dataclasses.replace(
        other, tracks=dataclasses.replace(other.tracks, heart_rate_bpm=40 + 1.2 * other.tracks.heart_rate_bpm)
    )
    whole = Splicing(probability=1.0, share=(1.0, 1.0), largest_scale=3.0)
    rng = np.random.default_rng(0)
    rate, own = splice(night, fast, rng, whole).tracks.heart_rate_bpm, night.tracks.heart_rate_bpm
    assert np.median(rate) == pytest.approx(np.median(own), abs=1e-4)
    np.testing.assert_allclose(
        np.subtract(*np.quantile(rate, [0.75, 0.25])), np.subtract(*np.quantile(own, [0.75, 0.25])), rtol=1e-4
    )


def test_how_the_arm_turned_between_the_two_is_not_known():
    night, other = with_stage(made_up_night("a", 1), 1), with_stage(made_up_night("b", 2), 3)
    spliced = splice(night, other, np.random.default_rng(5), ALWAYS)
    borders = np.flatnonzero(np.diff(spliced.reference)) + 1
    assert borders.size
    known = np.isfinite(spliced.tracks.posture_change_deg)
    assert not known[borders - 1].any()
    assert not known[borders].any()
    assert known.sum() >= night.tracks.n_epochs - 1 - 2 * borders.size - 1


def test_nothing_is_scaled_further_than_was_asked_for():
    night, other = made_up_night("a", 1), made_up_night("b", 2)
    flat = dataclasses.replace(
        other, tracks=dataclasses.replace(other.tracks, heart_rate_bpm=60 + 0.1 * other.tracks.heart_rate_bpm)
    )
    whole = Splicing(probability=1.0, share=(1.0, 1.0), largest_scale=1.5)
    rate = splice(night, flat, np.random.default_rng(0), whole).tracks.heart_rate_bpm
    np.testing.assert_allclose(np.std(rate), 1.5 * np.std(flat.tracks.heart_rate_bpm), rtol=1e-4)


def test_what_was_taught_goes_with_its_epochs_and_only_taught_nights_are_spliced_with_taught_ones():
    night, other = with_stage(made_up_night("a", 1), 1), with_stage(made_up_night("b", 2), 3)
    by_own, by_other = np.full((80, 5), 0.2, np.float32), np.eye(5, dtype=np.float32)[np.full(80, 3)]
    taught = dataclasses.replace(night, taught=by_own), dataclasses.replace(other, taught=by_other)
    spliced = splice(*taught, np.random.default_rng(5), ALWAYS)
    np.testing.assert_array_equal(spliced.taught[:, 3] == 1.0, spliced.reference == 3)
    assert partners([*taught, with_stage(made_up_night("c", 3), 2)]) == [[taught[1]], [taught[0]], []]


def test_neither_night_is_changed():
    night, other = made_up_night("a", 1), made_up_night("b", 2)
    before = night.digest(), other.digest()
    for seed in range(10):
        splice(night, other, np.random.default_rng(seed), ALWAYS)
    assert (night.digest(), other.digest()) == before


def test_partners_are_other_subjects_of_the_set_with_the_same_sensors():
    nights = [made_up_night("a", 1), made_up_night("a", 2), made_up_night("b", 3), made_up_night("c", 4, dataset="x")]
    still = made_up_night("d", 5)
    blind = dataclasses.replace(
        still, tracks=dataclasses.replace(still.tracks, counts=np.full(160, np.nan, np.float32))
    )
    found = partners([*nights, blind])
    assert [[other.subject for other in of_night] for of_night in found] == [["b"], ["b"], ["a", "a"], [], []]


def test_training_sees_spliced_nights_others_at_every_pass_and_the_same_for_one_seed():
    nights = [with_stage(made_up_night("a", 1), 1), with_stage(made_up_night("b", 2), 3)]
    recipe = Recipe()

    def seen(pass_number):
        dataset = NightDataset(
            nights, recipe.spec, smoothing=LabelSmoothing(anywhere=0.0, border=0.0), splicing=ALWAYS, seed=1
        )
        dataset.pass_number = pass_number
        return dataset[0][1]

    assert set(np.unique(seen(0).argmax(axis=1))) == {1, 3}
    np.testing.assert_array_equal(seen(0), seen(0))
    assert not np.array_equal(seen(0), seen(1))


@pytest.mark.parametrize("probability", [0.6, 1.0])
def test_every_window_of_a_night_is_drawn_for_itself(probability):
    nights = [with_stage(made_up_night(name, seed), seed) for name, seed in zip("abc", (1, 2, 3), strict=True)]
    found = []
    for seed in range(200):
        dataset = NightDataset(
            nights,
            Recipe().spec,
            smoothing=LabelSmoothing(anywhere=0.0, border=0.0),
            splicing=Splicing(probability=probability, windows=2),
            seed=seed,
        )
        found.append(frozenset(np.unique(dataset[0][1].argmax(axis=1)).tolist()))
    # A later window may cover an earlier one or be of the same night, so that three are seen less often than drawn.
    assert 0.5 * probability**2 / 2 < np.mean([seen == {1, 2, 3} for seen in found]) < probability**2 / 2
    # Within four standard errors.
    whole = (1 - probability) ** 2
    assert abs(np.mean([seen == {1} for seen in found]) - whole) <= 4 * (whole * (1 - whole) / 200) ** 0.5
