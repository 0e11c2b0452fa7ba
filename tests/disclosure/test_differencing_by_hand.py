"""Differences of groups, found again by hand: sets of persons, every pair compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from p20kit import CellPolicy, Table, tabulate
from p20kit.differencing import Difference, Group, small_differences

BoolArray = NDArray[np.bool_]
Known = tuple[Table, BoolArray]

People = frozenset[str]


def groups_of(position: int, table: Table, known: BoolArray) -> Iterator[tuple[Group, People]]:
    """List the groups a reader knows, by definition: displayed cells, and displayed totals less displayed parts."""
    assert table.basis is not None
    within: list[dict[int, set[str]]] = []
    for d in table.dimensions:
        members = {leaf: {d.codes[leaf]} for leaf in range(d.leaves)}
        for parent, children in d.groups:
            members[parent] = set().union(*(members[child] for child in children))
        within.append(members)
    basis = table.basis.astype("str")

    def persons(at: tuple[int, ...]) -> People:
        inside = [
            basis[d.column].isin(within[axis][i])
            for axis, (d, i) in enumerate(zip(table.dimensions, at, strict=True))
        ]
        return frozenset(basis.loc[np.all(inside, axis=0), table.unit])

    for at in product(*map(range, table.counts.shape)):
        flat = int(np.ravel_multi_index(at, table.counts.shape))
        if not known[at]:
            continue
        yield Group(position, flat, len(persons(at)), None), persons(at)
        for axis, d in enumerate(table.dimensions):
            for parent, children in d.groups:
                parts = [(*at[:axis], child, *at[axis + 1 :]) for child in children]
                if at[axis] == parent:
                    rest = frozenset[str]().union(*(persons(part) for part in parts if not known[part]))
                    yield Group(position, flat, len(rest), axis), rest


def by_hand(tables: Sequence[Known], before: Sequence[BoolArray], fewest: int) -> set[Difference]:
    new = len(tables) - len(before)
    then = [*tables[:new], *((table, known) for (table, _), known in zip(tables[new:], before, strict=True))]
    old = {each for each in _nested_by_hand(then, fewest) if min(each.larger.table, each.smaller.table) >= new}
    return set(_nested_by_hand(tables, fewest)) - old


def _nested_by_hand(tables: Sequence[Known], fewest: int) -> Iterator[Difference]:
    groups = [group for i, each in enumerate(tables) for group in groups_of(i, *each)]
    for (larger, outer), (smaller, inner) in product(groups, repeat=2):
        if inner and inner < outer and len(outer) - len(inner) < fewest:
            yield Difference(larger, smaller)


def random_tables(seed: int, number: int) -> list[Known]:
    """Cut one population by random columns with random hierarchies, each time without a few people."""
    generator = np.random.default_rng(seed)
    size = int(generator.integers(12, 40))
    frame = pd.DataFrame({"P20ID": [f"P{i:03d}" for i in range(size)]})
    frame["a"] = generator.choice(list("pqrst"), size)
    frame["b"] = generator.choice(list("xyz"), size)
    frame["c"] = np.where(frame["a"].isin(["p", "q"]), "few", "many")
    ups: dict[str, list[Any]] = {
        "a": [
            {"p": "P", "q": "P", "r": "R", "s": "R", "P": "PR", "R": "PR"},
            {"q": "Q", "r": "Q"},
            {"s": "S", "t": "S"},
        ],
        "b": [{"x": "X", "y": "X"}],
        "c": [],
    }
    found = []
    for n in range(number):
        by = sorted(generator.choice(["a", "b", "c"], int(generator.integers(1, 3)), replace=False).tolist())
        some = frame.drop(index=generator.choice(size, int(generator.integers(0, 4)), replace=False))
        hierarchies = {c: [up for up in ups[c] if generator.random() < 0.6] for c in by}
        table = tabulate(some.sample(frac=1, random_state=seed), by=by, hierarchies=hierarchies, name=f"t{n}")
        found.append((table, generator.random(table.counts.shape) < 0.7))
    return found


@pytest.mark.parametrize("seed", range(12))
def test_what_is_found_is_what_counting_by_hand_finds(seed: int) -> None:
    policy = CellPolicy(minimum_count=6 if seed % 2 else 7)
    tables = random_tables(seed, 3)
    generator = np.random.default_rng(seed)
    before = [known & (generator.random(known.shape) < 0.8) for _, known in tables[seed % 4 :]]
    found = small_differences(tables, before, policy)
    assert len(found) == len(set(found))
    assert set(found) == by_hand(tables, before, policy.minimum_count)
    assert found
