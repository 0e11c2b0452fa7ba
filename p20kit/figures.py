"""`compute`: what each measure comes to in every cell, counted by DuckDB.

Figures that add up (persons, sums) are taken from the innermost cells and added along the margins. Those that do not
(quantiles, the largest contributors, distinct employers) are taken from the persons of each margin.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import product
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from p20kit.dimensions import TOTAL, Dimension
from p20kit.errors import Finding, TableInvalid
from p20kit.measures import (
    Count,
    CumulativeShare,
    Figures,
    FloatArray,
    IntArray,
    Mean,
    Measure,
    Median,
    Quantile,
    Rate,
    Share,
    Total,
)
from p20kit.sql import connection
from p20kit.tables import MISSING, Table, add_margins

KNOWN, OTHERS = "any value", "other values"
KEPT_CODES = (TOTAL, MISSING, KNOWN, OTHERS)

# the only text put into SQL is names made here: m0, m1, ... for measured columns (hence the noqa marks)


def compute(table: Table, values: pd.DataFrame) -> dict[str, Figures]:
    """Compute every measure but the count, in every cell of a table; no rule is applied yet.

    Source: DSA III.G.2.b; DSA VI.D.2.

    Parameters
    ----------
    table : Table
        With its dimensions, counts, measures and, where it names one, the employer column.
    values : DataFrame
        One row per person, or per person and employer where the table names the employer: the unit, the by-columns
        as text, the employer, and each measured column (numbers; one text per person for a rate or share). Missing
        values are not in the base. A person's amounts with several employers are summed.

    Returns
    -------
    dict of str to Figures
        By label of the measure. With an employer also "count": how many employers stand behind each cell.

    Raises
    ------
    TableInvalid
        If amounts are below zero, or a measure or the category of a rate has a name that is taken.
    """
    wanted = [measure for measure in table.measures if not isinstance(measure, Count)]
    _refuse(table, values, wanted)
    columns = list(dict.fromkeys(measure.of for measure in wanted))
    with connection(threads=1) as con:
        counting = _Counting(con, table, values, columns)
        found = {measure.label: counting.figures(measure) for measure in wanted}
        if table.employer is not None:
            counts = table.counts
            of_all = counting.employers(None)
            found[Count().label] = Figures(Count(), counts.astype(np.float64), counts, employers=of_all)
        return found


def cells_of(dimensions: Sequence[Dimension], leaves: IntArray) -> Iterator[IntArray]:
    """Place persons in the cells of a table: its innermost cells first, then each kind of margin.

    Parameters
    ----------
    dimensions : sequence of Dimension
    leaves : ndarray of int64, shape (n_persons, n_dimensions)
        Position of each person's code among the leaves.

    Yields
    ------
    ndarray of int64, shape (n_persons,)
        Flat cell. Together every cell that holds anybody is met.
    """
    shape = tuple(len(dimension.codes) for dimension in dimensions)
    steps = np.cumprod([1, *shape[:0:-1]])[::-1]
    innermost = np.ravel_multi_index(tuple(leaves.T), tuple(dimension.leaves for dimension in dimensions))
    for chosen in product(*(_codings(dimension) for dimension in dimensions)):
        at = [coding * step for coding, step in zip(chosen, steps, strict=True)]
        yield reduce(np.add.outer, at).ravel()[innermost]


def leaf_positions(dimensions: Sequence[Dimension], frame: pd.DataFrame) -> IntArray:
    """Give each row's leaf per dimension, shape (n_rows, n_dimensions)."""
    return np.column_stack(
        [pd.Categorical(frame[d.column], categories=list(d.codes[: d.leaves])).codes for d in dimensions]
    ).astype(np.int64)


def _codings(dimension: Dimension) -> list[IntArray]:
    """Say for each way the column divides everybody which code each leaf is in, the leaves themselves first."""
    levels = sorted(dimension.levels, key=lambda level: int(level.max()))
    total = np.full(dimension.leaves, len(dimension.codes) - 1, dtype=np.int64)
    return [*(dimension.within(level)[: dimension.leaves] for level in levels), total]


@dataclass(frozen=True)
class _Rows:
    """Rows to be placed in cells: of persons, or of persons and employers."""

    columns: pa.Table
    leaves: IntArray


