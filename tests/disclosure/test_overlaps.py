"""Three or more populations that overlap: what follows by inclusion and exclusion, and what does not."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from p20kit import CellPolicy, Table, audit, tabulate
from p20kit.overlaps import Implied, implied_groups
from tests.disclosure.spelled import people

STRICT = CellPolicy()
Known = tuple[Table, NDArray[np.bool_]]


def implied(known: Sequence[Known], new: int, policy: CellPolicy = STRICT) -> list[Implied]:
    """Judge the first tables; of the others was known before what is known now."""
    return implied_groups(known, [mask for _, mask in known[new:]], policy)


def in_full(*tables: Table) -> list[Known]:
    return [(table, np.ones(table.counts.shape, dtype=bool)) for table in tables]


def state(left: int, *, by: Sequence[str] = ("sex",)) -> list[Table]:
    """Count a state, and apart from each other its north and its south; `left` women are in neither."""
    cells = {("N", "F"): 20, ("N", "M"): 21, ("S", "F"): 30, ("S", "M"): 31, ("", "F"): left}
    frame = people(cells, ["part", "sex"]).assign(born=lambda f: np.where(f.index % 2 == 0, "even", "odd"))
    every = tabulate(frame, by=list(by), name="state")
    return [every, *(tabulate(frame[frame["part"] == part], by=list(by), name=part) for part in ("N", "S"))]


@pytest.mark.parametrize(("left", "found"), [(1, True), (5, True), (6, False)])
def test_a_state_less_its_parts_leaves_a_group_nobody_displayed(left: int, found: bool) -> None:
    tables = state(left)
    expected = [Implied((), left, 3), Implied((("sex", "F"),), left, 3)] if found else []
    assert implied(in_full(*tables), 1) == expected
    findings = [f for f in audit(tables, STRICT).findings if f.rule == "overlap"]
    assert [f.where for f in findings] == (["overlap[Total]", "overlap[sex=F]"] if found else [])
    if found:
        assert findings[0].what.startswith(f"{left} individuals follow from 3 groups")


@pytest.mark.parametrize(("left", "found"), [(9, True), (10, False)])
def test_the_threshold_is_that_of_the_policy(left: int, found: bool) -> None:
    assert bool(implied(in_full(*state(left)), 1, CellPolicy(minimum_count=10))) is found


def test_two_populations_are_left_to_the_differences_of_pairs() -> None:
    every, north, _ = state(3)
    assert implied(in_full(every, north), 1) == []
    again = replace(north, name="again")
    assert implied(in_full(every, north, again), 1) == []


def test_a_table_without_a_basis_is_left_out() -> None:
    every, north, south = state(3)
    published = [replace(table, basis=None) for table in (every, north, south)]
    assert implied(in_full(every, north, south, *published), 3) == implied(in_full(every, north, south), 3) != []
    assert implied(in_full(every, north, published[2]), 3) == implied(in_full(*published), 3) == []


def test_a_part_that_is_hidden_tells_nothing() -> None:
    every, north, south = in_full(*state(3))
    hidden = south[1].copy()
    hidden[:] = False
    assert implied([every, north, (south[0], hidden)], 1) == []
    women = south[1].copy()
    women[south[0].labels.index(("F",))] = False
    assert implied([every, north, (south[0], women)], 1) == [Implied((), 3, 3)]
    men = south[1].copy()
    men[south[0].labels.index(("M",))] = False
    both = [Implied((), 3, 3), Implied((("sex", "F"),), 3, 3)]
    assert implied([every, north, (south[0], men)], 1) == both
    total = south[1].copy()
    total[-1] = False
    assert implied([every, north, (south[0], total)], 1) == both[1:]


def test_what_follows_within_a_category_of_each_column_and_of_both_together() -> None:
    found = {each.codes for each in implied(in_full(*state(3, by=("sex", "born"))), 1)}
    # two of the three women left were born in even rows, one in an odd row
    assert found == {
        (),
        (("sex", "F"),),
        (("born", "even"),),
        (("born", "odd"),),
        (("born", "even"), ("sex", "F")),
        (("born", "odd"), ("sex", "F")),
    }


def test_a_category_that_is_hidden_takes_nothing_from_those_beside_it() -> None:
    every, north, south = in_full(*state(3, by=("sex", "born")))
    shown = south[1].copy()
    # the last before the total
    assert south[0].dimensions[1].codes[-2] == "odd"
    shown[:, -2] = False
    found = {each.codes for each in implied([every, north, (south[0], shown)], 1)}
    assert found == {(), (("sex", "F"),), (("born", "even"),), (("born", "even"), ("sex", "F"))}


def test_columns_that_only_some_tables_have_are_not_compared() -> None:
    every, north, _ = state(3, by=("born",))
    south = state(3)[2]
    assert [i.codes for i in implied(in_full(every, north, south), 1)] == [()]


def test_tables_without_a_basis_are_left_out() -> None:
    every, north, south = state(3)
    assert implied(in_full(every, north, replace(south, basis=None)), 1) == []
    blind = replace(north, name="blind", basis=None)
    assert implied(in_full(blind, every, north, south), 2)[0].persons == 3


def test_earlier_releases_alone_are_not_looked_at_again() -> None:
    frame = people({("x",): 40}, ["club"], first=900)
    other = tabulate(frame, by=["club"], name="new")
    by_sex = state(3)
    assert [i.codes for i in implied(in_full(other, *by_sex), 1)] == [()]
    assert implied(in_full(*by_sex), 0) == []


def test_what_a_new_table_makes_known_of_an_earlier_one_is_looked_at() -> None:
    """A reader learns of the south's women from elsewhere, and so of the women in neither part."""
    earlier = in_full(*state(3))
    women = [mask.copy() for _, mask in earlier]
    women[2][:] = False
    assert implied_groups(earlier, women, STRICT) == implied(earlier, 3)
    assert implied_groups(earlier, [mask for _, mask in earlier], STRICT) == []


