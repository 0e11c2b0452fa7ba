"""Commands about what is before the boards: agencies that ask to join, changes of the services."""

from __future__ import annotations

from typing import Annotated

import typer

from enclave import board
from enclave.board import Decision, Move, Proposal, ProposalKind
from enclave.cli.desk import Desk, Json, calendar_day, show, table
from enclave.terms import party_id

proposal_group = typer.Typer(no_args_is_help=True, help="Before the boards: agencies that ask to join, changes.")
Key = Annotated[str, typer.Argument(help="As `proposal list` shows it: application-001.")]
On = Annotated[str, typer.Option(help="The day it was done (YYYY-MM-DD); today when not given.")]


def register(app: typer.Typer) -> None:
    """Hang the group onto the command line."""
    app.add_typer(proposal_group, name="proposal")


@proposal_group.command("open")
def proposal_open(
    context: typer.Context,
    kind: ProposalKind,
    about: Annotated[str, typer.Argument(help="Code of the agency that applies; subject of the change's paper.")],
    text: Annotated[str, typer.Argument(help="What is asked for, in a sentence.")],
    on: On = "",
    as_json: Json = False,
) -> None:
    """Enter an application to join (EM A1.1), or a request for a change (EM A4), as the Operating Group."""
    desk: Desk = context.obj
    subject = party_id(about) if kind is ProposalKind.APPLICATION else about
    with desk.changing("proposal.refuse", subject, "") as tx:
        proposal = board.propose(tx, kind, subject, text, calendar_day(on) if on else tx.today, desk.actor)
    show(proposal, as_json, _said(proposal))


@proposal_group.command("move")
def proposal_move(
    context: typer.Context,
    key: Key,
    what: Move,
    text: Annotated[str, typer.Argument(help="What was done or said, in a sentence.")],
    on: On = "",
    as_json: Json = False,
) -> None:
    """Enter the next thing that was done; `signed` begins the agency's membership on its day."""
    desk: Desk = context.obj
    with desk.changing("proposal.refuse", key, "") as tx:
        proposal = board.move(tx, key, what, text, calendar_day(on) if on else tx.today, desk.actor)
    late = f", {proposal.done[-1].due_on} was its last day" if proposal.done[-1].late else ""
    show(proposal, as_json, f"{_said(proposal)}{late}")


@proposal_group.command("vote")
def proposal_vote(
    context: typer.Context,
    key: Key,
    party: Annotated[str, typer.Argument(help="One's own agency.")],
    decision: Decision,
    reason: Annotated[str, typer.Option(help="The reason, in writing; a disapproval needs it.")] = "",
    as_json: Json = False,
) -> None:
    """Answer for one's agency whether another joins; all must agree (EM A1.1)."""
    desk: Desk = context.obj
    with desk.changing("proposal.refuse", key, "") as tx:
        proposal = board.vote(tx, key, party_id(party), decision, reason, desk.actor)
    show(proposal, as_json, f"{party_id(party)}: {decision}; {_said(proposal)}")


@proposal_group.command("list")
def proposal_list(context: typer.Context, as_json: Json = False) -> None:
    """List what was put before the boards, and the next day by which something is owed."""
    with context.obj.enclave.store.view() as view:
        rows = [
            (each.key, each.about, each.came_on, each.last or "came in", "; ".join(_owed(each)))
            for each in board.proposals(view)
        ]
    table("proposals", ("proposal", "about", "came", "last", "owed"), rows, as_json)


def _owed(proposal: Proposal) -> list[str]:
    return [f"{each.what} by {each.due_on} ({each.clause})" for each in board.periods(proposal)]


def _said(proposal: Proposal) -> str:
    return "; ".join((f"{proposal.key} is {proposal.last or 'entered'}", *_owed(proposal)))
