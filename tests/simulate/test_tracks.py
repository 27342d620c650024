from __future__ import annotations

import csv
import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging.errors import HypnogramError, InputError
from staging.simulate import simulate_tracks, with_out_of_bed

W, N1, N2, N3, R = range(5)


def equal(one, other):
    return all(
        np.array_equal(getattr(one, field.name), getattr(other, field.name), equal_nan=True)
        for field in dataclasses.fields(one)
    )


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(-1, 4), max_size=120), st.integers(0, 2**32 - 1), st.booleans())
def test_any_hypnogram_drives_tracks_of_its_length(codes, seed, mark):
    stages = np.array(codes, np.int64)
    out = (stages <= 0) if mark else None
    night = simulate_tracks(np.random.default_rng(seed), stages, out_of_bed=out)
    n = stages.size
    np.testing.assert_array_equal(night.stages, stages)
    assert night.heart_rate_bpm.shape == (6 * n,)
    assert night.counts.shape == (2 * n,)
    assert night.gravity_g.shape == (n, 3)
    assert night.temperature_c.shape == (n,)
    for track in (night.heart_rate_bpm, night.counts, night.gravity_g, night.temperature_c):
        assert track.dtype == np.float32
    known = night.heart_rate_bpm[np.isfinite(night.heart_rate_bpm)]
    assert np.all((known >= 30) & (known <= 200))
    assert np.all(np.isfinite(night.counts) & (night.counts >= 0))
    assert equal(night, simulate_tracks(np.random.default_rng(seed), stages, out_of_bed=out))


def test_nights_differ_between_seeds_and_are_the_same_for_one():
    nights = [simulate_tracks(np.random.default_rng(seed)) for seed in (1, 2, 1)]
    assert equal(nights[0], nights[2])
    assert not np.array_equal(nights[0].stages, nights[1].stages)
    assert not np.array_equal(nights[0].counts, nights[1].counts)


def test_the_stages_given_are_not_altered():
    stages = np.array([0, -1, 2, 3])
    simulate_tracks(np.random.default_rng(1), stages)
    assert stages.tolist() == [0, -1, 2, 3]


def test_a_night_can_have_another_length():
    assert simulate_tracks(np.random.default_rng(1), duration_h=1.5).stages.size == 180


def test_awake_and_about_the_heart_is_faster_and_the_wrist_moves():
    """MMASH: about 12 bpm above the night's median in the evening, 21 over the day."""
    rise, moving = [], []
    for seed in range(40):
        stages, out = with_out_of_bed(np.repeat([0, 2, 3, 2, 4], 60), before_epochs=240)
        night = simulate_tracks(np.random.default_rng(seed), stages, out_of_bed=out)
        asleep = np.nanmedian(night.heart_rate_bpm[300 * 6 :])
        rise.append(np.nanmean(night.heart_rate_bpm[: 240 * 6]) - asleep)
        moving.append(np.mean(night.counts[: 240 * 2] > 0))
    assert np.mean(rise) == pytest.approx(18, abs=5)
    assert 0.35 < np.mean(moving) < 0.85


def test_some_of_the_time_out_of_bed_one_sits_still():
    stages, out = with_out_of_bed([], before_epochs=480)
    night = simulate_tracks(np.random.default_rng(4), stages, out_of_bed=out)
    still = night.counts == 0
    runs = np.diff(np.flatnonzero(np.diff(np.concatenate([[0], still.astype(int), [0]]))))[::2]
    assert runs.max() >= 8
    assert np.median(night.counts[night.counts > 0]) > 60


def test_real_hypnograms_give_the_movements_and_heart_rates_that_were_measured_with_them(shared_data):
    """The simulator driven by the scored nights of Sleep-Accel, against what their watches showed."""
    code = {-1: -1, 0: W, 1: N1, 2: N2, 3: N3, 4: N3, 5: R}
    moving, bins, level = np.zeros(5), np.zeros(5), []
    for number, path in enumerate(sorted((shared_data / "sleep_accel").glob("*_cleaned_psg.out"))):
        stages = np.array([code[int(float(line.split()[1]))] for line in path.read_text().splitlines()])
        asleep = np.arange(stages.size) >= np.flatnonzero(stages > W)[0]
        for repeat in range(3):
            night = simulate_tracks(np.random.default_rng((number, repeat)), stages)
            active = (night.counts > 0).reshape(-1, 2)
            epoch = night.heart_rate_bpm.astype(np.float64).reshape(-1, 6)[:, 2]
            of_stage = [epoch[asleep & (stages == s) & np.isfinite(epoch)] for s in range(5)]
            level.append([values.mean() if values.size else np.nan for values in of_stage])
            for s in range(5):
                moving[s] += active[stages == s].sum()
                bins[s] += 2 * np.sum(stages == s)
    np.testing.assert_allclose(moving / bins, [0.240, 0.062, 0.010, 0.008, 0.017], rtol=0.5)
    from_n2 = np.array(level) - np.array(level)[:, [N2]]
    np.testing.assert_allclose(np.nanmean(from_n2, axis=0), np.array([5.7, 1.7, -0.8, 1.1, 2.7]) + 0.8, atol=1.3)


def test_scored_nights_of_another_clinic_can_drive_it(shared_data):
    path = shared_data / "hypnograms" / "cinc2018" / "hypnograms.csv"
    if not path.is_file():
        pytest.skip("the challenge's hypnograms are not there")
    with path.open(newline="") as lines:
        rows = [row for row, _ in zip(csv.DictReader(lines), range(5), strict=False)]
    for row in rows:
        stages = ["W123RU".index(letter) for letter in row["stages"]]
        stages = np.where(np.array(stages) == 5, -1, stages)
        night = simulate_tracks(np.random.default_rng(0), stages)
        assert night.counts.size == 2 * len(row["stages"])


@pytest.mark.parametrize("stages", [[5], [-2], [[0, 1]], [0, 9]])
def test_unknown_stages_are_refused(stages):
    with pytest.raises(HypnogramError, match="stage"):
        simulate_tracks(np.random.default_rng(0), stages)


def test_sleep_cannot_be_out_of_bed():
    with pytest.raises(InputError, match="sleep"):
        simulate_tracks(np.random.default_rng(0), [0, 2], out_of_bed=[True, True])


@pytest.mark.parametrize(
    "arguments",
    [{"stages": [0, 2], "out_of_bed": [True]}, {"out_of_bed": [True]}, {"duration_h": 0.0}, {"duration_h": 1e9}],
)
def test_contradictions_are_refused(arguments):
    with pytest.raises(InputError):
        simulate_tracks(np.random.default_rng(0), **arguments)


def test_a_negative_evening_is_refused():
    with pytest.raises(InputError, match="negative"):
        with_out_of_bed([0, 1], before_epochs=-1)
