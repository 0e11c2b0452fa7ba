"""What the agreement asks of a file's content: approved elements, kinds and codes, one record per individual.

Source: DSA VI.A; EM XII.A; ExA elements.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from enclave.agreement import Element
from enclave.errors import Finding
from enclave.intake.names import Layout
from enclave.intake.sheet import Sheet, quoted, text
from enclave.terms import GENERIC_ID

FORMAT_RULES = frozenset(
    {
        "text-encoding", "quotation-marks", "control-characters", "field-count", "long-line", "no-header",
        "element-missing", "element-order", "value-kind", "value-missing", "row-count", "no-rows", "file-name",
    }
)  # fmt: skip
"""Rules about form: a file that breaks only these is malformed, not refused."""

_KINDS = {"integer": r"-?\d{1,18}", "money": r"\d{1,12}\.\d{2}", "date": r"\d{8}"}
_PRINTABLE = re.compile(r"[A-Za-z][A-Za-z0-9_ /-]{0,63}")
_NUMBERS = ("ssn", "sasid", "number")


@dataclass(frozen=True)
class _Check:
    rule: str
    clause: str
    what: str
    next: str
    condition: str


def looks_like_header(columns: tuple[str, ...], layout: Layout) -> bool:
    """Tell whether a first line holds names of columns: half of them approved.

    A file without a header line has a person's values there, which must not be repeated anywhere.
    """
    return bool(columns) and 2 * sum(column in layout.columns for column in columns) >= len(columns)


def header_findings(columns: tuple[str, ...], layout: Layout, name: str) -> Iterator[Finding]:
    """Compare the header line with the approved elements, by name.

    Source: DSA VI.A; ExA elements.
    """
    where = f"{name}, line 1"
    if not looks_like_header(columns, layout):
        yield Finding(
            "no-header", "EM XII", where, "fewer than half of its fields are approved element names",
            f"Begin the file with the line: {', '.join(layout.columns)}.",
        )  # fmt: skip
        return
    for place, column in enumerate(columns, start=1):
        if column not in layout.columns:
            shown = f"column {place} ({column})" if _PRINTABLE.fullmatch(column) else f"column {place}"
            near = difflib.get_close_matches(column, layout.columns, n=1)
            next = f"Did you mean {near[0]}?" if near else "Remove it: only approved elements may be sent."
            yield Finding("element-not-approved", "DSA VI.A", where, f"{shown} is not an approved element", next)
    for column in layout.columns:
        if columns.count(column) == 0:
            yield Finding("element-missing", "ExA elements", where, f"{column} is missing", "Send the whole layout.")
        elif columns.count(column) > 1:
            yield Finding("element-missing", "ExA elements", where, f"{column} stands twice", "Send it once.")
    if sorted(columns) == sorted(layout.columns) and columns != layout.columns:
        next = f"Order: {', '.join(layout.columns)}."
        yield Finding("element-order", "ExA elements", where, "the columns are in another order", next)


def content_findings(sheet: Sheet, layout: Layout) -> Iterator[Finding]:
    """Check every value and the uniqueness of records.

    Source: EM XII.A; ExA elements.
    """
    checks = list(_value_checks(layout))
    for check, count in zip(checks, sheet.count_each([c.condition for c in checks]), strict=True):
        if count:
            what = f"{count} {check.what}"
            yield sheet.finding(check.rule, check.clause, what, check.next, check.condition, count)
    if layout.unique:
        yield from _repeated(sheet, layout.unique, "EM XII.A", "repeat the " + " and ".join(layout.unique))
    if layout.contents == "matching" and layout.elements:
        for name, element in layout.elements.items():
            if element.links_as in _NUMBERS:
                what = f"repeat a {name} under another generic identifier"
                yield from _repeated(sheet, (name,), "EM XII.A", what, only=_names_someone(name))
        people = tuple(layout.elements)
        yield from _repeated(sheet, people, "EM XII.A", "repeat an individual, equal in every element", whole=True)


def _value_checks(layout: Layout) -> Iterator[_Check]:
    for name in layout.unique:
        yield _Check(
            "value-missing", "EM XII.A", "rows have no " + name, "Fill it on every row.", f"{quoted(name)} is null"
        )
    for name, element in layout.elements.items():
        if layout.contents == "finder" and name not in layout.unique:
            what, next = "rows do not have " + name + " = 1", "List only students who took part."
            yield _Check("value-kind", "ExA memo", what, next, f"{quoted(name)} is distinct from '1'")
        elif form := _form(element):
            what = "values of " + name + f" are not {_expected(element)}"
            yield _Check(
                "value-kind", "ExA elements", what, "Mend the values, or leave them empty where unknown.", form
            )


def _names_someone(name: str) -> str:
    """Give the SQL condition that a number is no placeholder: 999999999 and its like name nobody."""
    return f"replace({quoted(name)}, {quoted(name)}[1], '') <> ''"


def _form(element: Element) -> str:
    """Give the SQL condition under which a value is not of the element's kind; empty when anything goes."""
    column, wrong = quoted(element.name), []
    if element.codes:
        wrong.append(f"{column} not in ({', '.join(text(code) for code in element.codes)})")
    pattern = element.pattern or _KINDS.get(element.kind, "")
    if pattern:
        wrong.append(f"not regexp_full_match({column}, {text(pattern)})")
    if element.kind == "date":
        wrong.append(f"try_strptime({column}, '%Y%m%d') is null")
    return f"{column} is not null and ({' or '.join(wrong)})" if wrong else ""


def _expected(element: Element) -> str:
    if element.codes:
        return f"one of its {len(element.codes)} codes"
    if element.pattern:
        return f"of the form {element.pattern}"
    return {"integer": "whole numbers", "money": "dollars and cents (0.00)", "date": "dates (YYYYMMDD)"}[element.kind]


def _repeated(
    sheet: Sheet, columns: tuple[str, ...], clause: str, what: str, *, whole: bool = False, only: str = "true"
) -> Iterator[Finding]:
    """Find rows that repeat an earlier one in `columns`; rows with a missing value count only if `whole`."""
    names = ", ".join(quoted(column) for column in columns)
    some = " or ".join(f"{quoted(column)} is not null" for column in columns)
    every = " and ".join(f"{quoted(column)} is not null" for column in columns)
    present = f"({some if whole else every}) and {only}"
    # Rows that are equal have equal hashes, which are small: those that share one are looked at, mostly none.
    shared = f"select hash({names}) from sheet where {present} group by 1 having count(*) > 1"  # noqa: S608
    sheet.rows(f"create or replace temp table shared as {shared}")
    present = f"{present} and hash({names}) in (from shared)"
    groups = f"select min(_line) as first, count(*) as times from sheet where {present} group by {names}"  # noqa: S608
    (extra,) = sheet.row(f"select coalesce(sum(times - 1), 0) from ({groups}) where times > 1")  # noqa: S608
    if not extra:
        return
    later = f"{present} and _line not in (select first from ({groups}))"  # noqa: S608
    next = "Send one record per individual." if GENERIC_ID in columns or whole else "Merge or correct these records."
    yield sheet.finding("one-record-per-individual", clause, f"{extra} rows {what}", next, later, int(extra))
