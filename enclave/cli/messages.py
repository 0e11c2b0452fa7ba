"""Commands about messages: what a person has been told, and what could not be delivered by mail."""

from __future__ import annotations

import typer

from enclave import messages
from enclave.cli.desk import Desk, Json, table

messages_group = typer.Typer(no_args_is_help=True, help="Who was told what; mail that waits or was given up.")


def register(app: typer.Typer) -> None:
    """Hang the group onto the command line."""
    app.add_typer(messages_group, name="messages")


@messages_group.command("show")
def messages_show(context: typer.Context, as_json: Json = False) -> None:
    """List what one has been told, oldest first."""
    desk: Desk = context.obj
    with desk.enclave.store.view() as view:
        inbox = messages.inbox_of(view, desk.actor)
    rows = [(m.day, m.project, m.title, m.path, "new" if m.seq > inbox.read else "") for m in inbox.messages]
    table("messages", ("day", "project", "title", "page", "state"), rows, as_json)


@messages_group.command("post")
def messages_post(context: typer.Context, as_json: Json = False) -> None:
    """List letters that wait to be sent, and those that were given up."""
    with context.obj.enclave.store.view() as view:
        post = messages.post_of(view)
    states = {"waiting": post.waiting, "given up": post.given_up} if post else {}
    rows = [
        (state, each.person, each.message.project, each.message.title, each.tries, each.failed)
        for state, letters in states.items()
        for each in letters
    ]
    table("letters", ("state", "person", "project", "title", "tries", "failed"), rows, as_json)
