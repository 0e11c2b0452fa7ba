"""One to one: the greatest sum of weights, and a tie is nobody's."""

import itertools

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from p20kit.linkage.assignment import assign


def pairs(*rows: tuple[int, int, float]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=["left", "right", "match_weight"])


def accepted(table: pd.DataFrame) -> set[tuple[int, int]]:
    return set(table.loc[assign(table).accepted, ["left", "right"]].itertuples(index=False, name=None))


def test_the_heavier_pair_takes_the_record():
    assert accepted(pairs((1, 1, 5.0), (1, 2, 9.0), (2, 2, 7.0), (3, 1, 4.0))) == {(1, 2), (3, 1)}


def test_a_tie_leaves_all_its_records_unlinked():
    table = pairs((1, 1, 9.0), (1, 2, 9.0), (1, 3, 4.0), (2, 2, -3.0), (4, 4, 9.0))
    outcome = assign(table)
    assert accepted(table) == {(4, 4)}
    assert (outcome.tied_pairs, outcome.tied_left, outcome.tied_right) == (2, 1, 2)


def test_two_links_weigh_more_than_the_heaviest_one():
    assert accepted(pairs((1, 1, 6.0), (1, 2, 9.0), (2, 2, 7.0))) == {(1, 1), (2, 2)}


def test_a_pair_as_heavy_as_both_rivals_together_is_a_tie_and_one_heavier_is_not():
    rivals = ((1, 2, 4.0), (2, 1, 5.0))
    assert accepted(pairs((1, 1, 9.0), *rivals)) == set()
    assert accepted(pairs((1, 1, 9.1), *rivals)) == {(1, 1)}
    assert accepted(pairs((1, 1, 8.9), *rivals)) == {(1, 2), (2, 1)}


def test_a_tie_of_whole_answers_leaves_only_what_they_share():
    ring = pairs((1, 1, 5.0), (1, 2, 4.0), (2, 1, 6.0), (2, 2, 5.0), (2, 3, 1.0), (3, 3, 8.0))
    outcome = assign(ring)
    assert accepted(ring) == {(3, 3)}
    assert (outcome.tied_pairs, outcome.tied_left, outcome.tied_right) == (4, 2, 2)


def test_of_three_equally_good_records_every_one_is_a_rival():
    table = pairs((0, 3, 4.0), (0, 0, 2.0), (1, 0, 3.0), (1, 1, 3.0), (1, 2, 3.0), (5, 2, -2.0))
    outcome = assign(table)
    assert accepted(table) == {(0, 3)}, "a lighter pair of a tied record would be a guess"
    assert (outcome.tied_pairs, outcome.tied_left, outcome.tied_right) == (3, 1, 3)


def test_rivals_that_no_two_answers_share_are_all_found():
    weights = {(0, 0): 3, (0, 1): 1, (0, 2): 3, (0, 3): 3, (1, 2): 5, (1, 3): 5, (2, 0): 4, (2, 1): 5, (2, 2): 5}
    outcome = assign(pairs(*((left, right, float(weight)) for (left, right), weight in weights.items())))
    assert not outcome.accepted.any()
    assert (outcome.tied_pairs, outcome.tied_left, outcome.tied_right) == (7, 3, 4)


def test_a_sure_pair_goes_before_a_heavier_one_unless_it_has_a_rival():
    table = pairs((1, 1, 9.0), (1, 2, 2.0), (3, 3, 2.0), (3, 4, 1.0), (3, 5, 7.0))
    sure = np.array([False, True, True, True, False])
    assert set(table.loc[assign(table, sure).accepted, "right"]) == {2, 5}


def test_equal_weights_on_different_records_are_no_tie():
    assert accepted(pairs((1, 1, 9.0), (2, 2, 9.0))) == {(1, 1), (2, 2)}


def test_no_pairs_no_links():
    assert accepted(pairs()) == set()


rows = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(-3, 3).map(float)),
    max_size=12,
    unique_by=lambda row: row[:2],
)


@given(rows)
def test_what_is_accepted_is_in_every_best_answer(listed):
    likely = [row for row in listed if row[2] > 0]
    best: list[frozenset[tuple[int, int]]] = []
    top = -1.0
    for size in range(min(len(likely), 4) + 1):
        for chosen in itertools.combinations(likely, size):
            if len({a for a, *_ in chosen}) == len({b for _, b, _ in chosen}) == size:
                total = sum(w for *_, w in chosen)
                answer = frozenset((a, b) for a, b, _ in chosen)
                best, top = ([answer], total) if total > top else ([*best, answer] if total == top else best, top)
    assert accepted(pairs(*likely)) == frozenset.intersection(*best)


@given(rows, st.randoms(use_true_random=False))
def test_one_to_one_whatever_the_order(listed, shuffle):
    links = accepted(pairs(*listed))
    assert len({left for left, _ in links}) == len({right for _, right in links}) == len(links)
    again = list(listed)
    shuffle.shuffle(again)
    assert accepted(pairs(*again)) == links
