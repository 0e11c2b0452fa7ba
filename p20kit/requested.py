"""What can be asked for in one release request: tables of counts and figures, charts, models, text.

Everything is plain JSON, believed by nobody: a table is rebuilt from its basis and a model is fitted to it anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, get_args

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, InstanceOf, StringConstraints, model_validator

from p20kit.amounts import measured
from p20kit.coding import Coding, Counts, Ends, Step, Top, coded
from p20kit.columns import NOTHING, Amounts, Texts
from p20kit.companions import of_everybody
from p20kit.counting import MAX_BY, tabulate
from p20kit.measures import COUNT, Count, CumulativeShare, Mean, Measure, Median, Quantile, Rate, Total
from p20kit.tables import RESERVED, Table

MAX_PERSONS = 5_000_000
MAX_CELLS = 200_000
MAX_MEASURES = 20
MAX_POINTS = 60

# No control, invisible or direction characters (Unicode C, Zl, Zp): what is shown to a reviewer is what is there.
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\p{C}\p{Zl}\p{Zp}]+$")]
Line = Annotated[str, StringConstraints(max_length=400, pattern=r"^[^\p{C}\p{Zl}\p{Zp}]*$")]
Text = Annotated[str, StringConstraints(max_length=20_000, pattern=r"^(?:[^\p{C}\p{Zl}\p{Zp}]|[\t\n])*$")]
Amount = Annotated[float, Field(allow_inf_nan=False)]
Places = Annotated[int, Field(ge=0, le=4)]
Columns = dict[Name, InstanceOf[Texts] | InstanceOf[Amounts]]
Status = Literal["shown", "primary", "complementary", "structural"]


class Strict(BaseModel):
    """Base of all parts of a request: frozen, no key unknown, no value converted, none repeated in an error."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class TextsRequested(Strict):
    """A column of text, which stands once: its distinct values, and which of them each row holds; -1 for none."""

    texts: Annotated[list[Name], Field(max_length=MAX_PERSONS)]
    at: Annotated[list[int], Field(max_length=MAX_PERSONS)]

    @model_validator(mode="after")
    def _hold_together(self) -> TextsRequested:
        if len(set(self.texts)) != len(self.texts):
            raise ValueError("a value of a column stands twice")
        if self.at and not NOTHING <= min(self.at) <= max(self.at) < len(self.texts):
            raise ValueError("a row of a column holds none of its values")
        return self

    def as_column(self) -> Texts:
        """Give the column."""
        return Texts(self.texts, np.array(self.at, dtype=np.int32))


class AmountsRequested(Strict):
    """A column of numbers, which stands once; null where a value is missing."""

    amounts: Annotated[list[Amount | None], Field(max_length=MAX_PERSONS)]

    def as_column(self) -> Amounts:
        """Give the column."""
        return Amounts(np.array(self.amounts, dtype=np.float64))


def frame_of(columns: Mapping[str, Texts | Amounts]) -> pd.DataFrame:
    """Put columns side by side."""
    return pd.DataFrame({name: column.series() for name, column in columns.items()})


class CountRequested(Strict):
    """Distinct individuals."""

    kind: Literal["count"]

    def as_measure(self) -> Measure:
        """Give the measure."""
        return Count()


class RateRequested(Strict):
    """Percent of a cell's individuals in one category."""

    kind: Literal["rate"]
    of: Name
    value: Name
    decimals: Places

    def as_measure(self) -> Measure:
        """Give the measure."""
        return Rate(self.of, self.value, self.decimals)


class CumulativeRequested(Strict):
    """Percent of a cell's individuals up to one point of an order."""

    kind: Literal["cumulative"]
    of: Name
    order: Annotated[list[Name], Field(min_length=1, max_length=MAX_POINTS)]
    to: Name
    decimals: Places

    @model_validator(mode="after")
    def _hold_together(self) -> CumulativeRequested:
        if self.to not in self.order or len(set(self.order)) != len(self.order):
            raise ValueError("a point of the order is named twice, or the share is up to none of them")
        return self

    def as_measure(self) -> Measure:
        """Give the measure."""
        return CumulativeShare(self.of, tuple(self.order), self.to, self.decimals)


class SumRequested(Strict):
    """Sum or mean of a numeric column."""

    kind: Literal["total", "mean"]
    of: Name
    decimals: Places

    def as_measure(self) -> Measure:
        """Give the measure."""
        return Total(self.of, self.decimals) if self.kind == "total" else Mean(self.of, self.decimals)


class QuantileRequested(Strict):
    """Quantile of a numeric column, never an extreme."""

    kind: Literal["quantile"]
    of: Name
    q: Annotated[float, Field(gt=0, lt=1)]

    def as_measure(self) -> Measure:
        """Give the measure."""
        return Quantile(self.of, self.q)


class MedianRequested(Strict):
    """Median of a numeric column."""

    kind: Literal["median"]
    of: Name

    def as_measure(self) -> Measure:
        """Give the measure."""
        return Median(self.of)


