"""Subjects that passes are judged by are never learnt from."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging.errors import InputError
from training.selection import Selection, split_off

from .conftest import made_up_night


@given(
    st.dictionaries(st.sampled_from("abc"), st.integers(2, 12), min_size=1),
    st.floats(0.01, 0.9),
    st.integers(0, 100),
)
@settings(deadline=None, max_examples=40)
def test_no_subject_is_on_both_sides_and_every_set_is_on_each(n_subjects, share, seed):
    nights = [made_up_night(str(i // 2), i, n=10, dataset=name) for name, n in n_subjects.items() for i in range(2 * n)]
    learning, validating = split_off(nights, share, seed=seed)
    assert len(learning) + len(validating) == len(nights)
    learnt, judged = ({(night.dataset, night.subject) for night in part} for part in (learning, validating))
    assert not learnt & judged
    for name, n in n_subjects.items():
        of_set = sum(dataset == name for dataset, _ in judged)
        assert 1 <= of_set <= n - 1
        assert of_set == min(max(1, round(share * n)), n - 1)


def test_the_split_is_a_function_of_the_seed():
    nights = [made_up_night(str(i), i, n=10) for i in range(20)]

    def judged(seed):
        return [night.subject for night in split_off(nights, 0.3, seed=seed)[1]]

    assert judged(1) == judged(1)
    assert judged(1) != judged(2)


def test_nothing_is_kept_apart_unasked():
    nights = [made_up_night("a", 1, n=10)]
    assert split_off(nights, Selection().validate, seed=0) == (nights, [])


def test_one_subject_cannot_be_on_both_sides():
    with pytest.raises(InputError, match="no data set has a second subject"):
        split_off([made_up_night("a", i, n=10) for i in range(3)], 0.5, seed=0)


@pytest.mark.parametrize("wrong", [{"validate": -0.1}, {"validate": 1.0}, {"patience": 0}])
def test_shares_and_patience_that_mean_nothing_are_refused(wrong):
    with pytest.raises(InputError, match="--"):
        Selection(**wrong)
