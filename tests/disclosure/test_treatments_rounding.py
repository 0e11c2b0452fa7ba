"""ExA 3.f, rounding: each cell by itself, which often gives a cell away, and all together, which adds up."""

from __future__ import annotations

import numpy as np
import pytest

from p20kit import CellPolicy, Table, audit, tabulate
from p20kit.errors import TableInvalid
from p20kit.treatments import controlled_rounding, rounding
from tests.disclosure.reader import exposed
from tests.disclosure.spelled import counts, people

STRICT = CellPolicy()
SEED = b"sixteen bytes or more"
SMALL = "  | a | b | c \n N | 3 | 40 | 7 \n S | 31 | 29 | 5 \n W | 0 | 14 | 22"


def numbers(treated: object, table: int = 0) -> dict[tuple[str, ...], float]:
    frame = treated.to_frame(table)  # type: ignore[attr-defined]
    return {tuple(row[:-2]): row[-1] for row in frame.itertuples(index=False, name=None)}


def three_way(seed: int) -> Table:
    generator = np.random.default_rng(seed)
    cells = {
        (f"x{i}", f"y{j}", f"z{k}"): int(generator.poisson(6)) for i in range(4) for j in range(3) for k in range(3)
    }
    return tabulate(people(cells, ["x", "y", "z"]), ["x", "y", "z"], hierarchies={"x": {"x0": "X", "x1": "X"}})


@pytest.mark.parametrize(("count", "base", "rounded"), [(3, 5, 5), (2, 5, 0), (5, 10, 10), (4, 10, 0), (7, 3, 6)])
def test_a_count_goes_to_the_nearest_multiple(count: int, base: int, rounded: int) -> None:
    assert numbers(rounding(counts(f"  | a \n N | {count} \n S | 90"), STRICT, base))[("N", "a")] == rounded


