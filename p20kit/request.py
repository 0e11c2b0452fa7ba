"""A release request as the gate reads it: plain JSON, checked before anything is believed.

`read_request` takes the bytes a session left in its outbox. A table is rebuilt from its basis alone, so
whoever reads the request recomputes every cell; `claim` says where the request's own cells differ.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Annotated, Any, Literal, Never

from pydantic import Field, PrivateAttr, StringConstraints, ValidationError, model_validator

from p20kit.columns import PARTS, Amounts, Texts
from p20kit.errors import Finding, RequestInvalid
from p20kit.requested import (
    AmountsRequested,
    AnswerRequested,
    ChartRequested,
    CountRequested,
    CumulativeRequested,
    Line,
    ModelRequested,
    Name,
    QuantileRequested,
    RateRequested,
    Strict,
    TableRequested,
    Text,
    TextRequested,
    TextsRequested,
)
from p20kit.sharing import CodeRequested
from p20kit.tables import RESERVED

FORMAT = "p20win-release-request/2"
MAX_BYTES = 256 * 2**20
MAX_NOTEBOOK = 200
MAX_COLUMNS = 4_000


class _Shared(Strict):
    """The columns of a request, as they are written."""

    columns: Annotated[list[TextsRequested | AmountsRequested], Field(max_length=MAX_COLUMNS)]


class Request(Strict):
    """A request to release tables, charts of them, models, text and code.

    `code` leaves, as its syntax says it. `notebook` does not: it holds the code cells that made the request; run
    afresh on the same data, they make the very same request, which proves what was derived in them.

    Source: DSA III.G.2; DSA VI.D.2; ExA 3.e; ExA 3.f; SDP 12.c.
    """

    format: Literal["p20win-release-request/2"]
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
    tables: Annotated[list[TableRequested], Field(max_length=100)]
    answers: Annotated[list[AnswerRequested], Field(max_length=100)] = Field(default_factory=list)
    charts: Annotated[list[ChartRequested], Field(max_length=100)] = Field(default_factory=list)
    models: Annotated[list[ModelRequested], Field(max_length=50)] = Field(default_factory=list)
    texts: Annotated[list[TextRequested], Field(max_length=20)] = Field(default_factory=list)
    code: Annotated[list[CodeRequested], Field(max_length=20)] = Field(default_factory=list)
    notebook: Annotated[list[Text], Field(max_length=MAX_NOTEBOOK)] = Field(default_factory=list)

    _words: frozenset[str] | None = PrivateAttr(default=None)

    @property
    def words(self) -> frozenset[str]:
        """Every text that stands in the code of the notebook."""
        return frozenset(_spelled(self.notebook)) if self._words is None else self._words

    def spelling(self, words: Iterable[str]) -> Request:
        """Give the request with the texts of its code as another process found them: code is not parsed again."""
        copied = self.model_copy()
        copied._words = frozenset(words)
        return copied

    @model_validator(mode="after")
    def _hold_together(self) -> Request:
        names = [*(t.name for t in self.tables), *(m.name for m in self.models), *(t.name for t in self.texts)]
        names += [*(answer.id for answer in self.answers), *(code.name for code in self.code)]
        if not names:
            raise ValueError("nothing is asked for")
        if len(set(names)) != len(names):
            raise ValueError("two tables, answers, models, texts or programs have the same name")
        if {chart.table for chart in self.charts} - {table.name for table in self.tables}:
            raise ValueError("a chart is of a table that is not asked for")
        return self

    def with_answers(self, tables: Iterable[TableRequested]) -> Request:
        """Give the request with the tables of its answers, as the hub kept them, in their place.

        Raises
        ------
        RequestInvalid
            If a table of the request has the name of one of them.
        """
        merged = self.model_copy(update={"tables": [*self.tables, *tables], "answers": []})
        names = [*(t.name for t in merged.tables), *(m.name for m in merged.models), *(t.name for t in merged.texts)]
        if len(set(names)) != len(names):
            what = "an answer and another table, model or text have the same name"
            finding = Finding("format", "", "answers", what, "Name each of them once.")
            raise RequestInvalid("the release request is malformed", [finding])
        return merged

    @property
    def persons(self) -> set[str]:
        """Ids of everybody counted."""
        counted = [table.basis[table.unit] for table in self.tables]
        modelled = [model.basis[model.unit] for model in self.models]
        units = {id(column): column for column in (*counted, *modelled) if isinstance(column, Texts)}
        return {who for column in units.values() for who in column.persons}


def read_request(content: bytes | str) -> Request:
    """Read a request, believing nothing.

    Parameters
    ----------
    content : bytes or str
        UTF-8 JSON of the format `p20win-release-request/2`.

    Returns
    -------
    Request

    Raises
    ------
    RequestInvalid
        With every finding: size, encoding, doubled keys, NaN, unknown or missing fields, wrong kinds.
    """
    return of_a_session(request_from(parsed(content)))


def request_from(plain: Any) -> Request:
    """Make a request of plain values as they are written, its columns among them.

    Raises
    ------
    RequestInvalid
        With every finding.
    """
    try:
        given = plain.pop("columns", None) if isinstance(plain, dict) else None
        columns = [column.as_column() for column in _Shared.model_validate({"columns": given}).columns]
        return request_of(plain, columns)
    except ValidationError as error:
        raise malformed(error) from None


def of_a_session(request: Request) -> Request:
    """Take a request that a session wrote: what the hub answered stands in it by its number, never as a table.

    Raises
    ------
    RequestInvalid
        If a table poses as the hub's.
    """
    if any(table.by_hub for table in request.tables):
        finding = Finding("format", "", "tables", "a table poses as an answer of the hub", "Name the answer itself.")
        raise RequestInvalid("the release request is malformed", [finding])
    return request


def malformed(error: ValidationError) -> RequestInvalid:
    """Say where a request is malformed, without a word of it."""
    findings = [
        Finding("format", "", _place(e["loc"]), e["msg"], "Write the request with request_release().")
        for e in error.errors(include_input=False, include_context=False, include_url=False)
    ]
    return RequestInvalid("the release request is malformed", findings)


def request_of(plain: Any, columns: Sequence[Texts | Amounts]) -> Request:
    """Make a request of plain values and its columns.

    Raises
    ------
    ValidationError
        If a field is unknown, missing or of another kind, or a column is none of those given.
    """
    # a date is the one kind that JSON has no way to write and strict validation will not convert
    return Request.model_validate(_with_columns(_with_date(plain), columns))


def _with_columns(plain: Any, columns: Sequence[Texts | Amounts]) -> Any:
    """Put columns where they are named by their numbers; whatever else stands there is no column, and is refused."""

    def put(part: Any) -> Any:
        if not isinstance(part, dict):
            return part
        named = {name: part[name] for name in PARTS if isinstance(part.get(name), dict)}
        return {**part, **{name: {c: found(number) for c, number in of.items()} for name, of in named.items()}}

    def found(number: Any) -> Any:
        known = type(number) is int and 0 <= number < len(columns)
        return columns[number] if known else None

    if not isinstance(plain, dict):
        return plain
    listed = {kind: plain[kind] for kind in ("tables", "models") if isinstance(plain.get(kind), list)}
    return {**plain, **{kind: [put(part) for part in parts] for kind, parts in listed.items()}}


def parsed(content: bytes | str) -> Any:
    """Parse JSON that can be read in one way only.

    Raises
    ------
    RequestInvalid
        If it is too large, not UTF-8, not JSON, or has doubled keys, NaN or infinities.
    """
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


def _spelled(cells: Iterable[str]) -> Iterator[str]:
    """Give every text that stands in the code of a notebook; cells that are not plain Python spell out none."""
    for cell in cells:
        try:
            tree = ast.parse(cell)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def _place(loc: tuple[int | str, ...]) -> str:
    parts = (
        Request,
        _Shared,
        TextsRequested,
        AmountsRequested,
        TableRequested,
        ChartRequested,
        ModelRequested,
        TextRequested,
        CodeRequested,
        AnswerRequested,
    )
    measures = (CountRequested, RateRequested, CumulativeRequested, QuantileRequested)
    fields = {*RESERVED, *(field for part in (*parts, *measures) for field in part.model_fields)}
    steps = [str(step) if isinstance(step, int) or step in fields else "[key]" for step in loc]
    return ".".join(steps) or "request"


def _unreadable(what: str) -> RequestInvalid:
    finding = Finding("format", "", "request.json", what, "Write the request with request_release().")
    return RequestInvalid("the release request cannot be read", [finding])
