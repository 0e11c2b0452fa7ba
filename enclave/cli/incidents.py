"""Commands about incidents: stops and their log, problems, breaches, FOIA requests, subpoenas."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from enclave import board, incidents
from enclave.board import Decision, MotionKind
from enclave.cli.board import agency_group
from enclave.cli.desk import Desk, Json, calendar_day, known_clause, show, table
from enclave.incidents import Act, Breach, CaseKind, Determination, Matters, Status
from enclave.people import Listing
from enclave.terms import Role, party_id, project_id

incident_group = typer.Typer(no_args_is_help=True, help="Holds, suspensions, breaches, problems, FOIA, subpoenas.")
When = Annotated[str, typer.Option(help="With its zone, as 2026-03-02T14:30-05:00; now when not given.")]
Until = Annotated[str, typer.Option(help="Last day, YYYY-MM-DD; until it is lifted when not given.")]


def register(app: typer.Typer) -> None:
    """Hang the group onto the command line."""
    app.add_typer(incident_group, name="incident")


@incident_group.command("hold")
def incident_hold(context: typer.Context, project: str, clause: str = "DSA VI.F", as_json: Json = False) -> None:
    """Stop a project, as the Operating Group: sessions end within seconds, nothing is released."""
    desk: Desk = context.obj
    with desk.changing("incident.refuse", project_id(project), project_id(project)) as tx:
        hold = incidents.hold_project(tx, project_id(project), known_clause(clause), desk.actor)
    show(hold, as_json, f"{hold.scope} is held")


@incident_group.command("lift")
def incident_lift(context: typer.Context, project: str, as_json: Json = False) -> None:
    """Let a held project go on, as the Operating Group."""
    desk: Desk = context.obj
    with desk.changing("incident.refuse", project_id(project), project_id(project)) as tx:
        incidents.lift_project(tx, project_id(project), desk.actor)
    show(True, as_json, f"{project} goes on")


@incident_group.command("suspend")
def incident_suspend(
    context: typer.Context, project: str, person: str, clause: str = "DSA VI.F", as_json: Json = False
) -> None:
    """Take a person's access away at once, as the Operating Group."""
    desk: Desk = context.obj
    with desk.changing("incident.refuse", person, project_id(project)) as tx:
        listing = incidents.suspend_person(tx, project_id(project), person, known_clause(clause), desk.actor)
    show(listing, as_json, f"{person} is suspended")


@incident_group.command("reinstate")
def incident_reinstate(context: typer.Context, project: str, person: str, as_json: Json = False) -> None:
    """Give a suspended person's access back, as another of the Operating Group (EM A1.3)."""
    desk, dr = context.obj, project_id(project)
    with desk.changing("incident.refuse", person, dr) as tx:
        listing = incidents.reinstate_person(tx, dr, person, desk.actor)
    show(listing, as_json, f"{person} is no longer suspended on {dr}")


@incident_group.command("refuse-recipient")
def incident_refuse_recipient(
    context: typer.Context, recipient: str, agency: str, until: Until = "", as_json: Json = False
) -> None:
    """Refuse a recipient further data in all its projects, as an agency's steward (DSA VI.F)."""
    desk: Desk = context.obj
    last = calendar_day(until) if until else None
    with desk.changing("incident.refuse", party_id(recipient), "") as tx:
        hold = incidents.refuse_recipient(tx, party_id(recipient), party_id(agency), desk.actor, last)
    show(hold, as_json, f"{hold.scope} is stopped until {hold.until or 'it is lifted'}")


@incident_group.command("resume-recipient")
@agency_group.command("reinstate")
def reinstate(context: typer.Context, party: str, as_json: Json = False) -> None:
    """Let an agency or a recipient go on before its day (EM A1.3)."""
    desk: Desk = context.obj
    with desk.changing("incident.refuse", party_id(party), "") as tx:
        lifted = incidents.reinstate(tx, party_id(party), desk.actor)
    show(lifted, as_json, f"{', '.join(hold.scope for hold in lifted)}: lifted")


@agency_group.command("suspend")
def agency_suspend(
    context: typer.Context,
    agency: str,
    since: Annotated[str, typer.Argument(help="First day, YYYY-MM-DD, more than 24 hours away, or to extend.")],
    reason: Annotated[str, typer.Argument(help="Why, in writing; no data of a person.")],
    until: Until = "",
    as_json: Json = False,
) -> None:
    """Take one's agency's data out of every project for a time, or let that last longer (EM A1.2; EM A1.3)."""
    desk: Desk = context.obj
    last = calendar_day(until) if until else None
    with desk.changing("incident.refuse", party_id(agency), "") as tx:
        hold = incidents.suspend_agency(tx, party_id(agency), desk.actor, calendar_day(since), reason, last)
    show(hold, as_json, f"{hold.scope} is suspended from {hold.since} until {hold.until or 'it is lifted'}")


