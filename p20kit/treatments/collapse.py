"""Collapse of categories: codes that become one, and the search for those that cost least.

The search is greedy. What is missing is the persons by which counts stay under the threshold, added up; what is lost
by a merge is the entropy of the innermost cells, in persons x bits. Each step takes the two siblings whose merge
gains most of the one for each unit of the other, until nothing is missing; so no cell need be hidden. It is run for
several choices of the columns that may be merged, and the result that loses least is taken.
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
from p20kit.treatments.treated import Display, FloatArray, Reading, Treated, given, read, strictest

IntArray = NDArray[np.int64]
Groups = dict[str, dict[str, tuple[str, ...]]]
"""By-column to new code to the innermost codes it takes the place of."""
Merges = Mapping[str, Mapping[str, tuple[str, ...]]]

JOINT = " / "
MAX_SIBLINGS = 40
"""Siblings looked at in pairs; of more, the smallest are."""
AT_ONCE = 1_000_000
MOST_CELLS = 20_000
MOST_WAYS = 14
"""Choices of columns tried besides all of them, in tables of up to `MOST_CELLS` cells; in larger ones none is."""


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
        basis=_recoded(table, new, axis, place),
        sources={by: source for by, source in table.sources.items() if by != column},
    )


@dataclass(frozen=True)
class _Candidate:
    """Two siblings of a column that might become one."""

    column: str
    codes: tuple[str, str]


@dataclass(frozen=True)
class _Found:
    """Merges of one search; `lost` orders searches over the same tables, lowest first."""

    merges: Groups
    missing: int
    lost: float


def find_merges(tables: Table | Sequence[Table], policy: CellPolicy) -> Groups:
    """Search which categories to merge so that no count is under the threshold, at a small loss.

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
    several = given(tables)
    columns = tuple(dict.fromkeys(column for table in several for column in table.by))
    ways = [columns]
    if sum(table.counts.size for table in several) <= MOST_CELLS:
        ways += [way for size in range(len(columns) - 1, 0, -1) for way in combinations(columns, size)][:MOST_WAYS]
    found = [_greedy(several, strictest(several, policy), way) for way in ways]
    return min(found, key=lambda way: (way.missing, way.lost)).merges


def _greedy(tables: Sequence[Table], policy: CellPolicy, columns: Sequence[str]) -> _Found:
    """Merge categories of these columns, the best pair first, until no count is under the threshold."""
    current, merges = tuple(tables), Groups()
    while (missing := sum(int(_missing(t.counts, t.impossible, policy).sum()) for t in current)) > 0:
        best = _best(current, policy, columns)
        if best is None:
            break
        made = merges.setdefault(best.column, {})
        parts = tuple(sorted(part for code in best.codes for part in made.pop(code, (code,))))
        name = JOINT.join(parts)
        made[name] = parts
        current = tuple(collapse(t, best.column, {name: best.codes}) if _has(t, best) else t for t in current)
    inner = [t.counts[tuple(slice(0, d.leaves) for d in t.dimensions)] for t in current]
    return _Found(merges, missing, sum(float(xlogy(counts, counts).sum()) for counts in inner))


def merged(tables: Sequence[Table], merges: Merges) -> tuple[Table, ...]:
    """Merge in every table the groups whose codes it has.

    Source: ExA 3.f (aggregation of groups).
    """
    several = []
    for table in tables:
        for column in (column for column in merges if column in table.by):
            known = set(table.dimensions[table.by.index(column)].codes)
            table = collapse(table, column, {new: g for new, g in merges[column].items() if set(g) <= known})
        several.append(table)
    return tuple(several)


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
    hidden = suppression(merged(several, chosen), policy, earlier)
    readings = tuple(_reading(t, display, chosen) for t, display in zip(several, hidden.displays, strict=True))
    stated = {column: ", ".join(f"[{new}]" for new in groups) for column, groups in chosen.items()}
    return Treated("collapse", stated, policy, hidden.displays, readings)


