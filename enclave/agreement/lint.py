"""Conflicts and gaps of an agreement's documents, each with the reading that was taken.

A compiler of policies must not choose between two clauses in silence. What it finds here stands open until the
agreement records a reading (`assumed:`), and an agreement with an open conflict is not registered. Where the
documents themselves say which of two clauses prevails, that one is taken, and nobody is asked.

Source: DSA I (precedence); EM XVIII.F.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from enclave.agreement.documents import Documents, Statement
from enclave.agreement.model import Assumption
from enclave.errors import Finding

SETTLED: Mapping[str, str] = {
    "end of access": "DSA XI",
    "smallest cell": "DSA III.G.2.a",
    "base of a formula": "DSA III.G.2.b",
    "cells of nobody": "DSA III.G.2",
    "cells of everybody": "DSA III.G.2",
    "match data": "DSA III.F.3",
    "what is destroyed": "DSA VI.H",
    "notice of termination": "DSA XI",
}
"""What every agreement must settle, and the clause where it would."""
QUESTIONS = "research questions"
PROVIDERS = "agencies that provide data"


@dataclass(frozen=True)
class Conflict:
    """Something the documents leave open, or say in two ways.

    Parameters
    ----------
    rule : str
        disagree, ambiguous, silent, reference, roles, blank, element, question or provider.
    subject : str
        What it is about; the agreement's reading has the same name.
    clauses : tuple of str
        Where it stands.
    what : str
    taken, reason : str
        The reading recorded in the agreement, or what the clause that prevails says; empty while it is open.
    prevails, by : str
        The clause that prevails, and the one which says so; empty where the documents set no order.
    """

    rule: str
    subject: str
    clauses: tuple[str, ...]
    what: str
    taken: str = ""
    reason: str = ""
    prevails: str = ""
    by: str = ""

    @property
    def finding(self) -> Finding:
        """The open conflict as a finding with its next step."""
        advice = f"Ask the parties, and record the reading under `assumed:` with `about: {self.subject}`."
        return Finding("document-conflict", self.clauses[0], self.subject, self.what, advice)


def lint(documents: Documents, readings: Sequence[Assumption]) -> tuple[Conflict, ...]:
    """Find what the documents leave open or say in two ways.

    Parameters
    ----------
    documents : Documents
    readings : sequence of Assumption
        Of the agreement.

    Returns
    -------
    tuple of Conflict
        In the order of the rules; those without a reading have an empty `taken`.
    """
    taken = {reading.about: reading for reading in readings}
    rules = (_disagree, _ambiguous, _silent, _reference, _roles, _blank, _element, _question, _provider)
    found = (conflict for rule in rules for conflict in rule(documents))
    return tuple(_read(each, taken[each.subject]) if each.subject in taken else each for each in found)


def _read(conflict: Conflict, reading: Assumption) -> Conflict:
    """Take a reading; one against the clause that prevails leaves the conflict open."""
    if not conflict.prevails:
        return replace(conflict, taken=reading.taken, reason=reading.reason)
    if _same(reading.taken) == _same(conflict.taken):
        return conflict
    what = f"{conflict.what}; {conflict.prevails} prevails ({conflict.by}), and the reading taken is another"
    return replace(conflict, what=what, taken="", reason="")


def _by_subject(documents: Documents) -> dict[str, list[Statement]]:
    subjects: dict[str, list[Statement]] = {}
    for statement in documents.statements:
        subjects.setdefault(statement.subject, []).append(statement)
    return subjects


def _disagree(documents: Documents) -> Iterator[Conflict]:
    """Two clauses say different things of one subject."""
    for subject, statements in _by_subject(documents).items():
        if len({_said(statement) for statement in statements}) > 1:
            what = "; ".join(_difference(each, statements) for each in statements)
            found = Conflict("disagree", subject, tuple(each.clause for each in statements), what)
            yield _ordered(found, statements)


def _ordered(conflict: Conflict, statements: Sequence[Statement]) -> Conflict:
    """Let the clause prevail that the documents put before the others, where those before them say one thing.

    A definition of the agreement prevails over the Enterprise MOU's (DSA I); in the MOU the body prevails over its
    appendices (EM XVIII.F). The documents order nothing else.

    Source: DSA I (precedence); EM XVIII.F.
    """
    for by, before, after in _ORDER:
        first = [each for each in statements if before(each)]
        rest = [each for each in statements if not before(each)]
        if first and rest and all(map(after, rest)) and len({_said(each) for each in first}) == 1:
            says = first[0].says if isinstance(first[0].says, str) else ", ".join(first[0].says)
            reason = f"{first[0].clause} prevails ({by})"
            return replace(conflict, taken=says, reason=reason, prevails=first[0].clause, by=by)
    return conflict


def _of_appendix(statement: Statement) -> bool:
    return re.match(r"EM A\d", statement.clause) is not None


_ORDER: tuple[tuple[str, Callable[[Statement], bool], Callable[[Statement], bool]], ...] = (
    (
        "DSA I",
        lambda each: each.definition and each.clause.startswith("DSA "),
        lambda each: each.definition and each.clause.startswith("EM "),
    ),
    ("EM XVIII.F", lambda each: each.clause.startswith("EM ") and not _of_appendix(each), _of_appendix),
)
"""By which clause what stands before what."""


def _said(statement: Statement) -> frozenset[str]:
    names = [statement.says] if isinstance(statement.says, str) else statement.says
    return frozenset(map(_same, names))


def _same(words: str) -> str:
    return " ".join(words.split()).casefold()


def _difference(statement: Statement, every: Sequence[Statement]) -> str:
    """Say what a clause says; of a list, what not every other clause lists too."""
    if isinstance(statement.says, str):
        return f"{statement.clause} says {statement.says}"
    common = frozenset.intersection(*(_said(each) for each in every))
    own = [name for name in statement.says if " ".join(name.split()).casefold() not in common]
    return f"{statement.clause} also lists {', '.join(own)}" if own else f"{statement.clause} lists none of these"


def _ambiguous(documents: Documents) -> Iterator[Conflict]:
    """A clause can be read in more than one way."""
    for statement in documents.statements:
        if statement.may_mean:
            what = f"{statement.clause} may mean: {'; or '.join(statement.may_mean)}"
            yield Conflict("ambiguous", statement.subject, (statement.clause,), what)


def _silent(documents: Documents) -> Iterator[Conflict]:
    """No clause says what every agreement must settle."""
    said = _by_subject(documents)
    for subject, clause in SETTLED.items():
        if subject not in said:
            yield Conflict("silent", subject, (clause,), "no clause says anything of it")


def _reference(documents: Documents) -> Iterator[Conflict]:
    """A clause names another that does not exist or is about something else."""
    for reference in documents.references:
        wanted = reference.about.casefold()
        if wanted not in documents.headings.get(reference.to, "").casefold():
            there = documents.headings.get(reference.to)
            fitting = [clause for clause, heading in documents.headings.items() if wanted in heading.casefold()]
            is_about = f"is about: {there}" if there else "does not exist"
            meant = f"; {' or '.join(fitting)} is about {reference.about}" if fitting else ""
            what = f"{reference.clause} refers to {reference.to}, which {is_about}{meant}"
            yield Conflict("reference", f"reference to {reference.to}", (reference.clause, reference.to), what)


def _roles(documents: Documents) -> Iterator[Conflict]:
    """One party acts in two roles that watch each other."""
    for party in documents.parties:
        if len(party.roles) > 1:
            what = f"{party.clause} names it as {' and as '.join(party.roles)}"
            yield Conflict("roles", f"roles of the {party.name}", (party.clause,), what)


def _blank(documents: Documents) -> Iterator[Conflict]:
    """A column of the table of data elements was not filled in."""
    for column in ("source", "type", "format"):
        empty = [row.name for row in documents.elements if not getattr(row, column)]
        if empty:
            every = f"all {len(empty)} elements" if len(empty) == len(documents.elements) else ", ".join(empty)
            yield Conflict("blank", f"{column} of elements", ("ExA elements",), f"the {column} of {every} is empty")


def _element(documents: Documents) -> Iterator[Conflict]:
    """A clause speaks of columns that are no approved elements."""
    named = {row.name for row in documents.elements}
    missing = {clause: [c for c in columns if c not in named] for clause, columns in documents.used.items()}
    if any(missing.values()):
        what = "; ".join(f"{clause} speaks of {', '.join(columns)}" for clause, columns in missing.items() if columns)
        yield Conflict("element", "columns that are no elements", (*missing, "ExA elements"), what)


def _question(documents: Documents) -> Iterator[Conflict]:
    """A question has no element, or an element a question that some list of questions leaves out."""
    cited = {question for row in documents.elements for question in row.questions}
    lists = _by_subject(documents).get(QUESTIONS, [])
    asked = list(
        dict.fromkeys(question for each in lists if not isinstance(each.says, str) for question in each.says)
    )
    without = [question for question in asked if question not in cited]
    if without:
        what = f"no element of the table answers {', '.join(without)}"
        yield Conflict("question", "questions without elements", ("ExA elements",), what)
    for statement in lists:
        unlisted = sorted(cited.difference(statement.says))
        if unlisted:
            what = f"elements cite {', '.join(unlisted)}, which {statement.clause} does not list"
            yield Conflict("question", "elements without questions", (statement.clause, "ExA elements"), what)


def _provider(documents: Documents) -> Iterator[Conflict]:
    """An agency is named as a source of data, and the table names no element of it."""
    giving = {row.agency for row in documents.elements}
    for statement in _by_subject(documents).get(PROVIDERS, []):
        for agency in statement.says if not isinstance(statement.says, str) else (statement.says,):
            if agency not in giving:
                giving.add(agency)
                what = f"{statement.clause} names {agency}, of which the table of elements has none"
                yield Conflict("provider", f"elements of {agency}", (statement.clause, "ExA elements"), what)