@agency_group.command("complain")
def agency_complain(
    context: typer.Context,
    agency: str,
    text: Annotated[str, typer.Argument(help="What is said about it; no data of a person.")],
    came_at: When = "",
    as_json: Json = False,
) -> None:
    """Take in a complaint about an agency, as the Operating Group, and tell the agency (EM A1.2.B)."""
    desk: Desk = context.obj
    now = datetime.now(UTC)
    came = _moment(came_at) if came_at else now
    with desk.changing("incident.refuse", party_id(agency), "") as tx:
        case = incidents.complain(tx, party_id(agency), text, came, now, desk.actor)
    show(case, as_json, f"{case.key}, for {', '.join(case.told)}; {_first(case)}")


@agency_group.command("act")
def agency_act(
    context: typer.Context,
    case: str,
    what: Act,
    text: Annotated[str, typer.Argument(help="In writing: the reasons, the plan, the evidence, what is missing.")],
    until: Annotated[str, typer.Option(help="With `prolonged`: the later end the agency agrees to.")] = "",
    as_json: Json = False,
) -> None:
    """Do the next thing in the case of a complaint: suspend, give reasons, hand in a plan or evidence (EM A1.2.B)."""
    desk: Desk = context.obj
    later = _moment(until) if until else None
    with desk.changing("incident.refuse", case, "") as tx:
        taken = incidents.act(tx, case, what, text, datetime.now(UTC), desk.actor, later)
    show(taken, as_json, f"{taken.key}: {what}{', too late' if taken.steps[-1].late else ''}")


@agency_group.command("vote")
def agency_vote(
    context: typer.Context,
    case: str,
    on: MotionKind,
    party: Annotated[str, typer.Argument(help="One's own agency.")],
    decision: Decision,
    reason: Annotated[str, typer.Option(help="The reason, in writing.")] = "",
    as_json: Json = False,
) -> None:
    """Answer for one's agency what is asked about another; the one concerned has no voice (EM A1.2.B)."""
    desk: Desk = context.obj
    with desk.changing("incident.refuse", case, "") as tx:
        taken = incidents.vote(tx, case, on, party_id(party), decision, reason, datetime.now(UTC), desk.actor)
    last = taken.steps[-1].act if taken.steps else "opened"
    show(taken, as_json, f"{party_id(party)}: {decision}; {taken.key} is {last}")


@agency_group.command("case")
def agency_case(context: typer.Context, case: str, as_json: Json = False) -> None:
    """Show a complaint: what was done, by when the next things must be, and what the agencies answered."""
    with context.obj.enclave.store.view() as view:
        rows: list[tuple[object, ...]] = []
        for known in (each for each in incidents.cases(view) if each.key == case):
            rows += [
                (step.at, step.act or "step", step.by, "late" if step.late else "done", step.text)
                for step in known.steps
            ]
            rows += [(each.due_at, each.what, "", f"owed ({each.clause})", "") for each in incidents.owed(known)]
        for asked in board.asked_in(view, case):
            said = "; ".join(f"{party}: {answer.decision}" for party, answer in asked.answers.items())
            rows.append(
                (asked.asked_on, f"asked: {asked.asks}", ", ".join(board.voters(view, asked)), asked.state, said)
            )
    table(case, ("when", "what", "who", "state", "text"), rows, as_json)


@incident_group.command("interruption")
def incident_interruption(
    context: typer.Context,
    party: str,
    text: Annotated[str, typer.Argument(help="What stops and how long; no data of a person.")],
    begins_at: When = "",
    as_json: Json = False,
) -> None:
    """Tell all members that one's party's service stops, before a planned stop or as soon as can be (EM A1.2.A.1)."""
    desk: Desk = context.obj
    now = datetime.now(UTC)
    begins = _moment(begins_at) if begins_at else now
    with desk.changing("incident.refuse", party_id(party), "") as tx:
        notice = incidents.announce(tx, party_id(party), text, begins, now, desk.actor)
    show(notice, as_json, f"{notice.key} stands on the notice board, for {', '.join(notice.told)}")


@incident_group.command("back")
def incident_back(context: typer.Context, notice: str, as_json: Json = False) -> None:
    """Say that an interrupted service is back."""
    desk: Desk = context.obj
    with desk.changing("incident.refuse", notice, "") as tx:
        known = incidents.back(tx, notice, datetime.now(UTC), desk.actor)
    show(known, as_json, f"{known.party} is back")


