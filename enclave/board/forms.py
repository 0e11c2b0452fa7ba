"""The request form (Exhibit A) as text: blank, or filled in from what is registered, with what was decided on it.

Source: ExA 1.a; ExA 2.a; ExA 2.g; ExA 2.h; ExA 3.c; ExA 4.b; EM XI.B.
"""

from __future__ import annotations

from collections.abc import Iterator

from enclave import papers
from enclave.agreement import InForce, Policy, flow_of, of
from enclave.agreement.model import Agreement
from enclave.board.motion import Motion, motions
from enclave.people import Listing, Person
from enclave.store import View

_BLANK = "________"
_FORM = (
    ("", "1. Basic data request information"),
    ("1.a", "Application submission date"),
    ("1.b", "Type of submission"),
    ("1.c", "P20 WIN Data Request number"),
    ("1.d", "Data request title"),
    ("1.e", "Agencies from which data is requested"),
    ("1.f", "With whom it has been discussed"),
    ("", "2. Requestor"),
    ("2.a-f", "Name, title, organization, address, e-mail, telephone"),
    ("2.g", "All other persons of the requestor's organization"),
    ("2.h", "All other persons of the agencies, with purpose and explanation"),
    ("", "3. Alignment of purpose and scope"),
    ("3.a", "Data, years and cohorts"),
    ("3.b", "Purpose, and how it is an audit or evaluation"),
    ("3.c", "Benefit, and whose programmes are evaluated"),
    ("3.d", "Method of analysis, and software"),
    ("3.e", "Documents and reports, with audience and indicators"),
    ("3.f", "Methods against re-identification"),
    ("", "4. Protection of confidentiality"),
    ("4.a", "Date by which data are destroyed"),
    ("4.b", "Statements of the requestor"),
    ("6", "Signature of the requestor"),
)
"""The sections and questions of the form, in its order."""


def blank_form() -> str:
    """Give the request form to be filled in; the statements of 4.b stand in full.

    Source: ExA 1.a; ExA 4.b.
    """
    statements = [f"- [ ] {words}" for words in papers.kind_of("exhibit-a").items.values()]
    return _written("Data Request Document", {"4.b": statements})


def filled_form(view: View, project: str) -> str:
    """Give the request form as registered, and the history of what was decided on it.

    Source: ExA 1.a; ExA 4.b; EM XI.B.

    Raises
    ------
    Refused
        If no such request is registered.
    """
    known = of(view, project)
    agreement = known.policy.agreement
    said = {
        **_basic(view, agreement),
        **_scope(known.policy),
        **_people(view, known),
        **_confidentiality(view, known),
    }
    history = [line for motion in motions(view, project) for line in _decided(motion)]
    return _written(f"Data Request Document {project}", said) + "\n".join(["", "## Decisions", *history, ""])


def _written(title: str, said: dict[str, list[str]]) -> str:
    lines = [f"# {title}", ""]
    for number, words in _FORM:
        answer = [f"**{number} {words}**", "", *(said.get(number) or [_BLANK])]
        lines += [*(answer if number else [f"## {words}"]), ""]
    return "\n".join(lines)


def _basic(view: View, agreement: Agreement) -> dict[str, list[str]]:
    asked = motions(view, agreement.dr)
    agencies = [party for party in agreement.parties if agreement.elements.get(party.code)]
    requestor = agreement.requestor.model_dump().values() if agreement.requestor else ()
    return {
        "1.a": [str(agreement.submitted_on or _BLANK)],
        "1.b": [asked[-1].asks if asked else _BLANK],
        "1.c": [agreement.dr],
        "1.d": [agreement.title],
        "1.e": [f"- {party.name}: {party.legal_basis}" for party in agencies],
        "1.f": [f"- {each.agency}: {each.who}" for each in agreement.discussed_with],
        "2.a-f": [", ".join(requestor)] if requestor else [],
    }


def _scope(policy: Policy) -> dict[str, list[str]]:
    agreement = policy.agreement
    benefit = agreement.benefit
    elements = {agency: sum(not e.matching for e in rows) for agency, rows in agreement.elements.items()}
    return {
        "3.a": [
            *(f"- {agency}: {count} data elements" for agency, count in elements.items()),
            *(f"- {school.name}" for school in agreement.schools),
            "",
            *flow_of(policy).words,
        ],
        "3.b": [agreement.purpose, "", *(f"- {question.id} {question.text}" for question in agreement.questions)],
        "3.c": [benefit.text, "", f"Evaluated: {', '.join(benefit.evaluates)}"] if benefit else [],
        "3.d": [agreement.method, "", f"Software: {', '.join(agreement.software)}"],
        "3.e": [f"- {each.title}; for {each.audience}: {', '.join(each.indicators)}" for each in agreement.reports],
        "3.f": [f"{', '.join(agreement.methods)}. {agreement.security_plan}"],
    }


def _people(view: View, known: InForce) -> dict[str, list[str]]:
    lists: dict[str, list[str]] = {"2.g": [], "2.h": []}
    for listing in view.find(Listing, known.project):
        person = view.get(Person, listing.person)
        if person is not None and listing.basis in lists:
            why = f"; purpose {listing.purpose}: {listing.justification}" if listing.purpose else ""
            lists[listing.basis].append(f"- {person.name}, {person.organization}, {person.position}{why}")
    return lists


def _confidentiality(view: View, known: InForce) -> dict[str, list[str]]:
    given = papers.versions(view, "exhibit-a", known.project)
    ticked = given[-1].ticked if given else {}
    statements = papers.kind_of("exhibit-a").items.items()
    signed = {item: f" ({mark.on}, {mark.by})" for item, mark in ticked.items()}
    return {
        "4.a": [str(known.policy.retention.destroy_by)],
        "4.b": [f"- [{'x' if item in signed else ' '}] {words}{signed.get(item, '')}" for item, words in statements],
        "6": [f"{given[-1].added.on}, SHA-256 {given[-1].kept.sha256}"] if given else [],
    }


def _decided(motion: Motion) -> Iterator[str]:
    yield f"- {motion.asked_on} {motion.asks} asked by {motion.by}: {motion.state}"
    for agency, elements in motion.refused.items():
        yield from (f"  - {agency} does not share {name}: {reason}" for name, reason in elements.items())
    for party, answer in motion.answers.items():
        reason = f": {answer.reason}" if answer.reason else ""
        yield f"  - {answer.on} {party}, {answer.decision}{reason}"
