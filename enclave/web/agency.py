"""What an agency sees of itself over all projects: where its data are, who uses them until when, what waits for it.

Source: EM XV.B.2; DSA VI.E; DSA III.F.3; DSA VI.G.1; EM XII; EM XV.D.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

from enclave import board, destruction, incidents, intake, matching
from enclave.agreement import InForce, of
from enclave.board import Motion
from enclave.calendar import business_days_between
from enclave.destruction import Due
from enclave.errors import Finding, refuse
from enclave.incidents import Notice
from enclave.intake import Holding
from enclave.people import Listing, listing_of, reasons_against
from enclave.publication import Publication
from enclave.review import Case, State
from enclave.store import View
from enclave.terms import ANALYSTS, Action, Role
from enclave.web import decisions, programme
from enclave.web.access import Standing
from enclave.web.home import AT_LENGTH, SOONEST
from enclave.web.incidents import OneCase, OneNotice, told_to
from enclave.web.oversight import agree_to
from enclave.web.people import waiting_for
from enclave.web.visit import Page, Visit


@dataclass(frozen=True)
class Use:
    """What one project has of an agency.

    Parameters
    ----------
    elements : tuple of str
        Data elements the agreement takes from the agency, with those for matching alone.
    received : int
        Records of the agency the hub holds.
    people : tuple of str
        Logins of those who may work with the Resultant Data today.
    released : int
        Packages that were published.
    ends_on, destroyed_on : date or None
    """

    project: str
    title: str
    purpose: str
    state: str
    elements: tuple[str, ...]
    received: int
    people: tuple[str, ...]
    released: int
    ends_on: date
    days_left: int
    destroyed_on: date | None


@dataclass(frozen=True)
class Waiting:
    """One thing that waits for the agency: what, of whom, where it is done, and by when."""

    project: str
    what: str
    of: str
    clause: str
    path: str
    due_on: date | None = None
    left: int | None = None


@dataclass(frozen=True)
class Sending:
    """A file that an agency is to send, or sent late."""

    project: str
    source: str
    contents: str
    due_on: date | None
    received_on: date | None
    late: bool
    destroyed_on: date | None = None


@dataclass(frozen=True)
class Answer:
    """What became of a file that an agency sent, and the number of the ledger's entry, whose receipt proves it.

    Parameters
    ----------
    findings : tuple of Finding
        Why it was turned away, with line numbers; empty for one that was received.
    """

    project: str
    file: str
    on: date
    entry: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Keys:
    """The keys by which the hub knows an agency's files; `fingerprint` is empty where none are registered."""

    owner: str
    fingerprint: str
    algorithm: str
    registered_on: date | None


@dataclass(frozen=True)
class Lesson:
    """What came of a breach that does not concern the agency, and what all are to learn from it."""

    key: str
    type: str
    determination: str
    lessons: str


@dataclass(frozen=True)
class Concerns:
    """What concerns the agencies a person speaks for.

    `cases` and `notices` are those of which the agency is told, `lessons` those of other breaches; `switches` are the
    agencies that can be suspended here, and `received` counts the files that came in time.
    """

    agencies: tuple[str, ...]
    waiting: list[Waiting]
    uses: list[Use]
    due: list[Due]
    due_in_all: int
    cases: list[OneCase]
    notices: list[OneNotice]
    lessons: list[Lesson]
    switches: tuple[str, ...]
    sending: list[Sending]
    received: int
    answers: list[Answer]
    keys: list[Keys]
    at_length: int = AT_LENGTH


def show(visit: Visit) -> Page[Concerns]:
    """Show what concerns the agency of the person at the browser."""
    now = datetime.now(UTC)
    with visit.view() as view:
        standings = stewarded(view, visit.me.name)
        if not standings:
            raise refuse(
                "your agency", "role", "EM XV.B.2", "you are no agency's steward on any project",
                "A steward of the agency opens this page.",
            )  # fmt: skip
        mine = {standing.project for standing in standings}
        due = [one for one in destruction.due(view, view.today) if one.project in mine]
        agencies = tuple(dict.fromkeys(standing.listing.agency for standing in standings))
        of_mine = [_of_listing(view, each.listing) for each in standings]
        files = [file for sending, _, _ in of_mine for file in sending]
        told = incidents.notices(view, agencies)
        open_files = [file for file in files if file.late or not file.received_on]
        model = Concerns(
            agencies=agencies,
            waiting=sorted(
                (
                    *_asked_of_members(view, agencies),
                    *(thing for _, waiting, _ in of_mine for thing in waiting),
                ),
                key=lambda thing: (thing.due_on or date.max, thing.project, thing.what, thing.of),
            ),
            uses=[use for _, _, use in of_mine],
            due=due[:SOONEST],
            due_in_all=len(due),
            cases=told_to(view, agencies, now)[::-1],
            notices=[_notice(notice, standings) for notice in told if {*notice.concerned} & {*agencies}],
            lessons=[
                Lesson(notice.key, notice.breach.type, notice.determination or "", notice.lessons)
                for notice in told
                if not {*notice.concerned} & {*agencies}
            ],
            switches=tuple(a for a in agencies if any(a in s.agreement.policy.agencies for s in standings)),
            sending=sorted(
                open_files, key=lambda file: (bool(file.received_on), file.due_on or date.max, file.project)
            ),
            received=len(files) - len(open_files),
            answers=[one for each in standings for one in answers_to(view, each.project, each.listing.agency)],
            keys=[_keys(view, agency) for agency in dict.fromkeys(file.source for file in files)],
        )
    return Page("agency", f"What concerns {', '.join(agencies)}", model)


