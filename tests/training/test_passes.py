"""Who sees which night when."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from training import passes
from training.batches import Mixed, NightDataset
from training.passes import BLANK, PassBatches, balanced, loader
from training.recipe import Recipe

from .conftest import made_up_night

RECIPE = Recipe()
MODEST = settings(deadline=None, max_examples=30)


def dataset(nights, n_mixed=0, seed=0) -> NightDataset:
    mixed = [Mixed([made_up_night("simulated", 99, n=10)], n_mixed)] if n_mixed else []
    return NightDataset(nights, RECIPE.spec, mixed=mixed, smoothing=RECIPE.smoothing, seed=seed)


def nights_of(**sizes: int):
    return [made_up_night(str(i), i, n=10, dataset=name) for name, size in sizes.items() for i in range(size)]


def seen_by(batches: PassBatches, rank: int, world: int) -> list[list[int]]:
    own, passes.rank_and_world = passes.rank_and_world, lambda: (rank, world)
    try:
        return list(batches)
    finally:
        passes.rank_and_world = own


@given(st.integers(1, 20), st.integers(0, 3), st.integers(1, 6), st.integers(1, 5), st.integers(0, 9))
@MODEST
def test_processes_share_each_batch_so_that_every_night_is_seen_once_a_pass(n, n_mixed, batch_size, world, number):
    batches = PassBatches(dataset(nights_of(a=n), n_mixed), batch_size)
    batches.set_epoch(number)
    (alone,) = [seen_by(batches, 0, 1)]
    assert sorted(index for batch in alone for index in batch) == list(range(n + n_mixed))
    shared = [seen_by(batches, rank, world) for rank in range(world)]
    assert {len(part) for part in shared} == {len(alone)} == {len(batches)}, "all take part in every step"
    for step, whole in enumerate(alone):
        parts = [index for part in shared for index in part[step] if index != BLANK]
        assert sorted(parts) == sorted(whole), "a step is what it is to one process"


def test_a_pass_follows_from_the_seed_and_its_number_alone():
    def order(seed, number):
        batches = PassBatches(dataset(nights_of(a=30), seed=seed), 4)
        batches.set_epoch(number)
        return batches.order().tolist()

    assert order(1, 5) == order(1, 5)
    assert order(1, 5) != order(1, 6)
    assert order(1, 5) != order(2, 5)


@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 12), st.integers(0, 2), st.integers(0, 9))
@MODEST
def test_balanced_sets_have_the_same_share_of_a_pass_that_stays_as_long_as_it_was(a, b, c, n_mixed, number):
    nights = nights_of(a=a, b=b, c=c)
    shown, copies = balanced(nights)
    batches = PassBatches(dataset(shown, n_mixed), 4, copies=copies, n_nights=len(nights))
    batches.set_epoch(number)
    order = batches.order().tolist()
    assert len(order) == len(set(order)) == len(nights) + n_mixed, "each place is drawn once, so changed in its own way"
    of_set = [shown[index].dataset for index in order if index < len(shown)]
    shares = [of_set.count(name) for name in "abc"]
    assert max(shares) - min(shares) <= 1
    assert sum(index >= len(shown) for index in order) == n_mixed
    for name, size, share in zip("abc", (a, b, c), shares, strict=True):
        times = np.bincount(
            [int(shown[index].subject) for index in order if index < len(shown) and shown[index].dataset == name],
            minlength=size,
        )
        assert times.sum() == share
        assert times.max() - times.min() <= 1, "no night of a set is shown more often than another of it"


def test_a_large_set_shows_another_part_at_every_balanced_pass():
    nights = nights_of(large=20, small=2)
    shown, copies = balanced(nights)
    batches = PassBatches(dataset(shown), 4, copies=copies, n_nights=len(nights))
    seen: set[str] = set()
    for number in range(8):
        batches.set_epoch(number)
        of_large = {shown[index].subject for index in batches.order() if shown[index].dataset == "large"}
        assert len(of_large) == 11
        seen |= of_large
    assert len(seen) == 20


def test_a_process_with_no_night_left_sees_one_that_nobody_scored(monkeypatch):
    monkeypatch.setattr(passes, "rank_and_world", lambda: (1, 2))
    batches = list(loader(PassBatches(dataset(nights_of(a=3)), 2)))
    assert float(batches[0].target_BSK.sum()) > 0
    assert torch.equal(batches[1].target_BSK, torch.zeros_like(batches[1].target_BSK))


def test_without_shuffling_the_order_is_that_of_the_nights():
    assert list(PassBatches(dataset(nights_of(a=5)), 2, shuffled=False)) == [[0, 1], [2, 3], [4]]
