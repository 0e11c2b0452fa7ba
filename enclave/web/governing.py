"""What is done on the page of the programme: complaints, interruptions of service, exceptions from a standard.

Each is done by whose it is: the Operating Group for the boards, an agency's steward for the agency, the hub's staff
for the hub. The rooms say who that is.

Source: EM A1.2.A.1; EM A1.2.B; EM A1.3; EM XV.E.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from starlette.exceptions import HTTPException

from enclave import incidents, people
from enclave.incidents import Act, CaseKind
from enclave.web.visit import Done, Visit

TURNS: Mapping[Act, str] = {
    Act.MET: "the board has met on it",
    Act.PUT: "put it to the board: all others are asked whether the agency is suspended",
    Act.SUSPENDED: "suspend the agency: its data are closed in every project at once, and all others are asked",
    Act.DISMISSED: "dismiss the complaint",
    Act.REASONS: "give the agency the reasons",
    Act.DEFICIENCIES: "say what the evidence lacks",
    Act.PROLONGED: "agree that the board takes longer, until the moment below",
    Act.PLAN: "hand in the plan of correction",
    Act.EVIDENCE: "hand in the evidence that it was corrected",
}
"""What a person does in the case of a complaint, in words."""


def complain(visit: Visit) -> Done:
    """Take in a complaint about an agency; the agency is told at once."""
    came, agency = visit.moment("came", CaseKind.COMPLAINT.clause), visit.text("agency")
    with visit.enclave.store.transaction() as tx:
        case = incidents.complain(tx, agency, visit.text("text"), came, datetime.now(UTC), visit.me.name)
    return Done("programme", f"Taken in as {case.key}, for {', '.join(case.told)}.")


def act(visit: Visit) -> Done:
    """Do the next thing in the case of a complaint."""
    what = next((what for what in TURNS if what == visit.text("what")), None)
    if what is None:
        raise HTTPException(404)
    until = visit.moment("until", CaseKind.COMPLAINT.clause) if visit.text("until") else None
    with visit.enclave.store.transaction() as tx:
        case = incidents.act(
            tx, visit.path["case"], what, visit.text("text"), datetime.now(UTC), visit.me.name, until
        )
    late = " It comes after its day, and is taken all the same." if case.steps[-1].late else ""
    return Done("programme", f"Entered for {case.key}: {TURNS[what].partition(':')[0]}.{late}")


def announce(visit: Visit) -> Done:
    """Tell all members that a party's service stops, or has stopped."""
    begins, party = visit.moment("begins", "EM A1.2.A.1"), visit.text("party")
    with visit.enclave.store.transaction() as tx:
        notice = incidents.announce(tx, party, visit.text("text"), begins, datetime.now(UTC), visit.me.name)
    return Done("programme", f"{notice.key} stands on everybody's page, for {', '.join(notice.told)}.")


def back(visit: Visit) -> Done:
    """Say that a service is back; its notice goes."""
    with visit.enclave.store.transaction() as tx:
        notice = incidents.back(tx, visit.path["name"], datetime.now(UTC), visit.me.name)
    return Done("programme", f"The service of {notice.party} is back.")


def grant(visit: Visit) -> Done:
    """Record that the board takes an agency's plan to come to meet a standard, with an end."""
    agency, standard, until = visit.text("agency"), visit.text("standard"), visit.day("until", "EM XV.E")
    with visit.enclave.store.transaction() as tx:
        people.except_from(tx, agency, standard, visit.text("plan"), until, visit.me.name)
    return Done("programme", f"{agency} is excepted from {standard} until {until}.")


def meet(visit: Visit) -> Done:
    """Record that an agency meets the standard it was excepted from."""
    agency, standard = visit.text("agency"), visit.text("standard")
    with visit.enclave.store.transaction() as tx:
        people.meet(tx, agency, standard, visit.me.name)
    return Done("programme", f"{agency} meets {standard}; the exception is over.")
