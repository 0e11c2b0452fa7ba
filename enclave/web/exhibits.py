"""Exhibits B and C: read and signed by each person on their own page, or recorded from paper with the scan.

Source: DSA VI.E; DSA III.F.1; ExB; ExC.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from functools import partial

from starlette.exceptions import HTTPException

from enclave import papers, people
from enclave.people import Letter, Person
from enclave.store import View
from enclave.terms import Role
from enclave.web.access import Place, Standing, look
from enclave.web.papers import as_kept, kept_content
from enclave.web.visit import Document, Done, Page, Visit


@dataclass(frozen=True)
class Exhibit:
    """An exhibit as it stands for the person at the browser.

    Parameters
    ----------
    waits : bool
        Whether it waits for their signature.
    words : str
        What they would sign, as HTML; empty where nothing waits.
    shown : str
        SHA-256 of these words.
    signed_on, until, days_left : optional
        Of what they signed last; B has no end.
    how : str
        ``browser`` or ``paper``; empty where nothing is signed.
    sha256 : str
        Of what was signed: the words, or the scan.
    """

    letter: Letter
    waits: bool
    words: str
    shown: str
    signed_on: date | None
    until: date | None
    days_left: int | None
    how: str
    sha256: str


@dataclass(frozen=True)
class Exhibits:
    """The exhibits of the person at the browser; `asked` is whether they are asked of them at all."""

    exhibits: list[Exhibit]
    printed_name: str
    asked: bool


def show(visit: Visit) -> Page[Exhibits]:
    """Show Exhibits B and C to the person at the browser: to read and sign, or as they signed them."""
    me = visit.me.name
    with visit.view() as view:
        standing = look(view, me, visit.project, Place.PROJECT)
        person = view.get(Person, me)
        model = Exhibits(
            exhibits=[_exhibit(view, standing, letter) for letter in people.LETTERS],
            printed_name=person.name if person else me,
            asked=people.signs_exhibits(standing.listing),
        )
    return Page("exhibits", f"{standing.project} Exhibits B and C", model, standing)


def _exhibit(view: View, standing: Standing, letter: Letter) -> Exhibit:
    me = standing.listing.person
    signed, waits = (
        people.signature(view, standing.project, me, letter),
        letter in people.unsigned(view, standing.listing),
    )
    words = people.exhibit_words(view, standing.project, me, letter) if waits else ""
    return Exhibit(
        letter=letter,
        waits=waits,
        words=words,
        shown=hashlib.sha256(words.encode()).hexdigest() if waits else "",
        signed_on=signed.since if signed else None,
        until=signed.until if signed else None,
        days_left=(signed.until - view.today).days if signed and signed.until else None,
        how=signed.status if signed else "",
        sha256=signed.kept.sha256 if signed else "",
    )


def sign(visit: Visit) -> Done:
    """Sign an exhibit for oneself; the address names nobody else."""
    letter, me, enclave = _letter(visit), visit.me.name, visit.enclave
    seal = partial(papers.seal_words, enclave.keystore, enclave.settings)
    with enclave.store.transaction() as tx:
        look(tx, me, visit.project, Place.PROJECT)
        signed = people.sign_exhibit(
            tx, visit.project, letter, seal, me, name=visit.text("name"), shown=visit.text("shown")
        )
    until = f", valid until {signed.until}" if signed.until else ""
    return Done(f"projects/{visit.project}/exhibits", f"You signed Exhibit {letter} on {signed.since}{until}.")


def record(visit: Visit) -> Done:
    """Record, as the Operating Group, that a person signed an exhibit on paper; the scan is kept, sealed."""
    letter, login, enclave = _letter(visit), visit.path["person"], visit.enclave
    with (
        visit.view() as view
    ):  # before the document is read: a scanner looks at it, and that is not done for everybody
        people.hold_to_party(view, login, visit.me.name, f"Ex{letter}", role=Role.OPM, project=visit.project)
    day = visit.day("signed_on", f"Ex{letter}")
    with visit.document("document", f"Ex{letter}") as path, enclave.store.transaction() as tx:
        kept = papers.seal(enclave.keystore, enclave.settings, path)
        people.record_exhibit(tx, visit.project, login, letter, day, kept, visit.me.name)
    return Done(f"projects/{visit.project}/people", f"{login} signed Exhibit {letter} on paper on {day}.")


def form(visit: Visit) -> Document:
    """Give an exhibit of a person, filled in, to print and sign: to themselves, and to who oversees the list."""
    letter, login = _letter(visit), visit.path["person"]
    with visit.view() as view:
        look(view, visit.me.name, visit.project, Place.PROJECT if login == visit.me.name else Place.PEOPLE)
        page = people.exhibit_form(view, visit.project, login, letter)
    return Document(page.encode())


def signed(visit: Visit) -> Document:
    """Give an exhibit as a person signed it, to print, or its scan: to themselves, and to who looks at papers."""
    letter, login = _letter(visit), visit.path["person"]
    with visit.view() as view:
        look(view, visit.me.name, visit.project, Place.PROJECT if login == visit.me.name else Place.PAPERS)
        paper = people.signature(view, visit.project, login, letter)
        if paper is None:
            raise HTTPException(404)
        content = kept_content(visit.enclave, paper)
        if paper.status == "paper":
            return as_kept(paper, content)
        page = people.signed_form(view, paper, content.decode())
    return Document(page.encode())


def _letter(visit: Visit) -> Letter:
    match visit.path["kind"]:
        case "b":
            return "B"
        case "c":
            return "C"
    raise HTTPException(404)
