"""Generic identifiers: name the agency, are drawn at random, and bear no resemblance to any identifier.

What can be found is found: the form, a whole or partial identifier inside, the plain hash of one (MD5, SHA-1,
SHA-256 in hex, base32 or base64, also cut short), and an order that follows an identifier's. A hash with an
agency's secret salt looks random and cannot be told apart; the agreement forbids it all the same.

Source: EM XII.B.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from enclave.agreement import Element
from enclave.errors import Finding
from enclave.intake.names import Layout
from enclave.intake.sheet import Sheet, quoted, text
from enclave.terms import GENERIC_ID

CLAUSE = "EM XII.B"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
LENGTH = 16
_REDRAW = "Draw new identifiers at random: AGENCY- and 16 random base32 characters."
_HASHES = ("md5", "sha1", "sha256")
_CHANCE_OF_FOUR = (LENGTH - 3) / len(LETTERS) ** 4
"""Chance that 16 random characters hold four given ones somewhere."""


def form_findings(sheet: Sheet, layout: Layout) -> Iterator[Finding]:
    """Check prefix and form of the generic identifiers of any agency file."""
    pattern = f"{layout.source}-[A-Z2-7]{{{LENGTH}}}"
    condition = f"{quoted(GENERIC_ID)} is not null and not regexp_full_match({quoted(GENERIC_ID)}, {text(pattern)})"
    (count,) = sheet.count_each([condition])
    if count:
        what = f"{count} generic identifiers are not {layout.source}- and {LENGTH} base32 characters"
        yield sheet.finding("generic-id-form", CLAUSE, what, _REDRAW, condition, count)


def resemblance_findings(sheet: Sheet, layout: Layout) -> Iterator[Finding]:
    """Look for any part, hash or order of the identifiers of a matching file in its generic identifiers."""
    identifiers = {n: e for n, e in layout.elements.items() if n in sheet.columns and e.kind != "code"}
    if not identifiers:
        return
    _draw(sheet, layout)
    (rows,) = sheet.row("select count(*) from drawn")
    yield from _contained(sheet, identifiers, int(rows))
    yield from _hashed(sheet, identifiers)
    yield from _ordered(sheet, identifiers)


def _draw(sheet: Sheet, layout: Layout) -> None:
    """Make the view ``drawn``: what stands after the prefix, its bits (hex), and the row's identifiers.

    It is no table: of what is read from the file, the engine looks at each different value once.
    """
    body = f"replace({quoted(GENERIC_ID)}, {text(layout.source + '-')}, '')"
    strict = f"'[A-Z2-7]{{{LENGTH}}}'"
    sheet.rows(
        "create or replace temp view drawn as select *,"  # noqa: S608 - names of the policy
        f" case when regexp_matches(_id, '^' || {strict}) then {_half(1)} || {_half(9)} end as _bits,"
        " regexp_matches(_id, '[0-9]{4}|([0-9][A-Z]*){6}') as _numbered"
        f" from (select *, regexp_full_match(_body, {strict}) as _strict,"
        " upper(regexp_replace(_body, '[^A-Za-z0-9]', '', 'g')) as _id"
        f" from (select *, {body} as _body from sheet where {quoted(GENERIC_ID)} is not null))"
    )


def _digits(column: str) -> str:
    return f"regexp_replace({column}, '[^0-9]+', '', 'g')"


def _letters(value: str) -> str:
    return f"regexp_replace({value}, '[^A-Z]+', '', 'g')"


def _contained(sheet: Sheet, identifiers: dict[str, Element], rows: int) -> Iterator[Finding]:
    """Find identifiers inside. Four characters may meet by chance, so those are refused beyond chance only."""
    alike = {name: _alike(quoted(name)) for name in identifiers}
    counts = iter(sheet.count_each([f"{sql} {some}" for sql in alike.values() for some in (_WHOLE, _PART)], "drawn"))
    for name, wholes, parts in zip(identifiers, counts, counts, strict=True):
        if wholes or parts > _allowance(rows):
            some, count = (_WHOLE, wholes) if wholes else (_PART, parts)
            what = f"{count} generic identifiers contain {'' if wholes else 'four characters of '}the row's {name}"
            yield _finding(sheet, "generic-id-contains", what, f"{alike[name]} {some}", count)


_WHOLE, _PART = ">= 2", "in (1, 3)"


def _alike(column: str) -> str:
    """Give the SQL of how much of an identifier stands in a generic one: 2 for all of it, 1 for four characters.

    What cannot be there is not looked for: most hold neither four digits in a row nor six in all, and not the first
    four letters.
    """
    digits, letters = _digits(column), _letters(f"upper({column})")
    inside = f"contains(_id, {digits}) or contains(reverse(_id), {digits}) or contains({_digits('_id')}, {digits})"
    number = (
        f"case when _numbered and length({digits}) >= 6"
        f" then 2 * ({inside})::int + contains(_id, right({digits}, 4))::int else 0 end"
    )
    four = _letters(f"regexp_extract(upper({column}), '[A-Z]([^A-Z]*[A-Z]){{3}}')")
    word = (
        f"case when contains(_id, rpad({four}, 4, '-'))"
        f" then 2 * (length({letters}) >= 6 and contains(_id, {letters}))::int + 1 else 0 end"
    )
    return f"({number} | {word})"


def _allowance(rows: int) -> float:
    expected = 2 * rows * _CHANCE_OF_FOUR
    return 0 if expected < 0.01 else expected + 5 * math.sqrt(expected) + 1


def _hashed(sheet: Sheet, identifiers: dict[str, Element]) -> Iterator[Finding]:
    """Find plain hashes of identifiers, whole or cut to the generic identifier's length."""
    (loose,) = sheet.count_each(["not _strict"], "drawn")
    looks = [(name, _is_hash_of(spellings, bool(loose))) for name, spellings in _spellings(identifiers)]
    counts = sheet.count_each([condition for _, condition in looks], "drawn")
    for (name, condition), count in zip(looks, counts, strict=True):
        if count:
            what = f"{count} generic identifiers are a hash of the row's {name}"
            yield _finding(sheet, "generic-id-hash", what, condition, count)


