"""A question answered by whoever holds the records: the table as it may be seen by somebody who may not see them.

Its reader has the by-columns mounted, person by person, and so knows how many stand in each cell. What is hidden is
who has a record: how many of a cell have one and how many have none are protected together, with every cell's
persons given. Zeros are hidden whatever the project displays: that nobody of a group has a record says it of each.

Source: ExA 2.h; DSA I; DSA II.F; DSA III.G.2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from p20kit.columns import shared
from p20kit.companions import of_everybody
from p20kit.counting import tabulate
from p20kit.delivered import CROSSWALK, UNIT, Delivered
from p20kit.errors import Finding, TableInvalid
from p20kit.policy import COUNT_CLAUSE, CellPolicy
from p20kit.progress import silent
from p20kit.protection import Protected, protect
from p20kit.question import Question
from p20kit.records import beside
from p20kit.release import evidence_of
from p20kit.request import Request, request_from
from p20kit.tables import Table
from p20kit.verdict import Released

MAX_CELLS = 2_000
"""Cells of an answer, margins among them."""
LeftOut = Sequence[tuple[str, str]]
FEWER = "Ask by fewer columns, or by columns with larger groups."


def known_persons(question: Question, delivered: Delivered, left_out: LeftOut = ()) -> Table:
    """Count everybody by the columns that are asked by, as the asker can.

    Parameters
    ----------
    left_out : pairs of "table.Column" and value
        Persons of whom no such records were asked for: they are not counted as having none.

    Raises
    ------
    TableInvalid
        If the table would be too large, or has a cell of fewer than 6 persons: the asker knows who they are.
    """
    people = _people(question, delivered, left_out)
    sources = {column: question.sources[column] for column in question.by}
    table = tabulate(people, question.by, name=question.name, sources=sources, margins=question.margins)
    few = int((table.counts < CellPolicy().minimum_count).sum())
    cells = table.counts.size
    findings = []
    if few:
        what = f"{few} of its {cells} cells hold fewer than 6 persons, of whom you know who they are"
        findings.append(Finding("too-fine", COUNT_CLAUSE, question.name, what, FEWER))
    if cells > MAX_CELLS:
        what = f"it has {cells} cells, more than {MAX_CELLS}"
        findings.append(Finding("too-large", COUNT_CLAUSE, question.name, what, FEWER))
    if findings:
        raise TableInvalid("the question is too fine", findings)
    return table


def answered(
    question: Question,
    known: Table,
    delivered: Delivered,
    policy: CellPolicy,
    earlier: Sequence[Released],
    said: Mapping[str, Any],
    left_out: LeftOut = (),
) -> Request:
    """Make the table that is asked for, protected against everything released and answered before.

    Parameters
    ----------
    known : Table
        What `known_persons` gives.
    earlier : sequence of Released
    said : mapping
        The words of a request: project, policy, person, purpose.
    left_out : pairs of "table.Column" and value
        As `known_persons` was given them.

    Returns
    -------
    Request
        With one table, its evidence, and what is displayed of it; still to be judged.

    Raises
    ------
    TableInvalid
        Their findings speak of records that the asker may not see, and are not for them.
    """
    rows = pd.read_parquet(delivered.folder / f"{question.records}.parquet", columns=_columns(question))
    frame = beside(_people(question, delivered, left_out), rows, question.chosen, question.employer)
    table = tabulate(
        frame, question.by, question.counted, name=question.name, title=question.title, sources=question.sources,
        margins=question.margins, employer=question.employer,
    )  # fmt: skip
    given: list[Protected | Table] = [*(release.protected for release in earlier if release.protected.tables), known]
    protected = protect(of_everybody(table), policy, given, progress=silent)
    body = {**said, "tables": [{**evidence_of(protected, 0), "by_hub": True}]}
    return request_from(shared(body))


def terms_for(policy: CellPolicy) -> CellPolicy:
    """Give the terms of an answer: the project's, with zeros hidden."""
    columns = {name: replace(terms, zeros="hidden") for name, terms in policy.columns.items()}
    return replace(policy, zeros="hidden", columns=columns)


def as_known(table: Table, policy: CellPolicy) -> Released:
    """Give what the asker knows as if it had been released."""
    return Released(Protected((table,), (np.ones(table.counts.shape, dtype=bool),), policy))


def _people(question: Question, delivered: Delivered, left_out: LeftOut) -> pd.DataFrame:
    """Give everybody delivered but those left out, one row each, with the columns asked by."""
    people = pd.read_parquet(delivered.folder / f"{CROSSWALK}.parquet", columns=[UNIT])
    for source, value in left_out:
        file, column = delivered.file(source)
        of = pd.read_parquet(file, columns=[UNIT, column])
        people = people[~people[UNIT].isin(of.loc[of[column] == value, UNIT])]
    tables: dict[str, list[str]] = {}
    for column in question.by:
        name, _, source = question.sources[column].partition(".")
        tables.setdefault(name, []).append(source)
    for name, columns in tables.items():
        rows = pd.read_parquet(delivered.folder / f"{name}.parquet", columns=[UNIT, *columns])
        people = people.merge(rows, on=UNIT, how="left")
    return people


def _columns(question: Question) -> list[str]:
    measured = [question.sources[name].partition(".")[2] for name in question.amounts]
    return [UNIT, question.employer, *question.where, *measured]
