"""Everything published about the same people as one system: cells, how they add up, what is hidden.

A cell that stands in two tables is one unknown here. The auditor builds its own system from labels
(attack.py) and uses nothing of this module.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from p20kit.linked import CellKey, cell_keys
from p20kit.needs import count_needs, least_hidden
from p20kit.policy import CellPolicy
from p20kit.tables import Table

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

MARGIN_WEIGHT = 1.5
COUNT_WEIGHT = 0.1


@dataclass
class System:
    """Cells of linked tables.

    Parameters
    ----------
    value : ndarray of int64, shape (n_cells,)
        Persons.
    need : ndarray of int64, shape (n_cells,)
        The count a reader must still think possible when the cell is hidden; 0 = no requirement.
    room : ndarray of int64, shape (n_cells,)
        How far a hidden cell can fall as far as a reader knows: to 1 where zeros are displayed, else to 0.
    hidden : ndarray of bool, shape (n_cells,)
        Hidden from the start.
    fixed : ndarray of bool, shape (n_cells,)
        Known to the reader whatever is done: already public, or known to be zero.
    weight : ndarray of float64, shape (n_cells,)
        What it costs to hide the cell.
    relations : list of (int, ndarray of int64)
        A parent and the cells it is the sum of.
    places : list of ndarray of int64
        Per table: position in the system of each of its cells.
    """

    value: IntArray
    need: IntArray
    room: IntArray
    hidden: BoolArray
    fixed: BoolArray
    weight: NDArray[np.float64]
    relations: list[tuple[int, IntArray]]
    places: list[IntArray]


def join(
    new: Sequence[Table],
    earlier: Sequence[tuple[Table, BoolArray]],
    population: int,
    forced: Sequence[BoolArray],
    policy: CellPolicy,
) -> System:
    """Put tables of one population into one system.

    Parameters
    ----------
    new : sequence of Table
        Tables whose display is still to be decided.
    earlier : sequence of (Table, ndarray of bool)
        Tables already released, with what was shown.
    population : int
    forced : sequence of ndarray of bool
        Per new table: cells that must be hidden and not be recoverable though they are large enough.
    policy : CellPolicy
    """
    position: dict[CellKey, int] = {}
    tables = [*new, *(table for table, _ in earlier)]
    places = [
        np.array([position.setdefault(k, len(position)) for k in cell_keys(t, population)], dtype=np.int64)
        for t in tables
    ]
    n = len(position)
    system = System(
        value=np.zeros(n, dtype=np.int64),
        need=np.zeros(n, dtype=np.int64),
        room=np.zeros(n, dtype=np.int64),
        hidden=np.zeros(n, dtype=bool),
        fixed=np.zeros(n, dtype=bool),
        weight=np.ones(n),
        relations=_relations(tables, places),
        places=places[: len(new)],
    )
    least = np.zeros(n, dtype=np.int64)
    for table, place in zip(tables, places, strict=True):
        least[place] = np.maximum(least[place], least_hidden(table, policy).ravel())
        _enter(system, table, place, policy)
    for table, place, extra in zip(new, places, forced, strict=False):
        system.hidden[place[~table.published | extra]] = True
        raised = place[extra]
        system.need[raised] = np.maximum(system.need[raised], system.value[raised] + policy.minimum_count)
    system.room = system.value - least
    # a zero that one table must hide is no known zero of another
    system.fixed &= (system.value > 0) | (system.need == 0)
    _enter_earlier(system, earlier, places[len(new) :])
    return system


def _enter(system: System, table: Table, place: IntArray, policy: CellPolicy) -> None:
    counts = table.counts.ravel()
    need = count_needs(table, policy).ravel()
    system.value[place] = counts
    system.need[place] = np.maximum(system.need[place], need)
    system.hidden[place[need > 0]] = True
    known_zero = (counts == 0) & (need == 0)
    system.fixed[place[known_zero]] = True
    margin = np.array([sum(code == "Total" for code in codes) for codes in table.labels])
    system.weight[place] = 1 + MARGIN_WEIGHT * margin + COUNT_WEIGHT * np.log1p(counts)


def _enter_earlier(system: System, earlier: Sequence[tuple[Table, BoolArray]], places: Sequence[IntArray]) -> None:
    for (_, shown), place in zip(earlier, places, strict=True):
        system.hidden[place[~shown.ravel()]] = True
    for (_, shown), place in zip(earlier, places, strict=True):
        system.fixed[place[shown.ravel()]] = True
    # what is public cannot be hidden again: a cell in need of it stays in need, and is found hopeless
    system.hidden &= ~system.fixed | (system.need > system.value)


def _relations(tables: Sequence[Table], places: Sequence[IntArray]) -> list[tuple[int, IntArray]]:
    found: dict[tuple[int, ...], tuple[int, IntArray]] = {}
    for table, place in zip(tables, places, strict=True):
        for parents, children in table.relations():
            for parent, parts in zip(place[parents].tolist(), place[children], strict=True):
                found.setdefault((parent, *sorted(parts.tolist())), (parent, parts))
    return [relation for relation in found.values() if list(relation[1]) != [relation[0]]]
