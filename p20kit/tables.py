"""Tables of counts: every cell of the full cross product, every margin, and the evidence behind them.

A `Table` is dense: one axis per by-column, leaves first, `Total` last. `tabulate` (counting.py) makes
one from unit records and keeps the basis; `Table.from_counts` takes counts published by anyone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from p20kit.coding import IN_FULL, Coding
from p20kit.dimensions import TOTAL, Dimension
from p20kit.errors import Finding, TableInvalid
from p20kit.measures import Count, Figures, Measure

MISSING = "Missing"
MAX_CELLS = 1_000_000
RESERVED = ("count", "status")

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
Number = TypeVar("Number", np.int64, np.float64)
Margins = bool | tuple[tuple[str, ...], ...]


@dataclass(frozen=True, eq=False)
class Table:
    """Counts of distinct individuals over one or more by-columns.

    Parameters
    ----------
    name, title : str
    unit : str
        Column whose distinct values are counted.
    dimensions : tuple of Dimension
    counts : ndarray of int64, shape (len(codes) of each dimension)
        Persons, margins included.
    impossible : ndarray of bool, same shape
        Structural zeros: cells the code set rules out.
    basis : DataFrame or None
        One row per person, ordered by `unit`: the unit as text, the by-columns as categoricals of the leaves, and
        the columns of the measures; None for tables of published counts.
    sources : mapping of str to str
        By-column, measured column or employer to the "table.Column" it claims to be.
    margins : bool or tuple of tuple of str
        Which margins are displayed: all, none, or only the cells by these sets of by-columns, `()` being the
        total. They are known to the table either way. Parents of hierarchies go with their column. An empty tuple
        displays no cell at all, as `linked.joint` needs it.
    measures : tuple of Measure
    figures : mapping of str to Figures
        By label: what the measures other than the count come to, before any rule. Under "count", where the table
        names employers: how many stand behind each cell.
    employer : str or None
        Column that names the employer behind each amount.
    contributions : DataFrame or None
        Where employers are named: one row per person and employer, with the columns of the measures.
    by_hub : bool
        The hub made it of everybody delivered, for somebody who may not see the records of the amounts: who is in a
        cell its reader knows, and what is hidden is who has an amount. Employers are those of whoever has one.
    coding : Coding
        How figures that are displayed are written.
    """

    name: str
    title: str
    unit: str
    dimensions: tuple[Dimension, ...]
    counts: IntArray
    impossible: BoolArray
    basis: pd.DataFrame | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    margins: Margins = True
    measures: tuple[Measure, ...] = (Count(),)
    figures: Mapping[str, Figures] = field(default_factory=dict)
    employer: str | None = None
    contributions: pd.DataFrame | None = None
    by_hub: bool = False
    coding: Coding = IN_FULL

    @property
    def by(self) -> tuple[str, ...]:
        """By-columns, in the order of the axes."""
        return tuple(dimension.column for dimension in self.dimensions)

    @property
    def total(self) -> int:
        """Persons in the table."""
        return int(self.counts.ravel()[-1])

    @cached_property
    def people(self) -> NDArray[np.uint64]:
        """Hash of each person's id, in the order of the basis; nobody without a basis."""
        if self.basis is None:
            return np.zeros(0, dtype=np.uint64)
        hashes = pd.util.hash_pandas_object(self.basis[self.unit], index=False, categorize=False)
        return np.asarray(hashes, dtype=np.uint64)

    def places(self, axis: int) -> IntArray:
        """Position of each person's code along one axis, in the order of the basis."""
        if self.basis is None:
            return np.zeros(0, dtype=np.int64)
        dimension = self.dimensions[axis]
        leaves = list(dimension.codes[: dimension.leaves])
        return pd.Categorical(self.basis[dimension.column], categories=leaves).codes.astype(np.int64)

    @cached_property
    def published(self) -> BoolArray:
        """Cells that are part of the display, flattened."""
        if self.margins is True:
            return np.ones(self.counts.size, dtype=bool)
        displayed = np.zeros(self.counts.shape, dtype=bool)
        for chosen in (self.by,) if self.margins is False else self.margins:
            within = [slice(-1) if column in chosen else slice(-1, None) for column in self.by]
            displayed[tuple(within)] = True
        return displayed.ravel()

    @cached_property
    def labels(self) -> list[tuple[str, ...]]:
        """Codes of every cell, in flat (row-major) order."""
        return list(zip(*(self._codes(axis) for axis in range(len(self.by))), strict=True))

    @property
    def cells(self) -> pd.DataFrame:
        """Every displayed cell: the by-columns and `count` (persons)."""
        columns = {column: self._codes(axis)[self.published] for axis, column in enumerate(self.by)}
        frame = pd.DataFrame(columns, dtype="str")
        frame["count"] = self.counts.ravel()[self.published]
        return frame

    def _codes(self, axis: int) -> NDArray[np.object_]:
        codes = np.array(self.dimensions[axis].codes, dtype=object)
        shape = [-1 if a == axis else 1 for a in range(len(self.by))]
        return np.broadcast_to(codes.reshape(shape), self.counts.shape).ravel()

    def relations(self) -> Iterator[tuple[IntArray, IntArray]]:
        """Yield how cells add up: parents, shape (m,), and their children, shape (m, k), flat indices."""
        yield from ((parents, children) for _, parents, children in self.lines())

    def lines(self) -> Iterator[tuple[int, IntArray, IntArray]]:
        """Yield the relations with the axis along which each sums."""
        flat = np.arange(self.counts.size, dtype=np.int64).reshape(self.counts.shape)
        for axis, dimension in enumerate(self.dimensions):
            for parent, children in dimension.groups:
                sums = flat.take(parent, axis=axis).ravel()
                parts = np.moveaxis(flat.take(children, axis=axis), axis, -1).reshape(-1, len(children))
                yield axis, sums, parts

    def where(self, flat: int) -> str:
        """Name one cell, for findings: `table[School=A, Sex=Total]`."""
        place = np.unravel_index(flat, self.counts.shape)
        codes = ", ".join(f"{d.column}={d.codes[at]}" for d, at in zip(self.dimensions, place, strict=True))
        return f"{self.name}[{codes}]"

    def __repr__(self) -> str:
        """Say the shape, never the counts."""
        evidence = "with its basis" if self.basis is not None else "published counts"
        return f"<Table {self.name!r} by {', '.join(self.by)}: {self.counts.size} cells, {evidence}>"

    @classmethod
    def from_counts(
        cls,
        frame: Any,
        by: Sequence[str],
        count: str = "n",
        *,
        hierarchies: Mapping[str, Any] | None = None,
        impossible: Any = None,
        name: str = "table",
        title: str = "",
        unit: str = "person",
        margins: bool | Sequence[Sequence[str]] = True,
    ) -> Table:
        """Take a table of published counts.

        Parameters
        ----------
        frame : any DataFrame narwhals reads
            One row per cell. Combinations not named are zero; rows of `Total` (or of a parent code)
            are checked against their parts.
        by : sequence of str
        count : str, default "n"
            Column of counts, persons.
        hierarchies : mapping of column to hierarchy or sequence of hierarchies, optional
            Each a mapping of code to parent code, or a frame of the two columns.
        impossible : any DataFrame narwhals reads, optional
            Combinations of codes of some by-columns that the code set rules out, whatever the others are.
        margins : bool or sequence of sets of by-columns, default True
            Which margins are displayed.

        Returns
        -------
        Table
            Without a basis.

        Raises
        ------
        TableInvalid
            If counts are negative, fractional, missing, doubled, or do not add up.
        """
        rows = nw.from_native(frame).lazy().select(*by, count).collect(backend="pandas").to_pandas()
        refuse_strange(hierarchies or {}, by, "hierarchies", name)
        dimensions = _dimensions_of(rows, by, hierarchies or {}, name)
        check_size(dimensions, name)
        values = _whole(rows[count], name)
        place = _places(rows, dimensions)
        _refuse_doubles(place, name)
        shape = tuple(len(dimension.codes) for dimension in dimensions)
        given = np.zeros(shape, dtype=np.int64)
        given.ravel()[place] = values
        counts = add_margins(given, dimensions)
        _refuse_sums(counts.ravel()[place], values, name)
        ruled_out = impossible_cells(impossible, dimensions, counts, name)
        chosen = choose_margins(margins, by, name)
        return cls(name, title or name, unit, dimensions, counts, ruled_out, None, {}, chosen)


