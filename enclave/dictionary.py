"""Each agency's data elements, read from the programme's own data dictionary; it holds no data.

A definition that changed, came or went is entered with the import that brought it; who answers for an element is its
agency's steward.

Source: EM III.A.3.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
from zipfile import BadZipFile

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from enclave.errors import Finding, Invalid, invalid
from enclave.ledger import Detail, Entry
from enclave.store import Transaction, View

_COLUMNS = (
    "Agency",
    "Program",
    "Data Category",
    "Data Element Name",
    "Data Element Definition",
    "Data Type",
    "Years Available",
)
_CODE = re.compile(r"\s*\(([A-Za-z][A-Za-z0-9-]*)\)\s*$")
_YEAR = re.compile(r"\b(?:19|20)\d{2}\b")
_OPEN = re.compile(r"current|present|-\s*$", re.IGNORECASE)
_NOTHING = {"", "not available", "n/a"}
_CLAUSE = "EM III.A.3"


@dataclass(frozen=True)
class DictionaryElement:
    """One element an agency keeps.

    Parameters
    ----------
    agency, code : str
        The agency's full name, and its short code (``SDE``).
    program, category, name, definition, data_type : str
        As the agency wrote them; empty where it wrote ``Not Available``.
    years : str
        Years available, as written.
    first_year, last_year : int or None
        What `years` says where it can be read; `last_year` None with a `first_year` means "to the present".
    """

    agency: str
    code: str
    program: str
    category: str
    name: str
    definition: str
    data_type: str
    years: str
    first_year: int | None
    last_year: int | None


@dataclass(frozen=True)
class AgencyDictionary:
    """All elements of one agency, and the digest of the file they came from.

    `version` counts the imports in which something of them was another than before.
    """

    KIND: ClassVar[str] = "dictionary"
    project: ClassVar[str] = ""
    code: str
    agency: str
    file_sha256: str
    elements: tuple[DictionaryElement, ...]
    version: int = 1

    @property
    def key(self) -> str:
        """The agency's code."""
        return self.code


@dataclass(frozen=True)
class Imported:
    """What an import brought: elements by agency code, and what was untidy."""

    counts: dict[str, int]
    findings: tuple[Finding, ...]


def read_dictionary(path: Path) -> tuple[DictionaryElement, ...]:
    """Read the programme's data dictionary.

    Source: EM III.A.3.

    Raises
    ------
    Invalid
        If it is no workbook, or a column is missing.
    """
    return _read(path)[0]


