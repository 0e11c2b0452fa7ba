"""Commands about what needs several parties' written word, and about the agencies of the programme."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from enclave import agreement, board, matching, people
from enclave.board import Decision, Motion, MotionKind, State
from enclave.cli.agreements import agreement_group
from enclave.cli.data import matching_group
from enclave.cli.desk import Desk, Json, NewFile, calendar_day, show, table
from enclave.people import Admission
from enclave.store import Transaction
from enclave.terms import Action, party_id, project_id

agency_group = typer.Typer(no_args_is_help=True, help="Agencies in the programme: membership, suspension.")
Reason = Annotated[str, typer.Option(help="The reason, in writing.")]
Again = Annotated[list[str] | None, typer.Option(help="AGENCY.ELEMENT that was refused and is asked for again.")]


def register(app: typer.Typer) -> None:
    """Hang the group onto the command line; the other commands stand in the groups of their rooms."""
    app.add_typer(agency_group, name="agency")


@contextmanager
def _deciding(context: typer.Context, project: str) -> Iterator[tuple[Transaction, Admission]]:
    """Let the person at the desk speak for a party; a refusal is entered."""
    desk: Desk = context.obj
    admission = desk.admitted(Action.DECIDE, project)
    with desk.changing("board.refuse", admission.project, admission.project) as tx:
        yield tx, admission


@agreement_group.command("available")
def agreement_available(context: typer.Context, project: str, as_json: Json = False) -> None:
    """Confirm for one's agency that the data asked for exist and may be shared (EM XI.B.1)."""
    with _deciding(context, project) as (tx, admission):
        motion = board.confirm_available(tx, admission)
    show(motion.available, as_json, f"{admission.agency} confirms that its data are available")


@agreement_group.command("refuse-element")
def agreement_refuse_element(
    context: typer.Context, project: str, element: str, reason: Reason = "", as_json: Json = False
) -> None:
    """Refuse to share one element, with the reason; it leaves the policy (EM VIII)."""
    with _deciding(context, project) as (tx, admission):
        motion = board.refuse_element(tx, admission, element, reason)
    show(motion.refused, as_json, f"{admission.agency} does not share {element}")


