"""Suppression of counts: which to hide, in all tables of the same people together, and between groups of people."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from p20kit.aims import Aim, Optimality
from p20kit.changes import reach, recoverable
from p20kit.complementary import complementary
from p20kit.differencing import Difference, Group, small_differences
from p20kit.errors import Finding, Unprotectable
from p20kit.linked import CellKey, cell_keys, joint, link, populations
from p20kit.needs import count_needs, least_hidden
from p20kit.policy import COMPLEMENTARY_CLAUSE, COUNT_CLAUSE, CellPolicy
from p20kit.progress import Step
from p20kit.system import IntArray, System, relations, spread
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
    aim: Aim,
    step: Step,
) -> tuple[tuple[BoolArray, ...], Optimality]:
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
    aim : Aim
        Its arrays are of the first tables; the others keep nothing, and their cells cost the same.
    step : Step
        Told how far the search is.

    Returns
    -------
    (tuple of ndarray of bool, Optimality)
        Per new table: True = displayed.

    Raises
    ------
    Unprotectable
        If earlier releases make some cell recoverable whatever is hidden now, or what must be hidden is to be kept.
    """
    numbers = populations([*new, *(table for table, _ in earlier)])
    public = known_cells(earlier, numbers[len(new) :])
    hide = [mask.copy() for mask in forced]
    tables = [*new, *(table for table, _ in earlier)]
    for _ in range(ROUNDS):
        shown, known, optimality = _decide(new, earlier, hide, wanted, policy, numbers, aim, step)
        apart = small_differences(list(zip(tables, known, strict=True)), len(new), policy)
        if not apart:
            return shown, optimality
        for difference in apart:
            table, flat = cell_to_hide(difference, new, known, public, numbers)
            hide[table].ravel()[flat] = True
    what = f"{len(apart)} groups differ from others by fewer than {policy.minimum_count}, whatever is hidden for them"
    advice = "Use the same groups in all tables, or ask for fewer of them."
    finding = Finding("difference", COMPLEMENTARY_CLAUSE, new[0].name, what, advice)
    raise Unprotectable("groups of the tables differ by too few individuals", [finding])


def _decide(
    new: Sequence[Table],
    earlier: Sequence[Release],
    forced: Sequence[BoolArray],
    wanted: Sequence[BoolArray],
    policy: CellPolicy,
    numbers: Sequence[int],
    aim: Aim,
    step: Step,
) -> tuple[tuple[BoolArray, ...], tuple[BoolArray, ...], Optimality]:
    """Protect the tables of each population together: what is displayed of the new, and what is known of all."""
    shown, optimality = [np.zeros(table.counts.shape, dtype=bool) for table in new], Optimality()
    known = [*shown, *(displayed for _, displayed in earlier)]
    for number in dict.fromkeys(numbers):
        mine = [i for i in range(len(new)) if numbers[i] == number]
        past = [i for i in range(len(new), len(numbers)) if numbers[i] == number]
        before = [earlier[i - len(new)] for i in past]
        system, places = _system([(i, new[i], forced[i], wanted[i]) for i in mine], before, policy, aim)
        hidden = system.hidden
        if mine:
            outcome = complementary(system, step, fast=aim.fast, seconds=aim.seconds)
            refuse_hopeless(outcome.unprotected.tolist(), [new[i] for i in mine], places)
            optimality += Optimality(outcome.weight, outcome.bound)
            hidden = outcome.hidden
        for i, place in zip(mine, places, strict=False):
            known[i] = shown[i] = (~hidden[place] & new[i].published).reshape(new[i].counts.shape) & wanted[i]
        least, most = reach(system, hidden)
        follows = (least == most) | recoverable(system, hidden)
        for i, place in zip([*mine, *past], places, strict=False):
            known[i] = known[i] | follows[place].reshape(known[i].shape)
    return tuple(shown), tuple(known), optimality