def import_dictionary(tx: Transaction, path: Path, actor: str) -> Imported:
    """Read the dictionary and keep it by agency, in place of the one before; what differs is entered.

    Source: EM III.A.3.
    """
    elements, findings = _read(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    counts = dict(sorted(Counter(e.code for e in elements).items()))
    for known in tx.find(AgencyDictionary):
        if known.code not in counts:
            tx.delete(known, Entry(actor, "dictionary.remove", known.code, clause=_CLAUSE))
    for code, count in counts.items():
        own, before = tuple(e for e in elements if e.code == code), tx.get(AgencyDictionary, code)
        differs = _differences(before.elements, own) if before else {}
        version = before.version + bool(differs) if before else 1
        details: dict[str, Detail] = {"elements": count, "version": version, "sha256": digest, **differs}
        entry = Entry(actor, "dictionary.import", code, clause=_CLAUSE, details=details)
        tx.write(AgencyDictionary(code, own[0].agency, digest, own, version), entry)
    return Imported(counts, findings)


def _differences(before: Sequence[DictionaryElement], now: Sequence[DictionaryElement]) -> dict[str, list[str]]:
    """Name the elements that came, went, or are defined otherwise; one name may stand in several programmes."""
    old, new = ({f"{e.program}: {e.name}": e for e in each} for each in (before, now))
    found = {
        "added": sorted(new.keys() - old.keys()),
        "removed": sorted(old.keys() - new.keys()),
        "changed": sorted(name for name in old.keys() & new.keys() if old[name] != new[name]),
    }
    return {what: names for what, names in found.items() if names}


def by_agency(view: View) -> dict[str, int]:
    """Count the elements of each agency."""
    return {kept.code: len(kept.elements) for kept in view.find(AgencyDictionary)}


def elements(view: View, agency: str) -> tuple[DictionaryElement, ...]:
    """Give the elements of one agency, by its code.

    Raises
    ------
    Invalid
        If the dictionary does not know the agency.
    """
    kept = view.get(AgencyDictionary, agency.strip().upper())
    if kept is None:
        known = ", ".join(by_agency(view)) or "none; import the dictionary first"
        raise invalid("dictionary", "agency", _CLAUSE, "no such agency in the dictionary", f"Known: {known}.")
    return kept.elements


def parse_years(text: str) -> tuple[int | None, int | None]:
    """Give the first and last year of a free text such as ``2006-07 To Present``; None where it says nothing."""
    before_remark = text.split("(")[0].strip()
    found = [int(year) for year in _YEAR.findall(before_remark)]
    if not found:
        return None, None
    if _OPEN.search(before_remark):
        return found[0], None
    return found[0], found[-1]


def _read(path: Path) -> tuple[tuple[DictionaryElement, ...], tuple[Finding, ...]]:
    rows = _rows(path)
    header = next(rows, ())
    absent = [name for name in _COLUMNS if name not in header]
    if absent:
        what = f"columns missing: {', '.join(absent)}"
        raise invalid(path.name, "dictionary-columns", _CLAUSE, what, "Give the programme's own workbook.")
    places = [list(header).index(name) for name in _COLUMNS]
    cells = [tuple(row[place] if place < len(row) else "" for place in places) for row in rows]
    numbered = [(number, row) for number, row in enumerate(cells, start=2) if any(row)]
    nameless = [number for number, row in numbered if not row[0] or not row[3]]
    if nameless:
        lines = ", ".join(map(str, nameless[:5]))
        finding = Finding(
            "dictionary-element", _CLAUSE, f"rows {lines}", f"{len(nameless)} without agency or name", "Fill them in."
        )
        raise Invalid(path.name, [finding])
    names = _agencies([row[0] for _, row in numbered])
    found = tuple(_element(row, *names[_bare(row[0])]) for _, row in numbered)
    return found, (*_spellings(path, [row[0] for _, row in numbered]), *_years(path, found))


def _rows(path: Path) -> Iterator[tuple[str, ...]]:
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (BadZipFile, InvalidFileException, KeyError, OSError) as error:
        raise invalid(
            path.name, "dictionary-file", _CLAUSE, "not a workbook", "Give the programme's own .xlsx file."
        ) from error
    try:
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # the programme's file claims to be one cell large
        for row in sheet.iter_rows(values_only=True):
            yield tuple("" if value is None else str(value).strip() for value in row)
    finally:
        book.close()


def _element(row: Sequence[str], agency: str, code: str) -> DictionaryElement:
    program, category, name, definition, data_type, years = (
        "" if value.lower() in _NOTHING else value for value in row[1:]
    )
    return DictionaryElement(agency, code, program, category, name, definition, data_type, years, *parse_years(years))


def _bare(agency: str) -> str:
    return _CODE.sub("", agency).casefold()


def _agencies(names: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Give (full name, code) by bare name: the spelling with a code in brackets wins."""
    known: dict[str, tuple[str, str]] = {}
    for name in names:
        bare = _CODE.sub("", name)
        code = _CODE.search(name)
        if code:
            known[_bare(name)] = (bare, code[1].upper())
        else:
            known.setdefault(_bare(name), (bare, "".join(w[0] for w in bare.split() if w[0].isupper())))
    return known


def _spellings(path: Path, names: Sequence[str]) -> Iterator[Finding]:
    spelt: dict[str, Counter[str]] = {}
    for name in names:
        spelt.setdefault(_bare(name), Counter())[name] += 1
    for forms in spelt.values():
        if len(forms) > 1:
            counts = ", ".join(f"{form} ({count} elements)" for form, count in sorted(forms.items()))
            what = f"one agency under {len(forms)} spellings: {counts}"
            yield Finding("agency-spelling", _CLAUSE, path.name, what, "Folded to one; ask the agency to choose.")


def _years(path: Path, found: Sequence[DictionaryElement]) -> Iterator[Finding]:
    silent = sum(not e.years for e in found)
    unread = sum(bool(e.years) and e.first_year is None for e in found)
    if silent or unread:
        what = f"years available not stated for {silent} elements, not readable for {unread}"
        yield Finding("years-available", _CLAUSE, path.name, what, "Kept as text; ask the agencies for years.")
