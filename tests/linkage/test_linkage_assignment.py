"""One to one: heaviest first, and a tie is nobody's."""

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
    table = pairs((1, 1, 9.0), (1, 2, 9.0), (1, 3, 4.0), (2, 2, 3.0), (4, 4, 9.0))
    outcome = assign(table)
    assert accepted(table) == {(4, 4)}
    assert (outcome.tied_pairs, outcome.tied_left, outcome.tied_right) == (2, 1, 2)


def test_equal_weights_on_different_records_are_no_tie():
    assert accepted(pairs((1, 1, 9.0), (2, 2, 9.0))) == {(1, 1), (2, 2)}


def test_no_pairs_no_links():
    assert accepted(pairs()) == set()


rows = st.lists(
    st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(-3, 3).map(float)),
    max_size=40,
    unique_by=lambda row: row[:2],
)


@given(rows, st.randoms(use_true_random=False))
def test_one_to_one_whatever_the_order(listed, shuffle):
    links = accepted(pairs(*listed))
    assert len({left for left, _ in links}) == len({right for _, right in links}) == len(links)
    again = list(listed)
    shuffle.shuffle(again)
    assert accepted(pairs(*again)) == links