def _system(
    new: Sequence[tuple[int, Table, BoolArray, BoolArray]], earlier: Sequence[Release], policy: CellPolicy, aim: Aim
) -> tuple[System, tuple[IntArray, ...]]:
    """Put the counts of one population into one system; and say where in it the cells of each table are."""
    tables = [*(table for _, table, _, _ in new), *(table for table, _ in earlier)]
    together = None if aim.against == "recovery" else joint(tables)
    linked = link(tables if together is None else [*tables, together])
    places, size = linked.unknowns, linked.size
    value, need, least, weight = np.zeros((4, size))
    known_zero, asked, met = np.zeros((3, size), dtype=bool)
    for table, place in zip(tables, places, strict=False):
        value[place] = table.counts.ravel()
        needed = count_needs(table, policy).ravel()
        np.maximum.at(need, place, needed)
        np.maximum.at(least, place, least_hidden(table, policy).ravel())
        known_zero[place[(table.counts.ravel() == 0) & (needed == 0)]] = True
    # nobody displays the joint cells that no table has
    hidden = need > 0
    hidden |= ~spread(places[: len(tables)], [np.ones(table.counts.size, bool) for table in tables], size)
    past = places[len(new) : len(tables)]
    for (position, table, forced, wanted), place in zip(new, places, strict=False):
        np.maximum.at(weight, place, aim.weigh(table, position).ravel())
        need[place[forced.ravel()]] = np.maximum(need, value + policy.minimum_count)[place[forced.ravel()]]
        hidden[place[~table.published | forced.ravel()]] = True
        met[place], asked[place[wanted.ravel()]] = True, True
    public = spread(past, [displayed for _, displayed in earlier], size)
    concealed = spread(past, [~displayed for _, displayed in earlier], size)
    kept = spread(places[: len(new)], [aim.kept(table, position) for position, table, _, _ in new], size)
    _refuse_contradictions(kept & hidden & (need > value), [table for _, table, _, _ in new], places)
    # a zero that one table must hide is no known zero of another
    fixed = (known_zero & (need == 0)) | public | kept
    hidden |= concealed | (met & ~asked & ~fixed)
    # what is public cannot be hidden again: a cell in need of it stays in need, and is found hopeless
    hidden &= ~fixed | (need > value)
    gap = np.maximum(need - value, 0.0)
    drop = value - least if aim.against == "inference" else value
    recovery = aim.against == "recovery"
    if recovery:
        gap, drop = np.minimum(gap, 1.0), np.full(size, np.inf)
    return System(
        gap, drop, hidden, fixed, np.where(weight > 0, weight, 1.0), *relations(linked), True, recovery
    ), places


def _refuse_contradictions(cells: BoolArray, tables: Sequence[Table], places: Sequence[IntArray]) -> None:
    """Refuse to keep on display what must be hidden."""
    if cells.any():
        what = "the cell is to be displayed, and must be hidden"
        advice = "Take it out of `keep`."
        findings = [
            Finding("keep", COUNT_CLAUSE, _named(cell, tables, places), what, advice)
            for cell in np.flatnonzero(cells)[:NAMED_CELLS].tolist()
        ]
        raise Unprotectable(f"{int(cells.sum())} cells are to be displayed and hidden", findings)


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


def refuse_hopeless(cells: Sequence[int], tables: Sequence[Table], places: Sequence[IntArray]) -> None:
    """Refuse what no choice protects, naming the cells.

    Parameters
    ----------
    cells : sequence of int
        Positions in the system.
    tables : sequence of Table
    places : sequence of ndarray of int64
        Per table: position in the system of each of its cells.

    Raises
    ------
    Unprotectable
        If there are such cells.
    """
    if not cells:
        return
    what = "the cell can be worked out from what is already public, whatever is hidden now"
    findings = [
        Finding(
            "complementary",
            COMPLEMENTARY_CLAUSE,
            _named(cell, tables, places),
            what,
            "Merge categories, name combinations that are impossible, or drop the table.",
        )
        for cell in cells[:NAMED_CELLS]
    ]
    raise Unprotectable(f"{len(cells)} cells cannot be protected", findings)


def _named(cell: int, tables: Sequence[Table], places: Sequence[IntArray]) -> str:
    for table, place in zip(tables, places, strict=False):
        hits = np.flatnonzero(place == cell)
        if len(hits):
            return table.where(int(hits[0]))
    return "an earlier release"
