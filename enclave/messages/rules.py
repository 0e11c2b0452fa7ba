"""What is told to whom: one table, read against each entry of the ledger.

Nothing in a message is taken from what people wrote: titles stand here, and an entry gives at most the name of a
clock and what is left of it, both of them ours.

Source: EM XI.B; ExC; DSA VI.G.1; DSA III.F.3; DSA VI.F; EM A2.1.A; EM A1.2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from enclave import incidents, matching, papers
from enclave.agreement import InForce
from enclave.calendar import ACCESS_REVIEW, EXHIBIT_C, FINAL_COPY
from enclave.egress import ReleaseRequest
from enclave.people import ANNOUNCED, SIGNED, Listing, holds, unsigned
from enclave.review import Case
from enclave.store import View
from enclave.terms import ANALYSTS, HUB, Role

Event = Mapping[str, Any]
"""An entry as it stands in the ledger."""
Whom = Callable[[View, Event], Iterable[str]]

_PROJECT = "projects/{project}"
_REQUEST = "projects/{project}/requests/{object}"


@dataclass(frozen=True)
class Rule:
    """What is told when something was entered.

    Parameters
    ----------
    action : str
        Of the entry.
    title : str
        May name a clock (``{what}``) and what is left of it (``{left}``), or from when something stands still
        (``{since}``).
    path : str
        Where it is looked at, below the address of the pages.
    whom : tuple of callables
        Each gives logins.
    outcomes : frozenset of str
        Of the entry; empty for all but a refusal.
    by_mail : bool
        Otherwise it stands on the page alone.
    """

    action: str
    title: str
    path: str
    whom: tuple[Whom, ...]
    outcomes: frozenset[str] = frozenset()
    by_mail: bool = True

    def speaks_of(self, entry: Event) -> bool:
        """Tell whether an entry is what the rule is about."""
        if entry["action"] != self.action:
            return False
        return entry["outcome"] in self.outcomes if self.outcomes else entry["outcome"] != "refused"


def decide(view: View, entry: Event) -> Iterator[tuple[str, Rule]]:
    """Give who must be told of an entry, each once; never who did it.

    Source: EM XI.B.
    """
    told = {entry["actor"]}
    for rule in _BY_ACTION.get(entry["action"], ()):
        if rule.speaks_of(entry):
            for person in (person for whom in rule.whom for person in whom(view, entry)):
                if person not in told:
                    told.add(person)
                    yield person, rule


def _listed(view: View, entry: Event, *roles: Role, agencies: Iterable[str] | None = None) -> list[str]:
    """Give who is listed on the project of an entry, or on any where it has none, and is not suspended."""
    listings = view.find(Listing, entry["project"] or None, suspension=None)
    wanted = None if agencies is None else set(agencies)
    return [each.person for each in listings if each.role in roles and (wanted is None or each.agency in wanted)]


def opm(view: View, entry: Event) -> list[str]:
    """The Operating Group."""
    return _listed(view, entry, Role.OPM)


def hub_staff(view: View, entry: Event) -> list[str]:
    """The hub's staff of the project."""
    return _listed(view, entry, Role.HUB_STAFF)


def stewards(view: View, entry: Event) -> list[str]:
    """Who speaks for the parties of the project."""
    return _listed(view, entry, Role.STEWARD)


def analysts(view: View, entry: Event) -> list[str]:
    """Who works with the Resultant Data."""
    return _listed(view, entry, *ANALYSTS)


def of_parties(name: str, *, of_any_project: bool = False) -> Whom:
    """Who speaks for the parties that the entry names: on its project, or on any."""

    def whom(view: View, entry: Event) -> list[str]:
        within = {**entry, "project": ""} if of_any_project else entry
        return _listed(view, within, Role.STEWARD, agencies=entry["details"].get(name) or ())

    return whom


def named(view: View, entry: Event) -> list[str]:
    """The person the entry is about."""
    return [entry["object"]]


def requester(view: View, entry: Event) -> list[str]:
    """Whose release request it is."""
    request = view.get(ReleaseRequest, f"{entry['project']}/{entry['object']}")
    return [request.person] if request else []


def of_newcomer(view: View, entry: Event) -> list[str]:
    """Whose written approval a new person of the list needs (DSA VI.E)."""
    if entry["details"].get("role") not in ANALYSTS:
        return []
    agreement = view.get(InForce, entry["project"])
    return _listed(view, entry, Role.STEWARD, agencies=agreement.policy.agencies) if agreement else []