MeasureRequested = Annotated[
    CountRequested | RateRequested | CumulativeRequested | SumRequested | QuantileRequested | MedianRequested,
    Field(discriminator="kind"),
]


class CodingRequested(Strict):
    """How displayed figures are written: `coding.Coding`."""

    counts: Counts = "in full"
    step: Step | None = None
    top: Top | None = None
    ends: Ends | None = None


class TableRequested(Strict):
    """One table with its evidence; columns of equal length, as the format lays down.

    `hierarchies`, `codes` and `impossible` are what `tabulate` takes: claims of the requester about labels and cells,
    which no evidence proves. `figures` are the displayed measures beside the count, by their labels; `values` what
    they are taken from, person by person; `contributions` the same by person and employer, where the table names
    one. `by_hub` is true of what the hub answered and of nothing that a session wrote.
    """

    name: Name
    title: Line
    unit: Name
    by: Annotated[list[Name], Field(min_length=1, max_length=MAX_BY)]
    measures: Annotated[list[MeasureRequested], Field(min_length=1, max_length=MAX_MEASURES)]
    sources: dict[Name, Name]
    hierarchies: dict[Name, Annotated[list[dict[Name, Name]], Field(max_length=MAX_BY)]] = Field(default_factory=dict)
    codes: dict[Name, list[Name]] = Field(default_factory=dict)
    impossible: dict[Name, Annotated[list[Name], Field(max_length=MAX_CELLS)]] = Field(default_factory=dict)
    margins: bool | Annotated[list[list[Name]], Field(min_length=1, max_length=2**MAX_BY)] = True
    employer: Name | None = None
    cells: dict[Name, Annotated[list[Name | int | None], Field(max_length=MAX_CELLS)]]
    figures: dict[Line, Annotated[list[Amount | None], Field(max_length=MAX_CELLS)]] = Field(default_factory=dict)
    basis: dict[Name, InstanceOf[Texts]]
    values: Columns = Field(default_factory=dict)
    contributions: Columns = Field(default_factory=dict)
    coding: CodingRequested = CodingRequested()
    by_hub: bool = False

    @model_validator(mode="after")
    def _hold_together(self) -> TableRequested:
        faults = [*self._column_faults(), *self._length_faults(), *self._cell_faults(), *self._value_faults()]
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def as_coding(self) -> Coding:
        """Give how its displayed figures are written."""
        return Coding(**self.coding.model_dump())

    @property
    def counted(self) -> list[Measure]:
        """The measures, the count among them."""
        return [measure.as_measure() for measure in self.measures]

    @property
    def measured(self) -> list[str]:
        """Columns that measures are taken from: categories first, then numbers."""
        categories, numbers = measured(self.counted)
        return [*categories, *numbers]

    @property
    def used(self) -> list[str]:
        """Every column of persons the table uses but the unit."""
        return [*self.by, *self.measured, *([self.employer] if self.employer else [])]

    def _column_faults(self) -> Iterator[str]:
        names = {column.casefold() for column in self.by}
        if len(names) != len(self.by) or names & {self.unit.casefold(), *RESERVED}:
            yield "by-columns are not distinct, or named like the unit, count or status"
        if set(self.cells) != {*self.by, *RESERVED}:
            yield "cells do not have exactly the by-columns, count and status"
        if set(self.basis) != {self.unit, *self.by}:
            yield "the basis does not have exactly the unit and the by-columns"
        if not all(len(column) and column.complete for column in self.basis.values()):
            yield "the basis holds nobody, or a person without an id or a code"
        if set(self.sources) - set(self.used):
            yield "sources name columns that the table does not use"
        margins = [] if isinstance(self.margins, bool) else [column for chosen in self.margins for column in chosen]
        for part, named in (
            ("hierarchies", self.hierarchies),
            ("codes", self.codes),
            ("impossible", self.impossible),
            ("margins", margins),
        ):
            if set(named) - set(self.by):
                yield f"{part} name columns that are not by-columns"

    def _length_faults(self) -> Iterator[str]:
        lengths = {
            "cells": [len(c) for c in self.cells.values()] + [len(c) for c in self.figures.values()],
            "basis": [len(c) for c in self.basis.values()] + [len(c) for c in self.values.values()],
            "impossible": [len(c) for c in self.impossible.values()],
            "contributions": [len(c) for c in self.contributions.values()],
        }
        yield from (
            f"columns of {part} are not of one length" for part, found in lengths.items() if len(set(found)) > 1
        )

    def _cell_faults(self) -> Iterator[str]:
        counts, statuses = self.cells.get("count", []), self.cells.get("status", [])
        if any(isinstance(count, str) or (count is not None and count < 0) for count in counts):
            yield "counts are not whole persons or null"
        if set(statuses) - set(get_args(Status)):
            yield "a status is none of shown, primary, complementary, structural"
        if any(not isinstance(code, str) for column in self.by for code in self.cells.get(column, [])):
            yield "codes of cells are not text"

    def _value_faults(self) -> Iterator[str]:
        measures = self.counted
        labels = [measure.label for measure in measures]
        categories, numbers = measured(measures)
        if COUNT not in labels or len(set(labels)) != len(labels):
            yield "the count is not among the measures, or one is named twice"
        if set(self.figures) != set(labels) - {COUNT}:
            yield "figures do not have exactly the measures beside the count"
        if set(self.values) != {*categories, *numbers}:
            yield "values do not have exactly the columns measured"
        amounts = {self.unit, self.employer, *numbers} if self.employer else set()
        if set(self.contributions) != amounts:
            yield "contributions do not have exactly the unit, the employer and the numbers measured"
        keys = {self.unit, self.employer}
        if any(not isinstance(self.values.get(name), Texts | None) for name in categories):
            yield "a category is no text"
        if any(not (isinstance(c, Texts) and c.complete) for name, c in self.contributions.items() if name in keys):
            yield "contributions lack a person or an employer"
        columns = [part[name] for part in (self.values, self.contributions) for name in numbers if name in part]
        if not all(isinstance(column, Amounts) for column in columns):
            yield "an amount is no number"

    def labels(self, column: str) -> set[str]:
        """Give every label a by-column displays, or is told by: codes, and parents of hierarchies."""
        pairs = {code for up in self.hierarchies.get(column, []) for pair in up.items() for code in pair}
        return {*self.basis[column].persons, *self.codes.get(column, []), *self.impossible.get(column, []), *pairs}

    def as_table(self) -> Table:
        """Rebuild the table from its basis alone.

        Raises
        ------
        TableInvalid
            If one person stands in two categories, so that the basis proves nothing; if a hierarchy is none, or
            cells that hold people are said to be impossible; if its figures cannot be coded as it says.
        """
        table = tabulate(
            self._rows(),
            self.by,
            self.counted,
            unit=self.unit,
            name=self.name,
            title=self.title,
            sources=self.sources,
            margins=self.margins,
            hierarchies=self.hierarchies,
            codes=self.codes,
            impossible=pd.DataFrame(self.impossible, dtype="str") if self.impossible else None,
            employer=self.employer,
        )
        return of_everybody(table) if self.by_hub else coded(table, **self.coding.model_dump())

    def _rows(self) -> pd.DataFrame:
        """Give one row per person, or per person and employer where the table names employers."""
        categories, numbers = measured(self.counted)
        each = [*categories, *(numbers if self.employer is None else ())]
        rows = frame_of({**self.basis, **{name: self.values[name] for name in each}})
        if self.employer is None:
            return rows
        shares = frame_of({name: self.contributions[name] for name in (self.unit, self.employer, *numbers)})
        return rows.merge(shares, on=self.unit, how="left")


