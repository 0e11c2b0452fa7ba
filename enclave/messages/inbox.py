"""What each person has been told, what they have read of it, and the letters that wait to be sent.

The queue is the ledger itself: what must be told stands there in the transaction that caused it. A round of the
clocks reads on from where the last one stopped, and writes messages and letters with the place it has come to, all
at once; so nothing is told twice, and nothing is lost by a crash.

Source: EM XI.B; EM XVII.B.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import ClassVar

from enclave.ledger import Details, Entry
from enclave.messages.rules import Event, Rule, decide
from enclave.people import CLOCK
from enclave.store import Transaction, View

KEPT = 100
"""Messages of a person; older ones stand in the ledger."""
POST = "post"
_PASSED_OVER = 1_000
"""Entries of which nobody is told, after which the place is written all the same."""


@dataclass(frozen=True)
class Message:
    """That something happened.

    Parameters
    ----------
    seq : int
        Entry of the ledger it tells of.
    title : str
        One of `rules.RULES`.
    path : str
        Where it is looked at, below the address of the pages.
    """

    seq: int
    title: str
    project: str
    path: str
    clause: str
    day: date


@dataclass(frozen=True)
class Inbox:
    """What a person has been told, oldest first.

    Parameters
    ----------
    read : int
        Entry up to which they have read.
    """

    KIND: ClassVar[str] = "inbox"
    person: str
    messages: tuple[Message, ...] = ()
    read: int = -1
    project: str = ""

    @property
    def key(self) -> str:
        """The person's login."""
        return self.person

    @property
    def new(self) -> tuple[Message, ...]:
        """What they have not read."""
        return tuple(message for message in self.messages if message.seq > self.read)


@dataclass(frozen=True)
class Letter:
    """A message to be sent by mail.

    Parameters
    ----------
    since : datetime
        When it was queued.
    not_before : datetime
        When it is tried next.
    failed : str
        Why the last try failed: a code of SMTP, or the kind of error.
    """

    person: str
    message: Message
    since: datetime
    not_before: datetime
    tries: int = 0
    failed: str = ""


@dataclass(frozen=True)
class Post:
    """How far the ledger has been read, the letters that wait, and the last of those that were given up."""

    KIND: ClassVar[str] = "post"
    taken: int
    waiting: tuple[Letter, ...] = ()
    given_up: tuple[Letter, ...] = ()
    project: str = ""

    @property
    def key(self) -> str:
        """There is one."""
        return POST


def post_of(view: View) -> Post | None:
    """Give what waits to be sent; None before the first round."""
    return view.get(Post, POST)


def inbox_of(view: View, person: str) -> Inbox:
    """Give what a person has been told."""
    return view.get(Inbox, person) or Inbox(person)


def take_in(tx: Transaction, now: datetime, *, by_mail: bool) -> int:
    """Tell everybody of what has been entered since the last round; give the number of messages.

    Where there was no round before, of yesterday and today: who begins to be told is not told of years.

    Source: EM XI.B; EM XVII.B.
    """
    known, size, letters = post_of(tx), tx.frontier().size, list[Letter]()
    since = known.taken if known else max(0, size - _PASSED_OVER)
    yesterday = (tx.today - timedelta(days=1)).isoformat()
    news = [entry for entry in tx.entries(since=since) if known or entry["day"] >= yesterday]
    told = 0
    for entry in news:
        for person, rule in decide(tx, entry):
            message = _message(entry, rule)
            _tell(tx, person, message)
            told += 1
            if by_mail and rule.by_mail:
                letters.append(Letter(person, message, now, now))
    if told or known is None or size - since > _PASSED_OVER:
        post = known or Post(size)
        post = replace(post, taken=size, waiting=(*post.waiting, *letters))
        details = {"taken": size, "told": told, "letters": len(letters)}
        tx.write(post, Entry(CLOCK, "message.take-in", POST, "", "EM XVII.B", details=details))
    return told


def mark_read(tx: Transaction, person: str, up_to: int) -> Inbox:
    """Record that a person has read what they were told up to an entry."""
    inbox = inbox_of(tx, person)
    inbox = replace(inbox, read=max(inbox.read, min(up_to, tx.frontier().size)))
    tx.write(inbox, Entry(person, "message.read", person, "", "EM XVII.B", details={"up_to": inbox.read}))
    return inbox


def _message(entry: Event, rule: Rule) -> Message:
    given = {name: entry["details"].get(name) for name in ("what", "left", "since")}
    title = rule.title.format(**given)
    of_no_project = "{project}" in rule.path and not entry["project"]  # what is asked of all members
    path = "programme" if of_no_project else rule.path.format(project=entry["project"], object=entry["object"])
    day = date.fromisoformat(entry["day"])
    return Message(entry["seq"], title[:1].upper() + title[1:], entry["project"], path, entry["clause"], day)


def _tell(tx: Transaction, person: str, message: Message) -> None:
    inbox = inbox_of(tx, person)
    inbox = replace(inbox, messages=(*inbox.messages, message)[-KEPT:])
    details: Details = {"of": message.seq, "title": message.title}
    tx.write(inbox, Entry(CLOCK, "message.told", person, message.project, message.clause, details=details))
