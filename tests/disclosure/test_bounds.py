"""What a reader can deduce of each hidden cell, on tables whose bounds can be worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from p20kit import CellPolicy, Table, tabulate
from p20kit.attack import Attack
from p20kit.bounds import EXACT_CELLS, EXACT_PART, Bound, Deduced, lines
from p20kit.disclosed import Disclosed
from p20kit.linked import link
from tests.disclosure.spelled import counts, people, released

STRICT = CellPolicy()
INF = np.inf
SQUARE = """
   | a  | b  | c
 N | 3* | 9* | 40
 S | 8* | 7* | 30"""


def attacked(told: Sequence[Disclosed]) -> Attack:
    return Attack(told, link([each.table for each in told]))


def bounds(told: Sequence[Disclosed], asked: int | None = None) -> dict[str, Bound]:
    """Deduce what can be of the first tables, by the name of the cell."""
    return {bound.where: bound for bound in Deduced(attacked(told), told[:asked]).bounds()}


def figures(bound: Bound) -> tuple[float, float | None, float | None]:
    return bound.lower, bound.upper, bound.reaches


def test_four_hidden_cells_have_the_bounds_that_their_lines_leave() -> None:
    found = bounds(released(SQUARE, STRICT).disclosed())
    # the lines leave 12 and 15 in the rows, 11 and 16 in the columns
    assert {where: figures(bound) for where, bound in found.items()} == {
        "t[row=N, col=a]": (0, 11, 11),
        "t[row=N, col=b]": (1, 12, 12),
        "t[row=S, col=a]": (0, 11, 11),
        "t[row=S, col=b]": (4, 15, 15),
    }
    assert {bound.how for bound in found.values()} == {"whole"}
    assert [bound.need for bound in found.values()] == [6, 0, 0, 0]
    assert all(isinstance(n, int) for bound in found.values() for n in figures(bound))


def test_a_lone_hidden_cell_follows() -> None:
    found = bounds(released(" | a | b \n N | 3* | 40 \n S | 31 | 29", STRICT).disclosed())
    assert [figures(bound) for bound in found.values()] == [(3, 3, 3)]
    assert [bound.how for bound in found.values()] == ["interval"]
    assert found["t[row=N, col=a]"].falls_short


@pytest.mark.parametrize(("upper", "short"), [(5, True), (6, False), (None, False)])
def test_a_cell_falls_short_when_what_must_be_possible_is_not(upper: float | None, short: bool) -> None:
    assert Bound("t", 0, upper, None, "whole", 6).falls_short is short
    assert not Bound("t", 0, 0, None, "whole").falls_short


def test_what_nothing_bounds_has_no_upper_bound_and_nothing_it_reaches() -> None:
    table = counts(" | a | b \n N | 3 | 40 \n S | 31 | 29")
    nothing = np.zeros((3, 3))
    upper = np.where(np.arange(9).reshape(3, 3) == 4, 29.0, INF)
    found = bounds([Disclosed(table, table.counts.astype(float), nothing, upper, nothing)])
    assert figures(found["t[row=N, col=a]"]) == (0, None, None)
    assert figures(found["t[row=S, col=b]"]) == (0, 29, 29)
    assert found["t[row=N, col=a]"].how == "whole"


def test_what_must_be_as_large_as_a_part_of_it_is_known_to_be() -> None:
    table = counts(" | a | b \n N | 3 | 40 \n S | 31 | 29")
    lower, upper = np.zeros((3, 3)), np.full((3, 3), INF)
    lower[0, 0] = upper[0, 0] = 3
    lower[0, 1], upper[0, 1] = 38, 44
    found = bounds([Disclosed(table, table.counts.astype(float), lower, upper, lower * 0)])
    assert figures(found["t[row=N, col=Total]"]) == (41, 47, 47)
    assert figures(found["t[row=Total, col=a]"]) == (3, None, None)


def wages(lower: float = 0, upper: float = INF) -> Disclosed:
    """Sums of wages with a hidden square, of which one cell is told to lie between bounds."""
    table = counts(" | a | b | c \n N | 30 | 40 | 1 \n S | 31 | 29 | 1")
    truth = np.array([[1.5, 5, 1, 7.5], [6, 4, 1, 11], [7.5, 9, 2, 18.5]])
    low, high, need = truth.copy(), truth.copy(), np.zeros((3, 4))
    low[:2, :2], high[:2, :2] = 0, INF
    low[0, 0], high[0, 0] = lower, upper
    need[0, 0] = 1.75
    return Disclosed(table, truth, low, high, need, "total wages", whole=False)


def test_sums_of_money_are_bounded_to_the_cent_and_named_by_their_measure() -> None:
    found = bounds([wages()])
    assert {where: figures(bound) for where, bound in found.items()} == {
        "t[row=N, col=a] total wages": (0, 6.5, 6.5),
        "t[row=N, col=b] total wages": (0, 6.5, 6.5),
        "t[row=S, col=a] total wages": (1, 7.5, 7.5),
        "t[row=S, col=b] total wages": (2.5, 9, 9),
    }
    assert {(bound.how, bound.layer) for bound in found.values()} == {("linear", "total wages")}
    assert [bound.need for bound in found.values()] == [1.75, 0, 0, 0]


def test_rounded_sums_of_money_bound_the_others() -> None:
    found = bounds([wages(1.25, 1.75)])
    assert figures(found["t[row=S, col=a] total wages"]) == (5.75, 6.25, 6.25)
    assert figures(found["t[row=S, col=b] total wages"]) == (3.75, 4.25, 4.25)


def square(cells: NDArray[np.int64], name: str = "t") -> Table:
    frame = pd.DataFrame([(f"r{i}", f"c{j}", int(n)) for (i, j), n in np.ndenumerate(cells)], columns=["a", "b", "n"])
    return Table.from_counts(frame, ["a", "b"], name=name)


def hiding(table: Table, inner: NDArray[np.bool_]) -> Disclosed:
    """Hide some of the inner cells of a two-way table."""
    hidden = np.pad(inner, (0, 1))
    truth = table.counts.astype(float)
    need = np.where(hidden & (truth < 6), 6.0, 0.0)
    return Disclosed(table, truth, np.where(hidden, 0.0, truth), np.where(hidden, INF, truth), need)


@pytest.mark.parametrize("more", [0, 1])
def test_bounds_are_exact_where_few_cells_hang_together(more: int) -> None:
    # 11 x 14 cells, all but some of them hidden
    inner = np.ones((11, 14), dtype=bool)
    inner[0, : inner.size - EXACT_PART - more] = False
    assert inner.sum() == EXACT_PART + more
    cells = np.full((11, 14), 7)
    cells[3, 4] = 2
    found = bounds([hiding(square(cells), inner)])
    assert {bound.how for bound in found.values()} == ({"whole"} if not more else {"whole", "interval"})
    small = found["t[a=r3, b=c4]"]
    # the row holds 2 + 13 x 7 and the column 2 + 9 x 7, of which ten rows show four of theirs
    assert small.reaches == (small.upper if not more else 6) and small.how == "whole"
    others = [bound for bound in found.values() if bound.need == 0]
    assert all((bound.reaches is None) == bool(more) for bound in others)


@pytest.mark.parametrize("more", [0, 1])
def test_bounds_are_exact_where_few_cells_are_left_in_all(more: int) -> None:
    four, nine = np.ones((2, 2), dtype=bool), np.ones((3, 3), dtype=bool)
    inner = [nine] * more + [four] * ((EXACT_CELLS - 8 * more) // 4)
    told = [hiding(square(np.full(each.shape, 7 + i), f"t{i}"), each) for i, each in enumerate(inner)]
    attack = attacked(told)
    assert len(attack.undecided.cells) == EXACT_CELLS + more
    found = Deduced(attack, told).bounds()
    assert {bound.how for bound in found} == ({"interval"} if more else {"whole"})
    # what was released before is not asked for, and is not counted
    assert {bound.how for bound in Deduced(attack, told[:9]).bounds()} == {"whole"}


BLOCKS = """
   | a   | b   | c   | d   | e
 N | 20* | 30* | 3*  | 40  | 41
 S | 25* | 35* | 42  | 9*  | 43
 T | 44  | 45  | 20* | 21* | 22*
 U | 46  | 47  | 23* | 24* | 25*
 W | 48  | 49  | 26* | 27* | 28*"""
"""What a and b leave of N and S together is the 3 and the 9: no line says so."""


def told_within(reach: float, name: str, scale: float = 1) -> Disclosed:
    """The blocks, of whose 9 is told between which figures it lies."""
    # tables of one total are taken to count the same people
    told = released(BLOCKS.replace("49", str(50 + int(reach))), STRICT, name).disclosed()[0]
    lower, upper = told.lower.copy(), told.upper.copy()
    lower[1, 3], upper[1, 3] = 9 - reach, 9 + reach
    return replace(told, truth=scale * told.truth, lower=scale * lower, upper=scale * upper, need=scale * told.need)


def halves() -> Disclosed:
    """Two rows in which a cell could be larger by half a person, so that their sum could be by one."""
    codes, other = "xyzw", {"xy": "zw", "yz": "xw", "xz": "yw"}
    rows = [
        (r, c, n)
        for r, line in (("N", (2, 30, 31, 32)), ("S", (3, 33, 34, 35)))
        for c, n in zip(codes, line, strict=True)
    ]
    above = [{c: pair if c in pair else rest for c in codes} for pair, rest in other.items()]
    frame = pd.DataFrame(rows, columns=["a", "b", "n"])
    table = Table.from_counts(frame, ["a", "b"], hierarchies={"b": above}, name="halves")
    truth, at = table.counts.astype(float), {code: i for i, code in enumerate(table.dimensions[1].codes)}
    lower, upper = truth.copy(), truth.copy()
    hidden = [at[code] for code in (*codes, *other.values())]
    lower[:, hidden], upper[:, hidden] = 0, INF
    lower[2], upper[2] = 0, INF
    upper[:2, at["xy"]] += 1
    need = np.zeros_like(truth)
    need[2, at["x"]] = 6
    return Disclosed(table, truth, lower, upper, need)


def asking(told: Disclosed, cell: tuple[int, int], need: float) -> Disclosed:
    """Ask one cell alone to be able to be as large."""
    asked = np.zeros_like(told.need)
    asked[cell] = need
    return replace(told, need=asked)


@cache
def crowd() -> tuple[Disclosed, ...]:
    """More cells than are looked at one by one."""
    inner = np.ones((2, 2), dtype=bool)
    return tuple(hiding(square(np.full((2, 2), 7 + i), f"c{i}"), inner) for i in range(EXACT_CELLS // 4 + 1))


@cache
def crowded() -> dict[str, Bound]:
    few = *released(SQUARE, STRICT, "square").disclosed(), told_within(1, "one"), told_within(3, "three"), halves()
    return bounds([*few, *crowd()], asked=len(few) + len(crowd()))


@pytest.mark.parametrize(("reach", "upper"), [(0.25, 3), (1, 4), (2, 5), (3, 6)])
def test_what_two_lines_and_two_columns_leave_together_is_found(reach: float, upper: int) -> None:
    bound = bounds([told_within(reach, "t")])["t[row=N, col=c]"]
    assert figures(bound) == (6 - upper, upper, upper) and bound.how == "whole"
    assert bound.falls_short is (upper < 6)


def test_what_is_larger_by_half_a_person_at_most_is_not_larger() -> None:
    found = bounds([halves()])
    assert figures(found["halves[a=Total, b=x]"]) == (5, 5, 5)
    assert figures(found["halves[a=N, b=x]"]) == (2, 2, 2)
    assert found["halves[a=Total, b=x]"].how == "whole"


def test_a_witness_in_a_crowd_is_as_large_as_it_must_be() -> None:
    bound = crowded()["square[row=N, col=a]"]
    assert figures(bound) == (0, 11, 6) and bound.how == "whole"
    other = crowded()["square[row=N, col=b]"]
    assert figures(other) == (1, 12, None) and other.how == "interval"
    just = crowded()["three[row=N, col=c]"]
    assert just.reaches == 6 and not just.falls_short and just.how == "whole"


def test_a_cell_without_a_witness_in_a_crowd_falls_short() -> None:
    bound = crowded()["one[row=N, col=c]"]
    assert (bound.upper, bound.reaches, bound.how) == (4, None, "linear")
    assert bound.falls_short


def test_a_witness_in_a_crowd_that_only_fractions_of_persons_make_is_none() -> None:
    bound = crowded()["halves[a=Total, b=x]"]
    assert (bound.upper, bound.reaches, bound.how) == (5, None, "whole")
    assert bound.falls_short


def test_a_cell_in_a_crowd_that_can_just_be_as_large_as_it_must_has_a_witness() -> None:
    told = [asking(released(SQUARE, STRICT).disclosed()[0], (0, 0), 11), *crowd()]
    bound = bounds(told)["t[row=N, col=a]"]
    assert figures(bound) == (0, 11, 11) and bound.how == "whole" and not bound.falls_short


def test_a_bound_in_a_crowd_is_of_whole_persons_where_fractions_decide() -> None:
    told = halves()
    # the cell could be larger by half a person, and must be by one
    asked = asking(told, (0, told.table.dimensions[1].codes.index("x")), 3)
    bound = bounds([asked, *crowd()])["halves[a=N, b=x]"]
    assert (bound.upper, bound.reaches, bound.how) == (2, None, "linear") and bound.falls_short


def test_sums_of_money_in_a_crowd_are_bounded_to_the_cent() -> None:
    few = told_within(1, "one", 1.25), told_within(3, "three", 1.25)
    told = [replace(each, layer="total wages", whole=False) for each in (*few, *crowd())]
    found = bounds(told)
    short, just = found["one[row=N, col=c] total wages"], found["three[row=N, col=c] total wages"]
    assert short.upper == pytest.approx(5) and (short.reaches, short.how, short.falls_short) == (None, "linear", True)
    assert (just.reaches, just.how, just.falls_short) == (7.5, "linear", False)


def test_a_cell_of_two_tables_is_bounded_once_and_named_by_the_first() -> None:
    square = released(SQUARE, STRICT).disclosed()[0]
    again = replace(square, table=replace(square.table, name="again"))
    assert [where.partition("[")[0] for where in bounds([square, again])] == ["t"] * 4
    first, second = bounds([square, again], asked=1), bounds([again, square], asked=1)
    assert list(first.values()) == [replace(b, where=b.where.replace("again", "t")) for b in second.values()]


def test_columns_that_divide_people_alike_have_each_cell_once() -> None:
    persons = people({("N", "n"): 9, ("S", "s"): 8, ("W", "w"): 7}, ["region", "letter"])
    table = tabulate(persons, by=["region", "letter"], unit="P20ID", name="t")
    hidden = table.counts < 24
    truth = table.counts.astype(float)
    told = Disclosed(table, truth, np.where(hidden, 0, truth), np.where(hidden, INF, truth), truth * 0)
    found = [where.replace("region=", "").replace("letter=", "") for where in bounds([told])]
    names = ["N, n", "N, s", "N, w", "N, Total", "S, s", "S, w", "S, Total", "W, w", "W, Total"]
    assert found == [f"t[{name}]" for name in names]


def test_cells_that_are_shown_have_no_bounds() -> None:
    told = released(SQUARE.replace("*", ""), STRICT).disclosed()
    assert bounds(told) == {}


def rests(text: str, minimum: float = 6, *, margins: bool = True) -> list[tuple[str, list[str], float]]:
    told = released(text, STRICT).disclosed()[0]
    if not margins:
        upper = told.upper.copy()
        upper[-1], upper[:, -1] = INF, INF
        told = replace(told, lower=np.where(np.isinf(upper), 0, told.lower), upper=upper)
    attack, named = attacked([told]), [told.table.where(flat) for flat in range(told.truth.size)]
    names = dict(zip(attack.cell[0].tolist(), named, strict=True))
    found = lines(attack, minimum)
    return [(names[total], [names[part] for part in parts], rest) for total, parts, rest in found]


LINE = """
   | a  | b  | c
 N | 2* | 3* | 40
 S | 9* | 8* | 30"""


def test_a_line_whose_hidden_cells_come_to_too_few_is_named() -> None:
    found = [("t[row=N, col=Total]", ["t[row=N, col=a]", "t[row=N, col=b]"], 5.0)]
    assert rests(LINE) == found
    assert rests(LINE, 5) == []
    assert rests(LINE, 5.5) == found
    assert rests(LINE.replace("3*", "4*")) == []


def test_a_line_that_comes_to_nobody_or_has_no_known_total_is_not() -> None:
    assert rests(LINE.replace("2*", "0*").replace("3*", "0*")) == []
    assert rests(LINE, margins=False) == []
    assert rests(LINE.replace("*", "")) == []