def who_signs(view: View, entry: Event) -> list[str]:
    """The person put on a list, where an exhibit waits for their signature (ExB; ExC)."""
    listing = view.get(Listing, f"{entry['project']}/{entry['object']}")
    return [listing.person] if listing is not None and unsigned(view, listing) else []


def whose_exhibit(view: View, entry: Event) -> list[str]:
    """Whose signature under an exhibit a withdrawn paper was."""
    paper = view.get(papers.Paper, entry["object"])
    return [paper.about] if paper is not None and paper.kind in SIGNED.values() else []


def when_confirmed(view: View, entry: Event) -> list[str]:
    """The Operating Group, when no statement is missing any more."""
    case = view.get(Case, entry["object"])
    return [] if case is None or any(map(case.missing, case.agencies)) else opm(view, entry)


def of_hold(view: View, entry: Event) -> list[str]:
    """Everybody on the projects that stand still; what a destruction stops has a message of its own."""
    return _everybody(view, _stopped(view, entry))


def of_lift(view: View, entry: Event) -> list[str]:
    """Everybody on the projects that go on: nothing else holds them."""
    return _everybody(view, (project for project in _stopped(view, entry) if not holds(view, project)))


def _stopped(view: View, entry: Event) -> list[str]:
    if str(entry["details"].get("scope", "")).startswith("destruction"):
        return []
    if entry["project"]:
        return [entry["project"]]
    return sorted(each.project for each in view.find(InForce) if each.policy.party(entry["object"]))


def _everybody(view: View, projects: Iterable[str]) -> list[str]:
    roles = {*Role} - {Role.AUDITOR, Role.CLOCK}
    listings = (each for project in projects for each in view.find(Listing, project, suspension=None))
    return [each.person for each in listings if each.role in roles]


def of_all_told(view: View, entry: Event) -> list[str]:
    """Who the entry says was told: the Operating Group, and who speaks for the members."""
    told = entry["details"].get("told") or ()
    return [*of_parties("told")(view, entry), *(opm(view, entry) if "Operating Group" in told else [])]


def of_clock(view: View, entry: Event) -> list[str]:
    """Who can do something about a clock; the Operating Group always when it has run out."""
    what, about = entry["details"]["what"], entry["object"]
    over = opm(view, entry) if entry["details"]["at"] < 0 else []
    if what == EXHIBIT_C.name:
        return [about.partition("/")[2], *over]
    if _about_a_person(about):
        return [about.rpartition("/")[2], *over]
    if what == ACCESS_REVIEW.name:
        return [*_listed(view, entry, Role.STEWARD, agencies=[HUB]), *over]
    if what == FINAL_COPY.name:
        return [*requester(view, entry), *over]
    if not entry["project"]:  # of an agency in the programme
        case = view.get(incidents.Case, about)
        return [*_listed(view, entry, Role.STEWARD, agencies=[case.about if case else about]), *opm(view, entry)]
    if what == matching.AGREEMENT:
        run = view.get(matching.MatchRun, about)
        late = [code for code in _signatories(view, entry) if run is None or code not in run.agreements]
        return [*(_listed(view, entry, Role.STEWARD, agencies=late) if late else hub_staff(view, entry)), *over]
    return [*opm(view, entry), *hub_staff(view, entry)]


def _about_a_person(about: str) -> bool:
    """Tell whether a clock is of a paper about a person, who can hand in another."""
    kind = papers.kinds().get(about.partition("/")[0])
    return kind is not None and kind.about == "person"


def _signatories(view: View, entry: Event) -> tuple[str, ...]:
    agreement = view.get(InForce, entry["project"])
    return agreement.policy.signatories if agreement else ()


