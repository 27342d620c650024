from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging.simulate import DEFAULT
from staging.simulate.arousals import Activations, draw_activations
from staging.simulate.heart import heart_rate_bpm, watch_heart_rate, watch_heart_rate_track
from staging.simulate.person import draw_person

W, N1, N2, N3, R = range(5)
ONE = np.ones(1)


def no_activations():
    return Activations(**{field.name: np.empty(0) for field in dataclasses.fields(Activations)})


def still_person(parameters=DEFAULT, **changes):
    return dataclasses.replace(
        draw_person(np.random.default_rng(0), parameters=parameters),
        resting_bpm=60.0,
        fast_factor=0.0,
        slope_bpm_per_h=0.0,
        **changes,
    )


def calm():
    """Parameters without course, wandering or chance."""
    heart = dataclasses.replace(DEFAULT.heart, course_bpm=(0.0,), slow_sd_bpm=0.0, wake_slow_sd_bpm=0.0)
    return dataclasses.replace(DEFAULT, heart=heart)


def rate(stages, person, activations=None, parameters=None, out=None, about=None):
    stages = np.asarray(stages)
    return heart_rate_bpm(
        np.random.default_rng(1),
        stages,
        activations if activations is not None else no_activations(),
        person,
        out_of_bed=np.zeros(stages.size, bool) if out is None else out,
        about=np.zeros(stages.size * 30, bool) if about is None else about,
        parameters=parameters or calm(),
    )


def test_without_chance_the_rate_is_the_level_of_the_stage():
    person = still_person(stage_offset_bpm=np.array([6.0, 2.0, -1.0, 1.0, 3.0]), before_sleep_bpm=4.0)
    bpm = rate(np.repeat([W, N2, N3, R, N2, W, N2], 60), person)
    at_end_of_bout = bpm.reshape(-1, 1800)[:, -100:].mean(axis=1)
    np.testing.assert_allclose(at_end_of_bout, 60 + np.array([4.0, -1, 1, 3, -1, 6, -1]), atol=0.15)


def test_rem_sleep_is_approached_slowly_and_a_little_before_its_score():
    person = still_person(stage_offset_bpm=np.array([0.0, 0, 0, 0, 10.0]), before_sleep_bpm=0.0)
    bpm = rate(np.repeat([N2, R], 60), person) - 60
    onset = 60 * 30
    assert bpm[onset - 60] == pytest.approx(0, abs=1e-6)
    assert 1 < bpm[onset] < 4
    assert 4 < bpm[onset + 60] < 8
    assert bpm[onset + 600] > 9.8


def test_a_surge_has_its_height_and_width_and_dips_after():
    height, width = 12.0, 10.0
    surge = Activations(
        at_s=900.5 * ONE,
        onset_s=893.0 * ONE,
        surge_bpm=height * ONE,
        half_width_s=width * ONE,
        burst_s=0 * ONE,
        peak_g=ONE,
        turn_deg=0 * ONE,
    )
    person = still_person(stage_offset_bpm=np.zeros(5))
    bpm = rate(np.full(60, N2), person, surge) - 60
    assert bpm.argmax() == 900
    assert bpm.max() == pytest.approx(height, rel=0.05)
    assert np.sum(bpm > height / 2) == pytest.approx(width, abs=1)
    assert 925 < bpm.argmin() < 960
    assert bpm.min() == pytest.approx(-height * DEFAULT.arousal.undershoot_share, rel=0.05)
    assert np.abs(bpm[:850]).max() < 1e-6


def test_the_levels_of_the_stages_are_those_measured(bodies):
    """Means of what a watch shows, from N2, across people."""
    level = []
    for number, body in enumerate(bodies):
        shown = watch_heart_rate_track(np.random.default_rng(number), body.rate_bpm).astype(np.float64)
        epoch = shown.reshape(-1, 6)[:, 2]
        inside = np.isfinite(epoch) & (np.arange(epoch.size) >= np.flatnonzero(body.stages != W)[0])
        of_stage = [epoch[inside & (body.stages == s)] for s in range(5)]
        level.append([values.mean() if values.size > 10 else np.nan for values in of_stage])
    from_n2 = np.array(level) - np.array(level)[:, [N2]]
    measured = np.array(DEFAULT.heart.stage_offset_bpm)
    np.testing.assert_allclose(np.nanmean(from_n2, axis=0), measured - measured[N2], atol=1.0)
    spread = np.hypot(np.array(DEFAULT.heart.stage_offset_sd_bpm), DEFAULT.heart.stage_offset_sd_bpm[N2])
    np.testing.assert_allclose(np.nanstd(from_n2, axis=0)[[N3, R]], spread[[N3, R]], rtol=0.4)


