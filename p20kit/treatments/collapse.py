"""Collapse of categories: codes that become one, and the search for those that cost least.

The search is greedy. What is missing is the persons by which counts stay under the threshold, added up; what is lost
by a merge is the entropy of the innermost cells, in persons x bits. Each step takes the two siblings whose merge
gains most of the one for each unit of the other, until nothing is missing; so no cell need be hidden.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import xlogy

from p20kit.dimensions import TOTAL, Dimension
from p20kit.errors import Finding, TableInvalid
from p20kit.measures import Count
from p20kit.policy import CellPolicy
from p20kit.primary import small_counts
from p20kit.protection import Protected
from p20kit.tables import Table
from p20kit.treatments.suppression import suppression
from p20kit.treatments.treated import Display, FloatArray, Reading, Treated, given, read

IntArray = NDArray[np.int64]
Merges = Mapping[str, Mapping[str, tuple[str, ...]]]

JOINT = " / "
MAX_SIBLINGS = 40
"""Siblings looked at in pairs; of more, the smallest are."""


def collapse(table: Table, column: str, groups: Mapping[str, Sequence[str]]) -> Table:
    """Merge categories of one by-column.

    Source: ExA 3.f (aggregation of groups).

    Parameters
    ----------
    table : Table
    column : str
    groups : mapping of str to sequence of str
        New code to the innermost codes it takes the place of.

    Returns
    -------
    Table
        Its basis says the new codes too; the by-column is no longer one as delivered. Hierarchies stay.

    Raises
    ------
    TableInvalid
        If codes are unknown, parents, named twice or in the way of a new one; if a group reaches across two
        parents, so that they would no longer add up; or if the table has measures besides the count.
    """
    axis = _axis(table, column, groups)
    old = table.dimensions[axis]
    new, place = _merged(table.name, old, groups)
    counts = np.zeros((len(new.codes), *np.moveaxis(table.counts, axis, 0).shape[1:]), dtype=np.int64)
    np.add.at(counts, place, np.moveaxis(table.counts, axis, 0))
    ruled_out = np.ones(counts.shape, dtype=bool)
    np.logical_and.at(ruled_out, place, np.moveaxis(table.impossible, axis, 0))
    return replace(
        table,
        dimensions=(*table.dimensions[:axis], new, *table.dimensions[axis + 1 :]),
        counts=np.ascontiguousarray(np.moveaxis(counts, 0, axis)),
        impossible=np.ascontiguousarray(np.moveaxis(ruled_out, 0, axis)),
        basis=_recoded(table.basis, column, groups),
        sources={by: source for by, source in table.sources.items() if by != column},
    )


@dataclass(frozen=True)
class _Candidate:
    """Two siblings of a column that might become one."""

    column: str
    codes: tuple[str, str]


def find_merges(tables: Table | Sequence[Table], policy: CellPolicy) -> dict[str, dict[str, tuple[str, ...]]]:
    """Search which categories to merge so that no count is under the threshold, at the least loss.

    Source: ExA 3.f; DSA III.G.2.a.

    Parameters
    ----------
    tables : Table or sequence of Table
        Merges hold for a column in every table that has it.
    policy : CellPolicy

    Returns
    -------
    dict of column to dict of new code to tuple of innermost codes
        Empty where nothing is under the threshold. Where even columns of one category leave a count under
        it, all that could be merged is.
    """
    current = given(tables)
    members: dict[str, dict[str, tuple[str, ...]]] = {}
    while any(_missing(table.counts, table.impossible, policy).any() for table in current):
        best = _best(current, policy)
        if best is None:
            break
        made = members.setdefault(best.column, {})
        parts = tuple(sorted(part for code in best.codes for part in made.pop(code, (code,))))
        name = JOINT.join(parts)
        made[name] = parts
        current = tuple(collapse(t, best.column, {name: best.codes}) if _has(t, best) else t for t in current)
    return members


def collapsed(
    tables: Table | Sequence[Table],
    policy: CellPolicy,
    earlier: Sequence[Protected | Table] = (),
    merges: Merges | None = None,
) -> Treated:
    """Merge categories, and hide what is still too small.

    Source: ExA 3.f (aggregation of groups); DSA III.G.2.a; DSA III.G.2.d.

    Parameters
    ----------
    tables : Table or sequence of Table
    policy : CellPolicy
    earlier : sequence of Protected or Table
    merges : mapping of column to mapping of new code to codes, optional
        Those of `find_merges` where they are not given.

    Raises
    ------
    TableInvalid
        If the merges cannot be made.
    Unprotectable
        If earlier releases make some cell recoverable.
    """
    several = given(tables)
    chosen = find_merges(several, policy) if merges is None else merges
    merged = []
    for table in several:
        for column in (column for column in chosen if column in table.by):
            known = table.dimensions[table.by.index(column)].codes
            groups = {new: codes for new, codes in chosen[column].items() if set(codes) <= set(known)}
            table = collapse(table, column, groups)
        merged.append(table)
    hidden = suppression(merged, policy, earlier)
    readings = tuple(_reading(t, display, chosen) for t, display in zip(several, hidden.displays, strict=True))
    stated = {column: ", ".join(f"[{new}]" for new in groups) for column, groups in chosen.items()}
    return Treated("collapse", stated, policy, hidden.displays, readings)


def _axis(table: Table, column: str, groups: Mapping[str, Sequence[str]]) -> int:
    if column not in table.by:
        raise _invalid(table.name, f"{column} is not a by-column")
    if tuple(table.measures) != (Count(),):
        raise _invalid(table.name, "it has measures besides the count; merge in the frame and tabulate again")
    axis = table.by.index(column)
    dimension = table.dimensions[axis]
    leaves = set(dimension.codes[: dimension.leaves])
    named = [code for codes in groups.values() for code in codes]
    if len(named) != len(set(named)) or set(named) - leaves or not all(groups.values()):
        raise _invalid(table.name, f"groups of {column} are empty, or name codes twice, unknown ones or parents")
    if (set(groups) & (set(dimension.codes) - set(named))) or TOTAL in groups:
        raise _invalid(table.name, f"a new code of {column} is the name of another code")
    return axis


def _invalid(name: str, what: str) -> TableInvalid:
    finding = Finding("collapse", "ExA 3.f", name, what, "Merge innermost codes within one parent.")
    return TableInvalid("categories cannot be merged", [finding])


def _merged(name: str, old: Dimension, groups: Mapping[str, Sequence[str]]) -> tuple[Dimension, IntArray]:
    """Give the new dimension, and the new position of each old code; a group stands where its first code stood."""
    into = {code: new for new, codes in groups.items() for code in codes}
    named = [into.get(code, code) for code in old.codes]
    codes = tuple(dict.fromkeys(named))
    position = {code: i for i, code in enumerate(codes)}
    place = np.array([position[code] for code in named], dtype=np.int64)
    of_group = [frozenset(old.codes.index(code) for code in several) for several in groups.values()]
    for _, children in old.groups:
        if any(group & set(children) and not group <= set(children) for group in of_group):
            raise _invalid(name, f"a group of {old.column} reaches across parents, which would no longer add up")
    sums = tuple((int(place[p]), tuple(sorted({int(place[c]) for c in children}))) for p, children in old.groups)
    return Dimension(old.column, codes, sums, len(set(place[: old.leaves].tolist()))), place


def _recoded(basis: pd.DataFrame | None, column: str, groups: Mapping[str, Sequence[str]]) -> pd.DataFrame | None:
    if basis is None:
        return None
    into = {code: new for new, codes in groups.items() for code in codes}
    codes = basis[column].astype("str")
    return basis.assign(**{column: codes.map(into).fillna(codes).astype("str")})


def _missing(counts: IntArray, impossible: NDArray[np.bool_], policy: CellPolicy) -> IntArray:
    """Persons by which each count is under the threshold."""
    return np.where(small_counts(counts, impossible, policy), policy.minimum_count - counts, 0)


def _has(table: Table, candidate: _Candidate) -> bool:
    return candidate.column in table.by and set(candidate.codes) <= set(
        table.dimensions[table.by.index(candidate.column)].codes
    )


def _best(tables: Sequence[Table], policy: CellPolicy) -> _Candidate | None:
    """Choose the pair that gains most for what it loses, over all tables; the first of equals."""
    gained: dict[_Candidate, float] = {}
    lost: dict[_Candidate, float] = {}
    for table in tables:
        for axis in range(len(table.by)):
            for candidate, gain, loss in _weighed(table, axis, policy):
                gained[candidate] = gained.get(candidate, 0.0) + gain
                lost[candidate] = lost.get(candidate, 0.0) + loss
    useful = [candidate for candidate, gain in gained.items() if gain > 0]
    return min(useful, key=lambda c: (-gained[c] / (1.0 + lost[c]), c.column, c.codes), default=None)


def _weighed(table: Table, axis: int, policy: CellPolicy) -> Iterator[tuple[_Candidate, float, float]]:
    """Weigh each pair of siblings: what is missing less after the merge, and the entropy lost."""
    dimension = table.dimensions[axis]
    counts = np.moveaxis(table.counts, axis, 0)
    ruled_out = np.moveaxis(table.impossible, axis, 0)
    inner = tuple(slice(0, d.leaves) for i, d in enumerate(table.dimensions) if i != axis)
    missing = _missing(counts, ruled_out, policy).reshape(len(counts), -1).sum(axis=1)
    for a, b in _pairs(dimension, counts[..., *(-1,) * (counts.ndim - 1)]):
        merged = _missing(counts[a] + counts[b], ruled_out[a] & ruled_out[b], policy).sum()
        loss = _entropy(counts[a][inner], counts[b][inner])
        yield _Candidate(dimension.column, _named(dimension, a, b)), float(missing[a] + missing[b] - merged), loss


def _named(dimension: Dimension, a: int, b: int) -> tuple[str, str]:
    first, second = sorted((dimension.codes[a], dimension.codes[b]))
    return first, second


def _pairs(dimension: Dimension, persons: IntArray) -> Iterator[tuple[int, int]]:
    """Pair innermost siblings; codes that several hierarchies hold are siblings only in all of them."""
    parents: dict[int, tuple[int, ...]] = {leaf: () for leaf in range(dimension.leaves)}
    for parent, children in dimension.groups:
        for child in children:
            if child < dimension.leaves:
                parents[child] += (parent,)
    families: dict[tuple[int, ...], list[int]] = {}
    for leaf, above in parents.items():
        families.setdefault(above, []).append(leaf)
    for family in families.values():
        smallest = sorted(family, key=lambda leaf: (persons[leaf], leaf))[:MAX_SIBLINGS]
        yield from combinations(smallest, 2)


def _entropy(a: IntArray, b: IntArray) -> float:
    return float((xlogy(a + b, a + b) - xlogy(a, a) - xlogy(b, b)).sum() / np.log(2))


def _reading(table: Table, display: Display, merges: Merges) -> Reading:
    """Say of each cell that was asked for what its group's display leaves: the group's persons, spread evenly."""
    known = read(display)
    axes = []
    for dimension, new in zip(table.dimensions, display.table.dimensions, strict=True):
        groups = merges.get(dimension.column, {})
        into = {c: name for name, codes in groups.items() for c in codes if name in new.codes}
        axes.append(np.array([new.codes.index(into.get(code, code)) for code in dimension.codes]))
    place = np.ravel_multi_index(tuple(np.ix_(*axes)), known.estimate.shape)
    sharers = np.bincount(place.ravel(), minlength=known.estimate.size)[place]
    estimate: FloatArray = known.estimate.ravel()[place] / sharers
    lower = np.where(sharers == 1, known.lower.ravel()[place], 0.0)
    return Reading(table, estimate, lower, known.upper.ravel()[place])
