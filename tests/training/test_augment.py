"""Changed nights are still nights."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging.posture import turned_deg
from training.augment import Augmentation, OtherDevice, augment
from training.batches import LabelSmoothing, Mixed, NightDataset, collate, soft_labels
from training.night import LabelledNight
from training.recipe import Recipe

from .conftest import made_up_night

SAME_DEVICE = OtherDevice(
    timing_probability=0.0, wander_probability=0.0, whole_bpm_probability=0.0, rare_probability=0.0
)
NEVER = Augmentation(
    device=SAME_DEVICE,
    window_probability=0.0,
    crop_probability=0.0,
    no_heart=0.0,
    no_motion=0.0,
    no_posture=0.0,
    no_temperature=0.0,
    heart_scale_ln_sd=0.0,
    heart_level_sd_bpm=0.0,
    heart_noise_sd_bpm=0.0,
    counts_ln_sd=0.0,
    lost_counts_probability=0.0,
    steadied_probability=0.0,
    gravity_noise_probability=0.0,
    gravity_step_probability=0.0,
    gap_probability=0.0,
    loss_probability=0.0,
)


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=60)
def test_labels_stay_with_their_epochs_and_a_sensor_always_remains(seed):
    night = made_up_night("a", 1)
    changed = augment(night, np.random.default_rng(seed), Augmentation())
    n = changed.tracks.n_epochs
    assert n >= night.tracks.n_epochs // 2  # it is shorter than the shortest window
    assert len(changed.reference) == n == len(changed.tracks.heart_rate_bpm) // 6 == len(changed.tracks.counts) // 2
    assert np.isfinite(changed.tracks.heart_rate_bpm).any() or np.isfinite(changed.tracks.counts).any()
    whole = night.reference.tolist()
    assert any(whole[i : i + n] == changed.reference.tolist() for i in range(len(whole) - n + 1))


def test_the_night_itself_is_never_changed():
    night = made_up_night("a", 1)
    before = night.tracks.heart_rate_bpm.copy(), night.tracks.counts.copy()
    for seed in range(20):
        augment(night, np.random.default_rng(seed), Augmentation())
    np.testing.assert_array_equal(night.tracks.heart_rate_bpm, before[0])
    np.testing.assert_array_equal(night.tracks.counts, before[1])


def test_no_changes_change_nothing():
    night = made_up_night("a", 1)
    same = augment(night, np.random.default_rng(0), NEVER)
    np.testing.assert_allclose(same.tracks.heart_rate_bpm, night.tracks.heart_rate_bpm, rtol=1e-6)
    np.testing.assert_array_equal(same.tracks.counts, night.tracks.counts)
    np.testing.assert_array_equal(same.tracks.gravity_g, night.tracks.gravity_g)


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=30)
def test_a_window_is_a_stretch_of_the_night_of_a_length_that_was_asked_for(seed):
    night = made_up_night("a", 1, n=900)
    changes = dataclasses.replace(NEVER, window_probability=1.0, window_hours=(1.5, 3.0))
    window = augment(night, np.random.default_rng(seed), changes)
    n = window.tracks.n_epochs
    assert 180 <= n <= 360
    begins = [
        i for i in range(901 - n) if np.array_equal(night.tracks.counts[2 * i : 2 * (i + n)], window.tracks.counts)
    ]
    assert any(np.array_equal(night.reference[i : i + n], window.reference) for i in begins)


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=30)
def test_one_sensor_is_lost_in_one_stretch_and_the_other_goes_on(seed):
    night = made_up_night("a", 1, n=900)
    changes = dataclasses.replace(NEVER, loss_probability=1.0, loss_min=(30.0, 60.0))
    less = augment(night, np.random.default_rng(seed), changes).tracks
    heart, counts = (np.isnan(track).reshape(900, -1) for track in (less.heart_rate_bpm, less.counts))
    np.testing.assert_array_equal(np.isnan(less.gravity_g).any(axis=1), counts.any(axis=1))
    lost, kept = (heart, counts) if heart.any() else (counts, heart)
    assert not kept.any()
    assert (lost.all(axis=1) == lost.any(axis=1)).all()
    first, last = np.flatnonzero(lost[:, 0])[[0, -1]]
    assert lost[first : last + 1].all()
    assert last - first + 1 <= 120
    assert last - first + 1 >= 60 or last == 899


def still_night(sd_g: float = 0.002) -> LabelledNight:
    """Gravity along z with the noise of single samples."""
    night = made_up_night("a", 1, n=900)
    noise = np.random.default_rng(0).normal(0.0, sd_g, (900, 3))
    gravity = (np.array([0.0, 0.0, 1.0]) + noise).astype(np.float32)
    return dataclasses.replace(night, tracks=dataclasses.replace(night.tracks, gravity_g=gravity))


def small_turns(gravity_g: np.ndarray) -> float:
    return float(np.nanmedian(turned_deg(gravity_g)))


def gravity_with(night: LabelledNight, **changes) -> np.ndarray:
    return augment(night, np.random.default_rng(3), dataclasses.replace(NEVER, **changes)).tracks.gravity_g


def test_another_sensor_is_steadier_noisier_or_coarser():
    night = still_night()
    before = small_turns(night.tracks.gravity_g)
    assert small_turns(gravity_with(night, steadied_probability=1.0)) < 0.95 * before
    noisier = gravity_with(night, gravity_noise_probability=1.0, gravity_noise_g=(0.01, 0.01))
    assert np.std(noisier - night.tracks.gravity_g) == pytest.approx(0.01, rel=0.1)
    coarser = gravity_with(night, gravity_step_probability=1.0, gravity_step_g=(0.015, 0.015))
    np.testing.assert_allclose(coarser / 0.015, np.round(coarser / 0.015), atol=1e-3)
    assert np.abs(coarser - night.tracks.gravity_g).max() <= 0.0076


def test_gravity_that_is_unknown_stays_so():
    night = still_night()
    night.tracks.gravity_g[100:110] = np.nan
    changed = gravity_with(night, steadied_probability=1.0, gravity_noise_probability=1.0, gravity_step_probability=1.0)
    np.testing.assert_array_equal(np.isnan(changed), np.isnan(night.tracks.gravity_g))


def only(**change) -> Augmentation:
    """Nothing but one change of the device, always."""
    return dataclasses.replace(NEVER, device=dataclasses.replace(SAME_DEVICE, **change))


@pytest.mark.parametrize(
    "change",
    [
        {"timing_probability": 1.0, "smoothing_probability": 1.0, "max_shift_steps": 0},
        {"wander_probability": 1.0},
        {"whole_bpm_probability": 1.0},
        {"rare_probability": 1.0},
    ],
    ids=["smoothed", "mistaken", "whole", "rare"],
)
def test_another_device_shows_the_same_heart_and_what_is_unknown_stays_so(change):
    night = made_up_night("a", 1)
    night.tracks.heart_rate_bpm[60:90] = np.nan
    shown = augment(night, np.random.default_rng(3), only(**change)).tracks.heart_rate_bpm
    own = night.tracks.heart_rate_bpm
    np.testing.assert_array_equal(np.isnan(shown), np.isnan(own))
    assert not np.array_equal(shown, own, equal_nan=True)
    assert abs(np.nanmean(shown - own)) < 1.0


def test_a_wandering_error_has_the_size_and_the_memory_asked_for():
    night = made_up_night("a", 1, n=2000)
    change = only(wander_probability=1.0, wander_ln_sd=0.0, wander_median_bpm=2.0, wander_steps=(6.0, 6.0))
    error = augment(night, np.random.default_rng(0), change).tracks.heart_rate_bpm - night.tracks.heart_rate_bpm
    assert error.std() == pytest.approx(2.0, rel=0.1)
    later = np.corrcoef(error[:-6], error[6:])[0, 1]
    assert later == pytest.approx(np.exp(-1.0), abs=0.08)


def test_soft_labels_are_distributions_and_borders_are_shared():
    soft = soft_labels(np.array([0, 0, 2, -1]), LabelSmoothing(anywhere=0.0, border=0.25))
    np.testing.assert_allclose(soft[:3].sum(axis=1), 1.0, rtol=1e-6)
    np.testing.assert_allclose(soft[1], [1.25 / 1.5, 0, 0.25 / 1.5, 0, 0], rtol=1e-6)
    assert not soft[3].any(), "what nobody scored teaches nothing"


def test_an_epoch_that_no_sensor_saw_teaches_nothing():
    night = made_up_night("a", 1)
    for sensor in ("heart", "motion"):
        night.tracks.coverage[sensor][20:30] = 0.0
    _, target = NightDataset([night], Recipe().spec, smoothing=LabelSmoothing())[0]
    taught = target.sum(axis=1) > 0
    assert not taught[20:30].any()
    assert taught[:20].all()


def test_a_pass_is_the_same_again_and_the_next_pass_is_another():
    recipe = Recipe()
    nights = [made_up_night(str(i), i) for i in range(3)]

    def at(pass_number: int) -> np.ndarray:
        dataset = NightDataset(nights, recipe.spec, smoothing=recipe.smoothing, changes=recipe.changes, seed=1)
        dataset.pass_number = pass_number
        return collate([dataset[i] for i in range(3)]).series_BCT.numpy()

    np.testing.assert_array_equal(at(4), at(4))
    assert at(4).shape != at(5).shape or not np.array_equal(at(4), at(5))


def test_mixed_nights_follow_the_real_ones_and_change_with_the_pass():
    recipe = Recipe()
    real, mixed = [made_up_night("real", 0)], [made_up_night(str(i), i, n=10 * (i + 2)) for i in range(8)]
    dataset = NightDataset(real, recipe.spec, mixed=[Mixed(mixed, 2)], smoothing=recipe.smoothing)
    assert len(dataset) == 3
    lengths = set()
    for number in range(10):
        dataset.pass_number = number
        lengths |= {len(dataset[index][1]) for index in (1, 2)}
    assert len(lengths) > 3
