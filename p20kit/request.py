"""A release request as the gate reads it: plain JSON, checked before anything is believed.

`read_request` takes the bytes a session left in its outbox. A table is rebuilt from its basis alone, so
whoever reads the request recomputes every cell; `claim` says where the request's own cells differ.
"""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Annotated, Any, Literal, Never, get_args

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from p20kit.counting import MAX_BY, tabulate
from p20kit.errors import Finding, RequestInvalid
from p20kit.tables import RESERVED, Table

FORMAT = "p20win-release-request/1"
MAX_BYTES = 256 * 2**20
MAX_PERSONS = 5_000_000
MAX_CELLS = 200_000

# No control, invisible or direction characters (Unicode C, Zl, Zp): what is shown to a reviewer is what is there.
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\p{C}\p{Zl}\p{Zp}]+$")]
Line = Annotated[str, StringConstraints(max_length=400, pattern=r"^[^\p{C}\p{Zl}\p{Zp}]*$")]
Text = Annotated[str, StringConstraints(max_length=20_000, pattern=r"^(?:[^\p{C}\p{Zl}\p{Zp}]|[\t\n])*$")]
Status = Literal["shown", "primary", "complementary", "structural"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class MeasureRequested(_Strict):
    """What the table displays in each cell."""

    kind: Literal["count"]


class TableRequested(_Strict):
    """One table with its evidence; columns of equal length, as the format lays down.

    `hierarchies`, `codes` and `impossible` are what `tabulate` takes: claims of the requester about labels and cells,
    which no evidence proves.
    """

    name: Name
    title: Line
    unit: Name
    by: Annotated[list[Name], Field(min_length=1, max_length=MAX_BY)]
    measures: Annotated[list[MeasureRequested], Field(min_length=1, max_length=1)]
    sources: dict[Name, Name]
    hierarchies: dict[Name, Annotated[list[dict[Name, Name]], Field(max_length=MAX_BY)]] = Field(default_factory=dict)
    codes: dict[Name, list[Name]] = Field(default_factory=dict)
    impossible: dict[Name, Annotated[list[Name], Field(max_length=MAX_CELLS)]] = Field(default_factory=dict)
    margins: bool | Annotated[list[list[Name]], Field(min_length=1, max_length=2**MAX_BY)] = True
    cells: dict[Name, Annotated[list[Name | int | None], Field(max_length=MAX_CELLS)]]
    basis: dict[Name, Annotated[list[Name], Field(min_length=1, max_length=MAX_PERSONS)]]

    @model_validator(mode="after")
    def _hold_together(self) -> TableRequested:
        faults = [*self._column_faults(), *self._cell_faults()]
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def _column_faults(self) -> list[str]:
        faults = []
        names = {column.casefold() for column in self.by}
        if len(names) != len(self.by) or names & {self.unit.casefold(), *RESERVED}:
            faults.append("by-columns are not distinct, or named like the unit, count or status")
        if set(self.cells) != {*self.by, *RESERVED}:
            faults.append("cells do not have exactly the by-columns, count and status")
        if set(self.basis) != {self.unit, *self.by}:
            faults.append("the basis does not have exactly the unit and the by-columns")
        margins = [] if isinstance(self.margins, bool) else [column for chosen in self.margins for column in chosen]
        for part, named in (
            ("sources", self.sources),
            ("hierarchies", self.hierarchies),
            ("codes", self.codes),
            ("impossible", self.impossible),
            ("margins", margins),
        ):
            if set(named) - set(self.by):
                faults.append(f"{part} name columns that are not by-columns")
        for part, columns in (("cells", self.cells), ("basis", self.basis), ("impossible", self.impossible)):
            if len({len(column) for column in columns.values()}) > 1:
                faults.append(f"columns of {part} are not of one length")
        return faults

    def _cell_faults(self) -> list[str]:
        faults = []
        counts, statuses = self.cells.get("count", []), self.cells.get("status", [])
        if any(isinstance(count, str) or (count is not None and count < 0) for count in counts):
            faults.append("counts are not whole persons or null")
        if set(statuses) - set(get_args(Status)):
            faults.append("a status is none of shown, primary, complementary, structural")
        if any(not isinstance(code, str) for column in self.by for code in self.cells.get(column, [])):
            faults.append("codes of cells are not text")
        return faults

    def labels(self, column: str) -> set[str]:
        """Give every label a by-column displays, or is told by: codes, and parents of hierarchies."""
        pairs = {code for up in self.hierarchies.get(column, []) for pair in up.items() for code in pair}
        return {*self.basis[column], *self.codes.get(column, []), *self.impossible.get(column, []), *pairs}

    def as_table(self) -> Table:
        """Rebuild the table from its basis alone.

        Raises
        ------
        TableInvalid
            If one person stands in two categories, so that the basis proves nothing; if a hierarchy is none, or
            cells that hold people are said to be impossible.
        """
        return tabulate(
            pd.DataFrame(self.basis, dtype="str"),
            self.by,
            unit=self.unit,
            name=self.name,
            title=self.title,
            sources=self.sources,
            margins=self.margins,
            hierarchies=self.hierarchies,
            codes=self.codes,
            impossible=pd.DataFrame(self.impossible, dtype="str") if self.impossible else None,
        )


class Request(_Strict):
    """A request to release tables.

    Source: DSA III.G.2; DSA VI.D.2.
    """

    format: Literal["p20win-release-request/1"]
    project: Name
    policy_hash: Name
    person: Name
    title: Annotated[Line, StringConstraints(min_length=1)]
    report: Name
    questions: Annotated[list[Name], Field(min_length=1, max_length=50)]
    audience: Annotated[Line, StringConstraints(min_length=1)]
    population: Annotated[Text, StringConstraints(min_length=1)]
    methods: Annotated[list[Line], Field(max_length=50)]
    planned_on: date | None
    notes: Text
    tables: Annotated[list[TableRequested], Field(min_length=1, max_length=100)]

    @model_validator(mode="after")
    def _names_differ(self) -> Request:
        if len({table.name for table in self.tables}) != len(self.tables):
            raise ValueError("two tables have the same name")
        return self


def read_request(content: bytes | str) -> Request:
    """Read a request, believing nothing.

    Parameters
    ----------
    content : bytes or str
        UTF-8 JSON of the format `p20win-release-request/1`.

    Returns
    -------
    Request

    Raises
    ------
    RequestInvalid
        With every finding: size, encoding, doubled keys, NaN, unknown or missing fields, wrong kinds.
    """
    plain = _parse(content)
    try:
        # a date is the one kind that JSON has no way to write and strict validation will not convert
        return Request.model_validate(_with_date(plain))
    except ValidationError as error:
        findings = [
            Finding("format", "", _place(e["loc"]), e["msg"], "Write the request with request_release().")
            for e in error.errors(include_input=False, include_context=False, include_url=False)
        ]
        raise RequestInvalid("the release request is malformed", findings) from None


def _parse(content: bytes | str) -> Any:
    if len(content) > MAX_BYTES:
        raise _unreadable(f"the request is larger than {MAX_BYTES} bytes")
    try:
        text = content.decode("utf-8") if isinstance(content, bytes) else content
        return json.loads(text, object_pairs_hook=_no_doubles, parse_constant=_no_constant)
    except UnicodeDecodeError:
        raise _unreadable("the request is not UTF-8 text") from None
    except RecursionError:
        raise _unreadable("the request is nested too deeply") from None
    except ValueError as error:
        # the parser's own message may quote the text it stumbled on
        what = str(error) if isinstance(error, _Doubled) else "the request is not JSON"
        raise _unreadable(what) from None


class _Doubled(ValueError):
    """JSON that another reader could read differently."""


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Doubled("a key is given twice in one object")
    return found


def _no_constant(_: str) -> Never:
    raise _Doubled("NaN and infinities are not JSON")


def _with_date(plain: Any) -> Any:
    if isinstance(plain, dict) and isinstance(plain.get("planned_on"), str):
        text = plain["planned_on"]
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            try:
                return {**plain, "planned_on": date.fromisoformat(text)}
            except ValueError:
                return plain
    return plain


def _place(loc: tuple[int | str, ...]) -> str:
    fields = {*Request.model_fields, *TableRequested.model_fields, "kind", *RESERVED}
    steps = [str(step) if isinstance(step, int) or step in fields else "[key]" for step in loc]
    return ".".join(steps) or "request"


def _unreadable(what: str) -> RequestInvalid:
    finding = Finding("format", "", "request.json", what, "Write the request with request_release().")
    return RequestInvalid("the release request cannot be read", [finding])
