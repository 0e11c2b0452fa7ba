"""Suppression of counts: which to hide, in all tables of the same people together, and between groups of people."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from p20kit.complementary import complementary
from p20kit.differencing import Difference, Group, small_differences
from p20kit.errors import Finding, Unprotectable
from p20kit.linked import CellKey, cell_keys, populations
from p20kit.policy import COMPLEMENTARY_CLAUSE, CellPolicy
from p20kit.system import System, join
from p20kit.tables import Table

BoolArray = NDArray[np.bool_]
Release = tuple[Table, BoolArray]
NAMED_CELLS = 20
ROUNDS = 8


def suppress_counts(
    new: Sequence[Table],
    earlier: Sequence[Release],
    forced: Sequence[BoolArray],
    wanted: Sequence[BoolArray],
    policy: CellPolicy,
) -> tuple[BoolArray, ...]:
    """Choose the counts that are displayed.

    Source: DSA III.G.2.a; DSA III.G.2.d; DSA VI.D.2.

    Parameters
    ----------
    new : sequence of Table
    earlier : sequence of (Table, ndarray of bool)
        What has been released, with the cells a reader knows.
    forced : sequence of ndarray of bool
        Per new table: cells that must be hidden for another reason. Not changed.
    wanted : sequence of ndarray of bool
        Per new table: cells somebody asks for. The others are not displayed, and cost nothing to hide.
    policy : CellPolicy

    Returns
    -------
    tuple of ndarray of bool
        Per new table: True = displayed.

    Raises
    ------
    Unprotectable
        If earlier releases make some cell recoverable whatever is hidden now.
    """
    numbers = populations([*new, *(table for table, _ in earlier)])
    public = known_cells(earlier, numbers[len(new) :])
    hide = [mask.copy() for mask in forced]
    for _ in range(ROUNDS):
        shown = _decide(new, earlier, hide, wanted, policy, numbers)
        apart = small_differences([*zip(new, shown, strict=True), *earlier], len(new), policy)
        if not apart:
            return shown
        for difference in apart:
            table, flat = cell_to_hide(difference, new, shown, public, numbers)
            hide[table].ravel()[flat] = True
    findings = [Finding("difference", COMPLEMENTARY_CLAUSE, new[0].name, f"{len(apart)} differences remain", "")]
    raise Unprotectable("groups of the tables differ by too few individuals", findings)


def _decide(
    new: Sequence[Table],
    earlier: Sequence[Release],
    forced: Sequence[BoolArray],
    wanted: Sequence[BoolArray],
    policy: CellPolicy,
    numbers: Sequence[int],
) -> tuple[BoolArray, ...]:
    """Protect the tables of each population together."""
    shown = [np.zeros(table.counts.shape, dtype=bool) for table in new]
    for number in dict.fromkeys(numbers[: len(new)]):
        mine = [i for i in range(len(new)) if numbers[i] == number]
        before = [p for p, n in zip(earlier, numbers[len(new) :], strict=True) if n == number]
        system = join([new[i] for i in mine], before, number, [forced[i].ravel() for i in mine], policy)
        _leave_out(system, [wanted[i] for i in mine])
        outcome = complementary(system)
        refuse_hopeless(outcome.unprotected.tolist(), system, [new[i] for i in mine])
        for i, place in zip(mine, system.places, strict=True):
            shown[i] = (~outcome.hidden[place] & new[i].published).reshape(new[i].counts.shape) & wanted[i]
    return tuple(shown)


def _leave_out(system: System, wanted: Sequence[BoolArray]) -> None:
    """Hide from the start what no table asks for."""
    asked = np.zeros(len(system.value), dtype=bool)
    met = np.zeros(len(system.value), dtype=bool)
    for place, mask in zip(system.places, wanted, strict=True):
        met[place] = True
        asked[place[mask.ravel()]] = True
    system.hidden |= met & ~asked & ~system.fixed


def known_cells(releases: Sequence[Release], numbers: Sequence[int]) -> set[CellKey]:
    """Name the cells that have been displayed and cannot be hidden any more."""
    return {
        key
        for (table, displayed), number in zip(releases, numbers, strict=True)
        for key, known in zip(cell_keys(table, number), displayed.ravel(), strict=True)
        if known
    }


def cell_to_hide(
    difference: Difference,
    new: Sequence[Table],
    shown: Sequence[BoolArray],
    public: set[CellKey],
    numbers: Sequence[int],
) -> tuple[int, int]:
    """Choose the cell to hide: of a table still to be released, of the smaller group if that helps.

    Returns
    -------
    (int, int)
        Position of the table, and flat position of the cell.
    """
    ways = [
        (group.table, flat)
        for group in (difference.smaller, difference.larger)
        if group.table < len(new)
        for flat in _ways(group, new[group.table], shown[group.table])
    ]
    private = ((table, flat) for table, flat in ways if cell_keys(new[table], numbers[table])[flat] not in public)
    return next(private, ways[0])


def _ways(group: Group, table: Table, shown: BoolArray) -> list[int]:
    """List cells of which any unsettles the group: itself; of a line the total, and then what is displayed of it."""
    if group.axis is None:
        return [group.flat]
    flats = np.arange(shown.size).reshape(shown.shape)
    place = np.unravel_index(group.flat, shown.shape)
    line = np.moveaxis(flats, group.axis, -1)[tuple(np.delete(place, group.axis))]
    line = line[: table.dimensions[group.axis].leaves]
    displayed = line[shown.ravel()[line]]
    return [group.flat, *displayed[np.argsort(table.counts.ravel()[displayed], kind="stable")].tolist()]


def refuse_hopeless(cells: Sequence[int], system: System, tables: Sequence[Table]) -> None:
    """Refuse what no choice protects, naming the cells.

    Raises
    ------
    Unprotectable
        If there are such cells.
    """
    if not cells:
        return
    findings = []
    for cell in cells[:NAMED_CELLS]:
        where = "an earlier release"
        for table, place in zip(tables, system.places, strict=True):
            hits = np.flatnonzero(place == cell)
            if len(hits):
                where = table.where(int(hits[0]))
        what = "the cell can be worked out from what is already public, whatever is hidden now"
        findings.append(
            Finding("complementary", COMPLEMENTARY_CLAUSE, where, what, "Merge categories or drop the table.")
        )
    raise Unprotectable(f"{len(cells)} cells cannot be protected", findings)
