"""What intervals alone tell a reader, and the system that they leave open."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from p20kit import CellPolicy
from p20kit.attack import NEAR, Attack, components
from p20kit.disclosed import Disclosed
from p20kit.errors import TableInvalid
from p20kit.linked import link
from tests.disclosure.changes import undecided
from tests.disclosure.spelled import counts, released

STRICT = CellPolicy()
INF = np.inf


def attacked(*told: Disclosed) -> Attack:
    return Attack(told, link([each.table for each in told]))


def starred(text: str, name: str = "t") -> Disclosed:
    return released(text, STRICT, name).disclosed()[0]


def told_of(text: str, bounds: dict[tuple[int, int], tuple[float, float]], *, whole: bool = True) -> Disclosed:
    """Hide what is starred, and say of some cells between what they lie."""
    told = starred(text)
    lower, upper = told.lower.copy(), told.upper.copy()
    for at, between in bounds.items():
        lower[at], upper[at] = between
    return replace(told, lower=lower, upper=upper, whole=whole, layer="count" if whole else "wages")


def between(attack: Attack, table: int = 0) -> dict[int, tuple[float, float]]:
    """Bounds of the cells of a table that do not follow, by their flat place."""
    cells = attack.cell[table]
    open_ = np.flatnonzero(~attack.known[cells]).tolist()
    return {flat: (float(attack.lower[cells[flat]]), float(attack.upper[cells[flat]])) for flat in open_}


SQUARE = """
   | a  | b  | c
 N | 3* | 9* | 40
 S | 8* | 7* | 30"""


def test_each_line_bounds_its_hidden_cells() -> None:
    assert between(attacked(starred(SQUARE))) == {0: (0, 11), 1: (1, 12), 4: (0, 11), 5: (4, 15)}


def test_a_lone_hidden_cell_of_a_line_follows_and_so_do_those_that_are_lone_then() -> None:
    text = " | a | b | c \n N | 3* | 9* | 40 \n S | 31 | 5* | 4* \n T | 30 | 31 | 2*"
    assert between(attacked(starred(text))) == {}
    assert attacked(starred(text)).known.all()


def test_bounds_spread_along_chains_of_lines() -> None:
    # each line holds two hidden cells: what is told of the first is told, line by line, of the last
    size, generator = 9, np.random.default_rng(0)
    text = "|".join(["", *(f"c{i}" for i in range(size))])
    for i in range(size):
        cells = (f"{generator.integers(20, 40)}{'*' * (j in (i, (i + 1) % size))}" for j in range(size))
        text += f"\n r{i} | " + " | ".join(cells)
    told = starred(text)
    first = told.truth[0, 0]
    attack = attacked(told_of(text, {(0, 0): (first - 2, first + 3)}))
    found = between(attack)
    assert len(found) == 2 * size
    assert {high - low for low, high in found.values()} == {5}
    assert found[0] == (first - 2, first + 3) and found[1] == (told.truth[0, 1] - 3, told.truth[0, 1] + 2)


def test_people_are_whole_and_money_is_not() -> None:
    text = " | a | b | c \n N | 3* | 9* | 40 \n S | 8* | 70* | 30"
    told = {(0, 0): (1.5, 4.25)}
    assert between(attacked(told_of(text, told))) == {0: (2, 4), 1: (8, 10), 4: (7, 9), 5: (69, 71)}
    money = {0: (1.5, 4.25), 1: (7.75, 10.5), 4: (6.75, 9.5), 5: (68.5, 71.25)}
    assert between(attacked(told_of(text, told, whole=False))) == money


def test_what_is_told_within_less_than_a_person_is_known() -> None:
    attack = attacked(told_of(SQUARE, {(0, 0): (2.5, 3.5)}))
    assert attack.known.all() and between(attack) == {}


def test_nothing_bounds_a_cell_whose_total_nothing_bounds() -> None:
    told = told_of(" | a | b \n N | 3* | 40 \n S | 31* | 29", {(0, 2): (0, INF), (1, 2): (0, INF), (2, 0): (0, INF)})
    told = replace(told, lower=told.lower * (told.upper < INF), upper=told.upper)
    everything = between(attacked(told))
    # the grand total and the column of b are known, so a comes to 34
    assert everything[0] == (0, 34) and everything[2] == (40, 74)
    upper = told.upper.copy()
    upper[2, 2] = INF
    lower = told.lower.copy()
    lower[2, 2] = 0
    endless = between(attacked(replace(told, lower=lower, upper=upper)))
    assert endless[0] == (0, INF) and endless[2] == (40, INF) and endless[8] == (69, INF)


def test_one_endless_cell_of_a_line_is_bounded_by_the_others_and_two_are_not() -> None:
    table = counts(" | a | b | c \n N | 3 | 4 | 5 \n S | 6 | 7 | 8")
    truth = table.counts.astype(float)
    lower, upper = truth * 0, np.full(truth.shape, INF)
    # N comes to at most 13 and holds at least 2 in b, S to at least 20 with at most 8 in b and 9 in c
    upper[0, 3], lower[0, 1] = 13, 2
    lower[1, 3], upper[1, 1:3] = 20, (8, 9)
    found = between(attacked(Disclosed(table, truth, lower, upper, truth * 0)))
    assert found[0] == (0, 11) and found[1] == (2, 13) and found[2] == (0, 11)
    assert found[4] == (3, INF) and found[5] == (0, 8)
    assert found[8] == (3, INF) and found[11] == (22, INF)


@pytest.mark.parametrize(("bounds", "cells"), [({(0, 0): (4, 9)}, 1), ({(0, 0): (0, 2), (0, 1): (9.5, 10)}, 2)])
def test_what_does_not_hold_the_figures_cannot_be_audited(
    bounds: dict[tuple[int, int], tuple[float, float]], cells: int
) -> None:
    with pytest.raises(TableInvalid, match="cannot be audited") as refused:
        attacked(told_of(SQUARE, bounds), replace(starred(SQUARE, "again"), lower=np.zeros((3, 4))))
    (finding,) = refused.value.findings
    assert (finding.rule, finding.clause, finding.where) == ("untrue", "DSA VI.G.1", "t")
    assert finding.what == f"what is disclosed of {cells} cells does not hold their figures"


def test_two_releases_that_tell_different_counts_cannot_be_audited() -> None:
    told = starred(SQUARE)
    shown = replace(told, lower=told.truth, upper=told.truth)
    wrong = replace(told, table=replace(told.table, name="wrong"), lower=told.truth + 1, upper=told.truth + 1)
    with pytest.raises(TableInvalid) as refused:
        attacked(shown, wrong)
    assert refused.value.findings[0].what.startswith("what is disclosed of 12 cells")


def test_what_two_releases_tell_of_a_cell_is_put_together() -> None:
    one, other = told_of(SQUARE, {(0, 0): (1, 9)}), told_of(SQUARE, {(0, 0): (2, 10)})
    need = np.zeros((3, 4))
    need[0, 0] = 8
    other = replace(other, table=replace(other.table, name="other"), need=need)
    attack = attacked(one, other)
    cell = attack.cell[0][0]
    assert (attack.lower[cell], attack.upper[cell], attack.need[cell]) == (2, 9, 8)
    assert attacked(other, one).need[cell] == 8
    assert np.array_equal(attack.cell[0], attack.cell[1])


def test_money_is_equal_within_a_millionth_of_the_largest_sum() -> None:
    told = told_of(SQUARE, {}, whole=False)
    assert attacked(told).near == pytest.approx(97 * NEAR)
    assert attacked(starred(SQUARE)).near == NEAR
    cents = replace(told, truth=told.truth / 1e3, lower=told.lower / 1e3, upper=told.upper / 1e3)
    assert attacked(cents).near == NEAR
    # counts beside money are no longer whole
    both = attacked(starred(SQUARE), replace(told, table=replace(told.table, name="money")))
    assert both.near == pytest.approx(97 * NEAR) and not both.whole


def test_rounding_of_sums_is_not_untrue() -> None:
    told = told_of(SQUARE, {(0, 0): (3 + 9e-5, 9)}, whole=False)
    open_ = attacked(told).undecided
    # a change from the truth is never asked to be one: none is always possible
    assert (open_.down <= 0).all() and (open_.up >= 0).all() and open_.down[0] == 0
    assert open_.up[0] == pytest.approx(6)
    below = attacked(told_of(SQUARE, {(0, 0): (0, 3 - 9e-5)}, whole=False)).undecided
    assert below.up[0] == 0 and below.down[0] == pytest.approx(-3)
    with pytest.raises(TableInvalid):
        attacked(told_of(SQUARE, {(0, 0): (3 + 2e-4, 9)}, whole=False))


@pytest.mark.parametrize(("truth", "between"), [(0, (0, NEAR)), (0, (NEAR, NEAR)), (NEAR, (0, 0))])
def test_what_is_as_near_as_a_millionth_is_equal(truth: float, between: tuple[float, float]) -> None:
    table = counts(" | a \n N | 1")
    figures = np.full((2, 2), truth)
    lower, upper = (np.full((2, 2), bound) for bound in between)
    assert attacked(Disclosed(table, figures, lower, upper, figures * 0, "wages", whole=False)).known.all()


def test_what_is_left_open_is_a_system_of_changes() -> None:
    attack = attacked(starred(SQUARE))
    left = attack.undecided
    assert attack.truth[left.cells].tolist() == [3, 9, 8, 7]
    assert left.down.tolist() == [-3, -8, -8, -3] and left.up.tolist() == [8, 3, 3, 8]
    lines = {tuple(sorted(np.flatnonzero(row).tolist())) for row in left.rows.toarray()}
    assert lines == {(0, 1), (2, 3), (0, 2), (1, 3)}
    assert (left.rows @ np.array([1.0, -1, -1, 1]) == 0).all()
    assert len(set(left.part.tolist())) == 1


def test_a_total_changes_as_its_parts_together_do() -> None:
    told = starred(SQUARE)
    hidden = np.zeros((3, 4), dtype=bool)
    hidden[:2, [0, 1, 3]] = True
    attack = attacked(replace(told, lower=told.truth * ~hidden, upper=np.where(hidden, INF, told.truth)))
    change = np.zeros(attack.truth.size)
    # one more of a in N, and so in N, for one less of a in S, and so in S
    change[attack.cell[0][[0, 3, 4, 7]]] = 1, 1, -1, -1
    left = attack.undecided
    assert len(left.cells) == 6 and np.abs(left.rows @ change[left.cells]).max() == 0
    change[attack.cell[0][3]] = 0
    assert np.abs(left.rows @ change[left.cells]).max() == 1


def test_a_table_of_which_all_is_known_leaves_nothing() -> None:
    left = attacked(starred(SQUARE.replace("*", ""))).undecided
    assert len(left.cells) == len(left.part) == 0 and left.rows.shape == (0, 0)


def test_tables_of_different_people_have_nothing_to_do_with_each_other() -> None:
    left = attacked(starred(SQUARE), starred(SQUARE.replace("40", "41"), "other")).undecided
    assert len(left.cells) == 8 and len(set(left.part[:4].tolist())) == len(set(left.part[4:].tolist())) == 1
    assert left.part[0] != left.part[4]


def test_columns_that_a_chain_of_rows_connects_are_one_part() -> None:
    part = undecided([[1, -1, 0, 0, 0, 0], [0, 1, 0, -1, 0, 0], [0, 0, 1, 0, -1, 0]], [0] * 6, [0] * 6).part
    assert part[0] == part[1] == part[3] and part[2] == part[4]
    assert len({int(part[0]), int(part[2]), int(part[5])}) == 3
    none = undecided([], [0] * 3, [0] * 3)
    assert components(none.rows).tolist() == [0, 1, 2]