@incident_group.command("notices")
def incident_notices(context: typer.Context, as_json: Json = False) -> None:
    """Show the notice board of interruptions."""
    with context.obj.enclave.store.view() as view:
        rows = [(n.key, n.party, n.text, n.begins_at, n.planned) for n in incidents.interruptions(view)]
    table("notices", ("notice", "party", "text", "begins", "planned"), rows, as_json)


@incident_group.command("log")
def incident_log(context: typer.Context, as_json: Json = False) -> None:
    """Show the log of all suspensions (EM A2.2.B), and how often there was cause against the party (EM A1.3)."""
    with context.obj.enclave.store.view() as view:
        found, count = incidents.suspensions(view), incidents.with_cause(view)
    rows = [
        (each.whom, each.since, each.until, each.lifted_on, each.clause, each.by, count.get(each.counted_as, 0),
         each.servers, each.closed_seconds)
        for each in found
    ]  # fmt: skip
    table("suspensions", ("whom", "since", "until", "lifted", "clause", "by", "times with cause", "servers ended",
                          "seconds to close"), rows, as_json)  # fmt: skip


@incident_group.command("open")
def incident_open(
    context: typer.Context,
    kind: CaseKind,
    text: Annotated[str, typer.Argument(help="What happened or came in; no data of a person.")],
    project: Annotated[str, typer.Option(help="Data Request number; none where it concerns the programme.")] = "",
    came_at: When = "",
    as_json: Json = False,
) -> None:
    """Report a problem, as every user must at once (ExC); ask; enter a FOIA request or a subpoena.

    A user asks about completeness and matching (DSA VI.B), for a change of the protocol (ExA 6.a), or that data which
    are no longer needed are destroyed (ExA 4.b).
    """
    desk: Desk = context.obj
    dr, now = project_id(project) if project else "", datetime.now(UTC)
    came = _moment(came_at) if came_at else now
    with desk.changing("incident.refuse", kind, dr) as tx:
        case = incidents.open_case(tx, kind, dr, text, came, now, desk.actor)
    show(case, as_json, f"{case.key}, for {', '.join(case.told)}; {_first(case)}")


@incident_group.command("step")
def incident_step(
    context: typer.Context,
    case: str,
    text: str,
    close: Annotated[bool, typer.Option(help="That was all.")] = False,
    as_json: Json = False,
) -> None:
    """Enter what was done about a problem, a FOIA request or a subpoena."""
    desk: Desk = context.obj
    with desk.changing("incident.refuse", case, "") as tx:
        taken = incidents.take_step(tx, case, text, datetime.now(UTC), desk.actor, close=close)
    show(taken, as_json, f"{taken.key}: {len(taken.steps)} steps{', the first too late' if taken.late else ''}")


@incident_group.command("cases")
def incident_cases(context: typer.Context, as_json: Json = False) -> None:
    """List problems, FOIA requests and subpoenas."""
    with context.obj.enclave.store.view() as view:
        rows = [
            (c.key, c.project, c.due_at, len(c.steps), "yes" if c.late else "", "closed" if c.closed else "open")
            for c in incidents.cases(view)
        ]
    table("cases", ("case", "DR", "first step by", "steps", "late", "state"), rows, as_json)


@incident_group.command("breach")
def incident_breach(
    context: typer.Context,
    project: str,
    description: Annotated[str, typer.Option(help="One or two sentences; no data of a person.")],
    roles: Annotated[str, typer.Option(help="Roles of the people involved, never names.")],
    type: Annotated[str, typer.Option(help="Type of the breach.")],
    party: Annotated[list[str], typer.Option(help="Codes of those likely impacted.")],
    estimated: Annotated[int, typer.Option(help="Users or records impacted, estimated.")],
    mitigation: Annotated[str, typer.Option(help="What was done against the harm.")],
    corrective_action: Annotated[str, typer.Option(help="Taken, and planned against another of the kind.")],
    discovered_at: Annotated[str, typer.Option(help="With its zone, as 2026-03-02T14:30-05:00.")],
    status: Annotated[Status, typer.Option()] = Status.INVESTIGATION,
    reported_at: When = "",
    as_json: Json = False,
) -> None:
    """Report a breach: eight items within 24 hours (EM A2.1)."""
    desk: Desk = context.obj
    parties = tuple(party_id(code) for code in party)
    breach = Breach(description, roles, type, parties, estimated, mitigation, status, corrective_action)
    reported = _moment(reported_at) if reported_at else datetime.now(UTC)
    with desk.changing("incident.refuse", project_id(project), project_id(project)) as tx:
        notice = incidents.report_breach(
            tx, project_id(project), breach, _moment(discovered_at), reported, desk.actor
        )
    late = ", after the 24 hours" if notice.late else ""
    show(notice, as_json, f"notice {notice.key} goes to {', '.join(notice.told)}{late}")