def invalid(name: str, what: str, next_step: str) -> TableInvalid:
    """Make the error for a table that cannot be made."""
    return TableInvalid(f"table {name!r} cannot be made", [Finding("table", "", name, what, next_step)])


def listed(tables: Table | Sequence[Table], verb: str) -> tuple[Table, ...]:
    """Take one table or several, to do something with them.

    Raises
    ------
    TableInvalid
        If there are none.
    """
    several = (tables,) if isinstance(tables, Table) else tuple(tables)
    if not several:
        finding = Finding("table", "", "tables", "none is given", "Give a table made by tabulate().")
        raise TableInvalid(f"there are no tables to {verb}", [finding])
    return several


def position_of(tables: Sequence[Table], table: int | str) -> int:
    """Find a table by its name or position.

    Raises
    ------
    TableInvalid
        If there is none.
    """
    names = [one.name for one in tables]
    if table in names:
        return names.index(str(table))
    if not isinstance(table, int) or not -len(names) <= table < len(names):
        finding = Finding("table", "", str(table), "no table has that name or position", f"Take {', '.join(names)}.")
        raise TableInvalid("there is no such table", [finding])
    return table


def check_size(dimensions: Sequence[Dimension], name: str) -> None:
    """Refuse a cross product beyond `MAX_CELLS`."""
    size = int(np.prod([len(dimension.codes) for dimension in dimensions], dtype=object))
    if size > MAX_CELLS:
        what = f"the cross product has {size} cells, over the limit of {MAX_CELLS}"
        raise invalid(name, what, "Merge categories or leave out a by-column.")


