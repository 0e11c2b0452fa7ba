"""What may not stand in a text about an incident: anything that looks like data of a person.

Source: EM A2.1.B.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator

from enclave.errors import Finding, Invalid

CONTENT = "EM A2.1.B"

_NOT_TO_STAND = {
    "a number like an SSN": re.compile(r"(?<!\d)\d{3}[- .]?\d{2}[- .]?\d{4}(?!\d)"),
    "a number like a SASID": re.compile(r"(?<!\d)\d{10}(?!\d)"),
    "an e-mail address": re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+"),
    "a full date": re.compile(
        r"(?<!\d)(?:(?:19|20)\d\d[-/. ]?(?:0?[1-9]|1[0-2])[-/. ]?(?:0?[1-9]|[12]\d|3[01])"
        r"|(?:0?[1-9]|[12]\d|3[01])[-/.](?:0?[1-9]|[12]\d|3[01])[-/.](?:(?:19|20)\d\d|\d\d))(?!\d)"
        r"|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.? \d{1,2}(?:st|nd|rd|th)?,? (?:19|20)\d\d"
        r"|\b\d{1,2}(?:st|nd|rd|th)? (?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?,? (?:19|20)\d\d",
        re.IGNORECASE,
    ),
    "a generic identifier": re.compile(r"\b[A-Z][A-Z0-9]+-[A-Z2-7]{16}\b"),
}


def unsaid(texts: list[tuple[str, str]]) -> Iterator[Finding]:
    """Find what may be data of a person; the finding says which item and what kind, never the token."""
    for where, text in texts:
        plain = "".join("-" if unicodedata.category(c) == "Pd" else c for c in unicodedata.normalize("NFKC", text))
        for kind, pattern in _NOT_TO_STAND.items():
            count = len(pattern.findall(plain))
            if count:
                next = "Describe it without confidential data; times have fields of their own."
                yield Finding("confidential", CONTENT, where, f"{count} x {kind}", next)


def hold_clean(subject: str, where: str, text: str) -> str:
    """Give a text stripped, if it says something and holds no data of a person.

    Source: EM A2.1.B.

    Raises
    ------
    Invalid
        If it is empty or holds what looks like data of a person.
    """
    findings = list(unsaid([(where, text)]))
    if not text.strip():
        findings.append(Finding("item", CONTENT, where, "it is empty", "Say what has become known."))
    if findings:
        raise Invalid(subject, findings)
    return text.strip()


def digest(text: str) -> str:
    """Give the SHA-256 (hex) under which the ledger knows a text."""
    return hashlib.sha256(text.encode()).hexdigest()
