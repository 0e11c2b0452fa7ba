"""What a protection aims at: weights, cells to keep, the reader it keeps out, and how much effort it makes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pytest

from p20kit import CellPolicy, Table, audit, complementary, protect
from p20kit.errors import TableInvalid, Unprotectable
from p20kit.progress import Step
from p20kit.protection import Protected

POLICY = CellPolicy(zeros="shown")


def counted(counts: Any, **options: Any) -> Table:
    rows = [(f"r{i}", f"c{j}", n) for i, line in enumerate(counts) for j, n in enumerate(line)]
    return Table.from_counts(pd.DataFrame(rows, columns=["row", "col", "n"]), ["row", "col"], **options)


def hidden(protected: Protected) -> set[str]:
    table = protected.tables[0]
    return {table.where(flat) for flat in np.flatnonzero(~protected.shown[0].ravel()).tolist()}


def random_tables(number: int, shape: tuple[int, int] = (3, 3)) -> Iterator[Table]:
    generator = np.random.default_rng(7)
    for _ in range(number):
        yield counted(generator.poisson(9, shape))


PLAIN = counted([[4, 27, 36], [31, 22, 19], [46, 38, 52]])


def test_what_is_made_least_is_of_choice() -> None:
    """Baker and Welding make the cheapest rectangle by persons; whose cells are dear is left alone."""
    persons = protect(PLAIN, POLICY, weights="persons")
    assert persons.optimality is not None and persons.optimality.weight == 27 + 31 + 22
    dear = np.where(np.isin(PLAIN.counts, [22, 27]), 1000.0, 1.0)
    assert not hidden(protect(PLAIN, POLICY, weights=[dear])) & {
        "table[row=r1, col=c1]",
        "table[row=r0, col=c1]",
    }


@pytest.mark.parametrize("weights", ["balanced", "cells", "log"])
def test_every_weight_protects(weights: Any) -> None:
    for table in random_tables(6):
        assert not audit(protect(table, POLICY, weights=weights), POLICY).findings


def test_no_choice_costs_less_than_the_one_that_is_proven() -> None:
    """Every smaller set of partners is tried, and attacked by the auditor."""
    for table in random_tables(5, (2, 3)):
        found = protect(table, POLICY, weights="cells")
        optimality = found.optimality
        assert optimality is not None and optimality.gap == 0.0
        primary = (table.counts > 0) & (table.counts < 6)
        others = np.flatnonzero(~primary.ravel() & (table.counts.ravel() > 0)).tolist()
        for partners in combinations(others, max(int(optimality.weight) - 1, 0)):
            shown = ~primary
            shown.ravel()[list(partners)] = False
            tried = replace(found, shown=(shown,))
            assert audit(tried, POLICY).findings or not optimality.weight


def test_what_is_kept_is_displayed() -> None:
    cheapest = hidden(protect(PLAIN, POLICY, weights="persons"))
    keep = np.zeros(PLAIN.counts.shape, dtype=bool)
    keep[1, 1] = True
    assert "table[row=r1, col=c1]" in cheapest
    kept = protect(PLAIN, POLICY, weights="persons", keep=[keep])
    assert kept.shown[0][1, 1] and not audit(kept, POLICY).findings
    assert kept.optimality is not None and kept.optimality.weight > 80


def test_to_keep_what_must_be_hidden_is_refused_by_name() -> None:
    keep = np.zeros(PLAIN.counts.shape, dtype=bool)
    keep[0, 0] = True
    with pytest.raises(Unprotectable, match=r"row=r0, col=c0.*must be hidden.*DSA III.G.2.a.*keep"):
        protect(PLAIN, POLICY, keep=[keep])
    with pytest.raises(Unprotectable, match="must be hidden"):
        protect(
            counted([[40, 27], [31, 22]]), POLICY, keep=[np.ones((3, 3), bool)], also_hide=[np.ones((3, 3), bool)]
        )


def test_to_keep_every_partner_leaves_no_choice() -> None:
    with pytest.raises(Unprotectable, match="cannot be protected"):
        protect(PLAIN, POLICY, keep=[PLAIN.counts >= 6])


def test_weaker_readers_cost_less_and_are_not_enough() -> None:
    counts = [[4, 1, 40, 33], [2, 5, 38, 41], [39, 36, 44, 52], [41, 47, 35, 38]]
    weight = {}
    for against in ("recovery", "bounds", "inference"):
        found = protect(counted(counts), POLICY, weights="cells", against=against)
        assert found.optimality is not None
        weight[against] = found.optimality.weight
    assert weight["recovery"] < weight["bounds"] <= weight["inference"]
    assert audit(protect(counted(counts), POLICY, against="recovery"), POLICY).findings
    assert not audit(protect(counted(counts), POLICY), POLICY).findings


@pytest.mark.parametrize("options", [{"fast": True}, {"seconds": 0.0}])
def test_a_hasty_answer_protects_too(options: dict[str, Any]) -> None:
    for table in random_tables(6, (5, 6)):
        hasty, careful = protect(table, POLICY, **options), protect(table, POLICY)
        assert not audit(hasty, POLICY).findings
        assert hasty.optimality is not None and careful.optimality is not None
        assert hasty.optimality.weight >= careful.optimality.bound


def test_large_tables_are_protected_in_haste_unless_the_least_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Haste hides more here, so that the three calls can be told apart by what they hide."""
    least = {
        fast: [hidden(protect(table, POLICY, fast=fast)) for table in random_tables(6, (5, 5))]
        for fast in (False, True)
    }
    assert least[False] != least[True]
    assert [hidden(protect(table, POLICY)) for table in random_tables(6, (5, 5))] == least[False]
    monkeypatch.setattr(complementary, "LARGE", 10)
    assert [hidden(protect(table, POLICY)) for table in random_tables(6, (5, 5))] == least[True]
    assert [hidden(protect(table, POLICY, fast=False)) for table in random_tables(6, (5, 5))] == least[False]


def test_equal_input_gives_equal_output() -> None:
    for table in random_tables(3, (6, 6)):
        assert np.array_equal(protect(table, POLICY).shown[0], protect(table, POLICY).shown[0])


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"weights": "money"}, "none of balanced"),
        ({"weights": [np.ones((2, 2))]}, "shapes"),
        ({"weights": [np.zeros((4, 4))]}, "above 0"),
        ({"against": "everybody"}, "none of inference"),
        ({"keep": [np.zeros((2, 2), bool)]}, "shapes"),
    ],
)
def test_an_aim_that_does_not_fit_is_refused(options: dict[str, Any], word: str) -> None:
    with pytest.raises(TableInvalid, match=word):
        protect(PLAIN, POLICY, **options)


def test_a_long_run_says_how_far_it_is() -> None:
    told: list[tuple[int, int, str]] = []

    @contextmanager
    def listening(description: str, /) -> Iterator[Step]:
        assert description == "protect 1 table"
        yield lambda done, of, what: told.append((done, of, what))

    towns = [
        (f"t{i}", f"s{j}", f"g{k}", 1 + (i * 7 + j * 5 + k * 3) % 23)
        for i in range(14)
        for j in range(6)
        for k in range(6)
    ]
    frame = pd.DataFrame(towns, columns=["town", "school", "grade", "n"])
    table = Table.from_counts(frame, ["town", "school", "grade"])
    found = protect(table, POLICY, progress=listening)
    assert not audit(found, POLICY).findings
    assert {what for _, _, what in told} == {"slices", "proofs"} and all(done < of for done, of, _ in told)
