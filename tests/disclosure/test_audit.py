"""The auditor against an attacker of the tests' own, on patterns that nobody made safe."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from p20kit import CellPolicy, Table, audit
from p20kit.disclosed import Disclosed
from p20kit.protection import Protected
from tests.disclosure.adversary import Published, Reader
from tests.disclosure.spelled import counts

STRICT = CellPolicy()


class Layered:
    """A release of one layer, as it is told."""

    def __init__(self, *layers: Disclosed) -> None:
        self.layers = layers

    def disclosed(self) -> tuple[Disclosed, ...]:
        return self.layers


def random_release(seed: int, sizes: tuple[int, ...], mean: float, hidden: float) -> Protected:
    """Hide what is small, and others by the throw of a coin."""
    generator = np.random.default_rng(seed)
    values = generator.poisson(generator.gamma(0.7, mean / 0.7, size=sizes))
    rows = [(*(f"c{i}" for i in at), int(n)) for at, n in np.ndenumerate(values)]
    by = list("abcd")[: len(sizes)]
    table = Table.from_counts(pd.DataFrame(rows, columns=[*by, "n"]), by)
    return Protected((table,), ((table.counts >= 6) & (generator.random(table.counts.shape) > hidden),), STRICT)


def short(release: Protected) -> set[str]:
    return {f.where for f in audit(release, STRICT).findings if f.rule == "bounds"}


def short_by_programs(release: Protected) -> set[str]:
    table, published = release.tables[0], Published(release.to_published())
    reader = Reader([published], {})
    small = np.flatnonzero(~published.shown & (table.counts.ravel() < 6))
    most = reader.most(reader.sums[0][small], 6)
    return {table.where(int(flat)) for flat, most_there in zip(small, most, strict=True) if most_there < 6}


@pytest.mark.parametrize("seed", range(30))
def test_bounds_are_those_of_every_whole_table(seed: int) -> None:
    generator = np.random.default_rng(seed)
    rows = [(f"r{i}", f"c{j}", int(generator.integers(0, 5))) for i in range(2) for j in range(3)]
    table = Table.from_counts(pd.DataFrame(rows, columns=["a", "b", "n"]), ["a", "b"])
    shown = np.ones(table.counts.shape, dtype=bool)
    shown[:2, :2] = False
    shown[tuple(generator.integers(0, 3, 2))] = False
    release = Protected((table,), (shown,), STRICT)
    published = Published(release.to_published())
    reader = Reader([published], {})
    possible = reader.whole_tables()
    assert possible is not None
    bounds = {b.where: b for b in audit(release, STRICT).bounds}
    for flat in np.flatnonzero(~published.shown):
        values = possible @ reader.sums[0][flat, reader.alive]
        bound = bounds[table.where(int(flat))]
        assert (bound.lower, bound.upper) == (values.min(), values.max())


@pytest.mark.parametrize(("sizes", "hidden"), [((5, 6), 0.3), ((4, 4, 3), 0.4), ((8, 5, 3), 0.3)])
def test_what_the_programs_of_the_tests_bound_is_found_and_nothing_else(
    sizes: tuple[int, ...], hidden: float
) -> None:
    weak = 0
    for seed in range(4):
        release = random_release(seed, sizes, 8.0, hidden)
        expected = short_by_programs(release)
        assert expected == short(release), seed
        weak += len(expected)
    assert weak > 5


def test_a_large_connected_part_is_decided_cell_by_cell_on_the_sums_around_it() -> None:
    release = random_release(1, (22, 8, 4), 8.0, 0.5)
    expected = short_by_programs(release)
    assert expected and short(release) == expected
    bounds = audit(release, STRICT).bounds
    asked = [b for b in bounds if b.need]
    assert all(b.falls_short or (b.reaches or 0) >= 6 or b.upper is None for b in asked)
    assert len(bounds) > 600


def test_a_sum_of_wages_that_follows_too_closely() -> None:
    table = counts("  | a | b \n N | 30 | 40 \n S | 31 | 29")
    truth = np.array([[100.0, 50, 150], [60, 40, 100], [160, 90, 250]])
    lower, upper, need = truth.copy(), truth.copy(), np.zeros((3, 3))
    lower[:2, :2], upper[:2, :2] = 0, np.inf
    need[0, 0] = 115
    told = Disclosed(table, truth, lower, upper, need, "total wages", whole=False)
    assert audit(Layered(told), STRICT).findings == ()
    lower[1, 0], upper[1, 0] = 50, 62
    found = audit(Layered(told), STRICT).findings
    assert [(f.rule, f.where) for f in found] == [("magnitude-bounds", "t[row=N, col=a] total wages")]
    assert "4.35 % smaller" in found[0].what


def test_layers_are_unknowns_of_their_own() -> None:
    table = counts("  | a | b \n N | 4 | 40 \n S | 31 | 29")
    need = np.where(table.counts < 6, 6, 0)
    truth = table.counts.astype(float)
    hidden = Disclosed(table, truth, np.zeros((3, 3)), np.full((3, 3), np.inf), need.astype(float))
    wages = Disclosed(table, 10 * truth, 10 * truth, 10 * truth, 0 * truth, "total wages", whole=False)
    assert audit(Layered(hidden, wages), STRICT).findings == ()


def test_a_release_is_held_to_the_policy_of_today() -> None:
    table = counts("  | a | b | c \n N | 0 | 9 | 40 \n S | 9 | 8 | 50")
    loose = CellPolicy(zeros="shown")
    shown = np.ones(table.counts.shape, dtype=bool)
    release = Protected((table,), (shown,), loose)
    assert audit(release, loose).findings == ()
    assert [f.rule for f in audit(release, STRICT).findings] == ["threshold"]


def test_an_audit_says_how_it_decided() -> None:
    release = random_release(3, (4, 4, 3), 8.0, 0.4)
    text = audit(release, STRICT).ran[1]
    assert text.startswith("bounds: ") and "in whole persons" in text and "every sum of hidden counts" in text
