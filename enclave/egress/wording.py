"""The words of a request that leave with it: what is plain passes, anything that could carry data goes to a person.

Title, audience, population, notes and the tables' titles stand in the package's first page and disclosure record.
A number in them that is no displayed count, a word nobody would write, or a long text could be a way out.

Source: DSA VI.G.1; DSA III.G.2.c.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from enclave.agreement import Agreement
from enclave.clauses import clauses
from enclave.errors import Finding
from p20kit.protection import Protected
from p20kit.request import Request

LONGEST_TEXT, LONGEST_WORD = 600, 30
_NUMBER = re.compile(r"(?:19|20)\d\d-\d\d\b|\d+(?:[.,]\d+)*|\b(?:zero|one|two|three|four|five)\b", re.IGNORECASE)
_YEAR = re.compile(r"(?:19|20)\d\d(?:-\d\d)?")
_BETWEEN = re.compile(r"[\s,;:.()<>=\[\]\"'/|]+")


def wording(request: Request, protected: Protected, agreement: Agreement) -> list[Finding]:
    """Say which texts a person must read before they leave.

    Source: DSA VI.G.1; DSA III.G.2.c.

    Parameters
    ----------
    agreement : Agreement
        The names it gives (Data Request, reports, questions) and the documents' clauses are no data.
    """
    allowed = _displayed(protected)
    names = [agreement.dr, agreement.title, *(r.id for r in agreement.reports), *(q.id for q in agreement.questions)]
    names += clauses()
    texts = _texts(request)
    findings = [
        _look(where, what)
        for where, text in texts.items()
        for what in _odd(_without(text, names), allowed)
    ]  # fmt: skip
    total = sum(map(len, texts.values()))
    if total > LONGEST_TEXT:
        findings.append(_look("request", f"its texts have {total} characters, more than {LONGEST_TEXT}"))
    return findings


def naming(request: Request) -> list[Finding]:
    """Refuse a request whose words, names or labels hold the id of a person it counts.

    Source: DSA III.G.2.c.
    """
    persons = {person.casefold() for table in request.tables for person in table.basis.get(table.unit, ())}
    places = {
        **_texts(request),
        **{f"names of {t.name}": " ".join([t.name, t.unit, *t.by, *t.sources.values()]) for t in request.tables},
        **{
            f"{t.name}.{column}": " ".join(t.labels(column))
            for t in request.tables
            for column in t.by
        },
    }  # fmt: skip
    return [
        Finding("person-id", "DSA III.G.2.c", where, f"it holds the ids of {found} persons", "Leave them out.")
        for where, text in places.items()
        if (found := len(persons & {word.casefold() for word in _BETWEEN.split(text)}))
    ]


def _texts(request: Request) -> dict[str, str]:
    return {
        "title": request.title,
        "audience": request.audience,
        "population": request.population,
        "notes": request.notes,
        **{f"title of table {n}": table.title or table.name for n, table in enumerate(request.tables, start=1)},
    }


def _displayed(protected: Protected) -> set[str]:
    counts = {
        int(count)
        for table, shown in zip(protected.tables, protected.shown, strict=True)
        for count in table.counts[shown]
    }
    return {form for count in counts for form in (str(count), f"{count:,}")}


def _without(text: str, names: list[str]) -> str:
    known = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return re.sub(rf"\b(?:{known})\b", "", text)


def _odd(text: str, allowed: set[str]) -> Iterator[str]:
    numbers = [n for n in _NUMBER.findall(text) if n not in allowed and not _YEAR.fullmatch(n)]
    if numbers:
        yield f"{len(numbers)} numbers in it are no displayed count, year or number of the agreement"
    if any(len(word) > LONGEST_WORD for word in _BETWEEN.split(text)):
        yield f"it has words of more than {LONGEST_WORD} characters"


def _look(where: str, what: str) -> Finding:
    next = "A person reads the text before it leaves, or it is made shorter and plain."
    return Finding("wording", "DSA VI.G.1", where, what, next)
