"""Exhibits B and C: their words for each person, signed in the browser or recorded from paper, kept as papers.

Whoever signs in the browser is who is signed in, under exactly the words that were shown; a signature on paper is
recorded by the Operating Group with its scan.

Source: ExB; ExC; DSA VI.E; DSA III.F.1.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import jinja2
from markupsafe import Markup

from enclave import papers
from enclave.agreement import of
from enclave.calendar import EXHIBIT_C
from enclave.errors import invalid, refuse
from enclave.ledger import Entry
from enclave.papers import Kept, Paper
from enclave.people.needing import TOUCHES_RECORDS
from enclave.people.register import SIGNED, Letter, Listing, Person, hold_to_party, listing_of
from enclave.store import Transaction, View
from enclave.terms import ANALYSTS, Role

LETTERS: tuple[Letter, ...] = tuple(SIGNED)
"""The exhibits that a person signs."""
_RENEWED_IN = timedelta(days=30)
"""How long before its end Exhibit C may be signed anew: from the first warning on."""


def signature(view: View, project: str, person: str, exhibit: Letter) -> Paper | None:
    """Give what a person last signed of an exhibit on a project, though it has run out.

    None where it was withdrawn.

    Source: ExB; ExC.
    """
    given = papers.versions(view, SIGNED[exhibit], project, person)
    return given[-1] if given and given[-1].withdrawn is None else None


def exhibit_c_until(view: View, listing: Listing) -> date | None:
    """Give the last day on which a person's Exhibit C is valid, one year after its signature; None without one.

    Source: ExC.
    """
    signed = signature(view, listing.project, listing.person, "C")
    return signed.until if signed else None


def signs_exhibits(listing: Listing) -> bool:
    """Tell whether Exhibits B and C are asked of a person: who touches records signs them.

    Source: DSA VI.E; DSA III.F.1.
    """
    return listing.role in TOUCHES_RECORDS


def unsigned(view: View, listing: Listing) -> tuple[Letter, ...]:
    """Give the exhibits that wait for a person's signature: not signed, run out, or within the days of warning.

    Source: DSA VI.E; ExB; ExC.
    """
    if not signs_exhibits(listing):
        return ()
    found = {exhibit: signature(view, listing.project, listing.person, exhibit) for exhibit in LETTERS}
    return tuple(
        exhibit
        for exhibit, signed in found.items()
        if signed is None or (signed.until is not None and view.today >= signed.until - _RENEWED_IN)
    )


def sign_exhibit(
    tx: Transaction, project: str, exhibit: Letter, seal: Callable[[str], Kept], actor: str, *, name: str, shown: str
) -> Paper:
    """Sign Exhibit B or C in the browser: for oneself, by one's name, under exactly the words that were shown.

    Source: DSA VI.E; DSA III.F.1; ExB; ExC.

    Parameters
    ----------
    seal : callable
        Seals the words that are signed (`papers.seal_words`); it is called once nothing stands against it.
    name : str
        What was typed in the place of a signature.
    shown : str
        SHA-256 (hex) of the words that the person was shown.

    Raises
    ------
    Invalid
        If the name is not that of the person.
    Refused
        If the person is not on the list, nothing waits for their signature, or the words have changed since.
    """
    listing, clause = listing_of(tx, project, actor), f"Ex{exhibit}"
    if exhibit not in unsigned(tx, listing):
        raise refuse(
            actor, "exhibit-signed", clause, f"Exhibit {exhibit} does not wait for your signature",
            "Exhibit C is signed again in the 30 days before its end.",
        )  # fmt: skip
    words = exhibit_words(tx, project, actor, exhibit)
    if shown != hashlib.sha256(words.encode()).hexdigest():
        raise refuse(
            actor, "exhibit-words", clause, f"the words of Exhibit {exhibit} are not those you were shown",
            "They have changed meanwhile: open the page again, read what stands there now, and sign that.",
        )  # fmt: skip
    person = tx.get(Person, actor)
    if person is None or _plain(name) != _plain(person.name):
        raise invalid(
            actor, "exhibit-name", clause, "what is typed is not the printed name of who signs",
            "Type your full name as it stands under the words.", "name",
        )  # fmt: skip
    return _enter(tx, listing, exhibit, tx.today, seal(words), "browser", actor)


def record_exhibit(
    tx: Transaction, project: str, person: str, exhibit: Letter, signed_on: date, kept: Kept, actor: str
) -> Paper:
    """Record, as the Operating Group, that a person signed Exhibit B or C on paper, with its scan.

    Source: DSA VI.E; DSA III.F.1; ExB; ExC.

    Raises
    ------
    Invalid
        If it is dated in the future: its year would end later than one from today.
    Refused
        If the person is not on the list, or who records it is not of the Operating Group there, or is the person.
    """
    listing, clause = listing_of(tx, project, person), f"Ex{exhibit}"
    if actor == person:
        raise refuse(
            person, "own-exhibit", clause, "nobody records a paper of themselves",
            "Another of the Operating Group records it.",
        )  # fmt: skip
    hold_to_party(tx, person, actor, clause, role=Role.OPM, project=project)
    if signed_on > tx.today:
        raise invalid(
            person, "signed-on", clause, f"{signed_on} has not come yet", "Give the day of the signature.",
            "signed_on",
        )  # fmt: skip
    return _enter(tx, listing, exhibit, signed_on, kept, "paper", actor)


def _enter(
    tx: Transaction, listing: Listing, exhibit: Letter, signed_on: date, kept: Kept, how: str, actor: str
) -> Paper:
    """Keep what was signed as a paper of the person, and enter who signed which words of which version, and how."""
    project, person = listing.project, listing.person
    known = tx.get(Person, person)
    paper = papers.add(
        tx, SIGNED[exhibit], kept, actor, project=project, about=person, since=signed_on,
        until=EXHIBIT_C.due(signed_on) if exhibit == "C" else None, status=how,
        names=known.organization if known else "",
    )  # fmt: skip
    tx.append(Entry(actor, f"people.exhibit-{exhibit.lower()}", person, project, f"Ex{exhibit}", details={
        "exhibit": exhibit, "version": of(tx, project).version, "signed_on": signed_on.isoformat(), "how": how,
        "sha256": kept.sha256,
    }))  # fmt: skip
    return paper


def exhibit_words(view: View, project: str, person: str, exhibit: Letter) -> str:
    """Give the words of an exhibit for a person, as HTML: what is shown, and what is signed.

    Exhibit C of the documents names another project beside this one's number; here it names this one.

    Source: ExB; ExC; DSA VI.E.

    Raises
    ------
    Refused
        If the person is not on the project's list.
    """
    listing_of(view, project, person)
    shared = [view.get(Person, each.person) for each in view.find(Listing, project) if each.role in ANALYSTS]
    agreement = of(view, project)
    return _template("exhibit_words").render(
        exhibit=exhibit,
        person=view.get(Person, person),
        project=project,
        title=agreement.policy.agreement.title,
        version=agreement.version,
        shared=sorted((each for each in shared if each and each.id != person), key=lambda each: each.name),
        today=view.today,
    )


def exhibit_form(view: View, project: str, person: str, exhibit: Letter) -> str:
    """Give an exhibit as a page to print and sign; nothing is loaded from elsewhere.

    Source: ExB; ExC; DSA VI.E.

    Raises
    ------
    Refused
        If the person is not on the project's list.
    """
    return _form(view, project, person, exhibit, exhibit_words(view, project, person, exhibit), None)


def signed_form(view: View, signed: Paper, words: str) -> str:
    """Give an exhibit that was signed in the browser to print: its words, their digest, who signed and when.

    Source: ExB; ExC; EM XVIII.P.
    """
    exhibit = next(letter for letter, kind in SIGNED.items() if kind == signed.kind)
    return _form(view, signed.project, signed.about, exhibit, words, signed)


def _form(view: View, project: str, person: str, exhibit: Letter, words: str, signed: Paper | None) -> str:
    return _template("exhibits").render(
        exhibit=exhibit,
        person=view.get(Person, person),
        project=project,
        words=Markup(words),  # noqa: S704 - a template of ours, in which every value is escaped
        signed=signed,
        today=view.today,
    )


def _plain(name: str) -> str:
    """Give a name as it is compared: spaces and capitals do not matter."""
    return " ".join(name.split()).casefold()


@cache
def _template(name: str) -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(Path(__file__).with_name(f"{name}.html.j2").read_text("utf-8"))
