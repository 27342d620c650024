"""How varied the sequence of stages is: entropy and Lempel–Ziv complexity."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from staging.architecture.nights import UNSCORED, Floats, Ints, Nights, W
from staging.architecture.registry import metric

__all__ = ["lempel_ziv_phrases"]

_MANY = 48
"""From so many nights on it is faster to parse them side by side, 64 to a word, than one after the other."""

_BLOCK = 1024
"""Nights parsed side by side at once: enough to make the steps cheap, few enough for the processor's cache."""


def _entropy_bits(weights: Floats) -> Floats:
    """Shannon entropy of each row's shares, NaN for rows without weight."""
    total = weights.sum(axis=1)
    inner = (weights * np.log2(weights, out=np.zeros_like(weights), where=weights > 0)).sum(axis=1)
    some = total > 0
    entropy = np.full(len(weights), np.nan)
    # Not a difference of nearly equal numbers where one stage has all: that gives exactly 0.
    entropy[some] = np.maximum(np.log2(total[some]) - inner[some] / total[some], 0.0)
    return entropy


@metric(
    unit="bits",
    group="complexity",
    source="shannon1948",
    coarser="of its own classes, so at most the logarithm of their number",
    decimals=3,
)
def stage_entropy_bits(nights: Nights) -> Floats:
    """Shannon entropy of the time spent in the stages of the sleep period, wake included.

    0 bits where it is all one stage.
    """
    epochs = nights.counts[:, :-1].astype(np.float64)
    epochs[:, W] = nights.wake_within
    return np.where(nights.asleep, _entropy_bits(epochs), np.nan)


@metric(
    unit="bits",
    group="complexity",
    source="shannon1948",
    coarser="of the changes between its own classes; 0 with two",
    unscored="breaks",
    decimals=3,
)
def shift_entropy_bits(nights: Nights) -> Floats:
    """Entropy of the next stage given the stage that is left: how predictable the order of stages is.

    The mean over all changes of stage in the sleep period; lengths of bouts play no part. None without any change.
    """
    runs = nights.runs
    at = np.flatnonzero(nights.shifts_in_period)
    source, target = runs.code[at - 1].astype(np.int64), runs.code[at].astype(np.int64)
    flat = np.bincount((runs.night[at] * 8 + source) * 8 + target, minlength=64 * len(nights))
    pairs = flat.reshape(len(nights), 64).astype(np.float64)
    left = pairs.reshape(len(nights), 8, 8).sum(axis=2)
    # Chain rule: H(next | left) = H(left, next) - H(left).
    return np.maximum(_entropy_bits(pairs) - _entropy_bits(left), 0.0)


def lempel_ziv_phrases(sequence: ArrayLike) -> int:
    """Number of phrases in the exhaustive history of a sequence (Lempel & Ziv 1976).

    From left to right, each phrase is the shortest one that does not occur earlier, overlap allowed; what is left at
    the end counts as one.

    Parameters
    ----------
    sequence : array_like of int, shape (n,)
        Symbols from 0 to 255.

    Returns
    -------
    int
        0 for an empty sequence.

    References
    ----------
    Lempel A, Ziv J. IEEE Transactions on Information Theory 1976;22:75–81. doi:10.1109/TIT.1976.1055501

    Examples
    --------
    Their example 0001101001000101 has the phrases 0, 001, 10, 100, 1000, 101.

    >>> lempel_ziv_phrases([0, 0, 0, 1, 1, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 1])
    6
    """
    text = bytes(np.asarray(sequence, dtype=np.uint8))
    phrases, begin, found = 0, 0, 0
    length = 1
    while begin + length <= len(text):
        # An occurrence of a longer phrase is one of the shorter too: go on from the last place.
        found = text.find(text[begin : begin + length], found, begin + length - 1)
        if found >= 0:
            length += 1
        else:
            phrases += 1
            begin, length, found = begin + length, 1, 0
    return phrases + (begin < len(text))