def test_what_rounding_says_of_a_count_is_every_count_that_rounds_to_it() -> None:
    for base in (3, 4, 5, 10):
        for count in range(40):
            (disclosed,) = rounding(counts(f"  | a \n N | {count}"), STRICT, base).disclosed()
            low, high = int(disclosed.lower.ravel()[0]), int(disclosed.upper.ravel()[0])
            same = [n for n in range(60) if (n + base // 2) // base == (count + base // 2) // base]
            assert [low, high] == [same[0], same[-1]]


def test_conventional_rounding_to_three_is_found() -> None:
    treated = rounding(counts(SMALL), STRICT, 3)
    assert ("N", "a") in exposed(treated.disclosed()[0])
    assert {finding.rule for finding in audit(treated, STRICT).findings} >= {"bounds"}


def test_conventional_rounding_to_ten_still_fixes_the_inner_cells() -> None:
    """A 3 displayed as 0 is at most 4."""
    found = audit(rounding(counts(SMALL), STRICT, 10), STRICT).findings
    assert any("row=N, col=a" in finding.where for finding in found)


def test_margins_rounded_by_themselves_give_away_what_the_base_would_not() -> None:
    """Rounded to 15, 5 is displayed as 0 and may be up to 7; the total of 37, displayed as 30, leaves it 5."""
    table = counts(" | a | b | c | d | e \n N | 5 | 8 | 8 | 8 | 8 \n S | 90 | 90 | 90 | 90 | 90")
    assert exposed(rounding(table, STRICT, 15).disclosed()[0]) == {("N", "a")}
    assert len(audit(rounding(table, STRICT, 15), STRICT).findings) == 1


def test_controlled_rounding_adds_up_and_moves_no_cell_by_a_base() -> None:
    for seed in range(10):
        table = three_way(seed)
        treated = controlled_rounding(table, STRICT, seed=SEED)
        shown = treated.displays[0].number.ravel()
        assert (shown % 10 == 0).all()
        assert np.abs(shown - table.counts.ravel()).max() < 10
        assert (shown[table.counts.ravel() % 10 == 0] == table.counts.ravel()[table.counts.ravel() % 10 == 0]).all()
        for parents, parts in table.relations():
            assert (shown[parents] == shown[parts].sum(axis=1)).all()


def test_the_attack_finds_nothing_in_controlled_rounding_to_ten_and_finds_five() -> None:
    table = three_way(1)
    ten, five = (controlled_rounding(table, STRICT, base, seed=SEED) for base in (10, 5))
    assert exposed(ten.disclosed()[0]) == set() and audit(ten, STRICT).findings == ()
    assert exposed(five.disclosed()[0]) and audit(five, STRICT).findings


def test_small_counts_go_up_as_well_as_down() -> None:
    """Else a displayed zero would say that the count was nearer to it."""
    up = 0
    for seed in range(40):
        treated = controlled_rounding(counts(SMALL), STRICT, seed=SEED + bytes([seed]))
        up += numbers(treated)[("N", "a")] == 10
    assert 4 <= up <= 20


def test_the_same_seed_gives_the_same_and_a_cell_of_two_tables_is_displayed_once() -> None:
    frame = people({("N", "a"): 13, ("N", "b"): 27, ("S", "a"): 31, ("S", "b"): 44}, ["row", "col"])
    tables = [tabulate(frame, ["row", "col"], name="both"), tabulate(frame, ["row"], name="rows")]
    first, again = (controlled_rounding(tables, STRICT, seed=SEED) for _ in range(2))
    assert numbers(first) == numbers(again)
    assert all(numbers(first)[(row, "Total")] == n for (row, *_), n in numbers(first, 1).items())


def test_a_table_too_large_for_one_program_is_rounded_in_slices_and_says_how_far_margins_are_off() -> None:
    generator = np.random.default_rng(2)
    rows = "\n".join(f"r{i} | " + " | ".join(map(str, generator.poisson(9, 60))) for i in range(210))
    table = counts(" | " + " | ".join(f"c{i}" for i in range(60)) + f"\n{rows}")
    treated = controlled_rounding(table, STRICT, seed=SEED)
    shown = treated.displays[0].number
    most = int(treated.parameters["margins"].split()[-1])
    assert np.abs(shown - table.counts)[:-1, :-1].max() < 10
    assert np.abs(shown - table.counts).max() <= most < 100
    for parents, parts in table.relations():
        assert (shown.ravel()[parents] == shown.ravel()[parts].sum(axis=1)).all()
    (disclosed,) = treated.disclosed()
    assert ((disclosed.lower <= table.counts) & (table.counts <= disclosed.upper)).all()
    assert (disclosed.upper - shown)[:-1, :-1].max() == 9
    assert (disclosed.upper - shown)[-1, -1] == most


def test_margins_that_are_not_displayed_are_not_disclosed() -> None:
    frame = people({("N", "a"): 9, ("S", "a"): 30}, ["row", "col"])
    treated = rounding(tabulate(frame, ["row", "col"], margins=False), STRICT)
    (disclosed,) = treated.disclosed()
    assert np.isinf(disclosed.upper[-1, -1]) and disclosed.lower[-1, -1] == 0
    assert "Total" not in set(treated.to_frame()["row"])


def test_a_structural_zero_stays_what_it_is() -> None:
    frame = people({("N", "a"): 9, ("S", "a"): 9, ("S", "b"): 9}, ["row", "col"])
    table = tabulate(frame, ["row", "col"], impossible=people({("N", "b"): 1}, ["row", "col"])[["row", "col"]])
    treated = controlled_rounding(table, STRICT, seed=SEED)
    (disclosed,) = treated.disclosed()
    assert numbers(treated)[("N", "b")] == 0
    at = table.labels.index(("N", "b"))
    assert disclosed.lower.ravel()[at] == disclosed.upper.ravel()[at] == disclosed.need.ravel()[at] == 0


@pytest.mark.parametrize("base", [0, 1, -5])
def test_a_base_that_rounds_nothing_is_refused(base: int) -> None:
    with pytest.raises(TableInvalid, match="above 1"):
        rounding(counts(SMALL), STRICT, base)
    with pytest.raises(TableInvalid, match="above 1"):
        controlled_rounding(counts(SMALL), STRICT, base, seed=SEED)


def test_a_short_seed_is_refused() -> None:
    with pytest.raises(TableInvalid, match="fewer than 16 bytes"):
        controlled_rounding(counts(SMALL), STRICT, seed=b"short")
