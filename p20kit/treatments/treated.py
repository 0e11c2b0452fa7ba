"""What a treatment gives: what each cell displays, what that tells a reader, and how much is lost by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from p20kit.disclosed import Disclosed
from p20kit.errors import Finding, TableInvalid
from p20kit.measures import Count
from p20kit.needs import count_needs
from p20kit.policy import CellPolicy
from p20kit.tables import Table, listed, position_of

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
TextArray = NDArray[np.object_]

HIDDEN = "s"
MAX_ROWS = 60
SWEEPS = 3


@dataclass(frozen=True, eq=False)
class Display:
    """One table as it would be published. All arrays have the shape of the table's counts.

    Parameters
    ----------
    table : Table
    number : ndarray of float64
        Persons, as displayed; NaN where no number is.
    text : ndarray of str
    lower, upper : ndarray of float64
        Persons the cell can hold by what it displays alone; equal where that is exact, upper inf where it is hidden.
    """

    table: Table
    number: FloatArray
    text: TextArray
    lower: FloatArray
    upper: FloatArray

    def disclosed(self, policy: CellPolicy) -> Disclosed:
        """Say what the auditor is to attack.

        Source: DSA III.G.2.a; DSA III.G.2.d.
        """
        table = self.table
        need = count_needs(table, policy).astype(np.float64)
        return Disclosed(table, table.counts.astype(np.float64), self.lower, self.upper, need)


@dataclass(frozen=True, eq=False)
class Reading:
    """What a reader can say of each cell of a table as it was asked for. Arrays have the shape of its counts.

    Parameters
    ----------
    table : Table
    estimate : ndarray of float64
        Persons: what is displayed, else the middle of what is possible.
    lower, upper : ndarray of float64
        Persons the cell can hold; of a sample, those of a confidence of 95 %.
    """

    table: Table
    estimate: FloatArray
    lower: FloatArray
    upper: FloatArray


@dataclass(frozen=True)
class Loss:
    """Information lost, over every displayed cell of the tables as they were asked for.

    Parameters
    ----------
    cells : float
        Share of cells without an exact figure, 0 to 1.
    persons : float
        Share of persons who stand in an innermost cell without an exact figure, 0 to 1.
    error : float
        Sum of the absolute differences between estimate and count, by the sum of the counts.
    bits : float
        Mean of log2(1 + upper - lower): what a reader does not know of a cell. Methods are ranked by it.
    """

    cells: float
    persons: float
    error: float
    bits: float


@dataclass(frozen=True, eq=False)
class Treated:
    """Tables after one treatment.

    Source: ExA 3.f.

    Parameters
    ----------
    method : str
    parameters : mapping of str to str
        All that a reader must be told to use the figures; never the seed.
    policy : CellPolicy
    displays : tuple of Display
    readings : tuple of Reading
        One per table that was asked for.

    Notes
    -----
    The gate does not release these: they are for choosing, and for the publications of others (but see `coded`).
    """

    method: str
    parameters: Mapping[str, str]
    policy: CellPolicy
    displays: tuple[Display, ...]
    readings: tuple[Reading, ...]

    @property
    def tables(self) -> tuple[Table, ...]:
        """Tables that are displayed: merged ones after a collapse, the sample's after sampling."""
        return tuple(display.table for display in self.displays)

    def disclosed(self) -> tuple[Disclosed, ...]:
        """Give what a reader will know of every table, for the auditor."""
        return tuple(display.disclosed(self.policy) for display in self.displays)

    def to_frame(self, table: int | str = 0) -> pd.DataFrame:
        """Read one table: the by-columns, `display` (text) and `number` (Float64, null where there is none).

        Raises
        ------
        TableInvalid
            If no table has that name.
        """
        display = self.displays[position_of(self.tables, table)]
        frame = display.table.cells.drop(columns="count")
        published = display.table.published
        frame["display"] = display.text.ravel()[published].astype("str")
        frame["number"] = pd.array(display.number.ravel()[published], dtype="Float64")
        return frame

    def loss(self) -> Loss:
        """Measure what was lost, comparably across methods."""
        parts = [_measured(reading) for reading in self.readings]
        cells, inexact, people, touched, error, total, bits = np.array(parts, dtype=np.float64).sum(axis=0).tolist()
        return Loss(
            cells=round(inexact / max(cells, 1), 6),
            persons=round(touched / max(people, 1), 6),
            error=round(error / max(total, 1), 6),
            bits=round(bits / max(cells, 1), 6),
        )

    def said(self) -> str:
        """State the method and its parameters in one line."""
        stated = "; ".join(f"{name} {value}" for name, value in self.parameters.items())
        return f"{self.method}: {stated}" if stated else self.method

    def _repr_html_(self) -> str:
        drawn = [f"<p><b>{escape(t.title)}</b></p>{self._drawn(i)}" for i, t in enumerate(self.tables)]
        asked = f"{HIDDEN} = hidden. ExA 3.f; fewer than {self.policy.minimum_count} individuals: DSA III.G.2.a"
        return f"{''.join(drawn)}<p>{escape(self.said())}. {asked}</p>"

    def _drawn(self, table: int) -> str:
        frame, by = self.to_frame(table), list(self.tables[table].by)
        if len(by) > 1:
            order = {column: pd.unique(frame[column]) for column in by}
            frame = frame.pivot(index=by[:-1], columns=by[-1], values="display")[order[by[-1]]]
            return str(frame.to_html(max_rows=MAX_ROWS, border=0))
        return str(frame[[*by, "display"]].to_html(max_rows=MAX_ROWS, index=False, border=0))

    def __repr__(self) -> str:
        """Say the method and how many tables, never a count."""
        return f"<Treated by {self.method}: {', '.join(table.name for table in self.tables)}>"


