"""`protect`: decide for every cell of every table whether it may be displayed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from p20kit.complementary import complementary
from p20kit.differencing import Difference, Group, small_differences
from p20kit.dimensions import TOTAL
from p20kit.display import as_html
from p20kit.errors import Finding, TableInvalid, Unprotectable
from p20kit.linked import CellKey, cell_keys, populations
from p20kit.policy import COMPLEMENTARY_CLAUSE, CellPolicy
from p20kit.primary import small_bases, small_counts
from p20kit.system import System, join
from p20kit.tables import Table

BoolArray = NDArray[np.bool_]
STATUSES = ("shown", "primary", "complementary", "structural")
NAMED_CELLS = 20
ROUNDS = 8


@dataclass(frozen=True, eq=False)
class Protected:
    """Tables with a decision for every cell.

    Parameters
    ----------
    tables : tuple of Table
    shown : tuple of ndarray of bool
        Per table, shape of its counts: True = displayed.
    policy : CellPolicy
    """

    tables: tuple[Table, ...]
    shown: tuple[BoolArray, ...]
    policy: CellPolicy

    def to_frame(self, table: int | str = 0) -> pd.DataFrame:
        """Read one table.

        Parameters
        ----------
        table : int or str, default 0
            Position or name.

        Returns
        -------
        DataFrame
            The by-columns (margins labelled `Total`), `count` (Int64, null where hidden) and `status`:
            shown, primary, complementary or structural. For the analyst: who publishes uses
            `to_published`, because to tell primary from complementary says which cells are under 6.
        """
        i = self._position(table)
        source = self.tables[i]
        frame = source.cells
        displayed = self.shown[i].ravel()[source.published]
        frame["count"] = frame["count"].astype("Int64").where(displayed)
        frame["status"] = np.array(self.status(i), dtype=object)[source.published]
        frame["status"] = frame["status"].astype("str")
        return frame

    def to_published(self, table: int | str = 0) -> pd.DataFrame:
        """Read one table as it may be published: `status` is shown, hidden or structural.

        Source: DSA III.G.2.d.
        """
        frame = self.to_frame(table)
        frame["status"] = frame["status"].replace({"primary": "hidden", "complementary": "hidden"})
        return frame

    def status(self, table: int | str = 0) -> list[str]:
        """Give the status of every cell, unpublished margins included, in flat order."""
        i = self._position(table)
        source = self.tables[i]
        small = small_counts(source.counts, source.impossible, self.policy).ravel()
        status = np.where(self.shown[i].ravel(), "shown", np.where(small, "primary", "complementary"))
        status[source.impossible.ravel()] = "structural"
        return [str(s) for s in status]

    def rates(self, of: str, value: str, table: int | str = 0) -> pd.DataFrame:
        """Read the share of one category of a by-column, within every cell of the other by-columns.

        Source: DSA III.G.2.b; DSA VI.D.2.

        Parameters
        ----------
        of : str
            A by-column of the table.
        value : str
            The category whose share is wanted.
        table : int or str, default 0

        Returns
        -------
        DataFrame
            The other by-columns, `rate` (percent, one decimal) and `base` (persons). Both are null unless
            base and numerator are displayed and the base is large enough; a rate so follows from displayed
            counts and tells nothing that they do not.

        Raises
        ------
        TableInvalid
            If the table has no such by-column or category, or does not display its margins.
        """
        source = self.tables[self._position(table)]
        if of not in source.by or value not in source.dimensions[source.by.index(of)].codes or not source.margins:
            raise TableInvalid("a rate needs a by-column, one of its categories, and the table's margins")
        others = [column for column in source.by if column != of]
        frame = self.to_frame(table)
        base = frame[frame[of] == TOTAL].reset_index(drop=True)
        part = frame[frame[of] == value].reset_index(drop=True)
        enough = ~small_bases(base["count"].fillna(0).to_numpy(dtype=np.int64), self.policy)
        displayed = base["count"].notna() & part["count"].notna() & enough
        rate = (part["count"].astype("Float64") / base["count"].astype("Float64") * 100).round(1)
        return base[others].assign(rate=rate.where(displayed), base=base["count"].where(displayed))

    def summary(self) -> pd.DataFrame:
        """Count cells by table and status, of the displayed part of each table."""
        rows = [
            {"table": t.name, **self.to_frame(i)["status"].value_counts().reindex(STATUSES, fill_value=0)}
            for i, t in enumerate(self.tables)
        ]
        return pd.DataFrame(rows, columns=["table", *STATUSES])

    def _position(self, table: int | str) -> int:
        names = [t.name for t in self.tables]
        if isinstance(table, str) and table not in names:
            raise TableInvalid(f"no table is called {table!r}; there are {', '.join(names)}")
        return names.index(table) if isinstance(table, str) else table

    def _repr_html_(self) -> str:
        return as_html(self.tables, [self.to_frame(i) for i in range(len(self.tables))], self.policy)

    def __repr__(self) -> str:
        """Say how many cells are hidden, never what is in them."""
        lines = [
            f"{t.name}: {int(s.sum())} of {s.size} cells shown" for t, s in zip(self.tables, self.shown, strict=True)
        ]
        return f"<Protected {'; '.join(lines)}>"


def protect(
    tables: Table | Sequence[Table],
    policy: CellPolicy,
    earlier: Sequence[Protected | Table] = (),
    *,
    also_hide: Sequence[BoolArray] | None = None,
) -> Protected:
    """Hide what must be hidden, together, so that nothing under the threshold can be worked out.

    Source: DSA III.G.2.a; DSA III.G.2.d; DSA VI.D.2.

    Parameters
    ----------
    tables : Table or sequence of Table
    policy : CellPolicy
    earlier : sequence of Protected or Table
        What has been released before; a plain Table counts as shown in full.
    also_hide : sequence of ndarray of bool, optional
        Per table: cells that must be hidden for another reason.

    Returns
    -------
    Protected
        The same for the same input.

    Raises
    ------
    Unprotectable
        If earlier releases make some cell recoverable whatever is hidden now.
    """
    new = (tables,) if isinstance(tables, Table) else tuple(tables)
    if not new:
        raise TableInvalid("there are no tables to protect")
    past = released(earlier)
    numbers = populations([*new, *(table for table, _ in past)])
    public = _public(past, numbers[len(new) :])
    forced = [np.array(mask, dtype=bool) for mask in also_hide or [np.zeros(t.counts.shape, bool) for t in new]]
    for _ in range(ROUNDS):
        shown = _decide(new, past, forced, policy)
        apart = small_differences([*zip(new, shown, strict=True), *past], len(new), policy)
        if not apart:
            return Protected(new, shown, policy)
        for difference in apart:
            table, flat = _to_hide(difference, new, shown, public, numbers)
            forced[table].ravel()[flat] = True
    findings = [Finding("difference", COMPLEMENTARY_CLAUSE, new[0].name, f"{len(apart)} differences remain", "")]
    raise Unprotectable("groups of the tables differ by too few individuals", findings)


def _decide(
    new: tuple[Table, ...],
    past: Sequence[tuple[Table, BoolArray]],
    forced: Sequence[BoolArray],
    policy: CellPolicy,
) -> tuple[BoolArray, ...]:
    """Protect the tables of each population together."""
    numbers = populations([*new, *(table for table, _ in past)])
    shown = [np.zeros(table.counts.shape, dtype=bool) for table in new]
    for number in dict.fromkeys(numbers[: len(new)]):
        mine = [i for i in range(len(new)) if numbers[i] == number]
        before = [p for p, n in zip(past, numbers[len(new) :], strict=True) if n == number]
        system = join([new[i] for i in mine], before, number, [forced[i].ravel() for i in mine], policy)
        outcome = complementary(system)
        _refuse_hopeless(outcome.unprotected.tolist(), system, [new[i] for i in mine])
        for i, place in zip(mine, system.places, strict=True):
            shown[i] = (~outcome.hidden[place] & new[i].published).reshape(new[i].counts.shape)
    return tuple(shown)


def _public(past: Sequence[tuple[Table, BoolArray]], numbers: Sequence[int]) -> set[CellKey]:
    """Name the cells that have been displayed and cannot be hidden any more."""
    return {
        key
        for (table, displayed), number in zip(past, numbers, strict=True)
        for key, known in zip(cell_keys(table, number), displayed.ravel(), strict=True)
        if known
    }


def _to_hide(
    difference: Difference, new: Sequence[Table], shown: Sequence[BoolArray], public: set[CellKey], numbers: list[int]
) -> tuple[int, int]:
    """Choose the cell to hide: of a table still to be released, of the smaller group if that helps."""
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


def released(earlier: Sequence[Protected | Table]) -> list[tuple[Table, BoolArray]]:
    """List released tables with what each of them showed."""
    pairs: list[tuple[Table, BoolArray]] = []
    for release in earlier:
        if isinstance(release, Table):
            pairs.append((release, release.published.reshape(release.counts.shape)))
        else:
            pairs += list(zip(release.tables, release.shown, strict=True))
    return pairs


def _refuse_hopeless(cells: list[int], system: System, tables: Sequence[Table]) -> None:
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
