"""What may be asked: by columns that the asker has open, of amounts in records that are closed to them by ExA 2.h.

Source: ExA 2.h; DSA I; DSA II.F.
"""

from __future__ import annotations

from collections.abc import Iterator

from enclave.errors import Finding, Refused
from enclave.people import Admission
from enclave.people.sight import CLAUSE
from enclave.resultant import Delivery, SealedTable
from enclave.resultant.delivery import Column
from enclave.terms import UNIT
from p20kit.question import Question

_COLUMNS = "See project.columns() and project.masked for what there is."


def hold_to_sight(question: Question, admission: Admission, delivery: Delivery) -> None:
    """Refuse a question that is not this person's to ask.

    Source: ExA 2.h; DSA II.F.

    Raises
    ------
    Refused
        With every reason; none of them says anything of a record.
    """
    if admission.sight.government:
        what = "UC unit records are open to this person"
        finding = Finding(
            "own-records",
            CLAUSE,
            question.records,
            what,
            "Use them as they are mounted; if they are not, open the session again.",
        )
        raise Refused("the question is refused", [finding])
    findings = [
        *_taken_away(question, admission, delivery),
        *_of_by(question, admission, delivery),
        *_of_records(question, admission, delivery),
    ]
    if findings:
        raise Refused("the question is refused", findings)


def _taken_away(question: Question, admission: Admission, delivery: Delivery) -> Iterator[Finding]:
    """Nothing is asked by what an amendment took away, nor of it (DSA VII)."""
    chosen = {name: f"{question.records}.{name}" for name in question.where}
    for name, source in (dict(question.sources) | chosen).items():
        table, _, column = source.partition(".")
        found = delivery.column(table, column)
        if found is not None and admission.sight.took(found.owner, found.name):
            yield Finding("taken-away", "DSA VII", name, "an amendment took it away", _COLUMNS)


def _of_by(question: Question, admission: Admission, delivery: Delivery) -> Iterator[Finding]:
    """By-columns are as delivered, under their own names, and open to the asker: nothing of a record is a label."""
    for name in question.by:
        table, _, column = question.sources[name].partition(".")
        sealed = delivery.table(table)
        found = _column(sealed, column)
        if sealed is None or found is None or name != column:
            yield _no("by-column", name, "it is no column of the Resultant Data under its own name", _COLUMNS)
        elif column in sealed.hidden_from(admission.sight):
            yield _no("by-column", name, "it is closed to this person, who would learn it of each", _COLUMNS)
        elif table == "crosswalk" or found.employer:
            yield _no("by-column", name, "it names persons or employers", _COLUMNS)


def _of_records(question: Question, admission: Admission, delivery: Delivery) -> Iterator[Finding]:
    """Records, what they are chosen by, amounts and employers are of one table of UC data, of an open agency."""
    sealed = delivery.table(question.records)
    if sealed is None or not any(column.uc for column in sealed.columns):
        yield _no("records", question.records, "it is no table of UC records", _COLUMNS)
        return
    if any(column.owner in admission.sight.closed for column in sealed.columns if column.name != UNIT):
        yield _no("records", question.records, "the purpose of ExA 2.h does not extend to these data", _COLUMNS)
    employer = _column(sealed, question.employer)
    if employer is None or not employer.employer or question.sources[question.employer] != _of(sealed, employer):
        yield _no("employer", question.employer, "it is not the column that identifies employers", _COLUMNS)
    for name in question.where:
        found = _column(sealed, name)
        if found is None or found.employer or found.kind == "money":
            yield _no("where", name, "records are not chosen by it", "Choose by year and quarter.")
    order = [column.name for column in sealed.columns if column.name in question.where]
    if order != [*question.where]:
        # two names of one amount would be two amounts to whoever protects them
        yield _no("where", question.records, "what is chosen is not in the order of its columns", _COLUMNS)
    for name in question.amounts:
        found = _column(sealed, question.sources[name].partition(".")[2])
        if found is None or found.kind not in ("money", "integer") or question.sources[name] != _of(sealed, found):
            yield _no("amount", name, "it is no amount of these records", _COLUMNS)
        elif name != question.chosen.named(found.name):
            what = f"it is called {question.chosen.named(found.name)} here"
            yield _no("amount", name, what, "Name it so: what is chosen is part of the name.")


def _column(sealed: SealedTable | None, name: str) -> Column | None:
    own = (column for column in sealed.columns if column.name != UNIT) if sealed else iter(())
    return next((column for column in own if column.name == name), None)


def _of(sealed: SealedTable, column: Column) -> str:
    return f"{sealed.name}.{column.name}"


def _no(rule: str, where: str, what: str, next: str) -> Finding:
    return Finding(rule, CLAUSE, where, what, next)
