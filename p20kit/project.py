"""`open_project`: what this person may use in this project, until when, and what is masked and why."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import date
from html import escape
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from p20kit.asking import Unseen
from p20kit.delivered import Delivered, Source
from p20kit.errors import Finding, ProjectInvalid
from p20kit.policy import CellPolicy
from p20kit.records import Records, beside
from p20kit.verdict import Agreed

_ASK = (
    "<p>Figures of wage records you may not see the hub answers itself, protected: <code>project.beside()</code> and "
    "<code>tabulate()</code>.</p>"
)


class _Described(BaseModel):
    # the enclave may describe more than this version of p20kit knows of
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class Column(_Described):
    """One approved column: its definition, who owns it, and the questions it may be used for."""

    name: str
    definition: str = ""
    owner: str = ""
    type: str = ""
    codes: list[str] | None = None
    questions: list[str] = Field(default_factory=list)
    as_of: str | None = None
    uc: bool = False
    employer: bool = False


class MountedTable(_Described):
    """One table of Resultant Data as mounted."""

    file: str
    rows: int
    columns: list[Column]


class Mask(_Described):
    """A column this person does not get, and the clause that says so."""

    column: str
    clause: str
    why: str


class Limitation(_Described):
    """A known limitation of the data, in the words of the agency that gave them."""

    owner: str
    contents: str
    text: str


class Report(_Described):
    """A report the agreement provides for."""

    id: str
    title: str
    audience: str = ""


class Question(_Described):
    """A research question of the agreement."""

    id: str
    text: str


class _Document(_Described):
    project: str
    title: str
    person: str
    expires_on: date
    days_left: int | None = None
    policy: dict[str, Any]
    policy_hash: str
    persons: int
    sees_uc: bool
    names: list[str]
    tables: dict[str, MountedTable]
    masked: list[Mask] = Field(default_factory=list)
    limitations: list[Limitation] = Field(default_factory=list)
    reports: list[Report] = Field(default_factory=list)
    questions: list[Question] = Field(default_factory=list)
    methods: list[Annotated[str, Field(min_length=1)]] = Field(default_factory=list)


class Project:
    """An open project; made by `open_project`.

    Parameters
    ----------
    root : Path
    document : project.json, read and checked

    Attributes
    ----------
    id, title, person, policy_hash : str
    expires_on : date
    policy : CellPolicy
    tables : mapping of str to MountedTable
    masked, limitations, reports, questions, methods : list
    delivered : Delivered
        What a request's evidence is held against.
    agreed : Agreed
        What a request is held to.
    """

    def __init__(self, root: Path, document: _Document, policy: CellPolicy) -> None:
        self.root = root
        self.id = document.project
        self.title = document.title
        self.person = document.person
        self.expires_on = document.expires_on
        self.days_left = document.days_left
        self.policy = policy
        self.policy_hash = document.policy_hash
        self.tables = document.tables
        self.masked = document.masked
        self.limitations = document.limitations
        self.reports = document.reports
        self.questions = document.questions
        self.methods = document.methods
        self.delivered = _delivered(root, document)
        self.agreed = _agreed(document)

    def frame(self, table: str, columns: Iterable[str] | None = None) -> pd.DataFrame:
        """Read a table of Resultant Data.

        Parameters
        ----------
        table : str
            For example ``"sde"``.
        columns : iterable of str, optional
            Only these.

        Raises
        ------
        ProjectInvalid
            If the table or a column is not among those approved for this person.
        """
        mounted = self._table(table)
        approved = [column.name for column in mounted.columns]
        wanted = list(columns) if columns is not None else approved
        absent = [column for column in wanted if column not in approved]
        if absent:
            masks = {mask.column: mask for mask in self.masked}
            raise ProjectInvalid(
                f"{len(absent)} columns of {table} are not mounted",
                [_absent(table, column, masks) for column in absent],
            )
        return pd.read_parquet(self.root / mounted.file, columns=wanted)

    def beside(self, people: str, records: str, **where: object) -> pd.DataFrame | Unseen:
        """Put records beside people: for who may see them as rows, for others to ask the hub for figures of them.

        Source: ExA 2.h.

        Parameters
        ----------
        people, records : str
            Tables: one row per person, and one per person, employer and time; for example ``"sde"``, ``"dol"``.
        **where
            Columns of the records and the one value each must have: ``WageYear=2021, WageQuarter=2``. What is chosen
            is part of the names of the columns: ``"QuarterlyWages 2021 2"``, and ``"Recorded 2021 2"``, which says
            who has such a record.

        Returns
        -------
        DataFrame or Unseen
            Either goes to `tabulate` in the same call.

        Raises
        ------
        ProjectInvalid
            If a table or column is neither mounted nor masked for this person.
        """
        mounted = self.tables.get(records)
        masked = [m.column.partition(".")[2] for m in self.masked if m.column.startswith(f"{records}.")]
        known = masked if mounted is None and masked else [column.name for column in self._table(records).columns]
        if absent := [column for column in where if column not in known]:
            raise ProjectInvalid(
                f"{len(absent)} columns of {records} are not approved", [_absent(records, c, {}) for c in absent]
            )
        # in the order of the columns: an amount has one name
        chosen = Records(records, {column: str(where[column]) for column in known if column in where})
        if mounted is None:
            return Unseen(chosen, self.policy)
        employer = next((column.name for column in mounted.columns if column.employer), "")
        return beside(self.frame(people), self.frame(records), chosen, employer)

    def columns(self, table: str) -> pd.DataFrame:
        """Describe the columns of a table: name, definition, owner, type, codes, questions, as_of."""
        return pd.DataFrame([column.model_dump() for column in self._table(table).columns])

    def has(self, table: str, *columns: str) -> bool:
        """Whether the table, with these columns, is mounted for this person."""
        mounted = self.tables.get(table)
        return mounted is not None and set(columns) <= {column.name for column in mounted.columns}

    def column(self, source: str) -> Column | None:
        """Find the column behind "table.Column"; None where it is not mounted."""
        table, _, name = source.partition(".")
        mounted = self.tables.get(table)
        return next((c for c in mounted.columns if c.name == name), None) if mounted else None

    def _table(self, table: str) -> MountedTable:
        if table not in self.tables:
            what = f"no table of that name; mounted are {', '.join(sorted(self.tables)) or 'none'}"
            raise ProjectInvalid(
                f"table {table!r} is not mounted", [Finding("project", "", table, what, "Name one of them.")]
            )
        return self.tables[table]

    def __repr__(self) -> str:
        """Say what is open."""
        return f"<Project {self.id}: {', '.join(sorted(self.tables))}; until {self.expires_on}>"

    def _repr_html_(self) -> str:
        left = f" ({self.days_left} days left)" if self.days_left is not None else ""
        return "".join(
            [
                f"<h3>{escape(self.id)} · {escape(self.title)}</h3>",
                f"<p>Open for <b>{escape(self.person)}</b> until <b>{self.expires_on}</b>{left}. ",
                f"Counts under {self.policy.minimum_count} and formulas on fewer than ",
                f"{self.policy.minimum_base} individuals stay hidden; zeros are {self.policy.zeros} ",
                "(DSA III.G.2; DSA VI.D.2).</p>",
                "<h4>What you may use</h4>",
                _html_table(("table", "rows", "column", "owner", "definition", "questions"), self._rows()),
                *self._known_limitations(),
                "<h4>What is masked for you</h4>",
                _html_table(("column", "clause", "why"), [(m.column, m.clause, m.why) for m in self.masked])
                if self.masked
                else "<p>Nothing.</p>",
                "" if self.delivered.sees_uc or not self.masked else _ASK,
            ]
        )

    def _known_limitations(self) -> Iterator[str]:
        if self.limitations:
            yield "<h4>Known limitations, as the agencies state them</h4>"
            rows = [(known.owner, known.contents, known.text) for known in self.limitations]
            yield _html_table(("agency", "file", "limitation"), rows)

    def _rows(self) -> Iterator[tuple[str, str, str, str, str, str]]:
        for name, table in self.tables.items():
            for i, column in enumerate(table.columns):
                head = (name, f"{table.rows:,}") if i == 0 else ("", "")
                yield (*head, column.name, column.owner, column.definition, ", ".join(column.questions))


def open_project(root: str | Path = "/project") -> Project:
    """Open the project this session was started for.

    Parameters
    ----------
    root : str or Path, default "/project"
        Folder that holds project.json and data/.

    Returns
    -------
    Project

    Raises
    ------
    ProjectInvalid
        If project.json is missing or malformed.
    PolicyInvalid
        If its policy is looser than the agreement's floor.
    """
    path = Path(root) / "project.json"
    try:
        document = _Document.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        findings = [
            Finding("project", "", ".".join(map(str, e["loc"])), e["msg"], "Start the project's server from the hub.")
            for e in error.errors(include_input=False, include_context=False, include_url=False)
        ]
        raise ProjectInvalid("project.json is malformed", findings) from None
    except (OSError, ValueError) as error:
        what = f"it cannot be read ({type(error).__name__})"
        finding = Finding("project", "", str(path), what, "Start the project's server from the hub.")
        raise ProjectInvalid("there is no project here", [finding]) from None
    return Project(Path(root), document, CellPolicy.of(document.policy))


def _delivered(root: Path, document: _Document) -> Delivered:
    columns = {
        f"{name}.{c.name}": Source(c.owner, tuple(c.codes or ()), c.uc, c.employer, c.as_of or "")
        for name, table in document.tables.items()
        for c in table.columns
    }
    return Delivered(root / "data", document.persons, columns, document.sees_uc)


def _agreed(document: _Document) -> Agreed:
    reports, questions = [r.id for r in document.reports], [q.id for q in document.questions]
    return Agreed(
        document.project, document.policy_hash, document.person, frozenset(reports), frozenset(questions),
        frozenset(document.methods), (*document.names, *reports, *questions),
    )  # fmt: skip


def _absent(table: str, column: str, masks: dict[str, Mask]) -> Finding:
    mask = masks.get(column) or masks.get(f"{table}.{column}")
    if mask:
        return Finding("mask", mask.clause, f"{table}.{column}", f"masked for you: {mask.why}", "Leave it out.")
    what = "not an approved column of this project"
    return Finding("project", "", f"{table}.{column}", what, "See project.columns().")


def _html_table(heads: Iterable[str], rows: Iterable[tuple[str, ...]]) -> str:
    head = "".join(f'<th style="text-align:left">{escape(h)}</th>' for h in heads)
    body = "".join(f"<tr>{''.join(f'<td style=text-align:left>{escape(v)}</td>' for v in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