def _phrases_side_by_side(symbols: NDArray[np.uint8], lengths: Ints) -> Ints:
    """Phrases of many sequences of symbols 0 to 7, the rows of ``(N, n)``, each of its own length of at least 1.

    One bit a night, so that a word holds 64 of them. Row ``n - d`` of `gone` has the bit of a night set unless its
    phrase so far equals what stands ``d`` places earlier; the phrase ends where all distances are gone.
    """
    n_nights, n = symbols.shape
    padded = np.zeros((n, n_nights + -n_nights % 64), dtype=np.uint8)
    padded[:, :n_nights] = symbols.T
    planes = [
        np.packbits((padded >> bit) & 1, axis=1, bitorder="little").view("<u8")
        for bit in range(int(symbols.max(initial=0)).bit_length())
    ]
    gone = np.full((n, padded.shape[1] // 64), ~np.uint64(0))
    differs = np.empty_like(gone)
    ends = np.empty_like(gone)
    for at in range(n):
        # Row j of the planes against row `at`: the distances at - j = at, ..., 1.
        seen, scratch = gone[n - at :], differs[:at]
        for plane in planes:
            np.bitwise_xor(plane[:at], plane[at], out=scratch)
            np.bitwise_or(seen, scratch, out=seen)
        np.bitwise_and.reduce(seen, axis=0, out=ends[at])
        if at + 1 < n:
            # A new phrase may equal anything that begins before it.
            fresh = gone[n - at - 1 :]
            np.bitwise_and(fresh, ~ends[at], out=fresh)
    bits = np.unpackbits(ends.view(np.uint8), axis=1, bitorder="little")[:, :n_nights]
    finished = bits[lengths - 1, np.arange(n_nights)]
    bits[np.arange(n)[:, None] >= lengths] = 0
    # A phrase that was not finished at the end counts as one.
    phrases: Ints = bits.sum(axis=0, dtype=np.int64) + 1 - finished
    return phrases


def _phrases(symbols: NDArray[np.uint8], lengths: Ints) -> Ints:
    """Phrases of sequences that stand end to end; 0 for empty ones."""
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    phrases = np.zeros(len(lengths), dtype=np.int64)
    order = np.argsort(lengths, kind="stable")[np.count_nonzero(lengths == 0) :]
    for begin in range(0, len(order), _BLOCK):
        block = order[begin : begin + _BLOCK]
        if len(block) < _MANY:
            for night in block.tolist():
                phrases[night] = lempel_ziv_phrases(symbols[offsets[night] : offsets[night + 1]])
            continue
        place = np.arange(lengths[block].max())
        index = np.minimum(offsets[block][:, None] + place, len(symbols) - 1)
        phrases[block] = _phrases_side_by_side(symbols[index], lengths[block])
    return phrases


@metric(
    unit="ratio",
    group="complexity",
    source="lempel1976",
    classes=(5, 4, 3),
    coarser="of the order of its own classes",
    decimals=4,
)
def lempel_ziv_ratio(nights: Nights) -> Floats:
    """Lempel–Ziv complexity of the order of stages in the sleep period, lengths of bouts left out.

    The c phrases of the m bouts, wake included, of k classes, as c · log(m) / (m · log(k − 1)): a bout is followed by
    one of k − 1 others, so that an order drawn at random tends to 1. None for a single bout.
    `lempel_ziv_phrases` parses any sequence, such as the epochs themselves.
    """
    runs = nights.runs
    index = np.flatnonzero(nights.in_period & (runs.code != UNSCORED))
    code, night = runs.code[index], runs.night[index]
    # What was apart only by unscored epochs is one bout in the order.
    new = np.ones(len(index), dtype=bool)
    new[1:] = (code[1:] != code[:-1]) | (night[1:] != night[:-1])
    bouts = np.bincount(night[new], minlength=len(nights))
    phrases = _phrases(code[new].astype(np.uint8), bouts)
    several = np.maximum(bouts, 2)
    expected = several * np.log(np.maximum(nights.n_classes - 1, 2)) / np.log(several)
    return np.where(bouts > 1, phrases / expected, np.nan)
