"""Commands about the clocks: what runs until when, and the service that acts with nobody present."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from enclave import clocks
from enclave.cli.desk import Desk, Json, complain, show, table
from enclave.errors import Refused

clocks_group = typer.Typer(no_args_is_help=True, help="What runs until when; what is done when it runs out.")


def register(app: typer.Typer) -> None:
    """Hang the group onto the command line."""
    app.add_typer(clocks_group, name="clocks")


@clocks_group.command("show")
def clocks_show(context: typer.Context, as_json: Json = False) -> None:
    """List every clock that runs, soonest first."""
    with context.obj.enclave.store.view() as view:
        now, found = context.obj.enclave.reading().at, clocks.running(view)
        rows = [(c.about, c.what, c.clause, c.unit, c.due, c.left(view.today, now)) for c in found]
    table("clocks", ("about", "what", "clause", "unit", "due", "left"), rows, as_json)


@clocks_group.command("round")
def clocks_round(context: typer.Context, as_json: Json = False) -> None:
    """Destroy what is due, warn, raise alarms; exit code 3 where data stay, or the clock is doubted."""
    done = context.obj.enclave.go_round()
    if done.doubts or done.stuck:
        raise Refused("clocks", (*done.doubts, *done.stuck))
    show(done, as_json, _said(done))


@clocks_group.command("run")
def clocks_run(
    context: typer.Context,
    every: Annotated[float, typer.Option(help="Seconds between two rounds.", min=1)] = 60,
    as_json: Json = False,
) -> None:
    """Go round for ever; a service of the hub, or of the machine where there is no hub."""
    desk: Desk = context.obj
    while True:
        done = desk.enclave.go_round()
        if done.doubts or done.stuck:
            complain(Refused("clocks", (*done.doubts, *done.stuck)))
        if done.destroyed or done.noted or done.sent.given_up:
            show(done, as_json, _said(done))
        time.sleep(every)


@clocks_group.command("accept")
def clocks_accept(context: typer.Context, as_json: Json = False) -> None:
    """Believe the machine's clock from now on, after comparing it with another."""
    desk: Desk = context.obj
    with desk.enclave.store.transaction() as tx:
        watch = clocks.accept(tx, desk.enclave.reading(), desk.actor)
    show(watch, as_json, f"it is {watch.at:%Y-%m-%d %H:%M} UTC")


def _said(done: clocks.Round) -> str:
    noted = "; ".join(f"{clock.what} of {clock.about}: {clock.due_on} ({clock.clause})" for clock in done.noted)
    mail = f"{done.sent.sent} letters sent, {done.sent.failed} tried again later, {done.sent.given_up} given up"
    return f"{len(done.destroyed)} destructions; noted: {noted or 'nothing'}; {done.told} messages; {mail}"