class _Counting:
    """The persons of one table, and what is counted of them."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, table: Table, values: pd.DataFrame, columns: list[str]
    ) -> None:
        self.table = table
        self.connection = connection
        self.names = {column: f"m{i}" for i, column in enumerate(columns)}
        self.shape = table.counts.shape
        employers = pd.factorize(values[table.employer if table.employer is not None else table.unit])[0]
        text = {measure.of for measure in table.measures if isinstance(measure, Share)}
        shares = {
            "unit": pa.array(pd.factorize(values[table.unit])[0]),
            "employer": pa.array(employers, mask=employers < 0),
            "row": pa.array(np.arange(len(values))),
        }
        for column, name in self.names.items():
            shares[name] = pa.array(values[column], pa.string() if column in text else pa.float64(), from_pandas=True)
        self.shares = _Rows(pa.table(shares), leaf_positions(table.dimensions, values))
        self.persons = self._persons([self.names[column] for column in columns if column in text])
        self.largest = {
            measure.of: self._largest(self.names[measure.of])
            for measure in table.measures
            if isinstance(measure, Total | Mean)
        }

    def _persons(self, text: list[str]) -> _Rows:
        taken = [f", {'any_value' if name in text else 'sum'}({name}) AS {name}" for name in self.names.values()]
        self.connection.register("shares", self.shares.columns)
        persons = self.connection.sql(
            f"SELECT min(row) AS row {''.join(taken)} FROM shares GROUP BY unit ORDER BY row"  # noqa: S608
        ).to_arrow_table()
        return _Rows(persons, self.shares.leaves[persons["row"].to_numpy()])

    def figures(self, measure: Measure) -> Figures:
        """Compute one measure."""
        match measure:
            case Rate() | CumulativeShare():
                return self._share(measure)
            case Total() | Mean():
                return self._sum(measure)
            case Quantile() | Median():
                return self._quantile(measure)
            case Count():
                raise TypeError("counts are the table's own")

    def employers(self, of: str | None) -> IntArray | None:
        """Count distinct employers per cell; of those with a value, where a column is named."""
        if self.table.employer is None:
            return None
        valued = f"WHERE {self.names[of]} IS NOT NULL" if of is not None else ""
        query = f"SELECT cell, count(DISTINCT employer) AS n FROM placed {valued} GROUP BY cell"  # noqa: S608
        return self._everywhere(query, self.shares, 0.0).astype(np.int64)

    def _share(self, measure: Share) -> Figures:
        base = self._added(f"count({self.names[measure.of]})").astype(np.int64)
        among = ", ".join("?" * len(measure.numerator))
        counted = f"count(*) FILTER ({self.names[measure.of]} IN ({among}))"
        part = self._added(counted, *measure.numerator).astype(np.int64)
        employers = self.employers(measure.of)
        return Figures(measure, _ratio(100 * part.astype(np.float64), base), base, part=part, employers=employers)

    def _sum(self, measure: Total | Mean) -> Figures:
        name = self.names[measure.of]
        base = self._added(f"count({name})").astype(np.int64)
        total = self._added(f"coalesce(sum({name}), 0)")
        value = np.where(base > 0, total, np.nan) if isinstance(measure, Total) else _ratio(total, base)
        largest, second = self.largest[measure.of]
        return Figures(
            measure,
            value,
            base,
            total=total,
            largest=largest,
            second=second,
            employers=self.employers(measure.of),
        )

    def _quantile(self, measure: Quantile | Median) -> Figures:
        name = self.names[measure.of]
        base = self._added(f"count({name})").astype(np.int64)
        query = f"SELECT cell, quantile_cont({name}, {float(measure.q)!r}) AS n FROM placed GROUP BY cell"  # noqa: S608
        value = self._everywhere(query, self.persons, np.nan)
        return Figures(measure, value, base, employers=self.employers(measure.of))

    def _largest(self, name: str) -> tuple[FloatArray, FloatArray]:
        """Find the amounts of the two largest contributors of each cell."""
        rows, each = self.persons, f"SELECT cell, {name} AS x FROM placed"  # noqa: S608
        if self.table.employer is not None:
            rows, each = self.shares, f"SELECT cell, sum({name}) AS x FROM placed GROUP BY cell, employer"  # noqa: S608
        query = (
            "SELECT cell, coalesce(top[1], 0) AS first, coalesce(top[2], 0) AS second "  # noqa: S608
            f"FROM (SELECT cell, max(x, 2) AS top FROM ({each}) WHERE x IS NOT NULL GROUP BY cell)"
        )
        first, second = np.zeros(self.shape), np.zeros(self.shape)
        for found in self._placed(query, rows):
            first.ravel()[found["cell"]] = found["first"]
            second.ravel()[found["cell"]] = found["second"]
        return first, second

    def _added(self, figure: str, *parameters: str) -> FloatArray:
        """Take a figure from the innermost cells and add it along the margins."""
        query = f"SELECT cell, {figure} AS n FROM placed GROUP BY cell"  # noqa: S608
        found = next(self._placed(query, self.persons, *parameters))
        inner = np.zeros(self.shape)
        inner.ravel()[found["cell"]] = found["n"]
        return add_margins(inner, self.table.dimensions)

    def _everywhere(self, query: str, rows: _Rows, empty: float) -> FloatArray:
        """Take a figure from the persons of every cell, margins included."""
        everywhere = np.full(self.shape, empty)
        for found in self._placed(query, rows):
            everywhere.ravel()[found["cell"]] = np.ma.filled(found["n"], empty)
        return everywhere

    def _placed(self, query: str, rows: _Rows, *parameters: str) -> Iterator[dict[str, NDArray[Any]]]:
        for cells in cells_of(self.table.dimensions, rows.leaves):
            self.connection.register("placed", rows.columns.append_column("cell", pa.array(cells)))
            yield self.connection.execute(query, list(parameters)).fetchnumpy()


def _ratio(part: FloatArray, base: IntArray) -> FloatArray:
    ratio: FloatArray = np.divide(part, base, out=np.full(base.shape, np.nan), where=base > 0)
    return ratio


def _refuse(table: Table, values: pd.DataFrame, wanted: Sequence[Measure]) -> None:
    findings = [
        Finding("measure", "DSA III.G.2.b", f"{table.name}: {measure.label}", what, advice)
        for measure in wanted
        for what, advice in _faults(table, values, measure)
    ]
    if findings:
        raise TableInvalid(f"table {table.name!r} cannot be made", findings)


def _faults(table: Table, values: pd.DataFrame, measure: Measure) -> Iterator[tuple[str, str]]:
    if measure.label in table.by:
        yield "a by-column is called like the measure", "Rename the column."
    if isinstance(measure, Share) and set(measure.categories) & set(KEPT_CODES):
        yield f"a category is called one of {', '.join(KEPT_CODES)}", "Rename the category."
    if isinstance(measure, Total | Mean):
        below = int((values[measure.of] < 0).sum())
        if below:
            yield f"{below} amounts are below zero, for which there is no dominance rule", "Ask for the median."
