"""Rounding to a base: each cell by itself, or all of them so that they still add up.

Controlled rounding moves every cell to one of the two multiples beside it (a multiple stays), so that every sum
holds. Which way a cell would go by chance is drawn from the project's seed and the cell's name, up with the chance
that leaves it unbiased; the program keeps as many of these draws as the sums allow. What is displayed is
therefore no proof that a cell was nearer to one side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from p20kit.errors import Finding, TableInvalid
from p20kit.policy import CellPolicy
from p20kit.tables import Table
from p20kit.treatments.cells import Cells, IntArray, join, solve
from p20kit.treatments.keys import ONE, draw
from p20kit.treatments.treated import Display, FloatArray, Treated, displayed, given, read

WHOLE_CELLS = 12_000
"""Up to here all cells are rounded by one program; larger tables slice by slice."""


def rounding(
    tables: Table | Sequence[Table],
    policy: CellPolicy,
    base: int = 10,
) -> Treated:
    """Round each cell by itself to the nearest multiple, halves up.

    Source: ExA 3.f (rounding).

    Parameters
    ----------
    tables : Table or sequence of Table
    policy : CellPolicy
    base : int, default 10

    Returns
    -------
    Treated
        Displayed cells need not add up; the attacker's system still does, and often undoes the rounding.

    Raises
    ------
    TableInvalid
        If the base is not a whole number above 1.
    """
    _check_base(base)
    displays = []
    for table in given(tables):
        number = (table.counts + base // 2) // base * base
        lower, upper = number - base // 2, number + (base + 1) // 2 - 1
        displays.append(
            displayed(table, number.astype(np.float64), lower.astype(np.float64), upper.astype(np.float64))
        )
    return _treated("rounding", {"to the nearest": str(base)}, policy, displays)


def controlled_rounding(
    tables: Table | Sequence[Table], policy: CellPolicy, base: int = 10, *, seed: bytes
) -> Treated:
    """Round all cells together so that they still add up.

    Source: ExA 3.f (rounding).

    Parameters
    ----------
    tables : Table or sequence of Table
        Tables of the same people are rounded together: a cell they share is displayed once.
    policy : CellPolicy
    base : int, default 10
    seed : bytes
        The project's, at least 16.

    Returns
    -------
    Treated
        Zero-restricted where that exists (always for two by-columns without hierarchies) and is found.
        Else, and in a table of over 12,000 cells, each slice along the longest by-column is rounded so, and
        margins across slices are the sums of what is displayed; how far they may be off is stated.

    Raises
    ------
    TableInvalid
        If the base is not a whole number above 1, or linked tables have no rounding that was found.
    """
    _check_base(base)
    several = given(tables)
    cells = join(several)
    chances = draw(cells.names, seed, "controlled rounding") / ONE
    if len(several) == 1:
        table, (place,) = several[0], cells.places
        rounded, sliced = _round(table, base, chances[place].reshape(table.counts.shape))
        most = int(-(-np.abs(rounded - table.counts).max() // base) * base) if sliced else base - 1
        displays = [_between(table, rounded, base, most)]
    else:
        most, displays = base - 1, _together(several, cells, base, chances)
    stated = {"base": str(base), "margins": f"add up, each within {most}"}
    return _treated("controlled rounding", stated, policy, displays)


def _treated(method: str, parameters: dict[str, str], policy: CellPolicy, displays: Sequence[Display]) -> Treated:
    return Treated(method, parameters, policy, tuple(displays), tuple(read(display) for display in displays))


def _together(tables: Sequence[Table], cells: Cells, base: int, chances: FloatArray) -> list[Display]:
    rounded = _zero_restricted(cells, base, chances) if len(cells.counts) <= WHOLE_CELLS else None
    if rounded is None:
        what = f"no rounding of {len(cells.counts)} cells of {len(tables)} linked tables was found"
        finding = Finding("rounding", "ExA 3.f", tables[0].name, what, "Round one table at a time.")
        raise TableInvalid("tables cannot be rounded together", [finding])
    shapes = (rounded[place].reshape(table.counts.shape) for table, place in zip(tables, cells.places, strict=True))
    return [_between(table, shape, base, base - 1) for table, shape in zip(tables, shapes, strict=True)]


def _check_base(base: int) -> None:
    if isinstance(base, bool) or not isinstance(base, int) or base <= 1:
        finding = Finding("rounding", "ExA 3.f", "base", "the base is not a whole number above 1", "Use 10.")
        raise TableInvalid("nothing was rounded", [finding])


def _zero_restricted(cells: Cells, base: int, chances: FloatArray) -> IntArray | None:
    down, rest = np.divmod(cells.counts, base)
    cost = np.where(chances < rest / base, -1.0, 1.0)
    right = -(cells.sums @ down).astype(np.float64)
    up = solve(cells.sums, right, np.zeros(len(down)), (rest > 0).astype(np.float64), cost, whole=True)
    return None if up is None else np.asarray(base * (down + up.astype(np.int64)))


def _round(table: Table, base: int, chances: FloatArray) -> tuple[IntArray, bool]:
    """Round one table, in slices where it is too large or has no zero-restricted rounding; and say whether it was."""
    axis = int(np.argmax([dimension.leaves for dimension in table.dimensions]))
    if table.counts.size <= WHOLE_CELLS or len(table.dimensions) == 1:
        cells = join([table])
        drawn = np.zeros(len(cells.counts))
        drawn[cells.places[0]] = chances.ravel()
        rounded = _zero_restricted(cells, base, drawn)
        if rounded is not None:
            return rounded[cells.places[0]].reshape(table.counts.shape), False
    return _add_slices(table, axis, base, chances), True


def _add_slices(table: Table, axis: int, base: int, chances: FloatArray) -> IntArray:
    """Round slice by slice along an axis; what is off so far tips the draws of the next slice the other way."""
    others = tuple(dimension for i, dimension in enumerate(table.dimensions) if i != axis)
    dimension = table.dimensions[axis]
    counts, impossible = np.moveaxis(table.counts, axis, 0), np.moveaxis(table.impossible, axis, 0)
    drawn = np.moveaxis(chances, axis, 0)
    rounded = np.zeros_like(counts)
    off = np.zeros(counts.shape[1:])
    siblings = [leaf for _, children in dimension.groups for leaf in children if leaf < dimension.leaves]
    for leaf in dict.fromkeys(siblings):
        piece = replace(
            table, dimensions=others, counts=counts[leaf], impossible=impossible[leaf], basis=None, sources={}
        )
        rounded[leaf], _ = _round(piece, base, drawn[leaf] + off / base)
        off += rounded[leaf] - counts[leaf]
    for parent, children in dimension.groups:
        rounded[parent] = rounded[list(children)].sum(axis=0)
    return np.moveaxis(rounded, 0, axis)


def _between(table: Table, rounded: IntArray, base: int, most: int) -> Display:
    """Display what was rounded: innermost cells are off by less than the base, margins by `most` at most."""
    number = rounded.astype(np.float64)
    off = np.full(table.counts.shape, most)
    off[tuple(slice(0, dimension.leaves) for dimension in table.dimensions)] = base - 1
    return displayed(table, number, number - off, number + off)