def given(tables: Table | Sequence[Table]) -> tuple[Table, ...]:
    """Take one table or several.

    Raises
    ------
    TableInvalid
        If there are none, or one displays more than counts.
    """
    several = listed(tables, "treat")
    findings = [
        Finding(
            "measures",
            "ExA 3.f",
            table.name,
            "it displays more than counts, or names employers",
            "Treat a table of its counts.",
        )
        for table in several
        if tuple(table.measures) != (Count(),) or table.employer is not None
    ]
    if findings:
        raise TableInvalid("tables cannot be treated", findings)
    return several


def strictest(tables: Sequence[Table], policy: CellPolicy) -> CellPolicy:
    """Give the strictest terms among the columns of tables that are treated alike.

    Source: DSA III.G.2; DSA VI.D.2.
    """
    return policy.over([column for table in tables for column in (*table.by, *table.sources.values())])


def displayed(table: Table, number: FloatArray, lower: FloatArray, upper: FloatArray) -> Display:
    """Make the display of counts, ranges and hidden cells from their numbers and intervals.

    A cell that is not published is hidden; a structural zero is displayed as what it is.
    """
    out = ~table.published.reshape(table.counts.shape) & ~table.impossible
    number = np.where(table.impossible, 0.0, np.where(out, np.nan, number))
    lower = np.where(out | table.impossible, 0.0, np.maximum(lower, 0.0))
    upper = np.where(table.impossible, 0.0, np.where(out, np.inf, upper))
    text = np.full(table.counts.shape, HIDDEN, dtype=object)
    figures = zip(number.ravel().tolist(), lower.ravel().tolist(), upper.ravel().tolist(), strict=True)
    text.ravel()[:] = [_text(*cell) for cell in figures]
    return Display(table, number, text, lower, upper)


def shown_or_hidden(table: Table, shown: BoolArray, least: NDArray[np.int64] | int = 0) -> Display:
    """Display the cells of a mask as they are, and hide the others, which hold `least` persons or more."""
    counts = table.counts.astype(np.float64)
    number = np.where(shown, counts, np.nan)
    return displayed(table, number, np.where(shown, counts, least), np.where(shown, counts, np.inf))


def read(display: Display) -> Reading:
    """Work out what a reader can say of each cell, from sums along single relations."""
    lower, upper = display.lower.ravel().copy(), display.upper.ravel().copy()
    for _ in range(SWEEPS):
        for parents, parts in display.table.relations():
            _tighten(lower, upper, parents, parts)
    lower, upper = np.minimum(lower, upper), np.maximum(lower, upper)
    middle = np.where(np.isfinite(upper), (lower + np.where(np.isfinite(upper), upper, 0.0)) / 2, lower)
    number = display.number.ravel()
    estimate = np.where(np.isnan(number), middle, number)
    shape = display.table.counts.shape
    return Reading(display.table, estimate.reshape(shape), lower.reshape(shape), upper.reshape(shape))


def _text(number: float, lower: float, upper: float) -> str:
    if not np.isnan(number):
        return f"{number:,.0f}"
    if not np.isfinite(upper):
        return f"{lower:,.0f} or more" if lower > 1 else HIDDEN
    return f"under {upper + 1:,.0f}" if lower <= 1 else f"{lower:,.0f}–{upper:,.0f}"


def _tighten(lower: FloatArray, upper: FloatArray, parents: NDArray[np.int64], parts: NDArray[np.int64]) -> None:
    lower[parents] = np.maximum(lower[parents], lower[parts].sum(axis=1))
    upper[parents] = np.minimum(upper[parents], upper[parts].sum(axis=1))
    for position in range(parts.shape[1]):
        others = np.delete(parts, position, axis=1)
        cell = parts[:, position]
        upper[cell] = np.minimum(upper[cell], upper[parents] - lower[others].sum(axis=1))
        lower[cell] = np.maximum(lower[cell], lower[parents] - upper[others].sum(axis=1))


def _measured(reading: Reading) -> tuple[float, ...]:
    table = reading.table
    counted = table.published.reshape(table.counts.shape) & ~table.impossible
    inner = np.zeros(table.counts.shape, dtype=bool)
    inner[tuple(slice(0, dimension.leaves) for dimension in table.dimensions)] = True
    exact = (reading.lower == reading.upper) & (reading.estimate == table.counts)
    width = np.where(np.isfinite(reading.upper), reading.upper, table.total) - reading.lower
    error = np.abs(reading.estimate - table.counts)
    bits = np.log2(1 + np.maximum(width, 0.0))
    return (
        float(counted.sum()),
        float((counted & ~exact).sum()),
        float(table.counts[inner].sum()),
        float(table.counts[inner & ~exact].sum()),
        float(error[counted].sum()),
        float(table.counts[counted].sum()),
        float(bits[counted].sum()),
    )
