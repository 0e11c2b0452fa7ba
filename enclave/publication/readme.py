"""The first page of a package, for people: HTML that prints well, and the same as plain text.

Source: DSA VI.G.2.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from enclave.agreement import Policy
from enclave.egress import Clearance

_WIDTH = 100

ALWAYS = (
    "Counts are of distinct individuals.",
    "A hidden cell holds too few individuals, or would let someone work out a cell that does.",
    "Individual level records are not part of this package and may not be published in any form.",
)


@cache
def template(name: str) -> jinja2.Template:
    """Give a page of this folder; every value in it is escaped."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(Path(__file__).with_name(name).read_text("utf-8"))


def html_page(clearance: Clearance, policy: Policy, published_on: date) -> str:
    """Give README.html: no script, nothing loaded from elsewhere."""
    return template("readme.html.j2").render(**said(clearance, policy, published_on))


def text_page(clearance: Clearance, policy: Policy, published_on: date) -> str:
    """Give README.txt; the acknowledgement stands on one line, verbatim (DSA VI.G.2)."""
    words = said(clearance, policy, published_on)
    lines = [words["title"], "=" * min(len(words["title"]), _WIDTH), ""]
    lines += [f"{label:<14}{value}" for label, value in words["facts"]]
    lines += ["", "Questions it answers"]
    lines += [line for id, text in words["questions"] for line in _item(f"{id}  {text}")]
    lines += ["", "As-of dates"]
    lines += [line for source, day in words["as_of"] for line in _item(f"{source}: {day}")]
    lines += ["", "Results"]
    lines += [line for artefact in clearance.artefacts for line in _item(f"results/{artefact.name}")]
    lines += ["", "On suppression"]
    lines += [line for note in words["notes"] for line in _item(note)]
    return "\n".join([*lines, "", "Acknowledgement", words["acknowledgement"], ""])


def said(clearance: Clearance, policy: Policy, published_on: date) -> dict[str, Any]:
    """Give what a reader must know of a package, each part under its name."""
    agreement = policy.agreement
    report = next((r for r in agreement.reports if r.id == clearance.report), None)
    texts = {question.id: question.text for question in agreement.questions}
    names = [(policy.party(code), code) for code in clearance.agencies or policy.agencies]
    facts = [
        ("Report", f"{clearance.report} - {report.title}" if report else clearance.report),
        ("For", clearance.audience),
        ("Data Request", f"{clearance.project}, {agreement.title}"),
        ("Request", clearance.request_id),
        ("Data of", "; ".join(party.name if party else code for party, code in names)),
        ("Cleared on", clearance.cleared_on.isoformat()),
        ("Published on", published_on.isoformat()),
    ]
    return {
        "title": clearance.title,
        "facts": facts,
        "questions": [(id, texts.get(id, "")) for id in clearance.questions],
        "as_of": _pairs(clearance.record.get("as_of")) or [("all sources", "not recorded")],
        "artefacts": clearance.artefacts,
        "notes": [_thresholds(policy), *ALWAYS, *map(str, clearance.record.get("notes") or ())],
        "acknowledgement": agreement.acknowledgement,
    }


def _thresholds(policy: Policy) -> str:
    zeros = "A count of zero is hidden like any other small count." if policy.cells.zeros == "hidden" else ""
    return (
        f"No count below {policy.cells.minimum_count} and no rate, mean or other formula over fewer than "
        f"{policy.cells.minimum_base} individuals is shown. {zeros}"
    ).strip()


def _pairs(value: Any) -> list[tuple[str, str]]:
    """Give source and date, whether the record keeps them as a mapping or as a list of sentences."""
    if isinstance(value, Mapping):
        return [(str(source), str(day)) for source, day in sorted(value.items())]
    return [("", str(line)) for line in value or ()]


def _item(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent="- ", subsequent_indent="  ", break_long_words=False)