def read_ahead(view: View) -> None:
    """Work out what takes long, for every steward."""
    destruction.due(view, view.today)
    for listing in view.find(Listing, role=Role.STEWARD):
        if view.get(InForce, listing.project) is not None:
            _of_listing(view, listing)


def _notice(notice: Notice, standings: list[Standing]) -> OneNotice:
    """Say how a notice stands, and for which parties the person may confirm."""
    speaks = {standing.listing.agency for standing in standings if standing.project == notice.project}
    confirms = () if notice.determination else tuple(party for party in notice.unsecured if party in speaks)
    return OneNotice(notice.key, notice, notice.late, mine=False, confirms=confirms)


def _of_listing(view: View, listing: Listing) -> tuple[tuple[Sending, ...], tuple[Waiting, ...], Use]:
    """Give the files a steward's agency sends to a project, what waits for the steward there, and its use."""
    project, agency = listing.project, listing.agency
    waiting = view.derive(_waiting, project, listing.person)
    return view.derive(_sending, project, agency), waiting, view.derive(_use, project, agency)


def stewarded(view: View, person: str) -> list[Standing]:
    """Give the projects on which a person stands for an agency and is not suspended."""
    found = []
    for listing in view.find(Listing, person=person, role=Role.STEWARD):
        agreement = view.get(InForce, listing.project)
        if agreement is not None and listing.suspension is None:
            found.append(Standing(agreement, listing))
    return found


def _use(view: View, project: str, agency: str) -> Use:
    agreement = of(view, project)
    policy = agreement.policy
    return Use(
        project=policy.project,
        title=policy.agreement.title,
        purpose=policy.agreement.purpose,
        state=agreement.state(view.today),
        elements=tuple(element.name for element in policy.agreement.elements.get(agency, ())),
        received=sum(held.rows for held in intake.holdings(view, policy.project) if held.source == agency),
        people=tuple(
            listing.person
            for listing in view.find(Listing, policy.project)
            if listing.role in ANALYSTS and not reasons_against(view, listing.person, Action.ANALYSE, policy.project)
        ),
        released=len(view.find(Publication, policy.project)),
        ends_on=agreement.ends_on,
        days_left=(agreement.ends_on - view.today).days,
        destroyed_on=agreement.destroyed_on,
    )


def _sending(view: View, project: str, agency: str) -> tuple[Sending, ...]:
    """Give the files a project expects of an agency."""
    plan = intake.expected(view, of(view, project).policy)
    return tuple(Sending(project, **vars(file)) for file in plan if file.source == agency)


def answers_to(view: View, project: str, source: str = "") -> list[Answer]:
    """Give what became of the files that were sent to a project, newest first."""
    return [
        Answer(
            project, each.sent_as, each.received_on if isinstance(each, Holding) else each.on, each.entry,
            () if isinstance(each, Holding) else each.findings,
        )
        for each in intake.answers(view, project, source)
    ]  # fmt: skip


def _keys(view: View, agency: str) -> Keys:
    known = intake.sender_key(view, agency)
    if known is None:
        return Keys(agency, "", "", None)
    return Keys(agency, known.fingerprint, known.algorithm, known.registered_on)


def _asked_of_members(view: View, agencies: tuple[str, ...]) -> list[Waiting]:
    """Give what these agencies are asked about another one and have not answered (EM A1.2.B)."""
    return [
        Waiting("all", f"answer: {programme.ASKS[motion.asks]}", motion.about, motion.asks.clause, "programme")
        for motion in view.find(Motion, "", state=board.State.OPEN)
        for agency in agencies
        if motion.about not in agencies and agency in board.voters(view, motion) and agency not in motion.answers
    ]


def _waiting(view: View, project: str, person: str) -> tuple[Waiting, ...]:
    standing = Standing(of(view, project), listing_of(view, project, person))
    agency = standing.listing.agency
    found = [
        Waiting(project, "approve a person", row.name, "DSA VI.E", f"projects/{project}/people")
        for row in waiting_for(view, standing)
    ]
    found += [
        Waiting(
            project,
            f"{'answer' if asked.mine == 'answer' else 'confirm, then answer'}: {asked.what}",
            f"no. {asked.number}",
            asked.clause,
            f"projects/{project}/decisions",
        )
        for asked in decisions.waiting_for(view, standing)
    ]
    if run := agree_to(view, standing, matching.runs(view, project)):
        path = f"projects/{project}/matching"
        found.append(Waiting(project, "agree that a match is optimal", run, "DSA III.F.3", path))
    for case in view.find(Case, project, state=State.OPEN):
        if agency in case.agencies and case.missing(agency):
            left = business_days_between(view.today, case.due_on)
            path = f"projects/{project}/requests/{case.request_id}"
            found.append(
                Waiting(project, "confirm a release", case.request_id, "DSA VI.G.1", path, case.due_on, left)
            )
    return tuple(found)
