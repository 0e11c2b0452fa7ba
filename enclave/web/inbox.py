"""What the person at the browser has been told, the newest first; what is new is marked until they say it is read."""

from __future__ import annotations

from dataclasses import dataclass

from enclave import messages
from enclave.errors import invalid
from enclave.messages import Message
from enclave.web.visit import Done, Page, Visit


@dataclass(frozen=True)
class Told:
    """What a person has been told, newest first; `read` is the entry up to which they have read it."""

    messages: tuple[Message, ...]
    new: int
    read: int


def show(visit: Visit) -> Page[Told]:
    """Show the messages of the person at the browser."""
    with visit.view() as view:
        inbox = messages.inbox_of(view, visit.me.name)
    return Page("inbox", "For you", Told(inbox.messages[::-1], len(inbox.new), inbox.read))


def mark_read(visit: Visit) -> Done:
    """Mark as read what stood on the page; what came since stays new."""
    up_to = visit.text("up_to")
    if not up_to.isdecimal():
        raise invalid("messages", "up-to", "EM XI.B", "it is not said up to which message", "Open the page again.")
    with visit.enclave.store.transaction() as tx:
        messages.mark_read(tx, visit.me.name, int(up_to))
    return Done("messages", "All of it is marked as read.")