@agreement_group.command("vote")
def agreement_vote(
    context: typer.Context,
    project: str,
    decision: Decision,
    on: Annotated[MotionKind, typer.Option(help="What is answered.")] = MotionKind.INITIAL,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Answer for one's party what is asked: a request, a later end, other terms, match data kept longer."""
    with _deciding(context, project) as (tx, admission):
        motion = board.answer(tx, admission, on, decision, reason)
    show(_plain(motion), as_json, f"{admission.agency}: {decision}; the {on} request is {motion.state}")


@agreement_group.command("extend")
def agreement_extend(
    context: typer.Context, project: str, until: str, reason: Reason = "", as_json: Json = False
) -> None:
    """Ask for a later end, thirty days before the end at the latest (DSA VI.H)."""
    with _deciding(context, project) as (tx, admission):
        motion = board.continue_until(tx, admission, calendar_day(until), reason)
    show(_plain(motion), as_json, f"asked for an end on {motion.until}; every party answers")


@agreement_group.command("amend")
def agreement_amend(
    context: typer.Context, project: str, reason: Reason = "", again: Again = None, as_json: Json = False
) -> None:
    """Ask that the agreement's file, less what agencies refused, takes the place of what is in force (DSA VII)."""
    with _deciding(context, project) as (tx, admission):
        policy = agreement.compile_agreement(context.obj.enclave.settings.policies, project)
        motion = board.amend(tx, admission, policy, reason, again or ())
        first = board.confirming(tx, motion)
    plain = {**_plain(motion), "confirming": first}
    once_more = f", again for {', '.join(motion.again)}" if motion.again else ""
    before = f"; confirm first: {_confirming(first)}" if first else ""
    show(plain, as_json, f"asked for policy {str(plain['policy'])[:16]}{once_more}; every party answers{before}")


@agreement_group.command("terminate")
def agreement_terminate(context: typer.Context, project: str, reason: Reason = "", as_json: Json = False) -> None:
    """Give one's party's written notice; the project ends sixty days later (DSA XI)."""
    with _deciding(context, project) as (tx, admission):
        known = board.terminate(tx, admission, reason)
    show({"ends_on": known.ends_on}, as_json, f"{admission.project} ends on {known.ends_on}")


@agreement_group.command("motions")
def agreement_motions(context: typer.Context, project: str, as_json: Json = False) -> None:
    """List what was asked of the parties, and what they answered."""
    with context.obj.enclave.store.view() as view:
        found = board.motions(view, agreement.of(view, project_id(project)).project)
        rows = [
            (
                m.number,
                f"{m.asks}, again for {', '.join(m.again)}" if m.again else m.asks,
                m.asked_on,
                m.until,
                m.state,
                _confirming(board.confirming(view, m)),
                "; ".join(f"{p}: {a.decision}" for p, a in m.answers.items()),
            )
            for m in found
        ]
    table("what was asked", ("number", "asks", "on", "until", "state", "confirm first", "answers"), rows, as_json)


@agreement_group.command("form")
def agreement_form(
    context: typer.Context,
    target: NewFile,
    project: Annotated[str, typer.Option(help="Data Request to fill it in for; blank when not given.")] = "",
    as_json: Json = False,
) -> None:
    """Write the request form (Exhibit A) as text: blank, or filled in, with the history of its decisions."""
    text = board.blank_form()
    if project:
        with context.obj.enclave.store.view() as view:
            text = board.filled_form(view, project_id(project))
    target.write_text(text, "utf-8")
    show({"path": target}, as_json, f"the form is {target}")


@agreement_group.command("diff")
def agreement_diff(
    context: typer.Context,
    project: str,
    of: Annotated[int, typer.Option("--from", help="Version; 0 is the one in force.", min=0)] = 0,
    to: Annotated[
        int | None, typer.Option("--to", help="Version; the agreement's file when not given.", min=0)
    ] = None,
    again: Again = None,
    as_json: Json = False,
) -> None:
    """Show what differs between two versions, or between what is in force and what would be asked for (DSA VII)."""
    enclave, project = context.obj.enclave, project_id(project)
    with enclave.store.view() as view:
        before = agreement.policy_of(view, project, of)
        if to is not None:
            after = agreement.policy_of(view, project, to)
        else:
            in_file = agreement.compile_agreement(enclave.settings.policies, project)
            after = board.terms_asked(view, project, in_file, again or ())
    changes = agreement.diff(before, after)
    table(
        f"changes of {project}" + (f", asked again for {', '.join(again)}" if again else ""),
        ("where", "before", "after"),
        [(c.where, c.before, c.after) for c in changes],
        as_json,
    )


@agreement_group.command("law")
def agreement_law(
    context: typer.Context,
    reason: Annotated[str, typer.Argument(help="The law, and what it asks.")],
    count: Annotated[int, typer.Option(help="Least displayed count.", min=0)] = 0,
    base: Annotated[int, typer.Option(help="Least base of a formula.", min=0)] = 0,
    employers: Annotated[int, typer.Option(help="Fewest employers in a cell of wages.", min=0)] = 0,
    dominance: Annotated[float, typer.Option(help="Largest share of one employer.", min=0, max=1)] = 1.0,
    p_percent: Annotated[float, typer.Option(help="Of the p-percent rule.", min=0)] = 0.0,
    hide_zeros: Annotated[bool, typer.Option(help="Zeros are hidden.")] = False,
    match_days: Annotated[int, typer.Option(help="Business days for which match data are kept.", min=0)] = 10,
    as_json: Json = False,
) -> None:
    """Hold all projects to stricter terms at once, as a change of law asks (EM XIII.B)."""
    desk: Desk = context.obj
    cells = agreement.CellTerms(
        minimum_count=count, minimum_base=base, zeros="hidden" if hide_zeros else "shown",
        minimum_employers=employers, dominance_share=dominance, p_percent=p_percent,
    )  # fmt: skip
    with desk.changing("agreement.refuse-law", "change of law", "") as tx:
        changed = board.change_law(tx, cells, match_days, reason, desk.actor)
    said = {each.project: each.policy.hash for each in changed}
    show(said, as_json, f"stricter from today: {', '.join(said)}")


@matching_group.command("keep")
def matching_keep(
    context: typer.Context, project: str, until: str, reason: Reason = "", as_json: Json = False
) -> None:
    """Ask all parties that the newest match's data are kept longer (DSA III.F.3)."""
    with _deciding(context, project) as (tx, admission):
        motion = board.keep_match_data(tx, admission, calendar_day(until), reason)
    show(_plain(motion), as_json, f"asked to keep match data until {motion.until}; every party answers")


@agency_group.command("join")
def agency_join(context: typer.Context, agency: str, signed_on: str, as_json: Json = False) -> None:
    """Record, as the Operating Group, that an agency signed the Enterprise MOU: three years (EM XVIII.B)."""
    desk: Desk = context.obj
    with desk.changing("agency.refuse", party_id(agency), "") as tx:
        known = board.join(tx, party_id(agency), calendar_day(signed_on), desk.actor)
    show(known, as_json, f"{known.agency} is a member until {known.until}")


@agency_group.command("leave")
def agency_leave(
    context: typer.Context,
    agency: str,
    breach: Annotated[bool, typer.Option(help="At once, after a breach of confidentiality.")] = False,
    as_json: Json = False,
) -> None:
    """Record, as the Operating Group, that an agency leaves the E-MOU: its data are closed after its last day."""
    desk: Desk = context.obj
    with desk.changing("agency.refuse", party_id(agency), "") as tx:
        known = people.leave(tx, party_id(agency), desk.actor, breach=breach)
    show(known, as_json, f"the data of {known.agency} are open until {known.until}")


@agency_group.command("except")
def agency_except(
    context: typer.Context,
    agency: str,
    standard: Annotated[str, typer.Argument(help="Clause of Section XV, as EM XV.D.")],
    until: Annotated[str, typer.Argument(help="Last day, YYYY-MM-DD.")],
    plan: Annotated[str, typer.Option(help="How the agency comes to meet it.")],
    as_json: Json = False,
) -> None:
    """Record that the board takes an agency's plan to come to meet a standard, with an end (EM XV.E)."""
    desk: Desk = context.obj
    with desk.changing("agency.refuse", party_id(agency), "") as tx:
        known = people.except_from(tx, party_id(agency), standard, plan, calendar_day(until), desk.actor)
    show(known, as_json, f"{known.agency} is excepted from {known.standard} until {known.until}")


@agency_group.command("meets")
def agency_meets(context: typer.Context, agency: str, standard: str, as_json: Json = False) -> None:
    """Record that an agency meets the standard it was excepted from (EM XV.E)."""
    desk: Desk = context.obj
    with desk.changing("agency.refuse", party_id(agency), "") as tx:
        people.meet(tx, party_id(agency), standard, desk.actor)
    show(True, as_json, f"{party_id(agency)} meets {standard}")


@agency_group.command("exceptions")
def agency_exceptions(context: typer.Context, as_json: Json = False) -> None:
    """List the exceptions from a standard that are not over."""
    with context.obj.enclave.store.view() as view:
        rows = [(e.agency, e.standard, e.plan, e.until, (e.until - view.today).days) for e in people.exceptions(view)]
    table("exceptions", ("agency", "standard", "plan", "until", "days left"), rows, as_json)


@matching_group.command("quality")
def matching_quality(context: typer.Context, as_json: Json = False) -> None:
    """Show the quality of matching over all requests, newest run first (EM V.A.12)."""
    enclave = context.obj.enclave
    with enclave.store.view() as view:
        found = matching.quality(view, enclave.settings)
    rows = [
        (
            q.project,
            q.run,
            q.ran_on,
            q.of,
            q.match_rate,
            *(_share(s) for s in (q.false_match, q.missed_match, q.judged)),
        )
        for q in found
    ]
    head = ("DR", "run", "on", "agencies", "linked", "false links, expected", "missed, expected", "right, as judged")
    table("quality of matching", head, rows, as_json)


def _share(found: matching.Share | None) -> str:
    return "" if found is None else f"{found.rate:.2%} ({found.low:.2%} to {found.high:.2%})"


def _confirming(first: dict[str, tuple[str, ...]]) -> str:
    """Say who confirms that its data are available before it agrees, and what it is asked for."""
    return "; ".join(f"{party}, asked for {' and '.join(more)}" for party, more in first.items())


def _plain(motion: Motion) -> dict[str, object]:
    """Give a motion without the policy it asks for, which is long."""
    return {
        "number": motion.number, "asks": motion.asks, "state": motion.state, "until": motion.until,
        "policy": motion.policy.hash if motion.policy else "", "again": motion.again, "answers": motion.answers,
        "carried": motion.state is State.CARRIED,
    }  # fmt: skip
