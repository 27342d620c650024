"""Runs, gaps, quantiles and windows in the graph against numpy, at any length."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.frontend import ops
from staging.grid import runs, within_runs

flags = arrays(bool, st.integers(1, 60))
numbers = arrays(np.float32, st.integers(1, 60), elements=st.floats(-100, 100, width=32))
quick = settings(max_examples=60, deadline=None)


def series(values: np.ndarray, known: np.ndarray) -> ops.Series:
    return ops.Series(torch.from_numpy(np.where(known, values, 0)), torch.from_numpy(known))


@quick
@given(known=flags)
def test_neighbours_are_the_nearest_known_places(known):
    before, after = (part.tolist() for part in ops.neighbours(torch.from_numpy(known)))
    places = np.flatnonzero(known)
    for at in range(len(known)):
        assert before[at] == max((p for p in places if p <= at), default=-1)
        assert after[at] == min((p for p in places if p >= at), default=len(known))


@quick
@given(known=flags)
def test_positions_are_the_known_places_in_order(known):
    places, count = ops.positions(torch.from_numpy(known))
    assert places[: int(count)].tolist() == np.flatnonzero(known).tolist()
    assert (places[int(count) :] == 0).all()


@quick
@given(values=numbers, data=st.data())
def test_interpolated_as_numpy(values, data):
    known = data.draw(arrays(bool, len(values)))
    found = ops.interpolated(series(values, known)).numpy()
    at = np.arange(len(values))
    expected = np.interp(at, at[known], values[known]) if known.any() else np.zeros(len(values))
    assert found == pytest.approx(expected, abs=1e-3)


@quick
@given(values=flags, at_least=st.integers(1, 8))
def test_runs_of_at_least_so_many(values, at_least):
    start, stop = runs(values)
    long = stop - start >= at_least
    expected = within_runs(start[long], stop[long], len(values))
    assert ops.runs_of(torch.from_numpy(values), at_least).tolist() == expected.tolist()


@quick
@given(values=flags, before=st.integers(0, 5), after=st.integers(0, 5))
def test_any_near_is_the_window_about_each_place(values, before, after):
    found = ops.any_near(torch.from_numpy(values), before, after).tolist()
    assert found == [bool(values[max(0, at - before) : at + after + 1].any()) for at in range(len(values))]


@quick
@given(values=numbers, data=st.data())
def test_quantiles_as_numpy(values, data):
    known = data.draw(arrays(bool, len(values)))
    shares = (0.0, 0.25, 0.5, 0.95, 1.0)
    found = ops.quantiles(series(values, known), shares).numpy()
    expected = np.quantile(values[known], shares) if known.any() else np.zeros(5)
    assert found == pytest.approx(expected, abs=1e-3)


@quick
@given(values=numbers, before=st.integers(0, 9), after=st.integers(0, 9))
def test_windows_sums_and_maxima_are_cut_at_the_ends(values, before, after):
    about = [values[max(0, at - before) : at + after + 1] for at in range(len(values))]
    given_ = torch.from_numpy(values)
    assert ops.box_max(given_, before, after).tolist() == [float(part.max()) for part in about]
    assert ops.box_sum(given_, before, after).numpy() == pytest.approx([part.sum() for part in about], abs=1e-2)
    assert ops.windows(given_, before, after).shape == (len(values), before + 1 + after)
    assert ops.windows(given_, before, after)[:, before].tolist() == values.tolist()


@quick
@given(rows=arrays(bool, st.tuples(st.integers(1, 20), st.integers(1, 4))))
def test_every_is_all_along_the_last_axis(rows):
    assert ops.every(torch.from_numpy(rows)).tolist() == rows.all(1).tolist()


def test_ratio_of_nothing_is_zero():
    assert ops.ratio(torch.tensor([3.0, 0.0]), torch.tensor([2.0, 0.0])).tolist() == [1.5, 0.0]


def test_only_forgets_the_rest():
    kept = ops.Series(torch.tensor([1.0, 2.0]), torch.tensor([True, True])).only(torch.tensor([False, True]))
    assert kept.values.tolist() == [0.0, 2.0]
    assert kept.known.tolist() == [False, True]
