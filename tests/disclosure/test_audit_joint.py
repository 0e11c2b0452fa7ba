"""Joint cells of linked tables: what nobody displays is not negative all the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from p20kit import CellPolicy, Table, audit, tabulate
from p20kit.linked import JOINT_CELLS, joint, joint_dimensions
from p20kit.protection import Protected
from tests.disclosure.adversary import Published, Reader

STRICT = CellPolicy()
CODES = {"a": 3, "b": 3, "c": 2, "d": 2}


def people(seed: int = 0, persons: int = 90) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    frame = pd.DataFrame({column: generator.integers(0, n, persons).astype(str) for column, n in CODES.items()})
    frame["a"] = "a" + frame["a"]
    frame["near"] = np.where(frame["a"] == "a0", "yes", "no")
    frame["pid"] = [f"P{i}" for i in range(persons)]
    return frame


def cut(frame: pd.DataFrame, *by: str, **options: object) -> Table:
    return tabulate(frame, by=list(by), unit="pid", name="".join(by), **options)  # type: ignore[arg-type]


def columns(*tables: Table) -> list[str]:
    return [dimension.column for dimension in joint_dimensions(tables)]


def test_joint_cells_count_everybody_by_everything_and_display_nothing() -> None:
    frame = people()
    tables = [cut(frame.sample(frac=1, random_state=i), *by) for i, by in enumerate(("abc", "abd", "bcd"))]
    found = joint(tables)
    assert found is not None and sorted(found.by) == ["a", "b", "c", "d"]
    again = cut(frame, *found.by)
    assert np.array_equal(found.counts, again.counts)
    assert not found.published.any() and not len(found.cells)
    assert np.array_equal(np.sort(found.people), np.sort(again.people))


@pytest.mark.parametrize(
    ("cuts", "expected"),
    [
        (["ab", "bc"], []),
        (["ab", "bc", "cd"], []),
        (["abc", "ab", "bc", "ac"], []),
        (["ab", "bc", "ac"], ["a", "b", "c"]),
        (["abd", "bc", "ac"], ["a", "b", "c"]),
        (["ab", "bc", "ac", "ad"], ["a", "b", "c"]),
    ],
)
def test_only_tables_that_run_in_a_circle_are_joined(cuts: list[str], expected: list[str]) -> None:
    frame = people()
    tables = [cut(frame, *by) for by in cuts]
    assert sorted(columns(*tables)) == expected
    without = [replace(table, basis=None) for table in tables]
    assert sorted(columns(*without)) == expected and joint(without) is None


def test_a_column_that_another_divides_further_is_joined_once() -> None:
    frame = people()
    tables = [cut(frame, "a", "b"), cut(frame, "b", "c"), cut(frame, "near", "c")]
    assert sorted(columns(*tables)) == ["a", "b", "c"]


def test_parents_of_hierarchies_close_circles() -> None:
    frame = people()
    up = {"a0": "North", "a1": "South", "a2": "South"}
    frame["school"] = frame["a"].map(up) + frame["d"]
    schools = {school: school[:-1] for school in frame["school"].unique()}
    tables = [
        cut(frame, "a", "b", hierarchies={"a": up}),
        cut(frame, "school", "c", hierarchies={"school": schools}),
        cut(frame, "b", "c"),
    ]
    assert sorted(columns(*tables)) == ["a", "b", "c", "school"]


def test_one_name_for_two_divisions_is_two_columns() -> None:
    frame = people()
    other = frame.assign(a=frame["d"])
    tables = [cut(frame, "a", "b"), cut(frame, "a", "c"), cut(frame, "b", "c"), cut(other, "a", "b", "c")]
    assert columns(*tables) == ["a", "b", "c"]
    tables = [cut(frame, "a", "b"), cut(other, "a", "c"), cut(frame, "b", "c"), cut(frame, "a", "d")]
    assert sorted(columns(*tables)) == ["a", "a (2)", "b", "c"]


def test_a_joint_table_that_is_too_large_is_not_made() -> None:
    generator = np.random.default_rng(1)
    size = int(JOINT_CELLS ** (1 / 3)) + 1
    frame = pd.DataFrame(generator.integers(0, size, (4000, 3)), columns=["a", "b", "c"])
    frame["pid"] = range(len(frame))
    tables = [cut(frame, *by) for by in ("ab", "bc", "ac")]
    assert len(joint_dimensions(tables)) == 3
    assert joint(tables) is None


def careless(tables: list[Table], seed: int) -> Protected:
    """Hide what is small, and others by the throw of a coin."""
    generator = np.random.default_rng(seed)
    shown = tuple((t.counts >= 6) & (generator.random(t.counts.shape) > 0.4) for t in tables)
    return Protected(tuple(tables), shown, STRICT)


def short(release: Protected) -> set[str]:
    return {f.where for f in audit(release, STRICT).findings if f.rule == "bounds"}


def short_by_atoms(release: Protected) -> set[frozenset[tuple[str, str]]]:
    published = [Published(release.to_published(i)) for i in range(len(release.tables))]
    reader = Reader(published, {})
    found = set()
    for table, copy, sums in zip(release.tables, published, reader.sums, strict=True):
        small = np.flatnonzero(~copy.shown & (table.counts.ravel() < 6))
        most = reader.most(sums[small], 6)
        found |= {named(table.where(int(flat))) for flat, reach in zip(small, most, strict=True) if reach < 6}
    return found


def named(where: str) -> frozenset[tuple[str, str]]:
    """Name a cell by its codes, whatever the table."""
    codes = where[where.index("[") + 1 : -1].split(", ")
    return frozenset((c.split("=")[0], c.split("=")[1]) for c in codes if not c.endswith("=Total"))


@pytest.mark.parametrize(("cuts", "seeds"), [(("ab", "bc", "ac"), (14, 20, 22)), (("abc", "abd", "bcd"), (7, 8, 17))])
def test_bounds_that_follow_from_joint_cells_only_are_found(cuts: tuple[str, ...], seeds: tuple[int, ...]) -> None:
    by_joint_cells = 0
    for seed in seeds:
        frame = people(seed, 30)
        release = careless([cut(frame, *by) for by in cuts], seed)
        found = short(release)
        assert {named(where) for where in found} == short_by_atoms(release), seed
        unlinked = replace(release, tables=tuple(replace(table, basis=None) for table in release.tables))
        by_joint_cells += len(found - short(unlinked))
    assert by_joint_cells > 0


def test_an_audit_says_which_joint_cells_it_left_out() -> None:
    frame = people()
    tables = [replace(cut(frame, *by), basis=None) for by in ("ab", "bc", "ac")]
    said = audit(careless(tables, 0), STRICT).not_ran
    assert [text for text in said if text.startswith("joint cells of ab, bc, ac: ")]
    assert not any("joint" in text for text in audit(careless(tables[:2], 0), STRICT).not_ran)