_ANNOUNCED, _DONE = frozenset({ANNOUNCED}), frozenset({"done"})
_RETURNED, _DECLINED = frozenset({"returned with conditions"}), frozenset({"declined"})
_NEWS = f"{_PROJECT}/decisions"
RULES: tuple[Rule, ...] = (
    Rule("board.ask", "Your agency confirms that the data asked for are there, and answers in writing", _NEWS,
         (of_parties("confirming"),)),
    Rule("board.ask", "Your party is asked for its written answer", _NEWS, (of_parties("asked"),)),
    Rule("board.answer", "A party has answered", _NEWS, (opm,), frozenset({"open"})),
    Rule("board.answer", "What was asked of the parties is carried", _NEWS, (opm, of_parties("told")),
         frozenset({"carried"})),
    Rule("board.answer", "What was asked came back with a condition", _NEWS, (opm, of_parties("told")), _RETURNED),
    Rule("board.answer", "What was asked of the parties is declined", _NEWS, (opm, of_parties("told")), _DECLINED),
    Rule("board.refuse-element", "What your party has answered is asked anew, with an element less", _NEWS,
         (of_parties("anew"),)),
    Rule("board.ask-members", "Your agency is asked about another one", "programme", (of_parties("asked"),)),
    Rule("board.answer-members", "A member has answered about another", "programme", (opm,), frozenset({"open"})),
    Rule("proposal.open", "Something is put before the boards", "programme", (of_all_told,)),
    Rule("proposal.move", "What is before the boards went on", "programme", (of_all_told,)),
    Rule("agreement.register", "An agreement is registered anew, and your party's signature of it is void", _PROJECT,
         (of_parties("void"),)),
    Rule("agreement.tighten", "A change of law makes the terms of a project stricter", _PROJECT,
         (opm, hub_staff, stewards, analysts)),
    Rule("agreement.terminate", "A party has given notice to end the project", _PROJECT, (opm, stewards, analysts)),
    Rule("people.enlist", "A person waits for your agency's approval", f"{_PROJECT}/people", (of_newcomer,)),
    Rule("people.lapse", "A person waits for your agency's approval again", f"{_PROJECT}/people", (of_newcomer,)),
    Rule("people.lapse", "You are approved, and sign your exhibits, anew", "", (named, opm)),
    Rule("people.enlist", "Exhibits B and C wait for your signature", f"{_PROJECT}/exhibits", (who_signs,)),
    Rule("people.exhibit-b", "Your signature under Exhibit B is recorded", f"{_PROJECT}/exhibits", (named,)),
    Rule("people.exhibit-c", "Your signature under Exhibit C is recorded", f"{_PROJECT}/exhibits", (named,)),
    Rule("papers.withdraw", "Your signature under an exhibit is withdrawn, and waits again", f"{_PROJECT}/exhibits",
         (whose_exhibit,)),
    Rule("people.withdraw", "An agency has withdrawn its approval of you", "", (named, opm)),
    Rule("people.representative", "Another party has designated its Representative", _PROJECT, (of_parties("told"),)),
    Rule("people.suspend", "Your access is suspended", "", (named,)),
    Rule("people.unsuspend", "Your access is open again", "", (named,)),
    Rule("intake.schedule", "A day is set for a file of your agency", "agency", (of_parties("told"),)),
    Rule("intake.arrive", "A file has arrived and waits to be received", f"{_PROJECT}/intake", (hub_staff,)),
    Rule("intake.receive", "A file of your agency was received", "agency", (of_parties("told"),)),
    Rule("intake.refuse", "A file of your agency was turned away", "agency", (of_parties("told"),),
         frozenset({"refused"})),
    Rule("intake.refuse", "A file was turned away", f"{_PROJECT}/intake", (hub_staff,), frozenset({"refused"})),
    Rule("intake.withdraw", "A file of your agency was withdrawn at the hub", "agency", (of_parties("told"),)),
    Rule("match.run", "A match waits for your party's agreement", f"{_PROJECT}/matching", (stewards,)),
    Rule("match.complete", "All parties agree with the match", f"{_PROJECT}/matching", (hub_staff, opm)),
    Rule("resultant.deliver", "The Resultant Data are there", _PROJECT, (analysts,)),
    Rule("egress.request", "A release request has come in", _REQUEST, (opm,)),
    Rule("egress.clear", "Your request is cleared, and the agencies review it", _REQUEST, (requester,)),
    Rule("egress.refuse", "The gate refuses your request", _REQUEST, (requester,), frozenset({"refused"})),
    Rule("egress.refuse", "A release request needs a person's look", _REQUEST, (opm,), frozenset({"needs-review"})),
    Rule("review.open", "A release waits for your agency's statements", _REQUEST, (of_parties("agencies"),)),
    Rule("review.confirm", "Every agency has confirmed a release", _REQUEST, (when_confirmed,)),
    Rule("review.return", "Your request came back with a comment", _REQUEST, (requester,)),
    Rule("review.return", "An agency has returned a release", _REQUEST, (opm,)),
    Rule("review.refuse", "An agency refuses your request", _REQUEST, (requester,), frozenset({"done"})),
    Rule("review.refuse", "An agency refuses a release", _REQUEST, (opm,), frozenset({"done"})),
    Rule("publication.done", "A release is published", f"{_PROJECT}/requests", (requester, stewards)),
    Rule("clocks.warn", "{what}: {left}", "", (of_clock,)),
    Rule("clocks.alarm", "{what}: the time has run out", "", (of_clock,)),
    Rule("clocks.doubt", "The machine's clock is not believed, and nothing is destroyed", "overview", (opm,),
         frozenset({"refused"})),
    Rule("clocks.stuck", "A part of the round of the clocks could not be done, and is tried again", "",
         (opm, hub_staff)),
    Rule("incident.hold", "A project of yours stands still from {since} on", "", (of_hold,), _ANNOUNCED),
    Rule("incident.hold", "A party of the programme is suspended from {since} on", "programme", (of_all_told,),
         _ANNOUNCED),
    Rule("incident.hold", "A project of yours stands still", "", (of_hold,), _DONE),
    Rule("incident.hold", "A party of the programme is suspended", "programme", (of_all_told,), _DONE),
    Rule("incident.begin", "A project of yours stands still, as was announced", "", (of_hold,)),
    Rule("incident.begin", "A party of the programme is suspended, as was announced", "programme", (of_all_told,)),
    Rule("incident.extend", "A project of yours stands still for longer than was said", "", (of_hold,)),
    Rule("incident.extend", "A party of the programme is suspended for longer than it said", "programme",
         (of_all_told,)),
    Rule("incident.lift", "A project of yours goes on", "", (of_lift,)),
    Rule("incident.problem", "A problem was reported; its hours run", "incidents", (opm,)),
    Rule("incident.problem", "A problem that concerns your agency was reported", "agency", (of_parties("told"),)),
    Rule("incident.foia", "A request under the Freedom of Information Act came in", "incidents", (opm,)),
    Rule("incident.foia", "A request under the Freedom of Information Act concerns your agency", "agency",
         (of_parties("told"),)),
    Rule("incident.subpoena", "A subpoena came in", "incidents", (opm,)),
    Rule("incident.subpoena", "A subpoena concerns your agency", "agency", (of_parties("told"),)),
    Rule("incident.breach", "A breach was reported", "incidents", (opm,)),
    Rule("incident.breach", "A breach that concerns your party was reported", "agency",
         (of_parties("recipients"), of_parties("parties"))),
    Rule("incident.affects", "A breach that was reported is found to concern your party", "agency",
         (of_parties("parties"),)),
    Rule("incident.affects", "A breach that was reported concerns another party too", "incidents", (opm,)),
    Rule("incident.affects", "A breach that was reported concerns another party too", "agency",
         (of_parties("told"),)),
    Rule("incident.resolve", "A breach is resolved, and its lessons are for all", "incidents", (opm,)),
    Rule("incident.resolve", "A breach is resolved, and its lessons are for all", "agency",
         (of_parties("told", of_any_project=True),)),
    Rule("incident.complaint", "A complaint about an agency was entered", "programme", (opm,)),
    Rule("incident.complaint", "A complaint about your agency was received", "programme", (of_parties("told"),)),
    Rule("incident.act", "The case of a complaint went on", "programme", (opm, of_parties("told"))),
    Rule("incident.interruption", "A service is interrupted, or will be", "", (opm, hub_staff, stewards, analysts)),
    Rule("incident.interruption-over", "An interrupted service is back", "", (opm, hub_staff, stewards, analysts)),
    Rule("incident.question", "A user asks about completeness or matching", "incidents", (opm,)),
    Rule("incident.question", "A user asks about your agency's data", "agency", (of_parties("told"),)),
    Rule("incident.protocol-change", "A user asks for a change of the protocol", "incidents", (opm,)),
    Rule("incident.protocol-change", "A user asks for a change of the protocol", "agency", (of_parties("told"),)),
    Rule("incident.early-destruction", "Data are no longer needed, and their destruction is asked for", "incidents",
         (opm,)),
    Rule("incident.early-destruction", "Data are no longer needed, and their destruction is asked for", "agency",
         (of_parties("told"),)),
    Rule("destruction.done", "Data were destroyed", f"{_PROJECT}/destruction", (opm, stewards)),
    Rule("destruction.stuck", "Data that must be destroyed are still there", f"{_PROJECT}/destruction",
         (opm, hub_staff)),
    Rule("destruction.again", "Data that were destroyed had come back, and are destroyed again",
         f"{_PROJECT}/destruction", (opm, stewards)),
    Rule("message.given-up", "A message to somebody could not be delivered by mail", "overview", (opm,),
         by_mail=False),
)  # fmt: skip
"""What is told of what. A person who is met twice by one entry is told the first."""

_BY_ACTION: Mapping[str, tuple[Rule, ...]] = {
    action: tuple(rule for rule in RULES if rule.action == action) for action in {rule.action for rule in RULES}
}
