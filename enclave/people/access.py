"""One answer to "may I?": a token that names person, project and action, or every reason against it at once.

The hub's spawner, the command line and the pages all ask here.

Source: DSA VI.E; DSA XI; ExA 2.g; ExA 2.h; ExB; ExC; DSA III.F.1; DSA III.B; DSA VI.A.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from enclave.agreement import InForce, of
from enclave.calendar import MEMBERSHIP
from enclave.errors import Finding, Refused, refuse
from enclave.people.exhibits import exhibit_c_until, signature
from enclave.people.holds import holds
from enclave.people.members import missing_members
from enclave.people.register import CLOCK, Listing, listing_of
from enclave.people.sight import Sight, sight_of
from enclave.people.status import is_government
from enclave.people.wanted import wanted
from enclave.store import View
from enclave.terms import ANALYSTS, Action, Role

PERMITTED: dict[Role, frozenset[Action]] = {
    Role.RESEARCHER: frozenset({Action.ANALYSE, Action.REQUEST}),
    Role.AGENCY_ANALYST: frozenset({Action.ANALYSE, Action.REQUEST}),
    Role.HUB_STAFF: frozenset({Action.RECEIVE, Action.MATCH, Action.CUT, Action.DESTROY}),
    Role.STEWARD: frozenset({Action.AGREE, Action.CONFIRM, Action.DECIDE, Action.AUDIT}),
    Role.OPM: frozenset({Action.CHECK, Action.PUBLISH, Action.DESTROY, Action.DECIDE, Action.AUDIT}),
    Role.AUDITOR: frozenset({Action.AUDIT}),
    Role.CLOCK: frozenset({Action.DESTROY}),
}
"""Which role may do what; the access page and its test are made from this table."""

_AT_ANY_TIME = frozenset({Action.DESTROY, Action.DECIDE, Action.AUDIT})
"""Before all have signed, while a project is stopped, and after its end."""
_TOUCHES_RECORDS = frozenset({Action.ANALYSE, Action.REQUEST, Action.RECEIVE, Action.MATCH, Action.CUT})


@dataclass(frozen=True)
class Admission:
    """Leave to do one thing on one project today; the token the rooms below demand."""

    person: str
    project: str
    action: Action
    role: Role
    sight: Sight
    agency: str
    ends_on: date

    @property
    def party(self) -> str:
        """Code of the party the person speaks for, as its steward; empty for everybody else."""
        return self.agency if self.role is Role.STEWARD else ""

    def hold_to(self, action: Action, project: str) -> None:
        """Refuse to be used for anything but what it was given for.

        Source: DSA VI.E.

        Raises
        ------
        Refused
            If it is to another action, or of another project.
        """
        if (self.action, self.project) != (action, project):
            raise refuse(
                f"{self.person} may not {action} on {project}", "admission", "DSA VI.E",
                f"the admission is to {self.action} on {self.project}", f"Ask for leave to {action}.",
            )  # fmt: skip


def may(view: View, person: str, action: Action, project: str) -> Admission:
    """Admit a person to an action on a project today.

    Source: DSA VI.E; DSA XI; ExC.

    Raises
    ------
    Refused
        With every reason against it.
    """
    findings = reasons_against(view, person, action, project)
    if findings:
        raise Refused(f"{person} may not {action} on {project}", findings)
    listing = listing_of(view, project, person)
    ends = _ends(view, listing, of(view, project))
    return Admission(person, project, action, listing.role, sight_of(view, listing), listing.agency, min(ends))


def by_clock(view: View, project: str) -> Admission:
    """Admit the clock to destroy data of a project; that they are due is `destruction`'s to see.

    Source: DSA VI.H; DSA III.F.3.

    Raises
    ------
    Refused
        If no such Data Request is registered.
    """
    of(view, project)
    return Admission(CLOCK, project, Action.DESTROY, Role.CLOCK, Sight(True), "", view.today)


def reasons_against(view: View, person: str, action: Action, project: str) -> list[Finding]:
    """Give every reason why a person may not do something today; empty when they may."""
    agreement = view.get(InForce, project)
    if agreement is None:
        return [
            _reason("unknown-project", "ExA 1.c", "no agreement of this number is registered", "Check the number.")
        ]
    findings = [] if action in _AT_ANY_TIME else [*closed(view, project)]
    listing = view.get(Listing, f"{project}/{person}")
    if listing is None:
        return [*findings, _reason("not-listed", "DSA VI.E", f"not on the list of {project}", "Ask to be added.")]
    return findings + _of_listing(view, listing, agreement, action)


def closed(view: View, project: str) -> tuple[Finding, ...]:
    """Give the reasons why nobody works with a project's data today.

    The agreement is in force, its agencies are members of the Enterprise MOU, and nobody has stopped it.

    Source: DSA XI; DSA VI.F; EM A1.2.
    """
    return view.derive(_of_project, project)


def _of_project(view: View, project: str) -> tuple[Finding, ...]:
    agreement = of(view, project)
    findings = [
        _reason(rule, clause, what, "Nothing can be done on this project until that changes.")
        for rule, clause, what in agreement.reasons_not_in_force(view.today)
    ]
    findings += [
        _reason("membership", MEMBERSHIP.clause, what, "Its data are closed until it has joined again.")
        for what in missing_members(view, agreement.policy.agencies)
    ]
    findings += [
        _reason("suspended", hold.clause, f"{hold.scope} is suspended since {hold.since}", "Wait for reinstatement.")
        for hold in holds(view, project)
    ]
    return tuple(findings)


def _of_listing(view: View, listing: Listing, agreement: InForce, action: Action) -> list[Finding]:
    findings = []
    if action not in PERMITTED[listing.role]:
        what = f"the role {listing.role} does not include it"
        findings.append(_reason("role", "DSA III.F.2", what, "Ask someone whose role does."))
    if listing.suspension:
        what = f"access is suspended since {listing.suspension.since}"
        findings.append(_reason("suspended", listing.suspension.clause, what, "Wait for reinstatement."))
    if action in _TOUCHES_RECORDS:
        findings += lacks(view, listing, agreement)
    return findings


def lacks(view: View, listing: Listing, agreement: InForce) -> list[Finding]:
    """Give what a person lacks today to be let near records, however the project stands; nothing for other roles.

    Source: DSA VI.E; ExB; ExC; DSA III.B; DSA VI.A; ExA 2.h.
    """
    if not PERMITTED[listing.role] & _TOUCHES_RECORDS:
        return []
    return [*_of_signatures(view, listing, agreement), *_of_papers(view, listing, agreement)]


def _of_signatures(view: View, listing: Listing, agreement: InForce) -> list[Finding]:
    """Exhibits B and C and the agencies' approvals: before anyone touches records."""
    findings = []
    where = 'on your page "Exhibits B and C"'
    if signature(view, listing.project, listing.person, "B") is None:
        findings.append(_reason("exhibit-b", "ExB", "Exhibit B is not signed", f"Sign Exhibit B {where}."))
    until = exhibit_c_until(view, listing)
    if until is None:
        findings.append(_reason("exhibit-c", "ExC", "Exhibit C is not signed", f"Sign Exhibit C {where}."))
    elif view.today > until:
        what = f"Exhibit C ran out on {until}"
        findings.append(_reason("exhibit-c", "ExC", what, f"Sign Exhibit C again {where}."))
    if listing.role in ANALYSTS:
        missing = [a for a in agreement.policy.agencies if a not in (listing.approvals or {})]
        if missing:
            what = f"the written approval of {', '.join(missing)} is missing"
            findings.append(_reason("approval", "DSA VI.E", what, "The Operating Group obtains it."))
    return findings