def add_margins(inner: NDArray[Number], dimensions: Sequence[Dimension]) -> NDArray[Number]:
    """Fill every parent and total from the leaves, axis by axis."""
    counts = inner.copy()
    for axis, dimension in enumerate(dimensions):
        view = np.moveaxis(counts, axis, 0)
        for parent, children in dimension.groups:
            view[parent] = view[list(children)].sum(axis=0)
    return counts


def choose_margins(margins: bool | Sequence[Sequence[str]], by: Sequence[str], name: str) -> Margins:
    """Put a choice of margins in one form: all, none, or sets of by-columns in their order."""
    if isinstance(margins, bool):
        return margins
    if not margins or isinstance(margins, str) or any(isinstance(chosen, str) for chosen in margins):
        raise invalid(name, "margins is neither True, False nor a list of sets of by-columns", "")
    refuse_strange({column for chosen in margins for column in chosen}, by, "margins", name)
    return tuple(dict.fromkeys(tuple(column for column in by if column in chosen) for chosen in margins))


def refuse_strange(named: Iterable[str], by: Sequence[str], what: str, name: str) -> None:
    """Refuse what is said of columns that are not by-columns."""
    strange = set(named) - set(by)
    if strange:
        raise invalid(name, f"{what} name {len(strange)} columns that are not by-columns", "Leave them out.")


def impossible_cells(combinations: Any, dimensions: Sequence[Dimension], counts: IntArray, name: str) -> BoolArray:
    """Mark structural zeros; a margin is one when all its parts are.

    Parameters
    ----------
    combinations : any DataFrame narwhals reads, or None
        Codes of one or more by-columns, with every code of those it does not name. Parents and `Total` stand for
        all that they hold; codes that the table does not have are passed over.
    dimensions : sequence of Dimension
    counts : ndarray of int64
    name : str

    Raises
    ------
    TableInvalid
        If a cell that is said to be impossible holds people.
    """
    mask = np.zeros(counts.shape, dtype=bool)
    if combinations is None:
        return mask
    rows = nw.from_native(combinations).lazy().collect(backend="pandas").to_pandas()
    refuse_strange(rows.columns, [d.column for d in dimensions], "impossible combinations", name)
    rows = rows.assign(**{d.column: TOTAL for d in dimensions if d.column not in rows})
    rows = rows.astype("str").fillna(MISSING)
    known = np.all([rows[d.column].isin(d.codes) for d in dimensions], axis=0)
    mask.ravel()[_places(rows.loc[known], dimensions)] = True
    for axis, dimension in enumerate(dimensions):
        view = np.moveaxis(mask, axis, 0)
        for parent, children in reversed(dimension.groups):
            view[list(children)] |= view[parent]
    for axis, dimension in enumerate(dimensions):
        view = np.moveaxis(mask, axis, 0)
        for parent, children in dimension.groups:
            view[parent] = view[list(children)].all(axis=0)
    populated = int((counts[mask] > 0).sum())
    if populated:
        raise invalid(name, f"{populated} cells said to be impossible hold people", "Correct the code set.")
    return mask


def _dimensions_of(
    rows: pd.DataFrame, by: Sequence[str], hierarchies: Mapping[str, Any], name: str
) -> tuple[Dimension, ...]:
    if not 1 <= len(by) == len(set(by)) or set(by) & set(RESERVED):
        raise invalid(name, "by-columns must be one or more, distinct, none called count or status", "")
    if not len(rows) or rows[list(by)].isna().to_numpy().any():
        raise invalid(name, "there are no rows, or codes are missing", "Name every cell.")
    return tuple(
        Dimension.of(column, rows[column].astype(str).unique().tolist(), hierarchies.get(column, ())) for column in by
    )


def _places(rows: pd.DataFrame, dimensions: Sequence[Dimension]) -> IntArray:
    positions = [
        rows[d.column].astype(str).map({code: i for i, code in enumerate(d.codes)}).to_numpy(dtype=np.int64)
        for d in dimensions
    ]
    shape = tuple(len(dimension.codes) for dimension in dimensions)
    return np.ravel_multi_index(tuple(positions), shape).astype(np.int64)


def _whole(column: pd.Series[Any], name: str) -> IntArray:
    values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    bad = int((~np.isfinite(values) | (values < 0) | (values != np.floor(values))).sum())
    if bad:
        raise invalid(name, f"{bad} counts are missing, negative or fractional", "Counts are whole persons.")
    return values.astype(np.int64)


def _refuse_doubles(place: IntArray, name: str) -> None:
    doubled = len(place) - len(np.unique(place))
    if doubled:
        raise invalid(name, f"{doubled} cells are given more than once", "Give one row per cell.")


def _refuse_sums(computed: IntArray, given: IntArray, name: str) -> None:
    wrong = int((computed != given).sum())
    if wrong:
        raise invalid(name, f"{wrong} margins are not the sum of their parts", "Correct the counts.")
