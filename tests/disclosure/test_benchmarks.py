"""What the figures rest on: instances that stay the same, a second opinion on recovery, mutants that differ."""

from __future__ import annotations

import ast

import pandas as pd

from benchmarks.instances import SHAPES, invent
from benchmarks.measuring import ROOT
from benchmarks.mutants import mutants
from benchmarks.mutation import MODULES
from benchmarks.suppression import recoverable
from tests.disclosure.spelled import counts


def test_a_seed_makes_the_same_instance_and_another_seed_another() -> None:
    shape = SHAPES["ct500"]
    pd.testing.assert_frame_equal(invent(shape, 34), invent(shape, 34))
    assert not invent(shape, 34)["n"].equals(invent(shape, 35)["n"])


def test_an_instance_has_every_combination_once_and_a_town_one_county() -> None:
    shape = SHAPES["ct5k"]
    inner = invent(shape, 34)
    assert len(inner) == 169 * 5 * 4 == len(inner.drop_duplicates(list(shape.by)))
    assert inner.groupby("town")["county"].nunique().eq(1).all()
    small = ((inner["n"] > 0) & (inner["n"] < 6)).mean()
    assert 0.15 < small < 0.4


def test_what_follows_by_adding_and_subtracting_is_recovered_and_nothing_else() -> None:
    table = counts("  | a | b | c \n N | 4 | 40 | 9 \n S | 31 | 29 | 8 \n W | 7 | 9 | 10")
    alone, square = table.counts > 0, table.counts > 0
    alone[0, 0] = False
    square[:2, :2] = False
    both = square.copy()
    both[2, 2] = False
    assert recoverable(table, alone.ravel()).nonzero()[0].tolist() == [0]
    assert not recoverable(table, square.ravel()).any()
    assert recoverable(table, both.ravel()).reshape(table.counts.shape).nonzero() == (2, 2)


def test_every_mutant_differs_from_the_original_in_one_place_and_can_be_run() -> None:
    for module in MODULES:
        made = list(mutants(module))
        original = ast.unparse(ast.parse((ROOT / "p20kit" / f"{module}.py").read_text("utf-8")))
        assert len(made) > 5 and all(m.source != original for m in made)
        assert len({m.source for m in made}) > 0.95 * len(made)
        assert all(m.line and ast.parse(m.source) for m in made)