def _of_papers(view: View, listing: Listing, agreement: InForce) -> list[Finding]:
    """Training, contract, review board, purpose, and for the hub's staff employment by the State."""
    findings = [
        _reason(w.rule, w.clause, w.what, w.next) for w in wanted(view, listing, agreement) if w.paper is None
    ]
    if listing.until and view.today > listing.until:
        what = f"purpose {listing.purpose} ended on {listing.until}"
        findings.append(_reason("purpose", "ExA 2.h", what, "Be listed anew, with the agencies' approvals."))
    uc = any(element.uc for elements in agreement.policy.agreement.elements.values() for element in elements)
    if listing.role is Role.HUB_STAFF and uc and not is_government(view, listing.person):
        what = "UC records are in the project, and employment by the State is not attested and verified"
        findings.append(_reason("government", "ExA 2.h", what, "The employer attests, the Operating Group verifies."))
    return findings


def _ends(view: View, listing: Listing, agreement: InForce) -> list[date]:
    """Give the last day of everything that access depends on."""
    days = [agreement.ends_on, exhibit_c_until(view, listing), listing.until]
    if PERMITTED[listing.role] & _TOUCHES_RECORDS:
        days += [each.paper.until for each in wanted(view, listing, agreement) if each.paper]
    return [day for day in days if day]


def _reason(rule: str, clause: str, what: str, next: str) -> Finding:
    return Finding(rule, clause, "", what, next)
