"""What is attested of a person: employment by the State, and whom a party has designated as its Representative.

Source: ExA 2.h; DSA XII; EM XVIII.C.
"""

from __future__ import annotations

from datetime import date

from enclave import papers
from enclave.agreement import of
from enclave.calendar import REPRESENTATIVE
from enclave.errors import refuse
from enclave.ledger import Details, Entry
from enclave.papers import Kept, Paper
from enclave.people.register import GOVERNMENT, Listing, Person, hold_to_party
from enclave.store import Transaction, View
from enclave.terms import Role

DESIGNATION = "representative"


def is_government(view: View, person: str) -> bool:
    """Tell whether a person is a state government employee or official, as attested and verified by a second person.

    Source: ExA 2.h.
    """
    known = view.get(Person, person)
    return known is not None and known.government and papers.standing(view, GOVERNMENT, about=person) is not None


def verify_status(tx: Transaction, person: str, actor: str) -> Paper:
    """Record that the Operating Group has looked at the newest attestation of a person's employment.

    Source: ExA 2.h.

    Raises
    ------
    Refused
        If nothing is attested, or who looks is not of the Operating Group, attested it, or is the person.
    """
    hold_to_party(tx, person, actor, "ExA 2.h", role=Role.OPM)
    given = papers.versions(tx, GOVERNMENT, about=person)
    if not given:
        raise refuse(
            person, "attestation", "ExA 2.h", "nothing is attested of this person's employment",
            f"The employer attests it: `enclave papers add {GOVERNMENT}`.",
        )  # fmt: skip
    return papers.look_at(tx, given[-1].key, actor)


def designate(tx: Transaction, project: str, party: str, person: str, kept: Kept, since: date, actor: str) -> Paper:
    """Record a party's written designation of its Representative, and whom it must be told to.

    Source: DSA XII; EM XVIII.C.

    Raises
    ------
    Refused
        If the person is not listed as speaking for the party.
    """
    hold_to_party(tx, project, person, "DSA XII", party=party, project=project)
    paper = papers.add(tx, DESIGNATION, kept, actor, project=project, about=party, since=since, names=person)
    told = [code for code in of(tx, project).policy.signatories if code != party]
    details: Details = {"told": told, "due_on": REPRESENTATIVE.due(since).isoformat()}
    outcome = "late" if tx.today > REPRESENTATIVE.due(since) else "told"
    tx.append(Entry(actor, "people.representative", f"{project}/{party}", project, "EM XVIII.C", outcome, details))
    return paper


def representative(view: View, project: str, party: str) -> str:
    """Give the login of a party's current Representative; empty where it has none who may speak for it today.

    Source: DSA XII.
    """
    designation = papers.standing(view, DESIGNATION, project, party)
    listing = view.get(Listing, f"{project}/{designation.names}") if designation else None
    if designation is None or listing is None or listing.suspension:
        return ""
    return designation.names if (listing.role, listing.agency) == (Role.STEWARD, party) else ""


def without_representative(view: View, project: str) -> list[str]:
    """Give the parties of a project that have no current Representative.

    Source: DSA XII.
    """
    return [code for code in of(view, project).policy.signatories if not representative(view, project, code)]
