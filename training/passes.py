"""Which nights a pass shows, in which order, and to which of several processes.

An order depends on the seed and the pass alone: a run that was broken off sees what an unbroken one would, and several
processes that share a pass see, batch for batch, what one process would.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch.distributed
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset, Sampler

from staging.features import ModelInputs
from training.batches import NightDataset, collate
from training.night import LabelledNight

__all__ = ["Copies", "PassBatches", "balanced", "loader", "rank_and_world"]

Copies = Sequence[Sequence[NDArray[np.int64]]]
"""Positions of each source's nights, once for every copy of them."""

BLANK = -1
"""Stands for a night where a process has none left of a batch: all must take part in every step."""


def rank_and_world() -> tuple[int, int]:
    """Number of this process, and how many share the work; ``(0, 1)`` where there is but one."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    return 0, 1


def balanced(nights: Sequence[LabelledNight]) -> tuple[list[LabelledNight], Copies]:
    """Nights with as many copies of the small data sets as give each set the same share of a pass.

    A pass stays as long as it was. Of a large set it shows a part, another one every time; of a small set every night,
    some of them more than once, each time changed in another way, for a copy has a place of its own.

    Returns
    -------
    list of LabelledNight
        Grouped by data set.
    Copies
        For `PassBatches`.
    """
    datasets = sorted({night.dataset for night in nights})
    share = -(-len(nights) // len(datasets))
    shown: list[LabelledNight] = []
    copies: list[list[NDArray[np.int64]]] = []
    for dataset in datasets:
        of_dataset = [night for night in nights if night.dataset == dataset]
        copies.append([])
        for _ in range(-(-share // len(of_dataset))):
            copies[-1].append(np.arange(len(shown), len(shown) + len(of_dataset)))
            shown += of_dataset
    return shown, copies


class PassBatches(Sampler[list[int]]):
    """Batches of a pass; Lightning tells it the pass.

    Parameters
    ----------
    dataset : NightDataset
        It is told the pass too.
    batch_size : int
        Nights of a step, over all processes together.
    shuffled : bool
        False keeps the dataset's order.
    copies : Copies, optional
        Of `balanced`: every source has its share of the pass. Without it every night is seen once.
    n_nights : int, optional
        Nights of a pass where there are copies, the mixed ones apart.
    """

    def __init__(
        self,
        dataset: NightDataset,
        batch_size: int,
        *,
        shuffled: bool = True,
        copies: Copies | None = None,
        n_nights: int = 0,
    ) -> None:
        self.dataset = dataset
        self.batch_size = batch_size
        self.shuffled = shuffled
        self.copies = copies
        self.n_places = len(dataset) if copies is None else n_nights + dataset.n_mixed
        self.sampler = self  # where Lightning looks for `set_epoch`

    def set_epoch(self, epoch: int) -> None:
        """Called by Lightning before every pass."""
        self.dataset.pass_number = epoch

    def order(self) -> NDArray[np.int64]:
        """Positions in the dataset in the order of the present pass, for all processes together."""
        if not self.shuffled:
            return np.arange(self.n_places)
        rng = np.random.default_rng((self.dataset.seed, self.dataset.pass_number))
        if self.copies is None:
            return rng.permutation(self.n_places)
        places, left_over = divmod(self.n_places - self.dataset.n_mixed, len(self.copies))
        mixed = np.arange(len(self.dataset.nights), len(self.dataset))
        drawn = [mixed]
        for number, of_source in enumerate(self.copies):
            # What cannot be divided goes to others at every pass.
            own = places + int((number - self.dataset.pass_number) % len(self.copies) < left_over)
            drawn.append(np.concatenate([rng.permutation(copy) for copy in of_source])[:own])
        return rng.permutation(np.concatenate(drawn))

    def __iter__(self) -> Iterator[list[int]]:
        order = self.order().tolist()
        rank, world = rank_and_world()
        for first in range(0, len(order), self.batch_size):
            yield order[first : first + self.batch_size][rank::world] or [BLANK]

    def __len__(self) -> int:
        return -(-self.n_places // self.batch_size)


class _WithBlank(Dataset[tuple[ModelInputs, NDArray[np.float32]]]):
    """The dataset, and a night whose scores are taken away, which teaches nothing."""

    def __init__(self, dataset: NightDataset) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> tuple[ModelInputs, NDArray[np.float32]]:
        if index != BLANK:
            return self.dataset[index]
        inputs, labels = self.dataset[0]
        return inputs, np.zeros_like(labels)


def loader(batches: PassBatches, collate_with: Callable[..., Any] = collate) -> DataLoader[Any]:
    """The tensors of the batches, each joined by `collate_with`."""
    return DataLoader(_WithBlank(batches.dataset), batch_sampler=batches, collate_fn=collate_with)