def test_people_differ_in_their_resting_rate_as_measured(bodies):
    resting = [np.median(body.rate_bpm[body.rate_bpm.size // 4 :]) for body in bodies]
    mean, sd = DEFAULT.heart.resting_bpm
    assert np.mean(resting) == pytest.approx(mean, abs=2.5)
    assert np.std(resting) == pytest.approx(sd, rel=0.2)


def test_the_rate_fluctuates_within_five_minutes_as_measured(bodies):
    """Medians on a watch: N2 1.5, N3 1.0, R 3.0 bpm."""
    spread = {N2: [], N3: [], R: []}
    for number, body in enumerate(bodies):
        track = watch_heart_rate_track(np.random.default_rng(number), body.rate_bpm)
        windows = track.reshape(-1, 60).astype(np.float64)
        for stages, window in zip(body.stages.reshape(-1, 10), windows, strict=True):
            if stages[0] in spread and np.all(stages == stages[0]) and np.isfinite(window).all():
                spread[stages[0]].append(window.std())
    medians = [np.median(spread[s]) for s in (N2, N3, R)]
    np.testing.assert_allclose(medians, [1.5, 1.0, 3.0], rtol=0.15)


def test_a_brief_awakening_is_seen_on_a_watch_half_a_minute_later(bodies):
    """Sleep-Accel: +9 bpm on average, at 30-40 s; before it nothing."""
    curves = []
    for number, body in enumerate(bodies):
        track = watch_heart_rate_track(np.random.default_rng(number), body.rate_bpm).astype(np.float64)
        wake = np.flatnonzero((body.stages[1:-2] == W) & (body.stages[:-3] != W) & (body.stages[2:-1] != W)) + 1
        for epoch in wake:
            if 10 < epoch < body.stages.size - 10:
                curve = track[epoch * 6 - 60 : epoch * 6 + 60]
                curves.append(curve - curve[:48].mean())
    whole = np.array([curve for curve in curves if np.isfinite(curve).all()])
    assert len(whole) > 300
    mean = whole.mean(axis=0)
    seconds = (np.arange(120) - 60) * 5 + 2.5
    assert 20 <= seconds[mean.argmax()] <= 45
    assert mean.max() == pytest.approx(8.5, abs=1.5)
    assert np.abs(mean[seconds < -20]).max() < 0.8


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 80), st.integers(0, 2**32 - 1))
def test_a_watch_lags_smooths_and_gives_whole_bpm(n_epochs, seed):
    rng = np.random.default_rng(seed)
    bpm = 60 + 20 * (np.arange(n_epochs * 30) >= n_epochs * 15)
    track = watch_heart_rate_track(rng, bpm.astype(np.float64))
    assert track.shape == (n_epochs * 6,)
    assert track.dtype == np.float32
    known = track[np.isfinite(track)]
    assert np.all((known >= 60) & (known <= 80) & (known == np.rint(known)))
    seconds = (np.arange(track.size) + 0.5) * 5
    early = seconds < n_epochs * 15 + DEFAULT.watch.delay_s
    late = seconds > n_epochs * 15 + DEFAULT.watch.delay_s + DEFAULT.watch.window_s
    assert np.all(np.isnan(track[early]) | (track[early] == 60))
    assert np.all(np.isnan(track[late]) | (track[late] == 80))


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 200), st.integers(0, 2**32 - 1))
def test_exported_samples_are_irregular_in_order_and_within_the_night(n_epochs, seed):
    events = watch_heart_rate(np.random.default_rng(seed), np.full(n_epochs * 30, 61.0))
    assert np.all((events.times_s > 0) & (events.times_s < max(n_epochs * 30, 1)))
    assert set(events.values.tolist()) <= {61.0}


def test_samples_and_gaps_of_the_watch_come_as_measured():
    """Every 5 s or so; gaps above 15 s 0.84 an hour, 4 % of the time."""
    steps, share = [], []
    for seed in range(40):
        events = watch_heart_rate(np.random.default_rng(seed), np.full(8 * 3600, 61.0))
        steps.append(np.diff(events.times_s))
        share.append(np.isnan(watch_heart_rate_track(np.random.default_rng(seed), np.full(8 * 3600, 61.0))).mean())
    step = np.concatenate(steps)
    assert np.median(step) == pytest.approx(5, abs=0.3)
    assert np.sum(step > 15) / (40 * 8) == pytest.approx(0.84, rel=0.25)
    assert np.mean(share) == pytest.approx(0.037, rel=0.35)


def test_out_of_bed_the_heart_is_faster_and_faster_still_when_about():
    person = still_person(stage_offset_bpm=np.zeros(5), awake_bpm=15.0, active_bpm=10.0)
    awake = dataclasses.replace(DEFAULT.awake, slow_sd_bpm=0.0, fast_sd_bpm=0.0)
    parameters = dataclasses.replace(calm(), awake=awake)
    out, about = np.repeat([True, False], 60), np.zeros(3600, bool)
    about[900:1800] = True
    bpm = rate(np.repeat([W, N2], 60), person, out=out, about=about, parameters=parameters)
    assert bpm[800] == pytest.approx(75, abs=0.1)
    assert bpm[1799] == pytest.approx(85, abs=0.1)
    assert bpm[-1] == pytest.approx(60, abs=0.2)


def test_activations_and_rates_of_nothing_are_nothing():
    rng, person = np.random.default_rng(0), draw_person(np.random.default_rng(0))
    none = draw_activations(rng, np.empty(0, int), np.empty(0, bool), person)
    assert none.at_s.size == 0
    assert rate(np.empty(0, int), person, none).size == 0
