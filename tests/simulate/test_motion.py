from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging import motion as raw_motion
from staging.simulate import DEFAULT
from staging.simulate.motion import activity_counts, seconds_about

W, N1, N2, N3, R = range(5)


def bursts(bodies):
    """Starts of bursts by stage, hours by stage, and per-bin moving share by stage."""
    starts, hours, moving = np.zeros(5), np.zeros(5), np.zeros(5)
    for body in bodies:
        active = activity_counts(body.peak_g) > 0
        stage = np.repeat(body.stages, 2)
        begins = active & ~np.concatenate([[False], active[:-1]])
        for s in range(5):
            starts[s] += begins[stage == s].sum()
            hours[s] += np.sum(stage == s) / 240
            moving[s] += active[stage == s].sum()
    return starts / hours, moving / (hours * 240)


def test_bursts_begin_in_each_stage_as_often_as_measured(bodies):
    rate, share = bursts(bodies)
    np.testing.assert_allclose(rate, DEFAULT.movement.bursts_per_h, rtol=0.3)
    np.testing.assert_allclose(share, [0.240, 0.062, 0.010, 0.008, 0.017], rtol=0.45)


def test_quiet_gaps_in_sleep_are_as_irregular_as_the_measured_ones(bodies):
    """Sleep-Accel, gaps of which nine tenths are asleep: median 585 s, logarithmic SD 1.30."""
    gaps = []
    for body in bodies:
        active, asleep = activity_counts(body.peak_g) > 0, np.repeat(body.stages != W, 2)
        gaps += [
            (last - first - 1) * 15
            for first, last in pairwise(np.flatnonzero(active))
            if last - first > 1 and asleep[first + 1 : last].mean() > 0.9
        ]
    assert np.median(gaps) == pytest.approx(585, rel=0.3)
    assert np.log(gaps).std() == pytest.approx(1.3, abs=0.15)


def test_counts_have_the_measured_size(bodies):
    """Mean and SD of the logarithm: W 3.65 (1.14), asleep about 3.05 (1.1)."""
    counts = [activity_counts(body.peak_g) for body in bodies]
    for awake, mean in ((True, 3.65), (False, 3.05)):
        values = np.concatenate(
            [c[(c > 0) & (np.repeat(b.stages == W, 2) == awake)] for c, b in zip(counts, bodies, strict=True)]
        )
        assert np.log(values).mean() == pytest.approx(mean, abs=0.35)
        assert np.log(values).std() == pytest.approx(1.12, abs=0.15)


def test_movement_comes_with_an_awakening_and_hardly_before(bodies):
    """Sleep-Accel, one-epoch awakenings, from -30 s in 15-s bins: .03 .12 .40 .36 .06 .01."""
    around = []
    for body in bodies:
        active = activity_counts(body.peak_g) > 0
        s = body.stages
        wake = np.flatnonzero((s[1:-1] == W) & (s[:-2] != W) & (s[2:] != W)) + 1
        around += [active[2 * e - 2 : 2 * e + 4] for e in wake if 1 < e < s.size - 2]
    share = np.mean(around, axis=0)
    np.testing.assert_allclose(share, [0.03, 0.12, 0.40, 0.36, 0.06, 0.01], atol=0.1)
    assert share[2:4].min() > 2 * share[:2].max()


def test_counts_are_whole_multiples_of_the_published_gain(bodies):
    counts = activity_counts(bodies[0].peak_g).astype(np.float64)
    steps = counts / raw_motion.COUNTS_GAIN
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-4)
    assert counts.dtype == np.float64
    assert counts.max() > 0


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(0, 8), min_size=15, max_size=90))
def test_more_movement_never_gives_fewer_counts(peaks):
    peak_g = np.array(peaks)[: len(peaks) // 15 * 15]
    counts = activity_counts(peak_g)
    assert counts.shape == (peak_g.size // 15,)
    assert np.all(counts >= 0)
    assert np.all(activity_counts(peak_g * 1.5) >= counts)


def test_counts_of_the_raw_acceleration_are_those_of_the_tracks(night):
    """One definition of movement: the raw signal, read by the package's own counts, gives the tracks' counts."""
    raw = raw_motion.activity_counts(night.recording.acc, night.watch.counts.values.size)
    direct = night.watch.counts.values
    assert np.mean((raw > 0) == (direct > 0)) > 0.97
    either = (raw > 0) | (direct > 0)
    assert np.corrcoef(np.log1p(raw[either]), np.log1p(direct[either]))[0, 1] > 0.85


def test_out_of_bed_one_is_about_or_sits():
    shares = []
    for seed in range(30):
        out = np.repeat([False, True, False], 240)
        about = seconds_about(np.random.default_rng(seed), out)
        assert not about[: 240 * 30].any()
        assert not about[480 * 30 :].any()
        shares.append(about[240 * 30 : 480 * 30].mean())
    expected = DEFAULT.awake.active_min / (DEFAULT.awake.active_min + DEFAULT.awake.sitting_min)
    assert np.mean(shares) == pytest.approx(expected, abs=0.1)
    assert 0 < np.min(shares) < np.max(shares) < 1
