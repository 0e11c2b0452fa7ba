"""The words of a request that leave with it: what is plain passes, anything that could carry data goes to a person.

Title, audience, population, notes and the titles of tables, charts and models stand in the package. A number in them
that is no displayed figure, a word nobody would write, or a long text could be a way out.

Source: DSA VI.G.1; DSA III.G.2.c.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from p20kit.columns import Texts
from p20kit.errors import Finding
from p20kit.measures import CumulativeShare
from p20kit.request import Request

LONGEST_TEXT, LONGEST_WORD = 600, 30
_NUMBER = re.compile(r"(?:19|20)\d\d-\d\d\b|\d+(?:[.,]\d+)*|\b(?:zero|one|two|three|four|five)\b", re.IGNORECASE)
_YEAR = re.compile(r"(?:19|20)\d\d(?:-\d\d)?")
_BETWEEN = re.compile(r"[\s,;:.()<>=\[\]\"'/|]+")


def wording(request: Request, displayed: Iterable[float], names: Iterable[str]) -> list[Finding]:
    """Say which texts a person must read before they leave.

    Source: DSA VI.G.1; DSA III.G.2.c.

    Parameters
    ----------
    request : Request
    displayed : iterable of float
        Every figure that is displayed; to repeat one is no news.
    names : iterable of str
        What the agreement calls things (Data Request, reports, questions, clauses): no data.
    """
    allowed = {form for figure in displayed for form in _forms(figure)}
    known = known_words(names)
    texts = _texts(request)
    findings = [_look(where, what) for where, text in texts.items() for what in _odd(known.sub("", text), allowed)]
    total = sum(map(len, texts.values()))
    if total > LONGEST_TEXT:
        findings.append(_look("request", f"its texts have {total} characters, more than {LONGEST_TEXT}"))
    for part in request.texts:
        strange = len([*_strange(known.sub("", part.markdown), allowed)])
        what = f"it is a text of {len(part.markdown.split())} words; {strange} numbers in it are no displayed figure"
        advice = "A person reads it, and holds every number and name in it against what is displayed."
        findings.append(Finding("text", "DSA VI.G.1", part.name, what, advice))
    return findings


def naming(request: Request) -> list[Finding]:
    """Refuse a request whose words, names, labels or code hold the id of a person it counts.

    Source: DSA III.G.2.c.
    """
    persons = {person.casefold() for person in request.persons}
    return [
        Finding("person-id", "DSA III.G.2.c", where, f"it holds the ids of {found} persons", "Leave them out.")
        for where, text in _places(request)
        if (found := len(persons & {word.casefold() for word in _BETWEEN.split(text)}))
    ]


def plain(words: Iterable[str], names: Iterable[str]) -> frozenset[str]:
    """Give those of some texts that may stand as labels without anybody reading them: no numbers, no long words."""
    known = known_words(names)
    return frozenset(word for word in words if not any(_odd(known.sub("", word), set())))


def _places(request: Request) -> Iterator[tuple[str, str]]:
    yield from _texts(request).items()
    for table in request.tables:
        labels = [measure.label for measure in table.counted]
        labels += [code for m in table.counted if isinstance(m, CumulativeShare) for code in m.order]
        yield (
            f"names of {table.name}",
            " ".join([table.name, table.unit, *table.used, *table.sources.values(), *labels]),
        )
        for column in table.by:
            yield f"{table.name}.{column}", " ".join(table.labels(column))
    for model in request.models:
        said = [model.name, model.formula, *model.columns, *model.sources.values(), *model.reference.values()]
        held = [model.basis[name] for name in model.columns]
        words = {value for column in held if isinstance(column, Texts) for value in column.persons}
        yield f"names of {model.name}", " ".join([*said, *sorted(words)])
    for text in request.texts:
        yield text.name, f"{text.name} {text.title} {text.markdown}"
    for code in request.code:
        yield code.name, " ".join(code.written)
    for position, cell in enumerate(request.notebook, start=1):
        yield f"cell {position} of the notebook", cell


def _texts(request: Request) -> dict[str, str]:
    return {
        "title": request.title,
        "audience": request.audience,
        "population": request.population,
        "notes": request.notes,
        **{f"title of table {n}": table.title or table.name for n, table in enumerate(request.tables, start=1)},
        **{f"title of chart {n}": chart.title for n, chart in enumerate(request.charts, start=1)},
        **{f"title of model {n}": model.title or model.name for n, model in enumerate(request.models, start=1)},
        **{f"title of text {n}": text.title for n, text in enumerate(request.texts, start=1)},
        **{f"title of code {n}": code.title for n, code in enumerate(request.code, start=1)},
    }


def _forms(figure: float) -> Iterator[str]:
    yield f"{figure:g}"
    yield from (f"{figure:.{places}f}" for places in range(3) if round(figure, places) == figure)
    yield from (f"{figure:,.{places}f}" for places in range(3) if round(figure, places) == figure)


def known_words(names: Iterable[str]) -> re.Pattern[str]:
    """Give what finds the names of things in a text."""
    known = "|".join(re.escape(name) for name in sorted(filter(None, names), key=len, reverse=True))
    return re.compile(rf"\b(?:{known})\b" if known else r"(?!)")


def _strange(text: str, allowed: set[str]) -> Iterator[str]:
    return (n for n in _NUMBER.findall(text) if n not in allowed and not _YEAR.fullmatch(n))


def _odd(text: str, allowed: set[str]) -> Iterator[str]:
    numbers = [*_strange(text, allowed)]
    if numbers:
        yield f"{len(numbers)} numbers in it are no displayed figure, year or number of the agreement"
    if any(len(word) > LONGEST_WORD for word in _BETWEEN.split(text)):
        yield f"it has words of more than {LONGEST_WORD} characters"


def _look(where: str, what: str) -> Finding:
    next = "A person reads the text before it leaves, or it is made shorter and plain."
    return Finding("wording", "DSA VI.G.1", where, what, next)