class ChartRequested(Strict):
    """A picture of one table of the request; the gate draws it from the displayed cells."""

    table: Name
    kind: Literal["bar", "line", "heatmap", "share"]
    x: Name
    colour: Name | None
    measure: Line
    at: dict[Name, Name]
    title: Line

    def parameters(self) -> dict[str, Any]:
        """Give what `p20kit.charts.chart` is called with."""
        return self.model_dump() | {"at": dict(sorted(self.at.items()))}


class ModelRequested(Strict):
    """A regression: its form, and the persons it is fitted to; the gate fits it anew."""

    name: Name
    title: Line
    formula: Annotated[Line, StringConstraints(min_length=3)]
    kind: Literal["ols", "logit", "poisson"]
    robust: bool
    reference: dict[Name, Name]
    unit: Name
    sources: dict[Name, Name]
    basis: Annotated[Columns, Field(min_length=2, max_length=60)]

    @model_validator(mode="after")
    def _hold_together(self) -> ModelRequested:
        faults = [*self._faults()]
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def _faults(self) -> Iterator[str]:
        if self.unit not in self.basis or len({len(column) for column in self.basis.values()}) > 1:
            yield "the basis has no unit, or columns of more than one length"
        if not isinstance(self.basis.get(self.unit), Texts):
            yield "a person has no id"
        if set(self.sources) - set(self.columns):
            yield "sources name columns that the model does not use"
        if not all(len(column) and column.complete for column in self.basis.values()):
            yield "the basis holds nobody, or a person without an id or a value"

    @property
    def columns(self) -> list[str]:
        """Columns of the basis but the unit."""
        return [column for column in self.basis if column != self.unit]

    def as_frame(self) -> pd.DataFrame:
        """Give the persons."""
        return frame_of(self.basis)


class AnswerRequested(Strict):
    """A table that the hub answered with; the gate takes it, with its evidence, from what the hub kept."""

    id: Annotated[str, StringConstraints(pattern=r"^ans-[0-9a-f]{12}$")]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class TextRequested(Strict):
    """A text in Markdown that leaves with the figures; a person reads it first."""

    name: Name
    title: Line
    markdown: Annotated[Text, StringConstraints(min_length=1)]