def _is_hash_of(spellings: list[str], loose: bool) -> str:
    """Give the SQL of whether a generic identifier is a hash of a value in one of its spellings.

    Other forms of a hash than base32 are looked for where some identifiers are not of the form agreed on.
    """
    is_hash = _is_hash if loose else _is_strict_hash
    first, *others = ((value, " or ".join(is_hash(f"{how}({value})") for how in _HASHES)) for value in spellings)
    looks = [first[1], *(f"({value} <> {first[0]} and ({look}))" for value, look in others)]
    return f"case when length(_id) >= 6 and ({' or '.join(looks)}) then true end"


def _spellings(identifiers: dict[str, Element]) -> Iterator[tuple[str, list[str]]]:
    """Give, by element, the SQL of each way in which its value may have been written before hashing."""
    for name, element in identifiers.items():
        column = quoted(name)
        if element.links_as == "middle_name":
            continue
        if element.links_as == "ssn":
            dashed = f"{column}[1:3] || '-' || {column}[4:5] || '-' || {column}[6:9]"
            yield name, [column, dashed]
        elif element.kind == "date":
            yield name, [column, f"{column}[1:4] || '-' || {column}[5:6] || '-' || {column}[7:8]"]
        elif element.pattern:
            yield name, [column]
        else:
            yield name, [column, f"upper({column})", f"lower({column})"]
    roles = {element.links_as: quoted(name) for name, element in identifiers.items()}
    if roles.keys() >= {"first_name", "last_name", "dob"}:
        first, last, born = (roles[role] for role in ("first_name", "last_name", "dob"))
        for order in ((first, last, born), (last, first, born)):
            joined = f"concat({', '.join(order)})"
            yield "names and date of birth", [joined, f"upper({joined})", f"lower({joined})"]


def _half(start: int) -> str:
    """Decode eight base32 characters of the identifier to ten hexadecimal digits."""
    terms = (f"(instr('{LETTERS}', _id[{start + n}]) - 1) * {32 ** (7 - n)}::bigint" for n in range(8))
    return f"lpad(lower(to_hex({' + '.join(terms)})), 10, '0')"


def _is_hash(hashed: str) -> str:
    other = (
        f"starts_with({hashed}, lower(_id)) or ends_with({hashed}, lower(_id)) or"
        f" starts_with(replace(replace(to_base64(unhex({hashed})), '+', '-'), '/', '_'),"
        " replace(replace(rtrim(_body, '='), '+', '-'), '/', '_'))"
    )
    return f"{_is_strict_hash(hashed)} or (not _strict and ({other}))"


def _is_strict_hash(hashed: str) -> str:
    return f"starts_with({hashed}, _bits)"


def _ordered(sheet: Sheet, identifiers: dict[str, Element]) -> Iterator[Finding]:
    """Find generic identifiers whose order follows an identifier's: numbered along a sorted list."""
    sheet.rows(
        "create or replace temp table places as select _line, rank() over (order by _body) as place from drawn"
    )
    columns = [quoted(name) for name in identifiers]
    rows, *counts = sheet.row(f"select count(*), {', '.join(f'count({column})' for column in columns)} from drawn")  # noqa: S608
    for name, column, known in zip(identifiers, columns, counts, strict=True):
        if known < 10:
            continue
        # among rows that all have a value a place is a rank; a value's rank is found once, however many rows have it
        mine = "place" if known == rows else "rank() over (order by place)"
        (correlation,) = sheet.row(
            f"with known as (select {column} as value, place from sheet join places using (_line)"  # noqa: S608
            " where value is not null),"
            " counted as (select value, count(*) as times from known group by 1),"
            " ranked as (select value, 1 + sum(times) over (order by value) - times as theirs from counted)"
            f" select corr(mine, theirs) from (select {mine} as mine, theirs from known join ranked using (value))"
        )
        if correlation is None or math.isnan(correlation):
            continue
        if abs(correlation) >= min(max(0.1, 6 / math.sqrt(known)), 0.9999):
            what = f"the order of the generic identifiers follows {name} (rank correlation {correlation:.2f})"
            yield Finding("generic-id-order", CLAUSE, sheet.name, what, _REDRAW)


def _finding(sheet: Sheet, rule: str, what: str, condition: str, count: int) -> Finding:
    lines = f"_line in (select _line from drawn where {condition})"  # noqa: S608
    return sheet.finding(rule, CLAUSE, what, _REDRAW, lines, count)
