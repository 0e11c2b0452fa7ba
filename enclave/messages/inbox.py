"""What each person has been told, what they have read of it, and the letters that wait to be sent.

The queue is the ledger itself: what must be told stands there in the transaction that caused it. A round of the
clocks reads on from where the last one stopped, and writes messages and letters with the place it has come to, all
at once; so nothing is told twice, and nothing is lost by a crash. What cannot be told is kept with that place, holds
up nothing else, and is tried again.

Source: EM XI.B; EM XVII.B.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import ClassVar

from enclave.destruction import Guard
from enclave.ledger import Details, Entry
from enclave.messages.rules import Event, Rule, decide
from enclave.people import CLOCK
from enclave.store import Store, Transaction, View

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
    """How far the ledger has been read, the letters that wait, and the last of those that were given up.

    Parameters
    ----------
    again : tuple of int
        Entries of which somebody could not be told.
    """

    KIND: ClassVar[str] = "post"
    taken: int
    waiting: tuple[Letter, ...] = ()
    given_up: tuple[Letter, ...] = ()
    again: tuple[int, ...] = ()
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


def take_in(store: Store, now: datetime, guard: Guard, *, by_mail: bool) -> int:
    """Tell everybody of what has been entered since the last round; give the number of messages.

    Where there was no round before, of yesterday and today: who begins to be told is not told of years.

    Source: EM XI.B; EM XVII.B.

    Parameters
    ----------
    guard : Guard
        Takes what cannot be told.
    """
    with store.view() as view:
        known, size = post_of(view), view.frontier().size
        decided, again = _decided(view, _news(view, known, size), guard)
    before = known or Post(max(0, size - _PASSED_OVER))
    if not decided and known and again == known.again and size - known.taken <= _PASSED_OVER:
        return 0
    with store.transaction() as tx:
        for person, _, message in decided:
            _tell(tx, person, message)
        letters = [Letter(person, message, now, now) for person, rule, message in decided if by_mail and rule.by_mail]
        post = post_of(tx) or before
        post = replace(post, taken=size, waiting=(*post.waiting, *letters), again=again)
        details: Details = {"taken": size, "told": len(decided), "letters": len(letters), "again": len(again)}
        tx.write(post, Entry(CLOCK, "message.take-in", POST, "", "EM XVII.B", details=details))
    return len(decided)


_Decided = list[tuple[str, Rule, Message]]


def _news(view: View, known: Post | None, size: int) -> Iterator[Event]:
    """Give what was entered since the last round, after what could not be told then."""
    for seq in known.again if known else ():
        yield from (entry for entry in view.entries(since=seq) if entry["seq"] == seq)
    yesterday = (view.today - timedelta(days=1)).isoformat()
    for entry in view.entries(since=known.taken if known else max(0, size - _PASSED_OVER)):
        if known or entry["day"] >= yesterday:
            yield entry


def _decided(view: View, news: Iterable[Event], guard: Guard) -> tuple[_Decided, tuple[int, ...]]:
    """Decide whom to tell what; give also the entries of which somebody could not be told."""
    decided, again = _Decided(), list[int]()
    for entry in news:
        faults = len(guard.stuck)
        with guard.over(f"messages of {entry['action']}", entry["project"], "EM XI.B"):
            for person, rule in decide(view, entry):
                with guard.over(f"messages to {person}", entry["project"], "EM XI.B"):
                    if all(message.seq != entry["seq"] for message in inbox_of(view, person).messages):
                        decided.append((person, rule, _message(entry, rule)))
        if len(guard.stuck) > faults:
            again.append(entry["seq"])
    return decided, tuple(again[-KEPT:])


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
