"""All checks of one file, in order: its bytes, its header line, its values, its generic identifiers.

Source: EM XII.A; EM XII.B; DSA VI.A.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from enclave.errors import Finding, Invalid, Refused
from enclave.intake.checks import FORMAT_RULES, content_findings, header_findings, looks_like_header
from enclave.intake.generic import form_findings, resemblance_findings
from enclave.intake.names import Layout
from enclave.intake.sheet import Sheet, open_sheet
from enclave.intake.textfile import blank_lines, read_columns, scan
from enclave.terms import GENERIC_ID


@dataclass(frozen=True)
class Examined:
    """What came of the checks; `sheet` is None where the header line leaves nothing to read."""

    columns: tuple[str, ...]
    rows: int
    findings: tuple[Finding, ...]
    sheet: Sheet | None


@contextmanager
def examine(plain: Path, name: str, layout: Layout, spool: Path) -> Iterator[Examined]:
    """Run every check on a file and give everything found at once.

    Parameters
    ----------
    plain : Path
    name : str
        The file's name, for findings.
    spool : Path
        Private folder for what is made on the way. A file that lies in it is gone when it has been read.
    """
    columns = read_columns(plain)
    findings = list(header_findings(columns, layout, name))
    scanned = scan(plain, len(columns))
    findings += scanned.findings(name)
    if scanned.rows == 0 and layout.contents != "finder":
        findings.append(Finding("no-rows", "EM XII.A", name, "the file has no records", "Send the whole file."))
    if not looks_like_header(columns, layout) or scanned.bad_lines & {1}:
        yield Examined(columns, scanned.rows, tuple(findings), None)
        return
    readable = plain
    if scanned.bad_lines:
        readable = spool / "readable"
        blank_lines(plain, readable, scanned.bad_lines, len(columns))
    with open_sheet(readable, name, _unambiguous(columns, layout), spool, scanned.bad_lines) as sheet:
        for opened in {plain, readable}:
            if opened.parent == spool:  # in memory, and not read again; a file of the agency's own stays
                opened.unlink()
        known = _present(layout, sheet.columns)
        findings += content_findings(sheet, known)
        if GENERIC_ID in sheet.columns and layout.contents != "finder":
            findings += form_findings(sheet, layout)
            if layout.contents == "matching":
                findings += resemblance_findings(sheet, layout)
        yield Examined(columns, scanned.rows, tuple(findings), sheet)


def turn_away(subject: str, findings: Iterable[Finding]) -> None:
    """Raise what the findings call for; nothing when there are none.

    Raises
    ------
    Invalid
        If the file is only malformed.
    Refused
        If a rule of the agreement says no.
    """
    found = tuple(findings)
    if found and all(finding.rule in FORMAT_RULES for finding in found):
        raise Invalid(subject, found)
    if found:
        raise Refused(subject, found)


def _unambiguous(columns: tuple[str, ...], layout: Layout) -> tuple[str, ...]:
    """Name each column once; those that are not approved, or repeat, get names nobody asks for."""
    names: list[str] = []
    for place, column in enumerate(columns):
        names.append(column if column in layout.columns and column not in names else f"_column{place}")
    return tuple(names)


def _present(layout: Layout, columns: tuple[str, ...]) -> Layout:
    """Cut the layout to the columns there are, so that one missing column hides no other finding."""
    elements = {name: element for name, element in layout.elements.items() if name in columns}
    unique = layout.unique if set(layout.unique) <= set(columns) else ()
    return Layout(layout.source, layout.contents, layout.columns, elements, unique)