def _axis(table: Table, column: str, groups: Mapping[str, Sequence[str]]) -> int:
    if column not in table.by:
        raise _invalid(table.name, f"{column} is not a by-column")
    if tuple(table.measures) != (Count(),) or table.employer is not None:
        raise _invalid(table.name, "it displays more than counts; merge in the frame and tabulate again")
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


def _recoded(table: Table, new: Dimension, axis: int, place: IntArray) -> pd.DataFrame | None:
    if table.basis is None:
        return None
    codes = pd.Categorical.from_codes(place[table.places(axis)], categories=pd.Index(new.codes[: new.leaves]))
    return table.basis.assign(**{new.column: codes})


def _missing(counts: IntArray, impossible: NDArray[np.bool_], policy: CellPolicy) -> IntArray:
    """Persons by which each count is under the threshold."""
    return np.where(small_counts(counts, impossible, policy), policy.minimum_count - counts, 0)


def _has(table: Table, candidate: _Candidate) -> bool:
    return candidate.column in table.by and set(candidate.codes) <= set(
        table.dimensions[table.by.index(candidate.column)].codes
    )


def _best(tables: Sequence[Table], policy: CellPolicy, columns: Sequence[str]) -> _Candidate | None:
    """Choose the pair that gains most for what it loses, over all tables; the first of equals."""
    gained: dict[_Candidate, float] = {}
    lost: dict[_Candidate, float] = {}
    for table in tables:
        for axis in (axis for axis, column in enumerate(table.by) if column in columns):
            for candidate, gain, loss in _weighed(table, axis, policy):
                gained[candidate] = gained.get(candidate, 0.0) + gain
                lost[candidate] = lost.get(candidate, 0.0) + loss
    useful = [candidate for candidate, gain in gained.items() if gain > 0]
    return min(useful, key=lambda c: (-gained[c] / (1.0 + lost[c]), c.column, c.codes), default=None)


def _weighed(table: Table, axis: int, policy: CellPolicy) -> Iterator[tuple[_Candidate, float, float]]:
    """Weigh each pair of siblings: what is missing less after the merge, and the entropy lost."""
    dimension = table.dimensions[axis]
    counts = np.moveaxis(table.counts, axis, 0)
    ruled_out = np.moveaxis(table.impossible, axis, 0).reshape(len(counts), -1)
    inner = tuple(slice(0, d.leaves) for i, d in enumerate(table.dimensions) if i != axis)
    leaves, counts = counts[(slice(None), *inner)].reshape(len(counts), -1), counts.reshape(len(counts), -1)
    pairs = np.array(list(_pairs(dimension, counts[:, -1])), dtype=np.int64).reshape(-1, 2)
    missing = _missing(counts, ruled_out, policy).sum(axis=1)
    for a, b in (part.T for part in np.array_split(pairs, 1 + pairs.shape[0] * counts.shape[1] // AT_ONCE)):
        merged = _missing(counts[a] + counts[b], ruled_out[a] & ruled_out[b], policy).sum(axis=1)
        losses = _entropy(leaves[a], leaves[b])
        for i, j, gain, loss in zip(a, b, missing[a] + missing[b] - merged, losses, strict=True):
            yield _Candidate(dimension.column, _named(dimension, int(i), int(j))), float(gain), float(loss)


def _named(dimension: Dimension, a: int, b: int) -> tuple[str, str]:
    first, second = sorted((dimension.codes[a], dimension.codes[b]))
    return first, second


def _pairs(dimension: Dimension, persons: IntArray) -> Iterator[tuple[int, int]]:
    """Pair innermost siblings; codes that several hierarchies hold are siblings only in all of them."""
    parents: dict[int, tuple[int, ...]] = dict.fromkeys(range(dimension.leaves), ())
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


def _entropy(a: IntArray, b: IntArray) -> FloatArray:
    return np.asarray((xlogy(a + b, a + b) - xlogy(a, a) - xlogy(b, b)).sum(axis=1) / np.log(2))


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