@incident_group.command("breaches")
def incident_breaches(context: typer.Context, as_json: Json = False) -> None:
    """Show the breach notices that concern one's party, and of the others what came of them and the lessons."""
    desk: Desk = context.obj
    with desk.enclave.store.view() as view:
        listed = view.find(Listing, person=desk.actor, suspension=None)
        mine = {each.agency for each in listed if each.role is Role.STEWARD}
        mine |= {"Operating Group" for each in listed if each.role in {Role.OPM, Role.AUDITOR}}
        rows = [
            (n.key, n.reported_at, n.breach.type, n.breach.description if {*n.concerned} & mine else "",
             ", ".join(n.unsecured) if {*n.concerned} & mine else "", n.determination or n.breach.status, n.lessons)
            for n in incidents.notices(view, mine)
        ]  # fmt: skip
    columns = ("notice", "reported", "type", "what happened", "not yet secure", "state", "lessons")
    table("breaches", columns, rows, as_json)


@incident_group.command("supplement")
def incident_supplement(context: typer.Context, notice: str, text: str, as_json: Json = False) -> None:
    """Add to a breach notice what has become known, as the Operating Group or for a party it concerns."""
    desk: Desk = context.obj
    with desk.changing("incident.refuse", notice, "") as tx:
        known = incidents.supplement(tx, notice, text, datetime.now(UTC), desk.actor)
    show(known, as_json, f"notice {known.key}: {len(known.supplements)} supplements")


@incident_group.command("affects")
def incident_affects(
    context: typer.Context,
    notice: str,
    party: Annotated[str, typer.Argument(help="Code of the party that is concerned too.")],
    reason: Annotated[str, typer.Argument(help="What shows it; no data of a person.")],
    known_at: When = "",
    as_json: Json = False,
) -> None:
    """Widen a breach notice to a party found to be concerned; its 24 hours run from when that was known (EM A2.1)."""
    desk, now = context.obj, datetime.now(UTC)
    known = _moment(known_at) if known_at else now
    with desk.changing("incident.refuse", notice, "") as tx:
        widened = incidents.affects(tx, notice, party_id(party), reason, known, now, desk.actor)
    late = ", after the 24 hours" if widened.affected[-1].late else ""
    show(widened, as_json, f"notice {widened.key} goes to {', '.join(widened.told)}{late}")


@incident_group.command("review")
def incident_review(
    context: typer.Context,
    notice: str,
    impact: Annotated[str, typer.Option(help="On privacy, security, confidentiality and integrity.")],
    suspension: Annotated[str, typer.Option(help="Whether a party is to be suspended.")],
    measures: Annotated[str, typer.Option(help="Other measures, or none.")],
    inquiries: Annotated[str, typer.Option(help="What more is asked of the parties, or nothing.")],
    as_json: Json = False,
) -> None:
    """Record what the board determined of the four matters of a breach notice (EM A2.2.A)."""
    desk: Desk = context.obj
    matters = Matters(impact, suspension, measures, inquiries)
    with desk.changing("incident.refuse", notice, "") as tx:
        known = incidents.review_breach(tx, notice, matters, desk.actor)
    show(known, as_json, f"notice {known.key} is reviewed")


@incident_group.command("secured")
def incident_secured(context: typer.Context, notice: str, party: str, text: str, as_json: Json = False) -> None:
    """Confirm for one's party that the security of its systems is restored, and say how (EM V.A.14)."""
    desk: Desk = context.obj
    with desk.changing("incident.refuse", notice, "") as tx:
        known = incidents.confirm_secure(tx, notice, party_id(party), text, datetime.now(UTC), desk.actor)
    show(known, as_json, f"notice {known.key}: {', '.join(known.secured)} confirmed")


@incident_group.command("resolve")
def incident_resolve(
    context: typer.Context, notice: str, determination: Determination, lessons: str, as_json: Json = False
) -> None:
    """Record what the board determined of a breach notice, and the lessons for all."""
    desk: Desk = context.obj
    with desk.changing("incident.refuse", notice, "") as tx:
        known = incidents.resolve(tx, notice, determination, lessons, desk.actor)
    show(known, as_json, f"notice {known.key}: {known.determination}")


def _first(case: incidents.Case) -> str:
    by = f"a first step by {case.due_at:%Y-%m-%d %H:%M %Z}" if case.due_at else "it is answered when it is answered"
    return f"{by}; it came late" if case.asked_late else by


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = datetime.min
    if moment.tzinfo is None:
        raise typer.BadParameter("a time is written with its zone, as 2026-03-02T14:30-05:00")
    return moment
