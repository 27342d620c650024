"""Entropy and Lempel–Ziv complexity, by hand and against slow definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging.architecture import lempel_ziv_phrases
from staging.architecture.complexity import _phrases, _phrases_side_by_side
from tests.architecture.strategies import metric, night

SEQUENCES = st.lists(st.integers(0, 4), max_size=60)


def slow_phrases(sequence: list[int]) -> int:
    """Lempel & Ziv's exhaustive history, as they define it."""
    text, phrases, begin = bytes(sequence), 0, 0
    while begin < len(text):
        length = 1
        while begin + length <= len(text) and text[begin : begin + length] in text[: begin + length - 1]:
            length += 1
        phrases, begin = phrases + 1, begin + length
    return phrases


@pytest.mark.parametrize(
    ("sequence", "phrases"),
    [
        ([], 0),
        ([3], 1),
        ([1, 1, 1, 1], 2),
        ([0, 1, 0, 1, 0, 1], 3),
        ([0, 0, 0, 1, 1, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 1], 6),
    ],
)
def test_phrases_of_known_sequences(sequence, phrases):
    assert lempel_ziv_phrases(sequence) == phrases


@settings(deadline=None, max_examples=200)
@given(SEQUENCES)
def test_phrases_are_those_of_the_definition(sequence):
    assert lempel_ziv_phrases(sequence) == slow_phrases(sequence)


@settings(deadline=None, max_examples=60)
@given(st.lists(SEQUENCES.filter(len), min_size=1, max_size=130))
def test_sequences_side_by_side_have_the_phrases_they_have_alone(sequences):
    longest = max(map(len, sequences))
    padded = np.array([sequence + [7] * (longest - len(sequence)) for sequence in sequences], dtype=np.uint8)
    lengths = np.array([len(sequence) for sequence in sequences])
    assert _phrases_side_by_side(padded, lengths).tolist() == [slow_phrases(sequence) for sequence in sequences]


@settings(deadline=None, max_examples=20)
@given(st.lists(SEQUENCES, min_size=100, max_size=120))
def test_phrases_of_many_sequences_end_to_end(sequences):
    lengths = np.array([len(sequence) for sequence in sequences])
    flat = np.concatenate([np.array(sequence, dtype=np.uint8) for sequence in sequences])
    assert _phrases(flat, lengths).tolist() == [slow_phrases(sequence) for sequence in sequences]


def test_stage_entropy_is_that_of_time_in_the_sleep_period():
    assert metric(night("W*9 2*4 R*4 W*9"), "stage_entropy_bits") == 1.0
    assert metric(night("1 2 3 R 1 2 3 R W*5"), "stage_entropy_bits") == 2.0
    assert metric(night("2*7"), "stage_entropy_bits") == 0.0
    assert metric(night("W*7"), "stage_entropy_bits") is None


def test_shift_entropy_is_zero_where_the_next_stage_is_certain():
    assert metric(night("1 2 3 1 2 3 1 2 3"), "shift_entropy_bits") == pytest.approx(0.0, abs=1e-12)
    assert metric(night("2*9"), "shift_entropy_bits") is None


def test_shift_entropy_is_the_mean_uncertainty_of_the_next_stage():
    # From N2 to N3 or R with equal chance (1 bit, 2 shifts of 4), from both back to N2 (0 bits).
    assert metric(night("2 3 2 R 2"), "shift_entropy_bits") == pytest.approx(0.5)


def test_lempel_ziv_ratio_counts_phrases_of_the_order_of_stages():
    # N2 N3 N2 N3 N2: the phrases N2, N3, N2 N3 N2.
    expected = 3 * math.log(5) / (5 * math.log(4))
    assert metric(night("W*4 2*5 3*2 2*9 3 2 W"), "lempel_ziv_ratio") == pytest.approx(expected)
    assert metric(night("2*9"), "lempel_ziv_ratio") is None
    assert metric(night("W S W S", n_classes=2), "lempel_ziv_ratio") is None


def test_an_unscored_epoch_does_not_part_the_order_of_stages():
    assert metric(night("2*5 ? 2*2 3 2"), "lempel_ziv_ratio") == metric(night("2*7 3 2"), "lempel_ziv_ratio")