def test_ids_of_other_units_that_look_the_same_are_not_the_same_people() -> None:
    every, north, south = state(3)
    assert implied(in_full(every, north, replace(south, unit="EmployerID")), 1) == []


def by_rank(tables: Sequence[Known], columns: Sequence[str]) -> set[Implied]:
    """Find what follows where everything is displayed: the indicator of an atom adds no rank to the populations'."""
    ids = [frozenset(table.basis["P20ID"]) for table, _ in tables if table.basis is not None]
    populations = list(dict.fromkeys(ids))
    found = set()
    for k in range(len(columns) + 1):
        for chosen in combinations(sorted(columns), k):
            inside: dict[tuple[str, ...], Counter[tuple[bool, ...]]] = defaultdict(Counter)
            everybody = pd.concat([table.basis for table, _ in tables]).drop_duplicates("P20ID")
            for row in everybody.to_dict("records"):
                codes = tuple(str(row[column]) for column in chosen)
                inside[codes][tuple(row["P20ID"] in population for population in populations)] += 1
            for codes, atoms in inside.items():
                rows = np.array(list(atoms), dtype=float).T
                rows = rows[rows.any(axis=1)]
                rank = np.linalg.matrix_rank(rows)
                for n, persons in enumerate(atoms.values()):
                    follows = np.linalg.matrix_rank(np.vstack([rows, np.eye(len(atoms))[n]])) == rank
                    if follows and persons < STRICT.minimum_count and len(rows) > 2:
                        found.add(Implied(tuple(zip(chosen, codes, strict=True)), persons, len(rows)))
    return found


@pytest.mark.parametrize("seed", range(8))
def test_random_populations_imply_what_their_rank_says(seed: int) -> None:
    generator = np.random.default_rng(seed)
    blocks = int(generator.integers(3, 6))
    frame = pd.DataFrame({"block": np.repeat(np.arange(blocks), generator.integers(1, 14, blocks))})
    frame["P20ID"] = [f"P{i:03d}" for i in range(len(frame))]
    frame["sex"] = generator.choice(["F", "M"], len(frame))
    frame["born"] = generator.choice(["even", "odd"], len(frame))
    tables = []
    for n in range(4):
        inside = np.flatnonzero(generator.random(blocks) < 0.6)
        members = frame[frame["block"].isin(inside if len(inside) else [0])]
        tables.append(tabulate(members.sample(frac=1, random_state=n), by=["sex", "born"], name=f"t{n}"))
    known = in_full(*tables)
    assert set(implied(known, len(known))) == by_rank(known, ["sex", "born"])
